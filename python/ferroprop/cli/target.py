"""The target column: the task that it implies, and its values in the form of that task."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ferroprop.cli.columns import LARGEST_NUMBER
from ferroprop.cli.problem import Problem
from ferroprop.cli.reading.column import kind_of
from ferroprop.cli.wording import count, listed, quoted, shown, suggestion

TaskName = Literal["classification", "regression"]

MOST_NUMBER_CLASSES = 20
"""Whole numbers with more distinct values than this are a quantity."""

LEAST_CLASS_ROWS = 5
"""The fewest rows of a class that training, validation and test can share."""

LEAST_ROWS = 10


@dataclass(frozen=True)
class Target:
    """The target column with its task.

    Parameters
    ----------
    task : {'classification', 'regression'}
        The task.
    reason : str
        The reason for the task, in words for the user.
    rows : polars.Series of bool
        Which rows of the table have a target.
    values : ndarray
        The targets of these rows: text, booleans or whole numbers for classification, float64 for regression.
    classes : list of str
        The different values, in order; empty for regression.
    notes : list of str
        Decisions that may be wrong.
    """

    task: TaskName
    reason: str
    rows: pl.Series
    values: NDArray[Any]
    classes: list[str]
    notes: list[str]


def read_target(
    frame: pl.DataFrame, name: str, asked: TaskName | None, *, drop_rare: bool = False, doubt: str = ""
) -> Target:
    """Find the target column, decide the task, and refuse targets that cannot be learned.

    Text and booleans are classes. Whole numbers are classes too if there are few different ones (at most 20,
    and ten rows for each on average); all other numbers are quantities.

    Parameters
    ----------
    frame : polars.DataFrame
        The training table.
    name : str
        The target column.
    asked : {'classification', 'regression'} or None
        The task that the user chose; None leaves the decision to the values.
    drop_rare : bool
        Leave out the rows of classes that are too rare to be learned, instead of refusing the table.
    doubt : str
        Why a column of text may hold numbers or dates, in words, for refusals.

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
        raise Problem(f"--target: no column {shown(name)} in the table; {suggestion(name, frame.columns)}")
    series = frame[name]
    if series.dtype.is_float():
        series = series.fill_nan(None)
    rows = series.is_not_null()
    present = series.drop_nulls()
    if present.is_empty():
        raise Problem(f"--target: column {shown(name)} has no values in {series.len()} rows")
    present = _whole_numbers(present, name)
    task, reason = _decide(present, name)
    if asked == "regression" and not present.dtype.is_numeric():
        raise Problem(
            f"--task: column {shown(name)} has values such as {shown(present[0])}; regression expects numbers"
            + (f"; {doubt}" if doubt else "")
        )
    if asked == "classification" and present.dtype.is_float():
        raise Problem(
            f"--task: column {shown(name)} has values such as '{_fractional(present)}';"
            " classification expects text, booleans or whole numbers"
        )
    if asked is not None:
        task, reason = asked, "as asked for"
    if task == "regression":
        return Target(task, reason, rows, _quantities(present, name), [], [])
    notes: list[str] = []
    if drop_rare and (rare := _rare_classes(present)):
        labels = [label for label, _ in rare]
        kept = ~present.cast(pl.String).is_in(labels)
        rows = rows.scatter(rows.arg_true().filter(~kept), False)
        present = present.filter(kept)
        notes.append(f"{_how_rare(rare)} left out as --drop-rare-classes asks")
        if present.is_empty():
            raise Problem(f"--drop-rare-classes: all classes of column {shown(name)} are rare")
    classes = _classes(present, name, doubt)
    notes += _on_alike(classes, name)
    return Target(task, reason, rows, _labels(present), classes, notes)


def _whole_numbers(present: pl.Series, name: str) -> pl.Series:
    """Return numbers that happen to be whole as integers: a column with gaps often comes as 0.0, 1.0."""
    if not (present.dtype.is_float() or present.dtype.is_decimal()):
        return present
    numbers = present.cast(pl.Float64)
    too_large = numbers.filter(numbers.abs() > LARGEST_NUMBER)
    if too_large.len():
        raise Problem(
            f"--target: column {shown(name)} has the value '{too_large[0]}';"
            " expected finite numbers up to 1e100"
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
    kinds = {"date": "holds dates", "duration": "holds times"}
    holds = kinds.get(kind_of(present.dtype) or "", f"is of type {present.dtype}")
    raise Problem(f"--target: column {shown(name)} {holds}; expected text, booleans or numbers")


def _fractional(present: pl.Series) -> float:
    fraction: float = present.filter(present != present.floor())[0]
    return fraction


def _labels(present: pl.Series) -> NDArray[Any]:
    # NumPy has no whole numbers of 128 bit: these are classes by their text.
    wide = str(present.dtype) in ("Int128", "UInt128")  # older versions of polars lack the latter
    if present.dtype == pl.Boolean or (present.dtype.is_integer() and not wide):
        return present.to_numpy()
    return np.array(present.cast(pl.String).to_list(), dtype=np.str_)


def _classes(present: pl.Series, name: str, doubt: str) -> list[str]:
    names = present.cast(pl.String).unique().to_list()
    if len(names) == 1:
        raise Problem(
            f"--target: column {shown(name)} has one class, {shown(names[0])}; expected at least two"
        )
    rare = _rare_classes(present)
    if rare:
        what = f"{len(rare)} of {len(names)} classes of column {shown(name)} are rare, {shown(rare[0][0])}"
        if len(rare) == 1:
            what = f"class {shown(rare[0][0])} of column {shown(name)}"
        way_out = "--drop-rare-classes leaves such rows out"
        if present.dtype.is_numeric():
            way_out += ", --task regression takes the numbers for a quantity"
        if doubt:  # numbers with a few other texts are rarely meant as classes
            way_out = f"{doubt}, {way_out}"
        way_out = "; ".join([way_out, *_on_alike(sorted(names), name)])
        raise Problem(
            f"--target: {what} has {count(rare[0][1], 'row')};"
            f" expected at least {LEAST_CLASS_ROWS} in each class; {way_out}"
        )
    return sorted(names) if not present.dtype.is_integer() else sorted(names, key=int)


def _on_alike(classes: list[str], name: str) -> list[str]:
    """Return a note on classes that differ only in case or in blanks, which are perhaps meant as one."""
    spellings: dict[str, list[str]] = {}
    for label in classes:
        spellings.setdefault(" ".join(label.split()).casefold(), []).append(label)
    alike = [" and ".join(map(shown, labels)) for labels in spellings.values() if len(labels) > 1]
    if not alike:
        return []
    return [
        f"classes of column {shown(name)} that differ only in case or blanks stay apart: {listed(alike)};"
        " if they are one class, write them alike in the table"
    ]


def _rare_classes(present: pl.Series) -> list[tuple[str, int]]:
    """Return the classes with too few rows and the number of their rows, the rarest first."""
    counts = present.cast(pl.String).alias("label").value_counts(sort=True).reverse()
    return [(label, rows) for label, rows in counts.iter_rows() if rows < LEAST_CLASS_ROWS]


def _how_rare(rare: list[tuple[str, int]]) -> str:
    rows = sum(size for _, size in rare)
    return f"{count(rows, 'row')} of {count(len(rare), 'rare class')} ({quoted(label for label, _ in rare)})"


def _quantities(present: pl.Series, name: str) -> NDArray[np.float64]:
    if present.len() < LEAST_ROWS:
        raise Problem(
            f"--target: column {shown(name)} has values in {count(present.len(), 'row')};"
            f" expected at least {LEAST_ROWS}"
        )
    if present.n_unique() == 1:
        raise Problem(
            f"--target: column {shown(name)} is {present[0]} in every row; expected values that differ"
        )
    return present.cast(pl.Float64).to_numpy()
