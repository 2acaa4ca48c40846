"""Sequences: an array of shape (n_sequences, n_steps, n_features), or a list of arrays (n_steps, n_features).

An array is for sequences of one length, a list for any lengths. Targets and weights of steps have the same
form, sequence by sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse

from ferroprop.estimators._sklearn import check_sample_weight
from ferroprop.estimators._typing import Array

Sequences = Array | list[Array]


def parts_of(values: Any) -> Any:
    """Return a list of what belongs to each sequence, or an array that has it in its first axis."""
    if isinstance(values, (list, tuple)) or (isinstance(values, np.ndarray) and values.dtype == object):
        return list(values)
    return np.asarray(values)


def checked_sequences(values: Any, name: str, dtype: Any = None) -> Sequences:
    """Return sequences of finite numbers: float32 if all of them are, else float64, or of the given dtype."""
    if scipy.sparse.issparse(values):
        raise TypeError(f"{name} must be a dense array or a list of them, got a sparse matrix.")
    parts = parts_of(values)
    if isinstance(parts, list):
        if not parts:
            raise ValueError(f"{name} must hold at least one sequence, got an empty list.")
        arrays = [_numbers(part, f"{name}[{place}]") for place, part in enumerate(parts)]
        for place, array in enumerate(arrays):
            if array.ndim != 2 or 0 in array.shape:
                raise ValueError(
                    f"{name}[{place}] must be a sequence of shape (n_steps, n_features), got shape "
                    f"{array.shape}.{_advice(array, name)}"
                )
            if array.shape[1] != arrays[0].shape[1]:
                raise ValueError(
                    f"{name}[{place}] must have as many features as {name}[0], {arrays[0].shape[1]}, got "
                    f"{array.shape[1]}."
                )
        single = all(array.dtype == np.float32 for array in arrays)
        wanted = dtype or (np.float32 if single else np.float64)
        return [
            _finite(array.astype(wanted, copy=False), f"{name}[{place}]")
            for place, array in enumerate(arrays)
        ]
    array = _numbers(parts, name)
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(
            f"{name} must be sequences, an array of shape (n_sequences, n_steps, n_features) or a list of "
            f"arrays of shape (n_steps, n_features), got shape {array.shape}.{_advice(array, name)}"
        )
    wanted = dtype or (np.float32 if array.dtype == np.float32 else np.float64)
    array = array.astype(wanted, copy=False)
    for place, part in enumerate(array):
        _finite(part, f"{name}[{place}]")
    return array


def _advice(array: Array, name: str) -> str:
    if array.ndim == 2:
        one, several = f"{name}[np.newaxis]", f"{name}[..., np.newaxis]"
        return f" One sequence of several features is {one}, several of one feature are {several}."
    return ""


def _numbers(values: Any, name: str) -> Array:
    try:
        array = np.asarray(values)
        if array.dtype == object:
            array = array.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an array of numbers, got {values!r:.60}.") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold numbers, got dtype {array.dtype}.")
    return array


def _finite(array: Array, name: str) -> Array:
    finite = np.isfinite(array)
    if not finite.all():
        step, feature = (int(place) for place in np.argwhere(~finite)[0])
        raise ValueError(
            f"{name} must hold finite numbers, got {array[step, feature]} at step {step}, feature {feature}."
        )
    return array


def n_features(X: Sequences) -> int:
    """Return the number of features of sequences, or of outputs of targets for each step."""
    return int(X[0].shape[1])


def flat(values: Sequences) -> Array:
    """Return a row for each step of each sequence, one sequence after the other."""
    if isinstance(values, list):
        return np.concatenate(values)
    rows: Array = values.reshape(-1, *values.shape[2:])
    return rows


def grouped(rows: Array, like: Sequences) -> Sequences:
    """Return rows for steps in the form of these sequences."""
    if isinstance(like, list):
        return np.split(rows, np.cumsum([len(part) for part in like])[:-1])
    return rows.reshape(*like.shape[:2], *rows.shape[1:])


def aligned(values: Any, X: Sequences, name: str, inputs: str) -> Sequences:
    """Return what is given for each step of sequences in their form, if the lengths fit."""
    parts = parts_of(values)
    if not isinstance(parts, list) and parts.ndim == 0:
        raise ValueError(f"{name} must hold something for each sequence of {inputs}, got {values!r:.60}.")
    if len(parts) != len(X):
        raise ValueError(f"{name} must have as many sequences as {inputs}, {len(X)}, got {len(parts)}.")
    arrays: Sequence[Array] = [np.asarray(part) for part in parts]
    for place, (array, part) in enumerate(zip(arrays, X, strict=True)):
        if array.ndim == 0 or len(array) != len(part):
            got = repr(array.item()) if array.ndim == 0 else str(len(array))
            raise ValueError(
                f"{name}[{place}] must have one for each of the {len(part)} steps of {inputs}[{place}] "
                f"(returns='every'), got {got}."
            )
        if array.ndim != arrays[0].ndim or array.shape[1:] != arrays[0].shape[1:]:
            raise ValueError(
                f"{name}[{place}] must have the form of {name}[0], which has shape {arrays[0].shape} for "
                f"{len(X[0])} steps, got shape {array.shape}."
            )
    return list(arrays) if isinstance(X, list) else np.stack(arrays)


def checked_weights(sample_weight: Any, X: Sequences, *, of_steps: bool, name: str = "sample_weight") -> Any:
    """Return checked weights: of sequences, or, if there may be such, of steps."""
    parts = parts_of(sample_weight)
    listed = isinstance(parts, list) and any(np.ndim(part) for part in parts)
    if not of_steps or not (listed or (not isinstance(parts, list) and parts.ndim > 1)):
        weight: Array = check_sample_weight(sample_weight, flat(X)[: len(X)])
        return weight
    weights = aligned(sample_weight, X, name, "X")
    first = weights[0]
    if first.ndim != 1:
        raise ValueError(
            f"{name} must have one number for each step, got shape {first.shape} for a sequence."
        )
    return grouped(check_sample_weight(flat(weights), flat(X)), weights)


def weights_of_steps(sample_weight: Any, like: Sequences) -> Sequences:
    """Return weights of steps from those of sequences, or from themselves."""
    if isinstance(sample_weight, list) or sample_weight.ndim == 2:
        return sample_weight  # type: ignore[no-any-return]
    lengths = [len(part) for part in like]
    return grouped(np.repeat(sample_weight, lengths), like)
