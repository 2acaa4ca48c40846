"""Whatever is wrong with an argument, the message names it, says what came and what was expected.

And a call that fails leaves the network as it was.
"""

import ferroprop as fp
import numpy as np
import pytest

X = np.linspace(-1, 1, 15).reshape(5, 3)
Y = np.eye(2)[[0, 1, 0, 1, 1]]
NAN_AT_2_1 = np.where(np.arange(15).reshape(5, 3) == 7, np.nan, X)


def network(output="softmax", **keywords):
    return fp.Network(
        [3, 4, 2], activation="tanh", output_activation=output, dtype="float64", seed=1, **keywords
    )


def message_of(error, call):
    """Return the message of the error that the call must raise."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) in (ValueError, TypeError)
    # Where a plain argument is of a wrong type, its name stands in a note below the message.
    return "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


def check_message(message, *parts):
    for part in parts:
        assert str(part) in message, f"{part!r} is not in the message: {message}"


def bits(net):
    return [None if p is None else p.tobytes() for p in [*net.weights, *net.biases]]


def case(error, *parts, **keywords):
    """Describe a bad call: the arguments, the error, and what its message must contain."""
    label = ",".join(f"{name}={value!r:.30}" for name, value in keywords.items()) or "no arguments"
    return pytest.param(keywords, error, parts, id=label.replace("\n", ""))


# Network --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keywords", "error", "parts"),
    [
        case(ValueError, "layer_sizes", "2", "[]", layer_sizes=[]),
        case(ValueError, "layer_sizes", "2", "[3]", layer_sizes=[3]),
        case(ValueError, "layer_sizes", "0", layer_sizes=[3, 0, 2]),
        case((ValueError, TypeError), "layer_sizes", "-4", layer_sizes=[3, -4, 2]),
        case(TypeError, "layer_sizes", layer_sizes=[3, 4.5, 2]),
        case(TypeError, "layer_sizes", layer_sizes=3),
        case(TypeError, "layer_sizes", layer_sizes="342"),
        case(TypeError, "layer_sizes", layer_sizes=[3, "4", 2]),
        case(TypeError, "layer_sizes", layer_sizes=None),
        case(
            ValueError,
            "activation",
            "sigmoidal",
            "logistic",
            "tanh",
            "relu",
            "identity",
            activation="sigmoidal",
        ),
        case(ValueError, "activation", "softmax", activation="softmax"),
        case(ValueError, "activation", "2", "1", activation=["tanh", "relu"]),
        case(ValueError, "activation", "0", "1", activation=[]),
        case(ValueError, "activation", "Tanh", activation=["Tanh"]),
        case(TypeError, "activation", activation=3),
        case(TypeError, "activation", activation=[None]),
        case(
            ValueError,
            "output_activation",
            "ramp",
            "identity",
            "logistic",
            "softmax",
            output_activation="ramp",
        ),
        case(TypeError, "output_activation", output_activation=["softmax"]),
        case(ValueError, "bias", "3", "2", bias=[True, False, True]),
        case(TypeError, "bias", bias="yes"),
        case(TypeError, "bias", bias=[True, "no"]),
        case(ValueError, "init", "xavier", "glorot", "uniform", init="xavier"),
        case(TypeError, "init", init=1),
        case(ValueError, "init_range", "-0.5", init="uniform", init_range=-0.5),
        case(ValueError, "init_range", "nan", init="uniform", init_range=float("nan")),
        case(ValueError, "init_range", "inf", init="uniform", init_range=float("inf")),
        case(TypeError, "init_range", init="uniform", init_range="wide"),
        case((TypeError, ValueError), "dtype", "int32", "float32", "float64", dtype="int32"),
        case((TypeError, ValueError), "dtype", "float16", "float32", "float64", dtype=np.float16),
        case((TypeError, ValueError), "dtype", "uint8", dtype=np.uint8),
        case((TypeError, ValueError), "dtype", "float33", dtype="float33"),
        case((ValueError, TypeError), "seed", "-1", seed=-1),
        case(TypeError, "seed", seed="lucky"),
        case(TypeError, "seed", seed=0.5),
    ],
)
def test_network(keywords, error, parts):
    check_message(message_of(error, lambda: fp.Network(**{"layer_sizes": [3, 4, 2], **keywords})), *parts)


@pytest.mark.parametrize(
    ("slope", "error"),
    [(0.0, ValueError), (-1.0, ValueError), (np.nan, ValueError), (np.inf, ValueError), ("steep", TypeError)],
)
def test_slope(slope, error):
    message = message_of(error, lambda: fp.Logistic(slope))
    check_message(message, "slope", "positive" if error is ValueError else "number")


def test_a_network_too_large_for_memory():
    with pytest.raises(MemoryError):
        fp.Network([2**31, 2**31, 2])


# Data -----------------------------------------------------------------------------------------------------

BAD_X = [
    case(ValueError, "X", "(5, 4)", "3", X=np.zeros((5, 4))),
    case(ValueError, "X", "(5,)", "2", X=np.zeros(5)),
    case(ValueError, "X", "(1, 5, 3)", "2", X=np.zeros((1, 5, 3))),
    case(ValueError, "X", "()", "2", X=1.0),
    case(ValueError, "X", "(0, 3)", X=np.zeros((0, 3))),
    case(ValueError, "X", "(5, 0)", X=np.zeros((5, 0))),
    case(ValueError, "X", "nan", "[2, 1]", X=NAN_AT_2_1),
    case(ValueError, "X", "inf", "[0, 2]", X=[[0.0, 0.0, np.inf]] * 5),
    case(ValueError, "X", "inf", X=[[0.0, -np.inf, 0.0]] * 5),
    case(TypeError, "X", "complex128", X=X + 1j),
    case(TypeError, "X", "object", X=X.astype(object)),
    case(TypeError, "X", "U", X=X.astype(str)),
    case(TypeError, "X", "datetime64", X=X.astype("datetime64[s]")),
    case(TypeError, "X", X=None),
    case((TypeError, ValueError), "X", X=[[1.0, 2.0, 3.0], [1.0, 2.0]]),
    case(TypeError, "X", X={"a": 1}),
]
BAD_Y = [
    case(ValueError, "Y", "(5, 3)", "2", Y=np.zeros((5, 3))),
    case(ValueError, "Y", "(4, 2)", "5", Y=Y[:4]),
    case(ValueError, "Y", "(5,)", "2", Y=np.zeros(5)),
    case(ValueError, "Y", "(5, 2, 1)", "2", Y=Y[:, :, None]),
    case(ValueError, "Y", "nan", "[0, 0]", Y=Y * np.nan),
    case(ValueError, "Y", "inf", Y=Y + np.inf),
    case(TypeError, "Y", "complex128", Y=Y + 0j),
    case(TypeError, "Y", "object", Y=Y.astype(object)),
    case(TypeError, "Y", "U", Y=np.array([["a", "b"]] * 5)),
    case(TypeError, "Y", Y=None),
]
BAD_SHARED = [
    case(ValueError, "loss", "no such loss", "squared_error", "log_loss", loss="no such loss"),
    case(TypeError, "loss", loss=3),
    case(ValueError, "sample_weight", "(4,)", "5", sample_weight=np.ones(4)),
    case(ValueError, "sample_weight", "(5, 1)", "1", sample_weight=np.ones((5, 1))),
    case(ValueError, "sample_weight", "-1", sample_weight=[1, 1, -1, 1, 1]),
    case(ValueError, "sample_weight", "nan", sample_weight=[1, 1, np.nan, 1, 1]),
    case(ValueError, "sample_weight", "inf", sample_weight=[1, 1, np.inf, 1, 1]),
    case(ValueError, "sample_weight", "0", sample_weight=np.zeros(5)),
    case(ValueError, "sample_weight", "add up", "all rows", sample_weight=[1e308] * 5),
    case(TypeError, "sample_weight", sample_weight=["a"] * 5),
    case(TypeError, "sample_weight", "complex128", sample_weight=np.ones(5) + 1j),
    case(ValueError, "alpha", "-0.1", alpha=-0.1),
    case(ValueError, "alpha", "nan", alpha=float("nan")),
    case(ValueError, "alpha", "inf", alpha=float("inf")),
    case(TypeError, "alpha", alpha="much"),
    case(ValueError, "n_threads", "0", n_threads=0),
    case((ValueError, TypeError), "n_threads", "-2", n_threads=-2),
    case(TypeError, "n_threads", n_threads=1.5),
]


@pytest.mark.parametrize(("keywords", "error", "parts"), BAD_X)
def test_predict(keywords, error, parts):
    check_message(message_of(error, lambda: network().predict(keywords["X"])), *parts)


@pytest.mark.parametrize("n_threads", [0, -2, 1.5, "all"])
def test_predict_threads(n_threads):
    check_message(
        message_of((ValueError, TypeError), lambda: network().predict(X, n_threads=n_threads)), "n_threads"
    )


@pytest.mark.parametrize(("keywords", "error", "parts"), [*BAD_X, *BAD_Y, *BAD_SHARED])
def test_loss_and_gradients(keywords, error, parts):
    arguments = {"X": X, "Y": Y, **keywords}
    check_message(message_of(error, lambda: network().loss_and_gradients(**arguments)), *parts)


@pytest.mark.parametrize(
    ("output", "loss", "targets", "parts"),
    [
        ("logistic", "log_loss", Y * 2, ["Y", "got 2", "0 to 1", "[0, 0]"]),
        ("logistic", "log_loss", Y - 0.5, ["Y", "got -0.5", "0 to 1", "[0, 1]"]),
        ("softmax", "log_loss", Y * 0.5, ["Y", "got 0.5", "sum to 1", "row 0"]),
        ("softmax", "log_loss", [[1.5, -0.5]] * 5, ["Y", "got 1.5", "[0, 0]"]),
        ("softmax", "log_loss", np.zeros((5, 2)), ["Y", "got 0", "sum to 1"]),
    ],
)
def test_targets_outside_the_domain_of_the_loss(output, loss, targets, parts):
    net = network(output)
    check_message(message_of(ValueError, lambda: net.loss_and_gradients(X, targets, loss=loss)), *parts)
    before = bits(net)
    check_message(message_of(ValueError, lambda: fp.train(net, X, targets, loss=loss)), *parts)
    assert bits(net) == before


@pytest.mark.parametrize("output", ["identity", "tanh", "relu"])
def test_log_loss_needs_probabilities(output):
    net = network(output)
    for call in [net.loss_and_gradients, lambda *a, **k: fp.train(net, *a, **k)]:
        message = message_of(ValueError, lambda call=call: call(X, Y, loss="log_loss"))
        check_message(message, "log_loss", output, "logistic", "softmax")


def test_numbers_too_large_for_float32():
    net = fp.Network([3, 4, 2], dtype="float32")
    for call in [
        lambda: net.predict([[1e300, 0, 0]]),
        lambda: net.loss_and_gradients([[1e300, 0, 0]], [[0, 0]]),
    ]:
        check_message(message_of(ValueError, call), "X", "[0, 0]")
    message = message_of(ValueError, lambda: net.loss_and_gradients([[0, 0, 0]], [[0, 1e300]]))
    check_message(message, "Y", "[0, 1]")


# Parameters -----------------------------------------------------------------------------------------------

GOOD_WEIGHTS, GOOD_BIASES = [np.ones((3, 4)), np.ones((4, 2))], [np.ones(4), np.ones(2)]


@pytest.mark.parametrize(
    ("keywords", "error", "parts"),
    [
        case(ValueError, "weights", "1", "2", weights=GOOD_WEIGHTS[:1]),
        case(ValueError, "weights", "3", "2", weights=[*GOOD_WEIGHTS, np.ones((2, 2))]),
        case(ValueError, "weights[0]", "(4, 3)", "(3, 4)", weights=[np.ones((4, 3)), np.ones((4, 2))]),
        case(ValueError, "weights[1]", "(8,)", weights=[np.ones((3, 4)), np.ones(8)]),
        case(ValueError, "weights[1]", "nan", weights=[np.ones((3, 4)), np.full((4, 2), np.nan)]),
        case(ValueError, "weights[0]", "inf", weights=[np.full((3, 4), np.inf), np.ones((4, 2))]),
        case(TypeError, "weights[0]", "complex128", weights=[np.ones((3, 4)) + 0j, np.ones((4, 2))]),
        case(TypeError, "weights[1]", "U", weights=[np.ones((3, 4)), np.full((4, 2), "w")]),
        case(TypeError, "weights", weights=None),
        case(TypeError, "weights", weights=1.0),
        case(ValueError, "biases", "1", "2", biases=GOOD_BIASES[:1]),
        case(ValueError, "biases[1]", "(3,)", "(2,)", biases=[np.ones(4), np.ones(3)]),
        case(ValueError, "biases[0]", "nan", biases=[np.full(4, np.nan), np.ones(2)]),
        case((ValueError, TypeError), "biases[1]", "None", biases=[np.ones(4), None]),
        case(TypeError, "biases[0]", "object", biases=[np.ones(4, object), np.ones(2)]),
        case(TypeError, "biases", biases=None),
    ],
)
def test_set_parameters(keywords, error, parts):
    net = network()
    before = bits(net)
    arguments = {"weights": GOOD_WEIGHTS, "biases": GOOD_BIASES, **keywords}
    check_message(message_of(error, lambda: net.set_parameters(**arguments)), *parts)
    assert bits(net) == before


def test_biases_for_a_layer_without():
    net = network(bias=[True, False])
    before = bits(net)
    message = message_of((ValueError, TypeError), lambda: net.set_parameters(GOOD_WEIGHTS, GOOD_BIASES))
    check_message(message, "biases[1]", "None")
    assert bits(net) == before


# Optimizers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "name", "value"),
    [
        ("Rprop", "increase", 1.0),
        ("Rprop", "increase", np.inf),
        ("Rprop", "decrease", 0.0),
        ("Rprop", "decrease", 1.0),
        ("Rprop", "initial_step", 0.0),
        ("Rprop", "initial_step", -0.1),
        ("Rprop", "min_step", -0.5),
        ("Rprop", "max_step", 0.0),
        ("Rprop", "max_step", np.nan),
        ("GRprop", "increase", 0.5),
        ("GRprop", "offset", 0.0),
        ("SARPROP", "decrease", 1.5),
        ("SARPROP", "temperature", -0.5),
        ("SARPROP", "threshold", np.nan),
        ("SARPROP", "noise", -8.0),
        ("SARPROP", "weight_decay", np.inf),
        ("SGD", "learning_rate", 0.0),
        ("SGD", "learning_rate", -0.1),
        ("SGD", "learning_rate", np.nan),
        ("SGD", "learning_rate", np.inf),
        ("SGD", "momentum", -0.5),
        ("SGD", "momentum", 1.25),
        ("Adam", "learning_rate", -0.001),
        ("Adam", "learning_rate", 0.0),
        ("Adam", "beta_1", 1.0),
        ("Adam", "beta_1", -0.5),
        ("Adam", "beta_2", 1.5),
        ("Adam", "beta_2", np.nan),
        ("Adam", "epsilon", -0.5),
    ],
)
def test_optimizer_settings(optimizer, name, value):
    message = message_of(ValueError, lambda: getattr(fp, optimizer)(**{name: value}))
    check_message(message, name, "must be", f"got {value:g}")


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [
        ("Rprop", "increase"),
        ("GRprop", "offset"),
        ("SARPROP", "temperature"),
        ("SGD", "learning_rate"),
        ("SGD", "momentum"),
        ("Adam", "beta_1"),
        ("Adam", "epsilon"),
    ],
)
@pytest.mark.parametrize("value", ["fast", None, 1j, [0.1]], ids=repr)
def test_optimizer_settings_of_a_wrong_type(optimizer, name, value):
    check_message(message_of(TypeError, lambda: getattr(fp, optimizer)(**{name: value})), name)


def test_step_limits_the_wrong_way_round():
    message = message_of(ValueError, lambda: fp.Rprop(min_step=1.0, max_step=0.5))
    check_message(message, "min_step", "max_step", "1", "0.5")


# Training -------------------------------------------------------------------------------------------------

BAD_TRAINING = [
    case(ValueError, "optimizer", "newton", "irprop-", optimizer="newton"),
    case(TypeError, "optimizer", optimizer=3),
    case(TypeError, "optimizer", optimizer=fp.Rprop),
    case(ValueError, "epochs", "0", epochs=0),
    case((ValueError, TypeError), "epochs", "-3", epochs=-3),
    case(TypeError, "epochs", epochs=2.5),
    case(ValueError, "batch_size", "0", batch_size=0),
    case((ValueError, TypeError), "batch_size", "-1", batch_size=-1),
    case(TypeError, "batch_size", batch_size="auto"),
    case(ValueError, "shuffle", shuffle="yes"),
    case(ValueError, "validation", "(5, 4)", "3", validation=(np.zeros((5, 4)), Y)),
    case(ValueError, "validation", "(4, 2)", "5", validation=(X, Y[:4])),
    case(ValueError, "validation", "nan", validation=(NAN_AT_2_1, Y)),
    case(ValueError, "validation", validation=(X, Y * 3)),
    case(ValueError, "validation", validation=(np.zeros((0, 3)), np.zeros((0, 2)))),
    case(ValueError, "validation", "(4,)", validation=(X, Y, np.ones(4))),
    case((ValueError, TypeError), "validation", "1", validation=(X,)),
    case((ValueError, TypeError), "validation", "4", validation=(X, Y, np.ones(5), 3)),
    case(TypeError, "validation", validation=0.1),
    case(TypeError, "validation_score", validation_score="accuracy"),
    case(ValueError, "patience", "0", patience=0),
    case((ValueError, TypeError), "patience", "-1", patience=-1),
    case(TypeError, "patience", patience=1.5),
    case(ValueError, "tolerance", "nan", tolerance=float("nan")),
    case(TypeError, "restore_best", restore_best="yes"),
    case(ValueError, "max_time", "-1", max_time=-1.0),
    case(ValueError, "max_time", "nan", max_time=float("nan")),
    case(TypeError, "max_time", max_time="1h"),
    case((ValueError, TypeError), "seed", "-1", seed=-1),
    case(TypeError, "callback", callback=True),
    case(TypeError, "network", network=[3, 4, 2]),
]


@pytest.mark.parametrize(("keywords", "error", "parts"), [*BAD_X, *BAD_Y, *BAD_SHARED, *BAD_TRAINING])
def test_train(keywords, error, parts):
    net = network()
    before = bits(net)
    arguments = {"network": net, "X": X, "Y": Y, "epochs": 3, **keywords}
    check_message(message_of(error, lambda: fp.train(**arguments)), *parts)
    assert bits(net) == before


@pytest.mark.parametrize(
    ("order", "error"),
    [
        ([0, 1, 2, 3], ValueError),
        ([0, 1, 2, 3, 3], ValueError),
        ([0, 1, 2, 3, 5], ValueError),
        ([0, 1, 2, 3, -1], ValueError),
        ([[0, 1, 2, 3, 4]], TypeError),
        ([0.0, 1.0, 2.0, 3.0, 4.0], TypeError),
        (None, TypeError),
    ],
    ids=str,
)
def test_shuffle_that_returns_no_order(order, error):
    net = network()
    before = bits(net)
    order = order if order is None else np.array(order)
    message = message_of(
        error, lambda: fp.train(net, X, Y, batch_size=2, shuffle=lambda epoch: order, optimizer=fp.SGD())
    )
    check_message(message, "shuffle")
    assert bits(net) == before


@pytest.mark.parametrize("answer", ["good", None, 1j], ids=repr)
def test_score_that_returns_no_number(answer):
    message = message_of(
        (TypeError, ValueError),
        lambda: fp.train(network(), X, Y, validation_score=lambda net: answer, epochs=3),
    )
    check_message(message, "validation_score")


def test_an_error_in_the_middle_of_a_training_leaves_the_network_as_it_was():
    net = network()
    before = bits(net)
    orders = {1: np.arange(5), 2: np.arange(4)}
    message = message_of(
        ValueError,
        lambda: fp.train(
            net, X, Y, batch_size=2, shuffle=orders.get, epochs=3, validation_score=lambda n: 1.0
        ),
    )
    check_message(message, "shuffle", "4")
    assert bits(net) == before


# Estimators -----------------------------------------------------------------------------------------------

ESTIMATORS = [fp.MLPClassifier, fp.MLPRegressor]
CLASSES = np.array([0, 1, 0, 1, 1])


@pytest.mark.parametrize(
    ("estimator", "name"), [(e, name) for e in ESTIMATORS for name in e().get_params()], ids=str
)
def test_estimator_parameters_of_a_wrong_type(estimator, name):
    with pytest.raises(ValueError, match=name) as caught:
        estimator(**{name: object()}).fit(X, CLASSES)
    check_message(str(caught.value), estimator.__name__, "object")


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", 0),
        ("hidden_layer_sizes", (3, -2)),
        ("activation", "swoosh"),
        ("solver", "newton"),
        ("alpha", -0.5),
        ("batch_size", 0),
        ("learning_rate", "cosine"),
        ("learning_rate_init", 0.0),
        ("learning_rate_init", -0.25),
        ("max_iter", 0),
        ("tol", -1.0),
        ("momentum", 1.5),
        ("validation_fraction", 1.0),
        ("beta_1", 1.0),
        ("epsilon", 0.0),
        ("n_iter_no_change", 0),
        ("max_time", -1.0),
    ],
)
def test_estimator_parameters_outside_their_range(estimator, name, value):
    with pytest.raises(ValueError, match=name) as caught:
        estimator(**{name: value}).fit(X, CLASSES)
    check_message(str(caught.value), str(value).strip("()"))


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("data", "parts"),
    [
        ((NAN_AT_2_1, CLASSES), ["X", "NaN"]),
        ((X + np.inf, CLASSES), ["X", "infinity"]),
        ((X[:, 0], CLASSES), ["1D", "2D"]),
        ((X, CLASSES[:4]), ["[5, 4]"]),
        ((X[:0], CLASSES[:0]), ["0 sample", "(0, 3)"]),
        ((X, CLASSES * np.nan), ["y", "NaN"]),
        ((X, CLASSES, [1, 1, 1, 1, -np.inf]), ["sample_weight"]),
        ((X, CLASSES, np.ones(4)), ["sample_weight", "(4,)", "(5,)"]),
    ],
)
def test_estimator_data(estimator, data, parts):
    with pytest.raises(ValueError, match=r".{10}") as caught:
        estimator(max_iter=3).fit(*data)
    check_message(str(caught.value), *parts)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimator_predicts_only_what_it_was_trained_for(estimator):
    model = estimator(solver="lbfgs", tol=1.0).fit(X, CLASSES)
    before = bits_of_lists(model)
    for wrong, parts in [
        (X[:, :2], ["2 features", "3 features"]),
        (NAN_AT_2_1, ["X", "NaN"]),
        (X.astype(complex), ["Complex"]),
        (X[:0], ["0 sample"]),
    ]:
        with pytest.raises(ValueError, match=r".{10}") as caught:
            model.predict(wrong)
        check_message(str(caught.value), *parts)
    assert bits_of_lists(model) == before


def bits_of_lists(model):
    return [array.tobytes() for array in [*model.coefs_, *model.intercepts_]]


# Found by looking for trouble ------------------------------------------------------------------------------


def test_a_mask_is_refused():
    network = fp.Network([2, 1])
    with pytest.raises(TypeError, match="X must be an array without a mask, got MaskedArray"):
        network.predict(np.ma.masked_array(np.ones((3, 2), np.float32), mask=np.eye(3, 2) > 0))


def test_more_outputs_than_memory():
    """The shape is looked at first; then there is a MemoryError, or NumPy's ValueError for its own limit."""
    wide = np.broadcast_to(np.float32(0), (2**40, 1))
    with pytest.raises(MemoryError):
        fp.Network([1, 1000]).predict(wide)
    with pytest.raises(ValueError, match="X must have shape"):
        fp.Network([3, 1000]).predict(wide)


def test_initial_range_beyond_the_dtype():
    with pytest.raises(ValueError, match="init_range must be a number that float32 can hold, got 1e300"):
        fp.Network([1, 1], init="uniform", init_range=1e300)


def test_errors_of_the_caller_pass_through():
    class Interrupting:
        def __array__(self, dtype=None, copy=None):
            raise MemoryError("of the caller")

    with pytest.raises(MemoryError, match="of the caller"):
        fp.Network([1, 1]).predict(Interrupting())


def test_a_wrong_value_for_hidden_layers_is_wrong_without_any():
    with pytest.raises(ValueError, match="activation must be one of"):
        fp.Network([2, 1], activation="sigmoidal")
    with pytest.raises(ValueError, match="dropout"):
        fp.train(fp.Network([2, 1]), [[1.0, 2.0]], [[1.0]], dropout=1.5)


def test_very_deep_networks_train():
    network = fp.Network([1] * 70_000, activation="identity")
    history = fp.train(network, np.ones((8, 1)), np.ones((8, 1)), epochs=1, n_threads=2)
    assert history.epochs == 1
