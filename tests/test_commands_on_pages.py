"""The commands on the pages: the command line accepts each, and the page on it has every option."""

import re
import shlex
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import typer
from command_line import FAST, succeed
from ferroprop.cli.app import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs").glob("*/*.md"))]
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HOUSES = pl.DataFrame(
    {
        "area": np.linspace(40, 160, 60),
        "zip": [10115, 20095, 80331] * 20,
        "district": ["Mitte", "Altona"] * 30,
        "price": np.linspace(100_000, 500_000, 60) + [5_000, -5_000] * 30,
    }
)

cli = typer.main.get_command(app)


def blocks(text: str, language: str) -> list[str]:
    return [content for name, content in BLOCK.findall(text) if name == language]


def commands() -> list[str]:
    lines = [
        line
        for page in PAGES
        for block in blocks(page.read_text("utf-8"), "sh")
        for line in block.splitlines()
    ]
    found = [
        re.split(r" [|>] ", part)[0].strip() for line in lines for part in re.split(r"&&|^zcat \S+ \|", line)
    ]
    return [
        command for command in found if command.startswith("ferroprop ") and "--config" not in command.split()
    ]


def test_each_script_that_a_page_names_is_there():
    texts = [page.read_text("utf-8") for page in PAGES]
    named = {
        script for text in texts for script in re.findall(r"\b(?:benches|examples)/[\w/]+\.(?:py|sh)\b", text)
    }
    assert len(named) > 20
    assert not {script for script in named if not (ROOT / script).is_file()}


def options_of(command: typer.core.TyperCommand) -> set[str]:
    names = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return {name for name in names if name.startswith("--")}


def test_each_command_on_a_page_is_accepted():
    found = commands()
    assert len(found) > 20
    for command in found:
        name, *arguments = shlex.split(command)[1:]
        cli.commands[name].make_context(name, arguments)


def test_the_page_on_the_command_line_has_every_option_and_no_other():
    named = set(re.findall(r"--[a-z][a-z-]+", COMMAND_LINE))
    assert named == options_of(cli).union(*map(options_of, cli.commands.values())) - {"--help", "--version"}


@pytest.fixture
def houses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    HOUSES.write_csv("houses.csv")
    return tmp_path


def test_the_configuration_on_the_page_is_one(houses: Path):
    (toml,) = blocks(COMMAND_LINE, "toml")
    Path("run.toml").write_text(toml)
    succeed("train", "--config", "run.toml", *FAST)
    assert Path("houses.skops").exists()


def test_the_model_can_be_used_in_python_as_the_page_says(houses: Path, capsys: pytest.CaptureFixture[str]):
    HOUSES.drop("price").write_csv("new.csv")
    succeed("train", "houses.csv", "--target", "price", "--save", "houses.skops", *FAST)
    (code,) = blocks(COMMAND_LINE, "python")
    exec(code, {})
    assert len(re.findall(r"\d+\.", capsys.readouterr().out)) == HOUSES.height
