"""Halving over `max_iter`: a candidate that remains goes on where its last fit ended."""

from __future__ import annotations

import os
from collections.abc import Hashable
from numbers import Integral
from typing import Any

from ferroprop._core import Optimizer, Schedule
from ferroprop.estimators._base import BaseMLP
from ferroprop.estimators._checkpoints import PrivateFile
from ferroprop.estimators._optimizers import is_lbfgs


class Continued:
    """The fits of a search that go on: a checkpoint for each candidate and split.

    A fit that goes on from its checkpoint has the bits of one that never stopped.

    Parameters
    ----------
    folder : str
        The folder of the checkpoints.
    resource : str
        The name of the parameter that grows.
    """

    def __init__(self, folder: str, resource: str) -> None:
        self._folder = folder
        self._resource = resource
        # the values are kept, so that an address means one value
        self._files: dict[Hashable, tuple[Any, PrivateFile]] = {}

    def file_of(self, estimator: BaseMLP, parameters: Any, split: Any) -> PrivateFile | None:
        """Return the checkpoint of a fit, None if it cannot go on, or somebody could see that it does.

        Parameters
        ----------
        estimator : BaseMLP
            The estimator, with its parameters.
        parameters : dict
            What the search has set.
        split : int
            The number of the split.
        """
        if (
            is_lbfgs(estimator.solver)
            or not isinstance(estimator.random_state, Integral)
            or estimator.warm_start
            or estimator.checkpoint is not None
            or estimator.callback is not None
            or estimator.verbose
            or estimator.max_time is not None
            or not (estimator.scoring is None or isinstance(estimator.scoring, str))
            or any(_spans_the_training(value) for value in estimator.get_params(deep=False).values())
        ):
            return None
        others = {name: value for name, value in parameters.items() if name != self._resource}
        key = split, *sorted((name, id(value)) for name, value in others.items())
        if key not in self._files:
            path = os.path.join(self._folder, f"{len(self._files)}.ckpt")
            self._files[key] = others, PrivateFile(path)
        return self._files[key][1]


def _spans_the_training(value: Any) -> bool:
    """Tell whether a parameter holds a schedule that takes its course from the number of all epochs."""
    if isinstance(value, Schedule):
        return getattr(value, "steps", 0) is None
    if isinstance(value, Optimizer):
        return any(map(_spans_the_training, value.hyperparameters.values()))
    return isinstance(value, (list, tuple)) and any(map(_spans_the_training, value))
