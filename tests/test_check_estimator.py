"""scikit-learn's own checks of what an estimator must do, for every solver, with no expected failure."""

import ferroprop as fp
import pytest
from ferroprop.estimators._optimizers import EPOCH_SOLVERS
from sklearn.utils.estimator_checks import parametrize_with_checks

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning"),
]

ESTIMATORS = [
    estimator() if solver == "adam" else estimator(solver=solver, max_iter=100)
    for estimator in (fp.MLPClassifier, fp.MLPRegressor)
    for solver in (*EPOCH_SOLVERS, "lbfgs")
]


@parametrize_with_checks(ESTIMATORS)
def test_check(estimator, check):
    check(estimator)
