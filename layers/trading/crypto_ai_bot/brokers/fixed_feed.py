"""Prices that never move (PRICE_FEED=fixed): a paper run with no network at all."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from crypto_ai_bot.domain.market import (
    TIMEFRAMES_MS,
    Candle,
    Depth,
    Level,
    MarketRules,
    Quote,
    Symbol,
    TradeStatus,
)
from crypto_ai_bot.domain.money import ONE
from crypto_ai_bot.ports.clock import Clock

_SIZE_BASE: Final = Decimal(10**9)  # more than any paper account buys
_CENT: Final = Decimal("0.01")


class FixedFeed:
    """PriceFeed where bid, ask and last are `price`, in quote, for every symbol and for good."""

    def __init__(
        self, price: Decimal, clock: Clock, *, taker_fee_rate: Decimal = Decimal("0.002")
    ) -> None:
        if not price > 0:
            raise ValueError(f"a fixed price must be above 0, not {price}")
        self._price = price
        self._clock = clock
        self._taker_fee_rate = taker_fee_rate

    def fetch_ticker(self, symbol: Symbol) -> Quote:
        """The price."""
        del symbol
        return Quote(self._price, self._price, self._price, self._clock.now_ms())

    def fetch_tickers(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote]:
        """The price, for each."""
        return {symbol: self.fetch_ticker(symbol) for symbol in symbols}

    def fetch_candles(
        self, symbol: Symbol, timeframe: str, bars: int, now_ms: int
    ) -> Sequence[Candle]:
        """Flat bars without a gap, the last one closed by `now_ms`."""
        del symbol
        timeframe_ms = TIMEFRAMES_MS[timeframe]
        open_bar_ms = now_ms - now_ms % timeframe_ms
        price = float(self._price)
        return [
            Candle(open_bar_ms - back * timeframe_ms, price, price, price, price, 1.0)
            for back in range(bars, 0, -1)
        ]

    def fetch_depth(self, symbol: Symbol) -> Depth:
        """One level on each side, too large to be used up."""
        del symbol
        level = Level(self._price, _SIZE_BASE)
        return Depth((level,), (level,), self._clock.now_ms())

    def fetch_rules(self, symbol: Symbol, now_ms: int) -> MarketRules:
        """Rules like those of Gate's large pairs; the price step is no coarser than the price."""
        exponent = self._price.normalize().as_tuple().exponent
        last_digit = ONE.scaleb(exponent) if isinstance(exponent, int) else _CENT
        return MarketRules(
            symbol=symbol,
            amount_step_base=Decimal("0.000001"),
            price_step_quote=min(_CENT, last_digit),
            amount_base_min=Decimal("0.000001"),
            amount_quote_min=Decimal(3),
            taker_fee_rate=self._taker_fee_rate,
            trade_status=TradeStatus.TRADABLE,
            delisting_ms=0,
            read_ms=now_ms,
        )

    def fetch_server_ms(self) -> int:
        """Our own time."""
        return self._clock.now_ms()
