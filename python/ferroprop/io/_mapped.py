"""Rows in files, and what their columns are."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ferroprop._core import _Replacement

DESCRIPTION = "rows.json"
"""The file that says what the others hold; it is written last."""
FORMAT = 1


@dataclass(frozen=True)
class MappedRows:
    """Inputs and targets of a table, in files that are mapped into memory.

    Attributes
    ----------
    X : numpy.memmap of shape (n_samples, n_features)
        The inputs, row by row.
    y : numpy.memmap of shape (n_samples,) or (n_samples, n_targets), or None
        The targets: in the dtype of `X`, whole numbers as int64, booleans as they are, and text as numbers of
        `classes`. None without a target.
    feature_names : list of str
        The columns of `X`.
    target : str, list of str or None
        The column, or the columns, of `y`.
    classes : list of str or None
        The texts that the numbers in `y` stand for, in order; None if the target is no text.

    Examples
    --------
    >>> import tempfile
    >>> import pyarrow as pa
    >>> import pyarrow.parquet as pq
    >>> from ferroprop.io import MappedRows, memmap_from_parquet
    >>> folder = tempfile.mkdtemp()
    >>> pq.write_table(pa.table({"size": [1.0, 2.0], "kind": ["b", "a"]}), f"{folder}/table.parquet")
    >>> rows = memmap_from_parquet(f"{folder}/table.parquet", target="kind", directory=f"{folder}/rows")
    >>> rows = MappedRows.load(f"{folder}/rows")  # at another time
    >>> rows.X.tolist(), rows.y.tolist(), rows.classes
    ([[1.0], [2.0]], [1, 0], ['a', 'b'])
    """

    X: NDArray[Any]
    y: NDArray[Any] | None
    feature_names: list[str]
    target: str | list[str] | None
    classes: list[str] | None

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> Self:
        """Map the files of a conversion again.

        Parameters
        ----------
        directory : str or path-like
            Where `memmap_from_parquet` has written them.

        Returns
        -------
        rows : MappedRows
            As that function has returned it.

        Raises
        ------
        FileNotFoundError
            If there is no conversion that came to its end.
        ValueError
            If the files do not belong together.
        """
        folder = Path(directory)
        path = folder / DESCRIPTION
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            if plain["format"] != FORMAT:
                raise ValueError(f"{path} must have format {FORMAT}, got {plain['format']}")
            names, target, classes = plain["feature_names"], plain["target"], plain["classes"]
            X = np.load(folder / "X.npy", mmap_mode="r")
            y = None if target is None else np.load(folder / "y.npy", mmap_mode="r")
            shapes = [list(X.shape), None if y is None else list(y.shape)]
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is not a description of rows: {error!r}") from None
        if shapes != plain.get("shapes") or X.shape[1] != len(names):
            raise ValueError(f"the arrays in {folder} are not those that {DESCRIPTION} describes")
        return cls(X, y, names, target, classes)

    def describe(self, directory: Path) -> None:
        """Write what the arrays in a directory are.

        Parameters
        ----------
        directory : Path
            Where the arrays are.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        plain = {
            "format": FORMAT,
            "feature_names": self.feature_names,
            "target": self.target,
            "classes": self.classes,
            "shapes": [list(self.X.shape), None if self.y is None else list(self.y.shape)],
        }
        with _Replacement(directory / DESCRIPTION) as temporary:
            temporary.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
