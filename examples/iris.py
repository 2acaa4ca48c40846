"""
Iris, without a learning rate
=============================

The example of the README: 150 flowers, three species, and Rprop, which is told nothing about how fast to
learn. The flowers are E. Anderson's, measured for R. A. Fisher's paper of 1936; they come with
scikit-learn.
"""

import ferroprop as fp
import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

X, y = load_iris(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
X, Xv, y, yv = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
Y, Yv = np.eye(3)[y], np.eye(3)[yv]  # one column a class

net = fp.Network([4, 10, 3], activation="logistic", output_activation="softmax", dtype="float64", seed=0)
history = fp.train(
    net, X, Y, loss="log_loss", optimizer=fp.Rprop(), epochs=300, validation=(Xv, Yv), patience=20
)

right = net.predict(X_test).argmax(axis=1) == y_test
print(f"{history.epochs} epochs, {right.sum()} of {right.size} test flowers right")
net.save("iris.safetensors")

again = fp.Network.load("iris.safetensors")
assert (again.predict(X_test) == net.predict(X_test)).all()

# %%
# Training stopped when the flowers held out for validation stopped improving, and the weights of the best
# epoch came back.

import matplotlib.pyplot as plt

axes = plt.figure(figsize=(7, 3.4), layout="constrained").subplots()
epochs = range(1, history.epochs + 1)
axes.plot(epochs, history.loss, color="#b7410e", label="training")
axes.plot(epochs, history.validation_loss, color="#20639b", label="validation")
axes.axvline(history.best_epoch, color="#999999", linewidth=0.8)
axes.set(xlabel="epoch", ylabel="log loss", yscale="log")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
plt.show()
