"""scikit-learn's callbacks, told of a fit member by member and epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ferroprop.estimators._sklearn import CallbackContext
from ferroprop.tabular._member import MemberEpoch


class CallbackBridge:
    """Calls the callbacks of ``set_callbacks`` at the beginning and end of fit, members and epochs.

    The identifier of a member's task is the member's number; the networks that are trained to choose an
    encoding, or weights of columns, have the numbers after those of the members.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
        The context of the fit.
    data : dict
        The `estimator` that was asked to fit, the training data `X` and `y`, and `metadata`, as the hooks
        get them.
    n_members : int
        How many networks the ensemble will have.
    attributes : callable
        Returns the fitted attributes of an estimator with the network of an epoch.
    """

    def __init__(
        self,
        context: CallbackContext,
        data: dict[str, Any],
        n_members: int,
        attributes: Callable[[MemberEpoch], dict[str, Any]],
    ) -> None:
        self._context = context
        self._data = data
        self._n_members = n_members
        self._attributes = attributes
        self._members: dict[tuple[int, str, bool], CallbackContext] = {}

    def __call__(self, epoch: MemberEpoch) -> bool:
        """Report an epoch; return whether a callback ends the member's training."""
        key = (epoch.member, epoch.numeric_encoding, epoch.weighted_columns)
        told = {**self._data, "reconstruction_attributes": lambda: self._attributes(epoch)}
        if key not in self._members:
            taken = {context.task_id for context in self._members.values()}
            free = epoch.member
            while free in taken:
                free = max(free + 1, self._n_members)
            self._members[key] = self._context.subcontext(
                task_name="member", task_id=free, max_subtasks=epoch.epochs
            )
            self._members[key].call_on_fit_task_begin(**self._data)
        task = self._members[key].subcontext(task_name="epoch")
        task.call_on_fit_task_begin(**self._data)
        return bool(task.call_on_fit_task_end(**told))

    def close(self) -> None:
        """End the tasks of all members."""
        for context in self._members.values():
            context.call_on_fit_task_end(**self._data)
        self._members = {}
