from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.examples import (
    ACCOUNT,
    CLOSED,
    CONTROL,
    EVENT,
    FILL,
    HEALTH,
    HEARTBEAT,
    LEDGER,
    NOW_MS,
    PAPER_ACCOUNT,
    PAPER_ORDER,
    RULES,
)
from crypto_ai_bot.domain.account import Account
from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.ledger import Ledger
from crypto_ai_bot.domain.money import ZERO
from crypto_ai_bot.storage.attributes import from_attribute, to_attribute
from crypto_ai_bot.storage.codec import shape_of
from crypto_ai_bot.storage.kinds import KINDS, Kind, kind_of
from unit.storage.entities import any_of

EXAMPLES = [
    ACCOUNT, CONTROL, LEDGER, RULES, HEARTBEAT, HEALTH, CLOSED, FILL, EVENT, PAPER_ACCOUNT,
    PAPER_ORDER,
]  # fmt: skip


def through_an_item(kind: Kind, entity: Any) -> Any:
    """Written, sent to DynamoDB, read back."""
    return kind.shape.decode(from_attribute(to_attribute(kind.shape.encode(entity))))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(data=st.data())
def test_every_entity_comes_back_as_it_went(kind: Kind, data: st.DataObject) -> None:
    entity = data.draw(any_of(kind.type))
    assert through_an_item(kind, entity) == entity


@pytest.mark.parametrize("entity", EXAMPLES, ids=lambda entity: type(entity).__name__)
def test_the_examples_come_back_with_the_types_they_went_with(entity: Any) -> None:
    assert repr(through_an_item(kind_of(entity), entity)) == repr(entity)


@given(any_of(Decimal))
def test_amounts_are_plain_digits_and_lose_none(amount: Decimal) -> None:
    text = shape_of(Decimal).encode(amount)
    assert "E" not in text.upper()
    assert Decimal(text) == amount


def test_the_codec_writes_what_a_person_can_read() -> None:
    item = shape_of(Ledger).encode(LEDGER)
    assert item["symbol"] == "BTC/USDT"
    assert item["guard"]["entry_price"] == "20008.1"
    assert item["pending"]["amount"] == "0.0012"
    assert item["slots"]["stop"] == {"slot_ms": NOW_MS, "attempt": 1, "came_to_nothing": True}


def wrong(entity: Any, **fields: Any) -> Any:
    """What a type checker would not let pass."""
    return replace(entity, **fields)


@pytest.mark.parametrize(
    "entity",
    [
        wrong(ACCOUNT, realised_quote=0.1),
        wrong(ACCOUNT, realised_quote=Decimal("NaN")),
        wrong(ACCOUNT, realised_quote=Decimal("Infinity")),
        wrong(ACCOUNT, committed_quote={"BTC/USDT": 25.01}),
        wrong(ACCOUNT, day_ms=1.0),
        wrong(ACCOUNT, fills=True),
        wrong(EVENT, symbol=LEDGER.symbol),
        wrong(EVENT, kind="halt"),
        wrong(HEARTBEAT, summary={"spent": Decimal(1)}),
        wrong(HEARTBEAT, summary={"price": float("nan")}),
        wrong(CLOSED, request=wrong(CLOSED.request, atr=float("inf"))),
        wrong(CLOSED, request=wrong(CLOSED.request, atr=Decimal(1))),
        wrong(CLOSED, totals=LEDGER),
        wrong(LEDGER, symbol="BTC/USDT"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_not_written(entity: Any) -> None:
    with pytest.raises(InvariantBroken):
        kind_of(entity).shape.encode(entity)


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("realised_quote", 1),
        ("realised_quote", "NaN"),
        ("realised_quote", "much"),
        ("free_quote", "Infinity"),
        ("fills", "7"),
        ("fills", True),
        ("order_times_ms", {}),
        ("order_times_ms", ["1"]),
        ("committed_quote", []),
    ],
)
def test_a_value_that_was_never_written_is_not_read(field: str, found: object) -> None:
    shape = shape_of(Account)
    item = shape.encode(ACCOUNT) | {field: found}
    with pytest.raises((TypeError, ValueError)):
        shape.decode(item)


def test_a_field_that_is_missing_is_not_made_up() -> None:
    shape = shape_of(Account)
    item = shape.encode(ACCOUNT)
    del item["realised_quote"]
    with pytest.raises(KeyError):
        shape.decode(item)


def test_a_mapping_changed_later_does_not_change_what_was_written() -> None:
    committed = {"BTC/USDT": ZERO}
    item = shape_of(Account).encode(Account(committed_quote=committed))
    committed["ETH/USDT"] = ZERO
    assert item["committed_quote"] == {"BTC/USDT": "0"}


@dataclass(frozen=True)
class Odd:
    seen: set[int]


@dataclass(frozen=True)
class Torn:
    seen: int | str


@pytest.mark.parametrize("kind", [Odd, Torn])
def test_a_type_without_a_shape_is_the_programmers_error(kind: Any) -> None:
    with pytest.raises(InvariantBroken, match="has no shape for"):
        shape_of(kind)


def test_attributes_hold_only_what_items_are_made_of() -> None:
    for foreign in (0.1, Decimal(1), {1}, b"1"):
        with pytest.raises(InvariantBroken, match="items do not hold"):
            to_attribute([foreign])


def test_an_attribute_that_we_never_write_comes_back_for_the_codec_to_refuse() -> None:
    assert from_attribute({"N": "1.5"}) == "1.5"
    assert from_attribute({"N": "-15"}) == -15
    assert from_attribute({"SS": ["a"]}) == ["a"]
