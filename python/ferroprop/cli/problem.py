"""The exception for mistakes that the user can correct."""

import typer


class Problem(typer.BadParameter):
    """An argument, option or table cannot be used.

    Parameters
    ----------
    message : str
        One line: which argument, what came, what was expected; `ferroprop.cli.app` prints it.
    """

    def format_message(self) -> str:
        """Return the message, which names the argument itself."""
        return self.message
