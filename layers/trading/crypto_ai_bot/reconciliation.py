"""Truth: what a report, a search or a balance means for the books. Pure; every answer is a value.

Invariants (DESIGN 3) that are kept here:
1. A report moves the books by what it adds to what they already hold, so applying it twice, or
   late, or out of order changes nothing (I7).
2. An order is absent only by proof: it can no longer arrive, several complete searches in a row
   did not find it, and the balance has not moved (I10).
3. What cannot be explained is halted and shown to a person; it is never made to agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.ledger import Halt, Ledger
from crypto_ai_bot.domain.market import Balance, MarketRules
from crypto_ai_bot.domain.money import ONE, ZERO, plain, total
from crypto_ai_bot.domain.order import (
    Fill,
    Order,
    OrderEvent,
    OrderReport,
    OrderState,
    Purpose,
    Side,
    Totals,
    fill_between,
)
from crypto_ai_bot.domain.position import apply_fill
from crypto_ai_bot.domain.stop import Guard, StopRules, opened

ARRIVAL_MARGIN_MS: Final = 2_000  # clocks and queues inside the exchange, after its own deadline
ABSENCES_NEEDED: Final = 3
ABSENCE_WINDOW_MS: Final = 30_000  # listings lag by seconds (gate-spot 1.6)
RESOLVE_WITHIN_MS: Final = 600_000


@dataclass(frozen=True, slots=True)
class Settlement:
    """The books after something was learned of one order; to be written in one transaction."""

    order: Order
    ledger: Ledger
    account: Account
    fill: Fill | None
    events: tuple[Event, ...]


def settle(
    order: Order,
    report: OrderReport,
    ledger: Ledger,
    account: Account,
    market: MarketRules,
    stops: StopRules,
    now_ms: int,
) -> Settlement:
    """Moves the books by what `report` adds to `order`.

    Raises InvariantBroken when the report contradicts the books: totals that fell, a sell of more
    than is held.
    """
    known = order.state is OrderState.ACCEPTED
    settled = order if known else order.after(OrderEvent.ACCEPT, now_ms)
    settled = replace(settled, exchange_order_id=report.exchange_order_id)
    fill = fill_between(settled, report)
    if fill:
        ledger, account = _with_fill(settled, report, fill, ledger, account, market, stops)
        settled = replace(settled.after(OrderEvent.FILL, now_ms), totals=report.totals)
    if report.finished:
        settled = settled.after(OrderEvent.FINISH, now_ms, report.finish_reason)
        ledger = replace(ledger, pending=None)
    elif ledger.pending:
        ledger = replace(
            ledger, pending=replace(ledger.pending, amount=_amount_left(order, report.totals))
        )
    account = account.with_commitment(ledger.symbol, ledger)
    events = (_traded_event(settled, now_ms),) if report.finished else ()
    return Settlement(settled, ledger, account, fill, events)


def settle_without_order(
    order: Order, event: OrderEvent, ledger: Ledger, account: Account, why: str, now_ms: int
) -> Settlement:
    """Closes an order of which proof says that the exchange never made it."""
    settled = order.after(event, now_ms, why)
    ledger = ledger.without_order(settled)
    account = account.with_commitment(ledger.symbol, ledger)
    text = f"{order.request.side} {order.request.symbol} made no order ({settled.state}): {why}"
    told = Event(
        f"{order.client_order_id}:{settled.state}",
        EventKind.ORDER,
        now_ms,
        str(ledger.symbol),
        text,
    )
    return Settlement(settled, ledger, account, None, (told,))


def _amount_left(order: Order, totals: Totals) -> Decimal:
    traded = totals.quote if order.request.side is Side.BUY else totals.base
    return max(order.request.amount - traded, ZERO)


def _with_fill(
    order: Order,
    report: OrderReport,
    fill: Fill,
    ledger: Ledger,
    account: Account,
    market: MarketRules,
    stops: StopRules,
) -> tuple[Ledger, Account]:
    position, realised_quote = apply_fill(ledger.position, fill)
    ledger = replace(ledger, position=position)
    if fill.side is Side.BUY:
        moved_quote = -(fill.traded.quote + fill.traded.fee_quote)
        ledger = replace(ledger, guard=_guard(order, report, ledger.guard, market, stops))
    else:
        moved_quote = fill.traded.quote - fill.traded.fee_quote
        price = fill.traded.average_price
        if not market.sellable_base(position.base, price):
            ledger = replace(ledger, guard=None)
    return ledger, account.with_fill(realised_quote, moved_quote)


def _guard(
    order: Order, report: OrderReport, before: Guard | None, market: MarketRules, stops: StopRules
) -> Guard:
    """The guard of the position that an entry opened; a later fill of it moves only the measures.

    The price that returns all that was paid counts the fee of both sides.
    """
    totals = report.totals
    net_base = totals.base - totals.fee_base
    paid = (totals.quote + totals.fee_quote) / net_base
    price = float(totals.average_price)
    same_entry = before is not None and order.totals.base > ZERO
    guard = Guard(
        opened_ms=before.opened_ms if before and same_entry else report.updated_ms,
        entry_price=price,
        break_even_price=float(paid / (ONE - market.taker_fee_rate)),
        bought_base=net_base,
        atr=order.request.atr,
        peak_price=max(before.peak_price, price) if before and same_entry else price,
        stop_price=before.stop_price if before and same_entry else 0.0,
    )
    return opened(stops, guard)


def _traded_event(order: Order, now_ms: int) -> Event:
    request, totals = order.request, order.totals
    kind = EventKind.ORDER if request.purpose is Purpose.ENTRY else EventKind.EXIT
    verb = "bought" if request.side is Side.BUY else "sold"
    text = (
        f"{verb} {plain(totals.base)} {request.symbol.base} for {plain(totals.quote)} "
        f"{request.symbol.quote} at {plain(totals.average_price)} ({request.purpose}: "
        f"{request.reason})"
    )
    return Event(f"{order.client_order_id}:{order.state}", kind, now_ms, str(request.symbol), text)


@dataclass(frozen=True, slots=True)
class Found:
    """The exchange shows it: its report decides. Several under one id are one report, added up."""

    report: OrderReport


@dataclass(frozen=True, slots=True)
class Absent:
    """Proof that no order was made, and what it rests on."""

    proof: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Not known yet; `order` remembers what this search has shown."""

    order: Order
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Neither found nor proved absent within the time allowed: a person must look."""

    order: Order
    reason: str


type Resolution = Found | Absent | Wait | GiveUp


def resolve(
    order: Order, reports: Sequence[OrderReport], balance: Balance, server_ms: int, now_ms: int
) -> Resolution:
    """What the exchange's listings and balance, all read at `server_ms`, prove about `order`."""
    if reports:
        return Found(_added_up(reports))
    if order.state is OrderState.ACCEPTED:
        return _undecided(order, "the exchange accepted it and does not list it", now_ms)
    if server_ms <= order.expires_ms + ARRIVAL_MARGIN_MS:
        return Wait(order, "the request can still arrive")
    order = replace(
        order,
        absences=order.absences + 1,
        absent_since_ms=order.absent_since_ms or server_ms,
        updated_ms=now_ms,
    )
    if order.balance_before != (balance.free_quote, balance.free_base):
        return _undecided(order, "no listing shows it, but the balance has moved", now_ms)
    for_ms = server_ms - order.absent_since_ms
    if order.absences >= ABSENCES_NEEDED and for_ms >= ABSENCE_WINDOW_MS:
        return Absent(
            f"{order.absences} complete searches over {for_ms // 1000} s found none, "
            "and the balance has not moved"
        )
    return Wait(order, f"absent from {order.absences} of {ABSENCES_NEEDED} searches")


def _undecided(order: Order, reason: str, now_ms: int) -> Wait | GiveUp:
    if now_ms - order.journaled_ms < RESOLVE_WITHIN_MS:
        return Wait(order, reason)
    return GiveUp(order, f"{reason}, for {(now_ms - order.journaled_ms) // 1000} s")


def _added_up(reports: Sequence[OrderReport]) -> OrderReport:
    """One report for all orders under one client order id.

    There should be one. Should an intermediary have repeated the request there are two, and both
    have moved the balance: the books must hold both.
    """
    coins = {coin for report in reports for coin in report.totals.fee_other}
    totals = Totals(
        base=total(report.totals.base for report in reports),
        quote=total(report.totals.quote for report in reports),
        fee_base=total(report.totals.fee_base for report in reports),
        fee_quote=total(report.totals.fee_quote for report in reports),
        fee_other={
            coin: total(report.totals.fee_other.get(coin, ZERO) for report in reports)
            for coin in coins
        },
    )
    return replace(
        reports[0],
        exchange_order_id="+".join(report.exchange_order_id for report in reports),
        finished=all(report.finished for report in reports),
        totals=totals,
        updated_ms=max(report.updated_ms for report in reports),
    )


def halted(ledger: Ledger, reason: str, now_ms: int) -> tuple[Ledger, Event]:
    """The ledger halted for `reason`, and the event that tells the operator.

    A symbol that is halted already keeps its first reason and date.
    """
    halt = ledger.halt or Halt(reason, now_ms)
    told = Event(
        f"halt:{ledger.symbol}:{halt.since_ms}",
        EventKind.HALT,
        now_ms,
        str(ledger.symbol),
        f"{ledger.symbol} takes no entries until you have looked: {halt.reason}",
    )
    return replace(ledger, halt=halt), told


@dataclass(frozen=True, slots=True)
class Drift:
    """The exchange's balance of a base coin against the ledger's; never corrected by itself.

    `difference_base` is positive when the exchange holds more (a deposit, a manual buy).
    """

    ledger_base: Decimal
    exchange_base: Decimal

    @property
    def difference_base(self) -> Decimal:
        """What the exchange holds beyond the ledger."""
        return self.exchange_base - self.ledger_base

    @property
    def missing(self) -> bool:
        """The exchange holds less than the ledger: a stop could not sell what it should."""
        return self.difference_base < ZERO

    def __str__(self) -> str:
        return (
            f"the exchange holds {plain(self.exchange_base)} base, "
            f"the ledger {plain(self.ledger_base)}"
        )


def drift_of(ledger: Ledger, balance: Balance) -> Drift | None:
    """How far ledger and balance are apart; None when equal, or while an order is under way."""
    if ledger.pending or ledger.position.base == balance.free_base:
        return None
    return Drift(ledger.position.base, balance.free_base)
