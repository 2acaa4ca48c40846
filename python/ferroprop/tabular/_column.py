"""A column of a table, and its values as categories."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from ferroprop.estimators._typing import Array
from ferroprop.tabular._cells import text_of
from ferroprop.tabular._zones import UNKNOWN


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
        Its name, "x0", "x1" ... in an array.
    values : ndarray of shape (n_rows,)
        float64, datetime64[us] or objects.
    is_categorical : bool
        Whether its dtype says that its values are categories, even if they look like numbers.
    rows : ndarray of shape (n_rows,) or None
        The rows of the user's table that its values are from, None if they are all of it, in order.
    zone : str or None
        The time zone in which its dates are read, None without one; empty if it has several, or no dates.
    exact : ndarray of shape (n_rows,) or None
        Its numbers if float64 does not hold them all, None if it does; levels are made of them. They are
        int64 or uint64, 0 for missing, or as Python has them, None for missing.
    argument : str
        What messages call the user's table.
    """

    name: str
    values: Array
    is_categorical: bool = False
    rows: Array | None = None
    zone: str | None = UNKNOWN
    exact: Array | None = None
    argument: str = "X"

    @cached_property
    def categories(self) -> tuple[Array, list[str]]:
        """The level number of each value, -1 if missing, and the sorted levels."""
        exact = self.values if self.exact is None else self.exact
        if exact.dtype == object:
            return _levels_of_objects(exact)
        return _levels_of(exact, ~np.isnat(exact) if exact.dtype.kind == "M" else ~np.isnan(self.values))

    def row(self, place: int) -> int:
        """Return the row of the user's table that a value is from."""
        return place if self.rows is None else int(self.rows[place])

    def take(self, rows: Array) -> Column:
        """Return the column with only these rows; levels that none of them has are kept."""
        places = np.flatnonzero(rows) if rows.dtype == bool else rows
        of_table = places if self.rows is None else self.rows[places]
        exact = None if self.exact is None else self.exact[rows]
        part = replace(self, values=self.values[rows], rows=of_table, exact=exact)
        if "categories" in self.__dict__:
            codes, levels = self.categories
            part.__dict__["categories"] = codes[rows], levels
        return part


def refuse_infinity(name: str, value: Any, row: int, argument: str) -> NoReturn:
    """Raise the error that tells of a number that is infinite, or is too large for float64."""
    try:
        shown = f"{value!s:.60}"
    except ValueError:  # Python does not write whole numbers of thousands of digits
        shown = "a number of thousands of digits"
    raise ValueError(
        f"Input {argument} contains infinity: column {name!r} has {shown} in row {row}. Replace it by a "
        "number that float64 holds, or by NaN where it is not known."
    )


def _levels_of(values: Array, present: Array) -> tuple[Array, list[str]]:
    """Return what `Column.categories` is; `present` tells which values are not missing."""
    distinct, inverse = np.unique(values[present], return_inverse=True)
    places = np.full(len(values), -1, dtype=np.intp)
    places[present] = inverse
    return _sorted(places, [text_of(value) for value in distinct.tolist()])


def _levels_of_objects(values: Array) -> tuple[Array, list[str]]:
    """Return what `Column.categories` is.

    A level is text. Values with the same text are the same level, so the levels do not depend on the library
    that a table is from.
    """
    known: dict[Any, int] = {}
    places = np.empty(len(values), dtype=np.intp)
    texts: list[str] = []
    of_text: dict[str, int] = {}
    for row, value in enumerate(values):
        if value is None:
            places[row] = -1
            continue
        key: Any = value if isinstance(value, str) else (type(value), value)
        try:
            place = known.get(key)
        except TypeError:  # a tuple that holds a list
            key = place = None
        if place is None:
            text = text_of(value)
            place = of_text.setdefault(text, len(texts))
            if place == len(texts):
                texts.append(text)
            if key is not None:
                known[key] = place
        places[row] = place
    return _sorted(places, texts)


def _sorted(places: Array, texts: list[str]) -> tuple[Array, list[str]]:
    levels = sorted(set(texts))
    order = {level: place for place, level in enumerate(levels)}
    renumbered = np.array([*(order[text] for text in texts), -1], dtype=np.intp)
    codes: Array = renumbered[places]
    return codes, levels
