"""A strategy that wants what the seed wants, held or not."""

from dataclasses import dataclass

from crypto_ai_bot.domain.market import Candle
from crypto_ai_bot.domain.signal import HOLD, Action, Signal

_WARM_UP_BARS = 3


@dataclass
class Whim:
    """Asks to enter what is held already, too: no strategy is believed."""

    says: Action = Action.HOLD
    close: float = 0.0

    @property
    def warm_up_bars(self) -> int:
        return _WARM_UP_BARS

    def on_bar(self, candle: Candle) -> None:
        self.close = candle.close

    def signal(self, *, holding: bool) -> Signal:
        if self.says is Action.HOLD or (self.says is Action.EXIT and not holding):
            return HOLD
        return Signal(self.says, 1.0, ("a whim",), self.close / 100)
