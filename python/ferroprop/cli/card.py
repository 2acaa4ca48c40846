"""The card: the description of a trained model, as plain values."""

from dataclasses import asdict, dataclass
from typing import Any

from ferroprop.cli.reading.column import Column
from ferroprop.cli.reading.missing import MissingWords
from ferroprop.cli.settings import MODELS, ModelName
from ferroprop.cli.target import TaskName


@dataclass(frozen=True)
class Layer:
    """The sizes and the activation of one layer."""

    inputs: int
    outputs: int
    activation: str
    parameters: int


@dataclass(frozen=True)
class Score:
    """One line of the table of scores.

    Parameters
    ----------
    name : str
        The field's name for it.
    network : float
        That of the trained network or networks.
    baseline : float
        The trivial baseline's.
    more_is_better : bool
        Whether a larger value is a better one.
    """

    name: str
    network: float
    baseline: float
    more_is_better: bool

    @property
    def network_wins(self) -> bool:
        """Whether the network is better than the baseline."""
        return self.network > self.baseline if self.more_is_better else self.network < self.baseline


@dataclass(frozen=True)
class History:
    """The course of the training of one network.

    Parameters
    ----------
    solver : str
        The optimizer's name.
    losses : list of float
        The training loss after each epoch.
    validation_scores : list of float
        The score on the validation rows after each epoch; empty if the solver kept none.
    score_name : str
        What that score is.
    best_epoch : int or None
        The epoch with the best of these scores; its weights are the ones kept.
    stopped_early : bool
        Whether the training ended before the allowed number of epochs.
    """

    solver: str
    losses: list[float]
    validation_scores: list[float]
    score_name: str
    best_epoch: int | None
    stopped_early: bool

    @property
    def epochs(self) -> int:
        """The number of epochs that were trained."""
        return len(self.losses)


@dataclass(frozen=True)
class Card:
    """The description of a model in its file.

    Parameters
    ----------
    task : {'classification', 'regression'}
        What was learned.
    target : str
        The column it predicts.
    classes : list of str
        The classes in the order of the probabilities; empty for regression.
    columns : list of Column
        The columns it needs.
    left_out : dict of str to str
        The columns that it does not use, each with the reason.
    missing : MissingWords
        What stood for missing in text.
    decimal : {'.', ','}
        The decimal sign of the training table, for predictions.
    layout : str
        How the training table was read, in words.
    notes : list of str
        What was decided on the training table and might be wrong.
    model : {'tabular', 'mlp'}
        Which estimators were trained.
    layers : list of Layer
        Each network, from the inputs to the outputs.
    history : list of History
        How the training of each network went.
    seconds : float
        The time it took.
    scores : list of Score
        The scores on the test rows.
    train_rows, test_rows : int
        How many rows were used for what.
    versions : dict of str to str
        The versions of ferroprop and scikit-learn that trained it.
    """

    task: TaskName
    target: str
    classes: list[str]
    columns: list[Column]
    left_out: dict[str, str]
    missing: MissingWords
    decimal: str
    layout: str
    notes: list[str]
    model: ModelName
    layers: list[Layer]
    history: list[History]
    seconds: float
    scores: list[Score]
    train_rows: int
    test_rows: int
    versions: dict[str, str]

    def to_plain(self) -> dict[str, Any]:
        """Return the card as values that JSON can hold."""
        columns = [column.to_plain() for column in self.columns]
        return {**asdict(self), "columns": columns}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Card":
        """Return the card from the values of `to_plain`.

        Raises
        ------
        KeyError, TypeError, ValueError, AttributeError
            If they are not such values.
        """
        if plain["task"] not in ("classification", "regression"):
            raise ValueError("a known task")
        if plain["model"] not in MODELS:
            raise ValueError("a known model")
        if plain["decimal"] not in (".", ","):
            raise ValueError("a decimal sign")
        return cls(
            task=plain["task"],
            target=str(plain["target"]),
            classes=[str(label) for label in plain["classes"]],
            columns=[Column.from_plain(column) for column in plain["columns"]],
            left_out={str(name): str(reason) for name, reason in plain["left_out"].items()},
            missing=MissingWords(
                everywhere=[str(word) for word in plain["missing"]["everywhere"]],
                usual=[str(word) for word in plain["missing"]["usual"]],
            ),
            decimal=plain["decimal"],
            layout=str(plain["layout"]),
            notes=[str(note) for note in plain["notes"]],
            model=plain["model"],
            layers=[Layer(**layer) for layer in plain["layers"]],
            history=[History(**history) for history in plain["history"]],
            seconds=float(plain["seconds"]),
            scores=[Score(**score) for score in plain["scores"]],
            train_rows=int(plain["train_rows"]),
            test_rows=int(plain["test_rows"]),
            versions={str(name): str(version) for name, version in plain["versions"].items()},
        )
