"""Time lags: recurrent networks on the problems of Hochreiter and Schmidhuber.

    python benches/recurrence.py
    python benches/recurrence.py --tasks adding --cells lstm --trials 3

S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997: embedded Reber
grammar (experiment 1), noise-free lag (2a), adding (4), temporal order (6a). Problems and criteria of
success are theirs. What is not: our cells are those of today, with gates whose biases of 5 keep 0.993 of
the state at first (theirs keep all of it), and whole gradients. We train on mini-batches with Adam, the lag
on both of its sequences with Rprop, where they made a step after each symbol or sequence. Outputs that are
symbols are a softmax with the log loss. A plain network (rnn) starts with orthogonal recurrent weights.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ferroprop as fp
import numpy as np
from numpy.typing import NDArray

ADAM = partial(fp.Adam, 0.01)
Array = NDArray[Any]
Sequences = list[Array]
CELLS = ("rnn", "lstm", "gru")


@dataclass(frozen=True)
class Task:
    """A problem: sequences to draw, a network, and when an answer is right.

    Parameters
    ----------
    draw : callable
        Returns so many sequences of inputs and their targets, from a generator.
    outputs : str
        Activation of the output layer.
    returns : str
        Whether there are targets at the last step or at every one.
    is_right : callable
        Tells for each sequence whether all its outputs are right, from outputs and targets.
    units : int
        In the hidden layer.
    optimizer : callable
        Makes the optimizer.
    batch_size : int or None
        Sequences in a step; None is all that are given.
    most : int
        The most sequences to train with.
    most_error : float
        Mean absolute error of the outputs that is demanded besides.
    chunk : int
        Sequences from one look to the next.
    in_a_row : int
        Sequences that must be right before it counts as learnt.
    given : int
        Number of sequences in the training set and in the test set; 0 for new ones all the time.
    epochs : int
        Number of times that they are seen from one look to the next.
    trials : int
        Number of trials.
    """

    draw: Callable[[np.random.Generator, int], tuple[Sequences, Any]]
    outputs: str
    returns: str
    is_right: Callable[[Any, Any], Array]
    units: int = 8
    optimizer: Callable[[], Any] = ADAM
    batch_size: int | None = 20
    most: int = 200_000
    most_error: float = np.inf
    chunk: int = 1000
    in_a_row: int = 2000
    given: int = 0
    epochs: int = 1
    trials: int = 10


# Embedded Reber grammar ------------------------------------------------------------------------------------

SYMBOLS = "BTPSXVE"
# The inner grammar: from each state the symbols that may follow, and where they lead; 5 is its end.
REBER = ({"T": 1, "P": 2}, {"S": 1, "X": 3}, {"T": 2, "V": 4}, {"X": 2, "S": 5}, {"P": 3, "V": 5})


def reber_string(rng: np.random.Generator) -> tuple[str, list[str]]:
    """Return a string of the embedded grammar, and the symbols that may follow each symbol but the last."""
    outer = "TP"[rng.integers(2)]
    string, legal, state = "B" + outer + "B", ["TP", "B", "TP"], 0
    while state != 5:
        following = REBER[state]
        symbol = sorted(following)[rng.integers(len(following))]
        string, state = string + symbol, following[symbol]
        legal.append("E" if state == 5 else "".join(sorted(REBER[state])))
    return string + "E" + outer + "E", [*legal, outer, "E"]


def one_hot(symbols: str, alphabet: str = SYMBOLS) -> Array:
    """Return a row for each symbol."""
    return np.eye(len(alphabet), dtype=np.float32)[[alphabet.index(symbol) for symbol in symbols]]


def draw_reber(rng: np.random.Generator, n: int) -> tuple[Sequences, Any]:
    """Draw strings as inputs and next symbols as targets, with the legal ones beside them."""
    strings = [reber_string(rng) for _ in range(n)]
    X = [one_hot(string[:-1]) for string, _ in strings]
    Y = [one_hot(string[1:]) for string, _ in strings]
    legal = [np.array([[s in may for s in SYMBOLS] for may in each]) for _, each in strings]
    return X, (Y, legal)


def reber_is_right(outputs: Sequences, targets: Any) -> Array:
    """Tell whether at each step the legal symbols have the largest outputs."""
    return np.array(
        [
            bool((np.where(may, out, 2).min(axis=1) > np.where(may, -1, out).max(axis=1)).all())
            for out, may in zip(outputs, targets[1], strict=True)
        ]
    )


# Noise-free lag --------------------------------------------------------------------------------------------


def draw_lag(p: int) -> Callable[[np.random.Generator, int], tuple[Sequences, Any]]:
    """Return what draws (y, a1, ..., a_{p-1}, y) or (x, a1, ..., a_{p-1}, x)."""
    middle = np.arange(p - 1)
    both = [np.eye(p + 1, dtype=np.float32)[[last, *middle, last]] for last in (p - 1, p)]

    def draw(rng: np.random.Generator, n: int) -> tuple[Sequences, Any]:
        chosen = [both[number % 2] for number in range(n)]
        return [each[:-1] for each in chosen], [each[1:] for each in chosen]

    return draw


def within(most: float) -> Callable[[Any, Any], Array]:
    """Return what tells whether all outputs of a sequence are nearer than this to their targets."""

    def is_right(outputs: Any, targets: Any) -> Array:
        return np.array([np.abs(out - y).max() < most for out, y in zip(outputs, targets, strict=True)])

    return is_right


# Adding ----------------------------------------------------------------------------------------------------


def draw_adding(least: int) -> Callable[[np.random.Generator, int], tuple[Sequences, Any]]:
    """Return what draws sequences of pairs, two of which are marked and to be added."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Sequences, Any]:
        X, Y = [], np.empty((n, 1), np.float32)
        for row in range(n):
            length = rng.integers(least, least + least // 10 + 1)
            pairs = np.zeros((length, 2), np.float32)
            pairs[:, 0] = rng.uniform(-1, 1, length)
            first = rng.integers(10)
            second = rng.choice([t for t in range(least // 2 - 1) if t != first])
            pairs[[0, -1], 1] = -1
            pairs[[first, second], 1] = 1
            if 0 in (first, second):
                pairs[0, 0] = 0
            X.append(pairs)
            Y[row] = 0.5 + (pairs[first, 0] + pairs[second, 0]) / 4
        return X, Y

    return draw


# Temporal order --------------------------------------------------------------------------------------------


def draw_order(rng: np.random.Generator, n: int) -> tuple[Sequences, Any]:
    """Draw sequences E ... X or Y ... X or Y ... B with noise between: the class is the order of X and Y."""
    symbols = np.eye(8, dtype=np.float32)  # a, b, c, d, E, B, X, Y
    X, Y = [], np.zeros((n, 4), np.float32)
    for row in range(n):
        sequence = rng.integers(4, size=rng.integers(100, 111))
        first, second = rng.integers(2, size=2)
        sequence[0], sequence[-1] = 4, 5
        sequence[rng.integers(10, 21)] = 6 + first
        sequence[rng.integers(50, 61)] = 6 + second
        X.append(symbols[sequence])
        Y[row, 2 * first + second] = 1
    return X, Y


TASKS = {
    "embedded Reber grammar": Task(
        draw_reber,
        "softmax",
        "every",
        reber_is_right,
        most=100_000,
        chunk=256,
        given=256,
        batch_size=8,
    ),
    "noise-free lag, p = 100": Task(
        draw_lag(100),
        "softmax",
        "every",
        within(0.25),
        optimizer=partial(fp.Rprop, max_step=1.0),
        batch_size=None,
        most=6_000,
        units=16,
        given=2,
        epochs=10,
    ),
    "adding, T = 100": Task(
        draw_adding(100),
        "identity",
        "last",
        within(0.04),
        optimizer=partial(fp.Adam, 0.003),
        units=16,
        most=300_000,
        most_error=0.01,
        trials=5,
    ),
    "temporal order, 2 symbols": Task(
        draw_order, "softmax", "last", within(0.3), most=200_000, most_error=0.1
    ),
}


# Trials ----------------------------------------------------------------------------------------------------


def chunks(task: Task, rng: np.random.Generator) -> Iterator[tuple[Sequences, Any]]:
    """Yield sequences to train with: the same ones again and again, or new ones."""
    given = task.draw(rng, task.given) if task.given else None
    while True:
        yield given or task.draw(rng, task.chunk)


def to_learn(task: Task, Y: Any) -> Any:
    """Return the targets of the training."""
    return Y[0] if isinstance(Y, tuple) else Y


def keep_the_state(net: fp.RecurrentNetwork) -> None:
    """Open the gates that keep the state of an LSTM or a GRU: at first 0.993 of it stays at each step.

    The cells of 1997 have no forget gate; all of it stays.
    """
    if net.cell == "rnn":
        return
    biases, units = net.biases, net.layer_sizes[1]
    first = biases[0].copy()
    first[units : 2 * units] = 5.0  # logistic(5) = 0.993
    net.set_parameters(net.weights, net.recurrent_weights, [first, *biases[1:]], net.recurrent_biases)


def trial(task: Task, cell: str, seed: int) -> dict[str, float]:
    """Train a network until it has learnt; return the sequences that took, and the errors on a test."""
    rng = np.random.default_rng(seed)
    X, Y = task.draw(rng, 1)
    n_outputs = to_learn(task, Y)[0].shape[-1]
    net = fp.RecurrentNetwork(
        [X[0].shape[1], task.units, n_outputs],
        cell=cell,
        returns=task.returns,
        output_activation=task.outputs,
        seed=seed,
    )
    keep_the_state(net)
    optimizer = task.optimizer()
    test = task.draw(rng, task.given or 2560)
    seen = in_a_row = 0
    began = time.perf_counter()
    learnt = False
    for X, Y in chunks(task, rng):
        targets = to_learn(task, Y)
        outputs = net.predict(X, n_threads=1)
        right = task.is_right(outputs, Y)
        if task.given:
            learnt = bool(right.all() and task.is_right(net.predict(test[0], n_threads=1), test[1]).all())
        else:
            in_a_row = in_a_row + len(X) if right.all() else 0
            error = np.mean([np.abs(out - y).mean() for out, y in zip(outputs, targets, strict=True)])
            learnt = in_a_row >= task.in_a_row and error < task.most_error
        if learnt or seen >= task.most:
            break
        fp.train(
            net,
            X,
            targets,
            optimizer=optimizer,
            epochs=task.epochs,
            batch_size=task.batch_size,
            seed=seen,
            clip_norm=1.0,
            warm_start=seen > 0,
            n_threads=1,
        )
        seen += len(X) * task.epochs
    wrong = ~task.is_right(net.predict(test[0], n_threads=1), test[1])
    return {
        "learnt": float(learnt),
        "sequences": float(seen),
        "wrong": float(wrong.sum()),
        "of": float(len(wrong)),
        "weights": float(net.n_parameters),
        "seconds": time.perf_counter() - began,
    }


def measure(
    tasks: list[str], cells: list[str], trials: int | None
) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Run all trials."""
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    for name in tasks:
        for cell in cells:
            results = []
            for seed in range(trials or TASKS[name].trials):
                results.append(trial(TASKS[name], cell, seed))
                print(name, cell, seed, results[-1], file=sys.stderr, flush=True)
            found.setdefault(name, {})[cell] = results
            print(f"{name:28} {cell:5} {summary(results)}", file=sys.stderr, flush=True)
    return found


def summary(results: list[dict[str, float]]) -> str:
    """Return success, sequences and errors of trials in a line."""
    ends = [each["sequences"] for each in results if each["learnt"]]
    wrong = sum(each["wrong"] for each in results if each["learnt"])
    of = sum(each["of"] for each in results if each["learnt"])
    seconds = np.mean([each["seconds"] for each in results])
    middle = f"{np.median(ends):,.0f} ({min(ends):,.0f} to {max(ends):,.0f})" if ends else "-"
    return f"{len(ends)} of {len(results)} | {middle} | {wrong:.0f} of {of:,.0f} wrong | {seconds:.1f} s each"


PUBLISHED = {
    "embedded Reber grammar": "LSTM 97 to 100 %, 8,440 to 39,740; Elman 0 %; RTRL some, from 25,000",
    "noise-free lag, p = 100": "LSTM 100 %, 5,040; BPTT 0 % within 5,000,000",
    "adding, T = 100": "LSTM 74,000; 1 of 2,560 wrong",
    "temporal order, 2 symbols": "LSTM 31,390; 1 of 2,560 wrong",
}


def table(found: dict[str, dict[str, list[dict[str, float]]]]) -> str:
    """Return the table of the page."""
    lines = ["| | cell, weights | learnt | sequences | test sequences wrong | Hochreiter and Schmidhuber |"]
    lines.append("|---|---|---|---|---|---|")
    for name, cells in found.items():
        for place, (cell, results) in enumerate(cells.items()):
            learnt, sequences, wrong, _ = summary(results).split(" | ")
            theirs = PUBLISHED[name] if place == 0 else ""
            weights = f"{cell}, {results[0]['weights']:,.0f}"
            lines.append(
                f"| {'' if place else name} | {weights} | {learnt} | {sequences} | "
                f"{wrong.removesuffix(' wrong')} | {theirs} |"
            )
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tasks", help="comma-separated beginnings of their names; default all")
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--trials", type=int, help="default: 10, of adding 5")
    parser.add_argument("--json", type=Path, help="where to keep the numbers")
    options = parser.parse_args()
    wanted = tuple(options.tasks.split(",")) if options.tasks else ("",)
    tasks = [name for name in TASKS if name.startswith(wanted)]
    if not tasks:
        parser.error(f"--tasks: none of {', '.join(TASKS)} begins with {options.tasks}")
    found = measure(tasks, options.cells.split(","), options.trials)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="ascii")
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
