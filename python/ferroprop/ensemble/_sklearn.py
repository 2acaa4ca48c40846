"""The door to scikit-learn's ensembles, private helpers included."""

from sklearn.base import MetaEstimatorMixin, clone, is_classifier
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils._metadata_requests import _routing_enabled
from sklearn.utils.validation import _num_samples

__all__ = [
    "BaggingClassifier",
    "BaggingRegressor",
    "MetaEstimatorMixin",
    "NotFittedError",
    "accuracy_score",
    "check_cv",
    "clone",
    "count_rows",
    "indexable",
    "is_classifier",
    "r2_score",
    "routing_enabled",
    "rows_of",
]

count_rows = _num_samples
routing_enabled = _routing_enabled
rows_of = _safe_indexing
