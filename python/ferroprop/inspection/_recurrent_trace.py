"""One step of a recurrent network as data, unrolled in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ferroprop._core import RecurrentNetwork
from ferroprop.inspection._double import (
    Array,
    doubles,
    in_double_recurrent,
    name_of,
    natural_loss,
    optional_doubles,
)
from ferroprop.inspection._recurrent_step import RecurrentLayerTrace, RecurrentStep
from ferroprop.inspection._updates import named, updates_of

GATES = {"rnn": (), "lstm": ("i", "f", "g", "o"), "gru": ("u", "r", "z", "n")}


@dataclass(frozen=True, eq=False)
class RecurrentTrace(RecurrentStep):
    """All numbers of one training step of a recurrent network. ``print`` shows them, time by time.

    Attributes
    ----------
    layers : tuple of RecurrentLayerTrace
        The layers that recur, the first one first.
    inputs, targets : list of ndarray
        Those of each sequence.
    outputs : list of ndarray of shape (rows, n_outputs)
        Of each sequence; rows are its last step, or all its steps.
    output_delta : list of ndarray of shape (rows, n_outputs)
        The derivative of each row's loss, times the row's weight, with respect to the net inputs of the
        output layer.
    output_weights, output_biases, output_weight_gradient, output_bias_gradient : ndarray or None
        Those of the output layer.
    output_updates : dict of str to Update
        The changes that each optimizer would add to them.
    output_activation : str or Activation
        Its activation.
    returns : {"last", "every"}
        As of the network.
    loss_name : str
        The name of the loss.
    loss : float
        Over all rows: their weighted mean, and the penalty.
    row_losses : list of ndarray of shape (rows,)
        The loss of each row, without its weight.
    weight_sum : float
        What sums over rows are divided by.
    optimizers : dict of str to optimizer
        The optimizers whose updates the layers hold.

    See Also
    --------
    trace : Makes one.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.RecurrentNetwork([1, 1, 1], activation="identity", bias=False, dtype="float64")
    >>> net.set_parameters([[[1]], [[1]]], [[[0.5]], None], [None, None])
    >>> print(fp.trace(net, [[[1.0], [0.0]]], [[0.0]], optimizers=fp.SGD(0.1, momentum=0.0)))
    One step of backpropagation through time: layers 1-1-1, rnn, squared_error, sequence 0 of 1, 2 steps
    Forward
      t = 1    x = (1)
        layer 1    h = identity(x W1 + h' U1) = (1)
      t = 2    x = (0)
        layer 1    h = identity(x W1 + h' U1) = (0.5)
        output    y = (0.5)    target (0)    E = 0.125
    Backward
      t = 2    delta of the output (0.5)
        layer 1    dE/dh = (0.5)    delta z (0.5)
      t = 1
        layer 1    dE/dh = (0.25)    delta z (0.25)
    Gradients and updates
      SGD adds minus the learning rate times the gradient, and what is left of the changes before:
          SGD(learning_rate=0.1, momentum=0.0, nesterov=True).
      dE/dW1[0,0] = sum of x[0] delta z[0] = 0.25
      dE/dU1[0,0] = sum of h'[0] delta z[0] = 0.5
                 value  gradient  SGD adds
        W1[0,0]      1      0.25    -0.025
        U1[0,0]    0.5       0.5     -0.05
      dE/dW2[0,0] = 0.25
                 value  gradient  SGD adds
        W2[0,0]      1      0.25    -0.025
    Loss over all rows: 0.125
    """

    def text(self, sequence: int = 0, *, digits: int = 6, max_units: int = 4, max_steps: int = 8) -> str:
        """Show the step for one sequence in plain text.

        Parameters
        ----------
        sequence : int, default=0
            The sequence that is followed through time.
        digits : int, default=6
            Significant digits of each number, from 1 to 17.
        max_units : int, default=4
            Units of each layer that are written out; the rest is counted.
        max_steps : int, default=8
            Steps of time that are written out, the first ones and the last ones; at least 2.

        Returns
        -------
        text : str
            The numbers.

        Raises
        ------
        ValueError
            If an argument is out of range.

        Examples
        --------
        >>> import ferroprop as fp
        >>> net = fp.RecurrentNetwork([2, 3, 1], cell="gru", dtype="float64")
        >>> text = fp.trace(net, [[[1.0, 2.0]]], [[3.0]]).text(digits=3)
        >>> [line.split()[0] for line in text.splitlines()][:8]
        ['One', 'Forward', 't', 'layer', 'output', 'Backward', 't', 'layer']
        """
        for name, value, least, most in (
            ("sequence", sequence, 0, len(self.inputs) - 1),
            ("digits", digits, 1, 17),
            ("max_units", max_units, 1, None),
            ("max_steps", max_steps, 2, None),
        ):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise ValueError(f"{name} must be an integer, got {value!r}")
            if value < least or (most is not None and value > most):
                bounds = f"at least {least}" if most is None else f"from {least} to {most}"
                raise ValueError(f"{name} must be {bounds}, got {value}")
        from ferroprop.inspection._recurrent_derivation import derive

        return "\n".join(derive(self, int(sequence), digits, max_units, max_steps))

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return (
            f"RecurrentTrace(cell={self.layers[0].cell!r}, sequences={len(self.inputs)}, "
            f"loss_name={self.loss_name!r}, loss={self.loss:.6g})"
        )


def trace_recurrent(
    network: RecurrentNetwork,
    X: Any,
    Y: Any,
    loss: Any,
    sample_weight: Any,
    alpha: float,
    truncate: int | None,
    washout: int,
    optimizers: Any,
) -> RecurrentTrace:
    """Take one step of a recurrent network apart; see `trace`."""
    double = in_double_recurrent(network)
    settings = {"loss": loss, "sample_weight": sample_weight, "truncate": truncate, "washout": washout}
    value, gradients = double.loss_and_gradients(X, Y, alpha=alpha, **settings)
    order, hidden, output, output_delta, row_losses = double._sequence_values(X, Y, **settings)
    inputs = [np.asarray(x, np.float64) for x in X]
    lengths = [len(inputs[sequence]) for sequence in order]

    def split(rows: Array, of_steps: bool) -> list[Array]:
        """Return the rows of each sequence, in the order in which the sequences came."""
        counts = lengths if of_steps else [1] * len(order)
        pieces = np.split(rows, np.cumsum(counts)[:-1])
        found: list[Array] = [rows] * len(order)
        for sequence, piece in zip(order, pieces, strict=True):
            found[sequence] = piece
        return found

    every = double.returns == "every"
    by_name = named(optimizers)
    updates = updates_of(network, X, Y, by_name, alpha=alpha, **settings)
    layers = []
    for place, (gates, cells, outputs, output_gradient, delta) in enumerate(hidden):
        units = double.layer_sizes[place + 1]
        names = GATES[double.cell]

        def by_gate(
            numbers: Array | None, names: tuple[str, ...], units: int = units
        ) -> dict[str, list[Array]]:
            if numbers is None:
                return {}
            return {
                name: split(numbers[:, gate * units : (gate + 1) * units], True)
                for gate, name in enumerate(names)
            }

        layers.append(
            RecurrentLayerTrace(
                number=place + 1,
                cell=double.cell,
                activation=double.activations[place],
                weights=doubles(double.weights)[place],
                recurrent_weights=doubles([np.asarray(double.recurrent_weights[place])])[0],
                biases=optional_doubles(double.biases)[place],
                recurrent_biases=optional_doubles(double.recurrent_biases)[place],
                gates=by_gate(gates, names),
                cells=None if cells is None else split(cells, True),
                outputs=split(outputs, True),
                output_gradient=split(output_gradient, True),
                delta=by_gate(delta, names or ("z",)),
                weight_gradient=np.asarray(gradients["weights"][place]),
                recurrent_weight_gradient=np.asarray(gradients["recurrent_weights"][place]),
                bias_gradient=gradients["biases"][place],
                recurrent_bias_gradient=gradients["recurrent_biases"][place],
                updates=updates[place],
            )
        )
    loss_function = natural_loss(double) if loss is None else loss
    targets = [np.asarray(y, np.float64) if every else np.asarray(y, np.float64)[None] for y in Y]
    return RecurrentTrace(
        layers=tuple(layers),
        inputs=inputs,
        targets=targets,
        outputs=split(output, every),
        output_delta=split(output_delta, every),
        output_weights=doubles(double.weights)[-1],
        output_biases=optional_doubles(double.biases)[-1],
        output_weight_gradient=np.asarray(gradients["weights"][-1]),
        output_bias_gradient=gradients["biases"][-1],
        output_activation=double.output_activation,
        returns=double.returns,
        loss_name=name_of(loss_function),
        loss=value,
        row_losses=split(row_losses, every),
        weight_sum=_weight_sum(inputs, every, sample_weight, washout),
        output_updates=updates[-1],
        optimizers=by_name,
        loss_function=loss_function,
    )


def _weight_sum(inputs: list[Array], every: bool, sample_weight: Any, washout: int) -> float:
    total = 0.0
    for sequence, x in enumerate(inputs):
        rows = len(x) if every else 1
        weights = np.ones(rows) if sample_weight is None else np.broadcast_to(sample_weight[sequence], rows)
        total += float(weights[washout:].sum())
    return total
