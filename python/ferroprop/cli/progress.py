"""Progress of the training: a live bar on a terminal, some ten lines elsewhere."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, Protocol

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

    def __call__(self, epoch: int, most: int, numbers: str, network: int = 1, networks: int = 1) -> None:
        """Show an epoch: its number, the greatest number possible, loss and validation score.

        Of several networks, epochs are counted over all of them; `network` have begun, of at most `networks`.
        """


class _Step(NamedTuple):
    """The arguments of a `Follower`."""

    epoch: int
    most: int
    numbers: str
    network: int
    networks: int

    @property
    def epochs(self) -> str:
        return f"{self.epoch:>{len(str(self.most))}}/{self.most}"

    @property
    def of_several(self) -> str:
        """Which networks have begun; empty if there is only one."""
        if self.networks == 1:
            return ""
        if self.network == self.networks:
            return f"{self.networks} networks"
        return f"{self.network} of up to {self.networks} networks"

    def at_the_end(self) -> "_Step":
        """Return the last step, without the networks that have not begun."""
        return self._replace(most=self.most * self.network // self.networks, networks=self.network)


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

    On a narrow terminal the numbers have the place of the bar and of the number of networks, and two lines if
    need be.
    """

    def __init__(self, console: Console) -> None:
        self._is_narrow = narrow = console.width < NARROW
        self._progress = Progress(
            TextColumn("{task.description}", style="bold"),
            *([] if narrow else [BarColumn(bar_width=None)]),
            TextColumn("{task.fields[epochs]}"),
            TextColumn("{task.fields[numbers]}", table_column=Column(no_wrap=not narrow)),
            TextColumn("{task.elapsed:.1f} s", style="dim"),
            console=console,
            expand=True,
        )
        self._task: TaskID | None = None
        self._next = 0.0
        self._last: _Step | None = None

    def __enter__(self) -> Follower:
        self._progress.start()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if self._last is not None:
            self._show(self._last.at_the_end())
            if error is None and self._task is not None:
                self._progress.update(self._task, total=self._last.epoch)
        self._progress.stop()

    def __call__(self, epoch: int, most: int, numbers: str, network: int = 1, networks: int = 1) -> None:
        self._last = _Step(epoch, most, numbers, network, networks)
        now = time.monotonic()
        if now >= self._next:
            self._next = now + REFRESH_SECONDS
            self._show(self._last)

    def _show(self, step: _Step) -> None:
        networks = "" if self._is_narrow else step.of_several
        shown: dict[str, Any] = {
            "description": networks or "epoch",
            "total": step.most,
            "completed": step.epoch,
            "epochs": f"epoch {step.epochs}" if networks else step.epochs,
            "numbers": step.numbers,
        }
        if self._task is None:
            self._task = self._progress.add_task(**shown)
        else:
            self._progress.update(self._task, **shown)


class _Lines:
    """Prints a line for the first epoch, for each tenth of all, and for the last."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pending: _Step | None = None

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if self._pending is not None:
            self._show(self._pending.at_the_end())

    def __call__(self, epoch: int, most: int, numbers: str, network: int = 1, networks: int = 1) -> None:
        self._pending = _Step(epoch, most, numbers, network, networks)
        if epoch == 1 or epoch % max(1, -(-most // PLAIN_LINES)) == 0:
            self._show(self._pending)

    def _show(self, step: _Step) -> None:
        self._pending = None
        parts = (f"epoch {step.epochs}", step.of_several, step.numbers)
        self._console.print("  ".join(filter(None, parts)), soft_wrap=True)
