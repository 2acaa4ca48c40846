"""Output files: checked before the work starts, complete or absent after it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ferroprop._core import _check_replaceable, _Replacement
from ferroprop.cli.problem import Problem
from ferroprop.cli.wording import first_line


def check_destinations(destinations: Mapping[str, Path | None], sources: Mapping[str, Path]) -> None:
    """Check, before the training, that each file can be written.

    Parameters
    ----------
    destinations : mapping of str to path or None
        The files to write, by the option that named them; None for an option that was not given.
    sources : mapping of str to path
        The files to read, by the argument that named them. They must not be overwritten.

    Raises
    ------
    Problem
        If a destination is a folder or a device, cannot be written, or is also another of the files.
    """
    taken = {path.resolve(): argument for argument, path in sources.items()}
    for option, path in destinations.items():
        if path is None:
            continue
        place = path.resolve()
        if place in taken:
            raise Problem(f"{option}: '{path}' is also {taken[place]}; expected another file")
        taken[place] = option
        if place.exists() and not place.is_file():
            kind = "a folder" if place.is_dir() else "not a regular file"
            raise Problem(f"{option}: '{path}' is {kind}; expected the name of a file to write")
        if not place.parent.is_dir():
            raise Problem(f"{option}: no folder '{path.parent}' to write '{path.name}' in")
        if place.exists() and not os.access(place, os.W_OK):
            raise Problem(f"{option}: '{path}' is write-protected")
        try:
            _check_replaceable(place)
        except OSError as error:
            raise Problem(f"{option}: cannot write '{path}': {error.strerror}") from error


@contextmanager
def written(path: Path, option: str) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; it takes the name `path` only when all went well.

    Parameters
    ----------
    path : path
        The file to write. An existing file is replaced in one step, or left unchanged.
    option : str
        The option that named it, for the message of a `Problem`.

    Yields
    ------
    path
        An empty file to write to.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with written(Path(folder) / "scores.csv", "--output") as temporary:
    ...         _ = temporary.write_text("accuracy")
    ...     (Path(folder) / "scores.csv").read_text()
    'accuracy'
    """
    try:
        with _Replacement(path) as temporary:
            yield Path(temporary)
    except OSError as error:
        raise Problem(f"{option}: cannot write '{path}': {error.strerror or first_line(error)}") from error
