"""Nielsen's networks for handwritten digits.

    python benches/nielsen.py --data ../shared/data/mnist

M. Nielsen, "Neural networks and deep learning", 2015, chapter 1: logistic units, quadratic cost, weights
and biases from the standard normal distribution, gradient descent on mini-batches of 10 at a learning
rate of 3, 30 epochs over the first 50,000 training digits of MNIST; the 10,000 test digits tell how well.
`--data` holds the four gzipped files of MNIST.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from pathlib import Path
from typing import Any

import ferroprop as fp
import numpy as np
from numpy.typing import NDArray

NETWORKS = {"784-30-10": (784, 30, 10), "784-100-10": (784, 100, 10)}
PUBLISHED = {
    "784-30-10": "91.29 % after the first epoch, about 95.4 % at best",
    "784-100-10": "96.6 % at best",
}
SEEDS = 20
EPOCHS = 30


def read(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], Any]:
    """Return training inputs and targets, test inputs and test labels."""

    def numbers(name: str, header: int) -> NDArray[np.uint8]:
        with gzip.open(folder / name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    train = numbers("train-images-idx3-ubyte.gz", 16).reshape(-1, 784)[:50_000]
    labels = numbers("train-labels-idx1-ubyte.gz", 8)[:50_000]
    test = numbers("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 784)
    targets = np.eye(10, dtype=np.float32)[labels]
    scale = np.float32(1 / 255)
    return train * scale, targets, test * scale, numbers("t10k-labels-idx1-ubyte.gz", 8)


def course(data: Any, layers: tuple[int, ...], seed: int, epochs: int) -> list[float]:
    """Train a network; return the percentage of test digits it knows after each epoch."""
    x, targets, test, labels = data
    network = fp.Network(layers, activation="logistic", output_activation="logistic", dtype="float32")
    rng = np.random.default_rng(seed)
    network.set_parameters(
        [rng.normal(size=weights.shape) for weights in network.weights],
        [rng.normal(size=biases.shape) for biases in network.biases if biases is not None],
    )
    known: list[float] = []

    def look(epoch: fp.Epoch) -> None:
        known.append(float(100 * (network.predict(test, n_threads=1).argmax(1) == labels).mean()))
        print(f"\rseed {seed}: epoch {epoch.epoch}, {known[-1]:.2f} % ", end="", file=sys.stderr, flush=True)

    fp.train(
        network,
        x,
        targets,
        loss="squared_error",
        optimizer=fp.SGD(3.0, momentum=0.0, nesterov=False),
        epochs=epochs,
        batch_size=10,
        seed=seed,
        n_threads=1,
        callback=look,
    )
    print(file=sys.stderr)
    return known


def measure(folder: Path, seeds: int, epochs: int = EPOCHS) -> dict[str, list[list[float]]]:
    """Train each network from each seed; return the courses."""
    data = read(folder)
    results: dict[str, list[list[float]]] = {}
    for name, layers in NETWORKS.items():
        started = time.perf_counter()
        results[name] = [course(data, layers, seed, epochs) for seed in range(1, seeds + 1)]
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return results


def table(results: dict[str, list[list[float]]]) -> str:
    """Return a Markdown table: test digits known after the first epoch, at best, and at the end."""
    lines = ["| | seeds | after epoch 1 | best epoch | last epoch | Nielsen |", "|---|---|---|---|---|---|"]
    for name, courses in results.items():
        cells = [name, str(len(courses))]
        for values in ([c[0] for c in courses], [max(c) for c in courses], [c[-1] for c in courses]):
            low, middle, high = min(values), float(np.median(values)), max(values)
            cells.append(f"{middle:.2f} % ({low:.2f} to {high:.2f})")
        lines.append("| " + " | ".join([*cells, PUBLISHED[name]]) + " |")
    return "\n".join(lines)


def main() -> int:
    """Train the networks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of MNIST")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"seeds, {SEEDS} by default")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"epochs, {EPOCHS} by default")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args()
    if not (options.data / "train-images-idx3-ubyte.gz").exists():
        print(f"no train-images-idx3-ubyte.gz in {options.data}", file=sys.stderr)
        return 1
    results = measure(options.data, options.seeds, options.epochs)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="ascii")
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
