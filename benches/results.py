"""The published results once more: runs every part and brings docs/results.md up to date.

    python benches/results.py --data ../shared/data

`--data` holds `proben1/` (Prechelt's .dt files) and `mnist/` (four gzipped files). What is missing is
left out, and said. Each part keeps its numbers in `--keep` and is not run again while they are there.
The numbers go between the marks in docs/results.md, the figures beside it; the words around them are
written by hand: read them again when numbers change. `--quick` runs few seeds, to see that all works.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ferroprop as fp
import nielsen
import numpy as np
import page
import proben1
import teaching

SLOPE_PROBLEMS = ["cancer1", "card1", "diabetes1", "gene1", "glass1", "heart1", "thyroid1"]


class MissingError(Exception):
    """Data that a part needs are not there."""


def run_proben1(options: argparse.Namespace, protocol: proben1.Protocol) -> Any:
    """Run PROBEN1 by this protocol."""
    folder = options.data / "proben1"
    runs = 3 if options.quick else proben1.RUNS
    found = dict(proben1.measure(folder, list(proben1.NETWORKS), runs, protocol=protocol))
    if not found:
        raise MissingError(f"no .dt files in {folder}")
    return {"ours": found, "published": proben1.published(folder)}


def run_slopes_on_proben1(options: argparse.Namespace) -> Any:
    """Run PROBEN1 with logistic hidden units of each slope."""
    folder = options.data / "proben1"
    runs = 2 if options.quick else 20
    results = {}
    for slope in teaching.SLOPES:
        print(f"slope {slope:g}", file=sys.stderr)
        results[str(slope)] = dict(proben1.measure(folder, SLOPE_PROBLEMS, runs, fp.Logistic(slope)))
    if not results["1.0"]:
        raise MissingError(f"no .dt files in {folder}")
    return results


def run_tasks(options: argparse.Namespace, tasks: list[str]) -> Any:
    """Learn tasks by heart with every optimizer."""
    return teaching.measure(tasks, list(teaching.OPTIMIZERS), 3 if options.quick else teaching.SEEDS)


def run_slopes_on_spirals(options: argparse.Namespace) -> Any:
    """Learn the two spirals with sigmoids of each slope."""
    return teaching.sweep_slopes(2 if options.quick else teaching.SEEDS, list(teaching.SLOPE_LEARNERS))


def run_nielsen(options: argparse.Namespace, chapter: str) -> Any:
    """Train Nielsen's networks of a chapter."""
    folder = options.data / "mnist"
    if not (folder / "train-images-idx3-ubyte.gz").exists():
        raise MissingError(f"no files of MNIST in {folder}")
    return nielsen.measure(folder, chapter, 1 if options.quick else None, 2 if options.quick else None)


PARTS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "proben1": lambda options: run_proben1(options, proben1.PROTOCOLS["written"]),
    "proben1-gl2": lambda options: run_proben1(options, proben1.PROTOCOLS["gl2"]),
    "proben1-inferred": lambda options: run_proben1(options, proben1.PROTOCOLS["inferred"]),
    "slopes-proben1": run_slopes_on_proben1,
    "encoders": lambda options: run_tasks(options, ["10-5-10 encoder", "12-2-12 encoder"]),
    "nielsen": lambda options: run_nielsen(options, "nielsen"),
    "nielsen-3": lambda options: run_nielsen(options, "nielsen-3"),
    "spirals": lambda options: run_tasks(options, ["two spirals"]),
    "slopes-spirals": run_slopes_on_spirals,
}


# Tables ---------------------------------------------------------------------------------------------------


def slope_table(results: dict[str, dict[str, Any]]) -> str:
    """Return epochs to the best validation error, and test error, by slope."""
    slopes = list(results)
    lines = [
        "| epochs to the best, test error % | " + " | ".join(f"slope {float(s):g}" for s in slopes) + " |",
        "|---|" + "---|" * len(slopes),
    ]
    for problem in results[slopes[0]]:
        cells = []
        for slope in slopes:
            found = results[slope][problem]["means"]
            cells.append(f"{found['rel'][0]:.0f}, {found['te'][0]:.2f}")
        lines.append(f"| {problem} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spiral_slope_table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return median epochs by slope."""
    slopes = list(next(iter(results.values())))
    lines = [
        "| | " + " | ".join(f"slope {float(s):g}" for s in slopes) + " |",
        "|---|" + "---|" * len(slopes),
    ]
    for name, row in results.items():
        lines.append(f"| {name} | " + " | ".join(map(teaching.cell, row.values())) + " |")
    return "\n".join(lines)


def tables(found: dict[str, Any]) -> dict[str, str]:
    """Return the tables of the parts that ran."""
    made = {}
    for part in ("proben1", "proben1-gl2", "proben1-inferred"):
        if part in found:
            made[part] = proben1.table(found[part]["ours"], found[part]["published"])
    for part in ("encoders", "spirals"):
        if part in found:
            made[part] = teaching.table(found[part])
    for chapter in nielsen.CHAPTERS:
        if chapter in found:
            made[chapter] = nielsen.table(chapter, found[chapter])
    if "slopes-proben1" in found:
        made["slopes-proben1"] = slope_table(found["slopes-proben1"])
    if "slopes-spirals" in found:
        made["slopes-spirals"] = spiral_slope_table(found["slopes-spirals"])
    made["made"] = (
        f"Made by `python benches/results.py` with ferroprop {fp.__version__}, NumPy {np.__version__} and "
        f"Python {platform.python_version()}; float64 but for MNIST (float32), one thread."
    )
    return made


# Figures --------------------------------------------------------------------------------------------------


def draw(found: dict[str, Any], to: Path) -> None:
    """Draw the figures of the parts that ran, for this page."""
    plt = page.pyplot()
    if "proben1" in found:
        page.save(draw_proben1(plt, found), to, "results_proben1")
    if "spirals" in found and "encoders" in found:
        page.save(draw_tasks(plt, found["encoders"] | found["spirals"]), to, "results_epochs")
    if "nielsen" in found:
        page.save(draw_nielsen(plt, found["nielsen"]), to, "results_mnist")
    if "slopes-proben1" in found and "slopes-spirals" in found:
        page.save(draw_slopes(plt, found), to, "results_slopes")


def draw_proben1(plt: Any, found: dict[str, Any]) -> Any:
    """Draw ours beside Prechelt's: test error and epochs."""
    ours, theirs = found["proben1"]["ours"], found["proben1"]["published"]
    gl2, inferred = (found.get(f"proben1-{part}", {}).get("ours", {}) for part in ("gl2", "inferred"))
    names = list(ours)
    place = np.arange(len(names))
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    columns = [("te", "squared test error, %"), ("ep", "epochs")]
    for axes, (column, title) in zip(panels, columns, strict=True):
        series = [
            ("Prechelt 1994", {n: theirs[n] for n in names if n in theirs}, "tab:gray", -0.3),
            ("ferroprop, GL5", {n: ours[n]["means"] for n in names}, "tab:blue", -0.1),
            ("GL2", {n: gl2[n]["means"] for n in names if n in gl2}, "tab:orange", 0.1),
            ("GL2, RPROP-", {n: inferred[n]["means"] for n in names if n in inferred}, "tab:green", 0.3),
        ]
        for label, values, colour, shift in series:
            at = [i for i, n in enumerate(names) if n in values]
            mean, spread = np.array([values[names[i]][column] for i in at]).reshape(-1, 2).T
            bars = np.stack([np.minimum(spread, mean * 0.95), spread])  # a logarithm has no room below 0
            style = {"fmt": "o", "color": colour, "markersize": 4, "capsize": 2, "label": label}
            axes.errorbar(mean, place[at] + shift, xerr=bars, **style)
        axes.set(xscale="log", xlabel=title, yticks=place, yticklabels=names)
    panels[0].invert_yaxis()
    panels[0].legend(fontsize=8)
    return figure


def draw_tasks(plt: Any, results: dict[str, Any]) -> Any:
    """Draw median epochs and quartiles for each optimizer."""
    names = list(next(iter(results.values())))
    place = np.arange(len(names))
    figure, panels = plt.subplots(1, len(results), figsize=(9, 4.2), sharey=True, layout="constrained")
    for axes, (task, row) in zip(np.atleast_1d(panels), results.items(), strict=True):
        most = teaching.TASKS[task].most_epochs
        for i, name in enumerate(names):
            low, middle, high = (min(row[name][key], most) for key in ("low", "median", "high"))
            colour = "tab:blue" if "PROP" in name or "prop" in name else "tab:orange"
            axes.plot([low, high], [i, i], color=colour, linewidth=2, alpha=0.5)
            learnt = np.isfinite(row[name]["median"])
            axes.plot(middle, i, "o" if learnt else "x", color=colour, markersize=5)
        axes.axvline(most, color="gray", linewidth=0.8, linestyle=":")
        axes.set(xscale="log", xlabel="epochs", title=task, yticks=place, yticklabels=names)
        low, high = axes.get_xlim()
        ticks = [tick for tick in (10, 30, 100, 300, 1000, 3000) if low < tick < high]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
    np.atleast_1d(panels)[0].invert_yaxis()
    return figure


def draw_nielsen(plt: Any, results: dict[str, list[list[float]]]) -> Any:
    """Draw the course of each training."""
    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for (name, courses), colour in zip(results.items(), ("tab:orange", "tab:blue"), strict=True):
        for i, course in enumerate(courses):
            axes.plot(
                np.arange(1, len(course) + 1), course, color=colour, linewidth=1, label=None if i else name
            )
    for level, colour in ((95.4, "tab:orange"), (96.6, "tab:blue")):
        axes.axhline(level, color=colour, linestyle=":", linewidth=1)
    axes.set(xlabel="epoch", ylabel="test digits known, %")
    axes.legend()
    return figure


def draw_slopes(plt: Any, found: dict[str, Any]) -> Any:
    """Draw epochs by slope."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for name, row in found["slopes-spirals"].items():
        slopes = [float(slope) for slope in row]
        middle, low, high = (
            np.array([min(each[key], 5000) for each in row.values()]) for key in ("median", "low", "high")
        )
        (line,) = left.plot(slopes, middle, "o-", markersize=4, label=name)
        left.fill_between(slopes, low, high, color=line.get_color(), alpha=0.15)
    left.axhline(5000, color="gray", linewidth=0.8, linestyle=":")
    left.set(title="two spirals: median and quartiles", ylabel="epochs")
    results = found["slopes-proben1"]
    slopes = [float(slope) for slope in results]
    for problem in results["1.0"]:
        epochs = [results[str(slope)][problem]["means"]["rel"][0] for slope in slopes]
        right.plot(slopes, epochs, "o-", markersize=4, label=problem)
    right.set(title="PROBEN1: mean epochs to the best", ylabel="epochs")
    for axes, place in ((left, "lower left"), (right, "center left")):
        axes.set(xscale="log", yscale="log", xlabel="slope of the sigmoid")
        axes.set_xticks(slopes, [f"{slope:g}" for slope in slopes])
        low, high = axes.get_ylim()
        ticks = [tick for tick in (20, 50, 100, 200, 500, 1000, 2000, 5000) if low < tick < high]
        axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.legend(fontsize=8, loc=place, bbox_to_anchor=(1.0, 0.5) if axes is right else None)
    return figure


def main() -> int:
    """Run what is not there yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with proben1/ and mnist/")
    parser.add_argument("--keep", type=Path, default=Path("results"), help="folder for the numbers")
    parser.add_argument("--only", default=",".join(PARTS), help="comma-separated parts to run")
    parser.add_argument("--quick", action="store_true", help="few seeds")
    parser.add_argument("--page", type=Path, default=page.DOCS / "results.md", help="the page to write to")
    parser.add_argument("--no-page", action="store_true", help="run only")
    options = parser.parse_args()
    if unknown := set(options.only.split(",")) - set(PARTS):
        parser.error(f"--only: no {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    options.keep.mkdir(parents=True, exist_ok=True)
    missing: dict[str, str] = {}
    for name in options.only.split(","):
        file = options.keep / f"{name}.json"
        if file.exists():
            continue
        started = time.perf_counter()
        try:
            result = PARTS[name](options)
        except MissingError as reason:
            missing[name] = str(reason)
            continue
        file.write_text(json.dumps(result, indent=1), encoding="ascii")
        print(f"{name}: done in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    for name, reason in missing.items():
        print(f"{name}: left out, {reason}", file=sys.stderr)
    if options.no_page:
        return 0
    files = {name: options.keep / f"{name}.json" for name in PARTS}
    found = {name: json.loads(file.read_text("ascii")) for name, file in files.items() if file.exists()}
    page.write(options.page, tables(found))
    draw(found, options.page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
