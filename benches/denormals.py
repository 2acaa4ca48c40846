"""Whether numbers that have become tiny slow a training down: the time of a step, early and late.

    python benches/denormals.py
    python benches/denormals.py --dtype float64 --cases iris,digits

Each case is trained to some stages, and a copy is kept of each. Then all copies go on for at most 300 steps,
by turns, and the least processor time of a step over the rounds is printed. Rows of a case do the same work:
the last column has the time over the shortest of the case, and the exit status is 1 if one takes more than a
tenth longer. `denormal` counts denormal numbers among the parameters and the optimizer's arrays.
"""

import argparse
import copy
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ferroprop as fp
import numpy as np
from side_by_side.report import digits, table
from side_by_side.rounds import machine
from sklearn.datasets import load_digits, load_iris

MOST = 1.1  # the longest step of a case over the shortest


@dataclass
class Training:
    """A network, what it learns, and the steps after which its steps are timed."""

    name: str
    net: fp.Network
    X: np.ndarray
    Y: np.ndarray
    optimizer: Any
    stages: tuple[int, ...]
    loss: str = "squared_error"
    changes: dict[int, Callable[["Training"], None]] = field(default_factory=dict)
    steps: int = 0

    def go_on(self, steps: int) -> float:
        """Train full batches; return the processor time of a step."""
        start = time.thread_time()
        fp.train(
            self.net, self.X, self.Y, loss=self.loss, optimizer=self.optimizer, epochs=steps, n_threads=1,
            warm_start=self.steps > 0,
        )  # fmt: skip
        self.steps += steps
        return (time.thread_time() - start) / steps

    def at_stages(self) -> list["Training"]:
        """Train through all stages; return a copy at each."""
        copies = []
        for stop in sorted({*self.stages, *self.changes}):
            if stop > self.steps:
                self.go_on(stop - self.steps)
            if stop in self.changes:
                self.changes[stop](self)
            if stop in self.stages:
                copies.append(copy.deepcopy(self))
        return copies

    def label(self) -> str:
        """Say where the training is."""
        return f"{self.name}, after {self.steps:,} steps"


def standardised(load: Callable[..., Any], dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a data set of scikit-learn: inputs of mean 0 and variance 1, real labels one-hot."""
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-3)
    return X.astype(dtype), np.eye(y.max() + 1, dtype=dtype)[y]


def drawn(rows: int, inputs: int, outputs: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Return random inputs and targets."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((rows, inputs)).astype(dtype), rng.random((rows, outputs)).astype(dtype)


def classified(load: Callable[..., Any], sizes: list[int], stages: tuple[int, ...], dtype: str) -> Training:
    """Learn real labels with Rprop, until the loss is 0 or nearly so."""
    net = fp.Network(sizes, activation="logistic", output_activation="softmax", dtype=dtype, seed=1)
    name = {4: "iris", 64: "digits"}[sizes[0]]
    X, Y = standardised(load, dtype)
    return Training(f"{name}, Rprop", net, X, Y, fp.Rprop(), stages, "log_loss")


def iris(dtype: str) -> list[Training]:
    """Iris, learned by heart."""
    return [classified(load_iris, [4, 10, 3], (10, 300, 1_000, 20_000), dtype)]


def digits_set(dtype: str) -> list[Training]:
    """Learn all digits."""
    return [classified(load_digits, [64, 100, 10], (10, 300, 1_000), dtype)]


def starving(dtype: str) -> list[Training]:
    """Starve the first layers of a deep logistic network, which get next to no gradient."""
    X, Y = drawn(64, 8, 2, dtype)
    net = fp.Network([8, *[16] * 60, 2], activation="logistic", dtype=dtype)
    return [Training("60 logistic layers", net, X, Y, fp.SGD(0.01), (10, 1_000, 5_000))]


def dead_units(dtype: str) -> list[Training]:
    """Half of the relu units die; their moments decay from then on."""

    def kill(training: Training) -> None:
        biases = [array.copy() for array in training.net.biases]
        for of_layer in biases[:-1]:
            of_layer[::2] = -1e6
        training.net.set_parameters(training.net.weights, biases)

    X, Y = drawn(100, 20, 3, dtype)
    net = fp.Network([20, 64, 64, 3], dtype=dtype)
    stages = (10, 1_000, 20_000)
    return [Training("dead relu units, Adam", net, X, Y, fp.Adam(), stages, changes={150: kill})]


def half_zero(dtype: str) -> list[Training]:
    """Half of the inputs are 0, from the beginning or from step 150 on."""

    def clear(training: Training) -> None:
        training.X = training.X.copy()
        training.X[:, ::2] = 0.0

    trainings = []
    for name, when in [("half of the inputs 0, Adam", 0), ("half of the inputs become 0, Adam", 150)]:
        X, Y = drawn(100, 20, 3, dtype)
        net = fp.Network([20, 64, 64, 3], activation="tanh", dtype=dtype)
        stages = (10, 1_000, 20_000)
        trainings.append(Training(name, net, X, Y, fp.Adam(), stages, changes={when: clear}))
    return trainings


def tiny_inputs(dtype: str) -> list[Training]:
    """Learn from inputs that are denormal, and for comparison from inputs that are not."""
    trainings = []
    for scale in [1.0, {"float32": 1e-40, "float64": 1e-310}[dtype]]:
        X, Y = drawn(100, 20, 3, dtype)
        net = fp.Network([20, 64, 64, 3], activation="tanh", dtype=dtype)
        X = (X.astype(np.float64) * scale).astype(dtype)
        trainings.append(Training(f"inputs of {scale:g}, Rprop", net, X, Y, fp.Rprop(), (10, 1_000, 20_000)))
    return trainings


def deep(dtype: str) -> list[Training]:
    """Forty logistic layers of 64 units, with small and with larger weights."""
    trainings = []
    for most in [0.7, 0.1]:
        X, Y = drawn(256, 64, 64, dtype)
        net = fp.Network([64] * 42, activation="logistic", init="uniform", init_range=most, dtype=dtype)
        name = f"40 logistic layers, weights within {most}"
        trainings.append(Training(name, net, X, Y, fp.SGD(1e-3), (2, 100)))
    return trainings


CASES = {
    "iris": iris,
    "digits": digits_set,
    "starving": starving,
    "dead": dead_units,
    "zero": half_zero,
    "tiny": tiny_inputs,
    "deep": deep,
}


def denormals(training: Training) -> int:
    """Count denormal numbers among the parameters and the arrays of the optimizer, by their bits."""
    arrays = [*training.net.weights, *training.net.biases, *training.optimizer.state.values()]
    found = 0
    for array in arrays:
        if isinstance(array, np.ndarray):
            unsigned = np.dtype(f"u{array.itemsize}")
            magnitude = np.ascontiguousarray(array).view(unsigned) << 1
            first_normal = np.finfo(array.dtype).smallest_normal.view(unsigned) << 1
            found += int(((magnitude > 0) & (magnitude < first_normal)).sum())
    return found


def times(trainings: list[Training], rounds: int, seconds: float) -> list[float]:
    """Return the least time of a step of each, by turns; each round starts from where they are."""
    steps = [min(300, max(1, round(seconds / copy.deepcopy(training).go_on(3)))) for training in trainings]
    best = [float("inf")] * len(trainings)
    for _ in range(rounds):
        for place, training in enumerate(trainings):
            best[place] = min(best[place], copy.deepcopy(training).go_on(steps[place]))
    return best


def main() -> None:
    """Measure the cases, print a table, and say whether all is well."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--cases", default=",".join(CASES), help="some of " + ", ".join(CASES))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.05, help="of each measurement, at most")
    options = parser.parse_args()

    about = machine()
    print(f"{about['processor']}; ferroprop {fp.__version__}, {options.dtype}\n")
    rows, good = [["", "microseconds a step", "denormal", "ratio"]], True
    for name in options.cases.split(","):
        trainings = [copy for training in CASES[name](options.dtype) for copy in training.at_stages()]
        measured = times(trainings, options.rounds, options.seconds)
        for training, seconds in zip(trainings, measured, strict=True):
            ratio = seconds / min(measured)
            good &= ratio <= MOST
            rows.append([training.label(), digits(seconds * 1e6), f"{denormals(training):,}", f"{ratio:.2f}"])
        print(f"{name} done", file=sys.stderr)
    print(table(rows))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
