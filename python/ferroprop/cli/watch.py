"""Following a fit from outside: the lines that the estimators print with ``verbose``, read as numbers.

It is the one door that goes through clones and pipelines alike: scikit-learn's meta-estimators fit a clone,
which has the parameters of the original, such as ``verbose``, and nothing else of it.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from ferroprop.cli.progress import Follower

LOSS_LINE = re.compile(r"Iteration (\d+), loss = (\S+)")
SCORE_LINE = re.compile(r"Validation score: (\S+)")


@contextmanager
def following(follower: Follower) -> Iterator[None]:
    """Call the follower for each epoch that an estimator with ``verbose=True`` reports in this context.

    Examples
    --------
    >>> with following(lambda epoch, loss, score: told.append((epoch, loss, score))):
    ...     told = []
    ...     print("Iteration 1, loss = 0.50000000")
    ...     print("Validation score: 0.750000")
    ...     print("Iteration 2, loss = 0.25000000")
    >>> told
    [(1, 0.5, 0.75), (2, 0.25, None)]
    """
    reader = _EpochReader(follower)
    with redirect_stdout(reader):
        yield
    reader.finish()


class _EpochReader(io.TextIOBase):
    """A text stream that understands the two lines of an epoch and drops all others."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._line = ""
        self._epoch: tuple[int, float] | None = None

    def write(self, text: str) -> int:
        """Take text as it comes, and read each line when it is complete."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._read(line)
        return len(text)

    def finish(self) -> None:
        """Tell of the last epoch, if no score has followed its loss."""
        self._tell(None)

    def _read(self, line: str) -> None:
        if match := LOSS_LINE.match(line):
            self._tell(None)
            self._epoch = (int(match[1]), float(match[2]))
        elif match := SCORE_LINE.match(line):
            self._tell(float(match[1]))

    def _tell(self, score: float | None) -> None:
        if self._epoch is not None:
            epoch, loss = self._epoch
            self._epoch = None
            self._follower(epoch, loss, score)
