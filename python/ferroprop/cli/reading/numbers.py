"""Numbers as people and spreadsheets write them: decimal commas, thousands, units, a real minus sign."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from ferroprop.cli.wording import shown

GROUPS = {",": ",", ".": r"\.", " ": " ", "'": "'"}
"""Signs between groups of three digits, as a regular expression."""

FORMS = ((".", ""), (".", ","), (",", ""), (",", "."), (".", " "), (",", " "), (".", "'"))
"""Pairs of a decimal sign and a sign between thousands, the most usual first."""

CURRENCY = r"[$€£¥₹₽₩₺]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN|BRL|Rs\.?)"
UNIT = r"[\p{L}%‰°$€£¥₹₽₩₺/²³µ·]+"
LONGEST_UNIT = 12

SIGNS_ELSEWHERE = {
    "()": rf"^(?:({CURRENCY})\s*)?\(\s*([^()+-]*\d[^()+-]*?)\s*\)(?:\s*({UNIT}))?$",
    "-": rf"^()([^()+-]*\d[^()+-]*?)\s*-(?:\s*({UNIT}))?$",
}
"""How accountants write negative numbers, as regular expressions of the currency, the number and the unit."""

OF_AMOUNTS = rf"[.,]\d|\d[ ']\d{{3}}\b|{CURRENCY}|\d\s*{UNIT}"
"""Signs of an amount: decimal, between thousands, a currency or a unit. Others may be footnotes or grades."""


@dataclass(frozen=True)
class NumberFormat:
    """The written form of a column's numbers.

    Parameters
    ----------
    decimal : {'.', ','}
        The decimal sign.
    thousands : str
        What may stand between groups of three digits; empty if nothing.
    before, after : str
        A currency before the numbers, a unit after them, which each cell may have.
    negatives : {'', '()', '-', '()-'}
        How negative numbers may be written besides a sign before them: in brackets, or with a minus behind.
    """

    decimal: str = "."
    thousands: str = ""
    before: str = ""
    after: str = ""
    negatives: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether this is the form that programs write."""
        return self == PLAIN

    @property
    def unit(self) -> str:
        """The unit in quotes, for messages; empty if there is none."""
        return " or ".join(shown(unit) for unit in (self.before, self.after) if unit)

    def has_unit(self, texts: pl.Series) -> pl.Series:
        """Return which texts have the unit.

        Examples
        --------
        >>> NumberFormat(after="%").has_unit(pl.Series(["8.2 %", "0.035"])).to_list()
        [True, False]
        """
        signs = [rf"^[+-]?\s*{re.escape(self.before)}"] if self.before else []
        signs += [rf"{re.escape(self.after)}$"] if self.after else []
        return _signs_before(texts, self.negatives).str.contains("|".join(signs))

    def has_sign_elsewhere(self, texts: pl.Series) -> pl.Series:
        """Return which texts are negative numbers in brackets or with a minus behind."""
        return _signs_before(texts, self.negatives) != _simple_signs(texts)

    def bare(self, texts: pl.Series) -> pl.Series:
        """Return the texts without the unit, with plain signs before them.

        Examples
        --------
        >>> NumberFormat(before="$").bare(pl.Series(["-$3", "$4"])).to_list()
        ['-3', '4']
        >>> accounts = NumberFormat(before="$", negatives="()-")
        >>> accounts.bare(pl.Series(["($3)", "$(4.5)", "12-", "(-1)", "5"])).to_list()
        ['-3', '-4.5', '-12', '(-1)', '5']
        """
        texts = _signs_before(texts, self.negatives)
        if self.before:
            texts = texts.str.replace(rf"^([+-]?)\s*{re.escape(self.before)}\s*([+-]?)", "$1$2")
        if self.after:
            texts = texts.str.replace(rf"\s*{re.escape(self.after)}$", "")
        return texts

    def read(self, texts: pl.Series) -> pl.Series:
        """Return the numbers, null for a text that is not a number.

        Parameters
        ----------
        texts : polars.Series of String
            Without blanks around them.

        Returns
        -------
        polars.Series of Float64
            The numbers.

        Examples
        --------
        >>> NumberFormat(",", ".", after="€").read(pl.Series(["1.234,5 €", "-2", "1.5"])).to_list()
        [1234.5, -2.0, None]
        >>> NumberFormat().read(pl.Series(["\u22120.5", "1e3", "1,5"])).to_list()
        [-0.5, 1000.0, None]
        """
        texts = self.bare(texts)
        if (self.decimal, self.thousands) != (".", ""):
            fits = texts.str.contains(_pattern(self.decimal, self.thousands))
            texts = texts.set(~fits.fill_null(False), None)
            if self.thousands:
                texts = texts.str.replace_all(self.thousands, "", literal=True)
            texts = texts.str.replace(self.decimal, ".", literal=True)
        return texts.cast(pl.Float64, strict=False)


PLAIN = NumberFormat()


@dataclass(frozen=True)
class Found:
    """The format that reads most cells of a column, and which texts it reads.

    Parameters
    ----------
    format : NumberFormat
        The format.
    readable : polars.Series of bool
        Whether it reads each of the texts.
    doubtful : bool
        Whether another format reads the same texts as other numbers.
    """

    format: NumberFormat
    readable: pl.Series
    doubtful: bool


def find_format(texts: pl.Series, cells: pl.Series, decimal: str | None, enough: float, hint: str) -> Found:
    """Find the format that reads most cells.

    Parameters
    ----------
    texts : polars.Series of String
        The different texts, without blanks around them, none that stands for missing.
    cells : polars.Series of int
        The number of cells with each text.
    decimal : {'.', ',', None}
        The decimal sign that the user names.
    enough : float
        The fraction of the cells that a good format reads; units are looked for only if no format is good.
    hint : {'.', ','}
        The decimal sign of the other columns, for numbers such as ``1,234`` that can be read both ways.

    Returns
    -------
    Found
        The best format; perhaps it reads nothing.

    Examples
    --------
    >>> def found(*texts: str, hint: str = ".") -> tuple[str, str, bool]:
    ...     f = find_format(pl.Series(texts), pl.Series([1] * len(texts)), None, 0.8, hint)
    ...     return f.format.decimal, f.format.thousands, f.doubtful
    >>> found("0,5", "12,25"), found("1,234,567", "12")
    ((',', '', False), ('.', ',', False))
    >>> found("1,234", "2,500"), found("1,234", "2", hint=",")
    (('.', ',', True), (',', '', True))
    >>> cells = pl.Series([1, 1, 1])
    >>> for texts in (["5", "(6)", "(7.5)"], ["5", "(6)", "(7)"]):
    ...     find_format(pl.Series(texts), cells, None, 0.8, ".").readable.to_list()
    [True, True, True]
    [True, False, False]
    """
    best = _find(texts, cells, decimal, enough, hint)
    simple = _simple_signs(texts)
    amounts = simple.str.contains(OF_AMOUNTS)
    elsewhere = {sign: amounts & simple.str.contains(form) for sign, form in SIGNS_ELSEWHERE.items()}
    negatives, before = _which(elsewhere), ""
    while negatives not in ("", before):
        signed = _find(_signs_before(texts, negatives), cells, decimal, enough, hint)
        negatives, before = _which({sign: at & signed.readable for sign, at in elsewhere.items()}), negatives
    # Brackets alone may mean anything, but among other numbers they are the negative ones.
    if negatives and int(signed.readable.sum()) > int(best.readable.sum()) > 0:
        return Found(replace(signed.format, negatives=negatives), signed.readable, signed.doubtful)
    return best


def _which(elsewhere: dict[str, pl.Series]) -> str:
    """Return the ways to write negative numbers that occur."""
    return "".join(sign for sign, written in elsewhere.items() if written.any())


def _find(texts: pl.Series, cells: pl.Series, decimal: str | None, enough: float, hint: str) -> Found:
    """Find the format, as `find_format` does, of numbers whose signs stand before them."""
    forms = [form for form in FORMS if decimal in (None, form[0])]
    if decimal is None and hint == ",":
        forms.sort(key=lambda form: form[0] != ",")
        forms = [(".", ""), *[form for form in forms if form != (".", "")]]
    best = _best([NumberFormat(*form) for form in forms], texts, cells)
    if _share(best.readable, cells) < enough:
        before, after = _common_unit(texts, cells)
        if before or after:
            with_unit = _best([NumberFormat(*form, before, after) for form in forms], texts, cells)
            if _share(with_unit.readable, cells) > _share(best.readable, cells):
                best = with_unit
    elif decimal is None and hint == "," and best.format.is_plain:
        # Beside decimal commas, points between groups of three digits are no decimal points.
        grouped = NumberFormat(",", ".")
        if all_grouped(texts):
            return Found(grouped, grouped.read(texts).is_not_null(), doubtful=True)
    return best


def _best(formats: Sequence[NumberFormat], texts: pl.Series, cells: pl.Series) -> Found:
    """Return the first format that reads most cells; if another reads as many differently, it is in doubt."""
    read = [(number_format, number_format.read(texts)) for number_format in formats]
    read = [(number_format, numbers.fill_nan(None)) for number_format, numbers in read]
    most = max(int(cells.filter(numbers.is_not_null()).sum()) for _, numbers in read)
    good = [(f, numbers) for f, numbers in read if int(cells.filter(numbers.is_not_null()).sum()) == most]
    best, numbers = good[0]
    doubtful = best.thousands != "" or best.decimal == ","
    doubtful = doubtful and most > 0 and any(not numbers.equals(other) for _, other in good[1:])
    return Found(best, numbers.is_not_null(), doubtful)


def _share(readable: pl.Series, cells: pl.Series) -> float:
    return int(cells.filter(readable).sum()) / max(1, int(cells.sum()))


def _common_unit(texts: pl.Series, cells: pl.Series) -> tuple[str, str]:
    """Return the most frequent currency before the numbers and the most frequent unit after them."""
    simple = _simple_signs(texts)
    found = pl.DataFrame(
        {
            "before": simple.str.extract(rf"^[+-]?\s*({CURRENCY})\s*[+-]?[\d.,]"),
            "after": simple.str.extract(rf"\d[.,]?\s*({UNIT})$"),
            "cells": cells,
        }
    )
    common = []
    for side in ("before", "after"):
        counts = found.drop_nulls(side).group_by(side, maintain_order=True).agg(pl.col("cells").sum())
        units = counts.sort("cells", descending=True, maintain_order=True)[side].to_list()
        common.append(units[0] if units and len(units[0]) <= LONGEST_UNIT else "")
    return common[0], common[1]


def are_numbers(texts: pl.Series) -> pl.Series:
    """Return which texts are numbers in any of the written forms, whatever the form of the others.

    Examples
    --------
    >>> are_numbers(pl.Series(["1.5", "1,5", "$2", "(3.00)", "3 %", "12a", "1-2"])).to_list()
    [True, True, True, True, True, False, False]
    """
    forms = "|".join(_unsigned(*form) for form in FORMS)
    before, after = rf"[+-]?\s*(?:{CURRENCY})?\s*[+-]?", rf"\s*(?:{CURRENCY}|%)?\s*-?"
    number = rf"{before}(?:{forms}){after}"
    return _simple_signs(texts).str.contains(rf"^(?:{number}|\({number}\))$")


def _pattern(decimal: str, thousands: str) -> str:
    return rf"^[+-]?{_unsigned(decimal, thousands)}$"


def _unsigned(decimal: str, thousands: str) -> str:
    whole = r"\d+"
    if thousands:
        whole = rf"(?:[1-9]\d{{0,2}}(?:{GROUPS[thousands]}\d{{3}})+|\d+)"
    point = re.escape(decimal)
    return rf"(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"


def all_grouped(texts: pl.Series) -> bool:
    """Return whether all points stand before three digits, and there are some.

    Examples
    --------
    >>> all_grouped(pl.Series(["1.037", "950"])), all_grouped(pl.Series(["1.037", "0.950"]))
    (True, False)
    """
    with_point = texts.str.contains(".", literal=True)
    grouped = texts.str.contains(r"^[+-]?[1-9]\d{0,2}(?:\.\d{3})+$")
    return bool(with_point.any()) and bool((grouped | ~with_point).all())


def _signs_before(texts: pl.Series, negatives: str) -> pl.Series:
    """Return the texts with simple signs; a minus before numbers that are negative in these other ways."""
    texts = _simple_signs(texts)
    for sign, form in SIGNS_ELSEWHERE.items():
        if sign in negatives:
            texts = texts.str.replace(form, "-$1$2$3")
    return texts


def _simple_signs(texts: pl.Series) -> pl.Series:
    """Return the texts with a hyphen for a minus sign and plain spaces and apostrophes."""
    return texts.str.replace_many(
        ["\u2212", "\u00a0", "\u202f", "\u2009", "\u2019"], ["-", " ", " ", " ", "'"]
    )
