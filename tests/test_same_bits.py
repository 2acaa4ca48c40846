"""The same data, parameters and seed give the same bits.

On any number of threads, on any instruction set, from any memory layout, next to any other rows, and from one
version to the next unless the changelog says otherwise (golden hashes: see golden.py).
"""

import concurrent.futures
import contextlib
import ctypes
import json
import os
import pickle
import platform
import sys
import threading
import zlib
from dataclasses import replace

import ferroprop as fp
import golden
import numpy as np
import pytest
from children import in_a_process
from fits import (
    ACTIVATIONS,
    OPTIMIZERS,
    OUTPUTS,
    Fit,
    hash_of_gradients,
    hash_of_history,
    hash_of_parameters,
    numbers,
    random_fit,
    sha256,
)
from strategies import LAYOUTS

THREADS = [1, 2, 3, 8, 64]
MOST_OTHERS = len(THREADS) - 1
DTYPES = ["float32", "float64"]

SMALL = Fit(layer_sizes=(5, 9, 3), rows=57, epochs=5)
# Each step of these is work enough for 64 threads (a mini-batch of the first one for a dozen). The rows make
# several chunks, of which the last has less; no size is a multiple of a vector. In the second one the first
# sums are so long that they are added up in two blocks, and the chunks have another size. In the third one,
# work for a dozen threads (a mini-batch: for two), rows lie along the lanes.
WIDE = Fit(layer_sizes=(19, 75, 61, 7), rows=1733)
LARGE = Fit(layer_sizes=(530, 67, 35, 10), rows=1301, epochs=2)
NARROW = Fit(layer_sizes=(60, 17, 18, 2), rows=1733)
SHAPES = {"small": SMALL, "wide": WIDE, "large": LARGE, "narrow": NARROW}
BATCHES = {"full batch": None, "mini-batches": 331}

exhaustive = pytest.mark.exhaustive


def by(values):
    """Parametrize by a dictionary, or by a list; a tuple in it is several arguments."""
    if isinstance(values, dict):
        return [pytest.param(value, id=name.replace(" ", "-")) for name, value in values.items()]
    several = [value if isinstance(value, tuple) else (value,) for value in values]
    return [pytest.param(*each, id="-".join(map(str, each)).replace(" ", "-")) for each in several]


def assert_same(fits):
    """Run each fit and compare what it gives with what the first one gives."""
    first, *others = fits
    expected = first.run()
    for fit in others:
        assert fit.run() == expected, fit


def on_any_number_of_threads(fit, n_others=MOST_OTHERS):
    """Return the fit on one thread and on `n_others` of the other numbers.

    Which of them follows from the fit, so that each has its turn with many fits.
    """
    one, *others = THREADS
    turn = zlib.crc32(repr(replace(fit, settings={})).encode())
    chosen = [others[(turn + place) % len(others)] for place in range(n_others)]
    return [replace(fit, n_threads=n_threads) for n_threads in (one, *chosen)]


two_or_all = pytest.mark.parametrize(
    "n_others",
    [
        pytest.param(2, id="two other numbers"),
        pytest.param(MOST_OTHERS, id="all other numbers", marks=exhaustive),
    ],
)


# Threads --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size", by(BATCHES))
@pytest.mark.parametrize("shape", by(SHAPES))
@pytest.mark.parametrize("optimizer", by(list(OPTIMIZERS)))
@two_or_all
def test_training_on_any_number_of_threads(n_others, optimizer, shape, batch_size, dtype):
    fit = replace(shape, optimizer=optimizer, batch_size=batch_size, dtype=dtype)
    assert_same(on_any_number_of_threads(fit, n_others))


FEATURES = {
    **{f"{f} units": {"activation": f} for f in ACTIVATIONS},
    **{f"{output} output, {loss}": {"output": output, "loss": loss} for output, loss in OUTPUTS},
    "sample weights": {"weighted": True},
    "penalty": {"alpha": 0.3},
    "sample weights and penalty": {"weighted": True, "alpha": 0.3},
    "validation": {"validation_rows": 1100, "weighted": True},
    "few rows of validation": {"validation_rows": 3},
    "many rows of validation": {"validation_rows": 3001},
    "best parameters": {"validation_rows": 500, "epochs": 8, "settings": {"patience": 2}},
    "no biases": {"bias": False},
    "some biases": {"bias": [True, False, True]},
    "small initial weights": {"init": "uniform"},
    "own order": {"settings": {"shuffle": lambda epoch: np.roll(np.arange(1733)[::-1], 5 * epoch)}},
    "no shuffling": {"settings": {"shuffle": False}},
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size", by(BATCHES))
@pytest.mark.parametrize("shape", by({"wide": WIDE, "narrow": NARROW}))
@pytest.mark.parametrize("feature", by(FEATURES))
@two_or_all
def test_every_feature_on_any_number_of_threads(n_others, feature, shape, batch_size, dtype):
    optimizer = "Rprop" if batch_size is None else "Adam"
    fit = replace(shape, optimizer=optimizer, batch_size=batch_size, dtype=dtype, **feature)
    assert_same(on_any_number_of_threads(fit, n_others))


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 255, 256, 257, 511, 513, 1023, 1024, 1025, 2048, 2049])
@pytest.mark.parametrize(
    "shape",
    by({"wide": WIDE, "large": replace(LARGE, dtype="float64", alpha=0.3), "narrow": NARROW}),
)
def test_any_number_of_rows_on_any_number_of_threads(shape, rows):
    assert_same(on_any_number_of_threads(replace(shape, rows=rows, epochs=2)))


@pytest.mark.parametrize("batch_size", [25, 41, 100, 257, 650, 1024, 1300])
@pytest.mark.parametrize("shape", by({"large": LARGE, "narrow": NARROW}))
def test_a_smaller_last_batch_on_any_number_of_threads(shape, batch_size):
    """The last batch may split into more blocks of rows than the others."""
    assert_same(on_any_number_of_threads(replace(shape, batch_size=batch_size, optimizer="SGD", epochs=1)))


@pytest.mark.parametrize("validation_rows", [25, 40, 100, 257, 308, 1024, 1300])
@pytest.mark.parametrize(
    "shape", by({"large": replace(LARGE, batch_size=331), "narrow": replace(NARROW, batch_size=1024)})
)
def test_fewer_rows_of_validation_on_any_number_of_threads(shape, validation_rows):
    fit = replace(shape, optimizer="SGD", epochs=1, validation_rows=validation_rows)
    assert_same(on_any_number_of_threads(replace(fit, settings={"shuffle": False})))


@pytest.mark.parametrize("seed", range(15))
def test_random_fits_on_any_number_of_threads(seed):
    assert_same(on_any_number_of_threads(random_fit(seed, most_rows=3000, most_work=30_000_000)))


@exhaustive
@pytest.mark.parametrize("seed", range(100, 1000))
def test_many_random_fits_on_any_number_of_threads(seed):
    assert_same(on_any_number_of_threads(random_fit(seed, most_rows=5000, most_work=60_000_000)))


@exhaustive
@pytest.mark.parametrize("batch_size", range(1, 400, 3))
@pytest.mark.parametrize("rows", [400, 451])
def test_every_batch_size_on_any_number_of_threads(rows, batch_size):
    assert_same(on_any_number_of_threads(replace(LARGE, rows=rows, batch_size=batch_size, optimizer="Adam")))


@exhaustive
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", by(list(OPTIMIZERS)))
@pytest.mark.parametrize(("output", "loss"), by(OUTPUTS))
@pytest.mark.parametrize("activation", by(ACTIVATIONS))
def test_every_combination_on_any_number_of_threads(activation, output, loss, optimizer, dtype):
    for batch_size in BATCHES.values():
        for weighted, alpha, validation_rows in [(False, 0.0, 0), (True, 0.3, 700)]:
            fit = replace(
                WIDE,
                activation=activation,
                output=output,
                loss=loss,
                optimizer=optimizer,
                dtype=dtype,
                batch_size=batch_size,
                weighted=weighted,
                alpha=alpha,
                validation_rows=validation_rows,
            )
            assert_same(on_any_number_of_threads(fit))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
@pytest.mark.parametrize("fit", ["WIDE", "LARGE", "NARROW", "replace(LARGE, batch_size=331)"])
def test_these_fits_really_have_that_many_threads(fit):
    """Otherwise the tests above would compare one thread with itself. A narrow fit needs no more than 14."""
    most = 14 if fit == "NARROW" else max(THREADS)
    code = f"""
import json, os, time
from dataclasses import replace
from test_same_bits import LARGE, NARROW, THREADS, WIDE

def count():
    return len(os.listdir("/proc/self/task"))

def look(epoch):
    # The threads of a smaller team, whose place this one has taken, may be on their way out.
    for _ in range(1000):
        if count() - before == min(n_threads, {most}) - 1:
            break
        time.sleep(0.01)
    added.append(count() - before)

added = []
before = count()
for n_threads in THREADS:
    {fit}.train(n_threads=n_threads, epochs=1, callback=look)
print(json.dumps(added))
"""
    assert in_a_process(code) == [min(n_threads, most) - 1 for n_threads in THREADS]


@pytest.mark.parametrize("limit", [None, "1", "2", "7,3"])
def test_the_number_of_threads_may_come_from_the_environment(monkeypatch, limit):
    if limit is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert_same([replace(WIDE, n_threads=1), WIDE])


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no CPU affinity")
def test_the_number_of_threads_may_come_from_the_cpu_affinity():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        bound = WIDE.run()
    finally:
        os.sched_setaffinity(0, before)
    assert bound == WIDE.run() == replace(WIDE, n_threads=8).run()


# Instruction sets -----------------------------------------------------------------------------------------

INSTRUCTION_SETS = ["avx512", "avx2", "portable"]


@pytest.fixture(scope="module")
def own_hashes():
    return golden.all_hashes()


def assert_same_hashes(actual, expected):
    """Compare case by case, so that a failure is readable."""
    assert actual.keys() == expected.keys()
    assert {name: hashes for name, hashes in actual.items() if hashes != expected[name]} == {}


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
def test_instruction_sets_on_the_golden_fits(instruction_set, own_hashes):
    hashes = in_a_process("import golden; golden.main([])", FERROPROP_ISA=instruction_set)
    assert_same_hashes(hashes, own_hashes)


RANDOM_FITS = """
import json
from fits import random_fit
print(json.dumps([random_fit(seed{more}).run() for seed in range{seeds}]))
"""


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
def test_instruction_sets_on_random_fits(instruction_set):
    hashes = in_a_process(RANDOM_FITS.format(seeds=(150,), more=""), FERROPROP_ISA=instruction_set)
    for seed, actual in enumerate(hashes):
        assert actual == random_fit(seed).run(), random_fit(seed)


@exhaustive
@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("first", range(1000, 11_000, 1000))
def test_instruction_sets_on_many_random_fits(instruction_set, first):
    size = {"most_rows": 700, "most_work": 400_000}
    code = RANDOM_FITS.format(seeds=(first, first + 1000), more=f", **{size}")
    for seed, actual in enumerate(in_a_process(code, FERROPROP_ISA=instruction_set), first):
        assert actual == random_fit(seed, **size).run(), random_fit(seed, **size)


@exhaustive
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
def test_instruction_sets_on_many_values_of_functions(instruction_set, dtype):
    call = f"golden.function_hashes({dtype!r}, 5_000_000)"
    code = f"import json, golden; print(json.dumps({call}))"
    hashes = in_a_process(code, FERROPROP_ISA=instruction_set)
    assert hashes == golden.function_hashes(dtype, 5_000_000)


def test_an_unknown_instruction_set_is_an_error():
    """A misspelt name must not test the best instruction set against itself."""
    with pytest.raises(AssertionError, match=r"ImportError.*avx521"):
        in_a_process("import ferroprop; print(1)", FERROPROP_ISA="avx521")


# Golden hashes --------------------------------------------------------------------------------------------

CHANGED = (
    "{name!r} has other bits than before. If the change is meant, regenerate with "
    "`python tests/golden.py --write` and say so in CHANGELOG.md."
)


@pytest.mark.parametrize("name", golden.CASES)
def test_golden_hashes(name, own_hashes):
    hashes = json.loads(golden.FILE.read_text(encoding="utf-8"))
    assert hashes.get(name) == own_hashes[name], CHANGED.format(name=name)


def test_every_golden_hash_has_its_case():
    assert json.loads(golden.FILE.read_text(encoding="utf-8")).keys() == golden.CASES.keys()


# Rows and their neighbours --------------------------------------------------------------------------------


def trained(shape, **changes):
    """Return a network of that shape, after some training: its bits are no round numbers."""
    return replace(shape, epochs=2, **changes).train()[0]


def rows_for(network, rows):
    return numbers("rows", rows, network.layer_sizes[0]).astype(network.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("output", "loss"), by(OUTPUTS))
@pytest.mark.parametrize("shape", by(SHAPES))
def test_each_row_by_itself(shape, output, loss, dtype):
    network = trained(shape, output=output, loss=loss, dtype=dtype)
    X = rows_for(network, 1301)
    expected = network.predict(X)
    alone = np.concatenate([network.predict(X[i : i + 1]) for i in range(len(X))])
    assert alone.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", by(ACTIVATIONS))
@pytest.mark.parametrize("shape", by(SHAPES))
def test_rows_in_batches_of_any_size(shape, activation, dtype):
    network = trained(shape, activation=activation, dtype=dtype)
    X = rows_for(network, 1301)
    expected = network.predict(X)
    for size in [2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 31, 64, 127, 128, 129, 255, 257, 640, 1024]:
        for start in {0, 1, 3, 130, len(X) - size}:
            batch = slice(start, start + size)
            assert network.predict(X[batch]).tobytes() == expected[batch].tobytes(), (size, start)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", by(SHAPES))
def test_predictions_and_gradients_on_any_number_of_threads(shape, dtype):
    network = trained(shape, dtype=dtype)
    X = rows_for(network, 5003)
    expected = network.predict(X, n_threads=1)
    for n_threads in [*THREADS, None]:
        for rows in [1, 2, 7, 8, 9, 127, 128, 129, 255, 256, 257, 1023, 1025, 5003]:
            predicted = network.predict(X[:rows], n_threads=n_threads)
            assert predicted.tobytes() == expected[:rows].tobytes(), (n_threads, rows)
    for rows in [1, 7, 8, 9, 127, 128, 129, 255, 256, 257, 1023, 1025, 3001]:
        fit = replace(shape, rows=rows, dtype=dtype, weighted=rows > 5, alpha=0.1)
        hashes = {
            hash_of_gradients(fit.gradients(network, n_threads=n_threads)) for n_threads in [*THREADS, None]
        }
        assert len(hashes) == 1, rows


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("output", "loss"), by(OUTPUTS))
@pytest.mark.parametrize("n_outputs", [1, 3, 10, 17])
def test_the_loss_of_rows_does_not_depend_on_how_they_are_trained(n_outputs, output, loss, dtype):
    """With two rows in a batch units lie along the lanes, with all of them rows do."""
    if output == "softmax" and n_outputs == 1:
        pytest.skip("a softmax has several outputs")
    fit = Fit(layer_sizes=(5, 21, n_outputs), rows=150, output=output, loss=loss, dtype=dtype, epochs=1)
    X, Y, _ = fit.data()
    for batch_size in [2, 150]:
        network = fit.network()
        history = fp.train(
            network,
            X,
            Y,
            loss=loss,
            optimizer=fp.SGD(1e-3),
            epochs=1,
            batch_size=batch_size,
            validation=(X, Y),
        )
        assert history.validation_loss == [network.loss_and_gradients(X, Y, loss=loss)[0]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_rows_have_equal_predictions(dtype):
    network = trained(WIDE, dtype=dtype)
    X = np.tile(rows_for(network, 1), (1301, 1))
    assert len({row.tobytes() for row in network.predict(X)}) == 1


@exhaustive
@pytest.mark.parametrize("seed", range(300))
def test_each_row_of_random_networks_by_itself(seed):
    network, _ = random_fit(seed).train()
    X = rows_for(network, 300)
    expected = network.predict(X)
    for size in [1, *range(2, 40), 128, 129, 257]:
        for start in range(0, len(X), size):
            batch = slice(start, start + size)
            assert network.predict(X[batch]).tobytes() == expected[batch].tobytes(), (size, start)


# Memory layouts -------------------------------------------------------------------------------------------


def results(fit, network, lay_out=np.ascontiguousarray):
    """Return the hashes of predictions, gradients and a training with every array laid out so."""
    own, history = fit.train(lay_out=lay_out)
    return {
        "predictions": sha256(network.predict(lay_out(fit.data()[0]), n_threads=fit.n_threads)),
        "gradients": hash_of_gradients(fit.gradients(network, lay_out)),
        "history": hash_of_history(history),
        "parameters": hash_of_parameters(own),
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size", by({"full batch": None, "mini-batches": 50}))
@pytest.mark.parametrize("shape", by({"small": SMALL, "wide": WIDE}))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout(layout, shape, batch_size, dtype):
    fit = replace(shape, dtype=dtype, batch_size=batch_size, optimizer="Adam", n_threads=2, epochs=2)
    fit = replace(fit, weighted=True, alpha=0.1, validation_rows=301)
    network = fit.network()
    assert results(fit, network, LAYOUTS[layout]) == results(fit, network)


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_place_in_memory(dtype):
    """Vectors may straddle cache lines in another way."""
    fit = replace(WIDE, dtype=dtype, weighted=True)
    network = fit.network()
    expected = results(fit, network)
    size = np.dtype(dtype).itemsize
    for offset in range(size, 64 + size, size):

        def lay_out(array, offset=offset):
            buffer = np.zeros(array.nbytes + offset + 64, np.uint8)
            start = -buffer.ctypes.data % 64 + offset
            view = buffer[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
            view[...] = array
            return view

        assert results(fit, network, lay_out) == expected, offset


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_that_is_repeated_without_being_copied(dtype):
    fit = replace(SMALL, dtype=dtype)
    X, Y, _ = fit.data()
    once = np.broadcast_to(X[:1], X.shape)
    networks = [fit.network(), fit.network()]
    for network, data in zip(networks, [once, once.copy()], strict=True):
        fp.train(network, data, Y, epochs=5)
    assert networks[0].predict(once).tobytes() == networks[1].predict(once.copy()).tobytes()
    assert hash_of_parameters(networks[0]) == hash_of_parameters(networks[1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given", [bool, np.int8, np.uint16, np.int64, np.float16, np.float32, np.float64])
def test_any_type_that_holds_the_numbers(given, dtype):
    fit = replace(SMALL, dtype=dtype)
    X, Y, _ = [array if array is None else (array > 0).astype(int) for array in fit.data()]
    networks = [fit.network(), fit.network()]
    for network, kind in zip(networks, [given, dtype], strict=True):
        fp.train(network, X.astype(kind), Y.astype(kind), epochs=5)
    assert hash_of_parameters(networks[0]) == hash_of_parameters(networks[1])


def test_a_memory_map(tmp_path):
    X, _, _ = WIDE.data()
    np.save(tmp_path / "X.npy", X)
    network = WIDE.network()
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert network.predict(mapped).tobytes() == network.predict(X).tobytes()
    assert results(WIDE, network, lambda array: mapped if array.shape == X.shape else array) == results(
        WIDE, network
    )


# What only watches ----------------------------------------------------------------------------------------

WATCHERS = {
    "callback": lambda network, data: {"callback": lambda epoch: None},
    "callback that predicts": lambda network, data: {"callback": lambda epoch: network.predict(data[0][:40])},
    "score": lambda network, data: {
        "validation_score": lambda network: -network.loss_and_gradients(*data[:2])[0]
    },
    "validation": lambda network, data: {"validation": (data[0][:700], data[1][:700])},
    "validation on all rows": lambda network, data: {"validation": tuple(data[:2])},
    "patience that lasts": lambda network, data: {"patience": 10**6},
    "time that lasts": lambda network, data: {"max_time": 1e6},
    "all": lambda network, data: {
        "callback": lambda epoch: network.weights,
        "validation_score": lambda network: 1.0,
        "validation": (data[0][:3], data[1][:3]),
        "max_time": 1e6,
    },
}


@pytest.mark.parametrize("watcher", by(WATCHERS))
@pytest.mark.parametrize("batch_size", by(BATCHES))
@pytest.mark.parametrize("shape", by({"small": SMALL, "wide": WIDE}))
@pytest.mark.parametrize("n_threads", [1, 3])
def test_watching_changes_nothing(shape, batch_size, watcher, n_threads):
    fit = replace(shape, batch_size=batch_size, optimizer="Adam", n_threads=n_threads)
    expected, expected_history = fit.train()
    network = fit.network()
    _, history = fit.train(network, restore_best=False, **watcher(network, fit.data()))
    assert history.loss == expected_history.loss
    assert hash_of_parameters(network) == hash_of_parameters(expected)


# One training in several parts ----------------------------------------------------------------------------

# All but schedules that depend on the number of epochs of the call.
OF_A_CALL = {"SGD linear", "SGD adaptive", "Adam exponential", "Adam one cycle", "Adam adaptive"}
CONTINUED = [name for name in OPTIMIZERS if name not in OF_A_CALL]


@pytest.mark.parametrize("batches", by({"full-batch": None, "mini-batches": True, "in-order": False}))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", by({"small": SMALL, "wide": WIDE}))
@pytest.mark.parametrize("optimizer", CONTINUED)
@pytest.mark.parametrize("parts", [(3, 4), (1, 1, 1, 1, 1, 1, 1)], ids=str)
def test_a_training_in_several_parts(parts, optimizer, shape, dtype, batches):
    fit = replace(shape, optimizer=optimizer, dtype=dtype, batch_size=None if batches is None else 20)
    fit = replace(fit, rows=57, alpha=0.1, weighted=True)
    settings = {"shuffle": bool(batches)}
    whole, history = fit.train(epochs=7, **settings)
    network, memory, losses = fit.network(), OPTIMIZERS[optimizer][0], []
    for part, epochs in enumerate(parts):
        # In between, everything goes to a file and comes back; the number of threads changes too.
        network, memory = pickle.loads(pickle.dumps((network, memory)))
        _, course = fit.train(
            network, optimizer=memory, epochs=epochs, warm_start=part > 0, n_threads=1 + part, **settings
        )
        losses += course.loss
    assert losses == history.loss
    assert hash_of_parameters(network) == hash_of_parameters(whole)


# Elsewhere ------------------------------------------------------------------------------------------------

ELSEWHERE = [
    replace(SMALL, batch_size=10, optimizer="Adam"),
    replace(WIDE, n_threads=3),
    replace(WIDE, n_threads=3, dtype="float64", batch_size=331, optimizer="SGD"),
]


def test_in_a_thread():
    expected = [fit.run() for fit in ELSEWHERE]
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        assert list(threads.map(Fit.run, ELSEWHERE)) == expected


def test_in_many_threads_at_once():
    expected = [fit.run() for fit in ELSEWHERE]
    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        for hashes in threads.map(lambda _: [fit.run() for fit in ELSEWHERE], range(12)):
            assert hashes == expected


def test_predictions_in_many_threads_at_once():
    network = trained(WIDE)
    X = rows_for(network, 1301)
    expected = network.predict(X, n_threads=1).tobytes()
    start = threading.Barrier(6)

    def predict(n_threads):
        start.wait()
        return {network.predict(X, n_threads=n_threads).tobytes() for _ in range(20)}

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for predictions in pool.map(predict, [1, 2, 3, 3, 8, None]):
            assert predictions == {expected}


def test_inside_the_callback_of_another_training():
    expected = [fit.run() for fit in ELSEWHERE]
    inside = []
    _, history = replace(WIDE, n_threads=3).train(
        callback=lambda epoch: inside.append([fit.run() for fit in ELSEWHERE])
    )
    assert inside == [expected] * history.epochs
    assert hash_of_history(history) == expected[1]["history"]


def test_after_other_trainings():
    alone = [in_a_process(f"import json, test_same_bits as t; print(json.dumps(t.ELSEWHERE[{i}].run()))")
             for i in range(len(ELSEWHERE))]  # fmt: skip
    for fit in [LARGE, replace(LARGE, batch_size=100, n_threads=8), replace(SMALL, dtype="float64")]:
        fit.run()
        assert [fit.run() for fit in ELSEWHERE] == alone
    assert [fit.run() for fit in reversed(ELSEWHERE)] == alone[::-1]


# Floating-point modes -------------------------------------------------------------------------------------


@contextlib.contextmanager
def floating_point_mode(bits):
    """Set bits of the register that says how this thread rounds, as libraries do that are built for speed."""
    libm = ctypes.CDLL(None)
    environment = (ctypes.c_uint32 * 8)()  # glibc's fenv_t on x86-64: the last word is the register
    assert libm.fegetenv(environment) == 0
    before = environment[7]
    environment[7] = before | bits
    assert libm.fesetenv(environment) == 0
    try:
        yield
    finally:
        environment[7] = before
        assert libm.fesetenv(environment) == 0


knows_modes = pytest.mark.skipif(
    platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc", reason="knows x86-64 and glibc only"
)
MODES = {"flush to zero": 0x8040, "round up": 0x4000, "round to zero": 0x6000}


def tiny_data(dtype):
    """Return data with gradients on both sides of the smallest normal number, whose signs Rprop follows."""
    scale = np.ldexp(np.ones((), dtype), {"float32": -59, "float64": -507}[dtype])
    return [array * scale for array in replace(WIDE, dtype=dtype).data()[:2]]


@knows_modes
@pytest.mark.parametrize("bits", by(MODES))
def test_threads_that_were_started_in_another_mode(bits):
    """A thread has the mode of the one that started it, and is kept for later."""
    X, Y = tiny_data("float32")
    n_threads = 4 + list(MODES.values()).index(bits)  # each time a team that no other test has
    networks = [replace(WIDE, bias=False, activation="relu").network() for _ in range(2)]
    with floating_point_mode(bits):
        fp.train(networks[0].copy(), X, Y, epochs=1, n_threads=n_threads)
    for network, threads in zip(networks, [1, n_threads], strict=True):
        fp.train(network, X, Y, epochs=30, n_threads=threads)
        replace(WIDE, optimizer="Adam", epochs=30).train(network, n_threads=threads)
    assert hash_of_parameters(networks[1]) == hash_of_parameters(networks[0])


@knows_modes
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", by(MODES))
def test_modes_that_other_libraries_leave_behind(bits, dtype, n_threads):
    X, Y = tiny_data(dtype)
    networks = [replace(WIDE, dtype=dtype, bias=False, activation="relu").network() for _ in range(2)]
    for network, mode in zip(networks, [0, bits], strict=True):
        with floating_point_mode(mode):
            fp.train(network, X, Y, epochs=3, n_threads=n_threads)
            predicted = network.predict(X, n_threads=n_threads)
            one = network.predict(X[:1])
            gradients = network.loss_and_gradients(X, Y, n_threads=n_threads)
        assert hash_of_parameters(network) == hash_of_parameters(networks[0])
        assert predicted.tobytes() == networks[0].predict(X).tobytes()
        assert one.tobytes() == networks[0].predict(X[:1]).tobytes()
        assert hash_of_gradients(gradients) == hash_of_gradients(networks[0].loss_and_gradients(X, Y))


def mode_of_this_thread():
    environment = (ctypes.c_uint32 * 8)()
    assert ctypes.CDLL(None).fegetenv(environment) == 0
    return environment[7] & ~0x3F  # what shall happen, not what has


@knows_modes
@pytest.mark.parametrize("bits", by(MODES))
def test_the_mode_is_the_callers_again(bits):
    """After a call that ends well, after one that fails, and in functions of the caller's."""
    fit, modes = replace(WIDE, n_threads=3, epochs=1), []

    def ask(answer=None):
        modes.append(mode_of_this_thread())
        return answer

    def loss(outputs, targets):
        return ask((np.zeros(len(outputs)), outputs - targets))

    with floating_point_mode(bits):
        before = mode_of_this_thread()
        network, _ = fit.train(
            callback=ask, validation_score=lambda _: ask(0.0), shuffle=lambda _: ask(range(1733))
        )
        fit.train(loss=loss)
        fit.gradients(network, loss=loss)
        network.predict(fit.data()[0])
        with pytest.raises(ValueError, match="X must have"):
            network.predict(fit.data()[0][:, 1:])
        with pytest.raises(ZeroDivisionError):
            fit.train(callback=lambda epoch: 1 / 0)
        assert mode_of_this_thread() == before
    assert before & bits
    assert len(modes) > 4
    assert set(modes) == {before}


@knows_modes
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs"])
@pytest.mark.parametrize("bits", by(MODES))
def test_estimators_in_another_mode(bits, solver):
    """What NumPy and SciPy compute around the core, such as the initial weights, is the same too."""
    X, y = tiny_data("float64")
    labels = (y[:, 0] > 0).astype(int)
    results = []
    for mode in (0, bits):
        with floating_point_mode(mode):
            before = mode_of_this_thread()
            modes = []
            model = fp.MLPClassifier(
                hidden_layer_sizes=(9,),
                solver=solver,
                class_weight="balanced",
                max_iter=3,
                random_state=0,
                callback=lambda epoch: modes.append(mode_of_this_thread()),  # noqa: B023
            ).fit(X, labels)
            assert len(modes) > 1
            assert set(modes) == {before}
            results.append(sha256(*model.coefs_, *model.intercepts_, model.predict_proba(X)))
            with pytest.raises(ValueError, match="features"):
                model.predict(X[:, 1:])
            assert mode_of_this_thread() == before
    assert results[0] == results[1]
