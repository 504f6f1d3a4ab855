"""The EMA cross against the rule written out over whole lists, and its ATR filter."""

import re
from dataclasses import replace
from typing import Any

import pytest

from crypto_ai_bot.domain.market import Candle
from crypto_ai_bot.domain.signal import HOLD, Action
from crypto_ai_bot.strategies.base import fold
from crypto_ai_bot.strategies.ema_cross import Strategy
from crypto_ai_bot.strategies.indicators import Atr, Ema
from unit.strategies.candles import actions, walk

PLAIN = Strategy(atr=0)


def candles_of(*closes: float) -> list[Candle]:
    return [Candle(60_000 * i, c, c + 1, c - 1, c, 1.0) for i, c in enumerate(closes)]


def averages(closes: list[float], bars: int) -> list[float]:
    ema, values = Ema(bars), []
    for close in closes:
        ema.update(close)
        values.append(ema.value)
    return values


def test_signals_are_the_crosses_of_the_two_averages_and_nothing_else() -> None:
    candles = walk(5_000, seed=3)
    closes = [candle.close for candle in candles]
    fast, slow = averages(closes, 12), averages(closes, 26)
    said = actions(PLAIN, candles)
    entered = left = 0
    for i in range(len(candles)):
        before = max(i - 1, 0)
        up = fast[before] <= slow[before] and fast[i] > slow[i]
        down = fast[before] >= slow[before] and fast[i] < slow[i]
        assert said[i] == (
            Action.ENTER if up else Action.HOLD,
            Action.EXIT if down else Action.HOLD,
        )
        entered, left = entered + up, left + down
    assert min(entered, left) > 50


def test_a_bar_without_a_cross_hands_back_the_shared_constant() -> None:
    for candles in (candles_of(100, 100, 100), []):
        assert fold(Strategy(), candles, holding=False) is HOLD
        assert fold(Strategy(), candles, holding=True) is HOLD


def test_holding_never_enters_again_and_flat_never_exits() -> None:
    rising, falling = candles_of(100, 100, 110), candles_of(100, 100, 90)
    assert fold(PLAIN, rising, holding=True) is HOLD
    assert fold(PLAIN, falling, holding=False) is HOLD


def test_an_entry_says_what_crossed_how_fast_and_how_far_prices_range() -> None:
    candles = candles_of(100, 100, 110)
    signal = fold(Strategy(fast=2, slow=5, atr=3), candles, holding=False)
    assert signal.action is Action.ENTER
    assert signal.reasons == ("EMA 2 crossed above EMA 5",)
    atr = Atr(3)
    for candle in candles:
        atr.update(candle.high, candle.low, candle.close)
    assert signal.atr == atr.value
    assert signal.score == pytest.approx((10 * 2 / 3 - 10 / 3) / atr.value)


def test_an_exit_scores_below_zero() -> None:
    signal = fold(PLAIN, candles_of(100, 100, 90), holding=True)
    assert signal.action is Action.EXIT
    assert signal.reasons == ("EMA 12 crossed below EMA 26",)
    assert (signal.score, signal.atr) == (-1.0, 0.0)


@pytest.mark.parametrize(
    ("lowest", "highest", "action", "reason"),
    [
        (0.0, 0.0, Action.ENTER, "EMA 12 crossed above EMA 26"),
        (4.0, 5.0, Action.ENTER, "EMA 12 crossed above EMA 26"),
        (5.0, 0.0, Action.HOLD, "ATR is 4.55 % of the close, below 5 %"),
        (0.0, 4.0, Action.HOLD, "ATR is 4.55 % of the close, above 4 %"),
    ],
)
def test_the_filter_keeps_entries_within_its_bounds(
    lowest: float, highest: float, action: Action, reason: str
) -> None:
    # True ranges 2, 2 and 11 of a close of 110: an average of 5 over three bars.
    strategy = Strategy(atr=3, atr_pct_min=lowest, atr_pct_max=highest)
    signal = fold(strategy, candles_of(100, 100, 110), holding=False)
    assert (signal.action, signal.reasons) == (action, (reason,))


def test_the_filter_lets_nothing_in_before_its_window_is_full() -> None:
    strategy = Strategy(atr=4, atr_pct_min=0.1)
    signal = fold(strategy, candles_of(100, 100, 110), holding=False)
    assert signal.reasons == ("ATR has not seen 4 bars",)
    assert signal.action is Action.HOLD


def test_the_filter_never_keeps_an_exit_back() -> None:
    strategy = Strategy(atr=3, atr_pct_min=50)
    signal = fold(strategy, candles_of(100, 100, 90), holding=True)
    assert signal.action is Action.EXIT


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"fast": 0}, "fast=0: must be at least 1"),
        ({"fast": 26}, "fast=26: must be below slow=26"),
        ({"atr": -1}, "atr=-1: must be at least 0"),
        ({"atr_pct_min": -0.5}, "atr_pct_min=-0.5: must be at least 0"),
        ({"atr": 0, "atr_pct_max": 2.0}, "atr_pct_max=2: needs atr of at least 1"),
        (
            {"atr_pct_min": 3.0, "atr_pct_max": 2.0},
            "atr_pct_min=3: must not be above atr_pct_max=2",
        ),
    ],
)
def test_a_wrong_parameter_gets_one_line(changed: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        replace(Strategy(), **changed)
