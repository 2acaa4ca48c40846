"""
How sure is a prediction?
=========================

A network that was trained with dropout can be asked many times, with other units left out each time: Monte
Carlo dropout (Y. Gal and Z. Ghahramani, *Dropout as a Bayesian approximation*, ICML 2016). How far the
answers differ says something about how much to trust them, and less than one would like.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np

rng = np.random.default_rng(0)
X = np.concatenate([rng.uniform(-4, -1, 120), rng.uniform(1, 3, 80)])[:, None]
Y = np.sin(2 * X) + 0.1 * rng.normal(size=X.shape)
everywhere = np.linspace(-6, 6, 400)[:, None]
between = np.abs(everywhere) < 1
beyond = (everywhere < -4) | (everywhere > 3)

# %%
# Three networks that differ in their initial weights; `dropout` has the rates of the training.

networks = []
for seed in range(3):
    net = fp.Network([1, 100, 100, 1], seed=seed)
    fp.train(net, X, Y, optimizer=fp.Adam(0.01), dropout=0.1, epochs=600)
    networks.append(net)

figure, panels = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
for seed, (axes, net) in enumerate(zip(panels, networks, strict=True)):
    mean, std = net.predict(everywhere, samples=200, dropout=0.1, return_std=True)
    band = (mean - 2 * std).ravel(), (mean + 2 * std).ravel()
    axes.fill_between(everywhere.ravel(), *band, color="#20639b", alpha=0.2)
    axes.plot(everywhere, mean, color="#20639b")
    axes.plot(X, Y, ".", color="black", markersize=2)
    axes.set(xlabel="x", ylim=(-3, 3))
    parts = {"data": ~(between | beyond), "gap": between, "beyond": beyond}
    spreads = ", ".join(f"{name} {np.median(std[part]):.2f}" for name, part in parts.items())
    print(f"network {seed}, median spread: {spreads}")
panels[0].set_ylabel("y")
panels[0].set_title("Mean and two standard deviations of 200 answers", loc="left", fontsize=10)
plt.show()

# %%
# In the gap the answers of each network differ more than where there are data. Beyond the data the band is
# whatever the network happens to do there, and the three disagree with each other by more than their bands
# say. So the spread is a hint within the range of the data and none outside it; its width goes with the rate
# of dropout that was chosen; and the noise of the measurements comes on top.
#
# The random numbers of a sample are the same for every row, so that each sample is a curve:

curves = networks[2].predict(everywhere, samples=12, dropout=0.1, return_samples=True)[:, :, 0]
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.plot(everywhere, curves.T, linewidth=0.8)
axes.plot(X, Y, ".", color="black", markersize=3)
axes.set(xlabel="x", ylabel="y", ylim=(-3, 3))
plt.show()

# %%
# Estimators know their dropout: ``MLPRegressor(dropout=0.1).fit(X, y).predict(X, return_std=True)``, and
# ``predict_proba(X, samples=100)`` of `MLPClassifier` is the mean of the probabilities.
