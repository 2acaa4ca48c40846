"""The Rprop family against its papers: the golden trace, and what other libraries get wrong."""

import pickle

import ferroprop as fp
import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

VARIANTS = ["rprop-", "rprop+", "irprop-", "irprop+"]

# f(x, y) = (x^2 + 2xy + 10y^2) / 2 from (1, -0.3), worked out from the rules of the papers.
START = {1: (0.9, -0.2), 2: (0.78, -0.08), 3: (0.636, 0.064)}
TRACES = {
    "rprop-": {
        4: (0.4632, -0.008),
        5: (0.25584, -0.0944),
        6: (0.007008, -0.0512),
        7: (0.131424, 0.00064),
        8: (0.069216, -0.02528),
        12: (-0.00916608, -0.000656),
    },
    "rprop+": {
        4: (0.4632, -0.08),
        5: (0.25584, -0.008),
        6: (0.007008, -0.08),
        7: (0.25584, -0.044),
        8: (0.131424, -0.0008),
        12: (-0.03280512, -0.0224),
    },
    "irprop-": {
        4: (0.4632, 0.064),
        5: (0.25584, -0.008),
        6: (0.007008, -0.0944),
        7: (0.007008, -0.0944),
        8: (0.131424, -0.0512),
        12: (-0.0054336, -0.02528),
    },
    "irprop+": {
        4: (0.4632, 0.064),
        5: (0.25584, -0.008),
        6: (0.007008, -0.0944),
        7: (0.25584, -0.008),
        8: (0.131424, -0.0512),
        12: (0.0567744, -0.00368),
    },
}
STEPS = [(variant, t, w) for variant, trace in TRACES.items() for t, w in (START | trace).items()]
CURVATURE = np.array([[1.0, 1.0], [1.0, 10.0]])


def bowl(w):
    """Return the loss and the gradient of f."""
    return w @ CURVATURE @ w / 2, CURVATURE @ w


def bowl_network():
    """Return f as the squared error of a linear network without biases, and its data.

    The rows are a factor of the matrix of f, doubled; two rows of 0 make four, so that numbers stay exact.
    """
    network = fp.Network([2, 1], bias=False, dtype="float64")
    network.set_parameters([[[1.0], [-0.3]]], [None])
    return network, [[2.0, 2.0], [0.0, 6.0], [0.0, 0.0], [0.0, 0.0]], np.zeros((4, 1))


@pytest.mark.parametrize(("variant", "t", "w"), STEPS)
def test_training_follows_the_golden_trace(variant, t, w):
    network, X, Y = bowl_network()
    fp.train(network, X, Y, loss="squared_error", optimizer=fp.Rprop(variant), epochs=t)
    np.testing.assert_allclose(network.weights[0][:, 0], w, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("variant", "t", "w"), STEPS)
def test_steps_by_hand_follow_the_golden_trace(variant, t, w):
    optimizer, by_hand = fp.Rprop(variant), np.array([1.0, -0.3])
    for _ in range(t):
        loss, gradient = bowl(by_hand)
        optimizer.step(by_hand, gradient, loss)
    np.testing.assert_allclose(by_hand, w, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("variant", "t", "w"), STEPS)
def test_the_reference_follows_the_golden_trace(variant, t, w):
    optimizer, by_hand = reference.Rprop(variant), np.array([1.0, -0.3])
    for _ in range(t):
        loss, gradient = bowl(by_hand)
        by_hand = optimizer.step(by_hand, gradient, loss)
    np.testing.assert_allclose(by_hand, w, rtol=0, atol=1e-15)


def test_the_loss_decides_what_irprop_plus_does():
    """In t = 7, where the loss rose, the trace takes a step back; in t = 4, where it fell, it does not."""
    network, X, Y = bowl_network()
    history = fp.train(network, X, Y, loss="squared_error", optimizer="irprop+", epochs=12)
    assert history.loss[6] > history.loss[5]
    assert history.loss[3] < history.loss[2]


# Random trajectories --------------------------------------------------------------------------------------

# Signs, zeros of both kinds, products that underflow in float32, and in float64.
GRADIENTS = [0.0, -0.0, 1.0, -1.0, 1e-30, -1e-30, 1e-44, -1e-44, 1e30, -1e30, 0.5, -0.25]
CONSTANTS = {
    "increase": st.sampled_from([1.2, 1.5]),
    "decrease": st.sampled_from([0.5, 0.75]),
    "initial_step": st.sampled_from([0.1, 0.0625, (0.005, 0.02)]),
    "min_step": st.sampled_from([0.0, 1e-6, 0.005]),
    "max_step": st.sampled_from([50.0, 0.1]),
    "seed": st.integers(0, 2**64 - 1),
}
RULES = {
    "Rprop": {"variant": st.sampled_from(VARIANTS)},
    "GRprop": {
        "offset": st.sampled_from([1e-6, 0.1]),
        "choice": st.sampled_from(["smallest_gradient", "smallest_step"]),
    },
    "SARPROP": {
        "temperature": st.sampled_from([0.0, 0.01, 0.25]),
        "threshold": st.sampled_from([0.1, 0.7]),
        "noise": st.sampled_from([8.0, 0.01]),
        "weight_decay": st.sampled_from([0.0, 0.01]),
    },
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RULES)
@given(data=st.data())
def test_random_trajectories(name, dtype, data):
    """Gradients from a hat: what a rule does is a matter of signs and sizes, not of a function."""
    constants = data.draw(st.fixed_dictionaries(CONSTANTS | RULES[name]))
    n, steps = data.draw(st.integers(1, 150)), data.draw(st.integers(1, 12))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    ours, expected = getattr(fp, name)(**constants), getattr(reference, name)(**constants)
    w = rng.normal(size=n).astype(dtype)
    by_reference = w.copy() if dtype == "float32" else w.astype(np.longdouble)
    for _ in range(steps):
        # With a fading decay, a gradient of a size with it would leave the sign to rounding. GRprop adds all
        # up: what cancels there is rounding too.
        sizes = rng.choice([0.5, 0.75, 1.0], n) if name == "GRprop" else rng.choice(np.abs(GRADIENTS), n)
        if constants.get("weight_decay"):
            sizes = rng.choice([0.0, 1.0], n)
        signs = rng.choice([-1.0, 1.0], n) if name != "GRprop" else 1.0 - 2 * (rng.random(n) < 0.1)
        gradient = (sizes * signs).astype(dtype)
        loss = float(rng.choice([0.25, 1.0, 4.0]))
        ours.step(w, gradient, loss)
        by_reference = expected.step(by_reference, gradient.astype(by_reference.dtype), loss)
    rtol = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(w, by_reference.astype(dtype), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(ours.state["step_size"], expected.step_size.astype(dtype), rtol=rtol)


def test_steps_by_hand_are_those_of_training():
    """For rules that look at all parameters at once this is to the bit, in the network's order."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 5)), rng.normal(size=(40, 3))
    for optimizer in [*map(fp.Rprop, VARIANTS), fp.GRprop(), fp.SARPROP(seed=5), fp.SGD(0.01), fp.Adam()]:
        network = fp.Network([5, 19, 3], activation="tanh", dtype="float64", seed=1)
        by_hand, again = network.copy(), type(optimizer)(**optimizer.hyperparameters)
        fp.train(network, X, Y, optimizer=optimizer, epochs=9)
        for _ in range(9):
            loss, weight_gradients, bias_gradients = by_hand.loss_and_gradients(X, Y)
            vector = flat(by_hand.weights, by_hand.biases)
            again.step(vector, flat(weight_gradients, bias_gradients), loss)
            set_flat(by_hand, vector)
        assert flat(network.weights, network.biases).tobytes() == vector.tobytes(), optimizer
        for name, value in optimizer.state.items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(again.state[name], value)


def flat(weights, biases):
    return np.concatenate([np.ravel(array) for layer in zip(weights, biases, strict=True) for array in layer])


def set_flat(network, vector):
    weights, biases, at = [], [], 0
    for W, b in zip(network.weights, network.biases, strict=True):
        weights.append(vector[at : at + W.size].reshape(W.shape))
        biases.append(vector[at + W.size : at + W.size + b.size])
        at += W.size + b.size
    network.set_parameters(weights, biases)


# PyTorch --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_irprop_minus_is_pytorch_s(dtype):
    """PyTorch's Rprop is iRPROP-; where the first step is within the limits, nothing differs."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rng = np.random.default_rng(3)
    A = rng.normal(size=(7, 7))
    A = (A @ A.T).astype(dtype)
    ours, w = fp.Rprop("irprop-", initial_step=0.05), rng.normal(size=7).astype(dtype)
    theirs = torch.tensor(w.copy())
    optimizer = torch.optim.Rprop([theirs], lr=0.05, etas=(0.5, 1.2), step_sizes=(1e-6, 50.0))
    for _ in range(60):
        gradient = A @ w
        ours.step(w, gradient)
        theirs.grad = torch.tensor(gradient.copy())
        optimizer.step()
        np.testing.assert_allclose(w, theirs.numpy(), rtol=1e-6 if dtype == "float32" else 1e-14, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_is_that_of_pytorch(dtype):
    """A network, its gradients by automatic differentiation and PyTorch's Rprop, for 40 epochs."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rng = np.random.default_rng(5)
    X, Y = rng.normal(size=(50, 4)).astype(dtype), rng.normal(size=(50, 2)).astype(dtype)
    network = fp.Network([4, 7, 2], activation="tanh", dtype=dtype, seed=2)
    theirs = [torch.tensor(np.array(a), requires_grad=True) for a in [*network.weights, *network.biases]]
    optimizer = torch.optim.Rprop(theirs, lr=0.02, etas=(0.5, 1.2), step_sizes=(1e-6, 50.0))
    losses = []
    for _ in range(40):
        W1, W2, b1, b2 = theirs
        outputs = torch.tanh(torch.tensor(X) @ W1 + b1) @ W2 + b2
        loss = ((outputs - torch.tensor(Y)) ** 2).sum() / 2 / len(X)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    rprop = fp.Rprop("irprop-", initial_step=0.02)
    history = fp.train(network, X, Y, loss="squared_error", optimizer=rprop, epochs=40)
    # Where a derivative all but vanishes, rounding decides its sign: in single precision, later losses part.
    same = 40 if dtype == "float64" else 12
    rtol = 1e-9 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(history.loss[:same], losses[:same], rtol=rtol)
    assert history.loss[-1] < history.loss[0] / 2


# What other libraries get wrong ---------------------------------------------------------------------------


def walk(optimizer, gradients, losses=None, w=0.0, dtype="float64"):
    """Step one weight along given gradients; return its course."""
    vector, course = np.array([w], dtype), []
    for t, gradient in enumerate(gradients):
        optimizer.step(vector, [gradient], 1.0 if losses is None else losses[t])
        course.append(float(vector[0]))
    return course


# Gradients of one weight, and losses, on which every mistake shows.
COURSE = [1.0, 1.0, 0.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, 1.0, 1.0, *[1e-30] * 4, -1e-30, -1.0]
LOSSES = [9.0, 8.0, 7.0, 6.0, 5.0, 6.0, 5.0, 4.0, 3.0, 2.0, 3.0, 2.0, 1.0, 0.9, 0.8, 0.7, 0.9, 0.6]
MISTAKES = {
    "the product of gradients in place of their signs": VARIANTS,
    "every update a step late (optax)": VARIANTS,
    "up by the step size where the sign changed (FANN)": ["irprop-"],
    "growth where a gradient is 0 (FANN)": VARIANTS,
    "shrinkage where a gradient is 0 (Encog)": VARIANTS,
    "a step by the new sign where the sign changed (OpenCV, old Shark)": ["rprop+", "irprop+", "irprop-"],
    "the old step again where the loss fell (new Shark)": ["irprop+"],
    "the old step again in place of taking it back (Accord)": ["rprop+", "irprop+"],
    "step sizes of at most 0.1 (neuralnet)": VARIANTS,
    "a step before the step size adapts (PyBrain)": VARIANTS,
    "every step made twice (neurolab)": VARIANTS,
    "half of the old step taken back": ["rprop+", "irprop+"],
    "two reverts in a row": ["rprop+", "irprop+"],
    "growth right after the sign changed": ["rprop+", "irprop+", "irprop-"],
}


def written_out(variant, mistake=""):
    """Return where one weight goes by the rules of the papers, but for a mistake."""

    def makes(words):
        return mistake.startswith(words)

    w, size, before, change, last_loss, late = 0.0, 0.1, 0.0, 0.0, np.inf, 0.0
    course = []
    for gradient, loss in zip(COURSE, LOSSES, strict=True):
        agreement = np.sign(before) * np.sign(gradient)
        if makes("the product"):
            agreement = np.sign(np.float32(before) * np.float32(gradient))
        old_size = size
        if agreement > 0 or (agreement == 0 and makes("growth where")):
            size = min(size * 1.2, 0.1 if makes("step sizes of at most") else 50.0)
        elif agreement < 0 or makes("shrinkage where"):
            size = max(size * 0.5, 1e-6)
        move = -np.sign(gradient) * (old_size if makes("a step before") else size)
        before = gradient
        if agreement < 0 and variant != "rprop-" and not makes("a step by the new sign"):
            move = 0.0
            if variant == "rprop+" or (variant == "irprop+" and loss > last_loss):
                move = change if makes("the old step again in") else -change
                move = move / 2 if makes("half of") else move
            elif variant == "irprop+" and makes("the old step again where"):
                move = change
            if makes("up by"):
                move = size
            before = gradient if makes("two") or makes("growth right") else 0.0
            change = move if makes("two") else 0.0
        else:
            change = move
        made, late = (late, move) if makes("every update") else (move, late)
        w += 2 * made if makes("every step made") else made
        last_loss = loss
        course.append(w)
    return course


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_rules_written_out(variant):
    np.testing.assert_allclose(walk(fp.Rprop(variant), COURSE, LOSSES), written_out(variant), atol=1e-15)


@pytest.mark.parametrize(
    ("mistake", "variant"), [(m, variant) for m, variants in MISTAKES.items() for variant in variants]
)
def test_a_mistake_of_others_leads_elsewhere(mistake, variant):
    """And so the course above shows that it is not made here."""
    ours = walk(fp.Rprop(variant), COURSE, LOSSES, dtype="float32")
    np.testing.assert_allclose(ours, written_out(variant), atol=1e-6)
    assert np.abs(np.subtract(ours, written_out(variant, mistake))).max() > 0.01


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("dtype", "tiny"), [("float32", 1e-24), ("float32", 1.2e-38), ("float64", 1e-200)])
def test_products_of_tiny_gradients_do_not_underflow(variant, dtype, tiny):
    """Their product is 0; a rule that looked at it would neither grow nor shrink the step size."""
    optimizer = fp.Rprop(variant)
    course = walk(optimizer, [tiny, tiny, tiny], dtype=dtype)
    np.testing.assert_allclose(course, [-0.1, -0.22, -0.364], rtol=1e-6)
    optimizer.step(np.array([0.0], dtype), [-tiny], 1.0)
    np.testing.assert_allclose(optimizer.state["step_size"], [0.072], rtol=1e-6)


def test_training_with_tiny_gradients():
    network = fp.Network([1, 1], bias=False, dtype="float32")
    network.set_parameters([[[1.0]]], [None])
    fp.train(network, [[1e-12]], [[0.0]], loss="squared_error", optimizer=fp.Rprop(), epochs=3)
    np.testing.assert_allclose(network.weights[0], [[1 - 0.1 - 0.12 - 0.144]], rtol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_zero_gradient_changes_neither_weight_nor_step_size(variant):
    """Encog shrinks the step size here, FANN grows it."""
    optimizer = fp.Rprop(variant)
    course = walk(optimizer, [1.0, 0.0, 0.0, 1.0, 1.0])
    np.testing.assert_allclose(course, [-0.1, -0.1, -0.1, -0.2, -0.32], rtol=1e-15)
    for zero in (0.0, -0.0):
        optimizer.step(np.array([1.0]), [zero], 1.0)
        np.testing.assert_allclose(optimizer.state["step_size"], [0.12], rtol=1e-15)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_first_step_is_the_initial_step(variant):
    """And it is made at once: optax applies it a step late; PyBrain adapts after it moves."""
    assert walk(fp.Rprop(variant, initial_step=0.25), [3.0]) == [-0.25]
    assert walk(fp.Rprop(variant, initial_step=0.25), [-1e-9]) == [0.25]


def test_training_makes_the_first_step_in_every_direction():
    network, X, Y = bowl_network()
    network.set_parameters([[[1.0], [0.0]]], [None])
    fp.train(network, X, Y, optimizer=fp.Rprop(initial_step=0.25), epochs=1)
    np.testing.assert_array_equal(network.weights[0], [[0.75], [-0.25]])


@pytest.mark.parametrize(
    ("variant", "moved"), [("rprop-", 0.05), ("rprop+", 0.1), ("irprop-", 0.0), ("irprop+", 0.1)]
)
def test_where_the_sign_changed(variant, moved):
    """Not by the new sign and the old size (FANN), nor on in the old direction (Accord, Shark)."""
    assert walk(fp.Rprop(variant), [1.0, -1.0], losses=[1.0, 2.0])[-1] == pytest.approx(
        -0.1 + moved, abs=1e-17
    )


def test_irprop_plus_stays_where_the_loss_fell():
    """New Shark makes the old step again here."""
    assert walk(fp.Rprop("irprop+"), [1.0, -1.0], losses=[2.0, 1.0]) == [-0.1, -0.1]
    assert walk(fp.Rprop("irprop+"), [1.0, -1.0], losses=[1.0, 1.0]) == [-0.1, -0.1]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_step_after_a_change_of_sign_has_the_halved_size(variant):
    """0 is stored as the gradient, so that the size does not grow at once; RPROP- goes on halving."""
    sizes, optimizer, w = [], fp.Rprop(variant), np.array([0.0])
    for gradient in [1.0, -1.0, 1.0]:
        optimizer.step(w, [gradient], 1.0)
        sizes.append(optimizer.state["step_size"][0])
    assert sizes == [0.1, 0.05, 0.025 if variant == "rprop-" else 0.05]


@pytest.mark.parametrize("variant", ["rprop+", "irprop+"])
def test_the_full_old_change_is_taken_back_and_never_twice(variant):
    """A revert takes back the change as it was, not the halved size; the step after it is a plain one."""
    course = walk(fp.Rprop(variant), [1.0, 1.0, -1.0, -1.0, 1.0, 1.0], losses=[1, 2, 3, 4, 5, 6])
    expected = [-0.1, -0.22, -0.1, -0.04, -0.1, -0.13]
    np.testing.assert_allclose(course, expected, rtol=0, atol=1e-15)


@given(
    st.lists(st.sampled_from([-1.0, 1.0]), min_size=2, max_size=40), st.sampled_from(["rprop+", "irprop+"])
)
@settings(max_examples=50)
def test_no_two_reverts_in_a_row(signs, variant):
    optimizer, w, reverted = fp.Rprop(variant), np.array([0.0]), False
    for t, sign in enumerate(signs):
        before = optimizer.state.get("change", [0.0])[0]
        at = w[0]
        optimizer.step(w, [sign], float(t))
        now = before != 0 and abs(w[0] - (at - before)) < 1e-15 and optimizer.state["change"][0] == 0
        assert not (now and reverted)
        reverted = now


@pytest.mark.parametrize("variant", VARIANTS)
def test_step_sizes_stay_within_their_limits(variant):
    """R's neuralnet caps at 0.1 whatever is asked for."""
    optimizer = fp.Rprop(variant, min_step=0.03, max_step=0.5)
    walk(optimizer, [1.0] * 20)
    assert optimizer.state["step_size"] == [0.5]
    walk(optimizer, [1.0, -1.0] * 20, losses=[1.0] * 40)
    assert optimizer.state["step_size"] == [0.03]
    assert walk(fp.Rprop(variant), [1.0] * 60)[-1] < -1000


@pytest.mark.parametrize("name", ["rprop+", "rprop-", "irprop+", "irprop-", "grprop", "sarprop"])
def test_a_weight_without_gradient_stays(name):
    network = fp.Network([2, 1], bias=False, dtype="float64")
    network.set_parameters([[[1.0], [0.5]]], [None])
    fp.train(network, [[1.0, 0.0]], [[0.0]], optimizer=name, epochs=20)
    assert network.weights[0][1, 0] == 0.5
    assert network.weights[0][0, 0] != 1.0


@pytest.mark.parametrize("variant", VARIANTS)
def test_nan_is_an_error_and_changes_nothing(variant):
    optimizer, w = fp.Rprop(variant), np.array([1.0, 2.0])
    optimizer.step(w, [1.0, -1.0], 1.0)
    state, before = optimizer.state, w.copy()
    for gradient, loss in [([np.nan, 1.0], 1.0), ([np.inf, 1.0], 1.0), ([1.0, 1.0], np.nan)]:
        with pytest.raises(ValueError, match=r"gradient must hold finite|loss must be a finite"):
            optimizer.step(w, gradient, loss)
    np.testing.assert_array_equal(w, before)
    for name, value in state.items():
        np.testing.assert_array_equal(optimizer.state[name], value)


FAMILY = ["rprop+", "rprop-", "irprop+", "irprop-", "grprop", "sarprop"]


def cancelling_data():
    """Return rows whose gradients all but cancel: in single precision the order of the sum gives the sign."""
    rng = np.random.default_rng(6)
    X = np.ones((6000, 1), np.float32)
    half = rng.normal(scale=1e6, size=(3000, 48)).astype(np.float32)
    return X, rng.permuted(np.concatenate([half, -half]), axis=0)


def test_the_data_cancel():
    _, Y = cancelling_data()
    forwards, backwards = np.cumsum(Y, axis=0)[-1], np.cumsum(Y[::-1], axis=0)[-1]
    assert (np.sign(forwards) != np.sign(backwards)).any()


@pytest.mark.parametrize("name", FAMILY)
def test_signs_survive_the_threads(name):
    X, Y = cancelling_data()
    networks = [fp.Network([1, 8, 48], activation="tanh", seed=1) for _ in range(4)]
    for network, n_threads in zip(networks, (1, 2, 3, 8), strict=True):
        fp.train(network, X, Y, loss="squared_error", optimizer=name, epochs=8, n_threads=n_threads)
    bits = {b"".join(map(bytes, [*network.weights, *network.biases])) for network in networks}
    assert len(bits) == 1


@pytest.mark.parametrize("name", FAMILY)
def test_a_diverging_training_ends_with_finite_parameters(name):
    """Where the loss overflows, gradients are NaN: no sign, no step."""
    network = fp.Network([1, 1], bias=False, dtype="float32")
    network.set_parameters([[[3e18]]], [None])
    with pytest.warns(RuntimeWarning, match="diverged in epoch 1"):
        fp.train(network, [[1e3]], [[0.0]], loss="squared_error", optimizer=name, epochs=5)
    np.testing.assert_array_equal(network.weights[0], np.float32([[3e18]]))


@pytest.mark.parametrize("name", ["rprop+", "rprop-", "irprop+", "irprop-"])
def test_weight_decay_comes_before_the_sign_test(name):
    """Without any other gradient the penalty's decides: the weight goes to 0."""
    network = fp.Network([2, 1], bias=False, dtype="float64")
    network.set_parameters([[[1.0], [0.5]]], [None])
    fp.train(network, [[1.0, 0.0]], [[2.0]], optimizer=name, alpha=1e-3, epochs=150)
    np.testing.assert_allclose(network.weights[0], [[2.0 / 1.001], [0.0]], atol=1e-3)


# GRprop ---------------------------------------------------------------------------------------------------


def test_grprop_by_hand():
    """D = 0.1 for both; the smaller gradient, the second, gets -(0.1 * -2 + 1e-6) / 0.5."""
    w, optimizer = np.array([0.0, 0.0]), fp.GRprop()
    optimizer.step(w, [-2.0, 0.5])
    np.testing.assert_allclose(w, [0.1, -(0.2 - 1e-6) / 0.5], rtol=1e-15)
    np.testing.assert_allclose(optimizer.state["step_size"], [0.1, (0.2 - 1e-6) / 0.5], rtol=1e-15)


def test_grprop_clips_the_step_size_that_follows():
    w, optimizer = np.array([0.0, 0.0, 0.0]), fp.GRprop(max_step=0.25, choice="smallest_step")
    optimizer.step(w, [0.5, -2.0, 0.0])
    assert w.tolist() == [-0.25, 0.1, 0.0]
    w, optimizer = np.array([0.0, 0.0]), fp.GRprop()
    optimizer.step(w, [0.5, 2.0])
    assert w.tolist() == [-1e-6, -0.1]


def test_grprop_without_any_gradient():
    w = np.array([1.0, 2.0])
    fp.GRprop().step(w, [0.0, 0.0])
    assert w.tolist() == [1.0, 2.0]


# SARPROP --------------------------------------------------------------------------------------------------


def test_sarprop_without_noise_is_irprop_minus():
    rng = np.random.default_rng(2)
    quiet, plain = fp.SARPROP(noise=0.0), fp.Rprop("irprop-")
    a = rng.normal(size=100)
    b = a.copy()
    for _ in range(50):
        gradient = rng.normal(size=100)
        quiet.step(a, gradient, 1.0)
        plain.step(b, gradient)
    np.testing.assert_array_equal(a, b)


def test_sarprop_shakes_small_step_sizes_only():
    """After a change of sign D = 0.1 halves; it is below a tenth of a loss of 4, but not of 0.5."""
    for loss, shaken in [(4.0, True), (0.5, False)]:
        optimizer, w = fp.SARPROP(temperature=0.5, seed=7), np.zeros(1000)
        optimizer.step(w, np.ones(1000), loss)
        optimizer.step(w, -np.ones(1000), loss)
        np.testing.assert_array_equal(w, -0.1)
        noise = optimizer.state["step_size"] - 0.05
        if shaken:  # r * 8 * sqrt(4) * 2^(-0.5 * 2): uniform from 0 to 8
            assert 0 <= noise.min() < 0.05
            assert 7.95 < noise.max() <= 8
            assert noise.mean() == pytest.approx(4, abs=0.3)
        else:
            np.testing.assert_array_equal(noise, 0)


def test_sarprop_s_noise_is_named_by_its_seed():
    def shaken(seed):
        optimizer, w = fp.SARPROP(seed=seed), np.zeros(50)
        for sign in (1, -1, 1, -1):
            optimizer.step(w, sign * np.ones(50), 4.0)
        return optimizer.state["step_size"]

    np.testing.assert_array_equal(shaken(3), shaken(3))
    assert not np.isin(shaken(3), shaken(4)).any()


# Step sizes drawn for each weight -------------------------------------------------------------------------


def test_initial_steps_are_drawn_from_the_range():
    n = 10_000
    for make in (fp.Rprop, fp.GRprop, fp.SARPROP):
        w, optimizer = np.zeros(n), make(initial_step=(0.005, 0.02), seed=11)
        optimizer.step(w, np.ones(n), 1.0)
        drawn = np.sort(-w)[: n - 1]  # GRprop's own step is the smallest or far off
        assert 0.0049 < drawn[1] < drawn[-2] < 0.0201
        assert drawn.mean() == pytest.approx(0.0125, abs=0.0005)
    again, other = np.zeros(n), np.zeros(n)
    fp.SARPROP(initial_step=(0.005, 0.02), seed=11).step(again, np.ones(n), 1.0)
    fp.SARPROP(initial_step=(0.005, 0.02), seed=12).step(other, np.ones(n), 1.0)
    np.testing.assert_array_equal(again, w)
    assert (other != w).all()


def test_both_number_types_draw_the_same_steps():
    double, single = np.zeros(99), np.zeros(99, np.float32)
    for w in (double, single):
        fp.Rprop(initial_step=(0.005, 0.02), seed=1).step(w, np.ones(99), 1.0)
    np.testing.assert_array_equal(double.astype(np.float32), single)


# Constants ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [fp.Rprop, fp.GRprop, fp.SARPROP])
@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ({"initial_step": 60.0, "max_step": 50.0}, r"initial_step must be at most max_step = 50.0, got 60.0"),
        ({"initial_step": 1e-7}, r"initial_step must be at least min_step = 1e-6, got 1e-7"),
        (
            {"initial_step": (0.1, 60.0), "max_step": 50.0},
            r"initial_step must be at most max_step = 50.0, got 60.0",
        ),
        ({"initial_step": (1e-7, 0.1)}, r"initial_step must be at least min_step = 1e-6, got 1e-7"),
        ({"initial_step": (0.2, 0.1)}, r"initial_step must be a range from low to high.*got 0.1"),
        ({"initial_step": (0.1, np.nan)}, r"initial_step must be positive, got nan"),
        ({"initial_step": (0.1, 0.2, 0.3)}, r"initial_step must be a number or a tuple \(low, high\)"),
        ({"min_step": 1.0, "max_step": 0.5}, r"min_step must be at most max_step = 0.5, got 1.0"),
        ({"seed": -1}, r"seed must be an integer from 0"),
    ],
)
def test_step_sizes_that_do_not_fit(make, constants, message):
    with pytest.raises(ValueError, match=message):
        make(**constants)


def test_unknown_names():
    with pytest.raises(ValueError, match=r"variant must be one of \"rprop\+\".*got \"rprop\""):
        fp.Rprop("rprop")
    with pytest.raises(TypeError, match="variant must be a name, got float"):
        fp.Rprop(0.1)
    with pytest.raises(ValueError, match="choice must be one of"):
        fp.GRprop(choice="first")
    with pytest.raises(TypeError, match="initial_step must be a real number or a tuple"):
        fp.Rprop(initial_step="0.1")
    network, X, Y = bowl_network()
    with pytest.raises(ValueError, match=r"optimizer must be one of \"rprop\",.*got \"newton\""):
        fp.train(network, X, Y, optimizer="newton")


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        *((variant, fp.Rprop(variant)) for variant in VARIANTS),
        ("rprop", fp.Rprop()),
        ("grprop", fp.GRprop()),
        ("sarprop", fp.SARPROP()),
        ("sgd", fp.SGD()),
        ("adam", fp.Adam()),
    ],
)
def test_training_takes_names(name, optimizer):
    by_name, by_object = bowl_network(), bowl_network()
    fp.train(*by_name, optimizer=name, epochs=9)
    fp.train(*by_object, optimizer=optimizer, epochs=9)
    np.testing.assert_array_equal(by_name[0].weights[0], by_object[0].weights[0])


def test_constants_can_be_read_and_pickled():
    for optimizer in [
        fp.Rprop("rprop-", initial_step=(0.01, 0.02), seed=9, max_step=1.0),
        fp.GRprop(offset=0.5, choice="smallest_step", increase=1.3),
        fp.SARPROP(temperature=0.5, threshold=0.2, noise=1.0, weight_decay=0.1, seed=2**63),
    ]:
        optimizer.step(np.array([1.0, 2.0]), [1.0, -1.0], 1.0)
        copy = pickle.loads(pickle.dumps(optimizer))
        assert repr(copy) == repr(optimizer)
        a, b = np.array([1.0, 2.0]), np.array([1.0, 2.0])
        optimizer.step(a, [1.0, 1.0], 2.0)
        copy.step(b, [1.0, 1.0], 2.0)
        np.testing.assert_array_equal(a, b)
        assert copy.state["steps"] == optimizer.state["steps"] == 2
    assert repr(fp.Rprop("rprop-", initial_step=(0.01, 0.02))) == (
        "Rprop(variant='rprop-', increase=1.2, decrease=0.5, initial_step=(0.01, 0.02), min_step=1e-06, "
        "max_step=50.0, seed=0)"
    )
