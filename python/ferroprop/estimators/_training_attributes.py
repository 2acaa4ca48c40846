"""The fitted attributes of a training: losses, scores, counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ferroprop.estimators._plan import Outcome, Plan


def training_attributes(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """Return the attributes of a training, appended to those of the fit that it continues."""
    return _after_lbfgs(plan, outcome) if plan.optimizer is None else _after_epochs(plan, outcome)


def _after_epochs(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """Continue the curves of the earlier fit; an epoch in which training diverged has NaN in them."""
    diverged = [np.nan] * (outcome.n_iter - len(outcome.losses))
    watched, earlier = plan.validation, plan.earlier
    attributes: dict[str, Any] = {
        "n_iter_": outcome.n_iter,
        "t_": _known(earlier, "t_", 0) + outcome.n_iter * plan.samples.n_rows,
        "loss_curve_": [*_known(earlier, "loss_curve_", []), *outcome.losses, *diverged],
        "validation_loss_curve_": None,
        "validation_scores_": None,
        "best_validation_score_": None,
        "best_loss_": None,
    }
    if outcome.loss is not None:
        attributes["loss_"] = outcome.loss
    if watched is None or not watched.decides:
        attributes["best_loss_"] = min(_known(earlier, "best_loss_", np.inf), *outcome.losses, np.inf)
    if watched is not None:
        losses = outcome.validation_losses
        unknown = [np.nan] * (outcome.n_iter - len(losses))
        attributes["validation_loss_curve_"] = [
            *_known(earlier, "validation_loss_curve_", []),
            *losses,
            *unknown,
        ]
        if watched.score is not None:
            scores = outcome.validation_scores
            attributes["validation_scores_"] = [*_known(earlier, "validation_scores_", []), *scores, *unknown]
            best = _known(earlier, "best_validation_score_", -np.inf)
            attributes["best_validation_score_"] = max(best, *scores, -np.inf)
    return attributes


def _after_lbfgs(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """Return the curves of this fit alone, as in scikit-learn."""
    attributes = {
        "loss_": outcome.loss,
        "loss_curve_": outcome.losses,
        "n_iter_": outcome.n_iter,
        "t_": _known(plan.earlier, "t_", 0),
    }
    if plan.validation is not None:
        attributes["validation_loss_curve_"] = outcome.validation_losses
        attributes["validation_scores_"] = outcome.validation_scores or None
    return attributes


def _known(earlier: Mapping[str, Any], name: str, default: Any) -> Any:
    value = earlier.get(name)
    return default if value is None else value
