"""Each verb of the port, done and refused, on every table."""

from dataclasses import replace

import pytest

from contract.examples import (
    ACCOUNT,
    BTC,
    CLOSED,
    CONTROL,
    ETH,
    EVENT,
    FILL,
    HEALTH,
    HEARTBEAT,
    ID,
    LEDGER,
    ORDER,
    PAPER_ACCOUNT,
    PAPER_ORDER,
    RULES,
    event_named,
    order_named,
)
from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.trading_state import TradingState
from crypto_ai_bot.ports.store import (
    Advance,
    Change,
    Conflict,
    Create,
    Dated,
    Once,
    Replace,
    RequireState,
    Sent,
    Store,
    Unchanged,
    Versioned,
    as_stored,
)


@pytest.mark.parametrize(
    "entity", [ORDER, FILL, EVENT, PAPER_ORDER], ids=lambda entity: type(entity).__name__
)
def test_create_writes_once_and_then_names_itself_as_the_conflict(
    store: Store, entity: Once
) -> None:
    change = Create(entity)
    assert store.commit([change]) is None
    assert store.commit([change]) == Conflict(change)


def test_a_created_order_goes_on_as_version_1(store: Store) -> None:
    assert store.commit([Create(ORDER)]) is None
    assert store.order(ID) == as_stored(ORDER)
    assert store.commit([Replace(as_stored(ORDER))]) is None


def test_an_event_of_another_time_is_the_same_event(store: Store) -> None:
    again = Create(replace(EVENT, at_ms=EVENT.at_ms + 60_000))
    assert store.commit([Create(EVENT)]) is None
    assert store.commit([again]) == Conflict(again)
    assert store.events(9) == [EVENT]


@pytest.mark.parametrize(
    "entity", [ACCOUNT, LEDGER, CONTROL, PAPER_ACCOUNT, ORDER], ids=lambda e: type(e).__name__
)
def test_replace_goes_from_version_to_version(store: Store, entity: Versioned) -> None:
    assert store.commit([Replace(entity)]) is None
    first = as_stored(entity)
    assert store.commit([Replace(first)]) is None

    assert store.commit([Replace(entity)]) == Conflict(Replace(entity))
    assert store.commit([Replace(first)]) == Conflict(Replace(first))
    ahead = replace(entity, version=3)
    assert store.commit([Replace(ahead)]) == Conflict(Replace(ahead))
    assert store.commit([Replace(as_stored(first))]) is None


def test_replace_of_what_is_not_there_needs_version_0(store: Store) -> None:
    change = Replace(replace(ACCOUNT, version=1))
    assert store.commit([change]) == Conflict(change)
    assert store.glance().account == Account()


def test_unchanged_holds_at_the_version_that_stands_and_writes_nothing(store: Store) -> None:
    absent = Unchanged(Ledger(BTC))
    assert store.commit([absent]) is None
    assert not store.glance().ledgers

    assert store.commit([Replace(LEDGER)]) is None
    assert store.commit([absent]) == Conflict(absent)
    assert store.commit([Unchanged(as_stored(LEDGER))]) is None
    stale = Unchanged(replace(LEDGER, version=2))
    assert store.commit([stale]) == Conflict(stale)
    assert store.glance().ledgers == {BTC: as_stored(LEDGER)}


@pytest.mark.parametrize(
    ("entity", "field"),
    [(HEARTBEAT, "scheduled_ms"), (HEALTH, "checked_ms"), (RULES, "read_ms")],
    ids=["heartbeat", "health", "rules"],
)
def test_advance_goes_forward_in_the_entitys_own_time(
    store: Store, entity: Dated, field: str
) -> None:
    at_ms = getattr(entity, field)
    older = Advance(replace(entity, **{field: at_ms - 1}))
    newer = Advance(replace(entity, **{field: at_ms + 1}))

    assert store.commit([Advance(entity)]) is None
    assert store.commit([Advance(entity)]) is None  # the same time again is no step back
    assert store.commit([older]) == Conflict(older)
    assert store.commit([newer]) is None
    glance = store.glance()
    assert (
        newer.entity
        in {
            id(e): e for e in [*glance.heartbeats.values(), glance.health, *glance.rules.values()]
        }.values()
    )


def test_sent_takes_an_event_out_of_the_outbox_and_its_id_stays_taken(store: Store) -> None:
    missing = Sent(event_named("never told"))
    assert store.commit([Create(EVENT)]) is None
    assert store.commit([Sent(EVENT)]) is None
    assert store.events(9) == []
    assert store.commit([Sent(EVENT)]) is None  # whoever sent it too
    assert store.commit([Create(EVENT)]) == Conflict(Create(EVENT))
    assert store.commit([missing]) == Conflict(missing)


@pytest.mark.parametrize(
    ("state", "entries", "exits"),
    [
        (None, True, True),
        (TradingState.ON, True, True),
        (TradingState.EXITS_ONLY, False, True),
        (TradingState.OFF, False, False),
    ],
)
def test_require_state_reads_the_control_item(
    store: Store, state: TradingState | None, *, entries: bool, exits: bool
) -> None:
    if state:
        assert store.commit([Replace(replace(CONTROL, state=state))]) is None
    for wanted, allowed in ((True, entries), (False, exits)):
        change = RequireState(entries=wanted)
        assert store.commit([change]) == (None if allowed else Conflict(change))


def test_an_event_is_unchanged_while_it_is_to_be_sent(store: Store) -> None:
    assert store.commit([Unchanged(EVENT)]) == Conflict(Unchanged(EVENT))
    assert store.commit([Create(EVENT)]) is None
    assert store.commit([Unchanged(EVENT), Create(ORDER)]) is None
    assert store.commit([Sent(EVENT)]) is None
    assert store.commit([Unchanged(EVENT)]) == Conflict(Unchanged(EVENT))
    assert store.events(9) == []


MIXED: dict[str, Change] = {
    "create": Create(ORDER),
    "replace": Replace(LEDGER),
    "unchanged": Unchanged(Ledger(ETH)),
    "advance": Advance(HEARTBEAT),
    "sent": Sent(EVENT),
    "state": RequireState(entries=True),
}
IN_THE_WAY: dict[str, Change] = {
    "create": Create(ORDER),
    "replace": Replace(LEDGER),
    "unchanged": Replace(Ledger(ETH)),
    "advance": Advance(replace(HEARTBEAT, scheduled_ms=HEARTBEAT.scheduled_ms + 1)),
    "state": Replace(CONTROL),
}


def test_a_mixed_commit_does_all_of_it(store: Store) -> None:
    assert store.commit([Create(EVENT)]) is None
    assert store.commit(list(MIXED.values())) is None
    glance = store.glance()
    assert store.order(ID) == as_stored(ORDER)
    assert glance.ledgers == {BTC: as_stored(LEDGER)}
    assert list(glance.heartbeats.values()) == [HEARTBEAT]
    assert store.events(9) == []


@pytest.mark.parametrize("broken", [*IN_THE_WAY, "sent"])
def test_one_failed_condition_and_nothing_of_a_mixed_commit_is_written(
    store: Store, broken: str
) -> None:
    if broken != "sent":
        assert store.commit([Create(EVENT), IN_THE_WAY[broken]]) is None
    before = store.glance(), store.order(ID), store.events(9)

    assert store.commit(list(MIXED.values())) == Conflict(MIXED[broken])
    assert (store.glance(), store.order(ID), store.events(9)) == before
    assert store.commit([Create(FILL), MIXED[broken]]) == Conflict(MIXED[broken])
    assert store.fills(ID) == []


def test_of_two_failed_conditions_the_first_is_named(store: Store) -> None:
    assert store.commit([Replace(LEDGER), Create(ORDER)]) is None
    changes: list[Change] = [Create(FILL), Create(ORDER), Replace(LEDGER)]
    assert store.commit(changes) == Conflict(Create(ORDER))


def test_a_commit_of_nothing_is_done(store: Store) -> None:
    assert store.commit([]) is None


def test_two_changes_of_one_item_are_the_programmers_error(store: Store) -> None:
    with pytest.raises(InvariantBroken, match="each of another item"):
        store.commit([Create(ORDER), Replace(CLOSED)])
    with pytest.raises(InvariantBroken, match="each of another item"):
        store.commit([Replace(CONTROL), RequireState(entries=True)])
    assert store.order(ID) is None


def test_a_commit_takes_a_hundred_changes_and_no_more(store: Store) -> None:
    orders = [Create(order_named(f"t-{number}")) for number in range(101)]
    with pytest.raises(InvariantBroken, match="at most 100 changes"):
        store.commit(orders)
    assert store.order("t-0") is None
    assert store.commit(orders[:100]) is None
    assert len(store.unresolved_orders()) == 100
