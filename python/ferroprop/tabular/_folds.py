"""The folds: the held-out rows of each member."""

from __future__ import annotations

import numpy as np

from ferroprop.estimators._typing import Array


def folds_of(target: Array, n_folds: int, rng: np.random.RandomState) -> Array:
    """Return a fold per row, stratified by class or by range of targets.

    Rows are sorted by their target; of any `n_folds` consecutive rows, each fold gets one.

    Parameters
    ----------
    target : ndarray of shape (n_rows,)
        Targets; of a classifier the numbers of the classes.
    n_folds : int
        Number of folds.
    rng : RandomState
        Draws the rows of each fold.
    """
    n_blocks = -(-len(target) // n_folds)
    drawn = np.concatenate([rng.permutation(n_folds) for _ in range(n_blocks)])[: len(target)]
    folds = np.empty(len(target), dtype=np.intp)
    folds[np.argsort(target, kind="stable")] = drawn
    return folds
