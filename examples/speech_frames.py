"""
Frames of speech
================

A recogniser of the classic kind cuts speech into frames of 10 ms, describes each by the energy in bands of
frequency, and lets a network say which sound it is. What stands before and after a frame helps: the network
sees nine frames at once, or it is recurrent and remembers.

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
    """Return utterances, each an array (frames, bands), and the sound of each of their frames."""
    rng = np.random.default_rng(seed)
    spectra, labels = [], []
    for _ in range(count):
        stretch = rng.uniform(0.85, 1.2)
        sounds = rng.integers(0, len(NAMES), 12)
        lengths = rng.integers(5, 14, 12)
        label = np.repeat(sounds, lengths)
        steady = np.stack([energies(NAMES[sound], stretch) for sound in label])
        kernel = np.hanning(7)[1:-1] / np.hanning(7).sum()
        glide = np.stack([np.convolve(band, kernel, mode="same") for band in steady.T], axis=1)
        spectra.append(glide + rng.normal(0, 0.9, glide.shape) + rng.normal(0, 0.3))
        labels.append(label)
    return spectra, labels


parts = [utterances(150, seed=0), utterances(20, seed=2), utterances(40, seed=1)]  # train, hold out, test
mean, scale = (getattr(np.concatenate(parts[0][0]), name)(axis=0) for name in ("mean", "std"))
spectra = [[(spectrum - mean) / scale for spectrum in part] for part, _ in parts]
labels = [np.concatenate(part) for _, part in parts]
y, y_held, y_test = labels
print(f"{len(y)} frames to learn from, {len(y_test)} to test with")

# %%
# The same network with and without the frames around the one in question.


def with_context(spectrum):
    """Return each frame with those around it in one row."""
    padded = np.pad(spectrum, ((CONTEXT, CONTEXT), (0, 0)), mode="edge")
    return np.stack([padded[t : t + 2 * CONTEXT + 1].ravel() for t in range(len(spectrum))])


Y, Y_held, _ = (np.eye(len(NAMES))[label] for label in labels)
settings = {"optimizer": fp.Adam(0.003), "patience": 6, "epochs": 40}
predicted = {}
for name, rows_of in {"one frame": lambda spectrum: spectrum, "nine frames": with_context}.items():
    X, X_held, X_test = (np.concatenate([rows_of(one) for one in part]) for part in spectra)
    net = fp.Network([X.shape[1], 64, len(NAMES)], activation="logistic", output_activation="softmax", seed=0)
    fp.train(net, X, Y, validation=(X_held, Y_held), batch_size=64, **settings)
    predicted[name] = net.predict(X_test).argmax(axis=1)

# %%
# A recurrent network goes through an utterance frame by frame, and answers at every one. What came before, it
# remembers. To hear what comes after as well, it answers four frames late: its target is the sound of the
# frame four steps ago, and the first four steps have no loss (``washout``). Utterances differ in length, so
# they are a list.


def delayed(array):
    """Return an array four steps later; its first row stands in front."""
    return np.concatenate([array[:1].repeat(CONTEXT, axis=0), array])


def prolonged(array):
    """Return an array with four more of its last row."""
    return np.concatenate([array, array[-1:].repeat(CONTEXT, axis=0)])


sequences = [[prolonged(spectrum) for spectrum in part] for part in spectra]
targets = [[delayed(np.eye(len(NAMES))[label]) for label in part] for _, part in parts]
net = fp.RecurrentNetwork(
    [len(BANDS), 64, len(NAMES)], cell="lstm", returns="every", output_activation="softmax", seed=0
)
fp.train(
    net,
    sequences[0],
    targets[0],
    validation=(sequences[1], targets[1]),
    washout=CONTEXT,
    batch_size=5,
    clip_norm=1.0,
    **settings | {"optimizer": fp.Adam(0.005)},
)
outputs = net.predict(sequences[2])
predicted["recurrent"] = np.concatenate([output[CONTEXT:].argmax(axis=1) for output in outputs])

confusion = {}
for name, answers in predicted.items():
    table = np.zeros((len(NAMES), len(NAMES)))
    np.add.at(table, (y_test, answers), 1)
    confusion[name] = table / table.sum(axis=1, keepdims=True)
    print(f"{name:12} {np.mean(answers == y_test):.1%} of the test frames right")

# %%
# Which sounds are taken for which:

figure, panels = plt.subplots(1, 3, figsize=(12, 4.2), layout="constrained", sharey=True)
for axes, (name, table) in zip(panels, confusion.items(), strict=True):
    picture = axes.imshow(table, cmap="Oranges", vmin=0, vmax=1)
    axes.set_xticks(range(len(NAMES)), NAMES)
    axes.set_yticks(range(len(NAMES)), NAMES)
    axes.set(xlabel="taken for")
    axes.set_title(name, loc="left")
panels[0].set_ylabel("sound")
figure.colorbar(picture, ax=panels, label="share of the frames", shrink=0.8)
plt.show()
