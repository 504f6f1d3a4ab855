"""Bollinger reversion: buy what has fallen out of its bands, sell when it is back at the middle."""

from collections.abc import Iterator
from dataclasses import dataclass

from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.strategies.candles import Candles
from crypto_ai_bot.strategies.indicators import Atr, Bollinger, in_ranges, wilder_warm_up_bars


@dataclass(frozen=True, slots=True)
class Strategy:
    """Bands `width` deviations around the mean of `bars`, the true range over `atr` bars."""

    bars: int = 20
    width: float = 2.0
    atr: int = 14

    def __post_init__(self) -> None:
        """Raises ValueError with one line for the first value that is not allowed."""
        if self.bars < 2:  # noqa: PLR2004 - one bar has no deviation
            raise ValueError(f"bars={self.bars}: must be at least 2")
        if not self.width > 0:
            raise ValueError(f"width={self.width:g}: must be above 0")
        if self.atr < 1:
            raise ValueError(f"atr={self.atr}: must be at least 1")

    @property
    def warm_up_bars(self) -> int:
        """Until the bands have turned over twice and the true range has forgotten the past."""
        return max(2 * self.bars, wilder_warm_up_bars(self.atr))

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        """Speaks while the close stands below the lower band, or at least at the middle."""
        bands, atr = Bollinger(self.bars, self.width), Atr(self.atr)
        back = Signal(Action.EXIT, -1.0, (f"back at the mean of {self.bars} bars",))
        for close in candles.closes():
            bands.update(close)
            middle = bands.value
            if close >= middle:
                if bands.ready:
                    yield back
            elif bands.ready and close < (lower := middle - self.width * bands.deviation):
                value = atr.after(candles).value
                reason = f"close {close:g} below the lower band {lower:g}"
                yield Signal(Action.ENTER, in_ranges(lower - close, value), (reason,), value)
