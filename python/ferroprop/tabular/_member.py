"""One network of an ensemble, trained from its first weights to its best epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import scipy.sparse

from ferroprop._core import AdamW, Cosine, Epoch, History, Network, train
from ferroprop.estimators._typing import Array
from ferroprop.tabular._recipe import Recipe

Watch: TypeAlias = Callable[[Network], tuple[float, float]]
"""Returns a network's loss on validation rows, and its temperature there."""


_FEW_ENTRIES = 6
"""One input in so many is not 0 where sparse rows are worth it: one of theirs costs as much as four."""
_MANY_INPUTS = 48
"""With fewer inputs than this, the first layer is a small part of a step anyway."""


class Rows(NamedTuple):
    """Rows to train on, or to watch the loss on."""

    X: Array | scipy.sparse.csr_array
    Y: Array
    weight: Array | None

    @classmethod
    def of(cls, X: Array, Y: Array, weight: Array) -> Rows:
        """Return rows in float32; weights that are all the same are none."""
        same = bool((weight == weight[0]).all())
        return cls(X, Y.astype(np.float32), None if same else weight.astype(np.float32))

    def times(self, factors: Array) -> Rows:
        """Return rows whose inputs are multiplied by factors."""
        return self._replace(X=self.X * factors)

    def take(self, rows: Array) -> Rows:
        """Return these of them."""
        return Rows(self.X[rows], self.Y[rows], None if self.weight is None else self.weight[rows])

    def smoothed(self, part: float) -> Rows:
        """Return the same with a part of each target spread over all classes, by their shares of the rows."""
        if part == 0.0:
            return self
        weight = np.bincount(self.Y.argmax(axis=1), self.weight, self.Y.shape[1])
        spread = part * weight / weight.sum()
        return self._replace(Y=(self.Y * (1.0 - part) + spread).astype(np.float32))

    def sparse(self) -> Rows:
        """Return the same, with a sparse `X` where that is faster; trainings have the same bits."""
        n_inputs = self.X.shape[1]
        if n_inputs < _MANY_INPUTS or np.count_nonzero(self.X) * _FEW_ENTRIES > self.X.size:
            return self
        return self._replace(X=scipy.sparse.csr_array(self.X))


def name_of_inputs(numeric_encoding: str, weighted_columns: bool) -> str:
    """Return what messages and results call a way to make inputs."""
    return f"{numeric_encoding}, weighted columns" if weighted_columns else numeric_encoding


@dataclass(frozen=True, slots=True)
class MemberEpoch:
    """An epoch of one member, as the parameter `callback` of the tabular estimators gets it.

    Attributes
    ----------
    member : int
        The number of the network in the ensemble, 0 for the first.
    numeric_encoding : str
        The encoding of its numbers.
    epoch : int
        The number of the epoch, 1 for the first.
    epochs : int
        The largest number of epochs of this training.
    loss : float
        The training loss, with dropout and, if targets are smoothed, of smoothed ones.
    validation_loss : float or None
        The loss on the rows that this member does not train on.
    learning_rate : float
        The learning rate of this epoch.
    seconds : float
        Time since this member's training began, in seconds.
    network : Network
        The network after this epoch. The training continues to change it, unless its columns have weights;
        ``network.copy()`` keeps this state.
    weighted_columns : bool
        Whether its columns have weights, see `TabularMLPClassifier`.

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
    weighted_columns: bool = False


@dataclass
class Trained:
    """A trained network and the course of its training."""

    network: Network
    """During the training the network after the current epoch, at the end that after the best epoch."""
    temperature: float = 1.0
    """The number by which its last net inputs are to be divided, from its best epoch."""
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
        The training rows, float32.
    watch : callable or None
        Returns a network's loss on validation rows, and its temperature. The best epoch is the one with the
        least loss; if `watch` is None, the last one.
    recipe : Recipe
        The settings of network and training.
    output, loss : str
        Activation of the output layer, and the loss.
    seed : int
        Seeds the initial weights, the order of the rows and dropout.
    n_threads : int
        Number of threads; the result does not depend on it.
    seconds : float or None
        Time limit in seconds. The number of epochs, and with it the schedules, are shortened to keep it.
    tell : callable or None
        Called after each epoch with the epoch and the time of its end; ends the training by returning True.
    """
    rows = rows.smoothed(recipe.label_smoothing).sparse()
    network = Network(
        [rows.X.shape[1], *recipe.hidden_layer_sizes, rows.Y.shape[1]],
        activation=recipe.activation,
        output_activation=output,
        dtype="float32",
        seed=seed,
    )
    trained = Trained(network, epochs=recipe.epochs)
    temperatures: list[float] = []

    def score(current: Network) -> float:
        assert watch is not None
        watched, temperature = watch(current)
        trained.validation_loss.append(watched)
        temperatures.append(temperature)
        return -watched

    def callback(epoch: Epoch) -> bool:
        trained.loss.append(epoch.loss)
        trained.learning_rate.append(epoch.learning_rate or 0.0)
        return tell is not None and tell(trained, epoch.seconds)

    def run(network: Network, epochs: int, **further: Any) -> History:
        return train(
            network,
            rows.X,
            rows.Y,
            loss=loss,
            optimizer=AdamW(
                Cosine(recipe.learning_rate),
                beta_2=recipe.beta_2,
                weight_decay=_flat_cosine(recipe.weight_decay),
            ),
            epochs=epochs,
            batch_size=recipe.batch_size,
            sample_weight=rows.weight,
            dropout=_flat_cosine(recipe.dropout) if recipe.hidden_layer_sizes else 0.0,
            seed=seed,
            n_threads=n_threads,
            **further,
        )

    if seconds is not None:
        began, trial = time.monotonic(), network.copy()
        run(trial, 1)
        if watch is not None:
            watch(trial)
        first = time.monotonic() - began
        seconds = max(seconds - first, 1e-9)
        trained.epochs = max(1, min(recipe.epochs, int(seconds / first)))
    history = run(
        network,
        trained.epochs,
        validation_score=None if watch is None else score,
        patience=None if watch is None else recipe.patience,
        restore_best=watch is not None,
        max_time=seconds,
        callback=callback,
    )
    trained.stop_reason = history.stop_reason
    if history.stop_reason == "epochs" and trained.epochs < recipe.epochs:
        trained.stop_reason = "time"
    trained.best_epoch = history.best_epoch
    if watch is not None and history.epochs:
        trained.best_loss = trained.validation_loss[history.best_epoch - 1]
        trained.temperature = temperatures[history.best_epoch - 1]
    return trained


def _flat_cosine(value: float) -> Cosine | float:
    """Return a schedule that stays for half of the training and then falls to 0."""
    return Cosine(value, flat=0.5) if value > 0.0 else 0.0


def arrays_of(network: Network) -> dict[str, Any]:
    """Return a member as plain values and arrays, for pickles."""
    return {
        "layer_sizes": network.layer_sizes,
        "activation": network.activations[0] if network.activations else Recipe.activation,
        "output": network.output_activation,
        "weights": list(network.weights),
        "biases": list(network.biases),
    }


def network_of(arrays: dict[str, Any]) -> Network:
    """Return the member that `arrays_of` took apart."""
    network = Network(
        arrays["layer_sizes"],
        activation=arrays["activation"],
        output_activation=arrays["output"],
        dtype="float32",
    )
    network.set_parameters(arrays["weights"], arrays["biases"])
    return network
