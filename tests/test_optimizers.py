"""The course of a training, step by step, under every optimizer and schedule."""

import ferroprop as fp
import numpy as np
import pytest
import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import Problem, assert_close, large_problems, problems, tolerance_of

EPOCHS = st.integers(1, 15)

rprop_constants = st.fixed_dictionaries(
    {
        "increase": st.sampled_from([1.2, 1.0625, 2.0]),
        "decrease": st.sampled_from([0.5, 0.25, 0.875]),
        "initial_step": st.sampled_from([0.0625, 0.1, 0.01]),
        "min_step": st.sampled_from([0.0, 1e-6, 0.03125]),
        "max_step": st.sampled_from([50.0, 0.125]),
    }
)
sgd_constants = st.fixed_dictionaries(
    {
        "learning_rate": st.sampled_from([0.5, 0.1, 0.0078125]),
        "momentum": st.sampled_from([0.0, 0.5, 0.9]),
        "nesterov": st.booleans(),
        "schedule": st.sampled_from(["constant", "linear", "invscaling"]),
        "final_learning_rate": st.sampled_from([0.0, 0.001]),
        "power_t": st.sampled_from([0.5, 0.25, 1.0]),
    }
)
adam_constants = st.fixed_dictionaries(
    {
        "learning_rate": st.sampled_from([0.1, 0.001]),
        "beta_1": st.sampled_from([0.9, 0.0, 0.5]),
        "beta_2": st.sampled_from([0.999, 0.5]),
        "epsilon": st.sampled_from([1e-8, 1e-3]),
    }
)


class DecisiveRprop(reference.Rprop):
    """Rprop that drops the example where rounding could decide a gradient's sign or whether the loss rose."""

    margin = 0.0

    def step(self, w, g, loss):
        if self.margin > 0:
            assume(np.abs(g[g != 0]).min(initial=np.inf) > self.margin * np.abs(g).max())
            if self.step_size is not None and np.isfinite(self.last_loss):
                assume(abs(loss - self.last_loss) > self.margin * abs(loss))
        return super().step(w, g, loss)


REFERENCE = {"Rprop": DecisiveRprop, "SGD": reference.SGD, "Adam": reference.Adam}


def check_trajectory(problem, name, constants, epochs, batch_size=None, order=None):
    """Train in the library and in the reference; compare parameters, losses and learning rates."""

    def course(p, dtype):
        X, Y, sample_weight = p.data(dtype)
        optimizer = REFERENCE[name](**constants)
        if p is problem and dtype is np.float64:
            optimizer.margin = tolerance_of(p.dtype, p.n_layers)
        trained = reference.train(
            p.layers(dtype),
            X,
            Y,
            p.loss,
            optimizer,
            epochs,
            batch_size=batch_size,
            order=order,
            sample_weight=sample_weight,
            alpha=p.alpha,
        )
        rates = [] if name == "Rprop" else [trained.rates]
        weights, biases = zip(*((layer.weights, layer.biases) for layer in trained.layers), strict=True)
        return [*weights, *(b for b in biases if b is not None), trained.losses, *rates]

    answer = problem.reference_answer(course)
    network = problem.network()
    history = fp.train(
        network,
        problem.X,
        problem.Y,
        **problem.keywords,
        optimizer=getattr(fp, name)(**constants),
        epochs=epochs,
        batch_size=batch_size,
        shuffle=False if order is None else order,
    )
    rates = [] if name == "Rprop" else [history.learning_rate]
    actual = [*network.weights, *(b for b in network.biases if b is not None), history.loss, *rates]
    assert_close(actual, answer, problem.dtype, problem.n_layers)


@settings(max_examples=settings().max_examples // 2)
@given(problems(), rprop_constants, EPOCHS)
def test_rprop_full_batch(problem: Problem, constants, epochs):
    check_trajectory(problem, "Rprop", constants, epochs)


@settings(max_examples=settings().max_examples // 2)
@given(problems(), sgd_constants, EPOCHS)
def test_sgd_full_batch(problem: Problem, constants, epochs):
    check_trajectory(problem, "SGD", constants, epochs)


@settings(max_examples=settings().max_examples // 2)
@given(problems(), adam_constants, EPOCHS)
def test_adam_full_batch(problem: Problem, constants, epochs):
    check_trajectory(problem, "Adam", constants, epochs)


@settings(max_examples=settings().max_examples // 2)
@given(problems(), rprop_constants, EPOCHS, st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_rprop_mini_batch(problem: Problem, constants, epochs, batch_size, seed):
    check_mini_batches(problem, "Rprop", constants, epochs, batch_size, seed)


@settings(max_examples=settings().max_examples // 2)
@given(problems(), sgd_constants, EPOCHS, st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_sgd_mini_batch(problem: Problem, constants, epochs, batch_size, seed):
    check_mini_batches(problem, "SGD", constants, epochs, batch_size, seed)


@settings(max_examples=settings().max_examples // 2)
@given(problems(), adam_constants, EPOCHS, st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_adam_mini_batch(problem: Problem, constants, epochs, batch_size, seed):
    check_mini_batches(problem, "Adam", constants, epochs, batch_size, seed)


def check_mini_batches(problem, name, constants, epochs, batch_size, seed):
    n_rows = len(problem.X)
    batch_size = max(1, min(batch_size, n_rows), n_rows // 10)
    if problem.sample_weight is not None:
        problem.sample_weight = np.maximum(problem.sample_weight, problem.dtype(0.0625))
    orders = np.random.default_rng(seed).permuted(np.tile(np.arange(n_rows), (epochs, 1)), axis=1)
    check_trajectory(problem, name, constants, epochs, batch_size, order=lambda epoch: orders[epoch - 1])
    check_trajectory(problem, name, constants, epochs, batch_size, order=None)


# Rules that can be checked by hand ------------------------------------------------------------------------


def bowl():
    """Return f(x, y) = (x^2 + 2xy + 10y^2) / 2 as the squared error of a linear network without biases.

    The rows are a factor of the matrix of f, doubled; two rows of 0 make four, so that numbers stay exact.
    """
    network = fp.Network([2, 1], bias=False, dtype="float64")
    network.set_parameters([[[1.0], [-0.3]]], [None])
    return network, [[2.0, 2.0], [0.0, 6.0], [0.0, 0.0], [0.0, 0.0]], np.zeros((4, 1))


@pytest.mark.parametrize(
    ("t", "x", "y"),
    [
        (1, 0.9, -0.2),
        (2, 0.78, -0.08),
        (3, 0.636, 0.064),
        (4, 0.4632, 0.064),
        (5, 0.25584, -0.008),
        (6, 0.007008, -0.0944),
        (7, 0.25584, -0.008),
        (8, 0.131424, -0.0512),
        (12, 0.0567744, -0.00368),
    ],
)
def test_rprop_follows_the_golden_trace(t, x, y):
    network, X, Y = bowl()
    fp.train(network, X, Y, loss="squared_error", optimizer=fp.Rprop(), epochs=t)
    np.testing.assert_allclose(network.weights[0][:, 0], (x, y), rtol=0, atol=1e-15)


def test_rprop_takes_back_a_step_only_where_the_loss_rose():
    """In t = 7, where the loss rose, the trace takes a step back; in t = 4, where it fell, it does not."""
    network, X, Y = bowl()
    history = fp.train(network, X, Y, loss="squared_error", optimizer=fp.Rprop(), epochs=12)
    assert history.loss[6] > history.loss[5]
    assert history.loss[3] < history.loss[2]


def test_rprop_is_blind_to_the_size_of_the_gradient():
    """The product of two gradients of 1e-24 underflows to 0 in single precision; their signs do not."""
    network = fp.Network([1, 1], bias=False, dtype="float32")
    network.set_parameters([[[1.0]]], [None])
    fp.train(network, [[1e-12]], [[0.0]], loss="squared_error", optimizer=fp.Rprop(), epochs=3)
    np.testing.assert_allclose(network.weights[0], [[1 - 0.1 - 0.12 - 0.144]], rtol=1e-6)


def test_rprop_first_step_is_the_initial_step_in_every_direction():
    network, X, Y = bowl()
    network.set_parameters([[[1.0], [0.0]]], [None])
    fp.train(network, X, Y, optimizer=fp.Rprop(initial_step=0.25), epochs=1)
    np.testing.assert_array_equal(network.weights[0], [[0.75], [-0.25]])


def test_rprop_leaves_a_weight_without_gradient_alone():
    network = fp.Network([2, 1], bias=False, dtype="float64")
    network.set_parameters([[[1.0], [0.5]]], [None])
    fp.train(network, [[1.0, 0.0]], [[0.0]], optimizer=fp.Rprop(), epochs=20)
    assert network.weights[0][1, 0] == 0.5
    assert abs(network.weights[0][0, 0]) < 0.1


def test_gradient_descent_by_hand():
    network, X, Y = bowl()
    fp.train(network, X, Y, optimizer=fp.SGD(0.5, momentum=0.0), epochs=1)
    np.testing.assert_allclose(network.weights[0], [[1 - 0.5 * 0.7], [-0.3 + 0.5 * 2.0]], rtol=1e-15)


def test_linear_schedule_ends_on_the_floor():
    network, X, Y = bowl()
    optimizer = fp.SGD(0.05, schedule="linear", final_learning_rate=0.01)
    history = fp.train(network, X, Y, optimizer=optimizer, epochs=5)
    np.testing.assert_allclose(history.learning_rate, [0.05, 0.04, 0.03, 0.02, 0.01], rtol=1e-15)
    network, X, Y = bowl()
    assert fp.train(network, X, Y, optimizer=fp.SGD(0.05, schedule="linear"), epochs=1).learning_rate == [
        0.05
    ]


def test_inverse_scaling_counts_rows():
    network, X, Y = bowl()
    history = fp.train(
        network,
        X,
        Y,
        optimizer=fp.SGD(0.1, schedule="invscaling", power_t=1.0),
        epochs=4,
        batch_size=3,
        shuffle=False,
    )
    np.testing.assert_allclose(history.learning_rate, [0.1, 0.1 / 5, 0.1 / 9, 0.1 / 13], rtol=1e-15)


def test_adaptive_schedule_divides_the_rate_each_time_patience_runs_out():
    """Near the bottom no epoch gains 1e-3: the rate falls, step by step, and at 1e-6 training ends."""
    network, X, Y = bowl()
    arguments = {"epochs": 3000, "patience": 3, "tolerance": 1e-3}
    history = fp.train(network, X, Y, optimizer=fp.SGD(0.15, momentum=0.0, schedule="adaptive"), **arguments)
    expected = reference.train(
        [reference.Layer(np.array([[1.0], [-0.3]]), None, "identity")],
        np.array(X),
        Y,
        "squared_error",
        reference.SGD(0.15, momentum=0.0, schedule="adaptive"),
        **arguments,
    )
    assert history.stop_reason == expected.stop_reason == "patience"
    np.testing.assert_allclose(history.learning_rate, expected.rates, rtol=1e-14)
    np.testing.assert_allclose(history.loss, expected.losses, rtol=1e-12)
    assert len(set(history.learning_rate)) > 5


def test_adam_first_step_is_the_learning_rate():
    network, X, Y = bowl()
    fp.train(network, X, Y, optimizer=fp.Adam(0.01, epsilon=1e-300), epochs=1)
    np.testing.assert_allclose(network.weights[0], [[0.99], [-0.29]], rtol=1e-14)


@settings(max_examples=settings().max_examples // 3)
@given(
    large_problems(), st.sampled_from([fp.Rprop(), fp.SGD(0.1), fp.Adam(0.01)]), st.sampled_from([None, 100])
)
def test_training_gives_the_same_bits_on_any_number_of_threads(problem: Problem, optimizer, batch_size):
    trained = []
    for n_threads in [1, 2, 3, 8]:
        network = problem.network()
        fp.train(
            network,
            problem.X,
            problem.Y,
            **problem.keywords,
            optimizer=optimizer,
            epochs=3,
            batch_size=batch_size,
            n_threads=n_threads,
        )
        trained.append(b"".join(p.tobytes() for p in [*network.weights, *network.biases] if p is not None))
    assert len(set(trained)) == 1
