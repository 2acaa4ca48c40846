"""Rows on disk: no copy of them in memory, the bits of rows in memory, orders that read them in long runs."""

import copy
import json
import pickle
import sys
import warnings

import ferroprop as fp
import numpy as np
import pytest
from children import in_a_process
from ferroprop.estimators._samples import stays_in_place

ROWS, COLUMNS = 600, 7


def in_memory(dtype=np.float32):
    random = np.random.default_rng(0)
    X = random.normal(size=(ROWS, COLUMNS)).astype(dtype)
    return X, np.sin(X[:, 0]) + X[:, 1] * X[:, 2]


@pytest.fixture
def data(tmp_path):
    """Return rows in memory, the same on disk, and their targets."""
    X, y = in_memory()
    np.save(tmp_path / "X.npy", X)
    return X, np.load(tmp_path / "X.npy", mmap_mode="r"), y


# Orders -----------------------------------------------------------------------------------------------------


def test_a_block_shuffle_is_a_value():
    shuffle = fp.BlockShuffle(100, buffer_blocks=3)
    assert (shuffle.block_rows, shuffle.buffer_blocks) == (100, 3)
    assert repr(shuffle) == "BlockShuffle(block_rows=100, buffer_blocks=3)"
    for other in (copy.deepcopy(shuffle), pickle.loads(pickle.dumps(shuffle)), eval(f"fp.{shuffle!r}")):
        assert other == shuffle
        assert hash(other) == hash(shuffle)
    assert shuffle != fp.BlockShuffle(100) == fp.BlockShuffle(100, 64)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"block_rows": 0}, "block_rows must be a positive integer, got 0"),
        ({"buffer_blocks": -1}, "buffer_blocks must be a positive integer, got -1"),
    ],
)
def test_its_numbers_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        fp.BlockShuffle(**arguments)
    with pytest.raises(TypeError, match="block_rows must be a positive integer, got float"):
        fp.BlockShuffle(1.5)


def test_other_words_are_refused():
    X, y = in_memory()
    with pytest.raises(ValueError, match=r"shuffle must be True, False, .*, got 'block'"):
        fp.train(fp.Network([COLUMNS, 1]), X, y[:, None], shuffle="block")
    with pytest.raises(ValueError, match="The 'shuffle' parameter"):
        fp.MLPRegressor(shuffle="block").fit(X, y)


def orders(shuffle, batch, epochs=2, **settings):
    """Return the rows in the order in which a training reads them, from what its loss sees of them."""
    rows = np.arange(100, dtype=np.float32)[:, None]
    seen = []

    def loss(outputs, targets):
        seen.extend(targets.ravel().astype(int).tolist())
        return np.zeros(len(targets), np.float32), np.zeros_like(outputs)

    network = fp.Network([1, 1])
    settings = {"epochs": epochs, "batch_size": batch, "shuffle": shuffle, **settings}
    fp.train(network, rows, rows, loss=loss, optimizer=fp.SGD(0.1), **settings)
    return np.array(seen).reshape(epochs, 100)


def test_an_order_has_each_row_once_and_a_buffer_the_rows_of_its_blocks():
    shuffle = fp.BlockShuffle(10, 2)
    first, second = orders(shuffle, 30)
    assert sorted(first) == sorted(second) == list(range(100))
    assert not np.array_equal(first, second)
    for order in (first, second):
        buffers = order.reshape(5, 20)
        assert all(len({row // 10 for row in buffer}) == 2 for buffer in buffers)
        assert not any(np.array_equal(buffer, np.sort(buffer)) for buffer in buffers)
    # the batch cuts the order, and the seed makes it
    assert np.array_equal(orders(shuffle, 7), [first, second])
    assert not np.array_equal(orders(shuffle, 30, seed=1)[0], first)
    # "blocks" is that of the usual sizes, larger than these rows: all rows are mixed
    assert np.array_equal(orders("blocks", 30), orders(fp.BlockShuffle(), 30))
    # a full batch is as it is
    assert np.array_equal(orders(shuffle, None)[0], np.arange(100))


def test_orders_are_counted_through_warm_starts_and_checkpoints(tmp_path):
    X, y = in_memory()
    settings = {"batch_size": 32, "shuffle": fp.BlockShuffle(50, 4), "seed": 3}

    def network():
        return fp.Network([COLUMNS, 5, 1], activation="tanh", seed=0)

    whole, halves, resumed = network(), network(), network()
    fp.train(whole, X, y[:, None], optimizer=fp.Adam(), epochs=4, **settings)
    optimizer = fp.Adam()
    for _ in range(2):
        fp.train(halves, X, y[:, None], optimizer=optimizer, epochs=2, warm_start=True, **settings)
    path = tmp_path / "run.ckpt"
    fp.train(network(), X, y[:, None], optimizer=fp.Adam(), epochs=2, checkpoint=path, **settings)
    fp.train(resumed, X, y[:, None], optimizer=fp.Adam(), epochs=4, checkpoint=path, **settings)
    vectors = [net.parameter_vector for net in (whole, halves, resumed)]
    assert np.array_equal(vectors[0], vectors[1])
    assert np.array_equal(vectors[0], vectors[2])
    changed = {**settings, "shuffle": fp.BlockShuffle(50, 5)}
    with pytest.raises(ValueError, match=r"shuffle .*by seed 3 in blocks of 50 rows, 4 mixed"):
        fp.train(network(), X, y[:, None], optimizer=fp.Adam(), epochs=4, checkpoint=path, **changed)


def test_sorted_rows_are_learned_as_well_as_with_a_full_shuffle():
    """Rows sorted by class, in the order of the file: without a shuffle only the last class is learned."""
    random = np.random.default_rng(1)
    classes = np.repeat(np.arange(4), 3000)
    centres = random.normal(size=(4, 10)) * 0.7
    X = (centres[classes] + random.normal(size=(12000, 10))).astype(np.float32)
    Y = np.eye(4, dtype=np.float32)[classes]

    def accuracy(shuffle):
        network = fp.Network([10, 20, 4], output_activation="softmax", seed=0)
        settings = {"loss": "log_loss", "optimizer": fp.Adam(), "batch_size": 100, "epochs": 3}
        fp.train(network, X, Y, shuffle=shuffle, **settings)
        return float((network.predict(X).argmax(axis=1) == classes).mean())

    whole, blocks, none = map(accuracy, (True, fp.BlockShuffle(100, 12), False))
    assert blocks > whole - 0.01
    assert none < whole - 0.05


# The same bits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [True, False, fp.BlockShuffle(40, 3)])
def test_train_has_the_bits_of_rows_in_memory(data, shuffle):
    X, on_disk, y = data
    Y, weights = y[:, None], np.linspace(0.5, 1.5, ROWS)
    vectors = []
    for rows in (X, on_disk):
        network = fp.Network([COLUMNS, 9, 1], activation="tanh", seed=0)
        settings = {"batch_size": 50, "shuffle": shuffle, "epochs": 4, "sample_weight": weights}
        fp.train(network, rows, Y, optimizer=fp.Adam(), validation=(rows[:100], Y[:100]), **settings)
        vectors.append(network.parameter_vector)
    assert np.array_equal(*vectors)


@pytest.mark.parametrize("hidden", [(3,), (70,)])  # rows along the lanes, and units
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_single_precision_is_widened_where_it_is_read(data, hidden, layout, tmp_path):
    """A network of double precision reads float32 in place, with the bits of rows in float64."""
    X, _, y = data
    X[0, 0], X[1, 1] = 1e-40, -1e-41  # denormal in float32, normal numbers in float64
    given = {"C": X, "F": np.asfortranarray(X), "strided": np.repeat(X, 2, axis=1)[:, ::2]}[layout]
    Y = y[:, None]

    def trained(rows, **settings):
        network = fp.Network([COLUMNS, *hidden, 1], activation="tanh", dtype="float64", seed=0)
        fp.train(network, rows, Y, epochs=3, **settings)
        result = fp.minimize(network, rows, Y, max_iter=5)
        loss, gradients, _ = network.loss_and_gradients(rows, Y)
        return network.parameter_vector, result.loss, loss, gradients[0]

    for settings in ({}, {"batch_size": 37, "optimizer": "adam"}, {"validation": (given, Y)}):
        same = {"validation": (X.astype(np.float64), Y)} if "validation" in settings else settings
        one, other = trained(given, **settings), trained(X.astype(np.float64), **same)
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    # a checkpoint knows the rows again in either type
    path = tmp_path / "run.ckpt"
    trained(given, checkpoint=path)
    trained(X.astype(np.float64), checkpoint=path)
    bad = given.copy()
    bad[5, 2] = np.nan
    with pytest.raises(ValueError, match=r"X must hold finite numbers, got nan at \[5, 2\]"):
        trained(bad)


SOLVERS = ["rprop", "adam", "sgd", "lbfgs", "lbfgs-scipy"]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shuffle", [True, fp.BlockShuffle(40, 3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_estimators_have_the_bits_of_rows_in_memory(data, solver, shuffle, weighted):
    X, on_disk, y = data
    weight = np.linspace(0.5, 1.5, ROWS) if weighted else None
    settings = {
        "solver": solver,
        "shuffle": shuffle,
        "early_stopping": True,
        "random_state": 0,
        "max_iter": 8,
    }
    estimators = [
        (fp.MLPRegressor(hidden_layer_sizes=(9,), **settings), y),
        (fp.MLPRegressor(hidden_layer_sizes=(9,), scoring="loss", **settings), y),
        (fp.MLPClassifier(hidden_layer_sizes=(9,), **settings), (y > 0).astype(int)),
        (fp.MLPClassifier(hidden_layer_sizes=(9,), scoring="roc_auc", **settings), (y > 0).astype(int)),
    ]
    for estimator, target in estimators:
        ends = []
        for rows in (X, on_disk):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                estimator.fit(rows, target, weight)
            curves = [estimator.loss_curve_, getattr(estimator, "validation_scores_", None), estimator.t_]
            ends.append(
                ([c.tolist() for c in estimator.coefs_], curves, sorted(str(w.message) for w in caught))
            )
        assert ends[0] == ends[1]


def test_fits_side_by_side_take_the_same_rows(data):
    from ferroprop.estimators._fits import finish_together, postponed

    X, on_disk, y = data
    settings = {"solver": "rprop", "early_stopping": True, "max_iter": 5, "scoring": "loss", "tol": 0.0}
    alone, together = (
        [fp.MLPRegressor(hidden_layer_sizes=(9,), random_state=seed, **settings) for seed in range(3)]
        for _ in range(2)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in alone:
            one.fit(X, y)
        with postponed(lambda _: True) as fits:
            for one in together:
                one.fit(on_disk, y)
        assert len(fits) == 3
        assert finish_together(fits, None) == [None] * 3
    for one, other in zip(alone, together, strict=True):
        assert all(np.array_equal(*pair) for pair in zip(one.coefs_, other.coefs_, strict=True))


def test_held_out_rows_are_the_same_in_either_order(data):
    """Blocks change the order of the rows, not which are held out."""
    X, _, y = data
    watched = []
    for shuffle in (True, "blocks"):
        mlp = fp.MLPRegressor(
            solver="rprop", shuffle=shuffle, early_stopping=True, random_state=0, max_iter=1
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mlp.fit(X, y)
        watched.append(mlp.validation_scores_[0])
    assert watched[0] == pytest.approx(watched[1], abs=1e-6)


def test_recurrent_estimators_draw_blocks_too():
    series = np.random.default_rng(0).normal(size=(40, 6, 2))
    y = series[:, -1, 0]
    settings = {"shuffle": fp.BlockShuffle(8, 2), "early_stopping": True, "max_iter": 3, "random_state": 0}
    fitted = []
    for given in (series, list(series)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted.append(fp.RNNRegressor(hidden_layer_sizes=(4,), **settings).fit(given, y))
    assert np.array_equal(*(one.predict(series) for one in fitted))


def test_what_stays_in_place(tmp_path):
    X, _ = in_memory()
    np.save(tmp_path / "X.npy", X)
    on_disk = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert all(map(stays_in_place, (on_disk, np.asarray(on_disk), on_disk[3:], np.asarray(on_disk)[::2, 1:])))
    assert not any(map(stays_in_place, (X, [on_disk], on_disk[0], np.array(on_disk), on_disk[[1, 2]])))


# No copy ----------------------------------------------------------------------------------------------------

CHILD = """
import json, resource, sys, warnings
from pathlib import Path
import numpy as np, ferroprop as fp
warnings.simplefilter("ignore")
X = np.load({path!r}, mmap_mode="r")
y = np.asarray(X[:, 0]) + 0.5
weight = np.linspace(0.5, 1.5, len(X))
small = X[:50]
for solver in {solvers!r}:  # what is loaded once, is loaded
    fp.MLPRegressor(hidden_layer_sizes=(4,), solver=solver, max_iter=1).fit(small, y[:50])
    fp.MLPClassifier(hidden_layer_sizes=(4,), solver=solver, max_iter=1).fit(small, y[:50] > 0.5)

def allocated():
    return int(Path("/proc/self/status").read_text().partition("VmData:")[2].split()[0]) * 1024

most = allocated() + X.nbytes // 2
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
try:
    X.copy()
except MemoryError:
    pass
else:
    sys.exit("a copy fits in")
done = []
for dtype in ("float32", "float64"):
    network = fp.Network([X.shape[1], 4, 1], activation="tanh", dtype=dtype)
    Y = y[:, None]
    settings = dict(epochs=1, sample_weight=weight, validation=(X, Y, weight))
    fp.train(network, X, Y, **settings)
    fp.train(network, X, Y, optimizer="adam", batch_size=500, shuffle="blocks", **settings)
    even, odd = np.arange(0, len(X), 2), np.arange(1, len(X), 2)
    fp.train_many([network], X, Y, rows=even, validation_rows=odd, epochs=1)
    fp.minimize(network, X, Y, max_iter=1)
    done.append(dtype)
for solver in {solvers!r}:
    # of what makes no mini-batches, the held-out rows are ordered otherwise
    for shuffle in (True, "blocks") if solver in ("adam", "rprop") else (True,):
        settings = dict(
            hidden_layer_sizes=(2,), solver=solver, shuffle=shuffle, early_stopping=True, max_iter=1,
            batch_size=500, max_fun=3, random_state=0,
        )
        fp.MLPRegressor(**settings).fit(X, y, weight)
        fp.MLPRegressor(**settings).fit(X, y, X_val=X, y_val=y)
        fp.MLPClassifier(**settings).fit(X, y > 0.5, weight)
    done.append(solver)
print(json.dumps(done))
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs Linux, where RLIMIT_DATA holds for all allocations"
)
def test_trainings_make_no_copy(tmp_path):
    """A process that may allocate half of what the rows take trains on them by every way there is."""
    path = tmp_path / "X.npy"
    X = np.lib.format.open_memmap(path, "w+", np.float32, (8_000, 1000))
    random = np.random.default_rng(0)
    for first in range(0, len(X), 1000):
        X[first : first + 1000] = random.normal(size=(1000, 1000))
    del X
    code = CHILD.format(path=str(path), solvers=SOLVERS)
    done = in_a_process(code, OMP_NUM_THREADS="2")
    assert done == ["float32", "float64", *SOLVERS], json.dumps(done)
