"""The results in tables and in a figure: everything relative to LightGBM with its defaults."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import page

from real_tables.further import FURTHER
from real_tables.methods import METHODS
from real_tables.sources import TABLES

SCORES = {"rmse": "RMSE", "log_loss": "log loss", "error": "error"}
REFERENCE = "lightgbm"
OURS = "tabular"
LEAST_ERROR = 0.5
"""So many wrong rows, at least, count in a ratio of errors: none at all has no ratio."""
LOST, WORST_TABLE, SHARE_OF_TIME = 1.05, 1.15, 0.2
NEARLY_ALL = 0.75
"""The share of the tables that a method needs for the figure of times."""
TICKS = (0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0)

Results = dict[tuple[str, str], list[dict[str, Any]]]


def latest(lines: list[dict[str, Any]]) -> Results:
    """Return the newest result of each method, table and split, by method and table, splits in order."""
    newest = {(line["method"], line["table"], line["split"]): line for line in lines}
    results: Results = defaultdict(list)
    for (method, table, _), line in sorted(newest.items()):
        results[method, table].append(line)
    return dict(results)


def value(line: dict[str, Any], score: str) -> float:
    """Return a score that has a logarithm."""
    if score == "error":
        return max(float(line["error"]), LEAST_ERROR / line["predicted_rows"])
    return float(line[score])


def mean(results: Results, method: str, table: str, score: str) -> float | None:
    """Return the geometric mean of a score over the splits that both the method and the reference have."""
    lines = {line["split"]: line for line in results.get((method, table), []) if score in line}
    known = {line["split"] for line in results.get((REFERENCE, table), [])}
    logs = [math.log(value(line, score)) for split, line in lines.items() if split in known]
    return math.exp(float(np.mean(logs))) if logs else None


def ratio(results: Results, method: str, table: str, score: str, to: str = REFERENCE) -> float | None:
    """Return a score relative to another method's, the geometric mean over the splits of both."""
    ours = {line["split"]: line for line in results.get((method, table), []) if score in line}
    theirs = {line["split"]: line for line in results.get((to, table), []) if score in line}
    both = sorted(ours.keys() & theirs.keys())
    logs = [math.log(value(ours[split], score) / value(theirs[split], score)) for split in both]
    return math.exp(float(np.mean(logs))) if logs else None


def ratios(results: Results, method: str, score: str, to: str = REFERENCE) -> dict[str, float]:
    """Return the ratios of the tables that both methods have."""
    found = ((table.name, ratio(results, method, table.name, score, to)) for table in TABLES)
    return {name: each for name, each in found if each is not None}


def geometric(values: list[float]) -> float:
    """Return the geometric mean."""
    return math.exp(float(np.mean(np.log(values)))) if values else math.nan


def ranks(results: Results, methods: list[str], score: str) -> dict[str, float]:
    """Return mean ranks over the tables that all the methods have; equal scores share their ranks."""
    rows = []
    for table in TABLES:
        row = [ratio(results, method, table.name, score) for method in methods]
        if all(each is not None for each in row):
            values = np.array(row, dtype=float)
            below = (values[:, None] > values).sum(axis=1)
            same = (values[:, None] == values).sum(axis=1)
            rows.append(below + (same + 1) / 2)
    return dict(zip(methods, np.mean(rows, axis=0), strict=True)) if rows else {}


def present(results: Results) -> list[str]:
    """Return the methods that have results, in their order."""
    return [name for name in METHODS if any(method == name for method, _ in results)]


def complete(results: Results) -> list[str]:
    """Return the methods that have every table of the reference."""
    return [
        name
        for name in present(results)
        if all(
            len(ratios(results, name, score)) == len(ratios(results, REFERENCE, score))
            for score in ("error", "rmse")
        )
    ]


def cell(number: float | None, digits: int = 3) -> str:
    """Return a number, or nothing."""
    return "" if number is None or math.isnan(number) else f"{number:.{digits}f}"


def summary(results: Results) -> str:
    """Return the table of geometric means, ranks and times."""
    methods, full = present(results), complete(results)
    rank = {score: ranks(results, full, score) for score in SCORES}
    lines = [
        "| | RMSE | log loss | error | tables | rank: RMSE | log loss | error | fit, s | predict, µs a row |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in methods:
        means = [cell(geometric(list(ratios(results, name, score).values()))) for score in SCORES]
        tables = sum(bool(results.get((name, table.name))) for table in TABLES)
        places = [cell(rank[score].get(name), 1) for score in SCORES]
        own = [line for (method, _), lines_ in results.items() if method == name for line in lines_]
        fit = geometric([max(line["fit"], 1e-3) for line in own])
        predict = geometric([max(line["predict"], 1e-5) / line["predicted_rows"] * 1e6 for line in own])
        title = f"**{METHODS[name].title}**" if METHODS[name].ours else METHODS[name].title
        lines.append(
            f"| {title} | {' | '.join(means)} | {tables} | {' | '.join(places)} | {fit:.2g} | {predict:.2g} |"
        )
    return "\n".join(lines)


def tables_of(results: Results, score: str) -> str:
    """Return the scores of each table and method."""
    methods = present(results)
    lines = [
        f"| {SCORES[score]} | " + " | ".join(METHODS[name].title for name in methods) + " |",
        "|---|" + "---|" * len(methods),
    ]
    for table in TABLES:
        row = [mean(results, name, table.name, score) for name in methods]
        known = [each for each in row if each is not None]
        if known:
            cells = [
                "" if each is None else f"**{each:.4g}**" if each == min(known) else f"{each:.4g}"
                for each in row
            ]
            lines.append(f"| {table.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def losses(results: Results) -> str:
    """Return the tables where ours is worse than the reference by more than a twentieth."""
    if not any(method == OURS for method, _ in results):
        return "Not measured yet."
    lines = [f"| table | score | relative to {METHODS[REFERENCE].title} |", "|---|---|---|"]
    worst = sorted(
        ((each, name, score) for score in SCORES for name, each in ratios(results, OURS, score).items()),
        reverse=True,
    )
    lines += [f"| {name} | {SCORES[score]} | {each:.2f} |" for each, name, score in worst if each > LOST]
    return "\n".join(lines)


def goals(results: Results) -> str:
    """Return the project's goals, each with what was measured."""
    lines = ["| goal | RMSE | log loss | error | met? |", "|---|---|---|---|---|"]
    for title, ours, to, most in (
        ("relative to LightGBM", OURS, REFERENCE, {"rmse": 0.95, "log_loss": 0.93, "error": 1.0}),
        ("relative to LightGBM, 5 folds", OURS, "lightgbm-folds", dict.fromkeys(SCORES, 1.0)),
        ("one network relative to RealMLP-TD", "tabular-1", "realmlp", dict.fromkeys(SCORES, 0.98)),
    ):
        of_tables = {score: list(ratios(results, ours, score, to).values()) for score in SCORES}
        if not all(of_tables.values()):
            continue
        found = {score: geometric(of_tables[score]) for score in SCORES}
        tables = len(of_tables["rmse"]) + len(of_tables["error"])
        title += f" ({tables} tables)" if tables < len(TABLES) else ""
        cells = [f"{found[score]:.3f} (at most {most[score]:g})" for score in SCORES]
        met = all(found[score] <= most[score] for score in SCORES)
        lines.append(f"| {title} | {' | '.join(cells)} | {'yes' if met else '**no**'} |")
    if found := [
        (each, name, score) for score in SCORES for name, each in ratios(results, OURS, score).items()
    ]:
        worst, table, score = max(found)
        title = f"worst table relative to LightGBM: {table}, {SCORES[score]}"
        lines.append(_single_goal(title, worst, WORST_TABLE))
    rank = {score: ranks(results, complete(results), score) for score in SCORES}
    if all(OURS in places for places in rank.values()):
        cells = [f"{places[OURS]:.1f} of {len(places)}" for places in rank.values()]
        is_best = all(places[OURS] == min(places.values()) for places in rank.values())
        lines.append(f"| best mean rank | {' | '.join(cells)} | {'yes' if is_best else '**no**'} |")
    times = [
        geometric([line["fit"] for line in one]) / geometric([line["fit"] for line in other])
        for table in TABLES
        if (one := results.get(("tabular-1", table.name))) and (other := results.get(("realmlp", table.name)))
    ]
    if times:
        lines.append(
            _single_goal(
                f"CPU time of one network's fit relative to RealMLP-TD ({len(times)} tables)",
                geometric(times),
                SHARE_OF_TIME,
            )
        )
    return "\n".join(lines) if len(lines) > 2 else "Not measured yet."


def _single_goal(title: str, found: float, most: float) -> str:
    return f"| {title}: {found:.2f} (at most {most:g}) | | | | {'yes' if found <= most else '**no**'} |"


def made(lines: list[dict[str, Any]]) -> str:
    """Return which versions made the numbers, and how often the test rows were looked at."""
    results = latest(lines)
    versions = sorted({line["version"] for each in results.values() for line in each})
    looks = defaultdict(set)
    for line in lines:
        if METHODS[line["method"]].ours and line["method"] != "mlp":
            looks[line["mark"]].add((line["table"], line["split"]))
    told = ", ".join(f"{mark or 'unnamed'} ({len(seen)} tables x splits)" for mark, seen in looks.items())
    splits = len({line["split"] for each in results.values() for line in each})
    return (
        f"Made by `python benches/tables.py` with {', '.join(versions)}; one thread a fit, up to "
        f"{splits} splits of each table. States of our estimators that were scored on the test rows: "
        f"{len(looks)}{': ' if told else ''}{told}."
    )


def about_tables(results: Results) -> str:
    """Return the list of tables."""
    lines = [
        "| table | from | target | rows | numbers | categories (most levels) | missing | classes | dropped |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for table in TABLES:
        line = next((each[0] for (_, name), each in results.items() if name == table.name), None)
        if line is None:
            continue
        categories = f"{line['categories']} ({line['levels']})" if line["categories"] else "0"
        reasons: dict[str, list[str]] = defaultdict(list)
        for column, reason in table.drop.items():
            reasons[reason].append(column)
        dropped = "; ".join(f"{', '.join(columns)}: {reason}" for reason, columns in reasons.items())
        lines.append(
            f"| {table.name} | {table.source} | {table.target} | {line['rows']:,} | {line['numbers']} "
            f"| {categories} | {line['missing']:,} | {line['classes'] or ''} | {dropped} |"
        )
    return "\n".join(lines)


def has_figures(results: Results) -> bool:
    """Tell whether there is something to draw: our ensemble beside the reference in every score."""
    return all(ratios(results, OURS, score) for score in SCORES)


def figures(results: Results) -> dict[str, str]:
    """Return the lines that show the figures, empty while there are none."""
    if not has_figures(results):
        return {"figure of times": "", "figure of scores": ""}
    return {
        "figure of times": (
            "![Scores and CPU time of a fit](images/tables_times.svg)\n\n"
            "*Each method's mean score beside the CPU time of its fits.*"
        ),
        "figure of scores": (
            "![Every table and method](images/tables_scores.svg)\n\n"
            "*Every table and method, relative to LightGBM; tables in the order of our ensemble.*"
        ),
    }


def report(lines: list[dict[str, Any]]) -> dict[str, str]:
    """Return all parts of the page by the names of their marks."""
    results = latest(lines)
    return {
        "made": made(lines),
        **figures(results),
        "goals": goals(results),
        "summary": summary(results),
        **{score.replace("_", " "): tables_of(results, score) for score in SCORES},
        "losses": losses(results),
        "about tables": about_tables(results),
    }


def further(lines: list[dict[str, Any]]) -> str:
    """Return our scores of the further tables relative to LightGBM's, with means and medians."""
    results = latest(lines)
    rows = ["| table | rows | columns | RMSE | log loss | error |", "|---|---|---|---|---|---|"]
    found: dict[str, list[float]] = {score: [] for score in SCORES}
    for table in FURTHER:
        if not results.get((OURS, table.name)):
            continue
        line = results[OURS, table.name][0]
        cells = []
        for score, all_of_it in found.items():
            each = ratio(results, OURS, table.name, score)
            cells.append(cell(each))
            all_of_it += [] if each is None else [each]
        columns = line["numbers"] + line["categories"]
        rows.append(f"| {table.name} | {line['rows']:,} | {columns:,} | {' | '.join(cells)} |")
    for name, middle in (("geometric mean", geometric), ("median", np.median)):
        of_scores = [cell(float(middle(values))) if values else "" for values in found.values()]
        rows.append(f"| **{name}** | | | {' | '.join(of_scores)} |")
    return "\n".join(rows)


def _apart(ticks: list[float], distance: float) -> list[float]:
    """Return the ticks around 1 whose labels do not touch: so far from each other on the logarithmic axis."""
    kept = [1.0]
    for tick in sorted(ticks, key=lambda tick: abs(math.log(tick))):
        if all(abs(math.log(tick / other)) >= distance for other in kept):
            kept.append(tick)
    return kept


def draw(lines: list[dict[str, Any]], to: Path) -> None:
    """Draw each table's scores relative to LightGBM, and means beside the time of a fit."""
    results = latest(lines)
    if not has_figures(results):
        return
    plt = page.pyplot()
    methods = [name for name in present(results) if name not in (REFERENCE, "mlp", "sklearn-mlp")]
    colours = dict(zip(methods, plt.get_cmap("tab10").colors * 2, strict=False))
    figure, panels = plt.subplots(1, 3, figsize=(11, 5.2), layout="constrained")
    for axes, (score, title) in zip(panels, SCORES.items(), strict=True):
        found = {name: ratios(results, name, score) for name in methods}
        order = sorted(found.get(OURS, {}), key=found.get(OURS, {}).get) or list(
            ratios(results, REFERENCE, score)
        )
        for name in methods:
            at = [i for i, table in enumerate(order) if table in found[name]]
            ours = METHODS[name].ours
            axes.plot(
                [found[name][order[i]] for i in at],
                at,
                "D" if ours else "o",
                color=colours[name],
                markersize=6 if ours else 4,
                alpha=1.0 if ours else 0.65,
                label=METHODS[name].title,
                linestyle="none",
            )
        axes.axvline(1.0, color="black", linewidth=0.9)
        axes.set(
            xscale="log", xlabel=f"{title}, relative to LightGBM", yticks=range(len(order)), yticklabels=order
        )
        low, high = axes.get_xlim()
        shown = _apart([tick for tick in TICKS if low <= tick <= high], 0.05 * math.log(high / low))
        axes.set_xticks(shown, [f"{tick:g}" for tick in shown], rotation=45)
        axes.minorticks_off()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=8)
    page.save(figure, to, "tables_scores")
    page.save(_draw_times(plt, results), to, "tables_times")


def _draw_times(plt: Any, results: Results) -> Any:
    """Draw the mean scores beside the mean time of a fit, of methods that have nearly all tables."""
    figure, panels = plt.subplots(1, 3, figsize=(11, 3.9), layout="constrained")
    markers = dict(zip(present(results), itertools.cycle("os^vP*X<>"), strict=False))
    for axes, (score, title) in zip(panels, SCORES.items(), strict=True):
        of_tables = {name: ratios(results, name, score) for name in present(results)}
        most = max(map(len, of_tables.values()))
        for name, relative in of_tables.items():
            if len(relative) < NEARLY_ALL * most:
                continue
            own = [
                max(line["fit"], 1e-3)
                for (method, table), each in results.items()
                if method == name and table in relative
                for line in each
            ]
            axes.plot(
                geometric(own),
                geometric(list(relative.values())),
                markers[name],
                color="tab:orange" if METHODS[name].ours else "tab:gray",
                label=METHODS[name].title,
                markersize=8,
                linestyle="none",
            )
        axes.axhline(1.0, color="black", linewidth=0.8)
        axes.set(
            xscale="log",
            xlabel="CPU seconds of a fit (geometric mean)",
            ylabel=f"{title}, relative to LightGBM",
        )
    # A method may be in one of the panels alone.
    legends = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels]
    shown = {label: handle for legend in legends for handle, label in legend}
    figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=4, fontsize=8)
    return figure
