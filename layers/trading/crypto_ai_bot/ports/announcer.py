"""The door through which a person is told something."""

from typing import Protocol


class Announcer(Protocol):
    """A topic, a chat, or a list in a test."""

    def announce(self, subject: str, text: str) -> None:
        """Hands one message on; it is taken when this returns. Raises MessageUndelivered."""
        ...
