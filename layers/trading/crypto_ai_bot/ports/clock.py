"""The door to time. Decisions take `now_ms` as an argument; use cases ask here."""

from typing import Protocol


class Clock(Protocol):
    """What a use case may know of time."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def remaining_ms(self) -> int:
        """How long the invocation may still run, in real milliseconds."""
        ...

    def wait_until(self, at_ms: int) -> None:
        """Returns when `now_ms()` is at least `at_ms`; at once when it already is."""
        ...
