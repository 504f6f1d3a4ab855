"""The stated warm-up is long enough: a fold over it decides as a fold over everything does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.market import Candle
from crypto_ai_bot.domain.signal import Action
from crypto_ai_bot.strategies.base import Strategy
from crypto_ai_bot.strategies.registry import WARM_UP_BARS_MAX, load
from unit.strategies.candles import DATA, actions, real, walk

CASES: list[tuple[str, dict[str, Any]]] = [
    ("ema_cross", {}),
    ("ema_cross", {"atr": 0}),
    ("ema_cross", {"fast": 3, "slow": 7, "atr": 5, "atr_pct_min": 0.2, "atr_pct_max": 1}),
    ("ema_cross", {"fast": 50, "slow": 123, "atr": 58, "atr_pct_min": 0.1}),
    ("donchian_breakout", {}),
    ("donchian_breakout", {"entry_bars": 55, "exit_bars": 20, "atr": 57}),
    ("donchian_breakout", {"entry_bars": 998, "exit_bars": 3, "atr": 1}),
    ("rsi_momentum", {}),
    ("rsi_momentum", {"bars": 7, "enter": 50, "leave": 50}),
    ("bollinger_reversion", {}),
    ("bollinger_reversion", {"bars": 100, "width": 1, "atr": 5}),
    ("supertrend", {}),
    ("supertrend", {"bars": 14, "multiple": 2}),
    ("trend_filter", {}),
    ("trend_filter", {"fast": 5, "slow": 20, "factor": 12, "trend": 20}),
    ("fusion", {}),
    ("fusion", {"members": "supertrend rsi_momentum:0.5", "bars": 30}),
]
REAL = [CASES[2], *(case for case in CASES if not case[1])]
FILES = sorted(DATA.glob("*.csv.gz")) if DATA.is_dir() else []
SAMPLES = 40


def disagreements(
    strategy: Strategy, candles: Sequence[Candle], warm_up_bars: int = 0
) -> tuple[int, int]:
    """How often the two folds act differently, over all bars that signal and others between.

    Bars on which the whole fold acts, evenly sampled, with the bars beside them (where a cross
    that came a bar early or late would stand); and others evenly between.
    """
    warm_up_bars = warm_up_bars or strategy.warm_up_bars
    whole = actions(strategy, candles)
    last = len(candles)
    acting = [i for i in range(warm_up_bars, last - 1) if whole[i] != (Action.HOLD, Action.HOLD)]
    step = max(1, len(acting) // SAMPLES)
    sample = {j for i in acting[::step] for j in (i - 1, i, i + 1)}
    sample.update(range(warm_up_bars, last, max(1, (last - warm_up_bars) // SAMPLES)))
    wrong = 0
    for i in sorted(sample):
        window = candles[i + 1 - warm_up_bars : i + 1]
        wrong += actions(strategy, window)[-1] != whole[i]
    return wrong, sum(whole[i] != (Action.HOLD, Action.HOLD) for i in sample)


@pytest.mark.parametrize(("name", "parameters"), CASES)
@pytest.mark.parametrize("seed", [11, 12])
def test_warm_up_suffices_on_a_seeded_walk(
    name: str, parameters: dict[str, Any], seed: int
) -> None:
    wrong, acted = disagreements(load(name, parameters), walk(4_000, seed))
    assert (wrong, acted > 10) == (0, True)


@pytest.mark.skipif(not FILES, reason="no real candles next to the project")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_warm_up_suffices_on_real_candles(path: Path) -> None:
    candles = real(path)[-8_000:]
    for name, parameters in REAL:
        wrong, acted = disagreements(load(name, parameters), candles)
        assert (wrong, acted > 10) == (0, True), name


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_a_twentieth_of_the_warm_up_would_not_do(name: str, parameters: dict[str, Any]) -> None:
    """The comparison above can fail: with a short warm-up it does."""
    strategy = load(name, parameters)
    hasty = max(strategy.warm_up_bars // 20, 2)
    wrong, _ = disagreements(strategy, walk(4_000, seed=11), hasty)
    assert wrong > 0


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("ema_cross", {"slow": 124}),
        ("ema_cross", {"atr": 59}),
        ("donchian_breakout", {"entry_bars": 999}),
        ("donchian_breakout", {"exit_bars": 1200}),
    ],
)
def test_a_warm_up_that_one_request_cannot_bring_is_refused(
    name: str, parameters: dict[str, int]
) -> None:
    (key, value), *_ = parameters.items()
    with pytest.raises(BadSetting, match=rf"^STRATEGY_PARAMETERS {key}={value}: {name} would need"):
        load(name, parameters)
    assert load(name, {key: 50}).warm_up_bars <= WARM_UP_BARS_MAX
