"""Groups of columns that carry nearly the same information."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.cluster.hierarchy
from scipy.spatial.distance import squareform

from ferroprop.estimators._typing import Array
from ferroprop.tabular._column import Column
from ferroprop.tabular._dates import seconds_of
from ferroprop.tabular._kinds import dates_of, kind_of, numbers_of, stray_text, with_truths

MOST_ROWS = 2000
"""The number of rows that decide which columns are alike."""
_ROUNDING = 1e-12


def correlated_columns(columns: Sequence[Column], threshold: float) -> list[list[int]]:
    """Return groups of the places of columns, in the order of the table; see `correlated_groups`."""
    n_rows = len(columns[0].values)
    rows = np.arange(n_rows)[:: -(-n_rows // MOST_ROWS)]
    as_numbers, are_categories = [], []
    for column in columns:
        part = with_truths(column.take(rows))
        kind = kind_of(part)
        are_categories.append(kind == "category")
        if kind == "category":
            as_numbers.append(np.where(part.categories[0] < 0, np.nan, part.categories[0]))
        elif kind == "date":
            as_numbers.append(seconds_of(dates_of(part)))
        else:
            as_numbers.append(numbers_of(part, stray_text(part)))
    return correlated_groups(np.column_stack(as_numbers), are_categories, threshold)


def correlated_groups(X: Array, are_categories: Sequence[bool], threshold: float) -> list[list[int]]:
    """Group the columns that carry nearly the same information.

    Numbers are compared by the size of their rank correlation (Spearman), categories, numbered from 0, by
    Cramer's V less its bias; average linkage puts those of `threshold` or more into one group.

    Examples
    --------
    >>> x = np.arange(10.0)
    >>> correlated_groups(np.column_stack([x, np.cos(x), -(x**3)]), [False, False, False], 0.8)
    [[0, 2], [1]]
    """
    n_columns = X.shape[1]
    if n_columns == 1:
        return [[0]]
    alike = np.eye(n_columns)
    known: Array = ~np.isnan(X)
    has_gaps = [not column.all() for column in known.T]
    codes = [np.unique(column, return_inverse=True)[1] for column in X.T]
    ranks = [_centered_ranks(column) for column in codes]
    for i in range(n_columns):
        for j in range(i):
            if are_categories[i] != are_categories[j]:
                continue
            if are_categories[i]:
                likeness = _cramers_v(X[:, i], X[:, j])
            elif has_gaps[i] or has_gaps[j]:
                both = known[:, i] & known[:, j]
                likeness = _likeness(_centered_ranks(codes[i][both]), _centered_ranks(codes[j][both]))
            else:
                likeness = _likeness(ranks[i], ranks[j])
            alike[i, j] = alike[j, i] = likeness
    distances = squareform(np.maximum(0.0, 1.0 - alike), checks=False)  # rounding
    labels = scipy.cluster.hierarchy.fcluster(
        scipy.cluster.hierarchy.linkage(distances, "average"),
        1.0 - threshold + _ROUNDING,
        criterion="distance",
    )
    groups: dict[int, list[int]] = {}
    for place, label in enumerate(labels.tolist()):
        groups.setdefault(label, []).append(place)
    return sorted(groups.values())


def _likeness(a: Array, b: Array) -> float:
    """Return the size of the correlation of centered ranks; 0 if one is constant, or of two rows."""
    length = float(np.sqrt((a @ a) * (b @ b)))
    return abs(float(a @ b)) / length if len(a) > 2 and length > 0.0 else 0.0


def _centered_ranks(codes: Array) -> Array:
    """Return the rank of each row less the mean rank, from values numbered in their order."""
    counts = np.bincount(codes)
    ranks: Array = (np.cumsum(counts) - (counts + len(codes)) / 2.0)[codes]
    return ranks


def _cramers_v(a: Array, b: Array) -> float:
    """Return the association of two columns of categories, between 0 and 1: Cramer's V less its bias.

    The plain one is 1 for a column with another level in each row beside any other column, and near 1 for a
    column of few rows per level, though they tell nothing of each other (W. Bergsma, "A bias-correction for
    Cramer's V and Tschuprow's T", Journal of the Korean Statistical Society 42, 2013).
    """
    known = ~(np.isnan(a) | np.isnan(b))
    _, a = np.unique(a[known], return_inverse=True)
    _, b = np.unique(b[known], return_inverse=True)
    if len(a) == 0 or a.max() == 0 or b.max() == 0:
        return 0.0
    n_of_a, n_of_b = np.bincount(a), np.bincount(b)
    both, counts = np.unique(a * len(n_of_b) + b, return_counts=True)
    of_a, of_b = np.divmod(both, len(n_of_b))
    squared = float((counts**2 / (n_of_a[of_a] * n_of_b[of_b])).sum()) - 1.0  # chi square per row
    further_a, further_b = len(n_of_a) - 1, len(n_of_b) - 1
    by_chance = further_a * further_b / (len(a) - 1)
    most = min(further - further**2 / (len(a) - 1) for further in (further_a, further_b))
    return float(np.sqrt(max(0.0, squared - by_chance) / most)) if most > 0.0 else 0.0
