"""What each verb of the store port means for the table: the item it writes, and its condition."""

from collections.abc import Mapping
from typing import Final, assert_never

from crypto_ai_bot.domain.event import Event
from crypto_ai_bot.domain.job import Health, Heartbeat
from crypto_ai_bot.domain.market import MarketRules
from crypto_ai_bot.domain.order import Order
from crypto_ai_bot.domain.trading_state import UNTOUCHED
from crypto_ai_bot.ports.store import (
    Advance,
    Change,
    Create,
    Dated,
    Replace,
    RequireState,
    Sent,
    Unchanged,
    Versioned,
    as_stored,
)
from crypto_ai_bot.storage.actions import INDEX_KEY, Action, Check, Put
from crypto_ai_bot.storage.conditions import (
    Absent,
    Condition,
    Equals,
    Present,
    at_version,
    not_newer,
    state_allows,
)
from crypto_ai_bot.storage.items import Layout

DATED_BY: Final[Mapping[type[Dated], str]] = {
    Heartbeat: "scheduled_ms",
    Health: "checked_ms",
    MarketRules: "read_ms",
}


def action_of(layout: Layout, change: Change) -> Action:
    """The action on the table that `change` asks for."""
    match change:
        case Create(entity):
            written = as_stored(entity) if isinstance(entity, Order) else entity
            return Put(layout.item(written), Absent())
        case Replace(entity):
            return Put(layout.item(as_stored(entity)), at_version(entity.version))
        case Unchanged(entity):
            return Check(layout.key(entity), _still_so(layout, entity))
        case Advance(entity):
            field = DATED_BY[type(entity)]
            return Put(layout.item(entity), not_newer(field, getattr(entity, field)))
        case Sent(event):
            return Put(layout.item(event, sent=True), Present())
        case RequireState(entries):
            return Check(layout.key(UNTOUCHED), state_allows(entries=entries))
        case _:
            assert_never(change)


def _still_so(layout: Layout, entity: Versioned | Event) -> Condition:
    """The entity is as it was read: at its version, or an event that is still to be sent."""
    if isinstance(entity, Event):
        return Equals(INDEX_KEY, layout.unsent)
    return at_version(entity.version)
