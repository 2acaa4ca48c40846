"""How well networks learn from orders that are drawn block by block, of rows that are sorted by class.

    python benches/block_shuffle.py

Sorted rows are the worst case: a block has one class. Each line is an order: the rows as they are, all rows
mixed in each epoch, and buffers of several blocks (`ferroprop.BlockShuffle`) with the share of the rows that
a buffer has. The figures are accuracies on rows that were left out: mean over the seeds ± standard deviation.
"""

import argparse
from typing import Any

import ferroprop as fp
import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.model_selection import train_test_split

ORDERS = {
    "digits": {
        "rows as they are": False,
        "all rows mixed": True,
        "16 of 57 blocks of 24": fp.BlockShuffle(24, 16),
        "4 of 57 blocks of 24": fp.BlockShuffle(24, 4),
    },
    "made": {
        "rows as they are": False,
        "all rows mixed": True,
        "64 of 147 blocks of 1,024": fp.BlockShuffle(),
        "16 of 147 blocks of 1,024": fp.BlockShuffle(buffer_blocks=16),
        "16 of 586 blocks of 256": fp.BlockShuffle(256, 16),
        "4 of 147 blocks of 1,024": fp.BlockShuffle(buffer_blocks=4),
    },
}
TRAININGS = {"digits": {"batch_size": 32, "epochs": 20}, "made": {"batch_size": 256, "epochs": 5}}


def main() -> None:
    """Train, and print a table for each set of rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10, help="[%(default)s]")
    seeds = parser.parse_args().seeds
    for name, orders in ORDERS.items():
        X, y = rows(name)
        n_classes = len(np.unique(y))
        print(
            f"{name}: {len(X):,} x {X.shape[1]}, {n_classes} classes, Adam, {TRAININGS[name]}, {seeds} seeds"
        )
        for order, shuffle in orders.items():
            found = [100 * accuracy(X, y, shuffle, seed, **TRAININGS[name]) for seed in range(seeds)]
            print(f"  {order:28}{np.mean(found):7.2f} ± {np.std(found):.2f} %", flush=True)


def rows(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs of about unit size, and classes."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return (X / 16).astype(np.float32), y
    options: dict[str, Any] = {
        "n_informative": 15,
        "n_classes": 10,
        "n_clusters_per_class": 2,
        "class_sep": 1.0,
    }
    X, y = make_classification(200_000, 20, random_state=0, **options)
    return (X / X.std(axis=0)).astype(np.float32), y


def accuracy(X: np.ndarray, y: np.ndarray, shuffle: Any, seed: int, **training: Any) -> float:
    """Train on sorted rows; return the accuracy on others."""
    X, X_test, y, y_test = train_test_split(X, y, random_state=seed, stratify=y, test_size=0.25)
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    classes = int(y.max()) + 1
    network = fp.Network([X.shape[1], 50, classes], activation="relu", output_activation="softmax", seed=seed)
    Y = np.eye(classes, dtype=np.float32)[y]
    fp.train(network, X, Y, optimizer="adam", shuffle=shuffle, seed=seed, **training)
    return float((network.predict(X_test).argmax(axis=1) == y_test).mean())


if __name__ == "__main__":
    main()
