"""A whole table as it stood at one moment, and the books of each account in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import StoreUnavailable
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.order import Fill, Order
from crypto_ai_bot.domain.paper import PaperAccount, PaperOrder
from crypto_ai_bot.reconciliation.recount import Journal
from crypto_ai_bot.storage.actions import Item, Key, Table
from crypto_ai_bot.storage.items import to_entity

READINGS_MAX: Final = 6
# They change each minute, stand alone, and nothing else in the table rests on them.
_NOTED_APART: Final = {"heartbeat", "health"}


def key_in(item: Item) -> Key:
    """Where `item` stands."""
    return Key(item["pk"], item["sk"])


def snapshot(table: Table) -> list[Item]:
    """Every item as all of them stood at one moment, in the order of their keys.

    A scan alone is not of one moment. Two that read the same are: what is unchanged from its first
    reading to its second stood so in between, and between the two scans is a moment that all items
    share. (A write never leaves an item as it was: versions and marks grow.) Raises
    StoreUnavailable when the table was written during READINGS_MAX scans in a row.
    """
    before = _by_key(table.scan())
    for _ in range(READINGS_MAX - 1):
        after = _by_key(table.scan())
        if _lasting(before) == _lasting(after):
            return [after[key] for key in sorted(after)]
        before = after
    raise StoreUnavailable(
        f"the table was written while it was read, {READINGS_MAX} times: try again between two"
        " ticks, or set the trading parameter to off until it is done"
    )


def _by_key(items: Iterable[Item]) -> dict[Key, Item]:
    return {key_in(item): item for item in items}


def _lasting(items: Mapping[Key, Item]) -> dict[Key, Item]:
    return {key: item for key, item in items.items() if item.get("entity") not in _NOTED_APART}


@dataclass(slots=True)
class _Gathered:
    """What was found of one account so far."""

    account: Account = field(default_factory=Account)
    ledgers: list[Ledger] = field(default_factory=list[Ledger])
    orders: list[Order] = field(default_factory=list[Order])
    fills: list[Fill] = field(default_factory=list[Fill])
    paper_account: PaperAccount | None = None
    paper_orders: list[PaperOrder] = field(default_factory=list[PaperOrder])

    def take(self, entity: object) -> None:
        match entity:
            case Account():
                self.account = entity
            case Ledger():
                self.ledgers.append(entity)
            case Order():
                self.orders.append(entity)
            case Fill():
                self.fills.append(entity)
            case PaperAccount():
                self.paper_account = entity
            case PaperOrder():
                self.paper_orders.append(entity)

    def journal(self) -> Journal:
        return Journal(
            account=self.account,
            ledgers={ledger.symbol: ledger for ledger in self.ledgers},
            orders={order.client_order_id: order for order in self.orders},
            fills=tuple(self.fills),
            paper_account=self.paper_account,
            paper_orders=tuple(self.paper_orders),
        )


def journals(items: Sequence[Item]) -> dict[str, Journal]:
    """The books of each account (namespace) that `items` hold.

    Raises SchemaUnknown for an item that this program does not know how to read.
    """
    gathered: dict[str, _Gathered] = {}
    for item in items:
        namespace = item["pk"].partition("#")[0]
        gathered.setdefault(namespace, _Gathered()).take(to_entity(item))
    return {namespace: found.journal() for namespace, found in sorted(gathered.items())}
