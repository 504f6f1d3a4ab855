"""The market of one simulated day: a price a minute per pair, in one place for all who ask.

The engine asks for last prices and depth, the client for tickers and candles; all are read off the
same path, so what a strategy saw is what its order meets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import pairwise
from random import Random

from crypto_ai_bot.domain.market import MINUTE_MS, Depth, Level
from crypto_ai_bot.local.exchange.engine.orders import Rule
from crypto_ai_bot.local.exchange.pairs import PairRules

BAR_MS = 5 * MINUTE_MS
_BAR_MINUTES = 5
_LEVELS = 3
type Row = list[str]
type Bar = tuple[float, float, float, float]


@dataclass
class Pair:
    """One pair's day. `prices` in price units, one a minute from `first_ms` on.

    `thin_until_ms` is until when the depth holds less than an order asks for, `shown` the share of
    an order that it holds then. `gap` are minutes of which the exchange has no candles.
    """

    rules: PairRules
    first_ms: int
    prices: Sequence[int]
    factor: float = 1.0
    thin_until_ms: int = 0
    shown: Decimal = Decimal("0.4")
    gap: range = range(0)
    _depths: dict[tuple[int, bool, float], Depth] = field(default_factory=dict)
    _tickers: dict[tuple[int, bool, float], Mapping[str, str]] = field(default_factory=dict)
    _bars: dict[int, Row] = field(default_factory=dict)

    def units(self, minute: int) -> int:
        """The price of a minute, the last one's after the end of the day."""
        price = self.prices[min(max(minute, 0), len(self.prices) - 1)]
        return max(int(price * self.factor), 20)

    def minute(self, at_ms: int) -> int:
        return (at_ms - self.first_ms) // MINUTE_MS

    def last(self, at_ms: int) -> Decimal:
        return self._price(self.units(self.minute(at_ms)))

    def depth(self, at_ms: int, order_quote: Decimal) -> Depth:
        """Three levels a side. A thin one holds a part of `order_quote`, and then nothing near."""
        minute, thin = self.minute(at_ms), at_ms < self.thin_until_ms
        known = self._depths.get((minute, thin, self.factor))
        if known is None:
            known = self._levels(self.units(minute), order_quote, thin=thin)
            self._depths[minute, thin, self.factor] = known
        return known

    def ticker(self, at_ms: int, order_quote: Decimal) -> Mapping[str, str]:
        """The row of GET /spot/tickers."""
        minute, thin = self.minute(at_ms), at_ms < self.thin_until_ms
        known = self._tickers.get((minute, thin, self.factor))
        if known is None:
            depth = self.depth(at_ms, order_quote)
            known = self._tickers[minute, thin, self.factor] = {
                "currency_pair": self.rules.id,
                "last": str(self.last(at_ms)),
                "lowest_ask": str(depth.asks[0].price),
                "highest_bid": str(depth.bids[0].price),
            }
        return known

    def _levels(self, last: int, order_quote: Decimal, *, thin: bool) -> Depth:
        step = max(last // 20_000, 1)
        size = order_quote / self._price(last)
        if thin and not self.shown:  # all there is lies beyond what a market order may pay
            offsets, sizes = (last // 10, last // 9, last // 8), (size, size, size)
        elif thin:
            near, far = size * self.shown / 2, max(last // 10, 1)
            offsets, sizes = (step, 2 * step, far), (near, near, size)
        else:
            offsets, sizes = (step, 2 * step, 4 * step), (size * 2 / 5, size * 2 / 5, size * 20)
        unit = self.rules.amount_step
        whole = [max(one // unit, Decimal(1)) * unit for one in sizes]
        levels = list(zip(offsets, whole, strict=True))
        bids = tuple(Level(self._price(last - off), amount) for off, amount in levels)
        asks = tuple(Level(self._price(last + off), amount) for off, amount in levels)
        return Depth(bids if last > 2 * levels[-1][0] else bids[:2], asks, 0)

    def bars(self, now_ms: int, count: int) -> list[Row]:
        """Candles as Gate gives them, oldest first, the open one among them; gaps are left out."""
        newest = now_ms - now_ms % BAR_MS
        opened = range(newest - (count - 1) * BAR_MS, newest + 1, BAR_MS)
        return [
            self._bar(at_ms, now_ms)
            for at_ms in opened
            if at_ms >= self.first_ms and self.minute(at_ms) not in self.gap
        ]

    def _bar(self, opened_ms: int, now_ms: int) -> Row:
        closed = opened_ms + BAR_MS <= now_ms
        if opened_ms in self._bars:
            return self._bars[opened_ms]
        begin, end = self.minute(opened_ms), self.minute(now_ms)
        if not closed:  # nobody may read it; it says of itself that it is open
            price = str(self._price(self.units(end)))
            return [str(opened_ms // 1000), "1000", price, price, price, price, "10", "false"]
        seen = [self.units(n) for n in range(begin, min(begin + _BAR_MINUTES, end + 1))]
        told = (seen[-1], max(seen), min(seen), seen[0])
        prices = [str(self._price(units)) for units in told]
        row = [str(opened_ms // 1000), "1000", *prices, "10", "true"]
        self._bars[opened_ms] = row
        return row

    def jump(self, factor: float) -> None:
        """From now on all prices stand `factor` higher; closed candles stay what they were."""
        self.factor *= factor

    def _price(self, units: int) -> Decimal:
        return Decimal(units).scaleb(-self.rules.price_decimals)


class DayMarket:
    """The pairs as the engine asks for them (engine.venue)."""

    def __init__(self, pairs: dict[str, Pair], order_quote: Decimal) -> None:
        self.pairs = pairs
        self.order_quote = order_quote

    def rules(self, pair_id: str) -> PairRules | None:
        pair = self.pairs.get(pair_id)
        return pair.rules if pair else None

    def last(self, pair_id: str, at_ms: int) -> Decimal:
        return self.pairs[pair_id].last(at_ms)

    def depth(self, pair_id: str, at_ms: int) -> Depth:
        return self.pairs[pair_id].depth(at_ms, self.order_quote)

    def first_reach(
        self, pair_id: str, rule: Rule, price: Decimal, after_ms: int, until_ms: int
    ) -> int | None:
        """The first minute in (after_ms, until_ms] whose price is at or beyond `price`."""
        pair = self.pairs[pair_id]
        first_ms = after_ms + 1
        next_ms = first_ms - first_ms % MINUTE_MS + MINUTE_MS
        moments: list[int] = [first_ms, *range(next_ms, until_ms + 1, MINUTE_MS)]
        for at_ms in moments if first_ms <= until_ms else ():
            last = pair.last(at_ms)
            if last >= price if rule is Rule.AT_LEAST else last <= price:
                return at_ms
        return None


def walk(rng: Random, start: int, minutes: int, restless: float) -> list[int]:
    """A random walk a minute, with jumps, and now and then a crash over several minutes."""
    price, path, drift = float(start), list[int](), 0.0
    step = partial(rng.uniform, -0.0012 * restless, 0.00121 * restless)
    until_next = rng.randint(30, 400)
    for _ in range(minutes):
        until_next -= 1
        if until_next <= 0:
            kind = rng.random()
            if kind < 0.4:
                price *= 1 + rng.uniform(-0.08, 0.08) * restless
            elif kind < 0.6:
                price *= 1 + rng.uniform(-0.3, -0.1)
            else:
                drift = rng.uniform(-0.004, 0.004)
            until_next = rng.randint(30, 400)
        elif drift and until_next % 40 == 0:
            drift = 0.0
        price = min(max(price * (1 + step() + drift), start / 8), start * 8)
        path.append(int(price))
    return path


def replayed(rng: Random, bars: Sequence[Bar], start: int) -> list[int]:
    """Recorded hours (open, high, low, close) as a path of minutes, scaled to begin at `start`."""
    scale = start / bars[0][0]
    path: list[int] = []
    for open_, high, low, close in bars:
        turns = [open_, *rng.sample((high, low), 2), close]
        for begin, end in pairwise(turns):
            path += [int((begin + (end - begin) * n / 20) * scale) for n in range(20)]
    return path
