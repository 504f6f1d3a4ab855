"""A strategy that wants what the seed wants."""

from collections.abc import Iterator
from dataclasses import dataclass

from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.strategies.candles import Candles

_WARM_UP_BARS = 3


@dataclass(frozen=True, slots=True)
class Whim:
    """Says the same of every bar."""

    says: Action = Action.HOLD

    @property
    def warm_up_bars(self) -> int:
        return _WARM_UP_BARS

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        for close in candles.closes():
            if self.says is not Action.HOLD:
                yield Signal(self.says, 1.0, ("a whim",), close / 100)
