"""The catalogue of activations, losses and optimizers.

`ACTIVATIONS`, `LOSSES` and `OPTIMIZERS` map names to entries; whoever needs the names, the hyperparameters or
the formulas of all that ferroprop has asks them. They come from the core, where each function has one file.

Examples
--------
>>> import ferroprop as fp
>>> "gelu" in fp.ACTIVATIONS
True
>>> fp.ACTIVATIONS["leaky_relu"].hyperparameters
(Hyperparameter(name='slope', default=0.01, domain='0 or a positive number'),)
>>> [name for name, loss in fp.LOSSES.items() if loss.outputs == ("exp",)]
['poisson']
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from ferroprop._core import (
    _ACTIVATIONS,
    _COMPLEX_ACTIVATIONS,
    _LOSSES,
    _OPTIMIZERS,
    _STOCHASTIC_ACTIVATIONS,
    Activation,
    Loss,
    Optimizer,
    _meant,
)

__all__ = [
    "ACTIVATIONS",
    "COMPLEX_ACTIVATIONS",
    "LOSSES",
    "OPTIMIZERS",
    "STOCHASTIC_ACTIVATIONS",
    "ActivationEntry",
    "Catalogue",
    "Hyperparameter",
    "LossEntry",
    "OptimizerEntry",
]


@dataclass(frozen=True)
class Hyperparameter:
    """A hyperparameter of a function or a rule.

    Attributes
    ----------
    name : str
        Its name.
    default : float, tuple, bool, str or int
        What it is if nothing is said.
    domain : str
        What values it can have, in words.
    about : str
        A sentence or two about it.
    keyword_only : bool
        Whether the class takes it by its name only.

    Examples
    --------
    >>> import ferroprop as fp
    >>> fp.OPTIMIZERS["adam"].hyperparameters[1]
    Hyperparameter(name='beta_1', default=0.9, domain='from 0 to 1, 1 excluded')
    """

    name: str
    default: Any
    domain: str
    about: str = field(repr=False)
    keyword_only: bool = field(repr=False)


@dataclass(frozen=True)
class _Entry:
    name: str
    aliases: tuple[str, ...]
    cls: type[Any] | None
    hyperparameters: tuple[Hyperparameter, ...] = field(repr=False)
    summary: str = field(repr=False)
    source: str = field(repr=False)


@dataclass(frozen=True)
class ActivationEntry(_Entry):
    """The entry of an activation.

    Attributes
    ----------
    name : str
        The name it goes by.
    aliases : tuple of str
        Other names that are accepted in its place.
    cls : type or None
        The class of its objects; None if it has no hyperparameters, so that the name says all.
    hyperparameters : tuple of Hyperparameter
        In the order in which the class takes them.
    summary : str
        One sentence.
    source : str
        Who published it; empty where nobody is known for it.
    value : str
        f(z) as a Python expression of the net input z and the hyperparameters.
    derivative : str
        f'(z), with a for f(z). Empty for softmax, which is no function of one number, for functions of
        complex numbers, which have two derivatives, and for draws, which have none.
    constants : mapping of str to float
        Numbers that go by names in the two.

    Examples
    --------
    >>> import ferroprop as fp
    >>> tanh = fp.ACTIVATIONS["tanh"]
    >>> tanh.value, tanh.derivative
    ('tanh(z)', '1 - a**2')
    """

    value: str
    derivative: str
    constants: Mapping[str, float] = field(repr=False)


@dataclass(frozen=True)
class LossEntry(_Entry):
    """The entry of a loss.

    Attributes
    ----------
    name, aliases, cls, hyperparameters, summary, source : as for an activation
        See `ActivationEntry`.
    value : str
        The loss of one output a with target t, as a Python expression.
    derivative : str
        Its derivative with respect to a.
    constants : mapping of str to float
        Numbers that go by names in the two.
    outputs : tuple of str
        The output activations that it goes with; empty for all.
    targets : str
        The targets that it is defined on, in words.
    takes_net_inputs : bool
        Whether the core computes it from the net inputs of the outputs, where no digits are lost.
    canonical : bool
        Whether its derivative with respect to a net input is a - t, times the slope of a logistic output.
    on_softmax : tuple of str or None
        `value` and `derivative` on a softmax output, where they are others.

    Examples
    --------
    >>> import ferroprop as fp
    >>> fp.LOSSES["log_loss"].outputs
    ('logistic', 'softmax')
    """

    value: str
    derivative: str
    constants: Mapping[str, float] = field(repr=False)
    outputs: tuple[str, ...]
    targets: str
    takes_net_inputs: bool
    canonical: bool
    on_softmax: tuple[str, str] | None


@dataclass(frozen=True)
class OptimizerEntry(_Entry):
    """The entry of an optimizer.

    Attributes
    ----------
    name, aliases, hyperparameters, summary, source : as for an activation
        See `ActivationEntry`. The defaults are those that the name stands for: ``"rprop-"`` has another
        `variant` than ``"rprop+"``.
    cls : type
        The class of its objects.
    arrays : tuple of str
        The arrays that it keeps with its defaults, each as long as the parameters.
    adds : str
        What it adds to a parameter, in words.
    takes_mini_batches : bool
        Whether gradients of successive steps may be those of different rows; if not it is for full batches.
    has_learning_rate : bool
        Whether it has a learning rate.
    decays_weights : bool
        Whether weights decay by its own rule, apart from the gradient.

    Examples
    --------
    >>> import ferroprop as fp
    >>> fp.OPTIMIZERS["adam"].cls()
    Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08)
    >>> [name for name, entry in fp.OPTIMIZERS.items() if entry.cls is fp.Rprop]
    ['rprop', 'rprop+', 'rprop-', 'irprop+', 'irprop-']
    """

    cls: type[Optimizer]
    arrays: tuple[str, ...]
    adds: str
    takes_mini_batches: bool
    has_learning_rate: bool
    decays_weights: bool


EntryType = TypeVar("EntryType", bound=_Entry)


_CLASSES: dict[str, Any] = {
    kind.__name__: kind for base in (Activation, Loss, Optimizer) for kind in base.__subclasses__()
}


def _fields(entry: dict[str, Any]) -> dict[str, Any]:
    """Turn the core's description of an entry into its fields."""
    fields = dict(entry)
    name = fields.pop("class")
    fields["cls"] = _CLASSES[name] if name else None
    fields["hyperparameters"] = tuple(Hyperparameter(*one) for one in fields["hyperparameters"])
    if "constants" in fields:
        fields["constants"] = MappingProxyType(fields["constants"])
    return fields


class Catalogue(Mapping[str, EntryType]):
    """An immutable mapping from names to entries.

    Examples
    --------
    >>> import ferroprop as fp
    >>> len(fp.LOSSES) > 5
    True
    >>> fp.LOSSES["hubert"]
    Traceback (most recent call last):
    ...
    KeyError: "no loss 'hubert'; did you mean 'huber'?"
    """

    __slots__ = ("_entries", "_kind")

    def __init__(self, kind: str, entries: Iterable[EntryType]) -> None:
        self._kind = kind
        self._entries: dict[str, EntryType] = {entry.name: entry for entry in entries}

    def __getitem__(self, name: str) -> EntryType:
        """Return the entry of a name."""
        if name in self._entries:
            return self._entries[name]
        meant = _meant(self._kind, name) if isinstance(name, str) else None
        hint = f"; did you mean {meant!r}?" if meant else ""
        raise KeyError(f"no {self._kind} {name!r}{hint}")

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a name, without a look for what may have been meant."""
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._entries)

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._entries)

    def __repr__(self) -> str:
        """Show the names."""
        return f"Catalogue({self._kind!r}, {list(self)})"


ACTIVATIONS = Catalogue("activation", (ActivationEntry(**_fields(entry)) for entry in _ACTIVATIONS))
"""Every activation by its name."""

COMPLEX_ACTIVATIONS = Catalogue(
    "activation", (ActivationEntry(**_fields(entry)) for entry in _COMPLEX_ACTIVATIONS)
)
"""Every activation that complex networks alone have, by its name; formulas are functions of a complex z."""

STOCHASTIC_ACTIVATIONS = Catalogue(
    "activation", (ActivationEntry(**_fields(entry)) for entry in _STOCHASTIC_ACTIVATIONS)
)
"""Every activation whose outputs a training draws at random, by its name."""

LOSSES = Catalogue("loss", (LossEntry(**_fields(entry)) for entry in _LOSSES))
"""Every loss by its name."""

OPTIMIZERS = Catalogue("optimizer", (OptimizerEntry(**_fields(entry)) for entry in _OPTIMIZERS))
"""Every optimizer by its name."""
