"""ferroprop's estimators beside scikit-learn's: the time of a fit, the score on rows not seen, single calls.

Both get the same rows, the same settings and the same seeds, and take turns. Inputs and the targets of
regression are scaled by what the training rows say. In the second part Rprop, as it comes, is compared with
Adam, whose learning rate is searched for.

    python benches/estimators.py --mnist DIRECTORY --write   # all, ten minutes on two quiet cores
    python benches/estimators.py --quick                     # small tables, one seed: does it work
    python benches/estimators.py --tables iris,digits --seeds 2

`--write` puts the numbers between the marks in docs/coming-from-scikit-learn.md and draws the figure there;
the words around them are written by hand. `--read` does so with the numbers that `--json` kept.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ferroprop as fp
import numpy as np
import page
import sklearn.neural_network
from classic_tables import Table, tables
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.preprocessing import StandardScaler

PAGE = page.DOCS / "coming-from-scikit-learn.md"
OURS, THEIRS = fp, sklearn.neural_network
SEEDS, SEEDS_IF_LARGE = 5, 3
LEARNING_RATES = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2]


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

    Both stop early, so that neither is judged by how much it overfits. Adam has the epochs of the table;
    Rprop, which makes one step an epoch where Adam makes one a batch, has the default, at most 200.
    """
    data = table.load()
    stops = {"early_stopping": True}
    default = {"solver": "rprop", "max_iter": 200, **stops}
    runs: dict[str, list[tuple[float, float]]] = {"adam": [], "rprop": []}
    chosen, searched = [], []
    for seed in range(seeds):
        parts = split(table, data, seed)
        runs["rprop"].append(timed_fit(estimator(OURS, table, seed, **default), parts))
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


def calls(duration: float) -> list[dict[str, Any]]:
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
                while (spent := time.perf_counter() - start) < duration / 7:
                    for _ in range(20):
                        method(row)
                    n += 20
                rounds[name].append(spent / n * 1e6)
        results.append({"network": "-".join(map(str, sizes)), **rounds})
    return results


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation, of which a single value has none."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def scores(result: dict[str, Any], name: str) -> tuple[float, float]:
    """Return mean and spread of the scores of one side."""
    return mean_and_spread([score for _, score in result[name]])


def seconds(result: dict[str, Any], name: str) -> float:
    """Return the median time of a fit of one side."""
    return statistics.median(time_ for time_, _ in result[name])


def ratio(result: dict[str, Any]) -> float:
    """Return the median, over the seeds, of how many times as long scikit-learn's fit takes as ours."""
    return statistics.median(s[0] / f[0] for s, f in zip(result["theirs"], result["ours"], strict=True))


def is_lower(result: dict[str, Any]) -> bool:
    """Tell whether our score is lower than theirs by more than the seeds' spread."""
    (their_mean, spread), (our_mean, our_spread) = scores(result, "theirs"), scores(result, "ours")
    return their_mean - our_mean > max(spread, our_spread)


def report_fits(results: list[dict[str, Any]]) -> list[str]:
    """Return the lines of the table of fits."""
    lines = [
        "| table | rows | seeds | scikit-learn | ferroprop | times as fast | its score | ours | lower? |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        (their_mean, spread), (our_mean, our_spread) = scores(result, "theirs"), scores(result, "ours")
        lines.append(
            f"| {result['table']} | {result['rows']:,} | {len(result['ours'])} "
            f"| {seconds(result, 'theirs'):.3g} s | {seconds(result, 'ours'):.3g} s "
            f"| {ratio(result):.1f} | {their_mean:.4f} ± {spread:.4f} | {our_mean:.4f} ± {our_spread:.4f} "
            f"| {'YES' if is_lower(result) else 'no'} |"
        )
    overall, lower = statistics.geometric_mean(map(ratio, results)), sum(map(is_lower, results))
    lines += [
        "",
        f"Geometric mean: {overall:.1f} times as fast. Scores that are lower by more than the seeds' spread: "
        f"{lower}.",
    ]
    return lines


def report_rprop(results: list[dict[str, Any]]) -> list[str]:
    """Return the lines of the table of Rprop as it comes and Adam tuned."""
    lines = [
        "| table | seeds | best rates | Adam, tuned | Rprop, untuned | Adam's fit | search | Rprop's fit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        (adam, adam_spread), (rprop, rprop_spread) = scores(result, "adam"), scores(result, "rprop")
        rates = ", ".join(f"{rate:g}" for rate in sorted(set(result["chosen"])))
        lines.append(
            f"| {result['table']} | {len(result['rprop'])} | {rates} | {adam:.4f} ± {adam_spread:.4f} "
            f"| {rprop:.4f} ± {rprop_spread:.4f} | {seconds(result, 'adam'):.3g} s "
            f"| {statistics.median(result['searched']):.3g} s | {seconds(result, 'rprop'):.3g} s |"
        )
    return lines


def report_calls(results: list[dict[str, Any]]) -> list[str]:
    """Return the lines of the table of single calls."""
    lines = [
        "| network | scikit-learn | ferroprop | times as fast |",
        "|---|---|---|---|",
    ]
    for result in results:
        times = statistics.median(t / o for t, o in zip(result["theirs"], result["ours"], strict=True))
        theirs, ours = (statistics.median(result[name]) for name in ("theirs", "ours"))
        lines.append(f"| {result['network']} | {theirs:.1f} µs | {ours:.1f} µs | {times:.1f} |")
    return lines


REPORTS: dict[str, tuple[str, Callable[[list[dict[str, Any]]], list[str]]]] = {
    "fits": ("Fits, the same settings and seeds", report_fits),
    "rprop": (
        "Rprop with nothing tuned, Adam with its learning rate tuned (both ferroprop's, early stopping)",
        report_rprop,
    ),
    "calls": ("predict_proba of one row", report_calls),
}


def draw(results: dict[str, list[dict[str, Any]]]) -> Any:
    """Draw how many times as fast the fits are, and the scores of Rprop beside those of Adam."""
    plt = page.pyplot()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    above = {"fontsize": 8, "frameon": False, "loc": "lower right", "bbox_to_anchor": (1.0, 1.0)}
    names = [result["table"] for result in results["fits"]]
    times = [ratio(result) for result in results["fits"]]
    left.barh(names, times, color="tab:orange", height=0.6)
    for place, each in enumerate(times):
        left.text(each, place, f" {each:.1f}", va="center", fontsize=8)
    overall = statistics.geometric_mean(times)
    left.axvline(overall, color="gray", linewidth=0.9, linestyle="--", label=f"geometric mean, {overall:.1f}")
    left.axvline(1.0, color="black", linewidth=0.9)
    left.set(xscale="log", xlabel="fit: times as fast as scikit-learn", xlim=(0.8, max(times) * 1.6))
    left.grid(visible=False, axis="y")
    left.legend(**above)
    names = [result["table"] for result in results["rprop"]]
    for name, label, colour, shift in (
        ("adam", "Adam, learning rate tuned", "tab:gray", -0.14),
        ("rprop", "Rprop, nothing tuned", "tab:orange", 0.14),
    ):
        means, spreads = np.array([scores(result, name) for result in results["rprop"]]).T
        place = np.arange(len(names)) + shift
        style = {"fmt": "o", "color": colour, "markersize": 4, "capsize": 2, "label": label}
        right.errorbar(means, place, xerr=spreads, **style)
    right.set(yticks=range(len(names)), yticklabels=names, xlabel="accuracy or R² on rows not seen")
    right.legend(ncols=2, **above)
    for axes in (left, right):
        axes.invert_yaxis()
    return figure


def write(results: dict[str, list[dict[str, Any]]], to: Path) -> None:
    """Bring the page up to date: its tables, and the figure if the numbers are there."""
    made = {
        part: "\n".join(report(results[part])) for part, (_, report) in REPORTS.items() if part in results
    }
    made["estimators"] = (
        f"Made by `python benches/estimators.py` with ferroprop {fp.__version__}, scikit-learn "
        f"{sklearn.__version__}, NumPy {np.__version__} and Python {platform.python_version()} on "
        f"{os.cpu_count()} cores; float64."
    )
    if "fits" in results and "rprop" in results:
        page.save(draw(results), to, "estimators")
        made["estimators"] += (
            "\n\n![Fit times and scores](images/estimators.svg)\n\n"
            "*Left, how many times as fast a fit is. Right, the scores of Rprop as it comes and of Adam with "
            "its learning rate tuned; mean and standard deviation over the seeds.*"
        )
    page.write(to, made)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", help="names of tables, with commas; all if not given")
    parser.add_argument(
        "--seeds", type=int, help=f"fits of each table [{SEEDS}; of large ones {SEEDS_IF_LARGE}]"
    )
    parser.add_argument("--mnist", type=Path, metavar="DIRECTORY", help="where MNIST's four .gz files are")
    parser.add_argument("--only", choices=list(REPORTS), help="one of the three parts")
    parser.add_argument("--quick", action="store_true", help="one seed, no large tables")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all numbers")
    parser.add_argument("--read", type=Path, metavar="FILE", help="measure nothing, take these numbers")
    parser.add_argument(
        "--write", type=Path, nargs="?", const=PAGE, metavar="PAGE", help="the page to write to [%(const)s]"
    )
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Run the parts that are asked for."""
    chosen = [table for table in tables(options.mnist) if not (options.quick and table.large)]
    if options.tables:
        asked = options.tables.split(",")
        if unknown := set(asked) - {table.name for table in chosen}:
            sys.exit(f"no such table: {', '.join(sorted(unknown))}; {', '.join(t.name for t in chosen)}")
        chosen = [table for table in chosen if table.name in asked]
    parts = [options.only] if options.only else list(REPORTS)

    def seeds(table: Table) -> int:
        return options.seeds or (1 if options.quick else SEEDS_IF_LARGE if table.large else SEEDS)

    total = sum(seeds(table) for part in parts if part != "calls" for table in chosen)
    done, began = 0, time.perf_counter()

    def teller(name: str) -> Callable[[str], None]:
        def tell(line: str) -> None:
            nonlocal done
            done += 1
            minutes = (time.perf_counter() - began) / 60
            print(f"[{done}/{total}, {minutes:.1f} min] {name}: {line}", file=sys.stderr, flush=True)

        return tell

    results: dict[str, list[dict[str, Any]]] = {}
    for part, compare in (("fits", fits), ("rprop", against_adam)):
        if part in parts:
            results[part] = [compare(table, seeds(table), teller(table.name)) for table in chosen]
    if "calls" in parts:
        results["calls"] = calls(0.2 if options.quick else 1.0)
    return results


def main() -> None:
    """Measure and report."""
    options = parse()
    warnings.simplefilter("ignore", ConvergenceWarning)
    results = json.loads(options.read.read_text("ascii")) if options.read else measure(options)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="ascii")
    for part, (title, report) in REPORTS.items():
        if part in results:
            print(f"\n{title}:\n", *report(results[part]), sep="\n")
    if options.write:
        write(results, options.write)


if __name__ == "__main__":
    main()
