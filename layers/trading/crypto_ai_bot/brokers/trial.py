"""One call of an exchange, taken apart: what went out, what came back, and what that proves."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

_BODY_KEPT_MAX: Final = 65_536  # an order's answer is 1 KB; nobody reads all tickers again
WORD: Final = re.compile(r"[\w.:-]{1,80}")  # a label or a trace id: plain words
# The transport's own words for a connection that was never made (gate-spot 3.1).
_NEVER_CONNECTED: Final = frozenset(
    {"NewConnectionError", "NameResolutionError", "ConnectTimeout", "ConnectTimeoutError"}
)
_HEADERS_KEPT: Final = (
    "X-In-Time",
    "X-Out-Time",
    "X-Gate-RateLimit-Requests-Remain",
    "X-Gate-RateLimit-Reset-Timestamp",
)
_SECRET_LENGTH_MIN: Final = 8  # shorter ones are made up, and are parts of plain words
_SIGNED_HEADERS: Final = ("KEY", "SIGN")


@dataclass(slots=True)
class Reply:
    """What the last request got back, before anybody reads it: zeros and "" when nothing came.

    `hidden` are secrets that the exchange, or a machine before it, might repeat to us.
    """

    status: int = 0
    trace_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str = ""
    hidden: tuple[str, ...] = ()

    def keep(
        self,
        code: int,
        _reason: str,
        _url: str,
        _method: str,
        headers: Any,
        body: str,
        sent_headers: Any = None,
        *_sent: Any,
    ) -> str:
        """Stands in for ccxt's `on_rest_response`: keeps the answer and hands its body on."""
        signed = (str((sent_headers or {}).get(name, "")) for name in _SIGNED_HEADERS)
        kept = body[:_BODY_KEPT_MAX]
        for secret in (*self.hidden, *signed):
            if len(secret) >= _SECRET_LENGTH_MIN:
                kept = kept.replace(secret, "***")
        self.trace_id = str(headers.get("X-Gate-Trace-Id", ""))
        self.headers = {name: str(headers[name]) for name in _HEADERS_KEPT if name in headers}
        self.body = kept
        self.status = code  # last: whoever sees a status sees a whole reply
        return body.strip()

    @property
    def label(self) -> str:
        """Gate's label for an error, if the body has one."""
        try:
            label = json.loads(self.body).get("label", "")
        except (ValueError, AttributeError):
            return ""
        return label if isinstance(label, str) and WORD.fullmatch(label) else ""


@dataclass(frozen=True, slots=True)
class Signing:
    """The exchange's time at which a request says it was signed, and until when it may take effect.

    `expires_ms` goes out as `x-gate-exptime`, which is not part of the signature; 0 sends none.
    """

    at_ms: int
    expires_ms: int = 0


class Door:
    """What every request passes on its way out. Once shut it lets nothing more through.

    Passing and shutting exclude each other: a request that has not left when the door is shut is
    proved never to leave. `requests_max` None lets any number through.
    """

    def __init__(self, requests_max: int | None = None) -> None:
        self._lock = Lock()
        self._shut = False
        self._requests_max = requests_max
        self.passed = 0

    def leave(self) -> None:
        """Lets a request out. Raises ConnectionAbortedError when it may not go."""
        with self._lock:
            if self._shut or self.passed == self._requests_max:
                raise ConnectionAbortedError("this request may not leave (any more)")
            self.passed += 1

    def shut(self) -> int:
        """Lets nothing more out, and tells how many have left."""
        with self._lock:
            self._shut = True
            return self.passed


@dataclass(slots=True)
class Trial:
    """What became of one call: its answer or its error, and what came back unread."""

    reply: Reply
    door: Door
    answer: Any = None
    error: BaseException | None = None
    late: bool = False

    @property
    def causes(self) -> tuple[str, ...]:
        """The classes of the error and of what it came from: names, for texts may carry URLs."""
        if self.late:
            return ("DeadlinePassed",)
        return tuple(dict.fromkeys(type(error).__name__ for error in _chain(self.error)))

    @property
    def sent(self) -> bool:
        """False only on proof: nothing passed the door, or no connection was ever made."""
        if self.reply.status:
            return True
        return bool(self.door.passed) and _NEVER_CONNECTED.isdisjoint(self.causes)


def cause_of(error: BaseException) -> str:
    """The class of an error and of what it started from: names, for texts may carry URLs."""
    chain = list(_chain(error))
    return " from ".join(dict.fromkeys((type(chain[0]).__name__, type(chain[-1]).__name__)))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from, the first cause last."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
