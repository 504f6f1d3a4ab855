"""Our record of one symbol: what is held, what is under way, who may write now."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from crypto_ai_bot.domain.exchange_stop import ExchangeStop
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.domain.order import Order, Purpose, Side
from crypto_ai_bot.domain.position import FLAT, Position
from crypto_ai_bot.domain.stop import Guard

ATTEMPTS_PER_SLOT_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may write a ledger, until when (our clock), under which fencing token."""

    owner: str
    token: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Pending:
    """The one order under way. A pending buy counts as bought, a pending sell as sold."""

    client_order_id: str
    side: Side
    purpose: Purpose
    amount: Decimal
    reference_price: Decimal
    journaled_ms: int

    @property
    def worst_cost_quote(self) -> Decimal:
        """Quote that may have been spent."""
        return self.amount if self.side is Side.BUY else ZERO

    @property
    def worst_sold_base(self) -> Decimal:
        """Base that may have been sold."""
        return self.amount if self.side is Side.SELL else ZERO


@dataclass(frozen=True, slots=True)
class SlotUse:
    """The last slot that a purpose took, the attempt, and whether proof says it made no order."""

    slot_ms: int
    attempt: int
    came_to_nothing: bool = False


@dataclass(frozen=True, slots=True)
class Halt:
    """The symbol enters nothing until a person has looked: why, and since when."""

    reason: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that a decision about one symbol rests on, in one item under one version.

    `token` is the last fencing token given out; it only grows. `last_entry_ms` dates the last
    entry journaled, for the cooldown. `foreign_base` is the base on the account that no order of
    ours brought, as last told to the operator; None until the first order. `looked_ms` is until
    when the orders of others were looked for. `moved_ms` is when the last fill was written, by our
    clock. `exchange_stop` rests at the exchange, or may.
    """

    symbol: Symbol
    position: Position = FLAT
    guard: Guard | None = None
    pending: Pending | None = None
    slots: Mapping[Purpose, SlotUse] = field(default_factory=dict[Purpose, SlotUse])
    last_entry_ms: int = 0
    halt: Halt | None = None
    lease: Lease | None = None
    token: int = 0
    version: int = 0
    foreign_base: Decimal | None = None
    looked_ms: int = 0
    moved_ms: int = 0
    exchange_stop: ExchangeStop | None = None

    @property
    def worst_base(self) -> Decimal:
        """Base that is surely still held: a pending sell counts as sold."""
        return self.position.base - (self.pending.worst_sold_base if self.pending else ZERO)

    @property
    def expected_base(self) -> Decimal | None:
        """What the account holds if nobody else has moved it; None before the first order."""
        return None if self.foreign_base is None else self.position.base + self.foreign_base

    def free_for(self, owner: str, now_ms: int) -> bool:
        """`owner` may write: nobody else holds a lease that has not run out."""
        return self.lease is None or self.lease.owner == owner or self.lease.expires_ms <= now_ms

    def leased_to(self, owner: str, expires_ms: int) -> "Ledger":
        """The ledger with a lease for `owner` under the next token.

        The token is checked in every write, so a holder that outlived its lease cannot write.
        """
        token = self.token + 1
        return replace(self, lease=Lease(owner, token, expires_ms), token=token)

    def released(self) -> "Ledger":
        """The ledger that anybody may lease; the token stays, for it only grows."""
        return replace(self, lease=None)

    def next_attempt(self, purpose: Purpose, slot_ms: int) -> int | None:
        """The attempt that an order of this purpose may make in this slot; None for no more.

        A further attempt in a slot needs the proof that the last one made no order. A slot older
        than the last one used is past: a late tick does not reopen it.
        """
        use = self.slots.get(purpose)
        if use is None or slot_ms > use.slot_ms:
            return 1
        if slot_ms < use.slot_ms or not use.came_to_nothing:
            return None
        return use.attempt + 1 if use.attempt < ATTEMPTS_PER_SLOT_MAX else None

    def with_pending(self, order: Order) -> "Ledger":
        """The ledger with `order` under way and its slot taken.

        What the account held before the first order was there without us, and stays apart.
        """
        request = order.request
        pending = Pending(
            order.client_order_id,
            request.side,
            request.purpose,
            request.amount,
            request.reference_price,
            order.journaled_ms,
        )
        entry = request.purpose is Purpose.ENTRY
        foreign_base = self.foreign_base
        if foreign_base is None and order.balance_before is not None:
            foreign_base = order.balance_before[1] - self.position.base
        return replace(
            self,
            pending=pending,
            foreign_base=foreign_base,
            slots={**self.slots, request.purpose: SlotUse(request.slot_ms, order.attempt)},
            last_entry_ms=order.journaled_ms if entry else self.last_entry_ms,
        )

    def with_risen(self, order: Order) -> "Ledger":
        """The ledger with `order`, closed as never made, under way after all.

        A slot that was taken since stays taken: an older order does not open it again.
        """
        purpose, slot_ms = order.request.purpose, order.request.slot_ms
        taken, use = self.with_pending(order), self.slots.get(purpose)
        slots = taken.slots
        if use and use.slot_ms > slot_ms:
            slots = self.slots
        elif use and use.slot_ms == slot_ms:
            slots = {**self.slots, purpose: SlotUse(slot_ms, max(use.attempt, order.attempt))}
        last_entry_ms = max(self.last_entry_ms, taken.last_entry_ms)
        return replace(taken, slots=slots, last_entry_ms=last_entry_ms)

    def without_order(self, order: Order) -> "Ledger":
        """The ledger once proof says that `order` was never made: its slot may be tried again."""
        request = order.request
        use = SlotUse(request.slot_ms, order.attempt, came_to_nothing=True)
        return replace(self, pending=None, slots={**self.slots, request.purpose: use})
