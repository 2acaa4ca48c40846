"""`optimizer.step(parameters, gradient, loss)`: what it takes, what it changes, what it refuses."""

import ferroprop as fp
import numpy as np
import pytest
from strategies import LAYOUTS

OPTIMIZERS = {entry.cls.__name__: entry.cls for entry in fp.OPTIMIZERS.values()}
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)


@every_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_vector_of_any_stride_is_changed_in_place(make, dtype):
    plain = np.array([1.0, -2.0, 3.0, 4.0], dtype)
    make().step(plain, [0.1, -0.2, 0.3, 0.0], 1.0)
    # Where the gradient is 0, decay alone moves a parameter.
    assert plain[3] == 4 or fp.OPTIMIZERS[make().name].decays_weights
    assert (plain[:3] != [1, -2, 3]).all()
    for stride in (2, 3, -1, -2):
        whole = np.full(16, 9.0, dtype)
        view = whole[:: abs(stride)][:4] if stride > 0 else whole[: 4 * -stride][::stride]
        view[:] = [1.0, -2.0, 3.0, 4.0]
        assert make().step(view, [0.1, -0.2, 0.3, 0.0], 1.0) is None
        np.testing.assert_array_equal(view, plain)
        assert (whole == 9).sum() == 12


@every_optimizer
@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_the_gradient_may_be_any_array(make, layout):
    gradient = np.array([0.5, -0.25, 0.0])
    expected, w = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])
    make().step(expected, gradient, 1.0)
    make().step(w, LAYOUTS[layout](gradient), 1.0)
    np.testing.assert_array_equal(w, expected)
    np.testing.assert_array_equal(gradient, [0.5, -0.25, 0.0])


@every_optimizer
def test_the_gradient_may_be_the_parameters(make):
    w = np.array([1.0, -2.0])
    expected = w.copy()
    make().step(expected, w.copy(), 1.0)
    make().step(w, w, 1.0)
    np.testing.assert_array_equal(w, expected)


@every_optimizer
def test_a_minimum_is_found(make):
    """Of (x^2 + 2xy + 10y^2) / 2, within 400 steps."""
    w, optimizer = np.array([1.0, -0.3]), make()
    if fp.OPTIMIZERS[optimizer.name].has_learning_rate:
        optimizer = make(0.05)
    if make is fp.GRprop:
        optimizer = fp.GRprop(max_step=0.1)
    first = best = 0.5 * (w[0] ** 2 + 2 * w[0] * w[1] + 10 * w[1] ** 2)
    for _ in range(400):
        loss = 0.5 * (w[0] ** 2 + 2 * w[0] * w[1] + 10 * w[1] ** 2)
        best = min(best, loss)
        optimizer.step(w, [w[0] + w[1], w[0] + 10 * w[1]], loss)
    assert best < 1e-3 * first


@every_optimizer
def test_the_state_is_kept_in_the_object(make):
    optimizer, w = make(), np.array([1.0, 2.0])
    assert optimizer.state == {}
    for count in (1, 2, 3):
        optimizer.step(w, [1.0, -1.0], 0.5)
        assert optimizer.state["steps"] == count
        assert optimizer.state["epochs"] == 0
        assert optimizer.state["previous_loss"] == 0.5
    for value in optimizer.state.values():
        if isinstance(value, np.ndarray):
            assert value.shape == (2,)
            assert value.dtype == w.dtype


@every_optimizer
def test_steps_go_on_where_training_ended(make):
    network = fp.Network([2, 1], bias=False, dtype="float64", seed=1)
    optimizer = make()
    fp.train(network, [[1.0, 2.0]], [[0.5]], optimizer=optimizer, epochs=4)
    vector = network.parameter_vector.copy()
    optimizer.step(vector, [0.1, 0.2], 0.3)
    assert optimizer.state["steps"] == 5


def check_refused(optimizer, error, match, parameters, gradient, loss=1.0):
    state = optimizer.state
    before = np.array(parameters, copy=True) if isinstance(parameters, np.ndarray) else None
    with pytest.raises(error, match=match):
        optimizer.step(parameters, gradient, loss)
    if before is not None:
        np.testing.assert_array_equal(np.asarray(parameters), np.asarray(before))
    assert optimizer.state.keys() == state.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(optimizer.state[name], value)


READ_ONLY = np.zeros(3)
READ_ONLY.flags.writeable = False
BAD = {
    "list": (TypeError, r"parameters must be a NumPy vector.*got list", [0.0] * 3, [1.0] * 3),
    "scalar": (TypeError, r"parameters must be a NumPy vector.*got float", 0.5, [1.0]),
    "integers": (TypeError, r"parameters must be.*got dtype int64", np.zeros(3, np.int64), [1.0] * 3),
    "half precision": (
        TypeError,
        r"parameters must be.*got dtype float16",
        np.zeros(3, np.float16),
        [1.0] * 3,
    ),
    "big-endian": (TypeError, r"parameters must be.*got dtype >f8", np.zeros(3, ">f8"), [1.0] * 3),
    "matrix": (ValueError, r"parameters must be.*got shape \(3, 1\)", np.zeros((3, 1)), [1.0] * 3),
    "masked": (TypeError, r"parameters must be an array without a mask", np.ma.zeros(3), [1.0] * 3),
    "read-only": (ValueError, r"parameters must be writable, got a read-only array", READ_ONLY, [1.0] * 3),
    "unaligned": (ValueError, r"parameters must be aligned", LAYOUTS["unaligned"](np.zeros(3)), [1.0] * 3),
    "one number": (
        ValueError,
        r"parameters must be an array of numbers of its own",
        np.lib.stride_tricks.as_strided(np.zeros(1), (3,), (0,)),
        [1.0] * 3,
    ),
    "empty": (
        ValueError,
        r"parameters must have shape \(n,\) with n at least 1, got \(0,\)",
        np.zeros(0),
        [],
    ),
    "infinite parameter": (
        ValueError,
        r"parameters must hold finite numbers, got inf at \[1\]",
        np.array([0.0, np.inf]),
        [1.0] * 2,
    ),
    "short gradient": (
        ValueError,
        r"gradient must have shape \(3,\), as parameters, got \(2,\)",
        np.zeros(3),
        [1.0] * 2,
    ),
    "matrix of a gradient": (ValueError, r"gradient must have 1 dim", np.zeros(3), np.zeros((3, 1))),
    "NaN": (ValueError, r"gradient must hold finite numbers, got nan at \[2\]", np.zeros(3), [0, 0, np.nan]),
    "overflow": (
        ValueError,
        r"gradient must hold numbers that float32 can hold",
        np.zeros(1, np.float32),
        [1e39],
    ),
    "text": (TypeError, r"gradient must hold real numbers", np.zeros(1), ["1"]),
    "None": (TypeError, r"gradient must be an array", np.zeros(1), None),
}


@every_optimizer
@pytest.mark.parametrize("case", BAD)
def test_bad_arrays_are_refused_and_nothing_changes(make, case):
    error, match, parameters, gradient = BAD[case]
    check_refused(make(), error, match, parameters, gradient)


@every_optimizer
def test_another_vector_is_refused(make):
    optimizer = make()
    optimizer.step(np.zeros(3), [1.0] * 3, 1.0)
    match = r"parameters must have shape \(3,\), as in the steps before, got \(2,\)"
    check_refused(optimizer, ValueError, match, np.zeros(2), [1.0] * 2)
    match = "parameters must be float64, as in the steps before, got float32"
    check_refused(optimizer, TypeError, match, np.zeros(3, np.float32), [1.0] * 3)


@pytest.mark.parametrize("optimizer", [fp.Rprop(), fp.SARPROP()])
def test_a_missing_loss_is_refused_where_it_is_needed(optimizer):
    check_refused(
        optimizer, ValueError, "loss must be a number for this optimizer", np.zeros(2), [1.0] * 2, None
    )


@pytest.mark.parametrize(
    "optimizer",
    [fp.Rprop("rprop+"), fp.Rprop("rprop-"), fp.Rprop("irprop-"), fp.GRprop(), fp.SGD(), fp.Adam()],
)
def test_elsewhere_the_loss_may_be_left_out(optimizer):
    w = np.zeros(2)
    optimizer.step(w, [1.0, -1.0])
    assert (w != 0).all()


@every_optimizer
@pytest.mark.parametrize(
    ("loss", "error"), [(np.nan, ValueError), (np.inf, ValueError), ("low", TypeError), ([1.0], TypeError)]
)
def test_bad_losses_are_refused(make, loss, error):
    check_refused(make(), error, "loss must be", np.zeros(2), [1.0] * 2, loss)


def test_a_learning_rate_stays_as_it_is():
    """Schedules count epochs, which steps by hand have none of."""
    optimizer, w = fp.SGD(fp.InverseScaling(0.5), momentum=0.0, nesterov=False), np.zeros(1)
    for expected in (-0.5, -1.0, -1.5):
        optimizer.step(w, [1.0])
        assert w == expected
