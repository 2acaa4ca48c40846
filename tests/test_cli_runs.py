"""Runs of the command line by scripts: configuration files, JSON, exit codes, completion in shells."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import typer
from command_line import FAST, PENGUINS, complaint, run, succeed
from ferroprop.cli import arguments, train
from ferroprop.cli.app import app
from ferroprop.cli.columns import features
from ferroprop.cli.fitting import new_model
from ferroprop.cli.manual import EXIT_STATUS
from ferroprop.cli.model_file import read_card
from ferroprop.cli.reading.table import read_table
from ferroprop.cli.settings import settings_of
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss
from sklearn.model_selection import StratifiedKFold
from typer.testing import CliRunner

QUICK = ["--model", "mlp", "--epochs", "3", "--hidden", "4"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Configuration files


def test_a_saved_configuration_repeats_the_run(folder: Path):
    succeed(
        *("train", PENGUINS, "--target", "species", "--ignore", "year", "--ignore", "sex", "--missing", "x"),
        *(
            "--model",
            "mlp",
            "--hidden",
            "6, 5",
            "--epochs",
            4,
            "--seed",
            7,
            "--alpha",
            "1e-3",
            "--header",
            1,
            "--quote",
            "none",
        ),
        *("--separator", "comma", "--save", "a.skops", "--save-config", "run.toml"),
    )
    content = Path("run.toml").read_text(encoding="utf-8")
    assert content.startswith("# ferroprop ")
    values = tomllib.loads(content)
    assert values == {
        "table": str(PENGUINS),
        "target": "species",
        "ignore": ["year", "sex"],
        "test-size": 0.2,
        "drop-rare-classes": False,
        "missing": ["x"],
        "separator": ",",
        "quote": "none",
        "header": 1,
        "model": "mlp",
        "hidden": "6,5",
        "activation": "tanh",
        "solver": "rprop",
        "epochs": 4,
        "patience": 30,
        "alpha": 0.001,
        "seed": 7,
        "save": "a.skops",
        "quiet": False,
        "json": False,
    }
    first = read_card(Path("a.skops"))
    Path("a.skops").unlink()
    succeed("train", "--config", "run.toml")
    again = read_card(Path("a.skops"))
    assert (again.history, again.scores) == (first.history, first.scores)
    assert [column.name for column in again.columns] == [column.name for column in first.columns]


def test_the_command_line_goes_before_the_file(folder: Path):
    Path("run.toml").write_text(
        f'table = "{PENGUINS}"\ntarget = "species"\nmodel = "mlp"\nepochs = 3\nhidden = [3, 2]\n'
        'save = "a.skops"\n'
    )
    succeed("train", "--config", "run.toml", "--epochs", 2, "--save", "b.skops")
    assert not Path("a.skops").exists()
    card = read_card(Path("b.skops"))
    assert (card.history[0].epochs, [layer.outputs for layer in card.layers]) == (2, [3, 2, 3])


def test_the_rows_to_test_are_those_of_the_command_line(folder: Path):
    start = ["train", PENGUINS, "--target", "species", *FAST]
    succeed(*start, "--save-config", "part.toml")
    assert "test-size = 0.2\n" in Path("part.toml").read_text()
    succeed("train", "--config", "part.toml", "--cv", 2, "--save-config", "cv.toml")
    assert "cv = 2\n" in Path("cv.toml").read_text()
    assert "test-size" not in Path("cv.toml").read_text()
    assert "Scores on 344 test rows" in succeed("train", "--config", "cv.toml", "--test", PENGUINS).stdout
    for rows, *options in ((172, "--test-size", "0.5"), (120, "--split-by", "year")):
        assert f"Scores on {rows} test rows" in succeed("train", "--config", "cv.toml", *options).stdout
    both = complaint("train", "--config", "part.toml", "--cv", 2, "--test-size", "0.3")
    assert both == "--test-size: got 0.3 with --cv 2, which tests on all rows; expected one of both"


def test_complaints_say_what_is_of_the_file(folder: Path):
    Path("run.toml").write_text(f'table = "{PENGUINS}"\ntarget = "species"\nmembers = 2\ncv = 3\n')
    assert complaint("train", "--config", "run.toml", "--model", "mlp") == (
        "--members: got 2 with --model mlp; expected --model tabular (--members by 'run.toml')"
    )
    assert complaint("train", "--config", "run.toml", "--tune", "1") == (
        "--tune: got 1 with --cv 3, which would score rows that chose the settings; expected one of both "
        "(--cv by 'run.toml')"
    )
    Path("run.toml").write_text(f'table = "{PENGUINS}"\ntarget = "spec;ies"\nepochs = 0\n')
    assert complaint("train", "--config", "run.toml") == (
        "--epochs: got '0'; expected a whole number, at least 1 (--epochs by 'run.toml')"
    )
    no_epoch = complaint("train", "--config", "run.toml", "--epochs", "-1")
    assert no_epoch == "--epochs: got '-1'; expected a whole number, at least 1"
    assert complaint("train", "--config", "run.toml", "--epochs", 3) == (
        "--target: no column 'spec;ies' in the table; did you mean 'species'? (--target by 'run.toml')"
    )


BAD_CONFIGS = {
    "epoch = 3": "--config: 'run.toml' has 'epoch'; did you mean 'epochs'?",
    'config = "x.toml"': "--config: 'run.toml' has 'config'; expected one of 'table', 'target',",
    "epochs = ": "--config: 'run.toml' is not TOML: ",
    'quiet = "yes"': "--config: 'quiet' in 'run.toml' is 'yes'; expected true or false",
    "epochs = true": "--config: 'epochs' in 'run.toml' is True; expected text or a number",
    "epochs = 0": "--epochs: got '0'; expected a whole number, at least 1",
    "[network]\nhidden = 3": "--config: 'run.toml' has 'network';",
    'solver = "magic"': "--solver: no 'magic'; expected one of",
}


@pytest.mark.parametrize("content", BAD_CONFIGS)
def test_bad_configurations(folder: Path, content: str):
    Path("run.toml").write_text(f"{content}\n")
    assert complaint("train", PENGUINS, "--target", "species", "--config", "run.toml").startswith(
        BAD_CONFIGS[content]
    )


def test_configurations_that_cannot_be_read_or_written(folder: Path):
    start = ["train", PENGUINS, "--target", "species"]
    assert (
        complaint(*start, "--config", "no.toml")
        == "--config: cannot read 'no.toml': No such file or directory"
    )
    Path("run.toml").write_bytes(b"\xff")
    assert complaint(*start, "--config", "run.toml").startswith("--config: 'run.toml' is not TOML: ")
    assert complaint(*start, "--save-config", "run.json").startswith(
        "--save-config: 'run.json' does not end like"
    )
    assert complaint(*start, "--save-config", "no/run.toml").startswith("--save-config: no folder 'no'")
    assert complaint("train", "--target", "species", "--config", "/dev/null").startswith(
        "Missing argument 'TABLE'"
    )


def test_every_option_can_be_in_a_configuration():
    command = typer.main.get_command(app).commands["train"]
    context = typer.Context(command)
    keys = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
    assert {"--config", "--save-config", "--json", "--quiet", "--number", "--date-format"} <= keys
    assert context.default_map is None
    assert "adamw" in arguments.SOLVERS


# The manual page


def test_the_manual_page_has_every_command_and_option(folder: Path):
    page = succeed("--man").stdout
    plain = page.replace(r"\-", "-").replace(r"\fB", "").replace(r"\fR", "")
    group = typer.main.get_command(app)
    sections = re.split(r"^\.SH ", plain, flags=re.MULTILINE)
    for name, command in group.commands.items():
        section = next(part for part in sections if part.startswith(f"FERROPROP {name.upper()}\n"))
        for parameter in command.params:
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                assert re.search(rf"(^|, ){re.escape(option)}\b", section, re.MULTILINE), (name, option)
    requests = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".B", ".br"}
    if shutil.which("mandoc") is not None:
        Path("f.1").write_text(page, encoding="utf-8")
        said = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "warning", "f.1"], capture_output=True, text=True, check=False
        )
        assert [line for line in said.stdout.splitlines() if "missing date" not in line] == []


def test_the_exit_codes_of_the_manual_are_those_of_the_documentation():
    page = (Path(__file__).parent.parent / "docs" / "command-line.md").read_text(encoding="utf-8")
    table = page.split("| exit code |")[1].split("\n\n")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == [*EXIT_STATUS]


# Cross-validation, and the report of a training


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_cross_validation_scores_every_row_once(folder: Path):
    quick = ("--model", "mlp", "--epochs", "20", "--hidden", "4", "--seed", "5")
    result = succeed("train", PENGUINS, "--target", "species", "--cv", "4", *quick, "--save", "m.skops")
    assert "Scores of 4-fold cross-validation" in result.stdout
    assert [line for line in result.stderr.splitlines() if "fold" in line] == [
        f"without fold {number} of 4" for number in (1, 2, 3, 4)
    ]
    card = read_card(Path("m.skops"))
    assert (card.folds, card.train_rows, card.test_rows) == (4, 344, 0)
    by_hand = scores_by_hand(4)
    for score in card.scores:
        assert score.network == pytest.approx(np.mean(by_hand[score.name]), rel=1e-12)
        assert score.deviation == pytest.approx(np.std(by_hand[score.name], ddof=1), rel=1e-9, abs=1e-12)
    assert "± " in succeed("info", "m.skops").stdout


def scores_by_hand(n_folds: int) -> dict[str, list[float]]:
    """Cross-validate the same single networks, with scikit-learn's own loop over the folds."""
    frame = read_table(PENGUINS).frame
    columns = read_card(Path("m.skops")).columns
    X, y = features(frame, columns, ""), frame["species"].to_numpy()
    settings = settings_of("mlp", 5, {"epochs": 20, "hidden": (4,)})
    found: dict[str, list[float]] = {"accuracy": [], "balanced accuracy": [], "log loss": []}
    for train_rows, test in StratifiedKFold(n_folds, shuffle=True, random_state=5).split(X, y):
        n_validation = math.ceil(0.15 * len(train_rows))
        share = (n_validation - 0.5) / len(train_rows)
        model = new_model(settings, "classification", columns, share).fit(X[train_rows], y[train_rows])
        found["accuracy"].append(accuracy_score(y[test], model.predict(X[test])))
        found["balanced accuracy"].append(balanced_accuracy_score(y[test], model.predict(X[test])))
        found["log loss"].append(log_loss(y[test], model.predict_proba(X[test])))
    return found


def test_cross_validation_of_quantities_and_of_networks_for_tables(folder: Path):
    few = ("--members", "1", "--hidden", "8", "--epochs", "5")
    plain = json.loads(
        succeed("train", PENGUINS, "--target", "body_mass_g", "--cv", "2", *few, "--json").stdout
    )
    assert (plain["folds"], plain["train_rows"]) == (2, 342)
    assert [score["name"] for score in plain["scores"]] == ["R²", "RMSE", "MAE"]
    assert all(score["deviation"] >= 0 for score in plain["scores"])


def test_a_fold_whose_training_was_cut_short_is_noted(folder: Path):
    long = ["--model", "mlp", "--solver", "sgd", "--epochs", "9999999", "--patience", "9999999"]
    start = ["train", PENGUINS, "--target", "species", "--cv", 2, *long]
    notes = [line for line in succeed(*start, "--max-time", "0.05").stderr.splitlines() if "max_time" in line]
    assert [note.split(": Time limit")[0] for note in notes[:2]] == [
        "note: without fold 1 of 2",
        "note: without fold 2 of 2",
    ]
    assert len(notes) == 3
    assert notes[2].startswith("note: Time limit")


def test_what_cross_validation_refuses(folder: Path):
    train_it = ("train", PENGUINS, "--target", "species", *QUICK)
    assert complaint(*train_it, "--cv", 3, "--test-size", 0.3) == (
        "--test-size: got 0.3 with --cv 3, which tests on all rows; expected one of both"
    )
    assert complaint(*train_it, "--cv", 3, "--report", "r.html").startswith("--report: got with --cv 3")
    assert complaint(*train_it, "--cv", 90) == (
        "--cv: 90 folds, but class 'Chinstrap' has 68 rows; expected at least one for each fold"
    )
    assert (
        complaint(*train_it, "--cv", 1)
        == "--cv: got '1'; expected a whole number, at least 2 and at most 100"
    )


def test_the_report_of_a_training_is_on_its_test_rows(folder: Path):
    result = succeed(
        *("train", PENGUINS, "--target", "species", *QUICK, "--report", "r.html", "--save", "m.skops")
    )
    assert "Report: r.html" in result.stdout
    page = Path("r.html").read_text(encoding="utf-8")
    assert "judged here on 69 rows of penguins.csv, kept for the test" in page
    cells = dict(re.findall(r"<tr><td>([^<]*)</td><td>([^<]*)</td>", page))
    for score in read_card(Path("m.skops")).scores:
        assert float(cells[score.name]) == pytest.approx(score.network, abs=1e-4)
    assert complaint("train", PENGUINS, "--target", "species", *QUICK, "--report", "r.txt") == (
        "--report: 'r.txt' does not end like a page; expected .html"
    )


# JSON


def test_json_of_a_training(folder: Path):
    result = succeed(
        "train", PENGUINS, "--target", "species", *QUICK, "--json", "--quiet", "--save", "m.skops"
    )
    assert result.stderr == ""
    said = json.loads(result.stdout)
    assert (said["task"], said["classes"]) == ("classification", ["Adelie", "Chinstrap", "Gentoo"])
    assert said["files"] == {"model": "m.skops"}
    assert said["columns"][1] == {"name": "bill_length_mm", "kind": "number", "missing": ["NA"]}
    assert said["scores"][0]["name"] == "accuracy"
    assert any("'NA'" in note for note in said["notes"])
    assert json.loads(succeed("info", "m.skops", "--json").stdout) == {
        key: value for key, value in said.items() if key not in ("files", "table")
    }


def test_json_of_predictions(folder: Path):
    succeed("train", PENGUINS, "--target", "species", *QUICK, "--save", "m.skops", "--quiet")
    lines = PENGUINS.read_text().splitlines()
    Path("two.csv").write_text("\n".join([lines[0], lines[1], "", lines[2]]) + "\n")
    said = json.loads(succeed("predict", "m.skops", "two.csv", "--json").stdout)
    assert (said["rows"], said["output"]) == (2, None)
    assert said["notes"] == ["1 empty line left out (line 3)"]
    assert [row["line"] for row in said["predictions"]] == [2, 4]
    probabilities = [
        said["predictions"][0][f"probability_{name}"] for name in ("Adelie", "Chinstrap", "Gentoo")
    ]
    assert sum(probabilities) == pytest.approx(1)
    said = json.loads(succeed("predict", "m.skops", "two.csv", "--json", "--output", "out.csv").stdout)
    assert (said["rows"], said["output"], said["predictions"]) == (2, "out.csv", [])


def test_json_of_numbers_that_json_lacks(folder: Path):
    rows = "".join(f"{(37 * i % 61) / 7},{1e90 * (i % 7 + 0.5)}\n" for i in range(60))
    Path("t.csv").write_text("x,y\n" + rows)
    said = succeed("train", "t.csv", "--target", "y", *QUICK, "--json").stdout
    json.loads(said, parse_constant=lambda name: pytest.fail(name))


def test_a_model_file_has_its_settings(folder: Path):
    wished = ["--model", "mlp", "--solver", "adam", "--hidden", "8,4", "--epochs", "3", "--seed", "7"]
    succeed("train", PENGUINS, "--target", "species", *wished, "--save", "m.skops")
    assert read_card(Path("m.skops")).settings == {
        **{"model": "mlp", "seed": 7, "hidden": [8, 4], "activation": "tanh", "solver": "adam"},
        **{"alpha": 0.0001, "epochs": 3, "patience": 30},
    }
    line = next(
        line for line in succeed("info", "m.skops").stdout.splitlines() if line.startswith("Settings: ")
    )
    assert line == (
        "Settings: --model mlp --seed 7 --hidden 8,4 --activation tanh --solver adam --alpha 0.0001 "
        "--epochs 3 --patience 30"
    )
    options = line.removeprefix("Settings: ").split()
    succeed("train", PENGUINS, "--target", "species", *options, "--save", "again.skops")
    assert read_card(Path("again.skops")).history == read_card(Path("m.skops")).history


# Exit codes and completion


def test_help_on_a_narrow_terminal_has_whole_names():
    command = [sys.executable, "-m", "ferroprop", "train", "--help"]
    environment = os.environ | {"COLUMNS": "40"}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    options = {
        name
        for parameter in typer.main.get_command(app).commands["train"].params
        for name in parameter.opts
        if name.startswith("--")
    }
    assert options <= set(shown.stdout.split())
    assert "…" not in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 40


def test_exit_codes(folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert run("--version").exit_code == 0
    assert run("train", "no.csv", "--target", "y").exit_code == 2

    def fail(error: BaseException) -> None:
        def read(*_: object) -> None:
            raise error

        monkeypatch.setattr(train, "read_table", read)

    start = ["train", PENGUINS, "--target", "species"]
    fail(KeyboardInterrupt())
    result = run(*start)
    assert (result.exit_code, result.stderr) == (130, "")
    fail(MemoryError())
    assert complaint(*start) == "not enough memory"
    fail(RuntimeError("a fault of ours"))
    assert run(*start).exit_code == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_in_shells(shell: str):
    import subprocess

    environment = os.environ | {"_FERROPROP_COMPLETE": f"source_{shell}"}
    command = [sys.executable, "-m", "ferroprop"]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert shown.returncode == 0
    assert "_FERROPROP_COMPLETE" in shown.stdout
    assert "--show-completion" in run("--help").stdout


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("ferroprop ev", ["evaluate"]),
        ("ferroprop train --solv", ["--solver"]),
        ("ferroprop train --solver rm", ["rmsprop"]),
        ("ferroprop train --task ", ["classification", "regression"]),
        ("ferroprop export m.skops --to ", ["onnx", "c", "json"]),
    ],
)
def test_what_bash_completes(words: str, completed: list[str]):
    environment = {
        "_FERROPROP_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    result = CliRunner().invoke(app, [], env=environment, prog_name="ferroprop")
    assert sorted(result.stdout.split()) == sorted(completed)
