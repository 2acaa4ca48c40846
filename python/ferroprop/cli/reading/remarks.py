"""Remarks on cells of a column that are read, but perhaps not as they are meant."""

from collections.abc import Callable, Sequence

import polars as pl

from ferroprop.cli.reading.column import Column
from ferroprop.cli.reading.missing import MissingWords, stripped
from ferroprop.cli.reading.numbers import NumberFormat
from ferroprop.cli.reading.table import Table
from ferroprop.cli.wording import count, shown


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
            f"{cells:,} of {count(int(read['cells'].sum()), 'cell')} {have} no {form.unit}"
            f" ({shown(without['text'][0])} in {place(without['row'][0])}) and {reads}, as"
            f" {shown(example)} is taken as {number:.15g}"
        )
    sides = [NumberFormat(before=form.before), NumberFormat(after=form.after)]
    if form.before and form.after:
        alone = [with_unit.filter(~side.has_unit(with_unit["text"])) for side in sides]
        if all(other.height for other in alone):
            examples = [f"{shown(other['text'][0])} in {place(other['row'][0])}" for other in alone]
            remarks.append(f"its units differ: {examples[1]}, {examples[0]}; they are taken off alike")
    return remarks


def on_other_units(table: Table, columns: Sequence[Column], words: MissingWords) -> list[str]:
    """Return notes on numbers without the unit that all those of the training table had.

    Parameters
    ----------
    table : Table
        A table to predict.
    columns : sequence of Column
        The columns of the model.
    words : MissingWords
        The texts that stand for missing values.

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
            rows = column.read(series, words)[0].is_not_null() & ~form.has_unit(stripped(series))
        if rows.any():
            first, cells = int(rows.arg_true()[0]), count(int(rows.sum()), "cell")
            notes.append(
                f"column {shown(column.name)}: {cells} without the unit {form.unit} that all cells of"
                f" training had ({shown(series[first])} in {table.place(first)}), read as if with it"
            )
    return notes
