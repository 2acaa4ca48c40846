"""The estimators as scikit-learn's users meet them."""

import copy
import pickle
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings

import ferroprop as fp
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

SOLVERS = ["adam", "sgd", "lbfgs", "rprop"]
ESTIMATORS = [fp.MLPClassifier, fp.MLPRegressor]

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), y


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), scale(y)


def weights(model):
    return np.concatenate([array.ravel() for array in (*model.coefs_, *model.intercepts_)])


# ---- learning ----------------------------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_classifier_learns(iris, solver):
    X, y = iris
    model = fp.MLPClassifier((10,), solver=solver, learning_rate_init=0.02, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.95
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.classes_[probabilities.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(probabilities))


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_regressor_learns(diabetes, solver):
    X, y = diabetes
    model = fp.MLPRegressor(
        hidden_layer_sizes=(10,), solver=solver, learning_rate_init=0.02, random_state=0
    ).fit(X, y)
    assert model.score(X, y) > 0.45
    assert model.predict(X).shape == y.shape


@quiet
def test_rprop_ignores_learning_rate_batches_and_shuffling(iris):
    X, y = iris
    plain = fp.MLPClassifier(solver="rprop", random_state=0, max_iter=20).fit(X, y)
    other = fp.MLPClassifier(
        solver="rprop",
        random_state=0,
        max_iter=20,
        learning_rate_init=7.0,
        batch_size=3,
        shuffle=False,
        momentum=0.1,
    ).fit(X, y)
    np.testing.assert_array_equal(weights(plain), weights(other))


@quiet
@pytest.mark.parametrize("solver", ["sgd", "adam", "rprop"])
def test_early_stopping_brings_the_best_weights_back(diabetes, solver):
    X, y = diabetes
    model = fp.MLPRegressor(
        hidden_layer_sizes=(20,), solver=solver, early_stopping=True, random_state=0, learning_rate_init=0.05
    ).fit(X, y)
    assert model.best_loss_ is None
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert len(model.validation_scores_) == len(model.loss_curve_) == model.n_iter_
    assert model.best_validation_score_ > model.validation_scores_[-1]


@quiet
def test_threads_do_not_change_the_result(diabetes):
    X, y = diabetes
    one, two, every = (
        fp.MLPRegressor(random_state=0, max_iter=5, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2, -1)
    )
    np.testing.assert_array_equal(weights(one), weights(two))
    np.testing.assert_array_equal(weights(one), weights(every))


# ---- the ends of a fit -------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_too_few_iterations_give_a_warning(iris, solver):
    model = fp.MLPClassifier(solver=solver, max_iter=2, random_state=0)
    message = "lbfgs failed to converge after 2" if solver == "lbfgs" else r"Maximum iterations \(2\) reached"
    with pytest.warns(ConvergenceWarning, match=message):
        model.fit(*iris)
    assert model.n_iter_ == 2


def test_the_warning_of_rprop_says_how_to_stop(iris):
    hint = "early_stopping=True with scoring='loss'"

    def warning_of(**parameters):
        with pytest.warns(ConvergenceWarning) as caught:
            fp.MLPClassifier(max_iter=2, random_state=0, **parameters).fit(*iris)
        return str(caught[0].message)

    assert hint in warning_of(solver="rprop")
    assert hint in warning_of(solver=fp.SARPROP())
    assert hint not in warning_of(solver="adam")
    assert hint not in warning_of(solver="rprop", early_stopping=True)


@pytest.mark.parametrize("name", ["rprop", "irprop-", "rprop+", "rprop-", "grprop", "sarprop"])
def test_rprop_stops_early_by_the_loss(iris, name):
    model = fp.MLPClassifier(
        (8,), solver=name, early_stopping=True, scoring="loss", max_iter=500, random_state=0
    ).fit(*iris)
    losses = model.validation_loss_curve_
    assert len(losses) == model.n_iter_ < 500
    assert np.argmin(losses) + 1 < model.n_iter_


@pytest.mark.parametrize("solver", SOLVERS)
def test_max_time_ends_a_fit(solver):
    rng = np.random.RandomState(0)
    X, y = rng.rand(4000, 20), rng.rand(4000)
    model = fp.MLPRegressor(
        solver=solver, max_time=0.2, max_iter=1_000_000, n_iter_no_change=np.inf, tol=0.0, max_fun=10**9
    )
    start = time.perf_counter()
    with pytest.warns(ConvergenceWarning, match=r"max_time=0\.2 s"):
        model.fit(X, y)
    assert time.perf_counter() - start < 5.0
    assert model.n_iter_ >= 1
    assert model.predict(X).shape == y.shape


def test_divergence_keeps_the_last_finite_weights(diabetes):
    X, y = diabetes
    model = fp.MLPRegressor(solver="sgd", activation="identity", learning_rate_init=0.5, random_state=0)
    with pytest.warns(RuntimeWarning, match=r"diverged in epoch \d+: .*; scale X, or make the steps"):
        model.fit(X, y)
    assert 1 < model.n_iter_ < model.max_iter
    assert np.isfinite(weights(model)).all()
    assert len(model.loss_curve_) == model.n_iter_
    assert np.isnan(model.loss_curve_[-1])
    assert np.isfinite(model.loss_)


def test_divergence_in_the_first_epoch_is_an_error():
    X, y = np.array([[1e300], [-1e300]]), np.array([1.0, 2.0])
    model = fp.MLPRegressor(random_state=0)
    with (
        pytest.warns(RuntimeWarning, match="diverged in epoch 1"),
        pytest.raises(ValueError, match="Solver produced non-finite parameter weights"),
    ):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_interrupted_fit_leaves_a_model(diabetes, solver):
    X, y = diabetes
    import _thread

    timer = threading.Timer(0.2, _thread.interrupt_main)

    def begun(epoch):
        if timer.ident is None:
            timer.start()

    model = fp.MLPRegressor(
        hidden_layer_sizes=(200, 200),  # lbfgs must not be at the minimum before
        callback=begun,
        solver=solver,
        max_iter=10**7,
        n_iter_no_change=np.inf,
        tol=0.0,
        max_fun=10**9,
        max_time=20.0,
        random_state=0,
    )
    try:
        with pytest.warns(UserWarning, match=r"Training interrupted by user\."):
            model.fit(X, y)
    finally:
        timer.cancel()
    assert model.n_iter_ >= 1
    assert np.isfinite(model.predict(X)).all()


def test_verbose_prints_scikit_learns_lines(iris, capsys):
    X, y = iris
    model = fp.MLPClassifier(
        solver="sgd",
        learning_rate="adaptive",
        verbose=True,
        tol=10.0,
        n_iter_no_change=1,
        early_stopping=True,
    ).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Iteration 1, loss = {model.loss_curve_[0]:.8f}"
    assert lines[1] == f"Validation score: {model.validation_scores_[0]:f}"
    stalled = "Validation score did not improve more than tol=10.000000 for 1 consecutive epochs."
    assert f"{stalled} Setting learning rate to 0.000200" in lines
    assert lines[-1] == f"{stalled} Learning rate too small. Stopping."


@quiet
def test_verbose_lbfgs(iris, capsys):
    fp.MLPClassifier(solver="lbfgs", verbose=True, max_iter=3).fit(*iris)
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_silent_by_default(iris, capfd):
    fp.MLPClassifier(max_iter=1000, learning_rate_init=0.05).fit(*iris)
    assert capfd.readouterr() == ("", "")


# ---- input -------------------------------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.csc_array])
def test_sparse_input_is_dense_input(iris, make, solver):
    X, y = iris
    X = np.where(X > 0.5, X, 0.0)
    dense = fp.MLPClassifier(solver=solver, random_state=0, max_iter=5).fit(X, y)
    sparse = fp.MLPClassifier(solver=solver, random_state=0, max_iter=5).fit(make(X), y)
    np.testing.assert_array_equal(weights(dense), weights(sparse))
    np.testing.assert_array_equal(dense.predict_proba(X), sparse.predict_proba(make(X)))


@quiet
def test_many_sparse_rows(diabetes):
    X, y = diabetes
    X = np.tile(X, (7, 1))
    model = fp.MLPRegressor(max_iter=2, random_state=0).fit(X, np.tile(y, 7))
    np.testing.assert_array_equal(model.predict(sp.csr_array(X)), model.predict(X))


@quiet
@pytest.mark.parametrize("library", [pd, pl])
def test_feature_names(iris, library):
    X, y = iris
    names = ["a", "b", "c", "d"]
    table = library.DataFrame(dict(zip(names, X.T, strict=True)))
    model = fp.MLPClassifier(max_iter=3, random_state=0).fit(table, y)
    np.testing.assert_array_equal(model.feature_names_in_, names)
    expected = fp.MLPClassifier(max_iter=3, random_state=0).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(model.predict_proba(table), expected)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict_proba(X)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(library.DataFrame(dict(zip("wxyz", X.T, strict=True))))


@quiet
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_bad_rows_to_predict(iris, method):
    predict = getattr(fp.MLPClassifier(max_iter=2).fit(*iris), method)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        predict(np.array([[1.0, 2.0, np.nan, 3.0]]))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        predict(np.array([[1.0, 2.0, np.inf, 3.0]]))
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4 features"):
        predict(np.ones((2, 3)))
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        predict(np.ones(4))
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
        predict(np.ones((0, 4)))


def test_not_fitted():
    with pytest.raises(NotFittedError):
        fp.MLPClassifier().predict(np.ones((1, 2)))
    with pytest.raises(NotFittedError):
        fp.MLPRegressor().predict(np.ones((1, 2)))


@quiet
@pytest.mark.parametrize(
    "same",
    [
        lambda X: X.tolist(),
        lambda X: np.asfortranarray(X),
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: X[::-1][::-1],
        lambda X: X.astype(">f8"),
        lambda X: np.ma.array(X),
    ],
    ids=["list", "Fortran", "strided", "negative strides", "big-endian", "masked"],
)
def test_layouts_and_containers(iris, same):
    X, y = iris
    plain = fp.MLPClassifier(max_iter=3, random_state=0).fit(X, y)
    other = fp.MLPClassifier(max_iter=3, random_state=0).fit(same(X), y)
    np.testing.assert_array_equal(weights(plain), weights(other))
    np.testing.assert_array_equal(plain.predict_proba(X), plain.predict_proba(same(X)))


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_read_only_memory_maps(diabetes, tmp_path, solver):
    mapped = joblib.load(joblib.dump(diabetes, tmp_path / "data")[0], mmap_mode="r")
    settings = {"solver": solver, "max_iter": 3, "random_state": 0, "early_stopping": True}
    plain, other = (fp.MLPRegressor(**settings).fit(*data) for data in (diabetes, mapped))
    np.testing.assert_array_equal(weights(plain), weights(other))
    np.testing.assert_array_equal(plain.predict(diabetes[0]), other.predict(mapped[0]))


@quiet
@pytest.mark.parametrize("solver", ["adam", "rprop"])
@pytest.mark.parametrize("form", ["C", "F", "float32", "memory map"])
def test_the_data_are_not_copied(tmp_path, solver, form):
    # what the core allocates is not seen here, but in tests/test_memory.py
    X = np.random.RandomState(0).rand(40_000, 60)
    if form == "memory map":
        np.save(tmp_path / "X.npy", X)
        X = np.load(tmp_path / "X.npy", mmap_mode="r")
    else:
        X = X.astype(np.float32) if form == "float32" else np.asarray(X, order=form)
    y = np.arange(40_000) % 2
    model = fp.MLPClassifier((4,), solver=solver, max_iter=2)
    tracemalloc.start()
    try:
        model.fit(X, y, X_val=X, y_val=y)
        model.predict(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes / 2


@quiet
def test_a_row_does_not_depend_on_its_company(iris):
    X, y = iris
    model = fp.MLPClassifier(max_iter=3, random_state=0).fit(X, y)
    one_by_one = np.concatenate([model.predict_proba(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_array_equal(model.predict_proba(X), one_by_one)


@quiet
def test_float32_stays_float32(diabetes):
    X, y = (array.astype(np.float32) for array in diabetes)
    for solver in SOLVERS:
        model = fp.MLPRegressor(solver=solver, max_iter=3).fit(X, y)
        assert weights(model).dtype == model.predict(X).dtype == np.float32


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"activation": "relo"}, "The 'activation' parameter of MLPRegressor must be a str among"),
        ({"solver": "newton"}, "The 'solver' parameter of MLPRegressor must be a str among"),
        ({"loss": "cross"}, "The 'loss' parameter of MLPRegressor must be"),
        ({"alpha": -1.0}, "The 'alpha' parameter of MLPRegressor must be a float in the range"),
        ({"learning_rate_init": 0.0}, "The 'learning_rate_init' parameter"),
        ({"max_time": 0}, "The 'max_time' parameter"),
        ({"n_jobs": 0}, "The 'n_jobs' parameter"),
        ({"hidden_layer_sizes": (3, 0)}, r"hidden_layer_sizes must be > 0, got \[3, 0\]"),
        ({"early_stopping": True, "validation_fraction": 0.002}, "The validation set is too small"),
    ],
)
def test_bad_parameters(diabetes, parameters, message):
    with pytest.raises(ValueError, match=message):
        fp.MLPRegressor(**parameters).fit(*diabetes)


def test_hidden_layer_sizes_are_integers(diabetes):
    for size in (2.5, True):
        with pytest.raises(TypeError, match=rf"hidden_layer_sizes must be integers, got \[{size}\]"):
            fp.MLPRegressor(hidden_layer_sizes=(size,)).fit(*diabetes)


@quiet
def test_more_epochs_than_can_be_counted(diabetes):
    model = fp.MLPRegressor(max_iter=10**30, n_iter_no_change=10**25, max_time=0.01).fit(*diabetes)
    assert model.n_iter_ >= 1


@quiet
def test_hidden_layers_in_many_forms(diabetes):
    fits = [
        fp.MLPRegressor(hidden_layer_sizes=sizes, max_iter=2, random_state=0).fit(*diabetes)
        for sizes in (4, (4,), [4], np.array([4]), np.int64(4))
    ]
    for model in fits:
        np.testing.assert_array_equal(weights(model), weights(fits[0]))
    assert fp.MLPRegressor(hidden_layer_sizes=(), max_iter=2).fit(*diabetes).n_layers_ == 2


def test_a_batch_larger_than_the_data_gives_a_warning(iris):
    X, y = iris
    with pytest.warns(UserWarning, match="Got `batch_size` less than 1 or larger than sample size"):
        fp.MLPClassifier(batch_size=151, tol=10.0).fit(X, y)


@quiet
def test_repeated_rows_are_weights(iris):
    X, y = iris
    repeats = np.random.RandomState(0).randint(0, 3, len(X))
    parameters = {"solver": "lbfgs", "max_iter": 5, "random_state": 0}
    weighted = fp.MLPClassifier(**parameters).fit(X, y, sample_weight=repeats)
    repeated = fp.MLPClassifier(**parameters).fit(X.repeat(repeats, axis=0), y.repeat(repeats))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-7)


@quiet
def test_multilabel():
    X, Y = make_multilabel_classification(100, random_state=0)
    for solver in SOLVERS:
        model = fp.MLPClassifier(solver=solver, max_iter=300, learning_rate_init=0.01, random_state=0)
        model.fit(scale(X), Y)
        assert model.out_activation_ == "logistic"
        assert model.predict(scale(X)).shape == Y.shape
        assert model.score(scale(X), Y) > 0.75


# ---- going on ----------------------------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("solver", ["adam", "sgd", "rprop"])
def test_warm_start_goes_on_where_the_last_fit_ended(diabetes, solver):
    X, y = diabetes
    parameters = {"solver": solver, "shuffle": False, "random_state": 0, "tol": 0.0}
    whole = fp.MLPRegressor(max_iter=10, **parameters).fit(X, y)
    parts = fp.MLPRegressor(max_iter=5, warm_start=True, **parameters).fit(X, y)
    parts.fit(X, y)
    np.testing.assert_array_equal(weights(whole), weights(parts))
    np.testing.assert_array_equal(whole.loss_curve_, parts.loss_curve_)
    assert parts.n_iter_ == 5
    assert whole.t_ == parts.t_ == 10 * len(X)


@quiet
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_is_a_fit_epoch_by_epoch(diabetes, solver):
    X, y = diabetes
    parameters = {"solver": solver, "shuffle": False, "random_state": 0}
    whole = fp.MLPRegressor(max_iter=5, **parameters).fit(X, y)
    parts = fp.MLPRegressor(**parameters)
    for _ in range(5):
        parts.partial_fit(X, y)
    np.testing.assert_array_equal(weights(whole), weights(parts))


@quiet
@pytest.mark.parametrize("solver", ["adam", "sgd", "rprop"])
def test_training_goes_on_after_a_pickle_as_without(diabetes, solver, tmp_path):
    X, y = diabetes
    model = fp.MLPRegressor(solver=solver, warm_start=True, max_iter=4, random_state=0).fit(X, y)
    copies = list(_copies(model, tmp_path))
    expected = weights(model.fit(X, y))
    for other in copies:
        np.testing.assert_array_equal(weights(other.fit(X, y)), expected)


@quiet
def test_a_new_learning_rate_takes_effect_in_a_warm_start(diabetes):
    X, y = diabetes
    model = fp.MLPRegressor(warm_start=True, max_iter=2, solver="sgd", random_state=0).fit(X, y)
    before = weights(model)
    model.set_params(learning_rate_init=1e-300, momentum=0.0).fit(X, y)
    np.testing.assert_array_equal(weights(model), before)


@quiet
def test_the_moments_survive_a_new_learning_rate(diabetes):
    X, y = diabetes
    slow, fresh = (fp.MLPRegressor(warm_start=True, max_iter=3, random_state=0).fit(X, y) for _ in range(2))
    fresh.__dict__.pop("_optimizer")
    steps = []
    for model in (slow, fresh):
        before = weights(model)
        model.set_params(learning_rate_init=1e-4, max_iter=1, batch_size=len(X)).fit(X, y)
        steps.append(np.abs(weights(model) - before))
    assert steps[1].max() <= 1e-4 * 1.0001  # the first step of Adam is the learning rate
    assert not np.allclose(steps[0], steps[1], rtol=0.1)


@quiet
def test_solvers_can_be_changed_in_a_warm_start(diabetes):
    X, y = diabetes
    model = fp.MLPRegressor(warm_start=True, max_iter=3, random_state=0, tol=1e-9).fit(X, y)
    for solver in ("rprop", "lbfgs", "sgd", "adam", "rprop"):
        model.set_params(solver=solver).fit(X, y)
        assert np.isfinite(model.loss_)
    assert model.t_ == (3 + 4 * 3) * len(X)  # lbfgs does not count


@quiet
def test_warm_start_with_early_stopping_never_gets_worse(diabetes):
    X, y = diabetes
    model = fp.MLPRegressor(warm_start=True, early_stopping=True, random_state=0, learning_rate_init=0.05)
    best = -np.inf
    for _ in range(4):
        model.fit(X, y)
        assert model.best_validation_score_ >= best
        best = model.best_validation_score_
    assert best == max(model.validation_scores_)


@quiet
def test_only_what_fits_can_go_on(iris):
    X, y = iris
    model = fp.MLPClassifier((5,), warm_start=True, max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match=r"layer sizes were \[4, 5, 3\].*now give \[4, 6, 3\]"):
        model.set_params(hidden_layer_sizes=(6,)).fit(X, y)
    with pytest.raises(ValueError, match="same classes as in the previous call"):
        model.set_params(hidden_layer_sizes=(5,)).fit(X, y % 2)


def test_partial_fit_needs_the_classes_and_a_stochastic_solver(iris):
    X, y = iris
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        fp.MLPClassifier().partial_fit(X, y)
    model = fp.MLPClassifier().partial_fit(X[:60], y[:60], classes=[0, 1, 2]).partial_fit(X, y)
    assert model.predict_proba(X).shape == (150, 3)
    with pytest.raises(ValueError, match=r"`y` has classes not in `self\.classes_`"):
        model.partial_fit(X, y + 1)
    for estimator in ESTIMATORS:
        for solver in ("lbfgs", "rprop"):
            assert not hasattr(estimator(solver=solver), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        fp.MLPRegressor(solver="lbfgs").partial_fit(X, y)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        fp.MLPClassifier(early_stopping=True).partial_fit(X, y, classes=[0, 1, 2])


@quiet
def test_a_failed_fit_leaves_the_model_as_it_was(diabetes):
    X, y = diabetes
    model = fp.MLPRegressor(warm_start=True, max_iter=2, random_state=0).fit(X, y)
    before = model.predict(X)
    with pytest.warns(RuntimeWarning, match="diverged"), pytest.raises(ValueError, match="non-finite"):
        model.fit(np.where(X > 0, 1e300, -1e300), y)
    np.testing.assert_array_equal(model.predict(X), before)
    model.fit(X, y)
    assert np.isfinite(weights(model)).all()


# ---- state -------------------------------------------------------------------------------------------------


def _copies(model, folder):
    yield pickle.loads(pickle.dumps(model))
    yield copy.deepcopy(model)
    yield copy.copy(model)
    joblib.dump(model, folder / "model.joblib")
    yield joblib.load(folder / "model.joblib")
    yield joblib.load(folder / "model.joblib", mmap_mode="r")


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_copies_predict_the_same(iris, tmp_path, solver):
    X, y = iris
    model = fp.MLPClassifier((300,), solver=solver, max_iter=3, random_state=0).fit(X, y)
    for other in _copies(model, tmp_path):
        np.testing.assert_array_equal(model.predict_proba(X), other.predict_proba(X))
        assert set(vars(other)) == set(vars(model))


@quiet
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_copies_go_on_training(iris, tmp_path, estimator):
    model = estimator(max_iter=3, random_state=0).fit(*iris)
    for other in _copies(model, tmp_path):
        before = weights(other)
        other.partial_fit(*iris)
        assert not np.array_equal(weights(other), before)
        np.testing.assert_array_equal(weights(model), before)


@quiet
def test_state_is_arrays_and_plain_values(iris):
    model = fp.MLPClassifier(max_iter=3, early_stopping=True).fit(*iris)
    for name, value in model.__getstate__().items():
        values = value if isinstance(value, list) else [value]
        module = {type(element).__module__ for element in values}
        assert module <= {"builtins", "numpy", "sklearn.preprocessing._label"}, name


@quiet
def test_clone_prints_and_predicting_changes_nothing(iris):
    X, y = iris
    model = fp.MLPClassifier((4,), solver="rprop", max_time=10, n_jobs=1, random_state=0)
    assert repr(model) == (
        "MLPClassifier(hidden_layer_sizes=(4,), max_time=10, n_jobs=1, random_state=0,\n"
        "              solver='rprop')"
    )
    assert clone(model).get_params() == model.get_params()
    model.fit(X, y)
    before = joblib.hash(model)
    items = dict(vars(model))
    model.predict(X)
    model.predict_proba(X[:1])
    assert joblib.hash(model) == before
    assert vars(model) == items
    assert not hasattr(clone(model), "coefs_")


def by_hand(model, X, activation):
    hidden = activation(X @ model.coefs_[0] + model.intercepts_[0])
    return (hidden @ model.coefs_[1] + model.intercepts_[1]).ravel()


@quiet
@pytest.mark.parametrize("copied", [False, True])
def test_predictions_follow_the_arrays(diabetes, copied):
    X, y = diabetes
    model = fp.MLPRegressor(max_iter=2, random_state=0).fit(X, y)
    if copied:
        model = pickle.loads(pickle.dumps(model))
    first = model.predict(X)
    model.intercepts_[-1][:] += 1.0
    np.testing.assert_allclose(model.predict(X), first + 1.0)
    model.intercepts_[-1] = model.intercepts_[-1] - 1.0
    np.testing.assert_allclose(model.predict(X), first)
    model.coefs_[-1] *= 0.0
    np.testing.assert_allclose(model.predict(X), model.intercepts_[-1][0])
    model.coefs_ = [np.asfortranarray(coef + 1.0) for coef in model.coefs_]
    np.testing.assert_allclose(model.predict(X), by_hand(model, X, lambda z: np.maximum(z, 0.0)))
    model.coefs_[0][0] = 0.0
    np.testing.assert_allclose(model.predict(X), by_hand(model, X, lambda z: np.maximum(z, 0.0)))
    model.set_params(activation="identity")
    np.testing.assert_allclose(model.predict(X), by_hand(model, X, lambda z: z))


def test_weights_set_by_hand():
    model = fp.MLPRegressor(hidden_layer_sizes=(2,), activation="identity")
    model.coefs_ = [np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])]
    model.intercepts_ = [np.array([0.5, 0.0]), np.array([1.0])]
    model.n_features_in_, model.n_outputs_, model.out_activation_ = 1, 1, "identity"
    np.testing.assert_allclose(model.predict([[2.0]]), [(2.5 * 3 + 4.0 * 4) + 1])


@quiet
def test_predicting_in_threads_during_a_fit(diabetes):
    X, y = diabetes
    model = fp.MLPRegressor(max_iter=3, random_state=0).fit(X, y)
    allowed = {model.predict(X).tobytes()}
    allowed.add(fp.MLPRegressor(max_iter=6, random_state=0).fit(X, y).predict(X).tobytes())
    stop, seen = threading.Event(), []

    def watch():
        while not stop.is_set():
            seen.append(model.predict(X).tobytes())

    watchers = [threading.Thread(target=watch) for _ in range(4)]
    for watcher in watchers:
        watcher.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for i in range(10):
            model.set_params(max_iter=6 if i % 2 == 0 else 3).fit(X, y)
    stop.set()
    for watcher in watchers:
        watcher.join()
    assert set(seen) <= allowed


# ---- in company --------------------------------------------------------------------------------------------


@quiet
def test_grid_search_in_a_pipeline(iris):
    model = make_pipeline(StandardScaler(), fp.MLPClassifier(max_iter=30, random_state=0))
    grid = {"mlpclassifier__solver": ["rprop", "adam"], "mlpclassifier__alpha": [1e-4, 1.0]}
    search = GridSearchCV(model, grid, cv=3, n_jobs=-1).fit(*iris)
    assert search.best_score_ > 0.9
    alone = GridSearchCV(model, grid, cv=3).fit(*iris)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


@quiet
def test_cross_validation(diabetes):
    model = fp.MLPRegressor(hidden_layer_sizes=(10,), solver="rprop", early_stopping=True, random_state=0)
    scores = cross_val_score(model, *diabetes, cv=3)
    assert scores.mean() > 0.3
    np.testing.assert_array_equal(cross_val_score(model, *diabetes, cv=3, n_jobs=2), scores)


@quiet
def test_meta_estimators():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    model = fp.MLPClassifier((8,), solver="rprop", max_iter=30, random_state=0)
    assert CalibratedClassifierCV(model, cv=3).fit(X, y).score(X, y) > 0.95
    bagging = BaggingClassifier(model, n_estimators=3, n_jobs=2, random_state=0)
    assert bagging.fit(X, y).score(X, y) > 0.95
    with parallel_config(backend="threading"):
        assert bagging.fit(X, y).score(X, y) > 0.95
    importance = permutation_importance(model.fit(X, y), X, y, n_repeats=2, random_state=0)
    assert importance.importances_mean.shape == (30,)


@quiet
def test_sample_weight_is_routed(diabetes):
    X, y = diabetes
    model = fp.MLPRegressor(solver="rprop", max_iter=5, random_state=0)
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        routed = cross_val_score(model, X, y, cv=3, params={"sample_weight": np.arange(len(y)) % 3})
    assert not np.allclose(routed, cross_val_score(model, X, y, cv=3))


def test_scikit_learn_is_imported_only_for_an_estimator():
    program = (
        "import sys, ferroprop; assert 'sklearn' not in sys.modules and 'scipy' not in sys.modules; "
        "assert 'MLPClassifier' in dir(ferroprop); ferroprop.MLPClassifier; assert 'sklearn' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "imports",
    [
        "import joblib, ferroprop",
        "from ferroprop import MLPClassifier; import joblib",
        "from ferroprop.estimators import MLPClassifier; import joblib",
        "import ferroprop.model_selection, joblib",
    ],
)
def test_joblib_knows_the_backend(imports):
    """Without an import of what it needs, until it is asked for."""
    loaded = "ferroprop.model_selection" in imports
    program = (
        f"import sys; {imports}; assert ('ferroprop.model_selection' in sys.modules) == {loaded}\n"
        "with joblib.parallel_config('ferroprop'): print(joblib.Parallel()([joblib.delayed(abs)(-1)]))"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout == "[1]\n"


@pytest.mark.parametrize("module", ["model_selection", "ensemble", "io", "dask"])
def test_modules_are_imported_when_they_are_used(module):
    if module == "dask":
        pytest.importorskip("dask")
    program = (
        f"import sys, ferroprop as fp; assert not {{'ferroprop.{module}', 'joblib'}} & set(sys.modules); "
        f"assert fp.{module}.__name__ == 'ferroprop.{module}'"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_package_has_no_other_names():
    assert set(fp.__all__) <= set(dir(fp))
    for name in fp.__all__:
        assert getattr(fp, name) is not None
    with pytest.raises(AttributeError, match="module 'ferroprop' has no attribute 'MLPTransformer'"):
        _ = fp.MLPTransformer
