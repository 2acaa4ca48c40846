"""``ferroprop train --split-by``: test rows that are later than all others, or of other groups."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from ferroprop.cli.problem import Problem
from ferroprop.cli.reading.column import kind_of
from ferroprop.cli.reading.kinds import Wishes, decide
from ferroprop.cli.reading.missing import MissingWords
from ferroprop.cli.reading.table import Table
from ferroprop.cli.split import Split, train_on
from ferroprop.cli.target import LEAST_CLASS_ROWS, TaskName
from ferroprop.cli.wording import count, shown, suggestion


def keys_of(table: Table, column: str, words: MissingWords, wishes: Wishes) -> pl.Series:
    """Return the column that says which rows belong together.

    Parameters
    ----------
    table : Table
        The whole table, columns that are ignored included.
    column : str
        The name of the column.
    words : MissingWords
        The texts that stand for missing values.
    wishes : Wishes
        The user's options about the columns.

    Raises
    ------
    Problem
        If there is no such column.
    """
    if column not in table.frame.columns:
        raise Problem(
            f"--split-by: no column {shown(column)} in the table; {suggestion(column, table.frame.columns)}"
        )
    only = replace(table, frame=table.frame.select(column), notes=[])
    own = Wishes(
        _of(column, wishes.kinds),
        wishes.decimal,
        _of(column, wishes.date_formats) | _of("", wishes.date_formats),
    )
    return decide(only, words, own).frame[column]


def _of(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: options[name]} if name in options else {}


def is_ordered(keys: pl.Series) -> bool:
    """Return whether the column has dates or times, which come one after the other."""
    return kind_of(keys.dtype) in ("date", "duration")


def split_by(keys: pl.Series, y: NDArray[Any], task: TaskName, test_size: float, seed: int) -> Split:
    """Keep the latest rows for the test, or whole groups of rows.

    Parameters
    ----------
    keys : polars.Series
        For each row its date or time, or its group. Rows without a date are for training; those without a
        group are one.
    y : ndarray
        The targets.
    task : {'classification', 'regression'}
        Each class must remain among the training rows.
    test_size : float
        The least fraction of the rows for the test: equal keys are never parted.
    seed : int
        Seeds the draw of the groups.

    Raises
    ------
    Problem
        If the rows cannot be split so.

    Examples
    --------
    >>> days = pl.Series("day", [3, 1, 2, 5, 4, 5]).cast(pl.Datetime("us"))
    >>> split_by(days, np.arange(6.0), "regression", 0.2, seed=0).test.tolist()
    [3, 5]
    >>> shops = pl.Series("shop", ["a", "a", "b", "b", "c", "c"])
    >>> split = split_by(shops, np.arange(6.0), "regression", 0.2, seed=0)
    >>> {shops[row] for row in split.train.tolist()} & {shops[row] for row in split.test.tolist()}
    set()
    """
    wanted = max(math.ceil(test_size * len(y)), 2)
    in_test = _latest(keys, wanted) if is_ordered(keys) else _groups(keys, wanted, seed)
    train, test = np.flatnonzero(~in_test), np.flatnonzero(in_test)
    _check(keys.name, y, task, train, test)
    return train_on(train, test, y, task)


def _latest(keys: pl.Series, wanted: int) -> NDArray[np.bool_]:
    known = keys.drop_nulls().sort(descending=True)
    if known.n_unique() < 2:
        raise Problem(f"--split-by: all dates of column {shown(keys.name)} are the same; expected several")
    first = known[min(wanted, len(known)) - 1]
    if first == known[-1]:  # something must remain to learn from
        first = known.unique().sort()[1]
    latest: NDArray[np.bool_] = (keys >= first).fill_null(False).to_numpy()
    return latest


def _groups(keys: pl.Series, wanted: int, seed: int) -> NDArray[np.bool_]:
    texts = np.array(keys.cast(pl.String).fill_null("").to_list(), dtype=np.str_)
    _, numbers = np.unique(texts, return_inverse=True)
    sizes = np.bincount(numbers)
    if len(sizes) < 2:
        raise Problem(f"--split-by: all rows have the same {shown(keys.name)}; expected at least two groups")
    order = check_random_state(seed).permutation(len(sizes))
    enough = int(np.searchsorted(np.cumsum(sizes[order]), wanted)) + 1
    chosen = order[: min(enough, len(sizes) - 1)]
    return np.isin(numbers, chosen)


def _check(
    name: str, y: NDArray[Any], task: TaskName, train: NDArray[np.intp], test: NDArray[np.intp]
) -> None:
    if min(len(train), len(test)) < 2:
        raise Problem(
            f"--split-by: {shown(name)} leaves {count(len(train), 'row')} to train and {len(test)} to test; "
            "expected at least 2 of each"
        )
    if task == "regression":
        return
    learned, counts = np.unique(y[train], return_counts=True)
    rows = dict(zip(learned.tolist(), counts.tolist(), strict=True))
    for label in np.unique(y).tolist():
        left = rows.get(label, 0)
        if left < LEAST_CLASS_ROWS:
            raise Problem(
                f"--split-by: {shown(name)} leaves {count(left, 'row')} of class {shown(label)} to train; "
                f"expected at least {LEAST_CLASS_ROWS}"
            )
