"""The native module; import these names from `ferroprop`, where they are documented."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import GenericAlias
from typing import Any, ClassVar, Generic, Literal, Protocol, Self, TypeAlias, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import TypeVar, disjoint_base

from ferroprop.export._c_header import CHeader
from ferroprop.inspection._summary import Summary

__all__ = [
    "_ACTIVATIONS",
    "_COMPLEX_ACTIVATIONS",
    "_LOSSES",
    "_OPTIMIZERS",
    "_STOCHASTIC_ACTIVATIONS",
    "Activation",
    "Adaptive",
    "BlockShuffle",
    "Cosine",
    "Epoch",
    "Exponential",
    "History",
    "InverseScaling",
    "LayerValues",
    "Linear",
    "Loss",
    "Network",
    "NotedCheckpoint",
    "OneCycle",
    "Optimizer",
    "Partial",
    "RecurrentNetwork",
    "RemoteRows",
    "RowOrders",
    "Schedule",
    "_CallersArithmetic",
    "_Replacement",
    "_StandardArithmetic",
    "__version__",
    "_check_replaceable",
    "_group_rows",
    "_meant",
    "_minimize",
    "_n_threads",
    "_natural_loss",
    "_partial_sums",
    "_predict_each",
    "_set_thread_limit",
    "_thread_limit",
    "_train_each",
    "checkpoint_note",
    "train",
    "train_many",
]

__version__: str

def _n_threads() -> int: ...
def _thread_limit() -> int | None: ...
def _set_thread_limit(limit: int | None) -> None: ...

@final
class _StandardArithmetic:
    def __new__(cls) -> Self: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *_error: object) -> None: ...

@final
class _CallersArithmetic:
    def __new__(cls) -> Self: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *_error: object) -> None: ...

_Array: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
_Numbers: TypeAlias = NDArray[Any]  # of a network's dtype, which may be complex

@disjoint_base
class Activation:
    name: ClassVar[str]
    @property
    def hyperparameters(self) -> dict[str, float]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __getstate__(self) -> dict[str, float]: ...
    def __setstate__(self, state: dict[str, float]) -> None: ...

@disjoint_base
class Loss:
    name: ClassVar[str]
    @property
    def hyperparameters(self) -> dict[str, float]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __getstate__(self) -> dict[str, float]: ...
    def __setstate__(self, state: dict[str, float]) -> None: ...

@disjoint_base
class Optimizer:
    name: ClassVar[str]
    @property
    def hyperparameters(self) -> dict[str, Any]: ...
    @property
    def state(self) -> dict[str, Any]: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...
    def step(self, parameters: _Array, gradient: ArrayLike, loss: float | None = None) -> None: ...
    def __copy__(self) -> Self: ...
    def __getstate__(self) -> dict[str, Any]: ...
    def __setstate__(self, state: dict[str, Any]) -> None: ...

_ACTIVATIONS: tuple[dict[str, Any], ...]
_COMPLEX_ACTIVATIONS: tuple[dict[str, Any], ...]
_STOCHASTIC_ACTIVATIONS: tuple[dict[str, Any], ...]
_LOSSES: tuple[dict[str, Any], ...]
_OPTIMIZERS: tuple[dict[str, Any], ...]

def _natural_loss(output: str | Activation) -> str: ...
def _meant(kind: str, name: str) -> str | None: ...

_Activation: TypeAlias = str | Activation
_Init: TypeAlias = Literal["glorot", "he", "lecun", "orthogonal", "zeros", "uniform"]
_Dtype = TypeVar("_Dtype", bound=np.generic, default=Any)
_Given = TypeVar("_Given", bound=np.generic)

class _Sparse(Protocol):
    def tocsr(self) -> Any: ...

_Rows: TypeAlias = ArrayLike | _Sparse
_Sequences: TypeAlias = ArrayLike | Sequence[ArrayLike]
_State: TypeAlias = Sequence[ArrayLike | tuple[ArrayLike, ArrayLike]]
_V = TypeVar("_V")
_Each: TypeAlias = _V | list[_V]
_Loss: TypeAlias = str | Loss | Callable[[_Numbers, _Numbers], tuple[ArrayLike, ArrayLike]]

@final
class Network(Generic[_Dtype]):
    @overload
    def __new__(
        cls,
        layer_sizes: Sequence[int],
        *,
        activation: _Activation | Sequence[_Activation] = "relu",
        output_activation: _Activation = "identity",
        bias: bool | Sequence[bool] = True,
        init: _Init = "glorot",
        init_range: float = 0.1,
        dtype: Literal["float32"] = "float32",
        seed: int = 0,
    ) -> Network[np.float32]: ...
    @overload
    def __new__(
        cls,
        layer_sizes: Sequence[int],
        *,
        activation: _Activation | Sequence[_Activation] = "relu",
        output_activation: _Activation = "identity",
        bias: bool | Sequence[bool] = True,
        init: _Init = "glorot",
        init_range: float = 0.1,
        dtype: Literal["float64"],
        seed: int = 0,
    ) -> Network[np.float64]: ...
    @overload
    def __new__(
        cls,
        layer_sizes: Sequence[int],
        *,
        activation: _Activation | Sequence[_Activation] = "relu",
        output_activation: _Activation = "identity",
        bias: bool | Sequence[bool] = True,
        init: _Init = "glorot",
        init_range: float = 0.1,
        dtype: Literal["complex64"],
        seed: int = 0,
    ) -> Network[np.complex64]: ...
    @overload
    def __new__(
        cls,
        layer_sizes: Sequence[int],
        *,
        activation: _Activation | Sequence[_Activation] = "relu",
        output_activation: _Activation = "identity",
        bias: bool | Sequence[bool] = True,
        init: _Init = "glorot",
        init_range: float = 0.1,
        dtype: Literal["complex128"],
        seed: int = 0,
    ) -> Network[np.complex128]: ...
    @overload
    def __new__(
        cls,
        layer_sizes: Sequence[int],
        *,
        activation: _Activation | Sequence[_Activation] = "relu",
        output_activation: _Activation = "identity",
        bias: bool | Sequence[bool] = True,
        init: _Init = "glorot",
        init_range: float = 0.1,
        dtype: type[_Given] | np.dtype[_Given],
        seed: int = 0,
    ) -> Network[_Given]: ...
    @overload
    def __new__(
        cls,
        layer_sizes: Sequence[int],
        *,
        activation: _Activation | Sequence[_Activation] = "relu",
        output_activation: _Activation = "identity",
        bias: bool | Sequence[bool] = True,
        init: _Init = "glorot",
        init_range: float = 0.1,
        dtype: str | type | np.dtype[Any],
        seed: int = 0,
    ) -> Network[Any]: ...
    def __class_getitem__(cls, dtype: Any) -> GenericAlias: ...
    @property
    def layer_sizes(self) -> list[int]: ...
    @property
    def activations(self) -> list[_Activation]: ...
    @property
    def output_activation(self) -> _Activation: ...
    @property
    def bias(self) -> list[bool]: ...
    @property
    def dtype(self) -> np.dtype[_Dtype]: ...
    @property
    def n_parameters(self) -> int: ...
    @property
    def _kinds(self) -> list[tuple[str, int]]: ...
    @property
    def weights(self) -> list[NDArray[_Dtype]]: ...
    @property
    def biases(self) -> list[NDArray[_Dtype] | None]: ...
    @property
    def parameter_vector(self) -> NDArray[_Dtype]: ...
    def set_parameter_vector(self, vector: ArrayLike) -> None: ...
    def set_parameters(self, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike | None]) -> None: ...
    @overload
    def predict(
        self,
        X: _Rows,
        *,
        samples: int | None = None,
        seed: int = 0,
        dropout: float | Sequence[float] | None = None,
        return_std: Literal[False] = False,
        return_samples: bool = False,
        n_threads: int | None = None,
    ) -> NDArray[_Dtype]: ...
    @overload
    def predict(
        self,
        X: _Rows,
        *,
        samples: int,
        seed: int = 0,
        dropout: float | Sequence[float] | None = None,
        return_std: Literal[True],
        return_samples: Literal[False] = False,
        n_threads: int | None = None,
    ) -> tuple[NDArray[_Dtype], NDArray[_Dtype]]: ...
    def log_likelihood(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        *,
        samples: int = 1000,
        seed: int = 0,
        dropout: float | Sequence[float] | None = None,
        n_threads: int | None = None,
    ) -> NDArray[np.float64]: ...
    def hidden(self, X: _Rows, layer: int = -1, *, n_threads: int | None = None) -> NDArray[_Dtype]: ...
    def input_gradient(self, X: ArrayLike, *, n_threads: int | None = None) -> NDArray[_Dtype]: ...
    def loss_and_gradients(
        self,
        X: _Rows,
        Y: ArrayLike,
        *,
        loss: _Loss | None = None,
        sample_weight: ArrayLike | None = None,
        alpha: float = 0.0,
        noise_seed: int | None = None,
        n_threads: int | None = None,
    ) -> tuple[float, list[NDArray[_Dtype]], list[NDArray[_Dtype] | None]]: ...
    def layer_values(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        *,
        loss: _Loss | None = None,
        sample_weight: ArrayLike | None = None,
        noise_seed: int | None = None,
    ) -> tuple[_Array, list[LayerValues]]: ...
    def save(self, path: str | PathLike[str]) -> None: ...
    @staticmethod
    def load(path: str | PathLike[str]) -> Network[Any]: ...
    def to_onnx(self, path: str | PathLike[str] | None = None, *, opset: int = 13) -> Any: ...
    def to_torch(self) -> Any: ...
    def to_keras_weights(self) -> list[NDArray[Any]]: ...
    def to_c(
        self,
        path: str | PathLike[str] | None = None,
        *,
        name: str = "net",
        dtype: Literal["float", "int8"] = "float",
        X: Any = None,
        y: Any = None,
    ) -> CHeader: ...
    def to_json(self, path: str | PathLike[str] | None = None) -> str: ...
    @classmethod
    def from_json(cls, source: str | PathLike[str]) -> Self: ...
    def summary(self) -> Summary: ...
    def _repr_html_(self) -> str: ...
    def copy(self) -> Self: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object) -> Self: ...
    @staticmethod
    def _from_bytes(data: bytes) -> Network[Any]: ...

@final
class RecurrentNetwork(Generic[_Dtype]):
    def __new__(
        cls,
        layer_sizes: Sequence[int],
        *,
        cell: Literal["rnn", "lstm", "gru"] = "rnn",
        returns: Literal["last", "every"] = "last",
        activation: _Activation | Sequence[_Activation] = "tanh",
        output_activation: _Activation = "identity",
        bias: bool | Sequence[bool] = True,
        init: _Init = "glorot",
        init_range: float = 0.1,
        recurrent_init: Literal[
            "orthogonal", "identity", "glorot", "torch", "zeros", "uniform"
        ] = "orthogonal",
        dtype: str | type | np.dtype[Any] = "float32",
        seed: int = 0,
    ) -> RecurrentNetwork[Any]: ...
    @property
    def layer_sizes(self) -> list[int]: ...
    @property
    def cell(self) -> Literal["rnn", "lstm", "gru"]: ...
    @property
    def returns(self) -> Literal["last", "every"]: ...
    @property
    def activations(self) -> list[_Activation]: ...
    @property
    def output_activation(self) -> _Activation: ...
    @property
    def bias(self) -> list[bool]: ...
    @property
    def dtype(self) -> np.dtype[_Dtype]: ...
    @property
    def n_parameters(self) -> int: ...
    @property
    def _kinds(self) -> list[tuple[str, int]]: ...
    @property
    def weights(self) -> list[NDArray[_Dtype]]: ...
    @property
    def recurrent_weights(self) -> list[NDArray[_Dtype] | None]: ...
    @property
    def biases(self) -> list[NDArray[_Dtype] | None]: ...
    @property
    def recurrent_biases(self) -> list[NDArray[_Dtype] | None]: ...
    @property
    def parameter_vector(self) -> NDArray[_Dtype]: ...
    def set_parameter_vector(self, vector: ArrayLike) -> None: ...
    def set_parameters(
        self,
        weights: Sequence[ArrayLike],
        recurrent_weights: Sequence[ArrayLike | None],
        biases: Sequence[ArrayLike | None],
        recurrent_biases: Sequence[ArrayLike | None] | None = None,
    ) -> None: ...
    def predict(
        self,
        X: _Sequences,
        *,
        lengths: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        state: _State | None = None,
        return_state: bool = False,
        n_threads: int | None = None,
    ) -> Any: ...
    def loss_and_gradients(
        self,
        X: _Sequences,
        Y: _Sequences,
        *,
        lengths: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        loss: _Loss | None = None,
        sample_weight: _Sequences | None = None,
        alpha: float = 0.0,
        truncate: int | None = None,
        washout: int = 0,
        n_threads: int | None = None,
    ) -> tuple[float, dict[str, list[NDArray[_Dtype] | None]]]: ...
    def loss_and_gradient_vector(
        self,
        X: _Sequences,
        Y: _Sequences,
        *,
        lengths: Sequence[int] | NDArray[np.integer[Any]] | None = None,
        loss: _Loss | None = None,
        sample_weight: _Sequences | None = None,
        alpha: float = 0.0,
        truncate: int | None = None,
        washout: int = 0,
        n_threads: int | None = None,
    ) -> tuple[float, NDArray[_Dtype]]: ...
    def save(self, path: str | PathLike[str]) -> None: ...
    @staticmethod
    def load(path: str | PathLike[str]) -> RecurrentNetwork[Any]: ...
    def _sequence_values(
        self,
        X: _Sequences,
        Y: _Sequences,
        *,
        loss: _Loss | None,
        sample_weight: _Sequences | None,
        truncate: int | None,
        washout: int,
    ) -> tuple[list[int], list[Any], NDArray[_Dtype], NDArray[_Dtype], NDArray[_Dtype]]: ...
    def torch_weights(self) -> dict[str, NDArray[_Dtype]]: ...
    def set_torch_weights(self, weights: Mapping[str, ArrayLike]) -> None: ...
    def set_keras_weights(self, weights: Sequence[ArrayLike]) -> None: ...
    def to_onnx(self, path: str | PathLike[str] | None = None, *, opset: int = 13) -> Any: ...
    def to_torch(self) -> Any: ...
    def to_keras_weights(self) -> list[NDArray[Any]]: ...
    def summary(self) -> Summary: ...
    def _repr_html_(self) -> str: ...
    def copy(self) -> Self: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object) -> Self: ...
    @staticmethod
    def _from_bytes(data: bytes) -> RecurrentNetwork[Any]: ...

@final
class LayerValues:
    @property
    def net_input(self) -> _Numbers: ...
    @property
    def output(self) -> _Numbers: ...
    @property
    def derivative(self) -> _Numbers: ...
    @property
    def conjugate_derivative(self) -> _Numbers | None: ...
    @property
    def delta(self) -> _Numbers: ...

@disjoint_base
class Schedule:
    def values(self, steps: int) -> NDArray[np.float64]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[type[Self], tuple[float | None, ...]]: ...

@final
class Linear(Schedule):
    def __new__(
        cls,
        value: float,
        final: float = 0.0,
        warm_up: float = 0.0,
        flat: float = 0.0,
        steps: int | None = None,
    ) -> Self: ...
    @property
    def value(self) -> float: ...
    @property
    def final(self) -> float: ...
    @property
    def warm_up(self) -> float: ...
    @property
    def flat(self) -> float: ...
    @property
    def steps(self) -> int | None: ...

@final
class Cosine(Schedule):
    def __new__(
        cls,
        value: float,
        final: float = 0.0,
        warm_up: float = 0.0,
        flat: float = 0.0,
        steps: int | None = None,
    ) -> Self: ...
    @property
    def value(self) -> float: ...
    @property
    def final(self) -> float: ...
    @property
    def warm_up(self) -> float: ...
    @property
    def flat(self) -> float: ...
    @property
    def steps(self) -> int | None: ...

@final
class Exponential(Schedule):
    def __new__(
        cls,
        value: float,
        final: float,
        warm_up: float = 0.0,
        flat: float = 0.0,
        steps: int | None = None,
    ) -> Self: ...
    @property
    def value(self) -> float: ...
    @property
    def final(self) -> float: ...
    @property
    def warm_up(self) -> float: ...
    @property
    def flat(self) -> float: ...
    @property
    def steps(self) -> int | None: ...

@final
class OneCycle(Schedule):
    def __new__(
        cls,
        value: float,
        warm_up: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        steps: int | None = None,
    ) -> Self: ...
    @property
    def value(self) -> float: ...
    @property
    def warm_up(self) -> float: ...
    @property
    def div_factor(self) -> float: ...
    @property
    def final_div_factor(self) -> float: ...
    @property
    def steps(self) -> int | None: ...

@final
class InverseScaling(Schedule):
    def __new__(cls, value: float, power: float = 0.5) -> Self: ...
    @property
    def value(self) -> float: ...
    @property
    def power(self) -> float: ...

@final
class Adaptive(Schedule):
    def __new__(cls, value: float) -> Self: ...
    @property
    def value(self) -> float: ...

_Scheduled: TypeAlias = float | Schedule | Callable[[int], float]

@final
class BlockShuffle:
    def __new__(cls, block_rows: int = 1024, buffer_blocks: int = 64) -> Self: ...
    @property
    def block_rows(self) -> int: ...
    @property
    def buffer_blocks(self) -> int: ...

_Order: TypeAlias = bool | Literal["blocks"] | BlockShuffle | Callable[[int], NDArray[np.intp]]

# The catalogue's classes.
class Logistic(Activation):
    def __new__(
        cls,
        slope: float = 1.0,
    ) -> Self: ...
    @property
    def slope(self) -> float: ...

class LeakyReLU(Activation):
    def __new__(
        cls,
        slope: float = 0.01,
    ) -> Self: ...
    @property
    def slope(self) -> float: ...

class ELU(Activation):
    def __new__(
        cls,
        alpha: float = 1.0,
    ) -> Self: ...
    @property
    def alpha(self) -> float: ...

class ScaledTanh(Activation):
    def __new__(
        cls,
        amplitude: float = 1.7159,
        slope: float = 0.6666666666666666,
    ) -> Self: ...
    @property
    def amplitude(self) -> float: ...
    @property
    def slope(self) -> float: ...

class Sigmoid(Activation):
    def __new__(
        cls,
        c1: float = 1.0,
        c2: float = 1.0,
        c3: float = 0.0,
    ) -> Self: ...
    @property
    def c1(self) -> float: ...
    @property
    def c2(self) -> float: ...
    @property
    def c3(self) -> float: ...

class ModReLU(Activation):
    def __new__(
        cls,
        threshold: float = -0.5,
    ) -> Self: ...
    @property
    def threshold(self) -> float: ...

class Bernoulli(Activation):
    def __new__(
        cls,
        estimator: Literal[
            "straight_through", "concrete", "straight_through_concrete", "score_function"
        ] = "straight_through",
        *,
        temperature: float = 1.0,
        samples: int = 1,
        frozen: bool = False,
    ) -> Self: ...
    @property
    def estimator(
        self,
    ) -> Literal["straight_through", "concrete", "straight_through_concrete", "score_function"]: ...
    @property
    def temperature(self) -> float: ...
    @property
    def samples(self) -> int: ...
    @property
    def frozen(self) -> bool: ...

class Categorical(Activation):
    def __new__(
        cls,
        k: int = 10,
        estimator: Literal[
            "straight_through", "concrete", "straight_through_concrete", "score_function"
        ] = "straight_through",
        *,
        temperature: float = 1.0,
        samples: int = 1,
        frozen: bool = False,
    ) -> Self: ...
    @property
    def k(self) -> int: ...
    @property
    def estimator(
        self,
    ) -> Literal["straight_through", "concrete", "straight_through_concrete", "score_function"]: ...
    @property
    def temperature(self) -> float: ...
    @property
    def samples(self) -> int: ...
    @property
    def frozen(self) -> bool: ...

class LogLoss(Loss):
    def __new__(
        cls,
        label_smoothing: float = 0.0,
    ) -> Self: ...
    @property
    def label_smoothing(self) -> float: ...

class Huber(Loss):
    def __new__(
        cls,
        delta: float = 1.0,
    ) -> Self: ...
    @property
    def delta(self) -> float: ...

class Quantile(Loss):
    def __new__(
        cls,
        quantile: float = 0.5,
    ) -> Self: ...
    @property
    def quantile(self) -> float: ...

class Focal(Loss):
    def __new__(
        cls,
        gamma: float = 2.0,
    ) -> Self: ...
    @property
    def gamma(self) -> float: ...

class Rprop(Optimizer):
    def __new__(
        cls,
        variant: Literal["rprop+", "rprop-", "irprop+", "irprop-"] = "irprop+",
        *,
        increase: float = 1.2,
        decrease: float = 0.5,
        initial_step: float | tuple[float, float] = 0.1,
        min_step: float = 1e-06,
        max_step: float = 50.0,
        seed: int = 0,
    ) -> Self: ...
    @property
    def variant(self) -> Literal["rprop+", "rprop-", "irprop+", "irprop-"]: ...
    @property
    def increase(self) -> float: ...
    @property
    def decrease(self) -> float: ...
    @property
    def initial_step(self) -> float | tuple[float, float]: ...
    @property
    def min_step(self) -> float: ...
    @property
    def max_step(self) -> float: ...
    @property
    def seed(self) -> int: ...

class GRprop(Optimizer):
    def __new__(
        cls,
        *,
        increase: float = 1.2,
        decrease: float = 0.5,
        initial_step: float | tuple[float, float] = 0.1,
        min_step: float = 1e-06,
        max_step: float = 1.0,
        offset: float = 1e-06,
        choice: Literal["smallest_gradient", "smallest_step"] = "smallest_gradient",
        seed: int = 0,
    ) -> Self: ...
    @property
    def increase(self) -> float: ...
    @property
    def decrease(self) -> float: ...
    @property
    def initial_step(self) -> float | tuple[float, float]: ...
    @property
    def min_step(self) -> float: ...
    @property
    def max_step(self) -> float: ...
    @property
    def offset(self) -> float: ...
    @property
    def choice(self) -> Literal["smallest_gradient", "smallest_step"]: ...
    @property
    def seed(self) -> int: ...

class SARPROP(Optimizer):
    def __new__(
        cls,
        *,
        temperature: float = 0.01,
        threshold: float = 0.1,
        noise: float = 8.0,
        weight_decay: float = 0.0,
        increase: float = 1.2,
        decrease: float = 0.5,
        initial_step: float | tuple[float, float] = 0.1,
        min_step: float = 1e-06,
        max_step: float = 50.0,
        seed: int = 0,
    ) -> Self: ...
    @property
    def temperature(self) -> float: ...
    @property
    def threshold(self) -> float: ...
    @property
    def noise(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def increase(self) -> float: ...
    @property
    def decrease(self) -> float: ...
    @property
    def initial_step(self) -> float | tuple[float, float]: ...
    @property
    def min_step(self) -> float: ...
    @property
    def max_step(self) -> float: ...
    @property
    def seed(self) -> int: ...

class SGD(Optimizer):
    def __new__(
        cls,
        learning_rate: _Scheduled = 0.1,
        *,
        momentum: float = 0.9,
        nesterov: bool = True,
    ) -> Self: ...
    @property
    def learning_rate(self) -> _Scheduled: ...
    @property
    def momentum(self) -> float: ...
    @property
    def nesterov(self) -> bool: ...

class Adam(Optimizer):
    def __new__(
        cls,
        learning_rate: _Scheduled = 0.001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-08,
    ) -> Self: ...
    @property
    def learning_rate(self) -> _Scheduled: ...
    @property
    def beta_1(self) -> float: ...
    @property
    def beta_2(self) -> float: ...
    @property
    def epsilon(self) -> float: ...

class AdamW(Optimizer):
    def __new__(
        cls,
        learning_rate: _Scheduled = 0.001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-08,
        weight_decay: _Scheduled = 0.01,
    ) -> Self: ...
    @property
    def learning_rate(self) -> _Scheduled: ...
    @property
    def beta_1(self) -> float: ...
    @property
    def beta_2(self) -> float: ...
    @property
    def epsilon(self) -> float: ...
    @property
    def weight_decay(self) -> _Scheduled: ...

class NAdam(Optimizer):
    def __new__(
        cls,
        learning_rate: _Scheduled = 0.002,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-08,
        momentum_decay: float = 0.004,
    ) -> Self: ...
    @property
    def learning_rate(self) -> _Scheduled: ...
    @property
    def beta_1(self) -> float: ...
    @property
    def beta_2(self) -> float: ...
    @property
    def epsilon(self) -> float: ...
    @property
    def momentum_decay(self) -> float: ...

class RMSprop(Optimizer):
    def __new__(
        cls,
        learning_rate: _Scheduled = 0.01,
        *,
        rho: float = 0.99,
        epsilon: float = 1e-08,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> Self: ...
    @property
    def learning_rate(self) -> _Scheduled: ...
    @property
    def rho(self) -> float: ...
    @property
    def epsilon(self) -> float: ...
    @property
    def momentum(self) -> float: ...
    @property
    def centered(self) -> bool: ...

__all__ += [
    "ELU",
    "SARPROP",
    "SGD",
    "Adam",
    "AdamW",
    "Bernoulli",
    "Categorical",
    "Focal",
    "GRprop",
    "Huber",
    "LeakyReLU",
    "LogLoss",
    "Logistic",
    "ModReLU",
    "NAdam",
    "Quantile",
    "RMSprop",
    "Rprop",
    "ScaledTanh",
    "Sigmoid",
]
# The end of the classes.

@final
class Epoch:
    def __new__(
        cls,
        *,
        network: Network | RecurrentNetwork,
        epoch: int,
        loss: float,
        penalty: float = 0.0,
        validation_loss: float | None = None,
        validation_score: float | None = None,
        learning_rate: float | None = None,
        seconds: float = 0.0,
    ) -> Self: ...
    @property
    def network(self) -> Any: ...
    @property
    def epoch(self) -> int: ...
    @property
    def loss(self) -> float: ...
    @property
    def penalty(self) -> float: ...
    @property
    def validation_loss(self) -> float | None: ...
    @property
    def validation_score(self) -> float | None: ...
    @property
    def learning_rate(self) -> float | None: ...
    @property
    def seconds(self) -> float: ...

@final
class History:
    @property
    def loss(self) -> list[float]: ...
    @property
    def penalty(self) -> list[float]: ...
    @property
    def validation_loss(self) -> list[float]: ...
    @property
    def validation_score(self) -> list[float]: ...
    @property
    def learning_rate(self) -> list[float]: ...
    @property
    def epochs(self) -> int: ...
    @property
    def best_epoch(self) -> int: ...
    @property
    def stop_reason(self) -> Literal["epochs", "patience", "time", "callback", "interrupted", "diverged"]: ...
    @property
    def seconds(self) -> float: ...
    def _repr_html_(self) -> str: ...
    @staticmethod
    def _from_state(state: dict[str, Any]) -> History: ...

@final
class Partial:
    def __new__(
        cls, dtype: str, groups: int, nodes: list[tuple[int, int, float, float, ArrayLike]]
    ) -> Self: ...
    @property
    def dtype(self) -> str: ...
    @property
    def range(self) -> tuple[int, int]: ...
    @property
    def groups(self) -> int: ...
    @property
    def mean_loss(self) -> float | None: ...
    def __add__(self, other: Partial, /) -> Partial: ...
    def __radd__(self, other: Partial, /) -> Partial: ...

@final
class RemoteRows:
    def __new__(cls, n_rows: int, sums: Callable[[Any, bool], Partial], digest: str = "") -> Self: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def sums(self) -> Callable[[Any, bool], Partial]: ...
    @property
    def digest(self) -> str: ...

def _partial_sums(
    network: Network,
    X: ArrayLike | _Sparse,
    Y: ArrayLike,
    *,
    n_rows: int,
    first_row: int = 0,
    loss: _Loss | None = None,
    sample_weight: ArrayLike | None = None,
    gradient: bool = True,
    n_threads: int | None = None,
) -> Partial: ...
def _group_rows(network: Network, n_rows: int) -> int: ...
def _minimize(
    network: Network | RecurrentNetwork,
    X: _Sequences | _Sparse,
    Y: _Sequences,
    *,
    loss: _Loss | None = None,
    sample_weight: _Sequences | None = None,
    alpha: float = 0.0,
    truncate: int | None = None,
    washout: int = 0,
    lengths: Sequence[int] | NDArray[np.integer[Any]] | None = None,
    memory: int = 10,
    max_iter: int = 15000,
    max_fun: int = 15000,
    gtol: float = 1e-5,
    ftol: float = 2.220446049250313e-09,
    outputs_in_mean: int = 1,
    max_time: float | None = None,
    callback: Callable[[Epoch], object] | None = None,
    n_threads: int | None = None,
) -> tuple[float, float, list[float], list[float], int, Any, float]: ...
def train(
    network: Network | RecurrentNetwork,
    X: _Sequences | _Sparse,
    Y: _Sequences,
    *,
    loss: _Loss | None = None,
    optimizer: Optimizer | str | None = None,
    epochs: int = 200,
    batch_size: int | None = None,
    shuffle: _Order = True,
    sample_weight: _Sequences | None = None,
    alpha: float = 0.0,
    clip_norm: float | None = None,
    truncate: int | None = None,
    washout: int = 0,
    lengths: Sequence[int] | NDArray[np.integer[Any]] | None = None,
    dropout: _Scheduled | Sequence[_Scheduled] = 0.0,
    validation: tuple[_Sequences | _Sparse, _Sequences]
    | tuple[_Sequences | _Sparse, _Sequences, _Sequences | None]
    | None = None,
    validation_score: Callable[[Any], float] | None = None,
    patience: int | None = None,
    tolerance: float = 0.0,
    restore_best: bool | None = None,
    max_time: float | None = None,
    seed: int = 0,
    callback: Callable[[Epoch], bool | None] | None = None,
    n_threads: int | None = None,
    warm_start: bool = False,
    checkpoint: str | PathLike[str] | NotedCheckpoint | None = None,
    checkpoint_every: int = 10,
) -> History: ...
def _predict_each(networks: list[Network], X: ArrayLike, n_threads: int | None) -> NDArray[Any]: ...
def _train_each(
    trainings: Sequence[tuple[list[Any], dict[str, Any]]], n_threads: int | None
) -> list[History]: ...
def train_many(
    networks: Iterable[Network | RecurrentNetwork],
    X: _Sequences | _Sparse,
    Y: _Sequences,
    *,
    rows: _Each[ArrayLike | None] = None,
    validation_rows: _Each[ArrayLike | None] = None,
    loss: _Each[_Loss | None] = None,
    optimizer: _Each[Optimizer | str | None] = None,
    epochs: _Each[int] = 200,
    batch_size: _Each[int | None] = None,
    shuffle: _Each[_Order] = True,
    sample_weight: _Each[ArrayLike | None] = None,
    alpha: _Each[float] = 0.0,
    clip_norm: _Each[float | None] = None,
    truncate: _Each[int | None] = None,
    washout: _Each[int] = 0,
    lengths: _Each[tuple[int, ...] | NDArray[np.integer[Any]] | None] = None,
    dropout: _Each[_Scheduled | tuple[_Scheduled, ...]] = 0.0,
    validation: _Each[
        tuple[_Sequences | _Sparse, _Sequences]
        | tuple[_Sequences | _Sparse, _Sequences, _Sequences | None]
        | None
    ] = None,
    validation_score: _Each[Callable[[Any], float] | None] = None,
    patience: _Each[int | None] = None,
    tolerance: _Each[float] = 0.0,
    restore_best: _Each[bool | None] = None,
    max_time: _Each[float | None] = None,
    seed: _Each[int] = 0,
    callback: _Each[Callable[[Epoch], bool | None] | None] = None,
    n_threads: int | None = None,
    warm_start: _Each[bool] = False,
    checkpoint: _Each[str | PathLike[str] | NotedCheckpoint | None] = None,
    checkpoint_every: _Each[int] = 10,
) -> list[History]: ...

@final
class NotedCheckpoint:
    def __new__(cls, path: str | PathLike[str], note: Callable[[], tuple[str, list[float]]]) -> Self: ...

@final
class RowOrders:
    def __new__(cls, n_rows: int, key: NDArray[np.uint32], pos: int) -> Self: ...
    def __call__(self, epoch: int) -> NDArray[np.int64]: ...
    @property
    def drawn(self) -> int: ...
    @property
    def state(self) -> tuple[NDArray[np.uint32], int]: ...

def checkpoint_note(path: str | PathLike[str]) -> tuple[str, list[float]] | None: ...

@final
class _Replacement:
    def __new__(cls, path: str | PathLike[str]) -> Self: ...
    def __enter__(self) -> Path: ...
    def __exit__(self, kind: object, error: object, traceback: object) -> None: ...

def _check_replaceable(path: str | PathLike[str]) -> None: ...
