"""A look inside a fitted network: hidden activations, and how the outputs depend on the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

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

        Examples
        --------
        >>> from ferroprop import MLPRegressor
        >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]
        >>> mlp = MLPRegressor(hidden_layer_sizes=(5, 3), random_state=0).initialize(X, y)
        >>> mlp.transform(X).shape, mlp.transform(X, layer=0).shape
        ((2, 3), (2, 5))
        """
        self = self._as_it_is()
        check_is_fitted(self)
        index = _hidden_layer(self, layer)
        rows = self._checked_rows(X)
        hidden = self._in_parts(partial(self._network().hidden, layer=index), rows)
        named: Array = in_the_container_set("transform", hidden, X, _Named(self, hidden.shape[1]))
        return named

    def predict_gradient(self: BaseMLP, X: MatrixLike) -> Array:  # type: ignore[misc]
        """Return how the outputs change with the inputs, row by row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        gradient : ndarray of shape (n_samples, n_features) or (n_samples, n_outputs, n_features)
            The derivatives of what ``predict`` returns with respect to the features, of a classifier those of
            ``predict_proba`` (with a hinge loss of ``decision_function``); the axis of outputs is left out
            where these methods return one number a row.

        Examples
        --------
        >>> from ferroprop import MLPRegressor
        >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]
        >>> linear = MLPRegressor(hidden_layer_sizes=(), random_state=0).initialize(X, y)
        >>> gradient = linear.predict_gradient(X)
        >>> bool((gradient == linear.coefs_[0].ravel()).all())
        True
        """
        self = self._as_it_is()
        check_is_fitted(self)
        rows = self._checked_rows(X)
        return self._gradient_of_outputs(self._in_parts(self._network().input_gradient, rows))


def _hidden_layer(estimator: BaseMLP, layer: int) -> int:
    n_hidden = estimator.n_layers_ - 2
    if n_hidden == 0:
        raise ValueError("transform needs a hidden layer, hidden_layer_sizes has none.")
    if not isinstance(layer, Integral):
        raise TypeError(f"layer must be an integer, got {layer!r}.")
    if not -n_hidden <= layer < n_hidden:
        raise ValueError(
            f"layer must be from {-n_hidden} to {n_hidden - 1} for {n_hidden} hidden layer(s), got {layer}."
        )
    index: int = layer % n_hidden
    return index


class _Named:
    """What `set_output` wants to know of an estimator whose layers differ in width."""

    def __init__(self, estimator: BaseMLP, width: int) -> None:
        self._sklearn_auto_wrap_output_keys = estimator._sklearn_auto_wrap_output_keys
        self._sklearn_output_config = getattr(estimator, "_sklearn_output_config", {})
        self._prefix = type(estimator).__name__.lower()
        self._width = width

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> Array:
        return np.asarray([f"{self._prefix}{unit}" for unit in range(self._width)], dtype=object)
