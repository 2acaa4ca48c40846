"""Keras: the weights of a model as the arrays of ``set_weights``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroprop.export._describe import describe
from ferroprop.export._description import Array, Dense, Quantities, Recurrent
from ferroprop.export._recurrent_layers import gates_swapped


def to_keras_weights(model: object) -> list[NDArray[Any]]:
    """Return the weights of a model in the order, and in the form, of Keras.

    The documentation of `Network.to_keras_weights` describes them. A pipeline's network has the weights, its
    preparation of a table has none: ``pipeline[-1]`` is what this function takes.

    Parameters
    ----------
    model : Network, RecurrentNetwork or estimator
        An estimator must be fitted.

    Returns
    -------
    weights : list of ndarray
        Two for each dense layer, three for each recurrent one. Copies.

    Raises
    ------
    TypeError, ValueError
        If the model is of another kind, not fitted, a pipeline with a preparation, a transformed target, or
        has complex numbers or stochastic units.

    Examples
    --------
    >>> import ferroprop as fp
    >>> from ferroprop.export import to_keras_weights
    >>> [array.shape for array in to_keras_weights(fp.Network([4, 3, 2]))]
    [(4, 3), (3,), (3, 2), (2,)]
    """
    described = describe(model, recurrent=True)
    if described.preparation is not None:
        raise ValueError(
            "model must be a network or an estimator, whose layers Keras has; got a Pipeline that prepares "
            "its rows: export its last step, pipeline[-1], and prepare the rows before"
        )
    if isinstance(described.result, Quantities) and described.result.operations:
        raise ValueError(
            "model must be a network or an estimator, whose layers Keras has; got a "
            "TransformedTargetRegressor: export its regressor_, and transform the outputs after"
        )
    found: list[Array] = []
    for recurrent in described.recurrent:
        found += _recurrent(recurrent)
    for dense in described.layers:
        found += _dense(dense)
    return found


def _dense(layer: Dense) -> list[Array]:
    return [layer.weights.copy(), _biases(layer.weights, layer.biases)]


def _recurrent(layer: Recurrent) -> list[Array]:
    W, U, biases = layer.weights, layer.recurrent_weights, _biases(layer.weights, layer.biases)
    if layer.cell != "gru":
        return [W.copy(), U.copy(), biases]
    second = np.zeros_like(biases)
    if layer.recurrent_biases is not None:
        second[-len(U) :] = layer.recurrent_biases
    return [gates_swapped(W), gates_swapped(U), np.stack([gates_swapped(biases), gates_swapped(second)])]


def _biases(weights: Array, biases: Array | None) -> Array:
    return np.zeros(weights.shape[1], weights.dtype) if biases is None else biases.copy()
