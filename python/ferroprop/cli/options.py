"""Parsing of the options' texts.

Each function here returns the value of a text, or raises an error that says what came and what was expected;
typer puts the option's name before the message.
"""

import math
import re
from collections.abc import Callable, Sequence

import typer

from ferroprop.cli.problem import Problem
from ferroprop.cli.reading.dialect import SEPARATORS
from ferroprop.cli.reading.encoding import check_encoding
from ferroprop.cli.wording import suggestion

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


def separator_sign(text: str) -> str:
    """Read the separator of cells.

    Examples
    --------
    >>> separator_sign("semicolon"), separator_sign(";")
    (';', ';')
    """
    sign = SEPARATORS.get(text.strip().lower(), "\t" if text == "\\t" else text)
    if len(sign) != 1 or sign in '"\r\n':
        raise typer.BadParameter(f"got '{text}'; expected one sign, or one of {', '.join(SEPARATORS)}")
    return sign


def quotation_mark(text: str) -> str:
    """Read the quotation mark; none is an empty string.

    Examples
    --------
    >>> quotation_mark("'"), quotation_mark("none")
    ("'", '')
    """
    mark = "" if text.strip().lower() == "none" else text
    if len(mark) > 1 or mark in ("\r", "\n", " "):
        raise typer.BadParameter(f"got '{text}'; expected one sign, or none")
    return mark


def decimal_sign(text: str) -> str:
    """Read the decimal sign.

    Examples
    --------
    >>> decimal_sign("comma"), decimal_sign(".")
    (',', '.')
    """
    sign = {"comma": ",", "point": "."}.get(text.strip().lower(), text)
    if sign not in (".", ","):
        raise typer.BadParameter(f"got '{text}'; expected . or ,")
    return sign


def header_line(text: str) -> int:
    """Read the number of the line with the names; none is 0.

    Examples
    --------
    >>> header_line("3"), header_line("none")
    (3, 0)
    """
    if str(text).strip().lower() == "none":
        return 0
    try:
        return whole_number(1)(text)
    except typer.BadParameter:
        raise typer.BadParameter(f"got '{text}'; expected the number of a line, or none") from None


def encoding_name(text: str) -> str:
    """Read the name of an encoding.

    Examples
    --------
    >>> encoding_name("latin-1")
    'latin-1'
    """
    if not check_encoding(text):
        raise typer.BadParameter(
            f"no '{text}'; expected an encoding such as utf-8, cp1252, utf-16, shift_jis, gb18030"
        )
    return text


def date_formats(texts: Sequence[str]) -> dict[str, str]:
    """Read formats of dates, each for a column or, under the empty name, for all.

    Examples
    --------
    >>> date_formats(["%d.%m.%Y", "day=%m/%d/%Y"])
    {'': '%d.%m.%Y', 'day': '%m/%d/%Y'}
    """
    formats: dict[str, str] = {}
    for text in texts:
        column, _, date_format = text.rpartition("=")
        directives = re.findall(r"%[-_0]?(?:\.?f|[A-Za-z])", date_format)
        if not {directive[-1] for directive in directives} & set("YyGDFxcst"):
            raise Problem(
                f"--date-format: got '{text}'; expected a format such as %d.%m.%Y, or column=%d.%m.%Y"
            )
        formats[column] = re.sub(r"\.%f", "%.f", date_format)
    return formats
