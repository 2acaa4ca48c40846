"""Fits and scores: each table, split and method once; what is done stands in a file and is not done again."""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from real_tables.methods import Method
from real_tables.sources import MissingError, Table, describe, load

TEST = 0.25
LEAST_PROBABILITY = 1e-7


def split(X: pd.DataFrame, y: pd.Series, classes: bool, seed: int) -> tuple[pd.DataFrame, ...]:
    """Return training and test inputs, training and test targets: a quarter is for the test."""
    by = y if classes and y.value_counts().min() > 1 else None  # a class of one row is in one part
    parts = train_test_split(X, y, test_size=TEST, random_state=seed, stratify=by)
    return tuple(part.reset_index(drop=True) for part in parts)


def scores(outputs: NDArray[np.float64], y: pd.Series, known: NDArray[Any] | None) -> dict[str, float]:
    """Return error and log loss of probabilities (columns are the sorted classes), or the RMSE of numbers."""
    if known is None:
        return {"rmse": float(np.sqrt(np.mean((outputs.ravel() - y.to_numpy()) ** 2)))}
    right = pd.Index(known).get_indexer(pd.Index(y))
    kept = np.clip(outputs, LEAST_PROBABILITY, None)
    kept /= kept.sum(axis=1, keepdims=True)
    given = np.where(right >= 0, kept[np.arange(len(y)), right], LEAST_PROBABILITY)
    return {
        "error": float(np.mean(outputs.argmax(axis=1) != right)),
        "log_loss": float(-np.log(given).mean()),
    }


def cpu_seconds() -> float:
    """Return the CPU time of this process and its children."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, who))


def measure(method: Method, table: Table, data: tuple[pd.DataFrame, pd.Series], seed: int) -> dict[str, Any]:
    """Fit on the training rows of a split, predict its test rows."""
    classes = table.task == "classes"
    X_train, X_test, y_train, y_test = split(*data, classes, seed)
    began, wall = cpu_seconds(), time.perf_counter()
    predict = method.fit(X_train, y_train, classes, seed)
    fitted, fit_wall = cpu_seconds() - began, time.perf_counter() - wall
    began = cpu_seconds()
    outputs = predict(X_test)
    predicted = cpu_seconds() - began
    return {
        **scores(outputs, y_test, np.unique(y_train) if classes else None),
        "fit": fitted,
        "fit_wall": fit_wall,
        "predict": predicted,
        "predicted_rows": len(X_test),
    }


def version(method: Method) -> str:
    """Return the version of the package behind a method."""
    package = {"sklearn": "scikit-learn"}.get(method.needs.split(".")[0], method.needs.split(".")[0])
    return f"{package} {metadata.version(package)}" if package != "ferroprop" else _ours()


def _ours() -> str:
    import ferroprop

    return f"ferroprop {ferroprop.__version__}"


def read(file: Path) -> list[dict[str, Any]]:
    """Return all results of a file, oldest first."""
    return [json.loads(line) for line in file.read_text("ascii").splitlines()] if file.exists() else []


def run(
    tables: Iterable[Table],
    methods: list[Method],
    splits: int,
    file: Path,
    r_library: Path,
    mark: str,
    again: bool,
) -> None:
    """Do what the file does not have yet; a line is appended after each fit.

    Parameters
    ----------
    tables, methods : iterables
        What is to be compared.
    splits : int
        Splits of each table, seeds 0, 1, ...
    file : Path
        One JSON object a line.
    r_library : Path
        Where R's packages are.
    mark : str
        Names the state of the program, for example a commit; kept with each result.
    again : bool
        Whether to fit even if the file has a result; the older one stays in it.
    """
    done = set() if again else {(r["method"], r["table"], r["split"]) for r in read(file)}
    for table in tables:
        wanted = [
            (method, seed)
            for seed in range(splits)
            for method in methods
            if (method.name, table.name, seed) not in done
        ]
        if not wanted:
            continue
        try:
            data = load(table, r_library)
        except MissingError as reason:
            print(f"{table.name}: LEFT OUT, {reason}", file=sys.stderr, flush=True)
            continue
        for method, seed in wanted:
            head = {"method": method.name, "table": table.name, "split": seed, "version": version(method)}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                found = measure(method, table, data, seed)
            result = {**head, "mark": mark, **describe(*data), **found}
            with file.open("a", encoding="ascii") as out:
                out.write(json.dumps(result) + "\n")
            told = ", ".join(
                f"{key} {found[key]:.4g}" for key in ("error", "log_loss", "rmse") if key in found
            )
            print(
                f"{table.name} {seed} {method.name}: {told}; {found['fit']:.1f} s",
                file=sys.stderr,
                flush=True,
            )
