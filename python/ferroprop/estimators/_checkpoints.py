"""Checkpoints of fits: the additions to the core's checkpoint."""

from __future__ import annotations

import json
import math
import os
from typing import Any

import numpy as np

from ferroprop._core import NotedCheckpoint, checkpoint_note
from ferroprop.estimators._validation_set import ValidationCurves


class PrivateFile(str):
    """The path of a checkpoint that nobody looks at before the fit is over."""

    __slots__ = ()


class FitCheckpoint:
    """The checkpoint of a fit, with the state of the random generator at its beginning.

    All that a fit draws follows from there: the initial weights, the validation set, the orders of the rows.
    A fit that goes on draws it once more. With an int for `random_state` the generator is what it was
    anyway; else it is set back to what the file has, but never NumPy's global one.

    Parameters
    ----------
    path : str or path-like
        The file.
    every : int
        Number of epochs from one save to the next.
    rng : numpy.random.RandomState
        The generator.
    is_seeded : bool
        Whether the generator was made from an int, and so is as it was when the fit began.

    Attributes
    ----------
    rng : numpy.random.RandomState
        The generator to draw from.
    """

    def __init__(
        self, path: str | os.PathLike[str], every: int, rng: np.random.RandomState, *, is_seeded: bool
    ) -> None:
        self.every = every
        self._path = os.fspath(path)
        self._earlier = ValidationCurves([], [])
        self.rng = rng
        note = checkpoint_note(self._path)
        if note is not None:
            state = self._read(*note)
            if not is_seeded:
                self.rng = _set(rng, state)
        self._generator: dict[str, Any] = self.rng.get_state(legacy=False)
        if self._generator["bit_generator"] not in _SHAPES:
            raise ValueError(
                "random_state must be an int, None or a RandomState of MT19937 or PCG64 numbers with a "
                f"checkpoint, got one of {self._generator['bit_generator']}."
            )

    def _read(self, text: str, curves: list[float]) -> Any:
        try:
            noted = json.loads(text)
            state, n_losses = noted["generator"], noted["n_validation_losses"]
            _check(state)
            if len(noted) != 2 or type(n_losses) is not int or not 0 <= n_losses <= len(curves):
                raise ValueError("curves of loss and score of another length")
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValueError(
                f"checkpoint {self._path} must be one that an estimator has saved, got one with another "
                f"note: {error}"
            ) from None
        self._earlier = ValidationCurves(curves[:n_losses], curves[n_losses:])
        return state

    def for_core(self, curves: ValidationCurves) -> NotedCheckpoint:
        """Return the checkpoint in the form of ``train``.

        `curves` get back what they had in earlier epochs, and are saved from then on.
        """
        for curve, earlier in zip(curves, self._earlier, strict=True):
            curve[:] = earlier
        return NotedCheckpoint(self._path, lambda: self._note(curves))

    def _note(self, curves: ValidationCurves) -> tuple[str, list[float]]:
        text = json.dumps(
            {"generator": self._generator, "n_validation_losses": len(curves.losses)},
            default=lambda array: array.tolist(),
        )
        return text, [*map(float, curves.losses), *map(float, curves.scores)]


_SHAPES: dict[str, dict[str, int]] = {
    "MT19937": {"has_gauss": 2},
    "PCG64": {"has_uint32": 2, "uinteger": 1 << 32, "has_gauss": 2},
}
"""Bit generators that can be saved: their counters, each with its upper bound."""


def _check(state: Any) -> None:
    """Refuse invalid states of a generator; NumPy would read beyond their end."""
    name, numbers = state["bit_generator"], state["state"]
    if name not in _SHAPES:
        raise ValueError(f"a generator {name!r}")
    below = {name: (state[name], most) for name, most in _SHAPES[name].items()}
    if name == "MT19937":
        key = numbers["key"]
        below.update({f"key[{place}]": (number, 1 << 32) for place, number in enumerate(key)})
        below["pos"] = (numbers["pos"], 625)
        right = len(key) == 624 and set(numbers) == {"key", "pos"}
    else:
        below.update({name: (numbers[name], 1 << 128) for name in ("state", "inc")})
        right = set(numbers) == {"state", "inc"}
    right = right and set(state) == {"bit_generator", "state", "gauss", *_SHAPES[name]}
    right = right and isinstance(state["gauss"], float) and math.isfinite(state["gauss"])
    if not right or not all(type(number) is int and 0 <= number < most for number, most in below.values()):
        raise ValueError("numbers that are no state of a generator")


def _set(rng: np.random.RandomState, state: dict[str, Any]) -> np.random.RandomState:
    """Set a generator; NumPy's global one, or one of another kind, is replaced by a new one."""
    _check(state)
    shared = rng is np.random.mtrand._rand
    if shared or rng.get_state(legacy=False)["bit_generator"] != state["bit_generator"]:
        rng = np.random.RandomState(getattr(np.random, state["bit_generator"])())
    rng.set_state(state)
    return rng
