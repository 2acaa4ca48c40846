"""Many Python threads at once, limits on the core's own threads, and threads that the system refuses."""

import concurrent.futures
import json
import os
import sys
import threading
import time
from dataclasses import replace

import ferroprop as fp
import numpy as np
import pytest
from children import answer_of_a_child, forks, in_a_process
from fits import Fit, numbers
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

WIDE = Fit(layer_sizes=(19, 75, 61, 7), rows=1733, n_threads=3)

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def during(work, predict, threads=64, enough=1):
    """Call `predict` in this many threads while `work` is done; return all that it returned.

    A busy machine may let no thread look between two changes, so `work` is done again until the threads have
    seen as many different results as are `enough`, or for a minute.
    """
    stop, begin = threading.Event(), threading.Barrier(threads + 1)
    seen = set()

    def watch():
        begin.wait()
        while not stop.is_set():
            seen.add(predict())

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        watchers = [pool.submit(watch) for _ in range(threads)]
        begin.wait()
        deadline = time.monotonic() + 60
        try:
            work()
            while len(seen) < enough and time.monotonic() < deadline:
                work()
        finally:
            stop.set()
        for watcher in watchers:
            watcher.result()
    return seen


# Predicting while somebody trains -------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_network_is_the_old_one_or_the_new_one(n_threads):
    """A training without a callback puts the new network in place once, at its end."""
    networks = [WIDE.network()]
    X = WIDE.data()[0][:200]
    network = networks[0].copy()

    def work():
        for _ in range(8):
            replace(WIDE, epochs=2).train(network)
            networks.append(network.copy())

    seen = during(work, lambda: network.predict(X, n_threads=n_threads).tobytes(), enough=2)
    allowed = {each.predict(X).tobytes() for each in networks}
    assert len(allowed) == len(networks) > 8
    assert seen <= allowed
    assert len(seen) > 1


def test_a_network_is_that_of_a_whole_epoch_where_a_callback_looks_at_it():
    network, allowed = WIDE.network(), set()
    X = WIDE.data()[0][:200]
    allowed.add(network.predict(X).tobytes())

    def work():
        replace(WIDE, epochs=20).train(
            network, callback=lambda epoch: allowed.add(network.predict(X).tobytes()) or False
        )

    seen = during(work, lambda: network.predict(X).tobytes())
    assert len(allowed) == 21
    assert seen <= allowed


def test_parameters_are_set_all_at_once():
    network, other = WIDE.network(), fp.Network(WIDE.layer_sizes, activation="tanh", seed=99)
    X = WIDE.data()[0][:50]
    both = [(each.weights, each.biases) for each in (network, other)]
    allowed = {each.predict(X).tobytes() for each in (network, other)}

    def work():
        for _ in range(50):
            for parameters in both:
                network.set_parameters(*parameters)

    assert during(work, lambda: network.predict(X).tobytes(), enough=2) == allowed


@quiet
@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs"])
def test_a_regressor_is_the_old_one_or_the_new_one(solver):
    X, y = numbers("X", 400, 19), numbers("y", 400)
    model = fp.MLPRegressor(hidden_layer_sizes=(20,), solver=solver, random_state=0)
    fitted = {seed: fp.MLPRegressor(**{**model.get_params(), "random_state": seed, "max_iter": 3}).fit(X, y)
              for seed in range(2)}  # fmt: skip
    allowed = {each.predict(X).tobytes() for each in fitted.values()}
    model.set_params(max_iter=3).fit(X, y)

    def work():
        for i in range(10):
            model.set_params(random_state=(i + 1) % 2).fit(X, y)

    assert during(work, lambda: model.predict(X).tobytes(), enough=2) == allowed


@quiet
def test_a_classifier_never_mixes_an_old_network_with_new_classes():
    """The refit has other classes, more of them, other features and other names."""
    X = numbers("X", 300, 4)
    first = np.array(["cat", "dog"])[(X[:, 0] > 0).astype(int)]
    second = np.array(["ant", "bee", "cow"])[np.digitize(X[:, 0], [-1, 1])]
    model = fp.MLPClassifier(hidden_layer_sizes=(9,), max_iter=3, random_state=0).fit(X, first)
    old, old_proba = model.predict(X).tobytes(), model.predict_proba(X).tobytes()
    new_model = fp.MLPClassifier(hidden_layer_sizes=(9,), max_iter=3, random_state=0).fit(X, second)
    allowed = {(old, 2), (new_model.predict(X).tobytes(), 3)}
    allowed_proba = {old_proba, new_model.predict_proba(X).tobytes()}
    seen_proba = set()

    def predict():
        seen_proba.add(model.predict_proba(X).tobytes())
        labels = model.predict(X)
        return labels.tobytes(), 2 if labels[0] in ("cat", "dog") else 3

    def work():
        for i in range(20):
            model.fit(X, first if i % 2 else second)

    seen = during(work, predict, enough=2)
    assert seen == allowed
    assert seen_proba <= allowed_proba


@quiet
def test_a_refit_with_other_features_is_not_seen_before_it_is_done():
    X, y = numbers("X", 300, 4), numbers("y", 300)
    model = fp.MLPRegressor(hidden_layer_sizes=(9,), max_iter=3, random_state=0).fit(X, y)
    expected = model.predict(X)
    looks = []

    def look(epoch):
        looks.append((model.n_features_in_, model.predict(X).tobytes() == expected.tobytes()))

    model.set_params(callback=look).fit(X[:, :3], y)
    assert looks == [(4, True)] * 3
    assert model.n_features_in_ == 3
    assert model.predict(X[:, :3]).shape == (300,)


@quiet
def test_a_refit_that_fails_changes_nothing():
    X, y = numbers("X", 300, 4), np.repeat(["cat", "dog", "eel"], 100)
    model = fp.MLPClassifier(hidden_layer_sizes=(9,), max_iter=3, random_state=0).fit(X, y)
    expected, before = model.predict(X), dict(vars(model))

    def fail(epoch):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        model.set_params(callback=fail).fit(X[:, :2], y == "cat")
    assert model.predict(X).tolist() == expected.tolist()
    assert vars(model).keys() == before.keys()
    assert model.n_features_in_ == 4
    assert model.classes_.tolist() == ["cat", "dog", "eel"]


@quiet
def test_what_a_callback_sets_on_the_estimator_stays():
    X, y = numbers("X", 300, 4), numbers("y", 300)
    model = fp.MLPRegressor(hidden_layer_sizes=(9,), max_iter=3, random_state=0)

    def note(epoch):
        model.note_ = epoch.epoch
        model.set_params(alpha=0.5)

    model.set_params(callback=note).fit(X, y)
    assert (model.note_, model.alpha) == (3, 0.5)
    assert np.isfinite(model.predict(X)).all()


def test_predictions_do_not_wait_for_a_training():
    """No lock is held: a training in an endless callback keeps nobody from predicting."""
    network, held, go_on = WIDE.network(), threading.Event(), threading.Event()
    X = WIDE.data()[0]

    def wait(epoch):
        held.set()
        go_on.wait(20)

    trainer = threading.Thread(target=lambda: replace(WIDE, epochs=1).train(network, callback=wait))
    trainer.start()
    assert held.wait(20)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(network.predict, X, n_threads=2) for _ in range(64)]
        assert len({future.result(timeout=20).tobytes() for future in futures}) == 1
    go_on.set()
    trainer.join(20)
    assert not trainer.is_alive()


# Fits in several threads ----------------------------------------------------------------------------------


def test_fits_in_several_threads():
    fits = [replace(WIDE, n_threads=n, optimizer=rule) for n in (1, 2, 3, 5) for rule in ("Rprop", "Adam")]
    expected = [fit.run() for fit in fits]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(2):
            futures = [pool.submit(fit.run) for fit in fits]
            assert [future.result(timeout=60) for future in futures] == expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
def test_idle_threads_do_not_accumulate():
    """Teams of many sizes, one after the other, leave no more threads than the largest had."""
    code = """
import json, os, time
from test_threads import WIDE
network, (X, Y, _) = WIDE.network(), WIDE.data()
import ferroprop as fp
before = len(os.listdir("/proc/self/task"))
for n_threads in [*range(2, 12), *range(11, 1, -1), *range(2, 12)]:
    fp.train(network, X, Y, epochs=1, n_threads=n_threads)
time.sleep(0.5)
print(json.dumps(len(os.listdir("/proc/self/task")) - before))
"""
    assert in_a_process(code) == 10


# Limits ---------------------------------------------------------------------------------------------------

COUNT = """
import json, os, time
import ferroprop as fp
import numpy as np
X = np.linspace(-1, 1, 19 * 1733, dtype=np.float32).reshape(1733, 19)
network = fp.Network([19, 75, 61, 7])

def threads():
    # Those of the core have names.
    names = [open(f"/proc/self/task/{task}/comm").read() for task in os.listdir("/proc/self/task")]
    return 1 + sum(name.startswith("ferroprop") for name in names)

def trained(n_threads):
    fp.train(network, X, X[:, :7], epochs=1, n_threads=n_threads)
    # A thread that begins has no name yet, one that ends still has it.
    time.sleep(0.5)
    return threads()
"""

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")


def ours():
    return [library for library in threadpool_info() if library["user_api"] == "ferroprop"]


def test_threadpoolctl_lists_the_core():
    (library,) = ours()
    assert library["version"] == fp.__version__
    assert library["num_threads"] >= 1
    assert os.path.samefile(library["filepath"], fp._core.__file__)
    assert json.loads(json.dumps(library)) == library


def test_limits_nest_and_end():
    default, limit = ours()[0]["num_threads"], fp._core._thread_limit
    assert limit() is None
    with threadpool_limits(4):
        assert limit() == 4
        with threadpool_limits(1):
            assert (limit(), ours()[0]["num_threads"]) == (1, 1)
            with threadpool_limits({"ferroprop": 3}):
                assert limit() == 3
            assert limit() == 1
        assert limit() == 4
        with threadpool_limits(2, user_api="blas"):
            assert limit() == 4
    assert limit() is None
    assert ours()[0]["num_threads"] == default
    controller = ThreadpoolController().select(user_api="ferroprop")
    with controller.limit(limits=2):
        assert limit() == 2
    assert limit() is None

    @controller.wrap(limits=1)
    def within():
        return limit()

    assert (within(), limit()) == (1, None)


@on_linux
def test_limits_hold():
    code = (
        COUNT
        + """
from threadpoolctl import threadpool_limits
with threadpool_limits(1):
    seen = [trained(None), trained(8)]
with threadpool_limits(3):
    seen.append(trained(8))
seen.append(trained(5))
print(json.dumps(seen))
"""
    )
    assert in_a_process(code) == [1, 1, 3, 5]


def test_limits_change_no_bit():
    fit = replace(WIDE, n_threads=None)
    expected = fit.run()
    for limit in (1, 2, 7):
        with threadpool_limits(limit):
            assert fit.run() == expected


@forks
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_inherits_the_limit():
    with threadpool_limits(2):
        assert answer_of_a_child(fp._core._thread_limit) == 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no CPU affinity")
def test_one_cpu_by_affinity_means_one_thread():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n" + COUNT
    assert in_a_process(code + "print(json.dumps([fp._core._n_threads(), trained(None)]))") == [1, 1]


@on_linux
@pytest.mark.parametrize("most", [0, 2])
def test_threads_that_the_system_refuses(most):
    """The calling thread then works alone, or with the helpers that it had before."""
    expected = replace(WIDE, n_threads=1).run()
    code = f"""
import json, os, resource
from test_threads import WIDE
from dataclasses import replace
if {most}:
    replace(WIDE, n_threads={most} + 1).run()
if os.getuid() == 0:
    os.setuid(65534)  # the limit does not hold for root
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
import threading
try:
    threading.Thread(target=print).start()
    raise SystemExit("the limit does not hold")
except RuntimeError:
    pass
print(json.dumps([replace(WIDE, n_threads=n).run() for n in (1, 2, 3, 8)]))
"""
    assert in_a_process(code) == [expected] * 4
