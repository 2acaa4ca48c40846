"""``python -m ferroprop`` and the console script ``ferroprop``."""

import sys
from importlib.util import find_spec

CLI_MODULES = ("typer", "rich", "polars", "skops", "tomli_w")


def main() -> None:
    """Run the command line, or say what to install for it."""
    missing = [name for name in CLI_MODULES if find_spec(name) is None]
    if missing:
        needs = " and ".join(missing)
        print(
            f'error: the command line needs {needs}; pip install "ferroprop[cli]" installs it',
            file=sys.stderr,
        )
        sys.exit(2)
    from ferroprop.cli.app import app

    app(prog_name="ferroprop")


if __name__ == "__main__":
    main()
