"""Entities ↔ items: the entity's own fields, and what the table needs to know about them.

Beside the fields stand `pk`, `sk`, `entity` (its kind), `schema`, and where they apply
`expires_at` (seconds since the epoch, for the table's TTL) and the sparse index's two attributes.
TTL is lazy: days may pass before an expired item goes. So nothing here reads `expires_at`: while
an item is there, it counts as there.
"""

from dataclasses import dataclass
from typing import Any

from crypto_ai_bot.domain.errors import InvariantBroken, SchemaUnknown
from crypto_ai_bot.domain.event import Event
from crypto_ai_bot.domain.order import Order
from crypto_ai_bot.storage.actions import INDEX_KEY, INDEX_TIME, Item, Key
from crypto_ai_bot.storage.kinds import (
    HOT,
    KIND_BY_NAME,
    ORDER,
    PAPER,
    Entity,
    Kind,
    key_of,
    kind_of,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How one namespace (the account's name: paper, sandbox, live) is laid out in the table.

    Items of different namespaces never meet.
    """

    namespace: str
    nothing_ttl_seconds: int
    event_ttl_seconds: int

    def __post_init__(self) -> None:
        if not self.namespace or "#" in self.namespace:
            raise InvariantBroken(f"{self.namespace!r} is not a namespace: not empty, without #")

    @property
    def unsent(self) -> str:
        """The index value of events that are not sent yet."""
        return f"{self.namespace}#EVENT"

    @property
    def unresolved(self) -> str:
        """The index value of orders whose fate is not settled."""
        return self.namespace

    @property
    def hot(self) -> str:
        """The partition of all that a tick reads."""
        return f"{self.namespace}#{HOT}"

    @property
    def paper(self) -> str:
        """The partition of the paper exchange's own books."""
        return f"{self.namespace}#{PAPER}"

    def order(self, client_order_id: str) -> str:
        """The partition of one order and its fills."""
        return f"{self.namespace}#{ORDER}#{client_order_id}"

    def key(self, entity: Entity) -> Key:
        """Where `entity` stands."""
        return key_of(self.namespace, entity)

    def item(self, entity: Entity, *, sent: bool = False) -> Item:
        """`entity` as an item; `sent` leaves an event out of the index."""
        kind = kind_of(entity)
        key = self.key(entity)
        item: Item = kind.shape.encode(entity)
        item |= {"pk": key.pk, "sk": key.sk, "entity": kind.name, "schema": kind.schema}
        match entity:
            case Order(unresolved=True):
                item |= {INDEX_KEY: self.unresolved, INDEX_TIME: entity.journaled_ms}
            case Event() if not sent:
                item |= {INDEX_KEY: self.unsent, INDEX_TIME: entity.at_ms}
        expires_at = self._expires_at(entity)
        return item | {"expires_at": expires_at} if expires_at else item

    def _expires_at(self, entity: Entity) -> int:
        """Seconds since the epoch; 0 for never. Of the entity's own times, so no clock is read."""
        match entity:
            case Event() if self.event_ttl_seconds:
                return entity.at_ms // 1000 + self.event_ttl_seconds
            case Order() if self.nothing_ttl_seconds and _came_to_nothing(entity):
                ended_ms = max(entity.updated_ms, entity.journaled_ms)
                return ended_ms // 1000 + self.nothing_ttl_seconds
            case _:
                return 0


def _came_to_nothing(order: Order) -> bool:
    """The order is settled and traded nothing: rejected, never placed, or cancelled unfilled."""
    return not (order.unresolved or order.totals.base or order.totals.quote)


def to_entity(item: Item) -> Any:
    """The entity that `item` holds, brought up to today's schema.

    Raises SchemaUnknown, with one line that names the item, for one that this program does not
    know how to read.
    """
    kind = KIND_BY_NAME.get(item.get("entity", ""))
    if kind is None:
        raise _unknown(item, f"known kinds: {', '.join(KIND_BY_NAME)}")
    return entity_of(kind, item)


def entity_of(kind: Kind, item: Item) -> Any:
    """What `item` holds, known to be of `kind`. Raises as `to_entity` does."""
    schema = item.get("schema", 0)
    if schema not in range(1, kind.schema + 1):
        raise _unknown(item, f"schema 1 to {kind.schema} can be read; is an older program running?")
    for upgrade in kind.upgrades[schema - 1 :]:
        item = upgrade(item)
    try:
        return kind.shape.decode(item)
    except (KeyError, TypeError, ValueError) as error:
        raise _unknown(item, f"field unreadable: {error!r}") from error


def _unknown(item: Item, why: str) -> SchemaUnknown:
    return SchemaUnknown(
        f"item {item.get('pk')} / {item.get('sk')} is {item.get('entity')!r} of schema"
        f" {item.get('schema')!r}: {why}"
    )
