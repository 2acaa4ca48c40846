"""`train`: networks on Dask's collections."""

from __future__ import annotations

from typing import Any

import numpy as np

from ferroprop._core import History, Network, Optimizer
from ferroprop.catalogue import OPTIMIZERS
from ferroprop.dask._cluster import client_of, maybe_later
from ferroprop.dask._tables import DaskShards, table
from ferroprop.distributed import group_rows, rows_of, train_in_turns
from ferroprop.distributed import train as train_on_shards


def train(
    client: Any,
    network: Network,
    X: Any,
    Y: Any,
    *,
    sample_weight: Any = None,
    validation: tuple[Any, ...] | None = None,
    batch_size: int | None = None,
    optimizer: Optimizer | str = "rprop",
    loss: Any = None,
    n_parts: int | None = None,
    **keywords: Any,
) -> History:
    """Train a network on collections of Dask, as `ferroprop.train` does on arrays.

    On full batches the network gets the bits of `ferroprop.train` on the same rows, for any partitions and
    workers; with a `batch_size` network and optimizer go from part to part.

    Parameters
    ----------
    client : dask.distributed.Client or None
        Whose workers compute; None takes the client that Dask has at the moment.
    network : Network
        Changed in place.
    X : Dask array or DataFrame of shape (n, n_inputs)
        Inputs.
    Y : Dask array, Series or DataFrame of shape (n,) or (n, n_outputs)
        Targets, as the loss takes them.
    sample_weight : Dask array or Series of shape (n,) or None, default=None
        Weights.
    validation : tuple of collections or None, default=None
        X, Y and perhaps weights of validation rows.
    batch_size : int or None, default=None
        None trains on all rows at a time.
    optimizer : Optimizer or str, default="rprop"
        The rule.
    loss : str, Loss, callable or None, default=None
        As for `ferroprop.train`.
    n_parts : int or None, default=None
        In how many parts the rows are put on the workers; None is one for each worker.
    **keywords
        What else `ferroprop.train` takes: epochs, alpha, patience, callback and others; on full batches
        checkpoint, too.

    Returns
    -------
    History
        An awaitable of it with an asynchronous client.

    Examples
    --------
    >>> import dask.array as da, ferroprop as fp
    >>> from distributed import Client
    >>> from ferroprop.dask import train
    >>> client = Client(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0")
    >>> X = da.linspace(-1, 1, 1000, chunks=300).reshape(-1, 1)
    >>> history = train(client, fp.Network([1, 8, 1], activation="tanh", seed=1), X, X**2, epochs=100)
    >>> history.loss[-1] < 0.01
    True
    >>> client.close()
    """
    client = client_of(client)

    def work() -> History:
        rule = optimizer
        if isinstance(optimizer, str):
            if optimizer not in OPTIMIZERS:
                raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {optimizer!r}")
            rule = OPTIMIZERS[optimizer].cls()
        if not isinstance(network, Network):
            raise TypeError(f"network must be a Network, got {type(network).__name__}")
        if validation is not None and (not isinstance(validation, tuple) or len(validation) not in (2, 3)):
            raise TypeError(
                f"validation must be a tuple of X, Y and perhaps weights, or None, got {validation!r}"
            )
        rows = table(client, X, Y, sample_weight, names=("X", "Y", "sample_weight"))
        group = 1 if batch_size is not None else group_rows(network, rows.n_rows)
        shards = DaskShards(rows, _as_matrix, network.dtype, group, n_parts)
        held_out = None
        if validation is not None:
            names = ("validation X", "validation Y", "validation sample_weight")
            others = table(client, *validation, names=names)
            own = group_rows(network, others.n_rows)
            held_out = DaskShards(others, _as_matrix, network.dtype, own, n_parts)
        if batch_size is None:
            return train_on_shards(
                network, shards, loss=loss, validation=held_out, optimizer=rule, **keywords
            )
        watched = None if held_out is None else rows_of(held_out, loss)
        more = {"batch_size": batch_size, "optimizer": rule, "loss": loss}
        return train_in_turns(network, shards, validation=watched, **more, **keywords)

    history: History = maybe_later(client, work)
    return history


def _as_matrix(y: Any, weight: Any, name: str) -> tuple[Any, Any]:
    return np.reshape(y, (len(y), -1)), weight
