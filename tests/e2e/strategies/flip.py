"""Not a strategy to trade with: in when out and out when in, so that every bar makes an order."""

from collections.abc import Iterator
from dataclasses import dataclass

from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.strategies.candles import Candles


@dataclass(frozen=True)
class Strategy:
    """It has no parameters."""

    warm_up_bars = 1

    def opinions(self, candles: Candles) -> Iterator[Signal]:
        """Both on every bar: the one that fits what is held counts."""
        for _ in candles.closes():
            yield Signal(Action.ENTER, reasons=("a flip",))
            yield Signal(Action.EXIT, reasons=("a flip",))
