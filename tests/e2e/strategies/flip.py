"""Not a strategy to trade with: in when out and out when in, so that every bar makes an order."""

from dataclasses import dataclass

from crypto_ai_bot.domain.market import Candle
from crypto_ai_bot.domain.signal import Action, Signal


@dataclass(frozen=True)
class Parameters:
    """There are none."""


class Flip:
    """Has no state."""

    warm_up_bars = 1

    def on_bar(self, candle: Candle) -> None:
        """Takes in a bar, to no effect."""

    def signal(self, *, holding: bool) -> Signal:
        """The opposite of what is."""
        return Signal(Action.EXIT if holding else Action.ENTER, reasons=("a flip",))


def build(_: Parameters) -> Flip:
    return Flip()
