"""From Parquet files to arrays in files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from numbers import Real
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ferroprop.io._columns import check_is_numeric, matrix
from ferroprop.io._mapped import DESCRIPTION, MappedRows
from ferroprop.io._npy import rows_to_file
from ferroprop.io._progress import Progress
from ferroprop.io._source import ParquetSource
from ferroprop.io._target import Target


class Transformer(Protocol):
    """What is fitted block by block, such as scikit-learn's `StandardScaler`."""

    def partial_fit(self, X: Any) -> Any:
        """Learn from a block of rows."""

    def transform(self, X: Any) -> Any:
        """Return rows in another form, as many columns as before or others."""


def memmap_from_parquet(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    columns: Sequence[str] | None = None,
    *,
    directory: str | os.PathLike[str],
    target: str | Sequence[str] | None = None,
    dtype: Literal["float32", "float64"] = "float32",
    fill_value: float | None = None,
    transformer: Transformer | None = None,
    overwrite: bool = False,
    progress: bool | Callable[[int, int], object] = False,
) -> MappedRows:
    """Convert Parquet files to arrays in files, with memory for some thousand rows, and map them into memory.

    Trainings read the rows from there where they are: `ferroprop.train` and the estimators make no copy of a
    ``numpy.memmap`` in C order and of the network's dtype, and a table may be larger than memory. To decode
    Parquet in every epoch would cost as much as several gradients of a small network; this costs it once.

    Parameters
    ----------
    path : str, path-like or sequence of these
        A Parquet file; a directory of files whose names end in ``.parquet``, which are read in the order of
        their names; or several of these. All files have the same columns; names of directories
        (``year=2024``) are no columns.
    columns : sequence of str or None, default=None
        The columns to learn from, in this order. They hold numbers or booleans, dictionaries of these too.
        None is all but the target.
    directory : str or path-like
        Where the arrays go: ``X.npy``, ``y.npy`` and ``rows.json``, which `MappedRows.load` reads. It is made
        if it is not there. It needs as many bytes as `X` and `y` have; a directory in memory (tmpfs) would be
        no gain.
    target : str, sequence of str or None, default=None
        The column to predict: numbers, booleans or text. Several are columns of numbers. None is no target.
    dtype : {"float32", "float64"}, default="float32"
        The type of `X` and of targets that are fractions. Numbers are rounded to it.
    fill_value : float or None, default=None
        What stands for missing numbers in the columns; None if there must be none.
    transformer : object with ``partial_fit`` and ``transform``, or None, default=None
        For example ``sklearn.preprocessing.StandardScaler()``: networks learn best from numbers near 1. It is
        fitted to all rows in a pass of its own, block by block, and `X` is what it makes of the rows; what it
        was fitted to before is forgotten. Afterwards it is there for predictions:
        ``make_pipeline(transformer, mlp)``.
    overwrite : bool, default=False
        Whether a conversion that is in the directory may be replaced. The disk has both until the new one is
        whole.
    progress : bool or callable, default=False
        Whether lines about the progress are written to standard error; or a function that gets the number of
        rows that are done and that of all, after each block and in each pass.

    Returns
    -------
    rows : MappedRows
        The arrays `X` and `y`, to be read, and the names of their columns.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    TypeError
        If an argument is of another type.
    FileNotFoundError
        If there is no such file.
    FileExistsError
        If the directory has a conversion, and `overwrite` is false.
    ValueError
        If a file is no Parquet file, a column is not there or holds no numbers, or a number is missing,
        infinite or too large for `dtype`. The message names column and row.
    OSError
        If the files cannot be written.

    Notes
    -----
    What is interrupted or fails leaves no file, and a conversion that was there as it was: the arrays get
    their names when all rows of all of them are written, and ``rows.json`` is written last.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> import pyarrow.parquet as pq
    >>> from sklearn.preprocessing import StandardScaler
    >>> import ferroprop as fp
    >>> from ferroprop.io import memmap_from_parquet
    >>> folder, x = tempfile.mkdtemp(), np.linspace(-100, 100, 2000)
    >>> pq.write_table(pa.table({"x": x, "sine": np.sin(x / 30)}), f"{folder}/table.parquet")
    >>> rows = memmap_from_parquet(
    ...     f"{folder}/table.parquet", target="sine", directory=f"{folder}/rows", transformer=StandardScaler()
    ... )
    >>> type(rows.X).__name__, rows.X.shape, rows.feature_names
    ('memmap', (2000, 1), ['x'])
    >>> mlp = fp.MLPRegressor(hidden_layer_sizes=(20,), solver="rprop", random_state=0, max_iter=100, tol=0.0)
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     mlp = mlp.fit(rows.X, rows.y)
    >>> mlp.score(rows.X, rows.y) > 0.9
    True
    """
    kind, folder = _checked_dtype(dtype), _checked_path(directory)
    _check_fill_value(fill_value, kind)
    _check_transformer(transformer)
    if not isinstance(overwrite, (bool, np.bool_)):
        raise TypeError(f"overwrite must be True or False, got {overwrite!r}")
    source = ParquetSource(path)
    targets = [target] if isinstance(target, str) else _names("target", [] if target is None else target)
    features = [name for name in source.names if name not in targets]
    features = features if columns is None else _names("columns", columns)
    source.check_columns("target", targets)
    source.check_columns("columns", features)
    if len(set(targets)) < len(targets):
        raise ValueError(f"target must be different names, got {targets}")
    if len(set(features)) < len(features) or set(features) & set(targets):
        twice = next(name for name in features if features.count(name) > 1 or name in targets)
        raise ValueError(f"columns must be different names, without the target, got {twice!r}")
    if not features or source.n_rows == 0:
        what = "column to learn from" if not features else "row"
        raise ValueError(f"path must be a table with at least one {what}, got none")
    for name in features:
        check_is_numeric(name, source.schema.field(name).type)
    is_there = (folder / DESCRIPTION).exists()
    if is_there and not overwrite:
        raise FileExistsError(
            f"directory must have no rows of an earlier conversion, got {folder}: MappedRows.load "
            "reads them, and overwrite=True replaces them"
        )
    answers = [Target(source, name, kind) for name in targets]
    if len(answers) > 1 and any(answer.classes is not None for answer in answers):
        text = next(answer.name for answer in answers if answer.classes is not None)
        raise ValueError(f"target must be one column or several of numbers, got {text!r}, which is text")
    tell = Progress(source.n_rows, progress)
    folder.mkdir(parents=True, exist_ok=True)
    fitted = _unfitted(transformer)
    if fitted is not None:
        for block in _inputs(source, features, kind, fill_value, tell, "fitting the transformer"):
            fitted.partial_fit(block)
    with ExitStack() as stack:  # the files get their names at its end
        width = _write_inputs(stack, folder, source, features, kind, fill_value, fitted, tell)
        if answers:
            _write_targets(stack, folder, source, answers, is_one=isinstance(target, str), tell=tell)
        named = features if fitted is None else _names_of(fitted, features, width)
        (folder / DESCRIPTION).unlink(missing_ok=True)
    if is_there and not answers:
        (folder / "y.npy").unlink(missing_ok=True)
    if fitted is not transformer:
        vars(transformer).clear()
        vars(transformer).update(vars(fitted))
    X = np.load(folder / "X.npy", mmap_mode="r")
    y = np.load(folder / "y.npy", mmap_mode="r") if answers else None
    listed = targets if answers and not isinstance(target, str) else targets[0] if answers else None
    rows = MappedRows(X, y, named, listed, answers[0].classes if answers else None)
    rows.describe(folder)
    return rows


def _checked_dtype(dtype: Any) -> np.dtype[Any]:
    try:
        kind: np.dtype[Any] | None = None if dtype is None else np.dtype(dtype)
    except TypeError:
        kind = None
    if kind is None or kind not in (np.float32, np.float64):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    return kind


def _checked_path(directory: Any) -> Path:
    try:
        return Path(directory)
    except TypeError:
        raise TypeError(f"directory must be a path, got {type(directory).__name__}") from None


def _check_fill_value(fill_value: Any, kind: np.dtype[Any]) -> None:
    if fill_value is None:
        return
    is_number = isinstance(fill_value, Real) and not isinstance(fill_value, bool)
    with np.errstate(over="ignore"):
        if not is_number or not np.isfinite(kind.type(fill_value)):
            raise ValueError(
                f"fill_value must be a finite number that {kind} can hold, or None, got {fill_value!r}"
            )


def _check_transformer(transformer: Any) -> None:
    methods = [getattr(transformer, name, None) for name in ("partial_fit", "transform")]
    if transformer is not None and (isinstance(transformer, type) or not all(map(callable, methods))):
        name = transformer.__name__ if isinstance(transformer, type) else type(transformer).__name__
        what = "the class " * isinstance(transformer, type) + name
        raise TypeError(f"transformer must be an object with partial_fit and transform, got {what}")


def _names(argument: str, names: Any) -> list[str]:
    if isinstance(names, str):
        raise TypeError(f"{argument} must be a sequence of names, got the text {names!r}")
    try:
        return list(names)
    except TypeError:
        raise TypeError(f"{argument} must be a sequence of names, got {type(names).__name__}") from None


def _unfitted(transformer: Any) -> Any:
    """Return an unfitted copy of a transformer of scikit-learn's kind; another one is fitted itself.

    `partial_fit` would go on from what a transformer already knows, from a call that failed too.
    """
    if not hasattr(transformer, "get_params"):
        return transformer
    from sklearn.base import clone

    return clone(transformer)


def _inputs(
    source: ParquetSource,
    features: list[str],
    dtype: np.dtype[Any],
    fill_value: float | None,
    tell: Progress,
    what: str,
) -> Iterator[NDArray[Any]]:
    done = 0
    for batch in source.blocks(features):
        yield matrix(batch, dtype, done, fill_value)
        done += batch.num_rows
        tell(what, done)


def _write_inputs(
    stack: ExitStack,
    folder: Path,
    source: ParquetSource,
    features: list[str],
    dtype: np.dtype[Any],
    fill_value: float | None,
    transformer: Transformer | None,
    tell: Progress,
) -> int:
    """Write the inputs, and return the number of columns."""
    writer = None
    width = 0
    for block in _inputs(source, features, dtype, fill_value, tell, "writing X"):
        rows = block if transformer is None else np.asarray(transformer.transform(block), dtype)
        if rows.ndim != 2 or len(rows) != len(block) or not np.isfinite(rows).all():
            raise ValueError(
                "transformer must make as many rows of finite numbers, got other ones of shape "
                f"{rows.shape} for {block.shape}"
            )
        if writer is None:
            width = rows.shape[1]
            writer = stack.enter_context(rows_to_file(folder / "X.npy", (source.n_rows, width), dtype))
        writer.write(rows)
    return width


def _write_targets(
    stack: ExitStack,
    folder: Path,
    source: ParquetSource,
    answers: list[Target],
    *,
    is_one: bool,
    tell: Progress,
) -> None:
    """Write the targets, in one type."""
    dtype = np.result_type(*(answer.dtype for answer in answers))
    shape = (source.n_rows,) if is_one else (source.n_rows, len(answers))
    done = 0
    writer = stack.enter_context(rows_to_file(folder / "y.npy", shape, dtype))
    for batch in source.blocks([answer.name for answer in answers]):
        columns = [answer.values(batch.column(i), done) for i, answer in enumerate(answers)]
        writer.write(columns[0].astype(dtype) if is_one else np.column_stack(columns).astype(dtype))
        done += batch.num_rows
        tell("writing y", done)


def _names_of(transformer: Any, features: list[str], width: int) -> list[str]:
    names = features
    if hasattr(transformer, "get_feature_names_out"):
        names = [str(name) for name in transformer.get_feature_names_out(features)]
    return names if len(names) == width else [f"x{place}" for place in range(width)]
