"""The task: what the target column says is to be learned, and its values in that form."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ferroprop.cli.columns import LARGEST_NUMBER
from ferroprop.cli.problem import Problem, count, suggestion

TaskName = Literal["classification", "regression"]

MOST_NUMBER_CLASSES = 20
"""Whole numbers with more different values than this are taken for a quantity."""

LEAST_CLASS_ROWS = 5
"""So few rows of a class can still be shared among training, validation and test."""

LEAST_ROWS = 10


@dataclass(frozen=True)
class Target:
    """The target column, understood.

    Parameters
    ----------
    task : {'classification', 'regression'}
        What is to be learned.
    reason : str
        Why, in words for the user.
    rows : polars.Series of bool
        Which rows of the table have a target.
    values : ndarray
        The targets of these rows: text, booleans or whole numbers for classification, float64 for regression.
    classes : list of str
        The different values, in order; empty for regression.
    """

    task: TaskName
    reason: str
    rows: pl.Series
    values: NDArray[Any]
    classes: list[str]


def read_target(frame: pl.DataFrame, name: str, asked: TaskName | None) -> Target:
    """Find the target column, decide on the task, and refuse what cannot be learned.

    Text and booleans are classes. Whole numbers are classes too if there are few different ones (at most 20,
    and ten rows for each on average); all other numbers are quantities.

    Parameters
    ----------
    frame : polars.DataFrame
        The training table.
    name : str
        The target column.
    asked : {'classification', 'regression'} or None
        What the user wants; None leaves the decision to the values.

    Returns
    -------
    Target
        The task and the values of the rows that have one.

    Raises
    ------
    Problem
        If the column is not there, or its values leave nothing to learn, or do not suit the task.

    Examples
    --------
    >>> frame = pl.DataFrame({"y": [0.5, None, 1.5, 2.5, 3.5, 4.5] * 2})
    >>> target = read_target(frame, "y", asked=None)
    >>> target.task, target.reason, target.values.size
    ('regression', 'fractional numbers', 10)
    """
    if name not in frame.columns:
        raise Problem(f"--target: no column '{name}' in the table; {suggestion(name, frame.columns)}")
    series = frame[name]
    if series.dtype.is_float():
        series = series.fill_nan(None)
    rows = series.is_not_null()
    present = series.drop_nulls()
    if present.is_empty():
        raise Problem(f"--target: column '{name}' has no values in {series.len()} rows")
    present = _whole_numbers(present, name)
    task, reason = _decide(present, name)
    if asked == "regression" and not present.dtype.is_numeric():
        raise Problem(
            f"--task: column '{name}' has values such as '{present[0]}'; regression expects numbers"
        )
    if asked == "classification" and present.dtype.is_float():
        raise Problem(
            f"--task: column '{name}' has values such as '{_fractional(present)}';"
            " classification expects text, booleans or whole numbers"
        )
    if asked is not None:
        task, reason = asked, "as asked for"
    if task == "classification":
        return Target(task, reason, rows, _labels(present), _classes(present, name))
    return Target(task, reason, rows, _quantities(present, name), [])


def _whole_numbers(present: pl.Series, name: str) -> pl.Series:
    """Return numbers that happen to be whole as integers: a column with gaps often comes as 0.0, 1.0."""
    if not (present.dtype.is_float() or present.dtype.is_decimal()):
        return present
    numbers = present.cast(pl.Float64)
    too_large = numbers.filter(numbers.abs() > LARGEST_NUMBER)
    if too_large.len():
        raise Problem(
            f"--target: column '{name}' has the value '{too_large[0]}'; expected finite numbers up to 1e100"
        )
    whole = bool((numbers == numbers.floor()).all()) and bool((numbers.abs() < 2**53).all())
    return numbers.cast(pl.Int64) if whole else numbers


def _decide(present: pl.Series, name: str) -> tuple[TaskName, str]:
    different = present.n_unique()
    if present.dtype == pl.Boolean:
        return "classification", "booleans"
    if present.dtype in (pl.String, pl.Categorical, pl.Enum):
        return "classification", "text"
    if present.dtype.is_float():
        return "regression", "fractional numbers"
    if present.dtype.is_integer():
        if different <= max(2, min(MOST_NUMBER_CLASSES, present.len() // 10)):
            return "classification", f"only {different} different whole numbers"
        return "regression", f"{different} different whole numbers"
    raise Problem(f"--target: column '{name}' is of type {present.dtype}; expected text, booleans or numbers")


def _fractional(present: pl.Series) -> float:
    fraction: float = present.filter(present != present.floor())[0]
    return fraction


def _labels(present: pl.Series) -> NDArray[Any]:
    if present.dtype == pl.Boolean or present.dtype.is_integer():
        return present.to_numpy()
    return np.array(present.cast(pl.String).to_list(), dtype=np.str_)


def _classes(present: pl.Series, name: str) -> list[str]:
    counts = present.cast(pl.String).value_counts(sort=True)
    names, rows = counts[name].to_list(), counts["count"].to_list()
    if len(names) == 1:
        raise Problem(f"--target: column '{name}' has one class, '{names[0]}'; expected at least two")
    rare = [(label, size) for label, size in zip(names, rows, strict=True) if size < LEAST_CLASS_ROWS]
    if len(rare) == 1:
        what = f"class '{rare[0][0]}' of column '{name}' has {count(rare[0][1], 'row')}"
    elif rare:
        label, least = rare[-1]
        rows_of_one = f"'{label}' has {count(least, 'row')}"
        what = f"{len(rare)} of {len(names)} classes of column '{name}' are rare, {rows_of_one}"
    if rare:
        raise Problem(f"--target: {what}; expected at least {LEAST_CLASS_ROWS} in each class")
    return sorted(names) if not present.dtype.is_integer() else sorted(names, key=int)


def _quantities(present: pl.Series, name: str) -> NDArray[np.float64]:
    if present.len() < LEAST_ROWS:
        raise Problem(
            f"--target: column '{name}' has values in {count(present.len(), 'row')};"
            f" expected at least {LEAST_ROWS}"
        )
    if present.n_unique() == 1:
        raise Problem(f"--target: column '{name}' is {present[0]} in every row; expected values that differ")
    return present.cast(pl.Float64).to_numpy()
