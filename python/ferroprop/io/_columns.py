"""Columns of a block as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_is_numeric(name: str, kind: Any) -> None:
    """Refuse a column of inputs that holds no numbers.

    Parameters
    ----------
    name : str
        The column.
    kind : pyarrow.DataType
        Its type.
    """
    if not _is_numeric(kind):
        raise ValueError(
            f"columns must hold numbers or booleans, got {name!r} of type {kind}: name the columns to learn "
            "from, or make numbers of it first (a column for each category, days since the first date)"
        )


def _is_numeric(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_numeric(kind.value_type)
    return bool(
        types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    )


def is_text(kind: Any) -> bool:
    """Tell whether a column holds text."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def numbers(column: Any) -> NDArray[Any]:
    """Return a column of Arrow's as numbers or booleans; NaN where one is missing."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if column.null_count and not pa.types.is_floating(column.type):
        column = column.cast(pa.float64(), safe=False)
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values


def matrix(batch: Any, dtype: np.dtype[Any], first: int, fill_value: float | None) -> NDArray[Any]:
    """Return the columns of a batch side by side.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        Columns of numbers.
    dtype : dtype
        The type of the result.
    first : int
        The number of its first row, for messages.
    fill_value : float or None
        What stands for missing numbers; None if there must be none.

    Raises
    ------
    ValueError
        If a number is missing, infinite or too large for `dtype`; the message names column and row.
    """
    rows = np.empty((batch.num_rows, batch.num_columns), dtype)
    for place, name in enumerate(batch.schema.names):
        values = numbers(batch.column(place))
        if fill_value is not None and values.dtype.kind == "f":
            values = np.where(np.isnan(values), fill_value, values)
        with np.errstate(over="ignore", invalid="ignore"):
            rows[:, place] = values
        if not np.isfinite(rows[:, place]).all():
            raise ValueError(_about(name, values, rows[:, place], first))
    return rows


def _about(name: str, values: NDArray[Any], converted: NDArray[Any], first: int) -> str:
    row = int(np.flatnonzero(~np.isfinite(converted))[0])
    if np.isnan(values[row]):
        return (
            f"columns must have no missing numbers, got one in {name!r} in row {first + row}: give a "
            "fill_value, or leave the column or the rows out"
        )
    what = "finite numbers" if np.isinf(values[row]) else f"numbers that {converted.dtype} can hold"
    return f"columns must hold {what}, got {values[row]} in {name!r} in row {first + row}"
