"""The store port over a table: items become entities, and a commit becomes one write."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.event import Event
from crypto_ai_bot.domain.instance import InstanceLock
from crypto_ai_bot.domain.job import Health, Heartbeat, Job
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import MarketRules, Symbol
from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.domain.order import Fill, Order
from crypto_ai_bot.domain.paper import PaperAccount, PaperOrder
from crypto_ai_bot.domain.trading_state import UNTOUCHED, Control
from crypto_ai_bot.ports.store import Change, Conflict, Glance
from crypto_ai_bot.storage.actions import ACTIONS_MAX, HIGHEST, Item, Key, Table
from crypto_ai_bot.storage.changes import action_of
from crypto_ai_bot.storage.items import Layout, to_entity
from crypto_ai_bot.storage.kinds import ORDER

FILLS: Final = ("FILL#", f"FILL#{HIGHEST}")


class Ledgers(dict[Symbol, Ledger]):
    """Ledgers by symbol; a symbol that was never written has its empty ledger, at version 0."""

    def __missing__(self, symbol: Symbol) -> Ledger:
        return Ledger(symbol)


class TableStore:
    """The books of one namespace in a table, as the store port promises them.

    Whether the table is DynamoDB or in memory is the table's own affair. `namespace` is the
    account's name. `nothing_ttl_seconds` is how long an order is kept that ended without a trade,
    `event_ttl_seconds` how long an event is; 0 keeps them for good, like all else.
    """

    def __init__(
        self,
        table: Table,
        namespace: str,
        *,
        nothing_ttl_seconds: int = 0,
        event_ttl_seconds: int = 0,
    ) -> None:
        self._table = table
        self._layout = Layout(namespace, nothing_ttl_seconds, event_ttl_seconds)

    def glance(self) -> Glance:
        """All that is hot, in one strongly consistent query."""
        account, control = Account(), UNTOUCHED
        health: Health | None = None
        ledgers, rules, heartbeats = Ledgers(), dict[Symbol, MarketRules](), dict[Job, Heartbeat]()
        for item in self._table.query(self._layout.hot):
            match to_entity(item):
                case Account() as account:
                    pass
                case Control() as control:
                    pass
                case Health() as health:
                    pass
                case Ledger() as ledger:
                    ledgers[ledger.symbol] = ledger
                case MarketRules() as rule:
                    rules[rule.symbol] = rule
                case Heartbeat() as heartbeat:
                    heartbeats[heartbeat.job] = heartbeat
        return Glance(account, control, ledgers, rules, heartbeats, health)

    def order(self, client_order_id: str) -> Order | None:
        """One journaled order."""
        order: Order | None = self._one(Key(self._layout.order(client_order_id), ORDER))
        return order

    def fills(self, client_order_id: str) -> Sequence[Fill]:
        """The fills of one order, in the order in which they were applied."""
        items = self._table.query(self._layout.order(client_order_id), *FILLS)
        return sorted(map(to_entity, items), key=_growth)

    def unresolved_orders(self) -> Sequence[Order]:
        """Orders whose fate is not settled, oldest first. Eventually consistent."""
        return _entities(self._table.indexed(self._layout.unresolved))

    def events(self, limit: int) -> Sequence[Event]:
        """The oldest events that were not sent yet. Eventually consistent."""
        return _entities(self._table.indexed(self._layout.unsent, limit))

    def instance_lock(self, fingerprint: str) -> InstanceLock:
        """Who may trade with an exchange account; blank, at version 0, before anybody did."""
        blank = InstanceLock(fingerprint)
        return self._one(self._layout.key(blank)) or blank

    def paper_account(self) -> PaperAccount:
        """The paper exchange's own books; empty, at version 0, before they are first written."""
        key = self._layout.key(PaperAccount())
        return self._one(key) or PaperAccount()

    def paper_orders(self, since_ms: int) -> Sequence[PaperOrder]:
        """What the paper exchange lists as finished at `since_ms` or later, oldest first."""
        low, high = f"{ORDER}#{since_ms:013d}", f"{ORDER}#{HIGHEST}"
        return _entities(self._table.query(self._layout.paper, low, high))

    def commit(self, changes: Sequence[Change]) -> Conflict | None:
        """Does all of `changes` or none; None when they are done.

        Raises InvariantBroken for more changes than a transaction takes, or two of one item.
        """
        actions = [action_of(self._layout, change) for change in changes]
        if len(actions) > ACTIONS_MAX or len({action.key for action in actions}) < len(actions):
            raise InvariantBroken(
                f"a commit takes at most {ACTIONS_MAX} changes, each of another item: {changes}"
            )
        failed = self._table.write(actions) if actions else None
        return None if failed is None else Conflict(changes[failed])

    def _one(self, key: Key) -> Any:
        item = self._table.get(key)
        return None if item is None else to_entity(item)


def _entities(items: Sequence[Item]) -> list[Any]:
    return [to_entity(item) for item in items]


def _growth(fill: Fill) -> tuple[int, Decimal]:
    """What orders fills: their time, and at the same time the total that their id ends in."""
    total = fill.fill_id.rpartition(":")[2]
    return fill.at_ms, Decimal(total) if total.replace(".", "", 1).isdecimal() else ZERO
