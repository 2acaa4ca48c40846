"""``ferroprop train --tune``: what is tried, on which rows, and that the winner can be had again."""

import io
import json
import math
import re
import signal
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from command_line import PENGUINS, complaint, run, succeed
from ferroprop.cli import load_model, tuning
from ferroprop.cli.candidates import candidates, open_settings
from ferroprop.cli.card import Card, Trial
from ferroprop.cli.fitting import new_model
from ferroprop.cli.model_file import read_card
from ferroprop.cli.progress import follow_search
from ferroprop.cli.report import BEST_TRIALS, best_trials, search_sentence
from ferroprop.cli.settings import Settings, settings_of
from rich.console import Console
from sklearn.metrics import log_loss

TRAIN = ["train", PENGUINS, "--target", "species", "--model", "mlp", "--epochs", "8"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    """Let time pass where a test says so."""
    now = [0.0]
    monkeypatch.setattr(tuning, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> list[tuple]:
    """Collect the cross-validations of a search, each of which takes 10 seconds by the clock."""
    seen: list[tuple] = []
    original = tuning.cross_validate

    def noted(model, X, y, **options):
        seen.append((model, X, y, options["cv"]))
        found = original(model, X, y, **options)
        clock[0] += 10.0
        return found

    monkeypatch.setattr(tuning, "cross_validate", noted)
    return seen


def test_the_winner_can_be_had_again_without_the_search(folder: Path, calls: list[tuple]):
    succeed(*TRAIN, "--tune", 1, "--save", "a.skops", "--save-config", "run.toml")
    assert len(calls) == 6
    card = read_card(Path("a.skops"))
    assert [trial.number for trial in card.trials] == [1, 2, 3, 4, 5, 6]
    best = min(card.trials, key=lambda trial: trial.loss)
    values = tomllib.loads(Path("run.toml").read_text(encoding="utf-8"))
    assert "tune" not in values
    for name, value in best.settings.items():
        written = ",".join(map(str, value)) if isinstance(value, list) else value
        assert values[name.replace("_", "-")] == written

    succeed("train", "--config", "run.toml", "--save", "b.skops")
    assert len(calls) == 6
    again = read_card(Path("b.skops"))
    assert (again.history, again.scores, again.trials) == (card.history, card.scores, [])
    for mine, repeated in zip(*(load_model(f"{name}.skops")[-1].coefs_ for name in "ab"), strict=True):
        assert mine.tobytes() == repeated.tobytes()


def test_the_test_rows_have_no_part_in_the_search(folder: Path, calls: list[tuple]):
    output = succeed(*TRAIN, "--tune", 0.3, "--json").stdout
    card = json.loads(output)
    assert (card["train_rows"], card["test_rows"], len(card["trials"])) == (275, 69, 1)
    [(_, X, y, cut)] = calls
    assert (X.height, len(y), len(cut)) == (275, 275, 3)
    assert sorted(np.concatenate([test for _, test in cut])) == list(range(275))
    assert all(not set(train) & set(test) for train, test in cut)


def test_the_loss_of_a_trial_is_that_of_a_cross_validation(folder: Path, calls: list[tuple]):
    card = Card.from_plain(json.loads(succeed(*TRAIN, "--tune", 0.4, "--json").stdout))
    assert len(card.trials) == 2
    for trial, (_, X, y, cut) in zip(card.trials, calls, strict=True):
        given = {name: tuple(value) if name == "hidden" else value for name, value in trial.settings.items()}
        settings = settings_of("mlp", 0, {**given, "epochs": 8})
        losses = []
        for train, test in cut:
            validation = math.ceil(0.15 * len(cut[0][0]))
            model = new_model(settings, card.task, card.columns, (validation - 0.5) / len(cut[0][0]))
            with pytest.warns(UserWarning, match="Maximum iterations"):
                model.fit(X[train], y[train])
            losses.append(log_loss(y[test], model.predict_proba(X[test])))
        assert trial.loss == pytest.approx(np.mean(losses), rel=1e-12)
        assert trial.deviation == pytest.approx(np.std(losses, ddof=1), rel=1e-12)


def test_no_trial_begins_that_would_end_too_late(folder: Path, calls: list[tuple]):
    succeed(*TRAIN, "--tune", 35 / 60)
    assert len(calls) == 3
    succeed(*TRAIN, "--tune", 1e-9)
    assert len(calls) == 4  # the first one always runs


def test_numbers_are_tuned_too(folder: Path, calls: list[tuple]):
    lines = [f"{x / 7},{x * x + x % 3}" for x in range(60)]
    Path("square.csv").write_text("\n".join(["x,y", *lines]))
    output = succeed(
        "train",
        "square.csv",
        "--target",
        "y",
        "--task",
        "regression",
        "--model",
        "mlp",
        "--epochs",
        5,
        "--tune",
        0.3,
    ).output
    assert "Tried 1 setting" in output
    assert re.search(r"trial +RMSE", output)


def test_tables_are_tuned_with_one_network_a_trial(folder: Path, calls: list[tuple]):
    few = ["--members", "2", "--hidden", "8", "--epochs", "4"]
    succeed(
        "train",
        PENGUINS,
        "--target",
        "species",
        *few,
        "--tune",
        0.4,
        "--save",
        "a.skops",
        "--save-config",
        "run.toml",
    )
    assert [(model.n_members, model.hidden_layer_sizes) for model, *_ in calls] == [(1, (8,))] * 2
    card = read_card(Path("a.skops"))
    assert len(card.history) == 2
    assert card.trials[0].settings == {}
    assert set(card.trials[1].settings) == {"learning_rate", "batch_size"}
    succeed("train", "--config", "run.toml", "--save", "b.skops")
    assert read_card(Path("b.skops")).history == card.history


@pytest.mark.parametrize("is_seen", [True, False])
def test_ctrl_c_ends_the_search_with_the_best_so_far(folder, calls, monkeypatch, is_seen):
    noted = tuning.cross_validate

    def interrupted(*arguments, **options):
        if len(calls) == 2:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                if is_seen:
                    raise  # otherwise the fit ends early with success, as that of one network does
        return noted(*arguments, **options)

    monkeypatch.setattr(tuning, "cross_validate", interrupted)
    before = signal.getsignal(signal.SIGINT)
    output = succeed(*TRAIN, "--tune", 5, "--save", "a.skops").output
    assert "Ctrl-C ended the search. Tried 2 settings" in output
    assert len(read_card(Path("a.skops")).trials) == 2
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_before_the_first_trial_has_ended_ends_the_command(folder, monkeypatch):
    monkeypatch.setattr(tuning, "cross_validate", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    result = run(*TRAIN, "--tune", 5, "--save", "a.skops")
    assert result.exit_code == 130
    assert not Path("a.skops").exists()


def test_trials_may_fail(folder, calls, monkeypatch):
    noted = tuning.cross_validate

    def fails(*arguments, **options):
        if not calls:
            calls.append(())
            raise ValueError("Training diverged.\nMore of it.")
        return noted(*arguments, **options)

    monkeypatch.setattr(tuning, "cross_validate", fails)
    card = json.loads(succeed(*TRAIN, "--tune", 0.3, "--json").stdout)
    first, *others = card["trials"]
    assert (first["loss"], first["failure"]) == (None, "Training diverged.")
    assert others
    assert all(trial["loss"] for trial in others)


def test_if_all_fail_the_command_does(folder, monkeypatch):
    def fails(*_, **__):
        raise ValueError("Training diverged.")

    monkeypatch.setattr(tuning, "cross_validate", fails)
    assert complaint(
        *TRAIN, "--hidden", 4, "--activation", "tanh", "--solver", "rprop", "--tune", 1e-3
    ).startswith("--tune: none of ")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--tune", "0"], "--tune: got '0'; expected a number of minutes above 0"),
        (
            ["--tune", "1", "--cv", "3"],
            "--tune: got 1 with --cv 3, which would score rows that chose the settings;",
        ),
        (
            ["--tune", "1", "--hidden", "4", "--activation", "relu", "--solver", "rprop", "--alpha", "0"],
            "--tune: every setting of --model mlp that it could choose is given;",
        ),
    ],
)
def test_bad_requests(folder, options, expected):
    assert complaint(*TRAIN, *options).startswith(expected)


def test_too_few_rows_for_folds(folder):
    rows = [f"{x / 7},{'ab'[x % 2]}" for x in range(10)]
    Path("few.csv").write_text("\n".join(["x,y", *rows]))
    message = complaint("train", "few.csv", "--target", "y", "--tune", 1, "--test-size", 0.5)
    assert message == "--tune: 3 folds, but class 'a' has 2 rows; expected at least one for each fold"


def test_info_and_report_have_the_search(folder, calls):
    pytest.importorskip("matplotlib")
    succeed(*TRAIN, "--tune", 0.4, "--save", "a.skops", "--report", "a.html")
    first = "--hidden 32 --activation tanh --solver rprop --alpha 0.0001"
    assert first in " ".join(succeed("info", "a.skops").stdout.split())
    page = Path("a.html").read_text(encoding="utf-8")
    assert "Tried 2 settings" in page
    assert first in page


# What is tried


def test_candidates_depend_on_the_seed_alone():
    settings = settings_of("mlp", 3, {})
    names = open_settings(settings, [])
    first, again = (
        [one for one, _ in zip(candidates(settings, names, 5000), range(50), strict=False)] for _ in range(2)
    )
    assert first == again
    assert first[0] == settings
    assert len(set(first)) == 50
    assert {one.solver for one in first} == {"rprop", "adam"}
    for one in first[1:]:
        assert (one.learning_rate is None) == (one.batch_size is None) == (one.solver == "rprop")
        assert 1e-6 <= one.alpha <= 1
    other = settings_of("mlp", 4, {})
    assert next(c for c in candidates(other, names, 5000) if c != other).hidden is not None
    assert [one.alpha for one, _ in zip(candidates(other, names, 5000), range(50), strict=False)] != [
        one.alpha for one in first
    ]


def test_what_is_given_stays():
    settings = settings_of("mlp", 0, {"hidden": (7,), "solver": "adam", "alpha": 0.5})
    names = open_settings(settings, ["hidden", "solver", "alpha"])
    assert names == ["activation", "learning_rate", "batch_size"]
    for one, _ in zip(candidates(settings, names, 5000), range(30), strict=False):
        assert (one.hidden, one.solver, one.alpha) == ((7,), "adam", 0.5)


def test_mini_batches_are_small_beside_the_table():
    sizes = {one.batch_size for one in candidates(Settings("tabular", 0), ["batch_size"], 300)}
    assert sizes == {None, 32, 64}
    assert {one.batch_size for one in candidates(Settings("tabular", 0), ["batch_size"], 10)} == {None, 32}


# How it is shown


def some_trials(count: int) -> list[Trial]:
    return [Trial(n, {"alpha": n / 10}, 1.0 - n / 100, 0.1, 2.0) for n in range(1, count + 1)]


def test_many_trials_are_shown_in_part_the_first_always():
    shown = best_trials([*some_trials(30), Trial(31, {}, None, None, 1.0, "diverged")])
    assert [trial.number for trial in shown] == [*range(30, 30 - BEST_TRIALS, -1), 1]
    assert "(1 failed)" in search_sentence(
        [*some_trials(2), Trial(3, {}, None, None, 1.0, "x")], "regression"
    )


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress(is_terminal):
    output = io.StringIO()
    console = Console(file=output, force_terminal=is_terminal, width=100, color_system=None)
    trials = some_trials(3)
    trials.append(Trial(4, {}, 5.0, 0.1, 2.0))
    with follow_search(console, 60.0, quiet=False) as tell:
        for n in range(1, 5):
            tell(trials[:n])
        time.sleep(0.2 if is_terminal else 0)
    text = output.getvalue()
    assert "3 trials, best 0.9700: --alpha 0.3" in text or is_terminal
    assert "4 trials, best 0.9700: --alpha 0.3" in text or not is_terminal
    if is_terminal:
        assert "/60 s" in text
    else:
        assert text.count("\n") == 3  # the fourth is no better
    with follow_search(console, 60.0, quiet=True) as tell:
        tell(trials)
    assert output.getvalue() == text


def test_a_card_without_a_search_has_no_trials():
    first = some_trials(1)[0]
    plain = Trial(**{**vars(first), "loss": None, "failure": "x"})
    with pytest.raises(ValueError, match="a trial that did not fail"):
        Card.from_plain({"trials": [vars(plain)], "task": "regression", "model": "mlp", "decimal": "."})
