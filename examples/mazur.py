"""
Backpropagation by hand: Mazur's example to all digits
======================================================

Many have learned backpropagation from Matt Mazur's `step by step example
<https://mattmazur.com/2015/03/17/a-step-by-step-backpropagation-example/>`_: two inputs, two hidden units,
two outputs, all logistic. :func:`ferroprop.trace` writes out the same step, with every number that it
takes. :doc:`In the browser </follow-a-step>` the training goes on from there, number by number.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np

X, Y = [[0.05, 0.10]], [[0.01, 0.99]]
W1 = [[0.15, 0.25], [0.20, 0.30]]  # W1[i][j] leads from input i to hidden unit j
W2 = [[0.40, 0.50], [0.45, 0.55]]

net = fp.Network([2, 2, 2], activation="logistic", output_activation="logistic", dtype="float64")
net.set_parameters([W1, W2], [[0.35, 0.35], [0.60, 0.60]])
net

# %%
# One step, written out. Units count from 0 here, as in arrays: Mazur's h1 and h2 are the units 0 and 1 of
# layer 1, his o1 and o2 those of layer 2, and his w1 to w4 are ``W1[0,0]``, ``W1[1,0]``, ``W1[0,1]`` and
# ``W1[1,1]``. In a terminal, ``print(step)`` shows the same as plain text.

descent = fp.SGD(0.5, momentum=0.0)
step = fp.trace(net, X, Y, loss="squared_error", optimizers=descent)
step

# %%
# Every number is also data, to all digits that a double has. Mazur's text prints nine decimals.

hidden, output = step.layers
for name, numbers in {
    "outputs": step.outputs,
    "loss": np.array(step.loss),
    "output deltas": output.delta,
    "hidden deltas": hidden.delta,
    "new W2": output.weights + output.updates["SGD"].weights,
}.items():
    print(f"{name:14}", numbers.tolist())

# %%
# The text keeps the biases where they are, and after one step of gradient descent it gives a loss of
# 0.291027924. The loss is 0.291027774: the text's number comes from hidden deltas that were computed with
# the *new* weights of the output layer. Both can be had, by making the step by hand:


def descend(new_weights_in_hidden_deltas: bool) -> float:
    """Move the weights once, the biases not at all, and return the loss then."""
    moved = output.weights - 0.5 * output.weight_gradient
    back = moved if new_weights_in_hidden_deltas else output.weights
    hidden_delta = (output.delta @ back.T) * hidden.derivative
    first = hidden.weights - 0.5 * hidden.inputs.T @ hidden_delta
    after = net.copy()
    after.set_parameters([first, moved], net.biases)
    return after.loss_and_gradients(X, Y, loss="squared_error")[0]


print(f"backpropagation {descend(False):.9f}, as printed {descend(True):.9f}")

# %%
# Are the gradients right? Central differences know nothing of backpropagation.

print(fp.check_gradients(net, X, Y, loss="squared_error"))

# %%
# The same example for 10,000 steps of gradient descent, biases included, and 50 of Rprop, which needs no
# learning rate.

histories = {}
for optimizer, epochs in ((descent, 10_000), (fp.Rprop(), 50)):
    learner = net.copy()
    histories[type(optimizer).__name__] = fp.train(
        learner, X, Y, loss="squared_error", optimizer=optimizer, epochs=epochs
    )

figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for (name, history), color in zip(histories.items(), ("#20639b", "#b7410e"), strict=True):
    axes.plot(np.arange(1, history.epochs + 1), history.loss, color=color, label=name)
axes.set(xscale="log", yscale="log", xlabel="step", ylabel="squared error")
axes.set_title("One row, two optimizers", loc="left")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
plt.show()
