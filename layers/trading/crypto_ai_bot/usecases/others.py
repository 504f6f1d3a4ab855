"""Orders on our account that our books do not hold: told once each, and another bot stops entries.

Whoever shares the key without sharing the instance lock is found here: by its tag, or by an order
with our tag that we never journaled.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from crypto_ai_bot.domain.exchange_stop import fired_order_name
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import DAY_MS, MINUTE_MS, MarketRules
from crypto_ai_bot.domain.order import Order, OrderReport, Side, deployment_tag_of
from crypto_ai_bot.ports.store import Create, Replace, as_stored
from crypto_ai_bot.reconciliation.others import (
    Foreign,
    Origin,
    Ours,
    Repeated,
    Risen,
    origin_of,
    stops_entries,
    told,
)
from crypto_ai_bot.usecases.attempts import LISTED_WITHIN_MS, adopt_if_listed
from crypto_ai_bot.usecases.control import stop_entries
from crypto_ai_bot.usecases.desk import Desk, give_back, take_lease
from crypto_ai_bot.usecases.run import Sight
from crypto_ai_bot.usecases.settling import Placed

FIRST_LOOK_MS: Final = DAY_MS
MARKED_AFTER_MS: Final = 15 * MINUTE_MS


def look_for_others(desk: Desk, ledger: Ledger) -> tuple[Origin, ...]:
    """Everything listed of the symbol since the last look that is not simply ours. Reads alone."""
    now_ms = desk.clock.now_ms()
    since_ms = (ledger.looked_ms or now_ms - FIRST_LOOK_MS) - LISTED_WITHIN_MS
    tag = desk.policy.deployment_tag
    origins = (
        origin_of(report, _journaled(desk, report), tag)
        for report in desk.broker.fetch_orders(ledger.symbol, since_ms)
    )
    return tuple(origin for origin in origins if not isinstance(origin, Ours))


def tell_of_others(desk: Desk, origins: Sequence[Origin]) -> tuple[Foreign | Repeated, ...]:
    """Tells the operator of each order that nobody here decided on, once; gives the new ones."""
    fresh = []
    for one in origins:
        if not isinstance(one, Foreign | Repeated):
            continue
        event = told(one, desk.clock.now_ms())
        if stops_entries(one):
            new = stop_entries(desk.store, desk.clock, event, "reconcile")
        else:
            new = desk.store.commit([Create(event)]) is None
        if new:
            fresh.append(one)
    return tuple(fresh)


def risen_among(origins: Sequence[Origin], ledger: Ledger) -> Risen | Repeated | None:
    """An order of ours to take back into the books: closed as never made, or made once more.

    While another is under way only one that was made once more: that needs no place in the ledger.
    """
    for one in origins:
        if isinstance(one, Risen) and ledger.pending is None:
            return one
        if isinstance(one, Repeated) and one.fits(ledger.position.base):
            return one
    return None


def adopt_risen(
    desk: Desk, sight: Sight, ledger: Ledger, market: MarketRules, risen: Risen | Repeated
) -> Placed | None:
    """Takes `risen` into the books; None while another run has the symbol or it is not whole."""
    if not (held := take_lease(desk, ledger, sight.tick)):
        return None
    placed = adopt_if_listed(desk, risen.order, held, sight.glance.account, market)
    if placed is None:
        give_back(desk, held)
    return placed


def is_taken(adopted: Placed, risen: Risen | Repeated) -> bool:
    """The books have `risen` now; not when it contradicts them, which halts its symbol."""
    return adopted.order.exchange_order_id != risen.order.exchange_order_id


def adopt_repeated(desk: Desk, sight: Sight, ledger: Ledger, market: MarketRules) -> Placed | None:
    """Every order that was made once more, when the books lack what an order under way has sold.

    The last one that was adopted; None when nothing was.
    """
    origins = look_for_others(desk, ledger)
    tell_of_others(desk, origins)
    last: Placed | None = None
    while risen := risen_among(origins, ledger):
        placed = adopt_risen(desk, sight, ledger, market, risen)
        if placed is None:
            break
        last, ledger = placed if is_taken(placed, risen) else last, placed.ledger
        name = placed.order.client_order_id
        origins = tuple(one for one in origins if one.report.client_order_id != name)
    return last


def remember_the_look(desk: Desk, sight: Sight, ledger: Ledger, *, found: bool) -> Ledger:
    """Moves the mark from which the next look begins: when something was found, else seldom.

    A mark that cannot be written (another run has the symbol) only makes the next look longer.
    """
    now_ms = desk.clock.now_ms()
    due = bool(ledger.looked_ms or ledger.version) and now_ms - ledger.looked_ms > MARKED_AFTER_MS
    if not (found or due) or not ledger.free_for(sight.tick.run_id, now_ms):
        return ledger
    marked = replace(ledger, looked_ms=now_ms)
    return ledger if desk.store.commit([Replace(marked)]) else as_stored(marked)


def _journaled(desk: Desk, report: OrderReport) -> Order | None:
    """Our journal's entry: under a name of the form that a deployment makes, or of a stop's."""
    if deployment_tag_of(report.client_order_id):
        return desk.store.order(report.client_order_id)
    if report.side is Side.SELL and desk.exchange_stops:
        return desk.store.order(fired_order_name(report.exchange_order_id))
    return None
