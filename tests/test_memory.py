"""Training needs memory for a few blocks of rows, not for the data or their activations once more."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="this system does not tell how much memory a process had")

BENCH = Path(__file__).parent.parent / "benches" / "memory.py"


# One thread needs no more than four.
@pytest.mark.parametrize("threads", ["4", pytest.param("1", marks=pytest.mark.exhaustive)])
def test_memory_stays_within_its_limits(threads):
    # 200,000 x 50 rows are 38 MiB, and their activations 153 MiB: neither fits in beside Python.
    command = [sys.executable, str(BENCH), "--rows", "200000", "--threads", threads]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("passed") == (4 if sys.platform.startswith("linux") else 3), run.stdout
