"""A network as a picture: units in columns, a line for each weight."""

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ferroprop._core import Network, RecurrentNetwork

POSITIVE, NEGATIVE = (
    "#c9501a",
    "#3579b8",
)  # a contrast of 3.8 or more with white and with the dark of notebooks
MOST_UNITS = 10  # a column with more shows the first ones and the last
MOST_COLUMNS = 7  # of more layers, the first and the last are drawn
UNIT_DISTANCE, COLUMN_DISTANCE, RADIUS, MARGIN = 26, 130, 8, 40


def svg_and_legend(network: Network | RecurrentNetwork) -> str:
    """Return the picture and what its colours mean."""
    legend = (
        "<p>Weights: the colour is their phase (0 red, ⅓ of a turn green, ⅔ blue); the thicker, the "
        "larger in their layer.</p>"
        if network.dtype.kind == "c"
        else f'<p>Weights: <span style="color:{POSITIVE}">━</span> positive, '
        f'<span style="color:{NEGATIVE}">━</span> negative; the thicker, the larger in its layer.</p>'
    )
    if isinstance(network, RecurrentNetwork):
        gates = " Of each cell, those of its candidate." if network.cell != "rnn" else ""
        legend += f"<p>↻: the layer gets its own outputs of the step before.{gates}</p>"
    return f"{svg(network)}{legend}"


def _weights(network: Network | RecurrentNetwork) -> list[NDArray[Any]]:
    """Return a weight for each line: of a cell with gates, those of the candidate, which is its third one."""
    if not isinstance(network, RecurrentNetwork) or network.cell == "rnn":
        return network.weights
    hidden = [
        W[:, 2 * units : 3 * units]
        for W, units in zip(network.weights[:-1], network.layer_sizes[1:-1], strict=True)
    ]
    return [*hidden, network.weights[-1]]


def svg(network: Network | RecurrentNetwork) -> str:
    """Draw the network; the colour of a line is the sign of the weight, its width the size."""
    sizes = network.layer_sizes
    columns = _columns(len(sizes))
    height = max(len(_units(size)) + (size > MOST_UNITS) for size in sizes) * UNIT_DISTANCE
    width = (len(columns) - 1) * COLUMN_DISTANCE + 2 * MARGIN
    lines, circles, words = [], [], []
    weights = _weights(network)
    hidden = [*map(str, network.activations)]
    if isinstance(network, RecurrentNetwork):
        hidden = [f"{name if network.cell == 'rnn' else network.cell} ↻" for name in hidden]
    names = ["inputs", *hidden, str(network.output_activation)]
    for place, layer in enumerate(columns):
        x = MARGIN + place * COLUMN_DISTANCE
        if layer is None:
            words.append(_word(x, MARGIN + height / 2, "⋯"))
            continue
        before = columns[place - 1] if place else None
        if before is not None:
            lines += _edges(weights[layer - 1], x - COLUMN_DISTANCE, x, sizes[before], sizes[layer], height)
        ys = _heights(sizes[layer], height)
        for unit, y in zip(_units(sizes[layer]), ys, strict=True):
            title = f"<title>{escape(names[layer])} {unit}</title>"
            circles.append(f'<circle cx="{x}" cy="{y:.1f}" r="{RADIUS}">{title}</circle>')
        if sizes[layer] > MOST_UNITS:
            words.append(_word(x, (ys[-2] + ys[-1]) / 2 + 5, "⋮"))
        words.append(_word(x, 16, f"{sizes[layer]:,}"))
        words.append(_word(x, MARGIN + height + 22, names[layer]))
    full = height + 2 * MARGIN
    label = escape(f"network with layers of {', '.join(map(str, sizes[:20]))} units", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" '
        f'viewBox="0 0 {width} {full}" width="{width}" height="{full}" style="max-width:100%">'
        f'<g stroke-linecap="round">{"".join(lines)}</g>'
        f'<g fill="none" stroke="currentColor" stroke-width="1.5" pointer-events="all">{"".join(circles)}</g>'
        '<g fill="currentColor" font-family="sans-serif" font-size="12" text-anchor="middle">'
        f"{''.join(words)}</g></svg>"
    )


def _columns(count: int) -> list[int | None]:
    """Return the layers to draw; None stands for omitted ones."""
    if count <= MOST_COLUMNS:
        return list(range(count))
    half = MOST_COLUMNS // 2
    return [*range(half), None, *range(count - half, count)]


def _units(size: int) -> list[int]:
    """Return the units of a column to draw: all, or the first ones and the last."""
    return list(range(size)) if size <= MOST_UNITS else [*range(MOST_UNITS - 2), size - 1]


def _heights(size: int, height: float) -> list[float]:
    """Return the vertical place of each drawn unit; the column is centred, with a gap for omitted units."""
    units = _units(size)
    slots = [*range(len(units) - 1), len(units)] if size > MOST_UNITS else list(range(size))
    top = MARGIN + (height - (slots[-1] + 1) * UNIT_DISTANCE) / 2 + UNIT_DISTANCE / 2
    return [top + slot * UNIT_DISTANCE for slot in slots]


def _edges(
    weights: NDArray[Any], x1: float, x2: float, fan_in: int, fan_out: int, height: float
) -> list[str]:
    largest = float(np.abs(weights).max()) or 1.0
    edges = []
    for i, y1 in zip(_units(fan_in), _heights(fan_in, height), strict=True):
        for j, y2 in zip(_units(fan_out), _heights(fan_out, height), strict=True):
            weight = weights[i, j].item()
            share = abs(weight) / largest
            color = _color(weight)
            line = (
                f'<line x1="{x1 + RADIUS:g}" y1="{y1:.1f}" x2="{x2 - RADIUS:g}" y2="{y2:.1f}" '
                f'stroke="{color}" stroke-width="{0.4 + 2.6 * share:.2f}" '
                f'stroke-opacity="{0.15 + 0.85 * share:.2f}"><title>{i} to {j}: {weight:.4g}</title></line>'
            )
            edges.append((share, line))
    edges.sort(key=lambda edge: edge[0])  # the strongest on top
    return [line for _, line in edges]


def _color(weight: float | complex) -> str:
    if isinstance(weight, complex):
        return f"hsl({np.degrees(np.angle(weight)) % 360:.0f} 70% 45%)"
    return POSITIVE if weight > 0 else NEGATIVE


def _word(x: float, y: float, text: str) -> str:
    return f'<text x="{x:g}" y="{y:.1f}">{escape(text)}</text>'
