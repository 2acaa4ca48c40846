"""What comes of unusual data and settings is what comes of them in scikit-learn, warnings and errors too."""

import contextlib
import io
import pickle
import re
import warnings

import ferroprop as fp
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn.neural_network
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.preprocessing import scale

LIBRARIES = (sklearn.neural_network, fp)
SOLVERS = ("adam", "sgd", "lbfgs")

X, y = load_iris(return_X_y=True)
X = scale(X)
rows = np.arange(150)
Xd, yd = map(scale, load_diabetes(return_X_y=True))
Xm, Ym = make_multilabel_classification(100, 6, n_classes=3, random_state=0)
Xm = scale(Xm)
names = list("abcd")
letters = np.array(["x", "y", "z"])[y]


def in_common_words(text):
    """Return a message without what ours say in other words, see docs/coming-from-scikit-learn.md."""
    text = re.sub(r"^early_stopping cannot hold out validation_fraction=\S+ of \d+ rows: ", "", text)
    text = text.replace(", a str among {'blocks'} or an instance of 'ferroprop.BlockShuffle'", "")
    text = text.replace("test_size", "number to validate").replace("train_size", "number to train")
    text = re.sub(r"(Classes with too few members are:) \[.*\]", r"\1", text)
    return text.split(" The size of the targets ")[0]


def outcome(of):
    """Return what a function returns or raises, and its warnings but for those of NumPy and of old usage."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = of()
        except Exception as error:
            result = (type(error).__name__, in_common_words(str(error)))
    said = {(one.category.__name__, in_common_words(str(one.message))) for one in caught}
    others = ("DeprecationWarning", "FutureWarning", "RuntimeWarning")
    return result, {(kind, text) for kind, text in said if kind not in others}


def assert_same(of):
    """Assert that a function of the library has the same outcome for both."""
    (theirs, their_warnings), (ours, our_warnings) = (outcome(lambda lib=lib: of(lib)) for lib in LIBRARIES)
    if sp.issparse(theirs):
        assert type(ours) is type(theirs)
        theirs, ours = theirs.toarray(), ours.toarray()
    if isinstance(theirs, np.ndarray):
        assert isinstance(ours, np.ndarray), ours
        assert ours.dtype == theirs.dtype
        if ours.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)
            theirs = ours
        np.testing.assert_array_equal(ours, theirs)
    else:
        assert ours == theirs
    assert our_warnings == their_warnings


def classifier(library, **parameters):
    return library.MLPClassifier(
        **{"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0, **parameters}
    )


def regressor(library, **parameters):
    return library.MLPRegressor(
        **{"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0, **parameters}
    )


def weights(model):
    return np.concatenate([array.ravel() for array in (*model.coefs_, *model.intercepts_)])


CLASSIFIED = {
    "words": (X, letters),
    "words as objects": (X, letters.astype(object)),
    "words in a list": (X.tolist(), letters.tolist()),
    "a categorical": (X, pd.Categorical.from_codes(y, ["u", "v", "w"])),
    "true and false": (X, y == 1),
    "floats": (X, y.astype(float)),
    "numbers below 0": (X, y - 5),
    "a column": (X, y[:, None]),
    "a missing class": (X, np.where(rows == 3, np.nan, y)),
    "None": (X, None),
    "one too few": (X, y[:-1]),
    "several labels": (Xm, Ym),
    "labels, true and false": (Xm, Ym.astype(bool)),
    "labels, sparse": (Xm, sp.csr_matrix(Ym)),
    "one label": (Xm, Ym[:, :1]),
    "labels that are never there": (Xm, np.zeros_like(Ym)),
    "several outputs of several classes": (X, np.c_[y, y]),
    "a masked array": (np.ma.masked_array(X, mask=X > 2), y),
    "a table and a series": (pd.DataFrame(X, columns=names), pd.Series(y, index=rows[::-1])),
    "a polars table and series": (pl.DataFrame(X, schema=names), pl.Series(letters)),
    "mixed column names": (pd.DataFrame(X, columns=["a", 1, "c", "d"]), y),
}

# What has one class has one column of probabilities here.
OF_ONE_CLASS = {
    "one class": (X, np.zeros(150, int)),
    "one word": (X, np.array(["only"] * 150)),
    "a single row": (X[:1], y[:1]),
}

REGRESSED = {
    "a single row": (Xd[:1], yd[:1]),
    "two rows": (Xd[:2], yd[:2]),
    "constant columns": (np.ones((50, 3)), yd[:50]),
    "zeros": (np.zeros((50, 3)), yd[:50]),
    "no columns": (np.zeros((50, 0)), yd[:50]),
    "no rows": (np.zeros((0, 3)), yd[:0]),
    "one dimension": (Xd[0], yd[:10]),
    "three dimensions": (Xd[:, :, None], yd),
    "NaN": (np.where(np.arange(10) == 3, np.nan, Xd), yd),
    "infinity": (np.where(np.arange(10) == 3, np.inf, Xd), yd),
    "NaN in y": (Xd, np.where(np.arange(442) == 3, np.nan, yd)),
    "infinity in y": (Xd, np.where(np.arange(442) == 3, np.inf, yd)),
    "words": (np.array([["a", "b"]] * 20), yd[:20]),
    "numbers as words": (np.array([["1", "2"]] * 20), yd[:20]),
    "complex numbers": (Xd.astype(complex), yd),
    "objects": (Xd.astype(object), yd.astype(object)),
    "integers": ((Xd * 10).astype(np.int32), (yd * 10).astype(int)),
    "booleans": (Xd > 0, yd > 0),
    "half precision": (Xd.astype(np.float16), yd),
    "targets in single precision": (Xd, yd.astype(np.float32)),
    "a column": (Xd, yd[:, None]),
    "three dimensions in y": (Xd, yd[:, None, None]),
    "several outputs": (Xd, np.c_[yd, -yd]),
    "a table of outputs": (Xd, pd.DataFrame({"t": yd, "u": yd})),
    "nullable integers": (pd.DataFrame({"a": pd.array([1, 2, 5, 3], "Int64"), "b": [1.0, 2, 3, 4]}), yd[:4]),
    "a missing integer": (pd.DataFrame({"a": pd.array([1, 2, None, 3], "Int64")}), yd[:4]),
    "a sparse table": (pd.DataFrame(np.eye(5)).astype(pd.SparseDtype(float, 0.0)), yd[:5]),
    "a dict": ({"a": 1}, yd),
    "tiny numbers": (Xd * 1e-300, yd),
    "large numbers": (Xd * 3.0, yd * 10),
    **{
        f"sparse {form}": (sp.random(40, 5, 0.5, format=form, random_state=0), yd[:40])
        for form in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
    },
    "NaN in a sparse matrix": (sp.csr_matrix(np.where(np.eye(5) > 0, np.nan, 0)), yd[:5]),
}

WEIGHTS = {
    "some zero": np.where(rows % 3 == 0, 0.0, 1.0),
    "all zero": np.zeros(150),
    "too few": np.ones(149),
    "two dimensions": np.ones((150, 1)),
    "NaN": np.full(150, np.nan),
    "a number": 2.0,
    "integers": rows,
    "a list": [1.0] * 150,
    "a series": pd.Series(np.arange(150.0)),
    "single precision": rows.astype(np.float32),
    "huge": np.full(150, 1e300),
    "words": ["a"] * 150,
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("data", CLASSIFIED.values(), ids=CLASSIFIED)
def test_classes(data, solver):
    inputs, targets = data
    assert_same(lambda lib: classifier(lib, solver=solver).fit(inputs, targets).predict(inputs))
    assert_same(lambda lib: classifier(lib, solver=solver).fit(inputs, targets).predict_proba(inputs))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("data", OF_ONE_CLASS.values(), ids=OF_ONE_CLASS)
def test_one_class(data, solver):
    inputs, targets = data
    assert_same(lambda lib: classifier(lib, solver=solver).fit(inputs, targets).predict(inputs))
    assert_same(lambda lib: weights(classifier(lib, solver=solver).fit(inputs, targets)))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("data", REGRESSED.values(), ids=REGRESSED)
def test_numbers(data, solver):
    inputs, targets = data
    assert_same(lambda lib: regressor(lib, solver=solver).fit(inputs, targets).predict(inputs))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
def test_weights(weight, solver):
    assert_same(lambda lib: classifier(lib, solver=solver).fit(X, y, sample_weight=weight).predict_proba(X))
    assert_same(lambda lib: regressor(lib, solver=solver).fit(X, y, sample_weight=weight).predict(X))


@pytest.mark.parametrize("factor", [1e100, 1e200])
def test_lbfgs_with_numbers_that_it_cannot_step_from(factor):
    assert_same(lambda lib: regressor(lib, solver="lbfgs").fit(Xd * factor, yd).predict(Xd))


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_rows_that_are_hard_to_split(solver, early_stopping):
    def fit(library, *data):
        model = classifier(library, solver=solver, early_stopping=early_stopping, max_iter=40)
        return model.fit(*data).predict_proba(data[0])

    assert_same(lambda lib: fit(lib, X[:5], [0, 1, 0, 1, 0]))
    assert_same(lambda lib: fit(lib, X, np.r_[np.zeros(149, int), 1]))
    assert_same(lambda lib: fit(lib, Xm, Ym))
    assert_same(lambda lib: fit(lib, X, y, WEIGHTS["some zero"]))


QUERIES = {
    "too few columns": X[:, :3],
    "no rows": X[:0],
    "sparse, no rows": sp.csr_matrix(X[:0]),
    "NaN": np.full((1, 4), np.nan),
    "NaN in a sparse matrix": sp.csr_matrix(np.full((1, 4), np.nan)),
    "infinity": np.full((1, 4), np.inf),
    "a list": [1, 2, 3, 4],
    "a number": 3,
    "None": None,
    "a word": "abc",
    "words": np.array([["a"] * 4]),
    "integers": np.ones((2, 4), int),
    "single precision": X.astype(np.float32),
    "the other byte order": X.astype(">f4"),
    "objects": X.astype(object),
    "Fortran's order": np.asfortranarray(X),
    "backwards": X[::-1, ::-1],
    "far away": np.full((1, 4), 1e150),
    "a table": pd.DataFrame(X, columns=names),
    "another order of columns": pd.DataFrame(X, columns=list("abdc")),
    "another column": pd.DataFrame(np.c_[X, X[:, 0]], columns=list("abcde")),
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_predictions(query):
    for inputs in (X, pd.DataFrame(X, columns=names)):
        for method in ("predict", "predict_proba", "predict_log_proba"):
            assert_same(
                lambda lib, inputs=inputs, method=method: getattr(classifier(lib).fit(inputs, y), method)(
                    query
                )
            )


def _partial_fits(solver):
    """Yield sequences of calls, by name."""
    yield "weighted", classifier, [(X, y, rows + 0.5, [0, 1, 2])] * 4
    yield (
        "words",
        classifier,
        [(X[:50], letters[:50], None, list("zyx")), (X, letters), (X[60:], letters[60:])],
    )
    yield "more classes than there are", classifier, [(X, y, None, [0, 1, 2, 7]), (X, y)]
    yield "a class twice", classifier, [(X, y, None, [2, 0, 1, 1]), (X, y)]
    yield "too few classes", classifier, [(X, y, None, [2, 0])]
    yield "other classes later", classifier, [(X, y, None, [0, 1, 2]), (X, y, None, [0, 1, 2, 3])]
    yield "no classes", classifier, [(X, y)]
    yield "two classes", classifier, [(X, y == 1, None, [False, True]), (X[:50], y[:50] == 1)]
    yield "several labels", classifier, [(Xm, Ym, rows[:100], [0, 1, 2]), (Xm, Ym)]
    yield "other features", classifier, [(X, y, None, [0, 1, 2]), (X[:, :3], y)]
    yield "names", classifier, [(pd.DataFrame(X, columns=names), y, None, [0, 1, 2]), (X, y)]
    yield "nothing weighs", classifier, [(X, y, np.zeros(150), [0, 1, 2]), (X, y)]
    yield "weighted numbers", regressor, [(Xd[:200], yd[:200], yd[:200] ** 2), (Xd, yd), (Xd, yd, yd**2)]
    yield "row by row", regressor, [(Xd[i : i + 1], yd[i : i + 1]) for i in range(20)]
    yield "several outputs", regressor, [(Xd, np.c_[yd, yd], yd**2)] * 3


PARTIAL_FITS = {name: case for solver in ("adam", "sgd") for name, *case in _partial_fits(solver)}


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("case", PARTIAL_FITS.values(), ids=PARTIAL_FITS)
@pytest.mark.parametrize("pickled", [False, True], ids=["", "pickled between"])
def test_partial_fits(case, solver, pickled):
    estimator, calls = case

    def fit(library):
        model = estimator(library, solver=solver)
        for arguments in calls:
            model.partial_fit(*arguments)
            if pickled:
                model = pickle.loads(pickle.dumps(model))
        return weights(model)

    assert_same(fit)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_fits_and_partial_fits_by_turns(solver):
    def by_turns(library):
        model = classifier(library, solver=solver).fit(X, y)
        model.partial_fit(X[:90], y[:90], classes=[0, 1, 2]).fit(Xm, Ym).partial_fit(Xm, Ym).fit(X, y)
        return weights(model.partial_fit(X, y))

    assert_same(by_turns)


@pytest.mark.parametrize("learning_rate", ["constant", "adaptive"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_what_verbose_says(solver, learning_rate, early_stopping):
    settings = {"solver": solver, "learning_rate": learning_rate, "tol": 1.0, "n_iter_no_change": 1}

    def printed(library, train):
        model = classifier(library, verbose=True, max_iter=60, early_stopping=early_stopping, **settings)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            train(model)
        return out.getvalue()

    def train_by_calls(model):
        for _ in range(12):
            model.partial_fit(X, y, classes=[0, 1, 2])

    assert_same(lambda lib: printed(lib, lambda model: model.fit(X, y)))
    if not early_stopping:
        assert_same(lambda lib: printed(lib, train_by_calls))


VALUES = {
    "hidden_layer_sizes": ((), [], np.array([3, 2]), 0, -1, (0,), 2.5, "3", None, np.int64(3), 500),
    "max_iter": (0, 1, 2.5, "a", np.int64(3), np.inf),
    "alpha": (0, 1e5, -1, np.nan, np.inf, "a", None, 1),
    "learning_rate_init": (0, -1, 1, np.nan, "a"),
    "tol": (0, -1, np.inf, np.nan, 10),
    "momentum": (0, 1, 1.1, -0.1),
    "beta_1": (0, 1, 0.999999, -0.1),
    "beta_2": (0, 1, 0.5),
    "epsilon": (0, 1, 1e-300),
    "power_t": (0, -1, 5),
    "validation_fraction": (0, 1, 0.5, 0.99, 0.001),
    "n_iter_no_change": (0, 1, 4, 5, np.inf, 10**30, 2.5, -1),
    "batch_size": (1, 7, 149, 150, 151, 0, -3, 2.5, np.int64(9)),
    "max_fun": (0, 3),
    "shuffle": (0, 1, "no", None, np.True_),
    "early_stopping": (0, 1, "no", None),
    "nesterovs_momentum": (0, "no", None, False),
    "warm_start": (0, "no", True),
    "random_state": (-1, 2**32, 2**32 - 1, "a", 1.5),
    "activation": ("identity", "logistic", "tanh"),
}


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("parameter", VALUES)
def test_values_of_parameters(parameter, solver):
    for value in VALUES[parameter]:
        settings = {"solver": solver, "early_stopping": parameter == "validation_fraction", parameter: value}
        assert_same(lambda lib, settings=settings: weights(classifier(lib, **settings).fit(X, y)))
