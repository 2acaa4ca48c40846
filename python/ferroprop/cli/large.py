"""A Parquet table larger than half of the memory: decisions from a sample, training on rows in a file.

The command draws a sample of rows and treats it like a table: it decides on the columns and the target, keeps
a part for the test, and fits the preparation of the columns. Then it writes all rows that are not kept for
the test to a file, prepared, block by block, and the network reads them there.
"""

import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console

from ferroprop.cli import pipeline
from ferroprop.cli.columns import LARGEST_NUMBER, features
from ferroprop.cli.console import say
from ferroprop.cli.fitting import Course, course_of_network, forget_threads
from ferroprop.cli.problem import Problem
from ferroprop.cli.progress import Follower
from ferroprop.cli.reading.column import Column
from ferroprop.cli.reading.header import unique_names
from ferroprop.cli.reading.missing import MissingWords
from ferroprop.cli.reading.source import STANDARD_INPUT
from ferroprop.cli.reading.table import PARQUET_START, Table
from ferroprop.cli.settings import Settings
from ferroprop.cli.target import Target
from ferroprop.cli.wording import count, first_line, quoted, shown
from ferroprop.io._memory import available_memory
from ferroprop.io._npy import rows_to_file
from ferroprop.io._source import ParquetSource

SAMPLE_ROWS = 100_000
"""The most rows of the sample; fewer if they would take much of the memory."""
SHARE_OF_SAMPLE = 20
"""The memory is at least so many times as large as the sample."""
MOST_OF_MEMORY = 0.5
"""The share of the available memory from which on a table is large."""
NUMBER = 8
"""Bytes of a number in memory."""


@dataclass(frozen=True)
class LargeTable:
    """A Parquet file that is read block by block.

    Parameters
    ----------
    path : path
        The file.
    source : ParquetSource
        Its rows.
    names : dict of str to str
        The names of the columns in the file, and the names that they have here.
    memory : int
        Bytes that were available.
    """

    path: Path
    source: ParquetSource
    names: dict[str, str]
    memory: int

    @property
    def size(self) -> int:
        """Bytes of the table with a number in each cell."""
        return self.source.n_rows * len(self.names) * NUMBER

    @property
    def sentence(self) -> str:
        """How large it is."""
        return (
            f"{count(self.source.n_rows, 'row')} of {count(len(self.names), 'column')} take "
            f"{_gigabytes(self.size)} in memory, more than half of the "
            f"{_gigabytes(self.memory)} that are available"
        )

    def sample(self, seed: int) -> tuple[Table, NDArray[np.int64]]:
        """Read a random sample of the rows, in their order.

        Parameters
        ----------
        seed : int
            Seeds the draw.

        Returns
        -------
        table : Table
            The rows.
        rows : ndarray of int64
            Their numbers.
        """
        most = self.memory // (SHARE_OF_SAMPLE * NUMBER * len(self.names))
        size = min(self.source.n_rows, SAMPLE_ROWS, max(1_000, most))
        drawn = np.sort(np.random.default_rng(seed).choice(self.source.n_rows, size, replace=False))
        parts = [
            frame[drawn[(drawn >= first) & (drawn < first + frame.height)] - first]
            for first, frame in self.blocks()
        ]
        frame = pl.concat(parts)
        layout = f"Parquet; a sample of {count(size, 'row')}"
        return Table(self.path.name, frame, layout=layout, rows=drawn), drawn

    def blocks(self, columns: Sequence[str] | None = None) -> Iterator[tuple[int, pl.DataFrame]]:
        """Yield the number of the first row of each block, and the block."""
        wanted = [theirs for theirs, ours in self.names.items() if columns is None or ours in columns]
        first = 0
        for batch in self.source.blocks(wanted):
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield first, frame.rename({theirs: self.names[theirs] for theirs in wanted})
            first += frame.height


def large_table(path: Path) -> LargeTable | None:
    """Return a table that is too large to be read into memory, None if it is not.

    Parameters
    ----------
    path : path
        The argument of the command.

    Raises
    ------
    Problem
        If it is, and pyarrow is not installed, which reads such tables.
    """
    memory = available_memory()
    if memory is None or str(path) == STANDARD_INPUT or not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            if file.read(len(PARQUET_START)) != PARQUET_START:
                return None
        n_rows = pl.scan_parquet(path).select(pl.len()).collect().item()
        names = list(pl.read_parquet_schema(path))
    except (OSError, pl.exceptions.PolarsError):
        return None  # reading it says what is wrong
    if n_rows * len(names) * NUMBER <= MOST_OF_MEMORY * memory:
        return None
    unique, _ = unique_names(names)
    try:
        return LargeTable(path, ParquetSource(path), dict(zip(names, unique, strict=True)), memory)
    except ImportError:
        large = LargeTable(path, _Counted(n_rows), dict(zip(names, unique, strict=True)), memory)  # type: ignore[arg-type]
        raise Problem(
            f"TABLE: {large.sentence}; reading it from the disk needs pyarrow: "
            'pip install "ferroprop[parquet]"'
        ) from None


@dataclass(frozen=True)
class _Counted:
    n_rows: int


def check_large(table: LargeTable, settings: Settings, others: Sequence[str]) -> None:
    """Refuse what needs all rows in memory.

    Parameters
    ----------
    table : LargeTable
        The table.
    settings : Settings
        The options of the model.
    others : sequence of str
        Options that were given and need all rows in memory too.

    Raises
    ------
    Problem
        With another option that does not.
    """
    if settings.model != "mlp":
        raise Problem(
            f"--model: got {settings.model}, whose networks need all rows in memory; {table.sentence}. "
            "Expected --model mlp, which trains on rows on the disk, or a table of fewer rows"
        )
    if others:
        raise Problem(
            f"{others[0]}: needs all rows in memory; {table.sentence}. Expected a table of fewer rows"
        )


@dataclass(frozen=True)
class Sampled:
    """What comes of the sample.

    Parameters
    ----------
    features : polars.DataFrame
        Those of the rows that the preparation of the columns is fitted to.
    test_rows : ndarray of int64
        The numbers of the rows that are kept for the test.
    validation_fraction : float
        The fraction of the training rows that is held out for early stopping.
    """

    features: pl.DataFrame
    test_rows: NDArray[np.int64]
    validation_fraction: float


@dataclass(frozen=True)
class Fitted:
    """A model that was trained on all rows but those of the test.

    Parameters
    ----------
    model : Pipeline
        As `pipeline.build_pipeline` makes it.
    course : Course
        The course of its training.
    train_rows : int
        How many rows it was trained on, those of its validation included.
    notes : list of str
        What was left out.
    """

    model: Any
    course: Course
    train_rows: int
    notes: list[str]


def fit_large(
    table: LargeTable,
    target: Target,
    name: str,
    columns: Sequence[Column],
    words: MissingWords,
    settings: Settings,
    sampled: Sampled,
    progress: Console,
    follower: Follower | None,
) -> Fitted:
    """Prepare all rows on the disk, and train the network on them.

    Parameters
    ----------
    table : LargeTable
        The table.
    target : Target
        The target of the sample.
    name : str
        Its column.
    columns : sequence of Column
        The columns to learn from.
    words : MissingWords
        The texts that stand for missing values.
    settings : Settings
        The options.
    sampled : Sampled
        What comes of the sample.
    progress : Console
        Where to say what is done.
    follower : Follower or None
        Called after each epoch.

    Returns
    -------
    Fitted
        The model.

    Raises
    ------
    Problem
        If a cell does not fit, the disk is full, or the training fails.
    """
    began = time.perf_counter()
    network = pipeline.new_network(settings, target.task, sampled.validation_fraction)
    network.set_params(shuffle="blocks")
    model = pipeline.build_pipeline(columns, target.task, network)
    prepare = model.named_steps["prepare"].fit(sampled.features)
    width = prepare.transform(sampled.features[:1]).shape[1]
    y, kept, notes = _targets(table, target, name)
    kept[sampled.test_rows] = False
    y = y[kept]
    with tempfile.TemporaryDirectory(prefix="ferroprop-") as folder:
        _check_room(folder, len(y) * width * 4)
        say(
            progress,
            f"writing {len(y):,} rows of {width} inputs to {folder} ({_gigabytes(len(y) * width * 4)})",
        )
        path = Path(folder) / "X.npy"
        try:
            with rows_to_file(path, (len(y), width), np.float32) as writer:
                for first, frame in table.blocks([column.name for column in columns]):
                    rows = np.flatnonzero(kept[first : first + frame.height])
                    block = Table(table.path.name, frame, rows=np.arange(first, first + frame.height))
                    X = features(frame, columns, table.path.name, words, block)[rows]
                    if X.height:
                        writer.write(prepare.transform(X))
        except OSError as error:
            raise Problem(f"TABLE: its rows cannot be written to {folder}: {first_line(error)}") from error
        last = model.named_steps["network"]
        try:
            with warnings.catch_warnings(record=True) as caught, _following(model, settings, follower):
                warnings.simplefilter("always")
                last.fit(np.load(path, mmap_mode="r"), y)
        except ValueError as error:
            raise Problem(f"training with --solver {settings.solver} failed: {first_line(error)}") from error
        if target.task == "classification":
            _name_classes(last, np.unique(target.values))
        course = course_of_network(model, settings, caught, time.perf_counter() - began)
        forget_threads(model, settings)
    return Fitted(model, course, len(y), notes)


def _following(model: Any, settings: Settings, follower: Follower | None) -> AbstractContextManager[None]:
    return nullcontext() if follower is None else pipeline.following(model, settings, follower)


def _targets(
    table: LargeTable, target: Target, name: str
) -> tuple[NDArray[Any], NDArray[np.bool_], list[str]]:
    """Return the targets of all rows, of classes their numbers; which rows have one; and notes on others."""
    is_class = target.task == "classification"
    labels = pl.Series(np.unique(target.values).tolist()) if is_class else pl.Series([])
    places = {label: place for place, label in enumerate(labels.cast(pl.String))}
    y = np.zeros(table.source.n_rows, np.int32 if is_class else np.float64)
    kept = np.zeros(table.source.n_rows, np.bool_)
    unknown: dict[str, int] = {}
    for first, frame in table.blocks([name]):
        series = frame[name]
        if series.dtype.is_float():
            series = series.fill_nan(None)
        if is_class:
            if series.dtype.is_float() or series.dtype.is_decimal():
                series = series.cast(pl.Float64)
                fractions = series.filter(series != series.floor())
                if fractions.len():
                    raise Problem(
                        f"--target: column {shown(name)} has fractions such as '{fractions[0]}', which "
                        "the sample has not; expected classes, or --task regression"
                    )
                series = series.cast(pl.Int64)
            texts = series.cast(pl.String)
            values = texts.replace_strict(places, default=None, return_dtype=pl.Int32)
            for label, rows in texts.filter(values.is_null()).drop_nulls().value_counts().iter_rows():
                unknown[label] = unknown.get(label, 0) + rows
        else:
            values = series.cast(pl.Float64)
            large = values.filter(values.abs() > LARGEST_NUMBER)
            if large.len():
                raise Problem(
                    f"--target: column {shown(name)} has the value '{large[0]}'; "
                    "expected finite numbers up to 1e100"
                )
        here = values.is_not_null().to_numpy()
        place = slice(first, first + frame.height)
        kept[place] = here
        y[place][here] = values.drop_nulls().to_numpy()
    notes = []
    if unknown:
        what = f"{count(sum(unknown.values()), 'row')} of {count(len(unknown), 'class')}"
        notes.append(f"{what} that the sample does not have left out: {quoted(unknown)}")
    return y, kept, notes


def _name_classes(network: Any, labels: NDArray[Any]) -> None:
    """Give a classifier that has learned the numbers of the classes their labels.

    An array of a text for each row would take more memory than the numbers.
    """
    network.classes_ = labels[network.classes_]
    network._label_binarizer.classes_ = network.classes_


def _check_room(folder: str, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise Problem(
            f"TABLE: its rows take {_gigabytes(size)} on the disk, and {folder} has {_gigabytes(free)}; the "
            "environment variable TMPDIR names another folder"
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
