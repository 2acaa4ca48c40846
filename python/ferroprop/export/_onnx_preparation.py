"""The preparation of a table's columns in ONNX."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ferroprop.export._dates import date_part
from ferroprop.export._functions import SINE
from ferroprop.export._onnx_graph import Graph
from ferroprop.export._preparation import (
    Arithmetic,
    Asinh,
    Block,
    Clip,
    Columns,
    CosineOfTurns,
    DatePart,
    Equals,
    Fill,
    Lookup,
    Missing,
    Operation,
    Preparation,
    check_distinct,
)


def add_preparation(graph: Graph, inputs: Sequence[str], preparation: Preparation) -> str:
    """Add the preparation of the columns, and return the name of the network's inputs.

    Parameters
    ----------
    graph : Graph
        The graph.
    inputs : sequence of str
        One name for each column that is used, of shape (rows, 1), or one name for a matrix of all.
    preparation : Preparation
        The preparation to add.
    """
    dtype = graph.dtype
    if preparation.is_double:
        graph.dtype = np.dtype(np.float64)
    check_distinct(preparation, graph.dtype)
    parts = [_add_block(graph, inputs, preparation, block) for block in preparation.blocks]
    x = parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=1)
    if graph.dtype != dtype:
        graph.dtype = dtype
        x = graph.node("Cast", x, type=dtype.name)
    return x


def _add_block(graph: Graph, inputs: Sequence[str], preparation: Preparation, block: Block) -> str:
    match block.source:
        case Columns(indices):
            x = _gather(graph, inputs, preparation, indices)
        case Lookup():
            x = _look_up(graph, _gather(graph, inputs, preparation, [block.source.column]), block.source)
    for operation in block.operations:
        x = add_operation(graph, x, operation)
    return x


def _gather(graph: Graph, inputs: Sequence[str], preparation: Preparation, indices: Sequence[int]) -> str:
    if not preparation.is_by_column:
        if list(indices) == list(range(len(preparation.columns))):
            return inputs[0]
        return graph.node("Gather", inputs[0], graph.constant(indices, np.int64), axis=1)
    distinct = list(dict.fromkeys(indices))
    names = [inputs[preparation.used.index(index)] for index in distinct]
    x = names[0] if len(names) == 1 else graph.node("Concat", *names, axis=1)
    if len(distinct) == len(indices):
        return x
    places = [distinct.index(index) for index in indices]
    return graph.node("Gather", x, graph.constant(places, np.int64), axis=1)


def _look_up(graph: Graph, x: str, lookup: Lookup) -> str:
    """Find the row of the table that belongs to each cell."""
    n_keys = len(lookup.keys)
    if lookup.is_text:
        row = graph.node(
            "LabelEncoder",
            x,
            domain="ai.onnx.ml",
            keys_strings=list(lookup.keys),
            values_int64s=list(range(n_keys)),
            default_int64=n_keys,
        )
        row = graph.flat(row)
    else:
        numbers = [key for key in lookup.keys if not np.isnan(key)]
        equal = [graph.node("Cast", graph.node("Equal", x, graph.constant([numbers])), type=graph.dtype.name)]
        if len(numbers) < n_keys:  # NaN is the last of the keys, and equal to nothing
            equal.append(graph.node("Cast", graph.node("IsNaN", x), type=graph.dtype.name))
        # The first of the largest is the key, or, where none is equal, the half behind them all.
        half = graph.with_number("Add", graph.with_number("Mul", equal[-1], 0.0), 0.5)
        row = graph.node("ArgMax", graph.node("Concat", *equal, half, axis=1), axis=1, keepdims=0)
    return graph.node("Gather", graph.constant(lookup.table), row, axis=0)


def add_operation(graph: Graph, x: str, operation: Operation) -> str:
    """Add an operation, and return the name of its result."""
    match operation:
        case Arithmetic():
            return graph.node(operation.operator, x, graph.constant([operation.values]))
        case Clip():
            return graph.node("Clip", x, graph.constant(operation.low), graph.constant(operation.high))
        case Missing():
            return graph.node("Cast", graph.node("IsNaN", x), type=graph.dtype.name)
        case Fill():
            values = graph.constant([operation.values])
            if np.isnan(operation.missing):
                is_missing = graph.node("IsNaN", x)
            else:
                is_missing = graph.with_number("Equal", x, operation.missing)
            return graph.node("Where", is_missing, values, x)
        case Asinh():  # ONNX Runtime has no Asinh of double precision
            root = graph.node("Sqrt", graph.with_number("Add", graph.node("Mul", x, x), 1.0))
            size = graph.node("Log", graph.node("Add", graph.node("Abs", x), root))
            return graph.node("Mul", graph.node("Sign", x), size)
        case Equals():
            equal = graph.node("Equal", x, graph.constant([operation.values]))
            return graph.node("Cast", equal, type=graph.dtype.name)
        case CosineOfTurns():  # cos(2 x) = 1 - 2 sin(x)^2
            half = graph.with_number("Mul", graph.node("Sub", x, graph.node("Round", x)), np.pi)
            series = graph.polynomial(graph.node("Mul", half, half), SINE)
            sine = graph.node("Mul", series, half)
            return graph.with_number(
                "Add", graph.with_number("Mul", graph.node("Mul", sine, sine), -2.0), 1.0
            )
        case DatePart():
            return date_part(_Values(graph), x, operation.part)


class _Values:
    """The arithmetic of `date_part` in a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def plus(self, x: str, y: str | float) -> str:
        """Return x + y."""
        return self._with("Add", x, y)

    def times(self, x: str, y: str | float) -> str:
        """Return x y."""
        return self._with("Mul", x, y)

    def over(self, x: str, y: float) -> str:
        """Return x / y."""
        return self._with("Div", x, y)

    def floor(self, x: str) -> str:
        """Return the largest whole number that is at most x."""
        return self._graph.node("Floor", x)

    def _with(self, operator: str, x: str, y: str | float) -> str:
        y = y if isinstance(y, str) else self._graph.constant(y)
        return self._graph.node(operator, x, y)
