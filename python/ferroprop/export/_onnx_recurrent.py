"""Layers that recur as ONNX's operators RNN, LSTM and GRU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ferroprop.export._description import Array, Recurrent
from ferroprop.export._onnx_graph import Graph

OPERATORS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
GATES = {"rnn": [0], "lstm": [0, 3, 1, 2], "gru": [1, 0, 2]}
"""ONNX's order, i, o, f, c and z, r, h, as places in ours, i, f, g, o and r, z, n."""

ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "logistic": "Sigmoid"}
"""Activations of "rnn" that the operator RNN has, and runtimes compute."""


def add_recurrent(graph: Graph, x: str, layers: Sequence[Recurrent], *, every: bool) -> str:
    """Add the layers; return the outputs of the last one, (rows, steps, units) or of the last step."""
    x = graph.node("Transpose", x, perm=[1, 0, 2])  # the operators have steps of time first
    squeezed = graph.constant([1], np.int64)
    for index, layer in enumerate(layers):
        is_last = index == len(layers) - 1
        outputs = _add_layer(graph, x, index, layer)
        if is_last and not every:
            return graph.node("Squeeze", outputs[1], graph.constant([0], np.int64))
        x = graph.node("Squeeze", outputs[0], squeezed)
    return graph.node("Transpose", x, perm=[1, 0, 2])


def _add_layer(graph: Graph, x: str, index: int, layer: Recurrent) -> tuple[str, str]:
    """Return the outputs of all steps, (steps, 1, rows, units), and of the last one, (1, rows, units)."""
    units = len(layer.recurrent_weights)
    attributes: dict[str, Any] = {"hidden_size": units}
    if layer.cell == "rnn":
        name, slope = layer.activation.name, layer.activation.hyperparameters.get("slope", 1.0)
        if name not in ACTIVATIONS or slope != 1.0:
            raise ValueError(
                f"layer {index}: ONNX has recurrent layers with the activations {', '.join(ACTIVATIONS)}, "
                f"got {name!r}" + (f" with slope {slope}" if name in ACTIVATIONS else "")
            )
        attributes["activations"] = [ACTIVATIONS[name]]
    if layer.cell == "gru":
        attributes["linear_before_reset"] = 1

    def in_order(array: Array) -> Array:
        gates = np.split(array, len(GATES[layer.cell]), axis=-1)
        ordered: Array = np.concatenate([gates[place] for place in GATES[layer.cell]], axis=-1)
        return ordered

    operands = [
        x,
        graph.constant(in_order(layer.weights).T[None], name=f"{index}.weights"),
        graph.constant(in_order(layer.recurrent_weights).T[None], name=f"{index}.recurrent_weights"),
    ]
    if layer.biases is not None:
        from_states = np.zeros_like(layer.biases)
        if layer.recurrent_biases is not None:
            from_states[-units:] = layer.recurrent_biases
        biases = np.concatenate([in_order(layer.biases), in_order(from_states)])
        operands.append(graph.constant(biases[None], name=f"{index}.biases"))
    every, last = graph.unique(OPERATORS[layer.cell]), graph.unique("state")
    graph.node(OPERATORS[layer.cell], *operands, to=[every, last], **attributes)
    return every, last
