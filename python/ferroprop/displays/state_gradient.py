"""The display of the size of the gradient by the states, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ferroprop.displays._style import clear_frame, color, need_matplotlib, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ferroprop._core import RecurrentNetwork


class StateGradientDisplay:
    """How strongly the loss depends on the state at each step of time: vanishing gradients made visible.

    On its way back through time a gradient is multiplied at each step by the recurrent weights and the
    slopes of the units. In a plain recurrent network it vanishes or explodes [1]_; the cells of an LSTM let
    it pass [2]_.

    Parameters
    ----------
    gradients : array-like of shape (n_layers, n, n_steps)
        For each hidden layer, sequence and step the Euclidean norm of the gradient of the sequence's loss by
        the state.
    name : str, default=None
        What it is the gradient of, for the legend.

    Attributes
    ----------
    gradients : ndarray of shape (n_layers, n, n_steps)
        As given.
    name : str or None
        As given.
    figure_ : matplotlib.figure.Figure
        The figure.
    ax_ : matplotlib.axes.Axes
        The axes.
    lines_ : list of matplotlib.lines.Line2D
        The median over the sequences, one line a layer.

    References
    ----------
    .. [1] Y. Bengio, P. Simard, P. Frasconi, "Learning long-term dependencies with gradient descent is
       difficult", IEEE Transactions on Neural Networks 5(2), 1994.
    .. [2] S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import ferroprop as fp
    >>> import numpy as np
    >>> from ferroprop.displays import StateGradientDisplay
    >>> X = np.random.default_rng(0).normal(size=(10, 50, 1))
    >>> net = fp.RecurrentNetwork([1, 8, 1], cell="rnn", seed=0)
    >>> display = StateGradientDisplay.from_network(net, X, X[:, 0])
    >>> display.gradients.shape
    (1, 10, 50)
    """

    def __init__(self, *, gradients: ArrayLike, name: str | None = None) -> None:
        self.gradients: NDArray[np.float64] = np.asarray(gradients, dtype=np.float64)
        self.name = name

    @classmethod
    def from_network(
        cls,
        network: RecurrentNetwork,
        X: ArrayLike,
        Y: ArrayLike,
        *,
        loss: Any = None,
        name: str | None = None,
        ax: Axes | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the gradients of a network, trained or not.

        Parameters
        ----------
        network : RecurrentNetwork
            The network; of a fitted estimator, its `network_`.
        X : array-like of shape (n, n_steps, n_inputs)
            Sequences of one length.
        Y : array-like of shape (n, n_outputs), or (n, n_steps, n_outputs) for ``returns="every"``
            Their targets.
        loss : str, object or callable, default=None
            As for `train`.
        name : str, default=None
            For the legend; None is the kind of cell.
        ax : matplotlib.axes.Axes, default=None
            Where to draw, for example beside another network; None makes a new figure.
        line_kw : dict, default=None
            Arguments of ``matplotlib.axes.Axes.plot`` for the lines.

        Returns
        -------
        display : StateGradientDisplay
            What was drawn.

        Raises
        ------
        TypeError
            If it is no RecurrentNetwork.
        ValueError
            If X and Y do not fit the network or each other.
        ImportError
            If matplotlib is not there.
        """
        from ferroprop.inspection import state_gradients

        need_matplotlib("StateGradientDisplay.from_network")
        sizes = []
        for of_layer in state_gradients(network, X, Y, loss=loss):
            parts = of_layer if isinstance(of_layer, tuple) else (of_layer,)
            sizes.append(np.linalg.norm(np.concatenate(parts, axis=2), axis=2))
        display = cls(gradients=np.stack(sizes), name=network.cell if name is None else name)
        return display.plot(ax=ax, line_kw=line_kw)

    def plot(self, ax: Axes | None = None, *, line_kw: dict[str, Any] | None = None) -> Self:
        """Draw the median over the sequences, and the range of the middle 90 % of them.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.
        line_kw : dict, default=None
            Arguments of ``matplotlib.axes.Axes.plot`` for the lines.

        Returns
        -------
        display : StateGradientDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not there.
        """
        need_matplotlib("StateGradientDisplay.plot")
        self.ax_ = ax if ax is not None else new_axes(1, figsize=(7.0, 3.6))[0]
        self.figure_ = self.ax_.figure
        n_layers, _, n_steps = self.gradients.shape
        steps = np.arange(1, n_steps + 1)
        before = len(self.ax_.get_lines())  # of networks beside which this one is drawn
        self.lines_ = []
        for layer, sizes in enumerate(self.gradients):
            names = [self.name or "", f"hidden layer {layer + 1}" if n_layers > 1 else ""]
            look: dict[str, Any] = {"color": color(before + layer), "linewidth": 1.8}
            label = ", ".join(filter(None, names)) or None
            low, middle, high = (
                np.where(each > 0, each, np.nan) for each in np.quantile(sizes, [0.05, 0.5, 0.95], axis=0)
            )
            (line,) = self.ax_.plot(steps, middle, label=label, **{**look, **(line_kw or {})})
            self.ax_.fill_between(steps, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
            self.lines_.append(line)
        self.ax_.set_yscale("log")
        self.ax_.set_xlim(1, max(2, n_steps))
        self.ax_.set_xlabel("step of time")
        self.ax_.set_ylabel("|gradient by the state|")
        clear_frame(self.ax_)
        if any(self.ax_.get_legend_handles_labels()[1]):
            self.ax_.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return self
