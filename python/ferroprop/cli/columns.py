"""Columns: which ones the network can use, and each as the values it is trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from ferroprop.cli.problem import Problem, quoted

Kind = Literal["number", "category", "boolean", "date", "duration"]

LARGEST_NUMBER = 1e100
"""Larger ones are no measurements, and their squares, which standardising sums, would overflow."""

MICROSECONDS_A_DAY = 86_400e6
IDENTIFIER_ROWS = 20
"""A text column whose values are all different is an identifier once the table has more rows than this."""


@dataclass(frozen=True)
class Column:
    """A column of the table that the network gets.

    Parameters
    ----------
    name : str
        Its name in the table.
    kind : {'number', 'category', 'boolean', 'date', 'duration'}
        What its values are. Dates and durations become numbers (days), booleans and categories text.
    """

    name: str
    kind: Kind

    @property
    def is_numeric(self) -> bool:
        """Whether the network gets it as a number; otherwise as one input a category."""
        return self.kind in ("number", "date", "duration")


@dataclass(frozen=True)
class Choice:
    """The columns to use, and those left out with the reason of each."""

    used: list[Column]
    left_out: dict[str, str]


def choose_columns(frame: pl.DataFrame, target: str, ignored: Sequence[str]) -> Choice:
    """Look at every column but the target.

    Parameters
    ----------
    frame : polars.DataFrame
        The training table.
    target : str
        The column to predict.
    ignored : sequence of str
        The columns that the user does not want.

    Returns
    -------
    Choice
        What to use and what not. Left out are columns without values or with only one, text that is different
        in every row, and what has no place in a table (lists, structures, bytes).

    Raises
    ------
    Problem
        If no column is left.

    Examples
    --------
    >>> frame = pl.DataFrame({"name": ["a", "b"], "size": [1.5, 2.0], "kind": ["x", "x"], "y": [0, 1]})
    >>> choose_columns(frame, target="y", ignored=["name"])
    Choice(used=[Column(name='size', kind='number')], left_out={'kind': "it is 'x' in every row"})
    """
    used: list[Column] = []
    left_out: dict[str, str] = {}
    for series in frame:
        if series.name == target or series.name in ignored:
            continue
        kind = _kind(series.dtype)
        values = _without_nan(series).drop_nulls()
        if values.is_empty():
            left_out[series.name] = "it has no values"
        elif kind is None:
            left_out[series.name] = f"its type is {series.dtype}"
        elif values.n_unique() == 1 and values.len() == series.len():
            left_out[series.name] = f"it is '{values[0]}' in every row"
        elif kind == "category" and values.len() > IDENTIFIER_ROWS and values.n_unique() == values.len():
            left_out[series.name] = f"its {values.len()} texts are all different"
        else:
            used.append(Column(series.name, kind))
    if not used:
        why = "; ".join(f"'{name}': {reason}" for name, reason in list(left_out.items())[:4])
        raise Problem(
            f"TABLE: no column to learn from beside the target '{target}'" + (f" ({why})" if why else "")
        )
    return Choice(used, left_out)


def features(frame: pl.DataFrame, columns: Sequence[Column], where: str) -> pl.DataFrame:
    """Return the columns as the network's preparation expects them: Float64 or String, null where missing.

    Parameters
    ----------
    frame : polars.DataFrame
        A table, of any column order, with more columns if it likes.
    columns : sequence of Column
        The columns that the network was trained on.
    where : str
        The table's name, for messages.

    Returns
    -------
    polars.DataFrame
        Exactly these columns in this order.

    Raises
    ------
    Problem
        If a column is missing or its values are of another kind.

    Examples
    --------
    >>> frame = pl.DataFrame({"sold": [True, None], "rooms": [3, 4]})
    >>> features(frame, [Column("rooms", "number"), Column("sold", "boolean")], "flats.csv").rows()
    [(3.0, 'true'), (4.0, None)]
    """
    missing = [column.name for column in columns if column.name not in frame.columns]
    if missing:
        what = "column" if len(missing) == 1 else "columns"
        has = quoted(frame.columns)
        raise Problem(f"TABLE: '{where}' lacks the {what} {quoted(missing)} of the model; it has {has}")
    return pl.DataFrame(
        [_CONVERT[column.kind](_untyped_if_empty(frame[column.name]), where) for column in columns]
    )


def _kind(dtype: pl.DataType) -> Kind | None:
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype in (pl.Date, pl.Datetime):
        return "date"
    if dtype in (pl.Time, pl.Duration):
        return "duration"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "category"
    return None


def _untyped_if_empty(series: pl.Series) -> pl.Series:
    """Return the column; one without a value has no type to be wrong, whatever the reader made of it."""
    return series.cast(pl.Null) if series.null_count() == len(series) else series


def _without_nan(series: pl.Series) -> pl.Series:
    return series.fill_nan(None) if series.dtype.is_float() else series


def _number(series: pl.Series, where: str) -> pl.Series:
    if series.dtype == pl.String:
        numbers = series.str.strip_chars().cast(pl.Float64, strict=False)
    elif series.dtype.is_numeric() or series.dtype == pl.Null:
        numbers = series.cast(pl.Float64)
    else:
        raise Problem(_unexpected(series, where, "numbers"))
    numbers = numbers.fill_nan(None)
    _refuse(series, (numbers.is_null() & series.is_not_null() & _not_nan(series)), where, "numbers")
    _refuse(series, (numbers.abs() > LARGEST_NUMBER).fill_null(False), where, "finite numbers up to 1e100")
    return numbers.alias(series.name)


def _category(series: pl.Series, where: str) -> pl.Series:
    if _kind(series.dtype) is None and series.dtype != pl.Null:
        raise Problem(_unexpected(series, where, "categories"))
    return _without_nan(series).cast(pl.String)


def _boolean(series: pl.Series, where: str) -> pl.Series:
    text = (
        series.cast(pl.String)
        .str.to_lowercase()
        .replace({"1": "true", "0": "false", "1.0": "true", "0.0": "false"})
    )
    _refuse(series, ~text.is_in(["true", "false"]).fill_null(True), where, "true or false")
    return text


def _date(series: pl.Series, where: str) -> pl.Series:
    if series.dtype not in (pl.Date, pl.Datetime, pl.Null):
        raise Problem(_unexpected(series, where, "dates"))
    return (series.cast(pl.Datetime("us")).to_physical() / MICROSECONDS_A_DAY).alias(series.name)


def _duration(series: pl.Series, where: str) -> pl.Series:
    if series.dtype not in (pl.Time, pl.Duration, pl.Null):
        raise Problem(_unexpected(series, where, "times"))
    return (series.cast(pl.Duration("us")).to_physical() / MICROSECONDS_A_DAY).alias(series.name)


_CONVERT: dict[Kind, Callable[[pl.Series, str], pl.Series]] = {
    "number": _number,
    "category": _category,
    "boolean": _boolean,
    "date": _date,
    "duration": _duration,
}


def _not_nan(series: pl.Series) -> pl.Series:
    return series.is_not_nan().fill_null(True) if series.dtype.is_float() else series.is_not_null()


def _refuse(series: pl.Series, bad: pl.Series, where: str, expected: str) -> None:
    row = bad.arg_true()
    if row.len():
        what = f"'{series[row[0]]}' in row {row[0] + 1}"
        raise Problem(f"TABLE: column '{series.name}' of '{where}' has {what}; expected {expected}")


def _unexpected(series: pl.Series, where: str, expected: str) -> str:
    value = series.drop_nulls()[0]
    return f"TABLE: column '{series.name}' of '{where}' has values such as '{value}'; expected {expected}"
