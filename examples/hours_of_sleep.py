"""
Hours of sleep, hours of study
==============================

Three students, the hours that they slept and studied, and their grades: the example with which many first
neural networks are written. A 2-3-1 logistic network without biases learns the three grades; what it makes
of other students shows why three rows are too few.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np

hours = np.array([[2.0, 9.0], [1.0, 5.0], [3.0, 6.0]])  # slept, studied
grades = np.array([[92.0], [86.0], [89.0]])
X, Y = hours / hours.max(axis=0), grades / 100

rng = np.random.default_rng(1)
net = fp.Network([2, 3, 1], activation="logistic", output_activation="logistic", bias=False, dtype="float64")
net.set_parameters([rng.normal(size=(2, 3)), rng.normal(size=(3, 1))], [None, None])
start = net.copy()

# %%
# Gradient descent and Rprop from the same weights:

losses = {}
for name, optimizer in {"gradient descent": fp.SGD(1.0, momentum=0.0), "Rprop": fp.Rprop()}.items():
    net = start.copy()
    losses[name] = fp.train(net, X, Y, loss="squared_error", optimizer=optimizer, epochs=1000).loss
    print(f"{name:16}", (100 * net.predict(X).ravel()).round(2))

# %%
# The trained network over all hours: between the students it follows them, beyond them it invents.

slept, studied = np.linspace(0, 9, 120), np.linspace(0, 12, 120)
grid = np.stack(np.meshgrid(slept, studied), axis=-1).reshape(-1, 2)
surface = 100 * net.predict(grid / hours.max(axis=0)).reshape(120, 120)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for (name, loss), color in zip(losses.items(), ("#20639b", "#b7410e"), strict=True):
    left.plot(np.arange(1, len(loss) + 1), np.maximum(loss, 1e-18), label=name, color=color)
left.set(xscale="log", yscale="log", xlabel="epoch", ylabel="squared error", ylim=(1e-9, 1))
left.set_title("Learning three grades", loc="left")
left.spines[["top", "right"]].set_visible(False)
left.legend(frameon=False)
levels = right.contourf(slept, studied, surface, levels=np.arange(50, 101, 5), cmap="YlOrBr", extend="min")
right.scatter(*hours.T, color="white", edgecolors="black", s=60)
for (x, y), grade in zip(hours, grades.ravel(), strict=True):
    right.annotate(f"{grade:.0f}", (x, y), xytext=(7, 4), textcoords="offset points")
right.set(xlabel="hours slept", ylabel="hours studied")
right.set_title("Predicted grade", loc="left")
figure.colorbar(levels, ax=right)
plt.show()
