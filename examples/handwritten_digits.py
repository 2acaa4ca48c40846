"""
Handwritten digits
==================

1,797 digits of 8 by 8 pixels (E. Alpaydin and C. Kaynak, 1998; they come with scikit-learn), ten classes,
one softmax output each. Training stops when the held-out rows stop improving.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

images, labels = load_digits(return_X_y=True)
images = images / 16
X, X_test, y, y_test = train_test_split(images, labels, test_size=500, stratify=labels, random_state=0)
X, X_held, y, y_held = train_test_split(X, y, test_size=200, stratify=y, random_state=0)
Y, Y_held = np.eye(10)[y], np.eye(10)[y_held]

net = fp.Network([64, 64, 10], activation="relu", output_activation="softmax", seed=0)
history = fp.train(
    net,
    X,
    Y,
    optimizer=fp.Adam(0.003),
    batch_size=32,
    epochs=100,
    validation=(X_held, Y_held),
    patience=15,
)
predicted = net.predict(X_test).argmax(axis=1)
print(f"{np.mean(predicted == y_test):.1%} of {len(y_test)} test digits right")
print(f"{history.epochs} epochs in {history.seconds:.2f} s, best {history.best_epoch}: {history.stop_reason}")
net.summary()

# %%
# The loss on both sets, and the digits that the network gets wrong.

figure = plt.figure(figsize=(9, 3.6), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1.2, 1])
axes = left.subplots()
epochs = np.arange(1, history.epochs + 1)
axes.plot(epochs, history.loss, color="#b7410e", label="training")
axes.plot(epochs, history.validation_loss, color="#20639b", label="held out")
axes.axvline(history.best_epoch, color="#999999", linewidth=0.8)
axes.set(yscale="log", xlabel="epoch", ylabel="log loss")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)

wrong = np.flatnonzero(predicted != y_test)[:12]
for place, row in zip(right.subplots(3, 4).ravel(), wrong, strict=False):
    place.imshow(X_test[row].reshape(8, 8), cmap="gray_r")
    place.set_title(f"{y_test[row]}, not {predicted[row]}", fontsize=9)
for place in right.axes:
    place.axis("off")
plt.show()

# %%
# What the hidden units look at: the weights that lead to the sixteen units with the largest ones.

weights = net.weights[0]
strongest = np.argsort(-np.linalg.norm(weights, axis=0))[:16]
limit = np.abs(weights[:, strongest]).max()
figure, grid = plt.subplots(2, 8, figsize=(9, 2.5), layout="constrained")
for place, unit in zip(grid.ravel(), strongest, strict=True):
    place.imshow(weights[:, unit].reshape(8, 8), cmap="RdBu_r", vmin=-limit, vmax=limit)
    place.axis("off")
plt.show()
