"""`MLPRegressor`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike

from ferroprop._core import BlockShuffle, Epoch, Loss, Optimizer, Quantile
from ferroprop.catalogue import LOSSES
from ferroprop.estimators._base import BaseMLP, has_partial_fit
from ferroprop.estimators._input_checks import checked_data
from ferroprop.estimators._plan import Outcome, Plan
from ferroprop.estimators._samples import Samples
from ferroprop.estimators._scale import hint_about_targets
from ferroprop.estimators._scores import least_explained_variance, r2
from ferroprop.estimators._sklearn import (
    ConvergenceWarning,
    Interval,
    RegressorMixin,
    SklearnMLPRegressor,
    StrOptions,
    available_when,
    check_array,
    column_or_1d,
    with_checked_parameters,
)
from ferroprop.estimators._targets import refuse_other_than_numbers
from ferroprop.estimators._typing import Activation, Array, LearningRateSchedule, MatrixLike, TargetLike

# loss: activation of the output layer, the only one that goes with the loss, or identity. Losses of classes
# go with others.
_LOSSES = {
    name: entry.outputs[0] if entry.outputs else "identity"
    for name, entry in LOSSES.items()
    if entry.targets in {"any numbers", "numbers from 0 on"}
}
_LOSS_CLASSES = [LOSSES[name].cls for name in _LOSSES if LOSSES[name].cls is not None]


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """Multi-layer perceptron regressor.

    It takes the place of `sklearn.neural_network.MLPRegressor`: the same parameters, attributes, random draws
    and results, trained by ferroprop's core, and more parameters at the end. The squared error is minimised
    by backpropagation [1]_ from weights drawn after [2]_.

    Parameters
    ----------
    loss : str, object or callable, default='squared_error'
        The loss to minimise; with a an output and t its target:

        - 'squared_error': (a - t)**2 / 2.
        - 'poisson': half the Poisson deviance, t log(t / a) - t + a, for targets from 0 on, with outputs
          exp(net input).
        - 'absolute_error': abs(a - t).
        - 'huber': squared up to a distance of 1, from there on straight; ``ferroprop.Huber(delta)`` has
          another distance.
        - 'quantile': q (t - a) where that is positive, else (1 - q) (a - t), with q the parameter `quantile`.
        - a function ``f(outputs, targets)`` of two arrays of shape (rows, n_outputs) that returns the loss of
          each row, of shape (rows,), and its derivatives by the outputs, of shape (rows, n_outputs). It must
          treat each row by itself.
    hidden_layer_sizes : int or array-like of shape (n_layers - 2,), default=(100,)
        Number of units of each hidden layer.
    activation : str, object or sequence of them, default='relu'
        Activation function of the hidden layers, or a sequence with that of each.

        - 'identity': f(x) = x, useful for a linear bottleneck.
        - 'logistic': the sigmoid, f(x) = 1 / (1 + exp(-x)); ``ferroprop.Logistic(slope)`` has another slope.
        - 'tanh': the hyperbolic tangent, f(x) = tanh(x).
        - 'relu': the rectified linear unit, f(x) = max(0, x).
        - the other names of `ferroprop.ACTIVATIONS`, such as 'gelu' and 'leaky_relu', and objects, such as
          ``ferroprop.LeakyReLU(0.2)``.
    solver : str or optimizer, default='adam'
        How the weights are optimised.

        - 'lbfgs': L-BFGS, a quasi-Newton method on all rows. It computes in float64; for float32 data the
          weights are rounded at the end. 'lbfgs-scipy' leaves the search to SciPy's L-BFGS-B: the same course
          up to rounding, in more time.
        - 'sgd': stochastic gradient descent with momentum.
        - 'adam': stochastic gradient descent with adaptive moments [3]_.
        - 'adamw': 'adam' with `alpha` as a decay of the weights that is independent of the gradient, and so
          of batch size and number of rows: each step multiplies them by ``1 - learning_rate_init * alpha``.
          There is no penalty in the loss.
        - 'rprop': resilient propagation, iRPROP+ [4]_ [5]_, on all rows in every step. It follows the signs
          of the gradient with a step size of its own for each weight, so there is no learning rate to choose:
          the parameters of learning rate, momentum, batches and shuffling are ignored. Its variants go by
          'rprop+', 'rprop-', 'irprop+' (which is 'rprop'), 'irprop-', 'grprop' and 'sarprop' (with
          ``noise=0.003, temperature=0.05``, and `random_state` for its seed).
        - the other names of `ferroprop.OPTIMIZERS`.
        - an optimizer, such as ``ferroprop.Rprop(max_step=1.0)``: the same rules with hyperparameters of
          one's own, in place of the estimator's parameters. The object itself is not changed.
    alpha : float, default=0.0001
        Strength of the L2 penalty on the weights (not the biases). The penalty ``0.5 * alpha * ||W||**2`` is
        divided by the sum of the sample weights, like the loss.
    batch_size : int or 'auto', default='auto'
        Rows in a mini-batch of 'sgd' and 'adam'. 'auto' is ``min(200, n_samples)``.
    learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
        Schedule of the learning rate. Only used when ``solver='sgd'``.

        - 'constant': always `learning_rate_init`.
        - 'invscaling': ``learning_rate_init / (t + 1) ** power_t``, set after each epoch, with t the number
          of rows seen.
        - 'adaptive': `learning_rate_init` while the training loss (with `early_stopping` the validation
          score) improves by `tol`; divided by 5 whenever it has not done so for more than `n_iter_no_change`
          epochs. Training stops when the rate was already at most 1e-6.
    learning_rate_init : float, default=0.001
        The initial learning rate of 'sgd' and 'adam'.
    power_t : float, default=0.5
        The exponent of 'invscaling'.
    max_iter : int, default=200
        Maximum number of epochs, for 'lbfgs' of iterations.
    shuffle : bool, 'blocks' or BlockShuffle, default=True
        Whether 'sgd' and 'adam' shuffle the rows before each epoch. 'blocks', or a `BlockShuffle` of other
        sizes, draws orders that read the rows in long runs, for rows on disk; the rows that early stopping
        holds out are then the same as else, and the rows of either part come in the order of the data.
    random_state : int, RandomState instance, default=None
        Draws the initial weights and biases, the validation set of early stopping and the shuffles, all of
        them exactly as scikit-learn does. Pass an int for reproducible results across calls.
    tol : float, default=1e-4
        An epoch is an improvement if the loss falls, or the validation score rises, by at least `tol`. For
        'lbfgs' the tolerance on the gradient.
    verbose : bool or int, default=False
        Whether to show the progress of a fit: as a bar in a terminal or notebook, elsewhere and with 2 or
        more as scikit-learn's lines, one or two an epoch.
    warm_start : bool, default=False
        Whether ``fit`` starts from the weights of the previous ``fit``. The state of the optimizer (momentum,
        moments, step sizes) is kept as well.
    momentum : float, default=0.9
        Momentum of 'sgd', between 0 and 1.
    nesterovs_momentum : bool, default=True
        Whether the momentum of 'sgd' is Nesterov's.
    early_stopping : bool, default=False
        Whether to hold out a validation set, to stop when the R^2 on it has not improved by `tol` for more
        than `n_iter_no_change` epochs, and to return to the weights of the best epoch. Without it training
        stops when the training loss stalls in the same sense.
        See also `scoring`, and ``X_val`` in ``fit``. Not used by 'lbfgs'.
    validation_fraction : float, default=0.1
        Share of the training data held out by early stopping.
    beta_1 : float, default=0.9
        Decay rate of the first moment of 'adam', in [0, 1).
    beta_2 : float, default=0.999
        Decay rate of the second moment of 'adam', in [0, 1).
    epsilon : float, default=1e-8
        Added to the root of the second moment of 'adam'.
    n_iter_no_change : int or inf, default=10
        Number of epochs in a row without improvement that are tolerated. Not used by 'lbfgs'.
    max_fun : int, default=15000
        Maximum number of evaluations of the loss by 'lbfgs'.
    quantile : float, default=0.5
        The quantile that ``loss='quantile'`` predicts, between 0 and 1.
    dropout : float or sequence of float, default=0.0
        Chance that a step of training leaves out a unit of a hidden layer, in [0, 1): one for all layers or
        one for each. Predictions use all units; ``loss_`` is that of training. Not with 'lbfgs'.
    output_activation : str or object, default=None
        Activation of the output layer, one of those for `activation` or 'softmax'. None is the one that
        belongs to the loss.
    scoring : str or callable, default=None
        What early stopping watches on the validation set: None is R^2, 'loss' the loss, and else one of
        scikit-learn's scorers, by name or as a callable ``(estimator, X, y)``.
    restore_best : bool, default=None
        Whether a fit ends with the weights of its best epoch: the one with the best score, or else the least
        loss. None is the value of `early_stopping`.
    callback : callable, default=None
        Called after each epoch with an `Epoch`, which has among others ``epoch``, ``loss`` and
        ``network``; if it returns True the fit ends. See ``set_callbacks`` for scikit-learn's own callbacks.
    max_time : float, default=None
        Maximum time of a fit, in seconds; looked at after each epoch. None is no limit.
    checkpoint : str or path-like, default=None
        A file to save a fit in, after every `checkpoint_every` epochs and when it ends. If the file is there,
        ``fit`` goes on from it and ends in the same bits as if it had never stopped: call it again with the
        same data and parameters. `max_iter`, `n_iter_no_change`, `max_time` and `n_jobs` may change. A fit
        that was done is not done again; a file of another fit is an error. If `random_state` is not an int,
        the generator is set back to where the fit began. Not with 'lbfgs' or `warm_start`, nor in a search
        or cross-validation, where many fits would share the file; ``partial_fit`` does not use it.
    checkpoint_every : int, default=10
        Number of epochs from one save to the next.
    n_jobs : int, default=None
        Number of threads. None lets the core decide by the size of the work and the cores that CPU affinity,
        OMP_NUM_THREADS and joblib leave; -1 is all of them. Within a job of joblib an estimator never takes
        more than its share. The results do not depend on it.

    Attributes
    ----------
    loss_ : float
        The loss of the last epoch, penalty included. With several outputs their
        mean, as in scikit-learn.
    best_loss_ : float or None
        The smallest loss of an epoch; None with ``early_stopping=True``. Not set by 'lbfgs'.
    loss_curve_ : list of float, of length n_iter_
        The loss of each epoch. Not set by 'lbfgs'.
    validation_scores_ : list of float, of length n_iter_, or None
        The R^2 on the validation set after each epoch; None without early stopping. Not set by 'lbfgs'.
    best_validation_score_ : float or None
        The largest of `validation_scores_`; None without early stopping. Not set by 'lbfgs'.
    validation_loss_curve_ : list of float, of length n_iter_, or None
        The loss on the validation set after each epoch, without the penalty; None without a validation set.
    t_ : int
        Number of training rows seen, repetitions included.
    coefs_ : list of ndarray of shape (n_units_of_layer_i, n_units_of_layer_i_plus_1)
        The weight matrix of each layer. Predictions use what is in these arrays, edited or not.
    intercepts_ : list of ndarray of shape (n_units_of_layer_i_plus_1,)
        The bias vector of each layer.
    n_features_in_ : int
        Number of features seen during :term:`fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features seen during :term:`fit`, if `X` has names that are all strings.
    n_iter_ : int
        Number of epochs of the last fit.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of outputs.
    out_activation_ : str
        Activation of the output layer.

    See Also
    --------
    MLPClassifier : Multi-layer perceptron classifier.
    Network : The network itself, without scikit-learn.

    Notes
    -----
    With 'sgd', 'adam' and 'lbfgs' and the same `random_state` the weights agree with scikit-learn's up to
    rounding. Data of type float32 are trained and predicted in float32, everything else in float64. Sparse
    matrices stay sparse into the first layer, with the results of the same numbers in a dense array.

    When the loss or the weights stop being finite, training ends there with a RuntimeWarning that names the
    epoch, and with the weights of the epoch before; in the first epoch with a ValueError.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating
       errors", Nature 323, 1986.
    .. [2] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
       AISTATS 2010.
    .. [3] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    .. [4] M. Riedmiller, H. Braun, "A direct adaptive method for faster backpropagation learning: the RPROP
       algorithm", IEEE International Conference on Neural Networks 1993.
    .. [5] C. Igel, M. Huesken, "Empirical evaluation of the improved Rprop learning algorithms",
       Neurocomputing 50, 2003.

    Examples
    --------
    >>> from ferroprop import MLPRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> mlp = MLPRegressor(hidden_layer_sizes=(10,), solver="rprop", early_stopping=True, random_state=0)
    >>> model = make_pipeline(StandardScaler(), mlp).fit(X_train, y_train)
    >>> model.predict(X_test).shape
    (111,)
    >>> model.score(X_test, y_test) > 0.3
    True
    """

    _sklearn_class: ClassVar[type] = SklearnMLPRegressor
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions(set(_LOSSES)), *_LOSS_CLASSES, callable],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        loss: str | Loss | Callable[..., Any] = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: Activation | Sequence[Activation] = "relu",
        *,
        solver: str | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: LearningRateSchedule = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
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
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            loss=loss,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
            quantile=quantile,
            dropout=dropout,
            output_activation=output_activation,
            scoring=scoring,
            restore_best=restore_best,
            callback=callback,
            max_time=max_time,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            n_jobs=n_jobs,
        )

    @available_when(has_partial_fit)
    @with_checked_parameters
    def partial_fit(self, X: MatrixLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> Self:
        """Update the model with a single iteration over the given data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data. Of a sparse matrix only the elements that are not 0 take time and memory.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        self : object
            The trained estimator.
        """
        return self._fit(X, y, sample_weight, single=True)

    @overload
    def predict(
        self, X: MatrixLike, return_std: Literal[False] = False, *, samples: int | None = None, seed: int = 0
    ) -> Array: ...
    @overload
    def predict(
        self, X: MatrixLike, return_std: Literal[True], *, samples: int | None = None, seed: int = 0
    ) -> tuple[Array, Array]: ...
    def predict(
        self, X: MatrixLike, return_std: bool = False, *, samples: int | None = None, seed: int = 0
    ) -> Array | tuple[Array, Array]:
        """Predict the targets of `X`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        return_std : bool, default=False
            Whether the standard deviation over the samples is returned too; then None in `samples` is 100.
        samples : int or None, default=None
            How many times the outputs are computed, with units left out as `dropout` says (Monte Carlo
            dropout) and stochastic units drawn; the result is the mean. None is one pass with all units, in
            which stochastic ones give their probabilities.
        seed : int, default=0
            Names the random numbers of the samples; they are the same for every row.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predicted values.
        std : ndarray of the same shape, with `return_std`
            The spread of the samples, in units of the targets: what the network is unsure about, without the
            noise of the targets.

        Examples
        --------
        >>> from ferroprop import MLPRegressor
        >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0]
        >>> mlp = MLPRegressor(hidden_layer_sizes=50, dropout=0.2, max_iter=20, random_state=0).fit(X, y)
        >>> mean, std = mlp.predict([[1.0], [9.0]], return_std=True)
        >>> bool(std[1] > std[0])
        True
        """
        if not return_std and samples is None:
            outputs = self._outputs(X)
            return outputs.ravel() if outputs.shape[1] == 1 else outputs
        both = self._sampled_outputs(X, 100 if samples is None else samples, seed)
        mean, std = (array.ravel() if array.shape[1] == 1 else array for array in both)
        return (mean, std) if return_std else mean

    def _validate_input(
        self, X: MatrixLike, y: TargetLike, *, goes_on: bool, reset: bool, single: bool
    ) -> tuple[Array, Array]:
        refuse_other_than_numbers(y, "y")
        X, y = checked_data(self, X, y, reset=reset, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y.reshape(-1, 1) if y.ndim == 1 else y

    def _targets(self, y: TargetLike) -> Array:
        refuse_other_than_numbers(y, "y_val")
        Y: Array = check_array(y, ensure_2d=False, dtype="numeric", input_name="y_val")
        return Y.reshape(-1, 1) if Y.ndim == 1 else Y

    def _labels(self, Y: Array) -> Array:
        return Y.ravel() if Y.shape[1] == 1 else Y

    def _out_activation(self) -> str:
        return _LOSSES[self.loss] if isinstance(self.loss, str) else "identity"

    def _core_loss(self) -> Any:
        return (
            Quantile(self.quantile) if isinstance(self.loss, str) and self.loss == "quantile" else self.loss
        )

    def _validate_params(self) -> None:
        try:
            super()._validate_params()
        except ValueError as error:
            if not isinstance(self.loss, (list, tuple, np.ndarray, Integral)):
                raise
            raise type(error)(
                f"{error} The first parameter is loss, as in scikit-learn since 1.7: give sizes by name, "
                f"hidden_layer_sizes={self.loss!r}."
            ) from None

    def _hint(self, samples: Samples) -> str:
        return super()._hint(samples) + hint_about_targets(samples.targets)

    def _warn_about(self, plan: Plan, outcome: Outcome) -> None:
        """Warn if a fit that ended by itself explains little of targets far from unit size."""
        Y = self._as_rows(plan.samples.targets)
        hint = hint_about_targets(Y)
        if outcome.stop_reason not in ("patience", "converged") or not hint:
            return
        outputs = self._as_rows(plan.samples.outputs(outcome.network, plan.n_threads))
        explained = least_explained_variance(Y, outputs)
        if explained < 0.5:
            warnings.warn(
                "The fit ended because its loss improved no more, but it explains less than half of the "
                f"variance of the targets (explained variance {explained:.2g}).{hint}",
                ConvergenceWarning,
                stacklevel=2,
            )

    def _is_stratified(self, Y: Array) -> bool:
        return False

    def _score_outputs(self, Y: Array, outputs: Array, sample_weight: Array | None) -> float:
        return r2(Y, outputs, sample_weight)

    def _outputs_in_mean(self, n_outputs: int) -> int:
        # Of the squared error scikit-learn reports the mean over the outputs, and descends the gradient of
        # their sum; of the Poisson loss it reports the sum, too.
        return 1 if callable(self.loss) or self.loss == "poisson" else n_outputs
