"""The floor of a fit: CPU milliseconds of small fits of the estimators, of which little is the core's.

A search of hyperparameters fits hundreds of small networks, and their checks, labels and random draws count.
Each line is the least CPU time of a fit of 200 epochs on one thread, in all and outside of the core's call
(L-BFGS counts as outside), and the project's goal where there is one.
`--beside` takes another version of the package, with a native module of its own; the two take turns, and the
ratio of their times is printed, which carries over to other machines. The last lines are the CPU seconds of
imports, each in a process of its own.

    python benches/fit_floor.py
    python benches/fit_floor.py --beside ../before/python --repeat 20
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent / "python"
FITS: dict[str, float | None] = {
    "iris adam": 2.0,
    "iris rprop": 1.2,
    "iris lbfgs": 4.0,
    "wine adam": None,
    "wine rprop": None,
    "breast_cancer adam": None,
    "breast_cancer rprop": None,
    "diabetes rprop": None,
    "digits lbfgs": 250.0,
}
"""Data set and solver, and the CPU milliseconds that a fit is to take at most."""
IMPORTS = ("numpy", "sklearn.base", "sklearn.neural_network", "ferroprop", "ferroprop.estimators")

FIT = """
import json, sys, time, warnings
import numpy as np, sklearn.datasets
from sklearn.preprocessing import StandardScaler
import ferroprop as fp
from ferroprop.estimators import _epochs
warnings.simplefilter("ignore")
train, core = _epochs.train, 0.0

def timed(*arguments, **keywords):
    global core
    start = time.thread_time()
    try:
        return train(*arguments, **keywords)
    finally:
        core = time.thread_time() - start

_epochs.train = timed
for line in sys.stdin:
    name, solver = line.split()
    X, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    kind = fp.MLPRegressor if name == "diabetes" else fp.MLPClassifier
    y = y / 100.0 if name == "diabetes" else y
    hidden = (10,) if name in ("iris", "diabetes") else (100,)
    settings = {"max_iter": 200, "tol": 0.0, "n_iter_no_change": 10**6, "random_state": 0}
    model = kind(hidden_layer_sizes=hidden, solver=solver, **settings)
    fits = []
    for _ in range(5):
        core, start = 0.0, time.thread_time()
        model.fit(X, y)
        total = time.thread_time() - start
        fits.append((total, total - core))
    print(json.dumps([min(part) for part in zip(*fits)]), flush=True)
"""

IMPORT = "import time; start = time.process_time(); import {}; print(time.process_time() - start)"


def environment(package: Path) -> dict[str, str]:
    """Return the environment of a process that imports the package from this folder, on one thread."""
    return {**os.environ, "PYTHONPATH": str(package), "OMP_NUM_THREADS": "1"}


class Fitter:
    """A process that fits with one version of the package."""

    def __init__(self, package: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", FIT],
            env=environment(package),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fit(self, name: str) -> tuple[float, float]:
        """Return the least CPU seconds of five fits, in all and outside of the core."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        total, outside = json.loads(self._process.stdout.readline())
        return total, outside

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def fits(packages: Sequence[Path], repeat: int) -> None:
    """Print the times of all fits, the packages in turn."""
    fitters = [Fitter(package) for package in packages]
    beside = "    beside: all, outside; ratios" if len(fitters) > 1 else ""
    print(f"{'CPU ms of a fit':20}{'all':>8}{'outside':>9}{beside}")
    for name, goal in FITS.items():
        times = [[fitter.fit(name) for fitter in fitters] for _ in range(repeat)]
        least = [[1e3 * min(part) for part in zip(*own, strict=True)] for own in zip(*times, strict=True)]
        line = f"{name:20}{least[0][0]:8.2f}{least[0][1]:9.2f}"
        if len(fitters) > 1:
            ratios = [before / now for now, before in zip(*least, strict=True)]
            line += f"{least[1][0]:10.2f}{least[1][1]:8.2f}{ratios[0]:8.2f}{ratios[1]:6.2f}"
        if goal is not None:
            line += f"    at most {goal:g}: {'met' if least[0][0] <= goal else 'MISSED'}"
        print(line)
    for fitter in fitters:
        fitter.close()


def imports(repeat: int) -> None:
    """Print the CPU seconds of imports."""
    print("CPU s of an import")
    for module in IMPORTS:
        command = [sys.executable, "-c", IMPORT.format(module)]
        outputs = [
            subprocess.run(command, env=environment(HERE), capture_output=True, text=True, check=True).stdout
            for _ in range(repeat)
        ]
        print(f"{module:24}{min(map(float, outputs)):6.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--beside", type=Path, help="folder of another version of the package")
    parser.add_argument("--repeat", type=int, default=10, help="turns of five fits")
    options = parser.parse_args()
    fits([HERE, *([options.beside.resolve()] if options.beside else [])], options.repeat)
    imports(max(1, options.repeat // 3))


if __name__ == "__main__":
    main()
