"""Initial weights: of the stated variance or shape, the same on every machine, and good for deep networks."""

import ferroprop as fp
import numpy as np
import pytest
from ferroprop.estimators import _random_state
from ferroprop.estimators._random_state import give_back, random_state_of

NAMES = ["glorot", "he", "lecun", "orthogonal", "zeros", "uniform"]


@pytest.mark.parametrize(
    ("init", "activation", "variance"),
    [
        ("glorot", "tanh", 2 / (300 + 200)),
        ("glorot", "logistic", 2 / 3 / (300 + 200)),
        ("he", "relu", 2 / 300),
        ("lecun", "selu", 1 / 300),
        ("uniform", "relu", 0.25 / 3),
    ],
)
def test_variances(init, activation, variance):
    net = fp.Network([300, 200], output_activation=activation, init=init, init_range=0.5, dtype="float64")
    weights = net.weights[0]
    # 60,000 numbers: the standard deviation of their variance is below 1 %.
    assert np.isclose(np.mean(weights**2), variance, rtol=0.03)
    assert np.abs(weights).max() <= np.sqrt(3 * variance)
    assert abs(weights.mean()) < 5 * np.sqrt(variance / weights.size)
    if init not in ("glorot", "uniform"):
        assert not net.biases[0].any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(40, 25), (25, 40), (31, 31), (1, 7), (7, 1), (1, 1), (9, 8)], ids=str)
def test_orthogonal_matrices(sizes, dtype):
    weights = fp.Network(sizes, init="orthogonal", dtype=dtype, seed=4).weights[0].astype(np.float64)
    gram = weights.T @ weights if sizes[0] >= sizes[1] else weights @ weights.T
    atol = 1e-6 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=atol)


def test_orthogonal_matrices_are_equally_likely():
    """Of a random rotation of the plane, the first column is a point of the circle, all equally likely."""
    points = [
        fp.Network([2, 2], init="orthogonal", dtype="float64", seed=seed).weights[0] for seed in range(2000)
    ]
    angles = np.arctan2(*np.array([weights[:, 0] for weights in points]).T)
    assert np.abs(np.histogram(angles, 8, (-np.pi, np.pi))[0] - 250).max() < 5 * np.sqrt(250)
    turns = np.array([np.linalg.det(weights) for weights in points])
    assert abs((turns > 0).mean() - 0.5) < 5 * 0.5 / np.sqrt(2000)


def test_he_keeps_the_size_of_signals_of_deep_relu_networks_and_glorot_does_not():
    X = np.random.default_rng(0).normal(size=(200, 100))
    sizes = {}
    for init in ("he", "glorot"):
        net = fp.Network(
            [100] * 41, activation="relu", output_activation="relu", init=init, bias=False, seed=1
        )
        sizes[init] = np.sqrt(np.mean(net.predict(X) ** 2))
    assert 0.1 < sizes["he"] < 10
    assert sizes["glorot"] < 1e-3


def test_orthogonal_linear_networks_keep_the_size_of_signals():
    X = np.random.default_rng(0).normal(size=(50, 64))
    net = fp.Network([64] * 51, activation="identity", init="orthogonal", dtype="float64", seed=1)
    lengths = np.linalg.norm(net.predict(X), axis=1) / np.linalg.norm(X, axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-12)


def test_zeros():
    net = fp.Network([3, 4, 2], init="zeros")
    assert not any(array.any() for array in [*net.weights, *net.biases])


@pytest.mark.parametrize("init", NAMES)
def test_both_types_start_from_the_same_weights_and_seeds_differ(init):
    single, double = (
        fp.Network([9, 6, 2], init=init, dtype=dtype, seed=7) for dtype in ("float32", "float64")
    )
    for a, b in zip([*single.weights, *single.biases], [*double.weights, *double.biases], strict=True):
        np.testing.assert_array_equal(a, b.astype(np.float32))
    other = fp.Network([9, 6, 2], init=init, seed=8)
    assert (init == "zeros") == np.array_equal(single.weights[0], other.weights[0])


def test_unknown_names_say_what_was_meant():
    message = r'init must be one of "glorot", .*, got "kaiming"; did you mean "he"\?'
    with pytest.raises(ValueError, match=message):
        fp.Network([2, 1], init="kaiming")


@pytest.mark.parametrize(("init", "variance"), [("glorot", 2 / 500), ("he", 2 / 300), ("lecun", 1 / 300)])
def test_complex_weights_have_the_variance_of_real_ones(init, variance):
    net = fp.Network([300, 200], output_activation="identity", init=init, dtype="complex128")
    weights = net.weights[0]
    assert np.isclose(np.mean(np.abs(weights) ** 2), variance, rtol=0.03)
    assert np.isclose(np.mean(weights.real**2), variance / 2, rtol=0.03)
    assert init == "glorot" or not net.biases[0].any()


def test_there_are_no_unitary_initial_weights():
    with pytest.raises(ValueError, match='init must be another than "orthogonal" for complex networks'):
        fp.Network([3, 2], output_activation="identity", init="orthogonal", dtype="complex64")


@pytest.mark.parametrize("seed", [0, 1, 42, 2**31, 2**32 - 1])
def test_the_random_state_of_a_number_is_numpys(seed):
    ours, theirs = random_state_of(seed).get_state(), np.random.RandomState(seed).get_state()
    for own, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(own, other)


def test_a_generator_that_is_given_back_begins_anew():
    ours, theirs = random_state_of(5), np.random.RandomState(3)
    for rng in (ours, theirs):
        rng.normal(size=3)  # the second of a pair of numbers stays for the next call
    give_back(ours, 5)
    again = random_state_of(3)
    assert again is ours
    theirs.seed(3)
    for draw in ("normal", "rand", "tomaxint"):
        assert getattr(again, draw)() == getattr(theirs, draw)()
    users = np.random.RandomState(3)
    give_back(users, users)
    assert random_state_of(3) is not users


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_fits_give_their_generators_back(monkeypatch):
    monkeypatch.setattr(_random_state, "_SPARE", [])
    X, y = np.arange(12.0)[:, None], np.arange(12) % 2
    first = random_state_of(0)
    give_back(first, 0)
    for solver in ("rprop", "adam", "lbfgs"):
        fp.MLPClassifier((2,), solver=solver, max_iter=1, random_state=7).fit(X, y)
    assert len({id(rng) for rng in _random_state._SPARE}) == len(_random_state._SPARE)
    assert random_state_of(0) is first
    for _ in range(100):
        give_back(np.random.RandomState(0), 0)
    assert len(_random_state._SPARE) == _random_state._MOST_SPARE


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused_in_numpys_words(seed):
    with pytest.raises(ValueError, match="Seed must be between 0 and") as ours:
        random_state_of(seed)
    with pytest.raises(ValueError, match="Seed must be between 0 and") as theirs:
        np.random.RandomState(seed)
    assert str(ours.value) == str(theirs.value)


def test_a_generator_of_the_users_is_used_itself():
    rng = np.random.RandomState(0)
    assert random_state_of(rng) is rng
    assert random_state_of(None) is np.random.mtrand._rand
