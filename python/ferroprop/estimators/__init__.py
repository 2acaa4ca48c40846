"""The scikit-learn estimators, a map of the package.

===================== =========================================================================
`classifier`          `MLPClassifier`: labels in, labels and probabilities out
`regressor`           `MLPRegressor`: numbers in, numbers out
`_base`               what both share: parameters, the course of a fit, outputs
`_epochs`             the solvers that train epoch by epoch: sgd, adam, rprop
`_lbfgs`              the solver that hands loss and gradient to SciPy
`_optimizers`         from estimator parameters to one of the core's optimizers, and its memory
`_initial_weights`    the weights scikit-learn would draw
`_validation_set`     the rows early stopping holds out, and the score on them
`_prepared`           from fitted arrays to a network of the core, kept while they last
`_progress`           what ``verbose`` prints
`_sklearn`            the one door to scikit-learn, private helpers included
`_typing`             names for the types of what goes in and out
===================== =========================================================================
"""

from ferroprop.estimators.classifier import MLPClassifier
from ferroprop.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
