"""The weights of a recurrent network in the order and orientation of PyTorch and Keras, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ferroprop._core import RecurrentNetwork
from ferroprop.export._methods import Exports
from ferroprop.export._recurrent_layers import from_torch_layer, gates_swapped, to_torch_layer

_Array = NDArray[Any]
_Layer: TypeAlias = tuple[_Array, _Array | None, _Array | None, _Array | None]
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def torch_weights(self: RecurrentNetwork) -> dict[str, _Array]:
    """Return the weights under the names, and in the form, of PyTorch.

    Gates are in PyTorch's order already, i, f, g, o and r, z, n; its matrices are transposed, and its layers
    have two biases, which add up: all is in the first one here, but the recurrent biases of a "gru".

    Returns
    -------
    weights : dict of str to ndarray
        ``weight_ih_l0``, ``weight_hh_l0``, ``bias_ih_l0`` and ``bias_hh_l0`` of the first hidden layer, which
        are those of ``torch.nn.RNN``, ``LSTM`` or ``GRU``, and so on; ``weight`` and ``bias`` of the output
        layer, which are those of ``torch.nn.Linear``. Biases of layers without any are 0.

    Examples
    --------
    >>> import ferroprop as fp
    >>> weights = fp.RecurrentNetwork([3, 5, 1], cell="gru").torch_weights()
    >>> {name: array.shape for name, array in weights.items()}  # doctest: +NORMALIZE_WHITESPACE
    {'weight_ih_l0': (15, 3), 'weight_hh_l0': (15, 5), 'bias_ih_l0': (15,), 'bias_hh_l0': (15,),
     'weight': (1, 5), 'bias': (1,)}
    """
    found: dict[str, _Array] = {}
    for layer, (U, own) in enumerate(zip(self.recurrent_weights, self.recurrent_biases, strict=True)):
        W, b = self.weights[layer], self.biases[layer]
        if U is None:
            biases = np.zeros(W.shape[1], W.dtype) if b is None else b.copy()
            found |= {"weight": W.T.copy(), "bias": biases}
            continue
        names = (f"{name}_l{layer}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        found |= dict(zip(names, to_torch_layer(W, U, b, own), strict=True))
    return found


def set_torch_weights(self: RecurrentNetwork, weights: Mapping[str, ArrayLike]) -> None:
    """Replace all weights and biases by those of a network of PyTorch.

    Parameters
    ----------
    weights : mapping of str to array-like
        As `torch_weights` returns them: the ``state_dict()`` of the recurrent layers together with that of
        the output layer, as arrays. Missing biases are 0.

    Raises
    ------
    TypeError, ValueError
        If it is no mapping, a name is missing or unknown, a shape is wrong, a number is not finite, or a
        layer without biases would get some; nothing changes then.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net, other = (fp.RecurrentNetwork([3, 5, 1], cell="lstm", seed=seed) for seed in (1, 2))
    >>> net.set_torch_weights(other.torch_weights())
    >>> bool((net.parameter_vector == other.parameter_vector).all())
    True
    """
    if not isinstance(weights, Mapping):
        raise TypeError(f"weights must be arrays by name, such as a dict, got {type(weights).__name__}")
    rest = {name: _array(f"weights[{name!r}]", value) for name, value in weights.items()}

    def take(name: str, shape: tuple[int, ...], *, optional: bool = False) -> _Array:
        if name not in rest:
            if optional:
                return np.zeros(shape)
            raise ValueError(f"weights must have {name!r}, got {', '.join(map(repr, weights))}")
        return _shaped(f"weights[{name!r}]", rest.pop(name), shape)

    layers: list[_Layer] = []
    for layer, (fan_in, units) in enumerate(zip(self.layer_sizes[:-2], self.layer_sizes[1:-1], strict=True)):
        rows = GATES[self.cell] * units
        W, U = take(f"weight_ih_l{layer}", (rows, fan_in)), take(f"weight_hh_l{layer}", (rows, units))
        first = take(f"bias_ih_l{layer}", (rows,), optional=True)
        second = take(f"bias_hh_l{layer}", (rows,), optional=True)
        layers.append(from_torch_layer(self.cell, W, U, first, second))
    W = take("weight", (self.layer_sizes[-1], self.layer_sizes[-2]))
    layers.append((W.T, None, take("bias", (self.layer_sizes[-1],), optional=True), None))
    if rest:
        raise ValueError(f"weights must have no {', '.join(map(repr, rest))}")
    _set(self, layers)


def set_keras_weights(self: RecurrentNetwork, weights: Sequence[ArrayLike]) -> None:
    """Replace all weights and biases by those of a network of Keras.

    Parameters
    ----------
    weights : sequence of array-like
        As `to_keras_weights` returns them: ``get_weights()`` of the recurrent layers and of the dense one,
        one after the other.

    Raises
    ------
    TypeError, ValueError
        If it is no sequence, there are too many or too few, a shape is wrong, a number is not finite, or a
        layer without biases would get some; nothing changes then.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net, other = (fp.RecurrentNetwork([3, 5, 1], cell="gru", seed=seed) for seed in (1, 2))
    >>> net.set_keras_weights(other.to_keras_weights())
    >>> bool((net.parameter_vector == other.parameter_vector).all())
    True
    """
    if not isinstance(weights, Sequence):
        raise TypeError(f"weights must be a list of arrays, got {type(weights).__name__}")
    expected = 3 * (len(self.layer_sizes) - 2) + 2
    if len(weights) != expected:
        raise ValueError(f"weights must be {expected} arrays, got {len(weights)}")
    arrays = iter(enumerate(weights))

    def take(shape: tuple[int, ...]) -> _Array:
        place, value = next(arrays)
        return _shaped(f"weights[{place}]", _array(f"weights[{place}]", value), shape)

    layers: list[_Layer] = []
    for fan_in, units in zip(self.layer_sizes[:-2], self.layer_sizes[1:-1], strict=True):
        columns = GATES[self.cell] * units
        W, U = take((fan_in, columns)), take((units, columns))
        if self.cell == "gru":
            first, second = map(gates_swapped, take((2, columns)))
            own, both = second[-units:], first + second
            both[-units:] = first[-units:]
            layers.append((gates_swapped(W), gates_swapped(U), both, own))
        else:
            layers.append((W, U, take((columns,)), None))
    layers.append(
        (take((self.layer_sizes[-2], self.layer_sizes[-1])), None, take((self.layer_sizes[-1],)), None)
    )
    _set(self, layers)


def _array(name: str, value: ArrayLike) -> _Array:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array.astype(np.float64)


def _shaped(name: str, array: _Array, shape: tuple[int, ...]) -> _Array:
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return array


def _set(network: RecurrentNetwork, layers: Sequence[_Layer]) -> None:
    """Set the weights; a layer without biases takes biases of 0."""
    kept: list[tuple[_Array, _Array | None, _Array | None, _Array | None]] = []
    for place, (W, U, b, own) in enumerate(layers):
        if network.bias[place]:
            kept.append((W, U, b, own))
            continue
        if any(one is not None and one.any() for one in (b, own)):
            raise ValueError(f"weights must have no biases for layer {place}, which has none in this network")
        kept.append((W, U, None, None))
    weights, recurrent, biases, own_biases = zip(*kept, strict=True)
    network.set_parameters(weights, recurrent, biases, own_biases)


def give_methods_to(kind: type) -> None:
    """Give the class of the native module these methods; it knows nothing of other libraries."""
    methods = (torch_weights, set_torch_weights, set_keras_weights)
    for method in (*methods, Exports.to_onnx, Exports.to_torch, Exports.to_keras_weights):
        setattr(kind, method.__name__, method)
