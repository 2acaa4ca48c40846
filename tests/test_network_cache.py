"""The network an estimator keeps between predictions: quick, and never out of date."""

import copy
import gc
import pickle
import threading

import ferroprop as fp
import joblib
import numpy as np
import pytest
from ferroprop.estimators import _network_cache

X = np.random.RandomState(0).rand(40, 6)
y = X @ np.arange(6.0)
row = X[:1].copy()


@pytest.fixture
def model():
    return settled(fp.MLPRegressor(hidden_layer_sizes=(7, 5), activation="tanh", max_iter=2, random_state=0))


@pytest.fixture
def comparisons(monkeypatch):
    """Return a list that grows by one with each comparison of all bytes."""
    made = []
    compare = _network_cache._Prepared.has_contents

    def counted(prepared):
        made.append(1)
        return compare(prepared)

    monkeypatch.setattr(_network_cache._Prepared, "has_contents", counted)
    return made


def settled(model):
    """Fit, and predict until the network is at hand."""
    with pytest.warns(UserWarning, match="hasn't converged"):
        model.fit(X, y)
    for _ in range(3):
        model.predict(row)
    return model


def by_hand(model):
    layers = list(zip(model.coefs_, model.intercepts_, strict=True))
    values = X
    for weights, biases in layers[:-1]:
        values = np.tanh(values @ weights + biases)
    return (values @ layers[-1][0] + layers[-1][1]).ravel()


def test_predictions_compare_nothing_once_settled(model, comparisons):
    for _ in range(5):
        model.predict(row)
    assert not comparisons
    _ = model.coefs_
    for _ in range(5):
        model.predict(row)
    assert len(comparisons) == 1


def test_while_someone_has_the_arrays_they_are_compared(model, comparisons):
    held = model.coefs_[1][2:]
    for _ in range(5):
        model.predict(row)
    assert len(comparisons) == 5
    del held
    gc.collect()
    for _ in range(5):
        model.predict(row)
    assert len(comparisons) == 6


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs"])
def test_the_network_of_a_fit_predicts(solver, monkeypatch):
    """No other is made of its weights; one that a callback has got is nobody else's to keep."""
    made = []
    build = _network_cache.build_network
    monkeypatch.setattr(_network_cache, "build_network", lambda *a: made.append(1) or build(*a))
    kept = []
    model = fp.MLPRegressor(
        hidden_layer_sizes=(7, 5), activation="tanh", solver=solver, max_iter=5, random_state=0
    )
    model.fit(X, y)
    assert np.abs(model.predict(X) - by_hand(model)).max() < 1e-12
    assert made == []
    model.set_params(callback=lambda epoch: kept.append(epoch.network) and None)
    model.fit(X, y)
    expected = model.predict(X)
    for network in kept:
        network.set_parameter_vector(np.zeros(network.n_parameters))
    np.testing.assert_array_equal(model.predict(X), expected)
    assert made == [1]


def _edit_view(model):
    view = model.coefs_[0].T[::2]
    model.predict(row)
    view += 1.0


def _edit_late(model):
    held = model.intercepts_[0]
    for _ in range(4):
        model.predict(row)
    held[:] = 3.0


def _edit_buffer(model):
    buffer = memoryview(model.coefs_[0]).cast("B").cast("d")
    for _ in range(4):
        model.predict(row)
    buffer[3] = 9.0


def _edit_list(model):
    held = model.coefs_
    for _ in range(4):
        model.predict(row)
    held[1] = held[1] * 2


def _edit_array_of_list(model):
    held = model.coefs_
    for _ in range(4):
        model.predict(row)
    held[1][0, 0] = 5.0


def _edit_out(model):
    np.multiply(model.coefs_[2], 3.0, out=model.coefs_[2])


def _edit_one(model):
    model.coefs_[0][2, 3] = 0.0


def _edit_flat(model):
    model.intercepts_[1].flat[0] = 5.0


def _edit_past_the_attribute(model):
    vars(model)["coefs_"][0] = vars(model)["coefs_"][0] * 2.0


def _edit_shallow_copy(model):
    other = copy.copy(model)
    for _ in range(4):
        model.predict(row)
    other.coefs_[0][:] += 1.0


def _edit_shared_dict(model):
    other = fp.MLPRegressor()
    vars(other).update(vars(model))
    other.coefs_[0][:] += 1.0


def _edit_assigned(model):
    base = np.zeros((9, 7))
    model.coefs_ = [base[:6], *model.coefs_[1:]]
    for _ in range(4):
        model.predict(row)
    base += 1.0


def _replace(model):
    model.coefs_ = [coef + 1.0 for coef in model.coefs_]


def _edit_in_another_thread(model):
    thread = threading.Thread(target=_edit_one, args=(model,))
    thread.start()
    thread.join()


EDITS = [value for name, value in sorted(globals().items()) if name.startswith(("_edit", "_replace"))]


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(
    "source",
    [
        lambda m, _: m,
        lambda m, _: pickle.loads(pickle.dumps(m)),
        lambda m, p: joblib.load(joblib.dump(m, p)[0]),
    ],
    ids=["fitted", "pickle", "joblib"],
)
def test_every_edit_is_seen(model, edit, again, source, tmp_path):
    model = source(model, tmp_path / "model")
    for _ in range(3):
        model.predict(row)
    before = model.predict(X)
    edit(model)
    after = model.predict(X)
    if again:
        model.predict(row)
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, by_hand(model), rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X), after)


def test_a_write_past_the_attribute_is_refused_rather_than_overlooked(model):
    with pytest.raises(ValueError, match="read-only"):
        vars(model)["coefs_"][0][0, 0] = 1.0
    model.coefs_[0][0, 0] = 1.0
    np.testing.assert_allclose(model.predict(X), by_hand(model), rtol=1e-12)


def test_read_only_arrays_stay_read_only(model, tmp_path):
    loaded = joblib.load(joblib.dump(model, tmp_path / "model")[0], mmap_mode="r")
    for _ in range(4):
        loaded.predict(row)
    assert not loaded.coefs_[0].flags.writeable
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_unpickled_models_settle_too(model, comparisons, protocol):
    loaded = pickle.loads(pickle.dumps(model, protocol=protocol))
    for _ in range(3):
        loaded.predict(row)
    seen = len(comparisons)
    loaded.predict(row)
    assert len(comparisons) == seen


def test_arrays_of_strange_number(model):
    model.intercepts_ = model.intercepts_[:-1]
    with pytest.raises(ValueError, match="biases"):
        model.predict(X)


def test_reading_what_is_not_there():
    model = fp.MLPRegressor()
    assert not hasattr(model, "coefs_")
    with pytest.raises(AttributeError, match="'MLPRegressor' object has no attribute 'intercepts_'"):
        _ = model.intercepts_
    with pytest.raises(AttributeError):
        del model.coefs_
    assert isinstance(fp.MLPRegressor.coefs_, _network_cache.FittedLayers)


def test_threads_that_write_and_threads_that_predict(model):
    """Each write is seen by the predictions that follow it in the same thread."""
    wrong = []
    turn = threading.Lock()

    def work(seed):
        rng = np.random.RandomState(seed)
        for _ in range(300):
            with turn:
                model.coefs_[0][rng.randint(6), rng.randint(7)] = rng.rand()
                for _ in range(rng.randint(3)):
                    model.predict(row)
                if not np.allclose(model.predict(X), by_hand(model)):
                    wrong.append(seed)

    stop = threading.Event()

    def predict():
        while not stop.is_set():
            model.predict(row)

    others = [threading.Thread(target=predict) for _ in range(2)]
    writers = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for thread in (*others, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in others:
        thread.join()
    assert not wrong
