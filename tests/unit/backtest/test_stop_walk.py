"""The walk over bars finds what the live stops find when they are shown each price in turn."""

from math import inf

from hypothesis import example, given
from hypothesis import strategies as st

from builders import NOON_MS, dec
from crypto_ai_bot.backtest.stop_walk import AT_HIGH, AT_LOW, AT_OPEN, StopWalk
from crypto_ai_bot.domain.order import Purpose
from crypto_ai_bot.domain.stop import Guard, StopRules, TakeProfitStep, judge, opened

ENTRY, BREAK_EVEN, ATR, HELD = 100.0, 100.4, 1.5, dec(1)

RULES = st.builds(
    StopRules,
    hard_pct=st.sampled_from([0.0, 1.0, 5.0]),
    trailing_pct=st.sampled_from([0.0, 0.5, 3.0]),
    atr_multiple=st.sampled_from([0.0, 1.0, 2.5]),
    break_even_pct=st.sampled_from([0.0, 0.2, 2.0]),
    take_profit=st.sampled_from([(), (1.0,), (0.5, 3.0)]).map(
        lambda gains: tuple(TakeProfitStep(gain, dec("0.1")) for gain in gains)
    ),
)
PRICE = st.integers(9_000, 11_000).map(lambda cents: cents / 100)
BAR = st.lists(PRICE, min_size=3, max_size=3).map(
    lambda three: (three[0], min(three), max(three))  # open, low, high
)
BARS = st.lists(BAR, min_size=1, max_size=12)


def guard_of(rules: StopRules) -> Guard:
    fresh = Guard(NOON_MS, ENTRY, BREAK_EVEN, HELD, ATR, ENTRY, 0.0)
    return opened(rules, fresh)


def target_of(rules: StopRules, peak: float) -> float:
    prices = (ENTRY * (1 + step.gain_pct / 100) for step in rules.take_profit)
    return min((price for price in prices if price > peak), default=inf)


def shown_one_by_one(
    rules: StopRules, bars: list[tuple[float, float, float]]
) -> tuple[int, int, float, bool, float]:
    """Where the live stops first call for something on the pessimistic path, and the stop then."""
    guard = guard_of(rules)
    for bar, (first, low, high) in enumerate(bars):
        for moment in (AT_OPEN, AT_LOW, AT_HIGH):
            price = (first, low, high)[moment]
            if moment == AT_LOW and low <= guard.stop_price:
                price = min(first, guard.stop_price)
            if moment == AT_HIGH:
                price = min(high, target_of(rules, guard.peak_price))
            guard, call = judge(rules, guard, HELD, price, NOON_MS)
            if call:
                step = call.purpose is Purpose.TAKE_PROFIT
                return bar, moment, price, step, guard.stop_price
    return len(bars), AT_OPEN, 0.0, False, guard.stop_price


@given(RULES, BARS)
@example(StopRules(hard_pct=0, break_even_pct=0.2), [(100.3, 100.3, 100.3)] * 2)
@example(StopRules(trailing_pct=0.5), [(104.0, 103.0, 104.0)])
def test_the_walk_stops_where_the_live_stops_do(
    rules: StopRules, bars: list[tuple[float, float, float]]
) -> None:
    opens, lows, highs = (list(column) for column in zip(*bars, strict=True))
    walk = StopWalk(rules, opens, lows, highs)
    level = walk.enter(ENTRY, BREAK_EVEN, ATR)
    assert level == guard_of(rules).stop_price
    bar, moment, price, step, _, level = walk.walk(
        0, len(bars), ENTRY, level, target_of(rules, ENTRY)
    )
    assert (bar, moment, price, step, level) == shown_one_by_one(rules, bars)


@given(RULES, BARS, BARS)
def test_a_walk_in_two_parts_is_one_walk(
    rules: StopRules,
    before: list[tuple[float, float, float]],
    after: list[tuple[float, float, float]],
) -> None:
    opens, lows, highs = (list(column) for column in zip(*before, *after, strict=True))
    walk = StopWalk(rules, opens, lows, highs)
    level, half, end = walk.enter(ENTRY, BREAK_EVEN, ATR), len(before), len(opens)
    first = walk.walk(0, half, ENTRY, level, inf)
    whole = walk.walk(0, end, ENTRY, level, inf)
    parted = first if first[2] else walk.walk(half, end, first[4], first[5], inf)
    assert parted == whole
