"""The recipe: default settings of members.

Chosen by means over many tables, see docs/tabular.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


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
    """

    hidden_layer_sizes: tuple[int, ...]
    learning_rate: float
    dropout: float
    weight_decay: float
    batch_size: int
    epochs: int
    patience: int | None = None

    activation = "silu"
    beta_2 = 0.95


FOLDS = 5
"""The fewest folds; with fewer members than that, some folds are never held out."""

_Tried: TypeAlias = tuple[Literal["linear", "both", "fine"], ...]
TRIED_ON_CLASSES: _Tried = ("linear", "both")
TRIED_ON_NUMBERS: _Tried = ("both", "fine")
"""The encodings of numbers that the first member is trained with, to choose among them."""

MOST_INPUTS = 4096
"""With more inputs than this the fine encoding is not tried."""


def recipe_for(*, is_classifier: bool, n_rows: int, batch_size: int | None = None) -> Recipe:
    """Return the settings for a table.

    Parameters
    ----------
    is_classifier : bool
        Whether classes are learned, or numbers.
    n_rows : int
        The number of rows that a member is trained on.
    batch_size : int or None
        Rows in a mini-batch, if the user chose them.
    """
    batch_size = batch_size or 128
    steps, least = (4600, 64) if is_classifier else (2300, 32)
    epochs = round(min(512, max(least, steps * batch_size / n_rows)))
    return Recipe(
        hidden_layer_sizes=(128, 128, 128),
        learning_rate=2e-3 if is_classifier else 5e-3,
        dropout=0.15,
        weight_decay=0.1,
        batch_size=batch_size,
        epochs=epochs,
        patience=max(20, epochs // 5) if is_classifier else None,
    )


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
