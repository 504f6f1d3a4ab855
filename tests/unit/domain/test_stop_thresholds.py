"""Stops and steps act at their very thresholds, and say which it was. Mutants showed the need."""

import pytest

from builders import dec
from crypto_ai_bot.domain.order import Purpose
from crypto_ai_bot.domain.stop import Guard, StopRules, TakeProfitStep, judge, stop_level

GUARD = Guard(
    opened_ms=1_000,
    entry_price=100.0,
    break_even_price=100.5,
    bought_base=dec(2),
    atr=0.0,
    peak_price=100.0,
    stop_price=0.0,
)


def test_a_stop_that_was_reached_is_remembered_where_it_stood() -> None:
    guard, call = judge(StopRules(hard_pct=5), GUARD, dec(2), 95.0, 2_000)
    assert call is not None
    assert guard.stop_price == pytest.approx(95.0)


def test_the_time_stop_is_a_stop_and_tells_for_how_long() -> None:
    rules = StopRules(hard_pct=0, time_ms=90_000)
    _, call = judge(rules, GUARD, dec(2), 100.0, 91_500)
    assert call is not None
    assert (call.purpose, call.reason) == (Purpose.STOP, "open for 90 s, the time stop")


@pytest.mark.parametrize(("price", "reached"), [(149.9, False), (150.0, True)])
def test_a_step_is_reached_at_its_gain_and_not_before(price: float, *, reached: bool) -> None:
    rules = StopRules(hard_pct=0, take_profit=(TakeProfitStep(50, dec("0.5")),))
    _, call = judge(rules, GUARD, dec(2), price, 2_000)
    assert (call is not None) is reached


@pytest.mark.parametrize(("peak", "level"), [(149.9, 0.0), (150.0, 100.5)])
def test_break_even_is_armed_at_its_gain_and_not_before(peak: float, level: float) -> None:
    rules = StopRules(hard_pct=0, break_even_pct=50)
    guard = Guard(1_000, 100.0, 100.5, dec(2), 0.0, peak, 0.0)
    assert stop_level(rules, guard) == level
