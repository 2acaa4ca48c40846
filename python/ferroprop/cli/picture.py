"""The picture of the learning curve."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ferroprop.cli.card import Card, History
from ferroprop.cli.destination import written
from ferroprop.cli.problem import Problem
from ferroprop.cli.wording import quoted
from ferroprop.displays import LossCurveDisplay, MemberCurvesDisplay
from ferroprop.displays._style import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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

    figure = Figure(figsize=(7.0, 2.6), layout="constrained")
    if card.model == "tabular":
        draw_members(card.history, figure.subplots())
    else:
        figure = _one_network(card.history[0])
    score = card.scores[0]
    figure.suptitle(f"{card.target}, from {table}", x=0.012, ha="left", fontsize="large", fontweight="bold")
    result = f"test {score.name} {score.network:.3f}, baseline {score.baseline:.3f}"
    figure.axes[0].set_title(result, loc="left", color=GREY, fontsize="medium")
    return figure


def draw_members(histories: Sequence[History], ax: "Axes") -> None:
    """Draw the losses of the networks of an ensemble."""
    MemberCurvesDisplay(
        history=[
            {
                "loss": history.losses,
                "validation_loss": history.validation_scores,
                "best_epoch": history.best_epoch,
            }
            for history in histories
        ]
    ).plot(ax=ax)


def _one_network(history: History) -> "Figure":
    from matplotlib.figure import Figure

    panels = 2 if history.validation_scores else 1
    figure = Figure(figsize=(7.0, 2.6 + 2.0 * (panels - 1)), layout="constrained")
    axes = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
    display = LossCurveDisplay(
        loss_curve=history.losses,
        validation_scores=history.validation_scores,
        score_name=history.score_name,
        best_epoch=history.best_epoch,
    )
    display.plot(ax=list(axes))
    return figure


def _format(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")
