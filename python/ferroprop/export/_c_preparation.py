"""The preparation of a table's columns in C, and the rows on which header and model are compared.

A row is an array of floats: numbers unchanged, NaN for a missing number, and for a category its place in the
list in the header's comment, -1 for a category that is not in the list.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ferroprop.export._c_text import array, number
from ferroprop.export._description import Array, Description
from ferroprop.export._preparation import (
    Arithmetic,
    Block,
    Clip,
    Columns,
    Fill,
    Lookup,
    Missing,
    Numbers,
    Operation,
    Preparation,
)

Cells = list[list[Any]]
"""Rows of cells: text or None, numbers or NaN."""

PLACE = """
/* The place of a category among n, or n for what is none */
static inline int @place(float category, int n)
{
    return category >= 0.0f && category < (float)n ? (int)category : n;
}
"""

FIND = """
/* The place of a number among n, or n if it is not there */
static inline int @find(float x, const float *numbers, int n)
{
    int i = 0;
    while (i < n && x != numbers[i]) i++;
    return i;
}
"""


@dataclass(frozen=True)
class PreparationCode:
    """A preparation in C: ``@prepare(columns, x)``."""

    constants: str
    functions: str
    constant_bytes: int


def categories_of(preparation: Preparation) -> dict[int, list[str]]:
    """Return the categories of each column of text, in the order of their numbers."""
    categories: dict[int, dict[str, None]] = {}
    for block in preparation.blocks:
        if isinstance(block.source, Lookup) and block.source.is_text:
            categories.setdefault(block.source.column, {}).update(dict.fromkeys(map(str, block.source.keys)))
    return {column: list(known) for column, known in categories.items()}


def columns_of(preparation: Preparation) -> list[int]:
    """Return the numbers of the columns that the C code reads."""
    return preparation.used if preparation.is_by_column else list(range(len(preparation.columns)))


def told_columns(description: Description) -> list[str]:
    """Return a description of each number of a row, for the comment."""
    preparation = description.preparation
    if preparation is None:
        names = description.feature_names
        return [] if names is None else [f"{index}: {name}" for index, name in enumerate(names)]
    categories = categories_of(preparation)
    told = []
    for index, column in enumerate(columns_of(preparation)):
        text = f"{index}: {preparation.columns[column].name}"
        if column in categories:
            listed = (f"{place} {name or '(missing)'}" for place, name in enumerate(categories[column]))
            text += f", a category: {', '.join(listed)}; -1 any other"
        told.append(text)
    return told


def numbers_of(description: Description, cells: Cells) -> Array:
    """Return rows as floats, in the form of the C code."""
    preparation = description.preparation
    if preparation is None:
        return np.array(cells, np.float32)
    places = {
        column: {text: float(place) for place, text in enumerate(known)}
        for column, known in categories_of(preparation).items()
    }
    rows = []
    for cell_row in cells:
        row = []
        for column in columns_of(preparation):
            cell = cell_row[column]
            if column not in places:
                row.append(np.nan if cell is None else float(cell))
                continue
            text = cell if isinstance(cell, str) else ""
            row.append(places[column].get(text, -1.0))
        rows.append(row)
    return np.array(rows, np.float32)


def cells_of(description: Description, X: Any) -> Cells:
    """Return the cells of a data frame or an array.

    Raises
    ------
    ValueError
        If its columns are not the model's.
    """
    preparation = description.preparation
    n_columns = description.n_inputs if preparation is None else len(preparation.columns)
    if hasattr(X, "columns") and preparation is not None and preparation.is_named:
        names = [column.name for column in preparation.columns]
        missing = [name for name in names if name not in list(X.columns)]
        if missing:
            raise ValueError(f"X lacks the column {missing[0]!r}")
        columns = [list(X[name]) for name in names]
        return [list(row) for row in zip(*columns, strict=True)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            rows = np.asarray(X, object if preparation is not None else description.dtype)
    except (TypeError, ValueError, np.exceptions.ComplexWarning) as error:
        raise ValueError(f"X must hold rows of numbers: {error}") from None
    if rows.ndim != 2 or rows.shape[1] != n_columns or not len(rows):
        raise ValueError(f"X must have shape (n, {n_columns}) with one row or more, got {rows.shape}")
    if preparation is None and not np.isfinite(rows).all():
        raise ValueError("X must hold finite numbers, got NaN or infinity")
    return [list(row) for row in rows]


def sample_rows(description: Description, n: int) -> Cells:
    """Return made-up rows: numbers about as large as those of training, known categories."""
    rng = np.random.default_rng(0)
    preparation = description.preparation
    if preparation is None:
        drawn = rng.normal(size=(n, description.n_inputs)).astype(description.dtype)
        return [list(row) for row in drawn]
    categories = categories_of(preparation)
    columns: list[list[Any]] = []
    for index in range(len(preparation.columns)):
        if index in categories:
            columns.append([str(rng.choice(categories[index])) for _ in range(n)])
        else:
            columns.append(list(_usual_numbers(preparation, index, rng.normal(size=n))))
    rows = [list(row) for row in zip(*columns, strict=True)]
    # an encoder may refuse a gap, and numbers may be too large for a float
    both = [network_inputs(description, rows), inputs_in_float(description, rows)]
    usable = np.isfinite(np.concatenate(both, axis=1)).all(axis=1).tolist()
    drawn_rows = [row for row, is_usable in zip(rows, usable, strict=True) if is_usable]
    if not drawn_rows:
        raise ValueError(
            "the model's columns must have numbers that a float of C holds, up to 3.4e38; those of fit were "
            "larger"
        )
    return drawn_rows


def network_inputs(description: Description, cells: Cells) -> Array:
    """Return the network's inputs; they are not finite if the model would raise an error."""
    if description.preparation is None:
        return np.array(cells, description.dtype)
    return description.preparation.apply(cells)


def inputs_in_float(description: Description, cells: Cells) -> Array:
    """Return the network's inputs as the C code computes them; they are not finite where it overflows."""
    if description.preparation is None:
        with np.errstate(over="ignore"):
            return np.array(cells, description.dtype).astype(np.float32)
    return description.preparation.apply(cells, np.float32)


def _usual_numbers(preparation: Preparation, column: int, normal: Numbers) -> Numbers:
    """Undo the scaling of a column, or take its keys in turn."""
    for block in preparation.blocks:
        if isinstance(block.source, Lookup):
            if block.source.column == column:
                return np.resize(np.array(block.source.keys, np.float64), len(normal))
        elif column in block.source.indices:
            place = block.source.indices.index(column)
            for operation in reversed(block.operations):
                if isinstance(operation, Arithmetic):
                    normal = _undone(operation.operator, normal, operation.values[place])
            return normal
    return normal


def _undone(operator: str, x: Numbers, value: float) -> Numbers:
    match operator:
        case "Sub":
            return x + value
        case "Add":
            return x - value
        case "Div":
            return x * value
        case _:
            return x / (value or 1.0)


# ---- code --------------------------------------------------------------------------------------------------


def preparation_code(preparation: Preparation) -> PreparationCode:
    """Return the preparation in C."""
    categories = categories_of(preparation)
    columns = columns_of(preparation)
    constants: list[str] = []
    lines: list[str] = []
    n_bytes = start = 0
    for index, block in enumerate(preparation.blocks):
        arrays, statements = _block_code(index, block, columns, categories, start)
        for kind, name, values in arrays:
            constants.append(array(kind, name, values))
            n_bytes += (4 if kind == "float" else 2) * len(values)
        lines.extend(statements)
        start += block.width
    lookups = [block.source for block in preparation.blocks if isinstance(block.source, Lookup)]
    body = "".join(f"    {line}\n" for line in ["int i, row;" if lookups else "int i;", *lines])
    functions = [
        PLACE if any(lookup.is_text for lookup in lookups) else "",
        FIND if any(not lookup.is_text for lookup in lookups) else "",
        f"\nstatic inline void @prepare(const float *columns, float *x)\n{{\n{body}}}\n",
    ]
    return PreparationCode("\n".join(constants), "".join(functions), n_bytes)


Arrays = list[tuple[str, str, Any]]


def _block_code(
    index: int, block: Block, columns: Sequence[int], categories: dict[int, list[str]], start: int
) -> tuple[Arrays, list[str]]:
    width = block.width
    arrays: Arrays = []
    loop = f"for (i = 0; i < {width}; i++)"
    if isinstance(block.source, Columns):
        arrays.append(("uint16_t", f"@column_{index}", [columns.index(one) for one in block.source.indices]))
        lines = [f"{loop} x[{start} + i] = columns[@column_{index}[i]];"]
    else:
        arrays, lines = _lookup_code(index, block.source, columns, categories)
        lines.append(f"{loop} x[{start} + i] = @table_of_{index}[row * {width} + i];")
    for number_, operation in enumerate(block.operations):
        name = f"@operand_{index}_{number_}"
        if isinstance(operation, (Fill, Arithmetic)):
            arrays.append(("float", name, list(operation.values)))
        lines.append(f"{loop} {_operation_code(operation, f'x[{start} + i]', f'{name}[i]')}")
    return arrays, lines


def _lookup_code(
    index: int, lookup: Lookup, columns: Sequence[int], categories: dict[int, list[str]]
) -> tuple[Arrays, list[str]]:
    cell, table = f"columns[{columns.index(lookup.column)}]", f"@table_of_{index}"
    if lookup.is_text:
        known = categories[lookup.column]
        rows_of = dict(zip(map(str, lookup.keys), lookup.table, strict=False))
        rows = [*(rows_of.get(key, lookup.table[-1]) for key in known), lookup.table[-1]]
        return [("float", table, np.concatenate(rows))], [f"row = @place({cell}, {len(known)});"]
    numbers = [key for key in lookup.keys if not np.isnan(key)]
    n = len(numbers)
    if n == 0:  # C has no empty arrays
        return [("float", table, lookup.table.ravel())], [f"row = {cell} == {cell};"]
    lines = [f"row = @find({cell}, @keys_{index}, {n});"]
    if n < len(lookup.keys):  # the row of NaN comes before that of all others
        lines.append(f"if (row == {n} && {cell} == {cell}) row = {n + 1};")
    return [("float", f"@keys_{index}", numbers), ("float", table, lookup.table.ravel())], lines


def _operation_code(operation: Operation, x: str, value: str) -> str:
    match operation:
        case Fill():
            is_missing = (
                f"{x} != {x}" if np.isnan(operation.missing) else f"{x} == {number(operation.missing)}"
            )
            return f"if ({is_missing}) {x} = {value};"
        case Missing():
            return f"{x} = {x} != {x} ? 1.0f : 0.0f;"
        case Clip():
            low, high = number(operation.low), number(operation.high)
            return f"{x} = {x} < {low} ? {low} : {x} > {high} ? {high} : {x};"
        case Arithmetic():
            sign = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}[operation.operator]
            return f"{x} = {x} {sign} {value};"
        case _:
            raise ValueError(f"{type(operation).__name__} has no form in C")
