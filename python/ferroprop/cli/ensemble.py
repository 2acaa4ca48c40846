"""The default model: the estimators for tables as they come."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from ferroprop.cli.card import History, Layer
from ferroprop.cli.categories import MISSING_CATEGORY, KnownCategories
from ferroprop.cli.columns import MICROSECONDS_A_DAY
from ferroprop.cli.layers import layers_of_network
from ferroprop.cli.progress import Follower
from ferroprop.cli.reading.column import Column
from ferroprop.cli.report import number
from ferroprop.cli.settings import Settings
from ferroprop.cli.target import TaskName
from ferroprop.tabular import MemberEpoch, TabularMLPClassifier, TabularMLPRegressor
from ferroprop.tabular._recipe import tried_for
from ferroprop.tabular._trials import most_networks


def new_ensemble(settings: Settings, task: TaskName, columns: Sequence[Column]) -> Any:
    """Return an unfitted estimator with these settings."""
    given: dict[str, Any] = {
        "hidden_layer_sizes": settings.hidden,
        "learning_rate_init": settings.learning_rate,
        "batch_size": settings.batch_size,
        "max_iter": settings.epochs,
        "class_weight": settings.class_weight,
    }
    estimator: Any = TabularMLPClassifier if task == "classification" else TabularMLPRegressor
    return estimator(
        n_members=settings.members,
        categorical_features=[column.name for column in columns if column.kind in ("category", "boolean")],
        max_time=settings.max_time,
        n_jobs=settings.threads,
        random_state=settings.seed,
        **{name: value for name, value in given.items() if value is not None},
    )


def with_dates(X: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Return features with dates as dates, where `ferroprop.cli.columns.features` has days since 1970."""
    dates = [column.name for column in columns if column.kind == "date"]
    microseconds = (pl.col(dates) * MICROSECONDS_A_DAY).round().cast(pl.Int64)
    return X.with_columns(microseconds.cast(pl.Datetime("us"))) if dates else X


class Trainings:
    """A callback that counts the networks that an ensemble trains, and their epochs, and tells a follower.

    Parameters
    ----------
    ensemble : estimator
        From `new_ensemble`.
    follower : Follower or None
        Called after each epoch of a network.
    """

    def __init__(self, ensemble: Any, follower: Follower | None) -> None:
        tried = tried_for(is_classifier=isinstance(ensemble, TabularMLPClassifier))
        n_members = ensemble.n_members
        weighs = tried.weighs and n_members > 1
        self._most = most_networks(len(tried.encodings), n_members, tried, weighs=weighs)
        self._follower = follower
        self._epochs: dict[tuple[int, str, bool], int] = {}

    @property
    def n_networks(self) -> int:
        """The number of networks so far, also of those that the ensemble does not keep."""
        return len(self._epochs)

    def __call__(self, epoch: MemberEpoch) -> None:
        """Take note of an epoch."""
        self._epochs[epoch.member, epoch.numeric_encoding, epoch.weighted_columns] = epoch.epoch
        if self._follower is None:
            return
        loss = epoch.validation_loss
        numbers = f"loss {number(epoch.loss)}" if loss is None else f"validation loss {number(loss)}"
        self._follower(
            sum(self._epochs.values()), self._most * epoch.epochs, numbers, self.n_networks, self._most
        )


def histories_of(ensemble: Any) -> list[History]:
    """Return the course of the training of each member."""
    return [
        History(
            solver="adamw",
            losses=member["loss"],
            validation_scores=member["validation_loss"],
            score_name="loss",
            best_epoch=member["best_epoch"],
            stopped_early=member["stop_reason"] != "epochs",
            out_of_time=member["stop_reason"] == "time",
        )
        for member in ensemble.history_
    ]


def layers_of_members(ensemble: Any) -> list[Layer]:
    """Return the layers that each member has."""
    return layers_of_network(ensemble.members_[0])


def categories_of_ensemble(ensemble: Any) -> dict[str, KnownCategories]:
    """Return the categories that each categorical column had in training."""
    return {
        column.name: KnownCategories(
            {*column.levels, *([MISSING_CATEGORY] if column.has_missing else [])},
            are_all=column.n_infrequent == 0,
        )
        for column in ensemble.encoder_.columns_
        if column.kind == "category"
    }
