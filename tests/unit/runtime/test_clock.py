"""Waiting, without waiting: the clocks get a time and a sleep of the test's own."""

from typing import TYPE_CHECKING

import pytest

from crypto_ai_bot.domain.errors import ExchangeUnavailable
from crypto_ai_bot.runtime.clock import ExchangeClock, SystemClock

if TYPE_CHECKING:
    from crypto_ai_bot.ports.clock import Clock


class Machine:
    """Real time that passes only when somebody sleeps; an invocation that ends at `ends_ms`."""

    def __init__(self, ends_ms: int = 60_000) -> None:
        self.passed_ms = 0.0
        self.ends_ms = ends_ms
        self.sleeps = 0

    def sleep(self, seconds: float) -> None:
        self.passed_ms += seconds * 1_000
        self.sleeps += 1

    def wall_ns(self) -> int:
        return 1_700_000_000_000_000_000 + int(self.passed_ms * 1_000_000)

    def remaining_ms(self) -> int:
        return self.ends_ms - int(self.passed_ms)


class Exchange:
    """Market time at `speed` market seconds a real second, from 1,000,000 ms on."""

    def __init__(self, machine: Machine, speed: float) -> None:
        self.machine, self.speed, self.down = machine, speed, False

    def server_ms(self) -> int:
        if self.down:
            raise ExchangeUnavailable("no answer")
        return 1_000_000 + int(self.machine.passed_ms * self.speed)


def test_the_system_clock_tells_real_time_and_what_remains() -> None:
    machine = Machine()
    clock: Clock = SystemClock(machine.remaining_ms, wall_ns=machine.wall_ns, sleep=machine.sleep)
    assert clock.now_ms() == 1_700_000_000_000
    assert clock.remaining_ms() == 60_000
    clock.wait_until(1_700_000_004_000)
    assert (clock.now_ms(), clock.remaining_ms(), machine.sleeps) == (1_700_000_004_000, 56_000, 1)
    clock.wait_until(1_700_000_000_000)
    assert machine.sleeps == 1


def test_the_system_clock_waits_on_when_the_clock_is_set_back() -> None:
    machine = Machine()
    times = iter([5_000, 3_000, 8_000, 10_000])
    clock = SystemClock(
        machine.remaining_ms, wall_ns=lambda: next(times) * 1_000_000, sleep=machine.sleep
    )
    clock.wait_until(10_000)
    assert machine.passed_ms == 5_000 + 7_000 + 2_000


def test_the_machines_own_clock_is_the_default() -> None:
    clock = SystemClock(lambda: 1)
    assert clock.now_ms() > 1_700_000_000_000
    clock.wait_until(clock.now_ms())


@pytest.mark.parametrize("speed", [0.5, 1, 60])
def test_the_exchanges_clock_waits_in_market_time(speed: float) -> None:
    machine = Machine()
    exchange = Exchange(machine, speed)
    clock: Clock = ExchangeClock(exchange.server_ms, machine.remaining_ms, sleep=machine.sleep)
    clock.wait_until(1_010_000)
    late_ms = clock.now_ms() - 1_010_000
    assert 0 <= late_ms <= 50 * speed  # never early, late by one look at most
    assert clock.remaining_ms() == machine.remaining_ms()
    looks = machine.sleeps
    clock.wait_until(1_010_000)
    assert machine.sleeps == looks


def test_a_market_that_is_held_does_not_hold_an_invocation_beyond_its_end() -> None:
    machine = Machine(ends_ms=10_000)
    clock = ExchangeClock(Exchange(machine, 0).server_ms, machine.remaining_ms, sleep=machine.sleep)
    clock.wait_until(1_000_001)
    assert clock.now_ms() == 1_000_000
    assert 1_900 <= machine.remaining_ms() <= 2_000


def test_an_exchange_that_stops_answering_leaves_the_time_last_seen() -> None:
    machine = Machine(ends_ms=10_000)
    exchange = Exchange(machine, 1)
    clock = ExchangeClock(exchange.server_ms, machine.remaining_ms, sleep=machine.sleep)
    machine.sleep(1)
    assert clock.now_ms() == 1_001_000
    exchange.down = True
    machine.sleep(1)
    assert clock.now_ms() == 1_001_000
    clock.wait_until(1_002_000)  # ends, though no answer comes
    assert machine.remaining_ms() <= 2_000


def test_an_exchange_that_never_answered_has_no_time() -> None:
    machine = Machine()
    exchange = Exchange(machine, 1)
    exchange.down = True
    with pytest.raises(ExchangeUnavailable):
        ExchangeClock(exchange.server_ms, machine.remaining_ms).now_ms()


def test_market_time_does_not_run_back() -> None:
    times = iter([2_000, 1_000, 3_000])
    clock = ExchangeClock(lambda: next(times), lambda: 1)
    assert [clock.now_ms() for _ in range(3)] == [2_000, 2_000, 3_000]
