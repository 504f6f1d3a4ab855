"""Fires the jobs along a market whose time we hold, as the cloud's schedules would in real time."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Final, Protocol

from crypto_ai_bot.local.functions import EVALUATE, EXITS, RECONCILE, WATCHDOG, Answer
from crypto_ai_bot.local.moments import MINUTE_MS

STEP_MS: Final = 5_000
RECONCILE_EVERY_MS: Final = 5 * MINUTE_MS
_HOLD_SECONDS: Final = 0.1
_LOOK_SECONDS: Final = 0.02


class Market(Protocol):
    """A market whose time moves when it is told to."""

    def now_ms(self) -> int:
        """The market's time."""
        ...

    def advance_to(self, at_ms: int) -> int:
        """Move on to `at_ms`, never back; return the market's time."""
        ...


type Waves = Sequence[Sequence[str]]
"""The jobs of a minute: a wave starts together, and the next one when it is over."""


def one_after_another(_minute_ms: int) -> Waves:
    """Each job once a minute, in turn: for a few ticks that a person reads."""
    return ((EVALUATE,), (EXITS,), (WATCHDOG,), (RECONCILE,))


def as_scheduled(minute_ms: int) -> Waves:
    """What the schedules fire at that minute, together."""
    fifth = minute_ms % RECONCILE_EVERY_MS == 0
    return ((EVALUATE, EXITS, WATCHDOG, *((RECONCILE,) if fifth else ())),)


def may_move(pending: Collection[str]) -> bool:
    """Whether the market may move within the minute while these jobs still run.

    While a position is open, exits waits for the market to move and looks again. The others see
    the market as it stood when they were fired, however slow this machine is.
    """
    return set(pending) == {EXITS}


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a market minute may pass; `pause` waits in real time, `seconds` measures it.

    `speed` is in market seconds a real second; 0 is as fast as the functions answer.
    """

    speed: float
    pause: Callable[[float], object]
    seconds: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Driver:
    """Drives market and functions through minutes; answers go to `tell` as they come in order."""

    market: Market
    run: Callable[[str, int], Answer]
    waves: Callable[[int], Waves]
    pace: Pace
    tell: Callable[[Answer], None]

    def play(self, minute_ms: int) -> None:
        """Play one minute to its end: every run that began in it has ended."""
        began = self.pace.seconds()
        self.market.advance_to(minute_ms)
        with ThreadPoolExecutor(thread_name_prefix="tick") as pool:
            for wave in self.waves(minute_ms):
                running = {job: pool.submit(self.run, job, minute_ms) for job in wave}
                self._wait(running, minute_ms + MINUTE_MS)
                for done in running.values():
                    self.tell(done.result())
        if self.pace.speed:
            self._pass(began, minute_ms)

    def _wait(self, running: dict[str, Future[Answer]], end_ms: int) -> None:
        """Wait for the runs, and move the market within the minute while it may."""
        wait(running.values(), timeout=_HOLD_SECONDS)
        while pending := {job: one for job, one in running.items() if not one.done()}:
            if may_move(pending):
                self.market.advance_to(min(self.market.now_ms() + STEP_MS, end_ms - 1))
            wait(pending.values(), timeout=_LOOK_SECONDS)

    def _pass(self, began: float, minute_ms: int) -> None:
        """Let the rest of the minute pass in small steps, not faster than the pace."""
        for at_ms in range(minute_ms + STEP_MS, minute_ms + MINUTE_MS + 1, STEP_MS):
            due = began + (at_ms - minute_ms) / 1000 / self.pace.speed
            self.pace.pause(max(0.0, due - self.pace.seconds()))
            self.market.advance_to(at_ms)
