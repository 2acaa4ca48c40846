"""The command line with the estimators for tables, which it uses unless asked otherwise."""

import io
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import FEW, PENGUINS, succeed
from ferroprop import TabularMLPClassifier, TabularMLPRegressor, cli
from ferroprop.cli.card import Card
from ferroprop.cli.columns import features
from ferroprop.cli.ensemble import with_dates
from ferroprop.cli.fitting import inputs_of
from ferroprop.cli.model_file import load_model, read_card
from ferroprop.cli.reading.column import Column
from ferroprop.cli.reading.table import read_table
from numpy.testing import assert_array_equal


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def species_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "species.skops"
    succeed("train", PENGUINS, "--target", "species", "--save", path, *FEW)
    return path


def test_it_is_what_is_trained_by_default(folder: Path):
    result = succeed("train", PENGUINS, "--target", "species", "--save", "m.skops", "--plot", "p.png", *FEW)
    assert "rows: 275 to train, 69 to test\n" in result.stderr
    progress = [line.split()[1] for line in result.stderr.splitlines() if line.startswith("epoch")]
    # two networks, and the first one three times more
    assert (progress[0], progress[-1]) == ("1/150", "150/150")
    assert "epoch 150/150  5 networks  validation loss" in result.stderr
    lines = {line[:18].strip(): line[18:].split() for line in result.stdout.splitlines()}
    assert lines["score"] == ["2", "networks", "baseline"]
    assert float(lines["accuracy"][0]) > 0.9
    end = r"Trained 5 networks in \S+ s with adamw and kept 2, of 30 epochs each: best validation loss"
    assert re.search(end, " ".join(result.stdout.split()))
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")
    model, card = load_model(Path("m.skops")), read_card(Path("m.skops"))
    assert isinstance(model, TabularMLPClassifier)
    assert (model.n_members, model.hidden_layer_sizes, model.max_iter, model.callback) == (2, (32,), 30, None)
    assert (card.model, len(card.history), card.history[0].epochs) == ("tabular", 2, 30)
    assert card.trained == 5
    del (plain := card.to_plain())["trained"]
    assert Card.from_plain(plain).trained == 2  # a file of before
    assert [history.best_epoch for history in card.history] == [h["best_epoch"] for h in model.history_]
    assert [layer.activation for layer in card.layers] == ["silu", "softmax"]


def test_a_regressor_and_its_predictions(folder: Path):
    result = succeed("train", PENGUINS, "--target", "body_mass_g", "--save", "m.skops", "--quiet", *FEW)
    assert result.stderr == ""
    assert re.search(r"Trained \d networks in \S+ s with adamw and kept \d, of 30 epochs", result.stdout)
    assert isinstance(load_model(Path("m.skops")), TabularMLPRegressor)
    assert read_card(Path("m.skops")).scores[0].network > 0.7
    succeed("predict", "m.skops", PENGUINS, "--output", "out.csv")
    assert pl.read_csv("out.csv")["predicted_body_mass_g"].is_between(2500, 6500).all()


def test_predictions_equal_those_of_the_saved_model(species_model: Path, folder: Path):
    succeed("predict", species_model, PENGUINS, "--output", "out.csv")
    card, model = read_card(species_model), load_model(species_model)
    X = inputs_of(card.model, features(read_table(PENGUINS).frame, card.columns, ""), card.columns)
    out = pl.read_csv("out.csv")
    assert_array_equal(out["predicted_species"].to_numpy(), model.predict(X))
    assert_array_equal(out.select(pl.col("^probability_.*$")).to_numpy(), model.predict_proba(X))


def test_info_and_json_tell_of_each_network(species_model: Path, folder: Path):
    out = succeed("info", species_model).stdout
    assert re.search(r"2 networks with [\d,]+ parameters each", out)
    rows = [line.split() for line in out.splitlines() if re.match(r" *[12] +30 ", line)]
    assert [row[0] for row in rows] == ["1", "2"]
    assert all(0.0 < float(row[3]) < 1.1 for row in rows)  # the validation loss of three classes
    card = json.loads(succeed("info", species_model, "--json").stdout)
    assert (card["model"], len(card["history"]), card["history"][0]["score_name"]) == ("tabular", 2, "loss")


def test_what_is_strange_in_a_table_to_predict_is_noted(species_model: Path, folder: Path):
    strange = pl.col("body_mass_g").cast(pl.Float64) * 1000
    frame = pl.read_csv(PENGUINS, null_values="NA", infer_schema_length=None)
    frame.with_columns(strange, island=pl.lit("Mars")).write_csv("new.csv")
    notes = succeed("predict", species_model, "new.csv", "--output", "out.csv").stderr
    assert "note: column 'island' has categories that training did not: 'Mars'" in notes
    assert re.search(
        r"note: Column 'body_mass_g': \d+% of its values are outside of what fit has seen", notes
    )
    assert succeed("predict", species_model, PENGUINS, "--output", "out.csv").stderr == ""


def test_a_leak_is_noted(folder: Path):
    frame = pl.read_csv(PENGUINS, null_values="NA", infer_schema_length=None).drop_nulls()
    wrong_twice = pl.when(pl.int_range(pl.len()) < 2).then(pl.lit("Gentoo")).otherwise(pl.col("species"))
    frame.with_columns(found=wrong_twice).write_csv("leak.csv")
    assert "note: Column 'found' nearly is the target" in (
        succeed("train", "leak.csv", "--target", "species", "--save", "m.skops", *FEW).stderr
    )
    assert any("'found'" in note for note in read_card(Path("m.skops")).notes)


def test_copies_among_training_and_test_rows_are_noted(folder: Path):
    lines = PENGUINS.read_text().splitlines(keepends=True)
    Path("twice.csv").write_text("".join([*lines, *lines[1:]]))
    result = succeed("train", "twice.csv", "--target", "species", "--model", "mlp", "--epochs", "3")
    assert re.search(r"note: \d+ rows of the 138 to test equal training rows, target included", result.stderr)
    result = succeed("train", PENGUINS, "--target", "species", "--model", "mlp", "--epochs", "3")
    assert "equal training rows" not in result.stderr


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_copies_in_a_table_of_test_rows_are_noted(folder: Path, target: str):
    head, *rows = PENGUINS.read_text().splitlines(keepends=True)
    Path("first.csv").write_text("".join([head, *rows[::2]]))
    Path("other.csv").write_text("".join([head, *rows[1::2]]))
    start = ("train", "first.csv", "--target", target, "--model", "mlp", "--epochs", "3")
    known = len([row for row in rows[::2] if target == "species" or row.split(",")[5] != "NA"])
    assert (
        f"note: {known} rows of the {known} to test equal training rows, target included"
        in succeed(*start, "--test", "first.csv").stderr
    )
    assert "equal training rows" not in succeed(*start, "--test", "other.csv").stderr
    no_year = [",".join([*row.rstrip().split(",")[:-1], "NA\n"]) for row in rows]
    Path("no-year.csv").write_text("".join([head, *no_year]))
    assert "equal training rows" not in succeed(*start, "--test", "no-year.csv").stderr


def test_warnings_of_the_test_rows_are_notes(folder: Path, recwarn: pytest.WarningsRecorder):
    start = ("train", PENGUINS, "--target", "species", *FEW, "--split-by", "year")
    result = succeed(*start, "--save", "m.skops", "--report", "m.html")
    note = "Column 'year': 100% of its values are outside of what fit has seen"
    assert result.stderr.count(note) == result.stderr.count(f"note: {note}") == 1
    assert any(note in said for said in read_card(Path("m.skops")).notes)
    assert succeed(*start, "--quiet").stderr == ""
    late = PENGUINS.read_text().replace(",200", ",204")
    Path("late.csv").write_text(late)
    assert succeed("evaluate", "m.skops", "late.csv").stderr.count("note: Column 'year': ") == 1
    assert [one for one in recwarn if "Column 'year'" in str(one.message)] == []


def test_categories_and_dates_stay_what_they_were_read_as(folder: Path):
    rng = np.random.default_rng(0)
    rows = [(f"{10000 + 7 * (i % 5)}", f"{1 + i % 28:02}.03.2024", i % 28) for i in range(80)]
    text = "".join(f"{code},{day},{y + rng.normal():.3f}\n" for code, day, y in rows)
    Path("t.csv").write_text("zip,day,y\n" + text)
    succeed("train", "t.csv", "--target", "y", "--category", "zip", "--save", "m.skops", *FEW)
    kinds = {column.name: column.kind for column in load_model(Path("m.skops")).encoder_.columns_}
    assert kinds == {"zip": "category", "day": "date"}


def test_days_become_the_very_microsecond():
    days = pl.DataFrame({"d": ["1970-01-01T00:00:00", "2024-02-29T23:59:59.999999", None, "1815-12-10"]})
    column = Column("d", "date")
    frame = days.with_columns(pl.col("d").str.to_datetime(strict=False))
    assert with_dates(features(frame, [column], ""), [column]).equals(frame)


def test_a_configuration_has_the_options_of_its_model(folder: Path):
    succeed("train", PENGUINS, "--target", "species", "--save-config", "run.toml", "--save", "a.skops", *FEW)
    text = Path("run.toml").read_text(encoding="utf-8")
    assert (
        'model = "tabular"\nmembers = 2\nhidden = "32"\nepochs = 30\nlearning-rate = 0.01\nseed = 0\n' in text
    )
    assert "solver" not in text
    first = read_card(Path("a.skops"))
    succeed("train", "--config", "run.toml")
    again = read_card(Path("a.skops"))
    assert (again.history, again.scores) == (first.history, first.scores)


def test_a_model_in_python_predicts_what_the_command_predicts(species_model: Path, folder: Path):
    model = cli.load_model(str(species_model))
    rows = pl.read_csv(PENGUINS, null_values="NA").with_columns(pl.col("sex").fill_null("NA"))
    predicted = model.predict_proba(rows.select(model.feature_names_in_))
    text = succeed("predict", species_model, PENGUINS, "--quiet").stdout
    of_command = pl.read_csv(io.StringIO(text)).select("^probability_.*$").to_numpy()
    np.testing.assert_allclose(predicted, of_command, rtol=0, atol=1e-6)


def test_a_file_that_is_no_model_in_python(folder: Path):
    with pytest.raises(ValueError, match=r"^path: cannot read 'none.skops': No such file"):
        cli.load_model("none.skops")
    Path("m.skops").write_text("text")
    with pytest.raises(ValueError, match=r"^path: 'm.skops' is not a model file"):
        cli.load_model(Path("m.skops"))
