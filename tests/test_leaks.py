"""Thousands of calls leave no memory behind, not those that raise either."""

import sys

import pytest
from children import in_a_process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

MOST = 4 * 2**20

CALLS = {
    "training": "fp.train(network.copy(), X, Y, epochs=1, validation=(X, Y))",
    "training with helpers": "fp.train(wide.copy(), WX, WX[:, :7], epochs=1, n_threads=3)",
    "mini-batches": "fp.train(network.copy(), X, Y, epochs=1, batch_size=7, optimizer='adam', dropout=0.1)",
    "predict": "network.predict(X); network.predict(X[:1]); network.predict(X.astype('f2'))",
    "hidden": "network.hidden(X, 0)",
    "gradients": "network.input_gradient(X); network.loss_and_gradients(X, Y)",
    "callbacks": "fp.train(network.copy(), X, Y, epochs=2, callback=print_nothing, validation_score=one)",
    "own loss": "fp.train(network.copy(), X, Y, epochs=1, loss=own_loss)",
    "parameters": "network.set_parameters(network.weights, network.biases)",
    "save and load": "network.save(path); fp.Network.load(path); pickle.loads(pickle.dumps(network))",
    "optimizer": "rule.step(vector, vector, 1.0); pickle.loads(pickle.dumps(rule))",
    "complex": "fp.train(phases.copy(), X * 1j, Y * 1j, epochs=1); phases.predict(X * 1j)",
    "stochastic": "fp.train(drawn.copy(), X, Y, epochs=1); drawn.predict(X, samples=3, return_std=True)",
    "recurrent": (
        "fp.train(memory.copy(), series, Y[:9], epochs=1, n_threads=2, clip_norm=1.0, truncate=2);"
        "memory.predict(series, state=memory.predict(series, return_state=True)[1]);"
        "memory.predict(X.reshape(8, 5, 5), lengths=[1, 2, 3, 4, 5, 5, 5, 5]);"
        "memory.loss_and_gradients(series, Y[:9]);"
        "fails(lambda: memory.predict(series, lengths=[1] * 9)); fails(lambda: memory.predict([X[:, 1:]]));"
        "fails(lambda: fp.train(memory, series, Y)); fails(lambda: memory.predict(series, state=[X]))"
    ),
    "errors": (
        "fails(lambda: network.predict(X[:, 1:])); fails(lambda: network.predict(X * np.nan));"
        "fails(lambda: fp.train(network, X, Y, callback=lambda e: 1 / 0));"
        "fails(lambda: fp.train(network, X, Y, loss=lambda outputs, targets: None));"
        "fails(lambda: fp.Network.load(__file__ if '__file__' in globals() else '/etc/hosts'));"
        "fails(lambda: fp.Network([3, 0])); fails(lambda: network.set_parameters([], []))"
    ),
}
ESTIMATORS = {
    "fit": "clone(model).fit(X, y)",
    "refit": "model.fit(X, y)",
    "predict": "model.predict(X); model.predict_proba(X[:1]); model.coefs_",
    "pickle": "pickle.loads(pickle.dumps(model)).predict(X)",
    "errors": "fails(lambda: model.predict(X[:, 1:])); fails(lambda: model.fit(X * np.nan, y))",
}

PREPARE = """
import gc, json, os, pickle, tempfile, warnings
import ferroprop as fp
import numpy as np
X = np.linspace(-1, 1, 40 * 5, dtype=np.float32).reshape(40, 5)
Y = X[:, :2].copy()
WX = np.linspace(-1, 1, 19 * 1733, dtype=np.float32).reshape(1733, 19)
network, wide = fp.Network([5, 30, 20, 2]), fp.Network([19, 75, 61, 7])
phases, drawn = fp.Network([5, 9, 2], dtype="complex64"), fp.Network([5, 9, 2], activation=fp.Bernoulli())
memory, series = fp.RecurrentNetwork([5, 9, 4, 2], cell="lstm"), [X[: n + 1] for n in range(9)]
path = tempfile.mkdtemp() + "/network"
vector, rule = np.ones(1000), fp.Rprop()
print_nothing, one = lambda epoch: None, lambda network: 1.0

def own_loss(outputs, targets):
    return ((outputs - targets) ** 2).sum(axis=1), 2 * (outputs - targets)

def fails(call):
    try:
        call()
    except Exception:
        return
    raise SystemExit("no error")

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

def growth(code, calls):
    code = compile(code, "call", "exec")
    for _ in range(max(50, calls // 10)):
        exec(code, globals())
    before = resident()
    for _ in range(calls):
        exec(code, globals())
    return resident() - before
"""
PREPARE_ESTIMATOR = """
from sklearn.base import clone
warnings.simplefilter("ignore")
y = np.arange(40) % 3
model = fp.MLPClassifier(hidden_layer_sizes=(10,), solver="adam", max_iter=1, random_state=0).fit(X, y)
"""


def assert_no_growth(calls, prepare, count):
    code = (
        f"{prepare}\nprint(json.dumps({{name: growth(code, {count}) for name, code in {calls!r}.items()}}))"
    )
    grown = in_a_process(code)
    assert max(grown.values()) < MOST, grown


def test_a_thousand_calls():
    assert_no_growth(CALLS, PREPARE, 1000)


def test_hundreds_of_calls_of_an_estimator():
    assert_no_growth(ESTIMATORS, PREPARE + PREPARE_ESTIMATOR, 200)


@pytest.mark.exhaustive
def test_ten_thousand_calls():
    assert_no_growth(CALLS, PREPARE, 10_000)


@pytest.mark.exhaustive
def test_ten_thousand_calls_of_an_estimator():
    assert_no_growth(ESTIMATORS, PREPARE + PREPARE_ESTIMATOR, 10_000)


@pytest.mark.exhaustive
def test_children_and_threads_that_come_and_go():
    code = (
        PREPARE
        + """
import threading
warnings.simplefilter("ignore")

def fork_and_threads():
    child = os.fork()
    if child == 0:
        fp.train(wide.copy(), WX, WX[:, :7], epochs=1, n_threads=3)
        os._exit(0)
    os.waitpid(child, 0)
    thread = threading.Thread(target=fp.train, args=(wide.copy(), WX, WX[:, :7]), kwargs={"epochs": 1})
    thread.start()
    thread.join()

print(json.dumps(growth("fork_and_threads()", 1000)))
"""
    )
    assert in_a_process(code) < MOST
