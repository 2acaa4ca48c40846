"""From scikit-learn's estimators to ours and back."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ferroprop.estimators._optimizers import OptimizerKeeper
from ferroprop.estimators._prepared import NetworkKeeper

if TYPE_CHECKING:
    from ferroprop.estimators._base import BaseMLP

SOLVERS = ("lbfgs", "sgd", "adam")
HIDDEN_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
OUTPUT_ACTIVATIONS = (*HIDDEN_ACTIVATIONS, "softmax", "exp")
LOSSES = ("squared_error", "poisson", "log_loss")
"""What scikit-learn has."""

NOT_TAKEN = ("_optimizer", "_networks", "_random_state", "_skl_callbacks")
"""Attributes that mean nothing on the other side."""


class ConvertsToSklearn:
    """The methods of an estimator that lead from and to scikit-learn's own."""

    _sklearn_class: ClassVar[type]

    @classmethod
    def from_sklearn(cls, estimator: Any) -> Self:
        """Return an estimator like one of scikit-learn, fitted if that one is.

        Parameters
        ----------
        estimator : sklearn.neural_network.MLPClassifier or MLPRegressor
            Of the same name as this class.

        Returns
        -------
        ours : estimator
            With the same parameters and a copy of the fitted attributes; its predictions are the same up to
            rounding. What the optimizer remembers is not taken over: if training goes on, with momentum or
            moments, they begin anew.

        Examples
        --------
        >>> import sklearn.neural_network
        >>> from ferroprop import MLPRegressor
        >>> theirs = sklearn.neural_network.MLPRegressor(hidden_layer_sizes=(5,), alpha=0.1)
        >>> MLPRegressor.from_sklearn(theirs)
        MLPRegressor(alpha=0.1, hidden_layer_sizes=(5,))
        """
        if not isinstance(estimator, cls._sklearn_class):
            kind = type(estimator)
            raise TypeError(
                f"estimator must be a sklearn.neural_network.{cls._sklearn_class.__name__}, "
                f"got a {kind.__module__}.{kind.__name__}."
            )
        parameters: dict[str, Any] = estimator.get_params(deep=False)  # type: ignore[attr-defined]
        ours = cls(**copy.deepcopy(parameters))
        ours.__dict__.update(_fitted(estimator))
        if "coefs_" in ours.__dict__:
            ours.__dict__.update(_optimizer=OptimizerKeeper(), _networks=NetworkKeeper())
        return ours

    def to_sklearn(self: BaseMLP) -> Any:  # type: ignore[misc]
        """Return an estimator of scikit-learn like this one, fitted if this one is.

        Parameters that scikit-learn has not are left out, and a solver or a loss that it has not becomes its
        default: it predicts the same up to rounding, and may learn otherwise if it is fitted again.

        Returns
        -------
        theirs : sklearn.neural_network.MLPClassifier or MLPRegressor
            With a copy of the fitted attributes.

        Raises
        ------
        ValueError
            If scikit-learn does not know an activation, or has no hinge loss, so that it could not predict.

        Examples
        --------
        >>> from ferroprop import MLPRegressor
        >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]
        >>> ours = MLPRegressor(hidden_layer_sizes=(5,), random_state=0).initialize(X, y)
        >>> theirs = ours.to_sklearn()
        >>> type(theirs).__module__
        'sklearn.neural_network._multilayer_perceptron'
        >>> bool(abs(theirs.predict(X) - ours.predict(X)).max() < 1e-12)
        True
        """
        if not (isinstance(self.activation, str) and self.activation in HIDDEN_ACTIVATIONS):
            raise ValueError(
                f"scikit-learn has the activations {', '.join(HIDDEN_ACTIVATIONS)}, one for all hidden "
                f"layers, got activation={self.activation!r}."
            )
        output = self.__dict__.get("out_activation_", self.output_activation)
        if output is not None and not (isinstance(output, str) and output in OUTPUT_ACTIVATIONS):
            raise ValueError(
                f"scikit-learn has the output activations {', '.join(OUTPUT_ACTIVATIONS)}, got {output!r}."
            )
        if self._has_margins():
            raise ValueError(f"scikit-learn's classifier has no margins, got loss={self.loss!r}.")
        known = self._sklearn_class().get_params()
        parameters = {name: value for name, value in self.get_params(deep=False).items() if name in known}
        if self.solver not in SOLVERS:
            del parameters["solver"]
        if parameters.get("loss") not in LOSSES:
            parameters.pop("loss", None)
        theirs = self._sklearn_class(**copy.deepcopy(parameters))
        theirs.__dict__.update(_fitted(self))
        if "coefs_" in theirs.__dict__:
            theirs.__dict__.setdefault("_no_improvement_count", 0)
        return theirs


def _fitted(estimator: Any) -> dict[str, Any]:
    """Return a copy of the fitted attributes."""
    parameters = estimator.get_params(deep=False)
    return {
        name: copy.deepcopy(value)
        for name, value in vars(estimator).items()
        if name not in parameters and name not in NOT_TAKEN and (name.endswith("_") or name.startswith("_"))
    }
