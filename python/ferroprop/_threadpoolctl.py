"""The limits that threadpoolctl sets hold for the core's threads too."""

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
        """Take note of a limit, or of what the core uses without one."""
        number = super().__new__(cls, _core._n_threads())
        number.limit = limit
        return number

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        """Be a plain number elsewhere."""
        return int, (int(self),)


class FerropropController(threadpoolctl.LibController):  # type: ignore[misc]  # it has no type information
    """What threadpoolctl knows the core by; the limit is the whole process's."""

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
        """Return how many threads a call has that leaves their number open."""
        return NumThreads(_core._thread_limit())

    def set_num_threads(self, num_threads: int) -> None:
        """Set the most threads that any call has, or lift the limit if `num_threads` says there was none."""
        limit = num_threads.limit if isinstance(num_threads, NumThreads) else max(1, int(num_threads))
        _core._set_thread_limit(limit)


threadpoolctl.register(FerropropController)
