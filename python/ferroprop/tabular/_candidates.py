"""The encodings of numbers that an ensemble tries, and the networks of several of them side by side.

Which encoding is best depends on the table, and two that are about as good err in different rows. So members
are trained with each, and those of encodings that are not much worse than the best one are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ferroprop._core import Network
from ferroprop.estimators._typing import Array
from ferroprop.tabular._member import name_of_inputs
from ferroprop.tabular._numbers import NumberColumn
from ferroprop.tabular._recipe import MOST_INPUTS
from ferroprop.tabular.encoder import ENCODINGS, NumericEncoding, TabularEncoder

Which = TypeVar("Which")


@dataclass(frozen=True, order=True)
class Candidate:
    """A way to make the inputs of networks.

    Attributes
    ----------
    place : int
        The number of the encoding among those that are tried.
    numeric_encoding : str
        Its name.
    weighted : bool
        Whether the inputs of columns that matter little are made small.
    """

    place: int
    numeric_encoding: NumericEncoding
    weighted: bool = False

    @property
    def name(self) -> str:
        """What messages and results call it."""
        return name_of_inputs(self.numeric_encoding, self.weighted)


def worth_a_try(encoders: Sequence[TabularEncoder]) -> list[int]:
    """Return the places of the encodings to try.

    One that has the inputs of an earlier one, because no column has numbers for it, is left out, and so are
    'values' if no column has such inputs, and a further one that has more inputs than a fit should hold in
    memory.
    """
    seen: list[list[str]] = []
    places = []
    for place, encoder in enumerate(encoders):
        names = [name for column in encoder.columns_ for name in column.feature_names()]
        is_further = place > 0 and encoder.numeric_encoding in ("fine", "values")
        is_plain = encoder.numeric_encoding == "values" and not any(
            isinstance(column, NumberColumn) and column.values is not None for column in encoder.columns_
        )
        if names not in seen and not (is_further and (is_plain or len(names) > MOST_INPUTS)):
            places.append(place)
        seen.append(names)
    return places


def near_the_best(losses: Mapping[Which, float], ratio: float) -> list[Which]:
    """Return the keys of losses that are at most `ratio` times the least one; if `ratio` is 1, one key."""
    best = min(losses, key=lambda which: losses[which])
    most = ratio * losses[best]
    return [which for which in losses if which == best or (ratio > 1.0 and losses[which] <= most)]


def mean_losses(losses: Mapping[tuple[int, Which], float]) -> dict[Which, float]:
    """Return the mean loss of each candidate, over the members that were trained with all of them.

    Parameters
    ----------
    losses : dict
        The loss on its fold by the number of the member and the candidate.
    """
    candidates = list(dict.fromkeys(which for _, which in losses))
    members = {member for member, _ in losses}
    common = [member for member in sorted(members) if all((member, which) in losses for which in candidates)]
    return {
        which: math.fsum(losses[member, which] for member in common) / len(common) for which in candidates
    }


def union_of(encodings: Iterable[NumericEncoding]) -> NumericEncoding:
    """Return the encoding that has the inputs of each of these.

    Examples
    --------
    >>> union_of(["fine", "both", "fine"])
    'both+fine'
    """
    beside = {part for encoding in encodings for part in encoding.split("+")}
    beside = beside - {"linear"} or {"linear"}
    return next(known for known in ENCODINGS if set(known.split("+")) == beside)


def widened(network: Network, places: Array, n_inputs: int) -> Network:
    """Return a network of more inputs with the same outputs: those at other places have no weight."""
    first, *rest = network.weights
    weights = np.zeros((n_inputs, first.shape[1]), dtype=first.dtype)
    weights[places] = first
    result = Network(
        [n_inputs, *network.layer_sizes[1:]],
        activation=network.activations,
        output_activation=network.output_activation,
        dtype=network.dtype,
    )
    result.set_parameters([weights, *rest], network.biases)
    return result
