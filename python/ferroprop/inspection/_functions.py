"""The formulas of activations and losses, for showing; the numbers beside them come from the core.

z is the net input, a = f(z) the output, t the target. A constant has the name that the activation's object
gives it, and stands here with its usual value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ferroprop.inspection._double import name_of


@dataclass(frozen=True)
class Formula:
    """A function and its derivative as Python expressions."""

    value: str
    derivative: str
    constants: Mapping[str, float] = field(default_factory=dict)


ACTIVATIONS = {
    "identity": Formula("z", "1"),
    "logistic": Formula("1/(1 + exp(-slope*z))", "slope*a*(1 - a)", {"slope": 1.0}),
    "bipolar": Formula("2/(1 + exp(-z)) - 1", "(1 - a**2)/2"),
    "tanh": Formula("tanh(z)", "1 - a**2"),
    "arctan": Formula("arctan(z)", "1/(1 + z**2)"),
    "softsign": Formula("z/(1 + abs(z))", "(1 - abs(a))**2"),
    "hard_sigmoid": Formula("min(max(z + 3, 0), 6)/6", "1/6 if abs(z) < 3 else 0"),
    "relu": Formula("max(0, z)", "1 if z > 0 else 0"),
    "leaky_relu": Formula("z if z > 0 else slope*z", "1 if z > 0 else slope", {"slope": 0.01}),
    "elu": Formula("z if z > 0 else alpha*(exp(z) - 1)", "1 if z > 0 else a + alpha", {"alpha": 1.0}),
    "selu": Formula(
        "scale*z if z > 0 else scale*alpha*(exp(z) - 1)",
        "scale if z > 0 else a + scale*alpha",
        {"scale": 1.0507009873554805, "alpha": 1.6732632423543772},
    ),
    "softplus": Formula("ln(1 + exp(z))", "1/(1 + exp(-z))"),
    "gelu": Formula("z*Phi(z)", "Phi(z) + z*phi(z)"),
    "silu": Formula("z/(1 + exp(-z))", "a + (1 - a)/(1 + exp(-z))"),
    "mish": Formula(
        "z*tanh(ln(1 + exp(z)))",
        "tanh(ln(1 + exp(z))) + z*(1 - tanh(ln(1 + exp(z)))**2)/(1 + exp(-z))",
    ),
    "exp": Formula("exp(z)", "a"),
}

# The loss of one output, and its derivative with respect to that output. The log loss, which belongs to
# certain outputs, is written out where it is used.
LOSSES = {
    "squared_error": Formula("(t - a)**2/2", "a - t"),
    "absolute_error": Formula("abs(a - t)", "sign(a - t)"),
    "huber": Formula(
        "(a - t)**2/2 if abs(a - t) <= delta else delta*(abs(a - t) - delta/2)",
        "max(-delta, min(a - t, delta))",
        {"delta": 1.0},
    ),
    "quantile": Formula(
        "quantile*(t - a) if t > a else (1 - quantile)*(a - t)",
        "-quantile if t > a else 1 - quantile",
        {"quantile": 0.5},
    ),
    "poisson": Formula("t*ln(t/a) - t + a", "1 - t/a"),
    "hinge": Formula("max(0, 1 - t*a)", "-t if t*a < 1 else 0"),
    "squared_hinge": Formula("max(0, 1 - t*a)**2", "-2*t*max(0, 1 - t*a)"),
}

# What an optimizer adds to a parameter, by the name of its class.
UPDATES = {
    "SGD": "minus the learning rate times the gradient, and what is left of the changes before",
    "Adam": "minus the learning rate times the mean gradient over the root of the mean squared gradient",
    "AdamW": "the same as Adam, and takes a small part off each weight",
    "Rprop": "each parameter's own step size, against the sign of its gradient",
    "GRprop": "the same as Rprop, but one step size follows from all others",
    "SARPROP": "the same as Rprop, with noise on step sizes that shrank",
}


def activation_formula(activation: Any) -> Formula | None:
    """Return the formulas of an activation with its constants put in, or None if there are none."""
    return _with_own_constants(ACTIVATIONS.get(name_of(activation)), activation)


def loss_formula(loss: Any) -> Formula | None:
    """Return the formulas of a loss with its constants put in, or None if there are none."""
    return _with_own_constants(LOSSES.get(name_of(loss)), loss)


def _with_own_constants(formula: Formula | None, given: Any) -> Formula | None:
    if formula is None:
        return None
    value, derivative = formula.value, formula.derivative
    for name, usual in formula.constants.items():
        constant = float(getattr(given, name, usual))
        value, derivative = (_with_constant(part, name, constant) for part in (value, derivative))
    return Formula(value, derivative)


def _with_constant(expression: str, name: str, value: float) -> str:
    if value == 1:  # as a factor it is left out
        expression = re.sub(rf"\b{name}\*", "", expression)
    return put(expression, name, repr(value).removesuffix(".0"))


def put(expression: str, name: str, value: str) -> str:
    """Put `value` in place of a name, in brackets where it is negative or a sum."""
    return re.sub(rf"\b{name}\b", value if re.fullmatch(r"[\w.\[\],]+", value) else f"({value})", expression)
