"""Child processes that answer, or are killed when they hang."""

import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

SECONDS = 20
"""How long a child gets: what hangs, hangs for ever."""

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def start_child(compute, seconds=SECONDS):
    """Fork, compute in the child, and return a function that waits for what it returned."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(seconds)
            os.close(reader)
            try:
                answer = json.dumps(compute())
            except BaseException:
                answer = json.dumps(traceback.format_exc())
            with open(writer, "w", encoding="utf-8") as pipe:
                pipe.write(answer)
        finally:
            os._exit(0)
    os.close(writer)

    def answer():
        with open(reader, encoding="utf-8") as pipe:
            text = pipe.read()
        _, status = os.waitpid(child, 0)
        assert status == 0, "the child hung" if status == signal.SIGALRM else f"the child ended with {status}"
        return json.loads(text)

    return answer


def answer_of_a_child(compute, seconds=SECONDS):
    """Fork; return what `compute` returns in the child, which gets that long."""
    return start_child(compute, seconds)()


def in_a_process(code, seconds=600, **environment):
    """Return what Python code prints as JSON in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=Path(__file__).parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if "this machine lacks these instructions" in result.stderr:
        pytest.skip(result.stderr.splitlines()[-1])
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
