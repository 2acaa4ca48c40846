"""The preparation of a table's columns for the network: cells looked up, gaps filled, numbers scaled.

Every format writes these few operations; `_steps` makes them from scikit-learn's transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ferroprop.export._dates import Arrays, Part, date_part
from ferroprop.export._functions import SINE

Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Parameters
    ----------
    name : str
        Its name; without names, ``x0``, ``x1`` and so on.
    is_text : bool
        Whether its cells are text, an empty one being a missing value; otherwise they are numbers, NaN being
        a missing value.
    is_date : bool
        Whether its numbers are dates, in seconds since 1970.
    """

    name: str
    is_text: bool
    is_date: bool = False


@dataclass(frozen=True)
class Columns:
    """The numbers of these columns."""

    indices: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Lookup:
    """Looks a cell up among keys, and takes the corresponding row of a table.

    Parameters
    ----------
    column : int
        The column whose cells are looked up.
    keys : tuple of str or of float
        The known cells, all different. An empty text, or NaN, which comes last, stands for a missing value.
    table : ndarray of shape (n_keys + 1, width)
        A row for each key, and the last one for a cell that is none of them.
    """

    column: int
    keys: tuple[str, ...] | tuple[float, ...]
    table: Numbers

    @property
    def is_text(self) -> bool:
        """Whether the cells are text."""
        return isinstance(self.keys[0], str)


@dataclass(frozen=True, eq=False)
class Fill:
    """Replaces missing numbers by constants.

    Parameters
    ----------
    values : ndarray of shape (width,)
        The constants.
    missing : float
        The number that stands for a missing one, usually NaN.
    """

    values: Numbers
    missing: float


@dataclass(frozen=True)
class Missing:
    """1 where a number is missing, else 0."""


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """Combines each number with its constant.

    Parameters
    ----------
    operator : {'Add', 'Sub', 'Mul', 'Div', 'Min', 'Max'}
        The operation, by its name in ONNX.
    values : ndarray of shape (width,)
        The right operands.
    """

    operator: Literal["Add", "Sub", "Mul", "Div", "Min", "Max"]
    values: Numbers


@dataclass(frozen=True)
class Clip:
    """Clips numbers to limits."""

    low: float
    high: float


@dataclass(frozen=True)
class Asinh:
    """The inverse hyperbolic sine, log(|x| + sqrt(1 + x^2)) with the sign of x."""


@dataclass(frozen=True)
class CosineOfTurns:
    """cos(2 pi x), by the series of `_functions`."""


@dataclass(frozen=True, eq=False)
class Equals:
    """1 where a number equals its constant, else 0.

    Parameters
    ----------
    values : ndarray of shape (width,)
        The constants.
    """

    values: Numbers


@dataclass(frozen=True)
class DatePart:
    """A part of a date, which is in seconds since 1970; NaN stays NaN.

    Parameters
    ----------
    part : {'year', 'day', 'weekday', 'time'}
        The days since the year began; the days since the month began; the days since Monday; the share of the
        day that is over.
    """

    part: Part


Operation: TypeAlias = Fill | Missing | Arithmetic | Clip | Asinh | CosineOfTurns | Equals | DatePart


@dataclass(frozen=True, eq=False)
class Block:
    """Inputs of the network that are computed in the same way.

    Parameters
    ----------
    source : Columns or Lookup
        The columns, or the lookup, that the inputs come from.
    operations : tuple of Operation
        The operations, in this order.
    """

    source: Columns | Lookup
    operations: tuple[Operation, ...] = ()

    @property
    def width(self) -> int:
        """The number of inputs."""
        return len(self.source.indices) if isinstance(self.source, Columns) else self.source.table.shape[1]

    def then(self, operation: Operation) -> Block:
        """Return the block with one more operation."""
        return Block(self.source, (*self.operations, operation))

    def only(self, places: Sequence[int]) -> Block:
        """Return the block with only these inputs."""
        chosen = list(places)
        operations: list[Operation] = []
        for operation in self.operations:
            if isinstance(operation, (Fill, Arithmetic, Equals)):
                operations.append(replace(operation, values=operation.values[chosen]))
            else:
                operations.append(operation)
        if isinstance(self.source, Columns):
            source: Columns | Lookup = Columns(tuple(self.source.indices[place] for place in chosen))
        else:
            source = Lookup(self.source.column, self.source.keys, self.source.table[:, chosen])
        return Block(source, tuple(operations))


@dataclass(frozen=True)
class Preparation:
    """The preparation of a row of a table for the network.

    Parameters
    ----------
    columns : tuple of Column
        The columns, in the order in which the blocks count them.
    blocks : tuple of Block
        The inputs of the network, one block after the other.
    is_named : bool
        Whether the columns had names of their own in training; otherwise a row is a row of numbers.
    is_double : bool
        Whether the numbers are float64, whatever the dtype of the network.
    """

    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    is_named: bool
    is_double: bool = False

    @property
    def is_by_column(self) -> bool:
        """Whether each column is a separate input, instead of one matrix of numbers."""
        return self.is_named or any(column.is_text for column in self.columns)

    @property
    def used(self) -> list[int]:
        """The numbers of the columns that the network uses."""
        sources = [block.source for block in self.blocks]
        indices = [one.indices if isinstance(one, Columns) else (one.column,) for one in sources]
        return sorted({index for some in indices for index in some})

    def apply(self, rows: Sequence[Sequence[Any]], dtype: Any = np.float64) -> Numbers:
        """Return the inputs of the network for rows of cells: text or None, numbers or NaN.

        Parameters
        ----------
        rows : sequence of sequence
            The cells.
        dtype : dtype, default=float64
            The type of cells, constants and results.
        """
        columns = list(zip(*rows, strict=True))
        kind = np.dtype(dtype)
        with np.errstate(all="ignore"):
            return np.concatenate([self._block(columns, block, kind) for block in self.blocks], axis=1)

    def _block(self, columns: Sequence[Sequence[Any]], block: Block, dtype: np.dtype[Any]) -> Numbers:
        match block.source:
            case Columns(indices):
                x = np.array([columns[index] for index in indices], np.float64).T.astype(dtype)
            case Lookup():
                rows = _rows_of(block.source, columns[block.source.column], dtype)
                x = block.source.table[rows].astype(dtype)
        for operation in block.operations:
            x = _operated(x, operation)
        return x


def check_distinct(preparation: Preparation, dtype: Any) -> None:
    """Refuse categories that are different numbers, but the same ones in the dtype of the format.

    Raises
    ------
    ValueError
        If there are some; the message names the column.
    """
    for block in preparation.blocks:
        source = block.source
        if isinstance(source, Lookup) and not source.is_text:
            distinct, counts = np.unique(np.array(source.keys).astype(dtype), return_counts=True)
            if counts.max() > 1:
                name = preparation.columns[source.column].name
                raise ValueError(
                    f"column {name!r} has different categories that are one number in "
                    f"{np.dtype(dtype).name}, {float(distinct[counts.argmax()])!r}; make them text before fit"
                )


def _rows_of(lookup: Lookup, cells: Sequence[Any], dtype: np.dtype[Any]) -> list[int]:
    if lookup.is_text:
        rows: dict[Any, int] = {key: row for row, key in enumerate(lookup.keys)}
        return [rows.get(cell if isinstance(cell, str) else "", len(rows)) for cell in cells]
    rows = {dtype.type(key).item(): row for row, key in enumerate(lookup.keys)}
    nan = len(rows) - 1 if np.isnan(lookup.keys[-1]) else len(rows)
    return [
        nan if cell is None or np.isnan(cell) else rows.get(dtype.type(cell).item(), len(rows))
        for cell in cells
    ]


def _operated(x: Numbers, operation: Operation) -> Numbers:
    match operation:
        case Fill():
            missing = np.isnan(x) if np.isnan(operation.missing) else x == operation.missing
            return np.where(missing, operation.values.astype(x.dtype), x)
        case Missing():
            return np.isnan(x).astype(x.dtype)
        case Clip():
            return np.clip(x, operation.low, operation.high)
        case Arithmetic():
            functions: dict[str, Callable[[Numbers, Numbers], Numbers]] = {
                "Add": np.add,
                "Sub": np.subtract,
                "Mul": np.multiply,
                "Div": np.divide,
                "Min": np.minimum,
                "Max": np.maximum,
            }
            return functions[operation.operator](x, operation.values.astype(x.dtype))
        case Asinh():
            squeezed: Numbers = np.arcsinh(x)
            return squeezed
        case Equals():
            equal: Numbers = np.equal(x, operation.values).astype(x.dtype)
            return equal
        case CosineOfTurns():
            half = (x - np.rint(x)) * np.pi
            sine: Numbers = half * np.polynomial.polynomial.polyval(half * half, SINE)
            return 1.0 - 2.0 * sine * sine
        case DatePart():
            part: Numbers = date_part(Arrays(), x, operation.part)
            return part
