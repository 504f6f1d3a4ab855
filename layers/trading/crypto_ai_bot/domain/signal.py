"""An opinion: what a strategy would do on the bar it has just seen."""

from enum import StrEnum
from typing import Final, NamedTuple


class Action(StrEnum):
    """What a strategy asks for. Long-only: to exit means to sell what is held."""

    ENTER = "enter"
    EXIT = "exit"
    HOLD = "hold"


class Signal(NamedTuple):
    """An action with its score (-1 for a sure exit … 1 for a sure entry) and the reasons.

    `atr` is the average true range in quote that the strategy saw, for stops that are measured
    in it; 0 when the strategy keeps none.
    """

    action: Action
    score: float = 0.0
    reasons: tuple[str, ...] = ()
    atr: float = 0.0


HOLD: Final = Signal(Action.HOLD)
