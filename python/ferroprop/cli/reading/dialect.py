"""The dialect of a CSV file: its separator and quotes, found by comparing its first lines."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}
"""Possible separators, the most usual first; the space only if no other fits."""

EXCELS_FIRST_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""The line that tells Excel the separator."""


@dataclass(frozen=True)
class Dialect:
    """The separator and the quotation mark of a CSV file.

    Parameters
    ----------
    separator : str
        One character.
    quote : str
        The quotation mark around cells; empty if there is none.
    spaced : bool
        Whether a separator is followed by blanks that belong to no cell.
    """

    separator: str
    quote: str = '"'
    spaced: bool = False

    @property
    def name(self) -> str:
        """The separator for people."""
        names = {sign: name for name, sign in SEPARATORS.items()}
        return names.get(self.separator, f"'{self.separator}'")

    def reader(self, lines: Iterable[str], *, strict: bool = True) -> "Reader":
        """Return Python's reader of these lines; a strict one refuses text after a closing quotation mark."""
        return csv.reader(
            lines,
            delimiter=self.separator,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            skipinitialspace=self.spaced,
            strict=strict,
        )


def find_dialect(lines: Sequence[str], separator: str | None, quote: str) -> Dialect:
    r"""Choose the separator that cuts most lines into the same number of cells.

    Parameters
    ----------
    lines : sequence of str
        The first lines of the file.
    separator : str or None
        The one that the user names; None to find out.
    quote : str
        The quotation mark, or an empty string.

    Returns
    -------
    Dialect
        The separator and the quotation mark. If each separator of these lines is followed by a blank, blanks
        after separators do not belong to the cells.

    Examples
    --------
    >>> find_dialect(["a;b\n", "1,5;2,5\n", "2,5;3,0\n"], None, '"')
    Dialect(separator=';', quote='"', spaced=False)
    >>> find_dialect(["39, State-gov, 77516\n", "50, Private, 83311\n"], None, '"').spaced
    True
    """
    if separator is not None:
        return Dialect(separator, quote, _is_spaced(lines, separator))
    best, best_fit = Dialect(",", quote), (0.0, 0)
    for sign in SEPARATORS.values():
        dialect = Dialect(sign, quote, _is_spaced(lines, sign))
        fit = _fit(lines, dialect)
        if fit > best_fit and not (sign == " " and best_fit[1] > 1):
            best, best_fit = dialect, fit
    if best.separator == " " and best_fit[0] < 1:
        return Dialect(",", quote)
    return best


def usual_width(lines: Iterable[str], dialect: Dialect) -> int:
    """Return the most frequent number of cells in these lines."""
    return _fit(lines, dialect)[1]


def _fit(lines: Iterable[str], dialect: Dialect) -> tuple[float, int]:
    """Return the share of the rows that have the usual number of cells, and that number."""
    widths = Counter(len(row) for row in _rows(lines, dialect))
    if not widths:
        return (0.0, 0)
    width, rows = max(widths.items(), key=lambda item: (item[1], item[0]))
    return (rows / widths.total(), width) if width > 1 else (0.0, 1)


def _rows(lines: Iterable[str], dialect: Dialect) -> Iterator[list[str]]:
    try:
        for row in dialect.reader(lines, strict=False):
            if any(cell.strip() for cell in row):
                yield row
    except csv.Error:  # a line break where the reader has none; ferroprop.cli.reading.records says where
        return


def _is_spaced(lines: Sequence[str], separator: str) -> bool:
    """Return whether each separator of these lines has a blank after it."""
    if separator == " ":
        return True  # several blanks are one separator
    text = "".join(lines)
    return separator != "\t" and separator in text and text.count(separator) == text.count(f"{separator} ")
