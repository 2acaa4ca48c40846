"""The rounds, in which the libraries take turns."""

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .libraries import (
    LIBRARIES,
    NumPy,
    OnnxRuntime,
    Peak,
)
from .workloads import CALLS, PEERS, Call

COMMAND = str(Path(__file__).parents[1] / "peers.py")


class Worker:
    """A library in a process of its own."""

    def __init__(self, library: str, threads: int) -> None:
        self.library = library
        self.threads = threads
        self.failed: set[str] = set()
        limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        self.process = subprocess.Popen(
            [sys.executable, COMMAND, "--serve", library, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **dict.fromkeys(limits, str(threads)), "TF_CPP_MIN_LOG_LEVEL": "3"},
        )

    def ask(self, kind: str, name: str, seconds: float) -> Any:
        """Let it measure. A failure is reported once and then counts as no answer."""
        if name in self.failed:
            return None
        self.process.stdin.write(json.dumps([kind, name, seconds]) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline() or '{"error": "the process died"}')
        if "error" in answer:
            self.failed.add(name)
            print(f"{self.library}, {self.threads} threads, {name}: {answer['error']}", file=sys.stderr)
        return answer.get("value")

    def close(self) -> None:
        """Let the process end."""
        self.process.stdin.close()
        self.process.wait()


def installed() -> list[str]:
    """Name the libraries that this Python can import."""
    return [name for name, library in LIBRARIES.items() if importlib.util.find_spec(library.module)]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure everything and return every round's numbers."""
    results: dict[str, Any] = {"machine": machine(), "threads": options.threads, "training": {}, "calls": {}}
    libraries = [name for name in installed() if name != "peak" or options.peak is None]
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(contextlib.closing(Worker(library, threads)))
            for threads in options.threads
            for library in libraries
            if threads == 1 or LIBRARIES[library] not in (OnnxRuntime, NumPy)
        ]
        for name in options.workloads:
            if name == "inference":
                results["calls"] = {
                    call.name: predict_in_turns(call, workers, options) for call in CALLS.values()
                }
            else:
                results["training"][name] = train_in_turns(name, workers, options)
            if options.json:  # after each, so that a run that is cut short was not for nothing
                options.json.write_text(json.dumps(results) + "\n")
    return results


def train_in_turns(name: str, workers: list[Worker], options: argparse.Namespace) -> dict[str, Any]:
    """Seconds a step, one list a number of threads and library; the peak in operations a second."""
    rounds: dict[str, Any] = {str(threads): {} for threads in options.threads}
    workers = [worker for worker in workers if worker.library not in ("onnxruntime", "numpy")]
    for worker, values in in_turns("train", name, workers, options):
        rounds[str(worker.threads)][worker.library] = values
    if options.peak:
        for threads in options.threads:
            rounds[str(threads)]["peak"] = [threads * options.peak * 1e9] * options.rounds
    return rounds


def predict_in_turns(call: Call, workers: list[Worker], options: argparse.Namespace) -> dict[str, Any]:
    """Median and 99th percentile of the seconds a call, one list a library."""
    libraries = ("ferroprop", *PEERS[call.function])
    alone = [worker for worker in workers if worker.threads == 1 and worker.library in libraries]
    return {worker.library: values for worker, values in in_turns("predict", call.name, alone, options)}


def in_turns(
    kind: str, name: str, workers: list[Worker], options: argparse.Namespace
) -> Iterable[tuple[Worker, list[Any]]]:
    """Let the workers measure, in one order and then in the other; the first round only warms up."""
    print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
    start = time.perf_counter()
    answers: dict[Worker, list[Any]] = {
        worker: [] for worker in workers if worker.ask(kind, name, options.seconds) is not None
    }
    for turn in range(options.rounds):
        for worker in reversed(answers) if turn % 2 else answers:
            answers[worker].append(worker.ask(kind, name, options.seconds))
    print(f"{time.perf_counter() - start:.0f} s", file=sys.stderr)
    return [(worker, values) for worker, values in answers.items() if None not in values]


def machine() -> dict[str, Any]:
    """Describe the processor, its caches and memory, and the versions of the libraries."""
    about = {"model name": "unknown processor", "flags": ""}
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        # The first core's, which comes first.
        about |= {
            key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines))
        }
    names = ["ferroprop", "jax", "scikit-learn", "torch", "onnxruntime", "numpy"]
    versions = {}
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    sets = [flag for flag in ("avx2", "fma", "avx512f", "avx512vl") if flag in about["flags"].split()]
    bandwidth = None
    with contextlib.suppress(OSError, subprocess.SubprocessError):  # no compiler
        bandwidth = Peak(1).bandwidth()
    return {
        "processor": about["model name"],
        "cores": os.cpu_count(),
        "sets": sets,
        "caches": caches(),
        "bandwidth": bandwidth,
        "python": sys.version.split()[0],
        "versions": versions,
    }


def caches() -> list[str]:
    """Sizes of the first core's caches, as Linux tells them, such as ``L2 2048K``."""
    found = []
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        with contextlib.suppress(OSError):
            level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
            if kind != "Instruction":
                found.append(f"L{level} {size}")
    return found
