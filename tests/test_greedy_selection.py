"""Greedy selection among candidates, by predictions of rows left out."""

import numpy as np
import pytest
from ferroprop import MLPClassifier
from ferroprop.ensemble import greedy_selection, out_of_fold_predictions
from ferroprop.model_selection import GridSearchCV, cross_val_predict
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)


def squared(truth, prediction):
    return float(((truth - prediction) ** 2).mean())


def loss_of(counts, predictions, truth):
    return squared(truth, np.tensordot(counts, predictions, 1) / counts.sum())


@pytest.mark.parametrize("seed", range(20))
def test_each_member_is_the_one_that_helps_most(seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=30)
    predictions = truth + rng.normal(size=(6, 30)) * rng.uniform(0.5, 2.0, size=(6, 1))
    counts = greedy_selection(predictions, truth, squared, n_members=8)
    members = []
    best = np.inf, None
    for _ in range(8):
        losses = [squared(truth, np.mean(predictions[[*members, one]], axis=0)) for one in range(6)]
        members.append(int(np.argmin(losses)))
        if min(losses) < best[0]:
            best = min(losses), np.bincount(members, minlength=6)
    np.testing.assert_array_equal(counts, best[1])
    assert loss_of(counts, predictions, truth) <= min(squared(truth, one) for one in predictions)
    assert greedy_selection(predictions, truth, squared, n_members=1).sum() == 1


def test_a_candidate_without_predictions_is_never_a_member():
    truth = np.arange(4.0)
    predictions = [np.full(4, np.nan), truth + 1, truth - 2]
    counts = greedy_selection(predictions, truth, squared, n_members=3)
    np.testing.assert_array_equal(counts, [0, 2, 1])


def test_what_is_refused():
    for predictions, options, message in (
        (np.empty((0, 3)), {}, "predictions must have"),
        ([1.0, 2.0], {}, "predictions must have"),
        ([[1.0, 2.0]], {"n_members": 0}, "n_members must be at least 1, got 0"),
        ([[np.nan, 2.0]], {}, "loss must return a finite number"),
    ):
        with pytest.raises(ValueError, match=message):
            greedy_selection(predictions, np.zeros(2), squared, **options)


def test_predictions_of_a_search():
    mlp = MLPClassifier((4,), solver="rprop", max_iter=20, random_state=0)
    search = GridSearchCV(mlp, {"alpha": [0.0, 1.0, 100.0]}, cv=4, return_estimators=True).fit(X, y)
    predictions = out_of_fold_predictions(search, X, y, method="predict_proba")
    for alpha, own in zip([0.0, 1.0, 100.0], predictions, strict=True):
        mlp.set_params(alpha=alpha)
        expected = cross_val_predict(mlp, X, y, cv=4, method="predict_proba")
        np.testing.assert_array_equal(own, expected)
    counts = greedy_selection(predictions, y, log_loss)
    mean = np.tensordot(counts, predictions, 1) / counts.sum()
    assert log_loss(y, mean) <= min(log_loss(y, own) for own in predictions)
    with pytest.raises(ValueError, match="return_estimators=True"):
        out_of_fold_predictions(GridSearchCV(mlp, {"alpha": [0.0]}), X, y)
    with pytest.raises(ValueError, match="each of 3 splits, got 4"):
        out_of_fold_predictions(search.set_params(cv=3), X, y)
