"""The numbers in words and tables."""

import statistics
from typing import Any, NamedTuple, Self

import numpy as np

from .libraries import TITLES
from .workloads import CALLS, PEERS, WORKLOADS, Goals, Workload


class Ratio(NamedTuple):
    """A ratio of two measurements in the same rounds: median, lowest and highest."""

    median: float
    low: float
    high: float
    at_peak: float | None = None
    """What the ratio would be if our time were that of the products alone, at the peak."""

    @classmethod
    def of(cls, above: list[float], below: list[float]) -> Self:
        """Divide round by round."""
        ratios = [a / b for a, b in zip(above, below, strict=True)]
        return cls(statistics.median(ratios), min(ratios), max(ratios))

    def judged(self, goal: float) -> str:
        """Write it out, with whether it reaches a goal, and else how far the peak would be from it."""
        verdict = "met" if self.median >= goal else "MISSED"
        if self.median < goal and self.at_peak is not None:
            verdict += f", {self.at_peak:.2f} at the peak"
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f}) {verdict}"


def report(results: dict[str, Any]) -> str:
    """Put everything into words."""
    about = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    parts = [f"{about['processor']}, {about['cores']} cores; Python {about['python']}, {versions}"]
    hardware = [*about.get("sets", []), *about.get("caches", [])]
    if about.get("bandwidth"):
        hardware.append(f"one core reads memory at {about['bandwidth'] / 1e9:.1f} GB/s")
    parts[0] += f"\n{', '.join(hardware)}" if hardware else ""
    if results["training"]:
        parts += [training_table(results, threads) for threads in results["threads"]]
    if results["calls"]:
        parts.append(calls_table(results))
    parts.append(goals_table(results))
    return "\n\n".join(parts)


def training_table(results: dict[str, Any], threads: int) -> str:
    """Microseconds a step."""
    measured = {name: rounds[str(threads)] for name, rounds in results["training"].items()}
    present = [name for name in TITLES if any(name in libraries for libraries in measured.values())]
    head = ["workload", *(TITLES[name] for name in present), "GFLOP/s", "peak", "share"]
    rows = [[name, *training_cells(WORKLOADS[name], times, present)] for name, times in measured.items()]
    title = f"Training on {plural(threads)}: microseconds a step, and half the range over the rounds"
    return f"{title}\n\n{table([head, *rows])}"


def training_cells(workload: Workload, times: dict[str, list[float]], present: list[str]) -> list[str]:
    """Fill a row of the table."""
    cells = [with_spread(times[library]) if library in times else "" for library in present]
    rates = [workload.operations / seconds for seconds in times["ferroprop"]]
    cells.append(f"{statistics.median(rates) / 1e9:.1f}")
    if "peak" in times:
        peaks = [workload.part_of_peak * peak for peak in times["peak"]]
        cells += [f"{statistics.median(peaks) / 1e9:.0f}", f"{Ratio.of(rates, peaks).median:.0%}"]
    return cells


def calls_table(results: dict[str, Any]) -> str:
    """Microseconds a call."""
    present = [name for name in TITLES if any(name in libraries for libraries in results["calls"].values())]
    rows = [["call", *(TITLES[name] for name in present)]]
    for name, libraries in results["calls"].items():
        rows.append([name])
        for library in present:
            medians = np.median(libraries[library], axis=0) * 1e6 if library in libraries else []
            rows[-1].append(" / ".join(map(digits, medians)))
    return f"Inference on 1 thread: microseconds a call, median / 99th percentile\n\n{table(rows)}"


def goals_table(results: dict[str, Any]) -> str:
    """Ratios beside what was asked for."""
    rows = [["goal", "at least", *map(plural, results["threads"])]]
    for name, rounds in results["training"].items():
        by_threads = [training_ratios(WORKLOADS[name], rounds, threads) for threads in results["threads"]]
        for what, goal in named_goals(WORKLOADS[name].goals):
            cells = [ratios[what].judged(goal) if what in ratios else "" for ratios in by_threads]
            rows += [[f"{name}: {what}", f"{goal:g}", *cells]] if any(cells) else []
    for name, libraries in results["calls"].items():
        peer, goal = PEERS[CALLS[name].function][0], CALLS[name].goal
        if goal is not None and peer in libraries:
            ratio = Ratio.of(*([median for median, _ in libraries[key]] for key in (peer, "ferroprop")))
            rows.append([f"{name}: {TITLES[peer]} / ours", f"{goal:g}", ratio.judged(goal)])
    return f"Goals: the median of each round's ratio (lowest to highest)\n\n{table(rows)}"


def named_goals(goals: Goals) -> list[tuple[str, float]]:
    """Give the goals the names of the ratios."""
    names = ("JAX / ours", "scikit-learn / ours", "FLOP/s / peak", "1 thread / these", "float32 / float64")
    return [(name, goal) for name, goal in zip(names, goals, strict=True) if goal is not None]


def training_ratios(workload: Workload, rounds: dict[str, Any], threads: int) -> dict[str, Ratio]:
    """Divide what was measured with so many threads."""
    times = rounds[str(threads)]
    ours = times["ferroprop"]
    peaks = [workload.part_of_peak * peak for peak in times.get("peak", [])]
    at_peak = [workload.operations / peak for peak in peaks]
    ratios = {
        f"{TITLES[peer]} / ours": Ratio.of(times[peer], ours)._replace(
            at_peak=Ratio.of(times[peer], at_peak).median if at_peak else None
        )
        for peer in ("jax", "sklearn")
        if peer in times
    }
    if peaks:
        ratios["FLOP/s / peak"] = Ratio.of([workload.operations / seconds for seconds in ours], peaks)
    if threads > 1 and "1" in rounds:
        ratios["1 thread / these"] = Ratio.of(rounds["1"]["ferroprop"], ours)
    if "float64" in times:
        ratios["float32 / float64"] = Ratio.of(ours, times["float64"])
    return ratios


def table(rows: list[list[str]]) -> str:
    """Align columns: the first to the left, the others to the right."""
    width = max(map(len, rows))
    rows = [row + [""] * (width - len(row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(width)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in [lines[0], "-" * len(lines[0]), *lines[1:]])


def with_spread(seconds: list[float]) -> str:
    """Write a median in microseconds with half its range in percent."""
    median = statistics.median(seconds)
    return f"{digits(median * 1e6)} ±{(max(seconds) - min(seconds)) / 2 / median:.0%}"


def digits(number: float) -> str:
    """Three digits that count, or all before the point."""
    return f"{number:,.{2 if number < 10 else 1 if number < 100 else 0}f}"


def short(number: float) -> str:
    """Write a number for the room over a bar, thousands as k."""
    return digits(number) if number < 10_000 else f"{number / 1000:,.0f}k"


def plural(threads: int) -> str:
    """Write a number of threads."""
    return f"{threads} thread{'s' if threads > 1 else ''}"
