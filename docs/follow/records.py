"""The trainings behind the page "Follow a step": every number of every step, as the core computed it."""

from typing import Any

import ferroprop as fp
import numpy as np

XOR = {
    "name": "xor",
    "title": "XOR, 2-3-1, tanh and logistic",
    "about": "Are the two inputs different? No straight line parts the answers: it takes hidden units.",
    "sizes": [2, 3, 1],
    "activations": ["tanh", "logistic"],
    "loss": "log_loss",
    "inputs": [[0, 0], [0, 1], [1, 0], [1, 1]],
    "targets": [[0], [1], [1], [0]],
    "seed": 19,
    "steps": 32,
    "optimizers": [
        ("Rprop (iRprop+)", lambda: fp.Rprop("irprop+")),
        ("Rprop (iRprop-)", lambda: fp.Rprop("irprop-")),
        ("Gradient descent, learning rate 2", lambda: fp.SGD(2.0, momentum=0.0)),
    ],
}
MAZUR = {
    "name": "mazur",
    "title": "Mazur's example, 2-2-2, logistic",
    "about": "One row and two outputs: the network of a well-known text on backpropagation.",
    "sizes": [2, 2, 2],
    "activations": ["logistic", "logistic"],
    "loss": "squared_error",
    "inputs": [[0.05, 0.10]],
    "targets": [[0.01, 0.99]],
    "weights": [[[0.15, 0.25], [0.20, 0.30]], [[0.40, 0.50], [0.45, 0.55]]],
    "biases": [[0.35, 0.35], [0.60, 0.60]],
    "steps": 24,
    "optimizers": [
        ("Gradient descent, learning rate 0.5", lambda: fp.SGD(0.5, momentum=0.0)),
        ("Rprop (iRprop+)", lambda: fp.Rprop("irprop+")),
    ],
}
BUMP = {
    "name": "bump",
    "title": "A curve, 1-3-1, tanh and identity",
    "about": "Regression: the output is to follow five points of a bump.",
    "sizes": [1, 3, 1],
    "activations": ["tanh", "identity"],
    "loss": "squared_error",
    "inputs": [[-1], [-0.5], [0], [0.5], [1]],
    "targets": [[0], [0.5], [1], [0.5], [0]],
    "seed": 1,
    "steps": 32,
    "optimizers": [
        ("Rprop (iRprop+)", lambda: fp.Rprop("irprop+")),
        ("Rprop (iRprop-)", lambda: fp.Rprop("irprop-")),
        ("Gradient descent, learning rate 0.2", lambda: fp.SGD(0.2, momentum=0.0)),
    ],
}
NETWORKS = [XOR, MAZUR, BUMP]


def start(network: dict[str, Any]) -> fp.Network:
    """Return the network before its first step."""
    first, last = network["activations"]
    net = fp.Network(
        network["sizes"],
        activation=first,
        output_activation=last,
        dtype="float64",
        seed=network.get("seed", 0),
    )
    if "weights" in network:
        net.set_parameters(network["weights"], network["biases"])
    return net


def recorded(network: dict[str, Any]) -> dict[str, Any]:
    """Return a network of the list with the records of its trainings, as plain lists and numbers."""
    runs = [
        {"title": title, "optimizer": _described(make()), "records": _records(network, make())}
        for title, make in network["optimizers"]
    ]
    kept = ("name", "title", "about", "sizes", "activations", "loss", "inputs", "targets")
    return {**{key: network[key] for key in kept}, "runs": runs}


def _described(optimizer: Any) -> dict[str, Any]:
    if isinstance(optimizer, fp.SGD):
        return {"rule": "sgd", "learning_rate": optimizer.learning_rate}
    constants = ("increase", "decrease", "initial_step", "min_step", "max_step")
    return {"rule": optimizer.variant, **{name: getattr(optimizer, name) for name in constants}}


def _records(network: dict[str, Any], optimizer: Any) -> list[dict[str, Any]]:
    """Return what is before each step, and once more what is after the last one."""
    net, X, Y, loss = start(network), network["inputs"], network["targets"], network["loss"]
    records = []
    for step in range(network["steps"] + 1):
        records.append(_record(net, X, Y, loss, optimizer))
        fp.train(net, X, Y, loss=loss, optimizer=optimizer, epochs=1, shuffle=False, warm_start=step > 0)
    return records


def _record(net: fp.Network, X: Any, Y: Any, loss: str, optimizer: Any) -> dict[str, Any]:
    traced = fp.trace(net, X, Y, loss=loss, optimizers=[])
    memory = _by_layer(net, optimizer)
    layers = [
        {
            "weights": layer.weights.tolist(),
            "biases": layer.biases.tolist(),
            "z": layer.net_input.tolist(),
            "a": layer.output.tolist(),
            "delta": layer.delta.tolist(),
            "weight_gradient": layer.weight_gradient.tolist(),
            "bias_gradient": layer.bias_gradient.tolist(),
            "memory": of_layer,
        }
        for layer, of_layer in zip(traced.layers, memory, strict=True)
    ]
    return {"loss": traced.loss, "row_losses": traced.row_losses.tolist(), "layers": layers}


def _by_layer(net: fp.Network, optimizer: Any) -> list[dict[str, Any]]:
    """Return what Rprop remembers of each layer's parameters: its arrays are flat, layer after layer."""
    layers: list[dict[str, Any]] = [{} for _ in net.weights]
    if not isinstance(optimizer, fp.Rprop):
        return layers
    count = sum(W.size + b.size for W, b in zip(net.weights, net.biases, strict=True))
    before_the_first_step = {
        "step_size": np.full(count, optimizer.initial_step),
        "previous_gradient": np.zeros(count),
        **({"change": np.zeros(count)} if optimizer.variant.endswith("+") else {}),
    }
    for name, at_first in before_the_first_step.items():
        array, position = optimizer.state.get(name, at_first), 0
        for layer, W, b in zip(layers, net.weights, net.biases, strict=True):
            middle, end = position + W.size, position + W.size + b.size
            layer[name] = {
                "weights": array[position:middle].reshape(W.shape).tolist(),
                "biases": array[middle:end].tolist(),
            }
            position = end
    return layers
