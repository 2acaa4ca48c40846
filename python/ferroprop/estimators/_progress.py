"""The display of a fit's progress, for ``verbose``."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any, TypeAlias

from ferroprop._core import Epoch


def progress_of(
    verbose: bool | int, *, epochs: int, lines: ProgressLines, single: bool
) -> ProgressLines | ProgressBar | None:
    """Return the display of progress for `verbose`.

    Parameters
    ----------
    verbose : bool or int
        The estimator's parameter.
    epochs : int
        The most there can be.
    lines : ProgressLines
        What to show where it is not a bar.
    single : bool
        Whether this is the one epoch of ``partial_fit``, which is a line.
    """
    if not verbose:
        return None
    return ProgressBar(epochs) if verbose < 2 and is_live(sys.stdout) and not single else lines


def is_live(stream: Any) -> bool:
    """Tell whether a line of this stream can be overwritten: in a terminal, and in a notebook."""
    return bool(stream.isatty()) or is_notebook(stream)


def is_notebook(stream: Any) -> bool:
    """Tell whether this stream is that of a notebook."""
    return type(stream).__module__.startswith("ipykernel")


class ProgressLines:
    """A line or two after each epoch, in scikit-learn's words.

    Parameters
    ----------
    tol, n_iter_no_change, early_stopping
        The estimator's parameters of the same names.
    adaptive : bool
        Whether the learning rate is divided when patience runs out.
    """

    def __init__(self, *, tol: float, n_iter_no_change: float, early_stopping: bool, adaptive: bool) -> None:
        monitored = "Validation score" if early_stopping else "Training loss"
        self._stalled = (
            f"{monitored} did not improve more than tol={tol:f} for {n_iter_no_change} consecutive epochs."
        )
        self._adaptive = adaptive
        self._learning_rate: float | None = None

    def __call__(self, epoch: Epoch) -> None:
        """Print the epoch's loss and, if there is one, its validation score."""
        if self._adaptive:
            if epoch.learning_rate is not None and self._learning_rate not in (None, epoch.learning_rate):
                self.stalled(epoch.learning_rate)
            self._learning_rate = epoch.learning_rate
        print(f"Iteration {epoch.epoch}, loss = {epoch.loss:.8f}")
        if epoch.validation_score is not None:
            print(f"Validation score: {epoch.validation_score:f}")
        elif epoch.validation_loss is not None:
            print(f"Validation loss: {epoch.validation_loss:.8f}")

    def stalled(self, learning_rate: float | None) -> None:
        """Print that nothing improved, and the consequence: another learning rate, or the end."""
        if learning_rate is not None:
            print(f"{self._stalled} Setting learning rate to {learning_rate:f}")
        else:
            too_small = " Learning rate too small." if self._adaptive else ""
            print(f"{self._stalled}{too_small} Stopping.")

    def finish(self, *, out_of_patience: bool) -> None:
        """Print that training stops because nothing improved, if so."""
        if out_of_patience:
            self.stalled(None)


class ProgressBar:
    """A bar that overwrites itself, at most twenty times per second.

    In a notebook it is one output that is replaced, as text: a saved notebook has the last state of the bar,
    and shows it without a widget.

    Parameters
    ----------
    epochs : int
        The most there can be.
    """

    WIDTH = 24
    SECONDS_BETWEEN = 0.05

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._first: int | None = None
        self._next = 0.0
        self._last: Epoch | None = None
        self._length = 0
        self._full, self._empty = _marks(sys.stdout)
        self._output: Any = None

    def __call__(self, epoch: Epoch) -> None:
        """Show the epoch, unless another was shown a moment ago."""
        if self._first is None:
            self._first = epoch.epoch
        self._last = epoch
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self.SECONDS_BETWEEN
            self._show(epoch)

    def finish(self, *, out_of_patience: bool) -> None:
        """Leave the last epoch on the screen, and go to the next line."""
        if self._last is not None:
            self._show(self._last, "no improvement" if out_of_patience else None)
            if self._output is None:
                sys.stdout.write("\n")

    def _show(self, epoch: Epoch, in_place_of_bar: str | None = None) -> None:
        done = epoch.epoch - (self._first or 1) + 1
        before = f"epoch {done:>{len(str(self._epochs))}}/{self._epochs} "
        after = f" {epoch.seconds:.1f} s  loss {epoch.loss:.4g}"
        if epoch.validation_loss is not None:
            after += f"  val. loss {epoch.validation_loss:.4g}"
        if epoch.validation_score is not None:
            after += f"  val. score {epoch.validation_score:.4f}"
        # a line that is too long for the terminal could not be written over
        room = shutil.get_terminal_size().columns - 1
        width = max(0, min(self.WIDTH, room - len(before) - len(after)))
        filled = round(width * min(1.0, done / self._epochs))
        bar = in_place_of_bar or self._full * filled + self._empty * (width - filled)
        line = f"{before}{bar}{after}"[:room]
        if is_notebook(sys.stdout):
            self._replace(line)
            return
        sys.stdout.write(f"\r{line}{' ' * (self._length - len(line))}")
        sys.stdout.flush()
        self._length = len(line)

    def _replace(self, line: str) -> None:
        """Put the line in the place of the notebook's output."""
        content = {"text/plain": line}
        if self._output is None:
            from IPython.display import display

            self._output = display(content, raw=True, display_id=True)
        else:
            self._output.update(content, raw=True)


Progress: TypeAlias = ProgressLines | ProgressBar


def _marks(stream: Any) -> tuple[str, str]:
    """Return the characters of a bar, full and empty, that the stream's encoding has."""
    try:
        "━╌".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "#", "-"
    return "━", "╌"
