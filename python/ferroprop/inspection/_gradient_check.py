"""Comparing backpropagation with central differences."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ferroprop._core import Network, RecurrentNetwork
from ferroprop.inspection._double import Array, in_double, in_double_recurrent, require_network

EPSILON = float(np.finfo(np.float64).eps)
STEP = EPSILON ** (1 / 3)  # balances the error of the difference, step^2, with that of rounding, eps/step
LETTERS = {"weight": "W", "bias": "b", "recurrent weight": "U", "recurrent bias": "c"}
TOLERANCES = {"float64": 1e-6, "float32": 1e-3, "complex128": 1e-6, "complex64": 1e-3}


@dataclass(frozen=True)
class GradientError:
    """The derivative by one parameter, computed in two ways.

    Attributes
    ----------
    layer : int
        1 for the first layer of weights.
    kind : {"weight", "bias", "recurrent weight", "recurrent bias"}
        The kind of the parameter.
    from_unit : int or None
        The unit of the previous layer (or the input) that a weight leads from, for a recurrent weight a unit
        of this layer; None for a bias.
    to_unit : int
        The unit of this layer that the weight leads to, or whose bias it is; in a layer with gates the column
        of the array.
    part : {"real", "imaginary"} or None
        The part of a complex parameter; None for a real parameter.
    backpropagation : float
        The derivative from `Network.loss_and_gradients`.
    difference : float
        The central difference of the loss.
    relative_error : float
        The absolute difference of the two, divided by the larger absolute value. If both are so small that
        rounding alone could bring the quotient above the tolerance, a larger divisor prevents that.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.Network([1, 1], dtype="float64")
    >>> net.set_parameters([[[2.0]]], [[0.0]])
    >>> error = fp.check_gradients(net, [[3.0]], [[5.0]]).worst
    >>> error.layer, error.to_unit, error.relative_error < 1e-6
    (1, 0, True)
    """

    layer: int
    kind: str
    from_unit: int | None
    to_unit: int
    part: str | None
    backpropagation: float
    difference: float
    relative_error: float

    @property
    def name(self) -> str:
        """The parameter as `Trace` writes it: ``W1[0,2]`` or ``b1[2]``; of a complex one, ``Re W1[0,2]``.

        Recurrent weights are U, recurrent biases c.
        """
        letter = LETTERS[self.kind]
        name = (
            f"{letter}{self.layer}[{self.to_unit}]"
            if self.from_unit is None
            else f"{letter}{self.layer}[{self.from_unit},{self.to_unit}]"
        )
        return name if self.part is None else f"{self.part[:2].capitalize()} {name}"


@dataclass(frozen=True)
class GradientCheck:
    """The result of `check_gradients`; prints as a report.

    Attributes
    ----------
    errors : tuple of GradientError
        One for each checked parameter, the largest relative error first.
    n_parameters : int
        Number of parameters of the network; both parts of a complex parameter count.
    tolerance : float
        The largest relative error that counts as agreement.
    loss : float
        The loss at the network's parameters.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.Network([2, 3, 1], activation="tanh", dtype="float64")
    >>> check = fp.check_gradients(net, [[0.5, -1.0]], [[1.0]])
    >>> check.passed, len(check.errors)
    (True, 13)
    """

    errors: tuple[GradientError, ...]
    n_parameters: int
    tolerance: float
    loss: float

    @property
    def worst(self) -> GradientError:
        """The parameter with the largest relative error."""
        return self.errors[0]

    @property
    def passed(self) -> bool:
        """Whether every relative error is within the tolerance."""
        return self.worst.relative_error <= self.tolerance

    def __str__(self) -> str:
        count = len(self.errors)
        which = f"all {count}" if count == self.n_parameters else f"{count} of {self.n_parameters}"
        bad = sum(error.relative_error > self.tolerance for error in self.errors)
        verdict = "agree" if bad == 0 else f"DISAGREE on {bad}"
        worst = self.worst
        place = (
            f"{worst.kind} of unit {worst.to_unit}"
            if worst.from_unit is None
            else f"{worst.kind} from unit {worst.from_unit} to unit {worst.to_unit}"
        )
        lines = [
            f"Backpropagation and central differences {verdict}: {which} parameters, "
            f"tolerance {self.tolerance:g}",
            f"worst: {worst.name}, layer {worst.layer}, {place}",
            f"    backpropagation  {worst.backpropagation: .15e}",
            f"    difference       {worst.difference: .15e}",
            f"    relative error    {worst.relative_error:.1e}",
        ]
        return "\n".join(lines)

    __repr__ = __str__


def check_gradients(
    network: Network | RecurrentNetwork,
    X: Any,
    Y: Any,
    *,
    loss: Any = None,
    sample_weight: ArrayLike | Any = None,
    alpha: float = 0.0,
    washout: int = 0,
    noise_seed: int | None = None,
    max_parameters: int = 10_000,
    seed: int = 0,
) -> GradientCheck:
    """Compare the gradients of backpropagation with central differences of the loss.

    The loss is computed in float64 at each parameter plus and minus a small step, the gradients in the
    network's own dtype. If the loss has a kink within that step, as with ReLU, the two may differ although
    both are right; the difference is therefore computed again with steps 10 and 100 times as small if they
    disagree.

    Parameters
    ----------
    network : Network or RecurrentNetwork
        The network, which is not changed.
    X : array-like of shape (n, n_inputs)
        Rows of inputs; sequences, as its methods take them, for a `RecurrentNetwork`.
    Y : array-like of shape (n, n_outputs)
        Targets; likewise.
    loss : str or None, default=None
        As for `Network.loss_and_gradients`.
    sample_weight : array-like of shape (n,) or None, default=None
        Weight of each row.
    alpha : float, default=0.0
        Strength of the L2 penalty.
    washout : int, default=0
        As for `RecurrentNetwork.loss_and_gradients`.
    noise_seed : int or None, default=None
        As for `Network.loss_and_gradients`, for networks with stochastic units. With draws the two agree only
        for the estimator "concrete", because a draw of 0 or 1 has no derivative.
    max_parameters : int, default=10_000
        The largest number of parameters to check; if the network has more, this many are drawn. Each costs
        two passes over the rows.
    seed : int, default=0
        Seeds the draw of the parameters.

    Returns
    -------
    check : GradientCheck
        The errors, the worst first; ``print(check)`` shows it. The tolerance is 1e-6 for float64
        and complex128, 1e-3 for float32 and complex64.

    Raises
    ------
    ValueError
        If shapes do not fit, or numbers are not finite or outside the loss's domain.
    TypeError
        If an argument is of the wrong kind.

    References
    ----------
    C. M. Bishop, "Pattern Recognition and Machine Learning", Springer 2006, section 5.3.3.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.Network([2, 3, 1], activation="logistic", output_activation="logistic", dtype="float64")
    >>> check = fp.check_gradients(net, [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]])
    >>> check.passed
    True
    >>> print(str(check).splitlines()[0])
    Backpropagation and central differences agree: all 13 parameters, tolerance 1e-06
    """
    if isinstance(max_parameters, bool) or not isinstance(max_parameters, (int, np.integer)):
        raise TypeError(f"max_parameters must be an integer, got {type(max_parameters).__name__}")
    if max_parameters < 1:
        raise ValueError(f"max_parameters must be at least 1, got {max_parameters}")
    if isinstance(network, RecurrentNetwork):
        if noise_seed is not None:
            raise ValueError(f"noise_seed must be None for a recurrent network, got {noise_seed}")
        of_sequences = {"loss": loss, "sample_weight": sample_weight, "alpha": alpha, "washout": washout}
        return _check_recurrent(network, X, Y, of_sequences, int(max_parameters), seed)
    own = require_network(network).copy()
    if washout:
        raise ValueError(f"washout must be 0 for a network that is not recurrent, got {washout}")
    settings: dict[str, Any] = {
        "loss": loss,
        "sample_weight": sample_weight,
        "alpha": alpha,
        "noise_seed": noise_seed,
    }
    _, weight_gradients, bias_gradients = own.loss_and_gradients(X, Y, **settings)
    double = in_double(own)
    loss_here = double.loss_and_gradients(X, Y, **settings)[0]
    tolerance = TOLERANCES[str(own.dtype)]
    # Writable copies, in which one number at a time is changed; complex numbers as pairs of their parts.
    weights = [np.array(W) for W in double.weights]
    biases = [None if b is None else np.array(b) for b in double.biases]
    moved_weights = [_in_parts(W) for W in weights]
    moved_biases = [None if b is None else _in_parts(b) for b in biases]

    def loss_at(parameter: Array, place: tuple[int, ...], value: float) -> float:
        kept = parameter[place]
        parameter[place] = value
        try:
            double.set_parameters(weights, biases)
        finally:
            parameter[place] = kept
        return double.loss_and_gradients(X, Y, **settings)[0]

    errors = []
    complex_numbers = own.dtype.kind == "c"
    for layer, kind, place in _places(moved_weights, moved_biases, int(max_parameters), seed):
        parameter = moved_weights[layer] if kind == "weight" else moved_biases[layer]
        gradients = weight_gradients[layer] if kind == "weight" else bias_gradients[layer]
        if parameter is None or gradients is None:
            continue
        gradient = float(_in_parts(gradients)[place])
        difference, relative_error = _agreement(
            float(parameter[place]), gradient, partial(loss_at, parameter, place), loss_here, tolerance
        )
        errors.append(
            GradientError(
                layer=layer + 1,
                kind=kind,
                from_unit=place[0] if kind == "weight" else None,
                to_unit=place[-2] if complex_numbers else place[-1],
                part=("real", "imaginary")[place[-1]] if complex_numbers else None,
                backpropagation=gradient,
                difference=difference,
                relative_error=relative_error,
            )
        )
    errors.sort(key=lambda error: -error.relative_error)
    count = network.n_parameters * (2 if complex_numbers else 1)
    return GradientCheck(tuple(errors), count, tolerance, float(loss_here))


def _agreement(
    value: float, gradient: float, loss_at: Callable[[float], float], loss_here: float, tolerance: float
) -> tuple[float, float]:
    """Return the central difference of the loss at a parameter, and how far the gradient is from it."""
    best = (0.0, float("inf"))
    for smaller in (1.0, 0.1, 0.01):
        step = smaller * STEP * max(1.0, abs(value))
        above, below = value + step, value - step
        difference = (loss_at(above) - loss_at(below)) / (above - below)
        # Below this, rounding of the loss alone could make the relative error as large as the tolerance.
        undecided = 8 * EPSILON * max(abs(loss_here), 1e-3) / (above - below) / TOLERANCES["float64"]
        scale = max(abs(gradient), abs(difference), undecided)
        best = min(best, (difference, abs(gradient - difference) / scale), key=lambda pair: pair[1])
        if best[1] <= tolerance:
            break
    return best


def _check_recurrent(
    network: RecurrentNetwork, X: Any, Y: Any, settings: dict[str, Any], most: int, seed: int
) -> GradientCheck:
    _, gradient = network.loss_and_gradient_vector(X, Y, **settings)
    double = in_double_recurrent(network)
    vector = double.parameter_vector.copy()
    loss_here = double.loss_and_gradient_vector(X, Y, **settings)[0]
    tolerance = TOLERANCES[str(network.dtype)]
    lists: dict[str, list[Any]] = {
        "weight": network.weights,
        "recurrent weight": network.recurrent_weights,
        "bias": network.biases,
        "recurrent bias": network.recurrent_biases,
    }
    blocks = [
        (layer, kind, arrays[layer])
        for layer in range(len(network.bias))
        for kind, arrays in lists.items()
        if arrays[layer] is not None
    ]
    places = [(layer, kind, index) for layer, kind, array in blocks for index in np.ndindex(np.shape(array))]
    chosen: NDArray[np.intp] = np.arange(len(places))
    if len(places) > most:
        chosen = np.sort(np.random.default_rng(seed).choice(len(places), most, replace=False))

    def loss_at(flat: int, value: float) -> float:
        moved = vector.copy()
        moved[flat] = value
        double.set_parameter_vector(moved)
        return double.loss_and_gradient_vector(X, Y, **settings)[0]

    errors = []
    for flat in chosen.tolist():
        layer, kind, index = places[flat]
        of_core = float(gradient[flat])
        value = float(vector[flat])
        difference, relative_error = _agreement(value, of_core, partial(loss_at, flat), loss_here, tolerance)
        errors.append(
            GradientError(
                layer=layer + 1,
                kind=kind,
                from_unit=index[0] if len(index) == 2 else None,
                to_unit=index[-1],
                part=None,
                backpropagation=of_core,
                difference=difference,
                relative_error=relative_error,
            )
        )
    errors.sort(key=lambda error: -error.relative_error)
    return GradientCheck(tuple(errors), network.n_parameters, tolerance, float(loss_here))


def _in_parts(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return a view of complex numbers as their parts, along a last axis; real numbers as they are."""
    return (
        numbers.view(numbers.real.dtype).reshape(*numbers.shape, 2) if numbers.dtype.kind == "c" else numbers
    )


def _places(
    weights: list[Array], biases: list[Array | None], most: int, seed: int
) -> list[tuple[int, str, tuple[int, ...]]]:
    """Return the parameters to check: all, or the requested number, drawn without replacement."""
    blocks = [
        (layer, kind, array.shape)
        for layer, pair in enumerate(zip(weights, biases, strict=True))
        for kind, array in zip(("weight", "bias"), pair, strict=True)
        if array is not None
    ]
    sizes = [int(np.prod(shape)) for _, _, shape in blocks]
    total = sum(sizes)
    chosen: NDArray[np.intp] = np.arange(total)
    if total > most:
        chosen = np.sort(np.random.default_rng(seed).choice(total, most, replace=False))
    starts = np.cumsum([0, *sizes])
    places = []
    for flat in chosen:
        block = int(np.searchsorted(starts, flat, side="right")) - 1
        layer, kind, shape = blocks[block]
        index = np.unravel_index(int(flat - starts[block]), shape)
        places.append((layer, kind, tuple(int(part) for part in index)))
    return places
