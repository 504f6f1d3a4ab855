"""Time and the trading parameter as one invocation meets them."""

from typing import TYPE_CHECKING

from crypto_ai_bot.domain.errors import ParameterUnavailable
from crypto_ai_bot.domain.trading_state import TradingState
from simulation.scheduler import Invocation

if TYPE_CHECKING:
    from simulation.world import World

LIFE_MS = 55_000


class ClockDoor:
    """The clock of the run's machine; what it was frozen for is not taken from its life."""

    def __init__(self, run: Invocation, world: "World") -> None:
        self._run, self._world = run, world

    def now_ms(self) -> int:
        self._run.pause("now")
        return self._world.now_ms + self._run.off_ms

    def remaining_ms(self) -> int:
        self._run.pause("remaining")
        run = self._run
        return LIFE_MS - (self._world.now_ms - run.started_ms - run.frozen_ms)

    def wait_until(self, at_ms: int) -> None:
        self._run.ready_ms = at_ms - self._run.off_ms
        self._run.pause("wait")


class SwitchDoor:
    """The trading parameter; when it was read is remembered."""

    def __init__(self, run: Invocation, world: "World") -> None:
        self._run, self._world = run, world

    def read(self) -> TradingState:
        def parameter() -> TradingState:
            run.parameter_ms, run.parameter = self._world.now_ms, self._world.parameter
            return self._world.parameter

        run = self._run
        run.parameter = None
        return run.through("parameter", parameter, ParameterUnavailable)
