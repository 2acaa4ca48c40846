"""`RNNClassifier` and `RNNRegressor`: sequences in, scikit-learn's conventions around them."""

import pickle

import ferroprop as fp
import numpy as np
import pandas as pd
import pytest
from ferroprop import RNNClassifier, RNNRegressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
N = 90
X = RNG.normal(size=(N, 7, 2))
RAGGED = [RNG.normal(size=(RNG.integers(3, 12), 2)) for _ in range(N)]
SUMS = {"array": X.sum(axis=1), "list": np.array([series.sum(axis=0) for series in RAGGED])}
INPUTS = {"array": X, "list": RAGGED}
MEANS = [series.cumsum(axis=0) / np.arange(1, len(series) + 1)[:, None] for series in RAGGED]
forms = pytest.mark.parametrize("form", ["array", "list"])


def steps(form, columns=slice(None)):
    """Return for each step the mean so far, as targets."""
    if form == "list":
        return [mean[:, columns] for mean in MEANS]
    return (X.cumsum(axis=1) / np.arange(1, 8)[:, None])[:, :, columns]


def labels_of_steps(form):
    names = np.array(["low", "middle", "high"])
    values = steps(form, 0)
    parts = [names[np.digitize(part, [-0.2, 0.2])] for part in values]
    return parts if form == "list" else np.stack(parts)


def small(kind, **settings):
    """Return an estimator that is quickly fitted."""
    return kind(
        **{
            "hidden_layer_sizes": (6,),
            "cell": "gru",
            "max_iter": 15,
            "random_state": 0,
            "tol": 0.0,
            **settings,
        }
    )


def same(one, other):
    """Whether two predictions are equal, arrays or lists of them."""
    assert type(one) is type(other)
    assert len(one) == len(other)
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# What is predicted -----------------------------------------------------------------------------------------


@forms
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_predictions_are_the_networks_own(form, cell):
    inputs, sums = INPUTS[form], SUMS[form]
    last = small(RNNRegressor, cell=cell).fit(inputs, sums)
    assert_array_equal(last.predict(inputs), last.network_.predict(inputs))
    one = small(RNNRegressor, cell=cell).fit(inputs, sums[:, 0])
    assert_array_equal(one.predict(inputs), one.network_.predict(inputs)[:, 0])
    classes = np.where(sums[:, 0] > 0, "up", "down")
    classifier = small(RNNClassifier, cell=cell).fit(inputs, classes)
    outputs = classifier.network_.predict(inputs)[:, 0]
    assert_array_equal(classifier.predict_proba(inputs)[:, 1], outputs)
    assert_array_equal(classifier.predict(inputs), np.where(outputs > 0.5, "up", "down"))
    assert_allclose(classifier.predict_log_proba(inputs), np.log(classifier.predict_proba(inputs)))


@forms
def test_predictions_of_every_step_have_the_form_of_the_inputs(form):
    inputs, targets, names = INPUTS[form], steps(form), labels_of_steps(form)
    regressor = small(RNNRegressor, returns="every").fit(inputs, targets)
    assert same(regressor.predict(inputs), regressor.network_.predict(inputs))
    single = small(RNNRegressor, returns="every").fit(inputs, steps(form, 0))
    for predicted, series in zip(single.predict(inputs), inputs, strict=True):
        assert predicted.shape == (len(series),)
    classifier = small(RNNClassifier, returns="every").fit(inputs, names)
    assert classifier.classes_.tolist() == ["high", "low", "middle"]
    outputs = classifier.network_.predict(inputs)
    assert same(classifier.predict_proba(inputs), outputs)
    for predicted, probabilities in zip(classifier.predict(inputs), outputs, strict=True):
        assert_array_equal(predicted, classifier.classes_[probabilities.argmax(axis=1)])
    assert type(classifier.predict_log_proba(inputs)) is type(outputs)
    two = small(RNNClassifier, returns="every").fit(inputs, [part == "low" for part in names])
    assert two.predict_proba(inputs)[0].shape == (len(inputs[0]), 2)


def test_a_fit_is_a_training_of_the_network():
    Y = SUMS["array"]
    regressor = RNNRegressor(
        (5,), cell="lstm", solver="rprop", alpha=0.0, max_iter=20, tol=0.0, random_state=3
    )
    start = clone(regressor).initialize(X, Y).network_.copy()
    regressor.fit(X, Y)
    history = fp.train(start, X, Y, optimizer=fp.Rprop(), epochs=20, clip_norm=1.0)
    assert_array_equal(start.parameter_vector, regressor.network_.parameter_vector)
    assert_allclose(regressor.loss_curve_, np.array(history.loss) / 2, rtol=1e-12)  # mean over two outputs


@forms
def test_scores_are_those_of_rows(form):
    inputs = INPUTS[form]
    last = small(RNNRegressor).fit(inputs, SUMS[form])
    assert last.score(inputs, SUMS[form]) == pytest.approx(r2_score(SUMS[form], last.predict(inputs)))
    every = small(RNNRegressor, returns="every", washout=2).fit(inputs, steps(form))
    rows, predicted = (
        np.concatenate([part[2:] for part in parts]) for parts in (steps(form), every.predict(inputs))
    )
    assert every.score(inputs, steps(form)) == pytest.approx(r2_score(rows, predicted))
    names = labels_of_steps(form)
    classifier = small(RNNClassifier, returns="every").fit(inputs, names)
    rows, predicted = (np.concatenate(list(parts)) for parts in (names, classifier.predict(inputs)))
    assert classifier.score(inputs, names) == accuracy_score(rows, predicted)
    weights = RNG.uniform(size=N)
    of_steps = np.repeat(weights, [len(part) for part in inputs])
    assert classifier.score(inputs, names, sample_weight=weights) == pytest.approx(
        accuracy_score(rows, predicted, sample_weight=of_steps)
    )


@pytest.mark.parametrize(
    "solver", ["rprop", "adam", "sgd", "lbfgs", "lbfgs-scipy", fp.Rprop(max_step=1.0)], ids=str
)
def test_they_learn(solver):
    settings = {"solver": solver, "learning_rate_init": 0.05, "max_iter": 100, "random_state": 0}
    regressor = RNNRegressor((8,), returns="every", **settings).fit(RAGGED, MEANS)
    assert regressor.score(RAGGED, MEANS) > 0.7
    classes = np.where(SUMS["list"][:, 0] > 0, "up", "down")
    classifier = RNNClassifier((8,), **settings).fit(RAGGED, classes)
    assert classifier.score(RAGGED, classes) > 0.85


def test_several_labels_and_losses_by_margin():
    both = SUMS["array"] > 0
    classifier = small(RNNClassifier, solver="rprop", max_iter=60).fit(X, both.astype(int))
    assert classifier.predict(X).shape == (N, 2)
    assert classifier.score(X, both.astype(int)) > 0.7
    margins = small(RNNClassifier, solver="rprop", loss="hinge", max_iter=60).fit(X, both[:, 0])
    assert margins.decision_function(X).shape == (N,)
    assert_array_equal(margins.predict(X), margins.decision_function(X) > 0)
    assert not hasattr(margins, "predict_proba")


# The course of a fit ---------------------------------------------------------------------------------------


@forms
@pytest.mark.parametrize("kind", [RNNRegressor, RNNClassifier])
@pytest.mark.parametrize("returns", ["last", "every"])
def test_what_estimators_do(kind, returns, form, tmp_path):
    inputs = INPUTS[form]
    targets = {
        (RNNRegressor, "last"): SUMS[form],
        (RNNRegressor, "every"): steps(form),
        (RNNClassifier, "last"): np.where(SUMS[form][:, 0] > 0, "up", "down"),
        (RNNClassifier, "every"): labels_of_steps(form),
    }[kind, returns]
    estimator = small(kind, returns=returns, max_iter=8)
    first = clone(estimator).fit(inputs, targets)
    again = pickle.loads(pickle.dumps(first))
    assert same(again.predict(inputs), first.predict(inputs))
    whole = clone(estimator).fit(inputs, targets)
    assert_array_equal(whole.network_.parameter_vector, first.network_.parameter_vector)
    threads = clone(estimator).set_params(n_jobs=2).fit(inputs, targets)
    assert_array_equal(threads.network_.parameter_vector, first.network_.parameter_vector)

    path = tmp_path / "fit.ckpt"
    clone(estimator).set_params(max_iter=5, checkpoint=path, checkpoint_every=2).fit(inputs, targets)
    resumed = clone(estimator).set_params(checkpoint=path, checkpoint_every=2).fit(inputs, targets)
    assert_array_equal(resumed.network_.parameter_vector, first.network_.parameter_vector)
    assert resumed.loss_curve_ == first.loss_curve_

    stopped = clone(estimator).set_params(early_stopping=True, scoring="loss").fit(inputs, targets)
    assert len(stopped.validation_loss_curve_) == stopped.n_iter_
    scored = clone(estimator).set_params(early_stopping=True).fit(inputs, targets)
    assert len(scored.validation_scores_) == scored.n_iter_
    watched = clone(estimator).fit(inputs[:60], targets[:60], X_val=inputs[60:], y_val=targets[60:])
    assert watched.validation_scores_[-1] == pytest.approx(watched.score(inputs[60:], targets[60:]))
    weights = RNG.uniform(0.5, 1, N)
    weighted = clone(estimator).fit(inputs, targets, sample_weight=weights)
    assert weighted.loss_ != first.loss_
    going_on = clone(estimator).set_params(warm_start=True, max_iter=4).fit(inputs, targets)
    going_on.fit(inputs, targets)
    assert len(going_on.loss_curve_) == 8
    searched = GridSearchCV(clone(estimator), {"cell": ["rnn", "gru"]}, cv=KFold(2)).fit(inputs, targets)
    assert searched.best_params_["cell"] in ("rnn", "gru")


def test_cross_validation_of_arrays_and_lists():
    assert len(cross_val_score(small(RNNRegressor), X, SUMS["array"], cv=3)) == 3
    assert len(cross_val_score(small(RNNClassifier), RAGGED, SUMS["list"][:, 0] > 0, cv=3)) == 3
    assert len(cross_val_score(small(RNNRegressor, returns="every"), X, steps("array"), cv=3)) == 3


def test_partial_fit():
    regressor = small(RNNRegressor, solver="adam")
    for _ in range(3):
        regressor.partial_fit(X, SUMS["array"])
    assert len(regressor.loss_curve_) == 3
    names = labels_of_steps("list")
    classifier = small(RNNClassifier, solver="adam", returns="every")
    classifier.partial_fit(RAGGED[:9], names[:9], classes=["low", "middle", "high"]).partial_fit(
        RAGGED, names
    )
    assert len(classifier.predict(RAGGED)) == N
    assert not hasattr(small(RNNRegressor, solver="rprop"), "partial_fit")


@forms
def test_weights_of_steps(form):
    inputs, targets = INPUTS[form], steps(form)
    ones = [np.ones(len(part)) for part in inputs]
    estimator = small(RNNRegressor, returns="every", solver="rprop", alpha=0.0)
    plain = clone(estimator).fit(inputs, targets)
    weighted = clone(estimator).fit(inputs, targets, sample_weight=ones)
    assert_allclose(weighted.network_.parameter_vector, plain.network_.parameter_vector, rtol=1e-9)
    for weight in ones:
        weight[:2] = 0
    without = clone(estimator).fit(inputs, targets, sample_weight=ones)
    washed = clone(estimator).set_params(washout=2).fit(inputs, targets)
    assert_allclose(without.network_.parameter_vector, washed.network_.parameter_vector, rtol=1e-9)
    assert without.score(inputs, targets, sample_weight=ones) == pytest.approx(washed.score(inputs, targets))


def test_class_weights():
    names = labels_of_steps("list")
    settings = {"returns": "every", "solver": "rprop", "alpha": 0.0}
    balanced = small(RNNClassifier, class_weight="balanced", **settings).fit(RAGGED, names)
    rows = np.concatenate(names)
    values = {name: len(rows) / 3 / np.sum(rows == name) for name in np.unique(rows)}
    by_hand = [np.array([values[name] for name in part]) for part in names]
    given = small(RNNClassifier, **settings).fit(RAGGED, names, sample_weight=by_hand)
    assert_allclose(balanced.network_.parameter_vector, given.network_.parameter_vector, rtol=1e-9)


def test_single_precision_stays():
    single = X.astype("float32")
    for solver in ("adam", "lbfgs"):
        regressor = small(RNNRegressor, solver=solver).fit(single, SUMS["array"].astype("float32"))
        assert regressor.network_.dtype == regressor.predict(single).dtype == "float32"
    assert small(RNNRegressor).fit(X.tolist(), SUMS["array"]).network_.dtype == "float64"


def test_activations_of_plain_cells():
    regressor = small(RNNRegressor, cell="rnn", activation="relu", recurrent_init="identity").initialize(
        X, X[:, 0]
    )
    assert regressor.network_.activations[0] == "relu"
    assert_array_equal(regressor.recurrent_coefs_[0], np.eye(6))
    assert [coef.shape for coef in regressor.coefs_] == [(2, 6), (6, 2)]
    assert regressor.recurrent_coefs_[1] is None
    assert [bias.shape for bias in regressor.intercepts_] == [(6,), (2,)]
    two = RNNRegressor((3, 4), cell="rnn", activation=["tanh", "relu"], max_iter=2).fit(X, X[:, 0])
    assert list(two.network_.activations[:2]) == ["tanh", "relu"]


def test_frames_and_arrays_of_objects():
    frames = [pd.DataFrame(series, columns=["a", "b"]) for series in RAGGED]
    regressor = small(RNNRegressor).fit(frames, SUMS["list"])
    objects = np.empty(N, object)
    objects[:] = RAGGED
    assert_array_equal(regressor.predict(frames), regressor.predict(RAGGED))
    assert_array_equal(regressor.predict(objects), regressor.predict(RAGGED))


def test_gradient_flow():
    flow = fp.estimators.gradient_flow(small(RNNClassifier, max_iter=4), X, SUMS["array"][:, 0] > 0)
    assert flow.shape == (5, 2)
    assert (flow > 0).all()


def test_tags():
    tags = RNNClassifier().__sklearn_tags__()
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert not tags.input_tags.sparse


# What is refused -------------------------------------------------------------------------------------------


def with_a(value, where=(3, 2, 1)):
    broken = X.copy()
    broken[where] = value
    return broken


@pytest.mark.parametrize(
    ("error", "message", "X", "y", "settings"),
    [
        (
            ValueError,
            r"X must be sequences, .* got shape \(90, 7\)\. One sequence .* X\[np.newaxis\]",
            X[:, :, 0],
            SUMS["array"],
            {},
        ),
        (
            ValueError,
            r"X\[3\] must hold finite numbers, got nan at step 2, feature 1",
            with_a(np.nan),
            SUMS["array"],
            {},
        ),
        (
            ValueError,
            r"X\[3\] must hold finite numbers, got inf at step 2, feature 1",
            list(with_a(np.inf)),
            SUMS["array"],
            {},
        ),
        (
            ValueError,
            r"X\[1\] must have as many features as X\[0\], 2, got 3",
            [np.ones((4, 2)), np.ones((4, 3))],
            [0, 1],
            {},
        ),
        (
            ValueError,
            r"X\[1\] must be a sequence of shape .* got shape \(0, 2\)",
            [np.ones((4, 2)), np.ones((0, 2))],
            [0, 1],
            {},
        ),
        (
            ValueError,
            r"X\[0\] must be a sequence of shape .* got shape \(4,\)",
            [np.ones(4), np.ones(5)],
            [0, 1],
            {},
        ),
        (ValueError, "X must hold at least one sequence, got an empty list", [], [], {}),
        (ValueError, r"X\[0\] must hold numbers, got dtype <U1", [np.full((2, 1), "a")], [0], {}),
        (
            ValueError,
            "y must have a target for each of the 90 sequences of X, got 4",
            X,
            [0.0, 1.0, 2.0, 3.0],
            {},
        ),
        (ValueError, "requires y to be passed", X, None, {}),
        (
            ValueError,
            "y must have as many sequences as X, 90, got 89",
            RAGGED,
            MEANS[:-1],
            {"returns": "every"},
        ),
        (
            ValueError,
            r"y\[0\] must have one for each of the 7 steps of X\[0\] \(returns='every'\), got 2",
            X,
            SUMS["array"],
            {"returns": "every"},
        ),
        (
            ValueError,
            r"y\[0\] must have one for each of the .* got 1\.5",
            X,
            np.full(N, 1.5),
            {"returns": "every"},
        ),
        (ValueError, "washout is for returns='every', got washout=3", X, SUMS["array"], {"washout": 3}),
        (
            ValueError,
            "activation is for cell='rnn': .* 'gru' .* got 'relu'",
            X,
            SUMS["array"],
            {"activation": "relu"},
        ),
        (
            ValueError,
            "hidden_layer_sizes must have a layer at least",
            X,
            SUMS["array"],
            {"hidden_layer_sizes": ()},
        ),
        (
            ValueError,
            "scoring must be None, 'loss' or a function .* got 'r2'",
            X,
            steps("array"),
            {"returns": "every", "scoring": "r2", "early_stopping": True},
        ),
        (ValueError, "The 'cell' parameter of RNNRegressor must be", X, SUMS["array"], {"cell": "elman"}),
        (
            ValueError,
            "The 'returns' parameter of RNNRegressor must be",
            X,
            SUMS["array"],
            {"returns": "first"},
        ),
        (ValueError, "The 'truncate' parameter of RNNRegressor must be", X, SUMS["array"], {"truncate": 0}),
    ],
)
def test_what_a_fit_refuses(error, message, X, y, settings):
    regressor = small(RNNRegressor, **settings)
    with pytest.raises(error, match=message):
        regressor.fit(X, y)
    assert not hasattr(regressor, "network_")


def test_what_else_is_refused():
    fitted = small(RNNClassifier, returns="every").fit(X, labels_of_steps("array"))
    with pytest.raises(ValueError, match="X has 3 features, but RNNClassifier is expecting 2"):
        fitted.predict(np.ones((4, 5, 3)))
    with pytest.raises(ValueError, match=r"y must have one label for each step .* got shape \(7, 2\)"):
        small(RNNClassifier, returns="every").fit(X, X > 0)
    with pytest.raises(ValueError, match="y_val has classes that y has not"):
        small(RNNClassifier).fit(X, SUMS["array"][:, 0] > 0, X_val=X[:2], y_val=["a", "b"])
    with pytest.raises(ValueError, match="y_val must have as many sequences as X_val, 4, got 2"):
        small(RNNRegressor, returns="every").fit(X, steps("array"), X_val=X[:4], y_val=steps("array")[:2])
    going_on = small(RNNRegressor, warm_start=True).fit(X, SUMS["array"])
    with pytest.raises(
        ValueError, match="the cell and the returns of the previous call, 'gru' and 'last', got 'rnn'"
    ):
        going_on.set_params(cell="rnn").fit(X, SUMS["array"])
    for method in ("transform", "predict_gradient"):
        with pytest.raises(AttributeError, match=f"has no {method}"):
            getattr(fitted, method)(X)
    with pytest.raises(ValueError, match="scikit-learn has no recurrent networks"):
        fitted.to_sklearn()
    with pytest.raises(ValueError, match="returns of RNNClassifier must be 'last' to be exported"):
        fitted.to_onnx()
    last = small(RNNRegressor).fit(X, SUMS["array"])
    with pytest.raises(TypeError, match=r"recurrent networks are exported to .* alone, got RNNRegressor"):
        last.to_c()
    with pytest.raises(TypeError, match="got RNNRegressor"):
        last.to_json()
    with pytest.raises(AttributeError, match="no attribute 'coefs_'"):
        _ = small(RNNRegressor).coefs_
    state = pickle.loads(pickle.dumps(fitted)).__getstate__()
    with pytest.raises(TypeError, match="network_ must be a RecurrentNetwork, got int"):
        RNNClassifier().__setstate__({**state, "network_": 3})
