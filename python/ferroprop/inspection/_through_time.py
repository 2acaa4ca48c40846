"""Backpropagation through time: how the loss depends on the states of each step."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ferroprop._core import Network, RecurrentNetwork
from ferroprop.inspection._double import Array
from ferroprop.inspection._trace import trace

States: TypeAlias = Array | tuple[Array, Array]


def state_gradients(
    network: RecurrentNetwork, X: ArrayLike, Y: ArrayLike, *, loss: Any = None
) -> list[States]:
    """Return the derivatives of each sequence's loss by the states of the hidden layers, step by step.

    The derivative by the state of step t is the sum over all ways from there to the loss: through the output
    of step t itself and through all later states. Where it vanishes as one goes back, what happened early
    teaches the network nothing [1]_ [2]_.

    Parameters
    ----------
    network : RecurrentNetwork
        It is not changed.
    X : array-like of shape (n, n_steps, n_inputs)
        Sequences of one length.
    Y : array-like of shape (n, n_outputs), or (n, n_steps, n_outputs) for ``returns="every"``
        Their targets.
    loss : str, object or callable, default=None
        As for `train`. Of ``returns="every"`` the losses of the steps are added.

    Returns
    -------
    gradients : list
        For each hidden layer an array of shape (n, n_steps, n_units) in double precision; of an LSTM, whose
        state has two parts, a tuple of two such: by the outputs h and by the cells c, each while the other
        stays.

    Raises
    ------
    TypeError
        If it is no RecurrentNetwork.
    ValueError
        If X and Y do not fit the network or each other.

    See Also
    --------
    ferroprop.displays.StateGradientDisplay : Draws their size.
    trace : One step of a network without recurrence.

    References
    ----------
    .. [1] S. Hochreiter, "Untersuchungen zu dynamischen neuronalen Netzen", diploma thesis, TU Munich 1991.
    .. [2] Y. Bengio, P. Simard, P. Frasconi, "Learning long-term dependencies with gradient descent is
       difficult", IEEE Transactions on Neural Networks 5(2), 1994.

    Examples
    --------
    >>> import ferroprop as fp
    >>> import numpy as np
    >>> net = fp.RecurrentNetwork([1, 1, 1], activation="identity", dtype="float64")
    >>> net.set_parameters([[[1.0]], [[1.0]]], [[[0.5]], None], [[0.0], [0.0]])  # h = x + h / 2
    >>> (gradient,) = fp.state_gradients(net, np.zeros((1, 4, 1)), [[-1.0]], loss="squared_error")
    >>> gradient.ravel()
    array([0.125, 0.25 , 0.5  , 1.   ])
    """
    if not isinstance(network, RecurrentNetwork):
        raise TypeError(f"network must be a RecurrentNetwork, got {type(network).__name__}")
    x = np.asarray(X, np.float64)
    if x.ndim != 3 or 0 in x.shape or x.shape[2] != network.layer_sizes[0]:
        expected_x = f"(n, n_steps, {network.layer_sizes[0]})"
        raise ValueError(f"X must have shape {expected_x}, for sequences of one length, got {x.shape}")
    n, n_steps, _ = x.shape
    every = network.returns == "every"
    targets = np.asarray(Y, np.float64)
    expected = (n, n_steps, network.layer_sizes[-1]) if every else (n, network.layer_sizes[-1])
    if targets.shape != expected:
        raise ValueError(f"Y must have shape {expected}, got {targets.shape}")

    layers = [_LAYERS[network.cell](network, layer) for layer in range(len(network.layer_sizes) - 2)]
    values = x
    for layer in layers:
        values = layer.forward(values)
    from_above = np.zeros_like(values)
    output, weights = _output_layer(network)
    top = values.reshape(-1, values.shape[2]) if every else values[:, -1]
    delta = trace(output, top, targets.reshape(len(top), -1), loss=loss).layers[0].delta
    if every:
        from_above = (delta @ weights.T).reshape(values.shape)
    else:
        from_above[:, -1] = delta @ weights.T
    gradients: list[States] = []
    for layer in reversed(layers):
        of_states, from_above = layer.backward(from_above)
        gradients.insert(0, of_states)
    return gradients


def _output_layer(network: RecurrentNetwork) -> tuple[Network, Array]:
    """Return the output layer as a network of its own, and its weights."""
    weights, biases = np.asarray(network.weights[-1], np.float64), network.biases[-1]
    layer = Network(
        weights.shape, output_activation=network.output_activation, bias=biases is not None, dtype="float64"
    )
    layer.set_parameters([weights], [None if biases is None else np.asarray(biases, np.float64)])
    return layer, weights


def _logistic(z: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * z))


class _Layer:
    """A hidden layer: its parameters, and what went forward through it."""

    def __init__(self, network: RecurrentNetwork, layer: int) -> None:
        self.W, self.U = (
            np.asarray(of_layers[layer], np.float64)
            for of_layers in (network.weights, network.recurrent_weights)
        )
        self.n_units = len(self.U)
        biases = network.biases[layer]
        self.b = np.zeros(self.U.shape[1]) if biases is None else np.asarray(biases, np.float64)
        self.kept: list[Any] = []

    def forward(self, x: Array) -> Array:
        """Return the outputs of all steps, (n, n_steps, n_units)."""
        h = c = np.zeros((len(x), self.n_units))
        outputs = []
        for step in range(x.shape[1]):
            h, c = self.step(x[:, step] @ self.W + self.b, h, c)
            outputs.append(h)
        return np.stack(outputs, axis=1)

    def backward(self, from_above: Array) -> tuple[States, Array]:
        """Return the derivatives by the states, and by the inputs, of all steps."""
        h = c = np.zeros((len(from_above), self.n_units))
        of_h, of_c = np.empty_like(from_above), np.empty_like(from_above)
        inputs = np.empty((*from_above.shape[:2], len(self.W)))
        for step in reversed(range(from_above.shape[1])):
            of_h[:, step], of_c[:, step] = h + from_above[:, step], c
            delta, h, c = self.step_back(step, of_h[:, step], c)
            inputs[:, step] = delta @ self.W.T
        return self.states(of_h, of_c), inputs

    def states(self, of_h: Array, of_c: Array) -> States:
        """Return what the state of this kind of cell consists of."""
        return of_h

    def step(self, z: Array, h: Array, c: Array) -> tuple[Array, Array]:
        """Return the next state, from the inputs' part of the net inputs and the state."""
        raise NotImplementedError

    def step_back(self, step: int, h: Array, c: Array) -> tuple[Array, Array, Array]:
        """Return the derivatives by the net inputs, and by h and c of the step before."""
        raise NotImplementedError


class _Rnn(_Layer):
    def __init__(self, network: RecurrentNetwork, layer: int) -> None:
        super().__init__(network, layer)
        # a unit alone, to ask the core for its function and slope
        self.unit = Network([1, 1], output_activation=network.activations[layer], bias=False, dtype="float64")
        self.unit.set_parameters([[[1.0]]], [None])

    def step(self, z: Array, h: Array, c: Array) -> tuple[Array, Array]:
        z = z + h @ self.U
        of_units = trace(self.unit, z.reshape(-1, 1), np.zeros((z.size, 1)), loss="squared_error").layers[0]
        self.kept.append(of_units.derivative.reshape(z.shape))
        return of_units.output.reshape(z.shape), c

    def step_back(self, step: int, h: Array, c: Array) -> tuple[Array, Array, Array]:
        delta = h * self.kept[step]
        return delta, delta @ self.U.T, c


class _Lstm(_Layer):
    def states(self, of_h: Array, of_c: Array) -> States:
        return of_h, of_c

    def step(self, z: Array, h: Array, c: Array) -> tuple[Array, Array]:
        i, f, g, o = np.split(z + h @ self.U, 4, axis=1)
        i, f, g, o = _logistic(i), _logistic(f), np.tanh(g), _logistic(o)
        after = f * c + i * g
        self.kept.append((i, f, g, o, c, np.tanh(after)))
        return o * np.tanh(after), after

    def step_back(self, step: int, h: Array, c: Array) -> tuple[Array, Array, Array]:
        i, f, g, o, before, squashed = self.kept[step]
        of_c = c + h * o * (1 - squashed**2)
        delta = np.concatenate(
            [
                of_c * g * i * (1 - i),
                of_c * before * f * (1 - f),
                of_c * i * (1 - g**2),
                h * squashed * o * (1 - o),
            ],
            axis=1,
        )
        return delta, delta @ self.U.T, of_c * f


class _Gru(_Layer):
    def __init__(self, network: RecurrentNetwork, layer: int) -> None:
        super().__init__(network, layer)
        inner = network.recurrent_biases[layer]
        self.inner = np.zeros(self.n_units) if inner is None else np.asarray(inner, np.float64)

    def step(self, z: Array, h: Array, c: Array) -> tuple[Array, Array]:
        of_states = np.split(h @ self.U, 3, axis=1)
        of_inputs = np.split(z, 3, axis=1)
        r, keep = (_logistic(of_inputs[gate] + of_states[gate]) for gate in (0, 1))
        u = of_states[2] + self.inner
        new = np.tanh(of_inputs[2] + r * u)
        self.kept.append((r, keep, new, u, h))
        return (1 - keep) * new + keep * h, c

    def step_back(self, step: int, h: Array, c: Array) -> tuple[Array, Array, Array]:
        r, keep, new, u, before = self.kept[step]
        of_new = h * (1 - keep) * (1 - new**2)
        of_r = of_new * u * r * (1 - r)
        of_keep = h * (before - new) * keep * (1 - keep)
        of_states = np.concatenate([of_r, of_keep, of_new * r], axis=1)
        return np.concatenate([of_r, of_keep, of_new], axis=1), h * keep + of_states @ self.U.T, c


_LAYERS: dict[str, type[_Layer]] = {"rnn": _Rnn, "lstm": _Lstm, "gru": _Gru}
