"""Progress of the training: a live bar on a terminal, some ten lines elsewhere."""

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from ferroprop import Epoch
from ferroprop.cli.report import number

PLAIN_LINES = 10
"""The approximate number of lines without a terminal."""

REFRESH_SECONDS = 0.05


class Follower(Protocol):
    """A display that is called after each epoch."""

    def __call__(self, epoch: Epoch) -> None:
        """Show an epoch: its number, the training loss, the validation score if there is one."""


def follow(
    console: Console, epochs: int, score_name: str, *, quiet: bool
) -> AbstractContextManager[Follower]:
    """Return a context to train in, which shows the training on this console.

    Parameters
    ----------
    console : Console
        Where to show it.
    epochs : int
        The most epochs that the training will take.
    score_name : str
        The name of the validation score.
    quiet : bool
        Show nothing.

    Returns
    -------
    context manager of Follower
        To call after each epoch.
    """
    if quiet:
        return nullcontext(_ignore)
    return _Bar(console, epochs, score_name) if console.is_terminal else _Lines(console, epochs, score_name)


def _ignore(epoch: Epoch) -> None:
    """Show nothing."""


class _Bar:
    """A live progress bar; it stays on the screen with the last epoch's numbers."""

    def __init__(self, console: Console, epochs: int, score_name: str) -> None:
        self._score_name = score_name
        self._progress = Progress(
            TextColumn("epoch", style="bold"),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:>{task.fields[width]}}/{task.fields[most]}"),
            TextColumn("{task.fields[numbers]}"),
            TextColumn("{task.elapsed:.1f} s", style="dim"),
            console=console,
            expand=True,
        )
        width = len(str(epochs))
        self._task = self._progress.add_task("", total=epochs, width=width, most=epochs, numbers="")
        self._next = 0.0
        self._last: Epoch | None = None

    def __enter__(self) -> Follower:
        self._progress.start()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if self._last is not None:
            self._show(self._last)
            if error is None:
                self._progress.update(self._task, total=self._last.epoch)
        self._progress.stop()

    def __call__(self, epoch: Epoch) -> None:
        self._last = epoch
        now = time.monotonic()
        if now >= self._next:
            self._next = now + REFRESH_SECONDS
            self._show(epoch)

    def _show(self, epoch: Epoch) -> None:
        self._progress.update(self._task, completed=epoch.epoch, numbers=_numbers(epoch, self._score_name))


class _Lines:
    """Prints a line for the first epoch, for each tenth of all, and for the last."""

    def __init__(self, console: Console, epochs: int, score_name: str) -> None:
        self._console = console
        self._score_name = score_name
        self._epochs = epochs
        self._every = max(1, -(-epochs // PLAIN_LINES))
        self._pending: Epoch | None = None

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if self._pending is not None:
            self._show(self._pending)

    def __call__(self, epoch: Epoch) -> None:
        self._pending = epoch
        if epoch.epoch == 1 or epoch.epoch % self._every == 0:
            self._show(epoch)

    def _show(self, epoch: Epoch) -> None:
        self._pending = None
        width = len(str(self._epochs))
        numbers = _numbers(epoch, self._score_name)
        self._console.print(f"epoch {epoch.epoch:>{width}}/{self._epochs}  {numbers}", soft_wrap=True)


def _numbers(epoch: Epoch, score_name: str) -> str:
    score = epoch.validation_score
    validation = "" if score is None else f"  validation {score_name} {score:.3f}"
    return f"loss {number(epoch.loss)}{validation}"
