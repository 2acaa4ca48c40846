"""The door to scikit-learn's model selection, private helpers included."""

import sklearn.experimental.enable_halving_search_cv  # noqa: F401
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.model_selection._validation import _fit_and_predict, _fit_and_score, _score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params, _num_samples

__all__ = [
    "FunctionTransformer",
    "GridSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "Pipeline",
    "RandomizedSearchCV",
    "clone",
    "count_rows",
    "cross_val_predict",
    "cross_val_score",
    "cross_validate",
    "fit_and_predict",
    "fit_and_score",
    "learning_curve",
    "of_rows",
    "score",
    "split",
    "validation_curve",
]

count_rows = _num_samples
fit_and_predict = _fit_and_predict
fit_and_score = _fit_and_score
of_rows = _check_method_params
score = _score
split = _safe_split
