"""The two consoles: results go to standard output, notes and progress to standard error."""

import codecs
import json
import math
import sys
from typing import Any

from rich.console import Console

NARROW = 60
"""A terminal of fewer columns has no room for frames and bars."""

PLAIN_SIGNS = str.maketrans({"²": "2", "…": "...", "─": "-", "━": "-", "−": "-"})
BLOCKS = str.maketrans("▁▂▃▄▅▆▇█", "_.,-=+*#")
"""Substitutes for our signs that an output's encoding lacks."""


def write_in_any_encoding() -> None:
    """Make the outputs substitute characters that their encoding lacks, instead of failing.

    Windows' code pages and the ASCII of a bare container lack the lines of tables, R², and other scripts.
    """
    codecs.register_error("ferroprop", _replacement)
    for stream in (sys.stdout, sys.stderr):
        encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
        if not encoding.startswith("utf") and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="ferroprop")


def _replacement(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end].translate(PLAIN_SIGNS).translate(BLOCKS)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end


def results_console(*, quiet: bool = False) -> Console:
    """Return the console for results.

    Parameters
    ----------
    quiet : bool
        Print nothing, because the results are printed as JSON.
    """
    return Console(highlight=False, markup=False, emoji=False, quiet=quiet)


def progress_console(*, quiet: bool = False) -> Console:
    """Return the console for notes and progress.

    Parameters
    ----------
    quiet : bool
        Print nothing.
    """
    return Console(stderr=True, highlight=False, markup=False, emoji=False, quiet=quiet)


def say(console: Console, text: str, style: str | None = None) -> None:
    """Print one line: wrapped between words on a terminal, unchanged for a file or another program."""
    console.print(text, style=style, soft_wrap=not console.is_terminal)


class Notes:
    """Notes to the user, printed and kept; none of them requires an action.

    Parameters
    ----------
    console : Console
        Where they are printed.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.said: list[str] = []

    def add(self, *texts: str) -> None:
        """Print each text as one line."""
        for text in texts:
            self.said.append(text)
            say(self._console, f"note: {text}", "dim")


def print_json(values: dict[str, Any]) -> None:
    """Print values as one JSON object; numbers that JSON lacks are null."""
    text = json.dumps(_finite(values), indent=1, allow_nan=False)
    sys.stdout.write(f"{text}\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
