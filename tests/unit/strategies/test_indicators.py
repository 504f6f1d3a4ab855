"""Each indicator against a computation over the whole window, written out plainly."""

import math
import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_ai_bot.strategies.channels import Donchian, Highest, Lowest
from crypto_ai_bot.strategies.indicators import Atr, Bollinger, Ema, Rsi, Sma, in_ranges
from unit.strategies.candles import walk

PRICES = st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=80)
BARS = st.integers(1, 12)
RANGES = st.lists(
    st.tuples(st.floats(1, 1e6), st.floats(1, 1e6), st.floats(0, 1)).map(
        lambda three: (
            max(three[:2]),
            min(three[:2]),
            min(three[:2]) + three[2] * (max(three[:2]) - min(three[:2])),
        )
    ),
    min_size=1,
    max_size=60,
)


@given(PRICES, BARS)
def test_ema_is_the_weighted_sum_of_all_closes(prices: list[float], bars: int) -> None:
    ema = Ema(bars)
    for price in prices:
        ema.update(price)
    weight = 2 / (bars + 1)
    last = len(prices) - 1
    weights = [weight * (1 - weight) ** (last - i) for i in range(len(prices))]
    weights[0] = (1 - weight) ** last
    assert ema.value == pytest.approx(math.fsum(map(math.prod, zip(weights, prices, strict=True))))


@given(PRICES, BARS)
def test_sma_is_the_mean_of_the_window(prices: list[float], bars: int) -> None:
    sma = Sma(bars)
    for seen, price in enumerate(prices, 1):
        sma.update(price)
        assert sma.value == pytest.approx(statistics.fmean(prices[:seen][-bars:]), abs=1e-8)
        assert sma.ready == (seen >= bars)


@given(PRICES, BARS)
def test_bollinger_bands_are_population_deviations_of_the_window(
    prices: list[float], bars: int
) -> None:
    bands = Bollinger(bars, width=2.5)
    for seen, price in enumerate(prices, 1):
        bands.update(price)
        window = prices[:seen][-bars:]
        mean, deviation = statistics.fmean(window), statistics.pstdev(window)
        # Until the window has turned over, a spike that left it still blurs the last digits.
        blur = 1e-7 * max(prices[:seen][-2 * bars :])
        assert bands.value == pytest.approx(mean, abs=blur)
        assert bands.deviation == pytest.approx(deviation, abs=blur)
        assert bands.upper == pytest.approx(mean + 2.5 * deviation, abs=4 * blur)
        assert bands.lower == pytest.approx(mean - 2.5 * deviation, abs=4 * blur)
        assert bands.ready == (seen >= bars)


def wilder(values: list[float], bars: int) -> float:
    """The mean of the first `bars`, then (before * (bars - 1) + value) / bars, as in the book."""
    smoothed = statistics.fmean(values[:bars])
    for value in values[bars:]:
        smoothed = (smoothed * (bars - 1) + value) / bars
    return smoothed


@given(RANGES, BARS)
def test_atr_is_wilders_average_of_true_ranges(
    bars_seen: list[tuple[float, float, float]], bars: int
) -> None:
    atr = Atr(bars)
    for high, low, close in bars_seen:
        atr.update(high, low, close)
    ranges = [bars_seen[0][0] - bars_seen[0][1]]
    for (_, _, before), (high, low, _) in pairwise(bars_seen):
        ranges.append(max(high - low, abs(high - before), abs(low - before)))
    assert atr.value == pytest.approx(wilder(ranges, bars), abs=1e-7)
    assert atr.pct == pytest.approx(100 * atr.value / bars_seen[-1][2])
    assert atr.ready == (len(bars_seen) >= bars)


@given(st.lists(st.integers(1, 10**9).map(lambda price: price / 1000), min_size=1), BARS)
def test_rsi_is_wilders_share_of_gains(prices: list[float], bars: int) -> None:
    rsi = Rsi(bars)
    for price in prices:
        rsi.update(price)
    changes = [after - before for before, after in pairwise(prices)]
    assert rsi.ready == (len(changes) >= bars)
    gain = wilder([max(change, 0.0) for change in changes], bars) if changes else 0.0
    loss = wilder([max(-change, 0.0) for change in changes], bars) if changes else 0.0
    if not gain and not loss:
        assert rsi.value == 50
        return
    expected = 100 - 100 / (1 + gain / loss) if loss else 100
    assert rsi.value == pytest.approx(expected, abs=1e-4)


def test_rsi_of_wilders_own_example() -> None:
    # The 14-day example that StockCharts and many libraries check against.
    closes = [44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42, 45.84, 46.08]
    closes += [45.89, 46.03, 45.61, 46.28, 46.28, 46.00, 46.03, 46.41, 46.22, 45.64]
    rsi = Rsi(14)
    seen = []
    for close in closes:
        rsi.update(close)
        seen.append(round(rsi.value, 2))
    assert seen[14:] == [70.46, 66.25, 66.48, 69.35, 66.29, 57.92]


@given(RANGES, BARS)
def test_donchian_is_the_extremes_of_the_window(
    bars_seen: list[tuple[float, float, float]], bars: int
) -> None:
    channel = Donchian(bars)
    for seen, (high, low, _) in enumerate(bars_seen, 1):
        channel.update(high, low)
        window = bars_seen[:seen][-bars:]
        assert channel.upper == max(high for high, _, _ in window)
        assert channel.lower == min(low for _, low, _ in window)
        assert channel.value == (channel.upper + channel.lower) / 2
        assert channel.ready == (seen >= bars)


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=1, max_size=60), BARS)
def test_extremes_stand_when_prices_repeat(prices: list[float], bars: int) -> None:
    highest, lowest = Highest(bars), Lowest(bars)
    for seen, price in enumerate(prices, 1):
        highest.update(price)
        lowest.update(price)
        assert highest.value == max(prices[:seen][-bars:])
        assert lowest.value == min(prices[:seen][-bars:])


def test_a_spike_leaves_no_trace_once_it_has_left_the_window() -> None:
    sma, bands = Sma(20), Bollinger(20)
    closes = [1e12, *(candle.close for candle in walk(60, seed=1))]
    for close in closes:
        sma.update(close)
        bands.update(close)
    assert sma.value == pytest.approx(statistics.fmean(closes[-20:]), rel=1e-15)
    assert bands.deviation == pytest.approx(statistics.pstdev(closes[-20:]), rel=1e-12)


def test_error_does_not_grow_over_a_million_bars() -> None:
    sma, bands = Sma(20), Bollinger(20)
    closes = [candle.close for candle in walk(100_000, seed=2)]
    for _ in range(10):
        for close in closes:
            sma.update(close)
            bands.update(close)
    window = closes[-20:]
    assert sma.value == pytest.approx(statistics.fmean(window), rel=1e-14)
    assert bands.deviation == pytest.approx(statistics.pstdev(window), rel=1e-10)


def test_nothing_seen_reads_as_nothing() -> None:
    assert (Ema(3).value, Sma(3).value, Atr(3).value, Atr(3).pct) == (0, 0, 0, 0)
    assert (Bollinger(3).value, Bollinger(3).deviation, Rsi(3).value) == (0, 0, 50)


@pytest.mark.parametrize(
    ("distance", "atr", "score"),
    [(1.0, 2.0, 0.5), (5.0, 2.0, 1.0), (-5.0, 2.0, -1.0), (0.1, 0.0, 1.0), (-0.1, 0.0, -1.0)],
)
def test_a_score_is_a_distance_in_true_ranges(distance: float, atr: float, score: float) -> None:
    assert in_ranges(distance, atr) == score
