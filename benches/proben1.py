"""Prechelt's PROBEN1 benchmark by his protocol, beside his results.

    python benches/proben1.py --data ../shared/data/proben1

L. Prechelt, "PROBEN1: a set of neural network benchmark problems and benchmarking rules", report
21/94, University of Karlsruhe, 1994. The networks are those of his tables T10 and T11 (sizes and
outputs in T7), without shortcut connections. Full-batch RPROP+ with step sizes drawn from 0.005 to
0.02 for each weight, weights from -0.01 to 0.01, hidden units x / (1 + |x|), linear output units
(flare1: x / (1 + |x|) too). Every 5 epochs (a strip) the validation error is taken; training ends
when it is 5 % above its best (GL5), when the training error makes less than 0.1 per mille of
progress in a strip, or after 3,000 epochs; the network of the best validation error is tested.
`--protocol` has two others: with GL2, and with GL2, RPROP- and step sizes from 0.05 to 0.2, with
which his numbers of epochs are found again.

`--data` holds the `.dt` files of the benchmark; what is missing is left out. If it holds, or its
neighbour `facts/` holds, `proben1.csv` with the published means, they are printed beside ours.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import ferroprop as fp
import numpy as np
from numpy.typing import NDArray

# Hidden layers of the networks without shortcuts.
NETWORKS = {
    "cancer1": (4, 2),
    "card1": (32,),
    "diabetes1": (32,),
    "gene1": (4, 2),
    "glass1": (16, 8),
    "heart1": (32,),
    "thyroid1": (16, 8),
    "building1": (16,),
    "flare1": (32,),
}
SIGMOID_OUTPUTS = {"flare1"}
RUNS = 60
STRIP = 5
MOST_EPOCHS = 3000
LEAST_PROGRESS = 0.1  # in per mille


@dataclass(frozen=True)
class Part:
    """Inputs and targets of one of the three parts of a problem."""

    x: NDArray[np.float64]
    t: NDArray[np.float64]

    def error(self, network: fp.Network) -> float:
        """Return the squared error in percent: 100 * (max - min) / (N * P) * sum (o - t)^2."""
        outputs = network.predict(self.x, n_threads=1)
        return float(100 * ((outputs - self.t) ** 2).mean())

    def wrong(self, network: fp.Network) -> float:
        """Return the percentage of examples whose largest output is not that of the target."""
        outputs = network.predict(self.x, n_threads=1)
        return float(100 * (outputs.argmax(1) != self.t.argmax(1)).mean())


@dataclass(frozen=True)
class Problem:
    """A benchmark problem: its three parts, in the order of the file."""

    name: str
    training: Part
    validation: Part
    test: Part
    classifies: bool

    @staticmethod
    def read(folder: Path, name: str) -> Problem:
        """Read a `.dt` file: seven lines of sizes, then an example a line, inputs first."""
        with (folder / f"{name}.dt").open(encoding="ascii") as file:
            sizes = dict(next(file).split("=") for _ in range(7))
            rows = np.loadtxt(file, dtype=np.float64)
        n_inputs = int(sizes["bool_in"]) + int(sizes["real_in"])
        examples = [int(sizes[f"{part}_examples"]) for part in ("training", "validation", "test")]
        if sum(examples) != len(rows):
            raise ValueError(f"{name}.dt must have {sum(examples)} examples, got {len(rows)}")
        parts = np.split(rows, np.cumsum(examples)[:-1])
        training, validation, test = (
            Part(np.ascontiguousarray(part[:, :n_inputs]), np.ascontiguousarray(part[:, n_inputs:]))
            for part in parts
        )
        return Problem(name, training, validation, test, classifies=int(sizes["bool_out"]) > 0)


@dataclass(frozen=True)
class Run:
    """What one training came to, by the names of Prechelt's tables."""

    tr: float  # least training error, %
    va: float  # least validation error, %
    te: float  # test error of that network, %
    cls: float | None  # its test classification error, %
    of: float  # overfitting: the validation error at the end over the least one, %
    ep: int  # epochs in all
    rel: int  # epochs to the least validation error


class Protocol(NamedTuple):
    """What the report leaves open, or may have been otherwise: all else is as written there."""

    most_loss: float = 5.0  # of generalization, in percent, at which a training ends
    variant: str = "rprop+"
    initial_step: tuple[float, float] = (0.005, 0.02)

    def optimizer(self, seed: int) -> fp.Rprop:
        """Return the rule, with the constants of the report."""
        return fp.Rprop(self.variant, initial_step=self.initial_step, min_step=0.0, max_step=50.0, seed=seed)


PROTOCOLS = {
    "written": Protocol(),
    "gl2": Protocol(most_loss=2.0),
    "inferred": Protocol(most_loss=2.0, variant="rprop-", initial_step=(0.05, 0.2)),
}


def train(
    problem: Problem,
    hidden: tuple[int, ...],
    seed: int,
    protocol: Protocol = PROTOCOLS["written"],
    activation: str | fp.Logistic = "softsign",
) -> Run:
    """Train one network."""
    n_inputs, n_outputs = problem.training.x.shape[1], problem.training.t.shape[1]
    network = fp.Network(
        [n_inputs, *hidden, n_outputs],
        activation=activation,
        output_activation="softsign" if problem.name in SIGMOID_OUTPUTS else "identity",
        init="uniform",
        init_range=0.01,
        dtype="float64",
        seed=seed,
    )
    optimizer = protocol.optimizer(seed)
    best, best_network, best_epoch, least_training = np.inf, network.copy(), 0, np.inf
    now, epoch = np.inf, 0
    while epoch < MOST_EPOCHS:
        history = fp.train(
            network,
            problem.training.x,
            problem.training.t,
            loss="squared_error",
            optimizer=optimizer,
            epochs=STRIP,
            n_threads=1,
            warm_start=epoch > 0,
        )
        epoch += STRIP
        # The loss is half the sum of squares a row.
        errors = [200 * loss / n_outputs for loss in history.loss]
        least_training = min(least_training, *errors)
        now = problem.validation.error(network)
        if now < best:
            best, best_network, best_epoch = now, network.copy(), epoch
        if 100 * (now / best - 1) > protocol.most_loss:
            break
        if 1000 * (sum(errors) / (STRIP * min(errors)) - 1) < LEAST_PROGRESS:
            break
    return Run(
        tr=least_training,
        va=best,
        te=problem.test.error(best_network),
        cls=problem.test.wrong(best_network) if problem.classifies else None,
        of=100 * (now / best - 1),
        ep=epoch,
        rel=best_epoch,
    )


def means(runs: list[Run]) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation of each quantity."""
    columns = {name: [getattr(run, name) for run in runs] for name in asdict(runs[0])}
    return {
        name: (statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0)
        for name, values in columns.items()
        if None not in values
    }


def published(folder: Path) -> dict[str, dict[str, tuple[float, float]]]:
    """Return Prechelt's numbers for the networks without shortcuts, if they are there."""
    files = [folder / "proben1.csv", folder.parent.parent / "facts" / "proben1.csv"]
    file = next((file for file in files if file.exists()), None)
    if file is None:
        return {}
    with file.open(encoding="ascii", newline="") as lines:
        return {
            row["problem"]: {
                name: (float(row[name]), float(row[f"{name}_sd"]))
                for name in ("tr", "va", "te", "cls", "of", "ep", "rel")
                if row[name]
            }
            for row in csv.DictReader(lines)
            if "noshortcut" in row["table"]
        }


def measure(
    folder: Path,
    problems: list[str],
    n_runs: int,
    activation: str | fp.Logistic = "softsign",
    protocol: Protocol = PROTOCOLS["written"],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Train all networks; yield each problem's name with its means as soon as it is done."""
    for name in problems:
        if not (folder / f"{name}.dt").exists():
            print(f"{name}: no {folder / name}.dt, left out", file=sys.stderr)
            continue
        problem, started, runs = Problem.read(folder, name), time.perf_counter(), []
        for seed in range(1, n_runs + 1):
            runs.append(train(problem, NETWORKS[name], seed, protocol, activation))
            took = time.perf_counter() - started
            print(f"\r{name}: {seed} of {n_runs} runs, {took:.0f} s ", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        yield name, {"runs": n_runs, "seconds": time.perf_counter() - started, "means": means(runs)}


COLUMNS = {
    "te": "test error %",
    "cls": "test class. error %",
    "of": "overfitting %",
    "ep": "epochs",
    "rel": "to the best",
}


def beside(mean: float, deviation: float, theirs: tuple[float, float] | None) -> float | None:
    """Return the difference of two means in units of the joint spread, sqrt(sd^2 + sd^2)."""
    if theirs is None:
        return None
    spread = float(np.hypot(deviation, theirs[1]))
    return (mean - theirs[0]) / spread if spread else None


def table(results: dict[str, dict[str, Any]], papers: dict[str, dict[str, tuple[float, float]]]) -> str:
    """Return ours beside Prechelt's, as a Markdown table."""
    lines = ["| network | | " + " | ".join(COLUMNS.values()) + " |", "|---|---|" + "---|" * len(COLUMNS)]
    for name, result in results.items():
        rows = [f"{name}, {'+'.join(map(str, NETWORKS[name]))}", "ours"], ["", "Prechelt"]
        for column in COLUMNS:
            ours, theirs = result["means"].get(column), papers.get(name, {}).get(column)
            digits = 0 if column in ("ep", "rel") else 2
            far = ours and (beside(*ours, theirs) or 0.0)
            mark = " **!**" if far and abs(far) > 1 else ""
            rows[0].append(f"{ours[0]:.{digits}f} ± {ours[1]:.{digits}f}{mark}" if ours else "")
            rows[1].append(f"{theirs[0]:.{digits}f} ± {theirs[1]:.{digits}f}" if theirs else "")
        lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join(lines)


def main() -> int:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the .dt files")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"runs a network, {RUNS} by default")
    parser.add_argument("--problems", default=",".join(NETWORKS), help="comma-separated names")
    parser.add_argument("--protocol", default="written", choices=PROTOCOLS, help="written by default")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args()
    unknown = set(options.problems.split(",")) - set(NETWORKS)
    if unknown:
        parser.error(f"--problems: no {', '.join(sorted(unknown))}; there are {', '.join(NETWORKS)}")
    problems = options.problems.split(",")
    protocol = PROTOCOLS[options.protocol]
    results = dict(measure(options.data, problems, options.runs, protocol=protocol))
    if not results:
        print(f"no data in {options.data}", file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="ascii")
    print(f"Mean ± standard deviation of {options.runs} runs. ! : further apart than the joint spread.\n")
    print(table(results, published(options.data)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
