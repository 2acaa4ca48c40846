"""What classifier and regressor share: parameters, the course of a fit, the outputs of the network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike

from ferroprop._core import _CallersArithmetic, _StandardArithmetic
from ferroprop.estimators import _activations, _optimizers
from ferroprop.estimators._checkpoints import FitCheckpoint
from ferroprop.estimators._conversion import ConvertsToSklearn
from ferroprop.estimators._epochs import NOT_FINITE, fit_by_epochs
from ferroprop.estimators._initial_weights import initial_weights
from ferroprop.estimators._layers import LooksInside
from ferroprop.estimators._lbfgs import fit_lbfgs
from ferroprop.estimators._optimizers import EPOCH_SOLVERS, OptimizerKeeper, is_decoupled, is_mini_batch
from ferroprop.estimators._prepared import FittedLayers, NetworkKeeper, with_own_memory
from ferroprop.estimators._sklearn import (
    Interval,
    Options,
    SklearnBase,
    StrOptions,
    check_is_fitted,
    check_random_state,
    check_sample_weight,
    get_scorer_names,
    validate_data,
    with_callbacks_and_checked_parameters,
    with_checked_parameters,
)
from ferroprop.estimators._start import Start
from ferroprop.estimators._threads import threads_for
from ferroprop.estimators._typing import Array, Layers, MatrixLike, TargetLike
from ferroprop.estimators._unpickling import check_state
from ferroprop.estimators._validation_set import Rows
from ferroprop.export._methods import Exports

if TYPE_CHECKING:
    from ferroprop._core import Network

_SPARSE_ROWS_AT_A_TIME = 1024


def has_partial_fit(estimator: BaseMLP) -> bool:
    """Tell whether the solver takes single steps; the check behind ``hasattr(estimator, "partial_fit")``."""
    if not is_mini_batch(estimator.solver):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


class BaseMLP(LooksInside, ConvertsToSklearn, Exports, SklearnBase):
    """Base of `MLPClassifier` and `MLPRegressor`; not for direct use.

    A subclass says what its targets are (`_validate_input`, `_targets`, `_labels`), which activation its
    output layer has (`_out_activation`), how a validation set is split and scored (`_stratifies`,
    `_score_outputs`), and what is predicted from the outputs.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [*_activations.HIDDEN, list, tuple, np.ndarray],
        "solver": [StrOptions({"lbfgs", *EPOCH_SOLVERS}), *_optimizers.OBJECTS],
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
        "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple, np.ndarray],
        "output_activation": [*_activations.OUTPUT, None],
        "scoring": [StrOptions({"loss", *get_scorer_names()}), callable, None],
        "restore_best_weights": ["boolean", None],
        "callback": [callable, None],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "checkpoint": [str, os.PathLike, None],
        "checkpoint_every": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
            None,
        ],
    }

    coefs_ = FittedLayers()
    intercepts_ = FittedLayers()

    def __init__(self, **parameters: Any) -> None:
        for name, value in parameters.items():
            setattr(self, name, value)

    # ---- what a subclass says ------------------------------------------------------------------------------

    def _validate_input(
        self, X: MatrixLike, y: TargetLike, *, goes_on: bool, reset: bool
    ) -> tuple[Array, Array]:
        """Return checked inputs, dense or sparse, and targets, one column an output.

        The classes of an earlier fit stay if this one goes on from there; with `reset` its features do not.
        """
        raise NotImplementedError

    def _targets(self, y: TargetLike) -> Array:
        """Return checked targets of rows that are not trained on, one column an output."""
        raise NotImplementedError

    def _labels(self, Y: Array) -> Array:
        """Return targets as the user has them."""
        raise NotImplementedError

    def _out_activation(self) -> Any:
        """Return the activation of the output layer."""
        raise NotImplementedError

    def _stratifies(self, Y: Array) -> bool:
        """Tell whether the validation set keeps the proportions of the classes."""
        raise NotImplementedError

    def _score_outputs(self, Y: Array, outputs: Array, sample_weight: Array | None) -> float:
        """Score outputs on the validation set where `scoring` is None; greater is better."""
        raise NotImplementedError

    def _outputs_in_mean(self, n_outputs: int) -> int:
        """Return by how many outputs the core's loss, their sum, is divided for ``loss_``."""
        raise NotImplementedError

    def _class_weights(self, Y: Array, sample_weight: Array | None) -> Array | None:
        """Return the weights of the rows, the weights of their classes included."""
        return sample_weight

    def _core_targets(self, Y: Array, dtype: np.dtype[Any]) -> Array:
        """Return the targets as the core's loss takes them."""
        return Y.astype(dtype, copy=False)

    def _core_loss(self) -> Any:
        """Return the loss as the core takes it."""
        return self.loss

    def _has_margins(self) -> bool:
        """Tell whether the targets are -1 and 1 and the outputs on either side of 0, not probabilities."""
        return False

    def _penalty(self) -> float:
        """Return the strength of the penalty in the loss."""
        return 0.0 if is_decoupled(self.solver) else float(self.alpha)

    # ---- fit -----------------------------------------------------------------------------------------------

    @with_callbacks_and_checked_parameters
    def fit(
        self,
        X: MatrixLike,
        y: TargetLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: MatrixLike | None = None,
        y_val: TargetLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Fit the model to data matrix X and target(s) y.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data. A sparse matrix is converted to a dense array.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values (class labels in classification, real numbers in regression).
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Validation data. With ``early_stopping=True`` they take the place of the rows that would be held
            out; without it loss and score on them are only recorded.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        given = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, given=given)

    @with_checked_parameters
    def initialize(self, X: MatrixLike, y: TargetLike) -> Self:
        """Give the network its initial weights, without any training.

        Predictions are those of the untrained network; `coefs_` and `intercepts_` can be replaced by other
        weights. Training goes on from there with ``partial_fit``, or with ``fit`` if ``warm_start=True``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Says how many inputs there are, their names and their dtype.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Says how many outputs there are, or which classes.

        Returns
        -------
        self : object
            The estimator with weights.

        Examples
        --------
        >>> from ferroprop import MLPRegressor
        >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]
        >>> mlp = MLPRegressor(hidden_layer_sizes=(), activation="identity").initialize(X, y)
        >>> mlp.coefs_[0][:] = [[1.0], [10.0]]
        >>> mlp.intercepts_[0][:] = 100.0
        >>> mlp.predict(X).tolist()
        [110.0, 101.0]
        """
        return self._fit(X, y, None, initialize=True)

    def _fit(self, *data: Any, **how: Any) -> Self:
        """Fit, and change this estimator at once when all is done.

        A thread that predicts meanwhile sees the old fit or the new one, and after an error this is still the
        old one.
        """
        before = dict(self.__dict__)
        work: Self = object.__new__(type(self))
        work.__dict__.update(before)
        with _StandardArithmetic():
            work._fit_here(self, *data, **how)
        after = work.__dict__
        # What callbacks set on this estimator meanwhile stays.
        kept = {name: value for name, value in self.__dict__.items() if name in after or name not in before}
        new = {name: value for name, value in after.items() if value is not before.get(name, after)}
        self.__dict__ = kept | new
        return self

    def _learned(self, asked: Self) -> dict[str, Any]:
        """Return the attributes that `asked` does not have yet."""
        known = asked.__dict__
        return {name: value for name, value in self.__dict__.items() if value is not known.get(name, known)}

    def _as_it_is(self) -> Self:
        """Return this estimator as it is now, whatever a fit in another thread makes of it.

        A fit puts a new ``__dict__`` in place of the old one.
        """
        now: Self = object.__new__(type(self))
        now.__dict__ = self.__dict__
        return now

    def _fit_here(
        self,
        asked: Self,
        X: MatrixLike,
        y: TargetLike,
        sample_weight: ArrayLike | None,
        *,
        given: tuple[Any, Any, Any] = (None, None, None),
        incremental: bool = False,
        initialize: bool = False,
    ) -> None:
        hidden_sizes = self._hidden_sizes()
        activation = self._hidden_activation()
        if self.solver == "lbfgs" and np.any(np.asarray(self.dropout) != 0.0):
            raise ValueError(
                "solver='lbfgs' has no dropout: its line search needs a loss that stays the same."
            )
        goes_on = (self.warm_start or incremental) and not initialize
        fresh = "coefs_" not in self.__dict__ or not goes_on
        data: dict[str, Any] = {"estimator": asked, "X": X, "y": y, "metadata": None}
        X, Y = self._validate_input(X, y, goes_on=goes_on, reset=fresh)
        weight = None if sample_weight is None else check_sample_weight(sample_weight, X)
        validation = self._given_rows(*given, dtype=X.dtype, n_outputs=Y.shape[1])
        layer_sizes = [X.shape[1], *hidden_sizes, Y.shape[1]]
        rng = check_random_state(self.random_state)
        output = self._out_activation() if self.output_activation is None else self.output_activation
        checkpoint = None
        if self.checkpoint is not None and not (incremental or initialize):
            checkpoint = FitCheckpoint(self, rng)
            rng = checkpoint.rng
        if fresh:
            coefs, intercepts = initial_weights(layer_sizes, activation, X.dtype, rng)
        else:
            coefs, intercepts = self.coefs_, self.intercepts_
            _check_continues(coefs, layer_sizes)
        keeper = OptimizerKeeper() if fresh else self.__dict__.get("_optimizer") or OptimizerKeeper()
        if weight is not None:
            data["metadata"] = {"sample_weight": weight}
        rows = Rows(_dense(X), Y, self._class_weights(Y, weight))
        context = None
        if not (incremental or initialize):
            with _CallersArithmetic():
                context = asked._init_callback_context(max_subtasks=self.max_iter + 1)
                context.call_on_fit_task_begin(**data)
        start = Start(
            rows,
            validation,
            coefs,
            intercepts,
            output,
            rng,
            fresh,
            incremental,
            context=context,
            data=data,
            checkpoint=checkpoint,
        )
        if initialize:
            fitted = {**_layers(coefs, intercepts, output), "n_iter_": 0, "t_": 0, "loss_curve_": []}
        elif self.solver == "lbfgs":
            fitted = fit_lbfgs(self, start)
        else:
            fitted = fit_by_epochs(self, keeper, start)
        if not all(np.isfinite(array).all() for array in (*fitted["coefs_"], *fitted["intercepts_"])):
            raise ValueError(NOT_FINITE)
        fitted["_optimizer"] = keeper
        fitted["_networks"] = self.__dict__.get("_networks") or NetworkKeeper()
        self.__dict__.update(fitted)
        if context is not None:
            with _CallersArithmetic():
                context.call_on_fit_task_end(**data, reconstruction_attributes=self._learned(asked))

    def _given_rows(
        self, X_val: Any, y_val: Any, sample_weight_val: Any, *, dtype: Any, n_outputs: int
    ) -> Rows | None:
        """Check the validation data of a call of ``fit``, as it checks the training data."""
        if X_val is None and y_val is None:
            if sample_weight_val is not None:
                raise ValueError("sample_weight_val is provided, but X_val and y_val were not provided.")
            return None
        if y_val is None:
            raise ValueError("X_val is provided, but y_val was not provided.")
        if X_val is None:
            raise ValueError("y_val is provided, but X_val was not provided.")
        X = validate_data(self, X_val, accept_sparse=["csr", "csc"], dtype=dtype, reset=False)
        Y = self._targets(y_val)
        if len(Y) != X.shape[0]:
            raise ValueError(f"X_val and y_val must have as many rows, got {X.shape[0]} and {len(Y)}.")
        if Y.shape[1] != n_outputs:
            raise ValueError(f"y_val must have {n_outputs} output(s), as y has, got {Y.shape[1]}.")
        weight = None if sample_weight_val is None else check_sample_weight(sample_weight_val, X)
        return Rows(_dense(X), Y, weight)

    def _attributes_of(self, network: Network, output: Any) -> dict[str, Any]:
        """Return the fitted attributes that say what the network is."""
        weights, biases = network.weights, network.biases
        return _layers(list(map(np.array, weights)), list(map(np.array, biases)), output)

    def _copy_with(self, attributes: dict[str, Any]) -> Self:
        """Return an estimator like this one with other fitted attributes; the rest is shared."""
        other: Self = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.__dict__.update(attributes, _networks=NetworkKeeper())
        return other

    def _hidden_activation(self) -> Any:
        """Return the activation of all hidden layers, or a tuple with that of each."""
        if isinstance(self.activation, str):
            return self.activation
        return _activations.hidden_activations(self.activation, len(self._hidden_sizes()))

    def _restores_best(self) -> bool:
        restores = self.restore_best_weights
        return bool(self.early_stopping if restores is None else restores)

    def _hidden_sizes(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        listed = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        if not all(isinstance(size, Integral) and not isinstance(size, bool) for size in listed):
            raise TypeError(f"hidden_layer_sizes must be integers, got {listed}.")
        if any(size <= 0 for size in listed):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {listed}.")
        return [int(size) for size in listed]

    def _n_threads(self) -> int | None:
        """Return `n_jobs` as a number of threads, None for the core's own choice."""
        return threads_for(self.n_jobs)

    # ---- predict -------------------------------------------------------------------------------------------

    def _network(self) -> Network:
        """Return the fitted network, whatever has been done to the arrays meanwhile."""
        keeper = self.__dict__.get("_networks") or NetworkKeeper()
        return keeper.network_of(self.__dict__, self._hidden_activation(), self.out_activation_)

    def _outputs(self, X: MatrixLike) -> Array:
        """Return the outputs of the network for checked or unchecked `X`, of shape (n_samples, n_outputs).

        scikit-learn's own checks cost more than the prediction of a few rows. They are left out where they
        would find nothing: for a plain float array with the right number of columns and no column names to
        compare. What remains, NaN and infinity, the core checks; when it objects, scikit-learn's checks run
        after all and word the error.
        """
        self = self._as_it_is()
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
                    return network.predict(X, n_threads=1 if X.shape[0] == 1 else self._n_threads())
                except ValueError:
                    pass
        check_is_fitted(self)
        rows = self._checked_rows(X)
        return self._in_parts(self._network().predict, rows)

    def _checked_rows(self, X: MatrixLike) -> Any:
        return validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)

    def _in_parts(self, method: Callable[..., Array], X: Any) -> Array:
        """Return what a method of the network says of checked rows, dense or sparse."""
        n_threads = self._n_threads()
        if not scipy.sparse.issparse(X):
            return method(X, n_threads=n_threads)
        return np.concatenate([method(part, n_threads=n_threads) for part in _dense_parts(X)])

    def _gradient_of_outputs(self, gradient: Array) -> Array:
        """Return the gradient of what is predicted, from that of the network's outputs."""
        return gradient[:, 0] if gradient.shape[1] == 1 else gradient

    @property
    def _n_features_out(self) -> int:
        """Number of columns of ``transform``."""
        check_is_fitted(self)
        return int(np.shape(self.coefs_[-1])[0])

    # ---- pickle, tags --------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Return parameters, fitted arrays and the optimizer's arrays, but no object of the core."""
        state: dict[str, Any] = dict(super().__getstate__())
        keeper = state.pop("_networks", None)
        if keeper is not None:
            keeper.release()  # a shallow copy shares the arrays
        if "_optimizer" in state:
            state["_optimizer"] = state["_optimizer"].to_pickle()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take them back, if they can have been an estimator's."""
        check_state(type(self), state)
        super().__setstate__(state)
        if "_optimizer" in state:
            self._optimizer = OptimizerKeeper(state["_optimizer"])
            self._networks = NetworkKeeper()
        for layers in ("coefs_", "intercepts_"):
            if layers in state:
                self.__dict__[layers] = with_own_memory(state[layers])

    def __sklearn_tags__(self) -> Any:
        """Return the tags of an estimator that takes sparse matrices."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _layers(coefs: Layers, intercepts: Layers, output: Any) -> dict[str, Any]:
    return {
        "coefs_": coefs,
        "intercepts_": intercepts,
        "n_outputs_": coefs[-1].shape[1],
        "n_layers_": len(coefs) + 1,
        "out_activation_": output,
    }


def _dense(X: Any) -> Array:
    dense: Array = X.toarray() if scipy.sparse.issparse(X) else X
    return dense


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
