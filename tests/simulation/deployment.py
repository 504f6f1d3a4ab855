"""One deployment in the simulation: its table, its settings, and its books as they were written.

The mirror of the books is kept from the writes that took effect, so an invariant costs no reading.
That mirror and table are the same is asked at the end of each day.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import StoreUnavailable
from crypto_ai_bot.domain.event import Event
from crypto_ai_bot.domain.exchange_stop import ExchangeStop
from crypto_ai_bot.domain.instance import InstanceLock
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import ZERO, total
from crypto_ai_bot.domain.order import Fill, Order, Purpose, Side
from crypto_ai_bot.domain.trading_state import UNTOUCHED, Control
from crypto_ai_bot.ports.store import (
    Change,
    Conflict,
    Create,
    Once,
    Replace,
    Versioned,
    as_stored,
)
from crypto_ai_bot.storage.actions import Action
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.usecases.desk import Policy
from simulation import invariants
from simulation.client import Process
from simulation.scheduler import Invocation
from simulation.table import ExpiringTable, TableDoor

if TYPE_CHECKING:
    from simulation.world import World


@dataclass
class Deployment:
    """One deployment. `locks` is where its instance lock stands, maybe shared with another.

    `net_base` and `net_quote` are what the exchange's own trades of its orders have moved.
    `excused` are symbols that something else than its own orders has touched, and what.
    """

    world: "World"
    tag: str
    policy: Policy
    table: ExpiringTable = field(default_factory=ExpiringTable)
    locks: ExpiringTable = field(default_factory=ExpiringTable)
    ledgers: dict[Symbol, Ledger] = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    control: Control = UNTOUCHED
    orders: dict[str, Order] = field(default_factory=dict)
    fills: dict[str, list[Fill]] = field(default_factory=lambda: defaultdict(list))
    held_base: dict[Symbol, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    moved_quote: Decimal = ZERO
    net_base: dict[Symbol, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    net_quote: Decimal = ZERO
    made: dict[tuple[Symbol, Purpose, int], set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )
    submitted: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    excused: dict[Symbol, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    stops: list[tuple[Symbol, ExchangeStop]] = field(default_factory=list)
    dated: dict[Any, Any] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    def ledger(self, symbol: Symbol) -> Ledger:
        return self.ledgers.get(symbol) or Ledger(symbol)

    def guarded(self) -> dict[Symbol, int]:
        """The positions that have stops, and when each was opened."""
        return {one.symbol: one.guard.opened_ms for one in self.ledgers.values() if one.guard}

    def dead_leases(self, at_ms: int) -> dict[Symbol, int]:
        """The ledgers whose lease had run out by `at_ms`, and the versions they stand at."""
        leased = [one for one in self.ledgers.values() if one.lease]
        return {
            one.symbol: one.version for one in leased if one.lease and one.lease.expires_ms < at_ms
        }

    @property
    def open(self) -> bool:
        """Whether anything is held that has stops, or is under way."""
        return any(one.guard or one.pending for one in self.ledgers.values())

    def lock(self) -> InstanceLock:
        found = self.world.locked.get(id(self.locks))
        return found or InstanceLock(self.world.fingerprint)

    def store(self, run: Invocation) -> "Books":
        return Books(self, run)

    def denied_on(self, symbol: Symbol) -> bool:
        """Whether an answer that was not the truth keeps the books from knowing of a trade."""
        return any(self.orders[name].request.symbol == symbol for name in self.denied)

    def take_down(self, run: Invocation, changes: Sequence[Change]) -> None:
        """A commit took effect: what is asked of it, then the books after it."""
        invariants.at_commit(self, run, changes)
        for change in changes:
            match change:
                case Create(entity):
                    self._created(entity)
                case Replace(entity):
                    self._replaced(as_stored(entity))
                case _:
                    pass
        if self.world.traced:
            self.world.note(f"    {run.name} wrote {names_of(changes)}")
        invariants.after_commit(self, changes)

    def _created(self, entity: Once) -> None:
        match entity:
            case Order():
                self.orders[entity.client_order_id] = as_stored(entity)
            case Fill():
                self._add(entity)
            case Event():
                self.events.append(entity)

    def _replaced(self, entity: Versioned) -> None:
        match entity:
            case Order():
                self.orders[entity.client_order_id] = entity
                if entity.client_order_id in self.denied:
                    self._believe(entity)
            case Ledger(symbol=symbol, lease=lease):
                before = self.ledger(symbol).lease
                if before and lease and before.owner != lease.owner:
                    self.world.wake(before.owner)
                self.ledgers[symbol] = entity
                if entity.guard is None:
                    self._closed(symbol)
            case Account():
                self.account = entity
            case Control():
                self.control = entity
            case InstanceLock():
                self.world.locked[id(self.locks)] = entity

    def _closed(self, symbol: Symbol) -> None:
        """No run need tell of a position that was sold meanwhile, though it may come back."""
        for run in self.world.runs:
            if run.deployment is self:
                run.open_at_start.pop(symbol, None)

    def _believe(self, order: Order) -> None:
        """An order that was denied, or made twice, counts again once the books hold all of it."""
        made = self.world.gate.named(order.client_order_id)
        if order.totals.base == total(one.filled_base for one in made):
            self.denied.discard(order.client_order_id)

    def _add(self, fill: Fill) -> None:
        self.fills[fill.client_order_id].append(fill)
        traded, sign = fill.traded, 1 if fill.side is Side.BUY else -1
        self.held_base[fill.symbol] += sign * traded.base - traded.fee_base
        self.moved_quote -= sign * traded.quote + traded.fee_quote


class Books(TableStore):
    """The store port as one invocation meets it, and its contract: a conflict wrote nothing."""

    def __init__(self, deployment: Deployment, run: Invocation, *, of_locks: bool = False) -> None:
        self._deployment, self._run = deployment, run
        self._changes: Sequence[Change] = ()
        self._written = False
        table = deployment.locks if of_locks else deployment.table
        self._door = TableDoor(run, table, self._take_effect)
        super().__init__(
            self._door,
            "live",
            nothing_ttl_seconds=deployment.world.ttl_seconds,
            event_ttl_seconds=deployment.world.ttl_seconds,
        )

    def commit(self, changes: Sequence[Change]) -> Conflict | None:
        self._changes, self._written = changes, False
        try:
            conflict = super().commit(changes)
        except StoreUnavailable:
            assert not self._door.own_work_met, f"{self._run.name} does not know its own write"
            raise
        assert not (conflict and self._written), f"a conflict that wrote: {names_of(changes)}"
        if conflict and self._deployment.world.traced:
            name = names_of([conflict.change])
            self._deployment.world.note(f"    {self._run.name} was too late for {name}")
        return conflict

    def _take_effect(self, _actions: Sequence[Action]) -> None:
        self._written = True
        self._deployment.take_down(self._run, self._changes)


def names_of(changes: Sequence[Change]) -> str:
    """What a commit is about, for the trace."""

    def name(change: Change) -> str:
        entity: Any = getattr(change, "entity", None)
        told = [str(getattr(entity, one, "")) for one in ("client_order_id", "symbol", "state")]
        if isinstance(entity, Ledger):
            told += [f"base {entity.position.base}", f"lease {entity.lease and entity.lease.owner}"]
        if isinstance(entity, Event):
            told = [entity.text]
        words = " ".join(one for one in told if one)
        return f"{type(change).__name__} {type(entity).__name__} {words}".strip()

    return ", ".join(name(change) for change in changes)
