"""A look inside a fitted network: hidden activations, and the gradient of the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ferroprop.estimators._prepared import build_network
from ferroprop.estimators._sklearn import check_is_fitted, in_the_container_set
from ferroprop.estimators._typing import Array, MatrixLike

if TYPE_CHECKING:
    from ferroprop.estimators._base import BaseMLP


class LooksInside:
    """The methods of an estimator that look inside its network."""

    def transform(self: BaseMLP, X: MatrixLike, layer: int = -1) -> Array:  # type: ignore[misc]
        """Return the activations of a hidden layer: what the network has made of the features.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        layer : int, default=-1
            Number of the hidden layer: 0 is the first, -1 the last.

        Returns
        -------
        X_new : ndarray or data frame of shape (n_samples, n_units)
            The activations; a data frame after ``set_output``.
        """
        check_is_fitted(self)
        index = _hidden_layer(self, layer)
        rows = self._checked_rows(X)
        part = _first_layers(self, index)
        hidden = self._predicted_by(part, rows)
        named: Array = in_the_container_set("transform", hidden, X, _Named(self, hidden.shape[1]))
        return named


def _hidden_layer(estimator: BaseMLP, layer: int) -> int:
    n_hidden = estimator.n_layers_ - 2
    if n_hidden == 0:
        raise ValueError("transform needs a hidden layer, hidden_layer_sizes has none.")
    if not -n_hidden <= layer < n_hidden:
        raise ValueError(
            f"layer must be from {-n_hidden} to {n_hidden - 1} for {n_hidden} hidden layer(s), got {layer}."
        )
    index: int = layer % n_hidden
    return index


def _first_layers(estimator: BaseMLP, last: int) -> Any:
    """Return a network whose output layer is this hidden layer."""
    activation = estimator._hidden_activation()
    if isinstance(activation, tuple):
        activation, output = activation[:last], activation[last]
    else:
        output = activation
    coefs, intercepts = estimator.coefs_[: last + 1], estimator.intercepts_[: last + 1]
    return build_network(coefs, intercepts, activation, output)


class _Named:
    """What `set_output` wants to know of an estimator whose layers differ in width."""

    def __init__(self, estimator: BaseMLP, width: int) -> None:
        self._sklearn_auto_wrap_output_keys = estimator._sklearn_auto_wrap_output_keys
        self._sklearn_output_config = getattr(estimator, "_sklearn_output_config", {})
        self._prefix = type(estimator).__name__.lower()
        self._width = width

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> Array:
        return np.asarray([f"{self._prefix}{unit}" for unit in range(self._width)], dtype=object)
