"""Labels as columns of indicators and back: the results of scikit-learn's `LabelBinarizer`, sooner.

A `LabelBinarizer` finds out four times what kind of targets it has, which takes longer than the training of a
small network. Here labels in a plain array are looked at once; all others go to scikit-learn's own methods.
The fitted object is scikit-learn's, with the attributes that its own ``fit`` would have set.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ferroprop.estimators._sklearn import LabelBinarizer, unique_labels
from ferroprop.estimators._typing import Array


def fitted(y: Any) -> LabelBinarizer:
    """Return a binarizer of the labels that there are.

    Raises
    ------
    ValueError
        If the targets are no labels, in scikit-learn's words.
    """
    if not are_plain_labels(y):
        return LabelBinarizer().fit(y)
    binarizer = LabelBinarizer()
    binarizer.y_type_ = "binary" if len(classes := distinct(y)) <= 2 else "multiclass"
    binarizer.sparse_input_ = False
    binarizer.classes_ = classes
    return binarizer


def copied(binarizer: LabelBinarizer) -> LabelBinarizer:
    """Return a copy, with an array of classes of its own."""
    other = LabelBinarizer.__new__(LabelBinarizer)  # what copy does takes longer than all else that is copied
    other.__dict__.update(binarizer.__dict__, classes_=binarizer.classes_.copy())
    return other


def distinct(y: Any) -> Array:
    """Return the labels that there are, in order."""
    labels: Array
    if not are_plain_labels(y):
        labels = unique_labels(y)
        return labels
    labels = np.unique(y)
    # by way of a list texts get the dtype of the longest that there is, numbers the machine's order of bytes
    has_own = labels.dtype.kind == "U" or not labels.dtype.isnative
    return np.asarray(list(labels)) if has_own else labels


def indicators(binarizer: LabelBinarizer, y: Any) -> Array:
    """Return which classes the rows are of, as booleans: a column for each class, one column for two or one.

    A row whose label is not among the classes has False in all columns.
    """
    classes: Array = binarizer.classes_
    Y: Array
    if (
        not are_plain_labels(y)
        or binarizer.y_type_ == "multilabel-indicator"
        or y.dtype.kind != classes.dtype.kind
    ):
        Y = binarizer.transform(y).astype(bool)
        return Y
    if len(classes) == 1:
        return np.zeros((len(y), 1), bool)
    Y = y[:, np.newaxis] == (classes if len(classes) > 2 else classes[1:])
    return Y


def decoded(binarizer: LabelBinarizer, outputs: Array) -> Array:
    """Return the labels of indicators or outputs: of several classes the largest, else those above 1/2."""
    classes: Array = binarizer.classes_
    labels: Array
    if binarizer.sparse_input_ or outputs.dtype.kind not in "bf":
        labels = binarizer.inverse_transform(outputs)
        return labels
    if binarizer.y_type_ == "multiclass":
        labels = classes[outputs.argmax(axis=1)]
        return labels
    above = (outputs if outputs.dtype.kind == "b" else outputs > 0.5).astype(np.intp)
    if binarizer.y_type_ == "multilabel-indicator":
        return above
    labels = classes[np.zeros(len(above), np.intp) if len(classes) == 1 else above.ravel()]
    return labels


def of_both_classes(outputs: Array) -> Array:
    """Return the probabilities of two classes, of which the only output is that of the second."""
    both = np.empty((*outputs.shape[:-1], 2), dtype=outputs.dtype)
    np.subtract(1, outputs[..., 0], out=both[..., 0])
    both[..., 1] = outputs[..., 0]
    return both


def are_plain_labels(y: Any) -> bool:
    """Tell whether these are labels of a type that scikit-learn takes, in one dimension."""
    return (
        type(y) is np.ndarray
        and y.ndim == 1
        and len(y) > 0
        and (
            y.dtype.kind in "biuU"
            or (y.dtype.kind == "f" and bool(((np.floor(y) == y) & (np.abs(y) < 2.0**63)).all()))
        )
    )
