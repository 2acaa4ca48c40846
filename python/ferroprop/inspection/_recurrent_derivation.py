"""A step of a recurrent network for one sequence in plain text, time by time."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from ferroprop.inspection._derivation import Note, Part, Table, and_more, as_text, notes_on
from ferroprop.inspection._double import Array, name_of
from ferroprop.inspection._formula import number
from ferroprop.inspection._recurrent_step import RecurrentLayerTrace, RecurrentStep
from ferroprop.inspection._step import Update

FIRST_GATE = {"rnn": "z", "lstm": "i", "gru": "r"}

_Arrays: TypeAlias = tuple[str, str, Array | None, Array | None]
"""A letter, the name of the attribute, values and gradients."""


def derive(trace: RecurrentStep, sequence: int, digits: int, max_units: int, max_steps: int) -> list[str]:
    """Return the step for one sequence, line by line."""

    def row(numbers: Array) -> str:
        shown = [f"{number:.{digits}g}" for number in numbers[:max_units]]
        more = f", and {len(numbers) - max_units} more" if len(numbers) > max_units else ""
        return f"({', '.join(shown)}{more})"

    x, steps = trace.inputs[sequence], len(trace.inputs[sequence])
    first = trace.layers[0]
    sizes = [x.shape[1], *(layer.outputs[0].shape[1] for layer in trace.layers), trace.outputs[0].shape[1]]
    half = max_steps // 2
    times = range(steps) if steps <= max_steps else [*range(max_steps - half), *range(steps - half, steps)]
    left_out = steps - len(times)
    gap = f"  ... {left_out} steps of time ..."

    def with_gap(order: list[int]) -> list[int | None]:
        found: list[int | None] = []
        for time in order:
            if found and found[-1] is not None and abs(found[-1] - time) > 1:
                found.append(None)
            found.append(time)
        return found

    def target_row(time: int) -> int | None:
        if trace.returns == "every":
            return time
        return 0 if time == steps - 1 else None

    lines = [
        f"One step of backpropagation through time: layers {'-'.join(map(str, sizes))}, {first.cell}, "
        f"{trace.loss_name}, sequence {sequence} of {len(trace.inputs)}, {steps} steps",
        "Forward",
    ]
    for time in with_gap([*times]):
        if time is None:
            lines.append(gap)
            continue
        lines.append(f"  t = {time + 1}    x = {row(x[time])}")
        for layer in trace.layers:
            lines.append(f"    layer {layer.number}    {_forward(layer, sequence, time, row)}")
        if (place := target_row(time)) is not None:
            lines.append(
                f"    output    y = {row(trace.outputs[sequence][place])}    "
                f"target {row(trace.targets[sequence][place])}    "
                f"E = {trace.row_losses[sequence][place]:.{digits}g}"
            )
    lines.append("Backward")
    for time in with_gap([*reversed(times)]):
        if time is None:
            lines.append(gap)
            continue
        place = target_row(time)
        of_output = (
            "" if place is None else f"    delta of the output {row(trace.output_delta[sequence][place])}"
        )
        lines.append(f"  t = {time + 1}{of_output}")
        for layer in reversed(trace.layers):
            deltas = "    ".join(
                f"delta {name} {row(of_gate[sequence][time])}" for name, of_gate in layer.delta.items()
            )
            gradient = row(layer.output_gradient[sequence][time])
            lines.append(f"    layer {layer.number}    dE/dh = {gradient}    {deltas}")
    lines.append("Gradients and updates")
    lines += [f"  {line}" for line in as_text(notes_on(trace.optimizers)).splitlines()]
    mean = "" if trace.weight_sum == 1 else f", over {trace.weight_sum:.{digits}g}"
    for layer in trace.layers:
        k, gate = layer.number, FIRST_GATE[layer.cell]
        before = "x" if k == 1 else f"h{k - 1}"
        of_inputs, of_states = layer.weight_gradient[0, 0], layer.recurrent_weight_gradient[0, 0]
        lines += [
            f"  dE/dW{k}[0,0] = sum of {before}[0] delta {gate}[0]{mean} = {of_inputs:.{digits}g}",
            f"  dE/dU{k}[0,0] = sum of h'[0] delta {gate}[0]{mean} = {of_states:.{digits}g}",
        ]
        arrays: list[_Arrays] = [
            ("W", "weights", layer.weights, layer.weight_gradient),
            ("U", "recurrent_weights", layer.recurrent_weights, layer.recurrent_weight_gradient),
            ("b", "biases", layer.biases, layer.bias_gradient),
            ("c", "recurrent_biases", layer.recurrent_biases, layer.recurrent_bias_gradient),
        ]
        lines += _table(k, arrays, layer.updates, digits, max_units)
    last = len(trace.layers) + 1
    of_top: list[_Arrays] = [
        ("W", "weights", trace.output_weights, trace.output_weight_gradient),
        ("b", "biases", trace.output_biases, trace.output_bias_gradient),
    ]
    lines += [
        f"  dE/dW{last}[0,0] = {trace.output_weight_gradient[0, 0]:.{digits}g}",
        *_table(last, of_top, trace.output_updates, digits, max_units),
        f"Loss over all rows: {trace.loss:.{digits}g}",
    ]
    return lines


def _table(
    layer: int,
    arrays: list[_Arrays],
    updates: dict[str, Update],
    digits: int,
    max_units: int,
) -> list[str]:
    """Return the first parameters of each array with their gradients and what each optimizer adds."""
    rows, left = [], 0
    for name, kind, values, gradients in arrays:
        if values is None or gradients is None:
            continue
        places = list(np.ndindex(*(min(size, max_units) for size in values.shape)))
        left += values.size - len(places)
        for place in places:
            changes = (getattr(update, kind)[place] for update in updates.values())
            numbers = map(float, (values[place], gradients[place], *changes))
            index = ",".join(map(str, place))
            rows.append([f"{name}{layer}[{index}]", *(number(one, digits) for one in numbers)])
    parts: list[Part] = [Table(["", "value", "gradient", *(f"{name} adds" for name in updates)], rows)]
    if left:
        parts.append(Note(and_more(left, "parameters")))
    return as_text(parts).splitlines()


def _forward(layer: RecurrentLayerTrace, sequence: int, time: int, row: Any) -> str:
    k = layer.number
    x = "x" if k == 1 else f"h{k - 1}"
    bias = "" if layer.biases is None else f" + b{k}"
    h = row(layer.outputs[sequence][time])
    if layer.cell == "rnn":
        return f"h = {name_of(layer.activation)}({x} W{k} + h' U{k}{bias}) = {h}"
    gates = "    ".join(f"{name} = {row(of_gate[sequence][time])}" for name, of_gate in layer.gates.items())
    if layer.cells is None:
        return f"{gates}    h = (1 - z) n + z h' = {h}"
    return f"{gates}    c = f c' + i g = {row(layer.cells[sequence][time])}    h = o tanh(c) = {h}"
