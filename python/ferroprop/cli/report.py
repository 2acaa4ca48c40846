"""Tables for the terminal: scores, layers, the course of the training, columns, predictions."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import polars as pl
from rich import box
from rich.table import Table
from rich.text import Text

from ferroprop.cli.card import Card, History, Layer, Score, Trial
from ferroprop.cli.reading.column import Column
from ferroprop.cli.wording import count, quoted, shown

BLOCKS = "▁▂▃▄▅▆▇█"
CURVE_WIDTH = 20
PROBABILITY = "probability_"
"""The prefix of the names of columns with a class's probability."""
PREVIEW_ROWS = 10
PREVIEW_CLASSES = 6
DECISIVE = ("log loss", "R²")
UP_TO_ONE = ("accuracy", "balanced accuracy", "ROC AUC", "R²")
"""Scores whose best value is 1."""
BEST_TRIALS = 8
"""As many trials are shown, the best ones; the model file has all."""


def scores_table(card: Card) -> Table:
    """Return the scores of networks and baseline as a table, the better one in bold."""
    n_networks = len(card.history)
    table = _table(
        f"Scores on {card.test_rows:,} test rows"
        if not card.folds
        else f"Scores of {card.folds}-fold cross-validation"
    )
    table.add_column("score")
    table.add_column("network" if n_networks == 1 else f"{n_networks} networks", justify="right")
    table.add_column("baseline", justify="right")
    for score in card.scores:
        # Mean and standard deviation over the folds.
        spread = "" if score.deviation is None else f" ± {number(score.deviation)}"
        network = Text(f"{score_text(score.name, score.network)}{spread}")
        baseline = Text(score_text(score.name, score.baseline))
        better, style = (network, "bold green") if score.network_wins else (baseline, "bold red")
        better.stylize(style)
        table.add_row(score.name, network, baseline)
    return table


def evaluation_table(scores: Sequence[Score], card: Card, n_rows: int, name: str) -> Table:
    """Return the scores on other rows as a table, beside those that the training found."""
    table = _table(f"Scores on {count(n_rows, 'row')} of {name}")
    for heading in ("score", "model", "baseline", "cross-validation" if card.folds else "test rows"):
        table.add_column(heading, justify="left" if heading == "score" else "right")
    known = {score.name: score_text(score.name, score.network) for score in card.scores}
    for score in scores:
        style = "bold green" if score.network_wins else "bold red"
        table.add_row(
            score.name,
            Text(score_text(score.name, score.network), style),
            score_text(score.name, score.baseline),
            known.get(score.name, ""),
        )
    return table


def best_trials(trials: Sequence[Trial]) -> list[Trial]:
    """Return the first trial and the best others, the best one first."""
    ended = sorted(
        (trial for trial in trials if trial.loss is not None), key=lambda trial: trial.loss or math.nan
    )
    shown_first = ended[:BEST_TRIALS]
    return [*shown_first, *(trial for trial in ended[BEST_TRIALS:] if trial.number == 1)]


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return settings as options.

    Examples
    --------
    >>> settings_text({"hidden": [32, 16], "batch_size": 64})
    '--hidden 32,16 --batch-size 64'
    >>> settings_text({"hidden": []}), settings_text({})
    ('--hidden none', 'by default')
    """
    texts = {
        name: (",".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
        for name, value in settings.items()
    }
    options = [f"--{name.replace('_', '-')} {text}" for name, text in texts.items()]
    return " ".join(options) or "by default"


def loss_name(task: str) -> str:
    """Return the name of the loss that chooses settings."""
    return "log loss" if task == "classification" else "RMSE"


def trials_table(trials: Sequence[Trial], task: str) -> Table:
    """Return the best trials of a search as a table."""
    best = best_trials(trials)
    what = "" if len(best) == len(trials) else f", the best of {len(trials):,}"
    table = _table(f"Search by cross-validation of the training rows{what}")
    table.add_column("trial", justify="right", style="dim", no_wrap=True)
    table.add_column(loss_name(task), justify="right", no_wrap=True)
    table.add_column("settings", overflow="fold")
    for trial in best:
        spread = "" if trial.deviation is None else f" ± {number(trial.deviation)}"
        table.add_row(
            str(trial.number),
            f"{number(trial.loss or 0.0)}{spread}",
            Text(settings_text(trial.settings)),
            style="bold" if trial is best[0] else None,
        )
    return table


def search_sentence(trials: Sequence[Trial], task: str, *, was_interrupted: bool = False) -> str:
    """Return a sentence on a search.

    Examples
    --------
    >>> first, second = Trial(1, {}, 0.5, 0.1, 2.0), Trial(2, {"batch_size": 64}, 0.4, 0.1, 2.0)
    >>> search_sentence([first, second], "classification")
    'Tried 2 settings in 4.0 s, log loss 0.5000 with the first, 0.4000 with the best: --batch-size 64.'
    >>> search_sentence([second], "regression", was_interrupted=True)
    'Ctrl-C ended the search. Tried 1 setting in 2.0 s, RMSE 0.4000 with the best: --batch-size 64.'
    """
    best, first = best_trials(trials)[0], trials[0]
    failed = sum(trial.loss is None for trial in trials)
    parts = [
        f"Tried {count(len(trials), 'setting')} in {seconds(sum(trial.seconds for trial in trials))}",
        *([f" ({failed} failed)"] if failed else []),
        f", {loss_name(task)} ",
        *([f"{number(first.loss)} with the first, "] if first.loss is not None and first is not best else []),
        f"{number(best.loss or 0.0)} with the best: {settings_text(best.settings)}.",
    ]
    return ("Ctrl-C ended the search. " if was_interrupted else "") + "".join(parts)


def baseline_sentence(card: Card, most_frequent: str | None) -> str:
    """Return a sentence that explains the baseline."""
    if card.task == "classification":
        return (
            f"The baseline says '{most_frequent}' to everything, with each class's share as its probability."
        )
    return f"The baseline says the mean '{card.target}' of the training rows to everything."


def verdict(scores: Sequence[Score]) -> str | None:
    """Return a sentence on a model that is not better than the baseline, or None.

    The score that decides is the one that looks at more than hits: the log loss of classes, R² of numbers.

    Examples
    --------
    >>> verdict([Score("accuracy", 0.9, 0.9, True), Score("log loss", 0.2, 0.1, False)])
    'Not better than the baseline in log loss: do not use this model.'
    >>> verdict([Score("accuracy", 0.9, 0.9, True), Score("log loss", 0.1, 0.2, False)])
    """
    decides = next(score for score in scores if score.name in DECISIVE)
    if decides.network_wins:
        return None
    return f"Not better than the baseline in {decides.name}: do not use this model."


def training_sentence(histories: Sequence[History], trained: int, took_seconds: float) -> str:
    """Return one sentence on the course of the training.

    Parameters
    ----------
    histories : sequence of History
        That of each network of the model.
    trained : int
        How many networks were trained to choose these.
    took_seconds : float
        How long it took.

    Examples
    --------
    >>> first = History("rprop", [0.5, 0.4], [0.6, 0.7], "loss", best_epoch=1, stopped_early=True)
    >>> training_sentence([first], 1, 0.25)
    'Trained 2 epochs in 0.25 s with rprop: no better validation loss than after epoch 1.'
    >>> second = History("rprop", [0.5], [0.6], "loss", best_epoch=1, stopped_early=False)
    >>> training_sentence([second], 1, 0.25)
    'Trained 1 epoch, all allowed, in 0.25 s with rprop: best validation loss after epoch 1.'
    >>> third = History("rprop", [0.5], [0.6], "loss", best_epoch=1, stopped_early=True, out_of_time=True)
    >>> training_sentence([third], 1, 0.25)
    'Trained 1 epoch, until the time limit, in 0.25 s with rprop: best validation loss after epoch 1.'
    >>> fourth = History("rprop", [0.5], [0.6], "loss", best_epoch=1, stopped_early=True, interrupted=True)
    >>> training_sentence([fourth], 1, 0.25)
    'Trained 1 epoch, until Ctrl-C, in 0.25 s with rprop: best validation loss after epoch 1.'
    >>> training_sentence([first, second], 2, 0.25)
    'Trained 2 networks, 1 to 2 epochs each, in 0.25 s with rprop: best validation loss after epoch 1.'
    >>> training_sentence([first, second], 7, 0.25).split(": ")[0]
    'Trained 7 networks in 0.25 s with rprop and kept 2, of 1 to 2 epochs each'
    >>> training_sentence([second], 2, 0.25).split(": ")[0]
    'Trained 2 networks in 0.25 s with rprop and kept one, of 1 epoch, all allowed'
    >>> training_sentence([second, second], 3, 0.25).split(": ")[0]
    'Trained 3 networks in 0.25 s with rprop and kept 2, of 1 epoch each'
    """
    history, n_kept = histories[0], len(histories)
    score, best = f"validation {history.score_name}", history.best_epoch
    took = f"in {seconds(took_seconds)} with {history.solver}"
    end = f": best {score} after epoch {best}" if best is not None else ""
    how = ""
    if n_kept > 1:
        of_each = _from_to([history.epochs for history in histories])
        epochs = f"{of_each} {'epoch' if of_each == '1' else 'epochs'} each"
        end = f": best {score} after epoch {_from_to([history.best_epoch or 0 for history in histories])}"
    else:
        epochs = count(history.epochs, "epoch")
        if history.interrupted:
            how = ", until Ctrl-C"
        elif history.out_of_time:
            how = ", until the time limit"
        elif not history.stopped_early:
            how = ", all allowed" if end else ""
        elif end:
            end = f": no better {score} than after epoch {best}"
    if trained > n_kept:
        kept = "one" if n_kept == 1 else n_kept
        return f"Trained {trained} networks {took} and kept {kept}, of {epochs}{how}{end}."
    what = epochs if n_kept == 1 else f"{n_kept} networks, {epochs}"
    return f"Trained {what}{how}{',' if how or n_kept > 1 else ''} {took}{end}."


def _from_to(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def layers_table(layers: Sequence[Layer], n_networks: int = 1) -> Table:
    """Return a network's layers with their sizes, activations and numbers of parameters."""
    total = sum(layer.parameters for layer in layers)
    table = _table(
        f"Network with {total:,} parameters"
        if n_networks == 1
        else f"{n_networks} networks with {total:,} parameters each"
    )
    table.add_column("layer")
    table.add_column("inputs", justify="right")
    table.add_column("outputs", justify="right")
    table.add_column("activation")
    table.add_column("parameters", justify="right")
    for index, layer in enumerate(layers, start=1):
        name = "output" if index == len(layers) else f"hidden {index}"
        table.add_row(
            name, f"{layer.inputs:,}", f"{layer.outputs:,}", layer.activation, f"{layer.parameters:,}"
        )
    return table


def columns_table(columns: Sequence[Column]) -> Table:
    """Return the columns that a model needs, with the kind and the written form of their values."""
    table = _table("Columns it needs")
    table.add_column("column", overflow="fold")
    table.add_column("kind")
    written = [_how_written(column) for column in columns]
    if any(written):
        table.add_column("written", overflow="fold")
    for column, how in zip(columns, written, strict=True):
        table.add_row(column.name, column.kind, *([how] if any(written) else []))
    return table


def left_out_table(left_out: Mapping[str, str]) -> Table:
    """Return the columns that a model does not use, each with the reason."""
    table = _table("Columns it does not use")
    table.add_column("column", overflow="fold")
    table.add_column("reason")
    for name, reason in left_out.items():
        table.add_row(name, reason)
    return table


def _how_written(column: Column) -> str:
    """Return the written form of a column's cells, if it is unusual."""
    words = f"missing: {quoted(column.missing, 4)}" if column.missing else ""
    form = column.number_format
    signs = {
        "decimal": form.decimal.strip("."),
        "thousands": form.thousands,
        "unit": form.before + form.after,
    }
    parts = [
        " or ".join(column.date_format.formats),
        *(f"{what} {shown(sign)}" for what, sign in signs.items() if sign),
    ]
    return ", ".join(part for part in [*parts, words] if part)


def history_table(histories: Sequence[History]) -> Table:
    """Return the learning curves: first, best and last value, and their shapes."""
    table = _table("Training history, epoch by epoch")
    if len(histories) > 1:
        for name in ("network", "epochs", "best", f"validation {histories[0].score_name}"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("curve", overflow="crop")  # gives way on a narrow screen
        for place, history in enumerate(histories, start=1):
            best, scores = history.best_epoch, history.validation_scores
            at_best = "" if best is None or not scores else number(scores[best - 1])
            shape = curve(_on_log_scale(scores))
            table.add_row(str(place), str(history.epochs), str(best), at_best, shape)
        return table
    history = histories[0]
    best = history.best_epoch
    places = {"first": 0, f"best ({best})": (best or 0) - 1, f"last ({history.epochs})": -1}
    if best is None:
        del places[f"best ({best})"]
    curves = {"loss": history.losses, f"validation {history.score_name}": history.validation_scores}
    rows = {
        name: [number(values[place]) for place in places.values()]
        for name, values in curves.items()
        if values
    }
    table.add_column("")
    for heading, column in zip(places, zip(*rows.values(), strict=True), strict=True):
        table.add_column(heading, justify="right", min_width=max(map(len, column)))
    table.add_column("curve", overflow="crop")  # gives way on a narrow screen
    for name, cells in rows.items():
        table.add_row(name, *cells, curve(_on_log_scale(curves[name])))
    return table


def predictions_table(added: pl.DataFrame) -> Table:
    """Return the first predictions."""
    has_classes = any(name.startswith(PROBABILITY) for name in added.columns)
    table = _table("Predictions, with the probability of each class" if has_classes else "Predictions")
    table.add_column("row", justify="right", style="dim")
    names = added.columns[: 1 + PREVIEW_CLASSES]
    for name in names:
        justify: Literal["left", "right"] = "right" if added[name].dtype.is_float() else "left"
        table.add_column(name.removeprefix(PROBABILITY), justify=justify, overflow="fold")
    for row, values in enumerate(added.select(names).head(PREVIEW_ROWS).iter_rows(), start=1):
        table.add_row(str(row), *(_cell(name, value) for name, value in zip(names, values, strict=True)))
    return table


def number(value: float) -> str:
    """Return a number for a column of a table: four decimals, fewer if it is long.

    Examples
    --------
    >>> [number(value) for value in (0.98551, 1.0, 312.4512, 2700.0, 1234567.8, 0.000012345, float("nan"))]
    ['0.9855', '1.0000', '312.5', '2,700', '1,234,568', '1.234e-05', 'nan']
    """
    size = abs(value)
    if 999.95 <= size < 1e12:
        return f"{value:,.0f}"
    return f"{value:.4f}" if 1e-3 <= size < 10 or value == 0 else f"{value:#.4g}"


def score_text(name: str, value: float) -> str:
    """Return a score: those up to 1 with four decimals, however near to 0.

    Examples
    --------
    >>> [score_text("R²", value) for value in (0.98551, -8.797e-05, -0.00001, -312.45)]
    ['0.9855', '-0.0001', '0.0000', '-312.4']
    >>> score_text("log loss", 8.797e-05)
    '8.797e-05'
    """
    if name in UP_TO_ONE and abs(value) < 10:
        return f"{round(value, 4) + 0.0:.4f}"
    return number(value)


def seconds(value: float) -> str:
    """Return a time span in words.

    Examples
    --------
    >>> [seconds(value) for value in (0.0123, 2.34, 75.0)]
    ['0.01 s', '2.3 s', '1 min 15 s']
    """
    if value < 1:
        return f"{value:.2f} s"
    return f"{value:.1f} s" if value < 60 else f"{int(value) // 60} min {int(value) % 60} s"


def curve(values: Sequence[float]) -> str:
    """Return the shape of a sequence in one line of block characters.

    Examples
    --------
    >>> curve([1.0, 2.0, 3.0, 2.0])
    '▁▅█▅'
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    width = min(CURVE_WIDTH, len(finite))
    edges = [index * len(finite) // width for index in range(width + 1)]
    means = [sum(finite[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(means), max(means)
    span = high - low or 1.0
    return "".join(BLOCKS[int((mean - low) / span * (len(BLOCKS) - 1) + 0.5)] for mean in means)


def _cell(name: str, value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4f}" if name.startswith(PROBABILITY) else number(value)


def _on_log_scale(losses: Sequence[float]) -> list[float]:
    """Return the logarithms, so that the late and small part of the curve keeps a shape."""
    return [math.log(loss) if loss > 0 else math.nan for loss in losses]


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
