"""The base of the tabular estimators: parameters, the course of a fit, the members' outputs."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from ferroprop._core import Network, _CallersArithmetic, _n_threads, _StandardArithmetic
from ferroprop.estimators._sklearn import (
    BaseEstimator,
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_is_fitted,
    check_random_state,
    with_callbacks_and_checked_parameters,
)
from ferroprop.estimators._threads import threads_for
from ferroprop.estimators._time_limit import TimeLimitWarning
from ferroprop.estimators._typing import Array, MatrixLike, TargetLike
from ferroprop.estimators._validation_set import has_validation
from ferroprop.export._methods import TableExports
from ferroprop.tabular._callbacks import CallbackBridge
from ferroprop.tabular._candidates import union_of, widened, worth_a_try
from ferroprop.tabular._column import Column
from ferroprop.tabular._course import Course
from ferroprop.tabular._distinct import distinct_rows
from ferroprop.tabular._doubts import (
    warn_of_empty,
    warn_of_ids,
    warn_of_leaks,
    warn_of_rows_in_both,
    warn_of_strange_rows,
)
from ferroprop.tabular._folds import folds_of
from ferroprop.tabular._member import MemberEpoch, Rows, Trained, arrays_of, network_of
from ferroprop.tabular._recipe import (
    FOLDS,
    Recipe,
    Tried,
    recipe_for,
    scouting,
    tried_for,
)
from ferroprop.tabular._table import read_table
from ferroprop.tabular._trials import Table, Task, Trials, most_networks
from ferroprop.tabular._weights import read_weights
from ferroprop.tabular.encoder import ENCODINGS, NumericEncoding, TabularEncoder, zones_of

_ROWS_AT_A_TIME = 4096


class LeftOut(NamedTuple):
    """The rows that members were not trained on; with validation rows, all rows of `table`."""

    table: Rows
    rows: Array
    """The row numbers in the table."""
    member: Array
    """The member that each row was held out from."""
    numbers: list[int]
    """The member that each network belongs to."""

    def of(self, network: int) -> Array:
        """Return the places of the rows that a network was not trained on."""
        rows: Array = self.rows[self.member == self.numbers[network]]
        return rows


class BaseTabularMLP(TableExports, CallbackSupportMixin, BaseEstimator):  # type: ignore[misc]
    """Base of `TabularMLPClassifier` and `TabularMLPRegressor`; not for direct use.

    A subclass reads the targets (`_read_targets`), describes the networks' task (`_task`), and turns outputs
    into predictions (`_finish`, `_prediction`).
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "numeric_encoding": [StrOptions({"auto", *ENCODINGS})],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "column_weights": [StrOptions({"auto"}), "boolean"],
        "hidden_layer_sizes": [
            StrOptions({"auto"}),
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate_init": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "dropout": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="left")],
        "weight_decay": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "callback": [callable, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "n_jobs": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
            None,
        ],
    }

    def __init__(self, **parameters: Any) -> None:
        for name, value in parameters.items():
            setattr(self, name, value)

    # ---- what a subclass says ------------------------------------------------------------------------------

    def _read_targets(self, y: TargetLike, weight: Array | None, *, reset: bool, argument: str) -> Array:
        """Return checked targets as numbers, float64 of shape (n_rows, n_columns).

        With `reset`, a classifier learns its classes from the rows with a positive weight.
        """
        raise NotImplementedError

    def _learn_targets(self, targets: Array, weight: Array) -> None:
        """Store the statistics of the training targets that `_task` and predictions use."""
        raise NotImplementedError

    def _class_weights(self, targets: Array, weight: Array) -> Array:
        """Return the weights of rows, class weights included."""
        return weight

    def _task(self, targets: Array) -> Task:
        """Return the task of the networks."""
        raise NotImplementedError

    def _finish(
        self,
        networks: list[Network],
        temperatures: list[float],
        left_out: LeftOut,
        targets: Array,
        seed: int,
        course: Course,
    ) -> list[Network]:
        """Return the networks for predictions, and fit the later stages to held-out rows.

        `temperatures` are those of the networks, `targets` those of the rows of the table.
        """
        raise NotImplementedError

    def _prediction(self, outputs: list[Array]) -> Array:
        """Return the predictions, from the outputs of members."""
        raise NotImplementedError

    def _oof_score(self, targets: Array, predictions: Array, weight: Array | None) -> float:
        """Return the score of predictions, like ``score``."""
        raise NotImplementedError

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
        """Fit the members to a table.

        Parameters
        ----------
        X : data frame, Arrow table or array-like of shape (n_samples, n_features)
            The table, as it is.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target: classes of any type, or numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. A row of weight 2 counts as two rows, one of weight 0 as none. Positive ones
            below the largest divided by 2**60 count as that.
        X_val : data frame, Arrow table or array-like of shape (n_val, n_features), default=None
            Validation rows. All members are then trained on all rows of `X`, and choose their best epoch on
            the validation rows.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Targets of the validation rows.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the validation rows, with the same limit.

        Returns
        -------
        self : object
            The fitted estimator. If the call raises, Ctrl-C included, it is as it was before the call.

        Raises
        ------
        ValueError
            If a parameter is out of range, a shape does not fit, a target is missing, a number is infinite,
            no row has a positive weight, or the training diverges in its first epoch.
        TypeError
            If a table is sparse or is none, a column has a dtype that tables do not have, or lists and the
            like in its cells, or the targets of a regressor are dates or times.
        """
        began = time.monotonic()
        work: Self = object.__new__(type(self))
        work.__dict__.update(
            {name: value for name, value in self.__dict__.items() if not _is_fitted_attribute(name)}
        )
        with _StandardArithmetic():
            work._fit_here(self, began, X, y, sample_weight, (X_val, y_val, sample_weight_val))
        learned = work._learned()
        kept = {name: value for name, value in self.__dict__.items() if not _is_fitted_attribute(name)}
        self.__dict__ = kept | learned
        return self

    def _fit_here(
        self, asked: Self, began: float, X: Any, y: Any, sample_weight: Any, given: tuple[Any, Any, Any]
    ) -> None:
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        columns = read_table(self, X, reset=True)
        weight = read_weights(sample_weight, len(columns[0].values))
        targets = self._read_targets(y, weight, reset=True, argument="y")
        _check_lengths(columns, targets, "X", "y")
        validation = self._read_validation(*given, zones=[column.zone for column in columns])
        rng = check_random_state(self.random_state)

        distinct = distinct_rows(columns, targets, weight)
        kept_columns = [column.take(distinct.rows) for column in columns]
        kept_targets = targets[distinct.rows]
        n_rows = len(distinct.rows)
        self._learn_targets(kept_targets, distinct.weight)
        task = self._task(kept_targets)
        n_folds = min(max(FOLDS, self.n_members), n_rows)
        recipe = self._recipe(n_rows if validation is not None else max(1, n_rows - n_rows // n_folds))
        n_members = self.n_members if validation is not None else min(self.n_members, n_folds)
        folds = folds_of(kept_targets[:, 0], n_folds, rng)
        seeds = rng.randint(0, 2**31 - 1, size=self.n_members + 1).tolist()

        tried = tried_for(is_classifier=self._is_classifier())
        encodings: list[NumericEncoding] = (
            list(tried.encodings) if self.numeric_encoding == "auto" else [self.numeric_encoding]
        )

        def encoder_of(encoding: NumericEncoding, *, tells: bool = False) -> TabularEncoder:
            encoder = TabularEncoder(encoding, categorical_features=self.categorical_features)
            encoder.n_features_in_ = self.n_features_in_
            if hasattr(self, "feature_names_in_"):
                encoder.feature_names_in_ = self.feature_names_in_
            return encoder._fit_columns(kept_columns, distinct.weight, tells=tells)

        encoders = [encoder_of(encoding, tells=place == 0) for place, encoding in enumerate(encodings)]
        warn_of_empty(kept_columns, has_weights=weight is not None)
        warn_of_ids(columns, encoders[0].columns_)
        warn_of_leaks(kept_columns, kept_targets, is_classifier=self._is_classifier())
        if validation is not None:
            warn_of_rows_in_both(columns, validation[0])
        places = worth_a_try(encoders)
        encoders, encodings = [encoders[place] for place in places], [encodings[place] for place in places]
        net_weight = self._class_weights(kept_targets, distinct.weight)

        def rows_of(encoder: TabularEncoder) -> Rows:
            return Rows.of(_inputs(encoder, kept_columns), task.Y, net_weight)

        def validation_of(encoder: TabularEncoder) -> Rows | None:
            if validation is None:
                return None
            val_columns, val_targets, val_weight = validation
            val_net_weight = self._class_weights(val_targets, val_weight)
            return Rows.of(_inputs(encoder, val_columns), self._task(val_targets).Y, val_net_weight)

        tables = [Table(encoder, rows_of(encoder), validation_of(encoder)) for encoder in encoders]
        weighs = self._weighs(tried, n_members, n_folds, tables[0])
        n_networks = most_networks(len(encoders), n_members, tried, weighs=weighs)
        metadata = None if weight is None else {"sample_weight": weight}
        data = {"estimator": asked, "X": X, "y": y, "metadata": metadata}
        with _CallersArithmetic():
            context = asked._init_callback_context(max_subtasks=n_networks, sequential_subtasks=False)
            context.call_on_fit_task_begin(**data)
        bridge = None
        if hasattr(asked, "_skl_callbacks"):
            by_name: dict[str, TabularEncoder] = dict(zip(encodings, encoders, strict=True))

            def attributes(epoch: MemberEpoch) -> dict[str, Any]:
                return {
                    **self._learned(),
                    "encoder_": by_name[epoch.numeric_encoding],
                    "members_": [epoch.network],
                }

            bridge = CallbackBridge(context, data, n_members, attributes)
        course = Course(
            n_threads=threads_for(self.n_jobs) or _n_threads(),
            deadline=None if self.max_time is None else began + self.max_time,
            n_jobs=n_networks + self._n_further_jobs(n_rows),
            followers=[follower for follower in (self.callback, bridge) if follower is not None],
            verbose=self.verbose,
        )
        trials = Trials(
            tables=tables,
            folds=folds,
            n_folds=n_folds,
            n_members=n_members,
            task=task,
            recipe=recipe,
            scouting=scouting(
                recipe, is_classifier=self._is_classifier(), n_rows=max(1, n_rows - n_rows // n_folds)
            ),
            tried=tried,
            weighs=weighs,
            seeds=seeds,
            course=course,
        )
        try:
            outcome = trials.run()
            members, used = outcome.members, outcome.used
            if not all(of_key.best_epoch for of_key in members.values()):
                raise ValueError(
                    "Training diverged in its first epoch: learning_rate_init must be smaller, got "
                    f"{self.learning_rate_init!r}."
                )
            networks = {key: of_key.network for key, of_key in members.items()}
            self.numeric_encoding_ = union_of(candidate.numeric_encoding for candidate in used)
            self.encoding_losses_ = {candidate.name: loss for candidate, loss in outcome.losses.items()}
            weights = list(outcome.weights.values())
            self.column_weights_ = np.mean(weights, axis=0) if weights else None
            if len({candidate.place for candidate in used}) == 1:
                self.encoder_, table, held_out = tables[used[0].place]
            else:
                self.encoder_ = encoder_of(self.numeric_encoding_)
                table, held_out = rows_of(self.encoder_), validation_of(self.encoder_)
                for key in networks:
                    its_inputs = self.encoder_._places_of(key[1].numeric_encoding)
                    networks[key] = widened(networks[key], its_inputs, table.X.shape[1])
            left_out = _rows_left_out([member for member, _ in members], table, held_out, folds)
            of_table = kept_targets if validation is None else validation[1]
            temperatures = [of_key.temperature for of_key in members.values()]
            self.members_ = self._finish(
                list(networks.values()), temperatures, left_out, of_table, seeds[-1], course
            )
        finally:
            course.finish()
        self.history_ = [
            {
                "member": member,
                "numeric_encoding": candidate.numeric_encoding,
                "weighted_columns": candidate.weighted,
                **_history(of_key),
            }
            for (member, candidate), of_key in members.items()
        ]
        self.n_iter_ = max(len(of_key.loss) for of_key in members.values())
        self.oof_prediction_ = self.oof_score_ = None
        if validation is None:
            predictions = self._predictions_left_out(left_out)
            known_rows = left_out.rows
            self.oof_score_ = self._oof_score(
                kept_targets[known_rows], predictions[known_rows], distinct.weight[known_rows]
            )
            self.oof_prediction_ = predictions[distinct.place]
            without_weight = np.flatnonzero(distinct.place < 0)
            if len(without_weight):
                inputs = _inputs(self.encoder_, [column.take(without_weight) for column in columns])
                self.oof_prediction_[without_weight] = self._prediction(
                    [network.predict(inputs) for network in self.members_]
                )
        self._warn_of_time(list(outcome.asked.values()), recipe)
        with _CallersArithmetic():
            if bridge is not None:
                bridge.close()
            context.call_on_fit_task_end(**data, reconstruction_attributes=self._learned())

    def _weighs(self, tried: Tried, n_members: int, n_folds: int, table: Table) -> bool:
        """Tell whether weights of columns are tried; a single network would take twice as long by them."""
        wanted = self.column_weights
        if isinstance(wanted, str):
            wanted = tried.weighs and n_members > 1
        return bool(wanted) and n_folds > 1 and int(table.has_inputs.sum()) > 1

    def _learned(self) -> dict[str, Any]:
        """Return the fitted attributes."""
        return {name: value for name, value in self.__dict__.items() if _is_fitted_attribute(name)}

    def _n_further_jobs(self, n_rows: int) -> int:
        """Return the number of networks trained in addition to the members."""
        return 0

    def _read_validation(
        self, X_val: Any, y_val: Any, sample_weight_val: Any, *, zones: list[str | None]
    ) -> tuple[list[Column], Array, Array] | None:
        if not has_validation(X_val, y_val, sample_weight_val):
            return None
        columns = read_table(self, X_val, reset=False, argument="X_val", zones=zones)
        weight = read_weights(sample_weight_val, len(columns[0].values), "sample_weight_val")
        targets = self._read_targets(y_val, weight, reset=False, argument="y_val")
        _check_lengths(columns, targets, "X_val", "y_val")
        kept = np.ones(len(targets), dtype=bool) if weight is None else weight > 0
        of_kept = np.ones(len(targets)) if weight is None else weight[kept]
        return [column.take(kept) for column in columns], targets[kept], of_kept

    def _recipe(self, n_rows: int) -> Recipe:
        """Return the recipe, with the user's parameters in place of its own."""
        batch_size = None if isinstance(self.batch_size, str) else int(self.batch_size)
        usual = recipe_for(
            is_classifier=self._is_classifier(),
            n_rows=n_rows,
            batch_size=batch_size,
            is_alone=self.n_members == 1,
        )
        sizes: Any = self.hidden_layer_sizes
        if isinstance(sizes, str):
            sizes = usual.hidden_layer_sizes
        elif isinstance(sizes, Integral):
            sizes = (sizes,)
        if not all(isinstance(size, Integral) and int(size) > 0 for size in sizes):
            raise ValueError(
                f"hidden_layer_sizes must be positive integers, got {self.hidden_layer_sizes!r}."
            )

        def chosen(name: str, otherwise: Any) -> Any:
            value = getattr(self, name)
            return otherwise if isinstance(value, str) else value

        return Recipe(
            hidden_layer_sizes=tuple(int(size) for size in sizes),
            learning_rate=float(chosen("learning_rate_init", usual.learning_rate)),
            dropout=float(chosen("dropout", usual.dropout)),
            weight_decay=float(chosen("weight_decay", usual.weight_decay)),
            batch_size=usual.batch_size,
            epochs=int(chosen("max_iter", usual.epochs)),
            patience=usual.patience,
            label_smoothing=usual.label_smoothing,
        )

    def _is_classifier(self) -> bool:
        raise NotImplementedError

    def _predictions_left_out(self, left_out: LeftOut) -> Array:
        """Predict the rows that members did not train on; NaN for the others."""
        predictions = np.empty(0)
        for member in sorted(set(left_out.numbers)):
            own = [number for number, of_network in enumerate(left_out.numbers) if of_network == member]
            rows = left_out.of(own[0])
            inputs = left_out.table.X[rows]
            predicted = self._prediction([self.members_[number].predict(inputs) for number in own])
            if not len(predictions):
                predictions = np.full((len(left_out.table.X), *predicted.shape[1:]), np.nan)
            predictions[rows] = predicted
        return predictions

    def _warn_of_time(self, trained: list[Trained | None], recipe: Recipe) -> None:
        members = [member for member in trained if member is not None]
        shortest = min(len(member.loss) for member in members)
        cut = any(member.stop_reason == "time" for member in members)
        if len(members) == len(trained) and not cut:
            return
        warnings.warn(
            f"Time limit (max_time={self.max_time:g} s) reached: {len(members)} of {len(trained)} network(s) "
            f"trained, for {shortest} of {recipe.epochs} epochs.",
            TimeLimitWarning,
            stacklevel=2,
        )

    # ---- predict -------------------------------------------------------------------------------------------

    def _as_it_is(self) -> Self:
        """Return a copy of this estimator's attributes, which a fit in another thread does not change."""
        now: Self = object.__new__(type(self))
        now.__dict__ = self.__dict__
        return now

    def _in_parts(self, X: MatrixLike, method: Callable[[Array, list[Array]], Array]) -> Array:
        """Return a method's results on inputs and the members' outputs, computed in blocks of rows."""
        check_is_fitted(self)
        columns = read_table(self, X, reset=False, zones=zones_of(self.encoder_.columns_))
        warn_of_strange_rows(columns, self.encoder_.columns_)
        n_threads = threads_for(self.n_jobs)
        n_rows = len(columns[0].values)
        parts = []
        for start in range(0, n_rows, _ROWS_AT_A_TIME):
            rows = np.arange(start, min(start + _ROWS_AT_A_TIME, n_rows))
            part = columns if len(rows) == n_rows else [column.take(rows) for column in columns]
            inputs = _inputs(self.encoder_, part)
            parts.append(
                method(inputs, [network.predict(inputs, n_threads=n_threads) for network in self.members_])
            )
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    # ---- pickle, tags --------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Return parameters and fitted arrays: no objects of the core, nothing that grows with the rows."""
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("oof_prediction_", None)
        if "members_" in state:
            state["members_"] = [arrays_of(network) for network in state["members_"]]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the estimator from the result of `__getstate__`."""
        state = {"column_weights": "auto", **state}  # earlier states have none
        if "members_" in state:
            state.setdefault("column_weights_", None)
            state["history_"] = [
                {"weighted_columns": False, **of_one} for of_one in state.get("history_", [])
            ]
            state["members_"] = [network_of(arrays) for arrays in state["members_"]]
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        """Return the tags of an estimator that accepts any table."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _is_fitted_attribute(name: str) -> bool:
    return name.endswith("_") and not name.startswith("__")


def _check_lengths(columns: list[Column], targets: Array, *names: str) -> None:
    n_rows = len(columns[0].values)
    if len(targets) != n_rows:
        # in scikit-learn's words
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {[n_rows, len(targets)]}; "
            f"{' and '.join(names)} must have as many rows."
        )


def _inputs(encoder: TabularEncoder, columns: list[Column]) -> Array:
    """Return the inputs of rows; at least one, because a network needs one."""
    inputs = encoder._transform_columns(columns)
    return inputs if inputs.shape[1] else np.zeros((len(inputs), 1), dtype=np.float32)


def _rows_left_out(numbers: list[int], table: Rows, watched: Rows | None, folds: Array) -> LeftOut:
    """Return the rows that each member was not trained on; if there is only one row, that one.

    `numbers` are the members that the networks belong to.
    """
    members = sorted(set(numbers))
    if watched is not None:
        rows = np.arange(len(watched.X))
        return LeftOut(watched, np.tile(rows, len(members)), np.repeat(np.array(members), len(rows)), numbers)
    rows = np.flatnonzero(np.isin(folds, members))
    return LeftOut(table, rows, folds[rows], numbers)


def _history(trained: Trained) -> dict[str, Any]:
    return {
        "loss": trained.loss,
        "validation_loss": trained.validation_loss,
        "learning_rate": trained.learning_rate,
        "best_epoch": trained.best_epoch,
        "stop_reason": trained.stop_reason,
    }
