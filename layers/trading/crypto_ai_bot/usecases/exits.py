"""The exits job: judge the stops of every open position, and sell what has reached one.

While a position is open it looks again every few seconds within the invocation; each pass has a
time of its own, derived from the tick, so a run delivered twice makes the same slots.
"""

from dataclasses import replace
from typing import Final

from crypto_ai_bot.domain.errors import InvariantBroken, NextTick
from crypto_ai_bot.domain.job import Tick
from crypto_ai_bot.domain.market import MINUTE_MS, Symbol
from crypto_ai_bot.domain.stop import Guard, judge
from crypto_ai_bot.ports.store import Replace, as_stored
from crypto_ai_bot.risk.sizing import size_exit
from crypto_ai_bot.usecases.desk import Desk
from crypto_ai_bot.usecases.exchange_stops import keep
from crypto_ai_bot.usecases.execution import SUBMIT_BUDGET_MS
from crypto_ai_bot.usecases.outcome import Decision, RunOutcome, SymbolOutcome
from crypto_ai_bot.usecases.run import Sight, finish, look, look_again
from crypto_ai_bot.usecases.trading import market_of, settle_first, trade

PASS_MS: Final = 3_000  # what one more pass may take, before the budget of an order


def exits(desk: Desk, tick: Tick) -> RunOutcome:
    """Passes over all open positions until the tick's minute is over, or nothing is held."""
    pass_ms = tick.scheduled_ms
    told: dict[Symbol, SymbolOutcome] = {}
    while True:
        sight, outcomes = _one_pass(desk, replace(tick, scheduled_ms=pass_ms))
        told |= {one.symbol: one for one in outcomes if _worth_telling(one, told)}
        pass_ms = _next_pass_ms(desk, tick, pass_ms)
        over = pass_ms >= tick.scheduled_ms + MINUTE_MS or not _time_left(desk)
        if over or not sight.open_symbols:
            return finish(desk, replace(sight, tick=tick), list(told.values()))
        desk.clock.wait_until(pass_ms)


def _next_pass_ms(desk: Desk, tick: Tick, pass_ms: int) -> int:
    """The first pass time that is still to come: passes that were missed are not made up for."""
    interval_ms = desk.policy.exits_interval_ms
    missed = max(desk.clock.now_ms() - pass_ms, 0) // interval_ms
    return min(pass_ms + (missed + 1) * interval_ms, tick.scheduled_ms + MINUTE_MS)


def _time_left(desk: Desk) -> bool:
    wait_ms = desk.policy.exits_interval_ms
    return desk.clock.remaining_ms() > wait_ms + PASS_MS + SUBMIT_BUDGET_MS


def _worth_telling(one: SymbolOutcome, told: dict[Symbol, SymbolOutcome]) -> bool:
    """A later pass that merely holds does not hide the order of an earlier one."""
    earlier = told.get(one.symbol)
    return earlier is None or earlier.order is None or one.order is not None


def _one_pass(desk: Desk, tick: Tick) -> tuple[Sight, list[SymbolOutcome]]:
    sight = look(desk, tick)
    outcomes = []
    for symbol in sight.open_symbols:
        outcome = _protect(desk, sight, symbol)
        outcomes.append(outcome)
        if outcome.order:
            sight = look_again(desk, sight)
    return sight, outcomes


def _protect(desk: Desk, sight: Sight, symbol: Symbol) -> SymbolOutcome:
    """Judges one position, or says why it could not (invariant I9)."""
    quote, ledger = sight.quotes.get(symbol), sight.ledger(symbol)
    try:
        if ledger.pending:
            return settle_first(desk, sight, symbol)
        if quote is None:
            return SymbolOutcome(
                symbol, Decision.ERROR, ("the exchange quotes no price",), ledger=ledger
            )
        return _judge(desk, sight, symbol)
    except (NextTick, InvariantBroken) as error:
        return SymbolOutcome(symbol, Decision.ERROR, (str(error),), quote=quote, ledger=ledger)


def _judge(desk: Desk, sight: Sight, symbol: Symbol) -> SymbolOutcome:
    ledger, quote = sight.ledger(symbol), sight.quotes[symbol]
    if ledger.guard is None:
        return _rested(desk, sight, symbol, "another run has sold it")
    guard, call = judge(
        desk.policy.stops, ledger.guard, ledger.worst_base, float(quote.bid), desk.clock.now_ms()
    )
    remembered = _remember(desk, sight, symbol, guard)
    if remembered is None:
        reason = "another run moved the books"
        return SymbolOutcome(symbol, Decision.BUSY, (reason,), quote=quote, ledger=ledger)
    sight = remembered
    market = market_of(desk, sight, symbol)
    slot_ms = desk.policy.slot_ms(sight.tick.scheduled_ms)
    request = size_exit(call, sight.ledger(symbol), quote, market, slot_ms) if call else None
    if request:
        return trade(desk, sight, request, market)
    reason = f"{call.reason}, but what is held is dust" if call else _standing(guard)
    return _rested(desk, sight, symbol, reason)


def _rested(desk: Desk, sight: Sight, symbol: Symbol, reason: str) -> SymbolOutcome:
    """Nothing is sold now: what may be sold without us is brought up to date."""
    quote, ledger = sight.quotes[symbol], sight.ledger(symbol)
    kept = keep(desk, sight, ledger, market_of(desk, sight, symbol))
    reasons = (reason, kept.note) if kept.note else (reason,)
    decision = Decision.STOP if kept.order else Decision.HOLD
    return SymbolOutcome(
        symbol, decision, reasons, quote=quote, order=kept.order, ledger=kept.ledger
    )


def _remember(desk: Desk, sight: Sight, symbol: Symbol, guard: Guard) -> Sight | None:
    """Writes a stop that has risen, unless another run has the symbol: then the next pass does.

    None when the books have moved: the judgement was about books that are no more. The ratchet is
    written before anything is sold on it, so a run that dies after this line leaves the stop where
    it was seen to stand.
    """
    ledger = sight.ledger(symbol)
    if guard == ledger.guard or not ledger.free_for(sight.tick.run_id, desk.clock.now_ms()):
        return sight
    raised = replace(ledger, guard=guard)
    if desk.store.commit([Replace(raised)]):
        return None
    return sight.with_ledger(as_stored(raised))


def _standing(guard: Guard) -> str:
    return f"stop at {guard.stop_price:.8g}, peak {guard.peak_price:.8g}"
