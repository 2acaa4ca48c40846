"""C: the header compiles without a warning, needs no libm, and computes what the model does."""

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import ferroprop as fp
import numpy as np
import pandas as pd
import pytest
import reference
from ferroprop.export import _c_functions, _functions, to_c
from ferroprop.export._c import _outputs_8
from ferroprop.export._describe import describe
from ferroprop.export._quantize import quantize
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from strategies import problems
from test_export_onnx import PREPARATIONS, table

STRICT = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-Wconversion", "-Wshadow", "-Wdouble-promotion"]
# Those that the format has.
ALL_ACTIVATIONS = [*_c_functions.ACTIVATIONS, "softmax"]
HIDDEN_ACTIVATIONS = list(_c_functions.ACTIVATIONS)

ROOT = Path(__file__).parent.parent

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="THERE IS NO gcc: headers in C are not tested"),
]


def compiled(folder, source, *flags, compiler="gcc", standard="-std=c99"):
    """Return a library made of C code."""
    path = folder / f"code{len(list(folder.iterdir()))}.c"
    path.write_text(source)
    library = path.with_suffix(".so")
    command = [compiler, standard, *STRICT, "-O1", *flags, "-shared", "-fPIC", "-I", str(folder)]
    done = subprocess.run([*command, path, "-o", library], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    undefined = subprocess.run(["nm", "-u", library], capture_output=True, text=True, check=True).stdout
    assert not set(re.findall(r"U (\w+)", undefined)) - {"memcpy", "memset"}, "it needs a library"
    return ctypes.CDLL(str(library))


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


class Compiled:
    """A header as functions of NumPy arrays."""

    def __init__(self, folder, headers, **how):
        self.headers = headers
        source = '#ifdef __cplusplus\n#define EXTERN extern "C"\n#else\n#define EXTERN\n#endif\n'
        for name, header in headers.items():
            (folder / f"{name}.h").write_text(header.text)
            source += f'#define {name.upper()}_SELF_TEST\n#include "{name}.h"\n'
            source += (
                f"EXTERN int {name}_test(void); int {name}_test(void) {{ return {name}_self_test(); }}\n"
            )
            source += self._loops(name, header.text)
        self.library = compiled(folder, source, **how)

    @staticmethod
    def _loops(name, text):
        loops = ""
        for kind, method, arguments in re.findall(
            rf"^static inline (\w+) {name}_(predict|predict_proba|decision_function)\((.*)\)$",
            text,
            re.MULTILINE,
        ):
            result = {"int": "int", "void": arguments.split(", ")[-1].split(" *")[0]}[kind]
            upper = name.upper()
            call = f"y[i] = {name}_{method}(x + i * {upper}_INPUTS);"
            if kind == "void":
                call = f"{name}_{method}(x + i * {upper}_INPUTS, y + i * {upper}_OUTPUTS);"
            head = f"void {name}_{method}_all(const float *x, {result} *y, int n)"
            loops += f"EXTERN {head};\n{head} {{ int i; for (i = 0; i < n; i++) {call} }}\n"
        return loops

    def __call__(self, name, method, rows, width, dtype=np.float32):
        rows = np.ascontiguousarray(rows, np.float32)
        y = np.full((len(rows), width) if width else len(rows), 99, dtype)
        getattr(self.library, f"{name}_{method}_all")(pointer(rows), pointer(y), len(rows))
        return y

    def self_test(self, name):
        return getattr(self.library, f"{name}_test")()


# ---- functions ---------------------------------------------------------------------------------------------


# Hyperparameters with which a function has its own digits to lose, and none by subtraction.
PLAIN = {"slope": 1.0, "alpha": 1.0, "amplitude": 1.0, "c1": 1.0, "c2": 1.0, "c3": 0.0}


def exact(name, x):
    """Return an activation in double precision."""
    match name:
        case "softplus":
            return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
        case "logistic" | "silu":
            return special.expit(x) * (x if name == "silu" else 1)
        case "log_sigmoid":
            return -exact("softplus", -x)
        case "scaled_sigmoid":
            return special.expit(x)
        case "bipolar":
            return np.tanh(x / 2)
        case _:
            return reference.activate(reference.Layer(None, None, name, PLAIN), x)


def worst_ulps(library, stride):
    """Return the largest error of each activation, in units in the last place, over every so many floats."""
    worst = dict.fromkeys(_c_functions.ACTIVATIONS, 0.0)
    for start in range(0, 2**32, 2**28):
        x = np.arange(start, start + 2**28, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)
        x = x[np.isfinite(x)]
        y = np.empty_like(x)
        for name in worst:
            getattr(library, f"all_{name}")(pointer(x), pointer(y), len(x))
            with np.errstate(all="ignore"):
                true = exact(name, x.astype(np.float64))
                overflows = np.abs(true) > np.finfo(np.float32).max
                assert np.array_equal(y[overflows], true[overflows].astype(np.float32))
                unit = np.exp2(np.maximum(np.floor(np.log2(np.abs(true))), -119 - 9.0) - 23)
                error = np.where(overflows, 0, np.abs(y - true) / unit)
                tiny = np.abs(true) < 2.0**-119
                assert np.max(np.abs(y - true)[tiny], initial=0) <= 2.0**-132, name
            worst[name] = max(worst[name], error[~tiny].max(initial=0))
    return worst


def functions_library(folder, *flags):
    source = "#include <stdint.h>\n" + "".join(_c_functions.routines_for(_c_functions.ROUTINES))
    for name, (expression, _) in _c_functions.ACTIVATIONS.items():
        expression = expression.format(**{name: f"{number}f" for name, number in PLAIN.items()})
        head = f"void all_{name}(const float *x, float *y, int n)"
        loop = f"for (i = 0; i < n; i++) {{ float z = x[i]; y[i] = {expression}; }}"
        source += f"{head};\n{head} {{ int i; {loop} }}\n"
    return compiled(folder, source.replace("@", ""), *flags, "-O2", "-fno-builtin")


@pytest.mark.parametrize("flags", [["-ffp-contract=off"], ["-ffp-contract=fast", "-march=native"]], ids=str)
def test_errors_of_the_functions_are_as_stated(flags, tmp_path):
    for name, error in worst_ulps(functions_library(tmp_path, *flags), stride=40_009).items():
        assert error <= _c_functions.ULPS[name], f"{name}: {error}"


@pytest.mark.exhaustive
@pytest.mark.parametrize("flags", [["-ffp-contract=off"], ["-ffp-contract=fast", "-march=native"]], ids=str)
def test_errors_of_the_functions_are_the_stated_ones(flags, tmp_path):
    for name, error in worst_ulps(functions_library(tmp_path, *flags), stride=101).items():
        assert error <= _c_functions.ULPS[name] <= error + 0.3, f"{name}: {error}"


def test_special_values(tmp_path):
    library = functions_library(tmp_path)
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], np.float32)
    for name in _c_functions.ACTIVATIONS:
        y = np.empty_like(x)
        getattr(library, f"all_{name}")(pointer(x), pointer(y), len(x))
        with np.errstate(all="ignore"):
            true = exact(name, x.astype(np.float64))
        finite = np.isfinite(true)
        np.testing.assert_allclose(y[finite], true[finite], rtol=1e-6, err_msg=name)
        if name not in ("hard_sigmoid", "relu", "leaky_relu", "gelu", "silu", "mish", "softsign"):
            np.testing.assert_array_equal(np.isnan(y[:1]), [True], err_msg=name)


@pytest.mark.parametrize(
    ("constant", "file", "name"),
    [
        ("ATAN_F32", "arctan", "ATAN_F32"),
        ("ATAN_F64", "arctan", "ATAN_F64"),
        ("MILLS_F32", "normal", "MILLS_F32"),
        ("MILLS_F64", "normal", "MILLS_F64"),
        ("EXPM1_F32", "exp", "EXPM1_F32"),
        ("LOG1P_F32", "logistic", "LOG1P_F32"),
        ("K_F32", "normal", "K_F32"),
        ("K_F64", "normal", "K_F64"),
    ],
)
def test_coefficients_are_those_of_the_core(constant, file, name):
    source = (ROOT / "src" / "kernel" / "math" / f"{file}.rs").read_text()
    text = re.search(rf"const {name}: [^=]+= ([^;]+);", source).group(1)
    assert np.atleast_1d(getattr(_functions, constant)).tolist() == [
        float(one) for one in re.findall(r"-?[\d.e-]+\d|\d\.0", text)
    ]


def test_activations_are_those_of_the_catalogue():
    assert set(_c_functions.ACTIVATIONS) <= set(fp.ACTIVATIONS)
    assert set(_c_functions.ULPS) == set(_c_functions.ACTIVATIONS)


def test_an_activation_that_the_format_lacks_is_refused(monkeypatch):
    monkeypatch.delitem(_c_functions.ACTIVATIONS, "mish")
    with pytest.raises(ValueError, match="the activation 'mish' cannot be written as C"):
        to_c(fp.Network([1, 2, 1], activation="mish"))


# ---- networks ----------------------------------------------------------------------------------------------


def outputs_close(actual, expected, tolerance):
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_array_less(np.abs(actual - expected), tolerance * scale)


@settings(max_examples=4)
@given(
    st.lists(
        problems(hidden=HIDDEN_ACTIVATIONS, outputs=ALL_ACTIVATIONS, loss_names=["squared_error"]),
        min_size=6,
        max_size=6,
    )
)
def test_networks(tmp_path_factory, drawn):
    """Random layers, biases and activations, both in floats and in eight bits, in one compilation."""
    folder = tmp_path_factory.mktemp("networks")
    headers, networks = {}, {}
    for index, problem in enumerate(drawn):
        network = problem.network()
        X = problem.X.astype(np.float32).astype(problem.dtype)
        networks[f"n{index}"] = network, X
        headers[f"n{index}"] = network.to_c(name=f"n{index}", X=X)
        headers[f"q{index}"] = network.to_c(name=f"q{index}", dtype="int8", X=X)
    run = Compiled(folder, headers)
    for index, problem in enumerate(drawn):
        network, X = networks[f"n{index}"]
        expected = network.predict(X)
        said = run(f"n{index}", "predict", X, expected.shape[1])
        outputs_close(said, expected, 3e-6 * problem.n_layers)
        assert run.self_test(f"n{index}") == 0

        # eight bits: the same whole numbers as in Python, so the stated loss is that of the C code
        described = describe(network)
        net8 = quantize(described.layers, X)
        scaled = (X.astype(np.float64) - net8.low) * net8.factors
        clear = (np.abs(scaled % 1 - 0.5) > 1e-3).all(axis=1)
        said = run(f"q{index}", "predict", X, expected.shape[1])
        outputs_close(said[clear], _outputs_8(described, net8, X)[clear], 1e-5)
        assert headers[f"q{index}"].difference == pytest.approx(
            np.abs(_outputs_8(described, net8, X) - expected).max(), rel=1e-4, abs=1e-6
        )
        assert run.self_test(f"q{index}") == 0


@pytest.mark.parametrize("dtype", ["float", "int8"])
def test_other_compilers(dtype, tmp_path):
    """C11, C++ and no optimisation at all; a network of every kind of activation."""
    names = [name for name in HIDDEN_ACTIVATIONS if name != "exp"]
    network = fp.Network([3] + [4] * len(names) + [3], activation=names, output_activation="softmax", seed=2)
    X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    header = network.to_c(dtype=dtype, X=X)
    expected = None
    for how in [
        {"standard": "-std=c99"},
        {"standard": "-std=c11"},
        {"compiler": "g++", "standard": "-std=c++11"},
    ]:
        if shutil.which(how.get("compiler", "gcc")) is None:
            continue
        run = Compiled(tmp_path, {"net": header}, **how)
        said = run("net", "predict", X, 3)
        expected = said if expected is None else expected
        np.testing.assert_allclose(said, expected, atol=1e-6)
        assert run.self_test("net") == 0


def test_a_damaged_header_fails_its_test(tmp_path):
    network = fp.Network([3, 4, 2], seed=1)
    header = network.to_c()
    weight = re.search(r"net_weights_0\[12\] = \{\s+(-?[\d.]+f)", header.text).group(1)
    damaged = header.text.replace(weight, "9.0f", 1)
    assert Compiled(tmp_path, {"net": header}).self_test("net") == 0
    broken = type(header)(damaged, 0, 0, 0.0, None, None, 0)
    assert Compiled(tmp_path, {"net": broken}).self_test("net") > 0


def test_two_headers_of_one_name_do_not_compile(tmp_path):
    first, second = (fp.Network([3, 4, 2], seed=seed) for seed in (1, 2))
    first.to_c(tmp_path / "first.h")
    second.to_c(tmp_path / "second.h")
    second.to_c(tmp_path / "other.h", name="other")
    command = ["gcc", "-std=c99", *STRICT, "-fsyntax-only", "-I", str(tmp_path), "-x", "c", "-"]
    for included, wrong in (
        (("first", "second"), "two headers have the name net"),
        (("first", "first"), ""),
        (("first", "other"), ""),
    ):
        source = "".join(f'#include "{name}.h"\n' for name in included)
        source += "int main(void) { float y[2]; const float x[3] = {0}; net_predict(x, y); return 0; }\n"
        done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
        assert wrong in done.stderr
        assert (done.returncode == 0) == (not wrong), done.stderr


# ---- estimators and pipelines ------------------------------------------------------------------------------


def rows(n=60, width=4, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(dtype)


CLASSES = {
    "two": np.array(["no", "yes"]),
    "numbers": np.array([-5, 7]),
    "three": np.array(["Adélie", 'a "b" \\ ?', "@*/"]),
    "floats": np.array([1.0, 2.0, 3.0]),
    "one": np.array([4]),
}


def test_classifiers(tmp_path):
    X = rows()
    models, headers = {}, {}
    for index, (classes, loss) in enumerate((c, f) for c in CLASSES for f in ("log_loss", "hinge")):
        labels = CLASSES[classes]
        y = labels[np.random.default_rng(1).integers(len(labels), size=len(X))]
        model = fp.MLPClassifier(hidden_layer_sizes=(5,), max_iter=5, loss=loss, random_state=0).fit(X, y)
        models[f"m{index}"] = model
        headers[f"m{index}"] = model.to_c(name=f"m{index}", X=X, y=y)
    run = Compiled(tmp_path, headers)
    for name, model in models.items():
        labels = run(name, "predict", X, 0, np.int32)
        assert model.classes_[labels].tolist() == model.predict(X).tolist()
        method = "predict_proba" if hasattr(model, "predict_proba") else "decision_function"
        expected = getattr(model, method)(X)
        width = 1 if expected.ndim == 1 else expected.shape[1]
        outputs_close(run(name, method, X, width).reshape(expected.shape), expected, 1e-5)
        assert run.self_test(name) == 0
        assert headers[name].agreement == 1.0
        assert headers[name].scores[0] == headers[name].scores[1]
    names = (ctypes.c_char_p * 3).in_dll(_exporting_classes(tmp_path, headers["m4"]), "names")
    assert [text.decode() for text in names] == sorted(CLASSES["three"].tolist())


def _exporting_classes(folder, header):
    (folder / "m4.h").write_text(header.text)
    source = '#include "m4.h"\nextern const char *names[3];\nconst char *names[3];\n'
    source += (
        "void fill(void); void fill(void) { int i; for (i = 0; i < 3; i++) names[i] = m4_classes[i]; }\n"
    )
    library = compiled(folder, source)
    library.fill()
    return library


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([-(2**31), 2**31 - 1], "long"),
        ([-(2**63), -5, 2**63 - 1], "int64_t"),
        ([2**31, 0], "int64_t"),
        (np.array([7, 2**64 - 1], np.uint64), "uint64_t"),
    ],
)
def test_large_labels(labels, kind, tmp_path):
    """A long may have 32 bits."""
    X = rows()
    model = fp.MLPClassifier(max_iter=2).fit(X, np.resize(np.asarray(labels), len(X)))
    (tmp_path / "net.h").write_text(model.to_c().text)
    source = f'#include "net.h"\nconst {kind} *classes(void);\n'
    library = compiled(tmp_path, source + f"const {kind} *classes(void) {{ return net_classes; }}\n")
    number = {"long": ctypes.c_long, "int64_t": ctypes.c_int64, "uint64_t": ctypes.c_uint64}[kind]
    library.classes.restype = ctypes.POINTER(number)
    assert library.classes()[: len(labels)] == model.classes_.tolist()


def test_names_that_could_end_a_comment(tmp_path):
    names = ["日本/", "b??/", "*/", "/*", "@{}", "a\nb", "c\\"]
    frame = pd.DataFrame(rows(20, len(names)), columns=names)
    model = fp.MLPClassifier(max_iter=2).fit(frame, np.resize(names, 20))
    run = Compiled(tmp_path, {"net": model.to_c()})
    assert run.self_test("net") == 0


def test_several_labels_a_row(tmp_path):
    X = rows()
    Y = (X @ rows(4, 3, seed=2) > 0).astype(int)
    for loss in ("log_loss", "hinge"):
        model = fp.MLPClassifier(max_iter=20, loss=loss, random_state=0).fit(X, Y)
        run = Compiled(tmp_path, {"net": model.to_c(X=X, y=Y)})
        np.testing.assert_array_equal(run("net", "predict", X, 3, np.uint8), model.predict(X))
        assert run.self_test("net") == 0


def test_regressors(tmp_path):
    X = rows(dtype=np.float64)
    y = 1e4 + 300 * X[:, 0]
    models = {
        "one": fp.MLPRegressor(max_iter=5),
        "scaled": make_pipeline(StandardScaler(), TransformedTargetRegressor(fp.MLPRegressor(max_iter=5))),
        "back": TransformedTargetRegressor(fp.MLPRegressor(max_iter=5), transformer=StandardScaler()),
    }
    models["scaled"].steps[-1][1].set_params(transformer=StandardScaler())
    for model in models.values():
        model.fit(X, y)
    run = Compiled(tmp_path, {name: to_c(model, name=name, X=X, y=y) for name, model in models.items()})
    for name, model in models.items():
        outputs_close(run(name, "predict", X, 1).ravel(), model.predict(X), 1e-5)
        assert run.self_test(name) == 0


def cells(frame, header, name):
    """Return a table as the header is given it: the comment says what the columns are."""
    told = re.findall(
        r"^ \*   (\d+): ([\w ]+?)(?:, a category: (.*); -1 any other)?$", header.text, re.MULTILINE
    )
    columns = []
    for _, column, listed in told[
        : int(re.search(rf"#define {name.upper()}_INPUTS (\d+)", header.text).group(1))
    ]:
        values = frame[column]
        if listed:
            places = {text: int(place) for place, text in (one.split(" ", 1) for one in listed.split(", "))}
            values = [places.get("(missing)" if pd.isna(value) else value, -1) for value in values]
        columns.append(np.asarray(values, np.float32))
    return np.stack(columns, axis=1)


def test_pipelines(tmp_path):
    frame = table()
    y = (frame["height"] + np.where(frame["colour"] == "red", 2, 0)).to_numpy()
    models = {
        f"p{index}": Pipeline(
            [("prepare", prepare()), ("network", fp.MLPRegressor(max_iter=5, random_state=0))]
        ).fit(frame, y)
        for index, prepare in enumerate(PREPARATIONS.values())
    }
    headers = {name: to_c(model, name=name, X=frame) for name, model in models.items()}
    run = Compiled(
        tmp_path, {**headers, **{f"{name}x": to_c(model, name=f"{name}x") for name, model in models.items()}}
    )
    for index, (name, model) in enumerate(models.items()):
        other = table(50, seed=1)
        if index != 2:  # whose encoder refuses it
            other.loc[3:9, "colour"] = "violet"
        other.loc[5:12, "label"] = 17.0
        for rows_ in (frame, other):
            said = run(name, "predict", cells(rows_, headers[name], name), 1).ravel()
            outputs_close(said, model.predict(rows_), 2e-5)
        assert run.self_test(name) == 0
        assert run.self_test(f"{name}x") == 0


def test_a_category_whose_only_column_is_dropped_and_one_without_a_number(tmp_path):
    frame = table().assign(size="M", label=np.nan)
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(drop="first"), ["size"]),
            (OneHotEncoder(handle_unknown="ignore"), ["label"]),
            ("passthrough", ["height"]),
        ),
        fp.MLPRegressor(max_iter=3),
    ).fit(frame, frame["height"])
    header = to_c(model)
    run = Compiled(tmp_path, {"net": header})
    frame.loc[::3, "label"] = 5.0
    said = run("net", "predict", frame[["label", "height"]], 1).ravel()
    outputs_close(said, model.predict(frame), 1e-5)
    assert run.self_test("net") == 0


@pytest.mark.parametrize("dtype", ["float", "int8"])
def test_numbers_that_a_float_cannot_tell_apart(dtype, tmp_path):
    """The measured difference is that of the code, whose columns are floats, and so is the test."""
    X = rows(dtype=np.float64) * [1, 1, 1, 0] + [0, 0, 1e9, 1]
    y = X[:, 0] + X[:, 2] - 1e9
    model = make_pipeline(StandardScaler(), fp.MLPRegressor(solver="rprop", max_iter=30)).fit(X, y)
    header = to_c(model, dtype=dtype, X=X)
    run = Compiled(tmp_path, {"net": header})
    said = run("net", "predict", X, 1).ravel()
    assert header.difference > 0.1
    assert header.difference == pytest.approx(np.abs(said - model.predict(X)).max(), rel=1e-3)
    assert run.self_test("net") == 0


def test_numbers_that_no_float_holds():
    X = rows(dtype=np.float64)
    y = X[:, 0]
    model = make_pipeline(StandardScaler(), fp.MLPRegressor(max_iter=2)).fit(X * 1e39, y)
    with pytest.raises(ValueError, match=r"columns must have numbers that a float of C holds, up to 3.4e38"):
        to_c(model)
    with pytest.raises(ValueError, match=r"X must have rows whose numbers, .* those of row 0 become larger"):
        to_c(model, X=X * 1e39)
    frame = pd.DataFrame({"id": 2**24 + np.arange(40) % 2})
    model = make_pipeline(OneHotEncoder(), fp.MLPRegressor(max_iter=2)).fit(frame, np.arange(40.0))
    with pytest.raises(
        ValueError, match="column 'id' has different categories that are one number in float32"
    ):
        to_c(model)
    network = fp.Network([1, 2, 1], dtype="float64")
    for weight, message in [
        (1e39, "weights of layer 0 must be up to 3.4e38"),
        (1e38, "of row 1 become larger"),
    ]:
        network.set_parameters([np.full((1, 2), weight), np.ones((2, 1))], [np.zeros(2), np.zeros(1)])
        for dtype in ("float", "int8"):
            with pytest.raises(ValueError, match=message):
                network.to_c(dtype=dtype, X=[[0.0], [10.0]])


# ---- eight bits --------------------------------------------------------------------------------------------


def test_eight_bits_lose_little(tmp_path):
    """Of iris and of a disease: what the header says of its loss is what it does."""
    X, y = load_iris(return_X_y=True)
    classifier = make_pipeline(
        StandardScaler(),
        fp.MLPClassifier(hidden_layer_sizes=(10,), activation="tanh", solver="rprop", random_state=0),
    ).fit(X, y)
    Z, z = load_diabetes(return_X_y=True)
    regressor = fp.MLPRegressor(hidden_layer_sizes=(16, 8), solver="rprop", max_iter=100, random_state=0).fit(
        Z, z
    )
    headers = {
        "iris": to_c(classifier, name="iris", dtype="int8", X=X, y=y),
        "sugar": regressor.to_c(name="sugar", dtype="int8", X=Z, y=z),
    }
    run = Compiled(tmp_path, headers)
    labels = run("iris", "predict", X, 0, np.int32)
    assert np.mean(labels == classifier.predict(X)) == pytest.approx(headers["iris"].agreement, abs=0.007)
    assert headers["iris"].agreement >= 0.98
    assert headers["iris"].scores[1] >= headers["iris"].scores[0] - 0.02
    said = run("sugar", "predict", Z, 1).ravel()
    assert np.abs(said - regressor.predict(Z)).max() == pytest.approx(headers["sugar"].difference, rel=0.05)
    assert headers["sugar"].scores[1] >= headers["sugar"].scores[0] - 0.01
    small = regressor.to_c(name="sugar")
    assert headers["sugar"].buffer_bytes < small.buffer_bytes / 2


def test_numbers_beyond_the_rows_are_cut_off(tmp_path):
    network = fp.Network([2, 4, 1], activation="tanh", seed=1)
    X = rows(40, 2)
    run = Compiled(tmp_path, {"net": network.to_c(dtype="int8", X=X)})
    low, high = X.min(axis=0), X.max(axis=0)
    far = np.array([[1e30, -1e30], [np.inf, -np.inf]], np.float32)
    np.testing.assert_array_equal(
        run("net", "predict", far, 1), run("net", "predict", [[high[0], low[1]]] * 2, 1)
    )


def test_rows_that_do_not_differ(tmp_path):
    """A constant input, a dead unit, all rows the same: as close as eight bits are."""
    network = fp.Network([3, 4, 2], activation="relu", seed=1)
    weights = [array.copy() for array in network.weights]
    biases = [array.copy() for array in network.biases]
    weights[0][:, 1] = 0
    biases[0][1] = -1
    network.set_parameters(weights, biases)
    X = rows(30, 3)
    X[:, 2] = 1000.5
    header = network.to_c(dtype="int8", X=X)
    assert header.difference < 0.05 * np.abs(network.predict(X)).max()
    run = Compiled(tmp_path, {"net": header, "same": network.to_c(name="same", dtype="int8", X=X[:1])})
    assert run.self_test("net") == run.self_test("same") == 0


# ---- a microcontroller -------------------------------------------------------------------------------------

CORES = {
    "cortex-m0plus": ["-mcpu=cortex-m0plus"],
    "cortex-m4": ["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
}


@pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None,
    reason="THERE IS NO arm-none-eabi-gcc: nothing is compiled for a Cortex-M",
)
@pytest.mark.parametrize("dtype", ["float", "int8"])
@pytest.mark.parametrize("core", CORES)
def test_cortex_m(core, dtype, tmp_path, capsys):
    """It compiles, needs nothing but the compiler's own arithmetic, and takes the memory that it says."""
    network = fp.Network([4, 10, 3], activation="tanh", output_activation="softmax", seed=1)
    header = network.to_c(tmp_path / "net.h", dtype=dtype, X=rows(200))
    (tmp_path / "use.c").write_text(
        '#include "net.h"\nvoid use(const float *x, float *y);\n'
        "void use(const float *x, float *y) { net_predict(x, y); }\n"
    )
    command = ["arm-none-eabi-gcc", *CORES[core], "-mthumb", "-Os", "-std=c99", *STRICT, "-ffreestanding"]
    subprocess.run([*command, "-c", "use.c", "-o", "use.o"], cwd=tmp_path, check=True)
    undefined = subprocess.run(
        ["arm-none-eabi-nm", "-u", "use.o"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert all(name.startswith("__aeabi_") or name == "memcpy" for name in re.findall(r"U (\w+)", undefined))
    if core == "cortex-m4" and dtype == "float":
        assert not undefined
    listed = subprocess.run(
        ["arm-none-eabi-size", "use.o"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    text, data, bss = map(int, listed.splitlines()[1].split()[:3])
    assert header.constant_bytes < text < header.constant_bytes + 2048
    assert data == bss == 0
    with capsys.disabled():
        print(
            f"\n4-10-3 tanh softmax, {dtype}, {core}: {text} bytes, {header.constant_bytes} of them constants"
        )


# ---- wrong arguments ---------------------------------------------------------------------------------------


def test_wrong_arguments(tmp_path):
    network = fp.Network([3, 2], seed=1)
    path = tmp_path / "none.h"
    for arguments, message in [
        ({"name": "2net"}, "name must be a name in C"),
        ({"name": "a-b"}, "name must be a name in C"),
        ({"name": ""}, "name must be a name in C"),
        ({"dtype": "int4"}, 'dtype must be "float" or "int8"'),
        ({"dtype": "int8"}, "X must be given with dtype"),
        ({"y": [1]}, "y must be given together with X"),
        ({"X": rows(4, 2)}, r"X must have shape \(n, 3\)"),
        ({"X": rows(0, 3)}, r"X must have shape \(n, 3\) with one row or more"),
        ({"X": [[1, 2, np.nan]]}, "X must hold finite numbers"),
        ({"X": [[1, 2, "three"]]}, "X must hold rows of numbers: could not convert"),
        ({"X": [[1, 2, 3], [1, 2]]}, "X must hold rows of numbers: "),
        ({"X": np.ones((2, 3), complex)}, "X must hold rows of numbers: "),
        ({"X": rows(4, 3), "y": [1, 2, 3, 4]}, "y must not be given for a Network"),
    ]:
        with pytest.raises(ValueError, match=message):
            network.to_c(path, **arguments)
    model = fp.MLPRegressor(max_iter=2).fit(rows(), rows()[:, 0])
    with pytest.raises(ValueError, match=r"y must be the targets of X: .* inconsistent numbers"):
        model.to_c(path, X=rows(), y=[1])
    with pytest.raises(TypeError, match="model must be a Network"):
        to_c([network], path)
    assert not path.exists()


def test_the_file_is_the_text(tmp_path):
    header = fp.Network([3, 2]).to_c(tmp_path / "net.h")
    assert (tmp_path / "net.h").read_text() == str(header) == header.text


def test_wide_layers_need_more_than_32_bits():
    n = 2**18
    network = fp.Network([n, 1], bias=False)
    network.set_parameters([np.resize([1.0, -1.0], (n, 1))], [None])
    X = np.array([[0.0], [1.0]]).repeat(n, axis=1)
    with pytest.raises(ValueError, match="layer 0 has too many inputs for 8 bits"):
        network.to_c(dtype="int8", X=X)
