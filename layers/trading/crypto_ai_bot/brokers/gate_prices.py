"""Gate's words for prices and market rules, read strictly (reference gate-spot 1.1, 4.1, 8.4).

Raw fields are read, not ccxt's reading of them: that one loses digits, guesses what is missing and
misreads `trade_status` (4.2). Everything here raises ValueError or a relative for what is not an
answer.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from crypto_ai_bot.brokers.market_readings import (
    BarRow,
    read_amount,
    read_candles,
    read_depth,
    read_milliseconds,
    read_quote,
)
from crypto_ai_bot.domain.market import Candle, Depth, MarketRules, Quote, Symbol, TradeStatus
from crypto_ai_bot.domain.money import ONE

_SECOND_MS = 1_000
_STILL_OPEN = ("false", False)
_PRECISION_MAX = 12  # decimals; Gate's finest pairs have 12


def pair_id(symbol: Symbol) -> str:
    """Gate's name of a pair."""
    return f"{symbol.base}_{symbol.quote}"


def symbol_of(pair: Any) -> Symbol:
    """The symbol that Gate calls `pair`."""
    return Symbol.parse(str(pair).replace("_", "/"))


def read_tickers(rows: Any, symbols: Sequence[Symbol], read_ms: int) -> Mapping[Symbol, Quote]:
    """Quotes of those `symbols` that have a market: a bid and an ask that are not crossed."""
    wanted = {pair_id(symbol): symbol for symbol in symbols}
    quotes: dict[Symbol, Quote] = {}
    for row in _rows(rows):
        symbol = wanted.get(row["currency_pair"])
        if symbol is None:
            continue
        try:
            quotes[symbol] = read_ticker(row, read_ms)
        except ValueError:
            continue  # a pair without a market now; the others have theirs
    return quotes


def read_ticker(row: Mapping[str, Any], read_ms: int) -> Quote:
    """One pair's quote."""
    return read_quote(row.get("highest_bid"), row.get("lowest_ask"), row.get("last"), read_ms)


def read_candlesticks(rows: Any, timeframe_ms: int, bars: int, now_ms: int) -> Sequence[Candle]:
    """Closed bars of rows of time, quote volume, close, high, low, open, base volume, closed."""
    return read_candles(map(_bar_row, _rows(rows)), timeframe_ms, bars, now_ms)


def read_order_book(answer: Any, read_ms: int) -> Depth:
    """The depth as Gate shows it."""
    return read_depth(answer["bids"], answer["asks"], read_ms)


def read_server_ms(answer: Any) -> int:
    """Gate's time."""
    return read_milliseconds(answer["server_time"])


def read_rules(answer: Any, symbol: Symbol, taker_fee_rate: Decimal, now_ms: int) -> MarketRules:
    """The rules of one pair. A pair that Gate marks as risky (`st_tag`) may be sold, not bought."""
    if answer["id"] != pair_id(symbol):
        raise ValueError(f"asked for {pair_id(symbol)}, answered for another pair")
    status = TradeStatus(answer["trade_status"])
    if answer.get("st_tag") and status is TradeStatus.TRADABLE:
        status = TradeStatus.SELLABLE
    return MarketRules(
        symbol=symbol,
        amount_step_base=_step(answer["amount_precision"]),
        price_step_quote=_step(answer["precision"]),
        amount_base_min=read_amount(answer.get("min_base_amount") or 0),
        amount_quote_min=read_amount(answer.get("min_quote_amount") or 0),
        taker_fee_rate=taker_fee_rate,
        trade_status=status,
        delisting_ms=int(read_amount(answer.get("delisting_time") or 0)) * _SECOND_MS,
        read_ms=now_ms,
    )


def _rows(answer: Any) -> Sequence[Any]:
    if not isinstance(answer, list):
        raise ValueError("not a list")
    return answer


def _bar_row(row: Any) -> BarRow:
    if not isinstance(row, list):
        raise ValueError(f"not a candle: {row!r}")
    opened, _quote_volume, close, high, low, open_, volume_base, *more = row
    still_open = more and more[0] in _STILL_OPEN
    return BarRow(
        int(opened) * _SECOND_MS, open_, high, low, close, volume_base, closed=not still_open
    )


def _step(decimals: Any) -> Decimal:
    places = int(read_amount(decimals))
    if places > _PRECISION_MAX:
        raise ValueError(f"a precision of {places} decimals")
    return ONE.scaleb(-places)
