"""scikit-learn's bagging, with members that are trained side by side."""

from __future__ import annotations

from typing import Any, Self

import joblib
import numpy as np
import scipy.sparse

from ferroprop.ensemble import _sklearn
from ferroprop.estimators import MLPClassifier, MLPRegressor
from ferroprop.estimators._label_encoding import of_both_classes
from ferroprop.estimators._several_networks import Networks, sum_in_order
from ferroprop.estimators._threads import threads_for
from ferroprop.estimators._typing import Array, MatrixLike, TargetLike
from ferroprop.model_selection._backend import FerropropBackend
from ferroprop.model_selection._documentation import adapted


class _Bagging:
    """Bagging whose members are trained side by side, and predict in one go if they are ours."""

    estimators_: list[Any]
    estimators_features_: list[Any]
    n_features_in_: int
    n_jobs: int | None

    def fit(self, X: MatrixLike, y: TargetLike, sample_weight: Any = None, **fit_params: Any) -> Self:
        """Fit the members, each to rows drawn from these.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows: how likely they are drawn.
        **fit_params : dict
            Parameters of the members' ``fit``.

        Returns
        -------
        self : object
            The fitted ensemble.
        """
        with joblib.parallel_config(FerropropBackend()):
            X = X.tocsr() if scipy.sparse.issparse(X) else X  # once for all members
            super().fit(X, y, sample_weight=sample_weight, **fit_params)  # type: ignore[misc]
        self.__dict__.pop("_networks", None)
        return self

    def _outputs(self, X: Any, kind: Any) -> Array | None:
        """Return the outputs of all members for rows as they are, None where scikit-learn is to predict."""
        if (
            _sklearn.routing_enabled()
            or "estimators_" not in vars(self)
            or hasattr(self, "feature_names_in_")
        ):
            return None
        networks = vars(self).get("_networks")
        if networks is None or not networks.of(self.estimators_):
            inputs = np.arange(self.n_features_in_)
            members: list[Any] = self.estimators_
            if not all(
                type(member) is kind and member.n_outputs_ == members[0].n_outputs_ for member in members
            ) or not all(np.array_equal(features, inputs) for features in self.estimators_features_):
                return None
            networks = self._networks = Networks(self.estimators_)
        outputs: Array | None = networks.outputs(X, threads_for(self.n_jobs))
        return outputs

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, without networks."""
        state: Any = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_networks"}


def _documented(original: type, member: str, target: str, result: str) -> str:
    name = original.__name__
    return adapted(
        original,
        "Bagging: the mean of members that are fitted to rows drawn with replacement.\n\n"
        "It takes the place of scikit-learn's class of this name, with the same results. ferroprop's members "
        "are trained\nside by side in one call of the core.",
        f"""
        >>> import numpy as np
        >>> from ferroprop import {member}
        >>> from ferroprop.ensemble import {name}
        >>> X, y = np.array([[0.0], [0.1], [0.2], [0.8], [0.9], [1.0]]), {target}
        >>> mlp = {member}(hidden_layer_sizes=(3,), solver="rprop", max_iter=50, n_iter_no_change=5)
        >>> ensemble = {name}(mlp, n_estimators=5, random_state=0).fit(X, y)
        >>> {result}
        """,
    )


class BaggingClassifier(_Bagging, _sklearn.BaggingClassifier):  # type: ignore[misc]
    __doc__ = _documented(
        _sklearn.BaggingClassifier,
        "MLPClassifier",
        "[0, 0, 0, 1, 1, 1]",
        "ensemble.predict(X).tolist()\n        [0, 0, 0, 1, 1, 1]",
    )

    def predict_proba(self, X: MatrixLike, **params: Any) -> Array:
        """Predict the probability of each class: the mean of the members' probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        **params : dict
            Parameters of the members' method, with scikit-learn's metadata routing.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        outputs = None if params else self._outputs(X, MLPClassifier)
        n_classes = len(self.classes_) if outputs is not None else 0
        if (
            outputs is None
            or n_classes < 2
            or outputs.shape[2] != (n_classes if n_classes > 2 else 1)
            or any(member._has_margins() for member in self.estimators_)
        ):
            probabilities: Array = super().predict_proba(X, **params)
            return probabilities
        if n_classes == 2:
            outputs = of_both_classes(outputs)
        return sum_in_order(outputs.astype(np.float64, copy=False)) / len(outputs)


class BaggingRegressor(_Bagging, _sklearn.BaggingRegressor):  # type: ignore[misc]
    __doc__ = _documented(
        _sklearn.BaggingRegressor,
        "MLPRegressor",
        "np.array([0.0, 0.1, 0.2, 0.8, 0.9, 1.0])",
        "ensemble.predict(X).shape\n        (6,)",
    )

    def predict(self, X: MatrixLike, **params: Any) -> Array:
        """Predict the targets: the mean of the members' predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        **params : dict
            Parameters of the members' method, with scikit-learn's metadata routing.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predictions.
        """
        outputs = None if params else self._outputs(X, MLPRegressor)
        if outputs is None:
            predictions: Array = super().predict(X, **params)
            return predictions
        mean: Array = sum_in_order(outputs) / len(outputs)
        return mean.ravel() if mean.shape[1] == 1 else mean
