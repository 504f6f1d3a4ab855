"""The order protocol (DESIGN 3): the only caller of a submission, and the only maker of orders.

journal ──► submit once ──► store the answer, unread ──► read it ──► settle the books
   │             │                    │                                  │
one transaction  never again        the next run finds a pending order and asks the exchange:
or no order      under this name    found → settle · proved absent → close · neither → wait
"""

from dataclasses import dataclass, replace
from typing import Final

from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import ExchangeUnavailable, InvariantBroken, TradingError
from crypto_ai_bot.domain.job import Tick
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import MarketRules
from crypto_ai_bot.domain.order import (
    Order,
    OrderEvent,
    OrderState,
    Side,
    client_order_id,
)
from crypto_ai_bot.ports.broker import Accepted, Answer, Outcome, Rejected, Unknown
from crypto_ai_bot.ports.store import (
    Change,
    Create,
    Replace,
    RequireState,
    Unchanged,
    as_stored,
)
from crypto_ai_bot.reconciliation.resolve import base_moved
from crypto_ai_bot.risk.gate import Approved
from crypto_ai_bot.usecases.desk import Desk, give_back
from crypto_ai_bot.usecases.settling import Placed, as_it_stands, closed, settled, written

SUBMIT_BUDGET_MS: Final = 10_000  # a submission, its answer and its settlement must fit in
JUDGED_WITHIN_MS: Final = 10_000  # between the facts and the journal; a frozen run takes longer


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """Nothing was journaled and nothing submitted. `stale` says that the facts have changed."""

    reason: str
    stale: bool = False


def place(desk: Desk, approved: Approved, held: Ledger, tick: Tick) -> Placed | NotPlaced:
    """Journals, submits once and settles `approved` under the lease on `held`.

    Raises StoreUnavailable at any step: what is left then is nothing, or a pending order which
    the next run resolves by evidence.
    """
    if desk.clock.remaining_ms() < SUBMIT_BUDGET_MS:
        give_back(desk, held)
        return NotPlaced(f"less than {SUBMIT_BUDGET_MS} ms are left of the invocation")
    try:
        server_ms = desk.broker.fetch_server_ms()  # also warms the connection the order will take
    except ExchangeUnavailable as error:
        give_back(desk, held)
        return NotPlaced(str(error))
    order = _journal_entry(desk, approved, held, tick, server_ms)
    judged_ms = order.journaled_ms - approved.facts.now_ms
    if judged_ms > JUDGED_WITHIN_MS:
        give_back(desk, held)
        return NotPlaced(f"judged {judged_ms // 1000} s ago", stale=True)
    account = approved.facts.account.with_order(order.journaled_ms)
    if held.foreign_base is None:  # the balance that is now held against the books has them in it
        account = account.without_fees(held.symbol.base)
    pending = held.with_pending(order)
    account = account.with_commitment(held.symbol, pending)
    conflict = desk.store.commit(
        [
            Create(order),
            Replace(pending),
            Replace(account),
            RequireState(entries=order.request.side is Side.BUY),
        ]
    )
    if conflict:
        give_back(desk, held)
        return NotPlaced(f"{_name(conflict.change)} changed meanwhile", stale=True)
    order, held, account = as_stored(order), as_stored(pending), as_stored(account)

    answer = _submit(desk, order)
    order = replace(order, answer=answer.raw)
    if desk.store.commit([Replace(order), Unchanged(held)]):
        return as_it_stands(desk, order, held)  # the lease has passed on: its holder resolves it
    order = as_stored(order)
    outcome = desk.broker.read_answer(order, answer)
    if isinstance(outcome, Rejected) and answer.sent and (doubt := _doubt(desk, order)):
        outcome = Unknown(f"{outcome.reason}; {doubt}")
    return _conclude(desk, order, outcome, held, account, approved.facts.market)


def _journal_entry(
    desk: Desk, approved: Approved, held: Ledger, tick: Tick, server_ms: int
) -> Order:
    request, policy = approved.request, desk.policy
    if held.lease is None or held.lease.owner != tick.run_id:
        raise InvariantBroken(f"{tick.run_id} places an order on {held.symbol} without its lease")
    balance = approved.facts.balance
    return Order(
        client_order_id=client_order_id(
            policy.deployment_tag,
            request.symbol,
            request.purpose,
            request.slot_ms,
            approved.attempt,
        ),
        request=request,
        attempt=approved.attempt,
        state=OrderState.PENDING,
        journaled_ms=desk.clock.now_ms(),
        expires_ms=desk.broker.expires_ms(server_ms),
        lease_token=held.lease.token,
        correlation_id=tick.correlation_id,
        balance_before=(balance.free_quote, balance.free_base),
    )


def _submit(desk: Desk, order: Order) -> Answer:
    request = order.request
    if request.side is Side.BUY:
        return desk.broker.create_market_buy_quote(
            request.symbol, request.amount, order.client_order_id, order.expires_ms
        )
    return desk.broker.create_market_sell_base(
        request.symbol, request.amount, order.client_order_id, order.expires_ms
    )


def _doubt(desk: Desk, order: Order) -> str:
    """What speaks against the exchange's refusal of `order`; "" when nothing does.

    Repeated on the way, the first was carried out and the refusal is the second's (gate-spot 3.1).
    An entry waits when that cannot be seen; a sell does not, for the price may be falling: the
    next one searches for it first (usecases/attempts.py).
    """
    try:
        evidence = desk.broker.fetch_evidence(order)
    except TradingError as error:
        return str(error) if order.request.side is Side.BUY else ""
    if evidence.reports:
        return f"yet {evidence.reports[0].exchange_order_id} has its name"
    if base_moved(order, evidence.balance):
        return "yet the base balance has moved"
    return ""


def _conclude(
    desk: Desk,
    order: Order,
    outcome: Outcome,
    held: Ledger,
    account: Account,
    market: MarketRules,
) -> Placed:
    match outcome:
        case Accepted(report):
            return settled(desk, order, report, held, account, market)
        case Rejected(reason):
            return closed(desk, order, OrderEvent.REJECT, reason, held, account)
        case Unknown(reason):
            lost = order.after(OrderEvent.LOSE, desk.clock.now_ms(), reason)
            return written(desk, lost, held, ())


def _name(change: Change) -> str:
    match change:
        case RequireState():
            return "the trading state"
        case Create(entity) | Replace(entity) | Unchanged(entity):
            return f"the {type(entity).__name__.lower()}"
        case _:
            return "the table"
