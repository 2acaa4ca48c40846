r"""
Vanishing gradients
===================

On its way back, a delta is multiplied in each layer by weights and by the slope of the activation. The
logistic function's slope is at most a quarter, so a deep logistic network starves its first layers: each
gets at most about a quarter of what the one behind it got. S. Hochreiter described it in 1991; X. Glorot
and Y. Bengio measured it in 2010 ("Understanding the difficulty of training deep feedforward neural
networks").
"""

import warnings

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np
from ferroprop import MLPClassifier
from ferroprop.displays import GradientFlowDisplay
from sklearn.exceptions import ConvergenceWarning

DEPTH, WIDTH, EPOCHS = 8, 16, 300

angle = np.linspace(0, 2 * np.pi, 100, endpoint=False)
ring = np.column_stack([np.cos(angle), np.sin(angle)])
rng = np.random.default_rng(0)
X = np.concatenate([0.5 * ring, 1.5 * ring]) + rng.normal(0, 0.1, (200, 2))
Y = np.repeat([[1.0], [0.0]], 100, axis=0)


def deep(activation):
    """Return a network with many hidden layers."""
    return fp.Network(
        [2, *[WIDTH] * DEPTH, 1], activation=activation, output_activation="logistic", dtype="float64", seed=1
    )


# %%
# One step backwards
# ------------------
# :func:`ferroprop.trace` has the slopes and the deltas of every layer. Before any training, with the usual
# initial weights:

ACTIVATIONS = {"logistic": "#20639b", "tanh": "#3c8d40", "relu": "#b7410e"}
print(f"{'':10} mean slope   delta of layer 1 / delta of layer {DEPTH}")
for activation in ACTIVATIONS:
    layers = fp.trace(deep(activation), X, Y, loss="log_loss").layers
    slope = np.mean([layer.derivative.mean() for layer in layers[:-1]])
    ratio = np.abs(layers[0].delta).mean() / np.abs(layers[-2].delta).mean()
    print(f"{activation:10} {slope:10.3f}   {ratio:.1e}")

# %%
# The flow of gradients through a training
# ----------------------------------------
# :class:`~ferroprop.displays.GradientFlowDisplay` shows the mean absolute gradient of each layer after each
# epoch, here of full-batch gradient descent.

warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are limited on purpose
figure, panels = plt.subplots(1, 3, figsize=(11, 3.6), sharey=True, layout="constrained")
for axes, activation in zip(panels, ACTIVATIONS, strict=True):
    classifier = MLPClassifier(
        [WIDTH] * DEPTH,
        activation=activation,
        solver="sgd",
        learning_rate_init=0.1,
        momentum=0.0,
        batch_size=len(X),
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        alpha=0.0,
        random_state=1,
    )
    GradientFlowDisplay.from_estimator(classifier, X, Y.ravel(), ax=axes)
    axes.set(title=activation, ylim=(1e-10, 1), xticks=range(0, EPOCHS + 1, 100))
    if activation != "relu":
        axes.get_legend().remove()
plt.show()

# %%
# The logistic network's first layer gets gradients that are orders of magnitude smaller than the last's,
# and it goes on like this. With tanh, whose slope is 1 at 0, and with ReLU, whose slope is 1 for about half
# of all net inputs, the layers keep within sight of each other.
#
# Rprop does not care
# -------------------
# Rprop looks at the sign of a derivative, not at its size. A gradient of one part in a million moves a
# weight just as far, as long as its sign can be trusted.

figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
for name, optimizer, color in (
    ("gradient descent", fp.SGD(0.1, momentum=0.9), "#20639b"),
    ("Adam", fp.Adam(0.01), "#3c8d40"),
    ("Rprop", fp.Rprop(), "#b7410e"),
):
    net = deep("logistic")
    history = fp.train(net, X, Y, loss="log_loss", optimizer=optimizer, epochs=EPOCHS)
    right = np.mean((net.predict(X) > 0.5) == (Y > 0.5))
    print(f"{name:16} loss {history.loss[-1]:.3f}, {right:.0%} right")
    axes.plot(np.arange(1, EPOCHS + 1), np.maximum(history.loss, 1e-6), color=color, label=name)
axes.set(yscale="log", xlabel="epoch", ylabel="log loss")
axes.set_title(f"A logistic network with {DEPTH} hidden layers", loc="left")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
plt.show()
