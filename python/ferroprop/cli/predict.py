"""``ferroprop predict``: the predictions of a saved model for the rows of a table."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import sklearn
from rich.console import Console

from ferroprop.cli.card import Card
from ferroprop.cli.columns import Column, features
from ferroprop.cli.console import note, progress_console, results_console
from ferroprop.cli.destination import check_destinations
from ferroprop.cli.model_file import load_pipeline, read_card
from ferroprop.cli.pipeline import MISSING_CATEGORY, known_categories
from ferroprop.cli.problem import Problem, first_line, quoted
from ferroprop.cli.report import PREVIEW_ROWS, PROBABILITY, predictions_table
from ferroprop.cli.table import check_table_name, read_table, write_table


def predict(model: Path, table: Path, output: Path | None, *, quiet: bool) -> None:
    """Predict, and write the table with the predictions beside its columns.

    Without `output` CSV text goes to standard output, or, if that is a terminal, a look at the first rows.

    Parameters
    ----------
    model : path
        A file that ``ferroprop train --save`` wrote.
    table : path
        Rows with at least the columns that the model needs.
    output : path or None
        The file to write.
    quiet : bool
        No notes.

    Raises
    ------
    Problem
        If a file cannot be used or the columns do not suit the model.
    """
    check_destinations({"--output": output}, {"TABLE": table, "MODEL": model})
    check_table_name(output, "--output")
    card = read_card(model)
    frame = read_table(table)
    X = features(frame, card.columns, table.name)
    pipeline = load_pipeline(model)
    notes = progress_console(quiet=quiet)
    _note_versions(notes, card)
    _note_unknown_categories(notes, pipeline, card.columns, X)

    try:
        added = predictions(pipeline, card, X)
    except ValueError as error:  # numbers so large that scaling them overflows
        raise Problem(f"TABLE: '{table.name}' cannot be predicted: {first_line(error)}") from error
    complete = frame.with_columns(added)
    if output is not None:
        write_table(complete, output, "--output")
        results_console().print(f"Wrote {complete.height:,} rows: {output}", soft_wrap=True)
    elif sys.stdout.isatty():
        _preview(results_console(), added)
    else:
        sys.stdout.write(complete.write_csv())


def predictions(pipeline: Any, card: Card, X: pl.DataFrame) -> pl.DataFrame:
    """Return the predictions as columns: ``predicted_TARGET``, and ``probability_CLASS`` for each class.

    Parameters
    ----------
    pipeline : Pipeline
        The fitted pipeline.
    card : Card
        Its card.
    X : polars.DataFrame
        The rows' features.

    Returns
    -------
    polars.DataFrame
        One row for each of `X`.
    """
    name = f"predicted_{card.target}"
    if card.task == "regression":
        return pl.DataFrame({name: np.asarray(pipeline.predict(X), dtype=np.float64)})
    probabilities = pipeline.predict_proba(X)
    labels = pipeline.classes_[probabilities.argmax(axis=1)]
    columns = {f"{PROBABILITY}{label}": probabilities[:, index] for index, label in enumerate(card.classes)}
    return pl.DataFrame({name: labels.tolist(), **columns})


def _note_versions(console: Console, card: Card) -> None:
    trained = card.versions.get("scikit-learn")
    if trained != sklearn.__version__:
        note(console, f"the model was trained with scikit-learn {trained}, this is {sklearn.__version__}")


def _note_unknown_categories(console: Console, pipeline: Any, columns: list[Column], X: pl.DataFrame) -> None:
    for name, known in known_categories(pipeline, columns).items():
        values = X[name].fill_null(MISSING_CATEGORY).unique(maintain_order=True).to_list()
        unknown = [value for value in values if value not in known]
        if unknown:
            note(console, f"column '{name}' has categories that training did not: {quoted(unknown)}")


def _preview(console: Console, added: pl.DataFrame) -> None:
    console.print(predictions_table(added))
    if added.height > PREVIEW_ROWS:
        console.print(f"The first {PREVIEW_ROWS} of {added.height:,} rows; all of them with --output FILE.")
