"""``ferroprop train``: from a table to a trained, scored and saved network."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import sklearn
from numpy.typing import NDArray
from rich.console import Console

import ferroprop
from ferroprop.cli.card import Card, History
from ferroprop.cli.columns import Choice, choose_columns, features
from ferroprop.cli.console import note, progress_console, results_console
from ferroprop.cli.destination import check_destinations
from ferroprop.cli.fitting import SCORE_NAMES, Settings, fit, layers_of, new_network
from ferroprop.cli.model_file import save_model
from ferroprop.cli.picture import check_picture, save_picture
from ferroprop.cli.pipeline import build_pipeline, fitted_network
from ferroprop.cli.problem import Problem, count, quoted, suggestion
from ferroprop.cli.progress import follow
from ferroprop.cli.report import baseline_sentence, number, scores_table, seconds, training_sentence
from ferroprop.cli.scores import score_both, train_baseline
from ferroprop.cli.split import Split, split_rows
from ferroprop.cli.table import read_table
from ferroprop.cli.task import Target, TaskName, read_target


@dataclass(frozen=True)
class Request:
    """What the command line asks for, read but not yet compared with the table."""

    table: Path
    target: str
    task: TaskName | None
    ignored: Sequence[str]
    settings: Settings
    test_size: float
    save: Path | None
    plot: Path | None
    quiet: bool


def train(request: Request) -> None:
    """Train, score, save and draw, telling the user on the way.

    Parameters
    ----------
    request : Request
        What to do.

    Raises
    ------
    Problem
        If anything that was given cannot be used. Nothing has been written then.
    """
    started = time.perf_counter()
    progress = progress_console(quiet=request.quiet)
    results = results_console()
    check_destinations({"--save": request.save, "--plot": request.plot}, {"TABLE": request.table})
    if request.plot is not None:
        check_picture(request.plot, "--plot")

    frame = read_table(request.table)
    _check_ignored(frame, request)
    target = read_target(frame, request.target, request.task)
    choice = choose_columns(frame, request.target, request.ignored)
    _introduce(progress, request, frame, target, choice)

    X = features(frame, choice.used, request.table.name).filter(target.rows)
    y = target.values
    settings = request.settings
    split = split_rows(y, target.task, request.test_size, settings.seed)
    _announce(progress, choice, split, settings.solver)
    network = new_network(settings, target.task, split.validation_fraction)
    pipeline = build_pipeline(choice.used, target.task, network)
    score_name = SCORE_NAMES[target.task]
    with follow(progress, settings.epochs, score_name, quiet=request.quiet) as follower:
        course = fit(pipeline, X[split.train], y[split.train], settings, follower)

    for warning in course.warnings:
        note(progress, warning)

    baseline = train_baseline(target.task, y[split.train])
    scores = score_both(target.task, pipeline, baseline, X[split.test], y[split.test])
    card = Card(
        task=target.task,
        target=request.target,
        classes=target.classes,
        columns=choice.used,
        layers=layers_of(fitted_network(pipeline)),
        history=History(
            solver=settings.solver,
            losses=course.losses,
            validation_scores=course.validation_scores,
            score_name=score_name,
            most_epochs=settings.epochs,
            patience=settings.patience,
            seconds=course.seconds,
        ),
        scores=scores,
        train_rows=len(split.train),
        test_rows=len(split.test),
        versions={"ferroprop": ferroprop.__version__, "scikit-learn": sklearn.__version__},
    )
    if request.save is not None:
        save_model(request.save, pipeline, card, "--save")
    if request.plot is not None:
        save_picture(request.plot, card, request.table.name, "--plot")
    _conclude(results, request, card, _most_frequent(target, y[split.train]), time.perf_counter() - started)


def _check_ignored(frame: pl.DataFrame, request: Request) -> None:
    for name in request.ignored:
        if name not in frame.columns:
            raise Problem(f"--ignore: no column '{name}' in the table; {suggestion(name, frame.columns)}")
        if name == request.target:
            raise Problem(f"--ignore: '{name}' is the target; expected another column")


def _introduce(
    console: Console, request: Request, frame: pl.DataFrame, target: Target, choice: Choice
) -> None:
    """Say what was found, and how the task was decided."""
    console.print(f"{request.table.name}: {frame.height:,} rows, {frame.width} columns", soft_wrap=True)
    if target.task == "classification":
        what = f"{len(target.classes)} classes, {quoted(target.classes)}"
    else:
        what = f"from {number(target.values.min())} to {number(target.values.max())}"
    console.print(f"{target.task} of '{request.target}' ({target.reason}): {what}", soft_wrap=True)
    without = frame.height - len(target.values)
    if without:
        note(console, f"{count(without, 'row')} without '{request.target}' left out")
    for name, reason in choice.left_out.items():
        note(console, f"column '{name}' left out: {reason}")


def _announce(console: Console, choice: Choice, split: Split, solver: str) -> None:
    """Say what the network learns from."""
    kinds = Counter(column.kind for column in choice.used)
    columns = ", ".join(count(many, kind) for kind, many in kinds.items())
    validation = 0 if solver == "lbfgs" else split.validation_rows
    shares = {"train": len(split.train) - validation, "validate": validation, "test": len(split.test)}
    rows = ", ".join(f"{many:,} to {purpose}" for purpose, many in shares.items() if many)
    console.print(f"columns: {columns}; rows: {rows}", soft_wrap=True)


def _most_frequent(target: Target, y: NDArray[Any]) -> str | None:
    if target.task == "regression":
        return None
    labels, counts = np.unique(y, return_counts=True)
    return str(labels[counts.argmax()])


def _conclude(
    console: Console, request: Request, card: Card, most_frequent: str | None, duration: float
) -> None:
    """Print the scores, the time and the files."""
    if not request.quiet:
        console.print()
    console.print(scores_table(card.scores, card.test_rows))
    console.print(baseline_sentence(card, most_frequent), style="dim")
    console.print()
    console.print(f"{training_sentence(card.history)} Everything took {seconds(duration)}.")
    if request.save is not None:
        console.print(f"Model: {request.save}", soft_wrap=True)
    if request.plot is not None:
        console.print(f"Learning curve: {request.plot}", soft_wrap=True)
