"""scikit-learn's callbacks, told of a fit epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ferroprop._core import Network
from ferroprop.estimators._progress import TrainingEpoch
from ferroprop.estimators._sklearn import CallbackContext

if TYPE_CHECKING:
    from ferroprop.estimators._base import BaseMLP


class CallbackBridge:
    """Calls the callbacks set with ``set_callbacks`` at the beginning and end of each epoch.

    Parameters
    ----------
    estimator : BaseMLP
        The estimator that learns; it takes the place of the one that was asked to when all is done.
    context : sklearn.callback.CallbackContext
        Of the fit.
    data : dict
        The `estimator` that was asked to fit, the training data `X` and `y`, and `metadata`, as the hooks
        get them.
    network : Network
        What is trained.
    output : str
        Activation of its output layer.
    """

    def __init__(
        self,
        estimator: BaseMLP,
        context: CallbackContext,
        data: dict[str, Any],
        network: Network,
        output: Any,
    ) -> None:
        self._estimator = estimator
        self._context = context
        self._data = data
        self._network = network
        self._output = output
        self._epoch = self._begin()

    def _begin(self) -> CallbackContext:
        epoch = self._context.subcontext(task_name="epoch")
        epoch.call_on_fit_task_begin(**self._told())
        return epoch

    def _told(self) -> dict[str, Any]:
        def attributes() -> dict[str, Any]:
            learned = self._estimator._learned(self._data["estimator"])
            return learned | self._estimator._attributes_of(self._network, self._output)

        return {**self._data, "reconstruction_attributes": attributes}

    def __call__(self, epoch: TrainingEpoch) -> bool:
        """End this epoch and begin the next; return whether a callback wants the fit to end."""
        stop = bool(self._epoch.call_on_fit_task_end(**self._told()))
        self._epoch = self._begin()
        return stop

    def close(self) -> None:
        """End the epoch that was begun and never came; it has no data and no result."""
        self._epoch.call_on_fit_task_end(estimator=self._data["estimator"])
