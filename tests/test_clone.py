"""Copies of estimators: those of scikit-learn, sooner."""

import numpy as np
import pytest
from ferroprop import Adam, ComplexMLPRegressor, MLPClassifier, MLPRegressor, RNNClassifier
from sklearn.base import BaseEstimator, clone
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score

X, y = load_iris(return_X_y=True)


def assert_same_parameters(ours, theirs):
    assert type(ours) is type(theirs)
    own, their = ours.get_params(), theirs.get_params()
    assert list(own) == list(their)
    for name, value in own.items():
        assert type(value) is type(their[name]), name
        assert repr(value) == repr(their[name]) or "object at" in repr(value) or "RandomState" in repr(value)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor, ComplexMLPRegressor, RNNClassifier])
def test_a_clone_is_scikit_learns(kind):
    estimator = kind(
        hidden_layer_sizes=[3, 4],
        solver=Adam(0.1),
        random_state=np.random.RandomState(3),
        dropout=np.array([0.1, 0.2]),
        callback=print,
    )
    estimator.set_callbacks(ScoringMonitor(scoring="r2"))
    ours, theirs = clone(estimator), BaseEstimator.__sklearn_clone__(estimator)
    assert_same_parameters(ours, theirs)
    for name in ("hidden_layer_sizes", "solver", "random_state", "dropout"):
        assert getattr(ours, name) is not getattr(estimator, name)
    assert ours.random_state.randint(1000) == theirs.random_state.randint(1000)
    assert ours.callback is print
    assert vars(ours).keys() == vars(theirs).keys()
    assert ours._skl_callbacks == theirs._skl_callbacks


def test_requests_and_containers_are_cloned():
    estimator = MLPClassifier((3,)).set_output(transform="pandas")
    assert clone(estimator)._sklearn_output_config == {"transform": "pandas"}
    assert clone(estimator)._sklearn_output_config is not estimator._sklearn_output_config


def test_a_clone_is_not_fitted():
    estimator = MLPClassifier((3,), solver="rprop", max_iter=3, n_iter_no_change=2, random_state=0)
    with pytest.warns(ConvergenceWarning):
        estimator.fit(X, y)
    assert not hasattr(clone(estimator), "coefs_")


class Changing(MLPClassifier):
    """Its constructor changes what it gets."""

    def __init__(self, alpha=0.5):
        super().__init__(alpha=alpha + 1)


class Further(MLPClassifier):
    """It has a parameter of its own."""

    def __init__(self, alpha=0.5, further=(1, 2)):
        super().__init__(alpha=alpha)
        self.further = further


def test_constructors_of_subclasses():
    with pytest.raises(RuntimeError, match="either does not set or modifies parameter alpha"):
        clone(Changing())
    assert clone(Further(further=[5])).get_params() == {"alpha": 0.5, "further": [5]}
    assert Further._get_param_names() == ["alpha", "further"]


@pytest.mark.parametrize(
    "form", [np.asarray, list, lambda y: y.astype(float), lambda y: np.array(list("abc"))[y]]
)
def test_accuracy_is_scikit_learns(form):
    truth = form(y)
    with pytest.warns(ConvergenceWarning):
        mlp = MLPClassifier((3,), solver="rprop", max_iter=7, random_state=0).fit(X, truth)
    for rows in (slice(None), slice(0, 7), slice(40, 110)):
        assert mlp.score(X[rows], truth[rows]) == accuracy_score(truth[rows], mlp.predict(X[rows]))
    with pytest.raises(ValueError, match="inconsistent numbers"):
        mlp.score(X, truth[:9])
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        mlp.score(X, np.linspace(0, 1, len(X)))
