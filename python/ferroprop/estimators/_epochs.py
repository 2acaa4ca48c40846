"""The solvers that train epoch by epoch in the core: sgd, adam, rprop."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ferroprop._core import History, Network, train
from ferroprop.estimators._optimizers import MINI_BATCH_SOLVERS, OptimizerKeeper
from ferroprop.estimators._prepared import build_network
from ferroprop.estimators._progress import ProgressLines
from ferroprop.estimators._sklearn import ConvergenceWarning
from ferroprop.estimators._typing import Layers
from ferroprop.estimators._validation_set import Rows, hold_out

if TYPE_CHECKING:
    from ferroprop.estimators._base import BaseMLP

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
    "preprocessed."
)


def fit_by_epochs(
    estimator: BaseMLP,
    keeper: OptimizerKeeper,
    rows: Rows,
    coefs: Layers,
    intercepts: Layers,
    output: str,
    rng: np.random.RandomState,
    *,
    fresh: bool,
    incremental: bool,
) -> dict[str, Any]:
    """Train from the given parameters and return the fitted attributes.

    Parameters
    ----------
    estimator : BaseMLP
        Gives the parameters, and the attributes of an earlier fit that this one continues.
    keeper : OptimizerKeeper
        Has the optimizer of an earlier fit, and keeps this one's.
    rows : Rows
        Training data; the targets have one column an output.
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
    """
    early_stopping = estimator.early_stopping
    if early_stopping and incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    score = None
    if early_stopping:
        rows, held_out = hold_out(
            rows, estimator.validation_fraction, stratify=estimator._stratifies(rows.Y), rng=rng
        )
        score = _scorer(estimator, held_out)
    n_rows = rows.X.shape[0]
    outputs_in_mean = estimator._outputs_in_mean(rows.Y.shape[1])
    mini_batches = estimator.solver in MINI_BATCH_SOLVERS
    network = build_network(coefs, intercepts, estimator.activation, output)
    optimizer, resumed = keeper.optimizer_for(estimator, network.dtype, resume=not fresh)
    lines = _progress_lines(estimator) if estimator.verbose else None
    waits = not incremental and np.isfinite(estimator.n_iter_no_change)
    history = train(
        network,
        rows.X,
        rows.Y.astype(network.dtype, copy=False),
        loss=estimator.loss,
        optimizer=optimizer,
        epochs=1 if incremental else estimator.max_iter,
        batch_size=_batch_size(estimator, n_rows) if mini_batches else None,
        shuffle=shuffled_orders(rng, n_rows) if mini_batches and estimator.shuffle else False,
        sample_weight=rows.sample_weight,
        alpha=estimator.alpha,
        score=score,
        patience=int(estimator.n_iter_no_change) + 1 if waits else None,
        tolerance=estimator.tol if early_stopping else estimator.tol * outputs_in_mean,
        restore_best=early_stopping,
        max_time=estimator.max_time,
        callback=lines,
        n_threads=estimator._n_threads(),
        warm_start=resumed,
    )
    if history.stop_reason == "diverged":
        keeper.forget()
        if history.epochs == 0:
            raise ValueError(NOT_FINITE)
    if lines is not None and history.stop_reason == "patience":
        lines.out_of_patience()
    if not incremental:
        _warn_about_the_end(estimator, history)
    fitted = _attributes(estimator, history, n_rows, outputs_in_mean, fresh=fresh)
    if incremental:
        fitted["_no_improvement_count"] = _lower_learning_rate(estimator, keeper, fitted["loss_"])
    fitted["coefs_"], fitted["intercepts_"] = network.weights, network.biases
    earlier_best = None if fresh else getattr(estimator, "best_validation_score_", None)
    if early_stopping and earlier_best is not None and fitted["best_validation_score_"] <= earlier_best:
        fitted["coefs_"], fitted["intercepts_"] = coefs, intercepts
    return fitted


def shuffled_orders(rng: np.random.RandomState, n_rows: int) -> Callable[[int], NDArray[np.intp]]:
    """Return a function that gives, at each call, the order of rows scikit-learn would train in next.

    Each epoch shuffles the order of the epoch before.
    """
    order = np.arange(n_rows)

    def next_order(epoch: int) -> NDArray[np.intp]:
        nonlocal order
        permutation = np.arange(n_rows)
        rng.shuffle(permutation)
        order = order[permutation]
        return order

    return next_order


def _scorer(estimator: BaseMLP, held_out: Rows) -> Callable[[Network], float]:
    X, Y, sample_weight = held_out
    n_threads = estimator._n_threads()

    def score(network: Network) -> float:
        return estimator._score_outputs(Y, network.predict(X, n_threads=n_threads), sample_weight)

    return score


def _batch_size(estimator: BaseMLP, n_rows: int) -> int:
    if isinstance(estimator.batch_size, str):
        return min(200, n_rows)
    if estimator.batch_size > n_rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=2,
        )
    return min(estimator.batch_size, n_rows)


def _progress_lines(estimator: BaseMLP) -> ProgressLines:
    return ProgressLines(
        tol=estimator.tol,
        n_iter_no_change=estimator.n_iter_no_change,
        early_stopping=estimator.early_stopping,
        adaptive=estimator.solver == "sgd" and estimator.learning_rate == "adaptive",
    )


def _warn_about_the_end(estimator: BaseMLP, history: History) -> None:
    """Warn when training ended before it was done; of interruption and divergence the core warns itself."""
    if history.stop_reason == "epochs":
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the optimization "
            "hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=2,
        )
    elif history.stop_reason == "time":
        warnings.warn(
            f"Time limit (max_time={estimator.max_time:g} s) reached after {history.epochs} epoch(s) and the "
            "optimization hasn't converged yet.",
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
    if count <= estimator.n_iter_no_change or estimator.solver != "sgd":
        return count
    if estimator.learning_rate != "adaptive" or keeper.divide_learning_rate() is None:
        return count
    return 0


def _attributes(
    estimator: BaseMLP, history: History, n_rows: int, outputs_in_mean: int, *, fresh: bool
) -> dict[str, Any]:
    """Return the attributes that tell how training went, after those of an earlier fit unless `fresh`.

    An epoch in which training diverged counts, with NaN for its loss and score.
    """

    def earlier(name: str, default: Any) -> Any:
        value = None if fresh else getattr(estimator, name, None)
        return default if value is None else value

    losses = [loss / outputs_in_mean for loss in history.loss]
    scores = list(history.score)
    diverged = [np.nan] if history.stop_reason == "diverged" else []
    n_iter = history.epochs + len(diverged)
    attributes: dict[str, Any] = {
        "n_iter_": n_iter,
        "t_": earlier("t_", 0) + n_iter * n_rows,
        "loss_curve_": [*earlier("loss_curve_", []), *losses, *diverged],
        "validation_scores_": None,
        "best_validation_score_": None,
        "best_loss_": None,
    }
    if losses:
        attributes["loss_"] = losses[-1]
    if estimator.early_stopping:
        attributes["validation_scores_"] = [*earlier("validation_scores_", []), *scores, *diverged]
        attributes["best_validation_score_"] = max(
            earlier("best_validation_score_", -np.inf), *scores, -np.inf
        )
    else:
        attributes["best_loss_"] = min(earlier("best_loss_", np.inf), *losses, np.inf)
    return attributes
