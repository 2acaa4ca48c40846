"""`lagged` and `forecast`: which step is where, and predictions that feed themselves."""

import ferroprop as fp
import numpy as np
import pandas as pd
import pytest
from ferroprop.series import Lagged
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RNG = np.random.default_rng(0)


def arx(u, first=(0.0, 0.0)):
    """y(t) = 1.2 y(t-1) - 0.5 y(t-2) + 2 u(t) - u(t-3)."""
    y = [*first]
    for t in range(len(first), len(u)):
        y.append(1.2 * y[t - 1] - 0.5 * y[t - 2] + 2 * u[t] - (u[t - 3] if t >= 3 else 0.0))
    return np.array(y)


def test_each_value_is_where_its_name_says():
    y, X = RNG.normal(size=(30, 2)), RNG.normal(size=(30, 3))
    table = fp.lagged(y, X, lags=[4, 1], input_lags=[0, 2])
    assert isinstance(table, Lagged)
    assert table.steps.tolist() == list(range(4, 30))
    assert_array_equal(table.targets, y[4:])
    for name, column in zip(table.names, table.inputs.T, strict=True):
        series, lag = name.rstrip(")").split("(t")
        values = (y if series[0] == "y" else X)[:, int(series[1:])]
        assert_array_equal(column, values[table.steps + int(lag or 0)])
    assert len(table.names) == len(set(table.names)) == 2 * 2 + 2 * 3


def test_a_number_of_lags_is_all_up_to_it_and_inputs_have_the_same_ones():
    y, u = np.arange(9.0), np.arange(9.0) * 10
    table = fp.lagged(y, u, lags=2)
    assert table.names == ["y(t-1)", "y(t-2)", "x(t-1)", "x(t-2)"]
    assert_array_equal(table.inputs[0], [1, 0, 10, 0])
    assert_array_equal(table.targets, y[2:])
    assert table.targets.ndim == 1
    assert fp.lagged(y, u, lags=0, input_lags=[0]).names == ["x(t)"]
    assert fp.lagged(y[:, None], lags=1).targets.shape == (8, 1)


def test_no_row_reaches_from_one_series_into_another():
    several = [RNG.normal(size=length) for length in (5, 9, 6)]
    table = fp.lagged(several, [part**2 for part in several], lags=3, input_lags=4)
    assert table.series.tolist() == [0] * 1 + [1] * 5 + [2] * 2
    assert table.steps.tolist() == [4, 4, 5, 6, 7, 8, 4, 5]
    for number, one in enumerate(several):
        alone = fp.lagged(one, one**2, lags=3, input_lags=4)
        assert_array_equal(table.inputs[table.series == number], alone.inputs)
        assert_array_equal(table.targets[table.series == number], alone.targets)
    cube = RNG.normal(size=(4, 7, 2))
    assert_array_equal(fp.lagged(cube, lags=2).inputs, fp.lagged(list(cube), lags=2).inputs)


def test_names_and_dtypes_of_the_users():
    frame = pd.DataFrame({"level": np.arange(6.0), "flow": np.arange(6.0)})
    assert fp.lagged(frame, lags=1).names == ["level(t-1)", "flow(t-1)"]
    table = fp.lagged(frame["level"], frame[["flow"]], lags=1, input_lags=[0])
    assert table.names == ["level(t-1)", "flow(t)"]
    assert fp.lagged(np.arange(5, dtype="float32"), lags=1).inputs.dtype == "float32"
    assert fp.lagged(np.arange(5), lags=1).inputs.dtype == "float64"
    assert fp.lagged(np.arange(5) * 1j, lags=1).inputs.dtype == "complex128"
    assert fp.lagged(pd.Series([1, 2, 3], dtype="Int64"), lags=1).targets.tolist() == [2, 3]


def test_a_forecast_in_closed_loop_is_the_system_itself():
    u = RNG.normal(size=300)
    y = arx(u)
    table = fp.lagged(y, u, lags=2, input_lags=[0, 3])
    model = LinearRegression().fit(table.inputs, table.targets)
    assert_allclose(model.coef_, [1.2, -0.5, 2.0, -1.0], rtol=1e-10)
    ahead = fp.forecast(model, y[:100], 200, X=u, lags=2, input_lags=[0, 3])
    assert_allclose(ahead, y[100:], atol=1e-8)
    # from the fewest steps that will do
    assert_allclose(
        fp.forecast(model, y[97:100], 50, X=u[97:150], lags=2, input_lags=[0, 3]), y[100:150], atol=1e-8
    )


def test_one_step_ahead_is_a_prediction_of_the_table():
    y = RNG.normal(size=40)
    mlp = fp.MLPRegressor(hidden_layer_sizes=(5,), solver="rprop", max_iter=30, tol=0, random_state=0)
    table = fp.lagged(y, lags=[1, 3])
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model = make_pipeline(StandardScaler(), mlp).fit(table.inputs, table.targets)
    assert_array_equal(fp.forecast(model, y[:-1], 1, lags=[1, 3]), model.predict(table.inputs[-1:]))


def test_inputs_are_needed_only_as_far_as_they_are_used():
    u = RNG.normal(size=50)
    y = np.concatenate([[0.0, 0.0], u[:-2]])  # y(t) = u(t-2)
    table = fp.lagged(y, u, lags=0, input_lags=[2])
    model = LinearRegression().fit(table.inputs, table.targets)
    assert_allclose(fp.forecast(model, y[:20], 5, X=u[:23], lags=0, input_lags=[2]), y[20:25], atol=1e-12)
    assert_allclose(fp.forecast(model, y[:20], 1, X=u[:19], lags=0, input_lags=[2]), y[20:21], atol=1e-12)
    with pytest.raises(ValueError, match=r"X must have at least 23 steps, .* 20 steps of y, got 22"):
        fp.forecast(model, y[:20], 5, X=u[:22], lags=0, input_lags=[2])


def test_several_series_are_forecast_as_each_alone():
    several = [RNG.normal(size=(length, 2)) for length in (20, 31)]
    inputs = [RNG.normal(size=len(one) + 6) for one in several]
    table = fp.lagged(several, [u[:-6] for u in inputs], lags=2, input_lags=[1])
    model = MultiOutputRegressor(Ridge()).fit(table.inputs, table.targets)
    together = fp.forecast(model, several, 6, X=inputs, lags=2, input_lags=[1])
    assert together.shape == (2, 6, 2)
    for one, u, ahead in zip(several, inputs, together, strict=True):
        assert_allclose(fp.forecast(model, one, 6, X=u, lags=2, input_lags=[1]), ahead, rtol=1e-12)


@pytest.mark.parametrize(
    ("error", "message", "arguments"),
    [
        (ValueError, "lags must be 0 or more, or a sequence of lags, got -1", {"lags": -1}),
        (TypeError, "lags must be an int or a sequence of ints, got 1.5", {"lags": 1.5}),
        (TypeError, "lags must be an int or a sequence of ints, got True", {"lags": True}),
        (TypeError, "lags must hold ints, got 2.0", {"lags": [1, 2.0]}),
        (ValueError, "lags must hold lags from 1 on, got 0", {"lags": [0, 1]}),
        (ValueError, r"lags must hold each lag once, got \[1, 1\]", {"lags": [1, 1]}),
        (ValueError, "there is no lag", {"lags": 0}),
        (ValueError, "there is no lag", {"lags": 0, "X": np.zeros(9)}),
        (ValueError, "input_lags=2 needs inputs, but X is None", {"lags": 1, "input_lags": 2}),
        (
            ValueError,
            "input_lags must hold lags from 0 on",
            {"lags": 1, "input_lags": [-1], "X": np.zeros(9)},
        ),
        (ValueError, "y must have more steps than the largest lag, 9, .* got 9", {"lags": 9}),
        (ValueError, r"y\[1\] must have more steps .* got 2", {"y": [np.ones(9), np.ones(2)], "lags": 3}),
        (ValueError, "X must have as many steps as the 9 steps of y, got 8", {"lags": 1, "X": np.zeros(8)}),
        (ValueError, "X must be one series, as y is, got several series", {"lags": 1, "X": [np.zeros(9)]}),
        (
            ValueError,
            "X must have as many series as y, 1, got 2",
            {"y": [np.ones(9)], "lags": 1, "X": [np.ones(9)] * 2},
        ),
        (
            ValueError,
            r"y\[1\] must have as many columns as y\[0\], 1, got 2",
            {"y": [np.ones(9), np.ones((9, 2))], "lags": 1},
        ),
        (
            ValueError,
            "finite numbers, got nan at step 4; where a series has gaps",
            {"y": [0, 1, 2, 3, np.nan, 5], "lags": 1},
        ),
        (
            ValueError,
            r"y\[1\] must hold finite numbers, got inf at step 0, column 1",
            {"y": [np.ones((9, 2)), np.full((9, 2), [0, np.inf])], "lags": 1},
        ),
        (ValueError, "y must hold numbers, got dtype <U1", {"y": np.array(["a", "b"]), "lags": 1}),
        (
            ValueError,
            "y must hold numbers, got objects such as None",
            {"y": np.array([None, "a"]), "lags": 1},
        ),
        (
            TypeError,
            "y must be an array without a mask",
            {"y": np.ma.masked_equal([1.0, 2, 9, 4], 9), "lags": 1},
        ),
        (ValueError, "lags must be at most 1000000, got 1099511627776", {"y": np.ones(9), "lags": 2**40}),
        (ValueError, r"y must be a series of shape .* got shape \(0,\)", {"y": [], "lags": 1}),
        (ValueError, r"y must be a series of shape .* got shape \(\)", {"y": 3.0, "lags": 1}),
        (ValueError, "y must hold at least one series, got none", {"y": np.zeros((0, 5, 1)), "lags": 1}),
    ],
)
def test_what_a_table_refuses(error, message, arguments):
    with pytest.raises(error, match=message):
        fp.lagged(**{"y": np.arange(9.0), **arguments})


class Constant:
    """A model that always says the same."""

    def __init__(self, *says):
        self.says = says

    def predict(self, X):
        return np.tile(self.says, (len(X), 1))


class Grows:
    """A model that says far more than it sees, or infinity."""

    def predict(self, X):
        return np.where(X > 1e100, np.inf, 1e200)


def test_what_a_forecast_refuses():
    y = np.arange(9.0)
    model = LinearRegression().fit(np.eye(2), [0, 1])
    with pytest.raises(TypeError, match="model must have a method predict, got int"):
        fp.forecast(3, y, 1, lags=1)
    with pytest.raises(TypeError, match=r"n_steps must be an int, got 1\.0"):
        fp.forecast(model, y, 1.0, lags=2)
    with pytest.raises(ValueError, match="n_steps must be at least 1, got 0"):
        fp.forecast(model, y, 0, lags=2)
    with pytest.raises(ValueError, match=r"must be those of the table .* 2 column\(s\), these make 3"):
        fp.forecast(model, y, 1, lags=3)
    with pytest.raises(ValueError, match="y must have at least as many steps as the largest lag, 2, got 1"):
        fp.forecast(model, y[:1], 1, lags=2)
    with pytest.raises(
        ValueError, match=r"model must predict 1 output\(s\) a row, as y has, got shape \(1, 2\)"
    ):
        fp.forecast(Constant(1.0, 2.0), y, 1, lags=2)
    with pytest.raises(ValueError, match=r"prediction 2 step\(s\) ahead is not finite"):
        fp.forecast(Grows(), y, 5, lags=1)
