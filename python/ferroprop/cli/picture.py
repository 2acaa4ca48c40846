"""The picture of the learning curve."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ferroprop.cli.card import Card
from ferroprop.cli.destination import written
from ferroprop.cli.problem import Problem, quoted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSS_COLOR = "#b7410e"  # rust
SCORE_COLOR = "#20639b"
GREY = "#777777"


def check_picture(path: Path, option: str) -> None:
    """Refuse, before the training, a picture that could not be drawn after it.

    Raises
    ------
    Problem
        If matplotlib is missing or does not know the kind of picture.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ModuleNotFoundError:
        raise Problem(f'{option} needs matplotlib; install it with: pip install "ferroprop[plot]"') from None
    known = FigureCanvasAgg.get_supported_filetypes()
    if _format(path) not in known:
        kinds = quoted(f".{kind}" for kind in ("png", "svg", "pdf", "jpg"))
        raise Problem(f"{option}: '{path}' does not end like a picture; expected one of {kinds}")


def save_picture(path: Path, card: Card, table: str, option: str) -> None:
    """Draw the learning curve and write it, complete or not at all.

    Parameters
    ----------
    path : path
        Where to; its ending says the kind of picture.
    card : Card
        The training to draw.
    table : str
        The name of the table, for the title.
    option : str
        The option that named the path, for messages.
    """
    figure = learning_curve(card, table)
    with written(path, option) as temporary:
        figure.savefig(temporary, format=_format(path), dpi=150)


def learning_curve(card: Card, table: str) -> "Figure":
    """Draw the loss after each epoch and the validation score, with the epoch whose weights were kept."""
    from matplotlib.figure import Figure

    history = card.history
    panels = 2 if history.validation_scores else 1
    figure = Figure(figsize=(7.0, 2.6 + 2.0 * (panels - 1)), layout="constrained")
    axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    epochs = range(1, history.epochs + 1)

    axes[0].plot(
        epochs, history.losses, color=LOSS_COLOR, linewidth=1.8, marker="o" if len(epochs) == 1 else ""
    )
    axes[0].set_ylabel("training loss")
    if min(history.losses) > 0 and max(history.losses) > 10 * min(history.losses):
        axes[0].set_yscale("log")
    if history.validation_scores:
        axes[1].plot(epochs, history.validation_scores, color=SCORE_COLOR, linewidth=1.8)
        axes[1].set_ylabel(f"validation {history.score_name}")
        axes[1].set_ylim(_score_limits(history.validation_scores))
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color="#e6e6e6", linewidth=0.8)
        panel.set_axisbelow(True)
        panel.set_xlim(1, max(2, history.epochs))
    if history.best_epoch is not None:
        _mark_best(list(axes), history.best_epoch, max(history.validation_scores))
    axes[-1].set_xlabel("epoch")

    score = card.scores[0]
    figure.suptitle(f"{card.target}, from {table}", x=0.012, ha="left", fontsize="large", fontweight="bold")
    result = f"test {score.name} {score.network:.3f}, baseline {score.baseline:.3f}"
    axes[0].set_title(result, loc="left", color=GREY, fontsize="medium")
    return figure


def _format(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")


def _score_limits(scores: list[float]) -> tuple[float, float]:
    """Return limits that keep a first bad epoch, such as an R² of -10, from flattening the rest."""
    top = max(scores)
    tenth = sorted(scores)[len(scores) // 10]
    low = max(min(scores), min(0.0, tenth) - 0.2)
    margin = 0.06 * max(top - low, 0.01)
    return low - margin, top + margin


def _mark_best(axes: "Sequence[Axes]", epoch: int, score: float) -> None:
    for panel in axes:
        panel.axvline(epoch, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    axes[-1].plot([epoch], [score], "o", color=SCORE_COLOR, markersize=5)
    is_late = epoch > 0.8 * axes[0].get_xlim()[1]
    axes[0].annotate(
        f"kept: epoch {epoch}",
        (epoch, 1),
        xycoords=axes[0].get_xaxis_transform(),
        xytext=(-5 if is_late else 5, -10),
        textcoords="offset points",
        ha="right" if is_late else "left",
        color=GREY,
        fontsize="small",
    )
