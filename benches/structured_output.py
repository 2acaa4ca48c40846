"""Structured output with stochastic units: the lower half of MNIST's digits from the upper half.

    python benches/structured_output.py --data ../shared/data/mnist

The task of E. Jang, S. Gu and B. Poole, "Categorical reparameterization with Gumbel-softmax", ICLR 2017,
table 1: layers 392-200-200-392 with Bernoulli hidden units and logistic outputs, pixels binarised once, the
negative log-likelihood of the lower half in nats with 1,000 samples. Here Adam at a learning rate of 0.001,
mini-batches of 100, 30 epochs over the first 50,000 training digits; they tuned a rate of gradient descent
with momentum. `--data` holds the four gzipped files of MNIST; the numbers go between the marks in
docs/results.md.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from pathlib import Path

import ferroprop as fp
import numpy as np
import page
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Halves = tuple[Rows, Rows]

ESTIMATORS = {"straight_through": "58.9", "concrete": "58.5"}
MILESTONES = (1, 5, 10, 20, 30)
EPOCHS, WATCHED, SAMPLES = 30, 2_000, 1_000


def read(folder: Path) -> tuple[Halves, Halves]:
    """Return upper and lower halves of the training digits, and of the test digits: zeros and ones."""
    rng = np.random.default_rng(0)

    def halves(name: str, most: int) -> Halves:
        with gzip.open(folder / name) as file:
            pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)[:most]
        drawn = (rng.random(pixels.shape) < pixels / 255).astype(np.float32)
        return drawn[:, :392], drawn[:, 392:]

    return halves("train-images-idx3-ubyte.gz", 50_000), halves("t10k-images-idx3-ubyte.gz", 10_000)


def course(
    data: tuple[tuple[Rows, Rows], tuple[Rows, Rows]], estimator: str, epochs: int
) -> dict[str, float]:
    """Train a network; return negative log-likelihoods of test digits by epoch, and at the end."""
    (x, y), (test_x, test_y) = data
    units = fp.Bernoulli(estimator)
    network = fp.Network([392, 200, 200, 392], activation=units, output_activation="logistic", seed=1)
    found: dict[str, float] = {}

    def look(epoch: fp.Epoch) -> None:
        if epoch.epoch in MILESTONES:
            likelihood = network.log_likelihood(test_x[:WATCHED], test_y[:WATCHED], samples=50, n_threads=1)
            found[str(epoch.epoch)] = float(-likelihood.mean())
            print(f"{estimator}: epoch {epoch.epoch}, {found[str(epoch.epoch)]:.2f} nats", file=sys.stderr)

    settings = {"optimizer": fp.Adam(1e-3), "batch_size": 100, "epochs": epochs, "seed": 1, "n_threads": 1}
    fp.train(network, x, y, callback=look, **settings)
    likelihood = network.log_likelihood(test_x, test_y, samples=SAMPLES, n_threads=1)
    found["end"] = float(-likelihood.mean())
    found["error"] = float(likelihood.std() / np.sqrt(len(likelihood)))
    return found


def table(results: dict[str, dict[str, float]]) -> str:
    """Return a Markdown table of negative log-likelihoods."""
    epochs = [f"epoch {epoch}" for epoch in MILESTONES]
    header = ["estimator", *epochs, f"all test digits, {SAMPLES:,} samples", "Jang et al."]
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    for estimator, found in results.items():
        by_epoch = (f"{found[str(epoch)]:.2f}" for epoch in MILESTONES if str(epoch) in found)
        end = f"{found['end']:.2f} ± {found['error']:.2f}"
        cells = [f"`{estimator}`", *by_epoch, end, ESTIMATORS[estimator]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """Train the networks, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of MNIST")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"epochs, {EPOCHS} by default")
    parser.add_argument("--page", type=Path, default=page.DOCS / "results.md", help="the page to write to")
    options = parser.parse_args()
    if not (options.data / "train-images-idx3-ubyte.gz").exists():
        print(f"no train-images-idx3-ubyte.gz in {options.data}", file=sys.stderr)
        return 1
    data = read(options.data)
    results = {estimator: course(data, estimator, options.epochs) for estimator in ESTIMATORS}
    print(table(results))
    if options.epochs == EPOCHS:
        page.write(options.page, {"structured output": table(results)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
