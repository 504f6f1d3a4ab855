"""Averages as folds: `update` takes in one bar, `value` reads off the state.

Plain floats in slots, O(1) a bar (amortised). `ready` says that the first whole window was seen;
before that `value` rests on what there was. Windows of highs and lows are in channels.py.

Recursive averages (EMA, RSI, ATR) never forget wholly. `ema_warm_up_bars` and
`wilder_warm_up_bars` say after how many bars what came before them weighs nothing any more.
"""

import math
from collections import deque
from collections.abc import Iterable
from typing import Final, Self

from crypto_ai_bot.strategies.candles import Candles

# What the bars before the warm-up may still weigh. On nine markets (hourly 2021-2023, minutes of
# March 2023; about 8,000 crosses of EMA 12 and 26) a weight of 1e-5 moved seven crosses by a bar,
# and 1e-6 none. A tenth of that is asked for.
_FORGOTTEN: Final = 1e-7


def _bars_until_forgotten(weight: float) -> int:
    return math.ceil(math.log(_FORGOTTEN) / math.log1p(-weight)) if weight < 1 else 0


def ema_warm_up_bars(bars: int) -> int:
    """How many bars an EMA must see: its start, and what it takes to forget it."""
    return 1 + _bars_until_forgotten(2 / (bars + 1))


def wilder_warm_up_bars(bars: int) -> int:
    """How many bars an RSI or ATR must see: its first window, and what it takes to forget it."""
    return 1 + bars + _bars_until_forgotten(1 / bars)


def in_ranges(distance: float, atr: float) -> float:
    """A price distance as a score: in average true ranges, cut to -1 … 1; ±1 without a range."""
    if atr <= 0.0:
        return math.copysign(1.0, distance)
    return max(-1.0, min(1.0, distance / atr))


class Ema:
    """Exponential moving average, weight 2/(bars+1), started at the first value.

    After R. G. Brown, Statistical Forecasting for Inventory Control (1959).
    """

    __slots__ = ("_seen", "_weight", "value")

    def __init__(self, bars: int) -> None:
        self._weight = 2 / (bars + 1)
        self._seen = False
        self.value = 0.0

    def update(self, value: float) -> None:
        """Takes in the next value."""
        if self._seen:
            self.value += self._weight * (value - self.value)
        else:
            self.value, self._seen = value, True


class Sma:
    """Simple moving average of the last `bars` values (of all, before there are as many).

    The running sum is made anew, exactly rounded, each time the window has turned over once: so
    its error is that of at most `bars` additions, after a million bars as after the first.
    """

    __slots__ = ("_bars", "_sum", "_turn", "_window")

    def __init__(self, bars: int) -> None:
        self._bars = bars
        self._window: deque[float] = deque()
        self._sum = 0.0
        self._turn = 0

    def update(self, value: float) -> None:
        """Takes in the next value."""
        window = self._window
        window.append(value)
        self._sum += value
        if len(window) > self._bars:
            self._sum -= window.popleft()
        self._turn += 1
        if self._turn == self._bars:
            self._sum, self._turn = math.fsum(window), 0

    @property
    def ready(self) -> bool:
        """The window is full."""
        return len(self._window) == self._bars

    @property
    def value(self) -> float:
        """The mean; 0 before the first value."""
        return self._sum / len(self._window) if self._window else 0.0


class Bollinger:
    """Moving average with bands `width` population standard deviations away.

    After J. Bollinger, Bollinger on Bollinger Bands (2001), chapter 7. Sums are kept of distances
    from an anchor inside the window (no cancellation of squares of prices); anchor and sums are
    made anew each time the window has turned over once, so error does not grow with the bars.
    """

    __slots__ = ("_anchor", "_bars", "_squares", "_sum", "_turn", "_width", "_window")

    def __init__(self, bars: int = 20, width: float = 2.0) -> None:
        self._bars = bars
        self._width = width
        self._window: deque[float] = deque()
        self._anchor = self._sum = self._squares = 0.0
        self._turn = 0

    def update(self, value: float) -> None:
        """Takes in the next value."""
        window = self._window
        if not window:
            self._anchor = value
        window.append(value)
        distance = value - self._anchor
        self._sum += distance
        self._squares += distance * distance
        if len(window) > self._bars:
            distance = window.popleft() - self._anchor
            self._sum -= distance
            self._squares -= distance * distance
        self._turn += 1
        if self._turn == self._bars:
            self._renew(value)

    def _renew(self, anchor: float) -> None:
        self._anchor, self._turn = anchor, 0
        self._sum = math.fsum(value - anchor for value in self._window)
        self._squares = math.fsum((value - anchor) ** 2 for value in self._window)

    @property
    def ready(self) -> bool:
        """The window is full."""
        return len(self._window) == self._bars

    @property
    def value(self) -> float:
        """The middle band: the mean; 0 before the first value."""
        return self._anchor + self._sum / len(self._window) if self._window else 0.0

    @property
    def deviation(self) -> float:
        """The population standard deviation."""
        if not self._window:
            return 0.0
        mean = self._sum / len(self._window)
        return math.sqrt(max(0.0, self._squares / len(self._window) - mean * mean))

    @property
    def upper(self) -> float:
        """The upper band."""
        return self.value + self._width * self.deviation

    @property
    def lower(self) -> float:
        """The lower band."""
        return self.value - self._width * self.deviation


class _Wilder:
    """Wilder's smoothing: the mean of the first `bars` values, then weight 1/bars on each."""

    __slots__ = ("_bars", "_seen", "_weight", "value")

    def __init__(self, bars: int) -> None:
        self._bars = bars
        self._seen = 0
        self._weight = 1.0
        self.value = 0.0

    def update(self, value: float) -> None:
        if self._seen < self._bars:
            self._seen += 1
            self._weight = 1 / self._seen
        self.value += self._weight * (value - self.value)

    @property
    def ready(self) -> bool:
        return self._seen == self._bars


class Rsi:
    """Relative strength index, 0 … 100; 50 while nothing has moved.

    After J. W. Wilder, New Concepts in Technical Trading Systems (1978), section VI.
    """

    __slots__ = ("_close", "_gain", "_loss", "_seen")

    def __init__(self, bars: int = 14) -> None:
        self._gain = _Wilder(bars)
        self._loss = _Wilder(bars)
        self._close = 0.0
        self._seen = False

    def update(self, close: float) -> None:
        """Takes in the next close."""
        if self._seen:
            change = close - self._close
            self._gain.update(max(change, 0.0))
            self._loss.update(max(-change, 0.0))
        self._close, self._seen = close, True

    @property
    def ready(self) -> bool:
        """As many changes as the window holds were seen."""
        return self._gain.ready

    @property
    def value(self) -> float:
        """The share of gains in all movement, in per cent."""
        moved = self._gain.value + self._loss.value
        return 100 * self._gain.value / moved if moved else 50.0


class Atr:
    """Average true range, in the price's unit. The first bar's range is its high less its low.

    After J. W. Wilder, New Concepts in Technical Trading Systems (1978), section III. Feed it with
    `update` or with `after`, not both: `after` counts the bars that it has seen.
    """

    __slots__ = ("_bars", "_close", "_seen", "value")

    def __init__(self, bars: int = 14) -> None:
        self._bars = bars
        self._seen = 0
        self._close = 0.0
        self.value = 0.0

    def update(self, high: float, low: float, close: float) -> None:
        """Takes in the next bar."""
        self._take(((high, low, close),))

    def after(self, candles: Candles) -> Self:
        """Takes in all bars that were taken from `candles` since it was last asked.

        For a strategy that needs the range on some bars only: in one go they cost a fraction.
        """
        self._take(candles.taken_since(self._seen))
        return self

    def _take(self, rows: Iterable[tuple[float, float, float]]) -> None:
        seen, before, value, bars = self._seen, self._close, self.value, self._bars
        weight = 1 / bars
        for high, low, close in rows:
            seen += 1
            # The true range reaches from the bar to the close before it, where that lies outside.
            top = before if before > high else high  # noqa: FURB136 - a call costs more
            bottom = before if before < low and seen > 1 else low
            value += (weight if seen >= bars else 1 / seen) * (top - bottom - value)
            before = close
        self._seen, self._close, self.value = seen, before, value

    @property
    def pct(self) -> float:
        """The value in per cent of the last close; 0 before the first bar."""
        return 100 * self.value / self._close if self._close else 0.0

    @property
    def ready(self) -> bool:
        """As many bars as the window holds were seen."""
        return self._seen >= self._bars
