"""The solvers that train epoch by epoch in the core: all except lbfgs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroprop._core import SARPROP, Epoch, GRprop, History, Rprop, _StandardArithmetic, _train_each, train
from ferroprop.estimators._callbacks import Followers
from ferroprop.estimators._plan import NOT_FINITE, Outcome, Plan
from ferroprop.estimators._sklearn import ConvergenceWarning
from ferroprop.estimators._time_limit import TimeLimitWarning
from ferroprop.estimators._validation_set import ValidationSet


def run(plan: Plan) -> Outcome:
    """Train epoch by epoch."""
    X, Y, *_ = plan.samples
    with training(plan) as made:
        if plan.samples.rows is None:
            history = train(plan.network, X, Y, n_threads=plan.n_threads, **made.keywords)
        else:
            (history,) = _train_each([made.as_tuple()], plan.n_threads)
        made.end(history)
    return outcome(made, history)


def run_together(plans: Sequence[Plan], n_threads: int | None) -> list[Callable[[], Outcome]]:
    """Train several networks side by side, each to the bits that it has alone.

    Parameters
    ----------
    plans : sequence of Plan
        Sociable ones.
    n_threads : int or None
        Threads to use for all.

    Returns
    -------
    outcomes : list of callable
        Each returns the outcome of one plan, and warns or raises as `run` does.
    """
    outcomes: list[Any] = [None] * len(plans)
    for single in {_is_single(plan) for plan in plans}:
        places = [place for place, plan in enumerate(plans) if _is_single(plan) == single]
        of_call = [plans[place] for place in places]
        try:
            found = _in_one_call(of_call, n_threads)
        except Exception:  # none of these is trained: find out whose it is
            found = [partial(run, plan) for plan in of_call]
        for place, one in zip(places, found, strict=True):
            outcomes[place] = one
    return outcomes


def _in_one_call(plans: Sequence[Plan], n_threads: int | None) -> list[Callable[[], Outcome]]:
    with ExitStack() as stack:
        trainings = [stack.enter_context(training(plan)) for plan in plans]
        histories = _train_each([made.as_tuple() for made in trainings], n_threads)
        if any(history.stop_reason == "interrupted" for history in histories):
            raise KeyboardInterrupt
        for made, history in zip(trainings, histories, strict=True):
            made.end(history)
    return [partial(outcome, *both) for both in zip(trainings, histories, strict=True)]


def _is_single(plan: Plan) -> bool:
    """Tell whether the network is of single precision: those of one call of the core agree in this."""
    return plan.network.dtype in (np.float32, np.complex64)


class Training:
    """A training of the core: what it takes, and what is to be done at its end."""

    def __init__(
        self, plan: Plan, followers: Followers, order_of: Callable[[int], NDArray[np.intp]] | None
    ) -> None:
        self.plan = plan
        self.followers = followers
        self._order_of = order_of
        checkpoint, decisive = plan.checkpoint, plan.decisive
        score = None if decisive is None else decisive.score
        dropout = plan.dropout
        self.keywords: dict[str, Any] = {
            "loss": plan.loss,
            "optimizer": plan.optimizer,
            "epochs": plan.max_iter,
            "batch_size": plan.batch_size,
            "shuffle": order_of or plan.block_shuffle or False,
            "sample_weight": plan.samples.sample_weight,
            "alpha": plan.alpha,
            "clip_norm": plan.clip_norm,
            "dropout": tuple(dropout) if isinstance(dropout, list) else dropout,
            "seed": plan.seed,
            **_watched_rows(plan, decisive),
            "validation_score": score,
            "patience": plan.patience,
            "tolerance": plan.tol * (plan.outputs_in_mean if score is None else 1),
            "restore_best": plan.restores_best,
            "max_time": plan.max_time,
            "callback": self._tell if followers else None,
            "warm_start": plan.resumes,
            "checkpoint": None if checkpoint is None else checkpoint.for_core(followers.curves),
            "checkpoint_every": 1 if checkpoint is None else checkpoint.every,
            **plan.in_time,
        }

    def as_tuple(self) -> tuple[list[Any], dict[str, Any]]:
        """Return network, inputs and targets, and the keywords."""
        X, Y, _, rows = self.plan.samples
        return [self.plan.network, X, Y], self.keywords if rows is None else {**self.keywords, "rows": rows}

    def _tell(self, epoch: Epoch) -> bool:
        outputs, validation_loss = self.plan.outputs_in_mean, epoch.validation_loss
        with _StandardArithmetic():
            return self.followers(
                epoch.network,
                epoch=epoch.epoch,
                loss=self.plan.reported(epoch.loss, epoch.penalty),
                penalty=epoch.penalty,
                validation_loss=None if validation_loss is None else validation_loss / outputs,
                validation_score=epoch.validation_score,
                learning_rate=epoch.learning_rate,
                seconds=epoch.seconds,
            )

    def end(self, history: History) -> None:
        """Tell the followers how it ended."""
        self.followers.out_of_patience = history.stop_reason == "patience"
        # draws what the whole fit draws, also if nothing was left to do
        if self._order_of is not None and self.plan.checkpoint is not None and history.epochs:
            self._order_of(history.epochs)


def _watched_rows(plan: Plan, decisive: ValidationSet | None) -> dict[str, Any]:
    if decisive is None:
        return {"validation": None}
    if decisive.samples.rows is not None:  # of the same arrays
        return {"validation_rows": decisive.samples.rows}
    return {"validation": decisive.samples[:3]}


@contextmanager
def training(plan: Plan) -> Iterator[Training]:
    """Make the training of a plan, with all who follow it."""
    with plan.followers as followers, (plan.row_orders or nullcontext)() as order_of:
        yield Training(plan, followers, order_of)


def outcome(training: Training, history: History) -> Outcome:
    """Return what came of a training; warn of an end that nobody wants."""
    plan, outputs = training.plan, training.plan.outputs_in_mean
    diverged = history.stop_reason == "diverged"
    if diverged and history.epochs == 0:
        raise ValueError(NOT_FINITE)
    if not plan.single:
        _warn_about_the_end(plan, history)
    losses = history.loss
    if outputs > 1:
        losses = [plan.reported(*both) for both in zip(losses, history.penalty, strict=True)]
    if plan.decisive is None:
        validation_losses, validation_scores = training.followers.curves
    else:
        validation_losses = [loss / outputs for loss in history.validation_loss]
        validation_scores = history.validation_score
    return Outcome(
        network=plan.network,
        loss=losses[-1] if losses else None,
        losses=losses,
        validation_losses=validation_losses,
        validation_scores=validation_scores,
        n_iter=history.epochs + diverged,
        stop_reason=history.stop_reason,
    )


def _warn_about_the_end(plan: Plan, history: History) -> None:
    """Warn if a limit ended the training; the core itself warns of interruption and divergence."""
    if history.stop_reason == "epochs":
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({plan.max_iter}) reached and the optimization "
            f"hasn't converged yet.{plan.hint()}{_hint_about_overfitting(plan)}",
            ConvergenceWarning,
            stacklevel=2,
        )
    elif history.stop_reason == "time":
        warnings.warn(
            f"Time limit (max_time={plan.max_time:g} s) reached after {history.epochs} epoch(s) and the "
            f"optimization hasn't converged yet.{plan.hint()}",
            TimeLimitWarning,
            stacklevel=2,
        )


def _hint_about_overfitting(plan: Plan) -> str:
    """Return a sentence on what ends Rprop well, empty if something does."""
    if plan.decisive is not None or not isinstance(plan.optimizer, (Rprop, GRprop, SARPROP)):
        return ""
    return (
        " More epochs of Rprop fit these rows, and soon other rows less: early_stopping=True with "
        "scoring='loss' ends where the loss of rows left out is least."
    )
