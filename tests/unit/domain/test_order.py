import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import BTC, ETH, NOON_MS, dec, order, report, sell_request
from crypto_ai_bot.domain.errors import InvariantBroken
from crypto_ai_bot.domain.order import (
    UNRESOLVED,
    OrderEvent,
    OrderState,
    Purpose,
    Totals,
    client_order_id,
    deployment_tag_of,
    fill_between,
    transition,
)

FINAL = {OrderState.CLOSED, OrderState.REJECTED, OrderState.NOT_PLACED}


@given(st.lists(st.sampled_from(OrderEvent), max_size=8))
def test_an_order_leaves_a_final_state_only_when_it_appears_after_all(
    events: list[OrderEvent],
) -> None:
    state = OrderState.PENDING
    for event in events:
        try:
            after = transition(state, event)
        except InvariantBroken:
            continue
        assert state not in FINAL or event is OrderEvent.APPEAR
        assert (after in UNRESOLVED) != (after in FINAL)
        state = after


def test_an_unknown_order_is_never_rejected_for_want_of_an_answer() -> None:
    with pytest.raises(InvariantBroken, match="unknown cannot reject"):
        transition(OrderState.UNKNOWN, OrderEvent.REJECT)


def test_an_event_dates_the_order_and_keeps_what_was_said_of_it() -> None:
    said = order(resolution="the exchange lists it")
    accepted = said.after(OrderEvent.ACCEPT, NOON_MS + 700)
    assert accepted.state is OrderState.ACCEPTED
    assert (accepted.updated_ms, accepted.resolution) == (NOON_MS + 700, said.resolution)
    assert said.after(OrderEvent.LOSE, NOON_MS, "no answer").resolution == "no answer"


def test_the_name_of_an_order_is_made_of_its_slot_alone() -> None:
    name = client_order_id("paper", BTC, Purpose.ENTRY, NOON_MS, 1)
    assert name == client_order_id("paper", BTC, Purpose.ENTRY, NOON_MS, 1)
    others = {
        client_order_id("other", BTC, Purpose.ENTRY, NOON_MS, 1),
        client_order_id("paper", ETH, Purpose.ENTRY, NOON_MS, 1),
        client_order_id("paper", BTC, Purpose.STOP, NOON_MS, 1),
        client_order_id("paper", BTC, Purpose.ENTRY, NOON_MS + 60_000, 1),
        client_order_id("paper", BTC, Purpose.ENTRY, NOON_MS, 2),
    }
    assert name not in others
    assert len(others) == 5


def test_the_name_fits_the_exchange_and_shows_the_deployment() -> None:
    name = client_order_id("paperbot", BTC, Purpose.ENTRY, NOON_MS, 1)
    assert name.startswith("t-paperbot-")
    assert len(name) == 28
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_a_name_tells_the_deployment_that_made_it_and_nobody_elses_does() -> None:
    name = client_order_id("paperbot", BTC, Purpose.ENTRY, NOON_MS, 1)
    assert deployment_tag_of(name) == "paperbot"
    assert deployment_tag_of(name[:-1]) is None
    another = "t-a-person-names-it-himself-"
    assert len(another) == len(name)
    assert deployment_tag_of(another) is None
    assert deployment_tag_of("web") is None


def test_a_fill_is_what_the_totals_grew_by() -> None:
    half = order(state=OrderState.ACCEPTED, totals=Totals(dec("0.002"), dec(40), dec("0.000004")))
    fill = fill_between(half, report(half, "0.005", "100"))
    assert fill
    assert fill.traded.base == dec("0.003")
    assert fill.traded.quote == dec(60)
    assert fill.traded.fee_base == dec("0.000006")


def test_the_same_growth_has_one_name_and_no_growth_is_no_fill() -> None:
    fresh = order()
    first, again = (fill_between(fresh, report(fresh, "0.005", "100")) for _ in range(2))
    assert first == again
    assert first
    after = order(totals=report(fresh, "0.005", "100").totals)
    assert fill_between(after, report(after, "0.005", "100")) is None


def test_totals_that_fall_are_refused() -> None:
    half = order(totals=Totals(dec("0.002"), dec(40)))
    with pytest.raises(InvariantBroken, match="fell"):
        fill_between(half, report(half, "0.001", "20"))


def test_fees_in_another_coin_grow_by_coin() -> None:
    before = Totals(dec(1), dec(1), fee_other={"GT": dec("0.1")})
    after = Totals(dec(2), dec(2), fee_other={"GT": dec("0.3"), "POINT": dec(1)})
    assert after.since(before).fee_other == {"GT": dec("0.2"), "POINT": dec(1)}


def test_a_fee_in_another_coin_that_has_not_grown_is_no_fill() -> None:
    paid = Totals(dec(1), dec(1), fee_other={"GT": dec("0.1")})
    again = Totals(dec(1), dec(1), fee_other={"GT": dec("0.1"), "POINT": dec(0)})
    assert again.since(paid).nothing


def test_the_fee_of_a_sell_is_what_the_fee_in_quote_grew_by() -> None:
    half = order(sell_request(), totals=Totals(dec("0.002"), dec(40), fee_quote=dec("0.08")))
    fill = fill_between(half, report(half, "0.005", "100"))
    assert fill
    assert fill.traded == Totals(dec("0.003"), dec(60), fee_quote=dec("0.12"))


def test_a_fee_that_is_reported_later_is_a_fill_of_its_own() -> None:
    filled = order(totals=Totals(dec("0.005"), dec(100)), fills=1)
    late = fill_between(filled, report(filled, "0.005", "100"))
    assert late
    assert late.fill_id.endswith(":2")
    assert late.traded == Totals(fee_base=dec("0.00001"))
