"""Weights of rows: numbers from 0 on, of which at least one is positive."""

from __future__ import annotations

from typing import Any

import numpy as np

from ferroprop.estimators._sklearn import check_sample_weight
from ferroprop.estimators._typing import Array

_FARTHEST = 64
"""The exponent of two from which on weights are scaled: sums of float32 hold more than this."""

_LOST = 60
"""Weights below the largest one divided by two to this power are 0."""


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
        if argument in str(error).replace("`", " ").split():
            raise
        raise type(error)(f"{argument}: {error}") from None  # scikit-learn names the first argument only
    if not np.isfinite(checked).all():  # a single number is not looked at by scikit-learn
        raise ValueError(f"{argument} must be finite, got {weight!r:.60}.")
    return near_one(checked)


def near_one(weight: Array) -> Array:
    """Return weights divided by a power of two if the largest is far from 1: only their ratios matter.

    Those so small that they are lost in the rounding of the sum are 0, as they would be in float32.

    Examples
    --------
    >>> import numpy as np
    >>> near_one(np.array([1e300, 2e300])).round(2).tolist()
    [0.37, 0.75]
    >>> near_one(np.array([3.0, 1e-30, 7.0])).tolist()
    [3.0, 0.0, 7.0]
    """
    exponent = int(np.frexp(weight.max())[1])
    near = np.ldexp(weight, -exponent) if abs(exponent) > _FARTHEST else weight
    return np.where(near < np.ldexp(near.max(), -_LOST), 0.0, near)
