"""Checks of the constructor's parameters: scikit-learn's, each value once."""

from __future__ import annotations

from types import NoneType
from typing import Any

from ferroprop.estimators._parameters import parameter_names
from ferroprop.estimators._sklearn import validate_parameter_constraints

_MOST = 10_000
_NOTHING = object()
_passed: set[tuple[type, str, type, Any]] = set()
"""Values that have passed: class, parameter, type and value."""
_last: dict[type, dict[str, Any]] = {}
"""The objects among them that each class has had last: what is the same object needs no look at its value."""


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
    last = _last.get(kind, {})
    others = {
        name: value
        for name in parameter_names(kind)
        if (value := getattr(estimator, name)) is not last.get(name, _NOTHING)
    }
    if not others:
        return
    keys = {name: _key(kind, name, value) for name, value in others.items()}
    new = {name: value for name, value in others.items() if keys[name] not in _passed}
    if new:
        validate_parameter_constraints(estimator._parameter_constraints, new, caller_name=kind.__name__)
        if len(_passed) > _MOST:
            _passed.clear()
        _passed.update(keys[name] for name in new if keys[name] is not None)  # type: ignore[misc]
    _last[kind] = {**last, **{name: value for name, value in others.items() if keys[name] is not None}}


def _key(kind: type, name: str, value: Any) -> tuple[type, str, type, Any] | None:
    if type(value) in (str, int, float, bool, NoneType):
        return kind, name, type(value), value
    if type(value) in (tuple, list):
        return kind, name, type(value), None
    return None
