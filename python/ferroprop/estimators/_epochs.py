"""The solvers that train epoch by epoch in the core: all except lbfgs."""

from __future__ import annotations

import warnings
from contextlib import nullcontext

from ferroprop._core import SARPROP, Epoch, GRprop, History, Rprop, _StandardArithmetic, train
from ferroprop.estimators._plan import NOT_FINITE, Outcome, Plan
from ferroprop.estimators._sklearn import ConvergenceWarning


def run(plan: Plan) -> Outcome:
    """Train epoch by epoch."""
    outputs = plan.outputs_in_mean
    checkpoint = plan.checkpoint
    decisive = plan.validation if plan.validation is not None and plan.validation.decides else None
    score = None if decisive is None else decisive.score
    X, Y, sample_weight = plan.samples
    with plan.followers as followers, plan.row_orders or nullcontext() as order_of:

        def tell(epoch: Epoch) -> bool:
            validation_loss = epoch.validation_loss
            with _StandardArithmetic():
                return followers(
                    epoch.network,
                    epoch=epoch.epoch,
                    loss=_reported(epoch.loss, epoch.penalty, outputs),
                    penalty=epoch.penalty,
                    validation_loss=None if validation_loss is None else validation_loss / outputs,
                    validation_score=epoch.validation_score,
                    learning_rate=epoch.learning_rate,
                    seconds=epoch.seconds,
                )

        history = train(
            plan.network,
            X,
            Y,
            loss=plan.loss,
            optimizer=plan.optimizer,
            epochs=plan.max_iter,
            batch_size=plan.batch_size,
            shuffle=order_of or False,
            sample_weight=sample_weight,
            alpha=plan.alpha,
            clip_norm=plan.clip_norm,
            dropout=plan.dropout,
            seed=plan.noise_seed,
            validation=None if decisive is None else decisive.samples,
            validation_score=score,
            patience=plan.patience,
            tolerance=plan.tol * (outputs if score is None else 1),
            restore_best=plan.restores_best,
            max_time=plan.max_time,
            callback=tell if followers else None,
            n_threads=plan.n_threads,
            warm_start=plan.resumes,
            checkpoint=None if checkpoint is None else checkpoint.for_core(followers.curves),
            checkpoint_every=1 if checkpoint is None else checkpoint.every,
            **plan.in_time,
        )
        followers.out_of_patience = history.stop_reason == "patience"
        if order_of is not None and checkpoint is not None and history.epochs:
            order_of(history.epochs)  # draws what the whole fit draws, also if nothing was left to do
    diverged = history.stop_reason == "diverged"
    if diverged and history.epochs == 0:
        raise ValueError(NOT_FINITE)
    if not plan.single:
        _warn_about_the_end(plan, history)
    losses = history.loss
    if outputs > 1:
        losses = [_reported(*both, outputs) for both in zip(losses, history.penalty, strict=True)]
    if decisive is None:
        validation_losses, validation_scores = followers.curves
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


def _reported(loss: float, penalty: float, outputs: int) -> float:
    """Return the loss as scikit-learn reports it: the mean over the outputs, and the whole penalty."""
    return loss if outputs == 1 else (loss - penalty) / outputs + penalty


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
            ConvergenceWarning,
            stacklevel=2,
        )


def _hint_about_overfitting(plan: Plan) -> str:
    """Return a sentence on what ends Rprop well, empty if something does."""
    is_watched = plan.validation is not None and plan.validation.decides
    if is_watched or not isinstance(plan.optimizer, (Rprop, GRprop, SARPROP)):
        return ""
    return (
        " More epochs of Rprop fit these rows, and soon other rows less: early_stopping=True with "
        "scoring='loss' ends where the loss of rows left out is least."
    )
