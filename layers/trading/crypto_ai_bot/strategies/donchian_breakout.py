"""Donchian breakout: enter above the highest high of one window, exit below the low of another.

The channel trade of R. Donchian, known from the Turtles' rules (20 in, 10 out).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.strategies.candles import Candles
from crypto_ai_bot.strategies.channels import Highest, Lowest
from crypto_ai_bot.strategies.indicators import Atr, in_ranges, wilder_warm_up_bars


@dataclass(frozen=True, slots=True)
class Strategy:
    """Enter above the high of `entry_bars`, exit below the low of `exit_bars`, ATR over `atr`."""

    entry_bars: int = 20
    exit_bars: int = 10
    atr: int = 14

    def __post_init__(self) -> None:
        """Raises ValueError with one line for the first value that is not allowed."""
        for name in ("entry_bars", "exit_bars", "atr"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be at least 1")

    @property
    def warm_up_bars(self) -> int:
        """Until both windows are full and the true range has forgotten what was before."""
        return max(max(self.entry_bars, self.exit_bars) + 1, wilder_warm_up_bars(self.atr))

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        """Speaks while the close stands outside the channel that the bars before it made."""
        highest, lowest, atr = Highest(self.entry_bars), Lowest(self.exit_bars), Atr(self.atr)
        # Infinitely far until the windows are full.
        top, bottom = float("inf"), float("-inf")
        for high, low, close in candles.highs_lows_closes():
            if close > top:
                atr.after(candles)
                reason = f"close {close:g} above the {self.entry_bars}-bar high {top:g}"
                yield Signal(Action.ENTER, in_ranges(close - top, atr.value), (reason,), atr.value)
            elif close < bottom:
                atr.after(candles)
                reason = f"close {close:g} below the {self.exit_bars}-bar low {bottom:g}"
                yield Signal(
                    Action.EXIT, in_ranges(close - bottom, atr.value), (reason,), atr.value
                )
            highest.update(high)
            lowest.update(low)
            if highest.ready:
                top = highest.value
            if lowest.ready:
                bottom = lowest.value
