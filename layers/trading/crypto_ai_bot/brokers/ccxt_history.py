"""Candles of the past from any exchange that ccxt knows, page by page: for backtests."""

from collections.abc import Sequence
from typing import Final

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.market_readings import BarRow, read_candles
from crypto_ai_bot.domain.market import TIMEFRAMES_MS, Candle, Symbol

PAGE_BARS: Final = 1_000


def fetch_page(
    client: CcxtClient, symbol: Symbol, timeframe: str, since_ms: int, now_ms: int
) -> Sequence[Candle]:
    """At most PAGE_BARS bars that opened from `since_ms` on and had closed by `now_ms`.

    Raises ExchangeUnavailable when there is no answer.
    """
    return client.call(
        f"candles {symbol} {timeframe} since {since_ms}",
        lambda exchange: exchange.fetch_ohlcv(str(symbol), timeframe, since_ms, PAGE_BARS),
        lambda rows: [
            candle
            for candle in read_candles(
                (BarRow(*row[:6]) for row in rows), TIMEFRAMES_MS[timeframe], PAGE_BARS, now_ms
            )
            if candle.opened_ms >= since_ms
        ],
    )
