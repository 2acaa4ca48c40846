"""The display of the learning curve of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ferroprop.displays._style import (
    BLUE,
    GREY,
    RUST,
    clear_frame,
    last_step,
    mark_epochs,
    need_matplotlib,
    new_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class LossCurveDisplay:
    """The loss per epoch of a fit, and the score on the validation set.

    Use `from_estimator` for a fitted estimator. The constructor takes the numbers themselves.

    Parameters
    ----------
    loss_curve : sequence of float
        The training loss of each epoch.
    validation_loss_curve : sequence of float, default=None
        The loss on the validation set of each epoch.
    validation_scores : sequence of float, default=None
        The score on the validation set of each epoch.
    score_name : str, default='score'
        The name of the score.
    best_epoch : int, default=None
        The epoch whose weights were kept, 1 for the first.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure.
    ax_ : matplotlib.axes.Axes
        The axes of the losses.
    score_ax_ : matplotlib.axes.Axes or None
        The axes of the scores; None without scores.
    lines_ : list of matplotlib.lines.Line2D
        Training loss, validation loss and score, those that exist.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from ferroprop import MLPClassifier
    >>> from ferroprop.displays import LossCurveDisplay
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier(solver="rprop", early_stopping=True, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(mlp)
    >>> len(display.lines_)
    3
    """

    def __init__(
        self,
        *,
        loss_curve: Sequence[float],
        validation_loss_curve: Sequence[float] | None = None,
        validation_scores: Sequence[float] | None = None,
        score_name: str = "score",
        best_epoch: int | None = None,
    ) -> None:
        self.loss_curve = loss_curve
        self.validation_loss_curve = validation_loss_curve
        self.validation_scores = validation_scores
        self.score_name = score_name
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: Axes | Sequence[Axes] | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the learning curve of a fitted estimator.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor, or a pipeline or search with one
            A fitted estimator.
        ax : matplotlib.axes.Axes or sequence of two, default=None
            See `plot`.
        line_kw : dict, default=None
            Arguments of ``matplotlib.axes.Axes.plot`` for the lines.

        Returns
        -------
        display : LossCurveDisplay
            The display, with its figure and axes.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ImportError
            If matplotlib is not installed.
        """
        from sklearn.exceptions import NotFittedError

        need_matplotlib("LossCurveDisplay.from_estimator")
        mlp = last_step(estimator)
        if not getattr(mlp, "loss_curve_", None):
            raise NotFittedError(
                f"LossCurveDisplay needs a fitted estimator with a loss_curve_, got {type(mlp).__name__}."
            )
        scores = getattr(mlp, "validation_scores_", None)
        losses = getattr(mlp, "validation_loss_curve_", None)
        best = None
        restores = getattr(mlp, "restore_best", False)  # None is the value of early_stopping
        if (restores is None or restores) and mlp.early_stopping and (scores or losses):
            best = int(np.nanargmax(scores) if scores else np.nanargmin(losses or [])) + 1
        scoring = getattr(mlp, "scoring", None)
        default = "accuracy" if hasattr(mlp, "classes_") else "R²"
        display = cls(
            loss_curve=mlp.loss_curve_,
            validation_loss_curve=losses,
            validation_scores=scores,
            score_name=default if scoring is None else str(getattr(scoring, "__name__", scoring)),
            best_epoch=best,
        )
        return display.plot(ax=ax, line_kw=line_kw)

    def plot(self, ax: Axes | Sequence[Axes] | None = None, *, line_kw: dict[str, Any] | None = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or sequence of two, default=None
            Where to draw the losses; the second of two axes gets the scores. None makes a new figure with
            axes for both.
        line_kw : dict, default=None
            Arguments of ``matplotlib.axes.Axes.plot`` for the lines.

        Returns
        -------
        display : LossCurveDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        need_matplotlib("LossCurveDisplay.plot")
        scored = self.validation_scores is not None and len(self.validation_scores) > 0
        if ax is None:
            axes = new_axes(2 if scored else 1, figsize=(7.0, 4.6 if scored else 2.8))
        else:
            axes = list(np.atleast_1d(np.asarray(ax, dtype=object)))
        self.ax_ = axes[0]
        self.score_ax_ = axes[1] if scored and len(axes) > 1 else None
        self.figure_ = self.ax_.figure
        epochs = np.arange(1, len(self.loss_curve) + 1)
        look = {"linewidth": 1.8, "marker": "o" if len(epochs) == 1 else "", **(line_kw or {})}
        self.lines_ = self.ax_.plot(epochs, self.loss_curve, **{"color": RUST, **look})
        self.ax_.set_ylabel("training loss")
        losses = np.asarray(self.loss_curve, dtype=float)
        if self.validation_loss_curve is not None:
            self.lines_ += self.ax_.plot(epochs, self.validation_loss_curve, **{"color": BLUE, **look})
            self.ax_.set_ylabel("loss")
            self.ax_.legend(self.lines_, ["training", "validation"], frameon=False)
            losses = np.concatenate([losses, np.asarray(self.validation_loss_curve, dtype=float)])
        if np.nanmin(losses) > 0 and np.nanmax(losses) > 10 * np.nanmin(losses):
            self.ax_.set_yscale("log")
        if self.score_ax_ is not None and self.validation_scores is not None:
            self.lines_ += self.score_ax_.plot(epochs, self.validation_scores, **{"color": BLUE, **look})
            self.score_ax_.set_ylabel(f"validation {self.score_name}")
            self.score_ax_.set_ylim(_score_limits(self.validation_scores))
        shown = [panel for panel in (self.ax_, self.score_ax_) if panel is not None]
        for panel in shown:
            clear_frame(panel)
            panel.set_xlim(1, max(2, len(epochs)))
        if self.best_epoch is not None:
            self._mark_best(shown, self.best_epoch)
        mark_epochs(shown[-1])
        return self

    def _mark_best(self, panels: list[Axes], epoch: int) -> None:
        for panel in panels:
            panel.axvline(epoch, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
        if self.score_ax_ is not None and self.validation_scores is not None:
            self.score_ax_.plot([epoch], [self.validation_scores[epoch - 1]], "o", color=BLUE, markersize=5)
        is_late = epoch > 0.8 * panels[0].get_xlim()[1]
        panels[0].annotate(
            f"kept: epoch {epoch}",
            (epoch, 1),
            xycoords=panels[0].get_xaxis_transform(),
            xytext=(-5 if is_late else 5, -10),
            textcoords="offset points",
            ha="right" if is_late else "left",
            color=GREY,
            fontsize="small",
        )


def _score_limits(scores: Sequence[float]) -> tuple[float, float]:
    """Return limits that prevent a bad first epoch, such as an R² of -10, from flattening the rest."""
    finite = sorted(score for score in scores if np.isfinite(score))
    if not finite:
        return 0.0, 1.0
    top = finite[-1]
    tenth = finite[len(finite) // 10]
    low = max(finite[0], min(0.0, tenth) - 0.2)
    margin = 0.06 * max(top - low, 0.01)
    return low - margin, top + margin
