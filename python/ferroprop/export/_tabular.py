"""From a fitted `TabularEncoder` to the operations that formats write, and the ensembles that use one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ferroprop.estimators._typing import Array
from ferroprop.export._description import Dense, Description, Ensemble, Labels, Quantities, layers_of
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
    Numbers,
    Operation,
    Preparation,
)
from ferroprop.export._steps import Table, UnknownStepError, prepared, transform
from ferroprop.tabular import TabularEncoder, TabularMLPClassifier, TabularMLPRegressor
from ferroprop.tabular._categories import CategoryColumn
from ferroprop.tabular._dates import DAYS_IN_A_YEAR, DateColumn
from ferroprop.tabular._numbers import FARTHEST, GOLDEN, NumberColumn

LARGEST_EXPONENT = 1000
"""Two to this power, and its inverse, are float64 numbers."""


@transform.register
def _(step: TabularEncoder, table: Table) -> Table:
    blocks: list[Block] = []
    dates: set[int] = set()
    for index, encoded in enumerate(step.columns_):
        column = table.column_of(index)
        if column is None or any(isinstance(one, Fill) for one in table.only([index]).blocks[0].operations):
            raise UnknownStepError("TabularEncoder of what other steps have changed")
        if isinstance(encoded, CategoryColumn):
            blocks.extend(_categories(column, encoded))
        elif isinstance(encoded, DateColumn):
            dates.add(column)
            blocks.extend(_numbers(column, encoded.seconds))
            blocks.extend(_parts(column, encoded))
        else:
            blocks.extend(_numbers(column, encoded))
    return replace(table, blocks=tuple(blocks), dates=table.dates | dates, is_double=True)


def describe_tabular(model: TabularMLPClassifier | TabularMLPRegressor) -> Description:
    """Return the description of a fitted `TabularMLPClassifier` or `TabularMLPRegressor`."""
    model = model._as_it_is()
    names = getattr(model, "feature_names_in_", None)
    table = Table.of(model.n_features_in_, None if names is None else list(map(str, names)))
    preparation = prepared(model.encoder_, table)
    if not preparation.blocks:
        raise ValueError(
            f"this {type(model).__name__} has no column to predict from, each was the same in every row of "
            "fit: its prediction is a constant"
        )
    preparation, order = merged(preparation)
    networks = [_reordered(layers_of(network), order) for network in model.members_]
    if isinstance(model, TabularMLPClassifier):
        ensemble = Ensemble(tuple(networks[1:]), is_share=True)
        result: Labels | Quantities = Labels(np.asarray(model.classes_), "multiclass", margins=False)
    else:
        least, most = model._limits_
        ensemble = Ensemble(tuple(networks[1:]), (Arithmetic("Max", least), Arithmetic("Min", most)))
        result = Quantities(
            single=model._is_single_,
            operations=[
                Arithmetic("Mul", model._scale_),
                Arithmetic("Add", model._center_),
                *_powers(model._exponent_),
                Arithmetic("Max", model._least_),
                Arithmetic("Min", model._most_),
            ],
        )
    return Description(networks[0], result, preparation, ensemble=ensemble)


# ---- columns -----------------------------------------------------------------------------------------------


def _numbers(column: int, encoded: NumberColumn) -> Iterator[Block]:
    if encoded.scale != 0.0:
        scaled = _scaled(column, encoded)
        yield scaled
        if encoded.n_bins:
            yield _bins(scaled, encoded.edges)
        n_waves = len(encoded.frequencies)
        if n_waves:
            phases = np.arange(n_waves, dtype=np.float64) * GOLDEN % 1.0
            waves = scaled.only([0] * n_waves).then(Arithmetic("Mul", encoded.frequencies))
            yield waves.then(Arithmetic("Add", phases)).then(CosineOfTurns())
        if encoded.fine_edges is not None:
            yield _bins(scaled, encoded.fine_edges)
        if encoded.values is not None:
            yield Block(Columns((column,) * len(encoded.values)), (Equals(encoded.values),))
    if encoded.has_missing:
        yield Block(Columns((column,)), (Missing(),))


def _bins(scaled: Block, edges: Array) -> Block:
    low, width = edges[:-1], np.diff(edges)
    bins = scaled.only([0] * len(low))
    return bins.then(Arithmetic("Sub", low)).then(Arithmetic("Div", width)).then(Clip(0.0, 1.0))


def _scaled(column: int, encoded: NumberColumn) -> Block:
    least, most = encoded.limits()
    operations: tuple[Operation, ...] = (
        *_powers(np.array([-encoded.exponent])),
        Arithmetic("Sub", np.array([encoded.center])),
        Arithmetic("Mul", np.array([encoded.scale])),
        Fill(np.zeros(1), np.nan),
        Clip(-FARTHEST, FARTHEST),
        Asinh(),
        Arithmetic("Max", np.array([least])),
        Arithmetic("Min", np.array([most])),
    )
    return Block(Columns((column,)), operations)


def _powers(exponent: Any) -> list[Arithmetic]:
    """Return the multiplications, exact ones, by two to these powers."""
    first = np.clip(exponent, -LARGEST_EXPONENT, LARGEST_EXPONENT)
    rest = exponent - first
    parts = [first, rest] if rest.any() else [first]
    return [Arithmetic("Mul", np.ldexp(np.ones(len(part)), part)) for part in parts]


def _categories(column: int, encoded: CategoryColumn) -> Iterator[Block]:
    codes = np.arange(-1, len(encoded.levels) + 1)  # missing, the known ones, one that is not
    rows = np.zeros((len(codes), len(encoded.feature_names())))
    if not rows.shape[1]:
        return
    texts = [*encoded.levels, _unlike(encoded.levels)]
    encoded.encode(codes, texts, rows)
    missing, known, unknown = rows[:1], rows[1:-1], rows[-1:]
    keys = encoded.levels
    if "" not in keys:
        keys, known = (*keys, ""), np.concatenate([known, missing])
    elif encoded.has_missing:
        raise ValueError(
            f"column {encoded.name!r} has both an empty text and missing values, which ONNX cannot tell apart"
        )
    yield Block(Lookup(column, keys, np.concatenate([known, unknown])))


def _unlike(levels: Sequence[str]) -> str:
    """Return a text that is none of the levels."""
    return "".join(levels) + "?"


def _parts(column: int, encoded: DateColumn) -> Iterator[Block]:
    for part in encoded.parts:
        operations: list[Operation] = [DatePart(part)]
        width = 2
        match part:
            case "weekday":
                width = 7
                operations.append(Equals(np.arange(7.0)))
            case "day":
                width = 1
                operations += [Arithmetic("Sub", np.array([15.0])), Arithmetic("Div", np.array([15.0]))]
            case _:
                if part == "year":
                    operations.append(Arithmetic("Div", np.full(2, DAYS_IN_A_YEAR)))
                operations += [Arithmetic("Sub", np.array([0.0, 0.25])), CosineOfTurns()]
        operations.append(Fill(np.zeros(width), np.nan))
        yield Block(Columns((column,) * width), tuple(operations))


# ---- few blocks instead of many ----------------------------------------------------------------------------


def merged(preparation: Preparation) -> tuple[Preparation, list[int]]:
    """Return a preparation in which blocks with the same operations are one, and the order of its inputs.

    Parameters
    ----------
    preparation : Preparation
        The preparation, with a block or more for each column.

    Returns
    -------
    preparation : Preparation
        The same inputs in another order.
    order : list of int
        For each of its inputs the place that it had.
    """
    groups: dict[Any, list[Block]] = {}
    places: dict[Any, list[int]] = {}
    start = 0
    for number, block in enumerate(preparation.blocks):
        key = _form(block) if isinstance(block.source, Columns) else number
        groups.setdefault(key, []).append(block)
        places.setdefault(key, []).extend(range(start, start + block.width))
        start += block.width
    blocks = tuple(_side_by_side(group) for group in groups.values())
    return replace(preparation, blocks=blocks), [place for group in places.values() for place in group]


def _form(block: Block) -> tuple[Any, ...]:
    """Return what blocks that can be one have in common."""
    form: list[Any] = []
    for operation in block.operations:
        match operation:
            case Fill():
                form.append(("Fill", str(operation.missing)))
            case Arithmetic():
                form.append(operation.operator)
            case Equals():
                form.append("Equals")
            case _:
                form.append(operation)
    return tuple(form)


def _side_by_side(blocks: Sequence[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    indices: list[int] = []
    for block in blocks:
        assert isinstance(block.source, Columns)
        indices.extend(block.source.indices)
    operations: list[Operation] = []
    for same in zip(*(block.operations for block in blocks), strict=True):
        first = same[0]
        if isinstance(first, (Fill, Arithmetic, Equals)):
            values: Numbers = np.concatenate([one.values for one in same])
            operations.append(replace(first, values=values))
        else:
            operations.append(first)
    return Block(Columns(tuple(indices)), tuple(operations))


def _reordered(layers: tuple[Dense, ...], order: list[int]) -> tuple[Dense, ...]:
    return (replace(layers[0], weights=layers[0].weights[order]), *layers[1:])
