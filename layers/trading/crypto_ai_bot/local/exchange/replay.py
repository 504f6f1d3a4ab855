"""A market that is a list of recorded bars."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from crypto_ai_bot.local.exchange.bars import Bar


class ReplaySource:
    """Recorded bars as a source: found by bisection, gaps kept as they were.

    `bars` are ascending, not empty, and open at multiples of `step_ms` (candle_file sees to it).
    """

    def __init__(self, bars: Sequence[Bar], step_ms: int) -> None:
        self._bars = bars
        self._opens_ms = [b.open_ms for b in bars]
        self.step_ms = step_ms
        self.first_ms = self._opens_ms[0]
        self.end_ms = self._opens_ms[-1] + step_ms

    def bars(self, from_ms: int, to_ms: int) -> Sequence[Bar]:
        """Bars that open in [from_ms, to_ms), oldest first."""
        return self._bars[bisect_left(self._opens_ms, from_ms) : bisect_left(self._opens_ms, to_ms)]

    def newest(self, at_ms: int) -> Bar | None:
        """Return the bar that opened last, at `at_ms` or before."""
        index = bisect_right(self._opens_ms, at_ms)
        return self._bars[index - 1] if index else None
