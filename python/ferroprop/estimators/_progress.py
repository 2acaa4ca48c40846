"""What ``verbose`` prints, in scikit-learn's words."""

from ferroprop._core import Epoch


class ProgressLines:
    """A callback of `ferroprop.train` that prints a line or two after each epoch.

    Parameters
    ----------
    tol, n_iter_no_change, early_stopping
        The estimator's parameters of the same names.
    adaptive : bool
        Whether the learning rate is divided when patience runs out.
    """

    def __init__(self, *, tol: float, n_iter_no_change: float, early_stopping: bool, adaptive: bool) -> None:
        monitored = "Validation score" if early_stopping else "Training loss"
        self._stalled = (
            f"{monitored} did not improve more than tol={tol:f} for {n_iter_no_change} consecutive epochs."
        )
        self._adaptive = adaptive
        self._learning_rate: float | None = None

    def __call__(self, epoch: Epoch) -> None:
        """Print the epoch's loss and, if there is one, its validation score."""
        if self._adaptive:
            if self._learning_rate is not None and self._learning_rate != epoch.learning_rate:
                print(f"{self._stalled} Setting learning rate to {epoch.learning_rate:f}")
            self._learning_rate = epoch.learning_rate
        print(f"Iteration {epoch.epoch}, loss = {epoch.loss:.8f}")
        if epoch.score is not None:
            print(f"Validation score: {epoch.score:f}")

    def out_of_patience(self) -> None:
        """Print that training stops because nothing improved."""
        too_small = " Learning rate too small." if self._adaptive else ""
        print(f"{self._stalled}{too_small} Stopping.")
