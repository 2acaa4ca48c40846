"""
Exclusive or with one complex neuron
====================================

A real neuron parts the plane with one line. A complex one has two outputs, the parts of a complex number,
and its weight turns the plane: it parts it with two lines at right angles (T. Nitta, *Solving the XOR
problem and the detection of symmetry using a single complex-valued neuron*, Neural Networks 16, 2003).
Exclusive or is whether the two parts differ.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np

# The two inputs are the signs of the real and the imaginary part.
Z = np.array([[-1 - 1j], [-1 + 1j], [1 - 1j], [1 + 1j]])
targets = (Z.real > 0) + 1j * (Z.imag > 0)

neuron = fp.Network([1, 1], output_activation="logistic", dtype="complex128", seed=1)
history = fp.train(neuron, Z, targets, optimizer=fp.Rprop(), epochs=60, alpha=0.01)
print(
    f"loss {history.loss[-1]:.2g}; weight {neuron.weights[0].item():.2f}, bias {neuron.biases[0].item():.2f}"
)
for z, answer in zip(Z.ravel(), neuron.predict(Z).ravel(), strict=True):
    print(f"{z:+.0f}: {answer:.3f}  exclusive or: {(answer.real > 0.5) != (answer.imag > 0.5)}")

# %% The encoding does half of the work: two numbers come out, and comparing them is another step. What the
# neuron itself has is the turn. Here the four points are turned by 30 degrees, which its weight takes back.

turned = Z * np.exp(1j * np.radians(30))
fp.train(neuron, turned, targets, optimizer=fp.Rprop(), epochs=60, alpha=0.01)
print(f"the weight turns by {np.degrees(np.angle(neuron.weights[0].item())):.1f} degrees")

# %%
# The lines where a part is 1/2, and exclusive or between them:

side = np.linspace(-2, 2, 400)
plane = side[None, :] + 1j * side[:, None]
answer = neuron.predict(plane.reshape(-1, 1)).reshape(plane.shape)
figure, axes = plt.subplots(figsize=(4.4, 4.4), layout="constrained")
axes.imshow(
    (answer.real > 0.5) != (answer.imag > 0.5),
    extent=(-2, 2, -2, 2),
    origin="lower",
    cmap="RdBu_r",
    vmin=-0.5,
    vmax=1.5,
)
axes.contour(side, side, answer.real, levels=[0.5], colors="black", linestyles="--", linewidths=1.2)
axes.contour(side, side, answer.imag, levels=[0.5], colors="black", linestyles=":", linewidths=1.2)
axes.scatter(turned.real, turned.imag, c="white", edgecolors="black", s=90, zorder=3)
axes.set(xlabel="real part", ylabel="imaginary part")
axes.set_title("Real part ½ (dashed), imaginary part ½ (dotted)", loc="left", fontsize=10)
plt.show()
