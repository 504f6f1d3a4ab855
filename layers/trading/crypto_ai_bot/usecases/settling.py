"""Writing what was learned of an order into the books, under its lease, which ends with it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import InvariantBroken, TradingError
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import MarketRules
from crypto_ai_bot.domain.order import (
    CAME_TO_NOTHING,
    Order,
    OrderEvent,
    OrderReport,
    OrderState,
)
from crypto_ai_bot.ports.store import (
    Change,
    Create,
    Replace,
    as_stored,
)
from crypto_ai_bot.reconciliation.drift import halted
from crypto_ai_bot.reconciliation.resolve import (
    Absent,
    Found,
    GiveUp,
    Wait,
    resolve,
    that_fit,
)
from crypto_ai_bot.reconciliation.settle import Settlement, settle, settle_without_order
from crypto_ai_bot.usecases.desk import Desk, give_back

ACCOUNT_RETRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Placed:
    """The order was journaled; it stands as it says, and so does the ledger (lease given back)."""

    order: Order
    ledger: Ledger


def settle_pending(
    desk: Desk, held: Ledger, account: Account, market: MarketRules, explained: str = ""
) -> Placed:
    """Asks the exchange what became of the order under way, and settles what the evidence proves.

    `explained` is a person's word for a balance that has moved (reconciliation.resolve).
    Under the lease on `held`, which is given back. Raises ExchangeUnavailable when a listing did
    not answer whole: then nothing was learned, and nothing is written but the end of the lease.
    """
    if held.pending is None:
        raise InvariantBroken(f"{held.symbol} has no order under way")
    order = desk.store.order(held.pending.client_order_id)
    if order is None:
        raise InvariantBroken(f"{held.pending.client_order_id} is pending and not journaled")
    if not order.unresolved:
        return as_it_stands(desk, order, held)  # the lease passed on; its new holder settled it
    now_ms = desk.clock.now_ms()
    if order.state is OrderState.PENDING:
        # Its run is gone: whether it was submitted is not known.
        order = order.after(OrderEvent.LOSE, now_ms, "the run that journaled it did not finish")
    try:
        evidence = desk.broker.fetch_evidence(order)
    except TradingError:  # whoever must act, nothing was learned: the symbol is left free
        give_back(desk, held)
        raise
    reports = that_fit(order, evidence.reports, held)
    resolution = resolve(order, reports, evidence.balance, evidence.server_ms, now_ms, explained)
    match resolution:
        case Found(report):
            return settled(desk, order, report, held, account, market)
        case Absent(proof):
            return closed(desk, order, OrderEvent.PROVE_ABSENT, proof, held, account)
        case Wait(waiting, _):
            return written(desk, waiting, held, ())
        case GiveUp(waiting, reason):
            return _halted(desk, waiting, held, reason)


def adopt(
    desk: Desk,
    order: Order,
    report: OrderReport,
    held: Ledger,
    account: Account,
    market: MarketRules,
) -> Placed:
    """Takes an order into the books that was thought over; gives the lease back."""
    why = f"the exchange lists it, though it was {order.state}"
    risen = order.after(OrderEvent.APPEAR, desk.clock.now_ms(), why)
    if order.state in CAME_TO_NOTHING:
        return settled(desk, risen, report, held.with_risen(order), account, market)
    return _settled_beside(desk, order, risen, report, held, account, market)


def _settled_beside(
    desk: Desk,
    order: Order,
    risen: Order,
    report: OrderReport,
    held: Ledger,
    account: Account,
    market: MarketRules,
) -> Placed:
    """Settles a finished order once more, whatever else is under way; that stays under way."""
    now_ms = desk.clock.now_ms()

    def books(current: Account) -> Settlement:
        apart = replace(held, pending=None)
        after = settle(risen, report, apart, current, market, desk.policy.stops, now_ms)
        ledger = replace(after.ledger, pending=held.pending)
        account = after.account.with_commitment(held.symbol, ledger)
        return replace(after, ledger=ledger, account=account)

    return _written_or_halted(desk, order, books, account, held)


def settled(
    desk: Desk,
    order: Order,
    report: OrderReport,
    held: Ledger,
    account: Account,
    market: MarketRules,
) -> Placed:
    """Moves the books by what `report` adds to `order`; halts the symbol when it contradicts them.

    Gives the lease back, as everything here does.
    """
    now_ms = desk.clock.now_ms()

    def books(current: Account) -> Settlement:
        return settle(order, report, held, current, market, desk.policy.stops, now_ms)

    return _written_or_halted(desk, order, books, account, held)


def _written_or_halted(
    desk: Desk,
    order: Order,
    books: Callable[[Account], Settlement],
    account: Account,
    held: Ledger,
) -> Placed:
    """Writes the settlement; a report that contradicts the books halts the symbol instead."""
    try:
        books(account)
    except InvariantBroken as contradiction:
        return _halted(desk, order, held, str(contradiction))
    return _write_settlement(desk, books, account, held)


def closed(
    desk: Desk, order: Order, event: OrderEvent, why: str, held: Ledger, account: Account
) -> Placed:
    """Closes an order of which proof says that the exchange never made it."""
    now_ms = desk.clock.now_ms()

    def books(current: Account) -> Settlement:
        return settle_without_order(order, event, held, current, why, now_ms)

    return _write_settlement(desk, books, account, held)


def _write_settlement(
    desk: Desk, books: Callable[[Account], Settlement], account: Account, held: Ledger
) -> Placed:
    """Writes the settlement in one transaction, on the account as it stands at that moment.

    Other symbols move the account meanwhile; the settlement is worked out anew from its new value.
    Any other conflict means that the lease has passed on, and its new holder settles.
    """
    for _ in range(ACCOUNT_RETRIES):
        settled = books(account.at(desk.clock.now_ms()))
        conflict = desk.store.commit(_changes(settled))
        if conflict is None:
            return Placed(settled.order, as_stored(settled.ledger.released()))
        if not isinstance(conflict.change, Replace) or not isinstance(
            conflict.change.entity, Account
        ):
            break
        account = desk.store.glance().account
    return as_it_stands(desk, settled.order, held)


def _changes(settled: Settlement) -> list[Change]:
    changes: list[Change] = [
        Replace(settled.order),
        Replace(settled.ledger.released()),
        Replace(settled.account),
    ]
    if settled.fill:
        changes.append(Create(settled.fill))
    changes.extend(Create(event) for event in settled.events)
    return changes


def written(desk: Desk, order: Order, held: Ledger, more: tuple[Change, ...]) -> Placed:
    """Writes what was learned of `order` and gives the lease back, if it is still ours."""
    released = held.released()
    if desk.store.commit([Replace(order), Replace(released), *more]):
        return as_it_stands(desk, order, held)
    return Placed(as_stored(order), as_stored(released))


def as_it_stands(desk: Desk, order: Order, held: Ledger) -> Placed:
    """What the table has of `order` and its symbol: what was learned here could not be written."""
    ledger = desk.store.glance().ledgers.get(held.symbol) or held
    return Placed(desk.store.order(order.client_order_id) or order, ledger)


def _halted(desk: Desk, order: Order, held: Ledger, reason: str) -> Placed:
    """Keeps `order` open and its symbol halted: a person must look. Told when it is new."""
    ledger, told = halted(held, reason, desk.clock.now_ms())
    return written(desk, order, ledger, () if held.halt else (Create(told),))
