"""`TabularEncoder`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from ferroprop.estimators._sklearn import (
    BaseEstimator,
    Interval,
    StrOptions,
    TransformerMixin,
    check_is_fitted,
    with_checked_parameters,
)
from ferroprop.estimators._typing import Array, MatrixLike
from ferroprop.tabular._categories import CategoryColumn, fit_categories
from ferroprop.tabular._column import Column
from ferroprop.tabular._dates import DateColumn, fit_dates
from ferroprop.tabular._drift import ColumnDrift, drift_of
from ferroprop.tabular._kinds import dates_of, kind_of, numbers_of, stray_text, with_truths
from ferroprop.tabular._numbers import NumberColumn, fit_numbers
from ferroprop.tabular._spelt import warn_of_spelt
from ferroprop.tabular._table import read_table
from ferroprop.tabular._weights import read_weights
from ferroprop.tabular._zones import UNKNOWN

NumericEncoding: TypeAlias = Literal[
    "linear",
    "piecewise_linear",
    "fine",
    "periodic",
    "both",
    "values",
    "both+fine",
    "both+values",
    "fine+values",
    "both+fine+values",
]
EncodedColumn: TypeAlias = NumberColumn | CategoryColumn | DateColumn

ENCODINGS: tuple[NumericEncoding, ...] = get_args(NumericEncoding)
_FINE = 4
"""How many times `n_bins` bins 'fine' has."""
MOST_VALUES = 400
"""Columns of whole numbers with more distinct ones than this have no inputs by 'values'."""
_ROWS_AT_A_TIME = 2048


class TabularEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn a table as it comes into inputs of a network.

    It takes a data frame (pandas, polars, or another that narwhals knows), an Arrow table or an array, and
    returns float32 numbers near 0, without missing ones.

    - Numbers are scaled to median 0 and interquartile range 1 [1]_ and then squeezed to ``asinh(x)``, which
      is x near 0 and a logarithm far away, so that neither scale nor outliers matter, and sizes of several
      orders of magnitude stay apart; those far beyond the numbers of ``fit`` are brought back. In addition
      they are encoded piecewise linearly in bins between quantiles, and as cosines of several frequencies
      [2]_, from which a network learns steps and bumps that it hardly learns from the number itself.
    - Categories (text, categorical dtypes, mixed objects) have one input per level; two levels share one
      input of -1 and 1. Levels beyond the `max_levels` most frequent ones, levels in a single row, and levels
      that ``fit`` did not see share one input; if there is no such input, all inputs of the column are 0.
    - Dates are encoded as the time since 1970, a number, and as their place in the year, month, week and day.
      Time spans and times of day are numbers of seconds; booleans are the numbers 0 and 1.
    - A missing number is the median, a missing category has no level; an additional input indicates missing
      values, if ``fit`` saw any in the column.
    - Columns that are constant or empty in ``fit`` have no input.

    Parameters
    ----------
    numeric_encoding : str, default='both'
        The encoding of a number beside its scaled value: 'linear' adds nothing, 'piecewise_linear' bins,
        'fine' four times as many, 'periodic' cosines, 'both' bins and cosines. 'values' adds an input, 0 or
        1, for each value of a column of 3 to 400 different whole numbers; one that is in a single row has
        none. A column has the inputs of several with 'both+fine', 'both+values', 'fine+values' or
        'both+fine+values'.
    n_bins : int, default=8
        Bins of the piecewise linear encoding, fewer where quantiles coincide; 'fine' has four times as many.
    n_frequencies : int, default=8
        Cosines of the periodic encoding.
    frequency_scale : float, default=0.1
        Standard deviation of the normal distribution whose absolute values the frequencies follow, in turns
        per interquartile range.
    categorical_features : 'from_dtype', array-like or None, default='from_dtype'
        Which columns are categories. 'from_dtype' and None mean the columns that hold neither numbers nor
        dates; further ones are given by name, by place, or as one boolean per column.
    max_levels : int, default=200
        The largest number of levels of a column that have an input each.

    Attributes
    ----------
    columns_ : list of NumberColumn, CategoryColumn and DateColumn
        The encoding of each column, in the order of the table: ``name``, ``kind`` ('number', 'category' or
        'date') and the constants.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if they are all strings.

    See Also
    --------
    TabularMLPClassifier : A classifier for tables as they come.
    TabularMLPRegressor : A regressor for tables as they come.

    Notes
    -----
    The encoder keeps quantiles and names of levels, and no other data. The result does not depend
    on the order of the rows, and a row of weight 2 counts as two rows.

    References
    ----------
    .. [1] D. Holzmueller, L. Grinsztajn, I. Steinwart, "Better by default: strong pre-tuned MLPs and boosted
       trees on tabular data", NeurIPS 2024.
    .. [2] Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features in tabular deep
       learning", NeurIPS 2022.

    Examples
    --------
    >>> import pandas as pd
    >>> from ferroprop.tabular import TabularEncoder
    >>> table = pd.DataFrame({"age": [31, 54, None, 18], "city": ["Rome", "Oslo", "Rome", "Oslo"]})
    >>> encoder = TabularEncoder(numeric_encoding="linear").fit(table)
    >>> encoder.get_feature_names_out().tolist()
    ['age', 'age_missing', 'city_Rome']
    >>> encoder.transform(table)
    array([[ 0.        ,  0.        ,  1.        ],
           [ 0.60...,  0.        , -1.        ],
           [ 0.        ,  1.        ,  1.        ],
           [-0.35...,  0.        , -1.        ]], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "numeric_encoding": [StrOptions(set(ENCODINGS))],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "frequency_scale": [Interval(Real, 0, None, closed="neither")],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "max_levels": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        numeric_encoding: NumericEncoding = "both",
        *,
        n_bins: int = 8,
        n_frequencies: int = 8,
        frequency_scale: float = 0.1,
        categorical_features: Literal["from_dtype"] | Sequence[Any] | None = "from_dtype",
        max_levels: int = 200,
    ) -> None:
        self.numeric_encoding = numeric_encoding
        self.n_bins = n_bins
        self.n_frequencies = n_frequencies
        self.frequency_scale = frequency_scale
        self.categorical_features = categorical_features
        self.max_levels = max_levels

    @with_checked_parameters
    def fit(self, X: MatrixLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Learn quantiles, levels, and the columns with missing values.

        Parameters
        ----------
        X : data frame, Arrow table or array-like of shape (n_samples, n_features)
            The table.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. Positive ones below the largest divided by 2**60 count as that.

        Returns
        -------
        self : object
            The fitted encoder.

        Raises
        ------
        ValueError
            If a parameter is out of range, the table has no row or no column, a number is infinite, or no row
            has a positive weight.
        TypeError
            If the table is sparse, or a column has a dtype that tables do not have, or lists and the like in
            its cells.
        """
        columns = read_table(self, X, reset=True)
        weight = read_weights(sample_weight, len(columns[0].values))
        if weight is not None:
            kept = weight > 0
            columns, weight = [column.take(kept) for column in columns], weight[kept]
        return self._fit_columns(columns, weight)

    def _fit_columns(self, columns: list[Column], weight: Array | None, *, tells: bool = True) -> Self:
        """Learn from columns; all weights are positive.

        `tells` says whether to warn of their texts: encodings of the same columns would repeat it.
        """
        is_category = self._categorical(columns)
        self.columns_ = [
            self._fit_column(column, weight, is_category=forced, tells=tells)
            for column, forced in zip(columns, is_category, strict=True)
        ]
        return self

    def _fit_column(
        self, column: Column, weight: Array | None, *, is_category: bool, tells: bool
    ) -> EncodedColumn:
        column = column if is_category else with_truths(column)
        kind = "category" if is_category else kind_of(column)
        if kind == "category":
            codes, levels = column.categories
            if tells and column.values.dtype == object and not (is_category or column.is_categorical):
                warn_of_spelt(column)
            return fit_categories(column.name, codes, levels, weight, max_levels=self.max_levels)
        parts = self.numeric_encoding.split("+")
        is_coarse = "both" in parts or "piecewise_linear" in parts
        n_fine_bins = self.n_bins * _FINE if "fine" in parts else 0
        encoding: dict[str, Any] = {
            "n_bins": self.n_bins if is_coarse else n_fine_bins,
            "n_fine_bins": n_fine_bins if is_coarse else 0,
            "n_frequencies": self.n_frequencies if "both" in parts or "periodic" in parts else 0,
            "frequency_scale": self.frequency_scale,
        }
        if kind == "date":
            return fit_dates(column.name, dates_of(column), weight, zone=column.zone, **encoding)
        stray = stray_text(column)
        if tells and stray:
            text, row = next(iter(stray.items()))
            warnings.warn(
                f"Column {column.name!r} has numbers, and {text!r:.60} in row {row}"
                f"{f' and {len(stray) - 1} other text(s)' if len(stray) > 1 else ''}: taken as numbers, the "
                "text as missing. Name it in categorical_features to have every value as a category.",
                UserWarning,
                stacklevel=2,
            )
        return fit_numbers(
            column.name,
            numbers_of(column, stray),
            weight,
            **encoding,
            n_values=MOST_VALUES if "values" in parts else 0,
            stray=tuple(sorted(stray)),
        )

    def _categorical(self, columns: list[Column]) -> list[bool]:
        """Return which columns are categories by the user's choice."""
        asked = self.categorical_features
        if asked is None or isinstance(asked, str):
            return [False] * len(columns)
        listed = np.asarray(asked, dtype=object)  # names beside places stay what they are
        if listed.ndim != 1:
            raise ValueError(f"categorical_features must have one dimension, got shape {listed.shape}.")
        if len(listed) and all(isinstance(flag, (bool, np.bool_)) for flag in listed):
            if len(listed) != len(columns):
                raise ValueError(
                    f"categorical_features must have one boolean for each of the {len(columns)} columns, got "
                    f"{len(listed)}."
                )
            return [bool(flag) for flag in listed]
        chosen = set()
        names = [column.name for column in columns]
        for one in listed.tolist():
            if isinstance(one, str):
                if one not in names:
                    raise ValueError(
                        f"categorical_features has {one!r}, which is no column of X. X has {names}."
                    )
                chosen.add(names.index(one))
            elif _is_place(one) and -len(columns) <= int(one) < len(columns):
                chosen.add(int(one) % len(columns))
            else:
                raise ValueError(
                    "categorical_features must have names, or places below the number of columns, "
                    f"{len(columns)}, got {one!r}."
                )
        return [place in chosen for place in range(len(columns))]

    def transform(self, X: MatrixLike) -> Array:
        """Return the inputs of a network.

        Parameters
        ----------
        X : data frame, Arrow table or array-like of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.

        Returns
        -------
        inputs : ndarray of float32, shape (n_samples, n_features_out)
            The inputs, in the order of `get_feature_names_out`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the encoder is not fitted.
        ValueError
            If `X` has other columns than the table in ``fit``, infinite numbers, or values that do not fit
            the kind of their column.
        TypeError
            If `X` is sparse, or a column has a dtype that tables do not have.
        """
        check_is_fitted(self)
        return self._transform_columns(read_table(self, X, reset=False, zones=zones_of(self.columns_)))

    def _transform_columns(self, columns: list[Column]) -> Array:
        """Return the inputs for columns."""
        widths = [len(encoded.feature_names()) for encoded in self.columns_]
        out = np.empty((len(columns[0].values), sum(widths)), dtype=np.float32)
        ends = np.cumsum(widths).tolist()
        for column, encoded, width, end in zip(columns, self.columns_, widths, ends, strict=True):
            _encode(column, encoded, out[:, end - width : end])
        return out

    def _places_of(self, encoding: NumericEncoding) -> Array:
        """Return where the inputs of one encoding are among those of several."""
        places: list[int] = []
        start = 0
        for encoded in self.columns_:
            places += [start + place for place in encoded.places_of(encoding)]
            start += len(encoded.feature_names())
        return np.array(places, dtype=np.intp)

    def drift(self, X: MatrixLike) -> list[ColumnDrift]:
        """Compare the columns of another table with those of ``fit``.

        Parameters
        ----------
        X : data frame, Arrow table or array-like of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.

        Returns
        -------
        drift : list of ColumnDrift
            One per column, in the order of the table; ``pandas.DataFrame(encoder.drift(X))`` is a data frame
            of them.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the encoder is not fitted.
        ValueError
            If `X` has other columns than the table in ``fit``, infinite numbers, or values that do not fit
            the kind of their column.
        TypeError
            If `X` is sparse, or a column has a dtype that tables do not have.
        """
        check_is_fitted(self)
        columns = read_table(self, X, reset=False, zones=zones_of(self.columns_))
        return [drift_of(column, encoded) for column, encoded in zip(columns, self.columns_, strict=True)]

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """Return the names of the inputs.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns, if ``fit`` did not see any; otherwise they must equal ``feature_names_in_``.

        Returns
        -------
        names : ndarray of str
            For each input the name of the column, followed by an underscore and the name of the encoding or
            level, except for the scaled number itself. A name that is taken has ``_2``, ``_3`` ... behind it.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the encoder is not fitted.
        ValueError
            If `input_features` has another length than the table in ``fit``, or other names.
        """
        check_is_fitted(self)
        known = getattr(self, "feature_names_in_", None)
        prefixes = [encoded.name for encoded in self.columns_]
        if input_features is not None:
            given = np.asarray(input_features, dtype=object)
            if known is not None and not np.array_equal(given, known):
                raise ValueError("input_features is not equal to feature_names_in_")
            if len(given) != self.n_features_in_:
                raise ValueError(
                    "input_features should have length equal to number of features "
                    f"({self.n_features_in_}), got {len(given)}"
                )
            prefixes = [str(name) for name in given]
        parts = [
            (prefix, name[len(encoded.name) :])
            for encoded, prefix in zip(self.columns_, prefixes, strict=True)
            for name in encoded.feature_names()
        ]
        names = _each_once([prefix + end for prefix, end in parts], [not end for _, end in parts])
        return np.array(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        """Return the tags of a transformer that accepts any table."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _is_place(one: Any) -> bool:
    return isinstance(one, Integral) and not isinstance(one, bool)


def zones_of(columns: list[EncodedColumn]) -> list[str | None]:
    """Return the time zone of each column in the fit."""
    return [column.zone if isinstance(column, DateColumn) else UNKNOWN for column in columns]


def _each_once(names: list[str], are_own: list[bool]) -> list[str]:
    """Return names with a number behind those that are taken; those of columns themselves stay."""
    taken = {name for name, is_own in zip(names, are_own, strict=True) if is_own}
    result = []
    for name, is_own in zip(names, are_own, strict=True):
        free, number = name, 2
        while not is_own and free in taken:
            free, number = f"{name}_{number}", number + 1
        taken.add(free)
        result.append(free)
    return result


def _encode(column: Column, encoded: EncodedColumn, out: Array) -> None:
    if isinstance(encoded, CategoryColumn):
        codes, levels = column.categories
        encoded.encode(codes, levels, out)
        return
    is_number = isinstance(encoded, NumberColumn)
    if isinstance(encoded, NumberColumn):
        values = numbers_of(column, encoded.stray, is_boolean=encoded.is_boolean)
    else:
        values = dates_of(column)
    for start in range(0, len(values), _ROWS_AT_A_TIME):  # what is computed on the way stays in the cache
        rows = slice(start, start + _ROWS_AT_A_TIME)
        encoded.encode(values[rows].copy() if is_number else values[rows], out[rows])
