from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crypto_ai_bot.local.exchange.bars import Bar, bar_of, fold, price_in, prints, so_far
from crypto_ai_bot.local.exchange.numbers import decimal_of, plain, text_of

MINUTE_MS = 60_000
UNIT = 100


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    prices = st.integers(1, 10**7)
    opened, close, one, other = (draw(prices) for _ in range(4))
    low, *_, high = sorted((opened, close, one, other))
    return bar_of(
        draw(st.integers(0, 10**6)) * MINUTE_MS,
        (opened, high, low, close),
        draw(st.integers(0, 10**12)),
    )


@given(bars(), st.integers(0, 2 * MINUTE_MS))
def test_the_price_never_leaves_its_bar(bar: Bar, elapsed_ms: int) -> None:
    assert bar.low <= price_in(bar, elapsed_ms, MINUTE_MS) <= bar.high


@given(bars(), st.integers(0, 9_999))
def test_someone_who_looks_every_ten_seconds_sees_the_low_and_the_high(
    bar: Bar, first_ms: int
) -> None:
    seen = {price_in(bar, t, MINUTE_MS) for t in range(first_ms, MINUTE_MS, 10_000)}
    assert {bar.low, bar.high} <= seen


def test_the_path_goes_from_open_to_the_nearer_extreme_first() -> None:
    bar = bar_of(0, (100, 110, 60, 80), 0)
    assert [price_in(bar, t, MINUTE_MS) for t in range(0, 60_001, 10_000)] == [
        100,
        110,
        110,
        85,
        60,
        60,
        80,
    ]
    bar = bar_of(0, (100, 150, 95, 120), 0)
    assert price_in(bar, 15_000, MINUTE_MS) == 95


@given(bars(), st.integers(0, MINUTE_MS), st.integers(0, MINUTE_MS))
def test_an_unfinished_bar_only_grows_and_ends_as_the_whole(
    bar: Bar, one_ms: int, other_ms: int
) -> None:
    early, late = (so_far(bar, t, MINUTE_MS, UNIT) for t in sorted((one_ms, other_ms)))
    assert early.high <= late.high <= bar.high
    assert early.low >= late.low >= bar.low
    assert early.volume <= late.volume <= bar.volume
    assert late.close == price_in(bar, max(one_ms, other_ms), MINUTE_MS)
    assert so_far(bar, MINUTE_MS, MINUTE_MS, UNIT) == bar


@given(bars())
def test_trades_of_a_bar_rebuild_the_bar(bar: Bar) -> None:
    trades = prints(bar, MINUTE_MS, UNIT)
    assert sum(t.volume for t in trades) == bar.volume
    assert all(t.volume > 0 for t in trades)
    if len(trades) > 1:
        prices = [t.price for t in trades]
        assert (prices[0], max(prices), min(prices), prices[-1]) == (
            bar.open,
            bar.high,
            bar.low,
            bar.close,
        )


@given(st.lists(bars(), max_size=8), st.integers(0, 8))
def test_folding_the_halves_is_folding_the_whole(many: list[Bar], cut: int) -> None:
    halves = [half for half in (fold(many[:cut]), fold(many[cut:])) if half]
    assert fold(halves) == fold(many)


@given(st.integers(-(10**20), 10**20), st.integers(0, 12))
def test_numbers_are_written_exactly_and_plainly(units: int, decimals: int) -> None:
    text = text_of(units, decimals)
    assert Decimal(text) == decimal_of(units, decimals)
    assert "E" not in text
    assert text == plain(decimal_of(units, decimals))
