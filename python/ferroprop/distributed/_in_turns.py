"""Trainings on mini-batches, shard after shard: network and optimizer travel, rows stay where they are."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ferroprop._core import Epoch, History, Network, Optimizer, RemoteRows, Schedule
from ferroprop._core import train as train_here
from ferroprop.distributed._shards import Part, Shards, placed


def train_in_turns(
    network: Network,
    shards: Shards,
    *,
    optimizer: Optimizer,
    batch_size: int,
    epochs: int = 200,
    shuffle: bool = True,
    seed: int = 0,
    validation: RemoteRows | None = None,
    validation_score: Callable[[Network], float] | None = None,
    patience: int | None = None,
    tolerance: float = 0.0,
    restore_best: bool | None = None,
    max_time: float | None = None,
    callback: Callable[[Epoch], object] | None = None,
    warm_start: bool = False,
    **keywords: Any,
) -> History:
    """Train a network on mini-batches, in each epoch on one shard after the other.

    One step needs the parameters of the last one, so workers wait for each other: it is a way to train on
    more rows than one machine has memory for, and no faster than one of them. The result depends on the cut
    into shards, as that of mini-batches in one place depends on their order, but neither on the workers nor
    on chance.

    Parameters
    ----------
    network : Network
        Changed in place at the end; if the call raises, it is as it was.
    shards : Shards
        Parts of the table.
    optimizer : Optimizer
        The rule; not changed.
    batch_size : int
        Rows in a mini-batch; the last one of each shard has what is left.
    epochs, patience, tolerance, restore_best, max_time, callback
        As for `ferroprop.train`.
    shuffle : bool, default=True
        Whether shards come in another random order in each epoch, and the rows of each too.
    seed : int, default=0
        Of the orders, and of what dropout leaves out.
    validation : RemoteRows or None, default=None
        Validation rows.
    validation_score : callable or None, default=None
        As for `ferroprop.train`.
    warm_start : bool, default=False
        Whether the optimizer goes on from what it remembers.
    **keywords
        What else `ferroprop.train` takes, without a checkpoint.

    Returns
    -------
    History
        As from `ferroprop.train`; the loss of an epoch is the mean over the shards, by their rows.
    """
    _check(network, optimizer, batch_size, epochs, patience, tolerance, max_time, keywords)
    _check_functions(callback=callback, validation_score=validation_score)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 1 << 64:
        raise ValueError(f"seed must be an integer from 0 to 2**64 - 1, got {seed!r}")
    if restore_best is not None and not isinstance(restore_best, (bool, np.bool_)):
        raise TypeError(f"restore_best must be True, False or None, got {restore_best!r}")
    began = time.monotonic()
    curves: dict[str, list[float]] = {
        name: [] for name in ("loss", "penalty", "validation_loss", "validation_score", "learning_rate")
    }
    restores = validation is not None or validation_score is not None
    restores = restores if restore_best is None else restore_best
    now = best = network.copy()
    least, waited, best_epoch, reason = math.inf, 0, 0, "epochs"
    for epoch in range(1, epochs + 1):
        order = np.arange(shards.n_parts)
        if shuffle:
            np.random.default_rng([seed, epoch]).shuffle(order)
        settings = {**keywords, "batch_size": batch_size, "shuffle": shuffle}
        try:
            turn = _epoch(now, optimizer, warm_start, shards, order, [seed, epoch], settings)
            if turn is None:
                reason = "diverged"
                break
            trained, optimizer, loss, penalty, rate = turn
            validation_loss = None if validation is None else validation.sums(trained, False).mean_loss
            score = None if validation_score is None else float(validation_score(trained))
        except KeyboardInterrupt:
            reason = "interrupted"
            break
        now, warm_start = trained, True
        for name, value in zip(curves, (loss, penalty, validation_loss, score, rate), strict=True):
            if value is not None:
                curves[name].append(value)
        watched = loss if validation_loss is None else validation_loss
        watched = watched if score is None else -score
        waited = 0 if watched <= least - tolerance else waited + 1
        if watched < least:
            least, best, best_epoch = watched, now, epoch
        seconds = time.monotonic() - began
        if callback is not None:
            told = Epoch(
                network=now.copy(),
                epoch=epoch,
                loss=loss,
                penalty=penalty,
                validation_loss=validation_loss,
                validation_score=score,
                learning_rate=rate,
                seconds=seconds,
            )
            try:
                if callback(told) is True:
                    reason = "callback"
                    break
            except KeyboardInterrupt:
                reason = "interrupted"
                break
        if patience is not None and waited >= patience:
            reason = "patience"
            break
        if max_time is not None and seconds >= max_time:
            reason = "time"
            break
    if reason == "interrupted":
        warnings.warn("Training interrupted by user.", UserWarning, stacklevel=2)
    if reason == "diverged":
        warnings.warn(
            f"training diverged in epoch {epoch}: the loss or a parameter became infinite or NaN; the "
            "network keeps its last finite parameters; scale X, or make the steps smaller",
            RuntimeWarning,
            stacklevel=2,
        )
    now = best if restores and best_epoch else now
    network.set_parameters(now.weights, now.biases)
    state = {**curves, "best_epoch": best_epoch, "stop_reason": reason}
    return History._from_state({**state, "seconds": time.monotonic() - began})


Turn = tuple[Network, Optimizer, float, float, float | None]


def _check(
    network: Any,
    optimizer: Any,
    batch_size: Any,
    epochs: Any,
    patience: Any,
    tolerance: Any,
    max_time: Any,
    keywords: dict[str, Any],
) -> None:
    """Refuse what a training in turns cannot do, and what nobody can."""
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {type(network).__name__}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an optimizer object, got {type(optimizer).__name__}")
    if "checkpoint" in keywords and keywords["checkpoint"] is not None:
        raise ValueError("checkpoint must be None with mini-batches on many machines, got a path")
    dropout = keywords.get("dropout", 0.0)
    rates = [
        *optimizer.hyperparameters.values(),
        *(dropout if isinstance(dropout, (list, tuple)) else [dropout]),
    ]
    for rate in rates:
        if isinstance(rate, Schedule) or callable(rate):
            raise ValueError(f"rates must be constant with mini-batches on many machines, got {rate!r}")
    for name, number in (("batch_size", batch_size), ("epochs", epochs), ("patience", patience)):
        may_be_none = name == "patience"
        is_count = isinstance(number, (int, np.integer)) and not isinstance(number, bool) and number >= 1
        if not (is_count or (number is None and may_be_none)):
            raise ValueError(f"{name} must be a positive integer{' or None' * may_be_none}, got {number!r}")
    if not isinstance(tolerance, (int, float, np.number)) or not math.isfinite(tolerance):
        raise ValueError(f"tolerance must be a finite number, got {tolerance!r}")
    if max_time is not None and not (isinstance(max_time, (int, float, np.number)) and max_time > 0):
        raise ValueError(f"max_time must be a positive number or None, got {max_time!r}")


def _check_functions(**functions: Any) -> None:
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise TypeError(f"{name} must be a function or None, got {type(function).__name__}")


def _epoch(
    network: Network,
    optimizer: Optimizer,
    warm_start: bool,
    shards: Shards,
    order: Any,
    seed: list[int],
    settings: dict[str, Any],
) -> Turn | None:
    """Train on each shard once; return network, optimizer, means of loss and penalty, and the last rate."""
    losses, rate = np.zeros(3), None
    for index in order.tolist():
        own = {**settings, "seed": int(np.random.default_rng([*seed, index]).integers(1 << 63))}
        turn = shards.call(index, train_on, network, optimizer, warm_start, own)
        if turn is None:
            return None
        network, optimizer, loss, penalty, own_rate, weight = turn
        rate = rate if own_rate is None else own_rate  # None of a shard whose rows all weigh nothing
        losses += [weight, weight * loss, weight * penalty]
        warm_start = True
    weight, loss, penalty = losses.tolist()
    # shards whose rows all weigh nothing
    return network, optimizer, loss / weight if weight else 0.0, penalty / weight if weight else 0.0, rate


def train_on(
    part: Part, network: Network, optimizer: Optimizer, warm_start: bool, settings: dict[str, Any]
) -> Any:
    """Train on a part, where it is, for an epoch; None after a divergence."""
    X, Y, sample_weight, first_row = part
    network = network.copy()
    if sample_weight is not None and not np.any(sample_weight):
        return network, optimizer, 0.0, 0.0, None, 0.0
    with placed(first_row), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "training diverged", RuntimeWarning)
        history = train_here(
            network,
            X,
            Y,
            sample_weight=sample_weight,
            optimizer=optimizer,
            warm_start=warm_start,
            epochs=1,
            **settings,
        )
    if history.stop_reason == "diverged":
        return None
    rates, weight = history.learning_rate, len(X) if sample_weight is None else float(sample_weight.sum())
    return network, optimizer, history.loss[-1], history.penalty[-1], rates[-1] if rates else None, weight
