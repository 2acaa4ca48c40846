"""What there is, what is known of it, and the classes that are made from that."""

import copy
import inspect
import pickle
import threading

import ferroprop as fp
import numpy as np
import pytest
import skops.io
import spelt_out
from ferroprop.export import _torch
from ferroprop.inspection._functions import activation_formula, loss_formula

KINDS = {fp.Activation: fp.ACTIVATIONS, fp.Loss: fp.LOSSES, fp.Optimizer: fp.OPTIMIZERS}
CLASSES = [(base, cls) for base, entries in KINDS.items() for cls in spelt_out.classes_of(entries)]


def other_than_usual(cls):
    """Return an object none of whose hyperparameters that are numbers are the usual ones."""
    entry = next(e for entries in KINDS.values() for e in entries.values() if e.cls is cls)
    numbers = [one for one in entry.hyperparameters if isinstance(one.default, float)]
    return cls(
        **{
            one.name: one.default + 0.25 if "above 1" in one.domain else one.default / 2 + 0.125
            for one in numbers
        }
    )


@pytest.mark.parametrize(("base", "cls"), CLASSES)
def test_classes_have_their_base_and_say_what_they_take(base, cls):
    assert issubclass(cls, base)
    assert not issubclass(cls, tuple(set(KINDS) - {base}))
    assert getattr(fp, cls.__name__) is cls
    assert cls.__module__ == "ferroprop"
    entry = KINDS[base][cls.name]
    parameters = inspect.signature(cls).parameters
    assert list(parameters) == [one.name for one in entry.hyperparameters]
    assert [p.default for p in parameters.values()] == [one.default for one in entry.hyperparameters]
    for p, one in zip(parameters.values(), entry.hyperparameters, strict=True):
        assert (p.kind is p.KEYWORD_ONLY) == one.keyword_only
        assert getattr(cls, p.name).__doc__ == one.about
    usual = cls()
    assert isinstance(usual, base)
    assert usual.hyperparameters == {name: getattr(usual, name) for name in parameters}
    assert eval(repr(usual), vars(fp)).hyperparameters == usual.hyperparameters
    with pytest.raises(AttributeError):
        usual.anything = 1


@pytest.mark.parametrize(("base", "cls"), CLASSES)
def test_calls_that_do_not_fit(base, cls):
    first = KINDS[base][cls.name].hyperparameters[0]
    with pytest.raises(TypeError, match=rf"{cls.__name__}\(\) got an unexpected keyword argument 'x'"):
        cls(x=1)
    with pytest.raises(
        TypeError, match=rf"{cls.__name__}\(\) takes at most \d positional arguments? but 20 were"
    ):
        cls(*range(20))
    if not first.keyword_only:
        with pytest.raises(
            TypeError, match=rf"{cls.__name__}\(\) got multiple values for argument '{first.name}'"
        ):
            cls(first.default, **{first.name: first.default})


@pytest.mark.parametrize("base", list(KINDS))
def test_a_base_class_has_no_objects(base):
    with pytest.raises(TypeError, match=f"{base.__name__} is a base class: make an object of "):
        base()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(("base", "cls"), CLASSES)
def test_pickles_of_every_protocol(base, cls, protocol):
    one = other_than_usual(cls)
    if base is fp.Optimizer:
        one.step(np.ones(3), [1.0, -2.0, 0.0], 0.5)
    for same in [pickle.loads(pickle.dumps(one, protocol)), copy.copy(one), copy.deepcopy(one)]:
        assert type(same) is cls
        assert same.hyperparameters == one.hyperparameters != cls().hyperparameters
        if base is fp.Optimizer:
            assert repr(same.state) == repr(one.state) != "{}"
            w = [np.ones(3), np.ones(3)]
            same.step(w[0], [1.0, -1.0, 0.0], 0.75)
            copy.copy(one).step(w[1], [1.0, -1.0, 0.0], 0.75)
            np.testing.assert_array_equal(*w)
            assert one.state["steps"] == 1
        else:
            assert same == one
            assert hash(same) == hash(one)
            assert same != cls()


@pytest.mark.parametrize("protocol", [0, pickle.HIGHEST_PROTOCOL])
def test_a_pickle_is_checked(protocol):
    pickled = pickle.dumps(fp.Huber(0.25), protocol)
    for wrong in [
        pickled.replace(b"delta", b"dalto"),
        pickle.dumps(fp.Huber(0.25), 0).replace(b"0.25", b"-0.2"),
    ]:
        with pytest.raises((TypeError, ValueError), match=r"Huber\(\) got an unexpected|delta must be"):
            pickle.loads(wrong)


def test_equal_values_have_equal_hashes():
    assert fp.LeakyReLU(0.0) == fp.LeakyReLU(-0.0)
    assert hash(fp.LeakyReLU(0.0)) == hash(fp.LeakyReLU(-0.0))
    assert fp.LeakyReLU(0.5) != fp.Logistic(0.5)
    assert len({fp.Huber(1.0), fp.Huber(1.0), fp.Huber(2.0), fp.Quantile(0.5)}) == 3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "parameters",
    [
        {"activation": fp.LeakyReLU(0.2), "solver": fp.Rprop("irprop-", initial_step=(0.01, 0.02))},
        {"activation": (fp.ELU(0.5), "tanh"), "solver": fp.SGD(0.01, momentum=0.5, nesterov=False)},
        {"loss": fp.Huber(0.5), "output_activation": fp.Logistic(2.0)},
    ],
)
def test_skops_keeps_the_objects_of_an_estimator(parameters):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    model = fp.MLPRegressor(hidden_layer_sizes=(5, 4), max_iter=4, random_state=0, tol=0, **parameters)
    model.fit(X, y)
    dumped = skops.io.dumps(model)
    read = skops.io.loads(dumped, trusted=skops.io.get_untrusted_types(data=dumped))
    for name, value in parameters.items():
        assert repr(getattr(read, name)) == repr(value)
    np.testing.assert_array_equal(read.predict(X), model.predict(X))


# Names ----------------------------------------------------------------------------------------------------


def message_of(call):
    with pytest.raises(ValueError, match="must be one of") as error:
        call()
    return str(error.value)


CALLS = {
    "activation": lambda name: fp.Network([1, 1, 1], activation=name),
    "output_activation": lambda name: fp.Network([1, 1], output_activation=name),
    "loss": lambda name: fp.Network([1, 1]).loss_and_gradients([[1.0]], [[1.0]], loss=name),
    "optimizer": lambda name: fp.train(fp.Network([1, 1]), [[1.0]], [[1.0]], optimizer=name, epochs=1),
}


@pytest.mark.parametrize(
    ("argument", "name", "meant"),
    [
        ("activation", "Sigmoid", "logistic"),
        ("activation", "ReLU", "relu"),
        ("activation", "LeakyReLU", "leaky_relu"),
        ("activation", "leaky-relu", "leaky_relu"),
        ("output_activation", "sofmax", "softmax"),
        ("output_activation", "Linear", "identity"),
        ("loss", "mse", "squared_error"),
        ("loss", "MSE", "squared_error"),
        ("loss", "mean_squared_error", "squared_error"),
        ("loss", "mae", "absolute_error"),
        ("loss", "CrossEntropy", "log_loss"),
        ("loss", "binary_crossentropy", "log_loss"),
        ("loss", "log-loss", "log_loss"),
        ("optimizer", "ADAM", "adam"),
        ("optimizer", "AdamW", "adamw"),
        ("optimizer", "RPROP-", "rprop-"),
        ("optimizer", "iRprop+", "irprop+"),
        ("optimizer", "rprob", "rprop"),
    ],
)
def test_did_you_mean(argument, name, meant):
    assert message_of(lambda: CALLS[argument](name)).endswith(f'got "{name}"; did you mean "{meant}"?')


@pytest.mark.parametrize("argument", CALLS)
def test_nobody_can_know_what_was_meant(argument):
    assert message_of(lambda: CALLS[argument]("xyz")).endswith('got "xyz"')


@pytest.mark.parametrize("base", list(KINDS))
def test_names_are_unambiguous(base):
    names = [name for entry in KINDS[base].values() for name in (entry.name, *entry.aliases)]
    assert len(names) == len(set(names))
    assert list(KINDS[base]) == [entry.name for entry in KINDS[base].values()]


def test_other_names_of_the_same():
    for name, entry in fp.ACTIVATIONS.items():
        for alias in entry.aliases:
            assert fp.Network([1, 1], output_activation=alias).output_activation == name
    assert fp.ACTIVATIONS["logistic"].aliases == ("sigmoid",)
    assert fp.ACTIVATIONS["identity"].aliases == ("linear",)
    net = fp.Network([2, 3], output_activation="softmax")
    data = [[1.0, 2.0]], [[0.0, 1.0, 0.0]]
    assert (
        net.loss_and_gradients(*data, loss="cross_entropy")[0]
        == net.loss_and_gradients(*data, loss="log_loss")[0]
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_take_them_too():
    X, y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 2
    fits = [
        fp.MLPClassifier((4,), activation=name, max_iter=3, random_state=0, solver="rprop").fit(X, y)
        for name in ["sigmoid", "logistic"]
    ]
    np.testing.assert_array_equal(*(fit.predict_proba(X) for fit in fits))
    with pytest.raises(ValueError, match=r"'solver' parameter .* Got 'Adam' instead\. Did you mean 'adam'\?"):
        fp.MLPClassifier(solver="Adam").fit(X, y)
    with pytest.raises(ValueError, match=r"'loss' parameter .* Did you mean 'squared_error'\?"):
        fp.MLPRegressor(loss="mse").fit(X, y)
    with pytest.raises(ValueError, match=r"'activation' parameter .* Got 'softmax' instead\.$"):
        fp.MLPClassifier(activation="softmax").fit([[0.0], [1.0]], [0, 1])


# Formulas -------------------------------------------------------------------------------------------------


def numpy_names():
    """Return what the formulas are made of."""
    from scipy import special, stats

    return {
        **{name: getattr(np, name) for name in ("exp", "tanh", "cosh", "arctan", "abs", "sign")},
        "ln": np.log,
        "Phi": special.ndtr,
        "phi": stats.norm.pdf,
        "min": min,
        "max": max,
    }


@pytest.mark.parametrize("name", [name for name in fp.ACTIVATIONS if name != "softmax"])
def test_the_formula_of_an_activation_is_what_the_core_computes(name):
    entry = fp.ACTIVATIONS[name]
    for activation in [name, *([other_than_usual(entry.cls)] if entry.cls else [])]:
        formula = activation_formula(activation)
        net = fp.Network([1, 1], output_activation=activation, bias=False, dtype="float64")
        net.set_parameters([[[1.0]]], [None])
        for z in [-3.7, -1.2, -0.3, 0.4, 0.9, 2.6, 4.1]:
            a = net.predict([[z]])[0, 0]
            names = {**numpy_names(), "z": z, "a": a}
            np.testing.assert_allclose(eval(formula.value, names), a, rtol=1e-12, atol=1e-14)
            slope = net.input_gradient([[z]])[0, 0, 0]
            np.testing.assert_allclose(eval(formula.derivative, names), slope, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", list(fp.LOSSES))
def test_the_formula_of_a_loss_is_what_the_core_computes(name):
    entry = fp.LOSSES[name]
    objects = [other_than_usual(entry.cls)] if entry.cls and name != "log_loss" else []
    targets = {
        "-1 and 1": (-1.0, 1.0),
        "numbers from 0 to 1": (0.25, 1.0, 0.0),
        "numbers from 0 on": (2.0, 3.0),
    }
    for loss in [name, *objects]:
        for output in entry.outputs or ("identity", "tanh"):
            if output == "softmax":
                continue
            formula = loss_formula(loss, output)
            net = fp.Network([1, 1], output_activation=output, dtype="float64")
            for z in [-1.3, 0.35, 1.9]:
                net.set_parameters([[[z]]], [[0.0]])
                a = net.predict([[1.0]])[0, 0]
                for t in targets.get(entry.targets, (-0.7, 0.6, 3.0)):
                    value, _, (delta,) = net.loss_and_gradients([[1.0]], [[t]], loss=loss)
                    names = {**numpy_names(), "a": a, "t": t}
                    np.testing.assert_allclose(eval(formula.value, names), value, rtol=1e-12, atol=1e-14)
                    slope = net.input_gradient([[1.0]])[0, 0, 0] / z
                    expected = eval(formula.derivative, names) * slope
                    np.testing.assert_allclose(expected, delta[0], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", [name for name, loss in fp.LOSSES.items() if "softmax" in loss.outputs])
def test_the_formula_of_a_loss_on_a_softmax_is_what_the_core_computes(name):
    entry = fp.LOSSES[name]
    for loss in [name, *([other_than_usual(entry.cls)] if name != "log_loss" else [])]:
        formula = loss_formula(loss, "softmax")
        net = fp.Network([1, 3], output_activation="softmax", dtype="float64", seed=3)
        a, t = net.predict([[1.0]])[0], np.array([0.25, 0.0, 0.75])
        value, _, (delta,) = net.loss_and_gradients([[1.0]], [t], loss=loss)
        names = {**numpy_names(), "a": a, "t": t}
        np.testing.assert_allclose(eval(formula.value, names).sum(), value, rtol=1e-12)
        slope = eval(formula.derivative, names)
        np.testing.assert_allclose(a * (slope - (a * slope).sum()), delta, rtol=1e-10, atol=1e-13)


# What an optimizer remembers ------------------------------------------------------------------------------


def test_the_state_goes_from_one_optimizer_to_another():
    first, second = fp.Adam(0.1), fp.Adam(0.1)
    w = np.array([1.0, -2.0])
    first.step(w, [0.5, 0.25])
    second.load_state_dict(first.state_dict())
    v = w.copy()
    first.step(w, [0.25, 0.5])
    second.step(v, [0.25, 0.5])
    np.testing.assert_array_equal(v, w)
    second.load_state_dict({})
    assert second.state == second.state_dict() == {}


def test_a_state_that_does_not_fit_changes_nothing():
    optimizer = fp.Adam()
    optimizer.step(np.ones(2), [1.0, 2.0])
    before = repr(optimizer.state)
    good = optimizer.state_dict()
    for wrong, error in [
        (3, "state must be a dict, got int"),
        ({**good, "steps": -1}, "steps must be"),
        ({**good, "first_moment": [np.nan, 0.0]}, "first_moment"),
        ({name: good[name] for name in list(good)[1:]}, "must have an entry"),
    ]:
        with pytest.raises((TypeError, ValueError), match=error):
            optimizer.load_state_dict(wrong)
        assert repr(optimizer.state) == before


def test_after_a_divergence_the_optimizer_starts_anew():
    """As the documentation of `state` says."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    net, optimizer = fp.Network([3, 1]), fp.SGD(0.01, momentum=0.9)
    fp.train(net, X, Y, optimizer=optimizer, epochs=3)
    assert optimizer.state["epochs"] == 3
    with pytest.warns(RuntimeWarning, match="diverged"):
        fp.train(net, X, Y, optimizer=optimizer, epochs=3, loss=lambda o, t: (o[:, 0] * np.nan, o))
    assert optimizer.state == {}


def test_state_in_threads_where_finalizers_run():
    """The lock of an optimizer is not held while Python code can run: a deadlock otherwise."""
    optimizer = fp.Adam()
    optimizer.step(np.zeros(1000), np.ones(1000))

    class Finalized:
        def __init__(self):
            self.itself = self

        def __del__(self):
            optimizer.state_dict()
            threading.Event().wait(0.0001)

    import gc

    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:

        def look():
            for _ in range(100):
                Finalized()
                assert optimizer.state["steps"] == 1

        threads = [threading.Thread(target=look, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
    finally:
        gc.set_threshold(*threshold)


# What has to be spelt out ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", spelt_out.FILES)
def test_every_class_is_spelt_out(path):
    text = (spelt_out.ROOT / path).read_text(encoding="utf-8")
    assert spelt_out.with_parts(path, text) == text, "run python tests/spelt_out.py --write"


def test_every_activation_has_its_module_of_torch():
    """Here, and not beside the tests of the modules, which need PyTorch."""
    assert set(_torch.ACTIVATIONS) == set(fp.ACTIVATIONS)


def test_a_name_that_is_not_there_is_no_guess(monkeypatch):
    """Nobody looks for what may have been meant where only its presence is asked for."""
    monkeypatch.setattr(fp.catalogue, "_meant", lambda *_: pytest.fail("guessed"))
    assert "relu" not in fp.STOCHASTIC_ACTIVATIONS
    assert "bernoulli" in fp.STOCHASTIC_ACTIVATIONS
    assert 3 not in fp.ACTIVATIONS
