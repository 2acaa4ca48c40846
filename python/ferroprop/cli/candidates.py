"""Settings that a search tries: first those given, then draws of what was left open."""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ferroprop.cli.settings import ModelName, Settings, takes_mini_batches

MOST_REPEATED = 1000
"""After this many draws of settings that were tried already, nothing new is left."""

_SPACES: Mapping[ModelName, Mapping[str, Sequence[Any]]] = {
    "tabular": {
        "hidden": [(64, 64), (128, 128), (256, 256), (64, 64, 64), (128, 128, 128), (256, 256, 256)],
        "learning_rate": (5e-4, 1.2e-2),
        "batch_size": [32, 64, 128, 256],
    },
    "mlp": {
        "hidden": [(16,), (32,), (64,), (128,), (32, 16), (64, 32), (64, 64), (128, 64)],
        "activation": ["tanh", "relu", "gelu"],
        "solver": ["rprop", "adam"],
        "alpha": (1e-6, 1.0),
        "learning_rate": (3e-4, 3e-2),
        "batch_size": [32, 64, 128, 256],
    },
}
"""What each setting can be: one of a list, or a number between two, whose logarithm is uniform."""

FEWEST_BATCHES = 4
_OF_MINI_BATCHES = ("learning_rate", "batch_size")


def open_settings(settings: Settings, given: Collection[str]) -> list[str]:
    """Return the names of the settings that a search may choose.

    Parameters
    ----------
    settings : Settings
        The settings of the run.
    given : collection of str
        The names of those that the user chose.

    Examples
    --------
    >>> open_settings(Settings("tabular", 0), ["hidden"])
    ['learning_rate', 'batch_size']
    >>> open_settings(Settings("mlp", 0, solver="rprop"), ["solver", "alpha"])
    ['hidden', 'activation']
    """
    names = [name for name in _SPACES[settings.model] if name not in given]
    return [
        name
        for name in names
        if name not in _OF_MINI_BATCHES or "solver" in names or _by_mini_batches(settings)
    ]


def candidates(settings: Settings, names: Sequence[str], n_rows: int) -> Iterator[Settings]:
    """Yield settings to try, each once; their order depends on the arguments alone.

    Parameters
    ----------
    settings : Settings
        The first to try.
    names : sequence of str
        What may be drawn, from `open_settings`.
    n_rows : int
        The number of rows that a network learns from: an epoch has at least some mini-batches.

    Examples
    --------
    >>> first, second, *others = candidates(Settings("tabular", 0), ["batch_size"], 10_000)
    >>> first.batch_size, len(others)
    (None, 3)
    """
    space = dict(_SPACES[settings.model])
    smallest, *larger = space["batch_size"]
    space["batch_size"] = [smallest, *(size for size in larger if size * FEWEST_BATCHES <= n_rows)]
    rng = random.Random(settings.seed)
    tried = {settings}
    yield settings
    repeated = 0
    while repeated < MOST_REPEATED:
        drawn = _drawn(settings, {name: space[name] for name in names}, rng)
        if drawn in tried:
            repeated += 1
            continue
        repeated = 0
        tried.add(drawn)
        yield drawn


def _drawn(settings: Settings, space: Mapping[str, Sequence[Any]], rng: random.Random) -> Settings:
    # Each is drawn, needed or not, so that the numbers of a draw do not depend on what came out before.
    drawn = replace(settings, **{name: _value(choices, rng) for name, choices in space.items()})
    if _by_mini_batches(drawn):
        return drawn
    return replace(drawn, learning_rate=None, batch_size=None)


def _value(choices: Sequence[Any], rng: random.Random) -> Any:
    place = rng.random()
    if isinstance(choices, list):
        return choices[int(place * len(choices))]
    low, high = choices
    return float(f"{low * (high / low) ** place:.2g}")


def _by_mini_batches(settings: Settings) -> bool:
    return settings.model == "tabular" or takes_mini_batches(str(settings.solver))
