"""The validation set: rows that were held out or given, and loss and score on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ferroprop._core import Network, _CallersArithmetic, _StandardArithmetic
from ferroprop.estimators._sklearn import check_scoring, train_test_split
from ferroprop.estimators._typing import Array

if TYPE_CHECKING:
    from ferroprop.estimators._base import BaseMLP


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


class ValidationSet:
    """Rows that an estimator's network is watched on.

    Parameters
    ----------
    estimator : BaseMLP
        The estimator that is fitted; its `scoring` says what the score is.
    rows : Rows
        Of the estimator's dtype.
    output : str
        Activation of the output layer.
    """

    def __init__(self, estimator: BaseMLP, rows: Rows, output: Any) -> None:
        self.rows = rows
        self._estimator = estimator
        self._output = output
        self._n_threads = estimator._n_threads()
        self._scorer = None
        self.is_scored = estimator.scoring != "loss"
        if self.is_scored and estimator.scoring is not None:
            self._scorer = check_scoring(estimator, estimator.scoring)
            self._labels = estimator._labels(rows.Y)

    def score(self, network: Network) -> float:
        """Return the score of the network, greater is better."""
        X, Y, sample_weight = self.rows
        if self._scorer is None:
            outputs = network.predict(X, n_threads=self._n_threads)
            with _StandardArithmetic():
                return self._estimator._score_outputs(Y, outputs, sample_weight)
        fitted = self._estimator._copy_with(self._estimator._attributes_of(network, self._output))
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        with _CallersArithmetic() if self._scorer is self._estimator.scoring else _StandardArithmetic():
            return float(self._scorer(fitted, X, self._labels, **weight))

    def loss(self, network: Network) -> float:
        """Return the loss of the network, as ``loss_curve_`` has it but without the penalty."""
        X, Y, sample_weight = self.rows
        loss, _, _ = network.loss_and_gradients(
            X,
            self._estimator._core_targets(Y, network.dtype),
            loss=self._estimator._core_loss(),
            sample_weight=sample_weight,
            n_threads=self._n_threads,
        )
        return loss / self._estimator._outputs_in_mean(Y.shape[1])


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
