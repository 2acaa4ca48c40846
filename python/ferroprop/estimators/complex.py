"""`ComplexMLPClassifier` and `ComplexMLPRegressor`."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike

from ferroprop._core import Huber
from ferroprop.estimators import _activations
from ferroprop.estimators._scores import accuracy_of_largest, r2
from ferroprop.estimators._sklearn import (
    StrOptions,
    check_sample_weight,
    column_or_1d,
    validate_data,
)
from ferroprop.estimators._targets import labels
from ferroprop.estimators._typing import Array, MatrixLike, TargetLike
from ferroprop.estimators.classifier import MLPClassifier
from ferroprop.estimators.regressor import MLPRegressor

COMPLEX = (np.complex64, np.complex128)
SINGLE = (np.complex64, np.float32, np.float16)


def complex_numbers(values: Any, name: str) -> Array:
    """Return an array of finite complex numbers: complex64 from complex64 and float32, else complex128."""
    if scipy.sparse.issparse(values):
        raise TypeError(f"{name} must be a dense array, got a sparse one; use {name}.toarray().")
    array = np.asarray(values)
    if array.dtype.kind not in "biufcO":
        raise ValueError(f"{name} must hold complex numbers, got dtype {array.dtype}.")
    numbers = array.astype(COMPLEX[array.dtype not in SINGLE], copy=False)
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} must hold finite numbers, got NaN or infinity.")
    return numbers


class _ComplexInputs:
    """What complex estimators check for themselves: scikit-learn refuses complex numbers."""

    _activation_names: ClassVar[tuple[str, ...]] = _activations.COMPLEX_HIDDEN_NAMES
    _number_kinds: ClassVar[str] = "c"

    def _complex_rows(self, X: MatrixLike, *, reset: bool, dtype: Any = None) -> Array:
        validate_data(self, X, skip_check_array=True, reset=reset)  # number and names of the features
        rows = complex_numbers(X, "X")
        if rows.ndim != 2 or 0 in rows.shape:
            raise ValueError(f"X must have shape (n, n_features) with n at least 1, got {rows.shape}.")
        return rows if dtype is None else rows.astype(dtype, copy=False)

    def _checked_rows(self, X: MatrixLike, dtype: Any = None) -> Array:
        return self._complex_rows(X, reset=False, dtype=dtype)

    def predict_gradient(self, X: MatrixLike) -> Array:
        """Raise: outputs have no derivative with respect to complex inputs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The input data.

        Raises
        ------
        AttributeError
            Always.
        """
        raise AttributeError(
            f"{type(self).__name__} has no predict_gradient: complex inputs have no derivative."
        )

    def to_sklearn(self) -> Any:
        """Raise: scikit-learn has no complex networks.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError("scikit-learn has no networks of complex numbers.")

    @classmethod
    def from_sklearn(cls, estimator: Any) -> Any:
        """Raise: scikit-learn has no complex networks.

        Parameters
        ----------
        estimator : object
            Whatever it is.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError("scikit-learn has no networks of complex numbers.")

    def __sklearn_tags__(self) -> Any:
        """Return the tags of an estimator that takes dense arrays of complex numbers."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.sparse = False
        tags.transformer_tags.preserves_dtype = ["complex128", "complex64"]
        return tags


class ComplexMLPRegressor(_ComplexInputs, MLPRegressor):
    """Multi-layer perceptron regressor for complex numbers.

    Inputs, weights, biases and outputs are complex: phases are kept, a weight turns and scales, and there
    are half the parameters of a real network on real and imaginary parts. It is no better than that one on
    every problem; on data where a common phase does not matter it needs fewer rows to see that.

    Parameters
    ----------
    loss : {'squared_error', 'absolute_error', 'huber'}, object or callable, default='squared_error'
        With the distance r = abs(a - t) of an output a from its target t: r**2 / 2, r, or Huber's loss of
        r. A function gets complex outputs and targets, and returns gradients dE/dRe(a) + i dE/dIm(a).
    hidden_layer_sizes, activation, solver, ... : optional
        As for `MLPRegressor`, which lists them. Activations of `ACTIVATIONS` act on real and imaginary part
        by themselves; those of `COMPLEX_ACTIVATIONS` on the whole number. With ``output_activation="abs"``
        outputs and targets are real. The quantile has no use. Optimizers treat real and imaginary parts as
        numbers of their own.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Complex weights and biases.

    See Also
    --------
    MLPRegressor : The same for real numbers, with all attributes.
    Network : The network itself, with ``dtype="complex64"`` or ``"complex128"``.

    Notes
    -----
    complex64 and float32 inputs are trained in complex64, all others in complex128. scikit-learn's own
    checks, scorers and most of its transformers refuse complex numbers; ``score`` is our own.

    References
    ----------
    A. Hirose, "Complex-valued neural networks", Springer 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from ferroprop import ComplexMLPRegressor
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(200, 2)) + 1j * rng.normal(size=(200, 2))
    >>> w = Z[:, 0] * Z[:, 1].conj()
    >>> mlp = ComplexMLPRegressor(hidden_layer_sizes=(30,), activation="tanh", solver="rprop", random_state=0)
    >>> mlp.fit(Z[:150], w[:150]).score(Z[150:], w[150:]) > 0.6
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **MLPRegressor._parameter_constraints,
        "activation": [*_activations.COMPLEX_HIDDEN, list, tuple, np.ndarray],
        "output_activation": [*_activations.COMPLEX_OUTPUT, None],
        "loss": [StrOptions({"squared_error", "absolute_error", "huber"}), Huber, callable],
    }

    def _validate_input(
        self, X: MatrixLike, y: TargetLike, *, goes_on: bool, reset: bool, single: bool
    ) -> tuple[Array, Array]:
        rows = self._complex_rows(X, reset=reset)
        Y = self._targets(y)
        if len(Y) != len(rows):
            raise ValueError(f"X and y must have as many rows, got {len(rows)} and {len(Y)}.")
        return rows, Y

    def _targets(self, y: TargetLike) -> Array:
        if self._has_real_outputs():
            return super()._targets(y)
        if np.asarray(y).dtype.kind in "biuf":
            dtype = np.asarray(y).dtype
            raise ValueError(
                f"y must hold complex numbers, as the outputs are, got dtype {dtype}; real targets are for "
                "output_activation='abs', and y + 0j for imaginary parts that should be 0."
            )
        Y = complex_numbers(y, "y")
        if Y.ndim not in (1, 2) or 0 in Y.shape:
            raise ValueError(f"y must have shape (n,) or (n, n_outputs), got {Y.shape}.")
        return Y.reshape(-1, 1) if Y.ndim == 1 else Y

    def _has_real_outputs(self) -> bool:
        return isinstance(self.output_activation, str) and self.output_activation in ("abs", "softmax")

    def _core_targets(self, Y: Array, dtype: np.dtype[Any]) -> Array:
        return Y.astype(np.zeros(0, dtype).real.dtype if self._has_real_outputs() else dtype, copy=False)

    def _out_activation(self) -> str:
        return "identity"

    def score(self, X: MatrixLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the coefficient of determination, averaged over the outputs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        score : float
            1 - sum abs(y - p)**2 / sum abs(y - mean)**2 of the predictions p; 1 is best.
        """
        outputs = self._outputs(X)
        weight = None if sample_weight is None else check_sample_weight(sample_weight, outputs.real)
        return r2(self._targets(y), outputs, weight)


class ComplexMLPClassifier(_ComplexInputs, MLPClassifier):
    """Multi-layer perceptron classifier for complex numbers.

    Inputs, weights and biases are complex; the probabilities of the classes are the softmax of the absolute
    values of the last layer's net inputs.

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, ... : optional
        As for `MLPClassifier`, which lists them. Activations of `ACTIVATIONS` act on real and imaginary
        part by themselves; those of `COMPLEX_ACTIVATIONS` on the whole number. The loss is 'log_loss' or a
        function; the output activation is 'softmax'. Several labels a row are not supported.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Complex weights and biases. There is an output for each class, of two classes too.
    classes_ : ndarray of shape (n_classes,)
        The labels.

    See Also
    --------
    MLPClassifier : The same for real numbers, with all attributes.
    Network : The network itself, with ``dtype="complex64"`` or ``"complex128"``.

    Notes
    -----
    complex64 and float32 inputs are trained in complex64, all others in complex128.

    References
    ----------
    A. Hirose, "Complex-valued neural networks", Springer 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from ferroprop import ComplexMLPClassifier
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(300, 2)) + 1j * rng.normal(size=(300, 2))
    >>> ahead = np.angle(Z[:, 0] * Z[:, 1].conj()) > 0
    >>> mlp = ComplexMLPClassifier((20,), activation="cardioid", solver="rprop", random_state=0)
    >>> mlp.fit(Z[:200], ahead[:200]).score(Z[200:], ahead[200:]) > 0.8
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **MLPClassifier._parameter_constraints,
        "activation": [*_activations.COMPLEX_HIDDEN, list, tuple, np.ndarray],
        "output_activation": [StrOptions({"softmax"}), None],
        "loss": [StrOptions({"log_loss"}), callable],
    }

    def _validate_input(
        self, X: MatrixLike, y: TargetLike, *, goes_on: bool, reset: bool, single: bool
    ) -> tuple[Array, Array]:
        rows = self._complex_rows(X, reset=reset)
        y = column_or_1d(labels(y), warn=True)
        if len(y) != len(rows):
            raise ValueError(f"X and y must have as many rows, got {len(rows)} and {len(y)}.")
        return rows, self._for_each_class(self._indicators(y, goes_on=goes_on, single=single))

    def _expect_classes(self, y: TargetLike, classes: ArrayLike | None) -> None:
        super()._expect_classes(column_or_1d(labels(y)), classes)

    @staticmethod
    def _for_each_class(Y: Array) -> Array:
        return np.concatenate([~Y, Y], axis=1) if Y.shape[1] == 1 else Y

    def _targets(self, y: TargetLike) -> Array:
        return self._for_each_class(super()._targets(y))

    def _labels(self, Y: Array) -> Array:
        of_rows: Array = self.classes_[Y.argmax(axis=1)]
        return of_rows

    def _core_targets(self, Y: Array, dtype: np.dtype[Any]) -> Array:
        return Y.astype(np.zeros(0, dtype).real.dtype)

    def predict(self, X: MatrixLike, *, samples: int | None = None, seed: int = 0) -> Array:
        """Predict the classes of `X`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The input data.
        samples, seed : None and int
            Only networks of real numbers have samples; leave them out.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The predicted classes.
        """
        self = self._as_it_is()
        return self._labels(self._mean_outputs(X, samples, seed))

    def _out_activation(self) -> str:
        return "softmax"

    def _is_stratified(self, Y: Array) -> bool:
        return False

    def _score_outputs(self, Y: Array, outputs: Array, sample_weight: Array | None) -> float:
        return accuracy_of_largest(Y, outputs, sample_weight)
