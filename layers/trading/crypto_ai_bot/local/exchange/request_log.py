"""What was asked of the exchange and what became of it; no secrets."""

from collections import deque
from dataclasses import dataclass
from typing import Final

from crypto_ai_bot.local.exchange.wire import Request

_KEPT: Final = 100_000
_SECRET_HEADERS: Final = frozenset({"key", "sign", "authorization", "cookie"})


@dataclass(slots=True)
class Entry:
    """One request: `status` is what the exchange answered, None where it never got to it.

    `fault` struck it; `late_ms` is when it was applied, where that was later.
    """

    number: int
    at_ms: int
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str
    status: int | None = None
    fault: str = ""
    when: str = ""
    late_ms: int | None = None


class RequestLog:
    """The latest requests, oldest first."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=_KEPT)
        self._count = 0

    def open(self, request: Request, at_ms: int) -> Entry:
        """Write down a request that has come in."""
        self._count += 1
        shown = {k: v for k, v in request.headers.items() if k not in _SECRET_HEADERS}
        entry = Entry(
            number=self._count,
            at_ms=at_ms,
            method=request.method,
            path=request.path,
            query=request.raw_query,
            headers=shown,
            body=request.body.decode("utf-8", "replace"),
        )
        self.entries.append(entry)
        return entry
