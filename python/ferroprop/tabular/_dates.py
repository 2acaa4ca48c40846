"""A column of dates as inputs of a network: a number, and the phase of the year, the week and the day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from ferroprop.estimators._typing import Array
from ferroprop.tabular._numbers import NumberColumn, cos_of_turns, fit_numbers
from ferroprop.tabular._zones import UNKNOWN

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY = np.timedelta64(86_400_000_000, "us")
DAYS_IN_A_YEAR = 365.2425

Part: TypeAlias = Literal["year", "day", "weekday", "time"]
PARTS: tuple[Part, ...] = ("year", "day", "weekday", "time")


@dataclass(frozen=True)
class DateColumn:
    """The encoding of one column of dates; made by `fit_dates`.

    Attributes
    ----------
    name : str
        Its name.
    seconds : NumberColumn
        The encoding of the time since 1970.
    parts : tuple of str
        Those of 'year' (the place in the year), 'day' (of the month), 'weekday' and 'time' (of the day) that
        varied in the rows of the fit.
    zone : str or None
        The time zone in which the dates are read, None if those of the fit had none; empty if they had
        several, and in models of earlier releases, which do not know it.
    """

    name: str
    seconds: NumberColumn
    parts: tuple[Part, ...]
    zone: str | None = UNKNOWN

    kind = "date"

    def feature_names(self) -> list[str]:
        """Return the names of the inputs."""
        names = self.seconds.feature_names()
        for part in self.parts:
            if part == "weekday":
                names += [f"{self.name}_{day}" for day in _WEEKDAYS]
            elif part == "day":
                names.append(f"{self.name}_day")
            else:
                names += [f"{self.name}_{part}_cos", f"{self.name}_{part}_sin"]
        return names

    def places_of(self, encoding: str) -> list[int]:
        """Return where the inputs of one encoding are among those of several."""
        rest = range(len(self.seconds.feature_names()), len(self.feature_names()))
        return [*self.seconds.places_of(encoding), *rest]

    def encode(self, dates: Array, out: Array) -> None:
        """Write the inputs of these dates, one column each, into `out`."""
        place = len(self.seconds.feature_names())
        self.seconds.encode(seconds_of(dates), out[:, :place])
        missing = np.isnat(dates)
        known = np.where(missing, np.datetime64(0, "us"), dates)
        for part in self.parts:
            inputs = _part(part, known)
            inputs[missing] = 0.0
            out[:, place : place + inputs.shape[1]] = inputs
            place += inputs.shape[1]


def fit_dates(
    name: str, dates: Array, weight: Array | None, *, zone: str | None, **encoding: float
) -> DateColumn:
    """Choose the encoding of a column from the dates of a fit; `encoding` is that of `fit_numbers`."""
    known = dates[~np.isnat(dates)]
    seconds = fit_numbers(name, seconds_of(dates), weight, **encoding)  # type: ignore[arg-type]
    parts = tuple(part for part in PARTS if _varies(part, known))
    return DateColumn(name, seconds, parts, zone)


def seconds_of(dates: Array) -> Array:
    """Return the seconds since 1970, NaN where there is no date."""
    seconds = dates.astype(np.int64) / 1e6
    seconds[np.isnat(dates)] = np.nan
    return seconds


def _varies(part: Part, dates: Array) -> bool:
    """Tell whether one part of the dates varies."""
    return len(dates) > 0 and bool(np.ptp(_part(part, dates), axis=0).any())


def _part(part: Part, dates: Array) -> Array:
    """Return the inputs of one part of dates, one column each."""
    days = dates.astype("datetime64[D]")
    if part == "weekday":
        weekday = (days.astype(np.int64) + 3) % 7  # 1 January 1970 was a Thursday
        one_hot: Array = (weekday[:, None] == np.arange(7)).astype(np.float64)
        return one_hot
    if part == "day":
        centered: Array = (_days_since(days, "M") - 15) / 15.0
        return centered[:, None]
    turns = _days_since(days, "Y") / DAYS_IN_A_YEAR if part == "year" else (dates - days) / _DAY
    return np.stack([cos_of_turns(turns), cos_of_turns(turns - 0.25)], axis=1)


def _days_since(days: Array, unit: str) -> Array:
    """Return the number of days since the year or the month began."""
    number: Array = (days - days.astype(f"datetime64[{unit}]").astype("datetime64[D]")).astype(np.int64)
    return number
