"""A circuit breaker: after several failures in a row an exchange is left alone for a while.

closed ──failure──► counting ──the third in a row──► open for a minute ──► half open: one may ask
   ▲                                                  │                      │
   └────────────────────── any answer ◄───────────────┴──────────────────────┘  failure: open again

Entries alone are held back by it. Exits and searches for lost orders ask always, and their answer
closes it.
"""

from dataclasses import dataclass
from typing import Final

FAILURES_TO_OPEN: Final = 3
OPEN_FOR_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Circuit:
    """How many requests in a row had no answer, and until when entries do not ask."""

    failures: int = 0
    open_until_ms: int = 0

    def after_answer(self) -> "Circuit":
        """The exchange answers; what it answered does not matter."""
        return Circuit()

    def after_failure(self, now_ms: int) -> "Circuit":
        """One more request without an answer; from the third in a row on, each opens it anew."""
        failures = self.failures + 1
        opens = failures >= FAILURES_TO_OPEN
        return Circuit(failures, now_ms + OPEN_FOR_MS if opens else self.open_until_ms)

    def objection(self, now_ms: int) -> str:
        """Why no entry may ask the exchange at `now_ms`; "" when it may."""
        if now_ms >= self.open_until_ms:
            return ""
        left_seconds = -((now_ms - self.open_until_ms) // 1_000)
        return f"{self.failures} requests in a row had no answer, entries wait {left_seconds} s"
