"""The joblib backend "ferroprop", which collects tasks and runs the fits of our estimators side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import joblib
from joblib.parallel import (
    BatchedCalls,
    FallbackToBackend,
    ParallelBackendBase,
    get_active_backend,
)

from ferroprop.estimators._threads import threads_for
from ferroprop.model_selection._continued import Continued
from ferroprop.model_selection._tasks import Call, is_of_a_search, jobs_of, returning_the_estimator, run

_UNSET = -(2**31)  # of jobs: all threads for us, one elsewhere
_OPTIONS = ("prefer", "require", "max_nbytes", "temp_folder", "mmap_mode")  # of joblib.Parallel


class _Batch:
    """Calls that joblib has handed over together, and later their results."""

    def __init__(self, calls: list[Call], done: Callable[[Any], Any]) -> None:
        self.calls = calls
        self.done = done
        self.results: list[Any] | None = None


class FerropropBackend(ParallelBackendBase):  # type: ignore[misc]
    """What is active within ``joblib.parallel_config``: it says what the backend before it would say.

    Code that asks for a number of jobs first, to share its work out, so gets the same answer. Each call of
    `joblib.Parallel` has a collector of its own.
    """

    default_n_jobs = _UNSET
    supports_sharedmem = True
    uses_threads = True
    supports_retrieve_callback = False

    def __init__(
        self,
        nesting_level: int | None = None,
        *,
        keeps_estimators: bool = False,
        continued: Continued | None = None,
        **options: Any,
    ) -> None:
        active, _ = get_active_backend()
        with joblib.parallel_config() as config:
            is_chosen = config["backend"] is active
        is_ours = isinstance(active, FerropropBackend)
        self.outer: ParallelBackendBase = active.outer if is_ours else active
        self.outer_is_chosen: bool = active.outer_is_chosen if is_ours else is_chosen
        if nesting_level is None:
            nesting_level = self.outer.nesting_level or 0
        super().__init__(nesting_level=nesting_level, **options)
        self.continued = continued
        self.keeps_estimators = keeps_estimators
        self.estimators: list[Any] = []
        self.held_out: list[Any] = []

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return the number of jobs that run beside each other elsewhere."""
        return int(self.outer.effective_n_jobs(n_jobs))

    def configure(self, n_jobs: int = 1, parallel: Any = None, **options: Any) -> int:
        """Leave the calls to a collector."""
        raise FallbackToBackend(_Collector(self))


class _Collector(ParallelBackendBase):  # type: ignore[misc]
    """All calls run in the thread that asks for their results; trainings have threads of their own."""

    default_n_jobs = _UNSET
    supports_sharedmem = True
    uses_threads = True
    supports_retrieve_callback = False

    def __init__(self, owner: FerropropBackend) -> None:
        super().__init__(nesting_level=owner.nesting_level)
        self._owner = owner
        self._waiting: list[_Batch] = []
        self._n_jobs: int | None = None
        self._options: dict[str, Any] = {}

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return at least 2: for 1 joblib would make the calls itself, one by one."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        n_jobs = _UNSET if n_jobs is None else n_jobs
        return max(2, n_jobs if n_jobs > 0 else int(joblib.cpu_count()) + 1 + n_jobs)

    def configure(self, n_jobs: int = 1, parallel: Any = None, **options: Any) -> int:
        """Take over the number of jobs, and ask for all calls at once."""
        self.parallel = parallel
        self._n_jobs = None if n_jobs == _UNSET else n_jobs
        self._options = {name: options[name] for name in _OPTIONS if name in options}
        parallel.pre_dispatch = "all"
        return self.effective_n_jobs(n_jobs)

    def compute_batch_size(self) -> int:
        """Return how many calls come in a batch, at most."""
        return 1 << 30

    def submit(self, func: BatchedCalls, callback: Any = None) -> _Batch:
        """Note a batch for later."""
        batch = _Batch(func.items, callback)
        self._waiting.append(batch)
        return batch

    def retrieve_result(self, out: _Batch, timeout: float | None = None) -> list[Any]:
        """Return the results of a batch; run all that wait if it is one of them."""
        if out.results is None:
            waiting, self._waiting = self._waiting, []
            results = iter(self._results([call for batch in waiting for call in batch.calls]))
            for batch in waiting:
                batch.results = [next(results) for _ in batch.calls]
            for batch in waiting:
                batch.done(None)
        assert out.results is not None
        return out.results

    def _results(self, calls: list[Call]) -> list[Any]:
        owner = self._owner
        keeps = owner.keeps_estimators and all(map(is_of_a_search, calls))
        if keeps:
            calls = [returning_the_estimator(call) for call in calls]
        n_threads = threads_for(jobs_of(calls, self._n_jobs))
        # what the calls ask of joblib themselves is nothing to the owner
        with joblib.parallel_config(FerropropBackend()):
            results = run(calls, n_threads, self._run_elsewhere, owner.continued)
        if keeps:
            owner.estimators += [result.pop("estimator") for result in results]
            owner.held_out += [options["test"] for _, _, options in calls]
        return results

    def _run_elsewhere(self, calls: list[Call]) -> list[Any]:
        """Run calls without fits of ours as joblib would without this backend."""
        outer, is_chosen = self._owner.outer, self._owner.outer_is_chosen
        n_jobs = outer.default_n_jobs if self._n_jobs is None else self._n_jobs
        if n_jobs == 1:
            return [function(*arguments, **options) for function, arguments, options in calls]
        # joblib heeds a wish for threads unless a backend was chosen, and the need to share memory always
        in_threads = "threads" in self._options.values() or "sharedmem" in self._options.values()
        with joblib.parallel_config(outer if is_chosen or not in_threads else "threading"):
            results: list[Any] = joblib.Parallel(n_jobs=n_jobs, **self._options)(calls)
        return results

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Forget what waits."""
        self._waiting = []
