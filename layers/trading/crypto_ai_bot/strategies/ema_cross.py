"""EMA cross: enter when the fast average crosses above the slow one, exit when it crosses below.

An ATR filter keeps entries out of markets that move too little to pay the fees, or too much.
"""

from dataclasses import dataclass

from crypto_ai_bot.domain.market import Candle
from crypto_ai_bot.domain.signal import HOLD, Action, Signal
from crypto_ai_bot.strategies.indicators import (
    Atr,
    ema_warm_up_bars,
    in_ranges,
    wilder_warm_up_bars,
)


@dataclass(frozen=True, slots=True)
class Parameters:
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


class EmaCross:
    """The fold. Both averages start at the first close: `ema += 2/(bars+1) * (close - ema)`."""

    # The averages stand here as floats, not as two Ema: a call costs more than their arithmetic.
    __slots__ = (
        "_atr",
        "_fast",
        "_fast_before",
        "_fast_weight",
        "_parameters",
        "_seen",
        "_slow",
        "_slow_before",
        "_slow_weight",
    )

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._fast_weight = 2 / (parameters.fast + 1)
        self._slow_weight = 2 / (parameters.slow + 1)
        self._atr = Atr(parameters.atr) if parameters.atr else None
        self._fast = self._slow = self._fast_before = self._slow_before = 0.0
        self._seen = False

    @property
    def warm_up_bars(self) -> int:
        """Until the slower of the averages and the true range have forgotten what was before."""
        parameters = self._parameters
        atr_bars = wilder_warm_up_bars(parameters.atr) if parameters.atr else 0
        return max(ema_warm_up_bars(parameters.slow) + 1, atr_bars)

    def on_bar(self, candle: Candle) -> None:
        """Takes in the next closed bar."""
        close = candle.close
        if self._seen:
            self._fast_before = fast = self._fast
            self._slow_before = slow = self._slow
            self._fast = fast + self._fast_weight * (close - fast)
            self._slow = slow + self._slow_weight * (close - slow)
        else:
            self._fast = self._slow = self._fast_before = self._slow_before = close
            self._seen = True
        if self._atr is not None:
            self._atr.update(candle.high, candle.low, close)

    def signal(self, *, holding: bool) -> Signal:
        """Enter or exit on the bar of the cross itself, hold on all others."""
        if self._fast > self._slow:
            if not holding and self._fast_before <= self._slow_before:
                return self._crossed(Action.ENTER)
        elif holding and self._fast < self._slow and self._fast_before >= self._slow_before:
            return self._crossed(Action.EXIT)
        return HOLD

    def _crossed(self, action: Action) -> Signal:
        parameters = self._parameters
        atr = self._atr.value if self._atr is not None else 0.0
        entering = action is Action.ENTER
        if entering and (refusal := self._refusal()):
            return Signal(Action.HOLD, 0.0, (refusal,), atr)
        speed = (self._fast - self._slow) - (self._fast_before - self._slow_before)
        side = "above" if entering else "below"
        reason = f"EMA {parameters.fast} crossed {side} EMA {parameters.slow}"
        return Signal(action, in_ranges(speed, atr), (reason,), atr)

    def _refusal(self) -> str:
        """Why the filter keeps the entry out; "" when it lets it in."""
        lowest_pct, highest_pct = self._parameters.atr_pct_min, self._parameters.atr_pct_max
        if self._atr is None or not (lowest_pct or highest_pct):
            return ""
        if not self._atr.ready:
            return f"ATR has not seen {self._parameters.atr} bars"
        if self._atr.pct < lowest_pct:
            return f"ATR is {self._atr.pct:.3g} % of the close, below {lowest_pct:g} %"
        if highest_pct and self._atr.pct > highest_pct:
            return f"ATR is {self._atr.pct:.3g} % of the close, above {highest_pct:g} %"
        return ""


def build(parameters: Parameters) -> EmaCross:
    """A fresh fold, nothing seen."""
    return EmaCross(parameters)
