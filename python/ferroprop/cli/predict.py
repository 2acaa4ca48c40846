"""``ferroprop predict``: the predictions of a saved model for the rows of a table."""

import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import sklearn
from rich.console import Console

from ferroprop.cli.card import Card
from ferroprop.cli.categories import on_unknown_categories, with_known_words
from ferroprop.cli.columns import features
from ferroprop.cli.console import Notes, print_json, progress_console, results_console, say
from ferroprop.cli.destination import check_destinations
from ferroprop.cli.fitting import categories_of, inputs_of
from ferroprop.cli.model_file import load_model, read_card
from ferroprop.cli.output import check_table_name, is_parquet, print_table, with_free_names, write_table
from ferroprop.cli.problem import Problem
from ferroprop.cli.reading.column import Column
from ferroprop.cli.reading.dates import DateFormat
from ferroprop.cli.reading.decisions import notes_on_words
from ferroprop.cli.reading.kinds import Wishes
from ferroprop.cli.reading.missing import MissingWords
from ferroprop.cli.reading.remarks import on_other_units, on_other_zones
from ferroprop.cli.reading.table import Layout, Table, read_table
from ferroprop.cli.report import PREVIEW_ROWS, PROBABILITY, predictions_table
from ferroprop.cli.wording import count, first_line, quoted, shown
from ferroprop.tabular import DataWarning


@dataclass(frozen=True)
class Request:
    """The options of the command; `wishes` is how this table differs from the training table."""

    model: Path
    table: Path
    output: Path | None
    layout: Layout
    missing: list[str]
    wishes: Wishes
    quiet: bool
    as_json: bool


def predict(request: Request) -> None:
    """Predict, and write the table with the predictions beside its columns.

    Without an output file, CSV text goes to standard output; if that is a terminal, the first rows are shown.

    Parameters
    ----------
    request : Request
        The options.

    Raises
    ------
    Problem
        If a file cannot be used or the columns do not suit the model.
    """
    output = request.output
    check_destinations({"--output": output}, {"TABLE": request.table, "MODEL": request.model})
    check_table_name(output, "--output")
    card = read_card(request.model)
    columns = columns_as_written(card, request.wishes)
    notes = Notes(progress_console(quiet=request.quiet))
    keep_text = not is_parquet(output)
    table = read_table(request.table, request.layout, [c.name for c in columns], keep_text=keep_text)
    notes.add(*table.notes)
    words = MissingWords([*card.missing.everywhere, *request.missing], card.missing.usual)
    X = features(table.frame, columns, table.name, words, table)
    notes.add(
        *notes_on_words(table, columns, words),
        *on_other_units(table, columns, X),
        *on_other_zones(table, columns),
    )
    model = load_model(request.model)
    notes.add(*on_versions(card))

    if X.is_empty():
        notes.add(f"'{table.name}' has no rows")
        added = predictions_of_nothing(card)
    else:
        known = categories_of(card.model, model, columns)
        X, replaced = with_known_words(X, known)
        notes.add(*replaced, *on_unknown_categories(known, X))
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", DataWarning)
                added = predictions(model, card, inputs_of(card.model, X, columns))
        except ValueError as error:  # numbers so large that scaling them overflows
            raise Problem(f"TABLE: '{table.name}' cannot be predicted: {first_line(error)}") from error
        notes.add(*(str(warning.message) for warning in caught))
    added, renamed = with_free_names(table, added)
    notes.add(*renamed)
    _hand_over(request, table, added, request.wishes.decimal or card.decimal, notes)


def columns_as_written(card: Card, wishes: Wishes) -> list[Column]:
    """Return the model's columns, with the written forms that the user gives."""
    names = [column.name for column in card.columns if column.kind == "date"]
    for name in wishes.date_formats:
        if name and name not in names:
            raise Problem(
                f"--date-format: {shown(name)} is no column of dates of the model; it has {quoted(names)}"
            )
    columns = []
    for column in card.columns:
        date_format = wishes.date_formats.get(column.name, wishes.date_formats.get(""))
        if column.kind == "date" and date_format is not None:
            column = replace(column, format=DateFormat([date_format]), zoned=column.has_zone)
        elif column.kind == "number" and wishes.decimal is not None:
            form = column.number_format
            other = {".": ",", ",": "."}[wishes.decimal]
            thousands = form.thousands if form.decimal == wishes.decimal else other if form.thousands else ""
            form = replace(form, decimal=wishes.decimal, thousands=thousands)
            column = replace(column, format=None if form.is_plain else form)
        columns.append(column)
    return columns


def _hand_over(request: Request, table: Table, added: pl.DataFrame, decimal: str, notes: Notes) -> None:
    """Write or show the predictions."""
    output = request.output
    if output is not None:
        notes.add(*write_table(table, added, output, decimal, "--output"))
    if request.as_json:
        rows = (
            []
            if output is not None
            else [
                {"line" if table.is_text else "row": _number(table, row), **values}
                for row, values in enumerate(added.iter_rows(named=True))
            ]
        )
        said = {"rows": added.height, "output": None if output is None else str(output), "notes": notes.said}
        print_json({**said, "predictions": rows})
    elif output is not None:
        say(results_console(), f"Wrote {count(added.height, 'row')}: {output}")
    elif sys.stdout.isatty():
        _preview(results_console(), added)
    else:
        notes.add(*print_table(table, added, decimal))


def _number(table: Table, row: int) -> int:
    return row + 1 if table.lines is None else int(table.lines[row])


def predictions_of_nothing(card: Card) -> pl.DataFrame:
    """Return the columns of `predictions`, without a row."""
    probabilities = [f"{PROBABILITY}{label}" for label in card.classes]
    kind = pl.Float64 if card.task == "regression" else pl.String
    return pl.DataFrame(schema={f"predicted_{card.target}": kind, **dict.fromkeys(probabilities, pl.Float64)})


def predictions(model: Any, card: Card, X: pl.DataFrame) -> pl.DataFrame:
    """Return the predictions as columns: ``predicted_TARGET``, and ``probability_CLASS`` for each class.

    Parameters
    ----------
    model : estimator
        The fitted model.
    card : Card
        The card of the model.
    X : polars.DataFrame
        The features of the rows, in the form that the model takes.

    Returns
    -------
    polars.DataFrame
        One row for each of `X`.
    """
    name = f"predicted_{card.target}"
    if card.task == "regression":
        return pl.DataFrame({name: np.asarray(model.predict(X), dtype=np.float64)})
    probabilities = model.predict_proba(X)
    labels = model.classes_[probabilities.argmax(axis=1)]
    columns = {f"{PROBABILITY}{label}": probabilities[:, index] for index, label in enumerate(card.classes)}
    return pl.DataFrame({name: labels.tolist(), **columns})


def on_versions(card: Card) -> list[str]:
    """Return a note if another version of scikit-learn trained the model."""
    trained = card.versions.get("scikit-learn")
    if trained == sklearn.__version__:
        return []
    return [f"the model was trained with scikit-learn {trained}, this is {sklearn.__version__}"]


def _preview(console: Console, added: pl.DataFrame) -> None:
    console.print(predictions_table(added))
    if added.height > PREVIEW_ROWS:
        console.print(f"The first {PREVIEW_ROWS} of {added.height:,} rows; all of them with --output FILE.")
