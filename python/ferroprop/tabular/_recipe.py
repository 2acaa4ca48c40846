"""The recipe: default settings of members.

Chosen by means over many tables, see docs/tabular.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Recipe:
    """Settings of a member.

    Attributes
    ----------
    hidden_layer_sizes : tuple of int
        Units of the hidden layers.
    learning_rate : float
        The initial learning rate; it falls to 0 along a cosine.
    dropout, weight_decay : float
        The initial values; both are constant for half of the training, then fall to 0 along a cosine.
    batch_size : int
        Rows in a mini-batch.
    epochs : int
        Passes over the rows.
    patience : int or None
        The training ends after this many consecutive epochs without a better one; None never ends it early.
    label_smoothing : float
        The part of each target that is spread over all classes, by their shares of the rows.
    """

    hidden_layer_sizes: tuple[int, ...]
    learning_rate: float
    dropout: float
    weight_decay: float
    batch_size: int
    epochs: int
    patience: int | None = None
    label_smoothing: float = 0.0

    activation = "silu"
    beta_2 = 0.95


FOLDS = 5
"""The fewest folds; with fewer members than that, some folds are never held out."""


@dataclass(frozen=True)
class Tried:
    """The encodings of numbers that are tried, and which of them are kept.

    Attributes
    ----------
    encodings : tuple of str
        The first member is trained with each of them.
    hopeful : float
        The other members are trained with those whose loss was at most this many times the least one, with
        only the best if this is 1.
    alike : float
        The ensemble has the networks of those whose mean loss is at most this many times the least one.
    weighs : bool
        Whether an ensemble tries weights of columns too, with the best encoding of the first member.
    """

    encodings: tuple[Literal["linear", "both", "fine", "values"], ...]
    hopeful: float
    alike: float
    weighs: bool


MOST_INPUTS = 4096
"""With more inputs than this, bins in large number and inputs for values are not tried."""


def tried_for(*, is_classifier: bool) -> Tried:
    """Return the encodings to try for classes, or for numbers."""
    if is_classifier:
        return Tried(("linear", "both", "values"), 1.0, 1.0, weighs=True)
    return Tried(("both", "fine", "values"), 1.25, 1.1, weighs=False)


def recipe_for(
    *, is_classifier: bool, n_rows: int, batch_size: int | None = None, is_alone: bool = False
) -> Recipe:
    """Return the settings for a table.

    Parameters
    ----------
    is_classifier : bool
        Whether classes are learned, or numbers.
    n_rows : int
        The number of rows that a member is trained on.
    batch_size : int or None
        Rows in a mini-batch, if the user chose them.
    is_alone : bool
        Whether there is one member only. The mean of several is not too sure of itself anyway.
    """
    batch_size = batch_size or 128
    steps, least = (4600, 64) if is_classifier else (1150, 32)
    epochs = round(min(512, max(least, steps * batch_size / n_rows)))
    return Recipe(
        hidden_layer_sizes=(128, 128, 128),
        learning_rate=2e-3 if is_classifier else 5e-3,
        dropout=0.15,
        weight_decay=0.1,
        batch_size=batch_size,
        epochs=epochs,
        patience=max(20, epochs // 5) if is_classifier else None,
        label_smoothing=0.1 if is_classifier and is_alone else 0.0,
    )


def scouting(recipe: Recipe, *, is_classifier: bool, n_rows: int) -> Recipe:
    """Return the settings of the short trainings that tell how much columns matter.

    Parameters
    ----------
    recipe : Recipe
        That of the members.
    is_classifier : bool
        Whether classes are learned, or numbers.
    n_rows : int
        The number of rows that each of them is trained on.
    """
    steps = 480 if is_classifier else 240
    epochs = round(min(512, max(8, steps * recipe.batch_size / n_rows)))
    return replace(recipe, epochs=min(recipe.epochs, epochs), patience=None)


def recipe_for_spread() -> Recipe:
    """Return the settings of the networks that predict the size of residuals."""
    return Recipe(
        hidden_layer_sizes=(64, 64),
        learning_rate=5e-3,
        dropout=0.0,
        weight_decay=0.1,
        batch_size=64,
        epochs=32,
    )
