"""Several networks side by side: each as `train` gives it alone, to the bit."""

import os
import signal
import subprocess
import sys
import threading
import time

import ferroprop as fp
import numpy as np
import pytest
from fits import numbers

THREADS = [1, 2, 7]
N = 137
X, Y = numbers("X", N, 5), numbers("Y", N, 2)
RNG = np.random.default_rng(5)
FOLDS = [np.flatnonzero(np.arange(N) % 4 != fold) for fold in range(4)]
HELD_OUT = [np.flatnonzero(np.arange(N) % 4 == fold) for fold in range(4)]
BAGS = [RNG.integers(0, N, size) for size in (N, 40, 300, 1)]


def labels(n_rows):
    """Return one column of 1 a row, of two."""
    return np.eye(2)[np.arange(n_rows) % 2]


def alone(network, X, Y, *, rows=None, validation_rows=None, sample_weight=None, validation=None, **settings):
    """Train a network on copies of its rows."""
    rows = np.arange(len(X)) if rows is None else np.asarray(rows)
    weight = None if sample_weight is None else sample_weight[rows]
    if validation_rows is not None:
        validation = X[validation_rows], Y[validation_rows]
        if sample_weight is not None:
            validation = (*validation, sample_weight[validation_rows])
    return fp.train(network, X[rows], Y[rows], sample_weight=weight, validation=validation, **settings)


def outcome(network, history, optimizer=None):
    """Return everything that a training leaves, but times."""
    state = {} if optimizer is None else optimizer.state
    return (
        [array.tobytes() for array in (*network.weights, *network.biases)],
        [history.loss, history.penalty, history.validation_loss, history.validation_score],
        history.learning_rate,
        (history.best_epoch, history.stop_reason),
        {name: np.asarray(value).tobytes() for name, value in state.items()},
    )


def check(make, n_networks, X, Y, keywords, *, n_threads):
    """Train networks together, and each alone; `keywords` returns those of one, fresh ones each time."""
    together = [make(index) for index in range(n_networks)]
    each = [keywords(index) for index in range(n_networks)]
    names = {name for own in each for name in own}
    defaults = {"epochs": 200, "shuffle": True, "alpha": 0.0, "dropout": 0.0, "seed": 0, "tolerance": 0.0}
    lists = {name: [own.get(name, defaults.get(name)) for own in each] for name in names}
    histories = fp.train_many(together, X, Y, n_threads=n_threads, **lists)
    assert len(histories) == n_networks
    for index, (network, history) in enumerate(zip(together, histories, strict=True)):
        other, own = make(index), keywords(index)
        expected = alone(other, X, Y, n_threads=1, **own)
        optimizers = [
            given["optimizer"] if isinstance(given.get("optimizer"), fp.Optimizer) else None
            for given in (each[index], own)
        ]
        assert outcome(network, history, optimizers[0]) == outcome(other, expected, optimizers[1]), index


SIZES = [(5, 4, 2), (5, 30, 20, 2), (5, 2), (5, 9, 2), (5, 70, 2), (5, 3, 3, 3, 2)]
ACTIVATIONS = ["tanh", "relu", "gelu", "logistic"]


def drawn(index):
    """Return keywords that differ from network to network."""
    rng = np.random.default_rng(100 + index)
    fold, names = index % 4, list(fp.OPTIMIZERS)
    keywords = {
        "optimizer": fp.OPTIMIZERS[names[index % len(names)]].cls(),
        "epochs": int(rng.integers(1, 9)),
        "batch_size": [None, 16, 50, 1000][rng.integers(4)],
        "shuffle": [True, False, lambda epoch: np.arange(137)[::-1]][rng.integers(2)],
        "alpha": [0.0, 0.3][rng.integers(2)],
        "clip_norm": [None, 0.05][rng.integers(2)],
        "seed": int(rng.integers(1000)),
        "dropout": [0.0, 0.25][rng.integers(2)],
        "rows": [None, FOLDS[fold], BAGS[fold], BAGS[fold].tolist()][rng.integers(4)],
        "validation_rows": [None, HELD_OUT[fold]][rng.integers(2)],
        "patience": [None, 2][rng.integers(2)],
        "sample_weight": [None, np.arange(N) % 3 + 0.5][rng.integers(2)],
        "restore_best": [None, False][rng.integers(2)],
    }
    if index % 5 == 0:
        keywords |= {"validation": (X[:9], Y[:9]), "validation_rows": None}
    return keywords


@pytest.mark.parametrize("n_threads", THREADS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_drawn_keywords(dtype, n_threads):
    def make(index):
        sizes, activation = SIZES[index % len(SIZES)], ACTIVATIONS[index % len(ACTIVATIONS)]
        return fp.Network(sizes, activation=activation, dtype=dtype, seed=index)

    check(make, 26, X, Y, drawn, n_threads=n_threads)


@pytest.mark.parametrize("n_threads", THREADS)
def test_classes_and_losses(n_threads):
    losses = ["log_loss", fp.LogLoss(0.1), "squared_error", fp.Focal(1.0)]

    def make(index):
        return fp.Network([5, 6, 2], activation="tanh", output_activation="softmax", seed=index)

    def keywords(index):
        return {"loss": losses[index % 4], "epochs": 5, "rows": FOLDS[index % 4], "seed": index}

    check(make, 8, X, labels(N), keywords, n_threads=n_threads)


def half_squared_error(outputs, targets):
    """Return losses and gradients of the caller's own."""
    difference = outputs - targets
    return 0.5 * (difference**2).sum(axis=1), difference


@pytest.mark.parametrize("n_threads", THREADS)
def test_functions_of_the_callers(n_threads):
    def keywords(index):
        return {
            "loss": half_squared_error,
            "optimizer": fp.SGD(lambda step: 0.1 / (step + index)),
            "shuffle": lambda epoch: (np.arange(len(FOLDS[index])) * 2 + epoch) % len(FOLDS[index]),
            "batch_size": 20,
            "epochs": 4,
            "rows": FOLDS[index],
            "validation_score": lambda network: -float(np.abs(network.predict(X[:10])).sum()),
            "callback": lambda epoch: epoch.epoch == 3 and epoch.network.predict(X).shape == (N, 2),
        }

    check(
        lambda index: fp.Network([5, 6, 2], seed=index),
        4,
        X,
        Y,
        keywords_of_odd(keywords),
        n_threads=n_threads,
    )


def keywords_of_odd(keywords):
    """Return the same with rows of an odd number, so that steps of two reach all."""
    return lambda index: keywords(index) | {"rows": FOLDS[index][:101], "shuffle": two_by_two}


def two_by_two(epoch):
    """Return an order of 101 rows."""
    return (np.arange(101) * 2 + epoch) % 101


@pytest.mark.parametrize("n_threads", THREADS)
def test_complex_and_recurrent_networks(n_threads):
    Z, W = X[:, :3] + 1j * X[:, 2:], Y[:, :1] + 1j * Y[:, 1:]

    def make(index):
        return fp.Network([3, 4, 1], activation="cardioid", dtype="complex64", seed=index)

    check(make, 5, Z, W, lambda index: {"epochs": 4, "rows": BAGS[index % 4]}, n_threads=n_threads)
    series = [X[: 3 + index % 7] for index in range(30)]
    networks, others = ([fp.RecurrentNetwork([5, 4, 2], seed=k) for k in range(5)] for _ in range(2))
    histories = fp.train_many(networks, series, Y[:30], epochs=4, seed=[*range(5)], n_threads=n_threads)
    for seed, (network, history, other) in enumerate(zip(networks, histories, others, strict=True)):
        expected = fp.train(other, series, Y[:30], epochs=4, seed=seed)
        assert outcome(network, history) == outcome(other, expected)
    padded, lengths = np.zeros((30, 9, 5)), tuple(len(one) for one in series)
    for row, one in zip(padded, series, strict=True):
        row[: len(one)] = one
    others = [fp.RecurrentNetwork([5, 4, 2], seed=k) for k in range(5)]
    fp.train_many(others, padded, Y[:30], epochs=4, seed=[*range(5)], lengths=lengths, n_threads=n_threads)
    for network, other in zip(networks, others, strict=True):
        assert network.parameter_vector.tobytes() == other.parameter_vector.tobytes()
    with pytest.raises(ValueError, match=r"^networks\[0\]: rows must be left out for sequences"):
        fp.train_many(networks, series, Y[:30], rows=np.arange(5))


@pytest.mark.parametrize("layout", ["Fortran", "strided", "another dtype", "lists"])
def test_arrays_of_any_kind(layout):
    x = {
        "Fortran": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "another dtype": X.astype(np.float32),
        "lists": X.tolist(),
    }[layout]
    networks = [fp.Network([5, 7, 2], dtype="float64", seed=seed) for seed in range(4)]
    others = [fp.Network([5, 7, 2], dtype="float64", seed=seed) for seed in range(4)]
    fp.train_many(networks, x, Y, rows=FOLDS, epochs=5)
    for network, other, rows in zip(networks, others, FOLDS, strict=True):
        fp.train(other, np.asarray(x)[rows], Y[rows], epochs=5)
        assert network.parameter_vector.tobytes() == other.parameter_vector.tobytes()


def test_rows_that_are_not_listed_are_not_looked_at():
    spoilt, y = X.copy(), Y.copy()
    spoilt[7], y[8], rows = np.nan, np.inf, np.r_[0:7, 9:N]
    network, other = (fp.Network([5, 4, 2], dtype="float64", seed=1) for _ in range(2))
    fp.train_many([network], spoilt, y, rows=rows, epochs=3)
    fp.train(other, X[rows], Y[rows], epochs=3)
    assert network.parameter_vector.tobytes() == other.parameter_vector.tobytes()
    with pytest.raises(ValueError, match=r"^networks\[0\]: X must hold finite numbers, got nan at \[7, 0\]"):
        fp.train_many([network], spoilt, y, rows=[[3, 7]])
    with pytest.raises(ValueError, match=r"^networks\[0\]: Y must hold finite numbers, got inf at \[8, 0\]"):
        fp.train_many([network], spoilt, y, rows=np.array([3, 8]))


def test_warm_start_goes_on():
    whole, parts = ([fp.Network([5, 4, 2], seed=k) for k in range(3)] for _ in range(2))
    optimizers = [fp.Rprop(), fp.Adam(), fp.SGD()]
    fp.train_many(
        whole, X, Y, epochs=9, optimizer=[fp.Rprop(), fp.Adam(), fp.SGD()], rows=FOLDS[:3], batch_size=30
    )
    for epochs in (4, 5):
        fp.train_many(
            parts, X, Y, epochs=epochs, optimizer=optimizers, rows=FOLDS[:3], warm_start=True, batch_size=30
        )
    for one, other in zip(whole, parts, strict=True):
        assert one.parameter_vector.tobytes() == other.parameter_vector.tobytes()


def test_an_optimizer_for_several_networks_keeps_no_memory():
    networks, others = ([fp.Network([5, 4, 2], seed=k) for k in range(3)] for _ in range(2))
    optimizer = fp.Adam()
    fp.train_many(networks, X, Y, epochs=3, optimizer=optimizer)
    assert optimizer.state == {}
    for network, other in zip(networks, others, strict=True):
        fp.train(other, X, Y, epochs=3, optimizer=fp.Adam())
        assert network.parameter_vector.tobytes() == other.parameter_vector.tobytes()
    fp.train_many(networks[:1], X, Y, epochs=3, optimizer=optimizer)
    assert optimizer.state["epochs"] == 3


ERRORS = {
    "no network": (lambda nets: fp.train_many([], X, Y), ValueError, r"^networks must hold at least one"),
    "one network": (
        lambda nets: fp.train_many(nets[0], X, Y),
        TypeError,
        r"^networks must be a sequence of Net",
    ),
    "no networks": (
        lambda nets: fp.train_many(3, X, Y),
        TypeError,
        r"^networks must be a sequence of .* got int",
    ),
    "another thing": (
        lambda nets: fp.train_many([*nets, 3], X, Y),
        TypeError,
        r"^networks must be .* got int",
    ),
    "twice": (
        lambda nets: fp.train_many([*nets, nets[1]], X, Y),
        ValueError,
        r"^networks must be different objects, got the same one at 1 and 4$",
    ),
    "precision": (
        lambda nets: fp.train_many([*nets, fp.Network([5, 2], dtype="float64")], X, Y),
        ValueError,
        r"^networks must all be of single or all of double precision, got others at 0 and 4$",
    ),
    "length": (
        lambda nets: fp.train_many(nets, X, Y, dropout=[0.1, 0.2]),
        ValueError,
        r"^networks\[0\]: dropout must be one value for all networks, or a list with one for each of the 4, "
        r"got a list of 2 \(another sequence that is one value is a tuple or an array\)$",
    ),
    "one value": (
        lambda nets: fp.train_many(nets, X, Y, epochs=0),
        ValueError,
        r"^epochs must be a positive",
    ),
    "value in a list": (
        lambda nets: fp.train_many(nets, X, Y, alpha=[0.0, 0.1, "x", 0.2]),
        TypeError,
        r"^networks\[2\]: alpha must be a real number, got str$",
    ),
    "value of the core": (
        lambda nets: fp.train_many(nets, X, Y, alpha=[0.0, 0.1, -1.0, 0.2]),
        ValueError,
        r"^networks\[2\]: alpha must be 0 or a positive number, got -1\.0$",
    ),
    "shape": (
        lambda nets: fp.train_many([*nets, fp.Network([4, 2])], X, Y),
        ValueError,
        r"^networks\[4\]: X must have shape \(n, 4\) with n at least 1, got \(137, 5\)$",
    ),
    "rows out of range": (
        lambda nets: fp.train_many(nets, X, Y, rows=[FOLDS[0], [3, N], FOLDS[1], FOLDS[2]]),
        ValueError,
        r"^networks\[1\]: rows must hold row numbers from 0 to 136, got 137 at 1$",
    ),
    "row beyond 64 bits with a sign": (
        lambda nets: fp.train_many(nets, X, Y, rows=np.array([2, 2**63], dtype=np.uint64)),
        ValueError,
        r"^networks\[0\]: rows must hold row numbers from 0 to 136, got 9223372036854775808 at 1$",
    ),
    "negative row": (
        lambda nets: fp.train_many(nets, X, Y, validation_rows=np.array([2, -1])),
        ValueError,
        r"^networks\[0\]: validation_rows must hold row numbers from 0 to 136, got -1 at 1$",
    ),
    "no rows": (
        lambda nets: fp.train_many(nets, X, Y, rows=()),
        ValueError,
        r"rows must hold at least one row",
    ),
    "mask": (
        lambda nets: fp.train_many(nets, X, Y, rows=np.ones(N, bool)),
        TypeError,
        r"rows must hold row numbers, got dtype bool \(a mask\?",
    ),
    "fractions": (
        lambda nets: fp.train_many(nets, X, Y, rows=(0.5,)),
        TypeError,
        r"rows must hold row numbers",
    ),
    "matrix": (
        lambda nets: fp.train_many(nets, X, Y, rows=np.eye(2, dtype=int)),
        ValueError,
        r"got shape \(2, 2\)",
    ),
    "both validations": (
        lambda nets: fp.train_many(nets, X, Y, validation_rows=FOLDS, validation=(X, Y)),
        ValueError,
        r"^networks\[0\]: validation must be left out with validation_rows, got both$",
    ),
    "warm start": (
        lambda nets: fp.train_many(nets, X, Y, optimizer=fp.Rprop(), warm_start=True),
        ValueError,
        r"^optimizer must be an object for each network with warm_start=True, got the same one at 0 and 1$",
    ),
    "checkpoint": (
        lambda nets: fp.train_many(nets, X, Y, checkpoint="run.ckpt"),
        ValueError,
        r"^checkpoint must be a file for each network, got the same one at 0 and 1$",
    ),
    "weights": (
        lambda nets: fp.train_many(nets, X, Y, rows=FOLDS, sample_weight=np.ones(5)),
        ValueError,
        r"^networks\[0\]: sample_weight must have shape \(137,\), got \(5,\)$",
    ),
}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own there")
def test_one_file_by_two_relative_names_is_no_checkpoint_for_two(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    networks = [fp.Network([5, 4, 2], seed=seed) for seed in range(2)]
    for paths in (["a.ckpt", "./a.ckpt"], [tmp_path / "a.ckpt", "a.ckpt"]):
        with pytest.raises(ValueError, match="checkpoint must be a file for each network"):
            fp.train_many(networks, X, Y, checkpoint=paths)
    assert list(tmp_path.iterdir()) == []


def test_one_file_by_two_names_is_no_checkpoint_for_two(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "runs")
    networks = [fp.Network([5, 4, 2], seed=seed) for seed in range(2)]
    paths = [tmp_path / "runs" / "a.ckpt", tmp_path / "link" / "a.ckpt"]
    with pytest.raises(ValueError, match="checkpoint must be a file for each network, got the same one at 0"):
        fp.train_many(networks, X, Y, checkpoint=paths)
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("name", ERRORS)
def test_errors_name_the_network_and_change_nothing(name):
    call, error, message = ERRORS[name]
    networks = [fp.Network([5, 4, 2], seed=seed) for seed in range(4)]
    before = [network.parameter_vector.tobytes() for network in networks]
    with pytest.raises(error, match=message):
        call(networks)
    assert before == [network.parameter_vector.tobytes() for network in networks]


@pytest.mark.parametrize("n_threads", THREADS)
def test_a_divergence_hurts_no_other(n_threads):
    networks, others = ([fp.Network([5, 4, 2], seed=k) for k in range(4)] for _ in range(2))
    rates = [0.01, 1e20, 0.02, 0.03]
    with pytest.warns(RuntimeWarning, match=r"^networks\[1\]: training diverged in epoch 2") as warned:
        histories = fp.train_many(
            networks, X, Y, optimizer=[fp.SGD(rate) for rate in rates], epochs=6, n_threads=n_threads
        )
    assert len(warned) == 1
    assert [history.stop_reason for history in histories] == ["epochs", "diverged", "epochs", "epochs"]
    for index, (network, other) in enumerate(zip(networks, others, strict=True)):
        fp.train(other, X, Y, optimizer=fp.SGD(rates[index]), epochs=1 if index == 1 else 6)
        assert network.parameter_vector.tobytes() == other.parameter_vector.tobytes()


@pytest.mark.parametrize("n_threads", THREADS)
def test_a_callback_ends_one(n_threads):
    networks = [fp.Network([5, 4, 2], seed=k) for k in range(5)]
    seen = []

    def callback(epoch):
        seen.append((networks.index(epoch.network), epoch.epoch))
        return epoch.network is networks[2] and epoch.epoch == 3

    histories = fp.train_many(networks, X, Y, epochs=7, callback=callback, n_threads=n_threads)
    assert [history.epochs for history in histories] == [7, 7, 3, 7, 7]
    assert [history.stop_reason for history in histories] == [
        "epochs",
        "epochs",
        "callback",
        "epochs",
        "epochs",
    ]
    assert sorted(seen) == [(k, e) for k in range(5) for e in range(1, 4 if k == 2 else 8)]


class OnPurposeError(Exception):
    """Raised by a function of the caller's."""


def raises(*_):
    raise OnPurposeError("on purpose")


FUNCTIONS = {
    "callback": {"callback": [None, None, raises, None]},
    "score": {"validation_score": [None, None, raises, None]},
    "loss": {"loss": [None, None, raises, None]},
    "order": {"shuffle": [True, True, raises, True]},
    "schedule": {"optimizer": [fp.SGD(0.1), "rprop", fp.SGD(raises), "adam"]},
    "dropout": {"dropout": [0.0, 0.1, raises, 0.2]},
}


@pytest.mark.parametrize("n_threads", THREADS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_exception_of_the_callers_leaves_all_as_they_were(function, n_threads):
    # The third one has most to do, and so begins at once.
    networks = [fp.Network([5, 9 if seed == 2 else 4, 2], seed=seed) for seed in range(4)]
    before = [network.parameter_vector.tobytes() for network in networks]
    optimizers = [fp.Rprop(), fp.Adam(), fp.SGD(), fp.SGD()]
    keywords = {"optimizer": optimizers, **FUNCTIONS[function]}
    with pytest.raises(OnPurposeError, match="on purpose") as raised:
        fp.train_many(networks, X, Y, epochs=10**6, n_threads=n_threads, **keywords)
    assert raised.value.__notes__ == ["in the training of networks[2]"]
    assert before == [network.parameter_vector.tobytes() for network in networks]
    assert all(optimizer.state == {} for optimizer in optimizers)
    assert fp.train(networks[0], X, Y, epochs=2).epochs == 2  # and nothing is left over


def test_more_memory_than_there_is_names_the_network():
    wide = np.broadcast_to(np.float32(1.0), (3, 5))
    networks = [fp.Network([5, 4, 2], seed=k) for k in range(3)]
    histories = fp.train_many(networks, wide, wide[:, :2], epochs=2)
    assert [history.epochs for history in histories] == [2, 2, 2]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_time_counts_from_the_beginning_of_the_call(n_threads):
    networks = [fp.Network([5, 40, 2], seed=k) for k in range(3)]
    before = [network.parameter_vector.tobytes() for network in networks]
    start = time.monotonic()
    histories = fp.train_many(networks, X, Y, epochs=10**7, max_time=0.2, n_threads=n_threads)
    assert time.monotonic() - start < 5.0
    assert [history.stop_reason for history in histories] == ["time"] * 3
    late = [history.epochs == 0 for history in histories]
    assert sum(late) == 3 - n_threads
    unchanged = [was == now.parameter_vector.tobytes() for was, now in zip(before, networks, strict=True)]
    assert unchanged == late


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize("n_threads", [1, 2, 3, 5])
def test_ctrl_c_ends_all_with_their_last_complete_epochs(n_threads):
    """Also when the calling thread has nothing left to do but wait."""
    networks, others = ([fp.Network([5, 6, 2], seed=k) for k in range(3)] for _ in range(2))
    sent = []

    def send():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, send)
    timer.start()
    with pytest.warns(UserWarning, match=r"^Training interrupted by user\.$") as warned:
        histories = fp.train_many(networks, X, Y, epochs=[10**7, 3, 2], n_threads=n_threads)
    assert time.monotonic() - sent[0] < 3.0
    assert len(warned) == 1
    reasons, epochs = zip(*((history.stop_reason, history.epochs) for history in histories), strict=True)
    # On one thread the others wait for the first one, which has most to do.
    assert reasons == ("interrupted", *(2 * ["interrupted" if n_threads == 1 else "epochs"]))
    assert epochs[0] > 0
    assert epochs[1:] == ((0, 0) if n_threads == 1 else (3, 2))
    for network, other, count in zip(networks, others, epochs, strict=True):
        if count:
            fp.train(other, X, Y, epochs=count)
        assert network.parameter_vector.tobytes() == other.parameter_vector.tobytes()


def test_checkpoints(tmp_path):
    whole, parts = ([fp.Network([5, 4, 2], seed=k) for k in range(3)] for _ in range(2))
    paths = [tmp_path / f"{k}.ckpt" for k in range(3)]
    settings = {"rows": FOLDS[:3], "validation_rows": HELD_OUT[:3], "optimizer": "adam", "batch_size": 30}
    expected = fp.train_many(whole, X, Y, epochs=9, **settings)
    fp.train_many(parts, X, Y, epochs=[4, 9, 2], checkpoint=paths, **settings)
    again = [fp.Network([5, 4, 2], seed=k) for k in range(3)]
    histories = fp.train_many(again, X, Y, epochs=9, checkpoint=paths, **settings)
    for one, other, history, own in zip(whole, again, expected, histories, strict=True):
        assert outcome(one, history) == outcome(other, own)
    # The file is that of a training on a copy of the rows.
    alone_again = fp.Network([5, 4, 2], seed=1)
    fp.train(
        alone_again,
        X[FOLDS[1]],
        Y[FOLDS[1]],
        validation=(X[HELD_OUT[1]], Y[HELD_OUT[1]]),
        optimizer="adam",
        batch_size=30,
        epochs=9,
        checkpoint=paths[1],
    )
    assert alone_again.parameter_vector.tobytes() == whole[1].parameter_vector.tobytes()
    settings["rows"] = [FOLDS[3], *FOLDS[1:3]]
    with pytest.raises(ValueError, match=r"^networks\[0\]: checkpoint .* is of another training: X was"):
        fp.train_many(
            [fp.Network([5, 4, 2], seed=k) for k in range(3)], X, Y, epochs=9, checkpoint=paths, **settings
        )


def test_other_threads_run_meanwhile():
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    fp.train_many([fp.Network([5, 60, 2], seed=k) for k in range(4)], X, Y, epochs=10**6, max_time=0.3)
    done.set()
    thread.join()
    assert counted[0] > 20


def test_networks_in_the_arguments_of_others():
    """A call in a callback of another one."""
    inner = [fp.Network([5, 3, 2], seed=k) for k in range(2)]
    outer = [fp.Network([5, 4, 2], seed=k) for k in range(3)]

    def callback(epoch):
        fp.train_many(inner, X, Y, epochs=1, n_threads=2) if epoch.network is outer[0] else None

    fp.train_many(outer, X, Y, epochs=3, callback=callback, n_threads=2)
    expected = fp.Network([5, 3, 2], seed=0)
    for _ in range(3):
        fp.train(expected, X, Y, epochs=1)
    assert inner[0].parameter_vector.tobytes() == expected.parameter_vector.tobytes()


COUNTING = """
import sys
from pathlib import Path
import ferroprop as fp, numpy as np

def helpers():
    names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    return sum(name.startswith("ferroprop") for name in names)

X = np.random.default_rng(0).normal(size=(4000, 50)).astype("f")
seen = []
networks = [fp.Network([50, units, 1], seed=1) for units in (60, 120, 60)]
fp.train_many(networks, X, X[:, :1], epochs=3, n_threads=4, callback=lambda epoch: seen.append(helpers()))
print(max(seen))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
def test_no_thread_is_idle_where_networks_are_fewer():
    """Of four threads the largest of three networks gets two; three help the one that calls."""
    run = subprocess.run([sys.executable, "-c", COUNTING], capture_output=True, text=True, check=True)
    assert run.stdout == "3\n"
