"""Names for the types of arguments and results."""

from typing import Any, Literal

from numpy.typing import NDArray

from ferroprop._core import Activation as ActivationObject

Array = NDArray[Any]
Layers = list[NDArray[Any]]
"""One array per layer, first layer first."""

Activation = str | ActivationObject
"""An activation by its name, or one with a parameter."""

LearningRateSchedule = Literal["constant", "invscaling", "adaptive"]

MatrixLike = Any
"""Array, sequence of rows, sparse matrix or data frame, of shape (n_samples, n_features)."""

TargetLike = Any
"""Array, sequence or column of a data frame, of shape (n_samples,) or (n_samples, n_outputs)."""
