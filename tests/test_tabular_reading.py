"""What tables, columns and cells may be, and what messages say of those that cannot be read."""

import datetime
import decimal
import enum
import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from ferroprop import MLPClassifier, TabularEncoder, TabularMLPClassifier, TabularMLPRegressor
from ferroprop.tabular._column import Column
from ferroprop.tabular._distinct import digests_of
from ferroprop.tabular._table import read_table
from ferroprop.tabular._weights import read_weights
from sklearn.base import BaseEstimator


def columns_of(X, **keywords) -> list[Column]:
    return read_table(BaseEstimator(), X, reset=True, **keywords)


# ---- values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of_objects", [False, True])
def test_periods_are_dates(of_objects):
    months = pd.period_range("2019-11", periods=4, freq="M").insert(0, pd.NaT)
    table = pd.DataFrame({"month": months.astype(object) if of_objects else months})
    (column,) = columns_of(table)
    expected = ["NaT", "2019-11-01", "2019-12-01", "2020-01-01", "2020-02-01"]
    np.testing.assert_array_equal(column.values, np.array(expected, dtype="datetime64[us]"))
    assert TabularEncoder().fit(table).columns_[0].kind == "date"


def test_spans_of_nanoseconds_are_not_cut_off():
    spans = np.array([1, 999, 10**9 + 1, "NaT", -5], dtype="timedelta64[ns]")
    for table in (pd.DataFrame({"x": spans}), pl.DataFrame({"x": spans}), pa.table({"x": pa.array(spans)})):
        (column,) = columns_of(table)
        np.testing.assert_allclose(column.values, [1e-9, 999e-9, 1 + 1e-9, np.nan, -5e-9], rtol=1e-12)
    coarse = spans.astype("timedelta64[ms]")
    np.testing.assert_array_equal(
        columns_of(coarse.astype("timedelta64[ns]")[:, None])[0].values, columns_of(coarse[:, None])[0].values
    )


def test_objects_of_nanoseconds_keep_them():
    hour = datetime.timedelta(hours=1)
    spans = [pd.Timedelta(1, "ns"), None, pd.Timedelta(-5, "ns"), pd.Timedelta(3, "s").as_unit("s"), hour]
    objects = np.array([*spans, np.timedelta64(999, "ns"), datetime.timedelta(days=200_000)], dtype=object)
    expected = [1e-9, np.nan, -5e-9, 3.0, 3600.0, 999e-9, 200_000 * 86400.0]
    for table in (objects[:, None], pd.DataFrame({"x": objects})):
        np.testing.assert_allclose(columns_of(table)[0].values, expected, rtol=1e-12)


def test_numpy_strings_are_text():
    texts = np.array([["a"], ["b"], [None]], dtype=np.dtypes.StringDType(na_object=None))
    assert columns_of(texts)[0].values.tolist() == ["a", "b", None]


def test_a_signalling_nan_is_missing():
    cells = [decimal.Decimal("sNaN"), decimal.Decimal(2), decimal.Decimal("NaN")]
    np.testing.assert_array_equal(columns_of(pd.DataFrame({"x": cells}))[0].values, [np.nan, 2, np.nan])


# ---- whole numbers beyond 2**53 --------------------------------------------------------------------------

FAR = [2**60, 2**60 + 1, 2**60 + 1, -(2**63), 2**63 - 1, 0, 7]


@pytest.mark.parametrize(
    "table",
    [
        np.array(FAR)[:, None],
        pd.DataFrame({"x": FAR}),
        pd.DataFrame({"x": pd.array(FAR, dtype="Int64")}),
        pl.DataFrame({"x": FAR}),
        pa.table({"x": FAR}),
    ],
)
def test_far_whole_numbers_stay_whole(table):
    (column,) = columns_of(table)
    assert column.exact.dtype == np.int64
    codes, levels = column.categories
    assert [int(levels[code]) for code in codes] == FAR
    objects = columns_of(np.array([FAR], dtype=object).T)
    assert objects[0].exact.dtype == object
    np.testing.assert_array_equal(digests_of([column]), digests_of(objects))
    assert len(set(digests_of([column]).tolist())) == len(FAR) - 1


def test_far_whole_numbers_without_a_sign_and_missing_ones():
    far = [2**64 - 1, 2**64 - 2, 2**63, None, 0, 0]
    for table in (
        pd.DataFrame({"x": pd.array(far, dtype="UInt64")}),
        pl.DataFrame({"x": far}, {"x": pl.UInt64}),
    ):
        (column,) = columns_of(table)
        assert column.exact.dtype == np.uint64
        codes, levels = column.categories
        assert [None if code < 0 else int(levels[code]) for code in codes] == far
        np.testing.assert_array_equal(
            digests_of([column]), digests_of(columns_of(np.array([far], dtype=object).T))
        )
        assert np.isnan(column.values).tolist() == [False, False, False, True, False, False]


def test_rows_are_the_same_beside_far_numbers_and_without():
    beside = columns_of(np.array([[3], [-4], [2**60 + 1]]))
    np.testing.assert_array_equal(digests_of(beside)[:2], digests_of(columns_of(np.array([[3], [-4]]))))


# ---- messages --------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    ("X", "found"),
    [
        (None, "None"),
        ("table.csv", "a str"),
        ({"a": [1, 2]}, "a dict"),
        ({1, 2}, "a set"),
        (([row] for row in range(3)), "a generator"),
        ([{"a": 1}, {"a": 2}], "a list of dict"),
        (np.zeros(3, dtype=[("a", float), ("b", int)]), r"a structured array with the fields \['a', 'b'\]"),
    ],
)
def test_what_is_no_table(X, found):
    with pytest.raises(TypeError, match=f"X must be a data frame, an Arrow table or an array .* got {found}"):
        TabularEncoder().fit(X)


def test_names_of_inputs_come_once():
    table = pd.DataFrame({"a": ["b", "c", "d"] * 9, "a_b": range(27), "n": [1.0, 2.0, None] * 9})
    table["n_missing"] = table["n"] * 2
    encoder = TabularEncoder("linear").fit(table)
    expected = ["a_b_2", "a_c", "a_d", "a_b", "n", "n_missing_2", "n_missing", "n_missing_missing"]
    assert encoder.get_feature_names_out().tolist() == expected
    assert encoder.set_output(transform="polars").transform(table).columns == expected


@pytest.mark.parametrize(
    "table",
    [pd.DataFrame([[1, 2]], columns=["a", "a"]), pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"])],
)
def test_names_that_come_twice(table):
    with pytest.raises(ValueError, match=r"X has several columns of the same name.*\n.*'a' 2 times"):
        TabularEncoder().fit(table)


def test_a_number_too_large_for_float64_is_an_error_and_no_warning():
    huge = np.array([[np.longdouble("1e4000")], [1]])
    if np.isinf(huge[0, 0]):
        pytest.skip("long double is float64 here")
    with pytest.raises(ValueError, match="X contains infinity: column 'x0' has inf in row 0"):
        TabularEncoder().fit(huge)
    with pytest.raises(ValueError, match="y contains infinity: row 0 has inf"):
        TabularMLPRegressor().fit([[1.0], [2.0]], huge[:, 0])


DAY = datetime.date(2020, 1, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": "x"}, "'number' was numbers in fit, got 'x' in row 0 of X_val"),
        ({"number": [DAY] * 5}, "'number' was numbers in fit and is dates now, in X_val"),
        (
            {"number": [None, None, "inf", "1", "2"]},
            "X_val contains infinity: column 'number' has inf in row 2",
        ),
        ({"day": 1}, "'day' was dates in fit, got '1' in row 0 of X_val"),
        ({"text": [[1]] * 5}, "'text' of X_val has a list in row 0"),
    ],
)
def test_messages_of_validation_rows_name_them(change, message):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"number": rng.normal(size=5), "text": list("ababa"), "day": [DAY] * 5})
    with pytest.raises((ValueError, TypeError), match=message):
        TabularMLPRegressor(n_members=1, max_iter=1).fit(
            table, rng.normal(size=5), X_val=table.assign(**change), y_val=np.arange(5.0)
        )


def test_validation_rows_that_are_none():
    with pytest.raises(ValueError, match=r"0 sample\(s\) \(shape=\(0, 1\)\).*: X_val has no row"):
        TabularMLPRegressor().fit(
            pd.DataFrame({"a": [1.0, 2]}), [1, 2], X_val=pd.DataFrame({"a": []}), y_val=[]
        )


# ---- targets ---------------------------------------------------------------------------------------------

X = pd.DataFrame({"x": [0.0, 1.0] * 10})
FAST = {"n_members": 1, "max_iter": 1, "random_state": 0}


class Letter(enum.StrEnum):
    A = "a"
    B = "b"


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (pd.Series([0, 1] * 10, dtype="Int64"), np.array([0, 1])),
        (pd.Series([2**60, 2**60 + 1] * 10, dtype="Int64"), np.array([2**60, 2**60 + 1])),
        (pd.Series([False, True] * 10, dtype="boolean"), np.array([False, True])),
        (np.array([3, 4] * 10, dtype=object), np.array([3, 4])),
        (np.array([False, True] * 10, dtype=object), np.array([False, True])),
        (np.array([0.0, 1.0] * 10, dtype=object), np.array([0.0, 1.0])),
        (np.array(["a", "b"] * 10, dtype=np.dtypes.StringDType()), np.array(["a", "b"], dtype=object)),
        ([Letter.A, Letter.B] * 10, np.array(["a", "b"])),
        (np.array([Letter.A, Letter.B] * 10, dtype=object), np.array(["a", "b"], dtype=object)),
    ],
)
def test_classes_keep_their_type(y, classes):
    mlp = TabularMLPClassifier(n_members=1, max_iter=50, random_state=0).fit(X, y)
    found = mlp.classes_
    assert found.dtype == classes.dtype
    assert found.tolist() == classes.tolist()
    assert {type(label) for label in found.tolist()} == {type(label) for label in classes.tolist()}
    assert mlp.score(X, y) == 1.0
    assert mlp.score(X, y, sample_weight=np.arange(20.0)) == 1.0
    with pytest.raises(ValueError, match="y has no label in row 2"):
        mlp.score(X, [*list(y)[:2], None, *list(y)[3:]])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, "a"] * 10, "y must have labels of one kind, got 1 in row 0 and 'a' in row 1"),
        (["a", True] * 10, "y must have labels of one kind, got 'a' in row 0 and True in row 1"),
        (
            pd.PeriodIndex(["2020", "2021"] * 10, freq="Y"),
            "y must have text, booleans or whole numbers .* as labels, got Period",
        ),
        ([decimal.Decimal(1), decimal.Decimal(2)] * 10, "as labels, got Decimal"),
        (pd.Series([(1, 2), (3, 4)] * 10), r"as labels, got \(1, 2\)"),
        (pd.Series([None, True] * 10, dtype="boolean"), "y has no label in row 0"),
        (np.ma.masked_array([0, 1] * 10, mask=[False] * 5 + [True] * 15), "y has no label in row 5"),
        ([-1, 2**63 + 5, 2**63 + 6, 0] * 5, "y has whole numbers from -1 to 9223372036854775814 as labels"),
        (["a"] * 20, "y has no other class than 'a' in"),
    ],
)
def test_labels_that_are_none(y, message):
    y = np.array(y, dtype=object) if isinstance(y, list) else y
    with pytest.raises(ValueError, match=message):
        TabularMLPClassifier(**FAST).fit(X, y)


def test_masked_and_other_targets_are_no_numbers():
    with pytest.raises(ValueError, match="y contains NaN: row 5 has nan"):
        TabularMLPRegressor(**FAST).fit(
            X, np.ma.masked_array(np.arange(20.0), mask=[False] * 5 + [True] * 15)
        )
    with pytest.raises(TypeError, match=r"y must hold numbers, got a Period, .* in row 0"):
        TabularMLPRegressor(**FAST).fit(X, pd.period_range("2020", periods=20, freq="D"))


def test_targets_at_both_ends_of_float64():
    ends = np.array([-1.7e308, 1.7e308] * 10)
    predicted = TabularMLPRegressor(n_members=1, max_iter=30, random_state=0).fit(X, ends).predict(X)
    assert np.isfinite(predicted).all()


# ---- weights and parameters ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e308, 1e-308])
def test_only_the_ratios_of_weights_matter(size):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=60), "c": rng.choice(["a", "b", "c"], 60)})
    exponent = int(np.frexp(size)[1])
    weight = 1.0 + np.arange(60) % 3
    huge = np.ldexp(weight, exponent - 4)
    for mlp, y in [
        (TabularMLPRegressor(**FAST), rng.normal(size=60)),
        (TabularMLPClassifier(**FAST), rng.choice(["u", "v"], 60)),
    ]:
        mlp.fit(table, y, sample_weight=weight)
        expected, score = mlp.predict(table), mlp.oof_score_
        mlp.fit(table, y, sample_weight=huge)
        np.testing.assert_array_equal(mlp.predict(table), expected)
        assert mlp.oof_score_ == pytest.approx(score, rel=1e-12)
    np.testing.assert_array_equal(
        TabularEncoder().fit_transform(table, sample_weight=weight),
        TabularEncoder().fit_transform(table, sample_weight=huge),
    )


@pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
def test_weights_may_fall_to_nearly_nothing(estimator):
    """Whole folds had weights that float32 takes for 0."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=60)})
    y = np.arange(60) % 2
    mlp = estimator(n_members=5, max_iter=1, random_state=0).fit(
        table, y, sample_weight=np.exp(-12.0 * np.arange(60))
    )
    assert np.isfinite(mlp.oof_prediction_).all()
    assert mlp.oof_prediction_.shape[0] == 60


@pytest.mark.parametrize("scale", [1.0, 2.0**-63])
def test_classes_of_nearly_no_weight_stay(scale):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=80)})
    weight = np.exp(-0.6 * np.arange(80)[::-1]) * scale
    y = np.array(["b"] * 5 + ["a", "c", "a"] * 25)
    mlp = TabularMLPClassifier(n_members=5, max_iter=1, random_state=0)
    mlp.fit(table, y, sample_weight=weight)
    assert mlp.classes_.tolist() == ["a", "b", "c"]
    assert np.isfinite(mlp.predict_proba(table)).all()
    assert np.isfinite(mlp.oof_prediction_).all()
    mlp.fit(table, y, sample_weight=weight, X_val=table[:9] + 1e-3, y_val=y[:9], sample_weight_val=weight[:9])
    mlp.set_params(class_weight="balanced").fit(table, y, sample_weight=weight)
    assert np.isfinite(mlp.predict_proba(table)).all()
    halves = ["a", "b"] * 40
    mlp.fit(table, halves, sample_weight=np.where(np.arange(80) % 2, 1e-20, 1.0) * scale)
    assert mlp.classes_.tolist() == ["a", "b"]
    mlp.fit(table, y, sample_weight=np.where(y == "b", 0.0, weight))  # no weight is none
    assert mlp.classes_.tolist() == ["a", "c"]


@pytest.mark.parametrize("name", ["sample_weight", "sample_weight_val"])
def test_messages_of_weights_name_them_once(name):
    y = np.arange(20.0)
    wrong = [np.ones(19), -np.ones(20), np.zeros(20), np.full(20, np.nan), ["a"] * 20, np.ones((20, 2))]
    for weight in wrong:
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            read_weights(weight, len(y), name)
        words = re.findall(r"\bsample_weight\w*", str(caught.value))
        assert words == [name], caught.value


@pytest.mark.parametrize("weight", [np.nan, np.inf])
def test_a_single_weight_that_is_no_number(weight):
    with pytest.raises(ValueError, match="sample_weight must be finite, got"):
        TabularMLPRegressor(**FAST).fit(X, np.arange(20.0), sample_weight=weight)


@pytest.mark.parametrize("weight", [-np.ones(20), np.zeros(20), np.ones(19), np.full(20, np.nan), ["a"] * 20])
def test_messages_of_validation_weights_name_them(weight):
    y = np.arange(20.0)
    with pytest.raises(ValueError, match="sample_weight_val"):
        TabularMLPRegressor(**FAST).fit(X, y, X_val=X, y_val=y, sample_weight_val=weight)


@pytest.mark.parametrize("estimator", [TabularMLPClassifier(**FAST), MLPClassifier(max_iter=1)])
@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({"a": -1, "b": 1}, r"class_weight must have numbers from 0 on, got -1.0 for class 'a'"),
        ({"a": 1, "b": np.nan}, r"class_weight must have numbers from 0 on, got nan for class 'b'"),
        ({"a": 0, "b": 0}, "class_weight must have a positive number for one of the classes"),
    ],
)
def test_weights_of_classes_that_are_none(estimator, class_weight, message):
    with pytest.raises(ValueError, match=message):
        estimator.set_params(class_weight=class_weight).fit(X, ["a", "b"] * 10)


def test_weights_of_classes_may_be_huge():
    mlp = TabularMLPClassifier(class_weight={"a": 1e300, "b": 1}, **FAST).fit(X, ["a", "b"] * 10)
    assert set(mlp.predict(X)) == {"a"}


def test_categories_are_named_by_names_beside_places():
    table = pd.DataFrame({"a": [1, 2] * 5, "b": [3, 4] * 5, "c": [5, 6] * 5})
    kinds = [column.kind for column in TabularEncoder(categorical_features=["a", 2]).fit(table).columns_]
    assert kinds == ["category", "number", "category"]
