"""The initial weights that scikit-learn draws from the same random state."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ferroprop.estimators._typing import Layers


def initial_weights(
    layer_sizes: Sequence[int], activation: Any, dtype: np.dtype[Any], rng: np.random.RandomState
) -> tuple[Layers, Layers]:
    """Draw weights and biases of each layer, Glorot uniform.

    The bound is ``sqrt(6 / (fan_in + fan_out))``, for logistic and Bernoulli units with 2 in place of 6.
    scikit-learn draws the biases from the same interval, right after the weights of their layer; the order
    of the draws is part of the contract. Complex ones are drawn as two such sets, real parts first, over
    sqrt(2).

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of units of each layer, input and output included.
    activation : str, object or tuple of them
        Activation of the hidden layers, a tuple if they differ. The output layer is drawn as the layer before
        it, as in scikit-learn.
    dtype : numpy dtype
        The draws are float64; this is what they are rounded to.
    rng : numpy.random.RandomState
        Where they are drawn from.

    Returns
    -------
    coefs : list of ndarray of shape (fan_in, fan_out)
    intercepts : list of ndarray of shape (fan_out,)
    """
    if np.dtype(dtype).kind == "c":
        parts = [initial_weights(layer_sizes, activation, np.dtype(np.float64), rng) for _ in range(2)]
        # A part has half the variance of the whole.
        complex_coefs, complex_intercepts = (
            [((re + 1j * im) / np.sqrt(2)).astype(dtype) for re, im in zip(*both, strict=True)]
            for both in zip(*parts, strict=True)
        )
        return complex_coefs, complex_intercepts
    coefs: Layers = []
    intercepts: Layers = []
    listed = (*activation, *activation[-1:]) if isinstance(activation, tuple) else ()
    for layer, (fan_in, fan_out) in enumerate(pairwise(layer_sizes)):
        drawn_as = listed[layer] if listed else activation
        factor = 2.0 if getattr(drawn_as, "name", drawn_as) in ("logistic", "bernoulli") else 6.0
        bound = math.sqrt(factor / (fan_in + fan_out))
        coefs.append(rng.uniform(-bound, bound, (fan_in, fan_out)).astype(dtype, copy=False))
        intercepts.append(rng.uniform(-bound, bound, fan_out).astype(dtype, copy=False))
    return coefs, intercepts
