"""From the parameters of an estimator to one of the core's optimizers, and its memory between fits.

A new solver that trains epoch by epoch is one more entry in `_MAKERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ferroprop._core import SARPROP, SGD, Adam, AdamW, Adaptive, GRprop, InverseScaling, Rprop, Schedule
from ferroprop.estimators._sklearn import check_random_state

if TYPE_CHECKING:
    from ferroprop.estimators._base import BaseMLP

Optimizer = SGD | Adam | AdamW | Rprop | GRprop | SARPROP


def _sgd(estimator: BaseMLP) -> SGD:
    first = estimator.learning_rate_init
    rate: float | Schedule = first
    if estimator.learning_rate == "invscaling":
        rate = InverseScaling(first, power=estimator.power_t)
    elif estimator.learning_rate == "adaptive":
        rate = Adaptive(first)
    return SGD(rate, momentum=estimator.momentum, nesterov=estimator.nesterovs_momentum)


def _adam(estimator: BaseMLP) -> Adam:
    return Adam(
        estimator.learning_rate_init,
        beta_1=estimator.beta_1,
        beta_2=estimator.beta_2,
        epsilon=estimator.epsilon,
    )


def _adamw(estimator: BaseMLP) -> AdamW:
    return AdamW(
        estimator.learning_rate_init,
        beta_1=estimator.beta_1,
        beta_2=estimator.beta_2,
        epsilon=estimator.epsilon,
        weight_decay=estimator.alpha,
    )


def _sarprop(estimator: BaseMLP) -> SARPROP:
    # The noise is a multiple of the root of the loss. The optimizer's own 8 is for losses that are bounded;
    # with linear outputs a large step makes a large loss, and that a larger step.
    seed = int(check_random_state(estimator.random_state).randint(1 << 31))
    return SARPROP(noise=0.003, temperature=0.05, seed=seed)


def _with_its_constants(cls: Any, **constants: Any) -> tuple[Callable[[BaseMLP], Optimizer], tuple[str, ...]]:
    """Return what makes an optimizer that no parameter of the estimator has a say in."""
    return (lambda _: cls(**constants)), ()


_MAKERS: dict[str, tuple[Callable[[BaseMLP], Optimizer], tuple[str, ...]]] = {
    "sgd": (_sgd, ("learning_rate", "learning_rate_init", "power_t", "momentum", "nesterovs_momentum")),
    "adam": (_adam, ("learning_rate_init", "beta_1", "beta_2", "epsilon")),
    "adamw": (_adamw, ("learning_rate_init", "beta_1", "beta_2", "epsilon", "alpha")),
    "rprop": _with_its_constants(Rprop),
    "rprop+": _with_its_constants(Rprop, variant="rprop+"),
    "rprop-": _with_its_constants(Rprop, variant="rprop-"),
    "irprop+": _with_its_constants(Rprop, variant="irprop+"),
    "irprop-": _with_its_constants(Rprop, variant="irprop-"),
    "grprop": _with_its_constants(GRprop),
    "sarprop": (_sarprop, ()),
}

EPOCH_SOLVERS = tuple(_MAKERS)
OBJECTS = (SGD, Adam, AdamW, Rprop, GRprop, SARPROP)
"""Classes whose objects can be the solver, with constants of one's own."""

_BY_MINI_BATCHES = {"sgd", "adam", "adamw"}


def is_mini_batch(solver: Any) -> bool:
    """Tell whether a solver takes a step after each mini-batch, and not one an epoch."""
    return solver in _BY_MINI_BATCHES if isinstance(solver, str) else isinstance(solver, (SGD, Adam, AdamW))


def is_decoupled(solver: Any) -> bool:
    """Tell whether the weights decay by the optimizer's own rule, and not by a penalty in the loss."""
    return isinstance(solver, AdamW) or (isinstance(solver, str) and solver == "adamw")


def _made_by(solver: Any) -> tuple[Callable[[BaseMLP], Optimizer], tuple[str, ...]]:
    """Return what makes the optimizer, and the names of the parameters it depends on."""
    if isinstance(solver, str):
        return _MAKERS[solver]
    # of the user's object the constants alone: what it remembers stays with it
    arguments, keywords = solver.__getnewargs_ex__()
    return lambda _: type(solver)(*arguments, **keywords), ()


def _name(solver: Any) -> str:
    return solver if isinstance(solver, str) else repr(solver)


def fresh_optimizer(estimator: BaseMLP, solver: Any) -> Optimizer | None:
    """Return an optimizer with the estimator's constants, None if its solver is another than this."""
    if _name(estimator.solver) != solver or estimator.solver == "lbfgs":
        return None
    make, _ = _made_by(estimator.solver)
    return make(estimator)


class OptimizerKeeper:
    """The optimizer of an estimator's last fit; what it remembers goes through a pickle as arrays."""

    __slots__ = ("_memory", "_optimizer", "_settings")

    def __init__(self, pickled: dict[str, Any] | None = None) -> None:
        self._optimizer: Optimizer | None = None
        self._settings: dict[str, Any] = pickled["settings"] if pickled else {}
        self._memory: dict[str, Any] = pickled["memory"] if pickled else {}

    def to_pickle(self) -> dict[str, Any]:
        """Return plain values and arrays to build this object from again."""
        return {"settings": self._settings, "memory": self._remembered()}

    def optimizer_for(
        self, estimator: BaseMLP, dtype: np.dtype[Any], *, resume: bool
    ) -> tuple[Optimizer, bool]:
        """Return the optimizer to train with, and whether it remembers an earlier fit.

        With `resume` momentum, moments and step sizes of the last fit with the same solver go on, be it with
        other parameters now, a new learning rate for example.
        """
        make, parameters = _made_by(estimator.solver)
        settings: dict[str, Any] = {"solver": _name(estimator.solver), "dtype": dtype.name}
        settings.update((name, getattr(estimator, name)) for name in parameters)
        resume = resume and self._settings.get("solver") == settings["solver"]
        if resume and self._optimizer is not None and self._settings == settings:
            return self._optimizer, True
        memory = self._remembered() if resume else {}
        optimizer = make(estimator)
        if memory:
            if self._settings.get("learning_rate_init") != settings.get("learning_rate_init"):
                memory["learning_rate"] = settings["learning_rate_init"]
            for name, value in memory.items():
                if isinstance(value, np.ndarray):
                    memory[name] = value.astype(dtype, copy=False)
            optimizer.__setstate__(memory)
        self._optimizer, self._settings = optimizer, settings
        return optimizer, bool(memory)

    def forget(self) -> None:
        """Start anew next time."""
        self._optimizer, self._settings, self._memory = None, {}, {}

    def divide_learning_rate(self) -> float | None:
        """Divide the learning rate by 5 and return it, or None if it is at most 1e-6 and stays."""
        memory = self._remembered()
        if self._optimizer is None or memory["learning_rate"] <= 1e-6:
            return None
        memory["learning_rate"] /= 5.0
        self._optimizer.__setstate__(memory)
        return float(memory["learning_rate"])

    def _remembered(self) -> dict[str, Any]:
        return dict(self._memory) if self._optimizer is None else self._optimizer.state
