"""Fits whose every bit is meant to be the same, and what they give as hashes.

The data are made from a hash function, not from a random generator that may change with its library, and
hold no number that float32 has to round. What a fit gives is a dictionary of SHA-256 sums of little-endian
bytes, so that a difference says by its key what differs: the first one in this order is the cause.
"""

import functools
import hashlib
import itertools
import math
import random
from dataclasses import dataclass, field, replace

import ferroprop as fp
import numpy as np


def rate_by_epoch(step):
    """Return a learning rate that falls epoch by epoch, of six epochs of three steps each."""
    return 0.001 + (0.005 - 0.001) * ((5 - (step - 1) // 3) / 5)


# Each with the settings that it needs to show what it does.
OPTIMIZERS = {
    "Rprop": (fp.Rprop(), {}),
    "RPROP+": (fp.Rprop("rprop+"), {}),
    "RPROP-": (fp.Rprop("rprop-"), {}),
    "iRPROP-": (fp.Rprop("irprop-", initial_step=(0.005, 0.02), min_step=0.0, seed=3), {}),
    "GRprop": (fp.GRprop(max_step=0.1), {}),
    "GRprop smallest step": (fp.GRprop(max_step=0.25, choice="smallest_step"), {}),
    "SARPROP": (fp.SARPROP(noise=0.05, weight_decay=0.01, seed=9), {}),
    "SGD": (fp.SGD(0.005), {}),
    "SGD classical": (fp.SGD(0.005, nesterov=False), {}),
    "SGD plain": (fp.SGD(0.005, momentum=0.0, nesterov=False), {}),
    "SGD linear": (fp.SGD(fp.Linear(0.005, final=0.001)), {}),
    "SGD by a function": (fp.SGD(rate_by_epoch), {}),
    "SGD invscaling": (fp.SGD(fp.InverseScaling(0.005)), {}),
    "SGD invscaling 0.3": (fp.SGD(fp.InverseScaling(0.005, power=0.3)), {}),
    # No epoch improves by this much, so the learning rate falls after each.
    "SGD adaptive": (fp.SGD(fp.Adaptive(0.005)), {"patience": 1, "tolerance": 10.0}),
    "Adam": (fp.Adam(0.01), {}),
    "AdamW": (fp.AdamW(0.01, weight_decay=0.25), {}),
    "Adam exponential": (fp.Adam(fp.Exponential(0.02, final=0.001, warm_up=0.2)), {}),
    "Adam one cycle": (fp.Adam(fp.OneCycle(0.02)), {}),
    "Adam adaptive": (fp.Adam(fp.Adaptive(0.01)), {"patience": 1, "tolerance": 10.0}),
    # The schedules say how many steps there are, whatever a call does of them.
    "AdamW schedules": (
        fp.AdamW(fp.Cosine(0.01, warm_up=0.125, steps=17), weight_decay=fp.Cosine(0.25, flat=0.5, steps=13)),
        {"dropout": fp.Cosine(0.25, flat=0.5, steps=15)},
    ),
    "Adam own constants": (fp.Adam(0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-4), {}),
}
# All others, as they usually are.
_CLASSES = {type(optimizer) for optimizer, _ in OPTIMIZERS.values()}
OTHERS = [name for name, entry in fp.OPTIMIZERS.items() if entry.cls not in _CLASSES]
OPTIMIZERS |= {name: (fp.OPTIMIZERS[name].cls(), {}) for name in OTHERS}

# Output activation and loss: of each way from one to the other, some.
OUTPUTS = [
    ("identity", "squared_error"),
    ("relu", "squared_error"),
    ("tanh", "squared_error"),
    ("logistic", "squared_error"),
    (fp.Logistic(0.5), "squared_error"),
    ("softmax", "squared_error"),
    ("logistic", "log_loss"),
    (fp.Logistic(2.5), "log_loss"),
    ("softmax", "log_loss"),
    ("softmax", fp.LogLoss(0.25)),
    ("silu", fp.Huber(0.5)),
    ("exp", "poisson"),
]

# Of those whose output does not tell the derivative, one stands for all.
ACTIVATIONS = ["identity", "logistic", fp.Logistic(2.5), "tanh", "relu", "gelu", fp.ELU(0.5)]


@functools.lru_cache(maxsize=64)
def numbers(label, *shape):
    """Return numbers from -2 to below 2, multiples of 2**-14; the same ones for ever."""
    digest = hashlib.shake_256(label.encode()).digest(2 * math.prod(shape))
    array = np.frombuffer(digest, "<i2").astype(np.float64).reshape(shape) / 2**14
    array.flags.writeable = False
    return array


def targets(label, rows, columns, output, loss):
    """Return targets in the domain of the loss; where they are probabilities, half of the rows are sure."""
    drawn = numbers(label, rows, columns)
    if loss == "poisson":
        return np.floor(np.abs(drawn) * 4)
    if loss in ("hinge", "squared_hinge"):
        return np.where(drawn < 0, -1.0, 1.0)
    if fp.LOSSES[getattr(loss, "name", loss)].targets != "numbers from 0 to 1":
        return drawn
    if output == "softmax":
        classes = np.arange(columns)
        first = (drawn[:, :1] * 2**14).astype(int) % columns
        share = np.where(np.arange(rows)[:, None] % 2, 1.0, 0.75)
        return share * (classes == first) + (1 - share) * (classes == (first + 1) % columns)
    unsure = np.round(np.abs(drawn) * 32) / 64
    return np.where(np.arange(rows)[:, None] % 2, np.round(unsure), unsure)


def sha256(*arrays):
    """Return the hash of the little-endian bytes of arrays of finite numbers; None counts as no number."""
    sha = hashlib.sha256()
    for array in map(np.asarray, (array for array in arrays if array is not None)):
        assert np.isfinite(array).all(), "hashes are for finite numbers: a NaN has no fixed bits"
        sha.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return sha.hexdigest()


def hash_of_parameters(network):
    return sha256(*network.weights, *network.biases)


def hash_of_gradients(loss_and_gradients):
    loss, weight_gradients, bias_gradients = loss_and_gradients
    return sha256(loss, *weight_gradients, *bias_gradients)


def hash_of_history(history):
    assert history.stop_reason in {"epochs", "patience"}
    courses = [history.loss, history.validation_loss, history.learning_rate]
    return sha256(*courses, history.best_epoch, history.epochs)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A network, data to train it on, and how."""

    layer_sizes: tuple[int, ...]
    rows: int
    dtype: str = "float32"  # complex types have numbers with imaginary parts
    activation: object = "tanh"
    output: object = "identity"
    bias: object = True
    init: str = "glorot"
    loss: str = "squared_error"
    optimizer: str = "Rprop"
    epochs: int = 3
    batch_size: int | None = None
    weighted: bool = False
    alpha: float = 0.0
    validation_rows: int = 0
    n_threads: int | None = None
    settings: dict = field(default_factory=dict)  # other arguments of train

    def network(self):
        return fp.Network(
            self.layer_sizes,
            activation=self.activation,
            output_activation=self.output,
            bias=self.bias,
            init=self.init,
            dtype=self.dtype,
            seed=3,
        )

    def data(self, label="", rows=None):
        """Return X, Y and the sample weights or None."""
        rows = rows or self.rows
        X = numbers(f"X{label}", rows, self.layer_sizes[0])
        Y = targets(f"Y{label}", rows, self.layer_sizes[-1], self.output, self.loss)
        # One row in a hundred or so weighs nothing.
        weights = np.maximum(numbers(f"weights{label}", rows) + 1.96, 0) if self.weighted else None
        real = "float64" if self.dtype in ("float64", "complex128") else "float32"
        if self.dtype != real:
            X = X + 1j * numbers(f"imaginary X{label}", *X.shape)
            if self.output not in ("abs", "softmax"):
                imaginary = targets(f"imaginary Y{label}", *Y.shape, self.output, self.loss)
                Y = Y + 1j * imaginary
        dtypes = [np.result_type(real, np.complex64) if np.iscomplexobj(array) else real for array in (X, Y)]
        arrays = zip((X, Y, weights), (*dtypes, real), strict=True)
        return [None if array is None else array.astype(dtype) for array, dtype in arrays]

    def arguments(self, lay_out=np.ascontiguousarray):
        """Return the positional and the other arguments of `train`, each array laid out in memory so."""
        X, Y, *weights = (array if array is None else lay_out(array) for array in self.data())
        keywords = {
            "loss": self.loss,
            "optimizer": OPTIMIZERS[self.optimizer][0],
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "sample_weight": weights[0],
            "alpha": self.alpha,
            "n_threads": self.n_threads,
            "seed": 5,
            **OPTIMIZERS[self.optimizer][1],
            **self.settings,
        }
        if self.validation_rows:
            validation = self.data(" of validation", self.validation_rows)
            keywords["validation"] = tuple(array if array is None else lay_out(array) for array in validation)
        return (X, Y), keywords

    def train(self, network=None, lay_out=np.ascontiguousarray, **changes):
        """Train the network, or a new one; return it with its history."""
        network = network or self.network()
        data, keywords = self.arguments(lay_out)
        return network, fp.train(network, *data, **{**keywords, **changes})

    def gradients(self, network, lay_out=np.ascontiguousarray, **changes):
        data, keywords = self.arguments(lay_out)
        kept = {name: keywords[name] for name in ("loss", "sample_weight", "alpha", "n_threads")}
        return network.loss_and_gradients(*data, **{**kept, **changes})

    def run(self, **changes):
        """Return the hashes of all that the fit gives."""
        fit = replace(self, **changes)
        network = fit.network()
        initial = hash_of_parameters(network)
        gradients = hash_of_gradients(fit.gradients(network))
        _, history = fit.train(network)
        return {
            "initial parameters": initial,
            "initial gradients": gradients,
            "history": hash_of_history(history),
            "parameters": hash_of_parameters(network),
            "predictions": sha256(network.predict(fit.data()[0], n_threads=fit.n_threads)),
        }


def random_fit(seed, most_rows=80, most_work=40_000):
    """Return a fit of any shape, size and kind; not the same one in every version of Python."""
    draw = random.Random(seed)
    sizes = [draw.choice([1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 48, 49, 64, 65, 97]) for _ in range(5)]
    sizes = sizes[: draw.randint(2, 5)]
    parameters = sum((fan_in + 1) * fan_out for fan_in, fan_out in itertools.pairwise(sizes))
    rows = draw.randint(1, max(1, min(most_rows, most_work // parameters)))
    output, loss = draw.choice(OUTPUTS)
    # Small steps: no shape diverges, and a wrong bit stays one.
    optimizer = draw.choice(
        ["Rprop", "SGD linear", "Adam", "RPROP+", "RPROP-", "iRPROP-", "GRprop", "SARPROP"]
    )
    return Fit(
        layer_sizes=tuple(sizes),
        rows=rows,
        dtype=draw.choice(["float32", "float64"]),
        activation=[draw.choice(ACTIVATIONS) for _ in sizes[2:]],
        output=output,
        bias=[draw.random() < 0.8 for _ in sizes[1:]],
        loss=loss,
        # The steps of the others grow, and e^x with them.
        optimizer="Adam" if output == "exp" else optimizer,
        epochs=draw.randint(1, 3),
        batch_size=draw.choice([None, None, draw.randint(1, rows)]),
        weighted=rows > 5 and draw.random() < 0.5,
        alpha=draw.choice([0.0, 0.01]),
        validation_rows=draw.choice([0, draw.randint(1, rows)]),
    )
