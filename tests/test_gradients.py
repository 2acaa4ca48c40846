"""The loss and its gradients."""

import ferroprop as fp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import Problem, assert_close, flat_list, large_problems, layouts, problems, relative_error


@given(problems())
def test_loss_and_gradients_are_those_of_the_reference(problem: Problem):
    answer = problem.reference_answer(lambda p, dtype: flat_list(p.reference_gradients(dtype)))
    loss, weight_gradients, bias_gradients = problem.network().loss_and_gradients(
        problem.X, problem.Y, **problem.keywords
    )
    assert isinstance(loss, float)
    assert all(g.dtype == problem.dtype for g in weight_gradients)
    assert [g is None for g in bias_gradients] == [b is None for b in problem.biases]
    assert_close(flat_list((loss, weight_gradients, bias_gradients)), answer, problem.dtype, problem.n_layers)


def away_from_kinks(problem, distance=1e-4):
    """Tell whether no ReLU's net input is so near 0 that a small step could carry it across."""
    a = problem.X
    for layer in problem.layers()[:-1]:
        z = a @ layer.weights + (0 if layer.biases is None else layer.biases)
        if layer.activation == "relu" and np.abs(z).min() < distance:
            return False
        a = np.maximum(z, 0) if layer.activation == "relu" else np.tanh(z)
    return True


@given(
    problems(dtypes=[np.float64], hidden=["relu", "tanh"], sizes=st.integers(1, 5), rows=st.integers(1, 5))
)
def test_gradients_are_central_differences_with_relu(problem: Problem):
    assume(away_from_kinks(problem))
    check_central_differences(problem)


@given(
    problems(
        dtypes=[np.float64],
        hidden=["identity", "logistic", "tanh"],
        sizes=st.integers(1, 6),
        rows=st.integers(1, 6),
    )
)
def test_gradients_are_central_differences(problem: Problem):
    check_central_differences(problem)


def check_central_differences(problem):
    """Compare every gradient with (E(w + eps) - E(w - eps)) / (2 eps)."""
    eps, network = 1e-6, problem.network()
    parameters = [*problem.weights, *problem.biases]
    _, weight_gradients, bias_gradients = network.loss_and_gradients(problem.X, problem.Y, **problem.keywords)

    def loss_with(position, index, change):
        moved = [None if p is None else p.copy() for p in parameters]
        moved[position][index] += change
        network.set_parameters(moved[: problem.n_layers], moved[problem.n_layers :])
        return network.loss_and_gradients(problem.X, problem.Y, **problem.keywords)[0]

    for position, gradient in enumerate([*weight_gradients, *bias_gradients]):
        for index in np.ndindex(np.shape(gradient) if gradient is not None else (0,)):
            difference = (loss_with(position, index, eps) - loss_with(position, index, -eps)) / (2 * eps)
            np.testing.assert_allclose(gradient[index], difference, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(
    "output", ["tanh", "relu", "softmax", "logistic", fp.Logistic(3.0), "identity"], ids=str
)
@pytest.mark.parametrize("hidden", ["tanh", "relu", "logistic", fp.Logistic(0.3), "identity"], ids=str)
def test_every_output_with_squared_error(output, hidden):
    rng = np.random.default_rng(8)
    problem = Problem(
        dtype=np.float64,
        layer_sizes=[3, 4, 3],
        activation=hidden,
        output=output,
        bias=True,
        loss="squared_error",
        alpha=0.1,
        weights=[rng.normal(size=(3, 4)), rng.normal(size=(4, 3))],
        biases=[rng.normal(size=4), rng.normal(size=3)],
        X=rng.normal(size=(6, 3)),
        Y=rng.normal(size=(6, 3)),
        sample_weight=rng.uniform(0, 2, 6),
    )
    actual = flat_list(problem.network().loss_and_gradients(problem.X, problem.Y, **problem.keywords))
    assert_close(actual, flat_list(problem.reference_gradients()), np.float64, 2)
    check_central_differences(problem)


@given(problems(), layouts)
def test_the_layout_of_the_data_does_not_matter(problem: Problem, lay_out):
    network = problem.network()
    expected = flat_list(network.loss_and_gradients(problem.X, problem.Y, **problem.keywords))
    weights = problem.sample_weight if problem.sample_weight is None else lay_out(problem.sample_weight)
    actual = flat_list(
        network.loss_and_gradients(
            lay_out(problem.X),
            lay_out(problem.Y),
            loss=problem.loss,
            sample_weight=weights,
            alpha=problem.alpha,
        )
    )
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, e)


@settings(max_examples=settings().max_examples // 3)
@given(large_problems())
def test_the_number_of_threads_does_not_matter(problem: Problem):
    network = problem.network()
    one = flat_list(network.loss_and_gradients(problem.X, problem.Y, **problem.keywords, n_threads=1))
    for n_threads in [2, 3, 8]:
        many = flat_list(
            network.loss_and_gradients(problem.X, problem.Y, **problem.keywords, n_threads=n_threads)
        )
        for a, e in zip(many, one, strict=True):
            np.testing.assert_array_equal(a, e)


@given(problems(dtypes=[np.float64], rows=st.integers(1, 20)), st.integers(0, 2**32 - 1))
def test_an_integer_weight_is_a_repeated_row(problem: Problem, seed):
    problem.sample_weight, network = None, problem.network()
    times = np.random.default_rng(seed).integers(0, 4, len(problem.X))
    assume(times.any())
    problem.reference_answer(lambda p, dtype: flat_list(p.reference_gradients(dtype)))
    weighted = network.loss_and_gradients(
        problem.X, problem.Y, loss=problem.loss, alpha=problem.alpha, sample_weight=times
    )
    repeated = network.loss_and_gradients(
        np.repeat(problem.X, times, axis=0),
        np.repeat(problem.Y, times, axis=0),
        loss=problem.loss,
        alpha=problem.alpha,
    )
    for a, e in zip(flat_list(weighted), flat_list(repeated), strict=True):
        assert relative_error(a, e) <= 1e-11


# The loss by hand -----------------------------------------------------------------------------------------


def one_unit(output, dtype="float64", bias=0.0):
    """Return a network with one input, one output and weight 1."""
    network = fp.Network([1, 1], output_activation=output, dtype=dtype)
    network.set_parameters([[[1.0]]], [[bias]])
    return network


def test_squared_error_by_hand():
    loss, (dW,), (db,) = one_unit("identity").loss_and_gradients(
        [[1.0], [3.0]], [[2.0], [0.0]], loss="squared_error"
    )
    assert loss == (0.5 * 1 + 0.5 * 9) / 2
    np.testing.assert_array_equal(dW, [[(-1 * 1 + 3 * 3) / 2]])
    np.testing.assert_array_equal(db, [(-1 + 3) / 2])


def test_penalty_by_hand():
    """The penalty takes weights, not biases, and is divided by the sum of the sample weights."""
    loss, (dW,), (db,) = one_unit("identity", bias=7.0).loss_and_gradients(
        [[1.0], [1.0]], [[8.0], [8.0]], loss="squared_error", alpha=0.5, sample_weight=[3.0, 1.0]
    )
    assert loss == 0.5 * 0.5 * 1**2 / 4
    np.testing.assert_array_equal(dW, [[0.5 * 1 / 4]])
    np.testing.assert_array_equal(db, [0.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_loss_does_not_saturate(dtype):
    """A certain, wrong answer costs its logit and has a gradient; a probability would have neither."""
    network = one_unit("logistic", dtype)
    for z, t, loss, slope in [(1000, 0, 1000, 1), (-1000, 1, 1000, -1), (1000, 1, 0, 0), (-1000, 0, 0, 0)]:
        actual, _, (db,) = network.loss_and_gradients([[z]], [[t]], loss="log_loss")
        assert (actual, db[0]) == (loss, slope)
    network = fp.Network([2, 2], output_activation="softmax", bias=False, dtype=dtype)
    network.set_parameters([np.eye(2)], [None])
    actual, (dW,), _ = network.loss_and_gradients([[0, 500]], [[1, 0]], loss="log_loss")
    assert actual == 500
    np.testing.assert_array_equal(dW, [[0, 0], [-500, 500]])


def test_log_loss_near_certainty_keeps_its_digits():
    actual, _, (db,) = one_unit("logistic").loss_and_gradients([[-40.0]], [[0.0]], loss="log_loss")
    np.testing.assert_allclose([actual, db[0]], np.exp(-40.0), rtol=1e-14)


def test_relu_has_no_slope_at_zero():
    network = fp.Network([1, 1, 1], activation="relu", dtype="float64", bias=False)
    network.set_parameters([[[1.0]], [[1.0]]], [None, None])
    _, (first, _), _ = network.loss_and_gradients([[0.0]], [[5.0]], loss="squared_error")
    np.testing.assert_array_equal(first, [[0.0]])


@pytest.mark.parametrize(
    ("output", "loss"), [("identity", "squared_error"), ("logistic", "log_loss"), ("softmax", "log_loss")]
)
def test_the_loss_has_a_natural_default(output, loss):
    network = fp.Network([2, 3], output_activation=output, seed=2)
    X, Y = [[1.0, 2.0]], [[0.0, 1.0, 0.0]]
    assert network.loss_and_gradients(X, Y)[0] == network.loss_and_gradients(X, Y, loss=loss)[0]


def test_float32_adds_a_million_rows():
    """One running sum in single precision would stop growing long before the last row."""
    X = np.random.default_rng(0).random((1_000_000, 1), np.float32)
    exact = X.astype(np.float64)
    loss, (dW,), (db,) = one_unit("identity", "float32").loss_and_gradients(
        X, np.zeros_like(X), loss="squared_error"
    )
    assert relative_error(loss, (exact**2).mean() / 2) <= 1e-8
    assert relative_error(dW, [[(exact**2).mean()]]) <= 2e-6
    assert relative_error(db, [exact.mean()]) <= 2e-6
