"""The command line: what it says, writes and refuses, through typer's runner and as a process of its own."""

import doctest
import importlib
import io
import json
import os
import pkgutil
import re
import signal
import subprocess
import sys
import zipfile
from contextlib import nullcontext
from datetime import date, datetime, time, timedelta
from pathlib import Path

import ferroprop as fp
import numpy as np
import polars as pl
import pytest
import skops.io
from command_line import FAST, PENGUINS, complaint, run, succeed
from ferroprop import cli
from ferroprop.__main__ import main
from ferroprop.cli.columns import features
from ferroprop.cli.model_file import CARD, load_model, read_card
from ferroprop.cli.progress import follow
from ferroprop.cli.reading.table import read_table
from ferroprop.cli.report import number
from numpy.testing import assert_array_equal
from rich.console import Console
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def species_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "species.skops"
    succeed("train", PENGUINS, "--target", "species", "--hidden", "8,5", "--save", path, "--quiet", *FAST)
    return path


@pytest.fixture(scope="module")
def mass_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "mass.skops"
    succeed("train", PENGUINS, "--target", "body_mass_g", "--save", path, "--quiet", *FAST)
    return path


def small_table(rows: int = 60) -> pl.DataFrame:
    """Return a table with a column of each kind and a target that follows from them."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=rows)
    day = date(2024, 1, 1)
    return pl.DataFrame(
        {
            "Größe": size,
            "面积": [None if index % 9 == 0 else float(index) for index in range(rows)],
            "sold [x]": [index % 3 == 0 for index in range(rows)],
            "colour": [["red", "green", None][index % 3] for index in range(rows)],
            "built": [day + timedelta(days=7 * index) for index in range(rows)],
            "seen": [datetime(2024, 1, 1, index % 24) for index in range(rows)],
            "opens": [time(index % 24) for index in range(rows)],
            "nothing": [None] * rows,
            "nan": [float("nan")] * rows,
            "constant": ["same"] * rows,
            "name": [f"row {index}" for index in range(rows)],
            "list": [[index] for index in range(rows)],
            "class": np.where(size > 0, "up", "down"),
            "flag": size > 0,
            "quantity": 3 * size + 1,
        }
    )


# Training


def test_training_a_classifier_says_what_it_found_and_how_good_it_is():
    result = succeed("train", PENGUINS, "--target", "species", "--model", "mlp")
    assert "penguins.csv: 344 rows, 8 columns" in result.stderr
    assert "classification of 'species' (text): 3 classes, 'Adelie', 'Chinstrap', 'Gentoo'" in result.stderr
    lines = {line[:18].strip(): line[18:].split() for line in result.stdout.splitlines()}
    assert float(lines["accuracy"][0]) > 0.95
    assert lines["accuracy"][1] == "0.4348"  # 30 of the 69 test rows are Adelie
    assert lines["balanced accuracy"][1] == "0.3333"
    assert float(lines["log loss"][0]) < 0.2 < 1 < float(lines["log loss"][1])
    assert "Trained " in result.stdout
    assert "Everything took " in result.stdout


def rarely_yes(signal: float) -> pl.DataFrame:
    """Return 600 rows of two classes, one of them with 3 % of the rows."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 3))
    rank = np.argsort(np.argsort(signal * x[:, 0] + rng.normal(size=600)))
    return pl.DataFrame(x, schema=["a", "b", "c"]).with_columns(
        pl.Series("churned", np.where(rank >= 582, "yes", "no"))
    )


def test_a_rare_class_is_ranked_though_accuracy_cannot_see_it(folder: Path):
    rarely_yes(2.0).write_csv("t.csv")
    result = succeed("train", "t.csv", "--target", "churned", "--model", "mlp", "--hidden", "none")
    lines = {line[:18].strip(): line[18:].split() for line in result.stdout.splitlines()}
    assert float(lines["ROC AUC"][0]) > 0.85 > 0.5 == float(lines["ROC AUC"][1])
    assert float(lines["log loss"][0]) < float(lines["log loss"][1])
    assert "Not better than the baseline" not in result.stdout


@pytest.mark.parametrize(
    "kind", [["--model", "mlp", "--hidden", "none"], ["--members", "1", "--epochs", "8"]]
)
def test_a_balanced_class_is_found_more_often(folder: Path, kind: list[str]):
    rarely_yes(0.7).write_csv("t.csv")
    recalls = []
    for weight in ([], ["--class-weight", "balanced"]):
        plain = json.loads(succeed("train", "t.csv", "--target", "churned", *kind, *weight, "--json").stdout)
        scores = {score["name"]: score["network"] for score in plain["scores"]}
        recalls.append(scores["balanced accuracy"])
    assert recalls[1] > recalls[0] + 0.05


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (["--model", "mlp", "--epochs", "1000000", "--patience", "1000000"], "until the time limit, in"),
        (["--model", "mlp", "--solver", "lbfgs", "--epochs", "1000000", "--alpha", "10"], "with lbfgs."),
        (["--members", "1", "--epochs", "5000"], "epochs, until the time limit"),
    ],
)
def test_a_training_ends_with_its_time(kind: list[str], sentence: str):
    seconds = "1e-06" if "lbfgs" in kind else "0.4"
    result = succeed("train", PENGUINS, "--target", "species", *kind, "--max-time", seconds)
    notes = [line for line in result.stderr.splitlines() if f"(max_time={seconds} s)" in line]
    assert len(notes) == 1, result.stderr
    assert sentence in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("solver", "end"), [("rprop", "rprop: best validation loss after epoch"), ("lbfgs", "lbfgs.")]
)
def test_the_last_sentence_tells_of_ctrl_c(monkeypatch: pytest.MonkeyPatch, solver: str, end: str):
    def interrupt(epoch: int, *_: object) -> None:
        if epoch == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("ferroprop.cli.train.follow", lambda *_, **__: nullcontext(interrupt))
    options = ("--model", "mlp", "--solver", solver, "--epochs", "5000")
    result = succeed("train", PENGUINS, "--target", "species", *options)
    assert re.search(rf"epochs?, until Ctrl-C, in .* with {end}", " ".join(result.stdout.split()))


def test_threads_change_nothing_and_are_no_setting_of_the_model():
    one, two = (
        json.loads(
            succeed(
                *("train", PENGUINS, "--target", "species", "--model", "mlp", "--dropout", "0.2"),
                *("--epochs", "30", "--threads", threads, "--json"),
            ).stdout
        )
        for threads in ("1", "2")
    )
    assert one["settings"] == two["settings"]
    assert one["settings"]["dropout"] == 0.2
    assert one["history"] == two["history"]


def test_dropout_is_refused_where_there_is_none():
    train = ("train", PENGUINS, "--target", "species", "--dropout", "0.2")
    assert complaint(*train) == "--dropout: got 0.2 with --model tabular; expected --model mlp"
    assert complaint(*train, "--model", "mlp", "--solver", "lbfgs").startswith(
        "--dropout: got 0.2 with --solver lbfgs"
    )


def test_classes_are_weighted_only_where_there_are_some():
    assert complaint("train", PENGUINS, "--target", "body_mass_g", "--class-weight", "balanced") == (
        "--class-weight: got balanced for 'body_mass_g', a quantity; expected a target of classes"
    )


def test_a_model_that_is_no_better_than_the_baseline_says_so(folder: Path):
    rarely_yes(0.0).write_csv("t.csv")
    result = succeed("train", "t.csv", "--target", "churned", "--model", "mlp")
    assert "Not better than the baseline in log loss: do not use this model." in result.stdout


def test_training_a_regressor_drops_rows_without_target():
    result = succeed("train", PENGUINS, "--target", "body_mass_g", "--model", "mlp")
    assert "regression of 'body_mass_g' (94 different whole numbers): from 2,700 to 6,300" in result.stderr
    assert "note: 2 rows without 'body_mass_g' left out" in result.stderr
    lines = {line[:6].strip(): line[6:].split() for line in result.stdout.splitlines()}
    assert float(lines["R²"][0]) > 0.75 > 0 > float(lines["R²"][1])
    assert float(lines["RMSE"][0]) < 450 < float(lines["RMSE"][1])
    assert float(lines["MAE"][0]) < 350 < float(lines["MAE"][1])


def test_progress_without_a_terminal_is_a_few_plain_lines():
    lines = succeed("train", PENGUINS, "--target", "species", *FAST, "--patience", "20").stderr.splitlines()
    epochs = [line for line in lines if line.startswith("epoch")]
    assert [line.split()[1] for line in epochs] == ["1/20", *(f"{epoch}/20" for epoch in range(2, 21, 2))]
    assert all("loss " in line and "validation loss " in line for line in epochs)
    assert not any("\x1b" in line or "━" in line for line in lines)


@pytest.mark.parametrize("width", [32, 40, 80])
def test_progress_on_a_terminal_of_any_width_has_every_number(width: int):
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=width, color_system=None)
    with follow(console, quiet=False) as tell:
        tell(47, 300, "loss 2.481e-05  validation loss 0.0031")
    last = output.getvalue()[output.getvalue().rindex("epoch") :]
    assert {"47/300", "2.481e-05", "0.0031"} <= set(last.split())
    assert "…" not in last
    assert ("━" in last) == (width == 80)


@pytest.mark.parametrize("width", [32, 40, 80])
def test_progress_of_several_networks_counts_those_that_have_begun(width: int):
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=width, color_system=None)
    with follow(console, quiet=False) as tell:
        tell(40, 600, "validation loss 0.2500", 1, 15)
        tell(560, 600, "validation loss 2.481e-05", 14, 15)
    *_, first = (line for line in output.getvalue().split("\r") if " 40/600" in line)
    last = output.getvalue()[output.getvalue().rindex("560/560") - 60 :]
    assert "2.481e-05" in last.split()
    assert "…" not in first + last
    if width == 80:  # fifteen were possible at most, fourteen came
        assert "1 of up to 15 networks ╸" in first
        assert "14 networks ━" in last


def test_quiet_training_says_only_the_results():
    result = succeed("train", PENGUINS, "--target", "species", "--quiet", *FAST)
    assert result.stderr == ""
    assert result.stdout.startswith("Scores on 69 test rows")


def test_the_same_command_gives_the_same_model(folder: Path):
    for name in ("a", "b"):
        succeed("train", PENGUINS, "--target", "species", "--save", f"{name}.skops", "--seed", 3, *FAST)
    a, b = read_card(Path("a.skops")), read_card(Path("b.skops"))
    assert a.history == b.history
    assert a.scores == b.scores
    succeed("train", PENGUINS, "--target", "species", "--save", "c.skops", "--seed", 4, *FAST)
    assert read_card(Path("c.skops")).history != a.history


@pytest.mark.parametrize("solver", ["rprop", "adam", "nadam", "sgd", "lbfgs"])
@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_every_solver_trains_both_tasks(folder: Path, solver: str, target: str):
    succeed(
        "train",
        PENGUINS,
        "--target",
        target,
        "--solver",
        solver,
        "--save",
        "m.skops",
        "--plot",
        "m.png",
        *FAST,
    )
    history = read_card(Path("m.skops")).history[0]
    assert history.solver == solver
    assert 1 <= history.epochs <= 20
    assert history.losses[-1] < history.losses[0]
    assert len(history.validation_scores) == (0 if solver == "lbfgs" else history.epochs)


def test_options_reach_the_network(folder: Path):
    succeed(
        *(
            "train",
            PENGUINS,
            "--target",
            "species",
            "--save",
            "m.skops",
            "--hidden",
            "7, 4",
            "--activation",
            "relu",
        ),
        *("--model", "mlp"),
        *("--solver", "adam", "--batch-size", 16, "--learning-rate", 0.01, "--alpha", 0.5, "--epochs", 3),
    )
    network = load_model(Path("m.skops")).named_steps["network"]
    assert network.hidden_layer_sizes == (7, 4)
    assert (network.activation, network.solver, network.batch_size) == ("relu", "adam", 16)
    assert (network.learning_rate_init, network.alpha, network.n_iter_) == (0.01, 0.5, 3)
    assert not network.verbose


def test_no_hidden_layer(folder: Path):
    succeed("train", PENGUINS, "--target", "species", "--save", "m.skops", "--hidden", "none", *FAST)
    assert [layer.activation for layer in read_card(Path("m.skops")).layers] == ["softmax"]


def test_the_task_can_be_chosen(folder: Path):
    assert "classification of 'year'" in succeed("train", PENGUINS, "--target", "year", *FAST).stderr
    result = succeed("train", PENGUINS, "--target", "year", "--task", "regression", *FAST)
    assert "regression of 'year' (as asked for)" in result.stderr


def test_columns_of_every_kind(folder: Path):
    small_table().write_parquet("table.parquet")
    result = succeed(
        *("train", "table.parquet", "--target", "class", "--save", "m.skops", "--ignore", "quantity"), *FAST
    )
    kinds = {column.name: column.kind for column in read_card(Path("m.skops")).columns}
    assert kinds == {
        "Größe": "number",
        "面积": "number",
        "sold [x]": "boolean",
        "colour": "category",
        "built": "date",
        "seen": "date",
        "opens": "duration",
        "flag": "boolean",
    }
    assert "note: columns 'nothing', 'nan' left out: it has no values" in result.stderr
    assert "note: column 'constant' left out: it is 'same' in every row" in result.stderr
    assert "note: column 'name' left out: its 60 texts are all different; --category name" in result.stderr
    assert "note: column 'list' left out: its type is List(Int64)" in result.stderr
    succeed("predict", "m.skops", "table.parquet", "--output", "out.parquet")
    assert pl.read_parquet("out.parquet")["predicted_class"].dtype == pl.String


def test_csv_and_parquet_give_the_same_model(folder: Path):
    frame = small_table().drop("list", "seen")  # CSV has no lists, and no sub-second precision to lose
    frame.write_parquet("table.parquet")
    frame.write_csv("table.csv")
    for suffix in ("parquet", "csv"):
        succeed("train", f"table.{suffix}", "--target", "class", "--save", f"{suffix}.skops", *FAST)
    assert read_card(Path("csv.skops")).history == read_card(Path("parquet.skops")).history


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators(folder: Path, separator: str):
    pl.read_csv(PENGUINS).write_csv("table.txt", separator=separator)
    assert "344 rows, 8 columns" in succeed("train", "table.txt", "--target", "species", *FAST).stderr


def test_boolean_and_whole_number_targets_come_back_as_they_were(folder: Path):
    frame = small_table().select("Größe", "flag", number=pl.col("flag").cast(pl.Int64) * 7 - 3)
    frame.write_csv("table.csv")
    for target, other in (("flag", "number"), ("number", "flag")):
        succeed(
            "train", "table.csv", "--target", target, "--ignore", other, "--save", "m.skops", "--model", "mlp"
        )
        succeed("predict", "m.skops", "table.csv", "--output", "out.csv")
        out = pl.read_csv("out.csv")
        assert out[f"predicted_{target}"].dtype == frame[target].dtype
        assert (out[f"predicted_{target}"] == frame[target]).mean() > 0.8
    assert out.columns[-2:] == ["probability_-3", "probability_4"]


def test_whole_numbers_with_gaps_are_classes(folder: Path):
    frame = small_table().select(
        "Größe", y=pl.when(pl.col("面积").is_null()).then(None).otherwise(pl.col("flag") * 1.0)
    )
    frame.write_csv("table.csv")
    result = succeed("train", "table.csv", "--target", "y", "--save", "m.skops", *FAST)
    assert "classification of 'y' (only 2 different whole numbers): 2 classes, '0', '1'" in result.stderr
    assert "note: 7 rows without 'y' left out" in result.stderr


def test_a_compressed_table(folder: Path):
    import gzip

    Path("table.csv.gz").write_bytes(gzip.compress(PENGUINS.read_bytes()))
    assert "344 rows, 8 columns" in succeed("train", "table.csv.gz", "--target", "species", *FAST).stderr


def test_picture(folder: Path):
    for name in ("p.png", "p.svg", "p.PDF"):
        succeed("train", PENGUINS, "--target", "species", "--plot", name, *FAST)
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")
    assert b"validation loss" in Path("p.svg").read_bytes() or b"<svg" in Path("p.svg").read_bytes()
    assert Path("p.PDF").read_bytes().startswith(b"%PDF")


# Prediction


def test_predictions_equal_those_of_the_model_in_memory(species_model: Path, folder: Path):
    succeed("predict", species_model, PENGUINS, "--output", "out.csv")
    card = read_card(species_model)
    frame = read_table(PENGUINS).frame
    pipeline = load_model(species_model)
    X = features(frame, card.columns, "penguins.csv")
    out = pl.read_csv("out.csv")
    assert out.columns == [
        *frame.columns,
        "predicted_species",
        "probability_Adelie",
        "probability_Chinstrap",
        "probability_Gentoo",
    ]
    assert_array_equal(out["predicted_species"].to_numpy(), pipeline.predict(X))
    assert_array_equal(out.select(pl.col("^probability_.*$")).to_numpy(), pipeline.predict_proba(X))
    assert (out["predicted_species"] == out["species"]).mean() > 0.9


def test_the_saved_model_is_the_trained_one(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Compare with the very pipeline that was trained, caught on its way into the file."""
    from ferroprop.cli import train

    trained = []
    save = train.save_model
    monkeypatch.setattr(
        train,
        "save_model",
        lambda path, pipeline, *rest: (trained.append(pipeline), save(path, pipeline, *rest)),
    )
    succeed("train", PENGUINS, "--target", "body_mass_g", "--save", "m.skops", *FAST)
    card = read_card(Path("m.skops"))
    X = features(read_table(PENGUINS).frame, card.columns, "")
    assert_array_equal(load_model(Path("m.skops")).predict(X), trained[0].predict(X))


def test_predictions_of_a_regressor_are_in_the_targets_unit(mass_model: Path, folder: Path):
    succeed("predict", mass_model, PENGUINS, "--output", "out.parquet")
    out = pl.read_parquet("out.parquet")
    assert out["predicted_body_mass_g"].is_between(2500, 6500).all()


def test_predictions_without_output_are_csv_text(species_model: Path):
    result = succeed("predict", species_model, PENGUINS)
    assert result.stderr == ""
    out = pl.read_csv(io.StringIO(result.stdout))
    assert (out.height, out.width) == (344, 12)


def test_columns_in_another_order_and_more_of_them(species_model: Path, folder: Path):
    frame = pl.read_csv(PENGUINS, null_values="NA", infer_schema_length=None)
    frame.select(reversed(frame.columns)).drop("species").with_columns(extra=pl.lit("x")).write_csv(
        "other.csv"
    )
    succeed("predict", species_model, "other.csv", "--output", "other.out.csv")
    succeed("predict", species_model, PENGUINS, "--output", "out.csv")
    for name in ("predicted_species", "probability_Gentoo"):
        assert_array_equal(
            pl.read_csv("other.out.csv")[name].to_numpy(), pl.read_csv("out.csv")[name].to_numpy()
        )


def test_unknown_categories_are_noted(species_model: Path, folder: Path):
    pl.read_csv(PENGUINS).with_columns(island=pl.lit("Mars")).write_csv("mars.csv")
    result = succeed("predict", species_model, "mars.csv", "--output", "out.csv")
    assert "note: column 'island' has categories that training did not: 'Mars'" in result.stderr
    assert succeed("predict", species_model, "mars.csv", "--quiet").stderr == ""


def test_one_row_with_missing_values(species_model: Path, folder: Path):
    Path("one.csv").write_text(PENGUINS.read_text().splitlines()[0] + "\n,,,,,,,\n")
    succeed("predict", species_model, "one.csv", "--output", "out.csv")
    assert pl.read_csv("out.csv")["probability_Adelie"].is_finite().all()


def test_one_row_without_a_date_or_a_time(folder: Path):
    """A column without a value is read as text, and is missing all the same."""
    rows = range(60)
    table = pl.DataFrame(
        {
            "size": list(rows),
            "day": [date(2024, 1, 1 + row % 28) for row in rows],
            "hour": [time(row % 24) for row in rows],
            "kind": ["u" if row < 30 else "v" for row in rows],
        }
    )
    table.write_parquet(folder / "table.parquet")
    succeed("train", "table.parquet", "--target", "kind", "--save", "model", *FAST)
    (folder / "new.csv").write_text("size,day,hour\n5,,\n")
    succeed("predict", "model", "new.csv", "--output", "out.csv")
    assert pl.read_csv(folder / "out.csv")["predicted_kind"].is_in(["u", "v"]).all()


def test_replacing_a_file_keeps_the_rest_of_the_folder(species_model: Path, folder: Path):
    Path("out.csv").write_text("old")
    succeed("predict", species_model, PENGUINS, "--output", "out.csv")
    assert Path("out.csv").read_text() != "old"
    assert os.listdir() == ["out.csv"]


# The model file


def test_info_shows_the_model(species_model: Path):
    out = succeed("info", species_model).stdout
    assert "classification of 'species' ('Adelie', 'Chinstrap', 'Gentoo')" in out
    assert f"ferroprop {fp.__version__}" in out
    lines = [line.split() for line in out.splitlines()]
    # 5 numbers, 3 islands, 2 sexes and the missing one
    assert ["hidden", "1", "11", "8", "tanh", "96"] in lines
    assert ["hidden", "2", "8", "5", "tanh", "45"] in lines
    assert ["output", "5", "3", "softmax", "18"] in lines
    assert "Network with 159 parameters" in out
    assert ["bill_length_mm", "number", "missing:", "'NA'"] in lines
    assert any(line[:1] == ["loss"] for line in lines)
    assert any(line[:2] == ["validation", "loss"] for line in lines)
    assert any(line[:2] == ["log", "loss"] for line in lines)


def test_info_on_a_narrow_screen_has_all_numbers(species_model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "40")
    lines = succeed("info", species_model).stdout.splitlines()
    course = lines[next(place for place, line in enumerate(lines) if line.startswith("Training history")) :]
    (history,) = read_card(species_model).history
    best = history.best_epoch - 1
    for values in (history.losses, history.validation_scores):
        numbers = [number(values[place]) for place in (0, best, -1)]
        assert any(line.split()[1:4] == numbers for line in course), numbers


def test_info_shows_a_network_file(folder: Path):
    network = fp.Network(
        [4, 10, 3],
        activation=fp.Logistic(2.0),
        output_activation="softmax",
        dtype="float64",
        bias=[True, False],
    )
    network.save("iris.safetensors")
    out = succeed("info", "iris.safetensors").stdout
    assert "float64" in out
    assert "Network with 80 parameters" in out
    assert ["output", "10", "3", "softmax", "30"] in [line.split() for line in out.splitlines()]


def test_the_card_is_readable_without_ferroprop(species_model: Path):
    card = json.loads(zipfile.ZipFile(species_model).read(CARD))
    assert (card["format"], card["version"], card["task"], card["target"]) == (
        "ferroprop model",
        3,
        "classification",
        "species",
    )
    assert len(card["history"][0]["losses"]) == 20


def rewritten(source: Path, path: Path, **changes: object) -> Path:
    """Write a copy of a model file whose card says something else; None takes an entry away."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == CARD:
                card = json.loads(content) | changes
                content = json.dumps(
                    {key: value for key, value in card.items() if value is not None}
                ).encode()
            new.writestr(name, content)
    return path


def test_model_files_of_another_version_or_kind(species_model: Path, folder: Path):
    for version in (2, 4):
        other = rewritten(species_model, Path("other.skops"), version=version)
        for command in (["info", other], ["predict", other, PENGUINS]):
            assert complaint(*command) == (
                f"MODEL: 'other.skops' has version {version} of the model format;"
                f" ferroprop {fp.__version__} reads version 3; 'ferroprop train' makes it anew"
            )
    other = rewritten(species_model, Path("other.skops"), format="something else")
    assert "'other.skops' is not a model file; expected one that 'ferroprop train --save' wrote" in complaint(
        "info", other
    )
    lacking = rewritten(species_model, Path("lacking.skops"), history=None)
    assert "'lacking.skops' is damaged: its card lacks 'history'" in complaint("info", lacking)
    task = rewritten(species_model, Path("task.skops"), task="clustering")
    assert "damaged" in complaint("info", task)


def test_a_skops_file_of_somebody_else(folder: Path):
    skops.io.dump(LogisticRegression(), "theirs.skops")
    assert complaint("info", "theirs.skops") == (
        "MODEL: 'theirs.skops' is a skops file, but not one of ferroprop's;"
        " expected a file that 'ferroprop train --save' wrote"
    )


def test_a_model_file_with_more_than_a_model(species_model: Path, folder: Path):
    card = zipfile.ZipFile(species_model).read(CARD)
    skops.io.dump(FunctionTransformer(os.getcwd), "bad.skops")
    with zipfile.ZipFile("bad.skops", "a") as archive:
        archive.writestr(CARD, card)
    assert "MODEL: 'bad.skops' is refused, it holds more than a model" in complaint(
        "predict", "bad.skops", PENGUINS
    )


def test_other_files_are_no_model(folder: Path):
    Path("text.skops").write_text("hello")
    Path("empty.skops").write_bytes(b"")
    with zipfile.ZipFile("zip.skops", "w") as archive:
        archive.writestr("a", "b")
    for name in ("text.skops", "empty.skops", "zip.skops"):
        for command in (["info", name], ["predict", name, PENGUINS]):
            line = complaint(*command)
            assert line.startswith(f"MODEL: '{name}' is ")
            assert line.endswith("that 'ferroprop train --save' wrote")
    assert (
        complaint("info", "nothing.skops") == "MODEL: cannot read 'nothing.skops': No such file or directory"
    )
    assert complaint("info", ".").startswith("MODEL: '.' is a folder")
    Path("bad.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    assert complaint("info", "bad.safetensors").startswith("MODEL: 'bad.safetensors' is not a network file: ")


def test_damaged_model_files_never_crash(species_model: Path, folder: Path):
    whole = species_model.read_bytes()
    rng = np.random.default_rng(0)
    broken = Path("broken.skops")
    for _ in range(40):
        content = bytearray(whole)
        for position in rng.integers(len(whole), size=3):
            content[position] ^= 1 << rng.integers(8)
        broken.write_bytes(content[: rng.integers(len(whole)) if rng.random() < 0.3 else None])
        result = run("predict", broken, PENGUINS, "--output", "out.csv")
        assert result.exit_code in (0, 2), result.output
        if result.exit_code == 2:
            assert result.stderr.startswith("error: MODEL: 'broken.skops' is ")
            assert not Path("out.csv").exists()
        Path("out.csv").unlink(missing_ok=True)


# What it refuses


def table(columns: str, *rows: str) -> str:
    return "\n".join([columns, *rows]) + "\n"


TWO_CLASSES = [f"{index},{'yes' if index % 2 else 'no'}" for index in range(20)]
BAD_TABLES = {
    "no values": (table("x,y"), "TABLE: 'table.csv' has a header but no rows; expected at least one row"),
    "nothing": ("", "TABLE: 'table.csv' is empty; expected a header line and rows"),
    "ragged": (
        table("x,y", "1,2", "1,2,3"),
        "TABLE: line 3 of 'table.csv' has 3 cells, the header has 2 names;",
    ),
    "binary": (
        "x,y\n\0\0",
        "TABLE: 'table.csv' is not text: it has a NUL in line 2; expected a CSV file in UTF-8, or a Parquet",
    ),
    "no target": (table("x,z", "1,2"), "--target: no column 'y' in the table; expected one of 'x', 'z'"),
    "no target values": (table("x,y", *["1,"] * 12), "--target: column 'y' has no values in 12 rows"),
    "one class": (
        table("x,y", *[f"{index},yes" for index in range(20)]),
        "--target: column 'y' has one class, 'yes'; expected at least two",
    ),
    "rare class": (
        table("x,y", *TWO_CLASSES, "1,maybe"),
        "--target: class 'maybe' of column 'y' has 1 row; expected at least 5 in each class",
    ),
    "rare classes": (
        table("x,y", *TWO_CLASSES, "1,maybe", "1,never", "2,never"),
        "--target: 2 of 4 classes of column 'y' are rare, 'maybe' has 1 row;",
    ),
    "constant target": (
        table("x,y", *[f"{index},0.5" for index in range(20)]),
        "--target: column 'y' is 0.5 in every row; expected values that differ",
    ),
    "few rows": (
        table("x,y", "1,0.5", "2,1.5"),
        "--target: column 'y' has values in 2 rows; expected at least 10",
    ),
    "infinite target": (
        table("x,y", *["1,0.5", "2,inf"] * 10),
        "--target: column 'y' has the value 'inf'; expected finite numbers up to 1e100",
    ),
    "date target": (
        table("x,y", *[f"{day},2024-01-{day:02}" for day in range(10, 30)]),
        "--target: column 'y' holds dates; expected text, booleans or numbers",
    ),
    "infinite feature": (
        table("x,y", *TWO_CLASSES, "inf,no"),
        "TABLE: column 'x' of 'table.csv' has 'inf' in line 22; expected finite numbers up to 1e100",
    ),
    "only the target": (
        table("y", *["yes", "no"] * 10),
        "TABLE: no column to learn from beside the target 'y'",
    ),
    "nothing to learn from": (
        table("x,y", *["1,yes", "1,no"] * 10),
        "TABLE: no column to learn from beside the target 'y' ('x': it is '1' in every row)",
    ),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables(folder: Path, name: str):
    content, expected = BAD_TABLES[name]
    Path("table.csv").write_text(content)
    assert complaint("train", "table.csv", "--target", "y", "--save", "m.skops").startswith(expected)
    assert os.listdir() == ["table.csv"]


BAD_OPTIONS = {
    "--target": ("specie", "--target: no column 'specie' in the table; did you mean 'species'?"),
    "--ignore": ("Island", "--ignore: no column 'Island' in the table; did you mean 'island'?"),
    "--task": (
        "ranking",
        "--task: no 'ranking'; expected one of 'classification', 'regression'",
    ),
    "--hidden": (
        "32,x",
        "--hidden: got '32,x'; expected layer sizes with commas between, such as 32,16, or none",
    ),
    "--solver": (
        "magic",
        "--solver: no 'magic'; expected one of 'rprop', 'rprop+', 'rprop-', 'irprop+', 'irprop-', "
        "'grprop', 'sarprop', 'sgd' and 5 more",
    ),
    "--activation": ("tan", "--activation: no 'tan'; did you mean 'tanh'?"),
    "--epochs": ("0", "--epochs: got '0'; expected a whole number, at least 1"),
    "--patience": ("many", "--patience: got 'many'; expected a whole number, at least 1"),
    "--model": ("forest", "--model: no 'forest'; expected one of 'tabular', 'mlp'"),
    "--members": ("0", "--members: got '0'; expected a whole number, at least 1"),
    "--learning-rate": ("nan", "--learning-rate: got 'nan'; expected a number above 0"),
    "--alpha": ("-1", "--alpha: got '-1'; expected a number, at least 0"),
    "--test-size": ("nan", "--test-size: got 'nan'; expected a number from 0.05 to 0.5"),
    "--seed": ("-1", "--seed: got '-1'; expected a whole number, at least 0 and at most 4,294,967,295"),
    "--save": ("no/such/folder/m.skops", "--save: no folder 'no/such/folder' to write 'm.skops' in"),
    "--plot": (
        "p.txt",
        "--plot: 'p.txt' does not end like a picture; expected one of '.png', '.svg', '.pdf', '.jpg'",
    ),
}


@pytest.mark.parametrize("option", BAD_OPTIONS)
def test_bad_options(folder: Path, option: str):
    value, expected = BAD_OPTIONS[option]
    target = [] if option == "--target" else ["--target", "species"]
    assert complaint("train", PENGUINS, *target, option, value).startswith(expected)
    assert os.listdir() == []


NO_MINI_BATCHES = "--solver rprop; expected a solver that takes mini-batches, such as adam"
OPTIONS_OF_OTHERS = {
    "mlp --batch-size 8": f"--batch-size: got 8 with {NO_MINI_BATCHES}",
    "mlp --learning-rate 0.1": f"--learning-rate: got 0.1 with {NO_MINI_BATCHES}",
    "mlp --members 3": "--members: got 3 with --model mlp; expected --model tabular",
    "tabular --solver adam": "--solver: got adam with --model tabular; expected --model mlp",
    "tabular --patience 3": "--patience: got 3 with --model tabular; expected --model mlp",
    "tabular --activation relu": "--activation: got relu with --model tabular; expected --model mlp",
    "tabular --alpha 0.1": "--alpha: got 0.1 with --model tabular; expected --model mlp",
}


@pytest.mark.parametrize("given", OPTIONS_OF_OTHERS)
def test_options_that_another_model_has(given: str):
    line = complaint("train", PENGUINS, "--target", "species", "--model", *given.split())
    assert line == OPTIONS_OF_OTHERS[given]


@pytest.mark.parametrize("sizes", ["", "0", "-3", "3.5", "1,,2", "٣", "1e3", "99999999"])
def test_bad_layer_sizes(sizes: str):
    assert complaint("train", PENGUINS, "--target", "species", f"--hidden={sizes}").startswith("--hidden: ")


def test_bad_commands():
    unknown = complaint("tran")
    assert unknown.startswith("No such command 'tran'.")
    assert unknown.endswith("'ferroprop --help' lists what there is")
    missing = "Missing option '--target' / '-t'; 'ferroprop train --help' lists what there is"
    assert complaint("train", PENGUINS) == missing
    assert complaint("train", PENGUINS, "--targt", "species").startswith("No such option")
    assert (
        complaint("train", "no.csv", "--target", "y")
        == "TABLE: cannot read 'no.csv': No such file or directory"
    )
    assert complaint("train", PENGUINS.parent, "--target", "y").endswith(
        "is a folder; expected a CSV or Parquet file"
    )


def test_a_task_that_does_not_suit_the_target():
    assert complaint("train", PENGUINS, "--target", "species", "--task", "regression") == (
        "--task: column 'species' has values such as 'Adelie'; regression expects numbers"
    )
    assert complaint("train", PENGUINS, "--target", "bill_length_mm", "--task", "classification") == (
        "--task: column 'bill_length_mm' has values such as '39.1';"
        " classification expects text, booleans or whole numbers"
    )
    assert complaint("train", PENGUINS, "--target", "species", "--ignore", "species") == (
        "--ignore: 'species' is the target; expected another column"
    )


def test_files_that_cannot_be_written(folder: Path, species_model: Path):
    Path("table.csv").write_bytes(PENGUINS.read_bytes())
    Path("folder").mkdir()
    train = ["train", "table.csv", "--target", "species"]
    assert (
        complaint(*train, "--save", "table.csv") == "--save: 'table.csv' is also TABLE; expected another file"
    )
    assert complaint(*train, "--save", "a.png", "--plot", "./a.png").startswith(
        "--plot: 'a.png' is also --save;"
    )
    assert (
        complaint(*train, "--save", "folder")
        == "--save: 'folder' is a folder; expected the name of a file to write"
    )
    assert complaint(*train, "--save", "model.pkl") == (
        "--save: 'model.pkl' ends like another kind of model; expected .skops "
        "('ferroprop export' writes others)"
    )
    assert complaint(*train, "--save", "table.csv/m") == "--save: no folder 'table.csv' to write 'm' in"
    predict = ["predict", species_model, "table.csv", "--output"]
    assert complaint(*predict, "table.csv").startswith("--output: 'table.csv' is also TABLE;")
    assert complaint(*predict, species_model).endswith("is also MODEL; expected another file")
    assert (
        complaint(*predict, "a.xlsx")
        == "--output: 'a.xlsx' does not end like a table; expected .csv or .parquet"
    )
    assert sorted(os.listdir()) == ["folder", "table.csv"]
    assert os.listdir("folder") == []


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="a device of Unix")
def test_a_device_is_no_place_for_a_model():
    assert complaint("train", PENGUINS, "--target", "species", "--save", "/dev/null") == (
        "--save: '/dev/null' is not a regular file; expected the name of a file to write"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is that of Unix")
def test_a_full_disk_leaves_no_half_file(folder: Path, species_model: Path):
    """A limit on the size of files stands for a disk that has no more room."""
    import resource

    Path("out.csv").write_text("precious")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        line = complaint("predict", species_model, PENGUINS, "--output", "out.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert line == "--output: cannot write 'out.csv': File too large"
    assert Path("out.csv").read_text() == "precious"
    assert os.listdir() == ["out.csv"]


def test_a_table_that_does_not_suit_the_model(folder: Path, species_model: Path, mass_model: Path):
    frame = pl.read_csv(PENGUINS, null_values="NA", infer_schema_length=None)
    frame.drop("island", "sex").write_csv("lacking.csv")
    assert complaint("predict", species_model, "lacking.csv").startswith(
        "TABLE: 'lacking.csv' lacks the columns 'island', 'sex' of the model; it has 'species',"
    )
    frame.with_columns(year=pl.lit("long ago")).write_csv("text.csv")
    assert complaint("predict", species_model, "text.csv", "--output", "out.csv") == (
        "TABLE: column 'year' of 'text.csv' has 'long ago' in line 2; expected numbers;"
        " --missing 'long ago' takes it for missing"
    )
    frame.with_columns(year=date(2024, 1, 1)).write_parquet("date.parquet")
    assert complaint("predict", species_model, "date.parquet").endswith(
        "such as '2024-01-01'; expected numbers"
    )
    assert not Path("out.csv").exists()


def test_a_boolean_column_may_come_as_numbers(folder: Path):
    frame = small_table().select("Größe", "sold [x]", "class")
    frame.write_csv("table.csv")
    succeed("train", "table.csv", "--target", "class", "--save", "m.skops", *FAST)
    succeed("predict", "m.skops", "table.csv", "--output", "a.csv")
    frame.with_columns(pl.col("sold [x]").cast(pl.Int64)).write_csv("numbers.csv")
    succeed("predict", "m.skops", "numbers.csv", "--output", "b.csv")
    assert_array_equal(
        pl.read_csv("a.csv")["probability_up"].to_numpy(), pl.read_csv("b.csv")["probability_up"].to_numpy()
    )
    frame.with_columns(pl.lit("perhaps").alias("sold [x]")).write_csv("text.csv")
    assert "has 'perhaps' in line 2; expected true or false; --missing perhaps" in complaint(
        "predict", "m.skops", "text.csv"
    )


def test_a_missing_plot_extra(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    assert complaint("train", PENGUINS, "--target", "species", "--plot", "p.png") == (
        '--plot needs matplotlib; install it with: pip install "ferroprop[plot]"'
    )


def test_a_missing_cli_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr("ferroprop.__main__.find_spec", lambda name: None if name == "polars" else name)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        'error: the command line needs polars; pip install "ferroprop[cli]" installs it\n'
    )


MODULES = [module.name for module in pkgutil.walk_packages(cli.__path__, "ferroprop.cli.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


# As a process


def process(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ferroprop", *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)


def test_the_version_and_the_help_of_the_process():
    shown = process("--version")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, f"ferroprop {fp.__version__}\n", "")
    help_text = process()
    assert help_text.returncode == 0
    assert all(command in help_text.stdout for command in ("train", "predict", "info"))


def test_the_process_complains_in_one_line():
    result = process("train", PENGUINS, "--target", "specie")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: --target: no column 'specie' in the table; did you mean 'species'?\n"


def test_the_process_trains_and_predicts_through_a_pipe(folder: Path):
    result = process("train", PENGUINS, "--target", "species", "--save", "m.skops", *FAST)
    assert result.returncode == 0, result.stderr
    assert "Scores on 69 test rows" in result.stdout
    predicted = process("predict", "m.skops", PENGUINS)
    assert (predicted.returncode, predicted.stderr) == (0, "")
    assert pl.read_csv(io.StringIO(predicted.stdout)).height == 344


def on_a_terminal(*arguments: object, columns: int = 80) -> list[str]:
    """Run the process with a pseudo-terminal for all it prints, and return the lines that are not empty."""
    pty = pytest.importorskip("pty", reason="pseudo-terminals are Unix's")
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-m", "ferroprop", *(str(argument) for argument in arguments)]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": str(columns)}
    child = subprocess.Popen(command, stdin=other_end, stdout=other_end, stderr=other_end, env=environment)
    os.close(other_end)
    printed = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        printed += part
    os.close(terminal)
    assert child.wait(timeout=300) == 0, printed
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", printed.decode())
    return [line for line in re.split(r"[\r\n]", text) if line]


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_gets_a_bar_that_fits(columns: int):
    lines = on_a_terminal("train", PENGUINS, "--target", "species", *FAST, columns=columns)
    bars = [line for line in lines if line.startswith("epoch") and "/20 " in line]
    assert re.search(r"━ +20/20 loss \S+  validation loss \S+ \S+ s$", bars[-1])
    assert max(map(len, lines)) <= columns
    assert len({line for line in bars if " 20/20 " in line}) <= 2  # the last epoch, perhaps drawn once more


def test_a_terminal_gets_a_look_at_the_predictions(species_model: Path):
    lines = on_a_terminal("predict", species_model, PENGUINS)
    assert "row   predicted_species   Adelie   Chinstrap   Gentoo" in [line.strip() for line in lines]
    assert lines[-1] == "The first 10 of 344 rows; all of them with --output FILE."
