"""The categories that a model has seen, and those of a table to predict."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from ferroprop.cli.reading.missing import USUAL_WORDS
from ferroprop.cli.wording import quoted, shown

MISSING_CATEGORY = "(missing)"


class KnownCategories(NamedTuple):
    """The categories that a column had in training."""

    names: set[str]
    are_all: bool = True
    """Whether these are all categories; the encoding may have merged rare ones."""


def with_known_words(
    X: pl.DataFrame, categories: Mapping[str, KnownCategories]
) -> tuple[pl.DataFrame, list[str]]:
    """Treat empty cells and a word for missing alike in columns where the training table had one of them.

    Files change between programs: R writes NA where pandas writes nothing.
    """
    notes = []
    for name, (known, _) in categories.items():
        values = set(X[name].unique().to_list())
        words = [word for word in USUAL_WORDS if word in known]
        if None in values and MISSING_CATEGORY not in known and len(words) == 1:
            X = X.with_columns(pl.col(name).fill_null(words[0]))
            notes.append(f"column {shown(name)}: empty cells are taken for {shown(words[0])}, as in training")
        new = [word for word in USUAL_WORDS if word in values and word not in known]
        if new and MISSING_CATEGORY in known:
            X = X.with_columns(pl.col(name).replace(new, None))
            notes.append(f"column {shown(name)}: {quoted(new)} is missing, as empty cells were in training")
    return X, notes


def on_unknown_categories(categories: Mapping[str, KnownCategories], X: pl.DataFrame) -> list[str]:
    """Return a note on each column with categories that training did not have."""
    notes = []
    for name, (known, are_all) in categories.items():
        values = X[name].fill_null(MISSING_CATEGORY).unique(maintain_order=True).to_list()
        unknown = [value for value in values if value not in known]
        if unknown and are_all:
            notes.append(f"column {shown(name)} has categories that training did not: {quoted(unknown)}")
    return notes
