"""Parquet files, read block by block."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

NUMBERS = 1 << 20
"""Numbers of a block."""
_BUFFER = 1 << 18
"""Bytes of a column that are read at a time: a row group may be larger than memory."""


class ParquetSource:
    """The rows of Parquet files with the same columns, one file after the other.

    Parameters
    ----------
    path : str, path-like or sequence of these
        A file, a directory of files whose names end in ``.parquet``, those in directories within too, in the
        order of their names; or several of these.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    FileNotFoundError
        If there is no such file.
    ValueError
        If a file is not a Parquet file, or there is none.
    """

    def __init__(self, path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> None:
        try:
            import pyarrow
            import pyarrow.parquet as parquet
        except ImportError as error:
            raise ImportError("reading Parquet needs pyarrow: pip install 'ferroprop[parquet]'") from error
        self._arrow, self._parquet = pyarrow, parquet
        self.files = _files(path)
        self.n_rows = 0
        self.size = 0
        """Bytes of all columns, as encoded but not compressed."""
        self.schema: Any = None
        for file in self.files:
            with self._opened(file) as opened:
                self.n_rows += opened.metadata.num_rows
                for group in range(opened.metadata.num_row_groups):
                    self.size += opened.metadata.row_group(group).total_byte_size
                if self.schema is None:
                    self.schema = opened.schema_arrow

    @property
    def names(self) -> list[str]:
        """The names of the columns, those of the first file."""
        return list(self.schema.names)

    def _opened(self, file: Path) -> Any:
        try:
            return self._parquet.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
        except self._arrow.ArrowInvalid as error:
            raise ValueError(f"path must be a Parquet file, got {file} ({error})") from None

    def check_columns(self, argument: str, columns: Sequence[str]) -> None:
        """Refuse columns that are not there, or there twice."""
        names = self.names
        for name in columns:
            if name not in names:
                close = get_close_matches(str(name), names, n=1, cutoff=0.6)
                hint = (
                    f"did you mean {close[0]!r}?" if close else f"it has {', '.join(map(repr, names[:20]))}"
                )
                raise ValueError(f"{argument} must be columns of {self.files[0].name}, got {name!r}; {hint}")
            if names.count(name) > 1:
                raise ValueError(f"{argument} must be columns of which there is one, got {name!r}")

    def blocks(self, columns: Sequence[str]) -> Iterator[Any]:
        """Yield the columns as Arrow's record batches of some thousand rows.

        Raises
        ------
        ValueError
            If a file lacks a column, or has it in another type.
        """
        rows = max(64, NUMBERS // max(1, len(columns)))
        wanted = [self.schema.field(name) for name in columns]
        for file in self.files:
            with self._opened(file) as opened:
                schema = opened.schema_arrow
                for field in wanted:
                    found = [one.type for one in schema if one.name == field.name]
                    if found != [field.type]:
                        got = f"type {found[0]}" if found else "none"
                        raise ValueError(
                            f"all files must have the columns of {self.files[0].name}; of {field.name!r} it "
                            f"has type {field.type}, and {file.name} {got}"
                        )
                for batch in opened.iter_batches(rows, columns=list(columns), use_threads=False):
                    yield batch.select(list(columns))


def _files(path: Any) -> list[Path]:
    try:
        several = list(map(Path, [path] if isinstance(path, (str, os.PathLike)) else path))
    except TypeError:
        raise TypeError(f"path must be a path or a sequence of paths, got {path!r}") from None
    files = []
    for one in several:
        if one.is_dir():
            inside = sorted(file for file in one.rglob("*.parquet") if file.is_file())
            if not inside:
                raise ValueError(f"path must be a directory of files *.parquet, got {one} without any")
            files += inside
        elif one.exists():
            files.append(one)
        else:
            raise FileNotFoundError(f"path must be a Parquet file or a directory of them, got {one}")
    if not files:
        raise ValueError("path must be at least one Parquet file, got none")
    return files
