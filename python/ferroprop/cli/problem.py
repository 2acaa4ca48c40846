"""The one exception for what the user can put right."""

from collections.abc import Iterable
from difflib import get_close_matches

import typer


class Problem(typer.TyperException):
    """Something that was given cannot be used.

    Parameters
    ----------
    message : str
        One line: which argument, what came, what was expected; `ferroprop.cli.app` prints it.
    """

    exit_code = 2


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


def quoted(names: Iterable[object], at_most: int = 8) -> str:
    """Return the names in quotes with commas between, shortened when there are many.

    Examples
    --------
    >>> quoted(["year", "sex"])
    "'year', 'sex'"
    >>> quoted("abcdef", at_most=3)
    "'a', 'b', 'c' and 3 more"
    """
    listed = [f"'{name}'" for name in names]
    if len(listed) <= at_most:
        return ", ".join(listed)
    return f"{', '.join(listed[:at_most])} and {len(listed) - at_most} more"


def suggestion(wrong: str, right: Iterable[str]) -> str:
    """Return how a sentence about an unknown name goes on: a close match, or what there is.

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
    return f"did you mean '{close[0]}'?" if close else f"expected one of {quoted(names)}"


def count(number: int, what: str) -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> count(1, "row"), count(2000, "row"), count(3, "category")
    ('1 row', '2,000 rows', '3 categories')
    """
    if number != 1:
        what = what.removesuffix("y") + "ies" if what.endswith("y") else what + "s"
    return f"{number:,} {what}"
