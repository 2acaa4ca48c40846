"""``ferroprop train --test TABLE --validation TABLE``: the user's own test and validation rows."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import FAST, PENGUINS, complaint, succeed
from ferroprop.cli import load_model
from ferroprop.cli.columns import features
from ferroprop.cli.model_file import read_card
from sklearn.base import clone

QUICK = ["--members", "2", "--hidden", "8", "--epochs", "6"]
SPECIES = ["--target", "species"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three parts of the penguins; the last one is written in another way, and has a class of its own."""
    folder = tmp_path_factory.mktemp("parts")
    penguins = pl.read_csv(PENGUINS, infer_schema_length=None)
    penguins = penguins.sample(penguins.height, shuffle=True, seed=1)
    penguins[:200].write_csv(folder / "train.csv")
    penguins[200:270].write_csv(folder / "validation.csv")
    penguins[270:].write_csv(folder / "test.csv")
    strange = penguins[270:].with_columns(
        pl.when(pl.int_range(pl.len()) == 3).then(pl.lit("Emperor")).otherwise("species").alias("species")
    )
    strange.write_parquet(folder / "strange.parquet")
    return folder


def rows(card, path):
    """Return the features and the target of a part."""
    frame = pl.read_csv(path, infer_schema_length=None).filter(pl.col(card.target).is_not_null())
    return features(frame, card.columns, path.name), frame[card.target].to_numpy()


@pytest.mark.parametrize(("target", "options"), [("species", FAST), ("body_mass_g", QUICK)])
def test_the_scores_are_those_of_evaluate_on_this_table(folder: Path, tmp_path: Path, target: str, options):
    model, page = tmp_path / "model.skops", tmp_path / "page.html"
    said = succeed(
        *("train", folder / "train.csv", "--target", target, "--test", folder / "test.csv"),
        *("--save", model, "--report", page, "--json", *options),
    )
    trained = json.loads(said.stdout)
    evaluated = json.loads(succeed("evaluate", model, folder / "test.csv", "--json").stdout)
    assert trained["test_rows"] == evaluated["rows"]
    known = (pl.read_csv(folder / "train.csv", infer_schema=False)[target] != "NA").sum()
    assert trained["train_rows"] == known  # all of them
    for own, of_evaluate in zip(trained["scores"], evaluated["scores"], strict=True):
        assert own["name"] == of_evaluate["name"]
        assert own["network"] == of_evaluate["network"]
    assert "test.csv" in page.read_text("utf-8")
    assert f"rows of test.csv: {evaluated['rows']} to test" in said.stderr


def test_the_rows_to_validate_choose_the_epochs(folder: Path, tmp_path: Path):
    model = tmp_path / "model.skops"
    start = ["train", folder / "train.csv", *SPECIES, *QUICK, "--save", model, "--test", folder / "test.csv"]
    said = succeed(*start, "--validation", folder / "validation.csv").stderr
    assert "rows of validation.csv: 70 to validate" in said
    trained, card = load_model(model), read_card(model)
    (X, y), (X_val, y_val) = (rows(card, folder / f"{part}.csv") for part in ("train", "validation"))
    own = clone(trained).fit(X, y, X_val=X_val, y_val=y_val)
    X_test, _ = rows(card, folder / "test.csv")
    np.testing.assert_array_equal(trained.predict_proba(X_test), own.predict_proba(X_test))
    assert not np.array_equal(
        own.predict_proba(X_test), clone(trained).fit(X, y).predict_proba(X_test)
    )  # by folds


def test_a_configuration_has_the_tables(folder: Path, tmp_path: Path):
    config, model = tmp_path / "run.toml", tmp_path / "model.skops"
    start = ["train", folder / "train.csv", *SPECIES, *FAST, "--test", folder / "test.csv", "--json"]
    first = json.loads(succeed(*start, "--save-config", config, "--save", model).stdout)
    assert "test-size" not in config.read_text()
    again = json.loads(succeed("train", "--config", config, "--json").stdout)
    assert again["scores"] == first["scores"]


def test_rows_that_the_model_cannot_know_are_left_out(folder: Path):
    start = ["train", folder / "train.csv", *SPECIES, *FAST]
    said = succeed(*start, "--test", folder / "strange.parquet").stderr
    assert "'Emperor': a class that training did not have; such rows are left out" in " ".join(said.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--test", "test.csv", "--test-size", "0.2"], "--test: got 'test.csv' with --test-size 0.2"),
        (["--test", "test.csv", "--cv", "3"], "--test: got 'test.csv' with --cv 3"),
        (["--test", "test.csv", "--split-by", "sex"], "--test: got 'test.csv' with --split-by sex"),
        (["--validation", "validation.csv", "--cv", "3"], "--validation: got 'validation.csv' with --cv 3"),
        (["--validation", "validation.csv", *FAST], "--validation: got 'validation.csv' with --model mlp"),
        (["--test", "none.csv"], "--test: cannot read 'none.csv'"),
        (["--test", "other.csv"], "--test: 'other.csv' lacks the columns"),
        (["--test", "no-target.csv"], "--test: 'no-target.csv' lacks the target 'species'"),
        (["--test", "test.csv", "--save", "test.csv"], "--save: 'test.csv' is also --test"),
    ],
)
def test_what_cannot_be(folder: Path, monkeypatch: pytest.MonkeyPatch, options, message: str):
    monkeypatch.chdir(folder)
    Path("other.csv").write_text("species,sex\nAdelie,male\n")
    pl.read_csv("test.csv").drop("species").write_csv("no-target.csv")
    assert complaint("train", "train.csv", *SPECIES, *options).startswith(message)
