"""skl2onnx: its pipelines and ensembles may hold our estimators; the graph is the one of `_onnx`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ferroprop.export._describe import describe
from ferroprop.export._description import Labels, Quantities
from ferroprop.export._onnx import OPSET, add_network, add_result
from ferroprop.export._onnx_graph import Graph

OPTIONS = {"zipmap": [True, False, "columns"], "output_class_labels": [False, True], "nocl": [True, False]}
"""Those of skl2onnx for classifiers: probabilities as maps, classes as an output, labels as places."""


def register_skl2onnx() -> None:
    """Register converters of our estimators with skl2onnx, which then converts what holds them.

    `to_onnx` knows the steps before a network that it needs most often. skl2onnx knows all of
    scikit-learn's, and what other libraries have registered with it: after this call
    ``skl2onnx.to_onnx(model, X)`` takes pipelines, searches and ensembles of any kind with `MLPClassifier`,
    `MLPRegressor`, `RNNClassifier` or `RNNRegressor` among their estimators. Outputs, types and options are
    those that skl2onnx has for scikit-learn's own networks: probabilities have a column for each class (with
    a hinge loss scores instead, of two classes the negative one first), predictions of one quantity the shape
    (n, 1), labels that are true, false or whole floats become integers, and everything is computed in the
    network's dtype, but comes out in the one of the inputs. A further call changes nothing.

    Raises
    ------
    ImportError
        If the package ``skl2onnx`` is not installed.

    References
    ----------
    .. [1] "Add a new converter", https://onnx.ai/sklearn-onnx/

    Examples
    --------
    >>> from ferroprop.export import register_skl2onnx
    >>> register_skl2onnx()  # doctest: +SKIP
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError("register_skl2onnx needs the package skl2onnx: pip install skl2onnx") from error
    from ferroprop.estimators import MLPClassifier, MLPRegressor, RNNClassifier, RNNRegressor

    for classifier in (MLPClassifier, RNNClassifier):
        update_registered_converter(
            classifier,
            f"Ferroprop{classifier.__name__}",
            _shapes_of_labels,
            _convert_classifier,
            options=OPTIONS,
        )
    for regressor in (MLPRegressor, RNNRegressor):
        update_registered_converter(
            regressor, f"Ferroprop{regressor.__name__}", _shape_of_predictions, _convert_regressor
        )


def _shapes_of_labels(operator: Any) -> None:
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    calculate_linear_classifier_output_shapes(operator)
    if operator.raw_operator._label_binarizer.y_type_ == "multilabel-indicator":
        operator.outputs[0].type.shape = list(operator.outputs[1].type.shape)


def _shape_of_predictions(operator: Any) -> None:
    rows = operator.inputs[0].get_first_dimension()
    operator.outputs[0].type.shape = [rows, operator.raw_operator.n_outputs_]


def _convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    described = describe(operator.raw_operator, recurrent=True)
    assert isinstance(described.result, Quantities)
    graph = _InScope(scope, described.dtype)
    outputs = add_network(graph, _inputs(graph, operator), described)
    _hand_over(graph, outputs, operator.outputs[0])
    _add_to(container, graph)


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    from skl2onnx.common.utils_classifier import get_label_classes

    described = describe(operator.raw_operator, recurrent=True)
    assert isinstance(described.result, Labels)
    result = replace(
        described.result, classes=_whole(np.asarray(get_label_classes(scope, operator.raw_operator)))
    )
    graph = _InScope(scope, described.dtype)
    label, shares = graph.unique("label"), graph.unique("probabilities")
    outputs = add_network(graph, _inputs(graph, operator), described)
    add_result(graph, outputs, result, [label, shares])
    if result.kind == "binary" and result.margins:  # a column for each class, as skl2onnx has it
        shares = graph.node("Concat", graph.node("Neg", outputs), outputs, axis=1)
    graph.node("Identity", label, to=operator.outputs[0].full_name)
    _hand_over(graph, shares, operator.outputs[1])
    _add_to(container, graph)


def _whole(classes: Any) -> Any:
    """Return classes as text or whole numbers, which are all that skl2onnx has."""
    if classes.dtype.kind not in "biuf":
        return classes
    with np.errstate(invalid="ignore"):
        whole = classes.astype(np.int64)
    if not np.array_equal(whole, classes):
        raise ValueError(f"classes_ must be texts or integers of 64 bits for skl2onnx, got {classes!r:.80}")
    return whole


class _InScope(Graph):
    """A graph whose names are new to the whole model, which skl2onnx is making."""

    def __init__(self, scope: Any, dtype: np.dtype[Any]) -> None:
        super().__init__(dtype, [])
        self._scope = scope

    def unique(self, name: str) -> str:
        """Return an unused name."""
        return str(self._scope.get_unique_variable_name(name))


def _inputs(graph: Graph, operator: Any) -> str:
    """Return the name of the network's inputs, in its dtype; several inputs are columns side by side."""
    names = [
        value.full_name
        if _dtype_of(value) == graph.dtype
        else graph.node("Cast", value.full_name, type=graph.dtype.name)
        for value in operator.inputs
    ]
    return names[0] if len(names) == 1 else graph.node("Concat", *names, axis=1)


def _hand_over(graph: Graph, name: str, output: Any) -> None:
    """Make a value an output, in the output's dtype."""
    dtype = _dtype_of(output)
    if dtype == graph.dtype:
        graph.node("Identity", name, to=output.full_name)
    else:
        graph.node("Cast", name, to=output.full_name, type=dtype.name)


def _dtype_of(variable: Any) -> np.dtype[Any]:
    from skl2onnx.common.data_types import guess_numpy_type

    dtype: np.dtype[Any] = np.dtype(guess_numpy_type(variable.type))
    return dtype


def _add_to(container: Any, graph: Graph) -> None:
    """Add the nodes and constants to the model."""
    from onnx import helper

    if container.target_opset_onnx < OPSET:
        raise ValueError(f"target_opset must be at least {OPSET}, got {container.target_opset_onnx}")
    container.initializers.extend(graph.constants)
    for node in graph.nodes:
        attributes: dict[str, Any] = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        names: Sequence[Sequence[str]] = (list(node.input), list(node.output))
        container.add_node(node.op_type, *names, op_domain=node.domain, name=node.name, **attributes)
