"""``ferroprop report``: what the page says, that it is whole, and what is refused."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from command_line import FAST, FEW, PENGUINS, complaint, succeed
from ferroprop.cli.columns import features
from ferroprop.cli.figures import partial_dependence
from ferroprop.cli.inspected import (
    Dependence,
    EncodedClassifier,
    dependence,
    encoded,
    importances,
)
from ferroprop.cli.model_file import load_model, read_card
from ferroprop.cli.reading.table import read_table
from sklearn.inspection import permutation_importance
from sklearn.metrics import brier_score_loss, log_loss


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def species_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "species.skops"
    succeed("train", PENGUINS, "--target", "species", "--save", path, *FEW)
    return path


@pytest.fixture(scope="module")
def species_page(species_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "r.html"
    succeed("report", species_model, PENGUINS, "--output", path)
    return path


class Page(HTMLParser):
    """A page, taken apart; no element may be left open, no id stand twice."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.sources: list[str] = []
        self.feed(text)
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(str(value))
            if name in ("src", "href", "xlink:href"):
                self.sources.append(str(value))

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page_of(*arguments: object) -> Page:
    succeed("report", *arguments, "--output", "r.html")
    return Page(Path("r.html").read_text(encoding="utf-8"))


def test_the_page_needs_no_other_file_and_has_every_picture(species_page: Path):
    text = species_page.read_text(encoding="utf-8")
    page = Page(text)
    assert all(source.startswith(("#", "data:")) for source in page.sources)
    assert text.count("<figure>") == text.count('role="img"') >= 8
    for picture in (
        "Confusion matrix",
        "Reliability diagram",
        "Permutation importance",
        "loss of each network",
    ):
        assert f'aria-label="{picture}' in text or f'aria-label="The {picture}' in text
    assert "#010203" not in text
    assert "as many rows as the training table" in "".join(page.words)


def test_the_scores_of_the_page_are_those_of_the_predictions(species_model: Path, species_page: Path):
    card, model = read_card(species_model), load_model(species_model)
    frame = read_table(PENGUINS).frame
    probabilities = model.predict_proba(features(frame, card.columns, ""))
    cells = dict(re.findall(r"<tr><td>([^<]*)</td><td>([^<]*)</td>", species_page.read_text("utf-8")))
    y = frame["species"].to_numpy()
    assert float(cells["Brier score"]) == pytest.approx(brier_score_loss(y, probabilities), abs=1e-4)
    assert float(cells["log loss"]) == pytest.approx(log_loss(y, probabilities), abs=1e-4)


# Scores on other rows


def test_an_evaluation_has_the_scores_of_the_predictions(species_model: Path, folder: Path):
    frame = read_table(PENGUINS).frame
    frame[::3].write_csv("some.csv")
    result = succeed("evaluate", species_model, "some.csv")
    assert "Scores on 115 rows of some.csv" in result.stdout
    cells = {line[:18].strip(): line[18:].split() for line in result.stdout.splitlines()}
    card, model = read_card(species_model), load_model(species_model)
    y = frame[::3]["species"].to_numpy()
    probabilities = model.predict_proba(features(frame[::3], card.columns, ""))
    shares = np.unique(y, return_counts=True)[1] / len(y)
    assert float(cells["log loss"][0]) == pytest.approx(log_loss(y, probabilities), abs=1e-4)
    assert float(cells["log loss"][1]) == pytest.approx(-(shares * np.log(shares)).sum(), abs=1e-4)
    of_training = {score.name: score.network for score in card.scores}
    assert float(cells["log loss"][2]) == pytest.approx(of_training["log loss"], abs=1e-4)
    plain = json.loads(succeed("evaluate", species_model, "some.csv", "--json").stdout)
    assert plain["rows"] == 115
    assert plain["scores"][-1]["network"] == pytest.approx(log_loss(y, probabilities), rel=1e-9)


def test_an_evaluation_says_when_a_model_is_of_no_use(species_model: Path, folder: Path):
    frame = read_table(PENGUINS).frame
    wrong = frame.with_columns(species=pl.col("species").replace({"Adelie": "Gentoo", "Gentoo": "Adelie"}))
    wrong.write_csv("wrong.csv")
    assert (
        "Not better than the baseline in log loss" in succeed("evaluate", species_model, "wrong.csv").stdout
    )
    wrong.drop("species").write_csv("none.csv")
    assert complaint("evaluate", species_model, "none.csv").startswith(
        "TABLE: 'none.csv' lacks the target 'species' of the model"
    )


def test_a_regressor_and_a_single_network(folder: Path):
    succeed("train", PENGUINS, "--target", "body_mass_g", "--save", "m.skops", *FAST)
    lines = PENGUINS.read_text().splitlines(keepends=True)
    Path("few.csv").write_text("".join(lines[:80]))
    text = succeed("report", "m.skops", "few.csv").stdout
    assert text == "Report: m.html\n"
    words = "".join(Page(Path("m.html").read_text(encoding="utf-8")).words)
    assert "Residuals over predicted values" in words
    assert "1 row without 'body_mass_g' left out" in words
    assert "Trained 20 epochs" in words or "Trained 1" in words
    first = Path("m.html").read_bytes()
    succeed("report", "m.skops", "few.csv")
    assert Path("m.html").read_bytes() == first


def test_what_is_wrong_with_a_table_is_on_the_page(species_model: Path, folder: Path):
    frame = pl.read_csv(PENGUINS, null_values="NA", infer_schema_length=None)
    strange = pl.col("body_mass_g").cast(pl.Float64) * 1000
    other = frame.with_columns(strange, species=pl.col("species").replace("Gentoo", "<b>Emperor</b>"))
    pl.concat([other, other.head(7)]).write_csv("new.csv")
    words = "".join(page_of(species_model, "new.csv").words)
    assert "'<b>Emperor</b>': a class that training did not have; such rows are left out" in words
    assert "Column 'body_mass_g'" in words
    assert "7 rows of 227 equal another one in the target" in words


def test_what_a_report_refuses(species_model: Path, folder: Path):
    pl.read_csv(PENGUINS).drop("species").write_csv("new.csv")
    assert complaint("report", species_model, "new.csv").startswith(
        "TABLE: 'new.csv' lacks the target 'species' of the model; expected a table with it; without it "
        "there are only predictions (ferroprop predict)"
    )
    pl.read_csv(PENGUINS).rename({"species": "Species"}).write_csv("new.csv")
    assert complaint("report", species_model, "new.csv").endswith("of the model; did you mean 'Species'?")
    assert complaint("report", species_model, PENGUINS, "--output", "r.pdf") == (
        "--output: 'r.pdf' does not end like a page; expected .html"
    )
    assert not Path("species.html").exists()


# What the pictures show


def test_importance_is_scikit_learns_where_no_columns_are_alike(species_model: Path):
    card, model = read_card(species_model), load_model(species_model)
    columns = [column for column in card.columns if column.name not in ("flipper_length_mm", "body_mass_g")]
    known = {column.name for column in columns}
    frame = features(read_table(PENGUINS).frame, card.columns, "")
    X, levels = encoded(frame, card.columns)
    y = np.unique(read_table(PENGUINS).frame["species"].to_numpy(), return_inverse=True)[1]
    adapter = EncodedClassifier(model, "tabular", card.columns, levels)
    assert adapter.table(X).equals(frame)

    def loss(model, rows, y):
        return log_loss(y, model.predict_proba(rows))

    ours = {one.names[0]: one for one in importances(adapter, X, y, loss)}
    assert ours["flipper_length_mm"].names == ["flipper_length_mm", "body_mass_g"]
    theirs = permutation_importance(
        adapter, X, y, scoring=lambda *a: -loss(*a), n_repeats=5, random_state=0
    ).importances_mean
    for column, expected in zip(card.columns, theirs, strict=True):
        if column.name in known:
            assert ours[column.name].means == pytest.approx(expected, abs=0.05 + 0.2 * abs(expected))
    assert max(ours.values(), key=lambda one: one.means).names[0] == card.columns[theirs.argmax()].name


def test_dependence_is_the_mean_of_predictions(species_model: Path):
    card, model = read_card(species_model), load_model(species_model)
    frame = features(read_table(PENGUINS).frame, card.columns, "").head(40)
    X, levels = encoded(frame, card.columns)
    adapter = EncodedClassifier(model, "tabular", card.columns, levels)
    place = [column.name for column in card.columns].index("island")
    found = dependence(adapter, X, place)
    for number, island in enumerate(found.grid):
        expected = model.predict_proba(frame.with_columns(island=pl.lit(island))).mean(axis=0)
        np.testing.assert_allclose(found.means[:, number], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("grid", "ticks"),
    [
        ([2007.0, 2008.0, 2009.0], ["2007", "2008", "2009"]),
        ([0.0, 0.5, 1.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_ticks_of_dependence_are_few_and_whole_where_the_values_are(grid: list[float], ticks: list[str]):
    found = Dependence("x", grid, np.array([[7.25, 7.5, 7.75]]), np.empty((1, 0, 3)))
    labels = re.findall(r"<!-- ([\d.]+) -->", partial_dependence(found, ["y"], "y"))
    assert [label for label in labels if not label.startswith("7.")] == ticks
