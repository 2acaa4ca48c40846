"""The rows of a CSV file: cells as text, each row with its line number and, if wanted, its own text."""

import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ferroprop.cli.problem import Problem
from ferroprop.cli.reading.dialect import Dialect
from ferroprop.cli.reading.header import Header
from ferroprop.cli.wording import count, shown

CELLS_AT_A_TIME, ROWS_AT_A_TIME = 200_000, 100
"""Cells, and the least number of rows, that are kept as Python strings before they go into columns."""


@dataclass(frozen=True)
class Records:
    """The rows of a file.

    Parameters
    ----------
    frame : polars.DataFrame
        The cells, every column of type String; a cell that a line lacks is an empty text.
    lines : ndarray of int64
        The number of the line on which each row begins.
    own_text : list of str or None
        Each row as it is in the file, with as many separators as the header has, without its line break.
    notes : list of str
        Notes on lines that were left out or filled up.
    """

    frame: pl.DataFrame
    lines: NDArray[np.int64]
    own_text: list[str] | None
    notes: list[str]


def read_records(
    lines: Iterator[str], dialect: Dialect, header: Header, where: str, *, keep_text: bool
) -> Records:
    r"""Read the rows that follow the header.

    Parameters
    ----------
    lines : iterator of str
        The lines of the file from `header.first` on, with their line breaks.
    dialect : Dialect
        How to read them.
    header : Header
        The names of the columns.
    where : str
        The table's name, for messages.
    keep_text : bool
        Whether the rows' own texts are wanted.

    Returns
    -------
    Records
        The rows. Empty lines and repetitions of the header are left out, with a note.

    Raises
    ------
    Problem
        If a line has more cells than there are names, or a quotation mark does not close.

    Examples
    --------
    >>> header = Header(["size", "y"], ["size", "y"], line=1, first=2, notes=[])
    >>> read_records(iter(["1,a\n", "\n", "2,b\n"]), Dialect(","), header, "t.csv", keep_text=False).lines
    array([2, 4])
    """
    reading = _Reading(dialect, header, where, keep_text)
    limit = csv.field_size_limit(sys.maxsize // 2**32)  # a C long, which has 32 bits on Windows
    try:
        reading.run(lines)
    finally:
        csv.field_size_limit(limit)
    return reading.result()


class _Reading:
    """The state of reading: the rows so far, and the notes."""

    def __init__(self, dialect: Dialect, header: Header, where: str, keep_text: bool) -> None:
        self._dialect = dialect
        self._header = header
        self._where = where
        self._texts: list[str] | None = [] if keep_text else None
        self._rows: list[list[str]] = []
        self._frames: list[pl.DataFrame] = []
        self._lines: list[int] = []
        self._seen: dict[str, list[int]] = {"empty": [], "header": [], "short": [], "long": []}

    def run(self, lines: Iterator[str]) -> None:
        """Read all lines."""
        own: list[str] = []
        keep = self._texts is not None
        reader = self._dialect.reader(_remembered(lines, own.append) if keep else lines)
        width, names = len(self._header.names), self._header.cells
        at_once = max(ROWS_AT_A_TIME, CELLS_AT_A_TIME // width)
        before = 0
        while True:
            line = self._header.first + before
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                self._refuse_quotes(error, line, self._header.first + reader.line_num - 1)
            before = reader.line_num
            text = "".join(own)
            own.clear()
            if len(row) != width or (row == names and width > 1):
                kept = self._of_another_form(row, line, text)
                if kept is None:
                    continue
                row, text = kept
            self._rows.append(row)
            self._lines.append(line)
            if self._texts is not None:
                self._texts.append(text.rstrip("\r\n"))
            if len(self._rows) >= at_once:
                self._flush()

    def result(self) -> Records:
        """Return the rows and the notes."""
        self._flush()
        frame = pl.concat(self._frames, rechunk=True) if len(self._frames) > 1 else self._frames[0]
        return Records(frame, np.array(self._lines, dtype=np.int64), self._texts, self._notes())

    def _flush(self) -> None:
        names = self._header.names
        if self._rows or not self._frames:
            columns = zip(*self._rows, strict=True) if self._rows else ((),) * len(names)
            self._frames.append(
                pl.DataFrame(
                    [pl.Series(name, cells, pl.String) for name, cells in zip(names, columns, strict=True)]
                )
            )
            self._rows = []

    def _of_another_form(self, row: list[str], line: int, text: str) -> tuple[list[str], str] | None:
        """Return the row and its text with as many cells as there are names; None to leave it out."""
        width = len(self._header.names)
        if len(row) <= 1 and not any(cell.strip() for cell in row):
            self._seen["empty"].append(line)
            return None
        if len(row) == width or row == self._header.cells:
            self._seen["header"].append(line)
            return None
        if len(row) < width:
            self._seen["short"].append(line)
            return [*row, *[""] * (width - len(row))], text.rstrip("\r\n") + self._dialect.separator * (
                width - len(row)
            )
        if any(cell.strip() for cell in row[width:]):
            names = (
                f"the header has {count(width, 'name')}" if self._header.cells else f"the first has {width}"
            )
            raise Problem(
                f"TABLE: line {line} of '{self._where}' has {len(row)} cells, {names};"
                f" the last cell is {shown(row[-1])}. A cell with a {self._dialect.name} in it has to be in"
                " quotation marks; --separator names another separator"
            )
        self._seen["long"].append(line)
        for _ in row[width:] if text else ():
            text = text[: text.rindex(self._dialect.separator)]
        return row[:width], text

    def _refuse_quotes(self, error: csv.Error, line: int, last: int) -> None:
        mark = self._dialect.quote
        if "end of data" in str(error):
            what = f"opens in line {line} and never closes"
        elif "expected after" in str(error):
            to = (
                f"opens in line {line} and closes in line {last}" if last > line else f"closes in line {line}"
            )
            what = f"{to}, where more text follows it in the same cell"
        else:
            raise Problem(f"TABLE: line {line} of '{self._where}' cannot be read: {error}") from error
        raise Problem(
            f"TABLE: a quotation mark {mark} of '{self._where}' {what}; inside of a cell it has to be"
            " doubled, or --quote none takes quotation marks for text"
        ) from error

    def _notes(self) -> list[str]:
        said = {
            "empty": ("empty line left out", "empty lines left out"),
            "header": ("line that repeats the header left out", "lines that repeat the header left out"),
            "short": (
                "line with fewer cells than the header, the last ones are missing",
                "lines with fewer cells than the header, the last ones are missing",
            ),
            "long": (
                "line with more separators than the header, nothing after them",
                "lines with more separators than the header, nothing after them",
            ),
        }
        notes = []
        for kind, lines in self._seen.items():
            if len(lines) == 1:
                notes.append(f"1 {said[kind][0]} (line {lines[0]})")
            elif lines:
                notes.append(f"{len(lines):,} {said[kind][1]} (the first is line {lines[0]})")
        return notes


def _remembered(lines: Iterator[str], remember: Callable[[str], None]) -> Iterator[str]:
    for line in lines:
        remember(line)
        yield line
