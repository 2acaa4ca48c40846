"""Recurrent networks: outputs and gradients beside NumPy step by step, and what is promised."""

import copy
import itertools
import pickle
from pathlib import Path

import ferroprop as fp
import ferroprop.export
import numpy as np
import pytest
import recurrent_reference as plain
import reference
from children import in_a_process
from ferroprop.inspection import _gradient_check
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import HIDDEN_ACTIVATIONS

DTYPES = ["float32", "float64"]
CELLS = ["rnn", "lstm", "gru"]
RETURNS = ["last", "every"]
TOLERANCE = {"float32": 4e-6, "float64": 1e-13}
NAN = np.zeros((2, 5, 3))
NAN[1, 3, 2] = np.nan
LENGTHS = [7, 3, 9, 1, 9, 4, 7]
NAMES = ["weights", "recurrent_weights", "biases", "recurrent_biases"]


def series(lengths, columns, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, columns)).astype(dtype) for length in lengths]


def problem(network, lengths=LENGTHS, seed=0):
    """Return sequences and targets for a network."""
    inputs, outputs = network.layer_sizes[0], network.layer_sizes[-1]
    X = series(lengths, inputs, seed, network.dtype)
    if network.returns == "every":
        return X, series(lengths, outputs, seed + 1, network.dtype)
    return X, np.concatenate(series([len(lengths)], outputs, seed + 1, network.dtype))


def assert_near(actual, expected, dtype, factor=1):
    """Hold gradients to the tolerance, relative to the largest number of all."""
    pairs = [pair for name in NAMES for pair in zip(actual[name], expected[name], strict=True)]
    assert all((a is None) == (e is None) for a, e in pairs)
    pairs = [(a, e) for a, e in pairs if e is not None]
    scale = max(np.abs(e).max() for _, e in pairs)
    assert max(np.abs(a - e).max() for a, e in pairs) <= factor * TOLERANCE[dtype] * scale


def check(network, X, Y, loss="squared_error", factor=1, **settings):
    dtype = str(network.dtype)
    expected = plain.loss_and_gradients(network, X, Y, loss, **settings)
    total, gradients = network.loss_and_gradients(X, Y, loss=loss, **settings)
    assert total == pytest.approx(expected[0], rel=10 * TOLERANCE[dtype])
    assert_near(gradients, expected[1], dtype, factor)
    loss_again, vector = network.loss_and_gradient_vector(X, Y, loss=loss, **settings)
    assert loss_again == total
    layers = zip(*(gradients[name] for name in NAMES), strict=True)
    np.testing.assert_array_equal(
        vector, np.concatenate([a.ravel() for layer in layers for a in layer if a is not None])
    )
    outputs = network.predict(X)
    for a, e in zip(outputs, plain.predict(network, X), strict=True):
        assert np.abs(a - e).max() <= 10 * TOLERANCE[dtype] * max(1, np.abs(e).max())


# Numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("returns", RETURNS)
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("sizes", [[3, 5, 2], [2, 17, 9, 1], [1, 1, 1], [20, 33, 3]], ids=str)
def test_beside_numpy(sizes, cell, returns, dtype):
    network = fp.RecurrentNetwork(
        sizes, cell=cell, returns=returns, init="uniform", init_range=0.6, dtype=dtype, seed=3
    )
    X, Y = problem(network)
    check(network, X, Y)
    weights = np.random.default_rng(1).uniform(0.5, 2, len(X)).astype(dtype)
    check(network, X, Y, sample_weight=weights, alpha=0.3)


@pytest.mark.parametrize("activation", [*HIDDEN_ACTIVATIONS, fp.Logistic(2.5)], ids=str)
def test_every_activation_beside_numpy(activation):
    network = fp.RecurrentNetwork(
        [3, 9, 4, 2], activation=activation, returns="every", recurrent_init="glorot", dtype="float64", seed=5
    )
    network.set_parameter_vector(network.parameter_vector * 0.4)
    check(network, *problem(network), factor=10)


@pytest.mark.parametrize("returns", RETURNS)
@pytest.mark.parametrize(
    ("output", "loss"), [("softmax", "log_loss"), ("logistic", "log_loss"), ("tanh", "squared_error")]
)
def test_outputs_and_losses(output, loss, returns):
    network = fp.RecurrentNetwork(
        [2, 6, 3], cell="gru", returns=returns, output_activation=output, dtype="float64", seed=2
    )
    X, Y = problem(network)
    one_hot = lambda y: np.eye(3)[np.argmax(y, axis=-1)]  # noqa: E731
    Y = [one_hot(y) for y in Y] if returns == "every" else one_hot(Y)
    check(network, X, Y, loss)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=3, max_size=4),
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=20),
    cell=st.sampled_from(CELLS),
    returns=st.sampled_from(RETURNS),
    bias=st.booleans(),
    truncate=st.none() | st.integers(1, 13),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 999),
)
def test_any_shape_beside_numpy(sizes, lengths, cell, returns, bias, truncate, dtype, seed):
    network = fp.RecurrentNetwork(sizes, cell=cell, returns=returns, bias=bias, dtype=dtype, seed=seed)
    X, Y = problem(network, lengths, seed)
    check(network, X, Y, truncate=truncate, factor=4)


@pytest.mark.parametrize("cell", CELLS)
def test_weights_of_steps_and_washout(cell):
    network = fp.RecurrentNetwork([2, 5, 2], cell=cell, returns="every", dtype="float64", seed=1)
    X, Y = problem(network)
    weights = [np.random.default_rng(n).uniform(0, 2, len(x)) for n, x in enumerate(X)]
    check(network, X, Y, sample_weight=weights)
    check(network, X, Y, washout=2)
    check(network, X, Y, sample_weight=weights, washout=3, truncate=2, alpha=0.1)
    X3, Y3 = np.array(X[:1] * 3), np.array(Y[:1] * 3)
    by_step = np.arange(21.0).reshape(3, 7)
    in_arrays = network.loss_and_gradient_vector(X3, Y3, sample_weight=by_step)
    in_lists = network.loss_and_gradient_vector(list(X3), list(Y3), sample_weight=list(by_step))
    assert in_arrays[0] == in_lists[0]
    np.testing.assert_array_equal(in_arrays[1], in_lists[1])


@pytest.mark.parametrize("returns", RETURNS)
@pytest.mark.parametrize("cell", CELLS)
def test_central_differences(cell, returns):
    network = fp.RecurrentNetwork([2, 3, 4, 2], cell=cell, returns=returns, dtype="float64", seed=4)
    X, Y = problem(network)
    _, gradient = network.loss_and_gradient_vector(X, Y, alpha=0.1)
    start, step = network.parameter_vector.copy(), 1e-6
    differences = []
    for place in range(len(start)):
        losses = []
        for sign in (1, -1):
            moved = start.copy()
            moved[place] += sign * step
            network.set_parameter_vector(moved)
            losses.append(network.loss_and_gradient_vector(X, Y, alpha=0.1)[0])
        differences.append((losses[0] - losses[1]) / (2 * step))
    assert np.abs(gradient - differences).max() < 1e-8 * np.abs(gradient).max()


def test_one_linear_unit_adds_up():
    """The example of neurolab's `newelm`: 1, 1, 1, 3 gives 1, 2, 3, 6."""
    network = fp.RecurrentNetwork([1, 1, 1], activation="identity", returns="every")
    network.set_parameters([[[1]], [[1]]], [[[1]], None], [[0], [0]])
    assert network.predict([[[1], [1], [1], [3]]])[0].ravel().tolist() == [1, 2, 3, 6]


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_the_gradient_of_a_linear_network_is_a_power_of_its_weights(steps):
    """dE/dh_1 of a linear network is U ... U v, seen in the gradient of the weights of the only input."""
    network = fp.RecurrentNetwork([4, 6, 1], activation="identity", bias=False, dtype="float64", seed=1)
    X = np.zeros((1, steps, 4))
    X[0, 0, 0] = 1.0  # only the first step has an input
    Y = network.predict(X) - 1  # dE/dy = 1
    _, gradients = network.loss_and_gradients(X, Y)
    U, v = network.recurrent_weights[0], network.weights[1][:, 0]
    expected = np.linalg.matrix_power(U, steps - 1) @ v
    assert np.abs(gradients["weights"][0][0] - expected).max() < 1e-13


def padded(parts, steps=11, filling=np.nan):
    """Return an array in which sequences are filled up."""
    array = np.full((len(parts), steps, *np.shape(parts[0])[1:]), filling, np.asarray(parts[0]).dtype)
    for place, part in enumerate(parts):
        array[place, : len(part)] = part
    return array


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("cell", "returns"), list(itertools.product(CELLS, RETURNS)))
def test_padded_arrays_with_lengths_are_lists_to_the_bit(cell, returns, dtype):
    """What fills them up is not read: it is not even finite."""
    network = fp.RecurrentNetwork([3, 5, 4, 2], cell=cell, returns=returns, dtype=dtype, seed=2)
    X, Y = problem(network)
    array, lengths = padded(X), np.array(LENGTHS)
    targets = padded(Y) if returns == "every" else Y
    for n_threads in (1, 3):
        expected, state = network.predict(X, return_state=True, n_threads=n_threads)
        outputs, again = network.predict(array, lengths=lengths, return_state=True, n_threads=n_threads)
        np.testing.assert_array_equal(outputs, padded(expected, 11, 0) if returns == "every" else expected)
        for a, e in zip(again, state, strict=True):
            np.testing.assert_array_equal(a, e)
    weights = [np.linspace(1, 2, length) for length in LENGTHS]
    of_steps = (weights, padded(weights)) if returns == "every" else (np.arange(7.0), np.arange(7.0))
    for own, other in [(None, None), of_steps]:
        for method in ("loss_and_gradient_vector", "loss_and_gradients"):
            call = getattr(network, method)
            listed = call(X, Y, sample_weight=own, alpha=0.1)
            filled = call(array, targets, lengths=lengths.tolist(), sample_weight=other, alpha=0.1)
            assert pickle.dumps(listed) == pickle.dumps(filled)
        trained = network.copy(), network.copy()
        fp.train(trained[0], X, Y, sample_weight=own, epochs=3, validation=(X, Y))
        fp.train(
            trained[1], array, targets, lengths=lengths, sample_weight=other, epochs=3, validation=(X, Y)
        )
        assert pickle.dumps(trained[0]) == pickle.dumps(trained[1])


@pytest.mark.parametrize(
    ("X", "lengths", "error", "message"),
    [
        (np.zeros((2, 5, 3)), [5], ValueError, "a number for each of the 2 sequences of X, got 1"),
        (np.zeros((2, 5, 3)), [5, 6], ValueError, r"from 1 to 5, the steps of X, got 6 at \[1\]"),
        (np.zeros((2, 5, 3)), [5, 0], ValueError, "lengths must be a positive integer, got 0"),
        (np.zeros((2, 5, 3)), [5, 2.5], TypeError, "lengths must be a positive integer"),
        (np.zeros((2, 5, 3)), 5, TypeError, "lengths must be a sequence of integers"),
        ([np.zeros((5, 3))] * 2, [5, 5], ValueError, "lengths must be None where X is a list"),
        (NAN, [5, 4], ValueError, r"X must hold finite numbers, got nan at \[1, 3, 2\]"),
    ],
)
def test_wrong_lengths(X, lengths, error, message):
    network = fp.RecurrentNetwork([3, 4, 1])
    before = network.parameter_vector.copy()
    for call in (
        lambda: network.predict(X, lengths=lengths),
        lambda: network.loss_and_gradients(X, np.zeros((2, 1)), lengths=lengths),
        lambda: fp.train(network, X, np.zeros((2, 1)), lengths=lengths),
    ):
        with pytest.raises(error, match=message):
            call()
    np.testing.assert_array_equal(network.parameter_vector, before)


def test_lengths_of_targets_and_of_rows():
    network, X = fp.RecurrentNetwork([3, 4, 1], returns="every"), np.zeros((2, 5, 3))
    with pytest.raises(ValueError, match=r"lengths must hold numbers from 1 to 4, the steps of Y, got 5"):
        network.loss_and_gradients(X, np.zeros((2, 4, 1)), lengths=[5, 2])
    with pytest.raises(ValueError, match=r"sample_weight must have shape \(2, time\)"):
        network.loss_and_gradients(X, np.zeros((2, 5, 1)), lengths=[5, 2], sample_weight=np.ones((2, 6)))
    with pytest.raises(ValueError, match="lengths must be None for a network that is not recurrent"):
        fp.train(fp.Network([3, 1]), X[0], np.zeros((5, 1)), lengths=[1] * 5)


@pytest.mark.parametrize("cell", CELLS)
def test_torch_packs_padded_sequences_to_the_same_gradients(cell):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    network = fp.RecurrentNetwork([3, 5, 2], cell=cell, init="uniform", init_range=0.5, dtype="float64")
    X, Y = problem(network)
    theirs = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell](3, 5, batch_first=True)
    theirs.double().load_state_dict(
        {
            name: torch.tensor(np.array(array))
            for name, array in network.torch_weights().items()
            if name not in ("weight", "bias")
        }
    )
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        torch.tensor(padded(X, filling=0)), LENGTHS, batch_first=True, enforce_sorted=False
    )
    end = theirs(packed)[1]
    outputs = (end[0] if cell == "lstm" else end)[0] @ torch.tensor(np.array(network.weights[1]))
    loss = ((outputs + torch.tensor(np.array(network.biases[1])) - torch.tensor(Y)) ** 2).sum() / 2 / len(X)
    loss.backward()
    total, gradients = network.loss_and_gradients(padded(X), Y, lengths=LENGTHS)
    assert total == pytest.approx(loss.item(), rel=1e-13)
    for own, of_torch in [
        (gradients["weights"][0].T, theirs.weight_ih_l0.grad),
        (gradients["recurrent_weights"][0].T, theirs.weight_hh_l0.grad),
        (gradients["biases"][0], theirs.bias_ih_l0.grad),
    ]:
        assert np.abs(own - of_torch.numpy()).max() <= 1e-13 * np.abs(of_torch.numpy()).max()


@pytest.mark.parametrize("cell", CELLS)
def test_torch_has_the_same_gradients(cell):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    network = fp.RecurrentNetwork(
        [5, 9, 3], cell=cell, init="uniform", init_range=0.5, dtype="float64", seed=2
    )
    X, Y = problem(network, [7] * 6)
    kinds = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    theirs = kinds[cell](5, 9, batch_first=True).double()
    head = torch.nn.Linear(9, 3).double()
    as_tensor = lambda a: torch.tensor(np.array(a))  # noqa: E731
    b_hh = np.zeros(len(network.biases[0]))
    if cell == "gru":
        b_hh[18:] = network.recurrent_biases[0]
    with torch.no_grad():
        for own, ours in [
            (theirs.weight_ih_l0, network.weights[0].T),
            (theirs.weight_hh_l0, network.recurrent_weights[0].T),
            (theirs.bias_ih_l0, network.biases[0]),
            (theirs.bias_hh_l0, b_hh),
            (head.weight, network.weights[1].T),
            (head.bias, network.biases[1]),
        ]:
            own.copy_(as_tensor(ours))
    outputs, _ = theirs(as_tensor(X))
    loss = ((head(outputs[:, -1]) - as_tensor(Y)) ** 2).sum(dim=1).mean() / 2
    loss.backward()
    total, gradients = network.loss_and_gradients(X, Y)
    assert total == pytest.approx(loss.item(), rel=1e-13)
    expected = {
        "weights": [theirs.weight_ih_l0.grad.numpy().T, head.weight.grad.numpy().T],
        "recurrent_weights": [theirs.weight_hh_l0.grad.numpy().T, None],
        "biases": [theirs.bias_ih_l0.grad.numpy(), head.bias.grad.numpy()],
        "recurrent_biases": [theirs.bias_hh_l0.grad.numpy()[18:] if cell == "gru" else None, None],
    }
    assert_near(gradients, expected, "float64")


# Initial weights ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_recurrent_weights_begin_orthogonal_gate_by_gate(dtype):
    network = fp.RecurrentNetwork([3, 20, 1], cell="lstm", dtype=dtype)
    for gate in np.split(network.recurrent_weights[0].astype(float), 4, axis=1):
        assert np.abs(gate @ gate.T - np.eye(20)).max() < (1e-6 if dtype == "float32" else 1e-14)
    assert network.biases[0].tolist() == [0] * 20 + [1] * 20 + [0] * 40
    bound = np.sqrt(6 / 23)
    assert 0.9 * bound < np.abs(network.weights[0]).max() <= bound


def test_other_initial_weights():
    network = fp.RecurrentNetwork([3, 5, 1], cell="gru", recurrent_init="identity")
    np.testing.assert_array_equal(network.recurrent_weights[0], np.tile(np.eye(5), 3))
    assert not network.biases[0].any()
    zeros = fp.RecurrentNetwork([3, 5, 1], recurrent_init="zeros")
    assert not zeros.recurrent_weights[0].any()
    glorot = fp.RecurrentNetwork([3, 50, 1], recurrent_init="glorot").recurrent_weights[0]
    assert 0.9 * np.sqrt(3 / 50) < np.abs(glorot).max() <= np.sqrt(3 / 50)
    torch = fp.RecurrentNetwork([3, 50, 1], cell="lstm", recurrent_init="torch").recurrent_weights[0]
    assert 0.9 / np.sqrt(50) < np.abs(torch).max() <= 1 / np.sqrt(50)
    assert torch.std() == pytest.approx(1 / np.sqrt(150), rel=0.02)
    uniform = fp.RecurrentNetwork(
        [3, 50, 1], cell="lstm", init="uniform", recurrent_init="uniform", init_range=0.25
    )
    for array in (uniform.weights[0], uniform.recurrent_weights[0], uniform.biases[0]):
        assert 0.2 < np.abs(array).max() <= 0.25
    single, double = (fp.RecurrentNetwork([3, 5, 1], cell="gru", dtype=dtype, seed=7) for dtype in DTYPES)
    np.testing.assert_array_equal(single.parameter_vector, double.parameter_vector.astype("float32"))


# Same bits ------------------------------------------------------------------------------------------------


def trained_bytes(cell, returns, dtype="float32", n_threads=1, n=130, **settings):
    """Return what a training gives, as bytes."""
    network = fp.RecurrentNetwork([9, 37, 18, 3], cell=cell, returns=returns, dtype=dtype, seed=1)
    X, Y = problem(network, np.random.default_rng(0).integers(1, 14, n))
    history = fp.train(network, X, Y, n_threads=n_threads, epochs=3, **settings)
    predicted = network.predict(X, n_threads=n_threads)
    return pickle.dumps((network, history.loss)) + np.concatenate(predicted).tobytes()


SETTINGS = {
    "full batch": {},
    "mini-batches": {"batch_size": 48, "optimizer": fp.Adam(), "alpha": 0.1, "clip_norm": 0.5},
    "dropout": {"batch_size": 48, "optimizer": fp.Adam(), "dropout": [0.3, 0.1]},
    "truncated": {"truncate": 4},
}


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize(("cell", "returns"), list(itertools.product(CELLS, RETURNS)))
def test_the_same_bits_on_any_number_of_threads(cell, returns, settings):
    expected = trained_bytes(cell, returns, **SETTINGS[settings])
    for n_threads in (2, 3, 8):
        assert trained_bytes(cell, returns, n_threads=n_threads, **SETTINGS[settings]) == expected


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same_bits_where_all_sequences_are_of_one_length(dtype):
    X = np.random.default_rng(0).normal(size=(400, 6, 4)).astype(dtype)
    found = set()
    for n_threads, as_list in itertools.product((1, 2, 5), (False, True)):
        network = fp.RecurrentNetwork([4, 40, 1], cell="gru", dtype=dtype)
        sequences = list(X) if as_list else X
        fp.train(network, sequences, X.sum(axis=1)[:, :1], epochs=3, n_threads=n_threads)
        found.add(network.parameter_vector.tobytes())
    assert len(found) == 1


@pytest.mark.parametrize("instruction_set", ["avx512", "avx2", "portable"])
def test_the_same_bits_on_any_instruction_set(instruction_set):
    code = (
        "import hashlib, json, test_recurrent as t; "
        "print(json.dumps([hashlib.sha256(t.trained_bytes(c, r, d, n=40)).hexdigest() "
        "for c in t.CELLS for r in t.RETURNS for d in t.DTYPES]))"
    )
    here = in_a_process(code)
    try:
        assert in_a_process(code, FERROPROP_ISA=instruction_set) == here
    except AssertionError as error:
        if "lacks" in str(error):
            pytest.skip("this machine, or this build, has no such instructions")
        raise


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("cell", "returns"), list(itertools.product(CELLS, RETURNS)))
def test_a_sequence_does_not_depend_on_the_others(cell, returns, dtype):
    network = fp.RecurrentNetwork([3, 20, 2], cell=cell, returns=returns, dtype=dtype)
    X = series(np.random.default_rng(2).integers(1, 40, 150), 3, dtype=dtype)
    together, states = network.predict(X, return_state=True)
    for n, x in enumerate(X):
        alone, state = network.predict(x[None], return_state=True)
        np.testing.assert_array_equal(alone[0], together[n])
        for a, b in zip(flat(state), flat(states), strict=True):
            np.testing.assert_array_equal(a[0], b[n])


def flat(state):
    """Return the arrays of a state."""
    return [a for entry in state for a in (entry if isinstance(entry, tuple) else (entry,))]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("cell", "returns"), list(itertools.product(CELLS, RETURNS)))
def test_a_series_in_pieces_is_the_whole(cell, returns, dtype):
    network = fp.RecurrentNetwork([3, 20, 7, 2], cell=cell, returns=returns, dtype=dtype)
    X = np.random.default_rng(0).normal(size=(5, 700, 3)).astype(dtype)
    whole, end = network.predict(X, return_state=True)
    state, pieces = None, []
    for border in itertools.pairwise([0, 1, 2, 100, 650, 700]):
        piece, state = network.predict(X[:, slice(*border)], state=state, return_state=True)
        pieces.append(piece)
    joined = np.concatenate(pieces, axis=1) if returns == "every" else pieces[-1]
    np.testing.assert_array_equal(joined, whole)
    for a, b in zip(flat(state), flat(end), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("returns", RETURNS)
def test_any_memory_layout(returns, dtype):
    network = fp.RecurrentNetwork([4, 9, 2], returns=returns, dtype=dtype)
    X = np.random.default_rng(0).normal(size=(12, 5, 4)).astype(dtype)
    Y = np.random.default_rng(1).normal(size=(12, 5, 2) if returns == "every" else (12, 2)).astype(dtype)
    expected = network.predict(X)
    gradient = network.loss_and_gradient_vector(X, Y)[1]
    table = np.zeros((24, 10, 9), dtype)
    table[::2, ::2, 1::2] = X
    time_first = np.ascontiguousarray(X.transpose(1, 0, 2)).transpose(1, 0, 2)
    odd = np.frombuffer(b"x" + X.tobytes(), np.uint8)[1:].view(dtype).reshape(X.shape)
    for layout in (np.asfortranarray(X), table[::2, ::2, 1::2], X[::-1][::-1], time_first, odd):
        np.testing.assert_array_equal(network.predict(layout), expected)
        np.testing.assert_array_equal(network.loss_and_gradient_vector(layout, Y)[1], gradient)
    listed = network.predict(X.tolist())
    assert isinstance(listed, list) == (returns == "every")
    np.testing.assert_array_equal(np.array(listed), expected)


# Training -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("optimizer", [fp.Rprop, fp.Adam])
def test_it_learns_to_add(optimizer, cell):
    X = np.random.default_rng(0).uniform(size=(100, 12, 2))
    X[:, :, 1] = 0
    X[:, [3, 8], 1] = 1
    Y = (X[:, :, 0] * X[:, :, 1]).sum(axis=1, keepdims=True)
    network = fp.RecurrentNetwork([2, 12, 1], cell=cell, dtype="float64", seed=1)
    settings = {"epochs": 150} if optimizer is fp.Rprop else {"epochs": 60, "batch_size": 10}
    rule = fp.Rprop() if optimizer is fp.Rprop else fp.Adam(0.01)
    history = fp.train(network, X, Y, optimizer=rule, **settings)
    # Who answers the mean, here 1, has half of 1/6.
    assert history.loss[-1] < 0.2 * Y.var() / 2


def test_the_trajectory_of_rprop():
    network = fp.RecurrentNetwork([3, 5, 2], cell="lstm", dtype="float64", seed=1)
    X, Y = problem(network)
    expected, rule, optimizer = network.copy(), reference.Rprop(variant="irprop+"), fp.Rprop()
    for _ in range(20):
        loss, gradient = expected.loss_and_gradient_vector(X, Y)
        expected.set_parameter_vector(rule.step(expected.parameter_vector.copy(), gradient, loss))
        fp.train(network, X, Y, optimizer=optimizer, epochs=1, warm_start=True)
        assert np.abs(network.parameter_vector - expected.parameter_vector).max() < 1e-12


@pytest.mark.parametrize("returns", RETURNS)
def test_validation_and_washout(returns):
    network = fp.RecurrentNetwork([2, 4, 1], returns=returns, dtype="float64")
    X, Y = problem(network)
    X_val, Y_val = problem(network, [12, 5, 3], seed=8)
    washout = 2 if returns == "every" else 0
    seen = []
    history = fp.train(
        network,
        X,
        Y,
        validation=(X_val, Y_val),
        washout=washout,
        epochs=4,
        restore_best=False,
        callback=lambda epoch: seen.append(epoch.network.copy()),
    )
    losses = [one.loss_and_gradients(X_val, Y_val, washout=washout)[0] for one in seen]
    assert history.validation_loss == pytest.approx(losses, rel=1e-14)
    assert isinstance(seen[0], fp.RecurrentNetwork)


@pytest.mark.parametrize("returns", RETURNS)
def test_a_loss_of_the_callers(returns):
    network = fp.RecurrentNetwork([2, 4, 3], cell="gru", returns=returns, dtype="float64")
    X, Y = problem(network, np.random.default_rng(0).integers(1, 9, 70))
    rows = []

    def half_square(outputs, targets):
        rows.append(targets.copy())
        return ((outputs - targets) ** 2).sum(axis=1) / 2, outputs - targets

    own = network.loss_and_gradient_vector(X, Y, loss=half_square, n_threads=2)
    named = network.loss_and_gradient_vector(X, Y, loss="squared_error")
    assert own[0] == pytest.approx(named[0], rel=1e-14)
    assert np.abs(own[1] - named[1]).max() < 1e-14 * np.abs(named[1]).max() * 10
    came = np.concatenate(rows)
    there = np.concatenate(Y) if returns == "every" else Y
    assert sorted(map(tuple, came)) == sorted(map(tuple, there))
    if returns == "every":  # the steps of a sequence come one after the other
        longest = max(Y, key=len)
        place = next(at for at in range(len(came)) if (came[at] == longest[0]).all())
        np.testing.assert_array_equal(came[place : place + len(longest)], longest)


@pytest.mark.parametrize("returns", RETURNS)
@pytest.mark.parametrize("cell", CELLS)
def test_dropout_leaves_out_the_same_units_at_all_steps(cell, returns):
    """The step of gradient descent is that of the reference with the masks that the generator gives."""
    network = fp.RecurrentNetwork([3, 6, 5, 2], cell=cell, returns=returns, dtype="float64", seed=1)
    X, Y = problem(network)
    rates, seed, step, purpose = [0.5, 0.25], 9, 0, 3
    longest_first = sorted(range(len(X)), key=lambda n: -len(X[n]))  # stable: the place in the batch
    masks = [None] * len(X)
    for place, n in enumerate(longest_first):
        masks[n] = []
        for layer, (rate, units) in enumerate(zip(rates, (6, 5), strict=True)):
            counters = np.array([[group, place, step, layer | purpose << 24] for group in range(2)])
            words = reference.philox(counters, seed).ravel()[:units]
            masks[n].append(np.where(words < int(rate * 2**32), 0, 1 / (1 - rate)))
    before, optimizer = network.copy(), fp.SGD(1.0, momentum=0.0)
    fp.train(network, X, Y, optimizer=optimizer, epochs=1, dropout=rates, seed=seed)
    _, expected = plain.loss_and_gradients(before, X, Y, "squared_error", masks=masks)
    moved = {
        name: [
            None if a is None else a - b
            for a, b in zip(getattr(before, name), getattr(network, name), strict=True)
        ]
        for name in NAMES
    }
    assert_near(moved, expected, "float64", 100)


def test_many_mini_batches_are_as_one():
    """A batch of many micro-batches has the gradient of the reference, whatever the lengths."""
    network = fp.RecurrentNetwork([2, 5, 1], cell="lstm", returns="every", dtype="float64", seed=3)
    X, Y = problem(network, np.random.default_rng(5).integers(1, 30, 300))
    check(network, X, Y)
    batches = [network.loss_and_gradient_vector(X, Y, n_threads=n) for n in (1, 2, 7)]
    assert len({loss for loss, _ in batches}) == 1
    assert len({gradient.tobytes() for _, gradient in batches}) == 1


def test_the_order_of_sequences_is_no_matter_where_they_differ_in_length():
    network = fp.RecurrentNetwork([2, 5, 1], dtype="float64", seed=3)
    X, Y = problem(network, [1, 5, 3, 9])
    _, forwards = network.loss_and_gradient_vector(X, Y)
    _, backwards = network.loss_and_gradient_vector(X[::-1], Y[::-1])
    np.testing.assert_array_equal(forwards, backwards)


# Files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("cell", "returns"), list(itertools.product(CELLS, RETURNS)))
def test_files_and_pickles(tmp_path, cell, returns, dtype):
    network = fp.RecurrentNetwork(
        [3, 5, 4, 2],
        cell=cell,
        returns=returns,
        bias=[True, False, True],
        output_activation=fp.Logistic(2.0),
        dtype=dtype,
    )
    path = tmp_path / "net.safetensors"
    network.save(path)
    for again in (
        fp.RecurrentNetwork.load(path),
        pickle.loads(pickle.dumps(network)),
        network.copy(),
        copy.deepcopy(network),
    ):
        assert repr(again) == repr(network)
        np.testing.assert_array_equal(again.parameter_vector, network.parameter_vector)
    safetensors = pytest.importorskip("safetensors.numpy")
    tensors = safetensors.load_file(path)
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[cell]
    assert tensors["0.weights"].shape == (3, 5 * gates)
    assert tensors["1.recurrent_weights"].shape == (4, 4 * gates)
    assert ("0.recurrent_biases" in tensors) == (cell == "gru")
    assert "1.biases" not in tensors
    with pytest.raises(ValueError, match=r"use RecurrentNetwork\.load"):
        fp.Network.load(path)


def test_a_network_of_rows_is_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    fp.Network([2, 1]).save(path)
    with pytest.raises(ValueError, match=r"use Network\.load"):
        fp.RecurrentNetwork.load(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"lstm", b"lstn", "unknown kind of layer"),
        (rb"\"returns\":\"last\"", rb"\"returns\":\"lost\"", "unknown returns"),
        (rb"\"kind\":\"lstm\",", b" " * 18, "returns the last step|form"),
        (b"tanh", b"relu", "another activation than tanh"),
        (b"0.recurrent_weights", b"0.recurrent_weighty", "recurrent_weight"),
    ],
)
def test_wrong_files_are_refused(tmp_path, old, new, message):
    path = tmp_path / "net.safetensors"
    fp.RecurrentNetwork([3, 5, 2], cell="lstm").save(path)
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        fp.RecurrentNetwork.load(path)


@pytest.mark.parametrize("returns", RETURNS)
def test_a_checkpoint_resumes_to_the_bit(tmp_path, returns):
    def train(epochs, path=None, **changes):
        network = fp.RecurrentNetwork([3, 9, 2], cell="lstm", returns=returns, dtype="float64", seed=2)
        X, Y = problem(network)
        settings = {"batch_size": 3, "optimizer": fp.Adam(), "dropout": 0.2, "truncate": 3} | changes
        return network, fp.train(network, X, Y, epochs=epochs, checkpoint=path, **settings).loss

    path = tmp_path / "run.ckpt"
    train(4, path)
    resumed, whole = train(9, path), train(9)
    assert resumed[1] == whole[1]
    assert pickle.dumps(resumed[0]) == pickle.dumps(whole[0])
    with pytest.raises(ValueError, match="truncate was 3, is now 4"):
        train(10, path, truncate=4)


# Bad input ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer_sizes": [3, 1]}, "layer_sizes must be at least 3 sizes"),
        ({"layer_sizes": [3, 0, 1]}, "positive integer"),
        ({"layer_sizes": [3]}, "layer_sizes must be at least 3 sizes"),
        ({"cell": "lsmt"}, 'cell must be one of "rnn", "lstm", "gru", got "lsmt"; did you mean "lstm"'),
        ({"returns": "evry"}, 'returns must be one of "last", "every", got "evry"; did you mean "every"'),
        ({"cell": "lstm", "activation": "relu"}, 'activation must be left out for cell="lstm"'),
        ({"activation": "softmax"}, "activation for hidden layers"),
        ({"activation": ["tanh", "tanh"]}, "one for each of the 1 hidden layers"),
        ({"recurrent_init": "orthogonl"}, 'did you mean "orthogonal"'),
        ({"init_range": -1.0}, "init_range must be"),
        ({"dtype": "complex64"}, 'dtype must be "float32" or "float64", got complex64'),
        ({"dtype": "float16"}, 'dtype must be "float32" or "float64", got float16'),
        ({"bias": [True]}, "bias must be"),
    ],
)
def test_wrong_networks(arguments, message):
    with pytest.raises(ValueError, match=message):
        fp.RecurrentNetwork(**{"layer_sizes": [3, 4, 1]} | arguments)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((5, 3)), ValueError, r"X must have 3 dimension"),
        (np.zeros((0, 5, 3)), ValueError, r"X must have shape \(n, time, 3\) with n and time at least 1"),
        (np.zeros((2, 0, 3)), ValueError, r"X must have shape \(n, time, 3\)"),
        (np.zeros((2, 5, 4)), ValueError, r"X must have shape \(n, time, 3\).*got \(2, 5, 4\)"),
        (NAN, ValueError, r"X must hold finite numbers, got nan at \[1, 3, 2\]"),
        ([NAN[0, :2], NAN[1]], ValueError, r"X must hold finite numbers, got nan at \[1, 3, 2\]"),
        ([], ValueError, "X must hold at least one sequence"),
        ([np.zeros((4, 3)), np.zeros((0, 3))], ValueError, r"X\[1\] must have shape \(time, 3\)"),
        ([np.zeros((4, 3)), np.zeros((4, 2))], ValueError, r"X\[1\] must have shape \(time, 3\)"),
        ([np.zeros(3)], ValueError, r"X\[0\] must have 2 dimension"),
        (None, TypeError, "X must be an array, got NoneType"),
        (np.zeros((2, 5, 3), complex), TypeError, "X must hold real numbers"),
    ],
)
def test_wrong_sequences(X, error, message):
    network = fp.RecurrentNetwork([3, 4, 1])
    with pytest.raises(error, match=message):
        network.predict(X)
    with pytest.raises(error, match=message):
        fp.train(network, X, np.zeros((2, 1)))


@pytest.mark.parametrize(
    ("returns", "Y", "settings", "message"),
    [
        ("last", np.zeros((3, 1)), {}, r"Y must have shape \(2, 1\), got \(3, 1\)"),
        ("last", np.zeros((2, 5, 1)), {}, r"Y must have 2 dimension"),
        ("every", np.zeros((2, 1)), {}, r"Y must have 3 dimension"),
        ("every", np.zeros((2, 4, 1)), {}, r"Y must have shape \(5, 1\) for sequence 0.*got \(4, 1\)"),
        ("every", np.zeros((3, 5, 1)), {}, r"Y must hold 2 sequences.*got 3"),
        ("every", [np.zeros((5, 1)), np.zeros((4, 1))], {}, "for sequence 1"),
        ("last", np.zeros((2, 1)), {"sample_weight": [1.0]}, r"sample_weight must have shape \(2,\)"),
        ("last", np.zeros((2, 1)), {"washout": 1}, "washout must be 0 for a network that returns the last"),
        ("every", np.zeros((2, 5, 1)), {"washout": 5}, "washout must be below 5"),
        ("every", np.zeros((2, 5, 1)), {"washout": -1}, "washout must be 0 or a positive integer"),
        ("every", np.zeros((2, 5, 1)), {"truncate": 0}, "truncate must be a positive integer"),
        ("every", np.zeros((2, 5, 1)), {"sample_weight": np.ones((2, 4))}, "sample_weight must have shape"),
        ("every", np.zeros((2, 5, 1)), {"sample_weight": [np.ones(5), np.ones(4)]}, "for sequence 1"),
        (
            "every",
            np.zeros((2, 5, 1)),
            {"sample_weight": np.ones(3)},
            r"sample_weight must have shape \(2,\)",
        ),
        (
            "every",
            np.zeros((2, 5, 1)),
            {"sample_weight": np.zeros((2, 5))},
            "at least one positive number, got 0.0 at every row",
        ),
        (
            "every",
            np.zeros((2, 5, 1)),
            {"sample_weight": [np.ones(5), [1, 1, -2, 1, 1]]},
            r"sample_weight must hold numbers from 0 on, got -2.0 at \[1, 2\]",
        ),
        ("every", [np.zeros((5, 1)), np.full((5, 1), np.inf)], {}, r"got inf at \[1, 0, 0\]"),
        (
            "every",
            [np.ones((5, 1)), [[1], [-1], [0], [1], [1]]],
            {"loss": "hinge"},
            r"got 0.0 at \[1, 2, 0\]",
        ),
    ],
)
def test_wrong_targets_and_settings(returns, Y, settings, message):
    network, X = fp.RecurrentNetwork([3, 4, 1], returns=returns), np.zeros((2, 5, 3))
    before = network.parameter_vector.copy()
    for call in (fp.train, type(network).loss_and_gradients):
        with pytest.raises(ValueError, match=message):
            call(network, X, Y, **settings)
    np.testing.assert_array_equal(network.parameter_vector, before)


def test_networks_of_rows_take_no_sequences():
    network = fp.Network([3, 1])
    with pytest.raises(ValueError, match="washout must be 0"):
        fp.train(network, np.zeros((2, 3)), np.zeros((2, 1)), washout=1)
    with pytest.raises(ValueError, match="truncate must be None"):
        fp.train(network, np.zeros((2, 3)), np.zeros((2, 1)), truncate=1)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (3, TypeError, "state must be a list"),
        ([], ValueError, r"one entry for each hidden layer \(1\), got 0"),
        ([np.zeros((2, 4))], TypeError, r"state\[0\] must be a tuple of two arrays"),
        ([(np.zeros((2, 4)), np.zeros((1, 4)))], ValueError, r"state\[0\]\[1\] must have shape \(2, 4\)"),
        ([(np.zeros((2, 4)), np.full((2, 4), np.inf))], ValueError, r"state\[0\]\[1\] must hold finite"),
    ],
)
def test_wrong_states(state, error, message):
    network = fp.RecurrentNetwork([3, 4, 1], cell="lstm")
    with pytest.raises(error, match=message):
        network.predict(np.zeros((2, 5, 3)), state=state)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": [np.zeros((3, 4)), np.zeros((4, 1))]}, r"weights\[0\] must have shape \(3, 12\)"),
        ({"recurrent_weights": [None, None]}, r"recurrent_weights\[0\] must be an array"),
        (
            {"recurrent_weights": [np.zeros((4, 12)), np.zeros((1, 1))]},
            r"recurrent_weights\[1\] must be None",
        ),
        ({"biases": [np.zeros(12)]}, "biases must hold one array for each of the 2 layers, got 1"),
        ({"recurrent_biases": [np.zeros(3), None]}, r"recurrent_biases\[0\] must have shape \(4,\)"),
    ],
)
def test_wrong_parameters(changes, message):
    network = fp.RecurrentNetwork([3, 4, 1], cell="gru")
    given = {name: getattr(network, name) for name in NAMES}
    network.set_parameters(**given)
    with pytest.raises((ValueError, TypeError), match=message):
        network.set_parameters(**given | changes)
    np.testing.assert_array_equal(network.weights[0], given["weights"][0])


# What is shown --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("cell", "returns"), list(itertools.product(CELLS, RETURNS)))
def test_check_gradients(cell, returns, dtype):
    network = fp.RecurrentNetwork([2, 3, 2], cell=cell, returns=returns, dtype=dtype, seed=4)
    X, Y = problem(network)
    report = fp.check_gradients(network, X, Y, alpha=0.1, washout=1 if returns == "every" else 0)
    assert report.passed, report
    assert report.n_parameters == len(report.errors) == network.n_parameters
    names = {error.name for error in report.errors}
    assert {"W1[1,2]", "U1[2,0]", "b1[0]", "W2[0,1]", "b2[1]"} <= names
    assert ("c1[2]" in names) == (cell == "gru")
    assert len(fp.check_gradients(network, X, Y, max_parameters=5).errors) == 5


def test_check_gradients_finds_a_wrong_gradient():
    network = fp.RecurrentNetwork([2, 3, 1], dtype="float64")
    X, Y = problem(network)
    right = network.loss_and_gradient_vector(X, Y)[1]

    wrong = right.copy()
    wrong[7] += 1e-3
    truncated = network.loss_and_gradient_vector(X, Y, truncate=1)[1]
    assert np.abs(truncated - right).max() > 1e-3
    value = float(network.parameter_vector[7])

    def loss_at(moved):
        vector = network.parameter_vector.copy()
        vector[7] = moved
        other = network.copy()
        other.set_parameter_vector(vector)
        return other.loss_and_gradient_vector(X, Y)[0]

    for gradient, agrees in ((right, True), (wrong, False)):
        _, error = _gradient_check._agreement(value, float(gradient[7]), loss_at, loss_at(value), 1e-6)
        assert (error <= 1e-6) == agrees


@pytest.mark.parametrize("cell", CELLS)
def test_summaries_and_pictures(cell):
    network = fp.RecurrentNetwork([3, 5, 4, 2], cell=cell, bias=[True, False, True])
    summary = network.summary()
    assert [layer.kind for layer in summary.layers] == [cell, cell, "dense"]
    assert sum(layer.n_parameters for layer in summary.layers) == network.n_parameters == summary.n_parameters
    assert cell in str(summary)
    html = network._repr_html_()
    assert html.count("<line") == 3 * 5 + 5 * 4 + 4 * 2
    assert "↻" in html


# The weights of other libraries ---------------------------------------------------------------------------


def shuffled_gates(array, order, axis=-1):
    parts = np.split(array, len(order), axis=axis)
    return np.concatenate([parts[place] for place in order], axis=axis)


@pytest.mark.parametrize("cell", CELLS)
def test_weights_of_torch_and_keras(cell):
    network = fp.RecurrentNetwork([3, 5, 4, 2], cell=cell, init="uniform", dtype="float64", seed=1)
    torch, keras = network.torch_weights(), network.to_keras_weights()
    np.testing.assert_array_equal(torch["weight_hh_l1"].T, network.recurrent_weights[1])
    np.testing.assert_array_equal(torch["bias_ih_l0"], network.biases[0])
    order = (1, 0, 2) if cell == "gru" else range({"rnn": 1, "lstm": 4}[cell])
    np.testing.assert_array_equal(keras[3], shuffled_gates(network.weights[1], order))
    np.testing.assert_array_equal(keras[-2], network.weights[2])
    if cell == "gru":
        np.testing.assert_array_equal(torch["bias_hh_l0"], [0] * 10 + [*network.recurrent_biases[0]])
        np.testing.assert_array_equal(keras[2][1], [0] * 10 + [*network.recurrent_biases[0]])
    for weights, set_weights in ((torch, "set_torch_weights"), (keras, "set_keras_weights")):
        again = fp.RecurrentNetwork([3, 5, 4, 2], cell=cell, dtype="float64", seed=2)
        getattr(again, set_weights)(weights)
        np.testing.assert_array_equal(again.parameter_vector, network.parameter_vector)


def test_the_two_biases_of_torch_add_up():
    network = fp.RecurrentNetwork([2, 3, 1], cell="gru", dtype="float64")
    weights = network.torch_weights()
    weights["bias_hh_l0"] = np.arange(9.0)
    weights["bias_ih_l0"] = np.full(9, 10.0)
    network.set_torch_weights(weights)
    assert network.biases[0].tolist() == [10, 11, 12, 13, 14, 15, 10, 10, 10]
    assert network.recurrent_biases[0].tolist() == [6, 7, 8]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": None}, "weights must have 'weight'"),
        ({"weight_ih_l0": np.zeros((9, 3))}, r"weights\['weight_ih_l0'\] must have shape \(12, 3\)"),
        ({"more": np.zeros(1)}, "weights must have no 'more'"),
        ({"bias": np.array(["a"])}, r"weights\['bias'\] must hold real numbers"),
        ({"bias": np.array([np.nan])}, "must hold finite numbers"),
    ],
)
def test_wrong_weights_of_torch(changes, message):
    network = fp.RecurrentNetwork([3, 4, 1], cell="gru")
    before = network.parameter_vector.copy()
    weights = {
        name: value for name, value in (network.torch_weights() | changes).items() if value is not None
    }
    with pytest.raises(ValueError, match=message):
        network.set_torch_weights(weights)
    with pytest.raises(ValueError, match="weights must be 5 arrays, got 4"):
        network.set_keras_weights(network.to_keras_weights()[:-1])
    for wrong in (None, 5, iter([])):
        with pytest.raises(TypeError, match="weights must be a list of arrays, got "):
            network.set_keras_weights(wrong)
        with pytest.raises(TypeError, match="weights must be arrays by name, such as a dict, got "):
            network.set_torch_weights(wrong)
    np.testing.assert_array_equal(network.parameter_vector, before)


def test_biases_that_a_network_does_not_have_are_refused():
    network = fp.RecurrentNetwork([3, 4, 1], bias=False)
    other = fp.RecurrentNetwork([3, 4, 1], init="uniform")
    with pytest.raises(ValueError, match="no biases for layer 0"):
        network.set_keras_weights(other.to_keras_weights())
    network.set_torch_weights(fp.RecurrentNetwork([3, 4, 1], bias=False, seed=5).torch_weights())


@pytest.mark.parametrize("export", ["to_c", "to_json"])
def test_what_cannot_be_exported_says_so(export):
    with pytest.raises(TypeError, match="got RecurrentNetwork"):
        getattr(ferroprop.export, export)(fp.RecurrentNetwork([3, 4, 1]))


@pytest.mark.parametrize(("cell", "returns"), list(itertools.product(CELLS, RETURNS)))
def test_a_trace_has_the_numbers_of_the_reference(cell, returns):
    """Gradients are sums over its inputs and deltas."""
    network = fp.RecurrentNetwork([2, 3, 4, 2], cell=cell, returns=returns, dtype="float64", seed=4)
    X, Y = problem(network)
    step = fp.trace(network, X, Y, alpha=0.1)
    total, gradients = network.loss_and_gradients(X, Y, alpha=0.1)
    assert step.loss == total
    weights = step.weight_sum
    assert sum(rows.sum() for rows in step.row_losses) / weights + sum(
        0.05 * (W**2).sum() for W in [*network.weights, *network.recurrent_weights[:2]]
    ) / weights == pytest.approx(total, rel=1e-12)
    for n, (a, b) in enumerate(zip(step.outputs, network.predict(X), strict=True)):
        np.testing.assert_array_equal(a if returns == "every" else a[0], b)
        assert len(step.layers[0].outputs[n]) == len(X[n])
    gate = {"rnn": ["z"], "lstm": ["i", "f", "g", "o"], "gru": ["r", "z", "n"]}[cell]
    for place, layer in enumerate(step.layers):
        below = X if place == 0 else step.layers[place - 1].outputs
        deltas = [np.concatenate([layer.delta[name][n] for name in gate], axis=1) for n in range(len(X))]
        from_inputs = sum(x.T @ d for x, d in zip(below, deltas, strict=True))
        expected = (from_inputs + 0.1 * network.weights[place]) / weights
        assert np.abs(expected - gradients["weights"][place]).max() < 1e-13
        biases = sum(d.sum(axis=0) for d in deltas) / weights
        assert np.abs(biases - gradients["biases"][place]).max() < 1e-13
    top = step.layers[-1]
    ends = [rows if returns == "every" else rows[-1:] for rows in top.output_gradient]
    for rows, delta in zip(ends, step.output_delta, strict=True):
        assert np.abs(rows[-1] - (delta @ network.weights[-1].T)[-1]).max() < 1e-14
    assert f"{cell}, squared_error, sequence 2 of 7, 9 steps" in step.text(2, max_steps=4)
    assert "... 5 steps of time ..." in step.text(2, max_steps=4)
    assert repr(step).startswith(f"RecurrentTrace(cell='{cell}', sequences=7")


@pytest.mark.parametrize("cell", CELLS)
def test_a_trace_has_the_steps_of_optimizers(cell):
    """As that of a network of rows: what each adds to the parameters, beside gradients."""
    network = fp.RecurrentNetwork([2, 3, 4, 2], cell=cell, dtype="float64", seed=4)
    X, Y = problem(network)
    before = pickle.dumps(network)
    settings = {"alpha": 0.1, "truncate": 2, "sample_weight": np.arange(7.0)}
    optimizers = {"SGD": fp.SGD(0.5, momentum=0.0), "Rprop": fp.Rprop()}
    step = fp.trace(network, X, Y, optimizers=optimizers, **settings)
    assert pickle.dumps(network) == before
    _, gradients = network.loss_and_gradients(X, Y, **settings)
    moved = network.copy()
    fp.train(moved, X, Y, optimizer=fp.Rprop(), epochs=1, **settings)
    updates = [*(layer.updates for layer in step.layers), step.output_updates]
    for name in NAMES:
        for place, update in enumerate(updates):
            assert list(update) == ["SGD", "Rprop"]
            own, gradient = getattr(network, name)[place], gradients[name][place]
            if own is None:
                assert getattr(update["SGD"], name) is getattr(update["Rprop"], name) is None
                continue
            assert np.abs(getattr(update["SGD"], name) + 0.5 * gradient).max() < 1e-14
            np.testing.assert_array_equal(getattr(update["Rprop"], name), getattr(moved, name)[place] - own)
    text = step.text(max_units=2)
    assert "Gradients and updates\n  SGD adds minus the learning rate times the gradient" in text
    assert "Rprop adds each parameter's own step size" in text
    header = next(line for line in text.splitlines() if line.split()[:2] == ["value", "gradient"])
    assert header.split() == ["value", "gradient", "SGD", "adds", "Rprop", "adds"]
    named = [line.split()[0] for line in text.splitlines() if line.startswith("    ") and "[" in line[:9]]
    own_bias = ["c1[0]", "c1[1]"] if cell == "gru" else []
    of_first = [f"{array}1[{i},{j}]" for array in "WU" for i in (0, 1) for j in (0, 1)]
    assert named[: 10 + len(own_bias)] == [*of_first, "b1[0]", "b1[1]", *own_bias]
    assert named[-2:] == ["b3[0]", "b3[1]"]
    every = fp.trace(network, X, Y).layers[0].updates
    assert {"SGD", "Rprop", "Adam", "SARPROP"} < set(every)


def test_a_trace_of_washed_out_and_weighted_steps():
    network = fp.RecurrentNetwork([2, 3, 1], cell="gru", returns="every", dtype="float32", seed=4)
    X, Y = problem(network)
    weights = [np.linspace(1, 2, len(x)) for x in X]
    step = fp.trace(network, X, Y, sample_weight=weights, washout=2, loss="absolute_error")
    assert step.weight_sum == pytest.approx(sum(w[2:].sum() for w in weights))
    assert not any(delta[:2].any() for delta in step.output_delta)
    own = fp.trace(network, X, Y, loss=lambda a, t: (np.abs(a - t).sum(axis=1), np.sign(a - t)))
    named = fp.trace(network, X, Y, loss="absolute_error")
    np.testing.assert_allclose(own.layers[0].delta["n"][2], named.layers[0].delta["n"][2], rtol=1e-14)
    with pytest.raises(ValueError, match="for recurrent networks"):
        fp.trace(fp.Network([2, 1]), np.zeros((1, 2)), np.zeros((1, 1)), washout=1)
    for arguments in ({"sequence": 7}, {"digits": 0}, {"max_units": True}, {"max_steps": 1}):
        with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be"):
            step.text(**arguments)


@pytest.mark.parametrize("lengths", [None, [9] * 6], ids=["ragged", "equal"])
@pytest.mark.parametrize(("cell", "truncate"), list(itertools.product(CELLS, (1, 2, 4))))
def test_a_trace_has_what_the_way_back_does_not_come_to(cell, truncate, lengths):
    """Gates of every step are those of the whole trace; deltas of steps that are cut off are 0."""
    network = fp.RecurrentNetwork([2, 3, 4, 2], cell=cell, dtype="float64", seed=4)
    X, Y = problem(network, lengths) if lengths else problem(network)
    whole, cut = fp.trace(network, X, Y), fp.trace(network, X, Y, truncate=truncate)
    _, gradients = network.loss_and_gradients(X, Y, truncate=truncate)
    for place, (of_whole, of_cut) in enumerate(zip(whole.layers, cut.layers, strict=True)):
        below = X if place == 0 else cut.layers[place - 1].outputs
        from_inputs = 0
        for n, x in enumerate(X):
            for name, gate in of_whole.gates.items():
                np.testing.assert_array_equal(of_cut.gates[name][n], gate[n])
            for rows in of_cut.delta.values():
                assert not rows[n][: max(len(x) - truncate, 0)].any()
            names = {"rnn": ["z"], "lstm": ["i", "f", "g", "o"], "gru": ["r", "z", "n"]}[cell]
            deltas = np.concatenate([of_cut.delta[name][n] for name in names], axis=1)
            from_inputs = from_inputs + below[n].T @ deltas
        assert np.abs(from_inputs / cut.weight_sum - gradients["weights"][place]).max() < 1e-13


# Gradients that vanish ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("cell", "returns"), list(itertools.product(CELLS, RETURNS)))
def test_a_gradient_that_vanishes_ends_the_way_back(cell, returns, dtype):
    """Where all derivatives are 0 they are not computed further; no bit of the gradient tells."""
    network = fp.RecurrentNetwork([2, 5, 4, 1], cell=cell, returns=returns, dtype=dtype, seed=1)
    tiny = [U if U is None else U * 1e-12 for U in network.recurrent_weights]
    biases = [network.biases[0] - 40, network.biases[1] - 40, network.biases[2]]  # gates are closed
    network.set_parameters(network.weights, tiny, biases if cell == "lstm" else network.biases)
    X, Y = problem(network, np.random.default_rng(0).integers(20, 60, 90))
    if cell == "gru":  # z, by which a state stays, is 0
        W = [np.array(W) for W in network.weights]
        b = [np.array(b) for b in network.biases]
        for layer, units in enumerate((5, 4)):
            W[layer][:, units : 2 * units] = 0
            b[layer][units : 2 * units] = -40
        network.set_parameters(W, tiny, b, network.recurrent_biases)
    check(network, X, Y, factor=4)
    found = [network.loss_and_gradient_vector(X, Y, n_threads=n)[1].tobytes() for n in (1, 2, 3, 7)]
    assert len(set(found)) == 1
    trace = fp.trace(network, X, Y)
    if returns == "last":
        for layer in trace.layers:
            assert not layer.output_gradient[3][0].any()
            assert layer.output_gradient[3][-1].any()
            for rows in layer.delta.values():
                assert not rows[3][0].any()
            assert all(gate[3].any(axis=1).all() for name, gate in layer.gates.items() if name != "u")


def peak_of(call):
    """Return by how many bytes the process grew at most during a call."""
    memory = Path("/proc/self")
    if not (memory / "clear_refs").exists():
        pytest.skip("this system does not tell how much memory a call had")

    def high():
        line = next(line for line in (memory / "status").read_text().splitlines() if "VmHWM" in line)
        return int(line.split()[1]) << 10

    (memory / "clear_refs").write_text("5")
    before = high()
    call()
    return high() - before


def test_one_long_sequence_among_short_ones_does_not_multiply_memory():
    """Micro-batches for threads of their own have room for the longest sequences: there are fewer of them."""
    rng = np.random.default_rng(0)
    X = [
        rng.normal(size=(4_000, 1)).astype("f4"),
        *(rng.normal(size=(1, 1)).astype("f4") for _ in range(500)),
    ]
    network = fp.RecurrentNetwork([1, 16, 1], cell="lstm")
    peaks = [
        peak_of(lambda k=k: network.loss_and_gradients(X, np.zeros((501, 1)), n_threads=k)) for k in (1, 8)
    ]
    assert peaks[1] < 3 * peaks[0] + (32 << 20)
