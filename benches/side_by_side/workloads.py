"""What is measured: trainings, and calls for predictions."""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# Epochs of a training; then another one begins. One that never ended would spend its time where there is
# nothing left to be learnt, with saturated units and deltas that are denormal numbers.
LONGEST = 1_000


class Goals(NamedTuple):
    """What a workload's ratios should be at least."""

    jax: float
    sklearn: float | None = None
    peak: float | None = None
    threads: float = 0.97  # "never slower", give or take what a clock can tell
    float64: float | None = 0.5


@dataclass(frozen=True)
class Workload:
    """A training task: a network, its data and its optimizer, all of one number type."""

    name: str
    layers: tuple[int, ...]
    activation: str
    output: str
    batch: int
    rows: int
    optimizer: str  # "adam", "rprop", or "sgd" with momentum
    goals: Goals
    dtype: str = "float32"
    reconstructs: bool = False  # the targets are the inputs, from 0 to 1

    @property
    def classifies(self) -> bool:
        """Whether the targets are classes."""
        return self.output == "softmax"

    @property
    def full_batch(self) -> bool:
        """Whether an epoch is one step."""
        return self.batch == self.rows

    @property
    def steps(self) -> int:
        """Steps an epoch, the last of them with the rows that are left."""
        return -(-self.rows // self.batch)

    @property
    def part_of_peak(self) -> float:
        """Of the peak, which is that of float32, what its number type can reach."""
        return 4 / np.dtype(self.dtype).itemsize

    @property
    def operations(self) -> float:
        """Floating-point operations a step: the products alone, forward, deltas and gradients."""
        first, *later = itertools.starmap(int.__mul__, itertools.pairwise(self.layers))
        return (4 * first + 6 * sum(later)) * self.rows / self.steps

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Make inputs, and targets: a column a class, or numbers."""
        random = np.random.default_rng(0)
        inputs, *_, outputs = self.layers
        if self.reconstructs:
            X = random.random((self.rows, inputs), dtype=self.dtype)
            return X, X.copy()
        X = random.standard_normal((self.rows, inputs), dtype=self.dtype)
        if self.classifies:
            return X, np.eye(outputs, dtype=self.dtype)[random.integers(outputs, size=self.rows)]
        return X, random.standard_normal((self.rows, outputs), dtype=self.dtype)


_MNIST = (784, 256, 128, 10)
_WORKLOADS = [
    Workload("iris", (4, 10, 3), "logistic", "softmax", 150, 150, "rprop", Goals(4, 75)),
    Workload("tabular", (20, 64, 64, 1), "relu", "identity", 128, 20_000, "adam", Goals(1.6, 12)),
    Workload("digits", (64, 100, 10), "relu", "softmax", 200, 1_797, "adam", Goals(2, 10)),
    Workload(
        "digits-full",
        (64, 100, 10),
        "logistic",
        "softmax",
        1_797,
        1_797,
        "rprop",
        Goals(1.6, None, 0.65, 1.8),
    ),
    Workload("mnist", _MNIST, "relu", "softmax", 256, 10_240, "adam", Goals(1.35, 4, 0.8, 1.8)),
    Workload(
        "mnist-full", _MNIST, "logistic", "softmax", 10_240, 10_240, "rprop", Goals(1.2, None, 0.8, 1.8)
    ),
    Workload(
        "wide", (512, 2048, 2048, 512), "relu", "identity", 1_024, 4_096, "adam", Goals(1.15, 2.5, 0.8, 1.8)
    ),
    Workload("letter-like", (16, 128, 26), "tanh", "softmax", 64, 16_000, "sgd", Goals(2)),
    Workload(
        "speech-like",
        (440, 512, 512, 183),
        "relu",
        "softmax",
        512,
        20_480,
        "adam",
        Goals(1.25, None, 0.8, 1.8),
    ),
    Workload(
        "surrogate",
        (6, 32, 32, 32, 1),
        "tanh",
        "identity",
        2_000,
        2_000,
        "rprop",
        Goals(2, float64=None),
        dtype="float64",
    ),
    Workload(
        "autoencoder",
        (784, 64, 784),
        "logistic",
        "logistic",
        100,
        10_000,
        "adam",
        Goals(1.4),
        reconstructs=True,
    ),
]
WORKLOADS = {workload.name: workload for workload in _WORKLOADS}

PEERS = {"predict": ("onnxruntime", "numpy", "torch"), "predict_proba": ("sklearn",)}


@dataclass(frozen=True)
class Call:
    """A call for predictions: rows through a classifier with relu and softmax, on one thread."""

    function: str
    layers: tuple[int, ...]
    rows: int
    goal: float | None = None  # the first peer's time over ours

    @property
    def network(self) -> str:
        """Name the network and the rows."""
        return f"{'-'.join(map(str, self.layers))}, {self.rows} row{'s' if self.rows > 1 else ''}"

    @property
    def name(self) -> str:
        """For tables, and for finding it again."""
        return f"{self.function} {self.network}"

    def data(self) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
        """Make inputs, weights and biases."""
        weights, biases = zip(*parameters(self.layers), strict=True)
        random = np.random.default_rng(0)
        return random.standard_normal((self.rows, self.layers[0]), dtype=np.float32), weights, biases


_CALLS = [
    Call("predict", (4, 10, 3), 1),
    Call("predict", (64, 100, 10), 1, 4.0),
    Call("predict", _MNIST, 1),
    Call("predict", (64, 100, 10), 500),
    Call("predict", _MNIST, 500, 1.0),
    Call("predict_proba", (4, 10, 3), 1, 5.0),
    Call("predict_proba", (64, 100, 10), 1, 5.0),
    Call("predict_proba", _MNIST, 1, 5.0),
    Call("predict_proba", (64, 100, 10), 500),
    Call("predict_proba", _MNIST, 500),
]
CALLS = {call.name: call for call in _CALLS}


def parameters(layers: tuple[int, ...], dtype: str = "float32") -> list[tuple[np.ndarray, np.ndarray]]:
    """Make weights and biases for each layer."""
    random = np.random.default_rng(1)
    return [
        (
            random.standard_normal(shape, dtype) / np.sqrt(np.array(shape[0], dtype)),
            np.zeros(shape[1], dtype),
        )
        for shape in itertools.pairwise(layers)
    ]
