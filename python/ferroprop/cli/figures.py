"""The pictures of a report, each a piece of SVG that takes the colours of the page it stands on."""

import hashlib
import io
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import ConfusionMatrixDisplay, PredictionErrorDisplay

from ferroprop.cli.card import Card
from ferroprop.cli.inspected import Dependence, Importance
from ferroprop.cli.picture import draw_training
from ferroprop.cli.wording import shown
from ferroprop.displays._style import BLUE, RUST, clear_frame, color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[Any]

_INK, _GRID = "#010203", "#e6e6e6"
_OF_PAGE = {_INK: "currentColor", _GRID: "var(--line)", RUST: "var(--rust)", BLUE: "var(--blue)"}
"""The colours in a picture, and those of the page, dark or light, that replace them."""
_MOST_CLASSES = 12
_MOST_BARS = 20


def svg(draw: Callable[["Figure"], None], width: float = 6.4, height: float = 3.6) -> str:
    """Return what a function draws on a figure, of this size in inches.

    Examples
    --------
    >>> text = svg(lambda figure: figure.subplots().plot([1, 2]) and None)
    >>> text[:4], "currentColor" in text
    ('<svg', True)
    """
    import matplotlib
    from matplotlib.figure import Figure

    ink = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    settings: Any = {**dict.fromkeys(ink, _INK), "svg.hashsalt": "ferroprop", "font.size": 10.0}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' width="[\d.]+pt"| height="[\d.]+pt"', "", text, count=2)
    # Pictures stand on one page, so their ids must differ.
    name = hashlib.blake2s(text.encode(), digest_size=4).hexdigest()
    text = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>f{name}-", text)
    for drawn, of_page in _OF_PAGE.items():
        text = text.replace(drawn, of_page)
    return text


def learning(card: Card) -> str:
    """Draw the learning curves."""
    return svg(lambda figure: draw_training(card, figure), height=3.2)


def importance(found: Sequence[Importance], unit: str) -> str:
    """Draw the permutation importance of groups of columns."""
    first = list(found[:_MOST_BARS])[::-1]

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        names = [_short(", ".join(one.names), 44) for one in first]
        axes.barh(
            range(len(first)),
            [one.means for one in first],
            xerr=[one.deviations for one in first],
            color=RUST,
            ecolor=_INK,
            error_kw={"linewidth": 0.8},
        )
        axes.set_yticks(range(len(first)), names)
        axes.set_xlabel(f"increase of the {unit} where the column is shuffled")
        _frame(axes, "x")

    return svg(draw, height=1.0 + 0.28 * len(first))


def partial_dependence(found: Dependence, labels: Sequence[str], quantity: str) -> str:
    """Draw the partial dependence on a column, with the curves of single rows for a single output."""

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        from matplotlib.ticker import MaxNLocator

        is_number = not isinstance(found.grid[0], str)
        x: Any = found.grid if is_number else range(len(found.grid))
        look: Any = {} if is_number else {"marker": "o", "markersize": 6, "linestyle": ""}
        outputs = range(len(found.means))
        if len(found.means) == 1:
            for curve in found.curves[0]:
                axes.plot(x, curve, color=BLUE, alpha=0.25, linewidth=0.7)
        for output in outputs:
            label = _short(labels[output], 24) if len(labels) > 1 else None
            axes.plot(
                x,
                found.means[output],
                color=RUST if len(found.means) == 1 else color(output),
                linewidth=2,
                label=label,
                **look,
            )
        if is_number:
            whole = all(float(value).is_integer() for value in found.grid)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=whole))
        else:
            axes.set_xticks(x, [_short(name, 18) for name in found.grid], rotation=30, ha="right")
        if len(labels) > 1:
            axes.legend(frameon=False, fontsize="small", ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
        axes.set_xlabel(_short(found.name, 60))
        axes.set_ylabel(quantity)
        _frame(axes)

    return svg(draw, 5.0, 3.2)


def confusion(y: Array, predicted: Array, labels: Sequence[str]) -> str:
    """Draw the confusion matrix; `y` and `predicted` are numbers of classes."""
    most = np.argsort(-np.bincount(y, minlength=len(labels)), kind="stable")[:_MOST_CLASSES]
    kept = np.sort(most)

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        ConfusionMatrixDisplay.from_predictions(
            y,
            predicted,
            labels=kept,
            display_labels=[_short(labels[place], 14) for place in kept],
            xticks_rotation=45,
            cmap="Blues",
            colorbar=False,
            ax=axes,
        )
        axes.set(xlabel="predicted", ylabel="true")

    size = 2.6 + 0.3 * len(kept)
    return svg(draw, size, size)


def reliability(y: Array, probabilities: Array, labels: Sequence[str]) -> str:
    """Draw how often a class is the true one, for each predicted probability of it."""
    counts = np.bincount(y, minlength=len(labels))
    drawn = [1] if len(labels) == 2 else np.argsort(-counts, kind="stable")[:6].tolist()

    def draw(figure: "Figure") -> None:
        curve, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        for place, label in enumerate(drawn):
            of_class = probabilities[:, label]
            CalibrationDisplay.from_predictions(
                y == label,
                np.clip(of_class, 0.0, 1.0),
                n_bins=10,
                strategy="quantile",
                name=_short(labels[label], 24),
                ax=curve,
                ref_line=False,
                color=color(place),
                markersize=4,
            )
            below.hist(of_class, np.linspace(0, 1, 21), histtype="step", color=color(place))
        curve.axline((0, 0), slope=1, color=_INK, linewidth=0.8, linestyle=":")
        curve.set(xlabel="", ylabel="share that is of the class", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        curve.legend(frameon=False, fontsize="small", loc="upper left")
        below.set(xlabel="predicted probability of the class", ylabel="rows")
        for axes in (curve, below):
            _frame(axes)

    return svg(draw, 5.0, 4.6)


def residuals(y: Array, predicted: Array) -> tuple[str, str]:
    """Draw true and predicted values, and the residuals over the predictions."""

    def draw(kind: str) -> str:
        def on(figure: "Figure") -> None:
            axes = figure.subplots()
            PredictionErrorDisplay.from_predictions(
                y,
                predicted,
                kind=kind,
                subsample=1000,
                random_state=0,
                ax=axes,
                scatter_kwargs={"s": 9, "color": BLUE, "alpha": 0.5, "linewidths": 0},
                line_kwargs={"color": _INK, "linewidth": 0.8},
            )
            axes.set_xlabel("predicted")
            axes.set_ylabel("true" if kind == "actual_vs_predicted" else "true minus predicted")
            _frame(axes, "both")

        return svg(on, 5.0, 3.8)

    return draw("actual_vs_predicted"), draw("residual_vs_predicted")


def _frame(axes: "Axes", grid: str = "y") -> None:
    clear_frame(axes)
    axes.grid(visible=False)
    axes.grid(axis=grid, color=_GRID, linewidth=0.8)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def _short(text: str, most: int) -> str:
    """Return a name that fits beside a picture; matplotlib reads signs of dollars as mathematics."""
    text = shown(text)[1:-1]
    text = text if len(text) <= most else text[: most - 1] + "…"
    return text.replace("$", r"\$")
