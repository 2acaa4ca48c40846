"""The networks of several fitted estimators, to predict with all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse

from ferroprop._core import Network, _predict_each
from ferroprop.estimators._base import BaseMLP
from ferroprop.estimators._typing import Array

_FEW_NUMBERS = 4096


class Networks:
    """The networks of fitted estimators; one that may have changed since the last call is asked for again.

    Parameters
    ----------
    estimators : sequence of BaseMLP
        Fitted ones, with as many inputs and outputs as each other.
    """

    def __init__(self, estimators: Sequence[BaseMLP]) -> None:
        self._estimators = list(estimators)
        self._known: list[tuple[dict[str, Any], Any, Any, Network]] = []
        self._forms: set[tuple[Any, int]] = set()  # dtypes and numbers of inputs

    def of(self, estimators: Sequence[BaseMLP]) -> bool:
        """Tell whether these are the networks of these very estimators."""
        return len(estimators) == len(self._estimators) and all(
            one is other for one, other in zip(estimators, self._estimators, strict=True)
        )

    def present(self) -> list[Network]:
        """Return the networks, with the present contents of the arrays."""
        if not self._known:
            self._known = [self._look_up(estimator) for estimator in self._estimators]
        networks, is_new = [], not self._forms
        for place, (estimator, known) in enumerate(zip(self._estimators, self._known, strict=True)):
            attributes, cache, activation, network = known
            if not (
                estimator.__dict__ is attributes
                and attributes.get("_networks") is cache
                and attributes["activation"] is activation
                and cache is not None
                and cache.is_trusted(network)
            ):
                self._known[place] = self._look_up(estimator)
                network, is_new = self._known[place][-1], True
            networks.append(network)
        if is_new:
            self._forms = {(network.dtype, network.layer_sizes[0]) for network in networks}
        return networks

    @staticmethod
    def _look_up(estimator: BaseMLP) -> tuple[dict[str, Any], Any, Any, Network]:
        now = estimator._as_it_is()
        attributes = now.__dict__
        now._network()  # the second time it is known whether somebody else has the arrays
        return attributes, attributes.get("_networks"), attributes["activation"], now._network()

    def outputs(self, X: Any, n_threads: int | None) -> Array | None:
        """Return the outputs of each, None unless the rows are what all of them take as they are.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n_samples, n_features)
            The rows.
        n_threads : int or None
            Threads to use, for many rows.

        Returns
        -------
        outputs : ndarray of shape (n_networks, n_samples, n_outputs) or None
            Those that each network predicts.
        """
        if (type(X) is not np.ndarray and not scipy.sparse.issparse(X)) or X.ndim != 2 or X.shape[0] == 0:
            return None
        networks = self.present()
        if {(X.dtype, X.shape[1])} != self._forms:
            return None
        threads = 1 if X.shape[0] == 1 else n_threads
        try:
            outputs: Array = _predict_each(networks, X, threads)
        except ValueError:  # of NaN and infinity scikit-learn's checks tell
            return None
        return outputs.reshape(len(networks), X.shape[0], -1)


def sum_in_order(outputs: Sequence[Array] | Array) -> Array:
    """Return the sum of arrays of one shape, added one after the other."""
    if outputs[0].size * len(outputs) <= _FEW_NUMBERS:
        total: Array = np.cumsum(outputs, axis=0)[-1]
        return total
    total = outputs[0].copy()
    for further in outputs[1:]:
        total += further
    return total
