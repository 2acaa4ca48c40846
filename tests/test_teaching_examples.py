"""Worked examples from the literature, to all printed digits.

A double holds 15 to 17 digits; the numbers are printed with up to 17, of which the last depend on the order
of additions. They are compared to 2e-15, and after ten thousand steps to 1e-12.
"""

import ferroprop as fp
import numpy as np
import pytest
from numpy.testing import assert_allclose

# M. Mazur, "A step by step backpropagation example": 2-2-2, logistic, E = sum 1/2 (t - o)^2, rate 0.5.
MAZUR_X, MAZUR_T = [[0.05, 0.10]], [[0.01, 0.99]]


@pytest.fixture
def mazur():
    network = fp.Network([2, 2, 2], activation="logistic", output_activation="logistic", dtype="float64")
    # The example lists the weights per receiving unit, hence the transpose.
    weights = [np.array([[0.15, 0.20], [0.25, 0.30]]).T, np.array([[0.40, 0.45], [0.50, 0.55]]).T]
    network.set_parameters(weights, [[0.35, 0.35], [0.60, 0.60]])
    return network


def step_with_fixed_biases(network, learning_rate=0.5):
    """Take one step of gradient descent by hand; the example never moves the biases."""
    _, gradients, _ = network.loss_and_gradients(MAZUR_X, MAZUR_T, loss="squared_error")
    moved = [W - learning_rate * g for W, g in zip(network.weights, gradients, strict=True)]
    network.set_parameters(moved, network.biases)


def mazur_loss(network):
    return network.loss_and_gradients(MAZUR_X, MAZUR_T, loss="squared_error")[0]


def test_mazur_forward(mazur):
    first_layer = fp.Network([2, 2], output_activation="logistic", dtype="float64")
    first_layer.set_parameters(mazur.weights[:1], mazur.biases[:1])
    assert_allclose(first_layer.predict(MAZUR_X), [[0.5932699921071872, 0.5968843782597670]], rtol=2e-15)
    assert_allclose(mazur.predict(MAZUR_X), [[0.7513650695523157, 0.7729284653214625]], rtol=2e-15)


def test_mazur_error(mazur):
    assert_allclose(mazur_loss(mazur), 0.2983711087600027, rtol=2e-15)
    assert_allclose(mazur_loss(mazur), 0.274811083176155 + 0.023560025583847746, rtol=2e-15)


def test_mazur_deltas(mazur):
    """With one row, the gradient of a bias is its unit's delta."""
    _, _, (hidden, output) = mazur.loss_and_gradients(MAZUR_X, MAZUR_T, loss="squared_error")
    assert_allclose(output, [0.13849856162855695, -0.038098236516556236], rtol=2e-15)
    assert_allclose(hidden, [0.00877135468948693, 0.009954254705217196], rtol=2e-15)


def test_mazur_one_step_with_fixed_biases(mazur):
    step_with_fixed_biases(mazur)
    first, second = mazur.weights
    assert_allclose(
        second.T,
        [[0.35891647971788465, 0.4086661860762334], [0.5113012702387375, 0.5613701211079891]],
        rtol=2e-15,
    )
    assert_allclose(
        first.T,
        [[0.1497807161327628, 0.19956143226552567], [0.24975114363236958, 0.29950228726473915]],
        rtol=2e-15,
    )
    assert_allclose(mazur_loss(mazur), 0.29102777369359933, rtol=2e-15)


def test_mazur_does_not_use_updated_weights_in_the_hidden_deltas(mazur):
    """The post prints 0.291027924, which comes from doing so."""
    step_with_fixed_biases(mazur)
    assert abs(mazur_loss(mazur) - 0.291027924) > 1e-7


def test_mazur_ten_thousand_steps(mazur):
    for _ in range(10_000):
        step_with_fixed_biases(mazur)
    assert_allclose(mazur.predict(MAZUR_X), [[0.01591362044355068, 0.9840642735146238]], rtol=1e-12)
    assert_allclose(mazur_loss(mazur), 3.510187782978859e-05, rtol=1e-12)


def test_mazur_one_step_with_trained_biases(mazur):
    history = fp.train(
        mazur,
        MAZUR_X,
        MAZUR_T,
        loss="squared_error",
        optimizer=fp.SGD(0.5, momentum=0.0),
        epochs=1,
    )
    assert_allclose(history.loss, [0.2983711087600027], rtol=2e-15)
    first, second = mazur.biases
    assert_allclose(first, [0.3456143226552565, 0.3450228726473914], rtol=2e-15)
    assert_allclose(second, [0.5307507191857215, 0.6190491182582781], rtol=2e-15)
    assert_allclose(mazur_loss(mazur), 0.28047144679143016, rtol=2e-15)


def test_cs231n_sigmoid_gate():
    """Stanford's CS231n: f = logistic(w0 x0 + w1 x1 + w2), with its gradients on w and on x.

    The input x stands in the weights of a first layer fed with 1, so that dx is a gradient of weights. The
    target f - 1 makes the slope of the squared error 1, so that the gradients are those of f itself.
    """
    network = fp.Network(
        [1, 2, 1], activation="identity", output_activation="logistic", bias=[False, True], dtype="float64"
    )
    network.set_parameters([[[-1.0, -2.0]], [[2.0], [-3.0]]], [None, [-3.0]])
    f = network.predict([[1.0]])
    assert_allclose(f, [[0.7310585786300049]], rtol=2e-16)
    loss, (dx, dw), (_, dw2) = network.loss_and_gradients([[1.0]], f - 1, loss="squared_error")
    assert loss == 0.5
    assert_allclose(dx, [[0.3932238664829637, -0.5898357997244456]], rtol=2e-15)
    assert_allclose(dw, [[-0.19661193324148185], [-0.3932238664829637]], rtol=2e-15)
    assert_allclose(dw2, [0.19661193324148185], rtol=2e-15)


def test_sigmoid_of_a_half_and_its_steepest_slope():
    unit = fp.Network([1, 1], output_activation="logistic", dtype="float64")
    unit.set_parameters([[[1.0]]], [[0.0]])
    assert_allclose(unit.predict([[0.5]]), [[0.6224593312018546]], rtol=2e-16)

    def slope(x):
        f = unit.predict([[x]])
        return unit.loss_and_gradients([[x]], f - 1, loss="squared_error")[2][0][0]

    assert slope(0.0) == 0.25
    assert max(slope(x) for x in np.linspace(-6, 6, 121)) == 0.25


def test_hours_slept_and_studied():
    """The 2-3-1 network without biases reaches grades of 92, 86 and 89 percent."""
    X = np.array([[2, 9], [1, 5], [3, 6]]) / [3, 9]
    y = np.array([[92], [86], [89]]) / 100
    rng = np.random.default_rng(1)
    network = fp.Network(
        [2, 3, 1], activation="logistic", output_activation="logistic", bias=False, dtype="float64"
    )
    network.set_parameters([rng.normal(size=(2, 3)), rng.normal(size=(3, 1))], [None, None])
    fp.train(network, X, y, loss="squared_error", optimizer=fp.Rprop(), epochs=300)
    assert_allclose(network.predict(X), y, atol=0.005)
