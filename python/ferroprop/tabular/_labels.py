"""Targets of classifiers: labels, or an error that says where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np

from ferroprop.estimators._sklearn import check_array, check_classification_targets, column_or_1d
from ferroprop.estimators._targets import labels
from ferroprop.estimators._typing import Array, TargetLike
from ferroprop.tabular._cells import is_missing


def read_labels(estimator: Any, y: TargetLike, argument: str) -> Array:
    """Return the label of each row, none of them missing.

    Parameters
    ----------
    estimator : estimator
        The one that asks, for messages.
    y : array-like
        The user's targets.
    argument : str
        The name of `y` in messages.
    """
    if np.ma.is_masked(y):  # scikit-learn would take what lies under the mask
        _refuse_missing(argument, int(np.ma.getmaskarray(y).ravel().argmax()))
    given = check_array(
        labels(y, argument),
        ensure_2d=False,
        dtype=None,
        ensure_all_finite="allow-nan",
        input_name=argument,
        estimator=estimator,
    )
    found: Array = column_or_1d(given, warn=True)
    missing = [is_missing(label) for label in found.tolist()]
    if any(missing):
        _refuse_missing(argument, missing.index(True))
    check_classification_targets(found)
    return found


def _refuse_missing(argument: str, row: int) -> None:
    raise ValueError(f"{argument} has no label in row {row}. Leave such rows out.")
