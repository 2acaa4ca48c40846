"""A graph of ONNX's operators in the making."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Graph:
    """Nodes and constants, in the order in which they are made.

    Parameters
    ----------
    dtype : dtype
        The dtype of the numbers, float32 or float64.
    reserved : sequence of str
        Names of inputs and outputs, which no other value may have.
    """

    def __init__(self, dtype: np.dtype[Any], reserved: Sequence[str]) -> None:
        self.dtype = dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._taken = set(reserved)

    def node(
        self,
        operator: str,
        *inputs: str,
        to: str | Sequence[str] | None = None,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        """Add a node, and return the name of its first output: `to`, or a new one."""
        from onnx import helper

        if "type" in attributes:  # of a Cast, where ONNX says "to"
            attributes["to"] = helper.np_dtype_to_tensor_dtype(np.dtype(attributes.pop("type")))
        outputs = [self.unique(operator)] if to is None else [to] if isinstance(to, str) else list(to)
        name = self.unique(f"{outputs[0]} node")
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=name, domain=domain, **attributes))
        return outputs[0]

    def constant(self, value: Any, dtype: Any = None, name: str = "constant") -> str:
        """Add a constant, by default of the graph's dtype, and return its name."""
        from onnx import helper, numpy_helper

        unique = self.unique(name)
        array = np.asarray(value, self.dtype if dtype is None else dtype)
        if array.dtype.kind in "OU":
            from onnx import TensorProto

            texts: Any = [str(text).encode() for text in array.ravel()]
            self.constants.append(helper.make_tensor(unique, TensorProto.STRING, array.shape, texts))
        else:
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), unique))
        return unique

    def unique(self, name: str) -> str:
        """Return an unused name."""
        number, candidate = 0, name
        while candidate in self._taken:
            number += 1
            candidate = f"{name} {number}"
        self._taken.add(candidate)
        return candidate

    @property
    def is_double(self) -> bool:
        """Whether the numbers are float64."""
        return self.dtype == np.float64

    # ---- arithmetic with constants -------------------------------------------------------------------------

    def with_number(self, operator: str, x: str, number: float) -> str:
        """Return x (operator) number."""
        return self.node(operator, x, self.constant(number))

    def flat(self, column: str) -> str:
        """Return a column of shape (rows, 1) in the shape (rows,)."""
        return self.node("Reshape", column, self.constant([-1], np.int64))

    def polynomial(self, z: str, coefficients: Sequence[float]) -> str:
        """Return the polynomial of z, with its lowest degree first, by Horner's rule."""
        value = self.constant(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            value = self.with_number("Add", self.node("Mul", value, z), coefficient)
        return value
