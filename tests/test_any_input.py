"""Whatever comes as an argument: an answer or a clear error, and nothing of the caller's is changed.

A panic would be a `PanicException`, which is no `Exception`, and an abort would end the test run.
"""

import copy
import math
import pickle
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import ferroprop as fp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS, INPUTS, OUTPUTS = 6, 3, 2
ACCEPTED = (ValueError, TypeError, MemoryError)

# Arrays -----------------------------------------------------------------------------------------------------

DTYPES = [
    *("f2", "f4", "f8", "g", ">f2", ">f4", ">f8", ">g"),
    *("i1", "i2", "i4", "i8", "u1", "u8", ">i4", ">u2", "?"),
    *("c8", "c16", ">c16", "O", "U3", "S2", "M8[s]", "m8[s]", "V4"),
]
SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    math.nan,
    math.inf,
    -math.inf,
    1e39,
    -1e39,
    1e-46,
    5e-324,
    1e308,
    3.4e38,
    65520.0,
]


@st.composite
def shapes(draw, columns):
    """Draw a shape: mostly the right one."""
    if draw(st.integers(0, 4)):
        return (ROWS, columns) if columns else (ROWS,)
    return draw(
        st.sampled_from(
            [
                (),
                (0,),
                (ROWS,),
                (ROWS, 1),
                (ROWS, 0),
                (0, columns or 1),
                (0, 0),
                (1, columns or 1),
                (ROWS - 1, columns or 1),
                (ROWS, (columns or 1) + 1),
                (1, ROWS, columns or 1),
                (2, 3, 1, 1),
                (ROWS, columns or 1),
            ]
        )
    )


def in_layout(array, layout, draw):
    """Return an array of the same values with this layout."""
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "reversed" and array.ndim:
        return np.ascontiguousarray(array[::-1])[::-1]
    if layout == "strided" and array.ndim:
        twice = np.repeat(array, 2, axis=-1)
        return twice[..., ::2]
    if layout == "broadcast" and array.ndim and array.size:
        return np.broadcast_to(array[:1], array.shape)
    if layout == "unaligned" and array.dtype.kind not in "O":
        memory = np.zeros(array.nbytes + 1, np.uint8)
        view = memory[1:].view(np.uint8)[: array.nbytes].view(array.dtype) if array.nbytes else array.ravel()
        view = view.reshape(array.shape)
        view[...] = array
        return view
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    if layout == "memmap" and array.size and array.dtype.kind not in "O":
        with tempfile.NamedTemporaryFile() as file:
            mapped = np.memmap(file.name, array.dtype, "w+", shape=array.shape or (1,))
            mapped[...] = array
            return mapped
    if layout == "list":
        return array.tolist()
    if layout == "matrix" and array.ndim == 2:
        return np.ma.masked_array(array)
    return array


@st.composite
def arrays(draw, columns):
    """Draw an array, or what might be taken for one; its dtype and values are plain in half of the cases."""
    shape = draw(shapes(columns))
    dtype = np.dtype(draw(st.sampled_from(["f4", "f8"] if draw(st.booleans()) else DTYPES)))
    seed = draw(st.integers(0, 100))
    values = np.random.default_rng(seed).integers(0, 2, size=shape).astype(np.float64)
    values = np.asarray(values)
    if draw(st.integers(0, 2)) == 0 and values.size:
        values.flat[draw(st.integers(0, values.size - 1))] = draw(st.sampled_from(SPECIAL))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            array = np.asarray(values).astype(dtype)
        except (ValueError, TypeError, OverflowError):
            array = np.zeros(shape, dtype)
    layouts = [
        "c",
        "fortran",
        "reversed",
        "strided",
        "broadcast",
        "unaligned",
        "read-only",
        "memmap",
        "list",
        "matrix",
    ]
    return in_layout(array, draw(st.sampled_from(layouts)), draw)


def snapshot(value):
    """Return all of an argument that a call could change."""
    if isinstance(value, np.ndarray):
        flags = value.flags
        return (
            value.tobytes() if value.dtype.kind != "O" else repr(value.tolist()),
            value.shape,
            value.strides,
            value.dtype.str,
            flags.writeable,
            flags.aligned,
        )
    return repr(value)


# Numbers and other values -----------------------------------------------------------------------------------

ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 40),
    st.sampled_from(
        [
            2**31,
            2**32,
            2**63,
            2**64,
            2**128,
            -(2**63),
            np.int8(3),
            np.uint64(2**63),
            np.float32(0.5),
            np.float64(2),
            np.bool_(True),
            np.array(0.5),
            np.array([0.1, 0.2]),
            1j,
            b"adam",
            object(),
            (),
            [],
            {},
            [0.1],
            (0.1, 0.2),
            range(3),
            {1, 2},
            "",
            "x",
            "\ud800",
            "adam",
            "rprop",
            "tanh",
            "\0",
        ]
    ),
    st.sampled_from([*SPECIAL, 0.1, 0.9, 0.999, 1.2, 1e-60, 1e60, 2.5]),
)


def some(strategies, most=3):
    """Draw a few keywords: each, in most cases, from its own strategy, else anything."""
    names = st.lists(st.sampled_from(sorted(strategies)), max_size=most, unique=True)
    return names.flatmap(
        lambda chosen: st.fixed_dictionaries({name: st.one_of(strategies[name], ANY) for name in chosen})
    )


def numbers(*usual):
    return st.one_of(st.sampled_from(usual), st.floats(0, 1))


ACTIVATIONS = st.sampled_from(list(fp.ACTIVATIONS))
CONSTANTS = {
    "variant": st.sampled_from(["irprop+", "irprop-", "rprop+", "rprop-"]),
    "increase": numbers(1.2, 1.0, 1e30),
    "decrease": numbers(0.5, 1e-40),
    "initial_step": st.one_of(numbers(0.1, 1e-50), st.tuples(numbers(0.01), numbers(0.1))),
    "min_step": numbers(0.0, 1e-6, 1e-60),
    "max_step": numbers(1.0, 50.0, 1e39),
    "offset": numbers(1e-6, 1e-60),
    "choice": st.sampled_from(["smallest_gradient", "smallest_step"]),
    "temperature": numbers(0.01, 1e39),
    "threshold": numbers(0.1),
    "noise": numbers(8.0, 1e39),
    "weight_decay": numbers(0.01, 1e39),
    "learning_rate": numbers(0.1, 1e-60, 1e39),
    "momentum": numbers(0.9, 1.0),
    "nesterov": st.booleans(),
    "beta_1": numbers(0.9, 0.0),
    "beta_2": numbers(0.999, 1 - 1e-16),
    "epsilon": numbers(1e-8, 1e-60, 1e39),
    "seed": st.integers(0, 2**64 - 1),
}
OPTIMIZERS = {
    entry.cls.__name__: [one.name for one in entry.hyperparameters] for entry in fp.OPTIMIZERS.values()
}
CONSTANTS |= {
    one.name: st.booleans() if isinstance(one.default, bool) else numbers(one.default)
    for entry in fp.OPTIMIZERS.values()
    for one in entry.hyperparameters
    if one.name not in CONSTANTS
}
LOSSES = st.sampled_from([None, *fp.LOSSES])


@st.composite
def optimizers(draw):
    """Draw a class and constants for it."""
    name = draw(st.sampled_from(sorted(OPTIMIZERS)))
    return name, draw(some({constant: CONSTANTS[constant] for constant in OPTIMIZERS[name]}))


@st.composite
def networks(draw):
    """Draw a network that the data fit, mostly."""
    n_hidden = draw(st.integers(0, 2))
    return fp.Network(
        [INPUTS, *[draw(st.integers(1, 9)) for _ in range(n_hidden)], OUTPUTS],
        activation=draw(ACTIVATIONS.filter(lambda name: name != "softmax")),
        output_activation=draw(ACTIVATIONS),
        bias=draw(st.booleans()),
        dtype=draw(st.sampled_from(["float32", "float64"])),
        seed=draw(st.integers(0, 5)),
    )


def answers(call, names, *arguments):
    """Make a call; its result, or None where it raised what it may, with a message that names an argument."""
    before = [snapshot(argument) for argument in arguments]
    result = error = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = call()
    except ACCEPTED as raised:
        error = raised
    if error is not None and not isinstance(error, MemoryError):
        message = "\n".join([str(error), *getattr(error, "__notes__", [])])
        assert any(re.search(rf"\b{name}\b", message) for name in names), message
    # PanicException is a BaseException only, and goes through to the test.
    assert [snapshot(argument) for argument in arguments] == before
    return result


def bits(net):
    return [None if array is None else array.tobytes() for array in [*net.weights, *net.biases]]


# The calls --------------------------------------------------------------------------------------------------

NETWORK = {
    "layer_sizes": st.lists(st.one_of(st.integers(1, 9), ANY), max_size=4),
    "activation": st.one_of(ACTIVATIONS, st.lists(ACTIVATIONS, max_size=3)),
    "output_activation": ACTIVATIONS,
    "bias": st.one_of(st.booleans(), st.lists(st.booleans(), max_size=3)),
    "init": st.sampled_from(["glorot", "uniform"]),
    "init_range": numbers(0.1, 1e39),
    "dtype": st.sampled_from(["float32", "float64", np.float64, "f2", ">f4", object]),
    "seed": st.integers(0, 2**64 - 1),
}


def a_network(data):
    keywords = data.draw(some(NETWORK, most=4))
    sizes = keywords.get("layer_sizes")
    if isinstance(sizes, list) and sum(x for x in sizes if type(x) is int and x > 0) > 2**20:
        keywords["layer_sizes"] = [3, 2]  # those that are large have a test of their own, with a limit
    answers(lambda: fp.Network(**{"layer_sizes": [3, 4, 2], **keywords}), NETWORK)


def an_optimizer(data):
    name, constants = data.draw(optimizers())
    optimizer = answers(lambda: getattr(fp, name)(**constants), OPTIMIZERS[name])
    if optimizer is None:
        return
    assert repr(pickle.loads(pickle.dumps(optimizer))) == repr(optimizer)
    w, gradient = data.draw(arrays(0)), data.draw(arrays(0))
    loss = data.draw(st.one_of(numbers(1.0), ANY))
    before = snapshot(w)
    names = ["parameters", "gradient", "loss", *OPTIMIZERS[name]]
    if answers(lambda: optimizer.step(w, gradient, loss) or True, names, gradient) is None:
        assert snapshot(w) == before


def a_prediction(data):
    net, X = data.draw(networks()), data.draw(arrays(INPUTS))
    keywords = data.draw(some({"n_threads": st.integers(1, 3)}))
    method = data.draw(st.sampled_from(["predict", "hidden", "input_gradient"]))
    Y = answers(lambda: getattr(net, method)(X, **keywords), ["X", "n_threads", "layer"], X)
    if Y is not None:
        assert Y.dtype == net.dtype
        assert len(Y) == len(X)


TRAINING = {
    "epochs": st.integers(1, 4),
    "batch_size": st.integers(1, 9),
    "shuffle": st.booleans(),
    "alpha": numbers(0.1, 1e39),
    "dropout": st.one_of(st.floats(0, 0.9), st.lists(st.floats(0, 0.9), max_size=2)),
    "patience": st.integers(1, 3),
    "tolerance": numbers(0.0, 1e39),
    "restore_best": st.booleans(),
    "max_time": st.sampled_from([1e-9, 0.001, 1e300]),
    "seed": st.integers(0, 2**64 - 1),
    "n_threads": st.integers(1, 3),
    "warm_start": st.booleans(),
    "checkpoint_every": st.integers(1, 3),
    "loss": LOSSES,
    "validation": st.one_of(
        st.tuples(arrays(INPUTS), arrays(OUTPUTS)), st.tuples(arrays(INPUTS), arrays(OUTPUTS), arrays(0))
    ),
    "sample_weight": arrays(0),
    "validation_score": st.just(lambda net: 1.0),
    "callback": st.just(lambda epoch: None),
}


def a_training(data):
    net = data.draw(networks())
    name, constants = data.draw(optimizers())
    X, Y = data.draw(arrays(INPUTS)), data.draw(arrays(OUTPUTS))
    keywords = {"epochs": 2, **data.draw(some(TRAINING, most=4))}
    if isinstance(keywords["epochs"], (int, np.integer)) and keywords["epochs"] > 40:
        keywords["epochs"] = 2  # a large number would be a long training, and no error
    optimizer = answers(lambda: getattr(fp, name)(**constants), OPTIMIZERS[name])
    before, state = bits(net), None if optimizer is None else repr(optimizer.state)
    names = ["X", "Y", *TRAINING, *CONSTANTS, "optimizer"]
    given = (
        [X, Y, keywords.get("sample_weight"), *(keywords.get("validation") or ())]
        if isinstance(keywords.get("validation"), tuple)
        else [X, Y, keywords.get("sample_weight")]
    )
    history = answers(lambda: fp.train(net, X, Y, optimizer=optimizer, **keywords), names, *given)
    if history is None:
        assert bits(net) == before
        assert optimizer is None or repr(optimizer.state) == state
    else:
        assert all(np.isfinite(array).all() for array in net.weights)
        assert np.isfinite(history.loss).all()
        again = pickle.loads(pickle.dumps(history))
        assert again.loss == history.loss
        assert again.stop_reason == history.stop_reason


def a_gradient(data):
    net, X, Y = data.draw(networks()), data.draw(arrays(INPUTS)), data.draw(arrays(OUTPUTS))
    names = ["loss", "sample_weight", "alpha", "n_threads"]
    keywords = data.draw(some({name: TRAINING[name] for name in names}))
    answers(lambda: net.loss_and_gradients(X, Y, **keywords), ["X", "Y", *names], X, Y)


def new_parameters(data):
    net = data.draw(networks())
    before = bits(net)
    shapes = [array.shape for array in net.weights]
    weights = [data.draw(st.one_of(arrays(shape[1]), st.just(np.ones(shape)))) for shape in shapes]
    biases = [data.draw(st.one_of(arrays(0), st.just(np.ones(shape[1])), st.none())) for shape in shapes]
    done = answers(
        lambda: net.set_parameters(weights, biases) or True, ["weights", "biases"], *weights, *biases
    )
    if done is None:
        assert bits(net) == before


ESTIMATOR = {
    "hidden_layer_sizes": st.one_of(st.integers(1, 9), st.lists(st.integers(1, 9), max_size=2)),
    "activation": ACTIVATIONS,
    "solver": st.sampled_from(["adam", "adamw", "sgd", "rprop", "irprop-", "grprop", "sarprop"]),
    "alpha": numbers(0.1, 1e39),
    "batch_size": st.integers(1, 9),
    "learning_rate": st.sampled_from(["constant", "adaptive", "invscaling"]),
    "learning_rate_init": numbers(0.1, 1e-60, 1e39),
    "power_t": numbers(0.5),
    "shuffle": st.booleans(),
    "random_state": st.integers(0, 9),
    "tol": numbers(0.0, 1e39),
    "warm_start": st.booleans(),
    "momentum": numbers(0.5),
    "nesterovs_momentum": st.booleans(),
    "early_stopping": st.booleans(),
    "validation_fraction": numbers(0.4),
    "beta_1": numbers(0.9),
    "beta_2": numbers(0.9),
    "epsilon": numbers(1e-8, 1e-60),
    "n_iter_no_change": st.integers(1, 3),
    "dropout": st.floats(0, 0.9),
    "output_activation": ACTIVATIONS,
    "scoring": st.just("loss"),
    "restore_best": st.booleans(),
    "max_time": st.just(0.001),
    "n_jobs": st.integers(1, 2),
    "checkpoint": st.none(),
    "checkpoint_every": st.integers(1, 3),
    "label_smoothing": numbers(0.1),
    "loss": LOSSES,
}


def an_estimator(data):
    kind = data.draw(st.sampled_from([fp.MLPClassifier, fp.MLPRegressor]))
    names = {name: ESTIMATOR[name] for name in kind().get_params() if name in ESTIMATOR}
    keywords = {"max_iter": 2, "hidden_layer_sizes": 3, **data.draw(some(names, most=4))}
    sizes = keywords["hidden_layer_sizes"]
    if isinstance(sizes, (int, np.integer)) and sizes > 10**6:
        keywords["hidden_layer_sizes"] = 3
    if isinstance(keywords.get("checkpoint"), str):
        del keywords["checkpoint"]
    X, y = data.draw(arrays(INPUTS)), data.draw(arrays(data.draw(st.sampled_from([0, OUTPUTS]))))
    model = kind(**keywords)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            before = snapshot(X), snapshot(y)
            model.fit(X, y)
    except (*ACCEPTED, UnicodeError):
        assert not hasattr(model, "coefs_")
    else:
        assert all(np.isfinite(array).all() for array in model.coefs_)
        copy.deepcopy(model)
    assert (snapshot(X), snapshot(y)) == before


CALLS = [
    a_network,
    an_optimizer,
    a_prediction,
    a_training,
    a_gradient,
    new_parameters,
    an_estimator,
]
ALL_CHECKS = list(HealthCheck)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
@settings(max_examples=150, deadline=None, suppress_health_check=ALL_CHECKS)
@given(data=st.data())
def test_any_input(call, data):
    call(data)


@pytest.mark.exhaustive
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
@settings(max_examples=100_000 // len(CALLS), deadline=None, suppress_health_check=ALL_CHECKS)
@given(data=st.data())
def test_100_000_inputs(call, data):
    call(data)


# Memory -----------------------------------------------------------------------------------------------------

LIMITED = """
import resource, sys, warnings
import numpy as np, ferroprop as fp
warnings.simplefilter("ignore")
estimators = [fp.MLPClassifier, fp.MLPRegressor]
for solver in ["adam", "rprop", "lbfgs"]:
    fp.MLPRegressor(hidden_layer_sizes=3, solver=solver, max_iter=1).fit(np.zeros((4, 2)), np.zeros(4))
    fp.MLPClassifier(hidden_layer_sizes=3, solver=solver, max_iter=1).fit(np.zeros((4, 2)), [0, 1, 0, 1])
X, Y = np.zeros((40, 2), np.float32), np.zeros((40, 1), np.float32)
large = fp.Network([2, 3_000_000, 1], seed=1)  # 48 MB
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
def limited_to(megabytes):
    resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 10**6, resource.RLIM_INFINITY))
def rejected(call):
    try:
        call()
    except MemoryError as error:
        return True
    return False
limited_to(400)
for sizes in [[2, 2**31, 1], [2**31, 2**31, 1], [2**62, 2**62], [2**63 - 1, 2], [2, 2**40, 1]]:
    assert rejected(lambda: fp.Network(sizes)), sizes
    assert rejected(lambda: fp.Network(sizes, dtype="float64", init="uniform")), sizes
for estimator in estimators:
    for solver in ["adam", "rprop", "lbfgs"]:
        for hidden in [2**31, (3, 2**31), (2**31, 2**31)]:
            model = estimator(hidden_layer_sizes=hidden, solver=solver, max_iter=1)
            assert rejected(lambda: model.fit(X, [0, 1] * 20)), (estimator, solver, hidden)
limit = 0
failed = done = 0
optimizers = ["rprop", "grprop", "sgd", "adam", "adamw", "sarprop"]
calls = {
    "copy": lambda: large.copy(),
    "weights": lambda: large.weights,
    "biases": lambda: large.biases,
    "predict": lambda: large.predict(X),
    "input_gradient": lambda: large.input_gradient(X),
    "hidden": lambda: large.hidden(X),
    "gradient": lambda: large.loss_and_gradients(X, Y),
    "own loss": lambda: large.loss_and_gradients(X, Y, loss=lambda o, t: ((o - t)[:, 0] ** 2, 2 * (o - t))),
    "save": lambda: large.save("/dev/full"),
    "load": lambda: fp.Network.load(sys.argv[1]),
    **{name: lambda name=name: fp.train(large, X, Y, optimizer=name, epochs=1, restore_best=True)
       for name in optimizers},
    "mini-batches": lambda: fp.train(large, X, Y, optimizer="adam", epochs=1, batch_size=20),
    "wide": lambda: fp.Network([1, 40], seed=1).predict(np.broadcast_to(np.float32(1), (2_000_000, 1))),
    "shuffle": lambda: fp.train(fp.Network([1, 1]), *[np.broadcast_to(np.float32(1), (3_000_000, 1))] * 2,
        optimizer="sgd", batch_size=2_999_999, epochs=1),
    "weighted": lambda: fp.train(fp.Network([1, 1]), *[np.broadcast_to(np.float32(1), (3_000_000, 1))] * 2,
        sample_weight=np.broadcast_to(np.float32(1), 3_000_000), epochs=1),
    "state": lambda: adam.state,
    "pickle": lambda: adam.__reduce_ex__(2),
    "step": lambda: adam.step(w, w, 1.0),
    "warm": lambda: fp.train(large, X, Y, optimizer=used_before, epochs=1, warm_start=True),
}
limited_to(4000)
fp.Network([2, 3_000_000, 1], seed=1).save(sys.argv[1])
adam, w = fp.Adam(), np.ones(5_000_000)
adam.step(w, w, 1.0)
used_before = fp.Adam()
fp.train(large, X, Y, optimizer=used_before, epochs=1)
before = large.copy()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
for megabytes in map(int, sys.argv[2].split(",")):
    for name, call in calls.items():
        limited_to(megabytes)
        try:
            call()
            done += 1
        except MemoryError:
            failed += 1
        except OSError:
            done += 1
print(failed > 0, done > 0)
"""


def limited(path, megabytes):
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), megabytes],
        capture_output=True,
        text=True,
        timeout=600,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin"},
    )
    assert result.returncode == 0, (result.returncode, result.stderr[-3000:])
    return result.stdout.split()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux to limit memory")
def test_no_memory(tmp_path):
    assert limited(tmp_path / "net", "1,30,110") == ["True", "True"]


@pytest.mark.exhaustive
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux to limit memory")
def test_any_limit_of_memory(tmp_path):
    assert limited(tmp_path / "net", ",".join(map(str, range(1, 300, 7)))) == ["True", "True"]


OWN_LOSS = """
import resource
import numpy as np, ferroprop as fp
X, Y = np.broadcast_to(np.float32(1), (1024, 1)), np.broadcast_to(np.float32(1), (1024, 10_000))
net = fp.Network([1, 10_000])
def call():
    net.loss_and_gradients(X, Y, loss=lambda outputs, targets: (targets[:, 0], targets), n_threads=1)
call()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
failed = done = 0
for megabytes in range(-20, 200, 5):
    resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 10**6, resource.RLIM_INFINITY))
    try:
        call()
        done += 1
    except MemoryError:
        failed += 1
print(failed, done)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux to limit memory")
def test_no_memory_for_the_arrays_that_a_loss_gets():
    """They take 10 MB or more each: one of the limits leaves room for all that comes before, not for them."""
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PATH": "/usr/bin"}
    command = [sys.executable, "-c", OWN_LOSS]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert result.returncode == 0, (result.returncode, result.stderr[-3000:])
    failed, done = map(int, result.stdout.split())
    assert min(failed, done) > 5


# Numbers that a type cannot hold ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "name", "value"),
    [
        (fp.Adam, "epsilon", 1e-60),
        (fp.Adam, "learning_rate", 1e39),
        (fp.AdamW, "epsilon", 1e-60),
        (fp.SGD, "learning_rate", 1e-60),
        (fp.Rprop, "max_step", 1e39),
        (fp.Rprop, "increase", 1e39),
        (fp.GRprop, "offset", 1e-60),
    ],
)
def test_constants_that_float32_cannot_hold(optimizer, name, value):
    X = np.ones((4, 1))
    optimizer = optimizer(**{name: value})
    net = fp.Network([1, 1])
    with pytest.raises(ValueError, match=f"{name} must be a number that float32 can hold, got {value:g}"):
        fp.train(net, X, X, optimizer=optimizer, epochs=1)
    with pytest.raises(ValueError, match=f"{name} must be a number that float32 can hold"):
        optimizer.step(np.ones(2, np.float32), [1.0, 1.0], 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fp.train(fp.Network([1, 1], dtype="float64"), X, X, optimizer=optimizer, epochs=1)


def test_settings_and_functions_that_float32_cannot_hold():
    net, X = fp.Network([1, 1]), np.ones((4, 1))
    with pytest.raises(ValueError, match="alpha must be a number that float32 can hold, got 1e39"):
        fp.train(net, X, X, alpha=1e39)
    with pytest.raises(ValueError, match="delta must be a number that float32 can hold, got 1e-60"):
        fp.train(net, X, X, loss=fp.Huber(1e-60))
    for function, name in [
        (fp.Logistic(1e39), "slope"),
        (fp.ELU(1e39), "alpha"),
        (fp.LeakyReLU(1e-60), "slope"),
    ]:
        with pytest.raises(ValueError, match=f"{name} must be a number that float32 can hold"):
            fp.Network([1, 1, 1], activation=function)
        fp.Network([1, 1, 1], activation=function, dtype="float64")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e39, r"1e\+39"), (-1e300, r"-1e\+300"), (np.longdouble("1e400"), r"1e\+400"), (10**39, None)],
)
def test_numbers_that_float32_cannot_hold(value, text):
    """They are named as they came, and not as the infinity that they would become."""
    X = np.array(
        [[0.0, 0.0], [0.0, value]], dtype=np.longdouble if isinstance(value, np.longdouble) else None
    )
    net = fp.Network([2, 1])
    if text is None:  # Python's integers of this size make an array of objects
        X, text = X.astype(object), "object"
        with pytest.raises(TypeError, match="X must hold real numbers, got dtype object"):
            net.predict(X)
        return
    for call in [net.predict, lambda X: fp.train(net, X, [[0], [0]])]:
        with pytest.raises(
            ValueError, match=rf"X must hold numbers that float32 can hold, got {text} at \[1, 1\]"
        ):
            call(X)
    with pytest.raises(ValueError, match=r"X must hold finite numbers, got inf at \[0, 1\]"):
        net.predict([[0.0, np.inf]])


# Pickles ----------------------------------------------------------------------------------------------------


def altered(state, name, value):
    return {**state, name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("first_moment", np.ones(4, np.float32)),
        ("first_moment", np.ones((9, 1), np.float32)),
        ("first_moment", np.full(9, np.nan, np.float32)),
        ("first_moment", np.ones(9, complex)),
        ("first_moment", [1.0] * 9),
        ("first_moment", None),
        ("second_moment", np.ones(8, np.float32)),
        ("second_moment", "moment"),
        ("steps", -1),
        ("steps", 2**63),
        ("steps", 1.5),
        ("epochs", "one"),
        ("rows_seen", 2**64),
        ("learning_rate", np.nan),
        ("learning_rate", -1.0),
        ("learning_rate", "fast"),
        ("learning_rate", None),
        ("previous_loss", np.nan),
        ("previous_loss", None),
    ],
    ids=repr,
)
def test_altered_optimizers(name, value):
    optimizer, X = fp.Adam(), np.ones((4, 2))
    fp.train(fp.Network([2, 3]), X, np.ones((4, 3)), optimizer=optimizer, epochs=2)
    before = pickle.dumps(optimizer)
    with pytest.raises((ValueError, TypeError), match=f"{name}|optimizer state"):
        optimizer.load_state_dict(altered(optimizer.state, name, value))
    state = optimizer.state
    del state[name]
    with pytest.raises(ValueError, match=f'optimizer state must have an entry "{name}"'):
        optimizer.load_state_dict(state)
    assert pickle.dumps(optimizer) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", None),
        ("loss", ["a"]),
        ("loss", 3),
        ("penalty", [1.0]),
        ("validation_loss", [1.0]),
        ("validation_score", [1.0] * 9),
        ("learning_rate", {}),
        ("best_epoch", 9),
        ("best_epoch", -1),
        ("stop_reason", "boredom"),
        ("stop_reason", 3),
        ("seconds", "long"),
    ],
    ids=repr,
)
def test_altered_histories(name, value):
    history = fp.train(fp.Network([1, 1]), [[1.0]], [[2.0]], epochs=2)
    make, (state,) = history.__reduce__()
    assert make(state).penalty == history.penalty
    with pytest.raises((ValueError, TypeError), match=f"{name}|penalty"):
        make(altered(state, name, value))


def test_pickled_epochs():
    seen = []
    fp.train(fp.Network([1, 1]), [[1.0]], [[2.0]], epochs=1, callback=seen.append, optimizer="adam")
    again = pickle.loads(pickle.dumps(seen[0]))
    assert repr(again) == repr(seen[0])
    make, (state,) = seen[0].__reduce__()
    with pytest.raises(ValueError, match="loss must be a number"):
        make(altered(state, "loss", "x"))


ALTERED = {
    "coefs_": [
        None,
        [],
        [np.ones((3, 4))],
        [np.ones((4, 3)), np.ones((4, 2))],
        [np.ones((3, 4)), np.ones((4, 2)) * 1j],
        [np.full((3, 4), np.nan), np.ones((4, 2))],
        [np.ones(12), np.ones(8)],
        ["a", "b"],
        7,
    ],
    "intercepts_": [
        None,
        [],
        [np.ones(3), np.ones(2)],
        [np.ones((4, 1)), np.ones(2)],
        [np.full(4, np.inf), np.ones(2)],
    ],
    "_optimizer": [
        None,
        7,
        {},
        {"settings": {}},
        {"settings": 3, "memory": {}},
        {"settings": {}, "memory": 3},
    ],
}


@pytest.mark.parametrize(
    ("name", "place"), [(name, i) for name, values in ALTERED.items() for i in range(len(values))]
)
def test_altered_estimators(name, place):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fp.MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(X, Y)
    state = altered(model.__getstate__(), name, ALTERED[name][place])
    fresh = fp.MLPRegressor.__new__(fp.MLPRegressor)
    with pytest.raises((ValueError, TypeError), match=name):
        fresh.__setstate__(state)
    assert vars(fresh) == {}


@pytest.mark.parametrize("name", ["first_moment", "second_moment", "steps", "learning_rate"])
def test_altered_memory_of_an_estimator(name):
    """What an optimizer cannot take is found when the estimator is unpickled, not in some later fit."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fp.MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(X, Y)
    state = copy.deepcopy(model.__getstate__())
    value = state["_optimizer"]["memory"][name]
    state["_optimizer"]["memory"][name] = value[:-1] if isinstance(value, np.ndarray) else "x"
    with pytest.raises((ValueError, TypeError), match="_optimizer"):
        fp.MLPRegressor.__new__(fp.MLPRegressor).__setstate__(state)
