"""Bars of the market, and how the price moves inside one.

Prices and volumes are whole numbers of small units (the pair's price decimals; `VOLUME_DECIMALS`
of base), so that folding is exact and quick. Nothing here knows what time it is.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

VOLUME_DECIMALS = 8
PRINTS_PER_BAR = 12


class Bar(NamedTuple):
    """One candle; `turnover` is in units of price times volume units (quote)."""

    open_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    turnover: int


class Print(NamedTuple):
    """One public trade inside a bar: `number` 0 … 11, `offset_ms` from the bar's open."""

    number: int
    offset_ms: int
    price: int
    volume: int


def bar_of(open_ms: int, prices: tuple[int, int, int, int], volume: int) -> Bar:
    """Return a bar of (open, high, low, close); turnover at the mean of the four, floored."""
    return Bar(open_ms, *prices, volume, volume * sum(prices) // 4)


def fold(bars: Sequence[Bar]) -> Bar | None:
    """Fold bars, oldest first, into the one that covers them all; None of none."""
    if len(bars) < 2:  # noqa: PLR2004 - nothing to fold
        return bars[0] if bars else None
    _, _, highs, lows, _, volumes, turnovers = zip(*bars, strict=True)
    first, last = bars[0], bars[-1]
    return Bar(
        first.open_ms,
        first.open,
        max(highs),
        min(lows),
        last.close,
        sum(volumes),
        sum(turnovers),
    )


def price_in(bar: Bar, elapsed_ms: int, step_ms: int) -> int:
    """Return the price `elapsed_ms` after the bar's open, floored; from its end on, its close."""
    for (begin_ms, begin), (end_ms, end) in pairwise(_knots(bar, step_ms)):
        if elapsed_ms < end_ms:
            return begin + (end - begin) * (elapsed_ms - begin_ms) // (end_ms - begin_ms)
    return bar.close


def first_in(
    bar: Bar, price: int, begin_ms: int, end_ms: int, step_ms: int, *, rising: bool
) -> int | None:
    """Return the first moment in [begin_ms, end_ms) when the price is at or beyond `price`.

    Beyond is above where `rising`, below otherwise. After the bar its close stands.
    """

    def reached(at_ms: int) -> bool:
        now = price_in(bar, at_ms - bar.open_ms, step_ms)
        return now >= price if rising else now <= price

    ends_ms = [bar.open_ms + knot_ms for knot_ms, _ in _knots(bar, step_ms)]
    for from_ms, to_ms in pairwise((*ends_ms, max(end_ms, ends_ms[-1]))):
        # Between two knots the price only rises or only falls.
        stretch = range(max(from_ms, begin_ms), min(to_ms, end_ms))
        if (index := bisect_left(stretch, True, key=reached)) < len(stretch):  # noqa: FBT003 - sought
            return stretch[index]
        # A stretch that falls may have been there at its beginning alone.
        if stretch and reached(stretch[0]):
            return stretch[0]
    return None


def so_far(bar: Bar, elapsed_ms: int, step_ms: int, volume_unit: int) -> Bar:
    """Return the bar as someone sees it `elapsed_ms` after its open: what has happened, no more."""
    if elapsed_ms >= step_ms:
        return bar
    price = price_in(bar, elapsed_ms, step_ms)
    seen = [price, *(p for at_ms, p in _knots(bar, step_ms) if at_ms <= elapsed_ms)]
    volume = sum(p.volume for p in prints(bar, step_ms, volume_unit) if p.offset_ms <= elapsed_ms)
    return bar_of(bar.open_ms, (bar.open, max(seen), min(seen), price), volume)


def prints(bar: Bar, step_ms: int, volume_unit: int) -> list[Print]:
    """Return the bar's public trades, oldest first; their volumes add up to the bar's.

    They stand evenly in the bar, the last at its last millisecond and at its close, so they meet
    open, high, low and close. Shares are floored to `volume_unit`; the last takes the rest.
    """
    share = bar.volume // PRINTS_PER_BAR // volume_unit * volume_unit
    final = PRINTS_PER_BAR - 1
    early = [
        Print(n, offset_ms, price_in(bar, offset_ms, step_ms), share)
        for n in range(final if share else 0)
        for offset_ms in (n * step_ms // PRINTS_PER_BAR,)
    ]
    rest = bar.volume - share * final
    return [*early, Print(final, step_ms - 1, bar.close, rest)] if rest else early


def _knots(bar: Bar, step_ms: int) -> tuple[tuple[int, int], ...]:
    """Return the path: open → nearer extreme → other extreme → close.

    It rests a sixth of the bar at each extreme (ten seconds of a minute), so that someone looking
    every ten seconds sees the low and the high.
    """
    near, far = bar.high, bar.low
    if bar.open - bar.low < bar.high - bar.open:
        near, far = bar.low, bar.high
    return (
        (0, bar.open),
        (step_ms // 6, near),
        (step_ms // 3, near),
        (step_ms * 2 // 3, far),
        (step_ms * 5 // 6, far),
        (step_ms, bar.close),
    )
