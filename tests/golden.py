"""Small fits that stand for all, and the hashes of what they gave when they were last meant to change.

    python tests/golden.py            prints the hashes that this machine computes
    python tests/golden.py --write    writes them to tests/golden_hashes.json

Whoever writes them says so in CHANGELOG.md: a change of bits is a change that users can notice.
"""

import functools
import json
import sys
from dataclasses import replace
from pathlib import Path

import ferroprop as fp
import numpy as np
from fits import OTHERS, Fit, hash_of_gradients, hash_of_history, hash_of_parameters, numbers, sha256
from strategies import ALL_ACTIVATIONS, ALL_LOSSES, HIDDEN_ACTIVATIONS, OUTPUTS

FILE = Path(__file__).with_name("golden_hashes.json")

# Between them they have every activation, loss, output and optimizer, every feature of a training, sizes on
# both sides of a vector and a tile, and more rows than one chunk. Small, because one instruction set is slow.
_FITS = {
    "Rprop": Fit(layer_sizes=(3, 17, 5, 2), rows=301, epochs=12),
    "Rprop, mini-batches": Fit(layer_sizes=(4, 9, 3), rows=83, batch_size=16, activation="relu"),
    "RPROP+": Fit(layer_sizes=(3, 17, 5, 2), rows=301, epochs=12, optimizer="RPROP+"),
    "RPROP-": Fit(layer_sizes=(3, 17, 5, 2), rows=301, epochs=12, optimizer="RPROP-"),
    "iRPROP-": Fit(layer_sizes=(3, 17, 5, 2), rows=301, epochs=12, optimizer="iRPROP-"),
    "GRprop": Fit(layer_sizes=(3, 17, 5, 2), rows=301, epochs=12, optimizer="GRprop", alpha=0.1),
    "GRprop, smallest step": Fit(
        layer_sizes=(4, 9, 3), rows=83, batch_size=16, optimizer="GRprop smallest step"
    ),
    "SARPROP": Fit(layer_sizes=(3, 17, 5, 2), rows=301, epochs=12, optimizer="SARPROP", alpha=0.1),
    "SGD": Fit(layer_sizes=(5, 33, 2), rows=100, batch_size=37, activation="relu", optimizer="SGD"),
    "SGD, full batch": Fit(layer_sizes=(5, 20, 3), rows=70, epochs=8, output="tanh", optimizer="SGD"),
    "SGD, classical momentum": Fit(
        layer_sizes=(2, 8, 8, 1), rows=64, batch_size=10, activation="logistic", optimizer="SGD classical"
    ),
    "SGD, no momentum": Fit(
        layer_sizes=(3, 4, 1), rows=50, batch_size=1, output="logistic", loss="log_loss",
        optimizer="SGD plain",
    ),
    "SGD, a rate by a function": Fit(
        layer_sizes=(6, 18, 2), rows=90, batch_size=32, epochs=6, output="relu", optimizer="SGD by a function"
    ),
    "SGD, a line": Fit(layer_sizes=(6, 18, 2), rows=90, batch_size=32, epochs=6, optimizer="SGD linear"),
    "Adam, exponential": Fit(layer_sizes=(6, 18, 2), rows=90, batch_size=32, optimizer="Adam exponential"),
    "Adam, one cycle": Fit(layer_sizes=(6, 18, 2), rows=90, epochs=9, optimizer="Adam one cycle"),
    "Adam, adaptive": Fit(layer_sizes=(6, 18, 2), rows=90, batch_size=32, optimizer="Adam adaptive"),
    "AdamW, schedules": Fit(
        layer_sizes=(6, 18, 9, 2), rows=90, batch_size=32, epochs=6, activation="silu",
        optimizer="AdamW schedules", n_threads=2,
    ),
    "SGD, inverse scaling": Fit(
        layer_sizes=(6, 12, 4), rows=90, batch_size=25, output="softmax", loss="log_loss",
        optimizer="SGD invscaling",
    ),
    "SGD, inverse scaling by another power": Fit(
        layer_sizes=(6, 12, 4), rows=90, batch_size=25, output="softmax", optimizer="SGD invscaling 0.3"
    ),
    "SGD, adaptive": Fit(layer_sizes=(3, 10, 2), rows=45, batch_size=9, epochs=5, optimizer="SGD adaptive"),
    "Adam": Fit(
        layer_sizes=(8, 24, 10), rows=120, batch_size=50, epochs=6, activation="relu", output="softmax",
        loss="log_loss", optimizer="Adam",
    ),
    "Adam, full batch": Fit(layer_sizes=(8, 16, 1), rows=257, epochs=9, optimizer="Adam own constants"),
    "slopes": Fit(
        layer_sizes=(4, 13, 6, 3), rows=75, epochs=8, activation=[fp.Logistic(2.5), "identity"],
        output=fp.Logistic(0.5), loss="log_loss",
    ),
    "sample weights and penalty": Fit(
        layer_sizes=(7, 19, 3), rows=150, epochs=8, output="logistic", loss="log_loss", weighted=True,
        alpha=0.5,
    ),
    "sample weights and penalty, mini-batches": Fit(
        layer_sizes=(7, 19, 3), rows=150, batch_size=64, output="logistic", weighted=True, alpha=0.5,
        optimizer="Adam",
    ),
    "validation": Fit(
        layer_sizes=(3, 30, 1), rows=60, epochs=25, validation_rows=41, weighted=True,
        settings={"patience": 4},
    ),
    "no biases, small initial weights": Fit(
        layer_sizes=(5, 16, 16, 2), rows=40, epochs=6, bias=[True, False, False], init="uniform"
    ),
    "no hidden layer": Fit(layer_sizes=(10, 5), rows=77, epochs=10, output="softmax", loss="log_loss"),
    "one of everything": Fit(layer_sizes=(1, 1), rows=1),
    "in the order of the rows": Fit(
        layer_sizes=(2, 7, 1), rows=30, batch_size=7, optimizer="Adam", settings={"shuffle": False}
    ),
    "widths": Fit(
        layer_sizes=(7, 49, 33, 15, 65, 16, 1), rows=29,
        activation=["relu", "tanh", "identity", "tanh", "relu"],
    ),
    "several chunks of rows": Fit(layer_sizes=(3, 11, 2), rows=1111, weighted=True),
    "sums in several blocks": Fit(layer_sizes=(1030, 3, 530, 2), rows=9, activation=["identity", "tanh"]),
    "shared between threads": Fit(layer_sizes=(40, 50, 30, 3), rows=331, n_threads=3),
    "AdamW": Fit(layer_sizes=(8, 70, 3), rows=120, batch_size=50, epochs=6, optimizer="AdamW"),
    "clipped": Fit(
        layer_sizes=(7, 70, 3), rows=150, batch_size=64, weighted=True, alpha=0.5, optimizer="SGD",
        settings={"clip_norm": 0.25}, n_threads=2,
    ),
    "label smoothing": Fit(
        layer_sizes=(7, 19, 3), rows=150, batch_size=64, output="softmax", loss=fp.LogLoss(0.125),
        weighted=True,
    ),
    "dropout": Fit(
        layer_sizes=(6, 40, 33, 2), rows=300, batch_size=64, activation=["relu", "gelu"], optimizer="Adam",
        settings={"dropout": [0.25, 0.5]}, validation_rows=41,
    ),
    **{
        name: Fit(layer_sizes=(8, 16, 3), rows=120, batch_size=50, epochs=6, optimizer=name)
        for name in OTHERS
    },
    **{
        f"{kind} units, {estimator}": Fit(
            layer_sizes=(7, 18, 21, 3), rows=90, batch_size=37, epochs=4, output="softmax", loss="log_loss",
            activation=units(estimator), weighted=True, optimizer="Adam", n_threads=2,
        )
        for kind, units in {
            "bernoulli": lambda estimator: fp.Bernoulli(estimator, samples=3),
            "categorical": lambda estimator: fp.Categorical(3, estimator, temperature=0.75, samples=2),
        }.items()
        for estimator in ("straight_through", "concrete", "straight_through_concrete", "score_function")
    },
    **{
        # The larger batch has rows along the lanes.
        f"{activation} units{more}": Fit(
            layer_sizes=(4, 17, 5, 3), rows=57, batch_size=batch_size, epochs=4, activation=activation,
            output=activation, weighted=True, optimizer="Adam",
        )
        for more, batch_size in [("", 30), (", narrow", 50)]
        for activation in HIDDEN_ACTIVATIONS
        if activation not in ("identity", "logistic", "tanh", "relu")
    },
    **{
        f"{loss} on {output}": Fit(
            layer_sizes=(5, 19, 3), rows=90, batch_size=64, epochs=4, output=output, loss=loss, weighted=True,
            alpha=0.25, optimizer="Adam",
        )
        for loss in ALL_LOSSES
        if loss not in ("squared_error", "log_loss")
        for output in OUTPUTS.get(loss, ["identity", "softmax", "silu"])
    },
}  # fmt: skip

_COMPLEX_FITS = {
    "complex, Rprop": Fit(layer_sizes=(3, 17, 5, 2), rows=301, epochs=12, weighted=True, alpha=0.25),
    "complex, mini-batches": Fit(
        layer_sizes=(5, 16, 33, 1), rows=90, batch_size=37, activation=["relu", "gelu"], optimizer="Adam",
        settings={"dropout": 0.25}, validation_rows=41,
    ), "complex, several chunks of rows": Fit(layer_sizes=(3, 11, 2), rows=1111, loss="absolute_error",
    n_threads=2), "complex, softmax": Fit(layer_sizes=(4, 9, 3), rows=83, output="softmax",
    loss="log_loss"), "complex, absolute values": Fit(layer_sizes=(4, 9, 3), rows=83, output="abs",
    loss="huber", weighted=True), "complex, logistic parts": Fit(layer_sizes=(4, 3), rows=57,
    output="logistic", loss="log_loss"), **{
        f"{activation} units": Fit(
            layer_sizes=(4, 17, 5, 3), rows=57, batch_size=30, epochs=4, activation=activation,
            output=activation, weighted=True, optimizer="Adam", bias=[True, False, True],
        )
        for activation in fp.COMPLEX_ACTIVATIONS
        if activation != "abs"
    },
}  # fmt: skip

DTYPES = ["float32", "float64"]
FITS = {
    f"{name} ({dtype})": replace(fit, dtype=dtype)
    for fits, dtypes in [(_FITS, DTYPES), (_COMPLEX_FITS, ["complex64", "complex128"])]
    for dtype in dtypes
    for name, fit in fits.items()
}


def of_all_magnitudes(dtype, count):
    """Return finite numbers that are evenly spread over the bit patterns, in one column."""
    unsigned = {"float32": np.uint32, "float64": np.uint64}[dtype]
    step = -(-(2 ** (8 * np.dtype(dtype).itemsize)) // count) | 1
    patterns = np.arange(count, dtype=np.uint64) * np.uint64(step)
    values = patterns.astype(unsigned).view(dtype)
    return values[np.isfinite(values)][:, None]


def function_hashes(dtype, count=200_000):
    """Return hashes of the activations and of log_loss over numbers of all magnitudes."""
    X = of_all_magnitudes(dtype, count)
    hashes = {}
    for name, output in [
        ("logistic", "logistic"),
        ("logistic with a slope", fp.Logistic(0.3)),
        ("tanh", "tanh"),
        ("relu", "relu"),
        ("softmax", "softmax"),
    ]:
        weights = [[1.0, -0.75, 0.25]] if output == "softmax" else [[1.0]]
        network = fp.Network([1, len(weights[0])], output_activation=output, bias=False, dtype=dtype)
        network.set_parameters([weights], [None])
        hashes[name] = sha256(network.predict(X))
    for name in ALL_ACTIVATIONS:
        if name not in hashes:
            network = fp.Network([1, 1], output_activation=name, bias=False, dtype=dtype)
            network.set_parameters([[[1.0]]], [None])
            arrays = network.predict(X), network.input_gradient(X)
            # Where a number is too large for e^z, there is nothing to hash.
            hashes[name] = sha256(*(array[np.isfinite(array)] for array in arrays))

    # Numbers of one magnitude in a call: in the double precision in which losses are added, none of them
    # hides another.
    exponents = np.frexp(X[:, 0])[1]
    for name, output, weights, target in [
        ("log_loss, logistic, yes", "logistic", [[1.0]], [1.0]),
        ("log_loss, logistic, no", "logistic", [[1.0]], [0.0]),
        ("log_loss, logistic, unsure", "logistic", [[1.0]], [0.25]),
        ("log_loss, softmax", "softmax", [[1.0, -0.75, 0.25]], [0.5, 0.5, 0.0]),
    ]:
        network = fp.Network([1, len(target)], output_activation=output, bias=False, dtype=dtype)
        network.set_parameters([weights], [None])
        gradients = []
        for exponent in range(-40, 20):
            rows = X[exponents == exponent]
            Y = np.tile(np.array(target, dtype), (len(rows), 1))
            gradients += [hash_of_gradients(network.loss_and_gradients(rows, Y))] if len(rows) else []
        hashes[name] = sha256(*(np.frombuffer(bytes.fromhex(text), np.uint8) for text in gradients))
    return hashes


def recurrent_hashes(cell, returns, dtype):
    """Return hashes of two trainings of a recurrent network on sequences of different lengths."""
    network = fp.RecurrentNetwork([5, 19, 7, 2], cell=cell, returns=returns, dtype=dtype, seed=3)
    lengths = [1 + 7 * n % 13 for n in range(90)]
    X = [numbers(f"inputs {n}", length, 5) for n, length in enumerate(lengths)]
    Y = [numbers(f"targets {n}", length if returns == "every" else 1, 2) for n, length in enumerate(lengths)]
    Y = Y if returns == "every" else np.concatenate(Y)
    hashes = {"first parameters": sha256(network.parameter_vector)}
    loss, gradient = network.loss_and_gradient_vector(X, Y, alpha=0.5)
    hashes["gradient"] = sha256(loss, gradient)
    for name, settings in [
        ("full batch", {"optimizer": fp.Rprop(), "truncate": 5}),
        ("mini-batches", {"optimizer": fp.Adam(0.01), "batch_size": 32, "dropout": 0.25, "clip_norm": 0.5}),
    ]:
        history = fp.train(network, X, Y, epochs=3, n_threads=2, **settings)
        hashes[f"{name}, history"] = hash_of_history(history)
        hashes[f"{name}, parameters"] = sha256(network.parameter_vector)
    outputs, state = network.predict(X, return_state=True)
    hashes["outputs"] = sha256(*outputs)
    hashes["state"] = sha256(*(part for entry in state for part in (entry if cell == "lstm" else [entry])))
    return hashes


def search_hashes(dtype):
    """Return hashes of searches by L-BFGS; the vectors of the wide network are summed in two pieces."""
    hashes = {}
    for name, fit, settings in [
        ("narrow", Fit(layer_sizes=(5, 9, 3), rows=70, output="softmax", loss="log_loss", weighted=True), {}),
        ("wide", Fit(layer_sizes=(40, 150, 100, 2), rows=300, alpha=0.5), {"memory": 3}),
    ]:
        fit = replace(fit, dtype=dtype)
        network, (X, Y, weight) = fit.network(), fit.data()
        minimum = fp.minimize(
            network,
            X,
            Y,
            loss=fit.loss,
            sample_weight=weight,
            alpha=fit.alpha,
            max_iter=8,
            n_threads=2,
            **settings,
        )
        hashes[f"{name}, losses"] = sha256(minimum.losses, minimum.evaluations)
        hashes[f"{name}, parameters"] = hash_of_parameters(network)
    return hashes


CASES = {
    **{name: fit.run for name, fit in FITS.items()},
    **{f"functions ({dtype})": functools.partial(function_hashes, dtype) for dtype in DTYPES},
    **{
        f"{cell}, {returns} ({dtype})": functools.partial(recurrent_hashes, cell, returns, dtype)
        for cell in ("rnn", "lstm", "gru")
        for returns in ("last", "every")
        for dtype in DTYPES
    },
    **{f"L-BFGS ({dtype})": functools.partial(search_hashes, dtype) for dtype in DTYPES},
}


def all_hashes():
    return {name: compute() for name, compute in CASES.items()}


def main(arguments):
    text = json.dumps(all_hashes(), indent=1) + "\n"
    if arguments == ["--write"]:
        FILE.write_text(text, encoding="utf-8")
    elif not arguments:
        sys.stdout.write(text)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
