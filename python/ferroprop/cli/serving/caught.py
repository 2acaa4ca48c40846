"""The warnings of a prediction, as notes to the client that asked for it."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_OF_THREAD = threading.local()


@contextmanager
def every_warning() -> Iterator[None]:
    """Let `notes` collect all warnings of its thread, until the server ends.

    `warnings.catch_warnings` cannot do it: it changes what the whole process shows, and several threads
    predict at a time.
    """
    filters, show = warnings.filters[:], warnings.showwarning

    def collect(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, *more: Any, **named: Any
    ) -> None:
        notes: list[str] | None = getattr(_OF_THREAD, "notes", None)
        if notes is None:
            show(message, category, filename, lineno, *more, **named)
        else:
            notes.append(str(message))

    warnings.simplefilter("always", UserWarning)
    warnings.showwarning = collect
    try:
        yield
    finally:
        warnings.showwarning = show
        warnings.filters[:] = filters  # type: ignore[index]
        warnings._filters_mutated_lock_held() if hasattr(
            warnings, "_filters_mutated_lock_held"
        ) else warnings._filters_mutated()  # type: ignore[attr-defined]


@contextmanager
def notes() -> Iterator[list[str]]:
    """Collect the warnings of this thread within `every_warning`."""
    collected: list[str] = []
    _OF_THREAD.notes = collected
    try:
        yield collected
    finally:
        del _OF_THREAD.notes
