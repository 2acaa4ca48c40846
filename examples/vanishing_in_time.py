r"""
Vanishing gradients in time
===========================

A recurrent network is a deep one: unrolled in time it has a layer for each step, all with the same weights.
On its way back a gradient is multiplied at each step by the recurrent weights and the slopes of the units,
and it vanishes. So a plain recurrent network hardly learns what depends on something long ago: S. Hochreiter
found it in 1991; Y. Bengio, P. Simard and P. Frasconi in 1994 ("Learning long-term dependencies with
gradient descent is difficult"). Long short-term memory (S. Hochreiter and J. Schmidhuber, 1997) has cells
through which a gradient passes.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np
from ferroprop.displays import StateGradientDisplay

CELLS = {"rnn": "#b7410e", "lstm": "#20639b", "gru": "#3c8d5a"}

# %%
# How far back a gradient gets
# ----------------------------
# Noise goes in for 100 steps, and there is a target at the last one.
# :class:`~ferroprop.displays.StateGradientDisplay` shows how strongly the loss depends on the state at each
# step (:func:`ferroprop.state_gradients`): the median over 50 sequences, and the middle 90 % of them. The
# networks are as they are before any training. On the left their recurrent weights are orthogonal, which lets
# a gradient through unchanged where units are linear; the slopes of tanh make it shrink all the same. On the
# right they are drawn as other weights are, uniform after Glorot, and it shrinks faster. An LSTM begins with
# forget gates at 0.73, the logistic function of 1. A GRU begins with update gates at 0.5, so that each step
# halves the gradient; how far back it gets is for the gates to learn.

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(50, 100, 2)), rng.normal(size=(50, 1))
figure, both = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True, layout="constrained")
for axes, recurrent_init in zip(both, ("orthogonal", "glorot"), strict=True):
    for cell, color in CELLS.items():
        net = fp.RecurrentNetwork(
            [2, 16, 1], cell=cell, recurrent_init=recurrent_init, dtype="float64", seed=0
        )
        display = StateGradientDisplay.from_network(net, X, Y, ax=axes, line_kw={"color": color})
        sizes = np.median(display.gradients[0], axis=0)
        print(f"{recurrent_init:10} {cell:5} step 1: {sizes[0] / sizes[-1]:.1e} of the last step's")
    axes.set_title(f"recurrent weights: {recurrent_init}", loc="left")
both[0].get_legend().remove()
plt.show()

# %%
# What can be learned
# -------------------
# The adding problem of Hochreiter and Schmidhuber: of a sequence of random numbers two are marked, and after
# the last step their sum is asked for. Who always says the mean has an error of 1/6. Here there are 50 steps,
# and both numbers are in the first half.

STEPS, SEQUENCES, EPOCHS = 50, 2000, 30


def adding(n):
    """Return sequences of numbers and marks, and the sum of the two marked numbers of each."""
    X = np.zeros((n, STEPS, 2), np.float32)
    X[:, :, 0] = rng.uniform(size=(n, STEPS))
    marked = np.stack([rng.integers(0, STEPS // 4, n), rng.integers(STEPS // 4, STEPS // 2, n)], axis=1)
    np.put_along_axis(X[:, :, 1], marked, 1.0, axis=1)
    return X, np.take_along_axis(X[:, :, 0], marked, axis=1).sum(axis=1, keepdims=True)


X, Y = adding(SEQUENCES)
X_test, Y_test = adding(500)
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
for cell, color in CELLS.items():
    net = fp.RecurrentNetwork([2, 16, 1], cell=cell, seed=0)
    history = fp.train(
        net,
        X,
        Y,
        optimizer=fp.Adam(0.003),
        batch_size=20,
        epochs=EPOCHS,
        clip_norm=1.0,
        validation=(X_test, Y_test),
    )
    error = np.mean((net.predict(X_test) - Y_test) ** 2)
    print(f"{cell:5} mean squared error {error:.4f}")
    axes.plot(np.arange(1, EPOCHS + 1), 2 * np.array(history.validation_loss), color=color, label=cell)
axes.axhline(1 / 6, color="#777777", linewidth=0.8, linestyle=":")
axes.set(yscale="log", xlabel="epoch", ylabel="mean squared error")
axes.set_title("Adding two numbers among fifty", loc="left")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
plt.show()

# %%
# The plain network stays at the mean. The others learn it, the GRU first, although at the outset its gradient
# vanishes fastest: what counts is whether the gates can be opened, and a small gradient of a constant sign is
# enough for Adam, which divides it by its own size.
