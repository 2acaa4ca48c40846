"""Permutation importance of groups of columns."""

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from ferroprop import TabularMLPRegressor
from ferroprop.tabular import grouped_permutation_importance
from ferroprop.tabular._correlated import correlated_columns, correlated_groups
from ferroprop.tabular._table import read_table
from scipy.stats import spearmanr
from scipy.stats.contingency import association
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import permutation_importance


class Sum(RegressorMixin, BaseEstimator):
    """Adds the columns of numbers and remembers what kind of table it got."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        self.got_ = X
        columns = X.T if isinstance(X, np.ndarray) else [X[name] for name in ("a", "b", "c")]
        return sum(np.asarray(column, dtype=float) for column in columns)


rng = np.random.default_rng(0)
A = rng.normal(size=(300, 3))
X = pd.DataFrame({"a": A[:, 0], "b": A[:, 1], "c": A[:, 0] ** 3}, index=rng.integers(0, 9, 300))
y = X[["a", "b", "c"]].sum(axis=1).to_numpy()
MODEL = Sum().fit(X)


def test_columns_that_say_the_same_are_together():
    a, b = A[:200, 0], A[:200, 1]
    town = rng.integers(0, 5, 200).astype(float)
    table = np.column_stack([a, town, np.exp(a), b, (town * 2) % 5, np.where(b > 0, np.nan, b)])
    are_categories = [False, True, False, False, True, False]
    assert correlated_groups(table, are_categories, 0.8) == [[0, 2], [1, 4], [3, 5]]


def test_likeness_is_that_of_scipy():
    x, z = A[:, 0].round(1), (A[:, 0] + A[:, 1]).round(1)
    x[::7], z[::5] = np.nan, np.nan
    known = ~np.isnan(x + z)
    of_numbers = abs(spearmanr(x[known], z[known]).statistic)
    u = rng.integers(0, 4, 300)
    v = (u + rng.integers(0, 2, 300)) % 5
    with_bias = association(np.histogram2d(u, v, bins=(4, 5))[0].astype(int))
    of_categories = np.sqrt((3 * with_bias**2 - 3 * 4 / 299) / (3 - 3**2 / 299))
    for pair, are_categories, likeness in [((x, z), False, of_numbers), ((u, v), True, of_categories)]:
        table = np.column_stack(pair).astype(float)
        for threshold, groups in [(likeness - 1e-9, [[0, 1]]), (likeness + 1e-9, [[0], [1]])]:
            assert correlated_groups(table, [are_categories] * 2, threshold) == groups


@pytest.mark.parametrize("rows_per_name", [1, 2])
def test_names_of_rows_are_not_like_every_column(rows_per_name):
    names = np.arange(300.0) // rows_per_name
    sex, town = rng.integers(0, 2, 300), rng.integers(0, 20, 300)
    table = np.column_stack([names, sex, town, 20 - town])
    assert correlated_groups(table, [True] * 4, 0.8) == [[0], [1], [2, 3]]
    if rows_per_name == 2:
        table = np.column_stack([names, sex, names % 7 * 43 + names // 7])  # the same names, spelt otherwise
        assert correlated_groups(table, [True] * 3, 1.0) == [[0, 2], [1]]


@pytest.mark.parametrize("column", [np.full(9, 3.0), np.full(9, np.nan), [np.nan] * 7 + [1.0, 2.0]])
def test_columns_that_tell_nothing_are_alone(column):
    table = np.column_stack([column, np.arange(9.0)])
    assert correlated_groups(table, [False, False], 0.8) == [[0], [1]]


def test_kinds_of_columns_are_those_of_the_encoder():
    days = pd.date_range("2020-01-01", periods=60)
    table = pd.DataFrame(
        {
            "day": days,
            "number": np.arange(60.0) ** 2,
            "town": ["Rome", "Oslo", None] * 20,
            "code": pd.Categorical([5, 6, None] * 20),
            "stray": ["?", *range(59)],
        }
    )
    columns = read_table(BaseEstimator(), table, reset=True)
    assert correlated_columns(columns, 0.8) == [[0, 1, 4], [2, 3]]


def test_without_groups_it_is_scikit_learns():
    ours = grouped_permutation_importance(MODEL, X, y, groups=[], random_state=3)
    theirs = permutation_importance(MODEL, X, y, random_state=3)
    assert ours.groups == [["a"], ["b"], ["c"]]
    np.testing.assert_allclose(ours.importances, theirs.importances, rtol=1e-12)


def test_a_group_is_shuffled_together():
    found = grouped_permutation_importance(MODEL, X, y, random_state=0)
    assert found.groups == [["a", "c"], ["b"]]
    assert found.importances.shape == (2, 5)
    other = rng.permutation(300)
    shuffled = X.assign(a=X["a"].to_numpy()[other], c=X["c"].to_numpy()[other])
    fall = MODEL.score(X, y) - MODEL.score(shuffled, y)
    assert found.importances_mean[0] == pytest.approx(fall, rel=0.3)


@pytest.mark.parametrize(
    "convert",
    [
        pl.from_pandas,
        lambda table: pa.Table.from_pandas(table, preserve_index=False),
        lambda table: table.set_axis(range(300)),
    ],
)
def test_the_model_gets_tables_of_the_users_type(convert):
    table = convert(X)
    before = convert(X)
    expected = grouped_permutation_importance(MODEL, X, y, random_state=0)
    found = grouped_permutation_importance(MODEL, table, y, random_state=0)
    np.testing.assert_allclose(found.importances, expected.importances, rtol=1e-12)
    assert type(MODEL.got_) is type(table)
    assert table.equals(before)


def test_arrays_have_places():
    found = grouped_permutation_importance(MODEL, X.to_numpy(), y, random_state=0)
    assert found.groups == [[0, 2], [1]]
    expected = grouped_permutation_importance(MODEL, X, y, random_state=0)
    np.testing.assert_allclose(found.importances, expected.importances, rtol=1e-12)
    assert grouped_permutation_importance(MODEL, X.to_numpy(), y, groups=[[-1, 1]]).groups == [[0], [1, 2]]


def test_dtypes_and_index_stay():
    table = X.assign(text=pd.Categorical(["u", None, "v"] * 100), day=pd.Timestamp("2020", tz="Europe/Rome"))
    table["whole"] = pd.array([1, None, 3] * 100, dtype="Int64")
    grouped_permutation_importance(MODEL, table, y, n_repeats=1, groups=[["text", "whole"]])
    pd.testing.assert_series_equal(MODEL.got_.dtypes, table.dtypes)


def test_names_that_are_no_text():
    table = pd.DataFrame(X.to_numpy(), columns=[7, 8, 9])
    model = TabularMLPRegressor(n_members=1, max_iter=2, random_state=0).fit(table, y)
    assert grouped_permutation_importance(model, table, y, groups=[[8, 9]]).groups == [[7], [8, 9]]


def test_several_scores_weights_and_samples():
    weight = (np.arange(300) < 100).astype(float)
    noisy = y + rng.normal(size=300)
    found = grouped_permutation_importance(
        MODEL, X, noisy, scoring=["r2", "neg_mean_absolute_error"], sample_weight=weight, max_samples=0.9,
        random_state=0,
    )  # fmt: skip
    assert set(found) == {"r2", "neg_mean_absolute_error"}
    assert found["r2"].groups == [["a", "c"], ["b"]]
    assert (found["neg_mean_absolute_error"].importances_mean > 0.1).all()
    with_jobs = grouped_permutation_importance(MODEL, X, noisy, n_jobs=2, random_state=0)
    alone = grouped_permutation_importance(MODEL, X, noisy, random_state=0)
    np.testing.assert_array_equal(with_jobs.importances, alone.importances)


def test_a_score_may_be_called_importances():
    found = grouped_permutation_importance(
        MODEL, X, y, scoring={"importances": "r2", "other": "r2"}, random_state=0
    )
    assert found["importances"].groups == found["other"].groups == [["a", "c"], ["b"]]


def test_identical_columns_are_together_at_the_highest_threshold():
    for n_rows in range(20, 60):
        x, gaps = A[:n_rows, 0], np.where(np.arange(n_rows) % 3, A[:n_rows, 1], np.nan)
        table = np.column_stack([x, x**3, gaps, np.exp(gaps)])
        assert correlated_groups(table, [False] * 4, 1.0) == [[0, 1], [2, 3]]


def test_infinity_is_an_error_of_correlated_columns():
    with pytest.raises(ValueError, match="infinity"):
        grouped_permutation_importance(MODEL, X.assign(a=np.inf), y)


def test_lists_lazy_frames_and_narwhals():
    for table, got in [
        (X.to_numpy().tolist(), np.ndarray),
        (pl.from_pandas(X).lazy(), pl.DataFrame),
        (nw.from_native(X), pd.DataFrame),
    ]:
        grouped_permutation_importance(MODEL, table, y, n_repeats=1)
        assert type(MODEL.got_) is got


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"groups": None}, "groups must be 'correlated' or lists of columns, got None"),
        ({"groups": 3}, "groups must be 'correlated' or lists of columns, got 3"),
        ({"threshold": "a"}, "threshold must be a number, got 'a'"),
    ],
)
def test_arguments_of_a_wrong_type(keywords, message):
    with pytest.raises(TypeError, match=message):
        grouped_permutation_importance(MODEL, X, y, **keywords)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"groups": "all"}, "groups must be 'correlated' or lists of columns, got 'all'"),
        ({"groups": [["a", "z"]]}, r"groups has 'z', which is no column of X. X has \['a', 'b', 'c'\]"),
        ({"groups": [[3]]}, "groups has 3, which is no column of X"),
        ({"groups": [["a"], ["b", "a"]]}, "groups has the column 'a' more than once"),
        ({"groups": [1.5]}, "groups has 1.5, which is no column of X"),
        ({"threshold": 0.0}, "threshold must be above 0 and at most 1, got 0.0"),
    ],
)
def test_wrong_usage(keywords, message):
    with pytest.raises(ValueError, match=message):
        grouped_permutation_importance(MODEL, X, y, **keywords)
