"""The form of JSON texts: writing values, and reading them from parsed JSON with a list of all faults."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from ferroprop.catalogue import ACTIVATIONS
from ferroprop.export._description import (
    Activation,
    Array,
    Dense,
)

VERSION = 1
MOST_PROBLEMS = 10
"""The most wrong fields that a message lists."""


def network_to_json(layers: Sequence[Dense]) -> dict[str, Any]:
    """Return the fields of a network."""
    return {
        "dtype": layers[0].weights.dtype.name,
        "layers": [
            {**_activation_to_json(layer.activation), "weights": layer.weights, "biases": layer.biases}
            for layer in layers
        ],
    }


def _activation_to_json(activation: Activation) -> dict[str, Any]:
    return {"activation": activation.name, **activation.hyperparameters}


def written(value: Any, newline: str) -> Iterator[str]:
    """Yield the text of a value: objects and lists with a line per entry, numbers side by side."""
    if isinstance(value, np.ndarray):
        value = list(value) if value.ndim > 1 else _Inline(map(_number, value))
    match value:
        case _Inline():
            yield f"[{', '.join(value)}]"
        case Mapping() if value:
            yield "{"
            for index, (name, entry) in enumerate(value.items()):
                yield f"{',' if index else ''}{newline}  {json.dumps(name, ensure_ascii=False)}: "
                yield from written(entry, newline + "  ")
            yield newline + "}"
        case list() | tuple() if any(
            isinstance(entry, (Mapping, list, tuple, np.ndarray)) for entry in value
        ):
            yield "["
            for index, entry in enumerate(value):
                yield f"{',' if index else ''}{newline}  "
                yield from written(entry, newline + "  ")
            yield newline + "]"
        case _:
            yield json.dumps(value, ensure_ascii=False, allow_nan=False)


class _Inline(list[str]):
    """Texts for one line."""


def _number(number: Any) -> str:
    """Return the shortest text that is read as this number."""
    if isinstance(number, np.float32):
        text = str(number)
        if np.float32(float(text)) == number:
            return text
    return repr(float(number))


class Reader:
    """Reads values from parsed JSON, and collects their faults.

    Parameters
    ----------
    name : str
        The name of the source in messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._problems: list[str] = []

    def finish(self) -> None:
        """Raise ValueError if there were faults."""
        if not self._problems:
            return
        listed = self._problems[:MOST_PROBLEMS]
        if len(self._problems) > len(listed):
            listed.append(f"and {len(self._problems) - len(listed)} more")
        raise ValueError(f"{self._name} has wrong fields:\n    " + "\n    ".join(listed))

    def note(self, where: str, what: str) -> None:
        """Record a fault of a field."""
        self._problems.append(f"{where or 'the text'}: {what}")

    def expected(self, where: str, what: str, got: Any) -> None:
        """Record that a field has the wrong value."""
        self.note(where, f"expected {what}, got {shown(got)}")

    def fields(self, value: Any, where: str, names: Sequence[str]) -> dict[str, Any]:
        """Return the fields of an object that has these and no others; missing ones are omitted."""
        if not isinstance(value, dict):
            self.expected(where, f"an object with {quoted(names)}", value)
            return {}
        for name in value:
            if name not in names:
                close = get_close_matches(name, [one for one in names if one not in value], n=1, cutoff=0.6)
                hint = f"did you mean '{close[0]}'?" if close else f"expected {quoted(names)}"
                self.note(_at(where, name), f"unknown, {hint}")
        for name in names:
            if name not in value:
                self.note(_at(where, name), "missing")
        return {name: value[name] for name in names if name in value}

    def version(self, fields: Mapping[str, Any]) -> None:
        """Refuse another version at once, because its fields have other meanings."""
        version = fields.get("version", VERSION)
        if type(version) is not int or version != VERSION:
            raise ValueError(f"{self._name}: version: expected {VERSION}, got {shown(version)}")

    def one_of(self, value: Any, where: str, names: Sequence[str]) -> str | None:
        """Return a text that must be one of these."""
        if isinstance(value, str) and value in names:
            return value
        close = get_close_matches(value, names, n=1, cutoff=0.6) if isinstance(value, str) else []
        if close:
            self.note(where, f"got {shown(value)}, did you mean '{close[0]}'?")
        else:
            self.expected(where, f"one of {quoted(names)}", value)
        return None

    def number(self, value: Any, where: str) -> float | None:
        """Return a finite number."""
        if type(value) in (int, float):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return number
        self.expected(where, "a finite number", value)
        return None

    def numbers(
        self, value: Any, where: str, dtype: np.dtype[Any], length: int | None = None
    ) -> Array | None:
        """Return a vector of finite numbers."""
        if not isinstance(value, list) or len(value) != (len(value) if length is None else length):
            how_many = "" if length is None else f"{length} "
            self.expected(where, f"a list of {how_many}numbers", value)
            return None
        read = [self.number(entry, f"{where}[{index}]") for index, entry in enumerate(value)]
        if None in read:
            return None
        with np.errstate(over="ignore"):
            vector = np.array(read, np.float64).astype(dtype)
        for index in np.flatnonzero(~np.isfinite(vector)):
            self.expected(f"{where}[{index}]", f"a number that {dtype} holds", value[index])
        return vector

    def network(self, fields: Mapping[str, Any], where: str) -> list[Dense]:
        """Return the layers of a network; call `finish` before using them."""
        dtype = None
        if "dtype" in fields:
            dtype = self.one_of(fields["dtype"], _at(where, "dtype"), ("float32", "float64"))
        given = fields.get("layers")
        if "layers" in fields and (not isinstance(given, list) or not given):
            self.expected(_at(where, "layers"), "a list of one or more layers", given)
        if dtype is None or not isinstance(given, list):
            return []
        layers: list[Dense] = []
        for index, entry in enumerate(given):
            place = f"{_at(where, 'layers')}[{index}]"
            is_last = index == len(given) - 1
            layer = self._layer(
                entry, place, np.dtype(dtype), layers[-1] if layers else None, is_last=is_last
            )
            if layer is None:
                return []
            layers.append(layer)
        return layers

    def _layer(
        self, entry: Any, where: str, dtype: np.dtype[Any], before: Dense | None, *, is_last: bool
    ) -> Dense | None:
        name = entry.get("activation") if isinstance(entry, dict) else None
        known = ACTIVATIONS[name].hyperparameters if isinstance(name, str) and name in ACTIVATIONS else ()
        hyperparameters = [one.name for one in known]
        names = ["activation", *hyperparameters, "weights", "biases"]
        noted = len(self._problems)
        fields = self.fields(entry, where, names)
        activation = self._activation(fields, where, hyperparameters, is_last=is_last)
        weights = self._matrix(fields["weights"], f"{where}.weights", dtype) if "weights" in fields else None
        biases = fields.get("biases")
        if weights is not None:
            if before is not None and weights.shape[0] != before.weights.shape[1]:
                what = f"{before.weights.shape[1]} rows, as the layer before has outputs"
                self.note(f"{where}.weights", f"expected {what}, got {weights.shape[0]}")
            if biases is not None:
                biases = self.numbers(biases, f"{where}.biases", dtype, weights.shape[1])
        if len(self._problems) > noted or activation is None or weights is None:
            return None
        return Dense(weights, biases, activation)

    def _activation(
        self, fields: Mapping[str, Any], where: str, hyperparameters: Sequence[str], *, is_last: bool
    ) -> Activation | None:
        if "activation" not in fields:
            return None
        names = activation_names()
        name = self.one_of(fields["activation"], f"{where}.activation", names if is_last else names[:-1])
        if name is None or not set(hyperparameters) <= set(fields):
            return None
        numbers = {one: self.number(fields[one], f"{where}.{one}") for one in hyperparameters}
        given = {one: number for one, number in numbers.items() if number is not None}
        if len(given) < len(numbers):
            return None
        activation = Activation(name, given)
        try:
            activation.to_python()
        except ValueError as error:
            self.note(f"{where}.{str(error).split()[0]}", str(error))
            return None
        return activation

    def _matrix(self, value: Any, where: str, dtype: np.dtype[Any]) -> Array | None:
        if not isinstance(value, list) or not value or not isinstance(value[0], list) or not value[0]:
            self.expected(where, "a list of one or more rows, each a list of numbers", value)
            return None
        width = len(value[0])
        rows = [self.numbers(row, f"{where}[{index}]", dtype, width) for index, row in enumerate(value)]
        return None if any(row is None for row in rows) else np.array(rows, dtype)


def activation_names() -> list[str]:
    """Return the names of all activations, ``softmax``, which is for outputs alone, being the last."""
    return [*(name for name in ACTIVATIONS if name != "softmax"), "softmax"]


def quoted(names: Sequence[str]) -> str:
    """Return names in quotes with commas between."""
    return ", ".join(f"'{name}'" for name in names)


def shown(value: Any) -> str:
    """Return a value for a message, shortened."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
