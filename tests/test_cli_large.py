"""Tables larger than half of the memory in the command line; the tests say how much memory there is."""

import json

import numpy as np
import polars as pl
import pytest
from command_line import FAST, complaint, run, succeed
from ferroprop.cli import large
from ferroprop.estimators._samples import stays_in_place

pytest.importorskip("pyarrow", reason="large tables are read by pyarrow, which is not installed")

ROWS = 6_000
MEMORY = 400_000  # the table takes 288,000 bytes, the sample 1,000 rows


def frame():
    random = np.random.default_rng(0)
    size, age = random.normal(size=ROWS) * 40 + 100, random.integers(0, 90, ROWS)
    place = np.array(["north", "south", "west"])[random.integers(0, 3, ROWS)]
    has_lift = random.random(ROWS) < 0.5
    price = size * 3 + (place == "south") * 60 - age + has_lift * 20 + random.normal(size=ROWS)
    gaps = np.where(random.random(ROWS) < 0.1, np.nan, size)
    columns = {"size": gaps, "age": age, "place": place, "has_lift": has_lift}
    return pl.DataFrame({**columns, "kind": np.where(price > 280, "dear", "cheap"), "price": price})


def row_that_is(*, not_in_the_sample):
    """Return the number of a row that has a target in all tests."""
    drawn = set(np.random.default_rng(0).choice(ROWS, 1_000, replace=False).tolist())
    return next(row for row in range(5_000, ROWS) if row % 10 != 3 and (row in drawn) != not_in_the_sample)


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Return a table that is too large for the memory that there is said to be."""
    frame().write_parquet(tmp_path / "flats.parquet", row_group_size=1_500)
    monkeypatch.setattr(large, "available_memory", lambda: MEMORY)
    return tmp_path / "flats.parquet"


@pytest.fixture
def inputs(monkeypatch):
    """Return a list of what networks are fitted to, from then on."""
    seen, new_network = [], large.pipeline.new_network

    def spied(*arguments):
        network = new_network(*arguments)
        fit = type(network).fit

        class Spied(type(network)):
            def fit(self, X, y, *rest):
                seen.append((X.shape, X.dtype, stays_in_place(X), self.shuffle))
                return fit(self, X, y, *rest)

        Spied.__name__ = type(network).__name__
        network.__class__ = Spied
        return network

    monkeypatch.setattr(large.pipeline, "new_network", spied)
    return seen


@pytest.mark.parametrize("target", ["price", "kind"])
@pytest.mark.parametrize("solver", ["rprop", "adam", "lbfgs"])
def test_training_reads_rows_from_a_file(table, inputs, monkeypatch, target, solver):
    other = "kind" if target == "price" else "price"
    command = ["train", table, "--target", target, "--ignore", other, *FAST, "--solver", solver, "--json"]
    found = json.loads(succeed(*command).stdout)
    # 200 of the sample of 1,000 rows are for the test; three places, two answers and a number each
    assert inputs == [((5_800, 7), np.float32, True, "blocks")]
    assert (found["train_rows"], found["test_rows"]) == (5_800, 200)
    monkeypatch.undo()
    whole = json.loads(succeed(*command).stdout)
    best, whole_best = (result["scores"][0] for result in (found, whole))
    assert best["network"] == pytest.approx(whole_best["network"], abs=0.05)


def test_the_model_is_one_like_others(table, tmp_path):
    model = tmp_path / "model.skops"
    said = succeed("train", table, "--target", "kind", "--ignore", "price", *FAST, "--save", model).stderr
    assert "6,000 rows of 6 columns take" in said
    assert "more than half of the" in said
    predicted = tmp_path / "predicted.parquet"
    succeed("predict", model, table, "--output", predicted)
    answers = pl.read_parquet(predicted)
    assert set(answers["predicted_kind"]) == {"cheap", "dear"}
    assert (answers["predicted_kind"] == answers["kind"]).mean() > 0.9
    assert "cheap" in succeed("info", model).stdout


def test_rows_without_a_known_target_are_left_out(tmp_path, monkeypatch):
    whole = frame().with_row_index()
    rare = row_that_is(not_in_the_sample=True)
    kinds = pl.when(pl.col("index") == rare).then(pl.lit("palace")).otherwise(pl.col("kind"))
    kinds = pl.when(pl.col("index") % 10 == 3).then(None).otherwise(kinds).alias("kind")
    whole.with_columns(kinds).drop("index").write_parquet(tmp_path / "flats.parquet")
    monkeypatch.setattr(large, "available_memory", lambda: MEMORY)
    result = succeed(
        "train", tmp_path / "flats.parquet", "--target", "kind", "--ignore", "price", *FAST, "--json"
    )
    found = json.loads(result.stdout)
    assert "1 row of 1 class that the sample does not have left out: 'palace'" in " ".join(found["notes"])
    assert found["train_rows"] + found["test_rows"] == 5_399


def test_what_needs_all_rows_in_memory_is_refused(table, monkeypatch):
    said = complaint("train", table, "--target", "price")
    assert (
        "--model: got tabular, whose networks need all rows in memory; 6,000 rows of 6 columns take" in said
    )
    assert "Expected --model mlp" in said
    for option, value in (("--cv", 3), ("--split-by", "place")):
        said = complaint("train", table, "--target", "price", *FAST, option, value)
        assert f"{option}: needs all rows in memory; 6,000 rows" in said

    def absent(path):
        raise ImportError

    monkeypatch.setattr(large, "ParquetSource", absent)
    assert 'pip install "ferroprop[parquet]"' in complaint("train", table, "--target", "price", *FAST)


@pytest.mark.parametrize("not_in_the_sample", [True, False])
def test_a_bad_cell_is_found_by_its_row_in_the_file(tmp_path, monkeypatch, not_in_the_sample):
    row = row_that_is(not_in_the_sample=not_in_the_sample)
    sizes = frame()["size"].to_list()
    sizes[row] = 1e200
    frame().with_columns(pl.Series("size", sizes)).write_parquet(tmp_path / "flats.parquet")
    monkeypatch.setattr(large, "available_memory", lambda: MEMORY)
    said = complaint("train", tmp_path / "flats.parquet", "--target", "price", *FAST)
    where = f"column 'size' of 'flats.parquet' has '1e+200' in row {row + 1}"
    assert f"{where}; expected finite numbers up to 1e100" in said


def test_a_full_disk_is_told_of(table, monkeypatch):
    class Usage:
        free = 1000

    monkeypatch.setattr(large.shutil, "disk_usage", lambda folder: Usage)
    said = complaint("train", table, "--target", "price", *FAST)
    assert "its rows take" in said
    assert "TMPDIR" in said


def test_small_tables_are_read_as_before(table, monkeypatch):
    monkeypatch.setattr(large, "available_memory", lambda: 10 * MEMORY)
    assert large.large_table(table) is None
    monkeypatch.setattr(large, "available_memory", lambda: None)
    assert large.large_table(table) is None
    assert run("train", table.parent / "no.parquet", "--target", "price").exit_code == 2
