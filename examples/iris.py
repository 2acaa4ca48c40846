"""Train a network on iris without choosing a learning rate, and save it: the example of the README."""

import ferroprop as fp
import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

X, y = load_iris(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
X, Xv, y, yv = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
Y, Yv = np.eye(3)[y], np.eye(3)[yv]  # one column a class

net = fp.Network([4, 10, 3], activation="logistic", output="softmax", dtype="float64", seed=0)
history = fp.train(
    net, X, Y, loss="log_loss", optimizer=fp.Rprop(), epochs=300, validation=(Xv, Yv), patience=20
)

right = net.predict(X_test).argmax(axis=1) == y_test
print(f"{history.epochs} epochs, {right.sum()} of {right.size} test flowers right")
net.save("iris.safetensors")

again = fp.Network.load("iris.safetensors")
assert (again.predict(X_test) == net.predict(X_test)).all()
