"""The drift of columns between the table of the fit and another one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ferroprop.estimators._typing import Array
from ferroprop.tabular._categories import CategoryColumn
from ferroprop.tabular._column import Column
from ferroprop.tabular._dates import DateColumn, seconds_of
from ferroprop.tabular._kinds import dates_of, numbers_of
from ferroprop.tabular._numbers import NumberColumn


@dataclass(frozen=True)
class ColumnDrift:
    """The difference between a column of a table and that of the fit, as `TabularEncoder.drift` returns it.

    Attributes
    ----------
    name : str
        The column.
    distance : float
        Between 0, the same distribution, and 1, nothing in common: of numbers and dates the largest
        difference of the two cumulative distributions at the deciles of the fit (Kolmogorov-Smirnov), of
        categories half the sum of the differences of their shares (total variation).
    new : float
        Share of the values that ``fit`` did not see: numbers and dates outside its range, levels without an
        input of their own.
    missing : float
        Share of the rows without a value.
    missing_in_fit : float
        Share of the rows without a value in ``fit``.

    Examples
    --------
    >>> from ferroprop.tabular import TabularEncoder
    >>> encoder = TabularEncoder().fit([[1.0], [2.0], [3.0], [4.0]])
    >>> encoder.drift([[3.0], [5.0], [None], [5.0]])
    [ColumnDrift(name='x0', distance=0.66..., new=0.66..., missing=0.25, missing_in_fit=0.0)]
    """

    name: str
    distance: float
    new: float
    missing: float
    missing_in_fit: float


def drift_of(column: Column, encoded: NumberColumn | CategoryColumn | DateColumn) -> ColumnDrift:
    """Compare a column with the description of the fit's column."""
    if isinstance(encoded, CategoryColumn):
        return _drift_of_categories(column, encoded)
    if isinstance(encoded, DateColumn):
        return _drift_of_numbers(column.name, seconds_of(dates_of(column)), encoded.seconds)
    numbers = numbers_of(column, encoded.stray, is_boolean=encoded.is_boolean)
    return _drift_of_numbers(column.name, numbers, encoded)


def _drift_of_numbers(name: str, numbers: Array, encoded: NumberColumn) -> ColumnDrift:
    known = np.sort(numbers[~np.isnan(numbers)])
    missing = 1.0 - len(known) / len(numbers)
    if len(known) == 0 or len(encoded.deciles) == 0:
        new = float(len(known) > 0)
        return ColumnDrift(name, new, new, missing, encoded.missing_share)
    shares = np.searchsorted(known, encoded.deciles, side="right") / len(known)
    below = np.searchsorted(known, encoded.deciles[0], side="left") / len(known)
    distance = max(float(np.abs(shares - encoded.shares).max()), below)
    return ColumnDrift(name, distance, float(below + 1.0 - shares[-1]), missing, encoded.missing_share)


def _drift_of_categories(column: Column, encoded: CategoryColumn) -> ColumnDrift:
    codes, levels = column.categories
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    n_known = int(counts.sum())
    missing = 1.0 - n_known / len(codes)
    if n_known == 0:
        return ColumnDrift(column.name, 0.0, 0.0, missing, encoded.missing_share)
    now = {level: count / n_known for level, count in zip(levels, counts.tolist(), strict=True)}
    then = dict(zip(encoded.levels, encoded.shares, strict=True))
    new = sum(share for level, share in now.items() if level not in then)
    apart = sum(abs(now.get(level, 0.0) - share) for level, share in then.items())
    apart += abs(new - max(0.0, 1.0 - sum(then.values())))  # those that share an input
    return ColumnDrift(column.name, apart / 2, new, missing, encoded.missing_share)
