"""`grouped_permutation_importance`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any, Literal

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import ArrayLike

from ferroprop.estimators._sklearn import BaseEstimator, check_scoring
from ferroprop.estimators._typing import Array, MatrixLike
from ferroprop.tabular._correlated import correlated_columns
from ferroprop.tabular._table import array_of, frame_of, read_table


def grouped_permutation_importance(
    estimator: Any,
    X: MatrixLike,
    y: Any = None,
    *,
    groups: Literal["correlated"] | Sequence[Any] = "correlated",
    threshold: float = 0.8,
    scoring: Any = None,
    n_repeats: int = 5,
    sample_weight: ArrayLike | None = None,
    max_samples: float | int = 1.0,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Any:
    """Measure by how much a score falls if groups of columns are shuffled together.

    scikit-learn's ``permutation_importance`` shuffles one column at a time [1]_: of two columns that carry
    the same information each stands in for the other, and both look useless. Here the columns of a group
    exchange their rows together. The rest is scikit-learn's function.

    Parameters
    ----------
    estimator : object
        A fitted estimator: one for tables as they come, or any other in scikit-learn's conventions.
    X : data frame, Arrow table or array-like of shape (n_samples, n_features)
        The rows on which the score is computed, best those that `estimator` was not fitted to. It gets tables
        of the same type, except that lists become arrays, frames of narwhals those they wrap, and lazy frames
        are collected.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Their targets.
    groups : 'correlated' or sequence, default='correlated'
        'correlated' makes groups of columns whose rank correlation (Spearman; numbers and dates) or Cramer's
        V (categories; less its bias [2]_, by which names of rows would be like any column) is `threshold` or
        more, by average linkage. A sequence has a list of columns for each group, by name or place; each
        column that is in none is a group of its own.
    threshold : float, default=0.8
        The least correlation of columns in one group, above 0 and at most 1; only for 'correlated'. At most
        2,000 rows, spread evenly over the table, decide. Every pair of columns is compared,
        in the rows that have both, so the time grows with the square of the number of columns.
    scoring : str, callable, sequence, dict or None, default=None
        The score, as for scikit-learn's function; None is the estimator's own ``score``.
    n_repeats : int, default=5
        How often each group is shuffled.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows in the score.
    max_samples : int or float, default=1.0
        Number or share of the rows that are drawn for each shuffle.
    n_jobs : int or None, default=None
        Number of joblib's jobs.
    random_state : int, RandomState instance or None, default=None
        Seeds the shuffles.

    Returns
    -------
    result : `sklearn.utils.Bunch`, or a dict of them by score if `scoring` has several
        ``groups``, the columns of each group: names if `X` is a data frame, else places;
        ``importances_mean`` and ``importances_std``, of shape (n_groups,), and ``importances``, of shape
        (n_groups, n_repeats): by how much the score falls. Groups are in the order of their first columns.

    Raises
    ------
    ValueError
        If a group has a column that `X` has not, or one of another group, `threshold` is out of range, `X`
        has an infinite number and `groups` is 'correlated', or `X` and `y` differ in length.
    TypeError
        If `X` is sparse, or no table, `groups` is neither text nor a sequence, or `threshold` is no number.

    References
    ----------
    .. [1] L. Breiman, "Random forests", Machine Learning 45, 2001.
    .. [2] W. Bergsma, "A bias-correction for Cramer's V and Tschuprow's T", Journal of the Korean Statistical
       Society 42, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from ferroprop.tabular import grouped_permutation_importance
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"km": rng.uniform(1, 9, 200), "age": rng.uniform(1, 9, 200)})
    >>> table["miles"] = table["km"] / 1.609
    >>> price = table["km"] + 0.5 * table["age"]
    >>> forest = RandomForestRegressor(random_state=0).fit(table[:100], price[:100])
    >>> found = grouped_permutation_importance(forest, table[100:], price[100:], random_state=0)
    >>> for group, mean in zip(found.groups, found.importances_mean):
    ...     print(group, round(mean, 1))
    ['km', 'miles'] 1.8
    ['age'] 0.3
    """
    from sklearn.inspection import permutation_importance  # takes a while

    frame = frame_of(X, "X")
    table: Any = array_of(X, "X") if frame is None else frame
    names: list[Any] = list(range(table.shape[1])) if frame is None else frame.columns
    if isinstance(groups, str):
        if groups != "correlated":
            raise ValueError(f"groups must be 'correlated' or lists of columns, got {groups!r}.")
        if not isinstance(threshold, Real):
            raise TypeError(f"threshold must be a number, got {threshold!r}.")
        if not 0.0 < threshold <= 1.0:
            raise ValueError(f"threshold must be above 0 and at most 1, got {threshold!r}.")
        places = correlated_columns(read_table(BaseEstimator(), table, reset=True), threshold)
    elif isinstance(groups, Iterable):
        places = _places(groups, names)
    else:
        raise TypeError(f"groups must be 'correlated' or lists of columns, got {groups!r}.")
    taken = _taken_from_array if frame is None else _taken_from_frame
    scorer = check_scoring(estimator, scoring=scoring)

    def score(fitted: Any, rows: Array, y: Any, **weight: Any) -> Any:
        return scorer(fitted, taken(table, places, rows), y, **weight)

    everyone = np.repeat(np.arange(table.shape[0])[:, None], len(places), axis=1)
    found = permutation_importance(
        estimator,
        everyone,  # a column of row numbers for each group in the place of the table
        y,
        scoring=score,
        n_repeats=n_repeats,
        n_jobs=n_jobs,
        random_state=random_state,
        sample_weight=sample_weight,
        max_samples=max_samples,
    )
    has_one_score = isinstance(found.get("importances"), np.ndarray)  # a score may have this name
    for one in [found] if has_one_score else found.values():
        one.groups = [[names[place] for place in group] for group in places]
    return found


def _places(groups: Iterable[Any], names: list[Any]) -> list[list[int]]:
    """Return the places of the columns of each group, and of the others alone."""
    found: list[list[int]] = []
    for group in groups:
        listed = [group] if isinstance(group, str) or not isinstance(group, Iterable) else list(group)
        if listed:
            found.append([_place(one, names) for one in listed])
    together = [place for group in found for place in group]
    twice = [names[place] for place in range(len(names)) if together.count(place) > 1]
    if twice:
        raise ValueError(f"groups has the column {twice[0]!r} more than once.")
    alone = [[place] for place in range(len(names)) if place not in together]
    return sorted([*map(sorted, found), *alone])


def _place(one: Any, names: list[Any]) -> int:
    if one in names:
        return names.index(one)
    if isinstance(one, Integral) and -len(names) <= int(one) < len(names):
        return int(one) % len(names)
    raise ValueError(f"groups has {one!r}, which is no column of X. X has {names}.")


def _taken_from_array(X: Array, groups: list[list[int]], rows: Array) -> Array:
    """Return an array whose groups of columns come from other rows: a column for each says from which."""
    taken = X[rows[:, 0]]
    for place, group in enumerate(groups):
        taken[:, group] = X[rows[:, place]][:, group]
    return taken


def _taken_from_frame(X: nw.DataFrame[Any], groups: list[list[int]], rows: Array) -> Any:
    """Return the same for a data frame, in its own type."""
    taken = X[rows[:, 0]]
    others = [
        X.get_column(X.columns[column])[rows[:, place]]
        for place, group in enumerate(groups)
        if not np.array_equal(rows[:, place], rows[:, 0])
        for column in group
    ]
    return nw.to_native(taken.with_columns(*others) if others else taken)
