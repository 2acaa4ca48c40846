"""A fit in two halves, and several fits whose trainings run side by side between them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import joblib
import numpy as np

from ferroprop._core import _StandardArithmetic
from ferroprop.estimators import _epochs, _lbfgs, _scipy_lbfgs
from ferroprop.estimators._plan import Outcome, Plan


class Fit:
    """A fit up to its training.

    Parameters
    ----------
    estimator : estimator
        Which is fitted.
    halves : generator
        Yields the plan, takes the outcome.
    take_over : callable
        Makes the estimator the fitted one, in the end.
    """

    def __init__(
        self, estimator: Any, halves: Generator[Plan, Outcome, None], take_over: Callable[[], None]
    ) -> None:
        self.estimator = estimator
        self._halves = halves
        self._take_over = take_over
        with _StandardArithmetic():
            self.plan = next(halves, None)

    def run_or_postpone(self) -> None:
        """Train and finish, or leave both to whoever has asked for that."""
        wanted = _WANTED.get()
        if wanted is not None and self.plan is not None and self.plan.is_sociable and wanted(self.estimator):
            _POSTPONED.get().append(self)
            return
        with _StandardArithmetic():
            outcome = None if self.plan is None else _run(self.plan)
        self.finish(outcome)

    def finish(self, outcome: Outcome | None) -> None:
        """Make the second half of the fit."""
        if outcome is not None:
            with _StandardArithmetic(), suppress(StopIteration):
                self._halves.send(outcome)
        self._take_over()


_WANTED: ContextVar[Callable[[Any], bool] | None] = ContextVar("ferroprop_postponed", default=None)
_POSTPONED: ContextVar[list[Fit]] = ContextVar("ferroprop_postponed_fits")


@contextmanager
def postponed(wanted: Callable[[Any], bool]) -> Iterator[list[Fit]]:
    """Postpone the trainings of fits in this context.

    The ``fit`` of an estimator then returns before anything is learned, and the list gets the rest of it.
    Fits whose order somebody could see are made at once.

    Parameters
    ----------
    wanted : callable
        Tells whether the fit of an estimator is to be postponed.
    """
    fits: list[Fit] = []
    tokens = _WANTED.set(wanted), _POSTPONED.set(fits)
    try:
        yield fits
    finally:
        _WANTED.reset(tokens[0])
        _POSTPONED.reset(tokens[1])


_MOST_COPIED = 1 << 26
"""Bytes of rows that fits side by side may copy; above it only as many fits as threads have rows."""


def at_a_time(X: Any, copies: int, n_threads: int | None) -> int | None:
    """Return how many fits may have rows of their own at a time.

    Parameters
    ----------
    X : array, sparse matrix or data frame
        The rows that each of them takes nearly all of.
    copies : int
        The number of different parts that they take.
    n_threads : int or None
        Threads to use for all.

    Returns
    -------
    number : int or None
        None if all may.
    """
    numbers = X.data if hasattr(X, "indptr") else X  # of a sparse matrix those that it holds
    size = getattr(numbers, "nbytes", None)
    if size is None:  # a data frame
        size = 8 * int(np.prod(getattr(X, "shape", (len(X),))))
    if copies * size <= _MOST_COPIED:
        return None
    return n_threads or int(joblib.cpu_count())


def finish_together(fits: Sequence[Fit], n_threads: int | None) -> list[Exception | None]:
    """Train side by side, and finish the fits in their order.

    Parameters
    ----------
    fits : sequence of Fit
        Postponed ones.
    n_threads : int or None
        Threads to use for all.

    Returns
    -------
    errors : list of Exception or None
        What each of the fits would have raised.
    """
    plans = [fit.plan for fit in fits if fit.plan is not None]
    with _StandardArithmetic():
        outcomes = _epochs.run_together(plans, n_threads)
    errors: list[Exception | None] = []
    for fit, outcome in zip(fits, outcomes, strict=True):
        try:
            with _StandardArithmetic():
                trained = outcome()
            fit.finish(trained)
        except Exception as error:
            errors.append(error)
        else:
            errors.append(None)
    return errors


def _run(plan: Plan) -> Outcome:
    if plan.run is not None:
        return plan.run(plan)
    if plan.by_scipy:
        return _scipy_lbfgs.run(plan)
    return _lbfgs.run(plan) if plan.optimizer is None else _epochs.run(plan)
