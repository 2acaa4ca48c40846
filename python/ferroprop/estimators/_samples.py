"""Samples, and holding out a part of them."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ferroprop.estimators._sklearn import train_test_split
from ferroprop.estimators._typing import Array

_NUMBERS = 1 << 18
"""Numbers that are copied at a time of rows that stay on disk."""


class CheckedRows:
    """Inputs of several fits with the same targets: an array that `are_plain` has looked at, or rows of it.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        The array.
    rows : ndarray of int or None, default=None
        Which rows of it, that stay where they are; None for all.
    """

    def __init__(self, X: Array, rows: NDArray[np.integer[Any]] | None = None) -> None:
        self.X = X
        self.rows = rows
        self._known: dict[str, Any] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the inputs."""
        return len(self.X if self.rows is None else self.rows), self.X.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        return self.X.dtype

    def once(self, what: str, find_out: Callable[[], Any]) -> Any:
        """Return what the first of the fits finds out."""
        if what not in self._known:
            self._known[what] = find_out()
        return self._known[what]

    def spread(self, values: Array | None) -> Array | None:
        """Return values of the rows at their places in the array, 0 elsewhere."""
        if values is None or self.rows is None:
            return values
        spread = np.zeros((len(self.X), *values.shape[1:]), values.dtype)
        spread[self.rows] = values
        return spread


def are_row_numbers(rows: Any, n_rows: int) -> bool:
    """Tell whether these are numbers of rows, counted from the first, of an array with so many."""
    is_list = isinstance(rows, np.ndarray) and rows.ndim == 1 and rows.dtype.kind in "iu" and rows.size > 0
    return is_list and rows.min() >= 0 and rows.max() < n_rows


class Samples(NamedTuple):
    """Inputs, targets and weights of the same rows; of sequences each is an array or a list of them.

    With `rows` they are these rows of the arrays alone, which stay where they are.
    """

    X: Any
    Y: Any
    sample_weight: Any
    rows: NDArray[np.integer[Any]] | None = None

    @classmethod
    def of(cls, X: Any, Y: Any, sample_weight: Any) -> Samples:
        """Return the samples of a fit."""
        if isinstance(X, CheckedRows):
            return cls(X.X, X.spread(Y), X.spread(sample_weight), X.rows)
        return cls(X, Y, sample_weight)

    @property
    def n_rows(self) -> int:
        """The number of rows, or of sequences; of rows that are elsewhere as they say."""
        if self.Y is None:
            return int(self.X.n_rows)
        return len(self.Y if self.rows is None else self.rows)

    @property
    def targets(self) -> Any:
        """The targets of the rows."""
        return self.Y if self.rows is None else self.Y[self.rows]

    @property
    def weights(self) -> Any:
        """The weights of the rows, None without any."""
        is_whole = self.rows is None or self.sample_weight is None
        return self.sample_weight if is_whole else self.sample_weight[self.rows]

    @property
    def inputs(self) -> Any:
        """The inputs of the rows; with `rows` a copy."""
        return self.X if self.rows is None else self.X[self.rows]

    def blocks(self) -> Iterator[Any]:
        """Yield the inputs, in blocks of rows if they are not copied."""
        if self.rows is None and not stays_in_place(self.X):
            yield self.inputs
            return
        step = max(1, _NUMBERS // max(1, self.X.shape[1]))
        for first in range(0, self.n_rows, step):
            block = slice(first, first + step)
            yield self.X[block] if self.rows is None else self.X[self.rows[block]]

    def outputs(self, network: Any, n_threads: int | None) -> Any:
        """Return the outputs of a network."""
        parts = [network.predict(block, n_threads=n_threads) for block in self.blocks()]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def stays_in_place(X: Any) -> bool:
    """Tell whether these are rows in a file that is mapped into memory, and may be larger than that."""
    if not isinstance(X, np.ndarray) or X.ndim != 2:
        return False
    base: Any = X
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return True
        base = base.base
    return isinstance(base, mmap.mmap)


def mapped(function: Callable[[Array], Any], values: Any) -> Any:
    """Return what a function makes of an array, or of each array of a list."""
    return [function(array) for array in values] if isinstance(values, list) else function(values)


def hold_out(
    samples: Samples,
    fraction: float,
    *,
    labels: Array | None,
    rng: np.random.RandomState,
    in_order: bool,
) -> tuple[Samples, Samples]:
    """Split into a training and a validation part, of the rows that scikit-learn takes.

    With `labels` the split is stratified by them. The rows of each part come in scikit-learn's order, or
    `in_order`, in that of the data. Rows in a file, or of an array of more, are not copied.
    """
    X, Y, sample_weight, rows = samples
    stays = rows is not None or stays_in_place(X)
    arrays = [X, Y] if sample_weight is None else [X, Y, sample_weight]
    split = arrays if not (stays or in_order) else [np.arange(samples.n_rows)]
    try:
        parts = train_test_split(*split, random_state=rng, test_size=fraction, stratify=labels)
    except ValueError as error:
        if "_size" not in str(error):
            raise
        raise ValueError(
            f"early_stopping cannot hold out validation_fraction={fraction:g} of {samples.n_rows} rows: "
            + str(error).replace("test_size", "number to validate").replace("train_size", "number to train")
        ) from None
    of_training, of_validation = parts[::2], parts[1::2]
    if split is not arrays:
        places = [np.sort(part) if in_order else part for (part,) in (of_training, of_validation)]
        if stays:
            listed = places if rows is None else [rows[part] for part in places]
            of_training, of_validation = ([*arrays, *_nothing(arrays), part] for part in listed)
        else:
            of_training, of_validation = ([_taken(array, part) for array in arrays] for part in places)
    held_out = Samples(*of_validation, *_nothing(of_validation))
    if held_out.n_rows < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    return Samples(*of_training, *_nothing(of_training)), held_out


def _nothing(arrays: list[Any]) -> list[None]:
    """Return what stands for weights that are not there."""
    return [None] if len(arrays) == 2 else []


def _taken(array: Any, rows: NDArray[np.integer[Any]]) -> Any:
    return [array[row] for row in rows] if isinstance(array, list) else array[rows]
