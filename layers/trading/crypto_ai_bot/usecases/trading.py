"""From a request to an order, or to the reason why there is none: the same way for all jobs."""

from dataclasses import replace
from typing import Final

from crypto_ai_bot.domain.market import Balance, MarketRules, Symbol
from crypto_ai_bot.domain.order import OrderRequest, Purpose, Side
from crypto_ai_bot.domain.signal import Signal
from crypto_ai_bot.ports.store import Advance
from crypto_ai_bot.reconciliation.drift import may_lag
from crypto_ai_bot.risk.gate import Approved, Refused, Verdict, refuse_unasked, review
from crypto_ai_bot.risk.rules import Facts
from crypto_ai_bot.risk.sizing import cut_to_free
from crypto_ai_bot.usecases.attempts import find_earlier
from crypto_ai_bot.usecases.desk import Desk, take_lease, trading_state
from crypto_ai_bot.usecases.exchange_stops import clear
from crypto_ai_bot.usecases.execution import NotPlaced, place
from crypto_ai_bot.usecases.others import adopt_repeated
from crypto_ai_bot.usecases.outcome import Decision, SymbolOutcome
from crypto_ai_bot.usecases.run import Sight, look_again
from crypto_ai_bot.usecases.settling import Placed, settle_pending

FRESH_FACTS_TRIES: Final = 5
LAST_ORDER_NOT_SHOWN: Final = "the balance does not show the last order yet"

_DECISION_OF: Final = {
    Purpose.ENTRY: Decision.ENTER,
    Purpose.EXIT: Decision.EXIT,
    Purpose.STOP: Decision.STOP,
    Purpose.TAKE_PROFIT: Decision.STOP,
}


def market_of(desk: Desk, sight: Sight, symbol: Symbol) -> MarketRules:
    """The symbol's rules: cached, or read and cached when there are none yet."""
    cached = sight.glance.rules.get(symbol)
    if cached:
        return cached
    rules = desk.broker.fetch_rules(symbol, desk.clock.now_ms())
    desk.store.commit([Advance(rules)])
    return rules


def settle_first(desk: Desk, sight: Sight, symbol: Symbol) -> SymbolOutcome:
    """Settles the order under way, which keeps the symbol busy; nothing else is done with it."""
    ledger = sight.ledger(symbol)
    market = market_of(desk, sight, symbol)  # before the lease: without rules nothing is settled
    if not (held := take_lease(desk, ledger, sight.tick)):
        return SymbolOutcome(symbol, Decision.BUSY, ("another run has the symbol",), ledger=ledger)
    placed = settle_pending(desk, held, sight.glance.account, market)
    contradicted = placed.order.unresolved and placed.ledger.halt is not None
    # What contradicts the books may be what they lack: an order that was made once more.
    if contradicted and (adopted := adopt_repeated(desk, sight, placed.ledger, market)):
        return adoption(symbol, adopted)
    decision = Decision.WAITING if placed.order.unresolved else Decision.SETTLED
    reason = f"{placed.order.client_order_id} is {placed.order.state}: {placed.order.resolution}"
    return SymbolOutcome(
        symbol,
        decision,
        (reason,),
        quote=sight.quotes.get(symbol),
        order=placed.order,
        ledger=placed.ledger,
    )


def adoption(symbol: Symbol, adopted: Placed) -> SymbolOutcome:
    """An order that was thought over is in the books again."""
    order = adopted.order
    ids = order.exchange_order_id
    made = f"the exchange made it as {ids}" if "+" in ids else "it was made after all"
    reason = f"{order.client_order_id} is {order.state}: {made}"
    return SymbolOutcome(symbol, Decision.SETTLED, (reason,), order=order, ledger=adopted.ledger)


def trade(
    desk: Desk,
    sight: Sight,
    request: OrderRequest,
    market: MarketRules,
    signal: Signal | None = None,
) -> SymbolOutcome:
    """Permission, lease, order. Judged anew on fresh books when they moved in between.

    But not when the position itself has moved: then the request was about another one.

    Raises ExchangeUnavailable when the balance cannot be read, StoreUnavailable at any step.
    """
    seen = SymbolOutcome(
        request.symbol, Decision.BUSY, signal=signal, quote=sight.quotes[request.symbol]
    )
    position = sight.ledger(request.symbol).position
    if request.side is Side.SELL and sight.ledger(request.symbol).exchange_stop:
        kept = clear(desk, sight, sight.ledger(request.symbol), market)
        if kept.order or kept.ledger.exchange_stop:
            decision = Decision.STOP if kept.order else Decision.WAITING
            return replace(
                seen, decision=decision, reasons=(kept.note,), order=kept.order, ledger=kept.ledger
            )
        sight = sight.with_ledger(kept.ledger)
    why_not = "another run has the symbol"
    for _ in range(FRESH_FACTS_TRIES):
        ledger = sight.ledger(request.symbol)
        if ledger.position != position:
            break
        seen = replace(seen, ledger=ledger)
        permission = _permission(desk, sight, request, market)
        seen = replace(seen, verdict=permission.verdict)
        if isinstance(permission, Refused):
            return replace(seen, decision=Decision.BLOCKED, reasons=permission.verdict.reasons)
        if held := take_lease(desk, ledger, sight.tick):
            placed = find_earlier(desk, permission, held) or place(
                desk, permission, held, sight.tick
            )
            if not isinstance(placed, NotPlaced):
                decision = _DECISION_OF[request.purpose]
                return replace(
                    seen,
                    decision=decision,
                    reasons=(request.reason,),
                    order=placed.order,
                    ledger=placed.ledger,
                )
            if not placed.stale:
                return replace(seen, decision=Decision.ERROR, reasons=(placed.reason,))
            why_not = placed.reason
        elif not ledger.free_for(sight.tick.run_id, permission.facts.now_ms):
            break
        sight = look_again(desk, sight)
    return replace(seen, reasons=(why_not,))


def _permission(
    desk: Desk, sight: Sight, request: OrderRequest, market: MarketRules
) -> Approved | Refused:
    """The gate's word, on the balance as it is now; a failing exchange is not asked for that."""
    trouble, limits = desk.broker.trouble(desk.clock.now_ms()), desk.policy.limits
    if unasked := refuse_unasked(request, trouble, limits):
        return unasked
    balance = desk.broker.fetch_balance(request.symbol)
    request = cut_to_free(request, balance, sight.quotes[request.symbol], market)
    facts = _facts(desk, sight, request, market, balance)
    if request.side is Side.BUY and _is_from_before_the_last_order(facts):
        return Refused(request, Verdict((LAST_ORDER_NOT_SHOWN,), limits))
    return review(request, facts, limits)


def _is_from_before_the_last_order(facts: Facts) -> bool:
    """The balance may be: an order that is judged on it could not be proved absent.

    An entry waits for the next tick. A sell does not, for the price may be falling.
    """
    expected_base = facts.ledger.expected_base
    return may_lag(facts.ledger, facts.now_ms) and facts.balance.free_base != expected_base


def _facts(
    desk: Desk, sight: Sight, request: OrderRequest, market: MarketRules, balance: Balance
) -> Facts:
    now_ms = desk.clock.now_ms()
    state, _ = trading_state(desk, sight.glance.control)  # the run may have begun long ago
    return Facts(
        now_ms=now_ms,
        scheduled_ms=sight.tick.scheduled_ms,
        trading_state=state,
        quote=sight.quotes[request.symbol],
        market=market,
        ledger=sight.ledger(request.symbol),
        account=replace(sight.glance.account.at(now_ms), free_quote=balance.free_quote),
        balance=balance,
        open_loss_quote=sight.open_loss_quote,
        exchange_trouble=desk.broker.trouble(now_ms),
    )
