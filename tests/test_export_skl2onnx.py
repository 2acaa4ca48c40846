"""skl2onnx converts pipelines and ensembles that hold our estimators, and ONNX Runtime computes the same."""

import ferroprop as fp
import numpy as np
import onnx
import onnxruntime
import pytest
from ferroprop.export import _skl2onnx, register_skl2onnx
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingRegressor, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

skl2onnx = pytest.importorskip(
    "skl2onnx", reason="skl2onnx is not installed: its pipelines are not tested here"
)

from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType  # noqa: E402

TOLERANCE = {np.float32: 2e-6, np.float64: 1e-12}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def registered():
    register_skl2onnx()


def rows(n=80, width=4, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(dtype)


def run(model, X, **more):
    """Return the outputs of ONNX Runtime by name."""
    proto = skl2onnx.to_onnx(model, X[:1], **more)
    onnx.checker.check_model(proto, full_check=True)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {session.get_inputs()[0].name: X}), strict=True))


def assert_same_classifier(model, X, scores=None, **more):
    said = run(model, X, **{"options": {"zipmap": False}, **more})
    expected = model.predict_proba(X) if scores is None else scores(model.decision_function(X))
    assert said["label"].tolist() == np.asarray(model.predict(X)).tolist()
    assert said["probabilities"].shape == expected.shape
    assert said["probabilities"].dtype == X.dtype
    scale = max(1.0, np.abs(expected).max())
    assert np.abs(said["probabilities"] - expected).max() <= TOLERANCE[X.dtype.type] * scale


def test_it_may_be_called_again():
    register_skl2onnx()
    register_skl2onnx()


# ---- classifiers -------------------------------------------------------------------------------------------

LABELS = {
    "int": [3, 7],
    "str": ["no", "yes"],
    "bool": [False, True],
    "whole floats": [1.0, 2.0],
    "several": ["Adelie", "Chinstrap", "Gentoo"],
    "several int": [-1, 0, 5],
    "object": np.array(["a", "bc", "d"], object),
    "one": [4],
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("labels", LABELS)
def test_classifiers(labels, dtype):
    X, classes = rows(dtype=dtype), np.asarray(LABELS[labels])
    y = classes[np.random.default_rng(1).integers(len(classes), size=len(X))]
    model = make_pipeline(StandardScaler(), fp.MLPClassifier((6,), max_iter=5, random_state=0)).fit(X, y)
    assert_same_classifier(model, X)


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
@pytest.mark.parametrize("labels", ["str", "several", "int"])
def test_scores_of_hinge_losses(labels, loss):
    X, classes = rows(), np.asarray(LABELS[labels])
    y = classes[np.random.default_rng(1).integers(len(classes), size=len(X))]
    model = fp.MLPClassifier((6,), max_iter=5, loss=loss).fit(X, y)
    assert_same_classifier(model, X, lambda s: np.stack([-s, s], axis=1) if s.ndim == 1 else s)


@pytest.mark.parametrize("loss", ["log_loss", "focal"])
def test_several_labels_a_row(loss):
    X = rows()
    model = make_pipeline(PCA(3), fp.MLPClassifier((6,), max_iter=5, loss=loss))
    assert_same_classifier(model.fit(X, (X @ rows(4, 3) > 0).astype(int)), X)
    maps = run(model, X.astype(np.float32))["output_probability"]  # ONNX has maps of float32 alone
    np.testing.assert_allclose([list(one.values()) for one in maps], model.predict_proba(X), atol=1e-5)


def test_every_activation():
    X = rows()
    y = np.digitize(X.sum(axis=1), [-1, 1])
    for name in set(fp.ACTIVATIONS) - {"softmax"}:
        model = fp.MLPClassifier((6, 5), activation=name, max_iter=3, random_state=0).fit(X, y)
        assert_same_classifier(model, X)


def test_zipmap():
    X = rows(dtype=np.float32)  # PolynomialFeatures of skl2onnx has float32 alone
    y = np.where(X[:, 0] > 0, "up", "down")
    model = make_pipeline(PolynomialFeatures(2), fp.MLPClassifier((6,), max_iter=5)).fit(X, y)
    maps = run(model, X)["output_probability"]
    np.testing.assert_allclose([[one["down"], one["up"]] for one in maps], model.predict_proba(X), atol=1e-6)
    columns = run(model, X, options={"zipmap": "columns"})
    np.testing.assert_allclose(columns["sup"].ravel(), model.predict_proba(X)[:, 1], atol=1e-6)
    names = run(model, X, options={"zipmap": False, "output_class_labels": True})
    assert [*names.values()][-1].tolist() == ["down", "up"]
    places = run(model, X, options={fp.MLPClassifier: {"nocl": True, "zipmap": False}})
    assert places["label"].tolist() == (model.predict(X) == "up").astype(int).tolist()


def test_float32_rows_for_a_float64_network():
    X = rows()
    model = make_pipeline(StandardScaler(), fp.MLPClassifier((6,), max_iter=5)).fit(X, X[:, 0] > 0)
    single = X.astype(np.float32)
    said = run(model, single, options={"zipmap": False})
    assert said["probabilities"].dtype == np.float32
    np.testing.assert_allclose(said["probabilities"], model.predict_proba(X), atol=1e-5)


# ---- regressors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("loss", ["squared_error", "poisson", "quantile"])
def test_regressors(loss, n_outputs, dtype):
    X = rows(dtype=dtype)
    model = make_pipeline(StandardScaler(), fp.MLPRegressor(loss=loss, hidden_layer_sizes=(5,), max_iter=5))
    model.fit(X, np.abs(X[:, :n_outputs]).squeeze())
    (said,) = run(model, X).values()
    expected = model.predict(X).reshape(len(X), n_outputs)
    assert said.dtype == dtype
    assert said.shape == expected.shape
    assert np.abs(said - expected).max() <= TOLERANCE[dtype] * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_recurrent_estimators(cell):
    X = rows(20 * 6, 2, np.float32).reshape(20, 6, 2)
    shape = [("X", FloatTensorType([None, None, 2]))]
    model = fp.RNNRegressor((5,), cell=cell, max_iter=5).fit(X, X.sum(axis=(1, 2)))
    (said,) = run(model, X, initial_types=shape).values()
    np.testing.assert_allclose(said[:, 0], model.predict(X), atol=1e-5)
    labels = fp.RNNClassifier((5,), cell=cell, max_iter=5).fit(X, X[:, -1, 0] > 0)
    assert_same_classifier(labels, X, initial_types=shape)


# ---- what holds them ---------------------------------------------------------------------------------------


def test_ensembles_and_searches():
    X = rows()
    y = np.where(X[:, 0] > 0, "up", "down")
    network = fp.MLPClassifier((6,), max_iter=5, random_state=0)
    search = GridSearchCV(make_pipeline(PCA(3), network), {"pca__n_components": [2, 3]}, cv=2).fit(X, y)
    assert_same_classifier(search, X)
    members = [("network", network), ("line", LogisticRegression())]
    both = VotingClassifier(members, voting="soft", flatten_transform=False).fit(X, y)
    assert_same_classifier(both, X)
    calibrated = CalibratedClassifierCV(network, cv=2).fit(X, y)
    assert_same_classifier(calibrated, X)
    stacked = StackingRegressor(
        [("network", fp.MLPRegressor(max_iter=5)), ("line", LinearRegression())], cv=2
    ).fit(X, X[:, 0])
    (said,) = run(stacked, X).values()
    np.testing.assert_allclose(said[:, 0], stacked.predict(X), atol=1e-10)


def test_columns_of_a_table():
    X = np.array([[1.0, np.nan, 0.5], [2.0, 3.0, np.nan], [0.0, 1.0, 2.0]] * 5, dtype=object)
    X = np.concatenate([X, np.array([["a"], ["b"], ["c"]] * 5, dtype=object)], axis=1)
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    prepared = make_column_transformer((numbers, [0, 1, 2]), (OneHotEncoder(), [3]))
    model = make_pipeline(prepared, fp.MLPClassifier((4,), max_iter=5)).fit(X, np.arange(15) % 3)
    types = [("numbers", FloatTensorType([None, 3])), ("text", StringTensorType([None, 1]))]
    proto = skl2onnx.to_onnx(model, initial_types=types, options={"zipmap": False})
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    label, shares = session.run(None, {"numbers": X[:, :3].astype("f4"), "text": X[:, 3:]})
    np.testing.assert_allclose(shares, model.predict_proba(X), atol=1e-6)
    assert label.tolist() == model.predict(X).tolist()


def test_inputs_of_one_column_each():
    X = rows()
    model = fp.MLPRegressor(max_iter=5).fit(X, X[:, 0])
    types = [(f"x{i}", DoubleTensorType([None, 2])) for i in range(2)]
    proto = skl2onnx.to_onnx(model, initial_types=types)
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    (said,) = session.run(None, {"x0": X[:, :2], "x1": X[:, 2:]})
    np.testing.assert_allclose(said[:, 0], model.predict(X), atol=1e-12)


# ---- opsets, and what cannot be ----------------------------------------------------------------------------


@pytest.mark.parametrize("opset", [13, 15, 18, 21])
def test_target_opsets(opset):
    X = rows()
    model = make_pipeline(StandardScaler(), fp.MLPClassifier((6,), activation="gelu", max_iter=5))
    model.fit(X, X[:, 0] > 0)
    assert_same_classifier(model, X, target_opset={"": opset, "ai.onnx.ml": 2})
    proto = skl2onnx.to_onnx(model, X[:1], target_opset={"": opset, "ai.onnx.ml": 2})
    assert {one.domain: one.version for one in proto.opset_import}[""] <= opset


def test_labels_that_onnx_has_not():
    X = rows()
    model = fp.MLPClassifier(max_iter=2).fit(X, np.where(X[:, 0] > 0, np.uint64(2**64 - 1), np.uint64(1)))
    with pytest.raises(ValueError, match="classes_ must be texts or integers of 64 bits for skl2onnx"):
        skl2onnx.to_onnx(model, X[:1])


def test_what_cannot_be_converted():
    X = rows()
    model = fp.MLPClassifier((6,), max_iter=5).fit(X, X[:, 0] > 0)
    with pytest.raises(ValueError, match="target_opset must be at least 13, got 12"):
        skl2onnx.to_onnx(model, X[:1], target_opset={"": 12, "ai.onnx.ml": 1})


def test_without_skl2onnx(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "skl2onnx", None)
    with pytest.raises(ImportError, match="register_skl2onnx needs the package skl2onnx"):
        _skl2onnx.register_skl2onnx()
