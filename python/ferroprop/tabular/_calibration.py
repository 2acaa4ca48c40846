"""The temperature of probabilities: calibration on held-out rows.

Everything is computed by the core, whose exponentials and logarithms have the same bits on every machine.
"""

from __future__ import annotations

import numpy as np

from ferroprop._core import Network
from ferroprop.estimators._typing import Array
from ferroprop.tabular._member import Rows, Watch

_LEAST, _MOST = 1 / 16, 16.0
_STEP = 1.25
_REFINEMENTS = 4


class Thermometer:
    """Finds the best temperature for net inputs with known classes.

    The temperature is the number by which the net inputs of a softmax are divided for the least log loss
    [1]_. The loss is convex in its inverse; steps from a guess bracket the zero of the derivative, and false
    position finds it. A penalty with the weight of one row keeps the inverse near 1, because for a network
    that predicts all rows correctly the loss alone falls without end as the temperature goes to 0.

    Parameters
    ----------
    Y : ndarray of shape (n_rows, n_classes)
        The classes, one-hot.
    weight : ndarray of shape (n_rows,) or None
        Weights of the rows.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.
    """

    def __init__(self, Y: Array, weight: Array | None) -> None:
        self._Y = Y.astype(np.float64)
        self._weight = weight
        n_classes = Y.shape[1]
        self._identity = np.eye(n_classes)
        self._network = Network(
            [n_classes, n_classes], output_activation="softmax", bias=False, dtype="float64"
        )

    def read(self, net_inputs: Array, guess: float = 1.0) -> tuple[float, float]:
        """Return the best temperature and its log loss; the search starts at `guess`."""
        net_inputs = net_inputs.astype(np.float64)
        low = high = min(max(1.0 / guess, _LEAST), _MOST)
        loss, slope = self._loss_at(net_inputs, low)
        best = (loss, low)
        slope_low = slope_high = slope
        rises = slope > 0.0
        while (rises and slope_low > 0.0 and low > _LEAST) or (
            not rises and slope_high < 0.0 and high < _MOST
        ):
            if rises:
                high, slope_high, low = low, slope_low, max(low / _STEP, _LEAST)
                loss, slope_low = self._loss_at(net_inputs, low)
                best = min(best, (loss, low))
            else:
                low, slope_low, high = high, slope_high, min(high * _STEP, _MOST)
                loss, slope_high = self._loss_at(net_inputs, high)
                best = min(best, (loss, high))
        for _ in range(_REFINEMENTS):
            if not slope_low < 0.0 < slope_high:
                break
            middle = low - slope_low * (high - low) / (slope_high - slope_low)
            loss, slope = self._loss_at(net_inputs, middle)
            best = min(best, (loss, middle))
            if slope < 0.0:
                low, slope_low = middle, slope
            else:
                high, slope_high = middle, slope
        return 1.0 / best[1], best[0]

    def _loss_at(self, net_inputs: Array, inverse: float) -> tuple[float, float]:
        """Return the loss with its penalty at the inverse of a temperature, and its derivative."""
        self._network.set_parameters([self._identity * inverse], [None])
        loss, gradients, _ = self._network.loss_and_gradients(
            net_inputs, self._Y, loss="log_loss", sample_weight=self._weight, n_threads=1
        )
        away = (inverse - 1.0) / len(self._Y)
        return float(loss) + 0.5 * away * (inverse - 1.0), float(np.trace(gradients[0])) + away


def tempered_log_loss(validation: Rows) -> Watch:
    """Return a function of a network: the log loss on these rows at its best temperature, and the latter.

    Members are thus compared by how well they separate the classes, and calibrated afterwards (E. Berta,
    D. Holzmueller, M. I. Jordan, F. Bach, "Rethinking early stopping: refine, then calibrate", 2025).
    """
    thermometer = Thermometer(validation.Y, validation.weight)
    temperature = 1.0

    def watch(network: Network) -> tuple[float, float]:
        nonlocal temperature
        net_inputs = _without_softmax(network).predict(validation.X, n_threads=1)
        temperature, loss = thermometer.read(net_inputs, temperature)
        return loss, temperature

    return watch


def with_temperature(network: Network, temperature: float) -> Network:
    """Return a network whose last net inputs are divided by the temperature."""
    weights, biases = network.weights, network.biases
    last = biases[-1]
    result = network.copy()
    result.set_parameters(
        [*weights[:-1], weights[-1] / np.float32(temperature)],
        [*biases[:-1], None if last is None else last / np.float32(temperature)],
    )
    return result


def _without_softmax(network: Network) -> Network:
    bare = Network(
        network.layer_sizes,
        activation=network.activations,
        output_activation="identity",
        bias=network.bias,
        dtype=network.dtype,
    )
    bare.set_parameters(network.weights, network.biases)
    return bare
