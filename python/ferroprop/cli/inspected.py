"""A fitted model in the form of scikit-learn's inspection tools, and their results for it.

These tools shuffle and replace columns of numbers, but a table has text, dates and gaps. Each cell is
therefore represented by a number (a category by the number of its name), and `Encoded` turns the numbers back
into a table before the model predicts.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.inspection import partial_dependence

from ferroprop.cli.fitting import inputs_of
from ferroprop.cli.reading.column import Column
from ferroprop.cli.settings import ModelName
from ferroprop.tabular import grouped_permutation_importance

Array = NDArray[Any]
Loss = Callable[[Any, pl.DataFrame, Array], float]
"""Gets a fitted model, a table and its targets."""

TOGETHER = 0.8
"""Columns with at least this correlation are shuffled together."""
REPEATS = 5
MOST_ROWS = 1000
"""The most rows of which importance and partial dependence are computed."""
CURVES = 50
GRID = 24
MOST_LEVELS = 12


class Encoded(BaseEstimator):  # type: ignore[misc]
    """A fitted model, for tables whose cells are all numbers; see `encoded`.

    Parameters
    ----------
    model : estimator
        The fitted model.
    model_name : {'tabular', 'mlp'}
        Its kind.
    columns : sequence of Column
        The columns of the table.
    levels : list of list of str
        For each column the categories that its numbers name; empty for columns of numbers.
    """

    def __init__(
        self, model: Any, model_name: ModelName, columns: Sequence[Column], levels: list[list[str]]
    ) -> None:
        self.model, self.model_name, self.columns, self.levels = model, model_name, columns, levels
        self.is_fitted_ = True
        if hasattr(model, "classes_"):
            self.classes_ = model.classes_

    def fit(self, X: Array, y: Array) -> "Encoded":
        """Return itself: the model is fitted."""
        return self

    def table(self, X: Array) -> pl.DataFrame:
        """Return the table that these numbers stand for."""
        series = []
        for column, names, values in zip(
            self.columns, self.levels, np.asarray(X, dtype=float).T, strict=True
        ):
            if column.is_numeric:
                series.append(pl.Series(column.name, values).fill_nan(None))
            else:
                codes = np.where(np.isnan(values), len(names), values).astype(np.intp)
                texts = [*names, None]
                series.append(pl.Series(column.name, [texts[code] for code in codes], pl.String))
        return inputs_of(self.model_name, pl.DataFrame(series), self.columns)

    def predict(self, X: Array) -> Array:
        """Predict."""
        result: Array = self.model.predict(self.table(X))
        return result


class EncodedClassifier(ClassifierMixin, Encoded):  # type: ignore[misc]
    """A fitted classifier, for tables whose cells are all numbers."""

    def predict_proba(self, X: Array) -> Array:
        """Predict the probabilities."""
        result: Array = self.model.predict_proba(self.table(X))
        return result


class EncodedRegressor(RegressorMixin, Encoded):  # type: ignore[misc]
    """A fitted regressor, for tables whose cells are all numbers."""


def encoded(X: pl.DataFrame, columns: Sequence[Column]) -> tuple[Array, list[list[str]]]:
    """Return features as numbers, and for each column the categories that they name.

    Examples
    --------
    >>> X = pl.DataFrame({"size": [1.5, None], "colour": ["red", "green"]})
    >>> encoded(X, [Column("size", "number"), Column("colour", "category")])
    (array([[1.5, 1. ],
           [nan, 0. ]]), [[], ['green', 'red']])
    """
    numbers, levels = [], []
    for column in columns:
        series = X[column.name]
        names: list[str] = [] if column.is_numeric else sorted(series.drop_nulls().unique().to_list())
        if not column.is_numeric:
            places = {name: float(place) for place, name in enumerate(names)}
            series = pl.Series([places.get(text) for text in series], dtype=pl.Float64)
        numbers.append(series.cast(pl.Float64).fill_null(float("nan")).to_numpy())
        levels.append(names)
    return np.column_stack(numbers), levels


class Importance(NamedTuple):
    """The increase of the loss when a group of columns is shuffled."""

    names: list[str]
    """The columns."""
    places: list[int]
    """Their places in the table."""
    means: float
    """The mean increase of the loss."""
    deviations: float
    """Its standard deviation over the shuffles."""


def importances(model: Encoded, X: Array, y: Array, loss: Loss, seed: int = 0) -> list[Importance]:
    """Return the permutation importance of groups of correlated columns, the most important first.

    Parameters
    ----------
    model : Encoded
        The model.
    X : ndarray of shape (n_rows, n_columns)
        Rows, encoded.
    y : ndarray of shape (n_rows,)
        Their targets.
    loss : Loss
        Returns the loss.
    seed : int
        Seeds the shuffles.
    """
    table = model.table(X)
    found = grouped_permutation_importance(
        model.model,
        table,
        y,
        threshold=TOGETHER,
        scoring=lambda fitted, rows, targets: -loss(fitted, rows, targets),
        n_repeats=REPEATS,
        random_state=seed,
    )
    places = {name: place for place, name in enumerate(table.columns)}
    result = [
        Importance(names, [places[name] for name in names], float(mean), float(deviation))
        for names, mean, deviation in zip(
            found.groups, found.importances_mean, found.importances_std, strict=True
        )
    ]
    return sorted(result, key=lambda one: -one.means)


class Dependence(NamedTuple):
    """The predictions for each of some values of one column, with all other columns unchanged."""

    name: str
    grid: list[Any]
    """The values: numbers, or categories."""
    means: Array
    """The mean prediction, of shape (n_outputs, n_values)."""
    curves: Array
    """The predictions of single rows, of shape (n_outputs, n_rows, n_values)."""


def dependence(model: Encoded, X: Array, place: int, seed: int = 0) -> Dependence | None:
    """Return the partial dependence on a column, and individual curves; None if it has one value only.

    Parameters
    ----------
    model : Encoded
        The model.
    X : ndarray of shape (n_rows, n_columns)
        Rows, encoded.
    place : int
        The column.
    seed : int
        Seeds the choice of the rows whose curves are returned.
    """
    known = X[~np.isnan(X[:, place]), place]
    if len(known) == 0:
        return None
    column, names = model.columns[place], model.levels[place]
    values, counts = np.unique(known, return_counts=True)
    if column.is_numeric and len(values) > GRID:
        values = np.unique(np.quantile(known, np.linspace(0.02, 0.98, GRID)))
    elif not column.is_numeric:
        values = np.sort(values[np.argsort(-counts, kind="stable")[:MOST_LEVELS]])
    if len(values) < 2:
        return None
    kept = np.random.default_rng(seed).permutation(len(X))[: 4 * CURVES]
    found = partial_dependence(
        model, X[kept], [place], custom_values={place: values}, kind="both", method="brute"
    )
    grid = values.tolist() if column.is_numeric else [names[int(value)] for value in values]
    return Dependence(column.name, grid, found.average, found.individual[:, :CURVES])
