from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOON_MS, dec, order, report
from crypto_ai_bot.domain.market import Balance
from crypto_ai_bot.domain.order import Order, OrderState, Totals
from crypto_ai_bot.reconciliation.resolve import (
    ABSENCE_WINDOW_MS,
    ABSENCES_NEEDED,
    ARRIVAL_MARGIN_MS,
    RESOLVE_WITHIN_MS,
    Absent,
    Found,
    GiveUp,
    Resolution,
    Wait,
    resolve,
)

UNKNOWN = order(state=OrderState.UNKNOWN)
UNMOVED = Balance(dec(10_000), dec(0))
MOVED = Balance(dec(10_000), dec("0.001"))
FIRST_MS = UNKNOWN.expires_ms + ARRIVAL_MARGIN_MS + 1


def searched(*times_ms: int, balance: Balance = UNMOVED, of: Order = UNKNOWN) -> Resolution:
    """What the last of these searches proves, each of which found nothing."""
    found: Resolution = Wait(of, "not searched yet")
    for at_ms in times_ms:
        assert isinstance(found, Wait)
        found = resolve(found.order, (), balance, at_ms, at_ms)
    return found


def test_three_complete_searches_over_half_a_minute_and_a_balance_at_rest_prove_absence() -> None:
    proof = searched(FIRST_MS, FIRST_MS + 10_000, FIRST_MS + ABSENCE_WINDOW_MS)
    assert isinstance(proof, Absent)
    assert proof.proof.startswith("3 complete searches over 30 s")


def test_two_searches_prove_nothing_however_far_apart() -> None:
    waiting = searched(FIRST_MS, FIRST_MS + 20 * ABSENCE_WINDOW_MS)
    assert isinstance(waiting, Wait)
    assert waiting.order.absences == ABSENCES_NEEDED - 1


def test_many_searches_within_the_window_prove_nothing() -> None:
    """Listings lag by seconds (gate-spot 1.6)."""
    times_ms = [FIRST_MS + n for n in range(20)] + [FIRST_MS + ABSENCE_WINDOW_MS - 1]
    assert isinstance(searched(*times_ms), Wait)


@pytest.mark.parametrize("late_ms", [0, 1, ARRIVAL_MARGIN_MS])
def test_a_search_while_the_request_can_still_arrive_does_not_count(late_ms: int) -> None:
    waiting = searched(UNKNOWN.expires_ms + late_ms)
    assert isinstance(waiting, Wait)
    assert waiting.order.absences == 0


def test_a_balance_that_moved_keeps_absence_from_being_proved() -> None:
    many = [FIRST_MS + n * 10_000 for n in range(10)]
    assert isinstance(searched(*many, balance=MOVED), Wait)
    assert isinstance(searched(*many, of=replace(UNKNOWN, balance_before=None)), Wait)


def test_the_quote_coin_proves_nothing_for_other_symbols_move_it() -> None:
    poorer = Balance(dec(9_900), dec(0))
    times_ms = (FIRST_MS, FIRST_MS + 10_000, FIRST_MS + ABSENCE_WINDOW_MS)
    assert isinstance(searched(*times_ms, balance=poorer), Absent)


def test_what_stays_undecided_for_ten_minutes_is_a_persons_to_decide() -> None:
    last_ms = NOON_MS + RESOLVE_WITHIN_MS
    assert isinstance(resolve(UNKNOWN, (), MOVED, last_ms, last_ms - 1), Wait)
    given_up = resolve(UNKNOWN, (), MOVED, last_ms, last_ms)
    assert isinstance(given_up, GiveUp)
    assert given_up.reason.endswith("but the base balance has moved, for 600 s")


def test_an_accepted_order_is_never_absent_however_long_no_listing_shows_it() -> None:
    accepted = order(state=OrderState.ACCEPTED)
    times_ms = [FIRST_MS + n * 10_000 for n in range(10)]
    assert isinstance(searched(*times_ms, of=accepted), Wait)
    late_ms = NOON_MS + RESOLVE_WITHIN_MS
    given_up = resolve(accepted, (), UNMOVED, late_ms, late_ms)
    assert isinstance(given_up, GiveUp)
    assert "accepted it and does not list it" in given_up.reason


def test_a_report_decides_at_once_even_before_the_deadline() -> None:
    said = report(UNKNOWN, "0.005", "100")
    found = resolve(UNKNOWN, (said,), UNMOVED, NOON_MS, NOON_MS)
    assert isinstance(found, Found)
    assert found.report == said


def test_two_orders_under_one_name_are_one_report_added_up() -> None:
    first = report(UNKNOWN, "0.005", "100")
    second = report(UNKNOWN, "0.003", "60", exchange_order_id="7002", finished=False)
    gt = replace(second.totals, fee_other={"GT": dec("0.1")})
    found = resolve(UNKNOWN, (first, replace(second, totals=gt)), UNMOVED, NOON_MS, NOON_MS)
    assert isinstance(found, Found)
    assert found.report.exchange_order_id == "7001+7002"
    assert not found.report.finished
    assert found.report.totals == Totals(
        dec("0.008"), dec(160), dec("0.000016"), dec(0), {"GT": dec("0.1")}
    )


@given(st.lists(st.integers(0, 120_000), min_size=1, max_size=12))
def test_absence_is_proved_only_by_enough_searches_over_enough_time(steps: list[int]) -> None:
    """Invariant I10, for any times of searching."""
    current, at_ms, counted = UNKNOWN, NOON_MS, list[int]()
    for step in steps:
        at_ms += step
        if at_ms > UNKNOWN.expires_ms + ARRIVAL_MARGIN_MS:
            counted.append(at_ms)
        found = resolve(current, (), UNMOVED, at_ms, at_ms)
        proved = len(counted) >= ABSENCES_NEEDED and counted[-1] - counted[0] >= ABSENCE_WINDOW_MS
        assert isinstance(found, Absent) == proved
        if not isinstance(found, Wait):
            return
        current = found.order
