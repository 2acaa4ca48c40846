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
SIDE = np.linspace(-1, 1, 120)
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
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.17, top=0.9, wspace=0.2)


def learn(name, net, optimizer, epochs, every, folder):
    """Train, and save a picture after the first epoch and every so many; return their paths."""
    X, Y = problem(name)
    losses, pictures = [], []
    figure = plt.figure(figsize=(7, 3))

    def look(epoch):
        losses.append(epoch.loss)
        if epoch.epoch == 1 or epoch.epoch % every == 0:
            pictures.append(folder / f"{name}-{epoch.epoch:05}.png")
            draw(figure, net, X, Y, losses, epochs)
            figure.savefig(pictures[-1], dpi=80)

    fp.train(net, X, Y, loss="squared_error", optimizer=optimizer, epochs=epochs, callback=look)
    plt.close(figure)
    return pictures


# %%
# An animation of the two spirals
# -------------------------------

net = fp.Network([2, 24, 24, 1], activation="tanh", output="logistic", dtype="float64", seed=2)
rprop = fp.Rprop(initial_step=0.01)
pictures = learn("spirals", net, rprop, epochs=600, every=40, folder=Path(tempfile.mkdtemp()))
print(len(pictures), "pictures saved, the last:", pictures[-1].name)

frames = [plt.imread(picture) for picture in pictures]
figure = plt.figure(figsize=(7, 3), dpi=80)
axes = figure.add_axes((0, 0, 1, 1))
axes.axis("off")
shown = axes.imshow(frames[0])
animation = FuncAnimation(figure, lambda frame: shown.set_data(frames[frame]), len(frames), interval=300)

# %%
# ``animation.save("spirals.gif")`` writes it as a file.
#
# Four problems, two ways to learn
# --------------------------------
# Gradient descent has momentum, and a learning rate that falls in a straight line to a tenth of what it
# was; Rprop begins with
# steps of 0.01. The regions are those that Rprop found.

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
