"""Stochastic units: estimators against exact enumeration and against NumPy, and the contracts."""

import copy
import itertools
import pickle
from concurrent.futures import ThreadPoolExecutor

import ferroprop as fp
import numpy as np
import pytest
import reference
import stochastic_reference
from hypothesis import assume, given
from hypothesis import strategies as st
from stochastic_reference import layers_of

ESTIMATORS = ["straight_through", "concrete", "straight_through_concrete", "score_function"]


def units(kind, estimator="straight_through", **settings):
    """Return Bernoulli or categorical units, of three in a group."""
    if kind == "categorical":
        return fp.Categorical(3, estimator, **settings)
    return fp.Bernoulli(estimator, **settings)


def data(rows=40, inputs=4, outputs=3, dtype=np.float64):
    rng = np.random.default_rng(7)
    X = rng.normal(size=(rows, inputs)).astype(dtype)
    return X, np.eye(outputs, dtype=dtype)[rng.integers(0, outputs, rows)]


def network(activation, sizes=(4, 6, 9, 3), dtype="float64", seed=3):
    return fp.Network(list(sizes), activation=activation, output_activation="softmax", dtype=dtype, seed=seed)


# Exact enumeration ----------------------------------------------------------------------------------------
#
# 4 inputs, 5 Bernoulli units, softmax, log loss, one row. The library's own deltas are collected for each of
# the 32 states of the units, by drawing many copies of the row, and weighted with the exact probabilities of
# the states: mean and variance of an estimator without a statistical error.

ROWS, UNITS, OUTPUTS = np.arange(4)[:, None], np.arange(5), np.arange(3)
W = np.cos(1 + 7 * ROWS + 3 * UNITS)
B = 0.1 * (UNITS - 2)
V = 1.5 * np.sin(2 + 5 * UNITS[:, None] + 11 * OUTPUTS)
C = np.array([0.3, 0.0, -0.2])
X1, T1 = np.array([[0.5, -1.0, 0.25, 0.75]]), np.array([[0.0, 1.0, 0.0]])
LOSS = 1.6502292450959262
GRADIENT = np.array([-0.05782403, 0.17199893, 0.22781918, -0.10640424, -0.25089919])


def example(activation):
    net = network(activation, (4, 5, 3))
    net.set_parameters([W, V], [B, C])
    return net


def states_of(net, copies=200_000):
    """Return the 32 states, their exact probabilities, and the library's losses and deltas in each."""
    losses, layers = net.layer_values(np.repeat(X1, copies, 0), np.repeat(T1, copies, 0), noise_seed=1)
    numbers = (layers[0].output @ 2**UNITS).astype(int)
    found, first = np.unique(numbers, return_index=True)
    assert len(found) == 32
    states = layers[0].output[first]
    p = stochastic_reference.logistic(layers[0].net_input[0])
    chances = np.prod(np.where(states == 1, p, 1 - p), axis=1)
    return states, chances, losses[first], layers[0].delta[first]


def moments(chances, deltas):
    """Return the mean, and the total variance."""
    mean = chances @ deltas
    return mean, chances @ ((deltas - mean) ** 2).sum(axis=1)


def expected_loss(z):
    """Return the exact expectation of the loss, given the units' net inputs."""
    p = stochastic_reference.logistic(z)
    states = np.array(list(itertools.product([0.0, 1.0], repeat=5)))
    chances = np.prod(np.where(states == 1, p, 1 - p), axis=1)
    output = reference.Layer(V, C, "softmax")
    return chances @ reference.row_losses(output, states @ V + C, np.repeat(T1, 32, 0), "log_loss")


def test_the_gradient_of_the_expected_loss():
    """What estimators estimate: all states, and central differences of their sum."""
    z = (X1 @ W + B)[0]
    assert expected_loss(z) == pytest.approx(LOSS, abs=1e-14)
    differences = [(expected_loss(z + h) - expected_loss(z - h)) / 2e-5 for h in 1e-5 * np.eye(5)]
    np.testing.assert_allclose(differences, GRADIENT, atol=1e-8)


def test_the_score_function_is_unbiased():
    _, chances, losses, deltas = states_of(example(fp.Bernoulli("score_function")))
    assert chances @ losses == pytest.approx(LOSS, abs=1e-12)
    mean, variance = moments(chances, deltas)
    np.testing.assert_allclose(mean, GRADIENT, atol=1e-8)
    assert variance == pytest.approx(3.896485, abs=1e-6)


def test_samples_of_a_row_are_baselines_for_each_other():
    """Pairs of draws are those of the formula, and the formula over all pairs of states is the table's."""
    states, chances, losses, _ = states_of(example(fp.Bernoulli("score_function")))
    p = stochastic_reference.logistic((X1 @ W + B)[0])
    first, second = np.divmod(np.arange(32**2), 32)
    differences = (losses[first] - losses[second])[:, None]
    pairs = differences * (states[first] - p) / 2 - differences * (states[second] - p) / 2
    mean, variance = moments(chances[first] * chances[second], pairs)
    np.testing.assert_allclose(mean, GRADIENT, atol=1e-8)
    assert variance == pytest.approx(0.964459, abs=1e-6)

    net = example(fp.Bernoulli("score_function", samples=2))
    _, layers = net.layer_values(np.repeat(X1, 50_000, 0), np.repeat(T1, 50_000, 0), noise_seed=1)
    numbers = (layers[0].output @ 2**UNITS).astype(int).reshape(-1, 2)
    place = np.argsort((states @ 2**UNITS).astype(int))[numbers]
    drawn = place[:, 0] * 32 + place[:, 1]
    assert len(np.unique(drawn)) > 900
    np.testing.assert_allclose(layers[0].delta.reshape(-1, 2, 5).mean(axis=1), pairs[drawn], atol=1e-12)


def test_straight_through_is_biased_as_it_should_be():
    mean, variance = moments(*states_of(example(fp.Bernoulli()))[1::2])
    np.testing.assert_allclose(mean, [-0.098760, 0.194274, 0.208321, -0.066022, -0.257727], atol=1e-6)
    bias = np.linalg.norm(mean - GRADIENT) / np.linalg.norm(GRADIENT)
    assert bias == pytest.approx(0.163045, abs=1e-6)
    assert variance == pytest.approx(0.092123, abs=1e-6)


def test_straight_through_can_have_the_wrong_sign():
    """E (b - 0.499)^2 of one unit with P(b = 1) = 0.1: down is up."""
    net = fp.Network([1, 1, 1], activation="bernoulli", dtype="float64")
    net.set_parameters([[[0.0]], [[1.0]]], [[np.log(0.1 / 0.9)], [-0.499]])
    X = np.zeros((400, 1))
    losses, (layer, _) = net.layer_values(X, X, noise_seed=0)
    one, none = (np.flatnonzero(layer.output[:, 0] == z)[0] for z in (1, 0))
    estimate = 0.1 * layer.delta[one, 0] + 0.9 * layer.delta[none, 0]
    truth = 0.1 * 0.9 * (losses[one] - losses[none])
    # The library's loss is half the square.
    assert 2 * estimate == pytest.approx(-0.07182, abs=1e-12)
    assert 2 * truth == pytest.approx(0.00018, abs=1e-12)


@pytest.mark.parametrize("kind", ["bernoulli", "categorical"])
def test_concrete_is_the_exact_gradient_of_its_draws(kind):
    X, Y = data(12)
    net = network([units(kind, "concrete", temperature=0.7, samples=3), "tanh"])
    assert fp.check_gradients(net, X, Y, noise_seed=5, alpha=0.25).passed
    assert not fp.check_gradients(network(units(kind)), X, Y, noise_seed=5).passed


# Against NumPy --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bernoulli", "categorical"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(("samples", "frozen"), [(1, False), (3, True)])
def test_losses_and_gradients_are_those_of_numpy(kind, estimator, samples, frozen):
    X, Y = data()
    weight = np.linspace(0.5, 2.0, len(X))
    own = units(kind, estimator, temperature=0.6, samples=samples, frozen=frozen)
    for activation in [own, ["tanh", own], [own, "relu"]]:
        net = network(activation)
        for seed in [None, 4]:
            settings = {"sample_weight": weight, "alpha": 0.5}
            loss, gradients, biases = net.loss_and_gradients(X, Y, noise_seed=seed, **settings)
            theirs = stochastic_reference.loss_and_gradients(
                layers_of(net), X, Y, "log_loss", seed, **settings
            )
            assert loss == pytest.approx(theirs[0], rel=1e-12)
            for one, other in zip([*gradients, *biases], [*theirs[1], *theirs[2]], strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)
            _, layers = net.layer_values(X, Y, sample_weight=weight, noise_seed=seed)
            for layer, (z, a, delta) in zip(layers[:-1], theirs[3][:-1], strict=True):
                np.testing.assert_allclose(layer.net_input, z, rtol=1e-12, atol=1e-13)
                np.testing.assert_allclose(layer.output, a, rtol=1e-12, atol=1e-13)
                np.testing.assert_allclose(layer.delta, delta, rtol=1e-10, atol=1e-13)


@st.composite
def networks(draw):
    """Return a network with a stochastic layer or more, of any sizes, in double precision."""
    samples = draw(st.integers(1, 5))
    sizes, activations = [draw(st.integers(1, 9))], []
    for _ in range(draw(st.integers(1, 3))):
        settings = {
            "estimator": draw(st.sampled_from(ESTIMATORS)),
            "temperature": draw(st.floats(0.25, 4.0)),
            "samples": samples,
            "frozen": draw(st.booleans()),
        }
        k = draw(st.integers(1, 6))
        size = k * draw(st.integers(1, 5))
        activations.append(
            draw(st.sampled_from([fp.Bernoulli(**settings), fp.Categorical(k, **settings), "tanh", "gelu"]))
        )
        sizes.append(size)
    assume(any(not isinstance(one, str) for one in activations))
    sizes.append(draw(st.integers(2, 5)))
    bias = draw(st.lists(st.booleans(), min_size=len(sizes) - 1, max_size=len(sizes) - 1))
    return fp.Network(
        sizes, activation=activations, output_activation="softmax", bias=bias, dtype="float64",
        init="uniform", init_range=2.0, seed=draw(st.integers(0, 100)),
    )  # fmt: skip


@given(networks(), st.integers(1, 60), st.integers(0, 2**64 - 1), st.booleans(), st.integers(1, 3))
def test_any_network_has_the_gradients_of_numpy(net, rows, seed, weighted, n_threads):
    X, Y = data(rows, net.layer_sizes[0], net.layer_sizes[-1])
    weight = np.linspace(0.5, 2.0, rows) if weighted else None
    own = net.loss_and_gradients(X, Y, sample_weight=weight, noise_seed=seed, n_threads=n_threads)
    theirs = stochastic_reference.loss_and_gradients(layers_of(net), X, Y, "log_loss", seed, weight)
    assert own[0] == pytest.approx(theirs[0], rel=1e-11)
    for one, other in zip([*own[1], *own[2]], [*theirs[1], *theirs[2]], strict=True):
        if one is not None:
            np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("kind", ["bernoulli", "categorical"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("frozen", [False, True])
def test_a_training_is_that_of_numpy(kind, estimator, frozen):
    X, Y = data()
    net = network(["tanh", units(kind, estimator, samples=2, frozen=frozen)])
    layers = layers_of(net)
    order = np.random.default_rng(1).permutation(len(X))
    history = fp.train(
        net, X, Y, optimizer=fp.SGD(0.5, momentum=0.0), batch_size=16, epochs=3, seed=11,
        shuffle=lambda epoch: np.roll(order, epoch),
    )  # fmt: skip
    losses, step = [], 0
    for epoch in (1, 2, 3):
        rows, mean = np.roll(order, epoch), 0.0
        for start in range(0, len(X), 16):
            batch = rows[start : start + 16]
            loss, *gradients, _ = stochastic_reference.loss_and_gradients(
                layers, X[batch], Y[batch], "log_loss", 11, step=step, places=batch
            )
            vector = reference.to_vector(*zip(*((one.weights, one.biases) for one in layers), strict=True))
            layers = reference.with_parameters(layers, vector - 0.5 * reference.to_vector(*gradients))
            mean += loss * len(batch) / len(X)
            step += 1
        losses.append(mean)
    np.testing.assert_allclose(history.loss, losses, rtol=1e-10)
    for one, other in zip(net.weights, layers, strict=True):
        np.testing.assert_allclose(one, other.weights, rtol=1e-9, atol=1e-12)


def test_float32_draws_what_float64_draws():
    X, Y = data(200)
    for activation in [fp.Bernoulli(), fp.Categorical(3), fp.Bernoulli("concrete")]:
        wide, narrow = (
            network(activation, dtype=dtype).layer_values(X, Y, noise_seed=2)[1][0].output
            for dtype in ("float64", "float32")
        )
        assert (np.abs(wide - narrow) < 1e-5).mean() > 0.999


def test_without_noise_outputs_are_probabilities():
    X, Y = data()
    own, logistic = network("bernoulli"), network("logistic")
    np.testing.assert_array_equal(own.weights[0], logistic.weights[0])
    logistic.set_parameters(own.weights, own.biases)
    np.testing.assert_array_equal(own.predict(X), logistic.predict(X))
    np.testing.assert_array_equal(own.hidden(X), logistic.hidden(X))
    np.testing.assert_array_equal(own.input_gradient(X), logistic.input_gradient(X))
    assert own.loss_and_gradients(X, Y)[0] == logistic.loss_and_gradients(X, Y)[0]
    groups = network(fp.Categorical(3)).hidden(X).reshape(len(X), -1, 3)
    np.testing.assert_allclose(groups.sum(axis=2), 1, rtol=1e-14)
    for kind in ["bernoulli", "categorical"]:
        for estimator in ESTIMATORS:
            assert fp.check_gradients(network(units(kind, estimator, samples=2)), X, Y).passed


def test_validation_is_that_of_predictions():
    X, Y = data()
    net = network("bernoulli")
    history = fp.train(net, X, Y, optimizer=fp.Adam(0.01), epochs=3, validation=(X, Y), restore_best=False)
    assert history.validation_loss[-1] == pytest.approx(net.loss_and_gradients(X, Y)[0], rel=1e-12)
    assert history.loss[-1] != pytest.approx(history.validation_loss[-1], rel=1e-4)


# Contracts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_bits_do_not_depend_on_threads(dtype, estimator):
    X, Y = data(600, 30, 3, dtype)

    def trained(n_threads):
        activation = [
            fp.Bernoulli(estimator, samples=3),
            fp.Categorical(3, estimator, samples=3, frozen=True),
        ]
        net = network(activation, (30, 65, 48, 3), dtype)
        history = fp.train(
            net, X, Y, optimizer=fp.Adam(), batch_size=250, epochs=2, n_threads=n_threads,
            validation=(X[:50], Y[:50]), sample_weight=np.linspace(1, 2, 600),
        )  # fmt: skip
        return [array.tolist() for array in net.weights], history.loss, history.validation_loss

    one = trained(1)
    assert all(trained(n_threads) == one for n_threads in [2, 3])


def test_the_layout_of_inputs_does_not_matter():
    X, Y = data(100)
    results = []
    for inputs in [X, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2]]:
        net = network(fp.Bernoulli("score_function", samples=2))
        fp.train(net, inputs, Y, optimizer=fp.Adam(), batch_size=30, epochs=2)
        results.append(net.parameter_vector.tolist())
    assert results[0] == results[1] == results[2]


def test_seed_and_step_name_the_noise():
    X, Y = data()
    net = network("bernoulli")
    first = net.loss_and_gradients(X, Y, noise_seed=1)[0]
    assert (
        net.loss_and_gradients(X, Y, noise_seed=1)[0]
        == first
        != net.loss_and_gradients(X, Y, noise_seed=2)[0]
    )
    still = fp.SGD(1e-300, momentum=0.0)
    losses = fp.train(net.copy(), X, Y, optimizer=still, epochs=3, seed=1).loss
    assert losses[0] == pytest.approx(first, rel=1e-14)
    assert len(set(losses)) == 3
    frozen = network(fp.Bernoulli(frozen=True))
    assert len(set(fp.train(frozen, X, Y, optimizer=still, epochs=3, batch_size=40, seed=1).loss)) == 1


def test_frozen_noise_belongs_to_rows():
    """Whatever batches they are in."""
    X, Y = data()
    still = fp.SGD(1e-300, momentum=0.0)
    losses = [
        fp.train(
            network(fp.Bernoulli("concrete", frozen=True, samples=2)), X, Y, optimizer=still, epochs=1,
            batch_size=batch_size, seed=1,
        ).loss[0]
        for batch_size in (40, 8, 13)
    ]  # fmt: skip
    np.testing.assert_allclose(losses, losses[0], rtol=1e-12)


def test_rprop_minimises_a_frozen_concrete_network():
    X, Y = data()
    net = network(fp.Bernoulli("concrete", frozen=True, samples=4), (4, 8, 3))
    history = fp.train(net, X, Y, optimizer=fp.Rprop(), epochs=150, seed=3)
    assert history.loss[-1] < 0.2 < history.loss[0]
    # One fixed function: the loss that a call with this seed finds is that of the training.
    after = net.loss_and_gradients(X, Y, noise_seed=3)[0]
    assert after < history.loss[-1] * 1.01


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_training_goes_on_where_it_stopped(tmp_path, estimator):
    X, Y = data()

    def trained(epochs, **where):
        net = network(fp.Categorical(3, estimator, samples=2))
        fp.train(net, X, Y, optimizer=fp.Adam(), epochs=epochs, batch_size=16, seed=5, **where)
        return net.parameter_vector.tolist()

    path = tmp_path / "run.ckpt"
    trained(3, checkpoint=path)
    assert trained(6, checkpoint=path) == trained(6)
    with pytest.raises(ValueError, match="another training"):
        fp.train(
            network(fp.Categorical(3, estimator, samples=2)), X, Y, optimizer=fp.Adam(), epochs=6,
            batch_size=16, seed=6, shuffle=False, checkpoint=path,
        )  # fmt: skip


@pytest.mark.parametrize("kind", ["bernoulli", "categorical"])
def test_files_pickles_and_copies_keep_the_units(tmp_path, kind):
    X, _ = data()
    own = units(kind, "score_function", temperature=0.25, samples=7, frozen=True)
    net = network(own)
    net.save(tmp_path / "net.safetensors")
    for other in [
        fp.Network.load(tmp_path / "net.safetensors"),
        pickle.loads(pickle.dumps(net)),
        copy.copy(net),
    ]:
        assert other.activations == [own, own]
        assert repr(other) == repr(net)
        np.testing.assert_array_equal(other.predict(X), net.predict(X))
    assert pickle.loads(pickle.dumps(own)) == own
    assert eval(repr(own), vars(fp)) == own
    assert hash(pickle.loads(pickle.dumps(own))) == hash(own)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"concrete"', '"wrong"', "unknown estimator"),
        ('"samples":2', '"samples":0', "samples must be a positive integer, got 0"),
        ('"samples":2', '"samples":"2"', "invalid type"),
        ('"samples":2', '"samples":3', "same number of samples"),
        ('"k":3,', "", "has no k"),
        ('"k":3', '"k":4', "multiple of k=4"),
        ('"frozen":false', '"frozen":0', "invalid type"),
        ('"temperature":1.0', '"temperature":-1.0', "temperature must be a positive number"),
        ('"samples":2,"frozen":false', '"frozen":false,"samples":2', "in another order"),
        ('"activation":"softmax"', '"activation":"bernoulli"', "has no estimator"),
    ],
)
def test_files_that_no_network_has_written(tmp_path, old, new, message):
    activation = [fp.Categorical(3, "concrete", samples=2), fp.Bernoulli("concrete", samples=2)]
    path = tmp_path / "net.safetensors"
    network(activation).save(path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].decode()
    old, new = (text.replace('"', '\\"') for text in (old, new))
    assert old in header
    changed = header.replace(old, new, 1).rstrip()
    changed += " " * (-len(changed) % 8)
    path.write_bytes(len(changed).to_bytes(8, "little") + changed.encode() + content[8 + length :])
    with pytest.raises(ValueError, match=message):
        fp.Network.load(path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fp.Network([4, 5, 3], activation=fp.Categorical(3)), "multiple of k=3, got 5 units"),
        (lambda: fp.Network([4, 3], output_activation="bernoulli"), "output_activation must be .* not drawn"),
        (lambda: fp.Network([4, 5, 3], activation="bernoulli", dtype="complex64"), "for real ones"),
        (
            lambda: fp.Network([4, 5, 5, 3], activation=[fp.Bernoulli(samples=2), "bernoulli"]),
            "same number of samples, got samples=2 and samples=1",
        ),
        (lambda: fp.Bernoulli("reinforce"), 'estimator must be one of "straight_through"'),
        (lambda: fp.Bernoulli(temperature=0.0), "temperature must be a positive number"),
        (lambda: fp.Bernoulli(samples=0), "samples must be a positive integer"),
        (lambda: fp.Bernoulli(samples=2**32), "samples must be from 1 to 4294967295"),
        (lambda: fp.Categorical(0), "k must be a positive integer"),
        (
            lambda: fp.train(network("bernoulli"), *data(), dropout=0.5),
            "dropout must be 0 for hidden layer 0, whose units are stochastic",
        ),
    ],
)
def test_what_cannot_be_is_an_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_dropout_of_other_layers_is_as_ever():
    X, Y = data()
    net = network(["bernoulli", "tanh"])
    fp.train(net, X, Y, dropout=[0.0, 0.5], epochs=2, optimizer=fp.Adam())


def test_a_loss_of_ones_own_is_scored_too():
    """The score function needs losses, whoever computes them."""
    X, Y = data()

    def squares(outputs, targets):
        return ((outputs - targets) ** 2).sum(axis=1) / 2, outputs - targets

    net = network(fp.Bernoulli("score_function", samples=2))
    ours = net.loss_and_gradients(X, Y, loss=squares, noise_seed=1)
    theirs = net.loss_and_gradients(X, Y, loss="squared_error", noise_seed=1)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-12)
    for one, other in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("kind", ["bernoulli", "categorical"])
def test_a_penalty_counts_the_weights_and_nothing_else(kind):
    """The score function gave derivatives to lanes behind the last unit too, whose squares then counted."""
    X, Y = data(6)
    net = network(["tanh", units(kind, "score_function", samples=2, frozen=True)])
    settings = {"alpha": 0.5, "noise_seed": 9}
    rule = fp.SGD(1.0, momentum=0.0)
    fp.train(net, X, Y, optimizer=rule, epochs=2, alpha=0.5, seed=9)
    losses = [net.loss_and_gradients(X, Y, **settings)[0]]
    with ThreadPoolExecutor(1) as fresh:
        losses.append(fresh.submit(net.loss_and_gradients, X, Y, **settings).result()[0])
    losses.append(fp.train(net, X, Y, optimizer=rule, epochs=1, alpha=0.5, seed=9).loss[0])
    assert len(set(losses)) == 1, losses


def test_calls_with_as_many_rows_have_buffers_of_their_own():
    """A thread keeps buffers from call to call: 6 rows that are drawn twice are not 12 rows."""
    X, Y = data(12)
    net = network(["tanh", fp.Bernoulli(samples=2)])

    def drawn():
        return net.loss_and_gradients(X[:6], Y[:6], noise_seed=1)

    def mean():
        return net.loss_and_gradients(X, Y)

    def alone(call):
        with ThreadPoolExecutor(1) as fresh:
            return fresh.submit(call).result()

    for call in (drawn, mean, drawn, mean):
        (loss, *gradients), (expected, *others) = call(), alone(call)
        assert loss == expected, call
        for arrays, expected_arrays in zip(gradients, others, strict=True):
            for one, other in zip(arrays, expected_arrays, strict=True):
                np.testing.assert_array_equal(one, other)


# Looking inside, exports and estimators -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bernoulli", "categorical"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_trace_has_the_draws_of_a_training(kind, estimator):
    X, Y = data(6)
    net = network(["tanh", units(kind, estimator, samples=2)])
    settings = {"sample_weight": np.linspace(1, 2, 6), "alpha": 0.5, "noise_seed": 9}
    step = fp.trace(net, X, Y, optimizers=fp.SGD(1.0, momentum=0.0), **settings)
    loss, gradients, biases = net.loss_and_gradients(X, Y, **settings)
    assert step.loss == loss
    assert len(step.inputs) == 12
    total = step.sample_weight.sum()
    assert step.row_losses @ step.sample_weight / total + step.penalty == pytest.approx(loss, rel=1e-13)
    for layer, gradient, bias in zip(step.layers, gradients, biases, strict=True):
        np.testing.assert_allclose(layer.updates["SGD"].weights, -gradient, rtol=1e-12, atol=1e-15)
        sums = layer.inputs.T @ layer.delta + 0.5 * layer.weights
        np.testing.assert_allclose(sums / total, gradient, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(layer.delta.sum(axis=0) / total, bias, rtol=1e-12, atol=1e-14)
    assert estimator in step.text(row=3)
    assert "<math" in step.html(row=3)
    if estimator == "score_function":
        lines = [line.strip() for line in step.text(row=3, digits=17).splitlines()]
        _, product, _ = next(line for line in lines if line.startswith("δ2[0] =")).split(" = ")
        delta = step.layers[1].delta[3, 0]
        assert eval(product.replace("·", "*")) == pytest.approx(delta, rel=1e-12)


@pytest.mark.parametrize("export", ["to_json", "to_c", "to_onnx"])
def test_stochastic_networks_are_not_exported(export):
    with pytest.raises(ValueError, match=r"without stochastic units to be exported, got 'bernoulli'"):
        getattr(network("bernoulli"), export)()


def test_summaries_name_the_units():
    assert "Categorical(k=3" in str(network(fp.Categorical(3)).summary())


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize(
    "activation", ["bernoulli", fp.Categorical(3, "concrete"), ("tanh", fp.Bernoulli())], ids=str
)
def test_estimators_take_stochastic_units(activation):
    X, Y = data(150)
    y = Y.argmax(axis=1)
    settings = {"hidden_layer_sizes": (9, 6), "activation": activation, "max_iter": 5}
    first, again, other = (fp.MLPClassifier(random_state=seed, **settings).fit(X, y) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.coefs_[0], again.coefs_[0])
    assert (first.coefs_[0] != other.coefs_[0]).any()
    np.testing.assert_allclose(first.predict_proba(X).sum(axis=1), 1)
    assert first.partial_fit(X, y).t_ > 0


def test_what_estimators_cannot_do_with_them():
    X, Y = data(50)
    with pytest.raises(ValueError, match="solver='lbfgs' has no stochastic units"):
        fp.MLPRegressor(activation="bernoulli", solver="lbfgs").fit(X, Y)
    with pytest.raises(ValueError, match="activation"):
        fp.MLPRegressor(output_activation="bernoulli").fit(X, Y)
    with pytest.raises(ValueError, match="activation"):
        fp.ComplexMLPRegressor(activation="bernoulli").fit(X, Y)


def test_initial_weights_of_estimators_are_as_wide_as_those_of_networks():
    X, Y = data(10, inputs=100)
    mlp = fp.MLPRegressor(hidden_layer_sizes=400, activation="bernoulli", random_state=0).initialize(X, Y)
    bound = np.sqrt(2 / 500)
    for weights in (mlp.coefs_[0], fp.Network([100, 400, 3], activation="bernoulli").weights[0]):
        assert 0.99 * bound < np.abs(weights).max() <= bound * (1 + 1e-6)


def test_categorical_draws_of_large_net_inputs():
    """Random numbers keep their digits beside net inputs of any size: equal ones have equal chances."""
    for z in [0.0, 2.0**24, 1e8, -1e8]:
        net = fp.Network([1, 2, 2], activation=fp.Categorical(2), seed=0)
        net.set_parameters([np.full((1, 2), z), np.eye(2)], [np.zeros(2), np.zeros(2)])
        chances = net.predict([[1.0]], samples=4_000)
        np.testing.assert_allclose(chances, 0.5, atol=0.03)


# An oracle ------------------------------------------------------------------------------------------------


def automatic_gradients(library, loss_of, arrays):
    """Return a loss and its derivatives by the arrays, by automatic differentiation."""
    if library == "torch":
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")
        tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
        loss = loss_of(torch, lambda x: x.detach(), torch.tensor, tensors)
        loss.backward()
        return loss.item(), [tensor.grad.numpy() for tensor in tensors]
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        of_jax = lambda *arrays: loss_of(jax.numpy, jax.lax.stop_gradient, jax.numpy.asarray, arrays)  # noqa: E731
        loss, gradients = jax.value_and_grad(of_jax, argnums=tuple(range(len(arrays))))(*arrays)
        return float(loss), [np.asarray(gradient) for gradient in gradients]
    finally:
        jax.config.update("jax_enable_x64", before)


def in_groups(activation, z):
    k = 3 if activation == "categorical" else 1
    return z.reshape(len(z), -1, k)


def log_probabilities(m, activation, z):
    """Return the logarithms of the probabilities of ones, in groups."""
    groups = in_groups(activation, z)
    if activation == "categorical":
        return groups - m.log(m.exp(groups).sum(-1))[..., None]
    return -m.log(1 + m.exp(-groups))


def relaxation(m, constant, activation, z, drawn, temperature):
    """Return a draw of the concrete distribution: of Maddison et al. and Jang et al. 2017."""
    u = in_groups(activation, (drawn + 0.5) / 2**32)
    if activation == "categorical":
        e = m.exp((in_groups(activation, z) + constant(-np.log(-np.log(u)))) / temperature)
        return e / e.sum(-1)[..., None]
    return 1 / (1 + m.exp(-(in_groups(activation, z) + constant(np.log(u) - np.log1p(-u))) / temperature))


@pytest.mark.parametrize("library", ["torch", "jax"])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("kind", ["bernoulli", "categorical"])
def test_automatic_differentiation_has_the_same_gradients(kind, estimator, samples, library):
    """Each estimator is the derivative of an expression in which the draws are constants."""
    net = network(units(kind, estimator, samples=samples))
    X, Y = data(rows=20)
    total, weights, biases = net.loss_and_gradients(X, Y, loss="log_loss", noise_seed=5)
    X, Y = (np.repeat(array, samples, axis=0) for array in (X, Y))

    def loss_of(m, stop, constant, arrays):
        a, log_q = constant(X), 0
        for layer, (W, b) in enumerate(zip(arrays[:3], arrays[3:], strict=True)):
            z = a @ W + b
            if layer == 2:
                break
            drawn = stochastic_reference.words(5, layer, np.arange(len(X)), z.shape[1])
            log_p = log_probabilities(m, kind, z)
            z_now = np.asarray(stop(z))
            s = constant(stochastic_reference.draw(layers_of(net)[layer], z_now, drawn).reshape(log_p.shape))
            if estimator == "straight_through":
                p = m.exp(log_p)
                y = p + stop(s - p)
            elif estimator == "score_function":
                y = s
                if kind == "categorical":
                    log_q = log_q + (s * log_p).sum(-1).sum(-1)
                else:
                    log_not = -m.log(1 + m.exp(in_groups(kind, z)))
                    log_q = log_q + (s * log_p + (1 - s) * log_not).sum(-1).sum(-1)
            else:
                y = relaxation(m, constant, kind, z, drawn, 1.0)
                y = y if estimator == "concrete" else y + stop(s - y)
            a = y.reshape(len(X), -1)
        losses = -(constant(Y) * (z - m.log(m.exp(z).sum(-1))[..., None])).sum(-1)
        if estimator != "score_function":
            return losses.mean()
        signals = constant(stochastic_reference.signals_of(np.asarray(stop(losses)), samples))
        surrogate = signals * log_q
        return (losses + surrogate - stop(surrogate)).mean()

    arrays = [np.array(array) for array in (*net.weights, *net.biases)]
    loss, gradients = automatic_gradients(library, loss_of, arrays)
    assert total == pytest.approx(loss, rel=1e-13)
    largest = max(np.abs(gradient).max() for gradient in gradients)
    for own, theirs in zip([*weights, *biases], gradients, strict=True):
        assert np.abs(own - theirs).max() <= 1e-13 * largest
