"""One step of training as data."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike

from ferroprop._core import Network, RecurrentNetwork
from ferroprop.inspection._double import (
    Array,
    doubles,
    in_double,
    name_of,
    natural_loss,
    optional_doubles,
    require_network,
)
from ferroprop.inspection._draws import samples_of
from ferroprop.inspection._recurrent_trace import RecurrentTrace, trace_recurrent
from ferroprop.inspection._step import LayerTrace, Step
from ferroprop.inspection._updates import named, updates_of

if TYPE_CHECKING:
    from ferroprop.inspection._derivation import Part


@dataclass(frozen=True, eq=False)
class Trace(Step):
    """All numbers of one training step. ``print`` shows them as a derivation, a notebook typesets it.

    Attributes
    ----------
    layers : tuple of LayerTrace
        First layer first.
    inputs : ndarray of shape (n, n_inputs)
        X.
    targets : ndarray of shape (n, n_outputs)
        Y.
    loss_name : str
        The name of the loss.
    loss : float
        The loss over all rows: the weighted mean of the rows' losses, plus the penalty.
    row_losses : ndarray of shape (n,)
        The loss of each row, without its weight.
    penalty : float
        The L2 penalty, a part of `loss`.
    sample_weight : ndarray of shape (n,)
        The weight of each row.
    alpha : float
        Strength of the L2 penalty.
    optimizers : dict of str to optimizer
        The optimizers whose updates the layers hold.
    loss_function : str, object or callable
        The loss as it was given.

    See Also
    --------
    trace : Returns the trace of a step.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.Network([2, 1], init="uniform", init_range=0.0, dtype="float64")
    >>> step = fp.trace(net, [[1.0, 2.0]], [[3.0]])
    >>> step
    Trace(layer_sizes=[2, 1], rows=1, loss_name='squared_error', loss=4.5)
    >>> print(step)  # doctest: +ELLIPSIS
    One step of backpropagation: layers 2-1, squared_error, row 0 of 1
    ...
    """

    def text(self, row: int = 0, *, digits: int = 6, max_units: int = 4) -> str:
        """Derive the step for one row in plain text.

        Parameters
        ----------
        row : int, default=0
            The row of X that is followed through the layers.
        digits : int, default=6
            Significant digits of each number, from 1 to 17.
        max_units : int, default=4
            Number of units of each layer, and of terms of each sum, that are written out; the others are
            counted.

        Returns
        -------
        text : str
            The derivation.

        Raises
        ------
        ValueError
            If an argument is out of range.

        Examples
        --------
        >>> import ferroprop as fp
        >>> net = fp.Network([2, 1], init="uniform", init_range=0.0, dtype="float64")
        >>> text = fp.trace(net, [[1.0, 2.0]], [[3.0]]).text(digits=3)
        >>> [line for line in text.splitlines() if "E =" in line][-1].strip()
        'E = (3 - 0)²/2 = 4.5'
        """
        from ferroprop.inspection._derivation import as_text

        return as_text(self._parts(row, digits, max_units))

    def html(self, row: int = 0, *, digits: int = 6, max_units: int = 4) -> str:
        """Derive the step for one row in HTML with MathML, which browsers typeset without scripts.

        Parameters
        ----------
        row, digits, max_units : int
            As for `text`.

        Returns
        -------
        html : str
            A fragment for a page.

        Raises
        ------
        ValueError
            If an argument is out of range.

        Examples
        --------
        >>> import ferroprop as fp
        >>> net = fp.Network([2, 1], init="uniform", init_range=0.0, dtype="float64")
        >>> "<math" in fp.trace(net, [[1.0, 2.0]], [[3.0]]).html()
        True
        """
        from ferroprop.inspection._derivation import as_html

        return as_html(self._parts(row, digits, max_units))

    def _parts(self, row: int, digits: int, max_units: int) -> list["Part"]:
        # Imported when somebody reads a derivation, not with the package.
        from ferroprop.inspection._complex_derivation import derive_complex
        from ferroprop.inspection._derivation import derive

        is_complex = self.layers[0].weights.dtype.kind == "c"
        return (derive_complex if is_complex else derive)(self, row, digits, max_units)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        sizes = [self.inputs.shape[1], *(layer.weights.shape[1] for layer in self.layers)]
        return (
            f"Trace(layer_sizes={sizes}, rows={len(self.inputs)}, loss_name={self.loss_name!r}, "
            f"loss={self.loss:.6g})"
        )


@overload
def trace(
    network: RecurrentNetwork,
    X: Any,
    Y: Any,
    *,
    loss: Any = None,
    sample_weight: Any = None,
    alpha: float = 0.0,
    truncate: int | None = None,
    washout: int = 0,
    optimizers: Any = None,
) -> RecurrentTrace: ...
@overload
def trace(
    network: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: Any = None,
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
    noise_seed: int = 0,
    optimizers: Any = None,
) -> Trace: ...
def trace(
    network: Network | RecurrentNetwork,
    X: Any,
    Y: Any,
    *,
    loss: Any = None,
    sample_weight: Any = None,
    alpha: float = 0.0,
    truncate: int | None = None,
    washout: int = 0,
    noise_seed: int = 0,
    optimizers: Any = None,
) -> Trace | RecurrentTrace:
    """Take one training step apart: every number of the forward pass, the backward pass and the update.

    The network is not changed. The core computes the numbers in float64 (`Network.layer_values`), with the
    parameters that the network has; only the updates are computed in the network's own dtype.

    Parameters
    ----------
    network : Network or RecurrentNetwork
        The network.
    X : array-like of shape (n, n_inputs)
        Rows of inputs: all data, or a mini-batch. For a `RecurrentNetwork` sequences, as it takes them.
    Y : array-like of shape (n, n_outputs)
        Targets; likewise.
    loss : str, loss object, callable or None, default=None
        As for `Network.loss_and_gradients`.
    sample_weight : array-like of shape (n,) or None, default=None
        Weight of each row.
    alpha : float, default=0.0
        Strength of the L2 penalty.
    truncate, washout : int
        Of a `RecurrentNetwork`: as for its `loss_and_gradients`.
    noise_seed : int, default=0
        Seed of the draws of stochastic units; the step is the first one of a full-batch training with this
        seed. If the units have several samples, each row occurs that many times, one after the other, with
        its share of the weight.
    optimizers : optimizer or its name, sequence of them, mapping of names to them, or None, default=None
        The optimizers whose updates to show. A copy of each makes one step from its present state. None means
        one of each class with its defaults, except that SGD has no momentum.

    Returns
    -------
    trace : Trace or RecurrentTrace
        The step as data; ``print(trace)`` shows it as a derivation. That of a `RecurrentNetwork` is unrolled
        in time.

    Raises
    ------
    ValueError
        If shapes do not fit, or numbers are not finite or outside the loss's domain.
    TypeError
        If an argument is of the wrong kind.

    See Also
    --------
    check_gradients : Compares the gradients with central differences.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by
    back-propagating errors", Nature 323, 1986. The numbers of the example are M. Mazur's, "A step by
    step backpropagation example", 2015.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.Network([2, 2, 2], activation="logistic", output_activation="logistic", dtype="float64")
    >>> net.set_parameters(
    ...     [[[0.15, 0.25], [0.20, 0.30]], [[0.40, 0.50], [0.45, 0.55]]], [[0.35, 0.35], [0.60, 0.60]]
    ... )
    >>> step = fp.trace(net, [[0.05, 0.10]], [[0.01, 0.99]], loss="squared_error")
    >>> round(step.loss, 9)
    0.298371109
    >>> step.layers[1].delta.round(9)
    array([[ 0.13849856, -0.03809824]])
    """
    if isinstance(network, RecurrentNetwork):
        return trace_recurrent(network, X, Y, loss, sample_weight, alpha, truncate, washout, optimizers)
    double = in_double(require_network(network))
    if truncate is not None or washout != 0:
        raise ValueError("truncate and washout are for recurrent networks, got a Network")
    # This call checks all arguments, so the calls below need no checks.
    value, weight_gradients, bias_gradients = double.loss_and_gradients(
        X, Y, loss=loss, sample_weight=sample_weight, alpha=alpha, noise_seed=noise_seed
    )
    is_complex = double.dtype.kind == "c"
    inputs = np.asarray(X, double.dtype)
    targets = np.asarray(Y, np.result_type(np.asarray(Y), np.float64))
    row_weights = (
        np.ones(len(inputs)) if sample_weight is None else np.asarray(sample_weight, np.float64).copy()
    )
    by_name = named(optimizers)
    updates = updates_of(
        network, X, Y, by_name, loss=loss, sample_weight=sample_weight, alpha=alpha, seed=noise_seed
    )

    weights, biases = doubles(double.weights), optional_doubles(double.biases)
    activations = [*double.activations, double.output_activation]
    samples = samples_of(activations)
    if samples > 1:
        sample_weight = row_weights / samples
        inputs, targets = np.repeat(inputs, samples, axis=0), np.repeat(targets, samples, axis=0)
        row_weights = np.repeat(sample_weight, samples)
    loss_function = natural_loss(network) if loss is None else loss
    row_losses, values = double.layer_values(
        X, Y, loss=loss, sample_weight=sample_weight, noise_seed=noise_seed
    )
    layers = []
    for position, value_of_layer in enumerate(values):
        last = position == len(values) - 1
        derivative = doubles([value_of_layer.derivative])[0]
        conjugate_derivative = value_of_layer.conjugate_derivative
        if last and network.output_activation == "softmax" and not is_complex:
            derivative = _softmax_derivatives(doubles([value_of_layer.output])[0])
        layers.append(
            LayerTrace(
                number=position + 1,
                activation=activations[position],
                inputs=inputs if position == 0 else doubles([values[position - 1].output])[0],
                weights=weights[position],
                biases=biases[position],
                net_input=doubles([value_of_layer.net_input])[0],
                output=doubles([value_of_layer.output])[0],
                derivative=derivative,
                delta=doubles([value_of_layer.delta])[0],
                weight_gradient=doubles(weight_gradients)[position],
                bias_gradient=optional_doubles(bias_gradients)[position],
                updates=updates[position],
                conjugate_derivative=conjugate_derivative,
            )
        )

    return Trace(
        layers=tuple(layers),
        inputs=inputs,
        targets=targets,
        loss_name=name_of(loss_function),
        loss=value,
        row_losses=np.asarray(row_losses, np.float64),
        penalty=alpha * sum(float((np.abs(W) ** 2).sum()) for W in weights) / 2 / float(row_weights.sum()),
        sample_weight=row_weights,
        alpha=float(alpha),
        optimizers=by_name,
        loss_function=loss_function,
    )


def _softmax_derivatives(output: Array) -> Array:
    """Return the derivatives of each output with respect to all net inputs."""
    unit = np.eye(output.shape[1])
    derivatives: Array = output[:, :, None] * (unit - output[:, None, :])
    return derivatives
