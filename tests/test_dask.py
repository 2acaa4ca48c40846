"""Fits on Dask's collections: the bits of a fit in one place, whatever happens to partitions and workers."""

import asyncio
import logging
import os
import pickle
import signal
import sys
import threading
import time
import warnings

import ferroprop as fp
import numpy as np
import pytest
from children import in_a_process
from ferroprop import MLPClassifier, MLPRegressor
from fits import numbers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip(
    "distributed", reason="dask and distributed are not installed: pip install ferroprop[dask]"
)

import dask
import dask.array as da
import dask.dataframe as dd
import pandas as pd
from distributed import Client, LocalCluster
from ferroprop.dask import DaskMLPClassifier, DaskMLPRegressor, train

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
]

ROWS = 52_000  # four groups
X = numbers("X", ROWS, 4).astype(np.float32)
LABELS = np.array(["ant", "bee", "cow"])[np.digitize(X[:, 0] * X[:, 1], [-0.3, 0.3])]
NUMBERS = X[:, 0] * X[:, 1]
WEIGHT = np.abs(numbers("weights", ROWS))
CHUNKS = (20_000, 1, 0, 12_999, 19_000)
USUAL = {"hidden_layer_sizes": (7,), "solver": "rprop", "max_iter": 4, "random_state": 0}


@pytest.fixture(scope="module")
def cluster():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"dashboard_address": ":0", "threads_per_worker": 1, "memory_limit": 0}
        with LocalCluster(n_workers=2, processes=True, **options) as cluster:
            yield cluster


@pytest.fixture(scope="module")
def client(cluster):
    with Client(cluster) as client:
        yield client


def as_dask(array, chunks=CHUNKS):
    return da.from_array(array, chunks=(chunks,) + (-1,) * (array.ndim - 1))


def bits(model):
    return [array.tobytes() for array in (*model.coefs_, *model.intercepts_)]


def local(kind=MLPClassifier, y=LABELS, weight=None, fit=None, **parameters):
    return kind(**{**USUAL, **parameters}).fit(X, y, weight, **(fit or {}))


def assert_equal(model, other):
    assert bits(model) == bits(other)
    for name in ("loss_curve_", "validation_scores_", "validation_loss_curve_", "n_iter_", "t_", "loss_",
                 "best_loss_", "out_activation_", "n_layers_", "n_outputs_", "n_features_in_"):  # fmt: skip
        assert getattr(model, name, None) == getattr(other, name, None), name


# The same bits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"solver": "lbfgs"},
        {"solver": "lbfgs", "class_weight": "balanced"},
        {"solver": "grprop", "alpha": 1.0, "activation": "tanh", "hidden_layer_sizes": (5, 3)},
        {"class_weight": {"ant": 2.0, "bee": 0.5, "cow": 0.1}, "weight": WEIGHT},
        {"class_weight": "balanced"},
        {"loss": "hinge", "weight": WEIGHT},
        {"label_smoothing": 0.1},
    ],
    ids=str,
)
def test_a_classifier_has_the_bits_of_a_fit_in_one_place(client, parameters):
    parameters = dict(parameters)
    weight = parameters.pop("weight", None)
    model = DaskMLPClassifier(**{**USUAL, **parameters})
    assert model.fit(as_dask(X), as_dask(LABELS), None if weight is None else as_dask(weight)) is model
    reference = local(weight=weight, **parameters)
    assert_equal(model, reference)
    assert model.classes_.tolist() == ["ant", "bee", "cow"]


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_a_regressor_has_the_bits_of_a_fit_in_one_place(client, columns, dtype):
    inputs = (X * 10).astype(dtype)
    y = NUMBERS if columns == 1 else np.stack([NUMBERS, X[:, 2]], axis=1)
    model = DaskMLPRegressor(**USUAL).fit(as_dask(inputs), as_dask(y), as_dask(WEIGHT))
    assert_equal(model, MLPRegressor(**USUAL).fit(inputs, y, WEIGHT))


@pytest.mark.parametrize(
    "parameters",
    [
        {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 12},
        {"early_stopping": True, "scoring": "loss"},
        {},
        {"solver": "lbfgs"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_validation_rows_are_those_of_one_place(client, parameters, kind):
    held_out = {"X_val": X[:21_000] + 1, "sample_weight_val": WEIGHT[:21_000]}
    here, there, y = (
        (MLPClassifier, DaskMLPClassifier, LABELS)
        if kind == "classifier"
        else (MLPRegressor, DaskMLPRegressor, NUMBERS)
    )
    held_out["y_val"] = y[:21_000]
    collections = {name: as_dask(array, (6_000, 15_000)) for name, array in held_out.items()}
    model = there(**{**USUAL, **parameters}).fit(as_dask(X), as_dask(y), **collections)
    assert_equal(model, local(here, y, fit=held_out, **parameters))


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_the_cut_into_partitions_and_parts_changes_no_bit(client, data):
    places = data.draw(st.lists(st.integers(0, ROWS), max_size=6).map(sorted))
    chunks = tuple(int(n) for n in np.diff([0, *places, ROWS]))
    n_parts = data.draw(st.integers(1, 6))
    model = DaskMLPRegressor(n_parts=n_parts, **USUAL).fit(as_dask(X, chunks), as_dask(NUMBERS, chunks[::-1]))
    assert_equal(model, local(MLPRegressor, NUMBERS))


@pytest.mark.parametrize("n_workers", [1, 3])
def test_the_number_of_workers_changes_no_bit(n_workers):
    options = {"dashboard_address": ":0", "threads_per_worker": 2, "processes": False}
    with LocalCluster(n_workers=n_workers, **options) as cluster, Client(cluster) as own:
        model = DaskMLPClassifier(client=own, **USUAL).fit(as_dask(X), as_dask(LABELS))
    assert_equal(model, local())


def test_frames_and_unknown_numbers_of_rows(client):
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["y"] = LABELS
    frame = frame[frame["a"] > -0.5]
    collection = dd.from_pandas(pd.DataFrame(X, columns=list("abcd")).assign(y=LABELS), npartitions=5)
    collection = collection[collection["a"] > -0.5]
    model = DaskMLPClassifier(**USUAL).fit(collection[list("abcd")], collection["y"])
    reference = MLPClassifier(**USUAL).fit(frame[list("abcd")], frame["y"].to_numpy(dtype=object))
    assert_equal(model, reference)
    assert model.feature_names_in_.tolist() == list("abcd")
    predicted = model.predict(collection[list("abcd")])
    assert predicted.compute().tolist() == reference.predict(frame[list("abcd")]).tolist()
    unknown = as_dask(X)[as_dask(X)[:, 0] > -0.5]
    targets = as_dask(NUMBERS)[as_dask(X)[:, 0] > -0.5]
    before = unknown.chunks
    model = DaskMLPRegressor(**USUAL).fit(unknown, targets)
    assert str(unknown.chunks) == str(before)  # the caller's array is as it was
    kept = X[:, 0] > -0.5
    assert_equal(model, MLPRegressor(**USUAL).fit(X[kept], NUMBERS[kept]))


def test_several_labels_per_row(client):
    y = (X[:, :3] > 0).astype(int)
    model = DaskMLPClassifier(**USUAL).fit(as_dask(X), as_dask(y))
    reference = MLPClassifier(**USUAL).fit(X, y)
    assert_equal(model, reference)
    np.testing.assert_array_equal(model.predict(as_dask(X)).compute(), reference.predict(X))


def test_a_network_has_the_bits_of_train(client):
    Y = np.stack([NUMBERS, X[:, 1]], axis=1)
    here, there = (fp.Network([4, 6, 2], activation="tanh", seed=2) for _ in range(2))
    keywords = {"epochs": 5, "alpha": 0.1, "optimizer": fp.Rprop()}
    first = fp.train(here, X, Y, sample_weight=WEIGHT, validation=(X[:9000], Y[:9000]), **keywords)
    validation = (as_dask(X[:9000], (4000, 5000)), as_dask(Y[:9000], (9000,)))
    keywords |= {"sample_weight": as_dask(WEIGHT), "validation": validation}
    second = train(client, there, as_dask(X), as_dask(Y), **keywords)
    assert [w.tobytes() for w in here.weights] == [w.tobytes() for w in there.weights]
    assert (first.loss, first.validation_loss) == (second.loss, second.validation_loss)


# Mini-batches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", fp.AdamW()])
def test_mini_batches_go_from_part_to_part(client, solver):
    keywords = {**USUAL, "solver": solver, "n_parts": 3, "max_iter": 3, "dropout": 0.1}
    models = [DaskMLPClassifier(**keywords).fit(as_dask(X), as_dask(LABELS)) for _ in range(2)]
    assert bits(models[0]) == bits(models[1])
    assert models[0].loss_curve_[-1] < models[0].loss_curve_[0]
    assert models[0].n_iter_ == 3
    assert models[0].t_ == 3 * ROWS
    stopped = DaskMLPRegressor(**{**keywords, "max_iter": 40, "tol": 1.0, "n_iter_no_change": 2})
    stopped.set_params(early_stopping=True, scoring="loss").fit(
        as_dask(X), as_dask(NUMBERS), X_val=as_dask(X), y_val=as_dask(NUMBERS))  # fmt: skip
    assert stopped.n_iter_ < 40
    assert stopped.score(as_dask(X), as_dask(NUMBERS)) > 0


# Workers that come and go ----------------------------------------------------------------------------------


def test_killed_and_added_workers_change_no_bit():
    options = {"dashboard_address": ":0", "threads_per_worker": 1, "memory_limit": 0}
    with LocalCluster(n_workers=2, processes=True, **options) as cluster, Client(cluster) as own:
        seen = []

        def look(epoch):
            seen.append(epoch.epoch)
            if epoch.epoch == 2:
                os.kill(next(iter(own.run(os.getpid).values())), signal.SIGKILL)
            if epoch.epoch == 4:
                cluster.scale(3)
            if epoch.epoch == 6:
                own.restart_workers(list(own.scheduler_info(n_workers=-1)["workers"])[:1])

        keywords = {**USUAL, "max_iter": 8, "callback": look}
        model = DaskMLPClassifier(client=own, **keywords).fit(as_dask(X), as_dask(LABELS))
    assert seen == [*range(1, 9)]
    assert_equal(model, local(max_iter=8))


def test_lost_rows_are_said_and_a_checkpoint_goes_on(tmp_path, client):
    options = {"dashboard_address": ":0", "threads_per_worker": 1, "memory_limit": 0}
    path = tmp_path / "fit.ckpt"
    keywords = {**USUAL, "max_iter": 6, "checkpoint": path, "checkpoint_every": 1}
    with LocalCluster(n_workers=1, processes=True, **options) as cluster, Client(cluster) as own:
        scattered = own.scatter(X)
        rows = da.from_delayed(scattered, X.shape, X.dtype)

        def kill(epoch):
            if epoch.epoch == 3:
                os.kill(next(iter(own.run(os.getpid).values())), signal.SIGKILL)

        model = DaskMLPClassifier(client=own, callback=kill, **keywords)
        with pytest.raises(RuntimeError, match=r"Dask lost rows of the training.*goes on from its last save"):
            model.fit(rows, as_dask(LABELS))
        assert not hasattr(model, "coefs_")
    again = DaskMLPClassifier(client=client, **keywords).fit(as_dask(X), as_dask(LABELS))
    assert bits(again) == bits(local(max_iter=6))


def test_a_scheduler_that_is_gone_is_said():
    options = {"dashboard_address": ":0", "threads_per_worker": 1, "processes": False}
    cluster = LocalCluster(n_workers=1, **options)
    own = Client(cluster)

    def close(epoch):
        cluster.close()

    try:
        with pytest.raises(RuntimeError, match="Dask"):
            DaskMLPClassifier(client=own, callback=close, **USUAL).fit(as_dask(X), as_dask(LABELS))
    finally:
        own.close()


def test_two_fits_at_a_time(client):
    models = [DaskMLPClassifier(client=client, **USUAL), DaskMLPRegressor(client=client, **USUAL)]
    targets = [LABELS, NUMBERS]
    threads = [
        threading.Thread(target=model.fit, args=(as_dask(X), as_dask(y)))
        for model, y in zip(models, targets, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_equal(models[0], local())
    assert_equal(models[1], local(MLPRegressor, NUMBERS))


def test_an_asynchronous_client(cluster):
    async def fit():
        async with Client(cluster.scheduler_address, asynchronous=True) as own:
            return await DaskMLPClassifier(client=own, **USUAL).fit(as_dask(X), as_dask(LABELS))

    assert_equal(asyncio.run(fit()), local())


# Predictions, pickles --------------------------------------------------------------------------------------


def test_predictions_are_collections(client):
    model = DaskMLPClassifier(**USUAL).fit(as_dask(X), as_dask(LABELS))
    reference = local()
    rows = as_dask(X)
    for method in ("predict", "predict_proba"):
        lazy = getattr(model, method)(rows)
        assert isinstance(lazy, da.Array)
        expected = getattr(reference, method)(X)
        assert (lazy.shape, lazy.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_array_equal(lazy.compute(), expected)
        np.testing.assert_array_equal(getattr(model, method)(X[:50]), expected[:50])
    assert model.score(rows, as_dask(LABELS)) == reference.score(X, LABELS)
    assert model.score(rows, as_dask(LABELS), as_dask(WEIGHT)) == pytest.approx(
        reference.score(X, LABELS, WEIGHT)
    )
    regressor = DaskMLPRegressor(**USUAL).fit(as_dask(X), as_dask(NUMBERS))
    assert regressor.score(rows, as_dask(NUMBERS)) == pytest.approx(regressor.to_local().score(X, NUMBERS))


def test_the_local_estimator_and_pickles_need_no_dask(client):
    model = DaskMLPClassifier(client=client, **USUAL).fit(as_dask(X), as_dask(LABELS))
    assert model.to_local().get_params() == MLPClassifier(**USUAL).get_params()
    assert type(model.to_local()) is MLPClassifier
    assert_equal(model.to_local(), model)
    assert pickle.loads(pickle.dumps(model)).client is None
    for one in (model.to_local(), model):
        code = f"""
import json, pickle, sys
for name in ("dask", "distributed"):
    sys.modules[name] = None  # to import it raises ImportError
model = pickle.loads({pickle.dumps(one)!r})
print(json.dumps(model.predict({X[:20].tolist()!r}).tolist()))
"""
        assert in_a_process(code) == model.predict(X[:20]).tolist()


# Errors ----------------------------------------------------------------------------------------------------


NINE = as_dask(X[:9], (9,)), as_dask(LABELS[:9], (9,))


@pytest.mark.parametrize(
    ("parameters", "data", "message"),
    [
        ({"early_stopping": True}, {}, "early_stopping needs X_val and y_val"),
        ({"solver": "lbfgs-scipy"}, {}, "solver 'lbfgs-scipy' is not for Dask"),
        ({"scoring": "f1_macro"}, {}, "scoring must be None or 'loss'"),
        ({"dropout": 0.5}, {}, "dropout is for mini-batches"),
        ({"solver": "sgd", "learning_rate": "adaptive"}, {}, "learning_rate must be 'constant' with Dask"),
        ({"solver": "adam", "checkpoint": "x"}, {}, "checkpoint is for solvers on full batches"),
        ({"class_weight": "balanced"}, {"sample_weight": as_dask(WEIGHT)}, "takes no sample_weight"),
        ({"n_parts": 0}, {}, "'n_parts' parameter of DaskMLPClassifier must be"),
        ({}, {"X": X}, "X must be a Dask array, DataFrame or Series, got ndarray"),
        ({}, {"y": as_dask(LABELS[:500], (500,))}, "y must have 52000 rows, as X has, got 500"),
        ({}, {"X": as_dask(X[:, 0])}, "X must have two dimensions"),
        ({}, {"X": as_dask(X.astype(str))}, "X must hold numbers, got dtype"),
        ({}, {"X": as_dask(np.where(X > 1, np.nan, X))}, "X must be|X must hold|finite"),
        ({}, {"client": 3}, "client must be a dask.distributed.Client or None, got int"),
        ({}, {"X_val": NINE[0], "y_val": as_dask(np.repeat("dog", 9), (9,))}, "y_val has classes that y"),
        ({}, {"X_val": NINE[0][:, :2], "y_val": NINE[1]}, "X_val must have 4 features"),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_arguments_are_said(client, parameters, data, message):
    model = DaskMLPClassifier(**{**USUAL, **parameters, "client": data.pop("client", None)})
    arguments = {"X": as_dask(X), "y": as_dask(LABELS), **data}
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(**arguments)
    assert not hasattr(model, "coefs_")


def test_without_a_client():
    code = """
import json, warnings
warnings.simplefilter("ignore")
import dask.array as da
from ferroprop.dask import DaskMLPRegressor
try:
    DaskMLPRegressor().fit(da.zeros((5, 2)), da.zeros(5))
except ValueError as error:
    print(json.dumps(str(error)))
"""
    assert "client must be a dask.distributed.Client, got None" in in_a_process(code)


def test_without_dask():
    code = """
import json, sys
sys.modules["distributed"] = None
from ferroprop.dask import DaskMLPRegressor
try:
    DaskMLPRegressor().fit([[1.0]], [1.0])
except ImportError as error:
    print(json.dumps(str(error)))
"""
    assert "pip install ferroprop[dask]" in in_a_process(code)


def test_partial_fit_is_for_the_local_estimator(client):
    for name in ("partial_fit", "initialize"):
        assert not hasattr(DaskMLPClassifier(), name)
        with pytest.raises(AttributeError, match="for rows in one place"):
            getattr(DaskMLPClassifier(), name)
    assert dask.is_dask_collection(as_dask(X))
    assert "distributed" in sys.modules


# What a fresh eye found -------------------------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
def test_class_weights_are_those_of_the_training_alone(client, early_stopping):
    parameters = {"class_weight": {"ant": 5.0, "bee": 1.0, "cow": 0.2}, "early_stopping": early_stopping}
    held_out = {"X_val": X[:9000], "y_val": LABELS[:9000], "sample_weight_val": WEIGHT[:9000]}
    collections = {name: as_dask(array, (9000,)) for name, array in held_out.items()}
    model = DaskMLPClassifier(scoring="loss", **USUAL, **parameters)
    model.fit(as_dask(X), as_dask(LABELS), **collections)
    assert_equal(model, local(scoring="loss", fit=held_out, **parameters))


@pytest.mark.parametrize("class_weight", [None, {"ant": 1.0, "bee": 3.0, "cow": 1.0}])
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.where(WEIGHT > 1, np.nan, WEIGHT), "sample_weight must hold finite numbers from 0 on, got nan"),
        (-WEIGHT, "sample_weight must hold finite numbers from 0 on, got -"),
        (0 * WEIGHT, "sample_weight must have at least one positive number"),
        (WEIGHT + 1j, "sample_weight must hold real numbers, got dtype complex128"),
    ],
)
def test_wrong_weights_are_said(client, class_weight, weight, message):
    for solver in ("rprop", "adam"):
        model = DaskMLPClassifier(**{**USUAL, "solver": solver}, class_weight=class_weight)
        with pytest.raises((ValueError, TypeError), match=message):
            model.fit(as_dask(X), as_dask(LABELS), as_dask(weight))


def test_what_is_no_number_is_not_taken_for_one(client):
    net = fp.Network([4, 3, 1])
    for inputs in (X[:90] + 1j, X[:90].astype(str), (X[:90] * 100).astype("M8[D]")):
        with pytest.raises(TypeError, match="X must hold real numbers, got dtype"):
            train(client, net, as_dask(inputs, (90,)), as_dask(NUMBERS[:90], (90,)), epochs=1)
    with pytest.raises(ValueError, match="X must hold numbers that float32 can hold"):
        train(client, net, as_dask(X[:90] * np.float64(1e300), (90,)), as_dask(NUMBERS[:90], (90,)), epochs=1)


def test_chunks_that_are_shorter_than_they_say(client):
    short = dask.delayed(lambda: NUMBERS[:50])()
    y = da.from_delayed(short, (60,), NUMBERS.dtype)
    for solver in ("rprop", "adam"):
        with pytest.raises(ValueError, match=r"y must have .* rows from row .* on, as its chunks say, got"):
            DaskMLPRegressor(**{**USUAL, "solver": solver}).fit(as_dask(X[:60], (60,)), y)


def test_validation_data_come_together(client):
    rows, y, weight = as_dask(X), as_dask(LABELS), as_dask(WEIGHT)
    model = DaskMLPClassifier(**USUAL)
    for data, message in (
        ({"sample_weight_val": weight}, "sample_weight_val is provided, but X_val and y_val were not"),
        ({"X_val": rows}, "X_val is provided, but y_val was not"),
        ({"y_val": y}, "y_val is provided, but X_val was not"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(rows, y, **data)


def test_labels_of_different_kinds(client):
    both = da.concatenate(
        [as_dask(LABELS.astype(object)[:30], (30,)), as_dask(np.arange(30).astype(object), (30,))]
    )
    with pytest.raises((ValueError, TypeError), match="kind"):
        DaskMLPClassifier(**USUAL).fit(as_dask(X[:60], (60,)), both)


@pytest.mark.parametrize(
    "optimizer", [fp.SGD(fp.Cosine(0.1, 6.0)), fp.AdamW(weight_decay=fp.Linear(1.0, 0.1))]
)
def test_schedules_are_refused_on_mini_batches(client, optimizer):
    net = fp.Network([4, 3, 1])
    with pytest.raises(ValueError, match="rates must be constant with mini-batches on many machines, got"):
        train(client, net, as_dask(X), as_dask(NUMBERS), batch_size=50, optimizer=optimizer)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"epochs": 0}, "epochs must be a positive integer, got 0"),
        ({"patience": -1}, "patience must be a positive integer or None, got -1"),
        ({"tolerance": np.nan}, "tolerance must be a finite number"),
        ({"max_time": -1}, "max_time must be a positive number or None"),
        ({"callback": 3}, "callback must be a function or None"),
        ({"validation_score": 3}, "validation_score must be a function or None, got int"),
        ({"seed": -1}, r"seed must be an integer from 0 to 2\*\*64 - 1, got -1"),
        ({"restore_best": "x"}, "restore_best must be True, False or None, got 'x'"),
        ({"optimizer": "foo"}, "optimizer must be one of"),
        ({"checkpoint": "x"}, "checkpoint must be None with mini-batches"),
        ({"n_parts": 0}, "n_parts must be a positive integer or None, got 0"),
        ({"validation": (1,)}, "validation must be a tuple of X, Y"),
    ],
)
def test_wrong_keywords_of_a_training_in_turns(client, keywords, message):
    net = fp.Network([4, 3, 1])
    with pytest.raises((TypeError, ValueError), match=message):
        train(client, net, as_dask(X), as_dask(NUMBERS), **{"batch_size": 50, "epochs": 1, **keywords})


def test_nothing_is_left_behind():
    """Neither a limit on the threads of this process, nor parts of the table on the workers."""
    options = {"dashboard_address": ":0", "threads_per_worker": 2, "processes": False}
    with LocalCluster(n_workers=2, **options) as cluster, Client(cluster) as own:
        before = fp._core._thread_limit()
        DaskMLPClassifier(client=own, n_parts=4, **USUAL).fit(as_dask(X), as_dask(LABELS))
        with pytest.raises(ValueError, match="X must hold finite numbers"):
            DaskMLPRegressor(client=own, **USUAL).fit(as_dask(np.where(X > 1, np.nan, X)), as_dask(NUMBERS))
        assert fp._core._thread_limit() == before
        deadline = time.monotonic() + 30  # futures are released by the client's loop
        while own.futures and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not own.futures


def test_copies_and_clones_have_the_client_and_arrays_of_their_own(client):
    from copy import copy, deepcopy

    from sklearn.base import clone

    model = DaskMLPRegressor(client=client, **USUAL).fit(as_dask(X), as_dask(NUMBERS))
    before = bits(model)
    model.to_local().coefs_[0][:] = 0
    lazy = model.predict(as_dask(X))
    expected = lazy.compute()
    assert bits(model) == before
    for other in (clone(model), copy(model), deepcopy(model)):
        assert other.client is client
        assert other.get_params() == model.get_params()
    assert not hasattr(clone(model), "coefs_")
    assert bits(deepcopy(model)) == before
    np.testing.assert_array_equal(lazy.compute(), expected)


def test_methods_of_predictions(client):
    from sklearn.exceptions import NotFittedError

    lock = threading.Lock()

    def callback(epoch, lock=lock):
        return None

    model = DaskMLPClassifier(callback=callback, **USUAL)
    for call in (model.predict, model.predict_proba, model.to_local):
        with pytest.raises(NotFittedError):
            call(*([as_dask(X)] if call != model.to_local else []))
    model.fit(as_dask(X), as_dask(LABELS))
    reference = local()
    expected = reference.predict_log_proba(X)
    np.testing.assert_array_equal(model.predict_log_proba(as_dask(X)).compute(), expected)
    assert not hasattr(DaskMLPClassifier(loss="hinge"), "predict_proba")
    assert model.score(as_dask(X), as_dask(LABELS.astype(object))) == reference.score(X, LABELS)
    with pytest.raises(ValueError, match="X must have two dimensions, got 1"):
        model.predict(as_dask(NUMBERS))
    with pytest.raises(ValueError, match="X must have 4 features, got 2"):
        model.predict(as_dask(X[:, :2]))


def test_frames_of_several_types_and_of_numbered_columns(client):
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1] > 0})
    model = DaskMLPRegressor(**USUAL).fit(dd.from_pandas(frame, npartitions=3), as_dask(NUMBERS))
    assert_equal(model, MLPRegressor(**USUAL).fit(frame, NUMBERS))
    numbered = pd.DataFrame(X)
    model = DaskMLPRegressor(**USUAL).fit(dd.from_pandas(numbered, npartitions=3), as_dask(NUMBERS))
    assert not hasattr(model, "feature_names_in_")


def test_scores_with_an_asynchronous_client(cluster):
    async def score():
        async with Client(cluster.scheduler_address, asynchronous=True) as own:
            model = await DaskMLPClassifier(client=own, **USUAL).fit(as_dask(X), as_dask(LABELS))
            return await asyncio.wait_for(model.score(as_dask(X), as_dask(LABELS)), 60)

    assert asyncio.run(score()) == local().score(X, LABELS)


def test_tasks_of_one_name_are_the_same(client, caplog, monkeypatch):
    """Else Dask's scheduler warns that it may stand still for ever."""
    monkeypatch.setattr(logging.getLogger("distributed"), "propagate", True)
    values = {"early_stopping": True, "n_parts": 3}
    both = da.concatenate([as_dask(X), as_dask(NUMBERS)[:, None]], axis=1) * 1.0
    rows, y = both[:, :4], both[:, 4]
    for kept in (slice(None), slice(40_000, None)):
        model = DaskMLPRegressor(**USUAL, **values)
        model.fit(rows[:40_000], y[:40_000], X_val=rows[kept], y_val=y[kept])
        model = DaskMLPRegressor(**USUAL, **values)
        model.fit(as_dask(X), as_dask(NUMBERS), X_val=as_dask(X), y_val=as_dask(NUMBERS))
    assert "run_spec" not in caplog.text


def test_chunks_have_labels_longer_than_they_say(client):
    labels = np.array(["a", "b"])[(NUMBERS > 0).astype(int)].astype(object)
    labels[-1] = "bee"
    short = as_dask(labels).map_blocks(lambda block: block.astype("U"), dtype="U1")
    assert_equal(DaskMLPClassifier(**USUAL).fit(as_dask(X), short), local(y=labels.astype(str)))


@pytest.mark.parametrize("solver", ["rprop", "adam"])
@pytest.mark.parametrize(
    ("data", "message", "note"),
    [
        ({"X": np.nan}, "X must hold finite numbers, got nan at", "in the part from row 26000 on"),
        ({"y": None}, "y has no label in row 17001, got None", "in the chunk from row 33000 on"),
        ({"sample_weight": np.nan}, "sample_weight must .* got nan in row 17001", "in the chunk from row 33"),
        ({"sample_weight": "x"}, "sample_weight must hold numbers, got an obj", "in the chunk from row 33"),
        ({"X_val": np.nan}, "X must hold finite numbers, got nan at", "X is X_val, and Y is y_val"),
        ({"y_val": None}, "y_val has no label in row 24001, got None", "in the part from row 26000 on"),
        ({"y_val": "dog"}, "y_val has classes that y has not", "in the part from row 26000 on"),
    ],
)  # fmt: skip
def test_errors_say_where_in_the_table(client, solver, data, message, note):
    arrays = {"X": X, "y": LABELS, "sample_weight": WEIGHT, "X_val": X, "y_val": LABELS}
    ((name, wrong),) = data.items()
    has_object = wrong is None or isinstance(wrong, str)
    arrays[name] = arrays[name].astype(object if has_object else float)
    arrays[name][50_001] = wrong
    model = DaskMLPClassifier(**{**USUAL, "solver": solver, "early_stopping": True}, n_parts=2)
    with pytest.raises(ValueError, match=message) as error:
        model.fit(**{name: as_dask(array) for name, array in arrays.items()})
    if solver == "adam" or name != "X":  # full batches have parts of whole groups
        assert any(note in one for one in error.value.__notes__)
    assert not hasattr(model, "coefs_")


def test_other_targets_and_masks_are_refused(client):
    several = (X[:, :2] > 0).astype(int)
    several[-1] = 2
    masked = da.ma.masked_greater(as_dask(X), 1)
    for rows, y, message in (
        (as_dask(X), as_dask(several), "y must hold 0 and 1, got 2 at"),
        (as_dask(X), as_dask(X[:, :0]), "y must have at least one column, got none"),
        (as_dask(X[:, :0]), as_dask(LABELS), "X must have at least one column, got none"),
        (as_dask(X), as_dask(X[:, :, None]), "y must have one or two dimensions"),
        (dask.delayed(X), as_dask(LABELS), "X must be a Dask array, DataFrame or Series, got Delayed"),
        (masked, as_dask(LABELS), "X must have chunks without a mask"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            DaskMLPClassifier(**USUAL).fit(rows, y)
    missing = pd.Series(pd.array([1, 2, None] * 3, dtype="Int64"))
    with pytest.raises(ValueError, match="y must hold numbers, got an object"):
        DaskMLPRegressor(**USUAL).fit(NINE[0], dd.from_pandas(missing, npartitions=2))
    with pytest.raises(TypeError, match="y must be a Dask array, DataFrame or Series, got ndarray"):
        DaskMLPClassifier(**USUAL).fit(*NINE).score(NINE[0], LABELS[:9])


def test_a_closed_client_is_said(cluster):
    own = Client(cluster, set_as_default=False)
    own.close()
    with pytest.raises(ValueError, match=r"client must be an open .* which is closed"):
        DaskMLPClassifier(client=own, **USUAL).fit(*NINE)
    own = Client(cluster, set_as_default=False)
    with pytest.raises(RuntimeError, match="The connection to Dask's scheduler was lost"):
        DaskMLPClassifier(client=own, callback=lambda epoch: own.close(), **USUAL).fit(*NINE)


@pytest.mark.parametrize("solver", ["rprop", "lbfgs", "adam"])
def test_a_fit_that_nobody_awaits_ends(cluster, solver):
    endless = {"max_iter": 10**8, "max_fun": 10**8, "n_iter_no_change": 10**8, "tol": 0}
    model = DaskMLPClassifier(**{**USUAL, **endless, "solver": solver})

    async def fit():
        async with Client(cluster.scheduler_address, asynchronous=True) as own:
            model.client = own
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(model.fit(as_dask(X), as_dask(LABELS)), 1)
            await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), 30)

    asyncio.run(fit())
    assert not hasattr(model, "coefs_")


def test_parts_whose_rows_weigh_nothing_are_passed_over_in_turns(client):
    weight = (np.arange(ROWS) < 20_000).astype(float)
    model = DaskMLPRegressor(**{**USUAL, "solver": "adam"}, n_parts=3)
    model.fit(as_dask(X), as_dask(NUMBERS), as_dask(weight))
    net = fp.Network([4, 3, 1], seed=0)
    more = {"batch_size": 200, "epochs": 4, "optimizer": "adam", "n_parts": 3}
    history = train(client, net, as_dask(X), as_dask(NUMBERS), sample_weight=as_dask(weight), **more)
    assert len(history.learning_rate) == len(history.loss) == 4
    assert model.n_iter_ == 4
