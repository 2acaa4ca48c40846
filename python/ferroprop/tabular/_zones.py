"""The time zones of columns of dates.

The time on the clock is what people act by, so a column is read in its own zone. The zone belongs to the
encoding: the same instants in another zone show other times, and are converted to the zone of the fit.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from typing import Any

import numpy as np

from ferroprop.estimators._typing import Array

UNKNOWN = ""
"""The zone of a column where none is asked for, of models that do not know theirs, and of several zones."""
_OFFSET = re.compile(r"(?:UTC|GMT|Z)?(?:([+-])(\d\d):?(\d\d))?")


def zone_of(moment: Any) -> str | None:
    """Return the name of the time zone of a Python date, None if it has none."""
    zone = getattr(moment, "tzinfo", None)
    return None if zone is None else name_of(zone)


def name_of(zone: datetime.tzinfo) -> str:
    """Return the name of a time zone: "UTC+01:00" and the like for those of a fixed offset, of any class."""
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    if name:
        return str(name)
    try:
        offset = zone.utcoffset(None)  # of zones with rules it is None
    except Exception:  # the classes of other libraries raise what they like
        offset = None
    return str(zone if offset is None else datetime.timezone(offset))


def check_zone(name: str, own: str | None, wanted: str | None, argument: str) -> None:
    """Refuse a column with a time zone if the one of the fit had none, or the reverse.

    Parameters
    ----------
    name : str
        The column.
    own, wanted : str or None
        Its time zone and that of the fit.
    argument : str
        What messages call the table.
    """
    if wanted == UNKNOWN or (own is None) == (wanted is None):
        return
    if own is None:
        raise ValueError(
            f"Column {name!r} of {argument} has no time zone, in fit it had {wanted!r}. Give it its zone, "
            "for example with dt.tz_localize of pandas or dt.replace_time_zone of polars."
        )
    raise ValueError(
        f"Column {name!r} of {argument} has the time zone {own!r}, in fit it had none. Convert it to the "
        "zone in which the clock of fit was read, and remove the zone, for example with dt.tz_localize(None) "
        "of pandas or dt.replace_time_zone(None) of polars."
    )


def clock_of(name: str, instants: Array, zone: str) -> Array:
    """Return what a clock in a time zone shows.

    Parameters
    ----------
    name : str
        The column, for messages.
    instants : ndarray of datetime64
        Instants in UTC.
    zone : str
        The time zone.
    """
    information = _information(name, zone)
    clock = instants.astype("datetime64[us]")
    known = ~np.isnat(clock)
    distinct, place = np.unique(clock[known], return_inverse=True)
    first, last = np.datetime64("0002-01-01", "us"), np.datetime64("9998-01-01", "us")  # Python's years
    offsets = [
        moment.replace(tzinfo=datetime.UTC).astimezone(information).utcoffset()
        for moment in np.clip(distinct, first, last).tolist()
    ]
    clock[known] = (distinct + np.array(offsets, dtype="timedelta64[us]"))[place]
    return clock


def _information(name: str, zone: str) -> datetime.tzinfo:
    offset = _OFFSET.fullmatch(zone)
    if offset:
        sign, hours, minutes = offset.groups(default="0")
        east = datetime.timedelta(hours=int(hours), minutes=int(minutes))
        return datetime.timezone(-east if sign == "-" else east)
    try:
        return zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"Column {name!r} has another time zone than in fit, {zone!r}, of which this machine knows no "
            "rules. Convert the column to that zone."
        ) from None
