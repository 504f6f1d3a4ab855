"""A price feed and a clock that do what a test says, keeping the real ones' contracts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from crypto_ai_bot.domain.errors import ExchangeUnavailable
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

BTC_USDT = Symbol("BTC", "USDT")
LTC_USDT = Symbol("LTC", "USDT")


@dataclass
class ManualClock:
    """A clock that moves when told to. `waits` records what was waited for; a wait moves it."""

    time_ms: int = 1_693_826_050_000
    invocation_ends_ms: int = 10**15
    waits: list[int] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.time_ms

    def remaining_ms(self) -> int:
        return self.invocation_ends_ms - self.time_ms

    def wait_until(self, at_ms: int) -> None:
        self.waits.append(at_ms)
        self.time_ms = max(self.time_ms, at_ms)

    def advance(self, by_ms: int) -> None:
        self.time_ms += by_ms


def rules_of(
    symbol: Symbol, *, step: str = "0.001", price_step: str = "0.01", fee: str = "0.002"
) -> MarketRules:
    """Rules as Gate has for its larger pairs; change them with dataclasses.replace."""
    return MarketRules(
        symbol=symbol,
        amount_step_base=Decimal(step),
        price_step_quote=Decimal(price_step),
        amount_base_min=Decimal(step),
        amount_quote_min=Decimal(3),
        taker_fee_rate=Decimal(fee),
        trade_status=TradeStatus.TRADABLE,
        delisting_ms=0,
        read_ms=0,
    )


class ScriptedFeed:
    """PriceFeed of what was put in: `set_price`, `set_depth`, `rules`, `candles`.

    `requests` counts what was asked, as (method, what). `down` makes every method raise,
    `failures` the named methods as many times as they count. `offset_ms` is how far the exchange's
    clock is ahead of ours.
    """

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.offset_ms = 0
        self.quotes: dict[Symbol, Quote] = {}
        self.depths: dict[Symbol, Depth] = {}
        self.rules: dict[Symbol, MarketRules] = {}
        self.candles: dict[tuple[Symbol, str], list[Candle]] = {}
        self.down = False
        self.failures: dict[str, int] = {}
        self.requests: list[tuple[str, str]] = []

    def set_price(
        self, symbol: Symbol, bid: str, ask: str | None = None, *, size: str = "1000000"
    ) -> None:
        """Quotes `symbol` at `bid` and `ask` (the same unless given), with `size` at each."""
        bid_price, ask_price = Decimal(bid), Decimal(ask or bid)
        self.quotes[symbol] = Quote(bid_price, ask_price, bid_price, self.clock.now_ms())
        self.set_depth(symbol, bids=[(bid, size)], asks=[(ask or bid, size)])

    def set_depth(
        self,
        symbol: Symbol,
        *,
        bids: Sequence[tuple[str, str]] = (),
        asks: Sequence[tuple[str, str]] = (),
    ) -> None:
        """The levels of the book, best first."""
        self.depths[symbol] = Depth(_levels(bids), _levels(asks), self.clock.now_ms())

    def fetch_ticker(self, symbol: Symbol) -> Quote:
        self._request("fetch_ticker", symbol)
        if symbol not in self.quotes:
            raise ExchangeUnavailable(f"scripted feed: {symbol} has no market")
        return replace(self.quotes[symbol], read_ms=self.clock.now_ms())

    def fetch_tickers(self, symbols: Sequence[Symbol]) -> Mapping[Symbol, Quote]:
        self._request("fetch_tickers", *symbols)
        return {
            symbol: replace(self.quotes[symbol], read_ms=self.clock.now_ms())
            for symbol in symbols
            if symbol in self.quotes
        }

    def fetch_candles(
        self, symbol: Symbol, timeframe: str, bars: int, now_ms: int
    ) -> Sequence[Candle]:
        self._request("fetch_candles", symbol)
        timeframe_ms = TIMEFRAMES_MS[timeframe]
        known = sorted(self.candles.get((symbol, timeframe), []))
        return [candle for candle in known if candle.opened_ms + timeframe_ms <= now_ms][-bars:]

    def fetch_depth(self, symbol: Symbol) -> Depth:
        self._request("fetch_depth", symbol)
        if symbol not in self.depths:
            raise ExchangeUnavailable(f"scripted feed: {symbol} has no market")
        return replace(self.depths[symbol], read_ms=self.clock.now_ms())

    def fetch_rules(self, symbol: Symbol, now_ms: int) -> MarketRules:
        self._request("fetch_rules", symbol)
        return replace(self.rules.get(symbol, rules_of(symbol)), read_ms=now_ms)

    def fetch_server_ms(self) -> int:
        self._request("fetch_server_ms")
        return self.clock.now_ms() + self.offset_ms

    def _request(self, method: str, *symbols: Symbol) -> None:
        self.requests.append((method, " ".join(map(str, symbols))))
        if self.failures.get(method, 0) > 0:
            self.failures[method] -= 1
            raise ExchangeUnavailable(f"scripted feed: {method} fails as told")
        if self.down:
            raise ExchangeUnavailable("scripted feed: down as told")


def _levels(rows: Sequence[tuple[str, str]]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), Decimal(size)) for price, size in rows)
