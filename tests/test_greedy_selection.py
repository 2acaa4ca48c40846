"""Greedy selection among candidates, by predictions of rows left out."""

import numpy as np
import pytest
from ferroprop import MLPClassifier
from ferroprop.ensemble import greedy_selection, out_of_fold_predictions
from ferroprop.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_predict
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, StratifiedKFold
from sklearn.pipeline import Pipeline

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
        ([[np.nan, np.nan]] * 2, {}, "predictions must have numbers of some candidate, got NaN only"),
    ):
        with pytest.raises(ValueError, match=message):
            greedy_selection(predictions, np.zeros(2), squared, **options)
    for options, message in (
        ({"n_members": 3.0}, "n_members must be an integer from 1 on, got 3.0"),
        ({"n_members": True}, "n_members must be an integer from 1 on, got True"),
        ({"loss": "log"}, "loss must be a function of targets and predictions, got 'log'"),
    ):
        with pytest.raises(TypeError, match=message):
            greedy_selection([[1.0, 2.0]], np.zeros(2), **{"loss": squared, **options})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_candidate_whose_fit_fails_is_never_a_member():
    mlp = MLPClassifier((3,), solver="rprop", max_iter=5, random_state=0)
    search = GridSearchCV(mlp, {"alpha": [-1.0, 0.0, 0.1]}, cv=3, return_estimators=True).fit(X, y)
    predictions = out_of_fold_predictions(search, X, y, method="predict_proba")
    assert np.isnan(predictions).all(axis=(1, 2)).tolist() == [True, False, False]
    counts = greedy_selection(predictions, y, log_loss)
    assert counts[0] == 0
    search.estimators_, search.held_out_ = search.estimators_[:1], search.held_out_[:1]
    with pytest.raises(ValueError, match="search must have a candidate of which no fit has failed, got none"):
        out_of_fold_predictions(search, X, y)


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
    again = out_of_fold_predictions(search.set_params(cv=3), X, y, method="predict_proba")
    np.testing.assert_array_equal(again, predictions)
    assert not hasattr(search.set_params(return_estimators=False).fit(X, y), "held_out_")


class Memorizing(ClassifierMixin, BaseEstimator):
    """Predicts whether a row was trained on."""

    def fit(self, X, y):
        """Remember."""
        self.classes_ = np.unique(y)
        self.known_ = set(X[:, 0])
        return self

    def predict(self, X):
        """Tell."""
        return np.array([float(x in self.known_) for x in X[:, 0]])


def splits_of(name):
    return {
        "shuffled": lambda: StratifiedKFold(4, shuffle=True),
        "drawn": lambda: ShuffleSplit(3, test_size=0.3),
        "generator": lambda: (split for split in KFold(3, shuffle=True).split(X)),
        "masks": lambda: [(np.arange(150) >= 50, np.arange(150) < 50)],
        "groups": lambda: GroupKFold(3),
    }[name]()


@pytest.mark.parametrize("kind", [GridSearchCV, HalvingGridSearchCV])
@pytest.mark.parametrize("name", ["shuffled", "drawn", "generator", "masks", "groups"])
def test_rows_are_predicted_by_those_that_were_not_trained_on_them(name, kind):
    if kind is HalvingGridSearchCV and name in ("shuffled", "drawn", "masks"):
        pytest.skip("scikit-learn's halving takes no such splits")
    rows = np.arange(150.0)[:, np.newaxis]
    groups = {"groups": np.arange(150) % 5} if name == "groups" else {}
    pipeline = Pipeline([("last", Memorizing())])
    search = kind(pipeline, {"last": [Memorizing()] * 3}, cv=splits_of(name), return_estimators=True)
    search.fit(rows, y, **groups)
    predictions = out_of_fold_predictions(search, rows, y)
    assert len(predictions) == len(search.cv_results_["params"])
    assert np.nanmax(predictions) == 0.0
    if name in ("shuffled", "generator", "groups") and kind is GridSearchCV:
        assert not np.isnan(predictions).any()
