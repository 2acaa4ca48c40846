"""Weights of rows: numbers from 0 on, of which at least one is positive."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ferroprop.estimators._sklearn import check_sample_weight
from ferroprop.estimators._typing import Array

_FARTHEST = 64
"""The exponent of two beyond which weights are scaled, so that float32 holds their sums and products."""

_SPAN = 60
"""The largest weight divided by two to this power is the least positive one.

Added to the largest it is lost in the rounding of float64 (2**-53) and of float32 (2**-24), but float32 holds
it (its numbers reach down to 2**-149): folds of such rows alone have losses.
"""


def read_weights(weight: Any, n_rows: int, argument: str = "sample_weight") -> Array | None:
    """Return the user's weights as float64, None if there are none.

    Parameters
    ----------
    weight : array-like of shape (n_rows,), number or None
        The weights.
    n_rows : int
        The number of rows of the table.
    argument : str
        What messages call them.
    """
    if weight is None:
        return None
    try:
        checked = check_sample_weight(weight, np.empty(n_rows), dtype=np.float64, ensure_non_negative=True)
    except (ValueError, TypeError) as error:
        message = re.sub(r"\bsample_weight\b", argument, str(error))  # as scikit-learn calls any weights
        raise type(error)(message if argument in message else f"{argument}: {message}") from None
    if not np.isfinite(checked).all():  # a single number is not looked at by scikit-learn
        raise ValueError(f"{argument} must be finite, got {weight!r:.60}.")
    return near_one(checked)


def near_one(weight: Array) -> Array:
    """Return weights divided by a power of two if the largest is far from 1: only their ratios matter.

    Positive ones below the largest divided by 2**60 become that, so that their rows still count as rows.

    Examples
    --------
    >>> import numpy as np
    >>> near_one(np.array([1e300, 2e300])).round(2).tolist()
    [0.37, 0.75]
    >>> near_one(np.array([3.0, 0.0, 1e-30, 8.0])).tolist() == [3.0, 0.0, 2.0**-57, 8.0]
    True
    """
    exponent = int(np.frexp(weight.max())[1])
    near = np.ldexp(weight, -exponent) if abs(exponent) > _FARTHEST else weight
    return np.where(weight > 0.0, np.maximum(near, np.ldexp(near.max(), -_SPAN)), 0.0)
