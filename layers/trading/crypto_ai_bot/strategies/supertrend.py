"""Supertrend: a stop line some true ranges away from the price that only moves along with it.

After O. Seban, Tout le monde mérite d'être riche (2008). The line lies below the bars in a rise
and above them in a fall; a close beyond it turns the trend.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.strategies.candles import Candles
from crypto_ai_bot.strategies.indicators import Atr, in_ranges, wilder_warm_up_bars

# A line that began before the warm-up did may stand where no line drawn since does, until the
# trend turns: after so many bars more it was not seen to on nine markets (test_warm_up).
_TURNS_WITHIN_BARS = 400


@dataclass(frozen=True, slots=True)
class Strategy:
    """The line lies `multiple` average true ranges of `bars` from the middle of the bar."""

    bars: int = 10
    multiple: float = 3.0

    def __post_init__(self) -> None:
        """Raises ValueError with one line for the first value that is not allowed."""
        if self.bars < 1:
            raise ValueError(f"bars={self.bars}: must be at least 1")
        if not self.multiple > 0:
            raise ValueError(f"multiple={self.multiple:g}: must be above 0")

    @property
    def warm_up_bars(self) -> int:
        """Until the true range has forgotten what was before, and the trend has turned."""
        return wilder_warm_up_bars(self.bars) + _TURNS_WITHIN_BARS

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        """Speaks on the bar that turns the trend."""
        atr, rising = Atr(self.bars), False
        below, above = -inf, inf  # the line of a rise, and that of a fall
        before = 0.0
        for high, low, close in candles.highs_lows_closes():
            atr.update(high, low, close)
            middle, distance = (high + low) / 2, self.multiple * atr.value
            # The line of a trend does not go back; one that was passed begins anew.
            below = max(below, middle - distance) if before >= below else middle - distance
            above = min(above, middle + distance) if before <= above else middle + distance
            before = close
            if rising and close < below:
                rising = False
                reason = f"close {close:g} fell through the line at {below:g}"
                yield Signal(Action.EXIT, in_ranges(close - below, atr.value), (reason,), atr.value)
            elif not rising and close > above:
                rising = True
                reason = f"close {close:g} rose through the line at {above:g}"
                yield Signal(
                    Action.ENTER, in_ranges(close - above, atr.value), (reason,), atr.value
                )
