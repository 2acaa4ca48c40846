"""The options of the model and its training, checked against each other."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ferroprop import OPTIMIZERS
from ferroprop.cli.problem import Problem

ModelName = Literal["tabular", "mlp"]
TEST_SIZE = 0.2
"""The share of the rows that is kept for the test, unless another is given."""

MODELS: list[ModelName] = ["tabular", "mlp"]
"""`TabularMLPClassifier` and `TabularMLPRegressor`; `MLPClassifier` and `MLPRegressor`."""

_DEFAULTS: dict[str, dict[str, Any]] = {
    "tabular": {"members": 5},
    "mlp": {
        "hidden": (32,),
        "activation": "tanh",
        "solver": "rprop",
        "epochs": 300,
        "patience": 30,
        "alpha": 1e-4,
        "dropout": None,
    },
}
_OF_BOTH = ("hidden", "epochs", "batch_size", "learning_rate", "class_weight", "max_time", "threads")


@dataclass(frozen=True)
class Settings:
    """The options as they were given or are by default; None leaves the choice to the estimator."""

    model: ModelName
    seed: int
    members: int | None = None
    hidden: tuple[int, ...] | None = None
    activation: str | None = None
    solver: str | None = None
    alpha: float | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    patience: int | None = None
    class_weight: str | None = None
    dropout: float | None = None
    max_time: float | None = None
    threads: int | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return those that are given or have a default, as values that JSON can hold.

        The number of threads is none of them, because it changes nothing.

        Examples
        --------
        >>> Settings("tabular", 0, members=5, hidden=(64, 32)).to_plain()
        {'model': 'tabular', 'seed': 0, 'members': 5, 'hidden': [64, 32]}
        """
        given = asdict(self).items()
        plain = {name: value for name, value in given if value is not None and name != "threads"}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}


def takes_mini_batches(solver: str) -> bool:
    """Return whether a solver trains on some of the rows at a time, with a learning rate."""
    return solver in OPTIMIZERS and OPTIMIZERS[solver].takes_mini_batches


def settings_of(model: ModelName, seed: int, given: Mapping[str, Any]) -> Settings:
    """Return the given options, completed by the defaults of a model.

    Parameters
    ----------
    model : {'tabular', 'mlp'}
        Which estimators.
    seed : int
        Seeds the split and the initial weights.
    given : mapping of str to object
        The other options by their names; None was not given.

    Returns
    -------
    Settings
        All of them.

    Raises
    ------
    Problem
        If an option was given that this model or its solver does not have.

    Examples
    --------
    >>> settings_of("mlp", 0, {"epochs": 20, "alpha": None}).alpha
    0.0001
    >>> settings_of("tabular", 0, {"epochs": 20, "alpha": None}).members
    5
    """
    defaults = _DEFAULTS[model]
    values = {name: value for name, value in given.items() if value is not None}
    for name, value in values.items():
        if name not in defaults and name not in _OF_BOTH:
            other = next(other for other in MODELS if name in _DEFAULTS[other])
            raise Problem(f"--{name}: got {value} with --model {model}; expected --model {other}")
    values = defaults | values
    for name in ("batch_size", "learning_rate"):
        if model == "mlp" and name in values and not takes_mini_batches(values["solver"]):
            raise Problem(
                f"--{name.replace('_', '-')}: got {values[name]} with --solver {values['solver']}; "
                "expected a solver that takes mini-batches, such as adam"
            )
    if values.get("dropout") and values["solver"] == "lbfgs":
        raise Problem(
            f"--dropout: got {values['dropout']} with --solver lbfgs, whose line search needs a loss "
            "that stays the same; expected another solver"
        )
    return Settings(model, seed, **values)
