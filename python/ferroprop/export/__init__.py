"""Export of trained models: to other runtimes, to other libraries, and to readable text.

================== =========================================================================================
`_methods`         the methods of networks and estimators; each calls one of the formats
`_onnx`            ONNX: a graph of standard operators
`_json`            JSON: the whole model as text, and back
`_c`               C: one header for a microcontroller, in floats or in eight bits
`_c_network`       the layers in C
`_c_functions`     elementary functions and activations in C
`_c_preparation`   what happens to the columns of a table, in C
`_c_text`          how values are written in C
`_quantize`        the network in eight bits
`_description`     what every format writes: a model as plain arrays and names
`_estimators`      that of an estimator, a pipeline, or the best of a search
`_steps`           from scikit-learn's transformers to a few operations on the columns of a table
`_preparation`     those operations
`_functions`       coefficients of elementary functions, for runtimes that lack them
`_file`            files are written whole or not at all
================== =========================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ferroprop.export._c import CHeader, to_c
    from ferroprop.export._json import from_json, to_json
    from ferroprop.export._onnx import to_onnx

__all__ = ["CHeader", "from_json", "to_c", "to_json", "to_onnx"]

_HOMES = {"CHeader": "_c", "to_c": "_c", "from_json": "_json", "to_json": "_json", "to_onnx": "_onnx"}

if not TYPE_CHECKING:  # a type checker must keep on seeing a misspelt name

    def __getattr__(name: str) -> object:
        """Import a format on first use."""
        if name in _HOMES:
            from importlib import import_module

            globals()[name] = function = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
            return function
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
