"""Estimators as JSON, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from inspect import signature
from typing import Any

import numpy as np

from ferroprop._core import Schedule
from ferroprop.catalogue import ACTIVATIONS, LOSSES, OPTIMIZERS
from ferroprop.estimators import MLPClassifier, MLPRegressor
from ferroprop.estimators._base import BaseMLP
from ferroprop.estimators._optimizers import KeptOptimizer
from ferroprop.estimators._sklearn import LabelBinarizer
from ferroprop.export._description import Array, Dense, Labels, layers_of
from ferroprop.export._estimators import describe_estimator
from ferroprop.export._json_form import VERSION, Reader, network_to_json, shown

ESTIMATOR = "ferroprop estimator"
FORMATS = (ESTIMATOR,)
CLASSES: dict[str, type[BaseMLP]] = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}

OBJECTS: dict[str, type[Any]] = {
    entry.cls.__name__: entry.cls
    for entries in (ACTIVATIONS, LOSSES, OPTIMIZERS)
    for entry in entries.values()
    if entry.cls is not None
} | {cls.__name__: cls for cls in Schedule.__subclasses__()}
"""Classes whose objects a parameter may hold, or an optimizer."""

COURSE = (
    "n_iter_",
    "t_",
    "loss_",
    "best_loss_",
    "best_validation_score_",
    "loss_curve_",
    "validation_loss_curve_",
    "validation_scores_",
)
"""Fitted attributes of the course of a training; some fits lack some of them."""


def model_to_json(model: Any) -> dict[str, Any]:
    """Return the fields of an estimator."""
    name = type(model).__name__
    if type(model) is not CLASSES.get(name):
        raise TypeError(
            f"model must be a Network, an MLPClassifier or an MLPRegressor, got {type(model).__name__}"
        )
    model = model._as_it_is()
    return {
        "format": ESTIMATOR,
        "version": VERSION,
        "class": name,
        "parameters": {
            parameter: _value_to_json(value, parameter)
            for parameter, value in model.get_params(deep=False).items()
        },
        "fitted": _fitted_to_json(model) if "coefs_" in vars(model) else None,
    }


def _fitted_to_json(model: Any) -> dict[str, Any]:
    names = getattr(model, "feature_names_in_", None)
    fitted: dict[str, Any] = {"feature_names": None if names is None else list(map(str, names))}
    if isinstance(model, MLPClassifier):
        labels = describe_estimator(model).result
        assert isinstance(labels, Labels)
        fitted["kind"] = labels.kind
        fitted["classes"] = _classes_to_json(labels.classes)
    attributes = {name: vars(model)[name] for name in COURSE if name in vars(model)}
    fitted["course"] = {name: _value_to_json(value, name) for name, value in attributes.items()}
    return {**fitted, "network": network_to_json(layers_of(model._network()))}


def _classes_to_json(classes: Array) -> dict[str, Any]:
    dtype = "str" if classes.dtype.kind == "U" else classes.dtype.name
    values = [value.item() if isinstance(value, np.generic) else value for value in classes]
    if not all(isinstance(value, (str, bool, int, float)) for value in values):
        raise ValueError(f"classes_ must be texts or numbers for JSON, got {classes!r:.80}")
    return {"dtype": dtype, "values": values}


def _value_to_json(value: Any, name: str) -> Any:
    """Return a parameter's value; if JSON lacks its type, as an object with one field that names the type."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"float": repr(value)}
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_value_to_json(one, name) for one in value]
    if isinstance(value, dict):
        return {"dict": [[_value_to_json(one, name) for one in entry] for entry in value.items()]}
    kind = type(value).__name__
    if type(value) is OBJECTS.get(kind):
        arguments = {one: getattr(value, one) for one in signature(type(value)).parameters}
        return {kind: {one: _value_to_json(given, name) for one, given in arguments.items()}}
    raise ValueError(f"the parameter {name} holds {value!r:.80}, which JSON cannot; set another value before")


# ---- reading -----------------------------------------------------------------------------------------------


def model_from_json(reader: Reader, content: dict[str, Any]) -> BaseMLP:
    """Return the estimator of parsed JSON.

    Raises
    ------
    ValueError
        If a field is wrong.
    """
    fields = reader.fields(content, "", ("format", "version", "class", "parameters", "fitted"))
    reader.version(fields)
    name = reader.one_of(fields["class"], "class", list(CLASSES)) if "class" in fields else None
    if name is None:
        reader.finish()
    kind = CLASSES[str(name)]
    model = _with_parameters(reader, kind, fields.get("parameters", {}))
    fitted = fields.get("fitted")
    if model is None or fitted is None:
        reader.finish()
    assert model is not None
    if fitted is not None:
        _take_fitted(reader, model, fitted)
    return model


def _with_parameters(reader: Reader, kind: type[BaseMLP], given: Any) -> BaseMLP | None:
    fields = reader.fields(given, "parameters", list(kind().get_params(deep=False)))
    values = {name: _value(reader, value, f"parameters.{name}") for name, value in fields.items()}
    if isinstance(values.get("class_weight"), tuple):
        values["class_weight"] = list(values["class_weight"])
    model = kind(**values)
    try:
        model._validate_params()
        model._hidden_sizes(), model._hidden_activation()
    except (ValueError, TypeError) as error:
        reader.note("parameters", " ".join(str(error).split()))
        return None
    return model


def _value(reader: Reader, value: Any, where: str) -> Any:
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        return reader.number(value, where)
    if isinstance(value, list):
        return tuple(_value(reader, one, f"{where}[{index}]") for index, one in enumerate(value))
    if len(value) == 1:
        kind, content = next(iter(value.items()))
        if kind == "float" and content in ("inf", "-inf", "nan"):
            return float(content)
        if kind == "dict" and isinstance(content, list) and all(_is_pair(one) for one in content):
            return {key: _value(reader, one, f"{where}[{shown(key)}]") for key, one in content}
        if kind in OBJECTS and isinstance(content, dict):
            place = f"{where}.{kind}"
            fields = reader.fields(content, place, list(signature(OBJECTS[kind]).parameters))
            given = {name: _value(reader, one, f"{place}.{name}") for name, one in fields.items()}
            try:
                return OBJECTS[kind](**given)
            except (ValueError, TypeError, OverflowError) as error:
                reader.note(where, f"{kind}: {error}")
                return None
    reader.expected(where, "a value, or an object of one field that names its kind", value)
    return None


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], (str, bool, int, float))


def _take_fitted(reader: Reader, model: BaseMLP, given: Any) -> None:
    """Set the fitted attributes of the estimator."""
    is_classifier = isinstance(model, MLPClassifier)
    own = ("kind", "classes") if is_classifier else ()
    fields = reader.fields(given, "fitted", ("feature_names", *own, "course", "network"))
    network = reader.fields(fields.get("network", {}), "fitted.network", ("dtype", "layers"))
    layers = reader.network(network, "fitted.network")
    course = _course(reader, fields.get("course", {}))
    names = _feature_names(reader, fields.get("feature_names"), layers)
    state: dict[str, Any] = dict(vars(model))
    if isinstance(model, MLPClassifier) and set(own) <= fields.keys():
        state.update(_labels(reader, fields, layers))
    reader.finish()
    for index, layer in enumerate(layers):
        if layer.biases is None:
            reader.expected(f"fitted.network.layers[{index}].biases", "a list of numbers", None)
    reader.finish()
    state.update(
        coefs_=[layer.weights for layer in layers],
        intercepts_=[layer.biases for layer in layers],
        n_layers_=len(layers) + 1,
        n_outputs_=layers[-1].weights.shape[1],
        n_features_in_=layers[0].weights.shape[0],
        out_activation_=layers[-1].activation.to_python(),
        _optimizer=KeptOptimizer().to_pickle(),
        **course,
    )
    if names is not None:
        state["feature_names_in_"] = np.array(names, dtype=object)
    model.__setstate__(state)
    _check_activations(reader, model, layers)


def _check_activations(reader: Reader, model: BaseMLP, layers: list[Dense]) -> None:
    """Refuse layers that contradict the parameters."""
    try:
        predicting = layers_of(model._network())
    except (ValueError, TypeError) as error:
        reader.note("fitted.network", f"does not fit the parameters: {error}")
    else:
        for index, (one, other) in enumerate(zip(layers, predicting, strict=True)):
            if one.activation != other.activation:
                where = f"fitted.network.layers[{index}].activation"
                reader.expected(
                    where, f"'{other.activation.name}', as the parameters say", one.activation.name
                )
    reader.finish()


def _course(reader: Reader, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        reader.expected("fitted.course", "an object", given)
        return {}
    course = {}
    for name, value in given.items():
        where = f"fitted.course.{name}"
        if name not in COURSE:
            reader.note(where, "unknown")
            continue
        read = _value(reader, value, where)
        course[name] = list(read) if isinstance(read, tuple) else read
        is_list = name.endswith(("curve_", "scores_"))
        entries = course[name] if isinstance(course[name], list) else [course[name]]
        numbers = all(type(one) in (int, float) for one in entries)
        if value is not None and not (numbers and isinstance(course[name], list) == is_list):
            reader.expected(where, "a list of numbers or null" if is_list else "a number or null", value)
    return course


def _feature_names(reader: Reader, given: Any, layers: list[Dense]) -> list[str] | None:
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        reader.expected("fitted.feature_names", "a list of texts or null", given)
        return None
    if layers and len(given) != layers[0].weights.shape[0]:
        what = f"{layers[0].weights.shape[0]} names, one for each input of the network"
        reader.expected("fitted.feature_names", what, given)
    return given


def _labels(reader: Reader, fields: Mapping[str, Any], layers: list[Dense]) -> dict[str, Any]:
    kinds = ("binary", "multiclass", "multilabel")
    kind = reader.one_of(fields["kind"], "fitted.kind", kinds)
    classes = reader.fields(fields["classes"], "fitted.classes", ("dtype", "values"))
    values, dtype = classes.get("values"), classes.get("dtype")
    if kind is None or len(classes) < 2:
        return {}
    if not isinstance(dtype, str):
        reader.expected("fitted.classes.dtype", "the name of a dtype", dtype)
        return {}
    if not isinstance(values, list) or not values:
        reader.expected("fitted.classes.values", "a list of one or more labels", values)
        return {}
    try:
        with np.errstate(all="raise"):
            labels = np.array(values, dtype=dtype)
    except (ValueError, TypeError, OverflowError, FloatingPointError) as error:
        reader.note("fitted.classes", f"{error}")
        return {}
    if labels.ndim != 1 or labels.tolist() != values or len(np.unique(labels)) < len(values):
        reader.expected("fitted.classes.values", f"different labels of dtype {dtype}, in order", values)
        return {}
    n_outputs = {"binary": 1}.get(kind, len(labels))
    if layers and layers[-1].weights.shape[1] != n_outputs:
        what = f"{layers[-1].weights.shape[1]} labels, one for each output of the network"
        reader.expected("fitted.classes.values", what, values)
        return {}
    y = np.eye(len(labels), dtype=np.int64) if kind == "multilabel" else labels
    try:
        binarizer = LabelBinarizer().fit(y)
    except ValueError as error:
        reader.note("fitted.classes", str(error))
        return {}
    if not np.array_equal(binarizer.classes_, labels) or not binarizer.y_type_.startswith(kind):
        reader.expected("fitted.classes.values", f"the labels of a {kind} classification, in order", values)
    return {"classes_": labels, "_label_binarizer": binarizer}
