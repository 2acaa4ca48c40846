"""The course of a fit: its members on threads, the time limit, and the reports of their epochs.

Even a single member is trained on a thread of its own. The thread that called ``fit`` waits for the members,
so that Ctrl-C reaches it at once, and runs the user's callback. A member waits for the callback's answer, so
the result does not depend on which member is faster.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ferroprop._core import Epoch, _CallersArithmetic
from ferroprop.estimators._progress import ProgressBar, is_live
from ferroprop.tabular._member import MemberEpoch, Trained, name_of_inputs

Result = TypeVar("Result")

_SECONDS_OF_SLEEP = 0.1


@dataclass
class _Question:
    """An epoch that a member reports, and the answer that it waits for."""

    epoch: MemberEpoch
    answered: threading.Event
    stop: bool = False


class Course:
    """Runs jobs, each the training of a network.

    Parameters
    ----------
    n_threads : int
        Number of threads for all jobs together.
    deadline : float or None
        The end of the time limit, in seconds of `time.monotonic`.
    n_jobs : int
        The largest number of jobs in the whole fit.
    followers : list of callable
        Each is called with a `MemberEpoch` after each epoch, and ends that member's training by returning
        True.
    verbose : bool or int
        Whether to show the progress.
    """

    def __init__(
        self,
        *,
        n_threads: int,
        deadline: float | None,
        n_jobs: int,
        followers: list[Callable[[MemberEpoch], Any]],
        verbose: bool | int,
    ) -> None:
        self._n_threads = max(1, n_threads)
        self._deadline = deadline
        self._left = n_jobs
        self._followers = followers
        self._progress = _Progress(n_jobs) if verbose else None
        self._told: queue.SimpleQueue[_Question | Trained | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._has_begun = False

    def run(
        self, jobs: Sequence[Callable[[Job], Result]], *, are_further: bool = False
    ) -> list[Result | None]:
        """Run jobs and return their results in order; None for a job that the time limit cancelled.

        Further jobs are none of the number that the course was made for.
        """
        if are_further:
            self.expect_fewer(-len(jobs))
        at_a_time = min(self._n_threads, len(jobs))
        threads_each = max(1, self._n_threads // max(1, at_a_time))
        with ThreadPoolExecutor(at_a_time, "ferroprop-member") as pool:
            futures = [
                pool.submit(self._one, job, Job(self, threads_each, at_a_time), must=self._is_first(place))
                for place, job in enumerate(jobs)
            ]
            self._has_begun = True
            for future in futures:
                future.add_done_callback(lambda _: self._told.put(None))
            try:
                ended = 0
                while ended < len(futures):
                    try:
                        told = self._told.get(timeout=_SECONDS_OF_SLEEP)
                    except queue.Empty:
                        continue  # on some systems Ctrl-C does not wake a waiting thread
                    if told is None:
                        ended += 1
                    elif isinstance(told, _Question):
                        self._answer(told)
            except BaseException:
                self._stop.set()
                for future in futures:
                    future.cancel()
                raise
        return [future.result() for future in futures]

    def expect_fewer(self, jobs: int) -> None:
        """Give the time of jobs that will not come to the others."""
        with self._lock:
            self._left -= jobs

    def _is_first(self, place: int) -> bool:
        """Tell whether a job is the first one of all, which ignores the time limit."""
        return place == 0 and not self._has_begun

    def _one(self, job: Callable[[Job], Result], handle: Job, *, must: bool) -> Result | None:
        with self._lock:
            waves = -(-self._left // handle.at_a_time)
            self._left -= 1
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0.0 and not must:
                return None
            handle.seconds = max(left, 1e-9) / waves
        try:
            return job(handle)
        except BaseException:
            self._stop.set()
            raise

    def _answer(self, question: _Question) -> None:
        try:
            if self._progress is not None:
                self._progress(question.epoch)
            with _CallersArithmetic():
                answers = [follower(question.epoch) for follower in self._followers]
            question.stop = any(answer is True or answer is np.True_ for answer in answers)
        except BaseException:
            question.stop = True
            raise
        finally:
            question.answered.set()

    def ask(self, epoch: Callable[[], MemberEpoch], job: Job) -> bool:
        """Report an epoch, from the job's thread; return whether its training is to end."""
        if self._stop.is_set():
            return True
        if not self._followers and self._progress is None:
            return False
        question = _Question(epoch(), threading.Event())
        self._told.put(question)
        if self._followers:
            while not question.answered.wait(_SECONDS_OF_SLEEP):
                if self._stop.is_set():
                    return True
        return question.stop

    def is_over(self) -> bool:
        """Tell whether the fit was interrupted or has failed."""
        return self._stop.is_set()

    def finish(self) -> None:
        """Leave the last line of the progress on the screen."""
        if self._progress is not None:
            self._progress.finish()


@dataclass
class Job:
    """A job's access to the course that it is part of."""

    course: Course
    n_threads: int
    at_a_time: int
    seconds: float | None = None

    def is_over(self) -> bool:
        """Tell whether the fit was interrupted or has failed."""
        return self.course.is_over()


class _Progress:
    """A progress bar over all epochs of all members if a line can be overwritten, else a line per member."""

    def __init__(self, n_jobs: int) -> None:
        self._n_jobs = n_jobs
        self._live = is_live(sys.stdout)
        self._bar: ProgressBar | None = None
        self._done: dict[tuple[int, str, bool], int] = {}
        self._began = time.monotonic()

    def __call__(self, epoch: MemberEpoch) -> None:
        key = (epoch.member, epoch.numeric_encoding, epoch.weighted_columns)
        self._done[key] = epoch.epoch
        if not self._live:
            if epoch.epoch == epoch.epochs:
                loss = epoch.validation_loss
                watched = "" if loss is None else f", validation loss {loss:.6g}"
                how = name_of_inputs(epoch.numeric_encoding, epoch.weighted_columns)
                print(
                    f"Member {epoch.member} ({how}): {epoch.epochs} epochs, loss "
                    f"{epoch.loss:.6g}{watched}, {epoch.seconds:.1f} s"
                )
            return
        if self._bar is None:
            self._bar = ProgressBar(self._n_jobs * epoch.epochs)
        self._bar(
            Epoch(
                network=epoch.network,
                epoch=sum(self._done.values()),
                loss=epoch.loss,
                validation_loss=epoch.validation_loss,
                seconds=time.monotonic() - self._began,
            )
        )

    def finish(self) -> None:
        """Go to the next line."""
        if self._bar is not None:
            self._bar.finish(out_of_patience=False)
