"""`RNNClassifier` and `RNNRegressor`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from ferroprop._core import BlockShuffle, Epoch, Loss, Network, Optimizer, RecurrentNetwork
from ferroprop.estimators import _activations
from ferroprop.estimators._base import BaseMLP, check_continues
from ferroprop.estimators._samples import Samples, mapped
from ferroprop.estimators._scores import r2
from ferroprop.estimators._sequences import (
    Sequences,
    aligned,
    checked_sequences,
    checked_weights,
    flat,
    grouped,
    n_features,
    parts_of,
    weights_of_steps,
)
from ferroprop.estimators._sklearn import (
    Interval,
    StrOptions,
    accuracy_score,
    available_when,
    check_array,
    check_is_fitted,
)
from ferroprop.estimators._targets import labels, refuse_other_than_numbers
from ferroprop.estimators._typing import Activation, Array, Layers, LearningRateSchedule, TargetLike
from ferroprop.estimators.classifier import MLPClassifier, _has_decisions, _has_probabilities
from ferroprop.estimators.regressor import MLPRegressor

_CONSTRAINTS: dict[str, list[Any]] = {
    "cell": [StrOptions({"rnn", "lstm", "gru"})],
    "returns": [StrOptions({"last", "every"})],
    "activation": [*_activations.HIDDEN, list, tuple, np.ndarray, None],
    "recurrent_init": [StrOptions({"orthogonal", "identity", "glorot", "torch", "zeros", "uniform"})],
    "truncate": [Interval(Integral, 1, None, closed="left"), None],
    "washout": [Interval(Integral, 0, None, closed="left")],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
}


class _ThroughTime(BaseMLP):
    """What estimators of sequences have in common: their inputs, and a network that recurs."""

    _of_layers: ClassVar[tuple[str, ...]] = ("network_",)

    # ---- parameters, as arrays -----------------------------------------------------------------------------

    @property
    def coefs_(self) -> Layers:
        """Weights of the inputs of each layer, of shape (fan_in, n_gates * n_units); copies."""
        return list(self._fitted_network("coefs_").weights)

    @property
    def recurrent_coefs_(self) -> list[Array | None]:
        """Weights of the states of each layer, of shape (n_units, n_gates * n_units); copies."""
        return list(self._fitted_network("recurrent_coefs_").recurrent_weights)

    @property
    def intercepts_(self) -> list[Array | None]:
        """Biases of each layer, of shape (n_gates * n_units,); copies."""
        return list(self._fitted_network("intercepts_").biases)

    def _fitted_network(self, attribute: str) -> RecurrentNetwork[Any]:
        network: RecurrentNetwork[Any] | None = self.__dict__.get("network_")
        if network is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r}")
        return network

    # ---- data ----------------------------------------------------------------------------------------------

    def _gives_every(self) -> bool:
        return bool(self.returns == "every")

    def _sequences(self, X: Any, *, reset: bool, dtype: Any = None, name: str = "X") -> Sequences:
        sequences = checked_sequences(X, name, dtype)
        if reset:
            self.n_features_in_ = n_features(sequences)
        elif n_features(sequences) != self.n_features_in_:
            raise ValueError(
                f"{name} has {n_features(sequences)} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return sequences

    def _checked_rows(self, X: Any, dtype: Any = None) -> Any:
        return self._sequences(X, reset=False, dtype=dtype)

    def _validate_input(
        self, X: Any, y: TargetLike, *, goes_on: bool, reset: bool, single: bool
    ) -> tuple[Any, Any]:
        sequences = self._sequences(X, reset=reset)
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        return sequences, self._targets_of(sequences, y, "y", "X", goes_on=goes_on, single=single)

    def _targets_of(
        self, X: Sequences, y: Any, name: str, inputs: str, *, goes_on: bool, single: bool
    ) -> Any:
        """Return the targets of a fit, of sequences or in the form of sequences."""
        raise NotImplementedError

    def _known_targets(self, X: Sequences, y: Any, name: str, inputs: str) -> Any:
        """Return targets of other sequences than those of the fit."""
        raise NotImplementedError

    def _validation_rows(self, X: Any, y: Any, dtype: Any) -> tuple[Any, Any]:
        sequences = self._sequences(X, reset=False, dtype=dtype, name="X_val")
        return sequences, self._known_targets(sequences, y, "y_val", "X_val")

    @staticmethod
    def _check_length(y: Any, X: Sequences, name: str, inputs: str) -> None:
        if len(y) != len(X):
            raise ValueError(
                f"{name} must have a target for each of the {len(X)} sequences of {inputs}, got {len(y)}."
            )

    def _form(self, X: Any, Y: Any) -> tuple[int, int, np.dtype[Any]]:
        n_outputs = n_features(Y) if self._gives_every() else int(Y.shape[1])
        return n_features(X), n_outputs, X[0].dtype

    def _as_rows(self, values: Any) -> Array:
        if not self._gives_every():
            rows: Array = values
            return rows
        if isinstance(values, list):
            return flat([part[self.washout :] for part in values])
        return flat(values[:, self.washout :])

    def _weights_as_rows(self, samples: Samples) -> Array | None:
        weight = samples.sample_weight
        if weight is None or not self._gives_every():
            return weight  # type: ignore[no-any-return]
        return self._as_rows(weights_of_steps(weight, samples.X))

    def _checked_weight(self, sample_weight: ArrayLike, X: Any) -> Any:
        return checked_weights(sample_weight, X, of_steps=self._gives_every())

    def _core_targets(self, Y: Any, dtype: np.dtype[Any]) -> Any:
        targets = super()._core_targets
        return mapped(lambda part: targets(part, dtype), Y)

    def _hint(self, samples: Samples) -> str:
        return super()._hint(Samples(flat(samples.X), self._as_rows(samples.Y), None))

    # ---- the network ---------------------------------------------------------------------------------------

    def _hidden_activation(self) -> Any:
        if self.activation is None:
            return "tanh"
        if self.cell != "rnn":
            raise ValueError(
                f"activation is for cell='rnn': the gates of {self.cell!r} have functions of their own, got "
                f"{self.activation!r}."
            )
        return super()._hidden_activation()

    def _new_network(
        self, layer_sizes: list[int], activation: Any, output: Any, dtype: Any, seed: int = 0
    ) -> RecurrentNetwork[Any]:
        settings: dict[str, Any] = {}
        if self.cell == "rnn":
            settings["activation"] = list(activation) if isinstance(activation, tuple) else activation
        return RecurrentNetwork(
            layer_sizes,
            cell=self.cell,
            returns=self.returns,
            output_activation=output,
            recurrent_init=self.recurrent_init,
            dtype=dtype,
            seed=seed,
            **settings,
        )

    def _first_layers(
        self,
        layer_sizes: list[int],
        activation: Any,
        output: Any,
        dtype: np.dtype[Any],
        rng: np.random.RandomState,
    ) -> dict[str, Any]:
        if len(layer_sizes) < 3:
            raise ValueError(
                "hidden_layer_sizes must have a layer at least, for it is hidden layers that recur."
            )
        network = self._new_network(layer_sizes, activation, output, dtype, int(rng.randint(1 << 31)))
        return self._attributes_of(network, output)

    def _earlier_layers(self, layer_sizes: list[int], output: Any) -> dict[str, Any]:
        network = self.network_
        check_continues(list(network.layer_sizes), layer_sizes)
        if (network.cell, network.returns) != (self.cell, self.returns):
            raise ValueError(
                "warm_start and partial_fit can only continue with the cell and the returns of the previous "
                f"call, {network.cell!r} and {network.returns!r}, got {self.cell!r} and {self.returns!r}."
            )
        return self._attributes_of(network, output)

    def _network_to_train(
        self, layers: dict[str, Any], activation: Any, output: Any, *, in_float64: bool
    ) -> Any:
        network = layers["network_"]
        dtype = np.dtype(np.float64 if in_float64 else network.dtype)
        return self._with_dtype(network, activation, output, dtype)

    def _with_dtype(self, network: Any, activation: Any, output: Any, dtype: Any) -> RecurrentNetwork[Any]:
        """Return a copy of a network, with the present activations."""
        copy = self._new_network(list(network.layer_sizes), activation, output, dtype)
        copy.set_parameter_vector(network.parameter_vector.astype(dtype, copy=False))
        return copy

    def _layers_of(self, network: Any, output: Any, dtype: Any = None) -> dict[str, Any]:
        dtype = network.dtype if dtype is None else dtype
        return self._attributes_of(
            self._with_dtype(network, self._hidden_activation(), output, dtype), output
        )

    @staticmethod
    def _attributes_of(network: RecurrentNetwork[Any], output: Any) -> dict[str, Any]:
        sizes = list(network.layer_sizes)
        return {
            "network_": network,
            "n_outputs_": sizes[-1],
            "n_layers_": len(sizes),
            "out_activation_": output,
        }

    @staticmethod
    def _are_finite(layers: dict[str, Any]) -> bool:
        return bool(np.isfinite(layers["network_"].parameter_vector).all())

    def _in_time(self) -> dict[str, Any]:
        if self.washout and not self._gives_every():
            raise ValueError(
                f"washout is for returns='every', got washout={self.washout} with returns='last'."
            )
        return {"truncate": self.truncate, "washout": self.washout}

    def _batch_size(self, n_rows: int) -> int:
        return min(32, n_rows) if isinstance(self.batch_size, str) else super()._batch_size(n_rows)

    def _score_on(self, samples: Samples, output: Any) -> Callable[[Network], float] | None:
        if self._gives_every() and isinstance(self.scoring, str) and self.scoring != "loss":
            raise ValueError(
                "scoring must be None, 'loss' or a function of estimator, X and y with returns='every', "
                f"because scikit-learn's scores are of rows, got {self.scoring!r}."
            )
        return super()._score_on(samples, output)

    # ---- predictions ---------------------------------------------------------------------------------------

    def _keep(self, network: Any) -> None:
        """Do nothing: the network is a fitted attribute."""

    def _network(self) -> Any:
        return self.network_

    def _outputs(self, X: Any) -> Array:
        """Return the outputs as rows: of sequences, or of all steps one after the other."""
        self = self._as_it_is()
        check_is_fitted(self)
        outputs = self.network_.predict(self._checked_rows(X), n_threads=self._n_threads())
        return flat(outputs) if self.network_.returns == "every" else outputs

    def _in_the_form_of(self, X: Any, rows: Array) -> Any:
        """Return predictions, of sequences or step by step in the form of the inputs."""
        return grouped(rows, self._checked_rows(X)) if self.network_.returns == "every" else rows

    def _weight_gradients(
        self, network: Any, X: Any, y: TargetLike, sample_weight: ArrayLike | None
    ) -> list[Array]:
        sequences = self._checked_rows(X)
        Y = self._known_targets(sequences, y, "y", "X")
        weight = None if sample_weight is None else self._checked_weight(sample_weight, sequences)
        _, gradients = network.loss_and_gradients(
            sequences,
            self._core_targets(Y, network.dtype),
            loss=self._core_loss(),
            sample_weight=self._class_weights(Y, weight),
            n_threads=self._n_threads(),
            **self._in_time(),
        )
        return list(gradients["weights"])

    # ---- what recurrent networks have not ------------------------------------------------------------------

    def transform(self, X: Any, layer: int = -1) -> Array:
        """Raise: the states of hidden layers change from step to step.

        Parameters
        ----------
        X : array-like
            Whatever it is.
        layer : int, default=-1
            Whatever it is.

        Raises
        ------
        AttributeError
            Always.
        """
        raise AttributeError(
            f"{type(self).__name__} has no transform; states are what network_.predict(X, return_state=True) "
            "returns."
        )

    def predict_gradient(self, X: Any) -> Array:
        """Raise: there is no derivative with respect to the inputs.

        Parameters
        ----------
        X : array-like
            Whatever it is.

        Raises
        ------
        AttributeError
            Always.
        """
        raise AttributeError(f"{type(self).__name__} has no predict_gradient.")

    def to_sklearn(self) -> Any:
        """Raise: scikit-learn has no recurrent networks.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError("scikit-learn has no recurrent networks.")

    @classmethod
    def from_sklearn(cls, estimator: Any) -> Any:
        """Raise: scikit-learn has no recurrent networks.

        Parameters
        ----------
        estimator : object
            Whatever it is.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError("scikit-learn has no recurrent networks.")

    # ---- pickle, tags --------------------------------------------------------------------------------------

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the estimator, if its state is possible."""
        if "network_" in state and not isinstance(state["network_"], RecurrentNetwork):
            raise TypeError(f"network_ must be a RecurrentNetwork, got {type(state['network_']).__name__}.")
        super().__setstate__(state)

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a network."""
        return "network_" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        """Return the tags of an estimator of sequences: arrays of three dimensions."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.sparse = False
        return tags


class RNNClassifier(_ThroughTime, MLPClassifier):
    """Recurrent network that classifies sequences, or each step of them.

    Hidden layers recur: at each step of time they see the inputs and their own state of the step before
    [1]_. The gradient goes back through all steps (backpropagation through time [2]_).

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of shape (n_layers - 2,), default=(32,)
        Number of units of each hidden layer, one at least.
    cell : {'lstm', 'gru', 'rnn'}, default='lstm'
        What a hidden unit is: long short-term memory with a forget gate [3]_ [4]_, a gated recurrent unit
        [5]_, or a plain unit, whose gradients vanish or explode over many steps [6]_.
    activation : str, object or sequence of them, default=None
        Of the units of ``cell='rnn'``, one or one for each layer; None is 'tanh'. Not for the others.
    returns : {'last', 'every'}, default='last'
        Whether a sequence has one label, which is known after its last step, or a label at every step.
    recurrent_init : {'orthogonal', 'identity', 'glorot', 'torch', 'zeros', 'uniform'}, default='orthogonal'
        Initial weights from states to states, as for `RecurrentNetwork`.
    solver : str or optimizer, default='adam'
        As for `MLPClassifier`. 'rprop' needs no learning rate, and a gradient that explodes does it no harm,
        because it looks at signs only.
    batch_size : int or 'auto', default='auto'
        Sequences in a mini-batch. 'auto' is ``min(32, n_sequences)``.
    learning_rate_init : float, default=0.01
        The initial learning rate of 'sgd' and 'adam'.
    clip_norm : float, default=1.0
        The most that the norm of a gradient may be; longer ones are shortened [6]_. None is no limit. Not
        used by 'lbfgs'.
    truncate : int, default=None
        Number of steps that gradients go back at most; None is all.
    washout : int, default=0
        Number of steps at the beginning of each sequence that have no loss and no score, because the state
        has still to find its way; only with ``returns='every'``.
    alpha, learning_rate, power_t, max_iter, shuffle, random_state, tol, verbose, warm_start, ... : optional
        As for `MLPClassifier`, which lists them, with sequences in the place of rows. `scoring` by name is
        for ``returns='last'``.

    Attributes
    ----------
    network_ : RecurrentNetwork
        The network. It goes on where it stopped with ``network_.predict(X, state=state, return_state=True)``.
    classes_ : ndarray of shape (n_classes,)
        The labels.
    coefs_, recurrent_coefs_, intercepts_ : list
        Copies of the network's parameters, layer by layer. The output layer has no recurrent ones.
    n_features_in_ : int
        Number of features of a step.
    loss_, loss_curve_, n_iter_, ... :
        As those of `MLPClassifier`.

    See Also
    --------
    RNNRegressor : The same for numbers.
    RecurrentNetwork : The network itself, without scikit-learn.
    lagged : Earlier steps as columns of a table, for networks without recurrence.

    Notes
    -----
    Sequences are an array of shape (n_sequences, n_steps, n_features) or, of any lengths, a list of arrays of
    shape (n_steps, n_features). With ``returns='every'`` labels, predictions and weights of steps have the
    same form without the axis of features. Data of type float32 are trained in float32, everything else in
    float64. The prediction of a sequence does not depend on the others.

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990.
    .. [2] P. J. Werbos, "Backpropagation through time: what it does and how to do it", Proceedings of the
       IEEE 78, 1990.
    .. [3] S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997.
    .. [4] F. A. Gers, J. Schmidhuber, F. Cummins, "Learning to forget: continual prediction with LSTM",
       Neural Computation 12(10), 2000.
    .. [5] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
       translation", EMNLP 2014.
    .. [6] R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks",
       ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from ferroprop import RNNClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(rng.integers(5, 15), 1)) for _ in range(200)]  # of any length
    >>> y = np.where([series.sum() > 0 for series in X], "up", "down")
    >>> rnn = RNNClassifier((8,), cell="gru", solver="rprop", max_iter=60, random_state=0)
    >>> rnn.fit(X[:150], y[:150]).score(X[150:], y[150:]) > 0.85
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **MLPClassifier._parameter_constraints,
        **_CONSTRAINTS,
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (32,),
        cell: str = "lstm",
        *,
        activation: Activation | Sequence[Activation] | None = None,
        returns: str = "last",
        recurrent_init: str = "orthogonal",
        solver: str | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: LearningRateSchedule = "constant",
        learning_rate_init: float = 0.01,
        power_t: float = 0.5,
        clip_norm: float | None = 1.0,
        truncate: int | None = None,
        washout: int = 0,
        max_iter: int = 200,
        shuffle: bool | Literal["blocks"] | BlockShuffle = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: str | Loss | Callable[..., Any] = "log_loss",
        class_weight: dict[Any, float] | list[dict[Any, float]] | str | None = None,
        label_smoothing: float = 0.0,
        dropout: float | Sequence[float] = 0.0,
        output_activation: Activation | None = None,
        scoring: str | Callable[..., float] | None = None,
        restore_best: bool | None = None,
        callback: Callable[[Epoch], Any] | None = None,
        max_time: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int = 10,
        n_jobs: int | None = None,
    ) -> None:
        BaseMLP.__init__(self, **{name: value for name, value in locals().items() if name != "self"})

    # ---- targets -------------------------------------------------------------------------------------------

    def _targets_of(
        self, X: Sequences, y: Any, name: str, inputs: str, *, goes_on: bool, single: bool
    ) -> Any:
        if self._gives_every():
            steps = aligned(y, X, name, inputs)
            return grouped(self._indicators(self._of_steps(steps), goes_on=goes_on, single=single), steps)
        y = np.asarray(labels(y))
        self._check_length(y, X, name, inputs)
        return self._indicators(y, goes_on=goes_on, single=single)

    def _known_targets(self, X: Sequences, y: Any, name: str, inputs: str) -> Any:
        if self._gives_every():
            steps = aligned(y, X, name, inputs)
            return grouped(self._targets(self._of_steps(steps)), steps)
        self._check_length(y, X, name, inputs)
        return self._targets(y)

    @staticmethod
    def _of_steps(y: Any) -> Array:
        rows = flat(y)
        if rows.ndim != 1:
            raise ValueError(
                f"y must have one label for each step (returns='every'), got shape {y[0].shape} for a "
                "sequence."
            )
        listed: Array = np.asarray(labels(rows))
        return listed

    def _expect_classes(self, y: TargetLike, classes: ArrayLike | None) -> None:
        if self._gives_every() and y is not None:
            y = np.concatenate([np.asarray(part).reshape(-1) for part in parts_of(y)])
        super()._expect_classes(y, classes)

    def _labels(self, Y: Any) -> Any:
        if isinstance(Y, list) or Y.ndim == 3:  # of steps
            return grouped(super()._labels(flat(Y)), Y)
        return super()._labels(Y)

    def _class_weights(self, Y: Any, sample_weight: Any) -> Any:
        if self.class_weight is None or not self._gives_every():
            return super()._class_weights(Y, sample_weight)
        weight = None if sample_weight is None else flat(weights_of_steps(sample_weight, Y))
        of_rows = super()._class_weights(flat(Y), weight)
        return None if of_rows is None else grouped(of_rows, Y)

    def _is_stratified(self, Y: Any) -> bool:
        return not self._gives_every() and super()._is_stratified(Y)

    # ---- predictions ---------------------------------------------------------------------------------------

    def predict(self, X: Any) -> Any:  # type: ignore[override]
        """Predict the classes of sequences, or of their steps.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), or list of (n_steps, n_features)
            The sequences.

        Returns
        -------
        y : ndarray of shape (n_sequences,), (n_sequences, n_steps), or list of (n_steps,)
            The predicted classes; with ``returns='every'`` an array if X is one, else a list.
        """
        self = self._as_it_is()
        return self._in_the_form_of(X, super().predict(X))

    @available_when(_has_decisions)
    def decision_function(self, X: Any) -> Any:
        """Return the signed margins of the classes; only with a hinge loss.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), or list of (n_steps, n_features)
            The sequences.

        Returns
        -------
        scores : ndarray or list
            As `predict`, with an axis of classes behind the others if there are more than two.
        """
        self = self._as_it_is()
        return self._in_the_form_of(X, super().decision_function(X))

    @available_when(_has_probabilities)
    def predict_proba(self, X: Any) -> Any:  # type: ignore[override]
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), or list of (n_steps, n_features)
            The sequences.

        Returns
        -------
        y_prob : ndarray of shape (n_sequences, n_classes), (n_sequences, n_steps, n_classes), or list
            The probability of each class, in the order of ``classes_``; with ``returns='every'`` step by
            step, an array if X is one, else a list.
        """
        self = self._as_it_is()
        return self._in_the_form_of(X, super().predict_proba(X))

    @available_when(_has_probabilities)
    def predict_log_proba(self, X: Any) -> Any:  # type: ignore[override]
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), or list of (n_steps, n_features)
            The sequences.

        Returns
        -------
        log_y_prob : ndarray or list
            The logarithm of `predict_proba`.
        """
        return mapped(np.log, self.predict_proba(X))

    def score(self, X: Any, y: TargetLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), or list of (n_steps, n_features)
            The sequences.
        y : array-like of shape (n_sequences,), (n_sequences, n_steps), or list of (n_steps,)
            The true labels.
        sample_weight : array-like, default=None
            Weights of sequences or, with ``returns='every'``, of steps.

        Returns
        -------
        score : float
            The share of sequences, or of steps after the washout, that are right.
        """
        self = self._as_it_is()
        check_is_fitted(self)
        sequences = self._checked_rows(X)
        predicted = self.predict(sequences)
        weight = None if sample_weight is None else self._checked_weight(sample_weight, sequences)
        if self._gives_every():
            y = grouped(self._of_steps(aligned(y, sequences, "y", "X")), sequences)
            weight = self._weights_as_rows(Samples(sequences, None, weight))
        else:
            y = labels(y)
            self._check_length(y, sequences, "y", "X")
        return float(accuracy_score(self._as_rows(y), self._as_rows(predicted), sample_weight=weight))


class RNNRegressor(_ThroughTime, MLPRegressor):
    """Recurrent network that predicts numbers from sequences, one set for each or one at every step.

    Hidden layers recur: at each step of time they see the inputs and their own state of the step before.
    The gradient goes back through all steps (backpropagation through time).

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of shape (n_layers - 2,), default=(32,)
        Number of units of each hidden layer, one at least.
    cell : {'lstm', 'gru', 'rnn'}, default='lstm'
        What a hidden unit is, as for `RNNClassifier`.
    activation : str, object or sequence of them, default=None
        Of the units of ``cell='rnn'``, one or one for each layer; None is 'tanh'. Not for the others.
    returns : {'last', 'every'}, default='last'
        Whether a sequence has targets after its last step, or at every step.
    recurrent_init, solver, batch_size, learning_rate_init, clip_norm, truncate, washout : optional
        As for `RNNClassifier`.
    loss, quantile, alpha, max_iter, random_state, tol, early_stopping, ... : optional
        As for `MLPRegressor`, which lists them, with sequences in the place of rows. `scoring` by name is for
        ``returns='last'``.

    Attributes
    ----------
    network_ : RecurrentNetwork
        The network. It goes on where it stopped with ``network_.predict(X, state=state, return_state=True)``.
    coefs_, recurrent_coefs_, intercepts_ : list
        Copies of the network's parameters, layer by layer. The output layer has no recurrent ones.
    n_features_in_ : int
        Number of features of a step.
    loss_, loss_curve_, n_iter_, ... :
        As those of `MLPRegressor`.

    See Also
    --------
    RNNClassifier : The same for labels.
    RecurrentNetwork : The network itself, without scikit-learn.
    lagged : Earlier steps as columns of a table, for networks without recurrence.

    Notes
    -----
    Sequences are an array of shape (n_sequences, n_steps, n_features) or, of any lengths, a list of arrays of
    shape (n_steps, n_features). With ``returns='every'`` targets, predictions and weights of steps have the
    same form; with one output the axis of outputs is left out.

    References
    ----------
    P. J. Werbos, "Backpropagation through time: what it does and how to do it", Proceedings of the IEEE 78,
    1990. `RNNClassifier` has those of the cells.

    Examples
    --------
    >>> import numpy as np
    >>> from ferroprop import RNNRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(size=(60, 20, 1))
    >>> Y = X[:, :, 0].cumsum(axis=1) / np.arange(1, 21)  # at every step the mean so far
    >>> rnn = RNNRegressor((8,), cell="gru", returns="every", solver="lbfgs", random_state=0)
    >>> rnn.fit(X[:40], Y[:40]).score(X[40:], Y[40:]) > 0.9
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **MLPRegressor._parameter_constraints,
        **_CONSTRAINTS,
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (32,),
        cell: str = "lstm",
        *,
        activation: Activation | Sequence[Activation] | None = None,
        returns: str = "last",
        recurrent_init: str = "orthogonal",
        loss: str | Loss | Callable[..., Any] = "squared_error",
        solver: str | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: LearningRateSchedule = "constant",
        learning_rate_init: float = 0.01,
        power_t: float = 0.5,
        clip_norm: float | None = 1.0,
        truncate: int | None = None,
        washout: int = 0,
        max_iter: int = 200,
        shuffle: bool | Literal["blocks"] | BlockShuffle = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        quantile: float = 0.5,
        dropout: float | Sequence[float] = 0.0,
        output_activation: Activation | None = None,
        scoring: str | Callable[..., float] | None = None,
        restore_best: bool | None = None,
        callback: Callable[[Epoch], Any] | None = None,
        max_time: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int = 10,
        n_jobs: int | None = None,
    ) -> None:
        BaseMLP.__init__(self, **{name: value for name, value in locals().items() if name != "self"})

    def _targets_of(
        self, X: Sequences, y: Any, name: str, inputs: str, *, goes_on: bool, single: bool
    ) -> Any:
        return self._known_targets(X, y, name, inputs)

    def _known_targets(self, X: Sequences, y: Any, name: str, inputs: str) -> Any:
        if self._gives_every():
            steps = aligned(y, X, name, inputs)
            return grouped(self._numbers(flat(steps), name), steps)
        Y = self._numbers(y, name)
        self._check_length(Y, X, name, inputs)
        return Y

    @staticmethod
    def _numbers(y: Any, name: str) -> Array:
        refuse_other_than_numbers(y, name)
        Y: Array = check_array(y, ensure_2d=False, dtype="numeric", input_name=name)
        return Y.reshape(-1, 1) if Y.ndim == 1 else Y

    def _labels(self, Y: Any) -> Any:
        if self._gives_every():
            return mapped(lambda part: part[..., 0] if part.shape[-1] == 1 else part, Y)
        return super()._labels(Y)

    def predict(self, X: Any) -> Any:  # type: ignore[override]
        """Predict the targets of sequences, or of their steps.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), or list of (n_steps, n_features)
            The sequences.

        Returns
        -------
        y : ndarray of shape (n_sequences,) or (n_sequences, n_outputs), or step by step
            The predicted values. With ``returns='every'`` there is an axis of steps behind that of sequences
            if X is an array; if it is a list, so is y.
        """
        self = self._as_it_is()
        return self._in_the_form_of(X, super().predict(X))

    def score(self, X: Any, y: TargetLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the coefficient of determination, averaged over the outputs.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), or list of (n_steps, n_features)
            The sequences.
        y : array-like of shape (n_sequences,) or (n_sequences, n_outputs), or step by step
            The targets.
        sample_weight : array-like, default=None
            Weights of sequences or, with ``returns='every'``, of steps.

        Returns
        -------
        score : float
            R^2 of the predictions of sequences, or of steps after the washout; 1 is best.
        """
        self = self._as_it_is()
        check_is_fitted(self)
        sequences = self._checked_rows(X)
        Y = self._known_targets(sequences, y, "y", "X")
        outputs = self.network_.predict(sequences, n_threads=self._n_threads())
        weight = None if sample_weight is None else self._checked_weight(sample_weight, sequences)
        rows_weight = self._weights_as_rows(Samples(sequences, None, weight))
        return r2(self._as_rows(Y), self._as_rows(outputs), rows_weight)
