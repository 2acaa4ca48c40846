"""The examples in the docstrings run and show what they say."""

import doctest
import importlib
import inspect
import pkgutil

import ferroprop
import pytest

OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

MODULES = ["ferroprop"] + [
    module.name
    for module in pkgutil.walk_packages(ferroprop.__path__, "ferroprop.")
    if ".cli" not in module.name and module.name != "ferroprop._core" and not module.name.endswith("__main__")
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    results = doctest.testmod(importlib.import_module(name), optionflags=OPTIONS)
    assert results.failed == 0


@pytest.mark.parametrize("estimator", [ferroprop.MLPClassifier, ferroprop.MLPRegressor])
def test_every_parameter_is_documented_in_order(estimator):
    documented = inspect.getdoc(estimator).split("Parameters\n----------\n")[1].split("\nAttributes\n")[0]
    names = [line.split(" : ")[0] for line in documented.splitlines() if line and not line.startswith(" ")]
    assert names == list(inspect.signature(estimator).parameters)
