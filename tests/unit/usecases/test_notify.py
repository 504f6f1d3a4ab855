"""The outbox is told oldest first, at least once, and twice only where a run dies in between."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from books import Books
from crypto_ai_bot.domain.errors import MessageUndelivered
from crypto_ai_bot.domain.event import Event, EventKind
from crypto_ai_bot.ports.store import Change, Conflict, Create, Replace, Sent
from crypto_ai_bot.storage.memory import MemoryTable
from crypto_ai_bot.storage.store import TableStore
from crypto_ai_bot.usecases.notify import (
    EVENTS_MAX,
    LEASE_MS,
    OUTBOX,
    Notified,
    message_of,
    notify,
)
from fakes import FakeClock

NOON_MS = 1_678_363_200_000
BOUGHT = Event("t-1:filled", EventKind.ORDER, NOON_MS, "BTC/USDT", "bought 0.1 BTC for 2000 USDT")
HALTED = Event("halt:1", EventKind.HALT, NOON_MS + 5_000, "ETH/USDT", "ETH/USDT halted: 1 missing")


@dataclass
class Mailbox:
    """Keeps what it is told; `deaf` takes nothing."""

    deaf: bool = False
    messages: list[tuple[str, str]] = field(default_factory=list)

    def announce(self, subject: str, text: str) -> None:
        if self.deaf:
            raise MessageUndelivered("nobody is there")
        self.messages.append((subject, text))


class Lagging(TableStore):
    """A store whose index still lists what was told: it is eventually consistent."""

    shown: Sequence[Event] = ()

    def events(self, limit: int) -> Sequence[Event]:
        return self.shown or super().events(limit)


class Quicker(TableStore):
    """A store in which another run takes the outbox just before ours does."""

    def commit(self, changes: Sequence[Change]) -> Conflict | None:
        if any(isinstance(change, Replace) for change in changes):
            lock = self.instance_lock(OUTBOX)
            if not lock.owner:
                super().commit([Replace(lock.taken("the other", NOON_MS + LEASE_MS))])
        return super().commit(changes)


def outbox(*events: Event, kind: type[TableStore] = TableStore) -> TableStore:
    store = kind(MemoryTable(), "paper")
    assert store.commit([Create(event) for event in events]) is None
    return store


def told(
    store: TableStore, mailbox: Mailbox, clock: FakeClock | None = None, run_id: str = "r1"
) -> Notified:
    return notify(store, mailbox, clock or FakeClock(NOON_MS), run_id=run_id, account="live")


def test_what_is_told_is_marked_and_not_told_again() -> None:
    store, mailbox = outbox(HALTED, BOUGHT), Mailbox()
    assert told(store, mailbox) == Notified((BOUGHT.event_id, HALTED.event_id))
    assert told(store, mailbox, run_id="r2") == Notified()
    assert len(mailbox.messages) == 1


def test_a_message_leads_with_the_gravest_and_tells_all_in_order() -> None:
    subject, text = message_of([BOUGHT, HALTED], "live")
    assert subject == "[live] halt ETH/USDT and 1 more"
    assert text.splitlines() == [
        "2023-03-09 12:00:00Z  order: bought 0.1 BTC for 2000 USDT",
        "2023-03-09 12:00:05Z  halt: ETH/USDT halted: 1 missing",
    ]


@pytest.mark.parametrize("kind", EventKind)
def test_an_event_of_any_kind_can_be_told(kind: EventKind) -> None:
    assert message_of([replace(BOUGHT, kind=kind)], "live")[0] == f"[live] {kind} BTC/USDT"


def test_a_subject_is_short_ascii_on_one_line() -> None:
    stopped = Event("control:1", EventKind.CONTROL, NOON_MS, "", "trading is exits_only")
    assert message_of([stopped], "live")[0] == "[live] control trading"
    odd = replace(BOUGHT, symbol="Ü" * 200)
    subject, _ = message_of([odd], "live")
    assert subject.isascii()
    assert len(subject) <= 99


def test_what_nobody_took_is_told_by_a_later_run() -> None:
    store, mailbox, clock = outbox(BOUGHT), Mailbox(deaf=True), FakeClock(NOON_MS)
    with pytest.raises(MessageUndelivered):
        told(store, mailbox, clock)
    mailbox.deaf = False
    clock.at_ms += LEASE_MS
    assert told(store, mailbox, clock, "r2").event_ids == (BOUGHT.event_id,)


def test_a_second_run_beside_the_first_tells_nothing() -> None:
    store, clock = outbox(BOUGHT), FakeClock(NOON_MS)
    with pytest.raises(MessageUndelivered):
        told(store, Mailbox(deaf=True), clock)  # still under way, or dead: it holds the outbox
    mailbox = Mailbox()
    assert told(store, mailbox, clock, "r2") == Notified(busy=True)
    assert mailbox.messages == []


def test_the_slower_of_two_runs_at_once_tells_nothing() -> None:
    mailbox = Mailbox()
    assert told(outbox(BOUGHT, kind=Quicker), mailbox) == Notified(busy=True)
    assert mailbox.messages == []


def test_what_a_lagging_index_shows_once_more_is_not_told_once_more() -> None:
    store = Lagging(MemoryTable(), "paper")
    store.commit([Create(BOUGHT), Create(HALTED)])
    store.commit([Sent(BOUGHT)])
    store.shown = (BOUGHT, HALTED)
    mailbox = Mailbox()
    assert told(store, mailbox).event_ids == (HALTED.event_id,)
    assert "bought" not in mailbox.messages[0][1]
    assert told(store, mailbox, run_id="r2") == Notified()
    assert len(mailbox.messages) == 1


def test_a_flood_is_told_in_messages_of_a_size() -> None:
    many = [replace(BOUGHT, event_id=f"e{n:02}", at_ms=NOON_MS + n) for n in range(EVENTS_MAX + 3)]
    store, mailbox = outbox(*many), Mailbox()
    assert len(told(store, mailbox).event_ids) == EVENTS_MAX
    assert len(told(store, mailbox, run_id="r2").event_ids) == 3


def test_a_quiet_run_reads_once_and_writes_nothing() -> None:
    store = outbox()
    assert told(store, Mailbox()) == Notified()
    assert store.instance_lock(OUTBOX).version == 0


def test_the_events_of_a_trade_are_told(books: Books) -> None:
    books.enter()
    mailbox = Mailbox()
    done = notify(books.store, mailbox, books.clock, run_id="r1", account="paper")
    assert done.event_ids
    assert "bought" in mailbox.messages[0][1]
