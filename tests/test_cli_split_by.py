"""``ferroprop train --split-by``: the test rows are later, or of other groups, than all training rows."""

import tomllib
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import PENGUINS, complaint, succeed
from ferroprop.cli.model_file import read_card
from ferroprop.cli.problem import Problem
from ferroprop.cli.split_by import is_ordered, split_by
from hypothesis import given
from hypothesis import strategies as st

QUICK = ["--model", "mlp", "--epochs", "3", "--hidden", "4"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sales(folder: Path) -> Path:
    """Return a table of 120 days in mixed order, ten shops."""
    days = np.random.default_rng(0).permutation(120)
    lines = [
        f"{date(2024, 1, 1) + timedelta(days=int(day))},shop {day % 10},{day % 7 + 0.5},{day * 3.25}"
        for day in days
    ]
    Path("sales.csv").write_text("\n".join(["day,shop,size,revenue", *lines]))
    return Path("sales.csv")


def test_the_latest_rows_are_the_test(sales: Path, monkeypatch: pytest.MonkeyPatch):
    from ferroprop.cli import train

    seen = {}
    original = train.split_by

    def noted(keys, y, *settings):
        split = original(keys, y, *settings)
        seen.update(test=y[split.test], train=y[split.train])
        return split

    monkeypatch.setattr(train, "split_by", noted)
    result = succeed("train", sales, "--target", "revenue", *QUICK, "--split-by", "day", "--ignore", "day")
    assert "rows to test: the latest by 'day'" in result.stderr
    assert len(seen["test"]) == 24
    assert seen["test"].min() > seen["train"].max()  # the revenue grows by the day


def test_groups_are_never_parted_and_the_configuration_has_the_option(sales: Path):
    options = (
        "train",
        sales,
        "--target",
        "revenue",
        *QUICK,
        "--split-by",
        "shop",
        "--save-config",
        "run.toml",
    )
    result = succeed(*options, "--save", "a.skops")
    assert "rows to test: of groups of their own by 'shop'" in result.stderr
    assert (read_card(Path("a.skops")).train_rows, read_card(Path("a.skops")).test_rows) == (96, 24)
    assert tomllib.loads(Path("run.toml").read_text(encoding="utf-8"))["split-by"] == "shop"
    succeed("train", "--config", "run.toml", "--save", "b.skops")
    assert read_card(Path("b.skops")).scores == read_card(Path("a.skops")).scores


def test_a_table_with_dates_is_noted(sales: Path):
    start = ("train", sales, "--target", "revenue", *QUICK)
    note = "note: the rows to test are drawn at random; --split-by day takes the latest"
    assert note in " ".join(succeed(*start).stderr.split())
    assert note not in " ".join(succeed(*start, "--split-by", "day").stderr.split())
    assert note not in " ".join(succeed(*start, "--ignore", "day").stderr.split())


def test_bad_requests(sales: Path):
    start = ("train", sales, "--target", "revenue", *QUICK)
    assert complaint(*start, "--split-by", "days") == (
        "--split-by: no column 'days' in the table; did you mean 'day'?"
    )
    assert complaint(*start, "--split-by", "day", "--cv", 3).startswith("--split-by: got 'day' with --cv 3")
    assert complaint("train", PENGUINS, "--target", "species", *QUICK, "--split-by", "species").startswith(
        "--split-by: 'species' leaves 0 rows of class "
    )


@given(
    keys=st.lists(st.integers(0, 6) | st.none(), min_size=6, max_size=40),
    test_size=st.floats(0.05, 0.5),
    seed=st.integers(0, 9),
    by_time=st.booleans(),
)
def test_equal_keys_stay_together(keys, test_size, seed, by_time):
    series = pl.Series("key", keys, dtype=pl.Int64)
    series = series.cast(pl.Datetime("us")) if by_time else series.cast(pl.String)
    assert is_ordered(series) == by_time
    y = np.arange(float(len(keys)))
    known = set(keys) - {None} if by_time else set(keys)
    if len(known) < 2 or min(keys.count(key) for key in set(keys)) < 2:
        return  # may be refused, as the next test shows
    split = split_by(series, y, "regression", test_size, seed)
    assert sorted([*split.train, *split.test]) == list(range(len(keys)))
    trained, tested = ({keys[row] for row in rows} for rows in (split.train, split.test))
    assert not trained & tested
    if by_time:
        assert None not in tested
        assert max(trained - {None}) < min(tested)
        wanted = max(np.ceil(test_size * len(keys)), 2)
        later = [key for key in keys if key is not None and key > min(tested)]
        assert len(later) < wanted  # no more dates than needed
    assert len(split.train) >= 2
    assert len(split.test) >= 2


def test_without_two_dates_or_groups():
    y = np.arange(4.0)
    with pytest.raises(Problem, match="all dates of column 'day' are the same"):
        split_by(pl.Series("day", [5, 5, None, 5]).cast(pl.Datetime("us")), y, "regression", 0.2, 0)
    with pytest.raises(Problem, match="all rows have the same 'shop'"):
        split_by(pl.Series("shop", ["a"] * 4), y, "regression", 0.2, 0)
    with pytest.raises(Problem, match="'shop' leaves 1 row to train and 3 to test"):
        split_by(pl.Series("shop", ["a", "b", "b", "b"]), y, "regression", 0.9, 3)
