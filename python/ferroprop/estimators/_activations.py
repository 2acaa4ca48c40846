"""What `activation` and `output_activation` may be."""

from __future__ import annotations

from typing import Any

import numpy as np

from ferroprop._core import ELU, LeakyReLU, Logistic
from ferroprop.estimators._sklearn import StrOptions

NAMES = (
    "identity",
    "logistic",
    "tanh",
    "relu",
    "softplus",
    "softsign",
    "arctan",
    "bipolar",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "hard_sigmoid",
    "exp",
)
OBJECTS = (Logistic, LeakyReLU, ELU)
"""Activations that have a parameter."""

HIDDEN = [StrOptions(set(NAMES)), *OBJECTS]
OUTPUT = [StrOptions({*NAMES, "softmax"}), *OBJECTS]
"""The estimators' constraints on the two parameters."""


def hidden_activations(activation: Any, n_hidden: int) -> str | Any:
    """Return the activation of all hidden layers, or a tuple with that of each.

    Parameters
    ----------
    activation : str, object or sequence of them
        The estimator's parameter.
    n_hidden : int
        Number of hidden layers.

    Raises
    ------
    ValueError
        If a sequence has not one activation a hidden layer, or an unknown one.
    """
    if isinstance(activation, (str, *OBJECTS)):
        return activation
    listed = tuple(activation)
    if len(listed) != n_hidden:
        raise ValueError(
            f"activation must be one activation or one for each of the {n_hidden} hidden layers, "
            f"got {len(listed)}."
        )
    for one in listed:
        if not (isinstance(one, OBJECTS) or (isinstance(one, str) and one in NAMES)):
            raise ValueError(f"activation must have names among {', '.join(NAMES)} or objects, got {one!r}.")
    return tuple(str(one) if isinstance(one, np.str_) else one for one in listed)
