"""JSON: a model comes back to the bit, and whatever else the text says is refused, field by field."""

import json
import warnings

import ferroprop as fp
import numpy as np
import pytest
from ferroprop.export import from_json, to_json
from hypothesis import given
from hypothesis import strategies as st
from strategies import ALL_ACTIVATIONS, HIDDEN_ACTIVATIONS, Problem, problems
from test_model_file import same

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@given(problems(hidden=HIDDEN_ACTIVATIONS, outputs=ALL_ACTIVATIONS, loss_names=["squared_error"]))
def test_networks_come_back(problem: Problem):
    network = problem.network()
    text = network.to_json()
    again = fp.Network.from_json(text)
    assert same(again, network)
    assert again.to_json() == text


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1))
def test_every_float32_comes_back(numbers):
    network = fp.Network([1, len(numbers)], bias=False)
    network.set_parameters([np.array([numbers], np.float32)], [None])
    again = fp.Network.from_json(network.to_json())
    assert again.weights[0].tobytes() == network.weights[0].tobytes()


def test_extreme_numbers(tmp_path):
    for dtype in (np.float32, np.float64):
        info = np.finfo(dtype)
        numbers = np.array(
            [[info.max, info.min, info.tiny, info.smallest_subnormal, -0.0, 0.1, 1 / 3]], dtype
        )
        network = fp.Network([1, 7], bias=False, dtype=dtype)
        network.set_parameters([numbers], [None])
        path = tmp_path / "net.json"
        assert network.to_json(path) + "\n" == path.read_text()
        for source in (path, str(path), path.read_text(), network.to_json()):
            assert fp.Network.from_json(source).weights[0].tobytes() == numbers.tobytes()


def rows(n=40, width=3, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(dtype)


ESTIMATORS = {
    "binary": (fp.MLPClassifier(solver="rprop"), lambda X: X[:, 0] > 0),
    "text": (fp.MLPClassifier(class_weight="balanced"), lambda X: np.where(X[:, 0] > 0, "yes", "no")),
    "several": (
        fp.MLPClassifier(activation=(fp.ELU(0.5), "gelu"), hidden_layer_sizes=(4, 3), early_stopping=True),
        lambda X: np.arange(len(X)) % 3,
    ),
    "objects": (
        fp.MLPClassifier(loss="hinge", n_iter_no_change=np.inf, class_weight={"a": 1.0, "b": 2.5}),
        lambda X: np.array(["a", "b"], object)[(X[:, 0] > 0).astype(int)],
    ),
    "labels": (
        fp.MLPClassifier(
            solver=fp.AdamW(fp.Cosine(0.1, warm_up=0.25), weight_decay=fp.Exponential(0.1, final=0.01))
        ),
        lambda X: (X > 0).astype(int),
    ),
    "regression": (
        fp.MLPRegressor(solver=fp.Rprop("irprop-", initial_step=(0.01, 0.5)), loss=fp.Huber(2.0)),
        lambda X: X[:, 0],
    ),
    "two outputs": (fp.MLPRegressor(solver="lbfgs", output_activation=fp.LeakyReLU(0.5)), lambda X: X[:, :2]),
    "small": (fp.MLPRegressor(hidden_layer_sizes=(), learning_rate_init=0.5), lambda X: X[:, 0]),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_come_back(name, dtype):
    from sklearn.base import clone

    model, target = ESTIMATORS[name]
    X = rows(dtype=dtype)
    unfitted = clone(model).set_params(max_iter=3, random_state=0)
    assert repr(type(model).from_json(unfitted.to_json())) == repr(unfitted)
    model = clone(unfitted).fit(X, target(X))
    text = model.to_json()
    again = type(model).from_json(text)
    assert repr(again) == repr(model)
    assert again.to_json() == text
    other = rows(20, seed=1, dtype=dtype)
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, method):
            expected = getattr(model, method)(other)
            said = getattr(again, method)(other)
            assert said.dtype == expected.dtype
            assert said.tobytes() == expected.tobytes() or said.tolist() == expected.tolist()
    assert again.loss_ == model.loss_
    again.set_params(warm_start=True).fit(X, target(X))  # a training can go on


def test_names_of_features():
    import pandas as pd

    frame = pd.DataFrame(rows(), columns=["width", "height", "colour"])
    model = fp.MLPRegressor(max_iter=2).fit(frame, frame["width"])
    again = fp.MLPRegressor.from_json(model.to_json())
    assert again.feature_names_in_.tolist() == ["width", "height", "colour"]
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))


def test_what_json_cannot_hold(tmp_path):
    path = tmp_path / "none.json"
    for parameters, message in [
        ({"callback": print}, "the parameter callback holds <built-in function print>"),
        ({"random_state": np.random.RandomState(0)}, "the parameter random_state holds RandomState"),
        ({"loss": lambda o, t: (o, t)}, "the parameter loss holds <function"),
    ]:
        with pytest.raises(ValueError, match=message):
            fp.MLPRegressor(**parameters).to_json(path)
    with pytest.raises(TypeError, match=r"model must be a Network, .* got dict"):
        to_json({})
    assert not any(tmp_path.iterdir())


def test_a_model_of_another_kind():
    text = fp.MLPRegressor().to_json()
    assert isinstance(from_json(text), fp.MLPRegressor)
    with pytest.raises(ValueError, match="source holds a MLPRegressor; expected a Network"):
        fp.Network.from_json(text)
    with pytest.raises(ValueError, match="source holds a Network; expected a MLPClassifier"):
        fp.MLPClassifier.from_json(fp.Network([1, 1]).to_json())


# ---- hostile texts -----------------------------------------------------------------------------------------

NET = json.loads(
    fp.Network([2, 3, 2], activation=fp.Logistic(2.0), output_activation="softmax", dtype="float64").to_json()
)


def changed(path, value):
    """Return the text of a network with one value replaced, or removed where it is `...`."""
    content = json.loads(json.dumps(NET))
    place = content
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(content)


WRONG_FIELDS = [
    (["format"], "other", "format: expected one of 'ferroprop network', 'ferroprop estimator', got 'other'"),
    (["format"], ..., "no object with a field 'format'"),
    (["version"], 2, "version: expected 1, got 2"),
    (["version"], True, "version: expected 1, got true"),
    (["version"], "1", "version: expected 1, got '1'"),
    (["version"], ..., "version: missing"),
    (["dtype"], "float16", "dtype: got 'float16', did you mean 'float64'?"),
    (["dtype"], None, "dtype: expected one of 'float32', 'float64', got null"),
    (["dtype"], ["float64"], "dtype: expected one of 'float32', 'float64', got a list of 1"),
    (["dtype"], ..., "dtype: missing"),
    (["author"], "me", "author: unknown, expected 'format', 'version', 'dtype', 'layers'"),
    (["layers"], ..., "layers: missing"),
    (["layers"], [], "layers: expected a list of one or more layers, got a list of 0"),
    (["layers"], {}, "layers: expected a list of one or more layers, got an object"),
    (["layers", 0], 3, "layers[0]: expected an object with 'activation', 'weights', 'biases', got 3"),
    (["layers", 0, "activation"], "tahn", "layers[0].activation: got 'tahn', did you mean 'tanh'?"),
    (["layers", 0, "activation"], "softmax", "layers[0].activation: expected one of"),
    (["layers", 0, "activation"], {"elu": 1}, "layers[0].activation: expected one of"),
    (["layers", 0, "activation"], "tanh", "layers[0].slope: unknown"),
    (["layers", 0, "activation"], ..., "layers[0].activation: missing"),
    (["layers", 0, "slope"], -1.0, "layers[0].slope: slope must be"),
    (["layers", 0, "slope"], "2", "layers[0].slope: expected a finite number, got '2'"),
    (["layers", 0, "slope"], True, "layers[0].slope: expected a finite number, got true"),
    (["layers", 0, "slope"], ..., "layers[0].slope: missing"),
    (["layers", 0, "weight"], [], "layers[0].weight: unknown, expected"),
    (["layers", 0, "weights"], ..., "layers[0].weights: missing"),
    (["layers", 0, "weights"], [], "layers[0].weights: expected a list of one or more rows"),
    (["layers", 0, "weights"], [[]], "layers[0].weights: expected a list of one or more rows"),
    (["layers", 0, "weights"], [1, 2], "layers[0].weights: expected a list of one or more rows"),
    (
        ["layers", 0, "weights", 1],
        [1, 2],
        "layers[0].weights[1]: expected a list of 3 numbers, got a list of 2",
    ),
    (["layers", 0, "weights", 1], None, "layers[0].weights[1]: expected a list of 3 numbers, got null"),
    (["layers", 0, "weights", 1, 2], "x", "layers[0].weights[1][2]: expected a finite number, got 'x'"),
    (["layers", 0, "weights", 1, 2], None, "layers[0].weights[1][2]: expected a finite number, got null"),
    (["layers", 0, "weights", 1, 2], False, "layers[0].weights[1][2]: expected a finite number, got false"),
    (
        ["layers", 0, "weights", 1, 2],
        [1],
        "layers[0].weights[1][2]: expected a finite number, got a list of 1",
    ),
    (["layers", 0, "weights", 1, 2], 10**400, "layers[0].weights[1][2]: expected a finite number, got 1000"),
    (["layers", 0, "biases"], [1.0], "layers[0].biases: expected a list of 3 numbers, got a list of 1"),
    (["layers", 0, "biases"], 0, "layers[0].biases: expected a list of 3 numbers, got 0"),
    (["layers", 0, "biases"], ..., "layers[0].biases: missing"),
    (
        ["layers", 1, "weights"],
        [[1, 2]],
        "layers[1].weights: expected 3 rows, as the layer before has outputs",
    ),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG_FIELDS, ids=lambda value: str(value)[:40])
def test_each_wrong_field_is_named(path, value, message):
    with pytest.raises(ValueError, match=r".") as error:
        from_json(changed(path, value))
    assert message in str(error.value)


def test_all_wrong_fields_are_named_at_once():
    content = json.loads(changed(["dtype"], "float31"))
    content["layers"][1]["biasses"] = content["layers"][1].pop("biases")
    content["note"] = 3
    with pytest.raises(ValueError, match="wrong fields") as error:
        from_json(json.dumps(content))
    assert "note: unknown" in str(error.value)
    assert "dtype: got 'float31', did you mean" in str(error.value)
    content["dtype"] = "float64"
    content["layers"][0]["weights"] = [["x"] * 30]
    with pytest.raises(ValueError, match="wrong fields") as error:
        from_json(json.dumps(content))
    assert "and 21 more" in str(error.value)


def test_numbers_that_float32_cannot_hold():
    text = changed(["dtype"], "float32").replace(str(NET["layers"][0]["weights"][0][0]), "1e39")
    with pytest.raises(
        ValueError, match=r"layers\[0\]\.weights\[0\]\[0\]: expected a number that float32 holds"
    ):
        from_json(text)


NO_JSON = {
    "cut short": json.dumps(NET)[:-20],
    "NaN": changed(["layers", 0, "slope"], 1).replace('"slope": 1', '"slope": NaN'),
    "Infinity": changed(["layers", 0, "slope"], 1).replace('"slope": 1', '"slope": -Infinity'),
    "1e400": changed(["layers", 0, "slope"], 1).replace('"slope": 1', '"slope": 1e400'),
    "a field twice": json.dumps(NET).replace('"version": 1', '"version": 1, "version": 1'),
    "deep": '{"format": ' + "[" * 200_000,
    "many digits": changed(["layers", 0, "slope"], 1).replace('"slope": 1', f'"slope": {"9" * 10_000}'),
    "text after it": json.dumps(NET) + "}",
    "only a brace": "{",
    "a list": None,
}


@pytest.mark.parametrize("name", NO_JSON)
def test_texts_that_are_no_model(name, tmp_path):
    path = tmp_path / "net.json"
    path.write_text(NO_JSON[name] or "[1, 2]")
    sources = [path] if NO_JSON[name] is None else [path, NO_JSON[name]]
    for source in sources:
        with pytest.raises(ValueError, match=r"JSON|finite number"):
            from_json(source)


def test_sources_that_cannot_be_read(tmp_path):
    (tmp_path / "latin").write_bytes(b'{"name": "\xe9"}')
    with pytest.raises(ValueError, match=r"not text in UTF-8: .* at byte 10"):
        from_json(tmp_path / "latin")
    with pytest.raises(OSError, match="nowhere"):
        from_json(tmp_path / "nowhere.json")
    with pytest.raises(TypeError, match="source must be a JSON text or the name of a file, got int"):
        from_json(3)
    with pytest.raises(ValueError, match="source must be"):
        from_json("a\0b")


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    def fail(self, content):
        with self.open("wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    path = tmp_path / "net.json"
    path.write_text("old")
    monkeypatch.setattr("pathlib.Path.write_bytes", fail)
    with pytest.raises(OSError, match=r"No space left on device: .*net\.json"):
        fp.Network([2, 1]).to_json(path)
    assert [file.name for file in tmp_path.iterdir()] == ["net.json"]
    assert path.read_text() == "old"


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(content, path=()):
    """Yield the way to each value."""
    if path:
        yield path
    entries = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    for name, value in entries:
        yield from places(value, (*path, name))


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    _X = rows(12)
    CLASSIFIER = json.loads(
        fp.MLPClassifier(hidden_layer_sizes=(2,), max_iter=2, solver=fp.Rprop())
        .fit(_X, np.arange(12) % 3)
        .to_json()
    )


@given(st.data(), st.sampled_from([NET, CLASSIFIER]), ANY)
def test_any_value_anywhere(data, content, value):
    """A model that predicts, or a clear error: nothing else comes of it."""
    content = json.loads(json.dumps(content))
    path = data.draw(st.sampled_from(list(places(content))))
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    try:
        model = from_json(json.dumps(content))
    except ValueError as error:
        assert len(str(error)) > 10  # noqa: PT017
    else:
        if isinstance(model, fp.Network) or "coefs_" in vars(model):
            n_inputs = model.layer_sizes[0] if isinstance(model, fp.Network) else model.n_features_in_
            model.predict(rows(3, n_inputs))
        model.to_json()


WRONG_ESTIMATORS = [
    (
        ["class"],
        "MLPClasifier",
        "class: got 'MLPClasifier', did you mean 'MLPClassifier'?",
    ),
    (["parameters", "alpha"], -1, "parameters: The 'alpha' parameter"),
    (["parameters", "alhpa"], 1, "parameters.alhpa: unknown"),
    (["parameters", "alpha"], ..., "parameters.alpha: missing"),
    (["parameters", "solver"], {"Rprop": {"max_step": -1}}, "parameters.solver: Rprop: max_step"),
    (
        ["parameters", "solver"],
        {"Rpropp": {}},
        "parameters.solver: expected a value, or an object of one field",
    ),
    (["parameters", "solver"], {"Rprop": {"size": 1}}, "parameters.solver.Rprop.size: unknown"),
    (["parameters", "solver"], {"Rprop": {}}, "parameters.solver.Rprop.variant: missing"),
    (["parameters", "activation"], {"ELU": {"alpha": 10**400}}, "parameters.activation: ELU: "),
    (
        ["parameters", "activation"],
        "tanh",
        "fitted.network.layers[0].activation: expected 'tanh', as the param",
    ),
    (["parameters", "hidden_layer_sizes"], [0.5], "parameters: hidden_layer_sizes must be integers"),
    (["fitted", "kind"], "binary", "fitted.classes.values: expected 3 labels"),
    (
        ["fitted", "kind"],
        "some",
        "fitted.kind: expected one of 'binary', 'multiclass', 'multilabel', got 'some'",
    ),
    (["fitted", "classes", "values"], [0, 1], "fitted.classes.values: expected 3 labels"),
    (
        ["fitted", "classes", "values"],
        [0, 2, 1],
        "fitted.classes.values: expected the labels of a multiclass",
    ),
    (["fitted", "classes", "values"], [0, 1, 1], "fitted.classes.values: expected different labels"),
    (["fitted", "classes", "values"], [0, 1, "a"], "fitted.classes"),
    (["fitted", "classes", "values"], None, "fitted.classes.values: expected a list of one or more labels"),
    (["fitted", "classes", "dtype"], None, "fitted.classes.dtype: expected the name of a dtype, got null"),
    (["fitted", "classes", "dtype"], "int65", "fitted.classes: data type 'int65' not understood"),
    (["fitted", "feature_names"], ["a"], "fitted.feature_names: expected 3 names"),
    (["fitted", "feature_names"], [1, 2, 3], "fitted.feature_names: expected a list of texts or null"),
    (
        ["fitted", "course", "loss_curve_"],
        3,
        "fitted.course.loss_curve_: expected a list of numbers or null, got 3",
    ),
    (["fitted", "course", "n_iter_"], "3", "fitted.course.n_iter_: expected a number or null, got '3'"),
    (["fitted", "course", "coefs_"], [], "fitted.course.coefs_: unknown"),
    (
        ["fitted", "network", "layers", 0, "biases"],
        None,
        "fitted.network.layers[0].biases: expected a list of n",
    ),
    (["fitted", "network"], [], "fitted.network: expected an object with 'dtype', 'layers', got a list of 0"),
    (["fitted", "network"], ..., "fitted.network: missing"),
    (["fitted"], 3, "fitted: expected an object"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG_ESTIMATORS, ids=lambda value: str(value)[:40])
def test_each_wrong_field_of_an_estimator_is_named(path, value, message):
    content = json.loads(json.dumps(CLASSIFIER))
    place = content
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    with pytest.raises(ValueError, match=r".") as error:
        from_json(json.dumps(content))
    assert message in str(error.value)
