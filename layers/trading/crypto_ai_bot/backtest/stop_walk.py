"""Where a position's stops are first reached on the way through many bars.

Within a bar the price is taken to run in the pessimistic order: open, low, high. What is found is
what `domain.stop.judge` finds when it is shown these prices one by one (a property test holds the
two together, for any rules), without a call and three records a price.
"""

from math import inf
from typing import Final

from crypto_ai_bot.backtest.records import Touch
from crypto_ai_bot.domain.stop import StopRules

AT_OPEN: Final = 0
AT_LOW: Final = 1
AT_HIGH: Final = 2


class StopWalk:
    """One market's path of bids, and the stops that every position on it has."""

    def __init__(
        self, rules: StopRules, opens: list[float], lows: list[float], highs: list[float]
    ) -> None:
        self._opens, self._lows, self._highs = opens, lows, highs
        self._hard = 1 - rules.hard_pct / 100 if rules.hard_pct else 0.0
        self._trail = 1 - rules.trailing_pct / 100 if rules.trailing_pct else 0.0
        self._atr_multiple = rules.atr_multiple
        self._armed = 1 + rules.break_even_pct / 100 if rules.break_even_pct else inf
        self._entry = self._break_even = self._slack = 0.0
        # Most positions raise nothing but a trailing stop.
        self._plain = True

    def enter(self, entry_price: float, break_even_price: float, atr: float) -> float:
        """Begins a position; returns where its stop stands."""
        self._entry, self._break_even = entry_price, break_even_price
        self._slack = self._atr_multiple * atr or inf
        self._plain = self._armed == self._slack == inf
        if self._plain:
            return entry_price * max(self._hard, self._trail)
        return self.raised(entry_price, 0.0)

    def raised(self, peak: float, level: float) -> float:
        """Where the stop stands once the price has been at `peak`; never below `level`."""
        hard, trailing = self._entry * self._hard, peak * self._trail
        level = max(level, hard)
        level = max(level, trailing)
        if self._plain:
            return level
        if peak >= self._entry * self._armed:
            level = max(level, self._break_even)
        return max(level, peak - self._slack)

    def walk(  # noqa: C901 - one loop: whatever were taken out of it would be a call a bar
        self, start: int, end: int, peak: float, level: float, target: float
    ) -> Touch:
        """Walks the bars from `start` to before `end`; the bar is `end` if nothing was reached.

        `target` is the price of the next take-profit step, infinite when there is none.
        """
        lows, highs, trail, plain = self._lows, self._highs, self._trail, self._plain
        for bar in range(start, end):
            high = highs[bar]
            if high > peak:
                opened = self._opens[bar]
                if opened > peak and opened > level:
                    peak, level = opened, self.raised(opened, level)
                    if opened >= target:
                        return bar, AT_OPEN, opened, True, peak, level
                    if lows[bar] <= level:
                        return bar, AT_LOW, min(opened, level), False, peak, level
                elif lows[bar] <= level:
                    return self._fallen(bar, peak, level)
                if high >= target:
                    return bar, AT_HIGH, target, True, target, self.raised(target, level)
                peak = high
                if not plain:
                    level = self.raised(peak, level)
                elif (risen := high * trail) > level:
                    level = risen
            elif lows[bar] <= level:
                return self._fallen(bar, peak, level)
        return end, AT_OPEN, 0.0, False, peak, level

    def _fallen(self, bar: int, peak: float, level: float) -> Touch:
        """The stop was reached in `bar`: at its open, if that is where the price came back."""
        opened = self._opens[bar]
        if opened <= level:
            return bar, AT_OPEN, opened, False, peak, level
        return bar, AT_LOW, level, False, peak, level
