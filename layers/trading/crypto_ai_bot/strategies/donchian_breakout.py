"""Donchian breakout: enter above the highest high of one window, exit below the low of another.

The channel trade of R. Donchian, known from the Turtles' rules (20 in, 10 out).
"""

from dataclasses import dataclass

from crypto_ai_bot.domain.market import Candle
from crypto_ai_bot.domain.signal import HOLD, Action, Signal
from crypto_ai_bot.strategies.channels import Highest, Lowest
from crypto_ai_bot.strategies.indicators import Atr, in_ranges, wilder_warm_up_bars


@dataclass(frozen=True, slots=True)
class Parameters:
    """Enter above the high of `entry_bars`, exit below the low of `exit_bars`, ATR over `atr`."""

    entry_bars: int = 20
    exit_bars: int = 10
    atr: int = 14

    def __post_init__(self) -> None:
        """Raises ValueError with one line for the first value that is not allowed."""
        for name in ("entry_bars", "exit_bars", "atr"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be at least 1")


class DonchianBreakout:
    """The fold. The window that a close is held against ends with the bar before it."""

    __slots__ = ("_atr", "_close", "_high", "_highest", "_low", "_lowest", "_parameters")

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._highest = Highest(parameters.entry_bars)
        self._lowest = Lowest(parameters.exit_bars)
        self._atr = Atr(parameters.atr)
        self._close = 0.0
        # Where the window that the close is held against stood; infinitely far until it is full.
        self._high = float("inf")
        self._low = float("-inf")

    @property
    def warm_up_bars(self) -> int:
        """Until both windows are full and the true range has forgotten what was before."""
        parameters = self._parameters
        windows = max(parameters.entry_bars, parameters.exit_bars)
        return max(windows + 1, wilder_warm_up_bars(parameters.atr))

    def on_bar(self, candle: Candle) -> None:
        """Takes in the next closed bar."""
        high, low, self._close = candle.high, candle.low, candle.close
        if self._highest.ready:
            self._high = self._highest.value
        if self._lowest.ready:
            self._low = self._lowest.value
        self._highest.update(high)
        self._lowest.update(low)
        self._atr.update(high, low, self._close)

    def signal(self, *, holding: bool) -> Signal:
        """Enter or exit while the close stands outside the channel, hold inside."""
        close, atr = self._close, self._atr.value
        if not holding and close > self._high:
            reason = (
                f"close {close:g} above the {self._parameters.entry_bars}-bar high {self._high:g}"
            )
            return Signal(Action.ENTER, in_ranges(close - self._high, atr), (reason,), atr)
        if holding and close < self._low:
            reason = f"close {close:g} below the {self._parameters.exit_bars}-bar low {self._low:g}"
            return Signal(Action.EXIT, in_ranges(close - self._low, atr), (reason,), atr)
        return HOLD


def build(parameters: Parameters) -> DonchianBreakout:
    """A fresh fold, nothing seen."""
    return DonchianBreakout(parameters)
