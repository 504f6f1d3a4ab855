"""GET /spot/candlesticks: Gate's intervals, its rules of from, to and limit, its rows.

Both ends of a window are inclusive, so 1000 points span 999 intervals.
"""

from crypto_ai_bot.local.exchange.bars import VOLUME_DECIMALS
from crypto_ai_bot.local.exchange.market import Listing
from crypto_ai_bot.local.exchange.numbers import text_of
from crypto_ai_bot.local.exchange.timeline import Candle
from crypto_ai_bot.local.exchange.wire import Call, RefusedError, invalid_value

_MINUTE_MS = 60_000
# Gate's 30d is left out: a calendar month, which is no multiple of anything.
INTERVALS_MS = {
    "10s": 10_000,
    "30s": 30_000,
    "1m": _MINUTE_MS,
    "3m": 3 * _MINUTE_MS,
    "5m": 5 * _MINUTE_MS,
    "15m": 15 * _MINUTE_MS,
    "30m": 30 * _MINUTE_MS,
    "1h": 60 * _MINUTE_MS,
    "2h": 120 * _MINUTE_MS,
    "4h": 240 * _MINUTE_MS,
    "6h": 360 * _MINUTE_MS,
    "8h": 480 * _MINUTE_MS,
    "12h": 720 * _MINUTE_MS,
    "1d": 1440 * _MINUTE_MS,
    "7d": 7 * 1440 * _MINUTE_MS,
}
_INTERVAL_DEFAULT = "30m"
_LIMIT_DEFAULT = 100
_POINTS_MAX = 1000
_POINTS_AGO_MAX = 10_000


def candlestick_rows(listing: Listing, call: Call) -> list[list[str]]:
    """Return the rows asked for, oldest first; the newest may be unfinished ("false")."""
    interval_ms = _interval_ms(listing, call)
    from_ms, to_ms = _window_ms(call, interval_ms)
    candles = listing.timeline.candles(interval_ms, from_ms, to_ms, call.at_ms)
    return [_row(candle, listing.rules.price_decimals) for candle in candles]


def _interval_ms(listing: Listing, call: Call) -> int:
    """Return the interval's length; refused where the market's own bars are longer."""
    name = call.query.get("interval") or _INTERVAL_DEFAULT
    interval_ms = INTERVALS_MS.get(name, 0)
    if not interval_ms or interval_ms % listing.timeline.source.step_ms:
        raise invalid_value("interval", name)
    return interval_ms


def _window_ms(call: Call, interval_ms: int) -> tuple[int, int]:
    """Return the first and the last moment at which a wanted candle may open."""
    begins, ends = bool(call.query.get("from")), bool(call.query.get("to"))
    if call.query.get("limit") and (begins or ends):
        message = "Invalid parameter `limit`: conflicts with `from` and `to`"
        raise RefusedError("INVALID_PARAM_VALUE", message)
    limit = call.number("limit", _LIMIT_DEFAULT, _POINTS_MAX)
    to_ms = call.number("to", call.at_ms // 1000, least=0) * 1000
    newest_open_ms = min(to_ms, call.at_ms) // interval_ms * interval_ms
    from_ms = newest_open_ms - (limit - 1) * interval_ms
    if begins:
        from_ms = call.number("from", 0, least=0) * 1000
    if from_ms > to_ms:
        raise invalid_value("from", call.query.get("from", ""))
    if (call.at_ms - from_ms) // interval_ms > _POINTS_AGO_MAX:
        raise _refused(
            f"Candlestick too long ago. Maximum {_POINTS_AGO_MAX} points ago are allowed"
        )
    if (min(to_ms, call.at_ms) - from_ms) // interval_ms >= _POINTS_MAX:
        most = f"Maximum {_POINTS_MAX} data points are allowed per request"
        raise _refused(f"Candlestick range too broad. {most}")
    return from_ms, to_ms


def _refused(message: str) -> RefusedError:
    return RefusedError("INVALID_PARAM_VALUE", message)


def _row(candle: Candle, price_decimals: int) -> list[str]:
    bar = candle.bar
    return [
        str(candle.open_ms // 1000),
        text_of(bar.turnover, price_decimals + VOLUME_DECIMALS),
        text_of(bar.close, price_decimals),
        text_of(bar.high, price_decimals),
        text_of(bar.low, price_decimals),
        text_of(bar.open, price_decimals),
        text_of(bar.volume, VOLUME_DECIMALS),
        "true" if candle.closed else "false",
    ]
