"""Parts of a table in many places, and trainings on full batches of them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ferroprop._core import History, Network, Partial, RemoteRows
from ferroprop._core import train as train_here
from ferroprop._minimize import Minimum
from ferroprop._minimize import minimize as minimize_here
from ferroprop.distributed._sums import partial_sums


class Part(NamedTuple):
    """Rows of a table that follow each other.

    Attributes
    ----------
    X : ndarray of shape (n, n_inputs)
        Inputs.
    Y : ndarray of shape (n, n_outputs)
        Targets, as the loss takes them.
    sample_weight : ndarray of shape (n,) or None
        Weights.
    first_row : int
        How many rows of the table come before.
    """

    X: Any
    Y: Any
    sample_weight: Any
    first_row: int


class Shards(Protocol):
    """A table in parts, each wherever an engine has put it.

    Attributes
    ----------
    n_rows : int
        The number of all rows.
    n_parts : int
        The number of parts.
    """

    n_rows: int
    n_parts: int

    def map(self, function: Callable[..., Any], *arguments: Any) -> Sequence[Any]:
        """Call ``function(part, *arguments)`` for each `Part`, where it is; return the results in order.

        The function is pure, so it may be called again if a result is lost.
        """

    def call(self, index: int, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what ``function(part, *arguments)`` returns for one of the parts."""


def boundaries(n_rows: int, group: int, parts: int) -> list[int]:
    """Cut a table into parts of whole groups, as equal as that allows.

    Parameters
    ----------
    n_rows : int
        The number of rows.
    group : int
        Rows in a group, see `group_rows`.
    parts : int
        How many parts are wanted; fewer if there are fewer groups.

    Returns
    -------
    list of int
        The first row of each part, and `n_rows`.

    Examples
    --------
    >>> from ferroprop.distributed import boundaries
    >>> boundaries(100_000, 16384, 3)
    [0, 32768, 65536, 100000]
    """
    groups = -(-n_rows // group)
    parts = max(1, min(parts, groups))
    return [group * (groups * index // parts) for index in range(parts)] + [n_rows]


def rows_of(shards: Shards, loss: Any = None, *, digest: bool = False) -> RemoteRows:
    """Return the rows of shards as `ferroprop.train` and `ferroprop.minimize` take them in place of X.

    Parameters
    ----------
    shards : Shards
        Parts of whole groups, in order.
    loss : str, Loss, callable or None, default=None
        As for the training.
    digest : bool, default=False
        Whether a checkpoint has to recognise the rows, which takes a pass over them.
    """

    def sums(network: Network, gradient: bool) -> Partial:
        parts = shards.map(sum_part, network, shards.n_rows, loss, gradient)
        total: Partial = functools.reduce(operator.add, parts)
        return total

    text = f"{sum(shards.map(digest_part)) % 2**64:016x}" if digest else ""
    return RemoteRows(shards.n_rows, sums, text)


def sum_part(part: Part, network: Network, n_rows: int, loss: Any, gradient: bool) -> Partial:
    """Sum over a part, where it is."""
    X, Y, sample_weight, first_row = part
    with placed(first_row):
        return partial_sums(
            network,
            X,
            Y,
            n_rows=n_rows,
            first_row=first_row,
            loss=loss,
            sample_weight=sample_weight,
            gradient=gradient,
        )


@contextmanager
def placed(first_row: int) -> Iterator[None]:
    """Say in errors which part they are about."""
    try:
        yield
    except ValueError as error:
        error.add_note(f"in the part from row {first_row} on")
        raise


def digest_part(part: Part) -> int:
    """Return a number that tells the rows of a part from others, however the table is cut.

    It is a sum over rows, modulo 2**64, of what a mixing function makes of a row's bits and its place.
    """
    X, Y, sample_weight, first_row = part
    columns = [X, Y] if sample_weight is None else [X, Y, sample_weight.reshape(-1, 1)]
    total = 0
    for start in range(0, len(X), 8192):  # few rows at a time: the mixing needs memory
        rows = [_words(array[start : start + 8192]) for array in columns]
        words = np.concatenate(rows, axis=1)
        places = np.arange(words.shape[1], dtype=np.uint64)
        mixed = _mixed(words + _mixed(places + np.uint64(1)))
        numbers = np.arange(first_row + start, first_row + start + len(words), dtype=np.uint64)
        total += int(_mixed(mixed.sum(axis=1, dtype=np.uint64) + _mixed(numbers)).sum(dtype=np.uint64))
    return total


def _words(array: NDArray[Any]) -> NDArray[np.uint64]:
    plain = np.ascontiguousarray(array)
    plain = plain.view(plain.real.dtype)  # of complex numbers both parts
    bits = plain.view(f"u{plain.dtype.itemsize}")
    return bits.astype(np.uint64)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix the bits: the end of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def train(
    network: Network,
    shards: Shards,
    *,
    loss: Any = None,
    validation: Shards | tuple[Any, ...] | None = None,
    checkpoint: Any = None,
    **keywords: Any,
) -> History:
    """Train a network on full batches of the rows of shards, to the bits of a training in one place.

    Parameters
    ----------
    network : Network
        Changed in place.
    shards : Shards
        Parts of whole groups, in order.
    loss : str, Loss, callable or None, default=None
        As for `ferroprop.train`. A function has to be one that the engine can send.
    validation : Shards, tuple or None, default=None
        Validation rows: in the same engine, or here as for `ferroprop.train`.
    checkpoint : path or None, default=None
        As for `ferroprop.train`; the file is written here.
    **keywords
        What `ferroprop.train` takes, without ``batch_size``, ``dropout``, ``sample_weight``.

    Returns
    -------
    History
        As from `ferroprop.train`.
    """
    digest = checkpoint is not None
    there: Any = rows_of(shards, loss, digest=digest), None
    return train_here(
        network,
        *there,
        loss=loss,
        validation=_validation(validation, loss, digest),
        checkpoint=checkpoint,
        **keywords,
    )


def _validation(validation: Any, loss: Any, digest: bool) -> Any:
    if validation is None or isinstance(validation, tuple):
        return validation
    return rows_of(validation, loss, digest=digest), None


def minimize(network: Network, shards: Shards, *, loss: Any = None, **keywords: Any) -> Minimum:
    """Minimise the loss by L-BFGS over the rows of shards, to the bits of a search in one place.

    Parameters
    ----------
    network : Network
        Changed in place.
    shards : Shards
        Parts of whole groups, in order.
    loss : str, Loss, callable or None, default=None
        As for `ferroprop.minimize`.
    **keywords
        What `ferroprop.minimize` takes, without ``sample_weight``.

    Returns
    -------
    Minimum
        As from `ferroprop.minimize`.
    """
    there: Any = rows_of(shards, loss), None
    return minimize_here(network, *there, loss=loss, **keywords)


def checked(part: Part, dtype: Any) -> Part:
    """Return a part in C order, in the network's dtype."""
    X, Y, sample_weight, first_row = part
    weight = None if sample_weight is None else np.ascontiguousarray(sample_weight, dtype)
    return Part(np.ascontiguousarray(X, dtype), np.ascontiguousarray(Y, dtype), weight, first_row)
