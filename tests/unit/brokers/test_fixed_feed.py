from decimal import Decimal
from itertools import pairwise

import pytest

from crypto_ai_bot.brokers.fixed_feed import FixedFeed
from fakes_feed import BTC_USDT, LTC_USDT, ManualClock

MINUTE_MS = 60_000


@pytest.fixture
def feed(clock: ManualClock) -> FixedFeed:
    return FixedFeed(Decimal("64.03"), clock)


def test_bid_ask_and_last_are_the_price(feed: FixedFeed, clock: ManualClock) -> None:
    quotes = feed.fetch_tickers([BTC_USDT, LTC_USDT])
    for quote in quotes.values():
        assert quote.bid == quote.ask == quote.last == Decimal("64.03")
        assert quote.spread_pct == 0
        assert quote.read_ms == clock.now_ms()
    assert set(quotes) == {BTC_USDT, LTC_USDT}


def test_candles_are_flat_and_closed_without_a_gap(feed: FixedFeed) -> None:
    now_ms = 1_700_000_030_000
    candles = feed.fetch_candles(BTC_USDT, "1m", 5, now_ms)
    assert len(candles) == 5
    assert candles[-1].opened_ms + MINUTE_MS <= now_ms < candles[-1].opened_ms + 2 * MINUTE_MS
    steps = {later.opened_ms - earlier.opened_ms for earlier, later in pairwise(candles)}
    assert steps == {MINUTE_MS}
    assert {candle.high for candle in candles} == {64.03}


def test_the_depth_is_deep_and_the_rules_open(feed: FixedFeed) -> None:
    depth = feed.fetch_depth(BTC_USDT)
    assert depth.asks[0].amount_base == depth.bids[0].amount_base == 10**9
    rules = feed.fetch_rules(BTC_USDT, 7)
    assert rules.may_buy
    assert rules.may_sell
    assert rules.read_ms == 7


@pytest.mark.parametrize(("price", "step"), [("27000", "0.01"), ("0.00000345", "0.00000001")])
def test_the_price_step_is_no_coarser_than_the_price(
    price: str, step: str, clock: ManualClock
) -> None:
    rules = FixedFeed(Decimal(price), clock).fetch_rules(BTC_USDT, 0)
    assert rules.price_step_quote == Decimal(step)


def test_the_time_is_ours(feed: FixedFeed, clock: ManualClock) -> None:
    assert feed.fetch_server_ms() == clock.now_ms()


@pytest.mark.parametrize("price", ["0", "-1"])
def test_a_price_of_nothing_is_refused(price: str, clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="above 0"):
        FixedFeed(Decimal(price), clock)
