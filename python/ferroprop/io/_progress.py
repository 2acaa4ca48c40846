"""How far a conversion is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

_SECONDS = 0.5
"""Between two lines."""


class Progress:
    """Lines, or calls, about how far a conversion is."""

    def __init__(self, total: int, progress: bool | Callable[[int, int], object]) -> None:
        if not callable(progress) and not isinstance(progress, (bool, np.bool_)):
            raise TypeError(f"progress must be True, False or a function, got {type(progress).__name__}")
        self._total, self._progress = total, progress
        self._last = time.monotonic()

    def __call__(self, what: str, done: int) -> None:
        if callable(self._progress):
            self._progress(done, self._total)
        elif self._progress and (done == self._total or time.monotonic() - self._last > _SECONDS):
            self._last = time.monotonic()
            end = "\n" if done == self._total else ""
            print(f"\r{what}: {done:,} of {self._total:,} rows", end=end, file=sys.stderr, flush=True)
