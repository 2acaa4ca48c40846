"""Remarks on cells of a column that are read, but perhaps not as they are meant."""

from collections.abc import Callable, Sequence

import polars as pl

from ferroprop.cli.reading.column import Column, zone_of
from ferroprop.cli.reading.missing import stripped
from ferroprop.cli.reading.numbers import NumberFormat
from ferroprop.cli.reading.table import Table
from ferroprop.cli.wording import count, option, shown

ZONE = r":\d{2}.*(?:[+-]\d{2}:?\d{2}|Z)$"
"""The end of a date with a time and its offset from UTC."""


def on_units(form: NumberFormat, read: pl.DataFrame, place: Callable[[int], str]) -> list[str]:
    """Return remarks on numbers without the unit that others of their column have, or with another one.

    Parameters
    ----------
    form : NumberFormat
        The written form of the column.
    read : polars.DataFrame
        Each different text that is a number, with the number of its cells and its first row.
    place : callable
        Returns the place of a row in the file.

    Returns
    -------
    list of str
        Empty if all cells have the same unit, or there is none.

    Examples
    --------
    >>> read = pl.DataFrame({"text": ["8.2%", "0.035"], "cells": [3, 1], "row": [0, 1]})
    >>> on_units(NumberFormat(after="%"), read, lambda row: f"line {row + 2}")
    ["1 of 4 cells has no '%' ('0.035' in line 3) and is read as it stands, as '8.2%' is taken as 8.2"]
    """
    if not form.unit:
        return []
    has_unit = form.has_unit(read["text"])
    without, with_unit = read.filter(~has_unit), read.filter(has_unit)
    remarks = []
    if without.height:
        cells = int(without["cells"].sum())
        have = "has" if cells == 1 else "have"
        reads = "is read as it stands" if cells == 1 else "are read as they stand"
        example = with_unit["text"][0]
        number = form.read(pl.Series([example]))[0]
        remarks.append(
            f"{_of_cells(cells, read)} {have} no {form.unit} ({_first(without, place)}) and {reads}, as"
            f" {shown(example)} is taken as {number:.15g}"
        )
    sides = [NumberFormat(before=form.before), NumberFormat(after=form.after)]
    if form.before and form.after:
        alone = [with_unit.filter(~side.has_unit(with_unit["text"])) for side in sides]
        if all(other.height for other in alone):
            examples = [_first(other, place) for other in alone]
            remarks.append(f"its units differ: {examples[1]}, {examples[0]}; they are taken off alike")
    return remarks


def on_other_units(table: Table, columns: Sequence[Column], X: pl.DataFrame) -> list[str]:
    """Return notes on numbers without the unit that all those of the training table had.

    Parameters
    ----------
    table : Table
        A table to predict.
    columns : sequence of Column
        The columns of the model.
    X : polars.DataFrame
        The features that were read from it.

    Returns
    -------
    list of str
        One line for each such column.
    """
    notes = []
    for column in columns:
        if not column.always_unit:
            continue
        series = table.frame[column.name]
        form, rows = column.number_format, series.is_not_null()
        if series.dtype == pl.String:
            rows = X[column.name].is_not_null() & ~form.has_unit(stripped(series))
        if rows.any():
            first, cells = int(rows.arg_true()[0]), count(int(rows.sum()), "cell")
            notes.append(
                f"column {shown(column.name)}: {cells} without the unit {form.unit} that all cells of"
                f" training had ({shown(series[first])} in {table.place(first)}), read as if with it"
            )
    return notes


def on_negatives(column: Column, read: pl.DataFrame, place: Callable[[int], str]) -> list[str]:
    """Return a remark on numbers that are negative without a sign before them; `read` is as for `on_units`.

    Examples
    --------
    >>> loss = Column("loss", "number", NumberFormat(negatives="()"))
    >>> on_negatives(loss, pl.DataFrame({"text": ["(1.5)", "2"], "cells": [3, 1], "row": [0, 1]}), str)
    ["3 of 4 cells in brackets ('(1.5)' in 0) are read as negative numbers; --category loss keeps the texts"]
    """
    form = column.number_format
    if not form.negatives:
        return []
    negative = read.filter(form.has_sign_elsewhere(read["text"]))
    how = {"()": "in brackets", "-": "with a minus behind", "()-": "in brackets or with a minus behind"}
    cells = int(negative["cells"].sum())
    return [
        f"{_of_cells(cells, read)} {how[form.negatives]} ({_first(negative, place)})"
        f" {'is a negative number' if cells == 1 else 'are read as negative numbers'};"
        f" {option('--category', column.name)} keeps the texts"
    ]


def on_zones(column: Column, read: pl.DataFrame, place: Callable[[int], str]) -> list[str]:
    """Return a remark on dates without a time zone among others with one; `read` is as for `on_units`.

    Examples
    --------
    >>> from ferroprop.cli.reading.dates import DateFormat
    >>> day = Column("day", "date", DateFormat(["%Y-%m-%d %H:%M%z", "%Y-%m-%d %H:%M"]))
    >>> texts = ["2024-01-02 03:00Z", "2024-01-02 03:00"]
    >>> on_zones(day, pl.DataFrame({"text": texts, "cells": [3, 1], "row": [0, 1]}), str)
    ["1 of 4 cells has no time zone ('2024-01-02 03:00' in 1) and is taken as UTC"]
    """
    naive = read.filter(~pl.col("text").str.contains(ZONE))
    if column.kind != "date" or naive.height in (0, read.height):
        return []
    cells = int(naive["cells"].sum())
    have, are = ("has", "is") if cells == 1 else ("have", "are")
    return [f"{_of_cells(cells, read)} {have} no time zone ({_first(naive, place)}) and {are} taken as UTC"]


def _of_cells(cells: int, read: pl.DataFrame) -> str:
    """Return how many of the cells that are read these are."""
    return f"{cells:,} of {count(int(read['cells'].sum()), 'cell')}"


def _first(read: pl.DataFrame, place: Callable[[int], str]) -> str:
    """Return the first text with its place."""
    return f"{shown(read['text'][0])} in {place(read['row'][0])}"


def on_other_zones(table: Table, columns: Sequence[Column]) -> list[str]:
    """Return notes on dates with a time zone where those of training had none, or the other way round.

    Parameters
    ----------
    table : Table
        A table to predict.
    columns : sequence of Column
        The columns of the model.

    Returns
    -------
    list of str
        One line for each such column.
    """
    notes = []
    for column in columns:
        dtype = table.frame[column.name].dtype
        zone = column.date_format.has_zone if dtype == pl.String else zone_of(dtype)
        if column.kind != "date" or None in (zone, column.has_zone) or zone == column.has_zone:
            continue
        said = (
            "have a time zone and are converted to UTC; those of training had none and were taken as UTC"
            if zone
            else "have no time zone and are taken as UTC; those of training had one"
        )
        notes.append(f"column {shown(column.name)}: its dates {said}")
    return notes
