"""Stochastic units in plain NumPy, beside `reference`, whose notation it has: z net input, a output.

The random words are those of the library, Philox4x32-10 by place, so that draws agree one by one.
"""

import ferroprop as fp
import numpy as np
import reference
from complex_reference import layers_of  # noqa: F401  for those who import this module

PURPOSE, PREDICTION = 7, 1 << 23


def words(seed, layer, rows, units, step=0, prediction=False, purpose=PURPOSE):
    """Return the 32-bit words of these rows (their places) and so many units, shape (rows, units)."""
    groups = -(-units // 4)
    counters = np.zeros((len(rows), groups, 4), np.uint64)
    counters[..., 0] = np.arange(groups)
    counters[..., 1] = np.asarray(rows)[:, None]
    counters[..., 2] = step
    counters[..., 3] = purpose << 24 | layer | (PREDICTION if prediction else 0)
    return reference.philox(counters.reshape(-1, 4), seed).reshape(len(rows), -1)[:, :units]


def logistic(z):
    return 1 / (1 + np.exp(-z))


def softmax(z, k, temperature=1.0):
    """Return the softmax of each group of k units."""
    groups = z.reshape(len(z), -1, k) / temperature
    e = np.exp(groups - groups.max(axis=2, keepdims=True))
    return (e / e.sum(axis=2, keepdims=True)).reshape(z.shape)


def hardest(z, k):
    """Return 1 for the largest of each group of k units, 0 for the others."""
    groups = z.reshape(len(z), -1, k)
    return np.eye(k)[groups.argmax(axis=2)].reshape(z.shape)


def probabilities(layer, z):
    """Return the probabilities of ones."""
    if layer.activation == "categorical":
        return softmax(z, layer.hyperparameters["k"])
    return logistic(z)


def relaxed(layer, z, drawn):
    """Return the relaxed draw: of the concrete distribution."""
    temperature = layer.hyperparameters["temperature"]
    u = (drawn + 0.5) / 2**32
    if layer.activation == "categorical":
        return softmax(z - np.log(-np.log(u)), layer.hyperparameters["k"], temperature)
    return logistic((z + np.log(u) - np.log(1 - u)) / temperature)


def draw(layer, z, drawn, estimator=None):
    """Return the outputs of the units, given their random words."""
    estimator = estimator or layer.hyperparameters["estimator"]
    if "concrete" in estimator:
        y = relaxed(layer, z, drawn)
        if estimator == "concrete":
            return y
        return (
            hardest(y, layer.hyperparameters["k"]) if layer.activation == "categorical" else (y > 0.5) * 1.0
        )
    if layer.activation == "categorical":
        u = (drawn + 0.5) / 2**32
        return hardest(z - np.log(-np.log(u)), layer.hyperparameters["k"])
    return (drawn < probabilities(layer, z) * 2.0**32) * 1.0


def back(layer, z, a, drawn, G, signals):
    """Return the estimate of dE/dz, from G = dE/da and from the rows' signals.

    straight_through            dE/da dp/dz
    concrete, and with draws    dE/da dy/dz     with y the relaxed draw
    score_function              signal (a - p), the derivative of the draw's log-probability

    dp/dz is p (1 - p), of categorical units the matrix of a softmax; without draws (None) the output is p.
    """
    estimator, p = layer.hyperparameters["estimator"], probabilities(layer, z)
    steepness = 1.0
    if drawn is not None:
        if estimator == "score_function":
            return signals[:, None] * (a - p)
        if "concrete" in estimator:
            p, steepness = relaxed(layer, z, drawn), 1 / layer.hyperparameters["temperature"]
    if layer.activation == "bernoulli":
        return G * p * (1 - p) * steepness
    k = layer.hyperparameters["k"]
    G, p = G.reshape(len(z), -1, k), p.reshape(len(z), -1, k)
    return (p * (G - (p * G).sum(axis=2, keepdims=True)) * steepness).reshape(z.shape)


def is_stochastic(layer):
    return layer.activation in fp.STOCHASTIC_ACTIVATIONS


def signals_of(losses, samples):
    """Return each row's loss less the mean of its other samples, which lie side by side."""
    losses = losses.reshape(-1, samples)
    others = losses.sum(axis=1, keepdims=True) - losses
    return (losses - others / max(samples - 1, 1)).ravel()


def loss_and_gradients(layers, X, T, loss, seed=None, sample_weight=None, step=0, places=None, alpha=0.0):
    """Return the loss, the gradients of weights and of biases, and for each layer its values (z, a, delta).

    Without a seed nothing is drawn. Each row is there as often as the units have samples; `places` are the
    rows' numbers in the data set, for frozen noise.
    """
    samples = next((one.hyperparameters["samples"] for one in layers if is_stochastic(one)), 1)
    samples = 1 if seed is None else samples
    weights = np.ones(len(X)) if sample_weight is None else sample_weight
    places = np.arange(len(X)) if places is None else np.asarray(places)
    X, T, weights = (np.repeat(array, samples, axis=0) for array in (X, T, weights))
    in_batch = np.arange(len(X))
    in_data = np.repeat(places, samples) * samples + in_batch % samples

    a, nets, values, noises = X, [], [X], []
    for index, layer in enumerate(layers):
        z, noise = reference.net_input(layer, a), None
        if is_stochastic(layer):
            frozen = layer.hyperparameters["frozen"]
            if seed is not None:
                place = (in_data, 0) if frozen else (in_batch, step)
                noise = words(seed, index, place[0], z.shape[1], place[1])
            a = probabilities(layer, z) if noise is None else draw(layer, z, noise)
        else:
            a = reference.activate(layer, z)
        nets.append(z), values.append(a), noises.append(noise)

    rows = reference.row_losses(layers[-1], nets[-1], T, loss)
    signals = weights * signals_of(rows, samples)
    delta = weights[:, None] * reference.output_delta(layers[-1], nets[-1], T, loss)
    deltas = [delta]
    for index in reversed(range(len(layers) - 1)):
        G = delta @ layers[index + 1].weights.T
        z = nets[index]
        if is_stochastic(layers[index]):
            delta = back(layers[index], z, values[index + 1], noises[index], G, signals)
        else:
            delta = reference.times_derivative(layers[index], z, G)
        deltas.insert(0, delta)
    penalty = alpha * sum((layer.weights**2).sum() for layer in layers) / 2 * samples
    weight_gradients = [
        (x.T @ d + alpha * samples * layer.weights) / weights.sum()
        for x, d, layer in zip(values, deltas, layers, strict=False)
    ]
    bias_gradients = [
        None if layer.biases is None else d.sum(axis=0) / weights.sum()
        for layer, d in zip(layers, deltas, strict=True)
    ]
    loss = ((weights * rows).sum() + penalty) / weights.sum()
    return loss, weight_gradients, bias_gradients, list(zip(nets, values[1:], deltas, strict=True))


def sample(layers, X, seed, number, dropout=None):
    """Return the outputs in one sample of a prediction: the same noise for every row, outputs 0 or 1."""
    a = X
    for index, layer in enumerate(layers):
        z = reference.net_input(layer, a)
        if is_stochastic(layer):
            noise = words(seed, index, [number], z.shape[1], prediction=True)
            hard = "straight_through"
            a = draw(layer, z, np.repeat(noise, len(X), axis=0), hard)
        else:
            a = reference.activate(layer, z)
        if dropout is not None and index < len(layers) - 1:
            noise = words(seed, index, [number], z.shape[1], prediction=True, purpose=3)
            a = a * np.where(noise < int(dropout[index] * 2**32), 0, 1 / (1 - dropout[index]))
    return a
