"""The updates that optimizers would make."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from ferroprop._core import SGD, Network, RecurrentNetwork, train
from ferroprop.catalogue import OPTIMIZERS
from ferroprop.inspection._double import Array, optional_doubles
from ferroprop.inspection._step import Update


def named(optimizers: Any) -> dict[str, Any]:
    """Give each optimizer a name: its own, its class's, or, if two share that, its repr."""
    if optimizers is None:
        optimizers = _every_optimizer()
    if isinstance(optimizers, Mapping):
        return {str(name): optimizer for name, optimizer in optimizers.items()}
    if isinstance(optimizers, str) or not isinstance(optimizers, Iterable):
        optimizers = [optimizers]
    every = list(optimizers)
    classes = [optimizer if isinstance(optimizer, str) else type(optimizer).__name__ for optimizer in every]
    return {
        name if classes.count(name) == 1 else repr(optimizer): optimizer
        for name, optimizer in zip(classes, every, strict=True)
    }


def _every_optimizer() -> list[Any]:
    """Return one of each class of optimizers."""
    classes = dict.fromkeys(entry.cls for entry in OPTIMIZERS.values())
    return [SGD(momentum=0.0), *(cls() for cls in classes if cls is not SGD)]


def updates_of(
    network: Network | RecurrentNetwork, X: Any, Y: Any, optimizers: Mapping[str, Any], **settings: Any
) -> list[dict[str, Update]]:
    """Return, for each layer, the changes that each optimizer would make in a step of a training."""
    by_name = {name: _updates(network, X, Y, optimizer, settings) for name, optimizer in optimizers.items()}
    return [
        {name: updates[layer] for name, updates in by_name.items()} for layer in range(len(network.weights))
    ]


def _updates(
    network: Network | RecurrentNetwork, X: Any, Y: Any, optimizer: Any, settings: dict[str, Any]
) -> list[Update]:
    """Let a copy of the optimizer make one step on a copy of the network, and return the changes."""
    moved, own = network.copy(), copy.deepcopy(optimizer)
    train(
        moved,
        X,
        Y,
        optimizer=own,
        epochs=1,
        shuffle=False,
        warm_start=bool(getattr(own, "state", None)),
        **settings,
    )
    kinds = ["weights", "biases"]
    if isinstance(network, RecurrentNetwork):
        kinds += ["recurrent_weights", "recurrent_biases"]
    changes = [_changes(getattr(moved, kind), getattr(network, kind)) for kind in kinds]
    return [Update(*of_layer) for of_layer in zip(*changes, strict=True)]


def _changes(after: Any, before: Any) -> list[Array | None]:
    both = zip(optional_doubles(after), optional_doubles(before), strict=True)
    return [None if new is None or old is None else new - old for new, old in both]
