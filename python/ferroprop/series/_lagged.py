"""Tables of lagged values."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ferroprop.series._lags import both_lags
from ferroprop.series._values import (
    Series,
    checked_series,
    column_names,
    is_one_column,
    is_several,
    of_series,
)


class Lagged(NamedTuple):
    """What `lagged` returns: a row for each step that has all its lagged values.

    Attributes
    ----------
    inputs : ndarray of shape (n_rows, n_columns)
        The lagged values: first those of the outputs, lag by lag, then those of the inputs.
    targets : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        The outputs at the steps themselves.
    steps : ndarray of shape (n_rows,)
        The step of each row: its target is ``y[step]``.
    series : ndarray of shape (n_rows,)
        The number of the series that the row belongs to; 0 if there is one.
    names : list of str
        Of the columns of `inputs`, such as 'y(t-1)'.

    See Also
    --------
    lagged : Makes it.

    Examples
    --------
    >>> import ferroprop as fp
    >>> table = fp.lagged([1.0, 2.0, 4.0, 8.0], lags=2)
    >>> table.targets[table.steps >= 3]
    array([8.])
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]
    steps: NDArray[np.intp]
    series: NDArray[np.intp]
    names: list[str]


def lagged(y: ArrayLike | Any, X: ArrayLike | Any = None, *, lags: Any, input_lags: Any = None) -> Lagged:
    """Return the table in which each row has earlier values of a series as inputs, and its value as target.

    With it any regressor becomes a nonlinear autoregressive model (NAR), and with inputs X a NARX [1]_:
    y(t) = f(y(t-1), ..., y(t-p), x(t-1), ..., x(t-q)). Training on the table is the "series-parallel" form
    [2]_: the earlier outputs are the measured ones. `forecast` then feeds predictions back.

    The first steps of each series, as many as the largest lag of both kinds, have no row, because their
    earlier values are not known; no row reaches from one series into another.

    Parameters
    ----------
    y : array-like of shape (n_steps,) or (n_steps, n_outputs), or list of them
        The outputs, in equal steps of time. Several series are a list, or an array of shape (n_series,
        n_steps, n_outputs).
    X : array-like of shape (n_steps,) or (n_steps, n_inputs), or list of them, default=None
        Exogenous inputs, step by step beside y: ``X[t]`` belongs to the same moment as ``y[t]``.
    lags : int or sequence of int
        Earlier outputs that a row has: n is 1, 2, ..., n steps before; a sequence names them one by one. 0
        or an empty sequence is none.
    input_lags : int or sequence of int, default=None
        Steps of X in a row, as for `lags`; a sequence may have 0, the input of the same step. None is the
        same as `lags`.

    Returns
    -------
    table : Lagged
        A named tuple of ``inputs``, ``targets``, ``steps``, ``series`` and ``names``.

    Raises
    ------
    ValueError
        If a series is not finite, has another length than its inputs, or is not longer than the largest lag;
        if a lag is negative, 0 for outputs, or there twice.
    TypeError
        If lags are not integers.

    See Also
    --------
    forecast : Predictions many steps ahead.

    References
    ----------
    .. [1] I. J. Leontaritis, S. A. Billings, "Input-output parametric models for non-linear systems",
       International Journal of Control 41, 1985.
    .. [2] K. S. Narendra, K. Parthasarathy, "Identification and control of dynamical systems using neural
       networks", IEEE Transactions on Neural Networks 1(1), 1990.

    Examples
    --------
    >>> import ferroprop as fp
    >>> level, flow = [10.0, 11.0, 13.0, 16.0, 20.0], [0.1, 0.2, 0.3, 0.4, 0.5]
    >>> table = fp.lagged(level, flow, lags=2, input_lags=[0, 1])
    >>> table.names
    ['y(t-1)', 'y(t-2)', 'x(t)', 'x(t-1)']
    >>> table.inputs
    array([[11. , 10. ,  0.3,  0.2],
           [13. , 11. ,  0.4,  0.3],
           [16. , 13. ,  0.5,  0.4]])
    >>> table.targets, table.steps
    (array([13., 16., 20.]), array([2, 3, 4]))
    """
    of_outputs, of_inputs = both_lags(lags, input_lags, X is not None)
    outputs = checked_series(y, "y")
    exogenous = beside(outputs, y, X)
    lost = max((*of_outputs, *of_inputs))
    parts = []
    for number, (one, inputs) in enumerate(zip(outputs, exogenous, strict=True)):
        if len(one) <= lost:
            name = of_series("y", number if is_several(y) else None)
            raise ValueError(
                f"{name} must have more steps than the largest lag, {lost}, for a row to be left, "
                f"got {len(one)}."
            )
        parts.append(rows(one, inputs, of_outputs, of_inputs, np.arange(lost, len(one))))
    targets = np.concatenate([one[lost:] for one in outputs])
    lengths = [len(one) - lost for one in outputs]
    names = [_name(column, lag) for lag in of_outputs for column in column_names(y, "y")]
    names += [_name(column, lag) for lag in of_inputs for column in column_names(X, "x")]
    return Lagged(
        inputs=np.concatenate(parts),
        targets=targets[:, 0] if is_one_column(y) else targets,
        steps=np.concatenate([np.arange(lost, lost + length) for length in lengths]),
        series=np.repeat(np.arange(len(lengths)), lengths),
        names=names,
    )


def beside(outputs: list[Series], y: Any, X: Any, *, ahead: int | None = None) -> list[Series]:
    """Return the exogenous inputs of each series; without X they have no columns.

    There must be as many steps as y has; with `ahead`, at least as many and so many more.
    """
    if X is None:
        return [np.empty((len(one), 0), one.dtype) for one in outputs]
    if is_several(X) != is_several(y):
        kinds = ("one series", "several series")
        raise ValueError(f"X must be {kinds[is_several(y)]}, as y is, got {kinds[is_several(X)]}.")
    inputs = checked_series(X, "X")
    if len(inputs) != len(outputs):
        raise ValueError(f"X must have as many series as y, {len(outputs)}, got {len(inputs)}.")
    for number, (one, of_one) in enumerate(zip(outputs, inputs, strict=True)):
        number_or_none = number if is_several(y) else None
        name, steps = of_series("X", number_or_none), f"{len(one)} steps of {of_series('y', number_or_none)}"
        if ahead is None and len(of_one) != len(one):
            raise ValueError(f"{name} must have as many steps as the {steps}, got {len(of_one)}.")
        if ahead is not None and len(of_one) < len(one) + ahead:
            raise ValueError(
                f"{name} must have at least {len(one) + ahead} steps, because the forecast begins after the "
                f"{steps}, got {len(of_one)}."
            )
    return inputs


def rows(
    outputs: Series,
    inputs: Series,
    of_outputs: tuple[int, ...],
    of_inputs: tuple[int, ...],
    steps: NDArray[np.intp],
) -> NDArray[Any]:
    """Return the rows of inputs for these steps of one series."""
    columns = [outputs[steps - lag] for lag in of_outputs] + [inputs[steps - lag] for lag in of_inputs]
    return np.concatenate(columns, axis=1)


def _name(column: str, lag: int) -> str:
    return f"{column}(t-{lag})" if lag else f"{column}(t)"
