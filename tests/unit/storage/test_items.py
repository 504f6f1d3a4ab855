from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from contract.examples import (
    ACCOUNT,
    CONTROL,
    EVENT,
    FILL,
    HEALTH,
    HEARTBEAT,
    LEDGER,
    NOW_MS,
    ORDER,
    PAPER_ACCOUNT,
    PAPER_ORDER,
    RULES,
)
from crypto_ai_bot.domain.errors import InvariantBroken, SchemaUnknown
from crypto_ai_bot.domain.instance import InstanceLock
from crypto_ai_bot.storage.actions import HIGHEST, LOWEST, Item
from crypto_ai_bot.storage.items import Layout, entity_of, to_entity
from crypto_ai_bot.storage.kinds import KINDS, Entity, Kind
from crypto_ai_bot.storage.table import MARK

INSTANCE_LOCK = InstanceLock("0a1b2c3d4e5f", "stack one", 3, 1_678_320_600_000, 7)
LAYOUT = Layout("paper", nothing_ttl_seconds=600, event_ttl_seconds=60)
ENVELOPE = {"pk", "sk", "entity", "schema", "expires_at", "unresolved", "since_ms", MARK}

PLACES: list[tuple[Entity, str, str]] = [
    (ACCOUNT, "paper#HOT", "ACCOUNT"),
    (CONTROL, "paper#HOT", "CONTROL"),
    (LEDGER, "paper#HOT", "LEDGER#BTC/USDT"),
    (RULES, "paper#HOT", "RULES#BTC/USDT"),
    (HEARTBEAT, "paper#HOT", "HEARTBEAT#exits"),
    (HEALTH, "paper#HOT", "HEALTH"),
    (ORDER, "paper#ORDER#t-demo-abcdefghij", "ORDER"),
    (FILL, "paper#ORDER#t-demo-abcdefghij", "FILL#t-demo-abcdefghij:0.00125"),
    (EVENT, "paper#EVENT#halt:BTC/USDT:1678320000000", "EVENT"),
    (INSTANCE_LOCK, "paper#LOCK#0a1b2c3d4e5f", "LOCK"),
    (PAPER_ACCOUNT, "paper#PAPER", "ACCOUNT"),
    (PAPER_ORDER, "paper#PAPER", "ORDER#1678320000000#1234"),
]


@pytest.mark.parametrize(("entity", "pk", "sk"), PLACES, ids=lambda value: type(value).__name__)
def test_every_entity_has_its_place(entity: Entity, pk: str, sk: str) -> None:
    """Written out: whoever moves one leaves behind what is already stored."""
    assert LAYOUT.key(entity) == (pk, sk)
    assert LOWEST < sk < HIGHEST
    assert to_entity(LAYOUT.item(entity)) == entity


def test_the_places_are_those_of_all_kinds() -> None:
    assert [type(entity) for entity, _, _ in PLACES] == [kind.type for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_field_of_an_entity_has_a_name_that_the_table_uses(kind: Kind) -> None:
    assert not ENVELOPE & {field.name for field in fields(kind.type)}


def test_an_item_tells_its_kind_and_schema() -> None:
    item = LAYOUT.item(CONTROL)
    assert (item["entity"], item["schema"], item["state"]) == ("control", 1, "exits_only")
    assert not {"expires_at", "unresolved", "since_ms"} & item.keys()


def test_a_ledger_from_before_there_were_stops_at_the_exchange_is_read() -> None:
    item = {**LAYOUT.item(LEDGER), "schema": 1}
    del item["exchange_stop"]
    assert to_entity(item) == replace(LEDGER, exchange_stop=None)


def test_an_account_from_before_fees_in_other_coins_were_counted_is_read() -> None:
    item = {**LAYOUT.item(ACCOUNT), "schema": 1}
    del item["fees_unbooked"]
    assert to_entity(item) == replace(ACCOUNT, fees_unbooked={})


def test_a_fill_from_before_its_place_was_kept_is_read() -> None:
    item = {**LAYOUT.item(FILL), "schema": 1}
    del item["ledger_version"]
    assert to_entity(item) == replace(FILL, ledger_version=0)


def test_orders_and_events_stand_in_the_index_apart() -> None:
    assert (LAYOUT.item(ORDER)["unresolved"], LAYOUT.item(ORDER)["since_ms"]) == ("paper", NOW_MS)
    assert LAYOUT.item(EVENT)["unresolved"] == "paper#EVENT"
    assert "unresolved" not in LAYOUT.item(EVENT, sent=True)


@pytest.mark.parametrize("namespace", ["", "paper#live"])
def test_a_namespace_that_could_reach_into_another_is_refused(namespace: str) -> None:
    with pytest.raises(InvariantBroken, match="not a namespace"):
        Layout(namespace, 0, 0)


def test_what_is_no_entity_has_no_place() -> None:
    nothing: Any = "nothing"
    with pytest.raises(InvariantBroken, match="no place in the table"):
        LAYOUT.item(nothing)


@pytest.mark.parametrize(
    "wrong",
    [{"schema": 3}, {"schema": 0}, {"schema": "1"}, {"schema": None}, {"entity": "lot"},
     {"realised_quote": "NaN"}, {"fills": "7"}],
    ids=repr,
)  # fmt: skip
def test_an_item_that_cannot_be_read_is_told_of_in_one_line(wrong: Item) -> None:
    item = LAYOUT.item(ACCOUNT) | wrong
    with pytest.raises(
        SchemaUnknown, match=r"^item paper#HOT / ACCOUNT is '\w+' of schema .+: .+$"
    ):
        to_entity(item)


def test_an_item_without_a_field_is_told_of_too() -> None:
    item = LAYOUT.item(ACCOUNT)
    del item["free_quote"]
    with pytest.raises(SchemaUnknown, match="free_quote"):
        to_entity(item)


@dataclass(frozen=True)
class Note:
    """As it would be at schema 3."""

    text: str
    lines: int
    author: str


def _counted(item: Item) -> Item:
    return item | {"lines": item["text"].count("\n") + 1}


def _signed(item: Item) -> Item:
    return {name: value for name, value in item.items() if name != "by"} | {"author": item["by"]}


NOTE = Kind("note", Note, "HOT", "NOTE", (_counted, _signed))


@pytest.mark.parametrize(
    "stored",
    [
        {"schema": 1, "text": "a\nb", "by": "c"},
        {"schema": 2, "text": "a\nb", "by": "c", "lines": 2},
        {"schema": 3, "text": "a\nb", "author": "c", "lines": 2},
    ],
)
def test_older_items_are_brought_up_to_date_step_by_step(stored: Item) -> None:
    assert NOTE.schema == 3
    item = {"entity": "note", "pk": "p", "sk": "s"} | stored
    before = dict(item)
    assert entity_of(NOTE, item) == Note("a\nb", 2, "c")
    assert item == before
