"""Nielsen's networks for handwritten digits.

    python benches/nielsen.py --data ../shared/data/mnist

M. Nielsen, "Neural networks and deep learning", 2015. Chapter 1: logistic units, quadratic cost, weights
and biases from the standard normal distribution, gradient descent on mini-batches of 10 at a learning
rate of 3, 30 epochs over the first 50,000 training digits of MNIST; the 10,000 test digits tell how well.
Chapter 3: the same with the cross-entropy, other rates, and a penalty of lambda / (2 n) times the squared
weights. `--data` holds the four gzipped files of MNIST.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import ferroprop as fp
import numpy as np
from numpy.typing import NDArray

BATCH = 10


class Task(NamedTuple):
    """A network, how Nielsen trains it, and what he reports of his one run."""

    layers: tuple[int, ...]
    published: str
    loss: str = "log_loss"
    rate: float = 0.5
    penalty: float = 0.0  # his lambda
    epochs: int = 30
    digits: int = 50_000
    seeds: int = 5


CHAPTERS = {
    "nielsen": {
        "784-30-10": Task(
            (784, 30, 10),
            "91.29 % after the first epoch, about 95.4 % at best",
            loss="squared_error",
            rate=3.0,
            seeds=20,
        ),
        "784-100-10": Task((784, 100, 10), "96.6 % at best", loss="squared_error", rate=3.0, seeds=20),
    },
    "nielsen-3": {
        "784-30-10": Task((784, 30, 10), "95.49 %"),
        "784-100-10": Task((784, 100, 10), "96.82 %"),
        "784-30-10, λ 5": Task((784, 30, 10), "96.49 %", penalty=5.0),
        "784-100-10, λ 5": Task((784, 100, 10), "97.92 %", penalty=5.0),
        "784-100-10, λ 5, η 0.1, 60 epochs": Task(
            (784, 100, 10), "98.04 %", rate=0.1, penalty=5.0, epochs=60
        ),
        "784-30-10, 1,000 digits, 400 epochs": Task((784, 30, 10), "82.27 %", epochs=400, digits=1_000),
        "784-30-10, 1,000 digits, 400 epochs, λ 0.1": Task(
            (784, 30, 10), "87.1 %", penalty=0.1, epochs=400, digits=1_000
        ),
    },
}


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


def course(data: Any, task: Task, seed: int) -> list[float]:
    """Train a network; return the percentage of test digits it knows after each epoch."""
    x, targets, test, labels = data
    network = fp.Network(task.layers, activation="logistic", output_activation="logistic", dtype="float32")
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
        x[: task.digits],
        targets[: task.digits],
        loss=task.loss,
        optimizer=fp.SGD(task.rate, momentum=0.0, nesterov=False),
        # Ours is divided by the rows of a mini-batch, his by those of all.
        alpha=task.penalty * BATCH / task.digits,
        epochs=task.epochs,
        batch_size=BATCH,
        seed=seed,
        n_threads=1,
        callback=look,
    )
    print(file=sys.stderr)
    return known


def measure(
    folder: Path, chapter: str, seeds: int | None, epochs: int | None
) -> dict[str, list[list[float]]]:
    """Train each network of a chapter from each seed; return the courses. None: as many as the task says."""
    data = read(folder)
    results: dict[str, list[list[float]]] = {}
    for name, task in CHAPTERS[chapter].items():
        task = task._replace(seeds=seeds or task.seeds, epochs=epochs or task.epochs)
        started = time.perf_counter()
        results[name] = [course(data, task, seed) for seed in range(1, task.seeds + 1)]
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    return results


def table(chapter: str, results: dict[str, list[list[float]]]) -> str:
    """Return a Markdown table: test digits known after the first epoch, at best, and at the end."""
    lines = ["| | seeds | after epoch 1 | best epoch | last epoch | Nielsen |", "|---|---|---|---|---|---|"]
    for name, courses in results.items():
        cells = [name, str(len(courses))]
        for values in ([c[0] for c in courses], [max(c) for c in courses], [c[-1] for c in courses]):
            low, middle, high = min(values), float(np.median(values)), max(values)
            cells.append(f"{middle:.2f} % ({low:.2f} to {high:.2f})")
        lines.append("| " + " | ".join([*cells, CHAPTERS[chapter][name].published]) + " |")
    return "\n".join(lines)


def main() -> int:
    """Train the networks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of MNIST")
    parser.add_argument("--chapter", default="nielsen", choices=CHAPTERS, help="nielsen-3 for the third")
    parser.add_argument("--seeds", type=int, help="seeds instead of 20, in chapter 3 5")
    parser.add_argument("--epochs", type=int, help="epochs instead of his")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args()
    if not (options.data / "train-images-idx3-ubyte.gz").exists():
        print(f"no train-images-idx3-ubyte.gz in {options.data}", file=sys.stderr)
        return 1
    results = measure(options.data, options.chapter, options.seeds, options.epochs)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="ascii")
    print(table(options.chapter, results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
