"""Colours and axes of all displays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RUST = "#b7410e"
BLUE = "#20639b"
GREY = "#777777"
COLORS = (RUST, BLUE, "#3c8d5a", "#8e5ba6", "#c79a1b", "#4aa3a2", "#a0526b", "#5c6b73", "#7f8f29", "#d98a8a")
"""One colour per class or layer, used cyclically."""


def color(number: int) -> str:
    """Return the colour of a class or a layer."""
    return COLORS[number % len(COLORS)]


def new_axes(rows: int, **figure: Any) -> list[Axes]:
    """Return the axes, one below the other, of a new pyplot figure, which a notebook shows by itself."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(rows, 1, sharex=True, squeeze=False, layout="constrained", **figure)
    return list(axes[:, 0])


def clear_frame(axes: Axes) -> None:
    """Reduce the frame to two sides, and add horizontal lines for comparing heights."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)


def mark_epochs(axes: Axes) -> None:
    """Label the horizontal axis with epochs: whole and round ones."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    axes.set_xlabel("epoch")


def last_step(estimator: Any) -> Any:
    """Return the estimator itself, or the one in a search, a pipeline or a `TransformedTargetRegressor`."""
    best = getattr(estimator, "best_estimator_", estimator)
    last = best.steps[-1][1] if hasattr(best, "steps") else best
    inner = getattr(last, "regressor_", None)
    return last if inner is None else last_step(inner)


def need_matplotlib(caller: str) -> None:
    """Raise an ImportError with advice if matplotlib is missing; to be called before any work."""
    try:
        import matplotlib as _  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'{caller} needs matplotlib; install it with: pip install "ferroprop[plot]"'
        ) from error
