"""The reconcile job: our books against the exchange's, and the rules and fees kept fresh.

It corrects only from reports of orders. Orders of others and balances that moved without us are
told with what explains them. A balance that is short of the ledger halts the symbol, explained or
not: a stop could not sell what the books say is held.
"""

from dataclasses import replace

from crypto_ai_bot.domain.errors import InvariantBroken, NextTick
from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.job import Tick
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Balance, MarketRules, Symbol
from crypto_ai_bot.ports.store import Advance, Change, Create, Replace, as_stored
from crypto_ai_bot.reconciliation.drift import Drift, drift_of, halted, may_lag
from crypto_ai_bot.reconciliation.fees import booked, may_explain
from crypto_ai_bot.reconciliation.others import Repeated, Risen, explanation
from crypto_ai_bot.usecases.attempts import perhaps_made
from crypto_ai_bot.usecases.desk import Desk, give_back, take_lease
from crypto_ai_bot.usecases.exchange_stops import Kept, check
from crypto_ai_bot.usecases.others import (
    adopt_risen,
    is_taken,
    look_for_others,
    remember_the_look,
    risen_among,
    tell_of_others,
)
from crypto_ai_bot.usecases.outcome import Decision, RunOutcome, SymbolOutcome
from crypto_ai_bot.usecases.run import Sight, finish, look, look_again
from crypto_ai_bot.usecases.trading import LAST_ORDER_NOT_SHOWN, adoption, settle_first


def reconcile(desk: Desk, tick: Tick) -> RunOutcome:
    """One run over all configured symbols and all that are still held."""
    sight = look(desk, tick, tick.symbols or desk.policy.symbols)
    symbols = sorted({*(tick.symbols or desk.policy.symbols), *sight.open_symbols})
    outcomes = []
    for symbol in symbols:
        outcome = _reconcile_symbol(desk, sight, symbol)
        outcomes.append(outcome)
        sight = look_again(desk, sight) if outcome.order else sight
    return finish(desk, sight, outcomes)


def _reconcile_symbol(desk: Desk, sight: Sight, symbol: Symbol) -> SymbolOutcome:
    ledger, quote = sight.ledger(symbol), sight.quotes.get(symbol)
    try:
        market = desk.broker.fetch_rules(symbol, desk.clock.now_ms())
        desk.store.commit([Advance(market)])
        if ledger.pending:
            return settle_first(desk, sight, symbol)
        sight = _with_fees_booked(desk, sight, ledger)
        ledger = sight.ledger(symbol)
        balance = desk.broker.fetch_balance(symbol)
        _remember_free_quote(desk, sight, balance)
        return replace(_compared(desk, sight, ledger, balance, market), quote=quote)
    except (NextTick, InvariantBroken) as error:
        return SymbolOutcome(symbol, Decision.ERROR, (str(error),), quote=quote, ledger=ledger)


def _with_fees_booked(desk: Desk, sight: Sight, ledger: Ledger) -> Sight:
    """The books once the fees that other symbols paid in this one's base are out of them.

    Unchanged while another run has the symbol or the account has moved: the next run does it.
    """
    after = booked(ledger, sight.glance.account)
    if after is None or not ledger.free_for(sight.tick.run_id, desk.clock.now_ms()):
        return sight
    desk.store.commit([Replace(entity) for entity in after])
    return look_again(desk, sight)


def _remember_free_quote(desk: Desk, sight: Sight, balance: Balance) -> None:
    """Keeps the account's figure of free quote true; a conflict means that an order moved it."""
    account = sight.glance.account
    if account.free_quote != balance.free_quote:
        desk.store.commit([Replace(replace(account, free_quote=balance.free_quote))])


def _compared(
    desk: Desk, sight: Sight, ledger: Ledger, balance: Balance, market: MarketRules
) -> SymbolOutcome:
    """The orders of others first: they are what may explain a balance.

    And before any is told of, the stop at the exchange: an order that it made looks like theirs.
    """
    symbol = ledger.symbol
    origins = look_for_others(desk, ledger)
    if moved := check(desk, sight, ledger, market):
        return _stop_moved(moved)
    if origins and _another_stop(desk, sight, ledger):
        return _not_yet(ledger, "another run moved the books")
    fresh = tell_of_others(desk, origins)
    if risen := risen_among(origins, ledger):
        return _adopted(desk, sight, ledger, market, risen)
    reasons = tuple(f"foreign: {one}" for one in fresh)
    if drift := drift_of(ledger, balance, market.amount_step_base):
        if perhaps := _may_explain(desk, ledger):
            reasons = (*reasons, f"drift: {drift}; {perhaps}")
            return SymbolOutcome(symbol, Decision.WAITING, reasons, ledger=ledger)
        why = explanation(drift.difference_base, fresh, market.amount_step_base)
        seen = SymbolOutcome(symbol, Decision.HOLD, (*reasons, f"drift: {drift}; {why}"))
        return _drifted(desk, sight, replace(seen, ledger=ledger), ledger, drift)
    ledger = remember_the_look(desk, sight, ledger, found=bool(fresh))
    agree = "books agree" if ledger.expected_base is not None else "no order of ours so far"
    return SymbolOutcome(symbol, Decision.HOLD, reasons or (agree,), ledger=ledger)


def _may_explain(desk: Desk, ledger: Ledger) -> str:
    """What of our own may be behind a drift, and will show; "" when nothing of ours can be.

    Asked after the balance: what it has paid is settled by now, or still under way.
    """
    glance, now_ms = desk.store.glance(), desk.clock.now_ms()
    if may_explain(ledger, glance.account, glance.ledgers.values(), now_ms):
        return "perhaps fees of orders that are not settled yet"
    if may_lag(ledger, now_ms):
        return LAST_ORDER_NOT_SHOWN
    refused = perhaps_made(desk, ledger)
    return f"perhaps {refused.client_order_id} was made though it was refused" if refused else ""


def _not_yet(ledger: Ledger, why: str) -> SymbolOutcome:
    """Nothing is concluded from a balance before that is in the books."""
    return SymbolOutcome(ledger.symbol, Decision.BUSY, (why,), ledger=ledger)


def _adopted(
    desk: Desk, sight: Sight, ledger: Ledger, market: MarketRules, risen: Risen | Repeated
) -> SymbolOutcome:
    adopted = adopt_risen(desk, sight, ledger, market, risen)
    if adopted and is_taken(adopted, risen):
        return adoption(ledger.symbol, adopted)
    if adopted and (halt := adopted.ledger.halt):
        reasons = (str(risen), halt.reason)
        return SymbolOutcome(ledger.symbol, Decision.HALTED, reasons, ledger=adopted.ledger)
    return _not_yet(adopted.ledger if adopted else ledger, str(risen))


def _another_stop(desk: Desk, sight: Sight, ledger: Ledger) -> bool:
    """Whether a stop was placed since the books were read, as when this run was frozen.

    What is listed by now could be the order that it made.
    """
    now = look_again(desk, sight).ledger(ledger.symbol)
    return (now.exchange_stop, now.position) != (ledger.exchange_stop, ledger.position)


def _stop_moved(kept: Kept) -> SymbolOutcome:
    """What rested has moved the books, or may have: the next run compares them."""
    decision = Decision.SETTLED if kept.order else Decision.WAITING
    return SymbolOutcome(
        kept.ledger.symbol, decision, (kept.note,), order=kept.order, ledger=kept.ledger
    )


def _leased(desk: Desk, sight: Sight, ledger: Ledger) -> Ledger | None:
    """The lease, also when nothing but a stop has moved since the books were read.

    A stop that rises each minute would else keep a balance that is short from ever halting.
    """
    if held := take_lease(desk, ledger, sight.tick):
        return held
    now = look_again(desk, sight).ledger(ledger.symbol)
    only_a_stop = replace(
        now, guard=ledger.guard, lease=ledger.lease, token=ledger.token, version=ledger.version
    )
    return take_lease(desk, now, sight.tick) if only_a_stop == ledger else None


def _drifted(
    desk: Desk, sight: Sight, seen: SymbolOutcome, ledger: Ledger, drift: Drift
) -> SymbolOutcome:
    """Tells of the drift once; halts the symbol when the exchange holds less than the ledger.

    Otherwise what is on the account without us is remembered as such, in the transaction that
    tells of it. Nothing is done when the books have moved since they were read: an order then
    moved both.
    """
    symbol, now_ms = ledger.symbol, desk.clock.now_ms()
    if drift.missing and ledger.halt:
        return replace(seen, decision=Decision.HALTED)
    if not (held := _leased(desk, sight, ledger)):
        return replace(seen, decision=Decision.BUSY)
    text = seen.reasons[-1].removeprefix("drift: ")
    told = Event(
        f"drift:{symbol}:{ledger.version}:{drift.exchange_base}",
        EventKind.DRIFT,
        now_ms,
        str(symbol),
        f"{symbol}: {text}",
    )
    if drift.missing:
        after, halt_told = halted(held.released(), text, now_ms)
        changes: list[Change] = [Replace(after), Create(told), Create(halt_told)]
    else:
        foreign_base = drift.exchange_base - drift.ledger_base
        after = replace(held.released(), foreign_base=foreign_base, looked_ms=now_ms)
        changes = [Replace(after), Create(told)]
    if desk.store.commit(changes):
        give_back(desk, held)
        return replace(seen, decision=Decision.BUSY)
    decision = Decision.HALTED if drift.missing else seen.decision
    return replace(seen, decision=decision, ledger=as_stored(after))
