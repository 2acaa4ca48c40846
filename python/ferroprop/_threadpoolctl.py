"""Support for threadpoolctl: its limits apply to the core's threads too."""

from __future__ import annotations

import os

import threadpoolctl

from ferroprop import _core


class NumThreads(int):
    """A number of threads that remembers whether it was a limit.

    threadpoolctl puts back at the end of a limit the number that was there before it. Where that was no limit
    but what the CPUs leave, there shall be no limit again.
    """

    limit: int | None

    def __new__(cls, limit: int | None) -> NumThreads:
        """Store a limit, or the number of threads without one."""
        number = super().__new__(cls, _core._n_threads())
        number.limit = limit
        return number

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        """Pickle as a plain number."""
        return int, (int(self),)


class FerropropController(threadpoolctl.LibController):  # type: ignore[misc]  # it has no type information
    """threadpoolctl's controller of the core; the limit applies to the whole process."""

    user_api = "ferroprop"
    internal_api = "ferroprop"
    filename_prefixes = (os.path.basename(os.path.realpath(_core.__file__)).lower(),)

    def set_additional_attributes(self) -> None:
        """Refuse another package's library of the same name; threadpoolctl then passes it over."""
        if not os.path.samefile(self.filepath, _core.__file__):
            raise OSError(f"{self.filepath} is not ferroprop's")

    def get_version(self) -> str:
        """Return the version of the package."""
        return _core.__version__

    def get_num_threads(self) -> NumThreads:
        """Return the number of threads of a call that does not choose it."""
        return NumThreads(_core._thread_limit())

    def set_num_threads(self, num_threads: int) -> None:
        """Set the most threads of any call, or lift the limit if `num_threads` was no limit."""
        limit = num_threads.limit if isinstance(num_threads, NumThreads) else max(1, int(num_threads))
        _core._set_thread_limit(limit)


threadpoolctl.register(FerropropController)
