"""The size of the gradients during a fit."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ferroprop._core import Epoch, Network
from ferroprop.estimators._base import BaseMLP
from ferroprop.estimators._sklearn import ConvergenceWarning, clone
from ferroprop.estimators._typing import MatrixLike, TargetLike


def gradient_flow(
    estimator: BaseMLP, X: MatrixLike, y: TargetLike, sample_weight: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Fit a clone of an estimator and return the size of the gradient in each layer.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        It is not changed.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Training data.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    gradients : ndarray of shape (n_iter + 1, n_layers)
        Mean absolute derivative of the training loss, without the penalty, by the weights of each layer: of
        the initial weights, and after each epoch.

    Raises
    ------
    TypeError
        If it is no estimator of ferroprop.
    ValueError
        If the data are not such as its ``fit`` takes.

    See Also
    --------
    ferroprop.displays.GradientFlowDisplay : Draws them.

    Examples
    --------
    >>> from ferroprop import MLPRegressor
    >>> from ferroprop.estimators import gradient_flow
    >>> mlp = MLPRegressor(hidden_layer_sizes=(4, 4), solver="rprop", max_iter=10, tol=0, random_state=0)
    >>> gradient_flow(mlp, [[0.0], [1.0], [2.0]], [0.0, 1.0, 0.0]).shape
    (11, 3)
    """
    if not isinstance(estimator, BaseMLP):
        raise TypeError(
            f"estimator must be an MLPClassifier or MLPRegressor, got {type(estimator).__name__}."
        )
    mlp = clone(estimator)
    sizes: list[list[float]] = []

    def measure(network: Network) -> None:
        gradients = mlp._weight_gradients(network, X, y, sample_weight)
        sizes.append([float(np.abs(gradient).mean()) for gradient in gradients])

    def follow(epoch: Epoch) -> Any:
        measure(epoch.network)
        return None if estimator.callback is None else estimator.callback(epoch)

    measure(mlp.initialize(X, y)._network())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the copy may end where it likes
        mlp.set_params(callback=follow).fit(X, y, sample_weight)
    return np.asarray(sizes)
