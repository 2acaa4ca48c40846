"""From fitted arrays to a network of the core, kept while the arrays stay what they are.

The arrays of an estimator are its state; a `ferroprop.Network` is only their executable form. Building one
copies every weight, which would dominate the prediction of a single row, so the last one is kept, next to
what it was built from.
"""

from collections.abc import Sequence

import numpy as np

from ferroprop._core import Network
from ferroprop.estimators._typing import Array


def build_network(
    coefs: Sequence[Array], intercepts: Sequence[Array], activation: str, output: str
) -> Network:
    """Return a network with these parameters; float32 if all of them are, float64 otherwise."""
    arrays = [np.asarray(array) for array in (*coefs, *intercepts)]
    dtype = np.float32 if all(array.dtype == np.float32 for array in arrays) else np.float64
    network = Network(
        [np.shape(coefs[0])[0], *(np.shape(coef)[1] for coef in coefs)],
        activation=activation,
        output=output,
        dtype=dtype,
    )
    network.set_parameters(coefs, intercepts)
    return network


class PreparedNetwork:
    """A network and what it was built from; immutable, so that threads may share it."""

    __slots__ = ("_activation", "_arrays", "_output", "network")

    def __init__(
        self, coefs: Sequence[Array], intercepts: Sequence[Array], activation: str, output: str
    ) -> None:
        self.network = build_network(coefs, intercepts, activation, output)
        self._activation = activation
        self._output = output
        self._arrays = [(array, bytearray(array)) for array in (*coefs, *intercepts)]

    def is_of(
        self, coefs: Sequence[Array], intercepts: Sequence[Array], activation: str, output: str
    ) -> bool:
        """Tell whether these are, object by object and byte by byte, what the network was built from.

        Comparing a bytearray with an array is a memcmp, one microsecond for 50 KB, and catches ``coefs_[0][2,
        3] = 0``, which the identity of the arrays does not show.
        """
        if activation != self._activation or output != self._output:
            return False
        if len(coefs) + len(intercepts) != len(self._arrays):
            return False
        for array, (known, content) in zip((*coefs, *intercepts), self._arrays, strict=True):
            if array is not known or content != array:
                return False
        return True


class NetworkKeeper:
    """The network of an estimator's last prediction."""

    __slots__ = ("_prepared",)

    def __init__(self) -> None:
        self._prepared: PreparedNetwork | None = None

    def network_of(
        self, coefs: Sequence[Array], intercepts: Sequence[Array], activation: str, output: str
    ) -> Network:
        """Return the network of these parameters, the one at hand if nothing changed."""
        prepared = self._prepared
        if prepared is None or not prepared.is_of(coefs, intercepts, activation, output):
            prepared = PreparedNetwork(coefs, intercepts, activation, output)
            if all(array.flags.c_contiguous for array in (*coefs, *intercepts)):
                self._prepared = prepared
        return prepared.network
