"""What the tabular estimators warn of: leaks, identifiers, rows in both parts, tables of another kind."""

import warnings

import numpy as np
import pandas as pd
import pytest
from ferroprop.tabular import DataWarning, TabularMLPClassifier, TabularMLPRegressor

QUICK = {"n_members": 1, "max_iter": 1, "numeric_encoding": "linear", "random_state": 0}


def table_of(n_rows=120, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"x": rng.normal(size=n_rows), "c": rng.choice(list("abc"), n_rows)})
    return table, table["x"].to_numpy() + rng.normal(size=n_rows)


def warned(estimator, table, y, **given):
    """Return what a fit warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(table, y, **given)
    assert all(warning.category is DataWarning for warning in caught)
    return [str(warning.message) for warning in caught]


def test_an_ordinary_table_is_not_doubted():
    table, target = table_of()
    assert warned(TabularMLPRegressor(**QUICK), table, target) == []
    assert warned(TabularMLPClassifier(**QUICK), table, target > 0) == []


@pytest.mark.parametrize(
    "leak",
    [
        lambda target: np.exp(target),
        lambda target: -3 * target + 7,
        lambda target: np.where(np.arange(len(target)) % 3 == 0, np.nan, target),
    ],
)
def test_a_column_that_is_the_target_in_other_units(leak):
    table, target = table_of()
    (message,) = warned(TabularMLPRegressor(**QUICK), table.assign(leak=leak(target)), target)
    assert "Column 'leak' nearly is the target: their rank correlation is" in message


@pytest.mark.parametrize(
    "leak",
    [
        lambda y: np.where(y, "closed", "open"),
        lambda y: y * 5.0 + np.arange(len(y)) % 3,
        lambda y: pd.Series(np.where(y, 1.0, np.nan)),
        lambda y: pd.to_datetime(np.where(y, "2024-05-01", None)),
        lambda y: pd.Series(np.where(y, "why it was closed", None)),
    ],
)
def test_a_column_that_is_only_known_after_the_class(leak):
    table, target = table_of()
    y = target > 0.3
    (message,) = warned(TabularMLPClassifier(**QUICK), table.assign(leak=leak(y)), np.where(y, "bad", "good"))
    assert "Column 'leak' nearly is the target: it alone tells the class of 100.0% of the rows" in message


def test_a_good_column_is_no_leak():
    table, target = table_of(400)
    y = target > 0
    flipped = np.where(np.random.default_rng(1).random(400) < 0.05, ~y, y)
    assert warned(TabularMLPClassifier(**QUICK), table.assign(good=flipped), y) == []
    assert warned(TabularMLPRegressor(**QUICK), table.assign(good=target + 0.1 * table["x"]), target) == []


def test_identifiers():
    table, target = table_of()
    rng = np.random.default_rng(0)
    named = table.assign(
        number=rng.permutation(120) + 1000,
        name=[f"row {row}" for row in range(120)],
        id_as_float=np.arange(120.0),
    )
    messages = warned(TabularMLPRegressor(**QUICK), named, target)
    assert len(messages) == 3
    assert "'number' counts the rows, from 1000 to 1119" in messages[0]
    assert "'name': each of its 120 values stands in one row" in messages[1]
    assert "'id_as_float' counts the rows" in messages[2]


def test_columns_without_a_value():
    table, target = table_of()
    empty = table.assign(
        number=np.nan,
        text=pd.Series([None] * 120, dtype="string"),
        day=pd.NaT,
        code=pd.Categorical([None] * 120),
    )
    (message,) = warned(TabularMLPRegressor(**QUICK), empty, target)
    assert message.startswith("Columns 'number', 'text', 'day', 'code': no value in any of the rows.")
    more = empty.assign(**{f"e{place}": None for place in range(4)})
    (message,) = warned(TabularMLPRegressor(**QUICK), more, target)
    assert "'code', 'e0' and 3 more: no value" in message
    assert warned(TabularMLPRegressor(**QUICK), more[:40], target[:40]) == []
    assert warned(TabularMLPRegressor(**QUICK), table.assign(one=1, a="a"), target) == []
    weight = (np.arange(120) < 60).astype(float)
    half = table.assign(later=np.where(weight > 0, np.nan, 1.0))
    (message,) = warned(TabularMLPRegressor(**QUICK), half, target, sample_weight=weight)
    assert message.startswith("Column 'later': no value in any row of positive weight.")


def test_numbers_that_do_not_count_rows():
    table, target = table_of()
    other = table.assign(
        even=2 * np.arange(120), twice=np.arange(120) // 2, gap=[*range(119), 500], part=np.arange(120) + 0.5
    )
    messages = warned(TabularMLPRegressor(**QUICK), other, target)
    assert messages == []


def test_rows_in_both_parts():
    table, target = table_of()
    messages = warned(
        TabularMLPRegressor(**QUICK), table[:100], target[:100], X_val=table[90:], y_val=target[90:]
    )
    assert messages == [
        "10 of the 30 rows of X_val stand in X as well, the first of them is row 0: the loss on them says "
        "nothing about other rows."
    ]
    assert (
        warned(TabularMLPRegressor(**QUICK), table[:100], target[:100], X_val=table[100:], y_val=target[100:])
        == []
    )


def test_a_table_of_another_kind():
    table, target = table_of()
    mlp = TabularMLPRegressor(**QUICK).fit(table, target)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mlp.predict(table)
        mlp.predict(table.assign(x=100.0)[:5])  # too few rows to say anything of the table
        mlp.predict(table[table["c"] == "a"])
    with pytest.warns(DataWarning, match="'x': 100% of its values are outside of what fit has seen"):
        mlp.predict(table.assign(x=1000 * table["x"].abs() + 1000))
    with pytest.warns(DataWarning, match="'c': 100% of its values are outside"):
        mlp.predict(table.assign(c=table["c"].str.upper()))
    with pytest.warns(DataWarning, match="'x' is missing in 100% of the rows, in fit it was in 0%"):
        mlp.predict(table.assign(x=None))


def test_warnings_as_errors_change_nothing():
    table, target = table_of()
    mlp = TabularMLPRegressor(**QUICK).fit(table, target)
    before = dict(mlp.__dict__)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataWarning):
            mlp.fit(table.assign(leak=target), target)
    assert mlp.__dict__ == before
