"""The process of a server: its socket, its signals and its log."""

import errno
import logging
import os
import signal
import socket
import sys
from types import FrameType

import uvicorn

from ferroprop.cli.console import progress_console, say
from ferroprop.cli.problem import Problem
from ferroprop.cli.serving.api import Logged, api
from ferroprop.cli.serving.gate import Gate, Limits
from ferroprop.cli.serving.service import Service
from ferroprop.cli.wording import count

BACKLOG = 2048
"""The most connections that wait to be taken."""

UNFINISHED = 1
"""The exit code if requests were still under way when the time for the end was over."""


class _OneLine(logging.Formatter):
    """Makes a record, a traceback included, one line."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\\n")


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; connections wait in it until the server takes them.

    Raises
    ------
    Problem
        If the host is not one of this machine's, or the port is in use or not allowed.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
        # Not `socket.create_server`: asyncio switches Nagle's algorithm off only where the protocol is named,
        # and with it an answer, which is two packets, takes 40 ms longer.
        listening = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # elsewhere it would let a second server take the port
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
        return listening
    except socket.gaierror as error:
        raise Problem(f"--host: no address '{host}' is known: {error.strerror}") from error
    except OSError as error:
        option = "--host" if error.errno == errno.EADDRNOTAVAIL else "--port"
        raise Problem(f"{option}: cannot listen on {host}:{port}: {error.strerror}") from error


def serve(listening: socket.socket, service: Service, limits: Limits, grace: float, *, quiet: bool) -> int:
    """Serve until SIGTERM or SIGINT, finish what is under way, and return the exit code.

    Parameters
    ----------
    listening : socket
        From `listen`.
    service : Service
        The model.
    limits : Limits
        The limits of its requests.
    grace : float
        The most seconds for the requests that are under way when a signal comes.
    quiet : bool
        Log only what goes wrong.
    """
    log = _log(quiet=quiet)
    gate = Gate(limits)
    app = api(service, limits, gate, lambda: server.should_exit)
    server = uvicorn.Server(
        uvicorn.Config(
            Logged(app, log),
            lifespan="on",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=max(1, round(grace)),
        )
    )

    def stop(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn sends itself the signals that it took, once it is done: they must not end the process then.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    console = progress_console()
    say(console, f"Serving '{service.name}' on http://{shown}:{port}; Ctrl-C ends it")
    server.run(sockets=[listening])
    left = gate.cut_off + gate.inside
    if left or not quiet:
        answered = "all requests answered" if not left else f"{count(left, 'request')} not answered"
        say(console, f"Ended, {answered}")
    return UNFINISHED if left else 0


def _log(*, quiet: bool) -> logging.Logger:
    """Return the logger of requests; what goes wrong is logged beside them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(message)s"))
    own = logging.getLogger("ferroprop.serve")
    wrong = logging.getLogger("uvicorn.error")
    for one, level in ((own, logging.WARNING if quiet else logging.INFO), (wrong, logging.WARNING)):
        one.handlers, one.propagate = [handler], False
        one.setLevel(level)
    return own
