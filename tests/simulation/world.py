"""One simulated day from one seed: deployments, an exchange, an operator, and trouble.

`run` lets the day happen, one step of one invocation at a time, then asks what must come true once
trouble has ceased. With `traced` it takes down who did what when; the history is the same.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from crypto_ai_bot.brokers.gate_broker import GateBroker
from crypto_ai_bot.brokers.gate_stops import GateStops
from crypto_ai_bot.domain.errors import AnotherDeployment, ExchangeRefusesKey, NextTick
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.domain.market import MINUTE_MS
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.usecases.desk import Desk
from crypto_ai_bot.usecases.evaluate import evaluate
from crypto_ai_bot.usecases.exits import exits
from crypto_ai_bot.usecases.instance import Instance
from crypto_ai_bot.usecases.reconcile import reconcile
from crypto_ai_bot.usecases.watchdog import watchdog
from fakes import Died
from simulation import happenings
from simulation.aftermath import settle_down
from simulation.client import Client, Process
from simulation.deployment import Books, Deployment
from simulation.doors import ClockDoor, SwitchDoor
from simulation.exchange_side import ExchangeSide
from simulation.grounds import Grounds
from simulation.invariants_of_runs import at_end_of_run
from simulation.market import BAR_MS
from simulation.schedule import SLOTS, Due, day_of
from simulation.scheduler import Fate, Invocation
from simulation.weather import OWN, TABLE_CALLS, Weather

USE_CASES: Final = {
    Job.EVALUATE: evaluate,
    Job.EXITS: exits,
    Job.RECONCILE: reconcile,
    Job.WATCHDOG: watchdog,
}
_LATENCIES_MS: Final = (0, 0, 1, 10, 100, 500)
_FREEZES_MS: Final = (2_000, 15_000, 45_000, 75_000, 200_000, 400_000)


class World:
    """One seed's day, cut after `slots` of its slots."""

    def __init__(self, seed: int, slots: int = SLOTS, *, traced: bool = False) -> None:
        self.seed, self.slots, self.traced = seed, slots, traced
        self.trace: list[str] = []
        drawing = Random(seed)  # noqa: S311 - a seed that repeats is the point, here and below
        self.day_weather = Weather.drawn(drawing)
        self.grounds = Grounds.drawn(seed, drawing, self.day_weather)
        self.exchange, self.gate = ExchangeSide(self, self.grounds), self.grounds.gate
        self.begins_ms = self.now_ms = self.grounds.begins_ms
        self.deployments = self.grounds.deployments(self)
        self.dues = day_of(drawing, self.day_weather, self.begins_ms, len(self.deployments))
        self.rng = Random(f"{seed}/steps")  # noqa: S311
        self.weather: Weather | None = None
        self.fingerprint = "f1f1"
        self.locked: dict[int, Any] = {}
        self.ttl_seconds = self.grounds.ttl_seconds
        self.skew_ms_max = self.grounds.skew_ms_max
        self.parameter = TradingState.ON
        self.parameter_until_ms: list[tuple[TradingState, float]] = [
            (TradingState.ON, float("inf"))
        ]
        self.silent_until_ms = 0
        self.overtaken_until_ms = 0
        self.runs: list[Invocation] = []
        self._started = 0
        self._until_ms = 0

    def set_parameter(self, state: TradingState) -> None:
        before, _ = self.parameter_until_ms[-1]
        self.parameter_until_ms[-1] = (before, self.now_ms)
        self.parameter_until_ms.append((state, float("inf")))
        self.parameter = state
        self.note(f"the parameter says {state}")

    def start(
        self, job: Job, scheduled_ms: int, number: int = 0, says: Action | None = None
    ) -> Invocation:
        self._started += 1
        deployment = self.deployments[number]
        run_id = f"{deployment.tag}-{job}-{self._started}"
        tick = Tick(job, scheduled_ms, f"event-{scheduled_ms}", run_id)
        script = says or self._whim(scheduled_ms)

        def body(run: Invocation) -> Any:
            return USE_CASES[job](self.desk(deployment, run, script), tick)

        run = self.begin(run_id, deployment, body)
        run.scheduled_ms = scheduled_ms
        if job is Job.EXITS:
            run.open_at_start = deployment.guarded()
        if job is Job.WATCHDOG:
            run.dead_leases = deployment.dead_leases(self.now_ms - self.skew_ms_max)
        return run

    def _whim(self, scheduled_ms: int) -> Action:
        """What a run's strategy wants; that of two deployments is the same on some days."""
        chance = self.rng.random()
        if self.grounds.same_strategy:
            chance = Random(f"{self.seed}/{scheduled_ms}").random()  # noqa: S311 - as above
        if self.weather is None:
            chance *= 12
        return Action.ENTER if chance < 0.5 else Action.EXIT if chance < 0.75 else Action.HOLD

    def begin(
        self, name: str, deployment: Deployment, body: Callable[[Invocation], Any]
    ) -> Invocation:
        off_ms = self.grounds.machine_off_ms(self.rng) if self.weather else 0
        run = Invocation(name, self.now_ms, off_ms, body, self._goes_straight_on)
        run.deployment = deployment
        self.runs.append(run)
        return run

    def desk(self, deployment: Deployment, run: Invocation, says: Action) -> Desk:
        processes = deployment.processes
        process = run.process = processes.pop() if processes else Process()
        clock, client = ClockDoor(run, self), Client(run, self.exchange, process)
        broker = GateBroker(client, clock, self.grounds.terms)  # type: ignore[arg-type]
        return Desk(
            deployment.store(run),
            broker,
            clock,
            SwitchDoor(run, self),
            self.grounds.policy(deployment, says),
            Instance(Books(deployment, run, of_locks=True), self.fingerprint, deployment.tag),
            GateStops(broker) if deployment.policy.exchange_stop else None,
        )

    # The history.

    def run(self) -> None:
        """The day, and the quiet hour after it."""
        try:
            for due in self.dues:
                if due.at_ms >= self.begins_ms + self.slots * BAR_MS:
                    break
                self.until(due.at_ms)
                self._let_happen(due)
            settle_down(self)
        finally:
            for run in self.runs:
                run.end()

    def _let_happen(self, due: Due) -> None:
        if due.what == "when open" and not self.deployments[due.deployment].open:
            return
        if due.job:
            self.start(due.job, due.scheduled_ms, due.deployment)
        elif due.what == "spell":
            self.weather = self.day_weather
            if self.day_weather.strikes(self.rng, "silence"):
                self.silent_until_ms = self.now_ms + self.rng.choice((90_000, 300_000))
        elif due.what == "calm":
            happenings.calm(self)
        else:
            self.note(f"{due.what}")
            happenings.HAPPENINGS[due.what](self)

    def until(self, at_ms: int) -> None:
        """Everything that happens before `at_ms`, one step of one invocation at a time."""
        rng, self._until_ms = self.rng, at_ms
        while self._moves_on(at_ms):
            now_ms = self.now_ms
            ready = [run for run in self.runs if run.ready_ms <= now_ms]
            if not ready:
                continue
            run = ready[0] if len(ready) == 1 else rng.choice(ready)
            weather = self.weather
            if weather and weather.freezes(rng, run.call):
                self._freeze(run)
                continue
            if weather and run.call == "spot/accounts":
                self._strike_between_judgement_and_journal(weather)
            if weather and self._dawdles(run):
                continue
            self._step(run, self._fate(run) if weather else Fate.DONE)

    def _goes_straight_on(self, run: Invocation) -> bool:
        """Whether only this run could be picked, and nothing would become of its call: then it is.

        Turns of the scheduler are half the price of a quiet day; this is the same history.
        """
        self.now_ms += _LATENCIES_MS[int(self.rng.random() * 6)]
        alone = self.weather is None and len(self.runs) == 1 and not self.exchange.late
        if not alone or self.now_ms >= self._until_ms or run.ready_ms > self.now_ms:
            return False
        if self.traced:
            self.note(f"{run.name} {run.call}")
        return True

    def _fate(self, run: Invocation) -> Fate:
        weather = self.weather
        if weather is None:
            return Fate.DONE
        asks_exchange = run.call not in OWN and run.call not in TABLE_CALLS
        if asks_exchange and self.now_ms < self.silent_until_ms:
            return Fate.FAIL_BEFORE
        if run.lied_to and weather.has("reads") and asks_exchange:
            run.lied_to = False
            return self.rng.choice((Fate.FAIL_BEFORE, Fate.DONE))
        return weather.fate(self.rng, run.call)

    def _moves_on(self, at_ms: int) -> bool:
        """Time goes on when nobody can; False once `at_ms` is reached."""
        if self.now_ms >= at_ms:
            return False
        due_ms = at_ms
        for run in self.runs:
            due_ms = min(due_ms, run.ready_ms)
        if self.exchange.late:
            due_ms = min(due_ms, *(one[0] for one in self.exchange.late))
        self.now_ms = max(self.now_ms, due_ms)
        if self.exchange.late:
            self.exchange.arrivals()
        return self.now_ms < at_ms

    def _strike_between_judgement_and_journal(self, weather: Weather) -> None:
        """The operator may change his mind right here; seldom, or hardly an entry would be made."""
        if weather.strikes(self.rng, "operator") and self.rng.random() < 0.4:
            happenings.operate(self, TradingState.EXITS_ONLY)

    def _dawdles(self, run: Invocation) -> bool:
        """Whether a run that has judged is so slow to act that it may be overtaken, no slower."""
        judged = run.priced_ms and run.call in {"spot/accounts", "write"} and "-exits-" in run.name
        if not judged or run.frozen_ms or self.now_ms >= self.overtaken_until_ms:
            return False
        self._freeze(run, self.rng.choice((20_000, 30_000, 45_000)))
        return True

    def wake(self, name: str) -> None:
        """Another run has taken the lease of this one: the worst moment for it to go on."""
        for run in self.runs:
            if run.name == name and run.ready_ms > self.now_ms and self.rng.random() < 0.5:
                run.ready_ms = self.now_ms + self.rng.choice((0, 100, 500))
                self.note(f"{name} wakes: its lease has passed on")

    def _freeze(self, run: Invocation, for_ms: int = 0) -> None:
        """For a while, or until others are busy: they are in the first seconds of a minute."""
        for_ms, exactly = for_ms or self.rng.choice(_FREEZES_MS), bool(for_ms)
        if not exactly and self.rng.random() < 0.5:
            for_ms += -(self.now_ms + for_ms) % MINUTE_MS + self.rng.randint(0, 4_000)
        run.ready_ms = max(run.ready_ms, self.now_ms) + for_ms
        run.frozen_ms += for_ms
        self.note(f"{run.name} freezes at {run.call} for {for_ms}")

    def _step(self, run: Invocation, fate: Fate) -> None:
        if self.traced:
            self.note(f"{run.name} {run.call}: {fate}")
        run.step(fate)
        if run.over:
            self._over(run)

    def _over(self, run: Invocation) -> None:
        self.runs.remove(run)
        if self.traced:
            self.note(f"{run.name} ends: {run.error or told(run.result)}")
        if run.process and not isinstance(run.error, Died):
            run.deployment.processes.append(run.process)
        if run.error and not self._expected(run, run.error):
            raise run.error
        if run.result is not None and run.scheduled_ms:
            at_end_of_run(run.deployment, run)

    def _expected(self, run: Invocation, error: BaseException) -> bool:
        """Errors that a run may end with: nobody acts, or the operator of another deployment."""
        if isinstance(error, AnotherDeployment):
            return len(self.deployments) > 1
        if isinstance(error, ExchangeRefusesKey):
            return self.skew_ms_max > 30_000 or run.frozen_ms > 50_000
        return isinstance(error, NextTick | Died)

    def note(self, line: str) -> None:
        if self.traced:
            self.trace.append(f"{_clock(self.now_ms - self.begins_ms)} {line}")


def _clock(passed_ms: int) -> str:
    minutes, milliseconds = divmod(passed_ms, MINUTE_MS)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds / 1000:06.3f}"


def told(result: Any) -> str:
    symbols = getattr(result, "symbols", ())
    return "; ".join(f"{one.symbol} {one.decision} {' '.join(one.reasons)}" for one in symbols)
