"""Every loss of the library, found by its name, and losses of one's own."""

import copy
import pickle
import threading
from decimal import Decimal, getcontext

import ferroprop as fp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.neural_network._base import LOSS_FUNCTIONS
from strategies import (
    ALL_ACTIVATIONS,
    ALL_LOSSES,
    CLASSICAL,
    OUTPUTS,
    Problem,
    assert_close,
    flat_list,
    name_and_hyperparameters,
    problems,
    unusual_objects,
)
from test_gradients import check_central_differences, one_unit

EVERY = [*ALL_LOSSES, *unusual_objects(fp.LOSSES)]


def outputs_of(loss):
    return OUTPUTS.get(name_and_hyperparameters(loss)[0], ALL_ACTIVATIONS)


PAIRS = [(output, loss) for loss in EVERY for output in outputs_of(loss)]


def some_problem(output, loss, dtype=np.float64, seed=2):
    rng = np.random.default_rng(seed)
    Y = rng.normal(size=(7, 3))
    match fp.LOSSES[name_and_hyperparameters(loss)[0]].targets:
        case "numbers from 0 on":
            Y = rng.poisson(1.5, size=(7, 3)).astype(float)
        case "-1 and 1":
            Y = np.sign(Y)
        case "numbers from 0 to 1":
            Y = rng.dirichlet(np.ones(3), size=7)
    return Problem(
        dtype=dtype,
        layer_sizes=[3, 4, 3],
        activation="tanh",
        output=output,
        bias=True,
        loss=loss,
        alpha=0.1,
        weights=[rng.normal(size=(3, 4)).astype(dtype), rng.normal(size=(4, 3)).astype(dtype)],
        biases=[rng.normal(size=4).astype(dtype), rng.normal(size=3).astype(dtype)],
        X=rng.normal(size=(7, 3)).astype(dtype),
        Y=Y.astype(dtype),
        sample_weight=rng.uniform(0, 2, 7).astype(dtype),
    )


def test_the_library_has_the_losses_that_it_promises():
    promised = {"absolute_error", "huber", "quantile", "poisson", "hinge", "squared_hinge"}
    assert promised <= set(ALL_LOSSES)


@pytest.mark.parametrize(("output", "loss"), PAIRS, ids=str)
def test_each_pair_against_the_reference_and_differences(output, loss):
    problem = some_problem(output, loss)
    got = flat_list(problem.network().loss_and_gradients(problem.X, problem.Y, **problem.keywords))
    assert_close(got, flat_list(problem.reference_gradients()), np.float64, 2)
    check_central_differences(problem)


@pytest.mark.parametrize("loss", EVERY, ids=str)
def test_what_does_not_go_together_says_so(loss):
    for output in set(ALL_ACTIVATIONS) - set(outputs_of(loss)):
        network = fp.Network([2, 2], output_activation=output)
        with pytest.raises(
            ValueError, match=f'loss "{name_and_hyperparameters(loss)[0]}" needs an output activation'
        ):
            network.loss_and_gradients([[1.0, 2.0]], [[1.0, 0.0]], loss=loss)


@given(
    problems(
        loss_names=[name for name in ALL_LOSSES if name not in ("hinge", "quantile", "absolute_error")],
        outputs=("identity", "logistic", "softmax", "silu"),
    )
)
def test_losses_are_those_of_the_reference(problem: Problem):
    answer = problem.reference_answer(lambda p, dtype: flat_list(p.reference_gradients(dtype)))
    got = problem.network().loss_and_gradients(problem.X, problem.Y, **problem.keywords)
    assert_close(flat_list(got), answer, problem.dtype, problem.n_layers)


@settings(max_examples=settings().max_examples // 2)
@given(problems(dtypes=[np.float64], loss_names=["hinge", "quantile", "absolute_error"]))
def test_losses_with_kinks_are_those_of_the_reference(problem: Problem):
    answer = problem.reference_answer(lambda p, dtype: flat_list(p.reference_gradients(dtype)))
    got = problem.network().loss_and_gradients(problem.X, problem.Y, **problem.keywords)
    assert_close(flat_list(got), answer, problem.dtype, problem.n_layers)


def losses_at(loss, output, targets, outputs=None):
    """Return loss and delta of one output at 0.5, or where the net inputs are given, for each target."""
    network = one_unit(output)
    answers = []
    for t, z in zip(targets, outputs or [0.5] * len(targets), strict=True):
        value, _, (db,) = network.loss_and_gradients([[z]], [[t]], loss=loss)
        answers.append((value, float(db[0])))
    return answers


def test_losses_by_hand():
    targets = [0.5, 0.75, -0.5, 3.5]
    assert losses_at("absolute_error", "identity", targets) == [(0, 0), (0.25, -1), (1, 1), (3, -1)]
    assert losses_at("huber", "identity", targets) == [(0, 0), (0.03125, -0.25), (0.5, 1), (2.5, -1)]
    assert losses_at(fp.Huber(2.0), "identity", targets)[3] == (4, -2)
    assert losses_at("quantile", "identity", targets) == [(0, 0), (0.125, -0.5), (0.5, 0.5), (1.5, -0.5)]
    assert losses_at(fp.Quantile(0.75), "identity", targets) == [
        (0, 0),
        (0.1875, -0.75),
        (0.25, 0.25),
        (2.25, -0.75),
    ]
    assert losses_at("hinge", "identity", [1, -1, 1], [0.5, 0.5, 2.0]) == [(0.5, -1), (1.5, 1), (0, 0)]
    assert losses_at("squared_hinge", "identity", [1, -1, 1], [0.5, 0.5, 2.0]) == [
        (0.25, -1),
        (2.25, 3),
        (0, 0),
    ]


def test_poisson_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    z, Y, weights = rng.normal(size=(50, 3)), rng.poisson(1.0, size=(50, 3)), rng.uniform(0, 2, 50)
    network = fp.Network([3, 3], output_activation="exp", bias=False, dtype="float64")
    network.set_parameters([np.eye(3)], [None])
    got, _, _ = network.loss_and_gradients(z, Y, loss="poisson", sample_weight=weights)
    np.testing.assert_allclose(got, LOSS_FUNCTIONS["poisson"](Y, np.exp(z), weights), rtol=1e-12)
    assert network.loss_and_gradients([[0.0] * 3], [[1.0] * 3], loss="poisson")[0] == 0


def test_label_smoothing_moves_the_targets():
    rng = np.random.default_rng(4)
    for output, middle in [("softmax", 1 / 4), ("logistic", 1 / 2)]:
        network = fp.Network([3, 4], output_activation=output, dtype="float64")
        X, Y = rng.normal(size=(9, 3)), np.eye(4)[rng.integers(4, size=9)]
        smooth = flat_list(network.loss_and_gradients(X, Y, loss=fp.LogLoss(label_smoothing=0.3)))
        moved = flat_list(network.loss_and_gradients(X, 0.7 * Y + 0.3 * middle, loss="log_loss"))
        assert_close(smooth, moved, np.float64, 1)
        none = flat_list(network.loss_and_gradients(X, Y, loss=fp.LogLoss()))
        for a, b in zip(none, flat_list(network.loss_and_gradients(X, Y)), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [3, 64])  # units along the lanes, and rows
def test_net_inputs_may_be_further_apart_than_the_largest_number(rows, dtype):
    """A class that is not the target and as good as impossible costs nothing."""
    huge = np.finfo(dtype).max * 0.9
    network = fp.Network([2, 3], output_activation="softmax", dtype=dtype)
    network.set_parameters([np.array([[1, -1, 0], [0, 0, 0]], dtype)], [np.zeros(3, dtype)])
    X, Y = np.zeros((rows, 2), dtype), np.zeros((rows, 3), dtype)
    X[0, 0], Y[:, 0] = huge, 1
    loss, weights, biases = network.loss_and_gradients(X, Y, loss="log_loss")
    np.testing.assert_allclose(loss, np.log(3) * (rows - 1) / rows, rtol=1e-6)
    expected = np.array([-2, 1, 1]) / 3 * (rows - 1) / rows
    np.testing.assert_allclose(biases[0], expected, rtol=1e-6)
    assert np.isfinite(weights[0]).all()


def test_a_quantile_is_learnt():
    y = np.random.default_rng(1).exponential(size=(501, 1))
    for quantile in [0.1, 0.5, 0.9]:
        net = fp.Network([1, 1], dtype="float64")
        fp.train(net, np.zeros_like(y), y, loss=fp.Quantile(quantile), epochs=300)
        np.testing.assert_allclose(net.predict([[0.0]])[0, 0], np.quantile(y, quantile), atol=0.02)


@pytest.mark.parametrize(
    ("loss", "output", "wrong"),
    [
        ("poisson", "exp", -1.0),
        ("hinge", "identity", 0.0),
        ("squared_hinge", "identity", 2.0),
        (fp.LogLoss(0.1), "logistic", 1.5),
    ],
    ids=str,
)
def test_targets_outside_the_domain(loss, output, wrong):
    network = one_unit(output)
    with pytest.raises(ValueError, match=r"Y must hold .*got .* at \[1, 0\]"):
        network.loss_and_gradients([[1.0], [1.0]], [[1.0], [wrong]], loss=loss)


def test_objects():
    for cls, constant, default, wrong in [
        (fp.Huber, "delta", 1.0, [0.0, -1.0, np.inf]),
        (fp.Quantile, "quantile", 0.5, [0.0, 1.0, np.nan]),
        (fp.LogLoss, "label_smoothing", 0.0, [-0.1, 1.1]),
    ]:
        assert getattr(cls(), constant) == default
        assert repr(cls(0.25)) == f"{cls.__name__}({constant}=0.25)"
        for same in [copy.copy(cls(0.25)), pickle.loads(pickle.dumps(cls(0.25)))]:
            assert same == cls(**{constant: 0.25})
            assert hash(same) == hash(cls(0.25))
        assert cls(0.25) != cls(0.5)
        for value in wrong:
            with pytest.raises(ValueError, match=f"{constant} must be"):
                cls(value)
    with pytest.raises(TypeError, match=r"loss must be the name of a loss.*got int"):
        one_unit("identity").loss_and_gradients([[1]], [[1]], loss=3)


# A loss of one's own --------------------------------------------------------------------------------------


def squared_error(outputs, targets):
    difference = outputs - targets
    return 0.5 * (difference**2).sum(axis=1), difference


@pytest.mark.parametrize("output", ALL_ACTIVATIONS)
def test_own_squared_error_is_squared_error(output):
    problem = some_problem(output, "squared_error")
    expected = flat_list(problem.reference_gradients())
    problem.loss = squared_error
    got = flat_list(problem.network().loss_and_gradients(problem.X, problem.Y, **problem.keywords))
    assert_close(got, expected, np.float64, 2)


def data(rows, dtype=np.float32, inputs=5, outputs=3):
    rng = np.random.default_rng(9)
    return rng.normal(size=(rows, inputs)).astype(dtype), rng.normal(size=(rows, outputs)).astype(dtype)


def test_own_loss_gets_arrays_chunk_by_chunk_on_the_calling_thread():
    calls = []

    def loss(outputs, targets):
        assert threading.current_thread() is threading.main_thread()
        assert outputs.dtype == targets.dtype == np.float32
        assert outputs.shape == targets.shape
        calls.append((outputs, targets))
        return squared_error(outputs, targets)

    X, Y = data(2500)
    network = fp.Network([5, 4, 3], seed=1)
    network.loss_and_gradients(X, Y, loss=loss)
    sizes = [len(outputs) for outputs, _ in calls]
    assert max(sizes) <= 1024
    np.testing.assert_array_equal(np.concatenate([outputs for outputs, _ in calls]), network.predict(X))
    np.testing.assert_array_equal(np.concatenate([targets for _, targets in calls]), Y)


@pytest.mark.parametrize("batch_size", [None, 300])
def test_own_loss_gives_the_same_bits_with_any_number_of_threads(batch_size):
    X, Y = data(1500, inputs=40)
    results = []
    for n_threads in [1, 2, 3, 8]:
        network = fp.Network([40, 50, 3], activation="gelu", seed=1)
        sizes = []

        def loss(outputs, targets, sizes=sizes):
            sizes.append(len(outputs))
            return squared_error(outputs, targets)

        history = fp.train(
            network, X, Y, loss=loss, epochs=3, batch_size=batch_size, n_threads=n_threads,
            validation=(X[:400], Y[:400]), sample_weight=np.arange(1500) % 3,
        )  # fmt: skip
        results.append((sizes, history.loss, history.validation_loss, [W.tolist() for W in network.weights]))
    assert all(result == results[0] for result in results)


def test_own_loss_trains_like_the_library_s():
    X, Y = data(200, np.float64)
    networks = [fp.Network([5, 6, 3], activation="tanh", dtype="float64", seed=1) for _ in range(2)]
    histories = [
        fp.train(network, X, Y, loss=loss, optimizer=fp.Adam(0.01), epochs=20, batch_size=64)
        for network, loss in zip(networks, [squared_error, "squared_error"], strict=True)
    ]
    np.testing.assert_allclose(histories[0].loss, histories[1].loss, rtol=1e-12)
    np.testing.assert_allclose(networks[0].weights[0], networks[1].weights[0], rtol=1e-10)


class OwnError(Exception):
    pass


def failing(when, what):
    """Return a loss that answers `what` from its call number `when` on."""
    calls = 0

    def loss(outputs, targets):
        nonlocal calls
        calls += 1
        if calls < when:
            return squared_error(outputs, targets)
        return what(outputs, targets)

    return loss


def raises(outputs, targets):
    raise OwnError("not today")


@pytest.mark.parametrize("when", [1, 4])
@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        (raises, OwnError, "not today"),
        (lambda o, t: None, TypeError, r"loss must return a tuple \(losses, gradients\), got NoneType"),
        (lambda o, t: (1, 2, 3), TypeError, "loss must return a tuple"),
        (lambda o, t: (0.0, o), ValueError, "the losses that loss returns must have 1 dimension"),
        (lambda o, t: (o[:-1, 0], o), ValueError, r"the losses that loss returns must have shape \(20,\)"),
        (lambda o, t: (o[:, 0], o[:, :2]), ValueError, r"the gradients .* must have shape \(20, 3\)"),
        (lambda o, t: (o[:, 0], o[:, 0]), ValueError, "the gradients .* must have 2 dimension"),
        (lambda o, t: (o[:, 0] * 1j, o), TypeError, "the losses that loss returns must hold real numbers"),
        (lambda o, t: (o[:, 0], ["a"]), (TypeError, ValueError), "the gradients that loss returns must"),
    ],
)  # fmt: skip
def test_what_own_loss_does_wrong_changes_nothing(when, what, error, message):
    X, Y = data(20)
    network, optimizer = fp.Network([5, 4, 3], seed=1), fp.Rprop()
    before = [W.copy() for W in network.weights]
    with pytest.raises(error, match=message):
        fp.train(network, X, Y, loss=failing(when, what), optimizer=optimizer, epochs=6)
    for kept, W in zip(before, network.weights, strict=True):
        np.testing.assert_array_equal(kept, W)
    assert optimizer.state == {}
    with pytest.raises(error, match=message):
        network.loss_and_gradients(X, Y, loss=failing(1, what))


def test_own_loss_that_fails_in_validation_changes_nothing():
    X, Y = data(20)
    network = fp.Network([5, 4, 3], seed=1)
    before = network.predict(X)
    with pytest.raises(OwnError):
        fp.train(network, X, Y, loss=failing(4, raises), validation=(X, Y), epochs=6)
    np.testing.assert_array_equal(network.predict(X), before)


def test_own_loss_that_is_interrupted_leaves_the_last_complete_epoch():
    def interrupt(outputs, targets):
        raise KeyboardInterrupt

    X, Y = data(20)
    network, other = fp.Network([5, 4, 3], seed=1), fp.Network([5, 4, 3], seed=1)
    with pytest.warns(UserWarning, match="interrupted"):
        history = fp.train(network, X, Y, loss=failing(4, interrupt), epochs=9)
    assert (history.stop_reason, history.epochs) == ("interrupted", 3)
    fp.train(other, X, Y, loss=squared_error, epochs=3)
    np.testing.assert_array_equal(network.predict(X), other.predict(X))


def test_own_loss_that_is_not_finite_is_a_divergence():
    X, Y = data(20)
    network = fp.Network([5, 4, 3], seed=1)
    with pytest.warns(RuntimeWarning, match="epoch 3"):
        history = fp.train(network, X, Y, loss=failing(3, lambda o, t: (o[:, 0] * np.nan, o)), epochs=9)
    assert history.stop_reason == "diverged"


def test_classical_losses_still_share_the_bits_with_their_objects():
    X, Y = data(30)
    for hidden in CLASSICAL:
        network = fp.Network([5, 4, 3], activation=hidden, seed=1)
        a = flat_list(network.loss_and_gradients(X, Y, loss="huber"))
        b = flat_list(network.loss_and_gradients(X, Y, loss=fp.Huber()))
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# Digits near 0 and 1: values against 150 decimal digits, from the numbers as the network has them. ----------

getcontext().prec = 150


def units(computed, exact, dtype):
    """Return the error in units in the last place of the exact value."""
    return abs(Decimal(float(computed)) - exact) / Decimal(float(np.spacing(dtype(abs(exact)))))


def loss_and_deltas(output, loss, z, targets, dtype):
    """Return the loss of one row with these net inputs, and its deltas."""
    net = fp.Network([len(z), len(z)], output_activation=output, dtype=dtype)
    net.set_parameters([np.eye(len(z))], [np.zeros(len(z))])
    value, _, (deltas,) = net.loss_and_gradients([z], [targets], loss=loss)
    return value, deltas


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(
    # Eighths: their differences are numbers of either type.
    eighths=st.lists(st.integers(-700, 700), min_size=2, max_size=20),
    place=st.integers(0, 19),
    soft=st.booleans(),
)
@example(eighths=[17 * 8, 0], place=0, soft=False)
@example(eighths=[40 * 8, 0, 0], place=0, soft=False)
@example(eighths=[0, 0, 0], place=2, soft=False)
def test_log_loss_of_several_keeps_its_digits(eighths, place, soft, dtype):
    z, place = [number / 8 for number in eighths], place % len(eighths)
    t = np.full(len(z), 0.125 / 4, dtype) if soft else np.zeros(len(z), dtype)
    t[place] = 1 if not soft else 1 - (len(z) - 1) / 32
    loss, deltas = loss_and_deltas("softmax", "log_loss", z, t, dtype)
    exact = [Decimal(number) for number in z]
    targets = [Decimal(float(number)) for number in t]
    e = [(number - max(exact)).exp() for number in exact]
    rest = sum(e) - 1
    true_loss = (1 + rest).ln() - sum(t * (z - max(exact)) for t, z in zip(targets, exact, strict=True))
    true = [(e_j - t_j - t_j * rest) / (1 + rest) for e_j, t_j in zip(e, targets, strict=True)]
    tiny = Decimal(float(np.finfo(dtype).tiny))
    # The sum of the terms has one rounding per term.
    bound = 4 + Decimal(len(z)) / 2
    if abs(true_loss) > tiny:
        assert units(loss, true_loss, dtype) <= bound, (loss, true_loss)
    for delta, true_delta, e_j, t_j in zip(deltas, true, e, targets, strict=True):
        terms = max(abs(true_delta), (e_j + t_j + t_j * rest) / (1 + rest)) if soft else abs(true_delta)
        if terms > tiny * 64:
            assert abs(Decimal(float(delta)) - true_delta) <= bound * terms * Decimal(
                float(np.finfo(dtype).eps)
            )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(z=st.floats(-80, 80, width=32), target=st.sampled_from([0.0, 1.0, 0.25]))
@example(z=17.0, target=1.0)
@example(z=-40.0, target=0.0)
def test_log_loss_of_one_keeps_its_digits(z, target, dtype):
    loss, (delta,) = loss_and_deltas("logistic", "log_loss", [z], [target], dtype)
    exact, t = Decimal(z), Decimal(target)
    w = 1 / (1 + abs(exact).exp())
    true_loss = -(1 - w).ln() + ((1 - t) * exact if z > 0 else -t * exact)
    true = (1 - t) - w if z > 0 else w - t
    assert units(loss, true_loss, dtype) <= 4
    terms = abs(true) if target in (0, 1) else 1 - t + w
    assert abs(Decimal(float(delta)) - true) <= 4 * terms * Decimal(float(np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(target=st.floats(0.0078125, 2.0**20, width=32), shift=st.floats(-3, 3, width=32))
@example(target=1e6, shift=2.0**-10)
@example(target=1e6, shift=1.0)
def test_poisson_does_not_cancel(target, shift, dtype):
    z = dtype(np.log(target) + shift)
    loss, _ = loss_and_deltas("exp", "poisson", [z], [target], dtype)
    t, exact = Decimal(target), Decimal(float(z))
    u = exact - t.ln()
    true = t * (u.exp() - 1 - u)
    # log t is rounded, and the loss has the slope a - t.
    eps = Decimal(float(np.finfo(dtype).eps))
    rounding = abs(t * (u.exp() - 1)) * (abs(t.ln()) + abs(u)) * eps
    far = t * (u.exp() + 1 + abs(u)) if abs(u) > Decimal("0.99") else 0
    assert (
        abs(Decimal(float(loss)) - true)
        <= 4 * eps * (true + far) + 2 * rounding + t * (eps * abs(t.ln())) ** 2
    )


def test_poisson_of_a_large_target():
    """The published case: a target of 1e6 in float32, where the terms as they stand give 0.674."""
    t = 1e6
    z = np.float32(np.log(t) + 1e-3)
    loss, _ = loss_and_deltas("exp", "poisson", [z], [t], np.float32)
    u = float(z) - np.log(t)
    np.testing.assert_allclose(loss, t * (np.expm1(u) - u), rtol=3e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("activation", "scale"), [(fp.ELU(0.5), 0.5), ("selu", 1.0507009873554805 * 1.6732632423543772)]
)
def test_exponential_units_keep_their_derivative(activation, scale, dtype):
    for z in [-1.0, -17.0, -37.0, -80.0]:
        net = fp.Network([1, 1], output_activation=activation, dtype=dtype)
        net.set_parameters([np.ones((1, 1))], [np.zeros(1)])
        a = net.predict([[z]])[0, 0]
        _, _, (bias,) = net.loss_and_gradients([[z]], [[float(a) - 1.0]], loss="absolute_error")
        np.testing.assert_allclose(bias[0], scale * np.exp(z), rtol=8 * np.finfo(dtype).eps)
