"""The numbers of one training step, without a word about how they are shown."""

from dataclasses import dataclass, field
from typing import Any

from ferroprop.inspection._double import Array


@dataclass(frozen=True, eq=False)
class Update:
    """The changes that an optimizer would make to the parameters of a layer.

    Attributes
    ----------
    weights : ndarray of shape (fan_in, fan_out)
        The change of each weight, in units of the weights.
    biases : ndarray of shape (fan_out,) or None
        The change of each bias; None for a layer without biases.
    recurrent_weights, recurrent_biases : ndarray or None
        The changes of those of a `RecurrentNetwork`; None for a layer without.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.Network([1, 1], dtype="float64")
    >>> net.set_parameters([[[2.0]]], [[0.0]])
    >>> step = fp.trace(net, [[3.0]], [[5.0]], optimizers=fp.SGD(0.1, momentum=0.0))
    >>> step.layers[0].updates["SGD"].weights
    array([[-0.3]])
    """

    weights: Array
    biases: Array | None
    recurrent_weights: Array | None = None
    recurrent_biases: Array | None = None


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One layer in one step: its numbers on the way forward, and its derivatives on the way back.

    All arrays are in float64 (in complex networks complex128); n is the number of rows.

    Attributes
    ----------
    number : int
        1 for the first layer of weights.
    activation : str or Logistic
        The activation, as `Network` names it.
    inputs : ndarray of shape (n, fan_in)
        The outputs of the layer before, or X.
    weights : ndarray of shape (fan_in, fan_out)
        ``weights[i, j]`` leads from input i to unit j.
    biases : ndarray of shape (fan_out,) or None
        None for a layer without biases.
    net_input : ndarray of shape (n, fan_out)
        z, the weighted sum of the inputs, plus the bias.
    output : ndarray of shape (n, fan_out)
        a = f(z).
    derivative : ndarray of shape (n, fan_out), or (n, fan_out, fan_out) for softmax
        f'(z). A softmax output depends on every net input: ``derivative[r, i, j]`` is the derivative
        of output i with respect to net input j.
    delta : ndarray of shape (n, fan_out)
        The derivative of the row's loss with respect to z, times the row's weight.
    weight_gradient : ndarray of shape (fan_in, fan_out)
        The derivative of the loss with respect to the weights, over all rows.
    bias_gradient : ndarray of shape (fan_out,) or None
        The derivative of the loss with respect to the biases, over all rows.
    updates : dict of str to Update
        The changes that each optimizer would add to the parameters.
    conjugate_derivative : ndarray of shape (n, fan_out) or None
        In a complex network, the derivative of f with respect to the conjugate of z, while `derivative` is
        that with respect to z; a softmax output is differentiated with respect to its own z only. None in a
        real network.

    See Also
    --------
    trace : Returns the layers of a step.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.Network([1, 1], output_activation="logistic", dtype="float64")
    >>> net.set_parameters([[[1.0]]], [[0.0]])
    >>> layer = fp.trace(net, [[0.0]], [[1.0]], loss="squared_error").layers[0]
    >>> layer.net_input, layer.output, layer.derivative, layer.delta
    (array([[0.]]), array([[0.5]]), array([[0.25]]), array([[-0.125]]))
    """

    number: int
    activation: Any
    inputs: Array
    weights: Array
    biases: Array | None
    net_input: Array
    output: Array
    derivative: Array
    delta: Array
    weight_gradient: Array
    bias_gradient: Array | None
    updates: dict[str, Update] = field(default_factory=dict)
    conjugate_derivative: Array | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """All numbers of one training step; `Trace` says what they are, and shows them."""

    layers: tuple[LayerTrace, ...]
    inputs: Array
    targets: Array
    loss_name: str
    loss: float
    row_losses: Array
    penalty: float
    sample_weight: Array
    alpha: float
    optimizers: dict[str, Any]
    loss_function: Any = field(repr=False)

    @property
    def outputs(self) -> Array:
        """Outputs of the network, shape (n, n_outputs)."""
        return self.layers[-1].output
