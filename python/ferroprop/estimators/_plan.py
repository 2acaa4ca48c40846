"""The plan and the outcome of a fit: the input and the output of a solver."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ferroprop._core import BlockShuffle, Network, Optimizer
from ferroprop.estimators._callbacks import Followers
from ferroprop.estimators._checkpoints import FitCheckpoint
from ferroprop.estimators._samples import Samples
from ferroprop.estimators._validation_set import ValidationSet

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
    "preprocessed."
)

StopReason = Literal["converged", "epochs", "patience", "time", "callback", "interrupted", "diverged"]


class Plan(NamedTuple):
    """The plan of a fit for any solver; the estimator makes it, and no solver sees the estimator.

    Parameters
    ----------
    network : Network
        The network with its first parameters; the solver trains it.
    output : str or object
        The activation of its output layer.
    samples : Samples
        What it learns from, with the targets as the loss takes them.
    validation : ValidationSet or None
        What it is watched on.
    loss : str, object or callable
        The loss, as the core takes it.
    outputs_in_mean : int
        By how many outputs the core's loss, their sum, is divided in what is reported.
    alpha : float
        Strength of the penalty.
    followers : Followers
        All who are told of each epoch.
    max_iter : int
        The most epochs, or iterations.
    tol : float
        What counts as an improvement of the reported loss or score; of 'lbfgs' the tolerance on the gradient.
    max_time : float or None
        The most seconds.
    n_threads : int or None
        Threads to use.
    is_sociable : bool
        Whether the training may run at the same time as others, and at another time than now.
    in_time : dict
        What losses and gradients of a network through time take besides.
    dtype : numpy dtype
        The type of the fitted arrays.
    earlier : dict
        The attributes of the fit that this one continues; empty if it begins anew.
    hint : callable
        Returns a hint about data whose size makes learning slow, for warnings; empty if it does not.
    max_fun : int
        The most evaluations of the loss, for 'lbfgs', which uses nothing below `by_scipy`.
    by_scipy : bool
        Whether SciPy searches.
    run : callable or None
        Runs the plan in place of the solvers here.
    optimizer : Optimizer or None
        What makes the steps of an epoch, for this fit alone.
    resumes : bool
        Whether the optimizer goes on from what it remembers.
    batch_size : int or None
        Rows in a mini-batch; None is all of them.
    row_orders : callable or None
        Returns a context manager for a training, which gives a function that returns the order of the rows in
        an epoch; None leaves them as they are.
    dropout : float or list of float
        Rates for the hidden layers.
    block_shuffle : BlockShuffle or None
        How the order of the rows is drawn where `row_orders` does not give it.
    seed : int
        Names the outputs that are left out, and the orders of `block_shuffle`.
    patience : int or None
        Epochs in a row without improvement that end the fit; None for no such end.
    restores_best : bool
        Whether the network ends with the parameters of the best epoch.
    checkpoint : FitCheckpoint or None
        Where the fit is saved.
    clip_norm : float or None
        The most that the norm of a gradient may be.
    single : bool
        Whether this is the one epoch of ``partial_fit``, after which nobody expects convergence.
    """

    network: Network
    output: Any
    samples: Samples
    validation: ValidationSet | None
    loss: Any
    outputs_in_mean: int
    alpha: float
    followers: Followers
    max_iter: int
    tol: float
    max_time: float | None
    n_threads: int | None
    is_sociable: bool
    in_time: dict[str, Any]
    dtype: np.dtype[Any]
    earlier: dict[str, Any]
    hint: Callable[[], str]
    max_fun: int = 15000
    by_scipy: bool = False
    run: Callable[[Plan], Outcome] | None = None
    optimizer: Optimizer | None = None
    resumes: bool = False
    batch_size: int | None = None
    row_orders: Callable[[], AbstractContextManager[Callable[[int], NDArray[np.intp]]]] | None = None
    dropout: float | list[float] = 0.0
    block_shuffle: BlockShuffle | None = None
    seed: int = 0
    patience: int | None = None
    restores_best: bool = False
    checkpoint: FitCheckpoint | None = None
    clip_norm: float | None = None
    single: bool = False

    def reported(self, loss: float, penalty: float) -> float:
        """Return a loss as scikit-learn reports it: the mean over the outputs, and the whole penalty."""
        outputs = self.outputs_in_mean
        return loss if outputs == 1 else (loss - penalty) / outputs + penalty

    @property
    def decisive(self) -> ValidationSet | None:
        """The validation set if early stopping goes by it."""
        return self.validation if self.validation is not None and self.validation.decides else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a fit.

    Parameters
    ----------
    network : Network
        The trained network.
    loss : float or None
        The last loss, as it is reported; None if there was no whole epoch.
    losses : list of float
        The loss of each epoch or iteration.
    validation_losses, validation_scores : list of float
        Those of the validation set; empty without, and where nothing is scored.
    n_iter : int
        Epochs or iterations, one in which training diverged included.
    stop_reason : str
        Why training ended.
    """

    network: Network
    loss: float | None
    losses: list[float]
    validation_losses: list[float]
    validation_scores: list[float]
    n_iter: int
    stop_reason: StopReason
