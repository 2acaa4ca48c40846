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
        The score's name in the field.
    network : float
        The score of the trained network or networks.
    baseline : float
        The score of the trivial baseline.
    more_is_better : bool
        Whether a larger value is a better one.
    deviation : float or None
        The standard deviation of `network` over the folds of a cross-validation; None without one.
    """

    name: str
    network: float
    baseline: float
    more_is_better: bool
    deviation: float | None = None

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
        The name of that score.
    best_epoch : int or None
        The epoch with the best of these scores, whose weights were kept.
    stopped_early : bool
        Whether the training ended before the allowed number of epochs.
    out_of_time : bool, default=False
        Whether the time limit ended it.
    interrupted : bool, default=False
        Whether Ctrl-C ended it.
    """

    solver: str
    losses: list[float]
    validation_scores: list[float]
    score_name: str
    best_epoch: int | None
    stopped_early: bool
    out_of_time: bool = False  # models before `--max-time` do not say
    interrupted: bool = False  # nor do older models say this

    @property
    def epochs(self) -> int:
        """The number of epochs that were trained."""
        return len(self.losses)


@dataclass(frozen=True)
class Trial:
    """One trial of the search for settings.

    Parameters
    ----------
    number : int
        1 for the first, with the settings as they were given.
    settings : dict of str to object
        The settings that the search chose, by the names of the command line's options.
    loss : float or None
        The mean over the folds of the log loss or, for regression, the RMSE; None if the trial failed.
    deviation : float or None
        The standard deviation of the loss over the folds.
    seconds : float
        How long it took.
    failure : str
        Why it failed; empty if it did not.
    """

    number: int
    settings: dict[str, Any]
    loss: float | None
    deviation: float | None
    seconds: float
    failure: str = ""


@dataclass(frozen=True)
class Card:
    """The description of a model in its file.

    Parameters
    ----------
    task : {'classification', 'regression'}
        The task that was learned.
    target : str
        The column that the model predicts.
    classes : list of str
        The classes in the order of the probabilities; empty for regression.
    columns : list of Column
        The columns that the model needs.
    left_out : dict of str to str
        The columns that the model does not use, each with the reason.
    missing : MissingWords
        The texts that stood for missing values.
    decimal : {'.', ','}
        The decimal sign of the training table, for predictions.
    layout : str
        How the training table was read, in words.
    notes : list of str
        Decisions about the training table that may be wrong.
    model : {'tabular', 'mlp'}
        The kind of estimator.
    settings : dict of str to object
        The options of the model and its training, given or by default, by their names; the estimator chose
        those that are not there.
    layers : list of Layer
        The layers of each network, from the inputs to the outputs.
    history : list of History
        The course of the training of each network.
    trained : int
        How many networks were trained to choose these.
    seconds : float
        The time of the training.
    scores : list of Score
        The scores on the test rows, or the means over the folds of a cross-validation.
    train_rows, test_rows : int
        The numbers of rows for training and for the test.
    folds : int
        The number of folds of the cross-validation, 0 without one.
    trials : list of Trial
        What `--tune` tried; empty without it.
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
    settings: dict[str, Any]
    layers: list[Layer]
    history: list[History]
    trained: int
    seconds: float
    scores: list[Score]
    train_rows: int
    test_rows: int
    folds: int
    trials: list[Trial]
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
            If the values have another form.
        """
        if plain["task"] not in ("classification", "regression"):
            raise ValueError("a known task")
        if plain["model"] not in MODELS:
            raise ValueError("a known model")
        if plain["decimal"] not in (".", ","):
            raise ValueError("a decimal sign")
        trials = [Trial(**trial) for trial in plain.get("trials", [])]  # models before `--tune` have none
        if trials and all(trial.loss is None for trial in trials):
            raise ValueError("a trial that did not fail")
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
            settings={str(name): value for name, value in plain.get("settings", {}).items()},
            layers=[Layer(**layer) for layer in plain["layers"]],
            history=[History(**history) for history in plain["history"]],
            trained=int(plain.get("trained", len(plain["history"]))),  # models before this field do not say
            seconds=float(plain["seconds"]),
            scores=[Score(**score) for score in plain["scores"]],
            train_rows=int(plain["train_rows"]),
            test_rows=int(plain["test_rows"]),
            folds=int(plain.get("folds", 0)),  # models before `--cv` have none
            trials=trials,
            versions={str(name): str(version) for name, version in plain["versions"].items()},
        )
