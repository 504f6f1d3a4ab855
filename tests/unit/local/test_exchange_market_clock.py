import pytest

from crypto_ai_bot.local.exchange.market_clock import MarketClock


def test_market_time_runs_at_its_speed_from_its_start() -> None:
    real_ms = [5_000.0]
    clock = MarketClock(1_000_000, 60, lambda: real_ms[0])
    assert clock.now_ms() == 1_000_000
    real_ms[0] += 1_000
    assert clock.now_ms() == 1_060_000


def test_a_held_clock_moves_only_when_it_is_advanced() -> None:
    real_ms = [0.0]
    clock = MarketClock(1_000_000, 0, lambda: real_ms[0])
    real_ms[0] = 1e9
    assert clock.now_ms() == 1_000_000
    assert clock.advance(60_000) == clock.now_ms() == 1_060_000


def test_market_time_never_goes_back() -> None:
    real_ms = [10_000.0]
    clock = MarketClock(1_000_000, 1, lambda: real_ms[0])
    real_ms[0] = 12_000.0
    assert clock.now_ms() == 1_002_000
    real_ms[0] = 11_000.0
    assert clock.now_ms() == 1_002_000
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(-1)
    assert clock.advance(0) == 1_002_000
