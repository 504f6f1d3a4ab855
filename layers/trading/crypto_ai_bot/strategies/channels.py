"""The highest and lowest of a window as folds: `update` takes in one bar, amortised O(1).

A queue of candidates, each with its number: a value that a newer one has reached can never be the
highest again, so each value enters and leaves the queue once (D. Lemire, Streaming maximum-minimum
filter using no more than three comparisons per element, 2006).
"""

from collections import deque


class Highest:
    """The highest of the last `bars` values; `ready` when the window is full."""

    __slots__ = ("_bars", "_falling", "_seen", "ready", "value")

    def __init__(self, bars: int) -> None:
        self._bars = bars
        self._falling: deque[tuple[int, float]] = deque()
        self._seen = 0
        self.ready = False
        self.value = 0.0

    def update(self, value: float) -> None:
        """Takes in the next value."""
        falling = self._falling
        self._seen = seen = self._seen + 1
        while falling and falling[-1][1] <= value:
            falling.pop()
        falling.append((seen, value))
        if seen >= self._bars:
            self.ready = True
            if falling[0][0] <= seen - self._bars:
                falling.popleft()
        self.value = falling[0][1]


class Lowest:
    """The lowest of the last `bars` values; `ready` when the window is full."""

    __slots__ = ("_bars", "_rising", "_seen", "ready", "value")

    def __init__(self, bars: int) -> None:
        self._bars = bars
        self._rising: deque[tuple[int, float]] = deque()
        self._seen = 0
        self.ready = False
        self.value = 0.0

    def update(self, value: float) -> None:
        """Takes in the next value."""
        rising = self._rising
        self._seen = seen = self._seen + 1
        while rising and rising[-1][1] >= value:
            rising.pop()
        rising.append((seen, value))
        if seen >= self._bars:
            self.ready = True
            if rising[0][0] <= seen - self._bars:
                rising.popleft()
        self.value = rising[0][1]


class Donchian:
    """The channel between the highest high and the lowest low of the last `bars` bars.

    After R. Donchian, High Finance in Copper, Financial Analysts Journal 16/6 (1960).
    """

    __slots__ = ("_high", "_low")

    def __init__(self, bars: int = 20) -> None:
        self._high = Highest(bars)
        self._low = Lowest(bars)

    def update(self, high: float, low: float) -> None:
        """Takes in the next bar."""
        self._high.update(high)
        self._low.update(low)

    @property
    def ready(self) -> bool:
        """The window is full."""
        return self._high.ready

    @property
    def upper(self) -> float:
        """The highest high."""
        return self._high.value

    @property
    def lower(self) -> float:
        """The lowest low."""
        return self._low.value

    @property
    def value(self) -> float:
        """The middle of the channel."""
        return (self.upper + self.lower) / 2
