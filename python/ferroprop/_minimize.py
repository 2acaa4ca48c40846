"""`minimize`: L-BFGS in the core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ferroprop._core import Epoch, Loss, Network, RecurrentNetwork, _minimize


class SparseMatrix(Protocol):
    """A sparse matrix of SciPy's, of any format."""

    def tocsr(self) -> Any:
        """Return it row by row."""


@dataclass(frozen=True, slots=True)
class Minimum:
    """The outcome of `minimize`.

    Attributes
    ----------
    loss : float
        The loss that the network has, penalty included.
    penalty : float
        The part of it that is the L2 penalty.
    losses : list of float
        The loss after each iteration.
    penalties : list of float
        The part of each that is the penalty.
    evaluations : int
        How often the loss and its gradient were computed.
    stop_reason : str
        Why the search ended: by the argument "gtol", "ftol", "max_iter" or "max_fun"; by "time", "callback"
        or Ctrl-C ("interrupted"); "line_search" if no step down was found, not even along the gradient, as
        happens where it is mostly rounding; "diverged" if the loss or its gradient was infinite or NaN at the
        start, or too large to be squared.
    seconds : float
        How long it took, in seconds.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.Network([1, 1], dtype="float64", seed=1)
    >>> minimum = fp.minimize(net, [[0.0], [1.0]], [[1.0], [3.0]])
    >>> minimum.iterations == len(minimum.losses) < minimum.evaluations
    True
    """

    loss: float
    penalty: float
    losses: list[float]
    penalties: list[float]
    evaluations: int
    stop_reason: Literal[
        "gtol", "ftol", "max_iter", "max_fun", "line_search", "time", "callback", "interrupted", "diverged"
    ]
    seconds: float

    @property
    def iterations(self) -> int:
        """The number of complete iterations."""
        return len(self.losses)


def minimize(
    network: Network | RecurrentNetwork,
    X: ArrayLike | Sequence[ArrayLike] | SparseMatrix,
    Y: ArrayLike | Sequence[ArrayLike],
    *,
    loss: str | Loss | Callable[[NDArray[Any], NDArray[Any]], tuple[Any, Any]] | None = None,
    sample_weight: ArrayLike | Sequence[ArrayLike] | None = None,
    alpha: float = 0.0,
    truncate: int | None = None,
    washout: int = 0,
    lengths: Sequence[int] | NDArray[np.integer[Any]] | None = None,
    memory: int = 10,
    max_iter: int = 15000,
    max_fun: int = 15000,
    gtol: float = 1e-5,
    ftol: float = 2.220446049250313e-09,
    max_time: float | None = None,
    callback: Callable[[Epoch], object] | None = None,
    n_threads: int | None = None,
) -> Minimum:
    """Bring the loss of a network to a minimum near its present weights and biases, by L-BFGS.

    A quasi-Newton method on all rows at a time, without a learning rate: for losses without kinks, and where
    the minimum itself is wanted. A network of float64 gets closer to it than one of float32. Names and
    defaults of what ends the search are those of ``scipy.optimize.minimize`` with L-BFGS-B, and its course is
    the same up to rounding. Outputs of stochastic units are not drawn. The result does not depend on the
    number of threads.

    Parameters
    ----------
    network : Network or RecurrentNetwork
        Changed in place: it has the parameters of the last complete iteration. If the call raises, it is as
        it was.
    X : {array-like, sparse matrix} of shape (n, n_inputs)
        Rows of inputs, or sequences, as for `train`.
    Y : array-like of shape (n, n_outputs)
        Targets.
    loss : str, Loss, callable or None, default=None
        As for `Network.loss_and_gradients`.
    sample_weight : array-like of shape (n,) or None, default=None
        Weight of each row, as for `train`.
    alpha : float, default=0.0
        Strength of the L2 penalty, as for `Network.loss_and_gradients`.
    truncate : int or None, default=None
        For a `RecurrentNetwork`, as for `train`.
    washout : int, default=0
        For a `RecurrentNetwork`, as for `train`.
    lengths : sequence of int or None, default=None
        For a `RecurrentNetwork`, as for `train`.
    memory : int, default=10
        How many of the last steps the approximation of the Hessian is made of.
    max_iter : int, default=15000
        The most iterations.
    max_fun : int, default=15000
        No iteration begins after more evaluations of the loss than this.
    gtol : float, default=1e-5
        The search ends when no number of the gradient is greater than this.
    ftol : float, default=2.220446049250313e-09
        The search ends when an iteration lowers the loss by no more than this; times the loss, if that is
        above 1.
    max_time : float or None, default=None
        Seconds after which no other iteration begins.
    callback : callable or None, default=None
        Gets an `Epoch` after each iteration; the search ends if it returns True. The network has the
        parameters of the iteration meanwhile.
    n_threads : int or None, default=None
        Threads; None leaves it to the CPU affinity and OMP_NUM_THREADS.

    Returns
    -------
    minimum : Minimum
        The loss, its course, and why the search ended.

    Raises
    ------
    ValueError, TypeError
        As for `train`.
    Exception
        Whatever a function among the arguments raises.

    Warns
    -----
    UserWarning
        If Ctrl-C ended the search.

    References
    ----------
    J. Nocedal, "Updating quasi-Newton matrices with limited storage", Mathematics of Computation 35, 1980.

    D. C. Liu and J. Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical
    Programming 45, 1989.

    J. J. Moré and D. J. Thuente, "Line search algorithms with guaranteed sufficient decrease", ACM
    Transactions on Mathematical Software 20, 1994.

    Examples
    --------
    A network without hidden layers is linear regression; L-BFGS finds the least squares:

    >>> import ferroprop as fp
    >>> net = fp.Network([1, 1], dtype="float64")
    >>> minimum = fp.minimize(net, [[0.0], [1.0], [2.0]], [[1.0], [3.0], [5.0]], gtol=1e-9)
    >>> minimum.stop_reason, minimum.loss < 1e-15
    ('gtol', True)
    >>> net.predict([[3.0]]).round(6)
    array([[7.]])
    """
    outcome = _minimize(
        network,
        X,
        Y,
        loss=loss,
        sample_weight=sample_weight,
        alpha=alpha,
        truncate=truncate,
        washout=washout,
        lengths=lengths,
        memory=memory,
        max_iter=max_iter,
        max_fun=max_fun,
        gtol=gtol,
        ftol=ftol,
        max_time=max_time,
        callback=callback,
        n_threads=n_threads,
    )
    return Minimum(*outcome)
