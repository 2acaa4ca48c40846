"""The parts of a date by sums, products and floors alone, which every format has.

The calendar is the Gregorian one, before 1582 too, in years that begin in March, so that 29 February is the
last day (H. Hinnant, "chrono-compatible low-level date algorithms").
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypeAlias, TypeVar

V = TypeVar("V")

Part: TypeAlias = Literal["year", "day", "weekday", "time"]


class Values(Protocol[V]):
    """The arithmetic of a format: of arrays, or of names in a graph."""

    def plus(self, x: V, y: V | float) -> V:
        """Return x + y."""

    def times(self, x: V, y: V | float) -> V:
        """Return x y."""

    def over(self, x: V, y: float) -> V:
        """Return x / y."""

    def floor(self, x: V) -> V:
        """Return the largest whole number that is at most x."""


class Arrays:
    """The arithmetic of arrays."""

    def plus(self, x: Any, y: Any) -> Any:
        """Return x + y."""
        return x + y

    def times(self, x: Any, y: Any) -> Any:
        """Return x y."""
        return x * y

    def over(self, x: Any, y: float) -> Any:
        """Return x / y."""
        return x / y

    def floor(self, x: Any) -> Any:
        """Return the largest whole number that is at most x."""
        import numpy as np

        return np.floor(x)


def date_part(of: Values[V], seconds: V, part: Part) -> V:
    """Return a part of dates in seconds since 1970.

    Parameters
    ----------
    of : Values
        The arithmetic.
    seconds : array or name
        The dates; NaN stays NaN.
    part : {'year', 'day', 'weekday', 'time'}
        The days since the year began; the days since the month began; the days since Monday; the share of the
        day that is over.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> noon = datetime(2024, 3, 1, 12, tzinfo=UTC).timestamp()  # a Friday in a leap year
    >>> [float(date_part(Arrays(), noon, part)) for part in ("year", "day", "weekday", "time")]
    [60.0, 0.0, 4.0, 0.5]
    """

    def minus(x: V, y: V) -> V:
        return of.plus(x, of.times(y, -1.0))

    def whole(x: V, divisor: float) -> V:
        return of.floor(of.over(x, divisor))

    days = whole(seconds, 86_400.0)
    if part == "time":
        return of.over(minus(seconds, of.times(days, 86_400.0)), 86_400.0)
    if part == "weekday":
        since = of.plus(days, 3.0)  # 1 January 1970 was a Thursday
        return minus(since, of.times(whole(since, 7.0), 7.0))
    since = of.plus(days, 719_468.0)  # 1 March of the year 0
    era = whole(since, 146_097.0)
    day = minus(since, of.times(era, 146_097.0))
    shift = of.plus(minus(whole(day, 36_524.0), whole(day, 1_460.0)), of.times(whole(day, 146_096.0), -1.0))
    year = whole(of.plus(day, shift), 365.0)
    in_year = minus(day, minus(of.plus(of.times(year, 365.0), whole(year, 4.0)), whole(year, 100.0)))
    if part == "day":
        month = whole(of.plus(of.times(in_year, 5.0), 2.0), 153.0)
        return minus(in_year, whole(of.plus(of.times(month, 153.0), 2.0), 5.0))
    # 1 January is day 306 of a year that begins in March.
    last = of.plus(of.plus(year, of.times(era, 400.0)), of.plus(whole(in_year, 306.0), -1.0))
    leap_days = of.plus(minus(whole(last, 4.0), whole(last, 100.0)), whole(last, 400.0))
    since_1970 = of.plus(of.plus(of.times(of.plus(last, -1969.0), 365.0), leap_days), -477.0)
    return minus(days, since_1970)
