"""The base of classifier and regressor: parameters, the course of a fit, the outputs of the network."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterable
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike

from ferroprop._core import (
    BlockShuffle,
    Loss,
    Network,
    Optimizer,
    _CallersArithmetic,
    _meant,
    _StandardArithmetic,
)
from ferroprop.estimators import _activations, _conversion
from ferroprop.estimators._callbacks import Followers, SklearnCallbacks
from ferroprop.estimators._checkpoints import FitCheckpoint, PrivateFile
from ferroprop.estimators._fits import Fit
from ferroprop.estimators._hidden_layers import LayerColumns, hidden_layer
from ferroprop.estimators._initial_weights import initial_weights
from ferroprop.estimators._network_cache import FittedLayers, NetworkCache, build_network, with_own_memory
from ferroprop.estimators._optimizers import (
    EPOCH_SOLVERS,
    LBFGS_SOLVERS,
    KeptOptimizer,
    is_decoupled,
    is_lbfgs,
    is_mini_batch,
)
from ferroprop.estimators._parameter_checks import check_parameters
from ferroprop.estimators._parameters import cloned, parameter_names
from ferroprop.estimators._plan import NOT_FINITE, Outcome, Plan
from ferroprop.estimators._progress import ProgressLines, progress_of
from ferroprop.estimators._random_state import give_back, random_state_of
from ferroprop.estimators._row_orders import row_orders
from ferroprop.estimators._samples import CheckedRows, Samples, hold_out, mapped, stays_in_place
from ferroprop.estimators._scale import hint_about_scale
from ferroprop.estimators._sklearn import (
    Interval,
    InvalidParameterError,
    Options,
    SklearnBase,
    StrOptions,
    check_is_fitted,
    check_sample_weight,
    check_scoring,
    get_scorer_names,
    in_the_container_set,
    validate_data,
    with_callbacks_and_checked_parameters,
    with_checked_parameters,
)
from ferroprop.estimators._threads import threads_for
from ferroprop.estimators._training_attributes import training_attributes
from ferroprop.estimators._typing import Array, Layers, MatrixLike, TargetLike
from ferroprop.estimators._unpickling import check_state
from ferroprop.estimators._validation_set import ValidationSet, has_validation
from ferroprop.export._methods import Exports

LEARNED = frozenset(
    {
        "n_features_in_",
        "feature_names_in_",
        "classes_",
        "_label_binarizer",
        "coefs_",
        "intercepts_",
        "n_outputs_",
        "n_layers_",
        "out_activation_",
        "n_iter_",
        "t_",
        "loss_",
        "best_loss_",
        "loss_curve_",
        "validation_loss_curve_",
        "validation_scores_",
        "best_validation_score_",
        "_no_improvement_count",
        "_optimizer",
        "_networks",
        "network_",
    }
)
"""All attributes that a fit sets, at once; any other attribute is the caller's."""


def has_partial_fit(estimator: BaseMLP) -> bool:
    """Tell whether the solver makes single epochs; the check behind ``hasattr(estimator, "partial_fit")``."""
    if not is_mini_batch(estimator.solver):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


_SMALL = 10_000
"""Parameters of networks that a fit keeps for predictions; for larger ones another is made when needed."""

# Parameters that are names, and of what.
_NAMED = {
    "activation": "activation",
    "output_activation": "activation",
    "solver": "optimizer",
    "loss": "loss",
}


# transform names its columns itself: layers differ in width
class BaseMLP(Exports, SklearnBase, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Base of `MLPClassifier` and `MLPRegressor`; not for direct use.

    A subclass says what its targets are (`_validate_input`, `_targets`, `_labels`), which activation its
    output layer has (`_out_activation`), how a validation set is split and scored (`_is_stratified`,
    `_score_outputs`), and what is predicted from the outputs.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [*_activations.HIDDEN, list, tuple, np.ndarray],
        "solver": [StrOptions({*LBFGS_SOLVERS, *EPOCH_SOLVERS}), Optimizer],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean", StrOptions({"blocks"}), BlockShuffle],
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
        "restore_best": ["boolean", None],
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

    _sklearn_class: ClassVar[type]
    _activation_names: ClassVar[tuple[str, ...]] = _activations.HIDDEN_NAMES
    _number_kinds: ClassVar[str] = "fiu"  # of fitted weights, as NumPy's dtypes have it
    _of_layers: ClassVar[tuple[str, ...]] = ("coefs_", "intercepts_")  # fitted attributes

    coefs_ = FittedLayers()
    intercepts_ = FittedLayers()

    def __init__(self, **parameters: Any) -> None:
        for name, value in parameters.items():
            setattr(self, name, value)

    # ---- what a subclass says ------------------------------------------------------------------------------

    def _validate_input(
        self, X: MatrixLike, y: TargetLike, *, goes_on: bool, reset: bool, single: bool
    ) -> tuple[Array, Array]:
        """Return checked inputs, dense or sparse, and targets, one column per output.

        The classes of an earlier fit stay if this one goes on from there; with `reset` its features do not.
        In the `single` epoch of ``partial_fit`` classes may be missing.
        """
        raise NotImplementedError

    def _expect_classes(self, y: TargetLike, classes: ArrayLike | None) -> None:
        """Record, in a first ``partial_fit``, the classes of all later calls."""

    def _targets(self, y: TargetLike) -> Array:
        """Return checked targets of validation rows, one column per output."""
        raise NotImplementedError

    def _labels(self, Y: Array) -> Array:
        """Return targets in the user's form."""
        raise NotImplementedError

    def _out_activation(self) -> Any:
        """Return the activation of the output layer."""
        raise NotImplementedError

    def _is_stratified(self, Y: Array) -> bool:
        """Tell whether the validation set is stratified by class."""
        raise NotImplementedError

    def _score_outputs(self, Y: Array, outputs: Array, sample_weight: Array | None) -> float:
        """Return the default score of outputs on the validation set; greater is better."""
        raise NotImplementedError

    def _outputs_in_mean(self, n_outputs: int) -> int:
        """Return the number of outputs over which ``loss_`` is the mean; the core's loss is their sum."""
        raise NotImplementedError

    def _hint(self, samples: Samples) -> str:
        """Return a hint about data whose size makes learning slow, empty if it does not."""
        return hint_about_scale(samples.blocks())

    def _warn_about(self, plan: Plan, outcome: Outcome) -> None:
        """Warn if a fit that ended by itself has learned little."""

    def _class_weights(self, Y: Array, sample_weight: Array | None) -> Array | None:
        """Return the weights of the rows, class weights included."""
        return sample_weight

    def _core_targets(self, Y: Array, dtype: np.dtype[Any]) -> Array:
        """Return the targets in the form of the core's loss."""
        return Y.astype(dtype, copy=False)

    def _core_loss(self) -> Any:
        """Return the loss in the core's form."""
        return self.loss

    def _has_margins(self) -> bool:
        """Tell whether outputs are margins around 0, with targets -1 and 1, instead of probabilities."""
        return False

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
            The input data. Of a sparse matrix only the elements that are not 0 take time and memory.
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
        return self._fit(X, y, sample_weight, given=(X_val, y_val, sample_weight_val))

    @with_checked_parameters
    def initialize(self, X: MatrixLike, y: TargetLike) -> Self:
        """Draw the initial weights of the network, without any training.

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
        return self._fit(X, y, initialize=True)

    def _validate_params(self) -> None:
        """Check the parameters with scikit-learn's messages, and say which name may have been meant."""
        try:
            check_parameters(self)
        except InvalidParameterError as error:
            raise InvalidParameterError(f"{error}{self._meant(str(error))}") from None

    def _meant(self, message: str) -> str:
        for parameter, kind in _NAMED.items():
            name = getattr(self, parameter)
            if message.startswith(f"The '{parameter}' parameter") and isinstance(name, str):
                meant = _meant(kind, name)
                return f" Did you mean {meant!r}?" if meant and meant != name else ""
        return ""

    def _fit(self, X: MatrixLike, y: TargetLike, sample_weight: ArrayLike | None = None, **how: Any) -> Self:
        """Fit a copy, and then take over all its fitted attributes at once.

        A thread that predicts meanwhile sees the old fit or the new one, of fits in several threads the last
        one stays as a whole, and after an error, wherever it comes, this is still the old fit.
        """
        work = self._copy()

        def take_over() -> None:
            others = {name: value for name, value in self.__dict__.copy().items() if name not in LEARNED}
            self.__dict__ = {**others, **work._learned()}

        Fit(self, work._fit_in_halves(self, X, y, sample_weight, **how), take_over).run_or_postpone()
        return self

    def _copy(self) -> Self:
        """Return a shallow copy, with attributes of its own."""
        other: Self = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def _learned(self) -> dict[str, Any]:
        """Return the attributes that fits have set."""
        return {name: value for name, value in self.__dict__.items() if name in LEARNED}

    def _fit_in_halves(
        self,
        asked: Self,
        X: MatrixLike,
        y: TargetLike,
        sample_weight: ArrayLike | None,
        *,
        given: tuple[Any, Any, Any] = (None, None, None),
        classes: ArrayLike | None = None,
        single: bool = False,
        initialize: bool = False,
    ) -> Generator[Plan, Outcome, None]:
        """Fit this object, a copy of the user's estimator; callbacks get the user's one.

        The first half ends with the plan of the training, the second begins with its outcome; `initialize`
        has the first half alone. `single` is the one epoch of ``partial_fit``.
        """
        sizes, activation = self._hidden_sizes(), self._hidden_activation()
        if self._is_lbfgs() and self._has_dropout():
            raise ValueError(
                f"solver={self.solver!r} has no dropout: its line search needs a loss that stays the same."
            )
        if self._is_lbfgs() and _activations.is_stochastic(activation):
            raise ValueError(
                f"solver={self.solver!r} has no stochastic units: its line search needs a loss that stays "
                "the same."
            )
        goes_on = (self.warm_start or single) and not initialize
        fresh = not self.__sklearn_is_fitted__() or not goes_on
        data: dict[str, Any] = {"estimator": asked, "X": X, "y": y, "metadata": None}
        if single:
            self._expect_classes(y, classes)
        X, Y = self._validate_input(X, y, goes_on=goes_on, reset=fresh, single=single)
        if sample_weight is None:
            weight = None
        else:
            weight = self._checked_weight(sample_weight, Y if isinstance(X, CheckedRows) else X)
        n_inputs, n_outputs, dtype = self._form(X, Y)
        held_out = self._given_samples(*given, dtype=dtype, n_outputs=n_outputs)
        rng = random_state_of(self.random_state)
        output = self.output_activation
        output = self._out_activation() if output is None else _activations.canonical(output)
        checkpoint = None
        if self.checkpoint is not None and not (single or initialize):
            checkpoint = self._checkpoint(rng)
            rng = checkpoint.rng
        layer_sizes = [n_inputs, *sizes, n_outputs]
        if fresh:
            layers = self._first_layers(layer_sizes, activation, output, dtype, rng)
            self._optimizer = KeptOptimizer()
        else:
            layers = self._earlier_layers(layer_sizes, output)
            self.__dict__.setdefault("_optimizer", KeptOptimizer())
        if weight is not None:
            data["metadata"] = {"sample_weight": weight}
        samples = Samples.of(_by_rows(X), Y, self._class_weights(Y, weight))
        self.__dict__.setdefault("_networks", NetworkCache())
        if initialize:
            self.__dict__.update(layers, n_iter_=0, t_=0, loss_curve_=[])
            return
        context = callbacks = None
        if not single and (hasattr(asked, "_skl_callbacks") or hasattr(asked, "_parent_callback_ctx")):
            with _CallersArithmetic():
                # also without callbacks: it joins the tree of tasks of a search that has some
                context = asked._init_callback_context(max_subtasks=self.max_iter + 1)
                context.call_on_fit_task_begin(**data)
        # lbfgs compares losses that differ by little
        network = self._network_to_train(layers, activation, output, in_float64=self._is_lbfgs())
        del layers  # as large as the network
        if hasattr(asked, "_skl_callbacks") and context is not None:
            callbacks = SklearnCallbacks(
                context, data, lambda: self._for_callbacks() | self._layers_of(network, output)
            )
        plan = self._plan(
            network,
            output,
            samples,
            held_out,
            {} if fresh else self._learned(),
            rng,
            single=single,
            checkpoint=checkpoint,
            callbacks=callbacks,
        )
        if plan.row_orders is None and checkpoint is None:
            give_back(rng, self.random_state)
        outcome = yield plan
        if plan.row_orders is not None and checkpoint is None:
            give_back(rng, self.random_state)
        if not single:
            self._warn_about(plan, outcome)
        self._learn(plan, outcome)
        if context is not None:
            with _CallersArithmetic():
                context.call_on_fit_task_end(**data, reconstruction_attributes=self._for_callbacks())

    def _form(self, X: Any, Y: Any) -> tuple[int, int, np.dtype[Any]]:
        """Return the number of inputs, that of outputs, and the dtype to compute in."""
        return X.shape[1], Y.shape[1], X.dtype

    def _as_rows(self, values: Any) -> Array:
        """Return targets or outputs as rows of which each has a loss."""
        rows: Array = values
        return rows

    def _weights_as_rows(self, samples: Samples) -> Array | None:
        """Return the weight of each of these rows."""
        weight: Array | None = samples.weights
        return weight

    def _checked_weight(self, sample_weight: ArrayLike, X: Any) -> Array:
        """Return checked weights of the rows of checked inputs."""
        weight: Array = check_sample_weight(sample_weight, X)
        return weight

    def _first_layers(
        self,
        layer_sizes: list[int],
        activation: Any,
        output: Any,
        dtype: np.dtype[Any],
        rng: np.random.RandomState,
    ) -> dict[str, Any]:
        """Draw the parameters of a new network; return the fitted attributes that describe it."""
        return _layers(*initial_weights(layer_sizes, activation, dtype, rng), output)

    def _earlier_layers(self, layer_sizes: list[int], output: Any) -> dict[str, Any]:
        """Return the fitted attributes that describe the network to continue."""
        coefs, intercepts = self.coefs_, self.intercepts_
        check_continues([np.shape(coefs[0])[0], *(np.shape(coef)[1] for coef in coefs)], layer_sizes)
        return _layers(coefs, intercepts, output)

    def _network_to_train(
        self, layers: dict[str, Any], activation: Any, output: Any, *, in_float64: bool
    ) -> Network:
        """Return the network that the fitted attributes describe, as an object of its own."""
        coefs, intercepts = layers["coefs_"], layers["intercepts_"]
        if in_float64:
            wide = np.result_type(coefs[0], np.float64)
            coefs, intercepts = _as_type(coefs, wide), _as_type(intercepts, wide)
        return build_network(coefs, intercepts, activation, output)

    def _in_time(self) -> dict[str, Any]:
        """Return the arguments of losses and gradients that a network through time has besides."""
        return {}

    def _plan(
        self,
        network: Network,
        output: Any,
        samples: Samples,
        held_out: Samples | None,
        earlier: dict[str, Any],
        rng: np.random.RandomState,
        *,
        single: bool,
        checkpoint: FitCheckpoint | None,
        callbacks: SklearnCallbacks | None,
    ) -> Plan:
        """Return the plan of a fit; random numbers are drawn in a fixed order."""
        stops_early = self.early_stopping and not self._is_lbfgs()
        if stops_early and single:
            raise ValueError("partial_fit does not support early_stopping=True")
        if stops_early and held_out is None:
            labels = self._labels(samples.targets) if self._is_stratified(samples.Y) else None
            samples, held_out = hold_out(
                samples,
                self.validation_fraction,
                labels=labels,
                rng=rng,
                in_order=self._block_shuffle() is not None,
            )
        dtype = network.dtype
        _, n_outputs, dtype_of_data = self._form(samples.X, samples.Y)
        if self._is_lbfgs():
            dtype = dtype_of_data
            samples, held_out = _in_float64(samples), None if held_out is None else _in_float64(held_out)
        loss, n_threads = self._core_loss(), self._n_threads()
        outputs_in_mean = self._outputs_in_mean(n_outputs)
        validation = None
        taught = self._for_core(samples, network.dtype)
        if held_out is not None:
            is_of_same = held_out.rows is not None and held_out.Y is samples.Y
            validation = ValidationSet(
                held_out._replace(Y=taught.Y) if is_of_same else self._for_core(held_out, network.dtype),
                loss,
                outputs_in_mean,
                self._score_on(held_out, output),
                decides=stops_early,
                n_threads=n_threads,
                in_time=self._in_time(),
            )
        plan = partial(
            Plan,
            network=network,
            output=output,
            samples=taught,
            validation=validation,
            loss=loss,
            outputs_in_mean=outputs_in_mean,
            alpha=0.0 if is_decoupled(self.solver) else float(self.alpha),
            tol=self.tol,
            max_time=self.max_time,
            n_threads=n_threads,
            is_sociable=self._is_sociable(
                loss, callbacks, watched=validation is not None and not stops_early
            ),
            in_time=self._in_time(),
            dtype=dtype,
            earlier=earlier,
            hint=partial(self._hint, samples),
            followers=Followers(
                progress_of(self.verbose, epochs=self.max_iter, lines=self._progress_lines(), single=single),
                self.callback,
                callbacks,
                None if stops_early else validation,
            ),
        )
        if self._is_lbfgs():
            by_scipy = self.solver == "lbfgs-scipy"
            return plan(max_iter=self.max_iter, max_fun=self.max_fun, by_scipy=by_scipy)
        self._optimizer, resumes = self._optimizer.next(vars(self), network.dtype, resume=bool(earlier))
        epochs = 1 if single else min(int(self.max_iter), sys.maxsize)
        # patience that outlasts the fit, infinite or not, is none
        waits = not single and self.n_iter_no_change < epochs
        mini_batches, n_rows = is_mini_batch(self.solver), samples.n_rows
        noisy = self._has_dropout() or _activations.is_stochastic(self._hidden_activation())
        restores = self.restore_best
        orders, blocks = None, self._block_shuffle() if mini_batches else None
        if mini_batches and self.shuffle and blocks is None:
            calls_back = callable(self.callback) or callbacks is not None or callable(self.scoring)
            calls_back = calls_back or not isinstance(loss, (str, Loss))
            is_own = isinstance(self.random_state, Integral)
            orders = partial(row_orders, rng, n_rows, is_own=is_own, calls_back=calls_back)
        return plan(
            max_iter=epochs,
            optimizer=self._optimizer.optimizer,
            resumes=resumes,
            batch_size=self._batch_size(n_rows) if mini_batches else None,
            row_orders=orders,
            dropout=float(self.dropout) if isinstance(self.dropout, Real) else list(map(float, self.dropout)),
            block_shuffle=blocks,
            # differs from call to call of partial_fit
            seed=int(rng.randint(1 << 31)) + int(earlier.get("t_") or 0) if noisy or blocks else 0,
            patience=int(self.n_iter_no_change) + 1 if waits else None,
            restores_best=bool(self.early_stopping if restores is None else restores),
            checkpoint=checkpoint,
            clip_norm=vars(self).get("clip_norm"),
            single=single,
        )

    def _is_sociable(self, loss: Any, callbacks: SklearnCallbacks | None, *, watched: bool) -> bool:
        """Tell whether the training may run at the same time as others, and at another time than now.

        It may not where somebody could see the order: functions of the caller's, lines on the screen, a file,
        draws from a generator that others may have.
        """
        draws = is_mini_batch(self.solver) and bool(self.shuffle)
        return (
            not self._is_lbfgs()
            and not self.verbose
            and not watched
            and self.callback is None
            and self.max_time is None  # it counts from the beginning of the call
            and callbacks is None
            and (self.checkpoint is None or isinstance(self.checkpoint, PrivateFile))
            and (self.scoring is None or self.scoring == "loss")
            and isinstance(loss, (str, Loss))
            and (isinstance(self.random_state, Integral) or not draws)
        )

    def _learn(self, plan: Plan, outcome: Outcome) -> None:
        """Take over the outcome of a fit."""
        learned = training_attributes(plan, outcome)
        layers = self._layers_of(outcome.network, plan.output, plan.dtype)
        if not self._are_finite(layers):
            raise ValueError(NOT_FINITE)
        validation, best = plan.validation, plan.earlier.get("best_validation_score_")
        is_last = outcome.network.dtype == plan.dtype
        if (
            plan.restores_best
            and validation is not None
            and validation.decides
            and validation.score is not None
            and best is not None
            and learned["best_validation_score_"] <= best
        ):
            layers |= {name: plan.earlier[name] for name in self._of_layers}
            is_last = False
        if outcome.stop_reason == "diverged":
            self._optimizer = KeptOptimizer()
        if plan.single:
            learned["_no_improvement_count"] = self._lower_learning_rate(plan, outcome)
        self.__dict__.update(learned, **layers)
        if is_last and outcome.network.n_parameters <= _SMALL and not plan.followers:
            self._keep(outcome.network)

    def _keep(self, network: Network) -> None:
        """Keep the network of the fitted attributes, which nobody else has, for predictions."""
        self._networks = NetworkCache()
        self._networks.keep(network, self.__dict__, self._hidden_activation(), self.out_activation_)

    @staticmethod
    def _are_finite(layers: dict[str, Any]) -> bool:
        """Tell whether the parameters among the fitted attributes are finite."""
        return all(np.isfinite(array).all() for array in (*layers["coefs_"], *layers["intercepts_"]))

    def _lower_learning_rate(self, plan: Plan, outcome: Outcome) -> int:
        """Lower an adaptive learning rate between calls of ``partial_fit``, each of which is an epoch.

        Returns the number of calls in a row without improvement.
        """
        best = plan.earlier.get("best_loss_")
        if best is None or outcome.loss is None or outcome.loss <= best - self.tol:
            return 0
        count = int(plan.earlier.get("_no_improvement_count", 0)) + 1
        if count <= self.n_iter_no_change:
            return count
        lowered = None
        if self._is_adaptive():
            self._optimizer, lowered = self._optimizer.with_lower_learning_rate()
        if self.verbose:
            self._progress_lines().stalled(lowered)
        return count if lowered is None else 0

    def _for_core(self, samples: Samples, dtype: np.dtype[Any]) -> Samples:
        return samples._replace(Y=self._core_targets(samples.Y, dtype))

    def _score_on(self, samples: Samples, output: Any) -> Callable[[Network], float] | None:
        """Return a function that scores a network on these samples, None if `scoring` is the loss."""
        if isinstance(self.scoring, str) and self.scoring == "loss":
            return None
        Y, sample_weight = samples.targets, samples.weights
        n_threads = self._n_threads()
        if self.scoring is None:
            rows, weight_of_rows = self._as_rows(Y), self._weights_as_rows(samples)

            def score_outputs(network: Network) -> float:
                outputs = samples.outputs(network, n_threads)
                with _StandardArithmetic():
                    return self._score_outputs(rows, self._as_rows(outputs), weight_of_rows)

            return score_outputs
        scorer, labels, X = check_scoring(self, self.scoring), self._labels(Y), samples.inputs
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}

        def score(network: Network) -> float:
            fitted = self._copy()
            fitted.__dict__.update(self._layers_of(network, output), _networks=NetworkCache())
            with _CallersArithmetic() if scorer is self.scoring else _StandardArithmetic():
                return float(scorer(fitted, X, labels, **weight))

        return score

    def _for_callbacks(self) -> dict[str, Any]:
        """Return the attributes from which scikit-learn's callbacks make a fitted estimator."""
        return {name: value for name, value in self._learned().items() if name != "_networks"}

    def _given_samples(
        self, X_val: Any, y_val: Any, sample_weight_val: Any, *, dtype: Any, n_outputs: int
    ) -> Samples | None:
        """Check the validation data of a call of ``fit`` like its training data."""
        if not has_validation(X_val, y_val, sample_weight_val):
            return None
        X, Y = self._validation_rows(X_val, y_val, dtype)
        if (outputs := self._form(X, Y)[1]) != n_outputs:
            raise ValueError(f"y_val must have {n_outputs} output(s), as y has, got {outputs}.")
        weight = None if sample_weight_val is None else self._checked_weight(sample_weight_val, X)
        return Samples(_by_rows(X), Y, weight)

    def _validation_rows(self, X: Any, y: Any, dtype: Any) -> tuple[Any, Any]:
        """Return checked inputs and targets of validation rows, as many as each other."""
        rows, Y = self._checked_rows(X, dtype), self._targets(y)
        if len(Y) != rows.shape[0]:
            raise ValueError(f"X_val and y_val must have as many rows, got {rows.shape[0]} and {len(Y)}.")
        return rows, Y

    def _checkpoint(self, rng: np.random.RandomState) -> FitCheckpoint:
        if self._is_lbfgs():
            raise ValueError(
                f"checkpoint is not for solver={self.solver!r}: its search cannot be taken up in the middle, "
                f"got checkpoint={self.checkpoint!r}."
            )
        if self.warm_start:
            raise ValueError(
                "warm_start must be False with a checkpoint, which says where the fit goes on, got True."
            )
        is_seeded = isinstance(self.random_state, (int, np.integer))
        return FitCheckpoint(self.checkpoint, int(self.checkpoint_every), rng, is_seeded=is_seeded)

    def _layers_of(self, network: Network, output: Any, dtype: Any = None) -> dict[str, Any]:
        """Return the fitted attributes that describe the network."""
        coefs = [np.array(weights, dtype) for weights in network.weights]
        intercepts = [np.array(biases, dtype) for biases in network.biases]
        return _layers(coefs, intercepts, output)

    def _block_shuffle(self) -> BlockShuffle | None:
        """Return how orders of rows are drawn in blocks, None if they are not."""
        if isinstance(self.shuffle, BlockShuffle):
            return self.shuffle
        return BlockShuffle() if isinstance(self.shuffle, str) else None

    def _batch_size(self, n_rows: int) -> int:
        if isinstance(self.batch_size, str):
            return min(200, n_rows)
        if self.batch_size > n_rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
                stacklevel=2,
            )
        return min(int(self.batch_size), n_rows)

    def _progress_lines(self) -> ProgressLines:
        """Return scikit-learn's lines about the course of a fit."""
        return ProgressLines(
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            early_stopping=self.early_stopping,
            adaptive=self._is_adaptive(),
        )

    def _is_adaptive(self) -> bool:
        return self._is_solver("sgd") and self.learning_rate == "adaptive"

    def _is_lbfgs(self) -> bool:
        return is_lbfgs(self.solver)

    def _is_solver(self, name: str) -> bool:
        return isinstance(self.solver, str) and self.solver == name

    def _hidden_activation(self) -> Any:
        """Return the activation of all hidden layers, or a tuple with one per layer."""
        if isinstance(self.activation, str):
            return _activations.canonical(self.activation)
        names = self._activation_names
        return _activations.hidden_activations(self.activation, len(self._hidden_sizes()), names)

    def _has_dropout(self) -> bool:
        return self.dropout != 0.0 if type(self.dropout) is float else bool(np.any(self.dropout))

    def _hidden_sizes(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        listed = list(sizes) if isinstance(sizes, (tuple, list, Iterable)) else [sizes]
        # abstract classes are slow to ask
        if not all(
            type(size) is int or (isinstance(size, Integral) and not isinstance(size, bool))
            for size in listed
        ):
            raise TypeError(f"hidden_layer_sizes must be integers, got {listed}.")
        if any(size <= 0 for size in listed):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {listed}.")
        return [int(size) for size in listed]

    def _n_threads(self) -> int | None:
        """Return `n_jobs` as a number of threads, None for the core's own choice."""
        return threads_for(self.n_jobs)

    # ---- predict -------------------------------------------------------------------------------------------

    def _network(self) -> Network:
        """Return the fitted network, with the present contents of the arrays."""
        cache = self.__dict__.get("_networks") or NetworkCache()
        return cache.network_of(
            self.__dict__,
            self._hidden_activation(),
            self.out_activation_,
            is_complex=self._number_kinds == "c",
        )

    def _as_it_is(self) -> Self:
        """Return a snapshot of this estimator, which a fit in another thread does not change.

        A fit puts a new ``__dict__`` in place of the old one.
        """
        now: Self = object.__new__(type(self))
        now.__dict__ = self.__dict__
        return now

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
        return self._network().predict(rows, n_threads=self._n_threads())

    def _sampled_outputs(self, X: MatrixLike, samples: int, seed: int) -> tuple[Array, Array]:
        """Return mean and standard deviation of the outputs, over samples of stochastic units and dropout."""
        self = self._as_it_is()
        check_is_fitted(self)
        network, rows = self._network(), self._checked_rows(X)
        dropout = self.dropout if self._has_dropout() else None
        predict = partial(network.predict, samples=samples, seed=seed, dropout=dropout, return_std=True)
        means, stds = predict(rows, n_threads=self._n_threads())
        return means, stds

    def _checked_rows(self, X: MatrixLike, dtype: Any = "numeric") -> Any:
        """Return checked inputs, dense or sparse, as the core takes them."""
        return _by_rows(validate_data(self, X, accept_sparse=["csr", "csc"], dtype=dtype, reset=False))

    # ---- look inside ---------------------------------------------------------------------------------------

    def transform(self, X: MatrixLike, layer: int = -1) -> Array:
        """Return the activations of a hidden layer: the features that the network has learned.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        layer : int, default=-1
            Number of the hidden layer: 0 is the first, -1 the last.

        Returns
        -------
        X_new : ndarray or data frame of shape (n_samples, n_units)
            The activations; a data frame after ``set_output``.

        Examples
        --------
        >>> from ferroprop import MLPRegressor
        >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]
        >>> mlp = MLPRegressor(hidden_layer_sizes=(5, 3), random_state=0).initialize(X, y)
        >>> mlp.transform(X).shape, mlp.transform(X, layer=0).shape
        ((2, 3), (2, 5))
        """
        self = self._as_it_is()
        check_is_fitted(self)
        index = hidden_layer(layer, n_hidden=self.n_layers_ - 2)
        rows = self._checked_rows(X)
        hidden = self._network().hidden(rows, layer=index, n_threads=self._n_threads())
        columns = LayerColumns(
            type(self).__name__.lower(),
            hidden.shape[1],
            self._sklearn_auto_wrap_output_keys,
            getattr(self, "_sklearn_output_config", {}),
        )
        named: Array = in_the_container_set("transform", hidden, X, columns)
        return named

    def predict_gradient(self, X: MatrixLike) -> Array:
        """Return the derivatives of the outputs with respect to the inputs, row by row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        gradient : ndarray of shape (n_samples, n_features) or (n_samples, n_outputs, n_features)
            The derivatives of what ``predict`` returns with respect to the features, of a classifier those of
            ``predict_proba`` (with a hinge loss of ``decision_function``); the axis of outputs is left out
            where these methods return one number a row.

        Examples
        --------
        >>> from ferroprop import MLPRegressor
        >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0]
        >>> linear = MLPRegressor(hidden_layer_sizes=(), random_state=0).initialize(X, y)
        >>> gradient = linear.predict_gradient(X)
        >>> bool((gradient == linear.coefs_[0].ravel()).all())
        True
        """
        self = self._as_it_is()
        check_is_fitted(self)
        rows = self._checked_rows(X)
        rows = rows.toarray() if scipy.sparse.issparse(rows) else rows  # as large as one output's gradient
        return self._gradient_of_outputs(self._network().input_gradient(rows, n_threads=self._n_threads()))

    def _gradient_of_outputs(self, gradient: Array) -> Array:
        """Return the gradient of the predictions, from that of the network's outputs."""
        return gradient[:, 0] if gradient.shape[1] == 1 else gradient

    @property
    def _n_features_out(self) -> int:
        """Number of columns of ``transform``."""
        check_is_fitted(self)
        return int(np.shape(self.coefs_[-1])[0])

    def _weight_gradients(
        self, network: Network, X: MatrixLike, y: TargetLike, sample_weight: ArrayLike | None
    ) -> list[Array]:
        """Return the derivatives of the training loss, without penalty, by the weights of each layer."""
        rows = _by_rows(self._checked_rows(X))
        Y = self._targets(y)
        weight = None if sample_weight is None else check_sample_weight(sample_weight, rows)
        _, gradients, _ = network.loss_and_gradients(
            rows,
            self._core_targets(Y, network.dtype),
            loss=self._core_loss(),
            sample_weight=self._class_weights(Y, weight),
            n_threads=self._n_threads(),
        )
        return gradients

    # ---- scikit-learn's own --------------------------------------------------------------------------------

    @classmethod
    def _get_param_names(cls) -> list[str]:
        """Return the names of the parameters; scikit-learn asks for them again and again."""
        return list(parameter_names(cls))

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted estimator with the same parameters."""
        other: Self = cloned(self)
        return other

    @classmethod
    def from_sklearn(cls, estimator: Any) -> Self:
        """Return the counterpart of scikit-learn's estimator, fitted if that one is.

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
        parameters, fitted = _conversion.taken(estimator, cls._sklearn_class)
        ours = cls(**parameters)
        ours.__dict__.update(fitted)
        if "coefs_" in fitted:
            ours.__dict__.update(_optimizer=KeptOptimizer(), _networks=NetworkCache())
        return ours

    def to_sklearn(self) -> Any:
        """Return scikit-learn's counterpart of this estimator, fitted if this one is.

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
        if self._has_margins():
            raise ValueError(f"scikit-learn's classifier has no margins, got loss={self.loss!r}.")
        return _conversion.given(self, self._sklearn_class)

    # ---- pickle, tags --------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Return parameters, fitted arrays and the optimizer's arrays, without objects of the core."""
        state: dict[str, Any] = dict(super().__getstate__())
        cache = state.pop("_networks", None)
        if cache is not None:
            cache.release()  # a shallow copy shares the arrays
        if "_optimizer" in state:
            state["_optimizer"] = state["_optimizer"].to_pickle()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the estimator, if its state is possible."""
        check_state(state, self._number_kinds)
        super().__setstate__(state)
        if "_optimizer" in state:
            self._optimizer = KeptOptimizer.from_pickle(state["_optimizer"])
            self._networks = NetworkCache()
        for layers in ("coefs_", "intercepts_"):
            if layers in state:
                self.__dict__[layers] = with_own_memory(state[layers])

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a network; scikit-learn asks this instead of searching the attributes."""
        return "coefs_" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        """Return the tags of an estimator that accepts sparse matrices."""
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


def _as_type(layers: Layers, dtype: Any) -> Layers:
    return [np.asarray(array, dtype) for array in layers]


def _in_float64(samples: Samples) -> Samples:
    if stays_in_place(samples.X) and samples.X.dtype == np.float32:
        return samples  # the core converts each number where it uses it

    def widened(X: Array) -> Array:
        return X.astype(np.result_type(X.dtype, np.float64), copy=False)

    return samples._replace(X=mapped(widened, samples.X))


def _by_rows(X: Any) -> Any:
    """Return inputs as the core takes them: a sparse matrix row by row."""
    return X.tocsr() if scipy.sparse.issparse(X) else X


def check_continues(fitted_sizes: list[int], layer_sizes: list[int]) -> None:
    """Refuse to continue a fit with data or hidden layers of other sizes."""
    if fitted_sizes != layer_sizes:
        raise ValueError(
            "warm_start and partial_fit can only continue with the layers of the previous call. Previously "
            f"the layer sizes were {fitted_sizes}, hidden_layer_sizes and the data now give {layer_sizes}."
        )
