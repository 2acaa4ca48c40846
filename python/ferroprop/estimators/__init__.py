"""The scikit-learn estimators, a map of the package.

===================== =========================================================================
`classifier`          `MLPClassifier`: labels in, labels and probabilities out
`regressor`           `MLPRegressor`: numbers in, numbers out
`_base`               what both share: parameters, the course of a fit, outputs
`_start`              what a fit begins with, and who is told of its epochs
`_epochs`             the solvers that train epoch by epoch: all but lbfgs
`_lbfgs`              the solver that hands loss and gradient to SciPy
`_optimizers`         from estimator parameters to one of the core's optimizers, and its memory
`_initial_weights`    the weights scikit-learn would draw
`_activations`        what `activation` and `output_activation` may be
`_validation_set`     the rows that are held out or given, and loss and score on them
`_layers`             a look inside: hidden activations
`_gradients`          the size of the gradients in the course of a fit
`_conversion`         from and to scikit-learn's own estimators
`_prepared`           from fitted arrays to a network of the core, kept while they last
`_progress`           what is told of an epoch, and what ``verbose`` shows of it
`_callbacks`          scikit-learn's callbacks
`_threads`            how many threads an estimator may use
`_sklearn`            the one door to scikit-learn, private helpers included
`_typing`             names for the types of what goes in and out
===================== =========================================================================
"""

from ferroprop.estimators._gradients import gradient_flow
from ferroprop.estimators._progress import TrainingEpoch
from ferroprop.estimators.classifier import MLPClassifier
from ferroprop.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "TrainingEpoch", "gradient_flow"]
