"""
Two spirals, and the regions a network learned
==============================================

K. J. Lang and M. J. Witbrock's two spirals (1988) are hard for a network without shortcuts: with shortcuts
between the layers, plain backpropagation needed some 20,000 epochs. Here Rprop learns all points in fewer
than 1,500. The picture is the one of the README; ``python decision_regions.py PNG`` writes it.
"""

import sys

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np
from ferroprop.displays import DecisionRegionDisplay
from matplotlib.axes import Axes
from numpy.typing import NDArray

RUST = "#b7410e"
LAYERS = [2, 32, 32, 1]
EPOCHS = 1500
EDGE = 3.5


def two_spirals() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 194 points of Lang and Witbrock (1988), at half their size, and which spiral each is on."""
    step = np.arange(97)
    angle, radius = step * np.pi / 16, 3.25 * (104 - step) / 104
    spiral = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
    return np.vstack([spiral, -spiral]), np.repeat([[1.0], [0.0]], 97, axis=0)


def draw_regions(axes: Axes, network: fp.Network, X: NDArray[np.float64], Y: NDArray[np.float64]) -> None:
    """Colour the plane by the network's output, and put the points on it."""
    side = np.linspace(-EDGE, EDGE, 400)
    grid = np.column_stack([part.ravel() for part in np.meshgrid(side, side)])
    output = network.predict(grid).reshape(side.size, side.size)
    display = DecisionRegionDisplay(x0=side, x1=side, response=np.stack([output, 1 - output], axis=-1))
    display.plot(ax=axes, points=(X, 1 - Y[:, 0]))
    axes.get_legend().remove()
    axes.set_aspect("equal")
    right = np.mean((network.predict(X) > 0.5) == (Y > 0.5))
    axes.set_title(f"Two spirals: {right:.0%} of {len(X)} points right", loc="left")
    axes.set_xticks([])
    axes.set_yticks([])


def draw_learning_curve(axes: Axes, history: fp.History) -> None:
    """Draw the loss after each epoch."""
    axes.plot(range(1, history.epochs + 1), history.loss, color=RUST, linewidth=1.5)
    axes.set_yscale("log")
    axes.set_yticks([0.05, 0.1, 0.2, 0.4, 0.8], labels=["0.05", "0.1", "0.2", "0.4", "0.8"])
    axes.minorticks_off()
    axes.set_title("Log loss after each epoch of Rprop", loc="left")
    axes.set_xlabel("epoch")
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


X, Y = two_spirals()
network = fp.Network(LAYERS, activation="tanh", output_activation="logistic", dtype="float64", seed=1)
optimizer = fp.Rprop(initial_step=0.01, max_step=1.0)
history = fp.train(network, X, Y, loss="log_loss", optimizer=optimizer, epochs=EPOCHS, alpha=0.02)
print(f"{history.epochs} epochs, loss {history.loss[-1]:.2g}")

figure = plt.figure(figsize=(10, 4.4), layout="constrained")
regions, curve = figure.subplots(1, 2, width_ratios=[1, 1.3])
draw_regions(regions, network, X, Y)
draw_learning_curve(curve, history)
if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=110, metadata={"Software": None})
plt.show()
