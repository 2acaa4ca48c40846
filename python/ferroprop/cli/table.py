"""Tables: reading CSV and Parquet, writing predictions."""

import re
from pathlib import Path

import polars as pl

from ferroprop.cli.destination import written
from ferroprop.cli.problem import Problem, first_line

MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?"]
"""What stands for a missing value in a CSV file."""

PARQUET_SUFFIXES = (".parquet", ".pq")
CSV_SUFFIXES = (".csv", ".txt", "")
SEPARATORS = ",;\t|"
QUOTED_FIELD = re.compile(r'"[^"]*"')
COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # gzip, zstandard: polars reads through them


def read_table(path: Path) -> pl.DataFrame:
    """Read a table with at least one column and one row.

    The content decides, not the name: a Parquet file is one that starts like one, everything else has to be
    CSV text with a header line; its separator is the one of ``, ; | tab`` that the header has most of.

    Parameters
    ----------
    path : path
        A CSV file (also gzip or zstandard) or a Parquet file.

    Returns
    -------
    polars.DataFrame
        The table; words such as NA and empty fields of a CSV file are null, dates are dates.

    Raises
    ------
    Problem
        If there is no such file, it is not a table, or it is empty.
    """
    try:
        with path.open("rb") as file:
            start = file.read(65536)
    except IsADirectoryError:
        raise Problem(f"TABLE: '{path}' is a folder; expected a CSV or Parquet file") from None
    except OSError as error:
        raise Problem(f"TABLE: cannot read '{path}': {error.strerror}") from error
    try:
        frame = _read_parquet(path, start) if _is_parquet(path, start) else _read_csv(path, start)
    except pl.exceptions.NoDataError:
        raise Problem(f"TABLE: '{path}' is empty; expected a header line and rows") from None
    except (pl.exceptions.PolarsError, OSError, UnicodeError) as error:
        raise Problem(
            f"TABLE: '{path}' is not a readable CSV or Parquet file: {first_line(error)}"
        ) from error
    if frame.height == 0 or frame.width == 0:
        raise Problem(f"TABLE: '{path}' has a header but no rows; expected at least one row")
    return frame


def check_table_name(path: Path | None, option: str) -> None:
    """Refuse a file to write whose name promises something else than a table.

    Raises
    ------
    Problem
        If the name ends neither like a CSV nor like a Parquet file.
    """
    if path is not None and path.suffix.lower() not in (*CSV_SUFFIXES, *PARQUET_SUFFIXES):
        raise Problem(f"{option}: '{path}' does not end like a table; expected .csv or .parquet")


def write_table(frame: pl.DataFrame, path: Path, option: str) -> None:
    """Write a table, as Parquet if the name ends so and as CSV otherwise, complete or not at all."""
    with written(path, option) as temporary:
        if path.suffix.lower() in PARQUET_SUFFIXES:
            frame.write_parquet(temporary)
        else:
            frame.write_csv(temporary)


def _is_parquet(path: Path, start: bytes) -> bool:
    return start.startswith(b"PAR1") or path.suffix.lower() in PARQUET_SUFFIXES


def _read_parquet(path: Path, start: bytes) -> pl.DataFrame:
    if not start.startswith(b"PAR1"):
        raise Problem(f"TABLE: '{path}' is not a Parquet file, though its name says so")
    return pl.read_parquet(path)


def _read_csv(path: Path, start: bytes) -> pl.DataFrame:
    compressed = start.startswith(COMPRESSED)
    if not compressed and b"\0" in start:
        raise Problem(f"TABLE: '{path}' is not text; expected a CSV file in UTF-8, or a Parquet file")
    return pl.read_csv(
        path,
        separator="," if compressed else _separator(start),
        null_values=MISSING,
        infer_schema_length=None,
        try_parse_dates=True,
    )


def _separator(start: bytes) -> str:
    """Return the separator that the header line has most of, outside of quotes; a comma if it has none."""
    header = start.decode("utf-8", errors="replace").lstrip("\ufeff\r\n").partition("\n")[0]
    unquoted = QUOTED_FIELD.sub("", header)
    return max(SEPARATORS, key=unquoted.count)
