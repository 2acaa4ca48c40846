"""Every activation of the library, found by its name: against the reference, differences and known values."""

import copy
import pickle

import ferroprop as fp
import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    ALL_ACTIVATIONS,
    HIDDEN_ACTIVATIONS,
    KINKED,
    LAYER_SIZES,
    Problem,
    assert_close,
    flat_list,
    name_and_hyperparameters,
    problems,
    unusual_objects,
)
from test_gradients import check_central_differences

OBJECTS = [*unusual_objects(fp.ACTIVATIONS), fp.Logistic(2.5), fp.LeakyReLU(0.0)]
EVERY = [*HIDDEN_ACTIVATIONS, *OBJECTS]


def unit(activation, dtype):
    """Return the activation as a network: one input, one output, weight 1."""
    network = fp.Network([1, 1], output_activation=activation, bias=False, dtype=dtype)
    network.set_parameters([[[1.0]]], [None])
    return network


def of_reference(function, activation, z):
    return function(reference.Layer(np.ones((1, 1)), None, *name_and_hyperparameters(activation)), z)


def points(dtype):
    """Net inputs of many magnitudes, none of them at a kink."""
    positive = np.concatenate([np.logspace(-6, 1.3, 400), [1e-30, 1e-12, 50.0]])
    return np.concatenate([-positive, positive]).astype(dtype)[:, None]


def test_the_library_has_the_activations_that_it_promises():
    promised = "softplus softsign arctan bipolar leaky_relu elu selu gelu silu mish hard_sigmoid exp"
    assert set(promised.split()) <= set(ALL_ACTIVATIONS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", EVERY, ids=str)
def test_values_are_those_of_the_reference(activation, dtype):
    z = points(dtype)
    expected = of_reference(reference.activate, activation, z.astype(np.float64))
    # Units in the last place of the result, more where a product with the slope was rounded before e was
    # raised to it; around 0 the reference's formulas cancel.
    units = 8 + np.abs(getattr(activation, "slope", 0) * z)
    tolerance = np.maximum(units * np.finfo(dtype).eps * np.abs(expected), 3e-16)
    # GELU and SiLU, far to the left, are products of a large number and one below the normal ones.
    tolerance += np.abs(z) * np.finfo(dtype).tiny
    assert (np.abs(unit(activation, dtype).predict(z) - expected) <= tolerance).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", EVERY, ids=str)
def test_derivatives_are_those_of_the_reference(activation, dtype):
    z = points(dtype)
    # The squared error with targets that are 1 below the outputs: the delta of each row is f'(z).
    network = fp.Network([1, 1], output_activation=activation, dtype=dtype)
    network.set_parameters([[[1.0]]], [[0.0]])
    outputs = network.predict(z)
    got = []
    for row, a in zip(z, outputs, strict=True):
        with np.errstate(over="ignore"):
            target = a - 1
        _, _, (db,) = network.loss_and_gradients([row], [target], loss="squared_error")
        got.append(db[0] / (a - target)[0] if a != target else np.nan)
    expected = of_reference(reference.derivative, activation, z.astype(np.float64))[:, 0]
    got = np.array(got, np.float64)
    usable = np.isfinite(got)
    assert usable.mean() > 0.9
    # From an output near its bound the derivative is known to the output's last place.
    tolerance = 10 * np.finfo(dtype).eps * np.maximum(np.abs(expected), 1)
    assert (np.abs(got - expected) <= tolerance)[usable].all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", EVERY, ids=str)
def test_input_gradients_are_derivatives(activation, dtype):
    z = points(dtype)
    got = unit(activation, dtype).input_gradient(z)[:, 0]
    expected = of_reference(reference.derivative, activation, z.astype(np.float64))
    np.testing.assert_allclose(got, expected, rtol=10 * np.finfo(dtype).eps, atol=10 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("softplus", [0.04858735157374206, 0.6931471805599453, 2.1269280110429727]),
        ("softsign", [-0.75, 0.0, 2 / 3]),
        ("arctan", [-1.2490457723982544, 0.0, 1.1071487177940904]),
        ("bipolar", [-0.9051482536448664, 0.0, 0.7615941559557649]),
        ("leaky_relu", [-0.03, 0.0, 2.0]),
        (fp.LeakyReLU(0.25), [-0.75, 0.0, 2.0]),
        ("elu", [-0.950212931632136, 0.0, 2.0]),
        (fp.ELU(2.0), [-1.900425863264272, 0.0, 2.0]),
        ("selu", [-1.670568728767112, 0.0, 2.101401974710961]),
        ("gelu", [-0.0040496940948902835, 0.0, 1.9544997361036416]),
        ("silu", [-0.14227761953270035, 0.0, 1.7615941559557649]),
        ("mish", [-0.14564746127562458, 0.0, 1.9439589595339946]),
        ("hard_sigmoid", [0.0, 0.5, 5 / 6]),
        ("exp", [0.049787068367863944, 1.0, 7.38905609893065]),
    ],
    ids=str,
)
def test_known_values(activation, expected):
    """At -3, 0 and 2; worked out with 50 digits from the definitions in the papers."""
    got = unit(activation, np.float64).predict([[-3.0], [0.0], [2.0]])[:, 0]
    np.testing.assert_allclose(got, expected, rtol=2e-15, atol=1e-16)


@given(
    problems(hidden=HIDDEN_ACTIVATIONS, outputs=ALL_ACTIVATIONS, sizes=LAYER_SIZES, rows=st.integers(1, 40))
)
def test_networks_of_all_activations(problem: Problem):
    answer = problem.reference_answer(
        lambda p, dtype: [
            reference.predict(p.layers(dtype), p.data(dtype)[0]),
            *flat_list(p.reference_gradients(dtype)),
        ]
    )
    network = problem.network()
    got = flat_list(network.loss_and_gradients(problem.X, problem.Y, **problem.keywords))
    assert_close([network.predict(problem.X), *got], answer, problem.dtype, problem.n_layers)


@pytest.mark.parametrize("role", ["hidden", "output"])
@pytest.mark.parametrize("activation", EVERY, ids=str)
def test_gradients_are_central_differences(activation, role):
    rng = np.random.default_rng(11)
    problem = Problem(
        dtype=np.float64,
        layer_sizes=[3, 4, 2],
        activation=activation if role == "hidden" else "tanh",
        output="identity" if role == "hidden" else activation,
        bias=True,
        loss="squared_error",
        alpha=0.1,
        weights=[rng.normal(size=(3, 4)), rng.normal(size=(4, 2))],
        biases=[rng.normal(size=4), rng.normal(size=2)],
        X=rng.normal(size=(6, 3)),
        Y=rng.normal(size=(6, 2)),
        sample_weight=rng.uniform(0, 2, 6),
    )
    if name_and_hyperparameters(activation)[0] in KINKED:
        for layer, a in zip(problem.layers(), reference.forward(problem.layers(), problem.X), strict=False):
            assert np.abs(reference.net_input(layer, a)).min() > 1e-4, "choose another seed"
    check_central_differences(problem)


@pytest.mark.parametrize("activation", [*EVERY, "softmax"], ids=str)
def test_objects_and_files_keep_it(activation, tmp_path):
    network = fp.Network([2, 3, 2], activation="tanh", output_activation=activation, seed=1)
    network.save(tmp_path / "network.safetensors")
    for same in [
        fp.Network.load(tmp_path / "network.safetensors"),
        pickle.loads(pickle.dumps(network)),
        copy.deepcopy(network),
    ]:
        assert same.output_activation == network.output_activation == activation
        np.testing.assert_array_equal(same.predict([[1.0, -2.0]]), network.predict([[1.0, -2.0]]))
    assert pickle.loads(pickle.dumps(activation)) == activation
    assert hash(copy.copy(activation)) == hash(activation)


@pytest.mark.parametrize(
    ("cls", "name", "constant", "default"),
    [
        (fp.Logistic, "logistic", "slope", 1.0),
        (fp.LeakyReLU, "leaky_relu", "slope", 0.01),
        (fp.ELU, "elu", "alpha", 1.0),
    ],
)
def test_objects_with_the_usual_constant_are_names(cls, name, constant, default):
    assert getattr(cls(), constant) == default
    assert fp.Network([1, 1], output_activation=cls()).output_activation == name
    assert fp.Network([1, 1, 1], activation=cls(0.5)).activations == [cls(**{constant: 0.5})]
    assert cls(0.5) != cls(0.25)
    assert cls(0.5) != 0.5
    assert repr(cls(0.5)) == f"{cls.__name__}({constant}=0.5)"
    for wrong in [-1.0, np.inf, np.nan, *([] if cls is fp.LeakyReLU else [0.0])]:
        with pytest.raises(ValueError, match=f"{constant} must be .*got"):
            cls(wrong)
    with pytest.raises(TypeError, match=f"{constant} must be a real number, got str"):
        cls("steep")


def test_derivatives_at_the_kinks():
    """As PyTorch has them: the left one."""
    for activation, expected in [
        ("relu", 0.0),
        ("leaky_relu", 0.01),
        (fp.LeakyReLU(0.5), 0.5),
        (fp.ELU(0.5), 0.5),
        ("selu", 1.7580993408473766),
    ]:
        (((got,),),) = unit(activation, np.float64).input_gradient([[0.0]])
        np.testing.assert_allclose(got, expected, rtol=1e-15)
    hard = unit("hard_sigmoid", np.float64).input_gradient([[-3.0], [3.0], [2.9]]).ravel()
    np.testing.assert_allclose(hard, [0, 0, 1 / 6], rtol=1e-15)


@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_far_out_nothing_becomes_nan(activation):
    for dtype in [np.float32, np.float64]:
        z = np.array([[-1e30], [-1e4], [-200.0], [200.0], [1e4], [1e30]], dtype)
        assert not np.isnan(unit(activation, dtype).predict(z)).any()
        if activation != "exp":
            assert np.isfinite(unit(activation, dtype).input_gradient(z)).all()
