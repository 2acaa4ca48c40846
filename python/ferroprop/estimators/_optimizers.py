"""From the parameters of an estimator to one of the core's optimizers, and its memory between fits.

Every optimizer of the catalogue is a solver. Those in `_MAKERS` take parameters of scikit-learn's in a way of
their own; of the others the hyperparameters in `_PARAMETERS` are parameters of the estimator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from ferroprop._core import SARPROP, SGD, AdamW, Adaptive, InverseScaling, Optimizer, Schedule
from ferroprop.catalogue import OPTIMIZERS, OptimizerEntry
from ferroprop.estimators._random_state import random_state_of

Parameters = Mapping[str, Any]
"""The parameters of an estimator by name, possibly among other entries."""

Maker = Callable[[Parameters], Optimizer]


def _sgd(parameters: Parameters) -> SGD:
    first = parameters["learning_rate_init"]
    rate: float | Schedule = first
    if parameters["learning_rate"] == "invscaling":
        rate = InverseScaling(first, power=parameters["power_t"])
    elif parameters["learning_rate"] == "adaptive":
        rate = Adaptive(first)
    return SGD(rate, momentum=parameters["momentum"], nesterov=parameters["nesterovs_momentum"])


def _adamw(parameters: Parameters) -> AdamW:
    return AdamW(
        parameters["learning_rate_init"],
        beta_1=parameters["beta_1"],
        beta_2=parameters["beta_2"],
        epsilon=parameters["epsilon"],
        weight_decay=parameters["alpha"],
    )


def _sarprop(parameters: Parameters) -> SARPROP:
    # The noise is a multiple of the root of the loss. The optimizer's own 8 is for losses that are bounded;
    # with linear outputs a large step makes a large loss, and that a larger step.
    seed = int(random_state_of(parameters["random_state"]).randint(1 << 31))
    return SARPROP(noise=0.003, temperature=0.05, seed=seed)


_MAKERS: dict[str, tuple[Maker, tuple[str, ...]]] = {
    "sgd": (_sgd, ("learning_rate", "learning_rate_init", "power_t", "momentum", "nesterovs_momentum")),
    "adamw": (_adamw, ("learning_rate_init", "beta_1", "beta_2", "epsilon", "alpha")),
    "sarprop": (_sarprop, ()),
}

# hyperparameter: the estimator's parameter
_PARAMETERS = {
    "learning_rate": "learning_rate_init",
    "beta_1": "beta_1",
    "beta_2": "beta_2",
    "epsilon": "epsilon",
}

EPOCH_SOLVERS = tuple(OPTIMIZERS)
LBFGS_SOLVERS = ("lbfgs", "lbfgs-scipy")


def _entry_of(solver: Any) -> OptimizerEntry | None:
    return OPTIMIZERS.get(solver.name if isinstance(solver, Optimizer) else solver)


def is_lbfgs(solver: Any) -> bool:
    """Tell whether a solver is L-BFGS, the core's or SciPy's."""
    return isinstance(solver, str) and solver in LBFGS_SOLVERS


def is_mini_batch(solver: Any) -> bool:
    """Tell whether a solver makes a step per mini-batch instead of one per epoch."""
    entry = _entry_of(solver)
    return entry is not None and entry.takes_mini_batches


def is_decoupled(solver: Any) -> bool:
    """Tell whether the optimizer decays the weights itself, without a penalty in the loss."""
    entry = _entry_of(solver)
    return entry is not None and entry.decays_weights


def _made_by(solver: Any) -> tuple[Maker, tuple[str, ...]]:
    """Return a function that makes the optimizer, and the names of the parameters that it depends on."""
    if not isinstance(solver, str):
        # of the user's object the hyperparameters alone: what it remembers stays with it
        return lambda _: type(solver)(**solver.hyperparameters), ()
    return _made_by_name(solver)


@cache
def _made_by_name(solver: str) -> tuple[Maker, tuple[str, ...]]:
    if solver in _MAKERS:
        return _MAKERS[solver]
    entry = OPTIMIZERS[solver]
    usual = {one.name: one.default for one in entry.hyperparameters}
    taken = {name: _PARAMETERS[name] for name in usual if name in _PARAMETERS}

    def make(parameters: Parameters) -> Optimizer:
        own = {name: parameters[parameter] for name, parameter in taken.items()}
        optimizer: Optimizer = entry.cls(**usual | own)
        return optimizer

    return make, tuple(taken.values())


@cache
def _name_of(dtype: np.dtype[Any]) -> str:
    """Return the name of a dtype, of which NumPy thinks anew each time."""
    return dtype.name


def _name(solver: Any) -> str:
    return solver if isinstance(solver, str) else repr(solver)


def fresh_optimizer(parameters: Parameters, solver: Any) -> Optimizer | None:
    """Return an optimizer with these constants, None if they belong to another solver."""
    if _name(parameters["solver"]) != solver or is_lbfgs(solver):
        return None
    make, _ = _made_by(parameters["solver"])
    return make(parameters)


@dataclass(frozen=True, slots=True)
class KeptOptimizer:
    """The optimizer of an estimator's last fit.

    Nobody trains with it: a fit goes on with a copy, so that one that fails changes nothing. What it
    remembers goes through a pickle as arrays.

    Parameters
    ----------
    settings : dict
        What it was made for: solver, dtype, and the parameters that the solver looks at.
    optimizer : Optimizer or None
        The optimizer; None if there was no fit in this process.
    memory : dict
        What an unpickled one remembers.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    optimizer: Optimizer | None = None
    memory: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_pickle(cls, pickled: dict[str, Any]) -> KeptOptimizer:
        """Build the object from the result of `to_pickle`."""
        return cls(settings=pickled["settings"], memory=pickled["memory"])

    def to_pickle(self) -> dict[str, Any]:
        """Return plain values and arrays from which to rebuild this object."""
        return {"settings": self.settings, "memory": self._remembered()}

    def next(
        self, parameters: Parameters, dtype: np.dtype[Any], *, resume: bool
    ) -> tuple[KeptOptimizer, bool]:
        """Return the optimizer for the next fit, and whether it has the memory of an earlier fit.

        With `resume` momentum, moments and step sizes of the last fit with the same solver go on, be it with
        other parameters now, a new learning rate for example.
        """
        make, names = _made_by(parameters["solver"])
        settings: dict[str, Any] = {"solver": _name(parameters["solver"]), "dtype": _name_of(dtype)}
        settings.update((name, parameters[name]) for name in names)
        resume = resume and self.settings.get("solver") == settings["solver"]
        if resume and self.optimizer is not None and self.settings == settings:
            return KeptOptimizer(settings, copy(self.optimizer)), True
        memory = self._remembered() if resume else {}
        optimizer = make(parameters)
        if memory:
            if self.settings.get("learning_rate_init") != settings.get("learning_rate_init"):
                memory["learning_rate"] = settings["learning_rate_init"]
            for name, value in memory.items():
                if isinstance(value, np.ndarray):
                    memory[name] = value.astype(np.zeros(0, dtype).real.dtype, copy=False)
            optimizer.load_state_dict(memory)
        return KeptOptimizer(settings, optimizer), bool(memory)

    def with_lower_learning_rate(self) -> tuple[KeptOptimizer, float | None]:
        """Divide the learning rate by 5; return who has it, and the rate.

        A rate of at most 1e-6 stays, and the answer is None.
        """
        memory = self._remembered()
        if self.optimizer is None or memory["learning_rate"] <= 1e-6:
            return self, None
        memory["learning_rate"] /= 5.0
        optimizer = copy(self.optimizer)
        optimizer.load_state_dict(memory)
        return KeptOptimizer(self.settings, optimizer), float(memory["learning_rate"])

    def _remembered(self) -> dict[str, Any]:
        return dict(self.memory) if self.optimizer is None else self.optimizer.state
