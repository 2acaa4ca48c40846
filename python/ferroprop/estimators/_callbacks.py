"""The receivers of each epoch: the progress display, the caller's function, scikit-learn's callbacks."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import numpy as np

from ferroprop._core import Epoch, Network, _CallersArithmetic
from ferroprop.estimators._progress import Progress
from ferroprop.estimators._sklearn import CallbackContext
from ferroprop.estimators._validation_set import ValidationCurves, ValidationSet


class SklearnCallbacks:
    """Calls the callbacks of ``set_callbacks`` at the beginning and end of each epoch.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
        Of the fit.
    data : dict
        The `estimator` that was asked to fit, the training data `X` and `y`, and `metadata`, as the hooks
        get them.
    attributes : callable
        Returns the fitted attributes that the estimator would have if the fit ended now.
    """

    def __init__(
        self, context: CallbackContext, data: dict[str, Any], attributes: Callable[[], dict[str, Any]]
    ) -> None:
        self._context = context
        self._data = data
        self._attributes = attributes
        self._epoch: CallbackContext

    def begin(self) -> None:
        """Begin an epoch."""
        self._epoch = self._context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._data, reconstruction_attributes=self._attributes)

    def __call__(self, epoch: Epoch) -> bool:
        """End this epoch and begin the next; return whether a callback wants the fit to end."""
        stop = self._epoch.call_on_fit_task_end(**self._data, reconstruction_attributes=self._attributes)
        self.begin()
        return bool(stop)

    def close(self) -> None:
        """End the epoch that was begun but not trained; it has no data and no result."""
        self._epoch.call_on_fit_task_end(estimator=self._data["estimator"])


class Followers:
    """The receivers of each epoch, as a context to train in.

    Parameters
    ----------
    progress : Progress or None
        What ``verbose`` shows.
    callback : callable or None
        The caller's function.
    sklearn_callbacks : SklearnCallbacks or None
        Those of scikit-learn's protocol.
    watched : ValidationSet or None
        A validation set that does not decide when to stop; where it does, the core evaluates it.

    Attributes
    ----------
    curves : ValidationCurves
        Losses and scores on what is only watched.
    out_of_patience : bool
        Whether training ended because nothing improved, for whom it concerns in the end.
    """

    def __init__(
        self,
        progress: Progress | None,
        callback: Callable[[Epoch], Any] | None,
        sklearn_callbacks: SklearnCallbacks | None,
        watched: ValidationSet | None,
    ) -> None:
        told = (progress, callback, sklearn_callbacks)
        self._told: list[Callable[[Epoch], Any]] = [one for one in told if one is not None]
        self._progress = progress
        self._sklearn_callbacks = sklearn_callbacks
        self._watched = watched
        self.curves = ValidationCurves([], [])
        self.out_of_patience = False

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._told) or self._watched is not None

    def __enter__(self) -> Self:
        """Enter the context: begin the display and the first epoch."""
        if self._sklearn_callbacks is not None:
            with _CallersArithmetic():
                self._sklearn_callbacks.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the context: end the display and the epochs."""
        if self._progress is not None:
            self._progress.finish(out_of_patience=self.out_of_patience)
        if self._sklearn_callbacks is not None and kind is None:
            with _CallersArithmetic():
                self._sklearn_callbacks.close()

    def __call__(
        self,
        network: Network,
        *,
        epoch: int,
        loss: float,
        penalty: float,
        seconds: float,
        validation_loss: float | None = None,
        validation_score: float | None = None,
        learning_rate: float | None = None,
    ) -> bool:
        """Report an epoch to all; return whether one of them ends the fit."""
        if self._watched is not None:
            # of an epoch in whose validation Ctrl-C was pressed nothing is known
            for curve in self.curves:
                curve.extend([np.nan] * (epoch - 1 - len(curve)))
            validation_loss = self._watched.loss_of(network)
            self.curves.losses.append(validation_loss)
            if self._watched.score is not None:
                validation_score = self._watched.score(network)
                self.curves.scores.append(validation_score)
        event = Epoch(
            network=network,
            epoch=epoch,
            loss=loss,
            penalty=penalty,
            validation_loss=validation_loss,
            validation_score=validation_score,
            learning_rate=learning_rate,
            seconds=seconds,
        )
        with _CallersArithmetic():
            answers = [tell(event) for tell in self._told]
        return any(answer is True or answer is np.True_ for answer in answers)
