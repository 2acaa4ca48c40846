"""Writing the table with the predictions: the user's original text, or typed columns, with columns added."""

import sys
from pathlib import Path

import polars as pl

from ferroprop.cli.destination import written
from ferroprop.cli.problem import Problem
from ferroprop.cli.reading.table import PARQUET_SUFFIXES, OwnText, Table
from ferroprop.cli.wording import first_line, shown

CSV_SUFFIXES = (".csv", ".txt", ".tsv", "")


def check_table_name(path: Path | None, option: str) -> None:
    """Refuse an output file whose name is that of another kind of file than a table.

    Raises
    ------
    Problem
        If the name ends neither like a CSV nor like a Parquet file.
    """
    if path is not None and path.suffix.lower() not in (*CSV_SUFFIXES, *PARQUET_SUFFIXES):
        raise Problem(f"{option}: '{path}' does not end like a table; expected .csv or .parquet")


def is_parquet(path: Path | None) -> bool:
    """Return whether an output file is to be Parquet."""
    return path is not None and path.suffix.lower() in PARQUET_SUFFIXES


def with_free_names(table: Table, added: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Return the added columns under names that are new to the table, and a note on each changed name.

    Examples
    --------
    >>> table = Table("t.csv", pl.DataFrame({"predicted_y": ["a"]}))
    >>> with_free_names(table, pl.DataFrame({"predicted_y": ["b"]}))[0].columns
    ['predicted_y (2)']
    """
    taken, names, notes = set(table.frame.columns), {}, []
    for name in added.columns:
        new, again = name, 2
        while new in taken:
            new, again = f"{name} ({again})", again + 1
        taken.add(new)
        names[name] = new
        if new != name:
            notes.append(f"the table has a column {shown(name)}; the new one is {shown(new)}")
    return added.rename(names), notes


def write_table(table: Table, added: pl.DataFrame, path: Path, decimal: str, option: str) -> list[str]:
    """Write the table with the added columns, as Parquet if the name says so; complete or not at all.

    Parameters
    ----------
    table : Table
        The table; with its original text if both it and the output file are CSV.
    added : polars.DataFrame
        The columns to add, under free names.
    path : path
        The file to write.
    decimal : {'.', ','}
        The decimal sign of the added numbers in CSV.
    option : str
        The option that named the path, for messages.

    Returns
    -------
    list of str
        Notes to the user.
    """
    if is_parquet(path):
        with written(path, option) as temporary:
            pl.concat([table.frame, added], how="horizontal").write_parquet(temporary)
        return []
    content, notes = as_csv(table, added, decimal)
    with written(path, option) as temporary:
        temporary.write_bytes(content)
    return notes


def print_table(table: Table, added: pl.DataFrame, decimal: str) -> list[str]:
    """Write the table with the added columns to standard output, as `write_table` writes CSV."""
    content, notes = as_csv(table, added, decimal)
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
    return notes


def as_csv(table: Table, added: pl.DataFrame, decimal: str) -> tuple[bytes, list[str]]:
    r"""Return the table with the added columns as the bytes of a CSV file, and notes.

    Examples
    --------
    >>> from ferroprop.cli.reading.dialect import Dialect
    >>> own = OwnText("utf-8", b"", Dialect(";"), "", "size", ["0,50"], "\n")
    >>> table = Table("t.csv", pl.DataFrame({"size": ["0,50"]}), own_text=own)
    >>> as_csv(table, pl.DataFrame({"y": [1.5]}), ",")[0]
    b'size;y\n0,50;1,5\n'
    """
    own = table.own_text
    if own is None:
        try:
            text = pl.concat([table.frame, added], how="horizontal").write_csv()
        except pl.exceptions.PolarsError as error:
            raise Problem(
                f"--output: the table cannot be written as CSV, but as .parquet: {first_line(error)}"
            ) from error
        return text.encode(), []
    text = own.before + "".join(line + own.line_break for line in _lines(own, added, decimal))
    try:
        return own.mark + text.encode(own.encoding), []
    except UnicodeEncodeError as error:
        sign = error.object[error.start : error.end]
        return text.encode(), [f"{shown(sign)} cannot be written in {own.encoding}; the output is UTF-8"]


def _lines(own: OwnText, added: pl.DataFrame, decimal: str) -> list[str]:
    dialect = own.dialect
    between = dialect.separator + (" " if dialect.spaced and dialect.separator != " " else "")
    columns = [[_cell(value, decimal, own) for value in column] for column in added]
    lines = (
        []
        if own.header is None
        else [between.join([own.header, *(_cell(n, ".", own) for n in added.columns)])]
    )
    return lines + [between.join(cells) for cells in zip(own.rows, *columns, strict=True)]


def _cell(value: object, decimal: str, own: OwnText) -> str:
    dialect = own.dialect
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value).replace(".", decimal) if isinstance(value, float) else str(value)
    if not any(sign in text for sign in (dialect.separator, dialect.quote or "\n", "\n", "\r")):
        return text
    if not dialect.quote:
        raise Problem(f"--quote: {shown(text)} cannot be written without quotation marks")
    return dialect.quote + text.replace(dialect.quote, 2 * dialect.quote) + dialect.quote
