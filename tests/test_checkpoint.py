"""A training that is stopped anywhere and taken up again ends in the same bits as one that never was."""

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import ferroprop as fp
import numpy as np
import pytest
from fits import OTHERS

rng = np.random.default_rng(5)
X = rng.normal(size=(40, 3))
Y = np.eye(2)[(X[:, 0] * X[:, 1] > 0).astype(int)]
X_VAL, Y_VAL = X[::3] + 0.1, Y[::3]

OPTIMIZERS = {
    "irprop+": fp.Rprop,
    "irprop-": lambda: fp.Rprop("irprop-", initial_step=(0.01, 0.1), seed=3),
    "rprop+": lambda: fp.Rprop("rprop+"),
    "rprop-": lambda: fp.Rprop("rprop-"),
    "grprop": fp.GRprop,
    "sarprop": lambda: fp.SARPROP(weight_decay=0.01),
    "sgd": lambda: fp.SGD(0.05),
    "sgd linear": lambda: fp.SGD(fp.Linear(0.05, final=0.001)),
    "sgd invscaling": lambda: fp.SGD(fp.InverseScaling(0.05)),
    "sgd adaptive": lambda: fp.SGD(fp.Adaptive(0.3), nesterov=False),
    "adam": lambda: fp.Adam(0.01),
    "adamw": lambda: fp.AdamW(0.01, weight_decay=0.1),
    "adam adaptive": lambda: fp.Adam(fp.Adaptive(0.05)),
    "adam one cycle": lambda: fp.Adam(fp.OneCycle(0.05)),
    "adamw schedules": lambda: fp.AdamW(fp.Cosine(0.01, warm_up=0.1), weight_decay=fp.Linear(0.1, flat=0.5)),
    "function": lambda: fp.SGD(lambda step: 0.1 / step),
}
OPTIMIZERS |= {name: fp.OPTIMIZERS[name].cls for name in OTHERS}
OF_ALL_EPOCHS = {"sgd linear", "adam one cycle", "adamw schedules"}

SETTINGS = {
    "full batch": {},
    "mini-batches": {"batch_size": 7, "seed": 9, "alpha": 0.01},
    "validation": {"batch_size": 16, "validation": (X_VAL, Y_VAL), "patience": 3, "tolerance": 1e-3},
    "best": {"restore_best": True, "patience": 4, "sample_weight": np.linspace(0.5, 2, 40)},
    "dropout": {"batch_size": 10, "dropout": 0.3, "seed": 2, "shuffle": False},
    "clipped": {"batch_size": 7, "clip_norm": 0.25, "alpha": 0.01},
    "dropout by step": {"batch_size": 10, "dropout": [fp.Cosine(0.5, flat=0.25)], "seed": 2},
    "score": {"batch_size": 10, "validation_score": lambda net: float(net.predict(X_VAL)[:, 0].sum())},
    "own order": {"batch_size": 9, "shuffle": lambda epoch: np.roll(np.arange(40), epoch)},
}


def network(dtype="float64", seed=1):
    return fp.Network([3, 5, 2], activation="tanh", output_activation="softmax", dtype=dtype, seed=seed)


def bits(net, history, optimizer):
    """Return everything that a training leaves, times excepted."""
    lists = [
        history.loss,
        history.penalty,
        history.validation_loss,
        history.validation_score,
        history.learning_rate,
    ]
    state = {
        name: value.tobytes() if isinstance(value, np.ndarray) else value
        for name, value in optimizer.state.items()
    }
    return (
        [array.tobytes() for array in [*net.weights, *net.biases]],
        [np.array(numbers).tobytes() for numbers in lists],
        history.best_epoch,
        history.stop_reason,
        state,
    )


def run(optimizer, dtype, epochs=12, **settings):
    net, optimizer = network(dtype), OPTIMIZERS[optimizer]()
    history = fp.train(net, X, Y, optimizer=optimizer, epochs=epochs, **settings)
    return bits(net, history, optimizer)


def stopped_after(stop, optimizer, dtype, path, **settings):
    """Train until this epoch, as a callback ends it."""
    fp.train(
        network(dtype),
        X,
        Y,
        optimizer=OPTIMIZERS[optimizer](),
        epochs=12,
        checkpoint=path,
        callback=lambda epoch: epoch.epoch == stop,
        **settings,
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_same_bits_wherever_it_stops(optimizer, settings, dtype, tmp_path):
    keywords = SETTINGS[settings]
    uninterrupted = run(optimizer, dtype, **keywords)
    for stop in [1, 5, 12]:
        path = tmp_path / f"{stop}.ckpt"
        stopped_after(stop, optimizer, dtype, path, **keywords)
        assert run(optimizer, dtype, checkpoint=path, **keywords) == uninterrupted, f"after epoch {stop}"
        assert [file.name for file in tmp_path.iterdir()].count(path.name) == 1
        # What is done is returned, not done again.
        before = path.read_bytes()
        assert run(optimizer, dtype, checkpoint=path, **keywords) == uninterrupted
        assert path.read_bytes() == before


@pytest.mark.parametrize("every", [1, 3, 100])
def test_many_stops(every, tmp_path):
    settings = SETTINGS["validation"]
    uninterrupted = run("adam", "float32", **settings)
    for stop in range(1, 13):
        stopped_after(stop, "adam", "float32", tmp_path / "run.ckpt", checkpoint_every=every, **settings)
    assert run("adam", "float32", checkpoint=tmp_path / "run.ckpt", **settings) == uninterrupted


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS.keys() - OF_ALL_EPOCHS))
def test_a_training_that_is_done_goes_on_with_more_epochs(optimizer, tmp_path):
    path = tmp_path / "run.ckpt"
    for epochs in [3, 4, 12]:
        result = run(optimizer, "float64", epochs=epochs, checkpoint=path)
    assert result == run(optimizer, "float64", epochs=12)


def test_fewer_epochs_than_there_were(tmp_path):
    path = tmp_path / "run.ckpt"
    run("adam", "float64", epochs=12, checkpoint=path)
    with pytest.raises(
        ValueError, match=r"epochs must be at least 12, which checkpoint .*run\.ckpt has, got 5"
    ):
        run("adam", "float64", epochs=5, checkpoint=path)


def test_more_patience(tmp_path):
    path = tmp_path / "run.ckpt"
    settings = {"tolerance": 0.5, "checkpoint": path}
    *_, reason, _ = first = run("adam", "float64", patience=2, **settings)
    assert reason == "patience"
    assert run("adam", "float64", patience=2, **settings) == first
    assert run("adam", "float64", patience=5, **settings) == run("adam", "float64", patience=5, tolerance=0.5)


def test_time_counts_for_each_call(tmp_path):
    path = tmp_path / "run.ckpt"
    epochs = []
    for _ in range(3):
        net = network()
        history = fp.train(net, X, Y, max_time=1e-9, checkpoint=path, epochs=12)
        epochs.append(history.epochs)
    assert epochs == [1, 2, 3]
    assert history.stop_reason == "time"
    assert history.seconds > 0


def test_the_number_of_threads_may_change(tmp_path):
    path = tmp_path / "run.ckpt"
    wide = rng.normal(size=(600, 60))
    targets = wide[:, :1] * wide[:, 1:2]

    def result(epochs, **settings):
        net = fp.Network([60, 80, 1], seed=2)
        fp.train(net, wide, targets, epochs=epochs, **settings)
        return [array.tobytes() for array in [*net.weights, *net.biases]]

    for epochs, n_threads in [(2, 1), (4, 2), (6, 3)]:
        parts = result(epochs, n_threads=n_threads, checkpoint=path)
    assert parts == result(6, n_threads=1)


def test_the_network_may_be_where_it_stopped(tmp_path):
    """After Ctrl-C, or an end by a callback, the same objects can be handed in again."""
    for settings in [{}, {"restore_best": True}]:
        path = tmp_path / f"{len(settings)}.ckpt"
        net, optimizer = network(), fp.Adam(0.05)
        fp.train(
            net,
            X,
            Y,
            optimizer=optimizer,
            checkpoint=path,
            epochs=12,
            callback=lambda e: e.epoch == 5,
            **settings,
        )
        history = fp.train(net, X, Y, optimizer=optimizer, checkpoint=path, epochs=12, **settings)
        other, fresh = network(), fp.Adam(0.05)
        expected = fp.train(other, X, Y, optimizer=fresh, epochs=12, **settings)
        assert bits(net, history, optimizer) == bits(other, expected, fresh)


# Files of other trainings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        (
            {"net": fp.Network([3, 4, 2], activation="tanh", output_activation="softmax", dtype="float64")},
            "network was",
        ),
        ({"net": network(seed=2)}, "network's first parameters"),
        ({"net": network("float32")}, "dtype of the network"),
        ({"X": X * 2}, "X"),
        ({"X": X[:30], "Y": Y[:30]}, "X"),
        ({"Y": Y[::-1]}, "Y"),
        ({"sample_weight": np.ones(40)}, "sample_weight"),
        ({"loss": "squared_error"}, "loss"),
        ({"loss": fp.LogLoss(0.1)}, "loss"),
        ({"optimizer": fp.Adam(0.02)}, "optimizer"),
        ({"optimizer": fp.SGD()}, "optimizer"),
        ({"batch_size": 8}, "batch_size"),
        ({"shuffle": False}, "shuffle"),
        ({"shuffle": lambda epoch: np.arange(40)}, "shuffle"),
        ({"seed": 1}, "shuffle"),
        ({"alpha": 0.5}, "alpha"),
        ({"dropout": 0.5}, "dropout"),
        ({"validation": (X, Y)}, "restore_best|validation"),
        ({"validation_score": lambda net: 1.0}, "restore_best|score"),
        ({"tolerance": 0.1}, "tolerance"),
        ({"restore_best": True}, "restore_best"),
    ],
    ids=lambda case: next(iter(case)) if isinstance(case, dict) else case,
)
def test_another_training(changes, name, tmp_path):
    path = tmp_path / "run.ckpt"
    arguments = {"X": X, "Y": Y, "batch_size": 7, "epochs": 4, "checkpoint": path}
    fp.train(network(), **{"optimizer": fp.Adam(0.01), **arguments})
    before = path.read_bytes()
    net = changes.pop("net", None) or network()
    optimizer = changes.pop("optimizer", fp.Adam(0.01))
    kept = net.copy()
    arguments["epochs"] = 9
    with pytest.raises(ValueError, match=rf"run\.ckpt is of another training: ({name})") as caught:
        fp.train(net, optimizer=optimizer, **{**arguments, **changes})
    assert "remove the file" in str(caught.value)
    assert [a.tobytes() for a in net.weights] == [a.tobytes() for a in kept.weights]
    assert optimizer.state == {}
    assert path.read_bytes() == before


def test_the_layout_of_the_data_does_not_matter(tmp_path):
    path = tmp_path / "run.ckpt"
    run("adam", "float64", epochs=3, checkpoint=path)
    net = network()
    fp.train(net, np.asfortranarray(X), Y.astype(int), optimizer=fp.Adam(0.01), epochs=12, checkpoint=path)
    expected = network()
    fp.train(expected, X, Y, optimizer=fp.Adam(0.01), epochs=12)
    assert net.weights[0].tobytes() == expected.weights[0].tobytes()


def test_no_warm_start(tmp_path):
    optimizer = fp.Adam()
    fp.train(network(), X, Y, optimizer=optimizer, epochs=1)
    with pytest.raises(ValueError, match="warm_start must be False with a checkpoint"):
        fp.train(network(), X, Y, optimizer=optimizer, warm_start=True, checkpoint=tmp_path / "run.ckpt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("every", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("x", TypeError)]
)
def test_every(every, error, tmp_path):
    with pytest.raises(error, match="every must be a positive integer"):
        fp.train(network(), X, Y, checkpoint=tmp_path / "run.ckpt", checkpoint_every=every)


@pytest.mark.parametrize("path", [3, 1.5, ["a"], object()], ids=["int", "float", "list", "object"])
def test_no_path(path):
    with pytest.raises(TypeError, match="checkpoint must be a path"):
        fp.train(network(), X, Y, checkpoint=path)


def test_a_network_is_no_checkpoint(tmp_path):
    network().save(tmp_path / "net")
    with pytest.raises(ValueError, match=r"net is not a ferroprop checkpoint: .*ferroprop\.checkpoint"):
        fp.train(network(), X, Y, checkpoint=tmp_path / "net")
    run("adam", "float64", checkpoint=tmp_path / "run.ckpt")
    with pytest.raises(ValueError, match=r"run\.ckpt is not a ferroprop network: .*ferroprop\.network"):
        fp.Network.load(tmp_path / "run.ckpt")


# What goes wrong on the way ---------------------------------------------------------------------------------


def test_an_error_leaves_a_complete_save_and_the_network_as_it_was(tmp_path):
    """Whether the score, the callback or the order of the rows raises."""
    uninterrupted = run("adam", "float64", **SETTINGS["score"])
    score = SETTINGS["score"]["validation_score"]
    for role in ["validation_score", "callback"]:
        path = tmp_path / f"{role}.ckpt"
        calls = itertools.count(1)

        def fails(_, calls=calls):
            if next(calls) == 6:
                raise RuntimeError("six")
            return 0.0

        functions = {"validation_score": lambda net, fails=fails: (fails(net), score(net))[1]}
        if role == "callback":
            functions = {"validation_score": score, "callback": fails}
        net, optimizer = network(), fp.Adam(0.01)
        before = bits_of(net)
        with pytest.raises(RuntimeError, match="six"):
            fp.train(net, X, Y, optimizer=optimizer, batch_size=10, epochs=12, checkpoint=path, **functions)
        assert bits_of(net) == before
        assert optimizer.state == {}
        assert run("adam", "float64", checkpoint=path, **SETTINGS["score"]) == uninterrupted


def bits_of(net):
    return [array.tobytes() for array in [*net.weights, *net.biases]]


def test_ctrl_c_in_the_middle_of_an_epoch(tmp_path):
    """The last complete epoch is saved, though checkpoint_every=100 would not have."""
    path = tmp_path / "run.ckpt"
    asked = itertools.count(1)

    def order(epoch):
        if epoch == 6 and next(asked) == 1:
            raise KeyboardInterrupt
        return np.roll(np.arange(40), epoch)

    settings = {"batch_size": 9, "shuffle": order}
    with pytest.warns(UserWarning, match="interrupted"):
        run("adam", "float64", checkpoint=path, checkpoint_every=100, **settings)
    assert run("adam", "float64", checkpoint=path, **settings) == run("adam", "float64", **settings)


def test_after_ctrl_c_the_optimizer_is_where_the_network_is():
    """A warm start goes on from the last complete epoch, whatever part of the next was done."""
    calls = itertools.count(1)

    def loss(outputs, targets):
        if next(calls) == 8:  # in the second of the four batches of epoch 2
            raise KeyboardInterrupt
        return ((outputs - targets) ** 2).sum(axis=1), 2 * (outputs - targets)

    settings = {"loss": loss, "batch_size": 10, "seed": 4}
    net, optimizer = network(), fp.Adam(0.01)
    with pytest.warns(UserWarning, match="interrupted"):
        history = fp.train(net, X, Y, optimizer=optimizer, epochs=5, **settings)
    assert history.epochs == 1
    fp.train(net, X, Y, optimizer=optimizer, epochs=4, warm_start=True, **settings)
    other, fresh = network(), fp.Adam(0.01)
    fp.train(other, X, Y, optimizer=fresh, epochs=5, **settings)
    assert bits_of(net) == bits_of(other)
    assert optimizer.state["steps"] == fresh.state["steps"] == 20


def test_a_divergence_is_not_saved(tmp_path):
    path = tmp_path / "run.ckpt"
    settings = {"loss": "squared_error", "optimizer": fp.SGD(30.0), "epochs": 500, "checkpoint_every": 1}

    def result():
        net = fp.Network([3, 5, 2], activation="identity", dtype="float32", seed=1)
        with pytest.warns(RuntimeWarning, match="diverged in epoch") as caught:
            history = fp.train(net, X, Y, checkpoint=path, **settings)
        return bits_of(net), history.loss, str(caught[0].message)

    first = result()
    before = path.read_bytes()
    assert result() == first
    assert path.read_bytes() == before


def test_a_divergence_in_the_first_epoch_leaves_no_file(tmp_path):
    net = fp.Network([1, 1], dtype="float32")
    with pytest.warns(RuntimeWarning, match="diverged in epoch 1"):
        fp.train(net, [[1e20]], [[1e20]], checkpoint=tmp_path / "run.ckpt")
    assert list(tmp_path.iterdir()) == []


# Files and folders ------------------------------------------------------------------------------------------


def test_a_missing_folder_is_told_before_training(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        fp.train(network(), X, Y, checkpoint=tmp_path / "nowhere" / "run.ckpt", callback=pytest.fail)


WITHOUT_RIGHTS = """
import os, sys
import ferroprop as fp, numpy as np
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
path = sys.argv[1]
net = fp.Network([1, 1], seed=1)
for call in [lambda: net.save(path), lambda: fp.train(net, [[1.0]], [[2.0]], epochs=5, checkpoint=path)]:
    try:
        call()
    except PermissionError as error:
        print("refused", path in str(error))
"""


def test_a_read_only_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("locked")
    for parent in [folder, *folder.parents][:3]:  # pytest's own are for the owner only
        parent.chmod(parent.stat().st_mode | 0o055)
    path = folder / "run.ckpt"
    fp.Network([1, 1], seed=1).save(path)
    before = path.read_bytes()
    path.chmod(0o666)
    folder.chmod(0o555)
    try:
        result = subprocess.run(
            [sys.executable, "-c", WITHOUT_RIGHTS, str(path)], capture_output=True, text=True, timeout=60
        )
    finally:
        folder.chmod(0o755)
    if "Permission denied" in result.stderr and "refused" not in result.stdout:
        pytest.skip(f"a process without rights cannot read this installation: {result.stderr[-200:]}")
    # A file that is no checkpoint would be an error as well; the folder's comes first.
    assert result.stdout.splitlines() == ["refused True"] * 2, result.stderr
    assert path.read_bytes() == before
    assert [file.name for file in folder.iterdir()] == ["run.ckpt"]


FULL = """
import resource, signal, sys
import ferroprop as fp, numpy as np
path, limit = sys.argv[1], int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
net = fp.Network([50, 60, 2], seed=1)
before = net.weights[0].tobytes()
rng = np.random.default_rng(0)
for call in [lambda: net.save(path + ".net"), lambda: fp.train(
    net, rng.normal(size=(9, 50)), rng.normal(size=(9, 2)), epochs=5, checkpoint=path
)]:
    try:
        call()
    except OSError as error:
        print(error.errno, path in str(error), net.weights[0].tobytes() == before)
"""


def test_a_file_that_does_not_fit(tmp_path):
    """As on a full disk, a write fails in the middle."""
    path = tmp_path / "run.ckpt"
    big = fp.Network([50, 60, 2], seed=1)
    big.save(f"{path}.net")
    before = Path(f"{path}.net").read_bytes()
    result = subprocess.run(
        [sys.executable, "-c", FULL, str(path), "8192"], capture_output=True, text=True, timeout=60
    )
    assert result.stdout.splitlines() == ["27 True True"] * 2, result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["run.ckpt.net"]
    assert Path(f"{path}.net").read_bytes() == before


def test_a_full_disk(tmp_path):
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "ferroprop-test", tmp_path], capture_output=True, text=True
    )
    if mount.returncode:
        pytest.skip(f"cannot mount a small file system: {mount.stderr.strip()}")
    try:
        small = fp.Network([10, 10, 2], seed=1)
        small.save(tmp_path / "net")
        before = (tmp_path / "net").read_bytes()
        large = fp.Network([100, 300, 2], seed=1)
        with pytest.raises(OSError, match="No space left on device"):
            large.save(tmp_path / "net")
        data = rng.normal(size=(9, 100)), rng.normal(size=(9, 2))
        with pytest.raises(OSError, match="No space left on device"):
            fp.train(large, *data, epochs=5, checkpoint=tmp_path / "run.ckpt")
        assert (tmp_path / "net").read_bytes() == before
        assert [file.name for file in tmp_path.iterdir()] == ["net"]
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_permissions_stay_and_new_files_get_the_usual_ones(tmp_path):
    old = os.umask(0o027)
    try:
        network().save(tmp_path / "new")
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640
        for mode in [0o600, 0o604, 0o666]:
            (tmp_path / "new").chmod(mode)
            network().save(tmp_path / "new")
            assert (tmp_path / "new").stat().st_mode & 0o777 == mode
    finally:
        os.umask(old)


def test_what_a_link_points_to_is_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "net", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    network().save(link)
    assert link.is_symlink()
    assert fp.Network.load(target).layer_sizes == [3, 5, 2]
    assert [file.name for file in target.parent.iterdir()] == ["net"]


def test_devices_and_pipes_are_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in [tmp_path / "pipe", "/dev/null"]:
        with pytest.raises(OSError, match="not a regular file"):
            network().save(path)
    assert (tmp_path / "pipe").is_fifo()
    assert Path("/dev/null").is_char_device()


def test_many_threads_may_save_to_one_path(tmp_path):
    """Each has a temporary file of its own: the file is always one of theirs, whole."""
    path = tmp_path / "net"
    networks = [network(seed=seed) for seed in range(8)]
    expected = {net.weights[0].tobytes() for net in networks}
    networks[0].save(path)
    failures = []

    def save(net):
        try:
            for _ in range(10):
                net.save(path)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=save, args=(net,)) for net in networks]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert fp.Network.load(path).weights[0].tobytes() in expected
    assert failures == []
    assert [file.name for file in tmp_path.iterdir()] == ["net"]


# Killed -----------------------------------------------------------------------------------------------------

KILLED = """
import sys, time
import ferroprop as fp, numpy as np
path, number = sys.argv[1], int(sys.argv[2])
sys.path.insert(0, sys.argv[3])
import test_checkpoint
print("begins", flush=True)
net, optimizer, history = test_checkpoint.long_run(number, checkpoint=path, checkpoint_every=1 + number % 3)
"""


def long_run(number, **keywords):
    """Train one of many networks, with a pause in each epoch in which one can be killed."""
    optimizer = list(OPTIMIZERS.values())[number % len(OPTIMIZERS)]()
    settings = list(SETTINGS.values())[number % len(SETTINGS)]
    net = network(["float32", "float64"][number % 2])
    callback = (lambda _: time.sleep(0.004)) if keywords else None
    history = fp.train(net, X, Y, optimizer=optimizer, epochs=60, callback=callback, **settings, **keywords)
    return net, optimizer, history


def killed_again_and_again(number, folder):
    path = folder / f"{number}.ckpt"
    random_time = random.Random(number)
    command = [sys.executable, "-c", KILLED, str(path), str(number), str(Path(__file__).parent)]
    kills = 0
    for attempt in range(3):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "begins\n", process.communicate()
        try:
            # The last attempt may finish.
            _, errors = process.communicate(timeout=None if attempt > 1 else random_time.uniform(0.0, 0.25))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
        else:
            assert process.returncode == 0, errors
            break
        # What is there is complete, or there is nothing yet.
        assert not path.exists() or fp._core.checkpoint_note(path) == ("", [])
    net, optimizer, history = long_run(number, checkpoint=path)
    expected_net, expected_optimizer, expected = long_run(number)
    assert bits(net, history, optimizer) == bits(expected_net, expected, expected_optimizer)
    return kills


def test_killed_at_random(tmp_path):
    assert sum(killed_again_and_again(number, tmp_path) for number in range(0, 50, 5)) >= 8


@pytest.mark.exhaustive
def test_200_runs_killed_at_random(tmp_path):
    assert sum(killed_again_and_again(number, tmp_path) for number in range(200)) >= 200
