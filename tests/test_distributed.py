"""Sums over parts of a table: groups, their tree, and trainings on rows that are elsewhere."""

import functools
import itertools
import operator
import pickle

import ferroprop as fp
import numpy as np
import pytest
from ferroprop.distributed import (
    Part,
    Partial,
    RemoteRows,
    boundaries,
    group_rows,
    minimize,
    partial_sums,
    rows_of,
    train,
    train_in_turns,
)
from ferroprop.distributed._shards import digest_part
from fits import numbers
from hypothesis import given, settings
from hypothesis import strategies as st

ROWS = 70_001  # five groups, the last one not whole


def table(dtype="float32", rows=ROWS):
    X = numbers("X", rows, 5).astype(dtype)
    return X, np.tanh(X[:, :2] * X[:, 2:4]), np.abs(numbers("weights", rows)).astype(dtype)


def network(dtype="float32", **keywords):
    return fp.Network([5, 9, 2], activation="tanh", dtype=dtype, seed=3, **keywords)


class Here:
    """Shards in this process; arguments and results go through pickles, as to a worker and back."""

    def __init__(self, cuts, X, Y, weight=None):
        self.n_rows, self.n_parts = cuts[-1], len(cuts) - 1
        self.parts = [
            Part(X[a:b], Y[a:b], None if weight is None else weight[a:b], a)
            for a, b in itertools.pairwise(cuts)
        ]

    def map(self, function, *arguments):
        return [self.call(index, function, *arguments) for index in range(self.n_parts)]

    def call(self, index, function, *arguments):
        arguments = pickle.loads(pickle.dumps(arguments))
        return pickle.loads(pickle.dumps(function(self.parts[index], *arguments)))


def bits(net):
    return [array.tobytes() for array in (*net.weights, *net.biases)]


# Sums ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", [None, "absolute_error"])
def test_the_sums_over_all_parts_are_those_of_the_whole(dtype, loss):
    X, Y, weight = table(dtype)
    net = network(dtype)
    whole = partial_sums(net, X, Y, loss=loss, sample_weight=weight)
    mean, *_ = net.loss_and_gradients(X, Y, loss=loss, sample_weight=weight)
    assert whole.mean_loss == mean
    assert (whole.groups, whole.range, whole.dtype) == (5, (0, 5), dtype)
    group = group_rows(net, ROWS)
    parts = [
        partial_sums(net, X[a:b], Y[a:b], n_rows=ROWS, first_row=a, loss=loss, sample_weight=weight[a:b])
        for a, b in zip(range(0, ROWS, group), [*range(group, ROWS, group), ROWS], strict=True)
    ]
    assert len(parts) == 5
    assert functools.reduce(operator.add, parts) == whole
    assert parts[0] + (parts[1] + (parts[2] + (parts[3] + parts[4]))) == whole
    assert (parts[0] + parts[1]) + ((parts[2] + parts[3]) + parts[4]) == whole
    assert (parts[0] + parts[1]).mean_loss is None
    assert pickle.loads(pickle.dumps(parts[1] + parts[2])) == parts[1] + parts[2]


def test_a_part_has_few_vectors():
    """As many as the part has nodes of the tree."""
    X, Y, _ = table(rows=20 * 16384)
    net = network()
    part = partial_sums(net, X[16384:-16384], Y[16384:-16384], n_rows=len(X), first_row=16384)
    _, (_, groups, nodes) = part.__reduce__()
    assert groups == 20
    assert [(level, number) for level, number, *_ in nodes] == [
        (0, 1),
        (1, 1),
        (2, 1),
        (3, 1),
        (1, 8),
        (0, 18),
    ]


def test_gradients_of_groups_are_added_along_the_tree():
    """By hand, in the network's dtype: ((g0 + g1) + (g2 + g3)) + g4."""
    X, Y, _ = table()
    net = network()
    _, (_, _, nodes) = partial_sums(net, X, Y).__reduce__()
    assert [(level, number) for level, number, *_ in nodes] == [(2, 0), (0, 4)]
    group = group_rows(net, ROWS)
    g = []
    for first in range(0, ROWS, group):
        rows = slice(first, first + group)
        part = partial_sums(net, X[rows], Y[rows], n_rows=ROWS, first_row=first)
        g.append(part.__reduce__()[1][2][0][-1])
    assert all(vector.dtype == np.float32 for vector in g)
    assert ((g[0] + g[1]) + (g[2] + g[3])).tobytes() == nodes[0][-1].tobytes()
    total = ((g[0] + g[1]) + (g[2] + g[3])) + g[4]
    _, weights, biases = net.loss_and_gradients(X, Y)
    gradient = np.concatenate([a.ravel() for pair in zip(weights, biases, strict=True) for a in pair])
    np.testing.assert_array_equal(total * np.float32(1 / ROWS), gradient)


@pytest.mark.parametrize("n_threads", [2, 3, 7])
@pytest.mark.parametrize("layer_sizes", [(5, 9, 2), (5, 70, 2)])
def test_groups_do_not_depend_on_threads(n_threads, layer_sizes):
    X, Y, weight = table(rows=45_000)
    results = []
    for threads in (1, n_threads):
        net = fp.Network(layer_sizes, activation="tanh", seed=1)
        history = fp.train(net, X, Y, sample_weight=weight, epochs=2, alpha=0.1, validation=(X, Y),
                           n_threads=threads)  # fmt: skip
        results.append((bits(net), history.loss, history.validation_loss))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"first_row": 5}, "first_row must be a multiple of 16384, the rows of a group, got 5"),
        ({"rows": 100}, "X must be a multiple of 16384 rows, whole groups.*got 100 rows"),
        ({"n_rows": 16000}, "n_rows must be at least the 16384 rows of X behind first_row = 0, got 16000"),
        ({"n_rows": 0}, "n_rows must be a positive integer, got 0"),
        ({"gradient": 3}, "gradient must be True or False"),
    ],
)
def test_wrong_parts_are_refused(wrong, message):
    X, Y, _ = table()
    rows = wrong.pop("rows", 16384)
    with pytest.raises((ValueError, TypeError), match=message):
        partial_sums(network(), X[:rows], Y[:rows], **{"n_rows": ROWS, **wrong})


def test_parts_that_do_not_follow_are_not_added():
    X, Y, _ = table()
    net, group = network(), 16384
    first, second = (
        partial_sums(net, X[a : a + group], Y[a : a + group], n_rows=ROWS, first_row=a) for a in (0, group)
    )
    for left, right in ((first, first), (second, first)):
        with pytest.raises(ValueError, match="other must be the part that follows groups"):
            left + right
    without = partial_sums(
        net, X[group:][:group], Y[group:][:group], n_rows=ROWS, first_row=group, gradient=False
    )
    with pytest.raises(ValueError, match="0 numbers"):
        first + without
    with pytest.raises(TypeError):
        first + 1
    for nodes in ([], [(0, 7, 0.0, 1.0, np.zeros(3))], [(0, 0, 0.0, 1.0, [0.0]), (0, 2, 0.0, 1.0, [0.0])]):
        with pytest.raises(ValueError, match="nodes must"):
            Partial("float64", 5, nodes)


def test_networks_without_sums_over_parts_say_so():
    rows = [[0.0, 1.0]]
    with pytest.raises(ValueError, match=r"network must be a feedforward one .* got a recurrent one"):
        fp.train(fp.RecurrentNetwork([2, 3, 1], cell="rnn"), RemoteRows(1, lambda *_: None), None, epochs=1)
    drawn = fp.Network([2, 3, 1], activation=fp.Bernoulli())
    with pytest.raises(ValueError, match=r"got one with stochastic units"):
        partial_sums(drawn, rows, [[1.0]])


# Trainings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", ["rprop", "grprop", "sarprop", "adamw", "sgd"])
def test_a_training_on_parts_has_the_bits_of_one_in_one_place(dtype, optimizer):
    X, Y, weight = table(dtype)
    here, there = network(dtype), network(dtype)
    keywords = {"optimizer": optimizer, "epochs": 4, "alpha": 0.3, "clip_norm": 1.0, "patience": 3}
    first = fp.train(here, X, Y, sample_weight=weight, validation=(X[:40_000], Y[:40_000]), **keywords)
    group = group_rows(there, ROWS)
    shards = Here([0, group, 4 * group, ROWS], X, Y, weight)
    validation = Here([0, 2 * group, 40_000], X, Y)
    second = train(there, shards, validation=validation, **keywords)
    assert bits(here) == bits(there)
    assert (first.loss, first.penalty, first.validation_loss) == (
        second.loss, second.penalty, second.validation_loss)  # fmt: skip
    assert first.stop_reason == second.stop_reason


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_any_cut_into_whole_groups_has_the_same_bits(data):
    rows = data.draw(st.integers(1, 90_000))
    X, Y, weight = table(rows=rows)
    here, there = network(), network()
    groups = -(-rows // group_rows(here, rows))
    inner = data.draw(st.sets(st.integers(1, max(1, groups - 1)))) if groups > 1 else set()
    cuts = [0, *(group_rows(here, rows) * at for at in sorted(inner)), rows]
    fp.train(here, X, Y, sample_weight=weight, epochs=2)
    train(there, Here(cuts, X, Y, weight), epochs=2)
    assert bits(here) == bits(there)


def test_l_bfgs_has_the_bits_of_one_place():
    X, Y, _ = table("float64")
    here, there = network("float64"), network("float64")
    first = fp.minimize(here, X, Y, max_iter=6, alpha=0.1)
    second = minimize(there, Here([0, 16384 * 2, ROWS], X, Y), max_iter=6, alpha=0.1)
    assert bits(here) == bits(there)
    assert (first.losses, first.evaluations, first.stop_reason) == (
        second.losses, second.evaluations, second.stop_reason)  # fmt: skip


def test_a_part_in_which_all_weights_are_0():
    X, Y, weight = table()
    weight[:16384] = 0
    here, there = network(), network()
    fp.train(here, X, Y, sample_weight=weight, epochs=2)
    train(there, Here([0, 16384, ROWS], X, Y, weight), epochs=2)
    assert bits(here) == bits(there)


def test_a_checkpoint_goes_on_and_knows_its_rows(tmp_path):
    X, Y, weight = table()
    path = tmp_path / "run.ckpt"
    whole, cut = network(), network()
    train(whole, Here([0, ROWS], X, Y, weight), epochs=5)
    train(cut, Here([0, 16384, ROWS], X, Y, weight), epochs=2, checkpoint=path, checkpoint_every=1)
    # other parts of the same rows are the same rows
    again = network()
    history = train(again, Here([0, 32768, ROWS], X, Y, weight), epochs=5, checkpoint=path)
    assert history.epochs == 5
    assert bits(again) == bits(whole)
    other = X.copy()
    other[50_000, 1] += 1
    with pytest.raises(ValueError, match="X"):
        train(network(), Here([0, ROWS], other, Y, weight), epochs=6, checkpoint=path)


def test_the_digest_sees_each_number_and_its_place():
    X, Y, weight = table(rows=20_000)
    whole = digest_part(Part(X, Y, weight, 0))
    parts = [digest_part(Part(X[a:b], Y[a:b], weight[a:b], a)) for a, b in ((0, 9000), (9000, 20_000))]
    assert sum(parts) % 2**64 == whole % 2**64
    swapped = X.copy()
    swapped[[3, 4]] = swapped[[4, 3]]
    columns = X[:, [1, 0, 2, 3, 4]]
    others = {digest_part(Part(other, Y, weight, 0)) % 2**64 for other in (swapped, columns, X + 1, X[::-1])}
    assert len(others | {whole % 2**64}) == 5


def test_what_sums_raise_comes_out_and_changes_nothing():
    net = network()
    before = bits(net)

    def fails(network, gradient):
        raise LookupError("no such worker")

    for call in (fp.train, fp.minimize):
        with pytest.raises(LookupError, match="no such worker"):
            call(net, RemoteRows(10, fails), None)
    for answer in (None, 3, partial_sums(net, *table(rows=20_000)[:2], gradient=False)):
        with pytest.raises((TypeError, ValueError), match="what sums returns must be"):
            fp.train(net, RemoteRows(20_000, lambda *_, answer=answer: answer), None, epochs=1)
    part = partial_sums(net, *(a[:16384] for a in table()[:2]), n_rows=20_000)
    with pytest.raises(ValueError, match="the sums over all rows with gradients in float32, got Partial"):
        fp.train(net, RemoteRows(20_000, lambda *_: part), None, epochs=1)
    assert bits(net) == before


@pytest.mark.filterwarnings("error", "ignore:Training interrupted by user")
def test_ctrl_c_while_sums_are_awaited_ends_the_training():
    X, Y, _ = table(rows=1000)
    calls = []

    def sums(network, gradient):
        calls.append(gradient)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return partial_sums(network, X, Y, gradient=gradient)

    net, reference = network(), network()
    history = fp.train(net, RemoteRows(1000, sums), None, epochs=10)
    assert (history.stop_reason, history.epochs) == ("interrupted", 3)
    fp.train(reference, X, Y, epochs=3)
    assert bits(net) == bits(reference)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"batch_size": 10}, "batch_size must be None, all rows at a time, .* got 10"),
        ({"dropout": 0.5}, "dropout must be 0 for rows that are elsewhere"),
        ({"shuffle": lambda epoch: None}, "shuffle must be no function"),
        ({"sample_weight": [1.0]}, "sample_weight must be None with RemoteRows"),
    ],
)
def test_what_needs_the_rows_here_is_refused(keywords, message):
    rows = RemoteRows(50, lambda *_: None)
    with pytest.raises((TypeError, ValueError), match=message):
        fp.train(network(), rows, None, epochs=1, **keywords)
    with pytest.raises(TypeError, match="Y must be None with RemoteRows"):
        fp.train(network(), rows, [[1.0]], epochs=1)
    with pytest.raises(ValueError, match="rows must be left out"):
        fp.train_many([network()], rows, None, rows=[[1]], epochs=1)


@pytest.mark.parametrize(("rows", "parts"), [(1, 3), (16384, 2), (16385, 2), (100_000, 3), (100_000, 50)])
def test_boundaries_are_even(rows, parts):
    cuts = boundaries(rows, 16384, parts)
    assert cuts[0] == 0
    assert cuts[-1] == rows
    sizes = np.diff(cuts)
    assert (sizes > 0).all()
    assert all(cut % 16384 == 0 for cut in cuts[:-1])
    assert len(sizes) == min(parts, -(-rows // 16384))
    assert sizes[:-1].size == 0 or sizes[:-1].max() - sizes[:-1].min() <= 16384


# Mini-batches --------------------------------------------------------------------------------------------


def test_one_part_in_its_order_is_a_training_in_one_place():
    X, Y, weight = table(rows=500)
    here, there = network(), network()
    keywords = {"batch_size": 64, "epochs": 5, "shuffle": False}
    first = fp.train(here, X, Y, sample_weight=weight, optimizer=fp.Adam(), **keywords)
    second = train_in_turns(there, Here([0, 500], X, Y, weight), optimizer=fp.Adam(), **keywords)
    assert bits(here) == bits(there)
    assert (first.loss, first.epochs, first.best_epoch) == (second.loss, second.epochs, second.best_epoch)


def test_turns_learn_and_repeat():
    X, Y, _ = table(rows=4000)
    shards = Here([0, 1000, 1001, 4000], X, Y)
    validation = rows_of(Here([0, 4000], X, Y))
    runs = []
    for _ in range(2):
        net, seen = network(), []
        rule = fp.Adam(learning_rate=0.01)
        history = train_in_turns(net, shards, optimizer=rule, batch_size=50, epochs=15, seed=5,
                                 validation=validation, callback=seen.append)  # fmt: skip
        assert rule.state == fp.Adam(learning_rate=0.01).state
        assert history.validation_loss[-1] < 0.5 * history.validation_loss[0]
        assert [epoch.loss for epoch in seen] == history.loss
        best = net.loss_and_gradients(X, Y)[0]
        assert min(history.validation_loss) == best == history.validation_loss[history.best_epoch - 1]
        runs.append((bits(net), history.loss))
    assert runs[0] == runs[1]
    other = network()
    train_in_turns(other, shards, optimizer=fp.Adam(learning_rate=0.01), batch_size=50, epochs=15, seed=6)
    assert bits(other) != runs[0][0]


def test_turns_end_by_patience_time_callback_and_divergence():
    X, Y, _ = table(rows=300)
    shards = Here([0, 100, 300], X, Y)

    def reason(net=None, rule=None, **keywords):
        net = network() if net is None else net
        history = train_in_turns(net, shards, optimizer=rule or fp.Adam(), batch_size=50, **keywords)
        return history.stop_reason, history.epochs

    assert reason(epochs=3) == ("epochs", 3)
    assert reason(patience=2, tolerance=1e9, epochs=50) == ("patience", 3)
    assert reason(max_time=1e-9, epochs=50) == ("time", 1)
    assert reason(callback=lambda epoch: epoch.epoch == 2, epochs=50) == ("callback", 2)
    net = network()
    before = bits(net)
    with pytest.warns(RuntimeWarning, match="training diverged in epoch 1"):
        assert reason(net, fp.SGD(learning_rate=1e30, momentum=0.0), epochs=9) == ("diverged", 0)
    assert bits(net) == before


@pytest.mark.filterwarnings("ignore:Training interrupted by user")
@pytest.mark.parametrize("where", ["callback", "validation_score"])
def test_ctrl_c_in_a_function_of_the_caller_ends_a_training_in_turns(where):
    X, Y, _ = table(rows=300)
    calls = []

    def function(*_):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return 0.0

    net = network()
    before = bits(net)
    keywords = {"batch_size": 50, "epochs": 9, "optimizer": fp.Adam(), "restore_best": False}
    history = train_in_turns(net, Here([0, 300], X, Y), **{where: function}, **keywords)
    assert history.stop_reason == "interrupted"
    assert history.epochs == (3 if where == "callback" else 2)
    assert bits(net) != before


def test_digests_of_complex_numbers():
    X = numbers("X", 50, 3).astype(np.complex128) * (1 + 2j)
    assert digest_part(Part(X, X, None, 0)) != digest_part(Part(X.conj(), X, None, 0))
