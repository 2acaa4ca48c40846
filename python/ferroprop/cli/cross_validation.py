"""``ferroprop train --cv``: scores of models that were each trained without one fold of the rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

from ferroprop.cli.card import Score
from ferroprop.cli.problem import Problem
from ferroprop.cli.target import TaskName
from ferroprop.cli.wording import count, shown


@dataclass(frozen=True)
class Fold:
    """The row numbers of one fold: those to train on, and those to score."""

    number: int
    train: NDArray[np.intp]
    test: NDArray[np.intp]


def folds_of(
    y: NDArray[Any], task: TaskName, n_folds: int, seed: int, option: str = "--cv"
) -> Iterator[Fold]:
    """Divide the rows into folds; each class equally often in each.

    Parameters
    ----------
    y : ndarray
        The targets.
    task : {'classification', 'regression'}
        Classes are divided each in the same proportion.
    n_folds : int
        The number of folds.
    seed : int
        Seeds the division.
    option : str
        The option that asked for folds, for messages.

    Raises
    ------
    Problem
        If there are fewer rows, or fewer rows of a class, than folds.

    Examples
    --------
    >>> y = np.array(["a", "b"] * 6)
    >>> [sorted(y[fold.test].tolist()) for fold in folds_of(y, "classification", 3, seed=0)][0]
    ['a', 'a', 'b', 'b']
    """
    if task == "regression":
        if len(y) < 2 * n_folds:
            raise Problem(
                f"{option}: {n_folds} folds of {count(len(y), 'row')}; expected at least 2 rows for each fold"
            )
        division: Any = KFold(n_folds, shuffle=True, random_state=seed)
    else:
        labels, counts = np.unique(y, return_counts=True)
        if counts.min() < n_folds:
            raise Problem(
                f"{option}: {n_folds} folds, but class {shown(labels[counts.argmin()])} has "
                f"{count(int(counts.min()), 'row')}; expected at least one for each fold"
            )
        division = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    for number, (train, test) in enumerate(division.split(np.zeros((len(y), 1)), y), start=1):
        yield Fold(number, train, test)


def summary(of_folds: Sequence[Sequence[Score]]) -> list[Score]:
    """Return the mean of each score over the folds, with its standard deviation.

    A score that not every fold has is left out.

    Parameters
    ----------
    of_folds : sequence of sequence of Score
        The scores of each fold.

    Examples
    --------
    >>> folds = [[Score("accuracy", 0.8, 0.5, True)], [Score("accuracy", 0.9, 0.5, True)]]
    >>> mean = summary(folds)[0]
    >>> round(mean.network, 2), round(mean.deviation, 4)
    (0.85, 0.0707)
    """
    names = [score.name for score in of_folds[0]]
    found = []
    for name in names:
        same = [score for fold in of_folds for score in fold if score.name == name]
        if len(same) == len(of_folds):
            ours = [score.network for score in same]
            baseline = float(np.mean([score.baseline for score in same]))
            deviation = float(np.std(ours, ddof=1))
            found.append(Score(name, float(np.mean(ours)), baseline, same[0].more_is_better, deviation))
    return found
