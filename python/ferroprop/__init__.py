"""Multi-layer perceptrons with a Rust core.

`Network` and `train` are the core itself; `MLPClassifier` and `MLPRegressor` follow scikit-learn's
conventions, as do `TabularMLPClassifier` and `TabularMLPRegressor` for tables as they come; scikit-learn is
imported only when one of them is used.

Examples
--------
>>> import numpy as np
>>> import ferroprop as fp
>>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
>>> Y = np.array([[0.0], [1.0], [1.0], [0.0]])
>>> net = fp.Network([2, 4, 1], activation="tanh", output_activation="logistic", dtype="float64", seed=1)
>>> history = fp.train(net, X, Y, loss="log_loss", optimizer=fp.Rprop(), epochs=100)
>>> net.predict(X).round().ravel()
array([0., 1., 1., 0.])
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ferroprop import _joblib
from ferroprop import _threadpoolctl as _threadpoolctl  # it registers itself
from ferroprop._core import (
    Activation,
    Adaptive,
    BlockShuffle,
    Cosine,
    Epoch,
    Exponential,
    History,
    InverseScaling,
    LayerValues,
    Linear,
    Loss,
    Network,
    OneCycle,
    Optimizer,
    RecurrentNetwork,
    Schedule,
    __version__,
    train,
    train_many,
)
from ferroprop._minimize import Minimum, minimize
from ferroprop.catalogue import (
    ACTIVATIONS,
    COMPLEX_ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    STOCHASTIC_ACTIVATIONS,
)
from ferroprop.export import _methods as _exports
from ferroprop.export import _recurrent_weights as _of_others
from ferroprop.inspection import (
    GradientCheck,
    GradientError,
    LayerSummary,
    LayerTrace,
    RecurrentLayerTrace,
    RecurrentTrace,
    Summary,
    Trace,
    Update,
    _course,
    check_gradients,
    state_gradients,
    trace,
)
from ferroprop.inspection import _methods as _descriptions
from ferroprop.series import forecast, lagged

# isort: split
# The catalogue's classes.
from ferroprop._core import (
    ELU,
    SARPROP,
    SGD,
    Adam,
    AdamW,
    Bernoulli,
    Categorical,
    Focal,
    GRprop,
    Huber,
    LeakyReLU,
    Logistic,
    LogLoss,
    ModReLU,
    NAdam,
    Quantile,
    RMSprop,
    Rprop,
    ScaledTanh,
    Sigmoid,
)

# The end of the classes.

if TYPE_CHECKING:
    from ferroprop import dask as dask
    from ferroprop import displays as displays
    from ferroprop import distributed as distributed
    from ferroprop import ensemble as ensemble
    from ferroprop import estimators as estimators
    from ferroprop import io as io
    from ferroprop import model_selection as model_selection
    from ferroprop import ray as ray
    from ferroprop import tabular as tabular
    from ferroprop.estimators import (
        ComplexMLPClassifier,
        ComplexMLPRegressor,
        MLPClassifier,
        MLPRegressor,
        RNNClassifier,
        RNNRegressor,
    )
    from ferroprop.export import from_torch
    from ferroprop.tabular import TabularEncoder, TabularMLPClassifier, TabularMLPRegressor

__all__ = [
    "ACTIVATIONS",
    "COMPLEX_ACTIVATIONS",
    "LOSSES",
    "OPTIMIZERS",
    "STOCHASTIC_ACTIVATIONS",
    "Activation",
    "Adaptive",
    "BlockShuffle",
    "ComplexMLPClassifier",
    "ComplexMLPRegressor",
    "Cosine",
    "Epoch",
    "Exponential",
    "GradientCheck",
    "GradientError",
    "History",
    "InverseScaling",
    "LayerSummary",
    "LayerTrace",
    "LayerValues",
    "Linear",
    "Loss",
    "MLPClassifier",
    "MLPRegressor",
    "Minimum",
    "Network",
    "OneCycle",
    "Optimizer",
    "RNNClassifier",
    "RNNRegressor",
    "RecurrentLayerTrace",
    "RecurrentNetwork",
    "RecurrentTrace",
    "Schedule",
    "Summary",
    "TabularEncoder",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "Trace",
    "Update",
    "__version__",
    "check_gradients",
    "forecast",
    "from_torch",
    "lagged",
    "minimize",
    "state_gradients",
    "trace",
    "train",
    "train_many",
]

# Their names.
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
# The end of the names.

_exports.give_methods_to(Network)
_descriptions.give_methods_to(Network)
_descriptions.give_methods_to(RecurrentNetwork)
_of_others.give_methods_to(RecurrentNetwork)
_course.give_methods_to(History)

_joblib.register()

_ESTIMATORS = {
    "ComplexMLPClassifier",
    "ComplexMLPRegressor",
    "MLPClassifier",
    "MLPRegressor",
    "RNNClassifier",
    "RNNRegressor",
}

_MODULES = {
    "dask",
    "displays",
    "distributed",
    "ensemble",
    "estimators",
    "io",
    "model_selection",
    "ray",
    "tabular",
}

if not TYPE_CHECKING:  # a type checker must keep on seeing a misspelt name

    def __getattr__(name: str) -> object:
        """Import modules, the estimators, and with them scikit-learn, and what needs PyTorch on first use."""
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name == "from_torch":
            from ferroprop import export as module
        elif name in _ESTIMATORS:
            from ferroprop import estimators as module
        elif name in {"TabularEncoder", "TabularMLPClassifier", "TabularMLPRegressor"}:
            from ferroprop import tabular as module
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = estimator = getattr(module, name)
        return estimator


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
