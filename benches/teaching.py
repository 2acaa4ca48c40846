"""Encoders and two spirals: epochs until learnt, for each optimizer; and the slope of the sigmoid.

    python benches/teaching.py
    python benches/teaching.py --seeds 10 --tasks "10-5-10 encoder"

Each task is learnt by a network of logistic units from weights and biases uniform in -1..1, full
batch, squared error, float64; it counts as learnt at the first epoch after which every output is
within 0.4 of its target. An optimizer with a learning rate has the one of `RATES` with the best median
on ten other seeds. Medians count a seed that did not learn as infinite.

Encoders: one of n in, the same one out, through few hidden units. Two spirals: Lang and Witbrock, "Learning
to tell two spirals apart", 1988, with two plain hidden layers of 30 in place of their shortcuts. Slope of the
sigmoid: J. Han and C. Moraga, "The influence of the sigmoid function parameters on the speed of
backpropagation learning", IWANN 1995.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ferroprop as fp
import numpy as np
from numpy.typing import NDArray

SEEDS = 100
RATES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
ADAM_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
SLOPES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
SLOPE_RATES = (0.01, 0.03, *RATES)  # c times the slope wants 1 / c^2 times the learning rate

# For each optimizer, what makes it of a seed and a learning rate, and the learning rates to try.
Maker = Callable[[int, float], Any]
FAMILY: dict[str, Callable[..., Any]] = {
    "iRPROP+": lambda seed, **constants: fp.Rprop("irprop+", **constants),
    "iRPROP-": lambda seed, **constants: fp.Rprop("irprop-", **constants),
    "RPROP+": lambda seed, **constants: fp.Rprop("rprop+", **constants),
    "RPROP-": lambda seed, **constants: fp.Rprop("rprop-", **constants),
    "GRprop": lambda seed, **constants: fp.GRprop(**constants),
    "SARPROP": lambda seed, **constants: fp.SARPROP(seed=seed, **constants),
}


def of_the_family(make: Callable[..., Any], max_step: float) -> tuple[Maker, tuple[float, ...]]:
    """Return an entry of `OPTIMIZERS` without learning rates."""
    return lambda seed, rate: make(seed, max_step=max_step), ()


OPTIMIZERS: dict[str, tuple[Maker, tuple[float, ...]]] = {
    **{name: of_the_family(make, 50.0) for name, make in FAMILY.items()},
    **{f"{name}, max_step=1": of_the_family(make, 1.0) for name, make in FAMILY.items()},
    "Adam": (lambda seed, rate: fp.Adam(rate), ADAM_RATES),
    "AdamW": (lambda seed, rate: fp.AdamW(rate), ADAM_RATES),
    "SGD, momentum 0.9": (lambda seed, rate: fp.SGD(rate), RATES),
    "SGD, no momentum": (lambda seed, rate: fp.SGD(rate, momentum=0.0, nesterov=False), RATES),
}


@dataclass(frozen=True)
class Task:
    """Rows to learn by heart, the network that does, and the most epochs it gets."""

    x: NDArray[np.float64]
    t: NDArray[np.float64]
    layers: tuple[int, ...]
    most_epochs: int


def encoder(n: int, hidden: int) -> Task:
    """Return the n-hidden-n encoder."""
    return Task(np.eye(n), np.eye(n), (n, hidden, n), most_epochs=5000)


def two_spirals() -> Task:
    """Return the 194 points of two spirals, three turns each, as (x, y) and 1 or 0."""
    i = np.arange(97)
    angle, radius = i * np.pi / 16, 6.5 * (104 - i) / 104
    points = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
    targets = np.repeat([[1.0], [0.0]], 97, axis=0)
    return Task(np.concatenate([points, -points]), targets, (2, 30, 30, 1), most_epochs=5000)


TASKS = {
    "10-5-10 encoder": encoder(10, 5),
    "12-2-12 encoder": encoder(12, 2),
    "two spirals": two_spirals(),
}


def epochs_to_learn(task: Task, optimizer: Any, seed: int, slope: float = 1.0) -> float:
    """Return the first epoch after which all outputs are within 0.4 of their targets; else infinity."""
    network = fp.Network(
        task.layers,
        activation=fp.Logistic(slope),
        output_activation=fp.Logistic(slope),
        init="uniform",
        init_range=1.0,
        dtype="float64",
        seed=seed,
    )
    rng = np.random.default_rng(seed)
    biases = [rng.uniform(-1, 1, b.shape) for b in network.biases if b is not None]
    network.set_parameters(network.weights, biases)
    learnt: list[int] = []

    def look(epoch: fp.Epoch) -> bool:
        if np.abs(network.predict(task.x, n_threads=1) - task.t).max() < 0.4:
            learnt.append(epoch.epoch)
        return bool(learnt)

    fp.train(
        network,
        task.x,
        task.t,
        loss="squared_error",
        optimizer=optimizer,
        epochs=task.most_epochs,
        n_threads=1,
        callback=look,
    )
    return float(learnt[0]) if learnt else np.inf


def best_rate(task: Task, make: Maker, rates: tuple[float, ...], slope: float = 1.0) -> float:
    """Return the learning rate with the best median on ten seeds that do not count; the lower of equals."""

    def course(rate: float) -> tuple[float, float]:
        epochs = [epochs_to_learn(task, make(seed, rate), seed, slope) for seed in range(1000, 1010)]
        return float(np.median(epochs)), -float(np.isfinite(epochs).sum())

    return min(rates, key=course)


def summary(epochs: list[float]) -> dict[str, float]:
    """Return the median, the quartiles and how many learnt."""
    low, median, high = np.quantile(epochs, (0.25, 0.5, 0.75), method="nearest")
    finite = int(np.isfinite(epochs).sum())
    return {"median": float(median), "low": float(low), "high": float(high), "learnt": finite}


def measure(tasks: list[str], optimizers: list[str], seeds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Run every optimizer on every task."""
    results: dict[str, dict[str, dict[str, float]]] = {}
    for task_name in tasks:
        task, results[task_name] = TASKS[task_name], {}
        for name in optimizers:
            make, rates = OPTIMIZERS[name]
            started = time.perf_counter()
            rate = best_rate(task, make, rates) if rates else 0.0
            epochs = [epochs_to_learn(task, make(seed, rate), seed) for seed in range(1, seeds + 1)]
            results[task_name][name] = {**summary(epochs), "rate": rate, "seeds": seeds}
            found, took = results[task_name][name], time.perf_counter() - started
            note = f" at a rate of {rate:g}" if rates else ""
            print(
                f"{task_name}, {name}: median {found['median']:g}, {found['learnt']} of {seeds} learnt"
                f"{note}, {took:.0f} s",
                file=sys.stderr,
            )
    return results


SLOPE_LEARNERS = {  # an optimizer, and whether its learning rate is chosen anew for each slope
    "iRPROP+": ("iRPROP+", False),
    "SGD, momentum 0.9, one rate": ("SGD, momentum 0.9", False),
    "SGD, momentum 0.9, a rate for each slope": ("SGD, momentum 0.9", True),
}


def sweep_slopes(
    seeds: int, learners: list[str], slopes: tuple[float, ...] = SLOPES
) -> dict[str, dict[str, dict[str, float]]]:
    """Learn the two spirals with sigmoids of each slope."""
    task = TASKS["two spirals"]
    results: dict[str, dict[str, dict[str, float]]] = {}
    for name in learners:
        optimizer, anew = SLOPE_LEARNERS[name]
        make, rates = OPTIMIZERS[optimizer]
        rates = SLOPE_RATES if anew else rates
        one_rate = best_rate(task, make, rates) if rates and not anew else 0.0
        results[name] = {}
        for slope in slopes:
            rate = best_rate(task, make, rates, slope) if anew else one_rate
            epochs = [epochs_to_learn(task, make(seed, rate), seed, slope) for seed in range(1, seeds + 1)]
            found = results[name][str(slope)] = {**summary(epochs), "rate": rate, "seeds": seeds}
            print(
                f"slope {slope:g}, {name}: median {found['median']:g}, {found['learnt']}, rate {rate:g}",
                file=sys.stderr,
            )
    return results


def median_text(found: dict[str, float]) -> str:
    """Return a median as text; '-' if fewer than half learnt."""
    return f"{found['median']:.0f}" if np.isfinite(found["median"]) else "-"


def cell(found: dict[str, float]) -> str:
    """Return a median, how many learnt, and at which learning rate if there is one and any did."""
    rate = f", rate {found['rate']:g}" if found["rate"] and found["learnt"] else ""
    return f"{median_text(found)} ({found['learnt']:.0f} learnt{rate})"


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return a Markdown table: a row an optimizer, a column a task."""
    tasks = list(results)
    names = list(results[tasks[0]])
    lines = ["| | " + " | ".join(tasks) + " |", "|---|" + "---|" * len(tasks)]
    for name in names:
        lines.append("| " + " | ".join([name, *(cell(results[task][name]) for task in tasks)]) + " |")
    return "\n".join(lines)


def main() -> int:
    """Run the tasks and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"seeds, {SEEDS} by default")
    parser.add_argument("--tasks", default=",".join(TASKS), help="comma-separated names")
    parser.add_argument("--optimizers", default=";".join(OPTIMIZERS), help="names, separated by ;")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args()
    for given, known in ((options.tasks.split(","), TASKS), (options.optimizers.split(";"), OPTIMIZERS)):
        if unknown := set(given) - set(known):
            parser.error(f"no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    results = measure(options.tasks.split(","), options.optimizers.split(";"), options.seeds)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="ascii")
    print(f"Median epochs of {options.seeds} seeds.\n")
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
