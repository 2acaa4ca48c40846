"""L-BFGS in the core: the minimum, SciPy's course, limits and failures, the same bits."""

import pickle
from types import SimpleNamespace

import ferroprop as fp
import numpy as np
import pytest
import scipy.sparse as sp
from ferroprop._core import _minimize
from ferroprop.estimators import _scipy_lbfgs
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.preprocessing import scale

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 4))
Y = np.c_[np.sin(X[:, 0] + X[:, 1]), X[:, 2] * X[:, 3]]
WEIGHT = rng.uniform(0.1, 2.0, 60)


def network(sizes=(4, 6, 2), dtype="float64", **settings):
    return fp.Network(list(sizes), **{"activation": "tanh", "dtype": dtype, "seed": 1, **settings})


def bits(net):
    return b"".join(array.tobytes() for array in (*net.weights, *net.biases) if array is not None)


def by_scipy(net, X, Y, sample_weight=None, loss="squared_error", alpha=0.0, outputs=1, **options):
    """Return SciPy's result from the same start, and how often it asked for the loss."""
    plan = SimpleNamespace(
        network=net.copy(),
        samples=(X, Y, sample_weight, None),
        loss=loss,
        alpha=alpha,
        outputs_in_mean=outputs,
        n_threads=1,
        reported=lambda loss, penalty: (loss - penalty) / outputs + penalty,
    )
    objective = _scipy_lbfgs._Objective(plan)
    return minimize(objective, objective.start, method="L-BFGS-B", jac=True, options=options)


def vector(net):
    return np.concatenate([array.ravel() for array in (*net.weights, *net.biases)])


# The minimum --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_a_linear_network_ends_at_the_least_squares(alpha, weight):
    net = network((4, 2))
    minimum = fp.minimize(net, X, Y, sample_weight=weight, alpha=alpha, gtol=1e-12, ftol=0.0)
    ones = np.ones(len(X)) if weight is None else weight
    rows = np.c_[X, np.ones(len(X))]
    penalty = alpha * np.diag([1.0] * 4 + [0.0])
    exact = np.linalg.solve(rows.T @ (ones[:, None] * rows) + penalty, rows.T @ (ones[:, None] * Y))
    np.testing.assert_allclose(np.vstack([net.weights[0], net.biases[0]]), exact, rtol=0, atol=1e-8)
    residuals = rows @ exact - Y
    expected_penalty = 0.5 * alpha * (exact[:4] ** 2).sum() / ones.sum()
    expected = 0.5 * (ones @ residuals**2).sum() / ones.sum() + expected_penalty
    assert minimum.loss == pytest.approx(expected, rel=1e-12)
    assert minimum.penalty == pytest.approx(expected_penalty, rel=1e-8)
    assert minimum.losses[-1] == minimum.loss
    assert minimum.penalties[-1] == minimum.penalty
    loss, *gradients = net.loss_and_gradients(X, Y, sample_weight=weight, alpha=alpha)
    assert loss == minimum.loss
    if minimum.stop_reason == "gtol":
        assert max(np.abs(array).max() for arrays in gradients for array in arrays) <= 1e-12


def test_a_complex_linear_network_ends_at_the_least_squares():
    Z = X[:, :2] + 1j * X[:, 2:]
    T = Z @ np.array([[1.0 - 2.0j], [0.5j]]) + 3.0j
    net = fp.Network([2, 1], dtype="complex128", seed=1)
    minimum = fp.minimize(net, Z, T, gtol=1e-10, ftol=0.0)
    assert minimum.loss < 1e-18
    np.testing.assert_allclose(net.weights[0], [[1.0 - 2.0j], [0.5j]], atol=1e-8)


def test_a_network_of_float32_comes_close():
    net = network((4, 2), dtype="float32")
    fp.minimize(net, X, Y)
    exact = np.linalg.lstsq(np.c_[X, np.ones(len(X))], Y, rcond=None)[0]
    np.testing.assert_allclose(np.vstack([net.weights[0], net.biases[0]]), exact, atol=1e-4)


def test_sparse_rows():
    rows = np.where(np.abs(X) > 1.0, X, 0.0)
    net, other = network(), network()
    minimum = fp.minimize(net, sp.csr_array(rows), Y, max_iter=10)
    again = fp.minimize(other, rows, Y, max_iter=10)
    assert (minimum.losses, bits(net)) == (again.losses, bits(other))


def test_sequences():
    series = rng.standard_normal((20, 7, 3))
    lengths = rng.integers(2, 8, 20)
    sums = np.array([sequence[:length].sum(axis=0) for sequence, length in zip(series, lengths, strict=True)])
    net = fp.RecurrentNetwork([3, 5, 3], cell="gru", dtype="float64", seed=0)
    other = net.copy()
    minimum = fp.minimize(net, series, sums, lengths=lengths, alpha=0.01, max_iter=60)
    assert minimum.losses[-1] < 0.1 * minimum.losses[0]
    listed = [sequence[:length] for sequence, length in zip(series, lengths, strict=True)]
    again = fp.minimize(other, listed, sums, alpha=0.01, max_iter=60)
    assert again.losses == minimum.losses
    every = fp.RecurrentNetwork([3, 5, 3], returns="every", dtype="float64", seed=0)
    minimum = fp.minimize(every, series, series.cumsum(axis=1), washout=2, max_iter=60)
    assert minimum.losses[-1] < 0.1 * minimum.losses[0]
    whole = fp.minimize(net.copy(), series, sums, max_iter=1)
    assert fp.minimize(net.copy(), series, sums, truncate=2, max_iter=1).losses != whole.losses


# SciPy's course -----------------------------------------------------------------------------------------

iris, of_iris = load_iris(return_X_y=True)
cancer, of_cancer = load_breast_cancer(return_X_y=True)
PROBLEMS = {
    "squared error": (network(), X, Y, "squared_error"),
    "iris": (network((4, 10, 3), output_activation="softmax"), scale(iris), np.eye(3)[of_iris], "log_loss"),
    "breast cancer": (
        network((30, 12, 1), activation="relu", output_activation="logistic"),
        scale(cancer),
        of_cancer[:, None].astype(float),
        "log_loss",
    ),
}


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_course_is_scipys(problem, alpha):
    net, inputs, targets, loss = PROBLEMS[problem]
    scipys = by_scipy(net, inputs, targets, loss=loss, alpha=alpha, maxiter=15)
    ours = net.copy()
    minimum = fp.minimize(ours, inputs, targets, loss=loss, alpha=alpha, max_iter=15)
    assert (minimum.iterations, minimum.evaluations) == (scipys.nit, scipys.nfev)
    assert minimum.loss == pytest.approx(scipys.fun, rel=1e-9)
    np.testing.assert_allclose(vector(ours), scipys.x, rtol=0, atol=1e-9)


@pytest.mark.parametrize("problem", ["iris", "breast cancer"])
def test_the_end_is_scipys(problem):
    net, inputs, targets, loss = PROBLEMS[problem]
    scipys = by_scipy(net, inputs, targets, loss=loss, alpha=1.0)
    minimum = fp.minimize(net.copy(), inputs, targets, loss=loss, alpha=1.0)
    assert scipys.success
    assert minimum.stop_reason in ("gtol", "ftol")
    assert minimum.loss == pytest.approx(scipys.fun, rel=1e-3)
    assert minimum.evaluations <= 1.5 * scipys.nfev
    assert minimum.seconds > 0


def test_the_search_can_see_the_mean_over_the_outputs():
    """As scikit-learn's does: its gradient is that of the sum."""
    scipys = by_scipy(network(), X, Y, alpha=1.0, outputs=2, maxiter=12)
    net = network()
    loss, penalty, losses, _, evaluations, end, _ = _minimize(
        net, X, Y, loss="squared_error", alpha=1.0, max_iter=12, outputs_in_mean=2
    )
    assert (len(losses), evaluations, end) == (12, scipys.nfev, "max_iter")
    assert (loss - penalty) / 2 + penalty == pytest.approx(scipys.fun, rel=1e-9)
    np.testing.assert_allclose(vector(net), scipys.x, rtol=0, atol=1e-9)


@pytest.mark.parametrize("memory", [1, 3, 40])
def test_the_memory_is_scipys(memory):
    scipys = by_scipy(network(), X, Y, maxcor=memory, maxiter=15)
    net = network()
    minimum = fp.minimize(net, X, Y, memory=memory, max_iter=15)
    assert minimum.evaluations == scipys.nfev
    np.testing.assert_allclose(vector(net), scipys.x, rtol=0, atol=1e-9)


# Ends ---------------------------------------------------------------------------------------------------


def test_limits():
    assert fp.minimize(network(), X, Y, max_iter=3).stop_reason == "max_iter"
    few = fp.minimize(network(), X, Y, max_fun=5)
    assert (few.stop_reason, few.evaluations) == ("max_fun", 6)
    assert fp.minimize(network(), X, Y, gtol=0.1).stop_reason == "gtol"
    assert fp.minimize(network(), X, Y, ftol=0.1).stop_reason == "ftol"
    short = fp.minimize(network(), X, Y, max_time=1e-9)
    assert (short.stop_reason, short.iterations) == ("time", 1)
    at_once = fp.minimize(network(), X, Y, gtol=1e9)
    assert (at_once.stop_reason, at_once.iterations, at_once.evaluations) == ("gtol", 0, 1)
    assert at_once.loss == network().loss_and_gradients(X, Y)[0]


def test_a_callback_sees_each_iteration_and_ends_the_search():
    net, seen = network(), []

    def callback(epoch):
        assert epoch.network is net
        loss = net.loss_and_gradients(X, Y, alpha=0.5)[0]
        seen.append((epoch.epoch, epoch.loss, epoch.penalty, loss))
        return epoch.epoch == 4

    minimum = fp.minimize(net, X, Y, alpha=0.5, callback=callback)
    assert (minimum.stop_reason, minimum.iterations) == ("callback", 4)
    assert [number for number, *_ in seen] == [1, 2, 3, 4]
    assert [loss for _, loss, _, _ in seen] == [loss for *_, loss in seen] == minimum.losses
    assert [penalty for _, _, penalty, _ in seen] == minimum.penalties


def test_an_error_of_the_callers_changes_nothing():
    def callback(epoch):
        if epoch.epoch == 3:
            raise RuntimeError("mine")

    def loss(outputs, targets):
        raise RuntimeError("mine")

    net = network()
    before = bits(net)
    for keywords in ({"callback": callback}, {"loss": loss}):
        with pytest.raises(RuntimeError, match="mine"):
            fp.minimize(net, X, Y, **keywords)
        assert bits(net) == before


def test_an_interruption_keeps_the_last_iteration():
    def callback(epoch):
        if epoch.epoch == 3:
            raise KeyboardInterrupt

    net, whole = network(), network()
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        minimum = fp.minimize(net, X, Y, callback=callback)
    fp.minimize(whole, X, Y, max_iter=3)
    assert (minimum.stop_reason, minimum.iterations) == ("interrupted", 3)
    assert bits(net) == bits(whole)


def test_a_loss_that_is_no_number_at_the_start_changes_nothing():
    for factor in (1e100, 1e200):
        net = network(activation="relu")
        before = bits(net)
        minimum = fp.minimize(net, X * factor, Y)
        assert (minimum.stop_reason, minimum.iterations, minimum.evaluations) == ("diverged", 0, 1)
        assert bits(net) == before


def test_a_line_search_that_finds_nothing_ends_the_search_where_it_is():

    def uphill(outputs, targets):
        return 0.5 * ((outputs - targets) ** 2).sum(axis=1), targets - outputs

    net = network()
    before = bits(net)
    minimum = fp.minimize(net, X, Y, loss=uphill)
    assert (minimum.stop_reason, minimum.iterations, minimum.evaluations) == ("line_search", 0, 21)
    assert bits(net) == before
    # later it looks once more, along the gradient
    whole = network()
    calls = fp.minimize(whole, X, Y, max_iter=4).evaluations
    counted = []

    def no_number_later(outputs, targets):
        counted.append(1)
        difference = outputs - targets
        return (0.5 if len(counted) <= calls else np.nan) * (difference**2).sum(axis=1), difference

    minimum = fp.minimize(net, X, Y, loss=no_number_later)
    ends = minimum.stop_reason, minimum.iterations, minimum.evaluations
    assert ends == ("line_search", 4, calls + 40)
    np.testing.assert_allclose(vector(net), vector(whole), rtol=0, atol=1e-12)


def test_a_step_to_where_the_loss_is_no_number_is_taken_back():
    """The logarithm of an output that the first steps make negative."""

    def loss(outputs, targets):
        with np.errstate(invalid="ignore", divide="ignore"):
            return (outputs - 0.01 * np.log(outputs)).sum(axis=1), 1.0 - 0.01 / outputs

    net = fp.Network([1, 1], dtype="float64")
    net.set_parameters([[[1.0]]], [[0.5]])
    minimum = fp.minimize(net, [[1.0]], [[0.0]], loss=loss, gtol=1e-9)
    assert minimum.stop_reason in ("gtol", "ftol")
    assert net.predict([[1.0]])[0, 0] == pytest.approx(0.01, rel=1e-3)


# Arguments ----------------------------------------------------------------------------------------------

WRONG = {
    "network": ({"network": 3}, TypeError, "^network must be a Network, got int"),
    "rows": ({"Y": Y[1:]}, ValueError, r"^Y must have shape \(60, 2\)"),
    "memory": ({"memory": 0}, ValueError, "^memory must be a positive integer, got 0"),
    "max_iter": ({"max_iter": 0}, ValueError, "^max_iter must be a positive integer, got 0"),
    "max_fun": ({"max_fun": 1.5}, TypeError, "^max_fun must be"),
    "gtol": ({"gtol": -1.0}, ValueError, "^gtol must be 0 or a positive number, got -1.0"),
    "ftol": ({"ftol": np.nan}, ValueError, "^ftol must be 0 or a positive number, got nan"),
    "alpha": ({"alpha": -1.0}, ValueError, "^alpha must be 0 or a positive number, got -1.0"),
    "weights": ({"sample_weight": [1.0]}, ValueError, r"^sample_weight must have shape \(60,\)"),
    "time": ({"max_time": 0}, ValueError, "^max_time must be a positive number of seconds"),
    "truncate": ({"truncate": 3}, ValueError, "^truncate must be None for a network that is not recurrent"),
    "washout": ({"washout": 3}, ValueError, "^washout must be 0 for a network that is not recurrent, got 3"),
    "lengths": ({"lengths": [3]}, ValueError, "^lengths must be None for a network that is not recurrent"),
    "callback": ({"callback": 3}, TypeError, "^callback must be a function or None"),
    "loss": ({"loss": "hinge"}, ValueError, "^Y must hold"),
}


@pytest.mark.parametrize("which", WRONG)
def test_wrong_arguments_change_nothing(which):
    keywords, error, message = WRONG[which]
    net = network()
    before = bits(net)
    with pytest.raises(error, match=message):
        fp.minimize(**{"network": net, "X": X, "Y": Y, **keywords})
    assert bits(net) == before


def test_the_outcome_goes_through_a_pickle():
    minimum = fp.minimize(network(), X, Y, max_iter=3)
    assert pickle.loads(pickle.dumps(minimum)) == minimum


# The same bits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(30, 150, 130, 2), (5, 8, 1)], ids=str)
def test_any_number_of_threads_gives_the_same_bits(sizes, dtype):
    """The wide network's vectors are summed in two pieces."""
    rows = rng.standard_normal((600, sizes[0]))
    targets = np.sin(rows[:, : sizes[-1]])
    outcomes = set()
    for n_threads in (1, 2, 3):
        net = network(sizes, dtype)
        minimum = fp.minimize(net, rows, targets, alpha=0.1, max_iter=5, n_threads=n_threads)
        outcomes.add((bits(net), minimum.loss, tuple(minimum.losses), minimum.evaluations))
    assert len(outcomes) == 1
