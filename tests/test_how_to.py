"""The page with an example for each command: its blocks run in a shell, in order, and print what it shows."""

import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import typer
from command_line import PENGUINS
from ferroprop.cli.app import app

PAGE = Path(__file__).parent.parent / "docs" / "how-to.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
SERVE = "ferroprop serve "
NEEDED = ("bash", "curl", "cut", "grep", "head")

pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("fastapi", reason="fastapi is not installed")


def test_each_command_has_its_section():
    titles = re.findall(r"^## (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert titles == list(typer.main.get_command(app).commands)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that runs a block in a folder with the table, where `ferroprop` is this one."""
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent or sys.platform == "win32":
        pytest.skip(f"the page needs {absent or 'a POSIX shell'}")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, arguments in (("ferroprop", "-P -m ferroprop"), ("python", "")):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(commands), prepend=":")
    shutil.copy(PENGUINS, tmp_path)

    def run(block: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stderr.decode()}"
        return done.stdout.decode("utf-8")

    return run


def without_blanks(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_the_blocks_run_and_print_what_the_page_shows(shell, tmp_path: Path):
    port, server, shown = free_port(), None, 0
    try:
        for block, output in BLOCK.findall(PAGE.read_text("utf-8")):
            code = block.replace("8000", str(port))
            if code.startswith(SERVE):
                program = [sys.executable, "-P", "-m", *code.split()]
                server = subprocess.Popen(program, cwd=tmp_path, stderr=subprocess.DEVNULL)
                wait_for(f"http://127.0.0.1:{port}/ready", server)
                continue
            printed = shell(code)
            if output:
                assert without_blanks(printed) == without_blanks(output)
                shown += 1
    finally:
        if server is not None:
            server.terminate()
            assert server.wait(60) == 0
    assert shown == 4
    files = {path.name for path in tmp_path.iterdir()}
    assert {"predicted.csv", "penguins.html", "penguins.onnx", "mass.h", "mass.toml"} <= files


def wait_for(address: str, server: subprocess.Popen) -> None:
    """Wait until the server answers; however long it takes, unless it ends."""
    while server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server ended with {server.returncode}")
