"""The choice of the columns that the network can use, and their values for training."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ferroprop.cli.problem import Problem
from ferroprop.cli.reading.column import Column, Kind, as_text, kind_of, zone_of
from ferroprop.cli.reading.missing import MissingWords, stripped
from ferroprop.cli.reading.table import Table
from ferroprop.cli.wording import option, quoted, shown

LARGEST_NUMBER = 1e100
"""The largest number: larger ones are not measurements, and the sum of squares would overflow."""

MICROSECONDS_A_DAY = 86_400e6
IDENTIFIER_ROWS = 20
"""In a table of more rows than this, a column of distinct texts is an identifier."""

NEARLY_ALL = 0.95
"""The least share of distinct values in an identifier: rows that stand in a table twice repeat some."""


@dataclass(frozen=True)
class Choice:
    """The columns to use, and those left out, each with the reason."""

    used: list[Column]
    left_out: dict[str, str]


def choose_columns(
    frame: pl.DataFrame,
    target: str,
    ignored: Sequence[str],
    wanted: Collection[str] = (),
    decided: Mapping[str, Column] | None = None,
    doubts: Mapping[str, str] | None = None,
) -> Choice:
    """Examine every column except the target.

    Parameters
    ----------
    frame : polars.DataFrame
        The training table.
    target : str
        The column to predict.
    ignored : sequence of str
        The columns that the user does not want.
    wanted : collection of str
        The columns that the user gave a kind, which are used even if they look like identifiers.
    decided : mapping of str to Column, optional
        The kinds and written forms of the columns that were text; other columns have the kinds of their
        types.
    doubts : mapping of str to str, optional
        Why columns of categories may hold numbers or dates, told beside the reason why one is left out.

    Returns
    -------
    Choice
        The columns to use, and the others with reasons. Columns without values or with only one, texts of
        which nearly all are different, and types that have no place in a table (lists, structures, bytes) are
        not used.

    Raises
    ------
    Problem
        If no column is left.

    Examples
    --------
    >>> frame = pl.DataFrame({"name": ["a", "b"], "size": [1.5, 2.0], "kind": ["x", "x"], "y": [0, 1]})
    >>> choice = choose_columns(frame, target="y", ignored=["name"])
    >>> [column.name for column in choice.used], choice.left_out
    (['size'], {'kind': "it is 'x' in every row"})
    """
    decided = decided or {}
    used: list[Column] = []
    left_out: dict[str, str] = {}
    not_asked = {target, *ignored}
    schema = frame.schema
    kinds = {name: kind_of(dtype) for name, dtype in schema.items() if name not in not_asked}
    missing, different = _counts(frame, [name for name, kind in kinds.items() if kind is not None])
    for name, kind in kinds.items():
        values = frame.height - missing.get(name, 0)
        if kind is None and frame[name].null_count() < frame.height:
            left_out[name] = f"its type is {schema[name]}"
        elif kind is None or values == 0:
            left_out[name] = "it has no values"
        elif different[name] == 1 and values == frame.height:
            left_out[name] = f"it is {shown(frame[name][0])} in every row"
        elif (
            kind == "category"
            and name not in wanted
            and values > IDENTIFIER_ROWS
            and different[name] >= NEARLY_ALL * values
        ):
            what = (
                f"its {values:,} texts are all"
                if different[name] == values
                else _most(different[name], values)
            )
            reason = f"{what} different; {option('--category', name)} keeps it"
            # Measurements differ as identifiers do: what most cells are comes first.
            doubt = (doubts or {}).get(name)
            left_out[name] = f"{doubt}; {reason}" if doubt else reason
        else:
            used.append(decided.get(name) or Column(name, kind, zoned=zone_of(schema[name])))
    if not used:
        raise nothing_to_learn_from(target, left_out)
    return Choice(used, left_out)


def _most(different: int, values: int) -> str:
    return f"{different:,} of its {values:,} texts are"


def nothing_to_learn_from(target: str, left_out: Mapping[str, str]) -> Problem:
    """Return the exception to raise if no column is left."""
    why = "; ".join(f"{shown(name)}: {reason}" for name, reason in list(left_out.items())[:4])
    return Problem(
        f"TABLE: no column to learn from beside the target {shown(target)}" + (f" ({why})" if why else "")
    )


def features(
    frame: pl.DataFrame,
    columns: Sequence[Column],
    where: str,
    words: MissingWords | None = None,
    table: Table | None = None,
) -> pl.DataFrame:
    """Return the columns as the network's preparation expects them: Float64 or String, null where missing.

    Parameters
    ----------
    frame : polars.DataFrame
        A table with these columns, in any order; it may have further columns.
    columns : sequence of Column
        The columns that the network was trained on; text is read in their written forms.
    where : str
        The table's name, for messages.
    words : MissingWords, optional
        The texts that stand for missing values.
    table : Table, optional
        Where the rows come from, for messages.

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
    there = set(frame.columns)
    lacking = [column.name for column in columns if column.name not in there]
    if lacking:
        what = "column" if len(lacking) == 1 else "columns"
        raise Problem(
            f"TABLE: '{where}' lacks the {what} {quoted(lacking)} of the model;"
            f" it has {quoted(frame.columns)}"
        )
    check = _Check(where, words or MissingWords(), table)
    at_once = check.numbers(frame, columns)
    return pl.DataFrame(
        [
            at_once[column.name] if column.name in at_once else check.read(frame[column.name], column)
            for column in columns
        ]
    )


class BadCell(Problem):
    """A cell that is not of its column's kind.

    Parameters
    ----------
    message : str
        One line, with the table's name.
    column : str
        The column's name.
    row : int
        The cell's row, from 0.
    cell : str
        The cell as text.
    expected : str
        What was expected.
    """

    def __init__(self, message: str, column: str, row: int, cell: str, expected: str) -> None:
        super().__init__(message)
        self.column, self.row, self.cell, self.expected = column, row, cell, expected


class _Check:
    """Reads columns; refuses a cell that does not fit, and names its place."""

    def __init__(self, where: str, words: MissingWords, table: Table | None) -> None:
        self._where, self._words, self._table = where, words, table

    def numbers(self, frame: pl.DataFrame, columns: Sequence[Column]) -> dict[str, pl.Series]:
        """Return, by name, the columns of numbers that can be read in one pass."""
        schema = frame.schema
        numbers = [column for column in columns if column.kind == "number"]
        typed = [column.name for column in numbers if schema[column.name].is_numeric()]
        texts = [
            column.name for column in numbers if schema[column.name] == pl.String and column.format is None
        ]
        read = frame.select(
            pl.col(typed).cast(pl.Float64).fill_nan(None),
            stripped(pl.col(texts)).cast(pl.Float64, strict=False).fill_nan(None),
        )
        if not read.width:
            return {}
        gaps = frame.select(stripped(pl.col(texts)).is_in(self._words.of("number")).sum())
        known_gaps = dict(zip(texts, gaps.row(0) if texts else (), strict=True))
        large = read.select((pl.all().abs() > LARGEST_NUMBER).any()).row(0)
        facts = zip(read, read.null_count().row(0), large, strict=True)
        return {
            series.name: series
            for series, missing, too_large in facts
            if not too_large and known_gaps.get(series.name, missing) == missing
        }

    def read(self, series: pl.Series, column: Column) -> pl.Series:
        """Return one column."""
        if series.null_count() == len(series):
            # A column without a value has no type to be wrong.
            return pl.Series(
                column.name, [None] * len(series), pl.Float64 if column.is_numeric else pl.String
            )
        given = series
        if series.dtype == pl.String and column.kind != "category":
            series, strays = column.read(series, self._words)
            self._refuse(given, strays, _EXPECTED[column.kind])
        elif series.dtype == pl.String:
            return column.read(series, self._words)[0]
        return self._converted(given, series, column)

    def _converted(self, given: pl.Series, series: pl.Series, column: Column) -> pl.Series:
        kind = kind_of(series.dtype)
        match column.kind:
            case "number" if kind == "number":
                numbers = series.cast(pl.Float64).fill_nan(None)
                self._refuse(
                    given, (numbers.abs() > LARGEST_NUMBER).fill_null(False), "finite numbers up to 1e100"
                )
                return numbers.alias(column.name)
            case "date" if kind == "date":
                return (series.cast(pl.Datetime("us")).to_physical() / MICROSECONDS_A_DAY).alias(column.name)
            case "duration" if kind == "duration":
                return (series.cast(pl.Duration("us")).to_physical() / MICROSECONDS_A_DAY).alias(column.name)
            case "boolean" if kind in ("boolean", "number", "category"):
                values, strays = column.read(series.cast(pl.String), self._words)
                self._refuse(given, strays, _EXPECTED["boolean"])
                return values.cast(pl.String)
            case "category" if kind is not None:
                return as_text(series)
        value = given.drop_nulls()[0]
        raise Problem(
            f"TABLE: column {shown(column.name)} of '{self._where}' has values such as {shown(value)};"
            f" expected {_EXPECTED[column.kind]}"
        )

    def _refuse(self, given: pl.Series, bad: pl.Series, expected: str) -> None:
        rows = bad.arg_true()
        if not rows.len():
            return
        row, table = rows[0], self._table
        is_text = table is not None and table.is_text
        cell = str(table.frame[given.name][row] if table is not None and is_text else given[row])
        place = f"row {row + 1}" if table is None else table.place(row)
        way_out = f"; {option('--missing', cell.strip())} takes it for missing" if is_text else ""
        raise BadCell(
            f"TABLE: column {shown(given.name)} of '{self._where}' has {shown(cell)} in {place};"
            f" expected {expected}{way_out}",
            *(given.name, row, cell, expected),
        )


_EXPECTED: dict[Kind, str] = {
    "number": "numbers",
    "category": "categories",
    "boolean": "true or false",
    "date": "dates",
    "duration": "times",
}


def _counts(frame: pl.DataFrame, names: list[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the number of missing values and of distinct values in each column."""
    if not names:
        return {}, {}
    known = frame.select(names)
    floats = [name for name, dtype in known.schema.items() if dtype.is_float()]
    if floats:
        known = known.with_columns(pl.col(floats).fill_nan(None))
    missing = dict(zip(names, known.null_count().row(0), strict=True))
    different = dict(zip(names, known.select(pl.all().n_unique()).row(0), strict=True))
    return missing, {name: count - (missing[name] > 0) for name, count in different.items()}
