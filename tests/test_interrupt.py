"""Ctrl-C: within 200 ms the model is that of the last complete epoch; a second one is a KeyboardInterrupt."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings

import ferroprop as fp
import numpy as np
import pytest
from fits import hash_of_parameters, numbers, sha256

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")

PROMISED = 0.2
"""Seconds; held by the quickest of several, because on a busy machine other processes take their share."""
MOST = 5.0

# 10^12 operations an epoch, in the memory of one row.
HUGE = np.broadcast_to(numbers("X", 64).astype(np.float32), (2_000_000, 64))
HUGE_Y = HUGE[:, :1]


def interrupted_after(seconds, call):
    """Send SIGINT after so long; return what the call returns and how long it went on."""
    sent = []

    def send():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(seconds, send)
    timer.start()
    try:
        with pytest.warns(UserWarning, match=r"^Training interrupted by user\.$"):
            result = call()
        return result, time.monotonic() - sent[0]
    finally:
        timer.cancel()
        timer.join()


def assert_prompt(latencies):
    assert min(latencies) < PROMISED, latencies
    assert max(latencies) < MOST, latencies


CASES = {
    "full batch": {"optimizer": "rprop"},
    "mini-batches": {"optimizer": "adam", "batch_size": 50},
    "schedule": {"optimizer": "SGD", "batch_size": 50},
    "all parameters at once": {"optimizer": "grprop"},
    "validation": {"optimizer": "rprop+", "validation": True},
    "dropout": {"optimizer": "adam", "dropout": 0.2, "batch_size": 300},
}


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("case", list(CASES))
def test_at_random_times(case, n_threads):
    """The network, the history and the optimizer are those of that many epochs, and training can go on."""
    X, Y = numbers("X", 1500, 19), numbers("Y", 1500, 2)
    settings = dict(CASES[case], n_threads=n_threads, seed=3)
    if settings.pop("validation", False):
        settings |= {"validation": (X[:700], Y[:700]), "restore_best": False}
    rule = settings.pop("optimizer")
    make = {"rprop": fp.Rprop, "adam": lambda: fp.Adam(0.01), "grprop": fp.GRprop, "rprop+": fp.Rprop,
            "SGD": lambda: fp.SGD(fp.InverseScaling(0.01))}[rule]  # fmt: skip
    draw = random.Random(case)
    latencies = []
    for _ in range(3):
        network, optimizer = fp.Network([19, 60, 30, 2], activation="tanh", seed=1), make()
        history, latency = interrupted_after(
            draw.uniform(0.0, 0.4),
            lambda network=network, optimizer=optimizer: fp.train(
                network, X, Y, optimizer=optimizer, epochs=10**6, **settings
            ),
        )
        latencies.append(latency)
        assert history.stop_reason == "interrupted"
        done = history.epochs
        expected = fp.Network([19, 60, 30, 2], activation="tanh", seed=1)
        other = make()
        if done:
            whole = fp.train(expected, X, Y, optimizer=other, epochs=done, **settings)
            assert history.loss == whole.loss
        assert hash_of_parameters(network) == hash_of_parameters(expected)
        for each, rules in ((network, optimizer), (expected, other)):
            fp.train(each, X, Y, optimizer=rules, epochs=3, warm_start=True, **settings)
        assert hash_of_parameters(network) == hash_of_parameters(expected)
    assert_prompt(latencies)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("what", ["epoch", "validation"])
def test_in_the_middle_of_a_huge_epoch(what, n_threads):
    rows = 300 if what == "validation" else len(HUGE)
    validation = (HUGE, HUGE_Y) if what == "validation" else None
    latencies = []
    for _ in range(3):
        network = fp.Network([64, 256, 256, 1], seed=0)
        before = hash_of_parameters(network)
        history, latency = interrupted_after(
            0.3,
            lambda network=network: fp.train(
                network, HUGE[:rows], HUGE_Y[:rows], epochs=3, validation=validation, n_threads=n_threads
            ),
        )
        latencies.append(latency)
        assert (history.stop_reason, history.epochs) == ("interrupted", 0)
        assert hash_of_parameters(network) == before
    assert_prompt(latencies)


@pytest.mark.parametrize("returns", ["last", "every"])
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("what", ["epoch", "own loss", "validation"])
def test_in_the_middle_of_a_long_sequence(what, n_threads, returns):
    """A pass takes seconds, for each step reads more weights than caches hold, and is not gone through."""
    X = [np.broadcast_to(numbers("X", 4).astype(np.float32), (steps, 4)) for steps in (10_000, 3_500)]
    Y = [one[:, :1] for one in X] if returns == "every" else np.ones((2, 1))
    short = ([one[:9] for one in X], [one[:9] for one in Y]) if returns == "every" else ([X[0][:9]], Y[:1])
    data, validation = (short, (X, Y)) if what == "validation" else ((X, Y), None)
    loss = (lambda A, T: (((A - T) ** 2).sum(axis=1), 2 * (A - T))) if what == "own loss" else None
    latencies = []
    for _ in range(3):
        network = fp.RecurrentNetwork([4, 1024, 1], returns=returns, seed=0)
        before = hash_of_parameters(network)
        history, latency = interrupted_after(
            0.2,
            lambda network=network: fp.train(
                network, *data, loss=loss, epochs=3, validation=validation, n_threads=n_threads
            ),
        )
        latencies.append(latency)
        assert (history.stop_reason, history.epochs) == ("interrupted", 0)
        assert hash_of_parameters(network) == before
    assert_prompt(latencies)


def test_a_gradient_of_many_rows_stops_too():
    latencies = []
    for _ in range(3):
        network, sent = fp.Network([64, 256, 256, 1], seed=0), []
        timer = threading.Timer(
            0.3, lambda sent=sent: (sent.append(time.monotonic()), os.kill(os.getpid(), signal.SIGINT))
        )
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            network.loss_and_gradients(HUGE, HUGE_Y)
        latencies.append(time.monotonic() - sent[0])
        timer.join()
    assert_prompt(latencies)


@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs", "lbfgs-scipy"])
def test_an_estimator_has_the_model_so_far(solver):
    X, y = numbers("X", 1500, 19), numbers("y", 1500)
    settings = {"hidden_layer_sizes": (60,), "solver": solver, "tol": 0.0, "n_iter_no_change": np.inf,
                "random_state": 0, "max_fun": 10**9}  # fmt: skip
    latencies = []
    for seconds in (0.2, 0.35, 0.5):
        model = fp.MLPRegressor(max_iter=10**7, max_time=30.0, **settings)
        fitted, latency = interrupted_after(seconds, lambda model=model: model.fit(X, y))
        latencies.append(latency)
        assert fitted is model
        assert len(model.loss_curve_) == model.n_iter_ >= 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = fp.MLPRegressor(max_iter=model.n_iter_, **settings).fit(X, y)
        assert model.loss_curve_ == whole.loss_curve_
        assert sha256(*model.coefs_, *model.intercepts_) == sha256(*whole.coefs_, *whole.intercepts_)
    assert_prompt(latencies)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_estimator_interrupted_in_its_first_epoch(early_stopping, monkeypatch):
    model = fp.MLPRegressor(
        hidden_layer_sizes=(256, 256), solver="rprop", early_stopping=early_stopping, random_state=0
    )

    def train(*data, **keywords):
        return interrupted_after(0.1, lambda: fp.train(*data, **keywords))[0]

    monkeypatch.setattr("ferroprop.estimators._epochs.train", train)
    rows = HUGE[:300_000]
    model.fit(rows, HUGE_Y[: len(rows)].ravel())
    assert (model.n_iter_, model.loss_curve_) == (0, [])
    assert np.isfinite(model.predict(rows[:3])).all()


def test_a_second_one_is_a_keyboard_interrupt():
    """It reaches the caller's next line as it would after any call."""
    X, Y = numbers("X", 200, 5), numbers("Y", 200, 1)
    interrupts = threading.Thread(
        target=lambda: [(time.sleep(0.4), os.kill(os.getpid(), signal.SIGINT)) for _ in range(2)]
    )
    interrupts.start()
    with pytest.warns(UserWarning, match="interrupted"):
        history = fp.train(fp.Network([5, 9, 1]), X, Y, epochs=10**9)
    assert history.stop_reason == "interrupted"
    with pytest.raises(KeyboardInterrupt):
        time.sleep(20)
    interrupts.join()


def test_a_handler_of_the_callers_own_is_asked():
    """A signal that raises nothing ends nothing; what a handler raises comes out of the call."""

    class EnoughError(Exception):
        pass

    calls = []

    def handler(number, frame):
        calls.append(number)
        if len(calls) == 2:
            raise EnoughError

    X, Y = numbers("X", 200, 5), numbers("Y", 200, 1)
    network = fp.Network([5, 9, 1])
    before = signal.signal(signal.SIGUSR1, handler)
    bits = hash_of_parameters(network)
    try:
        for delay in (0.2, 0.4):
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        with pytest.raises(EnoughError):
            fp.train(network, X, Y, epochs=10**9)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(calls) == 2
    assert hash_of_parameters(network) == bits


def test_in_a_notebook():
    """A kernel runs cells in the main thread, within an event loop, with Python's own handler."""

    async def cell():
        return interrupted_after(
            0.3,
            lambda: fp.train(fp.Network([5, 9, 1]), numbers("X", 200, 5), numbers("Y", 200, 1), epochs=10**9),
        )

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    loop = asyncio.new_event_loop()
    try:
        history, latency = loop.run_until_complete(cell())
        assert loop.run_until_complete(asyncio.sleep(0, "alive")) == "alive"
    finally:
        loop.close()
        signal.signal(signal.SIGINT, before)
    assert history.stop_reason == "interrupted"
    assert latency < MOST


def test_a_training_in_another_thread_is_not_touched():
    """Signals are the main thread's business."""
    X, Y = numbers("X", 200, 5), numbers("Y", 200, 1)
    results = []
    trainer = threading.Thread(
        target=lambda: results.append(fp.train(fp.Network([5, 9, 1]), X, Y, epochs=10**9, max_time=1.0))
    )
    trainer.start()
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        time.sleep(20)
    trainer.join(20)
    assert results[0].stop_reason == "time"


# The command line -----------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path):
    X = numbers("X", 2000, 6)
    lines = [",".join([*"abcdef", "y"])] + [",".join(map(str, [*row, row.sum()])) for row in X]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines))
    return path


def start_training(table):
    options = ["-t", "y", "--save", f"{table}.skops", "--model", "mlp"]
    options += ["--epochs", "100000000", "--patience", "100000000"]
    command = [sys.executable, "-m", "ferroprop", "train", str(table), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "to validate" in line or line.startswith("epoch"):
            break
    time.sleep(0.7)
    return process, lines


def test_the_command_line_saves_the_model_so_far(table):
    process, lines = start_training(table)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[0]
    output = "".join(lines) + rest
    assert process.returncode == 0, output
    assert "Training interrupted by user." in output
    assert time.monotonic() - sent < 30
    assert os.path.exists(f"{table}.skops")


def test_the_command_line_ends_at_the_second_one(table):
    process, lines = start_training(table)
    output = []
    reader = threading.Thread(target=lambda: output.append(process.stdout.read()))
    reader.start()
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    assert process.wait(20) != 0, (lines, output)
    reader.join(20)
    process.stdout.close()
    assert not os.path.exists(f"{table}.skops")
