"""The course of a training for a notebook: its curves and a table."""

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from ferroprop._core import History
from ferroprop.inspection._drawing import NEGATIVE, POSITIVE

WIDTH, HEIGHT, MARGIN = 420, 140, 8
MOST_POINTS = 400
COLORS = {"loss": NEGATIVE, "validation loss": POSITIVE}

_ENDS = {
    "epochs": "all epochs",
    "patience": "no better for as many epochs as patience allows",
    "time": "the time limit",
    "callback": "the callback",
    "interrupted": "an interrupt",
    "diverged": "the loss was no longer finite",
}


def html(self: History) -> str:
    """Return the curves of the losses and, under them, a table of their first, best and last values."""
    best = self.best_epoch
    places = {"first": 0, f"best epoch ({best})": best - 1, f"last ({self.epochs})": -1}
    if not best:
        del places[f"best epoch ({best})"]
    curves = {
        "loss": self.loss,
        "validation loss": self.validation_loss,
        "validation score": self.validation_score,
    }
    cells = [("", *places)] if self.epochs else []
    cells += [
        (name, *(f"{values[place]:.6g}" for place in places.values()))
        for name, values in curves.items()
        if values
    ]
    rows = "".join(
        f"<tr>{''.join(_cell(text, column, tag) for column, text in enumerate(row))}</tr>"
        for row, tag in zip(cells, ["th", *["td"] * len(cells)], strict=False)
    )
    count = "1 epoch" if self.epochs == 1 else f"{self.epochs:,} epochs"
    end = f"{count} in {self.seconds:.3g} s; ended by: {_ENDS[self.stop_reason]}"
    return f"<div>{_svg(curves, best)}<table>{rows}</table><p>{escape(end)}</p></div>"


def _cell(text: str, column: int, tag: str) -> str:
    side = "right" if column else "left"
    color = f";color:{COLORS[text]}" if text in COLORS else ""
    return f'<{tag} style="text-align:{side};padding:.1em .6em{color}">{escape(text)}</{tag}>'


def _svg(curves: dict[str, list[float]], best: int) -> str:
    """Draw the losses, on a logarithmic scale if they are all above zero; nothing of a single epoch."""
    losses = {name: np.array(curves[name]) for name in COLORS if len(curves[name]) > 1}
    finite = np.concatenate([values[np.isfinite(values)] for values in losses.values()] or [np.empty(0)])
    if not len(finite):
        return ""
    is_log = bool((finite > 0.0).all())
    low, high = (float(edge) for edge in (finite.min(), finite.max()))
    if is_log:
        low, high = math.log(low), math.log(high)
    n = max(map(len, losses.values()))
    drawn, words = [], []
    for name, values in losses.items():
        places = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_POINTS)).round().astype(int))
        places = places[np.isfinite(values[places])]
        heights = np.log(values[places]) if is_log else values[places]
        x = MARGIN + (WIDTH - 2 * MARGIN) * places / (n - 1)
        y = MARGIN + (HEIGHT - 2 * MARGIN) * (high - heights) / (high - low or 1.0)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        drawn.append(f'<polyline points="{points}" stroke="{COLORS[name]}"><title>{name}</title></polyline>')
    if best:
        x_best = MARGIN + (WIDTH - 2 * MARGIN) * (best - 1) / (n - 1)
        words.append(
            f'<line x1="{x_best:.1f}" x2="{x_best:.1f}" y1="{MARGIN}" y2="{HEIGHT - MARGIN}" '
            f'stroke="currentColor" stroke-dasharray="2 3"><title>best epoch: {best}</title></line>'
        )
    scale = ", logarithmic scale" if is_log else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{_label(list(losses))}{scale}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" style="max-width:100%">'
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" fill="none" stroke="currentColor" '
        f'stroke-opacity="0.4"/>{"".join(words)}<g fill="none" stroke-width="1.5">{"".join(drawn)}</g></svg>'
    )


def _label(names: Sequence[str]) -> str:
    return f"{' and '.join(names)} by epoch"


def give_methods_to(kind: type) -> None:
    """Add the notebook's view to the class of the native module, which knows nothing of the package."""
    kind._repr_html_ = html  # type: ignore[attr-defined]
