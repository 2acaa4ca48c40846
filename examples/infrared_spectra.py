"""
Functional groups from infrared spectra
=======================================

An infrared spectrum shows which groups of atoms a molecule has, by the wavenumbers at which they absorb. A
molecule may have several, so each group is a yes-or-no output of its own: *multilabel* classification,
logistic outputs with the log loss.

The spectra are made up from the textbook positions of the bands (R. M. Silverstein et al., "Spectrometric
Identification of Organic Compounds"), with random strengths, shifts, widths, a sloping base line, other
bands and noise.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np

# Group: its bands as (wavenumber in 1/cm, full width at half maximum in 1/cm, strength).
BANDS = {
    "alcohol O-H": [(3350, 280, 0.8), (1080, 70, 0.6)],
    "carboxylic acid": [(3000, 600, 0.6), (1712, 45, 1.0), (1260, 70, 0.6)],
    "ketone C=O": [(1715, 35, 1.0)],
    "ester C=O": [(1740, 35, 1.0), (1200, 90, 0.9)],
    "nitrile": [(2250, 25, 0.4)],
    "alkene C=C": [(1645, 35, 0.4), (3080, 40, 0.3)],
    "aromatic ring": [(1600, 30, 0.5), (1500, 30, 0.6), (3030, 40, 0.3), (750, 40, 0.7)],
    "nitro": [(1530, 40, 0.9), (1350, 40, 0.8)],
}
GROUPS = list(BANDS)
WAVENUMBERS = np.linspace(600, 3800, 161)


def spectrum(present, rng):
    """Return the absorbance at each wavenumber."""
    bands = [band for group, there in zip(GROUPS, present, strict=True) if there for band in BANDS[group]]
    bands += [(2930, 80, 0.8), (1455, 40, 0.5)]  # C-H, which almost every molecule has
    bands += [(rng.uniform(650, 1500), 40, 0.4) for _ in range(4)]
    absorbance = rng.uniform(0, 0.1) + rng.uniform(-0.1, 0.1) * (WAVENUMBERS - 2200) / 3200
    for place, width, strength in bands:
        half = width * rng.uniform(0.7, 1.4) / 2
        distance = (WAVENUMBERS - place - rng.normal(0, 8)) / half
        absorbance = absorbance + strength * rng.uniform(0.5, 1.3) / (1 + distance**2)
    return absorbance + rng.normal(0, 0.02, WAVENUMBERS.size)


def spectra(count, seed):
    """Return spectra and, for each, which groups are there."""
    rng = np.random.default_rng(seed)
    present = (rng.random((count, len(GROUPS))) < 0.25).astype(float)
    return np.stack([spectrum(row, rng) for row in present]), present


X, Y = spectra(3000, seed=0)
X_held, Y_held = spectra(500, seed=1)
X_test, Y_test = spectra(1000, seed=2)
mean, scale = X.mean(axis=0), X.std(axis=0)
X, X_held, Z_test = ((part - mean) / scale for part in (X, X_held, X_test))

net = fp.Network([WAVENUMBERS.size, 40, len(GROUPS)], activation="tanh", output_activation="logistic", seed=0)
history = fp.train(
    net, X, Y, optimizer=fp.Rprop(), epochs=200, alpha=1.0, validation=(X_held, Y_held), patience=25
)
probability = net.predict(Z_test)
print(f"{history.epochs} epochs in {history.seconds:.1f} s: {history.stop_reason}")

# %%
# How good it is, group by group. Precision: of those found, how many are there; recall: of those there, how
# many are found.

found, there = probability > 0.5, Y_test == 1
print(f"{'':16} precision  recall")
for place, group in enumerate(GROUPS):
    both = (found & there)[:, place].sum()
    print(f"{group:16} {both / found[:, place].sum():9.3f}  {both / there[:, place].sum():6.3f}")
print(f"all groups right in {np.mean((found == there).all(axis=1)):.1%} of {len(there)} spectra")

# %%
# A spectrum, as chemists draw it, and what the network says.

row = int(np.flatnonzero((there.sum(axis=1) == 3) & (found == there).all(axis=1))[0])
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), width_ratios=[2, 1], layout="constrained")
left.plot(WAVENUMBERS, 10 ** -X_test[row], color="#333333", linewidth=1)
left.invert_xaxis()
left.set(xlabel="wavenumber, 1/cm", ylabel="transmittance")
left.set_title("Molecule with " + ", ".join(np.array(GROUPS)[there[row]]), loc="left", fontsize=10)
left.spines[["top", "right"]].set_visible(False)
colors = np.where(there[row], "#b7410e", "#9cbfdf")
right.barh(GROUPS[::-1], probability[row][::-1], color=colors[::-1])
right.axvline(0.5, color="#555555", linewidth=0.8)
right.set(xlim=(0, 1), xlabel="probability")
right.spines[["top", "right"]].set_visible(False)
plt.show()
