"""Checks of the constructor's parameters: scikit-learn's, each value once."""

from __future__ import annotations

from types import NoneType
from typing import Any

from ferroprop.estimators._parameters import parameter_names
from ferroprop.estimators._sklearn import validate_parameter_constraints

_MOST = 10_000
_passed: set[tuple[type, str, type, Any]] = set()
"""Values that have passed: class, parameter, type and value."""


def check_parameters(estimator: Any) -> None:
    """Check the parameters of an estimator.

    A search fits hundreds of estimators that differ in few parameters, and scikit-learn's check of all takes
    longer than the training of a small network. So numbers, names, flags and None are checked the first time
    that they come; tuples and lists, whose constraints look at the type alone, likewise. All else is checked
    each time.

    Raises
    ------
    InvalidParameterError
        In scikit-learn's words.
    """
    kind: Any = type(estimator)
    values = {name: getattr(estimator, name) for name in parameter_names(kind)}
    new = {name: value for name, value in values.items() if _key(kind, name, value) not in _passed}
    if not new:
        return
    validate_parameter_constraints(estimator._parameter_constraints, new, caller_name=kind.__name__)
    if len(_passed) > _MOST:
        _passed.clear()
    _passed.update(key for name, value in new.items() if (key := _key(kind, name, value)) is not None)


def _key(kind: type, name: str, value: Any) -> tuple[type, str, type, Any] | None:
    if type(value) in (str, int, float, bool, NoneType):
        return kind, name, type(value), value
    if type(value) in (tuple, list):
        return kind, name, type(value), None
    return None
