"""Eight bits: a network whose weights and activations are whole numbers from -128 to 127.

Method outline, after Jacob et al., "Quantization and training of neural networks for efficient
integer-arithmetic-only inference", CVPR 2018:

1. A number x is stored as q = round((x - low) / step) - 128. Each input has its own low and step, from the
   range of the given rows; the outputs of a hidden layer have one low and step in common.
2. The steps of the inputs are multiplied into the weights, and the rest, low + 128 step, into the biases. The
   weights of a unit are then whole multiples of a step of their own, a 127th of the largest.
3. Sums of products are 32-bit integers. Multiplied with a 31-bit integer for each unit and shifted right,
   they are 8-bit outputs (relu, identity) or places in a table of the activation, which is interpolated
   linearly between its entries.
4. The sums of the output layer become floats, and its activation is computed as such.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ferroprop.export._description import Activation, Array, Dense, network_of

Doubles: TypeAlias = NDArray[Any]
Integers: TypeAlias = NDArray[Any]

LEVELS = 255
"""The largest q + 128."""

PLACES = 2**16
"""The number of places in an activation's table: 256 pieces of 256 places."""

PIECES = 256
FINENESS = 128
"""A table holds outputs in this fraction of their step."""

STRAIGHT = ("identity", "relu")
"""Activations that need no table: a sum is scaled and clipped."""


@dataclass(frozen=True, eq=False)
class Layer8:
    """A layer in eight bits.

    Parameters
    ----------
    weights : ndarray of shape (fan_out, fan_in)
        From -127 to 127.
    biases : ndarray of shape (fan_out,)
        In the units of the sums, 32 bits.
    steps : ndarray of shape (fan_out,)
        The value of one unit of a sum.
    """

    weights: Integers
    biases: Integers
    steps: Doubles

    def sums(self, q: Integers) -> Integers:
        """Return the sums for 8-bit inputs, one row each."""
        sums: Integers = q @ self.weights.T + self.biases
        return sums


@dataclass(frozen=True, eq=False)
class Hidden8:
    """A hidden layer: sums become 8-bit outputs.

    Parameters
    ----------
    layer : Layer8
        The sums.
    multipliers : ndarray of shape (fan_out,)
        31-bit factors.
    shift : int
        The number of bits by which products are shifted to the right.
    offset : int
        The number that is added before the shift.
    table : ndarray of shape (257,) or None
        The activation at the ends of its pieces; None where the shifted product is the output itself.
    """

    layer: Layer8
    multipliers: Integers
    shift: int
    offset: int
    table: Integers | None

    def outputs(self, q: Integers) -> Integers:
        """Return the 8-bit outputs; the integers are those of the C code."""
        most = LEVELS if self.table is None else PLACES - 1
        products = self.layer.sums(q) * self.multipliers + self.offset
        places = np.minimum(np.maximum(products, 0) >> self.shift, most)
        if self.table is None:
            straight: Integers = places - 128
            return straight
        piece, part = places >> 8, places & 255
        start = self.table[piece]
        fine = start * 256 + (self.table[piece + 1] - start) * part
        between: Integers = ((fine + FINENESS * 128) >> 15) - 128
        return between


@dataclass(frozen=True, eq=False)
class Network8:
    """A network in eight bits.

    Parameters
    ----------
    low, factors : ndarray of shape (n_inputs,), float32
        An input x is stored as round((x - low) * factor) - 128.
    hidden : tuple of Hidden8
        The hidden layers.
    output : Layer8
        The output layer, whose sums become floats.
    """

    low: NDArray[np.float32]
    factors: NDArray[np.float32]
    hidden: tuple[Hidden8, ...]
    output: Layer8

    def stored(self, X: Array) -> Integers:
        """Return the inputs in eight bits."""
        scaled = (X.astype(np.float32) - self.low) * self.factors
        stored: Integers = np.floor(np.clip(scaled, 0, LEVELS) + np.float32(0.5)).astype(np.int64) - 128
        return stored

    def net_inputs(self, X: Array) -> NDArray[np.float32]:
        """Return the net inputs of the output layer."""
        q = self.stored(X)
        for hidden in self.hidden:
            q = hidden.outputs(q)
        return self.output.sums(q).astype(np.float32) * self.output.steps.astype(np.float32)


def quantize(layers: Sequence[Dense], X: Array) -> Network8:
    """Return the network in eight bits.

    Parameters
    ----------
    layers : sequence of Dense
        The network.
    X : ndarray of shape (n, n_inputs)
        Rows that determine the ranges of inputs and activations; numbers outside the ranges are clipped.

    Raises
    ------
    ValueError
        If the sums of a layer could be too large for 32 bits.
    """
    doubles = [
        Dense(
            layer.weights.astype(np.float64),
            None if layer.biases is None else layer.biases.astype(np.float64),
            layer.activation,
        )
        for layer in layers
    ]
    values = X.astype(np.float64)
    lowest, highest = values.min(axis=0).astype(np.float32), values.max(axis=0)
    low = lowest.astype(np.float64)
    factors = (1 / _positive((highest - low) / LEVELS, low)).astype(np.float32)
    step = 1 / factors.astype(np.float64)
    hidden = []
    for index, layer in enumerate(doubles[:-1]):
        scaled = _layer8(layer, low, step, index)
        net = check_range(_after([Dense(layer.weights, layer.biases, Activation("identity"))], values))
        values = check_range(_after([layer], values))
        low_out, high_out = float(values.min()), float(values.max())
        step_out = (high_out - low_out) / LEVELS or 1.0
        if layer.activation.name in STRAIGHT:
            hidden.append(_straight(scaled, low_out, step_out))
        else:
            function = _function(layer.activation)
            hidden.append(_by_table(scaled, float(net.min()), float(net.max()), low_out, step_out, function))
        width = values.shape[1]
        low, step = np.full(width, low_out), np.full(width, step_out)
    output = _layer8(doubles[-1], low, step, len(doubles) - 1)
    return Network8(lowest, factors, tuple(hidden), output)


def check_range(values: Array) -> Array:
    """Return the numbers, a row for each row of X, if all can be floats of C.

    Raises
    ------
    ValueError
        If one is not finite, or larger than the largest float32.
    """
    fit = np.all(np.abs(values) <= np.finfo(np.float32).max, axis=tuple(range(1, values.ndim)))
    if not fit.all():
        raise ValueError(
            "X must have rows whose numbers, and what the network makes of them, are floats of C, up to "
            f"3.4e38; those of row {int(np.flatnonzero(~fit)[0])} become larger"
        )
    return values


def _positive(step: Doubles, low: Doubles) -> Doubles:
    """Return steps with 0 replaced: a constant input is stored as one number, whatever its step."""
    usual: Doubles = np.where(step > 0, step, np.maximum(np.abs(low), 1.0) / LEVELS)
    return usual


def _layer8(layer: Dense, low: Doubles, step: Doubles, index: int) -> Layer8:
    weights = layer.weights * step[:, None]
    biases = (low + 128 * step) @ layer.weights
    if layer.biases is not None:
        biases = biases + layer.biases
    largest = np.abs(weights).max(axis=0) / 127
    steps = np.maximum(np.maximum(largest, np.abs(biases) / 2**29), 1e-30)
    whole = np.rint(weights / steps).astype(np.int64).T
    whole_biases = np.rint(biases / steps).astype(np.int64)
    if np.any(128 * np.abs(whole).sum(axis=1) + np.abs(whole_biases) >= 2**31):
        raise ValueError(f"layer {index} has too many inputs for 8 bits: its sums need more than 32 bits")
    return Layer8(whole, whole_biases, steps)


def _straight(layer: Layer8, low: float, step: float) -> Hidden8:
    multipliers, shift = _whole(layer.steps / step, low / step)
    offset = round(-low / step * 2**shift) + 2 ** (shift - 1)
    return Hidden8(layer, multipliers, shift, offset, None)


def _by_table(
    layer: Layer8,
    low_in: float,
    high_in: float,
    low: float,
    step: float,
    function: Callable[[Doubles], Doubles],
) -> Hidden8:
    piece = (high_in - low_in) / PLACES or 1.0 / PLACES
    multipliers, shift = _whole(layer.steps / piece, low_in / piece)
    ends = low_in + piece * 256 * np.arange(PIECES + 1)
    table = np.clip(np.rint((function(ends) - low) / step * FINENESS), 0, LEVELS * FINENESS)
    return Hidden8(layer, multipliers, shift, round(-low_in / piece * 2**shift), table.astype(np.int64))


def _whole(ratios: Doubles, low: float) -> tuple[Integers, int]:
    """Return ratios as integers of up to 31 bits, and the shift of products, those with `low` too."""
    most = np.array([ratios.max() * 2.0**31, abs(low), PLACES])
    shift = int(np.floor(61 - np.log2(most.max())))
    if shift < 1:
        raise ValueError("the net inputs of a hidden layer hardly vary over X; 8 bits need rows that differ")
    return np.rint(ratios * 2.0**shift).astype(np.int64), shift


def _after(layers: Sequence[Dense], values: Doubles) -> Doubles:
    outputs: Doubles = network_of(layers).predict(values)
    return outputs


def _function(activation: Activation) -> Callable[[Doubles], Doubles]:
    one = Dense(np.ones((1, 1)), None, activation)
    return lambda z: _after([one], z[:, None])[:, 0]
