"""How many predictions are made at a time, how many requests wait, and for how long."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """The limits of a server.

    Parameters
    ----------
    rows : int
        The most rows of a request.
    body : int
        The most bytes of a request.
    at_once : int
        The most predictions at a time.
    queue : int
        The most requests that wait for their turn.
    seconds : float
        The most time from the beginning of a request to its prediction.
    """

    rows: int
    body: int
    at_once: int
    queue: int
    seconds: float


class Gate:
    """Lets requests in, and their predictions onto threads; used by one event loop.

    Parameters
    ----------
    limits : Limits
        How many, and for how long.
    """

    def __init__(self, limits: Limits) -> None:
        self._most = limits.at_once + limits.queue
        self._seconds = limits.seconds
        self._executor = ThreadPoolExecutor(limits.at_once, thread_name_prefix="predict")
        self._inside = 0
        self.cut_off = 0
        """The number of requests that were ended from outside, without an answer."""

    @property
    def inside(self) -> int:
        """The number of requests that are read, wait or are predicted."""
        return self._inside

    @property
    def is_full(self) -> bool:
        """Whether no further request may come in."""
        return self._inside >= self._most

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be one of the requests inside."""
        self._inside += 1
        try:
            yield
        except asyncio.CancelledError:
            self.cut_off += 1
            raise
        finally:
            self._inside -= 1

    def in_time(self) -> asyncio.Timeout:
        """Return the context in which a request must be done."""
        return asyncio.timeout(self._seconds)

    async def run(self, function: Callable[[bytes], T], body: bytes) -> T:
        """Call the function on a thread, when one is free."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, body)

    def close(self) -> None:
        """Let no further prediction begin, and wait for none."""
        self._executor.shutdown(wait=False, cancel_futures=True)
