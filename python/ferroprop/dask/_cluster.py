"""Calls on Dask's workers: which client, how results come back, what is said when they do not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

LOST = (
    "Dask lost {what}, got {error!r}. Rows that came by client.scatter or from memory of a worker that is "
    "gone cannot be computed again, nor can those of another client; give rows that come from files, or "
    "persist them with replicas. A fit with checkpoint= goes on from its last save."
)


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
    return client


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
    """
    distributed = _distributed()
    from distributed.client import ClosedClientError, FutureCancelledError
    from distributed.comm import CommClosedError

    futures: list[Any] = []
    try:
        futures.extend(calls())
        return _gathered(client, futures)
    except FutureCancelledError as error:
        raise RuntimeError(LOST.format(what=what, error=error)) from error
    except (ClosedClientError, CommClosedError, OSError) as error:
        raise RuntimeError(
            f"The connection to Dask's scheduler was lost, got {error!r}. A fit with checkpoint= goes on "
            "from its last save."
        ) from error
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
    if not client.asynchronous:
        return list(client.gather(list(futures)))
    waited = asyncio.run_coroutine_threadsafe(
        client.gather(list(futures), asynchronous=True), client.loop.asyncio_loop
    )
    return list(waited.result())


def maybe_later(client: Any, work: Callable[[], Any]) -> Any:
    """Return what the work returns; of an asynchronous client an awaitable of it, made in a thread."""
    return asyncio.to_thread(work) if client.asynchronous else work()
