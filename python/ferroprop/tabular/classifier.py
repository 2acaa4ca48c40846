"""`TabularMLPClassifier`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from ferroprop._core import Network
from ferroprop.estimators._sklearn import (
    ClassifierMixin,
    Interval,
    StrOptions,
    accuracy_score,
)
from ferroprop.estimators._targets import class_weights
from ferroprop.estimators._typing import Array, MatrixLike, TargetLike
from ferroprop.tabular._base import BaseTabularMLP, LeftOut
from ferroprop.tabular._calibration import tempered_log_loss, with_temperature
from ferroprop.tabular._course import Course
from ferroprop.tabular._labels import read_labels
from ferroprop.tabular._member import MemberEpoch
from ferroprop.tabular._recipe import Recipe
from ferroprop.tabular._trials import Task
from ferroprop.tabular._weights import near_one
from ferroprop.tabular.encoder import NumericEncoding


class TabularMLPClassifier(ClassifierMixin, BaseTabularMLP):  # type: ignore[misc]
    """Classifier for tables as they come: an ensemble of multi-layer perceptrons that needs no tuning.

    It takes a data frame (pandas, polars, or another that narwhals knows), an Arrow table or an array, with
    numbers of any scale, categories, dates and missing values, and no pipeline around it. The recipe is in
    the spirit of [1]_, [2]_ and [3]_.

    Parameters
    ----------
    n_members : int, default=5
        Number of networks; the mean of their probabilities is predicted. Each is trained without one fold of
        the rows (there are as many folds as members, but at least 5), and keeps the epoch with the least loss
        on that fold.
    numeric_encoding : str, default='auto'
        The encoding of numbers beside their scaled values, one of those of `TabularEncoder`. 'auto' trains
        the first member with 'linear', 'both' and, if a column of whole numbers has up to 400 values,
        'values'; all members then use the one with the smallest loss on its fold.
    categorical_features : 'from_dtype', array-like or None, default='from_dtype'
        Which columns are categories, see `TabularEncoder`. Columns of text, categorical dtypes and mixed
        objects always are; further ones are given by name, by place, or as one boolean per column.
    column_weights : 'auto' or bool, default='auto'
        Whether to try networks for which columns have weights from 0.1 to 1, by which their inputs are
        multiplied: columns that matter little then hardly disturb. How much they matter is measured on the
        held-out rows of five short trainings, by exchanging the values of one column among the rows [5]_. The
        first member tries them with the best encoding; they are kept if its loss becomes smaller. 'auto' does
        it if there are several members.
    class_weight : dict, 'balanced' or None, default=None
        Weights of the classes, by which the weights of their rows are multiplied; 'balanced' gives each class
        the same total weight. Probabilities are then those of a table with these weights.
    hidden_layer_sizes : 'auto', int or array-like of int, default='auto'
        Units of the hidden layers; 'auto' is (128, 128, 128). Their activation is silu.
    learning_rate_init : 'auto' or float, default='auto'
        Initial learning rate of AdamW; it falls to 0 along a cosine. 'auto' is 2e-3.
    dropout : 'auto' or float, default='auto'
        Probability, in [0, 1), that a step leaves out a unit. It is constant for half of the epochs, then
        falls to 0 along a cosine. 'auto' is 0.15.
    weight_decay : 'auto' or float, default='auto'
        Decay of the weights, in units of the learning rate; it falls as `dropout` does. 'auto' is 0.1.
    label_smoothing : 'auto' or float, default='auto'
        The part of each row's target, in [0, 1), that is spread over all classes in training, by their shares
        of the rows [6]_: a network is then not rewarded without end for being sure of rows that it knows.
        'auto' is 0.1 for one member, and 0 for several, whose mean is less sure anyway. Losses on held-out
        rows are those of the classes as they are.
    batch_size : 'auto' or int, default='auto'
        Rows in a mini-batch; 'auto' is 128.
    max_iter : 'auto' or int, default='auto'
        Epochs of each member; 'auto' is the number that 4,600 steps take, from 64 to 512. A member's training
        ends early after a fifth of them (at least 20) without a better epoch.
    max_time : float, default=None
        Time for the whole fit, in seconds; None is no limit. If the time is short, each member is trained for
        as many epochs as its share of the time allows, and if it is very short, fewer members are trained; a
        ConvergenceWarning says so. With a limit the result depends on the speed of the machine.
    callback : callable, default=None
        Called with a `MemberEpoch` after each epoch of each member; if it returns True, the training of that
        member ends. It runs in the thread that called ``fit``.
    verbose : bool or int, default=False
        Whether to show the progress: as a bar in a terminal or notebook, elsewhere as one line per member.
    random_state : int, RandomState instance, default=None
        Seeds the folds, the initial weights, the order of the rows and dropout. Pass an int for reproducible
        results across calls.
    n_jobs : int, default=None
        Number of threads, over which the members are spread. None means as many as CPU affinity,
        OMP_NUM_THREADS and joblib allow; within a job of joblib an estimator never takes more than its share.
        The results do not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    members_ : list of Network
        The networks. Their inputs are those that ``encoder_.transform`` returns.
    encoder_ : TabularEncoder
        Turns a table into inputs of the networks.
    numeric_encoding_ : str
        The encoding that 'auto' chose, else `numeric_encoding`.
    encoding_losses_ : dict
        For each encoding that was tried, the mean loss of the members that were trained with it, each on its
        fold; the loss of the first member alone, by which it was chosen or not, if it was not. With weights
        of columns the key is that of the encoding and ", weighted columns".
    column_weights_ : ndarray of shape (n_features_in_,), or None
        The weights of the columns, means over the networks that have some; None if no network has.
    history_ : list of dict
        For each network 'member', its number, 'numeric_encoding', 'weighted_columns' (a bool), 'loss',
        'validation_loss' and 'learning_rate', lists with a number per epoch, 'best_epoch' and 'stop_reason'
        ('epochs', 'patience', 'time', 'callback' or 'diverged'). The loss is that of smoothed targets, the
        validation loss that at the best temperature.
    oof_prediction_ : ndarray of shape (n_samples, n_classes), or None
        The out-of-fold predictions: for each row of ``fit`` the probabilities predicted by the member that
        was not trained on it. With fewer than five members, NaN for rows that all members were trained on;
        None with ``X_val``. Pickles do not contain them.
    oof_score_ : float or None
        The accuracy of `oof_prediction_`.
    n_iter_ : int
        The largest number of epochs of a member.
    temperature_ : ndarray of shape (n_members,)
        The number by which the net inputs of each member's softmax are divided, for the least loss on its
        fold [4]_. The last weights and biases of `members_` include the division.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if they are all strings.

    See Also
    --------
    TabularMLPRegressor : The same for numbers.
    TabularEncoder : Turns a table into inputs of a network.
    MLPClassifier : One network; you prepare the columns and choose every setting.

    Notes
    -----
    The result does not depend on the order of the rows, nor on `n_jobs`, and has the same bits on
    every machine. Identical rows, target included, are merged into one row of their total weight, so no
    copies of a row are on both sides of a fold; they are kept apart only if the table has at least four times
    as many rows as distinct ones. docs/tabular.md describes each step and its reason.

    A pickle has the networks, the encoder and the histories, and nothing that grows with the number of rows.
    Ctrl-C, or an exception of a callback, leaves the estimator as it was.

    References
    ----------
    .. [1] D. Holzmueller, L. Grinsztajn, I. Steinwart, "Better by default: strong pre-tuned MLPs and boosted
       trees on tabular data", NeurIPS 2024.
    .. [2] Y. Gorishniy, A. Kotelnikov, A. Babenko, "TabM: advancing tabular deep learning with
       parameter-efficient ensembling", ICLR 2025.
    .. [3] Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features in tabular deep
       learning", NeurIPS 2022.
    .. [4] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.
    .. [5] L. Breiman, "Random forests", Machine Learning 45, 2001.
    .. [6] C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, "Rethinking the Inception architecture for
       computer vision", CVPR 2016.

    Examples
    --------
    >>> import pandas as pd
    >>> from ferroprop import TabularMLPClassifier
    >>> table = pd.DataFrame({
    ...     "age": [22, 38, None, 35, 28, 54, 2, 27, 14, 4, 58, 20] * 5,
    ...     "cabin": ["C", "B", None, "C", "A", "A", "B", "B", "C", "A", "B", "C"] * 5,
    ... })
    >>> left = ["no", "yes", "yes", "no", "no", "no", "yes", "yes", "no", "no", "yes", "no"] * 5
    >>> mlp = TabularMLPClassifier(n_members=2, max_iter=40, random_state=0).fit(table, left)
    >>> mlp.predict(table[:4]).tolist()
    ['no', 'yes', 'yes', 'no']
    >>> mlp.predict_proba(table).shape
    (60, 2)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTabularMLP._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "label_smoothing": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        n_members: int = 5,
        *,
        numeric_encoding: Literal["auto"] | NumericEncoding = "auto",
        categorical_features: Literal["from_dtype"] | Sequence[Any] | None = "from_dtype",
        column_weights: Literal["auto"] | bool = "auto",
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
        hidden_layer_sizes: Literal["auto"] | int | Sequence[int] = "auto",
        learning_rate_init: Literal["auto"] | float = "auto",
        dropout: Literal["auto"] | float = "auto",
        weight_decay: Literal["auto"] | float = "auto",
        label_smoothing: Literal["auto"] | float = "auto",
        batch_size: Literal["auto"] | int = "auto",
        max_iter: Literal["auto"] | int = "auto",
        max_time: float | None = None,
        callback: Callable[[MemberEpoch], Any] | None = None,
        verbose: bool | int = False,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            n_members=n_members,
            numeric_encoding=numeric_encoding,
            categorical_features=categorical_features,
            column_weights=column_weights,
            class_weight=class_weight,
            hidden_layer_sizes=hidden_layer_sizes,
            learning_rate_init=learning_rate_init,
            dropout=dropout,
            weight_decay=weight_decay,
            label_smoothing=label_smoothing,
            batch_size=batch_size,
            max_iter=max_iter,
            max_time=max_time,
            callback=callback,
            verbose=verbose,
            random_state=random_state,
            n_jobs=n_jobs,
        )

    def predict(self, X: MatrixLike) -> Array:
        """Predict the classes of the rows of a table.

        Parameters
        ----------
        X : data frame, Arrow table or array-like of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The most probable classes.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` has other columns than the table in ``fit``, infinite numbers, or values that do not fit
            the kind of their column.
        TypeError
            If `X` is sparse, or a column has a dtype that tables do not have.
        """
        self = self._as_it_is()
        probabilities = self.predict_proba(X)
        labels: Array = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def predict_proba(self, X: MatrixLike) -> Array:
        """Predict the probability of each class: the mean of the members' probabilities.

        Parameters
        ----------
        X : data frame, Arrow table or array-like of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` has other columns than the table in ``fit``, infinite numbers, or values that do not fit
            the kind of their column.
        TypeError
            If `X` is sparse, or a column has a dtype that tables do not have.
        """
        self = self._as_it_is()
        return self._in_parts(X, lambda _, outputs: self._prediction(outputs))

    def predict_log_proba(self, X: MatrixLike) -> Array:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : data frame, Arrow table or array-like of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes)
            The logarithm of `predict_proba`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` has other columns than the table in ``fit``, infinite numbers, or values that do not fit
            the kind of their column.
        TypeError
            If `X` is sparse, or a column has a dtype that tables do not have.
        """
        with np.errstate(divide="ignore"):
            logarithms: Array = np.log(self.predict_proba(X))
        return logarithms

    def score(self, X: MatrixLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : data frame, Arrow table or array-like of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.
        y : array-like of shape (n_samples,)
            The true classes, in any form that ``fit`` takes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            The fraction of rows that are right.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If a class is missing, lengths differ, or `X` has other columns than the table in ``fit``,
            infinite numbers, or values that do not fit the kind of their column.
        TypeError
            If `X` is sparse, or a column has a dtype that tables do not have.
        """
        return float(super().score(X, read_labels(self, y, "y"), sample_weight))

    def _read_targets(self, y: TargetLike, weight: Array | None, *, reset: bool, argument: str) -> Array:
        labels = read_labels(self, y, argument)
        counted = labels if weight is None or len(weight) != len(labels) else labels[weight > 0]
        if reset:
            self.classes_ = np.unique(counted)
        else:
            unknown = np.setdiff1d(counted, self.classes_)
            if len(unknown):
                raise ValueError(f"{argument} has classes that y has not: {unknown}. y has {self.classes_}.")
        codes = np.minimum(np.searchsorted(self.classes_, labels), len(self.classes_) - 1)
        targets: Array = codes.astype(np.float64)[:, None]
        return targets

    def _learn_targets(self, targets: Array, weight: Array) -> None:
        if len(self.classes_) < 2:
            raise ValueError(
                "Classifier can't train when only one class is present: y has no other class than "
                f"{self.classes_.tolist()[0]!r} in rows of positive weight."
            )

    def _class_weights(self, targets: Array, weight: Array) -> Array:
        if self.class_weight is None:
            return weight
        codes = targets[:, 0].astype(np.intp)
        of_classes = class_weights(self.class_weight, self.classes_, self.classes_[codes], weight)
        return near_one(weight * of_classes[codes])

    def _task(self, targets: Array) -> Task:
        one_hot = targets == np.arange(len(self.classes_))
        return Task(one_hot.astype(np.float64), "softmax", "log_loss", tempered_log_loss)

    def _finish(
        self,
        networks: list[Network],
        temperatures: list[float],
        left_out: LeftOut,
        targets: Array,
        seed: int,
        course: Course,
    ) -> list[Network]:
        self.temperature_ = np.array(temperatures)
        return [
            with_temperature(network, temperature)
            for network, temperature in zip(networks, temperatures, strict=True)
        ]

    def _prediction(self, outputs: list[Array]) -> Array:
        total = np.zeros(outputs[0].shape)
        for output in outputs:
            total += output
        probabilities: Array = total / total.sum(axis=1, keepdims=True)  # also of the rounding of float32
        return probabilities

    def _oof_score(self, targets: Array, predictions: Array, weight: Array | None) -> float:
        return float(accuracy_score(targets[:, 0], predictions.argmax(axis=1), sample_weight=weight))

    def _is_classifier(self) -> bool:
        return True

    def _recipe(self, n_rows: int) -> Recipe:
        usual = super()._recipe(n_rows)
        if isinstance(self.label_smoothing, str):
            return usual
        return replace(usual, label_smoothing=float(self.label_smoothing))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the estimator; states of earlier releases have no `label_smoothing`."""
        super().__setstate__({"label_smoothing": "auto", **state})
