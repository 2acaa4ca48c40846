"""
Regression: linear outputs and the squared error
================================================

A quantity has no bounds, so the output layer has none either: its activation is the identity, the loss the
squared error. Here the network learns a curve from noisy points, with and without a penalty on large
weights.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np


def curve(x):
    """Return what the points are scattered around."""
    return np.sin(2 * x) + 0.3 * x**2


rng = np.random.default_rng(3)
X = np.sort(rng.uniform(-3, 3, (40, 1)), axis=0)
Y = curve(X) + rng.normal(0, 0.25, X.shape)
side = np.linspace(-3.4, 3.4, 400).reshape(-1, 1)

# %%
# 40 points and 60 hidden units: without a penalty the network learns the noise as well.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), width_ratios=[1.5, 1], layout="constrained")
left.plot(side, curve(side), color="#bbbbbb", linewidth=4, label="the curve")
left.scatter(X, Y, s=18, color="#333333", zorder=3)
for alpha, color in ((0.0, "#20639b"), (0.1, "#b7410e")):
    net = fp.Network([1, 60, 1], activation="tanh", output_activation="identity", dtype="float64", seed=0)
    history = fp.train(net, X, Y, loss="squared_error", optimizer=fp.Rprop(), epochs=3000, alpha=alpha)
    error = np.sqrt(np.mean((net.predict(side[20:-20]) - curve(side[20:-20])) ** 2))
    print(f"alpha {alpha}: loss {history.loss[-1]:.4f}, distance from the curve {error:.3f}")
    left.plot(side, net.predict(side), color=color, label=f"alpha = {alpha:g}")
    right.plot(np.arange(1, history.epochs + 1), history.loss, color=color)
left.set(ylim=(-1.6, 4.6))
left.legend(frameon=False)
left.set_title("What was learned", loc="left")
right.set(xscale="log", yscale="log", xlabel="epoch", ylabel="squared error and penalty")
right.set_title("Learning", loc="left")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()
