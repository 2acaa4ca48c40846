"""ONNX: a model as a graph of standard operators.

Opset 13 has all necessary operators, so runtimes since 2020 can read the file. In float32 an activation is
the ONNX operator of its name, if there is one. ONNX Runtime has few of these operators in float64, so
activations in float64 consist of sums, products, exp, log and tanh.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ferroprop._core import __version__
from ferroprop.export import _functions
from ferroprop.export._describe import describe
from ferroprop.export._description import (
    Array,
    Dense,
    Description,
    Labels,
    Outputs,
    Quantities,
)
from ferroprop.export._file import write_file
from ferroprop.export._onnx_graph import Graph
from ferroprop.export._onnx_preparation import add_operation, add_preparation
from ferroprop.export._onnx_recurrent import add_recurrent
from ferroprop.export._preparation import Column

OPSET = 13
ML_OPSET = 2
"""The version of the domain ai.onnx.ml, for LabelEncoder, which looks text up."""

ROWS, STEPS = "rows", "steps"
"""The names of the dimensions that may have any size."""


# ---- activations -------------------------------------------------------------------------------------------

Numbers: TypeAlias = Mapping[str, float]
"""The hyperparameters of an activation by name."""


def _named(operator: str) -> Callable[[Graph, str, Numbers], str]:
    return lambda graph, z, _: graph.node(operator, z)


def _logistic(graph: Graph, z: str, given: Numbers) -> str:
    slope = given["slope"]
    return graph.node("Sigmoid", z if slope == 1.0 else graph.with_number("Mul", z, slope))


def _bipolar(graph: Graph, z: str, _: Numbers) -> str:
    return graph.node("Tanh", graph.with_number("Mul", z, 0.5))


def _arctan(graph: Graph, z: str, _: Numbers) -> str:
    if not graph.is_double:
        return graph.node("Atan", z)
    # three reductions below tan(pi/8), as in src/kernel/math/arctan.rs
    one = graph.constant(1.0)
    m = graph.node("Abs", z)
    low = graph.node("Greater", m, graph.constant(np.sqrt(2.0) - 1.0))
    high = graph.node("Greater", m, graph.constant(np.sqrt(2.0) + 1.0))
    above = graph.node("Where", low, graph.node("Sub", m, one), m)
    below = graph.node("Where", low, graph.node("Add", m, one), one)
    start = graph.node("Where", low, graph.constant(np.pi / 4), graph.constant(0.0))
    above = graph.node("Where", high, graph.constant(-1.0), above)
    below = graph.node("Where", high, m, below)
    start = graph.node("Where", high, graph.constant(np.pi / 2), start)
    t = graph.node("Div", above, below)
    square = graph.node("Mul", t, t)
    series = graph.node("Mul", square, graph.polynomial(square, _functions.ATAN_F64))
    angle = graph.node("Add", start, graph.node("Add", t, graph.node("Mul", t, series)))
    return graph.node("Mul", graph.node("Sign", z), angle)


def _softsign(graph: Graph, z: str, _: Numbers) -> str:
    return graph.node("Div", z, graph.with_number("Add", graph.node("Abs", z), 1.0))


def _hard_sigmoid(graph: Graph, z: str, _: Numbers) -> str:
    shifted = graph.with_number("Add", z, 3.0)
    clipped = graph.node("Clip", shifted, graph.constant(0.0), graph.constant(6.0))
    return graph.with_number("Div", clipped, 6.0)


def _leaky_relu(graph: Graph, z: str, given: Numbers) -> str:
    slope = given["slope"]
    if not graph.is_double:
        return graph.node("LeakyRelu", z, alpha=slope)
    return _below_0(graph, z, graph.with_number("Mul", z, slope), z)


def _elu(graph: Graph, z: str, given: Numbers) -> str:
    alpha = given["alpha"]
    if not graph.is_double:
        return graph.node("Elu", z, alpha=alpha)
    return _below_0(graph, z, graph.with_number("Mul", _expm1_below_0(graph, z), alpha), z)


def _selu(graph: Graph, z: str, _: Numbers) -> str:
    scale, alpha = _functions.SELU_SCALE, _functions.SELU_ALPHA
    if not graph.is_double:
        return graph.node("Selu", z, alpha=alpha, gamma=scale)
    below = graph.with_number("Mul", _expm1_below_0(graph, z), scale * alpha)
    return _below_0(graph, z, below, graph.with_number("Mul", z, scale))


def _softplus(graph: Graph, z: str, _: Numbers) -> str:
    if not graph.is_double:
        return graph.node("Softplus", z)
    power = graph.node("Exp", graph.node("Neg", graph.node("Abs", z)))
    return graph.node("Add", graph.node("Relu", z), graph.node("Log", graph.with_number("Add", power, 1.0)))


def _gelu(graph: Graph, z: str, _: Numbers) -> str:
    if not graph.is_double:
        erf = graph.node("Erf", graph.with_number("Mul", z, np.sqrt(0.5)))
        return graph.node("Mul", z, graph.with_number("Mul", graph.with_number("Add", erf, 1.0), 0.5))
    # the tail of the normal distribution, as in src/kernel/math/normal.rs; beyond 39 it is 0
    k = _functions.K_F64
    m = graph.node("Min", graph.node("Abs", z), graph.constant(39.0))
    power = graph.node("Exp", graph.with_number("Mul", graph.node("Mul", m, m), -0.5))
    distance = graph.with_number("Add", m, k)
    t = graph.node("Div", graph.with_number("Sub", m, k), distance)
    mills = graph.node("Div", graph.polynomial(t, _functions.MILLS_F64), distance)
    tail = graph.node("Mul", power, mills)
    cumulative = _below_0(graph, z, tail, graph.node("Sub", graph.constant(1.0), tail))
    return graph.node("Mul", z, cumulative)


def _silu(graph: Graph, z: str, _: Numbers) -> str:
    return graph.node("Mul", z, graph.node("Sigmoid", z))


def _mish(graph: Graph, z: str, given: Numbers) -> str:
    return graph.node("Mul", z, graph.node("Tanh", _softplus(graph, z, given)))


def _log_sigmoid(graph: Graph, z: str, given: Numbers) -> str:
    return graph.node("Neg", _softplus(graph, graph.node("Neg", z), given))


def _hard_tanh(graph: Graph, z: str, _: Numbers) -> str:
    return graph.node("Clip", z, graph.constant(-1.0), graph.constant(1.0))


def _scaled_tanh(graph: Graph, z: str, given: Numbers) -> str:
    tanh = graph.node("Tanh", graph.with_number("Mul", z, given["slope"]))
    return graph.with_number("Mul", tanh, given["amplitude"])


def _scaled_sigmoid(graph: Graph, z: str, given: Numbers) -> str:
    sigmoid = graph.node("Sigmoid", graph.with_number("Mul", z, given["c2"]))
    return graph.with_number("Sub", graph.with_number("Mul", sigmoid, given["c1"]), given["c3"])


def _softmax(graph: Graph, z: str, _: Numbers) -> str:
    return graph.node("Softmax", z, axis=-1)


def _below_0(graph: Graph, z: str, below: str, above: str) -> str:
    return graph.node("Where", graph.node("Greater", z, graph.constant(0.0)), above, below)


def _expm1_below_0(graph: Graph, z: str) -> str:
    power = graph.node("Exp", graph.node("Min", z, graph.constant(0.0)))
    return graph.with_number("Sub", power, 1.0)


ACTIVATIONS: dict[str, Callable[[Graph, str, Numbers], str]] = {
    "identity": lambda _, z, __: z,
    "logistic": _logistic,
    "tanh": _named("Tanh"),
    "relu": _named("Relu"),
    "softplus": _softplus,
    "softsign": _softsign,
    "arctan": _arctan,
    "bipolar": _bipolar,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "silu": _silu,
    "mish": _mish,
    "hard_sigmoid": _hard_sigmoid,
    "exp": _named("Exp"),
    "log_sigmoid": _log_sigmoid,
    "hard_tanh": _hard_tanh,
    "scaled_tanh": _scaled_tanh,
    "scaled_sigmoid": _scaled_sigmoid,
    "softmax": _softmax,
}


# ---- the network and what is asked of it -------------------------------------------------------------------


def add_network(graph: Graph, x: str, described: Description) -> str:
    """Add the layers, of all networks, and return the name of the outputs."""
    ensemble = described.ensemble
    if ensemble is None:
        return _add_layers(graph, x, described, described.layers)
    outputs = [_add_layers(graph, x, described, layers) for layers in described.networks]
    graph.dtype = np.dtype(np.float64)
    total = ""
    for each in outputs:
        own = graph.node("Cast", each, type="float64")
        for operation in ensemble.operations:
            own = add_operation(graph, own, operation)
        total = graph.node("Add", total, own) if total else own
    if ensemble.is_share:
        sums = graph.node("ReduceSum", total, graph.constant([1], np.int64), keepdims=1)
        return graph.node("Div", total, sums)
    return graph.with_number("Div", total, len(outputs))


def _add_layers(graph: Graph, x: str, described: Description, layers: Sequence[Dense]) -> str:
    if described.recurrent:
        x = add_recurrent(graph, x, described.recurrent, every=described.every)
    for index, layer in enumerate(layers, len(described.recurrent)):
        operands = [x, graph.constant(layer.weights, name=f"{index}.weights")]
        if layer.biases is not None:
            operands.append(graph.constant(layer.biases, name=f"{index}.biases"))
        if described.every:  # of more dimensions than Gemm has
            x = graph.node("MatMul", *operands[:2])
            x = graph.node("Add", x, operands[2]) if len(operands) > 2 else x
        else:
            x = graph.node("Gemm", *operands)
        name = layer.activation.name
        if name not in ACTIVATIONS:
            raise ValueError(f"layer {index}: the activation {name!r} cannot be written as ONNX")
        x = ACTIVATIONS[name](graph, x, layer.activation.hyperparameters)
    return x


def add_result(
    graph: Graph, outputs: str, result: Outputs | Labels | Quantities, names: Sequence[str]
) -> None:
    """Add the model's results under these names."""
    match result:
        case Outputs():
            graph.node("Identity", outputs, to=names[0])
        case Quantities():
            for operation in result.operations:
                outputs = add_operation(graph, outputs, operation)
            if result.single:
                graph.node("Reshape", outputs, graph.constant([-1], np.int64), to=names[0])
            else:
                graph.node("Identity", outputs, to=names[0])
        case Labels():
            _add_labels(graph, outputs, result, *names)


def _add_labels(graph: Graph, outputs: str, result: Labels, label: str, probabilities: str) -> None:
    share = outputs
    if result.margins:  # as the estimator does it: at 0.5, as if they were probabilities
        share = graph.with_number("Div", graph.with_number("Add", outputs, 1.0), 2.0)
    match result.kind:
        case "multilabel":
            graph.node("Cast", graph.with_number("Greater", share, 0.5), to=label, type="int64")
        case "multiclass":
            largest = graph.node("ArgMax", share, axis=1, keepdims=0)
            graph.node("Gather", _class_labels(graph, result.classes), largest, to=label)
        case "binary":
            second = graph.node("Cast", graph.with_number("Greater", share, 0.5), type="int64")
            graph.node("Gather", _class_labels(graph, result.classes), graph.flat(second), to=label)
    if result.kind != "binary":
        graph.node("Identity", outputs, to=probabilities)
    elif result.margins:
        graph.node("Reshape", outputs, graph.constant([-1], np.int64), to=probabilities)
    elif len(result.classes) == 1:  # its probability is 1, whatever the output
        graph.node("Add", graph.with_number("Mul", outputs, 0.0), graph.constant(1.0), to=probabilities)
    else:
        first = graph.node("Sub", graph.constant(1.0), outputs)
        graph.node("Concat", first, outputs, to=probabilities, axis=1)


def _class_labels(graph: Graph, classes: Array) -> str:
    labels = np.resize(classes, 2) if len(classes) == 1 else classes
    return graph.constant(labels, label_dtype(classes), name="classes")


def label_dtype(classes: Array) -> np.dtype[Any]:
    """Return ONNX's dtype for these labels."""
    kind = classes.dtype.kind
    if kind == "U" or (kind == "O" and all(isinstance(label, str) for label in classes)):
        return np.dtype(object)
    dtypes = {"b": "bool", "i": "int64", "u": "int64", "f": "float64"}
    if kind not in dtypes:
        raise ValueError(f"classes_ must be texts or numbers for ONNX, got {classes!r:.80}")
    if kind == "u" and classes.max() > np.iinfo(np.int64).max:
        raise ValueError(f"classes_ must be up to 2^63 - 1, the largest integer of ONNX, got {classes.max()}")
    dtype: np.dtype[Any] = np.dtype(dtypes[kind])
    return dtype


# ---- the model ---------------------------------------------------------------------------------------------


def to_onnx(model: object, path: str | os.PathLike[str] | None = None, *, opset: int = OPSET) -> Any:
    """Return a model as an `onnx.ModelProto`, and write it to a file.

    The documentation of `MLPClassifier.to_onnx` lists the names of inputs and outputs. This function takes
    pipelines too.

    Parameters
    ----------
    model : Network, RecurrentNetwork, estimator or Pipeline
        An estimator or a pipeline must be fitted.
    path : str or path-like, default=None
        The file to write, usually ``.onnx``.
    opset : int, default=13
        The version of ONNX's operators; 13 is the oldest that has all necessary ones.

    Returns
    -------
    model : onnx.ModelProto
        Checked by ONNX's own checker.

    Raises
    ------
    ImportError
        If the package ``onnx`` is not installed (``pip install 'ferroprop[onnx]'``).
    TypeError, ValueError
        If the model is of another kind, not fitted, or has a step that has no form in ONNX; the message names
        the step.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import ferroprop as fp
    >>> from ferroprop.export import to_onnx
    >>> model = to_onnx(fp.Network([4, 3, 2], output_activation="softmax"))
    >>> [node.op_type for node in model.graph.node]
    ['Gemm', 'Relu', 'Gemm', 'Softmax', 'Identity']
    """
    try:
        import onnx
        from onnx import helper
    except ImportError as error:
        raise ImportError("to_onnx needs the package onnx: pip install 'ferroprop[onnx]'") from error
    newest = onnx.defs.onnx_opset_version()
    if not isinstance(opset, (int, np.integer)) or not OPSET <= opset <= newest:
        raise ValueError(f"opset must be from {OPSET} to {newest}, got {opset!r}")
    described = describe(model, recurrent=True, tables=True)
    outputs = _output_names(described.result)
    inputs = _inputs(described, outputs)
    told = _told_columns(described, list(inputs))
    graph = Graph(described.dtype, [*inputs, *outputs])
    x = next(iter(inputs))
    if described.preparation is not None:
        x = add_preparation(graph, list(inputs), described.preparation)
    add_result(graph, add_network(graph, x, described), described.result, outputs)
    made = helper.make_graph(
        graph.nodes,
        "ferroprop",
        [
            helper.make_tensor_value_info(name, *_type_of(value), doc_string=told.get(name, ""))
            for name, value in inputs.items()
        ],
        [
            helper.make_tensor_value_info(name, *_type_of(value))
            for name, value in zip(outputs, _output_types(described), strict=True)
        ],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", int(opset))]
    if any(node.domain for node in graph.nodes):
        opsets.append(helper.make_opsetid("ai.onnx.ml", ML_OPSET))
    proto = helper.make_model(
        made,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="ferroprop",
        producer_version=__version__,
    )
    if described.preparation is None and described.feature_names is not None:
        helper.set_model_props(proto, {"feature_names": json.dumps(described.feature_names)})
    onnx.checker.check_model(proto, full_check=True)
    if path is not None:
        write_file(path, proto.SerializeToString())
    return proto


Value = tuple[np.dtype[Any], list[Any]]
"""The type and the shape of a tensor."""


def _inputs(described: Description, outputs: Sequence[str]) -> dict[str, Value]:
    preparation = described.preparation
    if preparation is None:
        in_time = [STEPS] if described.recurrent else []
        return {"X": (described.dtype, [ROWS, *in_time, described.n_inputs])}
    if not preparation.is_by_column:
        return {"X": (_dtype_of_numbers(described), [ROWS, len(preparation.columns)])}
    used = [preparation.columns[index] for index in preparation.used]
    taken = {*outputs, "", *(column.name for column in used)}  # ONNX has no empty names
    columns: dict[str, Value] = {}
    for column in used:
        name = column.name
        if name in outputs or not name:
            while name in taken:
                name += "_"
            taken.add(name)
        columns[name] = (np.dtype(object) if column.is_text else _dtype_of_numbers(described), [ROWS, 1])
    return columns


def _dtype_of_numbers(described: Description) -> np.dtype[Any]:
    is_double = described.preparation is not None and described.preparation.is_double
    return np.dtype(np.float64) if is_double else described.dtype


def _told_columns(described: Description, inputs: Sequence[str]) -> dict[str, str]:
    """Return what each column's cells are, for those who open the file."""
    preparation = described.preparation
    if preparation is None or not preparation.is_by_column:
        return {}
    columns = [preparation.columns[index] for index in preparation.used]
    return {name: _told(column) for name, column in zip(inputs, columns, strict=True)}


def _told(column: Column) -> str:
    if column.is_text:
        return "a category, as text; empty: missing"
    if column.is_date:
        return "a date: seconds since 1970-01-01 00:00 by the same clock; NaN: missing"
    return "a number; NaN: missing"


def _output_names(result: Outputs | Labels | Quantities) -> list[str]:
    match result:
        case Outputs():
            return ["output"]
        case Quantities():
            return ["prediction"]
        case Labels():
            return ["label", "scores" if result.margins else "probabilities"]


def _output_types(described: Description) -> list[Value]:
    dtype = np.dtype(np.float64) if described.ensemble else described.dtype
    result, width = described.result, described.n_outputs
    match result:
        case Outputs():
            return [(dtype, [ROWS, *([STEPS] if described.every else []), width])]
        case Quantities():
            return [(dtype, [ROWS] if result.single else [ROWS, width])]
        case Labels():
            if result.kind == "multilabel":
                return [(np.dtype(np.int64), [ROWS, width]), (dtype, [ROWS, width])]
            shape: list[Any] = [ROWS, width]
            if result.kind == "binary":
                shape = [ROWS] if result.margins else [ROWS, len(result.classes)]
            return [(label_dtype(result.classes), [ROWS]), (dtype, shape)]


def _type_of(value: Value) -> tuple[int, list[Any]]:
    from onnx import TensorProto, helper

    dtype, shape = value
    return TensorProto.STRING if dtype.kind == "O" else helper.np_dtype_to_tensor_dtype(dtype), shape
