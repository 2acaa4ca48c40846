"""ONNX: the graph says what the model says, in ONNX's reference evaluator and in ONNX Runtime."""

import warnings

import ferroprop as fp
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import reference
from ferroprop.export import _onnx, to_onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.exceptions import DataConversionWarning
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from strategies import Problem, problems

# Those that the format has.
ALL_ACTIVATIONS = list(_onnx.ACTIVATIONS)
HIDDEN_ACTIVATIONS = [name for name in ALL_ACTIVATIONS if name != "softmax"]

TOLERANCE = {np.float32: 1e-6, np.float64: 1e-12}
"""Of differences, a layer, relative to the largest output, or to 1 where outputs are small."""

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def run(proto, inputs):
    """Return what two runtimes make of the inputs."""
    onnx.checker.check_model(proto, full_check=True)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    yield dict(zip(names, session.run(None, inputs), strict=True))
    with np.errstate(all="ignore"):
        yield dict(zip(names, ReferenceEvaluator(proto).run(None, inputs), strict=True))


def assert_same(actual, expected, tolerance):
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    if expected.dtype.kind == "f":
        assert actual.dtype == expected.dtype
        largest = max(1.0, np.abs(expected).max(initial=0))
        np.testing.assert_array_less(np.abs(actual - expected), tolerance * largest)
    else:
        assert actual.tolist() == expected.tolist()


def assert_says_the_same(model, X, inputs=None, tolerance=None):
    """Compare all that the graph returns with what the model's own methods return."""
    proto = to_onnx(model)
    inputs = {"X": X} if inputs is None else inputs(X, proto)
    for said in run(proto, inputs):
        for name, value in said.items():
            method = {
                "label": "predict",
                "prediction": "predict",
                "output": "predict",
                "probabilities": "predict_proba",
                "scores": "decision_function",
            }[name]
            expected = getattr(model, method)(X)
            kind = np.float32 if value.dtype == np.float32 else np.float64
            assert_same(value, expected, TOLERANCE[kind] if tolerance is None else tolerance)
    return proto


# ---- networks ----------------------------------------------------------------------------------------------


@given(problems(hidden=HIDDEN_ACTIVATIONS, outputs=ALL_ACTIVATIONS, loss_names=["squared_error"]))
def test_networks(problem: Problem):
    """Random layers, biases and activations; where rounding alone makes a difference, nothing is asked."""
    (expected,) = problem.reference_answer(
        lambda problem, dtype: [reference.predict(problem.layers(dtype), problem.X.astype(dtype))]
    )
    network = problem.network()
    for said in run(network.to_onnx(), {"X": problem.X}):
        difference = np.abs(said["output"] - network.predict(problem.X)).max()
        scale = problem.n_layers * max(1.0, np.abs(expected).max())
        assert difference <= TOLERANCE[problem.dtype] * scale


# ---- recurrent networks ------------------------------------------------------------------------------------

CELLS = ["rnn", "lstm", "gru"]


def in_runtimes(proto, X, activation="tanh"):
    """Return what the reference evaluator says, whose RNN has tanh alone, and ONNX Runtime in float32."""
    onnx.checker.check_model(proto, full_check=True)
    if activation == "tanh":
        yield ReferenceEvaluator(proto).run(None, {"X": X})
    if X.dtype == np.float32:
        session = onnxruntime.InferenceSession(proto.SerializeToString())
        yield session.run(None, {"X": X})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [True, [True, False, False]], ids=["biases", "some"])
@pytest.mark.parametrize("returns", ["last", "every"])
@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_networks(cell, returns, bias, dtype):
    network = fp.RecurrentNetwork(
        [3, 7, 5, 4],
        cell=cell,
        returns=returns,
        output_activation="softmax",
        bias=bias,
        init="uniform",
        init_range=0.7,
        dtype=dtype,
        seed=1,
    )
    proto = network.to_onnx()
    operators = [node.op_type for node in proto.graph.node]
    assert operators.count({"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}[cell]) == 2
    rng = np.random.default_rng(0)
    for rows, steps in [(6, 11), (1, 1), (2, 40)]:
        X = rng.normal(size=(rows, steps, 3)).astype(dtype)
        for (said,) in in_runtimes(proto, X):
            assert_same(said, network.predict(X), 3 * TOLERANCE[np.dtype(dtype).type])


@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic"])
def test_activations_of_recurrent_layers(activation):
    network = fp.RecurrentNetwork(
        [2, 6, 3, 2], activation=activation, output_activation="elu", returns="every", seed=2
    )
    X = np.random.default_rng(1).normal(size=(5, 9, 2)).astype("f4")
    for (said,) in in_runtimes(network.to_onnx(opset=17), X, activation):
        assert_same(said, network.predict(X), 3e-6)


def test_recurrent_estimators(tmp_path):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 8, 2)).astype("f4")
    sums = X.sum(axis=1)
    regressor = fp.RNNRegressor((5,), solver="rprop", max_iter=5).fit(X, sums[:, 0])
    both = fp.RNNRegressor((5,), cell="gru", solver="rprop", max_iter=5).fit(X, sums)
    binary = fp.RNNClassifier((5,), solver="rprop", max_iter=20).fit(
        X, np.where(sums[:, 0] > 0, "up", "down")
    )
    three = fp.RNNClassifier((5,), cell="rnn", solver="rprop", max_iter=20).fit(
        X, np.digitize(sums[:, 0], [-1, 1])
    )
    for model in (regressor, both, binary, three):
        proto = to_onnx(model, tmp_path / "model.onnx")
        assert (tmp_path / "model.onnx").read_bytes() == proto.SerializeToString()
        for said in in_runtimes(proto, X):
            assert_same(said[0], model.predict(X), 3e-6)
            if model in (binary, three):
                assert_same(said[1], model.predict_proba(X), 3e-6)


def test_recurrent_layers_that_onnx_has_not():
    with pytest.raises(ValueError, match=r"layer 0: ONNX has recurrent layers with .* got 'gelu'"):
        to_onnx(fp.RecurrentNetwork([2, 3, 1], activation="gelu"))
    with pytest.raises(ValueError, match=r"got 'logistic' with slope 2.0"):
        to_onnx(fp.RecurrentNetwork([2, 3, 1], activation=fp.Logistic(2.0)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "activation", [*ALL_ACTIVATIONS, fp.Logistic(2.5), fp.ELU(0.3), fp.LeakyReLU(0.3)], ids=str
)
def test_activations(activation, dtype):
    """Over all magnitudes: saturated, at their kinks, and where they are almost linear."""
    network = fp.Network(
        [1, 1] if activation != "softmax" else [1, 3], output_activation=activation, bias=False, dtype=dtype
    )
    network.set_parameters([np.ones_like(network.weights[0])], [None])
    magnitudes = np.logspace(-30, 1.9, 400)
    X = np.concatenate([magnitudes, -magnitudes, [0.0, -0.0, 3.0, -3.0]])[:, None].astype(dtype)
    expected = network.predict(X)
    for said in run(network.to_onnx(), {"X": X}):
        difference = np.abs(said["output"] - expected)
        scale = np.maximum(1.0, np.abs(expected))
        np.testing.assert_array_less(difference / scale, TOLERANCE[np.dtype(dtype).type])


@pytest.mark.parametrize("opset", [13, 15, 17, 21, onnx.defs.onnx_opset_version()])
def test_opsets(opset):
    network = fp.Network(
        [3, 5, 4, 2], activation=["gelu", "elu"], output_activation="softmax", dtype="float64", seed=1
    )
    proto = network.to_onnx(opset=opset)
    assert [one.version for one in proto.opset_import] == [opset]
    onnx.checker.check_model(proto, full_check=True)
    X = np.random.default_rng(0).normal(size=(9, 3))
    (said,) = ReferenceEvaluator(proto).run(None, {"X": X})
    np.testing.assert_allclose(said, network.predict(X), rtol=1e-12)


def test_the_usual_graph_is_read_by_runtimes_of_2020():
    proto = fp.Network([3, 2]).to_onnx()
    assert proto.ir_version == 7
    assert [(one.domain, one.version) for one in proto.opset_import] == [("", 13)]


@pytest.mark.parametrize("opset", [12, 10_000, 13.0, None])
def test_wrong_opsets(opset):
    with pytest.raises(ValueError, match="opset must be from 13 to"):
        fp.Network([1, 1]).to_onnx(opset=opset)


def test_the_file_is_what_is_returned(tmp_path):
    path = tmp_path / "net.onnx"
    proto = fp.Network([3, 4, 2], seed=1).to_onnx(path)
    assert onnx.load(path) == proto
    with pytest.raises(OSError, match=r"not a file|No such file|nowhere"):
        fp.Network([1, 1]).to_onnx(tmp_path / "nowhere" / "net.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]


# ---- estimators --------------------------------------------------------------------------------------------

LABELS = {
    "int": [3, 7],
    "str": ["no", "yes"],
    "bool": [False, True],
    "float": [1.0, 2.0],
    "uint8": np.array([1, 2], np.uint8),
    "several": ["Adelie", "Chinstrap", "Gentoo"],
    "several int": [-1, 0, 5],
    "object": np.array(["a", "bc", "d"], object),
}


def rows(n=60, width=4, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("labels", LABELS, ids=str)
@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_classifiers(labels, dtype, loss):
    X, classes = rows(dtype=dtype), np.asarray(LABELS[labels])
    y = classes[np.random.default_rng(1).integers(len(classes), size=len(X))]
    model = fp.MLPClassifier(hidden_layer_sizes=(6,), max_iter=5, loss=loss, random_state=0).fit(X, y)
    proto = assert_says_the_same(model, X)
    names = ["label", "scores" if loss == "hinge" else "probabilities"]
    assert [output.name for output in proto.graph.output] == names
    assert not any(node.op_type == "ZipMap" for node in proto.graph.node)


@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge"])
def test_several_labels_a_row(loss):
    X = rows()
    Y = (X @ rows(4, 3) > 0).astype(int)
    assert_says_the_same(fp.MLPClassifier(max_iter=5, loss=loss).fit(X, Y), X)


def test_labels_that_onnx_has_not():
    X = rows()
    labels = np.where(X[:, 0] > 0, np.uint64(2**64 - 1), np.uint64(1))
    model = fp.MLPClassifier(max_iter=2).fit(X, labels)
    with pytest.raises(ValueError, match=r"classes_ must be up to 2\^63 - 1, .* got 18446744073709551615"):
        model.to_onnx()
    model.fit(X, np.where(X[:, 0] > 0, 2**63 - 1, -(2**63)))
    assert_says_the_same(model, X)


def test_a_single_class():
    X = rows(9)
    assert_says_the_same(fp.MLPClassifier(max_iter=2).fit(X, np.ones(9)), X)


@given(
    st.sampled_from(["squared_error", "poisson", "absolute_error", "huber", "quantile"]),
    st.integers(1, 3),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from(["relu", "gelu", "mish", "arctan"]),
)
def test_regressors(loss, n_outputs, dtype, activation):
    X = rows(30, dtype=dtype)
    Y = np.abs(X[:, :n_outputs]).squeeze()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fp.MLPRegressor(
            hidden_layer_sizes=(7, 3), activation=activation, loss=loss, max_iter=3, random_state=0
        ).fit(X, Y)
    assert_says_the_same(model, X)


def test_what_is_no_model(tmp_path):
    with pytest.raises(TypeError, match=r"model must be a Network, .* got int"):
        to_onnx(3)
    with pytest.raises(ValueError, match="MLPClassifier is not fitted yet"):
        fp.MLPClassifier().to_onnx(tmp_path / "none.onnx")
    with pytest.raises(ValueError, match="Pipeline is not fitted yet"):
        to_onnx(make_pipeline(StandardScaler(), fp.MLPRegressor()))
    assert not any(tmp_path.iterdir())


# ---- pipelines ---------------------------------------------------------------------------------------------


def table(n=80, seed=0):
    """Return a table with gaps, text and categories that are numbers."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "width": rng.normal(5, 2, n),
            "label": rng.integers(0, 3, n).astype(float),  # also the name of an output
            "height": rng.exponential(3, n),
            "colour": rng.choice(["red", "green", "deep blue"], n).astype(object),
            "size": rng.choice(["S", "M", "L", "XL"], n, p=[0.45, 0.45, 0.05, 0.05]).astype(object),
        }
    )
    frame.loc[rng.random(n) < 0.2, "width"] = np.nan
    frame.loc[rng.random(n) < 0.2, "colour"] = np.nan
    return frame


def inputs_of(frame, proto):
    """Return what a graph of columns is given; a name that an output has ends in an underscore."""
    inputs = {}
    for one in proto.graph.input:
        column = frame[[one.name.removesuffix("_")]]
        is_text = not pd.api.types.is_numeric_dtype(column.dtypes.iloc[0])
        inputs[one.name] = column.fillna("").to_numpy(object) if is_text else column.to_numpy()
    return inputs


TEXT = SimpleImputer(strategy="constant", fill_value="(missing)")

PREPARATIONS = {
    "as the command line": lambda: ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
                ["width", "height", "label"],
            ),
            (
                "categories",
                make_pipeline(
                    TEXT,
                    OneHotEncoder(
                        handle_unknown="infrequent_if_exist", max_categories=3, sparse_output=False
                    ),
                ),
                ["colour", "size"],
            ),
        ]
    ),
    "other encoders": lambda: make_column_transformer(
        (make_pipeline(TEXT, OneHotEncoder(drop="first")), ["size"]),
        (OneHotEncoder(handle_unknown="ignore"), ["label", "colour"]),
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["size"]),
        (make_pipeline(TargetEncoder()), ["colour"]),
    ),
    "scalers of all": lambda: make_pipeline(
        make_column_transformer(
            (SimpleImputer(add_indicator=True), ["width", "height"]),
            (SimpleImputer(missing_values=1, strategy="mean"), ["label"]),
            ("passthrough", ["height"]),
            ("drop", ["size"]),
            (OneHotEncoder(), ["colour"]),
            remainder="passthrough",
        ),
        RobustScaler(),
        MinMaxScaler(feature_range=(-1, 2), clip=True),
        MaxAbsScaler(),
        VarianceThreshold(),
        SelectKBest(lambda X, y: X.std(axis=0), k=4),
    ),
    "weights": lambda: make_pipeline(
        ColumnTransformer(
            [("fill", SimpleImputer(), ["width", "height"])], transformer_weights={"fill": 0.5}
        ),
        FeatureUnion(
            [("same", "passthrough"), ("scaled", StandardScaler()), ("none", "drop")],
            transformer_weights={"scaled": 3},
        ),
        FunctionTransformer(),
        "passthrough",
    ),
}


@pytest.mark.parametrize("preparation", PREPARATIONS, ids=str)
@pytest.mark.parametrize("task", ["classes", "quantity"])
def test_pipelines(preparation, task):
    frame = table()
    y = frame["height"] + np.where(frame["colour"] == "red", 2, 0)
    y = np.where(y > y.median(), "much", "little") if task == "classes" else y
    network = (fp.MLPClassifier if task == "classes" else fp.MLPRegressor)(max_iter=5, random_state=0)
    model = Pipeline([("prepare", PREPARATIONS[preparation]()), ("network", network)]).fit(frame, y)
    proto = assert_says_the_same(model, frame, inputs_of)
    names = [one.name for one in proto.graph.input]
    assert ("label_" in names) <= (task == "classes")
    assert ("size" in names) == (preparation in ["as the command line", "other encoders"])

    other = table(50, seed=1)
    if preparation != "scalers of all":  # whose encoder would refuse it
        other.loc[3:9, "colour"] = "violet"
    other.loc[5:12, "label"] = 17.0
    assert_says_the_same(model, other, inputs_of)


def test_a_target_in_its_own_units():
    X = rows()
    y = 1e4 + 300 * X[:, 0]
    for scaler in [StandardScaler(), MinMaxScaler(), RobustScaler()]:
        model = make_pipeline(
            StandardScaler(), TransformedTargetRegressor(fp.MLPRegressor(max_iter=5), transformer=scaler)
        )
        assert_says_the_same(model.fit(X, y), X)
        assert_says_the_same(model.fit(X, np.stack([y, -y], axis=1)), X)
        with pytest.warns(DataConversionWarning, match="column-vector"):
            model.fit(X, y[:, None])
        assert_says_the_same(model, X)


def test_a_target_that_is_scaled_twice_or_not_at_all():
    X = rows()
    y = 1e4 + 300 * X[:, 0]
    scaled = TransformedTargetRegressor(fp.MLPRegressor(max_iter=5), transformer=StandardScaler())
    for inner in (scaled, make_pipeline(StandardScaler(), scaled)):
        assert_says_the_same(TransformedTargetRegressor(inner, transformer=MinMaxScaler()).fit(X, y), X)
    assert_says_the_same(TransformedTargetRegressor(fp.MLPRegressor(max_iter=5)).fit(X, y), X)


def test_a_scaled_target_of_sequences():
    X = rows(40 * 5, 2, np.float32).reshape(40, 5, 2)
    y = 100 + 10 * X.sum(axis=(1, 2))
    model = TransformedTargetRegressor(fp.RNNRegressor((4,), max_iter=3), transformer=StandardScaler())
    (predicted,) = in_ort(to_onnx(model.fit(X, y)), X)
    np.testing.assert_allclose(predicted, model.predict(X), rtol=1e-5, atol=1e-6)
    model = make_pipeline("passthrough", fp.RNNRegressor((4,), max_iter=3)).fit(X, y)
    (predicted,) = in_ort(to_onnx(model), X)
    np.testing.assert_allclose(predicted, model.predict(X), rtol=1e-5, atol=1e-6)


def in_ort(proto, X):
    return onnxruntime.InferenceSession(proto.SerializeToString()).run(None, {"X": X})


def test_rows_of_numbers_are_one_input():
    X = rows()
    X[::7, 1] = np.nan
    model = make_pipeline(SimpleImputer(), MinMaxScaler(), fp.MLPRegressor(max_iter=5)).fit(X, X[:, 0])
    proto = assert_says_the_same(model, X)
    assert [one.name for one in proto.graph.input] == ["X"]


def test_float32_pipelines():
    X = rows(dtype=np.float32)
    model = make_pipeline(StandardScaler(), fp.MLPClassifier(max_iter=5)).fit(X, X[:, 0] > 0)
    assert_says_the_same(model, X)


def test_the_best_of_a_search():
    X = rows()
    search = GridSearchCV(fp.MLPRegressor(max_iter=3), {"alpha": [0.1, 1.0]}, cv=2).fit(X, X[:, 0])
    assert_says_the_same(search, X)


@pytest.mark.parametrize("cells", [[True, False], [1, 2, 3], [1, 2.5, None], [np.nan]], ids=str)
@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(handle_unknown="ignore"),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
        TargetEncoder(),
    ],
    ids=lambda encoder: type(encoder).__name__,
)
def test_numbers_and_truths_in_a_column_of_objects(encoder, cells):
    """Columns whose numbers pandas keeps as Python objects, and one without any number."""
    dtype = float if cells == [np.nan] else object
    frame = pd.DataFrame({"size": pd.Series(np.resize(np.array(cells, object), 60), dtype=dtype)})
    frame["width"] = rows(60, 1)
    model = make_pipeline(
        make_column_transformer((encoder, ["size"]), remainder="passthrough"), fp.MLPRegressor(max_iter=3)
    ).fit(frame, frame["width"])

    def numbers(frame, proto):
        return {one.name: frame[[one.name]].astype(float).to_numpy() for one in proto.graph.input}

    assert_says_the_same(model, frame, numbers)
    other = frame.assign(size=pd.Series([17.0] * 60, dtype=dtype))
    assert_says_the_same(model, other, numbers)


def test_a_category_whose_only_column_is_dropped():
    frame = table().assign(size="M")
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(drop="first"), ["size"]), ("passthrough", ["height"])),
        fp.MLPRegressor(max_iter=3),
    ).fit(frame, frame["height"])
    proto = assert_says_the_same(model, frame, inputs_of)
    assert [one.name for one in proto.graph.input] == ["height"]


@pytest.mark.parametrize(("dtype", "first"), [(np.float32, 2**24), (np.float64, 2**53)], ids=["f4", "f8"])
def test_numbers_that_no_float_tells_apart(dtype, first):
    frame = pd.DataFrame({"id": first + np.arange(40) % 2})
    model = make_pipeline(OneHotEncoder(dtype=dtype), fp.MLPRegressor(max_iter=2)).fit(frame, np.arange(40.0))
    message = f"column 'id' has different categories that are one number in {np.dtype(dtype).name}"
    with pytest.raises(ValueError, match=message):
        to_onnx(model)


def test_names_of_columns():
    """Only the name of an output changes, to one that no column has, and the one that ONNX has not."""
    names = ["label_", "label", "", "_", "probabilities", "X", "größe / m", "classes"]
    frame = pd.DataFrame(rows(40, len(names)), columns=names)
    model = make_pipeline(StandardScaler(), fp.MLPClassifier(max_iter=3)).fit(frame, frame["X"] > 0)
    inputs = ["label_", "label__", "__", "_", "probabilities_", "X", "größe / m", "classes"]
    given = dict(zip(inputs, frame.to_numpy().T[:, :, None], strict=True))
    proto = assert_says_the_same(model, frame, lambda frame, proto: given)
    assert [one.name for one in proto.graph.input] == inputs


def test_a_category_that_the_encoder_would_refuse_gives_nan():
    frame = table()[["colour"]].dropna()
    model = make_pipeline(OneHotEncoder(), fp.MLPRegressor(max_iter=3)).fit(frame, np.arange(len(frame)) / 10)
    inputs = {"colour": np.array([["violet"], ["red"]], object)}
    for said in run(to_onnx(model), inputs):
        assert np.isnan(said["prediction"][0])
        np.testing.assert_allclose(said["prediction"][1:], model.predict(pd.DataFrame({"colour": ["red"]})))


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([("reduce", PCA(2))], "step 'reduce': PCA cannot be exported; known are SimpleImputer"),
        (
            [("all", FeatureUnion([("bins", KBinsDiscretizer(quantile_method="linear"))]))],
            "'all': step 'bins': KBins",
        ),
        ([("log", FunctionTransformer(np.log1p))], "step 'log': FunctionTransformer: the function 'log1p'"),
        (
            [("scale", StandardScaler()), ("encode", OneHotEncoder())],
            "step 'encode': OneHotEncoder of numbers",
        ),
        ([("inner", make_pipeline(StandardScaler(), PCA(2)))], "step 'inner': step 'pca': PCA"),
    ],
    ids=["pca", "bins", "log", "scaled", "inner"],
)
def test_steps_without_words(steps, message, tmp_path):
    X = np.abs(rows(30))
    model = Pipeline([*steps, ("network", fp.MLPRegressor(max_iter=2))]).fit(X, X[:, 0])
    with pytest.raises(ValueError, match=message):
        to_onnx(model, tmp_path / "none.onnx")
    assert not any(tmp_path.iterdir())


def test_text_without_an_encoder():
    frame = table()
    model = make_pipeline(make_column_transformer((TEXT, ["colour"])), fp.MLPRegressor())
    prepared = model[:-1].fit(frame)
    network = fp.MLPRegressor(max_iter=2).fit(rows(9, 1), rows(9, 1).ravel())
    with pytest.raises(ValueError, match="column 'colour' has text that reaches the network"):
        to_onnx(Pipeline([*prepared.steps, ("network", network)]))


def test_activations_have_the_names_that_are_known():
    assert set(_onnx.ACTIVATIONS) <= set(fp.ACTIVATIONS)


def test_an_activation_that_the_format_lacks_is_refused(monkeypatch):
    monkeypatch.delitem(_onnx.ACTIVATIONS, "mish")
    with pytest.raises(ValueError, match="layer 0: the activation 'mish' cannot be written as ONNX"):
        fp.Network([1, 2, 1], activation="mish").to_onnx()
