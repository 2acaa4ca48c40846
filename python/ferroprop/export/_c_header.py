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
        Size of weights, biases and tables, which lie in read-only memory, without the code.
    buffer_bytes : int
        Size of the arrays on the stack during a prediction.
    difference : float
        The largest difference between the results of header and model (probabilities, scores or predictions)
        over `rows` rows.
    agreement : float or None
        The share of the rows for which header and model predict the same label; None without labels.
    scores : tuple of float or None
        Accuracy or R² of the model, and of the header, on these rows; None if `y` was not given.
    rows : int
        The number of rows of these measurements.

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
