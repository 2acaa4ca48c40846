"""The one exception for what the user can put right."""

import typer


class Problem(typer.TyperException):
    """Something that was given cannot be used.

    Parameters
    ----------
    message : str
        One line: which argument, what came, what was expected; `ferroprop.cli.app` prints it.
    """

    exit_code = 2
