"""The number of threads of an estimator."""

import multiprocessing
import os
import sys
import threading

import joblib
from joblib.parallel import get_active_backend


def threads_for(n_jobs: int | None) -> int | None:
    """Return `n_jobs` as a number of threads, None for the core's own choice.

    Within a job of joblib, as scikit-learn's meta-estimators start them with their own `n_jobs`, an estimator
    takes no more than its share of the cores, whatever it was asked for: threads times jobs never exceeds
    them. joblib tells the processes it starts their share in ``OMP_NUM_THREADS``, which the core heeds; the
    threads it starts are not told, and get one each.
    """
    if n_jobs is not None and abs(n_jobs) > sys.maxsize:
        raise ValueError(f"n_jobs must be from {-sys.maxsize} to {sys.maxsize}, got {n_jobs}.")
    backend, _ = get_active_backend()
    if not backend.nesting_level:
        return n_jobs if n_jobs is None or n_jobs > 0 else int(joblib.effective_n_jobs(n_jobs))
    share = _share_of_a_process()
    if share is None or threading.current_thread() is not threading.main_thread():
        return 1
    return share if n_jobs is None else max(1, min(share, joblib.effective_n_jobs(n_jobs)))


def _share_of_a_process() -> int | None:
    """Return the number of threads that joblib leaves this process, None if it does not say."""
    if multiprocessing.current_process().daemon:
        return None
    try:
        limit = int(os.environ["OMP_NUM_THREADS"].split(",")[0])
    except (KeyError, ValueError):
        return None
    return max(1, min(limit, int(joblib.cpu_count())))
