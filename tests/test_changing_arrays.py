"""Arrays that somebody changes while they are in use.

Rows of inputs and targets are read where they lie, for they may be larger than memory. So whatever is written
there meanwhile is what is learnt from; but it is only ever arithmetic's business: nothing is indexed, and no
length is taken, by a number of the caller's. What does serve as an index or as a divisor, the order of the
rows and their weights, is copied first and checked in the copy.
"""

import itertools
import re
import threading
import time
import warnings
from dataclasses import replace

import ferroprop as fp
import numpy as np
import pytest
from fits import OUTPUTS, Fit, hash_of_history, hash_of_parameters, numbers

WIDE = Fit(layer_sizes=(19, 75, 61, 7), rows=1733)

NASTY = [np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-45, -0.0, 0.0, 1e20, 2**31 + 0.5, -(2.0**63)]


class Mutator(threading.Thread):
    """Writes numbers that no check would have let through into arrays until it is told to stop."""

    def __init__(self, *arrays):
        super().__init__()
        self._arrays = arrays
        self._stop_it = threading.Event()
        self.writes = 0

    def run(self):
        draw = np.random.default_rng(0)
        for number in itertools.cycle(NASTY):
            for array in self._arrays:
                where = draw.integers(0, array.size, size=max(1, array.size // 50))
                with np.errstate(all="ignore"):
                    array.reshape(-1)[where] = number
                self.writes += 1
            if self._stop_it.is_set():
                return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self._stop_it.set()
        self.join()


def expect_errors(call):
    """Call; a number may be found at the beginning, or reported with a warning when it has spread."""
    expected = "must hold|must be|finite|NaN|infinity|Solver"
    try:
        call()
    except ValueError as error:
        if not re.search(expected, str(error)):
            raise


def for_a_while(call, seconds=0.4):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        expect_errors(call)


@pytest.mark.filterwarnings("ignore:training diverged:RuntimeWarning")
@pytest.mark.parametrize("batch_size", [None, 331])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_training_from_changing_arrays(n_threads, batch_size):
    fit = replace(WIDE, n_threads=n_threads, batch_size=batch_size, weighted=True, validation_rows=300)
    (X, Y), keywords = fit.arguments(np.array)
    arrays = [X, Y, keywords["sample_weight"], *keywords["validation"][:2]]
    clean = [array.copy() for array in arrays]

    def train():
        for array, before in zip(arrays, clean, strict=True):
            np.copyto(array, before)
        network = fit.network()
        history = fp.train(network, X, Y, **keywords)
        assert all(np.isfinite(part).all() for part in (*network.weights, *network.biases))
        assert np.isfinite(history.loss).all()

    with Mutator(*arrays) as mutator:
        for_a_while(train)
    assert mutator.writes


@pytest.mark.filterwarnings("ignore:training diverged:RuntimeWarning")
@pytest.mark.parametrize(
    ("output", "loss"), [*OUTPUTS[::2], ("identity", "hinge"), ("identity", fp.Quantile(0.3))]
)
def test_every_kind_of_loss_from_changing_arrays(output, loss):
    fit = replace(WIDE, rows=300, output=output, loss=loss, weighted=True)
    (X, Y), keywords = fit.arguments(np.array)
    clean = [X.copy(), Y.copy()]

    def train():
        np.copyto(X, clean[0])
        np.copyto(Y, clean[1])
        fp.train(fit.network(), X, Y, **keywords)
        fit.network().loss_and_gradients(X, Y, loss=loss, sample_weight=keywords["sample_weight"])

    with Mutator(X, Y, keywords["sample_weight"]):
        for_a_while(train, 0.2)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("order", ["C", "F"])
def test_predictions_from_a_changing_array(order, n_threads):
    X, network = np.array(WIDE.data()[0], order=order), WIDE.network()
    clean = X.copy()

    def predict():
        np.copyto(X, clean)
        assert network.predict(X, n_threads=n_threads).shape == (1733, 7)
        assert network.hidden(X, 0).shape == (1733, 75)
        assert network.input_gradient(X[:20]).shape == (20, 7, 19)

    with Mutator(X):
        for_a_while(predict)


@pytest.mark.filterwarnings("ignore:training diverged:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:(overflow|invalid|divide)")
@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs"])
def test_estimators_from_changing_arrays(solver):
    X, y = np.array(numbers("X", 400, 19)), np.array(numbers("y", 400))
    weights = np.ones(400)
    clean = X.copy(), y.copy()

    def fit():
        np.copyto(X, clean[0])
        np.copyto(y, clean[1])
        weights[:] = 1.0
        model = fp.MLPRegressor(hidden_layer_sizes=(20,), solver=solver, max_iter=3, random_state=0)
        model.fit(X, y, weights)
        assert all(np.isfinite(part).all() for part in (*model.coefs_, *model.intercepts_))

    with Mutator(X, y, weights):
        for_a_while(fit)


def test_weights_and_orders_are_those_that_were_checked():
    """They are copied: what is written into them later has no effect at all."""
    fit = replace(WIDE, batch_size=331, weighted=True, epochs=4, optimizer="Adam")
    (X, Y), keywords = fit.arguments(np.array)
    expected = fit.network()
    history = fp.train(expected, X, Y, **keywords, shuffle=lambda epoch: np.arange(1733))
    order, weights = np.arange(1733), keywords["sample_weight"]

    def spoil(outputs):
        order[:] = 2**40
        weights[:] = np.nan

    def give(epoch):
        order[:] = np.arange(1733)
        return order

    network = fit.network()
    again = fp.train(network, X, Y, **keywords, shuffle=give, callback=spoil)
    assert hash_of_parameters(network) == hash_of_parameters(expected)
    assert hash_of_history(again) == hash_of_history(history)


@pytest.mark.parametrize(("spoilt", "number"), [("X", np.nan), ("Y", np.nan), ("Y", np.inf)])
def test_a_number_that_appears_is_reported(spoilt, number):
    """The network keeps the parameters of the last epoch before it.

    Infinity in X is left out: tanh makes a number of it.
    """
    fit = replace(WIDE, epochs=9)
    (X, Y), keywords = fit.arguments(np.array)

    def spoil(epoch):
        if epoch.epoch == 3:
            {"X": X, "Y": Y}[spoilt][1500, 2] = number

    network = fit.network()
    with pytest.warns(RuntimeWarning, match="diverged in epoch 4"):
        history = fp.train(network, X, Y, **keywords, callback=spoil)
    assert (history.stop_reason, history.epochs) == ("diverged", 3)
    assert hash_of_parameters(network) == hash_of_parameters(replace(fit, epochs=3).train()[0])


def test_an_array_that_changes_its_shape_meanwhile():
    """The view that was checked is what is read, whatever the object is made to say later."""
    fit = replace(WIDE, epochs=4)
    (X, Y), keywords = fit.arguments(np.array)
    expected, _ = fit.train()
    network = fit.network()

    def reshape(epoch):
        X.shape = (19, 1733)
        with pytest.raises(ValueError, match="resize"):
            X.resize((1, 1))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of setting the shape
        fp.train(network, X, Y, **keywords, callback=reshape)
    assert hash_of_parameters(network) == hash_of_parameters(expected)
