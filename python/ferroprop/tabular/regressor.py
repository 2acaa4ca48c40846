"""`TabularMLPRegressor`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ferroprop._core import Network
from ferroprop.estimators._sklearn import RegressorMixin, column_or_1d, r2_score
from ferroprop.estimators._typing import Array, MatrixLike, TargetLike
from ferroprop.tabular._base import BaseTabularMLP, LeftOut
from ferroprop.tabular._course import Course
from ferroprop.tabular._member import MemberEpoch, Rows, Watch
from ferroprop.tabular._quantities import read_quantities
from ferroprop.tabular._spread import N_NETWORKS, fit_spread
from ferroprop.tabular._trials import Task
from ferroprop.tabular.encoder import NumericEncoding


class TabularMLPRegressor(RegressorMixin, BaseTabularMLP):  # type: ignore[misc]
    """Regressor for tables as they come: an ensemble of multi-layer perceptrons that needs no tuning.

    It takes a data frame (pandas, polars, or another that narwhals knows), an Arrow table or an array, with
    numbers of any scale, categories, dates and missing values, and no pipeline around it. The target may have
    any scale too, and may be several numbers per row. The recipe is in the spirit of [1]_, [2]_ and [3]_.

    Parameters
    ----------
    n_members : int, default=5
        Number of members; the mean of their outputs is predicted. Each is trained without one fold of the
        rows (there are as many folds as members, but at least 5), and keeps the epoch with the least loss on
        that fold. A member is one network, or one for each encoding that is used.
    numeric_encoding : str, default='auto'
        The encoding of numbers beside their scaled values, one of those of `TabularEncoder`. 'auto' trains
        the first member with 'both', 'fine' and 'values' (the last two unless they have more than 4,096
        inputs), and the other members with those of the three whose loss was at most 1.25 times the least
        one. The networks of the encodings whose mean loss over the folds is at most 1.1 times the least one
        are averaged.
    categorical_features : 'from_dtype', array-like or None, default='from_dtype'
        Which columns are categories, see `TabularEncoder`. Columns of text, categorical dtypes and mixed
        objects always are; further ones are given by name, by place, or as one boolean per column.
    column_weights : 'auto' or bool, default='auto'
        Whether to try networks for which columns have weights from 0.1 to 1, by which their inputs are
        multiplied: columns that matter little then hardly disturb. How much they matter is measured on the
        held-out rows of five short trainings, by exchanging the values of one column among the rows [5]_. The
        first member tries them with the best encoding, like another encoding. 'auto' does not, because they
        gained hardly anything on development tables; with several useless columns they do.
    hidden_layer_sizes : 'auto', int or array-like of int, default='auto'
        Units of the hidden layers; 'auto' is (128, 128, 128). Their activation is silu.
    learning_rate_init : 'auto' or float, default='auto'
        Initial learning rate of AdamW; it falls to 0 along a cosine. 'auto' is 5e-3.
    dropout : 'auto' or float, default='auto'
        Probability, in [0, 1), that a step leaves out a unit. It is constant for half of the epochs, then
        falls to 0 along a cosine. 'auto' is 0.15.
    weight_decay : 'auto' or float, default='auto'
        Decay of the weights, in units of the learning rate; it falls as `dropout` does. 'auto' is 0.1.
    batch_size : 'auto' or int, default='auto'
        Rows in a mini-batch; 'auto' is 128.
    max_iter : 'auto' or int, default='auto'
        Epochs of each network; 'auto' is the number that 1,150 steps take, from 32 to 512.
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
    members_ : list of Network
        The networks, those of the first member first. Their inputs are those that ``encoder_.transform``
        returns; with several encodings, the weights of those of the others are 0.
    encoder_ : TabularEncoder
        Turns a table into inputs of the networks.
    numeric_encoding_ : str
        The encoding that 'auto' chose, or several with a plus between them, else `numeric_encoding`.
    encoding_losses_ : dict
        For each encoding that was tried, the mean loss of the members that were trained with it, each on its
        fold; the loss of the first member alone, by which it was chosen or not, if it was not. With weights
        of columns the key is that of the encoding and ", weighted columns".
    column_weights_ : ndarray of shape (n_features_in_,), or None
        The weights of the columns, means over the networks that have some; None if no network has.
    history_ : list of dict
        For each network 'member', its number, 'numeric_encoding', 'weighted_columns' (a bool), 'loss',
        'validation_loss' and 'learning_rate', lists with a number per epoch, 'best_epoch' and 'stop_reason'
        ('epochs', 'patience', 'time', 'callback' or 'diverged'). Losses are those of the standardised target.
    oof_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_outputs), or None
        The out-of-fold predictions: for each row of ``fit`` the target predicted by the member that was not
        trained on it. With fewer than five members, NaN for rows that all members were trained on; None with
        ``X_val``. Pickles do not contain them.
    oof_score_ : float or None
        The R^2 of `oof_prediction_`.
    n_iter_ : int
        The largest number of epochs of a member.
    n_outputs_ : int
        Number of targets per row.
    spread_ : Spread
        The distribution of the residuals, from which ``predict`` computes quantiles.
    n_features_in_ : int
        Number of columns seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if they are all strings.

    See Also
    --------
    TabularMLPClassifier : The same for classes.
    TabularEncoder : Turns a table into inputs of a network.
    MLPRegressor : One network; you prepare the columns and choose every setting.

    Notes
    -----
    The target is standardised, and predictions are clipped to the range that it has in ``fit``.

    Quantiles come from the residuals of rows that a member was not trained on (locally weighted conformal
    prediction [4]_). Two small networks learn the size of a residual from the inputs, each from half of the
    rows. The residuals of the other half, divided by their predicted size, give the quantiles, which do not
    cross.

    The result does not depend on the order of the rows, nor on `n_jobs`, and has the same bits on every
    machine. Identical rows, target included, are merged into one row of their total weight, so no copies of a
    row are on both sides of a fold; they are kept apart only if the table has at least four times as many
    rows as distinct ones. docs/tabular.md describes each step and its reason.

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
    .. [4] J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani, L. Wasserman, "Distribution-free predictive
       inference for regression", JASA 113, 2018.
    .. [5] L. Breiman, "Random forests", Machine Learning 45, 2001.

    Examples
    --------
    >>> import pandas as pd
    >>> from ferroprop import TabularMLPRegressor
    >>> table = pd.DataFrame({
    ...     "size": [50, 80, 120, None, 65, 90, 40, 150, 75, 110] * 6,
    ...     "town": ["Rome", "Oslo", "Rome", "Oslo", "Rome", "Oslo", "Oslo", "Rome", "Rome", "Oslo"] * 6,
    ... })
    >>> price = [210e3, 330e3, 480e3, 350e3, 270e3, 370e3, 170e3, 590e3, 310e3, 450e3] * 6
    >>> mlp = TabularMLPRegressor(n_members=2, max_iter=40, random_state=0).fit(table, price)
    >>> mlp.predict(table).shape
    (60,)
    >>> mlp.predict(table, quantiles=[0.05, 0.95]).shape
    (60, 2)
    """

    def __init__(
        self,
        n_members: int = 5,
        *,
        numeric_encoding: Literal["auto"] | NumericEncoding = "auto",
        categorical_features: Literal["from_dtype"] | Sequence[Any] | None = "from_dtype",
        column_weights: Literal["auto"] | bool = "auto",
        hidden_layer_sizes: Literal["auto"] | int | Sequence[int] = "auto",
        learning_rate_init: Literal["auto"] | float = "auto",
        dropout: Literal["auto"] | float = "auto",
        weight_decay: Literal["auto"] | float = "auto",
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
            hidden_layer_sizes=hidden_layer_sizes,
            learning_rate_init=learning_rate_init,
            dropout=dropout,
            weight_decay=weight_decay,
            batch_size=batch_size,
            max_iter=max_iter,
            max_time=max_time,
            callback=callback,
            verbose=verbose,
            random_state=random_state,
            n_jobs=n_jobs,
        )

    def predict(self, X: MatrixLike, quantiles: ArrayLike | None = None) -> Array:
        """Predict the target of the rows of a table.

        Parameters
        ----------
        X : data frame, Arrow table or array-like of shape (n_samples, n_features)
            A table with the columns of the one in ``fit``.
        quantiles : float or array-like of shape (n_quantiles,), default=None
            Probabilities between 0 and 1. The result is then, instead of the expected target, the numbers
            below which the target lies with these probabilities: ``quantiles=[0.05, 0.95]`` gives the ends of
            an interval that contains the target with probability 0.9.

        Returns
        -------
        y : ndarray of shape (n_samples,), (n_samples, n_outputs) or with n_quantiles more columns at the end
            The mean of the members' predictions, or quantiles around it.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` has other columns than the table in ``fit``, infinite numbers, or values that do not fit
            the kind of their column, or if a quantile is not between 0 and 1.
        TypeError
            If `X` is sparse, or a column has a dtype that tables do not have.
        """
        self = self._as_it_is()
        if quantiles is None:
            return self._in_parts(X, lambda _, outputs: self._prediction(outputs))
        probabilities = np.asarray(quantiles)
        if (
            probabilities.dtype.kind not in "fiu"
            or probabilities.ndim > 1
            or probabilities.size == 0
            or not ((probabilities > 0) & (probabilities < 1)).all()
        ):
            raise ValueError(f"quantiles must be probabilities between 0 and 1, got {quantiles!r}.")

        def around(inputs: Array, outputs: list[Array]) -> Array:
            center = self._mean(outputs)
            sizes = self.spread_.sizes(inputs, None)
            found = center[:, :, None] + self.spread_.quantiles(sizes, probabilities.ravel())
            return np.clip(self._in_units(found), self._least_[:, None], self._most_[:, None])

        result = self._in_parts(X, around)
        result = result[:, 0] if self._is_single_ else result
        return result if probabilities.ndim else result[..., 0]

    def _read_targets(self, y: TargetLike, weight: Array | None, *, reset: bool, argument: str) -> Array:
        given = read_quantities(self, y, argument)
        if given.ndim == 2 and given.shape[1] == 1:
            given = column_or_1d(given, warn=True)
        targets: Array = given if given.ndim == 2 else given[:, None]
        if reset:
            self.n_outputs_ = targets.shape[1]
            self._is_single_ = given.ndim == 1
        elif targets.shape[1] != self.n_outputs_:
            raise ValueError(
                f"{argument} must have {self.n_outputs_} output(s), as y has, got {targets.shape[1]}."
            )
        return targets

    def _learn_targets(self, targets: Array, weight: Array) -> None:
        self._least_, self._most_ = targets.min(axis=0), targets.max(axis=0)
        largest = np.maximum(np.abs(self._least_), np.abs(self._most_))
        self._exponent_ = np.frexp(largest)[1].astype(np.int64)
        near = np.ldexp(targets, -self._exponent_)
        total = math.fsum(weight)
        self._center_ = np.array([math.fsum(column * weight) / total for column in near.T])
        squares = (near - self._center_) ** 2
        variance = np.array([math.fsum(column * weight) / total for column in squares.T])
        self._scale_ = np.where(variance > 0.0, np.sqrt(variance), 1.0)
        self._limits_ = self._task(np.stack([self._least_, self._most_])).Y

    def _task(self, targets: Array) -> Task:
        near = np.ldexp(targets, -self._exponent_)
        standardised = (near - self._center_) / self._scale_
        return Task(standardised, "identity", "squared_error", self._squared_error)

    def _squared_error(self, validation: Rows) -> Watch:
        """Return a function that computes the mean squared error of clamped outputs."""

        def watch(network: Network) -> tuple[float, float]:
            off = self._clamped(network.predict(validation.X, n_threads=1)) - validation.Y
            of_rows = (off * off).sum(axis=1)
            if validation.weight is None:
                return float(of_rows.sum() / len(of_rows)), 1.0
            return float((of_rows * validation.weight).sum() / validation.weight.sum(dtype=np.float64)), 1.0

        return watch

    def _finish(
        self,
        networks: list[Network],
        temperatures: list[float],
        left_out: LeftOut,
        targets: Array,
        seed: int,
        course: Course,
    ) -> list[Network]:
        table = left_out.table
        sums, counts = np.zeros(table.Y.shape), np.zeros((len(table.Y), 1))
        for number, network in enumerate(networks):
            rows = left_out.of(number)
            sums[rows] += self._clamped(network.predict(table.X[rows]))
            counts[rows] += 1
        known = np.flatnonzero(counts[:, 0])
        weight = np.ones(len(known)) if table.weight is None else table.weight[known].astype(np.float64)
        residuals = self._task(targets[known]).Y - sums[known] / counts[known]
        self.spread_ = fit_spread(table.X[known], residuals, weight, seed=seed, course=course)
        return networks

    def _n_further_jobs(self, n_rows: int) -> int:
        return N_NETWORKS

    def _clamped(self, outputs: Array) -> Array:
        """Return outputs clamped to the range of the fit's targets, in units of the networks."""
        return np.clip(outputs.astype(np.float64), *self._limits_)

    def _mean(self, outputs: list[Array]) -> Array:
        total = np.zeros(outputs[0].shape)
        for output in outputs:
            total += self._clamped(output)
        return total / len(outputs)

    def _in_units(self, values: Array) -> Array:
        """Convert from the networks' units to those of the target; outputs are the second axis."""
        shape = (-1,) + (1,) * (values.ndim - 2)
        near = values * self._scale_.reshape(shape) + self._center_.reshape(shape)
        with np.errstate(over="ignore"):  # rounded up at the largest of float64; all are clipped in the end
            result: Array = np.ldexp(near, self._exponent_.reshape(shape))
        return result

    def _prediction(self, outputs: list[Array]) -> Array:
        result = np.clip(self._in_units(self._mean(outputs)), self._least_, self._most_)
        return result[:, 0] if self._is_single_ else result

    def _oof_score(self, targets: Array, predictions: Array, weight: Array | None) -> float:
        if len(targets) < 2:
            return math.nan
        near = [
            np.ldexp(values.reshape(targets.shape), -self._exponent_) for values in (targets, predictions)
        ]
        return float(r2_score(*near, sample_weight=weight))

    def _is_classifier(self) -> bool:
        return False

    def __sklearn_tags__(self) -> Any:
        """Return the tags of a regressor that also accepts several targets per row."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
