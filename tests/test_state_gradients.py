"""`state_gradients` and its display."""

import ferroprop as fp
import matplotlib as mpl
import numpy as np
import pytest
from ferroprop.displays import StateGradientDisplay
from ferroprop.inspection._through_time import _LAYERS
from numpy.testing import assert_allclose

mpl.use("agg")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 9, 2))
LAST, EVERY = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 9, 2))


CELLS = pytest.mark.parametrize(
    ("cell", "settings"), [("rnn", {}), ("rnn", {"activation": "softsign"}), ("lstm", {}), ("gru", {})]
)


def network(cell, returns="last", sizes=(2, 4, 2), **settings):
    return fp.RecurrentNetwork(
        sizes, cell=cell, returns=returns, dtype="float64", init="uniform", init_range=0.8, seed=1, **settings
    )


@pytest.mark.parametrize("returns", ["last", "every"])
@CELLS
def test_they_are_the_differences_of_the_loss(cell, settings, returns):
    net = network(cell, returns, **settings)
    Y = LAST if returns == "last" else EVERY
    (of_layer,) = fp.state_gradients(net, X, Y, loss="squared_error")
    parts = of_layer if cell == "lstm" else (of_layer,)
    step, small = 4, 1e-6
    outputs, (state,) = net.predict(X[:, : step + 1], return_state=True)
    later = Y if returns == "last" else Y[:, step + 1 :]
    for part, gradient in enumerate(parts):
        expected = np.zeros_like(gradient[:, step])
        if returns == "every" and part == 0:  # by way of the output of the step itself
            expected += (outputs[:, step] - Y[:, step]) @ net.weights[-1].T
        for unit in range(4):
            for sign in (1, -1):
                moved = [array.copy() for array in state] if cell == "lstm" else [state.copy()]
                moved[part][:, unit] += sign * small
                after = net.predict(X[:, step + 1 :], state=[tuple(moved) if cell == "lstm" else moved[0]])
                squares = ((after - later) ** 2).reshape(len(X), -1).sum(axis=1)
                expected[:, unit] += sign * 0.5 * squares / (2 * small)
        assert_allclose(gradient[:, step], expected, rtol=1e-6, atol=1e-8)


@CELLS
def test_a_layer_hands_down_the_gradient_of_its_inputs(cell, settings):
    net = network(cell, **settings)
    layer = _LAYERS[cell](net, 0)
    outputs = layer.forward(X)
    from_above = RNG.normal(size=outputs.shape)
    _, of_inputs = layer.backward(from_above)
    for place in [(0, 0, 0), (1, 4, 1), (2, 8, 0)]:
        moved = [X.copy(), X.copy()]
        moved[0][place] += 1e-6
        moved[1][place] -= 1e-6
        up, down = ((_LAYERS[cell](net, 0).forward(x) * from_above).sum() for x in moved)
        assert of_inputs[place] == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-8)


@CELLS
def test_what_goes_forward_is_what_the_network_predicts(cell, settings):
    net = network(cell, "every", sizes=(2, 4, 3, 2), **settings)
    values = X
    for layer in range(2):
        values = _LAYERS[cell](net, layer).forward(values)
    assert_allclose(values @ net.weights[-1] + net.biases[-1], net.predict(X), rtol=1e-12, atol=1e-14)
    below, above = fp.state_gradients(net, X, EVERY)
    assert np.shape(below)[-1] == 4
    assert np.shape(above)[-1] == 3


def test_a_linear_network_multiplies_by_its_matrix():
    net = fp.RecurrentNetwork([2, 5, 1], activation="identity", dtype="float64", seed=2)
    (gradient,) = fp.state_gradients(net, X, LAST[:, :1])
    U = net.recurrent_weights[0]
    for back in range(9):
        expected = gradient[:, -1] @ np.linalg.matrix_power(U.T, back)
        assert_allclose(gradient[:, 8 - back], expected, rtol=1e-12, atol=1e-15)


def test_the_display_has_their_norms():
    net = network("lstm", sizes=(2, 4, 3, 2))
    display = StateGradientDisplay.from_network(net, X, LAST)
    (h, c), _ = fp.state_gradients(net, X, LAST)
    assert_allclose(display.gradients[0], np.sqrt((h**2).sum(axis=2) + (c**2).sum(axis=2)))
    assert_allclose(display.lines_[0].get_ydata(), np.median(display.gradients[0], axis=0))
    assert display.lines_[1].get_label() == "lstm, hidden layer 2"
    plain = network("rnn", sizes=(2, 4, 3, 2))
    beside = StateGradientDisplay.from_network(plain, X, LAST, name="plain", ax=display.ax_)
    assert beside.ax_ is display.ax_
    assert len({line.get_color() for line in (*display.lines_, *beside.lines_)}) == 4


def test_what_is_refused():
    net = network("gru")
    with pytest.raises(TypeError, match="network must be a RecurrentNetwork, got int"):
        fp.state_gradients(3, X, LAST)
    with pytest.raises(ValueError, match=r"X must have shape \(n, n_steps, 2\), .* got \(3, 9, 1\)"):
        fp.state_gradients(net, X[:, :, :1], LAST)
    with pytest.raises(ValueError, match=r"Y must have shape \(3, 2\), got \(3, 9, 2\)"):
        fp.state_gradients(net, X, EVERY)
