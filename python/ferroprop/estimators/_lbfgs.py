"""The solver that hands loss and gradient to SciPy's L-BFGS-B."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from ferroprop.estimators._prepared import build_network
from ferroprop.estimators._sklearn import ConvergenceWarning, check_optimize_result
from ferroprop.estimators._typing import Array, Layers

if TYPE_CHECKING:
    from ferroprop.estimators._base import BaseMLP
    from ferroprop.estimators._validation_set import Rows

Vector = NDArray[np.float64]


class _Objective:
    """Loss and gradient as functions of one vector: all weights, then all biases.

    L-BFGS compares losses that differ by little, so it computes in float64 whatever the type of the data.
    """

    def __init__(
        self, estimator: BaseMLP, rows: Rows, coefs: Layers, intercepts: Layers, output: str
    ) -> None:
        self._estimator = estimator
        self._X = rows.X.astype(np.float64, copy=False)
        self._Y = rows.Y.astype(np.float64, copy=False)
        self._sample_weight = rows.sample_weight
        self._shapes = [array.shape for array in (*coefs, *intercepts)]
        self._bounds = np.cumsum([0, *(array.size for array in (*coefs, *intercepts))])
        self._n_layers = len(coefs)
        wide_coefs = [coef.astype(np.float64) for coef in coefs]
        wide_intercepts = [intercept.astype(np.float64) for intercept in intercepts]
        self._network = build_network(wide_coefs, wide_intercepts, estimator.activation, output)
        self._n_threads = estimator._n_threads()
        self.start = self._pack(wide_coefs, wide_intercepts)

    @staticmethod
    def _pack(coefs: Sequence[Array], intercepts: Sequence[Array | None]) -> Vector:
        return np.concatenate([array.ravel() for array in (*coefs, *intercepts) if array is not None])

    def unpack(self, vector: Vector) -> tuple[Layers, Layers]:
        """Return weights and biases, as views of `vector`."""
        arrays = [
            vector[start:end].reshape(shape)
            for (start, end), shape in zip(pairwise(self._bounds), self._shapes, strict=True)
        ]
        return arrays[: self._n_layers], arrays[self._n_layers :]

    def __call__(self, vector: Vector) -> tuple[float, Vector]:
        """Return loss, as the estimator reports it, and gradient at `vector`.

        As in scikit-learn the loss of several outputs is their mean while the gradient is that of their sum.
        """
        coefs, intercepts = self.unpack(vector)
        self._network.set_parameters(coefs, intercepts)
        loss, coef_gradients, intercept_gradients = self._network.loss_and_gradients(
            self._X,
            self._Y,
            loss=self._estimator.loss,
            sample_weight=self._sample_weight,
            alpha=self._estimator.alpha,
            n_threads=self._n_threads,
        )
        outputs = self._estimator._outputs_in_mean(self._Y.shape[1])
        if outputs > 1:
            penalty = 0.5 * self._estimator.alpha * sum(np.vdot(coef, coef) for coef in coefs)
            penalty /= len(self._X) if self._sample_weight is None else self._sample_weight.sum()
            loss = (loss - penalty) / outputs + penalty
        return loss, self._pack(coef_gradients, intercept_gradients)


class _Watch:
    """SciPy's callback: what to do after an iteration, and where the search has got to."""

    def __init__(self, estimator: BaseMLP, start: Vector) -> None:
        self._verbose = bool(estimator.verbose)
        self._max_time = estimator.max_time
        self._began = time.monotonic()
        self.x = start
        self.loss = float("nan")
        self.iterations = 0
        self.out_of_time = False

    def __call__(self, intermediate_result: scipy.optimize.OptimizeResult) -> None:
        self.x = intermediate_result.x.copy()
        self.loss = float(intermediate_result.fun)
        self.iterations += 1
        if self._verbose:
            print(f"Iteration {self.iterations}, loss = {self.loss:.8f}")
        if self._max_time is not None and time.monotonic() - self._began >= self._max_time:
            self.out_of_time = True
            raise StopIteration


def fit_lbfgs(
    estimator: BaseMLP, rows: Rows, coefs: Layers, intercepts: Layers, output: str
) -> dict[str, Any]:
    """Minimise the loss and return the fitted attributes."""
    objective = _Objective(estimator, rows, coefs, intercepts, output)
    watch = _Watch(estimator, objective.start)
    options = {"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol}
    try:
        result = scipy.optimize.minimize(
            objective, objective.start, method="L-BFGS-B", jac=True, callback=watch, options=options
        )
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
        x, loss, n_iter = watch.x, watch.loss, watch.iterations
    else:
        x, loss = result.x, float(result.fun)
        if watch.out_of_time:
            n_iter = result.nit
            warnings.warn(
                f"lbfgs reached the time limit (max_time={estimator.max_time:g} s) after {n_iter} "
                "iteration(s) and the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )
        else:
            n_iter = check_optimize_result("lbfgs", result, estimator.max_iter)
    fitted_coefs, fitted_intercepts = objective.unpack(x)
    return {
        "coefs_": [array.astype(rows.X.dtype, order="C") for array in fitted_coefs],
        "intercepts_": [array.astype(rows.X.dtype) for array in fitted_intercepts],
        "loss_": loss,
        "n_iter_": n_iter,
    }
