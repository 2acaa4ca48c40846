"""Which earlier steps a model sees."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

_MOST = 1_000_000
"""Lags that stand for a range: more would be a mistake, and need memory before the series is looked at."""


def checked_lags(lags: Any, name: str, least: int) -> tuple[int, ...]:
    """Return lags: n stands for 1 to n, other lags are given one by one.

    Parameters
    ----------
    lags : int or iterable of int
        As the user gave them.
    name : str
        Of the argument, for messages.
    least : int
        The smallest lag that there may be.
    """
    if isinstance(lags, Integral) and not isinstance(lags, bool):
        if lags < 0:
            raise ValueError(f"{name} must be 0 or more, or a sequence of lags, got {lags}.")
        if int(lags) > _MOST:
            raise ValueError(f"{name} must be at most {_MOST}, got {lags}.")
        return tuple(range(1, int(lags) + 1))
    if isinstance(lags, (str, bytes)) or not isinstance(lags, Iterable):
        raise TypeError(f"{name} must be an int or a sequence of ints, got {lags!r}.")
    given = list(lags)
    for lag in given:
        if not isinstance(lag, Integral) or isinstance(lag, bool):
            raise TypeError(f"{name} must hold ints, got {lag!r}.")
        if lag < least:
            raise ValueError(f"{name} must hold lags from {least} on, got {lag}.")
    if len(set(given)) < len(given):
        raise ValueError(f"{name} must hold each lag once, got {given}.")
    return tuple(int(lag) for lag in given)


def both_lags(lags: Any, input_lags: Any, has_inputs: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the lags of the outputs and of the inputs, of which there is at least one."""
    if input_lags is not None and not has_inputs:
        raise ValueError(f"input_lags={input_lags!r} needs inputs, but X is None.")
    of_outputs = checked_lags(lags, "lags", 1)
    if not has_inputs:
        of_inputs: tuple[int, ...] = ()
    else:
        of_inputs = of_outputs if input_lags is None else checked_lags(input_lags, "input_lags", 0)
    if not of_outputs and not of_inputs:
        raise ValueError("there is no lag: lags and input_lags must not both be empty.")
    return of_outputs, of_inputs
