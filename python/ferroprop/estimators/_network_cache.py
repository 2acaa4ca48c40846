"""The network of an estimator's last prediction, kept while its arrays do not change.

The arrays of an estimator are its state; a `ferroprop.Network` is only their executable form. Building one
copies every weight, which would dominate the prediction of a single row, so the last one is kept, next to
what it was built from.

Whether the arrays still are what they were is told in one of two ways. Comparing every byte is always right,
but for 235,000 weights it takes longer than the prediction itself. It can be left out while nobody can have
written to the arrays: an estimator hands out ``coefs_`` and ``intercepts_`` through `FittedLayers`, which
takes note of it, and the counts of references tell whether anyone still holds what was handed out. The arrays
are read-only meanwhile, so that a write which comes past the attribute is refused rather than overlooked.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from operator import is_
from typing import Any

import numpy as np

from ferroprop._core import Network
from ferroprop.estimators._typing import Array, Layers

COEFS, INTERCEPTS = "coefs_", "intercepts_"

# Whose turn it is to compare numbers or to hand them out. A fork waits for it: in the child nobody would ever
# give it back.
_turn = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_turn.acquire, after_in_parent=_turn.release, after_in_child=_turn.release)


# NumPy takes as long to name one as the core to make a small network.
_NAMES = {
    (True, False): "float32",
    (False, False): "float64",
    (True, True): "complex64",
    (False, True): "complex128",
}
"""Dtypes by whether they are of single precision and complex."""


def build_network(
    coefs: Sequence[Array], intercepts: Sequence[Array], activation: Any, output: Any
) -> Network:
    """Return a network with these parameters; float32 or complex64 if all are, else float64 or complex128."""
    arrays = [np.asarray(array) for array in (*coefs, *intercepts)]
    types = {array.dtype.char for array in arrays}
    single, is_complex = types <= {"f", "F"}, not types.isdisjoint("FDG")
    network = Network(
        [np.shape(coefs[0])[0], *(np.shape(coef)[1] for coef in coefs)],
        activation=activation,
        output_activation=output,
        dtype=_NAMES[single, is_complex],
        init="zeros",
    )
    network.set_parameters(coefs, intercepts)
    return network


class _Prepared:
    """A network and the arrays that it was built from; immutable, so that threads can share it."""

    __slots__ = ("activation", "arrays", "contents", "network", "output")

    def __init__(
        self, arrays: tuple[Array, ...], activation: Any, output: Any, network: Network | None = None
    ) -> None:
        self.activation, self.output = activation, output
        self.arrays = arrays
        self.contents = [bytearray(array) for array in arrays]
        if network is not None:
            self.network = network
            return
        # of the very bytes that will be compared, whatever is written to the arrays meanwhile
        copies = [
            np.frombuffer(content, array.dtype).reshape(array.shape)
            for array, content in zip(arrays, self.contents, strict=True)
        ]
        half = len(arrays) // 2
        self.network = build_network(copies[:half], copies[half:], activation, output)

    def is_made_like(self, arrays: Sequence[Array], activation: Any, output: Any) -> bool:
        """Tell whether these are the objects that it was built from, whatever their present contents."""
        return (
            activation == self.activation
            and output == self.output
            and len(arrays) == len(self.arrays)
            and all(map(is_, arrays, self.arrays))
        )

    def has_contents(self) -> bool:
        """Tell whether the arrays still have the bytes that it was built from.

        Comparing a bytearray with an array is a memcmp.
        """
        return not any(known != array for array, known in zip(self.arrays, self.contents, strict=True))


class NetworkCache:
    """The network of an estimator's last prediction.

    An exception may come between any two of its steps: what a step says is true by then.
    """

    __slots__ = ("_locked", "_prepared", "_trusted")

    def __init__(self) -> None:
        self._prepared: _Prepared | None = None
        # What is prepared, once its numbers were compared and as long as nobody outside has its arrays.
        self._trusted: _Prepared | None = None
        # Arrays that are read-only meanwhile.
        self._locked: list[Array] = []

    def network_of(
        self, attributes: dict[str, Any], activation: Any, output: Any, *, is_complex: bool = False
    ) -> Network:
        """Return the network of the layers in `attributes`, the cached one if nothing changed.

        Parameters
        ----------
        attributes : dict
            The estimator's ``__dict__``.
        activation : str, object or tuple of them
            Of the hidden layers.
        output : str or object
            Of the output layer.
        is_complex : bool
            Whether the numbers may be complex.
        """
        coefs, intercepts = attributes[COEFS], attributes[INTERCEPTS]
        arrays = (*coefs, *intercepts)
        if len(coefs) != len(intercepts):
            return build_network(coefs, intercepts, activation, output)  # which says what is wrong
        del coefs, intercepts
        prepared = self._prepared
        if (
            prepared is not None
            and prepared.is_made_like(arrays, activation, output)
            and (self._trusted is prepared or self._confirms(prepared, attributes))
        ):
            return prepared.network
        if not is_complex and any(np.iscomplexobj(array) for array in arrays):
            raise ValueError("coefs_ and intercepts_ must hold real numbers, got complex ones.")
        self.release()
        if not all(map(_can_be_compared, arrays)):
            half = len(arrays) // 2
            return build_network(arrays[:half], arrays[half:], activation, output)
        self._prepared = prepared = _Prepared(arrays, activation, output)
        return prepared.network

    def keep(self, network: Network, attributes: dict[str, Any], activation: Any, output: Any) -> None:
        """Take over a network with the layers in `attributes`, which nobody else has.

        Parameters
        ----------
        network : Network
            With the numbers and the type of the arrays.
        attributes, activation, output
            As for `network_of`.
        """
        arrays = (*attributes[COEFS], *attributes[INTERCEPTS])
        if all(map(_can_be_compared, arrays)):
            self._prepared = _Prepared(arrays, activation, output, network)

    def _confirms(self, prepared: _Prepared, attributes: dict[str, Any]) -> bool:
        """Compare the numbers; if nobody else has the arrays, trust them from then on."""
        with _turn:
            self._unlock()
            if _is_alone(attributes, prepared.arrays):
                # In this order: who gets the arrays from now on is noticed, who had them before has written.
                self._locked = [array for array in prepared.arrays if array.flags.writeable]
                for array in self._locked:
                    array.flags.writeable = False
                if prepared.has_contents():
                    self._trusted = prepared
                    return True
                self._unlock()
                return False
            return prepared.has_contents()

    def is_trusted(self, network: Network) -> bool:
        """Tell whether a network that came from here surely still is the one of the arrays.

        A false answer says nothing: ask again for the network.
        """
        trusted = self._trusted
        return trusted is not None and trusted.network is network

    def release(self) -> None:
        """Record that the arrays may change from now on."""
        with _turn:
            self._trusted = None
            self._unlock()

    def _unlock(self) -> None:
        for array in self._locked:
            array.flags.writeable = True
        self._locked = []


def _can_be_compared(array: Any) -> bool:
    """Tell whether an array is a plain one, like those of a fit."""
    return (
        isinstance(array, np.ndarray)
        and array.flags.c_contiguous
        and array.dtype.kind in "fiuc"
        and array.size > 0
    )


def _references(attributes: dict[str, Any], arrays: tuple[Array, ...]) -> list[int]:
    counts = [sys.getrefcount(attributes[COEFS]), sys.getrefcount(attributes[INTERCEPTS])]
    counts.extend(sys.getrefcount(array) for array in arrays)
    return counts


def _references_when_alone() -> tuple[int, int]:
    """Count the references to a list and to an array that an estimator and a `_Prepared` hold."""

    def count(attributes: dict[str, Any]) -> list[int]:
        prepared = _Prepared((*attributes[COEFS], *attributes[INTERCEPTS]), "identity", "identity")
        return _references(attributes, prepared.arrays)

    counts = count({COEFS: [np.zeros((1, 1))], INTERCEPTS: [np.zeros(1)]})
    return counts[0], counts[-1]


_ALONE = _references_when_alone()


def _is_alone(attributes: dict[str, Any], arrays: tuple[Array, ...]) -> bool:
    """Tell whether only the estimator has these lists and arrays, and no array is a view of another's memory.

    A view or a buffer that somebody made of an array counts as a reference to it.
    """
    of_lists, of_arrays = _ALONE
    counts = _references(attributes, arrays)
    # network_of has them in a tuple of its own while it asks
    return (
        max(counts[:2]) <= of_lists
        and max(counts[2:]) <= of_arrays + 1
        and all(type(array) is np.ndarray and array.flags.owndata for array in arrays)
    )


def with_own_memory(layers: Layers) -> Layers:
    """Return the arrays; copies of those that are views of a pickle's memory.

    Where they are views of a memory map or of shared memory they stay so.
    """
    return [array.copy(order="K") if _is_of_a_pickle(array) else array for array in layers]


def _is_of_a_pickle(array: Any) -> bool:
    memory = array
    while isinstance(memory, (np.ndarray, memoryview)):
        memory = memory.base if isinstance(memory, np.ndarray) else memory.obj
    return isinstance(memory, bytearray)


class FittedLayers:
    """The attribute ``coefs_`` or ``intercepts_``: a value in ``__dict__`` whose reading is recorded."""

    def __set_name__(self, owner: type, name: str) -> None:
        """Remember the name of the attribute."""
        self._name = name

    def __get__(self, estimator: Any, owner: type) -> Any:
        """Return the list of arrays, which the caller may change."""
        if estimator is None:
            return self
        attributes = estimator.__dict__
        try:
            layers: Layers = attributes[self._name]
        except KeyError:
            raise AttributeError(f"{owner.__name__!r} object has no attribute {self._name!r}") from None
        cache = attributes.get("_networks")
        if cache is not None:
            cache.release()
        return layers

    def __set__(self, estimator: Any, layers: Layers) -> None:
        """Replace the list."""
        estimator.__dict__[self._name] = layers
        cache = estimator.__dict__.get("_networks")
        if cache is not None:
            cache.release()

    def __delete__(self, estimator: Any) -> None:
        """Forget the list."""
        if estimator.__dict__.pop(self._name, None) is None:
            raise AttributeError(self._name)
