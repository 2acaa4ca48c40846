"""The spread of predictions: quantiles of the target around them.

The residuals of rows that a member was not trained on show how widely the target is spread. Two networks
learn the size of a residual from the inputs, each from half of the rows. The residuals of the other half,
divided by their predicted size, give the quantiles. Quantiles therefore have the right coverage on average,
however well the networks learned (locally weighted conformal prediction on residuals of a cross-validation),
and they never cross.

References
----------
J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani, L. Wasserman, "Distribution-free predictive inference for
regression", JASA 113, 2018. R. F. Barber, E. J. Candes, A. Ramdas, R. J. Tibshirani, "Predictive inference
with the jackknife+", Annals of Statistics 49, 2021.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ferroprop._core import Network
from ferroprop.estimators._typing import Array
from ferroprop.tabular._course import Course, Job
from ferroprop.tabular._member import Rows, Watch, arrays_of, network_of, train_member
from ferroprop.tabular._numbers import quantiles
from ferroprop.tabular._recipe import recipe_for_spread

_GRID = (0.001, 0.0025, *(place / 200 for place in range(1, 200)), 0.9975, 0.999)
N_NETWORKS = 2
_ENOUGH = 20
"""With fewer rows than this the spread is assumed to be constant."""


@dataclass
class Spread:
    """The distribution of the target around a prediction.

    Attributes
    ----------
    networks : list of Network
        The mean of their outputs is the size of a residual, in units of `unit`; empty if the size is
        constant.
    unit : ndarray of shape (n_outputs,)
        Mean size of a residual.
    levels : ndarray of shape (n_levels, n_outputs)
        Quantiles of the residuals in units of their predicted size, at the probabilities of `_GRID`.
    """

    networks: list[Network]
    unit: Array
    levels: Array

    def __getstate__(self) -> dict[str, Any]:
        """Return arrays, no objects of the core."""
        return {**self.__dict__, "networks": [arrays_of(network) for network in self.networks]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the spread from the result of `__getstate__`."""
        self.__dict__.update(state, networks=[network_of(arrays) for arrays in state["networks"]])

    def sizes(self, X: Array, n_threads: int | None) -> Array:
        """Return the predicted size of the residuals, of shape (n_rows, n_outputs)."""
        return self.unit * _relative_sizes(self.networks, X, len(self.unit), n_threads)

    def quantiles(self, sizes: Array, probabilities: Array) -> Array:
        """Return the offsets to add to predictions, of shape (n_rows, n_outputs, n_quantiles)."""
        units = np.stack([np.interp(probabilities, _GRID, of_output) for of_output in self.levels.T])
        result: Array = sizes[:, :, None] * units
        return result


def _relative_sizes(networks: list[Network], X: Array, n_outputs: int, n_threads: int | None) -> Array:
    if not networks:
        return np.ones((len(X), n_outputs))
    total = np.zeros((len(X), n_outputs))
    for network in networks:
        total += network.predict(X, n_threads=n_threads)
    return np.maximum(total / len(networks), 0.01)


def fit_spread(X: Array, residuals: Array, weight: Array, *, seed: int, course: Course) -> Spread:
    """Learn the spread.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_inputs)
        Inputs, float32.
    residuals : ndarray of shape (n_rows, n_outputs)
        Target minus prediction, of networks that were not trained on the row.
    weight : ndarray of shape (n_rows,)
        Weights of the rows.
    seed : int
        Seeds the networks.
    course : Course
        Runs the training of the networks.
    """
    sizes = np.abs(residuals)
    unit = (sizes * weight[:, None]).sum(axis=0) / weight.sum()
    unit = np.where(unit > 0.0, unit, 1.0)
    relative = np.ones_like(sizes)
    networks: list[Network] = []
    if len(X) >= _ENOUGH:
        rows = Rows.of(X, sizes / unit, weight)
        halves = [np.arange(start, len(X), 2) for start in (0, 1)]
        parts = [(halves[0], halves[1]), (halves[1], halves[0])]

        def job_of(number: int, learned: Array, tested: Array) -> Callable[[Job], Network]:
            def job(handle: Job) -> Network:
                return train_member(
                    rows.take(learned),
                    _poisson_loss(rows.take(tested)),
                    recipe_for_spread(),
                    output="exp",
                    loss="poisson",
                    seed=seed + number,
                    n_threads=handle.n_threads,
                    seconds=handle.seconds,
                    tell=lambda _trained, _seconds: handle.is_over(),
                ).network

            return job

        trained = course.run([job_of(number, *part) for number, part in enumerate(parts)])
        for network, (_, tested) in zip(trained, parts, strict=True):
            if network is not None:
                networks.append(network)
                relative[tested] = _relative_sizes([network], X[tested], sizes.shape[1], None)
    scaled = residuals / (relative * unit)
    levels = np.stack([_levels(scaled[:, output], weight) for output in range(scaled.shape[1])], axis=1)
    return Spread(networks, unit, levels)


def _poisson_loss(validation: Rows) -> Watch:
    """Return a function that computes the loss of predicted sizes."""

    def watch(network: Network) -> tuple[float, float]:
        loss, _, _ = network.loss_and_gradients(
            validation.X, validation.Y, loss="poisson", sample_weight=validation.weight, n_threads=1
        )
        return float(loss), 1.0

    return watch


def _levels(residuals: Array, weight: Array) -> Array:
    """Return conformal quantiles: they hold for one more row, so they lie slightly further out."""
    order = np.argsort(residuals, kind="stable")
    n_rows = len(residuals)
    outward = [min(1.0, max(0.0, 0.5 + (probability - 0.5) * (n_rows + 1) / n_rows)) for probability in _GRID]
    return quantiles(residuals[order], weight[order], outward)
