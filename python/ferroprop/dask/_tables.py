"""Tables that are Dask's collections, and the parts that a training needs of them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np

from ferroprop._core import _set_thread_limit, _thread_limit
from ferroprop.dask._cluster import client_of, n_workers, results
from ferroprop.distributed import Part, boundaries, checked


@dataclass(frozen=True)
class Table:
    """Rows whose number is known, as Dask's arrays.

    Parameters
    ----------
    client : distributed.Client
        Whose workers compute.
    X : dask.array.Array of shape (n, n_inputs)
        Inputs.
    y : dask.array.Array of shape (n,) or (n, n_outputs)
        Targets as they came.
    sample_weight : dask.array.Array of shape (n,) or None
        Weights.
    columns : list of str or None
        The names of the features, if X has some.
    dtype : dtype
        The type that the inputs have together.
    names : tuple of str
        What errors call inputs, targets and weights.
    kept : list
        Futures that keep parts of the table on the workers.
    """

    client: Any
    X: Any
    y: Any
    sample_weight: Any
    columns: list[Any] | None
    dtype: np.dtype[Any]
    names: tuple[str, str, str]
    kept: list[Any] = field(default_factory=list)

    def release(self) -> None:
        """Let the workers forget the parts."""
        for future in self.kept:
            future.release()
        self.kept.clear()

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        n_rows: int = self.X.shape[0]
        return n_rows

    def pieces(self, array: Any) -> list[tuple[Any, int]]:
        """Return the blocks of one of the arrays that are not empty, as delayed objects, and their rows."""
        return [(block, n) for block, n in zip(_blocks(array), array.chunks[0], strict=True) if n]

    def mapped(self, function: Callable[..., Any], array: Any, name: str) -> list[Any]:
        """Return what ``function(block, name)`` makes of each block of one of the arrays."""
        import dask

        pieces = self.pieces(array)
        firsts = itertools.accumulate((n for _, n in pieces), initial=0)
        calls = [
            dask.delayed(_in_rows, pure=True)(function, block, name, first)
            for (block, _), first in zip(pieces, firsts, strict=False)
        ]
        return results(self.client, lambda: self.client.compute(calls))


def _in_rows(function: Callable[..., Any], block: Any, name: str, first: int) -> Any:
    """Call a function for a block, and say in errors where it is."""
    try:
        return function(block, name)
    except (TypeError, ValueError) as error:
        error.add_note(f"in the chunk from row {first} on")
        raise


def table(client: Any, X: Any, y: Any, sample_weight: Any = None, *, names: tuple[str, str, str]) -> Table:
    """Return collections as a table.

    Parameters
    ----------
    client : distributed.Client or None
        None takes the one that Dask has at the moment.
    X, y, sample_weight : collections
        Arrays, DataFrames or Series of Dask, with equal partitions where these do not say how many rows they
        have.
    names : tuple of str
        What errors call them.
    """
    client = client_of(client)
    given = {names[0]: X, names[1]: y} | ({} if sample_weight is None else {names[2]: sample_weight})
    arrays = {name: as_array(name, value) for name, value in given.items()}
    columns = _feature_names(names[0], X)
    unknown = {name: array for name, array in arrays.items() if np.isnan(array.shape[0])}
    if unknown:
        # what they are made of is needed for the numbers of rows and once more for the rows
        kept = client.persist(list(unknown.values()))
        arrays |= {name: _with_rows(client, array) for name, array in zip(unknown, kept, strict=True)}
    first, *others = arrays.items()
    for name, array in others:
        if array.shape[0] != first[1].shape[0]:
            raise ValueError(
                f"{name} must have {first[1].shape[0]} rows, as {first[0]} has, got {array.shape[0]}."
            )
    if first[1].ndim != 2:
        raise ValueError(f"{first[0]} must have two dimensions, got shape {first[1].shape}.")
    for name, array in arrays.items():
        if array.ndim not in (1, 2):
            raise ValueError(f"{name} must have one or two dimensions, got shape {array.shape}.")
        for place, what in enumerate(("row", "column")[: array.ndim]):
            if not array.shape[place]:
                raise ValueError(f"{name} must have at least one {what}, got none.")
    weights = arrays.get(names[2])
    rows = Table(client, first[1], arrays[names[1]], weights, columns, _dtype_of(X, first[1]), names)
    if weights is not None:
        _check_weights(rows)
    return rows


def _feature_names(name: str, X: Any) -> list[str] | None:
    """Return the names of the columns, if they are text."""
    columns = list(X.columns) if hasattr(X, "columns") else []
    texts = [isinstance(column, str) for column in columns]
    if any(texts) and not all(texts):
        raise TypeError(f"{name} must have columns named by texts alone, or by none, got {columns}.")
    return columns if columns and all(texts) else None


def _dtype_of(X: Any, array: Any) -> np.dtype[Any]:
    """Return the type that the columns have together; a frame of several types becomes objects."""
    try:
        return np.result_type(*X.dtypes) if hasattr(X, "columns") else np.dtype(array.dtype)
    except TypeError:  # pandas' own
        return np.dtype(np.float64)


def _check_weights(rows: Table) -> None:
    weights, (*_, name) = rows.sample_weight, rows.names
    if weights.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {weights.shape}.")
    if weights.dtype.kind not in "biufO":
        raise TypeError(f"{name} must hold real numbers, got dtype {weights.dtype}.")
    if not any(rows.mapped(_weigh, weights, name)):
        raise ValueError(f"{name} must have at least one positive number, got 0 in every row.")


def _weigh(weights: Any, name: str) -> bool:
    """Tell whether a weight is positive; refuse what is none."""
    numbers = _numbers(name, np.asarray(weights), np.dtype(np.float64))
    wrong = ~(numbers >= 0) | ~np.isfinite(numbers)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"{name} must hold finite numbers from 0 on, got {numbers[row]} in row {row}.")
    return bool(numbers.any())


def as_array(name: str, value: Any) -> Any:
    """Return a collection as an array, whose number of rows may be unknown."""
    import dask.array as da
    from dask.delayed import Delayed

    if isinstance(value, da.Array):
        array = value
    elif hasattr(value, "to_dask_array") and not isinstance(value, Delayed):  # which has any attribute
        array = value.to_dask_array()
    else:
        raise TypeError(
            f"{name} must be a Dask array, DataFrame or Series, got {type(value).__name__}; a table that is "
            "here is for the estimators of ferroprop, without Dask."
        )
    if array.ndim == 2 and len(array.chunks[1]) > 1:
        array = array.rechunk({1: -1})
    return array


def _with_rows(client: Any, array: Any) -> Any:
    """Return the same array with the numbers of rows in its chunks."""
    import dask
    import dask.array as da

    calls = [dask.delayed(len, pure=True)(block) for block in _blocks(array)]
    rows = tuple(results(client, lambda: client.compute(calls)))
    return da.Array(array.dask, array.name, (rows, *array.chunks[1:]), meta=array._meta)


class DaskShards:
    """The parts of a table on Dask's workers.

    Each part is the result of a task, so Dask computes it again where a worker is lost. Nothing is pinned to
    a worker.

    Parameters
    ----------
    table : Table
        The rows.
    targets : callable
        ``targets(y, weights, name)`` returns the targets of a part as the loss takes them, and its weights;
        errors call the targets by the name.
    dtype : dtype
        That of the network.
    group : int
        Rows in a group, at whose multiples parts begin.
    n_parts : int or None, default=None
        How many parts are wanted; None is one for each worker.
    """

    def __init__(
        self,
        table: Table,
        targets: Callable[[Any, Any, str], tuple[Any, Any]],
        dtype: Any,
        group: int,
        n_parts: int | None = None,
    ) -> None:
        import dask

        if n_parts is not None and (
            isinstance(n_parts, bool) or not isinstance(n_parts, Integral) or n_parts < 1
        ):
            raise ValueError(f"n_parts must be a positive integer or None, got {n_parts!r}.")
        self._client, self._names = table.client, table.names
        self.n_rows = table.n_rows
        cuts = boundaries(self.n_rows, group, n_parts or n_workers(self._client))
        arrays = table.X, table.y, table.sample_weight
        columns = [_cut(table, *one, cuts) for one in zip(arrays, table.names, strict=True)]
        calls = [
            dask.delayed(_part, pure=True)(*pieces, first, table.names, targets, np.dtype(dtype))
            for *pieces, first in zip(*columns, cuts, strict=False)
        ]
        self.n_parts = len(calls)
        self._parts = self._client.compute(calls)
        table.kept.extend(self._parts)

    def map(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Call a function for each part, where it is; return the results in order."""
        return results(
            self._client, lambda: [self._submit(part, function, arguments) for part in self._parts]
        )

    def call(self, index: int, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function for one of the parts, where it is."""
        return results(self._client, lambda: [self._submit(self._parts[index], function, arguments)])[0]

    def _submit(self, part: Any, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
        return self._client.submit(_on_worker, self._names, function, part, *arguments, pure=False)


def _on_worker(names: tuple[str, str, str], function: Callable[..., Any], part: Part, *arguments: Any) -> Any:
    """Call a function for a part, with as many threads as the worker has."""
    from distributed import get_worker

    with _OWN_THREADS(get_worker().state.nthreads):
        try:
            return function(part, *arguments)
        except (TypeError, ValueError) as error:
            if names[0] != "X":  # the core's names are those of a training
                error.add_note(f"X is {names[0]}, and Y is {names[1]}")
            raise


class _Limit:
    """The limit on the core's threads while tasks of a worker run, which may be several at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before: int | None = None

    @contextmanager
    def __call__(self, n_threads: int) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._before = _thread_limit()
                _set_thread_limit(n_threads)
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    _set_thread_limit(self._before)


_OWN_THREADS = _Limit()


def _blocks(array: Any) -> list[Any]:
    """Return the blocks of an array as delayed objects.

    They are cut and put together by tasks of ours: tasks that Dask optimizes have the same names in graphs
    for other cuts and another content, which its scheduler must not get at the same time.
    """
    return list(array.to_delayed().ravel())


def _cut(table: Table, array: Any, name: str, cuts: Sequence[int]) -> list[Any]:
    """Return, for each part, the delayed pieces of one of the arrays that it is made of."""
    import dask

    if array is None:
        return [None] * (len(cuts) - 1)
    parts: list[list[Any]] = [[] for _ in cuts[1:]]
    start = 0
    for block, n in table.pieces(array):
        for part, (first, end) in zip(parts, itertools.pairwise(cuts), strict=True):
            here = max(first - start, 0), min(end - start, n)
            if here[0] < here[1]:
                part.append(dask.delayed(_rows, pure=True)(block, *here, name, start, n))
        start += n
    return parts


def _rows(block: Any, first: int, end: int, name: str, start: int, n: int) -> Any:
    """Return rows of a block that has `n`, the first of them row `start` of the table."""
    if hasattr(block, "todense"):
        raise TypeError(f"{name} must have dense chunks, got {type(block).__name__}; use toarray().")
    if isinstance(block, np.ma.MaskedArray):
        raise TypeError(f"{name} must have chunks without a mask, got {type(block).__name__}; use filled().")
    if len(block) != n:
        raise ValueError(
            f"{name} must have {n} rows from row {start} on, as its chunks say, got {len(block)}."
        )
    return np.asarray(block)[first:end]


def _part(
    X: Sequence[Any],
    y: Sequence[Any],
    weight: Sequence[Any] | None,
    first: int,
    names: tuple[str, str, str],
    targets: Callable[[Any, Any, str], tuple[Any, Any]],
    dtype: Any,
) -> Part:
    """Put a part together, on a worker."""
    try:
        inputs, answers, weights = (
            None if pieces is None else pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
            for pieces in (X, y, weight)
        )
        Y, weights = targets(answers, weights, names[1])
        inputs, Y, weights = (
            None if values is None else _numbers(name, values, dtype)
            for name, values in zip(names, (inputs, Y, weights), strict=True)
        )
    except (TypeError, ValueError) as error:
        error.add_note(f"in the part from row {first} on")
        raise
    return checked(Part(inputs, Y, weights, first), dtype)


def _numbers(name: str, values: Any, dtype: Any) -> Any:
    """Return numbers that a network of this type takes."""
    wide = np.result_type(dtype, np.float64)
    if values.dtype.kind == "O":
        try:
            values = values.astype(wide)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must hold numbers, got an object: {error}") from None
    if values.dtype.kind not in ("biufc" if dtype.kind == "c" else "biuf"):
        kind = "numbers" if dtype.kind == "c" else "real numbers"
        raise TypeError(f"{name} must hold {kind}, got dtype {values.dtype}.")
    with np.errstate(over="ignore"):
        converted = values.astype(dtype, copy=False)
    if converted is not values and np.isinf(converted).any() and not np.isinf(values).any():
        raise ValueError(f"{name} must hold numbers that {dtype} can hold, got greater ones.")
    return converted
