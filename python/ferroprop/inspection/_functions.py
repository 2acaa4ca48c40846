"""The formulas of activations and losses, for showing; the numbers beside them come from the core.

z is the net input, a = f(z) the output, t the target. A constant has the name that the activation's object
gives it, and stands here with its usual value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ferroprop.inspection._double import activation_name


@dataclass(frozen=True)
class Formula:
    """A function and its derivative as Python expressions."""

    value: str
    derivative: str
    constants: Mapping[str, float] = field(default_factory=dict)


ACTIVATIONS = {
    "identity": Formula("z", "1"),
    "logistic": Formula("1/(1 + exp(-slope*z))", "slope*a*(1 - a)", {"slope": 1.0}),
    "tanh": Formula("tanh(z)", "1 - a**2"),
    "relu": Formula("max(0, z)", "1 if z > 0 else 0"),
    "softplus": Formula("ln(1 + exp(z))", "1/(1 + exp(-z))"),
    "softsign": Formula("z/(1 + abs(z))", "(1 - abs(a))**2"),
    "arctan": Formula("arctan(z)", "1/(1 + z**2)"),
    "bipolar": Formula("2/(1 + exp(-z)) - 1", "(1 - a**2)/2"),
}

# The loss of one output, and its derivative with respect to that output.
LOSSES = {
    "squared_error": Formula("(t - a)**2/2", "a - t"),
}


def activation_formula(activation: Any) -> Formula | None:
    """Return the formulas of an activation with its constants put in, or None if there are none."""
    formula = ACTIVATIONS.get(activation_name(activation))
    if formula is None:
        return None
    constants = {name: getattr(activation, name, usual) for name, usual in formula.constants.items()}
    return Formula(with_constants(formula.value, constants), with_constants(formula.derivative, constants))


def with_constants(expression: str, constants: Mapping[str, float]) -> str:
    """Put numbers in place of names; a factor 1 is left out."""
    for name, value in constants.items():
        if value == 1:
            expression = re.sub(rf"\b{name}\*", "", expression)
        expression = put(expression, name, repr(value).removesuffix(".0"))
    return expression


def put(expression: str, name: str, value: str) -> str:
    """Put `value` in place of a name, in brackets where it is negative or a sum."""
    return re.sub(rf"\b{name}\b", value if re.fullmatch(r"[\w.\[\],]+", value) else f"({value})", expression)
