"""Scores on the test rows, of the network and of a trivial baseline."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from ferroprop.cli.card import Score
from ferroprop.cli.target import TaskName


def train_baseline(task: TaskName, y: NDArray[Any]) -> Any:
    """Return the fitted baseline: the most frequent class with the class frequencies, or the mean."""
    baseline = (
        DummyClassifier(strategy="prior") if task == "classification" else DummyRegressor(strategy="mean")
    )
    return baseline.fit(np.zeros((len(y), 1)), y)


def score_both(task: TaskName, network: Any, baseline: Any, X: pl.DataFrame, y: NDArray[Any]) -> list[Score]:
    """Score the network and the baseline on the same rows.

    Parameters
    ----------
    task : {'classification', 'regression'}
        Accuracy, balanced accuracy, of two classes the area under the ROC curve, and log loss; or R², RMSE
        and MAE.
    network, baseline : estimator
        Fitted.
    X : polars.DataFrame
        The rows' features.
    y : ndarray
        The rows' targets.

    Returns
    -------
    list of Score
        The most telling first.
    """
    # Targets of 1e90: the score is infinite, not a warning.
    with np.errstate(over="ignore", invalid="ignore"):
        ours = _scores(task, network, X, y)
        trivial = _scores(task, baseline, np.zeros((len(y), 1)), y)
    return [Score(name, ours[name], trivial[name], _MORE_IS_BETTER[name]) for name in ours]


_MORE_IS_BETTER = {
    "accuracy": True,
    "balanced accuracy": True,
    "ROC AUC": True,
    "log loss": False,
    "R²": True,
    "RMSE": False,
    "MAE": False,
}


def _scores(task: TaskName, estimator: Any, X: Any, y: NDArray[Any]) -> dict[str, float]:
    predicted = estimator.predict(X)
    if task == "regression":
        return {
            "R²": float(r2_score(y, predicted)),
            "RMSE": float(root_mean_squared_error(y, predicted)),
            "MAE": float(mean_absolute_error(y, predicted)),
        }
    probabilities = estimator.predict_proba(X)
    found = {
        "accuracy": float(accuracy_score(y, predicted)),
        "balanced accuracy": float(balanced_accuracy_score(y, predicted)),
    }
    if len(estimator.classes_) == len(np.unique(y)) == 2:
        found["ROC AUC"] = float(roc_auc_score(y, probabilities[:, 1]))
    return found | {"log loss": float(log_loss(y, probabilities, labels=estimator.classes_))}
