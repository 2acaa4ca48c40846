"""The examples in the docstrings run and show what they say."""

import doctest
import importlib
import inspect
import pkgutil
import re
from importlib.util import find_spec

import ferroprop
import ferroprop.displays
import ferroprop.ensemble
import ferroprop.estimators
import ferroprop.export
import ferroprop.io
import ferroprop.model_selection
import ferroprop.series
import ferroprop.tabular
import pytest
from sklearn.base import BaseEstimator

OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

WITHOUT_TORCH = () if find_spec("torch") else ("._torch_modules",)  # subclasses of its classes

MODULES = ["ferroprop"] + [
    module.name
    for module in pkgutil.walk_packages(ferroprop.__path__, "ferroprop.")
    if ".cli" not in module.name
    and module.name != "ferroprop._core"
    and not module.name.endswith(("__main__", *WITHOUT_TORCH))
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    results = doctest.testmod(importlib.import_module(name), optionflags=OPTIONS)
    assert results.failed == 0


@pytest.mark.parametrize(
    "estimator",
    [
        ferroprop.MLPClassifier,
        ferroprop.MLPRegressor,
        ferroprop.TabularEncoder,
        ferroprop.TabularMLPClassifier,
        ferroprop.TabularMLPRegressor,
    ],
)
def test_every_parameter_is_documented_in_order(estimator):
    documented = inspect.getdoc(estimator).split("Parameters\n----------\n")[1].split("\nAttributes\n")[0]
    names = [line.split(" : ")[0] for line in documented.splitlines() if line and not line.startswith(" ")]
    assert names == list(inspect.signature(estimator).parameters)


# What every public name has -----------------------------------------------------------------------------

PUBLIC = sorted(name for name in ferroprop.__all__ if callable(getattr(ferroprop, name)))


ELSEWHERE = [
    *(getattr(ferroprop.displays, name) for name in ferroprop.displays.__all__),
    ferroprop.estimators.TimeLimitWarning,
    ferroprop.estimators.gradient_flow,
    ferroprop.series.Lagged,
    ferroprop.tabular.ColumnDrift,
    ferroprop.tabular.DataWarning,
    ferroprop.tabular.MemberEpoch,
    ferroprop.tabular.grouped_permutation_importance,
    *(getattr(ferroprop.export, name) for name in ferroprop.export.__all__),
    *(getattr(ferroprop.io, name) for name in ferroprop.io.__all__),
]


IN_THE_PLACE_OF_SCIKIT_LEARNS = [
    *(getattr(ferroprop.model_selection, name) for name in ferroprop.model_selection.__all__),
    *(getattr(ferroprop.ensemble, name) for name in ferroprop.ensemble.__all__),
]


@pytest.mark.parametrize("value", IN_THE_PLACE_OF_SCIKIT_LEARNS, ids=lambda value: value.__name__)
def test_names_in_the_place_of_scikit_learns(value):
    """Their docstrings are scikit-learn's, adapted; their examples run with those of their modules."""
    assert value.__module__.startswith("ferroprop")
    assert "from ferroprop" in inspect.getdoc(value)
    assert_parameters_documented(value, inspect.getdoc(value))


@pytest.mark.parametrize("value", ELSEWHERE, ids=lambda value: value.__name__)
def test_public_names_of_other_modules(value):
    """Their examples run with those of their modules."""
    assert ">>>" in inspect.getdoc(value)
    functions = (
        [value]
        if not inspect.isclass(value)
        else [
            getattr(value, name)
            for name in vars(value)
            if not name.startswith("_") and callable(getattr(value, name))
        ]
    )
    for function in functions:
        assert "\nRaises\n-----" in inspect.getdoc(function), function.__name__
        assert_parameters_documented(function, inspect.getdoc(function))


def defined_here(owner, name):
    """Whether a member is ferroprop's own; estimators inherit much from scikit-learn."""
    member = inspect.getattr_static(owner, name)
    function = getattr(member, "fget", None) or getattr(member, "__func__", member)
    module = getattr(function, "__module__", None) or getattr(owner, "__module__", "")
    return module.startswith("ferroprop")


def members(kind):
    """Return the public methods, or the properties, of every public class."""
    for name in PUBLIC:
        owner = getattr(ferroprop, name)
        if not inspect.isclass(owner):
            continue
        for member in dir(owner):
            if member.startswith("_") or not defined_here(owner, member):
                continue
            static = inspect.getattr_static(owner, member)
            is_property = not callable(getattr(static, "__func__", static))
            if is_property == (kind == "property"):
                yield pytest.param(owner, member, id=f"{name}.{member}")


def assert_parameters_documented(function, documentation):
    """Every parameter is in the section of parameters, with its type."""
    try:
        parameters = list(inspect.signature(function).parameters)
    except ValueError:  # an object that is only ever returned
        return
    for parameter in parameters:
        if parameter != "self" and not parameter.startswith("_"):
            assert re.search(rf"^(.*, )?[*]{{0,2}}{parameter}(, .*)? : ", documentation, re.MULTILINE), (
                parameter
            )


def assert_examples_run(name, function, documentation):
    tests = [
        test
        for test in doctest.DocTestFinder(recurse=False).find(function, name, module=False, globs={})
        if test.examples
    ]
    assert tests, f"{name} has no example"
    for test in tests:
        runner = doctest.DocTestRunner(optionflags=OPTIONS)
        runner.run(test)
        assert runner.failures == 0


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_documented_with_an_example(name):
    value = getattr(ferroprop, name)
    documentation = inspect.getdoc(value)
    assert documentation
    if not isinstance(value, type) or "Attributes\n-----" not in documentation:
        assert_parameters_documented(value, documentation)
    assert_examples_run(name, value, documentation)


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_called_names_its_errors_and_its_source(name):
    """All but what is only ever returned, and the estimators, whose errors are those of `fit`."""
    value = getattr(ferroprop, name)
    documentation = inspect.getdoc(value)
    if "Parameters\n-----" not in documentation:
        return
    assert "\nReferences\n-----" in documentation
    if not (isinstance(value, type) and issubclass(value, BaseEstimator)):
        assert "\nRaises\n-----" in documentation


@pytest.mark.parametrize(("owner", "name"), [*members("method")])
def test_a_method_with_arguments_names_its_errors(owner, name):
    documentation = inspect.getdoc(getattr(owner, name))
    if "Parameters\n-----" in documentation and not issubclass(owner, BaseEstimator):
        assert "\nRaises\n-----" in documentation


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("owner", "name"), [*members("method")])
def test_a_public_method_is_documented_with_an_example(owner, name):
    value = getattr(owner, name)
    documentation = inspect.getdoc(value)
    assert documentation
    assert_parameters_documented(value, documentation)
    # The methods that scikit-learn's conventions ask for are shown by the class's example.
    if not issubclass(owner, BaseEstimator):
        assert_examples_run(f"{owner.__name__}.{name}", value, documentation)


@pytest.mark.parametrize(("owner", "name"), [*members("property")])
def test_a_public_property_is_documented(owner, name):
    documentation = inspect.getdoc(owner) or ""
    own = getattr(inspect.getattr_static(owner, name), "__doc__", None)
    assert own or re.search(rf"^\s*(.*, )?{name}(, .*)? : ", documentation, re.MULTILINE)
