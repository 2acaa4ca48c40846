"""The solver lbfgs-scipy: SciPy's L-BFGS-B, with loss and gradient from the core."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from ferroprop._core import RecurrentNetwork
from ferroprop.estimators._lbfgs import warn_about_the_end
from ferroprop.estimators._plan import NOT_FINITE, Outcome, Plan, StopReason
from ferroprop.estimators._typing import Array, Layers

Vector = NDArray[np.float64]


class _Objective:
    """Loss and gradient as functions of one vector: all weights, then all biases.

    L-BFGS compares losses that differ by little, so network and samples are of float64, whatever the type of
    the data.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._network: Any = plan.network
        arrays = (*plan.network.weights, *plan.network.biases)
        self._shapes = [array.shape for array in arrays if array is not None]
        self._bounds = np.cumsum([0, *(array.size for array in arrays if array is not None)])
        self._n_layers = len(plan.network.weights)
        self.start = self._pack(plan.network.weights, plan.network.biases)

    @staticmethod
    def _pack(coefs: Sequence[Array], intercepts: Sequence[Array | None]) -> Vector:
        numbers = np.concatenate([array.ravel() for array in (*coefs, *intercepts) if array is not None])
        return numbers.view(np.float64)  # complex ones as their parts

    def _unpack(self, vector: Vector) -> tuple[Layers, Layers]:
        """Return weights and biases, as views of `vector`."""
        numbers = vector.view(self._network.dtype)
        arrays = [
            numbers[start:end].reshape(shape)
            for (start, end), shape in zip(pairwise(self._bounds), self._shapes, strict=True)
        ]
        return arrays[: self._n_layers], arrays[self._n_layers :]

    def network_at(self, vector: Vector) -> Any:
        """Return the network with these parameters; always the same object."""
        self._network.set_parameters(*self._unpack(vector))
        return self._network

    def penalty_at(self, vector: Vector) -> float:
        """Return the penalty's part of the loss."""
        _, Y, sample_weight, _ = self._plan.samples
        coefs, _ = self._unpack(vector)
        penalty = 0.5 * self._plan.alpha * sum(np.vdot(coef, coef).real for coef in coefs)
        return float(penalty / (len(Y) if sample_weight is None else sample_weight.sum()))

    def __call__(self, vector: Vector) -> tuple[float, Vector]:
        """Return loss, as the estimator reports it, and gradient at `vector`.

        As in scikit-learn the loss of several outputs is their mean while the gradient is that of their sum.
        """
        if not np.isfinite(vector).all():  # SciPy's line search has no way back then, and ends
            return np.nan, np.full_like(vector, np.nan)
        loss, gradient = self._loss_and_gradient(vector)
        if self._plan.outputs_in_mean > 1:
            loss = self._plan.reported(loss, self.penalty_at(vector))
        return loss, gradient

    def _loss_and_gradient(self, vector: Vector) -> tuple[float, Vector]:
        """Return the core's loss and gradient."""
        plan = self._plan
        X, Y, sample_weight, _ = plan.samples
        loss, coef_gradients, intercept_gradients = self.network_at(vector).loss_and_gradients(
            X, Y, loss=plan.loss, sample_weight=sample_weight, alpha=plan.alpha, n_threads=plan.n_threads
        )
        return loss, self._pack(coef_gradients, intercept_gradients)


class _ObjectiveInTime(_Objective):
    """The same for a recurrent network, as functions of its parameter vector."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._network = plan.network
        self.start = self._network.parameter_vector

    def network_at(self, vector: Vector) -> Any:
        """Return the network with these parameters; always the same object."""
        self._network.set_parameter_vector(vector)
        return self._network

    def penalty_at(self, vector: Vector) -> float:
        """Return the penalty's part of the loss."""
        if self._plan.alpha == 0.0:
            return 0.0
        return self._loss_and_gradient(vector)[0] - self._loss_and_gradient(vector, alpha=0.0)[0]

    def _loss_and_gradient(self, vector: Vector, alpha: float | None = None) -> tuple[float, Vector]:
        plan = self._plan
        X, Y, sample_weight, _ = plan.samples
        loss, gradient = self.network_at(vector).loss_and_gradient_vector(
            X,
            Y,
            loss=plan.loss,
            sample_weight=sample_weight,
            alpha=plan.alpha if alpha is None else alpha,
            n_threads=plan.n_threads,
            **plan.in_time,
        )
        return loss, gradient


class _Watch:
    """SciPy's callback: reports iterations, ends the search, and keeps its last point."""

    def __init__(self, plan: Plan, objective: _Objective) -> None:
        self._objective = objective
        self._followers = plan.followers
        self._max_time = plan.max_time
        self._began = time.monotonic()
        self.x = objective.start
        self.losses: list[float] = []
        self.stop_reason: StopReason = "converged"

    def __call__(self, intermediate_result: scipy.optimize.OptimizeResult) -> None:
        self.x = intermediate_result.x.copy()
        self.losses.append(float(intermediate_result.fun))
        seconds = time.monotonic() - self._began
        if self._followers and self._followers(
            self._objective.network_at(self.x),
            epoch=len(self.losses),
            loss=self.losses[-1],
            penalty=self._objective.penalty_at(self.x),
            seconds=seconds,
        ):
            self.stop_reason = "callback"
        if self._max_time is not None and seconds >= self._max_time:
            self.stop_reason = "time"
        if self.stop_reason != "converged":
            raise StopIteration


def run(plan: Plan) -> Outcome:
    """Minimise the loss."""
    objective = (_ObjectiveInTime if isinstance(plan.network, RecurrentNetwork) else _Objective)(plan)
    options = {"maxfun": plan.max_fun, "maxiter": plan.max_iter, "gtol": plan.tol}
    result = None
    with plan.followers as followers:
        watch = _Watch(plan, objective)
        try:
            result = scipy.optimize.minimize(
                objective, objective.start, method="L-BFGS-B", jac=True, callback=watch, options=options
            )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
            watch.stop_reason = "interrupted"
            x, n_iter = watch.x, len(watch.losses)
            loss = watch.losses[-1] if watch.losses else float("nan")
        else:
            x, loss, n_iter = result.x, float(result.fun), result.nit
    if result is not None:
        warn_about_the_end(plan, watch.stop_reason, result)
    if not np.isfinite(x).all():
        raise ValueError(NOT_FINITE)
    return Outcome(
        network=objective.network_at(x),
        loss=loss,
        losses=watch.losses,
        validation_losses=followers.curves.losses,
        validation_scores=followers.curves.scores,
        n_iter=n_iter,
        stop_reason=watch.stop_reason,
    )
