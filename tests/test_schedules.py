"""Schedules: the numbers they give, and that a training uses these and no others."""

import copy
import itertools
import pickle

import ferroprop as fp
import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

SOME = [
    fp.Linear(0.5),
    fp.Linear(0.5, final=0.125, warm_up=0.25, flat=0.25),
    fp.Cosine(2e-3),
    fp.Cosine(1e-3, final=1e-5, warm_up=0.05, flat=0.3, steps=40),
    fp.Exponential(0.1, final=0.001),
    fp.OneCycle(5e-3),
    fp.OneCycle(0.1, warm_up=0.5, div_factor=10.0, final_div_factor=100.0, steps=7),
    fp.InverseScaling(0.1),
    fp.InverseScaling(0.1, power=0.25),
    fp.Adaptive(0.1),
]
BY_STEP = [schedule for schedule in SOME if not isinstance(schedule, fp.InverseScaling | fp.Adaptive)]

rng = np.random.default_rng(3)
X, Y = rng.normal(size=(41, 3)), rng.normal(size=(41, 2))


def network(dtype="float64"):
    return fp.Network([3, 6, 5, 2], activation="tanh", dtype=dtype, seed=1)


def parameters(net):
    return [array.tobytes() for array in [*net.weights, *net.biases]]


def trained(optimizer, dtype="float64", epochs=5, batch_size=9, **keywords):
    """Return the bits of a trained network, with the history."""
    net = network(dtype)
    history = fp.train(net, X, Y, optimizer=optimizer, epochs=epochs, batch_size=batch_size, **keywords)
    return parameters(net), history


# The numbers ----------------------------------------------------------------------------------------------

FRACTIONS = st.floats(0, 1)
FALLS = st.fixed_dictionaries(
    {
        "value": st.floats(1e-6, 10),
        "final": st.floats(1e-9, 10),
        "warm_up": FRACTIONS.map(lambda part: part / 2),
        "flat": FRACTIONS.map(lambda part: part / 2),
        "steps": st.one_of(st.none(), st.integers(1, 60)),
    }
)
CYCLES = st.fixed_dictionaries(
    {
        "value": st.floats(1e-6, 10),
        "warm_up": FRACTIONS,
        "div_factor": st.floats(1, 100),
        "final_div_factor": st.floats(1, 1e6),
        "steps": st.one_of(st.none(), st.integers(1, 60)),
    }
)


@given(
    st.one_of(
        st.tuples(st.sampled_from(["Linear", "Cosine", "Exponential"]), FALLS),
        st.tuples(st.just("OneCycle"), CYCLES),
    ),
    st.integers(1, 60),
)
def test_values(drawn, steps):
    kind, arguments = drawn
    expected = getattr(reference, kind)(**arguments)
    values = getattr(fp, kind)(**arguments).values(steps)
    assert values.dtype == np.float64
    np.testing.assert_allclose(
        values, [expected.at(step, steps) for step in range(1, steps + 1)], rtol=1e-12, atol=1e-15
    )


def test_values_by_hand():
    np.testing.assert_array_equal(fp.Linear(1.0).values(4), [1, 0.75, 0.5, 0.25])
    np.testing.assert_array_equal(fp.Linear(1.0, final=3.0).values(2), [1, 2])
    np.testing.assert_array_equal(fp.Linear(1.0, steps=2).values(4), [1, 0.5, 0, 0])
    np.testing.assert_allclose(fp.Exponential(1.0, final=1 / 16).values(4), [1, 0.5, 0.25, 0.125], rtol=1e-15)
    np.testing.assert_allclose(
        fp.Cosine(1.0).values(6), (1 + np.cos(np.pi * np.arange(6) / 6)) / 2, rtol=1e-15
    )
    # The first step is not made with 0, and the first one after the warm-up has the value.
    np.testing.assert_allclose(fp.Cosine(1.0, warm_up=0.3).values(10)[:4], [0.25, 0.5, 0.75, 1], rtol=1e-15)
    # More steps than announced, and no phase of falling: they have the final number.
    assert fp.Linear(0.5, warm_up=0.5, flat=0.5, steps=7).values(9)[-1] == 0.0
    assert fp.OneCycle(0.4, warm_up=1.0, steps=7).values(9)[-1] == 0.4 / 25 / 1e4
    # Flat, then along half a wave: the recipe for tables.
    flat = fp.Cosine(0.15, flat=0.5).values(100)
    assert (flat[:51] == 0.15).all()
    assert (np.diff(flat[50:]) < 0).all()
    cycle = fp.OneCycle(0.5).values(1000)
    assert cycle.argmax() == 300
    np.testing.assert_allclose(cycle[[0, 150, 300, 650]], [0.02, 0.26, 0.5, 0.250001], rtol=1e-14)
    assert 2e-6 < cycle[-1] < 1e-5


@pytest.mark.parametrize("schedule", SOME, ids=repr)
def test_schedules_are_values(schedule):
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert copy.deepcopy(schedule) == copy.copy(schedule) == schedule
    assert eval(f"fp.{schedule!r}") == schedule
    assert hash(pickle.loads(pickle.dumps(schedule))) == hash(schedule)
    assert isinstance(schedule, fp.Schedule)
    assert [other == schedule for other in SOME].count(True) == 1
    assert schedule != schedule.value
    for make in (fp.SGD, fp.Adam, fp.AdamW):
        optimizer = make(schedule)
        assert optimizer.learning_rate == schedule
        assert type(optimizer.learning_rate) is type(schedule)
        assert f"learning_rate={schedule!r}" in repr(optimizer)
        assert pickle.loads(pickle.dumps(optimizer)).learning_rate == schedule


def test_kinds_differ_whose_numbers_are_the_same():
    assert fp.Linear(0.5) != fp.Cosine(0.5)
    assert len({fp.Linear(0.5), fp.Cosine(0.5), fp.Linear(0.5, final=-0.0), fp.Adaptive(0.5)}) == 3


# In training ----------------------------------------------------------------------------------------------

STEPS = 5 * 5  # of `trained`


@pytest.mark.parametrize("make", [fp.SGD, fp.Adam, fp.AdamW])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("schedule", BY_STEP, ids=repr)
def test_a_function_of_the_same_numbers_gives_the_same_bits(schedule, dtype, make):
    values = schedule.values(STEPS)
    bits, history = trained(make(schedule), dtype)
    asked = []

    def function(step):
        asked.append(step)
        return values[step - 1]

    assert trained(make(function), dtype)[0] == bits
    assert asked == list(range(1, STEPS + 1))
    # The history has the rate of each epoch's last step.
    assert history.learning_rate == values[4::5].tolist()
    assert bits != trained(make(schedule.value), dtype)[0]


@pytest.mark.parametrize("schedule", BY_STEP, ids=repr)
def test_weight_decay_by_step(schedule):
    values = schedule.values(STEPS)
    bits, _ = trained(fp.AdamW(0.01, weight_decay=schedule))
    assert bits == trained(fp.AdamW(0.01, weight_decay=lambda step: values[step - 1]))[0]
    assert bits != trained(fp.AdamW(0.01, weight_decay=schedule.value))[0]
    assert fp.AdamW(weight_decay=schedule).weight_decay == schedule


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "schedule", [fp.Cosine(0.5, flat=0.5), fp.Linear(0.0, final=0.5), fp.OneCycle(0.4)], ids=repr
)
def test_dropout_by_step(schedule, dtype):
    """Step by step with the number of each, by warm starts, is what the schedule does in one call."""
    settings = {"epochs": 12, "shuffle": False}
    values = schedule.values(12)
    bits, _ = trained(fp.Adam(0.01), dtype, batch_size=41, dropout=schedule, **settings)
    net, optimizer = network(dtype), fp.Adam(0.01)
    for step, value in enumerate(values):
        # A call without any dropout may have rows along the lanes, which rounds gradients in another way.
        settings |= {"epochs": 1, "dropout": max(value, 1e-300), "warm_start": step > 0}
        fp.train(net, X, Y, optimizer=optimizer, **settings)
    assert parameters(net) == bits
    settings = {"batch_size": 41, "epochs": 12, "shuffle": False}
    assert trained(fp.Adam(0.01), dtype, dropout=lambda step: values[step - 1], **settings)[0] == bits
    assert trained(fp.Adam(0.01), dtype, dropout=[schedule, schedule], **settings)[0] == bits
    assert trained(fp.Adam(0.01), dtype, dropout=[schedule, 0.0], **settings)[0] != bits


def test_dropout_that_is_never_there_is_no_dropout():
    bits, _ = trained(fp.Adam(0.01))
    for dropout in (0.0, fp.Linear(0.0), fp.Cosine(0.0, flat=0.5), [0.0, fp.Linear(0.0)]):
        assert trained(fp.Adam(0.01), dropout=dropout)[0] == bits


@pytest.mark.parametrize("n_threads", [2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_change_nothing(dtype, n_threads):
    many = np.tile(X, (40, 1)), np.tile(Y, (40, 1))
    bits = []
    for threads in (1, n_threads):
        net = fp.Network([3, 70, 65, 2], activation="gelu", dtype=dtype, seed=1)
        optimizer = fp.AdamW(fp.OneCycle(0.01), weight_decay=fp.Cosine(0.1, flat=0.5))
        fp.train(
            net,
            *many,
            optimizer=optimizer,
            dropout=fp.Linear(0.3),
            epochs=3,
            batch_size=300,
            n_threads=threads,
        )
        bits.append(parameters(net))
    assert bits[0] == bits[1]


def test_warm_starts_count_on():
    """A training that was stopped goes on as it would have, if the calls ask for as many steps in all."""
    optimizer = fp.AdamW(fp.Cosine(0.05, warm_up=0.1), weight_decay=fp.Linear(0.1))
    settings = {"optimizer": optimizer, "batch_size": 9, "dropout": fp.Cosine(0.3, flat=0.5)}
    net = network()
    history = fp.train(net, X, Y, epochs=8, **settings)
    expected, rates = parameters(net), history.learning_rate
    net = network()
    first = fp.train(net, X, Y, epochs=8, callback=lambda epoch: epoch.epoch == 3, **settings)
    rest = fp.train(net, X, Y, epochs=5, warm_start=True, **settings)
    assert first.learning_rate + rest.learning_rate == rates
    assert parameters(net) == expected
    # Without a warm start a call is a training of its own.
    assert fp.train(net, X, Y, epochs=8, **settings).learning_rate == rates


@pytest.mark.parametrize("parts", [(1,) * 8, (3, 5), (6, 2)], ids=str)
def test_parts_of_a_training_whose_steps_are_known(parts):
    def optimizer():
        return fp.Adam(fp.OneCycle(0.05, steps=40))

    expected, history = trained(optimizer(), epochs=8)
    net, memory, rates = network(), optimizer(), []
    for part, epochs in enumerate(parts):
        memory = pickle.loads(pickle.dumps(memory))
        course = fp.train(net, X, Y, optimizer=memory, epochs=epochs, batch_size=9, warm_start=part > 0)
        rates += course.learning_rate
    assert rates == history.learning_rate
    assert parameters(net) == expected


def test_adaptive_rates_are_for_every_optimizer():
    for make in (fp.SGD, fp.Adam, fp.AdamW):
        _, history = trained(make(fp.Adaptive(0.01)), epochs=9, patience=2, tolerance=10.0)
        np.testing.assert_allclose(history.learning_rate, 0.01 / 5.0 ** np.array([0, 0, 0, 1, 1, 2, 2, 3, 3]))
        _, history = trained(make(fp.InverseScaling(0.1)), epochs=3)
        np.testing.assert_allclose(history.learning_rate, [0.1, 0.1 / 42**0.5, 0.1 / 83**0.5])


# By hand --------------------------------------------------------------------------------------------------


def test_steps_by_hand_follow_what_needs_no_training():
    for rate in (lambda step: 0.5 / step, fp.Linear(0.5, steps=4), fp.InverseScaling(0.5), 0.5):
        optimizer, w = fp.SGD(rate, momentum=0.0, nesterov=False), np.zeros(1)
        moves = []
        for _ in range(4):
            before = w[0]
            optimizer.step(w, [1.0])
            moves.append(before - w[0])
        expected = {1: [0.5, 0.5, 0.5, 0.5], 2: [0.5, 0.375, 0.25, 0.125], 3: [0.5, 0.25, 0.5 / 3, 0.125]}
        kind = 3 if callable(rate) else 2 if isinstance(rate, fp.Linear) else 1
        np.testing.assert_allclose(moves, expected[kind], rtol=1e-15)


def test_steps_by_hand_need_to_know_how_many_there_are():
    for optimizer in (fp.SGD(fp.Cosine(0.5)), fp.AdamW(0.1, weight_decay=fp.Cosine(0.5))):
        w = np.ones(2)
        with pytest.raises(ValueError, match=r"steps of its own for steps by hand, got Cosine\(0\.5"):
            optimizer.step(w, [1.0, 1.0])
        assert w.tolist() == [1, 1]
        assert optimizer.state == {}


def test_a_function_may_make_steps_by_hand_itself():
    w = np.zeros(1)

    def rate(step):
        return 1.0 if step > 2 else (optimizer.step(w, [1.0]), 0.5)[1] if calls.pop() else 1.0

    calls = [False, True]
    optimizer = fp.SGD(rate, momentum=0.0, nesterov=False)
    optimizer.step(w, [1.0])
    assert w.tolist() == [-1.5]
    assert optimizer.state["steps"] == 2


# What is wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (lambda: fp.Linear(-0.5), ["value", "positive", "-0.5"]),
        (lambda: fp.Cosine(np.nan), ["value", "nan"]),
        (lambda: fp.Cosine(0.5, final=-1.0), ["final", "-1.0"]),
        (lambda: fp.Cosine(0.5, warm_up=1.5), ["warm_up", "from 0 to 1", "1.5"]),
        (lambda: fp.Cosine(0.5, flat=-0.5), ["flat", "from 0 to 1", "-0.5"]),
        (lambda: fp.Cosine(0.5, warm_up=0.75, flat=0.5), ["flat", "1 - warm_up = 0.25", "0.5"]),
        (lambda: fp.Cosine(0.5, steps=0), ["steps", "positive", "0"]),
        (lambda: fp.Exponential(0.0, final=0.1), ["value", "positive", "0.0"]),
        (lambda: fp.Exponential(0.1, final=0.0), ["final", "positive", "0.0"]),
        (lambda: fp.OneCycle(0.1, div_factor=0.5), ["div_factor", "at least 1", "0.5"]),
        (lambda: fp.OneCycle(0.1, final_div_factor=np.inf), ["final_div_factor", "inf"]),
        (lambda: fp.InverseScaling(0.1, power=-1.0), ["power", "-1.0"]),
        (lambda: fp.SGD(fp.Linear(0.0)), ["learning_rate", "positive", "0.0"]),
        (lambda: fp.Adam(fp.Adaptive(0.0)), ["learning_rate", "positive", "0.0"]),
        (lambda: fp.AdamW(weight_decay=fp.Adaptive(0.1)), ["weight_decay", "by step", "adaptive"]),
        (lambda: trained(fp.Adam(), dropout=fp.Cosine(1.0)), ["dropout", "from 0 to 1", "1.0"]),
        (lambda: trained(fp.Adam(), dropout=fp.Linear(0.1, final=1.0)), ["dropout", "from 0 to 1", "1.0"]),
        (lambda: trained(fp.Adam(), dropout=fp.InverseScaling(0.1)), ["dropout", "by step", "scaling"]),
        (lambda: fp.Linear(0.5).values(0), ["steps", "positive", "0"]),
        (lambda: fp.Adaptive(0.5).values(3), ["values", "Adaptive(0.5)"]),
        (lambda: trained(fp.SGD(lambda step: -0.5)), ["learning_rate", "-0.5 at step 1"]),
        (lambda: trained(fp.SGD(lambda step: np.inf)), ["learning_rate", "inf at step 1"]),
        (lambda: trained(fp.Adam(), dropout=lambda step: 1.0), ["dropout", "below 1", "1.0 at step 1"]),
    ],
)
def test_numbers_outside_their_range(make, parts):
    with pytest.raises(ValueError, match="must be") as caught:
        make()
    assert all(part in str(caught.value) for part in parts), str(caught.value)


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (lambda: fp.Linear("fast"), ["value", "real number", "str"]),
        (lambda: fp.Linear(), ["value"]),
        (lambda: fp.Exponential(0.5), ["final"]),
        (lambda: fp.Cosine(0.5, warm_up="long"), ["warm_up", "str"]),
        (lambda: fp.Cosine(0.5, steps=2.5), ["steps", "float"]),
        (lambda: fp.SGD("cosine"), ["learning_rate", "a Schedule or a function of the step", "str"]),
        (lambda: fp.SGD(schedule="linear"), ["schedule"]),
        (lambda: trained(fp.Adam(), dropout="much"), ["dropout", "str"]),
        (lambda: fp.Schedule(), ["Schedule"]),
        (lambda: trained(fp.SGD(lambda step: None)), ["learning_rate", "returns a real number", "NoneType"]),
        (lambda: trained(fp.SGD(lambda: 0.1)), ["argument"]),
    ],
)
def test_arguments_of_the_wrong_kind(make, parts):
    with pytest.raises(TypeError) as caught:
        make()
    assert all(part in str(caught.value) for part in parts), str(caught.value)


def test_what_a_function_raises_ends_the_training_and_changes_nothing():
    def fails(step):
        if step == 8:
            raise LookupError("no rate for step 8")
        return 0.1

    for optimizer, settings in [
        (fp.SGD(fails), {}),
        (fp.AdamW(weight_decay=fails), {}),
        (fp.Adam(), {"dropout": fails}),
    ]:
        net = network()
        with pytest.raises(LookupError, match="no rate for step 8"):
            fp.train(net, X, Y, optimizer=optimizer, epochs=5, batch_size=9, **settings)
        assert parameters(net) == parameters(network())
        assert optimizer.state == {}
        # Nothing of it is left for a later call.
        fp.train(net, X, Y, epochs=1)


def test_ctrl_c_within_a_function_ends_at_the_last_complete_epoch():
    def interrupted(step):
        if step == 13:
            raise KeyboardInterrupt
        return 0.1

    net = network()
    with pytest.warns(UserWarning, match="interrupted"):
        history = fp.train(net, X, Y, optimizer=fp.SGD(interrupted), epochs=5, batch_size=9)
    assert (history.epochs, history.stop_reason) == (2, "interrupted")
    assert parameters(net) == trained(fp.SGD(0.1), epochs=2)[0]


def test_a_checkpoint_knows_its_schedules(tmp_path):
    path = tmp_path / "run.ckpt"
    settings = {"checkpoint": path, "dropout": fp.Cosine(0.5)}
    trained(fp.Adam(fp.Cosine(0.01, warm_up=0.25)), **settings)
    changed = [
        (fp.Adam(fp.Cosine(0.01)), settings, "optimizer was .*warm_up=0.25.*, is now .*warm_up=0.0"),
        (fp.Adam(0.01), settings, r"optimizer was .*Cosine\(0.01"),
        (
            fp.Adam(fp.Cosine(0.01, warm_up=0.25)),
            settings | {"dropout": fp.Linear(0.5)},
            r"dropout was \[Cosine\(0.5.*, is now \[Linear\(0.5",
        ),
    ]
    for optimizer, others, message in changed:
        with pytest.raises(ValueError, match=message):
            trained(optimizer, **others)
    for optimizer, kept in itertools.product([fp.Adam(fp.Cosine(0.01, warm_up=0.25))], range(2)):
        assert trained(optimizer, **settings)[1].epochs == 5, kept
