"""Old names on their way out: the warnings that docs/versions.md promises, made in one place."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def warn_deprecated(
    old: str,
    new: str,
    *,
    removed_in: str,
    category: type[Warning] = FutureWarning,
    stacklevel: int = 2,
) -> None:
    """Warn that a name goes away.

    Parameters
    ----------
    old, new : str
        What the caller used, and what to use instead.
    removed_in : str
        The version without the old name, for example "1.3".
    category : type of Warning, default=FutureWarning
        DeprecationWarning for names that only code uses.
    stacklevel : int, default=2
        As in `warnings.warn`, counted from the function that calls this one: 2 is its caller.
    """
    message = f"{old} is deprecated and will be removed in ferroprop {removed_in}; use {new} instead."
    warnings.warn(message, category, stacklevel=stacklevel + 1)


def renamed_parameter(old: str, new: str, *, removed_in: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take a keyword by its old name too, with a warning.

    Parameters
    ----------
    old, new : str
        The names of the keyword.
    removed_in : str
        The version without the old name.

    Returns
    -------
    decorator : callable
        For a function that has a parameter `new`. Its signature stays, so scikit-learn's ``get_params``
        knows the new name alone. A call with both names raises TypeError.
    """

    def decorator(function: Callable[P, R]) -> Callable[P, R]:
        place = list(inspect.signature(function).parameters).index(new)

        @functools.wraps(function)
        def with_both(*args: P.args, **kwargs: P.kwargs) -> R:
            if old in kwargs:
                if new in kwargs or len(args) > place:
                    raise TypeError(f"{function.__name__}() got both {new} and {old}, its old name")
                warn_deprecated(f"{old}=", f"{new}=", removed_in=removed_in)
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return with_both

    return decorator
