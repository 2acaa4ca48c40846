"""Full-batch fits on Dask beside fits in one place: overhead of an epoch, and rows on two workers.

    python benches/many_machines.py                # a minute; --rows for the large case

Two workers with one thread each, in processes of their own, and one thread of `ferroprop.train`, by turns;
medians over the rounds. The overhead is the time of an epoch on so few rows that little of it is arithmetic.
Every pair is checked to have the same bits. At the end a model of larger clusters, from the measured parts.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from typing import Any

import dask.array as da
import ferroprop as fp
import numpy as np
from distributed import Client, LocalCluster
from ferroprop.dask import train
from ferroprop.distributed import group_rows, partial_sums


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large table [%(default)s]")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of fits [%(default)s]")
    return parser.parse_args()


def network(sizes: list[int]) -> fp.Network:
    """Return the network that all train."""
    return fp.Network(sizes, activation="tanh", seed=1)


def bits(net: fp.Network) -> list[bytes]:
    """Return the bytes of all parameters."""
    return [array.tobytes() for array in (*net.weights, *net.biases)]


def epoch_times(client: Any, sizes: list[int], rows: int, epochs: int, rounds: int) -> dict[str, float]:
    """Return the median time of an epoch on two workers and on one thread here, in seconds.

    The first call of a fit puts rows and network in place, so the time of an epoch is that between callbacks.
    """
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, sizes[0]), dtype=np.float32)
    Y = np.tanh(X[:, :1] * X[:, 1:2])
    there = client.persist([da.from_array(array, chunks=(rows // 4, -1)) for array in (X, Y)])
    times: dict[str, list[float]] = {"dask": [], "here": []}
    alone = {"epochs": epochs, "n_threads": 1, "optimizer": "rprop"}

    def run(who: str, fit: Any) -> list[bytes]:
        seen: list[float] = []
        net = network(sizes)
        fit(net, lambda epoch: seen.append(time.perf_counter()))
        times[who].extend(np.diff(seen)[1:])
        return bits(net)

    for _ in range(rounds):
        ours = run("dask", lambda net, tell: train(client, net, *there, epochs=epochs, callback=tell))
        here = run("here", lambda net, tell: fp.train(net, X, Y, callback=tell, **alone))
        if ours != here:
            raise SystemExit(f"other bits on {rows} rows, {sizes}")
    return {who: statistics.median(some) for who, some in times.items()}


def main() -> None:
    """Run and report."""
    options = parse()
    warnings.simplefilter("ignore")
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        small = epoch_times(client, [50, 64, 1], 33_000, 60, options.rounds)
        overhead = small["dask"] - small["here"] / 2
        print(
            f"overhead of an epoch (33,000 rows, 50-64-1): {1e3 * overhead:.1f} ms "
            f"({1e3 * small['dask']:.1f} ms on Dask, {1e3 * small['here']:.1f} ms here)"
        )
        for sizes in ([50, 64, 1], [50, 256, 128, 1]):
            large = epoch_times(client, sizes, options.rows, 6, options.rounds)
            print(
                f"{options.rows:,} rows, {'-'.join(map(str, sizes))}: {large['dask']:.3f} s on two workers, "
                f"{large['here']:.3f} s on one thread, {large['here'] / large['dask']:.2f} times as fast"
            )
    model(overhead, large["here"] / options.rows)


def model(overhead: float, per_row: float) -> None:
    """Print what an epoch of the larger network would take on more workers, from measured parts.

    One round of a task per worker through the scheduler takes the measured overhead for 2 workers, and grows
    with their number; the sums of all workers are added in one place.
    """
    sizes = [50, 256, 128, 1]
    net = network(sizes)
    rows = group_rows(net, 10**9)
    X = np.zeros((rows, sizes[0]), np.float32)
    sums = partial_sums(net, X, np.zeros((rows, 1), np.float32), n_rows=10**9)
    began = time.perf_counter()
    for _ in range(200):
        sums.__reduce__()
    add = (time.perf_counter() - began) / 200
    per_task = overhead / 2
    print(
        f"model: {1e9 * per_row:.0f} ns a row, {1e3 * per_task:.1f} ms a task, "
        f"{1e3 * add:.2f} ms to take a sum apart"
    )
    for workers in (2, 10, 100, 1000):
        for n_rows in (10**7, 10**9):
            arithmetic, tasks = n_rows * per_row / workers, workers * (per_task + add)
            gain = n_rows * per_row / (arithmetic + tasks)
            print(
                f"  {n_rows:.0e} rows, {workers:4} workers: {arithmetic:8.2f} s of arithmetic, {tasks:.2f} s "
                f"of tasks, {gain:6.1f} times one thread"
            )


if __name__ == "__main__":
    main()
