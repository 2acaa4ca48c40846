"""The validation set: loss and score on rows that were held out or given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ferroprop._core import Network, RemoteRows
from ferroprop.estimators._samples import Samples


@dataclass(frozen=True, slots=True)
class ValidationSet:
    """The rows on which a network is scored.

    Parameters
    ----------
    samples : Samples
        With the targets as the loss takes them.
    loss : str, object or callable
        The loss.
    outputs_in_mean : int
        By how many outputs the core's loss, their sum, is divided.
    score : callable or None
        Scores a network on these rows, greater is better; None if nothing is scored.
    decides : bool
        Whether early stopping goes by them; else they are only watched.
    n_threads : int or None
        Threads to use.
    in_time : dict
        What the loss of a network through time takes besides.
    """

    samples: Samples
    loss: Any
    outputs_in_mean: int
    score: Callable[[Network], float] | None
    decides: bool
    n_threads: int | None
    in_time: dict[str, Any] = field(default_factory=dict)

    def loss_of(self, network: Network) -> float:
        """Return the loss of the network like that of ``loss_curve_``, but without the penalty."""
        X, Y, sample_weight, _ = self.samples
        if isinstance(X, RemoteRows):
            mean = X.sums(network, False).mean_loss
            return (mean or 0.0) / self.outputs_in_mean
        loss, *_ = network.loss_and_gradients(
            X, Y, loss=self.loss, sample_weight=sample_weight, n_threads=self.n_threads, **self.in_time
        )
        return loss / self.outputs_in_mean


class ValidationCurves(NamedTuple):
    """Loss and score on a validation set after each epoch."""

    losses: list[float]
    scores: list[float]


def has_validation(X_val: Any, y_val: Any, sample_weight_val: Any) -> bool:
    """Tell whether there are validation rows, which have inputs and targets."""
    if X_val is None and y_val is None:
        if sample_weight_val is not None:
            raise ValueError("sample_weight_val is provided, but X_val and y_val were not provided.")
        return False
    if y_val is None:
        raise ValueError("X_val is provided, but y_val was not provided.")
    if X_val is None:
        raise ValueError("y_val is provided, but X_val was not provided.")
    return True
