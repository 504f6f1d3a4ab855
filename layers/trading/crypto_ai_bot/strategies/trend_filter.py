"""Trend filter over two timeframes: enter with a cross of averages if the longer bars rise too."""

from collections.abc import Iterator
from dataclasses import dataclass

from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.strategies.candles import Candles
from crypto_ai_bot.strategies.indicators import (
    Atr,
    Ema,
    Sma,
    ema_warm_up_bars,
    in_ranges,
    wilder_warm_up_bars,
)


@dataclass(frozen=True, slots=True)
class Strategy:
    """Averages over `fast` and `slow` bars; the trend over `trend` longer bars of `factor` each."""

    fast: int = 10
    slow: int = 30
    factor: int = 4
    trend: int = 50
    atr: int = 14

    def __post_init__(self) -> None:
        """Raises ValueError with one line for the first value that is not allowed."""
        if not 1 <= self.fast < self.slow:
            raise ValueError(f"fast={self.fast}: must be at least 1 and below slow={self.slow}")
        if self.factor < 2:  # noqa: PLR2004 - a longer bar is made of several
            raise ValueError(f"factor={self.factor}: must be at least 2")
        for name in ("trend", "atr"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be at least 1")

    @property
    def warm_up_bars(self) -> int:
        """Until all averages have forgotten what was before; the longer bars turned over twice."""
        return max(
            ema_warm_up_bars(self.slow) + 1,
            wilder_warm_up_bars(self.atr),
            self.factor * (2 * self.trend + 2),
        )

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        """Speaks on the bar of a cross, and on the one that shows that the trend has ended."""
        fast, slow, atr = Ema(self.fast), Ema(self.slow), Atr(self.atr)
        trend, longer_ms = Sma(self.trend), self.factor * candles.step_ms
        longer_bar, rising, above, last = 0, False, False, 0.0
        for opened_ms, _, _, _, close, _ in candles:
            if opened_ms // longer_ms != longer_bar:
                # A longer bar counts once the next has begun: its close is that of the bar before.
                if longer_bar:
                    trend.update(last)
                    was_rising, rising = rising, trend.ready and last > trend.value
                    if was_rising and not rising:
                        yield Signal(Action.EXIT, -1.0, ("the longer trend has ended",))
                longer_bar = opened_ms // longer_ms
            last = close
            fast.update(close)
            slow.update(close)
            crossed = (fast.value > slow.value) is not above
            if crossed:
                above = not above
                value = atr.after(candles).value
                score = in_ranges(fast.value - slow.value, value)
                averages = f"EMA {self.fast} crossed {{}} EMA {self.slow}"
                if not above:
                    yield Signal(Action.EXIT, score, (averages.format("below"),), value)
                elif rising:
                    with_trend = f"the longer bars are above their mean of {self.trend}"
                    yield Signal(Action.ENTER, score, (averages.format("above"), with_trend), value)
