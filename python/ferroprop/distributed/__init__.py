"""Trainings on rows that are in many places, with the same bits as in one.

`ferroprop.dask` is made of it, and `ferroprop.ray`; another engine needs a class with the few methods of
`Shards`. A training on full batches (the Rprop family, L-BFGS, any rule without mini-batches) asks for sums
over the rows of each shard, adds them along a fixed tree, and makes its step in one place: neither the cut of
the rows nor the number of workers nor the order in which they answer changes a bit. One with mini-batches
goes from shard to shard.

============= =====================================================
`_sums`       sums over a part of the rows, and what adds them up
`_shards`     parts of a table in many places: full batches, L-BFGS
`_in_turns`   mini-batches, shard after shard
============= =====================================================
"""

from ferroprop.distributed._in_turns import train_in_turns
from ferroprop.distributed._shards import Part, Shards, boundaries, checked, minimize, rows_of, train
from ferroprop.distributed._sums import Partial, RemoteRows, group_rows, partial_sums

__all__ = [
    "Part",
    "Partial",
    "RemoteRows",
    "Shards",
    "boundaries",
    "checked",
    "group_rows",
    "minimize",
    "partial_sums",
    "rows_of",
    "train",
    "train_in_turns",
]
