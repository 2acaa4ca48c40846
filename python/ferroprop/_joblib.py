"""The joblib backend "ferroprop", told to joblib before what it needs is imported."""

from __future__ import annotations

import importlib
import sys
from typing import Any

NAME = "ferroprop"


def _backend(**options: Any) -> Any:
    """Return a backend; joblib calls this when the backend is asked for."""
    # by name, for this file is below all others: the estimators import it
    module = importlib.import_module("ferroprop.model_selection._backend")
    return module.FerropropBackend(**options)


def register() -> None:
    """Tell joblib of the backend, if it is imported; to import it for that would take too long."""
    if "joblib.parallel" in sys.modules:
        sys.modules["joblib.parallel"].register_parallel_backend(NAME, _backend)
