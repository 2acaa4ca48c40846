"""A column of categories as inputs of a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ferroprop.estimators._typing import Array


@dataclass(frozen=True)
class CategoryColumn:
    """The encoding of one column of categories; made by `fit_categories`.

    Attributes
    ----------
    name : str
        Its name.
    levels : tuple of str
        The levels with an input of their own.
    n_infrequent : int
        Number of levels of the fit that share one input, together with all unknown levels; 0 if there is no
        such input.
    has_missing : bool
        Whether there is an indicator of missing values.
    shares : tuple of float
        The share of the values that each of `levels` had.
    missing_share : float
        The share of the rows without a value.
    """

    name: str
    levels: tuple[str, ...]
    n_infrequent: int
    has_missing: bool
    shares: tuple[float, ...] = ()
    missing_share: float = 0.0

    kind = "category"

    @property
    def is_binary(self) -> bool:
        """Two levels share one input: -1 or 1, and 0 for any other value."""
        return len(self.levels) == 2 and self.n_infrequent == 0

    @property
    def is_constant(self) -> bool:
        """A single level carries no information."""
        return len(self.levels) + (self.n_infrequent > 0) < 2

    def feature_names(self) -> list[str]:
        """Return the names of the inputs."""
        names = []
        if not self.is_constant:
            names = [f"{self.name}_{level}" for level in self.levels[1 if self.is_binary else 0 :]]
            if self.n_infrequent:
                names.append(f"{self.name}_infrequent")
        if self.has_missing:
            names.append(f"{self.name}_missing")
        return names

    def places_of(self, _encoding: str) -> list[int]:
        """Return the places of all inputs: each encoding of numbers has them."""
        return list(range(len(self.feature_names())))

    def encode(self, codes: Array, levels: list[str], out: Array) -> None:
        """Write the inputs of these values, one column each, into `out`.

        Parameters
        ----------
        codes : ndarray of shape (n_rows,)
            Numbers of the levels, -1 where a value is missing.
        levels : list of str
            The levels that `codes` number.
        out : ndarray of shape (n_rows, n_inputs)
            Where to write.
        """
        rows = np.arange(len(codes))
        places = {level: place for place, level in enumerate(self.levels)}
        elsewhere = len(self.levels) if self.n_infrequent else -1
        place_of = np.array([*(places.get(level, elsewhere) for level in levels), -1], dtype=np.intp)
        place = place_of[codes]
        n_inputs = 0
        if self.is_binary:
            out[:, 0] = np.array([-1.0, 1.0, 0.0], dtype=out.dtype)[place]
            n_inputs = 1
        elif not self.is_constant:
            n_inputs = len(self.levels) + (self.n_infrequent > 0)
            out[:, :n_inputs] = 0.0
            known = place >= 0
            out[rows[known], place[known]] = 1.0
        if self.has_missing:
            out[:, n_inputs] = codes < 0


def fit_categories(
    name: str, codes: Array, levels: list[str], weight: Array | None, *, max_levels: int
) -> CategoryColumn:
    """Choose the encoding of a column from the categories of a fit.

    The most frequent levels get an input each, the others share one. Levels that occur in a single row share
    it too, unless there is only one of them or the column has only two levels.

    Parameters
    ----------
    name : str
        Name of the column.
    codes, levels
        The result of `Column.categories`.
    weight : ndarray of shape (n_rows,) or None
        Weights of the rows, all positive.
    max_levels : int
        The largest number of levels with an input each.
    """
    has_missing = bool((codes < 0).any() and (codes >= 0).any())
    present = codes >= 0
    of_rows = None if weight is None else weight[present]
    counts = np.bincount(codes[present], minlength=len(levels))
    frequency = np.bincount(codes[present], of_rows, minlength=len(levels))
    met = [code for code in range(len(levels)) if counts[code]]
    by_frequency = sorted(met, key=lambda code: (-frequency[code], levels[code]))
    single = {code for code in met if counts[code] < 2}
    left_out = single if len(single) > 1 and len(met) > 2 else set()
    own = [code for code in by_frequency if code not in left_out][:max_levels]
    total = frequency.sum()
    missing = float((~present).sum() if weight is None else weight[~present].sum())
    return CategoryColumn(
        name,
        tuple(levels[code] for code in own),
        len(met) - len(own),
        has_missing,
        shares=tuple(float(frequency[code] / total) for code in own),
        missing_share=missing / float(total + missing),
    )
