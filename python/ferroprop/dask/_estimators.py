"""`DaskMLPClassifier` and `DaskMLPRegressor`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral
from typing import Any, ClassVar, cast

import numpy as np

from ferroprop._core import Network, _StandardArithmetic
from ferroprop.dask._cluster import client_of, maybe_later, results
from ferroprop.dask._tables import DaskShards, Table, table
from ferroprop.distributed import group_rows, rows_of, train_in_turns
from ferroprop.estimators import MLPClassifier, MLPRegressor, _epochs, _label_encoding
from ferroprop.estimators._base import LEARNED
from ferroprop.estimators._optimizers import is_mini_batch
from ferroprop.estimators._plan import Outcome, Plan
from ferroprop.estimators._samples import Samples
from ferroprop.estimators._sklearn import Interval
from ferroprop.estimators._targets import class_weights, labels
from ferroprop.estimators._typing import Array


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
        more = [own.parameters[name] for name in ("client", "n_parts")]
        signature = inherited.replace(parameters=[*inherited.parameters.values(), *more])
        kind.__init__.__signature__ = signature  # type: ignore[misc]
        return kind

    return add


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
            self._check_alone(X_val)
            rows = table(client, X, y, sample_weight, names=names[0])
            held_out = None
            if X_val is not None or y_val is not None:
                held_out = table(client, X_val, y_val, sample_weight_val, names=names[1])
            super_fit = cast(Any, super(_OnDask, self)).fit
            return super_fit(rows, rows.y, X_val=held_out)

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
        if own._is_adaptive():
            raise ValueError(
                "learning_rate='adaptive' is not for Dask, got it: use 'invscaling' or 'constant'."
            )

    def partial_fit(self, *arguments: Any, **keywords: Any) -> Any:
        """Raise: call it on ``to_local()`` with the rows of one partition after the other."""
        raise TypeError("partial_fit is for rows in one place: call it on to_local().")

    def _validate_input(self, X: Table, y: Any, *, goes_on: bool, reset: bool, single: bool) -> Any:
        own = cast(Any, self)
        if X.X.dtype.kind not in "biufO":
            raise ValueError(f"X must hold numbers, got dtype {X.X.dtype}.")
        self._check_features(X, "X", reset=reset)
        dtype = np.dtype(np.float32 if X.X.dtype == np.float32 else np.float64)
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
        return replace(plan, row_orders=None, run=partial(_run_in_turns, own._shards, own.shuffle, seed))

    def _for_core(self, samples: Samples, dtype: np.dtype[Any]) -> Samples:
        own, rows = cast(Any, self), samples.X.table
        is_training = rows is own._training
        # validation rows that decide are evaluated as in the core's training, others alone
        batch = own._training.n_rows if is_training or own.early_stopping else rows.n_rows
        group = 1 if is_mini_batch(own.solver) and is_training else group_rows(own._trained, batch)
        shards = DaskShards(rows, own._targets_of_part(), dtype, group, own.n_parts)
        if is_training:
            own.__dict__["_shards"] = shards
        digest = own.checkpoint is not None
        remote = rows_of(shards, own._core_loss(), batch_rows=batch, digest=digest)
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
        parameters = {
            name: value
            for name, value in own.get_params(deep=False).items()
            if name not in ("client", "n_parts")
        }
        local = self._local(**parameters)
        learned = {name: value for name, value in vars(own).items() if name in LEARNED}
        local.__dict__.update(learned)
        return local

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the client, which is of one process."""
        state: dict[str, Any] = cast(Any, super()).__getstate__()
        return {**state, "client": None}

    def _mapped(self, method: str, X: Any, columns: int | None, dtype: Any) -> Any:
        """Return what a method makes of rows: of a collection a Dask array."""
        local = self.to_local()
        if hasattr(X, "to_delayed") and hasattr(X, "map_partitions"):
            shape = (0,) if columns is None else (0, columns)
            return X.map_partitions(_call, local, method, meta=np.empty(shape, dtype))
        if not hasattr(X, "to_delayed"):
            return getattr(local, method)(X)
        if len(X.chunks[1]) > 1:
            X = X.rechunk({1: -1})
        meta = np.empty((0,) * (1 if columns is None else 2), dtype)
        if columns is None:
            return X.map_blocks(_call, local, method, drop_axis=1, dtype=dtype, meta=meta)
        chunks = (X.chunks[0], (columns,))
        return X.map_blocks(_call, local, method, chunks=chunks, dtype=dtype, meta=meta)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the score of the local class, accuracy or R²; predictions and targets come here for it."""
        if not hasattr(X, "to_delayed"):
            return float(self.to_local().score(X, y, sample_weight))
        from sklearn.metrics import accuracy_score, r2_score

        client = client_of(cast(Any, self).client)
        predicted = cast(Any, self).predict(X)
        columns = [predicted, y] if sample_weight is None else [predicted, y, sample_weight]
        here = results(client, lambda: client.compute(columns), "rows to score")
        metric = accuracy_score if self._local is MLPClassifier else r2_score
        found, true, *weight = (np.asarray(column) for column in here)
        return float(metric(true, found, sample_weight=weight[0] if weight else None))


def _call(X: Any, local: Any, method: str) -> Array:
    """Call a method for a block of rows, which may have none."""
    some = X if len(X) else np.zeros((1, local.n_features_in_))
    outputs: Array = getattr(local, method)(some)
    return outputs[: len(X)]


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

    Differences: early stopping needs ``X_val``; ``class_weight="balanced"`` takes no ``sample_weight``; no
    dropout on full batches; `scoring` is None or 'loss'; no ``partial_fit``.

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
            first = rows.pieces(rows.y)[:1]
            present = np.asarray(results(rows.client, lambda: rows.client.compute(first))[0])
        else:
            found = rows.mapped(_classes_of, rows.y)
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
        self.__dict__["_of_classes"] = of_classes
        return None

    def _targets_of_part(self, *, scored: bool = False) -> Callable[[Any, Any], tuple[Any, Any]]:
        margins = self._has_margins() and not scored
        of_classes = None if scored else self.__dict__["_of_classes"]
        return partial(_class_targets, self._label_binarizer, of_classes, margins)

    def predict(self, X: Any) -> Any:  # type: ignore[override]
        """Return the predicted labels: of a collection a Dask array, else an array."""
        several = self._label_binarizer.y_type_ == "multilabel-indicator"
        dtype = np.dtype(int) if several else self.classes_.dtype
        return self._mapped("predict", X, len(self.classes_) if several else None, dtype)

    def predict_proba(self, X: Any) -> Any:  # type: ignore[override]
        """Return the probabilities of the classes: of a collection a Dask array, else an array."""
        return self._mapped("predict_proba", X, max(2, len(self.classes_)), self.coefs_[0].dtype)


def _classes_of(y: Any) -> tuple[Array, Array]:
    """Return the classes in a block of labels, and how often each is there."""
    values = np.asarray(labels(np.asarray(y))).ravel()
    classes, counts = np.unique(values, return_counts=True)
    return classes, counts


def _class_targets(binarizer: Any, of_classes: Any, margins: bool, y: Any, weight: Any) -> tuple[Any, Any]:
    """Return the targets of labels, and the weights of the rows."""
    y = np.asarray(labels(y))
    if y.ndim == 2 and y.shape[1] == 1:
        y = y.ravel()
    unknown = np.setdiff1d(_label_encoding.distinct(y), binarizer.classes_)
    if len(unknown):
        raise ValueError(f"y_val has classes that y has not: {unknown}. y has {binarizer.classes_}.")
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

    def _targets_of_part(self, *, scored: bool = False) -> Callable[[Any, Any], tuple[Any, Any]]:
        return _number_targets

    def predict(self, X: Any) -> Any:  # type: ignore[override]
        """Return the predicted numbers: of a collection a Dask array, else an array."""
        n_outputs = np.shape(self.coefs_[-1])[1]
        return self._mapped("predict", X, None if n_outputs == 1 else n_outputs, self.coefs_[0].dtype)


def _number_targets(y: Any, weight: Any) -> tuple[Any, Any]:
    y = np.asarray(y, dtype=None if y.dtype.kind in "biuf" else np.float64)
    return y.reshape(-1, 1) if y.ndim == 1 else y, weight
