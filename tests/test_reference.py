"""The reference itself: derivatives against differences, rules against published numbers and scikit-learn."""

import copy
import warnings

import numpy as np
import pytest
import reference
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

COMBINATIONS = [
    ("squared_error", "identity"),
    ("squared_error", "logistic"),
    ("squared_error", "softmax"),
    ("squared_error", "tanh"),
    ("log_loss", "logistic"),
    ("log_loss", "softmax"),
]


def example(loss, output, hidden):
    """Return a 3-4-2 network with data; the logistic function has slope 1.7."""
    rng = np.random.default_rng(5)
    layers = [
        reference.Layer(rng.normal(size=(3, 4)), rng.normal(size=4), hidden, {"slope": 1.7}),
        reference.Layer(rng.normal(size=(4, 2)), None, output, {"slope": 1.7}),
    ]
    X, T = rng.normal(size=(7, 3)), rng.random((7, 2))
    if output == "softmax" and loss == "log_loss":
        T /= T.sum(axis=1, keepdims=True)
    return layers, X, T, rng.uniform(0, 2, 7)


@pytest.mark.parametrize("hidden", ["identity", "logistic", "tanh", "relu", "softmax"])
@pytest.mark.parametrize(("loss", "output"), COMBINATIONS)
def test_gradients_are_derivatives_of_the_loss(loss, output, hidden):
    layers, X, T, sample_weight = example(loss, output, hidden)
    _, weight_gradients, bias_gradients = reference.loss_and_gradients(
        layers, X, T, loss, sample_weight, alpha=0.3
    )
    vector = reference.to_vector([layer.weights for layer in layers], [layer.biases for layer in layers])

    def loss_at(moved):
        moved = reference.with_parameters(layers, moved)
        return reference.total_loss(moved, X, T, loss, sample_weight, alpha=0.3)

    eps = 1e-6
    differences = [
        (loss_at(vector + eps * e) - loss_at(vector - eps * e)) / (2 * eps) for e in np.eye(len(vector))
    ]
    np.testing.assert_allclose(
        reference.to_vector(weight_gradients, bias_gradients), differences, rtol=1e-6, atol=1e-8
    )


def test_log_loss_is_minus_the_logarithm_of_the_probability():
    for output in ["logistic", "softmax"]:
        layers, X, T, _ = example("log_loss", output, "tanh")
        p = reference.predict(layers, X)
        likelihood = T * np.log(p) if output == "softmax" else T * np.log(p) + (1 - T) * np.log(1 - p)
        z = reference.net_input(layers[-1], reference.forward(layers, X)[-2])
        np.testing.assert_allclose(
            reference.row_losses(layers[-1], z, T, "log_loss"), -likelihood.sum(axis=1), rtol=1e-12
        )


def test_rprop_follows_the_golden_trace():
    curvature = np.array([[1.0, 1.0], [1.0, 10.0]])  # f(x, y) = (x^2 + 2xy + 10y^2) / 2
    w, rprop, trace = np.array([1.0, -0.3]), reference.Rprop(), {}
    for t in range(1, 13):
        w = rprop.step(w, curvature @ w, w @ curvature @ w / 2)
        trace[t] = w
    np.testing.assert_allclose(trace[4], (0.4632, 0.064), rtol=1e-14)
    np.testing.assert_allclose(trace[6], (0.007008, -0.0944), rtol=1e-13)
    np.testing.assert_allclose(trace[7], (0.25584, -0.008), rtol=1e-13)
    np.testing.assert_allclose(trace[12], (0.0567744, -0.00368), rtol=1e-13)


@pytest.mark.parametrize(
    ("keywords", "optimizer"),
    [
        (
            {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False},
            reference.SGD(0.05, momentum=0.0, nesterov=False),
        ),
        (
            {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False},
            reference.SGD(0.05, momentum=0.9, nesterov=False),
        ),
        ({"solver": "sgd", "momentum": 0.8}, reference.SGD(0.05, momentum=0.8)),
        ({"solver": "adam"}, reference.Adam(0.05)),
    ],
    ids=["descent", "momentum", "nesterov", "adam"],
)
@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_training_is_that_of_scikit_learn(estimator, keywords, optimizer):
    """scikit-learn's warm start forgets the optimizer, so a second fit begins from weights we can read."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(23, 4)), rng.integers(3, size=23)
    model = estimator(
        hidden_layer_sizes=(5,),
        activation="tanh",
        alpha=0.2,
        batch_size=10,
        learning_rate_init=0.05,
        shuffle=False,
        max_iter=1,
        warm_start=True,
        random_state=0,
        **keywords,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
        layers = [
            reference.Layer(W.copy(), b.copy(), name)
            for W, b, name in zip(
                model.coefs_, model.intercepts_, ["tanh", model.out_activation_], strict=True
            )
        ]
        model.set_params(max_iter=6).fit(X, y)
    T, loss = (
        (np.eye(3)[y], "log_loss") if estimator is MLPClassifier else (y[:, None] * 1.0, "squared_error")
    )
    trained = reference.train(
        layers, X, T, loss, copy.deepcopy(optimizer), epochs=6, batch_size=10, alpha=0.2
    )
    for layer, W, b in zip(trained.layers, model.coefs_, model.intercepts_, strict=True):
        np.testing.assert_allclose(layer.weights, W, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(layer.biases, b, rtol=1e-10, atol=1e-12)
