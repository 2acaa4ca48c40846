"""Peak memory of training, over the data itself.

    python benches/memory.py

Each case runs in a process of its own, which fills its arrays in place and trains. What its
resident memory came to at most, less the data, is held against the limit: Python, NumPy and
ferroprop themselves count. The last case trains from a file while the process may allocate far
less than the file's size, so that to read it whole is a MemoryError.

The exit status is 1 if a case goes over its limit.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ferroprop as fp
import numpy as np

COLUMNS = 50
LAYERS = (COLUMNS, 100, 100, 1)
EPOCHS = 2
BATCH = 1_000
CHUNK = 10_000  # rows made at a time
MIB = 2**20
LIMIT = 64 * MIB
ALLOCATIONS = 32 * MIB  # when the data are in a file


def main() -> int:
    """Run the cases, one process each, and print a table."""
    options = parse()
    if options.case:
        print(json.dumps(CASES[options.case](options.rows, options.threads)))
        return 0
    network, activations = "-".join(map(str, LAYERS)), options.rows * sum(LAYERS[1:]) * 4
    print(f"{options.rows:,} x {COLUMNS} rows, float32, network {network}, threads: {options.threads}.")
    print(f"All rows' activations at once would be {activations / MIB:,.0f} MiB.\n")
    print(f"{'MiB':44}{'data':>7}{'peak':>7}{'over data':>11}{'before':>8}{'limit':>7}")
    return max([show(case, in_own_process(case, options)) for case in CASES])


def show(case: str, measured: dict[str, Any]) -> int:
    """Print a line of the table; return 1 if the case failed."""
    if "skipped" in measured:
        print(f"{case:44}skipped: {measured['skipped']}")
        return 0
    numbers = [measured[key] / MIB for key in ("data", "peak", "over", "before", "limit")]
    passed = measured["over"] <= measured["limit"]
    verdict = "passed" if passed else "FAILED"
    print("{:44}{:7.0f}{:7.0f}{:11.1f}{:8.1f}{:7.0f}  {}".format(case, *numbers, verdict))
    return 0 if passed else 1


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="[%(default)s]")
    parser.add_argument("--threads", type=int, default=2, help="[%(default)s]")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    return parser.parse_args()


def in_own_process(case: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one case."""
    arguments = ["--case", case, "--rows", str(options.rows), "--threads", str(options.threads)]
    command = [sys.executable, __file__, *arguments]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def train(X: np.ndarray, Y: np.ndarray, threads: int, batch_size: int | None) -> int:
    """Train a few epochs; return how much was allocated while the training had all it needs."""
    network = fp.Network(LAYERS, activation="tanh")
    most = 0

    def look(_: fp.Epoch) -> None:
        nonlocal most
        most = max(most, allocated())

    optimizer = fp.Adam() if batch_size else fp.Rprop()
    settings = {"epochs": EPOCHS, "batch_size": batch_size, "n_threads": threads, "callback": look}
    fp.train(network, X, Y, optimizer=optimizer, **settings)
    return most


def from_arrays(rows: int, threads: int, order: str = "C", batch_size: int | None = None) -> dict[str, Any]:
    """Train from arrays in memory."""
    before = resident_peak()
    X, Y = np.empty((rows, COLUMNS), np.float32, order=order), np.empty((rows, 1), np.float32)
    fill(X, Y)
    train(X, Y, threads, batch_size)
    data, peak = X.nbytes + Y.nbytes, resident_peak()
    return {"data": data, "peak": peak, "over": peak - data, "before": before, "limit": LIMIT}


def from_file(rows: int, threads: int) -> dict[str, Any]:
    """Train mini-batches from a file; what the process allocates is limited and counted.

    Pages of the file stay in memory as long as nobody else needs it, and are no allocation.
    """
    if not sys.platform.startswith("linux"):
        return {"skipped": "needs Linux, where RLIMIT_DATA holds for all allocations"}
    with tempfile.TemporaryDirectory() as folder:
        files = [(Path(folder, name), (rows, columns)) for name, columns in (("X", COLUMNS), ("Y", 1))]
        fill(*(np.memmap(path, np.float32, "w+", shape=shape) for path, shape in files))
        X, Y = (np.memmap(path, np.float32, "r", shape=shape) for path, shape in files)
        before = allocated()
        resource.setrlimit(resource.RLIMIT_DATA, (before + ALLOCATIONS, before + ALLOCATIONS))
        if not too_large(X):
            return {"skipped": "so few rows would fit in memory"}
        peak = train(X, Y, threads, BATCH)
        data = X.nbytes + Y.nbytes
    return {"data": data, "peak": peak, "over": peak - before, "before": before, "limit": ALLOCATIONS}


def too_large(X: np.ndarray) -> bool:
    """Whether memory for a copy is refused."""
    try:
        X.copy()
    except MemoryError:
        return True
    return False


CASES: dict[str, Callable[[int, int], dict[str, Any]]] = {
    "full batch": from_arrays,
    "full batch, X in Fortran order": partial(from_arrays, order="F"),
    f"batches of {BATCH:,}": partial(from_arrays, batch_size=BATCH),
    f"batches of {BATCH:,} from a numpy.memmap": from_file,
}


def fill(X: np.ndarray, Y: np.ndarray) -> None:
    """Fill arrays with numbers without making others of their size."""
    random = np.random.default_rng(0)
    for first in range(0, len(X), CHUNK):
        rows = X[first : first + CHUNK]
        rows[:] = random.standard_normal(rows.shape, dtype=np.float32)
        Y[first : first + CHUNK, 0] = np.sin(rows[:, 0]) + rows[:, 1]


def resident_peak() -> int:
    """Bytes that the process had resident at most, since it began."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def allocated() -> int:
    """Bytes of private memory that the process has asked for; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/status").read_text().partition("VmData:")[2].split()[0]) * 1024
    except OSError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
