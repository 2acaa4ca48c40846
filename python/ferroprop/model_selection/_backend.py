"""The joblib backend "ferroprop", which collects tasks and runs the fits of our estimators side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import joblib
from joblib.parallel import BatchedCalls, ParallelBackendBase, get_active_backend, register_parallel_backend

from ferroprop.estimators._threads import threads_for
from ferroprop.model_selection._continued import Continued
from ferroprop.model_selection._tasks import Call, returning_the_estimator, run

NAME = "ferroprop"
_UNSET = -(2**31)  # of jobs: all threads for us, one elsewhere


class _Batch:
    """Calls that joblib has handed over together, and later their results."""

    def __init__(self, calls: list[Call], done: Callable[[Any], Any]) -> None:
        self.calls = calls
        self.done = done
        self.results: list[Any] | None = None


class FerropropBackend(ParallelBackendBase):  # type: ignore[misc]
    """All calls run in the thread that asks for their results; trainings have threads of their own."""

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
        self._elsewhere_config = get_active_backend()
        if nesting_level is None:
            nesting_level = self._elsewhere_config[0].nesting_level or 0
        super().__init__(nesting_level=nesting_level, **options)
        self._waiting: list[_Batch] = []
        self._n_jobs = _UNSET
        self._continued = continued
        self.keeps_estimators = keeps_estimators
        self.estimators: list[Any] = []

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return at least 2: for 1 joblib would make the calls itself, one by one."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        return max(2, self._of_joblib(_UNSET if n_jobs is None else n_jobs))

    @staticmethod
    def _of_joblib(n_jobs: int) -> int:
        return n_jobs if n_jobs > 0 else max(1, int(joblib.cpu_count()) + 1 + n_jobs)

    def configure(self, n_jobs: int = 1, parallel: Any = None, **options: Any) -> int:
        """Take over the number of jobs, and ask for all calls at once."""
        self.parallel = parallel
        self._n_jobs = _UNSET if n_jobs is None else n_jobs
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
            calls = [call for batch in waiting for call in batch.calls]
            n_threads = threads_for(None if self._n_jobs == _UNSET else self._n_jobs)
            if self.keeps_estimators:
                calls = [returning_the_estimator(call) for call in calls]
            results = run(calls, n_threads, self._run_elsewhere, self._continued)
            if self.keeps_estimators:
                self.estimators += [result.pop("estimator") for result in results]
            of_each = iter(results)
            for batch in waiting:
                batch.results = [next(of_each) for _ in batch.calls]
            for batch in waiting:
                batch.done(None)
        assert out.results is not None
        return out.results

    def _run_elsewhere(self, calls: list[Call]) -> list[Any]:
        """Run calls without fits of ours as joblib would without this backend."""
        n_jobs = None if self._n_jobs == _UNSET else self._n_jobs
        backend, jobs_of_backend = self._elsewhere_config
        if (jobs_of_backend if n_jobs is None else n_jobs) in (None, 1):
            return [function(*arguments, **options) for function, arguments, options in calls]
        with joblib.parallel_config(backend, n_jobs=jobs_of_backend):
            results: list[Any] = joblib.Parallel(n_jobs=n_jobs)(calls)
        return results

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Forget what waits."""
        self._waiting = []


register_parallel_backend(NAME, FerropropBackend)
