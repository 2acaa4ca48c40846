"""Wording of messages: lists of names, counts, suggestions."""

import shlex
from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_CELL = 60
"""The most characters of a text that a message shows."""


def first_line(error: BaseException) -> str:
    r"""Return the first line of what a library's error says, for the end of our own line.

    Examples
    --------
    >>> first_line(ValueError("no more fields\n\nSet 'ragged' to go on."))
    'no more fields'
    >>> first_line(KeyError())
    'KeyError'
    """
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


def shown(value: object) -> str:
    r"""Return a cell or a name in quotes: on one line, and short.

    Examples
    --------
    >>> print(shown("Größe"), shown("two\nlines"))
    'Größe' 'two\nlines'
    """
    text = str(value)
    if len(text) > LONGEST_CELL:
        text = text[: LONGEST_CELL - 1] + "…"
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"'{text}'"


def quoted(names: Iterable[object], at_most: int = 8) -> str:
    """Return the names in quotes with commas between, shortened when there are many.

    Examples
    --------
    >>> quoted(["year", "sex"])
    "'year', 'sex'"
    >>> quoted("abcdef", at_most=3)
    "'a', 'b', 'c' and 3 more"
    """
    return listed([shown(name) for name in names], at_most)


def listed(parts: list[str], at_most: int = 8) -> str:
    """Return the parts with commas between, shortened when there are many.

    Examples
    --------
    >>> listed(["5 numbers", "2 dates", "1 category"], at_most=2)
    '5 numbers, 2 dates and 1 more'
    """
    if len(parts) <= at_most:
        return ", ".join(parts)
    return f"{', '.join(parts[:at_most])} and {len(parts) - at_most:,} more"


def option(name: str, value: str) -> str:
    """Return an option as it is typed in a shell.

    Examples
    --------
    >>> option("--number", "Unnamed: 0"), option("--missing", "NA")
    ("--number 'Unnamed: 0'", '--missing NA')
    """
    return f"{name} {shlex.quote(value)}"


def suggestion(wrong: str, right: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: a close match, or the known names.

    Examples
    --------
    >>> suggestion("specie", ["species", "island"])
    "did you mean 'species'?"
    >>> suggestion("Species", ["species", "island"])
    "did you mean 'species'?"
    >>> suggestion("weight", ["species", "island"])
    "expected one of 'species', 'island'"
    """
    names = list(right)
    same = [name for name in names if name.strip().casefold() == wrong.strip().casefold()]
    close = same or get_close_matches(wrong, names, n=1, cutoff=0.6)
    return f"did you mean {shown(close[0])}?" if close else f"expected one of {quoted(names)}"


def count(number: int, what: str) -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> count(1, "row"), count(2000, "row"), count(3, "category"), count(2, "class")
    ('1 row', '2,000 rows', '3 categories', '2 classes')
    """
    if number != 1:
        endings = {"y": "ies", "s": "ses"}
        what = what[:-1] + endings.get(what[-1], f"{what[-1]}s")
    return f"{number:,} {what}"
