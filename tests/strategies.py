"""What Hypothesis draws: networks with data to train them on, and ways to lay an array out in memory."""

import itertools
from dataclasses import dataclass, replace

import ferroprop as fp
import numpy as np
import reference
from hypothesis import assume
from hypothesis import strategies as st

# Around the widths of vectors and tiles, and around the row blocks in which gradients are summed.
LAYER_SIZES = st.one_of(st.integers(1, 9), st.sampled_from([15, 16, 17, 31, 32, 33, 48, 65]))
ROWS = st.one_of(st.integers(1, 20), st.sampled_from([40, 150, 255, 256, 257, 513]))
SLOPES = st.floats(0.25, 4.0, width=32)
SEEDS = st.integers(0, 2**32 - 1)


ALL_ACTIVATIONS = list(fp.ACTIVATIONS)
HIDDEN_ACTIVATIONS = [name for name in ALL_ACTIVATIONS if name != "softmax"]
ALL_LOSSES = list(fp.LOSSES)
CLASSICAL = ("identity", "logistic", "tanh", "relu")
# Those whose derivative has a jump, or whose formula has two parts.
KINKED = [name for name, entry in fp.ACTIVATIONS.items() if " if " in entry.derivative]

# The outputs of losses that do not go with all.
OUTPUTS = {name: list(loss.outputs) for name, loss in fp.LOSSES.items() if loss.outputs}


def number_in(domain):
    """Draw a number from the domain of a hyperparameter, none that makes gradients vanish or explode."""
    match domain:
        case "a positive number" | "0 or a positive number":
            return SLOPES
        case "from 0 to 1":
            return st.sampled_from([0.0, 0.125, 0.5])
        case "from 0 to 1, 1 excluded":
            return st.sampled_from([0.5, 0.9375])
        case "between 0 and 1, both excluded":
            return st.sampled_from([0.125, 0.5, 0.75])
        case "a finite number":
            return st.floats(-1.0, 1.0, width=32)
    raise AssertionError(f"no numbers are known for {domain!r}")


# Of each domain a number that is nobody's usual one.
UNUSUAL = {
    "a positive number": 0.375,
    "0 or a positive number": 0.25,
    "from 0 to 1": 0.2,
    "between 0 and 1, both excluded": 0.9,
    "a finite number": -0.25,
}


def unusual_objects(entries):
    """Return an object of each class, with hyperparameters that are not the usual ones."""
    with_class = [entry for entry in entries.values() if entry.cls is not None]
    return [entry.cls(*(UNUSUAL[one.domain] for one in entry.hyperparameters)) for entry in with_class]


@st.composite
def named(draw, entries, names):
    """Draw an activation or a loss as the library takes it: a name, or an object with hyperparameters."""
    entry = entries[draw(st.sampled_from(names))]
    if entry.cls is None or draw(st.booleans()):
        return entry.name
    return entry.cls(*(draw(number_in(one.domain)) for one in entry.hyperparameters))


def activations(names):
    """Draw an activation."""
    return named(fp.ACTIVATIONS, names)


def losses(names):
    """Draw a loss."""
    return named(fp.LOSSES, names)


def name_and_hyperparameters(value):
    """Return the two values by which the reference knows an activation or a loss."""
    if not isinstance(value, str):
        return value.name, value.hyperparameters
    entry = fp.ACTIVATIONS.get(value) or fp.LOSSES[value]
    return value, {one.name: one.default for one in entry.hyperparameters}


def steepness(activation):
    """Return a number by which net inputs of an activation are divided to be of the order of 1."""
    own = name_and_hyperparameters(activation)[1]
    return own.get("slope", own.get("c2", own.get("alpha", 1.0)))


def tolerance_of(dtype, n_layers):
    """Return the error allowed, relative to an array's largest entry."""
    return 1e-12 if dtype is np.float64 else 2e-6 * n_layers


def relative_error(actual, expected):
    """Return the largest difference, relative to the largest expected entry; 0 for equal arrays."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape
    if not (np.isfinite(actual).all() and np.isfinite(expected).all()):
        return np.inf
    error = np.abs(actual - expected).max()
    return 0.0 if error == 0 else float(error / np.abs(expected).max())


def flat_list(loss_and_gradients):
    """Return the loss and every gradient as one list of arrays, without the places of missing biases."""
    loss, weight_gradients, bias_gradients = loss_and_gradients
    return [loss, *weight_gradients, *(g for g in bias_gradients if g is not None)]


def assert_close(actual, expected, dtype, n_layers):
    """Hold each array to `tolerance_of`."""
    for position, (a, e) in enumerate(zip(actual, expected, strict=True)):
        error = relative_error(a, e)
        assert error <= tolerance_of(dtype, n_layers), f"array {position} is off by {error:.3g}:\n{a}\n{e}"


@dataclass(repr=False)
class Problem:
    """A network, data and a loss, with every number exactly representable in `dtype`."""

    dtype: type
    layer_sizes: list
    activation: object  # as the library takes it: for all hidden layers, or one per layer
    output: object
    bias: object
    loss: object  # as the library takes it
    alpha: float
    weights: list
    biases: list
    X: np.ndarray
    Y: np.ndarray
    sample_weight: np.ndarray | None

    def __repr__(self):
        return (
            f"Problem({np.dtype(self.dtype)}, {self.layer_sizes}, activation={self.activation}, "
            f"output={self.output}, bias={self.bias}, loss={self.loss!r}, alpha={self.alpha}, "
            f"rows={len(self.X)}, weighted={self.sample_weight is not None})"
        )

    def _repr_pretty_(self, printer, cycle):
        printer.text(repr(self))

    @property
    def n_layers(self):
        return len(self.layer_sizes) - 1

    @property
    def keywords(self):
        """The arguments that `loss_and_gradients` and `train` share."""
        return {"loss": self.loss, "sample_weight": self.sample_weight, "alpha": self.alpha}

    def network(self):
        """Build the problem's network in the library."""
        network = fp.Network(
            self.layer_sizes,
            activation=self.activation,
            output_activation=self.output,
            bias=self.bias,
            dtype=np.dtype(self.dtype).name,
        )
        network.set_parameters(self.weights, self.biases)
        return network

    def layers(self, dtype=np.float64):
        """Build the problem's network in the reference."""
        hidden = (
            self.activation if isinstance(self.activation, list) else [self.activation] * (self.n_layers - 1)
        )
        return [
            reference.Layer(
                W.astype(dtype), None if b is None else b.astype(dtype), *name_and_hyperparameters(f)
            )
            for W, b, f in zip(self.weights, self.biases, [*hidden, self.output], strict=True)
        ]

    def data(self, dtype=np.float64):
        """X, Y and the sample weights for the reference."""
        weights = np.ones(len(self.X)) if self.sample_weight is None else self.sample_weight
        return self.X.astype(dtype), self.Y.astype(dtype), weights.astype(dtype)

    def reference_gradients(self, dtype=np.float64):
        """Return the loss and gradients as the reference has them."""
        X, Y, sample_weight = self.data(dtype)
        loss, hyperparameters = name_and_hyperparameters(self.loss)
        return reference.loss_and_gradients(
            self.layers(dtype), X, Y, loss, sample_weight, self.alpha, hyperparameters
        )

    def reference_answer(self, compute):
        """Return the list of arrays `compute(self, float64)`; drop the example if it is ill conditioned.

        `compute(problem, dtype)` has the reference compute in that precision. Well conditioned means that
        rounding uses up no more than an eighth of the tolerance: neither computing in the problem's own
        precision nor nudging every parameter and input by its last digit makes a greater difference. Where a
        sum cancels (a single output that hits its target, a saturated unit), two correct programs differ by
        more, and nothing can be tested; the largest entry of an array is rarely such a sum.
        """
        with np.errstate(all="ignore"):  # a training that diverges is dropped with the rest
            answer = compute(self, np.float64)
            others = [compute(self._nudged(seed), np.float64) for seed in range(2)]
            if self.dtype is np.float32:
                others.append(compute(self, np.float32))
        for other in others:
            errors = itertools.starmap(relative_error, zip(other, answer, strict=True))
            assume(max(errors) <= tolerance_of(self.dtype, self.n_layers) / 8)
        return answer

    def _nudged(self, seed):
        """Return the problem with each parameter and input up or down by one unit in the last place."""
        rng = np.random.default_rng(seed)
        unit = np.finfo(self.dtype).eps

        def nudge(array):
            return None if array is None else array * (1 + unit * rng.choice([-1.0, 1.0], array.shape))

        return replace(
            self, weights=[*map(nudge, self.weights)], biases=[*map(nudge, self.biases)], X=nudge(self.X)
        )


def _targets(rng, loss, output, shape, dtype):
    """Targets in the domain of the loss, hard (0 or 1) in half of the cases where it has one."""
    match fp.LOSSES[loss].targets:
        case "numbers from 0 on":
            return rng.poisson(2.0, size=shape).astype(dtype)
        case "-1 and 1":
            return rng.choice([-1, 1], size=shape).astype(dtype)
        case "any numbers":
            return rng.normal(size=shape).astype(dtype)
    hard = rng.random() < 0.5
    if output == "softmax":
        rows = np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]
        return (rows if hard else rng.dirichlet(np.ones(shape[1]), size=shape[0])).astype(dtype)
    return rng.integers(2, size=shape).astype(dtype) if hard else rng.random(shape).astype(dtype)


@st.composite
def problems(
    draw,
    dtypes=(np.float32, np.float64),
    hidden=CLASSICAL,
    outputs=("identity", "logistic", "softmax"),
    loss_names=("squared_error", "log_loss"),
    sizes=LAYER_SIZES,
    rows=ROWS,
):
    """Draw a network of 0 to 4 hidden layers, with parameters and data.

    The structure is drawn by Hypothesis, so that a failure shrinks to a small network; the numbers come from
    a drawn seed. Weights are scaled to net inputs of the order of 1: neither all linear nor all saturated.
    """
    dtype = draw(st.sampled_from(dtypes))
    layer_sizes = draw(st.lists(sizes, min_size=2, max_size=6))
    n_hidden = len(layer_sizes) - 2
    one = activations(names=hidden)
    activation = draw(one | st.lists(one, min_size=n_hidden, max_size=n_hidden))
    loss = draw(losses(names=loss_names))
    loss_name = name_and_hyperparameters(loss)[0]
    outputs = OUTPUTS.get(loss_name, outputs)
    output = draw(
        activations(names=outputs if layer_sizes[-1] > 1 else [n for n in outputs if n != "softmax"])
    )
    bias = draw(st.booleans() | st.lists(st.booleans(), min_size=n_hidden + 1, max_size=n_hidden + 1))
    n_rows = draw(rows)
    weighted = draw(st.booleans())
    alpha = draw(st.sampled_from([0.0, 2.0**-10, 0.5]))

    rng = np.random.default_rng(draw(SEEDS))
    per_layer = [activation] * n_hidden if not isinstance(activation, list) else activation
    bias_per_layer = [bias] * (n_hidden + 1) if isinstance(bias, bool) else bias
    weights, biases = [], []
    for position, (fan_in, fan_out) in enumerate(itertools.pairwise(layer_sizes)):
        slope = steepness([*per_layer, output][position])
        weights.append((rng.normal(size=(fan_in, fan_out)) / (slope * np.sqrt(fan_in))).astype(dtype))
        has_biases = bias_per_layer[position]
        biases.append((rng.normal(size=fan_out) / slope / 2).astype(dtype) if has_biases else None)
    sample_weight = rng.uniform(0.1, 3.0, n_rows).astype(dtype) if weighted else None
    if weighted and n_rows > 1:
        sample_weight[rng.integers(n_rows)] = 0
    return Problem(
        dtype=dtype,
        layer_sizes=layer_sizes,
        activation=activation,
        output=output,
        bias=bias,
        loss=loss,
        alpha=alpha,
        weights=weights,
        biases=biases,
        X=rng.normal(size=(n_rows, layer_sizes[0])).astype(dtype),
        Y=_targets(rng, loss_name, output, (n_rows, layer_sizes[-1]), dtype),
        sample_weight=sample_weight,
    )


def large_problems():
    """Draw networks and data large enough to be worth sharing between threads."""
    return problems(sizes=st.sampled_from([17, 48, 65, 130]), rows=st.sampled_from([255, 257, 700, 1100]))


# Layouts: the same numbers, elsewhere in memory --------------------------------------------------------


def _every_other(array):
    """Return a view of every second entry in each direction."""
    wide = np.full([2 * n for n in array.shape], 7, array.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def _backwards(array):
    """Return a view with negative strides."""
    turned = tuple(slice(None, None, -1) for _ in array.shape)
    return np.ascontiguousarray(array[turned])[turned]


def _read_only(array):
    frozen = array.copy()
    frozen.flags.writeable = False
    return frozen


def _columns_of_a_table(array):
    """Return some columns of a wider table."""
    return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(1, 2)])[..., 1:-2]


def _unaligned(array):
    """Return an array that starts one byte off, as in packed records."""
    data = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    data[...] = array
    return data


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": _every_other,
    "backwards": _backwards,
    "columns": _columns_of_a_table,
    "read-only": _read_only,
    "unaligned": _unaligned,
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "list": np.ndarray.tolist,
}
layouts = st.sampled_from(sorted(LAYOUTS)).map(LAYOUTS.get)
