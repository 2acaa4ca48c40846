"""A multi-layer perceptron of complex numbers in plain NumPy, in native complex arithmetic.

Beside `reference`, whose notation it has: z = a W + b, with nothing conjugated. The gradient of the loss E
with respect to a complex number w is G = dE/d(Re w) + i dE/d(Im w), twice the derivative with respect to
conj(w). Then

    G_W = x^H G_z        G_b = sum of G_z over the rows        G_x = G_z W^H
    G_z = G_a conj(df/dz) + conj(G_a) df/d(conj z)

with the two Wirtinger derivatives of a = f(z), which are written down here for each function.
"""

from dataclasses import replace

import ferroprop as fp
import numpy as np
import reference


def parts(function, z):
    """Return f(Re z) + i f(Im z)."""
    return function(z.real) + 1j * function(z.imag)


def radius(z):
    """Return |z|, with 1 in place of 0: for quotients whose numerator is 0 there."""
    r = np.abs(z)
    return np.where(r == 0, 1, r)


def activate(layer, z):
    """Return a = f(z)."""
    r = radius(z)
    match layer.activation:
        case "modrelu":
            b = layer.hyperparameters["threshold"]
            return np.where(np.abs(z) + b > 0, (1 + b / r) * z, 0)
        case "zrelu":
            return np.where((z.real > 0) & (z.imag > 0), z, 0)
        case "cardioid":
            return (1 + np.cos(np.angle(z))) / 2 * z
        case "siglog":
            return z / (1 + np.abs(z))
        case "polar_tanh":
            return np.tanh(np.abs(z)) * z / r
        case "abs":
            return np.abs(z)
        case "softmax":
            return reference.activate(layer, np.abs(z))
        case _:
            return parts(lambda x: reference.activate(layer, x), z)


def wirtinger(layer, z):
    """Return df/dz and df/d(conj z)."""
    r = radius(z)
    match layer.activation:
        case "modrelu":
            b = layer.hyperparameters["threshold"]
            active = np.abs(z) + b > 0
            return np.where(active, 1 + b / (2 * r), 0), np.where(active, -b * z**2 / (2 * r**3), 0)
        case "zrelu":
            return np.where((z.real > 0) & (z.imag > 0), 1, 0), np.zeros_like(z)
        case "cardioid":
            by_z = 1 / 2 + (2 * z + z.conj()) / (4 * r) - 2 * z.real / (8 * r)
            by_conjugate = z / (4 * r) - z**2 * 2 * z.real / (8 * r**3)
            return np.where(z == 0, 1, by_z), by_conjugate
        case "siglog":
            by_conjugate = -(z**2) / (2 * r * (1 + r) ** 2)
            return 1 / (1 + np.abs(z)) - np.abs(z) / (2 * (1 + np.abs(z)) ** 2), by_conjugate
        case "polar_tanh":
            t = np.tanh(r)
            steepness = ((1 - t**2) - t / r) / r
            return np.where(z == 0, 1, t / r + steepness * r / 2), steepness * z**2 / (2 * r)
        case "abs":
            return z.conj() / (2 * r), z / (2 * r)
        case _:
            f_x, f_y = (reference.derivative(layer, part) for part in (z.real, z.imag))
            return (f_x + f_y) / 2 + 0j, (f_x - f_y) / 2 + 0j


def back(layer, z, G_a):
    """Return the gradient with respect to z, from that with respect to a = f(z)."""
    if layer.activation == "softmax":
        G_r = reference.times_derivative(layer, np.abs(z), G_a)
        return G_r * z / radius(z)
    by_z, by_conjugate = wirtinger(layer, z)
    return G_a * by_z.conj() + G_a.conj() * by_conjugate


def forward(layers, X):
    """Return the net inputs z_1, ..., z_L and the values a_0, ..., a_L."""
    a, nets, values = X, [], [X]
    for layer in layers:
        z = a @ layer.weights + (0 if layer.biases is None else layer.biases)
        a = activate(layer, z)
        nets.append(z)
        values.append(a)
    return nets, values


def loss_of_rows(a, T, loss):
    """Return the loss of each row and its gradient with respect to a; a function takes both."""
    distance = a - T
    r = np.abs(distance)
    direction = distance / np.where(r == 0, 1, r)
    match loss:
        case "squared_error":
            return (r**2).sum(axis=1) / 2, distance
        case "absolute_error":
            return r.sum(axis=1), direction
        case ("huber", delta):
            inside = r <= delta
            rows = np.where(inside, r**2 / 2, delta * (r - delta / 2)).sum(axis=1)
            return rows, np.where(inside, distance, delta * direction)
        case "log_loss" if np.iscomplexobj(a):
            both = [(a.real, T.real), (a.imag, T.imag)]
            rows = sum(-(t * np.log(x) + (1 - t) * np.log(1 - x)).sum(axis=1) for x, t in both)
            slopes = [(x - t) / (x * (1 - x)) for x, t in both]
            return rows, slopes[0] + 1j * slopes[1]
        case "log_loss":
            return -(T * np.log(a)).sum(axis=1), -T / a
        case _:
            return loss(a, T)


def loss_and_gradients(layers, X, T, loss, sample_weight=None, alpha=0.0):
    """Return the loss with its penalty, and the gradients of all weights and biases."""
    weights = np.ones(len(X)) if sample_weight is None else sample_weight
    nets, values = forward(layers, X)
    rows, G = loss_of_rows(values[-1], T, loss)
    penalty = alpha / 2 * sum((np.abs(layer.weights) ** 2).sum() for layer in layers)
    G = G * weights[:, None]
    weight_gradients, bias_gradients = [], []
    for layer, z, x in reversed(list(zip(layers, nets, values[:-1], strict=True))):
        G_z = back(layer, z, G)
        weight_gradients.insert(0, (x.conj().T @ G_z + alpha * layer.weights) / weights.sum())
        bias_gradients.insert(0, None if layer.biases is None else G_z.sum(axis=0) / weights.sum())
        G = G_z @ layer.weights.conj().T
    return (weights @ rows + penalty) / weights.sum(), weight_gradients, bias_gradients


def layers_of(network):
    """Return a network's layers for this reference."""
    activations = [*network.activations, network.output_activation]
    found = []
    for W, b, activation in zip(network.weights, network.biases, activations, strict=True):
        name = getattr(activation, "name", activation)
        known = {**fp.ACTIVATIONS, **fp.COMPLEX_ACTIVATIONS, **fp.STOCHASTIC_ACTIVATIONS}[
            name
        ].hyperparameters
        hyperparameters = {one.name: one.default for one in known} | getattr(
            activation, "hyperparameters", {}
        )
        found.append(reference.Layer(W, b, name, hyperparameters))
    return found


def in_double(layers):
    """Return the same layers in double precision."""
    wide = [None if layer.biases is None else layer.biases.astype(complex) for layer in layers]
    return [
        replace(layer, weights=layer.weights.astype(complex), biases=b)
        for layer, b in zip(layers, wide, strict=True)
    ]
