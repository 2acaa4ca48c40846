"""The same data, parameters and random state give the weights that scikit-learn's estimators find."""

import inspect

import ferroprop as fp
import numpy as np
import pytest
import sklearn.neural_network
from ferroprop.estimators._scores import accuracy, accuracy_of_largest, r2
from sklearn.datasets import load_iris, make_multilabel_classification, make_regression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import scale

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TOLERANCE = 1e-10

ADAPTIVE = {"learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 2, "max_iter": 40}

SETTINGS = {
    "sgd": {"solver": "sgd"},
    "sgd without momentum": {"solver": "sgd", "momentum": 0.0},
    "sgd without Nesterov": {"solver": "sgd", "nesterovs_momentum": False},
    "sgd invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
    "sgd adaptive": {"solver": "sgd", "learning_rate_init": 0.1, **ADAPTIVE},
    "adam": {"solver": "adam"},
    "adam in order": {"solver": "adam", "shuffle": False, "batch_size": 37},
    "adam with decay": {"solver": "adam", "alpha": 1.0, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4},
    "adam until it stalls": {"solver": "adam", "tol": 0.01, "n_iter_no_change": 2, "max_iter": 100},
    "adam early stopping": {
        "solver": "adam",
        "early_stopping": True,
        "n_iter_no_change": 3,
        "max_iter": 30,
        "tol": 0.01,
    },
    "sgd early stopping adaptive": {
        "solver": "sgd",
        "early_stopping": True,
        **ADAPTIVE,
    },
    # Few iterations: a line search that tries a far point meets scikit-learn's log-loss where it clips
    # probabilities and ours where it does not, and goes on differently from there.
    "lbfgs": {"solver": "lbfgs", "max_iter": 3},
}


def _tasks():
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    yield "multiclass", "MLPClassifier", X, np.array(["setosa", "versicolor", "virginica"])[y]
    yield "binary", "MLPClassifier", X, y == 1
    X, y = make_multilabel_classification(250, 8, n_classes=4, random_state=0)
    yield "multilabel", "MLPClassifier", scale(X), y
    X, y = make_regression(230, 8, noise=5.0, random_state=0)
    yield "regression", "MLPRegressor", X, scale(y)
    X, y = make_regression(230, 8, n_targets=3, random_state=0)
    yield "multi-output", "MLPRegressor", X, scale(y)
    rng = np.random.RandomState(0)
    yield "counts", "MLPRegressor", X, rng.poisson(np.exp(scale(y)[:, 0] / 2))
    yield "several counts", "MLPRegressor", X, rng.poisson(np.exp(scale(y) / 2))


TASKS = {name: task for name, *task in _tasks()}


def fit_both(name, X, y, sample_weight=None, **parameters):
    defaults = {"hidden_layer_sizes": (7, 5), "max_iter": 8, "random_state": 3}
    if np.issubdtype(y.dtype, np.integer) and name == "MLPRegressor":
        defaults["loss"] = "poisson"
    theirs, ours = (
        getattr(module, name)(**{**defaults, **parameters}).fit(X, y, sample_weight=sample_weight)
        for module in (sklearn.neural_network, fp)
    )
    return theirs, ours


def assert_same_weights(theirs, ours, atol=TOLERANCE):
    for mine, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_allclose(mine, other, rtol=0, atol=atol)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_same_fit(task, settings, activation, weighted):
    name, X, y = task
    sample_weight = np.random.RandomState(1).uniform(0.1, 2.0, len(X)) if weighted else None
    theirs, ours = fit_both(name, X, y, sample_weight, activation=activation, **settings)
    assert_same_weights(theirs, ours)
    public = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
    added = {"loss_curve_", "validation_loss_curve_"}
    assert public | added == added | {n for n in vars(ours) if n.endswith("_") and not n.startswith("_")}
    for attribute in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    if name == "MLPClassifier":
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-9)
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    else:
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-9)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_same_course_of_losses_and_scores(task, settings, weighted):
    name, X, y = task
    sample_weight = np.random.RandomState(1).uniform(0.1, 2.0, len(X)) if weighted else None
    theirs, ours = fit_both(name, X, y, sample_weight, **settings)
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-10)
    if settings["solver"] == "lbfgs":
        return
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-10)
    for attribute in ("best_loss_", "best_validation_score_", "validation_scores_"):
        mine, other = getattr(ours, attribute), getattr(theirs, attribute)
        if other is None:
            assert mine is None
        else:
            np.testing.assert_allclose(mine, other, rtol=1e-10)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_initial_weights_are_the_same(activation):
    X, y = TASKS["multiclass"][1:]
    theirs, ours = fit_both(
        "MLPClassifier", X, y, activation=activation, solver="sgd", learning_rate_init=1e-300, max_iter=1
    )
    for mine, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_a_random_state_instance_ends_where_it_does_in_scikit_learn():
    X, y = TASKS["binary"][1:]
    states = [np.random.RandomState(5) for _ in range(2)]
    for module, state in zip((sklearn.neural_network, fp), states, strict=True):
        module.MLPClassifier(random_state=state, max_iter=7).fit(X, y)
    assert states[0].randint(1 << 30) == states[1].randint(1 << 30)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_same_partial_fit(task, solver):
    name, X, y = task
    theirs, ours = (
        getattr(module, name)(hidden_layer_sizes=(6,), solver=solver, random_state=0, batch_size=32)
        for module in (sklearn.neural_network, fp)
    )
    first = {} if name == "MLPRegressor" else {"classes": np.unique(y)}
    if name == "MLPClassifier" and y.ndim == 2:
        first = {"classes": np.arange(y.shape[1])}
    for model in (theirs, ours):
        model.partial_fit(X[:100], y[:100], **first)
        for start in (50, 0, 30):
            model.partial_fit(X[start : start + 90], y[start : start + 90])
    assert_same_weights(theirs, ours)
    assert ours.t_ == theirs.t_
    assert ours.n_iter_ == theirs.n_iter_ == 1
    assert len(ours.loss_curve_) == len(theirs.loss_curve_) == 4


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
def test_same_learning_rates_in_partial_fit(learning_rate):
    name, X, y = TASKS["regression"]
    theirs, ours = (
        getattr(module, name)(
            solver="sgd", learning_rate=learning_rate, n_iter_no_change=2, tol=0.01, random_state=0
        )
        for module in (sklearn.neural_network, fp)
    )
    for _ in range(30):
        theirs.partial_fit(X, y)
        ours.partial_fit(X, y)
    assert_same_weights(theirs, ours)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_warm_start_of_plain_descent_is_the_same(task):
    # with momentum or moments it is not: ours are kept
    name, X, y = task
    theirs, ours = fit_both(name, X, y, solver="sgd", momentum=0.0, warm_start=True, tol=0.0)
    for model in (theirs, ours):
        model.fit(X, y)
    assert_same_weights(theirs, ours)
    assert ours.t_ == theirs.t_
    assert len(ours.loss_curve_) == len(theirs.loss_curve_)


@pytest.mark.parametrize("settings", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_float32_is_near(task, settings):
    name, X, y = task
    X = X.astype(np.float32)
    theirs, ours = fit_both(name, X, y, solver=settings, max_iter=5)
    for array in ours.coefs_ + ours.intercepts_:
        assert array.dtype == np.float32
    for mine, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-5)
    assert ours.predict(X).dtype == (np.float32 if name == "MLPRegressor" else theirs.predict(X).dtype)


def test_the_parameters_are_those_of_scikit_learn():
    for name in ("MLPClassifier", "MLPRegressor"):
        theirs = getattr(sklearn.neural_network, name)().get_params()
        ours = getattr(fp, name)().get_params()
        added = {
            "dropout": 0.0,
            "output_activation": None,
            "scoring": None,
            "restore_best": None,
            "callback": None,
            "max_time": None,
            "n_jobs": None,
            "checkpoint": None,
            "checkpoint_every": 10,
        }
        if name == "MLPClassifier":
            added.update(loss="log_loss", class_weight=None, label_smoothing=0.0)
        else:
            added.update(quantile=0.5)
        assert ours == {**theirs, **added}
        signature = inspect.signature(getattr(fp, name))
        assert list(signature.parameters)[: len(theirs)] == list(
            inspect.signature(getattr(sklearn.neural_network, name)).parameters
        )


@pytest.mark.parametrize("weight", [None, np.random.RandomState(2).rand(40)], ids=["", "weighted"])
def test_scores_of_early_stopping_are_those_of_scikit_learn(weight):
    rng = np.random.RandomState(0)
    truth, guess = rng.randint(0, 3, 40), rng.rand(40, 3)
    expected = accuracy_score(truth, guess.argmax(1), sample_weight=weight)
    np.testing.assert_allclose(accuracy_of_largest(np.eye(3)[truth] > 0, guess, weight), expected)
    labels = rng.rand(40, 3) > 0.5
    expected = accuracy_score(labels, guess > 0.5, sample_weight=weight)
    np.testing.assert_allclose(accuracy(labels, guess, weight), expected)
    values = rng.rand(40, 3)
    expected = r2_score(values, guess, sample_weight=weight)
    np.testing.assert_allclose(r2(values, guess, weight), expected)
    values[:, 1] = guess[:, 1] = 2.0
    values[:, 2] = 1.0
    np.testing.assert_allclose(r2(values, guess, weight), r2_score(values, guess, sample_weight=weight))
    guess[3, 0] = np.inf
    assert np.isnan(r2(values, guess, weight))
