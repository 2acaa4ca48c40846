"""Gradients are clipped by their norm before a step: as in NumPy, whatever the threads."""

import ferroprop as fp
import numpy as np
import pytest
import reference

rng = np.random.default_rng(8)
X, Y = rng.normal(size=(300, 5)), 3 * rng.normal(size=(300, 2))
WEIGHTS = rng.uniform(0.5, 2, 300)

OPTIMIZERS = {
    "SGD": lambda: (fp.SGD(0.5), reference.SGD(0.5)),
    "Adam": lambda: (fp.Adam(0.05), reference.Adam(0.05)),
    "AdamW": lambda: (fp.AdamW(0.05, weight_decay=0.1), reference.AdamW(0.05, weight_decay=0.1)),
    "irprop-": lambda: (fp.Rprop("irprop-"), reference.Rprop("irprop-")),
    "GRprop": lambda: (fp.GRprop(), reference.GRprop(max_step=1.0)),
}


def network(sizes=(5, 9, 2), dtype="float64", seed=2):
    return fp.Network(sizes, activation="tanh", dtype=dtype, seed=seed)


def layers(net):
    parts = zip(net.weights, net.biases, [*net.activations, net.output_activation], strict=True)
    return [reference.Layer(W, b, activation) for W, b, activation in parts]


def parameters(net):
    return [array.tobytes() for array in [*net.weights, *net.biases]]


@pytest.mark.parametrize("clip_norm", [0.01, 0.5, 2.0, 1e6])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_trajectories(optimizer, clip_norm):
    """The norm is that of weights and biases together, with the penalty and the weights of the rows."""
    library, slow = OPTIMIZERS[optimizer]()
    net = network()
    if optimizer == "AdamW":
        slow.decays = reference.to_vector([np.ones_like(W) for W in net.weights], [0 * b for b in net.biases])
    arguments = {
        "epochs": 4,
        "sample_weight": WEIGHTS,
        "alpha": 3.0,
        "batch_size": 128,
        "clip_norm": clip_norm,
    }
    expected = reference.train(layers(net), X, Y, "squared_error", slow, **arguments)
    history = fp.train(net, X, Y, loss="squared_error", optimizer=library, shuffle=False, **arguments)
    np.testing.assert_allclose(history.loss, expected.losses, rtol=1e-11)
    for W, b, layer in zip(net.weights, net.biases, expected.layers, strict=True):
        np.testing.assert_allclose(W, layer.weights, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(b, layer.biases, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_step_is_as_long_as_it_may_be(dtype):
    """Plain gradient descent with rate 1 moves by the gradient, and so by clip_norm."""
    net = network(dtype=dtype)
    before = [array.astype(np.float64) for array in [*net.weights, *net.biases]]
    loss, of_weights, of_biases = net.loss_and_gradients(X, Y, alpha=5.0)
    gradient = np.concatenate([array.ravel() for array in [*of_weights, *of_biases]]).astype(np.float64)
    optimizer = fp.SGD(1.0, momentum=0.0, nesterov=False)
    history = fp.train(net, X, Y, optimizer=optimizer, alpha=5.0, epochs=1, clip_norm=0.125)
    after = [*net.weights, *net.biases]
    moved = np.concatenate([(b - a).ravel() for b, a in zip(before, after, strict=True)])
    rtol = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(np.linalg.norm(moved), 0.125, rtol=rtol)
    np.testing.assert_allclose(moved, gradient * 0.125 / np.linalg.norm(gradient), rtol=1e-3, atol=1e-7)
    # The loss that is reported is the true one.
    assert history.loss == [loss]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, "irprop+", "sarprop"])
@pytest.mark.parametrize("sizes", [(5, 9, 2), (5, 150, 120, 2)], ids=str)
def test_a_norm_that_is_never_reached_changes_no_bit(sizes, optimizer, dtype):
    make = OPTIMIZERS.get(optimizer, lambda: (optimizer, None))
    bits = []
    for clip_norm in (None, 1e30):
        net = network(sizes, dtype)
        fp.train(net, X, Y, optimizer=make()[0], epochs=3, batch_size=128, alpha=0.1, clip_norm=clip_norm)
        bits.append(parameters(net))
    assert bits[0] == bits[1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", ["SGD", "AdamW", "GRprop"])
@pytest.mark.parametrize("sizes", [(5, 9, 2), (5, 150, 120, 2), (5, 300, 1)], ids=str)
def test_threads_change_nothing(sizes, optimizer, dtype):
    bits = []
    for n_threads in (1, 2, 3):
        net = network(sizes, dtype)
        many, targets = np.tile(X, (9, 1)), np.tile(Y[:, : sizes[-1]], (9, 1))
        settings = {"epochs": 2, "batch_size": 1500, "clip_norm": 0.1, "n_threads": n_threads}
        fp.train(net, many, targets, optimizer=OPTIMIZERS[optimizer]()[0], **settings)
        bits.append(parameters(net))
    assert bits[0] == bits[1] == bits[2]


def test_gradients_whose_squares_float32_cannot_hold():
    net = network(dtype="float32")
    before = np.concatenate([array.ravel() for array in [*net.weights, *net.biases]])
    optimizer = fp.SGD(1.0, momentum=0.0, nesterov=False)
    with np.errstate(over="ignore"):
        fp.train(
            net, X, Y, optimizer=optimizer, epochs=1, clip_norm=1.0,
            loss=lambda A, T: (np.ones(len(A), A.dtype), np.full_like(A, 1e25)),
        )  # fmt: skip
    after = np.concatenate([array.ravel() for array in [*net.weights, *net.biases]])
    np.testing.assert_allclose(np.linalg.norm(after.astype(np.float64) - before), 1.0, rtol=1e-5)


def test_a_gradient_that_is_no_number_is_a_divergence_all_the_same():
    net = network()
    before = parameters(net)
    with pytest.warns(RuntimeWarning, match="diverged"):
        history = fp.train(
            net, X, Y, optimizer="sgd", clip_norm=1.0,
            loss=lambda A, T: (np.ones(len(A)), np.full_like(A, np.inf)),
        )  # fmt: skip
    assert history.stop_reason == "diverged"
    assert parameters(net) == before


@pytest.mark.parametrize(
    ("clip_norm", "error", "message"),
    [
        (0.0, ValueError, r"clip_norm must be a positive number, got 0\.0"),
        (-1.0, ValueError, r"clip_norm must be a positive number, got -1\.0"),
        (np.nan, ValueError, r"clip_norm must be a positive number, got nan"),
        (np.inf, ValueError, r"clip_norm must be a positive number, got inf"),
        ("short", TypeError, "clip_norm must be a real number, got str"),
    ],
)
def test_bad_norms(clip_norm, error, message):
    net = network()
    with pytest.raises(error, match=message):
        fp.train(net, X, Y, clip_norm=clip_norm)
    assert parameters(net) == parameters(network())


def test_a_checkpoint_knows_the_norm(tmp_path):
    settings = {"checkpoint": tmp_path / "run.ckpt", "optimizer": "sgd", "epochs": 2}
    fp.train(network(), X, Y, clip_norm=0.5, **settings)
    with pytest.raises(ValueError, match=r"clip_norm was 0\.5, is now none"):
        fp.train(network(), X, Y, **settings)
    assert fp.train(network(), X, Y, clip_norm=0.5, **settings).epochs == 2
