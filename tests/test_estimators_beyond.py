"""What the estimators do that scikit-learn's do not."""

import io
import json
import os
import pickle
import re
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType

import ferroprop as fp
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn.neural_network
from ferroprop.estimators._threads import threads_for
from sklearn.base import clone
from sklearn.callback import ScoringMonitor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
EPOCH_SOLVERS = ["adam", "sgd", "rprop"]
SOLVERS = [*EPOCH_SOLVERS, "lbfgs"]
VARIANTS = [name for name, entry in fp.OPTIMIZERS.items() if not entry.takes_mini_batches]


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


def same_weights(one, other):
    np.testing.assert_array_equal(weights(one), weights(other))


# ---- class weights, label smoothing ------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_class_weight_is_sample_weight(iris, solver):
    X, y = iris
    names = np.array(["c", "a", "b"])[y]
    settings = {"solver": solver, "max_iter": 5, "random_state": 0}
    by_class = {"a": 2.0, "b": 0.5, "c": 1.0}
    of_rows = np.array([by_class[name] for name in names])
    rows = np.random.RandomState(0).rand(len(y))
    expected = fp.MLPClassifier(**settings).fit(X, names, sample_weight=of_rows * rows)
    weighted = fp.MLPClassifier(class_weight=by_class, **settings).fit(X, names, sample_weight=rows)
    same_weights(expected, weighted)


@quiet
def test_balanced_classes_weigh_the_same_in_all():
    X, y = load_breast_cancer(return_X_y=True)
    X, y = scale(X)[:300], y[:300]
    counts = np.bincount(y)
    settings = {"max_iter": 5, "random_state": 0}
    balanced = fp.MLPClassifier(class_weight="balanced", **settings).fit(X, y)
    by_hand = fp.MLPClassifier(**settings).fit(X, y, sample_weight=(len(y) / (2 * counts))[y])
    np.testing.assert_allclose(weights(balanced), weights(by_hand), atol=1e-12)


@quiet
def test_class_weights_of_several_labels():
    X, Y = make_multilabel_classification(80, n_classes=3, random_state=0)
    each = [{0: 1.0, 1: 2.0}, {0: 1.0, 1: 1.0}, {0: 3.0, 1: 1.0}]
    rows = np.prod([np.where(Y[:, i] == 1, each[i][1], each[i][0]) for i in range(3)], axis=0)
    settings = {"max_iter": 3, "random_state": 0}
    same_weights(
        fp.MLPClassifier(class_weight=each, **settings).fit(X, Y),
        fp.MLPClassifier(**settings).fit(X, Y, sample_weight=rows),
    )


@quiet
def test_a_class_whose_rows_weigh_nothing_can_be_balanced(iris):
    X, y = iris
    rows = np.where(y == 2, 0.0, 1.0)
    settings = {"class_weight": "balanced", "max_iter": 5, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model = fp.MLPClassifier(**settings).fit(X, y, sample_weight=rows)
    assert np.isfinite(weights(model)).all()
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_bad_class_weights(iris):
    X, y = iris
    with pytest.raises(ValueError, match=r"balanced.*not supported for partial_fit"):
        fp.MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="The 'class_weight' parameter"):
        fp.MLPClassifier(class_weight="unbalanced").fit(X, y)
    fp.MLPClassifier(class_weight={0: 2.0}).partial_fit(X, y, classes=[0, 1, 2])


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_label_smoothing_is_a_fit_to_smooth_targets(iris, solver):
    X, y = iris
    model = fp.MLPClassifier(
        (5,),
        solver=solver,
        label_smoothing=0.3,
        max_iter=400,
        tol=0.0,
        alpha=0.0,
        learning_rate_init=0.02,
        random_state=0,
    ).fit(X, y)
    probabilities = model.predict_proba(X[y == 0]).mean(axis=0)
    np.testing.assert_allclose(probabilities, [0.8, 0.1, 0.1], atol=0.02)
    smooth = 0.7 * np.eye(3)[y] + 0.1
    expected = -(smooth * np.log(model.predict_proba(X))).sum(axis=1).mean()
    if solver == "lbfgs":
        np.testing.assert_allclose(model.loss_, expected, rtol=1e-9)


# ---- activations, solvers ----------------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_an_activation_for_each_layer(diabetes, solver):
    X, y = diabetes
    activations = ("tanh", fp.Logistic(slope=2.0))
    model = fp.MLPRegressor(
        hidden_layer_sizes=(6, 4), activation=activations, solver=solver, max_iter=5, random_state=0
    )
    assert clone(model).get_params() == model.get_params()
    model.fit(X, y)
    hidden = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    hidden = 1 / (1 + np.exp(-2 * (hidden @ model.coefs_[1] + model.intercepts_[1])))
    expected = (hidden @ model.coefs_[2] + model.intercepts_[2]).ravel()
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


@quiet
def test_the_same_activation_in_many_forms(diabetes):
    settings = {"hidden_layer_sizes": (5, 5), "max_iter": 3, "random_state": 0}
    plain = fp.MLPRegressor(activation="logistic", **settings).fit(*diabetes)
    for form in (
        ["logistic", "logistic"],
        np.array(["logistic"] * 2),
        fp.Logistic(),
        (fp.Logistic(), "logistic"),
    ):
        same_weights(plain, fp.MLPRegressor(activation=form, **settings).fit(*diabetes))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"activation": ["tanh"]}, r"one for each of the 2 hidden layers, got 1"),
        ({"activation": ["tanh", "tan"]}, r"activation must have names among .*, got 'tan'"),
        ({"activation": 3}, r"The 'activation' parameter of MLPRegressor must be"),
        ({"output_activation": "tan"}, r"The 'output_activation' parameter of MLPRegressor must be"),
        ({"scoring": "no score"}, r"The 'scoring' parameter of MLPRegressor must be"),
        ({"restore_best": "yes"}, r"The 'restore_best' parameter of MLPRegressor must be"),
        ({"callback": 3}, r"The 'callback' parameter of MLPRegressor must be"),
    ],
)
def test_bad_parameters(diabetes, parameters, message):
    with pytest.raises(ValueError, match=message):
        fp.MLPRegressor(hidden_layer_sizes=(3, 2), **parameters).fit(*diabetes)


@quiet
def test_output_activation(diabetes):
    X, y = diabetes
    y = (y - y.min()) / np.ptp(y)
    model = fp.MLPRegressor(output_activation="logistic", solver="rprop", random_state=0).fit(X, y)
    assert model.out_activation_ == "logistic"
    predictions = model.predict(X)
    assert 0 < predictions.min() < predictions.max() < 1
    assert model.score(X, y) > 0.4


@quiet
@pytest.mark.parametrize("solver", VARIANTS)
def test_variants_of_rprop_by_name(iris, solver):
    X, y = iris
    settings = {"hidden_layer_sizes": (8,), "max_iter": 60, "random_state": 0}
    model = fp.MLPClassifier(solver=solver, **settings).fit(X, y)
    assert min(model.loss_curve_) < model.loss_curve_[0] / 2
    if solver == "sarprop":  # its noise follows from random_state
        same_weights(model, fp.MLPClassifier(solver=solver, **settings).fit(X, y))
        return
    cls = {"grprop": "GRprop"}.get(solver, "Rprop")
    constants = {"variant": solver} if solver.endswith(("+", "-")) else {}
    same_weights(model, fp.MLPClassifier(solver=getattr(fp, cls)(**constants), **settings).fit(X, y))


@quiet
@pytest.mark.parametrize("solver", VARIANTS)
def test_variants_of_rprop_on_targets_of_unit_size(diabetes, solver):
    X, y = diabetes
    for seed in range(3):
        model = fp.MLPRegressor(solver=solver, max_iter=100, random_state=seed).fit(X, y)
        assert model.score(X, y) > 0.5


@quiet
@pytest.mark.parametrize(
    "activation",
    [
        "softplus",
        "softsign",
        "arctan",
        "bipolar",
        "leaky_relu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "mish",
        "hard_sigmoid",
        fp.LeakyReLU(0.2),
        fp.ELU(0.5),
    ],
)
def test_more_activations_learn(iris, activation):
    X, y = iris
    model = fp.MLPClassifier((10,), activation=activation, solver="rprop", max_iter=60, random_state=0).fit(
        X, y
    )
    assert model.score(X, y) > 0.95
    network = fp.Network([4, 10, 3], activation=activation, output_activation="softmax", dtype="float64")
    network.set_parameters(model.coefs_, model.intercepts_)
    np.testing.assert_array_equal(network.predict(X), model.predict_proba(X))


@quiet
def test_an_optimizer_as_the_solver(diabetes):
    X, y = diabetes
    settings = {"max_iter": 6, "random_state": 0}
    same_weights(
        fp.MLPRegressor(solver=fp.Adam(0.01, beta_1=0.8), **settings).fit(X, y),
        fp.MLPRegressor(solver="adam", learning_rate_init=0.01, beta_1=0.8, **settings).fit(X, y),
    )
    optimizer = fp.Rprop(initial_step=0.01, max_step=0.01)
    small = fp.MLPRegressor(solver=optimizer, **settings)
    other = fp.MLPRegressor(solver="rprop", **settings).fit(X, y)
    assert not np.allclose(weights(small.fit(X, y)), weights(other))
    assert optimizer.state == fp.Rprop().state
    assert not hasattr(small, "partial_fit")
    assert hasattr(fp.MLPRegressor(solver=fp.SGD()), "partial_fit")
    whole = fp.MLPRegressor(solver=optimizer, max_iter=12, random_state=0).fit(X, y)
    same_weights(whole, pickle.loads(pickle.dumps(small)).set_params(warm_start=True).fit(X, y))
    grid = GridSearchCV(
        fp.MLPRegressor(max_iter=20, random_state=0), {"solver": [fp.Rprop(), fp.SGD(0.01)]}, cv=2
    )
    assert isinstance(grid.fit(X, y).best_params_["solver"], (fp.Rprop, fp.SGD))


# ---- losses ------------------------------------------------------------------------------------------------


def _absolute(outputs, targets):
    difference = outputs - targets
    return np.abs(difference).sum(axis=1), np.sign(difference)


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("loss", "core"),
    [
        ("absolute_error", "absolute_error"),
        ("huber", "huber"),
        (fp.Huber(0.3), fp.Huber(0.3)),
        ("quantile", fp.Quantile(0.8)),
        (fp.Quantile(0.8), fp.Quantile(0.8)),
        (_absolute, "absolute_error"),
    ],
)
def test_losses_are_those_of_the_core(diabetes, solver, loss, core):
    X, y = diabetes
    model = fp.MLPRegressor(
        loss=loss, quantile=0.8, hidden_layer_sizes=(5,), solver=solver, max_iter=8, alpha=0.0, random_state=0
    )
    assert clone(model).get_params() == model.get_params()
    model.fit(X, y)
    network = fp.Network([10, 5, 1], activation="relu", dtype="float64")
    network.set_parameters(model.coefs_, model.intercepts_)
    expected, _, _ = network.loss_and_gradients(X, y[:, np.newaxis], loss=core)
    if solver in ("lbfgs", "rprop"):
        before = fp.MLPRegressor(**model.get_params()).initialize(X, y)
        network.set_parameters(before.coefs_, before.intercepts_)
        first, _, _ = network.loss_and_gradients(X, y[:, np.newaxis], loss=core)
        assert expected < first
    if solver == "lbfgs":
        np.testing.assert_allclose(model.loss_, expected, rtol=1e-12)
    same_weights(model, pickle.loads(pickle.dumps(model)))


@quiet
def test_a_quantile_is_a_quantile(diabetes):
    X, y = diabetes
    for quantile in (0.1, 0.9):
        model = fp.MLPRegressor(
            loss="quantile", quantile=quantile, hidden_layer_sizes=(), solver="rprop", max_iter=500, tol=0.0
        )
        assert np.mean(y <= model.fit(X, y).predict(X)) == pytest.approx(quantile, abs=0.03)


def test_bad_losses(diabetes, iris):
    for quantile in (0.0, 1.0):
        with pytest.raises(ValueError, match="The 'quantile' parameter of MLPRegressor must be"):
            fp.MLPRegressor(loss="quantile", quantile=quantile).fit(*diabetes)
    with pytest.raises(ValueError, match="The 'loss' parameter of MLPClassifier must be"):
        fp.MLPClassifier(loss="poisson").fit(*iris)
    with pytest.raises(ValueError, match="label_smoothing is for loss='log_loss', got loss='hinge'"):
        fp.MLPClassifier(loss="hinge", label_smoothing=0.1).fit(*iris)
    with pytest.raises(ValueError, match="log_loss"):
        fp.MLPClassifier(output_activation="tanh").fit(*iris)


HINGE_TASKS = {
    "binary": lambda y: np.array(["no", "yes"])[(y > 0).astype(int)],
    "multiclass": lambda y: np.array(["a", "b", "c"])[y],
    "multilabel": lambda y: np.column_stack([y > 0, y > 1, y < 1]).astype(int),
}


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
@pytest.mark.parametrize("task", HINGE_TASKS)
def test_hinge_losses(iris, solver, loss, task):
    X, y = iris[0], HINGE_TASKS[task](iris[1])
    early_stopping = solver == "rprop"
    model = fp.MLPClassifier(
        (10,),
        loss=loss,
        solver=solver,
        learning_rate_init=0.02,
        early_stopping=early_stopping,
        n_iter_no_change=50,
        random_state=0,
    ).fit(X, y)
    assert model.score(X, y) > (0.8 if early_stopping else 0.9)
    assert model.out_activation_ == "identity"
    decisions = model.decision_function(X)
    if task == "binary":
        np.testing.assert_array_equal(model.predict(X), np.where(decisions > 0, "yes", "no"))
    elif task == "multiclass":
        np.testing.assert_array_equal(model.predict(X), model.classes_[decisions.argmax(axis=1)])
    else:
        np.testing.assert_array_equal(model.predict(X), decisions > 0)
    if early_stopping:
        assert model.best_validation_score_ > 0.8
    for method in ("predict_proba", "predict_log_proba"):
        assert not hasattr(model, method)
    assert not hasattr(fp.MLPClassifier(), "decision_function")
    with pytest.raises(ValueError, match="scikit-learn"):
        model.to_sklearn()


@quiet
def test_a_loss_of_ones_own_in_a_classifier(iris):
    X, y = iris

    def log_loss(probabilities, targets):
        safe = np.clip(probabilities, 1e-12, None)
        return -(targets * np.log(safe)).sum(axis=1), -targets / safe

    settings = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}
    own = fp.MLPClassifier(loss=log_loss, **settings).fit(X, y)
    np.testing.assert_allclose(weights(own), weights(fp.MLPClassifier(**settings).fit(X, y)), atol=1e-9)


# ---- dropout, weight decay ---------------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("solver", [*EPOCH_SOLVERS, "adamw"])
def test_dropout(diabetes, solver):
    X, y = diabetes
    settings = {"hidden_layer_sizes": (20, 10), "solver": solver, "max_iter": 10, "random_state": 0}
    plain = fp.MLPRegressor(**settings).fit(X, y)
    dropped = fp.MLPRegressor(dropout=0.5, **settings).fit(X, y)
    assert not np.allclose(weights(plain), weights(dropped))
    same_weights(dropped, fp.MLPRegressor(dropout=[0.5, 0.5], **settings).fit(X, y))
    same_weights(dropped, fp.MLPRegressor(dropout=0.5, n_jobs=2, **settings).fit(X, y))
    same_weights(plain, fp.MLPRegressor(dropout=0.0, **settings).fit(X, y))
    other_seed = fp.MLPRegressor(dropout=0.5, **{**settings, "random_state": 1}).fit(X, y)
    assert not np.array_equal(weights(dropped), weights(other_seed))
    np.testing.assert_array_equal(dropped.predict(X), dropped.predict(X))


@quiet
def test_dropout_differs_from_call_to_call(diabetes):
    X, y = diabetes
    settings = {"dropout": 0.5, "solver": fp.SGD(1e-12, momentum=0.0), "random_state": 0, "shuffle": False}
    model = fp.MLPRegressor(**settings)
    for _ in range(3):
        model.partial_fit(X, y)
    assert len({round(loss, 6) for loss in model.loss_curve_}) == 3


def test_bad_dropout(diabetes):
    for dropout, message in ((1.0, "The 'dropout' parameter"), ([0.1, 0.2], "dropout"), ([1.5], "dropout")):
        with pytest.raises(ValueError, match=message):
            fp.MLPRegressor(dropout=dropout).fit(*diabetes)
    with pytest.raises(ValueError, match="solver='lbfgs' has no dropout"):
        fp.MLPRegressor(dropout=0.1, solver="lbfgs").fit(*diabetes)


def fit_by(solver, estimator, X, y, *, seen=None, sample_weight=None, **parameters):
    """Return a fitted estimator and the warnings."""
    model = estimator(
        solver=solver, random_state=0, callback=None if seen is None else seen.append, **parameters
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, **({} if sample_weight is None else {"sample_weight": sample_weight}))
    return model, [str(warning.message) for warning in caught]


@pytest.mark.parametrize("case", ["classifier", "two targets", "float32", "sequences", "complex"])
def test_lbfgs_goes_the_way_of_scipys(case, iris, diabetes):
    X, y = diabetes
    estimator, parameters = fp.MLPRegressor, {"hidden_layer_sizes": (5,), "activation": "tanh", "alpha": 0.5}
    parameters["max_iter"] = 6
    weight = np.linspace(0.5, 2.0, len(X))
    if case == "classifier":
        (X, y), estimator, weight = iris, fp.MLPClassifier, None
    elif case == "two targets":
        y = np.c_[y, y**2]
    elif case == "float32":
        X, y = X.astype(np.float32), y.astype(np.float32)
    elif case == "sequences":
        X, y = X[:40].reshape(40, 5, 2), y[:40]
        estimator, weight = fp.RNNRegressor, weight[:40]
        del parameters["activation"]
    elif case == "complex":
        X, y, estimator = X[:, :5] + 1j * X[:, 5:], y + 1j * y[::-1], fp.ComplexMLPRegressor
    epochs = {"lbfgs": [], "lbfgs-scipy": []}
    (ours, our_warnings), (scipys, scipys_warnings) = (
        fit_by(solver, estimator, X, y, seen=seen, sample_weight=weight, **parameters)
        for solver, seen in epochs.items()
    )
    assert our_warnings == scipys_warnings
    assert "lbfgs failed to converge after 6 iteration(s) (status=1)" in our_warnings[0]
    assert ours.n_iter_ == scipys.n_iter_ == 6
    close = {"rtol": 1e-5 if case == "float32" else 1e-9}
    np.testing.assert_allclose(ours.loss_curve_, scipys.loss_curve_, **close)
    np.testing.assert_allclose(ours.predict(X).astype(complex), scipys.predict(X).astype(complex), **close)
    assert ours.loss_ == ours.loss_curve_[-1]
    for name in ("epoch", "loss", "penalty"):
        both = [[getattr(epoch, name) for epoch in seen] for seen in epochs.values()]
        np.testing.assert_allclose(*both, **close)
    assert ours.loss_curve_ == [epoch.loss for epoch in epochs["lbfgs"]]


@pytest.mark.parametrize("solver", ["lbfgs", "lbfgs-scipy"])
def test_ends_of_lbfgs(solver, diabetes):
    X, y = scale(diabetes[0]), scale(diabetes[1])
    settings = {"hidden_layer_sizes": (5,), "max_iter": 500}
    _, told = fit_by(solver, fp.MLPRegressor, X, y, max_fun=9, **settings)
    assert "(status=1):\nSTOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT" in told[0]
    model, told = fit_by(solver, fp.MLPRegressor, X, y, tol=10.0, **settings)
    assert (model.n_iter_, model.loss_curve_) == (0, [])
    assert not [message for message in told if "lbfgs" in message]
    assert model.loss_ > 0
    model, told = fit_by(solver, fp.MLPRegressor, X, y, max_time=1e-9, **settings)
    assert model.n_iter_ == 1
    assert "lbfgs reached the time limit (max_time=1e-09 s) after 1 iteration(s)" in told[0]
    model, told = fit_by(solver, fp.MLPRegressor, X * 1e200, y, **settings)
    assert model.n_iter_ == 0
    assert "lbfgs failed to converge after 0 iteration(s) (status=2):\nABNORMAL: " in told[0]
    with pytest.raises(ValueError, match=f"solver='{solver}' has no dropout"):
        fp.MLPRegressor(dropout=0.1, solver=solver).fit(X, y)
    assert fp.MLPRegressor(solver=solver).fit(X[:5], y[:5]).to_sklearn().solver == "lbfgs"


@quiet
def test_adamw_decays_the_weights_by_themselves(diabetes):
    X, y = diabetes
    settings = {"max_iter": 6, "random_state": 0, "learning_rate_init": 0.01}
    model = fp.MLPRegressor(solver="adamw", alpha=0.3, beta_1=0.8, **settings).fit(X, y)
    optimizer = fp.AdamW(0.01, beta_1=0.8, weight_decay=0.3)
    same_weights(model, fp.MLPRegressor(solver=optimizer, alpha=7.0, **settings).fit(X, y))
    same_weights(
        fp.MLPRegressor(solver="adamw", alpha=0.0, **settings).fit(X, y),
        fp.MLPRegressor(solver="adam", alpha=0.0, **settings).fit(X, y),
    )
    half = fp.MLPRegressor(
        solver="adamw", alpha=0.3, max_iter=3, warm_start=True, random_state=0, shuffle=False
    )
    whole = fp.MLPRegressor(solver="adamw", alpha=0.3, max_iter=6, random_state=0, shuffle=False).fit(X, y)
    same_weights(whole, pickle.loads(pickle.dumps(half.fit(X, y))).fit(X, y))
    assert hasattr(model, "partial_fit")


# ---- validation --------------------------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("solver", EPOCH_SOLVERS)
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array, pd.DataFrame, pl.DataFrame])
def test_given_validation_data_decide(iris, solver, make):
    X, y = iris
    train, held = np.arange(150) % 3 != 0, np.arange(150) % 3 == 0
    names = np.array(["x", "y", "z"])[y]
    model = fp.MLPClassifier(solver=solver, early_stopping=True, random_state=0, max_iter=30, tol=0.0)
    weight = np.linspace(1, 2, held.sum())
    X = pd.DataFrame(X, columns=list("abcd")) if make in (pd.DataFrame, pl.DataFrame) else X
    container = make if make is not pl.DataFrame else pl.from_pandas
    model.fit(
        container(X[train]),
        names[train],
        X_val=container(X[held]),
        y_val=names[held],
        sample_weight_val=weight,
    )
    score = model.score(container(X[held]), names[held], sample_weight=weight)
    np.testing.assert_allclose(score, model.best_validation_score_)
    loss = log_loss(names[held], model.predict_proba(container(X[held])), sample_weight=weight)
    best = int(np.argmax(model.validation_scores_))
    np.testing.assert_allclose(model.validation_loss_curve_[best], loss, rtol=1e-9)
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == model.n_iter_


@quiet
def test_validation_labels_may_be_sparse():
    X, Y = make_multilabel_classification(90, 5, n_classes=3, random_state=0)
    settings = {"max_iter": 4, "random_state": 0, "early_stopping": True}
    dense = fp.MLPClassifier(**settings).fit(X, Y, X_val=X[:30], y_val=Y[:30])
    sparse = fp.MLPClassifier(**settings).fit(X, sp.csr_array(Y), X_val=X[:30], y_val=sp.csr_array(Y[:30]))
    assert sparse.validation_loss_curve_ == dense.validation_loss_curve_


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_given_validation_data_are_only_watched_without_early_stopping(diabetes, solver):
    X, y = diabetes
    settings = {"solver": solver, "max_iter": 12, "random_state": 0}
    plain = fp.MLPRegressor(**settings).fit(X[:300], y[:300])
    watched = fp.MLPRegressor(**settings).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    same_weights(plain, watched)
    assert plain.validation_loss_curve_ is None if solver != "lbfgs" else True
    predictions = watched.predict(X[300:])
    np.testing.assert_allclose(
        watched.validation_loss_curve_[-1], mean_squared_error(y[300:], predictions) / 2, rtol=1e-9
    )
    np.testing.assert_allclose(watched.validation_scores_[-1], watched.score(X[300:], y[300:]))


@quiet
def test_early_stopping_on_the_validation_loss(diabetes):
    X, y = diabetes
    model = fp.MLPRegressor(
        solver="rprop", early_stopping=True, scoring="loss", random_state=0, max_iter=300, tol=0.0
    ).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert model.n_iter_ < 300
    assert model.validation_scores_ is None
    best = int(np.argmin(model.validation_loss_curve_))
    assert model.n_iter_ == best + 1 + model.n_iter_no_change + 1
    loss = mean_squared_error(y[200:], model.predict(X[200:])) / 2
    np.testing.assert_allclose(loss, min(model.validation_loss_curve_), rtol=1e-9)


@quiet
@pytest.mark.parametrize("weighted", [False, True])
def test_early_stopping_on_any_scorer(weighted):
    X, y = load_breast_cancer(return_X_y=True)
    X, names = scale(X), np.array(["bad", "good"])[y]
    weight = {"sample_weight": np.linspace(0.5, 1, len(y))} if weighted else {}
    seen = []

    def log_likelihood(estimator, X, y, sample_weight=None):
        seen.append((set(y), estimator.n_layers_, estimator.coefs_[0].shape))
        right = np.where(y == "good", *estimator.predict_proba(X).T[::-1])
        return np.average(np.log(right), weights=sample_weight)

    by_name, by_hand = (
        fp.MLPClassifier((5,), early_stopping=True, scoring=scoring, random_state=0, max_iter=15).fit(
            X, names, **weight
        )
        for scoring in ("neg_log_loss", log_likelihood)
    )
    np.testing.assert_allclose(by_name.validation_scores_, by_hand.validation_scores_)
    assert by_name.best_validation_score_ == max(by_name.validation_scores_)
    assert seen[0] == ({"bad", "good"}, 3, (30, 5))
    same_weights(by_name, by_hand)


@quiet
def test_scorers_of_several_outputs(diabetes):
    X, y = diabetes
    Y = np.column_stack([y, X[:, 0]])
    model = fp.MLPRegressor(early_stopping=True, scoring="neg_mean_absolute_error", max_iter=5).fit(X, Y)
    assert all(score < 0 for score in model.validation_scores_)
    assert len(model.validation_loss_curve_) == 5
    X, Y = make_multilabel_classification(100, random_state=0)
    model = fp.MLPClassifier(early_stopping=True, scoring="f1_macro", max_iter=5).fit(X, Y)
    assert len(model.validation_scores_) == 5


@quiet
@pytest.mark.parametrize("early_stopping", [False, True])
def test_restoring_the_best_weights_is_a_choice(diabetes, early_stopping):
    X, y = diabetes
    settings = {
        "solver": "sgd",
        "learning_rate_init": 0.08,
        "early_stopping": early_stopping,
        "max_iter": 25,
        "tol": 0.0,
        "batch_size": 20,
        "random_state": 0,
    }
    best = fp.MLPRegressor(restore_best=True, **settings).fit(X, y)
    last = fp.MLPRegressor(restore_best=False, **settings).fit(X, y)
    assert not np.array_equal(weights(best), weights(last))
    same_weights(fp.MLPRegressor(**settings).fit(X, y), best if early_stopping else last)


def test_validation_data_are_checked(iris):
    X, y = iris
    fit = fp.MLPClassifier(max_iter=2).fit
    with pytest.raises(ValueError, match="X_val is provided, but y_val was not"):
        fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="y_val is provided, but X_val was not"):
        fit(X, y, y_val=y)
    with pytest.raises(ValueError, match="sample_weight_val is provided, but X_val and y_val were not"):
        fit(X, y, sample_weight_val=y)
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4"):
        fit(X, y, X_val=X[:, :3], y_val=y)
    with pytest.raises(ValueError, match="contains NaN"):
        fit(X, y, X_val=X * np.nan, y_val=y)
    with pytest.raises(ValueError, match=r"y_val has classes that y has not: \[7\]"):
        fit(X, y, X_val=X, y_val=np.where(y == 1, 7, y))
    with pytest.raises(ValueError, match="X_val and y_val must have as many rows, got 150 and 9"):
        fit(X, y, X_val=X, y_val=y[:9])
    with pytest.raises(ValueError, match="y_val contains NaN"):
        fp.MLPRegressor().fit(X, y, X_val=X, y_val=y * np.nan)
    with pytest.raises(ValueError, match=r"y_val must have 1 output\(s\), as y has, got 2"):
        fp.MLPRegressor().fit(X, y, X_val=X, y_val=np.column_stack([y, y]))


@quiet
def test_validation_data_are_routed_through_a_pipeline(iris):
    X, y = iris
    with sklearn.config_context(enable_metadata_routing=True):
        mlp = fp.MLPClassifier(max_iter=5, early_stopping=True, random_state=0)
        pipeline = make_pipeline(StandardScaler(), mlp.set_fit_request(X_val=True, y_val=True))
        pipeline.set_params(transform_input=["X_val"])
        pipeline.fit(X * 100, y, X_val=X[::3] * 100, y_val=y[::3])
    assert pipeline[-1].best_validation_score_ == pipeline.score(X[::3] * 100, y[::3])


# ---- what is told of a fit ---------------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_sees_each_epoch_and_can_stop(diabetes, solver):
    X, y = diabetes
    seen = []

    def watch(epoch):
        assert isinstance(epoch, fp.Epoch)
        seen.append((epoch.epoch, epoch.loss, epoch.validation_loss, epoch.network.copy()))
        return epoch.epoch == 4

    model = fp.MLPRegressor(solver=solver, callback=watch, max_iter=20, random_state=0)
    model.fit(X, y, X_val=X, y_val=y)
    assert [epoch for epoch, *_ in seen] == [1, 2, 3, 4]
    assert [loss for _, loss, *_ in seen] == model.loss_curve_
    assert [loss for _, _, loss, _ in seen] == model.validation_loss_curve_
    np.testing.assert_array_equal(seen[-1][-1].predict(X).ravel(), model.predict(X))
    assert not np.array_equal(seen[0][-1].predict(X).ravel(), model.predict(X))
    assert model.n_iter_ == 4


def test_an_error_in_a_callback_comes_out(diabetes):
    def fail(epoch):
        raise RuntimeError("enough")

    for solver in SOLVERS:
        with pytest.raises(RuntimeError, match="enough"):
            fp.MLPRegressor(solver=solver, callback=fail).fit(*diabetes)


class Recorder:
    """A callback of scikit-learn's protocol."""

    def __init__(self, stop_at=None):
        self.calls, self.predictions, self.stop_at = [], [], stop_at

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.calls.append(f"end {context.task_name} {context.task_id}")
        if fitted_estimator is not None:
            self.predictions.append(fitted_estimator.predict(X))
        return context.task_name == "epoch" and context.task_id == self.stop_at


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_scikit_learn_callbacks(diabetes, solver):
    X, y = diabetes
    recorder = Recorder(stop_at=2)
    model = fp.MLPRegressor(solver=solver, max_iter=9, random_state=0).set_callbacks(recorder).fit(X, y)
    assert model.n_iter_ == 3
    epochs = [f"{when} epoch {i}" for i in range(4) for when in ("begin", "end")]
    assert recorder.calls == ["setup", "begin fit 0", *epochs, "end fit 0", "teardown"]
    np.testing.assert_allclose(recorder.predictions[2], model.predict(X), rtol=1e-12)
    assert not np.allclose(recorder.predictions[0], recorder.predictions[2])
    assert clone(model)._skl_callbacks == [recorder]


@quiet
@pytest.mark.parametrize("weighted", [False, True])
def test_scikit_learns_scoring_monitor(iris, weighted):
    X, y = pd.DataFrame(iris[0], columns=list("abcd")), iris[1]
    weight = {"sample_weight": np.arange(1.0, 151.0)} if weighted else {}
    monitor = ScoringMonitor(scoring="accuracy")
    model = (
        fp.MLPClassifier(solver="rprop", max_iter=6, random_state=0)
        .set_callbacks(monitor)
        .fit(X, y, **weight)
    )
    scores = [row["accuracy"] for row in monitor.get_logs().data if "accuracy" in row]
    assert len(scores) >= 6
    assert scores[-1] == model.score(X, y, **weight)


@quiet
def test_a_failed_fit_tears_callbacks_down(iris):
    recorder = Recorder()
    with pytest.raises(ValueError, match="must be"):
        fp.MLPClassifier(alpha=-1).set_callbacks(recorder).fit(*iris)
    model = fp.MLPClassifier(hidden_layer_sizes=(3,), callback=lambda epoch: 1 / 0).set_callbacks(recorder)
    with pytest.raises(ZeroDivisionError):
        model.fit(*iris)
    assert recorder.calls[0] == "setup"
    assert recorder.calls[-1] == "teardown"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def screen(text):
    """Return the lines a terminal would show."""
    lines = []
    for line in text.split("\n"):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part) :]
        lines.append(shown.rstrip())
    return lines


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_progress_is_a_bar_in_a_terminal(iris, monkeypatch, solver):
    X, y = iris
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stdout", terminal)
    model = fp.MLPClassifier(solver=solver, verbose=True, max_iter=7, random_state=0)
    model.fit(X, y, X_val=X, y_val=y)
    line, rest = screen(terminal.getvalue())
    assert rest == ""
    assert line.startswith(f"epoch 7/7 {'━' * 24} ")
    assert line.endswith(
        f"loss {model.loss_curve_[-1]:.4g}  val. loss {model.validation_loss_curve_[-1]:.4g}"
        f"  val. score {model.validation_scores_[-1]:.4f}"
    )


class Notebook(io.StringIO):
    """What stands in for standard output in a notebook, by the module that its class is of."""

    __module__ = "ipykernel.iostream"


class Outputs(ModuleType):
    """What stands in for `IPython.display`: outputs of a cell, each of which can be replaced."""

    def __init__(self):
        super().__init__("IPython.display")
        self.contents = []

    def display(self, content, *, raw, display_id):
        assert raw
        assert display_id
        self.contents.append(content)
        return self

    def update(self, content, *, raw):
        assert raw
        self.contents[-1] = content


@quiet
def test_progress_is_one_output_of_a_notebook_which_a_saved_one_keeps(iris, monkeypatch):
    page, outputs = Notebook(), Outputs()
    monkeypatch.setattr(sys, "stdout", page)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", outputs)
    for _ in range(2):
        fp.MLPClassifier((3,), verbose=True, max_iter=7, random_state=0).fit(*iris)
    assert page.getvalue() == ""
    assert len(outputs.contents) == 2
    for content in outputs.contents:
        assert [*content] == ["text/plain"]
        assert content["text/plain"].startswith("epoch 7/7 ━")


@quiet
def test_a_partial_fit_is_a_line(iris, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    model = fp.MLPClassifier((3,), verbose=True, random_state=0)
    for _ in range(2):
        model.partial_fit(*iris, classes=[0, 1, 2])
    expected = [f"Iteration 1, loss = {loss:.8f}" for loss in model.loss_curve_]
    assert terminal.getvalue().splitlines() == expected


class OldTerminal(Terminal):
    encoding = "ascii"


@quiet
@pytest.mark.parametrize("columns", [20, 60, 80, 200])
@pytest.mark.parametrize("terminal", [Terminal, OldTerminal])
def test_the_bar_fits_into_the_terminal(iris, monkeypatch, columns, terminal):
    X, y = iris
    terminal = terminal()
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "stdout", terminal)
    fp.MLPClassifier((3,), verbose=True, max_iter=1000, tol=0.1, early_stopping=True).fit(X, y)
    shown = terminal.getvalue()
    assert max(len(line) for line in re.split("[\r\n]", shown)) < columns
    if isinstance(terminal, OldTerminal):
        assert shown.isascii()
    elif columns >= 80:
        assert "━" in shown or "╌" in shown


@quiet
def test_more_verbose_means_lines_even_in_a_terminal(iris, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    fp.MLPClassifier(verbose=2, max_iter=3).fit(*iris)
    assert [line[:12] for line in terminal.getvalue().splitlines()] == [f"Iteration {i}," for i in (1, 2, 3)]


def test_the_bar_says_why_it_stopped(iris, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    fp.MLPClassifier(verbose=True, tol=10.0, n_iter_no_change=2).fit(*iris)
    assert "no improvement" in screen(terminal.getvalue())[0]


@pytest.mark.parametrize("solver", SOLVERS)
def test_unscaled_features_get_a_hint(iris, solver):
    X, y = iris
    X = X * [1.0, 500.0, 1.0, 1.0]
    model = fp.MLPClassifier((3,), solver=solver, max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"(?s)scale (X|the data)"):
        model.fit(X, y)


def test_the_hint_names_one_size_where_there_is_one(iris):
    with pytest.warns(ConvergenceWarning, match=r"The size of the features is 1e\+04 \(root"):
        fp.MLPClassifier(max_iter=2).fit(iris[0] * 1e4, iris[1])


def test_scaled_features_get_none(iris):
    with pytest.warns(ConvergenceWarning) as caught:
        fp.MLPClassifier(max_iter=2).fit(*iris)
    assert all("scale" not in str(warning.message) for warning in caught)


# ---- a look inside -----------------------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("estimator", [fp.MLPClassifier, fp.MLPRegressor])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array, lambda X: X.tolist()])
def test_hidden_activations(iris, estimator, make):
    X, y = iris
    model = estimator(hidden_layer_sizes=(6, 5), activation=["relu", "tanh"], max_iter=3).fit(X, y)
    first = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    second = np.tanh(first @ model.coefs_[1] + model.intercepts_[1])
    for layer, expected in ((0, first), (1, second), (-1, second), (-2, first)):
        np.testing.assert_allclose(model.transform(make(X), layer=layer), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(model.transform(X), second, rtol=1e-12, atol=1e-14)
    for layer in (2, -3):
        with pytest.raises(
            ValueError, match=f"layer must be from -2 to 1 for 2 hidden layer.s., got {layer}"
        ):
            model.transform(X, layer=layer)
    linear = estimator(hidden_layer_sizes=(), max_iter=3).fit(X, y)
    with pytest.raises(ValueError, match="transform needs a hidden layer"):
        linear.transform(X)
    with pytest.raises(TypeError, match=r"layer must be an integer, got 0\.5"):
        model.transform(X, layer=0.5)


@quiet
@pytest.mark.parametrize(("name", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_hidden_activations_as_a_data_frame(iris, name, frame):
    X, y = iris
    model = fp.MLPClassifier((6, 5), max_iter=3).set_output(transform=name).fit(X, y)
    last = model.transform(X)
    assert isinstance(last, frame)
    assert (
        list(last.columns) == list(model.get_feature_names_out()) == [f"mlpclassifier{i}" for i in range(5)]
    )
    assert model.transform(X, layer=0).shape == (150, 6)
    assert isinstance(model.fit_transform(X, y), frame)


@quiet
def test_hidden_activations_feed_another_estimator(iris):
    X, y = iris
    mlp = fp.MLPClassifier((8,), solver="rprop", max_iter=50, random_state=0)
    assert make_pipeline(mlp, LogisticRegression()).fit(X, y).score(X, y) > 0.95


GRADIENT_TASKS = {
    "binary": (fp.MLPClassifier, {}, lambda y: (y > 0).astype(int)),
    "multiclass": (fp.MLPClassifier, {}, lambda y: y),
    "multilabel": (fp.MLPClassifier, {}, lambda y: np.column_stack([y > 0, y > 1, y < 1]).astype(int)),
    "binary hinge": (fp.MLPClassifier, {"loss": "hinge"}, lambda y: (y > 0).astype(int)),
    "regression": (fp.MLPRegressor, {}, lambda y: y),
    "Poisson": (fp.MLPRegressor, {"loss": "poisson"}, lambda y: y),
    "multi-output": (fp.MLPRegressor, {}, lambda y: np.column_stack([y, -y])),
}


@quiet
@pytest.mark.parametrize("task", GRADIENT_TASKS)
def test_gradients_of_predictions(iris, task):
    estimator, parameters, target = GRADIENT_TASKS[task]
    X, y = iris[0], target(iris[1])
    model = estimator(hidden_layer_sizes=(6, 5), activation="tanh", max_iter=5, random_state=0, **parameters)
    model.fit(X, y)
    predict = next(
        getattr(model, name)
        for name in ("predict_proba", "decision_function", "predict")
        if hasattr(model, name)
    )
    gradient = model.predict_gradient(X)
    assert gradient.shape == (*predict(X).shape, 4)
    h = 1e-5
    for feature in range(4):
        step = h * np.eye(4)[feature]
        slope = (predict(X + step) - predict(X - step)) / (2 * h)
        np.testing.assert_allclose(gradient[..., feature], slope, atol=1e-8)
    np.testing.assert_array_equal(model.predict_gradient(sp.csr_array(X)), gradient)
    with pytest.raises(ValueError, match="expecting 4 features"):
        model.predict_gradient(X[:, :3])


# ---- weights without a fit, and from elsewhere -------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "rprop", "lbfgs"])
def test_initialize_draws_weights_and_trains_nothing(iris, solver):
    X, y = iris
    model = fp.MLPClassifier((4,), solver=solver, random_state=0).initialize(X, y)
    assert model.n_iter_ == 0
    assert model.loss_curve_ == []
    theirs = sklearn.neural_network.MLPClassifier((4,), solver="sgd", learning_rate_init=1e-300, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.set_params(random_state=0).fit(X, y)
    for mine, other in zip(model.coefs_ + model.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert model.predict_proba(X).shape == (150, 3)
    model.coefs_[1][:] = 0.0
    model.intercepts_[1][:] = [1.0, 2.0, 3.0]
    assert set(model.predict(X)) == {2}


@quiet
def test_training_goes_on_from_initial_weights(diabetes):
    X, y = diabetes
    settings = {"shuffle": False, "random_state": 0, "max_iter": 4}
    plain = fp.MLPRegressor(**settings).fit(X, y)
    same_weights(plain, fp.MLPRegressor(warm_start=True, **settings).initialize(X, y).fit(X, y))
    model = fp.MLPRegressor(**settings).initialize(X, y)
    for _ in range(4):
        model.partial_fit(X, y)
    same_weights(plain, model)
    same_weights(plain.initialize(X, y), fp.MLPRegressor(**settings).initialize(X, y))


TASKS = {
    "binary": (fp.MLPClassifier, lambda y: np.array(["no", "yes"])[(y > 0).astype(int)]),
    "multiclass": (fp.MLPClassifier, lambda y: np.digitize(y, [-0.5, 0.5])),
    "multilabel": (fp.MLPClassifier, lambda y: np.column_stack([y > 0, y > 1, y < 0.5]).astype(int)),
    "regression": (fp.MLPRegressor, lambda y: y),
    "multi-output": (fp.MLPRegressor, lambda y: np.column_stack([y, y**2])),
}


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@quiet
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("task", TASKS)
def test_from_and_to_scikit_learn(diabetes, task, activation, dtype):
    estimator, target = TASKS[task]
    X, y = diabetes[0].astype(dtype), target(diabetes[1])
    theirs = getattr(sklearn.neural_network, estimator.__name__)(
        hidden_layer_sizes=(7, 5), activation=activation, max_iter=5, random_state=0
    ).fit(X, y)
    ours = estimator.from_sklearn(theirs)
    tolerance = 1e-12 if dtype == np.float64 else 1e-6
    np.testing.assert_allclose(outputs(ours, X), outputs(theirs, X), rtol=0, atol=tolerance)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X)) if task in (
        "binary",
        "multiclass",
    ) else None
    back = ours.to_sklearn()
    np.testing.assert_array_equal(outputs(back, X), outputs(theirs, X))
    assert back.get_params() == theirs.get_params()
    assert {k for k in vars(theirs) if k.endswith("_")} == {k for k in vars(back) if k.endswith("_")} - {
        "validation_loss_curve_"
    }
    ours.partial_fit(X, y)
    assert not np.array_equal(ours.coefs_[0], theirs.coefs_[0])
    np.testing.assert_array_equal(back.coefs_[0], theirs.coefs_[0])
    ours.to_sklearn().partial_fit(X, y)


@quiet
def test_a_model_of_ours_in_scikit_learn(iris):
    X, y = iris
    model = fp.MLPClassifier((5,), solver="rprop", random_state=0, n_jobs=1, max_time=9).fit(X, y)
    theirs = model.to_sklearn()
    assert type(theirs) is sklearn.neural_network.MLPClassifier
    np.testing.assert_allclose(theirs.predict_proba(X), model.predict_proba(X), rtol=0, atol=1e-12)
    clone(theirs).fit(X, y)


def test_what_cannot_be_converted(iris):
    with pytest.raises(ValueError, match=r"activation=Logistic\(slope=2\.0\)"):
        fp.MLPClassifier(activation=fp.Logistic(slope=2.0)).to_sklearn()
    with pytest.raises(TypeError, match=r"must be a sklearn\.neural_network\.MLPClassifier, got a sklearn"):
        fp.MLPClassifier.from_sklearn(sklearn.neural_network.MLPRegressor())
    theirs = sklearn.neural_network.MLPRegressor(alpha=3.0)
    ours = fp.MLPRegressor.from_sklearn(theirs)
    assert ours.alpha == 3.0
    assert not hasattr(ours, "coefs_")
    assert not hasattr(ours.to_sklearn(), "coefs_")


# ---- threads -----------------------------------------------------------------------------------------------


def _threads(n_jobs):
    return threads_for(n_jobs)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
@pytest.mark.parametrize("n_jobs", [None, -1, 1, 3, 64])
def test_threads_times_jobs_never_exceed_the_cores(backend, n_jobs):
    cores = joblib.cpu_count()
    jobs = min(2, cores)
    for asked in joblib.Parallel(n_jobs=jobs, backend=backend)(
        joblib.delayed(_threads)(n_jobs) for _ in range(4)
    ):
        assert asked is not None
        assert 1 <= asked * jobs <= max(cores, jobs)


def test_threads_outside_of_jobs():
    assert threads_for(None) is None
    assert threads_for(3) == 3
    assert threads_for(-1) == joblib.cpu_count()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
def test_the_threads_that_really_run():
    program = Path(__file__).parent / "threads_in_use.py"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    run = subprocess.run(
        [sys.executable, str(program)], env=environment, capture_output=True, text=True, check=True
    )
    counted = json.loads(run.stdout)
    for backend, threads in counted["in jobs"].items():
        assert threads <= max(counted["cores"], counted["jobs"]), backend
    assert counted["pinned"] == counted["OMP_NUM_THREADS=1"] == 1
    assert counted["alone"] == counted["cores"]
