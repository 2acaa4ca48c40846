"""ferroprop beside JAX, scikit-learn, PyTorch, ONNX Runtime and NumPy, in one run.

Each library works in a process of its own for each number of threads, bound to as many CPU cores
before the library is loaded. The processes live as long as the run and take turns, one round after
the other, so that whatever else the machine does hits them all alike. Ratios are taken within a
round; what is printed is their median over the rounds.

    python benches/peers.py --picture docs/images/peers.png

benches/README.md says what is measured and which form of each library.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from side_by_side.libraries import (
    TITLES,
)
from side_by_side.picture import draw
from side_by_side.process import serve
from side_by_side.report import (
    report,
)
from side_by_side.rounds import installed, run
from side_by_side.workloads import (
    WORKLOADS,
)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    names = [*WORKLOADS, "inference"]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", default="1,2", help="numbers of threads, with commas [%(default)s]")
    parser.add_argument("--rounds", type=int, help="rounds taken in turn [7]")
    parser.add_argument("--seconds", type=float, help="seconds a round and library, at least [0.2]")
    parser.add_argument("--workloads", help=f"some of {','.join(names)}")
    parser.add_argument(
        "--quick", action="store_true", help="3 short rounds, without the two large workloads"
    )
    parser.add_argument("--peak", type=float, metavar="GFLOPS", help="a core's peak, instead of measuring it")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the times")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers of all rounds")
    parser.add_argument("--show", type=Path, metavar="FILE", help="measure nothing, report what --json wrote")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    small = [name for name in names if not options.quick or name not in {"mnist-full", "wide"}]
    chosen = options.workloads.split(",") if options.workloads else small
    options.threads = sorted({int(threads) for threads in options.threads.split(",")})
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.seconds = options.seconds or (0.05 if options.quick else 0.2)
    options.workloads = [name for name in names if name in chosen]
    if unknown := set(chosen) - set(names):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    if not 1 <= options.threads[0] <= options.threads[-1] <= cores:
        parser.error(f"--threads: from 1 to the {cores} cores that this process may use")
    return options


def main() -> None:
    """Measure, or read what was measured; then report."""
    options = parse()
    if options.serve:
        serve(options.serve[0], int(options.serve[1]))
        return
    if options.show:
        results = json.loads(options.show.read_text())
    else:
        missing = [TITLES[name] for name in TITLES if name not in installed()]
        print(*(f"{name} is not installed: left out" for name in missing), sep="\n", file=sys.stderr)
        results = run(options)
    print(report(results))
    if options.picture:
        draw(results, options.picture)


if __name__ == "__main__":
    main()
