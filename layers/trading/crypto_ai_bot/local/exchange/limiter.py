"""Rate limits (gate-spot 2.6): so many requests in a window, per user and endpoint."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from crypto_ai_bot.local.exchange.wire import Call, RefusedError, Route


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` in any `window_ms`."""

    requests: int
    window_ms: int


_PLACING: Final = Limit(10, 1_000)
_CANCELLING: Final = Limit(200, 1_000)
_OTHER: Final = Limit(200, 10_000)
_PLACING_ROUTES: Final = frozenset(
    {
        ("POST", "/api/v4/spot/orders"),
        ("POST", "/api/v4/spot/batch_orders"),
        ("POST", "/api/v4/spot/price_orders"),
        ("PATCH", "/api/v4/spot/orders/{order_id}"),
    }
)
_CANCELLING_ROUTES: Final = frozenset(
    {
        ("DELETE", "/api/v4/spot/orders"),
        ("DELETE", "/api/v4/spot/orders/{order_id}"),
        ("POST", "/api/v4/spot/cancel_batch_orders"),
    }
)


class Limiter:
    """Counts requests in the market's time; refuses what is too much while `enforced`."""

    def __init__(self, enforced: Callable[[], bool], user_of: Callable[[Call], str]) -> None:
        self._enforced = enforced
        self._user_of = user_of
        self._seen: dict[tuple[str, ...], deque[int]] = {}

    def check(self, route: Route, call: Call) -> None:
        """Count the request, tell what remains, refuse what is too much."""
        if not route.path.startswith("/api/"):
            return
        # One client behind one address: every user counts for itself, strangers together.
        user = self._user_of(call) if route.private else ""
        limit, bucket = _bucket_of(route, call, user)
        seen = self._seen.setdefault(bucket, deque())
        while seen and seen[0] <= call.at_ms - limit.window_ms:
            seen.popleft()
        too_many = len(seen) >= limit.requests and self._enforced()
        if not too_many:
            seen.append(call.at_ms)
        call.told.update(
            {
                "X-Gate-RateLimit-Requests-Remain": str(max(0, limit.requests - len(seen))),
                "X-Gate-RateLimit-Limit": str(limit.requests),
                "X-Gate-RateLimit-Reset-Timestamp": str((seen[0] + limit.window_ms) // 1000),
            }
        )
        if too_many:
            raise RefusedError("TOO_MANY_REQUESTS", "Request Rate limit Exceeded", 429)


def _bucket_of(route: Route, call: Call, user: str) -> tuple[Limit, tuple[str, ...]]:
    """Return the limit and what it is counted by: user and market, user, or user and endpoint."""
    named = (route.method, route.path)
    if named in _PLACING_ROUTES:
        return _PLACING, ("placing", user, *_markets(call))
    if named in _CANCELLING_ROUTES:
        return _CANCELLING, ("cancelling", user)
    return _OTHER, (user, *named)


def _markets(call: Call) -> tuple[str, ...]:
    """Return the markets that a request to place or amend names, however badly."""
    try:
        body = call.request.json()
    except RefusedError:
        return ()
    forms = body if isinstance(body, list) else [body]
    named = {
        str(form.get("currency_pair") or form.get("market") or call.query.get("currency_pair"))
        for form in forms
        if isinstance(form, dict)
    }
    return tuple(sorted(named))
