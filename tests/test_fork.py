"""A child process computes the same bits as its parent, and never hangs, whatever the parent was doing."""

import itertools
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace

import ferroprop as fp
import joblib
import numpy as np
import pytest
from children import SECONDS, answer_of_a_child, forks, start_child
from fits import Fit, hash_of_parameters, numbers, sha256

# That there are threads when a process is forked is the point.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

WIDE = Fit(layer_sizes=(19, 75, 61, 7), rows=1733, n_threads=3)  # work enough for three threads
FITS = [
    Fit(layer_sizes=(5, 9, 3), rows=57, epochs=5, batch_size=10, optimizer="Adam"),
    WIDE,
    replace(WIDE, dtype="float64", batch_size=331, optimizer="SGD"),
]


def imported(_):
    """Do nothing: what takes long in a process that starts anew is to import."""


def run_all(_=None):
    """Return the hashes of everything these fits give, of an estimator's too."""
    return [fit.run() for fit in FITS] + [estimator_fit(solver) for solver in ("rprop", "adam", "lbfgs")]


def estimator_fit(solver, seed=0):
    X, y = numbers("X", 1733, 19), numbers("y", 1733)
    model = fp.MLPRegressor(
        hidden_layer_sizes=(75, 61), solver=solver, max_iter=2, random_state=seed, n_jobs=3
    )
    model.fit(X, y)
    return sha256(*model.coefs_, *model.intercepts_, model.predict(X), model.predict(X[:1]))


# os.fork --------------------------------------------------------------------------------------------------


@forks
def test_fit_fork_fit():
    expected = run_all()  # and now the parent has threads
    assert answer_of_a_child(run_all) == expected
    assert run_all() == expected


@forks
def test_fork_before_any_fit_of_the_parent():
    """The child starts the first threads, the parent does so later."""
    answer = start_child(lambda: answer_of_a_child(run_all, SECONDS - 5))
    assert answer() == run_all()


@forks
def test_a_fork_in_a_callback():
    expected = run_all()
    answers = []
    replace(WIDE, epochs=2).train(callback=lambda epoch: answers.append(answer_of_a_child(run_all)))
    assert answers == [expected] * 2
    assert run_all() == expected


@forks
@pytest.mark.parametrize("where", ["callback", "validation_score", "shuffle", "loss"])
def test_a_child_that_was_forked_in_a_training_can_finish_it(where):
    """It has no helpers any more; neither those nor what they held when they vanished is waited for."""
    fit = replace(WIDE, epochs=6, batch_size=331, optimizer="Adam")

    def loss(outputs, targets):
        return ((outputs - targets) ** 2).sum(axis=1) / 2, outputs - targets

    def function(act):
        return {
            "callback": lambda epoch: act(),
            "validation_score": lambda network: act() or 1.0,
            "shuffle": lambda epoch: act() or np.arange(fit.rows),
            "loss": lambda outputs, targets: act() or loss(outputs, targets),
        }[where]

    network, history = fit.train(**{where: function(lambda: None)})
    expected = [hash_of_parameters(network), history.loss]
    reader, writer = os.pipe()
    calls, children = itertools.count(), []

    def fork():
        if next(calls) == 2:
            children.append(os.fork())
            if children[0] == 0:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(SECONDS)

    try:
        network, history = fit.train(**{where: function(fork)})
        same = [hash_of_parameters(network), history.loss] == expected
        # Not over yet: there may be a next one.
        same = same and hash_of_parameters(fit.train(**{where: function(lambda: None)})[0]) == expected[0]
        if children[0] == 0:
            os.write(writer, b"same" if same else b"different")
    finally:
        if children and children[0] == 0:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        assert pipe.read() == b"same"
    assert os.waitpid(children[0], 0)[1] == 0
    assert same


@forks
def test_grandchildren():
    expected = run_all()

    def generation(depth):
        before = run_all()
        below = generation_of_a_child(depth - 1) if depth else []
        return [before, *below, run_all()]

    def generation_of_a_child(depth):
        return answer_of_a_child(lambda: generation(depth))

    answers = generation_of_a_child(2)
    assert answers == [expected] * 6


@forks
def test_forks_while_other_threads_fit_and_predict():
    """Whatever a thread holds at that moment stays held in the child for good."""
    expected = run_all()
    X, y = numbers("X", 1733, 19), numbers("y", 1733)
    model = fp.MLPRegressor(hidden_layer_sizes=(75, 61), max_iter=1, random_state=0, n_jobs=3)
    model.fit(X, y)
    outputs = model.predict(X).tobytes()
    network = WIDE.network()
    stop = threading.Event()

    def fit():
        while not stop.is_set():
            replace(WIDE, epochs=1).train()

    def predict():
        while not stop.is_set():
            network.predict(X.astype(np.float32), n_threads=2)
            network.set_parameters(network.weights, network.biases)
            model.predict(X[:1])
            _ = model.coefs_

    def in_the_child():
        return [*run_all(), model.predict(X).tobytes() == outputs]

    others = [threading.Thread(target=work) for work in (fit, fit, predict, predict)]
    for thread in others:
        thread.start()
    try:
        for _ in range(6):
            assert answer_of_a_child(in_the_child) == [*expected, True]
    finally:
        stop.set()
        for thread in others:
            thread.join()


@forks
def test_a_server_that_loads_before_it_forks():
    """The master loads the model and tries it, workers serve and learn, and one that died is replaced."""
    X, y = numbers("X", 1733, 19), numbers("y", 1733)
    model = fp.MLPRegressor(hidden_layer_sizes=(75, 61), solver="adam", max_iter=2, random_state=0, n_jobs=3)
    model.fit(X, y)
    expected = [model.predict(X[:rows]).tolist() for rows in (1, 10, 1733)]

    def serve(seed):
        answers = [[model.predict(X[:rows]).tolist() for rows in (1, 10, 1733)] for _ in range(3)]
        model.partial_fit(X, y)
        return [answers == [expected] * 3, sha256(*model.coefs_), estimator_fit("rprop", seed)]

    workers = [start_child(lambda seed=seed: serve(seed)) for seed in range(3)]
    still = [model.predict(X[:rows]).tolist() for rows in (1, 10, 1733)]
    unlucky = os.fork()
    if unlucky == 0:
        threading.Thread(target=lambda: [serve(0) for _ in range(1000)]).start()
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(unlucky, 0)
    answers = [answer() for answer in workers] + [start_child(lambda: serve(3))()]
    assert still == expected
    model.partial_fit(X, y)
    learned = sha256(*model.coefs_)
    assert answers == [[True, learned, estimator_fit("rprop", seed)] for seed in range(4)]


# Pools of processes ---------------------------------------------------------------------------------------

METHODS = [
    pytest.param(method, marks=[] if method in multiprocessing.get_all_start_methods() else pytest.mark.skip)
    for method in ("fork", "forkserver", "spawn")
]


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_after_a_fit(method):
    expected = run_all()
    context = multiprocessing.get_context(method)
    # Tasks of a pool that is closed before they are done would go on; one that hangs is killed.
    pool = context.Pool(2)
    try:
        pool.map_async(imported, range(2), chunksize=1).get(timeout=10 * SECONDS)
        answers = pool.map_async(run_all, range(2), chunksize=1).get(timeout=SECONDS)
        pool.close()
    finally:
        if pool._state == "RUN":
            pool.terminate()
        pool.join()
    assert answers == [expected] * 2
    assert run_all() == expected


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib_after_a_fit(backend):
    expected = run_all()
    joblib.Parallel(n_jobs=2, backend=backend, timeout=10 * SECONDS)(map(joblib.delayed(imported), range(2)))
    jobs = joblib.Parallel(n_jobs=2, backend=backend, timeout=SECONDS)
    assert jobs(joblib.delayed(run_all)() for _ in range(2)) == [expected] * 2
    assert run_all() == expected
