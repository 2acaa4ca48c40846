"""Export of trained models: to other runtimes, to other libraries, and to readable text.

====================== =====================================================================================
`_methods`             the methods of networks and estimators; each calls one of the formats
`_onnx`                ONNX: a graph of standard operators
`_onnx_graph`          such a graph in the making
`_onnx_recurrent`      its operators for layers that recur
`_onnx_preparation`    its operators for the preparation of a table's columns
`_skl2onnx`            converters for skl2onnx, whose pipelines may then hold our estimators
`_torch`               PyTorch: a ``torch.nn.Sequential``, and back
`_torch_modules`       its modules for what ``torch.nn`` has none
`_keras`               Keras: the arrays of ``set_weights``
`_recurrent_weights`   the weights of recurrent networks in the order of PyTorch and Keras
`_recurrent_layers`    the arrays of one of their layers
`_json`                JSON: the whole model as text, and back
`_json_form`           the form of these texts: writing values, and reading them with a list of all faults
`_json_estimators`     estimators as JSON
`_c`                   C: one header for a microcontroller, in floats or in eight bits
`_c_header`            the header, with its sizes and its measured accuracy
`_c_network`           the layers in C
`_c_functions`         elementary functions and activations in C
`_c_preparation`       the preparation of a table's columns in C
`_c_text`              values as C text
`_quantize`            the network in eight bits
`_describe`            the way from any model to its description
`_description`         the description of a model that every format writes: plain arrays and names
`_estimators`          descriptions of estimators, pipelines, and the best of a search
`_steps`               from scikit-learn's transformers to a few operations on the columns of a table
`_tabular`             from `TabularEncoder`, and the estimators that use one, to the same operations
`_preparation`         those operations
`_dates`               parts of a date by sums, products and floors
`_functions`           coefficients of elementary functions, for runtimes that lack them
`_file`                files are written whole or not at all
====================== =====================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ferroprop.export._c import to_c
    from ferroprop.export._c_header import CHeader
    from ferroprop.export._json import from_json, to_json
    from ferroprop.export._keras import to_keras_weights
    from ferroprop.export._onnx import to_onnx
    from ferroprop.export._skl2onnx import register_skl2onnx
    from ferroprop.export._torch import from_torch, to_torch

__all__ = [
    "CHeader",
    "from_json",
    "from_torch",
    "register_skl2onnx",
    "to_c",
    "to_json",
    "to_keras_weights",
    "to_onnx",
    "to_torch",
]

_HOMES = {
    "CHeader": "_c_header",
    "from_json": "_json",
    "from_torch": "_torch",
    "register_skl2onnx": "_skl2onnx",
    "to_c": "_c",
    "to_json": "_json",
    "to_keras_weights": "_keras",
    "to_onnx": "_onnx",
    "to_torch": "_torch",
}

if not TYPE_CHECKING:  # a type checker must keep on seeing a misspelt name

    def __getattr__(name: str) -> object:
        """Import a format on first use."""
        if name in _HOMES:
            from importlib import import_module

            globals()[name] = function = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
            return function
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
