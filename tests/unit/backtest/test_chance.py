"""The checks against luck, held against what is known of luck."""

import random

import pytest

from crypto_ai_bot.backtest.benchmark import buy_and_hold
from crypto_ai_bot.backtest.chance import _resampled, confidence
from crypto_ai_bot.backtest.market import Terms
from crypto_ai_bot.backtest.market_alone import _line, against_the_market
from crypto_ai_bot.backtest.verdict import Standing
from small_backtest import TERMS, Riding, market_of, noise, run, without_costs


def test_the_bootstrap_of_equal_days_is_their_product() -> None:
    totals = _resampled([0.01] * 50, random.Random(1))  # noqa: S311 - as it is given
    assert totals == pytest.approx([1.01**50 - 1] * len(totals))


def test_the_bootstrap_spreads_as_independent_days_do() -> None:
    """100 days of a deviation of 1 % each: a total of about 10 %, so 95 of 100 within 20 %."""
    chance = random.Random(2)  # noqa: S311 - made days
    daily = [chance.gauss(0, 0.01) for _ in range(400)]
    mean = sum(daily) / len(daily)
    check = confidence([one - mean for one in daily], seed=3)
    assert check.standing is Standing.UNCLEAR
    assert -48 < (check.figures["low_pct"] or 0) < -24
    assert 24 < (check.figures["high_pct"] or 0) < 70


def test_few_days_are_not_judged() -> None:
    assert confidence([0.5] * 29, seed=1).standing is Standing.UNCLEAR
    assert confidence([0.5] * 30, seed=1).standing is Standing.PASSES


def test_the_line_through_known_points() -> None:
    """y = 1 + 2x with errors 0.1, -0.2, 0.1: slope, height and the height's t by hand."""
    line = _line([0.0, 1.0, 2.0], [1.1, 2.8, 5.1])
    assert line.beta == pytest.approx(2.0)
    assert line.alpha == pytest.approx(1.0)
    assert line.alpha_t == pytest.approx(1.0 / (0.06 * (1 / 3 + 1 / 2)) ** 0.5)
    assert line.explained == pytest.approx(1 - 0.06 / 8.06)


def test_a_market_that_never_moved_explains_nothing() -> None:
    check = against_the_market([0.0] * 40, [0.0] * 40, 0.0, 0.0, 1.0)
    assert check.standing is Standing.FAILS


def test_buy_and_hold_is_what_an_always_in_strategy_is_but_for_its_pauses() -> None:
    market = without_costs(noise(600, 4))
    terms = Terms(amount_quote=None)
    result = run([market], Riding(), terms)
    held = buy_and_hold([market], terms, result.equity.times_ms, warm_up_bars=1)
    assert held.quote[:700] == pytest.approx(result.equity.quote[:700])


def test_buy_and_hold_pays_its_costs_and_shares_the_account() -> None:
    markets = [market_of([100.0] * 9), market_of([50.0] * 9, "ETH")]
    times = [m + markets[0].timeframe_ms for m in markets[0].opened_ms]
    held = buy_and_hold(markets, TERMS, times, warm_up_bars=3)
    assert held.quote[:3] == [10_000.0] * 3
    assert held.quote[3:] == pytest.approx([10_000 * (1 - 0.002 - 0.0003)] * 6)
    stake = Terms()
    last = buy_and_hold(markets, stake, times, warm_up_bars=3).quote[-1]
    assert last == pytest.approx(10_000 - 2 * 100 * 0.002)
    assert buy_and_hold(markets, stake, times, warm_up_bars=99).quote[-1] == 10_000
