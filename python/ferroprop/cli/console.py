"""The two consoles: results go to standard output, everything on the way to standard error."""

from rich.console import Console


def results_console() -> Console:
    """Return the console for what was asked for."""
    return Console(highlight=False, markup=False, emoji=False)


def progress_console(*, quiet: bool = False) -> Console:
    """Return the console for notes and progress.

    Parameters
    ----------
    quiet : bool
        Swallow all of it.
    """
    return Console(stderr=True, highlight=False, markup=False, emoji=False, quiet=quiet)


def note(console: Console, text: str) -> None:
    """Print one line that the user should know of but need not act on."""
    console.print(f"note: {text}", style="dim", soft_wrap=True)
