"""Complex-valued networks: outputs and gradients beside NumPy's complex arithmetic, and what is promised."""

import pickle

import ferroprop as fp
import ferroprop.export
import numpy as np
import pytest
from children import in_a_process
from complex_reference import forward as reference_forward
from complex_reference import in_double, layers_of, loss_and_gradients, wirtinger
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference import Rprop as ReferenceRprop
from strategies import HIDDEN_ACTIVATIONS

DTYPES = ["complex64", "complex128"]
PAIRS = ["modrelu", "zrelu", "cardioid", "siglog", "polar_tanh"]
TURNING = ["modrelu", "siglog", "polar_tanh", fp.ModReLU(-0.2)]
TOLERANCE = {"complex64": 3e-6, "complex128": 1e-14}


def numbers(rows, columns, seed=0, dtype="complex128"):
    """Return complex numbers of mean square 1."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(rows, columns, 2)) / np.sqrt(2)
    return (z[..., 0] + 1j * z[..., 1]).astype(dtype)


def real_of(dtype):
    return "float32" if dtype == "complex64" else "float64"


def assert_near(actual, expected, dtype, factor=1):
    """Hold arrays to the tolerance, relative to the largest number that is expected."""
    for a, e in zip(actual, expected, strict=True):
        if e is None:
            assert a is None
            continue
        scale = np.abs(e).max()
        assert np.abs(np.asarray(a) - e).max() <= factor * TOLERANCE[dtype] * max(scale, 1e-3), (a, e)


def check(network, X, T, loss, reference_loss, dtype, **settings):
    """Compare predictions, the loss and its gradients with the reference's."""
    layers = in_double(layers_of(network))
    wide = T.astype(complex if np.iscomplexobj(T) else float)
    expected = loss_and_gradients(layers, X.astype(complex), wide, reference_loss, **settings)
    _, values = reference_forward(layers, X.astype(complex))
    assert_near([network.predict(X)], [values[-1]], dtype, 2)
    total, weight_gradients, bias_gradients = network.loss_and_gradients(X, T, loss=loss, **settings)
    assert_near([total], [expected[0]], dtype, 4)
    assert_near(weight_gradients, expected[1], dtype, 4)
    assert_near(bias_gradients, expected[2], dtype, 4)
    assert all(g.dtype == dtype for g in weight_gradients)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", [*HIDDEN_ACTIVATIONS, *PAIRS, fp.ModReLU(-0.3)], ids=str)
def test_every_activation_beside_numpy(activation, dtype):
    network = fp.Network([5, 19, 9, 3], activation=activation, dtype=dtype, seed=3)
    X, T = numbers(37, 5, 1, dtype), numbers(37, 3, 2, dtype)
    check(network, X, T, "squared_error", "squared_error", dtype, alpha=0.3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", [*HIDDEN_ACTIVATIONS, *PAIRS], ids=str)
def test_every_output_beside_numpy(activation, dtype):
    network = fp.Network([4, 11, 2], activation="tanh", output_activation=activation, dtype=dtype, seed=5)
    weights = np.random.default_rng(0).uniform(0.5, 2, 29).astype(real_of(dtype))
    X, T = numbers(29, 4, 1, dtype), numbers(29, 2, 2, dtype)
    check(network, X, T, "squared_error", "squared_error", dtype, sample_weight=weights)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=4),
    rows=st.integers(1, 300),
    activation=st.sampled_from(["identity", "tanh", "gelu", *PAIRS]),
    bias=st.booleans(),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 999),
)
def test_any_shape_beside_numpy(sizes, rows, activation, bias, dtype, seed):
    network = fp.Network(sizes, activation=activation, bias=bias, dtype=dtype, seed=seed)
    X, T = numbers(rows, sizes[0], seed, dtype), numbers(rows, sizes[-1], seed + 1, dtype)
    # A number at the edge of a piece may fall on either side of it.
    z = np.concatenate([net.ravel() for net in reference_forward(in_double(layers_of(network)), X)[0]])
    edges = {"modrelu": abs(z) - 0.5, "zrelu": np.minimum(abs(z.real), abs(z.imag))}
    assume(np.abs(edges.get(activation, [1])).min() > 1e-5)
    check(network, X, T, "squared_error", "squared_error", dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [1, 3, 16, 21])
@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("squared_error", "squared_error"),
        ("absolute_error", "absolute_error"),
        (fp.Huber(0.8), ("huber", 0.8)),
    ],
    ids=["squared", "absolute", "huber"],
)
def test_losses_of_complex_outputs(loss, expected, columns, dtype):
    network = fp.Network([3, 6, columns], activation="cardioid", dtype=dtype, bias=[True, False], seed=1)
    X, T = numbers(41, 3, 1, dtype), numbers(41, columns, 2, dtype)
    check(network, X, T, loss, expected, dtype, alpha=0.1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [1, 5, 18])
def test_the_log_loss_of_logistic_parts(columns, dtype):
    network = fp.Network([3, 4, columns], activation="tanh", output_activation="logistic", dtype=dtype)
    rng = np.random.default_rng(1)
    T = (rng.integers(0, 2, (33, columns)) + 1j * rng.integers(0, 2, (33, columns))).astype(dtype)
    check(network, numbers(33, 3, 1, dtype), T, None, "log_loss", dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [2, 17])
@pytest.mark.parametrize(
    ("output", "loss"),
    [
        ("softmax", "log_loss"),
        ("softmax", "squared_error"),
        ("abs", "squared_error"),
        ("abs", "absolute_error"),
    ],
)
def test_real_outputs_from_absolute_values(output, loss, columns, dtype):
    network = fp.Network([4, 9, columns], activation="siglog", output_activation=output, dtype=dtype, seed=2)
    X, rng = numbers(45, 4, 1, dtype), np.random.default_rng(2)
    T = (
        np.eye(columns)[rng.integers(0, columns, 45)]
        if output == "softmax"
        else rng.uniform(0, 2, (45, columns))
    )
    T = T.astype(real_of(dtype))
    check(network, X, T, loss, loss, dtype, sample_weight=rng.uniform(0, 1, 45).astype(real_of(dtype)))
    assert network.predict(X).dtype == real_of(dtype)
    assert network.hidden(X).dtype == dtype


def test_a_loss_of_the_callers_gets_complex_numbers():
    network = fp.Network([3, 4, 2], activation="tanh", dtype="complex128")
    X, T = numbers(300, 3, 1), numbers(300, 2, 2)

    def quartic(a, t):
        r = np.abs(a - t)
        return (r**4).sum(axis=1), 4 * r**2 * (a - t)

    check(network, X, T, quartic, quartic, "complex128")
    own = fp.train(
        network.copy(), X, T, loss=lambda a, t: ((np.abs(a - t) ** 2).sum(axis=1) / 2, a - t), epochs=3
    )
    assert own.loss == pytest.approx(fp.train(network.copy(), X, T, epochs=3).loss, rel=1e-14)
    with pytest.raises(ValueError, match="gradients that loss returns must hold complex numbers"):
        network.loss_and_gradients(X, T, loss=lambda a, t: (np.zeros(len(a)), np.zeros(a.shape)))


@pytest.mark.parametrize("activation", ["tanh", "gelu", *PAIRS])
def test_central_differences(activation):
    network = fp.Network([3, 5, 2], activation=activation, dtype="complex128", seed=4)
    X, T = numbers(20, 3, 1), numbers(20, 2, 2)
    check = fp.check_gradients(network, X, T, loss="squared_error")
    assert check.n_parameters == 2 * network.n_parameters == 2 * (3 * 5 + 5 + 5 * 2 + 2)
    assert check.passed, check


@given(st.sampled_from(TURNING), st.floats(0, 6.3), st.integers(0, 1000), st.integers(1, 20))
def test_turned_inputs_give_turned_outputs(activation, angle, seed, width):
    network = fp.Network(
        [4, width, 7, 2],
        activation=activation,
        output_activation=activation,
        bias=False,
        dtype="complex128",
        seed=seed,
    )
    Z, turn = numbers(9, 4, seed), np.exp(1j * angle)
    assert np.abs(network.predict(turn * Z) - turn * network.predict(Z)).max() <= 1e-13


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "identity", "silu"])
def test_real_numbers_have_the_bits_of_a_real_network(activation, dtype):
    """Of the training too: sums over imaginary parts that are 0 change nothing."""
    sizes = [70, 65, 20, 3]  # units along the lanes in both
    network = fp.Network(sizes, activation=activation, dtype=dtype)
    real = fp.Network(sizes, activation=activation, dtype=real_of(dtype), seed=6)
    network.set_parameters(real.weights, real.biases)
    rng = np.random.default_rng(0)
    X, T = (rng.normal(size=(700, width)).astype(real_of(dtype)) for width in (70, 3))
    for optimizer, batch_size in [(fp.Rprop, None), (fp.Adam, 64)]:
        histories = [
            fp.train(net, X, Y, optimizer=optimizer(), batch_size=batch_size, epochs=3, alpha=0.1)
            for net, Y in [(network, T + 0j), (real, T)]
        ]
        assert histories[0].loss == histories[1].loss
        for W, R in zip(network.weights, real.weights, strict=True):
            np.testing.assert_array_equal(W.real, R)
            assert not W.imag.any()
        outputs = network.predict(X)
        np.testing.assert_array_equal(outputs.real, real.predict(X))


def test_a_linear_network_finds_complex_least_squares():
    rng = np.random.default_rng(1)
    X = numbers(60, 4, 1)
    T = X @ numbers(4, 2, 2) + 0.5j + 0.1 * numbers(60, 2, 3)
    network = fp.Network([4, 2], dtype="complex128", seed=int(rng.integers(9)))
    fp.train(network, X, T, optimizer=fp.Rprop(min_step=1e-12), epochs=4000)
    solution, *_ = np.linalg.lstsq(np.c_[X, np.ones(60)], T, rcond=None)
    assert np.abs(network.weights[0] - solution[:-1]).max() < 1e-8
    assert np.abs(network.biases[0] - solution[-1]).max() < 1e-8


@pytest.mark.parametrize("optimizer", [fp.Rprop, fp.GRprop, fp.SARPROP, fp.SGD, fp.Adam, fp.AdamW])
def test_every_optimizer_goes_by_both_parts(optimizer):
    """The trajectory of the rule's steps by hand on the vector of real and imaginary parts."""
    X, T = numbers(40, 3, 1), numbers(40, 2, 2)
    network = fp.Network([3, 6, 2], activation="tanh", dtype="complex128", seed=1)
    expected, rule, in_training = network.copy(), optimizer(), optimizer()
    for _ in range(25):
        loss, *gradients = expected.loss_and_gradients(X, T)
        arrays = [expected.weights, expected.biases]
        gradient, vector = (
            np.concatenate([one.ravel().view(float) for pair in zip(*both, strict=True) for one in pair])
            for both in (gradients, arrays)
        )
        if optimizer is fp.AdamW:
            decay = rule.weight_decay
            assert decay > 0
        rule.step(vector, gradient, loss)
        arrays = [one for pair in zip(*arrays, strict=True) for one in pair]
        pieces = np.split(vector, np.cumsum([2 * one.size for one in arrays])[:-1])
        arrays = [piece.view(complex).reshape(one.shape) for piece, one in zip(pieces, arrays, strict=True)]
        expected.set_parameters(arrays[::2], arrays[1::2])
        fp.train(network, X, T, optimizer=in_training, epochs=1, warm_start=True)
        biases = [network.biases, expected.biases]
        if optimizer is not fp.AdamW:  # whose biases do not decay in trainings
            assert max(np.abs(a - b).max() for a, b in zip(*biases, strict=True)) < 1e-12
        pairs = zip(network.weights, expected.weights, strict=True)
        assert max(np.abs(a - b).max() / np.abs(b).max() for a, b in pairs) < (
            1e-3 if optimizer is fp.AdamW else 1e-12
        )


def test_rprop_has_the_trajectory_of_the_reference():
    X, T = numbers(40, 3, 1), numbers(40, 2, 2)
    network = fp.Network([3, 2], bias=False, dtype="complex128", seed=1)
    expected, rule, optimizer = network.copy(), ReferenceRprop(variant="irprop-"), fp.Rprop("irprop-")
    for _ in range(25):
        loss, (gradient,), _ = expected.loss_and_gradients(X, T)
        vector = rule.step(expected.weights[0].ravel().view(float), gradient.ravel().view(float), loss)
        expected.set_parameters([vector.view(complex).reshape(3, 2)], [None])
        fp.train(network, X, T, optimizer=optimizer, epochs=1, warm_start=True)
        assert np.abs(network.weights[0] - expected.weights[0]).max() < 1e-12


TORCH_OUTPUTS = [("identity", "squared_error"), ("abs", "squared_error"), ("softmax", "log_loss")]


@pytest.mark.parametrize(("output", "loss"), TORCH_OUTPUTS)
@pytest.mark.parametrize("activation", ["tanh", "relu", "elu", "logistic", "modrelu", "zrelu", "cardioid",
                                        "siglog", "polar_tanh"])  # fmt: skip
def test_torch_has_the_same_gradients(activation, output, loss):
    """Its convention is ours: dE/dRe + i dE/dIm; to 1e-13 of the largest."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    network = fp.Network(
        [5, 11, 7, 3], activation=activation, output_activation=output, dtype="complex128", seed=4
    )
    if activation == "modrelu":  # so that units are on either side of the threshold
        network.set_parameters([3 * W for W in network.weights], network.biases)
    X, rng = numbers(60, 5, 1), np.random.default_rng(2)
    T = {
        "identity": numbers(60, 3, 2),
        "abs": rng.uniform(0, 2, (60, 3)),
        "softmax": np.eye(3)[rng.integers(0, 3, 60)],
    }[output]

    def on_both(function):
        return lambda z: torch.complex(function(z.real), function(z.imag))

    functions = {
        "tanh": on_both(torch.tanh),
        "relu": on_both(torch.relu),
        "elu": on_both(torch.nn.functional.elu),
        "logistic": on_both(torch.sigmoid),
        "modrelu": lambda z: torch.relu(z.abs() - 0.5) * z / z.abs(),
        "zrelu": lambda z: z * ((z.real > 0) & (z.imag > 0)),
        "cardioid": lambda z: z * (1 + torch.cos(z.angle())) / 2,
        "siglog": lambda z: z / (1 + z.abs()),
        "polar_tanh": lambda z: torch.polar(torch.tanh(z.abs()), z.angle()),
    }
    layers = list(zip(network.weights, network.biases, strict=True))
    theirs = [[torch.tensor(np.array(one), requires_grad=True) for one in layer] for layer in layers]
    value, target = torch.tensor(X), torch.tensor(T)
    for place, (W, b) in enumerate(theirs):
        net = value @ W + b
        value = net if place == len(theirs) - 1 else functions[activation](net)
    rows = {
        "identity": lambda: (value - target).abs() ** 2 / 2,
        "abs": lambda: (value.abs() - target) ** 2 / 2,
        "softmax": lambda: -target * torch.log_softmax(value.abs(), dim=1),
    }[output]()
    expected = rows.sum() / len(X)
    expected.backward()
    total, *gradients = network.loss_and_gradients(X, T, loss=loss)
    assert total == pytest.approx(expected.item(), rel=1e-13)
    for own, part in zip(gradients, zip(*theirs, strict=True), strict=True):
        of_torch = [one.grad.numpy() for one in part]
        largest = max(np.abs(gradient).max() for gradient in of_torch)
        assert max(np.abs(a - e).max() for a, e in zip(own, of_torch, strict=True)) <= 1e-13 * largest


def test_torch_has_the_same_trajectory_of_rprop():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    X, T = numbers(40, 3, 1), numbers(40, 2, 2)
    network = fp.Network([3, 6, 2], activation="tanh", dtype="complex128", seed=1)
    layers = zip(network.weights, network.biases, strict=True)
    theirs = [[torch.tensor(np.array(one), requires_grad=True) for one in layer] for layer in layers]
    (W1, b1), (W2, b2) = theirs
    optimizer = torch.optim.Rprop([W1, b1, W2, b2], lr=0.02, etas=(0.5, 1.2), step_sizes=(1e-6, 50.0))
    rule = fp.Rprop("irprop-", initial_step=0.02)
    for _ in range(25):
        net = torch.tensor(X) @ W1 + b1
        outputs = torch.complex(torch.tanh(net.real), torch.tanh(net.imag)) @ W2 + b2
        loss = ((outputs - torch.tensor(T)).abs() ** 2).sum() / 2 / len(X)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        fp.train(network, X, T, optimizer=rule, epochs=1, warm_start=True)
        for W, own in zip((W1, W2), network.weights, strict=True):
            assert np.abs(W.detach().numpy() - own).max() < 1e-12


@pytest.mark.parametrize(("activation", "gain"), [("tanh", 2), ("logistic", 2 / 3), ("modrelu", 2)])
def test_initial_weights_have_the_variance_of_real_ones(activation, gain):
    """E|w|^2 = 2 / (fan in + fan out).

    torch 2.15 draws both parts with the bound of real weights, so that it is twice as large, and
    complextorch 2.1.1 divides by 2 n more than it should.
    """
    network = fp.Network([512, 512, 1], activation=activation, dtype="complex128")
    W, expected = network.weights[0], gain / 1024
    assert (np.abs(W) ** 2).mean() == pytest.approx(expected, rel=0.01)
    assert (W.real**2).mean() == pytest.approx((W.imag**2).mean(), rel=0.02)
    assert abs((W.real * W.imag).mean()) < 0.01 * expected
    real = fp.Network(
        [512, 512, 1], activation=activation if activation != "modrelu" else "tanh", dtype="float64"
    )
    assert (real.weights[0] ** 2).mean() == pytest.approx((np.abs(W) ** 2).mean(), rel=0.01)
    uniform = fp.Network([64, 64], init="uniform", init_range=0.25, dtype="complex64").weights[0]
    assert 0.24 < np.abs(uniform.real).max() <= 0.25
    assert 0.24 < np.abs(uniform.imag).max() <= 0.25


def test_one_complex_neuron_learns_exclusive_or():
    """T. Nitta, Neural Networks 16, 2003, pages 1101-1105."""
    Z = np.array([[1 + 1j], [1 - 1j], [-1 + 1j], [-1 - 1j]])
    T = (Z.real > 0) + 1j * (Z.imag > 0)
    network = fp.Network([1, 1], output_activation="logistic", dtype="complex128", seed=0)
    fp.train(network, Z, T, epochs=100)
    answer = network.predict(Z)
    xor = (answer.real > 0.5) != (answer.imag > 0.5)
    assert xor.ravel().tolist() == [False, True, True, False]


# Same bits ------------------------------------------------------------------------------------------------


def trained_bytes(dtype="complex64", n_threads=1, rows=1733, **settings):
    """Return what a training gives, as bytes."""
    network = fp.Network([19, 41, 17, 3], activation=["modrelu", "tanh"], dtype=dtype, seed=1)
    X, T = numbers(rows, 19, 1, dtype), numbers(rows, 3, 2, dtype)
    history = fp.train(network, X, T, n_threads=n_threads, epochs=3, **settings)
    return pickle.dumps((network, history.loss)) + network.predict(X, n_threads=n_threads).tobytes()


SETTINGS = {
    "full batch": {},
    "mini-batches": {"batch_size": 331, "optimizer": fp.Adam(), "alpha": 0.1},
    "dropout": {"batch_size": 331, "optimizer": fp.Adam(), "dropout": 0.3},
    "absolute error": {"loss": "absolute_error"},
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("settings", SETTINGS)
def test_the_same_bits_on_any_number_of_threads(settings, dtype):
    expected = trained_bytes(dtype, **SETTINGS[settings])
    for n_threads in (2, 3, 8):
        assert trained_bytes(dtype, n_threads, **SETTINGS[settings]) == expected


@pytest.mark.parametrize("instruction_set", ["avx512", "avx2", "portable"])
def test_the_same_bits_on_any_instruction_set(instruction_set):
    code = (
        "import hashlib, json, test_complex as t; "
        "print(json.dumps([hashlib.sha256(t.trained_bytes(d, rows=301)).hexdigest() for d in t.DTYPES]))"
    )
    here = in_a_process(code)
    assert in_a_process(code, FERROPROP_ISA=instruction_set) == here


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_memory_layout_and_any_other_rows(dtype):
    network = fp.Network([5, 20, 2], activation="polar_tanh", dtype=dtype)
    X = numbers(150, 5, 1, dtype)
    expected = network.predict(X)
    table = np.zeros((300, 12), dtype)
    table[::2, 1:11:2] = X
    odd = np.frombuffer(b"x" + X.tobytes(), np.uint8)[1:].view(dtype).reshape(X.shape)
    for layout in (np.asfortranarray(X), table[::2, 1:11:2], X[::-1][::-1], odd, X.tolist()):
        np.testing.assert_array_equal(network.predict(layout), expected)
    for rows in (slice(0, 1), slice(3, 70), slice(149, 150)):
        np.testing.assert_array_equal(network.predict(X[rows]), expected[rows])


def test_dropout_leaves_out_both_parts_or_none():
    """Of one linear hidden layer: its gradient is 0 where a unit is left out."""
    network = fp.Network([1, 200, 1], activation="tanh", dtype="complex128", seed=1)
    before = network.weights[0]
    X, T = np.array([[1 + 1j]]), np.array([[3 - 1j]])
    fp.train(network, X, T, optimizer=fp.SGD(0.1, momentum=0.0), epochs=1, dropout=0.5, batch_size=1)
    moved = network.weights[0] != before
    parts = np.stack([network.weights[0].real != before.real, network.weights[0].imag != before.imag])
    assert 60 < moved.sum() < 140
    np.testing.assert_array_equal(parts[0], parts[1])


# Files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_files_and_pickles(tmp_path, dtype):
    network = fp.Network(
        [3, 5, 2], activation=fp.ModReLU(-0.25), output_activation="abs", bias=[True, False], dtype=dtype
    )
    path = tmp_path / "net.safetensors"
    network.save(path)
    header = path.read_bytes()
    assert rb"{\"kind\":\"complex\",\"activation\":\"modrelu\",\"threshold\":-0.25}" in header
    for again in (fp.Network.load(path), pickle.loads(pickle.dumps(network)), network.copy()):
        assert repr(again) == repr(network)
        for a, b in zip(again.weights, network.weights, strict=True):
            np.testing.assert_array_equal(a, b)
    assert network.dtype == dtype
    safetensors = pytest.importorskip("safetensors.numpy")
    tensors = safetensors.load_file(path)
    assert tensors["0.weights"].shape == (3, 5, 2)
    np.testing.assert_array_equal(tensors["0.weights"].view(dtype)[..., 0], network.weights[0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"complex", b"complix", "unknown kind of layer"),
        (b"modrelu", b"mudrelu", "activation must be one of"),
        (rb"\"kind\":\"complex\",", b" " * 21, "its shape|has shape|form"),
    ],
)
def test_wrong_files_are_refused(tmp_path, old, new, message):
    path = tmp_path / "net.safetensors"
    fp.Network([3, 5, 2], activation="modrelu", dtype="complex64").save(path)
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        fp.Network.load(path)


def test_a_checkpoint_resumes_to_the_bit(tmp_path):
    X, T = numbers(120, 3, 1), numbers(120, 2, 2)

    def train(epochs, path=None):
        network = fp.Network([3, 9, 2], activation="siglog", dtype="complex128", seed=2)
        settings = {"batch_size": 32, "optimizer": fp.Adam(), "checkpoint": path, "dropout": 0.2}
        return network, fp.train(network, X, T, epochs=epochs, **settings).loss

    path = tmp_path / "run.ckpt"
    train(4, path)
    resumed, whole = train(9, path), train(9)
    assert resumed[1] == whole[1]
    assert pickle.dumps(resumed[0]) == pickle.dumps(whole[0])


# What is shown --------------------------------------------------------------------------------------------


def test_layer_values_beside_numpy():
    network = fp.Network(
        [3, 4, 2], activation="cardioid", output_activation="siglog", dtype="complex128", seed=3
    )
    X, T = numbers(8, 3, 1), numbers(8, 2, 2)
    row_losses, values = network.layer_values(X, T)
    layers = layers_of(network)
    nets, outputs = reference_forward(layers, X)
    assert row_losses == pytest.approx((np.abs(outputs[-1] - T) ** 2).sum(axis=1) / 2)
    for layer, net, output, of_layer in zip(layers, nets, outputs[1:], values, strict=True):
        assert_near([of_layer.net_input, of_layer.output], [net, output], "complex128")
        expected = wirtinger(layer, net)
        assert_near([of_layer.derivative, of_layer.conjugate_derivative], expected, "complex128", 4)
    _, _, bias_gradients = network.loss_and_gradients(X, T)
    for of_layer, gradient in zip(values, bias_gradients, strict=True):
        assert_near([of_layer.delta.mean(axis=0)], [gradient], "complex128")


def test_layer_values_of_real_outputs():
    network = fp.Network([3, 2], output_activation="abs", dtype="complex128", seed=3)
    X = numbers(8, 3, 1)
    _, (values,) = network.layer_values(X, np.ones((8, 2)))
    z = values.net_input
    assert_near([values.output], [np.abs(z)], "complex128")
    assert_near([values.derivative], [z.conj() / (2 * np.abs(z))], "complex128")
    assert_near([values.conjugate_derivative], [z / (2 * np.abs(z))], "complex128")
    assert_near([values.delta], [(np.abs(z) - 1) * z / np.abs(z)], "complex128")


def test_a_trace_is_one_step_taken_apart():
    network = fp.Network(
        [3, 4, 2], activation=["modrelu"], output_activation="siglog", dtype="complex128", seed=3
    )
    X, T = numbers(5, 3, 1), numbers(5, 2, 2)
    step = fp.trace(network, X, T, optimizers=fp.SGD(0.5, momentum=0.0), alpha=0.2)
    first, last = step.layers
    assert_near([last.inputs, step.outputs], [first.output, network.predict(X)], "complex128")
    for layer, G in [(last, step.outputs - T), (first, last.delta @ last.weights.conj().T)]:
        delta = G * layer.derivative.conj() + G.conj() * layer.conjugate_derivative
        gradient = (layer.inputs.conj().T @ layer.delta + 0.2 * layer.weights) / 5
        assert_near([layer.delta, layer.weight_gradient], [delta, gradient], "complex128", 4)
        assert_near([layer.updates["SGD"].weights], [-0.5 * gradient], "complex128", 4)
    assert step.penalty == pytest.approx(0.1 * sum((abs(W) ** 2).sum() for W in network.weights) / 5)
    text = step.text(row=2, max_units=2)
    assert "One step of complex backpropagation: layers 3-4-2, squared_error, row 2 of 5" in text
    assert "δ1[j] = g[j]·conj(f_z[j]) + conj(g[j])·f_zc[j]" in text
    assert "… and 2 more units." in text
    assert "<math" in step.html()
    single = fp.Network([2, 3], output_activation="softmax", dtype="complex64")
    assert fp.trace(single, X[:, :2], np.eye(3)[[0, 1, 2, 0, 1]]).layers[0].derivative.shape == (5, 3)
    with pytest.raises(ValueError, match="row must be from 0 to 4, got 5"):
        step.text(5)


def test_summary_and_drawing():
    network = fp.Network([4, 10, 3], activation="cardioid", output_activation="softmax", dtype="complex64")
    assert str(network.summary()) == (
        "layer     inputs  outputs  activation  parameters\n"
        "hidden 1       4       10  cardioid            50\n"
        "output        10        3  softmax             33\n"
        "83 parameters, complex64, 664 bytes"
    )
    assert "complex64" in network._repr_html_()
    assert repr(network) == (
        "Network([4, 10, 3], activation=['cardioid'], output_activation='softmax', dtype='complex64')"
    )


# Errors ---------------------------------------------------------------------------------------------------


def test_what_is_refused():
    real = fp.Network([2, 1])
    network = fp.Network([2, 1], dtype="complex128")
    Z, T = numbers(3, 2), numbers(3, 1)
    with pytest.raises(
        TypeError, match=r'X must hold real numbers, got dtype complex128 .*dtype="complex64"'
    ):
        real.predict(Z)
    with pytest.raises(ValueError, match=r"Y must hold complex numbers, .* got dtype float64; .*abs"):
        fp.train(network, Z, T.real)
    with pytest.raises(ValueError, match=r"X must have shape \(n, 2\) with n at least 1, got \(3, 1\)"):
        network.predict(T)
    with pytest.raises(ValueError, match=r"Y must have shape \(3, 1\), got \(3, 2\)"):
        fp.train(network, Z, Z)
    Z[1, 1] = complex(0, np.nan)
    with pytest.raises(ValueError, match=r"X must hold finite numbers, got .*nanj.* at \[1, 1\]"):
        network.predict(Z)
    with pytest.raises(ValueError, match=r"X must hold numbers that complex64 can hold, got .* at \[0, 1\]"):
        fp.Network([2, 1], dtype="complex64").predict([[0, 1e300j]])
    with pytest.raises(TypeError, match="X must hold complex numbers, got dtype"):
        network.predict([["a", "b"]])
    with pytest.raises(ValueError, match='activation must be an activation for real numbers, got "zrelu"'):
        fp.Network([2, 3, 1], activation="zrelu")
    with pytest.raises(
        ValueError, match='output_activation must be an activation for real numbers, got "abs"'
    ):
        fp.Network([2, 3, 1], output_activation="abs")
    with pytest.raises(ValueError, match='activation for hidden layers, got "abs"'):
        fp.Network([2, 3, 1], activation="abs", dtype="complex64")
    with pytest.raises(ValueError, match="loss must be one that complex outputs have"):
        network.loss_and_gradients(numbers(3, 2), T, loss="hinge")
    with pytest.raises(ValueError, match=r'dtype must be .*"complex64" or "complex128", got int32'):
        fp.Network([2, 1], dtype="int32")
    with pytest.raises(ValueError, match=r"threshold must be 0 or a negative number, got 0.5"):
        fp.ModReLU(0.5)
    with pytest.raises(ValueError, match="input_gradient must be called on a network of real numbers"):
        network.input_gradient(numbers(3, 2))
    with pytest.raises(ValueError, match=r"weights\[0\] must have shape \(2, 1\), got \(1, 2\)"):
        network.set_parameters([[[1, 2]]], [[0]])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("export", ["to_onnx", "to_c", "to_json"])
def test_no_export_has_complex_numbers(export, tmp_path):
    """Other runtimes have none; nothing is written."""
    network = fp.Network([2, 3, 1], dtype="complex64")
    Z, labels = numbers(6, 2), np.array(["a", "b"] * 3)
    regressor = fp.ComplexMLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=9).fit(Z, Z)
    classifier = fp.ComplexMLPClassifier((3,), solver="lbfgs", max_iter=9).fit(Z, labels)
    for model in (network, regressor, classifier):
        with pytest.raises(
            (ValueError, TypeError), match=r"got dtype complex.*Network.save writes complex ones|got Complex"
        ):
            getattr(ferroprop.export, export)(model, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_parameters_that_are_set():
    network = fp.Network([2, 1], dtype="complex64")
    network.set_parameters([[[1 + 2j], [3]]], [[1j]])
    np.testing.assert_array_equal(network.weights[0], np.array([[1 + 2j], [3]], "complex64"))
    np.testing.assert_array_equal(network.predict([[1, 1j]]), np.array([[1 + 2j + 3j + 1j]], "complex64"))
