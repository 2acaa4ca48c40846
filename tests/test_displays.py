"""Pictures of estimators: what is in them, and that they can be drawn."""

import sys

import ferroprop as fp
import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from ferroprop.displays import (
    DecisionRegionDisplay,
    GradientFlowDisplay,
    LossCurveDisplay,
    MemberCurvesDisplay,
)
from ferroprop.tabular import TabularMLPRegressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

mpl.use("agg")

from matplotlib import pyplot as plt

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), y


def pixels(display):
    display.figure_.canvas.draw()
    return np.asarray(display.figure_.canvas.buffer_rgba())[..., :3]


# ---- loss curve --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "rprop", "lbfgs"])
def test_the_loss_curve_of_a_fit(iris, solver):
    model = fp.MLPClassifier(solver=solver, max_iter=12, random_state=0).fit(*iris)
    display = LossCurveDisplay.from_estimator(model)
    (line,) = display.lines_
    np.testing.assert_array_equal(line.get_ydata(), model.loss_curve_)
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 13))
    assert display.score_ax_ is None
    assert display.ax_.get_xlabel() == "epoch"
    assert pixels(display).std() > 0


@pytest.mark.parametrize("epochs", [3, 12, 67, 125, 700])
def test_ticks_are_at_whole_and_round_epochs(iris, epochs):
    model = fp.MLPClassifier((2,), max_iter=1, random_state=0).fit(*iris)
    model.loss_curve_ = list(np.geomspace(1, 0.1, epochs))
    axes = LossCurveDisplay.from_estimator(model).ax_
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    (step,) = set(np.diff(ticks))
    assert step in {s * 10**power for s in (1, 2, 5) for power in range(3)}
    assert all(tick % step == 0 for tick in ticks)


def test_the_loss_curve_of_a_regressor_with_transformed_targets():
    X, y = load_diabetes(return_X_y=True)
    mlp = fp.MLPRegressor(solver="rprop", max_iter=5, random_state=0)
    model = make_pipeline(
        StandardScaler(), TransformedTargetRegressor(mlp, transformer=StandardScaler())
    ).fit(X, y)
    (line,) = LossCurveDisplay.from_estimator(model).lines_
    np.testing.assert_array_equal(line.get_ydata(), model[-1].regressor_.loss_curve_)
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(TransformedTargetRegressor(mlp))


@pytest.mark.parametrize("n_features", [2, 3, 4])
def test_regions_say_where_the_other_features_are(iris, n_features):
    X, y = iris
    model = fp.MLPClassifier((4,), max_iter=3, random_state=0).fit(X[:, :n_features], y)
    display = DecisionRegionDisplay.from_estimator(model, X[:, :n_features], y, grid_resolution=5)
    assert (
        display.ax_.get_title()
        == {
            2: "",
            3: "the other feature at the mean; points keep theirs",
            4: "the 2 other features at the mean; points keep theirs",
        }[n_features]
    )


@pytest.mark.parametrize("scoring", [None, "loss", "f1_macro"])
def test_loss_and_score_on_the_validation_set(iris, scoring):
    model = fp.MLPClassifier(early_stopping=True, scoring=scoring, max_iter=9, tol=0.0, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model).fit(*iris)
    display = LossCurveDisplay.from_estimator(pipeline)
    curves = [model.loss_curve_, model.validation_loss_curve_, model.validation_scores_]
    for line, curve in zip(display.lines_, curves if scoring != "loss" else curves[:2], strict=True):
        np.testing.assert_array_equal(line.get_ydata(), curve)
    if scoring == "loss":
        assert display.best_epoch == np.argmin(model.validation_loss_curve_) + 1
    else:
        assert display.best_epoch == np.argmax(model.validation_scores_) + 1
        assert display.score_ax_.get_ylabel() == f"validation {scoring or 'accuracy'}"
    assert f"kept: epoch {display.best_epoch}" in [text.get_text() for text in display.ax_.texts]


def test_the_loss_curve_on_given_axes(iris):
    model = fp.MLPClassifier(early_stopping=True, max_iter=5).fit(*iris)
    _, ax = plt.subplots()
    display = LossCurveDisplay.from_estimator(model, ax=ax)
    assert display.ax_ is ax
    assert display.score_ax_ is None
    assert len(display.lines_) == 2
    assert display.plot().ax_ is not ax


def test_without_a_fit_there_is_no_loss_curve():
    with pytest.raises(
        NotFittedError, match="needs a fitted estimator with a loss_curve_, got MLPClassifier"
    ):
        LossCurveDisplay.from_estimator(fp.MLPClassifier())


def test_the_loss_curve_of_the_best_of_a_search(iris):
    pipeline = make_pipeline(StandardScaler(), fp.MLPClassifier(max_iter=4))
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1.0]}, cv=2).fit(*iris)
    display = LossCurveDisplay.from_estimator(search)
    assert display.loss_curve == search.best_estimator_[-1].loss_curve_


def test_the_look_of_lines_can_be_chosen(iris):
    model = fp.MLPClassifier(max_iter=4, early_stopping=True)
    look = {"linestyle": "--", "color": "black"}
    for display in (
        LossCurveDisplay.from_estimator(model.fit(*iris), line_kw=look),
        GradientFlowDisplay.from_estimator(model, *iris, line_kw=look),
    ):
        for line in display.lines_:
            assert (line.get_linestyle(), line.get_color()) == ("--", "black")


@pytest.mark.parametrize("display", [LossCurveDisplay, GradientFlowDisplay, DecisionRegionDisplay])
def test_without_matplotlib_there_is_advice(iris, monkeypatch, display):
    fitted = fp.MLPClassifier(max_iter=2).fit(*iris)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    data = () if display is LossCurveDisplay else iris
    with pytest.raises(ImportError, match=rf'{display.__name__}.from_estimator needs .* "ferroprop\[plot\]"'):
        display.from_estimator(fitted, *data)


# ---- gradient flow -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["sgd", "rprop", "lbfgs"])
def test_gradient_flow_is_that_of_the_fit(iris, solver):
    X, y = iris
    model = fp.MLPClassifier((5, 4), activation="tanh", solver=solver, max_iter=6, random_state=0)
    display = GradientFlowDisplay.from_estimator(model, X, y)
    assert not hasattr(model, "coefs_")
    assert display.gradients.shape == (7, 3)
    Y = np.eye(3)[y]
    for epochs in (0, 6):
        fitted = model.initialize(X, y) if epochs == 0 else model.fit(X, y)
        network = fp.Network([4, 5, 4, 3], activation="tanh", output_activation="softmax", dtype="float64")
        network.set_parameters(fitted.coefs_, fitted.intercepts_)
        _, gradients, _ = network.loss_and_gradients(X, Y, loss="log_loss")
        expected = [np.abs(gradient).mean() for gradient in gradients]
        np.testing.assert_allclose(display.gradients[epochs], expected, rtol=1e-9)
    assert [line.get_label() for line in display.lines_] == [
        "hidden layer 1",
        "hidden layer 2",
        "output layer",
    ]


def test_the_vanishing_gradient_can_be_seen(iris):
    model = fp.MLPClassifier((10,) * 5, activation="logistic", solver="sgd", max_iter=3, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model)
    display = GradientFlowDisplay.from_estimator(pipeline, *iris)
    assert (np.diff(display.gradients[0]) > 0).all()
    assert display.gradients[0, -1] > 1e3 * display.gradients[0, 0]
    assert pixels(display).std() > 0


def test_gradient_flow_with_weights_and_a_callback(iris):
    X, y = iris
    seen = []
    model = fp.MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, callback=seen.append, random_state=0)
    weighted = GradientFlowDisplay.from_estimator(model, X, y, sample_weight=1.0 + y)
    plain = GradientFlowDisplay.from_estimator(model, X, y)
    assert len(seen) == 6
    assert not np.allclose(weighted.gradients, plain.gradients)


# ---- decision regions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [np.asarray, pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_regions_have_the_colours_of_the_classes(iris, table, n_classes):
    X, y = iris
    X, names = X[y < n_classes], np.array(["a", "b", "c"])[y[y < n_classes]]
    data = X if table is np.asarray else table(dict(zip(["p", "q", "r", "s"], X.T, strict=True)))
    model = fp.MLPClassifier((8,), solver="rprop", max_iter=40, random_state=0).fit(data, names)
    display = DecisionRegionDisplay.from_estimator(model, data, names, features=(2, 3), grid_resolution=30)
    assert display.response.shape == (30, 30, n_classes)
    point = X.mean(axis=0)
    point[2:] = display.x0[7], display.x1[21]
    row = point[np.newaxis]
    row = row if table is np.asarray else table(dict(zip(["p", "q", "r", "s"], row.T, strict=True)))
    np.testing.assert_allclose(display.response[21, 7], model.predict_proba(row)[0], rtol=1e-12)
    assert len(display.scatter_) == n_classes
    assert sum(len(one.get_offsets()) for one in display.scatter_) == len(X)
    assert len(display.boundary_) == (1 if n_classes == 2 else 3)
    assert display.ax_.get_xlabel() == ("" if table is np.asarray else "r")
    assert pixels(display).std() > 0


@pytest.mark.parametrize("loss", ["hinge", "log_loss"])
def test_columns_by_name(iris, loss):
    X, y = pd.DataFrame(iris[0], columns=list("pqrs")), iris[1]
    model = fp.MLPClassifier((8,), loss=loss, solver="rprop", max_iter=40, random_state=0).fit(X, y)
    named = DecisionRegionDisplay.from_estimator(model, X, y, features=("s", "q"), grid_resolution=12)
    numbered = DecisionRegionDisplay.from_estimator(model, X, y, features=(3, -3), grid_resolution=12)
    np.testing.assert_array_equal(named.response, numbered.response)
    assert (named.ax_.get_xlabel(), named.ax_.get_ylabel()) == ("s", "q")
    assert set(np.unique(named.response)) == {0.0, 1.0} if loss == "hinge" else True
    np.testing.assert_allclose(named.response.sum(axis=2), 1.0)


def test_values_of_a_regressor():
    X, y = load_diabetes(return_X_y=True)
    model = make_pipeline(StandardScaler(), fp.MLPRegressor(solver="rprop", max_iter=10)).fit(X, y)
    display = DecisionRegionDisplay.from_estimator(model, X, y, features=(2, 8), grid_resolution=20)
    assert display.response.shape == (20, 20)
    assert display.surface_.get_array().shape == (20, 20)
    assert pixels(display).std() > 0


def test_regions_without_points_and_in_float32(iris):
    X, y = iris
    X = X[:, :2].astype(np.float32)
    model = fp.MLPClassifier((5,), max_iter=3).fit(X, y)
    _, ax = plt.subplots()
    display = DecisionRegionDisplay.from_estimator(model, X, grid_resolution=9, ax=ax)
    assert display.scatter_ == []
    assert display.ax_ is ax


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": (0, 4)}, r"features must be two columns of the 4 of X, got \(0, 4\)"),
        ({"features": (0,)}, "features must be two columns"),
        ({"features": (1, -3)}, "features must be two columns"),
        ({"features": ("a", "b")}, "features must be two columns"),
        ({"features": 3}, "features must be two columns"),
        ({"grid_resolution": 1}, "grid_resolution must be at least 2, got 1"),
    ],
)
def test_bad_arguments_of_regions(iris, arguments, message):
    model = fp.MLPClassifier((5,), max_iter=2).fit(*iris)
    with pytest.raises(ValueError, match=message):
        DecisionRegionDisplay.from_estimator(model, *iris, **arguments)


def test_regions_need_one_target_and_two_features(iris):
    X, y = iris
    model = fp.MLPRegressor(max_iter=2).fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="needs an estimator with a single target"):
        DecisionRegionDisplay.from_estimator(model, X)
    with pytest.raises(ValueError, match=r"y must have the shape \(150,\) of one target, got \(150, 2\)"):
        DecisionRegionDisplay.from_estimator(model, X, np.column_stack([y, y]))
    with pytest.raises(TypeError, match="X must be dense"):
        DecisionRegionDisplay.from_estimator(model, sp.csr_array(X))
    with pytest.raises(TypeError, match="must be an MLPClassifier or MLPRegressor, got StandardScaler"):
        GradientFlowDisplay.from_estimator(StandardScaler(), X, y)
    with pytest.raises(ValueError, match=r"at least two features, got an array of shape \(150, 1\)"):
        DecisionRegionDisplay.from_estimator(model, X[:, :1])


def test_curves_of_members():
    X = np.linspace(0, 1, 40)[:, None]
    mlp = TabularMLPRegressor(n_members=2, max_iter=7, numeric_encoding="linear", random_state=0)
    with pytest.raises(NotFittedError, match="history_"):
        MemberCurvesDisplay.from_estimator(mlp)
    display = MemberCurvesDisplay.from_estimator(make_pipeline(mlp.fit(X, X[:, 0])), line_kw={"linewidth": 3})
    assert [line.get_ydata().tolist() for line in display.lines_] == [
        member[name] for member in mlp.history_ for name in ("loss", "validation_loss")
    ]
    assert {line.get_linewidth() for line in display.lines_} == {3}
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [
        "training, with dropout",
        "rows left out",
    ]
    dots = [line for line in display.ax_.lines if line.get_marker() == "o"]
    assert [dot.get_xdata()[0] for dot in dots] == [member["best_epoch"] for member in mlp.history_]
