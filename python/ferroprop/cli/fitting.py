"""Training the network that the options describe, with a display of its progress."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from ferroprop import Epoch, MLPClassifier, MLPRegressor
from ferroprop.cli.card import Layer
from ferroprop.cli.pipeline import fitted_network
from ferroprop.cli.problem import Problem
from ferroprop.cli.progress import Follower
from ferroprop.cli.target import TaskName
from ferroprop.cli.wording import first_line

SCORE_NAMES: dict[TaskName, str] = {"classification": "accuracy", "regression": "R²"}
"""The names of the estimators' validation scores."""


@dataclass(frozen=True)
class Settings:
    """The options of the network and its training, with the names of `MLPClassifier` and `MLPRegressor`."""

    hidden_layer_sizes: tuple[int, ...]
    activation: str
    solver: str
    alpha: float
    learning_rate_init: float | None
    batch_size: int | None
    epochs: int
    patience: int
    seed: int


@dataclass(frozen=True)
class Course:
    """The course of a fit: loss and validation score per epoch, warnings, duration."""

    losses: list[float]
    validation_scores: list[float]
    warnings: list[str]
    seconds: float


def new_network(settings: Settings, task: TaskName, validation_fraction: float) -> Any:
    """Return an unfitted estimator with these settings."""
    optional: dict[str, Any] = {}
    if settings.learning_rate_init is not None:
        optional["learning_rate_init"] = settings.learning_rate_init
    if settings.batch_size is not None:
        optional["batch_size"] = settings.batch_size
    estimator = MLPClassifier if task == "classification" else MLPRegressor
    return estimator(
        hidden_layer_sizes=settings.hidden_layer_sizes,
        activation=settings.activation,
        solver=settings.solver,
        alpha=settings.alpha,
        max_iter=settings.epochs,
        early_stopping=settings.solver != "lbfgs",  # which looks at the training rows alone
        n_iter_no_change=settings.patience,
        tol=1e-4 if settings.solver == "lbfgs" else 0.0,  # a score as good as the best is patience regained
        validation_fraction=validation_fraction,
        random_state=settings.seed,
        **optional,
    )


def fit(
    pipeline: Pipeline, X: pl.DataFrame, y: NDArray[Any], settings: Settings, follower: Follower
) -> Course:
    """Fit the pipeline, and call the follower after each epoch.

    Parameters
    ----------
    pipeline : Pipeline
        From `ferroprop.cli.pipeline.build_pipeline`.
    X : polars.DataFrame
        The training rows.
    y : ndarray
        Their targets.
    settings : Settings
        The options, for messages.
    follower : Follower
        Called after each epoch.

    Returns
    -------
    Course
        How it went.

    Raises
    ------
    Problem
        If the network diverges or the estimator refuses an option.
    """
    started = time.perf_counter()
    try:
        with warnings.catch_warnings(record=True) as caught, _following(pipeline, follower):
            warnings.simplefilter("always")
            pipeline.fit(X, y)
    except ValueError as error:
        raise Problem(f"training with --solver {settings.solver} failed: {first_line(error)}") from error
    network = fitted_network(pipeline)
    return Course(
        losses=[float(loss) for loss in network.loss_curve_ or [network.loss_]],
        validation_scores=[float(score) for score in getattr(network, "validation_scores_", None) or []],
        # That the epochs ran out is no news: the report tells how the training ended.
        warnings=[str(w.message) for w in caught if not issubclass(w.category, ConvergenceWarning)],
        seconds=time.perf_counter() - started,
    )


@contextmanager
def _following(pipeline: Pipeline, follower: Follower) -> Iterator[None]:
    """Let each epoch of a fit in this context call the follower."""

    def tell(epoch: Epoch) -> None:
        """Call the original follower: scikit-learn's clones copy an object, but not a function."""
        follower(epoch)

    network = pipeline.named_steps["network"]
    given = getattr(network, "regressor", network)
    given.set_params(callback=tell)
    try:
        yield
    finally:
        for one in (given, getattr(network, "regressor_", given)):
            one.set_params(callback=None)


def layers_of(network: Any) -> list[Layer]:
    """Return the layers of a fitted `MLPClassifier` or `MLPRegressor`."""
    last = len(network.coefs_) - 1
    return [
        Layer(
            inputs=weights.shape[0],
            outputs=weights.shape[1],
            activation=network.out_activation_ if index == last else network.activation,
            parameters=weights.size + biases.size,
        )
        for index, (weights, biases) in enumerate(zip(network.coefs_, network.intercepts_, strict=True))
    ]
