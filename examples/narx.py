"""
Identifying a system from its inputs and outputs
================================================

A NARX model (nonlinear autoregressive with exogenous inputs) says what a system does next from what it did
and from what was done to it: here :func:`ferroprop.lagged` makes the table, and any regressor is the model.
Used one step ahead it sees the measured outputs; in closed loop, :func:`ferroprop.forecast`, only its own.

The system is example 1 of K. S. Narendra and K. Parthasarathy, *Identification and control of dynamical
systems using neural networks*, IEEE Transactions on Neural Networks 1(1), 1990, with their input for the
test.
"""

import warnings

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np
from ferroprop import MLPRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def respond(u):
    """Return what the system answers to these inputs, from rest."""
    y = np.zeros(len(u))
    for t in range(1, len(u) - 1):
        product = y[t] * y[t - 1] * (y[t] + 2.5)
        y[t + 1] = product / (1 + y[t] ** 2 + y[t - 1] ** 2) + u[t]
    return y


# %%
# It is excited by noise, and both models are fitted to the table of its lagged outputs and inputs: a linear
# one (ARX) and a network. ``lags=2`` is y one and two steps ago; ``input_lags=1`` is u one step ago.

rng = np.random.default_rng(0)
u = rng.uniform(-2, 2, 1500)
lags = {"lags": 2, "input_lags": 1}
table = fp.lagged(respond(u), u, **lags)
print(table.names, table.inputs.shape, "from step", table.steps[0])

models = {
    "linear (ARX)": LinearRegression(),
    "network (NARX)": make_pipeline(
        StandardScaler(),
        MLPRegressor(
            hidden_layer_sizes=(20,),
            activation="tanh",
            solver="rprop",
            alpha=0.0,
            max_iter=1000,
            tol=0,
            random_state=0,
        ),
    ),
}
warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are limited on purpose
for model in models.values():
    model.fit(table.inputs, table.targets)

# %%
# The test is an input of another kind. One step ahead each model is given the measured outputs; in closed
# loop only the first two, and goes on from its own predictions.

u_test = np.sin(2 * np.pi * np.arange(200) / 25)
y_test = respond(u_test)
test = fp.lagged(y_test, u_test, **lags)

figure, both = plt.subplots(2, 1, figsize=(7, 4.6), layout="constrained", sharex=True, sharey=True)
print("root mean squared error   one step   closed loop")
for axes, (name, model) in zip(both, models.items(), strict=True):
    ahead = model.predict(test.inputs)
    loop = fp.forecast(model, y_test[:2], 198, X=u_test, **lags)
    errors = [np.sqrt(np.mean((test.targets - predicted) ** 2)) for predicted in (ahead, loop)]
    print(f"{name:25} {errors[0]:8.3f} {errors[1]:13.3f}")
    axes.plot(y_test, color="#bbbbbb", linewidth=4, label="the system")
    axes.plot(test.steps, loop, color="#b7410e", linewidth=1.4, label="the model in closed loop")
    axes.set(ylabel="output")
    axes.set_title(name, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
both[0].legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
both[1].set_xlabel("step")
plt.show()
