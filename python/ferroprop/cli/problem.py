"""The exception for mistakes that the user can correct."""

import typer


class Problem(typer.TyperException):
    """An argument, option or table cannot be used.

    Parameters
    ----------
    message : str
        One line: which argument, what came, what was expected; `ferroprop.cli.app` prints it.
    """

    exit_code = 2
