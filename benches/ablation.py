"""What each ingredient of the estimators for tables is worth: fits without it, on nested splits.

    python benches/ablation.py            # run what is not done yet, write its part of docs/tables.md
    python benches/ablation.py --only "no dropout,no decay" --tables credit,ames --splits 1 --no-page
    python benches/ablation.py --show     # run nothing

No test row of benches/tables.py plays a part: of the training rows of split 0 three quarters, at most 6,000,
are for the fit, the rest, at most 6,000, for the score. Each fit is one network with the inputs of 'both'; a
variant is the estimator with one thing changed. Each result is appended to the file `--keep` when it is
there, so an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import numpy as np
import page
import pandas as pd
from ferroprop import Cosine
from ferroprop.tabular import (
    TabularMLPClassifier,
    TabularMLPRegressor,
    _base,
    _calibration,
    _member,
    _numbers,
    _trials,
    classifier,
    encoder,
    regressor,
)
from ferroprop.tabular._recipe import Recipe
from real_tables.report import SCORES, cell, geometric, value
from real_tables.runs import read, scores, split
from real_tables.sources import DATE, R_LIBRARY, TABLES, MissingError, Table, load
from sklearn.model_selection import train_test_split

PAGE = page.DOCS / "tables.md"
KEEP = Path(__file__).resolve().parent / "real_tables" / "ablation.jsonl"
MOST_ROWS = 6000
MANY_LEVELS = 20
BASE = "as it is"
DATES = ("date", "arrival_date")


@dataclass(frozen=True)
class Variant:
    """One change of the estimators.

    Parameters
    ----------
    name : str
        What the page calls it.
    options : dict
        Parameters of the estimator.
    patches : sequence of (object, str, object)
        What stands in the place of which attribute of which module or class.
    task : {"classes", "number"} or None
        The tables it is for; None for all.
    on : callable
        Whether it changes anything for a table with these inputs.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    patches: Sequence[tuple[Any, str, Any]] = ()
    task: Literal["classes", "number"] | None = None
    on: Callable[[pd.DataFrame], bool] = lambda X: True


def schedules(**of: Callable[[float], Any]) -> Callable[[float], Any]:
    """Return what stands in the place of the flat cosine: other schedules of decay or of dropout."""
    original = _member._flat_cosine

    def schedule(value: float) -> Any:
        name = "dropout" if value == 0.15 else "decay"
        return of.get(name, original)(value)

    return schedule


def constant_rate(value: float, flat: float = 0.0) -> Any:
    """Return a schedule as `Cosine` does, but a constant one where it would fall from the start."""
    return Cosine(value, flat=flat) if flat else value


def in_the_end(rows: Any, watch: Any, recipe: Recipe, **further: Any) -> Any:
    """Train to the end and keep the last epoch."""
    trained = _member.train_member(rows, None, recipe, **further)
    trained.best_loss, trained.temperature = watch(trained.network)
    return trained


def watching(judge: Callable[[np.ndarray, np.ndarray], float], calibrates: bool = True) -> Any:
    """Return what stands in the place of the tempered log loss: another judge of epochs."""
    tempered = _calibration.tempered_log_loss

    def watch_of(validation: Any) -> Any:
        inner = tempered(validation)

        def watch(network: Any) -> tuple[float, float]:
            probabilities = network.predict(validation.X, n_threads=1).astype(float)
            return judge(probabilities, validation.Y), inner(network)[1] if calibrates else 1.0

        return watch

    return watch_of


def log_loss(probabilities: np.ndarray, Y: np.ndarray) -> float:
    """Return the log loss."""
    return float(-np.log(np.clip((probabilities * Y).sum(axis=1), 1e-7, None)).mean())


def error(probabilities: np.ndarray, Y: np.ndarray) -> float:
    """Return the share of rows that are wrong."""
    return float((probabilities.argmax(axis=1) != Y.argmax(axis=1)).mean())


def as_they_are(self: TabularMLPRegressor, targets: np.ndarray, weight: np.ndarray) -> None:
    """Learn nothing of the targets but a power of two."""
    LEARN(self, targets, weight)
    self._center_, self._scale_ = np.zeros_like(self._center_), np.ones_like(self._scale_)
    self._limits_ = self._task(np.stack([self._least_, self._most_])).Y


def without_limits(self: TabularMLPRegressor, targets: np.ndarray, weight: np.ndarray) -> None:
    """Learn the targets' mean and spread, and clamp nothing."""
    LEARN(self, targets, weight)
    self._limits_ = np.array([-np.inf, np.inf])[:, None] * np.ones_like(self._limits_)
    self._least_, self._most_ = np.full_like(self._least_, -np.inf), np.full_like(self._most_, np.inf)


def clipped(x: np.ndarray) -> np.ndarray:
    """Return numbers clipped softly, in the place of their `asinh`."""
    return x / np.sqrt(1.0 + (x / 3.0) ** 2)


def moments(values: np.ndarray, weight: np.ndarray, probabilities: list[float]) -> np.ndarray:
    """Return quantiles, but the mean and half a standard deviation around it for the quartiles."""
    if len(probabilities) != 3:
        return QUANTILES(values, weight, probabilities)
    mean, half = np.average(values, weights=weight), _numbers._standard_deviation(values, weight) / 2
    return np.array([mean - half, mean, mean + half])


def unmarked(fit: Callable[..., Any]) -> Callable[..., Any]:
    """Return a fit of columns without indicators of missing values."""
    return lambda *arguments, **options: replace(fit(*arguments, **options), has_missing=False)


def recipe(change: Callable[[Recipe, int], Recipe]) -> tuple[Any, str, Any]:
    """Return the patch by which a function of the usual recipe and the number of rows makes another one."""
    original = _base.recipe_for

    def changed(*, n_rows: int, **further: Any) -> Recipe:
        return change(original(n_rows=n_rows, **further), n_rows)

    return _base, "recipe_for", changed


def of_2300_steps(usual: Recipe, n_rows: int) -> Recipe:
    """Return the recipe for classes with half of its steps."""
    epochs = round(min(512, max(64, 2300 * usual.batch_size / n_rows)))
    return replace(usual, epochs=epochs, patience=max(20, epochs // 5))


def rate(factor: float) -> Callable[[Recipe, int], Recipe]:
    """Return a change of the initial rate."""
    return lambda usual, n_rows: replace(usual, learning_rate=factor * usual.learning_rate)


def has_missing(X: pd.DataFrame) -> bool:
    """Tell whether a hundredth of the rows of some column has no value."""
    return bool((X.isna().mean() > 0.01).any())


def has_levels(X: pd.DataFrame) -> bool:
    """Tell whether some column has many levels."""
    text = X.select_dtypes(exclude="number")
    return any(text[name].nunique() > MANY_LEVELS for name in text)


LEARN = TabularMLPRegressor._learn_targets
QUANTILES = _numbers.quantiles
FIT_CATEGORIES, FIT_DATES = encoder.fit_categories, encoder.fit_dates

VARIANTS = (
    Variant(BASE),
    Variant("relu in the place of silu", patches=[(Recipe, "activation", "relu")]),
    Variant("gelu", patches=[(Recipe, "activation", "gelu")]),
    Variant("beta_2 0.999", patches=[(Recipe, "beta_2", 0.999)]),
    Variant("constant rate", patches=[(_member, "Cosine", constant_rate)]),
    Variant("no dropout", {"dropout": 0.0}),
    Variant("constant dropout", patches=[(_member, "_flat_cosine", schedules(dropout=float))]),
    Variant("no decay", {"weight_decay": 0.0}),
    Variant("constant decay", patches=[(_member, "_flat_cosine", schedules(decay=float))]),
    Variant("last epoch, not the best", patches=[(_trials, "train_member", in_the_end)]),
    Variant(
        "best epoch by the error",
        patches=[(classifier, "tempered_log_loss", watching(error))],
        task="classes",
    ),
    Variant(
        "best epoch by the log loss as it is",
        patches=[(classifier, "tempered_log_loss", watching(log_loss))],
        task="classes",
    ),
    Variant(
        "the same, no temperature",
        patches=[(classifier, "tempered_log_loss", watching(log_loss, calibrates=False))],
        task="classes",
    ),
    Variant("targets not smoothed", {"label_smoothing": 0.0}, task="classes"),
    Variant("targets smoothed by 0.05, not 0.1", {"label_smoothing": 0.05}, task="classes"),
    Variant("targets smoothed by 0.2", {"label_smoothing": 0.2}, task="classes"),
    Variant("2300 steps", patches=[recipe(of_2300_steps)], task="classes"),
    Variant(
        "target not standardised",
        patches=[(TabularMLPRegressor, "_learn_targets", as_they_are)],
        task="number",
    ),
    Variant(
        "outputs not clamped",
        patches=[(TabularMLPRegressor, "_learn_targets", without_limits)],
        task="number",
    ),
    Variant("numbers clipped softly at 3", patches=[(_numbers, "asinh", clipped)]),
    Variant("numbers not squeezed", patches=[(_numbers, "asinh", np.positive)]),
    Variant(
        "mean and standard deviation in the place of quartiles", patches=[(_numbers, "quantiles", moments)]
    ),
    Variant("bins and no cosines", {"numeric_encoding": "piecewise_linear"}),
    Variant("cosines and no bins", {"numeric_encoding": "periodic"}),
    Variant(
        "no indicators of missing values",
        patches=[
            (encoder, "fit_numbers", unmarked(encoder.fit_numbers)),
            (encoder, "fit_categories", unmarked(FIT_CATEGORIES)),
        ],
        on=has_missing,
    ),
    Variant(
        "at most 20 levels have inputs, not 200",
        patches=[
            (encoder, "fit_categories", lambda *a, max_levels, **o: FIT_CATEGORIES(*a, max_levels=20, **o))
        ],
        on=has_levels,
    ),
    Variant(
        "dates as numbers alone",
        patches=[(encoder, "fit_dates", lambda *a, **o: replace(FIT_DATES(*a, **o), parts=()))],
        on=lambda X: any(name in X for name in DATES),
    ),
    Variant("two hidden layers", {"hidden_layer_sizes": (128, 128)}),
    Variant("four hidden layers", {"hidden_layer_sizes": (128, 128, 128, 128)}),
    Variant("layers of 64", {"hidden_layer_sizes": (64, 64, 64)}),
    Variant("batches of 64 rows", {"batch_size": 64}),
    Variant("batches of 256 rows", {"batch_size": 256}),
    Variant("half the rate", patches=[recipe(rate(0.5))]),
    Variant("twice the rate", patches=[recipe(rate(2.0))]),
)


def tables() -> list[Table]:
    """Return the development tables, and two of them with a date as it came."""
    by_name = {table.name: table for table in TABLES}
    chicago = replace(by_name["chicago"], name="chicago with its date", prepare=None)
    hotel = replace(by_name["hotel"], name="hotel with its date", drop={})
    assert by_name["hotel"].drop == {"arrival_date": DATE}
    return [*TABLES, chicago, hotel]


def with_dates(data: tuple[pd.DataFrame, pd.Series]) -> tuple[pd.DataFrame, pd.Series]:
    """Return a table with its dates, which the sources give as text."""
    X, y = data
    return X.assign(**{name: pd.to_datetime(X[name]) for name in DATES if name in X}), y


def nested(data: tuple[pd.DataFrame, pd.Series], classes: bool, seed: int) -> list[Any]:
    """Return inputs and targets for the fit and for the score, from the training rows of split 0."""
    X, _, y, _ = split(*data, classes, 0)
    fit, score = train_test_split(
        np.arange(len(X)), test_size=0.25, random_state=100 + seed, stratify=y if classes else None
    )
    rows = fit[:MOST_ROWS], score[:MOST_ROWS]
    return [part.iloc[of].reset_index(drop=True) for part in (X, y) for of in rows]


def measure(variant: Variant, parts: list[Any], classes: bool, seed: int) -> dict[str, float]:
    """Fit a variant and return its scores, and the CPU time of the fit."""
    X, X_score, y, y_score = parts
    options = {"numeric_encoding": "both"} | variant.options
    make = TabularMLPClassifier if classes else TabularMLPRegressor
    model = make(1, column_weights=False, random_state=seed, n_jobs=1, **options)
    with ExitStack() as stack:
        stack.enter_context(patch.object(regressor, "fit_spread", lambda *a, **o: None))
        for where, name, other in variant.patches:
            stack.enter_context(patch.object(where, name, other))
        began = time.process_time()
        model.fit(X, y)
        seconds = time.process_time() - began
        outputs = model.predict_proba(X_score) if classes else model.predict(X_score)
    found = scores(outputs, y_score, model.classes_ if classes else None)
    return found | {"fit": seconds, "predicted_rows": len(y_score)}


def run(variants: list[Variant], chosen: list[Table], splits: int, file: Path, library: Path) -> None:
    """Do what the file does not have yet, all tables of a split before the next split."""
    done = {(line["variant"], line["table"], line["split"]) for line in read(file)}
    for seed in range(splits):
        for table in chosen:
            wanted = [
                variant
                for variant in variants
                if (variant.name, table.name, seed) not in done and variant.task in (None, table.task)
            ]
            try:
                data = with_dates(load(table, library)) if wanted else None
            except MissingError as reason:
                print(f"{table.name}: LEFT OUT, {reason}")
                continue
            for variant in wanted if data is not None else ():
                if not variant.on(data[0]) or (" with its date" in table.name and variant.name not in DATED):
                    continue
                parts = nested(data, table.task == "classes", seed)
                line = {"variant": variant.name, "table": table.name, "split": seed}
                line |= measure(variant, parts, table.task == "classes", seed)
                with file.open("a", encoding="ascii") as kept:
                    kept.write(json.dumps(line) + "\n")
                print(line, flush=True)


DATED = (BASE, "dates as numbers alone")
"""What is tried on the tables that have their dates."""


def report(lines: list[dict[str, Any]]) -> str:
    """Return the table of the page: geometric means over tables of each variant beside the estimators."""
    known = {(line["variant"], line["table"], line["split"]): line for line in lines}
    rows = ["| change | tables | CPU time | RMSE | log loss | error |", "|---|---|---|---|---|---|"]
    for variant in VARIANTS[1:]:
        costs, *of_scores = (ratios(known, variant.name, score) for score in ("fit", *SCORES))
        if costs:
            cells = " | ".join(map(_cell, of_scores))
            rows.append(f"| {variant.name} | {len(costs)} | {geometric(costs):.2f} | {cells} |")
    return "\n".join(rows)


def ratios(known: dict[tuple[str, str, int], dict[str, Any]], name: str, score: str) -> list[float]:
    """Return a variant's ratio to the estimators as they are for each table, the mean over its splits."""
    of_tables: dict[str, list[float]] = {}
    for (variant, table, seed), line in known.items():
        base = known.get((BASE, table, seed))
        if variant == name and base is not None and score in line:
            of_tables.setdefault(table, []).append(value(line, score) / value(base, score))
    return [geometric(of_table) for of_table in of_tables.values()]


def _cell(of_tables: list[float]) -> str:
    """Return a geometric mean over tables and its standard error."""
    mean = geometric(of_tables)
    if len(of_tables) < 2:
        return cell(mean)
    return f"{mean:.3f} ± {mean * float(np.std(np.log(of_tables), ddof=1)) / math.sqrt(len(of_tables)):.3f}"


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="names of variants, with commas; all if not given")
    parser.add_argument("--tables", help="names of tables, with commas; all if not given")
    parser.add_argument("--splits", type=int, default=2, help="nested splits of each table [%(default)s]")
    parser.add_argument("--keep", type=Path, default=KEEP, help="the file of results [%(default)s]")
    parser.add_argument("--r-library", type=Path, default=R_LIBRARY, help="R's packages [%(default)s]")
    parser.add_argument("--show", action="store_true", help="run nothing")
    parser.add_argument("--no-page", action="store_true", help="write no page")
    options = parser.parse_args()
    variants, chosen = list(VARIANTS), tables()
    if options.only:
        asked = {BASE, *options.only.split(",")}
        variants = [variant for variant in variants if variant.name in asked]
    if options.tables:
        chosen = [table for table in chosen if table.name in options.tables.split(",")]
    if not options.show:
        run(variants, chosen, options.splits, options.keep, options.r_library)
    made = report(read(options.keep))
    print(made)
    if not options.no_page:
        page.write(PAGE, {"ablation": made})


if __name__ == "__main__":
    main()
