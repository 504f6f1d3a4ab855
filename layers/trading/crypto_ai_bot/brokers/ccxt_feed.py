"""Prices of any other exchange that ccxt knows, by ccxt's unified calls: for paper trading.

Unlike Gate's, these load the list of markets on first use, as ccxt needs it to speak for them.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.market_readings import (
    SPARE_BARS,
    BarRow,
    read_amount,
    read_candles,
    read_depth,
    read_milliseconds,
    read_price,
    read_quote,
)
from crypto_ai_bot.domain.market import (
    TIMEFRAMES_MS,
    Candle,
    Depth,
    MarketRules,
    Quote,
    Symbol,
    TradeStatus,
)
from crypto_ai_bot.domain.money import ONE
from crypto_ai_bot.ports.clock import Clock

_DECIMAL_PLACES: Final = 2  # ccxt's names for how an exchange tells its precision
_TICK_SIZE: Final = 4
_CANDLES_MAX: Final = 1_000


class CcxtFeed:
    """PriceFeed over ccxt's unified calls. `taker_fee_rate` counts where ccxt knows no fee."""

    def __init__(
        self,
        client: CcxtClient,
        clock: Clock,
        *,
        taker_fee_rate: Decimal = Decimal("0.002"),
        depth_levels: int = 100,
    ) -> None:
        self._client = client
        self._clock = clock
        self._taker_fee_rate = taker_fee_rate
        self._depth_levels = depth_levels

    def fetch_ticker(self, symbol: Symbol) -> Quote:
        """Best bid and ask of one symbol."""
        return self._client.call(
            f"ticker {symbol}",
            lambda exchange: exchange.fetch_ticker(str(symbol)),
            lambda ticker: _quote(ticker, self._clock.now_ms()),
        )

    def fetch_tickers(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote]:
        """Best bid and ask of many symbols."""
        names = [str(symbol) for symbol in symbols]
        if not names:
            return {}

        def read(tickers: Any) -> Mapping[Symbol, Quote]:
            quotes: dict[Symbol, Quote] = {}
            for symbol in symbols:
                try:
                    quotes[symbol] = _quote(tickers[str(symbol)], self._clock.now_ms())
                except (ValueError, KeyError):
                    continue  # no market now; the others have theirs
            return quotes

        return self._client.call("tickers", lambda exchange: exchange.fetch_tickers(names), read)

    def fetch_candles(
        self, symbol: Symbol, timeframe: str, bars: int, now_ms: int
    ) -> Sequence[Candle]:
        """At most `bars` bars that had closed by `now_ms`, oldest first."""
        limit = min(bars + SPARE_BARS, _CANDLES_MAX)
        return self._client.call(
            f"candles {symbol} {timeframe}",
            lambda exchange: exchange.fetch_ohlcv(str(symbol), timeframe, None, limit),
            lambda rows: read_candles(
                (BarRow(*row[:6]) for row in rows), TIMEFRAMES_MS[timeframe], bars, now_ms
            ),
        )

    def fetch_depth(self, symbol: Symbol) -> Depth:
        """The best levels of the order book."""
        return self._client.call(
            f"depth {symbol}",
            lambda exchange: exchange.fetch_order_book(str(symbol), self._depth_levels),
            lambda book: read_depth(
                map(_level, book["bids"]), map(_level, book["asks"]), self._clock.now_ms()
            ),
        )

    def fetch_rules(self, symbol: Symbol, now_ms: int) -> MarketRules:
        """The rules of one symbol, from the whole list of markets read anew."""

        def ask(exchange: Any) -> Any:
            exchange.load_markets(reload=True)
            return exchange.market(str(symbol)), exchange.precisionMode

        return self._client.call(
            f"markets {symbol}",
            ask,
            lambda found: _rules(found[0], found[1], symbol, self._taker_fee_rate, now_ms),
        )

    def fetch_server_ms(self) -> int:
        """The exchange's time."""
        return self._client.call("time", lambda exchange: exchange.fetch_time(), read_milliseconds)


def _quote(ticker: Any, read_ms: int) -> Quote:
    return read_quote(ticker["bid"], ticker["ask"], ticker["last"], read_ms)


def _level(row: Any) -> tuple[str, str]:
    """A level as text: ccxt makes floats of it, whose shortest spelling is what was sent."""
    price, size, *_ = row
    return str(price), str(size)


def _rules(
    market: Any, precision_mode: int, symbol: Symbol, taker_fee_rate: Decimal, now_ms: int
) -> MarketRules:
    limits = market["limits"]
    taker = market.get("taker")
    tradable = market.get("active") is not False
    return MarketRules(
        symbol=symbol,
        amount_step_base=_step(market["precision"]["amount"], precision_mode),
        price_step_quote=_step(market["precision"]["price"], precision_mode),
        amount_base_min=_minimum(limits["amount"]),
        amount_quote_min=_minimum(limits["cost"]),
        taker_fee_rate=taker_fee_rate if taker is None else read_amount(str(taker)),
        trade_status=TradeStatus.TRADABLE if tradable else TradeStatus.UNTRADABLE,
        delisting_ms=0,
        read_ms=now_ms,
    )


def _minimum(limit: Any) -> Decimal:
    return read_amount(str(limit.get("min") or 0))


def _step(precision: Any, precision_mode: int) -> Decimal:
    if precision_mode == _TICK_SIZE:
        return read_price(str(precision))
    if precision_mode == _DECIMAL_PLACES:
        return ONE.scaleb(-int(read_amount(str(precision))))
    raise ValueError(f"precision mode {precision_mode} is not supported")
