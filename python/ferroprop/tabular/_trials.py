"""The trainings of a fit: the first member tries each way to make inputs, others what is worth it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ferroprop._core import Network
from ferroprop.estimators._typing import Array
from ferroprop.tabular._calibration import with_temperature
from ferroprop.tabular._candidates import Candidate, mean_losses, near_the_best
from ferroprop.tabular._column_weights import (
    importances,
    n_rows_for,
    of_inputs,
    weights_from,
    without_weights,
)
from ferroprop.tabular._course import Course, Job
from ferroprop.tabular._member import MemberEpoch, Rows, Trained, Watch, train_member
from ferroprop.tabular._recipe import FOLDS, Recipe, Tried
from ferroprop.tabular.encoder import TabularEncoder

Key = tuple[int, Candidate]
"""The number of the member that a network belongs to, and how its inputs are made."""


class Task(NamedTuple):
    """The targets, output activation and loss of the networks, and how a member is judged."""

    Y: Array
    """The targets of the networks, float64, one column per output."""
    output: str
    """Activation of the output layer."""
    loss: str
    """The loss, as the core names it."""
    watch: Callable[[Rows], Watch]
    """Makes, from validation rows, a function that returns a network's loss on them and its temperature."""


class Table(NamedTuple):
    """The inputs that an encoder makes of the rows of a fit."""

    encoder: TabularEncoder
    rows: Rows
    watched: Rows | None
    """The rows of `X_val`, if there are some."""

    @property
    def has_inputs(self) -> Array:
        """Whether each column has inputs: a constant one has none."""
        return np.array([len(column.feature_names()) > 0 for column in self.encoder.columns_])


@dataclass(frozen=True)
class Outcome:
    """The networks of an ensemble, and what was tried."""

    trained: dict[Key, Trained | None]
    """Each training; None if the time limit cancelled it."""
    losses: dict[Candidate, float]
    """The mean loss of each way to make inputs, on the rows that members left out."""
    used: list[Candidate]
    """Those of the ensemble's networks."""
    weights: dict[int, Array]
    """The weights of the columns by member, if the ensemble has networks with some."""

    @property
    def asked(self) -> dict[Key, Trained | None]:
        """The trainings of the ensemble's networks."""
        return {key: trained for key, trained in self.trained.items() if key[1] in self.used}

    @property
    def members(self) -> dict[Key, Trained]:
        """The ensemble's networks."""
        return {key: trained for key, trained in self.asked.items() if trained is not None}


@dataclass(frozen=True)
class Trials:
    """What all trainings of a fit have in common.

    Parameters
    ----------
    tables : list of Table
        One for each encoding of numbers.
    folds : ndarray
        The fold of each row. A member leaves out the fold of its number, unless there are rows to watch.
    n_folds, n_members : int
        Their numbers.
    task : Task
        What is learned.
    recipe, scouting : Recipe
        The settings of members, and of the short trainings that tell how much columns matter.
    tried : Tried
        Which ways to make inputs are kept.
    weighs : bool
        Whether weights of columns are tried.
    seeds : list of int
        One for each member.
    course : Course
        Runs the trainings.
    """

    tables: list[Table]
    folds: Array
    n_folds: int
    n_members: int
    task: Task
    recipe: Recipe
    scouting: Recipe
    tried: Tried
    weighs: bool
    seeds: list[int]
    course: Course

    def run(self) -> Outcome:
        """Train all networks, and choose those of the ensemble."""
        encoded = [
            Candidate(place, table.encoder.numeric_encoding) for place, table in enumerate(self.tables)
        ]
        trained = self._train([(0, candidate) for candidate in encoded], None)
        best = near_the_best(_losses_of_first(trained), 1.0)[0]
        first = trained[0, best]
        ended = first is None or first.stop_reason == "callback"
        measured = self._measured(self.tables[best.place]) if self.weighs and not ended else None
        if measured is not None:
            trained |= self._train([(0, replace(best, weighted=True))], measured)
        firsts = _losses_of_first(trained)
        hopeful = near_the_best(firsts, self.tried.hopeful)
        most = most_networks(len(encoded), self.n_members, self.tried, weighs=self.weighs)
        rest = [(member, candidate) for member in range(1, self.n_members) for candidate in hopeful]
        self.course.expect_fewer(most - len(trained) - len(rest))
        if rest:
            trained |= self._train(rest, measured)
        trained = dict(sorted(trained.items()))
        of_hopeful = {
            key: of_key.best_loss
            for key, of_key in trained.items()
            if of_key is not None and key[1] in hopeful
        }
        losses = firsts | mean_losses(of_hopeful)
        used = near_the_best({candidate: losses[candidate] for candidate in hopeful}, self.tried.alike)
        weights = {
            member: self._weights_of(member, measured, self.tables[best.place])
            for member, candidate in trained
            if measured is not None and candidate.weighted and candidate in used
        }
        return Outcome(trained, losses, used, weights)

    def _train(self, keys: Sequence[Key], measured: Array | None) -> dict[Key, Trained | None]:
        jobs = [partial(self._member, *key, measured if key[1].weighted else None) for key in keys]
        return dict(zip(keys, self.course.run(jobs), strict=True))

    def _member(self, member: int, candidate: Candidate, measured: Array | None, handle: Job) -> Trained:
        """Train a network, from a job's thread."""
        table = self.tables[candidate.place]
        rows, left_out = self._parts(table, None if table.watched is not None else member)
        factors = None
        if measured is not None:
            factors = of_inputs(self._weights_of(member, measured, table), table.encoder.columns_)
            rows = rows.times(factors)
            left_out = None if left_out is None else left_out.times(factors)

        def as_it_is(network: Network) -> Network:
            return network if factors is None else without_weights(network, factors)

        def tell(trained: Trained, seconds: float) -> bool:
            def told() -> MemberEpoch:
                return _told(member, candidate, trained, as_it_is(trained.network), seconds)

            return self.course.ask(told, handle)

        trained = self._trained(rows, left_out, self.recipe, self.seeds[member], handle, tell)
        return replace(trained, network=as_it_is(trained.network))

    def _trained(
        self,
        rows: Rows,
        left_out: Rows | None,
        recipe: Recipe,
        seed: int,
        handle: Job,
        tell: Callable[[Trained, float], bool],
    ) -> Trained:
        """Train a network for the task; rows that were left out decide on its best epoch."""
        return train_member(
            rows,
            None if left_out is None else self.task.watch(left_out.sparse()),
            recipe,
            output=self.task.output,
            loss=self.task.loss,
            seed=seed,
            n_threads=handle.n_threads,
            seconds=handle.seconds,
            tell=tell,
        )

    def _parts(self, table: Table, fold: int | None) -> tuple[Rows, Rows | None]:
        """Return the rows to train on, and those that decide on the best epoch."""
        if fold is None or self.n_folds < 2:
            return table.rows, table.watched
        return table.rows.take(np.flatnonzero(self.folds != fold)), table.rows.take(
            np.flatnonzero(self.folds == fold)
        )

    def _weights_of(self, member: int, measured: Array, table: Table) -> Array:
        """Return the weights of the columns for a member, from what others than its held-out rows say."""
        own = None if table.watched is not None else member
        others = [row for place, row in enumerate(measured) if place != own]
        return weights_from(np.mean(others, axis=0), table.has_inputs)

    def _measured(self, table: Table) -> Array | None:
        """Return how much each column matters, by the rows of each fold.

        None if the time is up, or if all columns matter as much.
        """
        jobs = [partial(self._scout, table, fold) for fold in range(min(FOLDS, self.n_folds))]
        rises = [rise for rise in self.course.run(jobs, are_further=True) if rise is not None]
        if len(rises) < len(jobs):
            return None
        measured = np.array(rises)
        return measured if (weights_from(measured.mean(axis=0), table.has_inputs) < 1.0).any() else None

    def _scout(self, table: Table, fold: int, handle: Job) -> Array | None:
        """Train a network for a short time, and measure by the rows that it has not seen."""
        began = time.monotonic()

        def is_over(*_: Any) -> bool:
            is_late = handle.seconds is not None and time.monotonic() - began > handle.seconds
            return is_late or handle.is_over()

        rows, held_out = self._parts(table, fold)
        assert held_out is not None
        seed = (self.seeds[0] + fold) % 2**31
        trained = self._trained(rows, held_out, self.scouting, seed, handle, is_over)
        if is_over() or not trained.best_epoch:
            return None
        network = with_temperature(trained.network, trained.temperature)
        columns = table.encoder.columns_
        most = n_rows_for(len(columns), held_out.X.shape[1])
        seen = held_out.take(np.arange(min(len(held_out.X), most)))

        def loss(X: Array) -> float:
            return network.loss_and_gradients(
                X, seen.Y, loss=self.task.loss, sample_weight=seen.weight, n_threads=handle.n_threads
            )[0]

        return importances(loss, seen.X, columns, np.random.RandomState(fold), is_over)


def most_networks(n_tables: int, n_members: int, tried: Tried, *, weighs: bool) -> int:
    """Return how many networks are trained at most, without the short trainings."""
    of_first = n_tables + weighs
    return of_first + (n_members - 1) * (of_first if tried.hopeful > 1.0 else 1)


def _losses_of_first(trained: dict[Key, Trained | None]) -> dict[Candidate, float]:
    return {
        candidate: first.best_loss
        for (member, candidate), first in trained.items()
        if member == 0 and first is not None
    }


def _told(
    member: int, candidate: Candidate, trained: Trained, network: Network, seconds: float
) -> MemberEpoch:
    return MemberEpoch(
        member=member,
        numeric_encoding=candidate.numeric_encoding,
        epoch=len(trained.loss),
        epochs=trained.epochs,
        loss=trained.loss[-1],
        validation_loss=trained.validation_loss[-1] if trained.validation_loss else None,
        learning_rate=trained.learning_rate[-1],
        seconds=seconds,
        network=network,
        weighted_columns=candidate.weighted,
    )
