"""One step as data, and as a derivation: against the teaching example, the reference and the core."""

import ast
import copy
import itertools
import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import ferroprop as fp
import numpy as np
import pytest
import reference
from ferroprop.inspection._derivation import Equation, derive
from ferroprop.inspection._double import in_double
from ferroprop.inspection._drawing import NEGATIVE, POSITIVE
from ferroprop.inspection._formula import to_mathml, to_text
from numpy.testing import assert_allclose, assert_array_equal
from strategies import ALL_ACTIVATIONS, ALL_LOSSES, HIDDEN_ACTIVATIONS, name_and_hyperparameters

# M. Mazur, "A step by step backpropagation example".
X, T = [[0.05, 0.10]], [[0.01, 0.99]]


@pytest.fixture
def mazur():
    network = fp.Network([2, 2, 2], activation="logistic", output_activation="logistic", dtype="float64")
    weights = [np.array([[0.15, 0.20], [0.25, 0.30]]).T, np.array([[0.40, 0.45], [0.50, 0.55]]).T]
    network.set_parameters(weights, [[0.35, 0.35], [0.60, 0.60]])
    return network


def drawn(seed, activation="tanh", output="identity", loss=None, sizes=(3, 4, 2, 3), rows=5, dtype="float64"):
    """Return a network with random parameters, inputs and targets."""
    rng = np.random.default_rng(seed)
    network = fp.Network(sizes, activation=activation, output_activation=output, dtype=dtype)
    weights = [rng.normal(size=W.shape) for W in network.weights]
    network.set_parameters(weights, [rng.normal(size=b.shape) for b in network.biases])
    targets = np.eye(sizes[-1])[rng.integers(0, sizes[-1], rows)]
    return network, rng.normal(size=(rows, sizes[0])), targets


def layers_of(network):
    """Return the network as the reference's layers."""
    activations = [*network.activations, network.output_activation]
    return [
        reference.Layer(
            np.float64(W),
            None if b is None else np.float64(b),
            *name_and_hyperparameters(activation),
        )
        for W, b, activation in zip(network.weights, network.biases, activations, strict=True)
    ]


# The data ----------------------------------------------------------------------------------------------


def test_mazur_to_all_digits(mazur):
    step = fp.trace(mazur, X, T, loss="squared_error", optimizers=fp.SGD(0.5, momentum=0.0))
    hidden, output = step.layers
    assert_allclose(hidden.net_input, [[0.3775, 0.3925]], rtol=2e-15)
    assert_allclose(hidden.output, [[0.5932699921071872, 0.5968843782597670]], rtol=2e-15)
    assert_allclose(step.outputs, [[0.7513650695523157, 0.7729284653214625]], rtol=2e-15)
    assert_allclose(step.row_losses, [0.2983711087600027], rtol=2e-15)
    assert_allclose(output.delta, [[0.13849856162855695, -0.038098236516556236]], rtol=2e-15)
    assert_allclose(hidden.delta, [[0.00877135468948693, 0.009954254705217196]], rtol=2e-15)
    update = output.updates["SGD"]
    assert_allclose(
        (output.weights + update.weights).T,
        [[0.35891647971788465, 0.4086661860762334], [0.5113012702387375, 0.5613701211079891]],
        rtol=2e-15,
    )
    assert_allclose(output.biases + update.biases, [0.5307507191857215, 0.6190491182582781], rtol=2e-15)
    update = hidden.updates["SGD"]
    assert_allclose(
        (hidden.weights + update.weights).T,
        [[0.1497807161327628, 0.19956143226552567], [0.24975114363236958, 0.29950228726473915]],
        rtol=2e-15,
    )


@pytest.mark.parametrize(
    ("activation", "output", "loss"),
    [
        ("tanh", "identity", "squared_error"),
        ("relu", "softmax", "log_loss"),
        ("logistic", "softmax", "squared_error"),
        (fp.Logistic(2.5), fp.Logistic(0.5), "log_loss"),
        ("identity", "tanh", "squared_error"),
        ("tanh", "logistic", None),
    ],
)
def test_everything_is_as_in_the_reference(activation, output, loss):
    network, inputs, targets = drawn(1, activation, output)
    weight = np.array([1.0, 0.5, 2.0, 0.0, 3.0])
    step = fp.trace(network, inputs, targets, loss=loss, sample_weight=weight, alpha=0.3)
    layers = layers_of(network)
    name = loss or "log_loss"
    assert step.loss_name == name
    value, weight_gradients, bias_gradients = reference.loss_and_gradients(
        layers, inputs, targets, name, weight, 0.3
    )
    assert_allclose(step.loss, value, rtol=1e-13)
    outputs = reference.forward(layers, inputs)
    assert_allclose(
        step.row_losses,
        reference.row_losses(layers[-1], step.layers[-1].net_input, targets, name),
        rtol=1e-12,
        atol=1e-14,
    )
    assert_allclose((weight * step.row_losses).sum() / weight.sum() + step.penalty, value, rtol=1e-13)
    for position, (seen, layer) in enumerate(zip(step.layers, layers, strict=True)):
        assert seen.number == position + 1
        assert_allclose(seen.inputs, outputs[position], rtol=1e-13, atol=1e-15)
        assert_allclose(seen.net_input, reference.net_input(layer, outputs[position]), rtol=1e-12, atol=1e-14)
        assert_allclose(seen.output, outputs[position + 1], rtol=1e-13, atol=1e-15)
        assert_allclose(seen.weight_gradient, weight_gradients[position], rtol=1e-11, atol=1e-14)
        assert_allclose(seen.bias_gradient, bias_gradients[position], rtol=1e-11, atol=1e-14)
        assert_allclose(seen.derivative, slopes(layer, seen.net_input), rtol=1e-8, atol=1e-9)


def slopes(layer, z):
    """Return f'(z) by central differences of the reference; for a softmax all of a row's derivatives."""
    h = 1e-5
    if layer.activation != "softmax":
        return (reference.activate(layer, z + h) - reference.activate(layer, z - h)) / (2 * h)
    shifts = h * np.eye(z.shape[1])
    columns = [
        (reference.activate(layer, z + e) - reference.activate(layer, z - e)) / (2 * h) for e in shifts
    ]
    return np.stack(columns, axis=2)


OUTPUT_OF = {name: loss.outputs[-1] for name, loss in fp.LOSSES.items() if loss.outputs}
CASES = [
    ("tanh", fp.Logistic(0.5), "log_loss"),
    (fp.LeakyReLU(0.2), "softmax", fp.LogLoss(label_smoothing=0.1)),
    (fp.ELU(0.5), "logistic", fp.LogLoss(label_smoothing=0.2)),
    ("tanh", "tanh", fp.Huber(delta=0.3)),
    ("tanh", "identity", fp.Quantile(quantile=0.8)),
    *((name, "identity", "squared_error") for name in HIDDEN_ACTIVATIONS),
    *(("tanh", name, "squared_error") for name in ALL_ACTIVATIONS),
    *(("tanh", OUTPUT_OF.get(loss, "logistic"), loss) for loss in ALL_LOSSES),
]


def drawn_for(seed, activation, output, loss):
    network, inputs, targets = drawn(seed, activation, output, rows=4)
    network.set_parameters([W / 2 for W in network.weights], [b / 2 for b in network.biases])
    return network, inputs, 2 * targets - 1 if "hinge" in str(loss) else targets


@pytest.mark.parametrize(("activation", "output", "loss"), CASES)
def test_deltas_and_inputs_make_the_gradients_of_the_core(activation, output, loss):
    """The deltas of hidden layers are computed here, the gradients by the core: two ways, one result."""
    network, inputs, targets = drawn_for(8, activation, output, loss)
    weight = np.array([1.0, 0.5, 2.0, 0.0])
    settings = {"loss": loss, "sample_weight": weight, "alpha": 0.1}
    step = fp.trace(network, inputs, targets, optimizers="sgd", **settings)
    value, weight_gradients, bias_gradients = network.loss_and_gradients(inputs, targets, **settings)
    assert_allclose((weight * step.row_losses).sum() / weight.sum() + step.penalty, value, rtol=1e-12)
    for layer, W, b in zip(step.layers, weight_gradients, bias_gradients, strict=True):
        mine = (layer.inputs.T @ layer.delta + 0.1 * layer.weights) / weight.sum()
        assert_allclose(mine, W, rtol=1e-10, atol=1e-13)
        assert_allclose(layer.delta.sum(axis=0) / weight.sum(), b, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(("activation", "output", "loss"), CASES)
def test_every_activation_and_loss_is_written_out(activation, output, loss):
    network, inputs, targets = drawn_for(9, activation, output, loss)
    step = fp.trace(network, inputs, targets, loss=loss, optimizers="sgd")
    for row in range(len(inputs)):
        assert_lines_are_true(step.text(row, digits=17, max_units=50), at_least=23)
    ElementTree.fromstring(step.html())


def test_a_loss_of_ones_own_is_followed_too():
    def fourth_power(outputs, targets):
        return ((outputs - targets) ** 4).sum(axis=1), 4 * (outputs - targets) ** 3

    network, inputs, targets = drawn_for(3, "tanh", "identity", "squared_error")
    step = fp.trace(network, inputs, targets, loss=fourth_power, optimizers="sgd")
    assert step.loss_name == "fourth_power"
    assert_allclose(step.layers[-1].delta, 4 * (step.outputs - targets) ** 3, rtol=1e-13)
    assert_lines_are_true(step.text(digits=17), at_least=10)
    assert fp.check_gradients(network, inputs, targets, loss=fourth_power).passed


def test_updates_continue_each_optimizer_and_change_nothing(mazur):
    used = fp.Rprop(initial_step=0.001)
    fp.train(mazur, X, T, optimizer=used, epochs=3)
    before, state = copy.deepcopy(mazur), used.state
    step = fp.trace(mazur, X, T, optimizers={"used": used, "fresh": fp.Rprop()})
    assert_array_equal(before.weights, mazur.weights)
    assert all(np.array_equal(used.state[name], value) for name, value in state.items())
    grown = np.abs(step.layers[0].updates["used"].weights)
    assert_allclose(grown, 0.001 * 1.2**3, rtol=1e-12)
    assert_allclose(np.abs(step.layers[0].updates["fresh"].weights), 0.1, rtol=1e-14)
    fp.train(mazur, X, T, optimizer=used, epochs=1, warm_start=True)
    assert_allclose(mazur.weights[0], before.weights[0] + step.layers[0].updates["used"].weights, rtol=1e-15)


def test_names_of_updates(mazur):
    step = fp.trace(mazur, X, T)
    assert list(step.layers[0].updates) == list(step.optimizers)
    assert {"SGD", "Rprop", "Adam"} <= set(step.optimizers)
    assert list(fp.trace(mazur, X, T, optimizers="rprop-").optimizers) == ["rprop-"]
    step = fp.trace(mazur, X, T, optimizers=[fp.Adam(0.1), fp.Adam(0.2), fp.Rprop()])
    assert list(step.optimizers) == [repr(fp.Adam(0.1)), repr(fp.Adam(0.2)), "Rprop"]


def test_a_float32_network_is_followed_in_double_precision():
    network, inputs, targets = drawn(3, dtype="float32")
    step = fp.trace(network, inputs, targets)
    assert_array_equal(step.layers[0].weights, network.weights[0])
    assert all(layer.delta.dtype == np.float64 for layer in step.layers)
    assert_allclose(step.outputs, network.predict(inputs), rtol=1e-5)
    assert_allclose(step.outputs, reference.predict(layers_of(network), inputs), rtol=1e-13)


def test_layers_without_biases():
    network = fp.Network([2, 2, 1], bias=[False, True], activation="tanh", dtype="float64", seed=3)
    step = fp.trace(network, [[1.0, 2.0]], [[0.5]])
    assert step.layers[0].biases is None
    assert step.layers[0].bias_gradient is None
    assert step.layers[0].updates["Rprop"].biases is None
    assert "b1[" not in str(step)
    assert "b2[0]" in str(step)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("net", X, T), TypeError, "network must be a Network"),
        ((None, [[1.0]], T), ValueError, "X"),
        ((None, X, [[math.nan, 0.0]]), ValueError, "Y"),
    ],
)
def test_bad_arguments(mazur, arguments, error, message):
    network, *rest = arguments
    with pytest.raises(error, match=message):
        fp.trace(mazur if network is None else network, *rest)
    with pytest.raises(error, match=message):
        fp.check_gradients(mazur if network is None else network, *rest)


def test_bad_settings(mazur):
    with pytest.raises(ValueError, match="optimizer must be"):
        fp.trace(mazur, X, T, optimizers="none")
    with pytest.raises(TypeError, match="optimizer must be"):
        fp.trace(mazur, X, T, optimizers=1)
    with pytest.raises(ValueError, match="loss must be one of"):
        fp.trace(mazur, X, T, loss="no such")
    step = fp.trace(mazur, X, T)
    for setting in ({"row": 1}, {"row": -1}, {"digits": 0}, {"digits": 18}, {"max_units": 0}):
        with pytest.raises(ValueError, match=next(iter(setting))):
            step.text(**setting)
    with pytest.raises(TypeError, match="digits must be an integer"):
        step.html(digits=1.5)
    with pytest.raises(ValueError, match="max_parameters must be at least 1"):
        fp.check_gradients(mazur, X, T, max_parameters=0)


# The formulas ------------------------------------------------------------------------------------------


def value_of(expression, **names):
    """Evaluate a formula with the meaning that its names have in mathematics."""
    meanings = {
        "exp": math.exp,
        "ln": math.log,
        "tanh": math.tanh,
        "cosh": math.cosh,
        "arctan": math.atan,
        "erf": math.erf,
        "sqrt": math.sqrt,
        "pi": math.pi,
        "abs": abs,
        "max": max,
        "min": min,
        "sign": lambda x: int(x > 0) - int(x < 0),
        "Phi": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
        "phi": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    }
    meanings |= {"Φ": meanings["Phi"], "φ": meanings["phi"]}
    return eval(expression, {**meanings, **names})


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("a - (b + c)", "a - (b + c)"),
        ("a - (b - c)*d", "a - (b - c)·d"),
        ("a + (-0.5)*b", "a + (-0.5)·b"),
        ("(a - t)**2/2", "(a - t)²/2"),
        ("a/(b*c)", "a/(b·c)"),
        ("(-a)**2", "(-a)²"),
        ("exp(-(-0.5))", "exp(-(-0.5))"),
        ("delta1[0]", "δ1[0]"),
        ("dE_dW1[0,1]", "∂E/∂W1[0,1]"),
        ("1 if z > 0 else 0", "1 if z > 0, else 0"),
        ("total(a0[i]*W1[i,j], i) + b1[j]", "Σ_i a0[i]·W1[i,j] + b1[j]"),
        ("total(a - t, j)*c", "(Σ_j (a - t))·c"),
        ("-total(t*ln(a), j)", "-(Σ_j t·ln(a))"),
    ],
)
def test_plain_text(expression, text):
    assert to_text([expression]) == text


@pytest.mark.parametrize(
    "entry", [*fp.ACTIVATIONS.values(), *fp.LOSSES.values()], ids=lambda entry: entry.name
)
def test_every_formula_can_be_shown(entry):
    for expression in filter(
        None, (entry.value, entry.derivative, *(getattr(entry, "on_softmax", None) or ()))
    ):
        assert to_text([expression])
        ElementTree.fromstring(to_mathml([expression]).replace("&#x2061;", ""))


# The derivation ----------------------------------------------------------------------------------------


def equations(text):
    return [line.strip() for line in text.splitlines() if " = " in line]


def assert_lines_are_true(text, at_least):
    """Compute what stands between equals signs, as it stands; it is the number at the end."""
    checked = 0
    for line in equations(text):
        _, *sides = line.split(" = ")
        if len(sides) < 2:
            continue
        python = sides[0].replace("·", "*").replace("²", "**2").replace(", else", " else")
        assert_allclose(value_of(python.replace("≤", "<=")), float(sides[-1]), rtol=1e-9, atol=1e-13)
        checked += 1
    assert checked >= at_least


def test_each_line_of_a_derivation_is_true(mazur):
    step = fp.trace(mazur, X, T, loss="squared_error")
    assert_lines_are_true(step.text(digits=17), at_least=8 + 1 + 8 + 2)


@pytest.mark.parametrize("loss", ["log_loss", "squared_error"])
def test_each_line_of_a_derivation_is_true_for_many_rows(loss):
    network, inputs, targets = drawn(5, ["relu", fp.Logistic(2.0)], "softmax", sizes=(2, 3, 2, 3), rows=3)
    step = fp.trace(network, inputs, targets, loss=loss, sample_weight=[1, 2, 0.5], alpha=0.2)
    for row in range(3):
        assert_lines_are_true(step.text(row, digits=17), at_least=24)


class Sums(ast.NodeTransformer):
    """Turn ``total(a[i], i)`` into ``total(lambda i: a[i])``."""

    def visit_Call(self, node):
        node = self.generic_visit(node)
        if ast.unparse(node.func) != "total":
            return node
        summand, index = map(ast.unparse, node.args)
        return ast.parse(f"total(lambda {index}: {summand})", mode="eval").body


def total(term):
    """Add up terms as far as the arrays in them go."""
    added = 0.0
    for place in itertools.count():
        try:
            added += term(place)
        except IndexError:
            return added


def meanings(step):
    """Return what the letters of a derivation of one row stand for."""
    names = {"t": step.targets[0], "a0": step.inputs[0], "alpha": step.alpha, "total": total}
    for layer in step.layers:
        k, z = layer.number, layer.net_input[0]
        names |= {f"z{k}": z, f"a{k}": layer.output[0], f"delta{k}": layer.delta[0]}
        names |= {f"W{k}": layer.weights, f"b{k}": layer.biases}
        names |= {f"dE_dW{k}": layer.weight_gradient, f"dE_db{k}": layer.bias_gradient}
        for name, values in {"f": layer.output[0], "df": layer.derivative[0]}.items():
            names[f"{name}{k}"] = lambda at, z=z, values=values: values[list(z).index(at)]
    return names


@pytest.mark.parametrize(("activation", "output", "loss"), CASES)
def test_each_formula_of_a_derivation_is_true(activation, output, loss):
    """Put the numbers of the step into the formulas that head each part."""
    network, inputs, targets = drawn_for(11, activation, output, loss)
    if loss == "poisson":
        targets = targets + 0.5  # what it is at 0 is a limit
    step = fp.trace(network, inputs[:1], targets[:1], loss=loss, optimizers="sgd", alpha=0.5)
    names, checked = meanings(step), set()
    smoothing = getattr(loss, "label_smoothing", 0.0)
    names["t"] = (1 - smoothing) * targets[0] + smoothing / (3 if output == "softmax" else 2)
    chains = [part.chain for part in derive(step, 0, 17, 50) if isinstance(part, Equation)]
    for left, right in (chain for chain in chains if re.search(r"\[[ij]", chain[-1])):
        formula = ast.unparse(Sums().visit(ast.parse(right, mode="eval")))
        for i, j in itertools.product(range(2), range(2)):
            here = {**names, "i": i, "j": j}
            expected = step.row_losses[0] if left == "E[0]" else value_of(left, **here)
            found = value_of(formula, **here)
            assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=f"{left} = {right}")
        checked.add(left)
    assert {"z1[j]", "a1[j]", "z3[j]", "a3[j]", "E[0]", "delta3[j]", "delta1[i]"} <= checked
    assert {"dE_dW1[i,j]", "dE_db1[j]", "dE_dW3[i,j]"} <= checked


def test_a_large_network_is_shown_in_part():
    network, inputs, targets = drawn(2, "relu", "softmax", sizes=(50, 40, 30, 10), rows=20)
    text = str(fp.trace(network, inputs, targets))
    assert len(text.splitlines()) < 190
    assert "… and 36 more units." in text
    assert "… and 2020 more parameters." in text  # 50 x 40 + 40 less 16 and 4
    assert "+ … +" in text


def test_html_is_well_formed_and_has_the_numbers(mazur):
    html = fp.trace(mazur, X, T, loss="squared_error")._repr_html_()
    tree = ElementTree.fromstring(html)
    words = " ".join("".join(formula.itertext()) for formula in tree.iter("math"))
    assert "0.298371" in words
    assert "0.751365" in words
    assert "<script" not in html
    assert "http" not in html  # nothing comes over the network


def test_formulas_of_a_notebook_and_of_the_pages_have_fonts_whose_brackets_grow(mazur):
    pages = (Path(__file__).parent.parent / "docs" / "_static" / "look.css").read_text(encoding="utf-8")
    style = fp.trace(mazur, X, T, loss="squared_error")._repr_html_().split("</style>")[0]
    fonts = [re.search(r"\bmath *{[^}]*font-family: ?([^;}]+)", text)[1] for text in (pages, style)]
    assert [name.strip() for name in fonts[0].split(",")] == ['"pages math"', *fonts[1].split(",")]


# Gradients against differences -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("output", ["identity", "logistic", "softmax"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic"])
def test_backpropagation_agrees_with_differences(activation, output, dtype):
    network, inputs, targets = drawn(4, activation, output, dtype=dtype)
    check = fp.check_gradients(network, inputs, targets, alpha=0.1, sample_weight=[1, 2, 3, 0, 1])
    assert check.passed, check
    assert len(check.errors) == check.n_parameters == network.n_parameters
    errors = [error.relative_error for error in check.errors]
    assert errors == sorted(errors, reverse=True)
    _, weight_gradients, _ = network.loss_and_gradients(
        inputs, targets, alpha=0.1, sample_weight=[1, 2, 3, 0, 1]
    )
    for error in check.errors:
        if error.kind == "weight":
            gradient = weight_gradients[error.layer - 1][error.from_unit, error.to_unit]
            assert error.backpropagation == gradient


class Tampered:
    """A network whose loss has one more term, which its gradients do not know of."""

    def __init__(self, network):
        self.network = in_double(network)
        self.weights, self.biases = self.network.weights, self.network.biases

    def set_parameters(self, weights, biases):
        self.extra = 0.01 * weights[1][2, 0]
        self.network.set_parameters(weights, biases)

    def loss_and_gradients(self, X, Y, **settings):
        value, *gradients = self.network.loss_and_gradients(X, Y, **settings)
        return value + getattr(self, "extra", 0.0), *gradients


def test_a_wrong_gradient_is_found(monkeypatch):
    monkeypatch.setattr("ferroprop.inspection._gradient_check.in_double", Tampered)
    network, inputs, targets = drawn(6)
    check = fp.check_gradients(network, inputs, targets)
    assert not check.passed
    worst = check.worst
    assert (worst.layer, worst.kind, worst.from_unit, worst.to_unit) == (2, "weight", 2, 0)
    assert worst.name == "W2[2,0]"
    assert_allclose(worst.difference - worst.backpropagation, 0.01, rtol=1e-6)
    assert check.errors[1].relative_error < 1e-6
    assert "DISAGREE on 1" in str(check)
    assert re.search(r"W2\[2,0\], layer 2, weight from unit 2 to unit 0", str(check))


def test_some_of_many_parameters():
    network, inputs, targets = drawn(7, sizes=(20, 30, 3))
    check = fp.check_gradients(network, inputs, targets, max_parameters=40, seed=1)
    assert len(check.errors) == 40
    assert check.passed
    assert f"40 of {network.n_parameters} parameters" in str(check)
    again = fp.check_gradients(network, inputs, targets, max_parameters=40, seed=1)
    assert again.errors == check.errors
    other = fp.check_gradients(network, inputs, targets, max_parameters=40, seed=2)
    assert {e.name for e in other.errors} != {e.name for e in check.errors}


def test_a_kink_within_the_step_is_no_disagreement():
    """A ReLU whose net input is 1e-6: the first step reaches across its corner, a smaller one does not."""
    network = fp.Network([1, 1, 1], activation="relu", dtype="float64")
    network.set_parameters([[[1.0]], [[1.0]]], [[-1.0 + 1e-6], [0.0]])
    assert fp.check_gradients(network, [[1.0]], [[3.0]]).passed


# A network described -----------------------------------------------------------------------------------


def test_summary():
    network = fp.Network(
        [4, 10, 3], activation=fp.Logistic(2.0), output_activation="softmax", bias=[True, False]
    )
    summary = network.summary()
    assert [layer.n_parameters for layer in summary.layers] == [50, 30]
    assert sum(layer.n_parameters for layer in summary.layers) == summary.n_parameters == network.n_parameters
    assert summary.n_bytes == 320
    assert "softmax, no biases" in str(summary)
    assert repr(summary) == str(summary)
    ElementTree.fromstring(f"<div>{summary._repr_html_()}</div>")


def test_summary_of_many_layers_is_short():
    lines = str(fp.Network([2] * 200).summary()).splitlines()
    assert len(lines) == 27
    assert any("… 175 more" in line for line in lines)


@pytest.mark.parametrize("sizes", [[1, 1], [3, 5, 2], [784, 300, 10], [2] * 30])
def test_a_drawing_stays_small_and_well_formed(sizes):
    network = fp.Network(sizes, activation="tanh")
    html = network._repr_html_()
    assert len(html) < 200_000
    tree = ElementTree.fromstring(html)
    circles = [element for element in tree.iter() if element.tag.endswith("circle")]
    assert len(circles) == sum(min(size, 9 if size > 10 else 10) for size in sizes[:3] + sizes[3:][-3:])


def test_edges_are_coloured_by_sign():
    network = fp.Network([2, 1], bias=False)
    network.set_parameters([[[2.0], [-1.0]]], [None])
    lines = [e for e in ElementTree.fromstring(network._repr_html_()).iter() if e.tag.endswith("line")]
    colours = {line[0].text: (line.get("stroke"), float(line.get("stroke-width"))) for line in lines}
    assert colours["0 to 0: 2"] == (POSITIVE, 3.0)
    assert colours["1 to 0: -1"] == (NEGATIVE, 1.7)


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return float(np.dot([0.2126, 0.7152, 0.0722], [((part + 0.055) / 1.055) ** 2.4 for part in parts]))


@pytest.mark.parametrize("colour", [POSITIVE, NEGATIVE])
@pytest.mark.parametrize("ground", ["#ffffff", "#14181e", "#111111"])
def test_edges_can_be_seen_in_light_and_dark_notebooks(colour, ground):
    dark, light = sorted([luminance(colour), luminance(ground)])
    assert (light + 0.05) / (dark + 0.05) > 3.8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("activation", "output", "loss"),
    [
        ("tanh", "softmax", "log_loss"),
        ("relu", "identity", "squared_error"),
        ("gelu", "logistic", fp.LogLoss(0.1)),
        ("silu", "softmax", "squared_error"),
        ("elu", "exp", "poisson"),
        ("logistic", "identity", lambda a, t: (((a - t) ** 4).sum(axis=1), 4 * (a - t) ** 3)),
    ],
)
def test_the_numbers_of_a_pass_are_those_of_a_training(activation, output, loss, dtype):
    """Outputs and hidden outputs to the bit; gradients follow from inputs and deltas as they stand there."""
    network, inputs, targets = drawn(3, activation, output, loss, dtype=dtype)
    inputs, targets = inputs.astype(dtype), targets.astype(dtype)
    weights = np.array([1.0, 2.0, 0.0, 0.5, 1.5], dtype=dtype)
    losses, layers = network.layer_values(inputs, targets, loss=loss, sample_weight=weights)
    assert_array_equal(layers[-1].output, network.predict(inputs))
    assert_array_equal(layers[0].output, network.hidden(inputs, 0))
    assert all(values.net_input.dtype == dtype for values in layers)
    value, weight_gradients, bias_gradients = network.loss_and_gradients(
        inputs, targets, loss=loss, sample_weight=weights
    )
    assert_allclose(np.average(losses, weights=weights), value, rtol=1e-6 if dtype == "float32" else 1e-14)
    before = inputs
    for values, gradient, bias_gradient in zip(layers, weight_gradients, bias_gradients, strict=True):
        tolerance = {"rtol": 1e-4, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-10, "atol": 1e-14}
        assert_allclose(before.T @ values.delta / weights.sum(), gradient, **tolerance)
        assert_allclose(values.delta.sum(axis=0) / weights.sum(), bias_gradient, **tolerance)
        before = values.output


def test_words_in_formulas_keep_their_spaces():
    """A browser leaves out ordinary spaces at the ends of a text in MathML."""
    formula = to_mathml(["1 if 0.659 > 0 else 0"])
    words = [node.text for node in ElementTree.fromstring(formula).iter() if node.tag.endswith("mtext")]
    assert words == ["\N{NO-BREAK SPACE}if\N{NO-BREAK SPACE}", ",\N{NO-BREAK SPACE}else\N{NO-BREAK SPACE}"]


def history_of(epochs: int, **how) -> fp.History:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    Y = X[:, :1] ** 2
    if how:
        how["validation"] = X[40:], Y[40:]
    return fp.train(fp.Network([3, 8, 1], seed=0), X[:40], Y[:40], epochs=epochs, optimizer=fp.Rprop(), **how)


def test_a_history_is_curves_and_a_table_in_a_notebook():
    history = history_of(900, patience=20)
    html = history._repr_html_()
    tree = ElementTree.fromstring(html)
    lines = [element for element in tree.iter() if element.tag.endswith("polyline")]
    assert [line.get("stroke") for line in lines] == [NEGATIVE, POSITIVE]  # seen in light and dark notebooks
    assert set(re.findall(r"stroke=\"(.*?)\"", html)) == {"currentColor", NEGATIVE, POSITIVE}
    head, loss, validation = ([cell.text for cell in row] for row in tree.iter("tr"))
    assert head[2:] == [f"best epoch ({history.best_epoch})", f"last ({history.epochs})"]
    assert loss == [
        "loss",
        f"{history.loss[0]:.6g}",
        *(f"{history.loss[at - 1]:.6g}" for at in best_and_last(history)),
    ]
    assert validation[2] == f"{min(history.validation_loss):.6g}"
    assert "ended by: no better for as many epochs as patience allows" in html


def best_and_last(history: fp.History) -> tuple[int, int]:
    return history.best_epoch, history.epochs


def test_a_history_of_any_length_stays_small_and_well_formed():
    for epochs in (1, 2, 5000):
        html = history_of(epochs)._repr_html_()
        assert len(html) < 20_000
        ElementTree.fromstring(html)
        assert ("<svg" in html) == (epochs > 1)
    never_wrong = fp.train(fp.Network([1, 1], bias=False), [[0.0]], [[0.0]], epochs=3)
    assert "logarithmic" not in never_wrong._repr_html_()
    with pytest.warns(RuntimeWarning, match="diverged"):
        diverged = fp.train(fp.Network([1, 1], seed=0), [[1.0]], [[2.0]], epochs=99, optimizer=fp.SGD(1e6))
    ElementTree.fromstring(diverged._repr_html_())
    assert "the loss was no longer finite" in diverged._repr_html_()
