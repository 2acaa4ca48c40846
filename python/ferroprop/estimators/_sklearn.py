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
    ClassNamePrefixFeaturesOutMixin,
    RegressorMixin,
    TransformerMixin,
    _fit_context,
    clone,
)
from sklearn.callback import CallbackContext, CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, check_scoring, get_scorer_names, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as SklearnMLPClassifier
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    type_of_target,
    unique_labels,
)
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_is_fitted,
    validate_data,
)

__all__ = [
    "BaseEstimator",
    "CallbackContext",
    "CallbackSupportMixin",
    "ClassifierMixin",
    "ConvergenceWarning",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "LabelBinarizer",
    "Options",
    "RegressorMixin",
    "SklearnBase",
    "SklearnMLPClassifier",
    "SklearnMLPRegressor",
    "StrOptions",
    "TransformerMixin",
    "accuracy_score",
    "available_when",
    "check_array",
    "check_classification_targets",
    "check_is_fitted",
    "check_optimize_result",
    "check_random_state",
    "check_sample_weight",
    "check_scoring",
    "clone",
    "column_or_1d",
    "compute_class_weight",
    "compute_sample_weight",
    "get_scorer_names",
    "in_the_container_set",
    "is_first_partial_fit",
    "r2_score",
    "train_test_split",
    "type_of_target",
    "unique_labels",
    "validate_data",
    "validate_parameter_constraints",
    "with_callbacks_and_checked_parameters",
    "with_checked_parameters",
    "with_checked_parameters_of_members",
]


class SklearnBase(CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator that supports callbacks and transforms."""


Method = TypeVar("Method", bound=Callable[..., Any])

check_optimize_result = _check_optimize_result
check_sample_weight = _check_sample_weight
in_the_container_set = _wrap_data_with_container
is_first_partial_fit = _check_partial_fit_first_call


def with_checked_parameters(method: Method) -> Method:
    """Check the constructor's parameters before a fit, with scikit-learn's messages."""
    return cast(Method, _fit_context(prefer_skip_nested_validation=True)(method))


def with_checked_parameters_of_members(method: Method) -> Method:
    """Check the parameters likewise, and let those that are fitted within check theirs."""
    return cast(Method, _fit_context(prefer_skip_nested_validation=False)(method))


def with_callbacks_and_checked_parameters(method: Method) -> Method:
    """Check the parameters likewise, and release callbacks at the end, whatever happens."""
    return cast(Method, with_callbacks(_fit_context(prefer_skip_nested_validation=True)(method)))


def available_when(check: Callable[[Any], bool]) -> Callable[[Method], Method]:
    """Hide a method unless `check` says that the estimator has it."""
    return cast(Callable[[Method], Method], available_if(check))
