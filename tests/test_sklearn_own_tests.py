"""scikit-learn's own tests of its multi-layer perceptron, run on our classes.

The file is installed with scikit-learn. It is read with `MLPClassifier` and `MLPRegressor` of
`sklearn.neural_network` replaced by ours, and its test functions become tests of this module.
"""

import importlib.util
from unittest import mock

import pytest
import sklearn.neural_network
from ferroprop import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "default"
)  # scikit-learn's tests expect and ignore warnings of their own

# tests that reach into private attributes, and one of a message
NOT_OURS = {
    "test_gradient": "calls scikit-learn's private _loss_grad_lbfgs",
    "test_learning_rate_warmstart": "reads the learning rate of the private _optimizer",
    "test_adaptive_learning_rate": "reads the learning rate of the private _optimizer",
    "test_n_iter_no_change": "reads the private _no_improvement_count",
    "test_n_iter_no_change_inf": "reads the private _no_improvement_count",
    "test_early_stopping_stratified": "expects an error that calls a rare class 'True', not by its name",
}


def _tests_of_scikit_learn():
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    module = importlib.util.module_from_spec(spec)
    with mock.patch.multiple(sklearn.neural_network, MLPClassifier=MLPClassifier, MLPRegressor=MLPRegressor):
        spec.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if name.startswith("test_")}


_TESTS = _tests_of_scikit_learn()
globals().update({name: test for name, test in _TESTS.items() if name not in NOT_OURS})


@pytest.fixture(scope="module")
def global_random_seed():
    return 42


def test_the_tests_left_out_exist():
    assert set(NOT_OURS) <= set(_TESTS)
    assert len(_TESTS) >= 43
