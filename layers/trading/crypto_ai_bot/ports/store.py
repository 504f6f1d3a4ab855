"""The door to the table: what a tick reads, and how anything is written.

Writing has six verbs, and the verb is the condition. A commit does all of its changes or none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.event import Event
from crypto_ai_bot.domain.instance import InstanceLock
from crypto_ai_bot.domain.job import Health, Heartbeat, Job
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import MarketRules, Symbol
from crypto_ai_bot.domain.order import Fill, Order
from crypto_ai_bot.domain.paper import PaperAccount, PaperOrder
from crypto_ai_bot.domain.trading_state import Control

type Versioned = Ledger | Account | Order | Control | PaperAccount | InstanceLock
type Once = Order | Fill | Event | PaperOrder
type Dated = Heartbeat | Health | MarketRules


def as_stored[E: Versioned](entity: E) -> E:
    """What stands in the table once a commit that creates or replaces `entity` is done.

    Whoever goes on working with the entity goes on with this one: its version is one higher.
    """
    return replace(entity, version=entity.version + 1)


@dataclass(frozen=True, slots=True)
class Create:
    """Writes an entity that must not be there yet; an order is then stored as version 1."""

    entity: Once


@dataclass(frozen=True, slots=True)
class Replace:
    """Writes an entity over the version that it was read at; the stored version is one higher.

    Version 0 is the version of an entity that is not there yet.
    """

    entity: Versioned


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Writes nothing, but the entity must still stand at the version that it was read at.

    An event, which has no version, must still be there to be sent.
    """

    entity: Versioned | Event


@dataclass(frozen=True, slots=True)
class Advance:
    """Writes an entity unless a newer one (by its own time) is already there."""

    entity: Dated


@dataclass(frozen=True, slots=True)
class Sent:
    """Takes an event that is there out of what `events` gives.

    It stays written until it expires, so the same event is not told twice.
    """

    entity: Event


@dataclass(frozen=True, slots=True)
class RequireState:
    """Writes nothing, but the control item must allow entries, or at least exits."""

    entries: bool


type Change = Create | Replace | Unchanged | Advance | Sent | RequireState


@dataclass(frozen=True, slots=True)
class Conflict:
    """Nothing was written: the first change whose condition no longer held."""

    change: Change


@dataclass(frozen=True, slots=True)
class Glance:
    """Everything a tick reads, in one strongly consistent query.

    Entities that were never written are there with version 0 and their empty values, but for
    `rules` and `heartbeats`, which hold only what was written. `ledgers[symbol]` answers for any
    symbol; iterating gives only those written.
    """

    account: Account
    control: Control
    ledgers: Mapping[Symbol, Ledger]
    rules: Mapping[Symbol, MarketRules]
    heartbeats: Mapping[Job, Heartbeat]
    health: Health | None


class Store(Protocol):
    """The books. Every method raises StoreUnavailable when the table did not answer."""

    def glance(self) -> Glance:
        """All that is hot, in one call, whatever the number of symbols."""
        ...

    def order(self, client_order_id: str) -> Order | None:
        """One journaled order."""
        ...

    def fills(self, client_order_id: str) -> Sequence[Fill]:
        """The fills of one order, in the order in which they were applied."""
        ...

    def unresolved_orders(self) -> Sequence[Order]:
        """Orders whose fate is not settled, oldest first, through the sparse index.

        Eventually consistent: a watch, not a ground for decisions.
        """
        ...

    def events(self, limit: int) -> Sequence[Event]:
        """The oldest events that were not sent yet, oldest first, through the sparse index.

        Eventually consistent: one just sent may show once more.
        """
        ...

    def instance_lock(self, fingerprint: str) -> InstanceLock:
        """Who may trade with an exchange account; a blank lock before anybody did."""
        ...

    def paper_account(self) -> PaperAccount:
        """The paper exchange's own books, apart from ours."""
        ...

    def paper_orders(self, since_ms: int) -> Sequence[PaperOrder]:
        """What the paper exchange lists as finished since then, oldest first."""
        ...

    def commit(self, changes: Sequence[Change]) -> Conflict | None:
        """Does all of `changes` or none; None when they are done.

        A retry after a lost answer recognises its own write. Raises StoreUnavailable when it is
        not known whether they were done: then whoever planned an effect must not have it.
        """
        ...
