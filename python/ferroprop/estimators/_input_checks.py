"""Checks of rows and targets: scikit-learn's, left out where they would find nothing and change nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ferroprop.estimators._samples import CheckedRows
from ferroprop.estimators._sklearn import validate_data


def checked_data(estimator: Any, X: Any, y: Any, *, reset: bool, **options: Any) -> tuple[Any, Any]:
    """Return checked inputs and targets of a fit; note or compare number and names of the features.

    scikit-learn's checks take longer than the training of a small network. They would return plain arrays of
    finite numbers, of the type and the shape that a network takes, as they are.

    Parameters
    ----------
    estimator : estimator
        Which is fitted.
    X, y : array-like
        Inputs and targets; those of `CheckedRows` are known to be plain.
    reset : bool
        Whether the number and the names of the features are new.
    **options
        What scikit-learn's ``validate_data`` takes besides.
    """
    if isinstance(X, CheckedRows) or (reset and are_plain(X, y)):
        estimator.__dict__.pop("feature_names_in_", None)
        estimator.n_features_in_ = X.shape[1]
        return X, y
    checked: tuple[Any, Any] = validate_data(
        estimator,
        X,
        y,
        accept_sparse=["csr", "csc"],
        multi_output=True,
        dtype=(np.float64, np.float32),
        reset=reset,
        **options,
    )
    return checked


def are_plain(X: Any, y: Any) -> bool:
    """Tell whether these are inputs and targets that a fit takes as they are."""
    return (
        type(X) is np.ndarray
        and type(y) is np.ndarray
        and X.dtype in (np.float64, np.float32)
        and y.dtype.kind in "biuf"
        and X.ndim == 2
        and y.ndim in (1, 2)
        and X.size > 0
        and y.size > 0
        and len(X) == len(y)
        and _is_finite(X)
        and (y.dtype.kind != "f" or _is_finite(y))
    )


def _is_finite(array: Any) -> bool:
    """Tell whether the sum of the numbers is finite, which it cannot be if one of them is not."""
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(array.sum())
