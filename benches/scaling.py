"""How the cost of a training step grows with rows, width, depth and threads; and what more cores would do.

    python benches/scaling.py --picture docs/images/scaling.svg

Each sweep changes one size of a network of tanh units that learns full batches with Rprop, float32.
Time is the median over rounds that go through all sizes by turns; the share is of the peak that each
round measures itself, on as many cores. The last table is a model, not a measurement: what the first
ones say about one core, a clock for a round of work, and the rules by which rows and parameters are
cut into pieces (src/training/chunk.rs).
"""

import argparse
import itertools
import json
import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import ferroprop as fp
import numpy as np
from side_by_side.libraries import Peak
from side_by_side.report import digits, table

# src/training/chunk.rs
TILE_ROWS, MOST_IN_CHUNK, MOST_TOGETHER, CHUNKS_A_THREAD, ENOUGH_CHUNKS = 8, 1 << 18, 1 << 23, 4, 4
SWITCH = 0.3e-6  # seconds to hand a round to spinning threads and to wait for the last of them; assumed
BANDWIDTH = 15e9  # bytes a second that a core reads of what others wrote, while all do so; assumed


@dataclass(frozen=True)
class Case:
    """A full-batch step: rows, hidden layers of one width, threads."""

    rows: int = 4_096
    width: int = 256
    depth: int = 2
    threads: int = 1

    @property
    def layers(self) -> tuple[int, ...]:
        """Layer sizes; inputs are as wide as the hidden layers, and there are ten outputs."""
        return (self.width,) * (self.depth + 1) + (10,)

    @property
    def weights(self) -> int:
        """Number of weights."""
        return sum(a * b for a, b in itertools.pairwise(self.layers))

    @property
    def operations(self) -> int:
        """Floating-point operations of the products: forward, deltas and gradients."""
        first = self.layers[0] * self.layers[1]
        return self.rows * (6 * self.weights - 2 * first)

    def seconds(self, least: float) -> float:
        """Time a step, in a training of at least so many seconds."""
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.rows, self.width), dtype=np.float32)
        Y = np.eye(10, dtype=np.float32)[rng.integers(10, size=self.rows)]
        network = fp.Network(self.layers, activation="tanh", output_activation="softmax", seed=0)
        epochs = 2
        while True:
            history = fp.train(
                network.copy(),
                X,
                Y,
                loss="log_loss",
                optimizer=fp.Rprop(),
                epochs=epochs,
                n_threads=self.threads,
            )
            if history.seconds >= least:
                return float(history.seconds / epochs)
            epochs *= 2


def sweeps(threads: list[int]) -> Iterator[tuple[str, list[Case]]]:
    """Yield what is swept, and its cases."""
    base = Case()
    for title, name, values in (
        ("rows", "rows", (16, 64, 256, 1_024, 4_096, 16_384)),
        ("width", "width", (16, 32, 64, 128, 256, 512, 1_024)),
        ("hidden layers", "depth", (1, 2, 4, 8, 16)),
        ("threads", "threads", threads),
    ):
        yield title, [replace(base, **{name: value}) for value in values]


def model(case: Case, share: float, peak: float) -> float:
    """Seconds of a step on more cores, by the rules that cut it into pieces.

    Rows come in chunks, and a chunk is two rounds of work. Either blocks of its rows, in whole tiles, go
    through the layers on all threads, and then each thread sums the gradient of the parameters that it owns;
    or, where chunks are small and many, each thread takes one through both, and then adds up the sums of all
    of them for its own parameters. The busiest thread's part of the operations counts, or what it has to
    read, if that takes longer: all weights twice in the first round; in the second one inputs and deltas of
    all rows, or its part of each sum. And two switches.
    """
    threads = case.threads
    most = min(max(1 << (case.weights // 64 - 1).bit_length(), 256), 1_024)
    chunk = min(-(-case.rows // -(-case.rows // most) // TILE_ROWS) * TILE_ROWS, case.rows)
    first = case.layers[0] * case.layers[1]
    passes, gradients = ((4 * case.weights - 2 * first) / (share * peak), 2 * case.weights / (share * peak))
    if threads == 1:
        return case.rows * (passes + gradients)
    numbers = chunk * (2 * sum(case.layers) - case.layers[0]) + case.weights
    together = min(CHUNKS_A_THREAD * threads, MOST_TOGETHER // numbers) if numbers <= MOST_IN_CHUNK else 0
    segments = -(-sum((a + 1) * -(-b // 16) for a, b in itertools.pairwise(case.layers)) // 64)
    read_weights = 8 * case.weights / BANDWIDTH
    seconds, left = 0.0, case.rows
    while left > 0:
        chunks = min(together, (left + chunk // 2) // chunk)
        chunks -= chunks % threads if chunks > threads else 0
        if chunks >= min(threads, ENOUGH_CHUNKS):
            seconds += -(-chunks // threads) * max(chunk * (passes + gradients), read_weights)
            seconds += 4 * chunks * case.weights / min(threads, segments) / BANDWIDTH
            left -= chunks * chunk
        else:
            rows = min(chunk, left)
            tiles = -(-rows // TILE_ROWS)
            seconds += max(rows * passes * -(-tiles // threads) / tiles, read_weights)
            read_rows = 8 * rows * sum(case.layers) / BANDWIDTH
            seconds += max(rows * gradients / min(threads, segments), read_rows)
            left -= rows
        seconds += 2 * SWITCH
    return seconds


def predicted(share: float, peak: float) -> str:
    """Tabulate the model: how many times as fast as on one core."""
    counts = (2, 16, 64, 128)
    rows = [["model: times one core's speed", *(f"{count} cores" for count in counts)]]
    for title, case in (
        ("1,024 rows, width 64", Case(1_024, 64)),
        ("16,384 rows, width 64", Case(16_384, 64)),
        ("1,024 rows, width 256", Case(1_024, 256)),
        ("16,384 rows, width 256", Case(16_384, 256)),
        ("16,384 rows, width 1,024", Case(16_384, 1_024)),
    ):
        one = model(case, share, peak)
        rows.append([title])
        rows[-1] += [f"{one / model(replace(case, threads=n), share, peak):.1f}" for n in counts]
    return table(rows)


def draw(results: list[tuple[str, list[Case], list[float], list[float]]], path: Path) -> None:
    """Draw a panel a sweep: time on a logarithmic axis, and the share of the peak."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(results), figsize=(4 * len(results), 3.6), layout="constrained")
    for axis, (title, cases, seconds, shares) in zip(axes, results, strict=True):
        values = [sizes(title, case) for case in cases]
        axis.loglog(values, np.array(seconds) * 1e6, "o-", color="#b7410e")
        axis.set_xlabel(title)
        axis.set_ylabel("microseconds a step", color="#b7410e")
        axis.grid(color="#dddddd", linewidth=0.6)
        right = axis.twinx()
        right.semilogx(values, np.array(shares) * 100, "s--", color="#3b6fb6", markersize=4)
        right.set_ylim(0, 100)
        right.set_ylabel("percent of the peak", color="#3b6fb6")
        axis.set_xticks(values, [f"{value:,}" for value in values], rotation=45)
        axis.minorticks_off()
        # From one power of ten to another, or a narrow sweep would have no tick.
        low, high = np.log10(np.array([min(seconds), max(seconds)]) * 1e6)
        axis.set_ylim(10 ** np.floor(low), 10 ** np.ceil(high))
    figure.savefig(path)


def sizes(title: str, case: Case) -> int:
    """Return the size that a sweep changes."""
    return {"rows": case.rows, "width": case.width, "hidden layers": case.depth, "threads": case.threads}[
        title
    ]


def main() -> None:
    """Measure all sweeps, and print."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds [%(default)s]")
    parser.add_argument("--seconds", type=float, default=0.1, help="seconds a case and round [%(default)s]")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the sweeps")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers of all rounds")
    options = parser.parse_args()
    counts = [count for count in (1, 2, 4, 8, 16, 32, 64, 128) if count <= cores]
    peaks = {count: Peak(count) for count in counts}
    plan = list(sweeps(counts))
    cases = list(dict.fromkeys(case for _, swept in plan for case in swept))
    times: dict[Case, list[float]] = {case: [] for case in cases}
    shares: dict[Case, list[float]] = {case: [] for case in cases}
    rates: list[float] = []
    for _ in range(options.rounds):
        peak = {count: meter.rate(0.1) for count, meter in peaks.items()}
        rates.append(peak[1])
        for case in cases:
            seconds = case.seconds(options.seconds)
            times[case].append(seconds)
            shares[case].append(case.operations / seconds / peak[case.threads])
    results = []
    for title, swept in plan:
        medians = [statistics.median(times[case]) for case in swept]
        parts = [statistics.median(shares[case]) for case in swept]
        results.append((title, swept, medians, parts))
        rows = [[title, "microseconds a step", "share of the peak"]]
        rows += [
            [f"{sizes(title, case):,}", digits(seconds * 1e6), f"{part:.0%}"]
            for case, seconds, part in zip(swept, medians, parts, strict=True)
        ]
        print(table(rows), end="\n\n")
    base = Case()
    print(predicted(statistics.median(shares[base]), statistics.median(rates)))
    if options.picture:
        draw(results, options.picture)
    if options.json:
        named = {str(case): {"seconds": times[case], "share": shares[case]} for case in cases}
        options.json.write_text(json.dumps(named, indent=1))


if __name__ == "__main__":
    main()
