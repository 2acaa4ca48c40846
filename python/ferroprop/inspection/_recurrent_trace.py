"""One step of a recurrent network as data, unrolled in time."""

from __future__ import annotations

from dataclasses import dataclass, field
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

FIRST_GATE = {"rnn": "z", "lstm": "i", "gru": "r"}
GATES = {"rnn": (), "lstm": ("i", "f", "g", "o"), "gru": ("u", "r", "z", "n")}


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


@dataclass(frozen=True, eq=False)
class RecurrentTrace:
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

    See Also
    --------
    trace : Makes one.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.RecurrentNetwork([1, 1, 1], activation="identity", bias=False, dtype="float64")
    >>> net.set_parameters([[[1]], [[1]]], [[[0.5]], None], [None, None])
    >>> print(fp.trace(net, [[[1.0], [0.0]]], [[0.0]]))
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
    Gradient
      dE/dW1[0,0] = sum of x[0] delta z[0] = 0.25
      dE/dU1[0,0] = sum of h'[0] delta z[0] = 0.5
      dE/dW2[0,0] = 0.25
    Loss over all rows: 0.125
    """

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
    loss_function: Any = field(repr=False)

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
        return "\n".join(self._lines(int(sequence), digits, max_units, max_steps))

    def _lines(self, sequence: int, digits: int, max_units: int, max_steps: int) -> list[str]:
        def row(numbers: Array) -> str:
            shown = [f"{number:.{digits}g}" for number in numbers[:max_units]]
            more = f", and {len(numbers) - max_units} more" if len(numbers) > max_units else ""
            return f"({', '.join(shown)}{more})"

        x, steps = self.inputs[sequence], len(self.inputs[sequence])
        first = self.layers[0]
        sizes = [x.shape[1], *(layer.outputs[0].shape[1] for layer in self.layers), self.outputs[0].shape[1]]
        half = max_steps // 2
        times = (
            range(steps) if steps <= max_steps else [*range(max_steps - half), *range(steps - half, steps)]
        )
        left_out = steps - len(times)
        gap = f"  ... {left_out} steps of time ..."

        def with_gap(order: list[int]) -> list[int | None]:
            found: list[int | None] = []
            for time in order:
                if found and found[-1] is not None and abs(found[-1] - time) > 1:
                    found.append(None)
                found.append(time)
            return found

        def target_row(time: int) -> int | None:
            if self.returns == "every":
                return time
            return 0 if time == steps - 1 else None

        lines = [
            f"One step of backpropagation through time: layers {'-'.join(map(str, sizes))}, {first.cell}, "
            f"{self.loss_name}, sequence {sequence} of {len(self.inputs)}, {steps} steps",
            "Forward",
        ]
        for time in with_gap([*times]):
            if time is None:
                lines.append(gap)
                continue
            lines.append(f"  t = {time + 1}    x = {row(x[time])}")
            for layer in self.layers:
                lines.append(f"    layer {layer.number}    {_forward(layer, sequence, time, row)}")
            if (place := target_row(time)) is not None:
                lines.append(
                    f"    output    y = {row(self.outputs[sequence][place])}    "
                    f"target {row(self.targets[sequence][place])}    "
                    f"E = {self.row_losses[sequence][place]:.{digits}g}"
                )
        lines.append("Backward")
        for time in with_gap([*reversed(times)]):
            if time is None:
                lines.append(gap)
                continue
            place = target_row(time)
            of_output = (
                "" if place is None else f"    delta of the output {row(self.output_delta[sequence][place])}"
            )
            lines.append(f"  t = {time + 1}{of_output}")
            for layer in reversed(self.layers):
                deltas = "    ".join(
                    f"delta {name} {row(of_gate[sequence][time])}" for name, of_gate in layer.delta.items()
                )
                gradient = row(layer.output_gradient[sequence][time])
                lines.append(f"    layer {layer.number}    dE/dh = {gradient}    {deltas}")
        lines.append("Gradient")
        mean = "" if self.weight_sum == 1 else f", over {self.weight_sum:.{digits}g}"
        for layer in self.layers:
            number, gate = layer.number, FIRST_GATE[layer.cell]
            before = "x" if number == 1 else f"h{number - 1}"
            of_inputs, of_states = layer.weight_gradient[0, 0], layer.recurrent_weight_gradient[0, 0]
            lines += [
                f"  dE/dW{number}[0,0] = sum of {before}[0] delta {gate}[0]{mean} = {of_inputs:.{digits}g}",
                f"  dE/dU{number}[0,0] = sum of h'[0] delta {gate}[0]{mean} = {of_states:.{digits}g}",
            ]
        last = len(self.layers) + 1
        lines += [
            f"  dE/dW{last}[0,0] = {self.output_weight_gradient[0, 0]:.{digits}g}",
            f"Loss over all rows: {self.loss:.{digits}g}",
        ]
        return lines

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return (
            f"RecurrentTrace(cell={self.layers[0].cell!r}, sequences={len(self.inputs)}, "
            f"loss_name={self.loss_name!r}, loss={self.loss:.6g})"
        )


def _forward(layer: RecurrentLayerTrace, sequence: int, time: int, row: Any) -> str:
    number = layer.number
    x = "x" if number == 1 else f"h{number - 1}"
    bias = "" if layer.biases is None else f" + b{number}"
    h = row(layer.outputs[sequence][time])
    if layer.cell == "rnn":
        return f"h = {name_of(layer.activation)}({x} W{number} + h' U{number}{bias}) = {h}"
    gates = "    ".join(f"{name} = {row(of_gate[sequence][time])}" for name, of_gate in layer.gates.items())
    if layer.cells is None:
        return f"{gates}    h = (1 - z) n + z h' = {h}"
    return f"{gates}    c = f c' + i g = {row(layer.cells[sequence][time])}    h = o tanh(c) = {h}"


def trace_recurrent(
    network: RecurrentNetwork,
    X: Any,
    Y: Any,
    loss: Any,
    sample_weight: Any,
    alpha: float,
    truncate: int | None,
    washout: int,
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
        loss_function=loss_function,
    )


def _weight_sum(inputs: list[Array], every: bool, sample_weight: Any, washout: int) -> float:
    total = 0.0
    for sequence, x in enumerate(inputs):
        rows = len(x) if every else 1
        weights = np.ones(rows) if sample_weight is None else np.broadcast_to(sample_weight[sequence], rows)
        total += float(weights[washout:].sum())
    return total
