"""A network as a table."""

from dataclasses import dataclass
from html import escape
from typing import Any

HEADER = ("layer", "inputs", "outputs", "activation", "parameters")
MOST_LAYERS = 24


@dataclass(frozen=True)
class LayerSummary:
    """One layer in a `Summary`.

    Attributes
    ----------
    name : str
        ``"hidden 1"`` and so on, or ``"output"``.
    kind : str
        The kind of layer: ``"dense"``, ``"complex"`` for a dense layer of complex numbers, or the cell of a
        recurrent layer.
    inputs, outputs : int
        Numbers of inputs and outputs: fan in and fan out.
    activation : str or Logistic
        The activation.
    bias : bool
        Whether the layer has biases.
    n_parameters : int
        Number of weights and biases.

    Examples
    --------
    >>> import ferroprop as fp
    >>> fp.Network([4, 3]).summary().layers[0].n_parameters
    15
    """

    name: str
    kind: str
    inputs: int
    outputs: int
    activation: Any
    bias: bool
    n_parameters: int


@dataclass(frozen=True, repr=False)
class Summary:
    """The layers of a network with sizes and numbers of parameters; prints as a table.

    Attributes
    ----------
    layers : tuple of LayerSummary
        First layer first.
    dtype : str
        The dtype of the parameters.
    n_parameters : int
        Number of weights and biases of all layers.
    n_bytes : int
        The memory of the parameters, in bytes.

    See Also
    --------
    Network.summary : Returns the summary of a network.

    Examples
    --------
    >>> import ferroprop as fp
    >>> fp.Network([4, 3], output_activation="softmax").summary()
    layer   inputs  outputs  activation  parameters
    output       4        3  softmax             15
    15 parameters, float32, 60 bytes
    """

    layers: tuple[LayerSummary, ...]
    dtype: str
    n_parameters: int
    n_bytes: int

    def _cells(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [
            (
                layer.name,
                f"{layer.inputs:,}",
                f"{layer.outputs:,}",
                _function(layer) + ("" if layer.bias else ", no biases"),
                f"{layer.n_parameters:,}",
            )
            for layer in self.layers
        ]
        if len(rows) <= MOST_LAYERS:
            return rows
        shown = MOST_LAYERS // 2
        left = (f"… {len(rows) - 2 * shown} more", "", "", "", "")
        return [*rows[:shown], left, *rows[-shown:]]

    def _total(self) -> str:
        return f"{self.n_parameters:,} parameters, {self.dtype}, {_size(self.n_bytes)}"

    def __str__(self) -> str:
        cells = [HEADER, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if column in {0, 3} else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        return "\n".join([*lines, self._total()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def line(cells: tuple[str, ...], tag: str) -> str:
            sides = ("left", "right", "right", "left", "right")
            return "".join(
                f'<{tag} style="text-align:{side};padding:.1em .6em">{escape(cell)}</{tag}>'
                for cell, side in zip(cells, sides, strict=True)
            )

        body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in self._cells())
        return (
            f"<table><thead><tr>{line(HEADER, 'th')}</tr></thead><tbody>{body}</tbody></table>"
            f"<p>{escape(self._total())}</p>"
        )


def _function(layer: LayerSummary) -> str:
    match layer.kind:
        case "lstm" | "gru":
            return layer.kind
        case "rnn":
            return f"rnn, {layer.activation}"
        case _:
            return str(layer.activation)


def _size(n_bytes: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {unit}"
    return f"{n_bytes} bytes"
