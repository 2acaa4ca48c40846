"""
An equaliser for a channel that bends
=====================================

A radio receiver sees each symbol mixed with those before it, bent by an amplifier, and with noise. Symbols,
channel and signal are complex: amplitude and phase. An equaliser guesses the symbol from a few samples of
the signal. The classical one is a linear filter, found by complex least squares; a complex network can undo
the bending too.

The channel is the one of I. Cha and S. A. Kassam, *Channel equalization using adaptive complex radial basis
function networks*, IEEE Journal on Selected Areas in Communications 13, 1995, with the coefficients that
are commonly given for it.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np

TAPS, DELAY = 5, 2  # samples that the equaliser sees; the symbol it is asked for is so many samples old


def transmit(n, noise, rng):
    """Return windows of the received signal, and the symbol in the middle of each."""
    symbols = rng.choice([-1, 1], n) + 1j * rng.choice([-1, 1], n)  # 4-QAM
    mixed = np.convolve(symbols, [0.34 - 0.27j, 0.87 + 0.43j, 0.34 - 0.21j])[:n]
    bent = mixed + 0.1 * mixed**2 + 0.05 * mixed**3
    received = bent + noise * (rng.normal(size=n) + 1j * rng.normal(size=n))
    windows = np.lib.stride_tricks.sliding_window_view(received, TAPS)[:, ::-1]
    return windows, symbols[TAPS - 1 - DELAY : n - DELAY]


def errors(estimate, symbols):
    """Return the share of symbols in the wrong quadrant."""
    wrong = (np.sign(estimate.real) != np.sign(symbols.real)) | (
        np.sign(estimate.imag) != np.sign(symbols.imag)
    )
    return wrong.mean()


rng = np.random.default_rng(0)
strengths = [8, 12, 16, 20]  # signal-to-noise ratio in dB
rates = {"least squares": [], "real network": [], "complex network": []}
for decibels in strengths:
    noise = 10 ** (-decibels / 20)
    Z, symbols = transmit(4_000, noise, rng)
    Z_test, symbols_test = transmit(100_000, noise, rng)
    with_bias = [np.c_[windows, np.ones(len(windows))] for windows in (Z, Z_test)]
    weights, *_ = np.linalg.lstsq(with_bias[0], symbols, rcond=None)
    rates["least squares"].append(errors(with_bias[1] @ weights, symbols_test))

    # About as many real parameters: 16 complex units, or 18 real ones on real and imaginary parts.
    net = fp.Network([TAPS, 16, 1], activation="tanh", dtype="complex128", seed=0)
    fp.train(net, Z, symbols[:, None], optimizer=fp.Rprop(), epochs=300)
    rates["complex network"].append(errors(net.predict(Z_test)[:, 0], symbols_test))

    real = fp.Network([2 * TAPS, 18, 2], activation="tanh", dtype="float64", seed=0)
    parts = [np.c_[windows.real, windows.imag] for windows in (Z, Z_test)]
    fp.train(real, parts[0], np.c_[symbols.real, symbols.imag], optimizer=fp.Rprop(), epochs=300)
    rates["real network"].append(errors(real.predict(parts[1]) @ [1, 1j], symbols_test))
    if decibels == strengths[0]:
        print(f"parameters: complex {2 * net.n_parameters} real numbers, real {real.n_parameters}")

for name, of_name in rates.items():
    print(f"{name:16}", *(f"{rate:8.4f}" for rate in of_name))

# %% Wrong symbols by the strength of the signal. Real and complex networks of the same size do equally well
# here; the complex one says in one weight what the other one needs four for.

figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
for (name, of_name), style in zip(rates.items(), ("o--", "s:", "^-"), strict=True):
    axes.semilogy(strengths, of_name, style, label=name)
axes.set(xlabel="signal to noise (dB)", ylabel="symbols wrong", xticks=strengths)
axes.legend()
axes.set_title("A channel that mixes and bends", loc="left")
plt.show()

# %%
# What is received, and what the network makes of it, at 20 dB:

figure, pair = plt.subplots(1, 2, figsize=(7, 3.6), layout="constrained", sharex=True, sharey=True)
for axes, points, title in zip(
    pair, (Z_test[:2000, DELAY], net.predict(Z_test[:2000])[:, 0]), ("received", "equalised"), strict=True
):
    quadrant = (symbols_test[:2000].real > 0) + 2 * (symbols_test[:2000].imag > 0)
    axes.scatter(points.real, points.imag, c=quadrant, cmap="tab10", vmax=9, s=4)
    axes.set(aspect="equal", xlabel="real part")
    axes.set_title(title, loc="left")
pair[0].set_ylabel("imaginary part")
plt.show()
