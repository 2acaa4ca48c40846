"""Stochastic layers in a derivation: what was drawn, and what stands for its derivative."""

from typing import Any

import numpy as np

from ferroprop.catalogue import STOCHASTIC_ACTIVATIONS
from ferroprop.inspection._double import Array, name_of
from ferroprop.inspection._step import LayerTrace, Step

_DERIVATIVES = {
    "straight_through": "of the probability, in place of that of the draw",
    "concrete": "of the relaxed draw",
    "straight_through_concrete": "of the relaxed draw, in place of that of the draw",
}


def is_stochastic(activation: Any) -> bool:
    """Return whether the outputs of an activation are drawn."""
    return name_of(activation) in STOCHASTIC_ACTIVATIONS


def setting(activation: Any, name: str) -> Any:
    """Return a hyperparameter of stochastic units, given by name or as an object."""
    known = {one.name: one.default for one in STOCHASTIC_ACTIVATIONS[name_of(activation)].hyperparameters}
    return getattr(activation, name, known[name])


def samples_of(activations: list[Any]) -> int:
    """Return the number of draws per row in a step; 0 without stochastic units."""
    return max((setting(one, "samples") for one in activations if is_stochastic(one)), default=0)


def is_scored(layer: LayerTrace) -> bool:
    """Return whether deltas of a layer come from the losses of draws."""
    return is_stochastic(layer.activation) and setting(layer.activation, "estimator") == "score_function"


def is_grouped(layer: LayerTrace) -> bool:
    """Return whether a delta of a layer depends on the derivatives by several outputs."""
    return name_of(layer.activation) == "categorical" and not is_scored(layer)


def how_drawn(layer: LayerTrace) -> str:
    """Return a sentence about the outputs of a layer."""
    k, relaxed = layer.number, setting(layer.activation, "estimator") == "concrete"
    if name_of(layer.activation) == "categorical":
        group = setting(layer.activation, "k")
        what = "Each group of %d units is a relaxed draw" if relaxed else "One of each %d units is drawn as 1"
        return f"{what % group}, with the probabilities of a softmax of z{k}."
    what = "a relaxed draw" if relaxed else "drawn as 1 or 0"
    return f"a{k}[j] is {what}: 1 has the probability 1/(1 + exp(-z{k}[j]))."


def how_estimated(layer: LayerTrace) -> str:
    """Return a sentence about the deltas of a layer."""
    k, estimator = layer.number, setting(layer.activation, "estimator")
    if estimator == "score_function":
        return (
            f"score_function: δ{k}[i] is the row's loss, less the mean loss of its other samples, "
            f"times a{k}[i] less the probability of 1."
        )
    through = "through the softmax of its group" if is_grouped(layer) else f"f{k}′"
    return f"{estimator}: {through}, the derivative {_DERIVATIVES[estimator]}."


def signal_of(trace: Step, layer: LayerTrace, row: int) -> float:
    """Return the factor of a row's score."""
    samples = setting(layer.activation, "samples")
    first = row - row % samples
    losses: Array = trace.row_losses[first : first + samples]
    others = np.delete(losses, row - first)
    baseline = others.mean() if len(others) else 0.0
    return float((losses[row - first] - baseline) * trace.sample_weight[row])
