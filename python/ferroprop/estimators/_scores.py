"""Scores of outputs, cheap enough for every epoch."""

import numpy as np

from ferroprop.estimators._typing import Array


def accuracy(Y: Array, outputs: Array, sample_weight: Array | None) -> float:
    """Return the fraction of rows whose decoded output is the target.

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
    """Return the fraction of rows whose largest output is that of the true class; see `accuracy`."""
    return float(np.average(outputs.argmax(axis=1) == Y.argmax(axis=1), weights=sample_weight))


def r2(Y: Array, outputs: Array, sample_weight: Array | None) -> float:
    """Return the coefficient of determination, averaged over the outputs, NaN if an output is not finite.

    It equals `sklearn.metrics.r2_score`, and of complex numbers it compares squared distances: a constant
    target scores 1 if it is met exactly and 0 otherwise.

    Parameters
    ----------
    Y : ndarray of shape (n_samples, n_outputs)
    outputs : ndarray of shape (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    """
    if not np.isfinite(outputs).all():
        return float("nan")
    weight = 1.0 if sample_weight is None else sample_weight[:, np.newaxis]
    truth = Y.astype(np.result_type(Y, np.float64), copy=False)
    residual = (weight * np.abs(truth - outputs) ** 2).sum(axis=0)
    spread = (weight * np.abs(truth - np.average(truth, axis=0, weights=sample_weight)) ** 2).sum(axis=0)
    constant = spread == 0.0
    scores = np.where(constant, residual == 0.0, 1.0 - residual / np.where(constant, 1.0, spread))
    return float(scores.mean())


def least_explained_variance(Y: Array, outputs: Array) -> float:
    """Return the explained variance of the output that explains least of its targets; 1 if all are constant.

    Unlike `r2` it does not count an error that is the same for all rows, as that of a quantile is.

    Examples
    --------
    >>> Y = np.array([[0.0, 5.0], [1.0, 5.0]])
    >>> least_explained_variance(Y, Y + [1.0, 0.0]), least_explained_variance(Y, 0.5 * Y)
    (1.0, 0.75)
    """
    Y = Y.astype(np.result_type(Y, np.float64))
    variances, errors = Y.var(axis=0), (Y - outputs).var(axis=0)
    varies = variances > 0.0
    return float((1.0 - errors[varies] / variances[varies]).min(initial=1.0))
