"""Texts that spell numbers, dates or times: a column of them that stays text is probably a mistake.

Nothing is converted by these rules; they only decide whether to tell the user.
"""

from __future__ import annotations

import datetime
import re
import warnings
from collections.abc import Callable

import numpy as np

from ferroprop.tabular._cells import as_number
from ferroprop.tabular._column import Column

_FEW = 10
"""Columns with this many distinct texts or fewer are codes, such as "1", "2" and "3 or more"."""
_SAMPLE = 1000
"""So many of a column's texts tell whether to look at all of them."""
_NUMBER = re.compile(r"\s*[+-]?(?:\d{1,3}([., '])\d{3}(?:\1\d{3})*|\d+)(?:(?!\1)[.,]\d+)?\s*%?\s*")
"""Thousands are apart by one sign, and another one is before the decimals."""
_ADDRESS = re.compile(r"\s*\d{1,3}(\.\d{1,3}){3}\s*")
"""Addresses of computers, such as 192.168.100.100."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_CLOCK = r"[T ]\s*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[ap]m)?"
_DATE = re.compile(
    r"\s*(?:\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{1,2}/\d{1,2}/\d{2}|\d{4}/\d{1,2}/\d{1,2}"
    rf"|\d{{1,2}}[- ]{_MONTH}[- ]\d{{2}}(?:\d{{2}})?|{_MONTH}\ \d{{1,2}},\ \d{{4}})(?:{_CLOCK})?\s*",
    re.IGNORECASE,
)
"""The ways of spreadsheets, which may put a time behind; two digits are a year only behind / or a month."""
_TIME = re.compile(r"\s*\d{1,3}:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?\s*")


def warn_of_spelt(column: Column) -> None:
    """Warn of a column of text that is taken as categories though at least half of its texts spell numbers.

    The same holds for dates, and for times of day and spans of time.
    """
    codes, of_codes = column.categories
    levels = [of_codes[code] for code in np.unique(codes[codes >= 0])]
    if len(levels) <= _FEW:
        return
    for what, spells, dtype in (
        ("number", _is_number, "numeric"),
        ("date", _is_date, "date"),
        ("time", _is_time, "time or duration"),
    ):
        others = _others(levels, spells)
        if others is None:
            continue
        n_spelt = len(levels) - len(others)
        if others:
            row, text = _first(column, others)
            found = f"{n_spelt} of its {len(levels)} values are {what}s, but {text!r:.60} in row {row} is not"
        else:
            found = f"each of its {len(levels)} values is a {what}"
        warnings.warn(
            f"Column {column.name!r} is text, and {found}: taken as categories. Convert the column to a "
            f"{dtype} dtype to have it as {what}s, or name it in categorical_features if it is to be "
            "categories.",
            UserWarning,
            stacklevel=4,
        )
        return


def _others(levels: list[str], spells: Callable[[str], bool]) -> set[str] | None:
    """Return the levels that are spelt otherwise; None if they are more than half of all, or of a sample."""
    sample = levels[:: max(1, len(levels) // _SAMPLE)]
    if 2 * sum(map(spells, sample)) < len(sample):
        return None
    others = {level for level in levels if not spells(level)}
    return others if 2 * len(others) <= len(levels) else None


def _first(column: Column, texts: set[str]) -> tuple[int, str]:
    """Return the first row of the user's table that has one of these texts, and the text."""
    codes, levels = column.categories
    is_wanted = np.array([*(level in texts for level in levels), False])[codes]
    place = min(np.flatnonzero(is_wanted).tolist(), key=column.row)
    return column.row(place), levels[codes[place]]


def _is_number(text: str) -> bool:
    """Tell whether a text is a number for people: with a decimal comma or a percent sign, too."""
    if as_number(text) is not None:
        return True
    return _NUMBER.fullmatch(text) is not None and _ADDRESS.fullmatch(text) is None


def _is_date(text: str) -> bool:
    if _DATE.fullmatch(text):
        return True
    if not _DAY.match(text.strip()):
        return False
    try:
        datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


def _is_time(text: str) -> bool:
    return _TIME.fullmatch(text) is not None
