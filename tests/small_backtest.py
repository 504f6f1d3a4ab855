"""A backtest in a few lines, with the types of the real one: quick, no limits, no stops, no steps.

For tests of what is made from a result: what the real one does is held by its own tests.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

from builders import market as rules
from crypto_ai_bot.backtest.benchmark import cost_of_a_side
from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.result import Result
from crypto_ai_bot.domain.market import HOUR_MS, Symbol
from crypto_ai_bot.domain.order import Purpose, Side
from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.domain.stop import StopRules
from crypto_ai_bot.strategies.base import Strategy, turns
from crypto_ai_bot.strategies.candles import Candles

BEGIN_MS = 1_640_995_200_000  # 2022-01-01
TERMS = Terms(
    amount_quote=None,
    spread_pct=Decimal("0.02"),
    slippage_pct=Decimal("0.02"),
    stops=StopRules(hard_pct=0),
)
ENTER, EXIT = Signal(Action.ENTER, 1.0, ("in",)), Signal(Action.EXIT, -1.0, ("out",))


def run(markets: Sequence[Market], strategy: Strategy, terms: Terms) -> Result:
    """Market orders at the next open; each entry spends what its symbol has left."""
    rows = [row for market in markets for row in _traded(market, strategy, terms, len(markets))]
    rows.sort(key=lambda row: row[0])
    return Result(tuple(markets), terms, rows, [])


def _traded(
    market: Market, strategy: Strategy, terms: Terms, shares: int
) -> Iterator[tuple[Any, ...]]:
    fee = float(market.rules.taker_fee_rate)
    slip = cost_of_a_side(market, terms) - fee
    quote, base = float(terms.start_quote) / shares, 0.0
    for bar, signal in turns(strategy, columns(market)):
        if bar + 1 >= market.bars or (signal.action is Action.ENTER) == bool(base):
            continue
        at_ms, price = market.opened_ms[bar + 1], market.opens[bar + 1]
        if signal.action is Action.ENTER:
            price *= 1 + slip
            base, spent, quote = quote / price * (1 - fee), quote, 0.0
            traded = (Side.BUY, Purpose.ENTRY, price, base, spent, spent * fee)
        else:
            price *= 1 - slip
            quote = base * price * (1 - fee)
            traded = (Side.SELL, Purpose.EXIT, price, base, quote, base * price * fee)
            base = 0.0
        yield (at_ms, market.symbol, *traded, signal, not base)


def columns(market: Market) -> Candles:
    return Candles(
        market.opened_ms, market.opens, market.highs, market.lows, market.closes, market.volumes
    )


def market_of(closes: Sequence[float], base: str = "BTC") -> Market:
    """Hourly candles with these closes, each opening at the close before it."""
    opens = [*closes[:1], *closes[:-1]]
    symbol = Symbol(base, "USDT")
    times = [BEGIN_MS + n * HOUR_MS for n in range(len(closes))]
    highs = [max(pair) for pair in zip(opens, closes, strict=True)]
    lows = [min(pair) for pair in zip(opens, closes, strict=True)]
    volumes = [1.0] * len(closes)
    return Market(symbol, HOUR_MS, rules(symbol), times, opens, highs, lows, list(closes), volumes)


def noise(bars: int, seed: int, drift: float = 0.0, spread: float = 0.006) -> Market:
    """A price that wanders: nothing in it can be foretold but its drift."""
    chance, price, closes = random.Random(seed), 100.0, []  # noqa: S311 - made prices
    for _ in range(bars):
        price *= 1 + chance.gauss(drift, spread)
        closes.append(price)
    return market_of(closes)


def without_costs(market: Market) -> Market:
    return replace(market, rules=replace(market.rules, taker_fee_rate=Decimal(0)))


@dataclass(frozen=True)
class Averages:
    """In while a quick average is above a slow one: as good or bad as any on noise."""

    fast: int = 5
    slow: int = 20

    def __post_init__(self) -> None:
        if self.fast >= self.slow:
            raise ValueError(f"fast={self.fast}: must be below slow={self.slow}")

    @property
    def warm_up_bars(self) -> int:
        return 8 * self.slow

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        quick, calm = 2 / (self.fast + 1), 2 / (self.slow + 1)
        closes = candles.closes()
        fast = slow = next(closes, 0.0)
        above = False
        for close in closes:
            fast += quick * (close - fast)
            slow += calm * (close - slow)
            if (fast > slow) != above:
                above = not above
                yield ENTER if above else EXIT


@dataclass(frozen=True)
class Peeking:
    """Shifted by one bar: in on the bar before a rise, out on the bar before a fall."""

    warm_up_bars: ClassVar[int] = 2

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        ahead = [close for *_, close, _ in candles.again()]
        for number, close in enumerate(candles.closes()):
            if number + 1 < len(ahead):
                yield ENTER if ahead[number + 1] > close else EXIT


@dataclass(frozen=True)
class Riding:
    """Always in, but for a bar a month: whatever it makes is the market's."""

    warm_up_bars: ClassVar[int] = 2

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        for number, _ in enumerate(candles.closes()):
            yield EXIT if number % 720 == 719 else ENTER


@dataclass(frozen=True)
class Forgetful:
    """Speaks by the number of bars it has seen, which live does not share."""

    warm_up_bars: ClassVar[int] = 10

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        for number, _ in enumerate(candles.closes()):
            if number % 7 == 0:
                yield ENTER if number % 2 else EXIT


@dataclass(frozen=True)
class Rhythm:
    """Buys each morning and sells each evening: worth something where mornings rise."""

    warm_up_bars: ClassVar[int] = 2

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        for opened_ms, *_ in candles:
            hour = opened_ms // HOUR_MS % 24
            if hour in {5, 17}:
                yield ENTER if hour == 5 else EXIT
