"""The commands. Each imports the module that does its work when it runs."""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ferroprop.cli import arguments as given
from ferroprop.cli.config import WithConfig, check_config_name, forget_other_tests, save_config
from ferroprop.cli.console import NARROW, write_in_any_encoding
from ferroprop.cli.options import date_formats
from ferroprop.cli.problem import Problem
from ferroprop.cli.settings import TEST_SIZE, settings_of
from ferroprop.cli.wording import shown

if TYPE_CHECKING:
    from ferroprop.cli.judged import Judged
    from ferroprop.cli.reading.table import Layout

INVALID_VALUE = re.compile(r"^Invalid value for '([^']+)'[^:]*: ")
"""The beginning of typer's messages about options; ours begin with the option."""

_USERS_MISTAKE: type[Exception] = typer.BadParameter.__mro__[2]
"""The exception of all of the user's mistakes: click's, or typer's own copy of it, by typer's version."""

WRONG_INPUT, NOBODY_READS = 2, 1
"""Exit codes apart from 0 and typer's 130 after Ctrl-C; docs/command-line.md explains them."""


class OneLineErrors(TyperGroup):
    """A group of commands that reports the user's mistakes in one line, with exit code 2."""

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
        write_in_any_encoding()
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except _USERS_MISTAKE as problem:
            message = problem.format_message()  # type: ignore[attr-defined]
            context = getattr(problem, "ctx", None)
            is_explained = isinstance(problem, Problem) or INVALID_VALUE.match(message)
            if context is not None and not is_explained:  # a word is missing, or unknown
                end = "" if message.endswith("?") else ";"
                message = f"{message.rstrip('.')}{end} '{context.command_path} --help' lists what there is"
            _complain(INVALID_VALUE.sub(r"\1: ", message))
            sys.exit(WRONG_INPUT)
        except MemoryError:
            _complain("not enough memory")
            sys.exit(WRONG_INPUT)
        except BrokenPipeError:  # the program that reads our output has closed the pipe
            sys.stderr.close()
            sys.exit(NOBODY_READS)
        sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> None:
    typer.secho("error: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(" ".join(message.split()), err=True)


_COLUMNS = shutil.get_terminal_size().columns
_IS_NARROW = _COLUMNS < NARROW

app = typer.Typer(
    name="ferroprop",
    cls=OneLineErrors,
    help="Train a multi-layer perceptron on a table, and use it.",
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    # Frames would cut the names of options on a narrow terminal.
    rich_markup_mode=None if _IS_NARROW else "rich",
    context_settings={
        "help_option_names": ["-h", "--help"],
        **({"terminal_width": _COLUMNS} if _IS_NARROW else {}),
    },
)


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


def _show_manual(context: typer.Context, asked: bool) -> None:
    if asked:
        from ferroprop import __version__
        from ferroprop.cli.manual import manual

        typer.echo(manual(context.command, __version__), nl=False)
        raise typer.Exit


Manual = Annotated[
    bool,
    typer.Option(
        "--man", metavar="", callback=_show_manual, is_eager=True, help="Print the manual page, for man -l -."
    ),
]


@app.callback()
def start(context: typer.Context, version: Version = False, manual: Manual = False) -> None:
    """Train a multi-layer perceptron on a table, and use it."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _layout(
    separator: given.Separator, encoding: given.Encoding, header: given.Header, quote: given.Quote
) -> "Layout":
    """Return how a table is written, as far as the options say it."""
    from ferroprop.cli.reading.table import Layout

    return Layout(separator, encoding, header, '"' if quote is None else quote)


def _judged(
    model: given.Model,
    table: given.Table,
    missing: given.Missing,
    decimal: given.Decimal,
    date_format: given.DateFormat,
    layout: "Layout",
) -> "Judged":
    """Return the model and the rows that `evaluate` and `report` are about."""
    from ferroprop.cli.judged import Judged
    from ferroprop.cli.reading.kinds import Wishes

    wishes = Wishes({}, decimal, date_formats(date_format or []))
    return Judged(model=model, table=table, layout=layout, missing=missing or [], wishes=wishes)


@app.command(cls=WithConfig)
def train(
    context: typer.Context,
    table: given.Table,
    target: given.Target,
    task: given.Task = None,
    ignore: given.Ignore = None,
    test_size: given.TestSize = None,
    split_by: given.SplitBy = None,
    test: given.TestTable = None,
    validation: given.ValidationTable = None,
    cv: given.Cv = None,
    drop_rare_classes: given.DropRareClasses = False,
    number: given.Number = None,
    category: given.Category = None,
    date: given.Date = None,
    date_format: given.DateFormat = None,
    missing: given.Missing = None,
    decimal: given.Decimal = None,
    separator: given.Separator = None,
    quote: given.Quote = None,
    header: given.Header = None,
    encoding: given.Encoding = None,
    model: given.ModelKind = "tabular",
    tune: given.Tune = None,
    members: given.Members = None,
    hidden: given.Hidden = None,
    activation: given.Activation = None,
    solver: given.Solver = None,
    epochs: given.Epochs = None,
    patience: given.Patience = None,
    batch_size: given.BatchSize = None,
    learning_rate: given.LearningRate = None,
    alpha: given.Alpha = None,
    dropout: given.Dropout = None,
    class_weight: given.ClassWeight = None,
    max_time: given.MaxTime = None,
    threads: given.Threads = None,
    seed: given.Seed = 0,
    save: given.Save = None,
    plot: given.Plot = None,
    report: given.Report = None,
    quiet: given.Quiet = False,
    as_json: given.Json = False,
    config: given.Config = None,
    save_config_to: given.SaveConfig = None,
) -> None:
    """Train networks on TABLE to predict one of its columns."""
    options = {
        "members": members,
        "hidden": hidden,
        "activation": activation,
        "solver": solver,
        "epochs": epochs,
        "patience": patience,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "alpha": alpha,
        "dropout": dropout,
        "class_weight": class_weight,
        "max_time": max_time,
        "threads": threads,
    }
    settings = settings_of(model, seed, options)
    forget_other_tests(context)
    test_size, split_by, test, cv = (context.params[name] for name in ("test_size", "split_by", "test", "cv"))
    kinds = _kinds(ignore or [], number=number, category=category, date=date)
    if cv is not None and test_size is not None:
        raise Problem(
            f"--test-size: got {test_size} with --cv {cv}, which tests on all rows; expected one of both"
        )
    if cv is not None and report is not None:
        raise Problem(
            f"--report: got with --cv {cv}, which leaves no rows for a report; expected one of both"
        )
    if cv is not None and split_by is not None:
        raise Problem(
            f"--split-by: got {shown(split_by)} with --cv {cv}, which divides the rows at random; "
            "expected one of both"
        )
    if cv is not None and tune is not None:
        raise Problem(
            f"--tune: got {tune:g} with --cv {cv}, which would score rows that chose the settings; "
            "expected one of both"
        )
    _check_tables(test, validation, cv=cv, test_size=test_size, split_by=split_by, model=model)
    if cv is None and test is None and test_size is None:
        test_size = TEST_SIZE

    from ferroprop.cli.reading.kinds import Wishes
    from ferroprop.cli.reading.missing import MissingWords
    from ferroprop.cli.train import Request
    from ferroprop.cli.train import train as run

    request = Request(
        table=table,
        target=target,
        task="classification" if task == "classification" else "regression" if task else None,
        ignored=ignore or [],
        layout=_layout(separator, encoding, header, quote),
        words=MissingWords(missing or []),
        wishes=Wishes(kinds, decimal, date_formats(date_format or [])),
        drop_rare=drop_rare_classes,
        settings=settings,
        given=frozenset(name for name, value in options.items() if value is not None),
        tune_seconds=None if tune is None else 60 * tune,
        test_size=test_size or 0.0,
        split_by=split_by,
        test=test,
        validation=validation,
        folds=cv or 0,
        save=save,
        plot=plot,
        report=report,
        config=save_config_to,
        quiet=quiet,
        as_json=as_json,
    )
    check_config_name(save_config_to)
    best = run(request)
    if save_config_to is not None:
        # The settings that were found take the place of the search.
        context.params.update(asdict(best), test_size=test_size, tune=None)
        save_config(save_config_to, context)


def _check_tables(
    test: given.TestTable,
    validation: given.ValidationTable,
    *,
    cv: int | None,
    test_size: float | None,
    split_by: str | None,
    model: str,
) -> None:
    """Refuse tables of test and validation rows beside options that choose such rows."""
    if test is not None:
        for option, value in (("--cv", cv), ("--test-size", test_size), ("--split-by", split_by)):
            if value is not None:
                raise Problem(
                    f"--test: got '{test}' with {option} {value}, which chooses rows of TABLE for the test; "
                    "expected one of both"
                )
    if validation is not None and cv is not None:
        raise Problem(f"--validation: got '{validation}' with --cv {cv}; expected one of both")
    if validation is not None and model != "tabular":
        raise Problem(
            f"--validation: got '{validation}' with --model {model}, which takes its validation rows from "
            "TABLE; expected --model tabular"
        )


def _kinds(ignored: Sequence[str], **columns: Sequence[str] | None) -> dict[str, Any]:
    """Return the user's kind of each column."""
    kinds: dict[str, Any] = {}
    for kind, names in columns.items():
        for name in names or ():
            other = "--ignore" if name in ignored else f"--{kinds[name]}" if name in kinds else f"--{kind}"
            if other != f"--{kind}":
                raise Problem(
                    f"--{kind}: column {shown(name)} is also given as {other}; expected one of them"
                )
            kinds[name] = kind
    return kinds


@app.command()
def predict(
    model: given.Model,
    table: given.Table,
    date_format: given.DateFormat = None,
    missing: given.Missing = None,
    decimal: given.Decimal = None,
    separator: given.Separator = None,
    quote: given.Quote = None,
    header: given.Header = None,
    encoding: given.Encoding = None,
    output: given.Output = None,
    quiet: given.Quiet = False,
    as_json: given.Json = False,
) -> None:
    """Predict the target for each row of TABLE, with the probabilities of the classes."""
    from ferroprop.cli.predict import Request
    from ferroprop.cli.predict import predict as run
    from ferroprop.cli.reading.kinds import Wishes

    run(
        Request(
            model=model,
            table=table,
            output=output,
            layout=_layout(separator, encoding, header, quote),
            missing=missing or [],
            wishes=Wishes({}, decimal, date_formats(date_format or [])),
            quiet=quiet,
            as_json=as_json,
        )
    )


@app.command()
def evaluate(
    model: given.Model,
    table: given.Table,
    date_format: given.DateFormat = None,
    missing: given.Missing = None,
    decimal: given.Decimal = None,
    separator: given.Separator = None,
    quote: given.Quote = None,
    header: given.Header = None,
    encoding: given.Encoding = None,
    quiet: given.Quiet = False,
    as_json: given.Json = False,
) -> None:
    """Score MODEL on TABLE, which has the target."""
    from ferroprop.cli.evaluate import Request
    from ferroprop.cli.evaluate import evaluate as run

    run(
        Request(
            rows=_judged(
                model, table, missing, decimal, date_format, _layout(separator, encoding, header, quote)
            ),
            quiet=quiet,
            as_json=as_json,
        )
    )


@app.command()
def report(
    model: given.Model,
    table: given.Table,
    date_format: given.DateFormat = None,
    missing: given.Missing = None,
    decimal: given.Decimal = None,
    separator: given.Separator = None,
    quote: given.Quote = None,
    header: given.Header = None,
    encoding: given.Encoding = None,
    output: given.Page = None,
    quiet: given.Quiet = False,
) -> None:
    """Write a page on MODEL: its errors on TABLE, what its predictions depend on, its training."""
    from ferroprop.cli.html_report import Request
    from ferroprop.cli.html_report import report as run

    run(
        Request(
            rows=_judged(
                model, table, missing, decimal, date_format, _layout(separator, encoding, header, quote)
            ),
            output=output,
            quiet=quiet,
        )
    )


@app.command()
def export(
    model: given.ModelOrNetwork,
    to: given.Form,
    output: given.Exported = None,
    name: given.HeaderName = None,
    as_json: given.Json = False,
) -> None:
    """Write MODEL for another runtime (ONNX, C), or a network as JSON."""
    from ferroprop.cli.export import export as run

    run(model, to, output, name=name, as_json=as_json)


@app.command()
def serve(
    model: given.Model,
    host: given.Host = "127.0.0.1",
    port: given.Port = 8000,
    grace: given.Grace = 30.0,
    quiet: given.QuietServer = False,
    max_rows: given.MostRows = 10_000,
    max_body: given.MostMegabytes = 8.0,
    at_once: given.AtOnce = None,
    queue: given.Queue = 100,
    timeout: given.Timeout = 30.0,
) -> int:
    """Predict by HTTP: rows as JSON to POST /predict, predictions out."""
    from ferroprop.cli.serve import Request
    from ferroprop.cli.serve import serve as run

    return run(
        Request(
            model=model,
            host=host,
            port=port,
            rows=max_rows,
            megabytes=max_body,
            at_once=at_once or _cpus(),
            queue=queue,
            timeout=timeout,
            grace=grace,
            quiet=quiet,
        )
    )


def _cpus() -> int:
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@app.command()
def info(model: given.ModelOrNetwork, as_json: given.Json = False) -> None:
    """Show the contents of MODEL: columns, layers, training history, scores."""
    from ferroprop.cli.info import info as run

    run(model, as_json=as_json)
