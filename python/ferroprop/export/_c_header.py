"""The result of an export to C."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CHeader:
    """A model in C, with its sizes and its measured accuracy.

    Parameters
    ----------
    text : str
        The header.
    constant_bytes : int
        Of weights, biases and tables: what the model takes in read-only memory, besides its code.
    buffer_bytes : int
        Of the arrays on the stack while it predicts.
    difference : float
        The largest difference of its results (probabilities, scores or predictions) from the model's, over
        `rows`.
    agreement : float or None
        The share of the rows with the same label; None where there are no labels.
    scores : tuple of float or None
        Accuracy or R² of the model, and of the header, over the rows; None if `y` was not given.
    rows : int
        How many rows that was measured on.

    Examples
    --------
    >>> import ferroprop as fp
    >>> header = fp.Network([4, 3, 2], seed=1).to_c()
    >>> header.constant_bytes, header.buffer_bytes
    (92, 12)
    """

    text: str
    constant_bytes: int
    buffer_bytes: int
    difference: float
    agreement: float | None
    scores: tuple[float, float] | None
    rows: int

    def __str__(self) -> str:
        return self.text
