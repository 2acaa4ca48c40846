"""The split of the rows into training, validation and test."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from ferroprop.cli.target import TaskName

VALIDATION_SHARE = 0.15
"""The fraction of the training rows that are held out for validation."""


@dataclass(frozen=True)
class Split:
    """The row numbers of training and test, and the number of training rows for validation."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    validation_rows: int

    @property
    def validation_fraction(self) -> float:
        """The number of validation rows, as the estimators' `validation_fraction`.

        It is a little less than the quotient, because scikit-learn rounds the product up to a number of rows.
        """
        return (self.validation_rows - 0.5) / len(self.train)


def split_rows(y: NDArray[Any], task: TaskName, test_size: float, seed: int) -> Split:
    """Draw the test rows, stratified by class.

    Parameters
    ----------
    y : ndarray
        The targets.
    task : {'classification', 'regression'}
        Classes are split each in the same proportion.
    test_size : float
        The fraction of the rows for the test. At least two rows are taken, and one per class.
    seed : int
        Seeds the draw of the rows.

    Returns
    -------
    Split
        The rows, each in one part.

    Examples
    --------
    >>> split = split_rows(np.array(["a", "b"] * 10), "classification", test_size=0.2, seed=0)
    >>> len(split.train), len(split.test), split.validation_rows
    (16, 4, 3)
    """
    classes = _n_classes(y, task)
    test_rows = max(math.ceil(test_size * len(y)), classes, 2)
    train, test = train_test_split(
        np.arange(len(y)), test_size=test_rows, random_state=seed, stratify=y if classes else None
    )
    return train_on(train, test, y, task)


def train_on(train: NDArray[np.intp], test: NDArray[np.intp], y: NDArray[Any], task: TaskName) -> Split:
    """Return a split into these rows.

    Parameters
    ----------
    train, test : ndarray of int
        The numbers of the rows.
    y : ndarray
        The targets of all rows.
    task : {'classification', 'regression'}
        Of classes, at least as many rows are for validation as there are classes.
    """
    return Split(train, test, max(math.ceil(VALIDATION_SHARE * len(train)), _n_classes(y, task), 2))


def _n_classes(y: NDArray[Any], task: TaskName) -> int:
    return len(np.unique(y)) if task == "classification" else 0
