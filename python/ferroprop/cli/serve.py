"""``ferroprop serve``: the predictions of a saved model by HTTP."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ferroprop.cli.console import Notes, progress_console
from ferroprop.cli.problem import Problem

NEEDED = ("fastapi", "uvicorn")


@dataclass(frozen=True)
class Request:
    """The options of the command."""

    model: Path
    host: str
    port: int
    rows: int
    megabytes: float
    at_once: int
    queue: int
    timeout: float
    grace: float
    quiet: bool


def serve(request: Request) -> int:
    """Serve the model until a signal ends it, and return the exit code.

    Parameters
    ----------
    request : Request
        The options.

    Raises
    ------
    Problem
        If the model file or the address cannot be used, or a package is missing.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise Problem(f"serve needs {' and '.join(missing)}: pip install 'ferroprop[serve]'")

    from ferroprop.cli.serving.gate import Limits
    from ferroprop.cli.serving.server import listen
    from ferroprop.cli.serving.server import serve as run
    from ferroprop.cli.serving.service import Service

    service = Service(request.model, request.rows)
    Notes(progress_console(quiet=request.quiet)).add(*service.notes)
    service.warm_up()
    limits = Limits(
        request.rows, int(request.megabytes * 2**20), request.at_once, request.queue, request.timeout
    )
    with listen(request.host, request.port) as listening:
        return run(listening, service, limits, request.grace, quiet=request.quiet)
