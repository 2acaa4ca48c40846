"""A model and rows whose targets are known: what `ferroprop evaluate` and `ferroprop report` judge."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ferroprop.cli.card import Card, Score
from ferroprop.cli.categories import on_unknown_categories, with_known_words
from ferroprop.cli.columns import features
from ferroprop.cli.console import Notes
from ferroprop.cli.fitting import categories_of, inputs_of
from ferroprop.cli.model_file import load_model, read_card
from ferroprop.cli.predict import columns_as_written
from ferroprop.cli.problem import Problem
from ferroprop.cli.reading.column import Column
from ferroprop.cli.reading.kinds import Wishes, decide
from ferroprop.cli.reading.missing import MissingWords
from ferroprop.cli.reading.remarks import on_other_units, on_other_zones
from ferroprop.cli.reading.table import Layout, Table, read_table
from ferroprop.cli.scores import score_both, train_baseline
from ferroprop.cli.target import TaskName
from ferroprop.cli.wording import count, quoted, shown, suggestion
from ferroprop.tabular import DataWarning

Array = NDArray[Any]


@dataclass(frozen=True)
class Judged:
    """A model's file and a table's; `wishes` is how the table differs from the training table."""

    model: Path
    table: Path
    layout: Layout
    missing: list[str]
    wishes: Wishes


@dataclass
class Subject:
    """A model, and the rows that the page is about; of a classifier, `y` has the numbers of the classes."""

    card: Card
    model: Any
    columns: Any
    X: pl.DataFrame
    y: Array
    outputs: Array | None = None

    @property
    def is_classifier(self) -> bool:
        """Whether the model predicts classes."""
        return self.card.task == "classification"

    @property
    def labels(self) -> Array:
        """The targets as the model has them."""
        return self.model.classes_[self.y] if self.is_classifier else self.y

    @property
    def predicted(self) -> Array:
        """The predictions: numbers of classes, or numbers."""
        assert self.outputs is not None
        return self.outputs.argmax(axis=1) if self.is_classifier else self.outputs

    def predict(self) -> None:
        """Compute the outputs for all rows."""
        rows = inputs_of(self.card.model, self.X, self.columns)
        self.outputs = np.asarray(
            self.model.predict_proba(rows) if self.is_classifier else self.model.predict(rows), dtype=float
        )

    def scores(self) -> list[Score]:
        """Return the scores on the rows, beside those of a baseline that knows their mean or shares."""
        rows = inputs_of(self.card.model, self.X, self.columns)
        return score_both(
            self.card.task, self.model, train_baseline(self.card.task, self.labels), rows, self.labels
        )


def judged(request: Judged, notes: Notes) -> tuple[Subject, str]:
    """Read a model and a table, and predict.

    Parameters
    ----------
    request : Judged
        The files.
    notes : Notes
        Gets what is strange in the table.

    Returns
    -------
    subject : Subject
        The model and the rows, with its outputs.
    table : str
        The name of the table.

    Raises
    ------
    Problem
        If a file cannot be used, or the table does not suit the model or lacks the target.
    """
    card = read_card(request.model)
    columns = columns_as_written(card, request.wishes)
    words = MissingWords([*card.missing.everywhere, *request.missing], card.missing.usual)
    asked = Asked(card.target, card.task, card.classes, columns, words)
    X, y, name = rows_of(request.table, request.layout, asked, request.wishes, notes)
    model = load_model(request.model)
    return subject_of(card, model, columns, X, y, notes), name


@dataclass(frozen=True)
class Asked:
    """What rows with known targets must have: the target, its classes if it has any, and the columns."""

    target: str
    task: TaskName
    classes: Sequence[str]
    columns: Sequence[Column]
    words: MissingWords


def rows_of(
    path: Path, layout: Layout, asked: Asked, wishes: Wishes, notes: Notes, argument: str = "TABLE"
) -> tuple[pl.DataFrame, Array, str]:
    """Read the rows of a table whose targets are known.

    Returns
    -------
    X : polars.DataFrame
        The features.
    y : ndarray
        The targets, of classes their numbers.
    name : str
        The name of the table.
    """
    try:
        table = read_table(path, layout, [column.name for column in asked.columns])
        notes.add(*table.notes)
        X = features(table.frame, asked.columns, table.name, asked.words, table)
        notes.add(*on_other_units(table, asked.columns, X), *on_other_zones(table, asked.columns))
        rows, y = _targets(asked, table, wishes, notes)
    except Problem as problem:
        raise Problem(str(problem).replace("TABLE:", f"{argument}:", 1)) from None
    return X.filter(rows), y, table.name


def subject_of(
    card: Card, model: Any, columns: Sequence[Column], X: pl.DataFrame, y: Array, notes: Notes
) -> Subject:
    """Return a model and rows with known targets, with the outputs."""
    known = categories_of(card.model, model, columns)
    X, replaced = with_known_words(X, known)
    notes.add(*replaced, *on_unknown_categories(known, X), *_on_copies(X, y))
    subject = Subject(card, model, columns, X, y)
    with noting_doubts(notes):
        subject.predict()
    return subject


@contextmanager
def noting_doubts(notes: Notes, prefix: str = "") -> Iterator[None]:
    """Add the warnings of an estimator about the table to the notes, each once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        yield
    for one in caught:
        if not issubclass(one.category, DataWarning):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        elif (text := f"{prefix}{one.message}") not in notes.said:
            notes.add(text)


def _targets(asked: Asked, table: Table, wishes: Wishes, notes: Notes) -> tuple[pl.Series, Array]:
    """Return which rows have a target that the model knows, and these targets."""
    name = asked.target
    if name not in table.frame.columns:
        meant = suggestion(name, table.frame.columns)
        if not meant.startswith("did"):
            meant = "expected a table with it; without it there are only predictions (ferroprop predict)"
        raise Problem(f"TABLE: '{table.name}' lacks the target {shown(name)} of the model; {meant}")
    only = replace(table, frame=table.frame.select(name), notes=[])
    series = decide(only, asked.words, Wishes({}, wishes.decimal, {})).frame[name]
    if asked.task == "regression":
        if not series.dtype.is_numeric():
            cell = series.drop_nulls()[0] if series.null_count() < len(series) else None
            raise Problem(
                f"TABLE: column {shown(name)} of '{table.name}' has values such as {shown(cell)}; "
                "expected numbers"
            )
        values = series.cast(pl.Float64).fill_nan(None)
    else:
        if series.dtype.is_float() and bool((series == series.floor()).all()):
            series = series.cast(pl.Int64)
        places = {label: place for place, label in enumerate(asked.classes)}
        texts = series.cast(pl.String)
        values = pl.Series([places.get(text) for text in texts], dtype=pl.Int64)
        unknown = sorted(set(texts.drop_nulls()) - places.keys())
        if unknown:
            what = "a class" if len(unknown) == 1 else "classes"
            notes.add(f"{quoted(unknown)}: {what} that training did not have; such rows are left out")
    rows = values.is_not_null()
    if rows.sum() < 2:
        raise Problem(
            f"TABLE: column {shown(name)} of '{table.name}' has {count(int(rows.sum()), 'known target')}; "
            "expected at least 2"
        )
    if rows.sum() < len(rows) and series.null_count():
        notes.add(f"{count(series.null_count(), 'row')} without {shown(name)} left out")
    return rows, values.drop_nulls().to_numpy()


def _on_copies(X: pl.DataFrame, y: Array) -> list[str]:
    """Return a note on rows that occur in the table more than once."""
    copies = X.height - X.hstack([pl.Series("", y)]).n_unique()
    if not copies:
        return []
    rows = f"{count(copies, 'row')} of {X.height:,}"
    return [f"{rows} equal another one in the target and all columns that the model uses"]
