"""The description of a model that every format writes: plain arrays and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ferroprop._core import Activation as ActivationObject
from ferroprop._core import Network, RecurrentNetwork
from ferroprop.catalogue import ACTIVATIONS, STOCHASTIC_ACTIVATIONS

if TYPE_CHECKING:
    from ferroprop.export._preparation import Arithmetic, Preparation

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Activation:
    """An activation: its name, and its hyperparameters by name."""

    name: str
    hyperparameters: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, given: str | ActivationObject) -> Activation:
        """Return the description of an activation that a `Network` has, a name or an object."""
        if isinstance(given, str):
            return cls(given, {one.name: one.default for one in ACTIVATIONS[given].hyperparameters})
        return cls(given.name, given.hyperparameters)

    def to_python(self) -> str | ActivationObject:
        """Return the activation in the form of a `Network`, a name or an object."""
        kind = ACTIVATIONS[self.name].cls
        return self.name if kind is None else kind(**self.hyperparameters)


@dataclass(frozen=True)
class Dense:
    """A layer: activation(inputs @ weights + biases).

    Parameters
    ----------
    weights : ndarray of shape (fan_in, fan_out)
        The weights, of the network's dtype.
    biases : ndarray of shape (fan_out,) or None
        The biases; None for a layer without biases.
    activation : Activation
        The activation of the layer.
    """

    weights: Array
    biases: Array | None
    activation: Activation


@dataclass(frozen=True)
class Recurrent:
    """A layer that recurs; arrays and gates as those of a `RecurrentNetwork`.

    Parameters
    ----------
    cell : {"rnn", "lstm", "gru"}
        What it computes.
    weights, recurrent_weights : ndarray
        Those of the inputs and of the step before.
    biases, recurrent_biases : ndarray or None
        None for a layer without.
    activation : Activation
        Of an "rnn".
    """

    cell: str
    weights: Array
    recurrent_weights: Array
    biases: Array | None
    recurrent_biases: Array | None
    activation: Activation


@dataclass(frozen=True)
class Outputs:
    """The result of the model: the outputs of the network."""


@dataclass(frozen=True)
class Labels:
    """The result of the model: labels, with probabilities or scores.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The labels, in the order of the outputs.
    kind : {'binary', 'multiclass', 'multilabel'}
        One output decides between two classes; the largest output is the class; each output is a label.
    margins : bool
        Whether the outputs are scores on either side of 0, not probabilities.
    """

    classes: Array
    kind: Literal["binary", "multiclass", "multilabel"]
    margins: bool


@dataclass(frozen=True)
class Quantities:
    """The result of the model: numbers.

    Parameters
    ----------
    single : bool
        Whether the result is one number per row, of shape (n,), or several, of shape (n, n_outputs).
    operations : sequence of Arithmetic
        The operations that convert outputs to the units of the targets.
    """

    single: bool
    operations: Sequence[Arithmetic] = field(default=())


@dataclass(frozen=True)
class Ensemble:
    """The networks of an ensemble beside the first one; the mean of all is computed in float64.

    Parameters
    ----------
    others : tuple of tuple of Dense
        The layers of each further network.
    operations : sequence of Arithmetic
        The operations on the outputs of each network before the mean.
    is_share : bool
        Whether the means are shares, divided once more by their sum so that it is 1.
    """

    others: tuple[tuple[Dense, ...], ...]
    operations: Sequence[Arithmetic] = field(default=())
    is_share: bool = False


@dataclass(frozen=True)
class Description:
    """The description of a model, for any format.

    Parameters
    ----------
    layers : tuple of Dense
        The network, from the inputs to the outputs.
    result : Outputs, Labels or Quantities
        The result of a prediction.
    preparation : Preparation or None
        The preparation of the columns of a table; None if the network takes the numbers unchanged.
    feature_names : tuple of str or None
        The names of the inputs, if they are known.
    recurrent : tuple of Recurrent
        Layers before the others that recur, if rows are sequences.
    every : bool
        Whether sequences have outputs at every step of time.
    ensemble : Ensemble or None
        Further networks, whose outputs are averaged with those of `layers`.
    """

    layers: tuple[Dense, ...]
    result: Outputs | Labels | Quantities
    preparation: Preparation | None = None
    feature_names: tuple[str, ...] | None = None
    recurrent: tuple[Recurrent, ...] = ()
    every: bool = False
    ensemble: Ensemble | None = None

    @property
    def networks(self) -> tuple[tuple[Dense, ...], ...]:
        """All networks."""
        return (self.layers, *(self.ensemble.others if self.ensemble else ()))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The network's dtype, float32 or float64."""
        return self.layers[0].weights.dtype

    @property
    def n_inputs(self) -> int:
        """The number of inputs of the network."""
        first = self.recurrent[0] if self.recurrent else self.layers[0]
        return int(first.weights.shape[0])

    @property
    def n_outputs(self) -> int:
        """The number of outputs of the network."""
        return int(self.layers[-1].weights.shape[1])


def recurrent_layers_of(network: RecurrentNetwork[Any]) -> tuple[tuple[Recurrent, ...], tuple[Dense]]:
    """Return the layers of a network that recur, and its output layer."""
    arrays = (network.weights, network.recurrent_weights, network.biases, network.recurrent_biases)
    hidden = tuple(
        Recurrent(network.cell, W, np.asarray(U), b, own, Activation.of(activation))
        for W, U, b, own, activation in zip(*arrays, network.activations, strict=False)
    )
    output = Activation.of(network.output_activation)
    return hidden, (Dense(network.weights[-1], network.biases[-1], output),)


def layers_of(network: Network) -> tuple[Dense, ...]:
    """Return the layers of a network, with copies of its parameters."""
    if network.dtype.kind == "c":
        raise ValueError(
            f"a network must be one of real numbers to be exported, got dtype {network.dtype}; "
            "Network.save writes complex ones"
        )
    activations = [*network.activations, network.output_activation]
    for activation in activations:
        name = getattr(activation, "name", activation)
        if name in STOCHASTIC_ACTIVATIONS:
            raise ValueError(
                f"a network must be one without stochastic units to be exported, got {name!r}; "
                "Network.save writes it"
            )
    return tuple(
        Dense(weights, biases, Activation.of(activation))
        for weights, biases, activation in zip(network.weights, network.biases, activations, strict=True)
    )


def network_of(layers: Sequence[Dense]) -> Network:
    """Return a network with these layers."""
    activations = [layer.activation.to_python() for layer in layers]
    network = Network(
        [layers[0].weights.shape[0], *(layer.weights.shape[1] for layer in layers)],
        activation=activations[:-1],
        output_activation=activations[-1],
        bias=[layer.biases is not None for layer in layers],
        dtype=layers[0].weights.dtype,
    )
    network.set_parameters([layer.weights for layer in layers], [layer.biases for layer in layers])
    return network
