"""A table from CSV or Parquet, with everything needed to locate a cell and to write the file again."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ferroprop.cli.problem import Problem
from ferroprop.cli.reading.dialect import EXCELS_FIRST_LINE, Dialect, find_dialect
from ferroprop.cli.reading.encoding import Text, decode
from ferroprop.cli.reading.header import find_header, unique_names
from ferroprop.cli.reading.records import read_records
from ferroprop.cli.reading.source import name_of, read_bytes
from ferroprop.cli.wording import first_line

PARQUET_START = b"PAR1"
PARQUET_SUFFIXES = (".parquet", ".pq")
SAMPLE_LINES = 200
"""The number of lines that determine the separator and the header."""
SAMPLE_CHARACTERS = 1_000_000
"""The most characters of these lines; fewer lines, but at least five, if they are longer."""


@dataclass(frozen=True)
class Layout:
    """The user's options about a CSV file; the program determines those that are None.

    Parameters
    ----------
    separator : str or None
        One character.
    encoding : str or None
        A name that Python knows.
    header : int or None
        The number of the line with the names; 0 if there is none.
    quote : str
        The quotation mark; empty if there is none.
    """

    separator: str | None = None
    encoding: str | None = None
    header: int | None = None
    quote: str = '"'


@dataclass(frozen=True)
class OwnText:
    """The original CSV file, to be written again with added columns.

    Parameters
    ----------
    encoding : str
        Python's name of its encoding.
    mark : bytes
        The byte order mark that it began with.
    dialect : Dialect
        The separator and the quotation mark.
    before : str
        The lines before the header, with their line breaks.
    header : str or None
        The header line without its line break; None if there is none.
    rows : list of str
        The rows, likewise.
    line_break : str
        What ends its lines.
    """

    encoding: str
    mark: bytes
    dialect: Dialect
    before: str
    header: str | None
    rows: list[str]
    line_break: str


@dataclass(frozen=True)
class Table:
    """A table in memory.

    Parameters
    ----------
    name : str
        The file's name, for messages.
    frame : polars.DataFrame
        The columns; all of them text if it was a CSV file.
    lines : ndarray of int64 or None
        The line of the file on which each row begins; None for Parquet.
    dialect : Dialect or None
        The separator and the quotation mark; None for Parquet.
    layout : str
        How it was read, in words.
    notes : list of str
        Decisions that may be wrong.
    unnamed : list of str
        The columns that have no name in the file.
    own_text : OwnText or None
        The original file, if it is CSV and `keep_text` asked for it.
    rows : ndarray of int64 or None
        The numbers of the rows in a Parquet file; None if they are all of them.
    """

    name: str
    frame: pl.DataFrame
    lines: NDArray[np.int64] | None = None
    dialect: Dialect | None = None
    layout: str = ""
    notes: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    own_text: OwnText | None = None
    rows: NDArray[np.int64] | None = None

    @property
    def is_text(self) -> bool:
        """Whether the columns are text whose kinds must be decided."""
        return self.lines is not None

    def place(self, row: int) -> str:
        """Return the place of a row in the file.

        Examples
        --------
        >>> Table("t.csv", pl.DataFrame({"x": ["1", "2"]}), np.array([2, 5])).place(1)
        'line 5'
        """
        if self.lines is not None:
            return f"line {self.lines[row]}"
        return f"row {(row if self.rows is None else self.rows[row]) + 1}"


def read_table(
    path: Path, layout: Layout = Layout(), expected: Collection[str] = (), *, keep_text: bool = False
) -> Table:
    """Read a table.

    The content decides, not the name: a Parquet file is one that starts like one, everything else has to be
    text.

    Parameters
    ----------
    path : path
        A CSV file (also compressed) or a Parquet file; ``-`` is standard input.
    layout : Layout
        The user's options about the file.
    expected : collection of str
        Names that its header has if it is the right file.
    keep_text : bool
        Whether the text of a CSV file is needed to write it back.

    Returns
    -------
    Table
        The table, with at least one column; it may have no row.

    Raises
    ------
    Problem
        If there is no such file or it is not a table.
    """
    content = read_bytes(path)
    where = name_of(path)
    if content.startswith(PARQUET_START):
        return _read_parquet(content, path, where)
    if path.suffix.lower() in PARQUET_SUFFIXES:
        raise Problem(f"TABLE: '{path}' is not a Parquet file, though its name says so")
    text = decode(content, layout.encoding, where)
    del content
    return _read_csv(text, layout, expected, where, keep_text=keep_text)


def _read_parquet(content: bytes, path: Path, where: str) -> Table:
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Problem(f"TABLE: '{path}' is not a readable Parquet file: {first_line(error)}") from error
    if frame.width == 0:
        raise Problem(f"TABLE: '{where}' has no columns")
    names, notes = unique_names(frame.columns)
    return Table(
        where,
        frame.rename(dict(zip(frame.columns, names, strict=True))),
        layout="Parquet",
        notes=notes,
        unnamed=_unnamed(frame.columns, names),
    )


def _read_csv(text: Text, layout: Layout, expected: Collection[str], where: str, *, keep_text: bool) -> Table:
    lines = io.StringIO(text.text, newline="")
    sample = _sample(lines)
    skipped, separator, notes = 0, layout.separator, [text.note] if text.note else []
    if sample and (excels := EXCELS_FIRST_LINE.fullmatch(sample[0])):
        separator = separator or excels[1]
        sample, skipped = sample[1:], 1
    dialect = find_dialect(sample, separator, layout.quote)
    header = find_header(sample, dialect, layout.header, expected, where, skipped)
    notes += header.notes
    lines.seek(0)
    before = list(islice(lines, header.first - 1))
    records = read_records(lines, dialect, header, where, keep_text=keep_text)
    names = f"header in line {header.line}" if header.line else "no header"
    own_text = None
    if keep_text:
        line_break = next(
            (sign for sign in ("\r\n", "\n", "\r") if sample and sample[0].endswith(sign)), "\n"
        )
        start = header.line - 1 if header.line else len(before)
        own_header = "".join(before[start:]).rstrip("\r\n") if header.line else None
        if own_header is not None:
            own_header += dialect.separator * (len(header.names) - len(header.cells))
        rows = records.own_text or []
        own_text = OwnText(
            text.encoding, text.mark, dialect, "".join(before[:start]), own_header, rows, line_break
        )
    return Table(
        where,
        records.frame,
        records.lines,
        dialect,
        f"{text.name}, separator {dialect.name}, {names}",
        [*notes, *records.notes],
        _unnamed(header.cells, header.names),
        own_text,
    )


def _sample(lines: io.StringIO) -> list[str]:
    sample: list[str] = []
    characters = 0
    for line in lines:
        sample.append(line)
        characters += len(line)
        if len(sample) >= SAMPLE_LINES or (len(sample) >= 5 and characters > SAMPLE_CHARACTERS):
            break
    return sample


def _unnamed(own: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the names made up for columns without one."""
    padded = [*own, *[""] * (len(names) - len(own))]
    return [name for name, cell in zip(names, padded, strict=True) if own and not cell.strip()]
