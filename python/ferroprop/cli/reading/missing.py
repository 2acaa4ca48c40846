"""Words that stand for a missing value."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import polars as pl

USUAL_WORDS = (
    *("NA", "N/A", "n/a", "na", "n.a.", "N.A.", "#N/A", "#NA", "<NA>", "NaN", "nan", "NAN", "-NaN", "-nan"),
    *("NULL", "null", "Null", "None", "none", "NONE", "nil", "NIL", "NaT", "(null)", "<null>", "\\N"),
    *("missing", "Missing", "(missing)", "unknown", "Unknown", "?", "-", "--", "---", ".", "..", "...", "*"),
    *("\u2013", "\u2014", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!"),
    *("0000-00-00", "0000-00-00 00:00:00"),
)
"""Texts that mean missing in columns of numbers, dates, times and booleans; in categories they are texts."""


@dataclass(frozen=True)
class MissingWords:
    """Words that mean missing in a table; the empty text always does.

    Parameters
    ----------
    everywhere : list of str
        The user's words, which mean missing in every column, the target included.
    usual : list of str
        Words that mean missing in columns of numbers, dates, times and booleans.
    """

    everywhere: list[str] = field(default_factory=list)
    usual: list[str] = field(default_factory=lambda: list(USUAL_WORDS))

    def of(self, kind: str, more: Sequence[str] = ()) -> list[str]:
        """Return all words that mean missing in a column of this kind.

        Examples
        --------
        >>> MissingWords(["x"]).of("category")
        ['', 'x']
        """
        usual = [] if kind == "category" else self.usual
        return ["", *self.everywhere, *usual, *more]


Texts = TypeVar("Texts", pl.Series, pl.Expr)


def stripped(texts: Texts) -> Texts:
    """Return the texts without the blanks around them, no-break spaces and byte order marks included."""
    return texts.str.strip_chars().str.strip_chars("\ufeff\u200b")
