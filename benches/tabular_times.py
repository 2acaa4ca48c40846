"""Wall times of the estimators for tables: five members on all cores beside one member on one.

    python benches/tabular_times.py
    python benches/tabular_times.py --tables credit,ames --rounds 3

The fits are those of the training rows of split 0 of benches/tables.py, at most `--rows` of them, and take
turns; the medians of their wall times count, and their geometric mean over the tables.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from ferroprop.tabular import TabularMLPClassifier, TabularMLPRegressor
from real_tables.report import geometric
from real_tables.runs import split
from real_tables.sources import R_LIBRARY, TABLES, MissingError, load

GOAL = 2.6


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", help="names of tables, with commas; all if not given")
    parser.add_argument("--rows", type=int, default=6000, help="training rows at most [%(default)s]")
    parser.add_argument("--rounds", type=int, default=1, help="fits of each kind [%(default)s]")
    parser.add_argument("--threads", type=int, default=2, help="threads of the ensemble [%(default)s]")
    parser.add_argument("--r-library", type=Path, default=R_LIBRARY, help="R's packages [%(default)s]")
    return parser.parse_args()


def seconds(estimator: Any, X: Any, y: Any) -> float:
    """Return the wall time of a fit."""
    began = time.perf_counter()
    estimator.fit(X, y)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    options = parse()
    ratios: dict[str, list[float]] = {"classes": [], "numbers": []}
    for table in TABLES:
        if options.tables and table.name not in options.tables.split(","):
            continue
        try:
            data = load(table, options.r_library)
        except MissingError as reason:
            print(f"{table.name}: LEFT OUT, {reason}")
            continue
        classes = table.task == "classes"
        X, _, y, _ = split(*data, classes, 0)
        X, y = X[: options.rows], y[: options.rows]
        make = TabularMLPClassifier if classes else TabularMLPRegressor
        one, all_of_them = [], []
        for _ in range(options.rounds):
            one.append(seconds(make(1, n_jobs=1, random_state=0), X, y))
            all_of_them.append(seconds(make(5, n_jobs=options.threads, random_state=0), X, y))
        times = statistics.median(one), statistics.median(all_of_them)
        kind = "classes" if classes else "numbers"
        ratios[kind].append(times[1] / times[0])
        print(f"{table.name:15} {times[0]:7.2f} s {times[1]:7.2f} s  {ratios[kind][-1]:.2f}", flush=True)
    ratios["all"] = ratios["classes"] + ratios["numbers"]
    for kind, values in ratios.items():
        if values:
            print(f"{kind}: {geometric(values):.2f} over {len(values)} tables (goal {GOAL})")


if __name__ == "__main__":
    main()
