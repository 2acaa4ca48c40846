"""`MLPClassifier`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike

from ferroprop._core import BlockShuffle, Epoch, LogLoss, Loss, Optimizer, _StandardArithmetic
from ferroprop.catalogue import LOSSES
from ferroprop.estimators import _label_encoding
from ferroprop.estimators._base import BaseMLP, has_partial_fit
from ferroprop.estimators._input_checks import checked_data
from ferroprop.estimators._samples import CheckedRows
from ferroprop.estimators._scores import accuracy, accuracy_of_largest
from ferroprop.estimators._sklearn import (
    ClassifierMixin,
    Interval,
    SklearnMLPClassifier,
    StrOptions,
    available_when,
    column_or_1d,
    compute_sample_weight,
    is_first_partial_fit,
    type_of_target,
    with_checked_parameters,
)
from ferroprop.estimators._targets import class_weights, labels
from ferroprop.estimators._typing import Activation, Array, LearningRateSchedule, MatrixLike, TargetLike

_HINGE = tuple(name for name, loss in LOSSES.items() if loss.targets == "-1 and 1")
_OF_PROBABILITIES = tuple(name for name, loss in LOSSES.items() if loss.targets == "numbers from 0 to 1")
_LOSS_CLASSES = [LOSSES[name].cls for name in _OF_PROBABILITIES if LOSSES[name].cls is not None]


def _has_probabilities(estimator: MLPClassifier) -> bool:
    if estimator._has_margins():
        raise AttributeError(f"probabilities are not available when loss={estimator.loss!r}")
    return True


def _has_decisions(estimator: MLPClassifier) -> bool:
    if not estimator._has_margins():
        raise AttributeError(f"decision_function is not available when loss={estimator.loss!r}")
    return True


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """Multi-layer perceptron classifier.

    It takes the place of `sklearn.neural_network.MLPClassifier`: the same parameters, attributes, random
    draws and results, trained by ferroprop's core, and more parameters at the end. The log-loss is minimised
    by backpropagation [1]_ from weights drawn after [2]_.

    Parameters
    ----------
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
        Whether to hold out a validation set, to stop when the accuracy on it has not improved by `tol` for
        more than `n_iter_no_change` epochs, and to return to the weights of the best epoch. The split keeps
        the proportions of two classes, as in scikit-learn. Without it training stops when the training loss
        stalls in the same sense. See also `scoring`, and ``X_val`` in ``fit``. Not used by 'lbfgs'.
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
    loss : str, object or callable, default='log_loss'
        The loss to minimise.

        - 'log_loss': the negative log-likelihood of the classes.
        - the other names of `ferroprop.LOSSES` whose targets are probabilities, and objects of their classes.
        - 'hinge', 'squared_hinge': of a support vector machine; with more than two classes, each against the
          rest. There are no probabilities then, but ``decision_function``.
        - a function ``f(outputs, targets)`` of two arrays of shape (rows, n_outputs), the probabilities and
          the targets 0 and 1, that returns the loss of each row, of shape (rows,), and its derivatives by the
          outputs, of shape (rows, n_outputs). It must treat each row by itself.
    class_weight : dict, list of dict or 'balanced', default=None
        Weights of the classes, which multiply the weights of their rows: a dict from class to weight (in
        multilabel classification a list with a dict an output); 'balanced' gives each class the same weight
        in all, ``n_samples / (n_classes * np.bincount(y))``. None is 1 for each.
    label_smoothing : float, default=0.0
        Share of each target of 'log_loss' that is spread over all classes, in [0, 1) [6]_: a target y becomes
        ``(1 - label_smoothing) * y + label_smoothing / n_classes``, with n_classes 2 for a single output and
        in multilabel classification.
    dropout : float or sequence of float, default=0.0
        Chance that a step of training leaves out a unit of a hidden layer, in [0, 1): one for all layers or
        one for each. Predictions use all units; ``loss_`` is that of training. Not with 'lbfgs'.
    output_activation : str or object, default=None
        Activation of the output layer, one of those for `activation` or 'softmax'. None is the one that
        belongs to the loss.
    scoring : str or callable, default=None
        What early stopping watches on the validation set: None is the accuracy, 'loss' the loss, and else one
        of scikit-learn's scorers, by name or as a callable ``(estimator, X, y)``.
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
    classes_ : ndarray of shape (n_classes,)
        The class labels; in multilabel classification the numbers of the outputs.
    loss_ : float
        The loss of the last epoch, penalty included.
    best_loss_ : float or None
        The smallest loss of an epoch; None with ``early_stopping=True``. Not set by 'lbfgs'.
    loss_curve_ : list of float, of length n_iter_
        The loss of each epoch. Not set by 'lbfgs'.
    validation_scores_ : list of float, of length n_iter_, or None
        The accuracy on the validation set after each epoch; None without early stopping. Not set by 'lbfgs'.
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
    MLPRegressor : Multi-layer perceptron regressor.
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
    .. [6] C. Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016.

    Examples
    --------
    >>> from ferroprop import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    >>> mlp = MLPClassifier(hidden_layer_sizes=(10,), solver="rprop", random_state=0)
    >>> model = make_pipeline(StandardScaler(), mlp).fit(X_train, y_train)
    >>> model.predict(X_test[:5])
    array([0, 0, 0, 0, 1])
    >>> model.score(X_test, y_test) > 0.9
    True
    >>> mlp.predict_proba([[5.0, 3.5, 1.3, 0.3]]).shape
    (1, 3)
    """

    _sklearn_class: ClassVar[type] = SklearnMLPClassifier
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions({*_OF_PROBABILITIES, *_HINGE}), *_LOSS_CLASSES, callable],
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
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
            loss=loss,
            class_weight=class_weight,
            label_smoothing=label_smoothing,
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
    def partial_fit(
        self,
        X: MatrixLike,
        y: TargetLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Update the model with a single iteration over the given data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data. Of a sparse matrix only the elements that are not 0 take time and memory.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.
        classes : array-like of shape (n_classes,), default=None
            Classes across all calls to partial_fit. Required in the first call and optional in the others;
            `y` need not contain all of them.

        Returns
        -------
        self : object
            The trained estimator.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit, which does not see all of y. Use "
                "sklearn.utils.class_weight.compute_class_weight('balanced', classes=classes, y=y) on a "
                "large enough sample, and pass the result as a dict."
            )
        return self._fit(X, y, sample_weight, classes=classes, single=True)

    def predict(self, X: MatrixLike, *, samples: int | None = None, seed: int = 0) -> Array:
        """Predict the classes of `X`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        samples : int or None, default=None
            How many times the probabilities are computed, with outputs left out as `dropout` says (Monte
            Carlo dropout) and stochastic units drawn; the result is that of their mean. None is one pass
            with all units, in which stochastic ones give their probabilities.
        seed : int, default=0
            Names the random numbers of the samples; they are the same for every row.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The predicted classes; in multilabel classification 1 for each label that applies.
        """
        self = self._as_it_is()
        outputs = self._between_0_and_1(self._mean_outputs(X, samples, seed))
        return _label_encoding.decoded(self._label_binarizer, outputs)

    @available_when(_has_decisions)
    def decision_function(self, X: MatrixLike) -> Array:
        """Return the signed margins of the classes; only with a hinge loss.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Positive for the second of two classes, else the greater the more likely a class.
        """
        outputs = self._outputs(X)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    @available_when(_has_probabilities)
    def predict_proba(self, X: MatrixLike, *, samples: int | None = None, seed: int = 0) -> Array:
        """Predict the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        samples : int or None, default=None
            How many times the probabilities are computed, with outputs left out as `dropout` says (Monte
            Carlo dropout) and stochastic units drawn; the result is their mean. None is one pass with all
            units, in which stochastic ones give their probabilities.
        seed : int, default=0
            Names the random numbers of the samples; they are the same for every row.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            The probability of each class, in the order of ``classes_``; in multilabel classification the
            probability that the label applies.
        """
        self = self._as_it_is()
        outputs = self._mean_outputs(X, samples, seed)
        if outputs.shape[1] > 1:
            return outputs
        if self._has_one_class():
            return np.ones_like(outputs)
        with _StandardArithmetic():
            return _label_encoding.of_both_classes(outputs)

    @available_when(_has_probabilities)
    def predict_log_proba(self, X: MatrixLike, *, samples: int | None = None, seed: int = 0) -> Array:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        samples, seed : int
            As for `predict_proba`.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes)
            The logarithm of `predict_proba`.
        """
        probabilities = self.predict_proba(X, samples=samples, seed=seed)
        return np.log(probabilities, out=probabilities)

    def _expect_classes(self, y: TargetLike, classes: ArrayLike | None) -> None:
        classes = None if classes is None else labels(classes)
        if is_first_partial_fit(self, classes):
            multilabel = type_of_target(labels(y)).startswith("multilabel")
            self._label_binarizer = _label_encoding.fitted(y if multilabel else classes)

    def _validate_input(
        self, X: MatrixLike, y: TargetLike, *, goes_on: bool, reset: bool, single: bool
    ) -> tuple[Any, Array]:
        X, y = checked_data(self, X, labels(y), reset=reset)
        if not isinstance(X, CheckedRows):
            return X, self._indicators(y, goes_on=goes_on, single=single)

        def of_the_first() -> tuple[Any, Array]:
            Y = self._indicators(y, goes_on=goes_on, single=single)
            return self._label_binarizer, Y

        binarizer, Y = X.once("labels", of_the_first)
        self._label_binarizer = _label_encoding.copied(binarizer)
        self.classes_ = self._label_binarizer.classes_
        return X, Y

    def _indicators(self, y: Array, *, goes_on: bool, single: bool) -> Array:
        """Return which classes the rows are of, and note which there are."""
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not goes_on:
            self._label_binarizer = _label_encoding.fitted(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(_label_encoding.distinct(y), may_lack=single)
        return _label_encoding.indicators(self._label_binarizer, y)

    def _targets(self, y: TargetLike) -> Array:
        y = y if scipy.sparse.issparse(y) else np.asarray(labels(y))
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        unknown = np.setdiff1d(_label_encoding.distinct(y), self.classes_)
        if len(unknown):
            raise ValueError(f"y_val has classes that y has not: {unknown}. y has {self.classes_}.")
        return _label_encoding.indicators(self._label_binarizer, y)

    def _labels(self, Y: Array) -> Array:
        return _label_encoding.decoded(self._label_binarizer, Y)

    def _class_weights(self, Y: Array, sample_weight: Array | None) -> Array | None:
        if self.class_weight is None:
            return sample_weight
        y = self._labels(Y)
        if y.ndim == 2:
            of_rows: Array = compute_sample_weight(self.class_weight, y)
        else:
            with np.errstate(divide="ignore"):  # a class whose rows weigh nothing
                of_classes = class_weights(self.class_weight, self.classes_, y, sample_weight)
            of_rows = of_classes[np.searchsorted(self.classes_, y)]
        if sample_weight is None:
            return of_rows
        return np.multiply(of_rows, sample_weight, where=sample_weight > 0, out=np.zeros(len(of_rows)))

    def _core_targets(self, Y: Array, dtype: np.dtype[Any]) -> Array:
        targets = Y.astype(dtype)
        return 2 * targets - 1 if self._has_margins() else targets

    def _core_loss(self) -> Any:
        if self.label_smoothing == 0.0:
            return self.loss
        if self.loss != "log_loss":
            raise ValueError(f"label_smoothing is for loss='log_loss', got loss={self.loss!r}.")
        return LogLoss(self.label_smoothing)

    def _has_one_class(self) -> bool:
        """Tell whether there is only one class, which has probability 1 whatever the output."""
        return self._label_binarizer.y_type_ == "binary" and len(self.classes_) == 1

    def score(self, X: MatrixLike, y: TargetLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            The true labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        score : float
            The fraction of rows that are right; in multilabel classification, right in all labels.
        """
        y = labels(y)
        if sample_weight is None and _label_encoding.are_plain_labels(y) and "_label_binarizer" in vars(self):
            predicted = self.predict(X)
            # as of these arrays scikit-learn's accuracy is; its checks take longer than a prediction
            if predicted.shape == y.shape and predicted.dtype.kind == y.dtype.kind:
                return float((predicted == y).mean())
        return float(super().score(X, y, sample_weight))

    def _mean_outputs(self, X: MatrixLike, samples: int | None, seed: int) -> Array:
        return self._outputs(X) if samples is None else self._sampled_outputs(X, samples, seed)[0]

    def _has_margins(self) -> bool:
        return isinstance(self.loss, str) and self.loss in _HINGE

    def _between_0_and_1(self, outputs: Array) -> Array:
        """Return outputs shifted such that classes are decoded at 0.5, like probabilities."""
        return (outputs + 1) / 2 if self._has_margins() else outputs

    def _gradient_of_outputs(self, gradient: Array) -> Array:
        if gradient.shape[1] > 1:
            return gradient
        if self._has_one_class() and not self._has_margins():
            return np.zeros_like(gradient[:, 0])
        return gradient[:, 0] if self._has_margins() else np.concatenate([-gradient, gradient], axis=1)

    def _check_classes(self, classes: Array, *, may_lack: bool) -> None:
        """Refuse classes that the fit to continue does not know; with `may_lack` some may be missing."""
        if not may_lack:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to "
                    f"fit. Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {classes}."
            )

    def _out_activation(self) -> str:
        if self._has_margins():
            return "identity"
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _is_stratified(self, Y: Array) -> bool:
        return bool(Y.shape[1] == 1)

    def _score_outputs(self, Y: Array, outputs: Array, sample_weight: Array | None) -> float:
        several = self._label_binarizer.y_type_ == "multiclass"
        score = accuracy_of_largest if several else accuracy
        return score(Y, self._between_0_and_1(outputs), sample_weight)

    def _outputs_in_mean(self, n_outputs: int) -> int:
        return 1

    def __sklearn_tags__(self) -> Any:
        """Return the tags of a classifier that also accepts several labels per row."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
