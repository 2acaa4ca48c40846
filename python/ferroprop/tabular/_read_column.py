"""Columns of the libraries' tables and of arrays, turned into `Column`."""

from __future__ import annotations

import datetime
import numbers
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from ferroprop.estimators._typing import Array
from ferroprop.tabular._cells import (
    clock_time,
    exact_of,
    floats_of,
    group_of,
    objects_of,
    seconds_of_day,
    span_of,
)
from ferroprop.tabular._column import Column, refuse_infinity
from ferroprop.tabular._zones import UNKNOWN, check_zone, clock_of, name_of, zone_of

_ONE_VALUE = (
    "Each row of a column must have one value: make columns of the parts, or text if the whole is a category."
)
_SECOND = np.timedelta64(1_000_000, "us")
_NANOSECONDS = np.dtype("timedelta64[ns]")


def column_of_array(name: str, values: Array, argument: str, zone: str | None = UNKNOWN) -> Column:
    """Return a column of an array; `argument` is what messages call the table.

    `zone` is the time zone of the column in the fit.
    """
    kind = values.dtype.kind
    if kind in "fiub":
        with np.errstate(over="ignore"):  # of longdouble; infinity is an error that names its place
            floats = _finite(name, values.astype(np.float64), argument)
        exact = values.astype(f"{kind}8") if kind in "iu" and _is_far(floats) else None
        return Column(name, floats, exact=exact)
    if kind == "M":
        dates = values.astype("datetime64[us]")
        if np.isnat(values).all():
            return Column(name, dates)
        check_zone(name, None, zone, argument)
        return Column(name, dates, zone=None)
    if kind == "m":
        return Column(name, _seconds(values))
    if kind == "c":
        raise ValueError(
            f"Complex data not supported: column {name!r} of {argument} has dtype {values.dtype}."
        )
    if kind in "UOT":
        return _column_of_objects(name, values.astype(object).tolist(), argument, zone)
    if kind == "S":
        return Column(
            name, objects_of([value.decode(errors="backslashreplace") for value in values.tolist()])
        )
    raise TypeError(
        f"Column {name!r} of {argument} has dtype {values.dtype}, which is none that a table has."
    )


def column_of_series(series: nw.Series[Any], argument: str, zone: str | None) -> Column:
    """Return a column of a data frame, as `column_of_array` does."""
    name, dtype = str(series.name), series.dtype
    if dtype in (nw.Int64, nw.UInt64):
        return _column_of_long(series)
    if dtype.is_numeric() or dtype == nw.Boolean:
        values = np.asarray(series.cast(nw.Float64).to_numpy(), dtype=np.float64)
        _finite(name, values, argument)
        exact = exact_of(series.to_list()) if dtype.is_integer() and _is_far(values) else None
        return Column(name, values, exact=exact)
    if dtype in (nw.Date, nw.Datetime, nw.Duration):
        own = getattr(dtype, "time_zone", None)
        if own is not None:
            native = getattr(getattr(series.to_native(), "dtype", None), "tz", None)  # of pandas
            return _column_with_zone(series, own if native is None else name_of(native), argument, zone)
        values = series.to_numpy()
        if values.dtype != object:
            return column_of_array(name, values, argument, zone)
    if dtype in (nw.Categorical, nw.Enum):
        return Column(name, objects_of(series.to_list()), is_categorical=True)
    if dtype.is_nested():
        raise TypeError(f"Column {name!r} of {argument} has dtype {dtype}. {_ONE_VALUE}")
    if dtype == nw.Unknown:
        values = series.to_numpy()
        if values.dtype != object:
            return column_of_array(name, values, argument, zone)
    return _column_of_objects(name, series.to_list(), argument, zone)


def _column_of_long(series: nw.Series[Any]) -> Column:
    """Convert a column of whole numbers of 64 bits, of which float64 does not hold all."""
    missing = series.is_null().to_numpy()
    long = np.asarray(
        series.fill_null(0).to_numpy(), dtype=np.uint64 if series.dtype == nw.UInt64 else np.int64
    )
    values = long.astype(np.float64)
    values[missing] = np.nan
    return Column(str(series.name), values, exact=long if _is_far(values) else None)


def _column_with_zone(series: nw.Series[Any], own: str, argument: str, zone: str | None) -> Column:
    """Convert a column of dates with a time zone to what a clock shows in the zone of the fit."""
    name = str(series.name)
    if series.is_null().all():
        return Column(name, np.full(len(series), np.datetime64("NaT", "us")))
    check_zone(name, own, zone, argument)
    if zone is None or zone in (own, UNKNOWN):
        clock = series.dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
        return Column(name, clock, zone=own)
    instants = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy()
    return Column(name, clock_of(name, instants, zone), zone=zone)


def _column_of_objects(name: str, values: list[Any], argument: str, zone: str | None = UNKNOWN) -> Column:
    """Convert a column of Python objects to numbers or dates if all of them are; otherwise to objects."""
    kinds = set(map(type, values))
    if any(kind.__hash__ is None for kind in kinds):  # as of all that hold several values
        row = next(row for row, value in enumerate(values) if type(value).__hash__ is None)
        raise TypeError(
            f"Column {name!r} of {argument} has a {type(values[row]).__name__} in row {row}, "
            f"{values[row]!r:.60}. {_ONE_VALUE}"
        )
    groups = {group_of(kind) for kind in kinds} - {"missing"}
    objects = objects_of(values)
    present = objects[[value is not None for value in objects]]
    if len(present) == 0:
        return Column(name, np.full(len(values), np.nan))
    if any(isinstance(value, numbers.Complex) and not isinstance(value, numbers.Real) for value in present):
        raise ValueError(f"Complex data not supported: column {name!r} of {argument} has complex numbers.")
    if groups == {"number"}:
        floats = _finite(name, floats_of(objects), argument, objects)
        return Column(name, floats, exact=exact_of(objects.tolist()) if _is_far(floats) else None)
    if groups == {"date"}:
        return _column_of_dates(name, objects, argument, zone)
    if groups == {"duration"}:
        return Column(name, _seconds_of_objects(objects))
    if groups == {"time"}:
        return Column(
            name, np.array([np.nan if value is None else seconds_of_day(value) for value in objects])
        )
    return Column(name, objects)


def _column_of_dates(name: str, objects: Array, argument: str, zone: str | None) -> Column:
    """Convert Python dates, each by its own time zone if it has one."""
    own = [UNKNOWN if value is None else zone_of(value) for value in objects]
    present = {one for one in own if one != UNKNOWN}
    for one in present:
        check_zone(name, one, zone, argument)
    common = present.pop() if len(present) == 1 else UNKNOWN
    if zone in (UNKNOWN, common):
        dates = [np.datetime64("NaT") if value is None else clock_time(value) for value in objects]
        return Column(name, np.array(dates, dtype="datetime64[us]"), zone=common)
    instants = [
        np.datetime64("NaT") if value is None else clock_time(value, datetime.UTC) for value in objects
    ]
    return Column(name, clock_of(name, np.array(instants, dtype="datetime64[us]"), str(zone)), zone=zone)


def _seconds_of_objects(objects: Array) -> Array:
    """Convert Python spans of time, with their nanoseconds if they have a class that knows them."""
    spans = [np.timedelta64("NaT") if value is None else span_of(value) for value in objects]
    seconds = _seconds(np.array(spans, dtype="timedelta64[us]"))
    fine = [place for place, span in enumerate(spans) if span.dtype == _NANOSECONDS]
    seconds[fine] = _seconds(np.array([spans[place] for place in fine], dtype=_NANOSECONDS))
    return seconds


def _seconds(spans: Array) -> Array:
    whole = spans.astype("timedelta64[us]")  # the same bits for any unit
    seconds: Array = whole / _SECOND
    if spans.dtype == _NANOSECONDS:
        seconds += (spans - whole) / _SECOND
    return seconds


def _is_far(floats: Array) -> bool:
    """Tell whether some numbers are so far from 0 that float64 does not hold all whole numbers there."""
    return bool((np.abs(floats) >= 2.0**53).any())


def _finite(name: str, values: Array, argument: str, given: Array | None = None) -> Array:
    """Return numbers if they are finite; `given` are those that were converted to them."""
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        refuse_infinity(name, values[row] if given is None else given[row], row, argument)
    return values
