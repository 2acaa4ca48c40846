"""``ferroprop train``: from a table to a trained, scored and saved network."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import sklearn
from numpy.typing import NDArray
from rich.console import Console

import ferroprop
from ferroprop.cli.card import Card, Score, Trial
from ferroprop.cli.columns import Choice, choose_columns, features
from ferroprop.cli.console import Notes, print_json, progress_console, results_console, say
from ferroprop.cli.cross_validation import folds_of, summary
from ferroprop.cli.destination import check_destinations
from ferroprop.cli.fitting import Course, fit, inputs_of, new_model
from ferroprop.cli.html_report import check_page, save_page
from ferroprop.cli.judged import Asked, Subject, noting_doubts, rows_of
from ferroprop.cli.large import Sampled, check_large, fit_large, large_table
from ferroprop.cli.model_file import check_model_name, save_model
from ferroprop.cli.picture import check_picture, save_picture
from ferroprop.cli.problem import Problem
from ferroprop.cli.progress import follow, follow_search
from ferroprop.cli.reading.decisions import notes_on
from ferroprop.cli.reading.kinds import Typed, Wishes, decide
from ferroprop.cli.reading.missing import MissingWords
from ferroprop.cli.reading.table import Layout, Table, read_table
from ferroprop.cli.report import (
    baseline_sentence,
    number,
    scores_table,
    search_sentence,
    seconds,
    training_sentence,
    trials_table,
    verdict,
)
from ferroprop.cli.scores import score_both, train_baseline
from ferroprop.cli.settings import Settings
from ferroprop.cli.split import Split, split_rows, train_on
from ferroprop.cli.split_by import is_ordered, keys_of, split_by
from ferroprop.cli.suspects import leave_out_suspects
from ferroprop.cli.target import Target, TaskName, read_target
from ferroprop.cli.tuning import check_tuning, search
from ferroprop.cli.wording import count, listed, quoted, shown, suggestion

MOST_KNOWN = 0.05
"""A share of test rows that equal training rows, which makes scores doubtful."""

_PURPOSE = {"--test": "to test", "--validation": "to validate"}


@dataclass(frozen=True)
class Request:
    """The options of the command, parsed but not yet compared with the table."""

    table: Path
    target: str
    task: TaskName | None
    ignored: Sequence[str]
    layout: Layout
    words: MissingWords
    wishes: Wishes
    drop_rare: bool
    settings: Settings
    given: frozenset[str]
    tune_seconds: float | None
    test_size: float
    split_by: str | None
    test: Path | None
    validation: Path | None
    folds: int
    save: Path | None
    plot: Path | None
    report: Path | None
    config: Path | None
    quiet: bool
    as_json: bool


def train(request: Request) -> Settings:
    """Train, score, save and draw, with notes to the user.

    Parameters
    ----------
    request : Request
        The options.

    Returns
    -------
    Settings
        Those of the model: the given ones, or those that the search has found.

    Raises
    ------
    Problem
        If an argument, an option or the table cannot be used. No file has been written then.
    """
    started = time.perf_counter()
    progress = progress_console(quiet=request.quiet)
    results = results_console()
    destinations = {
        "--save": request.save,
        "--plot": request.plot,
        "--report": request.report,
        "--save-config": request.config,
    }
    others = {"--test": request.test, "--validation": request.validation}
    given = {option: path for option, path in others.items() if path is not None}
    check_destinations(destinations, {"TABLE": request.table, **given})
    check_model_name(request.save)
    if request.plot is not None:
        check_picture(request.plot, "--plot")
    if request.report is not None:
        check_page(request.report, "--report")
    if request.tune_seconds is not None:
        check_tuning(request.settings, request.given)

    notes = Notes(progress)
    large, drawn = large_table(request.table), np.arange(0)
    if large is None:
        table = read_table(request.table, request.layout)
    else:
        need_memory = {
            "--cv": bool(request.folds),
            "--tune": request.tune_seconds is not None,
            "--split-by": request.split_by is not None,
            "--test": request.test is not None,
            "--validation": request.validation is not None,
        }
        check_large(large, request.settings, [option for option, is_given in need_memory.items() if is_given])
        say(progress, f"{large.path.name}: {large.sentence}; the network reads them from the disk")
        table, drawn = large.sample(request.settings.seed)
    learned_from = _without_ignored(table, request)
    say(progress, f"{table.name}: {_size(table)} ({table.layout})")
    notes.add(*table.notes)
    whole, table = table, learned_from
    typed = decide(table, request.words, request.wishes)
    of_target = typed.decisions.get(request.target)
    target = read_target(
        typed.frame,
        request.target,
        request.task,
        drop_rare=request.drop_rare,
        doubt="" if of_target is None else of_target.doubt,
    )
    if target.task == "regression" and request.settings.class_weight is not None:
        raise Problem(
            f"--class-weight: got {request.settings.class_weight} for {shown(request.target)}, a quantity; "
            "expected a target of classes"
        )
    choice, doubts = _choose(typed, target, request)
    decided = {name: d for name, d in typed.decisions.items() if name not in choice.left_out}
    _introduce(progress, notes, request, table, target)
    notes.add(*notes_on(decided, table.place), *target.notes)
    notes.add(*_reasons(choice), *doubts, *_on_zones(choice))

    inputs = features(typed.frame, choice.used, table.name, request.words, table).filter(target.rows)
    y = target.values
    settings = request.settings
    X = inputs_of(settings.model, inputs, choice.used)

    trials: list[Trial] = []
    train_rows = 0
    asked = Asked(request.target, target.task, target.classes, choice.used, request.words)

    def labelled(path: Path, option: str) -> tuple[pl.DataFrame, NDArray[Any]]:
        """Return the features and targets of another table's rows."""
        rows, known, name = rows_of(path, request.layout, asked, request.wishes, notes, option)
        say(progress, f"rows of {name}: {len(known):,} {_PURPOSE[option]}")
        return rows, np.unique(y)[known] if target.task == "classification" else known

    validation = None
    if request.validation is not None:
        features_of, known = labelled(request.validation, "--validation")
        validation = inputs_of(settings.model, features_of, choice.used), known
    tested = None if request.test is None else labelled(request.test, "--test")

    def fitted(split: Split, what: str = "") -> tuple[Any, Course]:
        """Return a model of the training rows, and the course of its training."""
        if what:
            say(progress, what)
        model = new_model(settings, target.task, choice.used, split.validation_fraction)
        with follow(progress, quiet=request.quiet) as follower:
            return model, fit(model, X[split.train], y[split.train], settings, follower, validation)

    if request.folds:
        split = train_on(np.arange(len(y)), np.arange(0), y, target.task)
        _announce(progress, choice, split, settings)
        folds = list(folds_of(y, target.task, request.folds, settings.seed))
        of_folds = []
        for fold in folds:
            split_of_fold = train_on(fold.train, fold.test, y, target.task)
            without = f"without fold {fold.number} of {request.folds}"
            model, course = fitted(split_of_fold, without)
            notes.add(*(f"{without}: {text}" for text in course.endings))
            with noting_doubts(notes, f"{without}: "):
                of_folds.append(_scores(target, model, y[fold.train], X[fold.test], y[fold.test]))
        model, course = fitted(split, "with all rows")
        scores = summary(of_folds)
    else:
        if tested is not None:
            split = train_on(np.arange(len(y)), np.arange(0), y, target.task)
        elif request.split_by is None:
            split = split_rows(y, target.task, request.test_size, settings.seed)
            notes.add(*_on_dates(choice))
        else:
            keys = keys_of(whole, request.split_by, request.words, request.wishes).filter(target.rows)
            split = split_by(keys, y, target.task, request.test_size, settings.seed)
            how = "the latest" if is_ordered(keys) else "of groups of their own"
            say(progress, f"rows to test: {how} by {shown(request.split_by)}")
        to_test = (inputs[split.test], y[split.test]) if tested is None else tested
        learned = inputs[split.train], y[split.train]
        notes.add(*_on_rows_in_both(learned, to_test, request.target))
        _announce(progress, choice, split, settings, is_sample=large is not None)
        if request.tune_seconds is not None:
            with follow_search(progress, request.tune_seconds, quiet=request.quiet) as tell:
                found = search(
                    X[split.train],
                    y[split.train],
                    target.task,
                    choice.used,
                    settings,
                    request.given,
                    request.tune_seconds,
                    tell,
                )
            settings, trials = found.settings, found.trials
            say(progress, search_sentence(trials, target.task, was_interrupted=found.was_interrupted))
        if large is None:
            model, course = fitted(split)
        else:
            with follow(progress, quiet=request.quiet) as follower:
                rows = Sampled(
                    X[split.train], drawn[target.rows.to_numpy()][split.test], split.validation_fraction
                )
                from_disk = fit_large(
                    large,
                    target,
                    request.target,
                    choice.used,
                    request.words,
                    settings,
                    rows,
                    progress,
                    follower,
                )
            model, course, train_rows = from_disk.model, from_disk.course, from_disk.train_rows
            notes.add(*from_disk.notes)
        tested = to_test
        rows_to_test = inputs_of(settings.model, tested[0], choice.used)
        with noting_doubts(notes):
            scores = _scores(target, model, y[split.train], rows_to_test, tested[1])
    notes.add(*course.warnings)
    card = Card(
        task=target.task,
        target=request.target,
        classes=target.classes,
        columns=choice.used,
        left_out=choice.left_out | dict.fromkeys(request.ignored, "--ignore"),
        missing=request.words,
        decimal=_decimal_sign(typed),
        layout=table.layout,
        notes=notes.said,
        model=settings.model,
        settings=settings.to_plain(),
        layers=course.layers,
        history=course.history,
        trained=course.trained,
        seconds=course.seconds,
        scores=scores,
        train_rows=train_rows or len(split.train),
        test_rows=0 if tested is None else len(tested[1]),
        folds=request.folds,
        trials=trials,
        versions={"ferroprop": ferroprop.__version__, "scikit-learn": sklearn.__version__},
    )
    if request.save is not None:
        save_model(request.save, model, card, "--save")
    if request.plot is not None:
        save_picture(request.plot, card, request.table.name, "--plot")
    if request.report is not None and tested is not None:
        _report(request.report, request, card, model, *tested, notes)
    if request.as_json:
        files = {
            "model": request.save,
            "plot": request.plot,
            "report": request.report,
            "config": request.config,
        }
        named = {what: str(path) for what, path in files.items() if path is not None}
        print_json({"table": str(request.table), **card.to_plain(), "files": named})
        return settings
    _conclude(results, request, card, _most_frequent(target, y[split.train]), time.perf_counter() - started)
    return settings


def _scores(
    target: Target, model: Any, trained_on: NDArray[Any], X: pl.DataFrame, y: NDArray[Any]
) -> list[Score]:
    """Score a model beside the baseline of the targets that it was trained on."""
    return score_both(target.task, model, train_baseline(target.task, trained_on), X, y)


def _report(
    path: Path, request: Request, card: Card, model: Any, X: pl.DataFrame, y: NDArray[Any], notes: Notes
) -> None:
    """Write the page on the test rows."""
    if card.task == "classification":
        y = np.searchsorted(model.classes_, y)
    subject = Subject(card, model, card.columns, X, y)
    with noting_doubts(notes):
        subject.predict()
    name = path.name if request.save is None else request.save.name
    table = f"{request.table.name}, kept for the test" if request.test is None else request.test.name
    save_page(path, "--report", subject, name, table, [])


def _size(table: Table) -> str:
    return f"{count(table.frame.height, 'row')}, {count(table.frame.width, 'column')}"


def _without_ignored(table: Table, request: Request) -> Table:
    """Return the table without the columns to ignore; '' stands for columns without a name."""
    if table.frame.height == 0:
        raise Problem(f"TABLE: '{table.name}' has a header but no rows; expected at least one row")
    names = table.frame.columns
    if request.target not in names:
        known = suggestion(request.target, names)
        known += "" if known.startswith("did") else f"; it was read as {table.layout}"
        raise Problem(f"--target: no column {shown(request.target)} in the table; {known}")
    ignored: list[str] = []
    for name in request.ignored:
        if name not in names and not (name == "" and table.unnamed):
            raise Problem(f"--ignore: no column {shown(name)} in the table; {suggestion(name, names)}")
        if name == request.target:
            raise Problem(f"--ignore: {shown(name)} is the target; expected another column")
        ignored += table.unnamed if name == "" else [name]
    return replace(table, frame=table.frame.drop(ignored))


def _choose(typed: Typed, target: Target, request: Request) -> tuple[Choice, list[str]]:
    """Choose the columns to learn from."""
    wanted = {*request.wishes.kinds, *filter(None, request.wishes.date_formats)}
    decided = {name: d.column for name, d in typed.decisions.items() if d.column is not None}
    doubts = {name: d.doubt for name, d in typed.decisions.items() if d.doubt}
    choice = choose_columns(typed.frame, request.target, (), wanted, decided, doubts)
    return leave_out_suspects(choice, typed.frame.filter(target.rows), request.target, wanted)


def _decimal_sign(typed: Typed) -> str:
    columns = [
        d.column for d in typed.decisions.values() if d.column is not None and d.column.kind == "number"
    ]
    return "," if any(column.number_format.decimal == "," for column in columns) else "."


def _reasons(choice: Choice) -> list[str]:
    """Note which columns are left out; one note for many with the same reason."""
    names: dict[str, list[str]] = {}
    for name, reason in choice.left_out.items():
        names.setdefault(reason, []).append(name)
    return [
        f"{'column' if len(alike) == 1 else 'columns'} {quoted(alike)} left out: {reason}"
        for reason, alike in names.items()
    ]


def _introduce(console: Console, notes: Notes, request: Request, table: Table, target: Target) -> None:
    """Note how the task was decided."""
    if target.task == "classification":
        what = f"{len(target.classes)} classes, {quoted(target.classes)}"
    else:
        what = f"from {number(target.values.min())} to {number(target.values.max())}"
    say(console, f"{target.task} of {shown(request.target)} ({target.reason}): {what}")
    without = table.frame.height - len(target.values)
    if without:
        notes.add(f"{count(without, 'row')} without {shown(request.target)} left out")


def _on_zones(choice: Choice) -> list[str]:
    """Return a note if some columns of dates have a time zone and others have none."""
    zoned = [column.name for column in choice.used if column.kind == "date" and column.has_zone is True]
    naive = [column.name for column in choice.used if column.kind == "date" and column.has_zone is False]
    if not (zoned and naive):
        return []
    return [
        f"dates with a time zone ({quoted(zoned)}) are converted to UTC, and dates without one"
        f" ({quoted(naive)}) are taken as UTC"
    ]


def _on_dates(choice: Choice) -> list[str]:
    """Return a note that a table with dates is divided at random."""
    dates = [column.name for column in choice.used if column.kind == "date"]
    if not dates:
        return []
    return [
        f"the rows to test are drawn at random; --split-by {dates[0]} takes the latest, "
        "which tells more of rows to come"
    ]


def _on_rows_in_both(
    learned: tuple[pl.DataFrame, NDArray[Any]], tested: tuple[pl.DataFrame, NDArray[Any]], target: str
) -> list[str]:
    """Return a note on test rows that equal a training row, if these are more than a few by chance."""
    train, test = (X.hstack([pl.Series(target, y)]) for X, y in (learned, tested))
    known = test.join(train.unique(), on=train.columns, how="semi", nulls_equal=True).height
    if known < MOST_KNOWN * test.height:
        return []
    return [
        f"{count(known, 'row')} of the {test.height:,} to test equal training rows, target included:"
        " the scores say little about other rows"
    ]


def _announce(
    console: Console, choice: Choice, split: Split, settings: Settings, *, is_sample: bool = False
) -> None:
    """Report the columns that the networks learn from."""
    kinds: dict[str, list[str]] = {}
    for column in choice.used:
        kinds.setdefault(column.kind, []).append(column.name)
    for kind, names in kinds.items():
        say(console, f"{count(len(names), kind)}: {listed(names)}")
    if is_sample:
        say(console, f"rows: {len(split.test):,} of the sample to test, all others to train")
        return
    is_by_folds = settings.model == "tabular"
    validation = 0 if is_by_folds or settings.solver == "lbfgs" else split.validation_rows
    shares = {"train": len(split.train) - validation, "validate": validation, "test": len(split.test)}
    rows = ", ".join(f"{many:,} to {purpose}" for purpose, many in shares.items() if many)
    say(console, f"rows: {rows}")


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
    if card.trials:
        console.print(trials_table(card.trials, card.task))
        console.print()
    console.print(scores_table(card))
    console.print(baseline_sentence(card, most_frequent), style="dim")
    if (warning := verdict(card.scores)) is not None:
        console.print(warning, style="bold red")
    console.print()
    console.print(
        f"{training_sentence(card.history, card.trained, card.seconds)} Everything took {seconds(duration)}."
    )
    if request.save is not None:
        say(console, f"Model: {request.save}")
    if request.plot is not None:
        say(console, f"Learning curve: {request.plot}")
    if request.report is not None:
        say(console, f"Report: {request.report}")
    if request.config is not None:
        say(console, f"Configuration: {request.config}")
