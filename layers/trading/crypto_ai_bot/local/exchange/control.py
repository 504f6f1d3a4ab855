"""The market's own controls, beside Gate's paths: what time it is there, and moving it on."""

import json

from crypto_ai_bot.local.exchange.market import Market
from crypto_ai_bot.local.exchange.market_clock import MarketClock
from crypto_ai_bot.local.exchange.numbers import plain
from crypto_ai_bot.local.exchange.wire import Answer, Call, RefusedError, Route

_ADVANCE_MS_MAX = 366 * 86_400_000


def control_routes(market: Market, clock: MarketClock) -> tuple[Route, ...]:
    """Return GET /_market and POST /_market/advance {"ms": 60000}."""

    def state_at(at_ms: int) -> Answer:
        return Answer(
            {
                "time_ms": at_ms,
                "speed": clock.speed,
                "data_first_ms": market.first_ms,
                "data_end_ms": market.end_ms,
                "pairs": {name: plain(x.last(at_ms)) for name, x in market.listings.items()},
            }
        )

    def advance(call: Call) -> Answer:
        return state_at(clock.advance(_step_ms(call.request.body)))

    return (
        Route("GET", "/_market", lambda call: state_at(call.at_ms)),
        Route("POST", "/_market/advance", advance),
    )


def _step_ms(body: bytes) -> int:
    try:
        step_ms = json.loads(body)["ms"]
    except (ValueError, TypeError, KeyError, RecursionError):
        step_ms = None
    if type(step_ms) is not int or not 0 <= step_ms <= _ADVANCE_MS_MAX:
        raise RefusedError(
            "INVALID_REQUEST_BODY",
            f'allowed is {{"ms": n}}, n a whole number 0 … {_ADVANCE_MS_MAX}',
        )
    return step_ms
