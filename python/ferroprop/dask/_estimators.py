"""`DaskMLPClassifier` and `DaskMLPRegressor`."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral
from typing import Any, ClassVar, cast

import numpy as np

from ferroprop._core import Network, _StandardArithmetic
from ferroprop.dask._cluster import client_of, maybe_later, results
from ferroprop.dask._tables import DaskShards, Table, as_array, table
from ferroprop.distributed import group_rows, rows_of, train_in_turns
from ferroprop.estimators import MLPClassifier, MLPRegressor, _epochs, _label_encoding
from ferroprop.estimators._base import LEARNED
from ferroprop.estimators._network_cache import NetworkCache
from ferroprop.estimators._optimizers import is_mini_batch
from ferroprop.estimators._plan import Outcome, Plan
from ferroprop.estimators._samples import Samples
from ferroprop.estimators._sklearn import Interval, available_when, check_is_fitted, clone
from ferroprop.estimators._targets import class_weights, labels
from ferroprop.estimators._typing import Array
from ferroprop.estimators._validation_set import has_validation
from ferroprop.estimators.classifier import _has_probabilities

Targets = Callable[[Any, Any, str], tuple[Any, Any]]
"""From targets and weights as they came, and the name of the targets, to those of the core."""

OWN_PARAMETERS = ("client", "n_parts")
"""Parameters that the local classes have not."""


@dataclass(frozen=True)
class _Rows:
    """The inputs of a table, in place of an array of them."""

    table: Table
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, int]:
        return cast(tuple[int, int], self.table.X.shape)

    def astype(self, dtype: Any, copy: bool = True) -> _Rows:
        return replace(self, dtype=np.dtype(dtype))


@dataclass(frozen=True)
class _Targets:
    """The targets of a table, in place of an array of them."""

    table: Table
    n_outputs: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.table.n_rows, self.n_outputs

    def __len__(self) -> int:
        return self.table.n_rows


def _with_parameters_of(local: type) -> Callable[[type], type]:
    """Give a class the constructor of a local class, and the parameters `client` and `n_parts`."""

    def add(kind: type) -> type:
        own = inspect.signature(kind.__init__)  # type: ignore[misc]
        inherited = inspect.signature(local.__init__)  # type: ignore[misc]
        more = [own.parameters[name] for name in OWN_PARAMETERS]
        signature = inherited.replace(parameters=[*inherited.parameters.values(), *more])
        kind.__init__.__signature__ = signature  # type: ignore[misc]
        return kind

    return add


class _Absent:
    """A method of the local class that is not here."""

    def __init__(self, why: str) -> None:
        self._why = why

    def __get__(self, estimator: Any, owner: type) -> Any:
        raise AttributeError(self._why)


class _OnDask:
    """What both estimators do with collections instead of arrays."""

    _local: ClassVar[type]

    # ---- fit -----------------------------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Fit the model to collections of Dask.

        With the solvers of the Rprop family and 'lbfgs' each worker sums over its part of the rows, and the
        fitted weights have the bits of a fit of the same rows in one place, however they are partitioned.
        With those of mini-batches ('adam', 'sgd') network and optimizer go from part to part, which is no
        faster than one machine.

        Parameters
        ----------
        X : Dask array or DataFrame of shape (n_samples, n_features)
            The input data.
        y : Dask array, Series or DataFrame of shape (n_samples,) or (n_samples, n_outputs)
            The target values.
        sample_weight : Dask array or Series of shape (n_samples,), default=None
            Sample weights.
        X_val, y_val, sample_weight_val : collections, default=None
            Validation data; early stopping needs them.

        Returns
        -------
        self : object
            The fitted estimator; an awaitable of it with an asynchronous client.
        """
        client = client_of(self.client)  # type: ignore[attr-defined]
        names = ("X", "y", "sample_weight"), ("X_val", "y_val", "sample_weight_val")

        def work() -> Any:
            cast(Any, self)._validate_params()
            self._check_alone(X_val)
            tables = []
            try:
                tables.append(rows := table(client, X, y, sample_weight, names=names[0]))
                held_out = None
                if has_validation(X_val, y_val, sample_weight_val):
                    tables.append(held_out := table(client, X_val, y_val, sample_weight_val, names=names[1]))
                super_fit = cast(Any, super(_OnDask, self)).fit
                return super_fit(rows, rows.y, X_val=held_out)
            finally:
                for one in tables:
                    one.release()

        return maybe_later(client, work)

    def _check_alone(self, X_val: Any) -> None:
        """Refuse what needs all rows in one place."""
        own = cast(Any, self)
        if own.early_stopping and not own._is_lbfgs() and X_val is None:
            raise ValueError(
                "early_stopping needs X_val and y_val with Dask: no rows are held out, got None."
            )
        if own.solver == "lbfgs-scipy":
            raise ValueError("solver 'lbfgs-scipy' is not for Dask, got it: use 'lbfgs', the core's own.")
        if own.scoring is not None and own.scoring != "loss":
            raise ValueError(f"scoring must be None or 'loss' with Dask, got {own.scoring!r}.")
        if not is_mini_batch(own.solver) and not own._is_lbfgs() and np.any(np.asarray(own.dropout) != 0.0):
            raise ValueError(f"dropout is for mini-batches with Dask, got {own.dropout!r} on full batches.")
        if is_mini_batch(own.solver) and own.checkpoint is not None:
            raise ValueError(
                "checkpoint is for solvers on full batches with Dask, got it with mini-batches, "
                f"solver={own.solver!r}."
            )
        if own._is_solver("sgd") and own.learning_rate != "constant":
            raise ValueError(f"learning_rate must be 'constant' with Dask, got {own.learning_rate!r}.")

    partial_fit = _Absent("partial_fit is for rows in one place: call it on to_local().")
    initialize = _Absent("initialize is for rows in one place: call it on the local class.")

    def _validate_input(self, X: Table, y: Any, *, goes_on: bool, reset: bool, single: bool) -> Any:
        own = cast(Any, self)
        if X.X.dtype.kind not in "biufO":
            raise ValueError(f"X must hold numbers, got dtype {X.X.dtype}.")
        self._check_features(X, "X", reset=reset)
        dtype = np.dtype(np.float32 if X.dtype == np.float32 else np.float64)
        return _Rows(X, dtype), _Targets(X, own._outputs_of(X, goes_on))

    def _check_features(self, rows: Table, name: str, *, reset: bool) -> None:
        """Note or compare number and names of the features."""
        own, n_features, columns = cast(Any, self), rows.X.shape[1], rows.columns
        if reset:
            own.__dict__.pop("feature_names_in_", None)
            own.n_features_in_ = n_features
            if columns is not None:
                own.feature_names_in_ = np.asarray(columns, dtype=object)
        elif n_features != own.n_features_in_:
            raise ValueError(f"{name} must have {own.n_features_in_} features, got {n_features}.")
        elif columns is not None and columns != list(own.__dict__.get("feature_names_in_", columns)):
            raise ValueError(
                f"{name} must have the features {list(own.feature_names_in_)}, in this order, got {columns}."
            )

    def _given_samples(
        self, X_val: Any, y_val: Any, sample_weight_val: Any, *, dtype: Any, n_outputs: int
    ) -> Samples | None:
        if X_val is None:
            return None
        self._check_features(X_val, "X_val", reset=False)
        return Samples(_Rows(X_val, np.dtype(dtype)), _Targets(X_val, n_outputs), None)

    def _plan(self, network: Network, output: Any, samples: Samples, *others: Any, **how: Any) -> Plan:
        own = cast(Any, self)
        own.__dict__.update(_trained=network, _training=samples.X.table)
        plan: Plan = cast(Any, super())._plan(network, output, samples, *others, **how)
        if not is_mini_batch(own.solver):
            return plan
        _, _, rng = others
        seed = int(rng.randint(1 << 31))
        return plan._replace(row_orders=None, run=partial(_run_in_turns, own._shards, own.shuffle, seed))

    def _for_core(self, samples: Samples, dtype: np.dtype[Any]) -> Samples:
        own, rows = cast(Any, self), samples.X.table
        is_training = rows is own._training
        group = 1 if is_mini_batch(own.solver) and is_training else group_rows(own._trained, rows.n_rows)
        shards = DaskShards(rows, own._targets_of_part(weighs=is_training), dtype, group, own.n_parts)
        if is_training:
            own.__dict__["_shards"] = shards
        digest = own.checkpoint is not None
        remote = rows_of(shards, own._core_loss(), digest=digest)
        return Samples(remote, None, None)

    def _score_on(self, samples: Samples, output: Any) -> Callable[[Network], float] | None:
        """Return a function that scores a network: its outputs come here, those of all validation rows."""
        own, rows = cast(Any, self), samples.X.table
        if own.scoring == "loss":
            return None
        shards = DaskShards(rows, own._targets_of_part(scored=True), samples.X.dtype, 1, own.n_parts)
        parts = shards.map(_targets_and_weights)
        Y = np.concatenate([part[0] for part in parts])
        weight = None if rows.sample_weight is None else np.concatenate([part[1] for part in parts])

        def score(network: Network) -> float:
            outputs = np.concatenate(shards.map(_outputs, network))
            with _StandardArithmetic():
                return float(own._score_outputs(Y, outputs, weight))

        return score

    def _hint(self, samples: Samples) -> str:
        return ""

    def _warn_about(self, plan: Plan, outcome: Outcome) -> None:
        pass

    # ---- predict -------------------------------------------------------------------------------------------

    def to_local(self) -> Any:
        """Return the local estimator, `MLPClassifier` or `MLPRegressor`, with these parameters and weights.

        It knows nothing of Dask, nor does its pickle.
        """
        own = cast(Any, self)
        check_is_fitted(own)
        parameters = own.get_params(deep=False)
        local = self._local(**{name: parameters[name] for name in parameters if name not in OWN_PARAMETERS})
        learned = {name: value for name, value in vars(own).items() if name in LEARNED}
        same = ("_networks", "_optimizer")  # nobody changes the latter, and the former is replaced
        local.__dict__.update({n: value if n in same else deepcopy(value) for n, value in learned.items()})
        local.__dict__["_networks"] = NetworkCache()
        return local

    def __sklearn_clone__(self) -> Any:
        """Return an unfitted estimator with the same parameters, and the same client."""
        own = cast(Any, self)
        parameters = {name: value for name, value in own.get_params(deep=False).items() if name != "client"}
        return type(own)(
            client=own.client, **{n: clone(value, safe=False) for n, value in parameters.items()}
        )

    def __copy__(self) -> Any:
        """Return a copy with the same client."""
        return cast(Any, self)._copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Return a deep copy with the same client."""
        other = cast(Any, self)._copy()
        client = other.__dict__.pop("client")
        other.__dict__.update({name: deepcopy(value, memo) for name, value in vars(other).items()})
        other.client = client
        return other

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the client, which is of one process."""
        state: dict[str, Any] = cast(Any, super()).__getstate__()
        return {**state, "client": None}

    def _mapped(self, method: str, X: Any, columns: int | None, dtype: Any, keywords: dict[str, Any]) -> Any:
        """Return what a method makes of rows: of a collection a Dask array."""
        local = self.to_local().set_params(callback=None, scoring=None, checkpoint=None)
        call = partial(_call, local, method, keywords)
        if hasattr(X, "to_delayed") and X.ndim != 2:
            raise ValueError(f"X must have two dimensions, got {X.ndim}.")
        if hasattr(X, "to_delayed") and X.shape[1] != local.n_features_in_:
            raise ValueError(f"X must have {local.n_features_in_} features, got {X.shape[1]}.")
        if hasattr(X, "to_delayed") and hasattr(X, "map_partitions"):
            shape = (0,) if columns is None else (0, columns)
            return X.map_partitions(call, meta=np.empty(shape, dtype))
        if not hasattr(X, "to_delayed"):
            return call(X) if np.shape(X)[:1] != (0,) else getattr(local, method)(X)
        if len(X.chunks[1]) > 1:
            X = X.rechunk({1: -1})
        meta = np.empty((0,) * (1 if columns is None else 2), dtype)
        if columns is None:
            return X.map_blocks(call, name=_name(method), drop_axis=1, dtype=dtype, meta=meta)
        chunks = (X.chunks[0], (columns,))
        return X.map_blocks(call, name=_name(method), chunks=chunks, dtype=dtype, meta=meta)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Return the score of the local class, accuracy or R²; predictions and targets come here for it.

        With an asynchronous client it is an awaitable.
        """
        if not hasattr(X, "to_delayed"):
            return float(self.to_local().score(X, y, sample_weight))
        from sklearn.metrics import accuracy_score, r2_score

        client = client_of(cast(Any, self).client)
        predicted = cast(Any, self).predict(X)
        columns = [predicted, as_array("y", y)]
        columns += [] if sample_weight is None else [as_array("sample_weight", sample_weight)]
        classifies = self._local is MLPClassifier

        def work() -> float:
            here = results(client, lambda: client.compute(columns), "rows to score")
            found, true, *weight = (np.asarray(column) for column in here)
            true = np.asarray(labels(true)) if classifies else true
            metric = accuracy_score if classifies else r2_score
            return float(metric(true, found, sample_weight=weight[0] if weight else None))

        return maybe_later(client, work)


def _call(local: Any, method: str, keywords: dict[str, Any], X: Any) -> Array:
    """Call a method for a block of rows, which may have none."""
    some = X
    if not np.shape(X)[0]:
        zeros = np.zeros((1, local.n_features_in_))
        some = type(X)(zeros, columns=X.columns) if hasattr(X, "columns") else zeros
    outputs: Array = getattr(local, method)(some, **keywords)
    return outputs[: np.shape(X)[0]]


def _name(method: str) -> str:
    """Return a name for Dask's tasks that no other predictions have."""
    return f"{method}-{uuid.uuid4().hex}"


def _outputs(part: Any, network: Network) -> Array:
    outputs: Array = network.predict(part.X)
    return outputs


def _targets_and_weights(part: Any) -> tuple[Array, Array]:
    return part.Y, part.sample_weight


_IN_TURNS = (
    "optimizer",
    "epochs",
    "validation_score",
    "patience",
    "tolerance",
    "restore_best",
    "max_time",
    "callback",
    "warm_start",
    "loss",
    "alpha",
    "clip_norm",
    "dropout",
)
"""What a training in turns takes of that of a plan."""


def _run_in_turns(shards: DaskShards, shuffle: bool, seed: int, plan: Plan) -> Outcome:
    """Run a plan on mini-batches, part after part."""
    decisive = plan.decisive
    with _epochs.training(plan) as training:
        keywords = training.keywords
        history = train_in_turns(
            plan.network,
            shards,
            batch_size=plan.batch_size or shards.n_rows,
            shuffle=shuffle,
            seed=seed,
            validation=None if decisive is None else decisive.samples.X,
            **{name: keywords[name] for name in _IN_TURNS},
        )  # fmt: skip
        training.end(history)
    return _epochs.outcome(training, history)


@_with_parameters_of(MLPClassifier)
class DaskMLPClassifier(_OnDask, MLPClassifier):
    """`MLPClassifier` for Dask's collections.

    Parameters are those of `MLPClassifier`, and:

    Parameters
    ----------
    client : dask.distributed.Client or None, default=None
        Whose workers compute; None takes the client that Dask has at the moment.
    n_parts : int or None, default=None
        In how many parts the rows are put on the workers; None is one for each worker. Each part has to fit
        in the memory of a worker, twice while it is put together.

    Attributes
    ----------
    coefs_, intercepts_, classes_, loss_curve_, ...
        As those of `MLPClassifier`.

    See Also
    --------
    DaskMLPRegressor : For numbers.
    ferroprop.dask.train : For a `Network`.

    Notes
    -----
    A fit on full batches (``solver="rprop"`` and its kin, ``"lbfgs"``) takes one task per part and epoch,
    some 10 milliseconds on top of the arithmetic; it pays from about 0.1 s of arithmetic per epoch and worker
    on. Its weights have the bits of ``MLPClassifier.fit`` on the same rows, for any partitions and workers,
    also if workers die, restart or join meanwhile.

    Differences: early stopping needs ``X_val``, and `validation_fraction` has no effect;
    ``class_weight="balanced"`` takes no ``sample_weight``, and several labels per row take no class weights;
    full batches have no dropout and no stochastic units, mini-batches no schedules of rates and no
    checkpoints; `scoring` is None or 'loss'; there is no ``solver="lbfgs-scipy"``, ``partial_fit`` and
    ``initialize``; warnings have no hints about the scale of X. Each worker takes as many threads as Dask
    gives it, and `n_jobs` is for predictions here. ``decision_function``, ``transform`` and
    ``predict_gradient`` fetch all rows of a collection and return arrays.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from ferroprop.dask import DaskMLPClassifier
    >>> client = Client(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0")
    >>> X = da.random.default_rng(0).normal(size=(1000, 4), chunks=(300, 4))
    >>> y = X[:, 0] > 0
    >>> model = DaskMLPClassifier((8,), solver="rprop", max_iter=60, tol=0, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    >>> client.close()
    """

    _local = MLPClassifier
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **MLPClassifier._parameter_constraints,
        "client": [object],
        "n_parts": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self, *sizes: Any, client: Any = None, n_parts: int | None = None, **parameters: Any
    ) -> None:
        MLPClassifier.__init__(self, *sizes, **parameters)
        self.client = client
        self.n_parts = n_parts

    def _outputs_of(self, rows: Table, goes_on: bool) -> int:
        """Note the classes that there are; return the number of outputs."""
        if rows.y.ndim == 2 and rows.y.shape[1] > 1:
            first = [rows.pieces(rows.y)[0][0]]
            present = np.asarray(results(rows.client, lambda: rows.client.compute(first))[0])
        else:
            found = rows.mapped(_classes_of, rows.y, rows.names[1])
            kinds = {_kind(classes) for classes, _ in found}
            if len(kinds) > 1:
                raise ValueError(f"y must have labels of one kind in all partitions, got {sorted(kinds)}.")
            present = np.concatenate([classes for classes, _ in found])
            self.__dict__["_counts"] = found
        self._indicators(present, goes_on=goes_on, single=False)
        several = self._label_binarizer.y_type_ != "binary"
        return len(self.classes_) if several else 1

    def _class_weights(self, Y: Any, sample_weight: Array | None) -> Array | None:
        rows = Y.table
        of_classes = None
        if self.class_weight is not None:
            if self._label_binarizer.y_type_ == "multilabel-indicator":
                raise ValueError("class_weight is for one label per row with Dask, got several.")
            if isinstance(self.class_weight, str):
                if rows.sample_weight is not None:
                    raise ValueError("class_weight='balanced' takes no sample_weight with Dask, got both.")
                counts = np.zeros(len(self.classes_))
                for classes, n in self.__dict__["_counts"]:
                    counts[np.searchsorted(self.classes_, classes)] += n
                of_classes = len(Y) / (len(self.classes_) * counts)
            else:
                of_classes = class_weights(self.class_weight, self.classes_, self.classes_, None)
            if not np.any(of_classes > 0):
                raise ValueError(f"class_weight must have a positive weight, got {self.class_weight!r}.")
        self.__dict__["_of_classes"] = of_classes
        return None

    def _targets_of_part(self, *, weighs: bool = False, scored: bool = False) -> Targets:
        margins = self._has_margins() and not scored
        # class weights are those of the training alone
        of_classes = self.__dict__["_of_classes"] if weighs else None
        return partial(_class_targets, self._label_binarizer, of_classes, margins)

    def predict(self, X: Any, **keywords: Any) -> Any:
        """Return the predicted labels: of a collection a Dask array, else an array."""
        check_is_fitted(self)
        several = self._label_binarizer.y_type_ == "multilabel-indicator"
        dtype = np.dtype(int) if several else self.classes_.dtype
        return self._mapped("predict", X, len(self.classes_) if several else None, dtype, keywords)

    @available_when(_has_probabilities)
    def predict_proba(self, X: Any, **keywords: Any) -> Any:
        """Return the probabilities of the classes: of a collection a Dask array, else an array."""
        check_is_fitted(self)
        return self._mapped("predict_proba", X, self._columns(), self.coefs_[0].dtype, keywords)

    @available_when(_has_probabilities)
    def predict_log_proba(self, X: Any, **keywords: Any) -> Any:
        """Return their logarithms."""
        check_is_fitted(self)
        return self._mapped("predict_log_proba", X, self._columns(), self.coefs_[0].dtype, keywords)

    def _columns(self) -> int:
        """Return the number of columns of probabilities: one for each class."""
        return len(self.classes_)


def _kind(classes: Array) -> str:
    return {"b": "booleans", "i": "numbers", "u": "numbers", "f": "numbers"}.get(classes.dtype.kind, "texts")


def _classes_of(y: Any, name: str) -> tuple[Array, Array]:
    """Return the classes in a block of labels, and how often each is there."""
    values = np.asarray(labels(np.asarray(y), name)).ravel()
    classes, counts = np.unique(values, return_counts=True)
    return classes, counts


def _class_targets(
    binarizer: Any, of_classes: Any, margins: bool, y: Any, weight: Any, name: str
) -> tuple[Any, Any]:
    """Return the targets of labels, and the weights of the rows."""
    y = np.asarray(labels(y, name))
    if y.ndim == 2 and y.shape[1] == 1:
        y = y.ravel()
    if y.ndim == 2:
        wrong = np.argwhere(~np.isin(y, (0, 1)))
        if len(wrong):
            row, column = wrong[0].tolist()
            raise ValueError(f"{name} must hold 0 and 1, got {y[row, column]} at [{row}, {column}].")
    unknown = np.setdiff1d(_label_encoding.distinct(y), binarizer.classes_)
    if len(unknown):
        raise ValueError(f"{name} has classes that y has not: {unknown}. y has {binarizer.classes_}.")
    Y = _label_encoding.indicators(binarizer, y)
    targets = 2.0 * Y - 1.0 if margins else Y
    if of_classes is None:
        return targets, weight
    of_rows = of_classes[np.searchsorted(binarizer.classes_, y)]
    if weight is None:
        return targets, of_rows
    return targets, np.multiply(of_rows, weight, where=weight > 0, out=np.zeros(len(of_rows)))


@_with_parameters_of(MLPRegressor)
class DaskMLPRegressor(_OnDask, MLPRegressor):
    """`MLPRegressor` for Dask's collections.

    Parameters are those of `MLPRegressor`, and:

    Parameters
    ----------
    client : dask.distributed.Client or None, default=None
        As for `DaskMLPClassifier`.
    n_parts : int or None, default=None
        As for `DaskMLPClassifier`.

    Attributes
    ----------
    coefs_, intercepts_, loss_curve_, ...
        As those of `MLPRegressor`.

    See Also
    --------
    DaskMLPClassifier : For labels; with notes that hold for numbers, too.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from ferroprop.dask import DaskMLPRegressor
    >>> client = Client(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0")
    >>> X = da.random.default_rng(0).normal(size=(1000, 4), chunks=(300, 4))
    >>> y = X.sum(axis=1)
    >>> model = DaskMLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.99
    True
    >>> client.close()
    """

    _local = MLPRegressor
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **MLPRegressor._parameter_constraints,
        "client": [object],
        "n_parts": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(self, *loss: Any, client: Any = None, n_parts: int | None = None, **parameters: Any) -> None:
        MLPRegressor.__init__(self, *loss, **parameters)
        self.client = client
        self.n_parts = n_parts

    def _outputs_of(self, rows: Table, goes_on: bool) -> int:
        """Return the number of outputs."""
        if rows.y.dtype.kind not in "biufO":
            raise ValueError(f"y must hold numbers, got dtype {rows.y.dtype}.")
        return 1 if rows.y.ndim == 1 else int(rows.y.shape[1])

    def _class_weights(self, Y: Any, sample_weight: Array | None) -> Array | None:
        return None

    def _targets_of_part(self, *, weighs: bool = False, scored: bool = False) -> Targets:
        return _number_targets

    def predict(self, X: Any, **keywords: Any) -> Any:  # type: ignore[override]
        """Return the predicted numbers: of a collection a Dask array, else an array."""
        check_is_fitted(self)
        n_outputs = np.shape(self.coefs_[-1])[1]
        columns = None if n_outputs == 1 else n_outputs
        return self._mapped("predict", X, columns, self.coefs_[0].dtype, keywords)


def _number_targets(y: Any, weight: Any, name: str) -> tuple[Any, Any]:
    return y.reshape(-1, 1) if y.ndim == 1 else y, weight
