"""The solver lbfgs: the core's L-BFGS."""

from __future__ import annotations

import sys
import warnings

from scipy.optimize import OptimizeResult

from ferroprop._core import Epoch, _minimize, _StandardArithmetic
from ferroprop.estimators._plan import Outcome, Plan, StopReason
from ferroprop.estimators._sklearn import check_optimize_result
from ferroprop.estimators._time_limit import TimeLimitWarning

_ENDS: dict[str, StopReason] = {"time": "time", "callback": "callback", "interrupted": "interrupted"}
"""Ends that are not the search's own."""

_FAILURES = {
    "max_iter": (1, "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT"),
    "max_fun": (1, "STOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT"),
    "line_search": (2, "ABNORMAL: "),
    "diverged": (2, "ABNORMAL: "),
}
"""Ends without convergence, in SciPy's words."""


def run(plan: Plan) -> Outcome:
    """Minimise the loss."""
    X, Y, sample_weight, _ = plan.samples
    with plan.followers as followers:

        def tell(epoch: Epoch) -> bool:
            with _StandardArithmetic():
                return followers(
                    epoch.network,
                    epoch=epoch.epoch,
                    loss=plan.reported(epoch.loss, epoch.penalty),
                    penalty=epoch.penalty,
                    seconds=epoch.seconds,
                )

        loss, penalty, losses, penalties, _, end, _ = _minimize(
            plan.network,
            X,
            Y,
            loss=plan.loss,
            sample_weight=sample_weight,
            alpha=plan.alpha,
            max_iter=min(int(plan.max_iter), sys.maxsize),
            max_fun=min(int(plan.max_fun), sys.maxsize),
            gtol=plan.tol,
            outputs_in_mean=plan.outputs_in_mean,
            max_time=plan.max_time,
            callback=tell if followers else None,
            n_threads=plan.n_threads,
            **plan.in_time,
        )
    stop_reason = _ENDS.get(end, "converged")
    status, message = _FAILURES.get(end, (0, ""))
    warn_about_the_end(plan, stop_reason, OptimizeResult(nit=len(losses), status=status, message=message))
    return Outcome(
        network=plan.network,
        loss=plan.reported(loss, penalty),
        losses=[plan.reported(*both) for both in zip(losses, penalties, strict=True)],
        validation_losses=followers.curves.losses,
        validation_scores=followers.curves.scores,
        n_iter=len(losses),
        stop_reason=stop_reason,
    )


def warn_about_the_end(plan: Plan, stop_reason: StopReason, result: OptimizeResult) -> None:
    """Warn if a limit or a failure ended the search.

    Parameters
    ----------
    plan : Plan
        That of the fit.
    stop_reason : str
        What the outcome will say.
    result : scipy.optimize.OptimizeResult
        With the iterations, and SciPy's status and message.
    """
    if stop_reason == "time":
        warnings.warn(
            f"lbfgs reached the time limit (max_time={plan.max_time:g} s) after {result.nit} "
            f"iteration(s) and the optimization hasn't converged yet.{plan.hint()}",
            TimeLimitWarning,
            stacklevel=2,
        )
    elif stop_reason == "converged":
        check_optimize_result("lbfgs", result, plan.max_iter)
