"""A column of numbers as inputs of a network: scaled, piecewise linear, periodic.

Every operation here is one that IEEE 754 defines exactly, the cosine included, so that the inputs have the
same bits on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np

from ferroprop.estimators._typing import Array

FARTHEST = 1e6
"""Numbers are clipped to this distance, in units of the spread."""
BEYOND = 1.0
"""How far beyond those of the fit numbers can be, after `asinh`; farther ones are brought back."""
LOG_2 = 0.6931471805599453
GOLDEN = 0.6180339887498949
"""The step between the phases of the periodic encoding, in turns."""
_FEW = 8
"""Columns with this many distinct numbers or fewer have no periodic encoding."""


@dataclass(frozen=True)
class NumberColumn:
    """The encoding of one column of numbers; made by `fit_numbers`.

    Attributes
    ----------
    name : str
        Its name.
    exponent : int
        Numbers are first divided by two to this power, exactly, so that none of them is huge or tiny.
    center, scale : float
        Median, and inverse of the spread, of the divided numbers. The spread is the interquartile range, the
        standard deviation if that is 0, the difference if there are two values; a constant column has scale
        0.
    edges : ndarray
        Ends of the bins of the piecewise linear encoding, as `squeezed` returns them; empty without that
        encoding.
    frequencies : ndarray
        Frequencies of the periodic encoding, in turns per unit; empty without that encoding.
    fine_edges : ndarray or None
        Ends of the bins of a second, finer piecewise linear encoding; None without it, or if it has the same.
    values : ndarray or None
        The whole numbers that have an input each; None without that encoding.
    ends : tuple of float or None
        The least and the greatest result of `squeezed`; None in a constant column, and in one that an earlier
        state of the library has saved, which squeezed numbers in another way.
    has_missing : bool
        Whether there is an indicator of missing numbers.
    stray : tuple of str
        Texts among the numbers of the fit; they count as missing.
    deciles : ndarray of shape (11,)
        Smallest number, deciles and largest number of the fit.
    shares : ndarray of shape (11,)
        The share of the numbers that are at most as large as each of `deciles`.
    missing_share : float
        The share of the rows without a number.
    """

    name: str
    exponent: int
    center: float
    scale: float
    edges: Array
    frequencies: Array
    has_missing: bool
    stray: tuple[str, ...] = ()
    deciles: Array = field(default_factory=lambda: np.empty(0))
    shares: Array = field(default_factory=lambda: np.empty(0))
    missing_share: float = 0.0
    fine_edges: Array | None = None
    values: Array | None = None
    ends: tuple[float, float] | None = None

    kind = "number"

    @property
    def is_boolean(self) -> bool:
        """Whether the numbers of the fit were 0 or 1, as booleans are."""
        if len(self.deciles) == 0:
            return False
        half = (self.deciles == 0.5) & (self.shares == self.shares[0])  # the mean of a 0 and a 1, no number
        return self.deciles[0] in (0.0, 1.0) and set(self.deciles[~half].tolist()) <= {0.0, 1.0}

    @property
    def n_bins(self) -> int:
        """Number of inputs of the piecewise linear encoding."""
        return max(0, len(self.edges) - 1)

    @property
    def n_fine_bins(self) -> int:
        """Number of inputs of the second, finer piecewise linear encoding."""
        return 0 if self.fine_edges is None else len(self.fine_edges) - 1

    def feature_names(self) -> list[str]:
        """Return the names of the inputs."""
        names = []
        if self.scale != 0.0:
            names.append(self.name)
            names += [f"{self.name}_bin{place}" for place in range(self.n_bins)]
            names += [f"{self.name}_cos{place}" for place in range(len(self.frequencies))]
            names += [f"{self.name}_fine{place}" for place in range(self.n_fine_bins)]
            names += [] if self.values is None else [f"{self.name}_value{one:.0f}" for one in self.values]
        if self.has_missing:
            names.append(f"{self.name}_missing")
        return names

    def places_of(self, encoding: str) -> list[int]:
        """Return where the inputs of one encoding are among those of several."""
        n_inputs = len(self.feature_names())
        missing = [n_inputs - 1] if self.has_missing else []
        if self.scale == 0.0:
            return missing
        fine = 1 + self.n_bins + len(self.frequencies)
        values = fine + self.n_fine_bins
        of_encoding = {
            "linear": range(0),
            "both": range(1, fine),
            "fine": range(1, 1 + self.n_bins) if self.fine_edges is None else range(fine, values),
            "values": range(values, n_inputs - len(missing)),
        }
        return [0, *of_encoding[encoding], *missing]

    def squeezed(self, numbers: Array) -> Array:
        """Return the numbers scaled, with logarithmic tails; missing ones are the median.

        Those far beyond the numbers of the fit are brought back, because a network knows nothing there.
        """
        least, most = self.limits()
        result: Array = np.clip(self._asinh(numbers), least, most)
        return result

    def limits(self) -> tuple[float, float]:
        """Return the least and the greatest result of `squeezed`."""
        if self.ends is None:
            raise ValueError(
                f"Column {self.name!r} is of a model that an earlier state of ferroprop has saved, with "
                "other inputs for numbers. Fit it anew."
            )
        return self.ends

    def with_ends(self) -> NumberColumn:
        """Return the same with the ends that its numbers ask for."""
        least, most = self._asinh(self.deciles[[0, -1]])
        return replace(self, ends=(float(least) - BEYOND, float(most) + BEYOND))

    def _asinh(self, numbers: Array) -> Array:
        with np.errstate(over="ignore", under="ignore"):
            scaled = (np.ldexp(numbers, -self.exponent) - self.center) * self.scale
        scaled[np.isnan(scaled)] = 0.0
        np.clip(scaled, -FARTHEST, FARTHEST, out=scaled)
        return asinh(scaled)

    def encode(self, numbers: Array, out: Array) -> None:
        """Write the inputs of these numbers, one column each, into `out`."""
        place = 0
        if self.scale != 0.0:
            squeezed = self.squeezed(numbers)
            out[:, 0] = squeezed
            place = 1 + self.n_bins
            if self.n_bins:
                out[:, 1:place] = _in_bins(squeezed, self.edges)
            if len(self.frequencies):
                phases = np.arange(len(self.frequencies)) * GOLDEN % 1.0
                turns = squeezed[:, None] * self.frequencies + phases
                out[:, place : place + len(self.frequencies)] = cos_of_turns(turns)
                place += len(self.frequencies)
            if self.fine_edges is not None:
                out[:, place : place + self.n_fine_bins] = _in_bins(squeezed, self.fine_edges)
                place += self.n_fine_bins
            if self.values is not None:
                out[:, place : place + len(self.values)] = numbers[:, None] == self.values
                place += len(self.values)
        if self.has_missing:
            out[:, place] = np.isnan(numbers)


def _in_bins(numbers: Array, edges: Array) -> Array:
    """Return the piecewise linear encoding: for each bin 0 below it, 1 above it, and linear within."""
    return np.clip((numbers[:, None] - edges[:-1]) / np.diff(edges), 0.0, 1.0)


def fit_numbers(
    name: str,
    numbers: Array,
    weight: Array | None,
    *,
    n_bins: int,
    n_frequencies: int,
    frequency_scale: float,
    n_fine_bins: int = 0,
    n_values: int = 0,
    stray: tuple[str, ...] = (),
) -> NumberColumn:
    """Choose the encoding of a column from the numbers of a fit.

    Parameters
    ----------
    name : str
        Name of the column.
    numbers : ndarray of shape (n_rows,)
        float64, NaN where missing.
    weight : ndarray of shape (n_rows,) or None
        Weights of the rows, all positive.
    n_bins, n_frequencies : int
        Numbers of inputs of the two encodings; 0 for none.
    frequency_scale : float
        Standard deviation of the normal distribution of the frequencies.
    n_fine_bins : int
        Number of bins of the second, finer piecewise linear encoding; 0 for none.
    n_values : int
        Up to this many distinct numbers have an input each, if all are whole; 0 for none.
    stray : tuple of str
        Texts that count as missing.
    """
    present = ~np.isnan(numbers)
    has_missing = bool(not present.all() and present.any())
    known = numbers[present]
    weights = np.ones(len(numbers)) if weight is None else weight
    if len(known) == 0:
        return NumberColumn(
            name, 0, 0.0, 0.0, np.empty(0), np.empty(0), has_missing, stray, missing_share=1.0
        )
    order = np.argsort(known, kind="stable") if weight is not None else slice(None)
    values, of_rows = np.sort(known) if weight is None else known[order], weights[present][order]
    _, exponent = math.frexp(max(abs(float(values[0])), abs(float(values[-1]))))
    values = np.ldexp(values, -exponent)
    deciles = quantiles(values, of_rows, [place / 10 for place in range(11)])
    deciles[[0, -1]] = values[[0, -1]]  # whatever they weigh
    cumulative = np.cumsum(of_rows)
    constant = NumberColumn(
        name=name,
        exponent=0,
        center=0.0,
        scale=0.0,
        edges=np.empty(0),
        frequencies=np.empty(0),
        has_missing=has_missing,
        stray=stray,
        deciles=np.ldexp(deciles, exponent),
        shares=cumulative[np.searchsorted(values, deciles, side="right") - 1] / cumulative[-1],
        missing_share=float(weights[~present].sum() / weights.sum()),
    )
    if values[0] == values[-1]:
        return constant
    lower, center, upper = (float(one) for one in quantiles(values, of_rows, [0.25, 0.5, 0.75]))
    first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    span = upper - lower
    if len(first) == 2:
        span = float(values[-1] - values[0])
    elif span == 0.0:  # more than half of the rows have one value
        span = _standard_deviation(values, of_rows)
    if span == 0.0 or not math.isfinite(1.0 / span):
        return constant
    column = replace(constant, exponent=exponent, center=center, scale=1.0 / span).with_ends()
    if len(first) == 2:
        return column
    frequency = np.add.reduceat(of_rows, first)
    squeezed = column.squeezed(np.ldexp(values, exponent))
    edges = edges_of(squeezed[first], frequency, n_bins) if n_bins else np.empty(0)
    fine_edges = edges_of(squeezed[first], frequency, n_fine_bins) if n_fine_bins else edges
    return replace(
        column,
        edges=edges,
        fine_edges=None if np.array_equal(fine_edges, edges) else fine_edges,
        values=values_of(np.ldexp(values[first], exponent), frequency, of_rows, n_values),
        frequencies=normal_quantiles(n_frequencies if len(first) > _FEW else 0, frequency_scale),
    )


def values_of(values: Array, frequency: Array, weights: Array, most: int) -> Array | None:
    """Return the numbers of a column that have an input each; None if they are too many, or not whole.

    A number in a single row has none.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        The distinct numbers, sorted.
    frequency : ndarray of shape (n_values,)
        The total weight of the rows with each number.
    weights : ndarray of shape (n_rows,)
        The weights of the rows.
    most : int
        The largest number of distinct numbers.
    """
    if len(values) > most or (values != np.rint(values)).any():
        return None
    several: Array = values[frequency > weights.min()]
    return several if len(several) else None


def edges_of(values: Array, frequency: Array, n_bins: int) -> Array:
    """Return the edges of the bins of a piecewise linear encoding.

    If there are no more values than edges, each value is an edge. Otherwise a value that occurs in more rows
    than a bin would have is an edge, and further edges divide the remaining rows evenly.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        The distinct values, sorted.
    frequency : ndarray of shape (n_values,)
        The number of rows with each value.
    n_bins : int
        The largest number of bins, apart from those that the first, the last and frequent values add.
    """
    if len(values) <= n_bins + 1:
        return np.unique(values)
    often = frequency > frequency.sum() / n_bins
    n_rest = max(1, n_bins - int(often.sum()))
    rest = quantiles(values[~often], frequency[~often], [place / n_rest for place in range(n_rest + 1)])
    return np.unique(np.concatenate([values[:1], values[often], rest, values[-1:]]))


def _standard_deviation(values: Array, weight: Array) -> float:
    total = weight.sum()
    mean = (values * weight).sum() / total
    return float(np.sqrt(((values - mean) ** 2 * weight).sum() / total))


def quantiles(values: Array, weight: Array, probabilities: list[float]) -> Array:
    """Return weighted quantiles of sorted values.

    A value of weight 2 counts as two of weight 1. A quantile is the value at which the cumulative weight
    passes the probability, and the mean of two values where it meets it exactly (definition 2 of Hyndman and
    Fan, 1996).
    """
    cumulative = np.cumsum(weight)
    targets = np.asarray(probabilities) * cumulative[-1]
    last = len(values) - 1
    left = np.minimum(np.searchsorted(cumulative, targets, side="left"), last)
    right = np.minimum(np.searchsorted(cumulative, targets, side="right"), last)
    result: Array = values[left] + (values[right] - values[left]) / 2.0
    return result


def normal_quantiles(number: int, scale: float) -> Array:
    """Return evenly spaced quantiles of the absolute value of a normal variable; nothing is drawn."""
    normal = NormalDist()
    return np.array(
        [round(scale * normal.inv_cdf(0.5 + (place + 0.5) / (2 * number)), 9) for place in range(number)]
    )


def cos_of_turns(turns: Array) -> Array:
    """Return cos(2 pi turns), with an error below a unit of float32.

    cos(2 x) = 1 - 2 sin(x)**2, with the Taylor series of the sine up to x**13, abs(x) <= pi / 2; what is left
    out is at most (pi / 2)**15 / 15! = 7e-10.
    """
    x = turns - np.rint(turns)
    x *= math.pi
    square = x * x
    series: Array = np.full_like(square, 1.0 / math.factorial(13))
    for power in (11, 9, 7, 5, 3, 1):
        series *= square
        series += (1.0 if power % 4 == 1 else -1.0) / math.factorial(power)
    series *= x
    series *= series
    series *= -2.0
    series += 1.0
    return series


def asinh(x: Array) -> Array:
    """Return the inverse hyperbolic sine, with an error below a unit of float32.

    It is log(abs(x) + sqrt(1 + x**2)) with the sign of x: x near 0, and far from it a logarithm.
    log(m) = 2 artanh(z), z = (m - 1) / (m + 1), for mantissas m from sqrt(1/2) to sqrt(2), with the Taylor
    series of artanh up to z**13; what is left out is at most 2 * 0.172**15 / 15 / (1 - 0.172**2) = 5e-13.
    """
    size, square = np.abs(x), x * x
    root = np.sqrt(1.0 + square)
    mantissa, exponent = np.frexp(size + root)
    is_low = mantissa < math.sqrt(0.5)
    mantissa = np.where(is_low, 2.0 * mantissa, mantissa)
    exponent = exponent - is_low
    excess = size + square / (1.0 + root)  # m - 1 where the exponent is 0, with all its digits
    z = np.where(exponent == 0, excess / (2.0 + excess), (mantissa - 1.0) / (mantissa + 1.0))
    square = z * z
    series = np.full_like(square, 1.0 / 13.0)
    for power in (11, 9, 7, 5, 3, 1):
        series *= square
        series += 1.0 / power
    result: Array = 2.0 * z * series + exponent * LOG_2
    return np.copysign(result, x)
