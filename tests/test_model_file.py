"""Networks that are saved, pickled and copied come back to the bit."""

import copy
import json
import pickle
import warnings

import ferroprop as fp
import numpy as np
import pytest
import skops.io
from hypothesis import given
from strategies import Problem, problems


def same(a, b):
    """Tell whether two networks agree in structure and, bit by bit, in parameters."""
    return (
        a.layer_sizes == b.layer_sizes
        and [name(f) for f in a.activations] == [name(f) for f in b.activations]
        and name(a.output_activation) == name(b.output_activation)
        and a.bias == b.bias
        and a.dtype == b.dtype
        and [None if p is None else p.tobytes() for p in [*a.weights, *a.biases]]
        == [None if p is None else p.tobytes() for p in [*b.weights, *b.biases]]
    )


def name(activation):
    return ("logistic", getattr(activation, "slope", 1.0)) if not isinstance(activation, str) else activation


@pytest.fixture
def network():
    return fp.Network(
        [3, 4, 2], activation=fp.Logistic(0.3), output_activation="softmax", bias=[True, False], seed=4
    )


@given(problems())
def test_a_file_gives_the_network_back(tmp_path_factory, problem: Problem):
    network = problem.network()
    path = tmp_path_factory.mktemp("model") / "network.safetensors"
    network.save(path)
    loaded = fp.Network.load(path)
    assert same(loaded, network)
    np.testing.assert_array_equal(loaded.predict(problem.X), network.predict(problem.X), strict=True)


@given(problems())
def test_a_pickle_gives_the_network_back(problem: Problem):
    network = problem.network()
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert same(pickle.loads(pickle.dumps(network, protocol)), network)


@pytest.mark.parametrize("activation", ["identity", "logistic", fp.Logistic(0.1), "tanh", "relu"], ids=str)
@pytest.mark.parametrize(
    "output", ["identity", "logistic", fp.Logistic(3.0), "softmax", "tanh", "relu"], ids=str
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_activation_survives(activation, output, dtype, tmp_path):
    network = fp.Network([2, 3, 2], activation=activation, output_activation=output, dtype=dtype)
    network.save(tmp_path / "n")
    assert same(fp.Network.load(tmp_path / "n"), network)
    assert same(pickle.loads(pickle.dumps(network)), network)


@pytest.mark.parametrize(
    "duplicate", [fp.Network.copy, copy.copy, copy.deepcopy], ids=["method", "copy", "deepcopy"]
)
def test_a_copy_is_independent(duplicate, network):
    twin = duplicate(network)
    assert same(twin, network)
    twin.set_parameters([np.zeros((3, 4)), np.zeros((4, 2))], [np.zeros(4), None])
    assert not same(twin, network)
    assert np.abs(network.weights[0]).min() > 0


def test_extreme_parameters_survive(tmp_path):
    network = fp.Network([2, 2], dtype="float64")
    network.set_parameters([[[5e-324, -0.0], [1.7976931348623157e308, 0.1 + 0.2]]], [[1e-310, -1.0]])
    network.save(tmp_path / "n")
    assert same(fp.Network.load(tmp_path / "n"), network)


def test_paths_may_be_strings_or_path_objects(network, tmp_path):
    network.save(str(tmp_path / "a.safetensors"))
    network.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert same(fp.Network.load(str(tmp_path / "a.safetensors")), network)


def test_saving_replaces_an_older_file_and_leaves_nothing_else(network, tmp_path):
    path = tmp_path / "network.safetensors"
    path.write_bytes(b"old" * 10_000)
    network.save(path)
    assert same(fp.Network.load(path), network)
    assert [p.name for p in tmp_path.iterdir()] == ["network.safetensors"]


def test_a_file_can_be_read_by_safetensors_rules(network, tmp_path):
    """Eight bytes of length, so many bytes of JSON, then the numbers: readable without this library."""
    network.save(tmp_path / "n")
    data = (tmp_path / "n").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__")
    tensors = {
        tuple(entry["shape"]): np.frombuffer(data[8 + length :][slice(*entry["data_offsets"])], "<f4")
        for entry in header.values()
    }
    assert {entry["dtype"] for entry in header.values()} == {"F32"}
    np.testing.assert_array_equal(tensors[3, 4].reshape(3, 4), network.weights[0])
    np.testing.assert_array_equal(tensors[4, 2].reshape(4, 2), network.weights[1])
    np.testing.assert_array_equal(tensors[4,], network.biases[0])


# Files that are no network --------------------------------------------------------------------------------


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.safetensors"):
        fp.Network.load(tmp_path / "nowhere.safetensors")


def test_missing_folder(network, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        network.save(tmp_path / "nowhere" / "n.safetensors")


def test_a_folder_is_no_file(network, tmp_path):
    with pytest.raises(OSError, match=tmp_path.name):
        fp.Network.load(tmp_path)
    with pytest.raises(OSError, match=tmp_path.name):
        network.save(tmp_path)


@pytest.mark.parametrize("path", [None, 3.5, ["n"]], ids=repr)
def test_a_path_of_a_wrong_type(network, path):
    for call in [network.save, fp.Network.load]:
        with pytest.raises(TypeError, match="path"):
            call(path)


def foreign_safetensors(header):
    """Return a well-formed safetensors file with four bytes of data and a header that is not ours."""
    return len(header).to_bytes(8, "little") + header + bytes(4)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 7,
        b"not a network at all",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}",
        pickle.dumps([1, 2, 3]),
        (2**63).to_bytes(8, "little") + b"{}",
        (2**20).to_bytes(8, "little") + b"{}",
        foreign_safetensors(b"{}"),
        foreign_safetensors(b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'),
        foreign_safetensors(b'{"w":{"dtype":"F32","shape":[99],"data_offsets":[0,396]}}'),
    ],
    ids=[
        "empty",
        "short",
        "text",
        "npy",
        "pickle",
        "huge header",
        "long header",
        "no data",
        "foreign",
        "too short",
    ],
)
def test_foreign_files(content, tmp_path):
    path = tmp_path / "foreign.bin"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"foreign\.bin"):
        fp.Network.load(path)


def test_a_damaged_pickle(network):
    data = pickle.dumps(network)
    for old, new in [
        (b"ferroprop.network", b"ferroprop.netwerk"),
        (b"softmax", b"hardmax"),
        (b"F32", b"F16"),
    ]:
        with pytest.raises(ValueError, match="pickled object is not a ferroprop network"):
            pickle.loads(data.replace(old, new))


def test_another_version(network, tmp_path):
    path = tmp_path / "n"
    network.save(path)
    path.write_bytes(path.read_bytes().replace(rb"\"version\":1", rb"\"version\":9"))
    with pytest.raises(ValueError, match=r"version.*9.*1"):
        fp.Network.load(path)


def test_a_truncated_file(network, tmp_path):
    path = tmp_path / "n"
    network.save(path)
    data = path.read_bytes()
    for length in [*range(0, len(data) - 1, 7), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r".{10}"):
            fp.Network.load(path)


def test_a_damaged_header(network, tmp_path):
    """Whichever byte of the header is damaged, loading fails clearly or gives a network of the same shape."""
    path = tmp_path / "n"
    network.save(path)
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    refused = 0
    for position in range(end):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0x15]) + data[position + 1 :])
        try:
            shapes = [W.shape for W in fp.Network.load(path).weights]
        except ValueError:
            refused += 1
        else:
            assert shapes == [(3, 4), (4, 2)]
    assert refused > 0.8 * end


def test_numbers_that_are_not_finite_are_refused(network, tmp_path):
    path = tmp_path / "n"
    network.save(path)
    data = bytearray(path.read_bytes())
    data[-4:] = np.float32(np.nan).tobytes()
    path.write_bytes(data)
    with pytest.raises(ValueError, match="NaN"):
        fp.Network.load(path)


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize(
    "optimizer",
    [
        fp.Rprop(initial_step=0.3),
        fp.SGD(fp.Linear(0.2, final=0.01)),
        fp.Adam(beta_1=0.5),
    ],
    ids=lambda optimizer: type(optimizer).__name__,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_pickled_optimizer_goes_on_where_it_stopped(optimizer, used, dtype):
    X, Y = np.random.default_rng(0).normal(size=(2, 9, 2))
    original = fp.Network([2, 3, 2], dtype=dtype)
    if used:
        fp.train(original, X, Y, optimizer=optimizer, epochs=4)
    twin, optimizer_twin = pickle.loads(pickle.dumps((original, optimizer)))
    assert repr(optimizer_twin) == repr(optimizer)
    fp.train(original, X, Y, optimizer=optimizer, epochs=4, warm_start=used)
    fp.train(twin, X, Y, optimizer=optimizer_twin, epochs=4, warm_start=used)
    assert same(original, twin)


WITH_HYPERPARAMETERS = [
    fp.Linear(0.5, final=0.25, warm_up=0.1, flat=0.2, steps=10),
    fp.Cosine(0.5, flat=0.5),
    fp.Exponential(0.5, final=0.125),
    fp.OneCycle(0.5, warm_up=0.25),
    fp.InverseScaling(0.5, power=0.25),
    fp.Adaptive(0.5),
    fp.Logistic(2.0),
    fp.LeakyReLU(0.25),
    fp.ELU(0.5),
    fp.LogLoss(0.125),
    fp.Huber(2.5),
    fp.Quantile(0.75),
    fp.Rprop("irprop-", initial_step=(0.05, 0.5), max_step=2.0, seed=3),
    fp.GRprop(offset=1e-5, choice="smallest_step"),
    fp.SARPROP(temperature=0.5, weight_decay=0.25),
    fp.SGD(0.2, nesterov=False),
    fp.Adam(0.5, beta_1=0.5),
    fp.AdamW(fp.Cosine(0.25, steps=5), weight_decay=fp.Linear(0.5, steps=5)),
]
TRUSTED = [f"ferroprop.{type(value).__name__}" for value in WITH_HYPERPARAMETERS]


@pytest.mark.parametrize("value", WITH_HYPERPARAMETERS, ids=lambda value: type(value).__name__)
def test_objects_with_hyperparameters_through_every_protocol(value):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert repr(pickle.loads(pickle.dumps(value, protocol))) == repr(value)
    assert repr(skops.io.loads(skops.io.dumps(value), trusted=TRUSTED)) == repr(value)


@pytest.mark.parametrize("optimizer", WITH_HYPERPARAMETERS[12:], ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "again",
    [
        lambda optimizer: skops.io.loads(skops.io.dumps(optimizer), trusted=TRUSTED),
        lambda optimizer: pickle.loads(pickle.dumps(optimizer, 0)),
        copy.deepcopy,
    ],
    ids=["skops", "pickle", "copy"],
)
def test_what_an_optimizer_remembers_comes_along(optimizer, again):
    optimizer, w = copy.deepcopy(optimizer), np.array([1.0, -0.3])
    for _ in range(3):
        optimizer.step(w, w, float(w @ w / 2))
    twin, v = again(optimizer), w.copy()
    optimizer.step(w, w, float(w @ w / 2))
    twin.step(v, v, float(v @ v / 2))
    assert repr(twin) == repr(optimizer)
    np.testing.assert_array_equal(v, w)


def test_wrong_hyperparameters_of_a_pickled_optimizer():
    optimizer = fp.Adam(0.5)
    state = optimizer.__getstate__()
    for wrong, message in [({"beta_1": 2.0}, "beta_1"), ({"beta": 0.5}, "beta"), (3, "that of its pickle")]:
        with pytest.raises((ValueError, TypeError), match=message):
            optimizer.__setstate__({**state, "hyperparameters": wrong})
    assert repr(optimizer) == repr(fp.Adam(0.5))


def test_estimators_with_objects_through_skops():
    """Skops asks an object how to make it anew, and trusts the types that it is told to."""
    model = fp.MLPRegressor(
        activation=fp.LeakyReLU(0.25), solver=fp.Rprop(max_step=2.0), loss=fp.Huber(2.0), max_iter=3
    )
    X = np.random.default_rng(0).normal(size=(20, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, X[:, 0])
    data = skops.io.dumps(model)
    twin = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    assert repr(twin) == repr(model)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
