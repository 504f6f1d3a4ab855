"""Backtest and replay through the real use cases agree; recorded runs decide the same again."""

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from builders import market as rules_of
from crypto_ai_bot.backtest.engine import run
from crypto_ai_bot.backtest.market import Market, Terms
from crypto_ai_bot.backtest.parity import parity_of
from crypto_ai_bot.backtest.recorded import recall
from crypto_ai_bot.backtest.replay import replay, stage_of
from crypto_ai_bot.backtest.result import Result
from crypto_ai_bot.domain.errors import BadSetting
from crypto_ai_bot.domain.job import Job, Tick
from crypto_ai_bot.domain.market import MINUTE_MS, Symbol
from crypto_ai_bot.domain.order import Purpose
from crypto_ai_bot.domain.stop import StopRules, TakeProfitStep
from crypto_ai_bot.risk.limits import RiskLimits
from crypto_ai_bot.strategies.registry import load, names
from crypto_ai_bot.usecases.evaluate import evaluate
from unit.strategies.candles import walk

BEGIN_MS = 1_640_995_200_000  # 2022-01-01
TERMS = Terms(
    start_quote=Decimal(1_000),
    spread_pct=Decimal("0.02"),
    slippage_pct=Decimal("0.05"),
    stops=StopRules(hard_pct=2, trailing_pct=1),
)
STEPS = tuple(TakeProfitStep(gain, Decimal(part)) for gain, part in ((0.4, "0.3"), (0.7, "0.4")))
QUICK: dict[str, Any] = {"fast": 3, "slow": 7, "atr": 2}


def market_of(
    bars: int, seed: int, base: str = "BTC", missing: Sequence[int] = (), **changes: Any
) -> Market:
    """A seeded walk of minutes, some of them missing, under rules like Gate's."""
    rows = [row for number, row in enumerate(walk(bars, seed, 0.004)) if number not in missing]
    times, *columns, volumes = (list(column) for column in zip(*rows, strict=True))
    opens, highs, lows, closes = ([round(p, 4) for p in column] for column in columns)
    rules = rules_of(Symbol(base, "USDT"), price_step_quote=Decimal("0.0001"), **changes)
    opened_ms = [BEGIN_MS + at_ms for at_ms in times]
    return Market(rules.symbol, MINUTE_MS, rules, opened_ms, opens, highs, lows, closes, volumes)


def both(markets: Sequence[Market], strategy: Any, terms: Terms) -> tuple[Result, Result]:
    return run(markets, strategy, terms), replay(markets, strategy, terms)


@pytest.mark.parametrize("name", names())
def test_every_strategy_makes_the_same_orders_in_both(name: str) -> None:
    strategy = load(name, {})
    markets = [market_of(strategy.warm_up_bars + 250, seed=11)]
    parity = parity_of(*both(markets, strategy, TERMS))
    assert parity.same, parity.lines()
    assert parity.exact == parity.fills > 2


@pytest.mark.parametrize(
    ("stops", "limits", "purpose"),
    [
        (StopRules(hard_pct=0.5), RiskLimits(), Purpose.STOP),
        (StopRules(hard_pct=0, atr_multiple=1.5), RiskLimits(), Purpose.STOP),
        (StopRules(hard_pct=5, break_even_pct=0.2), RiskLimits(), Purpose.STOP),
        (StopRules(hard_pct=5, time_ms=7 * MINUTE_MS), RiskLimits(), Purpose.STOP),
        (StopRules(hard_pct=5, take_profit=STEPS), RiskLimits(), Purpose.TAKE_PROFIT),
        (
            StopRules(hard_pct=0.5),
            RiskLimits(
                cooldown_ms=9 * MINUTE_MS,
                spread_pct_max=Decimal("0.5"),
                orders_per_hour_max=9,
                daily_loss_quote_max=Decimal(9),
                exposure_quote_max=Decimal(250),
            ),
            Purpose.STOP,
        ),
    ],
)
def test_every_stop_and_limit_counts_the_same_over_several_symbols_and_gaps(
    stops: StopRules, limits: RiskLimits, purpose: Purpose
) -> None:
    markets = [
        market_of(330, 1),
        market_of(330, 2, "ETH", missing=(150, 151, 230)),
        market_of(330, 3, "SOL"),
    ]
    terms = replace(TERMS, start_quote=Decimal(190), stops=stops, limits=limits)
    backtest, replayed = both(markets, load("ema_cross", QUICK), terms)
    parity = parity_of(backtest, replayed)
    assert parity.same, parity.lines()
    assert any(fill.purpose is purpose for fill in backtest.fills)
    assert len({fill.symbol for fill in backtest.fills}) == len(markets)


def test_a_difference_is_told_with_its_cause() -> None:
    markets = [market_of(330, 1), market_of(330, 2, "ETH")]
    strategy = load("ema_cross", QUICK)
    poor = replace(TERMS, start_quote=Decimal(150))
    parity = parity_of(run(markets, strategy, TERMS), replay(markets, strategy, poor))
    assert not parity.same
    assert "USDT entry: objected 'nothing' in the backtest, 'balance: " in parity.differences[0]
    assert any(": only the backtest did, because " in line for line in parity.differences)
    assert parity.as_json()["same"] is False
    other_fee = run([market_of(330, 1, taker_fee_rate=Decimal("0.001"))], strategy, TERMS)
    lines = parity_of(run(markets[:1], strategy, TERMS), other_fee).differences
    assert "BTC/USDT entry: base 1.0155" in lines[0]


@pytest.mark.parametrize(
    ("terms", "changes", "line"),
    [
        (replace(TERMS, amount_quote=None), {}, "a replay trades as the bot does"),
        (TERMS, {"amount_step_base": Decimal(0)}, "a replay trades as at an exchange"),
    ],
)
def test_what_the_bot_cannot_do_is_not_replayed(
    terms: Terms, changes: dict[str, Any], line: str
) -> None:
    with pytest.raises(BadSetting, match=f"^{line}"):
        replay([market_of(50, 1, **changes)], load("ema_cross", QUICK), terms)


def recorded(path: Path, market: Market) -> int:
    """A run as the functions log it: evaluate on each bar, at the prices of then."""
    strategy = load("ema_cross", QUICK)
    stage = stage_of([market], strategy, TERMS)
    lines = []
    for number, opened_ms in enumerate(market.opened_ms[80:], start=80):
        stage.clock.at_ms = opened_ms
        stage.feed.show(market.symbol, market.opens[number])
        outcome = evaluate(stage.desk, Tick(Job.EVALUATE, opened_ms, "event", f"run-{number}"))
        lines.append(json.dumps({"message": "run", "outcome": outcome.as_json()}))
    path.write_text("\n".join(lines) + "\n")
    return sum('"decision": "enter"' in line for line in lines)


def test_a_recorded_run_decides_the_same_again(tmp_path: Path) -> None:
    path, market = tmp_path / "run.jsonl", market_of(330, 1)
    assert recorded(path, market) > 3
    found = recall(path, [market], load("ema_cross", QUICK), TERMS)
    assert (found.runs, found.decisions, found.differences) == (250, 250, ())
    other = recall(path, [market], load("ema_cross", {**QUICK, "slow": 9}), TERMS)
    assert other.differences
    assert "evaluate BTC/USDT: " in other.differences[0]
    assert " then (" in other.differences[0]


@pytest.mark.parametrize(
    ("text", "line"),
    [("no json", "line 1: is not JSON"), ('{"job": "evaluate"}', "line 1: not an outcome")],
)
def test_what_is_no_record_gets_one_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text)
    with pytest.raises(BadSetting, match=line):
        recall(path, [market_of(50, 1)], load("ema_cross", QUICK), TERMS)
    with pytest.raises(BadSetting, match="cannot be read"):
        recall(tmp_path / "none", [market_of(50, 1)], load("ema_cross", QUICK), TERMS)
