"""The formulas of activations and losses, for showing; the numbers beside them come from the core.

z is the net input, a = f(z) the output, t the target.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ferroprop.catalogue import ACTIVATIONS, LOSSES
from ferroprop.inspection._double import name_of


@dataclass(frozen=True)
class Formula:
    """A function and its derivative as Python expressions."""

    value: str
    derivative: str


def activation_formula(activation: Any) -> Formula | None:
    """Return the formulas of an activation with its hyperparameters put in, or None if there are none."""
    entry = ACTIVATIONS.get(name_of(activation))
    if entry is None or not entry.derivative:
        return None
    usual = {one.name: one.default for one in entry.hyperparameters}
    return _with_numbers(Formula(entry.value, entry.derivative), {**entry.constants, **usual}, activation)


def loss_formula(loss: Any, output: Any) -> Formula | None:
    """Return the formulas of a loss with its hyperparameters put in, or None if there are none.

    If the formulas depend on the output activation, they are those for this one.
    """
    entry = LOSSES.get(name_of(loss))
    if entry is None:
        return None
    softmax = entry.on_softmax if name_of(output) == "softmax" else None
    usual = {one.name: one.default for one in entry.hyperparameters}
    formula = Formula(*(softmax or (entry.value, entry.derivative)))
    return _with_numbers(formula, {**entry.constants, **usual}, loss)


def _with_numbers(formula: Formula, usual: Mapping[str, float], given: Any) -> Formula:
    value, derivative = formula.value, formula.derivative
    for name, number in usual.items():
        own = float(getattr(given, name, number))
        value, derivative = (_with_number(part, name, own) for part in (value, derivative))
    return Formula(value, derivative)


def _with_number(expression: str, name: str, value: float) -> str:
    if value == 1:  # as a factor it is left out
        expression = re.sub(rf"\b{name}\*", "", expression)
    return put(expression, name, repr(value).removesuffix(".0"))


def put(expression: str, name: str, value: str) -> str:
    """Replace a name by `value`, in brackets if that is negative or a sum."""
    return re.sub(rf"\b{name}\b", value if re.fullmatch(r"[\w.\[\],]+", value) else f"({value})", expression)
