"""Training the model that the options describe, with a display of its progress."""

import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from ferroprop.cli import ensemble, pipeline
from ferroprop.cli.card import History, Layer
from ferroprop.cli.categories import KnownCategories
from ferroprop.cli.problem import Problem
from ferroprop.cli.progress import Follower
from ferroprop.cli.reading.column import Column
from ferroprop.cli.settings import ModelName, Settings
from ferroprop.cli.target import TaskName
from ferroprop.cli.wording import first_line
from ferroprop.estimators import TimeLimitWarning
from ferroprop.tabular import DataWarning

INTERRUPTED = "Training interrupted by user."
"""The warning of an estimator that Ctrl-C has stopped."""


@dataclass(frozen=True)
class Course:
    """The course of a fit: history of each network of the model, how many were trained, and the rest.

    `warnings` has all warnings, `endings` those on how a training ended, not on the table.
    """

    history: list[History]
    trained: int
    layers: list[Layer]
    warnings: list[str]
    endings: list[str]
    seconds: float


def new_model(
    settings: Settings, task: TaskName, columns: Sequence[Column], validation_fraction: float
) -> Any:
    """Return an unfitted estimator with these settings.

    Parameters
    ----------
    settings : Settings
        The options.
    task : {'classification', 'regression'}
        The task.
    columns : sequence of Column
        The columns of the table.
    validation_fraction : float
        The fraction of the rows that ``--model mlp`` holds out for early stopping.
    """
    if settings.model == "tabular":
        return ensemble.new_ensemble(settings, task, columns)
    return pipeline.build_pipeline(columns, task, pipeline.new_network(settings, task, validation_fraction))


def inputs_of(model: ModelName, X: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Return the features of `ferroprop.cli.columns.features` as a model takes them."""
    return ensemble.with_dates(X, columns) if model == "tabular" else X


def categories_of(model: ModelName, fitted: Any, columns: Sequence[Column]) -> dict[str, KnownCategories]:
    """Return the categories that each categorical column had in training."""
    if model == "tabular":
        return ensemble.categories_of_ensemble(fitted)
    return pipeline.categories_of_pipeline(fitted, columns)


def fit(
    model: Any,
    X: pl.DataFrame,
    y: NDArray[Any],
    settings: Settings,
    follower: Follower | None,
    validation: tuple[pl.DataFrame, NDArray[Any]] | None = None,
) -> Course:
    """Fit the model, and call the follower after each epoch.

    Parameters
    ----------
    model : estimator
        From `new_model`.
    X : polars.DataFrame
        The training rows.
    y : ndarray
        Their targets.
    settings : Settings
        The options, for messages.
    follower : Follower or None
        Called after each epoch.
    validation : tuple of polars.DataFrame and ndarray, optional
        Rows, and their targets, that decide on the best epoch of each network of ``--model tabular``.

    Returns
    -------
    Course
        The course of the training.

    Raises
    ------
    Problem
        If the network diverges or the estimator refuses an option.
    """
    started = time.perf_counter()
    try:
        with (
            warnings.catch_warnings(record=True) as caught,
            _following(model, settings, follower) as trainings,
        ):
            warnings.simplefilter("always")
            model.fit(
                X, y, **({} if validation is None else {"X_val": validation[0], "y_val": validation[1]})
            )
    except ValueError as error:
        option = "--model tabular" if settings.model == "tabular" else f"--solver {settings.solver}"
        raise Problem(f"training with {option} failed: {first_line(error)}") from error
    took = time.perf_counter() - started
    forget_threads(model, settings)
    if trainings is not None:
        history, layers = ensemble.histories_of(model), ensemble.layers_of_members(model)
        return Course(history, trainings.n_networks, layers, _texts_of(caught), _endings_of(caught), took)
    return course_of_network(model, settings, caught, took)


def course_of_network(
    fitted: Any, settings: Settings, caught: Sequence[warnings.WarningMessage], seconds: float
) -> Course:
    """Return the course of the training of ``--model mlp``, with the warnings that it has given."""
    out_of_time = any(issubclass(warning.category, TimeLimitWarning) for warning in caught)
    interrupted = any(str(warning.message) == INTERRUPTED for warning in caught)
    history = pipeline.history_of(fitted, settings, out_of_time=out_of_time, interrupted=interrupted)
    layers = pipeline.layers_of(fitted)
    return Course([history], 1, layers, _texts_of(caught), _endings_of(caught), seconds)


def _texts_of(caught: Sequence[warnings.WarningMessage]) -> list[str]:
    """Return the warnings of a training, but not that the epochs ran out: the report says how it ended."""
    return [
        str(warning.message)
        for warning in caught
        if issubclass(warning.category, TimeLimitWarning)
        or not issubclass(warning.category, ConvergenceWarning)
    ]


def _endings_of(caught: Sequence[warnings.WarningMessage]) -> list[str]:
    return _texts_of([warning for warning in caught if not issubclass(warning.category, DataWarning)])


def forget_threads(fitted: Any, settings: Settings) -> None:
    """Let the model predict with as many threads as there are: their number belongs to the training."""
    if settings.threads is not None:
        network = fitted if settings.model == "tabular" else pipeline.fitted_network(fitted)
        network.set_params(n_jobs=None)


@contextmanager
def _following(
    model: Any, settings: Settings, follower: Follower | None
) -> Iterator[ensemble.Trainings | None]:
    """Let each epoch of a fit in this context call the follower; count the trainings of an ensemble."""
    if settings.model == "tabular":
        trainings = ensemble.Trainings(model, follower)
        model.set_params(callback=trainings)
        try:
            yield trainings
        finally:
            model.set_params(callback=None)
    elif follower is None:
        yield None
    else:
        with pipeline.following(model, settings, follower):
            yield None
