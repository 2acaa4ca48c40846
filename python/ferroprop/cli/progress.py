"""Progress of the training: a live bar on a terminal, some ten lines elsewhere."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column

from ferroprop.cli.card import Trial
from ferroprop.cli.console import NARROW
from ferroprop.cli.report import number, settings_text
from ferroprop.cli.wording import count

PLAIN_LINES = 10
"""The approximate number of lines without a terminal."""

REFRESH_SECONDS = 0.05


class Follower(Protocol):
    """A display that is called after each epoch."""

    def __call__(self, epoch: int, most: int, numbers: str) -> None:
        """Show an epoch: its number, the greatest number possible, loss and validation score."""


def follow(console: Console, *, quiet: bool) -> AbstractContextManager[Follower | None]:
    """Return a context to train in, which shows the training on this console.

    Parameters
    ----------
    console : Console
        Where to show it.
    quiet : bool
        Show nothing.

    Returns
    -------
    context manager of Follower
        The function to call after each epoch; None if nothing is to be shown.
    """
    if quiet:
        return nullcontext(None)
    return _Bar(console) if console.is_terminal else _Lines(console)


def follow_search(
    console: Console, budget: float, *, quiet: bool
) -> AbstractContextManager[Callable[[Sequence[Trial]], None]]:
    """Return a context to search in, whose function is called after each trial.

    Parameters
    ----------
    console : Console
        Where to show it: a bar that fills with the time or, without a terminal, a line for the first trial
        and for each that is better than all before.
    budget : float
        The seconds of the search.
    quiet : bool
        Show nothing.
    """
    if quiet:
        return nullcontext(lambda trials: None)
    return _SearchBar(console, budget) if console.is_terminal else nullcontext(_search_lines(console))


def _search_lines(console: Console) -> Callable[[Sequence[Trial]], None]:
    def show(trials: Sequence[Trial]) -> None:
        if _best(trials) is trials[-1] or len(trials) == 1:
            console.print(_on_best(trials), soft_wrap=True)

    return show


def _best(trials: Sequence[Trial]) -> Trial | None:
    ended = [trial for trial in trials if trial.loss is not None]
    return min(ended, key=lambda trial: trial.loss or 0.0, default=None)


def _on_best(trials: Sequence[Trial]) -> str:
    best = _best(trials)
    if best is None:
        return f"{count(len(trials), 'trial')}, the last one failed: {trials[-1].failure}"
    return f"{count(len(trials), 'trial')}, best {number(best.loss or 0.0)}: {settings_text(best.settings)}"


class _SearchBar:
    """A live bar that fills with the time, beside the number of trials and the best one."""

    def __init__(self, console: Console, budget: float) -> None:
        self._progress = Progress(
            TextColumn("search", style="bold"),
            *([] if console.width < NARROW else [BarColumn(bar_width=20)]),
            TextColumn("{task.elapsed:.0f}/{task.total:.0f} s"),
            TextColumn("{task.fields[best]}", style="dim", table_column=Column()),
            console=console,
        )
        self._task = self._progress.add_task("", total=budget, best="")

    def __enter__(self) -> Callable[[Sequence[Trial]], None]:
        self._progress.start()
        return self._show

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._progress.stop()

    def _show(self, trials: Sequence[Trial]) -> None:
        passed = self._progress.tasks[0].elapsed or 0.0
        self._progress.update(self._task, completed=passed, best=_on_best(trials))


class _Bar:
    """A live progress bar; it stays on the screen with the last epoch's numbers.

    On a narrow terminal the numbers have the place of the bar, and two lines if need be.
    """

    def __init__(self, console: Console) -> None:
        narrow = console.width < NARROW
        self._progress = Progress(
            TextColumn("epoch", style="bold"),
            *([] if narrow else [BarColumn(bar_width=None)]),
            TextColumn("{task.completed:>{task.fields[width]}}/{task.fields[most]}"),
            TextColumn("{task.fields[numbers]}", table_column=Column(no_wrap=not narrow)),
            TextColumn("{task.elapsed:.1f} s", style="dim"),
            console=console,
            expand=True,
        )
        self._task: TaskID | None = None
        self._next = 0.0
        self._last: tuple[int, int, str] | None = None

    def __enter__(self) -> Follower:
        self._progress.start()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if self._last is not None:
            self._show(*self._last)
            if error is None and self._task is not None:
                self._progress.update(self._task, total=self._last[0])
        self._progress.stop()

    def __call__(self, epoch: int, most: int, numbers: str) -> None:
        self._last = epoch, most, numbers
        now = time.monotonic()
        if now >= self._next:
            self._next = now + REFRESH_SECONDS
            self._show(epoch, most, numbers)

    def _show(self, epoch: int, most: int, numbers: str) -> None:
        if self._task is None:
            self._task = self._progress.add_task(
                "", total=most, width=len(str(most)), most=most, numbers=numbers
            )
        self._progress.update(self._task, completed=epoch, numbers=numbers)


class _Lines:
    """Prints a line for the first epoch, for each tenth of all, and for the last."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pending: tuple[int, int, str] | None = None

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if self._pending is not None:
            self._show(*self._pending)

    def __call__(self, epoch: int, most: int, numbers: str) -> None:
        self._pending = epoch, most, numbers
        if epoch == 1 or epoch % max(1, -(-most // PLAIN_LINES)) == 0:
            self._show(epoch, most, numbers)

    def _show(self, epoch: int, most: int, numbers: str) -> None:
        self._pending = None
        self._console.print(f"epoch {epoch:>{len(str(most))}}/{most}  {numbers}", soft_wrap=True)
