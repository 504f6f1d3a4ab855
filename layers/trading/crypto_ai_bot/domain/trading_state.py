"""Whether the bot may trade: on, exits only, or off."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class TradingState(StrEnum):
    """`exits_only` closes entries alone: the strategy's exits and the protective ones go on."""

    ON = "on"
    EXITS_ONLY = "exits_only"
    OFF = "off"

    @property
    def entries_open(self) -> bool:
        """New positions may be opened."""
        return self is TradingState.ON

    @property
    def exits_open(self) -> bool:
        """Positions may be sold."""
        return self is not TradingState.OFF


_BY_CARE: Final = (TradingState.ON, TradingState.EXITS_ONLY, TradingState.OFF)


def more_careful(left: TradingState, right: TradingState) -> TradingState:
    """The one of the two that allows less."""
    return max(left, right, key=_BY_CARE.index)


@dataclass(frozen=True, slots=True)
class Control:
    """The operator's word in the table: set by the API, the watchdog or a command."""

    state: TradingState
    reason: str
    changed_by: str
    changed_ms: int
    version: int = 0


UNTOUCHED: Final = Control(TradingState.ON, "never set", "deployment", 0)
