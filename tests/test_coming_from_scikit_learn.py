"""The page for those who come from scikit-learn: its examples run, and the names it gives are there."""

import doctest
import re
import shutil
import subprocess
import sys
from pathlib import Path

import ferroprop as fp
import pytest
from ferroprop import displays

PAGE = Path(__file__).parent.parent / "docs" / "coming-from-scikit-learn.md"

BENCH = PAGE.parent.parent / "benches" / "estimators.py"


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


def test_the_bench_fills_it(tmp_path):
    copy = shutil.copy(PAGE, tmp_path / "page.md")
    command = [sys.executable, str(BENCH), "--quick", "--tables", "iris,diabetes", "--write", str(copy)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    filled = copy.read_text(encoding="utf-8")
    assert filled.count("\n| diabetes | ") == 2
    assert re.search(r"Geometric mean: [\d.]+ times as fast\. Scores", filled)
    assert "| 784-256-128-10 | " in filled
    assert (tmp_path / "images" / "estimators.svg").exists()
