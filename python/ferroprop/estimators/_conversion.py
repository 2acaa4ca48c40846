"""Conversion between scikit-learn's estimators and ours."""

from __future__ import annotations

import copy
from typing import Any

SOLVERS = ("lbfgs", "sgd", "adam")
HIDDEN_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
OUTPUT_ACTIVATIONS = (*HIDDEN_ACTIVATIONS, "softmax", "exp")
LOSSES = ("squared_error", "poisson", "log_loss")
"""Activations that scikit-learn has."""

NOT_TAKEN = ("_optimizer", "_networks", "_random_state", "_skl_callbacks")
"""Attributes that have no meaning for the counterpart."""


def taken(theirs: Any, kind: type) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return copies of the parameters and of the fitted attributes of an estimator of scikit-learn.

    Parameters
    ----------
    theirs : estimator
        Of this `kind`.
    kind : type
        The class of scikit-learn.
    """
    if not isinstance(theirs, kind):
        got = type(theirs)
        raise TypeError(
            f"estimator must be a sklearn.neural_network.{kind.__name__}, "
            f"got a {got.__module__}.{got.__name__}."
        )
    parameters: dict[str, Any] = theirs.get_params(deep=False)  # type: ignore[attr-defined]
    return copy.deepcopy(parameters), _fitted(theirs)


def given(ours: Any, kind: type) -> Any:
    """Return the counterpart of one of our estimators, of scikit-learn's class `kind`."""
    activation = ours.activation
    if not (isinstance(activation, str) and activation in HIDDEN_ACTIVATIONS):
        raise ValueError(
            f"scikit-learn has the activations {', '.join(HIDDEN_ACTIVATIONS)}, one for all hidden "
            f"layers, got activation={activation!r}."
        )
    output = vars(ours).get("out_activation_", ours.output_activation)
    if output is not None and not (isinstance(output, str) and output in OUTPUT_ACTIVATIONS):
        raise ValueError(
            f"scikit-learn has the output activations {', '.join(OUTPUT_ACTIVATIONS)}, got {output!r}."
        )
    known = kind().get_params()
    parameters = {name: value for name, value in ours.get_params(deep=False).items() if name in known}
    if ours.solver == "lbfgs-scipy":
        parameters["solver"] = "lbfgs"
    elif ours.solver not in SOLVERS:
        del parameters["solver"]
    if parameters.get("loss") not in LOSSES:
        parameters.pop("loss", None)
    theirs = kind(**copy.deepcopy(parameters))
    theirs.__dict__.update(_fitted(ours))
    if "coefs_" in theirs.__dict__:
        theirs.__dict__.setdefault("_no_improvement_count", 0)
    return theirs


def _fitted(estimator: Any) -> dict[str, Any]:
    """Return a copy of the fitted attributes."""
    parameters = estimator.get_params(deep=False)
    return {
        name: copy.deepcopy(value)
        for name, value in vars(estimator).items()
        if name not in parameters and name not in NOT_TAKEN and (name.endswith("_") or name.startswith("_"))
    }
