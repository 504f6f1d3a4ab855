"""What a report of an order, or the proof that there is none, does to the books."""

from dataclasses import dataclass, replace
from decimal import Decimal

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import MarketRules
from crypto_ai_bot.domain.money import ONE, ZERO, plain
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
        fill = replace(fill, ledger_version=ledger.version)
        ledger, account = _with_fill(settled, report, fill, ledger, account, market, stops)
        settled = settled.after(OrderEvent.FILL, now_ms)
        settled = replace(settled, totals=report.totals, fills=settled.fills + 1)
        ledger = replace(ledger, moved_ms=now_ms)
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
    account = account.with_fill(realised_quote, moved_quote)
    return ledger, account.with_fees(fill.traded.fee_other)


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
    if "+" in order.exchange_order_id:
        text += f"; by more than one order at the exchange: {order.exchange_order_id}"
    # Settled once more when the exchange made another order of it: then told once more.
    event_id = f"{order.client_order_id}:{order.state}:{order.exchange_order_id}"
    return Event(event_id, kind, now_ms, str(request.symbol), text)
