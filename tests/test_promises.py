"""Promises that strangers broke once, each by its kind: see `docs/reliability.md`."""

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import ferroprop as fp
import numpy as np
import pytest

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype=np.float32)
Y = np.array([[0.0], [1.0], [1.0], [0.0]], dtype=np.float32)


def network():
    return fp.Network([2, 4, 1], activation="tanh", output_activation="logistic", seed=3)


def in_child(code, timeout=120):
    """Run code in a process of its own; return what it printed, which must not have ended by a signal."""
    code = textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stdout[-2000:], done.stderr[-4000:])
    return done.stdout.strip()


RECURSIONS = {
    "callback": "def again(_=0): fp.train(net.copy(), X, Y, epochs=1, callback=again)\nagain()",
    "score": "def again(_=0): fp.train(net.copy(), X, Y, epochs=1, validation_score=again)\nagain()",
    "shuffle": "def again(_=0): fp.train(net.copy(), X, Y, epochs=1, shuffle=again)\nagain()",
    "loss": "def again(a=0, t=0): net.copy().loss_and_gradients(X, Y, loss=again)\nagain()",
    "array": "class Again:\n def __array__(self, *a, **k): return net.predict(Again())\nnet.predict(Again())",
    "size": "class Again:\n def __index__(self): return fp.Network([Again(), 1])\nfp.Network([Again()])",
}


@pytest.mark.parametrize("kind", RECURSIONS)
def test_endless_recursion_is_an_error(kind):
    again = textwrap.indent(RECURSIONS[kind], "    ")
    code = [
        "import ferroprop as fp, numpy as np",
        "X, Y, net = np.zeros((4, 2)), np.zeros((4, 1)), fp.Network([2, 3, 1])",
        f"try:\n{again}\nexcept RecursionError:\n    print('deep')",
    ]
    assert in_child("\n".join(code)) == "deep"


def test_calls_within_calls_are_no_recursion():
    depths = []

    def inner(depth):
        depths.append(depth)
        if depth < 20:
            fp.train(network(), X, Y, epochs=1, callback=lambda _: inner(depth + 1))

    inner(0)
    assert depths == list(range(21))


CHANGES = [
    lambda a: setattr(a, "dtype", np.int32),
    lambda a: setattr(a, "strides", (4, 4)),
    lambda a: setattr(a, "shape", (a.size,)),
]


@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("changed", ["X", "Y", "weights", "validation"])
def test_an_array_in_use_may_be_changed_in_place(change, changed):
    """What its numbers are read by is a view that nobody else has."""
    expected = network()
    weights = np.ones(4, dtype=np.float32)
    fp.train(expected, X, Y, epochs=3, sample_weight=weights, validation=(X, Y))
    arrays = {"X": X.copy(), "Y": Y.copy(), "weights": weights.copy(), "validation": X.copy()}
    if changed == "weights" and change is CHANGES[1]:
        pytest.skip("a vector has one stride")
    done = []

    def callback(_):
        if not done:
            done.append(change(arrays[changed]))

    net = network()
    fp.train(
        net,
        arrays["X"],
        arrays["Y"],
        epochs=3,
        sample_weight=arrays["weights"],
        validation=(arrays["validation"], Y),
        callback=callback,
    )
    assert done
    for w, v in zip(net.weights, expected.weights, strict=True):
        assert np.array_equal(w, v)


def test_daemon_threads_do_not_break_the_end_of_the_interpreter():
    code = """
        import threading, time
        import numpy as np, ferroprop as fp
        net = fp.Network([64, 100, 10])
        large, small = np.zeros((3000, 64), np.float32), np.zeros((1, 64), np.float32)
        def predict():
            while True:
                net.predict(large); net.predict(small); net.predict([[0.0] * 64])
        def train():
            while True:
                rows = large[:64]
                fp.train(net.copy(), rows, rows[:, :10], epochs=9, callback=lambda _: sum(range(9)) < 0)
        for work in (predict, predict, train, train):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
        print("end")
    """
    for _ in range(6):
        assert in_child(code) == "end"


class Raises:
    """An object whose conversions raise an error of its own."""

    def __init__(self, error):
        self.error = error

    def _raise(self, *_, **__):
        raise self.error

    __index__ = __int__ = __float__ = __bool__ = __iter__ = __array__ = __fspath__ = _raise


ARGUMENTS = [
    lambda v: fp.Network(v),
    lambda v: fp.Network([v, 1]),
    lambda v: fp.Network([2, 1], activation=v),
    lambda v: fp.Network([2, 1], bias=v),
    lambda v: fp.Network([2, 1], bias=[v]),
    lambda v: fp.Network([2, 1], init_range=v),
    lambda v: fp.Network([2, 1], seed=v),
    lambda v: network().predict(v),
    lambda v: network().predict(X, n_threads=v),
    lambda v: network().hidden(X, v),
    lambda v: network().set_parameters(v, [None]),
    lambda v: network().set_parameters([v, v], [v, v]),
    lambda v: network().save(v),
    lambda v: fp.Network.load(v),
    lambda v: network().loss_and_gradients(X, v),
    lambda v: network().loss_and_gradients(X, Y, alpha=v),
    lambda v: network().loss_and_gradients(X, Y, sample_weight=v),
    *(
        lambda v, name=name: fp.train(network(), X, Y, **{name: v})
        for name in [
            "epochs",
            "batch_size",
            "alpha",
            "dropout",
            "patience",
            "tolerance",
            "restore_best",
            "max_time",
            "seed",
            "n_threads",
            "warm_start",
            "checkpoint",
        ]
    ),
    lambda v: fp.train(network(), X, Y, epochs=1, shuffle=lambda _: v),
    lambda v: fp.train(network(), X, Y, epochs=1, shuffle=lambda _: [v]),
    lambda v: fp.train(network(), X, Y, epochs=1, validation_score=lambda _: v),
]


@pytest.mark.parametrize(
    "error", [MemoryError("mine"), ZeroDivisionError("mine")], ids=lambda e: type(e).__name__
)
@pytest.mark.parametrize("call", ARGUMENTS)
def test_errors_of_the_callers_objects_come_out_as_they_are(call, error):
    """Unless the argument is refused before it is converted."""
    with pytest.raises((type(error), TypeError)) as caught:
        call(Raises(error))
    if not isinstance(caught.value, TypeError):
        assert caught.value is error


@pytest.mark.filterwarnings("ignore:Training interrupted")
def test_an_interruption_within_a_conversion_is_one():
    for call in ARGUMENTS:
        try:
            call(Raises(KeyboardInterrupt()))
        except (KeyboardInterrupt, TypeError):
            continue
        except ValueError as error:
            pytest.fail(f"an interruption became {error!r}")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_refused_at_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        fp.Network.load(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        fp.train(network(), X, Y, epochs=1, checkpoint=pipe)
    with pytest.raises(OSError, match="not a regular file"):
        network().save(pipe)


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_link_stays_a_link(tmp_path):
    """Also one whose target is not there yet, or is the end of a chain."""
    (tmp_path / "folder").mkdir()
    first, second = tmp_path / "first", tmp_path / "second"
    first.symlink_to("second")
    second.symlink_to("folder/net.safetensors")
    network().save(first)
    assert first.is_symlink()
    assert second.is_symlink()
    assert fp.Network.load(tmp_path / "folder" / "net.safetensors").n_parameters == network().n_parameters
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    with pytest.raises(OSError, match=r"symbolic links|loop"):
        network().save(loop)


def access_list(*, named_user, mask):
    """Return a list of access as bytes: rw- for the owner and a named user, --- for the group."""
    undefined = 0xFFFFFFFF
    entries = [
        (1, 6, undefined),
        (2, 6, named_user),
        (4, 0, undefined),
        (16, mask, undefined),
        (32, 0, undefined),
    ]
    packed = b"".join(
        tag.to_bytes(2, "little") + access.to_bytes(2, "little") + who.to_bytes(4, "little")
        for tag, access, who in entries
    )
    return (2).to_bytes(4, "little") + packed


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="no access control lists")
def test_nobody_gets_in_by_a_save(tmp_path):
    """A list of access is kept; the owning group, which it shuts out, stays out."""
    path = tmp_path / "net.safetensors"
    network().save(path)
    try:
        os.setxattr(path, "system.posix_acl_access", access_list(named_user=12345, mask=6))
    except OSError as error:
        pytest.skip(f"the file system has none: {error}")
    before = os.getxattr(path, "system.posix_acl_access")
    network().save(path)
    assert os.getxattr(path, "system.posix_acl_access") == before


@pytest.mark.skipif(sys.platform != "linux", reason="counts the process's threads")
def test_more_threads_than_rows_are_not_made():
    net = fp.Network([64, 300, 300, 10])
    rows = np.zeros((300, 64), dtype=np.float32)
    expected = net.predict(rows, n_threads=1)
    assert np.array_equal(net.predict(rows, n_threads=10**9), expected)
    net.input_gradient(rows[:5], n_threads=10**9)
    assert len(list(Path("/proc/self/task").iterdir())) < 60


def test_an_order_in_a_packed_array_is_read_as_numpy_reads_it():
    rows = np.zeros(4, dtype=np.dtype([("skip", "i1"), ("row", "i8")]))
    rows["row"] = [2, 0, 3, 1]
    packed, plain = network(), network()
    fp.train(packed, X, Y, epochs=2, batch_size=2, optimizer="sgd", shuffle=lambda _: rows["row"])
    fp.train(plain, X, Y, epochs=2, batch_size=2, optimizer="sgd", shuffle=lambda _: [2, 0, 3, 1])
    assert np.array_equal(packed.weights[0], plain.weights[0])


@pytest.mark.parametrize("optimizer", ["rprop-", "irprop+", "grprop", "sarprop", "adam", "sgd"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_gradients_that_are_no_numbers_are_a_divergence(optimizer, bad):
    def loss(outputs, targets):
        return np.zeros(len(outputs)), np.full_like(outputs, bad)

    net = network()
    with pytest.warns(RuntimeWarning, match="diverged in epoch 1"):
        history = fp.train(net, X, Y, loss=loss, optimizer=optimizer, epochs=5)
    assert history.stop_reason == "diverged"
    assert all(np.array_equal(w, v) for w, v in zip(net.weights, network().weights, strict=True))


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space")
@pytest.mark.parametrize(
    "call",
    [
        "fp.Network(itertools.repeat(2))",
        "fp.Network([2, 2, 1], activation=itertools.repeat('relu'))",
        "fp.Network([2, 2, 1], bias=itertools.repeat(True))",
        "fp.Network([2, 1]).set_parameters(itertools.repeat(0), [None])",
        "fp.train(fp.Network([2, 2, 1]), X, Y, dropout=itertools.repeat(0.1))",
        "fp.train(fp.Network([2, 1]), X, Y, batch_size=1, shuffle=lambda e: itertools.repeat(0))",
    ],
)
def test_what_has_no_end_is_a_memory_error(call):
    code = f"""
        import itertools, resource
        import numpy as np, ferroprop as fp
        X, Y = np.zeros((4, 2)), np.zeros((4, 1))
        fp.train(fp.Network([2, 1]), X, Y, epochs=1)
        with open("/proc/self/statm") as file:
            limit = int(file.read().split()[0]) * resource.getpagesize() + (1 << 27)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        try:
            {call}
        except MemoryError:
            print("no memory")
    """
    assert in_child(code) == "no memory"


def test_threads_may_nest_their_calls_independently():
    results = []

    def work():
        fp.train(network(), X, Y, epochs=3, callback=lambda _: results.append(network().predict(X)) or False)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 24


def test_no_lock_is_held_while_a_finalizer_can_run():
    """Reading what an optimizer remembers makes objects, which may run finalizers that read it as well."""
    code = """
    import gc, pickle
    import ferroprop as fp
    optimizer = fp.Adam()
    fp.train(fp.Network([3, 2]), [[1.0, 2.0, 3.0]], [[1.0, 2.0]], optimizer=optimizer, epochs=1)

    class Ends:
        def __init__(self):
            self.itself = self

        def __del__(self):
            pickle.dumps(optimizer)

    gc.set_threshold(1)
    for _ in range(200):
        Ends()
        optimizer.state
    print("done")
    """
    assert in_child(code, timeout=120) == "done"
