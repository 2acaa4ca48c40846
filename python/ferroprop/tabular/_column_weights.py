"""Weights of columns: what columns that matter little give to a network is made small.

A network of a few thousand rows learns from each column, the useless ones too. Short trainings find out how
much each column matters, by the loss on held-out rows whose numbers in this column are exchanged among each
other [1]_; the inputs of a column then are multiplied by a weight from 0.1 to 1. What a
column gives to the units then grows as much slower, and early stopping leaves little of it: the idea of the
adaptive lasso [2]_. When a network is trained, the weights of the columns go into those of its first layer.

References
----------
.. [1] L. Breiman, "Random forests", Machine Learning 45, 2001.
.. [2] H. Zou, "The adaptive lasso and its oracle properties", JASA 101, 2006.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ferroprop._core import Network
from ferroprop.estimators._typing import Array
from ferroprop.tabular.encoder import EncodedColumn

_MOST_ROWS = 1500
_FEWEST_ROWS = 100
_MOST_PREDICTED = 150_000
"""Rows times columns, in one measurement."""
_MOST_READ = 150_000_000
"""The same times inputs."""
_LEAST_WEIGHT = 0.1
_FULL_WEIGHT = 0.9
"""The quantile of importances from which on a column has weight 1."""


def importances(
    loss: Callable[[Array], float],
    X: Array,
    columns: Sequence[EncodedColumn],
    rng: np.random.RandomState,
    is_over: Callable[[], bool],
) -> Array | None:
    """Return by how much the loss rises if the rows exchange their values of each column; 0 without inputs.

    Parameters
    ----------
    loss : callable
        Returns a network's loss on the inputs of these rows.
    X : ndarray of shape (n_rows, n_inputs)
        The inputs. They are changed, and left as they were.
    columns : sequence
        The columns, in the order of their inputs.
    rng : RandomState
        Draws who exchanges with whom.
    is_over : callable
        Asked before each column; if it returns True, the result is None.
    """
    before = loss(X)
    rises = np.zeros(len(columns))
    first = 0
    for place, column in enumerate(columns):
        inputs = slice(first, first + len(column.feature_names()))
        first = inputs.stop
        if inputs.start == inputs.stop:
            continue
        if is_over():
            return None
        own = X[:, inputs].copy()
        X[:, inputs] = own[rng.permutation(len(X))]
        rises[place] = loss(X) - before
        X[:, inputs] = own
    return rises


def n_rows_for(n_columns: int, n_inputs: int) -> int:
    """Return on how many rows to measure: fewer if there are many columns or inputs."""
    most = min(_MOST_PREDICTED // n_columns, _MOST_READ // (n_columns * n_inputs))
    return max(_FEWEST_ROWS, min(_MOST_ROWS, most))


def weights_from(importances: Array, has_inputs: Array) -> Array:
    """Return a weight per column: the square root of its importance, relative to that of the best tenth.

    Columns without inputs do not count, and have weight 1.

    Examples
    --------
    >>> import numpy as np
    >>> measured = np.array([-0.1, 0.0001, 0.02, 0.08, 0.08, 0.3, 0.0])
    >>> weights_from(measured, np.arange(7) < 6).round(2).tolist()
    [0.1, 0.1, 0.32, 0.65, 0.65, 1.0, 1.0]
    """
    full = float(np.quantile(importances[has_inputs], _FULL_WEIGHT))
    if full <= 0.0:
        return np.ones(len(importances))
    weights: Array = np.sqrt(np.clip(importances / full, _LEAST_WEIGHT**2, 1.0))
    weights[~has_inputs] = 1.0
    return weights


def of_inputs(weights: Array, columns: Sequence[EncodedColumn]) -> Array:
    """Return the weight of each input, float32."""
    widths = [len(column.feature_names()) for column in columns]
    return np.repeat(weights, widths).astype(np.float32)


def without_weights(network: Network, weights: Array) -> Network:
    """Return the network that has the same outputs for inputs that are not multiplied by their weights."""
    first, *rest = network.weights
    result = network.copy()
    result.set_parameters([first * weights[:, None], *rest], network.biases)
    return result
