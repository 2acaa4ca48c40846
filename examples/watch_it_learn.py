"""
Watch a network learn
=====================

The decision regions beside the error curve, drawn every so many epochs, saved as pictures and put together
as an animation: what M. Eraqi's MATLAB program for classes of points in the plane shows (File Exchange
54076). Its choices, and where they are here:

================================  ===========================================================
hidden layers, as a list          ``Network([2, 30, 30, 1])``
unipolar or bipolar sigmoid       ``activation="logistic"`` or ``"bipolar"``
learning rate and momentum        ``SGD(0.3, momentum=0.9, nesterov=False)``
learning rate falls to a floor    ``fp.Linear(0.3, final=0.03)``
resilient propagation             ``Rprop(initial_step=0.9)``: 1.2 and 0.5, 1e-6 to 50
a picture every so many epochs    a ``callback``
line, circle, wave, spirals       ``problem(name)``, below
================================  ===========================================================
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
            draw(figure, epoch.network, X, Y, losses, epochs)
            figure.savefig(pictures[-1], dpi=80)

    fp.train(net, X, Y, loss="squared_error", optimizer=optimizer, epochs=epochs, callback=look)
    plt.close(figure)
    return pictures


# %%
# Two spirals in motion
# ---------------------
# They need smaller first steps than the other problems, and more of them.


def spiral_learner():
    """Return a network and an optimizer for the two spirals."""
    net = fp.Network([2, 30, 30, 1], activation="tanh", output_activation="logistic", dtype="float64", seed=2)
    return net, fp.Rprop(initial_step=0.01, max_step=1.0)


pictures = learn("spirals", *spiral_learner(), epochs=900, every=50, folder=Path(tempfile.mkdtemp()))
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
# Gradient descent goes through the points in mini-batches of ten, with momentum and a learning rate that
# falls in a straight line to a tenth of what it was. Rprop has the program's constants, but for the
# spirals. The regions are those that Rprop found.


def by_descent(hidden, activation):
    """Return a network, gradient descent, and how it goes through the points."""
    net = fp.Network(
        [2, *hidden, 1], activation=activation, output_activation="logistic", dtype="float64", seed=2
    )
    descent = fp.SGD(fp.Linear(0.3, final=0.03), momentum=0.9, nesterov=False)
    return net, descent, {"batch_size": 10}


def by_rprop(hidden, activation):
    """Return a network, Rprop, and how it goes through the points: all at once."""
    net = fp.Network(
        [2, *hidden, 1], activation=activation, output_activation="logistic", dtype="float64", seed=2
    )
    return net, fp.Rprop(initial_step=0.9), {}


CHOICES = {
    "line": ([], "logistic"),
    "circle": ([6], "logistic"),
    "wave": ([10], "bipolar"),
    "spirals": ([30, 30], "tanh"),
}
figure, axes = plt.subplots(2, 4, figsize=(10, 4.6), layout="constrained", height_ratios=[1.3, 1])
for (regions, curve), (name, choices) in zip(axes.T, CHOICES.items(), strict=True):
    X, Y = problem(name)
    for label, color, make in (("gradient descent", BLUE, by_descent), ("Rprop", RUST, by_rprop)):
        net, optimizer, batches = make(*choices)
        if name == "spirals" and make is by_rprop:
            net, optimizer = spiral_learner()
        history = fp.train(net, X, Y, loss="squared_error", optimizer=optimizer, epochs=900, **batches)
        curve.plot(np.arange(1, 901), np.maximum(history.loss, 1e-9), color=color, label=label)
        right = np.mean((net.predict(X) > 0.5) == (Y > 0.5))
        print(f"{name:8} {label:17} {right:.1%} right")
    output = net.predict(PLANE).reshape(SIDE.size, SIDE.size)
    regions.imshow(output, extent=(-1, 1, -1, 1), origin="lower", cmap=REGIONS, vmin=0, vmax=1)
    regions.contour(SIDE, SIDE, output, levels=[0.5], colors="white", linewidths=1)
    regions.scatter(*X.T, c=np.where(Y.ravel() == 1, RUST, BLUE), s=8, edgecolors="white", linewidths=0.3)
    regions.set(xticks=[], yticks=[])
    sizes = "-".join(map(str, net.layer_sizes))
    regions.set_title(f"{name}: {sizes}, {right:.0%}", loc="left", fontsize=10)
    curve.set(yscale="log", xlabel="epoch", ylim=(1e-6, 1))
    curve.spines[["top", "right"]].set_visible(False)
axes[1, 0].set_ylabel("error")
axes[1, 0].legend(frameon=False, fontsize=8)
plt.show()
