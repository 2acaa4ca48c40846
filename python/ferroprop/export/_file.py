"""Files are written whole or not at all."""

from __future__ import annotations

import os

from ferroprop._core import _Replacement


def write_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file as networks are saved: an existing one is replaced in one step, or left unchanged.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    content : bytes
        The whole content of the file.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import os
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_file(Path(folder) / "net.json", b"{}")
    ...     os.listdir(folder), (Path(folder) / "net.json").read_bytes()
    (['net.json'], b'{}')
    """
    with _Replacement(path) as temporary:
        try:
            temporary.write_bytes(content)
        except OSError as error:  # of a full disk, which names no file
            raise OSError(error.errno, error.strerror, os.fspath(path)) from None
