"""Series as they are given: checks, and the names of their columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Series = NDArray[Any]
"""One series: (steps, columns)."""


def is_several(values: Any) -> bool:
    """Tell whether these are several series: a list or tuple of series, or an array of three dimensions."""
    if isinstance(values, (list, tuple)):
        return bool(values) and all(np.ndim(part) >= 1 for part in values)
    return np.ndim(values) == 3


def of_series(name: str, number: int | None) -> str:
    """Return the name of an argument or, if there are several series, of one of them."""
    return name if number is None else f"{name}[{number}]"


def checked_series(values: Any, name: str) -> list[Series]:
    """Return the series as arrays (steps, columns) of finite floating-point numbers of one dtype."""
    several = is_several(values)
    parts = list(values) if several else [values]
    if not parts:
        raise ValueError(f"{name} must hold at least one series, got none.")
    series = [_one(part, of_series(name, number if several else None)) for number, part in enumerate(parts)]
    for number, part in enumerate(series):
        if part.shape[1] != series[0].shape[1]:
            raise ValueError(
                f"{name}[{number}] must have as many columns as {name}[0], {series[0].shape[1]}, "
                f"got {part.shape[1]}."
            )
    dtype = np.result_type(*series)
    return [part.astype(dtype, copy=False) for part in series]


def _one(values: Any, name: str) -> Series:
    if np.ma.isMaskedArray(values):
        raise TypeError(
            f"{name} must be an array without a mask; where a series has gaps, give the pieces between "
            "them as a list."
        )
    array = np.asarray(values)
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{name} must hold numbers, got objects such as {array.flat[0]!r}.") from None
    if array.dtype.kind not in "biufc":
        raise ValueError(f"{name} must hold numbers, got dtype {array.dtype}.")
    if array.ndim not in (1, 2) or 0 in array.shape:
        raise ValueError(
            f"{name} must be a series of shape (steps,) or (steps, columns), got shape {array.shape}."
        )
    if array.dtype not in (np.float32, np.complex64):
        array = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64, copy=False)
    series = array.reshape(len(array), -1)
    finite = np.isfinite(series)
    if not finite.all():
        step, column = (int(place) for place in np.argwhere(~finite)[0])
        where = f"step {step}" if array.ndim == 1 else f"step {step}, column {column}"
        raise ValueError(
            f"{name} must hold finite numbers, got {series[step, column]} at {where}; where a series has "
            "gaps, give the pieces between them as a list."
        )
    return series


def is_one_column(values: Any) -> bool:
    """Tell whether a series, or each of several, has one dimension."""
    first = values[0] if is_several(values) else values
    return np.ndim(first) == 1


def column_names(values: Any, letter: str) -> list[str]:
    """Return the names of the columns: those of a data frame or a named series, else from the letter."""
    first = values[0] if is_several(values) else values
    columns = getattr(first, "columns", None)
    if columns is not None:
        return [str(column) for column in columns]
    name = getattr(first, "name", None)
    if np.ndim(first) == 1:
        return [name if isinstance(name, str) else letter]
    return [f"{letter}{column}" for column in range(np.shape(first)[1])]
