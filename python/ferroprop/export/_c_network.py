"""The layers of a network in C, in floats or in eight bits. ``@`` stands for the prefix of all names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ferroprop.export import _c_functions
from ferroprop.export._c_text import array, number
from ferroprop.export._description import Activation, Dense
from ferroprop.export._quantize import PIECES, Hidden8, Layer8, Network8


@dataclass(frozen=True)
class NetworkCode:
    """A network in C: ``@outputs(x, y)``.

    Parameters
    ----------
    constants, functions : str
        Arrays, and functions that use them.
    constant_bytes, buffer_bytes : int
        Sizes of the constant arrays, and of the arrays on the stack.
    """

    constants: str
    functions: str
    constant_bytes: int
    buffer_bytes: int


DENSE = """
/* y = W x + b, a row of W for each y */
static inline void @dense(const float *x, int n, const float *w, const float *b, int m, float *y)
{
    int i, o;
    for (o = 0; o < m; o++) {
        float sum = b ? b[o] : 0.0f;
        for (i = 0; i < n; i++) sum += x[i] * w[i];
        w += n;
        y[o] = sum;
    }
}
"""

SUM_8 = """
/* start + w x */
static inline int32_t @sum(const int8_t *x, const int8_t *w, int n, int32_t start)
{
    int i;
    for (i = 0; i < n; i++) start += (int32_t)x[i] * w[i];
    return start;
}
"""

SCALED_8 = """
/* (sum * multiplier + offset) / 2^shift, from 0 to most */
static inline int32_t @scaled(int32_t sum, int32_t multiplier, int64_t offset, int shift, int32_t most)
{
    int64_t place = (int64_t)sum * multiplier + offset;
    if (place < 0) return 0;
    place >>= shift;
    return place > most ? most : (int32_t)place;
}
"""

TABLE_8 = """
/* An activation between two entries of its table */
static inline int8_t @between(const int16_t *table, int32_t place)
{
    int32_t start = table[place >> 8], end = table[(place >> 8) + 1];
    int32_t fine = start * 256 + (end - start) * (place & 255);
    return (int8_t)(((fine + 16384) >> 15) - 128);
}
"""


def float_code(layers: Sequence[Dense]) -> NetworkCode:
    """Return the network in floats."""
    constants, lines, needed = [], [], [activation_routines(layer.activation) for layer in layers]
    n_bytes = 0
    for index, layer in enumerate(layers):
        constants.append(array("float", f"@weights_{index}", layer.weights.T.ravel()))
        n_bytes += 4 * layer.weights.size
        biases = "0"
        if layer.biases is not None:
            biases = f"@biases_{index}"
            constants.append(array("float", biases, layer.biases))
            n_bytes += 4 * layer.biases.size
        n, m = layer.weights.shape
        source, target = _buffers(index, len(layers))
        lines.append(f"@dense({source}, {n}, @weights_{index}, {biases}, {m}, {target});")
        lines.extend(activation_lines(layer.activation, target, m))
    widths = [layer.weights.shape[1] for layer in layers[:-1]]
    declared, buffer_bytes = _declared("float", 4, widths)
    counter = ["int i;"] if any(line.startswith("for") for line in lines) else []
    body = "".join(f"    {line}\n" for line in [*declared, *counter, *lines])
    functions = [
        *_c_functions.routines_for(name for names in needed for name in names),
        *([_c_functions.SOFTMAX] if layers[-1].activation.name == "softmax" else []),
        DENSE,
        f"\nstatic inline void @outputs(const float *x, float *y)\n{{\n{body}}}\n",
    ]
    return NetworkCode("\n".join(constants), "".join(functions), n_bytes, buffer_bytes)


def int8_code(network: Network8, activation: Activation) -> NetworkCode:
    """Return the network in eight bits, with this output activation."""
    n_inputs, n_outputs = len(network.low), len(network.output.biases)
    constants = [array("float", "@low", network.low), array("float", "@factor", network.factors)]
    n_bytes = 8 * n_inputs
    lines = [
        f"for (i = 0; i < {n_inputs}; i++) {{",
        "    float scaled = (x[i] - @low[i]) * @factor[i];",
        "    if (!(scaled > 0.0f)) scaled = 0.0f;",
        "    if (scaled > 255.0f) scaled = 255.0f;",
        "    q[i] = (int8_t)((int)(scaled + 0.5f) - 128);",
        "}",
    ]
    for index, hidden in enumerate(network.hidden):
        constants.extend(_hidden_constants(index, hidden))
        n_bytes += _layer_bytes(hidden.layer) + 4 * len(hidden.multipliers)
        n_bytes += 0 if hidden.table is None else 2 * (PIECES + 1)
        lines.extend(_hidden_lines(index, hidden))
    last = len(network.hidden)
    constants.extend(_layer_constants(last, network.output))
    constants.append(array("float", "@step", network.output.steps))
    n_bytes += _layer_bytes(network.output) + 4 * n_outputs
    n = network.output.weights.shape[1]
    lines.append(f"for (i = 0; i < {n_outputs}; i++)")
    lines.append(
        f"    y[i] = @step[i] * (float)"
        f"@sum({_buffer8(last)}, @weights_{last} + i * {n}, {n}, @biases_{last}[i]);"
    )
    lines.extend(activation_lines(activation, "y", n_outputs))
    widths = [n_inputs, *(len(hidden.layer.biases) for hidden in network.hidden)]
    even, odd = max(widths[::2]), max(widths[1::2], default=0)
    declared = [f"int8_t q[{even}]{f', r[{odd}]' if odd else ''};", "int i;"]
    body = "".join(f"    {line}\n" for line in [*declared, *lines])
    functions = [
        *_c_functions.routines_for(activation_routines(activation)),
        *([_c_functions.SOFTMAX] if activation.name == "softmax" else []),
        SUM_8,
        *([SCALED_8] if network.hidden else []),
        *([TABLE_8] if any(hidden.table is not None for hidden in network.hidden) else []),
        f"\nstatic inline void @outputs(const float *x, float *y)\n{{\n{body}}}\n",
    ]
    return NetworkCode("\n".join(constants), "".join(functions), n_bytes, even + odd)


def _hidden_constants(index: int, hidden: Hidden8) -> list[str]:
    table = [] if hidden.table is None else [array("int16_t", f"@table_{index}", hidden.table)]
    multipliers = array("int32_t", f"@multipliers_{index}", hidden.multipliers)
    return [*_layer_constants(index, hidden.layer), multipliers, *table]


def _layer_constants(index: int, layer: Layer8) -> list[str]:
    return [
        array("int8_t", f"@weights_{index}", layer.weights.ravel()),
        array("int32_t", f"@biases_{index}", layer.biases),
    ]


def _layer_bytes(layer: Layer8) -> int:
    return layer.weights.size + 4 * layer.biases.size


def _hidden_lines(index: int, hidden: Hidden8) -> list[str]:
    m, n = hidden.layer.weights.shape
    source, target = _buffer8(index), _buffer8(index + 1)
    most = 255 if hidden.table is None else 65535
    result = "(int8_t)(place - 128)" if hidden.table is None else f"@between(@table_{index}, place)"
    scaling = f"@multipliers_{index}[i], INT64_C({hidden.offset}), {hidden.shift}, {most}"
    return [
        f"for (i = 0; i < {m}; i++) {{",
        f"    int32_t sum = @sum({source}, @weights_{index} + i * {n}, {n}, @biases_{index}[i]);",
        f"    int32_t place = @scaled(sum, {scaling});",
        f"    {target}[i] = {result};",
        "}",
    ]


def _buffer8(index: int) -> str:
    return "r" if index % 2 else "q"


def activation_routines(activation: Activation) -> tuple[str, ...]:
    """Return the routines that an activation needs."""
    return ("exp",) if activation.name == "softmax" else _written(activation)[1]


def _written(activation: Activation) -> tuple[str, tuple[str, ...]]:
    if activation.name not in _c_functions.ACTIVATIONS:
        raise ValueError(f"the activation {activation.name!r} cannot be written as C")
    return _c_functions.ACTIVATIONS[activation.name]


def activation_lines(activation: Activation, values: str, n: int) -> list[str]:
    """Return the statements that apply an activation to an array."""
    if activation.name == "softmax":
        return [f"@softmax({values}, {n});"]
    expression = activation_expression(activation)
    if expression == "z":
        return []
    return [
        f"for (i = 0; i < {n}; i++) {{",
        f"    float z = {values}[i];",
        f"    {values}[i] = {expression};",
        "}",
    ]


def activation_expression(activation: Activation) -> str:
    """Return an activation as an expression of z."""
    expression, _ = _written(activation)
    return expression.format(**{name: number(one) for name, one in activation.hyperparameters.items()})


def _buffers(index: int, n_layers: int) -> tuple[str, str]:
    """Return the buffers that a layer reads and writes: they alternate."""
    source = "x" if index == 0 else "ab"[(index - 1) % 2]
    return source, "y" if index == n_layers - 1 else "ab"[index % 2]


def _declared(kind: str, size: int, widths: Sequence[int]) -> tuple[list[str], int]:
    even, odd = max(widths[::2], default=0), max(widths[1::2], default=0)
    names = [f"{name}[{width}]" for name, width in (("a", even), ("b", odd)) if width]
    return ([f"{kind} {', '.join(names)};"] if names else []), size * (even + odd)
