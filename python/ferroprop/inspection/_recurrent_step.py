"""The numbers of one training step of a recurrent network, without a word about how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ferroprop.inspection._double import Array
from ferroprop.inspection._step import Update


@dataclass(frozen=True, eq=False)
class RecurrentLayerTrace:
    """A layer that recurs in one step: what it computed at every step of time, and what came back.

    Lists have an array for each sequence, of shape (time, units); all are in float64.

    Attributes
    ----------
    number : int
        1 for the first layer.
    cell : {"rnn", "lstm", "gru"}
        What it computes.
    activation : str or Activation
        The activation of an "rnn"; "tanh" of the others.
    weights, recurrent_weights, biases, recurrent_biases : ndarray or None
        As the attributes of `RecurrentNetwork`.
    gates : dict of str to list of ndarray
        What the gates give: "i", "f", "g", "o" of an "lstm"; "r", "z", "n" of a "gru", and "u", what n has
        from the step before. Empty for an "rnn".
    cells : list of ndarray or None
        The cells c of an "lstm".
    outputs : list of ndarray
        The outputs h.
    output_gradient : list of ndarray
        The derivative of the loss of a sequence, times the weights of its rows, with respect to each h, by
        all ways that lead from it to the loss. Its size over time is how far back learning reaches.
    delta : dict of str to list of ndarray
        The same with respect to the net inputs, of each gate; of an "rnn" under the name "z".
    weight_gradient, recurrent_weight_gradient, bias_gradient, recurrent_bias_gradient : ndarray or None
        The derivatives of the loss over all sequences.
    updates : dict of str to Update
        The changes that each optimizer would add to the parameters.

    See Also
    --------
    trace : Makes them.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.RecurrentNetwork([1, 1, 1], activation="identity", bias=False, dtype="float64")
    >>> net.set_parameters([[[1]], [[1]]], [[[0.5]], None], [None, None])
    >>> layer = fp.trace(net, [[[1.0], [0.0], [0.0]]], [[1.25]]).layers[0]
    >>> layer.outputs[0].ravel(), layer.output_gradient[0].ravel()
    (array([1.  , 0.5 , 0.25]), array([-0.25, -0.5 , -1.  ]))
    """

    number: int
    cell: str
    activation: Any
    weights: Array
    recurrent_weights: Array
    biases: Array | None
    recurrent_biases: Array | None
    gates: dict[str, list[Array]]
    cells: list[Array] | None
    outputs: list[Array]
    output_gradient: list[Array]
    delta: dict[str, list[Array]]
    weight_gradient: Array
    recurrent_weight_gradient: Array
    bias_gradient: Array | None
    recurrent_bias_gradient: Array | None
    updates: dict[str, Update] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RecurrentStep:
    """All numbers of one training step; `RecurrentTrace` says what they are, and shows them."""

    layers: tuple[RecurrentLayerTrace, ...]
    inputs: list[Array]
    targets: list[Array]
    outputs: list[Array]
    output_delta: list[Array]
    output_weights: Array
    output_biases: Array | None
    output_weight_gradient: Array
    output_bias_gradient: Array | None
    output_activation: Any
    returns: str
    loss_name: str
    loss: float
    row_losses: list[Array]
    weight_sum: float
    output_updates: dict[str, Update]
    optimizers: dict[str, Any]
    loss_function: Any = field(repr=False)
