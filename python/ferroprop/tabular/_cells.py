"""Single values of a table, as Python has them: missing, numbers, dates or text."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from ferroprop.estimators._typing import Array

_TRUTH = {"true": True, "false": False}
"""The texts that are booleans where the other values are."""
_MISSING = ("NAType", "NaTType")
"""The classes of pandas' NA and NaT."""


def group_of(kind: type) -> str:
    """Return what the values of a Python type are: missing, number, date, duration, time or text."""
    if kind is type(None) or kind.__name__ in _MISSING:
        return "missing"
    if issubclass(kind, (datetime.timedelta, np.timedelta64)):  # the latter is a number to NumPy
        return "duration"
    if issubclass(kind, (numbers.Real, decimal.Decimal, np.bool_, np.number)):
        return "number"
    if issubclass(kind, (datetime.date, np.datetime64)) or kind.__name__ == "Period":  # of pandas
        return "date"
    return "time" if issubclass(kind, datetime.time) else "text"


def is_missing(value: Any) -> bool:
    """Tell whether a Python value means missing: None, NaN, NaT, pandas' NA."""
    if value is None or type(value).__name__ in _MISSING:
        return True
    if isinstance(value, decimal.Decimal):
        return value.is_nan()
    if isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)):
        return bool(value != value)
    return False


def truth_of(value: Any) -> bool | None:
    """Return the boolean that a text spells, None if it spells none or is no text."""
    return _TRUTH.get(value.strip().lower()) if isinstance(value, str) else None


def as_number(value: Any) -> float | None:
    """Return a value as a number, None if it is not one."""
    if not isinstance(value, str) and group_of(type(value)) != "number":
        return None
    try:
        number = _float(value)
    except ValueError:
        return None
    return None if number != number else number


def text_of(value: Any) -> str:
    """Return the text of a level: 1 and 1.0 are the same level."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (numbers.Real, decimal.Decimal)):
        with contextlib.suppress(OverflowError):  # of infinity
            whole = math.trunc(value)
            return str(whole if value == whole else value)
    return str(value)


def clock_time(value: Any, zone: datetime.tzinfo | None = None) -> np.datetime64:
    """Return the time that a clock shows: in the zone of a date if none is given, at a period's start."""
    if hasattr(value, "to_timestamp"):  # a period of pandas
        value = value.to_timestamp()
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = (value if zone is None else value.astimezone(zone)).replace(tzinfo=None)
    return np.datetime64(value)


def span_of(value: Any) -> np.timedelta64:
    """Return a span of time in its own unit."""
    if hasattr(value, "to_timedelta64"):  # of pandas
        value = value.to_timedelta64()
    return np.timedelta64(value)


def seconds_of_day(value: datetime.time) -> float:
    """Return a time of day as a number."""
    return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6


def objects_of(values: Sequence[Any]) -> Array:
    """Return values as an array, None for missing."""
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):  # NumPy would look into lists
        array[place] = None if is_missing(value) else value
    return array


def floats_of(objects: Array) -> Array:
    """Return numbers as float64, NaN for None."""
    return np.array([np.nan if value is None else _float(value) for value in objects], dtype=np.float64)


def exact_of(values: Sequence[Any]) -> Array:
    """Return numbers as Python has them: whole ones as int, others as float, None for missing."""
    exact = objects_of(values)
    for place, value in enumerate(exact):
        if value is not None:
            whole = math.trunc(value)
            exact[place] = whole if value == whole else float(value)
    return exact


def _float(value: Any) -> float:
    """Return a number as a float; one that is too large for it is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
