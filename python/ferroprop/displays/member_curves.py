"""The display of the learning curves of an ensemble's members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ferroprop.displays._style import (
    BLUE,
    RUST,
    clear_frame,
    last_step,
    mark_epochs,
    need_matplotlib,
    new_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


class MemberCurvesDisplay:
    """The loss of each member of a tabular estimator per epoch, on its training rows and its held-out rows.

    A dot marks the epoch whose weights a member kept. If the curves of the members lie far apart, scores
    depend much on which rows are left out.

    Use `from_estimator` for a fitted estimator. The constructor takes the numbers themselves.

    Parameters
    ----------
    history : sequence of dict
        For each member 'loss', 'validation_loss' and 'best_epoch', as in ``history_``.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure.
    ax_ : matplotlib.axes.Axes
        The axes of the losses.
    lines_ : list of matplotlib.lines.Line2D
        For each member the training loss and, if there is one, the validation loss.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from ferroprop import TabularMLPClassifier
    >>> from ferroprop.displays import MemberCurvesDisplay
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = TabularMLPClassifier(n_members=2, max_iter=20, random_state=0).fit(X, y)
    >>> len(MemberCurvesDisplay.from_estimator(mlp).lines_)
    4
    """

    def __init__(self, *, history: Sequence[dict[str, Any]]) -> None:
        self.history = history

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Axes | None = None, line_kw: dict[str, Any] | None = None
    ) -> Self:
        """Draw the learning curves of a fitted estimator's members.

        Parameters
        ----------
        estimator : TabularMLPClassifier, TabularMLPRegressor, or a pipeline or search with one
            A fitted estimator.
        ax : matplotlib.axes.Axes, default=None
            Where to draw. None makes a new figure.
        line_kw : dict, default=None
            Arguments of ``matplotlib.axes.Axes.plot`` for the lines.

        Returns
        -------
        display : MemberCurvesDisplay
            The display, with its figure and axes.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted, or has no members.
        ImportError
            If matplotlib is not installed.
        """
        from sklearn.exceptions import NotFittedError

        need_matplotlib("MemberCurvesDisplay.from_estimator")
        mlp = last_step(estimator)
        if not getattr(mlp, "history_", None):
            raise NotFittedError(
                f"MemberCurvesDisplay needs a fitted estimator with a history_, got {type(mlp).__name__}."
            )
        return cls(history=mlp.history_).plot(ax=ax, line_kw=line_kw)

    def plot(self, ax: Axes | None = None, *, line_kw: dict[str, Any] | None = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw. None makes a new figure.
        line_kw : dict, default=None
            Arguments of ``matplotlib.axes.Axes.plot`` for the lines.

        Returns
        -------
        display : MemberCurvesDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        need_matplotlib("MemberCurvesDisplay.plot")
        self.ax_ = new_axes(1, figsize=(7.0, 2.8))[0] if ax is None else ax
        self.figure_ = self.ax_.figure
        look = {"linewidth": 1.2, "alpha": 0.75, **(line_kw or {})}
        self.lines_: list[Line2D] = []
        for member in self.history:
            for name, label, color in (
                ("loss", "training, with dropout", RUST),
                ("validation_loss", "rows left out", BLUE),
            ):
                if not member[name]:
                    continue
                first = not any(line.get_color() == color for line in self.lines_)
                epochs = np.arange(1, len(member[name]) + 1)
                self.lines_ += self.ax_.plot(
                    epochs, member[name], **{"color": color, "label": label if first else "", **look}
                )
            if member["validation_loss"] and member["best_epoch"]:
                best = member["best_epoch"]
                self.ax_.plot(best, member["validation_loss"][best - 1], "o", color=BLUE, markersize=4)
        losses = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in self.lines_])
        if losses.min() > 0 and losses.max() > 10 * losses.min():
            self.ax_.set_yscale("log")
        self.ax_.set_ylabel("loss")
        self.ax_.set_xlim(1, max(2, *(len(member["loss"]) for member in self.history)))
        self.ax_.legend(frameon=False)
        clear_frame(self.ax_)
        mark_epochs(self.ax_)
        return self
