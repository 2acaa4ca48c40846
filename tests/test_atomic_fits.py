"""A call that an exception ends changes nothing, wherever it comes; one that ends well changes all as one."""

import copy
import linecache
import pickle
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import ferroprop as fp
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from ferroprop.estimators import _base
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning

HERE = str(Path(fp.__file__).parent)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(1)
X = rng.normal(size=(24, 3))
LABELS = np.array(["ant", "bee", "cow"])[np.digitize(X[:, 0], [-0.5, 0.5])]
VALUES = X[:, :2] ** 2
Z, TURNED = X + 1j * X[::-1], X[:, :2] * np.exp(1j * X[:, 1:])
SEQUENCES = [X[np.arange(n, n + 2 + n % 3) % 24] for n in range(24)]


class Bolt(BaseException):
    """Comes out of the blue, as a timeout or Ctrl-C does."""


def struck(call, line):
    """Call with an exception raised before this line, counted over all lines of the package that are run.

    Returns False if the call has no such line. A ``with`` statement that is being left counts for none:
    Python lets no exception come between the last line in it and the call of ``__exit__``, as it looks for
    signals after calls and jumps.
    """
    left = line

    def trace(frame, event, argument):
        if not frame.f_code.co_filename.startswith(HERE):
            return None
        last = 0

        def trace_here(frame, event, argument):
            nonlocal last, left
            if event == "line":
                here, last, before = frame.f_lineno, frame.f_lineno, last
                source = linecache.getline(frame.f_code.co_filename, here).lstrip()
                if not (here < before and source.startswith("with ")):
                    left -= 1
                if left == 0:
                    left = -1
                    raise Bolt
            return trace_here

        return trace_here

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except Bolt:
        pass
    finally:
        sys.settrace(before)
    return left < 0


def value(what):
    """Return something that compares by its bits."""
    if isinstance(what, np.ndarray):
        return str(what.dtype), what.shape, what.tolist() if what.dtype == object else what.tobytes()
    if isinstance(what, dict):
        return {name: value(one) for name, one in what.items()}
    if isinstance(what, (list, tuple)):
        return [value(one) for one in what]
    if isinstance(what, fp.RecurrentNetwork):
        return pickle.dumps(what)
    return repr(vars(what)) if type(what).__name__ == "LabelBinarizer" else repr(what)


def state(model):
    """Return all that a model has; it stays comparable whatever happens to the model."""
    return {name: value(one) for name, one in model.__getstate__().items()}


def classifier(**parameters):
    return fp.MLPClassifier(**{"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0, **parameters})


def regressor(**parameters):
    return fp.MLPRegressor(**{"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0, **parameters})


def complex_classifier(**parameters):
    return fp.ComplexMLPClassifier(
        **{"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0, **parameters}
    )


def complex_regressor(**parameters):
    return fp.ComplexMLPRegressor(
        **{"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0, **parameters}
    )


def recurrent_classifier(**parameters):
    return fp.RNNClassifier(**{"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0, **parameters})


def recurrent_regressor(**parameters):
    return fp.RNNRegressor(**{"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0, **parameters})


def look(epoch):
    assert epoch.penalty > 0


def quietly(call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call()


def inputs_of(model):
    if isinstance(model, (fp.RNNClassifier, fp.RNNRegressor)):
        return SEQUENCES
    return Z if isinstance(model, (fp.ComplexMLPClassifier, fp.ComplexMLPRegressor)) else X


def targets_of(model):
    y = LABELS if is_classifier(model) else TURNED if isinstance(model, fp.ComplexMLPRegressor) else VALUES
    if getattr(model, "returns", "last") == "every":
        return [np.repeat(y[n : n + 1], len(steps), axis=0) for n, steps in enumerate(SEQUENCES)]
    return y


def fit(model):
    return model.fit(inputs_of(model), targets_of(model))


def partial_fit(model):
    classes = {"classes": ["ant", "bee", "cow"]} if is_classifier(model) else {}
    return model.partial_fit(inputs_of(model), targets_of(model), **classes)


def fit_with_all(model):
    """With weights, rows for validation, and what follows the fit."""
    inputs, y = inputs_of(model), targets_of(model)
    weights, of_validation = np.arange(24.0), np.ones(9)
    return model.fit(inputs, y, weights, X_val=inputs[:9], y_val=y[:9], sample_weight_val=of_validation)


# Every line of a fit --------------------------------------------------------------------------------------

MODELS = {
    **{f"classifier {solver}": classifier(solver=solver) for solver in ("adam", "rprop", "sarprop", "lbfgs")},
    **{
        f"regressor {solver}": regressor(solver=solver)
        for solver in ("sgd", "adamw", "grprop", "lbfgs", "lbfgs-scipy")
    },
    "early": classifier(early_stopping=True, solver="rprop"),
    "early, own score": classifier(early_stopping=True, scoring="f1_macro", class_weight="balanced"),
    "adaptive": regressor(solver="sgd", learning_rate="adaptive", tol=10.0, n_iter_no_change=1),
    "object": regressor(solver=fp.Adam(0.01), dropout=0.2),
    "followed": classifier(verbose=2, callback=look, restore_best=True),
    **{f"complex classifier {solver}": complex_classifier(solver=solver) for solver in ("adam", "rprop")},
    "complex regressor lbfgs": complex_regressor(solver="lbfgs", activation="modrelu"),
    "complex regressor adam": complex_regressor(solver="adam", loss="huber"),
    "complex, early": complex_regressor(early_stopping=True, solver="rprop"),
    "recurrent classifier adam": recurrent_classifier(solver="adam"),
    "recurrent classifier lbfgs": recurrent_classifier(solver="lbfgs", cell="rnn"),
    "recurrent regressor rprop": recurrent_regressor(solver="rprop", returns="every", washout=1),
    "recurrent regressor sgd": recurrent_regressor(solver="sgd", cell="gru", truncate=2),
    "recurrent, early": recurrent_classifier(early_stopping=True, solver="rprop", returns="every"),
    "recurrent, followed": recurrent_regressor(verbose=2, callback=look, restore_best=True, dropout=0.2),
}
FITS = {"fit": fit, "partial_fit": partial_fit, "fit_with_all": fit_with_all}


def unfitted(model):
    return copy.deepcopy(model)


def fitted(model):
    return quietly(lambda: fit(unfitted(model)))


def warm(model):
    return fitted(model).set_params(warm_start=True)


def used(model):
    """Has predicted, so that its network is at hand."""
    model = fitted(model)
    for _ in range(3):
        model.predict(inputs_of(model))
    return model


def strike_lines_of_a_fit(method, name, beginning, step):
    """Strike each `step`-th line of a fit; after each the next fit has the bits that it would have had."""
    run, model = FITS[method], MODELS[name]
    start = beginning(model)
    before, untouched = state(start), pickle.dumps(start)
    after = state(quietly(lambda: run(pickle.loads(untouched))))
    for line in range(1, 10_000, step):
        if not quietly(partial(struck, partial(run, start), line)):
            break
        left = state(start)
        if left == after:  # all was done but to return
            start = pickle.loads(untouched)
            continue
        assert left == before, line
        if line % (7 * step) == 1:
            again = pickle.loads(pickle.dumps(start))
            assert state(quietly(partial(run, again))) == after, line
    assert line > 200
    assert state(start) == after


CASES = [
    (method, name, beginning)
    for method in FITS
    for name, model in MODELS.items()
    for beginning in (unfitted, fitted, warm, used)
    if method != "partial_fit" or (hasattr(model, "partial_fit") and not model.early_stopping)
]
SHORT = [
    ("partial_fit", "classifier adam", used),
    ("fit", "regressor lbfgs", warm),
    ("fit_with_all", "recurrent regressor rprop", warm),
]


@pytest.mark.parametrize(("method", "name", "beginning"), SHORT)
def test_every_line_of_a_fit(method, name, beginning):
    strike_lines_of_a_fit(method, name, beginning, 1)


@pytest.mark.parametrize(("method", "name", "beginning"), CASES)
def test_lines_of_a_fit(method, name, beginning):
    strike_lines_of_a_fit(method, name, beginning, 101)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("method", "name", "beginning"), CASES)
def test_every_line_of_any_fit(method, name, beginning):
    strike_lines_of_a_fit(method, name, beginning, 1)


def test_all_that_a_fit_sets_is_listed():
    """What is not would stay behind, or be mixed with that of another fit."""
    seen = set()
    for model in MODELS.values():
        for run in (fit, fit_with_all, partial_fit):
            if run is partial_fit and (not hasattr(model, "partial_fit") or model.early_stopping):
                continue
            one = quietly(lambda run=run, model=model: run(unfitted(model)))
            assert set(vars(one)) - set(one.get_params()) <= _base.LEARNED
            seen |= set(vars(one))
    assert seen >= _base.LEARNED - {"feature_names_in_"}


# Every line of a prediction -------------------------------------------------------------------------------

PREDICTIONS = {
    "predict": lambda model: model.predict(X),
    "lists": lambda model: model.predict(X.tolist()),
    "sparse": lambda model: model.predict(scipy.sparse.csr_matrix(X)),
    "one row": lambda model: model.predict(X[:1]),
    "transform": lambda model: model.transform(X),
    "predict_gradient": lambda model: model.predict_gradient(X),
    "score": lambda model: model.score(X, LABELS if hasattr(model, "classes_") else VALUES),
    "predict_proba": lambda model: model.predict_proba(X),
    "predict_log_proba": lambda model: model.predict_log_proba(X),
    "coefs_": lambda model: [coef.tobytes() for coef in model.coefs_],
    "pickle": lambda model: state(pickle.loads(pickle.dumps(model))),
    "copy": lambda model: state(copy.copy(model)),
}


def without_cache(model):
    """Return the same arrays in an estimator that keeps no network between predictions."""
    other = object.__new__(type(model))
    vars(other).update({name: one for name, one in vars(model).items() if name != "_networks"})
    return other


def numbers(model):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def turn(model):
    """Edit an array in place, as a user does; it must not have stayed read-only."""
    model.coefs_[0][0, 0] *= -1.0


@pytest.mark.parametrize(
    ("name", "method"),
    [("classifier adam", method) for method in PREDICTIONS] + [("regressor lbfgs", "predict")],
)
def test_every_line_of_a_prediction(name, method):
    """Later predictions are those of the arrays as they are, edited in between or not."""
    call, model = PREDICTIONS[method], fitted(MODELS[name])
    strikes = 0
    for preparations in ("", "predict", "turn", "predict, turn", "predict, predict"):
        for line in range(1, 1000):
            for preparation in preparations.split(", "):
                if preparation:
                    _ = model.predict(X[:1]) if preparation == "predict" else turn(model)
            if not struck(partial(call, model), line):
                break
            strikes += 1
            for _ in range(2):
                expected = value(numbers(without_cache(model)))
                for _ in range(3):
                    assert value(numbers(model)) == expected, line
                turn(model)
    assert strikes > 20


OF_OTHER_KINDS = {
    "predict": lambda model: model.predict(inputs_of(model)),
    "one row": lambda model: model.predict(inputs_of(model)[:1]),
    "score": lambda model: model.score(inputs_of(model), targets_of(model)),
    "predict_proba": lambda model: model.predict_proba(inputs_of(model)),
    "coefs_": lambda model: [coef.tobytes() for coef in model.coefs_],
    "pickle": lambda model: state(pickle.loads(pickle.dumps(model))),
    "copy": lambda model: state(copy.copy(model)),
}


@pytest.mark.parametrize(
    ("name", "method"),
    [
        (name, method)
        for name in ("complex classifier adam", "complex regressor lbfgs", "recurrent classifier adam",
                     "recurrent regressor rprop")
        for method in OF_OTHER_KINDS
        if method != "predict_proba" or "classifier" in name
    ],
)  # fmt: skip
def test_every_line_of_a_prediction_of_other_kinds(name, method):
    """Nothing is left of it: neither in what the model has, nor in what it predicts."""
    call, model = OF_OTHER_KINDS[method], fitted(MODELS[name])
    before, expected = state(model), value(model.predict(inputs_of(model)))
    strikes = 0
    for line in range(1, 1000):
        if not struck(partial(call, model), line):
            break
        strikes += 1
        assert state(model) == before, line
        assert value(model.predict(inputs_of(model))) == expected, line
    assert strikes > 3


# Several threads ------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_fits_in_several_threads_do_not_mix():
    """One after the other has other features, classes, names and layers; each fit is there as a whole."""
    data = [
        (X, LABELS),
        (X[:, :2], LABELS == "bee"),
        (pd.DataFrame(X, columns=["a", "b", "c"]), np.repeat([1, 2], 12)),
        (pd.DataFrame(X[:, 1:], columns=["d", "e"]), LABELS),
    ]
    model = classifier(max_iter=3)
    allowed = [state(quietly(lambda rows=rows: classifier(max_iter=3).fit(*rows))) for rows in data]
    begin = threading.Barrier(len(data))

    def work(rows):
        for _ in range(15):
            begin.wait(60)
            quietly(lambda: model.fit(*rows))
            seen.append(state(copy.copy(model)))

    seen = []
    with ThreadPoolExecutor(len(data)) as pool:
        list(pool.map(work, data))
    for one in [*seen, state(model)]:
        assert one in allowed


def test_a_pickle_beside_a_partial_fit_is_of_one_step():
    model = regressor(solver="adam", hidden_layer_sizes=(30,)).partial_fit(X, VALUES)
    steps = [state(model)]
    reference = pickle.loads(pickle.dumps(model))
    for _ in range(150):
        steps.append(state(reference.partial_fit(X, VALUES)))
    of_weights = {repr(step["coefs_"]): step for step in steps}
    done = threading.Event()
    pickles = []

    def watch():
        while not done.is_set():
            pickles.append(pickle.dumps(model))

    watchers = [threading.Thread(target=watch) for _ in range(2)]
    for thread in watchers:
        thread.start()
    for _ in range(150):
        model.partial_fit(X, VALUES)
    done.set()
    for thread in watchers:
        thread.join()
    assert len(pickles) > 20
    for pickled in pickles:
        one = state(pickle.loads(pickled))
        assert one == of_weights[repr(one["coefs_"])]


def test_predictions_beside_a_fit_find_all_in_its_place():
    """Of lists, data frames and other dtypes, and with callbacks, which leave notes on the estimator."""

    class Callback:
        def setup(self, estimator, context): ...

        def teardown(self, estimator, context): ...

        def on_fit_task_begin(self, estimator, context): ...

        def on_fit_task_end(self, estimator, context): ...

    model = classifier().fit(X, LABELS).set_callbacks(Callback())
    done = threading.Event()
    rows = [X.tolist(), X.astype(np.float32), pd.DataFrame(X), scipy.sparse.csr_matrix(X)]

    def predict(kind):
        seen = set()
        while not done.is_set():
            with warnings.catch_warnings():
                seen.add(value(model.predict(kind))[-1].__repr__())
        return seen

    with ThreadPoolExecutor(len(rows)) as pool:
        futures = [pool.submit(predict, kind) for kind in rows]
        for _ in range(200):
            model.fit(X, LABELS)
        done.set()
        assert all(len(future.result()) == 1 for future in futures)


# Errors where warnings are errors -------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd", "rprop", "grprop", "sarprop", "lbfgs"])
def test_a_warning_that_is_an_error_changes_nothing(solver):
    model = regressor(solver=solver, warm_start=True, max_iter=3)
    quietly(lambda: fit(model))
    before, expected = state(model), state(quietly(lambda: fit(pickle.loads(pickle.dumps(model)))))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            fit(model)
    assert state(model) == before
    assert state(quietly(lambda: fit(model))) == expected


def test_a_first_partial_fit_that_fails_leaves_no_classes():
    model = classifier()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.partial_fit(X, LABELS[:-1], classes=["ant", "bee", "cow"])
    assert vars(model).keys() == model.get_params().keys()
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(X, LABELS)
    assert partial_fit(model).classes_.tolist() == ["ant", "bee", "cow"]


def test_unpickling_draws_nothing():
    """It looks at the state by making the optimizer, which draws a seed where the solver has one."""
    model = fp.MLPRegressor(solver="sarprop", max_iter=2, random_state=np.random.RandomState(3))
    quietly(lambda: fit(model))
    expected = pickle.loads(pickle.dumps(model.random_state)).random_sample()
    np.random.seed(4)  # noqa: NPY002
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    again = pickle.loads(pickle.dumps(model))
    assert again.random_state.random_sample() == expected
    model = quietly(lambda: fit(model.set_params(random_state=1))).set_params(random_state=None)
    pickle.loads(pickle.dumps(model))
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


def test_a_fitted_optimizer_is_shared_by_copies_and_stays_theirs():
    """A copy goes on from the same memory; neither sees the steps of the other."""
    model = regressor(solver="adam").partial_fit(X, VALUES)
    other = copy.copy(model)
    before = state(other)
    expected = state(copy.deepcopy(model).partial_fit(X, VALUES))
    assert state(model.partial_fit(X, VALUES)) == expected
    assert state(other) == before
    assert state(other.partial_fit(X, VALUES)) == expected
