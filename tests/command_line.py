"""Running the command line in this process, for the tests of it."""

from pathlib import Path

from ferroprop.cli.app import app
from typer.testing import CliRunner, Result

PENGUINS = Path(__file__).parent.parent / "examples" / "penguins.csv"
FAST = ["--model", "mlp", "--epochs", "20"]
FEW = ["--members", "2", "--hidden", "32", "--epochs", "30", "--learning-rate", "0.01"]
"""A small ensemble."""


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], stdin, prog_name="ferroprop")


def succeed(*arguments: object, stdin: bytes | None = None) -> Result:
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result


def complaint(*arguments: object) -> str:
    """Run a command that must fail, and return its one line."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    *notes, line = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert not any(note.startswith(("error", "Traceback")) for note in notes)
    return line.removeprefix("error: ")
