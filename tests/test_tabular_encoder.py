"""`TabularEncoder`: a table of any library in, the same numbers out; each feature against its definition."""

import datetime as dt
import decimal
import pickle
import re
from fractions import Fraction
from itertools import pairwise

import dateutil.tz
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
import skops.io
from ferroprop.tabular import TabularEncoder, TabularMLPRegressor
from ferroprop.tabular._distinct import distinct_rows
from ferroprop.tabular._numbers import asinh, cos_of_turns, fit_numbers, quantiles
from ferroprop.tabular._table import read_table
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.utils.estimator_checks import parametrize_with_checks


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([TabularEncoder(encoding) for encoding in ("both", "linear")])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def table_of_everything():
    """Return a column of each dtype that polars knows, with missing values, and one that has nothing else."""
    moments = [dt.datetime(2020, 1, 1, 3, 4), None, dt.datetime(2021, 7, 3, 23), dt.datetime(2020, 1, 5)]
    table = pl.DataFrame(
        {
            "whole": [1, None, 3, 7],
            "real": [1.5, None, float("nan"), -2.0],
            "flag": [True, None, False, False],
            "price": [decimal.Decimal("1.50"), None, decimal.Decimal(2), decimal.Decimal(9)],
            "city": ["Rome", None, "Oslo", "Rome"],
            "grade": pl.Series(["a", None, "b", "a"], dtype=pl.Categorical),
            "size": pl.Series(["S", None, "L", "S"], dtype=pl.Enum(["S", "L"])),
            "day": [None if moment is None else moment.date() for moment in moments],
            "moment": moments,
            "span": [dt.timedelta(days=1), None, dt.timedelta(seconds=3), dt.timedelta(seconds=7)],
            "o_clock": [dt.time(3, 4), None, dt.time(5), dt.time(6)],
            "nothing": [None, None, None, None],
        }
    )
    return table.with_columns(pl.col("moment").dt.replace_time_zone("Europe/Rome").alias("there"))


def test_the_same_numbers_from_each_library():
    polars = table_of_everything()
    arrow = polars.to_arrow()
    of_objects = pd.DataFrame({name: polars[name].to_list() for name in polars.columns})
    tables = [
        arrow,
        polars.lazy(),
        polars.to_pandas(),
        polars.to_pandas(use_pyarrow_extension_array=True),
        of_objects,
        of_objects.astype(object),
    ]
    encoder = TabularEncoder().fit(polars)
    expected = encoder.transform(polars)
    assert expected.dtype == np.float32
    assert np.isfinite(expected).all()
    for table in tables:
        other = TabularEncoder().fit(table)
        np.testing.assert_array_equal(other.get_feature_names_out(), encoder.get_feature_names_out())
        np.testing.assert_array_equal(other.transform(table), expected)
        np.testing.assert_array_equal(encoder.transform(table), expected)


def test_what_only_arrow_knows_of():
    class Stream:
        def __init__(self, table):
            self._table = table

        def __arrow_c_stream__(self, requested_schema=None):
            return self._table.__arrow_c_stream__(requested_schema)

    table = pl.DataFrame({"a": [1.0, 2.0, 5.0], "b": ["x", "y", "x"]})
    np.testing.assert_array_equal(
        TabularEncoder().fit_transform(Stream(table)), TabularEncoder().fit_transform(table)
    )


def test_nullable_and_sparse_columns_of_pandas():
    table = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3, 9], dtype="Int64"),
            "flag": pd.array([True, None, False, True], dtype="boolean"),
            "text": pd.array(["a", None, "b", "a"], dtype="string"),
            "sparse": pd.arrays.SparseArray([0.0, 0.0, 1.0, 5.0]),
            "of_numbers": pd.Categorical([1, 2, None, 1]),
        }
    )
    names = TabularEncoder("linear").fit(table).get_feature_names_out().tolist()
    assert names == [
        *("whole", "whole_missing", "flag", "flag_missing", "text_b", "text_missing", "sparse"),
        *("of_numbers_2", "of_numbers_missing"),
    ]


# ---- numbers ---------------------------------------------------------------------------------------------


def test_a_number_by_its_definition():
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 100.0])
    out = TabularEncoder("both", n_bins=4, n_frequencies=2, frequency_scale=0.3).fit_transform(x[:, None])
    squeezed = np.arcsinh((x - 4.5) / (7.0 - 2.0))
    edges = np.arcsinh((np.array([0.0, 2.0, 4.5, 7.0, 100.0]) - 4.5) / 5.0)
    edges[2] = (squeezed[4] + squeezed[5]) / 2  # the quantile of what was squeezed
    bins = [np.clip((squeezed - low) / (high - low), 0, 1) for low, high in pairwise(edges)]
    frequencies = 0.3 * np.array([0.31863936, 1.15034938])  # of |N(0, 1)|: its quantiles 1/4 and 3/4
    waves = [
        np.cos(2 * np.pi * (squeezed * frequency + phase))
        for frequency, phase in zip(frequencies, [0.0, 0.6180339887], strict=True)
    ]
    np.testing.assert_allclose(out, np.stack([squeezed, *bins, *waves], axis=1), rtol=0, atol=2e-7)


def test_the_inverse_hyperbolic_sine():
    x = np.concatenate([np.linspace(-4, 4, 1001), np.geomspace(1e-300, 1e6, 3001), [0.0, -0.0]])
    np.testing.assert_allclose(asinh(x), np.arcsinh(x), rtol=2e-12)
    assert (np.diff(asinh(np.geomspace(1e-3, 1e6, 5000))) > 0).all()
    assert np.signbit(asinh(np.array([-0.0])))[0]


def test_sizes_of_several_orders_of_magnitude_stay_apart():
    x = np.r_[np.arange(100.0), 1e3, 1e4, 1e5]
    inputs = TabularEncoder("linear").fit_transform(x[:, None])[-3:, 0]
    np.testing.assert_allclose(np.diff(inputs), np.log(10), atol=0.1)


def test_a_column_of_an_earlier_state_is_refused():
    encoder = TabularEncoder().fit(np.arange(9.0)[:, None])
    del encoder.columns_[0].__dict__["ends"]  # as in what that state has pickled
    said = pytest.raises(ValueError, match="'x0' is of a model that an earlier state of ferroprop has saved")
    with said:
        encoder.transform([[1.0]])
    with said:
        encoder.columns_[0].limits()  # which exports ask for


def test_the_greatest_number_counts_whatever_it_weighs():
    column = fit_numbers(
        "x",
        np.r_[np.linspace(0, 1, 99), 1e5],
        np.r_[np.ones(99), 1e-15],
        n_bins=4,
        n_frequencies=0,
        frequency_scale=0.1,
    )
    assert (column.deciles[0], column.deciles[-1]) == (0.0, 1e5)


@pytest.mark.filterwarnings("error")
def test_a_number_that_overflows_after_scaling_is_not_warned_of():
    encoder = TabularEncoder("linear").fit(1 + np.linspace(0, 1e-10, 20)[:, None])
    assert np.isfinite(encoder.transform([[1e308], [-1e308]])).all()


def test_two_numbers_are_one_input():
    encoder = TabularEncoder().fit([[3.0], [3.0], [5.0]])
    np.testing.assert_allclose(encoder.transform([[3.0], [5.0]]), [[0.0], [np.arcsinh(1.0)]], rtol=1e-6)


def test_where_the_quartiles_coincide_the_standard_deviation_scales():
    x = np.array([0.0] * 80 + list(range(20)))
    out = TabularEncoder("linear").fit_transform(x[:, None])
    np.testing.assert_allclose(out[:, 0], np.arcsinh(x / x.std()), rtol=1e-6)


def test_few_numbers_are_ends_of_bins_each_and_a_frequent_one_is():
    few = TabularEncoder("piecewise_linear").fit(np.array([[1.0], [2.0], [2.0], [7.0]]))
    assert few.transform([[1.0], [2.0], [7.0]])[:, 1:].tolist() == [[0, 0], [1, 0], [1, 1]]
    names = TabularEncoder("both").fit(np.array([[1.0], [2.0], [2.0], [7.0]])).get_feature_names_out()
    assert names.tolist() == ["x0", "x0_bin0", "x0_bin1"]  # no cosines of so few numbers
    half = np.array([0.0] * 50 + list(range(1, 51)))
    column = TabularEncoder("piecewise_linear", n_bins=5).fit(half[:, None]).columns_[0]
    assert len(column.edges) == 6  # the frequent one, and four bins for the others
    inside = column.squeezed(half)
    counts = np.histogram(inside[50:], column.edges)[0]
    assert counts.tolist() == pytest.approx([0, 12, 13, 12, 13], abs=2)


def test_the_fine_encoding_has_four_times_as_many_bins_and_no_cosines():
    x = np.random.default_rng(0).normal(size=(500, 1))
    fine = TabularEncoder("fine", n_bins=6).fit(x)
    assert fine.get_feature_names_out().tolist() == ["x0", *(f"x0_bin{place}" for place in range(24))]
    many = TabularEncoder("piecewise_linear", n_bins=24).fit(x)
    np.testing.assert_array_equal(fine.transform(x), many.transform(x))


def test_whole_numbers_have_an_input_for_each_value():
    x = np.array([[3.0], [-1.0], [3.0], [7.0], [-1.0], [2.0], [np.nan]])
    encoder = TabularEncoder("values").fit(x)
    names = encoder.get_feature_names_out().tolist()
    assert names == ["x0", "x0_value-1", "x0_value3", "x0_missing"]  # 2 and 7 are in one row each
    out = encoder.transform([[3.0], [-1.0], [2.0], [5.0], [np.nan]])
    assert out[:, 1:].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]]
    weighted = TabularEncoder("values").fit(x[[0, 1, 3, 5, 6]], sample_weight=[2, 2, 1, 1, 1])
    assert weighted.get_feature_names_out().tolist() == names


def test_columns_without_an_input_for_each_value():
    def names(column):
        return TabularEncoder("values").fit_transform(np.asarray(column)[:, None]).shape[1]

    assert names([0.5, 1.0, 2.0] * 2) == 1  # not whole
    assert names([1.0, 2.0] * 2) == 1  # two numbers are one input
    assert names(np.arange(8.0)) == 1  # each in one row
    assert names(np.repeat(np.arange(400.0), 2)) == 401
    assert names(np.repeat(np.arange(401.0), 2)) == 1
    days = np.repeat(np.arange("2020-01-01", "2020-01-20", dtype="datetime64[D]"), 2)
    dates = TabularEncoder("values").fit(pd.DataFrame({"day": days}))
    assert not any("value" in name for name in dates.get_feature_names_out())


@pytest.mark.parametrize("several", ["both+fine", "both+values", "fine+values", "both+fine+values"])
def test_several_encodings_side_by_side(several):
    rng = np.random.default_rng(0)
    n = 300
    frame = pd.DataFrame(
        {
            "real": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "whole": rng.integers(0, 30, n),
            "few": rng.integers(0, 4, n),
            "two": rng.integers(0, 2, n),
            "same": 1.0,
            "day": np.datetime64("2020-01-01") + rng.integers(0, 900, n),
            "text": rng.choice(["a", "b", "c"], n),
        }
    )
    encoder = TabularEncoder(several).fit(frame)
    out = encoder.transform(frame)
    names = encoder.get_feature_names_out().tolist()
    assert len(set(names)) == len(names) == out.shape[1]
    seen = set()
    for encoding in several.split("+"):
        places = encoder._places_of(encoding)
        np.testing.assert_array_equal(out[:, places], TabularEncoder(encoding).fit_transform(frame))
        seen |= set(places)
    assert seen == set(range(out.shape[1]))  # and nothing else


def test_the_scaled_numbers_alone_are_part_of_each_encoding():
    x = np.random.default_rng(0).normal(size=(50, 2)).round(1)
    encoder = TabularEncoder().fit(x)
    np.testing.assert_array_equal(
        encoder.transform(x)[:, encoder._places_of("linear")], TabularEncoder("linear").fit_transform(x)
    )


def test_numbers_that_the_clip_makes_equal():
    x = np.concatenate([np.linspace(0, 1, 20), [1e15, 2e15, 1e16, 1e300]])
    out = TabularEncoder().fit_transform(x[:, None])
    assert np.isfinite(out).all()


@given(npst.arrays(np.float64, st.integers(1, 40), elements=st.integers(-5, 5)), st.data())
def test_a_quantile_is_that_of_repeated_values(values, data):
    values = np.sort(values)
    weight = data.draw(npst.arrays(np.int64, len(values), elements=st.integers(1, 4)))
    probabilities = [0.0, 0.125, 0.25, 0.5, 0.75, 1.0]
    expected = np.quantile(np.repeat(values, weight), probabilities, method="averaged_inverted_cdf")
    np.testing.assert_array_equal(quantiles(values, weight, probabilities), expected)


@given(npst.arrays(np.float64, 50, elements=st.floats(-1e6, 1e6)))
def test_the_cosine(turns):
    np.testing.assert_allclose(cos_of_turns(turns), np.cos(2 * np.pi * (turns - np.rint(turns))), atol=2e-9)


@pytest.mark.parametrize("size", [1e-320, 1e-30, 1.0, 1e30, 1e308])
def test_numbers_of_any_size(size):
    x = np.array([-1.0, -0.2, 0.0, 0.5, 1.0, 1.5])
    expected = TabularEncoder().fit_transform(x[:, None])
    got = TabularEncoder().fit_transform((x * size)[:, None])
    np.testing.assert_allclose(got, expected, atol=1e-6 if size > 1e-300 else 1e-2)


def test_far_out_numbers_stay_near():
    encoder = TabularEncoder().fit(np.arange(10.0)[:, None])
    out = encoder.transform(np.array([[1e308], [-1e308], [1e9], [11.0]]))
    end = np.arcsinh(4.5 / 5)
    np.testing.assert_allclose(out[:, 0], [end + 1, -end - 1, end + 1, np.arcsinh(6.5 / 5)], rtol=1e-6)


def test_most_rows_are_one_number():
    x = np.array([0.0] * 90 + list(range(1, 11)))
    encoder = TabularEncoder("piecewise_linear").fit(x[:, None])
    assert encoder.columns_[0].scale > 0
    assert np.isfinite(encoder.transform(x[:, None])).all()


def test_constant_and_empty_columns_have_no_input():
    table = pd.DataFrame(
        {"same": [1.0, 1.0, 1.0], "none": [None] * 3, "word": ["a"] * 3, "x": [1.0, 2.0, 4.0]}
    )
    encoder = TabularEncoder("linear").fit(table)
    assert encoder.get_feature_names_out().tolist() == ["x"]
    other = table.assign(same=[5.0, 6.0, 7.0], word=["b"] * 3, none=["?"] * 3)
    with pytest.raises(ValueError, match="'none' was numbers in fit, got '\\?' in row 0"):
        encoder.transform(other)
    np.testing.assert_array_equal(encoder.transform(other.assign(none=1.0)), encoder.transform(table))


def test_missing_at_predict_alone_is_the_median():
    encoder = TabularEncoder().fit(np.array([[1.0], [2.0], [9.0]]))
    np.testing.assert_array_equal(encoder.transform([[np.nan]]), encoder.transform([[2.0]]))


# ---- categories ------------------------------------------------------------------------------------------


def test_levels():
    table = pd.DataFrame({"c": ["b", "b", "a", "a", "b", "c", "c", "rare", "once", None]})
    encoder = TabularEncoder().fit(table)
    assert encoder.get_feature_names_out().tolist() == ["c_b", "c_a", "c_c", "c_infrequent", "c_missing"]
    out = encoder.transform(pd.DataFrame({"c": ["a", "once", "never seen", None]}))
    assert out.tolist() == [[0, 1, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]


def test_two_levels_are_one_input():
    encoder = TabularEncoder().fit(pd.DataFrame({"c": ["x", "y", "x"]}))
    out = encoder.transform(pd.DataFrame({"c": ["x", "y", "z", None]}))
    assert out.tolist() == [[-1.0], [1.0], [0.0], [0.0]]


def test_many_levels():
    levels = [f"level {number:03}" for number in range(300)]
    table = pd.DataFrame({"c": np.repeat(levels, [2] * 290 + [5] * 10)})
    encoder = TabularEncoder(max_levels=20).fit(table)
    column = encoder.columns_[0]
    assert set(levels[290:]) < set(column.levels)
    assert (len(column.levels), column.n_infrequent) == (20, 280)


def test_names_of_which_each_stands_in_one_row_tell_nothing():
    encoder = TabularEncoder().fit(pd.DataFrame({"id": [f"row {number}" for number in range(50)]}))
    assert encoder.get_feature_names_out().tolist() == []


@pytest.mark.parametrize("asked", [["code"], [1], [-1], [np.int64(1)], np.array([-1]), [False, True]])
def test_numbers_that_the_user_calls_categories(asked):
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0, 5.0], "code": [10, 20, 10, 30, 20]})
    encoder = TabularEncoder("linear", categorical_features=asked).fit(table)
    assert [column.kind for column in encoder.columns_] == ["number", "category"]
    names = ["x", "code_10", "code_20", "code_30"]
    assert encoder.get_feature_names_out().tolist() == names
    as_text = table.assign(code=["10", "20", "10", "30", "20"])
    np.testing.assert_array_equal(encoder.transform(as_text), encoder.transform(table))
    as_floats = encoder.transform(table.assign(code=[10.0, 20.0, None, 30.0, 40.0]))
    assert as_floats[:, 1:].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]]


LARGE = [10**17 + place for place in range(4)]


@pytest.mark.parametrize(
    "column",
    [
        np.array(LARGE * 5),
        np.array(LARGE * 5, dtype=np.uint64),
        pd.array(LARGE * 5, dtype="Int64"),
        np.array(LARGE * 5, dtype=object),
        [decimal.Decimal(code) for code in LARGE * 5],
        pl.Series(LARGE * 5),
        pa.array(LARGE * 5),
        pd.array(LARGE * 5, dtype="int64[pyarrow]"),
    ],
    ids=["int64", "uint64", "Int64", "object", "decimal", "polars", "pyarrow", "int64[pyarrow]"],
)
def test_large_whole_numbers_are_different_levels(column):
    if isinstance(column, pa.Array):
        table = pa.table({"i": column})
    else:
        table = (pl if isinstance(column, pl.Series) else pd).DataFrame({"i": column})
    encoder = TabularEncoder(categorical_features=["i"]).fit(table)
    assert encoder.columns_[0].levels == tuple(str(code) for code in LARGE)
    assert encoder.transform(table)[:4].tolist() == np.eye(4).tolist()
    assert encoder.transform(pd.DataFrame({"i": LARGE})).tolist() == np.eye(4).tolist()


def test_levels_of_whole_numbers_do_not_depend_on_larger_ones_beside_them():
    small = TabularEncoder(categorical_features=[0]).fit(pd.DataFrame({"i": [3, 7, 7, 12, 12, 3]}))
    large = TabularEncoder(categorical_features=[0]).fit(
        pd.DataFrame({"i": [3, 7, 7, 12, 12, 3, *LARGE[:1] * 2]})
    )
    assert set(small.columns_[0].levels) < set(large.columns_[0].levels)
    gaps = pd.DataFrame({"i": pd.array([3, None, *LARGE[:2]], dtype="Int64")})
    codes, levels = read_table(TabularEncoder(), gaps, reset=True)[0].categories
    assert (codes.tolist(), levels) == ([2, -1, 0, 1], [*map(str, LARGE[:2]), "3"])


def test_numbers_that_float64_does_not_hold_are_levels_among_text():
    values = ["a", "b", 10**400, 10**400, "a", "b"]
    encoder = TabularEncoder().fit(pd.DataFrame({"i": values}))
    assert encoder.columns_[0].levels == ("1" + "0" * 400, "a", "b")


def test_rows_that_differ_in_large_codes_are_not_merged():
    columns = read_table(TabularEncoder(), pd.DataFrame({"i": [*LARGE, LARGE[0]]}), reset=True)
    distinct = distinct_rows(columns, np.zeros((5, 1)), None)
    assert sorted(distinct.rows.tolist()) == [0, 1, 2, 3]


def test_bytes_that_are_no_text_are_different_levels():
    encoder = TabularEncoder().fit(np.array([[b"\xff"], [b"\xfe"], [b"a"]] * 3))
    assert sorted(encoder.columns_[0].levels) == ["\\xfe", "\\xff", "a"]


# ---- dates -----------------------------------------------------------------------------------------------


def test_a_date_taken_apart():
    moments = [dt.datetime(2024, 1, 1), dt.datetime(2024, 7, 2, 6), dt.datetime(2025, 3, 16, 12)]
    encoder = TabularEncoder("linear").fit(pd.DataFrame({"when": moments}))
    out = dict(
        zip(
            encoder.get_feature_names_out(), encoder.transform(pd.DataFrame({"when": moments})).T, strict=True
        )
    )
    np.testing.assert_allclose(out["when_year_cos"][0], 1.0)
    np.testing.assert_allclose(out["when_year_sin"][1], np.sin(2 * np.pi * 183 / 365.2425), atol=1e-6)
    np.testing.assert_allclose(out["when_time_cos"], [1.0, 0.0, -1.0], atol=1e-6)
    np.testing.assert_allclose(out["when_day"], [-1.0, -14 / 15, 0.0], atol=1e-6)
    assert [out[f"when_{day}"].tolist() for day in ("Monday", "Tuesday", "Sunday")] == np.eye(3).tolist()


def test_a_part_that_does_not_vary_is_left_out():
    days = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=8, freq="7D")})
    names = TabularEncoder("linear").fit(days).get_feature_names_out().tolist()
    assert names == ["day", "day_year_cos", "day_year_sin", "day_day"]


def hours(library, zone, *, to=None):
    """Return a table of hours in a time zone, converted to another one."""
    moments = pd.date_range("2024-03-30 12:00", periods=30, freq="h", tz=zone)
    moments = moments if to is None else moments.tz_convert(to)
    table = pd.DataFrame(
        {"t": moments.astype(f"datetime64[us, {moments.tz}]" if moments.tz else "datetime64[us]")}
    )
    if library == "pandas":
        return table
    if library == "objects":
        return table.astype(object)
    if library == "pyarrow":
        return pl.from_pandas(table).to_arrow()
    return pl.from_pandas(table)


LIBRARIES = ["pandas", "polars", "pyarrow", "objects"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_clock_of_a_time_zone_counts(library):
    there, here = hours(library, "Asia/Tokyo"), hours(library, None)
    np.testing.assert_array_equal(TabularEncoder().fit_transform(there), TabularEncoder().fit_transform(here))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Europe/Rome", "UTC"])
@pytest.mark.parametrize("to", ["UTC", "America/St_Johns", "UTC+09:00"])
def test_the_same_instants_in_another_time_zone_are_the_same(library, zone, to):
    encoder = TabularEncoder().fit(hours("pandas", zone))
    assert encoder.columns_[0].zone == zone
    expected = encoder.transform(hours("pandas", zone))
    if to.startswith("UTC+"):
        to = dt.timezone(dt.timedelta(hours=9))
        library = "objects" if library in ("polars", "pyarrow") else library
    np.testing.assert_array_equal(encoder.transform(hours(library, zone, to=to)), expected)
    assert encoder.drift(hours(library, zone, to=to))[0].distance == 0.0
    other = TabularEncoder().fit(hours(library, zone))
    np.testing.assert_array_equal(other.transform(hours("polars", zone)), expected)


def test_a_time_zone_with_gaps_and_of_a_fixed_offset():
    table = hours("pandas", "Asia/Tokyo").mask(np.arange(30)[:, None] % 3 == 0)
    encoder = TabularEncoder().fit(table)
    moved = table.assign(t=table["t"].dt.tz_convert("UTC"))
    np.testing.assert_array_equal(encoder.transform(moved), encoder.transform(table))
    nothing = pd.DataFrame({"t": [pd.NaT] * 3})  # of no zone
    assert encoder.transform(nothing)[:, 0].tolist() == [0, 0, 0]
    fixed = table.assign(t=table["t"].dt.tz_convert(dt.timezone(dt.timedelta(hours=-3))))
    encoder = TabularEncoder().fit(fixed)
    np.testing.assert_array_equal(encoder.transform(table), encoder.transform(fixed))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("of_nothing", [None, "UTC", "Asia/Tokyo"])
def test_a_column_without_a_date_has_no_zone(library, of_nothing):
    nothing = pd.DataFrame({"t": pd.Series([pd.NaT] * 30).dt.tz_localize(of_nothing)})
    encoder = TabularEncoder().fit(nothing)
    assert encoder.columns_[0].zone == ""
    expected = encoder.transform(nothing)
    for zone in (None, "Asia/Tokyo", "UTC"):
        np.testing.assert_array_equal(encoder.transform(hours(library, zone)), expected)
        dated = TabularEncoder().fit(hours(library, zone))
        assert dated.transform(nothing)[:, 0].tolist() == [0] * 30


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_time_zone_that_comes_or_goes(library):
    there, here = hours(library, "Asia/Tokyo"), hours(library, None)
    with pytest.raises(ValueError, match="'t' of X has no time zone, in fit it had 'Asia/Tokyo'"):
        TabularEncoder().fit(there).transform(here)
    with pytest.raises(ValueError, match="'t' of X has the time zone 'Asia/Tokyo', in fit it had none"):
        TabularEncoder().fit(here).transform(there)


class Fixed(dt.tzinfo):
    """A fixed offset as other libraries have it."""

    zone = None

    def __init__(self, minutes):
        self.offset = dt.timedelta(minutes=minutes)

    def utcoffset(self, _moment):
        return self.offset

    def dst(self, _moment):
        return dt.timedelta(0)


@pytest.mark.parametrize("library", ["pandas", "objects"])
@pytest.mark.parametrize(
    ("zone", "name"),
    [
        (dateutil.tz.tzutc(), "UTC"),
        (dateutil.tz.tzoffset("east", 5400), "UTC+01:30"),
        (dt.timezone(dt.timedelta(hours=-3), "west"), "UTC-03:00"),
        (Fixed(0), "UTC"),
        (Fixed(90), "UTC+01:30"),
    ],
)
def test_fixed_offsets_of_any_class(library, zone, name):
    moments = [dt.datetime(2024, 1, day, 8, tzinfo=zone) for day in range(1, 9)]
    column = pd.Series(moments, dtype=object)
    if library == "pandas":
        try:
            column = pd.Series(pd.DatetimeIndex(moments))
        except (AttributeError, TypeError):  # pandas does not take every class
            pytest.skip("pandas does not take this class")
    table = pd.DataFrame({"t": column})
    encoder = TabularEncoder().fit(table)
    assert encoder.columns_[0].zone == name
    expected = encoder.transform(table)
    for to in ("UTC", "Asia/Tokyo"):
        moved = pl.Series("t", [one.astimezone(dt.UTC) for one in moments]).dt.convert_time_zone(to)
        np.testing.assert_array_equal(encoder.transform(moved.to_frame()), expected)


def test_a_time_zone_without_rules():
    class Ours(dt.tzinfo):
        def utcoffset(self, moment):
            return dt.timedelta(hours=1 + moment.month // 7)

        def __str__(self):
            return "ours"

    ours = [dt.datetime(2024, 1, day, tzinfo=Ours()) for day in range(1, 9)]
    encoder = TabularEncoder().fit(pl.DataFrame({"t": pl.Series(ours, dtype=pl.Object)}))
    with pytest.raises(ValueError, match="'t' has another time zone than in fit, 'ours'"):
        encoder.transform(hours("pandas", "UTC"))


@pytest.mark.filterwarnings("ignore::ferroprop.tabular.DataWarning")
def test_validation_rows_in_another_time_zone():
    there, moved = hours("pandas", "Asia/Tokyo"), hours("polars", "Asia/Tokyo", to="UTC")
    mlp = TabularMLPRegressor(n_members=1, max_iter=2, random_state=0)
    y = np.arange(30.0)
    mlp.fit(there, y, X_val=there, y_val=y)
    expected = mlp.predict(there)
    np.testing.assert_array_equal(mlp.fit(there, y, X_val=moved, y_val=y).predict(moved), expected)
    with pytest.raises(ValueError, match="'t' of X_val has no time zone, in fit"):
        mlp.fit(there, y, X_val=hours("pandas", None), y_val=y)


def test_models_of_earlier_releases_know_no_time_zone():
    encoder = TabularEncoder().fit(hours("pandas", "Asia/Tokyo"))
    del encoder.columns_[0].__dict__["zone"]
    earlier = pickle.loads(pickle.dumps(encoder))
    expected = earlier.transform(hours("pandas", "Asia/Tokyo"))
    np.testing.assert_array_equal(earlier.transform(hours("pandas", None)), expected)
    dumped = skops.io.dumps(encoder)
    read = skops.io.loads(dumped, trusted=skops.io.get_untrusted_types(data=dumped))
    np.testing.assert_array_equal(read.transform(hours("objects", None)), expected)


# ---- weights, names, mistakes ----------------------------------------------------------------------------


def test_a_row_of_weight_two_is_two_rows_and_one_of_weight_zero_none():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=30), "c": rng.choice(list("abcdef"), 30)})
    weight = rng.integers(0, 3, 30)
    weighted = TabularEncoder(max_levels=3).fit(table, sample_weight=weight)
    repeated = TabularEncoder(max_levels=3).fit(table.loc[table.index.repeat(weight)])
    np.testing.assert_array_equal(weighted.transform(table), repeated.transform(table))


def test_names_and_containers():
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0], "c": ["a", "b", "c"]}, index=[7, 8, 9])
    encoder = TabularEncoder("linear").set_output(transform="pandas")
    out = encoder.fit_transform(table)
    assert list(out.columns) == ["x"]
    assert list(out.index) == [7, 8, 9]
    array = TabularEncoder("linear").fit(np.array([[1.0, 0.0], [2.0, 1.0], [5.0, 1.0]]))
    assert array.get_feature_names_out().tolist() == ["x0", "x1"]
    assert array.get_feature_names_out(["a", "b"]).tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="length equal to number of features"):
        array.get_feature_names_out(["a"])
    with pytest.raises(ValueError, match="not equal to feature_names_in_"):
        encoder.get_feature_names_out(["a", "b"])


def test_a_list_of_rows_keeps_its_types():
    names = TabularEncoder("linear").fit([[1, "a"], [2, "b"], [3, "b"], [4, None]]).get_feature_names_out()
    assert names.tolist() == ["x0", "x1_a", "x1_missing"]


def test_masked_values_are_missing():
    masked = np.ma.masked_array([[1.0], [2.0], [3.0]], mask=[[0], [1], [0]])
    assert TabularEncoder("linear").fit(masked).get_feature_names_out().tolist() == ["x0", "x0_missing"]


def test_stray_text_among_numbers_is_missing_and_told_of():
    table = pd.DataFrame({"x": [1, 2.5, "3", "n/a", 5, "?"]})
    with pytest.warns(UserWarning, match=r"'x' has numbers, and 'n/a' in row 3 and 1 other text"):
        encoder = TabularEncoder("linear").fit(table)
    assert encoder.transform(pd.DataFrame({"x": ["n/a", "3", 3]}))[:, 1].tolist() == [1, 0, 0]
    with pytest.raises(ValueError, match="'x' was numbers in fit, got 'unknown' in row 0"):
        encoder.transform(pd.DataFrame({"x": ["unknown"]}))


@pytest.mark.parametrize("text", ["True", "true", "FALSE", " false "])
@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
def test_booleans_spelt_among_booleans_are_booleans(text, gap):
    truth = text.strip().lower() == "true"
    spelt = pd.DataFrame({"x": pd.Series([True, False, gap, text] * 5, dtype=object)})
    plain = pd.DataFrame({"x": pd.array([True, False, None, truth] * 5, dtype="boolean")})
    encoder = TabularEncoder().fit(spelt)
    assert encoder.columns_[0].kind == "number"
    np.testing.assert_array_equal(encoder.transform(plain), TabularEncoder().fit_transform(plain))
    np.testing.assert_array_equal(encoder.transform(spelt), encoder.transform(plain))
    alone = pd.DataFrame({"x": [text, None]})
    np.testing.assert_array_equal(encoder.transform(alone), encoder.transform(plain)[[3, 2]])
    assert encoder.drift(alone)[0].new == 0.0


@pytest.mark.parametrize("values", [[True, False] * 5, [True] * 4 + [False] * 6, [False, True], [True, True]])
def test_booleans_with_a_decile_between_them(values):
    encoder = TabularEncoder().fit(pd.DataFrame({"x": values}))
    assert encoder.columns_[0].is_boolean is True
    spelt, plain = pd.DataFrame({"x": ["true", "False"]}), pd.DataFrame({"x": [True, False]})
    np.testing.assert_array_equal(encoder.transform(spelt), encoder.transform(plain))


@pytest.mark.parametrize(
    "values", [[0.0, 0.5, 1.0] * 5, [0.5] * 4, [0.5, 1.0] * 3, [0.0, 0.5] * 3, [0, 1, 2]]
)
def test_numbers_beside_0_and_1_are_no_booleans(values):
    encoder = TabularEncoder("linear").fit(pd.DataFrame({"x": values}))
    assert encoder.columns_[0].is_boolean is False
    with pytest.raises(ValueError, match="'x' was numbers in fit, got 'true' in row 0"):
        encoder.transform(pd.DataFrame({"x": ["true"]}))


def test_booleans_spelt_among_other_values():
    with pytest.warns(UserWarning, match="'x' has numbers, and '\\?' in row 2 and 1 other text"):
        encoder = TabularEncoder("linear").fit(pd.DataFrame({"x": [True, False, "?", "True"]}))
    assert encoder.columns_[0].stray == ("?", "True")
    spelt = pd.DataFrame({"x": ["True", None]})
    assert encoder.transform(spelt)[:, -1].tolist() == [1, 1]  # missing, as in fit
    with pytest.warns(UserWarning, match="'x' has numbers, and 'True' in row 3: taken"):
        TabularEncoder().fit(pd.DataFrame({"x": [True, 0.5, 2, "True"]}))
    words = TabularEncoder().fit(pd.DataFrame({"x": ["True", "False", "true", None] * 2}))
    assert words.columns_[0].levels == ("False", "True", "true")
    named = TabularEncoder(categorical_features=["x"]).fit(
        pd.DataFrame({"x": [True, False, "true", "no"] * 2})
    )
    assert named.columns_[0].levels == ("False", "True", "no", "true")


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ([True, False, "true"] * 5, ["x"]),
        (["maybe", "no", "false", "never", "x", True, "true"] * 5, None),
        (["yes", "false", "n", "false", "m", "k"] * 5, None),
    ],
)
def test_levels_of_texts_do_not_depend_on_booleans_in_the_batch(values, asked):
    encoder = TabularEncoder(categorical_features=asked).fit(pd.DataFrame({"x": values}))
    assert set(encoder.columns_[0].levels) == set(map(str, values))
    whole = encoder.transform(pd.DataFrame({"x": [*values, True]}))
    for row, value in enumerate(values):
        if isinstance(value, str):
            alone = encoder.transform(pd.DataFrame({"x": [value]}))
            np.testing.assert_array_equal(alone[0], whole[row])


def test_few_numbers_among_text_make_no_numbers():
    encoder = TabularEncoder().fit(pd.DataFrame({"x": ["a", "b", 1, "a", 1.0, "b", None]}))
    assert encoder.columns_[0].levels == ("1", "a", "b")


def test_numbers_written_as_text_are_told_of():
    with pytest.warns(UserWarning, match="each of its 20 values is a number"):
        TabularEncoder().fit(pd.DataFrame({"x": [str(number) for number in range(20)]}))


NUMBERS = [f"{number}.5" for number in range(20)]
DAYS = [f"2024-03-{day:02}" for day in range(1, 21)]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([*NUMBERS, "n.d."], "20 of its 21 values are numbers, but 'n.d.' in row 20 is not"),
        ([*NUMBERS[:9], "?", *NUMBERS[9:], "n.d."], "20 of its 22 values are numbers, but '?' in row 9 is"),
        ([text.replace(".", ",") for text in NUMBERS], "each of its 20 values is a number"),
        ([f"{text} %" for text in NUMBERS] + ["low"], "20 of its 21 values are numbers, but 'low' in row 20"),
        ([f"1.{number}34,50" for number in range(10)] + ["a", "b"], "10 of its 12 values are numbers"),
        ([f"1.{place}.000" for place in range(100, 120)], "each of its 20 values is a number"),
        ([f"1,{place},000.5" for place in range(100, 120)], "each of its 20 values is a number"),
        ([f"{place} 000,5" for place in range(100, 120)], "each of its 20 values is a number"),
        ([*DAYS[:3], "soon", *DAYS[3:]], "20 of its 21 values are dates, but 'soon' in row 3 is not"),
        ([f"{day}T08:00:00" for day in DAYS], "each of its 20 values is a date"),
        ([f"{day:02}.03.2024" for day in range(1, 12)], "each of its 11 values is a date"),
        ([f"3/{day}/2024 0:00:00" for day in range(1, 12)], "each of its 11 values is a date"),
        ([f"3/{day}/24 6:45 PM" for day in range(1, 12)], "each of its 11 values is a date"),
        ([f"2024/03/{day:02} 18:45:09" for day in range(1, 12)], "each of its 11 values is a date"),
        ([f"{day}-Mar-24" for day in range(1, 12)], "each of its 11 values is a date"),
        ([f"{day} September 2024" for day in range(1, 12)], "each of its 11 values is a date"),
        ([*(f"June {day}, 2024" for day in range(1, 12)), "soon"], "11 of its 12 values are dates, but"),
        (
            [*(f"{hour}:05" for hour in range(1, 12)), "9.12"],
            "11 of its 12 values are times, but '9.12' in row",
        ),
        ([f"102:{minute}:09.5" for minute in range(20, 31)], "each of its 11 values is a time"),
    ],
)
@pytest.mark.parametrize("library", [pd, pl])
def test_text_of_which_most_spells_numbers_or_dates_is_told_of(library, values, message):
    table = library.DataFrame({"x": values})
    with pytest.warns(UserWarning, match=re.escape(f"'x' is text, and {message}")):
        encoder = TabularEncoder().fit(table)
    assert encoder.columns_[0].kind == "category"
    TabularEncoder(categorical_features=["x"]).fit(table)  # without a warning


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2", "3 or more", "n.d."],
        [*NUMBERS[:9], *(f"name {number}" for number in range(10))],
        [f"1.{version}.2" for version in range(20)],
        [f"192.168.{place}.{place}" for place in range(100, 120)],
        [f"10.100.{place}.5" for place in range(100, 120)],
        [f"{place}.200.3" for place in range(100, 120)],
        [f"1,{place}.200,300" for place in range(100, 120)],
        [f"2024-W{week:02}" for week in range(1, 21)],
        [f"2024W{week:02}1" for week in range(1, 21)],
        [f"1/{place}" for place in range(1, 21)],
        [f"{place}:{place + 70}" for place in range(1, 21)],
        [f"1:{place}:3" for place in range(1, 21)],
        [f"1.{place}.24" for place in range(1, 21)],
        [f"1-{place}-24" for place in range(1, 21)],
        [f"{place} Marbles 24" for place in range(1, 21)],
        [f"{code}a" for code in range(20)],
    ],
)
def test_other_text_is_not_told_of(values):
    TabularEncoder().fit(pd.DataFrame({"x": values}))


def test_rows_are_those_of_the_users_table():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=60), "c": [f"{number // 2}.25" for number in range(60)]})
    table.loc[7, "c"] = "n.d."
    table.loc[[3, 40], "x"] = [np.nan, 2.0]
    mixed = table.assign(x=table["x"].astype(object).where(table.index != 9, "?"))
    quick = {"n_members": 1, "max_iter": 1, "numeric_encoding": "linear"}
    for fit in (
        lambda: TabularEncoder().fit(mixed, sample_weight=np.arange(60) % 2),
        lambda: TabularMLPRegressor(**quick).fit(mixed, rng.normal(size=60)),
    ):
        with (
            pytest.warns(UserWarning, match="'\\?' in row 9"),
            pytest.warns(UserWarning, match="'n.d.' in row 7"),
        ):
            fit()
    mlp = TabularMLPRegressor(n_members=1, max_iter=1).fit(table[["x"]], rng.normal(size=60))
    many = pd.DataFrame({"x": [1.0] * 2600 + ["?"]})
    with pytest.raises(ValueError, match="got '\\?' in row 2600"):
        mlp.predict(many)


WRONG = [
    ([[1.0, np.inf]], "infinity: column 'x1' has inf in row 0"),
    (pd.DataFrame({"a": [1.0, -np.inf]}), "column 'a' has -inf in row 1"),
    (pd.DataFrame({"a": [1, -(10**400), 2]}, dtype=object), "column 'a' has -10{58} in row 1"),
    (
        pd.DataFrame({"a": [1, 10**5000]}, dtype=object),
        "column 'a' has a number of thousands of digits in row 1",
    ),
    (pd.DataFrame({"a": [1.0, Fraction(10**400)]}), "column 'a' has 10{59} in row 1"),
    (pd.DataFrame({"a": [1j, 2j]}), "Complex data not supported"),
    (pd.DataFrame({"a": [1j, None]}, dtype=object), "Complex data not supported"),
    (pd.DataFrame({"a": []}), "0 sample"),
    (pd.DataFrame(index=[1, 2]), "0 feature"),
    (pd.DataFrame({"a": [1], 2: [3]}), "string names"),
    (np.zeros((2, 0)), "0 feature"),
    (np.zeros(3), "1D array"),
    ([[1], [2, 3]], "inhomogeneous"),
]


@pytest.mark.parametrize(("X", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_tables(X, message):
    with pytest.raises((ValueError, TypeError), match=message):
        TabularEncoder().fit(X)


NESTED = [
    (pd.DataFrame({"a": [None, [1, 2], [3]]}), "has a list in row 1, \\[1, 2\\]. Each row"),
    (pd.DataFrame({"a": ["x", "y", {"b": 1}]}), "has a dict in row 2, {'b': 1}"),
    (pd.DataFrame({"a": [1.0, np.zeros(2), "y"]}), "has a ndarray in row 1, array"),
    (pd.DataFrame({"a": [{1}, {2}]}), "has a set in row 0"),
    (np.array([["x", [1]], ["y", None]], dtype=object), "'x1' of X has a list in row 0"),
    (pl.DataFrame({"a": [[1, 2], [3]]}), "has dtype List\\(Int64\\). Each row"),
    (pl.DataFrame({"a": [{"b": 1}, {"b": 2}]}), "has dtype Struct"),
    (pl.DataFrame({"a": [[1, 2], [3]]}).to_arrow(), "has dtype List\\(Int64\\)"),
    (pl.DataFrame({"a": [[1, 2], [3]]}).to_pandas(use_pyarrow_extension_array=True), "has dtype List|has a "),
]


@pytest.mark.parametrize(("X", "message"), NESTED)
def test_cells_with_several_values(X, message):
    with pytest.raises(TypeError, match=message):
        TabularEncoder().fit(X)


@pytest.mark.parametrize(("far", "message"), [(10**400, "10{59}"), ("1e999", "1e999"), (-np.inf, "-inf")])
def test_infinity_beside_stray_text(far, message):
    table = pd.DataFrame({"a": [*range(99, 0, -1), far, "?"]})
    with (
        pytest.warns(UserWarning, match="'\\?' in row 100"),
        pytest.raises(ValueError, match=f"column 'a' has {message} in row 99. Replace"),
    ):
        TabularMLPRegressor().fit(table, np.arange(101))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"numeric_encoding": "ple"}, "numeric_encoding"),
        ({"n_bins": 1}, "n_bins"),
        ({"n_frequencies": 0}, "n_frequencies"),
        ({"frequency_scale": 0.0}, "frequency_scale"),
        ({"max_levels": 0}, "max_levels"),
        ({"categorical_features": "all"}, "categorical_features"),
        ({"categorical_features": ["z"]}, "'z', which is no column of X. X has \\['x'\\]"),
        ({"categorical_features": [3]}, "places below the number of columns"),
        ({"categorical_features": [True, False]}, "one boolean for each of the 1 columns"),
        ({"categorical_features": [np.int64(3)]}, "places below the number of columns"),
        ({"categorical_features": ["x", True]}, "places below the number of columns, 1, got True"),
        ({"categorical_features": [[0]]}, "one dimension"),
    ],
)
def test_wrong_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        TabularEncoder(**parameters).fit(pd.DataFrame({"x": [1.0, 2.0]}))


@pytest.mark.parametrize(
    ("weight", "message"),
    [([1.0], "inconsistent|shape"), ([0.0, 0.0], "positive weight|zero"), ([1.0, -1.0], "[Nn]egative")],
)
def test_wrong_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        TabularEncoder().fit([[1.0], [2.0]], sample_weight=weight)


def test_other_columns_in_transform():
    table = pd.DataFrame(
        {"a": [1.0, 2.0], "b": ["x", "y"], "d": pd.to_datetime(["2024-01-01", "2024-02-01"])}
    )
    encoder = TabularEncoder().fit(table)
    with pytest.raises(ValueError, match="same order"):
        encoder.transform(table[["b", "a", "d"]])
    with pytest.raises(ValueError, match="missing"):
        encoder.transform(table[["a", "b"]])
    with pytest.raises(ValueError, match="'a' was numbers in fit and is dates now"):
        encoder.transform(table.assign(a=table["d"]))
    with pytest.raises(ValueError, match="'d' was dates in fit, got '1' in row 0"):
        encoder.transform(table.assign(d=[1, 2]))
    assert encoder.transform(table.assign(d=[None, None])).shape == (2, len(encoder.get_feature_names_out()))


def test_a_pickle_has_no_rows():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=20_000), "c": rng.choice(list("abc"), 20_000)})
    encoder = TabularEncoder().fit(table)
    pickled = pickle.dumps(encoder)
    assert len(pickled) < 2_000
    np.testing.assert_array_equal(pickle.loads(pickled).transform(table), encoder.transform(table))
    assert sklearn.clone(encoder).get_params() == encoder.get_params()


# ---- drift -----------------------------------------------------------------------------------------------


def test_drift_of_the_same_table_is_none():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "x": np.where(rng.random(200) < 0.2, np.nan, rng.normal(size=200)),
            "few": rng.integers(0, 3, 200),
            "c": rng.choice(["a", "b", None], 200),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, 200), unit="D"),
        }
    )
    drift = pd.DataFrame(TabularEncoder().fit(table).drift(table))
    assert drift["name"].tolist() == ["x", "few", "c", "day"]
    assert drift["distance"].abs().max() < 1e-12
    assert (drift["new"] == 0).all()
    np.testing.assert_allclose(drift["missing"], drift["missing_in_fit"], atol=1e-12)


def test_drift():
    x = np.arange(1000.0)
    table = pd.DataFrame({"x": x, "c": ["a", "b"] * 500})
    encoder = TabularEncoder("linear").fit(table)
    other = pd.DataFrame(
        {"x": [*(x[:500] + 500), *(x[:500] + 2000)], "c": ["a"] * 250 + ["z"] * 250 + [None] * 500}
    )
    of_x, of_c = encoder.drift(other)
    assert of_x.distance == pytest.approx(0.5, abs=0.02)
    assert (of_x.new, of_x.missing) == (0.5, 0.0)
    assert (of_c.distance, of_c.new, of_c.missing, of_c.missing_in_fit) == (0.5, 0.5, 0.5, 0.0)
