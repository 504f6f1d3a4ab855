"""The exchange as one function: request in, answer out. The place of checks and faults.

A request goes: route → checks (may answer instead) → effect → aftermath (may change what the
client gets to see, the effect having happened) → headers.
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

type Check = Callable[[Route, Call], Answer | None]
type Aftermath = Callable[[Route, Call, Answer], Answer]

_LIMIT = 200  # requests per 10 s and endpoint (gate-spot 2.6): told, not yet enforced


class Exchange:
    """Routes, checks and faults around a market that follows `clock`."""

    def __init__(
        self,
        clock: MarketClock,
        routes: Sequence[Route],
        checks: Sequence[Check] = (),
        aftermaths: Sequence[Aftermath] = (),
    ) -> None:
        self._clock = clock
        self._routes = routes
        self._checks = checks
        self._aftermaths = aftermaths
        self._numbers = count(1)

    def answer(self, request: Request) -> Answer:
        """Answer one request; safe under threads as far as the effects are."""
        in_ms = self._clock.now_ms()
        try:
            answer = self._apply(*self._route(request, in_ms))
        except RefusedError as refused:
            answer = refused.answer
        headers = _headers(in_ms, self._clock.now_ms(), next(self._numbers))
        return replace(answer, headers={**headers, **answer.headers})

    def _route(self, request: Request, at_ms: int) -> tuple[Route, Call]:
        matches = [(r, parts) for r in self._routes if (parts := r.match(request.path)) is not None]
        if not matches:
            message = f"Path not found: {request.path}"
            raise RefusedError("NOT_FOUND", message, HTTPStatus.NOT_FOUND)
        for route, parts in matches:
            if route.method == request.method:
                return route, Call(request, at_ms, parts, query_of(request))
        message = f"Method {request.method} not allowed"
        raise RefusedError("METHOD_NOT_ALLOWED", message, HTTPStatus.METHOD_NOT_ALLOWED)

    def _apply(self, route: Route, call: Call) -> Answer:
        for check in self._checks:
            if (refusal := check(route, call)) is not None:
                return refusal
        answer = route.effect(call)
        for aftermath in self._aftermaths:
            answer = aftermath(route, call, answer)
        return answer


def exchange_of(market: Market, clock: MarketClock) -> Exchange:
    """Return the exchange as it stands: public data and the control of its time."""
    return Exchange(clock, (*public_routes(market), *control_routes(market, clock)))


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
