"""Predictions by samples, of stochastic units and of dropout, and log-likelihoods."""

import ferroprop as fp
import numpy as np
import pytest
import reference
import scipy.sparse
import stochastic_reference
from stochastic_reference import layers_of

X = np.random.default_rng(5).normal(size=(70, 4))
Y = np.eye(3)[np.random.default_rng(6).integers(0, 3, 70)]


def network(activation, dtype="float64", output="softmax"):
    return fp.Network([4, 6, 9, 3], activation=activation, output_activation=output, dtype=dtype, seed=3)


NETWORKS = {
    "bernoulli": (network(fp.Bernoulli("concrete", samples=3)), None),
    "categorical, frozen": (network(["tanh", fp.Categorical(3, "score_function", frozen=True)]), None),
    "dropout": (network(["relu", "mish"]), [0.25, 0.5]),
    "both": (network(["relu", "bernoulli"]), [0.25, 0.0]),
}
by_network = pytest.mark.parametrize(("net", "dropout"), NETWORKS.values(), ids=NETWORKS)


@by_network
def test_samples_are_those_of_numpy(net, dropout):
    samples = net.predict(X, samples=5, seed=8, dropout=dropout, return_samples=True)
    assert samples.shape == (5, 70, 3)
    assert samples.dtype == np.float64
    for number, own in enumerate(samples):
        theirs = stochastic_reference.sample(layers_of(net), X, 8, number, dropout)
        np.testing.assert_allclose(own, theirs, rtol=1e-12, atol=1e-14)
    assert len({one.tobytes() for one in samples}) == 5


@by_network
def test_mean_and_spread_are_those_of_the_samples(net, dropout):
    settings = {"samples": 30, "seed": 2, "dropout": dropout}
    samples = net.predict(X, return_samples=True, **settings)
    mean, std = net.predict(X, return_std=True, **settings)
    np.testing.assert_allclose(mean, samples.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(std, samples.std(axis=0), rtol=1e-9, atol=1e-14)
    np.testing.assert_array_equal(net.predict(X, **settings), mean)
    # More samples go on with the same ones.
    np.testing.assert_array_equal(
        net.predict(X, **{**settings, "samples": 7}, return_samples=True), samples[:7]
    )


@by_network
def test_a_prediction_does_not_depend_on_other_rows_or_threads(net, dropout):
    settings = {"samples": 9, "seed": 2, "dropout": dropout, "return_std": True}
    mean, std = net.predict(np.repeat(X, 30, axis=0), n_threads=1, **settings)
    for n_threads in [2, 3]:
        for one, other in zip(
            net.predict(np.repeat(X, 30, axis=0), n_threads=n_threads, **settings), (mean, std), strict=True
        ):
            np.testing.assert_array_equal(one, other)
    for row in (0, 1100, 2099):
        alone = net.predict(np.repeat(X, 30, axis=0)[row : row + 1], **settings)
        np.testing.assert_array_equal(alone[0][0], mean[row])
        np.testing.assert_array_equal(alone[1][0], std[row])


def test_the_mean_of_drawn_units_is_their_probability():
    """Over enough seeds, the hidden units of a network whose outputs are its hidden units."""
    net = fp.Network([4, 6, 6], activation="bernoulli", bias=[True, False], dtype="float64", seed=1)
    net.set_parameters([net.weights[0], np.eye(6)], [net.biases[0], None])
    mean, std = net.predict(X[:3], samples=4000, return_std=True)
    p = net.hidden(X[:3])
    np.testing.assert_allclose(mean, p, atol=0.04)
    np.testing.assert_allclose(std, np.sqrt(p * (1 - p)), atol=0.02)
    assert set(np.unique(net.predict(X, samples=3, return_samples=True))) == {0.0, 1.0}


@by_network
def test_log_likelihood_is_the_logarithm_of_the_mean_likelihood(net, dropout):
    samples = net.predict(X, samples=20, seed=4, dropout=dropout, return_samples=True)
    likelihoods = (samples * Y).sum(axis=2)
    own = net.log_likelihood(X, Y, samples=20, seed=4, dropout=dropout)
    assert own.shape == (70,)
    assert own.dtype == np.float64
    np.testing.assert_allclose(own, np.log(likelihoods.mean(axis=0)), rtol=1e-12)
    for n_threads in [1, 3]:
        again = net.log_likelihood(
            np.repeat(X, 20, 0), np.repeat(Y, 20, 0), samples=20, seed=4, dropout=dropout, n_threads=n_threads
        )
        np.testing.assert_array_equal(again[::20], own)


def test_log_likelihood_of_all_states():
    """Samples enough that each of four states of two units is there about as often as it is probable."""
    net = fp.Network([4, 2, 5], activation="bernoulli", output_activation="logistic", dtype="float64", seed=1)
    T = (X[:, :1] > np.linspace(-1, 1, 5)) * 1.0
    states = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    p = net.hidden(X)
    chances = np.prod(np.where(states[:, None] == 1, p, 1 - p), axis=2)
    output = layers_of(net)[1]
    z = reference.net_input(output, states)
    losses = np.stack([reference.row_losses(output, np.tile(z[s], (70, 1)), T, "log_loss") for s in range(4)])
    exact = np.log((chances * np.exp(-losses)).sum(axis=0))
    np.testing.assert_allclose(net.log_likelihood(X, T, samples=20_000), exact, atol=0.01)


def test_without_noise_the_log_likelihood_is_the_log_loss():
    net = network("tanh")
    loss = net.loss_and_gradients(X, Y)[0]
    assert net.log_likelihood(X, Y, samples=2).mean() == pytest.approx(-loss, rel=1e-12)


def test_very_unlikely_targets_have_a_finite_log_likelihood():
    net = fp.Network([1, 3, 1], activation="bernoulli", output_activation="logistic", dtype="float64")
    net.set_parameters([np.zeros((1, 3)), np.full((3, 1), 2000.0)], [np.zeros(3), np.array([-9000.0])])
    own = net.log_likelihood([[0.0]], [[1.0]], samples=500)
    # The best of the eight states, 1, 1, 1, has a chance of 1/8.
    assert own[0] == pytest.approx(-3000 - np.log(8), abs=0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_types(dtype):
    net = network("bernoulli", dtype)
    mean, std = net.predict(X, samples=5, return_std=True)
    assert mean.dtype == std.dtype == dtype
    wide = network("bernoulli")
    np.testing.assert_allclose(mean, wide.predict(X, samples=5), rtol=1e-5)


@pytest.mark.parametrize(
    ("net", "settings", "message"),
    [
        ("bernoulli", {"samples": 0}, "samples must be a positive integer, got 0"),
        ("bernoulli", {"samples": 2**32}, "samples must be at most 4294967295"),
        ("bernoulli", {"return_std": True}, "samples must be a positive integer with return_std, got None"),
        ("bernoulli", {"return_samples": True}, "samples must be a positive integer with return_samples"),
        ("tanh", {"dropout": 0.5}, "samples must be a positive integer with dropout, got None"),
        (
            "tanh",
            {"samples": 3},
            "samples must be None for a network without stochastic units, unless dropout",
        ),
        ("tanh", {"samples": 3, "dropout": 0.0}, "samples must be None for a network without"),
        ("tanh", {"samples": 3, "dropout": 1.0}, "dropout must be from 0 to 1, 1 excluded, got 1"),
        ("tanh", {"samples": 3, "dropout": [0.5]}, "dropout must be one .*for each of the 2"),
        (
            "bernoulli",
            {"samples": 3, "dropout": 0.5},
            "dropout must be 0 for hidden layer 0, whose units are st",
        ),
        (
            "bernoulli",
            {"samples": 3, "return_std": True, "return_samples": True},
            "return_std must be False with return_samples",
        ),
    ],
)
def test_what_cannot_be_is_an_error(net, settings, message):
    with pytest.raises(ValueError, match=message):
        network(net).predict(X, **settings)


def test_complex_networks_have_no_samples():
    net = fp.Network([4, 5, 2], dtype="complex64")
    with pytest.raises(ValueError, match="samples must be absent for a network of complex numbers"):
        net.predict(X, samples=3, dropout=0.5)


def test_log_likelihood_is_for_probabilities():
    with pytest.raises(ValueError, match="log_loss"):
        network("bernoulli", output="tanh").log_likelihood(X, Y)
    with pytest.raises(ValueError, match="samples"):
        network("bernoulli").log_likelihood(X, Y, samples=0)


def test_dropout_in_predictions_is_other_noise_than_in_training():
    rates = {"samples": 2, "dropout": 0.5, "return_samples": True}
    net = network("identity", output="identity")
    first, second = net.predict(X, seed=1, **rates)
    other = net.predict(X, seed=2, **rates)[0]
    assert not np.allclose(first, second)
    assert not np.allclose(first, other)


# Estimators -----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_the_regressor_has_a_spread():
    y, rates = X[:, 0] - X[:, 1], [0.2, 0.4]
    settings = {"max_iter": 30, "random_state": 0}
    mlp = fp.MLPRegressor(hidden_layer_sizes=(30, 20), dropout=rates, **settings).fit(X, y)
    mean, std = mlp.predict(X, return_std=True)
    assert mean.shape == std.shape == (70,)
    net = fp.Network([4, 30, 20, 1], dtype="float64")
    net.set_parameters(mlp.coefs_, mlp.intercepts_)
    theirs = net.predict(X, samples=100, dropout=rates, return_std=True)
    np.testing.assert_array_equal(mean, theirs[0].ravel())
    np.testing.assert_array_equal(std, theirs[1].ravel())
    seven = net.predict(X, samples=7, seed=3, dropout=rates)
    np.testing.assert_array_equal(mlp.predict(X, samples=7, seed=3), seven.ravel())
    np.testing.assert_array_equal(mlp.predict(X), net.predict(X).ravel())
    np.testing.assert_array_equal(mlp.predict(scipy.sparse.csr_array(X), return_std=True)[1], std)
    two = fp.MLPRegressor(hidden_layer_sizes=30, dropout=0.2, **settings).fit(X, np.stack([y, y], axis=1))
    assert two.predict(X, True)[1].shape == (70, 2)
    with pytest.raises(ValueError, match="unless dropout is given"):
        fp.MLPRegressor(hidden_layer_sizes=30, **settings).fit(X, y).predict(X, return_std=True)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_the_classifier_averages_probabilities():
    y, settings = Y.argmax(axis=1), {"hidden_layer_sizes": 30, "max_iter": 5, "random_state": 0}
    mlp = fp.MLPClassifier(dropout=0.5, **settings).fit(X, y)
    net = fp.Network([4, 30, 3], output_activation="softmax", dtype="float64")
    net.set_parameters(mlp.coefs_, mlp.intercepts_)
    mean = net.predict(X, samples=40, seed=2, dropout=0.5)
    np.testing.assert_array_equal(mlp.predict_proba(X, samples=40, seed=2), mean)
    np.testing.assert_array_equal(mlp.predict_log_proba(X, samples=40, seed=2), np.log(mean))
    np.testing.assert_array_equal(mlp.predict(X, samples=40, seed=2), mean.argmax(axis=1))
    binary = fp.MLPClassifier(activation="bernoulli", **settings).fit(X, y > 0)
    assert binary.predict_proba(X, samples=9).shape == (70, 2)
    assert (binary.predict_proba(X, samples=9) != binary.predict_proba(X)).any()
