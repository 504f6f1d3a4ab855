"""What the replayed market shows: candles closed by now, and one price a symbol, set by the driver.

A price is a bid; the ask stands a spread above it. There is always more to buy than is asked for.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.domain.market import (
    TIMEFRAMES_MS,
    Candle,
    Depth,
    Level,
    MarketRules,
    Quote,
    Symbol,
)
from crypto_ai_bot.domain.trading_state import TradingState

_SIZE_BASE: Final = Decimal(10**12)
_LEFT_MS: Final = 15_000  # enough for an order, and not for a second pass of exits


class VirtualClock:
    """Time stands where the driver has put it."""

    def __init__(self) -> None:
        self.at_ms = 0

    def now_ms(self) -> int:
        """Where the driver has put it."""
        return self.at_ms

    def remaining_ms(self) -> int:
        """So little that each run of exits is one pass: the driver says when the next one is."""
        return _LEFT_MS

    def wait_until(self, at_ms: int) -> None:
        """Nobody waits."""
        self.at_ms = max(self.at_ms, at_ms)


class AlwaysOn:
    """The operator's switch, never touched unless the driver says so."""

    def __init__(self) -> None:
        self.state = TradingState.ON

    def read(self) -> TradingState:
        """What it is set to."""
        return self.state


class ReplayFeed:
    """PriceFeed over recorded candles."""

    def __init__(self, markets: Sequence[Market], terms: Terms, clock: VirtualClock) -> None:
        self._clock = clock
        self._bid_factor, self._ask_factor = terms.bid_factor, terms.ask_factor
        self._markets = {market.symbol: market for market in markets}
        self._quotes = dict[Symbol, Quote]()
        self._candles = {
            market.symbol: list(
                map(
                    Candle,
                    market.opened_ms,
                    market.opens,
                    market.highs,
                    market.lows,
                    market.closes,
                    market.volumes,
                )
            )
            for market in markets
        }

    def show(self, symbol: Symbol, price: float) -> None:
        """From now on the candle's price is `price`: bid and ask stand around it."""
        bid, ask = price * self._bid_factor, price * self._ask_factor
        self.quote(symbol, Decimal(repr(bid)), Decimal(repr(ask)))

    def show_bid(self, symbol: Symbol, bid: float) -> None:
        """From now on the bid is `bid`, and nobody asks for more."""
        exact = Decimal(repr(bid))
        self.quote(symbol, exact, exact)

    def quote(self, symbol: Symbol, bid: Decimal, ask: Decimal) -> None:
        """From now on these are bid and ask."""
        self._quotes[symbol] = Quote(bid, ask, bid, self._clock.at_ms)

    def fetch_ticker(self, symbol: Symbol) -> Quote:
        """What was shown last, read now."""
        shown = self._quotes[symbol]
        return Quote(shown.bid, shown.ask, shown.last, self._clock.at_ms)

    def fetch_tickers(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote]:
        """What was shown last; symbols that were never shown have no market yet."""
        return {one: self.fetch_ticker(one) for one in symbols if one in self._quotes}

    def fetch_candles(
        self, symbol: Symbol, timeframe: str, bars: int, now_ms: int
    ) -> Sequence[Candle]:
        """The last `bars` of the bars that had closed by `now_ms`."""
        opened_ms = self._markets[symbol].opened_ms
        closed = bisect_right(opened_ms, now_ms - TIMEFRAMES_MS[timeframe])
        return self._candles[symbol][max(closed - bars, 0) : closed]

    def fetch_depth(self, symbol: Symbol) -> Depth:
        """One level a side, never used up."""
        shown = self._quotes[symbol]
        return Depth(
            (Level(shown.bid, _SIZE_BASE),), (Level(shown.ask, _SIZE_BASE),), self._clock.at_ms
        )

    def fetch_rules(self, symbol: Symbol, now_ms: int) -> MarketRules:
        """Those of the backtest."""
        del now_ms
        return self._markets[symbol].rules

    def fetch_server_ms(self) -> int:
        """Our own time."""
        return self._clock.at_ms
