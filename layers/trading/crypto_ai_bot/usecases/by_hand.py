"""What a person does about the books: see the differences, settle an order, lift a halt.

Here too nothing is believed that the exchange does not show; a person's word stands in for one
thing alone, why a balance has moved. Neither places an order, so neither needs the instance lock.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.money import plain
from crypto_ai_bot.domain.order import CAME_TO_NOTHING, Order, OrderState
from crypto_ai_bot.ports.store import Create, Replace, as_stored
from crypto_ai_bot.reconciliation.drift import drift_of
from crypto_ai_bot.reconciliation.resolve import ABSENCE_WINDOW_MS, ABSENCES_NEEDED
from crypto_ai_bot.usecases.attempts import adopt_if_listed
from crypto_ai_bot.usecases.desk import Desk, give_back, take_lease
from crypto_ai_bot.usecases.others import look_for_others
from crypto_ai_bot.usecases.settling import Placed, settle_pending


@dataclass(frozen=True, slots=True)
class Comparison:
    """One symbol's books beside the exchange's word, and what each difference rests on.

    `foreign_base` is what was there without us, None before our first order.
    """

    symbol: Symbol
    ledger_base: Decimal
    foreign_base: Decimal | None
    exchange_base: Decimal
    evidence: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Nothing that a person would have to look at."""
        return not self.evidence

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; amounts in base, as strings."""
        foreign = self.foreign_base
        return {
            "symbol": str(self.symbol),
            "agrees": self.agrees,
            "ledger_base": plain(self.ledger_base),
            "foreign_base": None if foreign is None else plain(foreign),
            "exchange_base": plain(self.exchange_base),
            "evidence": list(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class NotDone:
    """Nothing was changed; why, and what would."""

    reason: str


def compare(desk: Desk) -> tuple[Comparison, ...]:
    """Every symbol that is configured or in the books. Reads alone.

    Raises ExchangeUnavailable when a balance or a listing did not answer whole.
    """
    ledgers = desk.store.glance().ledgers
    symbols = sorted({*desk.policy.symbols, *ledgers})
    return tuple(_comparison(desk, ledgers.get(symbol) or Ledger(symbol)) for symbol in symbols)


def _comparison(desk: Desk, ledger: Ledger) -> Comparison:
    symbol = ledger.symbol
    dust_base = desk.broker.fetch_rules(symbol, desk.clock.now_ms()).amount_step_base
    balance = desk.broker.fetch_balance(symbol)
    evidence = [str(origin) for origin in look_for_others(desk, ledger)]
    if ledger.pending:
        evidence.append(_under_way(desk.store.order(ledger.pending.client_order_id)))
    if drift := drift_of(ledger, balance, dust_base):
        evidence.append(f"balance: {drift}")
    if ledger.halt:
        evidence.append(f"halted: {ledger.halt.reason}")
    return Comparison(
        symbol, ledger.position.base, ledger.foreign_base, balance.free_base, tuple(evidence)
    )


def _under_way(order: Order | None) -> str:
    if order is None:
        return "journal: an order is under way that was never journaled"
    return f"journal: {order.client_order_id} is {order.state}: {order.resolution or 'just made'}"


def resolve_by_hand(
    desk: Desk, client_order_id: str, run_id: str, explained: str = ""
) -> Placed | NotDone:
    """Asks the exchange for one order and settles what it proves.

    `explained` is the person's word for why the base balance has moved since the order was
    journaled: with it, complete searches that found nothing close the order as never placed.
    """
    order, glance = desk.store.order(client_order_id), desk.store.glance()
    if order is None:
        return NotDone(f"{client_order_id}: no such order in these books")
    symbol, now_ms = order.request.symbol, desk.clock.now_ms()
    ledger = glance.ledgers.get(symbol) or Ledger(symbol)
    if objection := _not_open(order, ledger):
        return NotDone(objection)
    market = desk.broker.fetch_rules(symbol, now_ms)
    held = take_lease(desk, ledger, Tick(Job.RECONCILE, now_ms, run_id, run_id))
    if held is None:
        return NotDone(f"another run has {symbol}: try again in a minute")
    if order.unresolved:
        placed = settle_pending(desk, held, glance.account, market, explained)
        return NotDone(_why_open(placed)) if placed.order.unresolved else placed
    risen = adopt_if_listed(desk, order, held, glance.account, market)
    if risen is None:
        give_back(desk, held)
        return NotDone(f"{client_order_id} is {order.state}, and no listing shows it")
    return risen


def _not_open(order: Order, ledger: Ledger) -> str:
    """Why there is nothing to settle, "" when there is.

    There is for the order under way, and while there is none for one that came to nothing: the
    exchange may show it after all.
    """
    if order.state is OrderState.CLOSED:
        return f"{order.client_order_id} is closed: {order.resolution}"
    under_way = ledger.pending.client_order_id if ledger.pending else ""
    if under_way == ("" if order.state in CAME_TO_NOTHING else order.client_order_id):
        return ""
    return f"the ledger of {ledger.symbol} has {under_way or 'no order'} under way"


def _why_open(placed: Placed) -> str:
    order = placed.order
    head = f"{order.client_order_id} is {order.state}"
    if order.state is OrderState.ACCEPTED:
        return (
            f"{head}: the exchange has it as {order.exchange_order_id}, not finished or not listed"
        )
    if not order.absences:
        return f"{head}: the request can still arrive, try again in a minute"
    searches = f"{head}: {order.absences} complete searches found none"
    seconds = (order.updated_ms - order.absent_since_ms) // 1_000
    if order.absences < ABSENCES_NEEDED or seconds * 1_000 < ABSENCE_WINDOW_MS:
        needed = f"{ABSENCES_NEEDED} over {ABSENCE_WINDOW_MS // 1_000} s are needed"
        return f"{searches} over {seconds} s, {needed}: try again"
    before = plain(order.balance_before[1]) if order.balance_before else "unknown"
    base = order.request.symbol.base
    return (
        f"{searches}, but the {base} balance is not the {before} that it was: if you know why, "
        "say so with --absent --because"
    )


def release(desk: Desk, symbol: Symbol, reason: str, run_id: str) -> Ledger | NotDone:
    """Lifts the halt of a symbol whose books and balance agree; trading itself is not started."""
    ledger, now_ms = desk.store.glance().ledgers.get(symbol), desk.clock.now_ms()
    if ledger is None or ledger.halt is None:
        return NotDone(f"{symbol} is not halted")
    if objection := _still_apart(desk, ledger):
        return NotDone(f"{symbol}: {objection}")
    if not ledger.free_for(run_id, now_ms):
        return NotDone(f"another run has {symbol}: try again in a minute")
    lifted = replace(ledger, halt=None)
    told = Event(
        f"release:{symbol}:{ledger.halt.since_ms}:{now_ms}",
        EventKind.CONTROL,
        now_ms,
        str(symbol),
        f"{symbol} is released: {reason} (it was halted for: {ledger.halt.reason})",
    )
    if desk.store.commit([Replace(lifted), Create(told)]):
        return NotDone(f"another run moved the books of {symbol}: try again")
    return as_stored(lifted)


def _still_apart(desk: Desk, ledger: Ledger) -> str:
    """What is left to do before the halt may be lifted; "" when books and balance agree."""
    if ledger.pending:
        name = ledger.pending.client_order_id
        return f"{name} is not settled: cab-reconcile resolve {name}"
    symbol = ledger.symbol
    dust_base = desk.broker.fetch_rules(symbol, desk.clock.now_ms()).amount_step_base
    drift = drift_of(ledger, desk.broker.fetch_balance(symbol), dust_base)
    if drift is None:
        return ""
    lacking = f"{plain(drift.ours_base - drift.exchange_base)} {symbol.base}"
    missing = f"bring back the {lacking} that are missing"
    return f"{drift}: {missing if drift.missing else 'try again after reconcile has told of it'}"
