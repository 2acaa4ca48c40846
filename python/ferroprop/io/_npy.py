"""Arrays that are written to a file row by row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ferroprop._core import _Replacement


class RowWriter:
    """The rows of an array that come one block after the other.

    Parameters
    ----------
    file : binary file
        Where they go.
    shape : tuple of int
        That of the whole array.
    dtype : dtype
        Its type.
    """

    def __init__(self, file: IO[bytes], shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self._file, self._shape, self._dtype = file, shape, np.dtype(dtype)
        self.rows = 0
        """Rows that are written."""
        form = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(file, form)

    def write(self, block: NDArray[Any]) -> None:
        """Write the next rows."""
        if block.shape[1:] != self._shape[1:] or self.rows + len(block) > self._shape[0]:
            raise RuntimeError(f"rows of shape {block.shape} came for an array of shape {self._shape}")
        np.ascontiguousarray(block, self._dtype).tofile(self._file)
        self.rows += len(block)

    def check_is_whole(self) -> None:
        """Refuse an array whose rows are not all there."""
        if self.rows != self._shape[0]:
            raise RuntimeError(f"{self._shape[0]} rows were announced, and {self.rows} came")


@contextmanager
def rows_to_file(path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> Iterator[RowWriter]:
    """Write an array of NumPy's format, which gets its name when it is whole.

    It is written, not mapped: where a disk is full, that is an OSError.
    """
    with _Replacement(path) as temporary, open(temporary, "wb", buffering=0) as file:
        writer = RowWriter(file, shape, dtype)
        yield writer
        writer.check_is_whole()
