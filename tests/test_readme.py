"""The README: its examples run, its commands exist, its links lead somewhere."""

import re
import runpy
import shlex
import tomllib
from pathlib import Path

import pytest
from ferroprop.cli.app import app
from typer.testing import CliRunner

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str, text: str = README) -> list[str]:
    return [content for name, content in BLOCK.findall(text) if name == language]


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_python_examples_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in blocks("python"):
        exec(example, names)
    printed = capsys.readouterr().out
    assert float(printed.splitlines()[0]) > 0.9
    right, all_flowers = map(int, re.search(r"(\d+) of (\d+) test flowers right", printed).groups())
    assert right / all_flowers > 0.9
    assert (tmp_path / "iris.safetensors").exists()


def test_the_example_of_a_network_is_a_file_too():
    (example,) = blocks("python", section("A network by itself"))
    assert example in (ROOT / "examples" / "iris.py").read_text(encoding="utf-8")


def test_the_picture_can_be_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "picture.png"
    monkeypatch.setattr("sys.argv", ["decision_regions.py", str(path)])
    runpy.run_path(str(ROOT / "examples" / "decision_regions.py"), run_name="__main__")
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("title", ["Try it", "Test it"])
def test_a_newcomer_needs_one_command_line(title: str):
    language, content = BLOCK.search(section(title)).groups()
    assert language == "sh"
    assert len(content.splitlines()) == 1


def ferroprop_commands() -> list[list[str]]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [part.strip() for line in lines for part in line.split("&&")]
    return [shlex.split(command)[1:] for command in commands if command.startswith("ferroprop ")]


def test_the_commands_exist_and_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    commands = ferroprop_commands()
    assert [command[0] for command in commands] == ["train", "train", "info", "predict"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for command in commands:
        quick = ["--members", "1", "--epochs", "3"] if command[0] == "train" else []
        result = CliRunner().invoke(app, [*command, *quick])
        assert result.exit_code == 0, result.output


def test_the_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    for target in targets:
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_rust_part_names_the_ndarray_of_the_crate():
    crate = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    [lines] = blocks("toml")
    assert tomllib.loads(lines)["dependencies"]["ndarray"] == crate["dependencies"]["ndarray"]
