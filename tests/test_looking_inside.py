"""Outputs of hidden layers, and derivatives with respect to the inputs."""

import ferroprop as fp
import numpy as np
import pytest
import reference
from hypothesis import given, settings
from strategies import (
    ALL_ACTIVATIONS,
    HIDDEN_ACTIVATIONS,
    Problem,
    assert_close,
    large_problems,
    layouts,
    problems,
)


@given(problems(hidden=HIDDEN_ACTIVATIONS, outputs=ALL_ACTIVATIONS))
def test_both_are_those_of_the_reference(problem: Problem):
    def compute(p, dtype):
        X = p.data(dtype)[0]
        return [
            *reference.forward(p.layers(dtype), X)[1:-1],
            reference.input_gradient(p.layers(dtype), X[:30]),
        ]

    answer = problem.reference_answer(compute)
    network = problem.network()
    hidden = [network.hidden(problem.X, layer) for layer in range(problem.n_layers - 1)]
    gradient = network.input_gradient(problem.X[:30])
    assert all(array.dtype == problem.dtype for array in [*hidden, gradient])
    assert_close([*hidden, gradient], answer, problem.dtype, problem.n_layers)
    for back in range(1, problem.n_layers):
        np.testing.assert_array_equal(network.hidden(problem.X, -back), hidden[-back])


@settings(max_examples=settings().max_examples // 8)
@given(large_problems(), layouts)
def test_neither_threads_nor_layout_nor_other_rows_matter(problem: Problem, lay_out):
    network = problem.network()
    X = problem.X[:300]
    gradient = network.input_gradient(X, n_threads=1)
    for n_threads in [2, 8, None]:
        np.testing.assert_array_equal(network.input_gradient(lay_out(X), n_threads=n_threads), gradient)
    np.testing.assert_array_equal(network.input_gradient(X[7:9]), gradient[7:9])
    if problem.n_layers > 1:
        hidden = network.hidden(X, n_threads=1)
        np.testing.assert_array_equal(network.hidden(lay_out(X), n_threads=3), hidden)


@given(problems(dtypes=[np.float64], hidden=("tanh", "silu", "arctan", "mish"), outputs=("softmax", "exp")))
def test_input_gradients_are_central_differences(problem: Problem):
    network, X, eps = problem.network(), problem.X[:3], 1e-6
    gradient = network.input_gradient(X)
    for j in range(X.shape[1]):
        step = np.zeros(X.shape[1])
        step[j] = eps
        difference = (network.predict(X + step) - network.predict(X - step)) / (2 * eps)
        np.testing.assert_allclose(gradient[:, :, j], difference, rtol=1e-3, atol=1e-5)


def test_wrong_arguments():
    network = fp.Network([2, 3, 4, 1])
    for layer in [2, -3, 100, 10**30]:
        with pytest.raises(ValueError, match=f"layer must be from -2 to 1 for 2 hidden layers, got {layer}"):
            network.hidden([[1.0, 2.0]], layer)
    with pytest.raises(TypeError, match="layer must be an integer, got float"):
        network.hidden([[1.0, 2.0]], 0.5)
    with pytest.raises(ValueError, match="layer must be absent: the network has no hidden layer"):
        fp.Network([2, 1]).hidden([[1.0, 2.0]])
    for method in [network.hidden, network.input_gradient]:
        with pytest.raises(ValueError, match=r"X must have shape \(n, 2\)"):
            method([[1.0, 2.0, 3.0]])
        with pytest.raises(ValueError, match="X must hold finite numbers"):
            method([[1.0, np.inf]])
        with pytest.raises(ValueError, match="n_threads"):
            method([[1.0, 2.0]], n_threads=0)
