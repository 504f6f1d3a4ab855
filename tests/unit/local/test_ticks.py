"""The driver: what is fired when, and how the market moves meanwhile."""

from collections.abc import Callable
from threading import Condition

import pytest

from crypto_ai_bot.local.functions import EVALUATE, EXITS, RECONCILE, WATCHDOG, Answer
from crypto_ai_bot.local.moments import MINUTE_MS
from crypto_ai_bot.local.ticks import (
    STEP_MS,
    Driver,
    Pace,
    Waves,
    as_scheduled,
    may_move,
    one_after_another,
)

START = 10 * MINUTE_MS


class FakeMarket:
    """Goes where it is told to, never back, and remembers the way."""

    def __init__(self) -> None:
        self.at_ms = START - MINUTE_MS
        self.way: list[int] = []
        self._moved = Condition()

    def now_ms(self) -> int:
        return self.at_ms

    def advance_to(self, at_ms: int) -> int:
        with self._moved:
            assert at_ms >= self.at_ms
            self.at_ms = at_ms
            self.way.append(at_ms)
            self._moved.notify_all()
            return self.at_ms

    def wait_for_steps(self, number: int) -> None:
        with self._moved:
            assert self._moved.wait_for(lambda: len(self.way) >= number, timeout=10)


class FakeTime:
    """Real time that passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def seconds(self) -> float:
        return self.now


def answer(job: str, minute_ms: int) -> Answer:
    return Answer(job, minute_ms, {"job": job})


def driver(
    market: FakeMarket,
    waves: Waves,
    *,
    run: Callable[[str, int], Answer] = answer,
    pace: Pace | None = None,
    tell: Callable[[Answer], None] = lambda _: None,
) -> Driver:
    time = FakeTime()
    unhurried = Pace(0.0, time.pause, time.seconds)
    return Driver(market, run, lambda _: waves, pace or unhurried, tell)


def test_a_few_ticks_come_one_after_another_in_the_order_of_the_pipeline() -> None:
    fired: list[str] = []
    told: list[str] = []

    def firing(job: str, at_ms: int) -> Answer:
        fired.append(job)
        return answer(job, at_ms)

    driver(
        FakeMarket(),
        one_after_another(START),
        run=firing,
        tell=lambda one: told.append(one.job),
    ).play(START)
    assert fired == told == [EVALUATE, EXITS, WATCHDOG, RECONCILE]


def test_a_replay_fires_what_the_schedules_would() -> None:
    assert as_scheduled(10 * MINUTE_MS) == ((EVALUATE, EXITS, WATCHDOG, RECONCILE),)
    for minute in (1, 2, 3, 4):
        assert as_scheduled(minute * MINUTE_MS) == ((EVALUATE, EXITS, WATCHDOG),)


def test_the_market_stands_at_the_minute_when_a_run_starts() -> None:
    market = FakeMarket()
    seen: list[int] = []

    def seeing(job: str, at_ms: int) -> Answer:
        seen.append(market.now_ms())
        return answer(job, at_ms)

    driver(market, one_after_another(START), run=seeing).play(START)
    assert seen == [START] * 4


def test_the_market_is_held_for_every_job_but_exits() -> None:
    assert may_move({EXITS})
    assert not may_move({EXITS, EVALUATE})
    assert not any(may_move({job}) for job in (EVALUATE, WATCHDOG, RECONCILE))


def test_while_exits_looks_on_the_market_moves_to_the_end_of_the_minute_and_not_beyond() -> None:
    market = FakeMarket()

    def watching(job: str, at_ms: int) -> Answer:
        market.wait_for_steps(20)  # more than a minute has
        return answer(job, at_ms)

    driver(market, ((EXITS,),), run=watching).play(START)
    assert market.at_ms == START + MINUTE_MS - 1
    assert market.way[:3] == [START, START + STEP_MS, START + 2 * STEP_MS]


@pytest.mark.parametrize("speed", [1.0, 60.0, 600.0])
def test_a_minute_takes_its_time_in_small_steps(speed: float) -> None:
    market, time = FakeMarket(), FakeTime()
    driver(market, ((WATCHDOG,),), pace=Pace(speed, time.pause, time.seconds)).play(START)
    assert market.way == list(range(START, START + MINUTE_MS + 1, STEP_MS))
    assert time.now == pytest.approx(60 / speed)


def test_a_fault_of_the_driver_is_not_swallowed() -> None:
    def broken(_job: str, _at_ms: int) -> Answer:
        raise OSError("the cloud is gone")

    with pytest.raises(OSError, match="gone"):
        driver(FakeMarket(), ((EVALUATE,),), run=broken).play(START)
