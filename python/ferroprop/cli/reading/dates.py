"""Dates and times in text: finding the formats of a column, and reading its dates."""

import re
from dataclasses import dataclass, field
from functools import cache
from itertools import product

import polars as pl

EARLIEST_COMPACT, LATEST_COMPACT = 19000101, 21001231
"""Eight digits are looked at as dates only if most cells of the column lie in these years."""

LOOKED_AT = 300
"""The number of texts that determine the formats of a column."""

DATE_FORMS = {
    r"\d{4}-\d{1,2}-\d{1,2}": ["%Y-%m-%d"],
    r"\d{4}/\d{1,2}/\d{1,2}": ["%Y/%m/%d"],
    r"\d{4}\.\d{1,2}\.\d{1,2}": ["%Y.%m.%d"],
    r"\d{1,2}\.\d{1,2}\.\d{4}": ["%d.%m.%Y", "%m.%d.%Y"],
    r"\d{1,2}/\d{1,2}/\d{4}": ["%d/%m/%Y", "%m/%d/%Y"],
    r"\d{1,2}-\d{1,2}-\d{4}": ["%d-%m-%Y", "%m-%d-%Y"],
    r"\d{1,2}\.\d{1,2}\.\d{2}": ["%d.%m.%y", "%m.%d.%y"],
    r"\d{1,2}/\d{1,2}/\d{2}": ["%d/%m/%y", "%m/%d/%y"],
    r"\d{1,2}-\d{1,2}-\d{2}": ["%d-%m-%y", "%m-%d-%y"],
    r"\d{8}": ["%Y%m%d"],
    r"\d{1,2} [A-Za-z]{3,9} \d{4}": ["%d %B %Y"],
    r"\d{1,2}-[A-Za-z]{3,9}-\d{4}": ["%d-%B-%Y"],
    r"\d{1,2}-[A-Za-z]{3}-\d{2}": ["%d-%b-%y"],
    r"[A-Za-z]{3,9} \d{1,2}, \d{4}": ["%B %d, %Y"],
}
"""Regular expressions of dates, each with its possible formats: day first, then month first."""

TIME_FORMS = {
    r"": "",
    r"\d{1,2}:\d{2}": "%H:%M",
    r"\d{1,2}:\d{2}:\d{2}": "%H:%M:%S",
    r"\d{1,2}:\d{2}:\d{2}\.\d{1,9}": "%H:%M:%S%.f",
    r"\d{1,2}:\d{2} [AaPp][Mm]": "%I:%M %p",
    r"\d{1,2}:\d{2}:\d{2} [AaPp][Mm]": "%I:%M:%S %p",
    r"\d{1,2}:\d{2}(?:[+-]\d{2}:?\d{2}|Z)": "%H:%M%z",
    r"\d{1,2}:\d{2}:\d{2}(?:[+-]\d{2}:?\d{2}|Z)": "%H:%M:%S%z",
    r"\d{1,2}:\d{2}:\d{2}\.\d{1,9}(?:[+-]\d{2}:?\d{2}|Z)": "%H:%M:%S%.f%z",
}

TIME_OF_DAY = r"^(\d{1,4}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?$"
"""Hours, which can exceed 24, minutes, and optionally seconds."""

DIGITS = {"%Y": r"\d{4}", "%y": r"\d{2}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%H": r"\d{1,2}"}
"""Parts of a date as regular expressions, stricter than the parser, which would read '24' as the year 24."""


@dataclass(frozen=True)
class DateFormat:
    """The written form of a column's dates.

    Parameters
    ----------
    formats : list of str
        In the notation of `strptime`; the first that reads a text counts. Empty for times without a date.
    """

    formats: list[str] = field(default_factory=list)

    @property
    def has_zone(self) -> bool | None:
        """Whether the dates have a time zone; None if there are none, or only some have one."""
        zones = {text.endswith("%z") for text in self.formats}
        return zones.pop() if len(zones) == 1 else None

    def read(self, texts: pl.Series) -> pl.Series:
        """Return the dates in UTC, null for a text that is not a date.

        Parameters
        ----------
        texts : polars.Series of String
            Without blanks around them.

        Returns
        -------
        polars.Series of Datetime
            The dates and times.

        Examples
        --------
        >>> dates = DateFormat(["%d.%m.%Y", "%d.%m.%Y %H:%M"])
        >>> [str(date) for date in dates.read(pl.Series(["31.12.2024", "1.2.2024 12:30", "31.2.2024"]))]
        ['2024-12-31 00:00:00', '2024-02-01 12:30:00', 'None']
        """
        found = pl.Series(texts.name, [None], pl.Datetime("us")).new_from_index(0, len(texts))
        for date_format in self.formats:
            if found.null_count() == 0:
                break
            found = found.zip_with(found.is_not_null(), _read(texts, date_format))
        return found


@dataclass(frozen=True)
class Found:
    """The formats that read most cells.

    Parameters
    ----------
    format : DateFormat
        The formats.
    readable : polars.Series of bool
        Whether they read each of the texts.
    doubtful : bool
        Whether day and month could be exchanged in all of them.
    """

    format: DateFormat
    readable: pl.Series
    doubtful: bool = False


def find_dates(texts: pl.Series, cells: pl.Series, *, month_first: bool | None) -> Found:
    """Find the formats of a column of dates.

    Parameters
    ----------
    texts : polars.Series of String
        The different texts, without blanks around them, none that stands for missing.
    cells : polars.Series of int
        The number of cells with each text.
    month_first : bool or None
        Whether ambiguous dates have the month first; None if unknown, in which case the day is first.

    Returns
    -------
    Found
        The formats; perhaps none.

    Examples
    --------
    >>> dates = pl.Series(["02/13/2024", "02/01/2024"])
    >>> find_dates(dates, pl.Series([1, 1]), month_first=None).format
    DateFormat(formats=['%m/%d/%Y'])
    >>> find_dates(dates[1:], pl.Series([1]), month_first=None).doubtful
    True
    """
    families: dict[str, dict[str, str]] = {}
    for date_format, other in _formats_among(texts):
        # The formats of one column differ in length, not in the order of day and month.
        families.setdefault(date_format[:2], {})[date_format] = other
    nothing = Found(DateFormat(), pl.Series([False]).new_from_index(0, len(texts)))
    found = [_found(texts, cells, formats, month_first) for formats in families.values()]
    return max([nothing, *found], key=lambda one: int(cells.filter(one.readable).sum()))


def are_dates(texts: pl.Series) -> pl.Series:
    """Return which texts are dates in any format, whatever that of the others; eight digits are not.

    Examples
    --------
    >>> are_dates(pl.Series(["2024-12-31", "31.12.2024", "12/31/2024", "20241231", "soon"])).to_list()
    [True, True, True, False, False]
    """
    formats = {one: None for both in _formats_among(texts) for one in both if not one.startswith("%Y%m%d")}
    return DateFormat(list(formats)).read(texts).is_not_null()


def _found(texts: pl.Series, cells: pl.Series, formats: dict[str, str], month_first: bool | None) -> Found:
    """Return the formats, with the day first or with the month first, that read more cells."""
    by_day, by_month = DateFormat(list(formats)), DateFormat(list(formats.values()))
    day_readable = by_day.read(texts).is_not_null()
    if by_day == by_month:
        return Found(by_day, day_readable)
    month_readable = by_month.read(texts).is_not_null()
    days, months = (int(cells.filter(readable).sum()) for readable in (day_readable, month_readable))
    if days == months:
        first = by_month if month_first else by_day
        return Found(first, day_readable, doubtful=month_first is None)
    return Found(by_day, day_readable) if days > months else Found(by_month, month_readable)


def puts_month_first(date_format: DateFormat) -> bool | None:
    """Return whether the month precedes the day; None if the year comes first or the month is a word.

    Examples
    --------
    >>> [puts_month_first(DateFormat([text])) for text in ("%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d")]
    [True, False, None]
    """
    for text in date_format.formats:
        if text.startswith("%m"):
            return True
        if text.startswith("%d") and "%m" in text:
            return False
    return None


def with_the_other_order(date_format: DateFormat) -> str:
    """Return the first format with day and month exchanged.

    Examples
    --------
    >>> with_the_other_order(DateFormat(["%d/%m/%Y"]))
    '%m/%d/%Y'
    """
    return date_format.formats[0].translate(str.maketrans("dm", "md"))


def may_be_compact(numbers: pl.Series, enough: float) -> bool:
    """Return whether this fraction of whole numbers can be dates of eight digits.

    Examples
    --------
    >>> may_be_compact(pl.Series([20240105, 20240106, None, 0]), 0.6)
    True
    >>> may_be_compact(pl.Series([20.5, 30.0]), 0.6)
    False
    """
    if numbers.dtype != pl.Int64:
        return False
    dates = int(numbers.is_between(EARLIEST_COMPACT, LATEST_COMPACT).sum())
    return dates >= enough * (len(numbers) - numbers.null_count())


def read_times(texts: pl.Series) -> pl.Series:
    """Return times of day as durations, null for a text that is not a time.

    Examples
    --------
    >>> [str(time) for time in read_times(pl.Series(["08:30", "26:00:30", "8:99"]))]
    ['8:30:00', '1 day, 2:00:30', 'None']
    """
    parts = pl.DataFrame({f"{i}": texts.str.extract(TIME_OF_DAY, i).cast(pl.Float64) for i in (1, 2, 3)})
    seconds = parts["1"] * 3600 + parts["2"] * 60 + parts["3"].fill_null(0.0)
    return (seconds * 1e6).round().cast(pl.Int64).cast(pl.Duration("us")).alias(texts.name)


@cache
def _forms() -> list[tuple[re.Pattern[str], tuple[str, str]]]:
    """Return all forms of dates, compiled once: there are more than Python's own cache of patterns keeps."""
    forms = []
    for (date_form, formats), (time_form, time_format), gap in product(
        DATE_FORMS.items(), TIME_FORMS.items(), (" ", "T")
    ):
        between = gap if time_form else ""
        both = [one + between + time_format for one in formats]
        forms.append((re.compile(date_form + between + time_form, re.ASCII), (both[0], both[-1])))
    return forms


def _formats_among(texts: pl.Series) -> list[tuple[str, str]]:
    """Return the possible formats of some of the texts, as `_formats_of` does."""
    step = max(1, len(texts) // LOOKED_AT)
    return [both for text in texts.gather_every(step).head(LOOKED_AT) for both in _formats_of(text)]


def _formats_of(text: str) -> list[tuple[str, str]]:
    """Return the possible formats of a text: with the day first, and with the month first."""
    return next(([formats] for form, formats in _forms() if form.fullmatch(text)), [])


def _read(texts: pl.Series, date_format: str) -> pl.Series:
    pattern = re.escape(date_format)
    for directive, digits in DIGITS.items():
        pattern = pattern.replace(directive, digits)
    pattern = "^" + re.sub(r"%\\?[-_0]?\\?\.?[A-Za-z]", ".+?", pattern) + "$"
    if date_format.endswith("%S%.f"):
        pattern = pattern.removesuffix(".+?$") + r"(?:\.\d+)?$"
    fits = texts.str.contains(pattern)
    texts = texts.set(~fits.fill_null(False), None)
    if date_format.endswith("%z"):
        texts = texts.str.replace("Z$", "+00:00")
    dates = texts.str.to_datetime(date_format, strict=False, time_unit="us", exact=True)
    return dates.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if "%z" in date_format else dates
