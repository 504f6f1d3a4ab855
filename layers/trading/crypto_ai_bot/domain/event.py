"""What the operator is told: written in the transaction that made it true, sent later."""

from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """What an event is about."""

    ORDER = "order"
    EXIT = "exit"
    BLOCK = "block"
    HALT = "halt"
    DRIFT = "drift"
    STOP = "stop"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Event:
    """One line for a person. `event_id` is made of what happened, so it is written once."""

    event_id: str
    kind: EventKind
    at_ms: int
    symbol: str
    text: str
