"""Early stopping: the rows it holds out, and the score on them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ferroprop.estimators._sklearn import train_test_split
from ferroprop.estimators._typing import Array


class Rows(NamedTuple):
    """Inputs, targets and weights that belong together."""

    X: Array
    Y: Array
    sample_weight: Array | None


def hold_out(rows: Rows, fraction: float, *, stratify: bool, rng: np.random.RandomState) -> tuple[Rows, Rows]:
    """Split `rows` into a training and a validation part, exactly as scikit-learn does."""
    X, Y, sample_weight = rows
    options = {"random_state": rng, "test_size": fraction, "stratify": Y if stratify else None}
    if sample_weight is None:
        X_train, X_val, Y_train, Y_val = train_test_split(X, Y, **options)
        weight_train = weight_val = None
    else:
        X_train, X_val, Y_train, Y_val, weight_train, weight_val = train_test_split(
            X, Y, sample_weight, **options
        )
    if X_val.shape[0] < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    return Rows(X_train, Y_train, weight_train), Rows(X_val, Y_val, weight_val)


def accuracy(Y: Array, outputs: Array, sample_weight: Array | None) -> float:
    """Return the share of rows whose decoded output is the target.

    It equals `sklearn.metrics.accuracy_score` of the decoded labels, at a small part of its cost, which is
    paid once an epoch: several outputs of which one is true are compared by the largest, all others by the
    threshold 0.5, and a multilabel row counts when all of its labels are right.

    Parameters
    ----------
    Y : ndarray of shape (n_samples, n_outputs), bool
    outputs : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    """
    return float(np.average(np.all((outputs > 0.5) == Y, axis=1), weights=sample_weight))


def accuracy_of_largest(Y: Array, outputs: Array, sample_weight: Array | None) -> float:
    """Return the share of rows whose largest output is that of the true class; see `accuracy`."""
    return float(np.average(outputs.argmax(axis=1) == Y.argmax(axis=1), weights=sample_weight))


def r2(Y: Array, outputs: Array, sample_weight: Array | None) -> float:
    """Return the coefficient of determination, averaged over the outputs, NaN if an output is not finite.

    It equals `sklearn.metrics.r2_score`: a constant target scores 1 if it is met exactly and 0 otherwise.

    Parameters
    ----------
    Y : ndarray of shape (n_samples, n_outputs)
    outputs : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    """
    if not np.isfinite(outputs).all():
        return float("nan")
    weight = 1.0 if sample_weight is None else sample_weight[:, np.newaxis]
    truth = Y.astype(np.float64, copy=False)
    residual = (weight * (truth - outputs) ** 2).sum(axis=0)
    spread = (weight * (truth - np.average(truth, axis=0, weights=sample_weight)) ** 2).sum(axis=0)
    constant = spread == 0.0
    scores = np.where(constant, residual == 0.0, 1.0 - residual / np.where(constant, 1.0, spread))
    return float(scores.mean())
