"""The orders in which an estimator goes through the rows: NumPy's legacy shuffle, drawn by the core."""

import threading
import warnings

import ferroprop as fp
import numpy as np
import pytest
from ferroprop._core import RowOrders
from ferroprop.estimators import _epochs, _row_orders

SIZES = [*range(12), 31, 32, 33, 120, 255, 256, 257, 623, 624, 625, 1000, 4095, 4096, 4097, 5000]
X = np.random.default_rng(0).normal(size=(60, 3))
Y = X @ [1.0, -1.0, 0.5]


def by_numpy(rng, n_rows, epochs):
    """Return the orders of some epochs as scikit-learn's networks draw them."""
    order, orders = np.arange(n_rows), []
    for _ in range(epochs):
        permutation = np.arange(n_rows)
        rng.shuffle(permutation)
        order = order[permutation]
        orders.append(order)
    return orders


def state_of(rng):
    state = rng.get_state(legacy=False)
    return state["state"]["key"].tolist(), state["state"]["pos"], state["has_gauss"], state["gauss"]


def fitted(**parameters):
    settings = {"hidden_layer_sizes": (4,), "max_iter": 6, "batch_size": 16, **parameters}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fp.MLPRegressor(**settings).fit(X, Y)


def weights_of(model):
    return [array.tolist() for array in (*model.coefs_, *model.intercepts_)]


@pytest.fixture
def shuffles(monkeypatch):
    """Return a list of what fits hand to the core as their orders, from then on."""
    seen, train = [], _epochs.train

    def recorded(*arguments, **keywords):
        seen.append(keywords["shuffle"])
        return train(*arguments, **keywords)

    monkeypatch.setattr(_epochs, "train", recorded)
    return seen


@pytest.mark.parametrize("n_rows", SIZES)
def test_orders_and_final_state_are_numpys(n_rows):
    for seed in range(40):
        rng = np.random.RandomState(seed)
        rng.random_sample(17 * seed)  # begins anywhere in the state
        orders = RowOrders(n_rows, **rng.get_state(legacy=False)["state"])
        for epoch, expected in enumerate(by_numpy(rng, n_rows, 4), 1):
            assert np.array_equal(orders(epoch), expected)
        assert orders.drawn == 4
        key, pos = orders.state
        assert (key.tolist(), pos) == state_of(rng)[:2]


def test_an_epoch_draws_those_before_it():
    state = np.random.RandomState(1).get_state(legacy=False)["state"]
    orders, rng = RowOrders(50, **state), np.random.RandomState(1)
    assert np.array_equal(orders(7), by_numpy(rng, 50, 7)[-1])
    assert orders.state[1] == state_of(rng)[1]


def test_a_state_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"key must hold 624 numbers, got 3"):
        RowOrders(5, key=np.zeros(3, np.uint32), pos=0)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("how", ["seed", "generator", "global"])
def test_fits_draw_as_numpy_would(solver, how, shuffles, monkeypatch):
    def fit():
        np.random.seed(8)  # noqa: NPY002 - the one that random_state=None stands for
        rng = {"seed": 8, "generator": np.random.RandomState(8), "global": None}[how]
        model = fitted(solver=solver, random_state=rng, early_stopping=True)
        return weights_of(model), state_of(np.random.mtrand._rand if rng is None or how == "seed" else rng)

    weights, state = fit()
    assert isinstance(shuffles[-1], RowOrders)
    monkeypatch.setattr(_epochs, "train", _with_numpy(_epochs.train))
    assert (weights, state) == fit()


def _with_numpy(train):
    """Return `train` with orders that are drawn by NumPy from a generator of the same state."""

    def trained(*arguments, shuffle, **keywords):
        rng = np.random.RandomState()
        key, pos = shuffle.state
        rng.set_state(("MT19937", key, pos))
        orders = _row_orders._drawn_by_numpy(rng, len(arguments[1]))
        history = train(*arguments, shuffle=orders, **keywords)
        shuffle(history.epochs)
        return history

    return trained


def test_a_generator_goes_on_from_fit_to_fit(shuffles):
    rng, other = np.random.RandomState(2), np.random.RandomState(2)
    rng.standard_normal(), other.standard_normal()  # leaves a number in store
    first, second = (fitted(random_state=rng) for _ in range(2))
    assert all(isinstance(order, RowOrders) for order in shuffles)
    again = [fitted(random_state=other, callback=lambda epoch: None) for _ in range(2)]
    assert not isinstance(shuffles[-1], RowOrders)
    assert [weights_of(first), weights_of(second)] == [weights_of(model) for model in again]
    assert state_of(rng) == state_of(other)


def test_functions_of_the_callers_draw_in_between(shuffles):
    rng, other = np.random.RandomState(2), np.random.RandomState(2)
    drawn = []
    fitted(random_state=rng, callback=lambda epoch: drawn.append(rng.randint(1000)))
    assert not isinstance(shuffles[-1], RowOrders)
    # scikit-learn's order: the weights, and then an order and the caller's number for each epoch
    fitted(random_state=other, max_iter=1)
    other_drawn = [other.randint(1000)]
    for _ in range(5):
        by_numpy(other, 60, 1)
        other_drawn.append(other.randint(1000))
    assert drawn == other_drawn
    assert state_of(rng) == state_of(other)


@pytest.mark.parametrize("bits", ["PCG64", "Philox"])
def test_other_generators_draw_themselves(bits, shuffles):
    rng, other = (np.random.RandomState(getattr(np.random, bits)(3)) for _ in range(2))
    model = fitted(random_state=rng)
    assert not isinstance(shuffles[-1], RowOrders)
    assert weights_of(model) == weights_of(fitted(random_state=other, callback=lambda epoch: None))
    assert rng.randint(1 << 30) == other.randint(1 << 30)


def test_the_state_is_given_back_after_an_error():
    def ends(network):
        raise RuntimeError("on purpose")

    rng = np.random.RandomState(5)
    with (
        pytest.raises(RuntimeError, match="on purpose"),
        _row_orders.row_orders(rng, 60, is_own=False, calls_back=False) as order_of,
    ):
        fp.train(fp.Network([3, 1]), X, Y[:, None], shuffle=order_of, validation_score=ends)
    other = np.random.RandomState(5)
    by_numpy(other, 60, 1)
    assert state_of(rng) == state_of(other)
    assert not _row_orders._ON_LOAN


def test_numbers_that_others_drew_meanwhile_do_not_come_again():
    rng = np.random.RandomState(6)
    with _row_orders.row_orders(rng, 60, is_own=False, calls_back=False) as order_of:
        order_of(3)
        with _row_orders.row_orders(rng, 60, is_own=False, calls_back=False) as of_another_fit:
            assert not isinstance(of_another_fit, RowOrders)
            of_another_fit(2)
    other = np.random.RandomState(6)
    by_numpy(other, 60, 5)
    assert state_of(rng) == state_of(other)


@pytest.mark.filterwarnings("ignore:.*Maximum iterations.*")
def test_fits_in_threads_share_the_global_generator():
    models = []

    def fit():
        models.append(fp.MLPRegressor(hidden_layer_sizes=(4,), max_iter=50, batch_size=16).fit(X, Y))

    threads = [threading.Thread(target=fit) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len({repr(weights_of(model)) for model in models}) == 4
    assert not _row_orders._ON_LOAN


@pytest.mark.parametrize("done", [0, 2, 6])
def test_a_resumed_fit_ends_in_the_same_state(done, tmp_path, shuffles):
    whole, parts = np.random.RandomState(1), np.random.RandomState(1)
    model = fitted(random_state=whole)
    path = tmp_path / "run.ckpt"
    if done:
        fitted(random_state=parts, checkpoint=path, max_iter=done)
    resumed = fitted(random_state=parts, checkpoint=path)
    assert all(isinstance(order, RowOrders) for order in shuffles)
    assert weights_of(model) == weights_of(resumed)
    assert state_of(whole) == state_of(parts)
