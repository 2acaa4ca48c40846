"""Keras: the arrays of `set_weights`, against the documented order and, if installed, Keras itself."""

import os
from importlib.util import find_spec

import ferroprop as fp
import numpy as np
import pytest
from ferroprop.export import to_keras_weights
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

CELLS = ["rnn", "lstm", "gru"]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(*shape, dtype="float64"):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def test_dense_layers_in_the_documented_order():
    net = fp.Network([4, 3, 2], bias=[True, False], init="uniform", seed=1)
    kernel, bias, second, zeros = net.to_keras_weights()
    np.testing.assert_array_equal(kernel, net.weights[0])
    np.testing.assert_array_equal(bias, net.biases[0])
    np.testing.assert_array_equal(second, net.weights[1])
    assert zeros.tolist() == [0, 0]
    assert {array.dtype.name for array in (kernel, bias, second, zeros)} == {"float32"}
    kernel[:] = 0
    assert net.weights[0].any()


def test_the_way_back():
    net, again = (fp.Network([4, 3, 2], init="uniform", seed=seed) for seed in (1, 2))
    weights = net.to_keras_weights()
    again.set_parameters(weights[::2], weights[1::2])
    np.testing.assert_array_equal(again.parameter_vector, net.parameter_vector)


def test_estimators():
    X = rows(40, 3)
    model = fp.MLPClassifier((5,), max_iter=3).fit(X, X[:, 0] > 0)
    for array, expected in zip(
        model.to_keras_weights()[::2], model.coefs_, strict=True
    ):  # kernels are (inputs, outputs)
        np.testing.assert_array_equal(array, expected)
    series = X.reshape(10, 4, 3)
    rnn = fp.RNNRegressor((5,), cell="gru", max_iter=3).fit(series, series.sum(axis=(1, 2)))
    for array, expected in zip(rnn.to_keras_weights(), rnn.network_.to_keras_weights(), strict=True):
        np.testing.assert_array_equal(array, expected)


def test_what_is_no_list_of_layers():
    X = rows(20, 3)
    scaled = make_pipeline(StandardScaler(), fp.MLPRegressor(max_iter=2)).fit(X, X[:, 0])
    with pytest.raises(ValueError, match=r"got a Pipeline that prepares its rows: .* pipeline\[-1\]"):
        to_keras_weights(scaled)
    target = TransformedTargetRegressor(fp.MLPRegressor(max_iter=2), transformer=StandardScaler())
    with pytest.raises(ValueError, match="got a TransformedTargetRegressor: export its regressor_"):
        to_keras_weights(target.fit(X, X[:, 0]))
    with pytest.raises(ValueError, match="got dtype complex64"):
        fp.Network([2, 1], dtype="complex64").to_keras_weights()
    with pytest.raises(ValueError, match="MLPRegressor is not fitted yet"):
        fp.MLPRegressor().to_keras_weights()


@pytest.fixture(scope="module")
def keras():
    """Keras on PyTorch; it is too large for CI.

    It multiplies matrices in float32, whatever the layers' dtype, so float64 is not compared.
    """
    for name in ("keras", "torch"):
        if not find_spec(name):
            pytest.skip(f"{name} is not installed: the weights are not tested in Keras itself here")
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    return keras


of_keras = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # its own code


@of_keras
def test_keras_computes_the_same_with_dense_layers(keras):
    net = fp.Network(
        [4, 6, 5, 3],
        activation=["tanh", "relu"],
        output_activation="softmax",
        bias=[True, True, False],
        init="uniform",
        seed=1,
    )
    made = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(6, "tanh"),
            keras.layers.Dense(5, "relu"),
            keras.layers.Dense(3, "softmax"),
        ]
    )
    made.set_weights(net.to_keras_weights())
    X = rows(20, 4, dtype="float32")
    said = made(X).detach().numpy()
    assert np.abs(said - net.predict(X)).max() <= 1e-6


@of_keras
@pytest.mark.parametrize("cell", CELLS)
def test_keras_computes_the_same_with_recurrent_layers(keras, cell):
    net = fp.RecurrentNetwork([3, 5, 4, 2], cell=cell, init="uniform", init_range=0.7, seed=1)
    kind = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell]
    made = keras.Sequential(
        [
            keras.layers.Input((None, 3)),
            kind(5, return_sequences=True),
            kind(4),
            keras.layers.Dense(2),
        ]
    )
    made.set_weights(net.to_keras_weights())
    X = rows(6, 9, 3, dtype="float32")
    said = made(X).detach().numpy()
    assert np.abs(said - net.predict(X)).max() <= 3 * 1e-6
    net.set_keras_weights(made.get_weights())
