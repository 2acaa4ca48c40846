"""The training loop: batches, stopping, validation, callbacks, and what comes back."""

import copy
import itertools
import pickle
import signal
import threading
import time

import ferroprop as fp
import numpy as np
import pytest

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = np.sin(X.sum(axis=1, keepdims=True)) + 0.3 * RNG.normal(size=(40, 1))
X_VALID = RNG.normal(size=(30, 3))
Y_VALID = np.sin(X_VALID.sum(axis=1, keepdims=True)) + 0.3 * RNG.normal(size=(30, 1))


def make_network(**keywords):
    return fp.Network([3, 12, 1], **{"activation": "tanh", "dtype": "float64", "seed": 1, **keywords})


def bits(network):
    return b"".join(p.tobytes() for p in [*network.weights, *network.biases] if p is not None)


def optimizers():
    return [fp.Rprop(), fp.SGD(0.05), fp.Adam(0.01)]


def trained(optimizer=None, network=None, **keywords):
    """Train a new network; return it with its history."""
    network = network or make_network()
    history = fp.train(network, X, Y, **{"optimizer": optimizer or fp.Adam(0.01), "epochs": 10, **keywords})
    return network, history


# History --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("fan_out", [1, 3, 20])
@pytest.mark.parametrize("output", ["identity", "logistic", "tanh", "softplus", "exp", "softmax"])
def test_losses_with_a_penalty_are_those_of_the_network(output, fan_out, dtype):
    """Each epoch's loss is that of the network before it, to the bit: only weights are in the penalty."""
    rng = np.random.default_rng(5)
    inputs, targets = rng.normal(size=(30, 4)), rng.uniform(size=(30, fan_out))
    network = fp.Network([4, 7, fan_out], output_activation=output, dtype=dtype, seed=2)
    keywords = {"loss": "squared_error", "alpha": 0.5}
    step_by_step, losses = network.copy(), []
    for _ in range(5):
        losses.append(step_by_step.loss_and_gradients(inputs, targets, **keywords)[0])
        fp.train(step_by_step, inputs, targets, optimizer=fp.SGD(0.01, momentum=0), epochs=1, **keywords)
    history = fp.train(network, inputs, targets, optimizer=fp.SGD(0.01, momentum=0), epochs=5, **keywords)
    assert history.loss == losses


def test_history_has_an_entry_an_epoch():
    _, history = trained(epochs=7, validation=(X_VALID, Y_VALID), validation_score=lambda network: 1.0)
    assert history.epochs == 7
    assert history.stop_reason == "epochs"
    for course in [history.loss, history.validation_loss, history.validation_score, history.learning_rate]:
        assert len(course) == 7
        assert all(isinstance(value, float) for value in course)
    assert history.validation_score == [1.0] * 7
    assert history.learning_rate == [0.01] * 7
    assert 0 < history.seconds < 5


def test_history_is_empty_where_nothing_was_asked_for():
    _, history = trained(fp.Rprop())
    assert history.validation_loss == []
    assert history.validation_score == []
    assert history.learning_rate == []


def test_full_batch_loss_is_that_before_the_step():
    network = make_network()
    expected = []
    for _ in range(5):
        expected.append(network.loss_and_gradients(X, Y, alpha=0.1)[0])
        fp.train(network, X, Y, optimizer=fp.SGD(0.1, momentum=0.0), epochs=1, alpha=0.1)
    _, history = trained(fp.SGD(0.1, momentum=0.0), epochs=5, alpha=0.1)
    np.testing.assert_allclose(history.loss, expected, rtol=1e-14)


def test_validation_loss_is_that_after_the_step():
    network, history = trained(epochs=4, validation=(X_VALID, Y_VALID), restore_best=False, alpha=0.1)
    assert history.validation_loss[-1] == network.loss_and_gradients(X_VALID, Y_VALID)[0]


def test_validation_rows_have_weights():
    weights = np.linspace(0, 2, len(X_VALID))
    network, history = trained(validation=(X_VALID, Y_VALID, weights), restore_best=False)
    expected = network.loss_and_gradients(X_VALID, Y_VALID, sample_weight=weights)[0]
    assert history.validation_loss[-1] == expected


def test_validation_does_not_change_the_training():
    plain, history = trained()
    watched, watched_history = trained(validation=(X_VALID, Y_VALID), restore_best=False)
    assert bits(plain) == bits(watched)
    assert history.loss == watched_history.loss


# Batches --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_any_number_of_rows(n_threads, step):
    """Chunks of any length fit into the blocks that there are."""
    X, Y = np.ones((2100, 3), np.float32), np.ones((2100, 1), np.float32)
    for layer_sizes in ([3, 2, 1], [3, 180, 180, 1]):
        network = fp.Network(layer_sizes)
        for rows in range(n_threads, 2100, step if len(layer_sizes) == 3 else 37):
            data = X[:rows], Y[:rows]
            fp.train(
                network,
                *data,
                epochs=1,
                n_threads=n_threads,
                validation=(X[: 2 * rows // 3 + 1], Y[: 2 * rows // 3 + 1]),
            )
            fp.train(
                network, *data, epochs=1, n_threads=n_threads, batch_size=2 * rows // 3 + 1, optimizer="sgd"
            )


def test_shuffle_false_takes_the_rows_in_order():
    in_order, history = trained(batch_size=16, shuffle=False)
    by_hand, history_by_hand = trained(batch_size=16, shuffle=lambda epoch: np.arange(len(X)))
    assert bits(in_order) == bits(by_hand)
    assert history.loss == history_by_hand.loss


def test_shuffle_is_called_with_the_epoch():
    epochs = []

    def order(epoch):
        epochs.append(epoch)
        return np.arange(len(X))

    trained(batch_size=16, shuffle=order, epochs=5)
    assert epochs == [1, 2, 3, 4, 5]


def test_shuffle_follows_the_seed():
    assert bits(trained(batch_size=8, seed=5)[0]) == bits(trained(batch_size=8, seed=5)[0])
    assert bits(trained(batch_size=8, seed=5)[0]) != bits(trained(batch_size=8, seed=6)[0])
    assert bits(trained(batch_size=8, seed=5)[0]) != bits(trained(batch_size=8, shuffle=False)[0])


def test_shuffled_epochs_visit_each_row_once_in_changing_order():
    """Each row moves a weight of its own, so that one pass over all rows moves every weight, just once."""
    network = fp.Network([40, 1], bias=False, dtype="float64")
    network.set_parameters([np.zeros((40, 1))], [None])
    rate = 2.0**-20
    optimizer = fp.SGD(rate, momentum=0.0)
    targets = np.arange(1.0, 41)[:, None]
    fp.train(network, np.eye(40), targets, optimizer=optimizer, epochs=1, batch_size=1)
    np.testing.assert_array_equal(network.weights[0], rate * targets)
    first, second = (
        fp.train(
            fp.Network([1, 1], dtype="float64", seed=3),
            X[:, :1],
            Y,
            optimizer=fp.SGD(0.1),
            epochs=1,
            batch_size=1,
            seed=seed,
        ).loss
        for seed in [1, 2]
    )
    assert first != second


def test_a_batch_larger_than_the_data_is_the_full_batch():
    full, _ = trained()
    larger, _ = trained(batch_size=1000, shuffle=False)
    assert bits(full) == bits(larger)


def test_rows_without_weight_do_not_count():
    weights = np.ones(len(X))
    weights[::3] = 0
    kept = weights > 0
    network, history = trained(fp.Rprop(), sample_weight=weights)
    fewer = make_network()
    fewer_history = fp.train(fewer, X[kept], Y[kept], optimizer=fp.Rprop(), epochs=10)
    np.testing.assert_allclose(history.loss, fewer_history.loss, rtol=1e-13)
    np.testing.assert_allclose(network.weights[0], fewer.weights[0], rtol=1e-10)


def test_a_batch_without_weight_leaves_the_network_finite():
    weights = np.repeat([0.0, 1.0], 20)
    network, history = trained(fp.SGD(0.1, momentum=0.0), sample_weight=weights, batch_size=20, shuffle=False)
    assert np.isfinite(history.loss).all()
    rest = make_network()
    fp.train(rest, X[20:], Y[20:], optimizer=fp.SGD(0.1, momentum=0.0), epochs=10)
    assert bits(network) == bits(rest)


# Stopping -------------------------------------------------------------------------------------------------


def bad_epochs_in_a_row(course, tolerance):
    """Return, for each epoch, how many in a row up to it were not better than the best by the tolerance."""
    counts, best, bad = [], np.inf, 0
    for value in course:
        bad = bad + 1 if value > best - tolerance else 0
        best = min(best, value)
        counts.append(bad)
    return counts


@pytest.mark.parametrize(("patience", "tolerance"), [(1, 0.0), (2, 0.0), (1, 1e-3), (3, 1e-3), (10, 1e-3)])
def test_patience_with_the_training_loss(patience, tolerance):
    _, long = trained(fp.Rprop(initial_step=0.5), epochs=400)
    expected = bad_epochs_in_a_row(long.loss, tolerance).index(patience) + 1
    _, history = trained(fp.Rprop(initial_step=0.5), epochs=400, patience=patience, tolerance=tolerance)
    assert (history.stop_reason, history.epochs) == ("patience", expected)
    assert history.loss == long.loss[:expected]


def test_patience_with_the_validation_loss():
    validation = (X_VALID, Y_VALID)
    _, long = trained(fp.Rprop(), epochs=200, validation=validation)
    expected = bad_epochs_in_a_row(long.validation_loss, 0.0).index(5) + 1
    _, history = trained(fp.Rprop(), epochs=200, validation=validation, patience=5)
    assert (history.stop_reason, history.epochs) == ("patience", expected)


def test_patience_with_a_score():
    """A score is better the larger it is."""
    scores = itertools.chain([0.1, 0.5, 0.6, 0.55, 0.6, 0.59], itertools.repeat(0.0))
    _, history = trained(validation_score=lambda network: next(scores), patience=2, epochs=50)
    assert (history.stop_reason, history.epochs, history.best_epoch) == ("patience", 7, 3)


def test_a_score_that_is_not_a_number_is_a_bad_one():
    scores = itertools.chain([0.1], itertools.repeat(np.nan))
    _, history = trained(validation_score=lambda network: next(scores), patience=3, epochs=50)
    assert (history.stop_reason, history.epochs, history.best_epoch) == ("patience", 4, 1)


def test_patience_without_end():
    _, history = trained(fp.Rprop(), epochs=300)
    assert (history.stop_reason, history.epochs) == ("epochs", 300)


def test_time_limit():
    start = time.perf_counter()
    _, history = trained(epochs=10**9, max_time=0.2)
    elapsed = time.perf_counter() - start
    assert history.stop_reason == "time"
    assert 0.2 <= history.seconds <= elapsed < 2
    assert history.epochs == len(history.loss) > 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [None, 8])
def test_divergence_stops_and_keeps_finite_weights(dtype, batch_size):
    network = make_network(activation="relu", dtype=dtype)
    with pytest.warns(RuntimeWarning, match="diverged in epoch") as caught:
        _, history = trained(fp.SGD(1e3), network, epochs=1000, batch_size=batch_size)
    assert history.stop_reason == "diverged"
    assert f"epoch {history.epochs + 1}:" in str(caught[0].message)
    assert history.epochs == len(history.loss) < 200
    assert np.isfinite(history.loss).all()
    assert all(np.isfinite(p).all() for p in [*network.weights, *network.biases])


def test_divergence_keeps_the_weights_of_the_epoch_before():
    network = make_network(activation="relu")
    with pytest.warns(RuntimeWarning, match="diverged"):
        _, history = trained(fp.SGD(1e3), network, epochs=1000)
    shorter, _ = trained(fp.SGD(1e3), make_network(activation="relu"), epochs=history.epochs)
    assert bits(network) == bits(shorter)


# The best weights -----------------------------------------------------------------------------------------


def test_best_weights_come_back_with_validation():
    network, history = trained(fp.Rprop(), epochs=200, validation=(X_VALID, Y_VALID))
    best = min(history.validation_loss)
    assert history.best_epoch == history.validation_loss.index(best) + 1 < 200
    assert network.loss_and_gradients(X_VALID, Y_VALID)[0] == best
    shorter, _ = trained(fp.Rprop(), epochs=history.best_epoch)
    assert bits(network) == bits(shorter)


def test_best_weights_come_back_with_a_score():
    seen = []

    def score(network):
        seen.append(bits(network))
        return [0.2, 0.9, 0.9, 0.5][len(seen) - 1]

    network, history = trained(validation_score=score, epochs=4)
    assert history.best_epoch == 2
    assert bits(network) == seen[1]


def test_last_weights_stay_if_asked():
    network, history = trained(fp.Rprop(), epochs=200, validation=(X_VALID, Y_VALID), restore_best=False)
    assert network.loss_and_gradients(X_VALID, Y_VALID)[0] == history.validation_loss[-1]
    assert history.validation_loss[-1] > min(history.validation_loss)


def test_without_validation_the_last_weights_stay():
    network, history = trained(fp.Rprop(initial_step=0.5), epochs=31)
    again, _ = trained(fp.Rprop(initial_step=0.5), epochs=31, restore_best=False)
    assert bits(network) == bits(again)
    assert history.best_epoch == np.argmin(history.loss) + 1


def test_best_weights_by_the_training_loss_can_be_asked_for():
    """A full batch's loss is that before the step, and so are the weights that belong to it."""
    network, history = trained(fp.SGD(0.4, momentum=0.9), epochs=60, restore_best=True)
    assert network.loss_and_gradients(X, Y)[0] == min(history.loss) < history.loss[-1]


# Callback -------------------------------------------------------------------------------------------------


def test_callback_sees_each_epoch():
    seen = []
    _, history = trained(
        epochs=4, callback=seen.append, validation=(X_VALID, Y_VALID), validation_score=lambda n: 0.5
    )
    assert [e.epoch for e in seen] == [1, 2, 3, 4]
    assert [e.loss for e in seen] == history.loss
    assert [e.validation_loss for e in seen] == history.validation_loss
    assert [e.validation_score for e in seen] == [0.5] * 4
    assert [e.learning_rate for e in seen] == history.learning_rate
    seconds = [e.seconds for e in seen]
    assert seconds == sorted(seconds)
    assert 0 < seconds[-1] <= history.seconds


def test_callback_sees_nothing_that_was_not_asked_for():
    seen = []
    trained(fp.Rprop(), epochs=1, callback=seen.append)
    assert (seen[0].validation_loss, seen[0].validation_score, seen[0].learning_rate) == (None, None, None)


def test_callback_stops_the_training():
    network, history = trained(callback=lambda epoch: epoch.epoch == 3)
    assert (history.stop_reason, history.epochs) == ("callback", 3)
    assert bits(network) == bits(trained(epochs=3)[0])


class StopError(Exception):
    pass


@pytest.mark.parametrize("hook", ["callback", "validation_score", "shuffle"])
def test_an_exception_in_a_hook_comes_out(hook):
    """The network is then as it was, even after some epochs."""
    calls = iter(range(3))

    def fail_in_the_third_call(_argument):
        if next(calls) == 2:
            raise StopError("enough")
        return np.arange(len(X)) if hook == "shuffle" else 0.0

    network = make_network()
    with pytest.raises(StopError, match="enough"):
        trained(network=network, batch_size=8, **{hook: fail_in_the_third_call})
    assert bits(network) == bits(make_network())


def test_only_true_stops():
    for answer in [None, False, 0, 1, "stop"]:
        assert trained(epochs=3, callback=lambda epoch, answer=answer: answer)[1].epochs == 3
    for answer in [True, np.True_]:
        assert trained(epochs=3, callback=lambda epoch, answer=answer: answer)[1].epochs == 1


def test_an_interrupt_keeps_the_epochs_so_far():
    def interrupt(epoch):
        if epoch.epoch == 3:
            raise KeyboardInterrupt

    network = make_network()
    with pytest.warns(UserWarning, match="interrupted"):
        _, history = trained(network=network, callback=interrupt)
    assert (history.stop_reason, history.epochs) == ("interrupted", 3)
    assert bits(network) == bits(trained(epochs=3)[0])


def test_ctrl_c_ends_a_long_training_at_once():
    threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.warns(UserWarning, match="interrupted"):
        _, history = trained(epochs=10**9)
    assert history.stop_reason == "interrupted"
    assert history.seconds < 1
    assert history.epochs == len(history.loss) > 1


def test_callback_may_use_the_network():
    network = make_network()
    losses = []
    trained(
        fp.SGD(0.1),
        network,
        epochs=3,
        callback=lambda epoch: losses.append(float(np.mean((network.predict(X) - Y) ** 2) / 2)),
    )
    assert losses[2] < losses[0]
    np.testing.assert_allclose(losses[2], network.loss_and_gradients(X, Y)[0], rtol=1e-12)


# Warm start -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", optimizers(), ids=repr)
@pytest.mark.parametrize(
    "batches", [{"batch_size": None}, {"batch_size": 16, "shuffle": False}, {"batch_size": 16}], ids=str
)
def test_warm_start_goes_on_where_training_stopped(optimizer, batches):
    one, history = trained(optimizer, epochs=12, **batches)
    two, first = trained(optimizer, epochs=5, **batches)
    second = fp.train(two, X, Y, optimizer=optimizer, epochs=7, warm_start=True, **batches)
    assert bits(one) == bits(two)
    assert history.loss == first.loss + second.loss


@pytest.mark.parametrize("optimizer", optimizers(), ids=repr)
def test_without_warm_start_the_optimizer_begins_anew(optimizer):
    warm, _ = trained(optimizer, epochs=5)
    cold = warm.copy()
    fresh = make_network()
    fresh.set_parameters(warm.weights, warm.biases)
    fp.train(cold, X, Y, optimizer=optimizer, epochs=5)
    fp.train(fresh, X, Y, optimizer=optimizer, epochs=5)
    assert bits(cold) == bits(fresh)


def test_an_optimizer_is_a_setting_and_can_be_shared():
    """Training one network does not leave traces in another that is trained with the same optimizer."""
    for optimizer in optimizers():
        alone, _ = trained(optimizer)
        trained(optimizer, make_network(seed=9))
        again, _ = trained(optimizer)
        assert bits(alone) == bits(again)


@pytest.mark.parametrize(
    "optimizer", [fp.Rprop(), fp.GRprop(), fp.SARPROP(), fp.SGD(), fp.Adam(), fp.AdamW()]
)
def test_an_optimizer_forgets_a_training_that_diverged(optimizer):
    net = fp.Network([1, 3], dtype="float32", seed=1)
    with pytest.warns(RuntimeWarning, match="diverged in epoch 1"):
        fp.train(net, [[1.0], [2.0]], np.full((2, 3), 3e30), optimizer=optimizer)
    assert optimizer.state == {}
    for again in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        assert repr(again) == repr(optimizer)
        assert again.state == {}
    double = fp.Network([1, 3], dtype="float64", seed=1)
    settings = {"optimizer": optimizer, "epochs": 2, "warm_start": True}
    assert fp.train(double, [[1.0]], [[1.0, 2.0, 3.0]], **settings).epochs == 2


def test_batches_without_weight_do_not_count():
    net = fp.Network([2, 1], dtype="float64", seed=1)
    X, Y = np.random.default_rng(0).normal(size=(4, 2)), np.ones((4, 1))
    weights = [0.0, 0.0, 1.0, 0.0]
    expected, _, _ = net.loss_and_gradients(X, Y, sample_weight=weights)
    history = fp.train(net, X, Y, sample_weight=weights, batch_size=1, epochs=1, optimizer=fp.SGD(1e-12))
    np.testing.assert_allclose(history.loss, [expected], rtol=1e-9)


def test_the_greatest_weight_may_not_be_nearly_a_denormal_number():
    net = fp.Network([2, 1])
    with pytest.raises(ValueError, match=r"at least one number of 9.9e-32 or more in float32"):
        net.loss_and_gradients(np.ones((3, 2)), np.ones((3, 1)), sample_weight=np.full(3, 1e-37))
    _, (expected,), _ = net.loss_and_gradients(np.ones((3, 2)), np.ones((3, 1)))
    _, (small,), _ = net.loss_and_gradients(np.ones((3, 2)), np.ones((3, 1)), sample_weight=np.full(3, 1e-30))
    np.testing.assert_allclose(small, expected, rtol=1e-5)
