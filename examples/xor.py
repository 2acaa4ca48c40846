"""
Exclusive or
============

No straight line parts the two classes of XOR, so a network needs a hidden layer for it. The picture shows
the line of each hidden unit and what the output layer makes of them. :doc:`Follow a step </follow-a-step>`
has such a network with every number of its training.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])

net = fp.Network([2, 2, 1], activation="tanh", output_activation="logistic", dtype="float64", seed=2)
history = fp.train(net, X, Y, loss="log_loss", optimizer=fp.Rprop(), epochs=30)
print(f"loss {history.loss[-1]:.2g} after {history.epochs} epochs")
for row, output in zip(X, net.predict(X).ravel(), strict=True):
    print(row, f"{output:.4f}")

# %%
# The network itself: a notebook draws it, with the weights as lines.

net

# %%
# Two hidden units are just enough, and so not every start leads there: from many initial weights the loss
# ends in a valley in which two or three of the four rows are right. More units leave more ways down.

for units in (2, 3, 4, 8):
    solved = 0
    for seed in range(100):
        trial = fp.Network(
            [2, units, 1], activation="tanh", output_activation="logistic", dtype="float64", seed=seed
        )
        solved += fp.train(trial, X, Y, loss="log_loss", optimizer=fp.Rprop(), epochs=100).loss[-1] < 0.05
    print(f"{units} hidden units: {solved} of 100 starts solve it")

# %%
# Each hidden unit is 0 on a line; the output is 0.5 on the white curve.

side = np.linspace(-0.5, 1.5, 300)
plane = np.stack(np.meshgrid(side, side), axis=-1)
output = net.predict(plane.reshape(-1, 2)).reshape(side.size, side.size)

figure, axes = plt.subplots(figsize=(4.6, 4.4), layout="constrained")
axes.imshow(output, extent=(-0.5, 1.5, -0.5, 1.5), origin="lower", cmap="RdBu_r", vmin=-0.3, vmax=1.3)
axes.contour(side, side, output, levels=[0.5], colors="white")
for unit, style in ((0, "--"), (1, ":")):
    net_input = plane @ net.weights[0][:, unit] + net.biases[0][unit]
    axes.contour(side, side, net_input, levels=[0.0], colors="black", linestyles=style, linewidths=1.2)
axes.scatter(*X.T, c=np.where(Y.ravel() == 1, "#b7410e", "#20639b"), edgecolors="white", s=120, zorder=3)
axes.set_title("Output (colour) and hidden units (lines)", loc="left")
axes.set(xticks=[0, 1], yticks=[0, 1])
plt.show()
