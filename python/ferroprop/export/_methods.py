"""The methods of networks and estimators that export them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, Self

from numpy.typing import NDArray

if TYPE_CHECKING:
    from ferroprop.export._c_header import CHeader


class TableExports:
    """The export method of `TabularMLPClassifier` and `TabularMLPRegressor`."""

    def to_onnx(self, path: str | os.PathLike[str] | None = None, *, opset: int = 13) -> Any:
        """Return the model as an `onnx.ModelProto`, and write it to a file.

        The graph prepares the columns, runs all members and combines them. It has one input of shape
        (rows, 1) for each column that is used, with the column's name; a table that was an array of numbers
        is one input, ``X``, of shape (rows, n_features). Numbers are float64, NaN where missing; booleans are
        0 and 1. Dates are float64: the seconds since 1970-01-01 00:00 by the same clock; durations, and times
        of the day, are seconds. Categories are text, empty where missing; numbers that are categories are
        written as ``str`` does, without a point if they are whole. The outputs are ``label`` and
        ``probabilities`` of a classifier, ``prediction`` of a regressor, with the shapes and values of
        ``predict_proba`` and ``predict``, float64. Quantiles are not part of the graph.

        Parameters
        ----------
        path : str or path-like, default=None
            The file to write, usually ``.onnx``.
        opset : int, default=13
            The version of ONNX's operators; 13, of 2020, is the oldest that has all necessary ones.

        Returns
        -------
        model : onnx.ModelProto
            Checked by ONNX's own checker.

        Raises
        ------
        ImportError
            If the package ``onnx`` is not installed (``pip install 'ferroprop[onnx]'``).
        ValueError
            If the estimator is not fitted, there is no such opset, no column has any information, or a column
            of categories has both an empty text and missing values.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import numpy as np
        >>> from ferroprop import TabularMLPRegressor
        >>> size, town = np.arange(40.0), np.resize(["Rome", "Oslo"], 40)
        >>> table = np.array([size, town], dtype=object).T
        >>> mlp = TabularMLPRegressor(n_members=2, max_iter=5, random_state=0).fit(table, 3 * size)
        >>> model = mlp.to_onnx()
        >>> [(one.name, one.doc_string) for one in model.graph.input]
        [('x0', 'a number; NaN: missing'), ('x1', 'a category, as text; empty: missing')]
        """
        from ferroprop.export._onnx import to_onnx

        return to_onnx(self, path, opset=opset)


class Exports:
    """The export methods of `Network`, `MLPClassifier` and `MLPRegressor`; each calls one format."""

    def to_onnx(self, path: str | os.PathLike[str] | None = None, *, opset: int = 13) -> Any:
        """Return the model as an `onnx.ModelProto`, and write it to a file.

        The graph has one input, ``X``, of shape (rows, n_inputs) and the model's dtype; any number of rows
        goes through at once. For recurrent networks it has the shape (rows, steps, n_inputs): sequences of
        one length at a time. Its outputs are named ``output`` for a `Network`, ``prediction`` for a
        regressor, ``label`` and ``probabilities`` for a classifier (with a hinge loss ``label`` and
        ``scores``), and have the shapes and values of ``predict``, ``predict_proba`` and
        ``decision_function``.

        Parameters
        ----------
        path : str or path-like, default=None
            The file to write, usually ``.onnx``.
        opset : int, default=13
            The version of ONNX's operators; 13, of 2020, is the oldest that has all necessary ones.

        Returns
        -------
        model : onnx.ModelProto
            Checked by ONNX's own checker.

        Raises
        ------
        ImportError
            If the package ``onnx`` is not installed (``pip install 'ferroprop[onnx]'``).
        ValueError
            If an estimator is not fitted, there is no such opset, or an activation has no form in ONNX: the
            cells "rnn" have "tanh", "relu" and "logistic".
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

        The header includes only ``stdint.h``, and needs neither allocation nor libm, so it can be used on a
        microcontroller. With the name ``net`` it defines ``net_predict(x, y)`` for a `Network` and a
        regressor. For a classifier it defines ``net_predict(x)``, which returns a place in ``net_classes``,
        and ``net_predict_proba(x, p)``, or with a hinge loss ``net_decision_function(x, p)``; for several
        labels per row, ``net_predict(x, labels)``. A comment at the top lists inputs, classes and sizes. If
        ``NET_SELF_TEST`` is defined, ``net_self_test()`` returns 0 if the header computes the expected
        results.

        Parameters
        ----------
        path : str or path-like, default=None
            The file to write, usually ``.h``.
        name : str, default="net"
            The prefix of all names in the header.
        dtype : {"float", "int8"}, default="float"
            The type of weights and activations: floats, or 8-bit integers in fixed point, which take a
            quarter of the memory. The parameters of a float64 network are rounded to float.
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
        ValueError
            If an estimator is not fitted, `name` is not an identifier of C, or `X` is missing or does not
            fit.
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
            The model as JSON: structure, parameters and numbers, which `from_json` restores to the bit.
            docs/file-format.md describes the form.

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

    def to_torch(self) -> Any:
        """Return the model as a ``torch.nn.Sequential``.

        Its outputs are those of the network, of shape (n, n_outputs): the numbers that a regressor predicts,
        the probabilities of a classifier, of two classes that of the second one alone, or with a hinge loss
        its scores. A recurrent network takes an array of shape (n, n_steps, n_inputs).

        Returns
        -------
        module : torch.nn.Sequential
            On the CPU, with the model's dtype and copies of its parameters, without dropout.

        Raises
        ------
        ImportError
            If the package ``torch`` is not installed.
        ValueError
            If an estimator is not fitted, or the network has complex numbers, stochastic units, or recurrent
            layers of the cell "rnn" whose activation is neither "tanh" nor "relu".

        See Also
        --------
        ferroprop.export.to_torch : Takes pipelines too.
        ferroprop.from_torch : The way back.

        Examples
        --------
        >>> import ferroprop as fp
        >>> fp.Network([4, 3, 2], output_activation="softmax").to_torch()  # doctest: +SKIP
        Sequential(
          (0): Linear(in_features=4, out_features=3, bias=True)
          (1): ReLU()
          (2): Linear(in_features=3, out_features=2, bias=True)
          (3): Softmax(dim=-1)
        )
        """
        from ferroprop.export._torch import to_torch

        return to_torch(self)

    def to_keras_weights(self) -> list[NDArray[Any]]:
        """Return the weights in the order, and in the form, of Keras.

        They are what ``set_weights`` takes of a Keras model with the same layers: of each ``Dense`` layer
        ``kernel`` and ``bias``; of each ``SimpleRNN``, ``LSTM`` and ``GRU`` (with ``reset_after=True``)
        ``kernel``, ``recurrent_kernel`` and ``bias``, with gates in Keras' order: i, f, c, o, and z, r, h.
        Biases of layers without any are 0.

        Returns
        -------
        weights : list of ndarray
            Two for each dense layer, three for each recurrent one. Copies.

        Raises
        ------
        ValueError
            If an estimator is not fitted, or the network has complex numbers or stochastic units.

        See Also
        --------
        Network.set_parameters : The way back: ``net.set_parameters(weights[::2], weights[1::2])``.
        RecurrentNetwork.set_keras_weights : The way back for recurrent networks.

        Examples
        --------
        >>> import ferroprop as fp
        >>> [array.shape for array in fp.Network([4, 3, 2]).to_keras_weights()]
        [(4, 3), (3,), (3, 2), (2,)]
        >>> [array.shape for array in fp.RecurrentNetwork([3, 5, 1], cell="gru").to_keras_weights()]
        [(3, 15), (5, 15), (2, 15), (5, 1), (1,)]
        """
        from ferroprop.export._keras import to_keras_weights

        return to_keras_weights(self)

    @classmethod
    def from_json(cls, source: str | os.PathLike[str]) -> Self:
        """Return the model from a text of `to_json`.

        The text omits the optimizer's state: further training begins with fresh momentum, moments or step
        sizes.

        Parameters
        ----------
        source : str or path-like
            The text, which begins with ``{``, or the name of a file that holds it.

        Returns
        -------
        model : Network, MLPClassifier or MLPRegressor
            A model of this class, whose predictions have the same bits as those of the original.

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
