"""Configuration files: the arguments and options of a run in TOML, read and written."""

import re
import tomllib
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from ferroprop.cli.destination import written
from ferroprop.cli.problem import Problem
from ferroprop.cli.wording import first_line, shown, suggestion

NOT_OF_THE_RUN = ("config", "save-config", "help")


def load_config(context: typer.Context, path: Path | None) -> Path | None:
    """Add the options of a file to those of the command line, which override them.

    Parameters
    ----------
    context : typer.Context
        The context of the command.
    path : path or None
        The value of ``--config``.

    Returns
    -------
    path or None
        The same path.

    Raises
    ------
    Problem
        If the file cannot be read, or has a key that is not an option of the command.
    """
    if path is None or context.resilient_parsing:
        return path
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Problem(f"--config: cannot read '{path}': {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Problem(f"--config: '{path}' is not TOML: {first_line(error)}") from error
    known = {
        key: parameter
        for parameter in context.command.params
        if (key := _key(parameter)) not in NOT_OF_THE_RUN
    }
    values: dict[str, Any] = {}
    for key, value in content.items():
        if key not in known:
            raise Problem(f"--config: '{path}' has {shown(key)}; {suggestion(key, known)}")
        values[known[key].name or key] = _as_given(known[key], key, value, path)
    context.default_map = {**(context.default_map or {}), **values}
    return path


class WithConfig(TyperCommand):
    """A command whose complaints say which of their options are those of the file."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the values of the command line and of the file."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as problem:
            self._say_whose(ctx, problem, [_key(problem.param)] if problem.param is not None else [])
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Problem as problem:
            what_came = problem.message.rpartition("; ")[0] or problem.message
            self._say_whose(ctx, problem, re.findall(r"--([a-z][a-z-]*)", what_came))
            raise

    def _say_whose(self, ctx: Any, problem: typer.BadParameter, named: list[str]) -> None:
        """Add to a complaint which of these options are those of the file."""
        names = {_key(parameter): parameter.name or "" for parameter in self.params}
        of_file = [
            f"--{key}" for key in dict.fromkeys(named) if key in names and _is_of_file(ctx, names[key])
        ]
        if of_file:
            problem.message += f" ({' and '.join(of_file)} by '{ctx.params['config']}')"


def forget_other_tests(context: typer.Context) -> None:
    """Let what the command line says on the rows to test go before all that a file says on them.

    Parameters
    ----------
    context : typer.Context
        The context of the command, whose values are changed.
    """
    whole, parts = ("cv", "test"), ("test_size", "split_by")
    given = {
        name
        for name in (*whole, *parts)
        if context.params[name] is not None and not _is_of_file(context, name)
    }
    others = {*whole, *parts} if given.intersection(whole) else set(whole) if given else set()
    context.params.update(dict.fromkeys(others - given))


def _is_of_file(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "DEFAULT_MAP"


def check_config_name(path: Path | None) -> None:
    """Refuse an output file whose name does not end like that of a configuration.

    Raises
    ------
    Problem
        If the name does not end in ``.toml``.
    """
    if path is not None and path.suffix.lower() != ".toml":
        raise Problem(f"--save-config: '{path}' does not end like a configuration; expected .toml")


def save_config(path: Path, context: typer.Context) -> None:
    """Write all arguments and options of a run, defaults included; complete or not at all.

    Parameters
    ----------
    path : path
        The file to write.
    context : typer.Context
        The context of the command, with the values.
    """
    import tomli_w

    from ferroprop import __version__

    values = {}
    for parameter in context.command.params:
        key, value = _key(parameter), context.params.get(parameter.name or "")
        if getattr(parameter, "multiple", False):
            value = list(value or ()) or None
        if key not in NOT_OF_THE_RUN and value is not None:
            values[key] = _plain(key, value)
    first = f"# ferroprop {__version__}: ferroprop {context.info_name} --config {path.name}\n"
    text = first + tomli_w.dumps(values)
    with written(path, "--save-config") as temporary:
        temporary.write_text(text, encoding="utf-8")


def _key(parameter: Any) -> str:
    """Return the long name of an option without its dashes, or an argument's name."""
    names = [name for name in parameter.opts if name.startswith("--")]
    return names[0].removeprefix("--") if names else str(parameter.name)


def _as_given(parameter: Any, key: str, value: Any, path: Path) -> Any:
    """Return a value in the form of the command line."""
    if getattr(parameter, "is_flag", False):
        if not isinstance(value, bool):
            raise Problem(f"--config: {shown(key)} in '{path}' is {value!r}; expected true or false")
        return value
    several = getattr(parameter, "multiple", False)
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in values):
        raise Problem(f"--config: {shown(key)} in '{path}' is {value!r}; expected text or a number")
    texts = [str(one) for one in values]
    return texts if several else ",".join(texts)


def _plain(key: str, value: Any) -> Any:
    """Return a value in TOML, in a form that the option can read."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    if (key, value) in (("header", 0), ("quote", "")):
        return "none"
    return str(value) if isinstance(value, Path) else value
