"""The distinct rows of a table, in an order that depends on their contents alone.

A fit must not depend on the order of the rows, and a row of weight 2 must be the same as two rows. So rows
are sorted by their contents, and identical ones, target included, are merged into one of their total weight.
This also prevents copies of a row from being both trained on and validated on. Copies are kept only if most
rows of a table are copies, as in tables of few categories, where new rows will be copies as well.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

from ferroprop.estimators._typing import Array
from ferroprop.tabular._column import Column

_COPIES = 4
"""All rows are kept if there are on average at least this many copies per distinct row."""


class Distinct(NamedTuple):
    """The rows of a table that are trained on.

    Attributes
    ----------
    rows : ndarray of shape (n_kept,)
        The places of the kept rows in the table.
    weight : ndarray of shape (n_kept,)
        The total weight of each kept row and its copies.
    place : ndarray of shape (n_rows,)
        For each row of the table its place among the kept rows; -1 for a row of weight 0.
    """

    rows: Array
    weight: Array
    place: Array


def distinct_rows(columns: list[Column], Y: Array, weight: Array | None) -> Distinct:
    """Sort the rows of a table by their contents and merge identical ones.

    Parameters
    ----------
    columns : list of Column
        The table.
    Y : ndarray of shape (n_rows, n_outputs)
        Targets, numbers.
    weight : ndarray of shape (n_rows,) or None
        Weights of the rows; rows of weight 0 are left out.
    """
    n_rows = len(Y)
    of_rows = np.ones(n_rows) if weight is None else weight
    weighty = np.flatnonzero(of_rows > 0)
    contents = [_bits(column)[weighty] for column in columns]
    its_targets = [Y[weighty, output] for output in range(Y.shape[1])]
    order = np.lexsort([*its_targets, _digest(contents)])  # the last key comes first
    is_new = np.zeros(len(order), dtype=bool)
    is_new[:1] = True
    for part in (*contents, *its_targets):
        in_order = part[order]
        is_new[1:] |= in_order[1:] != in_order[:-1]
    if len(order) >= _COPIES * is_new.sum():
        is_new[:] = True
    group = np.cumsum(is_new) - 1
    rows = weighty[order]
    place = np.full(n_rows, -1, dtype=np.intp)
    place[rows] = group
    return Distinct(rows[is_new], np.bincount(group, of_rows[rows]), place)


def digests_of(columns: list[Column]) -> Array:
    """Return a digest of 64 bits per row; identical rows of different tables have the same digest."""
    return _digest([_bits(column) for column in columns])


def _bits(column: Column) -> Array:
    if column.values.dtype == object:
        codes, levels = column.categories
        hashes = [hashlib.blake2b(level.encode("utf-8", "surrogatepass"), digest_size=8) for level in levels]
        of_levels = [int.from_bytes(hashed.digest(), "little") for hashed in hashes]
        return np.array([*of_levels, 0], dtype=np.uint64)[codes]
    if column.values.dtype.kind == "M":
        return np.ascontiguousarray(column.values).view(np.uint64)
    bits = _bits_of_floats(column.values)
    return bits if column.exact is None else bits ^ _rest(column.exact, column.values)


def _rest(exact: Array, near: Array) -> Array:
    """Return what float64 does not hold of numbers, modulo 2**64: 0 of those that it holds."""
    if exact.dtype == object:
        rest = [
            0 if value is None else (int(value) - int(of_float)) % 2**64
            for value, of_float in zip(exact, near.tolist(), strict=True)
        ]
        return np.array(rest, dtype=np.uint64)
    below = np.where(near < 0.0, near, 0.0).astype(np.int64).view(np.uint64)
    above = np.where((near >= 0.0) & (near < 2.0**64), near, 0.0).astype(np.uint64)
    difference: Array = exact.view(np.uint64) - below - above
    return difference


def _bits_of_floats(values: Array) -> Array:
    canonical = values.astype(np.float64) + 0.0  # -0.0 is 0.0
    canonical[np.isnan(canonical)] = np.nan
    bits: Array = canonical.view(np.uint64)
    return bits


def _digest(contents: list[Array]) -> Array:
    """Return a digest of 64 bits per row; rows with the same contents have the same digest."""
    digest = np.full(len(contents[0]), 0x9E3779B97F4A7C15, dtype=np.uint64)
    for bits in contents:
        digest ^= bits
        digest *= np.uint64(0xBF58476D1CE4E5B9)
        digest ^= digest >> np.uint64(29)
        digest *= np.uint64(0x94D049BB133111EB)
        digest ^= digest >> np.uint64(32)
    return digest
