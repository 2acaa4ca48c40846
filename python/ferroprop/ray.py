"""Trainings on rows that Ray's actors have: a second engine of `ferroprop.distributed`. Needs ``ray``.

`RayShards` is to be given to `ferroprop.distributed.train`, `minimize` and `train_in_turns`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ferroprop.distributed import Part, checked


class RayShards:
    """The parts of a table in actors of Ray, which are made again, with their rows, where one is lost.

    Parameters
    ----------
    load : callable
        ``load(start, stop)`` returns X, Y and weights, or None for these, of the rows from `start` up to
        `stop`. It runs where the rows are to be, again if an actor is lost, so it reads them from files.
    boundaries : sequence of int
        The first row of each part, and the number of all rows: those of `ferroprop.distributed.boundaries`
        for full batches.
    dtype : str or dtype, default="float32"
        That of the network.
    **options
        Options of each actor, ``num_cpus`` for example.

    Examples
    --------
    >>> import numpy as np, ferroprop as fp
    >>> import ray  # doctest: +SKIP
    >>> from ferroprop.distributed import boundaries, group_rows, train
    >>> from ferroprop.ray import RayShards
    >>> def load(start, stop):
    ...     X = np.load("rows.npy", mmap_mode="r")[start:stop]
    ...     return X[:, :-1], X[:, -1:], None
    >>> net = fp.Network([10, 20, 1])
    >>> cuts = boundaries(1_000_000, group_rows(net, 1_000_000), 4)
    >>> train(net, RayShards(load, cuts), epochs=100)  # doctest: +SKIP
    """

    def __init__(
        self,
        load: Callable[[int, int], tuple[Any, Any, Any]],
        boundaries: Sequence[int],
        *,
        dtype: Any = "float32",
        **options: Any,
    ) -> None:
        import ray

        cuts = list(boundaries)
        pairs = list(itertools.pairwise(cuts))
        if not pairs or any(stop <= start for start, stop in pairs):
            raise ValueError(f"boundaries must be two or more ascending row numbers, got {cuts}.")
        self.n_rows, self.n_parts = cuts[-1], len(cuts) - 1
        again = {"max_restarts": -1, "max_task_retries": -1}
        actor = ray.remote(_Holder).options(**{**again, **options})
        self._actors = [actor.remote(load, start, stop, dtype) for start, stop in pairs]
        self._ray = ray

    def map(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Call a function for each part, where it is; return the results in order."""
        shared = self._ray.put(arguments)
        results: list[Any] = self._ray.get([actor.call.remote(function, shared) for actor in self._actors])
        return results

    def call(self, index: int, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function for one of the parts, where it is."""
        return self._ray.get(self._actors[index].call.remote(function, arguments))


class _Holder:
    """A part of the rows, in an actor."""

    def __init__(self, load: Callable[[int, int], Any], start: int, stop: int, dtype: Any) -> None:
        X, Y, sample_weight = load(start, stop)
        self._part = checked(Part(X, Y, sample_weight, start), dtype)

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        return function(self._part, *arguments)
