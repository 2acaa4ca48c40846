"""Hours of everything at once, in one process: memory must not grow, no bit change, nothing hang.

    python benches/soak.py --seconds 3600
    python benches/soak.py --once    # each task alone, twice: for valgrind and its kin

Threads train and predict, with the core and with estimators, alone and with helpers, networks of every
kind of layers, one at a time and many; others save, load, pickle, go on from checkpoints, read files that
are damaged, fail on purpose, change a network that is being read, and fork. Every result is compared with
what it was at the start. Ten times all of them pause, and memory is measured: what the process has; what of
it malloc has given out (glibc tells, and is told to keep nothing at hand for each thread, which would count
as given out); Python's small blocks; threads.

The exit status is 1 if a result differs, if a thread makes no progress for a minute, or if between the end of
the first tenth of the time and the end what is in use (what the process has, where malloc does not tell)
grows by more than 4 MiB, or there are more than 16 threads more.
"""

import argparse
import ctypes
import gc
import os
import pickle
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

import ferroprop as fp
import numpy as np
import scipy.sparse
from ferroprop.export import from_json
from ferroprop.model_selection import cross_val_predict

LIMIT = 4 * 2**20
MORE_THREADS = 16
STALLED = 60.0

rng = np.random.default_rng(0)
X = rng.standard_normal((1500, 20)).astype(np.float32)
Y = np.tanh(X[:, :3] * X[:, 3:6])
LABELS = np.array(["a", "b", "c"])[Y.argmax(axis=1)]


def network() -> fp.Network:
    """Return a network that is the same every time."""
    return fp.Network([20, 64, 48, 3], activation="tanh", seed=1)


def bits(of: fp.Network) -> bytes:
    """Return the bytes of all parameters."""
    return b"".join(array.tobytes() for array in (*of.weights, *of.biases) if array is not None)


def train(**settings: object) -> Callable[[], bytes]:
    """Return a training that returns its bits."""

    def work() -> bytes:
        own = network()
        fp.train(own, X, Y, epochs=4, **settings)  # type: ignore[arg-type]
        return bits(own)

    return work


def fit(solver: str) -> Callable[[], bytes]:
    """Return the fit of a classifier, likewise."""

    def work() -> bytes:
        model = fp.MLPClassifier(hidden_layer_sizes=(30,), solver=solver, max_iter=3, random_state=0)
        model.fit(X[:400], LABELS[:400])
        again = pickle.loads(pickle.dumps(model))
        return again.predict_proba(X[:50]).tobytes() + "".join(model.predict(X[:50])).encode()

    return work


def recurrent() -> bytes:
    """Train a network of each kind of cell on sequences of two lengths, on two threads, and predict."""
    sequences = [X[i : i + 9, :4] for i in range(0, 120, 10)] + [X[200:231, :4]]
    targets = np.stack([sequence.mean(axis=0)[:1] for sequence in sequences])
    found = []
    for cell in ("rnn", "lstm", "gru"):
        own = fp.RecurrentNetwork([4, 12, 1], cell=cell, seed=1)
        fp.train(own, sequences, targets, optimizer="adam", batch_size=4, epochs=2, n_threads=2)
        found += [bits(own), own.predict(sequences, n_threads=1).tobytes()]
    return b"".join(found)


Z = X[:300, :8].astype(np.complex64) + 1j * X[:300, 8:16]


def of_complex_numbers() -> bytes:
    """Train a network of complex numbers, and predict."""
    own = fp.Network([8, 12, 2], activation="cardioid", dtype="complex64", seed=1)
    fp.train(own, Z, Z[:, :2] * Z[:, 2:4], epochs=4, n_threads=2)
    return bits(own) + own.predict(Z[:50]).tobytes()


def stochastic() -> bytes:
    """Train networks of units that are drawn."""
    found = []
    for activation in (fp.Bernoulli("score_function"), fp.Categorical(4, "concrete")):
        own = fp.Network([20, 16, 3], activation=activation, seed=1)
        fp.train(own, X[:400], Y[:400], epochs=2, batch_size=100, optimizer="adam", n_threads=2)
        found.append(bits(own))
    return b"".join(found)


SPARSE = scipy.sparse.csr_array(np.where(np.abs(X[:600]) > 1.2, X[:600], 0))


def sparse() -> bytes:
    """Train on sparse rows, and predict."""
    own = fp.Network([20, 70, 3], activation="tanh", seed=1)
    fp.train(own, SPARSE, Y[:600], optimizer="adam", batch_size=100, epochs=2, n_threads=2)
    return bits(own) + own.predict(SPARSE[:50]).tobytes()


def search() -> bytes:
    """Cross-validate, the fits side by side."""
    model = fp.MLPClassifier(hidden_layer_sizes=(8,), solver="rprop", max_iter=3, random_state=0)
    return cross_val_predict(model, X[:300], LABELS[:300], cv=3, method="predict_proba", n_jobs=2).tobytes()


def many() -> bytes:
    """Train several networks side by side, each on rows of its own."""
    networks = [fp.Network([20, 10, 3], activation="tanh", seed=seed) for seed in range(6)]
    rows = [np.arange(seed, 600, 6) for seed in range(6)]
    fp.train_many(networks, X, Y, rows=rows, validation_rows=np.arange(600, 700), epochs=3, n_threads=2)
    return b"".join(map(bits, networks))


shared = network()
FILE = Path(tempfile.mkdtemp()) / "network.safetensors"


def predict() -> bytes:
    """Predict with a network that another thread sets to the same parameters over and over."""
    return shared.predict(X[:200]).tobytes() + shared.predict(X[:1], n_threads=2).tobytes()


def set_parameters() -> bytes:
    """Change the shared network, to what it is."""
    shared.set_parameters(shared.weights, shared.biases)
    return b""


def save_and_load() -> bytes:
    """Write a file and read it."""
    own = FILE.with_name(f"{threading.get_ident()}.safetensors")
    network().save(own)
    return bits(fp.Network.load(own))


def go_on() -> bytes:
    """Train with a checkpoint, and go on from it with another network."""
    path = FILE.with_name(f"{threading.get_ident()}.checkpoint")
    for epochs in (2, 4):
        own = network()
        fp.train(own, X, Y, epochs=epochs, optimizer="adam", checkpoint=path, checkpoint_every=1)
    path.unlink()
    return bits(own)


def damaged() -> bytes:
    """Read files of each form that are damaged, one byte at a time, and the good ones."""
    path = FILE.with_name(f"{threading.get_ident()}.damaged")
    found = []
    for good in (fp.Network([3, 4, 2], seed=1), fp.RecurrentNetwork([3, 4, 2], cell="lstm", seed=1)):
        good.save(path)
        content = path.read_bytes()
        for place in range(0, len(content), 7):
            path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
            found.append(_reading_of(lambda: type(good).load(path)))  # noqa: B023
    text = fp.Network([3, 4, 2], activation=fp.Logistic(2.0), seed=1).to_json()
    for place in range(1, len(text), 7):  # the first character says that it is no path
        found.append(_reading_of(lambda: from_json(text[:place] + "7" + text[place + 1 :])))  # noqa: B023
    path.unlink()
    return "".join(found).encode()


def _reading_of(read: Callable[[], object]) -> str:
    """Return whether there is something to read."""
    try:
        read()
    except ValueError:
        return "-"
    return "+"


def fail() -> bytes:
    """Make calls that raise, each in another place."""
    calls: list[Callable[[], object]] = [
        lambda: shared.predict(X[:, :4]),
        lambda: shared.predict(np.full((3, 20), np.nan, np.float32)),
        lambda: fp.train(network(), X, Y, epochs=3, callback=lambda epoch: 1 / 0),
        lambda: fp.train(network(), X, Y, loss=lambda outputs, targets: None),
        lambda: fp.Network([3, 0]),
        lambda: fp.Network.load(__file__),
        lambda: fp.MLPRegressor().fit(X, np.full(1500, np.nan)),
    ]
    raised = []
    for call in calls:
        try:
            call()
        except Exception as error:
            raised.append(type(error).__name__)
    return " ".join(raised).encode()


def fork() -> bytes:
    """Train in a child, which has five minutes for it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        import signal

        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(300)
        os.write(writer, TASKS["train on 3 threads"]()[-64:])
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    time.sleep(0.5)
    return answer


TASKS: dict[str, Callable[[], bytes]] = {
    "train": train(),
    "train on 3 threads": train(n_threads=3),
    "mini-batches": train(n_threads=2, batch_size=300, optimizer="adam", validation=(X[:300], Y[:300])),
    "fit rprop": fit("rprop"),
    "fit lbfgs": fit("lbfgs"),
    "predict": predict,
    "predict too": predict,
    "set parameters": set_parameters,
    "save and load": save_and_load,
    "recurrent": recurrent,
    "complex": of_complex_numbers,
    "stochastic": stochastic,
    "sparse": sparse,
    "search": search,
    "many": many,
    "go on": go_on,
    "damaged files": damaged,
    "fail": fail,
}
if hasattr(os, "fork"):
    TASKS["fork"] = fork


class Memory(NamedTuple):
    """Memory of this process at a time, in bytes; Python's small blocks and all threads, in numbers."""

    resident: int
    in_use: int
    blocks: int
    threads: int

    @classmethod
    def now(cls) -> Self:
        """Measure."""
        gc.collect()
        with open("/proc/self/statm", encoding="ascii") as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
        threads = len(os.listdir("/proc/self/task"))
        return cls(resident, _in_use(), sys.getallocatedblocks(), threads)


def _in_use() -> int:
    """Return the bytes that malloc has given out; 0 where it does not tell, as glibc before 2.33."""
    mallinfo = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo is None:
        return 0

    class Mallinfo(ctypes.Structure):
        names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
        _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

    mallinfo.restype = Mallinfo
    info = mallinfo()
    return int(info.uordblks + info.hblkhd)


def main() -> int:
    """Run all tasks for so long, and report ten times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--once", action="store_true", help="only compare each task's results of two calls")
    parser.add_argument("--tasks", help="comma-separated names, in place of all tasks")
    options = parser.parse_args()
    seconds = options.seconds
    warnings.simplefilter("ignore")
    if options.tasks:
        chosen = options.tasks.split(",")
        if unknown := set(chosen) - set(TASKS):
            parser.error(f"--tasks: no {', '.join(sorted(unknown))}; there are {', '.join(TASKS)}")
        for name in set(TASKS) - set(chosen):
            del TASKS[name]
    expected = {name: task() for name, task in TASKS.items()}
    if options.once:
        others = [name for name, task in TASKS.items() if task() != expected[name]]
        print("other bits:", ", ".join(others) or "none")
        return int(bool(others))
    counts, seen = dict.fromkeys(TASKS, 0), dict.fromkeys(TASKS, time.monotonic())
    wrong: list[str] = []
    stop, go, idle = threading.Event(), threading.Event(), set[str]()
    go.set()

    def run(name: str) -> None:
        while not stop.is_set():
            if not go.is_set():
                idle.add(name)
                go.wait()
                idle.discard(name)
            try:
                if TASKS[name]() != expected[name]:
                    wrong.append(f"{name}: other bits")
            except BaseException as error:
                wrong.append(f"{name}: {error!r}")
            counts[name] += 1
            seen[name] = time.monotonic()

    threads = [threading.Thread(target=run, args=(name,), daemon=True) for name in TASKS]
    for thread in threads:
        thread.start()
    memory = []
    for tenth in range(1, 11):
        time.sleep(seconds / 10)
        go.clear()
        paused = time.monotonic()
        while len(idle) < len(TASKS) and time.monotonic() - paused < STALLED:
            time.sleep(0.01)
        memory.append(Memory.now())
        go.set()
        resident, in_use, blocks, running = memory[-1]
        print(
            f"{tenth * seconds / 10:7.0f} s  {sum(counts.values()):9,} calls  {resident / 2**20:7.1f} MiB"
            f"  {in_use / 2**20:7.2f} MiB in use  {blocks:,} small blocks  {running} threads",
            flush=True,
        )
        stalled = [name for name, when in seen.items() if time.monotonic() - when > STALLED]
        wrong += [f"{name}: no progress" for name in stalled]
        if wrong:
            break
    stop.set()
    for thread in threads:
        thread.join(STALLED)
    measure = "in_use" if memory[0].in_use else "resident"
    growth = getattr(memory[-1], measure) - getattr(memory[0], measure)
    print(", ".join(f"{name} {count:,}" for name, count in counts.items()))
    print(f"memory grew by {growth / 2**20:.2f} MiB since the first tenth")
    for line in wrong[:10]:
        print(line)
    more = memory[-1].threads - memory[0].threads
    return int(bool(wrong) or growth > LIMIT or more > MORE_THREADS)


if __name__ == "__main__":
    if os.name == "posix" and "GLIBC_TUNABLES" not in os.environ:
        # Read when a process starts, so start again.
        os.environ["GLIBC_TUNABLES"] = "glibc.malloc.tcache_count=0"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    sys.exit(main())
