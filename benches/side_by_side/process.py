"""The process in which a library works, and the one that tells it what to do."""

import itertools
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .libraries import LIBRARIES, NumPy, Peak, Trainer
from .workloads import CALLS, LONGEST, WORKLOADS, Call


class Measure:
    """What a process measures, one kind a method; it remembers the last thing that it set up."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.ready: tuple[str, Any] | None = None

    def set_up(self, name: str, build: Callable[[], Any]) -> Any:
        """Build something unless it is what was built last."""
        if self.ready is None or self.ready[0] != name:
            self.ready = None  # frees the memory first
            self.ready = name, build()
            self.runs = 1
        return self.ready[1]

    def train(self, name: str, seconds: float) -> float | None:
        """Seconds a step of a workload; of the peak, operations a second."""
        if isinstance(self.library, Peak):
            return self.library.rate(seconds)
        workload = WORKLOADS[name]
        trainer = self.set_up(name, lambda: self.library.trainer(workload))
        if trainer is None:
            return None
        if trainer.starts_up:
            trainer.run(1)  # others worked meanwhile: what it costs to warm up again would count as start-up
        longest = max(1, LONGEST // trainer.epochs)
        while True:
            full, rest = divmod(self.runs, longest)
            span = sum(_training(trainer, runs) for runs in [longest] * full + [rest] * (rest > 0))
            if span >= seconds:
                return span / (self.runs * trainer.epochs * workload.steps)
            self.runs *= 2  # and so it stays for the next round

    def predict(self, name: str, seconds: float) -> list[float]:
        """Median and 99th percentile of the seconds that a call takes, the clock's own included."""
        call = CALLS[name]
        run = self.set_up(name, lambda: self.checked(call))
        times = _times(run, 20)
        times = _times(run, max(20, round(seconds / statistics.median(times))))
        return [float(np.median(times)), float(np.percentile(times, 99))]

    def checked(self, call: Call) -> Callable[[], Any]:
        """Prepare a call, and compare its answer with the formulas'."""
        run = getattr(self.library, call.function)(call)
        answer = np.reshape(run(), (call.rows, call.layers[-1]))
        np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-5)
        if call.function == "predict":
            np.testing.assert_allclose(answer, NumPy(1).predict(call)(), rtol=1e-3, atol=1e-6)
        return run


def _training(trainer: Trainer, runs: int) -> float:
    """Seconds of a training without what it costs to start up."""
    if trainer.starts_up:  # the same in one run and in many, so the difference is without it
        return -trainer.run(1) + trainer.run(1 + runs)
    return trainer.run(runs)


def _times(run: Callable[[], Any], n: int) -> np.ndarray:
    """Seconds of each of n calls in a row."""
    clock, stamps = time.perf_counter_ns, []
    for _ in itertools.repeat(None, n):
        stamps.append(clock())
        run()
    stamps.append(clock())
    return np.diff(stamps) / 1e9


def serve(library: str, threads: int) -> None:
    """Answer requests, a line of JSON each, until there are no more."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    warnings.simplefilter("ignore")
    try:
        measure = Measure(LIBRARIES[library](threads))
    except Exception as error:  # an import, a compiler: the others can go on
        measure, failure = None, f"{type(error).__name__}: {error}"
    for line in sys.stdin:
        try:
            if measure is None:
                raise RuntimeError(failure)
            kind, name, seconds = json.loads(line)
            answer = {"value": getattr(measure, kind)(name, seconds)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        time.sleep(0.03)  # threads that wait for more work spin for a while: not in the next one's time
        print(json.dumps(answer), file=answers)
