"""A few market minutes in which everything that may happen does, and the quiet hour after them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import invariants
from aftermath import settle_down
from builders import BTC, ETH, NOON_MS, dec, quote
from crypto_ai_bot.domain.errors import NextTick
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.domain.market import MINUTE_MS, Symbol
from crypto_ai_bot.domain.order import Order
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.stop import StopRules, TakeProfitStep
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.store import Change, Create, Glance, Replace, Store
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.usecases.control import set_trading_state
from crypto_ai_bot.usecases.desk import Desk, Policy
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.exits import exits
from crypto_ai_bot.usecases.reconcile import reconcile
from crypto_ai_bot.usecases.watchdog import watchdog
from fakes import Died, FakeClock, Scripted
from interleaving import BrokerDoor, ClockDoor, Fate, Invocation, StoreDoor, SwitchDoor
from rough_exchange import Fill, Request, RoughExchange
from weather import Weather

SOL = Symbol("SOL", "USDT")
PRICES = {BTC: 20_000, ETH: 1_500, SOL: 20}
USE_CASES = {
    Job.EVALUATE: evaluate,
    Job.EXITS: exits,
    Job.RECONCILE: reconcile,
    Job.WATCHDOG: watchdog,
}
OPERATORS_WISHES = (TradingState.EXITS_ONLY, TradingState.OFF, *[TradingState.ON] * 4)


@dataclass
class World:
    """One seed's history. `run` lets it happen; every invariant is asked after each step."""

    seed: int
    trace: list[str] = field(default_factory=list)
    sent: list[Request] = field(default_factory=list)
    late: list[tuple[int, Request]] = field(default_factory=list)
    parameter: TradingState = TradingState.ON

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)  # noqa: S311 - a seed that repeats is the point
        self.weather: Weather | None = Weather.drawn(self.rng)
        self.clock = FakeClock()
        self.exchange = RoughExchange(self.clock)
        self.exchange.on_made = partial(invariants.entries_heed_the_parameter, self)
        self.symbols = (BTC, ETH, SOL)[: self.rng.choice((1, 2, 3))]
        self.exchange.quotes = {symbol: quote(str(PRICES[symbol])) for symbol in self.symbols}
        for symbol in self.symbols:
            self.move_price(symbol, 1.0)
        self.store: Store = TableStore(MemoryTable(), "paper")
        self.limits = RiskLimits(
            cooldown_ms=self.rng.choice((0, 90_000)),
            orders_per_hour_max=self.rng.choice((4, 30)),
            exposure_quote_max=dec(self.rng.choice((150, 250, 1_000))),
        )
        self.parameter_until_ms: list[tuple[TradingState, float]] = [(self.parameter, float("inf"))]
        self.dead_after_ms = self.rng.choice((0, 100_000))
        self.names: list[str] = []
        self.open_at_start: dict[str, dict[Symbol, int]] = {}
        self.runs: list[Invocation] = []
        self.ended: list[Invocation] = []
        self._started = 0
        self._changed = False
        self._glance: Glance | None = None
        self._orders: dict[str, Order] = {}

    # What the invariants ask.

    def books(self) -> Glance:
        """The books as they stand, read anew only when something was written."""
        self._glance = self._glance or self.store.glance()
        return self._glance

    def journaled(self) -> list[Order]:
        found = (self._orders.get(name) or self.store.order(name) for name in self.names)
        self._orders = {order.client_order_id: order for order in found if order}
        return list(self._orders.values())

    def guarded(self) -> dict[Symbol, int]:
        """The positions that have stops, and when each was opened."""
        ledgers = self.books().ledgers.values()
        return {one.symbol: one.guard.opened_ms for one in ledgers if one.guard}

    # What invocations do to the world.

    def commit(self, run_id: str, changes: list[Change]) -> Any:
        try:
            invariants.at_commit(self, run_id, changes)
            broken = None
        except AssertionError as error:
            broken = error
        conflict = self.store.commit(changes)
        self.note(f"    {run_id} {'conflict' if conflict else 'wrote'} {_names(changes)}")
        if conflict is None:
            self._changed, self._glance = True, None
            for change in changes:
                if isinstance(change, Replace) and isinstance(change.entity, Order):
                    del self._orders[change.entity.client_order_id]
            if broken:
                raise broken
            self.names += [
                change.entity.client_order_id
                for change in changes
                if isinstance(change, Create) and isinstance(change.entity, Order)
            ]
        return conflict

    def take_note_of(self, request: Request) -> None:
        invariants.journaled_before(self, request.client_order_id)
        self.sent.append(request)
        self._changed = True

    def leave_under_way(self, request: Request) -> None:
        self.late.append((self.clock.at_ms + self.rng.randint(0, 2_990), request))

    # What the world does.

    def set_parameter(self, state: TradingState) -> None:
        before, _ = self.parameter_until_ms[-1]
        self.parameter_until_ms[-1] = (before, self.clock.at_ms)
        self.parameter_until_ms.append((state, float("inf")))
        self.parameter = state

    def move_price(self, symbol: Symbol, factor: float) -> None:
        bid = round(float(self.exchange.quotes[symbol].bid) * factor, 4)
        self.exchange.quotes[symbol] = quote(f"{bid:.4f}", f"{bid * 1.0001:.4f}")

    def start(self, job: Job, scheduled_ms: int, action: Action | None = None) -> Invocation:
        self._started += 1
        run_id = f"{job}-{self._started}"
        tick = Tick(job, scheduled_ms, f"event-{scheduled_ms}", run_id)
        says = action or self.rng.choice((Action.ENTER, Action.ENTER, Action.EXIT, Action.HOLD))

        def body(run: Invocation) -> Any:
            return USE_CASES[job](self._desk(run, says), tick)

        if job is Job.EXITS:
            self.open_at_start[run_id] = self.guarded()
        return self._begin(run_id, body)

    def operate(self, state: TradingState) -> None:
        self._started += 1
        name = f"operator-{self._started}"

        def body(run: Invocation) -> Any:
            store, clock = self._store_door(run), ClockDoor(run, self.clock)
            return set_trading_state(store, clock, state, "a test", "operator")

        self._begin(name, body)

    def _begin(self, name: str, body: Callable[[Invocation], Any]) -> Invocation:
        run = Invocation(name, self.clock.at_ms, body)
        self.runs.append(run)
        return run

    def _store_door(self, run: Invocation) -> StoreDoor:
        return StoreDoor(run, self.store, partial(self.commit, run.name))

    def _desk(self, run: Invocation, says: Action) -> Desk:
        policy = Policy(
            mode="paper",
            deployment_tag="paper",
            symbols=self.symbols,
            strategy=Scripted(says),
            timeframe="1m",
            amount_quote=dec(100),
            bucket_ms=10_000,
            lease_ms=70_000,
            exits_interval_ms=20_000,
            dead_after_ms=self.dead_after_ms,
            limits=self.limits,
            stops=StopRules(
                hard_pct=5, trailing_pct=4, take_profit=(TakeProfitStep(3, dec("0.5")),)
            ),
        )
        return Desk(
            self._store_door(run),
            BrokerDoor(run, self.exchange, self.take_note_of, self.leave_under_way),
            ClockDoor(run, self.clock),
            SwitchDoor(run, lambda: self.parameter),
            policy,
        )

    # The history.

    def run(self) -> None:
        """The rough minutes, then the quiet ones; every invariant after each step."""
        try:
            ticks = self.weather.ticks(self.rng) if self.weather else []
            self._calm_start()
            for at_ms, job, scheduled_ms in ticks:
                self.until(at_ms)
                self.start(job, scheduled_ms)
            self.until(self.clock.at_ms + MINUTE_MS)
            self.weather = None
            settle_down(self)
        finally:
            for run in self.runs:
                run.step(Fate.DIE_BEFORE)

    def _calm_start(self) -> None:
        """In half of the histories something is held before anything goes wrong."""
        weather, self.weather = self.weather, None
        if self.rng.random() < 0.5:
            self.start(Job.EVALUATE, self.clock.at_ms, Action.ENTER)
            self.until(NOON_MS + MINUTE_MS - 1_500)
        self.weather = weather

    def until(self, at_ms: int) -> None:
        """Everything that happens before `at_ms`, one step of one invocation at a time."""
        while self._moves_on(at_ms):
            ready = [run for run in self.runs if run.ready_ms <= self.clock.at_ms]
            if not ready:
                continue
            run = self.rng.choice(ready)
            if self.weather and self.rng.random() < self.weather.freeze and run.call != "start":
                self._freeze(run)
                continue
            self._step(run, self.weather.fate(self.rng, run.call) if self.weather else Fate.DONE)
            self.clock.at_ms += self.rng.choice((0, 0, 1, 10, 100, 500))
            if self.weather:
                self._happen(self.weather)

    def _moves_on(self, at_ms: int) -> bool:
        """Time goes on when nobody can; False once `at_ms` is reached."""
        if self.clock.at_ms >= at_ms:
            return False
        due = [*(run.ready_ms for run in self.runs), *(ms for ms, _ in self.late), at_ms]
        self.clock.at_ms = max(self.clock.at_ms, min(due))
        for arrives_ms, request in [one for one in self.late if one[0] <= self.clock.at_ms]:
            self.late.remove((arrives_ms, request))
            answer = self.exchange.arrive(request)
            self.note(f"    {request.client_order_id} arrives late: {answer.raw}")
            self._changed = True
        return self.clock.at_ms < at_ms

    def _freeze(self, run: Invocation) -> None:
        for_ms = self.rng.choice((2_000, 20_000, 75_000, 200_000))
        run.ready_ms = max(run.ready_ms, self.clock.at_ms) + for_ms
        run.frozen_ms += for_ms
        self.note(f"{run.name} freezes at {run.call} for {for_ms}")

    def _step(self, run: Invocation, fate: Fate) -> None:
        self.note(f"{run.name} {run.call}: {fate}")
        run.step(fate)
        if run.over:
            self.runs.remove(run)
            self.ended.append(run)
            self.note(f"{run.name} ends: {run.error or _told(run.result)}")
            if run.error and not isinstance(run.error, NextTick | Died):
                raise run.error
            if run.result and run.name in self.open_at_start:
                invariants.every_stop_judged_or_told(self, run)
        if self._changed:
            self._changed = False
            for invariant in invariants.EVER:
                invariant(self)

    def _happen(self, weather: Weather) -> None:
        rng = self.rng
        if rng.random() < weather.price:
            self.move_price(rng.choice(self.symbols), 1 + rng.uniform(-0.06, 0.06))
            self.exchange.fill = rng.choice(tuple(Fill))
            # What moved no balance must show within the absence window: nothing else tells of it.
            lags_ms = (
                (0, 5_000, 20_000) if self.exchange.fill is Fill.NOTHING else (0, 5_000, 60_000)
            )
            self.exchange.lag_ms = rng.choice(lags_ms)
        if rng.random() < weather.operator / 10:
            self.operate(rng.choice(OPERATORS_WISHES))
        if rng.random() < weather.operator / 10:
            self.set_parameter(rng.choice(OPERATORS_WISHES))
        if self.exchange.unfinished and rng.random() < 0.02:
            self.exchange.finish(next(iter(self.exchange.unfinished)))
            self._changed = True

    def note(self, line: str) -> None:
        self.trace.append(f"{self.clock.at_ms - NOON_MS:>8} {line}")


def _names(changes: list[Change]) -> str:
    def name(change: Change) -> str:
        entity = getattr(change, "entity", None)
        told = getattr(entity, "state", "") or getattr(entity, "symbol", "")
        return f"{type(change).__name__} {type(entity).__name__} {told}".strip()

    return ", ".join(name(change) for change in changes)


def _told(result: Any) -> str:
    symbols = getattr(result, "symbols", ())
    return "; ".join(f"{one.symbol} {one.decision} {' '.join(one.reasons)}" for one in symbols)
