"""The Donchian breakout against the rule written out over slices."""

import pytest

from crypto_ai_bot.domain.market import Candle
from crypto_ai_bot.domain.signal import HOLD, Action
from crypto_ai_bot.strategies.base import fold
from crypto_ai_bot.strategies.donchian_breakout import Strategy
from unit.strategies.candles import actions, walk


def candles_of(*closes: float) -> list[Candle]:
    return [Candle(60_000 * i, c, c + 1, c - 1, c, 1.0) for i, c in enumerate(closes)]


@pytest.mark.parametrize(("entry_bars", "exit_bars"), [(20, 10), (5, 30), (1, 1)])
def test_signals_are_closes_outside_the_windows_before_them(
    entry_bars: int, exit_bars: int
) -> None:
    candles = walk(2_000, seed=5)
    said = actions(Strategy(entry_bars, exit_bars), candles)
    entered = left = 0
    for i, candle in enumerate(candles):
        above = i >= entry_bars and candle.close > max(c.high for c in candles[i - entry_bars : i])
        below = i >= exit_bars and candle.close < min(c.low for c in candles[i - exit_bars : i])
        assert said[i] == (
            Action.ENTER if above else Action.HOLD,
            Action.EXIT if below else Action.HOLD,
        )
        entered, left = entered + above, left + below
    assert min(entered, left) > 20


def test_an_entry_says_which_high_was_broken_by_how_much() -> None:
    signal = fold(Strategy(2, 2, 3), candles_of(100, 101, 103), holding=False)
    assert signal.action is Action.ENTER
    assert signal.reasons == ("close 103 above the 2-bar high 102",)
    assert signal.atr == pytest.approx((2 + 2 + 3) / 3)
    assert signal.score == pytest.approx(1 / signal.atr)


def test_an_exit_says_which_low_was_broken_and_scores_below_zero() -> None:
    signal = fold(Strategy(2, 2, 3), candles_of(100, 100, 98), holding=True)
    assert signal.action is Action.EXIT
    assert signal.reasons == ("close 98 below the 2-bar low 99",)
    assert -1 <= signal.score < 0


def test_it_holds_inside_the_channel_and_before_the_windows_are_full() -> None:
    assert fold(Strategy(2, 2), candles_of(100, 200), holding=False) is HOLD
    assert fold(Strategy(2, 2), candles_of(100, 50), holding=True) is HOLD
    assert fold(Strategy(2, 2), candles_of(100, 100, 101), holding=False) is HOLD
    assert fold(Strategy(), [], holding=True) is HOLD


@pytest.mark.parametrize("name", ["entry_bars", "exit_bars", "atr"])
def test_a_window_holds_at_least_one_bar(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}=0: must be at least 1$"):
        Strategy(**{name: 0})
