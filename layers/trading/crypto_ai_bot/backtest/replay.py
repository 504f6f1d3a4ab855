"""The same candles through the real use cases: journal, leases, paper exchange, a store in memory.

Slow and true where the backtest is quick: what the two make of the same candles must agree order
by order (backtest.parity). Each bar has three moments, in the pessimistic order: at its open
evaluate and exits run, at its low and at its high exits does. On its way to the low the price
passes every stop above it, on its way to the high every take-profit step below it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from crypto_ai_bot.backtest.market import MOMENT_MS, Market, Terms
from crypto_ai_bot.backtest.records import Decision
from crypto_ai_bot.backtest.replay_feed import AlwaysOn, ReplayFeed, VirtualClock
from crypto_ai_bot.backtest.result import Result
from crypto_ai_bot.brokers.paper import PaperBroker, PaperTerms
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.domain.market import TIMEFRAMES_MS, Symbol
from crypto_ai_bot.domain.order import Order, Purpose, Side
from crypto_ai_bot.domain.signal import Action, Signal
from crypto_ai_bot.domain.stop import Guard
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.strategies.base import Strategy
from crypto_ai_bot.usecases.desk import Desk, Policy
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.exits import exits
from crypto_ai_bot.usecases.outcome import Decision as Decided
from crypto_ai_bot.usecases.outcome import RunOutcome, SymbolOutcome

_LEASE_MS: Final = 70_000


@dataclass(frozen=True, slots=True)
class Stage:
    """A desk whose market, clock and switch the driver moves."""

    desk: Desk
    feed: ReplayFeed
    clock: VirtualClock
    switch: AlwaysOn


def stage_of(markets: Sequence[Market], strategy: Strategy, terms: Terms) -> Stage:
    """A paper deployment with nothing in its books. Raises BadSetting for terms it cannot have."""
    if terms.amount_quote is None or terms.fee_on_top or terms.warm_up_bars is not None:
        raise BadSetting(
            "a replay trades as the bot does: a fixed amount, fees as at Gate, the strategy's own "
            "warm-up"
        )
    if not all(market.rules.amount_step_base for market in markets):
        raise BadSetting("a replay trades as at an exchange: with its steps")
    timeframes = {market.timeframe_ms for market in markets}
    names = [name for name, step_ms in TIMEFRAMES_MS.items() if {step_ms} == timeframes]
    if not names:
        raise BadSetting(
            f"bars of {sorted(timeframes)} ms: all symbols must have the same of "
            f"{', '.join(TIMEFRAMES_MS)}"
        )
    clock, switch, store = VirtualClock(), AlwaysOn(), TableStore(MemoryTable(), "replay")
    feed = ReplayFeed(markets, terms, clock)
    broker = PaperBroker(feed, store, clock, PaperTerms(terms.start_quote, terms.slippage_pct))
    policy = Policy(
        mode="paper",
        deployment_tag="replay",
        symbols=tuple(market.symbol for market in markets),
        strategy=strategy,
        timeframe=names[0],
        amount_quote=terms.amount_quote,
        bucket_ms=MOMENT_MS,
        lease_ms=_LEASE_MS,
        exits_interval_ms=MOMENT_MS,
        limits=terms.limits,
        stops=terms.stops,
    )
    return Stage(Desk(store, broker, clock, switch, policy), feed, clock, switch)


def replay(
    markets: Sequence[Market],
    strategy: Strategy,
    terms: Terms,
    told: Callable[[int], None] = lambda _: None,
) -> Result:
    """What the use cases made of the candles, bar by bar; `told` hears of each bar's opening."""
    driver = _Driver(markets, strategy, terms)
    for opened_ms in sorted(set().union(*(market.opened_ms for market in markets))):
        told(opened_ms)
        driver.pass_bar(opened_ms)
    return Result(tuple(markets), terms, driver.rows, driver.refused)


class _Driver:
    """Moves the market through the bars and writes down what the jobs made of it."""

    def __init__(self, markets: Sequence[Market], strategy: Strategy, terms: Terms) -> None:
        self._stage = stage_of(markets, strategy, terms)
        self._terms = terms
        self._bars = [
            (market, {opened_ms: bar for bar, opened_ms in enumerate(market.opened_ms)})
            for market in markets
        ]
        self._guards = dict[Symbol, Guard]()
        self._run_number = count()
        # A symbol without a bar is left alone: there is no price to trade at.
        self._here: tuple[Symbol, ...] = ()
        self.rows: list[tuple[Any, ...]] = []
        self.refused: list[Decision] = []

    def pass_bar(self, opened_ms: int) -> None:
        """The jobs of one bar, of all the symbols that have it."""
        feed, clock = self._stage.feed, self._stage.clock
        clock.at_ms = opened_ms
        here = [(market, bars[opened_ms]) for market, bars in self._bars if opened_ms in bars]
        self._here = tuple(market.symbol for market, _ in here)
        for market, bar in here:
            feed.show(market.symbol, market.opens[bar])
        self._run(Job.EVALUATE)
        self._protect()
        clock.at_ms = opened_ms + MOMENT_MS
        self._fall(here)
        clock.at_ms += MOMENT_MS
        self._rise(here)
        for market, bar in here:
            feed.show(market.symbol, market.closes[bar])

    def _fall(self, here: Sequence[tuple[Market, int]]) -> None:
        """To the low, or to the stop where the low is below it."""
        factor = self._terms.bid_factor
        for market, bar in here:
            guard = self._guards.get(market.symbol)
            low, opened = market.lows[bar] * factor, market.opens[bar] * factor
            if guard and low <= guard.stop_price:
                low = min(opened, guard.stop_price)
            self._stage.feed.show_bid(market.symbol, low)
        self._protect()

    def _rise(self, here: Sequence[tuple[Market, int]]) -> None:
        """Up to the high, with a look at each take-profit step on the way."""
        factor = self._terms.bid_factor
        highs = {market.symbol: market.highs[bar] * factor for market, bar in here}
        while passed := {
            symbol: target
            for symbol, guard in self._guards.items()
            if (target := self._next_target(guard)) <= highs.get(symbol, 0.0)
        }:
            for symbol, target in passed.items():
                self._stage.feed.show_bid(symbol, target)
            self._protect()
            self._stage.clock.at_ms += MOMENT_MS
        for symbol, high in highs.items():
            self._stage.feed.show_bid(symbol, high)
        self._protect()

    def _next_target(self, guard: Guard) -> float:
        """The lowest take-profit step that the price has not been at."""
        steps = self._terms.stops.take_profit
        targets = (guard.entry_price * (1 + step.gain_pct / 100) for step in steps)
        return min((price for price in targets if price > guard.peak_price), default=float("inf"))

    def _protect(self) -> None:
        """Exits, while there is something to protect."""
        if any(symbol in self._guards for symbol in self._here):
            self._run(Job.EXITS)

    def _run(self, job: Job) -> RunOutcome:
        stage = self._stage
        run_id = f"{job}-{next(self._run_number)}"
        tick = Tick(job, stage.clock.at_ms, "replay", run_id, self._here)
        outcome = (evaluate if job is Job.EVALUATE else exits)(stage.desk, tick)
        for one in outcome.symbols:
            self._write_down(one)
        return outcome

    def _write_down(self, one: SymbolOutcome) -> None:
        if one.ledger:
            self._guards.pop(one.symbol, None)
            if one.ledger.guard:
                self._guards[one.symbol] = one.ledger.guard
        signal = one.signal or Signal(Action.EXIT)
        if one.order and one.order.totals.base:
            closes = one.order.request.side is Side.SELL and one.symbol not in self._guards
            self.rows.append(_row(one.order, signal, closes=closes))
        elif one.decision not in {Decided.HOLD, Decided.SETTLED}:
            now_ms, purpose = self._stage.clock.at_ms, _PURPOSE_OF.get(signal.action, Purpose.STOP)
            self.refused.append(
                Decision(now_ms, one.symbol, purpose, signal.score, signal.reasons, one.reasons)
            )


_PURPOSE_OF: Final = {Action.ENTER: Purpose.ENTRY}


def _row(order: Order, signal: Signal, *, closes: bool) -> tuple[Any, ...]:
    """The order as a row of a backtest."""
    totals, request = order.totals, order.request
    price, fee_quote = totals.average_price, totals.fee_quote
    if request.side is Side.BUY:
        moved = totals.base - totals.fee_base, totals.quote + fee_quote
    else:
        moved = totals.base + totals.fee_base, totals.quote - fee_quote
    fees = totals.fee_base * price + fee_quote
    why = signal._replace(reasons=(request.reason,))
    if request.purpose in {Purpose.STOP, Purpose.TAKE_PROFIT}:
        why = Signal(Action.EXIT, 0.0, (request.reason,))
    made = (order.journaled_ms, request.symbol, request.side, request.purpose)
    return (*made, price, *moved, fees, why, closes)
