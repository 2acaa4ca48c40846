"""Greedy selection: which candidates of a search make the best ensemble, by predictions of rows left out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ferroprop.ensemble import _sklearn
from ferroprop.ensemble._cross_validation import out_of_fold
from ferroprop.estimators._typing import Array, MatrixLike, TargetLike


def greedy_selection(
    predictions: ArrayLike,
    y: Any,
    loss: Callable[[Any, Array], float],
    *,
    n_members: int = 25,
) -> NDArray[np.intp]:
    """Select members of an ensemble one after the other, each the one that helps most.

    Members are drawn with replacement [1]_: a candidate that is selected twice counts twice in the mean. The
    selection with the least loss on the way is returned.

    Parameters
    ----------
    predictions : array-like of shape (n_candidates, n_samples) or (n_candidates, n_samples, n_outputs)
        What each candidate predicts for rows that it was not trained on: `out_of_fold_predictions`. One whose
        predictions are all NaN is never a member.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The targets, as `loss` takes them.
    loss : callable
        ``loss(y, prediction)`` returns how bad a prediction is: `sklearn.metrics.log_loss` for example.
    n_members : int, default=25
        The most members, repetitions included.

    Returns
    -------
    counts : ndarray of shape (n_candidates,)
        How many times each candidate is a member.

    Raises
    ------
    ValueError
        If there is no candidate, `n_members` is not positive, or no loss is a finite number.

    References
    ----------
    .. [1] R. Caruana, A. Niculescu-Mizil, G. Crew, A. Ksikes, "Ensemble selection from libraries of models",
       ICML 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from ferroprop.ensemble import greedy_selection
    >>> y = np.array([0.0, 1.0, 2.0])
    >>> predictions = [y + 1.0, y - 1.0, y + 5.0]
    >>> greedy_selection(predictions, y, lambda y, prediction: np.abs(y - prediction).mean())
    array([1, 1, 0])
    """
    candidates = np.asarray(predictions, dtype=np.float64)
    if candidates.ndim < 2 or len(candidates) == 0:
        raise ValueError(
            "predictions must have a row of predictions for each of at least one candidate, got an array of "
            f"shape {candidates.shape}."
        )
    if isinstance(n_members, bool) or not isinstance(n_members, Integral):
        raise TypeError(f"n_members must be an integer from 1 on, got {n_members!r}.")
    if not callable(loss):
        raise TypeError(f"loss must be a function of targets and predictions, got {loss!r}.")
    if n_members < 1:
        raise ValueError(f"n_members must be at least 1, got {n_members}.")
    has_failed = np.isnan(candidates.reshape(len(candidates), -1)).all(axis=1)
    if has_failed.all():
        raise ValueError("predictions must have numbers of some candidate, got NaN only.")
    total = np.zeros(candidates.shape[1:])
    counts = np.zeros(len(candidates), dtype=np.intp)
    best_loss, best = np.inf, counts
    for size in range(1, n_members + 1):
        losses = np.full(len(candidates), np.nan)
        for place in np.flatnonzero(~has_failed):
            losses[place] = loss(y, (total + candidates[place]) / size)
        if not np.isfinite(losses).any():
            raise ValueError(f"loss must return a finite number for some candidate, got {losses}.")
        chosen = int(np.nanargmin(np.where(np.isfinite(losses), losses, np.nan)))
        total = total + candidates[chosen]
        counts = counts.copy()
        counts[chosen] += 1
        if losses[chosen] < best_loss:
            best_loss, best = losses[chosen], counts
    return best


def out_of_fold_predictions(search: Any, X: MatrixLike, y: TargetLike, *, method: str = "predict") -> Array:
    """Predict each row by the estimators of a search that were not trained on it.

    Parameters
    ----------
    search : GridSearchCV or RandomizedSearchCV
        A fitted search with ``return_estimators=True``.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The inputs that the search was fitted to.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Its targets.
    method : str, default="predict"
        The method that predicts: ``"predict_proba"`` for probabilities.

    Returns
    -------
    predictions : ndarray of shape (n_candidates, n_samples) or (n_candidates, n_samples, n_outputs)
        The predictions of each candidate; NaN for rows that no split leaves out, and for a candidate of which
        a fit has failed.

    Raises
    ------
    ValueError
        If the search has kept no estimators, or a fit of each candidate has failed.

    Examples
    --------
    >>> from ferroprop import MLPClassifier
    >>> from ferroprop.ensemble import greedy_selection, out_of_fold_predictions
    >>> from ferroprop.model_selection import GridSearchCV
    >>> from sklearn.metrics import log_loss
    >>> X, y = [[0.0], [0.1], [0.2], [0.8], [0.9], [1.0]], [0, 0, 0, 1, 1, 1]
    >>> mlp = MLPClassifier((3,), solver="rprop", max_iter=50, n_iter_no_change=5, random_state=0)
    >>> search = GridSearchCV(mlp, {"alpha": [0.0, 0.1]}, cv=3, return_estimators=True).fit(X, y)
    >>> predictions = out_of_fold_predictions(search, X, y, method="predict_proba")
    >>> predictions.shape
    (2, 6, 2)
    >>> int(greedy_selection(predictions, y, log_loss).sum()) > 0
    True
    """
    if not hasattr(search, "held_out_"):
        raise ValueError(
            "search must be fitted by this version with return_estimators=True, got one without held_out_."
        )
    X, y = _sklearn.indexable(X, y)
    known: dict[int, Array] = {}
    for place, (estimators, held_out) in enumerate(zip(search.estimators_, search.held_out_, strict=True)):
        with suppress(_sklearn.NotFittedError):  # a fit that failed
            known[place] = out_of_fold(estimators, method, X, [np.asarray(rows) for rows in held_out])[0]
    if not known:
        raise ValueError("search must have a candidate of which no fit has failed, got none.")
    predictions = np.full((len(search.estimators_), *next(iter(known.values())).shape), np.nan)
    for place, prediction in known.items():
        predictions[place] = prediction
    return predictions
