"""Files are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file; an existing one is replaced in one step, or left unchanged.

    Parameters
    ----------
    path : str or path-like
        Where to.
    content : bytes
        All of it.

    Raises
    ------
    OSError
        If it cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_file(Path(folder) / "net.json", b"{}")
    ...     os.listdir(folder), (Path(folder) / "net.json").read_bytes()
    (['net.json'], b'{}')
    """
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_file():
        raise OSError(f"path must be the name of a file to write, got {os.fspath(path)!r}")
    temporary = place.with_name(f".{place.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if place.exists():
            temporary.chmod(place.stat().st_mode & 0o7777)
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)
