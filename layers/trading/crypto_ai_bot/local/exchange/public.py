"""Gate's public spot endpoints over a market (gate-spot 8.4)."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice

from crypto_ai_bot.local.exchange.bars import VOLUME_DECIMALS, Bar
from crypto_ai_bot.local.exchange.candlesticks import candlestick_rows
from crypto_ai_bot.local.exchange.depth import Level
from crypto_ai_bot.local.exchange.market import Listing, Market
from crypto_ai_bot.local.exchange.numbers import plain, text_of
from crypto_ai_bot.local.exchange.pairs import currency_pair_row, currency_row, margin_pair_row
from crypto_ai_bot.local.exchange.wire import Answer, Call, RefusedError, Route, invalid_value

_DAY_MS = 86_400_000
_LEVELS_DEFAULT, _LEVELS_MAX = 10, 1000
_TRADES_DEFAULT, _TRADES_MAX = 100, 1000
_ZONES_MS = {"utc0": 0, "utc8": 8 * 3_600_000}


def public_routes(market: Market) -> tuple[Route, ...]:
    """Return the table of public routes, base path /api/v4."""
    table: tuple[tuple[str, Callable[[Market, Call], object]], ...] = (
        ("/spot/time", _time),
        ("/spot/currencies", _currencies),
        ("/spot/currency_pairs", _currency_pairs),
        ("/spot/currency_pairs/{currency_pair}", _currency_pair),
        ("/margin/currency_pairs", _margin_pairs),
        ("/spot/tickers", _tickers),
        ("/spot/order_book", _order_book),
        ("/spot/candlesticks", _candlesticks),
        ("/spot/trades", _trades),
    )
    return tuple(
        Route("GET", f"/api/v4{path}", partial(_answer, effect, market)) for path, effect in table
    )


def _answer(effect: Callable[[Market, Call], object], market: Market, call: Call) -> Answer:
    return Answer(effect(market, call))


def _listing(market: Market, pair_id: str) -> Listing:
    if (listing := market.listings.get(pair_id)) is None:
        raise RefusedError("INVALID_CURRENCY_PAIR", f"Invalid currency pair {pair_id}")
    return listing


def _time(_: Market, call: Call) -> object:
    return {"server_time": call.server_ms}


def _currencies(market: Market, _: Call) -> object:
    rules = [listing.rules for listing in market.listings.values()]
    names = dict.fromkeys(name for r in rules for name in (r.base, r.quote))
    return [currency_row(name) for name in names]


def _currency_pairs(market: Market, _: Call) -> object:
    return [currency_pair_row(listing.rules) for listing in market.listings.values()]


def _currency_pair(market: Market, call: Call) -> object:
    return currency_pair_row(_listing(market, call.parts["currency_pair"]).rules)


def _margin_pairs(market: Market, _: Call) -> object:
    return [margin_pair_row(listing.rules) for listing in market.listings.values()]


def _tickers(market: Market, call: Call) -> object:
    pair_id, zone = call.query.get("currency_pair"), call.query.get("timezone", "")
    if zone not in {"", "all", *_ZONES_MS}:
        raise invalid_value("timezone", zone)
    zones = [name for name in _ZONES_MS if zone in {name, "all"}]
    listings = [_listing(market, pair_id)] if pair_id else market.listings.values()
    return [_ticker_row(listing, call.at_ms, zones) for listing in listings]


def _ticker_row(listing: Listing, at_ms: int, zones: list[str]) -> Mapping[str, str]:
    rules, timeline = listing.rules, listing.timeline
    last = timeline.price(at_ms)
    depth = listing.depth(at_ms, levels=1)
    day = timeline.window(at_ms - _DAY_MS, at_ms) or Bar(at_ms, last, last, last, last, 0, 0)
    changes = {
        f"change_{zone}": _change(listing, at_ms - (at_ms + _ZONES_MS[zone]) % _DAY_MS, at_ms)
        for zone in zones
    }
    return {
        "currency_pair": rules.id,
        "last": text_of(last, rules.price_decimals),
        "lowest_ask": plain(depth.asks[0].price),
        "lowest_size": plain(depth.asks[0].size),
        "highest_bid": plain(depth.bids[0].price),
        "highest_size": plain(depth.bids[0].size),
        "change_percentage": _percent(day.open, last),
        **changes,
        "base_volume": text_of(day.volume, VOLUME_DECIMALS),
        "quote_volume": text_of(day.turnover, VOLUME_DECIMALS + rules.price_decimals),
        "high_24h": text_of(day.high, rules.price_decimals),
        "low_24h": text_of(day.low, rules.price_decimals),
    }


def _change(listing: Listing, from_ms: int, at_ms: int) -> str:
    timeline = listing.timeline
    then = timeline.price(max(from_ms, timeline.source.first_ms))
    return _percent(then, timeline.price(at_ms))


def _percent(before: int, after: int) -> str:
    """Return the change in per cent with two decimals, to the nearest, half to even."""
    return f"{(after - before) / before * 100:.2f}"


def _order_book(market: Market, call: Call) -> object:
    listing = _listing(market, call.required("currency_pair"))
    limit = call.number("limit", _LEVELS_DEFAULT, _LEVELS_MAX)
    depth = listing.depth(call.at_ms, limit)
    named = {"id": depth.at_ms} if call.query.get("with_id") == "true" else {}
    return {
        **named,
        "current": call.at_ms,
        "update": depth.at_ms,
        "asks": [_level(x) for x in depth.asks],
        "bids": [_level(x) for x in depth.bids],
    }


def _level(level: Level) -> list[str]:
    return [plain(level.price), plain(level.size)]


def _candlesticks(market: Market, call: Call) -> object:
    return candlestick_rows(_listing(market, call.required("currency_pair")), call)


def _trades(market: Market, call: Call) -> object:
    listing = _listing(market, call.required("currency_pair"))
    limit = call.number("limit", _TRADES_DEFAULT, _TRADES_MAX)
    to_ms = call.number("to", call.at_ms // 1000, least=0) * 1000 + 999
    oldest_ms = min(to_ms, call.at_ms) - _TRADES_MAX * listing.timeline.source.step_ms
    from_ms = max(call.number("from", 0, least=0) * 1000, oldest_ms)
    found = listing.timeline.trades(from_ms, to_ms, call.at_ms)
    return [
        {
            "id": str(trade.id),
            "create_time": str(trade.time_ms // 1000),
            "create_time_ms": f"{trade.time_ms}.000000",
            "currency_pair": listing.rules.id,
            "side": "buy" if trade.buy else "sell",
            "amount": text_of(trade.volume, VOLUME_DECIMALS),
            "price": text_of(trade.price, listing.rules.price_decimals),
            "sequence_id": str(trade.id),
        }
        for trade in islice(found, limit)
    ]
