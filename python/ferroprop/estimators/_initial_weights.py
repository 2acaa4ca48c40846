"""The initial weights scikit-learn would draw from the same random state."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ferroprop.estimators._typing import Layers


def initial_weights(
    layer_sizes: Sequence[int], activation: str, dtype: np.dtype[Any], rng: np.random.RandomState
) -> tuple[Layers, Layers]:
    """Draw weights and biases of each layer, Glorot uniform.

    The bound is ``sqrt(6 / (fan_in + fan_out))``, for the logistic activation with 2 in place of 6.
    scikit-learn draws the biases from the same interval, right after the weights of their layer; the order of
    the draws is part of the contract.

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of units of each layer, input and output included.
    activation : str
        Activation of the hidden layers.
    dtype : numpy dtype
        The draws are float64; this is what they are rounded to.
    rng : numpy.random.RandomState
        Where they are drawn from.

    Returns
    -------
    coefs : list of ndarray of shape (fan_in, fan_out)
    intercepts : list of ndarray of shape (fan_out,)
    """
    factor = 2.0 if activation == "logistic" else 6.0
    coefs: Layers = []
    intercepts: Layers = []
    for fan_in, fan_out in pairwise(layer_sizes):
        bound = np.sqrt(factor / (fan_in + fan_out))
        coefs.append(rng.uniform(-bound, bound, (fan_in, fan_out)).astype(dtype, copy=False))
        intercepts.append(rng.uniform(-bound, bound, fan_out).astype(dtype, copy=False))
    return coefs, intercepts
