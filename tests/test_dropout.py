"""Dropout in training: what it leaves out, and what it leaves alone."""

import ferroprop as fp
import numpy as np
import pytest


def data(rows=400, inputs=6, outputs=2, dtype=np.float64):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, inputs)).astype(dtype), rng.normal(size=(rows, outputs)).astype(dtype)


def one_step(layer_sizes, dropout, X, Y, activation="identity", steps=1, loss=None, **keywords):
    """Return the network before and after a step of plain gradient descent with learning rate 1."""
    network = fp.Network(layer_sizes, activation=activation, bias=False, dtype=X.dtype, seed=3)
    before = [W.copy() for W in network.weights]
    history = fp.train(
        network, X, Y, loss=loss, optimizer=fp.SGD(1.0, momentum=0.0, nesterov=False), epochs=steps,
        dropout=dropout, shuffle=False, **keywords,
    )  # fmt: skip
    return before, network.weights, history


def masks(rate, rows=300, units=40, **keywords):
    """Return which outputs of a hidden layer were kept in a step, and by what they were multiplied.

    With the identity as weights and activation, inputs of 1 come out as what they were multiplied by; a loss
    of one's own sees them, and the step is too small to move the weights by more than their rounding.
    """
    rows_seen = []

    def look(outputs, targets):
        rows_seen.append(outputs.copy())
        return outputs.sum(axis=1), np.ones_like(outputs)

    network = fp.Network([units, units, units], activation="identity", bias=False, dtype="float64")
    network.set_parameters([np.eye(units), np.eye(units)], [None, None])
    X = np.ones((rows, units))
    optimizer = fp.SGD(1e-30, momentum=0.0, nesterov=False)
    fp.train(network, X, X, loss=look, optimizer=optimizer, epochs=1, dropout=rate, shuffle=False, **keywords)
    seen = np.concatenate(rows_seen)
    seen[np.abs(seen) < 1e-20] = 0  # from the second step on, weights that were 0 are not quite
    return seen


@pytest.mark.parametrize("rate", [0.125, 0.5, 0.8])
def test_outputs_are_zero_or_divided_by_the_chance_to_stay(rate):
    seen = masks(rate)
    dropped = seen == 0
    np.testing.assert_allclose(seen[~dropped], 1 / (1 - rate), rtol=1e-15)
    # Each count has a standard deviation of sqrt(n p q).
    n = dropped.size
    assert abs(dropped.sum() - n * rate) < 5 * np.sqrt(n * rate * (1 - rate))
    for axis in [0, 1]:
        share = dropped.mean(axis=axis)
        m = dropped.shape[axis]
        assert np.abs(share - rate).max() < 6 * np.sqrt(rate * (1 - rate) / m)


def test_masks_follow_from_seed_step_layer_row_and_unit():
    first = masks(0.5, seed=1)
    np.testing.assert_array_equal(masks(0.5, seed=1), first)
    np.testing.assert_array_equal(masks(0.5, seed=1, n_threads=3), first)
    np.testing.assert_array_equal(masks(0.5, rows=200, seed=1), first[:200])
    np.testing.assert_array_equal(masks(0.5, units=33, seed=1), first[:, :33])
    # By batches: the place in the batch counts, and each step has masks of its own.
    batches = masks(0.5, seed=1, batch_size=100)
    np.testing.assert_array_equal(batches[:100], first[:100])
    for other in [batches[100:200], batches[200:], first[100:200], masks(0.5, seed=2)[:100]]:
        assert 0.45 < ((other == 0) == (batches[:100] == 0)).mean() < 0.55
    # Rows and columns of a mask are unrelated.
    dropped = (first == 0) * 1.0 - 0.5
    correlations = dropped.T @ dropped / len(dropped) * 4 - np.eye(40)
    assert np.abs(correlations).max() < 6 / np.sqrt(len(dropped))


@pytest.mark.parametrize("activation", ["tanh", "gelu", "relu", fp.Logistic(2.0), "softsign", "elu"], ids=str)
def test_a_step_is_that_of_the_thinned_network(activation):
    """One row and one step: a gradient step on the network in which the dropped units are cut out."""
    X, Y = data(1)
    sizes, rate = [6, 24, 2], 0.5
    before, after, history = one_step(sizes, rate, X, Y, activation)
    # A unit that is left out has no gradient in either of its weights.
    kept = (after[1] != before[1]).any(axis=1)
    assert 3 < kept.sum() < 21
    np.testing.assert_array_equal(after[0][:, ~kept], before[0][:, ~kept])
    thinned = fp.Network([6, int(kept.sum()), 2], activation=activation, bias=False, dtype="float64")
    thinned.set_parameters([before[0][:, kept], before[1][kept] / (1 - rate)], [None, None])
    loss, (first, second), _ = thinned.loss_and_gradients(X, Y)
    np.testing.assert_allclose(history.loss, [loss], rtol=1e-14)
    np.testing.assert_allclose(after[0][:, kept], before[0][:, kept] - first, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(after[1][kept], before[1][kept] - second / (1 - rate), rtol=1e-12, atol=1e-14)


def test_rates_by_layer():
    X, Y = data(1)
    before, after, _ = one_step([6, 30, 30, 2], [0.0, 0.5], X, Y)
    changed = [(a != b) for a, b in zip(after, before, strict=True)]
    assert changed[0].all()
    assert 5 < changed[2].any(axis=1).sum() < 25
    before, after, _ = one_step([6, 30, 30, 2], [0.5, 0.0], X, Y)
    changed = [(a != b) for a, b in zip(after, before, strict=True)]
    assert 5 < changed[0].any(axis=0).sum() < 25
    assert changed[2].all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bits_do_not_depend_on_threads(dtype):
    X, Y = data(700, inputs=40, dtype=dtype)

    def trained(n_threads, dropout=(0.25, 0.5)):
        network = fp.Network([40, 65, 48, 2], activation=["relu", "mish"], dtype=dtype, seed=1)
        history = fp.train(
            network, X, Y, optimizer=fp.Adam(), batch_size=300, epochs=3, dropout=dropout,
            n_threads=n_threads, validation=(X[:50], Y[:50]),
        )  # fmt: skip
        return [W.tolist() for W in network.weights], history.loss, history.validation_loss

    one = trained(1)
    assert all(trained(n_threads) == one for n_threads in [2, 3, 8])
    assert trained(1, dropout=0.0) == trained(1, dropout=[0, 0]) == trained(1, dropout=None) != one


def test_validation_and_predictions_use_all_units():
    X, Y = data()
    network = fp.Network([6, 30, 2], activation="tanh", dtype="float64", seed=1)
    scores = []

    def score(net):
        scores.append(-net.loss_and_gradients(X, Y)[0])
        return scores[-1]

    history = fp.train(
        network,
        X,
        Y,
        dropout=0.5,
        epochs=4,
        optimizer=fp.SGD(0.01),
        validation=(X, Y),
        validation_score=score,
    )
    np.testing.assert_allclose(history.validation_loss, -np.array(scores), rtol=1e-12)
    np.testing.assert_array_equal(network.predict(X), network.predict(X))


def test_going_on_is_not_starting_again():
    X, Y = data()
    whole, parts = (fp.Network([6, 9, 2], dtype="float64", seed=1) for _ in range(2))
    fp.train(whole, X, Y, dropout=0.5, epochs=6, optimizer=fp.Adam(), batch_size=100)
    optimizer = fp.Adam()
    for warm_start in [False, True]:
        fp.train(
            parts, X, Y, dropout=0.5, epochs=3, optimizer=optimizer, batch_size=100, warm_start=warm_start
        )
    np.testing.assert_array_equal(parts.predict(X), whole.predict(X))


@pytest.mark.parametrize(
    ("dropout", "error", "message"),
    [
        (1.0, ValueError, "dropout must be from 0 to 1, 1 excluded, got 1.0"),
        (-0.1, ValueError, "dropout must be from 0 to 1"),
        (np.nan, ValueError, "dropout must be .* got nan"),
        ([0.1], ValueError, "dropout must be one rate for each of the 2 hidden layers, got 1"),
        ([0.1, 0.2, 0.3], ValueError, "dropout must be one rate for each"),
        ([0.1, 2], ValueError, "dropout must be from 0 to 1"),
        ("half", TypeError, "dropout must be a real number, a Schedule or a function of the step, got str"),
        (
            [0.1, "half"],
            TypeError,
            "dropout must be a real number, a Schedule or a function of the step, got str",
        ),
    ],
)
def test_wrong_rates(dropout, error, message):
    X, Y = data(5)
    with pytest.raises(error, match=message):
        fp.train(fp.Network([6, 3, 3, 2]), X, Y, dropout=dropout)


def test_without_hidden_layers_there_is_nothing_to_leave_out():
    X, Y = data(5)
    fp.train(fp.Network([6, 2]), X, Y, dropout=0.5, epochs=1)
    with pytest.raises(ValueError, match="dropout"):
        fp.train(fp.Network([6, 2]), X, Y, dropout=1.5, epochs=1)
