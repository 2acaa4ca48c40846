"""The scikit-learn estimators, a map of the package.

====================== ========================================================================
`classifier`           `MLPClassifier`: labels in, labels and probabilities out
`regressor`            `MLPRegressor`: numbers in, numbers out
`complex`              both for complex numbers
`recurrent`            `RNNClassifier` and `RNNRegressor`: sequences in
`_base`                what both share: parameters, from data to a plan, outputs
`_parameter_checks`    whether parameters are what they may be, each value once
`_parameters`          the names of parameters, and copies of an estimator
`_input_checks`        scikit-learn's checks of rows and targets, where they may find something
`_label_encoding`      labels as columns of indicators, and back
`_plan`                what a fit is to do and what came of it: all that solvers get and return
`_fits`                a fit in two halves, and trainings of several fits between them
`_epochs`              the solvers that train epoch by epoch: all but lbfgs
`_lbfgs`               the solver lbfgs
`_scipy_lbfgs`         the solver that hands loss and gradient to SciPy
`_optimizers`          from parameters to one of the core's optimizers, and its memory
`_samples`             rows that belong together, and the part of them that is held out
`_validation_set`      loss and score on the rows that are held out or given
`_scores`              accuracy and R²
`_training_attributes` the attributes that tell how training went
`_initial_weights`     the weights scikit-learn would draw
`_activations`         what `activation` and `output_activation` may be
`_callbacks`           who is told of each epoch
`_progress`            what ``verbose`` shows of a fit
`_row_orders`          the orders of rows that scikit-learn would draw
`_checkpoints`         a fit that is saved as it goes on
`_sequences`           arrays and lists of sequences, and what belongs to their steps
`_scale`               data whose size makes learning slow
`_network_cache`       the network of the last prediction, kept while its arrays last
`_several_networks`    the networks of several estimators, to predict with all
`_hidden_layers`       which hidden layer is asked for, and the names of its columns
`_gradient_flow`       the size of the gradients in the course of a fit
`_conversion`          from and to scikit-learn's own estimators
`_unpickling`          what an unpickled estimator must have
`_threads`             how many threads an estimator may use
`_time_limit`          the warning about a fit that `max_time` has ended
`_sklearn`             the one door to scikit-learn, private helpers included
`_typing`              names for the types of what goes in and out
====================== ========================================================================
"""

from ferroprop import _joblib
from ferroprop.estimators._gradient_flow import gradient_flow
from ferroprop.estimators._time_limit import TimeLimitWarning
from ferroprop.estimators.classifier import MLPClassifier
from ferroprop.estimators.complex import ComplexMLPClassifier, ComplexMLPRegressor
from ferroprop.estimators.recurrent import RNNClassifier, RNNRegressor
from ferroprop.estimators.regressor import MLPRegressor

_joblib.register()

__all__ = [
    "ComplexMLPClassifier",
    "ComplexMLPRegressor",
    "MLPClassifier",
    "MLPRegressor",
    "RNNClassifier",
    "RNNRegressor",
    "TimeLimitWarning",
    "gradient_flow",
]
