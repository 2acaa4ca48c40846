"""
Activation functions and their slopes
=====================================

All activations of a layer, and their derivatives, as the core computes them: :func:`ferroprop.trace` of a
network with one unit. The formulas are on the page on mathematics. A delta is multiplied by the slope on
its way back, so where the blue line is near 0 a unit hardly learns.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np

ACTIVATIONS = ["identity", "logistic", fp.Logistic(slope=4.0), "bipolar"]
ACTIVATIONS += ["tanh", "arctan", "softsign", "hard_sigmoid"]
ACTIVATIONS += ["relu", fp.LeakyReLU(slope=0.2), "elu", "selu"]
ACTIVATIONS += ["softplus", "gelu", "silu", "mish"]

z = np.linspace(-4, 4, 401).reshape(-1, 1)
figure, panels = plt.subplots(4, 4, figsize=(10, 8.6), sharex=True, sharey=True, layout="constrained")
for axes, activation in zip(panels.ravel(), ACTIVATIONS, strict=True):
    unit = fp.Network([1, 1], output_activation=activation, bias=False, dtype="float64")
    unit.set_parameters([[[1.0]]], [None])
    layer = fp.trace(unit, z, np.zeros_like(z), loss="squared_error").layers[0]
    axes.axhline(0, color="#cccccc", linewidth=0.8)
    axes.axvline(0, color="#cccccc", linewidth=0.8)
    axes.plot(z, layer.derivative, color="#20639b", linewidth=1.2, label="slope")
    axes.plot(z, layer.output, color="#b7410e", linewidth=1.8, label="output")
    axes.set(ylim=(-1.9, 2.6))
    axes.set_title(str(activation), loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
panels.ravel()[0].legend(frameon=False, fontsize=8)
plt.show()
