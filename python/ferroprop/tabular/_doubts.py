"""Warnings about tables: the questions that a data scientist asks before trusting a score."""

from __future__ import annotations

import warnings

import numpy as np
import scipy.stats

from ferroprop.estimators._typing import Array
from ferroprop.tabular._categories import CategoryColumn
from ferroprop.tabular._column import Column
from ferroprop.tabular._distinct import digests_of
from ferroprop.tabular._drift import drift_of
from ferroprop.tabular.encoder import EncodedColumn

_FEW = 50
"""The fewest rows for these checks: with fewer, relations that are due to chance look like rules."""
_ENOUGH = 10_000
"""The number of rows that decide whether a column is the target; the others are not examined."""
_NAMED = 5
"""The most columns that one warning names."""
_BINS = 64
_NEARLY = 0.98
_SAME_ORDER = 0.9995


class DataWarning(UserWarning):
    """The warning about a property of a table that makes a score untrustworthy, or a column useless.

    Examples
    --------
    >>> import warnings
    >>> from ferroprop.tabular import DataWarning
    >>> warnings.simplefilter("ignore", DataWarning)  # if you know the reason
    """


def _warn(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=4)


def warn_of_empty(columns: list[Column], *, has_weights: bool) -> None:
    """Warn of columns without a value, once for all of them; constant ones are no mistake.

    `has_weights` tells whether the rows are those of positive weight.
    """
    if len(columns[0].values) < _FEW:
        return
    names = [repr(column.name) for column in columns if _is_empty(column.values)]
    if names:
        listed = ", ".join(names[:_NAMED]) + (
            f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        )
        _warn(
            f"{'Column' if len(names) == 1 else 'Columns'} {listed}: no value in any "
            f"{'row of positive weight' if has_weights else 'of the rows'}. An empty column has no effect."
        )


def _is_empty(values: Array) -> bool:
    if values.dtype == object:
        return all(value is None for value in values)
    return bool((np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)).all())


def warn_of_ids(columns: list[Column], encoded: list[EncodedColumn]) -> None:
    """Warn of columns that only identify rows."""
    for column, known in zip(columns, encoded, strict=True):
        n_rows = len(column.values)
        if n_rows < _FEW:
            return
        if isinstance(known, CategoryColumn):
            if not known.levels and known.n_infrequent:
                _warn(
                    f"Column {column.name!r}: each of its {known.n_infrequent} values stands in one row, as "
                    "an identifier does. It has no effect."
                )
        elif column.values.dtype == np.float64 and _counts(column.values):
            _warn(
                f"Column {column.name!r} counts the rows, from {column.values.min():.0f} to "
                f"{column.values.max():.0f}. If it is an identifier, leave it out: its order may tell of the "
                "target in this table, and not in others."
            )


def _counts(numbers: Array) -> bool:
    """Tell whether these are consecutive integers, each once."""
    if np.isnan(numbers).any() or numbers.max() - numbers.min() != len(numbers) - 1:
        return False
    return bool((numbers == np.rint(numbers)).all() and len(np.unique(numbers)) == len(numbers))


def warn_of_leaks(columns: list[Column], targets: Array, *, is_classifier: bool) -> None:
    """Warn of a column that nearly equals the target.

    Parameters
    ----------
    columns : list of Column
        The table, its rows in an order that is independent of the target, copies of a row next to each other.
    targets : ndarray of shape (n_rows, n_outputs)
        Targets; of a classifier the numbers of the classes.
    is_classifier : bool
        Whether the targets are classes.
    """
    n_rows = min(len(targets), _ENOUGH)
    if n_rows < _FEW or len(columns) < 2:
        return
    rows = np.arange(n_rows)
    for output in range(targets.shape[1]):
        target = targets[:n_rows, output]
        for column in columns:
            part = column.take(rows)
            if is_classifier:
                right = _right_by_one_column(part, target.astype(np.intp))
                if right is not None:
                    _warn_of_leak(column.name, f"it alone tells the class of {right:.1%} of the rows")
            elif part.values.dtype == np.float64:
                correlation = _rank_correlation(part.values, target)
                if abs(correlation) >= _SAME_ORDER:
                    _warn_of_leak(column.name, f"their rank correlation is {correlation:.4f}")


def _warn_of_leak(name: str, finding: str) -> None:
    _warn(
        f"Column {name!r} nearly is the target: {finding}. If it is only known after the target is, leave it "
        "out."
    )


def _right_by_one_column(column: Column, classes: Array) -> float | None:
    """Return the share of rows whose class a column determines, if it is nearly 1 and more than by chance.

    The class of each bin is learned from the first half of the rows, and tested on the rest.
    """
    half = len(classes) // 2  # the copies of a row follow each other, so they are in the same half
    learned, tested = slice(0, half), slice(half, None)
    n_classes = int(classes.max()) + 1
    places = _places(column, learned)
    counts = np.zeros((int(places.max()) + 1, n_classes))
    np.add.at(counts, (places[learned], classes[learned]), 1.0)
    usual = int(counts.sum(axis=0).argmax())
    said = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), usual)
    wrong = np.count_nonzero(said[places[tested]] != classes[tested])
    wrong_by_chance = np.count_nonzero(classes[tested] != usual)
    if wrong_by_chance < 10 or wrong > (1.0 - _NEARLY) * wrong_by_chance:
        return None
    return 1.0 - wrong / len(classes[tested])


def _places(column: Column, learned: slice) -> Array:
    """Return a bin per row: a level, a range of numbers, or missing."""
    if column.values.dtype == object:
        of_levels: Array = column.categories[0] + 1
        return of_levels
    numbers = column.values
    if numbers.dtype != np.float64:
        missing = np.isnat(numbers)
        numbers = numbers.astype(np.int64).astype(np.float64)
        numbers[missing] = np.nan
    known = np.sort(numbers[learned][~np.isnan(numbers[learned])])
    if len(known) == 0:
        return np.zeros(len(numbers), dtype=np.intp)
    edges = np.unique(known[np.linspace(0, len(known) - 1, _BINS).astype(np.intp)])
    places = np.searchsorted(edges, numbers, side="left") + 1
    places[np.isnan(numbers)] = 0
    return places


def _rank_correlation(numbers: Array, target: Array) -> float:
    known = ~np.isnan(numbers)
    if min(len(np.unique(values[known])) for values in (numbers, target)) < _FEW:
        return 0.0
    return float(scipy.stats.spearmanr(numbers[known], target[known]).statistic)


def warn_of_rows_in_both(columns: list[Column], validation: list[Column]) -> None:
    """Warn of rows that are both trained on and validated on."""
    common = np.isin(digests_of(validation), digests_of(columns))
    if common.any():
        row = int(common.argmax())
        _warn(
            f"{common.sum()} of the {len(common)} rows of X_val stand in X as well, the first of them is row "
            f"{row}: the loss on them says nothing about other rows."
        )


def warn_of_strange_rows(columns: list[Column], encoded: list[EncodedColumn]) -> None:
    """Warn of a table to predict in which most values of a column are unlike any that fit has seen."""
    if len(columns[0].values) < _FEW:
        return
    for column, known in zip(columns, encoded, strict=True):
        drift = drift_of(column, known)
        has_rest = isinstance(known, CategoryColumn) and known.n_infrequent > 0
        if drift.new > 0.5 and not has_rest and not (isinstance(known, CategoryColumn) and not known.levels):
            _warn(
                f"Column {column.name!r}: {drift.new:.0%} of its values are outside of what fit has seen. "
                "Have its units or its names changed?"
            )
        elif drift.missing > 0.5 and drift.missing_in_fit < 0.1:
            _warn(
                f"Column {column.name!r} is missing in {drift.missing:.0%} of the rows, in fit it was in "
                f"{drift.missing_in_fit:.0%}."
            )
