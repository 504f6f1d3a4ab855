"""Gate's prices, over ccxt's client: the same requests that ccxt makes, none of its extra ones.

The raw endpoints need no list of markets, so none is ever loaded: it would cost more than the
whole cold start (reference performance 2).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from crypto_ai_bot.brokers import gate_prices
from crypto_ai_bot.brokers.ccxt_client import CcxtClient
from crypto_ai_bot.brokers.gate_prices import pair_id
from crypto_ai_bot.brokers.market_readings import SPARE_BARS
from crypto_ai_bot.domain.errors import ExchangeUnavailable
from crypto_ai_bot.domain.market import TIMEFRAMES_MS, Candle, Depth, MarketRules, Quote, Symbol
from crypto_ai_bot.ports.clock import Clock

CANDLES_MAX: Final = 1_000  # Gate's limit for one request


class GateFeed:
    """PriceFeed over Gate, unsigned. `taker_fee_rate` stands in for the account's own."""

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
        """Best bid and ask of one symbol, 1 request."""
        quote = self._tickers((symbol,), {"currency_pair": pair_id(symbol)}).get(symbol)
        if quote is None:
            raise ExchangeUnavailable(f"gate spot/tickers: {symbol} has no bid and ask to trade on")
        return quote

    def fetch_tickers(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote]:
        """Best bid and ask of many symbols, 1 request: Gate answers for one pair or for all."""
        if len(symbols) == 1:
            return self._tickers(symbols, {"currency_pair": pair_id(symbols[0])})
        return self._tickers(symbols, {"timezone": "utc0"}) if symbols else {}

    def fetch_candles(
        self, symbol: Symbol, timeframe: str, bars: int, now_ms: int
    ) -> Sequence[Candle]:
        """At most `bars` bars that had closed by `now_ms`, oldest first, 1 request.

        Gate gives 1,000 at most, of which the last may be open.
        """
        timeframe_ms = TIMEFRAMES_MS[timeframe]
        question = {
            "currency_pair": pair_id(symbol),
            "interval": timeframe,
            "limit": min(bars + SPARE_BARS, CANDLES_MAX),
        }
        return self._client.call(
            f"spot/candlesticks {symbol} {timeframe}",
            lambda gate: gate.publicSpotGetCandlesticks(question),
            lambda rows: gate_prices.read_candlesticks(rows, timeframe_ms, bars, now_ms),
        )

    def fetch_depth(self, symbol: Symbol) -> Depth:
        """The best levels of the order book, 1 request."""
        question = {
            "currency_pair": pair_id(symbol),
            "limit": self._depth_levels,
            "with_id": "true",
        }
        return self._client.call(
            f"spot/order_book {symbol}",
            lambda gate: gate.publicSpotGetOrderBook(question),
            lambda answer: gate_prices.read_order_book(answer, self._clock.now_ms()),
        )

    def fetch_rules(self, symbol: Symbol, now_ms: int) -> MarketRules:
        """The rules of one pair, 1 request. The fee is not in them: it is the account's."""
        return self._client.call(
            f"spot/currency_pairs {symbol}",
            lambda gate: gate.publicSpotGetCurrencyPairsCurrencyPair(
                {"currency_pair": pair_id(symbol)}
            ),
            lambda answer: gate_prices.read_rules(answer, symbol, self._taker_fee_rate, now_ms),
        )

    def fetch_server_ms(self) -> int:
        """Gate's time, 1 request."""
        return self._client.call(
            "spot/time", lambda gate: gate.publicSpotGetTime(), gate_prices.read_server_ms
        )

    def _tickers(
        self, symbols: Sequence[Symbol], question: Mapping[str, Any]
    ) -> Mapping[Symbol, Quote]:
        return self._client.call(
            "spot/tickers",
            lambda gate: gate.publicSpotGetTickers(question),
            lambda rows: gate_prices.read_tickers(rows, symbols, self._clock.now_ms()),
        )
