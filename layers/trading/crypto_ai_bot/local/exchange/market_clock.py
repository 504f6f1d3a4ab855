"""The exchange's own time: a market second may last a sixtieth of a real one, or stand still."""

import threading
from collections.abc import Callable


class MarketClock:
    """Market time: `speed` market seconds a real second from `start_ms` on; 0 is held.

    `monotonic_ms` is the only real clock it knows. It never goes back, and `advance` moves it
    forward at any speed. Safe under threads.
    """

    def __init__(
        self, start_ms: int, speed: float, monotonic_ms: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.speed = speed
        self._monotonic_ms = monotonic_ms
        self._began_ms = monotonic_ms()
        self._start_ms = start_ms
        self._newest_ms = start_ms
        self._lock = threading.Lock()

    def now_ms(self) -> int:
        """Return the market's time."""
        with self._lock:
            passed_ms = int((self._monotonic_ms() - self._began_ms) * self.speed)
            self._newest_ms = max(self._newest_ms, self._start_ms + passed_ms)
            return self._newest_ms

    def advance(self, step_ms: int) -> int:
        """Move the market forward by `step_ms` (not negative) and return the new time."""
        if step_ms < 0:
            raise ValueError(
                f"a market's time never goes back: advance by 0 or more, not {step_ms}"
            )
        with self._lock:
            self._start_ms += step_ms
        return self.now_ms()
