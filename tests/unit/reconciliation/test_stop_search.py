"""When a stop whose placing was not answered counts as resting, and when as never placed."""

from decimal import Decimal

from crypto_ai_bot.domain.exchange_stop import (
    ExchangeStop,
    StopStep,
    StopTerms,
    next_step,
)
from crypto_ai_bot.reconciliation.resolve import ABSENCE_WINDOW_MS, ARRIVAL_MARGIN_MS
from crypto_ai_bot.reconciliation.stop_search import searched

UNTIL_MS = 60_000
TERMS = StopTerms(Decimal(57_000), Decimal(55_290), Decimal("0.001"))
ASKED = ExchangeStop(TERMS, 0, 0, UNTIL_MS, 10**9)
LATE_MS = UNTIL_MS + ARRIVAL_MARGIN_MS + 1


def test_what_is_found_rests_whenever_it_is_found() -> None:
    found = searched(ASKED, ["7"], 1)
    assert found
    assert found.stop_ids == ("7",)


def test_a_search_before_the_request_can_no_longer_arrive_proves_nothing() -> None:
    assert searched(ASKED, [], LATE_MS - 1) == ASKED


def test_absence_needs_several_searches_over_a_while() -> None:
    stop: ExchangeStop | None = ASKED
    for at_ms in (LATE_MS, LATE_MS + 1, LATE_MS + 2, LATE_MS + 3):
        assert stop
        stop = searched(stop, [], at_ms)
    assert stop, "many, but all at once: listings lag"
    assert searched(stop, [], LATE_MS + ABSENCE_WINDOW_MS) is None
    once = searched(ASKED, [], LATE_MS)
    assert once
    assert searched(once, [], LATE_MS + ABSENCE_WINDOW_MS), "long, but only two"


def test_three_searches_over_half_a_minute_prove_that_no_stop_rests() -> None:
    stop: ExchangeStop | None = ASKED
    for at_ms in (LATE_MS, LATE_MS + 10_000):
        assert stop
        stop = searched(stop, [], at_ms)
    assert stop
    assert searched(stop, [], LATE_MS + ABSENCE_WINDOW_MS) is None


def test_a_stop_for_another_amount_than_is_held_is_replaced() -> None:
    stop = searched(ASKED, ["7"], 1)
    less = StopTerms(TERMS.trigger_price, TERMS.limit_price, Decimal("0.0005"))
    assert next_step(stop, TERMS, 0) is StopStep.KEEP
    assert next_step(stop, less, 0) is StopStep.REMOVE
    assert next_step(stop, None, 0) is StopStep.REMOVE
