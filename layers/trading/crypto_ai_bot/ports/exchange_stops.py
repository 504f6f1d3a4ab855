"""The door to stops that rest at the exchange, for an exchange that has such orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from crypto_ai_bot.domain.exchange_stop import StopTerms
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.order import OrderReport
from crypto_ai_bot.ports.broker import Answer, Rejected, Unknown


@dataclass(frozen=True, slots=True)
class StopPlaced:
    """Proof that the stop rests, or rested, at the exchange."""

    stop_id: str


@dataclass(frozen=True, slots=True)
class Resting:
    """It waits for its price."""


@dataclass(frozen=True, slots=True)
class Ended:
    """It will never sell anything, nor has it: cancelled, expired, or failed when it fired."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fired:
    """It made an order, of which nothing more can be filled."""

    report: OrderReport


type StopOutcome = StopPlaced | Rejected | Unknown
type Fate = Resting | Ended | Fired


class ExchangeStops(Protocol):
    """Stops of one account. Reads raise ExchangeUnavailable; `place_stop` never raises it."""

    def place_stop(
        self, symbol: Symbol, terms: StopTerms, life_ms: int, arrives_until_ms: int
    ) -> Answer:
        """Asks once for a stop that lives for `life_ms`.

        Must not take effect after `arrives_until_ms`, the exchange's time that was journaled.
        """
        ...

    def read_stop_answer(self, answer: Answer) -> StopOutcome:
        """What `answer` proves. Pure."""
        ...

    def find_stops(
        self, symbol: Symbol, terms: StopTerms, life_ms: int, asked_ms: int
    ) -> Sequence[str]:
        """The ids of all stops of these terms and life made since then, oldest first, ended or not.

        Such orders carry no name of ours: these numbers are what tells them. Raises
        ExchangeUnavailable unless every listing answered whole.
        """
        ...

    def fetch_fate(self, symbol: Symbol, stop_id: str) -> Fate:
        """What became of a stop. What is left open of the order that it made is cancelled first."""
        ...

    def remove_stop(self, symbol: Symbol, stop_id: str) -> Ended | Fired:
        """Cancels a stop and reads what became of it: the cancel may come too late."""
        ...
