"""ferroprop beside JAX, scikit-learn, PyTorch, ONNX Runtime and NumPy, in one run.

Each library works in a process of its own for each number of threads, bound to as many CPU cores
before the library is loaded. The processes live as long as the run and take turns, one round after
the other, so that whatever else the machine does hits them all alike. Ratios are taken within a
round; what is printed is their median over the rounds.

    python benches/peers.py --picture docs/images/peers.png

benches/README.md says what is measured and which form of each library.
"""

import argparse
import contextlib
import ctypes
import importlib.metadata
import importlib.util
import itertools
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

# ------------------------------------------------------------------ what is measured


class Goals(NamedTuple):
    """What a workload's ratios should be at least."""

    jax: float
    sklearn: float | None = None
    peak: float | None = None
    threads: float = 0.97  # "never slower", give or take what a clock can tell
    float64: float = 0.5


@dataclass(frozen=True)
class Workload:
    """A training task: a network, its data and its optimizer, all float32."""

    name: str
    layers: tuple[int, ...]
    activation: str
    output: str
    batch: int
    rows: int
    optimizer: str
    goals: Goals

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
    def operations(self) -> float:
        """Floating-point operations a step: the products alone, forward, deltas and gradients."""
        first, *later = itertools.starmap(int.__mul__, itertools.pairwise(self.layers))
        return (4 * first + 6 * sum(later)) * self.rows / self.steps

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Make inputs, and targets: a column a class, or numbers."""
        random = np.random.default_rng(0)
        inputs, *_, outputs = self.layers
        X = random.standard_normal((self.rows, inputs), dtype=np.float32)
        if self.classifies:
            return X, np.eye(outputs, dtype=np.float32)[random.integers(outputs, size=self.rows)]
        return X, random.standard_normal((self.rows, outputs), dtype=np.float32)


_MNIST = (784, 256, 128, 10)
_WORKLOADS = [
    Workload("iris", (4, 10, 3), "logistic", "softmax", 150, 150, "rprop", Goals(3, 75)),
    Workload("tabular", (20, 64, 64, 1), "relu", "identity", 128, 20_000, "adam", Goals(1.6, 12)),
    Workload("digits", (64, 100, 10), "relu", "softmax", 200, 1_797, "adam", Goals(2.5, 10)),
    Workload(
        "digits-full",
        (64, 100, 10),
        "logistic",
        "softmax",
        1_797,
        1_797,
        "rprop",
        Goals(1.8, None, 0.65, 1.8),
    ),
    Workload("mnist", _MNIST, "relu", "softmax", 256, 10_240, "adam", Goals(1.4, 4, 0.75, 1.8)),
    Workload(
        "mnist-full", _MNIST, "logistic", "softmax", 10_240, 10_240, "rprop", Goals(1.25, None, 0.8, 1.8)
    ),
    Workload(
        "wide", (512, 2048, 2048, 512), "relu", "identity", 1_024, 4_096, "adam", Goals(1.2, 2.5, 0.8, 1.8)
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


def parameters(layers: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Make weights and biases for each layer."""
    random = np.random.default_rng(1)
    return [
        (
            random.standard_normal(shape, np.float32) / np.float32(shape[0]) ** 0.5,
            np.zeros(shape[1], np.float32),
        )
        for shape in itertools.pairwise(layers)
    ]


# ------------------------------------------------------------------ the libraries, each in its process


class Trainer(NamedTuple):
    """How a library trains: `run(n)` trains anew for n times so many epochs and returns the seconds."""

    run: Callable[[int], float]
    epochs: int = 1
    starts_up: bool = False


class Ferroprop:
    """`train` and `Network.predict`; `MLPClassifier.predict_proba`."""

    module = "ferroprop"
    dtype = "float32"

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def trainer(self, workload: Workload) -> Trainer:
        """Train a copy of one network in one call."""
        import ferroprop as fp

        X, Y = (array.astype(self.dtype) for array in workload.data())
        network = fp.Network(
            workload.layers,
            activation=workload.activation,
            output=workload.output,
            dtype=self.dtype,
        )

        def run(epochs: int) -> float:
            history = fp.train(
                network.copy(),
                X,
                Y,
                loss="log_loss" if workload.classifies else "squared_error",
                optimizer=fp.Rprop() if workload.optimizer == "rprop" else fp.Adam(),
                epochs=epochs,
                batch_size=None if workload.full_batch else workload.batch,
                shuffle=True,
                n_threads=self.threads,
            )
            assert history.stop_reason == "epochs", history.stop_reason
            return history.seconds

        return Trainer(run, starts_up=True)

    def predict(self, call: Call) -> Callable[[], np.ndarray]:
        """One call of `Network.predict`."""
        import ferroprop as fp

        X, weights, biases = call.data()
        network = fp.Network(call.layers, activation="relu", output="softmax")
        network.set_parameters(weights, biases)
        return partial(network.predict, X)

    def predict_proba(self, call: Call) -> Callable[[], np.ndarray]:
        """One call of `MLPClassifier.predict_proba`."""
        import ferroprop as fp

        return _fitted(fp.MLPClassifier, call)


class FerropropFloat64(Ferroprop):
    """The same in double precision."""

    dtype = "float64"


class Jax:
    """One jitted scan over an epoch; for full batches, over many."""

    module = "jax"

    def __init__(self, threads: int) -> None:
        pass  # its pool has a thread a core of the process

    def trainer(self, workload: Workload) -> Trainer:
        """Choose among parameters in one vector or one array a layer, with XLA's two sets of products."""
        forms = itertools.product((True, False), ({}, {"xla_cpu_experimental_ynn_fusion_type": ""}))
        return _fastest(partial(self.form, workload, flat, options) for flat, options in forms)

    def form(self, workload: Workload, flat: bool, options: dict[str, str]) -> Trainer:
        """Compile one form."""
        import jax
        import jax.numpy as jnp
        from jax.flatten_util import ravel_pytree

        layers = parameters(workload.layers)
        vector, restore = ravel_pytree(layers)
        initial = vector if flat else jax.tree.map(jnp.asarray, layers)
        X, Y = map(jnp.asarray, workload.data())
        gradient = jax.grad(_jax_loss(workload, restore if flat else lambda layers: layers))
        state, update = (_jax_rprop if workload.optimizer == "rprop" else _jax_adam)(initial)

        def step(carry, rows):
            x, y = (X, Y) if rows is None else (X[rows], Y[rows])
            parameters, state = carry
            return update(parameters, state, gradient(parameters, x, y)), None

        epochs = max(1, int(1e9 / workload.operations)) if workload.full_batch else 1
        whole = workload.rows // workload.batch * workload.batch

        def epoch(parameters, state, order):
            carry = parameters, state
            if order is None:
                return jax.lax.scan(step, carry, None, length=epochs)[0]
            carry, _ = jax.lax.scan(step, carry, order[:whole].reshape(-1, workload.batch))
            return step(carry, order[whole:])[0] if whole < workload.rows else carry

        compiled = jax.jit(epoch, donate_argnums=(0, 1), compiler_options=options)
        random = np.random.default_rng(0)

        def run(n: int) -> float:
            carry = jax.block_until_ready(jax.tree.map(jnp.copy, (initial, state)))
            start = time.perf_counter()
            for _ in range(n):
                order = None if workload.full_batch else random.permutation(workload.rows).astype(np.int32)
                carry = compiled(*carry, order)
            jax.block_until_ready(carry)
            return time.perf_counter() - start

        return Trainer(run, epochs)


def _jax_loss(workload: Workload, restore: Callable) -> Callable:
    import jax
    import jax.numpy as jnp

    activation = jax.nn.relu if workload.activation == "relu" else jax.nn.sigmoid

    def loss(parameters, x, y):
        *hidden, (weights, biases) = restore(parameters)
        for w, b in hidden:
            x = activation(x @ w + b)
        z = x @ weights + biases
        if workload.classifies:
            return jnp.mean(jax.nn.logsumexp(z, axis=1) - jnp.sum(y * z, axis=1))
        return jnp.mean((z - y) ** 2) / 2

    return loss


def _jax_adam(parameters: Any) -> tuple[Any, Callable]:
    import jax
    import jax.numpy as jnp

    def update(parameters, state, gradient):
        t, means, squares = state
        t = t + 1
        means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, gradient)
        squares = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, squares, gradient)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        move = lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8)  # noqa: E731
        return jax.tree.map(move, parameters, means, squares), (t, means, squares)

    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return (jnp.float32(0), zeros, zeros), update


def _jax_rprop(parameters: Any) -> tuple[Any, Callable]:
    """Rprop without weight backtracking: less work than ours."""
    import jax
    import jax.numpy as jnp

    def resize(step, turn):
        larger, smaller = jnp.minimum(step * 1.2, 50), jnp.maximum(step * 0.5, 1e-6)
        return jnp.where(turn > 0, larger, jnp.where(turn < 0, smaller, step))

    def update(parameters, state, gradient):
        last, steps = state
        turns = jax.tree.map(jnp.multiply, last, gradient)
        steps = jax.tree.map(resize, steps, turns)
        gradient = jax.tree.map(lambda g, turn: jnp.where(turn < 0, 0, g), gradient, turns)
        parameters = jax.tree.map(lambda p, g, step: p - jnp.sign(g) * step, parameters, gradient, steps)
        return parameters, (gradient, steps)

    zeros = jax.tree.map(jnp.zeros_like, parameters)
    return (zeros, jax.tree.map(lambda p: jnp.full_like(p, 0.1), parameters)), update


class ScikitLearn:
    """`MLPClassifier` and `MLPRegressor`, always with Adam: it has no Rprop."""

    module = "sklearn"

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def trainer(self, workload: Workload) -> Trainer | None:
        """Time `fit` with nothing that stops it early."""
        if workload.optimizer == "rprop" and not workload.goals.sklearn:
            return None
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from threadpoolctl import threadpool_limits

        X, Y = workload.data()
        y = Y.argmax(axis=1) if workload.classifies else Y.squeeze()

        def run(epochs: int) -> float:
            model = (MLPClassifier if workload.classifies else MLPRegressor)(
                hidden_layer_sizes=workload.layers[1:-1],
                activation=workload.activation,
                solver="adam",
                alpha=0.0,
                batch_size=workload.batch,
                max_iter=epochs,
                shuffle=not workload.full_batch,
                tol=0.0,
                n_iter_no_change=sys.maxsize,
                random_state=0,
            )
            with threadpool_limits(self.threads):
                start = time.perf_counter()
                model.fit(X, y)
                seconds = time.perf_counter() - start
            assert model.n_iter_ == epochs
            return seconds

        return Trainer(run, starts_up=True)

    def predict_proba(self, call: Call) -> Callable[[], np.ndarray]:
        """One call of `predict_proba`."""
        from sklearn.neural_network import MLPClassifier

        return _fitted(MLPClassifier, call)


def _fitted(estimator: type, call: Call) -> Callable[[], np.ndarray]:
    """`predict_proba` of an estimator that saw a few rows."""
    X = call.data()[0]
    rows = np.random.default_rng(0).standard_normal((100, call.layers[0]), dtype=np.float32)
    model = estimator(call.layers[1:-1], solver="adam", max_iter=2, random_state=0)
    model.fit(rows, np.arange(100) % call.layers[-1])
    assert model.coefs_[0].dtype == np.float32
    return partial(model.predict_proba, X)


class PyTorch:
    """Modules, and optimizers that treat all parameters at once."""

    module = "torch"

    def __init__(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)

    def trainer(self, workload: Workload) -> Trainer:
        """Choose among fused and foreach optimizers, eager and `torch.compile` (needs a C++ compiler)."""
        forms = itertools.product(({"fused": True}, {"foreach": True}), (False, True))
        return _fastest(partial(self.form, workload, options, compiled) for options, compiled in forms)

    def form(self, workload: Workload, options: dict[str, bool], compiled: bool) -> Trainer:
        """Build one form."""
        import torch

        X, Y = map(torch.from_numpy, workload.data())
        if workload.classifies:
            Y = Y.argmax(dim=1)
        criterion = torch.nn.CrossEntropyLoss() if workload.classifies else torch.nn.MSELoss()
        rule = torch.optim.Rprop if workload.optimizer == "rprop" else torch.optim.Adam
        model = self.model(workload.layers, workload.activation)
        initial = {name: tensor.clone() for name, tensor in model.state_dict().items()}

        def loss(x, y):
            return criterion(model(x), y)

        if compiled:
            loss = torch.compile(loss)

        def batches():
            if workload.full_batch:
                return [(X, Y)]
            return ((X[rows], Y[rows]) for rows in torch.randperm(workload.rows).split(workload.batch))

        def run(epochs: int) -> float:
            model.load_state_dict(initial)
            optimizer = rule(model.parameters(), **options)
            start = time.perf_counter()
            for x, y in itertools.chain.from_iterable(batches() for _ in range(epochs)):
                optimizer.zero_grad(set_to_none=True)
                loss(x, y).backward()
                optimizer.step()
            return time.perf_counter() - start

        return Trainer(run)

    @staticmethod
    def model(layers: tuple[int, ...], activation: str) -> Any:
        """Stack linear layers and activations."""
        import torch

        function = torch.nn.ReLU if activation == "relu" else torch.nn.Sigmoid
        modules = [[torch.nn.Linear(*shape), function()] for shape in itertools.pairwise(layers)]
        return torch.nn.Sequential(*list(itertools.chain(*modules))[:-1])

    def predict(self, call: Call) -> Callable[[], np.ndarray]:
        """Run the module under `inference_mode`, from an array to an array."""
        import torch

        X, weights, biases = call.data()
        model = self.model(call.layers, "relu")
        with torch.no_grad():
            for layer, w, b in zip(model[::2], weights, biases, strict=True):
                layer.weight.copy_(torch.from_numpy(w.T))
                layer.bias.copy_(torch.from_numpy(b))

        @torch.inference_mode()
        def predict():
            return torch.softmax(model(torch.from_numpy(X)), dim=1).numpy()

        return predict


class OnnxRuntime:
    """`InferenceSession.run` on a graph of Gemm, Relu and Softmax."""

    module = "onnxruntime"

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def predict(self, call: Call) -> Callable[[], list[np.ndarray]]:
        """One call of `run`."""
        import onnxruntime

        X = call.data()[0]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(_onnx_model(call), options, providers=["CPUExecutionProvider"])
        return partial(session.run, ["p"], {"x": X})


def _onnx_model(call: Call) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    _, weights, biases = call.data()
    constants, nodes, name = [], [], "x"
    for index, (w, b) in enumerate(zip(weights, biases, strict=True)):
        constants += [numpy_helper.from_array(w, f"w{index}"), numpy_helper.from_array(b, f"b{index}")]
        nodes.append(helper.make_node("Gemm", [name, f"w{index}", f"b{index}"], [f"z{index}"]))
        nodes.append(helper.make_node("Relu", [f"z{index}"], [name := f"a{index}"]))
    nodes[-1] = helper.make_node("Softmax", [f"z{len(weights) - 1}"], ["p"], axis=1)
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, columns])
        for name, columns in (("x", call.layers[0]), ("p", call.layers[-1]))
    ]
    graph = helper.make_graph(nodes, "classifier", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    return model.SerializeToString()


class NumPy:
    """The formulas, written by hand, in place where NumPy can."""

    module = "numpy"

    def __init__(self, threads: int) -> None:
        pass  # its BLAS reads the environment

    def predict(self, call: Call) -> Callable[[], np.ndarray]:
        """Products, biases, relu and softmax."""
        X, weights, biases = call.data()
        *hidden, last = zip(weights, biases, strict=True)

        def predict():
            a = X
            for w, b in hidden:
                a = a @ w
                a += b
                np.maximum(a, 0, out=a)
            a = a @ last[0]
            a += last[1]
            a -= a.max(axis=1, keepdims=True)
            np.exp(a, out=a)
            a /= a.sum(axis=1, keepdims=True)
            return a

        return predict


class Peak:
    """Fused multiply-adds on registers alone, compiled for this machine by its C compiler."""

    module = "numpy"
    source = """
#if defined(__AVX512F__)
enum { bytes = 64, chains = 24 };
#elif defined(__AVX__)
enum { bytes = 32, chains = 12 };
#else
enum { bytes = 16, chains = 24 };
#endif
typedef float vector __attribute__((vector_size(bytes)));
#define EACH_CHAIN _Pragma("GCC unroll 24") for (int i = 0; i < chains; i++)

double operations(long rounds, float factor, float *sum) {
    vector sums[chains], factors = (vector){0} + factor;
    EACH_CHAIN sums[i] = (vector){0} + (float)i;
    for (long round = 0; round < rounds; round++)
        EACH_CHAIN sums[i] = sums[i] * factors + factors;
    EACH_CHAIN *sum += sums[i][0];
    return 2.0 * chains * (bytes / sizeof(float)) * rounds;
}
"""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder, "peak.so")
            command = [*shlex.split(os.environ.get("CC", "cc")), "-O3", "-march=native", "-ffp-contract=fast"]
            command += ["-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
            subprocess.run(command, input=self.source, text=True, check=True, capture_output=True)
            self.operations = ctypes.CDLL(str(library)).operations
        self.operations.restype = ctypes.c_double
        self.operations.argtypes = [ctypes.c_long, ctypes.c_float, ctypes.POINTER(ctypes.c_float)]

    def rate(self, seconds: float) -> float:
        """Operations a second of all threads together: the best of short runs."""
        best, end = 0.0, time.perf_counter() + seconds
        with ThreadPoolExecutor(self.threads) as pool:
            while (start := time.perf_counter()) < end:
                done = sum(
                    pool.map(lambda _: self.operations(1_000_000, 0.5, ctypes.c_float()), range(self.threads))
                )
                best = max(best, done / (time.perf_counter() - start))
        return best


LIBRARIES = {
    "ferroprop": Ferroprop,
    "float64": FerropropFloat64,
    "jax": Jax,
    "sklearn": ScikitLearn,
    "torch": PyTorch,
    "onnxruntime": OnnxRuntime,
    "numpy": NumPy,
    "peak": Peak,
}
TITLES = {
    "ferroprop": "ferroprop",
    "float64": "its float64",
    "jax": "JAX",
    "sklearn": "scikit-learn",
    "torch": "PyTorch",
    "onnxruntime": "ONNX Runtime",
    "numpy": "NumPy",
}


def _fastest(forms: Iterable[Callable[[], Trainer]]) -> Trainer:
    """Build the forms and keep the fastest, by the best of turns. A form that fails is left out."""
    trainers, failure = [], None
    for form in forms:
        try:
            trainer = form()
            trainer.run(1)
            trainers.append(trainer)
        except Exception as error:  # whatever a compiler may raise
            failure = error
    if not trainers:
        raise RuntimeError("no form works") from failure
    times = [[trainer.run(1) for trainer in trainers]]
    for _ in range(4 if max(times[0]) < 0.5 else 1):
        times.append([trainer.run(1) for trainer in trainers])
    best = np.min(times, axis=0)
    return trainers[int(best.argmin())]


# ------------------------------------------------------------------ the process of a library


class Measure:
    """What a process measures, one kind a method; it remembers the last thing that it set up."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.ready: tuple[str, Any] | None = None

    def set_up(self, name: str, build: Callable[[], Any]) -> Any:
        """Build something unless it is what was built last."""
        if self.ready is None or self.ready[0] != name:
            self.ready = None  # frees the memory first
            self.ready = name, build()
            self.runs = 1
        return self.ready[1]

    def train(self, name: str, seconds: float) -> float | None:
        """Seconds a step of a workload; of the peak, operations a second."""
        if isinstance(self.library, Peak):
            return self.library.rate(seconds)
        workload = WORKLOADS[name]
        trainer = self.set_up(name, lambda: self.library.trainer(workload))
        if trainer is None:
            return None
        while True:
            if trainer.starts_up:  # the same in one run and in many, so the difference is without it
                span = -trainer.run(1) + trainer.run(1 + self.runs)
            else:
                span = trainer.run(self.runs)
            if span >= seconds:
                return span / (self.runs * trainer.epochs * workload.steps)
            self.runs *= 2  # and so it stays for the next round

    def predict(self, name: str, seconds: float) -> list[float]:
        """Median and 99th percentile of the seconds that a call takes, the clock's own included."""
        call = CALLS[name]
        run = self.set_up(name, lambda: self.checked(call))
        times = _times(run, 20)
        times = _times(run, max(20, round(seconds / statistics.median(times))))
        return [float(np.median(times)), float(np.percentile(times, 99))]

    def checked(self, call: Call) -> Callable[[], Any]:
        """Prepare a call, and compare its answer with the formulas'."""
        run = getattr(self.library, call.function)(call)
        answer = np.reshape(run(), (call.rows, call.layers[-1]))
        np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-5)
        if call.function == "predict":
            np.testing.assert_allclose(answer, NumPy(1).predict(call)(), rtol=1e-3, atol=1e-6)
        return run


def _times(run: Callable[[], Any], n: int) -> np.ndarray:
    """Seconds of each of n calls in a row."""
    clock, stamps = time.perf_counter_ns, []
    for _ in itertools.repeat(None, n):
        stamps.append(clock())
        run()
    stamps.append(clock())
    return np.diff(stamps) / 1e9


def serve(library: str, threads: int) -> None:
    """Answer requests, a line of JSON each, until there are no more."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    warnings.simplefilter("ignore")
    try:
        measure = Measure(LIBRARIES[library](threads))
    except Exception as error:  # an import, a compiler: the others can go on
        measure, failure = None, f"{type(error).__name__}: {error}"
    for line in sys.stdin:
        try:
            if measure is None:
                raise RuntimeError(failure)
            kind, name, seconds = json.loads(line)
            answer = {"value": getattr(measure, kind)(name, seconds)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        time.sleep(0.03)  # threads that wait for more work spin for a while: not in the next one's time
        print(json.dumps(answer), file=answers)


# ------------------------------------------------------------------ the run


class Worker:
    """A library in a process of its own."""

    def __init__(self, library: str, threads: int) -> None:
        self.library = library
        self.threads = threads
        self.failed: set[str] = set()
        limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", library, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **dict.fromkeys(limits, str(threads)), "TF_CPP_MIN_LOG_LEVEL": "3"},
        )

    def ask(self, kind: str, name: str, seconds: float) -> Any:
        """Let it measure. A failure is reported once and then counts as no answer."""
        if name in self.failed:
            return None
        self.process.stdin.write(json.dumps([kind, name, seconds]) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or '{"error": "the process died"}')
        if "error" in answer:
            self.failed.add(name)
            print(f"{self.library}, {self.threads} threads, {name}: {answer['error']}", file=sys.stderr)
        return answer.get("value")

    def close(self) -> None:
        """Let the process end."""
        self.process.stdin.close()
        self.process.wait()


def installed() -> list[str]:
    """Name the libraries that this Python can import."""
    return [name for name, library in LIBRARIES.items() if importlib.util.find_spec(library.module)]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure everything and return every round's numbers."""
    results: dict[str, Any] = {"machine": machine(), "threads": options.threads, "training": {}, "calls": {}}
    libraries = [name for name in installed() if name != "peak" or options.peak is None]
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(contextlib.closing(Worker(library, threads)))
            for threads in options.threads
            for library in libraries
            if threads == 1 or LIBRARIES[library] not in (OnnxRuntime, NumPy)
        ]
        for name in options.workloads:
            if name == "inference":
                results["calls"] = {call.name: predict_in_turns(call, workers, options) for call in _CALLS}
            else:
                results["training"][name] = train_in_turns(name, workers, options)
            if options.json:  # after each, so that a run that is cut short was not for nothing
                options.json.write_text(json.dumps(results) + "\n")
    return results


def train_in_turns(name: str, workers: list[Worker], options: argparse.Namespace) -> dict[str, Any]:
    """Seconds a step, one list a number of threads and library; the peak in operations a second."""
    rounds: dict[str, Any] = {str(threads): {} for threads in options.threads}
    workers = [worker for worker in workers if worker.library not in ("onnxruntime", "numpy")]
    for worker, values in in_turns("train", name, workers, options):
        rounds[str(worker.threads)][worker.library] = values
    if options.peak:
        for threads in options.threads:
            rounds[str(threads)]["peak"] = [threads * options.peak * 1e9] * options.rounds
    return rounds


def predict_in_turns(call: Call, workers: list[Worker], options: argparse.Namespace) -> dict[str, Any]:
    """Median and 99th percentile of the seconds a call, one list a library."""
    libraries = ("ferroprop", *PEERS[call.function])
    alone = [worker for worker in workers if worker.threads == 1 and worker.library in libraries]
    return {worker.library: values for worker, values in in_turns("predict", call.name, alone, options)}


def in_turns(
    kind: str, name: str, workers: list[Worker], options: argparse.Namespace
) -> Iterable[tuple[Worker, list[Any]]]:
    """Let the workers measure, in one order and then in the other; the first round only warms up."""
    print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
    start = time.perf_counter()
    answers: dict[Worker, list[Any]] = {
        worker: [] for worker in workers if worker.ask(kind, name, options.seconds) is not None
    }
    for turn in range(options.rounds):
        for worker in reversed(answers) if turn % 2 else answers:
            answers[worker].append(worker.ask(kind, name, options.seconds))
    print(f"{time.perf_counter() - start:.0f} s", file=sys.stderr)
    return [(worker, values) for worker, values in answers.items() if None not in values]


def machine() -> dict[str, Any]:
    """Describe the processor, and the versions of the libraries."""
    processor = "unknown processor"
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(
            (line.split(":")[1].strip() for line in lines if line.startswith("model name")), processor
        )
    names = ["ferroprop", "jax", "scikit-learn", "torch", "onnxruntime", "numpy"]
    versions = {}
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
        "versions": versions,
    }


# ------------------------------------------------------------------ the report


class Ratio(NamedTuple):
    """A ratio of two measurements in the same rounds: median, lowest and highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, above: list[float], below: list[float]) -> Self:
        """Divide round by round."""
        ratios = [a / b for a, b in zip(above, below, strict=True)]
        return cls(statistics.median(ratios), min(ratios), max(ratios))

    def judged(self, goal: float) -> str:
        """Write it out, with whether it reaches a goal."""
        verdict = "met" if self.median >= goal else "MISSED"
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f}) {verdict}"


def report(results: dict[str, Any]) -> str:
    """Put everything into words."""
    about = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    parts = [f"{about['processor']}, {about['cores']} cores; Python {about['python']}, {versions}"]
    if results["training"]:
        parts += [training_table(results, threads) for threads in results["threads"]]
    if results["calls"]:
        parts.append(calls_table(results))
    parts.append(goals_table(results))
    return "\n\n".join(parts)


def training_table(results: dict[str, Any], threads: int) -> str:
    """Microseconds a step."""
    measured = {name: rounds[str(threads)] for name, rounds in results["training"].items()}
    present = [name for name in TITLES if any(name in libraries for libraries in measured.values())]
    head = ["workload", *(TITLES[name] for name in present), "GFLOP/s", "peak", "share"]
    rows = [[name, *training_cells(WORKLOADS[name], times, present)] for name, times in measured.items()]
    title = f"Training on {plural(threads)}: microseconds a step, and half the range over the rounds"
    return f"{title}\n\n{table([head, *rows])}"


def training_cells(workload: Workload, times: dict[str, list[float]], present: list[str]) -> list[str]:
    """Fill a row of the table."""
    cells = [with_spread(times[library]) if library in times else "" for library in present]
    rates = [workload.operations / seconds for seconds in times["ferroprop"]]
    cells.append(f"{statistics.median(rates) / 1e9:.1f}")
    if "peak" in times:
        cells += [
            f"{statistics.median(times['peak']) / 1e9:.0f}",
            f"{Ratio.of(rates, times['peak']).median:.0%}",
        ]
    return cells


def calls_table(results: dict[str, Any]) -> str:
    """Microseconds a call."""
    present = [name for name in TITLES if any(name in libraries for libraries in results["calls"].values())]
    rows = [["call", *(TITLES[name] for name in present)]]
    for name, libraries in results["calls"].items():
        rows.append([name])
        for library in present:
            medians = np.median(libraries[library], axis=0) * 1e6 if library in libraries else []
            rows[-1].append(" / ".join(map(digits, medians)))
    return f"Inference on 1 thread: microseconds a call, median / 99th percentile\n\n{table(rows)}"


def goals_table(results: dict[str, Any]) -> str:
    """Ratios beside what was asked for."""
    rows = [["goal", "at least", *map(plural, results["threads"])]]
    for name, rounds in results["training"].items():
        by_threads = [training_ratios(WORKLOADS[name], rounds, threads) for threads in results["threads"]]
        for what, goal in named_goals(WORKLOADS[name].goals):
            cells = [ratios[what].judged(goal) if what in ratios else "" for ratios in by_threads]
            rows += [[f"{name}: {what}", f"{goal:g}", *cells]] if any(cells) else []
    for name, libraries in results["calls"].items():
        peer, goal = PEERS[CALLS[name].function][0], CALLS[name].goal
        if goal is not None and peer in libraries:
            ratio = Ratio.of(*([median for median, _ in libraries[key]] for key in (peer, "ferroprop")))
            rows.append([f"{name}: {TITLES[peer]} / ours", f"{goal:g}", ratio.judged(goal)])
    return f"Goals: the median of each round's ratio (lowest to highest)\n\n{table(rows)}"


def named_goals(goals: Goals) -> list[tuple[str, float]]:
    """Give the goals the names of the ratios."""
    names = ("JAX / ours", "scikit-learn / ours", "FLOP/s / peak", "1 thread / these", "float32 / float64")
    return [(name, goal) for name, goal in zip(names, goals, strict=True) if goal is not None]


def training_ratios(workload: Workload, rounds: dict[str, Any], threads: int) -> dict[str, Ratio]:
    """Divide what was measured with so many threads."""
    times = rounds[str(threads)]
    ours = times["ferroprop"]
    ratios = {
        f"{TITLES[peer]} / ours": Ratio.of(times[peer], ours) for peer in ("jax", "sklearn") if peer in times
    }
    if "peak" in times:
        ratios["FLOP/s / peak"] = Ratio.of([workload.operations / seconds for seconds in ours], times["peak"])
    if threads > 1 and "1" in rounds:
        ratios["1 thread / these"] = Ratio.of(rounds["1"]["ferroprop"], ours)
    if "float64" in times:
        ratios["float32 / float64"] = Ratio.of(ours, times["float64"])
    return ratios


def table(rows: list[list[str]]) -> str:
    """Align columns: the first to the left, the others to the right."""
    width = max(map(len, rows))
    rows = [row + [""] * (width - len(row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(width)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in [lines[0], "-" * len(lines[0]), *lines[1:]])


def with_spread(seconds: list[float]) -> str:
    """Write a median in microseconds with half its range in percent."""
    median = statistics.median(seconds)
    return f"{digits(median * 1e6)} ±{(max(seconds) - min(seconds)) / 2 / median:.0%}"


def digits(number: float) -> str:
    """Three digits that count, or all before the point."""
    return f"{number:,.{2 if number < 10 else 1 if number < 100 else 0}f}"


def short(number: float) -> str:
    """Write a number for the room over a bar, thousands as k."""
    return digits(number) if number < 10_000 else f"{number / 1000:,.0f}k"


def plural(threads: int) -> str:
    """Write a number of threads."""
    return f"{threads} thread{'s' if threads > 1 else ''}"


# ------------------------------------------------------------------ the picture

Groups = dict[str, dict[str, float]]  # a group of bars: library and microseconds
COLORS = {
    "ferroprop": "#b7410e",
    "jax": "#3b6fb6",
    "sklearn": "#f0a63c",
    "torch": "#8e6bb0",
    "onnxruntime": "#3d9a8b",
    "numpy": "#9aa5b1",
}


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw a panel a number of threads, and one for each kind of call."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = [*training_panels(results), *calls_panels(results)]
    rows = -(-len(panels) // 2)
    figure, axes = plt.subplots(
        rows, 2, figsize=(15, 5 * rows), sharey="row", squeeze=False, layout="constrained", dpi=110
    )
    for axis, (title, groups) in itertools.zip_longest(axes.flat, panels, fillvalue=(None, None)):
        draw_panel(axis, title, groups)
    handles = {
        label: h for axis in axes.flat for h, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=len(handles), frameon=False)
    figure.supxlabel(
        "Lower is faster. Above our bars: microseconds; above the others: how many times ours.",
        fontsize=10,
        color="#555555",
    )
    figure.savefig(path)


def training_panels(results: dict[str, Any]) -> Iterator[tuple[str, Groups]]:
    """Yield titles and microseconds a step."""
    for threads in results["threads"] if results["training"] else ():
        times = {name: rounds[str(threads)] for name, rounds in results["training"].items()}
        yield f"Training step, {plural(threads)}", microseconds(times, np.median)


def calls_panels(results: dict[str, Any]) -> Iterator[tuple[str, Groups]]:
    """Yield titles and microseconds a call."""
    for function, title in (("predict", "Prediction"), ("predict_proba", "Classifier's predict_proba")):
        calls = {name: times for name, times in results["calls"].items() if CALLS[name].function == function}
        if calls:
            named = {CALLS[name].network.replace(", ", "\n"): times for name, times in calls.items()}
            yield f"{title}, 1 thread", microseconds(named, lambda rounds: np.median(rounds, axis=0)[0])


def microseconds(groups: dict[str, Any], summary: Callable[[Any], float]) -> Groups:
    """Reduce the rounds of the libraries that have a colour."""
    return {
        group: {name: summary(times[name]) * 1e6 for name in COLORS if name in times}
        for group, times in groups.items()
    }


def draw_panel(axis: Any, title: str | None, groups: Groups | None) -> None:
    """Draw groups of bars, ours labelled with microseconds, the others with how many times ours."""
    if not groups:
        axis.set_axis_off()
        return
    present = [name for name in COLORS if any(name in group for group in groups.values())]
    seen: set[str] = set()
    for place, group in enumerate(groups.values()):
        width = 0.84 / max(3, len(present))
        for slot, (name, value) in enumerate(group.items()):
            x = place + (slot - (len(group) - 1) / 2) * width
            axis.bar(x, value, width * 0.92, color=COLORS[name], label=None if name in seen else TITLES[name])
            seen.add(name)
            ours = group.get("ferroprop", value)
            times = ".0f" if value >= 10 * ours else ".2g"
            text = short(value) if name == "ferroprop" else f"{value / ours:{times}}\N{MULTIPLICATION SIGN}"
            weight = "bold" if name == "ferroprop" else "normal"
            label = {"textcoords": "offset points", "ha": "center", "fontsize": 7.5, "fontweight": weight}
            axis.annotate(text, (x, value), (0, 2), **label)
    axis.set_xticks(range(len(groups)), groups)
    axis.set_yscale("log")
    axis.set_title(title, loc="left", fontweight="bold")
    axis.set_ylabel("microseconds")
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(axis="x", length=0)


# ------------------------------------------------------------------ the command


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    names = [*WORKLOADS, "inference"]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", default="1,2", help="numbers of threads, with commas [%(default)s]")
    parser.add_argument("--rounds", type=int, help="rounds taken in turn [7]")
    parser.add_argument("--seconds", type=float, help="seconds a round and library, at least [0.2]")
    parser.add_argument("--workloads", help=f"some of {','.join(names)}")
    parser.add_argument(
        "--quick", action="store_true", help="3 short rounds, without the two large workloads"
    )
    parser.add_argument("--peak", type=float, metavar="GFLOPS", help="a core's peak, instead of measuring it")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the times")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers of all rounds")
    parser.add_argument("--show", type=Path, metavar="FILE", help="measure nothing, report what --json wrote")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    small = [name for name in names if not options.quick or name not in {"mnist-full", "wide"}]
    chosen = options.workloads.split(",") if options.workloads else small
    options.threads = sorted({int(threads) for threads in options.threads.split(",")})
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.seconds = options.seconds or (0.05 if options.quick else 0.2)
    options.workloads = [name for name in names if name in chosen]
    if unknown := set(chosen) - set(names):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    if not 1 <= options.threads[0] <= options.threads[-1] <= cores:
        parser.error(f"--threads: from 1 to the {cores} cores that this process may use")
    return options


def main() -> None:
    """Measure, or read what was measured; then report."""
    options = parse()
    if options.serve:
        serve(options.serve[0], int(options.serve[1]))
        return
    if options.show:
        results = json.loads(options.show.read_text())
    else:
        missing = [TITLES[name] for name in TITLES if name not in installed()]
        print(*(f"{name} is not installed: left out" for name in missing), sep="\n", file=sys.stderr)
        results = run(options)
    print(report(results))
    if options.picture:
        draw(results, options.picture)


if __name__ == "__main__":
    main()
