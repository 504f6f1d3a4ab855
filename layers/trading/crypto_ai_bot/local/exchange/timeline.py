"""One pair's market as a pure function of time: price, candles, what a window held, public trades.

Whatever the source of the bars, nothing later than `at_ms` is ever seen through this.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

from crypto_ai_bot.local.exchange.bars import (
    PRINTS_PER_BAR,
    Bar,
    Print,
    first_in,
    fold,
    price_in,
    prints,
    so_far,
)

# Past stretches are folded once and kept, in these sizes: a day's window is then some fifty bars.
_BLOCKS_MS = (86_400_000, 3_600_000)
_CANDLES_KEPT = 20_000


class BarSource(Protocol):
    """Bars of one pair, whole, the future included: a replayed file or a synthetic market.

    `open_ms` of every bar is a multiple of `step_ms`. A real gap stays a gap.
    """

    @property
    def step_ms(self) -> int:
        """Length of a bar."""
        ...

    @property
    def first_ms(self) -> int:
        """Open of the first bar."""
        ...

    @property
    def end_ms(self) -> int | None:
        """End of the last bar; None where the market has no end."""
        ...

    def bars(self, from_ms: int, to_ms: int) -> Sequence[Bar]:
        """Bars that open in [from_ms, to_ms), oldest first."""
        ...

    def newest(self, at_ms: int) -> Bar | None:
        """Return the bar that opened last, at `at_ms` or before; None before the first."""
        ...


class Candle(NamedTuple):
    """A candle of any interval; `closed` tells whether its interval is over."""

    open_ms: int
    bar: Bar
    closed: bool


class Trade(NamedTuple):
    """One public trade; ids rise with time."""

    id: int
    time_ms: int
    buy: bool
    price: int
    volume: int


class Timeline:
    """What a source's bars look like to someone who stands at a moment."""

    def __init__(self, source: BarSource, volume_unit: int) -> None:
        self.source = source
        self._volume_unit = volume_unit
        step_ms = source.step_ms
        self._blocks_ms = tuple(b for b in _BLOCKS_MS if b > step_ms and b % step_ms == 0)
        # Of the past alone, which never changes; lru_cache is safe under threads.
        self._past = lru_cache(maxsize=_CANDLES_KEPT)(self._fold_past)

    def price(self, at_ms: int) -> int:
        """Return the last price at `at_ms`; in a gap, the last one traded.

        ValueError before the first bar.
        """
        bar = self.source.newest(at_ms)
        if bar is None:
            raise ValueError(f"nothing traded before {self.source.first_ms}; asked for {at_ms}")
        return price_in(bar, at_ms - bar.open_ms, self.source.step_ms)

    def first_reach(self, price: int, after_ms: int, until_ms: int, *, rising: bool) -> int | None:
        """Return the first moment in (after_ms, until_ms] with the price at `price` or beyond.

        Beyond is above where `rising`, below otherwise. None where it does not get there.
        """
        standing = self.source.newest(after_ms)
        from_ms = standing.open_ms if standing else after_ms + 1
        bars = self.source.bars(from_ms, until_ms + 1)
        for number, bar in enumerate(bars):
            if (bar.high < price) if rising else (bar.low > price):
                continue
            ends_ms = bars[number + 1].open_ms if number + 1 < len(bars) else until_ms + 1
            begin_ms = max(after_ms + 1, bar.open_ms)
            found = first_in(bar, price, begin_ms, ends_ms, self.source.step_ms, rising=rising)
            if found is not None:
                return found
        return None

    def window(self, from_ms: int, at_ms: int) -> Bar | None:
        """Fold what traded from `from_ms`, raised to a bar's open, until `at_ms`."""
        now_open_ms = at_ms - at_ms % self.source.step_ms
        parts = self._span(_ceil(from_ms, self.source.step_ms), now_open_ms, self._blocks_ms)
        bar = self.source.newest(at_ms)
        if bar is not None and bar.open_ms == now_open_ms >= from_ms:
            parts = [*parts, self._running(bar, at_ms)]
        return fold(parts)

    def candles(self, interval_ms: int, from_ms: int, to_ms: int, at_ms: int) -> list[Candle]:
        """Return the candles that open in [from_ms, to_ms] and not after `at_ms`, oldest first.

        Intervals are multiples of the step and stand on multiples of themselves since 1970. One
        in which nothing traded is absent. The newest may be unfinished.
        """
        first_ms = _ceil(max(from_ms, self.source.first_ms - interval_ms), interval_ms)
        last_ms, closed_ms = min(to_ms, at_ms), at_ms - at_ms % interval_ms
        found: Iterable[tuple[int, Bar | None]]
        if interval_ms == self.source.step_ms:
            found = [
                (bar.open_ms, bar)
                for bar in self.source.bars(first_ms, min(last_ms + 1, closed_ms))
            ]
        else:
            opens_ms = range(first_ms, min(last_ms + 1, closed_ms), interval_ms)
            found = ((t, self._past(t, interval_ms)) for t in opens_ms)
        candles = [Candle(t, bar, closed=True) for t, bar in found if bar]
        if first_ms <= closed_ms <= last_ms and (bar := self.window(closed_ms, at_ms)):
            candles.append(Candle(closed_ms, bar, closed=False))
        return candles

    def trades(self, from_ms: int, to_ms: int, at_ms: int) -> Iterator[Trade]:
        """Yield the public trades in [from_ms, to_ms] and not after `at_ms`, newest first."""
        step_ms, until_ms = self.source.step_ms, min(to_ms, at_ms)
        for bar in reversed(self.source.bars(from_ms - from_ms % step_ms, until_ms + 1)):
            before: int | None = None
            inside = []
            for p in prints(bar, step_ms, self._volume_unit):
                if from_ms <= bar.open_ms + p.offset_ms <= until_ms:
                    inside.append(_trade(bar, p, step_ms, bar.open if before is None else before))
                before = p.price
            yield from reversed(inside)

    def _running(self, bar: Bar, at_ms: int) -> Bar:
        return so_far(bar, at_ms - bar.open_ms, self.source.step_ms, self._volume_unit)

    def _span(self, from_ms: int, to_ms: int, blocks_ms: tuple[int, ...]) -> Sequence[Bar]:
        """Return bars that cover [from_ms, to_ms): whole blocks folded, the rest as they are."""
        if not blocks_ms:
            return self.source.bars(from_ms, to_ms)
        block_ms, *finer = blocks_ms
        first_ms, last_ms = _ceil(from_ms, block_ms), to_ms - to_ms % block_ms
        if first_ms >= last_ms:
            return self._span(from_ms, to_ms, tuple(finer))
        whole = (self._past(t, block_ms) for t in range(first_ms, last_ms, block_ms))
        return [
            *self._span(from_ms, first_ms, tuple(finer)),
            *(bar for bar in whole if bar),
            *self._span(last_ms, to_ms, tuple(finer)),
        ]

    def _fold_past(self, from_ms: int, length_ms: int) -> Bar | None:
        finer = tuple(b for b in self._blocks_ms if b < length_ms)
        return fold(self._span(from_ms, from_ms + length_ms, finer))


def _trade(bar: Bar, p: Print, step_ms: int, before: int) -> Trade:
    number = bar.open_ms // step_ms * PRINTS_PER_BAR + p.number
    return Trade(number, bar.open_ms + p.offset_ms, p.price >= before, p.price, p.volume)


def _ceil(at_ms: int, to_ms: int) -> int:
    return -(-at_ms // to_ms) * to_ms
