"""Training on more rows than fit in memory, and how much of the time it waits for the disk.

    python benches/out_of_core.py --gigabytes 20 --limit 2

It makes rows in a file (and removes it), and trains on them in a process that may allocate so many gigabytes
(RLIMIT_DATA, which holds for all private memory). Pages of the file are no allocation; before each epoch the
process gives them up and asks the system to forget them, so that every epoch reads the whole file from the
disk. A control group limits the pages too:

    systemd-run --scope -p MemoryMax=2G python benches/out_of_core.py

The same training on rows that the system has in memory tells what an epoch costs without a disk, by the row;
the rest of the epoch on the whole file is the wait. Last come rows at random places of the file, as an order
over all rows asks for them.
"""

import argparse
import json
import mmap
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import ferroprop as fp
import numpy as np
from ferroprop.io._npy import rows_to_file

GIGA = 10**9
CHUNK = 1 << 22  # numbers made at a time
RANDOM_ROWS = 5_000
WARM = GIGA // 2  # bytes of rows that are trained on from memory
CASES = {
    "rprop": {"optimizer": "rprop"},
    "adam, blocks": {"optimizer": "adam", "batch_size": 256, "shuffle": "blocks"},
}


def main() -> int:
    """Make the rows, run the cases, print a table."""
    options = parse()
    if options.case:
        print(json.dumps(measured(options)))
        return 0
    size = int(options.gigabytes * GIGA)
    free = shutil.disk_usage(options.folder).free
    if free < size * 1.2:
        print(
            f"{options.folder} has {free / GIGA:.0f} GB, and the rows take {size / GIGA:.1f}", file=sys.stderr
        )
        return 1
    rows = size // (4 * options.columns)
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="ferroprop-out-of-core-") as folder:
        began = time.perf_counter()
        make(Path(folder), rows, options.columns)
        seconds = time.perf_counter() - began
        print(f"{rows:,} x {options.columns} float32, {size / GIGA:.1f} GB, written in {seconds:.0f} s.")
        network = f"{options.columns}-{options.hidden}-1"
        print(f"Network {network}, threads: {options.threads}; limit {options.limit:g} GB.\n")
        heads = ("rows", 12), ("epoch s", 9), ("MB/s", 7), ("in cache s", 12), ("waits", 7), ("faults", 9)
        print(" " * 20 + "".join(f"{head:>{width}}" for head, width in heads) + f"{'peak MB':>9}")
        for case in options.cases:
            show(case, in_own_process(case, Path(folder), options))
        one = at_random(Path(folder) / "X.npy", 4 * options.columns)
        hours = one * rows / 3600
        print(f"\nA row at a random place: {one * 1e6:.0f} us; all of them one by one: {hours:.1f} hours.")
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=20, help="[%(default)s]")
    parser.add_argument(
        "--limit", type=float, default=2, help="gigabytes that a training may allocate [%(default)s]"
    )
    parser.add_argument("--columns", type=int, default=100, help="[%(default)s]")
    parser.add_argument("--hidden", type=int, default=64, help="[%(default)s]")
    parser.add_argument("--epochs", type=int, default=2, help="[%(default)s]")
    parser.add_argument("--threads", type=int, default=2, help="[%(default)s]")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="on the disk [%(default)s]"
    )
    parser.add_argument(
        "--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE", help="[all]"
    )
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    return parser.parse_args()


def make(folder: Path, rows: int, columns: int) -> None:
    """Write inputs and targets."""
    random = np.random.default_rng(0)
    weights = random.standard_normal((columns, 1), dtype=np.float32)
    step = max(1, CHUNK // columns)
    with (
        rows_to_file(folder / "X.npy", (rows, columns), np.float32) as inputs,
        rows_to_file(folder / "Y.npy", (rows, 1), np.float32) as targets,
    ):
        for first in range(0, rows, step):
            X = random.standard_normal((min(step, rows - first), columns), dtype=np.float32)
            inputs.write(X)
            targets.write(np.tanh(X @ weights))


def in_own_process(case: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run one case."""
    numbers = {name: getattr(options, name) for name in ("limit", "hidden", "epochs", "threads")}
    arguments = [f"--{name}={value}" for name, value in numbers.items()]
    command = [sys.executable, __file__, "--case", case, "--folder", str(folder), *arguments]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Train from the disk and from the cache, in a process of little memory."""
    limit = int(options.limit * GIGA)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    X, Y = (np.load(options.folder / name, mmap_mode="r") for name in ("X.npy", "Y.npy"))
    row = X.shape[1] * X.itemsize
    if X.nbytes > limit:
        try:
            X.copy()
        except MemoryError:
            pass
        else:
            raise SystemExit("a copy of the rows fits in the memory: nothing is measured")
    few = min(len(X), WARM // row)
    warm = np.asarray(X[:few]).sum(dtype=np.float64)  # they are in memory now
    assert np.isfinite(warm)
    in_cache = epochs(X[:few], Y[:few], options, forget=())[-1][0] / few
    runs = epochs(X, Y, options, forget=(X, Y))
    seconds, faults = (float(np.median(column)) for column in zip(*runs, strict=True))
    peak = int(Path("/proc/self/status").read_text().partition("RssAnon:")[2].split()[0]) * 1024
    return {
        "rows": len(X),
        "seconds": seconds,
        "faults": faults,
        "cached": in_cache * len(X),
        "bytes": len(X) * row,
        "peak": peak,
    }


def epochs(X: Any, Y: Any, options: argparse.Namespace, forget: Any) -> list[tuple[float, int]]:
    """Return seconds and major faults of each epoch, at whose beginning arrays are not in memory."""
    network = fp.Network([X.shape[1], options.hidden, 1], activation="tanh")
    found, last = [], [0.0, 0]

    def begin() -> None:
        for array in forget:
            give_up(array)
        last[:] = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_majflt

    def epoch(_: fp.Epoch) -> None:
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
        found.append((time.perf_counter() - last[0], faults - last[1]))
        begin()

    settings = {"epochs": options.epochs + 1, "n_threads": options.threads, "callback": epoch}
    begin()
    fp.train(network, X, Y, **settings, **CASES[options.case])
    return found[1:]  # all rows are checked before the first


def give_up(array: Any) -> None:
    """Give up the pages of a mapped file, and ask the system to forget them."""
    base = array
    while not isinstance(base, mmap.mmap):
        base = base.base
    base.madvise(mmap.MADV_DONTNEED)
    descriptor = os.open(array.filename, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def at_random(path: Path, size: int) -> float:
    """Return the seconds in which a row at a random place is read from the disk."""
    random, descriptor = np.random.default_rng(0), os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
        places = random.integers(0, path.stat().st_size - size, RANDOM_ROWS)
        began = time.perf_counter()
        for place in places.tolist():
            os.pread(descriptor, size, place)
        return (time.perf_counter() - began) / RANDOM_ROWS
    finally:
        os.close(descriptor)


def show(case: str, numbers: dict[str, Any]) -> None:
    """Print a line of the table."""
    seconds, cached = numbers["seconds"], numbers["cached"]
    waits = max(0.0, 1 - cached / seconds)
    rate = numbers["bytes"] / seconds / 1e6
    line = f"{case:20}{numbers['rows']:12,}{seconds:9.1f}{rate:7.0f}{cached:12.1f}{waits:7.0%}"
    print(line + f"{numbers['faults']:9,.0f}{numbers['peak'] / 1e6:9.0f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
