"""Sums over a part of the rows of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ferroprop._core import Loss, Network, Partial, RemoteRows, _group_rows, _partial_sums

__all__ = ["Partial", "RemoteRows", "group_rows", "partial_sums"]


def group_rows(network: Network, n_rows: int) -> int:
    """Return the number of rows in a group, in a training of this network on so many rows at a time.

    Sums over rows are added group by group, so parts of a table begin at multiples of it. It depends on the
    number of parameters and of rows: some 16,000 to 65,000.

    Parameters
    ----------
    network : Network
        The network.
    n_rows : int
        The number of all rows.

    Examples
    --------
    >>> import ferroprop as fp
    >>> from ferroprop.distributed import group_rows
    >>> group_rows(fp.Network([50, 64, 1]), 1_000_000)
    16384
    """
    return _group_rows(network, n_rows)


def partial_sums(
    network: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    n_rows: int | None = None,
    first_row: int = 0,
    loss: str | Loss | Callable[[NDArray[Any], NDArray[Any]], tuple[Any, Any]] | None = None,
    sample_weight: ArrayLike | None = None,
    gradient: bool = True,
    n_threads: int | None = None,
) -> Partial:
    """Sum losses, weights and gradients over a part of the rows of a table.

    Parts that follow each other are added with ``+``, in any grouping, and the sum over all of them has the
    bits that it has in one place.

    Parameters
    ----------
    network : Network
        Not changed.
    X : array-like of shape (n, n_inputs)
        The rows of this part: whole groups (`group_rows`), unless it is the last part.
    Y : array-like of shape (n, n_outputs)
        Their targets.
    n_rows : int or None, default=None
        The number of rows in all parts together; None says that this is the only one.
    first_row : int, default=0
        How many of them come before this part.
    loss : str, Loss, callable or None, default=None
        As for `Network.loss_and_gradients`.
    sample_weight : array-like of shape (n,) or None, default=None
        Weight of each row; they may all be 0 in a part.
    gradient : bool, default=True
        Whether gradients are wanted, not just losses.
    n_threads : int or None, default=None
        Threads to use; None chooses. The result does not depend on it.

    Returns
    -------
    Partial
        The sums; it pickles.

    Raises
    ------
    ValueError
        If the part does not begin and end with a whole group, or the data do not fit the network.

    Examples
    --------
    >>> import ferroprop as fp, numpy as np
    >>> from ferroprop.distributed import group_rows, partial_sums
    >>> X = np.linspace(-1, 1, 40_000).reshape(-1, 1)
    >>> net = fp.Network([1, 1], dtype="float64")
    >>> cut = group_rows(net, len(X))
    >>> first = partial_sums(net, X[:cut], X[:cut], n_rows=len(X))
    >>> last = partial_sums(net, X[cut:], X[cut:], n_rows=len(X), first_row=cut)
    >>> first + last == partial_sums(net, X, X)
    True
    """
    if n_rows is None:
        n_rows = first_row + np.shape(X)[0]
    return _partial_sums(
        network,
        X,
        Y,
        n_rows=n_rows,
        first_row=first_row,
        loss=loss,
        sample_weight=sample_weight,
        gradient=gradient,
        n_threads=n_threads,
    )
