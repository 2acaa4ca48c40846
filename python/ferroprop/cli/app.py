"""The commands and their options; what they do is in the modules of their names, imported when they run."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ferroprop.cli.options import layer_sizes, number, one_of, whole_number
from ferroprop.cli.problem import Problem

SOLVERS = ["rprop", "adam", "sgd", "lbfgs"]
ACTIVATIONS = ["tanh", "relu", "logistic", "identity"]
TASKS = ["classification", "regression"]

INVALID_VALUE = re.compile(r"^Invalid value for '([^']+)'[^:]*: ")
"""How typer begins a message about an option; ours begin with the option alone."""


class OneLineErrors(TyperGroup):
    """A group of commands that answers what the user can put right with one line and exit code 2."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command that `args` name, and exit."""
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except typer.TyperException as problem:
            _complain(INVALID_VALUE.sub(r"\1: ", problem.format_message()))
            sys.exit(2)
        except MemoryError:
            _complain("not enough memory")
            sys.exit(2)
        except BrokenPipeError:  # the reader of our output had enough
            sys.stderr.close()
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> None:
    typer.secho("error: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(" ".join(message.split()), err=True)


app = typer.Typer(
    name="ferroprop",
    cls=OneLineErrors,
    help="Train a multi-layer perceptron on a table, and use it.",
    add_completion=False,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

TABLE_PANEL = "The table"
NETWORK_PANEL = "The network"
TRAINING_PANEL = "The training"
RESULTS_PANEL = "What comes out"


def _option(help: str, metavar: str, panel: str, *names: str, **more: Any) -> Any:
    """Return an option with a short metavar, so that its help has room."""
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel=panel, **more)


def _argument(help: str, metavar: str) -> Any:
    return typer.Argument(help=help, metavar=metavar, show_default=False)


Table = Annotated[Path, _argument("A CSV or Parquet file.", "TABLE")]
Model = Annotated[Path, _argument("A file that 'ferroprop train --save' wrote.", "MODEL")]
ModelOrNetwork = Annotated[
    Path, _argument("A file that 'ferroprop train --save' or 'Network.save' wrote.", "MODEL")
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

Target = Annotated[
    str, _option("The column to predict.", "COLUMN", TABLE_PANEL, "--target", "-t", show_default=False)
]
Task = Annotated[
    str | None,
    _option(
        "classification or regression; if not given, the target column decides.",
        *("TASK", TABLE_PANEL),
        parser=one_of(TASKS),
        show_default=False,
    ),
]
Ignore = Annotated[
    list[str] | None,
    _option("A column not to learn from; may be given several times.", "COLUMN", TABLE_PANEL),
]
TestSize = Annotated[
    float,
    _option(
        "The part of the rows kept for the test.",
        *("PART", TABLE_PANEL),
        parser=number(lambda part: 0.05 <= part <= 0.5, "a number from 0.05 to 0.5"),
    ),
]
Hidden = Annotated[
    Any,
    _option(
        "The sizes of the hidden layers, such as 32,16, or none.", "SIZES", NETWORK_PANEL, parser=layer_sizes
    ),
]
Activation = Annotated[
    str,
    _option(
        "tanh, relu, logistic or identity, in the hidden layers.",
        "NAME",
        NETWORK_PANEL,
        parser=one_of(ACTIVATIONS),
    ),
]
Solver = Annotated[
    str,
    _option(
        "rprop, which needs no learning rate, adam, sgd or lbfgs.",
        "NAME",
        TRAINING_PANEL,
        parser=one_of(SOLVERS),
    ),
]
Epochs = Annotated[
    int, _option("The most passes over the training rows.", "N", TRAINING_PANEL, parser=whole_number(1))
]
Patience = Annotated[
    int,
    _option(
        "Stop after so many epochs without a better validation score.",
        "N",
        TRAINING_PANEL,
        parser=whole_number(1),
    ),
]
BatchSize = Annotated[
    int | None,
    _option(
        "Rows an update, for adam and sgd.", "N", TRAINING_PANEL, parser=whole_number(1), show_default=False
    ),
]
LearningRate = Annotated[
    float | None,
    _option(
        "How far an update goes, for adam and sgd.",
        *("RATE", TRAINING_PANEL),
        parser=number(lambda rate: rate > 0, "a number above 0"),
        show_default=False,
    ),
]
Alpha = Annotated[
    float,
    _option(
        "The weight of the L2 penalty.",
        *("WEIGHT", TRAINING_PANEL),
        parser=number(lambda weight: weight >= 0, "a number, at least 0"),
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


def _show_version(asked: bool) -> None:
    if asked:
        from ferroprop import __version__

        typer.echo(f"ferroprop {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", metavar="", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
]


@app.callback()
def start(context: typer.Context, version: Version = False) -> None:
    """Train a multi-layer perceptron on a table, and use it."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def train(
    table: Table,
    target: Target,
    task: Task = None,
    ignore: Ignore = None,
    test_size: TestSize = 0.2,
    hidden: Hidden = "32",
    activation: Activation = "tanh",
    solver: Solver = "rprop",
    epochs: Epochs = 300,
    patience: Patience = 30,
    batch_size: BatchSize = None,
    learning_rate: LearningRate = None,
    alpha: Alpha = 1e-4,
    seed: Seed = 0,
    save: Save = None,
    plot: Plot = None,
    quiet: Quiet = False,
) -> None:
    """Train a network on TABLE to predict one of its columns."""
    for option, value in {"--batch-size": batch_size, "--learning-rate": learning_rate}.items():
        if value is not None and solver not in ("adam", "sgd"):
            raise Problem(f"{option}: got {value} with --solver {solver}; expected --solver adam or sgd")

    from ferroprop.cli.fitting import Settings
    from ferroprop.cli.train import Request
    from ferroprop.cli.train import train as run

    settings = Settings(
        hidden_layer_sizes=hidden,
        activation=activation,
        solver=solver,
        alpha=alpha,
        learning_rate_init=learning_rate,
        batch_size=batch_size,
        epochs=epochs,
        patience=patience,
        seed=seed,
    )
    request = Request(
        table=table,
        target=target,
        task="classification" if task == "classification" else "regression" if task else None,
        ignored=ignore or [],
        settings=settings,
        test_size=test_size,
        save=save,
        plot=plot,
        quiet=quiet,
    )
    run(request)


@app.command()
def predict(model: Model, table: Table, output: Output = None, quiet: Quiet = False) -> None:
    """Predict the target for each row of TABLE, with the probabilities of the classes."""
    from ferroprop.cli.predict import predict as run

    run(model, table, output, quiet=quiet)


@app.command()
def info(model: ModelOrNetwork) -> None:
    """Show what MODEL holds: columns, layers, training history, scores."""
    from ferroprop.cli.info import info as run

    run(model)
