"""A column as what the encoding takes it for: numbers, categories or dates."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from ferroprop.estimators._typing import Array
from ferroprop.tabular._cells import (
    as_number,
    floats_of,
    group_of,
    is_missing,
    objects_of,
    text_of,
    truth_of,
)
from ferroprop.tabular._column import Column, refuse_infinity

Kind: TypeAlias = Literal["number", "category", "date"]


def kind_of(column: Column) -> Kind:
    """Return the kind of a column: by its dtype, or by its values if its dtype is object.

    Numbers with some text among them, in at most as many rows as numbers, are numbers.
    """
    if column.is_categorical:
        return "category"
    if column.values.dtype != object:
        return "date" if column.values.dtype.kind == "M" else "number"
    present = [value for value in column.values if value is not None]
    counted = sum(group_of(type(value)) == "number" for value in present)
    return "number" if 2 * counted >= len(present) else "category"


def with_truths(column: Column) -> Column:
    """Return a column with booleans for its texts if its other values are booleans and all texts spell some.

    This is for columns that may be numbers; the levels of categories are the texts as they are.
    """
    if column.is_categorical or column.values.dtype != object:
        return column
    kinds = {type(value) for value in column.values if value is not None}
    others = {kind for kind in kinds if not issubclass(kind, str)}
    if not others or others == kinds or not all(issubclass(kind, (bool, np.bool_)) for kind in others):
        return column
    truths = [truth_of(value) if isinstance(value, str) else value for value in column.values]
    if any(truth is None and value is not None for truth, value in zip(truths, column.values, strict=True)):
        return column
    return replace(column, values=floats_of(objects_of(truths)))


def numbers_of(column: Column, stray: Iterable[str] = (), *, is_boolean: bool = False) -> Array:
    """Return a column as float64.

    Parameters
    ----------
    column : Column
        The column.
    stray : iterable of str
        Texts that count as missing; any other text is an error.
    is_boolean : bool
        Whether "true" and "false" are numbers, unless they are stray.
    """
    if column.values.dtype.kind == "M":
        raise ValueError(f"Column {column.name!r} was numbers in fit and is dates now, in {column.argument}.")
    if column.values.dtype != object:
        return column.values
    stray = frozenset(stray)
    numbers_ = np.full(len(column.values), np.nan)
    for row, value in enumerate(column.values):
        if value is None:
            continue
        number = as_number(value)
        if number is None and is_boolean and text_of(value) not in stray:
            number = truth_of(value)
        if number is not None:
            if math.isinf(number):
                refuse_infinity(column.name, value, column.row(row), column.argument)
            numbers_[row] = number
        elif text_of(value) not in stray:
            raise ValueError(
                f"Column {column.name!r} was numbers in fit, got {text_of(value)!r:.60} in row "
                f"{column.row(row)} of {column.argument}. Use None or NaN where a number is not known."
            )
    return numbers_


def stray_text(column: Column) -> dict[str, int]:
    """Return the texts among the numbers of a column, each with its first row, in the order of these rows."""
    found: dict[str, int] = {}
    if column.values.dtype == object:
        for row, value in enumerate(column.values):
            if value is not None and as_number(value) is None:
                text = text_of(value)
                found[text] = min(column.row(row), found.get(text, column.row(row)))
    return dict(sorted(found.items(), key=lambda one: one[1]))


def dates_of(column: Column) -> Array:
    """Return a column as datetime64[us]."""
    if column.values.dtype.kind == "M":
        return column.values
    if column.values.dtype != object and np.isnan(column.values).all():
        return np.full(len(column.values), np.datetime64("NaT", "us"))
    row = next(row for row, value in enumerate(column.values) if not is_missing(value))
    raise ValueError(
        f"Column {column.name!r} was dates in fit, got {text_of(column.values[row])!r:.60} in row "
        f"{column.row(row)} of {column.argument}."
    )
