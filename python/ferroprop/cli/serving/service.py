"""The model of a server: rows in, predictions out, without HTTP."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic_core import to_json

from ferroprop.cli.card import Card
from ferroprop.cli.categories import on_unknown_categories, with_known_words
from ferroprop.cli.columns import BadCell, features
from ferroprop.cli.fitting import categories_of, inputs_of
from ferroprop.cli.model_file import load_model, read_card
from ferroprop.cli.predict import on_versions, predictions
from ferroprop.cli.reading.missing import MissingWords
from ferroprop.cli.serving.caught import notes
from ferroprop.cli.serving.rows import EXPECTED, Asked, Fault, Form, Unreadable
from ferroprop.cli.wording import first_line, shown

QUANTILE = "quantile_"
"""The prefix of the names of predicted quantiles."""


@dataclass(frozen=True)
class Answer:
    """The answer to a request: the bytes of a JSON object, and the number of its rows."""

    body: bytes
    n_rows: int


class Service:
    """A fitted model and the form of its requests; several threads may predict at a time.

    Parameters
    ----------
    path : path
        The model file. It is read as ``ferroprop predict`` reads it: nothing in it is run.
    most_rows : int
        The most rows of a request.

    Raises
    ------
    Problem
        If the file cannot be used.
    """

    def __init__(self, path: Path, most_rows: int) -> None:
        self.card: Card = read_card(path)
        self.model: Any = load_model(path)
        self.name = path.name
        self.notes = on_versions(self.card)
        self.has_quantiles = self.card.task == "regression" and self.card.model == "tabular"
        self.form = Form(self.card, most_rows, has_quantiles=self.has_quantiles)
        self._known = categories_of(self.card.model, self.model, self.form.columns)
        missing = self.card.missing
        self._words = MissingWords(missing.everywhere, missing.usual)

    def answer(self, body: bytes) -> Answer:
        """Return the predictions for the rows of a body.

        Raises
        ------
        Unreadable
            If the body is not of the model's form.
        """
        asked = self.form.read(body)
        with notes() as said:
            added = self._predict(asked, said)
        answer = {"rows": added.height, "notes": said, "predictions": added.to_dicts()}
        return Answer(to_json(answer, inf_nan_mode="null"), added.height)

    def warm_up(self) -> None:
        """Predict a row without values, so that the first request need not wait for imports."""
        row = {column.name: [None] for column in self.form.columns}
        kinds = {column.name: pl.String for column in self.form.columns}
        with notes() as said:
            self._predict(Asked(pl.DataFrame(row, schema=kinds), []), said)

    def _predict(self, asked: Asked, said: list[str]) -> pl.DataFrame:
        """Return what `ferroprop.cli.predict` adds to a table of these rows."""
        columns = self.form.columns
        try:
            X = features(asked.rows, columns, "the request", self._words)
        except BadCell as error:
            expected = EXPECTED[next(one.kind for one in columns if one.name == error.column)]
            message = f"rows[{error.row}]: column {shown(error.column)} got {shown(error.cell)}"
            place = ("rows", error.row, error.column)
            raise Unreadable([Fault(place, f"{message}; expected {expected}")]) from None
        X, replaced = with_known_words(X, self._known)
        said += [*replaced, *on_unknown_categories(self._known, X)]
        inputs = inputs_of(self.card.model, X, columns)
        try:
            added = predictions(self.model, self.card, inputs)
            if not asked.quantiles:
                return added
            levels = self.model.predict(inputs, quantiles=asked.quantiles)
        except ValueError as error:  # numbers so large that scaling them overflows
            raise Unreadable([Fault(("rows",), f"rows cannot be predicted: {first_line(error)}")]) from error
        return added.with_columns(
            pl.Series(f"{QUANTILE}{level!r}", np.ascontiguousarray(levels[:, place]))
            for place, level in enumerate(asked.quantiles)
        )
