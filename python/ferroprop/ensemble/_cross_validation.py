"""The members of a cross-validation as an ensemble, each stopped early on the rows that it leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from ferroprop.ensemble import _sklearn
from ferroprop.estimators import MLPClassifier, MLPRegressor
from ferroprop.estimators._base import BaseMLP
from ferroprop.estimators._fits import at_a_time, finish_together, postponed
from ferroprop.estimators._input_checks import are_plain
from ferroprop.estimators._label_encoding import of_both_classes
from ferroprop.estimators._optimizers import is_lbfgs
from ferroprop.estimators._samples import CheckedRows, are_row_numbers
from ferroprop.estimators._several_networks import Networks, sum_in_order
from ferroprop.estimators._sklearn import (
    BaseEstimator,
    ClassifierMixin,
    Interval,
    RegressorMixin,
    check_is_fitted,
    check_sample_weight,
    with_checked_parameters_of_members,
)
from ferroprop.estimators._threads import threads_for
from ferroprop.estimators._typing import Array, MatrixLike, TargetLike
from ferroprop.model_selection._tasks import takes_rows_in_place

Split = tuple[Array, Array]


class _CVEnsemble(_sklearn.MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """What both kinds share; a subclass says what members are, and what they predict."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": [BaseMLP],
        "cv": ["cv_object"],
        "n_jobs": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
            None,
        ],
    }
    _kind: ClassVar[type[BaseMLP]]
    _method: ClassVar[str]

    def __init__(self, estimator: Any, *, cv: Any = 5, n_jobs: int | None = None) -> None:
        self.estimator = estimator
        self.cv = cv
        self.n_jobs = n_jobs

    @with_checked_parameters_of_members
    def fit(
        self,
        X: MatrixLike,
        y: TargetLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit a member for each split, to its training rows, stopped early on the others.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, in training, early stopping and `oof_score_`.
        groups : array-like of shape (n_samples,), default=None
            Which rows belong together, for a `cv` that keeps them together, such as ``GroupKFold``.

        Returns
        -------
        self : object
            The fitted ensemble.

        Raises
        ------
        ValueError
            If a parameter is out of range, a shape does not fit, or the rows of a split lack a class.
        """
        if not isinstance(self.estimator, self._kind):
            raise TypeError(
                f"estimator must be a {self._kind.__name__}, got {type(self.estimator).__name__}."
            )
        X, y, groups = _sklearn.indexable(X, y, groups)
        weight = None if sample_weight is None else check_sample_weight(sample_weight, X)
        cv = _sklearn.check_cv(self.cv, y, classifier=_sklearn.is_classifier(self))
        splits: list[Split] = [
            (np.asarray(train), np.asarray(test)) for train, test in cv.split(X, y, groups)
        ]
        if not splits:
            raise ValueError(f"cv must give at least one split, got none by {self.cv!r}.")
        n_threads = threads_for(self.n_jobs)
        few = at_a_time(X, len(splits), n_threads)
        size = few or len(splits)
        stay = few is not None and takes_rows_in_place(self.estimator) and are_plain(X, y)
        members: list[Any] = []
        for first in range(0, len(splits), size):
            with postponed(lambda _: True) as fits:
                members += [
                    self._begun(X, y, weight, split, stay=stay) for split in splits[first : first + size]
                ]
            for error in finish_together(fits, n_threads) if fits else ():
                if error is not None:
                    raise error
        self._check_members(members)
        first = members[0]
        learned: dict[str, Any] = {
            "estimators_": members,
            "n_features_in_": first.n_features_in_,
            "n_outputs_": first.n_outputs_,
        }
        for name in ("feature_names_in_", "classes_"):
            if hasattr(first, name):
                learned[name] = getattr(first, name)
        prediction, known = out_of_fold(members, self._method, X, [test for _, test in splits])
        learned["oof_prediction_"] = prediction
        truth = _sklearn.rows_of(y, np.flatnonzero(known))
        of_known = None if weight is None else weight[known]
        kept = {name: value for name, value in vars(self).items() if not name.endswith("_")}
        self.__dict__ = {**kept, **learned, "_networks": Networks(members)}
        self.oof_score_ = self._score(truth, self._decoded(prediction[known]), of_known)
        return self

    def _begun(self, X: Any, y: Any, weight: Array | None, split: Split, *, stay: bool) -> Any:
        """Return a member whose training is postponed; rows that are to `stay` are not copied for it."""
        train, test = split
        member = _sklearn.clone(self.estimator)
        if is_lbfgs(member.solver):
            held_out = {}
        else:
            member.set_params(early_stopping=True)
            held_out = {"X_val": _sklearn.rows_of(X, test), "y_val": _sklearn.rows_of(y, test)}
            if weight is not None:
                held_out["sample_weight_val"] = weight[test]
        of_rows = None if weight is None else weight[train]
        is_list = stay and are_row_numbers(train, len(X))
        rows = CheckedRows(X, train) if is_list else _sklearn.rows_of(X, train)
        member.fit(rows, _sklearn.rows_of(y, train), of_rows, **held_out)
        return member

    def _check_members(self, members: Sequence[Any]) -> None:
        """Refuse members that do not fit together."""

    def _decoded(self, prediction: Array) -> Array:
        """Return predictions in the form of the targets."""
        return prediction

    def _score(self, truth: Any, predicted: Array, weight: Array | None) -> float:
        raise NotImplementedError

    def _mean(self, X: MatrixLike) -> Array:
        """Return the mean of what the members predict."""
        check_is_fitted(self)
        outputs = None
        if not hasattr(self, "feature_names_in_"):
            outputs = self._networks.outputs(X, threads_for(self.n_jobs))
        if outputs is None:
            predictions: Any = [getattr(member, self._method)(X) for member in self.estimators_]
        else:
            predictions = self._of_outputs(outputs)
        mean: Array = sum_in_order(predictions) / len(predictions)
        return mean

    def _of_outputs(self, outputs: Array) -> Array:
        """Return what members predict from the outputs of their networks."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, without networks."""
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_networks", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the ensemble."""
        super().__setstate__(state)
        if "estimators_" in state:
            self._networks = Networks(self.estimators_)

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there are members."""
        return "estimators_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        """Return the tags of an estimator that takes what its members take."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class CVEnsembleClassifier(ClassifierMixin, _CVEnsemble):  # type: ignore[misc]
    """The classifiers of a cross-validation as an ensemble.

    A network is fitted for each split of a cross-validation, side by side in one call of the core, and early
    stopping watches the rows that the split leaves out. So all rows are trained on, each network stops where
    rows that it does not know are predicted best, and the prediction of each row by networks that do not
    know it is a by-product. The probabilities of the ensemble are the mean of theirs [1]_.

    Parameters
    ----------
    estimator : MLPClassifier
        The classifier that is fitted for each split, with ``early_stopping=True``. With the solver lbfgs,
        which has no early stopping, the rows left out only give `oof_prediction_`.
    cv : int, splitter or iterable, default=5
        The splits; a number is that of stratified folds.
    n_jobs : int or None, default=None
        The most threads. None is all cores.

    Attributes
    ----------
    estimators_ : list of MLPClassifier
        The members, one per split.
    classes_ : ndarray of shape (n_classes,)
        The classes.
    oof_prediction_ : ndarray of shape (n_samples, n_classes)
        The probabilities of each row by members that were not trained on it, their mean if there are several;
        NaN where there is none. Early stopping has seen these rows, so they are a little too good.
    oof_score_ : float
        The accuracy of these.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if they have some.
    n_outputs_ : int
        Number of outputs of the networks.

    References
    ----------
    .. [1] A. Krogh, J. Vedelsby, "Neural network ensembles, cross validation, and active learning", NIPS 7,
       1995.

    Examples
    --------
    >>> import numpy as np
    >>> from ferroprop import MLPClassifier
    >>> from ferroprop.ensemble import CVEnsembleClassifier
    >>> X, y = np.linspace(-1.0, 1.0, 40)[:, np.newaxis], np.arange(40) // 20
    >>> mlp = MLPClassifier((5,), solver="rprop", random_state=0, n_iter_no_change=5, scoring="loss")
    >>> ensemble = CVEnsembleClassifier(mlp, cv=4).fit(X, y)
    >>> len(ensemble.estimators_), ensemble.oof_prediction_.shape
    (4, (40, 2))
    >>> ensemble.predict([[-0.5], [0.5]])
    array([0, 1])
    """

    _kind = MLPClassifier
    _method = "predict_proba"

    def predict_proba(self, X: MatrixLike) -> Array:
        """Predict the probability of each class: the mean of the members' probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; in multilabel classification of each label.
        """
        return self._mean(X)

    def predict(self, X: MatrixLike) -> Array:
        """Predict the classes: those of the greatest mean probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The classes; in multilabel classification 1 for each label that applies.
        """
        return self._decoded(self._mean(X))

    def _check_members(self, members: Sequence[Any]) -> None:
        if any(member._has_margins() for member in members):
            raise ValueError("estimator must predict probabilities, got one with a hinge loss.")
        for member in members[1:]:
            if not np.array_equal(member.classes_, members[0].classes_):
                raise ValueError(
                    "cv must give splits whose training rows have all classes, got one with "
                    f"{members[0].classes_} and one with {member.classes_}."
                )

    def _is_multilabel(self) -> bool:
        return bool(self.estimators_[0]._label_binarizer.y_type_ == "multilabel-indicator")

    def _decoded(self, prediction: Array) -> Array:
        if self._is_multilabel():
            return (prediction > 0.5).astype(np.intp)
        labels: Array = self.classes_[prediction.argmax(axis=1)]
        return labels

    def _of_outputs(self, outputs: Array) -> Array:
        if outputs.shape[2] > 1 or self._is_multilabel():
            return outputs
        return np.ones_like(outputs) if len(self.classes_) == 1 else of_both_classes(outputs)

    def _score(self, truth: Any, predicted: Array, weight: Array | None) -> float:
        return float(_sklearn.accuracy_score(truth, predicted, sample_weight=weight))

    def __sklearn_tags__(self) -> Any:
        """Return the tags of a classifier that also accepts several labels per row."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class CVEnsembleRegressor(RegressorMixin, _CVEnsemble):  # type: ignore[misc]
    """The regressors of a cross-validation as an ensemble.

    A network is fitted for each split of a cross-validation, side by side in one call of the core, and early
    stopping watches the rows that the split leaves out. The ensemble predicts the mean [1]_.

    Parameters
    ----------
    estimator : MLPRegressor
        The regressor that is fitted for each split, with ``early_stopping=True``. With the solver lbfgs,
        which has no early stopping, the rows left out only give `oof_prediction_`.
    cv : int, splitter or iterable, default=5
        The splits; a number is that of folds.
    n_jobs : int or None, default=None
        The most threads. None is all cores.

    Attributes
    ----------
    estimators_ : list of MLPRegressor
        The members, one per split.
    oof_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The prediction of each row by members that were not trained on it, their mean if there are several;
        NaN where there is none. Early stopping has seen these rows, so they are a little too good.
    oof_score_ : float
        Their coefficient of determination R².
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if they have some.
    n_outputs_ : int
        Number of targets.

    References
    ----------
    .. [1] A. Krogh, J. Vedelsby, "Neural network ensembles, cross validation, and active learning", NIPS 7,
       1995.

    Examples
    --------
    >>> import numpy as np
    >>> from ferroprop import MLPRegressor
    >>> from ferroprop.ensemble import CVEnsembleRegressor
    >>> X = np.linspace(-1.0, 1.0, 40)[:, np.newaxis]
    >>> mlp = MLPRegressor(hidden_layer_sizes=(5,), solver="rprop", random_state=0, n_iter_no_change=5)
    >>> ensemble = CVEnsembleRegressor(mlp, cv=4).fit(X, X[:, 0] ** 2)
    >>> len(ensemble.estimators_), ensemble.oof_prediction_.shape
    (4, (40,))
    """

    _kind = MLPRegressor
    _method = "predict"

    def predict(self, X: MatrixLike) -> Array:
        """Predict the targets: the mean of the members' predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predictions.
        """
        return self._mean(X)

    def _of_outputs(self, outputs: Array) -> Array:
        return outputs[..., 0] if outputs.shape[2] == 1 else outputs

    def _score(self, truth: Any, predicted: Array, weight: Array | None) -> float:
        return float(_sklearn.r2_score(truth, predicted, sample_weight=weight))

    def __sklearn_tags__(self) -> Any:
        """Return the tags of a regressor that also accepts several targets per row."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def out_of_fold(
    estimators: Sequence[Any], method: str, X: MatrixLike, held_out: Sequence[Array]
) -> tuple[Array, Array]:
    """Return the mean of what estimators predict for the rows that they leave out, and of which rows.

    Parameters
    ----------
    estimators : sequence
        Fitted estimators, one per split.
    method : str
        The method that predicts.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        All rows.
    held_out : sequence of ndarray
        The rows that each split leaves out: their numbers, or a mask.

    Returns
    -------
    mean : ndarray of shape (n_samples, ...)
        NaN for rows that no split leaves out.
    known : ndarray of shape (n_samples,)
        Whether a row is left out by a split.
    """
    parts = [
        getattr(estimator, method)(_sklearn.rows_of(X, rows))
        for estimator, rows in zip(estimators, held_out, strict=True)
    ]
    n_rows = _sklearn.count_rows(X)
    total = np.zeros((n_rows, *parts[0].shape[1:]))
    counts = np.zeros(n_rows, dtype=np.intp)
    for part, places in zip(parts, held_out, strict=True):
        numbers = np.flatnonzero(places) if places.dtype == bool else places
        np.add.at(total, numbers, part)
        np.add.at(counts, numbers, 1)
    known = counts > 0
    shape = (-1, *[1] * (total.ndim - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Array = total / counts.reshape(shape)
    return mean, known
