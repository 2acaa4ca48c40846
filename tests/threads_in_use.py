"""Counts the threads that fits really use, alone and in joblib's jobs; Linux only.

A program of its own, for pools of threads stay: after a fit the count says nothing of the next.
It prints JSON: the threads of all processes together, callers included, for each case.
"""

import json
import os
import warnings
from pathlib import Path

import ferroprop as fp
import joblib
import numpy as np

X = np.random.RandomState(0).rand(8000, 50)


def helpers():
    """Return how many threads of ferroprop's pools this process has, beside those that call it."""
    names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    return sum(name.startswith("ferroprop") for name in names)


def fit_and_count(n_jobs):
    """Return this process and the most helpers it had during a fit and a prediction."""
    seen = []
    warnings.simplefilter("ignore")
    model = fp.MLPRegressor(
        max_iter=2, batch_size=4000, n_jobs=n_jobs, callback=lambda epoch: seen.append(helpers())
    )
    model.fit(X, X[:, 0]).predict(X)
    return os.getpid(), max(*seen, helpers())


def in_jobs(backend, n_jobs):
    """Return the threads of two jobs at a time, whatever each of their estimators asks for."""
    asked = (None, -1, 64, None)
    done = joblib.Parallel(n_jobs, backend)(joblib.delayed(fit_and_count)(n) for n in asked)
    of_each = {}
    for process, count in done:
        of_each[process] = max(count, of_each.get(process, 0))
    return sum(of_each.values()) + (n_jobs if backend == "threading" else len(of_each))


def main():
    """Count, the cases without helpers first."""
    cores = joblib.cpu_count()
    jobs = min(2, cores)
    counted = {
        "cores": cores,
        "jobs": jobs,
        "in jobs": {name: in_jobs(name, jobs) for name in ("loky", "multiprocessing", "threading")},
    }
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everywhere)})
    counted["pinned"] = fit_and_count(None)[1] + 1
    os.sched_setaffinity(0, everywhere)
    os.environ["OMP_NUM_THREADS"] = "1"
    counted["OMP_NUM_THREADS=1"] = fit_and_count(None)[1] + 1
    del os.environ["OMP_NUM_THREADS"]
    counted["alone"] = fit_and_count(None)[1] + 1
    print(json.dumps(counted))


if __name__ == "__main__":
    main()
