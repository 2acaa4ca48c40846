"""Denormal numbers do not exist inside the core: as an operand they are 0, as a result they become 0.

`docs/architecture.md` has the contract. The caller's numbers and the caller's arithmetic stay what they are.
"""

import contextlib
import copy
import signal
import threading
import time

import ferroprop as fp
import numpy as np
import pytest
import reference
from children import in_a_process
from fits import OPTIMIZERS, hash_of_gradients, numbers, sha256
from sklearn.datasets import load_iris

DTYPES = ["float32", "float64"]
SMALLEST = {dtype: np.finfo(dtype).smallest_normal for dtype in DTYPES}
# Of either type the smallest denormal and the largest one: by their bits, for arithmetic depends on the mode.
TINY = {
    "float32": np.array([1, 0x007FFFFF], np.uint32).view(np.float32),
    "float64": np.array([1, 0x000FFFFFFFFFFFFF], np.uint64).view(np.float64),
}


def denormals(array):
    """Return how many numbers are denormal, by their bits."""
    bits, tiny = np.asarray(array), TINY[str(array.dtype)]
    magnitude = bits.view(np.uint32 if bits.dtype == np.float32 else np.uint64) << 1 >> 1
    return int(((magnitude > 0) & (magnitude <= tiny.view(magnitude.dtype)[1])).sum())


# Trainings whose numbers get smaller and smaller --------------------------------------------------------


def iris(dtype):
    """Rprop learns iris by heart: outputs saturate, and deltas with them."""
    X, y = load_iris(return_X_y=True)
    X, Y = (X - X.mean(axis=0)) / X.std(axis=0), np.eye(3)[y]
    net = fp.Network([4, 10, 3], activation="logistic", output_activation="softmax", dtype=dtype, seed=1)
    return net, X.astype(dtype), Y.astype(dtype), fp.Rprop(), {"epochs": 1500, "loss": "log_loss"}


def starving(dtype):
    """Forty layers, each of which makes the deltas smaller."""
    init_range = {"float32": 0.1, "float64": 1.5e-8}[dtype]
    net = fp.Network(
        [4, *[9] * 40, 2], activation="logistic", init="uniform", init_range=init_range, dtype=dtype
    )
    return net, numbers("X", 50, 4).astype(dtype), numbers("Y", 50, 2).astype(dtype), fp.Adam(), {"epochs": 2}


def decay(dtype):
    """Halve weights that have no gradient with each step."""
    X, Y = numbers("X", 70, 6).astype(dtype), np.abs(numbers("Y", 70, 2)).astype(dtype)
    X[:, 3:] = 0.0
    net = fp.Network([6, 20, 2], activation="relu", dtype=dtype)
    return net, X, Y, fp.AdamW(0.5, weight_decay=1.0), {"epochs": {"float32": 136, "float64": 1046}[dtype]}


def momentum(dtype):
    """Halve velocities with each step, because their inputs have become 0."""
    net = fp.Network([5, 70, 3], activation="tanh", dtype=dtype)
    X, Y = numbers("X", 300, 5).astype(dtype), numbers("Y", 300, 3).astype(dtype)
    optimizer = fp.SGD(0.01, momentum=0.5)
    fp.train(net, X, Y, optimizer=optimizer, epochs=2)
    X[:, :2] = 0.0
    return net, X, Y, optimizer, {"epochs": {"float32": 130, "float64": 1040}[dtype], "warm_start": True}


def tiny_inputs(dtype):
    """Multiply small numbers, from the inputs and targets on."""
    scale = SMALLEST[dtype] * 2.0**7
    X, Y = (numbers("X", 1500, 30) * scale).astype(dtype), (numbers("Y", 1500, 2) * scale).astype(dtype)
    net = fp.Network([30, 66, 40, 2], activation=["relu", "silu"], bias=False, dtype=dtype)
    return net, X, Y, fp.GRprop(), {"epochs": 6, "alpha": 0.5}


def own_loss(dtype):
    """Use a loss of the caller's own whose gradients are denormal, and weights that are."""

    def loss(outputs, targets):
        return np.full(len(outputs), 1.0, dtype), (outputs - targets) * SMALLEST[dtype]

    X, Y = numbers("X", 90, 3).astype(dtype), numbers("Y", 90, 2).astype(dtype)
    net = fp.Network([3, 17, 2], activation="elu", output_activation="softmax", dtype=dtype)
    weights = np.where(np.arange(90) % 2, 1.0, TINY[dtype][1]).astype(dtype)
    return net, X, Y, fp.SARPROP(), {"epochs": 5, "loss": loss, "sample_weight": weights}


CASES = {function.__name__: function for function in [iris, starving, decay, momentum, tiny_inputs, own_loss]}


def outcome(case, dtype, **settings):
    """Return all arrays that a training of this kind leaves behind, by name."""
    net, X, Y, optimizer, keywords = CASES[case](dtype)
    history = fp.train(net, X, Y, optimizer=optimizer, **keywords, **settings)
    how = {name: keywords[name] for name in ("loss", "alpha", "sample_weight") if name in keywords}
    threads = {name: settings[name] for name in ("n_threads",) if name in settings}
    loss, weight_gradients, bias_gradients = net.loss_and_gradients(X, Y, **how, **threads)
    arrays = {
        "losses": np.array([*history.loss, loss]),
        "predictions": net.predict(X, **threads),
        "first hidden layer": net.hidden(X, 0, **threads),
        "input gradient": net.input_gradient(X[:20], **threads),
        **{name: array for name, array in optimizer.state.items() if isinstance(array, np.ndarray)},
    }
    lists = {"weights": net.weights, "biases": net.biases, "gradients": weight_gradients + bias_gradients}
    for name, of_layers in lists.items():
        arrays |= {f"{name} {i}": array for i, array in enumerate(of_layers) if array is not None}
    return arrays


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_no_denormal_is_left(case, dtype, n_threads):
    found = {name: denormals(array) for name, array in outcome(case, dtype, n_threads=n_threads).items()}
    assert not any(found.values()), found


@pytest.mark.parametrize("dtype", DTYPES)
# The function of a step becomes negative before these steps are over.
@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "SGD by a function"])
def test_no_denormal_is_left_by_steps_by_hand(name, dtype):
    """Gradients fall through all magnitudes, and their signs change with each step; then they are 0."""
    shared = OPTIMIZERS[name][0]
    optimizer, n = type(shared)(**shared.hyperparameters), 40
    try:
        copy.deepcopy(optimizer).step(np.ones(1, dtype), np.ones(1, dtype), loss=1.0)
    except ValueError as error:
        pytest.skip(str(error))
    w = numbers("w", n).astype(dtype) * SMALLEST[dtype] * 2.0 ** np.arange(n, dtype=dtype)
    w[::7] = TINY[dtype][1]
    for k in range(9_000):
        g = (numbers("g", n) * (-0.5) ** k).astype(dtype)
        g[np.abs(g) < SMALLEST[dtype]] = 0.0
        optimizer.step(w, g, loss=1.0 / (k + 1))
        if k < 200 or k % 50 == 0:
            state = {name: array for name, array in optimizer.state.items() if isinstance(array, np.ndarray)}
            found = {name: denormals(array) for name, array in {"w": w, **state}.items()}
            assert not any(found.values()), (k, found)


@pytest.mark.parametrize("isa", ["avx512", "avx2", "portable"])
def test_the_same_bits_on_every_instruction_set(isa):
    code = """
import json, test_denormals as t
print(json.dumps({f"{case} {dtype}": t.sha256(*t.outcome(case, dtype, n_threads=2).values())
                  for case in t.CASES for dtype in t.DTYPES}))
"""
    hashes = in_a_process(code, FERROPROP_ISA=isa)
    assert hashes == {
        f"{case} {dtype}": sha256(*outcome(case, dtype).values()) for case in CASES for dtype in DTYPES
    }


# Denormals of the caller's are 0, and stay what they are ------------------------------------------------


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_the_caller_gives_is_read_as_0(dtype, n_outputs):
    X, Y = numbers("X", 40, 5).astype(dtype), np.abs(numbers("Y", 40, n_outputs)).astype(dtype)
    weights = np.abs(numbers("weights", 40)).astype(dtype) + 1
    tiny = TINY[dtype][1]
    places = [(X, np.s_[::3, 1]), (Y, np.s_[::4]), (weights, np.s_[::5])]

    def results(value):
        for array, place in places:
            array[place] = value
        net = fp.Network(
            [5, 9, n_outputs], activation="logistic", output_activation="exp", dtype=dtype, seed=2
        )
        W, b = ([array.copy() for array in arrays] for arrays in (net.weights, net.biases))
        W[0][2], W[1][:3], b[0][1], b[1][0] = value, -value, value, value
        net.set_parameters(W, b)
        predicted = net.predict(X)
        gradients = hash_of_gradients(net.loss_and_gradients(X, Y, sample_weight=weights, loss="poisson"))
        own = net.loss_and_gradients(X, Y, loss=lambda a, t: (a[:, 0] * 0 + value, a * 0 + value))
        history = fp.train(net, X, Y, sample_weight=weights, loss="poisson", optimizer="adam", epochs=4)
        return predicted, gradients, hash_of_gradients(own), history.loss, sha256(*net.weights, *net.biases)

    *before, expected = results(0.0), results(tiny)
    for got, wanted in zip(expected, before[0], strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_that_are_all_denormal_are_no_weights(dtype):
    net = fp.Network([1, 1], dtype=dtype)
    one, tiny = np.ones((2, 1), dtype), np.full(2, TINY[dtype][1])
    with pytest.raises(ValueError, match="sample_weight must hold at least one positive number"):
        net.loss_and_gradients(one, one, sample_weight=tiny)


@pytest.mark.parametrize("dtype", DTYPES)
def test_parameters_and_files_keep_the_callers_bits(dtype, tmp_path):
    net = fp.Network([2, 2], dtype=dtype)
    W, b = np.tile(TINY[dtype], (2, 1)), -TINY[dtype]
    net.set_parameters([W], [b])
    net.save(tmp_path / "net.safetensors")
    loaded = fp.Network.load(tmp_path / "net.safetensors")
    for kept in (net, net.copy(), loaded):
        assert kept.weights[0].tobytes() == W.tobytes()
        assert kept.biases[0].tobytes() == b.tobytes()
    assert not net.predict(np.ones((3, 2), dtype)).any()


def test_numbers_of_another_type_are_rounded_to_what_they_are():
    """A number that is denormal in float32 and not in float64 is converted as NumPy converts it."""
    net = fp.Network([1, 1], bias=False)
    for under in ["ignore", "raise"]:
        with np.errstate(under=under):
            net.set_parameters([np.array([[1e-40]])], [None])
        assert net.weights[0] == np.float32(1e-40)


def test_initial_weights_are_normal_numbers():
    for dtype, init_range in [("float32", 3e-38), ("float64", 5e-308)]:
        W = fp.Network([50, 50], init="uniform", init_range=init_range, dtype=dtype).weights[0]
        assert denormals(W) == 0
        assert 0 < (W == 0).mean() < 1


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [(fp.Adam, "epsilon"), (fp.SGD, "learning_rate"), (fp.GRprop, "offset"), (fp.AdamW, "learning_rate")],
)
def test_constants_that_would_count_as_0(optimizer, name):
    with pytest.raises(ValueError, match=f"{name} must be a positive number, got 5e-324"):
        optimizer(**{name: 5e-324})
    tiny = optimizer(**{name: 1e-40})
    with pytest.raises(ValueError, match=f"{name} must be a number that float32 can hold, got 1e-40"):
        fp.train(fp.Network([1, 1]), [[1.0]], [[1.0]], optimizer=tiny, epochs=1)
    fp.train(fp.Network([1, 1], dtype="float64"), [[1.0]], [[1.0]], optimizer=tiny, epochs=1)


# Beside the reference -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "silu"])
def test_gradients_vanish_where_those_of_the_reference_do(activation, dtype):
    """Layer by layer they get smaller, down to the smallest normal numbers, and then are 0."""
    scale = SMALLEST[dtype] ** (1 / 11)
    net = fp.Network([3, *[8] * 15, 2], activation=activation, init="uniform", init_range=1.0, dtype=dtype)
    W, b = [w * w.dtype.type(scale) for w in net.weights], [np.abs(biases) for biases in net.biases]
    net.set_parameters(W, b)
    X, Y = numbers("X", 20, 3).astype(dtype), numbers("Y", 20, 2).astype(dtype)
    layers = [
        reference.Layer(weights, biases, name)
        for weights, biases, name in zip(W, b, [*[activation] * 15, "identity"], strict=True)
    ]
    _, weight_gradients, bias_gradients = net.loss_and_gradients(X, Y)
    _, expected_weights, expected_biases = reference.loss_and_gradients(layers, X, Y, "squared_error")
    zeros = np.zeros(2)
    for got, expected in zip(
        weight_gradients + bias_gradients, expected_weights + expected_biases, strict=True
    ):
        assert denormals(got) == denormals(expected) == 0
        # The reference rounds sums to 0, and the core each term.
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=64 * SMALLEST[dtype])
        zeros += [(got == 0).sum(), (got != 0).sum()]
    assert zeros.min() > 50


# The caller's arithmetic stays what it is ---------------------------------------------------------------


def has_denormals():
    """Tell whether this thread knows them, in both types."""
    one = {dtype: np.ones((), dtype) for dtype in DTYPES}
    products = [TINY[dtype] * one[dtype] for dtype in DTYPES]
    return all(product.view(np.uint8).any() for product in products)


class Asked:
    """Functions of the caller's, and what they found."""

    def __init__(self):
        self.found = []

    def ask(self, answer=None):
        self.found.append(has_denormals())
        return answer

    def loss(self, outputs, targets):
        self.ask()
        return ((outputs - targets) ** 2).sum(axis=1), 2 * (outputs - targets)

    def score(self, *_):
        return self.ask(1.0)

    def callback(self, epoch):
        self.ask()

    def shuffle(self, epoch):
        return self.ask(np.arange(4))


def test_functions_of_the_callers_have_its_denormals():
    asked, net = Asked(), fp.Network([1, 3, 1])
    X = np.arange(4.0)[:, None]
    fp.train(
        net, X, X, loss=asked.loss, validation_score=asked.score, callback=asked.callback,
        shuffle=asked.shuffle, batch_size=2, epochs=3,
    )  # fmt: skip
    net.loss_and_gradients(X, X, loss=asked.loss)
    assert len(asked.found) == 3 * (2 + 1 + 1 + 1) + 1
    assert all(asked.found)
    assert has_denormals()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs"])
def test_functions_given_to_an_estimator_have_its_denormals(solver):
    asked = Asked()
    X, y = numbers("X", 40, 3), numbers("y", 40)
    fp.MLPRegressor(
        hidden_layer_sizes=(5,), solver=solver, loss=asked.loss, scoring=asked.score, callback=asked.callback,
        max_iter=3, random_state=0,
    ).fit(X, y, X_val=X, y_val=y)  # fmt: skip
    assert len(asked.found) >= 9
    assert all(asked.found)


class Doomed:
    """Whatever holds it, it is asked when that is gone."""

    def __init__(self, asked):
        self.asked = asked

    def __del__(self):
        self.asked.ask()


def test_finalizers_have_the_callers_denormals():
    """What a function leaves behind is gone within the call."""
    asked = Asked()

    def loss(outputs, targets):
        losses, gradients = asked.loss(outputs, targets)
        cycle = [Doomed(asked)]
        cycle.append(cycle)
        return losses.tolist(), [[*row, Doomed(asked)][:1] for row in gradients]

    fp.Network([1, 1]).loss_and_gradients([[1.0]], [[2.0]], loss=loss)
    assert len(asked.found) >= 2
    assert all(asked.found)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system knows no such signals")
@pytest.mark.parametrize("gradient", [False, True])
def test_handlers_of_signals_have_the_callers_denormals(gradient):
    asked, done = Asked(), threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: asked.ask())
    X = np.ones((20_000, 40), np.float32)
    net = fp.Network([40, 200, 1], activation="logistic")

    def ring():
        while not done.wait(0.02):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    bell = threading.Thread(target=ring)
    bell.start()
    try:
        end = time.monotonic() + 10
        while len(asked.found) < 5 and time.monotonic() < end:
            if gradient:
                net.loss_and_gradients(X, X[:, :1])
            else:
                fp.train(net, X, X[:, :1], epochs=20)
    finally:
        done.set()
        bell.join()
        signal.signal(signal.SIGUSR1, before)
    assert len(asked.found) >= 5
    assert all(asked.found)


def test_after_an_error_the_caller_has_its_denormals():
    net = fp.Network([1, 2, 1])

    def fail(*_):
        raise ZeroDivisionError

    calls = [
        lambda: fp.train(net, [[1.0]], [[1.0]], callback=fail),
        lambda: fp.train(net, [[1.0]], [[1.0]], validation_score=fail),
        lambda: fp.train(net, [[1.0]], [[1.0]], shuffle=fail),
        lambda: fp.train(net, [[1.0]], [[1.0]], loss=fail),
        lambda: net.loss_and_gradients([[1.0]], [[1.0]], loss=fail),
        lambda: fp.train(net, [[np.nan]], [[1.0]]),
        lambda: fp.train(net, [[1.0]], [[1.0]], alpha=-1.0),
        lambda: net.predict([[1.0, 2.0]]),
        lambda: fp.Network([2, 2], init="uniform", init_range=np.nan),
        lambda: fp.Adam().step(np.ones(2), [1.0], 1.0),
    ]
    for call in calls:
        with pytest.raises((ZeroDivisionError, ValueError)):
            call()
        assert has_denormals()
    with contextlib.suppress(KeyboardInterrupt), pytest.warns(UserWarning, match="interrupted"):
        fp.train(net, [[1.0]], [[1.0]], callback=lambda epoch: signal.raise_signal(signal.SIGINT))
    assert has_denormals()
