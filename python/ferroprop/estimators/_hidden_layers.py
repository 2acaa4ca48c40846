"""The hidden layers of an estimator: their numbers, and the names of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from ferroprop.estimators._typing import Array


def hidden_layer(layer: int, *, n_hidden: int) -> int:
    """Return the number of a hidden layer, counted from 0, from the caller's, where -1 is the last."""
    if n_hidden == 0:
        raise ValueError("transform needs a hidden layer, hidden_layer_sizes has none.")
    if not isinstance(layer, Integral):
        raise TypeError(f"layer must be an integer, got {layer!r}.")
    if not -n_hidden <= layer < n_hidden:
        raise ValueError(
            f"layer must be from {-n_hidden} to {n_hidden - 1} for {n_hidden} hidden layer(s), got {layer}."
        )
    return int(layer) % n_hidden


class LayerColumns:
    """The names of columns for ``set_output``, where layers differ in width.

    Parameters
    ----------
    prefix : str
        What the names of the columns begin with.
    width : int
        Number of columns.
    wrapped, configuration
        scikit-learn's notes on the estimator.
    """

    def __init__(self, prefix: str, width: int, wrapped: set[str], configuration: dict[str, Any]) -> None:
        self._sklearn_auto_wrap_output_keys = wrapped
        self._sklearn_output_config = configuration
        self._prefix = prefix
        self._width = width

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> Array:
        """Return the names of the columns."""
        return np.asarray([f"{self._prefix}{unit}" for unit in range(self._width)], dtype=object)
