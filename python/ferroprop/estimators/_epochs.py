"""The solvers that train epoch by epoch in the core: sgd, adam, rprop."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ferroprop._core import Epoch, History, _StandardArithmetic, train
from ferroprop.estimators._optimizers import OptimizerKeeper, is_mini_batch
from ferroprop.estimators._prepared import build_network
from ferroprop.estimators._progress import lines_of
from ferroprop.estimators._sklearn import ConvergenceWarning
from ferroprop.estimators._start import Start, audience, hint_about_scale
from ferroprop.estimators._typing import Array
from ferroprop.estimators._validation_set import ValidationSet, hold_out

if TYPE_CHECKING:
    from ferroprop.estimators._base import BaseMLP

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
    "preprocessed."
)


def fit_by_epochs(estimator: BaseMLP, keeper: OptimizerKeeper, start: Start) -> dict[str, Any]:
    """Train and return the fitted attributes.

    Parameters
    ----------
    estimator : BaseMLP
        Gives the parameters, and the attributes of an earlier fit that this one continues.
    keeper : OptimizerKeeper
        Has the optimizer of an earlier fit, and keeps this one's.
    start : Start
        Data, weights and random numbers.
    """
    early_stopping = estimator.early_stopping
    if early_stopping and start.incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    rows, held_out = start.rows, start.given
    if early_stopping and held_out is None:
        rows, held_out = hold_out(
            rows, estimator.validation_fraction, stratify=estimator._stratifies(rows.Y), rng=start.rng
        )
    watched = None if held_out is None else ValidationSet(estimator, held_out, start.output)
    decisive = watched if early_stopping else None
    score = decisive.score if decisive is not None and decisive.is_scored else None
    X, Y, sample_weight = rows
    n_rows, n_outputs = Y.shape
    outputs_in_mean = estimator._outputs_in_mean(n_outputs)
    mini_batches = is_mini_batch(estimator.solver)
    network = build_network(start.coefs, start.intercepts, estimator._hidden_activation(), start.output)
    optimizer, resumed = keeper.optimizer_for(estimator, network.dtype, resume=not start.fresh)
    epochs = 1 if start.incremental else min(estimator.max_iter, sys.maxsize)
    # patience that outlasts the fit, infinite or not, is none
    waits = not start.incremental and estimator.n_iter_no_change < epochs
    dropout = _dropout(estimator)
    shuffle: Callable[[int], NDArray[np.intp]] | bool = False
    if mini_batches and estimator.shuffle:
        shuffle = shuffled_orders(start.rng, n_rows)
    checkpoint = start.checkpoint
    with audience(estimator, start, network, watched if decisive is None else None) as told:

        def tell(epoch: Epoch) -> bool:
            validation_loss = epoch.validation_loss
            with _StandardArithmetic():
                return told(
                    network,
                    epoch=epoch.epoch,
                    loss=_reported(epoch.loss, epoch.penalty, outputs_in_mean),
                    validation_loss=None if validation_loss is None else validation_loss / outputs_in_mean,
                    validation_score=epoch.score,
                    learning_rate=epoch.learning_rate,
                    seconds=epoch.seconds,
                )

        history = train(
            network,
            X,
            estimator._core_targets(Y, network.dtype),
            loss=estimator._core_loss(),
            optimizer=optimizer,
            epochs=epochs,
            batch_size=_batch_size(estimator, n_rows) if mini_batches else None,
            shuffle=shuffle,
            sample_weight=sample_weight,
            alpha=estimator._penalty(),
            dropout=dropout,
            seed=_dropout_seed(estimator, start) if np.any(dropout) else 0,
            validation=None if decisive is None else _for_core(estimator, decisive, network.dtype),
            score=score,
            patience=int(estimator.n_iter_no_change) + 1 if waits else None,
            tolerance=estimator.tol * (outputs_in_mean if score is None else 1),
            restore_best=estimator._restores_best(),
            max_time=estimator.max_time,
            callback=tell if told else None,
            n_threads=estimator._n_threads(),
            warm_start=resumed,
            checkpoint=None if checkpoint is None else checkpoint.for_core(told),
            every=1 if checkpoint is None else checkpoint.every,
        )
        told.out_of_patience = history.stop_reason == "patience"
    if callable(shuffle) and checkpoint is not None and history.epochs:
        shuffle(
            history.epochs
        )  # the generator is where the whole fit leaves it, also if nothing was left to do
    if history.stop_reason == "diverged":
        keeper.forget()
        if history.epochs == 0:
            raise ValueError(NOT_FINITE)
    if not start.incremental:
        _warn_about_the_end(estimator, history, X)
    losses = [
        _reported(loss, penalty, outputs_in_mean)
        for loss, penalty in zip(history.loss, history.penalty, strict=True)
    ]
    fitted = _attributes(estimator, history, losses, n_rows, fresh=start.fresh)
    if decisive is not None:
        _add_validation(
            fitted,
            estimator,
            [loss / outputs_in_mean for loss in history.validation_loss],
            list(history.score),
            start,
        )
    elif watched is not None:
        _add_validation(fitted, estimator, told.validation_losses, told.validation_scores, start)
    if start.incremental:
        fitted["_no_improvement_count"] = _lower_learning_rate(estimator, keeper, fitted["loss_"])
    fitted.update(estimator._attributes_of(network, start.output))
    earlier_best = None if start.fresh else getattr(estimator, "best_validation_score_", None)
    if (
        score is not None
        and estimator._restores_best()
        and earlier_best is not None
        and fitted["best_validation_score_"] <= earlier_best
    ):
        fitted["coefs_"], fitted["intercepts_"] = start.coefs, start.intercepts
    return fitted


def _dropout(estimator: BaseMLP) -> float | list[float]:
    dropout = estimator.dropout
    return float(dropout) if isinstance(dropout, Real) else [float(one) for one in dropout]


def _dropout_seed(estimator: BaseMLP, start: Start) -> int:
    """Return what names the outputs left out; it differs from call to call of ``partial_fit``."""
    drawn = int(start.rng.randint(1 << 31))
    return drawn + int(_earlier(estimator, "t_", 0, fresh=start.fresh))


def _reported(loss: float, penalty: float, outputs_in_mean: int) -> float:
    """Return the loss as scikit-learn reports it: the mean over the outputs, and the whole penalty."""
    return loss if outputs_in_mean == 1 else (loss - penalty) / outputs_in_mean + penalty


def _for_core(estimator: BaseMLP, watched: ValidationSet, dtype: np.dtype[Any]) -> tuple[Any, ...]:
    X, Y, sample_weight = watched.rows
    targets = estimator._core_targets(Y, dtype)
    return (X, targets) if sample_weight is None else (X, targets, sample_weight)


def shuffled_orders(rng: np.random.RandomState, n_rows: int) -> Callable[[int], NDArray[np.intp]]:
    """Return a function that gives the order of rows scikit-learn would train in, epoch by epoch.

    Each epoch shuffles the order of the epoch before; those that were not asked for are drawn on the way.
    """
    order = np.arange(n_rows)
    drawn = 0

    def order_of(epoch: int) -> NDArray[np.intp]:
        nonlocal order, drawn
        while drawn < epoch:
            permutation = np.arange(n_rows)
            rng.shuffle(permutation)
            order = order[permutation]
            drawn += 1
        return order

    return order_of


def _batch_size(estimator: BaseMLP, n_rows: int) -> int:
    if isinstance(estimator.batch_size, str):
        return min(200, n_rows)
    if estimator.batch_size > n_rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=2,
        )
    return min(int(estimator.batch_size), n_rows)


def _warn_about_the_end(estimator: BaseMLP, history: History, X: Array) -> None:
    """Warn when training ended before it was done; of interruption and divergence the core warns itself."""
    if history.stop_reason == "epochs":
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the optimization "
            f"hasn't converged yet.{hint_about_scale(X)}",
            ConvergenceWarning,
            stacklevel=2,
        )
    elif history.stop_reason == "time":
        warnings.warn(
            f"Time limit (max_time={estimator.max_time:g} s) reached after {history.epochs} epoch(s) and the "
            f"optimization hasn't converged yet.{hint_about_scale(X)}",
            ConvergenceWarning,
            stacklevel=2,
        )


def _lower_learning_rate(estimator: BaseMLP, keeper: OptimizerKeeper, loss: float) -> int:
    """Let an adaptive learning rate fall between calls of ``partial_fit``, which are an epoch each.

    Returns the number of calls in a row without improvement.
    """
    best = getattr(estimator, "best_loss_", None)
    if best is None or loss <= best - estimator.tol:
        return 0
    count = int(getattr(estimator, "_no_improvement_count", 0)) + 1
    if count <= estimator.n_iter_no_change:
        return count
    is_adaptive = estimator.solver == "sgd" and estimator.learning_rate == "adaptive"
    lowered = keeper.divide_learning_rate() if is_adaptive else None
    if estimator.verbose:
        lines_of(estimator).stalled(lowered)
    return count if lowered is None else 0


def _attributes(
    estimator: BaseMLP, history: History, losses: list[float], n_rows: int, *, fresh: bool
) -> dict[str, Any]:
    """Return the attributes that tell how training went, after those of an earlier fit unless `fresh`.

    An epoch in which training diverged counts, with NaN for its loss and score.
    """
    diverged = [np.nan] if history.stop_reason == "diverged" else []
    n_iter = history.epochs + len(diverged)
    earlier_curve = _earlier(estimator, "loss_curve_", [], fresh=fresh)
    attributes: dict[str, Any] = {
        "n_iter_": n_iter,
        "t_": _earlier(estimator, "t_", 0, fresh=fresh) + n_iter * n_rows,
        "loss_curve_": [*earlier_curve, *losses, *diverged],
        "validation_loss_curve_": None,
        "validation_scores_": None,
        "best_validation_score_": None,
        "best_loss_": None,
    }
    if losses:
        attributes["loss_"] = losses[-1]
    if not estimator.early_stopping:
        earlier_best = _earlier(estimator, "best_loss_", np.inf, fresh=fresh)
        attributes["best_loss_"] = min(earlier_best, *losses, np.inf)
    return attributes


def _add_validation(
    attributes: dict[str, Any], estimator: BaseMLP, losses: list[float], scores: list[float], start: Start
) -> None:
    """Add the course of loss and score on the validation set to the attributes."""
    diverged = [np.nan] * (attributes["n_iter_"] - len(losses))
    earlier = _earlier(estimator, "validation_loss_curve_", [], fresh=start.fresh)
    attributes["validation_loss_curve_"] = [*earlier, *losses, *diverged]
    if estimator.scoring != "loss":
        earlier = _earlier(estimator, "validation_scores_", [], fresh=start.fresh)
        attributes["validation_scores_"] = [*earlier, *scores, *diverged]
        earlier_best = _earlier(estimator, "best_validation_score_", -np.inf, fresh=start.fresh)
        attributes["best_validation_score_"] = max(earlier_best, *scores, -np.inf)


def _earlier(estimator: BaseMLP, name: str, default: Any, *, fresh: bool) -> Any:
    """Return an attribute of an earlier fit that this one continues."""
    value = None if fresh else getattr(estimator, name, None)
    return default if value is None else value
