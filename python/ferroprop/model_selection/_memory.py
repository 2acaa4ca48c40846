"""Transformers that are fitted once per split and setting, not once per candidate."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from copy import copy, deepcopy
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

_PLAIN = (
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(None),
    np.generic,
    type,
    FunctionType,
    BuiltinFunctionType,
)


class TransformerMemory:
    """What `Pipeline` takes as its `memory`: results of transformers that are the same for many candidates.

    Those of a transformer are kept if its parameters are plain values and it gets the very same arrays again.
    One that draws random numbers is fitted each time unless its `random_state` is an integer. Each fit gets a
    copy of the arrays, which others get, too, in case it changes them in place.
    """

    def __init__(self) -> None:
        # the arrays are kept, so that an address means one array
        self._known: dict[Hashable, tuple[tuple[Any, Any], tuple[Any, Any]]] = {}

    def cache(self, function: Callable[..., Any], ignore: Any = None) -> Callable[..., Any]:
        """Return the function with a memory, as `joblib.Memory` does."""

        def remembered(transformer: Any, X: Any, y: Any, **options: Any) -> tuple[Any, Any]:
            setting = None if _has_content(options.get("params")) else setting_of(transformer)
            if setting is None:
                result: tuple[Any, Any] = function(transformer, deepcopy(X), y, **options)
                return result
            key = id(X), id(y), setting
            if key not in self._known:
                self._known[key] = (X, y), function(transformer, deepcopy(X), y, **options)
            _, (transformed, fitted) = self._known[key]
            return transformed, copy(fitted)

        return remembered


def setting_of(transformer: Any) -> Hashable | None:
    """Return the class and the parameters of a transformer, None if they do not say what a fit gives."""
    if isinstance(transformer, type) or not hasattr(transformer, "get_params"):
        return None
    items: list[Any] = [type(transformer)]
    for name, value in sorted(transformer.get_params(deep=True).items()):
        if name.endswith("random_state") and not isinstance(value, (int, np.integer)):
            return None
        if hasattr(value, "get_params") and not isinstance(value, type):
            items.append((name, type(value)))  # its parameters come by themselves
            continue
        if not _is_plain(value):
            return None
        items.append((name, _with_types(value)))
    return tuple(items)


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN) or (isinstance(value, tuple) and all(map(_is_plain, value)))


def _with_types(value: Any) -> Hashable:
    """Return a key that tells 1, 1.0 and True apart."""
    return tuple(map(_with_types, value)) if isinstance(value, tuple) else (type(value), repr(value), value)


def _has_content(params: Any) -> bool:
    return bool(params) and any(bool(value) for value in params.values())
