"""Modules of PyTorch for what ``torch.nn`` has none: some activations, a table's preparation, one of a pair.

The only file that imports torch when it is itself imported; `_torch` imports it where it is needed. The
classes stand here, and not in a function, so that modules that hold them can be pickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from ferroprop.export._preparation import Arithmetic, Block, Clip, Columns, Fill, Missing, Operation


class ScaledLogistic(nn.Module):  # type: ignore[misc]
    """The logistic function with a slope, 1 / (1 + exp(-slope z)).

    Parameters
    ----------
    slope : float
        The slope.
    """

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, z: Any) -> Any:
        """Return the outputs."""
        return torch.sigmoid(self.slope * z)

    def extra_repr(self) -> str:
        """Return the hyperparameter."""
        return f"slope={self.slope}"


class Bipolar(nn.Module):  # type: ignore[misc]
    """The bipolar logistic function, tanh(z / 2)."""

    def forward(self, z: Any) -> Any:
        """Return the outputs."""
        return torch.tanh(0.5 * z)


class Arctan(nn.Module):  # type: ignore[misc]
    """The arctangent."""

    def forward(self, z: Any) -> Any:
        """Return the outputs."""
        return torch.atan(z)


class Exp(nn.Module):  # type: ignore[misc]
    """The exponential function."""

    def forward(self, z: Any) -> Any:
        """Return the outputs."""
        return torch.exp(z)


class ScaledTanh(nn.Module):  # type: ignore[misc]
    """The scaled hyperbolic tangent, amplitude tanh(slope z).

    Parameters
    ----------
    amplitude, slope : float
        The hyperparameters.
    """

    def __init__(self, amplitude: float, slope: float) -> None:
        super().__init__()
        self.amplitude, self.slope = amplitude, slope

    def forward(self, z: Any) -> Any:
        """Return the outputs."""
        return self.amplitude * torch.tanh(self.slope * z)

    def extra_repr(self) -> str:
        """Return the hyperparameters."""
        return f"amplitude={self.amplitude}, slope={self.slope}"


class ScaledSigmoid(nn.Module):  # type: ignore[misc]
    """The scaled sigmoid, c1 / (1 + exp(-c2 z)) - c3.

    Parameters
    ----------
    c1, c2, c3 : float
        The hyperparameters.
    """

    def __init__(self, c1: float, c2: float, c3: float) -> None:
        super().__init__()
        self.c1, self.c2, self.c3 = c1, c2, c3

    def forward(self, z: Any) -> Any:
        """Return the outputs."""
        return self.c1 * torch.sigmoid(self.c2 * z) - self.c3

    def extra_repr(self) -> str:
        """Return the hyperparameters."""
        return f"c1={self.c1}, c2={self.c2}, c3={self.c3}"


class EveryStep(nn.Module):  # type: ignore[misc]
    """The outputs of all steps, of the pair that ``nn.RNN``, ``nn.LSTM`` and ``nn.GRU`` return."""

    def forward(self, pair: Any) -> Any:
        """Return the outputs, of shape (rows, steps, units)."""
        return pair[0]


class LastStep(nn.Module):  # type: ignore[misc]
    """The outputs of the last step, of the pair that ``nn.RNN``, ``nn.LSTM`` and ``nn.GRU`` return."""

    def forward(self, pair: Any) -> Any:
        """Return the outputs, of shape (rows, units)."""
        return pair[0][:, -1]


class Operations(nn.Module):  # type: ignore[misc]
    """Columns of a table, chosen, filled, scaled and clipped.

    Parameters
    ----------
    columns : sequence of int or None
        The columns to take; None for all as they are.
    operations : sequence of Operation
        The operations, in this order.
    dtype : torch.dtype
        The dtype of the constants.
    """

    def __init__(self, columns: Sequence[int] | None, operations: Sequence[Operation], dtype: Any) -> None:
        super().__init__()
        self.kinds: list[tuple[str, float, float]] = []
        chosen = None if columns is None else torch.tensor(list(columns))
        self.register_buffer("columns", chosen)
        for index, operation in enumerate(operations):
            values = None
            match operation:
                case Arithmetic():
                    self.kinds.append((operation.operator, 0.0, 0.0))
                    values = torch.tensor(operation.values, dtype=dtype)
                case Fill():
                    self.kinds.append(("Fill", operation.missing, 0.0))
                    values = torch.tensor(operation.values, dtype=dtype)
                case Clip():
                    self.kinds.append(("Clip", operation.low, operation.high))
                case Missing():
                    self.kinds.append(("Missing", 0.0, 0.0))
            self.register_buffer(f"values_{index}", values)

    def forward(self, x: Any) -> Any:
        """Return the numbers, of shape (rows, width)."""
        if self.columns is not None:
            x = x[:, self.columns]
        for index, (kind, first, second) in enumerate(self.kinds):
            values = getattr(self, f"values_{index}")
            match kind:
                case "Add":
                    x = x + values
                case "Sub":
                    x = x - values
                case "Mul":
                    x = x * values
                case "Div":
                    x = x / values
                case "Clip":
                    x = torch.clamp(x, first, second)
                case "Missing":
                    x = torch.isnan(x).to(x.dtype)
                case "Fill":
                    is_missing = torch.isnan(x) if first != first else x == first
                    x = torch.where(is_missing, values, x)
        return x

    def extra_repr(self) -> str:
        """Return the operations' names."""
        return ", ".join(kind for kind, _, _ in self.kinds)


class Prepared(nn.Module):  # type: ignore[misc]
    """The preparation of a table of numbers: blocks of columns, side by side.

    Parameters
    ----------
    blocks : sequence of Block
        Blocks whose source are columns.
    dtype : torch.dtype
        The dtype of the constants.
    """

    def __init__(self, blocks: Sequence[Block], dtype: Any) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            Operations(block.source.indices, block.operations, dtype)
            for block in blocks
            if isinstance(block.source, Columns)
        )

    def forward(self, x: Any) -> Any:
        """Return the inputs of the network, of shape (rows, n_inputs)."""
        return torch.cat([block(x) for block in self.blocks], dim=1)
