"""``ferroprop train --tune``: a search for settings, by cross-validation of the training rows."""

import math
import signal
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import log_loss, make_scorer

from ferroprop.cli.candidates import candidates, open_settings
from ferroprop.cli.card import Trial
from ferroprop.cli.cross_validation import folds_of
from ferroprop.cli.fitting import new_model
from ferroprop.cli.problem import Problem
from ferroprop.cli.reading.column import Column
from ferroprop.cli.settings import Settings
from ferroprop.cli.split import train_on
from ferroprop.cli.target import TaskName
from ferroprop.cli.wording import first_line
from ferroprop.model_selection import cross_validate

FOLDS = 3


@dataclass(frozen=True)
class Search:
    """What a search has found.

    Parameters
    ----------
    settings : Settings
        The best settings.
    trials : list of Trial
        All that were tried, in this order.
    was_interrupted : bool
        Whether Ctrl-C ended it.
    """

    settings: Settings
    trials: list[Trial]
    was_interrupted: bool


def check_tuning(settings: Settings, given: Collection[str]) -> None:
    """Refuse a search that has nothing to choose.

    Raises
    ------
    Problem
        If each setting that it could choose was given.
    """
    if not open_settings(settings, given):
        raise Problem(
            f"--tune: every setting of --model {settings.model} that it could choose is given; "
            "expected at least one of them left open"
        )


def search(
    X: pl.DataFrame,
    y: NDArray[Any],
    task: TaskName,
    columns: Sequence[Column],
    settings: Settings,
    given: Collection[str],
    seconds: float,
    follower: Callable[[Sequence[Trial]], None],
) -> Search:
    """Try settings until the time is up.

    The loss of a trial is the mean over folds of X, of models that were trained without the fold. The
    settings that were given come first, so the best ones are never worse than those by this measure. No trial
    begins that would end too late if it took as long as the longest one so far; the first one always runs.

    Parameters
    ----------
    X : polars.DataFrame
        The training rows.
    y : ndarray
        Their targets.
    task : {'classification', 'regression'}
        The loss is the log loss, or the RMSE.
    columns : sequence of Column
        The columns of the table.
    settings : Settings
        The settings to begin with.
    given : collection of str
        The names of those that stay.
    seconds : float
        The time for all trials.
    follower : callable
        Called with all trials after each one.

    Returns
    -------
    Search
        The best settings, and what was tried.

    Raises
    ------
    Problem
        If there are too few rows, or no settings could be trained.
    KeyboardInterrupt
        If Ctrl-C came before the first trial had ended.
    """
    folds = list(folds_of(y, task, FOLDS, settings.seed, "--tune"))
    first = train_on(folds[0].train, folds[0].test, y, task)
    cut = [(fold.train, fold.test) for fold in folds]
    started, longest = time.monotonic(), 0.0
    trials: list[Trial] = []
    best, best_loss = None, math.inf
    with _noticing_interrupts() as interrupted:
        for candidate in candidates(settings, open_settings(settings, given), len(folds[0].train)):
            began = time.monotonic()
            if trials and began - started + longest > seconds:
                break
            # A limit of time is one of the training that follows.
            tried = replace(candidate, max_time=None)
            if candidate.model == "tabular":
                # One network tells the worth of settings for several, in a fraction of the time.
                tried = replace(tried, members=1)
            model = new_model(tried, task, columns, first.validation_fraction)
            try:
                losses, failure = _losses(model, X, y, task, cut, settings.threads)
            except KeyboardInterrupt:
                if not trials:
                    raise
                break
            if interrupted():  # a fit that ends early with success: its loss is not that of these settings
                if not trials:
                    raise KeyboardInterrupt
                break
            took = time.monotonic() - began
            longest = max(longest, took)
            trials.append(_trial(len(trials) + 1, candidate, given, losses, failure, took))
            loss = trials[-1].loss
            if loss is not None and loss < best_loss:
                best, best_loss = candidate, loss
            follower(trials)
        was_interrupted = interrupted()
    if best is None:
        raise Problem(f"--tune: none of {len(trials)} trials could be trained: {trials[0].failure}")
    return Search(best, trials, was_interrupted)


def _losses(
    model: Any,
    X: pl.DataFrame,
    y: NDArray[Any],
    task: TaskName,
    cut: list[tuple[NDArray[Any], NDArray[Any]]],
    n_jobs: int | None,
) -> tuple[list[float], str]:
    """Return the loss on each fold, or none and why the model could not be trained."""
    scorer: Any = "neg_root_mean_squared_error"
    if task == "classification":
        scorer = make_scorer(log_loss, greater_is_better=False, response_method="predict_proba")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the training with the best settings repeats what matters
        try:
            found = cross_validate(model, X, y, cv=cut, scoring=scorer, error_score="raise", n_jobs=n_jobs)
        except ValueError as error:
            return [], first_line(error)
    losses = [-float(score) for score in found["test_score"]]
    return (losses, "") if all(map(math.isfinite, losses)) else ([], "its predictions are not finite")


def _trial(
    number: int,
    candidate: Settings,
    given: Collection[str],
    losses: list[float],
    failure: str,
    seconds: float,
) -> Trial:
    chosen = {name: getattr(candidate, name) for name in open_settings(candidate, given)}
    mean = math.fsum(losses) / len(losses) if losses else None
    spread = (
        None
        if mean is None
        else math.sqrt(math.fsum((loss - mean) ** 2 for loss in losses) / (len(losses) - 1))
    )
    return Trial(
        number=number,
        settings={
            name: list(value) if isinstance(value, tuple) else value
            for name, value in chosen.items()
            if value is not None
        },
        loss=mean,
        deviation=spread,
        seconds=seconds,
        failure=failure,
    )


@contextmanager
def _noticing_interrupts() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C was pressed, also where a fit takes it as its own end."""
    pressed = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield pressed.is_set
        return

    def note(number: int, frame: FrameType | None) -> None:
        pressed.set()
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
