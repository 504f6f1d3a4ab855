"""Before a slot is tried again: a rejection is believed only when the exchange lists no order.

An intermediary could have repeated our request: then the first was carried out, and the answer
that we read was the refusal of the second (gate-spot 3.1).
"""

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import ExchangeUnavailable, TradingError
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import MarketRules
from crypto_ai_bot.domain.order import CAME_TO_NOTHING, Order, OrderState, client_order_id
from crypto_ai_bot.reconciliation.resolve import added_up
from crypto_ai_bot.risk.gate import Approved
from crypto_ai_bot.usecases.desk import Desk, give_back
from crypto_ai_bot.usecases.execution import NotPlaced
from crypto_ai_bot.usecases.settling import Placed, adopt


def find_earlier(desk: Desk, approved: Approved, held: Ledger) -> Placed | NotPlaced | None:
    """The slot's rejected attempt, if the exchange lists it after all: it is adopted.

    None when the further attempt may be made; NotPlaced when the exchange could not be asked.
    The lease on `held` is given back unless None is returned.
    """
    if approved.attempt == 1:
        return None
    request = approved.request
    name = client_order_id(
        desk.policy.deployment_tag,
        request.symbol,
        request.purpose,
        request.slot_ms,
        approved.attempt - 1,
    )
    order = desk.store.order(name)
    if order is None or order.state is not OrderState.REJECTED:
        return None  # one proved absent was searched for already
    try:
        return adopt_if_listed(desk, order, held, approved.facts.account, approved.facts.market)
    except ExchangeUnavailable as error:
        return NotPlaced(str(error))


def adopt_if_listed(
    desk: Desk, order: Order, held: Ledger, account: Account, market: MarketRules
) -> Placed | None:
    """One search for an order that was closed as never made; what it finds is adopted.

    None when no listing shows it. The lease on `held` is kept then, and given back otherwise.
    """
    if order.state not in CAME_TO_NOTHING:
        return None
    try:
        reports = desk.broker.fetch_evidence(order).reports
    except TradingError:  # whoever must act, nothing was learned: the symbol is left free
        give_back(desk, held)
        raise
    if not reports:
        return None
    return adopt(desk, order, added_up(reports), held, account, market)
