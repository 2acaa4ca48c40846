"""The page "Follow a step": its records are the core's trainings, and its formulas give its numbers."""

import importlib.util
import json
import math
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import ferroprop as fp
import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "docs" / "follow"
RULES = {"sgd", "irprop+", "irprop-"}


@pytest.fixture(scope="module")
def follow():
    spec = importlib.util.spec_from_file_location(
        "follow", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["follow"] = module
    pytest.importorskip("docutils", reason="the page is a directive of Sphinx's")
    spec.loader.exec_module(module)
    yield module
    del sys.modules["follow"]


@pytest.fixture(scope="module")
def networks(follow):
    return [follow.recorded(network) for network in follow.NETWORKS]


def arrays(layer, *names):
    return [np.array(layer[name]) for name in names]


def each_run(networks):
    return [(network, run) for network in networks for run in network["runs"]]


def test_the_steps_are_those_of_one_training(follow, networks):
    for network, recorded in zip(follow.NETWORKS, networks, strict=True):
        for (_, make), run in zip(network["optimizers"], recorded["runs"], strict=True):
            net = follow.records.start(network)
            X, Y = network["inputs"], network["targets"]
            history = fp.train(
                net, X, Y, loss=network["loss"], optimizer=make(), epochs=network["steps"], shuffle=False
            )
            last = run["records"][-1]["layers"]
            for W, b, layer in zip(net.weights, net.biases, last, strict=True):
                assert W.tolist() == layer["weights"]
                assert b.tolist() == layer["biases"]
            losses = [record["loss"] for record in run["records"][:-1]]
            np.testing.assert_allclose(history.loss, losses, rtol=1e-13)


FUNCTIONS = {
    "identity": (lambda z: z, lambda a: np.ones_like(a)),
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "logistic": (lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
}


def test_numpy_finds_the_numbers_of_each_pass(networks):
    for network, run in each_run(networks):
        X, T = np.array(network["inputs"], float), np.array(network["targets"], float)
        for record in run["records"]:
            outputs = [X]
            for layer, name in zip(record["layers"], network["activations"], strict=True):
                W, b, z, a = arrays(layer, "weights", "biases", "z", "a")
                np.testing.assert_allclose(z, outputs[-1] @ W + b, rtol=1e-12, atol=1e-13)
                np.testing.assert_allclose(a, FUNCTIONS[name][0](z), rtol=1e-12, atol=1e-15)
                outputs.append(a)
            out = outputs[-1]
            squared = network["loss"] == "squared_error"
            # As the logarithm of the output of the net input -z: 1 - a has few digits where a is nearly 1.
            z = np.array(record["layers"][-1]["z"])
            losses = (T - out) ** 2 / 2 if squared else np.logaddexp(0, -z) * T + np.logaddexp(0, z) * (1 - T)
            np.testing.assert_allclose(record["row_losses"], losses.sum(axis=1), rtol=1e-12)
            np.testing.assert_allclose(record["loss"], losses.sum() / len(X), rtol=1e-12)
            last = FUNCTIONS[network["activations"][-1]][1](out)
            delta = (out - T) * last if squared else out - T
            for place in reversed(range(len(outputs) - 1)):
                layer = record["layers"][place]
                np.testing.assert_allclose(layer["delta"], delta, rtol=1e-9, atol=1e-13)
                np.testing.assert_allclose(
                    layer["weight_gradient"], outputs[place].T @ delta / len(X), rtol=1e-9, atol=1e-13
                )
                np.testing.assert_allclose(layer["bias_gradient"], delta.mean(axis=0), rtol=1e-9, atol=1e-13)
                if place:
                    slope = FUNCTIONS[network["activations"][place - 1]][1](outputs[place])
                    delta = (delta @ np.array(layer["weights"]).T) * slope


def stepped(optimizer, loss_rose, w, g, memory):
    """Return new parameters and memory by the rule, spelt out."""
    if optimizer["rule"] == "sgd":
        return w - optimizer["learning_rate"] * g, {}
    size, before = memory["step_size"], memory["previous_gradient"]
    agreement = np.sign(g) * np.sign(before)
    size = np.where(agreement > 0, np.minimum(size * optimizer["increase"], optimizer["max_step"]), size)
    size = np.where(agreement < 0, np.maximum(size * optimizer["decrease"], optimizer["min_step"]), size)
    reversed_ = agreement < 0
    back = memory["change"] * loss_rose if optimizer["rule"] == "irprop+" else 0
    change = np.where(reversed_, -back, -np.sign(g) * size)
    after = {"step_size": size, "previous_gradient": np.where(reversed_, 0, g)}
    return w + change, {**after, **({"change": np.where(reversed_, 0, change)} if "change" in memory else {})}


def test_numpy_makes_the_same_steps(networks):
    assert {run["optimizer"]["rule"] for _, run in each_run(networks)} == RULES
    taken_back = 0
    for _, run in each_run(networks):
        records = run["records"]
        for step, (now, after) in enumerate(pairwise(records)):
            rose = step > 0 and now["loss"] > records[step - 1]["loss"]
            for layer, later in zip(now["layers"], after["layers"], strict=True):
                for kind, gradient in (("weights", "weight_gradient"), ("biases", "bias_gradient")):
                    memory = {name: np.array(both[kind]) for name, both in layer["memory"].items()}
                    w, g = arrays(layer, kind, gradient)
                    new, new_memory = stepped(run["optimizer"], rose, w, g, memory)
                    np.testing.assert_allclose(later[kind], new, rtol=1e-15, atol=1e-16)
                    for name, expected in new_memory.items():
                        assert later["memory"][name][kind] == expected.tolist()
                    if rose and run["optimizer"]["rule"] == "irprop+":
                        taken_back += (np.sign(g) * np.sign(memory["previous_gradient"]) < 0).sum()
    assert taken_back > 5  # the readers see all there is to see


def test_the_answers_are_what_the_page_shows(networks):
    xor, mazur, _ = networks
    first, second, third = (record["layers"] for record in xor["runs"][0]["records"][:3])
    losses = [round(record["loss"], 4) for record in xor["runs"][0]["records"][:3]]
    assert losses == [0.742, 0.6936, 0.6955]
    changed = np.array(second[0]["weight_gradient"]) * np.array(first[0]["weight_gradient"]) < 0
    assert np.argwhere(changed).tolist() == [[0, 2], [1, 1]]
    assert np.array(second[0]["weights"])[changed].tolist() == np.array(third[0]["weights"])[changed].tolist()
    reversed_ = [
        sum(
            (np.array(layer[name]) * np.array(layer["memory"]["previous_gradient"][kind]) < 0).sum()
            for name, kind in (("weight_gradient", "weights"), ("bias_gradient", "biases"))
        )
        for layer in third
    ]
    assert reversed_ == [6, 4]
    descent = next(run for run in xor["runs"] if run["optimizer"]["rule"] == "sgd")
    now, after = (record["layers"] for record in descent["records"][:2])
    for layer, place, gradient, move in ((0, (1, 1), -0.0047, 0.0094), (1, (1, 0), 0.091, -0.18)):
        before, later = (np.array(record[layer]["weights"])[place] for record in (now, after))
        g = np.array(now[layer]["weight_gradient"])[place]
        assert (float(f"{g:.2g}"), float(f"{later - before:.2g}")) == (gradient, move)
    hidden = mazur["runs"][0]["records"][0]["layers"][0]
    assert (
        round(hidden["delta"][0][0], 5)
        == round((0.40 * 0.1385 - 0.50 * 0.0381) * 0.5933 * 0.4067, 5)
        == 0.00877
    )
    outputs = np.array(xor["runs"][0]["records"][-2]["layers"][0]["a"])
    assert (np.abs(outputs) > 0.99).all(axis=0).tolist() == [True, False, False]


# All formulas of a run, as JSON on the standard output.
EXPLAIN = """
const networks = JSON.parse(require("fs").readFileSync(0, "utf8"));
const show = (number) => String(number).replaceAll("-", "−");
const found = [];
for (const network of networks) for (const run of network.runs)
  for (let step = 0; step < run.records.length - 1; step += 1) {
    const place = { network, run, step, show };
    network.sizes.forEach((size, layer) => {
      for (let unit = 0; unit < size; unit += 1) {
        network.inputs.forEach((_, row) => found.push(explainUnit(place, layer, unit, row)));
        for (let from = 0; layer > 0 && from <= network.sizes[layer - 1]; from += 1)
          found.push(explainWeight(place, layer, from, unit));
      }
    });
  }
console.log(JSON.stringify(found));
"""
MEANING = {
    "exp": math.exp,
    "ln": math.log,
    "tanh": math.tanh,
    "min": min,
    "max": max,
    "sign": lambda x: (x > 0) - (x < 0),
}


def computed(numbers):
    """Return what a formula with its numbers put in comes to."""
    expression = numbers.replace("−", "-").replace("\N{MULTIPLICATION SIGN}", "*").replace("²", "**2")
    assert set(re.findall(r"[a-z]{2,}", expression)) <= set(MEANING), expression
    return eval(expression, {"__builtins__": {}}, MEANING)


def test_each_formula_on_the_page_gives_its_number(networks, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node, which runs the page's formulas outside of a browser")
    script = tmp_path / "explain.js"
    script.write_text((FOLDER / "formulas.js").read_text(encoding="utf-8") + EXPLAIN, encoding="utf-8")
    run = subprocess.run(
        [node, script],
        input=json.dumps(networks),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    lines = [
        line
        for parts in json.loads(run.stdout)
        for part in parts
        for line in part.get("rows", [part])
        if line.get("numbers") is not None
    ]
    assert {line["name"] for line in lines} >= {"z_h1", "a_o1", "δ_h2", "g", "s", "new D", "Δ", "loss rose"}
    seen = set()
    for line in lines:
        key = line["numbers"], line["value"]
        if key not in seen:
            seen.add(key)
            assert computed(line["numbers"]) == pytest.approx(line["value"], rel=1e-9, abs=1e-12), line
    assert len(seen) > 10_000


def test_the_page_loads_nothing(follow, networks):
    page = follow.fragment(networks)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|\ssrc=|@import|url\(|fetch\(|\bimport\b", page)
    assert page.count("</script>") == 2  # no datum ends its script
