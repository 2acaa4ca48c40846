"""What an option's text may be.

Each function here gives the value of a text, or raises with what came and what was expected; typer puts the
option's name before it.
"""

import math
from collections.abc import Callable, Sequence

import typer

from ferroprop.cli.problem import suggestion

LARGEST_LAYER = 1_000_000


def one_of(names: Sequence[str]) -> Callable[[str], str]:
    """Read one of these names.

    Examples
    --------
    >>> one_of(["rprop", "adam"])("adam")
    'adam'
    """

    def read(text: str) -> str:
        if text not in names:
            raise typer.BadParameter(f"no '{text}'; {suggestion(text, names)}")
        return text

    return read


def whole_number(least: int, most: float = math.inf) -> Callable[[str], int]:
    """Read a whole number in these bounds.

    Examples
    --------
    >>> whole_number(1)("300")
    300
    """

    def read(text: str) -> int:
        try:
            number = int(str(text))
        except ValueError:
            number = None
        if number is None or not least <= number <= most:
            limit = "" if math.isinf(most) else f" and at most {most:,}"
            raise typer.BadParameter(f"got '{text}'; expected a whole number, at least {least}{limit}")
        return number

    return read


def number(fits: Callable[[float], bool], expected: str) -> Callable[[str], float]:
    """Read a finite number that fits.

    Examples
    --------
    >>> number(lambda rate: rate > 0, "a number above 0")("1e-3")
    0.001
    """

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and fits(value)):
            raise typer.BadParameter(f"got '{text}'; expected {expected}")
        return value

    return read


def layer_sizes(text: str) -> tuple[int, ...]:
    """Read the sizes of the hidden layers.

    Examples
    --------
    >>> layer_sizes("32, 16"), layer_sizes("none")
    ((32, 16), ())
    """
    if text.strip().lower() == "none":
        return ()
    sizes = [part.strip() for part in text.split(",")]
    if not all(size.isascii() and size.isdigit() and 0 < int(size) <= LARGEST_LAYER for size in sizes):
        raise typer.BadParameter(
            f"got '{text}'; expected layer sizes with commas between, such as 32,16, or none"
        )
    return tuple(int(size) for size in sizes)
