"""scikit-learn's functions, run by our backend."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import joblib

from ferroprop.model_selection import _sklearn
from ferroprop.model_selection._backend import FerropropBackend
from ferroprop.model_selection._documentation import adapted

Function = TypeVar("Function", bound=Callable[..., Any])

_DATA = """
    >>> from ferroprop import MLPClassifier
    >>> from ferroprop.model_selection import {name}
    >>> X, y = [[0.0], [0.1], [0.2], [0.8], [0.9], [1.0]], [0, 0, 0, 1, 1, 1]
    >>> mlp = MLPClassifier((3,), solver="rprop", max_iter=50, n_iter_no_change=5, random_state=0)
"""


def _side_by_side(function: Function, summary: str, example: str) -> Function:
    """Return a function of scikit-learn's whose fits of our estimators run side by side."""

    @wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        with joblib.parallel_config(FerropropBackend()):
            return function(*arguments, **options)

    run.__module__ = __name__
    summary = (
        f"{summary}\n\nThe fits of ferroprop's estimators run side by side; the result is scikit-learn's."
    )
    run.__doc__ = adapted(function, summary, _DATA.format(name=function.__name__) + example)
    return cast(Function, run)


cross_validate = _side_by_side(
    _sklearn.cross_validate,
    "Evaluate metrics by cross-validation, and record the times of fits and scores.",
    """
    >>> cross_validate(mlp, X, y, cv=3)["test_score"]
    array([1., 1., 1.])
    """,
)
cross_val_score = _side_by_side(
    _sklearn.cross_val_score,
    "Evaluate a score by cross-validation.",
    """
    >>> cross_val_score(mlp, X, y, cv=3)
    array([1., 1., 1.])
    """,
)
cross_val_predict = _side_by_side(
    _sklearn.cross_val_predict,
    "Predict each row by an estimator that was fitted without it.",
    """
    >>> cross_val_predict(mlp, X, y, cv=3)
    array([0, 0, 0, 1, 1, 1])
    """,
)
learning_curve = _side_by_side(
    _sklearn.learning_curve,
    "Evaluate scores for training sets of growing size.",
    """
    >>> sizes, train_scores, test_scores = learning_curve(
    ...     mlp, X, y, cv=3, train_sizes=[0.5, 1.0], shuffle=True, random_state=1
    ... )
    >>> sizes, test_scores.shape
    (array([2, 4]), (2, 3))
    """,
)
validation_curve = _side_by_side(
    _sklearn.validation_curve,
    "Evaluate scores for the values of one parameter.",
    """
    >>> train_scores, test_scores = validation_curve(
    ...     mlp, X, y, cv=3, param_name="alpha", param_range=[0.0, 0.1]
    ... )
    >>> test_scores
    array([[1., 1., 1.],
           [1., 1., 1.]])
    """,
)
