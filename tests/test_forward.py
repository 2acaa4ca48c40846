"""What a network is, and what it predicts."""

import ferroprop as fp
import numpy as np
import pytest
import reference
from hypothesis import given, settings
from strategies import LAYOUTS, Problem, assert_close, large_problems, layouts, problems


@given(problems())
def test_predictions_are_those_of_the_reference(problem: Problem):
    answer = problem.reference_answer(lambda p, dtype: [reference.predict(p.layers(dtype), p.data(dtype)[0])])
    predicted = problem.network().predict(problem.X)
    assert predicted.dtype == problem.dtype
    assert_close([predicted], answer, problem.dtype, problem.n_layers)


@given(problems(), layouts)
def test_the_layout_of_the_input_does_not_matter(problem: Problem, lay_out):
    network = problem.network()
    np.testing.assert_array_equal(
        network.predict(lay_out(problem.X)), network.predict(problem.X), strict=True
    )


@given(problems())
def test_a_row_does_not_depend_on_its_neighbours(problem: Problem):
    network = problem.network()
    together = network.predict(problem.X)
    for i in range(0, len(problem.X), 1 + len(problem.X) // 20):
        np.testing.assert_array_equal(together[i : i + 1], network.predict(problem.X[i : i + 1]))


@settings(max_examples=settings().max_examples // 3)
@given(large_problems())
def test_the_number_of_threads_does_not_matter(problem: Problem):
    network = problem.network()
    one = network.predict(problem.X, n_threads=1)
    for n_threads in [2, 3, 8]:
        np.testing.assert_array_equal(network.predict(problem.X, n_threads=n_threads), one)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given_dtype", [np.float16, np.float32, np.float64, np.int64, np.uint8, bool])
def test_numbers_of_other_types_are_converted(dtype, given_dtype):
    network = fp.Network([2, 3, 1], activation="tanh", dtype=dtype)
    X = np.array([[0, 1], [1, 0], [1, 1]])
    predicted = network.predict(X.astype(given_dtype))
    assert predicted.dtype == dtype
    np.testing.assert_array_equal(predicted, network.predict(X.astype(dtype)), strict=True)


def single_unit(activation, dtype="float64"):
    """Return f as a network: one input, one output, weight 1 and no bias."""
    network = fp.Network([1, 1], output_activation=activation, bias=False, dtype=dtype)
    network.set_parameters([[[1.0]]], [None])
    return network


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("identity", [-1000, -2, 0, 0.5, 1000]),
        ("relu", [0, 0, 0, 0.5, 1000]),
        ("logistic", [0, 0.11920292202211755, 0.5, 0.6224593312018546, 1]),
        (fp.Logistic(4.0), [0, 0.0003353501304664781, 0.5, 0.8807970779778824, 1]),
        ("tanh", [-1, -0.9640275800758169, 0, 0.46211715726000975, 1]),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_at_known_points(activation, expected, dtype):
    points = np.array([[-1000], [-2], [0], [0.5], [1000]])
    predicted = single_unit(activation, dtype).predict(points)[:, 0]
    np.testing.assert_allclose(predicted, expected, rtol=4 * np.finfo(dtype).eps, atol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_is_a_distribution_even_far_out(dtype):
    network = fp.Network([3, 3], output_activation="softmax", bias=False, dtype=dtype)
    network.set_parameters([np.eye(3)], [None])
    predicted = network.predict([[0, 0, 0], [1000, 1000, -1000], [-1000, 999, 1000], [1, 2, 3]])
    np.testing.assert_allclose(predicted[0], 1 / 3, rtol=np.finfo(dtype).eps)
    np.testing.assert_array_equal(predicted[1], [0.5, 0.5, 0])
    np.testing.assert_allclose(
        predicted[2], [0, 1 / (1 + np.e), np.e / (1 + np.e)], rtol=4 * np.finfo(dtype).eps
    )
    np.testing.assert_allclose(predicted[3], np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum(), rtol=1e-6)
    np.testing.assert_allclose(predicted.sum(axis=1), 1, rtol=2 * np.finfo(dtype).eps)


def test_a_network_tells_what_it_is():
    network = fp.Network(
        [4, 3, 5, 2],
        activation=["tanh", fp.Logistic(0.5)],
        output_activation="softmax",
        bias=[True, False, True],
        dtype="float64",
    )
    assert network.layer_sizes == [4, 3, 5, 2]
    assert [getattr(f, "slope", f) for f in network.activations] == ["tanh", 0.5]
    assert network.output_activation == "softmax"
    assert network.bias == [True, False, True]
    assert network.dtype == np.float64
    assert [W.shape for W in network.weights] == [(4, 3), (3, 5), (5, 2)]
    assert [None if b is None else b.shape for b in network.biases] == [(3,), None, (2,)]
    assert network.n_parameters == 12 + 3 + 15 + 10 + 2


def test_one_activation_stands_for_all_hidden_layers():
    assert fp.Network([1, 2, 2, 1], activation="tanh").activations == ["tanh", "tanh"]
    assert fp.Network([1, 1], activation="tanh").activations == []


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype(np.float32), "<f4"])
def test_the_dtype_may_be_a_name_or_a_type(dtype):
    assert fp.Network([1, 1], dtype=dtype).dtype == np.float32


def parameters(network):
    return [array for array in [*network.weights, *network.biases] if array is not None]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_glorot_weights_are_uniform_between_bounds(dtype):
    network = fp.Network(
        [300, 200, 100], activation="relu", output_activation="logistic", dtype=dtype, seed=1
    )
    for layer, (numerator, fans) in enumerate([(6, 500), (2, 300)]):
        bound = np.sqrt(numerator / fans)
        for drawn in [network.weights[layer], network.biases[layer]]:
            assert drawn.dtype == dtype
            assert np.abs(drawn).max() <= bound * (1 + 1e-6)
            assert np.abs(drawn).max() > 0.95 * bound
        weights = network.weights[layer]
        assert abs(weights.mean()) < 5 * bound / np.sqrt(3 * weights.size)
        np.testing.assert_allclose(weights.std(), bound / np.sqrt(3), rtol=0.02)
        np.testing.assert_allclose(np.histogram(weights, 10)[0] / weights.size, 0.1, rtol=0.1)


def test_uniform_weights_are_between_their_bounds():
    network = fp.Network([100, 100, 2], init="uniform", init_range=0.01, dtype="float64")
    for drawn in parameters(network):
        assert 0.007 * (drawn.size > 9) <= np.abs(drawn).max() <= 0.01
    np.testing.assert_allclose(network.weights[0].std(), 0.01 / np.sqrt(3), rtol=0.03)


@pytest.mark.parametrize("init", ["glorot", "uniform"])
def test_the_seed_decides_the_weights(init):
    def drawn(seed):
        return np.concatenate([p.ravel() for p in parameters(fp.Network([20, 30, 10], init=init, seed=seed))])

    np.testing.assert_array_equal(drawn(3), drawn(3))
    for seed in [0, 1, 2, 2**32 + 3, 2**63]:
        assert np.mean(drawn(seed) == drawn(3)) < 0.01
    assert len(np.unique(drawn(3))) > 0.99 * drawn(3).size
    assert abs(np.corrcoef(drawn(3), drawn(4))[0, 1]) < 0.15


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_come_back_as_they_were_set(layout, dtype):
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape).astype(dtype) for shape in [(3, 4), (4, 2)]]
    biases = [rng.normal(size=4).astype(dtype), None]
    network = fp.Network([3, 4, 2], bias=[True, False], dtype=dtype)
    lay_out = LAYOUTS[layout]
    network.set_parameters([lay_out(W) for W in weights], [lay_out(biases[0]), None])
    for kept, W in zip(network.weights, weights, strict=True):
        np.testing.assert_array_equal(kept, W, strict=True)
    np.testing.assert_array_equal(network.biases[0], biases[0], strict=True)
    assert network.biases[1] is None


def test_repr_shows_the_network():
    text = repr(fp.Network([4, 10, 3], activation="tanh", output_activation="softmax"))
    for part in ["4", "10", "3", "tanh", "softmax", "float32"]:
        assert part in text
