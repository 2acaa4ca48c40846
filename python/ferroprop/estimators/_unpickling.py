"""Checks of an unpickled estimator: arrays that make a network, a memory that fits the optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from ferroprop.estimators import _optimizers


def check_state(state: Mapping[str, Any], kinds: str) -> None:
    """Refuse an impossible state, with a message that names the attribute.

    Parameters
    ----------
    state : dict
        As ``__getstate__`` returns it.
    kinds : str
        The kinds of dtype that weights may have.
    """
    if "coefs_" in state or "intercepts_" in state:
        coefs = _arrays(state, "coefs_", 2, kinds)
        intercepts = _arrays(state, "intercepts_", 1, kinds)
        if any(before.shape[1] != after.shape[0] for before, after in pairwise(coefs)):
            shapes = [coef.shape for coef in coefs]
            raise ValueError(f"coefs_ must have shapes that fit each other, got {shapes}.")
        sizes = [coef.shape[1] for coef in coefs]
        lengths = [len(intercept) for intercept in intercepts]
        if lengths != sizes:
            raise ValueError(f"intercepts_ must have the lengths {sizes}, as coefs_, got {lengths}.")
    if "_optimizer" in state:
        _check_optimizer(state)


def _arrays(state: Mapping[str, Any], name: str, ndim: int, kinds: str) -> list[Any]:
    words = "complex" if kinds == "c" else "real"
    arrays = state.get(name)
    if not isinstance(arrays, (list, tuple)) or not arrays:
        raise TypeError(f"{name} must be a list of arrays, got {type(arrays).__name__} {arrays!r:.80}.")
    for array in arrays:
        if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds or array.ndim != ndim:
            raise TypeError(
                f"{name} must hold arrays of {ndim} dimension(s) of {words} numbers, got {array!r:.80}."
            )
        if 0 in array.shape or not np.isfinite(array).all():
            raise ValueError(f"{name} must hold finite numbers, got {array!r:.80}.")
    return list(arrays)


def _check_optimizer(state: Mapping[str, Any]) -> None:
    pickled = state["_optimizer"]
    settings = pickled.get("settings") if isinstance(pickled, dict) else None
    memory = pickled.get("memory") if isinstance(pickled, dict) else None
    if not isinstance(settings, dict) or not isinstance(memory, dict):
        raise TypeError(f"_optimizer must be a dict with settings and memory, got {pickled!r:.80}.")
    try:
        # an int for the seed: nothing is drawn from a generator by looking at the state
        optimizer = _optimizers.fresh_optimizer({**state, "random_state": 0}, settings.get("solver"))
    except (ValueError, TypeError, AttributeError, KeyError):
        return  # the parameters were changed after the fit; the next one says what is wrong with them
    if optimizer is not None:
        try:
            optimizer.load_state_dict(dict(memory))
        except (ValueError, TypeError) as error:
            raise type(error)(f"_optimizer has a memory that is none: {error}") from None
