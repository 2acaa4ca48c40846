"""The picture of the learning curve."""

from pathlib import Path
from typing import TYPE_CHECKING

from ferroprop.cli.card import Card
from ferroprop.cli.destination import written
from ferroprop.cli.problem import Problem
from ferroprop.cli.report import score_text
from ferroprop.cli.wording import quoted
from ferroprop.displays import LossCurveDisplay, MemberCurvesDisplay
from ferroprop.displays._style import GREY

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def need_matplotlib(what: str) -> None:
    """Raise a `Problem`, before any work, if matplotlib is missing.

    Raises
    ------
    Problem
        If matplotlib is missing.
    """
    try:
        import matplotlib.backends.backend_agg as _  # noqa: F401
    except ModuleNotFoundError:
        raise Problem(f'{what} needs matplotlib; install it with: pip install "ferroprop[plot]"') from None


def check_picture(path: Path, option: str) -> None:
    """Refuse, before the training, a picture that could not be drawn after it.

    Raises
    ------
    Problem
        If matplotlib is missing or does not know the kind of picture.
    """
    need_matplotlib(option)
    from matplotlib.backends.backend_agg import FigureCanvasAgg

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
    """Draw the loss of each epoch, on the validation rows too, with the epoch whose weights were kept."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 2.6), layout="constrained")
    draw_training(card, figure)
    score = card.scores[0]
    figure.suptitle(f"{card.target}, from {table}", x=0.012, ha="left", fontsize="large", fontweight="bold")
    where = "cross-validated" if card.folds else "test"
    ours, trivial = (score_text(score.name, value) for value in (score.network, score.baseline))
    result = f"{where} {score.name} {ours}, baseline {trivial}"
    figure.axes[0].set_title(result, loc="left", color=GREY, fontsize="medium")
    return figure


def draw_training(card: Card, figure: "Figure") -> None:
    """Draw the learning curves of all networks on a figure."""
    if card.model == "tabular":
        members = [
            {
                "loss": history.losses,
                "validation_loss": history.validation_scores,
                "best_epoch": history.best_epoch,
            }
            for history in card.history
        ]
        MemberCurvesDisplay(history=members).plot(ax=figure.subplots())
        return
    history = card.history[0]
    LossCurveDisplay(
        loss_curve=history.losses,
        validation_loss_curve=history.validation_scores or None,
        best_epoch=history.best_epoch,
    ).plot(ax=figure.subplots())


def _format(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")
