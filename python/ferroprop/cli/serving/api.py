"""The routes of a server, and their OpenAPI description."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from logging import Logger
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from pydantic_core import to_json
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ferroprop import __version__
from ferroprop.cli.report import PROBABILITY
from ferroprop.cli.serving.caught import every_warning
from ferroprop.cli.serving.gate import Gate, Limits
from ferroprop.cli.serving.rows import Unreadable
from ferroprop.cli.serving.service import QUANTILE, Service
from ferroprop.cli.wording import count, shown

DEFINITION = "#/components/schemas/{model}"


class _Refused(Exception):  # noqa: N818
    """A request that is answered without looking at its rows."""

    def __init__(self, status: int, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.status, self.headers = status, headers


def api(service: Service, limits: Limits, gate: Gate, is_stopping: Callable[[], bool]) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    service : Service
        The model.
    limits : Limits
        The limits of its requests.
    gate : Gate
        Lets requests in.
    is_stopping : callable
        Tells whether the server is about to end.
    """

    @asynccontextmanager
    async def lifetime(_: FastAPI) -> AsyncIterator[None]:
        with every_warning():
            yield
        gate.close()

    card = service.card
    app = FastAPI(
        title=f"{service.name}: {card.task} of {card.target!r}",
        description="Predictions of a model that `ferroprop train` wrote.",
        version=__version__,
        lifespan=lifetime,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
    )
    known = {**card.to_plain(), "file": service.name, "quantiles": service.has_quantiles}
    about = to_json(known, inf_nan_mode="null")

    @app.get("/health", responses=_answers("The process lives.", _STATUS))
    async def health() -> Response:
        """Tell that the process lives."""
        return _json({"status": "ok"})

    @app.get(
        "/ready",
        responses={**_answers("Requests are taken.", _STATUS), **_answers("They are not.", _STATUS, 503)},
    )
    async def ready() -> Response:
        """Tell whether requests are taken: not when the server is about to end, nor when too many wait."""
        if is_stopping():
            return _json({"status": "stopping"}, 503)
        return _json({"status": "busy"}, 503) if gate.is_full else _json({"status": "ready"})

    @app.get("/model", responses=_answers("The card.", {"type": "object"}))
    async def model() -> Response:
        """Return the model's card: columns, target, classes, training and scores."""
        return Response(about, media_type="application/json")

    @app.post(
        "/predict",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": DEFINITION.format(model="Request")}}},
            }
        },
        responses={
            **_answers("A prediction for each row, in their order.", _ref("Predictions")),
            **_answers("The body was not sent in time.", _ref("Refusal"), 408),
            **_answers(f"The body is larger than {limits.body:,} bytes.", _ref("Refusal"), 413),
            **_answers("The body is not said to be JSON, or is compressed.", _ref("Refusal"), 415),
            **_answers("The body is not of the model's form.", _ref("Faults"), 422),
            **_answers("Too many requests wait, or this one waited too long.", _ref("Refusal"), 503),
        },
    )
    async def predict(request: Request) -> Response:
        """Predict the target of rows, which are objects of columns; null is a missing value."""
        try:
            _check_headers(request, limits)
            if gate.is_full:
                raise _Refused(503, "too many requests wait; try again", **{"retry-after": "1"})
            with gate.entered():
                return await _predict(request, service, limits, gate)
        except _Refused as refused:
            return _json({"detail": str(refused)}, refused.status, refused.headers)

    def described() -> dict[str, Any]:
        if not app.openapi_schema:
            whole = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            whole.setdefault("components", {}).setdefault("schemas", {}).update(_definitions(service))
            app.openapi_schema = whole
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
    return app


async def _predict(request: Request, service: Service, limits: Limits, gate: Gate) -> Response:
    body = None
    try:
        async with gate.in_time():
            body = await _read(request, limits)
            answer = await gate.run(service.answer, body)
    except TimeoutError:
        if body is None:
            detail = f"the body did not come within {limits.seconds:g} s"
            raise _Refused(408, detail, connection="close") from None
        detail = f"no prediction within {limits.seconds:g} s; try again, or with fewer rows"
        raise _Refused(503, detail, **{"retry-after": "1"}) from None
    except ClientDisconnect:
        raise _Refused(400, "the client is gone") from None
    except Unreadable as error:
        faults = [{"loc": ["body", *one.place], "msg": one.message} for one in error.faults]
        return _json({"detail": faults}, 422)
    request.scope[_ROWS] = answer.n_rows
    return Response(answer.body, media_type="application/json")


def _check_headers(request: Request, limits: Limits) -> None:
    kind = request.headers.get("content-type", "")
    if kind.split(";")[0].strip().lower() != "application/json":
        raise _Refused(
            415, f"Content-Type: got {shown(kind)}; expected 'application/json'", connection="close"
        )
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        detail = f"Content-Encoding: got {shown(encoding)}; expected a body that is not compressed"
        raise _Refused(415, detail, connection="close")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limits.body:
        raise _too_large(limits)


async def _read(request: Request, limits: Limits) -> bytes:
    """Return the body, never larger than the limit; FastAPI's own limit answers in plain text."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limits.body:
            raise _too_large(limits)
        parts.append(part)
    return b"".join(parts)


def _too_large(limits: Limits) -> _Refused:
    return _Refused(413, f"the body must have at most {limits.body:,} bytes", connection="close")


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json(value), status, headers, media_type="application/json")


# ---- OpenAPI -----------------------------------------------------------------------------------------------

_STATUS = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": DEFINITION.format(model=name)}


def _answers(about: str, schema: dict[str, Any], status: int = 200) -> dict[int | str, dict[str, Any]]:
    return {status: {"description": about, "content": {"application/json": {"schema": schema}}}}


def _definitions(service: Service) -> dict[str, Any]:
    """Return the schemas of a request and of its answers."""
    card = service.card
    request = service.form.schema(DEFINITION)
    number = {"type": ["number", "null"]}
    predicted: dict[str, Any] = {f"predicted_{card.target}": number}
    if card.task == "classification":
        predicted = {f"predicted_{card.target}": {"type": "string", "enum": card.classes}}
        predicted |= {f"{PROBABILITY}{label}": {"type": "number"} for label in card.classes}
    prediction = {
        "type": "object",
        "properties": predicted,
        "required": list(predicted),
        "additionalProperties": False,
    }
    if service.has_quantiles:
        del prediction["additionalProperties"]
        prediction["patternProperties"] = {f"^{QUANTILE}": number}
    fault = {
        "type": "object",
        "properties": {
            "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
            "msg": {"type": "string"},
        },
        "required": ["loc", "msg"],
    }
    return {
        **request.pop("$defs"),
        "Request": request,
        "Prediction": prediction,
        "Predictions": {
            "type": "object",
            "properties": {
                "rows": {"type": "integer"},
                "notes": {"type": "array", "items": {"type": "string"}},
                "predictions": {"type": "array", "items": _ref("Prediction")},
            },
            "required": ["rows", "notes", "predictions"],
        },
        "Faults": {
            "type": "object",
            "properties": {"detail": {"type": "array", "items": fault}},
            "required": ["detail"],
        },
        "Refusal": {
            "type": "object",
            "properties": {"detail": {"type": "string"}},
            "required": ["detail"],
        },
    }


# ---- the log -----------------------------------------------------------------------------------------------

_ROWS = "ferroprop.rows"


class Logged:
    """An application whose requests are logged, a line each.

    Parameters
    ----------
    app : ASGI application
        The application.
    log : Logger
        Where the lines go.
    """

    def __init__(self, app: ASGIApp, log: Logger) -> None:
        self._app, self._log = app, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._log.info(
                "%s %s %s %s %d%s %.1f ms",
                datetime.now(UTC).isoformat(timespec="milliseconds"),
                (scope.get("client") or ("-",))[0],
                scope["method"],
                scope.get("raw_path", b"-").decode("ascii", "backslashreplace"),
                status,
                f" {count(scope[_ROWS], 'row')}" if _ROWS in scope else "",
                1000 * (time.perf_counter() - started),
            )
