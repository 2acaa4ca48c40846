"""Labels and indicators: the results, attributes and errors of scikit-learn's LabelBinarizer."""

import warnings
from typing import ClassVar

import ferroprop as fp
import numpy as np
import pytest
import scipy.sparse
from ferroprop.estimators import _label_encoding, _parameter_checks
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import unique_labels

RNG = np.random.default_rng(0)
LABELS = {
    "integers": RNG.integers(-3, 4, 50),
    "two integers": RNG.integers(0, 2, 50),
    "one class": np.full(5, 7),
    "int8": RNG.integers(-3, 4, 50).astype(np.int8),
    "uint64": np.array([2**64 - 1, 0, 5, 5], np.uint64),
    "big-endian": np.array([3, 1, 2, 1], ">i4"),
    "floats": RNG.integers(-3, 4, 50).astype(float),
    "float32": np.array([0.0, -0.0, 1.0], np.float32),
    "booleans": np.array([True, False, True]),
    "text": np.array(["b", "a", "äöü", "b"]),
    "text with room": np.array(["b", "a", "b"], "<U20"),
    "objects": np.array(["b", "a", "cc"], object),
    "one text": np.array(["only"] * 3, "<U9"),
    "list": [1, 2, 2, 3],
    "multilabel": RNG.integers(0, 2, (20, 3)),
    "multilabel booleans": RNG.integers(0, 2, (20, 3)).astype(bool),
    "sparse": scipy.sparse.csr_array(RNG.integers(0, 2, (20, 3))),
    "strided": np.arange(20)[::3] % 4,
}
NO_LABELS = {
    "fractions": np.array([0.5, 1.0]),
    "nan": np.array([np.nan, 1.0]),
    "infinite": np.array([np.inf, 1.0]),
    "beyond int64": np.array([1e300, 1.0]),
    "empty": np.zeros(0, int),
    "several outputs": RNG.integers(0, 5, (10, 2)),
    "cube": np.zeros((2, 2, 2)),
    "bytes": np.array([b"a", b"b"]),
    "numbers as objects": np.array([1, 2], object),
    "complex": np.array([1j, 1.0]),
}


def plain(array):
    return array.toarray() if scipy.sparse.issparse(array) else np.asarray(array)


def same(ours, theirs):
    assert scipy.sparse.issparse(ours) == scipy.sparse.issparse(theirs)
    ours, theirs = plain(ours), plain(theirs)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    assert np.array_equal(ours, theirs)


def outcome(function):
    """Return what a function gives, or the type and the text of what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function()
        except Exception as error:
            return type(error), str(error)


def check(y):
    ours, theirs = _label_encoding.fitted(y), LabelBinarizer().fit(y)
    assert vars(ours).keys() == vars(theirs).keys()
    same(ours.classes_, theirs.classes_)
    assert (ours.y_type_, ours.sparse_input_) == (theirs.y_type_, theirs.sparse_input_)
    same(_label_encoding.distinct(y), unique_labels(y))
    Y, expected = _label_encoding.indicators(ours, y), theirs.transform(y)
    same(Y, expected.astype(bool))
    same(_label_encoding.decoded(ours, Y), theirs.inverse_transform(expected.astype(float)))
    for dtype in (np.float32, np.float64):
        outputs = np.random.default_rng(1).choice([0.1, 0.5, 0.50001, 0.9], Y.shape).astype(dtype)
        of_theirs = outputs.ravel() if outputs.shape[1] == 1 else outputs
        same(_label_encoding.decoded(ours, outputs), theirs.inverse_transform(of_theirs))


@pytest.mark.parametrize("name", LABELS)
def test_labels(name):
    check(LABELS[name])


@given(
    arrays.arrays(
        st.sampled_from(["<i8", "<i4", "|u1", "|b1", "<U3"]),
        st.integers(1, 30),
        elements=None,
        fill=st.nothing(),
    )
)
def test_any_labels(y):
    check(y)


@pytest.mark.parametrize("name", NO_LABELS)
def test_errors(name):
    y = NO_LABELS[name]
    ours, theirs = outcome(lambda: _label_encoding.fitted(y)), outcome(lambda: LabelBinarizer().fit(y))
    assert isinstance(theirs, tuple)
    assert ours == theirs


@pytest.mark.parametrize("learned", LABELS)
@pytest.mark.parametrize("came", ["integers", "two integers", "floats", "text", "booleans", "multilabel"])
def test_other_labels_than_those_that_were_learned(learned, came):
    """What is unknown has no indicator; what is of another kind is an error, or none, as in scikit-learn."""
    ours, theirs = _label_encoding.fitted(LABELS[learned]), LabelBinarizer().fit(LABELS[learned])
    y = LABELS[came]
    if ours.y_type_ == "binary" and len(np.unique(plain(y))) > 2:
        return  # an estimator has refused the unknown ones by then
    expected = outcome(lambda: plain(theirs.transform(y)).astype(bool))
    Y = outcome(lambda: _label_encoding.indicators(ours, y))
    if isinstance(expected, tuple):
        assert expected == Y
    else:
        same(Y, expected)


@pytest.mark.parametrize("bad", [{"alpha": -1.0}, {"max_iter": 0}, {"max_iter": 1.0}, {"shuffle": 2}])
def test_a_parameter_is_checked_whatever_was_checked_before(bad):
    X, y = np.eye(4), [0, 1, 0, 1]
    good = {"hidden_layer_sizes": (2,), "solver": "rprop", "max_iter": 1}
    for _ in range(2):
        with pytest.warns(ConvergenceWarning):
            fp.MLPClassifier(**good, alpha=1, shuffle=True).fit(X, y)
        with pytest.raises(ValueError, match=f"The '{next(iter(bad))}' parameter of MLPClassifier must be"):
            fp.MLPClassifier(**good | bad).fit(X, y)


def test_the_same_objects_are_not_looked_at_again(monkeypatch):
    looked_at = []
    key = _parameter_checks._key
    monkeypatch.setattr(_parameter_checks, "_key", lambda *one: looked_at.append(one[1]) or key(*one))
    model = fp.MLPRegressor(alpha=0.125, hidden_layer_sizes=[3])
    model._validate_params()
    looked_at.clear()
    model._validate_params()
    assert looked_at == []
    model.alpha = 0.25
    model._validate_params()
    assert looked_at == ["alpha"]
    model.alpha = -0.25
    with pytest.raises(ValueError, match="The 'alpha' parameter"):
        model._validate_params()


def test_what_is_remembered_of_checks_is_bounded(monkeypatch):
    monkeypatch.setattr(_parameter_checks, "_MOST", 50)
    monkeypatch.setattr(_parameter_checks, "_passed", set())
    for seed in range(60):
        model = fp.MLPRegressor(random_state=seed)
        model._validate_params()
        assert len(_parameter_checks._passed) <= 50 + len(model.get_params())


def test_a_subclass_with_its_own_constraints_has_its_own_checks():
    class Strict(fp.MLPRegressor):
        _parameter_constraints: ClassVar = {**fp.MLPRegressor._parameter_constraints, "tol": [int]}

    fp.MLPRegressor(tol=0.5)._validate_params()
    with pytest.raises(ValueError, match="The 'tol' parameter of Strict must be"):
        Strict(tol=0.5)._validate_params()
