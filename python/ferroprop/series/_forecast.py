"""Forecasts that feed themselves."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ferroprop.series._lagged import beside, rows
from ferroprop.series._lags import both_lags
from ferroprop.series._values import checked_series, is_one_column, is_several, of_series


def forecast(
    model: Any,
    y: ArrayLike | Any,
    n_steps: int,
    *,
    X: ArrayLike | Any = None,
    lags: Any,
    input_lags: Any = None,
) -> NDArray[Any]:
    """Predict the steps that follow a series, one after the other, each prediction an input of the next.

    This is a network in "closed loop", the "parallel" form of [1]_. Errors feed back as well: a model that is
    good one step ahead need not be good, or even stable, in the loop.

    Parameters
    ----------
    model : object
        A regressor with `predict`, fitted to a table of `lagged` with the same `lags` and `input_lags`: one
        of ferroprop's or scikit-learn's, or a pipeline that ends with one.
    y : array-like of shape (n_known,) or (n_known, n_outputs), or list of them
        The series up to now, at least as many steps as the largest lag. Of a list of series each is
        forecast; they may differ in length.
    n_steps : int
        Number of steps to predict.
    X : array-like of shape (n, n_inputs), or list of them, default=None
        Exogenous inputs from the first step of y on, to the last one that a prediction asks for: n is at
        least ``len(y) + n_steps`` less the smallest input lag. Later ones have no use.
    lags : int or sequence of int
        Earlier outputs that the model sees, as for `lagged`.
    input_lags : int or sequence of int, default=None
        Steps of X that it sees, as for `lagged`.

    Returns
    -------
    predictions : ndarray of shape (n_steps,) or (n_steps, n_outputs)
        For the steps ``len(y)``, ``len(y) + 1``, ... With several series there is an axis for them before
        these.

    Raises
    ------
    ValueError
        If series and inputs are too short or not finite, the model was fitted to another number of columns,
        or a prediction is not finite.
    TypeError
        If the model has no `predict`, or a number is no integer.

    See Also
    --------
    lagged : Makes the table to fit the model to.

    References
    ----------
    .. [1] K. S. Narendra, K. Parthasarathy, "Identification and control of dynamical systems using neural
       networks", IEEE Transactions on Neural Networks 1(1), 1990.

    Examples
    --------
    >>> import ferroprop as fp
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> wave = np.sin(0.5 * np.arange(50))  # which two steps before it determine
    >>> table = fp.lagged(wave, lags=2)
    >>> model = LinearRegression().fit(table.inputs, table.targets)
    >>> ahead = fp.forecast(model, wave, 100, lags=2)
    >>> bool(np.allclose(ahead, np.sin(0.5 * np.arange(50, 150))))
    True
    """
    if not callable(getattr(model, "predict", None)):
        raise TypeError(f"model must have a method predict, got {type(model).__name__}.")
    if not isinstance(n_steps, Integral) or isinstance(n_steps, bool):
        raise TypeError(f"n_steps must be an int, got {n_steps!r}.")
    if n_steps < 1:
        raise ValueError(f"n_steps must be at least 1, got {n_steps}.")
    of_outputs, of_inputs = both_lags(lags, input_lags, X is not None)
    known = checked_series(y, "y")
    inputs = beside(known, y, X, ahead=int(n_steps) - min(of_inputs, default=0))
    depth = max((*of_outputs, *of_inputs))
    for number, one in enumerate(known):
        if len(one) < depth:
            name = of_series("y", number if is_several(y) else None)
            raise ValueError(
                f"{name} must have at least as many steps as the largest lag, {depth}, got {len(one)}."
            )
    width = len(of_outputs) * known[0].shape[1] + len(of_inputs) * inputs[0].shape[1]
    expected = getattr(model, "n_features_in_", width)
    if expected != width:
        raise ValueError(
            f"lags and input_lags must be those of the table that the model was fitted to: it has {expected} "
            f"column(s), these make {width}."
        )

    n_outputs = known[0].shape[1]
    series = [np.concatenate([one, np.zeros((n_steps, n_outputs), one.dtype)]) for one in known]
    for step in range(n_steps):
        table = np.concatenate(
            [
                rows(one, of_one, of_outputs, of_inputs, np.array([len(before) + step]))
                for before, one, of_one in zip(known, series, inputs, strict=True)
            ]
        )
        predicted = np.asarray(model.predict(table))
        if predicted.size != len(series) * n_outputs:
            raise ValueError(
                f"model must predict {n_outputs} output(s) a row, as y has, got shape {predicted.shape} for "
                f"{len(series)} row(s)."
            )
        predicted = predicted.reshape(len(series), n_outputs)
        if not np.isfinite(predicted).all():
            raise ValueError(
                f"the prediction {step + 1} step(s) ahead is not finite: fed back, the model's outputs grow "
                "without bound."
            )
        for before, one, of_one in zip(known, series, predicted, strict=True):
            one[len(before) + step] = of_one
    ahead = np.stack([one[len(before) :] for before, one in zip(known, series, strict=True)])
    if is_one_column(y):
        ahead = ahead[..., 0]
    return ahead if is_several(y) else ahead[0]
