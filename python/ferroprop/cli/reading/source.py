"""The bytes of a table: from a file or standard input, taken out of a compressed file."""

import bz2
import gzip
import io
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from ferroprop.cli.problem import Problem
from ferroprop.cli.wording import first_line, quoted

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STANDARD_INPUT = "-"
DAMAGED = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, zstd.ZstdError)
"""The exceptions of the decompressors."""

JSON = re.compile(rb'(\xef\xbb\xbf)?\s*(\[\s*)?\{\s*"[^"]*"\s*:')
"""How an object, or an array of objects, begins."""
OFFICE = {"[Content_Types].xml": "an Excel workbook", "mimetype": "a spreadsheet", "schema.json": "a model"}
"""Members of zip files by which the kind of file is known."""


def name_of(path: Path) -> str:
    """Return the table's name for messages.

    Examples
    --------
    >>> name_of(Path("data/flats.csv")), name_of(Path("-"))
    ('flats.csv', 'standard input')
    """
    return "standard input" if str(path) == STANDARD_INPUT else path.name


def read_bytes(path: Path) -> bytes:
    """Read all bytes; those of a file compressed by gzip, bzip2, xz, zstandard or zip are decompressed.

    Parameters
    ----------
    path : path
        A file, a pipe such as ``/dev/stdin``, or ``-`` for standard input.

    Returns
    -------
    bytes
        The content.

    Raises
    ------
    Problem
        If it cannot be read, is damaged, or is known not to be a table.
    """
    try:
        content = _standard_input() if str(path) == STANDARD_INPUT else path.read_bytes()
    except IsADirectoryError:
        raise Problem(f"TABLE: '{path}' is a folder; expected a CSV or Parquet file") from None
    except PermissionError as error:
        kind = "is a folder; expected a CSV or Parquet file" if path.is_dir() else "cannot be read"
        raise Problem(f"TABLE: '{path}' {kind}: {error.strerror}") from error
    except OSError as error:
        raise Problem(f"TABLE: cannot read '{path}': {error.strerror}") from error
    for start, decompress in _DECOMPRESS.items():
        if content.startswith(start):
            try:
                return decompress(content)
            except DAMAGED as error:
                raise Problem(f"TABLE: '{path}' is a damaged compressed file: {first_line(error)}") from error
            except _NotATableError as what:
                raise Problem(f"TABLE: '{path}' is {what}; expected a CSV or Parquet file") from None
    if JSON.match(content):
        raise Problem(
            f"TABLE: '{path}' is JSON, which has to be saved as CSV; expected a CSV or Parquet file"
        )
    return content


def _standard_input() -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise Problem(
            "TABLE: '-' is standard input, where nothing was piped in; expected a table, or a file's name"
        )
    return sys.stdin.buffer.read()


class _NotATableError(Exception):
    """A zip file that is not a table; the message names its kind."""


def _only_member(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [member for member in archive.namelist() if not member.endswith("/")]
        for member, what in OFFICE.items():
            if member in members:
                raise _NotATableError(f"{what}, which has to be saved as CSV" if what != "a model" else what)
        if len(members) != 1:
            raise _NotATableError(f"a zip file of {len(members)} files ({quoted(members, 4)})")
        try:
            return archive.read(members[0])
        except (RuntimeError, NotImplementedError) as error:  # a password, a method that zipfile lacks
            raise zipfile.BadZipFile(str(error)) from error


def _old_office(content: bytes) -> bytes:
    raise _NotATableError("an old Excel or Word file, which has to be saved as CSV")


_DECOMPRESS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\0": lzma.decompress,
    b"\x28\xb5\x2f\xfd": zstd.decompress,
    b"PK\x03\x04": _only_member,
    b"\xd0\xcf\x11\xe0": _old_office,
}
"""The first bytes of each kind of compressed file, and its decompressor."""
