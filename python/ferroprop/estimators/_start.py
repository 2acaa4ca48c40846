"""What a fit begins with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ferroprop._core import Network, _CallersArithmetic
from ferroprop.estimators._callbacks import CallbackBridge
from ferroprop.estimators._checkpoints import FitCheckpoint
from ferroprop.estimators._progress import Follower, TrainingEpoch, progress_of
from ferroprop.estimators._sklearn import CallbackContext
from ferroprop.estimators._typing import Array, Layers
from ferroprop.estimators._validation_set import Rows, ValidationSet

if TYPE_CHECKING:
    from ferroprop.estimators._base import BaseMLP


@dataclass
class Start:
    """What a fit begins with, whatever the solver.

    Parameters
    ----------
    rows : Rows
        Training data; the targets have one column an output.
    given : Rows or None
        Validation data that the caller gave.
    coefs, intercepts : list of ndarray
        Where to start.
    output : str
        Activation of the output layer.
    rng : numpy.random.RandomState
        Draws the validation set and the shuffles.
    fresh : bool
        Forget an earlier fit.
    incremental : bool
        One epoch, as in ``partial_fit``.
    context : CallbackContext or None
        Where scikit-learn's callbacks are.
    data : dict
        What they are told of the data.
    checkpoint : FitCheckpoint or None
        Where the fit is saved.
    """

    rows: Rows
    given: Rows | None
    coefs: Layers
    intercepts: Layers
    output: Any
    rng: np.random.RandomState
    fresh: bool
    incremental: bool
    context: CallbackContext | None
    data: dict[str, Any]
    checkpoint: FitCheckpoint | None


class Audience:
    """All who are told of each epoch."""

    def __init__(self, followers: list[Follower], validation: ValidationSet | None) -> None:
        self._followers = followers
        self._validation = validation
        self.out_of_patience = False
        self.validation_losses: list[float] = []
        self.validation_scores: list[float] = []

    def __bool__(self) -> bool:
        """Tell whether there is anyone."""
        return bool(self._followers) or self._validation is not None

    def __call__(
        self,
        network: Network,
        *,
        epoch: int,
        loss: float,
        seconds: float,
        validation_loss: float | None = None,
        validation_score: float | None = None,
        learning_rate: float | None = None,
    ) -> bool:
        """Tell all; return whether one of them wants the fit to end."""
        if self._validation is not None:
            # of an epoch in whose validation Ctrl-C was pressed nothing is known
            for curve in (self.validation_losses, self.validation_scores):
                curve.extend([np.nan] * (epoch - 1 - len(curve)))
            validation_loss = self._validation.loss(network)
            self.validation_losses.append(validation_loss)
            if self._validation.is_scored:
                validation_score = self._validation.score(network)
                self.validation_scores.append(validation_score)
        told = TrainingEpoch(epoch, loss, validation_loss, validation_score, learning_rate, seconds, network)
        with _CallersArithmetic():
            answers = [follower(told) for follower in self._followers]
        return any(answer is True or answer is np.True_ for answer in answers)


@contextmanager
def audience(
    estimator: BaseMLP, start: Start, network: Network, only_watched: ValidationSet | None
) -> Iterator[Audience]:
    """Assemble all who are told of each epoch, and let them finish in the end.

    Parameters
    ----------
    estimator : BaseMLP
        Says who they are: `verbose`, `callback`, ``set_callbacks``.
    start : Start
        The fit.
    network : Network
        What is trained.
    only_watched : ValidationSet or None
        A validation set that does not decide when to stop; where it does, the core evaluates it.
    """
    followers: list[Follower] = []
    progress = progress_of(estimator, incremental=start.incremental)
    if progress is not None:
        followers.append(progress)
    if estimator.callback is not None:
        followers.append(estimator.callback)
    bridge = None
    if start.context is not None and hasattr(estimator, "_skl_callbacks"):
        with _CallersArithmetic():
            bridge = CallbackBridge(estimator, start.context, start.data, network, start.output)
        followers.append(bridge)
    assembled = Audience(followers, only_watched)
    try:
        yield assembled
    finally:
        if progress is not None:
            progress.finish(out_of_patience=assembled.out_of_patience)
    if bridge is not None:
        with _CallersArithmetic():
            bridge.close()


LARGE, UNEVEN = 10.0, 100.0


def hint_about_scale(X: Array) -> str:
    """Return a sentence on inputs that make learning slow, empty if they do not.

    Inputs are taken for badly scaled if the root mean square of a column is more than 10, or more than 100
    times that of another.
    """
    sizes = np.sqrt(np.einsum("ij,ij->j", X, X, dtype=np.float64) / len(X))
    sizes = sizes[sizes > 0.0]
    if sizes.size == 0 or (sizes.max() <= LARGE and sizes.max() <= UNEVEN * sizes.min()):
        return ""
    least, most = f"{sizes.min():.3g}", f"{sizes.max():.3g}"
    between = f"is {most}" if least == most else f"goes from {least} to {most}"
    return (
        f" The size of the features {between} (root mean square); networks learn best from features near "
        "1: scale X, for example with sklearn.preprocessing.StandardScaler."
    )
