"""The one door to scikit-learn.

scikit-learn carries no types and some of what a faithful estimator needs has a leading underscore there. Both
facts stay in this file: the rest of the package imports from here, and a release of scikit-learn that moves a
helper is met here.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    _fit_context,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import (
    Interval,
    Options,
    StrOptions,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

__all__ = [
    "BaseEstimator",
    "ClassifierMixin",
    "ConvergenceWarning",
    "Interval",
    "LabelBinarizer",
    "Options",
    "RegressorMixin",
    "StrOptions",
    "available_when",
    "check_is_fitted",
    "check_optimize_result",
    "check_random_state",
    "check_sample_weight",
    "column_or_1d",
    "is_first_partial_fit",
    "train_test_split",
    "type_of_target",
    "unique_labels",
    "validate_data",
    "with_checked_parameters",
]

Method = TypeVar("Method", bound=Callable[..., Any])

check_optimize_result = _check_optimize_result
check_sample_weight = _check_sample_weight
is_first_partial_fit = _check_partial_fit_first_call


def with_checked_parameters(method: Method) -> Method:
    """Check the constructor's parameters before a fit, with scikit-learn's messages."""
    return cast(Method, _fit_context(prefer_skip_nested_validation=True)(method))


def available_when(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
    """Hide a method unless `check` says that the estimator has it."""
    return cast(Callable[[Method], Method], available_if(check))
