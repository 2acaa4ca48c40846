"""Calls on Dask's workers: which client, how results come back, what is said when they do not."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

LOST = (
    "Dask lost {what}, got {error!r}. Rows that came by client.scatter or from memory of a worker that is "
    "gone cannot be computed again, nor can those of another client; give rows that come from files, or "
    "persist them with replicas. A fit with checkpoint= goes on from its last save."
)


GONE = (
    "The connection to Dask's scheduler was lost, got {error!r}. A fit with checkpoint= goes on from its "
    "last save."
)

_CANCELLED: ContextVar[threading.Event | None] = ContextVar("_CANCELLED", default=None)
"""In threads that work for an asynchronous client; set if nobody awaits the work any more."""


def client_of(client: Any) -> Any:
    """Return the client that was given, or the one that Dask has at the moment."""
    distributed = _distributed()
    if client is None:
        try:
            return distributed.get_client()
        except ValueError:
            raise ValueError(
                "client must be a dask.distributed.Client, got None, and there is no client at the moment: "
                "create one, Client() for this machine alone."
            ) from None
    if not isinstance(client, distributed.Client):
        raise TypeError(f"client must be a dask.distributed.Client or None, got {type(client).__name__}.")
    if _is_closed(client):
        raise ValueError(f"client must be an open dask.distributed.Client, got {client}, which is closed.")
    return client


def _is_closed(client: Any) -> bool:
    return client.status in ("closing", "closed")


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise ImportError("ferroprop.dask needs dask and distributed: pip install ferroprop[dask]") from error
    return distributed


def n_workers(client: Any) -> int:
    """Return the number of workers that there are now, 1 if there are none yet."""
    return max(1, len(client.scheduler_info(n_workers=-1)["workers"]))


def results(client: Any, calls: Callable[[], Sequence[Any]], what: str = "rows of the training") -> list[Any]:
    """Make calls on the workers and return their results, in order.

    Parameters
    ----------
    client : distributed.Client
        Synchronous or not: of an asynchronous one the loop runs in another thread than this.
    calls : callable
        Returns the futures.
    what : str
        What is lost if they are.

    Raises
    ------
    RuntimeError
        If rows are lost, or the connection to the scheduler.
    CancelledError
        If nobody awaits the result any more, see `maybe_later`.
    """
    distributed = _distributed()
    from distributed.client import ClosedClientError, FutureCancelledError
    from distributed.comm import CommClosedError

    futures: list[Any] = []
    try:
        futures.extend(calls())
        return _gathered(client, futures)
    except FutureCancelledError as error:
        message = GONE if _is_closed(client) else LOST  # a client that closes cancels all
        raise RuntimeError(message.format(what=what, error=error)) from error
    except (ClosedClientError, CommClosedError, OSError) as error:
        raise RuntimeError(GONE.format(error=error)) from error
    except distributed.KilledWorker as error:
        error.add_note(
            "Workers die at this part of the table, most likely because it does not fit in their memory: "
            "have more of them, or n_parts greater. A fit with checkpoint= goes on from its last save."
        )
        raise
    finally:
        # an exception would keep them, and the workers what they stand for
        for future in futures:
            future.release()


def _gathered(client: Any, futures: Sequence[Any]) -> list[Any]:
    cancelled = _CANCELLED.get()
    if cancelled is None:
        return list(client.gather(list(futures)))
    waited = asyncio.run_coroutine_threadsafe(
        client.gather(list(futures), asynchronous=True), client.loop.asyncio_loop
    )
    while not cancelled.is_set():
        done, _ = concurrent.futures.wait([waited], _SECONDS)
        if done:
            return list(waited.result())
    waited.cancel()
    raise concurrent.futures.CancelledError


_SECONDS = 0.2
"""Between two looks at whether a result is still awaited."""


def maybe_later(client: Any, work: Callable[[], Any]) -> Any:
    """Return what the work returns; of an asynchronous client an awaitable of it, made in a thread.

    If what awaits it is cancelled, the work ends at its next call on the workers.
    """
    return _later(work) if client.asynchronous else work()


async def _later(work: Callable[[], Any]) -> Any:
    cancelled = threading.Event()
    before = _CANCELLED.set(cancelled)
    try:
        return await asyncio.to_thread(work)
    except asyncio.CancelledError:
        cancelled.set()
        raise
    finally:
        _CANCELLED.reset(before)
