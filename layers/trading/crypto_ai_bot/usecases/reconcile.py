"""The reconcile job: our books against the exchange's, and the rules and fees kept fresh.

It corrects only from reports of orders. A balance that cannot be explained is told, and one that is
short of the ledger halts the symbol: a stop could not sell what the books say is held.
"""

from dataclasses import replace

from crypto_ai_bot.domain.errors import InvariantBroken, NextTick
from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.job import Tick
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Balance, Symbol
from crypto_ai_bot.ports.store import Advance, Create, Replace, Unchanged, as_stored
from crypto_ai_bot.reconciliation.drift import Drift, drift_of, halted
from crypto_ai_bot.usecases.desk import Desk, give_back, take_lease
from crypto_ai_bot.usecases.outcome import Decision, RunOutcome, SymbolOutcome
from crypto_ai_bot.usecases.run import Sight, finish, look, look_again
from crypto_ai_bot.usecases.trading import settle_first


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
        desk.store.commit([Advance(desk.broker.fetch_rules(symbol, desk.clock.now_ms()))])
        if ledger.pending:
            return settle_first(desk, sight, symbol)
        balance = desk.broker.fetch_balance(symbol)
        _remember_free_quote(desk, sight, balance)
        drift = drift_of(ledger, balance)
        if drift:
            return _drifted(desk, sight, ledger, drift)
        return SymbolOutcome(symbol, Decision.HOLD, ("books agree",), quote=quote, ledger=ledger)
    except (NextTick, InvariantBroken) as error:
        return SymbolOutcome(symbol, Decision.ERROR, (str(error),), quote=quote, ledger=ledger)


def _remember_free_quote(desk: Desk, sight: Sight, balance: Balance) -> None:
    """Keeps the account's figure of free quote true; a conflict means that an order moved it."""
    account = sight.glance.account
    if account.free_quote != balance.free_quote:
        desk.store.commit([Replace(replace(account, free_quote=balance.free_quote))])


def _drifted(desk: Desk, sight: Sight, ledger: Ledger, drift: Drift) -> SymbolOutcome:
    """Tells of the drift once per amount; halts the symbol when the exchange holds less."""
    symbol, now_ms = ledger.symbol, desk.clock.now_ms()
    seen = SymbolOutcome(symbol, Decision.HOLD, (f"drift: {drift}",), ledger=ledger)
    told = Event(
        f"drift:{symbol}:{ledger.version}:{drift.exchange_base}",
        EventKind.DRIFT,
        now_ms,
        str(symbol),
        f"{symbol}: {drift}",
    )
    if not drift.missing:
        # Refused when it was told before, or when an order moved both balance and books meanwhile.
        conflict = desk.store.commit([Unchanged(ledger), Create(told)])
        moved = conflict is not None and isinstance(conflict.change, Unchanged)
        return replace(seen, decision=Decision.BUSY) if moved else seen
    if ledger.halt:
        return replace(seen, decision=Decision.HALTED)
    if not (held := take_lease(desk, ledger, sight.tick)):
        return replace(seen, decision=Decision.BUSY)
    stopped, halt_told = halted(held.released(), str(drift), now_ms)
    if desk.store.commit([Replace(stopped), Create(told), Create(halt_told)]):
        give_back(desk, held)
        return replace(seen, decision=Decision.BUSY)
    return replace(seen, decision=Decision.HALTED, ledger=as_stored(stopped))
