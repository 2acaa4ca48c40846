"""Samples, and holding out a part of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ferroprop.estimators._sklearn import train_test_split
from ferroprop.estimators._typing import Array


class Samples(NamedTuple):
    """Inputs, targets and weights of the same rows; of sequences each is an array or a list of them."""

    X: Any
    Y: Any
    sample_weight: Any


def mapped(function: Callable[[Array], Any], values: Any) -> Any:
    """Return what a function makes of an array, or of each array of a list."""
    return [function(array) for array in values] if isinstance(values, list) else function(values)


def hold_out(
    samples: Samples, fraction: float, *, labels: Array | None, rng: np.random.RandomState
) -> tuple[Samples, Samples]:
    """Split into a training and a validation part, exactly as scikit-learn does.

    With `labels` the split is stratified by them.
    """
    X, Y, sample_weight = samples
    options = {"random_state": rng, "test_size": fraction, "stratify": labels}
    try:
        if sample_weight is None:
            X_train, X_val, Y_train, Y_val = train_test_split(X, Y, **options)
            weight_train = weight_val = None
        else:
            X_train, X_val, Y_train, Y_val, weight_train, weight_val = train_test_split(
                X, Y, sample_weight, **options
            )
    except ValueError as error:
        if "_size" not in str(error):
            raise
        raise ValueError(
            f"early_stopping cannot hold out validation_fraction={fraction:g} of {len(Y)} rows: "
            + str(error).replace("test_size", "number to validate").replace("train_size", "number to train")
        ) from None
    if len(Y_val) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    return Samples(X_train, Y_train, weight_train), Samples(X_val, Y_val, weight_val)
