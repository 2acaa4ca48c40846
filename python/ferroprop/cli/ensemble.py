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


def following(follower: Follower, n_members: int) -> Any:
    """Return a callback that counts the epochs of all members together, and calls the follower."""
    done: dict[tuple[int, str, bool], int] = {}

    def tell(epoch: MemberEpoch) -> None:
        done[epoch.member, epoch.numeric_encoding, epoch.weighted_columns] = epoch.epoch
        # Up to three ways to make inputs are tried on the first member, and not all of them on the others.
        most = max(n_members + 1 + (n_members > 1), len(done)) * epoch.epochs
        loss = epoch.validation_loss
        validation = "" if loss is None else f"  validation loss {number(loss)}"
        follower(sum(done.values()), most, f"loss {number(epoch.loss)}{validation}")

    return tell


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
