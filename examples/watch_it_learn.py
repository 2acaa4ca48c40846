"""
Watch a network learn
=====================

The decision regions beside the error curve, drawn every so many epochs, saved as pictures and put together
as an animation: what M. Eraqi's MATLAB program for classes of points in the plane shows (File Exchange
54076), with its problems and its choices: the hidden layers, the logistic function or its bipolar form,
gradient descent with momentum and a learning rate that falls in a straight line, or Rprop.
"""

import tempfile
from pathlib import Path

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.colors import LinearSegmentedColormap

RUST, BLUE = "#b7410e", "#20639b"
REGIONS = LinearSegmentedColormap.from_list("regions", ["#9cbfdf", "#ffffff", "#eab08f"])
SIDE = np.linspace(-1, 1, 160)
PLANE = np.stack(np.meshgrid(SIDE, SIDE), axis=-1).reshape(-1, 2)


def problem(name):
    """Return points in the square from -1 to 1, and 1 or 0 for the class of each."""
    rng = np.random.default_rng(7)
    if name == "spirals":  # Lang and Witbrock's, made to fit the square
        step = np.arange(97)
        angle, radius = step * np.pi / 16, 0.95 * (104 - step) / 104
        spiral = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
        return np.concatenate([spiral, -spiral]), np.repeat([[1.0], [0.0]], 97, axis=0)
    X = rng.uniform(-1, 1, (200, 2))
    x, y = X.T
    inside = {
        "line": y > 0.6 * x - 0.1,
        "circle": x**2 + y**2 < 0.4,
        "wave": y > 0.5 * np.sin(4 * x),
    }[name]
    return X, inside.astype(float).reshape(-1, 1)


def draw(figure, net, X, Y, losses, epochs):
    """Draw the regions with the points on the left, the error up to now on the right."""
    figure.clear()
    regions, curve = figure.subplots(1, 2, width_ratios=[1, 1.2])
    output = net.predict(PLANE).reshape(SIDE.size, SIDE.size)
    regions.imshow(output, extent=(-1, 1, -1, 1), origin="lower", cmap=REGIONS, vmin=0, vmax=1)
    regions.contour(SIDE, SIDE, output, levels=[0.5], colors="white", linewidths=1)
    regions.scatter(*X.T, c=np.where(Y.ravel() == 1, RUST, BLUE), s=10, edgecolors="white", linewidths=0.4)
    regions.set(xticks=[], yticks=[])
    right = np.mean((net.predict(X) > 0.5) == (Y > 0.5))
    regions.set_title(f"epoch {len(losses)}: {right:.0%} right", loc="left")
    curve.plot(np.arange(1, len(losses) + 1), losses, color=RUST)
    curve.set(xlim=(0, epochs), ylim=(1e-4, 1), yscale="log", xlabel="epoch")
    curve.set_title("error", loc="left")
    curve.spines[["top", "right"]].set_visible(False)


def learn(name, net, optimizer, epochs, every, folder):
    """Train, save a picture every so many epochs, and return the networks of those epochs."""
    X, Y = problem(name)
    losses, moments = [], []
    figure = plt.figure(figsize=(7, 3), layout="constrained")

    def look(epoch):
        losses.append(epoch.loss)
        if epoch.epoch == 1 or epoch.epoch % every == 0:
            moments.append((net.copy(), len(losses)))
            draw(figure, net, X, Y, losses, epochs)
            figure.savefig(folder / f"{name}-{epoch.epoch:05}.png", dpi=60)

    fp.train(net, X, Y, loss="squared_error", optimizer=optimizer, epochs=epochs, callback=look)
    plt.close(figure)
    return X, Y, losses, moments


# %%
# An animation of the two spirals
# -------------------------------

folder = Path(tempfile.mkdtemp())
net = fp.Network([2, 24, 24, 1], activation="tanh", output="logistic", dtype="float64", seed=2)
EPOCHS = 600
X, Y, losses, moments = learn("spirals", net, fp.Rprop(initial_step=0.01), EPOCHS, every=30, folder=folder)
print(len(list(folder.glob("*.png"))), "pictures saved, the last:", max(folder.glob("*.png")).name)

figure = plt.figure(figsize=(7, 3), layout="constrained", dpi=70)


def show(moment):
    """Draw one frame."""
    then, epoch = moments[moment]
    draw(figure, then, X, Y, losses[:epoch], EPOCHS)


animation = FuncAnimation(figure, show, frames=len(moments), interval=250)

# %%
# ``animation.save("spirals.gif")`` writes it as a file.
#
# Four problems, two ways to learn
# --------------------------------
# Gradient descent has momentum, and a learning rate that falls in a straight line to a tenth of what it
# was; Rprop has its defaults. The regions are those that Rprop found.

LEARNERS = {"gradient descent": BLUE, "Rprop": RUST}
figure, axes = plt.subplots(2, 4, figsize=(10, 4.6), layout="constrained", height_ratios=[1.3, 1])
for (regions, curve), (name, hidden) in zip(
    axes.T, {"line": [], "circle": [6], "wave": [10], "spirals": [24, 24]}.items(), strict=True
):
    X, Y = problem(name)
    for learner, color in LEARNERS.items():
        net = fp.Network([2, *hidden, 1], activation="tanh", output="logistic", dtype="float64", seed=2)
        descent = fp.SGD(0.3, momentum=0.9, schedule="linear", final_learning_rate=0.03)
        optimizer = descent if learner == "gradient descent" else fp.Rprop(initial_step=0.01)
        history = fp.train(net, X, Y, loss="squared_error", optimizer=optimizer, epochs=600)
        curve.plot(
            np.arange(1, history.epochs + 1), np.maximum(history.loss, 1e-9), color=color, label=learner
        )
    output = net.predict(PLANE).reshape(SIDE.size, SIDE.size)
    regions.imshow(output, extent=(-1, 1, -1, 1), origin="lower", cmap=REGIONS, vmin=0, vmax=1)
    regions.contour(SIDE, SIDE, output, levels=[0.5], colors="white", linewidths=1)
    regions.scatter(*X.T, c=np.where(Y.ravel() == 1, RUST, BLUE), s=8, edgecolors="white", linewidths=0.3)
    regions.set(xticks=[], yticks=[])
    right = np.mean((net.predict(X) > 0.5) == (Y > 0.5))
    regions.set_title(f"{name}: {'-'.join(map(str, net.layer_sizes))}, {right:.0%}", loc="left", fontsize=10)
    curve.set(yscale="log", xlabel="epoch", ylim=(1e-6, 1))
    curve.spines[["top", "right"]].set_visible(False)
axes[1, 0].set_ylabel("error")
axes[1, 0].legend(frameon=False, fontsize=8)
plt.show()
