"""C: a model as one header in C99, without allocation and without libm."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ferroprop._core import __version__
from ferroprop.export._c_header import CHeader
from ferroprop.export._c_network import float_code, int8_code
from ferroprop.export._c_preparation import (
    PreparationCode,
    cells_of,
    columns_of,
    inputs_in_float,
    network_inputs,
    numbers_of,
    preparation_code,
    sample_rows,
    told_columns,
)
from ferroprop.export._c_text import array, comment, text_constant
from ferroprop.export._describe import describe
from ferroprop.export._description import (
    Activation,
    Array,
    Dense,
    Description,
    Labels,
    Outputs,
    Quantities,
    network_of,
)
from ferroprop.export._file import write_file
from ferroprop.export._preparation import Arithmetic, check_distinct
from ferroprop.export._quantize import Network8, check_range, quantize

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
SELF_TEST_ROWS = 8
SAMPLE_ROWS = 64


def to_c(
    model: object,
    path: str | os.PathLike[str] | None = None,
    *,
    name: str = "net",
    dtype: Literal["float", "int8"] = "float",
    X: Any = None,
    y: Any = None,
) -> CHeader:
    """Return a model as a header in C99, and write it to a file.

    The documentation of `MLPClassifier.to_c` lists the names of the functions. This function takes pipelines
    too.

    Parameters
    ----------
    model : Network, MLPClassifier, MLPRegressor or Pipeline
        An estimator or a pipeline must be fitted.
    path : str or path-like, default=None
        The file to write, usually ``.h``.
    name : str, default="net"
        The prefix of all names in the header.
    dtype : {"float", "int8"}, default="float"
        The type of weights and activations: floats, or 8-bit integers in fixed point.
    X : array-like or data frame of shape (n_samples, n_features), default=None
        Rows as ``predict`` takes them, on which header and model are compared; None draws rows instead.
        ``"int8"`` requires them, because they determine the ranges of inputs and activations.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Targets of `X`, for the scores of model and header.

    Returns
    -------
    header : CHeader
        The text, its sizes and its measured accuracy.

    Raises
    ------
    TypeError, ValueError
        If the model is of another kind, not fitted, or has a step that has no form in C; if `name` is not an
        identifier of C; if `X` is missing or does not fit.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import ferroprop as fp
    >>> from ferroprop.export import to_c
    >>> header = to_c(fp.Network([4, 3, 2], seed=1), name="tiny")
    >>> [line for line in header.text.splitlines() if "static inline void tiny_predict" in line]
    ['static inline void tiny_predict(const float *x, float *y)']
    """
    if not isinstance(name, str) or not IDENTIFIER.match(name):
        raise ValueError(f"name must be a name in C: a letter, then letters, digits and _, got {name!r}")
    if dtype not in ("float", "int8"):
        raise ValueError(f'dtype must be "float" or "int8", got {dtype!r}')
    if dtype == "int8" and X is None:
        raise ValueError('X must be given with dtype="int8": rows that show which numbers are usual')
    if y is not None and X is None:
        raise ValueError("y must be given together with X")
    described = describe(model)
    if described.preparation is not None:
        check_distinct(described.preparation, np.float32)
    cells = sample_rows(described, SAMPLE_ROWS) if X is None else cells_of(described, X)
    inputs = network_inputs(described, cells)
    if not np.isfinite(inputs).all():
        row = int(np.flatnonzero(~np.isfinite(inputs).all(axis=1))[0])
        raise ValueError(f"X must have rows that the model can use; row {row} gives it NaN or infinity")
    exact = _answer(described.result, network_of(described.layers).predict(inputs.astype(described.dtype)))
    _check_weights(described.layers)
    inputs = check_range(inputs_in_float(described, cells))  # what comes to the network in C
    if dtype == "int8":
        net8 = quantize(described.layers, inputs)
        network = int8_code(net8, described.layers[-1].activation)
        with np.errstate(over="ignore", invalid="ignore"):  # check_range tells
            own = _answer(described.result, _outputs_8(described, net8, inputs))
        usable = np.flatnonzero(_far_from_halves(net8, inputs))
    else:
        network = float_code(described.layers)
        with np.errstate(over="ignore", invalid="ignore"):  # check_range tells
            own = _answer(described.result, _outputs_in_float(described.layers, inputs))
        usable = np.arange(len(inputs))
    check_range(own.numbers)
    preparation = None if described.preparation is None else preparation_code(described.preparation)
    header = CHeader(
        text="",
        constant_bytes=network.constant_bytes + (preparation.constant_bytes if preparation else 0),
        buffer_bytes=network.buffer_bytes + (4 * described.n_inputs if preparation else 0),
        difference=float(np.abs(own.numbers - exact.numbers).max()),
        agreement=None if own.labels is None else float(np.mean(own.labels == exact.labels)),
        scores=None if y is None else (_score(described, exact, y), _score(described, own, y)),
        rows=len(inputs),
    )
    chosen = usable[np.linspace(0, len(usable) - 1, min(SELF_TEST_ROWS, len(usable))).astype(int)]
    parts = [
        "#include <stdint.h>\n",
        _sizes(described),
        *([preparation.constants] if preparation else []),
        network.constants,
        *([preparation.functions] if preparation else []),
        network.functions,
        _result_code(described, preparation),
        _self_test(described, numbers_of(described, cells)[chosen], own, chosen),
    ]
    code = "\n".join(part.strip("\n") + "\n" for part in parts if part.strip())
    code = _guarded(code.replace("@@", name.upper()).replace("@", f"{name}_"), name)
    told = _told(described, header, name, dtype, measured_on_own_rows=X is not None)
    header = replace(header, text=f"{comment(told)}\n{code}")
    if path is not None:
        write_file(path, header.text.encode())
    return header


def _guarded(code: str, name: str) -> str:
    """Return code that counts once, and refuses another header of the same name, which would be ignored."""
    guard = f"{name.upper()}_H"
    mark = f"0x{zlib.crc32(code.encode()):08x}u"
    return (
        f"#ifndef {guard}\n#define {guard} {mark}\n\n{code}\n#elif {guard} != {mark}\n"
        f'#error "two headers have the name {name}: export one of them with another name"\n#endif\n'
    )


# ---- the rows that header and model are compared on --------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Answer:
    """A model's results for rows.

    Parameters
    ----------
    numbers : ndarray of shape (n, width)
        Probabilities, scores, predictions or outputs.
    labels : ndarray or None
        The places of labels in the list of classes; with several labels per row, 0 or 1 for each.
    """

    numbers: NDArray[np.float64]
    labels: NDArray[np.int64] | None


def _check_weights(layers: Sequence[Dense]) -> None:
    for index, layer in enumerate(layers):
        for what, numbers in (("weights", layer.weights), ("biases", layer.biases)):
            if numbers is not None and np.abs(numbers).max() > np.finfo(np.float32).max:
                raise ValueError(
                    f"{what} of layer {index} must be up to 3.4e38 for a float of C, got "
                    f"{np.abs(numbers).max():g}"
                )


def _answer(result: Outputs | Labels | Quantities, outputs: Array) -> Answer:
    numbers = np.asarray(outputs, np.float64)
    match result:
        case Outputs():
            return Answer(numbers, None)
        case Quantities():
            for operation in result.operations:
                numbers = _calculated(operation, numbers)
            return Answer(numbers, None)
        case Labels():
            share = (numbers + 1) / 2 if result.margins else numbers
            labels = share.argmax(axis=1) if result.kind == "multiclass" else (share > 0.5).astype(np.int64)
            if result.kind == "binary":
                labels = np.minimum(labels[:, 0], len(result.classes) - 1)
                if not result.margins:
                    both = np.concatenate([1 - numbers, numbers], axis=1)
                    numbers = both if len(result.classes) == 2 else np.ones_like(numbers)
            return Answer(numbers, labels)


def _calculated(operation: Arithmetic, x: NDArray[np.float64]) -> NDArray[np.float64]:
    functions = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
    calculated: NDArray[np.float64] = functions[operation.operator](x, operation.values)
    return calculated


def _outputs_in_float(layers: Sequence[Dense], inputs: Array) -> Array:
    """Return the outputs of the C code, up to the last digits of its functions."""
    values = inputs.astype(np.float32)
    for layer in layers:
        sums = np.zeros((len(values), layer.weights.shape[1]), np.float32)
        if layer.biases is not None:
            sums += layer.biases.astype(np.float32)
        for column, weights in zip(values.T, layer.weights.astype(np.float32), strict=True):
            sums += column[:, None] * weights
        values = _activated(layer.activation, sums)
    return values


def _activated(activation: Activation, net: Array) -> Array:
    check_range(net)
    same = Dense(np.eye(net.shape[1], dtype=np.float32), None, activation)
    outputs: Array = network_of([same]).predict(net)
    return outputs


def _outputs_8(described: Description, net8: Network8, inputs: Array) -> Array:
    """Return the outputs of the network in eight bits; its last activation is computed in float."""
    return _activated(described.layers[-1].activation, net8.net_inputs(inputs))


def _far_from_halves(net8: Network8, inputs: Array) -> NDArray[np.bool_]:
    """Return for which rows fused operations give the same integers."""
    scaled = (inputs.astype(np.float64) - net8.low) * net8.factors
    far = np.all(np.abs(scaled % 1 - 0.5) > 1e-3, axis=1)
    return far if far.any() else np.ones(len(inputs), bool)


def _score(described: Description, answer: Answer, y: Any) -> float:
    from sklearn.metrics import accuracy_score, r2_score

    if isinstance(described.result, Outputs):
        raise ValueError("y must not be given for a Network, which does not know what its outputs are for")
    try:
        if isinstance(described.result, Quantities):
            return float(r2_score(y, answer.numbers))
        assert answer.labels is not None
        is_multilabel = described.result.kind == "multilabel"
        labels = answer.labels if is_multilabel else described.result.classes[answer.labels]
        return float(accuracy_score(y, labels))
    except (TypeError, ValueError) as error:
        raise ValueError(f"y must be the targets of X: {error}") from None


# ---- text --------------------------------------------------------------------------------------------------


def _told(
    described: Description, header: CHeader, name: str, dtype: str, *, measured_on_own_rows: bool
) -> list[str]:
    """Return the lines of the comment at the top."""
    result = described.result
    what = {"float": "in floats", "int8": "in 8-bit fixed point"}[dtype]
    lines = [
        f"A neural network {what}, written by ferroprop {__version__}. C99; no allocation, no libm.",
        "",
        "inputs  outputs  activation",
    ]
    for layer in described.layers:
        n, m = layer.weights.shape
        numbers = ", ".join(f"{number:g}" for number in layer.activation.hyperparameters.values())
        lines.append(f"{n:6}  {m:7}  {layer.activation.name}{numbers and f' ({numbers})'}")
    lines += ["", *_usage(described, name)]
    columns = told_columns(described)
    if columns:
        lines += [
            "",
            f"The {'columns' if described.preparation else 'inputs'}:",
            *(f"  {one}" for one in columns),
        ]
    if isinstance(result, Labels):
        listed = [f"  {index}: {label}" for index, label in enumerate(result.classes)]
        lines += ["", "The classes:", *listed]
    lines += [
        "",
        f"Constants {header.constant_bytes} bytes, buffers {header.buffer_bytes} bytes on the stack.",
        f"Beside the model, on {header.rows} rows{'' if measured_on_own_rows else ' that were drawn'}:",
        f"  largest difference of {_noun(result)} {header.difference:.2g}",
    ]
    if header.agreement is not None:
        lines.append(f"  same label {100 * header.agreement:.4g} %")
    if header.scores is not None:
        score = "accuracy" if isinstance(result, Labels) else "R2"
        lines.append(f"  {score} {header.scores[0]:.4f} (model), {header.scores[1]:.4f} (this header)")
    lines += [
        "",
        f"With {name.upper()}_SELF_TEST defined, {name}_self_test() compares what comes out with what must,",
        "and returns how many numbers are off: 0. -ffast-math would not notice NaN; do without it.",
    ]
    return lines


def _noun(result: Outputs | Labels | Quantities) -> str:
    match result:
        case Outputs():
            return "an output"
        case Quantities():
            return "a prediction"
        case Labels():
            return "a score" if result.margins else "a probability"


def _usage(described: Description, name: str) -> list[str]:
    given = "columns" if described.preparation else "x"
    upper = name.upper()
    lines = [f"float {given}[{upper}_INPUTS];  what comes in, in the order of training"]
    match described.result:
        case Outputs() | Quantities():
            return [*lines, f"float y[{upper}_OUTPUTS];", f"{name}_predict({given}, y);"]
        case Labels(_, kind, margins):
            method = "decision_function" if margins else "predict_proba"
            numbers = f"{name}_{method}({given}, p);  {'scores' if margins else 'probabilities'}"
            if kind == "multilabel":
                called = [
                    f"unsigned char labels[{upper}_CLASSES];",
                    f"{name}_predict({given}, labels);  each 0 or 1",
                ]
            else:
                called = [f"int i = {name}_predict({given});  the class is {name}_classes[i]"]
            return [*lines, *called, f"float p[{upper}_OUTPUTS];", numbers]


def _sizes(described: Description) -> str:
    preparation, result = described.preparation, described.result
    n_inputs = described.n_inputs if preparation is None else len(columns_of(preparation))
    lines = [f"#define @@_INPUTS {n_inputs}", f"#define @@_OUTPUTS {_width(described)}"]
    if isinstance(result, Labels):
        lines.append(f"#define @@_CLASSES {len(result.classes)}\n")
        lines.append(_classes(result.classes))
    return "\n".join(lines)


def _width(described: Description) -> int:
    result = described.result
    if isinstance(result, Labels) and result.kind == "binary" and not result.margins:
        return len(result.classes)
    return described.n_outputs


def _classes(classes: Array) -> str:
    if classes.dtype.kind in "biu":
        labels = [int(label) for label in classes]
        if min(labels) < -(2**31) or max(labels) >= 2**31:  # long may have 32 bits
            return _wide_classes(labels)
        return array("long", "@classes", labels)
    if classes.dtype.kind == "f":
        return array("float", "@classes", classes)
    return array("char *const", "@classes", [text_constant(str(label)) for label in classes])


def _wide_classes(labels: Sequence[int]) -> str:
    if max(labels) >= 2**63:
        return array("uint64_t", "@classes", [f"UINT64_C({label})" for label in labels])
    least = -(2**63)  # has no constant of its own in C: the sign is an operator
    texts = [f"(INT64_C({least + 1}) - 1)" if label == least else f"INT64_C({label})" for label in labels]
    return array("int64_t", "@classes", texts)


def _result_code(described: Description, preparation: PreparationCode | None) -> str:
    given = "columns" if preparation else "x"
    enter = [f"float x[{described.n_inputs}];", "@prepare(columns, x);"] if preparation else []
    result, n = described.result, described.n_outputs

    def function(head: str, *body: str, before: Sequence[str] = ()) -> str:
        lines = "".join(f"    {line}\n" for line in body)
        return f"\n{''.join(before)}static inline {head}\n{{\n{lines}}}\n"

    match result:
        case Outputs():
            return function(f"void @predict(const float *{given}, float *y)", *enter, "@outputs(x, y);")
        case Quantities():
            lines, before = [], []
            for index, operation in enumerate(result.operations):
                sign = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}[operation.operator]
                before.append(array("float", f"@back_{index}", operation.values) + "\n")
                lines.append(f"for (i = 0; i < {n}; i++) y[i] = y[i] {sign} @back_{index}[i];")
            declared = ["int i;"] if lines else []
            head = f"void @predict(const float *{given}, float *y)"
            body = [*declared, *enter[:1], *enter[1:], "@outputs(x, y);", *lines]
            return function(head, *body, before=before)
    method = "decision_function" if result.margins else "predict_proba"
    if result.kind == "binary" and not result.margins and len(result.classes) == 1:
        only = f"void @{method}(const float *{given}, float *p)"
        numbers = function(only, f"(void) {given};", "p[0] = 1.0f;  /* there is no other class */")
    elif result.kind == "binary" and not result.margins:
        numbers = function(
            f"void @{method}(const float *{given}, float *p)",
            *enter,
            "@outputs(x, p + 1);",
            "p[0] = 1.0f - p[1];",
        )
    else:
        numbers = function(f"void @{method}(const float *{given}, float *p)", *enter, "@outputs(x, p);")
    is_over = "(p[{i}] + 1.0f) / 2.0f > 0.5f" if result.margins else "p[{i}] > 0.5f"
    width = _width(described)
    match result.kind:
        case "multilabel":
            labels = function(
                f"void @predict(const float *{given}, unsigned char *labels)",
                f"float p[{width}];",
                "int i;",
                f"@{method}({given}, p);",
                f"for (i = 0; i < {width}; i++) labels[i] = {is_over.format(i='i')};",
            )
        case "multiclass":
            labels = function(
                f"int @predict(const float *{given})",
                f"float p[{width}];",
                "int i, largest = 0;",
                f"@{method}({given}, p);",
                f"for (i = 1; i < {width}; i++) if (p[i] > p[largest]) largest = i;",
                "return largest;",
            )
        case _:
            second = is_over.format(i=width - 1)
            one = "0" if len(result.classes) == 1 else second
            labels = function(
                f"int @predict(const float *{given})",
                f"float p[{width}];",
                f"@{method}({given}, p);",
                f"return {one};",
            )
    return numbers + labels


def _self_test(described: Description, rows: Array, own: Answer, chosen: NDArray[np.intp]) -> str:
    """Return a C function that compares the header's results with the expected ones."""
    result, width = described.result, _width(described)
    method = "predict"
    if isinstance(result, Labels):
        method = "decision_function" if result.margins else "predict_proba"
    numbers = own.numbers[chosen]
    scale = np.maximum(1.0, np.abs(numbers)).max(axis=0)
    return "\n".join(
        [
            "#ifdef @@_SELF_TEST",
            f"#define @@_SELF_TEST_ROWS {len(rows)}\n",
            array("float", "@test_rows", rows.ravel()),
            array("float", "@test_answers", numbers.ravel()),
            array("float", "@test_tolerances", 1e-4 * scale),
            "/* Compares what comes out with what should; returns how many numbers are off. */",
            "static inline int @self_test(void)",
            "{",
            "    int row, i, off = 0;",
            "    for (row = 0; row < @@_SELF_TEST_ROWS; row++) {",
            f"        float y[{width}];",
            f"        @{method}(@test_rows + row * @@_INPUTS, y);",
            f"        for (i = 0; i < {width}; i++) {{",
            f"            float difference = y[i] - @test_answers[row * {width} + i];",
            "            if (difference < 0.0f) difference = -difference;",
            "            if (!(difference <= @test_tolerances[i])) off++;",
            "        }",
            "    }",
            "    return off;",
            "}",
            "#endif",
        ]
    )
