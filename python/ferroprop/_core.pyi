"""The native module; import these names from `ferroprop`."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__version__: str

type Array = NDArray[np.float32] | NDArray[np.float64]

@final
class Logistic:
    def __new__(cls, slope: float = 1.0) -> Self: ...
    @property
    def slope(self) -> float: ...

type Activation = str | Logistic

@final
class Network:
    def __new__(
        cls,
        layer_sizes: Sequence[int],
        *,
        activation: Activation | Sequence[Activation] = "relu",
        output: Activation = "identity",
        bias: bool | Sequence[bool] = True,
        init: Literal["glorot", "uniform"] = "glorot",
        init_range: float = 0.1,
        dtype: str | type | np.dtype[Any] = "float32",
        seed: int = 0,
    ) -> Self: ...
    @property
    def layer_sizes(self) -> list[int]: ...
    @property
    def activations(self) -> list[Activation]: ...  # hidden layers
    @property
    def output(self) -> Activation: ...
    @property
    def bias(self) -> list[bool]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def n_parameters(self) -> int: ...
    @property
    def weights(self) -> list[Array]: ...  # copies, (fan_in, fan_out)
    @property
    def biases(self) -> list[Array | None]: ...  # copies, (fan_out,); None for a layer without biases
    def set_parameters(self, weights: Sequence[ArrayLike], biases: Sequence[ArrayLike | None]) -> None: ...
    def predict(self, X: ArrayLike, *, n_threads: int | None = None) -> Array: ...
    def loss_and_gradients(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        *,
        loss: str | None = None,
        sample_weight: ArrayLike | None = None,
        alpha: float = 0.0,
        n_threads: int | None = None,
    ) -> tuple[float, list[Array], list[Array | None]]: ...
    def save(self, path: str | PathLike[str]) -> None: ...
    @staticmethod
    def load(path: str | PathLike[str]) -> Network: ...
    def copy(self) -> Network: ...
    def __getstate__(self) -> bytes: ...
    def __setstate__(self, state: bytes) -> None: ...

@final
class Rprop:  # iRPROP+
    def __new__(
        cls,
        *,
        increase: float = 1.2,
        decrease: float = 0.5,
        initial_step: float = 0.1,
        min_step: float = 1e-6,
        max_step: float = 50.0,
    ) -> Self: ...

@final
class SGD:
    def __new__(
        cls,
        learning_rate: float = 0.1,
        *,
        momentum: float = 0.9,
        nesterov: bool = True,
        schedule: Literal["constant", "linear", "invscaling", "adaptive"] = "constant",
        final_learning_rate: float = 0.0,  # "linear": the floor, reached at the last epoch
        power_t: float = 0.5,  # "invscaling": learning_rate / (rows seen + 1) ** power_t, set after each epoch
    ) -> Self: ...

@final
class Adam:
    def __new__(
        cls,
        learning_rate: float = 1e-3,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> Self: ...

@final
class Epoch:
    """What a callback gets after each epoch."""

    epoch: int  # 1 for the first
    loss: float
    validation_loss: float | None
    score: float | None
    learning_rate: float | None
    seconds: float

@final
class History:
    loss: list[float]  # one entry an epoch: before the update (full batch), mean over the batches (mini-batch)
    validation_loss: list[float]
    score: list[float]
    learning_rate: list[float]
    epochs: int
    best_epoch: int
    stop_reason: Literal["epochs", "patience", "time", "callback", "interrupted", "diverged"]
    seconds: float

def train(
    network: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    loss: str | None = None,
    optimizer: Rprop | SGD | Adam | None = None,
    epochs: int = 200,
    batch_size: int | None = None,
    shuffle: bool | Callable[[int], NDArray[np.intp]] = True,
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
    validation: tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    score: Callable[[Network], float] | None = None,
    patience: int | None = None,
    tolerance: float = 0.0,
    restore_best: bool | None = None,
    max_time: float | None = None,
    seed: int = 0,
    callback: Callable[[Epoch], bool | None] | None = None,
    n_threads: int | None = None,
    warm_start: bool = False,
) -> History: ...
