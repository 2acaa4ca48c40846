"""Texts as bags of words: an MLP on sparse rows beside scikit-learn's, CPU time and peak memory.

3,000 texts of 50 words out of 100,000, 100 relu units, 2 classes, Adam with batches of 200, 3 epochs, one
thread, in float32 and float64. Each fit is a process of its own; the libraries take turns. The network has
10,000,000 weights in its first layer; a batch gives a tenth of them a gradient at most, but Adam moves all.

    python benches/sparse_rows.py
    python benches/sparse_rows.py --rounds 5 --columns 20000

Prints seconds of CPU time of a fit and of predictions of all rows (the first one prepares the network), and
the memory that the process had at its peak over what it had before the fit: medians over the rounds, and the
ratios to scikit-learn's. Exits with 1 if time or memory is above the limits of the fit (1.0 and 1.5 times).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings

ROWS, WORDS, UNITS, EPOCHS, BATCH = 3000, 50, 100, 3, 200
LIMITS = {"fit": 1.0, "first prediction": None, "prediction": None, "memory": 1.5}


def texts(columns, dtype):
    """Return rows of words that follow Zipf's law, roughly, and classes."""
    import numpy as np
    import scipy.sparse

    rng = np.random.default_rng(0)
    words = (columns ** rng.random(ROWS * WORDS)).astype(int) - 1
    starts = np.arange(0, ROWS * WORDS + 1, WORDS)
    X = scipy.sparse.csr_matrix((np.ones(len(words), dtype), words, starts), shape=(ROWS, columns))
    X.sum_duplicates()
    return X, (X @ np.sin(np.arange(columns, dtype=dtype)) > 0).astype(int)


def fit(library, columns, dtype):
    """Fit in this process; print a line of JSON."""
    import resource

    if library == "ours":
        from ferroprop import MLPClassifier
    else:
        from sklearn.neural_network import MLPClassifier
    X, y = texts(columns, dtype)
    mlp = MLPClassifier((UNITS,), solver="adam", batch_size=BATCH, max_iter=EPOCHS, random_state=0)
    mlp.fit(X[:200, :500], y[:200])  # what is loaded at the first use
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    mlp.fit(X, y)
    fitted = time.process_time()
    mlp.predict_proba(X)
    predicted = time.process_time()
    for _ in range(10):
        mlp.predict_proba(X)
    ended = time.process_time()
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    times = {
        "fit": fitted - began,
        "first prediction": predicted - fitted,
        "prediction": (ended - predicted) / 10,
    }
    print(json.dumps(times | {"memory": memory}))


def main():
    """Let the libraries take turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--columns", type=int, default=100_000)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        warnings.simplefilter("ignore")
        return fit(arguments.one[0], arguments.columns, arguments.one[1])
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    missed = False
    for dtype in ("float32", "float64"):
        results = {"ours": [], "scikit-learn": []}
        for _ in range(arguments.rounds):
            for library, list_of in results.items():
                command = [
                    sys.executable,
                    __file__,
                    "--columns",
                    str(arguments.columns),
                    "--one",
                    library,
                    dtype,
                ]
                done = subprocess.run(
                    command, env=os.environ | threads, capture_output=True, text=True, check=True
                )
                list_of.append(json.loads(done.stdout))
        for what, limit in LIMITS.items():
            ours, theirs = (statistics.median(r[what] for r in results[name]) for name in results)
            unit = "MB" if what == "memory" else "s "
            ratio = ours / theirs
            missed |= limit is not None and ratio > limit
            wanted = "" if limit is None else f" (at most {limit})"
            print(
                f"{dtype} {what:16s} ours {ours:8.3f} {unit} scikit-learn {theirs:8.3f} {unit} "
                f"ratio {ratio:.2f}{wanted}"
            )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
