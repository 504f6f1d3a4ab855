"""The notify job: what the transactions left to be told leaves the outbox, oldest first.

At least once: an event is marked after its message was taken. Twice only when a run dies between
the two: a lease keeps a second run away, and the transaction that takes it proves that every event
is still to be told, for the index that lists them lags.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.domain.instance import InstanceLock
from crypto_ai_bot.ports.announcer import Announcer
from crypto_ai_bot.ports.clock import Clock
from crypto_ai_bot.ports.store import Replace, Sent, Store, Unchanged, as_stored

OUTBOX: Final = "outbox"  # the lock's name, where others stand for an exchange account
EVENTS_MAX: Final = 25  # in one message; what is left follows with the next tick
LEASE_MS: Final = 40_000  # longer than an invocation of notify may run
SUBJECT_MAX: Final = 99  # of SNS, which also wants it in ASCII

# The first of these that a message tells of stands in its subject.
_BY_WEIGHT: Final = (
    EventKind.HALT,
    EventKind.DRIFT,
    EventKind.STOP,
    EventKind.CONTROL,
    EventKind.EXIT,
    EventKind.ORDER,
    EventKind.BLOCK,
)


@dataclass(frozen=True, slots=True)
class Notified:
    """What a run told. `busy` means that another run has the outbox."""

    event_ids: tuple[str, ...] = ()
    busy: bool = False


def notify(
    store: Store, announcer: Announcer, clock: Clock, *, run_id: str, account: str
) -> Notified:
    """Tells the oldest events in one message, marked as told once it was taken.

    A quiet run is one read. Raises StoreUnavailable; MessageUndelivered: then nothing is marked,
    and a later run tells the same.
    """
    listed = store.events(EVENTS_MAX)
    if not listed:
        return Notified()
    lock = store.instance_lock(OUTBOX)
    now_ms = clock.now_ms()
    if not lock.free_for(run_id, now_ms):
        return Notified(busy=True)
    taken = lock.taken(run_id, now_ms + LEASE_MS)
    events = _claimed(store, taken, listed)
    if not events:
        return Notified(busy=events is None)
    announcer.announce(*message_of(events, account))
    given_back = replace(as_stored(taken), expires_ms=0)
    store.commit([*map(Sent, events), Replace(given_back)])
    return Notified(tuple(event.event_id for event in events))


def _claimed(store: Store, taken: InstanceLock, events: Sequence[Event]) -> Sequence[Event] | None:
    """The events that are still to be told, the lock taken for them.

    None when another run was quicker; empty, with nothing written, when all were told already.
    """
    while events:
        conflict = store.commit([Replace(taken), *map(Unchanged, events)])
        if conflict is None:
            return events
        if isinstance(conflict.change, Replace):
            return None
        told = conflict.change.entity if isinstance(conflict.change, Unchanged) else None
        events = [event for event in events if event != told]
    return events


def message_of(events: Sequence[Event], account: str) -> tuple[str, str]:
    """Subject and text of the message that tells `events`; `account` says whose money it is."""
    first = min(events, key=lambda event: _BY_WEIGHT.index(event.kind))
    more = f" and {len(events) - 1} more" if len(events) > 1 else ""
    subject = f"[{account}] {first.kind} {first.symbol or 'trading'}{more}"
    lines = [f"{_time(event.at_ms)}  {event.kind}: {event.text}" for event in events]
    return subject.encode("ascii", "replace").decode()[:SUBJECT_MAX], "\n".join(lines)


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1_000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
