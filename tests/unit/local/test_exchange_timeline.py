from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto_ai_bot.local.exchange.bars import Bar, bar_of, fold
from crypto_ai_bot.local.exchange.replay import ReplaySource
from crypto_ai_bot.local.exchange.synthetic import LISTED_MS, SyntheticSource
from crypto_ai_bot.local.exchange.timeline import Timeline

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
START_MS = 1_700_000_000_000 // DAY_MS * DAY_MS


def source(seed: int = 7, pair: str = "BTC_USDT") -> SyntheticSource:
    return SyntheticSource(seed, pair, 60_000.0, 1, 100)


def test_a_restart_continues_the_same_market() -> None:
    at = range(START_MS, START_MS + 5 * HOUR_MS, 777_777)
    once, again = Timeline(source(), 100), Timeline(source(), 100)
    assert [once.price(t) for t in at] == [again.price(t) for t in reversed(at)][::-1]
    assert once.price(START_MS) != Timeline(source(seed=8), 100).price(START_MS)
    assert once.price(START_MS) != Timeline(source(pair="ETH_USDT"), 100).price(START_MS)


def test_the_made_up_market_is_whole_lively_and_stays_near_its_start() -> None:
    bars = source().bars(START_MS, START_MS + 20 * DAY_MS)
    assert len(bars) == 20 * 1440
    for before, bar in pairwise(bars):
        assert bar.open_ms == before.open_ms + MINUTE_MS
        assert abs(bar.open - before.close) <= 1  # one block's end and the next one's start
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume > 0
    moves = [abs(bar.close / bar.open - 1) for bar in bars]
    assert 0.0004 < sum(moves) / len(moves) < 0.0012
    assert 400_000 < min(b.low for b in bars) < max(b.high for b in bars) < 800_000


def test_nothing_trades_before_the_made_up_market_opened() -> None:
    timeline = Timeline(source(), 100)
    assert source().bars(0, LISTED_MS) == []
    assert timeline.candles(DAY_MS, 0, LISTED_MS - 1, START_MS) == []
    with pytest.raises(ValueError, match="nothing traded before"):
        timeline.price(LISTED_MS - 1)


def gapped() -> ReplaySource:
    minutes = [m for m in range(3 * 1440) if not 100 <= m < 400 and m % 7]
    return ReplaySource(
        [
            bar_of(START_MS + m * MINUTE_MS, (100 + m, 110 + m, 90 + m, 105 + m), 1200 * UNIT)
            for m in minutes
        ],
        MINUTE_MS,
    )


UNIT = 100


@settings(deadline=None)
@given(st.integers(0, 3 * 1440), st.integers(0, 3 * DAY_MS + HOUR_MS))
def test_a_window_folds_what_traded_in_it_whatever_is_kept_of_the_past(
    minute: int, until_ms: int
) -> None:
    replay, from_ms, at_ms = gapped(), START_MS + minute * MINUTE_MS, START_MS + until_ms
    whole = fold(replay.bars(from_ms, at_ms - at_ms % MINUTE_MS))
    seen = Timeline(replay, UNIT).window(from_ms, at_ms)
    running = replay.bars(max(from_ms, at_ms - at_ms % MINUTE_MS), at_ms + 1)
    if not running:
        assert seen == whole
    else:
        assert seen is not None
        assert seen.close == Timeline(replay, UNIT).price(at_ms)
        assert seen.volume <= (whole.volume if whole else 0) + running[0].volume
        assert seen.open == (whole or running[0]).open


@pytest.mark.parametrize("interval_ms", [MINUTE_MS, 5 * MINUTE_MS, HOUR_MS, DAY_MS])
def test_candles_end_in_the_present_and_invent_nothing(interval_ms: int) -> None:
    timeline, replay = Timeline(gapped(), UNIT), gapped()
    at_ms = START_MS + DAY_MS + 10 * HOUR_MS + 22 * MINUTE_MS + 30_000
    candles = timeline.candles(interval_ms, START_MS, at_ms + DAY_MS, at_ms)
    for candle in candles[:-1]:
        assert candle.closed
        assert candle.bar == fold(replay.bars(candle.open_ms, candle.open_ms + interval_ms))
    assert not candles[-1].closed
    assert candles[-1].bar.close == timeline.price(at_ms)
    assert [c.open_ms for c in candles] == [
        t
        for t in range(START_MS, at_ms, interval_ms)
        if replay.bars(t, min(t + interval_ms, at_ms))
    ]


def test_a_closed_candle_does_not_change_afterwards() -> None:
    timeline = Timeline(source(), UNIT)
    end_ms = START_MS + HOUR_MS
    then = timeline.candles(HOUR_MS, START_MS, START_MS, end_ms)
    assert then == timeline.candles(HOUR_MS, START_MS, START_MS, end_ms + 9 * DAY_MS)
    before = timeline.candles(HOUR_MS, START_MS, START_MS, end_ms - 1)[0]
    assert (then[0].closed, before.closed) == (True, False)
    assert then[0].bar.volume > before.bar.volume - 1


def test_in_a_gap_the_last_price_stands() -> None:
    timeline = Timeline(gapped(), UNIT)
    last = gapped().bars(START_MS + 99 * MINUTE_MS, START_MS + 100 * MINUTE_MS)[0].close
    assert timeline.price(START_MS + 100 * MINUTE_MS) == last
    assert timeline.price(START_MS + 399 * MINUTE_MS) == last
    assert (
        timeline.candles(
            MINUTE_MS, START_MS + 100 * MINUTE_MS, START_MS + 399 * MINUTE_MS, START_MS + DAY_MS
        )
        == []
    )


def test_trades_are_newest_first_never_of_the_future_and_add_up_to_the_candle() -> None:
    timeline = Timeline(gapped(), UNIT)
    at_ms = START_MS + 23 * MINUTE_MS + 31_000
    trades = list(timeline.trades(START_MS, at_ms + DAY_MS, at_ms))
    assert [t.id for t in trades] == sorted({t.id for t in trades}, reverse=True)
    assert at_ms - 5_000 < trades[0].time_ms <= at_ms
    whole = timeline.window(START_MS, at_ms)
    assert whole is not None
    assert sum(t.volume for t in trades) == whole.volume


def test_a_bar_is_found_at_its_very_first_and_not_before() -> None:
    replay = ReplaySource(
        [Bar(60_000, 1, 1, 1, 1, 0, 0), Bar(120_000, 2, 2, 2, 2, 0, 0)], MINUTE_MS
    )
    assert replay.newest(59_999) is None
    assert [replay.newest(t) for t in (60_000, 119_999, 120_000)] == [
        *replay.bars(60_000, 60_001),
        *replay.bars(0, 120_000),
        *replay.bars(120_000, 120_001),
    ]
    assert replay.end_ms == 180_000
