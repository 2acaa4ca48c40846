"""The manual page, made from the help of the commands: ``ferroprop --man | man -l -``."""

from collections.abc import Iterator
from typing import Any

EXIT_STATUS = {
    0: "Success. Ctrl-C during the training of --model mlp ends it with success, too; during the search of "
    "--tune it ends the search, and the training with the best settings follows.",
    1: "The reader of the output closed it; or a bug in ferroprop, with a traceback.",
    2: "An argument, an option or a table cannot be used, or a package is missing. One line on "
    "standard error says why; nothing was written.",
    130: "Ctrl-C at any other time.",
}


def manual(group: Any, version: str) -> str:
    r"""Return the manual page of a group of commands, for ``man``.

    Parameters
    ----------
    group : typer.core.TyperGroup
        The commands, with their help.
    version : str
        The version of the package.

    Returns
    -------
    str
        The page in the macros of man(7).
    """
    lines = [
        f'.TH FERROPROP 1 "" {_quoted(f"ferroprop {version}")} "User Commands"',
        ".SH NAME",
        rf"ferroprop \- {_text(_first_small(group.help).rstrip('.'))}",
        ".SH SYNOPSIS",
    ]
    for place, (name, command) in enumerate(group.commands.items()):
        arguments = " ".join(
            rf"\fI{_text(p.metavar)}\fR" for p in command.params if p.param_type_name == "argument"
        )
        lines += [
            *([".br"] if place else []),
            f".B ferroprop {name}",
            rf"{arguments} [\fIoptions\fR]",
        ]
    lines += [".SH DESCRIPTION", *_paragraph(group.help), ".SH OPTIONS", *_options(group)]
    for name, command in group.commands.items():
        lines += [f".SH FERROPROP {_text(name.upper())}", *_paragraph(command.help), *_options(command)]
    lines.append(".SH EXIT STATUS")
    for code, meaning in EXIT_STATUS.items():
        lines += [".TP", f".B {code}", *_paragraph(meaning)]
    return "\n".join(lines) + "\n"


def _options(command: Any) -> Iterator[str]:
    """Give the arguments and options of a command under the headings of its help."""
    panels: dict[str, list[Any]] = {}
    for parameter in command.params:
        if not getattr(parameter, "hidden", False):
            panels.setdefault(getattr(parameter, "rich_help_panel", None) or "", []).append(parameter)
    for panel, parameters in panels.items():
        if panel:
            yield f".SS {_text(panel)}"
        for parameter in parameters:
            yield ".TP"
            yield _heading(parameter)
            yield from _paragraph(f"{parameter.help or ''}{_default(parameter)}")


def _heading(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return rf"\fI{_text(parameter.metavar)}\fR"
    names = ", ".join(rf"\fB{_text(name)}\fR" for name in sorted(parameter.opts, key=len, reverse=True))
    value = "" if parameter.is_flag or not parameter.metavar else rf" \fI{_text(parameter.metavar)}\fR"
    return f"{names}{value}"


def _default(parameter: Any) -> str:
    """Return what the help says of the default, as another sentence."""
    shown = getattr(parameter, "show_default", False)
    if isinstance(shown, str):
        return f" Default: {shown}."
    default = parameter.default
    plain = isinstance(default, str | int | float) and not isinstance(default, bool)
    return f" Default: {default}." if shown and plain else ""


def _paragraph(text: str | None) -> list[str]:
    return [_text(" ".join((text or "").split()))]


def _first_small(text: str | None) -> str:
    text = text or ""
    return text[:1].lower() + text[1:]


def _text(text: str) -> str:
    r"""Return text in which nothing is a request or an escape of roff.

    Examples
    --------
    >>> print(_text("--quiet"), _text(".5 of all"), _text("a\\b"))
    \-\-quiet \&.5 of all a\eb
    """
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text


def _quoted(text: str) -> str:
    return f'"{_text(text)}"'
