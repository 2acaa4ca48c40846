"""Many small networks in one call: how `train_many` scales with threads, beside one `train` after another.

Each workload is so many networks on iris, Rprop, full batches. The ways take turns, the least wall time of
each counts; the ratio is to one thread.

    python benches/many_networks.py
    python benches/many_networks.py --threads 1,2,4,8 --rounds 20
"""

import argparse
import time
from collections.abc import Callable

import ferroprop as fp
import numpy as np
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

WORKLOADS = {
    "64 networks 4-10-3": [(4, 10, 3)] * 64,
    "240 networks 4-10-3": [(4, 10, 3)] * 240,
    "32 of 4-8-3, 8 of 4-100-3": [(4, 8, 3)] * 32 + [(4, 100, 3)] * 8,
}
EPOCHS = 200


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of iris, scaled, and one column per class."""
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X).astype(np.float32), np.eye(3, dtype=np.float32)[y]


def networks(sizes: list[tuple[int, ...]]) -> list[fp.Network]:
    """Return fresh networks."""
    return [
        fp.Network(size, activation="tanh", output_activation="softmax", seed=seed)
        for seed, size in enumerate(sizes)
    ]


def seconds(train: Callable[[list[fp.Network]], object], sizes: list[tuple[int, ...]]) -> float:
    """Return the wall time of one training of all."""
    fresh = networks(sizes)
    start = time.perf_counter()
    train(fresh)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    X, Y = data()
    folds = [np.flatnonzero(np.arange(len(X)) % 5 != fold) for fold in range(5)]

    def one_by_one(nets: list[fp.Network]) -> None:
        for index, network in enumerate(nets):
            rows = folds[index % 5]
            fp.train(network, X[rows], Y[rows], epochs=EPOCHS, n_threads=1)

    def together(n_threads: int) -> Callable[[list[fp.Network]], object]:
        def train(nets: list[fp.Network]) -> object:
            rows = [folds[index % 5] for index in range(len(nets))]
            return fp.train_many(nets, X, Y, rows=rows, epochs=EPOCHS, n_threads=n_threads)

        return train

    ways = {"train, one by one": one_by_one}
    ways |= {f"train_many, {n} thread(s)": together(int(n)) for n in options.threads.split(",")}
    for name, sizes in WORKLOADS.items():
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(options.rounds):
            for way, train in ways.items():
                times[way].append(seconds(train, sizes))
        print(f"{name}, {EPOCHS} epochs of Rprop")
        one = min(times[f"train_many, {options.threads.split(',')[0]} thread(s)"])
        for way, measured in times.items():
            print(f"    {way:28}{1e3 * min(measured):9.1f} ms{one / min(measured):8.2f}")


if __name__ == "__main__":
    main()
