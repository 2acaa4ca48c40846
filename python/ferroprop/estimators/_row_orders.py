"""The orders of the rows that scikit-learn would train in, drawn from NumPy's generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroprop._core import RowOrders

_ON_LOAN: dict[int, object] = {}
"""Generators of the caller's from which the core draws at the moment."""


@contextmanager
def row_orders(
    rng: np.random.RandomState, n_rows: int, *, is_own: bool, calls_back: bool
) -> Iterator[Callable[[int], NDArray[np.intp]]]:
    """Lend a generator to a training, as a function that returns the order of an epoch.

    Each epoch shuffles the order of the epoch before; those that were not asked for are drawn on the way.
    The core draws them without Python where nothing else can draw from the generator meanwhile; at the end
    the generator is in the state in which NumPy's own shuffles would have left it.

    Parameters
    ----------
    rng : numpy.random.RandomState
        The generator.
    n_rows : int
        Rows to train on.
    is_own : bool
        Whether only this fit has the generator, so that nobody asks for its state afterwards.
    calls_back : bool
        Whether functions of the caller's run in the training. They may draw from the generator too.
    """
    state: dict[str, Any] = rng.get_state(legacy=False)
    is_mersenne_twister = type(rng) is np.random.RandomState and state["bit_generator"] == "MT19937"
    if not is_mersenne_twister or (calls_back and not is_own):
        yield _drawn_by_numpy(rng, n_rows)
        return
    orders = RowOrders(n_rows, **state["state"])
    if is_own:
        yield orders
        return
    if _ON_LOAN.setdefault(id(rng), orders) is not orders:  # another thread fits with the same generator
        yield _drawn_by_numpy(rng, n_rows)
        return
    try:
        yield orders
    finally:
        _give_back(rng, state, orders, n_rows)
        del _ON_LOAN[id(rng)]


def _give_back(rng: np.random.RandomState, lent: dict[str, Any], orders: RowOrders, n_rows: int) -> None:
    now: dict[str, Any] = rng.get_state(legacy=False)
    if now["state"]["pos"] == lent["state"]["pos"] and np.array_equal(
        now["state"]["key"], lent["state"]["key"]
    ):
        key, pos = orders.state
        rng.set_state({**now, "state": {"key": key, "pos": pos}})
    else:  # somebody else has drawn: what they got must not come again
        _drawn_by_numpy(rng, n_rows)(orders.drawn)


def _drawn_by_numpy(rng: np.random.RandomState, n_rows: int) -> Callable[[int], NDArray[np.intp]]:
    order = np.arange(n_rows)
    drawn = 0

    def order_of(epoch: int) -> NDArray[np.intp]:
        nonlocal order, drawn
        while drawn < epoch:
            permutation = np.arange(n_rows)
            rng.shuffle(permutation)
            order = order[permutation]
            drawn += 1
        return order

    return order_of
