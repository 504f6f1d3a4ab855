"""RSI momentum: enter when the RSI rises through one level, exit when it falls through another."""

from collections.abc import Iterator
from dataclasses import dataclass

from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.strategies.candles import Candles
from crypto_ai_bot.strategies.indicators import Atr, Rsi, wilder_warm_up_bars


@dataclass(frozen=True, slots=True)
class Strategy:
    """RSI and ATR over `bars`; in above `enter`, out below `leave`, both 0 … 100."""

    bars: int = 14
    enter: float = 60.0
    leave: float = 45.0

    def __post_init__(self) -> None:
        """Raises ValueError with one line for the first value that is not allowed."""
        if self.bars < 2:  # noqa: PLR2004 - over one bar it only knows up and down
            raise ValueError(f"bars={self.bars}: must be at least 2")
        if not 0 < self.enter < 100:  # noqa: PLR2004 - per cent
            raise ValueError(f"enter={self.enter:g}: must be between 0 and 100")
        if not 0 < self.leave <= self.enter:
            raise ValueError(
                f"leave={self.leave:g}: must be above 0 and at most enter={self.enter:g}"
            )

    @property
    def warm_up_bars(self) -> int:
        """Until the RSI of the bar before has forgotten what was before it."""
        return wilder_warm_up_bars(self.bars) + 1

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        """Speaks on the bar on which a level is passed."""
        rsi, atr = Rsi(self.bars), Atr(self.bars)
        enter, leave, before = self.enter, self.leave, 50.0
        for close in candles.closes():
            rsi.update(close)
            value = rsi.value
            if before <= enter < value and rsi.ready:
                reason = f"RSI {self.bars} rose to {value:.1f}, above {enter:g}"
                # How far above the middle, in halves of the scale.
                yield Signal(Action.ENTER, value / 50 - 1, (reason,), atr.after(candles).value)
            elif before >= leave > value and rsi.ready:
                reason = f"RSI {self.bars} fell to {value:.1f}, below {leave:g}"
                yield Signal(Action.EXIT, value / 50 - 1, (reason,), atr.after(candles).value)
            before = value
