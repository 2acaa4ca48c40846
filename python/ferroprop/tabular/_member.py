"""One network of an ensemble, trained from its first weights to its best epoch.

The rate, the decay and dropout fall from epoch to epoch. The core is called for an epoch at a time, with an
optimizer that keeps its moments; what a call costs beside its steps is below two milliseconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ferroprop._core import AdamW, Network, train
from ferroprop.estimators._typing import Array
from ferroprop.tabular._numbers import cos_of_turns
from ferroprop.tabular._recipe import Recipe

Watch: TypeAlias = Callable[[Network], tuple[float, float]]
"""Returns a network's loss on validation rows, and the temperature it has there."""


class Rows(NamedTuple):
    """Rows to train on, or to watch the loss on."""

    X: Array
    Y: Array
    weight: Array | None

    @classmethod
    def of(cls, X: Array, Y: Array, weight: Array) -> Rows:
        """Return rows in float32; weights that are all the same are none."""
        same = bool((weight == weight[0]).all())
        return cls(X, Y.astype(np.float32), None if same else weight.astype(np.float32))

    def take(self, rows: Array) -> Rows:
        """Return these of them."""
        return Rows(self.X[rows], self.Y[rows], None if self.weight is None else self.weight[rows])


@dataclass(frozen=True, slots=True)
class MemberEpoch:
    """An epoch of one member, as the parameter `callback` of the tabular estimators gets it.

    Attributes
    ----------
    member : int
        Which network of the ensemble, 0 for the first.
    numeric_encoding : str
        How its numbers are encoded.
    epoch : int
        Number of the epoch, 1 for the first.
    epochs : int
        How many there will be.
    loss : float
        The training loss, with dropout.
    validation_loss : float or None
        The loss on the rows that this member does not train on.
    learning_rate : float
        The learning rate of this epoch.
    seconds : float
        Time since this member began.
    network : Network
        The network as it is after this epoch; it goes on changing, ``network.copy()`` does not.

    Examples
    --------
    >>> from ferroprop.tabular import TabularMLPRegressor
    >>> seen = []
    >>> mlp = TabularMLPRegressor(n_members=1, numeric_encoding="linear", max_iter=3, callback=seen.append)
    >>> mlp = mlp.fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 0.0, 1.0])
    >>> [(epoch.member, epoch.epoch, epoch.epochs) for epoch in seen]
    [(0, 1, 3), (0, 2, 3), (0, 3, 3)]
    """

    member: int
    numeric_encoding: str
    epoch: int
    epochs: int
    loss: float
    validation_loss: float | None
    learning_rate: float
    seconds: float
    network: Network


@dataclass
class Trained:
    """A trained network and the course of its training."""

    network: Network
    """As it was in its best epoch."""
    current: Network
    """As it is now."""
    temperature: float = 1.0
    """What its net inputs are to be divided by, in its best epoch."""
    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    best_epoch: int = 0
    best_loss: float = math.inf
    epochs: int = 0
    stop_reason: str = "epochs"


def train_member(
    rows: Rows,
    watch: Watch | None,
    recipe: Recipe,
    *,
    output: str,
    loss: str,
    seed: int,
    n_threads: int,
    seconds: float | None = None,
    tell: Callable[[Trained, float], bool] | None = None,
) -> Trained:
    """Train a network and return it as it was in its best epoch.

    Parameters
    ----------
    rows : Rows
        What it learns from, float32.
    watch : callable or None
        Returns a network's loss on validation rows, and its temperature. The best epoch is the one with the
        least loss; without it, the last one.
    recipe : Recipe
        How it is built and trained.
    output, loss : str
        Activation of the output layer, and the loss.
    seed : int
        Names the first weights, the order of the rows and what dropout leaves out.
    n_threads : int
        Threads; the result does not depend on it.
    seconds : float or None
        Time there is. After the first epoch the training is made as short as it takes.
    tell : callable or None
        Is told of each epoch, and the time it ended at; ends the training by returning True.
    """
    began = time.monotonic()
    network = Network(
        [rows.X.shape[1], *recipe.hidden_layer_sizes, rows.Y.shape[1]],
        activation=recipe.activation,
        output=output,
        dtype="float32",
        seed=seed,
    )
    trained = Trained(network, network, epochs=recipe.epochs)
    state: dict[str, Any] | None = None
    epoch = 0
    while epoch < trained.epochs:
        done = epoch / trained.epochs
        rate = recipe.learning_rate * cosine(done)
        optimizer = AdamW(
            rate,
            beta_2=recipe.beta_2,
            weight_decay=recipe.weight_decay * flat_cosine(done),
        )
        if state is not None:
            optimizer.__setstate__({**state, "learning_rate": rate})
        history = train(
            network,
            rows.X,
            rows.Y,
            loss=loss,
            optimizer=optimizer,
            epochs=1,
            batch_size=recipe.batch_size,
            sample_weight=rows.weight,
            dropout=recipe.dropout * flat_cosine(done) if recipe.hidden_layer_sizes else 0.0,
            seed=_seed_of(seed, epoch),
            n_threads=n_threads,
            warm_start=state is not None,
        )
        if history.stop_reason == "diverged":
            trained.stop_reason = "diverged"
            break
        state = optimizer.__getstate__()
        epoch += 1
        trained.loss.append(history.loss[0])
        trained.learning_rate.append(rate)
        watched, temperature = -float(epoch), 1.0
        if watch is not None:
            watched, temperature = watch(network)
            trained.validation_loss.append(watched)
        if watched < trained.best_loss:
            trained.network, trained.temperature = network.copy(), temperature
            trained.best_epoch, trained.best_loss = epoch, watched
        now = time.monotonic()
        if tell is not None and tell(trained, now - began):
            trained.stop_reason = "callback"
            break
        if recipe.patience is not None and epoch - trained.best_epoch >= recipe.patience:
            trained.stop_reason = "patience"
            break
        if seconds is not None:
            affordable = max(epoch, int(seconds / (now - began) * epoch))
            if affordable < trained.epochs:
                trained.epochs, trained.stop_reason = affordable, "time"
    return trained


def cosine(done: float) -> float:
    """Return what is left of 1 on the way to 0 along a cosine, when a fraction of it is done."""
    return 0.5 * (1.0 + float(cos_of_turns(np.array([0.5 * done]))[0]))


def flat_cosine(done: float) -> float:
    """Return 1 in the first half, then what is left of it along a cosine."""
    return cosine(max(0.0, 2.0 * done - 1.0))


def _seed_of(seed: int, epoch: int) -> int:
    """Return a seed for the order of the rows and for dropout that differs from epoch to epoch."""
    return (seed + 0x9E3779B97F4A7C15 * (epoch + 1)) % 2**63


def arrays_of(network: Network) -> dict[str, Any]:
    """Return a member as plain values and arrays, for pickles."""
    return {
        "layer_sizes": network.layer_sizes,
        "activation": network.activations[0] if network.activations else Recipe.activation,
        "output": network.output,
        "weights": list(network.weights),
        "biases": list(network.biases),
    }


def network_of(arrays: dict[str, Any]) -> Network:
    """Return the member that `arrays_of` took apart."""
    network = Network(
        arrays["layer_sizes"], activation=arrays["activation"], output=arrays["output"], dtype="float32"
    )
    network.set_parameters(arrays["weights"], arrays["biases"])
    return network
