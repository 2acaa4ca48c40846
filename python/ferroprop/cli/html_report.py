"""``ferroprop report``: a page on a model, and on how it does on the rows of a table."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, log_loss, root_mean_squared_error

from ferroprop.cli import figures
from ferroprop.cli import page as html
from ferroprop.cli.card import Card
from ferroprop.cli.console import Notes, progress_console, results_console, say
from ferroprop.cli.destination import check_destinations, written
from ferroprop.cli.fitting import inputs_of
from ferroprop.cli.inspected import MOST_ROWS as MOST_INSPECTED
from ferroprop.cli.inspected import (
    REPEATS,
    TOGETHER,
    EncodedClassifier,
    EncodedRegressor,
    dependence,
    encoded,
    importances,
)
from ferroprop.cli.judged import Judged, Subject, judged
from ferroprop.cli.picture import need_matplotlib
from ferroprop.cli.problem import Problem
from ferroprop.cli.report import (
    best_trials,
    loss_name,
    number,
    score_text,
    search_sentence,
    settings_text,
    training_sentence,
)
from ferroprop.cli.wording import count, shown

Array = NDArray[Any]

_COLUMNS = 6
"""The largest number of columns with a picture of their partial dependence."""
_DRIFTS = 15


@dataclass(frozen=True)
class Request:
    """The command line's request."""

    rows: Judged
    output: Path | None
    quiet: bool


def report(request: Request) -> None:
    """Write the page.

    Parameters
    ----------
    request : Request
        The options.

    Raises
    ------
    Problem
        If a file cannot be used, or the table does not suit the model or lacks the target.
    """
    rows = request.rows
    output = request.output or Path(f"{rows.model.stem}.html")
    check_destinations({"--output": output}, {"TABLE": rows.table, "MODEL": rows.model})
    check_page(output, "--output")
    notes = Notes(progress_console(quiet=request.quiet))
    subject, table = judged(rows, notes)
    save_page(output, "--output", subject, rows.model.name, table, notes.said)
    say(results_console(), f"Report: {output}")


def check_page(path: Path, option: str) -> None:
    """Refuse, before any work, a page that could not be written after it.

    Raises
    ------
    Problem
        If the name does not end like a page's, or matplotlib is missing.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise Problem(f"{option}: '{path}' does not end like a page; expected .html")
    need_matplotlib("report" if option == "--output" else option)


def save_page(
    path: Path, option: str, subject: "Subject", model: str, table: str, notes: Sequence[str]
) -> None:
    """Write the page, complete or not at all.

    Parameters
    ----------
    path : path
        The file to write.
    option : str
        The option that named it, for messages.
    subject : Subject
        The model and the rows, after `Subject.predict`.
    model : str
        The name of the model.
    table : str
        Which rows they are, in words.
    notes : sequence of str
        What a reader must know first.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = _page(subject, model, table, list(notes))
    with written(path, option) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _page(subject: Subject, model: str, table: str, notes: list[str]) -> str:
    card = subject.card
    lead = [
        html.paragraph(
            f"{card.task.capitalize()} of {shown(card.target)} from {count(len(card.columns), 'column')}: "
            f"model {model}, trained on {card.train_rows:,} rows by "
            f"{', '.join(f'{name} {version}' for name, version in card.versions.items())}; "
            f"judged here on {count(subject.X.height, 'row')} of {table}."
        )
    ]
    if subject.X.height == card.train_rows + card.test_rows:
        notes = [
            "This table has as many rows as the training table. If it is that table, the model has learned "
            "from most of these rows, and all scores and pictures of them are too good, but for the scores "
            "of the test rows in the last column of the first table.",
            *notes,
        ]
    sections = [
        ("Scores", _scores(subject)),
        *([("Read this first", [html.notes(notes)])] if notes else []),
        ("Predictions", _classes(subject) if subject.is_classifier else _numbers(subject)),
        ("What the predictions depend on", _importance(subject)),
        ("Training", _training(card)),
        ("Is this table like the one of the training?", _drift(subject)),
        *([("Notes on the training table", [html.notes(card.notes)])] if card.notes else []),
    ]
    first = [section for section in sections if section[0] == "Read this first"]
    rest = [section for section in sections if section[0] != "Read this first"]
    return html.page(f"{card.target}: {Path(model).stem}", lead, [*first, *rest])


def _scores(subject: Subject) -> list[str]:
    card = subject.card
    here = subject.scores()
    of_test = {score.name: score_text(score.name, score.network) for score in card.scores}
    lines = [
        [
            score.name,
            score_text(score.name, score.network),
            score_text(score.name, score.baseline),
            of_test.get(score.name, ""),
        ]
        for score in here
    ]
    if subject.is_classifier:
        shares = np.bincount(subject.y, minlength=len(card.classes)) / len(subject.y)
        lines.append(
            ["Brier score", number(_brier(subject, subject.outputs)), number(_brier(subject, shares)), ""]
        )
    head = ["", "these rows", "baseline", "cross-validation" if card.folds else "test rows"]
    known = (
        f"the means over {card.folds} folds of the training table"
        if card.folds
        else f"the scores on the {card.test_rows:,} test rows of the training table"
    )
    what = "the share of each class" if subject.is_classifier else "the mean"
    return [
        html.table(head, lines),
        html.paragraph(
            f"The baseline predicts {what} of these rows for every row. The last column has {known}."
            + (
                " The Brier score is the mean squared difference between probability and outcome, summed "
                "over the classes where there are more than two; 0 is perfect."
                if subject.is_classifier
                else ""
            ),
            "soft",
        ),
    ]


def _brier(subject: Subject, probabilities: Any) -> float:
    n_classes = len(subject.card.classes)
    of_rows = np.broadcast_to(probabilities, (len(subject.y), n_classes))
    if n_classes == 2:
        return float(brier_score_loss(subject.y, np.clip(of_rows[:, 1], 0, 1), labels=[0, 1]))
    return float(brier_score_loss(subject.y, of_rows, labels=range(n_classes)))


def _classes(subject: Subject) -> list[str]:
    card = subject.card
    assert subject.outputs is not None
    return [
        html.pictures(
            [
                html.picture(
                    figures.confusion(subject.y, subject.predicted, card.classes),
                    "Confusion matrix: rows of the table by their true and their predicted class.",
                ),
                html.picture(
                    figures.reliability(subject.y, subject.outputs, card.classes),
                    "Reliability diagram: of the rows with about the same predicted probability of a class, "
                    "the share that is of it. On the dotted line the probabilities are right.",
                ),
            ]
        )
    ]


def _numbers(subject: Subject) -> list[str]:
    first, second = figures.residuals(subject.y, subject.predicted)
    return [
        html.pictures(
            [
                html.picture(first, "True values over predicted ones; on the line they are equal."),
                html.picture(second, "Residuals over predicted values: a pattern here is one left to learn."),
            ]
        )
    ]


def _importance(subject: Subject) -> list[str]:
    card = subject.card
    X, levels = encoded(subject.X, subject.columns)
    kept = np.random.default_rng(0).permutation(len(X))[:MOST_INSPECTED]
    X, y = X[kept], subject.y[kept]
    adapter = EncodedClassifier if subject.is_classifier else EncodedRegressor
    model = adapter(subject.model, card.model, subject.columns, levels)

    def loss(model: Any, rows: pl.DataFrame, y: Array) -> float:
        if subject.is_classifier:
            return float(log_loss(y, model.predict_proba(rows), labels=range(len(card.classes))))
        return float(root_mean_squared_error(y, model.predict(rows)))

    found = importances(model, X, y, loss)
    unit = "log loss" if subject.is_classifier else "root mean squared error"
    pieces = [
        html.picture(
            figures.importance(found, unit),
            f"Permutation importance: the {unit} rises by so much where the values of a column are shuffled "
            f"among the rows ({REPEATS} times; the line is the standard deviation). Columns with a rank "
            f"correlation, or Cramer's V, of {TOGETHER} or more are shuffled together.",
        )
    ]
    places = [one.places[0] for one in found if one.means > 0][:_COLUMNS] or [found[0].places[0]]
    labels, quantity = list(card.classes), "probability"
    if not subject.is_classifier:
        labels, quantity = [card.target], f"predicted {card.target}"
    elif len(labels) == 2:
        labels = labels[1:]
        quantity = f"probability of {shown(labels[0])}"
    drawn = []
    for place in places:
        of_column = dependence(model, X, place)
        if of_column is not None:
            drawn.append(
                html.picture(
                    figures.partial_dependence(of_column, labels, quantity),
                    f"{of_column.name}: the mean prediction where all rows had this value"
                    + (", and the predictions of single rows." if len(labels) == 1 else "."),
                )
            )
    return [*pieces, html.pictures(drawn)]


def _training(card: Card) -> list[str]:
    what = (
        "The loss of each network on its training rows, and on the fold that it was trained without; a dot "
        "marks the epoch whose weights it kept. Where the curves lie far apart, scores depend on the choice "
        "of rows."
        if card.model == "tabular"
        else "The loss on the training rows, and on those that decided when to stop."
    )
    return [
        html.paragraph(training_sentence(card.history, card.trained, card.seconds)),
        html.picture(figures.learning(card), what),
        *(_search(card) if card.trials else []),
    ]


def _search(card: Card) -> list[str]:
    lines = [
        [
            str(trial.number),
            number(trial.loss or 0.0),
            number(trial.deviation or 0.0),
            settings_text(trial.settings),
        ]
        for trial in best_trials(card.trials)
    ]
    return [
        html.paragraph(
            f"{search_sentence(card.trials, card.task)} The losses are means over a cross-validation of the "
            "training rows; the rows of the test had no part in the choice."
        ),
        html.table(["trial", loss_name(card.task), "±", "settings"], lines),
    ]


def _drift(subject: Subject) -> list[str]:
    encoder = getattr(subject.model, "encoder_", None)
    if encoder is None:
        return [html.paragraph("Models of --model mlp do not keep what would tell.")]
    found = encoder.drift(inputs_of(subject.card.model, subject.X, subject.columns))
    first = sorted(found, key=lambda column: -column.distance)[:_DRIFTS]
    lines = [
        [one.name, f"{one.distance:.2f}", f"{one.new:.0%}", f"{one.missing:.0%}", f"{one.missing_in_fit:.0%}"]
        for one in first
    ]
    return [
        html.table(["column", "distance", "never seen", "missing", "missing in training"], lines),
        html.paragraph(
            "A distance of 0 means the distribution of the training table, 1 one that has nothing in common "
            "with it. For numbers it is the largest difference of the cumulative distributions at the "
            "deciles, for categories half the sum of the differences of their shares."
            + (f" The {_DRIFTS} largest of {len(found)}." if len(found) > _DRIFTS else ""),
            "soft",
        ),
    ]
