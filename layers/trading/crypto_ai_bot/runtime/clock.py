"""The one file that reads the wall clock, and the one that sleeps."""

import time
from collections.abc import Callable
from typing import Final

from crypto_ai_bot.domain.errors import ExchangeUnavailable

_POLL_SECONDS_FIRST: Final = 0.005
_POLL_SECONDS_MAX: Final = 0.05
# What an invocation keeps for writing down how it ended, when it waited for a time that never came.
_KEPT_MS: Final = 2_000


class SystemClock:
    """The machine's time. `remaining_ms` is the invocation's own word on how long it may run.

    `wall_ns` and `sleep` are the machine's, unless a test brings its own.
    """

    def __init__(
        self,
        remaining_ms: Callable[[], int],
        *,
        wall_ns: Callable[[], int] = time.time_ns,  # noqa: TID251 - this is the file for it
        sleep: Callable[[float], None] = time.sleep,  # noqa: TID251 - this is the file for it
    ) -> None:
        self._remaining_ms = remaining_ms
        self._wall_ns = wall_ns
        self._sleep = sleep

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return self._wall_ns() // 1_000_000

    def remaining_ms(self) -> int:
        """How long the invocation may still run, in real milliseconds."""
        return self._remaining_ms()

    def wait_until(self, at_ms: int) -> None:
        """Returns when `now_ms()` is at least `at_ms`, also if the clock is set back meanwhile."""
        while (wait_ms := at_ms - self.now_ms()) > 0:
            self._sleep(wait_ms / 1_000)


class ExchangeClock:
    """The embedded exchange's time: market time may run at any speed, or be held.

    For rehearsals alone: each look is a request, so settings allow it on the loopback only.
    """

    def __init__(
        self,
        fetch_server_ms: Callable[[], int],
        remaining_ms: Callable[[], int],
        *,
        sleep: Callable[[float], None] = time.sleep,  # noqa: TID251 - this is the file for it
    ) -> None:
        self._fetch_server_ms = fetch_server_ms
        self._remaining_ms = remaining_ms
        self._sleep = sleep
        self._seen_ms = 0

    def now_ms(self) -> int:
        """The exchange's time; the last one seen while it does not answer.

        Raises ExchangeUnavailable when it has not answered once.
        """
        try:
            self._seen_ms = max(self._fetch_server_ms(), self._seen_ms)
        except ExchangeUnavailable:
            if not self._seen_ms:
                raise
        return self._seen_ms

    def remaining_ms(self) -> int:
        """How long the invocation may still run, in real milliseconds: no market pays for that."""
        return self._remaining_ms()

    def wait_until(self, at_ms: int) -> None:
        """Returns when `now_ms()` is at least `at_ms`, or when real time is nearly out.

        How long that takes is not known beforehand, so it looks again and again: quickly at first,
        for a market that runs sixty times as fast, then every 50 ms.
        """
        poll_seconds = _POLL_SECONDS_FIRST
        while self.now_ms() < at_ms and self._remaining_ms() > _KEPT_MS:
            self._sleep(poll_seconds)
            poll_seconds = min(poll_seconds * 1.5, _POLL_SECONDS_MAX)


def wall_ms() -> int:
    """The machine's time, for marks in the log."""
    return time.time_ns() // 1_000_000  # noqa: TID251 - this is the file for it


def monotonic_ms() -> int:
    """A time that never goes back, for what is kept within the process."""
    return time.monotonic_ns() // 1_000_000


def pause_between_tries(tries: int) -> None:
    """Waits a little longer after each try: 20, 40, 60 ms."""
    time.sleep(tries * 0.02)  # noqa: TID251 - this is the file for it
