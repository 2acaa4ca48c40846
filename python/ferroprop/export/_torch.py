"""PyTorch: a network as a ``torch.nn.Sequential``, and back."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from ferroprop._core import Network, RecurrentNetwork
from ferroprop.export._describe import describe
from ferroprop.export._description import (
    Activation,
    Array,
    Dense,
    Quantities,
    Recurrent,
    network_of,
)
from ferroprop.export._preparation import Columns, Preparation
from ferroprop.export._recurrent_layers import from_torch_layer, to_torch_layer

Modules: TypeAlias = ModuleType
"""``torch.nn``, or our own modules beside it."""

SOFTPLUS_THRESHOLD = 40.0
"""Where ``nn.Softplus`` becomes linear: beyond it the difference has no digit in float64."""

CELLS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
"""The modules of layers that recur."""

LEAST_THRESHOLD = 20.0
"""The least threshold of an ``nn.Softplus`` that is read: PyTorch's default; an earlier kink shows."""

IN_TORCH = {"tanh": "tanh", "relu": "relu"}
"""Activations of an "rnn" that ``nn.RNN`` has, with its names."""


def _named(name: str) -> Callable[[Modules, Modules, Mapping[str, float]], Any]:
    return lambda nn, _, __: getattr(nn, name)()


def _own(name: str) -> Callable[[Modules, Modules, Mapping[str, float]], Any]:
    return lambda _, own, given: getattr(own, name)(**given)


ACTIVATIONS: dict[str, Callable[[Modules, Modules, Mapping[str, float]], Any]] = {
    "identity": _named("Identity"),
    "logistic": lambda nn, own, given: (
        nn.Sigmoid() if given["slope"] == 1.0 else own.ScaledLogistic(given["slope"])
    ),
    "tanh": _named("Tanh"),
    "relu": _named("ReLU"),
    "softmax": lambda nn, _, __: nn.Softmax(dim=-1),
    "softplus": lambda nn, _, __: nn.Softplus(threshold=SOFTPLUS_THRESHOLD),
    "softsign": _named("Softsign"),
    "arctan": _own("Arctan"),
    "bipolar": _own("Bipolar"),
    "leaky_relu": lambda nn, _, given: nn.LeakyReLU(given["slope"]),
    "elu": lambda nn, _, given: nn.ELU(given["alpha"]),
    "selu": _named("SELU"),
    "gelu": _named("GELU"),
    "silu": _named("SiLU"),
    "mish": _named("Mish"),
    "hard_sigmoid": _named("Hardsigmoid"),
    "exp": _own("Exp"),
    "log_sigmoid": _named("LogSigmoid"),
    "hard_tanh": _named("Hardtanh"),
    "scaled_tanh": _own("ScaledTanh"),
    "scaled_sigmoid": _own("ScaledSigmoid"),
}
"""The module of each activation, made of ``torch.nn``, of our own modules and of the hyperparameters."""


# ---- to PyTorch --------------------------------------------------------------------------------------------


def to_torch(model: object) -> Any:
    """Return a model as a ``torch.nn.Sequential``.

    Its outputs are those of the network, of shape (n, n_outputs): the numbers that a regressor predicts, the
    probabilities of a classifier, of two classes that of the second one alone, or with a hinge loss its
    scores; ``predict`` of a classifier turns them into labels, the module does not. A recurrent network
    takes an array of shape (n, n_steps, n_inputs). A pipeline's scalers and imputers of numbers become a
    module in front; the rows of a data frame go in as an array, with its columns in their order.

    Parameters
    ----------
    model : Network, RecurrentNetwork, estimator or Pipeline
        An estimator or a pipeline must be fitted.

    Returns
    -------
    module : torch.nn.Sequential
        On the CPU, with the model's dtype and copies of its parameters. A network without dropout: what
        dropout a training had is no part of a model.

    Raises
    ------
    ImportError
        If the package ``torch`` is not installed.
    TypeError, ValueError
        If the model is of another kind, not fitted, has complex numbers or stochastic units, an "rnn" whose
        activation is neither "tanh" nor "relu", or a step that looks up categories; the message names it.

    Examples
    --------
    >>> import ferroprop as fp
    >>> net = fp.Network([4, 3, 2], output_activation="softmax", seed=1)
    >>> from ferroprop.export import to_torch
    >>> to_torch(net)  # doctest: +SKIP
    Sequential(
      (0): Linear(in_features=4, out_features=3, bias=True)
      (1): ReLU()
      (2): Linear(in_features=3, out_features=2, bias=True)
      (3): Softmax(dim=-1)
    )
    """
    described = describe(model, recurrent=True)
    torch, own = _modules("to_torch")
    nn = torch.nn
    dtype = getattr(torch, described.dtype.name)
    modules: list[Any] = []
    if described.preparation is not None:
        modules.append(_prepared(own, described.preparation, dtype))
    for index, layer in enumerate(described.recurrent):
        is_last = index == len(described.recurrent) - 1
        modules.append(_recurrent(torch, index, layer, dtype))
        modules.append(own.LastStep() if is_last and not described.every else own.EveryStep())
    for index, dense in enumerate(described.layers, len(described.recurrent)):
        modules += _dense(torch, own, index, dense, dtype)
    if isinstance(described.result, Quantities) and described.result.operations:
        modules.append(own.Operations(None, described.result.operations, dtype))
    return nn.Sequential(*modules)


def _modules(caller: str) -> tuple[Any, Any]:
    """Return torch and our own modules."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(f"{caller} needs the package torch: pip install torch") from error
    from ferroprop.export import _torch_modules

    return torch, _torch_modules


def _prepared(own: Any, preparation: Preparation, dtype: Any) -> Any:
    for block in preparation.blocks:
        if not isinstance(block.source, Columns):
            name = preparation.columns[block.source.column].name
            raise ValueError(
                f"model must prepare numbers alone to be exported to torch; column {name!r} is looked up in "
                "a table of categories"
            )
    return own.Prepared(preparation.blocks, dtype)


def _dense(torch: Any, own: Any, index: int, layer: Dense, dtype: Any) -> list[Any]:
    name = layer.activation.name
    if name not in ACTIVATIONS:
        raise ValueError(f"layer {index}: the activation {name!r} cannot be written as a module of torch")
    fan_in, fan_out = layer.weights.shape
    linear = torch.nn.Linear(fan_in, fan_out, bias=layer.biases is not None, dtype=dtype)
    arrays = {"weight": layer.weights.T}
    if layer.biases is not None:
        arrays["bias"] = layer.biases
    _load(torch, linear, arrays)
    if name == "identity":
        return [linear]
    return [linear, ACTIVATIONS[name](torch.nn, own, layer.activation.hyperparameters)]


def _recurrent(torch: Any, index: int, layer: Recurrent, dtype: Any) -> Any:
    options = {}
    if layer.cell == "rnn":
        if layer.activation.name not in IN_TORCH:
            raise ValueError(
                f"layer {index}: torch has recurrent layers with the activations {', '.join(IN_TORCH)}, "
                f"got {layer.activation.name!r}"
            )
        options["nonlinearity"] = IN_TORCH[layer.activation.name]
    fan_in, units = len(layer.weights), len(layer.recurrent_weights)
    has_biases = layer.biases is not None
    made = getattr(torch.nn, CELLS[layer.cell])(
        fan_in, units, bias=has_biases, batch_first=True, dtype=dtype, **options
    )
    arrays = to_torch_layer(layer.weights, layer.recurrent_weights, layer.biases, layer.recurrent_biases)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: None if has_biases else 2]
    _load(torch, made, {f"{name}_l0": array for name, array in zip(names, arrays, strict=False)})
    return made


def _load(torch: Any, module: Any, arrays: Mapping[str, Array]) -> None:
    module.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})


# ---- from PyTorch ------------------------------------------------------------------------------------------


def from_torch(module: Any) -> Network[Any] | RecurrentNetwork[Any]:
    """Return a network with the layers and the parameters of a ``torch.nn.Sequential``.

    Sequences in sequences are read one after the other, and ``nn.Identity`` is passed over. Dropout does not
    change predictions and is no part of a network, so a warning tells its rates, which `train` takes. A
    module whose first layers are ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU`` has the form that `to_torch` makes,
    where a module takes the outputs of one or of all steps out of the pair that such a layer returns.

    Parameters
    ----------
    module : torch.nn.Sequential
        ``nn.Linear``, each followed by one activation or none, and ``nn.Dropout``. Activations: ``CELU(1)``,
        ``ELU``, ``GELU``, ``Hardsigmoid``, ``Hardtanh``, ``LeakyReLU``, ``LogSigmoid``, ``Mish``, ``ReLU``,
        ``SELU``, ``Sigmoid``, ``SiLU``, ``Softmax`` (at the end), ``Softplus``, ``Softsign``, ``Tanh``, and
        what `to_torch` makes of others.

    Returns
    -------
    net : Network or RecurrentNetwork
        With the module's dtype, float32 or float64, and copies of its parameters.

    Raises
    ------
    ImportError
        If the package ``torch`` is not installed.
    TypeError, ValueError
        If `module` is no ``Sequential`` or holds a module that a network has not; the message has its place
        and what was expected.

    References
    ----------
    .. [1] A. Paszke et al., "PyTorch: an imperative style, high-performance deep learning library", NeurIPS
       2019.

    Examples
    --------
    >>> import ferroprop as fp
    >>> import torch  # doctest: +SKIP
    >>> module = torch.nn.Sequential(  # doctest: +SKIP
    ...     torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2), torch.nn.Softmax(dim=1)
    ... )
    >>> fp.from_torch(module)  # doctest: +SKIP
    Network([4, 3, 2], activation=['tanh'], output_activation='softmax', dtype='float32')
    """
    torch, own = _modules("from_torch")
    if not _is_sequence(torch, module):
        raise TypeError(f"module must be a torch.nn.Sequential, got {type(module).__name__}")
    reader = _Reader(torch, own)
    for place, one in _flat(torch, module, "module"):
        reader.read(place, one)
    return reader.network()


def _flat(torch: Any, module: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the modules that are no sequences, with their places."""
    _refuse_changed(place, module)
    for name, one in module._modules.items():  # named_children() names a module that is there twice only once
        inner = f"{place}[{name}]" if name.isdigit() else f"{place}.{name}"
        if _is_sequence(torch, one):
            yield from _flat(torch, one, inner)
        else:
            _refuse_changed(inner, one)
            yield inner, one


def _is_sequence(torch: Any, module: Any) -> bool:
    sequence = torch.nn.Sequential
    return isinstance(module, sequence) and type(module).forward is sequence.forward


def _refuse_changed(place: str, module: Any) -> None:
    """Refuse a module that computes something else than its class says."""
    if module._forward_hooks or module._forward_pre_hooks:
        raise ValueError(f"{place} must have no hooks, which could change what it computes")
    if "forward" in vars(module):
        raise ValueError(f"{place} must have no forward of its own, which could change what it computes")


@dataclass
class _Layer:
    """A layer that was read: of a dense one the activation may still come."""

    place: str
    dense: Dense | None = None
    recurrent: Recurrent | None = None
    has_activation: bool = False


class _Reader:
    """Reads modules one after the other."""

    def __init__(self, torch: Any, own: Any) -> None:
        self._torch, self._own = torch, own
        self._layers: list[_Layer] = []
        self._every: bool | None = None
        self._rates: list[str] = []
        self._open = False  # whether the pair of a recurrent layer waits for the module that takes one out

    def read(self, place: str, module: Any) -> None:
        nn = self._torch.nn
        if self._open and type(module) not in (self._own.EveryStep, self._own.LastStep):
            raise ValueError(
                f"{place} must take the outputs out of the pair that a recurrent layer returns, as the "
                f"modules EveryStep and LastStep of to_torch do, got {_shown(module)}"
            )
        kind = type(module)  # a class made of one of these may compute anything
        if kind is nn.Dropout:
            if module.p > 0:
                self._rates.append(f"{place}: {module.p:g}")
        elif kind in (self._own.EveryStep, self._own.LastStep):
            self._take(place, module)
        elif kind is nn.Linear:
            self._linear(place, module)
        elif kind in (nn.RNN, nn.LSTM, nn.GRU):
            self._recurrent(place, module)
        elif kind is not nn.Identity:
            self._activation(place, module)

    def network(self) -> Network[Any] | RecurrentNetwork[Any]:
        """Return the network that was read."""
        if self._open or not self._layers or self._layers[-1].dense is None:
            raise ValueError("module must end with a torch.nn.Linear, and its activation if it has one")
        dtypes = {_weights(layer).dtype.name for layer in self._layers}
        if len(dtypes) > 1 or not dtypes <= {"float32", "float64"}:
            raise ValueError(
                f"module must be of one dtype, float32 or float64, got {', '.join(sorted(dtypes))}"
            )
        recurrent = tuple(layer.recurrent for layer in self._layers if layer.recurrent is not None)
        dense = tuple(layer.dense for layer in self._layers if layer.dense is not None)
        for before, layer in zip(self._layers[:-1], self._layers[1:], strict=True):
            if _sizes(before)[1] != _sizes(layer)[0]:
                raise ValueError(
                    f"{layer.place} must have {_sizes(before)[1]} inputs, the outputs of {before.place}, got "
                    f"{_sizes(layer)[0]}"
                )
        made = (
            _recurrent_network(recurrent, dense, every=bool(self._every)) if recurrent else network_of(dense)
        )
        if self._rates:
            warnings.warn(
                "dropout is no part of a network, and goes to train(dropout=) instead; left out: "
                + ", ".join(self._rates),
                UserWarning,
                stacklevel=3,
            )
        return made

    def _linear(self, place: str, module: Any) -> None:
        weights = _array(self._torch, f"{place}.weight", module.weight).T
        biases = None if module.bias is None else _array(self._torch, f"{place}.bias", module.bias)
        before = self._layers[-1] if self._layers else None
        if before is not None and before.dense is not None and before.dense.activation.name == "softmax":
            raise ValueError(f"{place}: a Softmax must be at the end, got {_shown(module)} after it")
        if self._layers and self._layers[-1].recurrent is None and any(one.recurrent for one in self._layers):
            raise ValueError(f"{place}: a recurrent network has one Linear, after its recurrent layers")
        self._layers.append(_Layer(place, dense=Dense(weights, biases, Activation.of("identity"))))

    def _recurrent(self, place: str, module: Any) -> None:
        if any(layer.dense is not None for layer in self._layers):
            raise ValueError(f"{place}: recurrent layers come first, got {_shown(module)} after a Linear")
        if self._every is False:
            raise ValueError(
                f"{place}: got {_shown(module)} after the last step was taken; expected a Linear"
            )
        wanted = {"batch_first": True, "bidirectional": False, "proj_size": 0}
        for name, value in wanted.items():
            if getattr(module, name) != value:
                raise ValueError(f"{place}: {name} must be {value}, got {getattr(module, name)}")
        if module.dropout > 0:
            self._rates.append(f"{place}: {module.dropout:g}")
        cell = next(cell for cell, name in CELLS.items() if type(module).__name__ == name)
        activation = Activation.of("tanh")
        if cell == "rnn":
            activation = Activation.of(module.nonlinearity)
        if self._layers and self._layers[-1].recurrent is not None:
            before = self._layers[-1].recurrent
            if before.cell != cell:
                raise ValueError(
                    f"{place}: all recurrent layers must be of one kind, got {cell} after {before.cell}"
                )
        for index in range(module.num_layers):
            names = [f"{name}_l{index}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
            arrays = [
                _array(self._torch, f"{place}.{name}", getattr(module, name))
                for name in names[: 4 if module.bias else 2]
            ]
            layer = from_torch_layer(cell, *arrays)
            self._layers.append(_Layer(place, recurrent=Recurrent(cell, *layer, activation)))
        self._open = True

    def _take(self, place: str, module: Any) -> None:
        if not self._open:
            raise ValueError(f"{place}: {_shown(module)} must follow a recurrent layer")
        self._every, self._open = isinstance(module, self._own.EveryStep), False

    def _activation(self, place: str, module: Any) -> None:
        activation = _activation_of(self._torch, self._own, place, module)
        layer = self._layers[-1] if self._layers else None
        if layer is None or layer.dense is None or layer.has_activation:
            raise ValueError(f"{place}: the activation {_shown(module)} must follow a Linear")
        layer.dense = Dense(layer.dense.weights, layer.dense.biases, activation)
        layer.has_activation = True


def _activation_of(torch: Any, own: Any, place: str, module: Any) -> Activation:
    nn, kind = torch.nn, type(module)
    plain = {
        nn.Tanh: "tanh",
        nn.ReLU: "relu",
        nn.Sigmoid: "logistic",
        nn.Softsign: "softsign",
        nn.SELU: "selu",
        nn.SiLU: "silu",
        nn.Mish: "mish",
        nn.Hardsigmoid: "hard_sigmoid",
        nn.LogSigmoid: "log_sigmoid",
        own.Arctan: "arctan",
        own.Bipolar: "bipolar",
        own.Exp: "exp",
    }
    if kind in plain:
        return Activation.of(plain[kind])
    needs: dict[str, Any] = {}
    found: Activation | None = None
    if kind is nn.ELU or kind is nn.CELU:
        found = Activation("elu", {"alpha": float(module.alpha)})
        needs = {"alpha": 1.0} if kind is nn.CELU else {}
    elif kind is nn.LeakyReLU:
        found = Activation("leaky_relu", {"slope": float(module.negative_slope)})
    elif kind is nn.GELU:
        found, needs = Activation.of("gelu"), {"approximate": "none"}
    elif kind is nn.Softplus:
        found, needs = Activation.of("softplus"), {"beta": 1.0}
        if not module.threshold >= LEAST_THRESHOLD:
            raise ValueError(
                f"{place}: threshold of Softplus must be {LEAST_THRESHOLD:g} or more, got {module.threshold}"
            )
    elif kind is nn.Hardtanh:
        found, needs = Activation.of("hard_tanh"), {"min_val": -1.0, "max_val": 1.0}
    elif kind is nn.Softmax:
        if module.dim not in (-1, 1):
            raise ValueError(f"{place}: dim of Softmax must be 1 or -1, got {module.dim}")
        found = Activation.of("softmax")
    elif kind is own.ScaledLogistic:
        found = Activation("logistic", {"slope": module.slope})
    elif kind is own.ScaledTanh:
        found = Activation("scaled_tanh", {"amplitude": module.amplitude, "slope": module.slope})
    elif kind is own.ScaledSigmoid:
        found = Activation("scaled_sigmoid", {"c1": module.c1, "c2": module.c2, "c3": module.c3})
    if found is None:
        raise ValueError(
            f"{place} must be a Linear, an activation that a network has, or a Dropout, got {_shown(module)}"
        )
    for name, value in needs.items():
        if getattr(module, name) != value:
            raise ValueError(
                f"{place}: {name} of {kind.__name__} must be {value!r}, got {getattr(module, name)!r}"
            )
    try:
        found.to_python()
    except ValueError as error:
        raise ValueError(f"{place}: {_shown(module)}: {error}") from None
    return found


def _recurrent_network(
    recurrent: tuple[Recurrent, ...], dense: tuple[Dense, ...], *, every: bool
) -> RecurrentNetwork[Any]:
    (output,) = dense
    sizes = [len(recurrent[0].weights), *(len(layer.recurrent_weights) for layer in recurrent)]
    options: dict[str, Any] = {"cell": recurrent[0].cell}
    if recurrent[0].cell == "rnn":
        options["activation"] = [layer.activation.to_python() for layer in recurrent]
    biases = [*(layer.biases for layer in recurrent), output.biases]
    made: RecurrentNetwork[Any] = RecurrentNetwork(
        [*sizes, output.weights.shape[1]],
        returns="every" if every else "last",
        output_activation=output.activation.to_python(),
        bias=[one is not None for one in biases],
        dtype=output.weights.dtype,
        **options,
    )
    made.set_parameters(
        [*(layer.weights for layer in recurrent), output.weights],
        [*(layer.recurrent_weights for layer in recurrent), None],
        biases,
        [*(layer.recurrent_biases for layer in recurrent), None],
    )
    return made


def _weights(layer: _Layer) -> Array:
    one = layer.dense or layer.recurrent
    assert one is not None
    return one.weights


def _sizes(layer: _Layer) -> tuple[int, int]:
    """Return the numbers of inputs and of units."""
    if layer.recurrent is not None:
        return len(layer.recurrent.weights), len(layer.recurrent.recurrent_weights)
    fan_in, units = _weights(layer).shape
    return fan_in, units


def _array(torch: Any, place: str, parameter: Any) -> Array:
    if isinstance(parameter, torch.nn.parameter.UninitializedParameter):
        raise ValueError(f"{place} has no numbers yet: the module must see a row before it is read")
    if parameter.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"{place} must be float32 or float64, got {str(parameter.dtype).removeprefix('torch.')}"
        )
    if parameter.is_meta:
        raise ValueError(f"{place} has no numbers: it is on the device 'meta'")
    array: Array = parameter.detach().cpu().numpy().copy()
    if not np.isfinite(array).all():
        raise ValueError(f"{place} must hold finite numbers, got NaN or infinity")
    return array


def _shown(module: Any) -> str:
    return f"{type(module).__name__}({module.extra_repr()})"
