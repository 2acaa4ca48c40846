"""Interpreters and processors that the core does not know: a clear ImportError, or a slower path."""

import importlib
import platform

import ferroprop as fp
import pytest
from children import in_a_process
from fits import Fit

IN_A_SUB_INTERPRETER = """
import json, sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import ferroprop._core as core

code = '''
import sys
from importlib import util
sys.path[:] = {path!r}
spec = util.spec_from_file_location("ferroprop._core", {file!r})
module = util.module_from_spec(spec)
spec.loader.exec_module(module)
'''.format(path=sys.path, file=core.__file__)
interpreter = interpreters.create()
try:
    answer = interpreters.run_string(interpreter, code)
    message = "imported" if answer is None else answer.formatted
except interpreters.RunFailedError as error:
    message = str(error)
interpreters.destroy(interpreter)
print(json.dumps(message))
"""


@pytest.mark.skipif(
    not any(importlib.util.find_spec(name) for name in ("_interpreters", "_xxsubinterpreters")),
    reason="this Python cannot make interpreters",
)
def test_a_sub_interpreter_gets_an_import_error():
    message = in_a_process(IN_A_SUB_INTERPRETER)
    assert "ImportError" in message
    assert "subinterpreters" in message


def test_an_instruction_set_that_does_not_exist_is_an_import_error():
    code = """
import json
try:
    import ferroprop
except ImportError as error:
    print(json.dumps(str(error)))
"""
    message = in_a_process(code, FERROPROP_ISA="avx9000")
    assert message == 'FERROPROP_ISA="avx9000" is not one of avx512, avx2, portable'


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the portable path is the only one elsewhere")
def test_a_processor_without_vectors_falls_back():
    """What such a processor would run gives the same bits."""
    fit = Fit(layer_sizes=(19, 30, 7), rows=300)
    code = (
        "import json, test_platforms as t; print(json.dumps(t.Fit(layer_sizes=(19, 30, 7), rows=300).run()))"
    )
    assert in_a_process(code, FERROPROP_ISA="portable") == fit.run()


def test_the_library_says_which_version_it_is():
    assert fp._core.__version__ == fp.__version__
