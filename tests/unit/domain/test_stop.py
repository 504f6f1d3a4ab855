from hypothesis import given
from hypothesis import strategies as st

from builders import NOON_MS, dec
from crypto_ai_bot.domain.order import Purpose
from crypto_ai_bot.domain.stop import Guard, StopRules, TakeProfitStep, judge, opened, stop_level

OFF = StopRules(hard_pct=0)
HELD = dec("0.5")


def guard(rules: StopRules, atr: float = 2.0) -> Guard:
    fresh = Guard(
        opened_ms=NOON_MS,
        entry_price=100.0,
        break_even_price=100.4,
        bought_base=HELD,
        atr=atr,
        peak_price=100.0,
        stop_price=0.0,
    )
    return opened(rules, fresh)


def test_the_hard_stop_sells_all_at_five_per_cent_below_the_entry_unless_set_otherwise() -> None:
    rules = StopRules()
    _, call = judge(rules, guard(rules), HELD, 95.0, NOON_MS)
    assert call
    assert call.purpose is Purpose.STOP
    assert call.amount_base == HELD
    assert judge(rules, guard(rules), HELD, 95.01, NOON_MS)[1] is None


def test_every_stop_is_off_unless_set() -> None:
    assert judge(OFF, guard(OFF), HELD, 0.01, NOON_MS + 10**12)[1] is None


def test_the_trailing_stop_follows_the_peak_and_sells_below_it() -> None:
    rules = StopRules(hard_pct=0, trailing_pct=3)
    raised, call = judge(rules, guard(rules), HELD, 120.0, NOON_MS)
    assert call is None
    assert raised.peak_price == 120.0
    assert raised.stop_price == 120.0 * 0.97
    assert judge(rules, raised, HELD, 116.39, NOON_MS)[1]


def test_the_stop_is_looked_at_before_the_peak_moves() -> None:
    rules = StopRules(hard_pct=5, trailing_pct=3)
    unmoved, call = judge(rules, guard(rules), HELD, 94.0, NOON_MS)
    assert call
    assert unmoved.peak_price == 100.0


def test_the_atr_stop_hangs_below_the_peak_and_needs_an_atr() -> None:
    rules = StopRules(hard_pct=0, atr_multiple=2.5)
    assert guard(rules).stop_price == 95.0
    assert guard(rules, atr=0.0).stop_price == 0.0


def test_break_even_arms_at_its_gain_and_stays_armed() -> None:
    rules = StopRules(hard_pct=5, break_even_pct=2)
    assert guard(rules).stop_price == 95.0
    armed, _ = judge(rules, guard(rules), HELD, 102.0, NOON_MS)
    assert armed.stop_price == 100.4
    assert judge(rules, armed, HELD, 100.4, NOON_MS)[1]


def test_the_look_that_arms_break_even_does_not_sell_by_it() -> None:
    rules = StopRules(hard_pct=5, break_even_pct=0.1)
    armed, call = judge(rules, guard(rules), HELD, 100.2, NOON_MS)
    assert call is None
    assert armed.stop_price == 100.4


def test_rules_that_were_loosened_do_not_lower_the_stop_of_an_open_position() -> None:
    tight, loose = StopRules(hard_pct=5, trailing_pct=3), StopRules(hard_pct=5, trailing_pct=10)
    risen, _ = judge(tight, guard(tight), HELD, 120.0, NOON_MS)
    kept, call = judge(loose, risen, HELD, 118.0, NOON_MS)
    assert call is None
    assert kept.stop_price == risen.stop_price
    assert judge(loose, kept, HELD, 116.0, NOON_MS)[1]


def test_the_time_stop_sells_what_has_been_open_for_too_long() -> None:
    rules = StopRules(hard_pct=0, time_ms=3_600_000)
    assert judge(rules, guard(rules), HELD, 101.0, NOON_MS + 3_599_999)[1] is None
    call = judge(rules, guard(rules), HELD, 101.0, NOON_MS + 3_600_000)[1]
    assert call
    assert call.reason == "open for 3600 s, the time stop"


STEPS = StopRules(
    hard_pct=5, take_profit=(TakeProfitStep(2, dec("0.5")), TakeProfitStep(4, dec("0.25")))
)


def test_a_step_sells_its_share_once() -> None:
    after, call = judge(STEPS, guard(STEPS), HELD, 102.0, NOON_MS)
    assert call
    assert call.purpose is Purpose.TAKE_PROFIT
    assert call.amount_base == dec("0.25")
    assert judge(STEPS, after, HELD - call.amount_base, 103.0, NOON_MS)[1] is None


def test_a_jump_over_two_steps_sells_both_shares() -> None:
    call = judge(STEPS, guard(STEPS), HELD, 105.0, NOON_MS)[1]
    assert call
    assert call.amount_base == HELD * dec("0.75")


def test_a_step_filled_in_part_asks_for_the_rest() -> None:
    after, _ = judge(STEPS, guard(STEPS), HELD, 102.0, NOON_MS)
    call = judge(STEPS, after, dec("0.4"), 101.0, NOON_MS)[1]
    assert call
    assert call.amount_base == dec("0.15")


def test_a_stop_goes_before_a_step() -> None:
    reached, _ = judge(STEPS, guard(STEPS), HELD, 102.0, NOON_MS)
    call = judge(STEPS, reached, HELD, 90.0, NOON_MS)[1]
    assert call
    assert call.purpose is Purpose.STOP


prices = st.lists(st.floats(50, 200), min_size=1, max_size=60)


@given(prices, st.floats(0, 20), st.floats(0, 20), st.floats(0, 5), st.floats(0, 10))
def test_a_stop_never_falls_whatever_the_prices(
    path: list[float], hard: float, trailing: float, atr: float, even: float
) -> None:
    rules = StopRules(hard, trailing, atr, even)
    current = guard(rules)
    for price in path:
        after, _ = judge(rules, current, HELD, price, NOON_MS)
        assert after.stop_price >= current.stop_price
        assert after.peak_price >= current.peak_price
        assert stop_level(rules, after) == after.stop_price
        current = after
