"""What classifier and regressor share: parameters, the course of a fit, the outputs of the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import joblib
import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike

from ferroprop.estimators._epochs import NOT_FINITE, fit_by_epochs
from ferroprop.estimators._initial_weights import initial_weights
from ferroprop.estimators._lbfgs import fit_lbfgs
from ferroprop.estimators._optimizers import EPOCH_SOLVERS, MINI_BATCH_SOLVERS, OptimizerKeeper
from ferroprop.estimators._prepared import NetworkKeeper
from ferroprop.estimators._sklearn import (
    BaseEstimator,
    Interval,
    Options,
    StrOptions,
    check_is_fitted,
    check_random_state,
    check_sample_weight,
    validate_data,
    with_checked_parameters,
)
from ferroprop.estimators._typing import Array, Layers, LearningRateSchedule, MatrixLike, TargetLike
from ferroprop.estimators._validation_set import Rows

if TYPE_CHECKING:
    from ferroprop._core import Network

_SPARSE_ROWS_AT_A_TIME = 1024


def has_partial_fit(estimator: BaseMLP) -> bool:
    """Tell whether the solver takes single steps; the check behind ``hasattr(estimator, "partial_fit")``."""
    if estimator.solver not in MINI_BATCH_SOLVERS:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


class BaseMLP(BaseEstimator):  # type: ignore[misc]
    """Base of `MLPClassifier` and `MLPRegressor`; not for direct use.

    A subclass says what its targets are (`_validate_input`), which activation its output layer has
    (`_out_activation`), how a validation set is split and scored (`_stratifies`, `_score_outputs`), and what
    is predicted from the outputs.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "solver": [StrOptions({"lbfgs", *EPOCH_SOLVERS})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
            None,
        ],
    }

    def __init__(
        self,
        *,
        hidden_layer_sizes: int | Sequence[int],
        activation: str,
        solver: str,
        alpha: float,
        batch_size: int | str,
        learning_rate: LearningRateSchedule,
        learning_rate_init: float,
        power_t: float,
        max_iter: int,
        loss: str,
        shuffle: bool,
        random_state: int | np.random.RandomState | None,
        tol: float,
        verbose: bool | int,
        warm_start: bool,
        momentum: float,
        nesterovs_momentum: bool,
        early_stopping: bool,
        validation_fraction: float,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        n_iter_no_change: float,
        max_fun: int,
        max_time: float | None,
        n_jobs: int | None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.loss = loss
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.max_time = max_time
        self.n_jobs = n_jobs

    # ---- what a subclass says ------------------------------------------------------------------------------

    def _validate_input(
        self, X: MatrixLike, y: TargetLike, *, incremental: bool, reset: bool
    ) -> tuple[Array, Array]:
        """Return checked inputs, dense or sparse, and targets, one column an output."""
        raise NotImplementedError

    def _out_activation(self) -> str:
        """Return the activation of the output layer."""
        raise NotImplementedError

    def _stratifies(self, Y: Array) -> bool:
        """Tell whether the validation set keeps the proportions of the classes."""
        raise NotImplementedError

    def _score_outputs(self, Y: Array, outputs: Array, sample_weight: Array | None) -> float:
        """Score the network's outputs on the validation set; greater is better."""
        raise NotImplementedError

    def _outputs_in_mean(self, n_outputs: int) -> int:
        """Return by how many outputs the core's loss, their sum, is divided for ``loss_``."""
        raise NotImplementedError

    # ---- fit -----------------------------------------------------------------------------------------------

    @with_checked_parameters
    def fit(self, X: MatrixLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model to data matrix X and target(s) y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data. A sparse matrix is converted to a dense array.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values (class labels in classification, real numbers in regression).
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def _fit(
        self, X: MatrixLike, y: TargetLike, sample_weight: ArrayLike | None, *, incremental: bool
    ) -> Self:
        hidden_sizes = self._hidden_sizes()
        fresh = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, Y = self._validate_input(X, y, incremental=incremental, reset=fresh)
        weight = None if sample_weight is None else check_sample_weight(sample_weight, X)
        layer_sizes = [X.shape[1], *hidden_sizes, Y.shape[1]]
        rng = check_random_state(self.random_state)
        output = self._out_activation()
        if fresh:
            coefs, intercepts = initial_weights(layer_sizes, self.activation, X.dtype, rng)
        else:
            coefs, intercepts = self.coefs_, self.intercepts_
            _check_continues(coefs, layer_sizes)
        keeper = OptimizerKeeper() if fresh else self.__dict__.get("_optimizer") or OptimizerKeeper()
        rows = Rows(X.toarray() if scipy.sparse.issparse(X) else X, Y, weight)
        if self.solver == "lbfgs":
            fitted = fit_lbfgs(self, rows, coefs, intercepts, output)
            fitted["t_"] = 0 if fresh else getattr(self, "t_", 0)
        else:
            fitted = fit_by_epochs(
                self, keeper, rows, coefs, intercepts, output, rng, fresh=fresh, incremental=incremental
            )
        if not all(np.isfinite(array).all() for array in (*fitted["coefs_"], *fitted["intercepts_"])):
            raise ValueError(NOT_FINITE)
        fitted["n_outputs_"] = Y.shape[1]
        fitted["n_layers_"] = len(layer_sizes)
        fitted["out_activation_"] = output
        fitted["_optimizer"] = keeper
        fitted["_networks"] = self.__dict__.get("_networks") or NetworkKeeper()
        # at once: a thread that predicts meanwhile sees the old fit or the new one
        self.__dict__.update(fitted)
        return self

    def _hidden_sizes(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        listed = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        if not all(isinstance(size, Integral) for size in listed):
            raise TypeError(f"hidden_layer_sizes must be integers, got {listed}.")
        if any(size <= 0 for size in listed):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {listed}.")
        return [int(size) for size in listed]

    def _n_threads(self) -> int | None:
        """Return `n_jobs` as a number of threads, None for the core's own choice."""
        if self.n_jobs is None or self.n_jobs > 0:
            return self.n_jobs
        return int(joblib.effective_n_jobs(self.n_jobs))

    # ---- predict -------------------------------------------------------------------------------------------

    def _network(self) -> Network:
        """Return the fitted network, whatever has been done to the arrays meanwhile."""
        coefs, intercepts = self.coefs_, self.intercepts_
        while coefs is not self.coefs_:  # a fit in another thread has just replaced both
            coefs, intercepts = self.coefs_, self.intercepts_
        networks = self.__dict__.get("_networks") or NetworkKeeper()
        return networks.network_of(coefs, intercepts, self.activation, self.out_activation_)

    def _outputs(self, X: MatrixLike) -> Array:
        """Return the outputs of the network for checked or unchecked `X`, of shape (n_samples, n_outputs).

        scikit-learn's own checks cost more than the prediction of a few rows. They are left out where they
        would find nothing: for a plain float array with the right number of columns and no column names to
        compare. What remains, NaN and infinity, the core checks; when it objects, scikit-learn's checks run
        after all and word the error.
        """
        if (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.shape[0] > 0
            and "_networks" in self.__dict__
            and "feature_names_in_" not in self.__dict__
            and X.shape[1] == self.n_features_in_
        ):
            network = self._network()
            if X.dtype == network.dtype:
                try:
                    return network.predict(X, n_threads=self._n_threads())
                except ValueError:
                    pass
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        network, n_threads = self._network(), self._n_threads()
        if not scipy.sparse.issparse(X):
            return network.predict(X, n_threads=n_threads)
        return np.concatenate([network.predict(part, n_threads=n_threads) for part in _dense_parts(X)])

    # ---- pickle, tags --------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Return parameters, fitted arrays and the optimizer's arrays, but no object of the core."""
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_networks", None)
        if "_optimizer" in state:
            state["_optimizer"] = state["_optimizer"].to_pickle()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take them back."""
        super().__setstate__(state)
        if "_optimizer" in state:
            self._optimizer = OptimizerKeeper(state["_optimizer"])
            self._networks = NetworkKeeper()

    def __sklearn_tags__(self) -> Any:
        """Return the tags of an estimator that takes sparse matrices."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _check_continues(coefs: Layers, layer_sizes: list[int]) -> None:
    """Refuse to continue a fit with data or hidden layers of other sizes."""
    fitted_sizes = [np.shape(coefs[0])[0], *(np.shape(coef)[1] for coef in coefs)]
    if fitted_sizes != layer_sizes:
        raise ValueError(
            "warm_start and partial_fit can only continue with the layers of the previous call. Previously "
            f"the layer sizes were {fitted_sizes}, hidden_layer_sizes and the data now give {layer_sizes}."
        )


def _dense_parts(X: Any) -> Iterator[Array]:
    """Yield the rows of a sparse matrix as dense arrays of moderate size."""
    rows = X.tocsr()
    starts = range(0, rows.shape[0], _SPARSE_ROWS_AT_A_TIME)
    for start, end in pairwise([*starts, rows.shape[0]]):
        yield rows[start:end].toarray()
