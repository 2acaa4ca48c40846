"""Times of the estimators for tables: five members on all cores beside one on one, or one beside a recipe.

    python benches/tabular_times.py
    python benches/tabular_times.py --tables credit,ames --rounds 3
    python benches/tabular_times.py --rows 3000 --recipe

The fits are those of the training rows of split 0 of benches/tables.py, at most `--rows` of them, and take
turns; the medians count, and their geometric mean over the tables. Five and one are compared by wall time.
`--recipe` compares one with the network that the first experiments settled on, by CPU time: bins and cosines
of numbers, always 128 epochs, the twelve tables that they had. `--steps` tells what an encoding costs: the
CPU time of a step of a member's network with the inputs of each encoding, and without its levels, bins and
values: with an input for each column, and the cosines.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from ferroprop import AdamW, Cosine, Network, train
from ferroprop.tabular import TabularEncoder, TabularMLPClassifier, TabularMLPRegressor
from ferroprop.tabular._member import Rows, train_member
from ferroprop.tabular._numbers import NumberColumn
from ferroprop.tabular._recipe import recipe_for, tried_for
from ferroprop.tabular.encoder import NumericEncoding
from real_tables.report import geometric
from real_tables.runs import split
from real_tables.sources import R_LIBRARY, TABLES, MissingError, load
from sklearn.model_selection import train_test_split

GOAL = 2.6
RECIPES_GOAL = 0.6
STEPS_GOAL = 1.3


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", help="names of tables, with commas; all if not given")
    parser.add_argument("--rows", type=int, default=6000, help="training rows at most [%(default)s]")
    parser.add_argument("--rounds", type=int, default=1, help="fits of each kind [%(default)s]")
    parser.add_argument("--threads", type=int, default=2, help="threads of the ensemble [%(default)s]")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--recipe", action="store_true", help="compare one member with the recipe alone")
    what.add_argument("--steps", action="store_true", help="compare the encodings of numbers alone")
    parser.add_argument("--r-library", type=Path, default=R_LIBRARY, help="R's packages [%(default)s]")
    return parser.parse_args()


def seconds(clock: Callable[[], float], fit: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    """Return how long a call takes by a clock."""
    began = clock()
    fit(*arguments, **options)
    return clock() - began


def fit_recipe(X: Any, y: Any, *, classes: bool) -> None:
    """Train the network of the first experiments, whose validation loss is looked at after each epoch."""
    targets = np.eye(y.nunique())[np.unique(y, return_inverse=True)[1]] if classes else np.array(y)[:, None]
    if not classes:
        targets = (targets - targets.mean()) / targets.std()
    X, X_val, Y, Y_val = train_test_split(
        TabularEncoder("both").fit_transform(X), targets.astype(np.float32), test_size=0.2, random_state=0
    )
    train(
        Network(
            [X.shape[1], 128, 128, 128, Y.shape[1]],
            activation="silu",
            output_activation="softmax" if classes else "identity",
            dtype="float32",
            seed=0,
        ),
        X,
        Y,
        loss="log_loss" if classes else "squared_error",
        optimizer=AdamW(Cosine(2e-3 if classes else 5e-3), beta_2=0.95, weight_decay=Cosine(0.1, flat=0.5)),
        dropout=Cosine(0.15, flat=0.5),
        epochs=128,
        batch_size=128,
        validation=(X_val, Y_val),
        restore_best=True,
        seed=0,
        n_threads=1,
    )


def cost_of_inputs(X: Any, y: Any, encodings: tuple[NumericEncoding, ...]) -> dict[str, float]:
    """Return the times of a step with each encoding, relative to one without its levels, bins and values."""
    targets = np.random.default_rng(0).normal(size=(len(X), 1))

    def step(inputs: Any) -> float:
        rows = Rows.of(inputs, targets, np.ones(len(X)))
        recipe = replace(recipe_for(is_classifier=False, n_rows=len(X)), epochs=16)
        fit = partial(train_member, rows, None, recipe, output="identity", loss="squared_error", seed=0)
        return min(seconds(time.process_time, fit, n_threads=1) for _ in range(3))

    @cache
    def plain(n_inputs: int) -> float:
        return step(np.random.default_rng(1).normal(size=(len(X), n_inputs)).astype(np.float32))

    costs = {}
    for encoding in encodings:
        encoder = TabularEncoder(encoding).fit(X, y)
        numbers = [column for column in encoder.columns_ if isinstance(column, NumberColumn)]
        n_cosines = sum(len(column.frequencies) for column in numbers)
        costs[encoding] = step(encoder.transform(X)) / plain(X.shape[1] + n_cosines)
    return costs


def main() -> None:
    """Measure and print."""
    options = parse()
    ratios: dict[str, list[float]] = {"classes": [], "numbers": []}
    for table in TABLES:
        if options.tables and table.name not in options.tables.split(","):
            continue
        if options.recipe and not table.first:
            continue
        try:
            data = load(table, options.r_library)
        except MissingError as reason:
            print(f"{table.name}: LEFT OUT, {reason}")
            continue
        classes = table.task == "classes"
        X, _, y, _ = split(*data, classes, 0)
        X, y = X[: options.rows], y[: options.rows]
        if options.steps:
            costs = cost_of_inputs(X, y, tried_for(is_classifier=classes).encodings)
            for encoding, cost in costs.items():
                ratios.setdefault(encoding, []).append(cost)
            print(f"{table.name:15}", *(f"{name} {cost:.2f} " for name, cost in costs.items()), flush=True)
            continue
        make = TabularMLPClassifier if classes else TabularMLPRegressor
        one, all_of_them = [], []
        for _ in range(options.rounds):
            member = make(1, n_jobs=1, random_state=0)
            if options.recipe:
                one.append(seconds(time.process_time, fit_recipe, X, y, classes=classes))
                all_of_them.append(seconds(time.process_time, member.fit, X, y))
            else:
                members = make(5, n_jobs=options.threads, random_state=0)
                one.append(seconds(time.perf_counter, member.fit, X, y))
                all_of_them.append(seconds(time.perf_counter, members.fit, X, y))
        times = statistics.median(one), statistics.median(all_of_them)
        kind = "classes" if classes else "numbers"
        ratios[kind].append(times[1] / times[0])
        print(f"{table.name:15} {times[0]:7.2f} s {times[1]:7.2f} s  {ratios[kind][-1]:.2f}", flush=True)
    goal = STEPS_GOAL if options.steps else RECIPES_GOAL if options.recipe else GOAL
    if not options.steps:
        ratios["all"] = ratios["classes"] + ratios["numbers"]
    for kind, values in ratios.items():
        if values:
            print(
                f"{kind}: {geometric(values):.2f} ({min(values):.2f} to {max(values):.2f}) "
                f"over {len(values)} tables (goal {goal})"
            )


if __name__ == "__main__":
    main()
