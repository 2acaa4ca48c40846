"""Targets of regressors: numbers, or an error that says where there is none."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import scipy.sparse

from ferroprop.estimators._sklearn import check_array
from ferroprop.estimators._typing import Array, TargetLike
from ferroprop.tabular._cells import is_missing

_TIMES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)


def read_quantities(estimator: Any, y: TargetLike, argument: str) -> Array:
    """Return targets as float64, all of them finite.

    Parameters
    ----------
    estimator : estimator
        The one that asks, for messages.
    y : array-like
        The user's targets.
    argument : str
        The name of `y` in messages.
    """
    if not scipy.sparse.issparse(y):
        if np.ma.is_masked(y):
            mask = np.ma.getmaskarray(y)
            _refuse_value(argument, np.unravel_index(int(mask.argmax()), mask.shape), np.nan)
        given = np.asarray(y)
        if given.dtype.kind in "mM":
            _refuse_times(argument, str(given.dtype))
        if given.dtype.kind in "UO":
            _check_objects(given, argument)
    with np.errstate(over="ignore"):  # of longdouble; infinity is an error that names its place
        numbers: Array = check_array(
            y,
            ensure_2d=False,
            dtype=np.float64,
            ensure_all_finite=False,
            input_name=argument,
            estimator=estimator,
        )
    finite = np.isfinite(numbers)
    if not finite.all():
        place = np.unravel_index(int((~finite).argmax()), numbers.shape)
        _refuse_value(argument, place, float(numbers[place]))
    return numbers


def _check_objects(given: Array, argument: str) -> None:
    """Refuse times, text, missing values and integers that are no float64, but not what check_array does."""
    missing = None
    for place, value in np.ndenumerate(given):
        if is_missing(value):
            missing = missing or (place, value)
            continue
        if isinstance(value, _TIMES):
            own = getattr(value, "dtype", type(value).__name__)
            _refuse_times(argument, f"{given.dtype}, with {own} in {_where(place)}")
        try:
            float(value)
        except OverflowError:
            _refuse_value(argument, place, np.inf if value > 0 else -np.inf)
        except (TypeError, ValueError):
            if isinstance(value, (str, bytes)):
                raise ValueError(
                    f"{argument} must hold numbers, could not convert string to float: {str(value)!r:.60} in "
                    f"{_where(place)}. Classes are for TabularMLPClassifier."
                ) from None
            raise TypeError(
                f"{argument} must hold numbers, got a {type(value).__name__}, {value!r:.60}, in "
                f"{_where(place)}."
            ) from None
    if missing:
        _refuse_value(argument, *missing)


def _refuse_times(argument: str, dtype: str) -> None:
    raise TypeError(
        f"{argument} must hold numbers, got dates or times (dtype {dtype}). Make them numbers in a unit of "
        f"your choice, for example seconds since a date: ({argument} - date) / np.timedelta64(1, 's')."
    )


def _refuse_value(argument: str, place: tuple[Any, ...], value: Any) -> None:
    # the first words are scikit-learn's
    what = "NaN" if is_missing(value) else "infinity"
    raise ValueError(
        f"Input {argument} contains {what}: {_where(place)} has {value}. Each row needs a number; leave rows "
        "out whose target is not known."
    )


def _where(place: tuple[Any, ...]) -> str:
    """Name the row, and the column if there are several targets."""
    return f"row {place[0]}" if len(place) < 2 else f"row {place[0]}, column {place[1]}"
