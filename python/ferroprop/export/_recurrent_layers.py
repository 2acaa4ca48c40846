"""The arrays of one recurrent layer in the order and orientation of PyTorch and Keras."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_Array: TypeAlias = NDArray[Any]


def to_torch_layer(
    W: _Array, U: _Array, b: _Array | None, own: _Array | None
) -> tuple[_Array, _Array, _Array, _Array]:
    """Return a recurrent layer's ``weight_ih``, ``weight_hh``, ``bias_ih`` and ``bias_hh`` of PyTorch."""
    first = np.zeros(W.shape[1], W.dtype) if b is None else b.copy()
    second = np.zeros_like(first)
    if own is not None:
        second[-len(own) :] = own
    return W.T.copy(), U.T.copy(), first, second


def from_torch_layer(
    cell: str, W: _Array, U: _Array, first: _Array | None = None, second: _Array | None = None
) -> tuple[_Array, _Array, _Array | None, _Array | None]:
    """Return the weights, recurrent weights, biases and recurrent biases of a layer of PyTorch."""
    if first is None or second is None:
        return W.T, U.T, None, None
    both, own = first + second, None
    if cell == "gru":
        own = second[-len(U.T) :]
        both[-len(own) :] = first[-len(own) :]
    return W.T, U.T, both, own


def gates_swapped(array: _Array) -> _Array:
    """Return the columns of a GRU with its first two gates exchanged: from r, z, n to z, r, h and back."""
    first, second, third = np.split(array, 3, axis=-1)
    return np.concatenate([second, first, third], axis=-1)
