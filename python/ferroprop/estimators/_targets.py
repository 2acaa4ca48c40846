"""Targets in the forms that people have them, converted for scikit-learn's checks and helpers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ferroprop.estimators._sklearn import compute_class_weight
from ferroprop.estimators._typing import Array


def plain(y: Any) -> Any:
    """Return whole numbers and booleans of a nullable type (pandas' Int64, boolean) in NumPy's type.

    NumPy itself converts them to float64 or object, which changes whole numbers above 2**53. Targets with
    missing values stay unchanged; scikit-learn's checks refuse them.
    """
    dtype = getattr(y, "dtype", None)
    if dtype is not None and not isinstance(dtype, np.dtype):
        numpy_dtype = getattr(dtype, "numpy_dtype", None)
        if numpy_dtype is not None and numpy_dtype.kind in "iub" and not y.isna().any():
            return np.asarray(y.to_numpy(dtype=numpy_dtype))
        return y
    if dtype is None and getattr(y, "ndim", 0) == 2 and hasattr(y, "iloc"):
        columns = [plain(y.iloc[:, place]) for place in range(y.shape[1])]
        if columns and all(
            isinstance(column, np.ndarray) and column.dtype.kind in "iub" for column in columns
        ):
            return np.column_stack(columns)
    return y


def labels(y: Any, name: str = "y") -> Any:
    """Return labels in an array of one type, or raise an error that names the labels that prevent it.

    Whole numbers or booleans in an array of dtype object get an array of their own type; members of a StrEnum
    and others of a subclass of str become text. `name` is what messages call them.
    """
    if y is None or hasattr(y, "toarray"):
        return y  # which scikit-learn refuses, or knows
    y = plain(y)
    array = np.asarray(y)
    if array.ndim > 2:
        return y
    if isinstance(y, (list, tuple)):
        array = _unconverted(y, array)
    if array.dtype.kind == "T":
        y = array = array.astype(object)  # scikit-learn knows no text of this type
    if array.dtype.kind == "f":
        _refuse_fractions(array, name)
    return _labels_of_objects(y, array, name) if array.dtype.kind == "O" else y


def _unconverted(listed: Any, array: Array) -> Array:
    """Return the array of a list, of dtype object if NumPy has made other labels of those in the list."""
    if array.dtype.kind == "U":  # text of numbers between texts
        return np.array(listed, dtype=object)
    if array.dtype.kind == "f" and (np.abs(array) >= 2.0**63).any():
        objects = np.array(listed, dtype=object)
        if set(map(_kind, objects.ravel())) == {"whole"}:  # which no type of 64 bits has
            return objects
    return array


def _labels_of_objects(y: Any, array: Array, name: str) -> Any:
    """Return labels that are Python's objects, those of `y`, in an array of one type if they are no text."""
    types = set(map(type, array.ravel()))
    if types <= {str}:
        return y
    kind = _only_kind(array, name)
    if kind == "str" and not types <= {str, np.str_}:
        texts = [str.__str__(label) for label in array.ravel()]
        of_list = isinstance(y, (list, tuple))
        return np.array(texts, dtype=None if of_list else object).reshape(array.shape)
    if kind in ("str", "bytes", None):
        return y
    listed = np.array(array.tolist())
    if listed.dtype.kind == "f" and kind == "whole":
        raise ValueError(
            f"{name} has whole numbers from {min(array.flat)} to {max(array.flat)} as labels, which have no "
            f"common type of 64 bits. Make all labels text, for example: [str(label) for label in {name}]."
        )
    if listed.dtype.kind == "f" and listed.shape == array.shape:
        _refuse_fractions(listed, name)
    if listed.dtype.kind not in "iubf" or listed.shape != array.shape:
        raise ValueError(
            f"{name} must have text, booleans or whole numbers of up to 64 bits as labels, got "
            f"{array.flat[0]!r} in row 0. Make all labels text, for example: "
            f"[str(label) for label in {name}]."
        )
    return listed


def _only_kind(array: Array, name: str) -> str | None:
    """Return the kind that all labels have, None if there are none; raise an error if there are several."""
    kinds: dict[str, tuple[Any, int]] = {}
    for row, label in enumerate(array.ravel()):
        kind = _kind(label)
        if kind == "missing":
            raise ValueError(f"{name} has no label in row {row}, got {label!r}. Leave such rows out.")
        kinds.setdefault(kind, (label, row))
    if len(kinds) > 1:
        (one, first), (other, second) = list(kinds.values())[:2]
        raise ValueError(
            f"{name} must have labels of one kind, got {one!r} in row {first} and {other!r} in row {second}. "
            f"Make all of them text, for example: [str(label) for label in {name}]."
        )
    return next(iter(kinds), None)


def _refuse_fractions(array: Array, name: str) -> None:
    fractions = array[np.isfinite(array) & (array != np.floor(array))]
    if array.ndim == 1 and len(fractions):
        raise ValueError(
            f"Unknown label type: continuous. {name} has fractions, such as {fractions[0]:g}: quantities are "
            "for regressors, and classes are whole numbers or text."
        )


def _kind(label: Any) -> str:
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return "missing"
    if isinstance(label, (bool, np.bool_)):
        return "boolean"
    if isinstance(label, (int, np.integer)):
        return "whole"
    if isinstance(label, (float, np.floating)):
        return "missing" if np.isnan(label) else "fraction"
    if isinstance(label, str):
        return "str"
    return "bytes" if isinstance(label, bytes) else "other"


def refuse_other_than_numbers(y: Any, name: str) -> None:
    """Refuse dates, spans of time and words as quantities; scikit-learn reads text that spells numbers."""
    if hasattr(y, "columns") and hasattr(y, "shape") and len(y.shape) == 2:
        for column in y.columns:
            refuse_other_than_numbers(y[column], f"{name}[{column!r}]")
        return
    array = np.asarray(y) if not hasattr(y, "toarray") else None
    if array is None:
        return
    has_text = array.dtype.kind == "O" and array.size and isinstance(array.flat[0], str)
    if array.dtype.kind == "U" or has_text:
        for row, text in enumerate(array.tolist()):
            try:
                np.asarray(text, np.float64)
            except (TypeError, ValueError):
                raise ValueError(
                    f"{name} must hold numbers, got {text!r} in row {row}: classes are for MLPClassifier."
                ) from None
    is_date = array.dtype.kind in "mM"
    if array.dtype.kind == "O":
        is_date = any(hasattr(one, "isoformat") or hasattr(one, "total_seconds") for one in array.ravel()[:1])
    if is_date:
        unit = f"({name} - {name}.min()) / np.timedelta64(1, 'D')"
        raise ValueError(
            f"{name} must hold numbers, got dates or spans of time (dtype {array.dtype}). Make them numbers "
            f"in a unit of your choice, for example days since the first: {unit}."
        )


def class_weights(
    class_weight: Mapping[Any, float] | str, classes: Array, y: Array, sample_weight: Array | None
) -> Array:
    """Return the weight of each class.

    As in scikit-learn, except that keys are compared with the labels themselves: scikit-learn converts text
    that looks like numbers to numbers.
    """
    if isinstance(class_weight, str):
        balanced: Array = compute_class_weight(
            class_weight, classes=classes, y=y, sample_weight=sample_weight
        )
        return balanced
    named = [label.item() if isinstance(label, np.generic) else label for label in classes]
    unweighted = [label for label in named if label not in class_weight]
    if unweighted and len(named) - len(unweighted) != len(class_weight):
        raise ValueError(
            f"The classes, {unweighted}, are not in class_weight, which has {list(class_weight)}."
        )
    weights = np.array([float(class_weight.get(label, 1.0)) for label in named])
    for label, weight in zip(named, weights.tolist(), strict=True):
        if not 0.0 <= weight < np.inf:
            raise ValueError(f"class_weight must have numbers from 0 on, got {weight} for class {label!r}.")
    if not weights.any():
        raise ValueError("class_weight must have a positive number for one of the classes, got zeros only.")
    return weights
