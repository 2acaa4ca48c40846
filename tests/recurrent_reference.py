"""Recurrent networks in plain NumPy, one sequence after the other, one step of time after the other.

Beside `reference`, whose notation it has: x is a step's input, h the output of a hidden layer, h' that of the
step before. Each layer computes

    rnn     h = f(x W + h' U + b)
    lstm    i, f, o = logistic and g = tanh of x W + h' U + b     c = f c' + i g     h = o tanh(c)
    gru     r, z = logistic of x W + h' U + b, n = tanh(x W_n + b_n + r u), u = h' U_n + c_n
            h = (1 - z) n + z h'

and the output layer is dense. Derivatives go back through the same steps in the other order.
"""

from dataclasses import dataclass, field

import ferroprop as fp
import numpy as np
import reference


def logistic(z):
    return 1 / (1 + np.exp(-z))


@dataclass
class Cell:
    """A hidden layer: its kind, its arrays, and of an "rnn" the activation."""

    kind: str
    W: np.ndarray
    U: np.ndarray
    b: np.ndarray
    own_b: np.ndarray | None = None  # c_n of a "gru"
    layer: reference.Layer | None = None
    gradients: dict = field(default_factory=dict)

    @property
    def units(self):
        return len(self.U)

    def start(self):
        """Return the state before the first step: outputs, and cells."""
        return np.zeros(self.units), np.zeros(self.units)

    def step(self, x, state):
        """Return the state after a step, and what the way back needs."""
        h, c = state
        H = self.units
        if self.kind == "rnn":
            z = x @ self.W + h @ self.U + self.b
            return (reference.activate(self.layer, z[None])[0], c), (x, h, z)
        if self.kind == "lstm":
            z = x @ self.W + h @ self.U + self.b
            i, f, g, o = (
                logistic(z[:H]),
                logistic(z[H : 2 * H]),
                np.tanh(z[2 * H : 3 * H]),
                logistic(z[3 * H :]),
            )
            new = f * c + i * g
            return (o * np.tanh(new), new), (x, h, c, i, f, g, o, new)
        zx, zh = x @ self.W + self.b, h @ self.U
        r, z = logistic(zx[:H] + zh[:H]), logistic(zx[H : 2 * H] + zh[H : 2 * H])
        u = zh[2 * H :] + self.own_b
        n = np.tanh(zx[2 * H :] + r * u)
        return ((1 - z) * n + z * h, c), (x, h, r, z, u, n)

    def back(self, kept, dh, dc):
        """Add to the gradients; return the derivatives with respect to x, h' and c'."""
        more = 0
        if self.kind == "rnn":
            x, h, z = kept
            d = d_h = dh * reference.derivative(self.layer, z[None])[0]
        elif self.kind == "lstm":
            x, h, c, i, f, g, o, new = kept
            t = np.tanh(new)
            dc = dc + dh * o * (1 - t**2)
            d = d_h = np.concatenate(
                [dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh * t * o * (1 - o)]
            )
            dc = dc * f
        else:
            x, h, r, z, u, n = kept
            d_n = dh * (1 - z) * (1 - n**2)
            d_r, d_z = d_n * u * r * (1 - r), dh * (h - n) * z * (1 - z)
            d, d_h = np.concatenate([d_r, d_z, d_n]), np.concatenate([d_r, d_z, d_n * r])
            self.gradients["own_b"] += d_n * r
            more = dh * z
        self.gradients["W"] += np.outer(x, d)
        self.gradients["U"] += np.outer(h, d_h)
        self.gradients["b"] += d
        return d @ self.W.T, d_h @ self.U.T + more, dc


def cells_of(network):
    """Return a network's hidden layers and its output layer, in double precision."""
    cells = []
    for index, activation in enumerate(network.activations):
        W, U = (a[index].astype(float) for a in (network.weights, network.recurrent_weights))
        b, own_b = network.biases[index], network.recurrent_biases[index]
        b = np.zeros(W.shape[1]) if b is None else b.astype(float)
        own_b = np.zeros(len(U)) if own_b is None else own_b.astype(float)
        cells.append(Cell(network.cell, W, U, b, own_b, layer_of(activation)))
    W, b = network.weights[-1].astype(float), network.biases[-1]
    output = layer_of(network.output_activation, W, np.zeros(W.shape[1]) if b is None else b.astype(float))
    return cells, output


def layer_of(activation, W=None, b=None):
    name = getattr(activation, "name", activation)
    known = fp.ACTIVATIONS[name].hyperparameters
    hyperparameters = {one.name: one.default for one in known} | getattr(activation, "hyperparameters", {})
    return reference.Layer(W, b, name, hyperparameters)


def outputs_of(cells, x, masks=None):
    """Return the outputs of the last hidden layer at every step, and what the way back needs."""
    kept = []
    for index, cell in enumerate(cells):
        state, own, outputs = cell.start(), [], []
        for row in x:
            state, one = cell.step(row, state)
            own.append(one)
            outputs.append(state[0])
        x = np.array(outputs) * (1 if masks is None else masks[index])
        kept.append(own)
    return x, kept


def predict(network, sequences):
    """Return a row of outputs for each sequence, or for each of its steps."""
    cells, output = cells_of(network)
    found = []
    for x in sequences:
        h, _ = outputs_of(cells, np.asarray(x, float))
        a = reference.activate(output, reference.net_input(output, h))
        found.append(a if network.returns == "every" else a[-1])
    return found


def loss_and_gradients(
    network, sequences, targets, loss, sample_weight=None, alpha=0.0, truncate=None, washout=0, masks=None
):
    """Return the loss with its penalty, and the gradients in the form of the library's.

    `sample_weight` has a number for each sequence, or an array for each with a number for each step. `masks`
    has for each sequence, for each hidden layer, the factors of its outputs on their way to the next layer.
    """
    cells, output = cells_of(network)
    for cell in cells:
        cell.gradients = {name: np.zeros_like(getattr(cell, name)) for name in ("W", "U", "b", "own_b")}
    output_gradients = [np.zeros_like(output.weights), np.zeros_like(output.biases)]
    every, total, weight_sum = network.returns == "every", 0.0, 0.0
    for index, (x, target) in enumerate(zip(sequences, targets, strict=True)):
        own_masks = None if masks is None else masks[index]
        h, kept = outputs_of(cells, np.asarray(x, float), own_masks)
        steps = len(h)
        own = h if every else h[-1:]
        T = np.asarray(target, float).reshape(len(own), -1)
        weights = (
            np.ones(len(own)) if sample_weight is None else np.broadcast_to(sample_weight[index], len(own))
        )
        weights = np.where(np.arange(len(own)) < washout, 0, weights)
        z = reference.net_input(output, own)
        total += weights @ reference.row_losses(output, z, T, loss)
        weight_sum += weights.sum()
        d = reference.output_delta(output, z, T, loss) * weights[:, None]
        output_gradients[0] += own.T @ d
        output_gradients[1] += d.sum(axis=0)
        above = np.zeros_like(h)
        above[-len(own) :] = d @ output.weights.T
        for place, (cell, of_steps) in reversed(list(enumerate(zip(cells, kept, strict=True)))):
            if own_masks is not None:
                above = above * own_masks[place]
            below = np.zeros((steps, len(cell.W)))
            dh = dc = np.zeros(cell.units)
            for step in reversed(range(steps)):
                if truncate is not None and (
                    (step + 1) % truncate == 0 if every else steps - step > truncate
                ):
                    dh = dc = np.zeros(cell.units)
                below[step], dh, dc = cell.back(of_steps[step], above[step] + dh, dc)
            above = below
    matrices = [array for cell in cells for array in (cell.W, cell.U)] + [output.weights]
    total += alpha / 2 * sum((array**2).sum() for array in matrices)
    gradients = {
        "weights": [cell.gradients["W"] + alpha * cell.W for cell in cells]
        + [output_gradients[0] + alpha * output.weights],
        "recurrent_weights": [cell.gradients["U"] + alpha * cell.U for cell in cells] + [None],
        "biases": [cell.gradients["b"] for cell in cells] + [output_gradients[1]],
        "recurrent_biases": [cell.gradients["own_b"] for cell in cells] + [None],
    }
    for name, arrays in gradients.items():
        there = getattr(network, name)
        gradients[name] = [
            None if is_there is None else array / weight_sum
            for array, is_there in zip(arrays, there, strict=True)
        ]
    return total / weight_sum, gradients
