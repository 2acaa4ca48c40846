"""A network in double precision, and small questions to the core."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ferroprop._core import Activation, Loss, Network, Optimizer, RecurrentNetwork, _natural_loss

Array: TypeAlias = NDArray[np.float64]


def require_network(value: object) -> Network:
    """Return `value` if it is a network, else raise TypeError."""
    if not isinstance(value, Network):
        raise TypeError(f"network must be a Network, got {type(value).__name__}")
    return value


def doubles(arrays: Sequence[NDArray[np.float32] | NDArray[np.float64]]) -> list[Array]:
    """Return the arrays in double precision, complex ones in complex128."""
    return [np.asarray(array, np.result_type(array, np.float64)) for array in arrays]


def optional_doubles(
    arrays: Sequence[NDArray[np.float32] | NDArray[np.float64] | None],
) -> list[Array | None]:
    """Return the arrays in double precision; None stays None."""
    return [None if array is None else doubles([array])[0] for array in arrays]


def in_double(network: Network) -> Network:
    """Return a copy of the network in float64 or complex128; the parameters are the same numbers."""
    if network.dtype in (np.float64, np.complex128):
        return network.copy()
    wide = "complex128" if network.dtype.kind == "c" else "float64"
    double = Network(
        network.layer_sizes,
        activation=network.activations,
        output_activation=network.output_activation,
        bias=network.bias,
        dtype=wide,
    )
    double.set_parameters(network.weights, network.biases)
    return double


def in_double_recurrent(network: RecurrentNetwork) -> RecurrentNetwork:
    """Return a copy of the network in float64; the parameters are the same numbers."""
    double = RecurrentNetwork(
        network.layer_sizes,
        cell=network.cell,
        returns=network.returns,
        activation=network.activations,
        output_activation=network.output_activation,
        bias=network.bias,
        dtype="float64",
    )
    double.set_parameter_vector(network.parameter_vector.astype(np.float64))
    return double


def name_of(value: object) -> str:
    """Return the name of an activation, a loss or an optimizer: of a name, an object or a function."""
    if isinstance(value, str):
        return value
    if isinstance(value, (Activation, Loss, Optimizer)):
        return value.name
    return str(getattr(value, "__name__", type(value).__name__))


def natural_loss(network: Network | RecurrentNetwork) -> str:
    """Return the loss that the core takes when none is named."""
    return _natural_loss(network.output_activation)
