"""Arrays in another type, block by block."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ferroprop.io._npy import rows_to_file

NUMBERS = 1 << 20
"""Numbers of a block."""


def memmap_from_array(
    array: NDArray[Any], path: str | os.PathLike[str], *, dtype: DTypeLike = "float32"
) -> NDArray[Any]:
    """Write an array to a file in another type, row by row in C order, and map it into memory.

    Trainings read a ``numpy.memmap`` of the network's dtype where it is, and copy one of another type to
    memory. This makes the first of the second, with memory for some thousand rows.

    Parameters
    ----------
    array : ndarray of any shape but ()
        For example a ``numpy.memmap`` of whole numbers, or in Fortran order.
    path : str or path-like
        The file, in NumPy's format; it is replaced whole or not at all. ``numpy.load(path, mmap_mode="r")``
        maps it again.
    dtype : dtype, default="float32"
        A type of real numbers or booleans. Numbers are rounded as by ``astype``: fractions to the next number
        that there is, in whole numbers towards 0.

    Returns
    -------
    mapped : numpy.memmap
        The array, to be read.

    Raises
    ------
    TypeError
        If the numbers are none, or have a mask.
    ValueError
        If the other type cannot hold a number: a finite one would be infinite in it, or another one.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from ferroprop.io import memmap_from_array
    >>> folder = Path(tempfile.mkdtemp())
    >>> X = memmap_from_array(np.arange(6).reshape(3, 2), folder / "X.npy")
    >>> type(X).__name__, X.dtype.name, X[1].tolist()
    ('memmap', 'float32', [2.0, 3.0])
    """
    array = array if isinstance(array, np.ndarray) else np.asarray(array)
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError("array must be an array without a mask, got MaskedArray")
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be a type of real numbers or booleans, got {dtype!r}") from None
    for name, kind in (("array", array.dtype), ("dtype", dtype)):
        if kind.kind not in "biuf":
            raise TypeError(f"{name} must be of real numbers or booleans, got dtype {kind}")
    if array.ndim == 0:
        raise ValueError("array must have at least one dimension, got shape ()")
    rows = max(1, NUMBERS // max(1, int(np.prod(array.shape[1:]))))
    path = Path(path)
    with rows_to_file(path, array.shape, dtype) as writer:
        for first in range(0, len(array), rows):
            block = array[first : first + rows]
            with np.errstate(over="ignore", invalid="ignore"):
                converted = block.astype(dtype)
            changed = _changed(block, converted)
            if changed.any():
                place = tuple(int(at) for at in np.argwhere(changed)[0])
                at = [first + place[0], *place[1:]]
                raise ValueError(f"array must hold numbers that {dtype} can hold, got {block[place]} at {at}")
            writer.write(converted)
    mapped: NDArray[Any] = np.load(path, mmap_mode="r")
    return mapped


def _changed(block: NDArray[Any], converted: NDArray[Any]) -> Any:
    """Tell which numbers are not held by the other type, as it rounds them."""
    if converted.dtype.kind == "b":
        return np.zeros(block.shape, bool)
    if converted.dtype.kind == "f":
        return np.isfinite(block) & ~np.isfinite(converted)
    if block.dtype.kind != "f":  # -1 and the greatest number have the same bits
        return (converted.astype(block.dtype) != block) | ((converted < 0) != (block < 0))
    limits = np.iinfo(converted.dtype)
    whole = np.trunc(block.astype(np.result_type(block.dtype, np.float64)))
    return ~((whole >= float(limits.min)) & (whole < float(limits.max) + 1.0))
