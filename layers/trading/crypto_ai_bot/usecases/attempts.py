"""Before a slot is tried again: a rejection is believed only when the exchange lists no order.

An intermediary could have repeated our request: then the first was carried out, and the answer
that we read was the refusal of the second (gate-spot 3.1).
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import ExchangeUnavailable, TradingError
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import MINUTE_MS, Balance, MarketRules
from crypto_ai_bot.domain.money import ZERO, plain
from crypto_ai_bot.domain.order import Order, OrderState, Purpose, Side, client_order_id
from crypto_ai_bot.reconciliation.resolve import added_up, that_fit
from crypto_ai_bot.risk.gate import Approved
from crypto_ai_bot.usecases.desk import Desk, give_back
from crypto_ai_bot.usecases.execution import NotPlaced
from crypto_ai_bot.usecases.settling import Placed, adopt

LISTED_WITHIN_MS: Final = 10 * MINUTE_MS  # clocks that differ, and listings that lag behind
SHOWN_WITHIN_MS: Final = 2 * MINUTE_MS  # listings lag by seconds; a halt that is false wakes people


def find_earlier(desk: Desk, approved: Approved, held: Ledger) -> Placed | NotPlaced | None:
    """A rejected order that may be what `approved` asks for, if the exchange lists it: adopted.

    For an entry the slot's last attempt. For a sell any sell that was just rejected, whose refusal
    could perhaps not be checked then: what is sold must not be sold again, out of coins that are
    not ours. None when the order may be made; NotPlaced when that cannot be known yet.
    The lease on `held` is given back unless None is returned.
    """
    for order in _rejected(desk, approved, held):
        facts = approved.facts
        try:
            found = adopt_if_listed(desk, order, held, facts.account, facts.market)
        except ExchangeUnavailable as error:
            return NotPlaced(str(error))
        if found:
            return found
        gone_base = _gone_base(desk, order, held, facts.balance)
        if gone_base >= facts.market.amount_step_base:
            give_back(desk, held)
            name = order.client_order_id
            return NotPlaced(f"{name} was refused, yet {plain(gone_base)} is gone")
    return None


def _rejected(desk: Desk, approved: Approved, held: Ledger) -> Iterator[Order]:
    """The orders to look for first; one proved absent was searched for already.

    So was one from before reconcile's last whole look (`looked_ms`), which had taken it up.
    """
    wanted = approved.request.purpose
    for order in _refused(desk, held):
        purpose = order.request.purpose
        same = purpose is wanted and approved.attempt > 1
        sells = Purpose.ENTRY not in {purpose, wanted}
        if same or (sells and not _looked_past(held, order)):
            yield order


def _looked_past(ledger: Ledger, order: Order) -> bool:
    return ledger.looked_ms > order.journaled_ms + LISTED_WITHIN_MS


def sell_in_doubt(desk: Desk, ledger: Ledger) -> Order | None:
    """A refused sell that reconcile has not looked past: what is held may be sold already."""
    sells = (one for one in _refused(desk, ledger) if one.request.side is Side.SELL)
    return next((one for one in sells if not _looked_past(ledger, one)), None)


def _refused(desk: Desk, ledger: Ledger) -> Iterator[Order]:
    """The last order of each purpose, where the exchange has refused it."""
    tag = desk.policy.deployment_tag
    for purpose, use in ledger.slots.items():
        if not use.came_to_nothing:
            continue
        name = client_order_id(tag, ledger.symbol, purpose, use.slot_ms, use.attempt)
        order = desk.store.order(name)
        if order and order.state is OrderState.REJECTED:
            yield order


def perhaps_made(desk: Desk, ledger: Ledger) -> Order | None:
    """An order that was refused so lately that, had it been made all the same, it may not show.

    What differs from the books meanwhile may be its doing.
    """
    since_ms = desk.clock.now_ms() - SHOWN_WITHIN_MS
    return next((one for one in _refused(desk, ledger) if one.journaled_ms > since_ms), None)


def _gone_base(desk: Desk, order: Order, held: Ledger, balance: Balance) -> Decimal:
    """What a refused sell may have sold all the same, by the books: a listing may lag behind it.

    A part of it too, for it may have been carried out in part.
    """
    listed = desk.clock.now_ms() - order.journaled_ms >= LISTED_WITHIN_MS
    if listed or order.request.side is Side.BUY or held.expected_base is None:
        return ZERO
    return held.expected_base - balance.free_base


def adopt_if_listed(
    desk: Desk, order: Order, held: Ledger, account: Account, market: MarketRules
) -> Placed | None:
    """One search for an order that is thought over; what it finds beyond the books is adopted.

    None when no listing shows more. The lease on `held` is kept then, and given back otherwise.
    """
    if order.unresolved:
        return None
    known = set(order.exchange_order_id.split("+"))
    try:
        reports = that_fit(order, desk.broker.fetch_evidence(order).reports, held)
    except TradingError:  # whoever must act, nothing was learned: the symbol is left free
        give_back(desk, held)
        raise
    if {report.exchange_order_id for report in reports} <= known:
        return None
    report = added_up(reports)
    if order.state is OrderState.CLOSED and not report.finished:
        return None  # at market they finish at once; until then the books would not be true
    return adopt(desk, order, report, held, account, market)
