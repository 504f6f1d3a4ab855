"""The door to the trading parameter, which the operator sets outside the table."""

from typing import Protocol

from crypto_ai_bot.domain.trading_state import TradingState


class TradingSwitch(Protocol):
    """The operator's parameter, at most ten seconds old."""

    def read(self) -> TradingState:
        """The state it asks for. Raises ParameterUnavailable when it cannot be read."""
        ...
