"""The libraries, each in the fastest of its forms that were tried."""

import ctypes
import itertools
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .workloads import LONGEST, Call, Workload, parameters

# The learning rate of the workloads with stochastic gradient descent.
RATE = 0.01


class Trainer(NamedTuple):
    """How a library trains: `run(n)` trains anew for n times so many epochs and returns the seconds."""

    run: Callable[[int], float]
    epochs: int = 1
    starts_up: bool = False


class Ferroprop:
    """`train` and `Network.predict`; `MLPClassifier.predict_proba`."""

    module = "ferroprop"

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def dtype(self, workload: Workload) -> str | None:
        """Name the number type; None for nothing to measure."""
        return workload.dtype

    def trainer(self, workload: Workload) -> Trainer | None:
        """Train a copy of one network in one call."""
        dtype = self.dtype(workload)
        if dtype is None:
            return None
        import ferroprop as fp

        X, Y = (array.astype(dtype) for array in workload.data())
        network = fp.Network(
            workload.layers, activation=workload.activation, output_activation=workload.output, dtype=dtype
        )
        optimizers = {"rprop": fp.Rprop, "adam": fp.Adam, "sgd": partial(fp.SGD, RATE)}

        def run(epochs: int) -> float:
            history = fp.train(
                network.copy(),
                X,
                Y,
                loss="log_loss" if workload.classifies else "squared_error",
                optimizer=optimizers[workload.optimizer](),
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
        network = fp.Network(call.layers, activation="relu", output_activation="softmax")
        network.set_parameters(weights, biases)
        return partial(network.predict, X)

    def predict_proba(self, call: Call) -> Callable[[], np.ndarray]:
        """One call of `MLPClassifier.predict_proba`."""
        import ferroprop as fp

        return _fitted(fp.MLPClassifier, call)


class FerropropFloat64(Ferroprop):
    """The same in double precision, where the workload is in single."""

    def dtype(self, workload: Workload) -> str | None:
        """Name double precision, or nothing to measure."""
        return "float64" if workload.dtype == "float32" else None


class Jax:
    """One jitted scan over an epoch; for full batches, over many."""

    module = "jax"

    def __init__(self, threads: int) -> None:
        import jax  # its pool has a thread a core of the process

        jax.config.update("jax_enable_x64", True)

    def trainer(self, workload: Workload) -> Trainer:
        """Choose among parameters in one vector or one array a layer, with XLA's two sets of products."""
        forms = itertools.product((True, False), ({}, {"xla_cpu_experimental_ynn_fusion_type": ""}))
        return _fastest(partial(self.form, workload, flat, options) for flat, options in forms)

    def form(self, workload: Workload, flat: bool, options: dict[str, str]) -> Trainer:
        """Compile one form."""
        import jax
        import jax.numpy as jnp
        from jax.flatten_util import ravel_pytree

        layers = parameters(workload.layers, workload.dtype)
        vector, restore = ravel_pytree(layers)
        initial = vector if flat else jax.tree.map(jnp.asarray, layers)
        X, Y = map(jnp.asarray, workload.data())
        gradient = jax.grad(_jax_loss(workload, restore if flat else lambda layers: layers))
        state, update = _JAX_RULES[workload.optimizer](initial)

        def step(carry, rows):
            x, y = (X, Y) if rows is None else (X[rows], Y[rows])
            parameters, state = carry
            return update(parameters, state, gradient(parameters, x, y)), None

        epochs = max(1, min(LONGEST, int(1e9 / workload.operations))) if workload.full_batch else 1
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

    activation = getattr(jax.nn, _NAMES.get(workload.activation, workload.activation))

    def loss(parameters, x, y):
        *hidden, (weights, biases) = restore(parameters)
        for w, b in hidden:
            x = activation(x @ w + b)
        z = x @ weights + biases
        if workload.classifies:
            return jnp.mean(jax.nn.logsumexp(z, axis=1) - jnp.sum(y * z, axis=1))
        outputs = jax.nn.sigmoid(z) if workload.reconstructs else z
        return jnp.mean((outputs - y) ** 2) / 2

    return loss


def _jax_sgd(parameters: Any) -> tuple[Any, Callable]:
    """Nesterov's momentum 0.9, as ours."""
    import jax
    import jax.numpy as jnp

    def update(parameters, velocity, gradient):
        velocity = jax.tree.map(lambda v, g: 0.9 * v - RATE * g, velocity, gradient)
        move = lambda p, v, g: p + 0.9 * v - RATE * g  # noqa: E731
        return jax.tree.map(move, parameters, velocity, gradient), velocity

    return jax.tree.map(jnp.zeros_like, parameters), update


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


_JAX_RULES = {"rprop": _jax_rprop, "adam": _jax_adam, "sgd": _jax_sgd}
# Their names of activations, where they differ from ours.
_NAMES = {"logistic": "sigmoid"}


class ScikitLearn:
    """`MLPClassifier` and `MLPRegressor`, with Adam where others have Rprop, which it has not."""

    module = "sklearn"

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def trainer(self, workload: Workload) -> Trainer | None:
        """Time `fit` with nothing that stops it early."""
        no_such = workload.optimizer == "rprop" or workload.reconstructs  # its regressor's outputs are linear
        if no_such and not workload.goals.sklearn:
            return None
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from threadpoolctl import threadpool_limits

        X, Y = workload.data()
        y = Y.argmax(axis=1) if workload.classifies else Y.squeeze()

        def run(epochs: int) -> float:
            model = (MLPClassifier if workload.classifies else MLPRegressor)(
                hidden_layer_sizes=workload.layers[1:-1],
                activation=workload.activation,
                solver="sgd" if workload.optimizer == "sgd" else "adam",
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
        forms = itertools.product(
            ({"fused": True}, {"foreach": True}), (False, True)
        )  # not all rules are fused
        return _fastest(partial(self.form, workload, options, compiled) for options, compiled in forms)

    def form(self, workload: Workload, options: dict[str, bool], compiled: bool) -> Trainer:
        """Build one form."""
        import torch

        X, Y = map(torch.from_numpy, workload.data())
        if workload.classifies:
            Y = Y.argmax(dim=1)
        criterion = torch.nn.CrossEntropyLoss() if workload.classifies else torch.nn.MSELoss()
        rule = {
            "rprop": torch.optim.Rprop,
            "adam": torch.optim.Adam,
            "sgd": partial(torch.optim.SGD, lr=RATE, momentum=0.9, nesterov=True),
        }[workload.optimizer]
        model = self.model(workload.layers, workload.activation).to(X.dtype)
        if workload.reconstructs:
            model.append(torch.nn.Sigmoid())
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

        function = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "logistic": torch.nn.Sigmoid}[activation]
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
    """What the machine can do, by code of its C compiler: multiply-adds on registers, reads of memory."""

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

double add_up(const float *numbers, long count) {
    vector sums[8] = {0};
    for (long i = 0; i < count; i += 8 * (bytes / sizeof(float)))
        _Pragma("GCC unroll 8") for (int j = 0; j < 8; j++)
            sums[j] += ((const vector *)(numbers + i))[j];
    float sum = 0;
    _Pragma("GCC unroll 8") for (int j = 0; j < 8; j++) sum += sums[j][0];
    return sum;
}
"""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder, "peak.so")
            command = [*shlex.split(os.environ.get("CC", "cc")), "-O3", "-march=native", "-ffp-contract=fast"]
            command += ["-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
            subprocess.run(command, input=self.source, text=True, check=True, capture_output=True)
            self.library = ctypes.CDLL(str(library))
        self.operations = self.library.operations
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

    def bandwidth(self) -> float:
        """Bytes per second that one thread reads from memory: the best of passes over 512 MB."""
        add_up = self.library.add_up
        add_up.restype, add_up.argtypes = ctypes.c_double, [ctypes.c_void_p, ctypes.c_long]
        numbers = np.ones((1 << 27) + 16, np.float32)
        first = numbers.ctypes.data % 64 and (64 - numbers.ctypes.data % 64) // 4
        numbers = numbers[first : first + (1 << 27)]
        times = []
        for _ in range(5):
            start = time.perf_counter()
            add_up(numbers.ctypes.data, numbers.size)
            times.append(time.perf_counter() - start)
        return numbers.nbytes / min(times)


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
