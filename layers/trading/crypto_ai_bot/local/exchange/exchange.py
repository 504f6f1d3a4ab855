"""The exchange as one function: request in, answer out.

A request goes: route → checks (may refuse) → effect → headers. What happens to requests and answers
on their way is the line's.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from itertools import count

from crypto_ai_bot.local.exchange.control import control_routes
from crypto_ai_bot.local.exchange.market import Market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.public import public_routes
from crypto_ai_bot.local.exchange.wire import Answer, Call, RefusedError, Request, Route, query_of

type Check = Callable[[Route, Call], None]

_LIMIT = 200  # requests per 10 s and endpoint (gate-spot 2.6), told where nothing else is


class Exchange:
    """Routes and checks around a market that follows `clock`. A check refuses by RefusedError."""

    def __init__(
        self, clock: MarketClock, routes: Sequence[Route], checks: Sequence[Check] = ()
    ) -> None:
        self._clock = clock
        self._routes = [*routes]
        self._checks = checks
        self._numbers = count(1)

    def add(self, *routes: Route) -> None:
        """Add routes behind those that are there."""
        self._routes += routes

    def answer(self, request: Request, at_ms: int | None = None, *, skew_ms: int = 0) -> Answer:
        """Answer one request, at `at_ms` if it is given; `skew_ms` puts the server's clock wrong.

        Not safe under threads: the line in front has the lock.
        """
        in_ms = self._clock.now_ms() if at_ms is None else at_ms
        route, parts = self._route(request)
        call = Call(request, in_ms, parts, query_of(request), skew_ms)
        try:
            for check in self._checks:
                check(route, call)
            answer = route.effect(call)
        except RefusedError as refused:
            answer = refused.answer
        out_ms = max(in_ms, self._clock.now_ms())
        headers = _headers(in_ms + skew_ms, out_ms + skew_ms, next(self._numbers))
        return replace(answer, headers={**headers, **call.told, **answer.headers})

    def _route(self, request: Request) -> tuple[Route, dict[str, str]]:
        """Return the route; for what leads nowhere one that says so, after the checks."""
        matches = [(r, parts) for r in self._routes if (parts := r.match(request.path)) is not None]
        for route, parts in matches:
            if route.method == request.method:
                return route, dict(parts)
        signed = "key" in request.headers and request.path.startswith("/api/")
        private = signed or any(route.private for route, _ in matches)
        return Route(request.method, request.path, _nowhere(bool(matches)), private), {}


def exchange_of(market: Market, clock: MarketClock) -> Exchange:
    """Return an exchange without accounts: public data and the control of its time."""
    return Exchange(clock, (*public_routes(market), *control_routes(market, clock)))


def _nowhere(known: bool) -> Callable[[Call], Answer]:  # noqa: FBT001 - whether the path is
    def refuse(call: Call) -> Answer:
        method, path = call.request.method, call.request.path
        if known:
            message = f"Method {method} not allowed"
            raise RefusedError("METHOD_NOT_ALLOWED", message, HTTPStatus.METHOD_NOT_ALLOWED)
        raise RefusedError("NOT_FOUND", f"Path not found: {path}", HTTPStatus.NOT_FOUND)

    return refuse


def _headers(in_ms: int, out_ms: int, number: int) -> dict[str, str]:
    """Return the headers that every answer of Gate has; times in µs, the reset in s."""
    return {
        "X-Gate-RateLimit-Requests-Remain": str(_LIMIT - 1),
        "X-Gate-RateLimit-Limit": str(_LIMIT),
        "X-Gate-RateLimit-Reset-Timestamp": str(in_ms // 1000 + 10),
        "X-In-Time": str(in_ms * 1000),
        "X-Out-Time": str(out_ms * 1000),
        "X-Gate-Trace-Id": hashlib.sha256(f"{in_ms}/{number}".encode()).hexdigest()[:32],
    }
