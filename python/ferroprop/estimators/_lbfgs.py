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

from ferroprop._core import Network
from ferroprop.estimators._prepared import build_network
from ferroprop.estimators._sklearn import ConvergenceWarning, check_optimize_result
from ferroprop.estimators._start import Audience, Start, audience, hint_about_scale
from ferroprop.estimators._typing import Array, Layers
from ferroprop.estimators._validation_set import Rows, ValidationSet

if TYPE_CHECKING:
    from ferroprop.estimators._base import BaseMLP

Vector = NDArray[np.float64]


class _Objective:
    """Loss and gradient as functions of one vector: all weights, then all biases.

    L-BFGS compares losses that differ by little, so it computes in float64 whatever the type of the data.
    """

    def __init__(self, estimator: BaseMLP, start: Start) -> None:
        rows, coefs, intercepts = start.rows, start.coefs, start.intercepts
        self._estimator = estimator
        self._X = rows.X.astype(np.float64, copy=False)
        self._Y = estimator._core_targets(rows.Y, np.dtype(np.float64))
        self._sample_weight = rows.sample_weight
        self._shapes = [array.shape for array in (*coefs, *intercepts)]
        self._bounds = np.cumsum([0, *(array.size for array in (*coefs, *intercepts))])
        self._n_layers = len(coefs)
        wide_coefs = [coef.astype(np.float64) for coef in coefs]
        wide_intercepts = [intercept.astype(np.float64) for intercept in intercepts]
        self.network = build_network(
            wide_coefs, wide_intercepts, estimator._hidden_activation(), start.output
        )
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

    def network_at(self, vector: Vector) -> Network:
        """Return the network with these parameters; it is the same object every time."""
        self.network.set_parameters(*self.unpack(vector))
        return self.network

    def __call__(self, vector: Vector) -> tuple[float, Vector]:
        """Return loss, as the estimator reports it, and gradient at `vector`.

        As in scikit-learn the loss of several outputs is their mean while the gradient is that of their sum.
        """
        if not np.isfinite(vector).all():  # SciPy's line search has no way back then, and ends
            return np.nan, np.full_like(vector, np.nan)
        coefs, intercepts = self.unpack(vector)
        self.network.set_parameters(coefs, intercepts)
        loss, coef_gradients, intercept_gradients = self.network.loss_and_gradients(
            self._X,
            self._Y,
            loss=self._estimator._core_loss(),
            sample_weight=self._sample_weight,
            alpha=self._estimator._penalty(),
            n_threads=self._n_threads,
        )
        outputs = self._estimator._outputs_in_mean(self._Y.shape[1])
        if outputs > 1:
            penalty = 0.5 * self._estimator._penalty() * sum(np.vdot(coef, coef) for coef in coefs)
            penalty /= len(self._X) if self._sample_weight is None else self._sample_weight.sum()
            loss = (loss - penalty) / outputs + penalty
        return loss, self._pack(coef_gradients, intercept_gradients)


class _Watch:
    """SciPy's callback: what to do after an iteration, and where the search has got to."""

    def __init__(self, estimator: BaseMLP, objective: _Objective, told: Audience) -> None:
        self._objective = objective
        self._told = told
        self._max_time = estimator.max_time
        self._began = time.monotonic()
        self.x = objective.start
        self.losses: list[float] = []
        self.out_of_time = False
        self.stopped = False

    def __call__(self, intermediate_result: scipy.optimize.OptimizeResult) -> None:
        self.x = intermediate_result.x.copy()
        self.losses.append(float(intermediate_result.fun))
        seconds = time.monotonic() - self._began
        if self._told:
            network = self._objective.network_at(self.x)
            self.stopped = self._told(network, epoch=len(self.losses), loss=self.losses[-1], seconds=seconds)
        self.out_of_time = self._max_time is not None and seconds >= self._max_time
        if self.stopped or self.out_of_time:
            raise StopIteration


def fit_lbfgs(estimator: BaseMLP, start: Start) -> dict[str, Any]:
    """Minimise the loss and return the fitted attributes."""
    objective = _Objective(estimator, start)
    given = None if start.given is None else _in_float64(start.given)
    watched = None if given is None else ValidationSet(estimator, given, start.output)
    options = {"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol}
    with audience(estimator, start, objective.network, watched) as told:
        watch = _Watch(estimator, objective, told)
        try:
            result = scipy.optimize.minimize(
                objective, objective.start, method="L-BFGS-B", jac=True, callback=watch, options=options
            )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
            x, n_iter = watch.x, len(watch.losses)
            loss = watch.losses[-1] if watch.losses else float("nan")
        else:
            x, loss, n_iter = result.x, float(result.fun), result.nit
    if watch.out_of_time:
        warnings.warn(
            f"lbfgs reached the time limit (max_time={estimator.max_time:g} s) after {n_iter} "
            f"iteration(s) and the optimization hasn't converged yet.{hint_about_scale(start.rows.X)}",
            ConvergenceWarning,
            stacklevel=2,
        )
    elif not watch.stopped and x is not watch.x:
        n_iter = check_optimize_result("lbfgs", result, estimator.max_iter)
    fitted_coefs, fitted_intercepts = objective.unpack(x)
    dtype = start.rows.X.dtype
    fitted = {
        **estimator._attributes_of(objective.network, start.output),
        "coefs_": [array.astype(dtype, order="C") for array in fitted_coefs],
        "intercepts_": [array.astype(dtype) for array in fitted_intercepts],
        "loss_": loss,
        "loss_curve_": watch.losses,
        "n_iter_": n_iter,
        "t_": 0 if start.fresh else getattr(estimator, "t_", 0),
    }
    if watched is not None:
        fitted["validation_loss_curve_"] = told.validation_losses
        fitted["validation_scores_"] = told.validation_scores or None
    return fitted


def _in_float64(rows: Rows) -> Rows:
    X, Y, sample_weight = rows
    return Rows(X.astype(np.float64, copy=False), Y, sample_weight)
