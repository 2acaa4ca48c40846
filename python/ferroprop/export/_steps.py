"""From fitted transformers of scikit-learn to the few operations that every format writes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial, singledispatch
from itertools import groupby
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from ferroprop.export._preparation import (
    Arithmetic,
    Block,
    Clip,
    Column,
    Columns,
    Fill,
    Lookup,
    Missing,
    Numbers,
    Operation,
    Preparation,
)


class UnknownStepError(ValueError):
    """A step of a pipeline that the formats cannot express."""


@dataclass(frozen=True)
class Table:
    """The columns during their preparation for the network.

    Parameters
    ----------
    blocks : tuple of Block
        The inputs that the steps so far have made of the columns.
    names : tuple of str
        The names of the columns.
    is_named : bool
        Whether the names are the user's.
    texts : dict
        The text that replaces a missing one, by the number of the column.
    dates : frozenset of int
        The columns of dates.
    is_double : bool
        Whether the numbers are float64, whatever the dtype of the network.
    """

    blocks: tuple[Block, ...]
    names: tuple[str, ...]
    is_named: bool
    texts: dict[int, str]
    dates: frozenset[int] = frozenset()
    is_double: bool = False

    @classmethod
    def of(cls, n_columns: int, names: Sequence[str] | None) -> Table:
        """Return the original table."""
        given = tuple(names) if names is not None else tuple(f"x{index}" for index in range(n_columns))
        return cls((Block(Columns(tuple(range(n_columns)))),), given, names is not None, {})

    @property
    def width(self) -> int:
        """The number of inputs."""
        return sum(block.width for block in self.blocks)

    def only(self, chosen: Sequence[int]) -> Table:
        """Return the table with only these inputs, in this order."""
        places = [(block, place) for block, one in enumerate(self.blocks) for place in range(one.width)]
        parts = groupby((places[index] for index in chosen), key=lambda place: place[0])
        blocks = [self.blocks[block].only([place for _, place in group]) for block, group in parts]
        return replace(self, blocks=tuple(blocks))

    def beside(self, others: Sequence[Table]) -> Table:
        """Return the inputs of these tables, side by side."""
        blocks = [block for other in others for block in other.blocks]
        texts = {column: text for other in others for column, text in other.texts.items()}
        return replace(
            self,
            blocks=tuple(blocks),
            texts=texts,
            dates=self.dates.union(*(other.dates for other in others)),
            is_double=self.is_double or any(other.is_double for other in others),
        )

    def then(self, operation: Callable[[Numbers], Operation], values: Any) -> Table:
        """Return the table after an operation with a number per input."""
        blocks, start = [], 0
        for block in self.blocks:
            own = np.asarray(values, np.float64)[start : start + block.width]
            blocks.append(block.then(operation(own)))
            start += block.width
        return replace(self, blocks=tuple(blocks))

    def with_each(self, operation: Operation) -> Table:
        """Return the table after an operation that is the same for each input."""
        return replace(self, blocks=tuple(block.then(operation) for block in self.blocks))

    def column_of(self, index: int) -> int | None:
        """Return the number of the column that an input equals, apart from filled gaps."""
        (block,) = self.only([index]).blocks
        if isinstance(block.source, Columns) and all(isinstance(one, Fill) for one in block.operations):
            return block.source.indices[0]
        return None


def prepared(steps: Any, table: Table) -> Preparation:
    """Return what the fitted steps make of the columns.

    Raises
    ------
    UnknownStepError
        If a step has no form in these operations; the message names the step.
    """
    after = transform(steps, table)
    texts: set[int] = set()
    numbers: set[int] = set()
    for block in after.blocks:
        if isinstance(block.source, Columns):
            numbers.update(block.source.indices)
        else:
            (texts if block.source.is_text else numbers).add(block.source.column)
    for column in sorted((texts & numbers) | (set(after.texts) - texts)):
        raise UnknownStepError(
            f"column {table.names[column]!r} has text that reaches the network without an encoder"
        )
    blocks = tuple(block for block in after.blocks if block.width)  # a dropped category can be the only one
    columns = tuple(
        Column(name, index in texts, index in after.dates) for index, name in enumerate(table.names)
    )
    return Preparation(columns, blocks, table.is_named, after.is_double)


@singledispatch
def transform(step: Any, table: Table) -> Table:
    """Return the table after a fitted step."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return table
    if isinstance(step, SelectorMixin):
        return table.only(np.flatnonzero(step.get_support()).tolist())
    operations = scaling(step)
    if operations is None:
        raise UnknownStepError(
            f"{type(step).__name__} cannot be exported; known are SimpleImputer, OneHotEncoder, "
            "OrdinalEncoder, TargetEncoder, StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, "
            "TabularEncoder, selectors of features and what puts them together; for others see "
            "register_skl2onnx"
        )
    for operation in operations:
        if isinstance(operation, Arithmetic):
            table = table.then(partial(Arithmetic, operation.operator), operation.values)
        else:
            table = table.with_each(operation)
    return table


@transform.register
def _(step: Pipeline, table: Table) -> Table:
    for name, one in step.steps:
        table = _named(name, one, table)
    return table


@transform.register
def _(step: ColumnTransformer, table: Table) -> Table:
    weights = step.transformer_weights or {}
    parts = []
    for name, one, _columns in step.transformers_:
        chosen = step._transformer_to_input_indices[name]
        if (isinstance(one, str) and one == "drop") or len(chosen) == 0:
            continue
        part = _named(name, one, table.only(chosen))
        parts.append(_weighted(part, weights.get(name)))
    return table.beside(parts)


@transform.register
def _(step: FeatureUnion, table: Table) -> Table:
    weights = step.transformer_weights or {}
    used = [
        (name, one) for name, one in step.transformer_list if not (isinstance(one, str) and one == "drop")
    ]
    return table.beside([_weighted(_named(name, one, table), weights.get(name)) for name, one in used])


@transform.register
def _(step: FunctionTransformer, table: Table) -> Table:
    if step.func is not None:
        name = getattr(step.func, "__name__", repr(step.func))
        raise UnknownStepError(f"FunctionTransformer: the function {name!r} cannot be exported")
    return table


@transform.register
def _(step: SimpleImputer, table: Table) -> Table:
    statistics = step.statistics_
    if step.missing_values is None or any(isinstance(value, str) for value in statistics):
        return _filled_texts(step, table)
    statistics = np.asarray(statistics, np.float64)
    kept = np.flatnonzero(~np.isnan(statistics))
    missing = float(step.missing_values)
    filled = table.only(kept.tolist()).then(lambda own: Fill(own, missing), statistics[kept])
    if step.indicator_ is None:
        return filled
    if not np.isnan(missing):
        raise UnknownStepError(f"SimpleImputer(add_indicator=True, missing_values={step.missing_values!r})")
    told = table.only(step.indicator_.features_.tolist()).with_each(Missing())
    return table.beside([filled, told])


def _filled_texts(step: SimpleImputer, table: Table) -> Table:
    if step.indicator_ is not None:
        raise UnknownStepError("SimpleImputer(add_indicator=True) of text")
    texts = dict(table.texts)
    for index, text in enumerate(step.statistics_):
        column = table.column_of(index)
        if column is None or not isinstance(text, str):
            raise UnknownStepError(f"SimpleImputer: {text!r} for missing text")
        texts.setdefault(column, text)
    return replace(table, texts=texts)


@transform.register(OneHotEncoder)
@transform.register(OrdinalEncoder)
@transform.register(TargetEncoder)
def _(step: Any, table: Table) -> Table:
    blocks, columns = [], set()
    for index in range(table.width):
        column = table.column_of(index)
        if column is None:
            raise UnknownStepError(f"{type(step).__name__} of numbers that were computed before")
        columns.add(column)
        blocks.append(Block(_lookup(step, table, index, column)))
    texts = {column: text for column, text in table.texts.items() if column not in columns}
    return replace(table, blocks=tuple(blocks), texts=texts)


def _lookup(step: Any, table: Table, index: int, column: int) -> Lookup:
    """Return the encoder's result for each category of an input, and for a category that it does not know."""
    categories = list(step.categories_[index])
    is_text = any(isinstance(category, str) for category in categories)
    known = [category for category in categories if not _is_missing(category)]
    if is_text and not all(isinstance(category, str) for category in known):
        raise UnknownStepError(f"{type(step).__name__}: column {table.names[column]!r} has text and numbers")
    rows = dict(zip(known, _encoded(step, index, known), strict=True))
    unknown = _encoded_unknown(step, index, is_text, known)
    missing = unknown
    if len(known) < len(categories):
        missing = _encoded(step, index, [one for one in categories if _is_missing(one)])[0]
    filled_with = table.texts.get(column)
    if filled_with is not None:
        missing = rows.get(filled_with, unknown)
    for operation in table.only([index]).blocks[0].operations:
        if isinstance(operation, Fill):
            if not np.isnan(operation.missing):
                raise UnknownStepError(
                    f"{type(step).__name__} after SimpleImputer(missing_values={operation.missing:g})"
                )
            missing = rows.get(float(operation.values[0]), unknown)
    if is_text:
        rows.setdefault("", missing)
        keys: Any = tuple(map(str, rows))
    else:
        keys = (*map(float, rows), float("nan"))
        rows[np.nan] = missing
    return Lookup(column, keys, np.array([*rows.values(), unknown], np.float64))


def _encoded(step: Any, index: int, cells: Sequence[Any]) -> Numbers:
    """Return the encoder's result for these cells of an input; cells of other inputs are known categories."""
    if not cells:
        return np.empty((0, 0))
    table = np.empty((len(cells), len(step.categories_)), dtype=object)
    for other, categories in enumerate(step.categories_):
        table[:, other] = categories[0]
    table[:, index] = cells
    if not any(categories.dtype == object for categories in step.categories_):
        table = table.astype(np.float64)
    with warnings.catch_warnings():  # that the columns have no names here, that a category is unknown
        warnings.simplefilter("ignore")
        encoded = step.transform(table)
    widths = _widths(step)
    start = sum(widths[:index])
    dense = encoded.toarray() if hasattr(encoded, "toarray") else np.asarray(encoded)
    return np.asarray(dense[:, start : start + widths[index]], np.float64)


def _encoded_unknown(step: Any, index: int, is_text: bool, known: Sequence[Any]) -> Numbers:
    """Return the encoder's result for a cell that is no category; NaN if the encoder would raise."""
    if getattr(step, "handle_unknown", None) == "error":
        return np.full(_widths(step)[index], np.nan)
    unknown: Any = "".join(map(str, known)) + "?" if is_text else max(map(float, known), default=0.0) + 1.0
    row: Numbers = _encoded(step, index, [unknown])[0]
    return row


def _widths(step: Any) -> list[int]:
    n_features = len(step.categories_)
    if isinstance(step, OneHotEncoder):
        return [int(width) for width in step._n_features_outs]
    several = isinstance(step, TargetEncoder) and step.target_type_ == "multiclass"
    return [len(step.classes_) if several else 1] * n_features


def scaling(step: Any) -> list[Operation] | None:
    """Return the operations of a scaler, None for what is no scaler."""
    match step:
        case StandardScaler():
            shift = [Arithmetic("Sub", step.mean_)] if step.with_mean else []
            return [*shift, *([Arithmetic("Div", step.scale_)] if step.with_std else [])]
        case RobustScaler():
            shift = [Arithmetic("Sub", step.center_)] if step.with_centering else []
            return [*shift, *([Arithmetic("Div", step.scale_)] if step.with_scaling else [])]
        case MinMaxScaler():
            linear = [Arithmetic("Mul", step.scale_), Arithmetic("Add", step.min_)]
            return [*linear, Clip(*map(float, step.feature_range))] if step.clip else [*linear]
        case MaxAbsScaler():
            clip = [Clip(-1.0, 1.0)] if getattr(step, "clip", False) else []
            return [Arithmetic("Div", step.scale_), *clip]
        case FunctionTransformer(func=None, inverse_func=None):
            return []
    return None


def _named(name: str, step: Any, table: Table) -> Table:
    """Transform, and name the step where that fails."""
    try:
        return transform(step, table)
    except UnknownStepError as error:
        raise UnknownStepError(f"step {name!r}: {error}") from None


def _weighted(table: Table, weight: float | None) -> Table:
    if weight is None:
        return table
    return table.then(partial(Arithmetic, "Mul"), np.full(table.width, float(weight)))


def _is_missing(category: Any) -> bool:
    return category is None or (isinstance(category, (float, np.floating)) and bool(np.isnan(category)))
