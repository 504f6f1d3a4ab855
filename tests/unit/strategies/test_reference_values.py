"""Each strategy's signals against the same rule on the columns of TA-Lib."""

from importlib import import_module
from typing import Any

import numpy as np

from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.strategies.indicators import Atr, Bollinger, Ema, Rsi, Sma
from crypto_ai_bot.strategies.registry import load
from unit.strategies.candles import actions, walk

talib = import_module("talib")

BARS = 6_000
SETTLED = 1_000  # recursive averages begin differently here and there; by then that is forgotten
CANDLES = walk(BARS, seed=21, deviation=0.004)
TIMES, OPENS, HIGHS, LOWS, CLOSES, _ = (np.array(column) for column in zip(*CANDLES, strict=True))

QUIET = (Action.HOLD, Action.HOLD)

type Column = Any
type Said = list[tuple[Action, Action]]


def said_by(name: str, **parameters: Any) -> Said:
    return actions(load(name, parameters), CANDLES)[SETTLED:]


def expected(enters: Column, leaves: Column) -> Said:
    hold = Action.HOLD
    return [
        (Action.ENTER if enter else hold, Action.EXIT if leave else hold)
        for enter, leave in zip(enters[SETTLED:], leaves[SETTLED:], strict=True)
    ]


def agree(said: Said, wanted: Said, at_least: int) -> None:
    differing = [number for number, pair in enumerate(said) if pair != wanted[number]]
    assert not differing
    assert sum(enter is Action.ENTER for enter, _ in said) >= at_least
    assert sum(leave is Action.EXIT for _, leave in said) >= at_least


def before(column: Column) -> Column:
    return np.concatenate(([np.nan], column[:-1]))


def test_the_indicators_are_those_of_the_library() -> None:
    ema, sma, rsi, atr, bands = Ema(26), Sma(20), Rsi(14), Atr(14), Bollinger(20, 2.0)
    columns: dict[str, list[float]] = {name: [] for name in ("ema", "sma", "rsi", "atr", "low")}
    for high, low, close in zip(HIGHS, LOWS, CLOSES, strict=True):
        for indicator in (ema, sma, rsi, bands):
            indicator.update(close)
        atr.update(high, low, close)
        now = (ema.value, sma.value, rsi.value, atr.value, bands.lower)
        for column, value in zip(columns.values(), now, strict=True):
            column.append(value)
    library = {
        "ema": talib.EMA(CLOSES, 26),
        "sma": talib.SMA(CLOSES, 20),
        "rsi": talib.RSI(CLOSES, 14),
        "atr": talib.ATR(HIGHS, LOWS, CLOSES, 14),
        "low": talib.BBANDS(CLOSES, 20, 2.0, 2.0)[2],
    }
    for name, column in columns.items():
        assert np.allclose(column[SETTLED:], library[name][SETTLED:], rtol=1e-9), name


def test_ema_cross() -> None:
    gap = talib.EMA(CLOSES, 12) - talib.EMA(CLOSES, 26)
    wanted = expected((before(gap) <= 0) & (gap > 0), (before(gap) >= 0) & (gap < 0))
    agree(said_by("ema_cross"), wanted, 40)


def test_donchian_breakout() -> None:
    top, bottom = before(talib.MAX(HIGHS, 20)), before(talib.MIN(LOWS, 10))
    agree(said_by("donchian_breakout"), expected(top < CLOSES, bottom > CLOSES), 100)


def test_rsi_momentum() -> None:
    rsi = talib.RSI(CLOSES, 14)
    wanted = expected((before(rsi) <= 60) & (rsi > 60), (before(rsi) >= 45) & (rsi < 45))
    agree(said_by("rsi_momentum"), wanted, 100)


def test_bollinger_reversion() -> None:
    _, middle, lower = talib.BBANDS(CLOSES, 20, 2.0, 2.0)
    agree(said_by("bollinger_reversion"), expected(lower > CLOSES, middle <= CLOSES), 100)


def test_supertrend() -> None:
    """The published recurrence, bar by bar, on the library's true range."""
    atr = talib.ATR(HIGHS, LOWS, CLOSES, 10)
    middle, rising = (HIGHS + LOWS) / 2, False
    above, below = middle + 3 * atr, middle - 3 * atr
    enters, leaves = np.zeros(BARS, bool), np.zeros(BARS, bool)
    for i in range(11, BARS):
        if not (above[i] < above[i - 1] or CLOSES[i - 1] > above[i - 1]):
            above[i] = above[i - 1]
        if not (below[i] > below[i - 1] or CLOSES[i - 1] < below[i - 1]):
            below[i] = below[i - 1]
        enters[i] = not rising and CLOSES[i] > above[i]
        leaves[i] = rising and CLOSES[i] < below[i]
        rising = (rising or enters[i]) and not leaves[i]
    agree(said_by("supertrend"), expected(enters, leaves), 20)


def test_trend_filter() -> None:
    gap = talib.EMA(CLOSES, 10) - talib.EMA(CLOSES, 30)
    longer = CLOSES[3::4]
    rises = longer > talib.SMA(longer, 50)
    # The longer bar that closed last before each bar: a longer bar is seen when the next begins.
    rising = np.array([number >= 4 and rises[number // 4 - 1] for number in range(BARS)])
    ended = (before(rising) == 1) & ~rising
    wanted = expected(
        (before(gap) <= 0) & (gap > 0) & rising, ((before(gap) > 0) & (gap <= 0)) | ended
    )
    agree(said_by("trend_filter"), wanted, 10)


def test_fusion_is_the_sum_of_what_its_members_said_lately() -> None:
    names, weights = ("ema_cross", "donchian_breakout", "rsi_momentum"), (2, 1, 1)
    spoken = [actions(load(name, {}), CANDLES) for name in names]
    enters, leaves = np.zeros(BARS, bool), np.zeros(BARS, bool)
    for i in range(BARS):
        lately = [
            next((words[j] for j in range(i, max(i - 12, -1), -1) if words[j] != QUIET), QUIET)
            for words in spoken
        ]
        votes = [(pair[0] is Action.ENTER) - (pair[1] is Action.EXIT) for pair in lately]
        score = sum(w * v for w, v in zip(weights, votes, strict=True)) / 4
        speaks = any(words[i] != QUIET for words in spoken)
        enters[i], leaves[i] = speaks and score >= 0.5, speaks and score <= -0.5
    agree(said_by("fusion"), expected(enters, leaves), 40)
