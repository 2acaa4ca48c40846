"""The course of a training, step by step, under every optimizer and schedule."""

import re

import ferroprop as fp
import numpy as np
import pytest
import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import (
    Problem,
    assert_close,
    large_problems,
    name_and_hyperparameters,
    number_in,
    problems,
    tolerance_of,
)

EPOCHS = st.integers(1, 15)

CLASSES = list(dict.fromkeys(entry.cls.__name__ for entry in fp.OPTIMIZERS.values()))
MINI_BATCH_CLASSES = [name for name in CLASSES if fp.OPTIMIZERS[getattr(fp, name).name].takes_mini_batches]


def scheduled(numbers, inverse_scaling=True):
    """Draw a number, or the class of a schedule and its arguments."""
    value, fraction = st.sampled_from(numbers), st.sampled_from([0.0, 0.25, 0.5])
    steps = st.sampled_from([None, None, 7, 100])
    fall = st.fixed_dictionaries({"value": value, "warm_up": fraction, "flat": fraction, "steps": steps})
    last = st.sampled_from([0.001, 0.0078125])
    kinds = [
        st.tuples(st.sampled_from(["Linear", "Cosine"]), fall),
        st.builds(
            lambda kind, fall, final: (kind, fall | {"final": final}),
            st.sampled_from(["Linear", "Cosine", "Exponential"]),
            fall,
            last,
        ),
        st.tuples(
            st.just("OneCycle"),
            st.fixed_dictionaries({"value": value, "warm_up": fraction, "steps": steps}),
        ),
    ]
    if inverse_scaling:
        powers = st.sampled_from([0.5, 0.25, 1.0])
        kinds.append(
            st.tuples(st.just("InverseScaling"), st.fixed_dictionaries({"value": value, "power": powers}))
        )
    return st.one_of(value, st.one_of(kinds))


def built(constants, module):
    """Return the constants with their schedules made by a module: the library or the reference."""
    return {
        name: getattr(module, drawn[0])(**drawn[1])
        if isinstance(drawn, tuple) and isinstance(drawn[0], str)
        else drawn
        for name, drawn in constants.items()
    }


# Numbers that show what a hyperparameter does; of others their domain says enough.
DRAWN = {
    "increase": st.sampled_from([1.2, 1.0625, 2.0]),
    "decrease": st.sampled_from([0.5, 0.25, 0.875]),
    "initial_step": st.sampled_from([0.0625, 0.1, 0.04, (0.04, 0.12)]),
    "min_step": st.sampled_from([0.0, 1e-6, 0.03125]),
    "max_step": st.sampled_from([50.0, 0.125]),
    "offset": st.sampled_from([1e-6, 0.01]),
    "temperature": st.sampled_from([0.01, 0.0, 0.5]),
    "threshold": st.sampled_from([0.1, 0.5]),
    "noise": st.sampled_from([8.0, 0.25, 0.0]),
    "learning_rate": scheduled([0.1, 0.03125, 0.0078125]),
    "momentum": st.sampled_from([0.0, 0.5, 0.9]),
    "beta_1": st.sampled_from([0.9, 0.0, 0.5]),
    "beta_2": st.sampled_from([0.999, 0.5]),
    "epsilon": st.sampled_from([1e-8, 1e-3]),
    "seed": st.sampled_from([0, 2**64 - 1]),
}


def drawn_from(hyperparameter):
    """Draw a value of a hyperparameter."""
    if hyperparameter.name == "weight_decay":
        numbers = [0.01, 0.5]
        changes = "schedule" in hyperparameter.domain
        some = scheduled(numbers, inverse_scaling=False) if changes else st.sampled_from(numbers)
        return st.one_of(st.just(0.0), some)
    if hyperparameter.name in DRAWN:
        return DRAWN[hyperparameter.name]
    match hyperparameter.domain:
        case "True or False":
            return st.booleans()
        case domain if domain.startswith('"'):
            return st.sampled_from(re.findall(r'"([^"]+)"', domain))
        case domain:
            return number_in(domain)


def hyperparameters_of(name):
    """Draw the hyperparameters of an optimizer's class."""
    entry = fp.OPTIMIZERS[getattr(fp, name).name]
    return st.fixed_dictionaries({one.name: drawn_from(one) for one in entry.hyperparameters})


class Decisive:
    """A rule of the Rprop family that drops the example where rounding could decide what it does.

    That is a gradient's sign, whether the loss rose, which of two is smaller, or what is under a threshold.
    """

    margin = 0.0

    def step(self, w, g, loss):
        if self.margin > 0:
            assume(np.abs(g[g != 0]).min(initial=np.inf) > self.margin * np.abs(g).max())
            if self.step_size is not None and np.isfinite(self.last_loss):
                assume(abs(loss - self.last_loss) > self.margin * abs(loss))
        return super().step(w, g, loss)


class DecisiveRprop(Decisive, reference.Rprop):
    pass


class DecisiveGRprop(Decisive, reference.GRprop):
    def adapt(self, g):
        super().adapt(g)
        if self.margin > 0:
            size = np.abs(g) if self.choice == "smallest_gradient" else self.step_size
            smallest = np.sort(size[g != 0])[:2]
            assume(len(smallest) < 2 or smallest[1] - smallest[0] > self.margin * np.abs(g).max())


class DecisiveSARPROP(Decisive, reference.SARPROP):
    def adapt(self, g):
        if self.margin > 0:
            assume(np.abs(g[g != 0]).min(initial=np.inf) > self.margin * np.abs(g).max())
            limit = self.threshold * self.loss_now
            assume((np.abs(self.step_size - limit) > self.margin * limit).all())
        return super().adapt(g)

    def step(self, w, g, loss):
        self.loss_now = loss
        return super().step(w, g, loss)


# The slow and obvious ways; those of the Rprop family drop examples that rounding decides.
REFERENCE = {name: globals().get(f"Decisive{name}") or getattr(reference, name) for name in CLASSES}
WITHOUT_RATE = [name for name in CLASSES if not fp.OPTIMIZERS[getattr(fp, name).name].has_learning_rate]


def check_trajectory(problem, name, constants, epochs, batch_size=None, order=None):
    """Train in the library and in the reference; compare parameters, losses and learning rates."""

    def course(p, dtype):
        X, Y, sample_weight = p.data(dtype)
        optimizer = REFERENCE[name](**built(constants, reference))
        if name == "AdamW":
            ones, zeros = [np.ones_like(W) for W in p.weights], [b if b is None else 0 * b for b in p.biases]
            optimizer.decays = reference.to_vector(ones, zeros)
        if p is problem and dtype is np.float64:
            optimizer.margin = tolerance_of(p.dtype, p.n_layers)
        loss, hyperparameters = name_and_hyperparameters(p.loss)
        trained = reference.train(
            p.layers(dtype),
            X,
            Y,
            loss,
            optimizer,
            epochs,
            batch_size=batch_size,
            order=order,
            sample_weight=sample_weight,
            alpha=p.alpha,
            hyperparameters=hyperparameters,
        )
        rates = [] if name in WITHOUT_RATE else [trained.rates]
        weights, biases = zip(*((layer.weights, layer.biases) for layer in trained.layers), strict=True)
        return [*weights, *(b for b in biases if b is not None), trained.losses, *rates]

    answer = problem.reference_answer(course)
    network = problem.network()
    history = fp.train(
        network,
        problem.X,
        problem.Y,
        **problem.keywords,
        optimizer=getattr(fp, name)(**built(constants, fp)),
        epochs=epochs,
        batch_size=batch_size,
        shuffle=False if order is None else order,
    )
    rates = [] if name in WITHOUT_RATE else [history.learning_rate]
    actual = [*network.weights, *(b for b in network.biases if b is not None), history.loss, *rates]
    assert_close(actual, answer, problem.dtype, problem.n_layers)


@pytest.mark.parametrize("name", CLASSES)
@settings(max_examples=settings().max_examples // 3)
@given(data=st.data(), problem=problems(), epochs=EPOCHS)
def test_full_batch(name, data, problem: Problem, epochs):
    check_trajectory(problem, name, data.draw(hyperparameters_of(name)), epochs)


@pytest.mark.parametrize("name", [*MINI_BATCH_CLASSES, "Rprop"])
@settings(max_examples=settings().max_examples // 2)
@given(
    data=st.data(),
    problem=problems(),
    epochs=EPOCHS,
    batch_size=st.integers(1, 300),
    seed=st.integers(0, 2**32 - 1),
)
def test_mini_batch(name, data, problem: Problem, epochs, batch_size, seed):
    check_mini_batches(problem, name, data.draw(hyperparameters_of(name)), epochs, batch_size, seed)


def check_mini_batches(problem, name, constants, epochs, batch_size, seed):
    n_rows = len(problem.X)
    batch_size = max(1, min(batch_size, n_rows), n_rows // 10)
    if problem.sample_weight is not None:
        problem.sample_weight = np.maximum(problem.sample_weight, problem.dtype(0.0625))
    orders = np.random.default_rng(seed).permuted(np.tile(np.arange(n_rows), (epochs, 1)), axis=1)
    check_trajectory(problem, name, constants, epochs, batch_size, order=lambda epoch: orders[epoch - 1])
    check_trajectory(problem, name, constants, epochs, batch_size, order=None)


def test_adamw_without_decay_is_adam():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 4)), rng.normal(size=(30, 2))
    networks = [fp.Network([4, 70, 2], seed=1) for _ in range(2)]
    for network, optimizer in zip(networks, [fp.Adam(0.01), fp.AdamW(0.01, weight_decay=0.0)], strict=True):
        fp.train(network, X, Y, optimizer=optimizer, epochs=5, batch_size=7)
    np.testing.assert_array_equal(networks[0].predict(X), networks[1].predict(X))


def test_adamw_decays_weights_and_not_biases():
    """Where the gradient is 0, each step multiplies the weights by 1 - learning rate * weight decay."""
    network = fp.Network([70, 3, 1], activation="identity", dtype="float64", seed=2)
    weights, biases = network.weights, network.biases
    network.set_parameters([weights[0], 0 * weights[1]], biases)
    Y = np.full((1, 1), biases[1][0])
    fp.train(network, np.ones((1, 70)), Y, optimizer=fp.AdamW(0.5, weight_decay=0.25), epochs=3)
    np.testing.assert_allclose(network.weights[0], weights[0] * 0.875**3, rtol=1e-14)
    for kept, b in zip(network.biases, biases, strict=True):
        np.testing.assert_array_equal(kept, b)


# Rules that can be checked by hand ------------------------------------------------------------------------


def bowl():
    """Return f(x, y) = (x^2 + 2xy + 10y^2) / 2 as the squared error of a linear network without biases.

    The rows are a factor of the matrix of f, doubled; two rows of 0 make four, so that numbers stay exact.
    """
    network = fp.Network([2, 1], bias=False, dtype="float64")
    network.set_parameters([[[1.0], [-0.3]]], [None])
    return network, [[2.0, 2.0], [0.0, 6.0], [0.0, 0.0], [0.0, 0.0]], np.zeros((4, 1))


def test_gradient_descent_by_hand():
    network, X, Y = bowl()
    fp.train(network, X, Y, optimizer=fp.SGD(0.5, momentum=0.0), epochs=1)
    np.testing.assert_allclose(network.weights[0], [[1 - 0.5 * 0.7], [-0.3 + 0.5 * 2.0]], rtol=1e-15)


def test_inverse_scaling_counts_rows():
    network, X, Y = bowl()
    history = fp.train(
        network,
        X,
        Y,
        optimizer=fp.SGD(fp.InverseScaling(0.1, power=1.0)),
        epochs=4,
        batch_size=3,
        shuffle=False,
    )
    np.testing.assert_allclose(history.learning_rate, [0.1, 0.1 / 5, 0.1 / 9, 0.1 / 13], rtol=1e-15)


def test_adaptive_schedule_divides_the_rate_each_time_patience_runs_out():
    """Near the bottom no epoch gains 1e-3: the rate falls, step by step, and at 1e-6 training ends."""
    network, X, Y = bowl()
    arguments = {"epochs": 3000, "patience": 3, "tolerance": 1e-3}
    history = fp.train(network, X, Y, optimizer=fp.SGD(fp.Adaptive(0.15), momentum=0.0), **arguments)
    expected = reference.train(
        [reference.Layer(np.array([[1.0], [-0.3]]), None, "identity")],
        np.array(X),
        Y,
        "squared_error",
        reference.SGD(reference.Adaptive(0.15), momentum=0.0),
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
    large_problems(),
    st.sampled_from(
        [
            *map(fp.Rprop, ["irprop+", "irprop-", "rprop+", "rprop-"]),
            fp.GRprop(),
            fp.SARPROP(noise=0.01),
            fp.SGD(0.1),
            fp.Adam(0.01),
        ]
    ),
    st.sampled_from([None, 100]),
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
