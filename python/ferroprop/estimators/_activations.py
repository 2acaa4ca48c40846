"""The parameters `activation` and `output_activation`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ferroprop._core import Activation
from ferroprop.catalogue import ACTIVATIONS, COMPLEX_ACTIVATIONS, STOCHASTIC_ACTIVATIONS
from ferroprop.estimators._sklearn import StrOptions

_FUNCTIONS = tuple(name for name in ACTIVATIONS if name != "softmax")
HIDDEN_NAMES = (*_FUNCTIONS, *STOCHASTIC_ACTIVATIONS)
_ALIASES = {alias: name for name, entry in ACTIVATIONS.items() for alias in entry.aliases}

OUTPUT = [StrOptions({*ACTIVATIONS, *_ALIASES}), Activation]
HIDDEN = [StrOptions({*HIDDEN_NAMES, *_ALIASES}), Activation]
COMPLEX_HIDDEN_NAMES = (*_FUNCTIONS, *(name for name in COMPLEX_ACTIVATIONS if name != "abs"))
COMPLEX_OUTPUT = [StrOptions({*ACTIVATIONS, *COMPLEX_ACTIVATIONS, *_ALIASES}), Activation]
COMPLEX_HIDDEN = [StrOptions({*COMPLEX_HIDDEN_NAMES, *_ALIASES}), Activation]
"""The estimators' constraints on the two parameters."""


def is_stochastic(activation: Any) -> bool:
    """Return whether an activation, or one of a tuple of them, draws its outputs."""
    listed = activation if isinstance(activation, tuple) else (activation,)
    return any(getattr(one, "name", one) in STOCHASTIC_ACTIVATIONS for one in listed)


def canonical(activation: Any) -> Any:
    """Return the activation, by its own name where it was given by another."""
    return _ALIASES.get(activation, activation) if isinstance(activation, str) else activation


def hidden_activations(activation: Any, n_hidden: int, names: tuple[str, ...] = HIDDEN_NAMES) -> str | Any:
    """Return the activation of all hidden layers, or a tuple with one per layer.

    Parameters
    ----------
    activation : str, object or sequence of them
        The estimator's parameter.
    n_hidden : int
        Number of hidden layers.
    names : tuple of str
        Names that there are.

    Raises
    ------
    ValueError
        If a sequence has not one activation a hidden layer, or an unknown one.
    """
    if isinstance(activation, (str, Activation)):
        return canonical(activation)
    listed = tuple(activation)
    if len(listed) != n_hidden:
        raise ValueError(
            f"activation must be one activation or one for each of the {n_hidden} hidden layers, "
            f"got {len(listed)}."
        )
    for one in listed:
        named = isinstance(one, str) and one in {*names, *_ALIASES}
        if not (named or isinstance(one, Activation)):
            raise ValueError(f"activation must have names among {', '.join(names)} or objects, got {one!r}.")
    return tuple(canonical(str(one) if isinstance(one, np.str_) else one) for one in listed)
