"""The one door to tables: data frames of pandas, polars, Arrow and all that narwhals supports, and arrays.

A table becomes a list of `Column`, each of one of three kinds: numbers (float64, NaN is missing), dates
(datetime64[us], NaT is missing) and objects (Python values, of which `Column.categories` makes levels).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse

from ferroprop.estimators._sklearn import check_array, validate_data
from ferroprop.estimators._typing import Array
from ferroprop.tabular._column import Column
from ferroprop.tabular._read_column import column_of_array, column_of_series
from ferroprop.tabular._zones import UNKNOWN


def read_table(
    estimator: Any, X: Any, *, reset: bool, argument: str = "X", zones: Sequence[str | None] = ()
) -> list[Column]:
    """Return the columns of a data frame, an Arrow table or an array.

    Parameters
    ----------
    estimator : estimator
        With `reset` it gets `n_features_in_` and `feature_names_in_`, else `X` is compared with them.
    X : table
        The user's table.
    reset : bool
        Whether this is a fit.
    argument : str
        The name of `X` in messages.
    zones : sequence of str or None
        The time zone of each column in the fit; empty if this is the fit.
    """
    frame = frame_of(X, argument)
    if frame is None:
        array = array_of(X, argument, estimator)
        validate_data(estimator, array, reset=reset, skip_check_array=True)
        zones = zones or [UNKNOWN] * array.shape[1]
        columns = [
            column_of_array(f"x{place}", array[:, place], argument, zone) for place, zone in enumerate(zones)
        ]
    else:
        _check_shape(frame.shape, argument)
        validate_data(estimator, nw.to_native(frame), reset=reset, skip_check_array=True)
        zones = zones or [UNKNOWN] * frame.shape[1]
        columns = [
            column_of_series(frame.get_column(name), argument, zone)
            for name, zone in zip(frame.columns, zones, strict=True)
        ]
    return [replace(column, argument=argument) for column in columns]


def _check_shape(shape: tuple[int, int], argument: str) -> None:
    for size, what in zip(shape, ("sample", "feature"), strict=True):
        if size == 0:  # in scikit-learn's words
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={shape}) while a minimum of 1 is required: {argument} "
                f"has no {'row' if what == 'sample' else 'column'}."
            )


def frame_of(X: Any, argument: str) -> nw.DataFrame[Any] | None:
    """Return a table as a data frame of narwhals, None if it is an array or a sequence."""
    if isinstance(X, (nw.DataFrame, nw.LazyFrame)):
        frame: Any = X
    else:
        try:
            frame = nw.from_native(X, pass_through=True)
        except nw.exceptions.DuplicateError as error:
            raise ValueError(f"{argument} has several columns of the same name. {error}") from None
        if not isinstance(frame, (nw.DataFrame, nw.LazyFrame)):
            if hasattr(X, "__arrow_c_stream__") and not hasattr(X, "__array__"):
                return _from_arrow(X, argument)
            return None
    return frame.collect() if isinstance(frame, nw.LazyFrame) else frame


def _from_arrow(X: Any, argument: str) -> nw.DataFrame[Any]:
    """Convert a table that only supports Arrow's C interface, with whichever library is installed."""
    for backend in ("pyarrow", "polars", "pandas"):
        try:
            return nw.DataFrame.from_arrow(X, backend=backend)
        except ModuleNotFoundError:
            continue
    raise TypeError(
        f"{argument} is an Arrow stream ({type(X).__name__}); reading it needs pyarrow, polars or pandas."
    )


def array_of(X: Any, argument: str, estimator: Any = None) -> Array:
    """Return an array of rows and columns, with None for what is masked."""
    if scipy.sparse.issparse(X):
        raise TypeError(
            f"Sparse data was passed for {argument}, but dense data is required. Use '.toarray()' to convert "
            "it to a dense array."
        )
    _refuse_other_things(X, argument)
    if isinstance(X, (list, tuple)) and np.asarray(X).dtype.kind in "USO":
        X = np.array(X, dtype=object)  # text does not turn the numbers beside it into text
    if np.ma.is_masked(X):
        X = np.where(
            np.ma.getmaskarray(X), np.array(None), np.ma.getdata(X)
        )  # scikit-learn would take what lies under the mask
    array: Array = check_array(
        X, dtype=None, ensure_all_finite=False, estimator=estimator, input_name=argument
    )
    return array


def _refuse_other_things(X: Any, argument: str) -> None:
    """Refuse what has no rows and columns, or has them by name, but is no data frame."""
    if isinstance(X, (list, tuple)):
        if len(X) == 0 or not isinstance(X[0], Mapping):
            return
        found = f"a {type(X).__name__} of {type(X[0]).__name__}"
    elif not hasattr(X, "__array__") and np.asarray(X, dtype=object).ndim == 0:
        found = "None" if X is None else f"a {type(X).__name__}"
    elif getattr(getattr(X, "dtype", None), "names", None):
        found = f"a structured array with the fields {list(X.dtype.names)}"
    else:
        return
    raise TypeError(
        f"{argument} must be a data frame, an Arrow table or an array of rows and columns, got {found}."
    )
