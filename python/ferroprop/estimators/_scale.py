"""Data whose size makes learning slow."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import scipy.sparse

from ferroprop.estimators._typing import Array

LARGE, UNEVEN, SMALL = 10.0, 100.0, 0.1


def hint_about_scale(blocks: Iterable[Any]) -> str:
    """Return a hint about inputs, in blocks of rows, whose size makes learning slow, empty if it does not.

    Inputs are taken for badly scaled if the root mean square of a column is more than 10, or more than 100
    times that of another.
    """
    squares, n_rows, is_sparse = np.zeros(1), 0, False
    for X in blocks:
        is_sparse = scipy.sparse.issparse(X)
        if X.dtype.kind == "c":
            X = np.abs(X)
        of_block = np.asarray(X.astype(np.float64).power(2).sum(axis=0)) if is_sparse else _squares(X)
        squares, n_rows = squares + of_block, n_rows + X.shape[0]
    means = [mean for mean in (squares / n_rows).ravel().tolist() if mean > 0.0]
    if not means:
        return ""
    smallest, largest = math.sqrt(min(means)), math.sqrt(max(means))
    if largest <= LARGE and largest <= UNEVEN * smallest:
        return ""
    least, most = f"{smallest:.3g}", f"{largest:.3g}"
    between = f"is {most}" if least == most else f"goes from {least} to {most}"
    scaler = "MaxAbsScaler" if is_sparse else "StandardScaler"
    return (
        f" The size of the features {between} (root mean square); networks learn best from features near "
        f"1: scale X, for example with sklearn.preprocessing.{scaler}."
    )


def hint_about_targets(Y: Array) -> str:
    """Return a hint about targets whose size makes learning slow, empty if it does not.

    It does if the root mean square of an output's targets is above 10 or below 0.1.
    """
    if Y.dtype.kind == "c":
        Y = np.abs(Y)
    sizes = np.sqrt(_squares(Y) / len(Y))
    sizes = sizes[sizes > 0.0]
    if sizes.size == 0 or (sizes.max() <= LARGE and sizes.min() >= SMALL):
        return ""
    least, most = f"{sizes.min():.3g}", f"{sizes.max():.3g}"
    between = f"is {most}" if least == most else f"goes from {least} to {most}"
    return (
        f" The size of the targets {between} (root mean square); networks learn targets near 1 best: scale "
        "y, for example with sklearn.compose.TransformedTargetRegressor and its transformer StandardScaler()."
    )


def _squares(columns: Array) -> Array:
    """Return the sum of the squares of each column; of numbers wider than float64 too."""
    squares: Array = np.einsum("ij,ij->j", columns, columns, dtype=np.float64, casting="same_kind")
    return squares
