"""The numbers in a picture."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .libraries import TITLES
from .report import plural, short
from .workloads import CALLS

Groups = dict[str, dict[str, float]]  # a group of bars: library and microseconds
COLORS = {
    "ferroprop": "#b7410e",
    "jax": "#3b6fb6",
    "sklearn": "#f0a63c",
    "torch": "#8e6bb0",
    "onnxruntime": "#3d9a8b",
    "numpy": "#9aa5b1",
}


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw a panel a number of threads, and one for each kind of call."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = [*training_panels(results), *calls_panels(results)]
    rows = -(-len(panels) // 2)
    figure, axes = plt.subplots(
        rows, 2, figsize=(15, 5 * rows), sharey="row", squeeze=False, layout="constrained", dpi=110
    )
    for axis, (title, groups) in itertools.zip_longest(axes.flat, panels, fillvalue=(None, None)):
        draw_panel(axis, title, groups)
    handles = {
        label: h for axis in axes.flat for h, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=len(handles), frameon=False)
    figure.supxlabel(
        "Lower is faster. Above our bars: microseconds; above the others: how many times ours.",
        fontsize=10,
        color="#555555",
    )
    figure.savefig(path)


def training_panels(results: dict[str, Any]) -> Iterator[tuple[str, Groups]]:
    """Yield titles and microseconds a step."""
    for threads in results["threads"] if results["training"] else ():
        times = {name: rounds[str(threads)] for name, rounds in results["training"].items()}
        yield f"Training step, {plural(threads)}", microseconds(times, np.median)


def calls_panels(results: dict[str, Any]) -> Iterator[tuple[str, Groups]]:
    """Yield titles and microseconds a call."""
    for function, title in (("predict", "Prediction"), ("predict_proba", "Classifier's predict_proba")):
        calls = {name: times for name, times in results["calls"].items() if CALLS[name].function == function}
        if calls:
            named = {CALLS[name].network.replace(", ", "\n"): times for name, times in calls.items()}
            yield f"{title}, 1 thread", microseconds(named, lambda rounds: np.median(rounds, axis=0)[0])


def microseconds(groups: dict[str, Any], summary: Callable[[Any], float]) -> Groups:
    """Reduce the rounds of the libraries that have a colour."""
    return {
        group: {name: summary(times[name]) * 1e6 for name in COLORS if name in times}
        for group, times in groups.items()
    }


def draw_panel(axis: Any, title: str | None, groups: Groups | None) -> None:
    """Draw groups of bars, ours labelled with microseconds, the others with how many times ours."""
    if not groups:
        axis.set_axis_off()
        return
    present = [name for name in COLORS if any(name in group for group in groups.values())]
    seen: set[str] = set()
    for place, group in enumerate(groups.values()):
        width = 0.84 / max(3, len(present))
        for slot, (name, value) in enumerate(group.items()):
            x = place + (slot - (len(group) - 1) / 2) * width
            axis.bar(x, value, width * 0.92, color=COLORS[name], label=None if name in seen else TITLES[name])
            seen.add(name)
            ours = group.get("ferroprop", value)
            times = ".0f" if value >= 10 * ours else ".2g"
            text = short(value) if name == "ferroprop" else f"{value / ours:{times}}\N{MULTIPLICATION SIGN}"
            weight = "bold" if name == "ferroprop" else "normal"
            label = {"textcoords": "offset points", "ha": "center", "fontsize": 7.5, "fontweight": weight}
            axis.annotate(text, (x, value), (0, 2), **label)
    axis.set_xticks(range(len(groups)), groups)
    axis.set_yscale("log")
    axis.set_title(title, loc="left", fontweight="bold")
    axis.set_ylabel("microseconds")
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(axis="x", length=0)
