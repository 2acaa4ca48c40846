"""Targets as people have them: what can mean one thing only is taken so, else the error has their words."""

import enum
import re
import warnings
from decimal import Decimal

import ferroprop as fp
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning

pytestmark = pytest.mark.filterwarnings("ignore:.*hasn't converged:sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3))
YES = (X[:, 0] > 0).astype(int)
SMALL = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0}


def classifier(**parameters):
    return fp.MLPClassifier(**{**SMALL, **parameters})


def regressor(**parameters):
    return fp.MLPRegressor(**{**SMALL, **parameters})


# Labels ---------------------------------------------------------------------------------------------------


class Answer(enum.StrEnum):
    NO = "no"
    YES = "yes"


@pytest.mark.parametrize(
    ("labels", "classes", "kind"),
    [
        (YES.astype(object), [0, 1], "i"),
        ((YES == 1).astype(object), [False, True], "b"),
        (pd.Series(YES, dtype="Int64"), [0, 1], "i"),
        (pd.Series(YES, dtype="UInt8"), [0, 1], "u"),
        (pd.Series(YES == 1, dtype="boolean"), [False, True], "b"),
        (pd.Series(YES + 2**53, dtype="Int64"), [2**53, 2**53 + 1], "i"),
        ((YES + 2**62).astype(object), [2**62, 2**62 + 1], "i"),
        (YES.astype(float).astype(object), [0.0, 1.0], "f"),
        (pd.Series(YES).astype("category"), [0, 1], "i"),
        ([Answer.YES if yes else Answer.NO for yes in YES], ["no", "yes"], "U"),
        (np.array([Answer.YES if yes else Answer.NO for yes in YES], dtype=object), ["no", "yes"], "UO"),
        (pd.DataFrame({"y": np.where(YES, "b", "a")}).convert_dtypes()["y"], ["a", "b"], "UOT"),
    ],
    ids=[
        "objects",
        "booleans",
        "Int64",
        "UInt8",
        "boolean",
        "large",
        "large objects",
        "whole floats",
        "a category",
        "a StrEnum",
        "objects of a StrEnum",
        "text",
    ],
)
def test_labels_keep_their_values_and_type(labels, classes, kind):
    model, same = classifier(max_iter=20).fit(X, labels), classifier(max_iter=20).fit(X, YES)
    assert model.classes_.tolist() == classes
    assert model.classes_.dtype.kind in kind
    assert set(model.predict(X).tolist()) <= set(classes)
    np.testing.assert_array_equal(model.coefs_[0], same.coefs_[0])
    assert model.score(X, labels) == same.score(X, YES)
    first = classifier().partial_fit(X, labels, classes=labels)
    assert first.classes_.tolist() == classes


def test_a_frame_of_nullable_labels():
    frame = pd.DataFrame({"a": YES, "b": 1 - YES, "c": YES}).convert_dtypes()
    expected = classifier().fit(X, frame.to_numpy(dtype=int)).predict(X)
    np.testing.assert_array_equal(classifier().fit(X, frame).predict(X), expected)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([1, "a"] * 40, dtype=object), "labels of one kind, got 1 in row 0 and 'a' in row 1"),
        (np.array(["a", None] * 40, dtype=object), "no label in row 1, got None"),
        (np.array([0.5, 1.5] * 40), "y has fractions, such as 0.5: quantities are for regressors"),
        (np.array([0.5, 1.5] * 40, dtype=object), "y has fractions, such as 0.5"),
        ([1, "1"] * 40, "labels of one kind, got 1 in row 0 and '1' in row 1"),
        (["a", None] * 40, "no label in row 1, got None"),
        (pd.Series(["a", pd.NA] * 40, dtype="string"), "no label in row 1, got <NA>"),
        (pd.Series(["a", None] * 40, dtype="category"), "no label in row 1, got nan"),
        (np.array([True, 0] * 40, dtype=object), "Make all of them text"),
        (
            [10**30, 1] * 40,
            "whole numbers of up to 64 bits as labels, got 10{30} in row 0",
        ),
        ([-1, 2**63 + 5, 2**63 + 6, 0] * 20, "y has whole numbers from -1 to 9223372036854775814 as labels"),
        (np.array([-1, 2**63 + 5] * 40, dtype=object), "y has whole numbers from -1 to"),
        ([Decimal(1), Decimal(0)] * 40, re.escape("got Decimal('1') in row 0")),
    ],
)
def test_labels_that_are_none_are_named(labels, message):
    with pytest.raises(ValueError, match=message) as caught:
        classifier().fit(X, labels)
    assert len(str(caught.value)) < 250
    assert "classes_" not in vars(classifier())


# Class weights --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("no", "yes"), [("0", "1"), ("007", "01"), ("1e3", "nan")])
def test_weights_of_text_that_looks_like_numbers(no, yes):
    texts, words = np.where(YES, yes, no), np.where(YES, "yes", "no")
    if yes < no:
        words = np.where(YES, "a", "b")
    weights = {no: 1.0, yes: 20.0}
    known = dict(zip(np.unique(words), (weights[one] for one in np.unique(texts)), strict=True))
    model = classifier(class_weight=weights).fit(X, texts)
    same = classifier(class_weight=known).fit(X, words)
    np.testing.assert_array_equal(model.coefs_[0], same.coefs_[0])


def test_weights_of_a_table_with_text_that_looks_like_numbers():
    settings = {"max_iter": 3, "n_members": 1, "random_state": 0}
    model = fp.TabularMLPClassifier(class_weight={"0": 1, "1": 20}, **settings).fit(X, YES.astype(str))
    same = fp.TabularMLPClassifier(class_weight={"no": 1, "yes": 20}, **settings)
    same.fit(X, np.where(YES, "yes", "no"))
    np.testing.assert_array_equal(model.predict_proba(X), same.predict_proba(X))


def test_numbers_do_not_weigh_text():
    message = re.escape("The classes, ['0', '1'], are not in class_weight, which has [0, 1]")
    with pytest.raises(ValueError, match=message):
        classifier(class_weight={0: 1, 1: 20}).fit(X, YES.astype(str))


# One class, some classes ----------------------------------------------------------------------------------


def test_one_class():
    model = classifier(early_stopping=False).fit(X, ["ok"] * len(X))
    assert model.classes_.tolist() == ["ok"]
    assert set(model.predict(X)) == {"ok"}
    np.testing.assert_array_equal(model.predict_proba(X), np.ones((len(X), 1)))
    np.testing.assert_array_equal(model.predict_log_proba(X), np.zeros((len(X), 1)))
    assert not model.predict_gradient(X).any()


def test_partial_fit_needs_not_all_classes_with_warm_start():
    model = classifier(solver="sgd", warm_start=True).partial_fit(X, YES, classes=[0, 1, 2])
    model.partial_fit(X[YES == 1], YES[YES == 1])
    with pytest.raises(ValueError, match=r"not in `self\.classes_`"):
        model.partial_fit(X, np.full(len(X), 7))
    with pytest.raises(ValueError, match="warm_start can only be used where"):
        model.fit(X[YES == 1], YES[YES == 1])


# Parameters by their own names ----------------------------------------------------------------------------


def test_a_class_too_rare_to_hold_out_has_the_users_name():
    labels = np.array(["common"] * 79 + ["rare"])
    with pytest.raises(ValueError, match=r"too few.*\['rare'\]"):
        classifier(early_stopping=True).fit(X, labels)


@pytest.mark.parametrize("fraction", [0.0, 0.001])
def test_validation_fraction_goes_by_its_name(fraction):
    with pytest.raises(ValueError, match=f"validation_fraction={fraction:g} of 80 rows") as caught:
        classifier(early_stopping=True, validation_fraction=fraction).fit(X, YES)
    assert "test_size" not in str(caught.value)


@pytest.mark.parametrize("n_jobs", [10**30, -(10**30)])
def test_n_jobs_goes_by_its_name(n_jobs):
    with pytest.raises(ValueError, match=f"n_jobs must be .*, got {n_jobs}"):
        classifier(n_jobs=n_jobs).fit(X, YES)


@pytest.mark.parametrize("sizes", [(50,), [50, 20], 50])
def test_sizes_in_the_place_of_the_loss(sizes):
    with pytest.raises(ValueError, match=re.escape(f"hidden_layer_sizes={sizes!r}")):
        fp.MLPRegressor(sizes).fit(X, X[:, 0])


# Quantities -----------------------------------------------------------------------------------------------

DAYS = pd.Series(pd.date_range("2024-01-01", periods=80))


@pytest.mark.parametrize(
    "dates",
    [DAYS, DAYS.to_numpy(), DAYS - DAYS[0], DAYS.astype(object), list(DAYS)],
    ids=lambda d: str(type(d)),
)
def test_dates_are_no_quantities(dates):
    with pytest.raises(ValueError, match="y must hold numbers, got dates or spans of time"):
        regressor().fit(X, dates)
    with pytest.raises(ValueError, match="y_val must hold numbers, got dates"):
        regressor().fit(X, X[:, 0], X_val=X, y_val=dates)


def test_a_column_of_dates_among_the_targets_has_its_name():
    frame = pd.DataFrame({"length": X[:, 0], "day": DAYS})
    with pytest.raises(ValueError, match=re.escape("y['day'] must hold numbers, got dates")):
        regressor().fit(X, frame)


@pytest.mark.parametrize(
    "words", [np.array(["1", "two"] * 40), ["1", "two"] * 40, pd.Series(["1", "two"] * 40)]
)
def test_words_are_no_quantities(words):
    with pytest.raises(ValueError, match="y must hold numbers, got 'two' in row 1: classes are for MLPClass"):
        regressor().fit(X, words)


@pytest.mark.parametrize("scale", [1e-5, 1e6])
@pytest.mark.parametrize("solver", ["adam", "rprop"])
def test_targets_of_another_size_get_a_hint(scale, solver):
    y = X @ [1.0, 2.0, 3.0]
    with pytest.warns(ConvergenceWarning, match="The size of the targets is .*scale y"):
        regressor(solver=solver, max_iter=300 if scale < 1 else 5).fit(X, y * scale)


@pytest.mark.parametrize(
    ("scale", "parameters"),
    [
        (1e-5, {"solver": "adam"}),
        (1e-5, {"solver": "lbfgs"}),
        (1e-5, {"solver": "rprop", "loss": "huber"}),
        (1e-5, {"solver": "sgd", "early_stopping": True, "scoring": "loss"}),
        (1e6, {"solver": "adam", "early_stopping": True}),
    ],
    ids=str,
)
def test_a_fit_that_ends_by_itself_without_having_learned_gets_it_too(scale, parameters):
    y = X @ [1.0, 2.0, 3.0]
    model = regressor(max_iter=2000, **parameters)
    with pytest.warns(
        ConvergenceWarning, match="less than half of the variance .*size of the targets.*scale y"
    ):
        model.fit(X, y * scale)
    assert model.n_iter_ < 2000
    assert model.score(X, y * scale) < 0.5


def test_one_output_of_another_size_is_enough():
    Y = np.column_stack([X[:, 0], 1e-4 * X[:, 1]])
    with pytest.warns(ConvergenceWarning, match="The size of the targets goes from 9.*e-05 to"):
        regressor(max_iter=2000, tol=1e-3).fit(X, Y)


def test_a_fit_that_learns_targets_of_another_size_gets_none():
    y = 30.0 * X[:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = regressor(solver="lbfgs", max_iter=2000, hidden_layer_sizes=(20,)).fit(X, y)
    assert model.score(X, y) > 0.9


def test_targets_of_unit_size_and_constant_ones_get_none():
    y = X @ [0.5, 0.5, 0.5]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        regressor().fit(X, y)
        regressor(max_iter=500).fit(X, np.zeros(80))
    assert not any("targets" in str(warning.message) for warning in caught)


# The core's own words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("Y", "way"),
    [
        (YES, "np.eye(n_classes)[Y]"),
        (YES[:, None], "np.eye(n_classes)[Y.ravel()]"),
        (np.where(YES, "b", "a"), "np.unique(Y, return_inverse=True)"),
    ],
)
def test_class_numbers_for_a_softmax(Y, way):
    with pytest.raises((ValueError, TypeError), match=re.escape(way)):
        fp.train(fp.Network([3, 4, 3], output_activation="softmax"), X, Y, epochs=1)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs"])
def test_quantities_wider_than_double_precision(solver):
    X = np.linspace(-1, 1, 40).reshape(20, 2)
    y = X[:, 0].astype(np.longdouble)
    wide, plain = (
        fp.MLPRegressor(hidden_layer_sizes=(3,), solver=solver, max_iter=3, random_state=0).fit(X, targets)
        for targets in (y, y.astype(np.float64))
    )
    assert wide.coefs_[0].tobytes() == plain.coefs_[0].tobytes()


def test_a_quantity_as_a_vector():
    with pytest.raises(ValueError, match=re.escape("Y.reshape(-1, 1)")):
        fp.train(fp.Network([3, 4, 1]), X, X[:, 0], epochs=1)
