"""The methods of networks and estimators that export them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from ferroprop.export._c_header import CHeader


class Exports:
    """What `Network`, `MLPClassifier` and `MLPRegressor` have in common; each method calls one format."""

    def to_onnx(self, path: str | os.PathLike[str] | None = None, *, opset: int = 13) -> Any:
        """Return the model as an `onnx.ModelProto`, and write it to a file.

        The graph has one input, ``X``, of shape (rows, n_inputs) and the model's dtype; any number of rows
        goes through at once. What it returns is named ``output`` for a `Network`, ``prediction`` for a
        regressor, ``label`` and ``probabilities`` for a classifier (with a hinge loss ``label`` and
        ``scores``), with the shapes and values of the methods of those names.

        Parameters
        ----------
        path : str or path-like, default=None
            The file to write, usually ``.onnx``.
        opset : int, default=13
            The version of ONNX's operators; 13, of 2020, is the oldest that has all that is needed.

        Returns
        -------
        model : onnx.ModelProto
            Checked by ONNX's own checker.

        Raises
        ------
        ImportError
            If the package ``onnx`` is not installed (``pip install 'ferroprop[onnx]'``).
        ValueError
            If an estimator is not fitted, or there is no such opset.
        OSError
            If the file cannot be written.

        See Also
        --------
        ferroprop.export.to_onnx : Takes pipelines too.

        Examples
        --------
        >>> import ferroprop as fp
        >>> model = fp.Network([4, 3, 2], output_activation="softmax").to_onnx()
        >>> [node.op_type for node in model.graph.node]
        ['Gemm', 'Relu', 'Gemm', 'Softmax', 'Identity']
        """
        from ferroprop.export._onnx import to_onnx

        return to_onnx(self, path, opset=opset)

    def to_c(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        name: str = "net",
        dtype: Literal["float", "int8"] = "float",
        X: Any = None,
        y: Any = None,
    ) -> CHeader:
        """Return the model as one header in C99, and write it to a file.

        It needs no allocation, no libm and nothing but ``stdint.h``, so that it goes into a microcontroller.
        With the name ``net`` it has ``net_predict(x, y)`` for a `Network` and a regressor; for a classifier
        ``net_predict(x)``, which returns a place in ``net_classes``, and ``net_predict_proba(x, p)``, or with
        a hinge loss ``net_decision_function(x, p)``; of several labels a row ``net_predict(x, labels)``. A
        comment at the top lists inputs, classes and sizes. With ``NET_SELF_TEST`` defined there is
        ``net_self_test()``, which returns 0 where the header works as it should.

        Parameters
        ----------
        path : str or path-like, default=None
            The file to write, usually ``.h``.
        name : str, default="net"
            What all names in the header begin with.
        dtype : {"float", "int8"}, default="float"
            What weights and activations are: floats, or whole numbers of 8 bits, a quarter of the memory, in
            fixed point. A float64 network is rounded to float.
        X : array-like or data frame of shape (n_samples, n_features), default=None
            Rows as ``predict`` takes them: the header is compared with the model on them, and with
            ``"int8"``, which needs them, they show which numbers are usual. Without, the comparison draws
            rows of its own.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their targets, for the scores of model and header.

        Returns
        -------
        header : CHeader
            The text, its sizes and what was measured.

        Raises
        ------
        ValueError
            If an estimator is not fitted, the name is none in C, or X is missing or does not fit.
        OSError
            If the file cannot be written.

        See Also
        --------
        ferroprop.export.to_c : Takes pipelines too.

        Examples
        --------
        >>> import ferroprop as fp
        >>> header = fp.Network([4, 3, 2], seed=1).to_c(name="tiny")
        >>> [line for line in header.text.splitlines() if "static inline void tiny_predict" in line]
        ['static inline void tiny_predict(const float *x, float *y)']
        """
        from ferroprop.export._c import to_c

        return to_c(self, path, name=name, dtype=dtype, X=X, y=y)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the model as readable JSON, and write it to a file.

        Parameters
        ----------
        path : str or path-like, default=None
            The file to write, usually ``.json``.

        Returns
        -------
        text : str
            What `from_json` reads: structure, parameters and numbers, to the bit. docs/file-format.md
            describes it.

        Raises
        ------
        ValueError
            If a parameter of an estimator holds what JSON cannot, such as a function; the message names it.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import ferroprop as fp
        >>> net = fp.Network([1, 1], output_activation=fp.ELU(0.5), bias=False)
        >>> net.set_parameters([[[0.1]]], [None])
        >>> print(net.to_json())
        {
          "format": "ferroprop network",
          "version": 1,
          "dtype": "float32",
          "layers": [
            {
              "activation": "elu",
              "alpha": 0.5,
              "weights": [
                [0.1]
              ],
              "biases": null
            }
          ]
        }
        """
        from ferroprop.export._json import to_json

        return to_json(self, path)

    @classmethod
    def from_json(cls, source: str | os.PathLike[str]) -> Self:
        """Return the model from a text of `to_json`.

        What an optimizer remembers is not part of the text: a training that goes on begins with fresh
        momentum, moments or step sizes.

        Parameters
        ----------
        source : str or path-like
            The text, which begins with ``{``, or the name of a file that holds it.

        Returns
        -------
        model : Network, MLPClassifier or MLPRegressor
            Of this class; its predictions have the same bits.

        Raises
        ------
        ValueError
            If the text is not what `to_json` writes, or of another kind of model; the message lists each
            wrong field with its place.
        OSError
            If the file cannot be read.

        Examples
        --------
        >>> import ferroprop as fp
        >>> text = fp.Network([2, 3, 1], activation="tanh", seed=1).to_json()
        >>> fp.Network.from_json(text)
        Network([2, 3, 1], activation=['tanh'], output_activation='identity', dtype='float32')
        >>> fp.Network.from_json(text.replace("tanh", "tahn"))
        Traceback (most recent call last):
            ...
        ValueError: source has wrong fields:
            layers[0].activation: got 'tahn', did you mean 'tanh'?
        """
        from ferroprop.export._json import from_json

        model = from_json(source)
        if type(model) is not cls:
            raise ValueError(f"source holds a {type(model).__name__}; expected a {cls.__name__}")
        return model


def give_methods_to(kind: type) -> None:
    """Give a class of the native module these methods; it cannot inherit from a Python class."""
    for name, method in vars(Exports).items():
        if not name.startswith("_"):
            setattr(kind, name, method)
