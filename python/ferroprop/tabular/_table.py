"""Reading tables of any kind, column by column.

This module alone reads data frames (of pandas, polars, Arrow and all other libraries that narwhals supports)
and arrays. It turns each column into one of three kinds: numbers (float64, NaN is missing), dates
(datetime64[us], NaT is missing) and objects (Python values, of which `Column.categories` makes levels).
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import math
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NoReturn, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse

from ferroprop.estimators._sklearn import check_array, validate_data
from ferroprop.estimators._typing import Array
from ferroprop.tabular._zones import UNKNOWN, check_zone, clock_of, name_of, zone_of

Kind: TypeAlias = Literal["number", "category", "date"]

_TRUTH = {"true": True, "false": False}
"""The texts that are booleans where the other values are."""
_ONE_VALUE = (
    "Each row of a column must have one value: make columns of the parts, or text if the whole is a category."
)
_SECOND = np.timedelta64(1_000_000, "us")


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
        Its numbers as Python has them, None for missing, if float64 does not hold them all; levels are made
        of them.
    """

    name: str
    values: Array
    is_categorical: bool = False
    rows: Array | None = None
    zone: str | None = UNKNOWN
    exact: Array | None = None

    @cached_property
    def categories(self) -> tuple[Array, list[str]]:
        """The level number of each value, -1 if missing, and the sorted levels."""
        return _categories_of(self.values if self.exact is None else self.exact)

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


# ---- from a table to columns ----------------------------------------------------------------------------


def read_table(
    estimator: Any, X: Any, *, reset: bool, argument: str = "X", zones: Sequence[str | None] = ()
) -> list[Column]:
    """Return the columns of a data frame, an Arrow table or an array.

    Parameters
    ----------
    estimator : estimator
        With `reset` it gets `n_features_in_` and `feature_names_in_`, else `X` is compared with them.
    X : table
        The user's table.
    reset : bool
        Whether this is a fit.
    argument : str
        The name of `X` in messages.
    zones : sequence of str or None
        The time zone of each column in the fit; empty if this is the fit.
    """
    frame = _frame(X)
    if frame is None:
        array = _checked_array(estimator, X, argument)
        validate_data(estimator, array, reset=reset, skip_check_array=True)
        zones = zones or [UNKNOWN] * array.shape[1]
        return [
            _column_of_array(f"x{place}", array[:, place], argument, zone) for place, zone in enumerate(zones)
        ]
    n_rows, n_columns = frame.shape
    # in scikit-learn's words
    if n_columns == 0:
        raise ValueError(
            f"Found array with 0 feature(s) (shape=({n_rows}, 0)) while a minimum of 1 is required."
        )
    if n_rows == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape=(0, {n_columns})) while a minimum of 1 is required."
        )
    validate_data(estimator, nw.to_native(frame), reset=reset, skip_check_array=True)
    zones = zones or [UNKNOWN] * n_columns
    return [
        _column_of_frame(frame.get_column(name), argument, zone)
        for name, zone in zip(frame.columns, zones, strict=True)
    ]


def _frame(X: Any) -> nw.DataFrame[Any] | None:
    """Return a table as a data frame of narwhals, None if it is an array or a sequence."""
    if isinstance(X, (nw.DataFrame, nw.LazyFrame)):
        frame: Any = X
    else:
        frame = nw.from_native(X, pass_through=True)
        if not isinstance(frame, (nw.DataFrame, nw.LazyFrame)):
            if hasattr(X, "__arrow_c_stream__") and not hasattr(X, "__array__"):
                return _from_arrow(X)
            return None
    return frame.collect() if isinstance(frame, nw.LazyFrame) else frame


def _from_arrow(X: Any) -> nw.DataFrame[Any]:
    """Convert a table that only supports Arrow's C interface, with whichever library is installed."""
    for backend in ("pyarrow", "polars", "pandas"):
        try:
            return nw.DataFrame.from_arrow(X, backend=backend)
        except ModuleNotFoundError:
            continue
    raise TypeError(f"X is an Arrow stream ({type(X).__name__}); reading it needs pyarrow, polars or pandas.")


def _checked_array(estimator: Any, X: Any, argument: str) -> Array:
    if scipy.sparse.issparse(X):
        raise TypeError(
            f"Sparse data was passed for {argument}, but dense data is required. Use '.toarray()' to convert "
            "it to a dense array."
        )
    if isinstance(X, (list, tuple)) and np.asarray(X).dtype.kind in "USO":
        X = np.array(X, dtype=object)  # text does not turn the numbers beside it into text
    if np.ma.is_masked(X):
        X = np.where(
            np.ma.getmaskarray(X), np.array(None), np.ma.getdata(X)
        )  # scikit-learn would take what lies under the mask
    array: Array = check_array(
        X, dtype=None, ensure_all_finite=False, estimator=estimator, input_name=argument
    )
    return array


def _column_of_array(name: str, values: Array, argument: str, zone: str | None = UNKNOWN) -> Column:
    kind = values.dtype.kind
    if kind in "fiub":
        floats = _finite(name, values.astype(np.float64), argument)
        return Column(
            name, floats, exact=_exact(values.tolist()) if kind in "iu" and _is_far(floats) else None
        )
    if kind == "M":
        dates = values.astype("datetime64[us]")
        if np.isnat(values).all():
            return Column(name, dates)
        check_zone(name, None, zone)
        return Column(name, dates, zone=None)
    if kind == "m":
        return Column(name, _seconds(values))
    if kind == "c":
        raise ValueError(
            f"Complex data not supported: column {name!r} of {argument} has dtype {values.dtype}."
        )
    if kind in "UO":
        return _column_of_objects(name, values.astype(object).tolist(), argument, zone)
    if kind == "S":
        return Column(name, _objects([value.decode(errors="backslashreplace") for value in values.tolist()]))
    raise TypeError(
        f"Column {name!r} of {argument} has dtype {values.dtype}, which is none that a table has."
    )


def _column_of_frame(series: nw.Series[Any], argument: str, zone: str | None) -> Column:
    name, dtype = str(series.name), series.dtype
    if dtype.is_numeric() or dtype == nw.Boolean:
        try:
            values = np.asarray(series.cast(nw.Float64).to_numpy(), dtype=np.float64)
        except ValueError:  # Arrow does not round whole numbers
            values = _floats(_objects(series.to_list()))
        _finite(name, values, argument)
        exact = _exact(series.to_list()) if dtype.is_integer() and _is_far(values) else None
        return Column(name, values, exact=exact)
    if dtype in (nw.Date, nw.Datetime, nw.Duration):
        own = getattr(dtype, "time_zone", None)
        if own is not None:
            native = getattr(getattr(series.to_native(), "dtype", None), "tz", None)  # of pandas
            return _column_with_zone(series, own if native is None else name_of(native), zone)
        values = series.to_numpy()
        if values.dtype != object:
            return _column_of_array(name, values, argument, zone)
    if dtype in (nw.Categorical, nw.Enum):
        return Column(name, _objects(series.to_list()), is_categorical=True)
    if dtype.is_nested():
        raise TypeError(f"Column {name!r} of {argument} has dtype {dtype}. {_ONE_VALUE}")
    if dtype == nw.Unknown:
        values = series.to_numpy()
        if values.dtype != object:
            return _column_of_array(name, values, argument, zone)
    return _column_of_objects(name, series.to_list(), argument, zone)


def _column_with_zone(series: nw.Series[Any], own: str, zone: str | None) -> Column:
    """Convert a column of dates with a time zone to what a clock shows in the zone of the fit."""
    name = str(series.name)
    if series.is_null().all():
        return Column(name, np.full(len(series), np.datetime64("NaT", "us")))
    check_zone(name, own, zone)
    if zone is None or zone in (own, UNKNOWN):
        clock = series.dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
        return Column(name, clock, zone=own)
    instants = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy()
    return Column(name, clock_of(name, instants, zone), zone=zone)


def _column_of_objects(name: str, values: list[Any], argument: str, zone: str | None = UNKNOWN) -> Column:
    """Convert a column of Python objects to numbers or dates if all of them are; otherwise to objects."""
    kinds = set(map(type, values))
    if any(kind.__hash__ is None for kind in kinds):  # as of all that hold several values
        row = next(row for row, value in enumerate(values) if type(value).__hash__ is None)
        raise TypeError(
            f"Column {name!r} of {argument} has a {type(values[row]).__name__} in row {row}, "
            f"{values[row]!r:.60}. {_ONE_VALUE}"
        )
    groups = {_group(kind) for kind in kinds} - {"missing"}
    objects = _objects([None if is_missing(value) else value for value in values])
    present = objects[[value is not None for value in objects]]
    if len(present) == 0:
        return Column(name, np.full(len(values), np.nan))
    if any(isinstance(value, numbers.Complex) and not isinstance(value, numbers.Real) for value in present):
        raise ValueError(f"Complex data not supported: column {name!r} of {argument} has complex numbers.")
    if groups == {"number"}:
        floats = _finite(name, _floats(objects), argument, objects)
        return Column(name, floats, exact=_exact(objects.tolist()) if _is_far(floats) else None)
    if groups == {"date"}:
        return _column_of_dates(name, objects, zone)
    if groups == {"duration"}:
        spans = [np.timedelta64("NaT") if value is None else np.timedelta64(value) for value in objects]
        return Column(name, _seconds(np.array(spans, dtype="timedelta64[us]")))
    if groups == {"time"}:
        return Column(name, np.array([np.nan if value is None else _time(value) for value in objects]))
    return Column(name, objects)


def _group(kind: type) -> str:
    """Return the kind of the values of a Python type."""
    if kind is type(None) or kind.__name__ in ("NAType", "NaTType"):
        return "missing"
    if issubclass(kind, (numbers.Real, decimal.Decimal, np.bool_, np.number)):
        return "number"
    if issubclass(kind, (datetime.date, np.datetime64)):
        return "date"
    if issubclass(kind, (datetime.timedelta, np.timedelta64)):
        return "duration"
    return "time" if issubclass(kind, datetime.time) else "text"


def truth_of(value: Any) -> bool | None:
    """Return the boolean that a text spells, None if it spells none or is no text."""
    return _TRUTH.get(value.strip().lower()) if isinstance(value, str) else None


def is_missing(value: Any) -> bool:
    """Tell whether a Python value means missing: None, NaN, NaT, pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, (float, decimal.Decimal, np.floating, np.datetime64, np.timedelta64)):
        return bool(value != value)
    return False


def _objects(values: Sequence[Any]) -> Array:
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):  # NumPy would look into lists
        array[place] = None if is_missing(value) else value
    return array


def _floats(objects: Array) -> Array:
    return np.array([np.nan if value is None else _float(value) for value in objects], dtype=np.float64)


def _float(value: Any) -> float:
    """Return a number as a float; one that is too large for it is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _is_far(floats: Array) -> bool:
    """Tell whether some numbers are so far from 0 that float64 does not hold all whole numbers there."""
    return bool((np.abs(floats) >= 2.0**53).any())


def _exact(values: list[Any]) -> Array:
    """Return numbers as Python has them: whole ones as int, others as float."""
    exact = _objects(values)
    for place, value in enumerate(exact):
        if value is not None:
            whole = math.trunc(value)
            exact[place] = whole if value == whole else float(value)
    return exact


def _seconds(spans: Array) -> Array:
    seconds: Array = spans.astype("timedelta64[us]") / _SECOND
    return seconds


def _column_of_dates(name: str, objects: Array, zone: str | None) -> Column:
    """Convert Python dates, each by its own time zone if it has one."""
    own = [UNKNOWN if value is None else zone_of(value) for value in objects]
    present = {one for one in own if one != UNKNOWN}
    for one in present:
        check_zone(name, one, zone)
    common = present.pop() if len(present) == 1 else UNKNOWN
    if zone in (UNKNOWN, common):
        dates = [np.datetime64("NaT") if value is None else _clock(value) for value in objects]
        return Column(name, np.array(dates, dtype="datetime64[us]"), zone=common)
    instants = [np.datetime64("NaT") if value is None else _clock(value, datetime.UTC) for value in objects]
    return Column(name, clock_of(name, np.array(instants, dtype="datetime64[us]"), str(zone)), zone=zone)


def _clock(value: Any, zone: datetime.tzinfo | None = None) -> np.datetime64:
    """Return the time that a clock shows, in the zone of the value if none is given."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = (value if zone is None else value.astimezone(zone)).replace(tzinfo=None)
    return np.datetime64(value)


def _time(value: datetime.time) -> float:
    return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6


def _finite(name: str, values: Array, argument: str, given: Array | None = None) -> Array:
    """Return numbers if they are finite; `given` are those that were converted to them."""
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        _refuse_infinity(name, values[row] if given is None else given[row], row, argument)
    return values


def _refuse_infinity(name: str, value: Any, row: int, argument: str) -> NoReturn:
    try:
        shown = f"{value!s:.60}"
    except ValueError:  # Python does not write whole numbers of thousands of digits
        shown = "a number of thousands of digits"
    raise ValueError(
        f"Input {argument} contains infinity: column {name!r} has {shown} in row {row}. Replace it by a "
        "number that float64 holds, or by NaN where it is not known."
    )


# ---- from a column to numbers, categories, dates ---------------------------------------------------------


def kind_of(column: Column) -> Kind:
    """Return the kind of a column: by its dtype, or by its values if its dtype is object.

    Numbers with some text among them, in at most as many rows as numbers, are numbers.
    """
    if column.is_categorical:
        return "category"
    if column.values.dtype != object:
        return "date" if column.values.dtype.kind == "M" else "number"
    present = [value for value in column.values if value is not None]
    counted = sum(_group(type(value)) == "number" for value in present)
    return "number" if 2 * counted >= len(present) else "category"


def with_truths(column: Column) -> Column:
    """Return a column with booleans for its texts if its other values are booleans and all texts spell some.

    This is for columns that may be numbers; the levels of categories are the texts as they are.
    """
    if column.is_categorical or column.values.dtype != object:
        return column
    kinds = {type(value) for value in column.values if value is not None}
    others = {kind for kind in kinds if not issubclass(kind, str)}
    if not others or others == kinds or not all(issubclass(kind, (bool, np.bool_)) for kind in others):
        return column
    truths = [truth_of(value) if isinstance(value, str) else value for value in column.values]
    if any(truth is None and value is not None for truth, value in zip(truths, column.values, strict=True)):
        return column
    return replace(column, values=_floats(_objects(truths)))


def numbers_of(column: Column, stray: Iterable[str] = (), *, is_boolean: bool = False) -> Array:
    """Return a column as float64.

    Parameters
    ----------
    column : Column
        The column.
    stray : iterable of str
        Texts that count as missing; any other text is an error.
    is_boolean : bool
        Whether "true" and "false" are numbers, unless they are stray.
    """
    if column.values.dtype.kind == "M":
        raise ValueError(f"Column {column.name!r} was numbers in fit and is dates now.")
    if column.values.dtype != object:
        return column.values
    stray = frozenset(stray)
    numbers_ = np.full(len(column.values), np.nan)
    for row, value in enumerate(column.values):
        if value is None:
            continue
        number = as_number(value)
        if number is None and is_boolean and text_of(value) not in stray:
            number = truth_of(value)
        if number is not None:
            if math.isinf(number):
                _refuse_infinity(column.name, value, column.row(row), "X")
            numbers_[row] = number
        elif text_of(value) not in stray:
            raise ValueError(
                f"Column {column.name!r} was numbers in fit, got {text_of(value)!r:.60} in row "
                f"{column.row(row)}. Use None or NaN where a number is not known."
            )
    return numbers_


def stray_text(column: Column) -> dict[str, int]:
    """Return the texts among the numbers of a column, each with its first row, in the order of these rows."""
    found: dict[str, int] = {}
    if column.values.dtype == object:
        for row, value in enumerate(column.values):
            if value is not None and as_number(value) is None:
                text = text_of(value)
                found[text] = min(column.row(row), found.get(text, column.row(row)))
    return dict(sorted(found.items(), key=lambda one: one[1]))


def as_number(value: Any) -> float | None:
    """Return a value as a number, None if it is not one."""
    if not isinstance(value, str) and _group(type(value)) != "number":
        return None
    try:
        number = _float(value)
    except ValueError:
        return None
    return None if number != number else number


def _categories_of(values: Array) -> tuple[Array, list[str]]:
    """Return the level number of each value, -1 if missing, and the sorted levels.

    A level is text. Values with the same text are the same level, so the levels do not depend on the library
    that a table is from.
    """
    if values.dtype != object:
        present = ~np.isnat(values) if values.dtype.kind == "M" else ~np.isnan(values)
        distinct, inverse = np.unique(values[present], return_inverse=True)
        places = np.full(len(values), -1, dtype=np.intp)
        places[present] = inverse
        texts = [text_of(value) for value in distinct.tolist()]
    else:
        known: dict[Any, int] = {}
        places = np.empty(len(values), dtype=np.intp)
        texts = []
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
    levels = sorted(set(texts))
    order = {level: place for place, level in enumerate(levels)}
    renumbered = np.array([*(order[text] for text in texts), -1], dtype=np.intp)
    codes: Array = renumbered[places]
    return codes, levels


def text_of(value: Any) -> str:
    """Return the text of a level: 1 and 1.0 are the same level."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (numbers.Real, decimal.Decimal)):
        with contextlib.suppress(OverflowError):  # of infinity
            whole = math.trunc(value)
            return str(whole if value == whole else value)
    return str(value)


def dates_of(column: Column) -> Array:
    """Return a column as datetime64[us]."""
    if column.values.dtype.kind == "M":
        return column.values
    if column.values.dtype != object and np.isnan(column.values).all():
        return np.full(len(column.values), np.datetime64("NaT", "us"))
    row = next(row for row, value in enumerate(column.values) if not is_missing(value))
    raise ValueError(
        f"Column {column.name!r} was dates in fit, got {text_of(column.values[row])!r:.60} in row "
        f"{column.row(row)}."
    )
