"""What should rest at the exchange for a position, how long it lives, and the step towards it."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import BTC, ETH, NOON_MS, dec, market, order, report, sell_request
from crypto_ai_bot.domain.exchange_stop import (
    LIFE_MS_MAX,
    RENEWED_BEFORE_MS,
    ExchangeStop,
    StopStep,
    StopTerms,
    fired_order,
    named_life_ms,
    next_step,
    wanted_terms,
)
from crypto_ai_bot.domain.order import OrderState, Purpose, Side
from crypto_ai_bot.domain.stop import Guard

TERMS = StopTerms(dec(50_000), dec(48_500), dec("0.001"))
RESTING = ExchangeStop(
    TERMS, NOON_MS, NOON_MS, NOON_MS + 60_000, NOON_MS + LIFE_MS_MAX, stop_ids=("7",)
)


def guard(stop_price: float) -> Guard:
    return Guard(NOON_MS, stop_price, stop_price, dec(1), 0.0, stop_price, stop_price)


def test_it_sells_all_that_is_held_at_three_per_cent_below_the_trigger_on_the_steps() -> None:
    terms = wanted_terms(guard(19_007.68), dec("0.0012345"), market())
    assert terms == StopTerms(dec("19007.6"), dec("18437.3"), dec("0.001234"))


def test_a_coin_that_costs_less_than_one_has_a_stop_like_any_other() -> None:
    cheap = market(price_step_quote=dec("0.0001"))
    assert wanted_terms(guard(0.5), dec(100), cheap) == StopTerms(
        dec("0.5"), dec("0.485"), dec(100)
    )


def test_nothing_is_to_rest_without_a_stop_or_for_dust() -> None:
    assert wanted_terms(None, dec(1), market()) is None
    assert wanted_terms(guard(0), dec(1), market()) is None
    assert wanted_terms(guard(19_000), dec("0.0000009"), market()) is None
    assert wanted_terms(guard(19_000), dec("0.0001"), market()) is None  # 1.9 quote, 3 needed


def test_a_limit_price_that_the_price_step_cuts_to_nothing_is_no_stop() -> None:
    without_minimum = market(amount_quote_min=dec(0))
    assert wanted_terms(guard(0.1), dec(1), without_minimum) is None


@given(st.sampled_from(["paper", "live"]), st.integers(0, 2**43))
def test_a_stop_lives_for_whole_seconds_of_its_own_within_the_last_of_seven_days(
    tag: str, journaled_ms: int
) -> None:
    life_ms = named_life_ms(tag, BTC, journaled_ms)
    assert LIFE_MS_MAX - 86_400_000 < life_ms <= LIFE_MS_MAX
    assert life_ms % 1_000 == 0
    assert life_ms == named_life_ms(tag, BTC, journaled_ms)


def test_the_life_differs_by_deployment_symbol_and_moment() -> None:
    lives = {
        named_life_ms("one", BTC, NOON_MS),
        named_life_ms("two", BTC, NOON_MS),
        named_life_ms("one", ETH, NOON_MS),
        named_life_ms("one", BTC, NOON_MS + 1),
    }
    assert len(lives) == 4


def test_what_is_wanted_is_placed_where_none_rests() -> None:
    assert next_step(None, TERMS, NOON_MS) is StopStep.PLACE
    assert next_step(None, None, NOON_MS) is StopStep.KEEP


@pytest.mark.parametrize(
    ("trigger_price", "step"),
    [("50099.9", StopStep.KEEP), ("50100", StopStep.REMOVE), ("49000", StopStep.KEEP)],
)
def test_it_is_replaced_from_a_rise_of_a_fifth_of_a_per_cent_on(
    trigger_price: str, step: StopStep
) -> None:
    risen = replace(TERMS, trigger_price=dec(trigger_price))
    assert next_step(RESTING, risen, NOON_MS) is step


def test_it_is_renewed_in_its_last_day_and_not_before() -> None:
    last_day_ms = RESTING.ends_ms - RENEWED_BEFORE_MS
    assert next_step(RESTING, TERMS, last_day_ms) is StopStep.KEEP
    assert next_step(RESTING, TERMS, last_day_ms + 1) is StopStep.REMOVE


def test_what_it_sold_is_journaled_as_the_first_attempt_of_a_stop_of_ours() -> None:
    ours = order(sell_request("0.001"))
    said = report(ours, "0.001", "50", exchange_order_id="9001")
    fired = fired_order(RESTING, said, NOON_MS + 60_000, 5, "run-9")
    assert (fired.attempt, fired.state, fired.lease_token) == (1, OrderState.PENDING, 5)
    assert (fired.request.side, fired.request.purpose) == (Side.SELL, Purpose.STOP)
    assert (fired.request.amount, fired.request.slot_ms) == (Decimal("0.001"), NOON_MS + 60_000)
    assert "9001" in fired.client_order_id
