"""The random state of a fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import MT19937, RandomState
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

from ferroprop.estimators._sklearn import check_random_state


class _Zeros(ISeedSequence):
    """Zeros in place of the system's entropy."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        """Return as many zeros."""
        return np.zeros(n_words, dtype)


_ZEROS = _Zeros()

_SPARE: list[RandomState] = []
"""Generators that fits have given back: to make one takes NumPy longer than all that a small fit draws."""
_MOST_SPARE = 64
"""A search gives back as many as it has fits at a time."""


def random_state_of(seed: Any) -> RandomState:
    """Return what scikit-learn's `check_random_state` returns, for a number sooner.

    NumPy collects entropy for each new generator, even for one that is given its seed at once.

    Parameters
    ----------
    seed : int, RandomState instance or None
        The estimator's parameter.

    Examples
    --------
    >>> int(random_state_of(3).randint(100)), int(np.random.RandomState(3).randint(100))
    (24, 24)
    """
    if type(seed) is not int:
        rng: RandomState = check_random_state(seed)
        return rng
    try:
        rng = _SPARE.pop()
    except IndexError:
        rng = RandomState(MT19937(_ZEROS))  # type: ignore[arg-type]  # NumPy takes any ISeedSequence
    rng.seed(seed)
    return rng


def give_back(rng: RandomState, seed: Any) -> None:
    """Leave a generator of `random_state_of` to later fits, unless it is the caller's.

    Parameters
    ----------
    rng : RandomState
        The generator, from which nobody draws any more.
    seed : int, RandomState instance or None
        What it was made of.
    """
    if type(seed) is int and len(_SPARE) < _MOST_SPARE:
        _SPARE.append(rng)
