"""What must hold of an item for a write to happen: as data, so that both tables mean the same.

`table.py` renders a condition to DynamoDB's language, `holds` evaluates it in memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from crypto_ai_bot.domain.trading_state import TradingState


@dataclass(frozen=True, slots=True)
class Absent:
    """No item stands under the key."""


@dataclass(frozen=True, slots=True)
class Present:
    """An item stands under the key."""


@dataclass(frozen=True, slots=True)
class Equals:
    """The item has the field, with this very value."""

    field: str
    value: str | int


@dataclass(frozen=True, slots=True)
class AtMost:
    """The item has the field, with a number not above this one."""

    field: str
    value: int


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of the conditions holds."""

    conditions: tuple["Condition", ...]


type Condition = Absent | Present | Equals | AtMost | AnyOf


def at_version(version: int) -> Condition:
    """The item stands at `version`; version 0 means that it is not there yet."""
    return Equals("version", version) if version else Absent()


def not_newer(field: str, at_ms: int) -> Condition:
    """Nothing is there that is dated after `at_ms`."""
    return AnyOf((Absent(), AtMost(field, at_ms)))


def state_allows(*, entries: bool) -> Condition:
    """The control item was never written, or its state allows entries (or at least exits)."""
    allowed = [s for s in TradingState if (s.entries_open if entries else s.exits_open)]
    return AnyOf((Absent(), *[Equals("state", state.value) for state in allowed]))


def holds(condition: Condition, item: Mapping[str, Any] | None) -> bool:
    """Whether `condition` holds of what stands under the key: `item`, or None for nothing."""
    match condition:
        case Absent():
            return item is None
        case Present():
            return item is not None
        case Equals(field, value):
            return item is not None and item.get(field) == value
        case AtMost(field, value):
            return item is not None and field in item and item[field] <= value
        case AnyOf(conditions):
            return any(holds(one, item) for one in conditions)
        case _:
            assert_never(condition)
