"""scikit-learn's own checks of what an estimator must do, with no expected failure."""

import ferroprop as fp
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning"),
]

ESTIMATORS = [
    estimator(solver=solver, max_iter=100)
    for estimator in (fp.MLPClassifier, fp.MLPRegressor)
    for solver in ("adam", "sgd", "lbfgs", "rprop")
]


@parametrize_with_checks(ESTIMATORS)
def test_check(estimator, check):
    check(estimator)


@parametrize_with_checks([fp.MLPClassifier(), fp.MLPRegressor()])
def test_check_of_the_defaults(estimator, check):
    check(estimator)
