"""The display of the size of the gradient in each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ferroprop.displays._style import clear_frame, color, last_step, mark_epochs, need_matplotlib, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class GradientFlowDisplay:
    """The mean size of the gradient in each layer, epoch by epoch: the vanishing gradient made visible.

    With plain gradient descent a layer learns the more slowly, the smaller its gradient is. With sigmoid
    activations and many layers the gradient shrinks from layer to layer on its way back [1]_, so the first
    layers hardly learn.

    Parameters
    ----------
    gradients : array-like of shape (n_epochs + 1, n_layers)
        Mean absolute derivative of the loss, without the penalty, with respect to the weights of each layer.
        Row 0 is that of the initial weights, row k that after epoch k.

    Attributes
    ----------
    gradients : ndarray of shape (n_epochs + 1, n_layers)
        As given.
    figure_ : matplotlib.figure.Figure
        The figure.
    ax_ : matplotlib.axes.Axes
        The axes.
    lines_ : list of matplotlib.lines.Line2D
        One per layer, the first layer first.

    References
    ----------
    .. [1] S. Hochreiter, "Untersuchungen zu dynamischen neuronalen Netzen", diploma thesis, TU Munich 1991.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from ferroprop import MLPClassifier
    >>> from ferroprop.displays import GradientFlowDisplay
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier((8,) * 4, activation="logistic", solver="sgd", max_iter=20, random_state=0)
    >>> display = GradientFlowDisplay.from_estimator(mlp, X, y)
    >>> display.gradients.shape
    (21, 5)
    >>> bool(display.gradients[0, 0] < display.gradients[0, -1] / 100)
    True
    """

    def __init__(self, *, gradients: ArrayLike) -> None:
        self.gradients: NDArray[np.float64] = np.asarray(gradients, dtype=np.float64)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Fit a copy of an estimator, with the same `random_state`, and draw its gradients.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor, or a pipeline that ends with one
            An estimator, fitted or not; it is not changed.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. The gradient is that of the loss on all of them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.
        line_kw : dict, default=None
            Arguments of ``matplotlib.axes.Axes.plot`` for the lines.

        Returns
        -------
        display : GradientFlowDisplay
            The display, with its figure and axes.

        Raises
        ------
        ValueError
            If the estimator's `fit` refuses the data.
        TypeError
            If `estimator` is not one of the estimators above.
        ImportError
            If matplotlib is not installed.
        """
        from ferroprop.estimators import gradient_flow

        need_matplotlib("GradientFlowDisplay.from_estimator")
        if len(getattr(estimator, "steps", [])) > 1:
            from sklearn.base import clone

            X = clone(estimator[:-1]).fit_transform(X, y)
        display = cls(gradients=gradient_flow(last_step(estimator), X, y, sample_weight))
        return display.plot(ax=ax, line_kw=line_kw)

    def plot(self, ax: Axes | None = None, *, line_kw: dict[str, Any] | None = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.
        line_kw : dict, default=None
            Arguments of ``matplotlib.axes.Axes.plot`` for the lines.

        Returns
        -------
        display : GradientFlowDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        need_matplotlib("GradientFlowDisplay.plot")
        self.ax_ = ax if ax is not None else new_axes(1, figsize=(7.0, 3.6))[0]
        self.figure_ = self.ax_.figure
        epochs = np.arange(len(self.gradients))
        n_layers = self.gradients.shape[1]
        self.lines_ = []
        for layer in range(n_layers):
            name = "output layer" if layer == n_layers - 1 else f"hidden layer {layer + 1}"
            look = {"color": color(layer), "linewidth": 1.8, "marker": "o" if len(epochs) == 1 else ""}
            sizes = np.where(self.gradients[:, layer] > 0, self.gradients[:, layer], np.nan)
            self.lines_ += self.ax_.plot(epochs, sizes, label=name, **{**look, **(line_kw or {})})
        self.ax_.set_yscale("log")
        self.ax_.set_xlim(0, max(1, len(epochs) - 1))
        mark_epochs(self.ax_)
        self.ax_.set_ylabel("mean |gradient|")
        clear_frame(self.ax_)
        self.ax_.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return self
