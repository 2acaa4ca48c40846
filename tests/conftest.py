"""Two sizes of test run, the everyday one and the exhaustive one; and the number of processes.

The exhaustive one runs with `-m exhaustive`, or with HYPOTHESIS_PROFILE=exhaustive in the environment.
"""

import os
import signal

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("ci", max_examples=100, derandomize=True, database=None, **_COMMON)
settings.register_profile("exhaustive", max_examples=1000, **_COMMON)


def _exhaustive(config):
    return "exhaustive" in config.option.markexpr


def pytest_configure(config):
    default = "exhaustive" if _exhaustive(config) else "ci"
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", default))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background by a shell without jobs
        signal.signal(signal.SIGINT, signal.default_int_handler)  # tests of Ctrl-C would wait for ever


MOST_PROCESSES = 4  # tests start threads and processes of their own


def pytest_xdist_auto_num_workers(config):
    """Run all tests in several processes, tests that are named (files, or by -k) in this one."""
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.keyword:
        return 0
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cpus, MOST_PROCESSES)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Leave exhaustive tests out unless they are asked for; then every property test counts as one."""
    if _exhaustive(config):
        for item in items:
            if is_hypothesis_test(getattr(item, "obj", None)):
                item.add_marker("exhaustive")
        return
    left_out = [item for item in items if item.get_closest_marker("exhaustive")]
    if left_out and not config.option.markexpr:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
