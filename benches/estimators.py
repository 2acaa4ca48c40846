"""ferroprop's estimators beside scikit-learn's: the time of a fit, the score on rows not seen, single calls.

Both get the same rows, the same settings and the same seeds, and take turns. Inputs and the targets of
regression are scaled by what the training rows say.

    python benches/estimators.py --mnist DIRECTORY --large     # all tables, about an hour on two cores
    python benches/estimators.py --tables iris,digits --seeds 2
"""

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ferroprop as fp
import numpy as np
import sklearn.neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.preprocessing import StandardScaler
from tables import Table, tables

OURS, THEIRS = fp, sklearn.neural_network
LEARNING_RATES = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2]
GOAL, CALL_GOAL = 4.0, 5.0


def estimator(library: Any, table: Table, seed: int, **settings: Any) -> Any:
    """Return an estimator of one of the libraries with the settings of the table."""
    name = "MLPClassifier" if table.classes else "MLPRegressor"
    return getattr(library, name)(**{**table.settings, "random_state": seed, **settings})


def split(table: Table, data: Any, seed: int) -> tuple[Any, Any, Any, Any]:
    """Return training inputs, test inputs, training targets and test targets, scaled."""
    X, y = data
    if table.test is not None:
        X_train, X_test, y_train, y_test = (
            X[: -table.test],
            X[-table.test :],
            y[: -table.test],
            y[-table.test :],
        )
    else:
        stratify = y if table.classes else None
        X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=stratify, random_state=seed)
        scaler = StandardScaler().fit(X_train)
        X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
    if not table.classes:
        center, spread = y_train.mean(), y_train.std()
        y_train, y_test = (y_train - center) / spread, (y_test - center) / spread
    return X_train, X_test, y_train, y_test


def timed_fit(model: Any, parts: Any) -> tuple[float, float]:
    """Return the seconds of a fit and the score on the test rows."""
    X_train, X_test, y_train, y_test = parts
    start = time.perf_counter()
    model.fit(X_train, y_train)
    return time.perf_counter() - start, float(model.score(X_test, y_test))


def fits(table: Table, seeds: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Fit both with each seed, who is first by turns."""
    data = table.load()
    runs: dict[str, list[tuple[float, float]]] = {"theirs": [], "ours": []}
    for seed in range(seeds):
        parts = split(table, data, seed)
        libraries = [("theirs", THEIRS), ("ours", OURS)]
        for name, library in libraries if seed % 2 == 0 else libraries[::-1]:
            runs[name].append(timed_fit(estimator(library, table, seed), parts))
        (their_time, their_score), (our_time, our_score) = runs["theirs"][-1], runs["ours"][-1]
        tell(
            f"scikit-learn {their_time:.3g} s, {their_score:.4f}; ferroprop {our_time:.3g} s, {our_score:.4f}"
        )
    return {"table": table.name, "rows": len(data[0]), "features": data[0].shape[1], **runs}


def against_adam(table: Table, seeds: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Fit Rprop as it comes, and Adam with the learning rate that is best in threefold cross-validation.

    Both stop early, so that neither is judged by how much it overfits in the epochs that the table allows.
    """
    data = table.load()
    stops = {"early_stopping": True}
    runs: dict[str, list[tuple[float, float]]] = {"adam": [], "rprop": []}
    chosen, searched = [], []
    for seed in range(seeds):
        parts = split(table, data, seed)
        runs["rprop"].append(timed_fit(estimator(OURS, table, seed, solver="rprop", **stops), parts))
        start = time.perf_counter()
        search = GridSearchCV(
            estimator(OURS, table, seed, **stops), {"learning_rate_init": LEARNING_RATES}, cv=3, refit=False
        ).fit(parts[0], parts[2])
        searched.append(time.perf_counter() - start)
        rate = search.best_params_["learning_rate_init"]
        chosen.append(rate)
        runs["adam"].append(timed_fit(estimator(OURS, table, seed, learning_rate_init=rate, **stops), parts))
        (adam_time, adam_score), (time_, score) = runs["adam"][-1], runs["rprop"][-1]
        tell(f"Adam ({rate:g}) {adam_time:.3g} s, {adam_score:.4f}; Rprop {time_:.3g} s, {score:.4f}")
    return {"table": table.name, "searched": searched, "chosen": chosen, **runs}


def calls(seconds: float = 1.0) -> list[dict[str, Any]]:
    """Time ``predict_proba`` of one row, all input checks included; the two take turns."""
    results = []
    for sizes in ((4, 100, 3), (64, 100, 10), (784, 256, 128, 10)):
        rng = np.random.default_rng(0)
        X, y = rng.random((60, sizes[0])), np.arange(60) % sizes[-1]
        row = X[:1].copy()
        methods = {
            name: library.MLPClassifier(sizes[1:-1], max_iter=1, random_state=0).fit(X, y).predict_proba
            for name, library in (("theirs", THEIRS), ("ours", OURS))
        }
        rounds: dict[str, list[float]] = {"theirs": [], "ours": []}
        for _ in range(7):
            for name, method in methods.items():
                n, start = 0, time.perf_counter()
                while (spent := time.perf_counter() - start) < seconds / 7:
                    for _ in range(20):
                        method(row)
                    n += 20
                rounds[name].append(spent / n * 1e6)
        results.append({"network": "-".join(map(str, sizes)), **rounds})
    return results


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation, of which a single value has none."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def ratio(result: dict[str, Any], slow: str, fast: str) -> float:
    """Return the median, over the seeds, of how many times as long one fit takes as the other."""
    return statistics.median(s[0] / f[0] for s, f in zip(result[slow], result[fast], strict=True))


def report_fits(results: list[dict[str, Any]]) -> list[str]:
    """Return the lines of the table of fits."""
    lines = [
        "| table | rows | scikit-learn | ferroprop | times as fast | its score | ours | low? |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ratios, lower = [], 0
    for result in results:
        their_mean, spread = mean_and_spread([score for _, score in result["theirs"]])
        our_mean, our_spread = mean_and_spread([score for _, score in result["ours"]])
        is_lower = their_mean - our_mean > max(spread, our_spread)
        ratios.append(ratio(result, "theirs", "ours"))
        lower += is_lower
        their_time, our_time = (
            statistics.median(seconds for seconds, _ in result[name]) for name in ("theirs", "ours")
        )
        lines.append(
            f"| {result['table']} | {result['rows']:,} | {their_time:.3g} s | {our_time:.3g} s "
            f"| {ratios[-1]:.1f} | {their_mean:.4f} ± {spread:.4f} | {our_mean:.4f} ± {our_spread:.4f} "
            f"| {'YES' if is_lower else 'no'} |"
        )
    overall = statistics.geometric_mean(ratios)
    verdict = "met" if overall >= GOAL and not lower else "MISSED"
    lines += [
        "",
        f"Geometric mean: {overall:.2f} times as fast (goal {GOAL:g}); scores lower by more than the seeds' "
        f"spread: {lower} (goal 0): {verdict}.",
    ]
    return lines


def report_rprop(results: list[dict[str, Any]]) -> list[str]:
    """Return the lines of the table of Rprop as it comes and Adam tuned."""
    lines = [
        "| table | Adam's rate | Adam, tuned | Rprop | Adam's fit | its search | Rprop's fit |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        scores = {name: mean_and_spread([score for _, score in result[name]]) for name in ("adam", "rprop")}
        times = {
            name: statistics.median(seconds for seconds, _ in result[name]) for name in ("adam", "rprop")
        }
        rates = ", ".join(f"{rate:g}" for rate in sorted(set(result["chosen"])))
        lines.append(
            f"| {result['table']} | {rates} | {scores['adam'][0]:.4f} ± {scores['adam'][1]:.4f} "
            f"| {scores['rprop'][0]:.4f} ± {scores['rprop'][1]:.4f} | {times['adam']:.3g} s "
            f"| {statistics.median(result['searched']):.3g} s | {times['rprop']:.3g} s |"
        )
    return lines


def report_calls(results: list[dict[str, Any]]) -> list[str]:
    """Return the lines of the table of single calls."""
    lines = [
        "| network | scikit-learn | ferroprop | times as fast | goal |",
        "|---|---|---|---|---|",
    ]
    for result in results:
        times = statistics.median(t / o for t, o in zip(result["theirs"], result["ours"], strict=True))
        theirs, ours = (statistics.median(result[name]) for name in ("theirs", "ours"))
        met = "met" if times >= CALL_GOAL else "MISSED"
        lines.append(f"| {result['network']} | {theirs:.1f} µs | {ours:.1f} µs | {times:.1f} | {met} |")
    return lines


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", help="names of tables, with commas; all if not given")
    parser.add_argument("--seeds", type=int, default=5, help="fits of each table [%(default)s]")
    parser.add_argument("--large", action="store_true", help="the table of 10^6 rows, too")
    parser.add_argument("--mnist", type=Path, metavar="DIRECTORY", help="where MNIST's four .gz files are")
    parser.add_argument("--only", choices=["fits", "rprop", "calls"], help="one of the three parts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers")
    return parser.parse_args()


def main() -> None:
    """Measure and report."""
    options = parse()
    warnings.simplefilter("ignore", ConvergenceWarning)
    chosen = list(tables(large=options.large, mnist_folder=options.mnist))
    if options.tables:
        asked = options.tables.split(",")
        if unknown := set(asked) - {table.name for table in chosen}:
            sys.exit(f"no such table: {', '.join(sorted(unknown))}; {', '.join(t.name for t in chosen)}")
        chosen = [table for table in chosen if table.name in asked]
    parts = [options.only] if options.only else ["fits", "rprop", "calls"]
    total = sum(len(chosen) * options.seeds for part in parts if part != "calls")
    done, began = 0, time.perf_counter()
    results: dict[str, list[dict[str, Any]]] = {}

    def teller(name: str) -> Callable[[str], None]:
        def tell(line: str) -> None:
            nonlocal done
            done += 1
            minutes = (time.perf_counter() - began) / 60
            print(f"[{done}/{total}, {minutes:.1f} min] {name}: {line}", file=sys.stderr, flush=True)

        return tell

    for part, measure in (("fits", fits), ("rprop", against_adam)):
        if part in parts:
            results[part] = [measure(table, options.seeds, teller(table.name)) for table in chosen]
    if "calls" in parts:
        results["calls"] = calls()
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    titles = {
        "fits": ("Fits, the same settings and seeds", report_fits),
        "rprop": (
            "Rprop with nothing tuned, Adam with its learning rate tuned (both ferroprop's, early stopping)",
            report_rprop,
        ),
        "calls": ("predict_proba of one row", report_calls),
    }
    for part, result in results.items():
        title, lines = titles[part]
        print(f"\n{title}:\n", *lines(result), sep="\n")


if __name__ == "__main__":
    main()
