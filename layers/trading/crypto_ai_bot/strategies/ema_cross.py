"""EMA cross: enter when the fast average crosses above the slow one, exit when it crosses below.

An ATR filter keeps entries out of markets that move too little to pay the fees, or too much.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.strategies.candles import Candles
from crypto_ai_bot.strategies.indicators import (
    Atr,
    ema_warm_up_bars,
    in_ranges,
    wilder_warm_up_bars,
)


@dataclass(frozen=True, slots=True)
class Strategy:
    """Averages over `fast` and `slow` bars, the true range over `atr` bars (0 keeps none).

    An entry needs ATR / close within `atr_pct_min` and `atr_pct_max`, per cent; 0 turns one off.
    """

    fast: int = 12
    slow: int = 26
    atr: int = 14
    atr_pct_min: float = 0.0
    atr_pct_max: float = 0.0

    def __post_init__(self) -> None:
        """Raises ValueError with one line for the first value that is not allowed."""
        if self.fast < 1:
            raise ValueError(f"fast={self.fast}: must be at least 1")
        if self.fast >= self.slow:
            raise ValueError(f"fast={self.fast}: must be below slow={self.slow}")
        if self.atr < 0:
            raise ValueError(f"atr={self.atr}: must be at least 0")
        for name, bound in (("atr_pct_min", self.atr_pct_min), ("atr_pct_max", self.atr_pct_max)):
            if bound < 0:
                raise ValueError(f"{name}={bound:g}: must be at least 0")
            if bound and not self.atr:
                raise ValueError(f"{name}={bound:g}: needs atr of at least 1")
        if self.atr_pct_max and self.atr_pct_min > self.atr_pct_max:
            raise ValueError(
                f"atr_pct_min={self.atr_pct_min:g}: must not be above "
                f"atr_pct_max={self.atr_pct_max:g}"
            )

    @property
    def warm_up_bars(self) -> int:
        """Until the slower of the averages and the true range have forgotten what was before."""
        atr_bars = wilder_warm_up_bars(self.atr) if self.atr else 0
        return max(ema_warm_up_bars(self.slow) + 1, atr_bars)

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        """Speaks on the bar of a cross. Both averages start at the first close."""
        up, down = self._spoken(Action.ENTER, "above"), self._spoken(Action.EXIT, "below")
        fast_weight, slow_weight = 2 / (self.fast + 1), 2 / (self.slow + 1)
        atr = Atr(self.atr) if self.atr else None
        closes = candles.closes()
        fast = slow = next(closes, 0.0)
        above, level = False, True
        # The averages stand here as floats, not as two Ema: a call costs more than the arithmetic.
        for close in closes:
            fast += fast_weight * (close - fast)
            slow += slow_weight * (close - slow)
            if above:
                if fast > slow:
                    continue
                above, level, signal = False, fast == slow, down
            elif fast > slow:
                above, level, signal = True, False, up
            elif level:
                level, signal = fast == slow, down
            else:
                continue
            if not level:
                yield self._measured(signal, fast - slow, atr.after(candles)) if atr else signal

    def _spoken(self, action: Action, side: str) -> Signal:
        reason = f"EMA {self.fast} crossed {side} EMA {self.slow}"
        return Signal(action, 1.0 if action is Action.ENTER else -1.0, (reason,))

    def _measured(self, signal: Signal, distance: float, atr: Atr) -> Signal:
        """The signal in true ranges, or the reason why the filter keeps the entry out."""
        refusal = self._refusal(atr) if signal.action is Action.ENTER else ""
        if refusal:
            return Signal(Action.HOLD, 0.0, (refusal,), atr.value)
        return Signal(signal.action, in_ranges(distance, atr.value), signal.reasons, atr.value)

    def _refusal(self, atr: Atr) -> str:
        """Why the filter keeps the entry out; "" when it lets it in."""
        if not (self.atr_pct_min or self.atr_pct_max):
            return ""
        if not atr.ready:
            return f"ATR has not seen {self.atr} bars"
        if atr.pct < self.atr_pct_min:
            return f"ATR is {atr.pct:.3g} % of the close, below {self.atr_pct_min:g} %"
        if self.atr_pct_max and atr.pct > self.atr_pct_max:
            return f"ATR is {atr.pct:.3g} % of the close, above {self.atr_pct_max:g} %"
        return ""
