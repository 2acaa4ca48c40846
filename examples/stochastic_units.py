"""
Estimators of a gradient, and when they lie
===========================================

A stochastic unit is 1 with probability p, else 0. What a training wants is the gradient of the *expected*
loss; a draw has no derivative, so an estimator stands for it. Here is one that is exact in the mean and
noisy, and one that is quiet and goes the wrong way.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np

# One unit, and the loss (a - 0.45)²: 0.2025 for a = 0, 0.3025 for a = 1. The best probability of 1 is 0.
ESTIMATORS = {
    "straight_through": ("#b7410e", "straight-through"),
    "concrete": ("#20639b", "concrete, temperature 1"),
    "score_function": ("#3c8d40", "score function, 2 samples"),
}
ONE = np.zeros((100, 1))


def course(estimator, p, steps=400):
    """Go downhill from a probability p, by estimates of the gradient from 100 draws a step."""
    units = fp.Bernoulli(estimator, samples=2)
    net = fp.Network([1, 1, 1], activation=units, dtype="float64")
    z = np.log(p / (1 - p))
    course = []
    for step in range(steps):
        net.set_parameters([[[0.0]], [[1.0]]], [[z], [-0.45]])
        course.append(net.hidden(ONE[:1]).item())
        _, _, gradients = net.loss_and_gradients(ONE, ONE, noise_seed=step)
        z -= gradients[0].item()
    return course


figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for estimator, (color, label) in ESTIMATORS.items():
    for p in (0.1, 0.5, 0.9):
        axes.plot(course(estimator, p), color=color, label=label if p == 0.1 else None)
axes.set(xlabel="step", ylabel="probability of 1", ylim=(0, 1))
axes.legend(frameon=False)
axes.set_title("The best probability is 0", loc="left", fontsize=10)
plt.show()

# %%
# Straight-through asks what the loss would do if the output moved a little from where the draw is, and the
# parabola says: towards 0.45. So it brings every unit to p = 0.45, from below against the true gradient. The
# concrete estimator minimises the loss of numbers *between* 0 and 1, which is another problem with another
# answer. The score function compares the losses of draws that happened, and nothing else.
#
# What it costs is noise. Five units, three classes, one row; the exact gradient comes from all 32 states, and
# each cross is the mean of 10 estimates with all their spread.

rng = np.random.default_rng(0)
x, target = np.array([[0.5, -1.0, 0.25, 0.75]]), np.array([[0.0, 1.0, 0.0]])
weights, biases = [rng.normal(size=(4, 5)), 1.5 * rng.normal(size=(5, 3))], [np.zeros(5), np.zeros(3)]
copies = 2_000


def estimates(units):
    """Return estimates of the derivatives by the units' net inputs, one a row, and what was drawn."""
    net = fp.Network([4, 5, 3], activation=units, output_activation="softmax", dtype="float64")
    net.set_parameters(weights, biases)
    rows = np.repeat(x, copies, axis=0), np.repeat(target, copies, axis=0)
    _, layers = net.layer_values(*rows, noise_seed=1)
    return layers[0].delta, net


_, net = estimates(fp.Bernoulli())
p = net.hidden(x)[0]
states = (np.arange(32)[:, None] >> np.arange(5)) % 2
chances = np.prod(np.where(states == 1, p, 1 - p), axis=1)
outputs = np.exp(states @ weights[1])
losses = -np.log(outputs[:, 1] / outputs.sum(axis=1))
exact = (chances * losses) @ (states - p)

figure, panels = plt.subplots(1, 3, figsize=(9, 3.2), sharex=True, sharey=True, layout="constrained")
for axes, (estimator, (color, label)) in zip(panels, ESTIMATORS.items(), strict=True):
    deltas, _ = estimates(fp.Bernoulli(estimator, samples=2))
    means = deltas.reshape(-1, 10, 5).mean(axis=1)
    axes.plot(means[:, 0], means[:, 1], "x", color=color, markersize=3, alpha=0.5)
    axes.plot(*exact[:2], "o", color="black", markersize=5)
    axes.set_title(label, loc="left", fontsize=10)
    axes.set_xlabel("by net input 0")
    error = np.linalg.norm(deltas.mean(axis=0) - exact) / np.linalg.norm(exact)
    print(f"{label}: mean off by {error:.0%} of the length, variance {deltas.var(axis=0).sum():.3f}")
panels[0].set_ylabel("derivative by net input 1")
plt.show()

# %%
# The black dot is the exact gradient; that the score function's mean is a little off is the chance of 4,000
# draws, and `tests/test_stochastic.py` shows with all states that nothing else is. A biased estimate with
# little spread can still lead to a better network than an unbiased one with much. Where a unit's probability
# is itself the answer, as above, it cannot. The page of published results has both on MNIST.
