"""The warning about a training that a time limit has ended."""

from ferroprop.estimators._sklearn import ConvergenceWarning


class TimeLimitWarning(ConvergenceWarning):  # type: ignore[misc]
    """The warning of a fit that `max_time` has ended, before anything else did.

    Examples
    --------
    >>> import warnings
    >>> from ferroprop.estimators import TimeLimitWarning
    >>> warnings.simplefilter("ignore", TimeLimitWarning)  # if that is what the limit is for
    """
