"""
Frames of speech
================

A recogniser of the classic kind cuts speech into frames of 10 ms, describes each by the energy in bands of
frequency, and lets a network say which sound it is. What stands before and after a frame helps: the network
sees nine frames at once.

The speech here is made up: vowels by their formants (G. E. Peterson and H. L. Barney, "Control methods used
in a study of the vowels", 1952, averages for men), a hiss and a pause, in sequences with gliding
transitions, from speakers with longer and shorter vocal tracts, and with noise.
"""

import ferroprop as fp
import matplotlib.pyplot as plt
import numpy as np

SOUNDS = {  # the first three formants in Hz
    "i": (270, 2290, 3010),
    "e": (530, 1840, 2480),
    "a": (730, 1090, 2440),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
    "er": (490, 1350, 1690),
    "s": None,
    "pause": None,
}
NAMES = list(SOUNDS)
BANDS = np.geomspace(150, 6000, 24)  # centres in Hz
CONTEXT = 4  # frames before and after


def energies(name, stretch):
    """Return the log energy in each band."""
    if name == "pause":
        return np.full(BANDS.size, -3.0)
    if name == "s":
        return -2.5 + 3.0 / (1 + np.exp(-(BANDS / stretch - 3500) / 400))
    distance = [(BANDS - stretch * f) / (60 + 0.08 * f) for f in SOUNDS[name]]
    peaks = sum(level / (1 + d**2) for level, d in zip((1.0, 0.6, 0.3), distance, strict=True))
    return np.log(peaks + 0.03)


def utterances(count, seed):
    """Return frames with their context, and the sound of the frame in the middle."""
    rng = np.random.default_rng(seed)
    frames, labels = [], []
    for _ in range(count):
        stretch = rng.uniform(0.85, 1.2)
        sounds = rng.integers(0, len(NAMES), 12)
        lengths = rng.integers(5, 14, 12)
        label = np.repeat(sounds, lengths)
        steady = np.stack([energies(NAMES[sound], stretch) for sound in label])
        kernel = np.hanning(7)[1:-1] / np.hanning(7).sum()
        glide = np.stack([np.convolve(band, kernel, mode="same") for band in steady.T], axis=1)
        spectrum = glide + rng.normal(0, 0.9, glide.shape) + rng.normal(0, 0.3)
        padded = np.pad(spectrum, ((CONTEXT, CONTEXT), (0, 0)), mode="edge")
        frames.append(np.stack([padded[t : t + 2 * CONTEXT + 1].ravel() for t in range(len(label))]))
        labels.append(label)
    return np.concatenate(frames), np.concatenate(labels)


X, y = utterances(150, seed=0)
X_test, y_test = utterances(40, seed=1)
X_held, y_held = utterances(20, seed=2)
mean, scale = X.mean(axis=0), X.std(axis=0)
X, X_held, X_test = ((part - mean) / scale for part in (X, X_held, X_test))

# %%
# The same network with and without the frames around the one in question.

middle = slice(CONTEXT * BANDS.size, (CONTEXT + 1) * BANDS.size)
confusion = {}
for name, columns in {"one frame": middle, "nine frames": slice(None)}.items():
    net = fp.Network(
        [X[:, columns].shape[1], 64, len(NAMES)], activation="logistic", output_activation="softmax", seed=0
    )
    history = fp.train(
        net,
        X[:, columns],
        np.eye(len(NAMES))[y],
        optimizer=fp.Adam(0.003),
        batch_size=64,
        epochs=40,
        validation=(X_held[:, columns], np.eye(len(NAMES))[y_held]),
        patience=6,
    )
    predicted = net.predict(X_test[:, columns]).argmax(axis=1)
    table = np.zeros((len(NAMES), len(NAMES)))
    np.add.at(table, (y_test, predicted), 1)
    confusion[name] = table / table.sum(axis=1, keepdims=True)
    print(
        f"{name:12} {np.mean(predicted == y_test):.1%} of {len(y_test)} frames right, {history.epochs} epochs"
    )

# %%
# Which sounds are taken for which:

figure, both = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained", sharey=True)
for axes, (name, table) in zip(both, confusion.items(), strict=True):
    picture = axes.imshow(table, cmap="Oranges", vmin=0, vmax=1)
    axes.set_xticks(range(len(NAMES)), NAMES)
    axes.set_yticks(range(len(NAMES)), NAMES)
    axes.set(xlabel="taken for")
    axes.set_title(name, loc="left")
both[0].set_ylabel("sound")
figure.colorbar(picture, ax=both, label="share of the frames", shrink=0.8)
plt.show()
