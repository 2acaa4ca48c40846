"""How much memory a process can still have."""

from __future__ import annotations

import os
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Return the bytes that this process can still allocate, None where the system does not tell.

    It is what the system has for new processes (`MemAvailable` of Linux), or, if that is less, what the limit
    of the process's control group leaves. Pages of files count as available, because the system gives them
    up.
    """
    known = [size for size in (_of_the_system(), _of_the_group()) if size is not None]
    return min(known, default=None)


def _of_the_system() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            return None
    sizes = {name: int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines)}
    return sizes["MemAvailable"] * 1024 if "MemAvailable" in sizes else None


def _of_the_group() -> int | None:
    """Return what the limits of the control group, version 2, and of those around it leave."""
    try:
        group = Path("/proc/self/cgroup").read_text(encoding="utf-8").strip().splitlines()[-1].split("::")[-1]
    except (OSError, IndexError):
        return None
    folder, left = _GROUPS / group.lstrip("/"), []
    while folder != _GROUPS.parent:
        try:
            limit = (folder / "memory.max").read_text(encoding="ascii").strip()
            if limit != "max":
                used = int((folder / "memory.current").read_text(encoding="ascii"))
                stat = (folder / "memory.stat").read_text(encoding="ascii").split()
                files = int(stat[stat.index("file") + 1])
                left.append(int(limit) - used + files)
        except (OSError, ValueError):
            pass
        folder = folder.parent
    return max(0, min(left)) if left else None
