"""The beginning and the end of every run: what it sees, and the mark it leaves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from crypto_ai_bot.domain.errors import ExchangeUnavailable
from crypto_ai_bot.domain.job import Heartbeat, Tick
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Quote, Symbol
from crypto_ai_bot.domain.money import ZERO, total
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.store import Advance, Glance
from crypto_ai_bot.usecases.desk import Desk, trading_state
from crypto_ai_bot.usecases.instance import hold
from crypto_ai_bot.usecases.outcome import RunOutcome, SymbolOutcome


@dataclass(frozen=True, slots=True)
class Sight:
    """What a run has seen: the books, the trading state, and the prices of one moment."""

    tick: Tick
    started_ms: int
    glance: Glance
    trading_state: TradingState
    quotes: Mapping[Symbol, Quote]
    notes: tuple[str, ...]

    def ledger(self, symbol: Symbol) -> Ledger:
        """The symbol's ledger; a blank one before its first order."""
        return self.glance.ledgers.get(symbol) or Ledger(symbol)

    @property
    def open_symbols(self) -> tuple[Symbol, ...]:
        """Symbols with a guarded position, an order under way or a stop at the exchange.

        Dust is none of them.

        All there are, configured still or not, unless the tick is narrowed to a shard.
        """
        ledgers = self.glance.ledgers
        return tuple(
            symbol
            for symbol in sorted(ledgers)
            if _open(ledgers[symbol]) and (not self.tick.symbols or symbol in self.tick.symbols)
        )

    def with_ledger(self, ledger: Ledger) -> "Sight":
        """The same sight with one ledger as it was just written."""
        ledgers = {**self.glance.ledgers, ledger.symbol: ledger}
        return replace(self, glance=replace(self.glance, ledgers=ledgers))

    @property
    def open_loss_quote(self) -> Decimal:
        """What the open positions would lose if sold at the bid; a gain counts as no loss."""
        result = total(
            ledger.position.base * self.quotes[symbol].bid - ledger.position.cost_quote
            for symbol, ledger in self.glance.ledgers.items()
            if symbol in self.quotes
        )
        return max(-result, ZERO)

    @property
    def equity_quote(self) -> Decimal | None:
        """Free quote and all holdings at the bid; None before the balance was first read."""
        free = self.glance.account.free_quote
        if free is None:
            return None
        return free + total(
            ledger.position.base * self.quotes[symbol].bid
            for symbol, ledger in self.glance.ledgers.items()
            if symbol in self.quotes
        )


def _open(ledger: Ledger) -> bool:
    return bool(ledger.guard or ledger.pending or ledger.exchange_stop)


def look(desk: Desk, tick: Tick, symbols: Iterable[Symbol] = ()) -> Sight:
    """One reading of the books and of the trading state, and one request for all prices.

    Prices of `symbols` and of all that is held; no request when that is nothing. Without an answer
    from the exchange there are no prices, and a note says so. Raises StoreUnavailable: without
    books there is no run; AnotherDeployment: then this one does nothing at all.
    """
    if desk.instance:
        hold(desk.instance, desk.clock)
    started_ms = desk.clock.now_ms()
    glance = desk.store.glance()
    state, notes = trading_state(desk, glance.control)
    sight = Sight(tick, started_ms, glance, state, {}, notes)
    held = [symbol for symbol, ledger in glance.ledgers.items() if ledger.position.base]
    wanted = {*symbols, *held, *sight.open_symbols}
    if not wanted:
        return sight
    try:
        return replace(sight, quotes=desk.broker.fetch_tickers(sorted(wanted)))
    except ExchangeUnavailable as error:
        return replace(sight, notes=(*notes, str(error)))


def look_again(desk: Desk, sight: Sight) -> Sight:
    """The same prices, with the books and the trading state as they stand now."""
    glance = desk.store.glance()
    state, notes = trading_state(desk, glance.control)
    return replace(sight, glance=glance, trading_state=state, notes=tuple({*sight.notes, *notes}))


def finish(desk: Desk, sight: Sight, outcomes: Sequence[SymbolOutcome]) -> RunOutcome:
    """The outcome of the run, and its heartbeat in the table."""
    now_ms = desk.clock.now_ms()
    account = sight.glance.account.at(now_ms)
    outcome = RunOutcome(
        tick=sight.tick,
        mode=desk.policy.mode,
        trading_state=sight.trading_state,
        symbols=tuple(outcomes),
        duration_ms=now_ms - sight.started_ms,
        account={
            "equity_quote": sight.equity_quote,
            "free_quote": account.free_quote,
            "realised_today_quote": account.realised_quote,
            "exposure_quote": account.exposure_quote,
        },
        notes=sight.notes,
    )
    beat = Heartbeat(
        sight.tick.job,
        sight.tick.scheduled_ms,
        now_ms,
        outcome.ok,
        {str(one.symbol): str(one.decision) for one in outcomes},
    )
    desk.store.commit([Advance(beat)])  # refused when a later run was quicker: then it stands
    return outcome
