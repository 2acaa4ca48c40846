"""A column to predict."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroprop.io._columns import check_is_numeric, is_text, numbers
from ferroprop.io._source import ParquetSource

MOST_CLASSES = 100_000


class Target:
    """A column to predict.

    Parameters
    ----------
    source : ParquetSource
        The table.
    name : str
        The column.
    dtype : dtype
        The type of fractions.
    """

    def __init__(self, source: ParquetSource, name: str, dtype: np.dtype[Any]) -> None:
        self.name = name
        self.classes: list[str] | None = None
        kind = source.schema.field(name).type
        if is_text(kind):
            self.dtype: np.dtype[Any] = np.dtype(np.int64)
            self.classes = self._classes(source)
            self._numbers = {text: number for number, text in enumerate(self.classes)}
            return
        import pyarrow as pa

        try:
            check_is_numeric(name, kind)
        except ValueError:
            raise ValueError(
                f"target must hold numbers, booleans or text, got {name!r} of type {kind}"
            ) from None
        plain = kind.value_type if pa.types.is_dictionary(kind) else kind
        if pa.types.is_boolean(plain):
            self.dtype = np.dtype(bool)
        elif pa.types.is_integer(plain):
            self.dtype = np.dtype(np.int64)
        else:
            self.dtype = dtype

    def _classes(self, source: ParquetSource) -> list[str]:
        classes: set[str] = set()
        for batch in source.blocks([self.name]):
            classes.update(text for text in batch.column(0).unique().to_pylist() if text is not None)
            if len(classes) > MOST_CLASSES:
                raise ValueError(
                    f"target must be a column of classes, got {self.name!r} with more than "
                    f"{MOST_CLASSES:,} different texts"
                )
        return sorted(classes)

    def values(self, column: Any, first: int) -> NDArray[Any]:
        """Return a block of it in the type of the targets; `first` is the number of its first row."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if column.null_count:
            row = first + pc.index(pc.is_null(column), True).as_py()
            raise ValueError(f"target must have no missing values, got one in {self.name!r} in row {row}")
        if self.classes is not None:
            if not pa.types.is_dictionary(column.type):
                column = column.dictionary_encode()
            known = np.array([self._numbers[text] for text in column.dictionary.to_pylist()], np.int64)
            codes: NDArray[Any] = column.indices.to_numpy(zero_copy_only=False)
            named: NDArray[Any] = known[codes]
            return named
        values = numbers(column)
        with np.errstate(over="ignore", invalid="ignore"):
            converted = values.astype(self.dtype)
        if self.dtype.kind == "f" and not np.isfinite(converted).all():
            row = int(np.flatnonzero(~np.isfinite(converted))[0])
            raise ValueError(
                f"target must hold finite numbers that {self.dtype} can hold, got {values[row]} in "
                f"{self.name!r} in row {first + row}"
            )
        if values.dtype == np.uint64 and values.size and values.max() > np.iinfo(np.int64).max:
            raise ValueError(
                f"target must hold numbers that int64 can hold, got {values.max()} in {self.name!r}"
            )
        return converted
