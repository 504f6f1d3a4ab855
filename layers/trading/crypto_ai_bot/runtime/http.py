"""The HTTP API: health and readiness for anybody, everything else for who holds a token."""

import hmac
import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from crypto_ai_bot.domain.errors import ParameterUnavailable, StoreUnavailable
from crypto_ai_bot.domain.trading_state import TradingState, more_careful
from crypto_ai_bot.ports.clock import Clock
from crypto_ai_bot.ports.store import Glance, Store
from crypto_ai_bot.ports.switch import TradingSwitch
from crypto_ai_bot.runtime import views
from crypto_ai_bot.usecases.control import set_trading_state

type Body = dict[str, Any] | str


@dataclass(frozen=True, slots=True)
class Counter:
    """What the API works with. `token_digests` are SHA-256 of the tokens; none closes it."""

    store: Store
    switch: TradingSwitch
    clock: Clock
    mode: str
    token_digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A call as API Gateway hands it on (HTTP API, payload format 2.0)."""

    method: str
    path: str
    token: str
    body: str
    source: str


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP status and a body; text is sent as plain text, anything else as JSON."""

    code: int
    body: Body


def read_request(event: Mapping[str, Any]) -> Request:
    """The call in `event`; the stage is cut off the path where the gateway left it on."""
    context = event.get("requestContext", {})
    http = context.get("http", {})
    path, stage = str(event.get("rawPath", "/")), context.get("stage", "$default")
    headers = {str(name).lower(): value for name, value in (event.get("headers") or {}).items()}
    scheme, _, token = str(headers.get("authorization", "")).partition(" ")
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        body = _decoded(body)
    return Request(
        method=str(http.get("method", "GET")),
        path=path.removeprefix(f"/{stage}") or "/",
        token=token.strip() if scheme.lower() == "bearer" else "",
        body=body,
        source=str(http.get("sourceIp", "")),
    )


def _decoded(body: str) -> str:
    try:
        return b64decode(body, validate=True).decode()
    except (Base64Error, UnicodeDecodeError):
        return "not text"


def answer(counter: Counter, request: Request) -> Response:
    """Serves one call. A table that does not answer is a 503 that says so."""
    found = _ROUTES.get((request.method, request.path))
    protected = found is None or found.protected
    if protected and not _authorised(counter, request.token):
        return Response(401, {"error": "unauthorised"})  # an unknown path looks the same
    if found is None:
        return Response(404, {"error": f"no {request.method} {request.path}"})
    try:
        return found.serve(counter, request)
    except StoreUnavailable as error:
        reason = {"status": views.FAILING, "checks": {"table": str(error)}}
        return Response(503, reason if protected is False else {"error": str(error)})


def _authorised(counter: Counter, token: str) -> bool:
    """Compares digests in constant time, with every token, whether or not one has matched."""
    digest = sha256(token.encode()).digest()
    matches = [hmac.compare_digest(digest, known) for known in counter.token_digests]
    return bool(token) and any(matches)


def _health(counter: Counter, _request: Request) -> Response:
    shown = views.health(counter.store.glance().health, counter.clock.now_ms())
    return Response(503 if shown["status"] == views.FAILING else 200, shown)


def _ready(counter: Counter, _request: Request) -> Response:
    """Ready when the table answers and the trading parameter can be read."""
    counter.store.glance()
    try:
        counter.switch.read()
    except ParameterUnavailable as error:
        return Response(503, {"ready": False, "reason": str(error)})
    return Response(200, {"ready": True})


def _metrics(counter: Counter, _request: Request) -> Response:
    glance = counter.store.glance()
    state, _ = _state(counter, glance)
    return Response(200, views.metrics(glance, state, counter.clock.now_ms()))


def _pnl_today(counter: Counter, _request: Request) -> Response:
    return Response(200, views.pnl_today(counter.store.glance(), counter.clock.now_ms()))


def _status(counter: Counter, _request: Request) -> Response:
    glance = counter.store.glance()
    state, parameter = _state(counter, glance)
    now_ms = counter.clock.now_ms()
    return Response(200, views.status(glance, state, parameter, now_ms, counter.mode))


def _state(counter: Counter, glance: Glance) -> tuple[TradingState, str]:
    """The state in force, and what the parameter says or why it does not."""
    try:
        asked = counter.switch.read()
    except ParameterUnavailable as error:
        return more_careful(TradingState.EXITS_ONLY, glance.control.state), str(error)
    return more_careful(asked, glance.control.state), str(asked)


def _start(counter: Counter, request: Request) -> Response:
    return _toggle(counter, request, TradingState.ON)


def _stop(counter: Counter, request: Request) -> Response:
    """Stops entries; only `{"state": "off"}` stops exits too, for that leaves positions bare."""
    if not request.body:
        return _toggle(counter, request, TradingState.EXITS_ONLY)
    try:
        asked = json.loads(request.body).get("state", TradingState.EXITS_ONLY)
        state = TradingState(asked)
    except (ValueError, AttributeError):
        state = TradingState.ON
    if state is TradingState.ON:
        return Response(400, {"error": 'body: {"state": "exits_only"} or {"state": "off"}'})
    return _toggle(counter, request, state)


def _toggle(counter: Counter, request: Request, state: TradingState) -> Response:
    reason = f"{request.method} {request.path} from {request.source}"
    control = set_trading_state(counter.store, counter.clock, state, reason, "api")
    effective, parameter = _state(counter, counter.store.glance())
    shown = {"control": str(control.state), "parameter": parameter, "trading_state": effective}
    if effective is not state:
        shown["note"] = "the more careful of parameter and control counts: set the parameter too"
    return Response(200, shown)


@dataclass(frozen=True, slots=True)
class Route:
    """Who serves a path, and whether a token is needed."""

    serve: Callable[[Counter, Request], Response]
    protected: bool = True


_ROUTES: Final[Mapping[tuple[str, str], Route]] = {
    ("GET", "/health"): Route(_health, protected=False),
    ("GET", "/ready"): Route(_ready, protected=False),
    ("GET", "/metrics"): Route(_metrics),
    ("GET", "/pnl/today"): Route(_pnl_today),
    ("GET", "/orchestrator/status"): Route(_status),
    ("POST", "/orchestrator/start"): Route(_start),
    ("POST", "/orchestrator/stop"): Route(_stop),
}


def as_gateway_answer(response: Response) -> dict[str, Any]:
    """The response in payload format 2.0."""
    text = isinstance(response.body, str)
    return {
        "statusCode": response.code,
        "headers": {
            "content-type": "text/plain; version=0.0.4" if text else "application/json",
            "cache-control": "no-store",
        },
        "body": response.body if text else json.dumps(response.body),
    }
