"""When a price is first reached: the same moment that looking at every one would find."""

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crypto_ai_bot.local.exchange.bars import Bar, bar_of
from crypto_ai_bot.local.exchange.engine.orders import Rule
from crypto_ai_bot.local.exchange.listed_venue import ListedVenue
from crypto_ai_bot.local.exchange.market import Listing, Market
from crypto_ai_bot.local.exchange.pairs import rules_of
from crypto_ai_bot.local.exchange.replay import ReplaySource
from crypto_ai_bot.local.exchange.timeline import Timeline

STEP_MS = 60  # short bars, so that looking at every moment is quick
PRICES = st.integers(90, 110)


@st.composite
def sources(draw: st.DrawFn) -> ReplaySource:
    slots = draw(st.lists(st.integers(0, 8), min_size=1, max_size=5, unique=True))
    return ReplaySource([draw(bars(slot)) for slot in sorted(slots)], STEP_MS)


@st.composite
def bars(draw: st.DrawFn, slot: int) -> Bar:
    low, opened, close, high = sorted(draw(st.lists(PRICES, min_size=4, max_size=4)))
    if draw(st.booleans()):
        opened, close = close, opened
    return bar_of(slot * STEP_MS, (opened, high, low, close), 1)


@settings(max_examples=400, deadline=None)
@given(sources(), PRICES, st.integers(0, 600), st.integers(0, 400), st.booleans())
@example(ReplaySource([bar_of(0, (100, 110, 90, 100), 1)], STEP_MS), 110, 19, 60, True)  # noqa: FBT003 - rising
def test_it_is_the_first_of_all_moments(
    source: ReplaySource,
    price: int,
    after_ms: int,
    length_ms: int,
    rising: bool,  # noqa: FBT001 - hypothesis gives it by place
) -> None:
    timeline = Timeline(source, 1)
    after_ms = max(after_ms, source.first_ms)
    until_ms = after_ms + length_ms
    moments = range(after_ms + 1, until_ms + 1)
    now = timeline.price
    reached = (t for t in moments if (now(t) >= price if rising else now(t) <= price))
    found = timeline.first_reach(price, after_ms, until_ms, rising=rising)
    assert found == next(reached, None)


@pytest.mark.parametrize(
    ("end", "rule", "beyond"), [(6300, Rule.AT_MOST, "63.50"), (6400, Rule.AT_LEAST, "63.51")]
)
def test_a_price_between_two_steps_is_reached_at_the_step_beyond_it(
    end: int, rule: Rule, beyond: str
) -> None:
    rules, begin = rules_of("LTC_USDT", 64.0), 12_700 - end
    way = bar_of(0, (begin, 6400, 6300, end), 1)
    listing = Listing(rules, Timeline(ReplaySource([way], 60_000), 1))
    venue = ListedVenue(Market({"LTC_USDT": listing}))
    found = venue.first_reach("LTC_USDT", rule, Decimal("63.505"), 0, 60_000)
    assert found is not None
    assert found == venue.first_reach("LTC_USDT", rule, Decimal(beyond), 0, 60_000)
    assert venue.last("LTC_USDT", found) == Decimal(beyond)
    assert venue.last("LTC_USDT", found - 1) != Decimal(beyond)
