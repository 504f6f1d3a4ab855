"""What was written is read back, where the port says and in the order that it says."""

from dataclasses import replace

import pytest

from contract.examples import (
    ACCOUNT,
    BTC,
    CLOSED,
    CONTROL,
    ETH,
    EVENT,
    HEALTH,
    HEARTBEAT,
    ID,
    LEDGER,
    NOW_MS,
    ORDER,
    PAPER_ACCOUNT,
    RULES,
    event_named,
    fill_of,
    order_named,
    paper_order,
)
from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import SchemaUnknown
from crypto_ai_bot.domain.job import Job
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.market import Symbol
from crypto_ai_bot.domain.order import Order, OrderState, Totals
from crypto_ai_bot.domain.paper import PaperAccount
from crypto_ai_bot.domain.trading_state import UNTOUCHED
from crypto_ai_bot.ports.store import (
    Advance,
    Change,
    Create,
    Glance,
    Replace,
    Sent,
    Store,
    as_stored,
)
from crypto_ai_bot.storage.actions import Key, Put, Table
from crypto_ai_bot.storage.conditions import Absent, Present
from crypto_ai_bot.storage.store import TableStore


def test_an_empty_table_has_empty_books(store: Store) -> None:
    glance = store.glance()
    assert glance == Glance(Account(), UNTOUCHED, {}, {}, {}, None)
    assert glance.ledgers[BTC] == Ledger(BTC)
    assert store.order(ID) is None
    assert store.fills(ID) == []
    assert store.unresolved_orders() == []
    assert store.events(9) == []
    assert store.paper_account() == PaperAccount()
    assert store.paper_orders(0) == []


def test_a_glance_shows_all_that_is_hot(store: Store) -> None:
    reconcile = replace(HEARTBEAT, job=Job.RECONCILE, ok=False, summary={})
    written: list[Change] = [
        Replace(ACCOUNT),
        Replace(CONTROL),
        Replace(LEDGER),
        Replace(Ledger(ETH)),
        Advance(RULES),
        Advance(replace(RULES, symbol=ETH)),
        Advance(HEARTBEAT),
        Advance(reconcile),
        Advance(HEALTH),
        Create(ORDER),
        Create(EVENT),
        Replace(PAPER_ACCOUNT),
    ]
    assert store.commit(written) is None
    assert store.glance() == Glance(
        as_stored(ACCOUNT),
        as_stored(CONTROL),
        {BTC: as_stored(LEDGER), ETH: as_stored(Ledger(ETH))},
        {BTC: RULES, ETH: replace(RULES, symbol=ETH)},
        {Job.EXITS: HEARTBEAT, Job.RECONCILE: reconcile},
        HEALTH,
    )


def test_orders_come_back_as_they_were_written(store: Store) -> None:
    assert store.commit([Create(ORDER)]) is None
    assert store.order(ID) == as_stored(ORDER)
    closed = replace(CLOSED, version=1)
    assert store.commit([Replace(closed)]) is None
    assert store.order(ID) == as_stored(closed)


def test_fills_come_in_the_order_of_growth_and_of_their_order_alone(store: Store) -> None:
    grown = [fill_of(ID, "9"), fill_of(ID, "9.5"), fill_of(ID, "10"), fill_of(ID, "2", NOW_MS + 1)]
    for fill in [grown[3], grown[1], grown[0], grown[2], fill_of(f"{ID}x", "1")]:
        assert store.commit([Create(fill)]) is None
    assert store.commit([Create(ORDER)]) is None
    assert store.fills(ID) == grown


def test_the_index_holds_orders_only_while_they_are_unresolved(store: Store) -> None:
    late, early = order_named("t-late", NOW_MS + 5), order_named("t-early", NOW_MS - 5)
    accepted = replace(ORDER, state=OrderState.ACCEPTED)
    assert store.commit([Create(late), Create(early), Create(accepted)]) is None
    found = [as_stored(early), as_stored(accepted), as_stored(late)]
    assert store.unresolved_orders() == found

    unknown = replace(found[0], state=OrderState.UNKNOWN)
    rejected = replace(found[2], state=OrderState.REJECTED)
    changes = [Replace(unknown), Replace(replace(CLOSED, version=1)), Replace(rejected)]
    assert store.commit(changes) is None
    assert store.unresolved_orders() == [as_stored(unknown)]


def test_events_come_oldest_first_and_no_more_than_asked_for(store: Store) -> None:
    events = [event_named(f"e{9 - number}", NOW_MS + number) for number in range(5)]
    assert store.commit([Create(event) for event in reversed(events)]) is None
    assert store.events(3) == events[:3]
    assert store.events(0) == []
    assert store.commit([Sent(events[1])]) is None
    assert store.events(3) == [events[0], events[2], events[3]]
    assert store.unresolved_orders() == []


def test_paper_orders_come_oldest_first_from_the_time_asked_for(store: Store) -> None:
    orders = [paper_order("9", 999), paper_order("10", 1000), paper_order("11", 10_000)]
    assert store.commit([Replace(PAPER_ACCOUNT), *map(Create, reversed(orders))]) is None
    assert store.paper_orders(0) == orders
    assert store.paper_orders(1000) == orders[1:]
    assert store.paper_orders(10_001) == []
    assert store.paper_account() == as_stored(PAPER_ACCOUNT)


def test_namespaces_do_not_mix(table: Table) -> None:
    paper, live = TableStore(table, "paper"), TableStore(table, "live")
    written: list[Change] = [
        Replace(ACCOUNT),
        Create(ORDER),
        Create(fill_of(ID, "1")),
        Create(EVENT),
        Replace(PAPER_ACCOUNT),
        Create(paper_order("1", 1)),
    ]
    empty = _seen(live)
    assert paper.commit(written) is None
    assert _seen(live) == empty
    before = _seen(paper)
    assert live.commit([*written, Create(order_named("t-live")), Replace(CONTROL)]) is None
    assert _seen(paper) == before


def _seen(store: Store) -> tuple[object, ...]:
    return (
        store.glance(),
        store.order(ID),
        store.fills(ID),
        store.unresolved_orders(),
        store.events(9),
        store.paper_account(),
        store.paper_orders(0),
    )


def test_a_glance_beyond_a_page_of_1_mb_is_whole(store: Store) -> None:
    symbols = [Symbol(f"COIN{number:02}", "USDT") for number in range(20)]
    reason = "x" * 100_000
    assert LEDGER.halt is not None
    for symbol in symbols:
        ledger = replace(LEDGER, symbol=symbol, halt=replace(LEDGER.halt, reason=reason))
        assert store.commit([Replace(ledger)]) is None
    assert store.commit([Replace(ACCOUNT), Advance(RULES)]) is None
    glance = store.glance()
    assert list(glance.ledgers) == symbols
    assert glance.account == as_stored(ACCOUNT)
    assert glance.rules == {BTC: RULES}


def test_an_index_beyond_a_page_of_1_mb_is_whole(store: Store) -> None:
    orders = [
        replace(order_named(f"t-{number:02}", NOW_MS + number), answer="x" * 100_000)
        for number in range(20)
    ]
    for order in orders:
        assert store.commit([Create(order)]) is None
    assert store.unresolved_orders() == [as_stored(order) for order in orders]


@pytest.mark.parametrize(
    ("order", "kept_for_seconds"),
    [
        (replace(ORDER, state=OrderState.REJECTED, updated_ms=NOW_MS + 9000), 609),
        (replace(ORDER, state=OrderState.NOT_PLACED), 600),
        (replace(CLOSED, totals=Totals(), updated_ms=0), 600),
        (CLOSED, None),
        (ORDER, None),
        (replace(ORDER, state=OrderState.UNKNOWN), None),
        (replace(ORDER, state=OrderState.ACCEPTED), None),
    ],
    ids=["rejected", "not placed", "nothing filled", "traded", "pending", "unknown", "accepted"],
)
def test_only_orders_that_came_to_nothing_expire(
    table: Table, order: Order, kept_for_seconds: int | None
) -> None:
    store = TableStore(table, "paper", nothing_ttl_seconds=600, event_ttl_seconds=60)
    assert store.commit([Create(order)]) is None
    item = table.get(Key(f"paper#ORDER#{ID}", "ORDER"))
    assert item is not None
    expected = None if kept_for_seconds is None else NOW_MS // 1000 + kept_for_seconds
    assert item.get("expires_at") == expected


def test_events_expire_sent_or_not_and_nothing_hot_does(table: Table) -> None:
    store = TableStore(table, "paper", nothing_ttl_seconds=600, event_ttl_seconds=60)
    assert store.commit([Create(EVENT), Replace(LEDGER), Advance(HEALTH)]) is None
    key = Key(f"paper#EVENT#{EVENT.event_id}", "EVENT")
    assert (table.get(key) or {})["expires_at"] == NOW_MS // 1000 + 60
    assert store.commit([Sent(EVENT)]) is None
    assert (table.get(key) or {})["expires_at"] == NOW_MS // 1000 + 60
    assert all("expires_at" not in item for item in table.query("paper#HOT"))


def test_nothing_expires_unless_asked(table: Table, store: Store) -> None:
    rejected = replace(ORDER, state=OrderState.REJECTED)
    assert store.commit([Create(rejected), Create(EVENT)]) is None
    for key in (
        Key(f"paper#ORDER#{ID}", "ORDER"),
        Key(f"paper#EVENT#{EVENT.event_id}", "EVENT"),
    ):
        assert "expires_at" not in (table.get(key) or {"expires_at": "gone"})


def test_what_has_expired_but_still_stands_still_counts(table: Table) -> None:
    """TTL deletes days late: until then the slot is taken, and the event was told."""
    store = TableStore(table, "paper", nothing_ttl_seconds=1, event_ttl_seconds=1)
    rejected = replace(ORDER, state=OrderState.REJECTED, journaled_ms=1000)
    told = event_named("told", 1000)
    assert store.commit([Create(rejected), Create(told)]) is None
    assert store.order(ID) == as_stored(rejected)
    assert store.commit([Create(ORDER)]) is not None
    assert store.commit([Create(told)]) is not None


def test_an_item_of_a_newer_program_stops_with_one_line_that_names_it(
    table: Table, store: Store
) -> None:
    assert store.commit([Replace(LEDGER)]) is None
    item = table.get(Key("paper#HOT", "LEDGER#BTC/USDT"))
    assert item is not None
    assert table.write([Put(item | {"schema": 9}, Present())]) is None
    with pytest.raises(SchemaUnknown, match=r"^item paper#HOT / LEDGER#BTC/USDT .* schema 9: .*$"):
        store.glance()


def test_a_foreign_item_stops_with_one_line_that_names_it(table: Table, store: Store) -> None:
    assert table.write([Put({"pk": "paper#HOT", "sk": "NOTE"}, Absent())]) is None
    with pytest.raises(SchemaUnknown, match=r"^item paper#HOT / NOTE is None .*$"):
        store.glance()
