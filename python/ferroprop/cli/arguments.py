"""The arguments and options of the commands, as typer declares them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ferroprop import ACTIVATIONS, OPTIMIZERS
from ferroprop.cli.config import load_config
from ferroprop.cli.options import (
    decimal_sign,
    encoding_name,
    header_line,
    layer_sizes,
    number,
    one_of,
    quotation_mark,
    separator_sign,
    whole_number,
)
from ferroprop.cli.settings import MODELS, TEST_SIZE

SOLVERS = [*OPTIMIZERS, "lbfgs"]
HIDDEN_ACTIVATIONS = [name for name in ACTIVATIONS if name != "softmax"]  # that is for outputs
TASKS = ["classification", "regression"]
FORMS = ["onnx", "c", "json"]

TABLE_PANEL = "The table"
NETWORK_PANEL = "The networks"
TRAINING_PANEL = "The training"
RESULTS_PANEL = "What comes out"
READING_PANEL = "How to read the table (found out, and said, if not given)"
RUN_PANEL = "The run"
SERVER_PANEL = "The server"
LIMITS_PANEL = "Its limits"


def _option(help: str, metavar: str, panel: str, *names: str, **more: Any) -> Any:
    """Return an option with a short metavar, so that its help has room."""
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel=panel, **more)


def _one_of(names: Sequence[str]) -> dict[str, Any]:
    """Return how an option is read that is one of these names; shells complete them."""
    return {"parser": one_of(names), "autocompletion": lambda: list(names)}


def _argument(help: str, metavar: str) -> Any:
    return typer.Argument(help=help, metavar=metavar, show_default=False)


Table = Annotated[Path, _argument("A CSV or Parquet file; - is standard input.", "TABLE")]
Model = Annotated[Path, _argument("A file that 'ferroprop train --save' wrote.", "MODEL")]
ModelOrNetwork = Annotated[
    Path, _argument("A file that 'ferroprop train --save' or 'Network.save' wrote.", "MODEL")
]
Form = Annotated[
    str,
    _option(
        "The form: onnx (a graph), c (a header in C99; models of 'train --model mlp', and networks) or json "
        "(networks alone).",
        *("FORM", RESULTS_PANEL, "--to"),
        **_one_of(FORMS),
        show_default=False,
    ),
]
Exported = Annotated[
    Path | None,
    _option(
        "Write to this file instead of MODEL with another suffix.",
        *("FILE", RESULTS_PANEL, "--output", "-o"),
        show_default=False,
    ),
]
HeaderName = Annotated[
    str | None,
    _option(
        "The prefix of all names in a header; net if not given. Two headers in one program need two names.",
        *("NAME", RESULTS_PANEL, "--name"),
        show_default=False,
    ),
]
Quiet = Annotated[
    bool, _option("No progress and no notes, only results.", "", RESULTS_PANEL, "--quiet", "-q")
]
Output = Annotated[
    Path | None,
    _option(
        "Write TABLE with the predictions to this file (.csv, .parquet).",
        *("FILE", RESULTS_PANEL, "--output", "-o"),
        show_default=False,
    ),
]

Page = Annotated[
    Path | None,
    _option(
        "Write the page to this file (.html).",
        *("FILE", RESULTS_PANEL, "--output", "-o"),
        show_default="MODEL.html",
    ),
]

Json = Annotated[
    bool,
    _option("Print the results as JSON, for scripts.", "", RESULTS_PANEL, "--json"),
]

Target = Annotated[
    str, _option("The column to predict.", "COLUMN", TABLE_PANEL, "--target", "-t", show_default=False)
]
Task = Annotated[
    str | None,
    _option(
        "classification or regression; if not given, the target column decides.",
        *("TASK", TABLE_PANEL),
        **_one_of(TASKS),
        show_default=False,
    ),
]
Ignore = Annotated[
    list[str] | None,
    _option("A column not to learn from; may be given several times.", "COLUMN", TABLE_PANEL),
]
DropRareClasses = Annotated[
    bool,
    _option("Leave out the rows of classes with fewer than 5.", "", TABLE_PANEL, "--drop-rare-classes"),
]
Number = Annotated[
    list[str] | None,
    _option("A column of numbers, whatever it looks like.", "COLUMN", READING_PANEL),
]
Category = Annotated[
    list[str] | None, _option("A column of categories, such as codes.", "COLUMN", READING_PANEL)
]
Date = Annotated[list[str] | None, _option("A column of dates or times.", "COLUMN", READING_PANEL)]
DateFormat = Annotated[
    list[str] | None,
    _option(
        "How dates are written, such as %d.%m.%Y, or day=%m/%d/%Y for the column 'day' alone.",
        *("FORMAT", READING_PANEL),
    ),
]
Missing = Annotated[
    list[str] | None,
    _option("A text that stands for missing in all columns.", "TEXT", READING_PANEL),
]
Decimal = Annotated[
    str | None,
    _option(
        "The decimal sign of all numbers: . or ,",
        *("SIGN", READING_PANEL),
        parser=decimal_sign,
        show_default=False,
    ),
]
Separator = Annotated[
    str | None,
    _option(
        "What stands between cells: a sign, or comma, semicolon, tab, pipe, space.",
        *("SIGN", READING_PANEL),
        parser=separator_sign,
        show_default=False,
    ),
]
Quote = Annotated[
    str | None,
    _option(
        "The quotation mark around cells, or none.",
        *("SIGN", READING_PANEL),
        parser=quotation_mark,
        show_default='"',
    ),
]
Header = Annotated[
    int | None,
    _option(
        "The number of the line with the names of the columns, or none.",
        *("LINE", READING_PANEL),
        parser=header_line,
        show_default=False,
    ),
]
Encoding = Annotated[
    str | None,
    _option(
        "The encoding of the text, such as cp1252.",
        *("NAME", READING_PANEL),
        parser=encoding_name,
        show_default=False,
    ),
]
TestSize = Annotated[
    float | None,
    _option(
        "The part of the rows kept for the test.",
        *("PART", TABLE_PANEL),
        parser=number(lambda part: 0.05 <= part <= 0.5, "a number from 0.05 to 0.5"),
        show_default=str(TEST_SIZE),
    ),
]
SplitBy = Annotated[
    str | None,
    _option(
        "Test on the latest rows by this column of dates, or on other groups than those to train.",
        *("COLUMN", TABLE_PANEL),
        show_default=False,
    ),
]
TestTable = Annotated[
    Path | None,
    _option(
        "Test on the rows of this table; the model then learns from all rows of TABLE.",
        *("FILE", TABLE_PANEL, "--test"),
        show_default=False,
    ),
]
ValidationTable = Annotated[
    Path | None,
    _option(
        "Decide by the rows of this table when a training stops, in place of folds of TABLE.",
        *("FILE", TABLE_PANEL, "--validation"),
        show_default=False,
    ),
]
Cv = Annotated[
    int | None,
    _option(
        "Score by cross-validation with N folds in place of test rows; the model then learns from all rows.",
        *("N", TABLE_PANEL),
        parser=whole_number(2, 100),
        show_default=False,
    ),
]
Tune = Annotated[
    float | None,
    _option(
        "Search for that long for better settings than those by default; what is given here stays.",
        *("MINUTES", NETWORK_PANEL),
        parser=number(lambda minutes: minutes > 0, "a number of minutes above 0"),
        show_default=False,
    ),
]
ModelKind = Annotated[
    Any,
    _option(
        "tabular: the mean of several networks, nothing to tune; mlp: one network, by the options below.",
        *("KIND", NETWORK_PANEL, "--model"),
        **_one_of(MODELS),
    ),
]
Members = Annotated[
    int | None,
    _option(
        "How many networks, for tabular.",
        *("N", NETWORK_PANEL),
        parser=whole_number(1),
        show_default="5",
    ),
]
Hidden = Annotated[
    Any,
    _option(
        "The sizes of the hidden layers, such as 32,16, or none.",
        *("SIZES", NETWORK_PANEL),
        parser=layer_sizes,
        show_default="128,128,128; mlp: 32",
    ),
]
Activation = Annotated[
    str | None,
    _option(
        "The function of the hidden layers of mlp: tanh, relu, gelu, or another of ferroprop.ACTIVATIONS.",
        *("NAME", NETWORK_PANEL),
        **_one_of(HIDDEN_ACTIVATIONS),
        show_default="tanh",
    ),
]
Solver = Annotated[
    str | None,
    _option(
        "For mlp: rprop, which needs no learning rate, adam, adamw, sgd, lbfgs, or another of "
        "ferroprop.OPTIMIZERS.",
        *("NAME", TRAINING_PANEL),
        **_one_of(SOLVERS),
        show_default="rprop",
    ),
]
Epochs = Annotated[
    int | None,
    _option(
        "The most passes over the training rows.",
        *("N", TRAINING_PANEL),
        parser=whole_number(1),
        show_default="by the number of rows; mlp: 300",
    ),
]
Patience = Annotated[
    int | None,
    _option(
        "For mlp: stop when more epochs than these in a row have no better validation loss.",
        *("N", TRAINING_PANEL),
        parser=whole_number(1),
        show_default="30",
    ),
]
BatchSize = Annotated[
    int | None,
    _option(
        "Rows an update, for tabular, and for mlp with adam, sgd and their kin.",
        *("N", TRAINING_PANEL),
        parser=whole_number(1),
        show_default=False,
    ),
]
LearningRate = Annotated[
    float | None,
    _option(
        "How far an update goes, for tabular, and for mlp with adam, sgd and their kin.",
        *("RATE", TRAINING_PANEL),
        parser=number(lambda rate: rate > 0, "a number above 0"),
        show_default=False,
    ),
]
ClassWeight = Annotated[
    str | None,
    _option(
        "balanced: each class counts as much as each other, however rare; for classification.",
        *("NAME", TRAINING_PANEL),
        **_one_of(["balanced"]),
        show_default=False,
    ),
]
Alpha = Annotated[
    float | None,
    _option(
        "For mlp: the weight of the L2 penalty.",
        *("WEIGHT", TRAINING_PANEL),
        parser=number(lambda weight: weight >= 0, "a number, at least 0"),
        show_default="0.0001",
    ),
]
Dropout = Annotated[
    float | None,
    _option(
        "For mlp: the part of each hidden layer's outputs that each step leaves out, at random.",
        *("PART", TRAINING_PANEL),
        parser=number(lambda part: 0 <= part < 1, "a number from 0 to below 1"),
        show_default=False,
    ),
]
MaxTime = Annotated[
    float | None,
    _option(
        "The most seconds of the training; what has been learned until then is the model.",
        *("SECONDS", TRAINING_PANEL),
        parser=number(lambda seconds: seconds > 0, "a number of seconds above 0"),
        show_default=False,
    ),
]
Threads = Annotated[
    int | None,
    _option(
        "How many threads train; the model is the same for any number.",
        *("N", TRAINING_PANEL),
        parser=whole_number(1),
        show_default="one per core",
    ),
]
Seed = Annotated[
    int,
    _option(
        "Decides on the split and the first weights.", "N", TRAINING_PANEL, parser=whole_number(0, 2**32 - 1)
    ),
]
Save = Annotated[
    Path | None, _option("Write the model to this file (.skops).", "MODEL", RESULTS_PANEL, show_default=False)
]
Plot = Annotated[
    Path | None,
    _option("Draw the learning curve (.png, .svg, .pdf).", "PNG", RESULTS_PANEL, show_default=False),
]

Report = Annotated[
    Path | None,
    _option(
        "Write a page on the model and its errors on the test rows (.html).",
        *("PAGE", RESULTS_PANEL),
        show_default=False,
    ),
]
Config = Annotated[
    Path | None,
    _option(
        "Take arguments and options from this file (.toml); those given here go first.",
        *("FILE", RUN_PANEL),
        callback=load_config,
        is_eager=True,
        show_default=False,
    ),
]
SaveConfig = Annotated[
    Path | None,
    _option(
        "Write all arguments and options of this run to this file (.toml).",
        *("FILE", RUN_PANEL, "--save-config"),
        show_default=False,
    ),
]

Host = Annotated[
    str,
    _option("The address to listen on; 0.0.0.0 lets other machines in.", "ADDRESS", SERVER_PANEL),
]
Port = Annotated[
    int,
    _option("The port; 0 takes one that is free.", "N", SERVER_PANEL, parser=whole_number(0, 65_535)),
]
Grace = Annotated[
    float,
    _option(
        "How many seconds requests have to end after SIGTERM or Ctrl-C.",
        *("SECONDS", SERVER_PANEL),
        parser=number(lambda seconds: seconds >= 1, "a number, at least 1"),
    ),
]
QuietServer = Annotated[
    bool, _option("No line for each request, only what goes wrong.", "", SERVER_PANEL, "--quiet", "-q")
]
MostRows = Annotated[
    int, _option("The most rows of a request.", "N", LIMITS_PANEL, "--max-rows", parser=whole_number(1))
]
MostMegabytes = Annotated[
    float,
    _option(
        "The most MiB of a request.",
        *("SIZE", LIMITS_PANEL, "--max-body"),
        parser=number(lambda size: size > 0, "a number above 0"),
    ),
]
AtOnce = Annotated[
    int | None,
    _option(
        "How many predictions are made at a time.",
        *("N", LIMITS_PANEL, "--at-once"),
        parser=whole_number(1, 1024),
        show_default="the number of CPUs",
    ),
]
Queue = Annotated[
    int,
    _option("How many more requests may wait; others get 503.", "N", LIMITS_PANEL, parser=whole_number(0)),
]
Timeout = Annotated[
    float,
    _option(
        "How many seconds a request may take.",
        *("SECONDS", LIMITS_PANEL),
        parser=number(lambda seconds: seconds > 0, "a number above 0"),
    ),
]
