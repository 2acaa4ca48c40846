"""The page for those who come from scikit-learn: its examples run, and the names it gives are there."""

import doctest
import re
from pathlib import Path

import ferroprop as fp
import pytest
from ferroprop import displays
from ferroprop.estimators import _activations, _optimizers

PAGE = Path(__file__).parent.parent / "docs" / "coming-from-scikit-learn.md"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_its_examples_run():
    results = doctest.testfile(str(PAGE), module_relative=False)
    assert results.attempted > 10
    assert results.failed == 0


def test_its_names_are_there():
    text = PAGE.read_text(encoding="utf-8")
    for name in re.findall(r"ferroprop\.([A-Z]\w+)", text):
        assert hasattr(fp, name)
    for name in displays.__all__:
        assert name in text
    parameters = {**fp.MLPClassifier().get_params(), **fp.MLPRegressor().get_params()}
    for name in re.findall(r"^- \*\*`(\w+)`\*\*", text, re.MULTILINE):
        assert name in parameters or hasattr(fp.MLPClassifier, name) or name.endswith("_")


def test_it_leaves_no_activation_or_solver_out():
    text = PAGE.read_text(encoding="utf-8")
    for name in (*_activations.NAMES[4:], *_optimizers.EPOCH_SOLVERS):
        assert f"'{name}'" in text or f'"{name}"' in text
