"""Parameters of a network from outside: copies that say so, one vector of all, a type for type checkers."""

import pickle
import typing

import ferroprop as fp
import numpy as np
import pytest

DTYPES = ["float32", "float64", "complex64", "complex128"]


def network(dtype="float64", **keywords):
    return fp.Network([3, 4, 2], output_activation="identity", activation="tanh", dtype=dtype, **keywords)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_a_network_gives_cannot_be_edited_by_mistake(dtype):
    net = network(dtype)
    for array in [*net.weights, *net.biases, net.parameter_vector]:
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
        # copies: nobody can make the network's own numbers writable
        array.setflags(write=True)
        array[...] = 0
    assert np.any(net.weights[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, [False, True]])
def test_one_vector(dtype, bias):
    net = network(dtype, bias=bias, seed=3)
    arrays = [a for pair in zip(net.weights, net.biases, strict=True) for a in pair if a is not None]
    np.testing.assert_array_equal(net.parameter_vector, np.concatenate([a.ravel() for a in arrays]))
    assert net.parameter_vector.dtype == dtype
    assert net.parameter_vector.shape == (net.n_parameters,)
    other = network(dtype, bias=bias, seed=4)
    other.set_parameter_vector(net.parameter_vector)
    assert pickle.dumps(other.parameter_vector) == pickle.dumps(net.parameter_vector)
    X = np.ones((2, 3))
    np.testing.assert_array_equal(other.predict(X), net.predict(X))
    other.set_parameter_vector(list(2 * net.parameter_vector))
    np.testing.assert_array_equal(other.weights[1], 2 * net.weights[1])


@pytest.mark.parametrize(
    ("vector", "error", "message"),
    [
        (np.zeros(25), ValueError, r"vector must have shape \(26,\), got \(25,\)"),
        (np.zeros((26, 1)), ValueError, "vector"),
        (np.full(26, np.nan), ValueError, r"vector must hold finite numbers, got nan at"),
        (None, TypeError, "vector must be"),
        (["a"] * 26, (TypeError, ValueError), "vector"),
    ],
)
def test_bad_vectors_change_nothing(vector, error, message):
    net = network()
    before = net.parameter_vector
    with pytest.raises(error, match=message):
        net.set_parameter_vector(vector)
    np.testing.assert_array_equal(net.parameter_vector, before)


def test_annotations():
    def f(net: fp.Network[np.float64]) -> None: ...

    alias = typing.get_type_hints(f)["net"]
    assert typing.get_origin(alias) is fp.Network
    assert typing.get_args(alias) == (np.float64,)
